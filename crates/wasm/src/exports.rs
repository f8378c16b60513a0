//! What the module exports: numbers only, so that nobody is given a pointer. Text goes in and comes out byte by byte.

use std::cell::RefCell;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Adds up to four bytes to the input, the lowest first.
#[allow(unsafe_code, reason = "a name by which the host finds the function")]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn nanozk_push(bytes: u32, count: u32) {
    let count = (count as usize).min(4);
    INPUT.with_borrow_mut(|input| input.extend(&bytes.to_le_bytes()[..count]));
}

/// Judges the input, which is UTF-8, and forgets it; gives the length of the answer.
#[allow(unsafe_code, reason = "a name by which the host finds the function")]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn nanozk_verify() -> u32 {
    let input = INPUT.take();
    let question = String::from_utf8_lossy(&input);
    let answer = crate::verdict(&question).into_bytes();
    let length = answer.len() as u32;
    OUTPUT.set(answer);
    length
}

/// Four bytes of the answer from an index on, the lowest first; zeros beyond the end.
#[allow(unsafe_code, reason = "a name by which the host finds the function")]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn nanozk_pull(index: u32) -> u32 {
    OUTPUT.with_borrow(|output| {
        let byte = |i: u32| output.get((index + i) as usize).copied().unwrap_or(0);
        u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)])
    })
}

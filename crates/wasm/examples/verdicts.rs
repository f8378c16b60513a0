//! Reads questions from standard input, one a line, and writes the verdicts, one a line: what the module in WebAssembly is compared
//! with.

use std::io::{BufRead, Write, stdin, stdout};

fn main() -> std::io::Result<()> {
    for line in stdin().lock().lines() {
        writeln!(stdout(), "{}", nanozk_wasm::verdict(&line?))?;
    }
    Ok(())
}

//! Field elements and points as the machine has them: four words in Montgomery form, `R = 2^256`.

use halo2curves::bn256::{Fq, G1Affine};
use halo2curves::serde::SerdeObject;

/// Little-endian words of a number below `2^256`.
pub(crate) type Words = [u64; 4];

/// Order of the base field of BN254.
pub(crate) const Q: Words = [
    0x3c20_8c16_d87c_fd47,
    0x9781_6a91_6871_ca8d,
    0xb850_45b6_8181_585d,
    0x3064_4e72_e131_a029,
];

/// Order of the scalar field of BN254.
#[cfg(any(test, target_arch = "x86_64"))]
pub(crate) const R: Words = [
    0x43e1_f593_f000_0001,
    0x2833_e848_79b9_7091,
    0xb850_45b6_8181_585d,
    0x3064_4e72_e131_a029,
];

/// An affine point that is not the identity. Coordinates are residues modulo `q` in Montgomery form, below `1.01·q`: the
/// vector code does not reduce them further than its next operation needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Point {
    pub(crate) x: Words,
    pub(crate) y: Words,
}

impl Point {
    /// `None` for the identity.
    pub(crate) fn new(p: &G1Affine) -> Option<Self> {
        let point = Self {
            x: words(&p.x),
            y: words(&p.y),
        };
        (point != Self::default()).then_some(point)
    }

    pub(crate) fn affine(&self) -> G1Affine {
        G1Affine {
            x: element(self.x),
            y: element(self.y),
        }
    }

    /// `2q - y` for `y`: below `2q`, whether `y` is reduced or not.
    #[inline]
    pub(crate) fn negated(mut self) -> Self {
        self.y = subtract(TWICE_Q, self.y).0;
        self
    }
}

const TWICE_Q: Words = {
    let mut twice = [0; 4];
    let mut i = 0;
    let mut carry = 0;
    while i < 4 {
        twice[i] = (Q[i] << 1) | carry;
        carry = Q[i] >> 63;
        i += 1;
    }
    twice
};

/// `a - b` modulo `2^256`, and whether it wrapped.
#[inline]
pub(crate) fn subtract(a: Words, b: Words) -> (Words, bool) {
    let mut difference = [0; 4];
    let mut borrow = false;
    for i in 0..4 {
        let (d, first) = a[i].overflowing_sub(b[i]);
        let (d, second) = d.overflowing_sub(u64::from(borrow));
        difference[i] = d;
        borrow = first | second;
    }
    (difference, borrow)
}

/// The least residue of a number below `2^256`, which is less than six times `modulus`.
#[inline]
pub(crate) fn reduced(mut x: Words, modulus: Words) -> Words {
    loop {
        match subtract(x, modulus) {
            (_, true) => return x,
            (less, false) => x = less,
        }
    }
}

/// The element whose Montgomery form is a number below `2^256`.
pub(crate) fn element(x: Words) -> Fq {
    from_montgomery(reduced(x, Q))
}

/// The element whose Montgomery form these words are; they must be below the modulus.
#[inline]
pub(crate) fn from_montgomery<F: SerdeObject>(x: Words) -> F {
    let mut bytes = [0; 32];
    for (to, word) in bytes.as_chunks_mut().0.iter_mut().zip(x) {
        *to = word.to_le_bytes();
    }
    F::from_raw_bytes_unchecked(&bytes)
}

/// The words of an element's Montgomery form.
#[inline]
pub(crate) fn words<F: SerdeObject>(x: &F) -> Words {
    let mut bytes = [0; 32];
    // Writing 32 bytes to a slice of 32 bytes succeeds.
    let written = x.write_raw(&mut &mut bytes[..]);
    debug_assert!(written.is_ok());
    let mut words = [0; 4];
    for (word, from) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_le_bytes(*from);
    }
    words
}

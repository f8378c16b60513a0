//! Scalars of a multi-scalar multiplication: small integers cost as much as their bits.

use crate::raw::{subtract, Words};
use halo2curves::bn256::Fr;
use halo2curves::ff::PrimeField;

/// A number that multiplies a point.
pub trait Scalar: Copy + Send + Sync {
    /// What is subtracted from all numbers, so that they are as often negative as not, and fit into fewer digits. Zero if
    /// they do already.
    #[doc(hidden)]
    const MIDDLE: u64;
    /// Bits of the absolute value, at most; with `MIDDLE` subtracted, and without.
    #[doc(hidden)]
    const BITS: [u32; 2];

    /// Whether the number less `middle` is negative, and its absolute value.
    #[doc(hidden)]
    fn parts(self, middle: u64) -> (bool, Words);
}

macro_rules! unsigned {
    ($type:ty, $bits:expr) => {
        impl Scalar for $type {
            // One less than half: digits are from 1 - half to half.
            const MIDDLE: u64 = (1 << ($bits - 1)) - 1;
            const BITS: [u32; 2] = [$bits - 1, $bits];

            #[inline]
            fn parts(self, middle: u64) -> (bool, Words) {
                let x = u64::from(self);
                (x < middle, [x.abs_diff(middle), 0, 0, 0])
            }
        }
    };
}

unsigned!(u8, 8);
unsigned!(u16, 16);
unsigned!(u32, 32);

impl Scalar for i32 {
    const MIDDLE: u64 = 0;
    const BITS: [u32; 2] = [31, 31];

    #[inline]
    fn parts(self, _: u64) -> (bool, Words) {
        (self < 0, [u64::from(self.unsigned_abs()), 0, 0, 0])
    }
}

impl Scalar for Fr {
    const MIDDLE: u64 = 0;
    const BITS: [u32; 2] = [253, 253];

    #[inline]
    fn parts(self, _: u64) -> (bool, Words) {
        let mut x = [0; 4];
        for (word, bytes) in x.iter_mut().zip(self.to_repr().chunks_exact(8)) {
            *word = bytes
                .iter()
                .rev()
                .fold(0, |w, byte| (w << 8) | u64::from(*byte));
        }
        // The smaller of x and r - x has one bit less.
        match subtract(HALF_R, x) {
            (_, false) => (false, x),
            (_, true) => (true, subtract(R, x).0),
        }
    }
}

/// Order of the scalar field of BN254, and half of it, rounded down.
const R: Words = [
    0x43e1_f593_f000_0001,
    0x2833_e848_79b9_7091,
    0xb850_45b6_8181_585d,
    0x3064_4e72_e131_a029,
];
const HALF_R: Words = [
    0xa1f0_fac9_f800_0000,
    0x9419_f424_3cdc_b848,
    0xdc28_22db_40c0_ac2e,
    0x1832_2739_7098_d014,
];

/// Digits to the base `2^bits`, the lowest first, each from `1 - 2^(bits - 1)` to `2^(bits - 1)`. The number must be below
/// `2^(bits·digits - 1)`, or that.
#[inline]
pub(crate) fn digits(
    negative: bool,
    magnitude: Words,
    bits: u32,
    digits: usize,
    mut put: impl FnMut(usize, i32),
) {
    let mut carry = 0;
    for i in 0..digits {
        let start = i as u32 * bits;
        let (word, shift) = ((start / 64) as usize, start % 64);
        let mut digit = magnitude.get(word).map_or(0, |w| w >> shift);
        if shift + bits > 64 {
            digit |= magnitude.get(word + 1).map_or(0, |w| w << (64 - shift));
        }
        let digit = (digit & ((1 << bits) - 1)) as i32 + carry;
        carry = i32::from(digit > 1 << (bits - 1));
        let digit = digit - (carry << bits);
        put(i, if negative { -digit } else { digit });
    }
    debug_assert_eq!(carry, 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2curves::ff::Field;
    use proptest::prelude::*;

    /// The number that digits stand for.
    fn value(negative: bool, magnitude: Words, bits: u32, count: usize) -> Fr {
        let mut value = Fr::ZERO;
        let mut power = Fr::ONE;
        digits(negative, magnitude, bits, count, |_, digit| {
            assert!(digit.unsigned_abs() <= 1 << (bits - 1));
            let size = power * Fr::from(u64::from(digit.unsigned_abs()));
            value += if digit < 0 { -size } else { size };
            power *= Fr::from(1 << bits);
        });
        value
    }

    fn check<S: Scalar>(x: S, expected: Fr) {
        for (middle, size) in [(S::MIDDLE, S::BITS[0]), (0, S::BITS[1])] {
            let (negative, magnitude) = x.parts(middle);
            for bits in [4, 7, 13, 16] {
                let count = (size + 1).div_ceil(bits) as usize;
                let got = value(negative, magnitude, bits, count) + Fr::from(middle);
                assert_eq!(got, expected, "{bits} bits a digit");
            }
        }
    }

    fn check_integer<S: Scalar + Into<u64>>(x: S) {
        check(x, Fr::from(x.into()));
    }

    #[test]
    fn digits_stand_for_the_number_at_the_ends() {
        for x in [0, 1, 127, 128, 129, 254, 255] {
            check_integer(x as u8);
        }
        for x in [0, 1, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff] {
            check_integer(x as u16);
            check_integer(u32::from(x as u16) << 16 | 0x8000);
        }
        for x in [
            0,
            1,
            0x7fff_fffe,
            0x7fff_ffff,
            0x8000_0000,
            0x8000_0001,
            u32::MAX,
        ] {
            check_integer(x);
        }
        let half = Fr::from(2).invert().unwrap();
        for x in [Fr::ZERO, Fr::ONE, -Fr::ONE, half, half - Fr::ONE, -half] {
            check(x, x);
        }
    }

    #[test]
    fn signed_integers_are_their_size_and_sign() {
        for x in [0, 1, -1, i32::MAX, i32::MIN + 1] {
            let (negative, magnitude) = x.parts(0);
            let size = Fr::from(u64::from(x.unsigned_abs()));
            let got = value(negative, magnitude, 16, 2);
            assert_eq!(got, if x < 0 { -size } else { size });
        }
        // 2^31 is the greatest digit to the base 2^16, times that base.
        let (negative, magnitude) = i32::MIN.parts(0);
        assert_eq!(value(negative, magnitude, 16, 2), -Fr::from(1 << 31));
    }

    proptest! {
        #[test]
        fn digits_stand_for_the_number(words: [u64; 4], a: u8, b: u16, c: u32) {
            let x = Fr::from_raw(words);
            check(x, x);
            check_integer(a);
            check_integer(b);
            check_integer(c);
        }
    }
}

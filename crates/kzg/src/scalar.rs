//! Scalars of a multi-scalar multiplication: small integers cost as much as their bits.

use crate::raw::{Words, subtract, words};
use halo2curves::bn256::Fr;
use halo2curves::ff::PrimeField;

/// A number that multiplies a point.
pub trait Scalar: Copy + Send + Sync {
    /// The number, unless it is a field element.
    #[doc(hidden)]
    fn integer(self) -> Option<i128>;

    /// Whether the number less `middle` is negative, and its absolute value. A field element is taken as the one of `x` and
    /// `x - r` that is closer to zero, and has no middle.
    #[doc(hidden)]
    fn parts(self, middle: i128) -> (bool, Words);
}

macro_rules! integer {
    ($($type:ty),*) => {$(
        impl Scalar for $type {
            #[inline]
            fn integer(self) -> Option<i128> {
                Some(self.into())
            }

            #[inline]
            fn parts(self, middle: i128) -> (bool, Words) {
                let x: i128 = self.into();
                let size = x.abs_diff(middle);
                (x < middle, [size as u64, (size >> 64) as u64, 0, 0])
            }
        }
    )*};
}

integer!(u8, u16, u32, u64, i8, i16, i32, i64, i128);

impl Scalar for Fr {
    #[inline]
    fn integer(self) -> Option<i128> {
        None
    }

    #[inline]
    fn parts(self, _: i128) -> (bool, Words) {
        // Zeros are many, and what follows is a multiplication.
        if words(&self) == [0; 4] {
            return (false, [0; 4]);
        }
        let mut x = [0; 4];
        for (word, bytes) in x.iter_mut().zip(self.to_repr().as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        // The smaller of x and r - x has one bit less.
        match subtract(HALF_R, x) {
            (_, false) => (false, x),
            (_, true) => (true, subtract(R, x).0),
        }
    }
}

/// Order of the scalar field of BN254, and half of it, rounded down.
pub(crate) const R: Words = [
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

/// An integer as a field element.
pub(crate) fn field_element(x: i128) -> Fr {
    let size = Fr::from_u128(x.unsigned_abs());
    if x < 0 { -size } else { size }
}

/// What a list of scalars has in common.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Survey {
    /// How many are not zero.
    pub(crate) nonzero: usize,
    /// The least `b` so that no absolute value is above `2^b`.
    pub(crate) bits: u32,
    /// The least and the greatest, if they are integers that fit into 65 bits with their sign. Without scalars, none.
    pub(crate) range: Option<(i128, i128)>,
    /// Whether there were scalars without such a range.
    unbounded: bool,
}

impl Survey {
    pub(crate) fn of<S: Scalar>(scalars: &[S]) -> Self {
        let mut nonzero = 0;
        let mut union = [0; 4];
        let mut range = None;
        for scalar in scalars {
            let (_, size) = scalar.parts(0);
            if size != [0; 4] {
                nonzero += 1;
                for (u, s) in union.iter_mut().zip(subtract(size, [1, 0, 0, 0]).0) {
                    *u |= s;
                }
            }
            if let Some(x) = scalar.integer() {
                let (least, greatest) = range.get_or_insert((x, x));
                *least = x.min(*least);
                *greatest = x.max(*greatest);
            }
        }
        let limit = i128::from(u64::MAX);
        let range = range.filter(|(least, greatest)| *least >= -limit && *greatest <= limit);
        Self {
            nonzero,
            bits: bit_length(union),
            range,
            unbounded: range.is_none() && !scalars.is_empty(),
        }
    }

    /// That of both lists together.
    pub(crate) fn union(self, other: Self) -> Self {
        let unbounded = self.unbounded || other.unbounded;
        let range = match (self.range, other.range) {
            _ if unbounded => None,
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        Self {
            nonzero: self.nonzero + other.nonzero,
            bits: self.bits.max(other.bits),
            range,
            unbounded,
        }
    }
}

fn bit_length(x: Words) -> u32 {
    (0..4)
        .rev()
        .find(|i| x[*i] != 0)
        .map_or(0, |i| 64 * (i as u32 + 1) - x[i].leading_zeros())
}

/// Cuts a number into pieces of `64·words` bits, the lowest first, each from `-2^(64·words - 1)` to `2^(64·words - 1)`:
/// whether it is negative, and its absolute value. The number must be within these bounds for all pieces together.
#[inline]
pub(crate) fn pieces(
    magnitude: Words,
    words: usize,
    count: usize,
    mut put: impl FnMut(usize, bool, Words),
) {
    let mut carry = 0;
    for i in 0..count {
        let mut piece = [0; 4];
        let mut overflow = carry;
        for (j, to) in piece.iter_mut().take(words).enumerate() {
            let word = magnitude.get(i * words + j).copied().unwrap_or(0);
            let (sum, over) = word.overflowing_add(overflow);
            *to = sum;
            overflow = u64::from(over);
        }
        // 2^(64·words) itself: zero here, and one in the next.
        carry = overflow;
        let top = piece[words - 1];
        let half = 1 << 63;
        let above = top > half || (top == half && piece[..words - 1].iter().any(|w| *w != 0));
        if above && i + 1 < count {
            carry += 1;
            let mut borrow = true;
            for word in &mut piece[..words] {
                let (negated, over) = (!*word).overflowing_add(u64::from(borrow));
                *word = negated;
                borrow = over;
            }
        }
        put(i, above && i + 1 < count, piece);
    }
    debug_assert_eq!(carry, 0);
}

/// Digits to the base `2^bits`, the lowest first, each from `1 - 2^(bits - 1)` to `2^(bits - 1)`. The number must be at
/// most `2^(bits·digits - 1)`.
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

    fn two_to_the(bits: usize) -> Fr {
        Fr::from(2).pow_vartime([bits as u64])
    }

    /// The number that digits of pieces stand for.
    fn value(negative: bool, magnitude: Words, words: usize, bits: u32, size: u32) -> Fr {
        let count = (size as usize + 1).div_ceil(64 * words);
        let piece_size = size.min(64 * words as u32 - 1);
        let windows = (piece_size as usize + 1).div_ceil(bits as usize);
        let mut sum = Fr::ZERO;
        pieces(magnitude, words, count, |i, opposite, piece| {
            digits(negative != opposite, piece, bits, windows, |w, digit| {
                assert!(digit.unsigned_abs() <= 1 << (bits - 1));
                let shift = two_to_the(64 * words * i + bits as usize * w);
                sum += field_element(digit.into()) * shift;
            });
        });
        sum
    }

    fn check<S: Scalar>(x: S, expected: Fr) {
        for middle in [0, 127, 0x7fff, i128::from(u32::MAX / 2)] {
            let (negative, magnitude) = x.parts(middle);
            let got = if x.integer().is_none() {
                expected
            } else {
                expected - field_element(middle)
            };
            let less = subtract(magnitude, [u64::from(magnitude != [0; 4]), 0, 0, 0]).0;
            let size = bit_length(less);
            for bits in [2, 4, 7, 13, 16] {
                for words in [1, 2, 4] {
                    assert_eq!(value(negative, magnitude, words, bits, size), got);
                }
            }
        }
    }

    fn check_integer<S: Scalar>(x: S) {
        check(x, field_element(x.integer().unwrap()));
    }

    #[test]
    fn digits_stand_for_the_number_at_the_ends() {
        for x in [0, 1, 2, i128::MAX, i128::MIN, i128::MIN + 1] {
            for near in [-1, 0, 1] {
                for shift in [0, 63, 64, 65, 111, 112, 120] {
                    let x = (x >> shift).saturating_add(near);
                    check_integer(x);
                    check_integer(x as u8);
                    check_integer(x as u16);
                    check_integer(x as u32);
                    check_integer(x as u64);
                    check_integer(x as i32);
                    check_integer(x as i64);
                }
            }
        }
        let half = Fr::from(2).invert().unwrap();
        for x in [Fr::ZERO, Fr::ONE, -Fr::ONE, half, half - Fr::ONE, -half] {
            check(x, x);
        }
        for bits in [63, 64, 127, 128, 191, 192, 252] {
            for near in [-Fr::ONE, Fr::ZERO, Fr::ONE] {
                check(two_to_the(bits) + near, two_to_the(bits) + near);
            }
        }
    }

    #[test]
    fn a_survey_finds_bits_and_ends() {
        let survey = Survey::of(&[0, 3, -8, 0, 5]);
        assert_eq!((survey.nonzero, survey.bits), (3, 3));
        assert_eq!(survey.range, Some((-8, 5)));
        let survey = Survey::of(&[Fr::ZERO, -Fr::from(9)]);
        assert_eq!((survey.nonzero, survey.bits), (1, 4));
        assert_eq!(survey.range, None);
        assert_eq!(Survey::of(&[i128::MIN]).range, None);
        assert_eq!(Survey::of(&[i128::MIN]).bits, 127);
        assert_eq!(Survey::of::<u8>(&[]).bits, 0);
    }

    proptest! {
        #[test]
        fn digits_stand_for_the_number(words: [u64; 4], a: i128, shift in 0..127_u32) {
            let x = Fr::from_raw(words);
            check(x, x);
            let a = a >> shift;
            check_integer(a);
            check_integer(a as u64);
            check_integer(a as i32);
        }
    }
}

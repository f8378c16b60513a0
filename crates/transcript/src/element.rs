//! What a verifier computes with: numbers, or what stands for numbers.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use std::fmt::Debug;
use std::iter::{Product, Sum};
use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// An element of the scalar field, or a wire of a circuit that has one.
///
/// A verifier that is generic over it says what it checks in one place, whether it computes or records. So it must not depend
/// on values where it branches: comparisons may be of wires, of which two can have the same value and still differ. It may ask
/// whether two elements are the same in order to do something once, and refuse elements that are if an inversion refuses those
/// of equal value.
pub trait Element:
    Copy
    + Debug
    + Eq
    + Ord
    + Neg<Output = Self>
    + Add<Output = Self>
    + for<'a> Add<&'a Self, Output = Self>
    + AddAssign
    + for<'a> AddAssign<&'a Self>
    + Sub<Output = Self>
    + for<'a> Sub<&'a Self, Output = Self>
    + SubAssign
    + for<'a> SubAssign<&'a Self>
    + Mul<Output = Self>
    + for<'a> Mul<&'a Self, Output = Self>
    + MulAssign
    + for<'a> MulAssign<&'a Self>
    + Sum
    + for<'a> Sum<&'a Self>
    + Product
    + for<'a> Product<&'a Self>
{
    /// A number that is the same in every proof.
    fn constant(value: Fr) -> Self;

    /// The inverse; none of zero. A circuit asserts that there is one.
    fn invert(self) -> Option<Self>;

    /// Zero.
    fn zero() -> Self {
        Self::constant(Fr::ZERO)
    }

    /// One.
    fn one() -> Self {
        Self::constant(Fr::ONE)
    }

    /// Twice the element.
    fn double(self) -> Self {
        self + self
    }

    /// The square.
    fn square(self) -> Self {
        self * self
    }

    /// A power.
    fn pow(self, exponent: u64) -> Self {
        let Some(top) = exponent.checked_ilog2() else {
            return Self::one();
        };
        (0..top).rev().fold(self, |power, bit| {
            let square = power.square();
            match exponent >> bit & 1 {
                1 => square * self,
                _ => square,
            }
        })
    }
}

impl Element for Fr {
    fn constant(value: Fr) -> Self {
        value
    }

    fn invert(self) -> Option<Self> {
        Field::invert(&self).into()
    }

    fn double(self) -> Self {
        Field::double(&self)
    }

    fn square(self) -> Self {
        Field::square(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers() {
        let x = Fr::from(0x1234_5678_9abc);
        let mut expected = Fr::ONE;
        for exponent in 0..70 {
            assert_eq!(Element::pow(x, exponent), expected);
            expected *= x;
        }
        let high = 1 << 63 | 5;
        assert_eq!(Element::pow(x, high), x.pow_vartime([high]));
    }
}

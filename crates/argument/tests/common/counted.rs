//! Numbers that count what is done with them: a second kind of elements for the verifier, beside numbers that do not.

use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_transcript::{Element, Malformed, Transcript};
use std::cell::Cell;
use std::iter::{Product, Sum};
use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// What was done. Nothing is done for what every proof has: numbers made of constants, products by 0 and 1, sums with 0,
/// and signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// Products of two variables.
    pub(crate) products: usize,
    /// Products of a variable and a constant.
    pub(crate) multiples: usize,
    /// Sums and differences.
    pub(crate) sums: usize,
    /// Inverses.
    pub(crate) inverses: usize,
    /// Scalars absorbed.
    pub(crate) scalars: usize,
    /// Points absorbed.
    pub(crate) points: usize,
    /// Challenges drawn.
    pub(crate) challenges: usize,
}

thread_local! {
    static WORK: Cell<Work> = Cell::default();
}

/// What was done by this thread since it was last asked.
pub(crate) fn take_work() -> Work {
    WORK.take()
}

fn count(add: impl FnOnce(&mut Work)) {
    let mut work = WORK.get();
    add(&mut work);
    WORK.set(work);
}

/// A number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counted {
    pub(crate) value: Fr,
    constant: bool,
}

impl Counted {
    /// A number that proofs, challenges or inputs determine.
    pub(crate) fn variable(value: Fr) -> Self {
        Self {
            value,
            constant: false,
        }
    }

    fn is(&self, value: Fr) -> bool {
        self.constant && self.value == value
    }

    fn plus(self, other: Self, value: Fr) -> Self {
        if !(self.constant && other.constant || self.is(Fr::ZERO) || other.is(Fr::ZERO)) {
            count(|work| work.sums += 1);
        }
        Self {
            value,
            constant: self.constant && other.constant,
        }
    }

    fn times(self, other: Self) -> Self {
        if self.is(Fr::ZERO) || other.is(Fr::ZERO) {
            return Self::zero();
        }
        match (self.constant, other.constant) {
            (false, false) => count(|work| work.products += 1),
            (true, true) => (),
            _ if self.is(Fr::ONE) || other.is(Fr::ONE) => (),
            _ => count(|work| work.multiples += 1),
        }
        Self {
            value: self.value * other.value,
            constant: self.constant && other.constant,
        }
    }
}

impl Element for Counted {
    fn constant(value: Fr) -> Self {
        Self {
            value,
            constant: true,
        }
    }

    fn invert(self) -> Option<Self> {
        if !self.constant {
            count(|work| work.inverses += 1);
        }
        let value = Option::from(Field::invert(&self.value))?;
        Some(Self { value, ..self })
    }
}

impl Neg for Counted {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            value: -self.value,
            ..self
        }
    }
}

/// Operators with numbers and with references to numbers.
macro_rules! operators {
    ($($trait:ident $method:ident $assign:ident $assign_method:ident $definition:expr;)*) => {$(
        impl $trait for Counted {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                $definition(self, other)
            }
        }

        impl<'a> $trait<&'a Counted> for Counted {
            type Output = Self;

            fn $method(self, other: &'a Counted) -> Self {
                $trait::$method(self, *other)
            }
        }

        impl $assign for Counted {
            fn $assign_method(&mut self, other: Self) {
                *self = $trait::$method(*self, other);
            }
        }

        impl<'a> $assign<&'a Counted> for Counted {
            fn $assign_method(&mut self, other: &'a Counted) {
                *self = $trait::$method(*self, *other);
            }
        }
    )*};
}
operators! {
    Add add AddAssign add_assign |a: Self, b: Self| a.plus(b, a.value + b.value);
    Sub sub SubAssign sub_assign |a: Self, b: Self| a.plus(b, a.value - b.value);
    Mul mul MulAssign mul_assign Counted::times;
}

impl Sum for Counted {
    fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
        numbers.fold(Self::zero(), Add::add)
    }
}

impl<'a> Sum<&'a Counted> for Counted {
    fn sum<I: Iterator<Item = &'a Counted>>(numbers: I) -> Self {
        numbers.copied().sum()
    }
}

impl Product for Counted {
    fn product<I: Iterator<Item = Self>>(numbers: I) -> Self {
        numbers.fold(Self::one(), Mul::mul)
    }
}

impl<'a> Product<&'a Counted> for Counted {
    fn product<I: Iterator<Item = &'a Counted>>(numbers: I) -> Self {
        numbers.copied().product()
    }
}

/// A transcript of numbers that count, by one of numbers that do not.
pub(crate) struct Counting<T>(pub(crate) T);

impl<T: Transcript> Transcript<Counted> for Counting<T> {
    fn absorb_scalar(&mut self, scalar: &Counted) {
        count(|work| work.scalars += 1);
        self.0.absorb_scalar(&scalar.value);
    }

    fn absorb_point(&mut self, point: &G1Affine) -> Result<(), Malformed> {
        count(|work| work.points += 1);
        self.0.absorb_point(point)
    }

    fn squeeze(&mut self) -> Counted {
        count(|work| work.challenges += 1);
        Counted::variable(self.0.squeeze())
    }
}

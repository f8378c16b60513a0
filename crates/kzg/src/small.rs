//! Sums of small integers times field elements, reduced once.
//!
//! [`Weights`] are field elements that meet many integers: inner products with rows of a tensor. [`Sums`] are many sums that
//! grow together: a linear combination of columns of integers, with factors that come one after the other.

use crate::raw::{Words, from_montgomery, reduced, subtract, words};
use crate::scalar::R;
use halo2curves::bn256::Fr;

/// An integer of at most 64 bits.
pub trait Small: Copy + Send + Sync {
    /// Whether it is negative, and its absolute value.
    #[doc(hidden)]
    fn split(self) -> (bool, u64);
}

macro_rules! small {
    ($($unsigned:ty, $signed:ty);*) => {$(
        impl Small for $unsigned {
            #[inline]
            fn split(self) -> (bool, u64) {
                (false, self.into())
            }
        }

        impl Small for $signed {
            #[inline]
            fn split(self) -> (bool, u64) {
                (self < 0, self.unsigned_abs().into())
            }
        }
    )*};
}

small!(u8, i8; u16, i16; u32, i32; u64, i64);

/// A field element's words, and those of its negation, which are below `2^254`.
type Signed = [Words; 2];

fn signed(x: &Fr) -> Signed {
    let x = words(x);
    [x, subtract(R, x).0]
}

/// A sum of products, of which 384 bits hold `2^66`.
#[derive(Clone, Copy, Debug, Default)]
struct Sum([u64; 6]);

impl Sum {
    #[inline]
    fn add(&mut self, small: impl Small, x: &Signed) {
        let (negative, size) = small.split();
        self.add_product(size, &x[usize::from(negative)]);
    }

    #[inline]
    fn add_product(&mut self, size: u64, x: &Words) {
        let [s0, s1, s2, s3, s4, s5] = &mut self.0;
        let size = u128::from(size);
        let mut carry = 0;
        for (sum, word) in [s0, s1, s2, s3].into_iter().zip(x) {
            // At most (2^64 - 1)^2 + 2·(2^64 - 1), which is 2^128 - 1.
            let total = u128::from(*sum) + size * u128::from(*word) + carry;
            *sum = total as u64;
            carry = total >> 64;
        }
        let (high, over) = s4.overflowing_add(carry as u64);
        *s4 = high;
        *s5 += u64::from(over);
    }

    fn value(&self) -> Fr {
        let [s0, s1, s2, s3, s4, s5] = self.0;
        // high·2^256 is the Montgomery form of high.
        from_montgomery::<Fr>(reduced([s0, s1, s2, s3], R)) + Fr::from_raw([s4, s5, 0, 0])
    }
}

/// Field elements that are multiplied by many small integers.
#[derive(Clone, Debug)]
pub struct Weights(Vec<Signed>);

impl Weights {
    /// Takes 64 bytes an element.
    pub fn new(weights: &[Fr]) -> Self {
        Self(weights.iter().map(signed).collect())
    }

    /// Number of weights.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Σ weights[first + i]·x[i]`.
    ///
    /// # Panics
    ///
    /// If there are not as many weights.
    pub fn inner_product<S: Small>(&self, first: usize, x: &[S]) -> Fr {
        let mut sum = Sum::default();
        for (weight, x) in self.0[first..][..x.len()].iter().zip(x) {
            sum.add(*x, weight);
        }
        sum.value()
    }
}

/// Sums of small integers times field elements, all of which grow at a time.
#[derive(Clone, Debug)]
pub struct Sums(Vec<Sum>);

impl Sums {
    /// So many zeros, of 48 bytes each.
    pub fn new(len: usize) -> Self {
        Self(vec![Sum::default(); len])
    }

    /// Number of sums.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds `weight·x[i]` to sum `first + i`.
    ///
    /// # Panics
    ///
    /// If there are not as many sums.
    pub fn add<S: Small>(&mut self, first: usize, weight: &Fr, x: &[S]) {
        let weight = signed(weight);
        for (sum, x) in self.0[first..][..x.len()].iter_mut().zip(x) {
            sum.add(*x, &weight);
        }
    }

    /// Adds `x[i]` to sum `first + i`.
    ///
    /// # Panics
    ///
    /// If there are not as many sums.
    pub fn add_elements(&mut self, first: usize, x: &[Fr]) {
        for (sum, x) in self.0[first..][..x.len()].iter_mut().zip(x) {
            sum.add_product(1, &words(x));
        }
    }

    /// The sums as field elements.
    pub fn values(&self) -> Vec<Fr> {
        self.0.iter().map(Sum::value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::{Scalar, field_element};
    use halo2curves::ff::Field;
    use proptest::prelude::*;

    fn check<S: Small + Scalar>(x: &[S], weights: &[Fr]) {
        let element = |x: &S| field_element(x.integer().unwrap());
        let products = || x.iter().zip(weights).map(|(x, w)| element(x) * w);
        let table = Weights::new(weights);
        assert_eq!(table.inner_product(0, x), products().sum::<Fr>());
        if let Some((first, rest)) = x.split_first() {
            let all = element(first) * weights[0];
            assert_eq!(table.inner_product(1, rest) + all, products().sum::<Fr>());
        }
        // Each weight with all integers.
        let mut sums = Sums::new(x.len() + 1);
        for weight in weights {
            sums.add(1, weight, x);
        }
        sums.add_elements(0, &weights[..x.len()]);
        let total: Fr = weights.iter().sum();
        for (i, sum) in sums.values().iter().enumerate() {
            let product = i
                .checked_sub(1)
                .map_or(Fr::ZERO, |i| element(&x[i]) * total);
            let added = weights[..x.len()].get(i).copied().unwrap_or(Fr::ZERO);
            assert_eq!(*sum, product + added);
        }
    }

    macro_rules! check_as {
        ($x:expr, $weights:expr, $($type:ty),*) => {$({
            let x: Vec<$type> = $x.iter().map(|x| *x as $type).collect();
            check(&x, $weights);
        })*};
    }

    #[test]
    fn the_greatest_terms_do_not_overflow() {
        let half = Fr::from(2).invert().unwrap();
        for weight in [Fr::ZERO, Fr::ONE, -Fr::ONE, half, -half] {
            let weights = vec![weight; 2_000];
            for x in [0, 1, -1, i64::MAX, i64::MIN, i64::from(i32::MIN), 0x7fff] {
                let x = vec![x; 1_000];
                check_as!(x, &weights, u8, i8, u16, i16, u32, i32, u64, i64);
            }
            // Nine of ten are zero.
            let x: Vec<i64> = (0..1_000)
                .map(|i| if i % 10 == 0 { -i } else { 0 })
                .collect();
            check_as!(x, &weights, u8, i8, u16, i16, u32, i32, u64, i64);
        }
    }

    proptest! {
        #[test]
        fn sums_are_what_the_field_says(
            terms in prop::collection::vec((any::<i64>(), any::<[u64; 4]>()), 0..40),
        ) {
            let x: Vec<i64> = terms.iter().map(|t| t.0).collect();
            let weights: Vec<Fr> = terms.iter().map(|t| Fr::from_raw(t.1)).collect();
            check_as!(x, &weights, u8, i8, u16, i16, u32, i32, u64, i64);
        }
    }
}

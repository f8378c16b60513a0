//! Sums of small integers times field elements, reduced once.

use crate::raw::{from_montgomery, reduced, words, Words};
use crate::scalar::R;
use halo2curves::bn256::Fr;

/// `Σ a_i·x_i` over the integers, for `a_i` of 32 bits and `x_i` in Montgomery form: 320 bits hold `2^33` such terms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    words: Words,
    high: u64,
}

impl Sum {
    /// Adds a product.
    #[inline]
    pub fn add(&mut self, small: u32, x: &Fr) {
        let small = u128::from(small);
        let mut carry = 0;
        for (sum, word) in self.words.iter_mut().zip(words(x)) {
            let total = u128::from(*sum) + small * u128::from(word) + carry;
            *sum = total as u64;
            carry = total >> 64;
        }
        self.high += carry as u64;
    }

    /// The sum as a field element.
    pub fn value(&self) -> Fr {
        // high·2^256 is the Montgomery form of high.
        from_montgomery::<Fr>(reduced(self.words, R)) + Fr::from(self.high)
    }
}

/// `Σ small[i]·x[i]`, of the shorter one's length.
pub fn inner_product<S: Copy + Into<u32>>(small: &[S], x: &[Fr]) -> Fr {
    let mut sum = Sum::default();
    for (small, x) in small.iter().zip(x) {
        sum.add((*small).into(), x);
    }
    sum.value()
}

/// `Σ small[i]·x[i]` for integers of either sign.
pub fn signed_inner_product(small: &[i32], x: &[Fr]) -> Fr {
    let (mut positive, mut negative) = (Sum::default(), Sum::default());
    for (small, x) in small.iter().zip(x) {
        let sum = if *small < 0 {
            &mut negative
        } else {
            &mut positive
        };
        sum.add(small.unsigned_abs(), x);
    }
    positive.value() - negative.value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2curves::ff::Field;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn inner_products_are_what_the_field_says(
            terms in prop::collection::vec((any::<i32>(), any::<[u64; 4]>()), 0..40),
        ) {
            let small: Vec<i32> = terms.iter().map(|t| t.0).collect();
            let unsigned: Vec<u32> = small.iter().map(|s| s.unsigned_abs()).collect();
            let x: Vec<Fr> = terms.iter().map(|t| Fr::from_raw(t.1)).collect();
            let one_by_one = |signed: bool| {
                small.iter().zip(&x).fold(Fr::ZERO, |sum, (s, x)| {
                    let product = Fr::from(u64::from(s.unsigned_abs())) * x;
                    if signed && *s < 0 { sum - product } else { sum + product }
                })
            };
            prop_assert_eq!(signed_inner_product(&small, &x), one_by_one(true));
            prop_assert_eq!(inner_product(&unsigned, &x), one_by_one(false));
        }
    }

    #[test]
    fn the_greatest_terms_do_not_overflow() {
        let x = vec![-Fr::ONE; 10_000];
        let small = vec![u32::MAX; x.len()];
        let expected = -Fr::from(u64::from(u32::MAX)) * Fr::from(x.len() as u64);
        assert_eq!(inner_product(&small, &x), expected);
    }
}

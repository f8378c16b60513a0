//! The subgroup whose elements are the rows, its cosets, and transforms between coefficients and values on them.

use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use nanozk_kzg::{Transform, powers};
use rayon::prelude::*;
use std::borrow::Cow;

/// Coefficients that a task takes at once.
const CHUNK: usize = 1 << 12;

/// The subgroup of order `n = 2^k`.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    pub(crate) k: u32,
    /// Its generator.
    pub(crate) omega: Fr,
    forward: Transform,
    backward: Transform,
}

/// A generator of the subgroup of order `2^k`.
pub(crate) fn generator(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |x, _| x.square())
}

impl Domain {
    pub(crate) fn new(k: u32) -> Self {
        let omega = generator(k);
        let inverse = omega.pow_vartime([(1_u64 << k) - 1]);
        Self {
            k,
            omega,
            forward: Transform::new(omega, k),
            backward: Transform::new(inverse, k),
        }
    }

    /// Rows.
    pub(crate) fn size(&self) -> usize {
        1 << self.k
    }

    fn inverse_size(&self) -> Fr {
        Fr::TWO_INV.pow_vartime([u64::from(self.k)])
    }

    /// Coefficients of the polynomial that has these values in the rows.
    pub(crate) fn interpolate(&self, values: &[Fr]) -> Vec<Fr> {
        self.backward.apply(values, None, self.inverse_size(), None)
    }

    /// Values on a coset, of a polynomial that may have more than `n` coefficients.
    pub(crate) fn evaluate(&self, coefficients: &[Fr], coset: &Coset) -> Vec<Fr> {
        let n = self.size();
        // There X^n is a number.
        let low = match coefficients.len() == n {
            true => Cow::Borrowed(coefficients),
            false => {
                let mut low = vec![Fr::ZERO; n];
                let mut factor = Fr::ONE;
                for part in coefficients.chunks(n) {
                    for (to, x) in low.iter_mut().zip(part) {
                        *to += *x * factor;
                    }
                    factor *= coset.to_the_n;
                }
                Cow::Owned(low)
            }
        };
        self.forward.apply(&low, Some(&coset.powers), Fr::ONE, None)
    }

    /// The remainder modulo `X^n - shift^n` of a polynomial that has these values on the coset.
    pub(crate) fn interpolate_on(&self, values: &[Fr], coset: &Coset) -> Vec<Fr> {
        let inverse = coset.shift.invert().unwrap_or(Fr::ZERO);
        let powers = powers(Fr::ONE, inverse, self.size());
        self.backward
            .apply(values, None, self.inverse_size(), Some(&powers))
    }
}

/// `shift·ω^i`.
#[derive(Clone, Debug)]
pub(crate) struct Coset {
    pub(crate) shift: Fr,
    /// `shift^n`, which is `x^n` for all its elements.
    pub(crate) to_the_n: Fr,
    powers: Vec<Fr>,
}

impl Coset {
    /// Coset `number` of those that are told apart, and from the subgroup itself, by `7^(n·(number + 1))`: 7 generates all.
    pub(crate) fn new(domain: &Domain, number: usize) -> Self {
        let shift = Fr::MULTIPLICATIVE_GENERATOR.pow_vartime([number as u64 + 1]);
        Self {
            shift,
            to_the_n: shift.pow_vartime([domain.size() as u64]),
            powers: powers(Fr::ONE, shift, domain.size()),
        }
    }
}

/// A polynomial's value.
pub(crate) fn value_at(coefficients: &[Fr], x: Fr) -> Fr {
    let parts: Vec<Fr> = coefficients
        .par_chunks(CHUNK)
        .map(|part| part.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + c))
        .collect();
    let step = x.pow_vartime([CHUNK as u64]);
    parts.iter().rev().fold(Fr::ZERO, |sum, c| sum * step + c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_on_cosets_are_the_polynomials() {
        for k in [1, 2, 5, 13, 14, 15] {
            let domain = Domain::new(k);
            let n = domain.size();
            let f: Vec<Fr> = (0..n as u64 + 1).map(|i| Fr::from(i * i + 3)).collect();
            for number in 0..3 {
                let coset = Coset::new(&domain, number);
                let values = domain.evaluate(&f, &coset);
                for (i, value) in values.iter().enumerate().step_by(1 + n / 16) {
                    let x = coset.shift * domain.omega.pow_vartime([i as u64]);
                    assert_eq!(*value, value_at(&f, x));
                }
                let back = domain.interpolate_on(&values, &coset);
                assert_eq!(back[0], f[0] + f[n] * coset.to_the_n);
                assert_eq!(back[1..], f[1..n]);
            }
        }
    }
}

//! The subgroup whose elements are the rows, its cosets, and transforms between coefficients and values on them.

use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use rayon::prelude::*;

/// Powers that a task computes by itself.
const POWERS: usize = 1 << 12;

/// The subgroup of order `n = 2^k`.
#[derive(Clone, Debug)]
pub(crate) struct Domain {
    pub(crate) k: u32,
    /// Its generator.
    pub(crate) omega: Fr,
    /// The first half of the generator's powers, and of its inverse's.
    twiddles: [Vec<Fr>; 2],
}

/// A generator of the subgroup of order `2^k`.
pub(crate) fn generator(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |x, _| x.square())
}

/// `start·base^i` for `i` below `len`.
pub(crate) fn powers(start: Fr, base: Fr, len: usize) -> Vec<Fr> {
    let mut all = vec![Fr::ZERO; len];
    all.par_chunks_mut(POWERS)
        .enumerate()
        .for_each(|(i, chunk)| {
            let mut power = start * base.pow_vartime([(i * POWERS) as u64]);
            for x in chunk {
                *x = power;
                power *= base;
            }
        });
    all
}

/// Elements that stay in a near cache.
const CACHED: usize = 1 << 12;

/// One layer of butterflies in blocks of `2·half`.
fn layer(values: &mut [Fr], half: usize, twiddles: &[Fr], step: usize) {
    for block in values.chunks_exact_mut(2 * half) {
        let (low, high) = block.split_at_mut(half);
        for ((x, y), twiddle) in low.iter_mut().zip(high).zip(twiddles.iter().step_by(step)) {
            let product = *y * twiddle;
            *y = *x - product;
            *x += product;
        }
    }
}

/// Two layers, in blocks of `2·half` and of `4·half`, in one go: memory is slower than butterflies.
fn two_layers(values: &mut [Fr], half: usize, twiddles: &[Fr]) {
    let step = values.len() / (4 * half);
    // The second layer's twiddles: those of its blocks' first quarters, and of the second.
    let (first, second) = twiddles.split_at(twiddles.len() / 2);
    for block in values.chunks_exact_mut(4 * half) {
        let (low, high) = block.split_at_mut(2 * half);
        let ((p, q), (r, s)) = (low.split_at_mut(half), high.split_at_mut(half));
        let powers = twiddles.iter().step_by(2 * step);
        let later = first.iter().step_by(step).zip(second.iter().step_by(step));
        let cells = p.iter_mut().zip(q).zip(r.iter_mut().zip(s));
        for ((((p, q), (r, s)), power), (upper, lower)) in cells.zip(powers).zip(later) {
            let (v, w) = (*q * power, *s * power);
            let (p0, q0) = (*p + v, *p - v);
            let (r0, s0) = ((*r + w) * upper, (*r - w) * lower);
            (*p, *r) = (p0 + r0, p0 - r0);
            (*q, *s) = (q0 + s0, q0 - s0);
        }
    }
}

/// Values of a polynomial at the powers of a root of unity, of which the first half are the twiddles.
fn transform(values: &mut [Fr], twiddles: &[Fr]) {
    let n = values.len();
    let bits = n.trailing_zeros();
    for i in 0..n {
        let j = i.reverse_bits() >> (usize::BITS - bits).min(usize::BITS - 1);
        if i < j {
            values.swap(i, j);
        }
    }
    let near = n.min(CACHED);
    for part in values.chunks_exact_mut(near) {
        let mut half = 1;
        while half < near {
            layer(part, half, twiddles, n / (2 * half));
            half *= 2;
        }
    }
    let mut half = near;
    while half < n {
        if 4 * half <= n && (n / half).trailing_zeros().is_multiple_of(2) {
            two_layers(values, half, twiddles);
            half *= 4;
        } else {
            layer(values, half, twiddles, n / (2 * half));
            half *= 2;
        }
    }
}

impl Domain {
    pub(crate) fn new(k: u32) -> Self {
        let omega = generator(k);
        let inverse = omega.pow_vartime([(1_u64 << k) - 1]);
        let half = 1 << k >> 1;
        Self {
            k,
            omega,
            twiddles: [omega, inverse].map(|base| powers(Fr::ONE, base, half)),
        }
    }

    /// Rows.
    pub(crate) fn size(&self) -> usize {
        1 << self.k
    }

    /// Coefficients of the polynomial that has these values in the rows.
    pub(crate) fn interpolate(&self, mut values: Vec<Fr>) -> Vec<Fr> {
        transform(&mut values, &self.twiddles[1]);
        let scale = Fr::TWO_INV.pow_vartime([u64::from(self.k)]);
        values.iter_mut().for_each(|x| *x *= scale);
        values
    }

    /// Values on a coset, of a polynomial that may have more than `n` coefficients.
    pub(crate) fn evaluate(&self, coefficients: &[Fr], coset: &Coset) -> Vec<Fr> {
        // There X^n is a number.
        let mut values = vec![Fr::ZERO; self.size()];
        let mut factor = Fr::ONE;
        for part in coefficients.chunks(self.size()) {
            for (to, x) in values.iter_mut().zip(part) {
                *to += *x * factor;
            }
            factor *= coset.to_the_n;
        }
        for (x, power) in values.iter_mut().zip(&coset.powers) {
            *x *= power;
        }
        transform(&mut values, &self.twiddles[0]);
        values
    }

    /// The remainder modulo `X^n - shift^n` of a polynomial that has these values on the coset.
    pub(crate) fn interpolate_on(&self, values: Vec<Fr>, coset: &Coset) -> Vec<Fr> {
        let mut coefficients = self.interpolate(values);
        let inverse = coset.shift.invert().unwrap_or(Fr::ZERO);
        let powers = powers(Fr::ONE, inverse, self.size());
        for (x, power) in coefficients.iter_mut().zip(&powers) {
            *x *= power;
        }
        coefficients
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
        .par_chunks(POWERS)
        .map(|part| part.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + c))
        .collect();
    let step = x.pow_vartime([POWERS as u64]);
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
                let back = domain.interpolate_on(values, &coset);
                assert_eq!(back[0], f[0] + f[n] * coset.to_the_n);
                assert_eq!(back[1..], f[1..n]);
            }
        }
    }
}

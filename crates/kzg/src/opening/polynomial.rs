//! Polynomials by their coefficients, the lowest first.
#![deny(clippy::indexing_slicing)]

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_transcript::Element;

/// Value at `x`.
pub(super) fn value_at(coefficients: &[Fr], x: Fr) -> Fr {
    coefficients
        .iter()
        .rev()
        .fold(Fr::ZERO, |sum, c| sum * x + c)
}

/// Replaces a polynomial by its quotient by `X - x`, without the remainder.
pub(super) fn divide(coefficients: &mut Vec<Fr>, x: Fr) {
    let mut carry = Fr::ZERO;
    for c in coefficients.iter_mut().rev() {
        let next = carry * x + *c;
        *c = carry;
        carry = next;
    }
    coefficients.pop();
}

/// `sum += factor·x`.
pub(super) fn add_multiple(sum: &mut Vec<Fr>, factor: Fr, x: &[Fr]) {
    if sum.len() < x.len() {
        sum.resize(x.len(), Fr::ZERO);
    }
    for (sum, x) in sum.iter_mut().zip(x) {
        *sum += factor * x;
    }
}

/// `eq(u, i)` for all `i` below `2^len`, the first coordinate being that of the lowest bit.
pub(super) fn equality(u: &[Fr]) -> Vec<Fr> {
    let mut values = vec![Fr::ONE];
    for u in u {
        let upper: Vec<Fr> = values.iter().map(|v| *v * u).collect();
        for (v, upper) in values.iter_mut().zip(&upper) {
            *v -= upper;
        }
        values.extend(upper);
    }
    values
}

/// `Σ eq(u, i)·x^i`, as a product.
pub(super) fn product_at<F: Element>(u: &[F], mut x: F) -> F {
    let mut product = F::one();
    for u in u {
        product *= F::one() + *u * (x - F::one());
        x = x.square();
    }
    product
}

/// `Π (z - s)` over a set.
pub(super) fn vanishing<F: Element>(set: &[F], z: F) -> F {
    set.iter().map(|s| z - s).product()
}

/// Value at `z` of the polynomial that takes `values` on `set`. `None` if the set has an element twice.
pub(super) fn interpolated<F: Element>(set: &[F], values: &[F], z: F) -> Option<F> {
    let mut sum = F::zero();
    for (i, (at, value)) in set.iter().zip(values).enumerate() {
        let (mut numerator, mut denominator) = (*value, F::one());
        for (j, other) in set.iter().enumerate() {
            if i != j {
                numerator *= z - other;
                denominator *= *at - other;
            }
        }
        sum += numerator * denominator.invert()?;
    }
    Some(sum)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::testing::rng;

    #[test]
    fn polynomials_are_what_they_are_said_to_be() {
        let mut rng = rng();
        let mut random = |n: usize| -> Vec<Fr> { (0..n).map(|_| Fr::random(&mut rng)).collect() };
        let (f, u, points) = (random(9), random(4), random(5));
        let x = points[0];
        let mut quotient = f.clone();
        divide(&mut quotient, x);
        assert_eq!(quotient.len(), 8);
        for z in &points {
            let product = value_at(&quotient, *z) * (*z - x) + value_at(&f, x);
            assert_eq!(product, value_at(&f, *z));
            assert_eq!(product_at(&u, *z), value_at(&equality(&u), *z));
        }
        // Four values determine a cubic.
        let values: Vec<Fr> = points[..4].iter().map(|z| value_at(&f[..4], *z)).collect();
        let at = interpolated(&points[..4], &values, points[4]);
        assert_eq!(at, Some(value_at(&f[..4], points[4])));
        assert_eq!(interpolated(&[x, x], &values[..2], points[4]), None);
        assert!(bool::from(vanishing(&points, points[3]).is_zero()));
        let corner: Vec<Fr> = [1, 0, 1, 1].map(Fr::from).to_vec();
        let expected: Vec<Fr> = (0..16).map(|i| Fr::from(u64::from(i == 13))).collect();
        assert_eq!(equality(&corner), expected);
    }
}

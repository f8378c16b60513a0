//! Polynomials of rounds.
//!
//! A polynomial of degree `d` is said by its coefficients but the linear one, which follows from the claim that its values
//! at zero and one add up to.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_transcript::Element;

/// All coefficients, from those that were sent and the claim.
pub(crate) fn complete<F: Element>(sent: &[F], claim: F) -> Vec<F> {
    let mut coefficients = Vec::with_capacity(sent.len() + 1);
    let constant = sent.first().copied().unwrap_or_else(F::zero);
    let others: F = sent.iter().sum();
    coefficients.push(constant);
    // p(0) + p(1) = 2·c_0 + c_1 + c_2 + …
    coefficients.push(claim - constant - others);
    coefficients.extend(sent.iter().skip(1));
    coefficients
}

/// The coefficients that are sent.
pub(crate) fn sent(coefficients: &[Fr]) -> Vec<Fr> {
    let constant = coefficients.first().copied();
    constant
        .into_iter()
        .chain(coefficients.iter().skip(2).copied())
        .collect()
}

/// The value of a polynomial.
pub(crate) fn evaluate<F: Element>(coefficients: &[F], x: F) -> F {
    coefficients
        .iter()
        .rev()
        .fold(F::zero(), |value, c| value * x + c)
}

/// Coefficients of the polynomial with these values at 0, 1, 2, …
pub(crate) fn interpolate(values: &[Fr]) -> Vec<Fr> {
    // Newton's divided differences, for points that differ by integers.
    let n = values.len();
    let mut differences = values.to_vec();
    for order in 1..n {
        let inverse = Fr::from(order as u64).invert().unwrap_or(Fr::ZERO);
        for i in (order..n).rev() {
            differences[i] = (differences[i] - differences[i - 1]) * inverse;
        }
    }
    let mut coefficients = vec![Fr::ZERO; n];
    for i in (0..n).rev() {
        // coefficients ← coefficients·(X − i) + difference
        for j in (0..n).rev() {
            let lower = if j == 0 {
                Fr::ZERO
            } else {
                coefficients[j - 1]
            };
            coefficients[j] = lower - coefficients[j] * Fr::from(i as u64);
        }
        coefficients[0] += differences[i];
    }
    coefficients
}

/// `p·(1 − X + (2X − 1)·at)`: times the weight of a variable.
pub(crate) fn times_equal(coefficients: &[Fr], at: Fr) -> Vec<Fr> {
    let (constant, slope) = (Fr::ONE - at, at.double() - Fr::ONE);
    let mut product = vec![Fr::ZERO; coefficients.len() + 1];
    for (i, c) in coefficients.iter().enumerate() {
        product[i] += *c * constant;
        product[i + 1] += *c * slope;
    }
    product
}

/// Adds a polynomial, times a factor.
pub(crate) fn add(sum: &mut Vec<Fr>, coefficients: &[Fr], by: Fr) {
    if sum.len() < coefficients.len() {
        sum.resize(coefficients.len(), Fr::ZERO);
    }
    for (s, c) in sum.iter_mut().zip(coefficients) {
        *s += *c * by;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn polynomials(coefficients in prop::collection::vec(any::<u64>(), 1..9), x in any::<u64>()) {
            let p: Vec<Fr> = coefficients.into_iter().map(Fr::from).collect();
            let x = Fr::from(x);
            let values: Vec<Fr> = (0..p.len() as u64).map(|i| evaluate(&p, Fr::from(i))).collect();
            prop_assert_eq!(interpolate(&values), p.clone());
            let claim = evaluate(&p, Fr::ZERO) + evaluate(&p, Fr::ONE);
            let mut long = p.clone();
            long.resize(p.len().max(2), Fr::ZERO);
            prop_assert_eq!(complete(&sent(&long), claim), long);
            let at = Fr::from(5);
            let weighted = times_equal(&p, at);
            let weight = nanozk_circuit::kernel::equal_bit(at, x);
            prop_assert_eq!(evaluate(&weighted, x), evaluate(&p, x) * weight);
        }
    }
}

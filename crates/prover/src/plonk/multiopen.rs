//! The opening argument; see [`nanozk_verifier::shplonk`].

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_verifier::shplonk::{Claim, Weights};
use rayon::prelude::*;

const CHUNK: usize = 1 << 10;

/// Polynomials opened at the same points, combined by powers of `v`.
struct Group {
    points: Vec<Fr>,
    /// Their positions among all.
    members: Vec<usize>,
    /// `Σ v^i f_i`.
    sum: Vec<Fr>,
}

/// An opening in the making.
pub(crate) struct Opening {
    groups: Vec<Group>,
    /// `Q = Σ v^i (f_i - r_i) / Z_i`.
    quotient: Vec<Fr>,
}

impl Opening {
    /// Combines polynomials of equal length, of each of which something is claimed.
    pub(crate) fn new(polynomials: &[&[Fr]], claims: &[Claim], v: Fr) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for (i, claim) in claims.iter().enumerate() {
            match groups.iter_mut().find(|g| g.points == claim.points) {
                Some(group) => group.members.push(i),
                None => groups.push(Group {
                    points: claim.points.clone(),
                    members: vec![i],
                    sum: Vec::new(),
                }),
            }
        }
        let n = polynomials[0].len();
        groups.par_iter_mut().for_each(|group| {
            let factors = group
                .members
                .iter()
                .map(|i| (polynomials[*i], v.pow_vartime([*i as u64])));
            group.sum = combine(n, &factors.collect::<Vec<_>>());
        });
        // The remainder of the division is the interpolation, whatever it is.
        let quotients: Vec<Vec<Fr>> = groups
            .par_iter()
            .map(|group| {
                let mut quotient = group.sum.clone();
                group
                    .points
                    .iter()
                    .for_each(|point| divide(&mut quotient, *point));
                quotient
            })
            .collect();
        let factors: Vec<_> = quotients.iter().map(|q| (q.as_slice(), Fr::ONE)).collect();
        Opening {
            quotient: combine(n, &factors),
            groups,
        }
    }

    /// The polynomial to commit to first.
    pub(crate) fn quotient(&self) -> &[Fr] {
        &self.quotient
    }

    /// The polynomial to commit to last: `(Σ v^i / Z_i(z) · (f_i - r_i(z)) - Q) / (X - z)`.
    pub(crate) fn finish(self, weights: &Weights, v: Fr, z: Fr) -> Vec<Fr> {
        let n = self.quotient.len();
        let inverse_v: Fr = v.invert().unwrap_or(Fr::ZERO);
        let mut factors: Vec<(&[Fr], Fr)> = vec![(&self.quotient, -Fr::ONE)];
        for group in &self.groups {
            // The sum already has the powers of `v`.
            let first = group.members[0];
            let inverse = weights.polynomials[first] * inverse_v.pow_vartime([first as u64]);
            factors.push((&group.sum, inverse));
        }
        // Constants are lost in the division.
        let mut combined = combine(n, &factors);
        divide(&mut combined, z);
        combined
    }
}

/// `Σ factor · polynomial`.
fn combine(n: usize, factors: &[(&[Fr], Fr)]) -> Vec<Fr> {
    let mut sum = vec![Fr::ZERO; n];
    sum.par_chunks_mut(CHUNK).enumerate().for_each(|(i, out)| {
        for (polynomial, factor) in factors {
            let from = &polynomial[i * CHUNK..];
            if *factor == Fr::ONE {
                out.iter_mut().zip(from).for_each(|(out, c)| *out += c);
            } else {
                out.iter_mut()
                    .zip(from)
                    .for_each(|(out, c)| *out += *factor * c);
            }
        }
    });
    sum
}

/// Divides by `X - point` and drops the remainder; the length stays.
fn divide(polynomial: &mut [Fr], point: Fr) {
    let mut carry = Fr::ZERO;
    for c in polynomial.iter_mut().rev() {
        let next = *c + carry * point;
        *c = carry;
        carry = next;
    }
}

/// Value of a polynomial.
pub(crate) fn evaluate(polynomial: &[Fr], x: Fr) -> Fr {
    let horner = |c: &[Fr]| c.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + c);
    let chunk = polynomial
        .len()
        .div_ceil(rayon::current_num_threads())
        .max(CHUNK);
    let step = x.pow_vartime([chunk as u64]);
    let parts: Vec<Fr> = polynomial.par_chunks(chunk).map(horner).collect();
    parts
        .into_iter()
        .rev()
        .fold(Fr::ZERO, |sum, part| sum * step + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_drops_the_remainder() {
        // X^2 + 3X + 9 = (X - 2)(X + 5) + 19
        let mut f = [9u64, 3, 1].map(Fr::from);
        assert_eq!(evaluate(&f, Fr::from(2)), Fr::from(19));
        divide(&mut f, Fr::from(2));
        assert_eq!(f, [5u64, 1, 0].map(Fr::from));
    }

    #[test]
    fn evaluation_in_parts() {
        let f: Vec<Fr> = (0..5000u64).map(Fr::from).collect();
        let x = Fr::from(12345);
        assert_eq!(
            evaluate(&f, x),
            f.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + c)
        );
    }
}

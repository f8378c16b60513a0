//! Many openings at many points as one (Boneh, Drake, Fisch, Gabizon 2020, section 4).
//!
//! Each polynomial `f_i` is claimed to agree on its points `S_i` with `r_i`, of degree below
//! `|S_i|`. Let `Z_i` vanish on `S_i`. The prover commits to `Q = Σ v^i (f_i - r_i) / Z_i`, which is
//! a polynomial iff all claims hold, and at a random `z` shows that
//!
//! `Σ v^i / Z_i(z) · (f_i - r_i(z))  -  Q`
//!
//! vanishes, by a commitment to its quotient by `X - z`.

use crate::error::Error;
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;

/// What is claimed of a polynomial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Points, pairwise different.
    pub points: Vec<Fr>,
    /// Values there.
    pub values: Vec<Fr>,
}

impl Claim {
    /// `Z_i(z)`.
    fn vanishing(&self, z: Fr) -> Fr {
        self.points.iter().map(|s| z - s).product()
    }

    /// `r_i(z)`, or nothing if points coincide.
    fn interpolation(&self, z: Fr) -> Option<Fr> {
        let mut sum = Fr::ZERO;
        for (j, (point, value)) in self.points.iter().zip(&self.values).enumerate() {
            let (mut numerator, mut denominator) = (*value, Fr::ONE);
            for (_, other) in self.points.iter().enumerate().filter(|(m, _)| *m != j) {
                numerator *= z - other;
                denominator *= *point - other;
            }
            sum += numerator * Option::<Fr>::from(denominator.invert())?;
        }
        Some(sum)
    }
}

/// Factors of the polynomials, and of minus one, in the equation at `z`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// `v^i / Z_i(z)`.
    pub polynomials: Vec<Fr>,
    /// `Σ v^i / Z_i(z) · r_i(z)`.
    pub constant: Fr,
}

/// The equation at `z`.
///
/// Fails if `z` is one of the points, which happens with negligible probability.
pub fn weights(claims: &[Claim], v: Fr, z: Fr) -> Result<Weights, Error> {
    let mut polynomials = Vec::with_capacity(claims.len());
    let mut constant = Fr::ZERO;
    let mut power = Fr::ONE;
    for claim in claims {
        let inverse: Option<Fr> = claim.vanishing(z).invert().into();
        let weight = power * inverse.ok_or(Error::Degenerate)?;
        constant += weight * claim.interpolation(z).ok_or(Error::Degenerate)?;
        polynomials.push(weight);
        power *= v;
    }
    Ok(Weights {
        polynomials,
        constant,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolates_a_parabola() {
        let f = |x: Fr| x.square() * Fr::from(3) + x - Fr::from(5);
        let points: Vec<_> = [2u64, 7, 11].map(Fr::from).to_vec();
        let claim = Claim {
            values: points.iter().map(|x| f(*x)).collect(),
            points,
        };
        assert_eq!(claim.interpolation(Fr::from(100)), Some(f(Fr::from(100))));
    }

    #[test]
    fn coinciding_points_are_refused_without_division() {
        let claim = |points: &[u64]| Claim {
            points: points.iter().map(|p| Fr::from(*p)).collect(),
            values: vec![Fr::ONE; points.len()],
        };
        assert_eq!(
            weights(&[claim(&[1, 2])], Fr::ONE, Fr::from(2)),
            Err(Error::Degenerate)
        );
        assert_eq!(
            weights(&[claim(&[2, 2])], Fr::ONE, Fr::from(3)),
            Err(Error::Degenerate)
        );
        assert!(weights(&[claim(&[1, 2])], Fr::ONE, Fr::from(3)).is_ok());
    }
}

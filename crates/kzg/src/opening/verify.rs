//! The verifier, which computes nothing from a size that a proof could choose.
#![deny(clippy::indexing_slicing)]

use super::polynomial::{interpolated, product_at, vanishing};
use super::{Opening, OpeningError, Rounds, Shape, Values};
use crate::basis::Accumulator;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use halo2curves::msm::msm_best;
use halo2curves::CurveAffine;
use nanozk_transcript::Transcript;

/// Reduces the claim that the polynomial under `Σ commitment` has `value` at `point` to one equation, which
/// [`Accumulator::holds`] decides; until then nothing is verified. The first coordinate is that of the lowest bit.
///
/// The transcript must have absorbed all that the commitment's points and factors follow from. Point and value are absorbed
/// here.
pub fn verify<T: Transcript>(
    transcript: &mut T,
    commitment: &[(Fr, G1Affine)],
    point: &[Fr],
    value: Fr,
    proof: &Opening,
) -> Result<Accumulator, OpeningError> {
    let shape = Shape::new(point)?;
    verify_of_degree(shape.row(), transcript, commitment, point, value, proof)
}

/// The same with a bound on the degree of `g` that is the length of a row.
pub(super) fn verify_of_degree<T: Transcript>(
    bound: usize,
    transcript: &mut T,
    commitment: &[(Fr, G1Affine)],
    point: &[Fr],
    value: Fr,
    proof: &Opening,
) -> Result<Accumulator, OpeningError> {
    let shape = Shape::new(point)?;
    for (index, (_, point)) in commitment.iter().enumerate() {
        if !bool::from(point.is_on_curve()) {
            return Err(OpeningError::Commitment { index });
        }
    }
    let mut rounds = Rounds::new(transcript, point, &value);
    rounds.point(&proof.h)?;
    let alpha = rounds.challenge();
    rounds.point(&proof.q)?;
    rounds.point(&proof.g)?;
    let gamma = rounds.challenge();
    rounds.point(&proof.s)?;
    rounds.point(&proof.d)?;
    let zeta = rounds.challenge();
    for value in proof.values.all() {
        rounds.scalar(&value);
    }
    rounds.point(&proof.l)?;
    let beta = rounds.challenge();
    rounds.point(&proof.m)?;
    let z = rounds.challenge();
    rounds.point(&proof.w)?;
    let kappa = rounds.challenge();

    let claims = Claims::new(
        &shape,
        bound,
        point,
        value,
        [alpha, gamma, zeta],
        &proof.values,
    )?;
    let zeta_to_row = zeta.pow_vartime([shape.row() as u64]);
    // [f] - (ζ^b - α)·[q] - [g(ζ)] + ζ·[l] = τ·[l], and κ times that of w.
    let mut terms = commitment.to_vec();
    terms.push((alpha - zeta_to_row, proof.q));
    terms.push((zeta, proof.l));
    let mut constant = proof.values.g;
    let mut factor = kappa;
    for (claim, commitment) in claims
        .all()
        .into_iter()
        .zip([proof.g, proof.h, proof.s, proof.d])
    {
        let (weight, at_z) = claim.at(z, factor)?;
        terms.push((weight, commitment));
        constant += weight * at_z;
        factor *= beta;
    }
    terms.push((-kappa, proof.m));
    terms.push((kappa * z, proof.w));
    terms.push((-constant, G1Affine::generator()));
    let (factors, points): (Vec<Fr>, Vec<G1Affine>) = terms.into_iter().unzip();
    Ok(Accumulator {
        lhs: msm_best(&factors, &points).to_affine(),
        rhs: (proof.w * kappa + proof.l).to_affine(),
    })
}

/// That a polynomial takes values on a set.
pub(super) struct Claim {
    pub(super) set: Vec<Fr>,
    pub(super) values: Vec<Fr>,
}

impl Claim {
    /// `factor` over the value at `z` of the polynomial that vanishes on the set; and the value at `z` of the one that takes
    /// the claimed values.
    pub(super) fn at(&self, z: Fr, factor: Fr) -> Result<(Fr, Fr), OpeningError> {
        let inverse = Option::<Fr>::from(vanishing(&self.set, z).invert());
        let value = interpolated(&self.set, &self.values, z);
        match (inverse, value) {
            (Some(inverse), Some(value)) => Ok((factor * inverse, value)),
            _ => Err(OpeningError::Challenges),
        }
    }
}

/// What is claimed of the small polynomials.
pub(super) struct Claims {
    g: Claim,
    h: Claim,
    s: Claim,
    d: Claim,
}

impl Claims {
    pub(super) fn all(&self) -> [&Claim; 4] {
        [&self.g, &self.h, &self.s, &self.d]
    }

    /// Fails if points of evaluation coincide.
    pub(super) fn new(
        shape: &Shape,
        bound: usize,
        point: &[Fr],
        value: Fr,
        [alpha, gamma, zeta]: [Fr; 3],
        values: &Values,
    ) -> Result<Self, OpeningError> {
        let inverse = Option::<Fr>::from(zeta.invert()).ok_or(OpeningError::Challenges)?;
        if zeta == inverse || zeta == alpha || inverse == alpha {
            return Err(OpeningError::Challenges);
        }
        let (in_row, of_row) = shape.split(point);
        let products = values.g * product_at(in_row, inverse)
            + values.g_inverse * product_at(in_row, zeta)
            + gamma
                * (values.h * product_at(of_row, inverse)
                    + values.h_inverse * product_at(of_row, zeta));
        let constant = values.h_alpha + gamma * value;
        let s_inverse = zeta * (products - constant.double() - zeta * values.s);
        let d = zeta.pow_vartime([bound as u64 - 1]) * values.g_inverse;
        Ok(Self {
            g: Claim {
                set: vec![zeta, inverse],
                values: vec![values.g, values.g_inverse],
            },
            h: Claim {
                set: vec![zeta, inverse, alpha],
                values: vec![values.h, values.h_inverse, values.h_alpha],
            },
            s: Claim {
                set: vec![zeta, inverse],
                values: vec![values.s, s_inverse],
            },
            d: Claim {
                set: vec![zeta],
                values: vec![d],
            },
        })
    }
}

//! The verifier, which computes nothing from a size that a proof could choose.
//!
//! What it checks of scalars is one piece of code for numbers and for wires of a circuit ([`reduce`]); [`verify`] adds what
//! only points have.
#![deny(clippy::indexing_slicing)]

use super::polynomial::{interpolated, product_at, vanishing};
use super::{Opening, OpeningError, Rounds, Shape, Values, check};
use crate::basis::{Accumulator, Equation};
use halo2curves::CurveAffine;
use halo2curves::bn256::{Fr, G1Affine};
use nanozk_transcript::{Element, Transcript};

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
    for (index, (_, point)) in commitment.iter().enumerate() {
        if !bool::from(point.is_on_curve()) {
            return Err(OpeningError::Commitment { index });
        }
    }
    for (index, point) in proof.points().iter().enumerate() {
        check(index, point)?;
    }
    let equation = reduce_of_degree(bound, transcript, commitment, point, value, proof)?;
    Ok(equation.multiplied())
}

/// What [`verify`] does but for multiplying points, for numbers or for wires. All points must be on the curve, and those of the
/// proof not at infinity: whoever calls this has checked it.
pub fn reduce<F: Element, P: Copy, T: Transcript<F, P>>(
    transcript: &mut T,
    commitment: &[(F, P)],
    point: &[F],
    value: F,
    proof: &Opening<F, P>,
) -> Result<Equation<F, P>, OpeningError> {
    let shape = Shape::new(point)?;
    reduce_of_degree(shape.row(), transcript, commitment, point, value, proof)
}

fn reduce_of_degree<F: Element, P: Copy, T: Transcript<F, P>>(
    bound: usize,
    transcript: &mut T,
    commitment: &[(F, P)],
    point: &[F],
    value: F,
    proof: &Opening<F, P>,
) -> Result<Equation<F, P>, OpeningError> {
    let shape = Shape::new(point)?;
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
    let zeta_to_row = zeta.pow(shape.row() as u64);
    // [f] - (ζ^b - α)·[q] - [g(ζ)] + ζ·[l] = τ·[l], and κ times that of w.
    let mut lhs = commitment.to_vec();
    lhs.push((alpha - zeta_to_row, proof.q));
    lhs.push((zeta, proof.l));
    let mut constant = proof.values.g;
    let mut factor = kappa;
    for (claim, commitment) in claims
        .all()
        .into_iter()
        .zip([proof.g, proof.h, proof.s, proof.d])
    {
        let (weight, at_z) = claim.at(z, factor)?;
        lhs.push((weight, commitment));
        constant += weight * at_z;
        factor *= beta;
    }
    lhs.push((-kappa, proof.m));
    lhs.push((kappa * z, proof.w));
    Ok(Equation {
        lhs,
        generator: -constant,
        rhs: vec![(kappa, proof.w), (F::one(), proof.l)],
    })
}

/// That a polynomial takes values on a set.
pub(super) struct Claim<F = Fr> {
    pub(super) set: Vec<F>,
    pub(super) values: Vec<F>,
}

impl<F: Element> Claim<F> {
    /// `factor` over the value at `z` of the polynomial that vanishes on the set; and the value at `z` of the one that takes
    /// the claimed values.
    pub(super) fn at(&self, z: F, factor: F) -> Result<(F, F), OpeningError> {
        let inverse = vanishing(&self.set, z).invert();
        let value = interpolated(&self.set, &self.values, z);
        match (inverse, value) {
            (Some(inverse), Some(value)) => Ok((factor * inverse, value)),
            _ => Err(OpeningError::Challenges),
        }
    }
}

/// What is claimed of the small polynomials.
pub(super) struct Claims<F = Fr> {
    g: Claim<F>,
    h: Claim<F>,
    s: Claim<F>,
    d: Claim<F>,
}

impl<F: Element> Claims<F> {
    pub(super) fn all(&self) -> [&Claim<F>; 4] {
        [&self.g, &self.h, &self.s, &self.d]
    }

    /// Fails if points of evaluation coincide.
    pub(super) fn new(
        shape: &Shape,
        bound: usize,
        point: &[F],
        value: F,
        [alpha, gamma, zeta]: [F; 3],
        values: &Values<F>,
    ) -> Result<Self, OpeningError> {
        let inverse = zeta.invert().ok_or(OpeningError::Challenges)?;
        // Wires of equal value may differ, so a circuit refuses nothing here. It need not: `Claim::at` inverts the differences of
        // all three, which are the set of `h`, and those of `z` and each of a set.
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
        let d = zeta.pow(bound as u64 - 1) * values.g_inverse;
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

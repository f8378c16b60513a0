//! The verifier.

use crate::error::Error;
use crate::key::VerifyingKey;
use crate::linearize::linearize;
use crate::proof::Proof;
use crate::shplonk::{self, Claim};
use crate::transcript::Rounds;
use halo2curves::bn256::{Bn256, Fr, G1Affine, G2Affine, G2Prepared, G1};
use halo2curves::ff::Field;
use halo2curves::group::{Curve, Group};
use halo2curves::msm::msm_best;
use halo2curves::pairing::{MillerLoopResult, MultiMillerLoop};
use nanozk_circuits::ir::Kind;

/// The part of a setup that verification needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KzgVerifier {
    /// The first power of the secret in the first group.
    pub g1: G1Affine,
    /// Generator of the second group.
    pub g2: G2Affine,
    /// The secret times that generator.
    pub s_g2: G2Affine,
    /// Identifies the setup.
    pub id: [u8; 32],
}

/// Commitments the caller knows and the proof must use; nothing by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected<'a> {
    /// To the activations that enter.
    pub input: Option<&'a [G1Affine]>,
    /// To the activations that leave.
    pub output: Option<&'a [G1Affine]>,
    /// To the weights.
    pub weights: Option<&'a [G1Affine]>,
}

/// What remains of a proof: `lhs` must be the secret times `rhs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accumulator {
    /// Paired with the generator.
    pub lhs: G1Affine,
    /// Paired with the secret.
    pub rhs: G1Affine,
}

impl Accumulator {
    /// Whether the proof is valid.
    pub fn check(&self, params: &KzgVerifier) -> Result<(), Error> {
        let result = Bn256::multi_miller_loop(&[
            (&self.lhs, &G2Prepared::from(params.g2)),
            (&-self.rhs, &G2Prepared::from(params.s_g2)),
        ]);
        if bool::from(result.final_exponentiation().is_identity()) {
            Ok(())
        } else {
            Err(Error::Rejected)
        }
    }

    /// One accumulator that is valid iff all are, except with probability `accumulators / |Fr|` over
    /// `r`, which must be random and unknown when the proofs were made.
    pub fn fold(accumulators: &[Accumulator], r: Fr) -> Accumulator {
        // Horner's rule.
        let sum = |side: fn(&Accumulator) -> G1Affine| {
            accumulators
                .iter()
                .rev()
                .fold(G1::identity(), |sum, a| sum * r + side(a))
                .to_affine()
        };
        Accumulator {
            lhs: sum(|a| a.lhs),
            rhs: sum(|a| a.rhs),
        }
    }
}

/// Verifies a proof.
pub fn verify(
    params: &KzgVerifier,
    vk: &VerifyingKey,
    instances: &[Fr],
    expected: &Expected<'_>,
    proof: &Proof,
) -> Result<(), Error> {
    accumulate(params, vk, instances, expected, proof)?.check(params)
}

/// Verifies all of a proof but the pairing.
pub fn accumulate(
    params: &KzgVerifier,
    vk: &VerifyingKey,
    instances: &[Fr],
    expected: &Expected<'_>,
    proof: &Proof,
) -> Result<Accumulator, Error> {
    let (accumulator, _) = run(params, vk, instances, expected, proof)?;
    Ok(accumulator)
}

/// As [`accumulate`]; also a challenge that depends on all of the proof.
pub fn accumulate_and_draw(
    params: &KzgVerifier,
    vk: &VerifyingKey,
    instances: &[Fr],
    expected: &Expected<'_>,
    proof: &Proof,
) -> Result<(Accumulator, Fr), Error> {
    let (accumulator, mut rounds) = run(params, vk, instances, expected, proof)?;
    Ok((accumulator, rounds.last(&proof.opening[1])?))
}

/// The accumulator, and the transcript after `z`.
fn run(
    params: &KzgVerifier,
    vk: &VerifyingKey,
    instances: &[Fr],
    expected: &Expected<'_>,
    proof: &Proof,
) -> Result<(Accumulator, Rounds), Error> {
    let (program, layout) = (vk.program(), vk.layout());
    if params.id != vk.setup() {
        return Err(Error::WrongSetup);
    }
    proof.check(layout)?;
    check_expected(vk, expected, proof)?;

    let mut rounds = Rounds::new(proof.transcript, vk, instances)?;
    let challenges = rounds.first_phase(&proof.first)?;
    let y = rounds.second_phase(&proof.second)?;
    let x = rounds.quotient(&proof.quotient)?;
    let v = rounds.evaluations(&proof.evals);
    let z = rounds.opening(&proof.opening[0])?;

    let linear = linearize(
        program,
        layout,
        instances,
        &challenges,
        [y, x],
        &proof.evals,
    );
    let mut claims = layout.claims(x, &proof.evals);
    claims.push(Claim {
        points: vec![x],
        values: vec![linear.value],
    });
    let weights = shplonk::weights(&claims, v, z)?;

    // Σ v^i / Z_i(z) · ([f_i] - r_i(z)) - [Q] + z·[W]
    let mut scalars = Vec::new();
    let mut points = Vec::new();
    let mut add = |scalar: Fr, point: G1Affine| {
        scalars.push(scalar);
        points.push(point);
    };
    for ((column, _), weight) in layout.opened.iter().zip(&weights.polynomials) {
        add(*weight, proof.commitment(vk, *column));
    }
    let last = *weights
        .polynomials
        .last()
        .expect("the linearization is always claimed");
    for (column, factor) in linear.columns {
        add(last * factor, proof.commitment(vk, column));
    }
    for (piece, factor) in proof.quotient.iter().zip(linear.quotient) {
        add(last * factor, *piece);
    }
    let [q, w] = proof.opening;
    add(-weights.constant, params.g1);
    add(-Fr::ONE, q);
    add(z, w);
    let accumulator = Accumulator {
        lhs: msm_best(&scalars, &points).to_affine(),
        rhs: w,
    };
    Ok((accumulator, rounds))
}

fn check_expected(vk: &VerifyingKey, expected: &Expected<'_>, proof: &Proof) -> Result<(), Error> {
    let groups = [
        (Kind::Input, expected.input),
        (Kind::Output, expected.output),
        (Kind::Weight, expected.weights),
    ];
    for (kind, points) in groups {
        let Some(points) = points else { continue };
        let actual = proof.commitments(vk, kind);
        let differ = (0..points.len().max(actual.len())).find(|i| points.get(*i) != actual.get(*i));
        if let Some(index) = differ {
            return Err(Error::UnexpectedCommitment { kind, index });
        }
    }
    Ok(())
}

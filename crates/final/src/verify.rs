//! Verification.

use crate::circuit::Circuit;
use crate::constraints::{ColumnChallenges, Combination, Point, residue_selectors};
use crate::domain::generator;
use crate::key::Key;
use crate::packing::Values;
use crate::proof::Proof;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_kzg::{Accumulator, Equation};
use nanozk_transcript::encoding::check_point;
use nanozk_transcript::{Malformed, Transcript};

/// Why a proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Public inputs are not as many as the key's.
    #[error("{got} public inputs, where there should be {expected}")]
    Inputs {
        /// By the key.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// A point of the proof.
    #[error("point {index}: {reason}")]
    Point {
        /// Which, in the order in which they are absorbed.
        index: usize,
        /// What is wrong with it.
        reason: Malformed,
    },
    /// The key is for no circuit of this period.
    #[error("the key does not fit the circuit")]
    Key,
    /// A challenge is where it must not be, which chance does once in `2^230` times.
    #[error("a challenge is a row, or a root of a modulus")]
    Challenge,
}

impl Key {
    /// Absorbs what a proof is about.
    pub(crate) fn absorb(
        &self,
        circuit: &Circuit,
        inputs: &[Fr],
        transcript: &mut impl Transcript,
    ) -> Result<(), Malformed> {
        for number in [
            u64::from(self.k),
            circuit.period as u64,
            inputs.len() as u64,
        ] {
            transcript.absorb_scalar(&Fr::from(number));
        }
        transcript.absorb_point(&self.fixed)?;
        for input in inputs {
            transcript.absorb_scalar(input);
        }
        Ok(())
    }
}

/// Checks all of a proof but the pairing: the proof is accepted if the accumulator holds. The transcript has then absorbed all
/// of the proof, so that a challenge that it gives may join other accumulators.
pub fn verify(
    circuit: &Circuit,
    key: &Key,
    inputs: &[Fr],
    proof: &Proof,
    transcript: &mut impl Transcript,
) -> Result<Accumulator, VerifyError> {
    reduce(circuit, key, inputs, proof, transcript).map(|equation| equation.multiplied())
}

/// The same before points are multiplied.
pub fn reduce(
    circuit: &Circuit,
    key: &Key,
    inputs: &[Fr],
    proof: &Proof,
    transcript: &mut impl Transcript,
) -> Result<Equation, VerifyError> {
    if inputs.len() != key.inputs {
        return Err(VerifyError::Inputs {
            expected: key.inputs,
            got: inputs.len(),
        });
    }
    let n = 1_u64.checked_shl(key.k).ok_or(VerifyError::Key)?;
    let period = circuit.period as u64;
    // Each input has a row of its own.
    if key.k > 28 || !circuit.period.is_power_of_two() || inputs.len() as u64 * period > n {
        return Err(VerifyError::Key);
    }
    for (index, point) in proof.points().iter().enumerate() {
        check_point(point).map_err(|reason| VerifyError::Point { index, reason })?;
    }
    key.absorb(circuit, inputs, transcript)
        .map_err(|_| VerifyError::Key)?;
    let absorb = |transcript: &mut _, index: usize, point: &G1Affine| {
        Transcript::absorb_point(transcript, point)
            .map_err(|reason| VerifyError::Point { index, reason })
    };
    // Columns are fixed before challenges that separate tuples and cells.
    absorb(transcript, 0, &proof.columns)?;
    let challenges = ColumnChallenges::squeeze(transcript);
    // So are running product and sum before constraints are combined.
    absorb(transcript, 1, &proof.running)?;
    let combination = Combination::new(circuit, challenges, transcript.squeeze());
    // All polynomials are fixed before the point where the constraints are checked.
    absorb(transcript, 2, &proof.quotient)?;
    let zeta = transcript.squeeze();
    for value in proof.evaluations.all() {
        transcript.absorb_scalar(&value);
    }
    let nu = transcript.squeeze();
    absorb(transcript, 3, &proof.batch)?;
    let u = transcript.squeeze();
    absorb(transcript, 4, &proof.witness)?;

    // Constraints at ζ: their quotient by ζ^n − 1 is the quotient's value.
    let inverse = |x: Fr| Option::<Fr>::from(x.invert()).ok_or(VerifyError::Challenge);
    let omega = generator(key.k);
    let vanishing = zeta.pow_vartime([n]) - Fr::ONE;
    let lagrange_scale = vanishing * inverse(Fr::from(n))?;
    // The polynomial that is one in a row: (ζ^n − 1)/n·ω^row/(ζ − ω^row).
    let lagrange = |row: u64| -> Result<Fr, VerifyError> {
        let root = omega.pow_vartime([row]);
        Ok(lagrange_scale * root * inverse(zeta - root)?)
    };
    let mut inputs_at = Fr::ZERO;
    for (i, input) in (0..).zip(inputs) {
        inputs_at += lagrange(circuit.input_residue as u64 + i * period)? * input;
    }
    let eta = generator(circuit.period.trailing_zeros());
    let residues = residue_selectors(circuit.period, eta, zeta.pow_vartime([n / period]));
    let selectors = circuit.selectors(&residues.ok_or(VerifyError::Challenge)?);
    let evaluations = &proof.evaluations;
    let [p0, p1, p2, p3, p4, constant] = evaluations.fixed;
    let constraints = combination.at(&Point {
        x: zeta,
        columns: evaluations.columns,
        next: evaluations.next,
        permutation: [p0, p1, p2, p3, p4],
        constant,
        running: evaluations.running,
        running_next: evaluations.running_next,
        first: lagrange(0)?,
        inputs: inputs_at,
        selectors: &selectors,
    });
    let quotient = [constraints * inverse(vanishing)?];

    // The opening: Σ ν^i·(P_i − r_i(u))/M_i(u) − Q = (X − u)·W'.
    let next = zeta * omega;
    let difference = inverse(next - zeta)?;
    let packs = [proof.columns, proof.running, proof.quotient, key.fixed];
    let mut values = evaluations.of_packs();
    values[2] = Values::At(&quotient);
    let mut lhs = Vec::with_capacity(packs.len() + 2);
    let mut generator_factor = Fr::ZERO;
    let mut power = Fr::ONE;
    for (pack, values) in packs.into_iter().zip(values) {
        let reduced = values.reduced([zeta, next], difference, u);
        let factor = power * inverse(reduced.modulus)?;
        lhs.push((factor, pack));
        generator_factor -= factor * reduced.remainder;
        power *= nu;
    }
    lhs.push((-Fr::ONE, proof.batch));
    lhs.push((u, proof.witness));
    Ok(Equation {
        lhs,
        generator: generator_factor,
        rhs: vec![(Fr::ONE, proof.witness)],
    })
}

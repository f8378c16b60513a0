//! The proof, and its encoding.

use crate::circuit::COLUMNS;
use crate::key::FIXED;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_transcript::Malformed;
use nanozk_transcript::encoding::{
    WORD, point_from_words, point_to_words, scalar_from_bytes, scalar_to_bytes,
};

/// Points of a proof.
pub const POINTS: usize = 5;
/// Scalars of a proof.
pub const SCALARS: usize = 2 * COLUMNS + FIXED + 4;
/// Bytes of a proof.
pub const PROOF_BYTES: usize = (2 * POINTS + SCALARS) * WORD;

/// Values of all polynomials but the quotient, whose value follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evaluations {
    /// Columns at `ζ`.
    pub columns: [Fr; COLUMNS],
    /// Columns at `ωζ`.
    pub next: [Fr; COLUMNS],
    /// The fixed polynomials at `ζ`: those of the permutation, then the constants.
    pub fixed: [Fr; FIXED],
    /// The running product and the running sum at `ζ`.
    pub running: [Fr; 2],
    /// The same at `ωζ`.
    pub running_next: [Fr; 2],
}

impl Evaluations {
    /// All, in the order in which they are absorbed.
    pub fn all(&self) -> [Fr; SCALARS] {
        let parts: [&[Fr]; 5] = [
            &self.columns,
            &self.next,
            &self.fixed,
            &self.running,
            &self.running_next,
        ];
        let mut all = [Fr::ZERO; SCALARS];
        for (to, x) in all.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *x;
        }
        all
    }

    fn from_all(all: &[Fr; SCALARS]) -> Self {
        let mut rest = all.iter().copied();
        fn take<const N: usize>(rest: &mut impl Iterator<Item = Fr>) -> [Fr; N] {
            std::array::from_fn(|_| rest.next().unwrap_or(Fr::ZERO))
        }
        Self {
            columns: take(&mut rest),
            next: take(&mut rest),
            fixed: take(&mut rest),
            running: take(&mut rest),
            running_next: take(&mut rest),
        }
    }
}

/// A proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Commitment to the columns.
    pub columns: G1Affine,
    /// Commitment to the running product and the running sum.
    pub running: G1Affine,
    /// Commitment to the quotient of all constraints.
    pub quotient: G1Affine,
    /// Commitment to the opening's `Q`.
    pub batch: G1Affine,
    /// Commitment to the opening's `W'`.
    pub witness: G1Affine,
    /// Values.
    pub evaluations: Evaluations,
}

impl Proof {
    /// The points, in the order in which they are absorbed.
    pub fn points(&self) -> [G1Affine; POINTS] {
        [
            self.columns,
            self.running,
            self.quotient,
            self.batch,
            self.witness,
        ]
    }

    /// A proof of these. Nothing is checked.
    pub fn new(points: [G1Affine; POINTS], scalars: &[Fr; SCALARS]) -> Self {
        let [columns, running, quotient, batch, witness] = points;
        Self {
            columns,
            running,
            quotient,
            batch,
            witness,
            evaluations: Evaluations::from_all(scalars),
        }
    }

    /// Coordinates of points, then scalars, as words of 32 bytes, big-endian.
    pub fn to_bytes(&self) -> [u8; PROOF_BYTES] {
        let mut bytes = [0; PROOF_BYTES];
        let points = self.points().map(|p| point_to_words(&p));
        let scalars = self.evaluations.all().map(|s| scalar_to_bytes(&s));
        let words = points.iter().flatten().chain(&scalars);
        for (to, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
            *to = *word;
        }
        bytes
    }

    /// The proof of which these are [`Proof::to_bytes`]: no other bytes are accepted for it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bytes: &[u8; PROOF_BYTES] = bytes
            .try_into()
            .map_err(|_| DecodeError::Length { got: bytes.len() })?;
        let mut words = bytes.as_chunks::<WORD>().0.iter().copied().enumerate();
        // Words are as many as are read.
        let mut word = || words.next().unwrap_or_default();
        let mut points = [G1Affine::default(); POINTS];
        for point in &mut points {
            let ((index, x), (_, y)) = (word(), word());
            *point = point_from_words(x, y)
                .map_err(|reason| DecodeError::Malformed { index, reason })?;
        }
        let mut scalars = [Fr::ZERO; SCALARS];
        for scalar in &mut scalars {
            let (index, bytes) = word();
            *scalar = scalar_from_bytes(&bytes)
                .map_err(|reason| DecodeError::Malformed { index, reason })?;
        }
        Ok(Self::new(points, &scalars))
    }
}

/// Bytes are no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Their number.
    #[error("{got} bytes, where a proof has {PROOF_BYTES}")]
    Length {
        /// Given.
        got: usize,
    },
    /// A word.
    #[error("word {index}: {reason}")]
    Malformed {
        /// Which.
        index: usize,
        /// What is wrong with it.
        reason: Malformed,
    },
}

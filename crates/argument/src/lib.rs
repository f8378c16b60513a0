//! The joint proof: that a program's identities and lookups hold, for committed tensors.
//!
//! ```text
//! commitments ─> lookup challenges ─> helpers ─> a random point of each axis
//!   ─> level 0: one sumcheck for all identities, and for the helpers' equation
//!   ─> level 1, 2, …: the same for tensors that are not committed
//!   ─> one sumcheck for all claims about columns ─> one opening of one combination of columns
//! ```
//!
//! What the verifier computes is one piece of code for numbers and for wires of a circuit, which are [`Element`]s both: types
//! of claims and proofs have parameters for scalars and points, which are numbers and points by default.
//!
//! Start reading at `claims.rs` (what is claimed), then `verify.rs` (the protocol), then `prove.rs`.
//!
//! [`Element`]: nanozk_transcript::Element

mod channel;
mod claims;
pub mod encoding;
mod lookup;
mod mask;
mod pieces;
mod prove;
mod round;
mod soundness;
#[cfg(test)]
mod tests;
mod verify;

use halo2curves::bn256::{Fr, G1Affine};
use nanozk_circuit::{Column, ColumnId, ColumnKind, Layout, Program, Values};
use nanozk_kzg::Basis;
use nanozk_kzg::opening::OpeningError;
use std::collections::BTreeMap;

pub use encoding::DecodeError;
pub use nanozk_kzg::Equation;
pub use nanozk_kzg::opening::Opening;
pub use prove::{Stage, commit, commit_known, powers, prove};
pub use soundness::{Part, Soundness, Step, check_hiding, soundness};
pub use verify::{reduce, verify};

#[doc(hidden)]
pub use prove::prove_unchecked;

/// A proof: what the prover says, in the order of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof<F = Fr, P = G1Affine> {
    /// Commitments.
    pub points: Vec<P>,
    /// Coefficients of rounds, and values.
    pub scalars: Vec<F>,
    /// Opening of a combination of all commitments.
    pub opening: Opening<F, P>,
}

/// What is proved: the program holds for tensors of which some have these commitments.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a, F = Fr, P = G1Affine> {
    /// The program.
    pub program: &'a Program,
    /// Where its tensors lie.
    pub layout: &'a Layout,
    /// Public inputs.
    pub inputs: &'a [F],
    /// Commitments that are known before the proof.
    pub known: &'a Known<P>,
}

/// Commitments that are known before a proof: to weights, which the model's registration fixes, to activations, which the
/// session claims, and to values of tables, which follow from the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known<P = G1Affine>(BTreeMap<ColumnId, P>);

impl Known {
    /// Takes the commitments to columns of weights and activations from whoever fixes them, and computes those to tables:
    /// nobody's word is taken for what is in a table. Fails if one is missing.
    pub fn new(
        basis: &Basis,
        program: &Program,
        layout: &Layout,
        mut fixed: impl FnMut(ColumnKind) -> Option<G1Affine>,
    ) -> Result<Self, Error> {
        let tables = Values::new(program, layout, Vec::new());
        let known = layout.enumerate().filter(|(_, c)| is_known(c.kind));
        let point = |(id, column): (ColumnId, &Column)| {
            let point = match column.kind {
                ColumnKind::TableValues(_) => Some(prove::commitment(basis, &tables, id)),
                kind => fixed(kind),
            };
            let missing = Error::UnknownCommitment(id.index());
            point.map(|point| (id, point)).ok_or(missing)
        };
        Ok(Self(known.map(point).collect::<Result<_, _>>()?))
    }
}

impl<P> Known<P> {
    /// The commitments.
    pub fn points(&self) -> &BTreeMap<ColumnId, P> {
        &self.0
    }

    /// Any points: whoever calls this says what they are, also those of tables. For circuits, whose constants and inputs they
    /// are, and for tests.
    pub fn unchecked(points: BTreeMap<ColumnId, P>) -> Self {
        Self(points)
    }
}

/// A proof is refused, or none can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Elements are missing, or there are too many.
    #[error("the proof has another number of elements")]
    Length,
    /// A point is not on the curve, or at infinity.
    #[error("a commitment is no point of the curve, or at infinity")]
    BadPoint,
    /// A commitment that the statement must have is missing.
    #[error("the commitment to column {0} is not known")]
    UnknownCommitment(usize),
    /// The statement has another number of public inputs than the program.
    #[error("the program has {expected} public inputs, the statement {got}")]
    Inputs {
        /// Of the program.
        expected: usize,
        /// Of the statement.
        got: usize,
    },
    /// There are too few random cells for all messages to be hidden.
    #[error("hiding the proof takes {needed} random cells, and the mask has {cells}")]
    Masks {
        /// Cells needed.
        needed: usize,
        /// Random cells of the mask.
        cells: usize,
    },
    /// A product is of single values, which nothing hides.
    #[error("a product has no variable, so nothing hides its factors")]
    Unhidden,
    /// The opening is refused, or none can be made.
    #[error("the opening: {0}")]
    Opening(#[from] OpeningError),
    /// A denominator of the lookup argument is zero: draw again.
    #[error("a denominator of the lookup argument is zero")]
    Denominator,
}

/// Whether a column's commitment is known before the proof.
pub(crate) fn is_known(kind: ColumnKind) -> bool {
    matches!(
        kind,
        ColumnKind::Weight(_)
            | ColumnKind::Activation(_)
            | ColumnKind::TableValues(_)
            | ColumnKind::Fixed(_)
            | ColumnKind::Permutation(_)
    )
}

/// Whether a column is committed to in the first message.
pub(crate) fn is_first(kind: ColumnKind) -> bool {
    !is_known(kind) && !matches!(kind, ColumnKind::Helper(_))
}

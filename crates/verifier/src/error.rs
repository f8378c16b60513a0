//! Why a proof is not accepted.

use nanozk_circuits::ir::Kind;
pub use nanozk_transcript::Malformed;
use std::fmt;

/// An element of a proof, by its position in the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Commitment to a first-phase column.
    First(usize),
    /// Commitment to a second-phase column.
    Second(usize),
    /// Commitment to a piece of the quotient.
    Quotient(usize),
    /// An opened value.
    Evaluation(usize),
    /// A commitment of the opening argument.
    Opening(usize),
    /// A point of an aggregate's accumulator.
    Accumulator(usize),
    /// An aggregate's digest of keys and weights.
    Digest,
}

/// The elements of a sort, by their positions.
pub type Sort = fn(usize) -> Element;

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::First(i) => write!(f, "first-phase commitment {i}"),
            Element::Second(i) => write!(f, "second-phase commitment {i}"),
            Element::Quotient(i) => write!(f, "quotient commitment {i}"),
            Element::Evaluation(i) => write!(f, "evaluation {i}"),
            Element::Opening(i) => write!(f, "opening commitment {i}"),
            Element::Accumulator(i) => write!(f, "point {i} of the accumulator"),
            Element::Digest => write!(f, "the aggregation digest"),
        }
    }
}

/// Why a proof is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The number of public inputs is not the program's.
    #[error("{got} public inputs where the program has {expected}")]
    WrongInstanceCount {
        /// Of the program.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// The verifying key was made under another setup.
    #[error("the verifying key belongs to another setup")]
    WrongSetup,
    /// An encoded proof is too short or too long.
    #[error("a proof of {got} bytes where {expected} are needed")]
    WrongLength {
        /// Bytes of a proof under this key.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// A proof has too many or too few elements of a sort.
    #[error("{got} elements up to {last} where {expected} are needed")]
    WrongShape {
        /// The sort, with the position of the last one needed.
        last: Element,
        /// Needed.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// An element is not valid.
    #[error("{element} is malformed: {reason}")]
    Decode {
        /// The element.
        element: Element,
        /// Why.
        reason: Malformed,
    },
    /// A commitment is not the one the caller expects.
    #[error("commitment {index} of kind {kind:?} is not the expected one")]
    UnexpectedCommitment {
        /// Kind of the column.
        kind: Kind,
        /// Position among the columns of that kind.
        index: usize,
    },
    /// A challenge hit one of finitely many excluded values, which happens with negligible
    /// probability; a proof with other randomness succeeds.
    #[error("degenerate challenge")]
    Degenerate,
    /// The pairing equation does not hold: some gate, evaluation or opening is false.
    #[error("the proof is rejected: its pairing equation does not hold")]
    Rejected,
}

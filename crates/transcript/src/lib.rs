//! Transcripts: challenges depend on everything that was said before them.
//!
//! [`Transcript`] is what proofs and their verification are generic over. [`KeccakTranscript`] is cheap in the EVM,
//! [`PoseidonTranscript`] in a circuit. [`Element`] is what a verifier computes with.

mod element;
pub mod encoding;
mod keccak;
pub mod poseidon;

pub use element::Element;
pub use keccak::KeccakTranscript;
pub use poseidon::{PoseidonTranscript, RecursionTranscript};

use halo2curves::bn256::{Fr, G1Affine};

/// A duplex hash, of scalars and points or of wires that have them.
pub trait Transcript<F = Fr, P = G1Affine> {
    /// Absorbs a scalar.
    fn absorb_scalar(&mut self, scalar: &F);

    /// Absorbs a point, which must not be at infinity.
    fn absorb_point(&mut self, point: &P) -> Result<(), Malformed>;

    /// A challenge that depends on everything absorbed and squeezed so far.
    fn squeeze(&mut self) -> F;
}

/// What is wrong with an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// An integer is not below the modulus: a second encoding of another value.
    #[error("not reduced")]
    NotReduced,
    /// No point of the curve has these coordinates.
    #[error("not on the curve")]
    NotOnCurve,
    /// The point at infinity, which no honest commitment is.
    #[error("the point at infinity")]
    Infinity,
}

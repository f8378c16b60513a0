//! The final proof: what a contract verifies.
//!
//! A PLONK over BN254 with packed columns ([`mod@packing`]), selectors that repeat with a period ([`circuit`]), a permutation
//! and lookups by sums of fractions ([`mod@constraints`]).

mod assembly;
mod assign;
pub mod circuit;
mod constraints;
mod domain;
mod gates;
mod group;
mod key;
mod packing;
mod proof;
mod prove;
#[cfg(test)]
mod tests;
mod verify;

pub use assembly::{TooLong, Usage};
pub use assign::{assign, circuit, Assignment};
pub use key::{powers_needed, Key, ProvingKey};
pub use packing::Commit;
pub use proof::{DecodeError, Evaluations, Proof, POINTS, PROOF_BYTES, SCALARS};
pub use prove::{prove, ProveError};
pub use verify::{reduce, verify, VerifyError};

//! Proving keys and proofs.
//!
//! * [`key`]: what the prover keeps of a program;
//! * [`mod@prove`]: the rounds of the protocol;
//! * [`second_phase`]: the columns that follow from the challenges;
//! * [`commit`]: commitments to columns and polynomials;
//! * `quotient`, `expr`: the combined gates on cosets of the domain, divided by what vanishes on it;
//! * `multiopen`: the opening argument;
//! * `fft`: from values to coefficients and back.

pub mod commit;
pub(crate) mod expr;
mod fft;
pub mod key;
mod multiopen;
pub mod prove;
mod quotient;
pub mod second_phase;

pub use commit::{commit_column, verifier_params};
pub use key::{are_commitments, commit_fixed, estimate_peak_bytes, ProvingKey};
pub use prove::{prove, Error, Stage, Witness};

//! The final proof: what a contract verifies.
//!
//! A PLONK over BN254: packed columns and one opening (`packing.rs`), selectors that repeat with a period ([`mod@circuit`]),
//! a permutation and lookups by sums of fractions (`constraints.rs`). Its circuit (`gates.rs`, `group.rs`, `assign.rs`) verifies
//! what `nanozk_recursion::recorder` recorded.
//!
//! # Transcript
//!
//! | absorbed | squeezed |
//! |---|---|
//! | `k`, the period, the number of inputs; the key's commitment; public inputs; the commitment to columns | `θ`, `τ` of lookups; `β`, `γ` of the permutation |
//! | the commitment to the running product and sum | `α` |
//! | the commitment to the quotient | `ζ` |
//! | values at `ζ` and `ωζ` | `ν` |
//! | the opening's `Q` | `u` |
//! | the opening's `W'` | what joins other accumulators |
//!
//! Gates and their residues are not absorbed: they are the verifier's own code, as the protocol is.
//!
//! # Why it is sound
//!
//! In the algebraic group model each commitment comes with a polynomial, which is of the form `Σ X^j·p_j(X^t)` for one list of
//! `p_j`. If the accumulator holds, then but for few `u` and `ν` each pack has the remainder that the values say, so that these
//! are the values of its `p_j`. The quotient's value follows from them, so that the constraints, combined, are a multiple of
//! `X^n − 1` but for few `ζ`; each is but for few `α`. For `β`, `γ` the permutation's product says that equal cells are equal
//! but with probability at most `10·n/r`; for `θ`, `τ` the fractions' sum says that each tuple that is looked up is in its
//! table, as long as fewer than `r` are. Degrees of an adversary's polynomials are below the number of powers that exist,
//! `2^29`; so all of this has probability below `2^-210` for each attempt.
//!
//! # Why it says nothing else
//!
//! Columns are random in one row of each block, and the running product and sum have four random coefficients each. With the
//! challenges fixed, values at `ζ` and `ωζ` and the commitments to columns, to the running polynomials and to the quotient are an
//! invertible function of as many of these numbers, hence uniform; `Q` and `W'` follow from them for who knows the setup's
//! secret, who so simulates proofs. A test computes the ranks.

mod assembly;
mod assign;
pub mod circuit;
mod constraints;
mod domain;
mod forms;
mod gates;
mod group;
mod key;
mod packing;
mod proof;
mod prove;
mod solidity;
#[cfg(test)]
mod tests;
mod top;
mod verify;

pub use assembly::{TooLong, Usage};
pub use assign::{Assignment, assign, circuit};
pub use gates::K;
pub use key::{Key, ProvingKey, powers_needed};
pub use packing::Commit;
pub use proof::{DecodeError, Evaluations, POINTS, PROOF_BYTES, Proof, SCALARS};
pub use prove::{ProveError, prove};
pub use solidity::{solidity_constants, solidity_fold_keys};
pub use top::{BYTES, Top, TopError, prove_top, verify_top};
pub use verify::{VerifyError, reduce, verify};

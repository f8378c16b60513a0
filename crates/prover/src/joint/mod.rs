//! Joint proofs (`docs/joint-proof.md`) of sessions: registration of a model's weights, a session's claim, and proofs of sets
//! of its layers.

pub mod registration;
pub mod session;

use nanozk_setup::Setup;
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::joint::Parameters;

/// Binary logarithm of the powers of the setup that joint proofs in columns of `2^k` rows take: random coefficients lie behind
/// the cells.
pub fn setup_size(k: u32) -> u32 {
    k + 1
}

/// What proofs in columns of `2^k` rows take of a setup of `2^`[`setup_size`]`(k)` powers or more.
///
/// # Panics
///
/// If the setup is smaller, or a power is the point at infinity, which no checked setup has.
pub fn parameters(setup: &Setup, k: u32) -> Parameters {
    let powers = &setup.powers()[..nanozk_argument::powers(k)];
    Parameters::new(powers, setup.g2(), Digest32(setup.id())).expect("a checked setup")
}

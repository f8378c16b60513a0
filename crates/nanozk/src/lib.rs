#![cfg_attr(any(not(doctest), feature = "prove"), doc = include_str!("../README.md"))]
//!
//! # Where to look
//!
//! * [`verify`]: whether a session is proved; [`received`]: the same, a step at a time; [`Setups`]: the setup that a model takes;
//! * `Import` and `Quantized`, of the feature `prove`: from a checkpoint to a model directory; `model_dir`: what is in it;
//! * `Model` and `Session`, of the feature `prove`: run, prove, finish;
//! * `chain`, of the feature `chain`: contracts, requests, claims, transactions.
//!
//! The crates below are here under short names (`verifier`, `setup`, `prover`, …) for whatever this one does not wrap.

mod error;
#[cfg(feature = "prove")]
mod import;
#[cfg(feature = "prove")]
pub mod model_dir;
pub mod received;
#[cfg(feature = "prove")]
mod session;
pub mod setups;
pub mod verify;

pub use error::Error;
#[cfg(feature = "prove")]
pub use import::{Import, Quantized, Step, setup_size};
#[cfg(feature = "prove")]
pub use session::{Model, Session, Task};

pub use nanozk_prover as prover;
pub use nanozk_setup as setup;
pub use nanozk_verifier as verifier;

#[cfg(feature = "chain")]
pub use nanozk_chain as chain;
#[cfg(feature = "prove")]
pub use {nanozk_circuit as circuit, nanozk_executor as executor, nanozk_model as model};

pub use nanozk_verifier::hex::Digest32;
pub use nanozk_verifier::statement::Context;
pub use nanozk_verifier::{
    CheckedClaim, CheckedFinalKey, CheckedManifest, Claim, FinalFile, FinalKey, Manifest,
    Parameters,
};
pub use received::Unaccepted;
pub use setups::Setups;

#[cfg(feature = "prove")]
pub use {nanozk_circuit::Objective, nanozk_model::Options, nanozk_prover::finish::Finisher};

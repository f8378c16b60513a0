//! Claims on chain, for whoever requests, provides, relays, challenges or looks.
//!
//! * [`bindings`]: typed calls of the contracts; [`artifacts`]: their code, and [`deployment`] of it at addresses
//!   that are known beforehand;
//! * [`client`]: one node, one account: calls, simulations, transactions; [`data_fee`]: what rollups take besides gas;
//! * [`signing`]: what requesters and providers sign (EIP-712); [`keyfile`]: files of their keys;
//! * [`account`]: what requesters and providers of jobs do, with what has to be looked at before;
//! * [`request`]: a job as a file, from requester to provider; [`job`]: whether it can go through;
//! * [`claim`]: sessions as claims, proofs as calldata; [`output`]: what answers
//!   a demand for the output; [`receipt`]: what a provider signs of an answer that nobody has asked a proof of yet;
//! * [`epoch`]: answers, draws, proofs and vouchers of epochs;
//! * [`policy`]: parameters under which cheating does not pay;
//! * [`address`], [`mod@format`]: addresses, amounts and times as people write them;
//! * [`revert`]: what a contract meant, in a sentence; [`events`]: what it said happened.
//!
//! It contains no prover: a relayer needs this crate and the files of a session.

pub mod account;
pub mod address;
pub mod answer;
pub mod artifacts;
pub mod bindings;
pub mod claim;
pub mod client;
pub mod data_fee;
pub mod deployment;
pub mod epoch;
mod error;
pub mod events;
pub mod format;
pub mod job;
pub mod keyfile;
pub mod output;
pub mod policy;
pub mod receipt;
pub mod request;
pub mod revert;
pub mod signing;

pub use alloy::primitives;
pub use alloy::signers::local::PrivateKeySigner;
pub use alloy::sol_types;
pub use client::Client;
pub use error::{Error, GAS_CAP};

/// RLP of a block's header, as its hash is made from.
pub fn rlp(header: &alloy::consensus::Header) -> Vec<u8> {
    alloy::rlp::encode(header)
}

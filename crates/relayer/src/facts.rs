//! What the chain says of a claim, as of one block.

mod reader;

pub use reader::Reader;

use crate::cursor::Tip;
use crate::error::Error;
use alloy::eips::{BlockId, BlockNumberOrTag, RpcBlockHash};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::providers::{Provider, RootProvider};
use alloy::rpc::types::{Filter, Log, TransactionInput, TransactionRequest};
use alloy::sol_types::{SolCall, SolEvent, SolValue};
use nanozk_chain::bindings::{book, lens, market, registry};
use nanozk_chain::claim::{Posted, layers_of};
use nanozk_chain::revert::{challenge_status, claim_status};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::warn;

/// The target of a challenge of the whole claim.
pub const WHOLE: usize = nanozk_chain::claim::WHOLE as usize;
/// The target of the demand for the output.
pub const OUTPUT: usize = nanozk_chain::claim::OUTPUT as usize;

/// The set of all layers.
fn all_layers(layers: usize) -> U256 {
    (0..layers).fold(U256::ZERO, |set, l| set | (U256::ONE << l))
}

/// Statuses, as in the contracts.
pub mod status {
    /// A job nobody took.
    pub const JOB_OPEN: u8 = 1;
    /// A job somebody took.
    pub const JOB_LOCKED: u8 = 2;
    /// A job that has a claim.
    pub const JOB_CLAIMED: u8 = 3;
    /// A job that was taken back, or whose claim was voided.
    pub const JOB_REFUNDED: u8 = 6;
    /// A job that was taken and not claimed.
    pub const JOB_EXPIRED: u8 = 7;
    /// Whether a job in this status has a claim, or may have had one.
    pub const fn may_have_claim(job: u8) -> bool {
        job >= JOB_CLAIMED && job != JOB_EXPIRED
    }
    /// A claim that is not over.
    pub const POSTED: u8 = 1;
    /// A claim whose verifier was frozen.
    pub const VOIDED: u8 = 5;
    /// A challenge that is not over.
    pub const CHALLENGE_OPEN: u8 = 1;
    /// An output that was revealed, and may be disputed.
    pub const CHALLENGE_REVEALED: u8 = 2;
    /// The mode of proofs.
    pub const MODE_PROOFS: u8 = 0;
    /// The audited mode.
    pub const MODE_AUDITED: u8 = 2;
}

/// Addresses of the contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contracts {
    /// `JobMarket`.
    pub market: Address,
    /// `ClaimBook`.
    pub book: Address,
    /// `AuditBeacon`.
    pub beacon: Address,
    /// `ModelRegistry`.
    pub registry: Address,
    /// `BondEscrow`.
    pub escrow: Address,
    /// `ClaimLens`.
    pub lens: Address,
    /// `FinalVerifier`.
    pub verifier: Address,
}

/// A challenge that is not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// A layer, [`WHOLE`] or [`OUTPUT`].
    pub target: usize,
    /// Who asked first.
    pub challenger: Address,
    /// Until when it may be answered.
    pub answer_by: u64,
}

/// A challenger's bond, which is held until the claim is over and somebody has it paid out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bond {
    /// What was challenged: a layer, [`WHOLE`] or [`OUTPUT`].
    pub target: usize,
    /// Whose bond it is.
    pub challenger: Address,
    /// Who gets it; zero as long as the claim is not over.
    pub winner: Address,
}

/// A claim that was posted, and where.
#[derive(Clone, Debug)]
pub struct Posting {
    /// The claim.
    pub posted: Posted,
    /// Block of the event.
    pub block: u64,
}

impl Posting {
    /// Reads an event; none if it is another one. The id is computed: who gave the event is not believed.
    pub fn of(log: &Log) -> Option<Self> {
        let event = book::ClaimPosted::decode_log(&log.inner).ok()?.data;
        let block = log.block_number?;
        let whole = event.claim == id_of(&event.posted) && event.job == event.posted.job;
        whole.then(|| Posting {
            posted: Posted::of(event),
            block,
        })
    }
}

/// Id of a claim.
pub fn id_of(claim: &book::Claim) -> B256 {
    keccak256(claim.abi_encode())
}

/// What the chain says of a job and its claim.
///
/// They are kept as JSON for people to see, of other versions too; decisions are made from those just read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// As of this block.
    pub block: u64,
    /// Its time.
    pub time: u64,
    /// Status of the job; see `Types.sol`.
    pub job_status: u8,
    /// How it is settled.
    pub mode: u8,
    /// Who pays.
    pub requester: Address,
    /// Who took the job, or may.
    pub provider: Address,
    /// Registered version.
    pub version: B256,
    /// Asset; zero is ETH.
    pub asset: Address,
    /// Price.
    pub price: U256,
    /// Stake of the provider.
    pub stake: U256,
    /// Bond of a challenge.
    pub challenge_bond: U256,
    /// Until when the job may be taken.
    pub lock_by: u64,
    /// Until when it may be claimed.
    pub claim_by: u64,
    /// Whether proofs for the version count.
    pub usable: bool,
    /// Id of the claim; zero: none is posted, or it is not known yet.
    pub claim: B256,
    /// Status of the claim; zero likewise.
    pub status: u8,
    /// Who is paid.
    pub recipient: Address,
    /// Model.
    pub model_id: B256,
    /// Statement of all proofs.
    pub statement: B256,
    /// Digest of the output.
    pub output_digest: B256,
    /// Digest of the prompt.
    pub input_digest: B256,
    /// Tokens of the prompt that proofs are about: the job's.
    pub prompt_tokens: u32,
    /// Tokens that were ordered, likewise.
    pub new_tokens: u32,
    /// Layers.
    pub layers: usize,
    /// Those proven.
    pub proven: U256,
    /// What says the commitments to activations: their digest, the point of their fingerprint, and that.
    pub activations: [U256; 3],
    /// Digest of the session's seed.
    pub seed_digest: B256,
    /// Until when layers may be challenged, and the output be demanded.
    pub challenge_by: u64,
    /// Until when layers may be proven.
    pub proven_by: u64,
    /// Challenges that are open.
    pub challenges: Vec<Challenge>,
    /// Bonds that are held, and parts of the stake that nobody took yet.
    pub bonds: Vec<Bond>,
    /// Until when the requester may dispute the output that was revealed; zero: it cannot.
    pub dispute_by: u64,
    /// The requester has the output, or may not ask for it any more.
    pub output_closed: bool,
    /// Layers that the mode wants proven and are not; all before the draw.
    pub missing: U256,
    /// Block that draws layers; zero: none does.
    pub draw_block: u64,
    /// Whether they are drawn.
    pub revealed: bool,
    /// Those drawn.
    pub drawn: U256,
    /// The chain's own sentence.
    pub text: String,
}

impl Facts {
    /// Whether all layers are proven.
    pub fn all_proven(&self) -> bool {
        let all = all_layers(self.layers);
        self.proven & all == all
    }

    /// Whether a target of a challenge is proven.
    pub fn is_proven(&self, target: usize) -> bool {
        match target {
            WHOLE => self.all_proven(),
            OUTPUT => false,
            layer => self.proven.bit(layer),
        }
    }

    /// The bond of a challenge: for a whole claim, that of each of its layers. A demand for the output has none.
    pub fn bond_of(&self, target: usize) -> U256 {
        let layers = match target {
            OUTPUT => 0,
            WHOLE => self.layers,
            _ => 1,
        };
        self.challenge_bond.saturating_mul(U256::from(layers))
    }
}

#[cfg(test)]
mod tests;

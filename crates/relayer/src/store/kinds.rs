//! What the database keeps.

use crate::error::Error;
use crate::facts::{Facts, Posting};
use alloy::primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::str::FromStr;

/// Whose side of a claim this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Posts and proves it.
    Provider,
    /// Looks at it, for its requester or anybody.
    Watcher,
}

impl Role {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Role::Provider => "provider",
            Role::Watcher => "watcher",
        }
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "provider" => Ok(Role::Provider),
            "watcher" => Ok(Role::Watcher),
            other => Err(Error::Damaged(format!("a role {other:?}"))),
        }
    }
}

/// A claim.
#[derive(Clone, Debug)]
pub struct ClaimRow {
    /// Id.
    pub id: B256,
    /// Our side.
    pub role: Role,
    /// Where its files are.
    pub directory: String,
    /// Nothing is left to do.
    pub ended: bool,
    /// Until when something of ours is due; zero: nothing is.
    pub due: u64,
    /// What comes next, for people.
    pub next: String,
    /// What the chain said last.
    pub facts: Option<Facts>,
    /// What a watcher found.
    pub verdict: Option<Verdict>,
    /// Code and text of what is in the way.
    pub error: Option<(String, String)>,
    /// How often in a row it could not be looked at.
    pub failures: u64,
    /// Chain time of the last look.
    pub updated: u64,
}

/// What a watcher found out about a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Of this claim: a reorganization may put another in its place.
    pub of: B256,
    /// Digest of the provider's secret part, if it was there: another may take its place.
    #[serde(default)]
    pub secret: Option<B256>,
    /// What has no proof, for certain, and is challenged: a layer, or the whole claim.
    #[serde(default)]
    pub target: Option<usize>,
    /// Layers that are challenged without knowing whether they are wrong.
    #[serde(default)]
    pub audits: Vec<usize>,
    /// Why, for people.
    pub reason: String,
}

/// What becomes of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// To be sent.
    Planned,
    /// Signed: it is, or will be, with the nodes.
    Signed,
    /// In a block, with success.
    Included,
    /// The same, below as many blocks as were asked for.
    Final,
    /// In a block, and reverted.
    Failed,
    /// Not wanted any more before it was signed.
    Dropped,
    /// Another transaction used its nonce.
    Displaced,
    /// Its nonce was used up by a transaction of ours that does nothing.
    Cancelled,
}

impl Status {
    /// All, for counting.
    pub const ALL: [Status; 8] = [
        Status::Planned,
        Status::Signed,
        Status::Included,
        Status::Final,
        Status::Failed,
        Status::Dropped,
        Status::Displaced,
        Status::Cancelled,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Status::Planned => "planned",
            Status::Signed => "signed",
            Status::Included => "included",
            Status::Final => "final",
            Status::Failed => "failed",
            Status::Dropped => "dropped",
            Status::Displaced => "displaced",
            Status::Cancelled => "cancelled",
        }
    }
}

impl FromStr for Status {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Status::ALL
            .into_iter()
            .find(|s| s.name() == text)
            .ok_or_else(|| Error::Damaged(format!("a status {text:?}")))
    }
}

/// Something to send.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Claim, action and how often before.
    pub id: String,
    /// What it is about: a claim, or a final proof of claims; zero: the account's own nonces.
    pub claim: B256,
    /// What it does, such as `post`: one of a claim at a time.
    pub action: String,
    /// For people.
    pub what: String,
    /// Contract.
    pub to: Address,
    /// Calldata.
    pub data: Bytes,
    /// Where it stands.
    pub status: Status,
    /// Until when it has to be included; zero: any time.
    pub deadline: u64,
    /// Most gas.
    pub gas_limit: u64,
    /// Its nonce, once signed.
    pub nonce: Option<u64>,
    /// Block that has it.
    pub block: Option<u64>,
    /// The transaction that was included.
    pub tx: Option<B256>,
    /// Gas it took.
    pub gas_used: Option<u64>,
    /// What it cost.
    pub fee: Option<U256>,
    /// Why it is not included, or failed.
    pub error: Option<String>,
}

impl Intent {
    /// One that is to be planned.
    pub fn new(claim: B256, action: String, what: String, to: Address, data: Bytes) -> Self {
        Intent {
            id: String::new(),
            claim,
            action,
            what,
            to,
            data,
            status: Status::Planned,
            deadline: 0,
            gas_limit: 0,
            nonce: None,
            block: None,
            tx: None,
            gas_used: None,
            fee: None,
            error: None,
        }
    }
}

/// A signed transaction.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its hash.
    pub hash: B256,
    /// Of which intent.
    pub intent: String,
    /// Its nonce.
    pub nonce: u64,
    /// It only uses the nonce up.
    pub cancels: bool,
    /// As it is broadcast.
    pub raw: Bytes,
    /// `maxFeePerGas`.
    pub max_fee: u128,
    /// `maxPriorityFeePerGas`.
    pub priority_fee: u128,
    /// Most that the chain takes besides gas times price, as of when it was signed.
    pub data_fee: U256,
    /// The newest block when it was signed.
    pub signed_block: u64,
}

/// Where a transaction was included.
#[derive(Clone, Debug)]
pub struct Inclusion {
    /// Transaction.
    pub tx: B256,
    /// Block.
    pub block: u64,
    /// Its time, or the newest known one.
    pub block_time: u64,
    /// Gas.
    pub gas_used: u64,
    /// What it cost.
    pub fee: U256,
    /// [`Status::Included`], [`Status::Failed`] or [`Status::Cancelled`].
    pub status: Status,
    /// Why it failed.
    pub error: Option<String>,
    /// Claims that it posted.
    pub postings: Vec<Posting>,
}

/// A final proof at hand, as one of its claims sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Final {
    /// Hash of its file.
    pub id: B256,
    /// The file.
    pub path: String,
    /// Layers of the claim that it proves.
    pub layers: BTreeSet<usize>,
    /// How many claims it is about.
    pub claims: usize,
}

/// A block, linked to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Number.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Hash of the one before.
    pub parent: B256,
}

/// What a look at a claim led to.
#[derive(Clone, Debug)]
pub struct Look {
    /// What the chain said.
    pub facts: Option<Facts>,
    /// Nothing is left to do.
    pub ended: bool,
    /// When to look again at the latest.
    pub wake: u64,
    /// Until when something is due.
    pub due: u64,
    /// What comes next.
    pub next: String,
    /// What is in the way.
    pub error: Option<(String, String)>,
    /// It could not be looked at.
    pub failed: bool,
    /// Chain time.
    pub now: u64,
    /// Block.
    pub block: u64,
}

/// How many intents of the same claim and action there were before one.
pub fn number_of(id: &str) -> u32 {
    let number = id.rsplit(':').next().and_then(|n| n.parse().ok());
    number.unwrap_or_default()
}

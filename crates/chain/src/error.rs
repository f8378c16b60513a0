//! Why something did not happen on chain.

use crate::format::{duration, eth};
use crate::revert::Revert;
use alloy::primitives::{Address, B256, U256};
use std::path::PathBuf;

/// Most gas of a transaction (EIP-7825).
pub const GAS_CAP: u64 = 16_777_216;

/// What a read is called; see [`Error::Reverted`].
pub(crate) const READING: &str = "reading ";

/// A question that a contract refuses is not an action that would fail.
fn reverted(what: &str, revert: &Revert) -> String {
    if what.starts_with(READING) {
        revert.to_string()
    } else {
        format!("{what} would fail: {revert}")
    }
}

/// Why something did not happen on chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {reason}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The address of the node is no URL of it.
    #[error("{url:?} is not the URL of a node: write one such as http://127.0.0.1:8545")]
    Url {
        /// Given.
        url: String,
    },
    /// The node does not answer.
    #[error("the node at {node} does not answer: {reason}")]
    Unreachable {
        /// Host of the node.
        node: String,
        /// Why.
        reason: String,
    },
    /// The node answers with an error.
    #[error("the node at {node} refuses: {reason}")]
    Refused {
        /// Host of the node.
        node: String,
        /// Why.
        reason: String,
    },
    /// There is no such contract, or it is another one.
    #[error("{address} does not answer as a contract of nanozk does: {reason}")]
    NotTheContract {
        /// Asked.
        address: Address,
        /// Why.
        reason: String,
    },
    /// A contract said no.
    #[error("{}", reverted(what, revert))]
    Reverted {
        /// What was tried.
        what: String,
        /// Why.
        revert: Box<Revert>,
    },
    /// A contract said no to a transaction, which cost its gas.
    #[error("{what} failed in transaction {hash}: {revert}")]
    Failed {
        /// What was tried.
        what: String,
        /// Transaction.
        hash: B256,
        /// Why.
        revert: Box<Revert>,
    },
    /// A transaction that needs too much gas.
    #[error("{what} needs {gas} gas, more than the {GAS_CAP} a transaction may have")]
    TooMuchGas {
        /// What was tried.
        what: String,
        /// Estimate.
        gas: u64,
    },
    /// The account cannot pay.
    #[error(
        "{account} has {}, {what} needs up to {}: send it {} more",
        eth(*available), eth(*needed), eth(needed.saturating_sub(*available))
    )]
    InsufficientFunds {
        /// Account.
        account: Address,
        /// What was tried.
        what: String,
        /// Value and greatest fee.
        needed: U256,
        /// Balance.
        available: U256,
    },
    /// No key to sign with.
    #[error("this needs a key: give one with --private-key-file, --keystore or NANOZK_PRIVATE_KEY")]
    NoKey,
    /// The node stopped answering after a transaction was handed to it.
    #[error(
        "the node at {node} stopped answering after transaction {hash} ({what}) was sent: whether it was included is \
         not known; nothing is lost, run the same command again and it goes on from what the chain has"
    )]
    Lost {
        /// Host of the node.
        node: String,
        /// What was tried.
        what: String,
        /// Transaction.
        hash: B256,
    },
    /// No block took a transaction.
    #[error(
        "no block took transaction {hash} ({what}) within {}: it may still be included; run the same command \
         again later and it goes on from what the chain has",
        duration(*seconds)
    )]
    NotIncluded {
        /// What was tried.
        what: String,
        /// Transaction.
        hash: B256,
        /// Waited for.
        seconds: u64,
    },
    /// Earlier transactions of the account are not included yet.
    #[error(
        "{account} has {} that no block took yet: wait, or replace them",
        crate::format::count(usize::try_from(*count).unwrap_or(usize::MAX), "transaction")
    )]
    Pending {
        /// Account.
        account: Address,
        /// How many.
        count: u64,
    },
    /// A block's header does not hash to the block's hash: a kind of block this program does not know.
    #[error(
        "the header of block {number} does not have the hash {hash}: this kind of block is not known"
    )]
    UnknownHeader {
        /// Block.
        number: u64,
        /// Its hash.
        hash: B256,
    },
    /// There is no such block.
    #[error("the chain has no block {number} yet")]
    NoBlock {
        /// Asked for.
        number: u64,
    },
    /// The chain lacks what deployment starts from.
    #[error(
        "chain {chain_id} has no deterministic deployment proxy at {address}: somebody has to install it once \
         (github.com/Arachnid/deterministic-deployment-proxy says how)"
    )]
    NoCreate2Deployer {
        /// Chain.
        chain_id: u64,
        /// Where it should be.
        address: Address,
    },
    /// Something else is where a contract should be.
    #[error(
        "at {address}, the place of {name}, is other code than this version deploys: choose another --salt"
    )]
    OtherCode {
        /// Contract.
        name: String,
        /// Place.
        address: Address,
    },
    /// A contract was deployed with other arguments.
    #[error(
        "{name} at {address} was deployed with {argument} {got}, not {expected}: repeat the options of its deployment, \
         or choose another --salt"
    )]
    OtherArgument {
        /// Contract.
        name: String,
        /// Place.
        address: Address,
        /// Argument of the constructor.
        argument: String,
        /// As asked for.
        expected: String,
        /// As deployed.
        got: String,
    },
    /// A deployment is on another chain than the node.
    #[error(
        "the deployment is on chain {expected}, the node at {node} is of chain {got}: give the right --rpc or --deployment"
    )]
    WrongChain {
        /// Host of the node.
        node: String,
        /// Of the deployment.
        expected: u64,
        /// Of the node.
        got: u64,
    },
    /// A deployment lacks a contract.
    #[error("the deployment has no {name}: finish it with nanozk deploy")]
    NotDeployed {
        /// Contract.
        name: String,
    },
    /// A file is of another version.
    #[error(
        "format {got:?} where {expected:?} is needed: it was written by another version of nanozk"
    )]
    Format {
        /// Needed.
        expected: &'static str,
        /// Found.
        got: String,
    },
    /// A request does not have the id it says, or is not signed by whom it says.
    #[error("the request is not consistent: {0}")]
    Request(String),
    /// Files that do not belong together.
    #[error("{0}")]
    Mismatch(String),
    /// A manifest, a claim or a proof is not consistent.
    #[error(transparent)]
    Session(Box<nanozk_verifier::Error>),
}

impl From<nanozk_verifier::Error> for Error {
    fn from(e: nanozk_verifier::Error) -> Self {
        Self::Session(Box::new(e))
    }
}

//! Why something does not go on, each with a code that stays the same over versions: `docs/relayer.md` lists them.

use crate::rpc::{Unanswered, presentable, revert_of};
use alloy::primitives::Address;
use alloy::transports::{RpcError, TransportErrorKind};
use nanozk_chain::revert::Revert;

/// Why something does not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(String),
    /// Another relayer works on the same database.
    #[error("another relayer has the database: {0}")]
    Locked(String),
    /// The database does not answer, or cannot write.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// The tables cannot be brought up to date.
    #[error("the tables of the database: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database holds what this program did not write.
    #[error("the database has {0}: it was changed by something else, or by a later version")]
    Damaged(String),
    /// A round did nothing for too long.
    #[error("nothing happened for {0}: does the database answer, or the disk?")]
    Hung(String),
    /// No node answers.
    #[error("no node answers: {0}")]
    Nodes(String),
    /// No node answers in time.
    #[error("no node answers in time: {0}")]
    Slow(String),
    /// A node refuses.
    #[error("the node refuses: {0}")]
    Refused(String),
    /// A contract said no.
    #[error("{what}: {revert}")]
    Reverted {
        /// What was tried, and what became of it.
        what: String,
        /// Why.
        revert: Box<Revert>,
    },
    /// A contract's answer cannot be read.
    #[error("{contract} does not answer as a contract of nanozk does: {reason}")]
    NotTheContract {
        /// Asked.
        contract: Address,
        /// Why.
        reason: String,
    },
    /// Files of a claim cannot be used.
    #[error("{0}")]
    Files(String),
    /// The prover, or a re-execution, failed.
    #[error("{0}")]
    Prover(String),
    /// A key cannot sign.
    #[error("the key: {0}")]
    Key(String),
    /// A limit that the operator set.
    #[error("{0}")]
    Limit(String),
    /// Something on chain.
    #[error(transparent)]
    Chain(Box<nanozk_chain::Error>),
    /// The HTTP API cannot start.
    #[error("the HTTP API on {address}: {reason}")]
    Api {
        /// Where.
        address: String,
        /// Why.
        reason: String,
    },
}

impl From<nanozk_chain::Error> for Error {
    fn from(e: nanozk_chain::Error) -> Self {
        Self::Chain(Box::new(e))
    }
}

impl Error {
    /// Its code.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Config(_) => "NZK001",
            Error::Locked(_) => "NZK002",
            Error::Api { .. } => "NZK003",
            Error::Database(_) => "NZK101",
            Error::Migration(_) => "NZK102",
            Error::Damaged(_) => "NZK103",
            Error::Hung(_) => "NZK104",
            Error::Nodes(_) => "NZK201",
            Error::Refused(_) => "NZK202",
            Error::Slow(_) => "NZK206",
            Error::NotTheContract { .. } => "NZK203",
            Error::Chain(_) => "NZK204",
            Error::Reverted { .. } => "NZK301",
            Error::Limit(_) => "NZK302",
            Error::Key(_) => "NZK303",
            Error::Files(_) => "NZK401",
            Error::Prover(_) => "NZK402",
        }
    }

    /// Whether the nodes are to blame, and may do better soon.
    pub fn is_of_nodes(&self) -> bool {
        matches!(
            self,
            Error::Nodes(_) | Error::Slow(_) | Error::Refused(_) | Error::NotTheContract { .. }
        )
    }

    /// Reads a node's error: a revert, of which `what` says what reverted, or else its own.
    pub fn of_node(error: RpcError<TransportErrorKind>, what: &str) -> Self {
        let Some(payload) = error.as_error_resp() else {
            let unanswered = match &error {
                RpcError::Transport(kind) => kind.as_custom().and_then(|e| e.downcast_ref()),
                _ => None,
            };
            return match unanswered {
                Some(e @ Unanswered { slow: true, .. }) => Error::Slow(e.to_string()),
                Some(e) => Error::Nodes(e.to_string()),
                None => Error::Nodes(error.to_string()),
            };
        };
        let Some(data) = revert_of(payload) else {
            return Error::Refused(presentable(&payload.message));
        };
        let revert = Revert::decode(&data);
        Error::Reverted {
            what: what.into(),
            revert: revert.into(),
        }
    }
}

//! What leads from a requester's answers to the roots that an epoch was committed to with.

use super::answers::Folder;
use super::tree::Tree;
use super::{Books, Committed, Line};
use crate::bindings::disputes::AnswerReceipt;
use crate::error::Error;
use alloy::primitives::{Address, B256};
use nanozk_verifier::hex::Digest32;
use serde::{Deserialize, Serialize};

/// Format name of a file of paths.
pub const PATHS_FORMAT: &str = "nanozk-epoch-paths-1";

/// Paths: a file, from provider to requester.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// [`PATHS_FORMAT`].
    pub format: String,
    /// The contracts.
    pub books: Books,
    /// Provider and version.
    pub line: Line,
    /// Number of the epoch.
    pub epoch: u32,
    /// One for each answer.
    pub answers: Vec<Path>,
}

/// What leads from an answer's leaves to the roots, from below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Path {
    /// Place of the answer.
    pub index: u32,
    /// Siblings in the tree over statements.
    pub statements: Vec<B256>,
    /// Siblings in the tree over receipts.
    pub receipts: Vec<B256>,
}

impl Paths {
    /// Those of a requester's answers, of `count` that an epoch is committed to with.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn of(folder: &Folder, count: u32, requester: Address) -> Result<Self, Error> {
        let trees = folder.trees(count)?;
        let header = folder.header();
        let mut answers = Vec::new();
        folder.each(count, |index, answer| {
            if answer.requester == requester {
                let place = [index as usize];
                answers.push(Path {
                    index,
                    statements: trees.statements.siblings(&place),
                    receipts: trees.receipts.siblings(&place),
                });
            }
            Ok(())
        })?;
        Ok(Self {
            format: PATHS_FORMAT.into(),
            books: header.books,
            line: header.line,
            epoch: header.number,
            answers,
        })
    }

    /// Whether an answer is in both trees, at the place that its receipt says, as its statement and as its receipt.
    ///
    /// # Errors
    /// Says what is not so.
    pub fn check(
        &self,
        committed: &Committed,
        model: Digest32,
        receipt: &AnswerReceipt,
    ) -> Result<(), Error> {
        if self.format != PATHS_FORMAT {
            return Err(Error::Format {
                expected: PATHS_FORMAT,
                got: self.format.clone(),
            });
        }
        let index = receipt.index;
        let own = (receipt.provider, receipt.version, receipt.epoch);
        if own != (self.line.provider, self.line.version, self.epoch) {
            return Err(Error::Mismatch(format!(
                "the paths are of another epoch than the receipt of answer {index}"
            )));
        }
        let path = self.answers.iter().find(|path| path.index == index);
        let path =
            path.ok_or_else(|| Error::Mismatch(format!("there is no path of answer {index}")))?;
        let statement = self.line.statement(&self.books, model, receipt);
        let (epoch, count) = (&committed.epoch, committed.terms.count as usize);
        for (what, root, leaf, siblings) in [
            ("statement", epoch.statements, statement, &path.statements),
            (
                "receipt",
                epoch.receipts,
                self.books.receipt(receipt),
                &path.receipts,
            ),
        ] {
            if !Tree::is_in(root, count, index as usize, leaf, siblings) {
                return Err(Error::Mismatch(format!(
                    "the {what} of answer {index} is not in what the provider committed to: demand it on chain, and do not pay"
                )));
            }
        }
        Ok(())
    }
}

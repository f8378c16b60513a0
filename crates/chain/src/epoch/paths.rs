//! What leads from a requester's answers to the roots that an epoch was committed to with.

use super::answers::{Folder, Header, Trees};
use super::tree::root_of;
use super::{Books, Committed, Line};
use crate::bindings::disputes::AnswerReceipt;
use crate::error::Error;
use alloy::primitives::{Address, B256};
use nanozk_verifier::hex::Digest32;
use serde::{Deserialize, Serialize};

/// Format name of a file of paths.
pub const PATHS_FORMAT: &str = "nanozk-epoch-paths-1";

/// What leads from some answers of an epoch to both roots, together: a file, from provider to requester.
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
    /// Places of the answers, rising.
    pub answers: Vec<u32>,
    /// Siblings in the tree over statements.
    pub statements: Vec<B256>,
    /// Siblings in the tree over receipts.
    pub receipts: Vec<B256>,
}

impl Paths {
    /// Those of a requester's answers, of `count` that an epoch is committed to with; of all of them, or of some.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn of(
        folder: &Folder,
        count: u32,
        requester: Address,
        some: Option<&[u32]>,
    ) -> Result<Self, Error> {
        let mut answers = Vec::new();
        folder.each(count, |index, answer| {
            if answer.requester == requester && some.is_none_or(|some| some.contains(&index)) {
                answers.push(index);
            }
            Ok(())
        })?;
        Ok(Self::within(
            folder.header(),
            &folder.trees(count)?,
            answers,
        ))
    }

    /// Those of the answers in some places, rising, in trees that are there.
    pub fn within(header: &Header, trees: &Trees, answers: Vec<u32>) -> Self {
        let places: Vec<usize> = answers.iter().map(|index| *index as usize).collect();
        Self {
            format: PATHS_FORMAT.into(),
            books: header.books,
            line: header.line,
            epoch: header.number,
            statements: trees.statements.siblings(&places),
            receipts: trees.receipts.siblings(&places),
            answers,
        }
    }

    /// Whether these answers, and no others, are in both trees, at the places that their receipts say, as statements and as
    /// receipts; by rising place.
    ///
    /// # Errors
    /// Says what is not so.
    pub fn check(
        &self,
        committed: &Committed,
        model: Digest32,
        receipts: &[AnswerReceipt],
    ) -> Result<(), Error> {
        if self.format != PATHS_FORMAT {
            return Err(Error::Format {
                expected: PATHS_FORMAT,
                got: self.format.clone(),
            });
        }
        for receipt in receipts {
            let own = (receipt.provider, receipt.version, receipt.epoch);
            if own != (self.line.provider, self.line.version, self.epoch) {
                return Err(Error::Mismatch(format!(
                    "the paths are of another epoch than the receipt of answer {}",
                    receipt.index
                )));
            }
        }
        let given: Vec<u32> = receipts.iter().map(|receipt| receipt.index).collect();
        if given != self.answers {
            return Err(Error::Mismatch(format!(
                "the paths are of the answers {:?}, the receipts of {given:?}: the provider has paths of fewer, by place (nanozk epoch paths --answers, or ?answers= of its server)",
                self.answers
            )));
        }
        let statements = receipts
            .iter()
            .map(|r| self.line.statement(&self.books, model, r));
        let digests = receipts.iter().map(|r| self.books.receipt(r));
        let (epoch, count) = (&committed.epoch, committed.terms.count as usize);
        let of = |leaves: Vec<B256>| -> Vec<(usize, B256)> {
            given
                .iter()
                .map(|index| *index as usize)
                .zip(leaves)
                .collect()
        };
        for (what, root, leaves, siblings) in [
            (
                "statements",
                epoch.statements,
                of(statements.collect()),
                &self.statements,
            ),
            (
                "receipts",
                epoch.receipts,
                of(digests.collect()),
                &self.receipts,
            ),
        ] {
            if root_of(count, &leaves, siblings) != Some(root) {
                return Err(Error::Mismatch(format!(
                    "the {what} of these answers are not all in what the provider committed to: find out which by paths of \
                     fewer, demand it on chain, and do not pay"
                )));
            }
        }
        Ok(())
    }
}

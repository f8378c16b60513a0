//! Epochs: many answers behind one bond and one proof, as `docs/epochs.md` has them.
//!
//! * [`answers`]: the provider's folder of answers, and receipts of them;
//! * [`series`]: the provider's folders, one epoch after the other;
//! * [`tree`]: Merkle trees over statements and receipts;
//! * [`draw`]: which answers are drawn;
//! * [`opening`]: what is sent with the proof of a draw;
//! * [`dispute`]: demands of receipts, and challenges of answers;
//! * [`paths`]: what leads from a requester's answers to the roots;
//! * [`voucher`]: what requesters sign to pay.

pub mod answers;
pub mod dispute;
pub mod draw;
pub mod opening;
pub mod paths;
pub mod series;
pub mod tree;
pub mod voucher;

use crate::bindings::disputes::AnswerReceipt;
use crate::bindings::epochs::{self, Epoch, FixedDraws};
use crate::claim::padded;
use crate::client::Client;
use crate::deployment::Deployment;
use crate::error::Error;
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::{Eip712Domain, SolStruct, SolValue, eip712_domain};
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::statement::Context;
use nanozk_verifier::{CheckedManifest, Claim};
use opening::Page;
use serde::{Deserialize, Serialize};

/// What is hashed first for an answer's word.
const ANSWER: &[u8] = b"nanozk epoch answer 1";

mod typed {
    #![allow(missing_docs)]
    alloy::sol! {
        struct Commit {
            address provider;
            bytes32 version;
            address page;
            bytes32 statements;
            bytes32 receipts;
            uint256 terms;
        }

        struct Fix {
            bytes32 target;
            bytes32 commitments;
        }
    }
}

/// Where epochs are: the contracts of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Books {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// `EpochBook`.
    #[serde(deserialize_with = "crate::address::deserialize")]
    pub book: Address,
    /// `EpochDisputes`, which receipts are signed for.
    #[serde(deserialize_with = "crate::address::deserialize")]
    pub disputes: Address,
}

impl Books {
    /// Those of a deployment.
    ///
    /// # Errors
    /// If it has none.
    pub fn of(deployment: &Deployment) -> Result<Self, Error> {
        Ok(Self {
            chain_id: deployment.chain_id,
            book: deployment.address("EpochBook")?,
            disputes: deployment.address("EpochDisputes")?,
        })
    }

    fn domain(&self) -> Eip712Domain {
        eip712_domain! {
            name: "nanozk EpochBook",
            version: "1",
            chain_id: self.chain_id,
            verifying_contract: self.book,
        }
    }

    /// Digest of a receipt: what its provider signs, and a leaf of the epoch's tree over receipts.
    pub fn receipt(&self, receipt: &AnswerReceipt) -> B256 {
        receipt.eip712_signing_hash(&eip712_domain! {
            name: "nanozk EpochDisputes",
            version: "1",
            chain_id: self.chain_id,
            verifying_contract: self.disputes,
        })
    }

    /// What a requester signs to pay.
    pub fn voucher(&self, voucher: &epochs::Voucher) -> B256 {
        voucher.eip712_signing_hash(&self.domain())
    }

    /// What a provider signs for others to commit.
    pub fn commit(&self, e: &Epoch) -> B256 {
        typed::Commit {
            provider: e.provider,
            version: e.version,
            page: e.page,
            statements: e.statements,
            receipts: e.receipts,
            terms: e.terms,
        }
        .eip712_signing_hash(&self.domain())
    }

    /// What a provider signs for others to fix commitments.
    pub fn fix(&self, target: B256, commitments: B256) -> B256 {
        typed::Fix {
            target,
            commitments,
        }
        .eip712_signing_hash(&self.domain())
    }
}

/// A provider with a model version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Provider.
    #[serde(deserialize_with = "crate::address::deserialize")]
    pub provider: Address,
    /// Registered model version.
    pub version: B256,
}

impl Line {
    /// The word of an answer, in the place of a job.
    pub fn answer(&self, epoch: u32, index: u32) -> B256 {
        let number = |n: u32| U256::from(n);
        let words = (
            B256::right_padding_from(ANSWER),
            self.provider,
            self.version,
            number(epoch),
            number(index),
        );
        keccak256(words.abi_encode())
    }

    /// Where the claim about an answer is made: the provider is paid.
    pub fn context(&self, books: &Books, epoch: u32, index: u32) -> Context {
        Context {
            chain: books.chain_id,
            contract: padded(books.book),
            claim: Digest32(self.answer(epoch, index).0),
            recipient: padded(self.provider),
            epoch: true,
        }
    }

    /// The statement that a receipt is about, if the version is of this model.
    pub fn statement(&self, books: &Books, model: Digest32, receipt: &AnswerReceipt) -> B256 {
        let scalar = |word: &B256| nanozk_verifier::encoding::scalar_from_bytes(&word.0);
        // Digests are below the order of the field; others have no statement that can be proved.
        let digest = |word| nanozk_verifier::hex::Scalar(scalar(word).unwrap_or_default());
        let claim = Claim {
            format: nanozk_verifier::CLAIM_FORMAT.into(),
            model_id: model,
            context: self.context(books, receipt.epoch, receipt.index),
            input_digest: digest(&receipt.inputDigest),
            output_digest: digest(&receipt.outputDigest),
            prompt_tokens: receipt.promptTokens,
            generated_tokens: receipt.newTokens,
            decoding: Digest32(receipt.decoding.0),
            seed_digest: Digest32(receipt.seedDigest.0),
            activations: Vec::new(),
        };
        claim.statement().into()
    }
}

/// The packed word of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Number of the epoch in its line.
    pub number: u32,
    /// Answers.
    pub count: u32,
    /// Of which so many are drawn.
    pub draws: u16,
    /// When it was committed to; zero before.
    pub committed_at: u64,
    /// Block that answers are drawn from; zero before.
    pub draw_block: u64,
    /// Bond that it exposes; zero before.
    pub exposure: U256,
}

impl Terms {
    /// What a provider asks for.
    pub fn asked(number: u32, count: u32, draws: u16) -> Self {
        Self {
            number,
            count,
            draws,
            committed_at: 0,
            draw_block: 0,
            exposure: U256::ZERO,
        }
    }

    /// As a word.
    pub fn pack(&self) -> U256 {
        U256::from(self.number)
            | U256::from(self.count) << 32
            | U256::from(self.draws) << 64
            | U256::from(self.committed_at) << 80
            | U256::from(self.draw_block) << 120
            | self.exposure << 168
    }

    /// Of a word.
    pub fn of(word: U256) -> Self {
        let part =
            |from: usize, bits: usize| (word >> from) & ((U256::from(1) << bits) - U256::from(1));
        Self {
            number: part(0, 32).to(),
            count: part(32, 32).to(),
            draws: part(64, 16).to(),
            committed_at: part(80, 40).to(),
            draw_block: part(120, 48).to(),
            exposure: part(168, 88),
        }
    }
}

/// Id of an epoch as it was committed to.
pub fn id(epoch: &Epoch) -> B256 {
    keccak256(epoch.abi_encode())
}

/// How far an epoch is on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The chain does not know it.
    Unknown,
    /// Committed to: answers are drawn next.
    Committed,
    /// The activation commitments of drawn answers are fixed: layers are drawn and proved next.
    Fixed,
    /// Its draws are proved.
    Proven,
    /// Its answers can be paid for.
    Settled,
    /// Its verifier was frozen.
    Void,
}

impl Status {
    /// That of an epoch.
    ///
    /// # Errors
    /// Of the node.
    pub fn of(client: &Client, books: &Books, epoch: B256) -> Result<Self, Error> {
        let status = client.read(books.book, &epochs::statusOfCall { epoch })?;
        Ok(match status {
            1 => Self::Committed,
            2 => Self::Fixed,
            3 => Self::Proven,
            4 => Self::Settled,
            5 => Self::Void,
            _ => Self::Unknown,
        })
    }

    /// Committed to, and neither settled nor void: it can be disputed, and expire.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Committed | Self::Fixed | Self::Proven)
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "open",
            Self::Committed => "committed",
            Self::Fixed => "fixed",
            Self::Proven => "proven",
            Self::Settled => "settled",
            Self::Void => "void",
        }
    }
}

/// An epoch on chain.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Its id.
    pub id: B256,
    /// As it was committed to: calls take it.
    pub epoch: Epoch,
    /// What its word has.
    pub terms: Terms,
}

impl Committed {
    /// That of this number; none if it was not committed to.
    ///
    /// # Errors
    /// Of the node, or if an event cannot be read.
    pub fn find(
        client: &Client,
        books: &Books,
        line: &Line,
        number: u32,
    ) -> Result<Option<Self>, Error> {
        let topics = [None, Some(line.provider.into_word())];
        let events: Vec<epochs::EpochCommitted> = client.events(books.book, topics)?;
        let all = events.into_iter().map(|e| Self::of(e.epoch, e.committed));
        let is_it = |e: &Self| e.epoch.version == line.version && e.terms.number == number;
        Ok(all.into_iter().find(is_it))
    }

    fn of(id: B256, epoch: Epoch) -> Self {
        let terms = Terms::of(epoch.terms);
        Self { id, epoch, terms }
    }

    /// What was fixed of it; none if nothing was.
    ///
    /// # Errors
    /// Of the node, or if the event cannot be read.
    pub fn fixed(&self, client: &Client, books: &Books) -> Result<Option<FixedDraws>, Error> {
        let event: Option<epochs::EpochFixed> = client.event(books.book, [Some(self.id), None])?;
        Ok(event.map(|event| event.fixed_))
    }

    /// The seed that its layers are drawn from, if it was noted.
    ///
    /// # Errors
    /// Of the node, or if the event cannot be read.
    pub fn noted(&self, client: &Client, books: &Books) -> Result<Option<B256>, Error> {
        let event: Option<epochs::LayersDrawn> = client.event(books.book, [Some(self.id), None])?;
        Ok(event.map(|event| event.seed))
    }

    /// Until when its answers can be disputed.
    ///
    /// # Errors
    /// Of the node.
    pub fn challenge_by(&self, client: &Client, books: &Books) -> Result<u64, Error> {
        let window = client.read(books.book, &epochs::challengeWindowCall {})?;
        Ok(self.terms.committed_at + window.to::<u64>())
    }

    /// Until when what was drawn of it can be proved.
    ///
    /// # Errors
    /// Of the node.
    pub fn prove_by(
        &self,
        client: &Client,
        books: &Books,
        fixed: &FixedDraws,
    ) -> Result<u64, Error> {
        let window = client.read(books.book, &epochs::proveWindowCall {})?;
        Ok(fixed.fixedAt.to::<u64>() + window.to::<u64>())
    }

    /// Disputes of it that are not decided.
    ///
    /// # Errors
    /// Of the node.
    pub fn disputes(&self, client: &Client, books: &Books) -> Result<usize, Error> {
        let open = client.read(books.book, &epochs::openDisputesCall { epoch: self.id })?;
        Ok(open.saturating_to())
    }
}

/// A page of a version that has all programs of its model's single layers; none if there is none. Anybody may write others, which
/// lack what draws are proved by, so it is the first that has them.
///
/// # Errors
/// Of the node.
pub fn page_of(
    client: &Client,
    books: &Books,
    version: B256,
    manifest: &CheckedManifest,
) -> Result<Option<Page>, Error> {
    let events: Vec<epochs::Enrolled> = client.events(books.book, [Some(version), None])?;
    for event in events {
        let page = Page::read(client, event.page)?;
        if page.check(manifest).is_ok() {
            return Ok(Some(page));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;

//! Disputes about answers of an epoch: demands to show a receipt in the trees, and challenges of answers.

use super::answers::{Answer, Header, Trees};
use super::{Books, Committed};
use crate::bindings::disputes::{
    self as abi, Activations, AnswerReceipt, Challenged, CommitmentsFixed, Demanded, Placed,
};
use crate::bindings::epochs::{self, FixedDraws};
use crate::claim::{leaves, same, tree, word};
use crate::client::{Call, Client};
use crate::error::Error;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::SolValue;
use nanozk_verifier::{CheckedManifest, Claim, FinalFile};

/// Disputes that are read by one call.
const READ_AT_ONCE: usize = 256;

/// Whose turn it is, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The provider's: it shows the receipt, or fixes activation commitments.
    Open,
    /// The challenger's: it asks for layers.
    Fixed,
    /// The provider's: it proves them.
    Asked,
    /// The provider answered.
    Answered,
    /// The challenger asked for nothing.
    Dropped,
}

impl Turn {
    fn of(status: u8) -> Option<Self> {
        match status {
            1 => Some(Self::Open),
            2 => Some(Self::Fixed),
            3 => Some(Self::Asked),
            4 => Some(Self::Answered),
            5 => Some(Self::Dropped),
            _ => None,
        }
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Fixed => "fixed",
            Self::Asked => "asked",
            Self::Answered => "answered",
            Self::Dropped => "dropped",
        }
    }

    /// Nobody has to do anything any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Answered | Self::Dropped)
    }

    /// The provider has to act.
    pub fn is_providers(self) -> bool {
        matches!(self, Self::Open | Self::Asked)
    }
}

/// What a dispute is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A receipt, by its digest, which is to be shown in the trees.
    Receipt(B256),
    /// The answer in a place, whose layers are to be proved.
    Answer(u32),
}

/// A dispute of an epoch.
#[derive(Clone, Debug)]
pub struct Dispute {
    /// Its id.
    pub id: B256,
    /// What it is about.
    pub subject: Subject,
    /// Who began it.
    pub challenger: Address,
    /// Whose turn it is.
    pub turn: Turn,
    /// Last second of that turn.
    pub until: u64,
    /// A bond is held for it.
    pub is_bonded: bool,
    /// Layers that are asked for, as a set.
    pub asked: U256,
}

impl Dispute {
    /// Nothing can be done in it any more, if its line is over: then its bond moves.
    pub fn has_ended(&self, now: u64) -> bool {
        self.turn.is_over() || now > self.until
    }

    /// All disputes of an epoch, in the order in which they began.
    ///
    /// # Errors
    /// Of the node, or if an event cannot be read.
    pub fn all(client: &Client, books: &Books, epoch: B256) -> Result<Vec<Self>, Error> {
        let topics = [Some(epoch), None];
        let demands: Vec<Demanded> = client.events(books.disputes, topics)?;
        let challenges: Vec<Challenged> = client.events(books.disputes, topics)?;
        let receipts = demands
            .iter()
            .map(|e| (demand_id(e.epoch, e.receipt), Subject::Receipt(e.receipt)));
        let answers = challenges.iter().map(|e| {
            // The contract refuses places that an epoch has not.
            let index: u32 = e.index.saturating_to();
            let id = challenge_id(e.epoch, index, e.challenger);
            (id, Subject::Answer(index))
        });
        let found: Vec<(B256, Subject)> = receipts.chain(answers).collect();
        let mut all = Vec::with_capacity(found.len());
        // Anybody who has receipts can open many.
        for some in found.chunks(READ_AT_ONCE) {
            let call = abi::disputesOfCall {
                disputes: some.iter().map(|(id, _)| *id).collect(),
            };
            let read = client.read(books.disputes, &call)?;
            let pairs = some.iter().zip(read);
            all.extend(pairs.filter_map(|((id, subject), kept)| Self::of(*id, *subject, &kept)));
        }
        Ok(all)
    }

    fn of(id: B256, subject: Subject, kept: &abi::Dispute) -> Option<Self> {
        Turn::of(kept.status).map(|turn| Self {
            id,
            subject,
            challenger: kept.challenger,
            turn,
            until: kept.until.to(),
            is_bonded: kept.bonded,
            asked: kept.asked,
        })
    }

    /// One; none if it did not begin.
    ///
    /// # Errors
    /// Of the node.
    pub fn read(
        client: &Client,
        books: &Books,
        id: B256,
        subject: Subject,
    ) -> Result<Option<Self>, Error> {
        let kept = client.read(books.disputes, &abi::disputeOfCall { dispute: id })?;
        Ok(Self::of(id, subject, &kept))
    }

    /// What was fixed in a challenge; none if nothing was.
    ///
    /// # Errors
    /// Of the node, or if an event cannot be read.
    pub fn fixed(
        &self,
        client: &Client,
        books: &Books,
        epoch: B256,
    ) -> Result<Option<CommitmentsFixed>, Error> {
        let Subject::Answer(index) = self.subject else {
            return Ok(None);
        };
        let topics = [Some(epoch), Some(U256::from(index).into())];
        let events: Vec<CommitmentsFixed> = client.events(books.disputes, topics)?;
        let own = |e: &CommitmentsFixed| e.challenger == self.challenger;
        Ok(events.into_iter().find(own))
    }

    /// What it is about, for people.
    pub fn what(&self) -> String {
        match self.subject {
            Subject::Receipt(digest) => format!("the demand of {} for {digest}", self.challenger),
            Subject::Answer(index) => {
                format!("the challenge of {} of answer {index}", self.challenger)
            }
        }
    }
}

/// Id of the demand to see a receipt.
pub fn demand_id(epoch: B256, receipt: B256) -> B256 {
    keccak256(("demand".to_owned(), epoch, receipt).abi_encode_params())
}

/// Id of somebody's challenge of an answer.
pub fn challenge_id(epoch: B256, index: u32, challenger: Address) -> B256 {
    let index = U256::from(index);
    keccak256(("challenge".to_owned(), epoch, index, challenger).abi_encode_params())
}

/// Demands to see a receipt in an epoch's trees.
pub fn demand(books: &Books, epoch: &Committed, receipt: AnswerReceipt, signature: Bytes) -> Call {
    let what = format!("demanding the receipt of answer {}", receipt.index);
    let call = abi::demandCall {
        epoch: same(&epoch.epoch),
        receipt,
        signature,
    };
    Call::new(what, books.disputes, &call)
}

/// The bond of the next challenge of an answer of an open epoch: it rises with those that the line has against it.
///
/// # Errors
/// Of the node, or if the epoch is not open.
pub fn bond_of(client: &Client, books: &Books, epoch: &Committed) -> Result<U256, Error> {
    let call = abi::bondOfCall {
        epoch: same(&epoch.epoch),
    };
    client.read(books.disputes, &call)
}

/// Challenges an answer, for a bond of at most so much.
pub fn challenge(books: &Books, epoch: &Committed, index: u32, most_bond: U256) -> Call {
    let call = abi::challengeCall {
        epoch: same(&epoch.epoch),
        index: U256::from(index),
        mostBond: most_bond,
    };
    Call::new(format!("challenging answer {index}"), books.disputes, &call)
}

/// Asks for layers of an answer, after its activation commitments were fixed.
pub fn ask(books: &Books, epoch: &Committed, index: u32, layers: U256) -> Call {
    let call = abi::askCall {
        epoch: same(&epoch.epoch),
        index: U256::from(index),
        layers,
    };
    let what = format!("asking for layers of answer {index}");
    Call::new(what, books.disputes, &call)
}

/// Slashes the line for a dispute in which the provider was silent, or drops one in which the challenger was.
pub fn timeout(books: &Books, epoch: &Committed, dispute: &Dispute) -> Call {
    let call = abi::timeoutCall {
        epoch: same(&epoch.epoch),
        dispute: dispute.id,
    };
    let what = match dispute.turn.is_providers() {
        true => format!("slashing the line for silence in {}", dispute.what()),
        false => format!("dropping {}, who asked for nothing", dispute.what()),
    };
    Call::new(what, books.disputes, &call)
}

/// Moves the bond of a challenge that is over.
pub fn resolve(books: &Books, epoch: &Committed, dispute: &Dispute) -> Call {
    let call = abi::resolveCall {
        epoch: same(&epoch.epoch),
        dispute: dispute.id,
    };
    let what = format!("moving the bond of {}", dispute.what());
    Call::new(what, books.disputes, &call)
}

/// Slashes the line for an epoch that was not fixed or not proven in time.
pub fn expire(books: &Books, epoch: &Committed, fixed: Option<FixedDraws>) -> Call {
    let nothing = FixedDraws {
        seed: B256::ZERO,
        commitments: B256::ZERO,
        fixedAt: Default::default(),
        drawBlock: Default::default(),
    };
    let call = epochs::expireCall {
        epoch: epoch.epoch.clone(),
        fixed_: fixed.unwrap_or(nothing),
    };
    let what = format!("slashing the line for epoch {}", epoch.terms.number);
    Call::new(what, books.book, &call)
}

/// Ends an epoch whose verifier was frozen.
pub fn void(books: &Books, epoch: &Committed) -> Call {
    let call = epochs::voidEpochCall {
        epoch: epoch.epoch.clone(),
    };
    let what = "voiding the epoch, whose verifier was frozen";
    Call::new(what, books.book, &call)
}

/// Shows two receipts of one place of an epoch.
pub fn contradict(books: &Books, receipts: [(AnswerReceipt, Bytes); 2]) -> Call {
    let [(one, signature_of_one), (other, signature_of_other)] = receipts;
    let what = format!("showing two receipts of answer {}", one.index);
    let call = abi::contradictCall {
        one,
        signatureOfOne: signature_of_one,
        other,
        signatureOfOther: signature_of_other,
    };
    Call::new(what, books.disputes, &call)
}

/// An answer of a provider's folder, of an epoch that was committed to: what answers are made from.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// The folder's.
    pub header: &'a Header,
    /// The epoch.
    pub epoch: &'a Committed,
    /// Its trees.
    pub trees: &'a Trees,
    /// Place.
    pub index: u32,
    /// Answer.
    pub answer: &'a Answer,
}

impl Own<'_> {
    fn siblings(&self, of: &super::tree::Tree) -> Bytes {
        let siblings = of.siblings(&[self.index as usize]);
        siblings
            .iter()
            .flat_map(|s| s.0)
            .collect::<Vec<u8>>()
            .into()
    }

    fn placed(&self) -> Placed {
        let receipt = self.answer.receipt(self.header, self.index);
        Placed {
            index: U256::from(self.index),
            inputDigest: receipt.inputDigest,
            outputDigest: receipt.outputDigest,
            promptTokens: receipt.promptTokens,
            newTokens: receipt.newTokens,
            siblings: self.siblings(&self.trees.statements),
        }
    }

    /// Shows its receipt in both trees.
    pub fn show(&self) -> Call {
        let call = abi::showCall {
            epoch: same(&self.epoch.epoch),
            receipt: self.answer.receipt(self.header, self.index),
            inStatements: self.siblings(&self.trees.statements),
            inReceipts: self.siblings(&self.trees.receipts),
        };
        let what = format!("showing the receipt of answer {}", self.index);
        Call::new(what, self.header.books.disputes, &call)
    }

    /// Fixes its activation commitments for a challenger, as its provider.
    ///
    /// # Errors
    /// If a commitment is at infinity.
    pub fn fix(&self, claim: &Claim, challenger: Address) -> Result<Call, Error> {
        let words = claim.activation_words();
        let call = abi::fixAnswerCall {
            epoch: same(&self.epoch.epoch),
            answer: self.placed(),
            challenger,
            digest: word(&claim.activations_digest()?).into(),
            words: words.iter().map(|w| U256::from_be_bytes(word(w))).collect(),
            signature: Bytes::new(),
        };
        let what = format!(
            "fixing the activation commitments of answer {} for {challenger}",
            self.index
        );
        Ok(Call::new(what, self.header.books.disputes, &call))
    }

    /// Proves layers of it, for a challenger for whom these activation commitments were fixed.
    ///
    /// # Errors
    /// If the proof is of another answer, or of programs that the model is not registered with.
    pub fn prove(
        &self,
        claim: &Claim,
        fixed: &CommitmentsFixed,
        manifest: &CheckedManifest,
        file: &FinalFile,
    ) -> Result<Call, Error> {
        let [said] = &file.claims[..] else {
            return Err(Error::Mismatch(format!(
                "the proof is about {} answers, one is needed",
                file.claims.len()
            )));
        };
        if said.statement.0 != claim.statement() {
            return Err(Error::Mismatch(format!(
                "the proof is of another answer than {}",
                self.index
            )));
        }
        let digest = B256::from(word(&claim.activations_digest()?));
        let Activations {
            digest: fixed_digest,
            point,
            fingerprint,
        } = fixed.fixed_;
        if digest != fixed_digest {
            return Err(Error::Mismatch(format!(
                "other activation commitments of answer {} were fixed: their digest is {fixed_digest}, the session's {digest}",
                self.index
            )));
        }
        let leaves = leaves(manifest, said, claim.generated_tokens as usize)?;
        let call = abi::proveCall {
            epoch: same(&self.epoch.epoch),
            answer: self.placed(),
            challenger: fixed.challenger,
            activations: Activations {
                digest,
                point,
                fingerprint,
            },
            leaves: leaves.iter().map(same).collect(),
            tree: same(&tree(file)),
            proof: Bytes::from(file.proof.0.clone()),
        };
        let what = format!("proving layers of answer {}", self.index);
        Ok(Call::new(what, self.header.books.disputes, &call))
    }
}

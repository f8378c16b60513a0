//! Claims on chain: what is posted of a session, how a claim is found, and final proofs as calldata.

use crate::bindings::{book, lens, statements};
use crate::client::{Call, Client};
use crate::error::Error;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::{SolType, SolValue};
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::hex::{Digest32, Scalar};
use nanozk_verifier::statement::Context;
use nanozk_verifier::{
    CheckedManifest, Claim, FinalFile, ProvedClaim, ProvedWindow, RegisteredProgram,
};

/// The target of a challenge that is of a whole claim.
pub const WHOLE: u64 = 255;
/// That of a challenge of the output.
pub const OUTPUT: u64 = 256;

/// An address as statements have it, padded on the left.
pub fn padded(address: Address) -> Digest32 {
    Digest32(address.into_word().0)
}

/// The address in a padded word.
pub fn unpadded(word: Digest32) -> Option<Address> {
    let word = B256::from(word.0);
    let address = Address::from_word(word);
    (address.into_word() == word).then_some(address)
}

/// Where a claim is made.
pub fn context(chain: u64, book: Address, job: B256, recipient: Address) -> Context {
    Context {
        chain,
        contract: padded(book),
        claim: Digest32(job.0),
        recipient: padded(recipient),
        epoch: false,
    }
}

/// A word of contracts.
pub(crate) fn word(scalar: &Scalar) -> [u8; 32] {
    scalar_to_bytes(&scalar.0)
}

/// What a provider signs and posts of a session.
///
/// # Errors
/// If the session's recipient is no address.
pub fn header(claim: &Claim) -> Result<book::ClaimHeader, Error> {
    let recipient = unpadded(claim.context.recipient).ok_or_else(|| {
        Error::Mismatch(
            "the recipient in claim.json is not an address: run the session again with --recipient"
                .into(),
        )
    })?;
    let points = claim
        .activation_words()
        .iter()
        .map(word)
        .map(U256::from_be_bytes)
        .collect();
    Ok(book::ClaimHeader {
        job: claim.context.claim.0.into(),
        outputDigest: word(&claim.output_digest).into(),
        recipient,
        seedDigest: claim.seed_digest.0.into(),
        activations: word(&claim.activations_digest()?).into(),
        points,
    })
}

/// A claim as it was posted: contracts keep its id, and are given all of it again.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Its id.
    pub id: B256,
    /// Who posted it.
    pub provider: Address,
    /// All of it.
    pub claim: book::Claim,
    /// The words of its commitments to activations.
    pub points: Vec<U256>,
}

/// What is in the packed words of a claim, and its deadlines.
pub type Terms = lens::Terms;

impl Posted {
    /// Of the event of a post.
    pub fn of(event: book::ClaimPosted) -> Self {
        Self {
            id: event.claim,
            provider: event.provider,
            claim: event.posted,
            points: event.points,
        }
    }

    /// The claim of a job; none if none was posted.
    ///
    /// # Errors
    /// Of the node, or if the event cannot be read.
    pub fn find(client: &Client, book: Address, job: B256) -> Result<Option<Self>, Error> {
        let event = client.event(book, [None, Some(job)])?;
        Ok(event.map(Self::of))
    }

    /// As the lens takes it.
    pub fn for_lens(&self) -> lens::Claim {
        same(&self.claim)
    }

    /// What is in its packed words.
    pub fn terms(&self) -> Terms {
        let part = |word: U256, from: usize, bits: usize| -> U256 {
            (word >> from) & ((U256::from(1) << bits) - U256::from(1))
        };
        let (terms, times) = (self.claim.terms, self.claim.times);
        let small = |word: U256, from: usize, bits: usize| -> u64 { part(word, from, bits).to() };
        let (posted_at, challenge, answer) = (
            small(times, 0, 64),
            small(times, 64, 32),
            small(times, 96, 32),
        );
        let mode = small(terms, 80, 8) as u8;
        let challenge_by = if challenge == 0 {
            0
        } else {
            posted_at + challenge
        };
        let proofs_from = if mode == 0 { posted_at } else { challenge_by };
        Terms {
            promptTokens: small(terms, 0, 32) as u32,
            newTokens: small(terms, 32, 32) as u32,
            layers: small(terms, 64, 16) as u16,
            mode,
            challengeBond: part(terms, 88, 128).to(),
            postedAt: posted_at,
            challengeWindow: challenge as u32,
            answerWindow: answer as u32,
            drawBlock: small(times, 128, 64),
            challengeBy: challenge_by,
            provenBy: proofs_from + answer,
        }
    }

    /// Refuses a session that this is not the claim of.
    ///
    /// # Errors
    /// Says what differs.
    pub fn check(&self, claim: &Claim) -> Result<(), Error> {
        let own = B256::from(claim.statement());
        if own != self.claim.statement {
            return Err(Error::Mismatch(format!(
                "the claim on chain is of another session: its statement is {}, the session's {own}",
                self.claim.statement
            )));
        }
        let own = B256::from(word(&claim.activations_digest()?));
        if own != self.claim.activations {
            return Err(Error::Mismatch(format!(
                "the claim on chain has other commitments to activations than the session: their digest is {}, the session's {own}",
                self.claim.activations
            )));
        }
        Ok(())
    }
}

/// A claim of a final proof, with what it takes to send it.
#[derive(Clone, Copy, Debug)]
pub struct Proved<'a> {
    /// As it was posted.
    pub posted: &'a Posted,
    /// Its model.
    pub manifest: &'a CheckedManifest,
}

/// A registered program, as contracts take it.
pub(crate) fn program_of<P>(program: &RegisteredProgram) -> P
where
    P: SolValue + From<<P::SolType as SolType>::RustType>,
{
    // A model has fewer layers than do not fit.
    let small = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    same(&book::Program {
        first: small(program.first),
        count: small(program.count),
        key: word(&program.key).into(),
        weights: word(&program.weights).into(),
    })
}

/// The joint proofs of a claim, as contracts take them.
pub(crate) fn leaves(
    manifest: &CheckedManifest,
    said: &ProvedClaim,
    generated: usize,
) -> Result<Vec<book::Leaf>, Error> {
    let tree = manifest.manifest().program_tree();
    let leaf = |window: &ProvedWindow| {
        let ProvedWindow { first, count, .. } = *window;
        let registered = manifest.registered((first, count), generated);
        let (number, program) = registered.ok_or_else(|| {
            Error::Mismatch(format!(
                "the model is not registered with a program of the {count} layers from layer {first} on"
            ))
        })?;
        Ok(book::Leaf {
            program: program_of(program),
            digest: word(&window.digest).into(),
            path: tree.path(number).into_iter().map(B256::from).collect(),
        })
    };
    said.windows.iter().map(leaf).collect()
}

/// How nodes lie over the joint proofs, as contracts take it.
pub(crate) fn tree(file: &FinalFile) -> book::Tree {
    book::Tree {
        shape: Bytes::from(file.tree.shape.0.clone()),
        digests: file.tree.digests.iter().map(|d| word(d).into()).collect(),
    }
}

/// A struct of several contracts, of which each has its own in the bindings.
pub(crate) fn same<A, B>(of: &A) -> B
where
    A: SolValue,
    B: SolValue + From<<B::SolType as SolType>::RustType>,
{
    B::abi_decode(&of.abi_encode()).expect("the same struct")
}

/// The call by which a contract verifies a final proof of a whole session, without a job: a session that was made for the
/// `StatementVerifier`, of a registered version.
///
/// # Errors
/// If the proof is of another session or of several, or of programs that the model is not registered with, or if the
/// recipient is no address.
pub fn verify_statement(
    version: B256,
    claim: &Claim,
    manifest: &CheckedManifest,
    file: &FinalFile,
) -> Result<statements::verifyStatementCall, Error> {
    let statement = claim.statement();
    let said = match &file.claims[..] {
        [said] if said.statement.0 == statement => said,
        [said] => {
            return Err(Error::Mismatch(format!(
                "the proof was made for the statement {}, the session's is {}: nanozk aggregate makes it again",
                said.statement,
                Digest32(statement)
            )));
        }
        several => {
            return Err(Error::Mismatch(format!(
                "the proof is about {} sessions: nanozk aggregate makes one of this session alone",
                several.len()
            )));
        }
    };
    let header = header(claim)?;
    let leaves = leaves(manifest, said, claim.generated_tokens as usize)?;
    Ok(statements::verifyStatementCall {
        session: statements::Session {
            version,
            claim: header.job,
            recipient: header.recipient,
            inputDigest: word(&claim.input_digest).into(),
            outputDigest: header.outputDigest,
            promptTokens: claim.prompt_tokens,
            newTokens: claim.generated_tokens,
            decoding: claim.decoding.0.into(),
            activations: header.activations,
            points: header.points,
        },
        leaves: leaves.iter().map(same).collect(),
        tree: same(&tree(file)),
        proof: Bytes::from(file.proof.0.clone()),
    })
}

/// The call that proves what a final proof is about; claims are in the file's order. Whether the proof is valid is for the
/// contract to say.
///
/// # Errors
/// If the proof is of other claims, or of programs that a model is not registered with.
pub fn prove(book: Address, file: &FinalFile, claims: &[Proved<'_>]) -> Result<Call, Error> {
    let mut proofs = Vec::with_capacity(claims.len());
    if file.claims.len() != claims.len() {
        return Err(Error::Mismatch(format!(
            "the proof is about {} claims, {} are given",
            file.claims.len(),
            claims.len()
        )));
    }
    for (said, Proved { posted, manifest }) in file.claims.iter().zip(claims) {
        if said.statement.0 != posted.claim.statement.0 {
            return Err(Error::Mismatch(format!(
                "the proof was made for the statement {}, the claim's is {}: nanozk aggregate makes it again",
                said.statement, posted.claim.statement
            )));
        }
        let generated = posted.terms().newTokens as usize;
        proofs.push(book::ClaimProof {
            claim: posted.claim.clone(),
            leaves: leaves(manifest, said, generated)?,
        });
    }
    let call = book::proveCall {
        proofs,
        tree: tree(file),
        proof: Bytes::from(file.proof.0.clone()),
    };
    let layers: u32 = file
        .claims
        .iter()
        .flat_map(|c| &c.windows)
        .map(|w| w.count)
        .sum();
    let what = match (claims.len(), layers) {
        (1, 1) => "proving a layer".to_owned(),
        (1, layers) => format!("proving {layers} layers"),
        (claims, layers) => format!("proving {layers} layers of {claims} claims"),
    };
    Ok(Call::new(what, book, &call))
}

/// Layers in a set of the contracts, ascending.
pub fn layers_of(set: U256) -> Vec<usize> {
    (0..256).filter(|l| set.bit(*l)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_padded() {
        let address = Address::repeat_byte(0xab);
        assert_eq!(unpadded(padded(address)), Some(address));
        assert_eq!(unpadded(Digest32([1; 32])), None);
    }

    #[test]
    fn sets_have_their_layers() {
        assert_eq!(layers_of(U256::from(0b1011)), [0, 1, 3]);
        assert_eq!(layers_of(U256::from(1) << 255), [255]);
    }

    #[test]
    fn packed_words_are_taken_apart() {
        let claim = book::Claim {
            terms: U256::from(5)
                | U256::from(8) << 32
                | U256::from(10) << 64
                | U256::from(2) << 80
                | U256::from(u128::MAX) << 88,
            times: U256::from(1_000)
                | U256::from(60) << 64
                | U256::from(70) << 96
                | U256::from(9) << 128,
            ..empty()
        };
        let posted = Posted {
            id: B256::ZERO,
            provider: Address::ZERO,
            claim,
            points: Vec::new(),
        };
        let t = posted.terms();
        assert_eq!(
            (t.promptTokens, t.newTokens, t.layers, t.mode),
            (5, 8, 10, 2)
        );
        assert_eq!(t.challengeBond, u128::MAX);
        assert_eq!(
            (t.postedAt, t.challengeBy, t.provenBy, t.drawBlock),
            (1_000, 1_060, 1_130, 9)
        );
    }

    fn empty() -> book::Claim {
        <book::Claim as SolValue>::abi_decode(&[0; 14 * 32]).expect("words")
    }
}

//! Sessions as claims, and their proofs as calldata.

use crate::bindings::book;
use crate::error::Error;
use alloy::primitives::{Address, Bytes, B256, U256};
use nanozk_circuits::{Layer, Shape};
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::encoding::{point_compressed, scalar_to_bytes};
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::session::{LayerProof, Session, SessionError};
use nanozk_verifier::statement::Context;
use nanozk_verifier::{Layout, Proof, TranscriptKind};
use std::collections::HashMap;

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
pub fn context(chain: u64, book: Address, claim: B256, recipient: Address) -> Context {
    Context {
        chain,
        contract: padded(book),
        claim: Digest32(claim.0),
        recipient: padded(recipient),
    }
}

/// What a provider signs and posts of a session.
pub fn header(session: &Session, recipient: Address) -> book::ClaimHeader {
    book::ClaimHeader {
        job: session.context.claim.0.into(),
        outputDigest: scalar_to_bytes(&session.output_digest.0).into(),
        recipient,
        boundaries: session
            .boundaries
            .iter()
            .map(|p| point_compressed(&p.0).into())
            .collect(),
    }
}

/// Layouts of proofs, by shape: all that encoding needs of a circuit.
#[derive(Debug, Default)]
pub struct Encoder(HashMap<Shape, Layout>);

impl Encoder {
    /// A proof file of a session's layer as contracts take it. Whether it is valid is for them to say.
    pub fn calldata(
        &mut self,
        session: &Session,
        card: &ModelCard,
        layer: usize,
        file: &[u8],
    ) -> Result<Bytes, Error> {
        let proof = LayerProof::from_file(layer, file)?;
        if proof.layer as usize != layer {
            return Err(SessionError::Order {
                expected: layer,
                got: proof.layer,
            }
            .into());
        }
        if proof.statement != session.statement(card.layers.len()).digest() {
            return Err(SessionError::OtherStatement { layer }.into());
        }
        if proof.transcript != TranscriptKind::Keccak {
            return Err(Error::Transcript { layer });
        }
        let described = card.layers.get(layer);
        let shape = card.shape(described.ok_or(SessionError::MissingKey { layer })?);
        let layout = match self.0.entry(shape) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let circuit = Layer::new(shape).map_err(|e| Error::NoCircuit {
                    layer,
                    reason: e.to_string(),
                })?;
                entry.insert(Layout::new(&circuit.program))
            }
        };
        let bytes =
            Proof::calldata_of(layout, &proof.bytes).map_err(|source| SessionError::Proof {
                layer,
                kind: shape.kind,
                source,
            })?;
        Ok(bytes.into())
    }
}

/// Layers in a set of the contracts, ascending.
pub fn layers_of(set: U256) -> Vec<usize> {
    (0..256).filter(|l| set.bit(*l)).collect()
}

/// Consecutive layers, split so that no part needs more gas than allowed. Each layer comes with its gas.
pub fn batches(layers: &[(usize, u64)], most: u64) -> Vec<Vec<usize>> {
    let mut out: Vec<Vec<usize>> = Vec::new();
    let mut sum = 0;
    for &(layer, gas) in layers {
        let follows = out
            .last()
            .and_then(|b| b.last())
            .is_some_and(|last| last + 1 == layer);
        match out.last_mut() {
            Some(batch) if follows && sum + gas <= most => {
                batch.push(layer);
                sum += gas;
            }
            _ => {
                out.push(vec![layer]);
                sum = gas;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_consecutive_and_fit() {
        let layers = [(0, 4), (1, 4), (2, 4), (4, 4), (5, 1), (6, 1), (7, 9)];
        assert_eq!(
            batches(&layers, 8),
            [vec![0, 1], vec![2], vec![4, 5, 6], vec![7]]
        );
        assert!(batches(&[], 8).is_empty());
    }

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
}

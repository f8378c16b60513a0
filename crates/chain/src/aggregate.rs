//! One proof for all layers: what a version needs for it once, and how it settles a claim.

use crate::bindings::{registry, settlement};
use crate::claim::batches;
use crate::client::{Call, Client};
use crate::error::Error;
use alloy::primitives::{Address, Bytes, B256, U256};
use nanozk_verifier::card::{CardLayer, ModelCard};
use nanozk_verifier::encoding::point_to_words;
use nanozk_verifier::session::Session;
use serde::{Deserialize, Serialize};

/// Most gas of a transaction that binds layers, but for them.
const BINDING: u64 = 100_000;
/// Most gas of a layer, but for its commitments.
const LAYER: u64 = 50_000;
/// Most gas of a weight commitment, with its calldata.
const COMMITMENT: u64 = 35_000;

/// The calls that put the layers which are not bound yet into a version's aggregation digest, to be sent in this order;
/// none if all are. None needs more gas than `most`, unless a single layer does.
pub fn bind_aggregate(
    client: &Client,
    registry: Address,
    version: B256,
    card: &ModelCard,
    most: u64,
) -> Result<Vec<Call>, Error> {
    let state = client.read(registry, &registry::aggregationCall { version })?;
    let bound = usize::try_from(state.bound).unwrap_or(usize::MAX);
    Ok(bindings_from(registry, version, card, bound, most))
}

/// The same, with so many layers bound already.
fn bindings_from(
    registry: Address,
    version: B256,
    card: &ModelCard,
    bound: usize,
    most: u64,
) -> Vec<Call> {
    let layers: Vec<(usize, u64)> = card
        .layers
        .iter()
        .enumerate()
        .skip(bound)
        .map(|(index, layer)| (index, LAYER + COMMITMENT * layer.weights.len() as u64))
        .collect();
    batches(&layers, most.saturating_sub(BINDING))
        .into_iter()
        .map(|batch| {
            let (first, last) = (batch[0], batch[batch.len() - 1]);
            let call = registry::bindAggregateCall {
                version,
                first: U256::from(first),
                points: batch.iter().map(|l| points(&card.layers[*l])).collect(),
            };
            let what = if first == last {
                format!("binding layer {first}")
            } else {
                format!("binding layers {first} to {last}")
            };
            Call::new(what, registry, &call)
        })
        .collect()
}

/// A layer's weight commitments, as words.
fn points(layer: &CardLayer) -> Vec<U256> {
    layer
        .weights
        .iter()
        .flat_map(|point| point_to_words(&point.0))
        .map(U256::from_be_bytes)
        .collect()
}

/// Format of an aggregate's file for contracts.
pub const AGGREGATE_FORMAT: &str = "nanozk-aggregate-call-1";

/// `aggregate.json`: an aggregate as its contract takes it. Whoever sends it needs neither keys nor setups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AggregateCall {
    /// [`AGGREGATE_FORMAT`].
    pub format: String,
    /// Statement it was made for.
    pub statement: B256,
    /// The tree it is made by.
    pub tree: String,
    /// Digest of the key that verifies it.
    pub verifying_key: B256,
    /// Proof.
    pub proof: Bytes,
}

impl AggregateCall {
    /// Refuses other formats, and aggregates of other sessions.
    pub fn check(&self, session: &Session, card: &ModelCard) -> Result<(), Error> {
        if self.format != AGGREGATE_FORMAT {
            return Err(Error::Format {
                expected: AGGREGATE_FORMAT,
                got: self.format.clone(),
            });
        }
        let statement = B256::from(session.statement(card.layers.len()).digest());
        if self.statement != statement {
            return Err(Error::Mismatch(format!(
                "the aggregate was made for statement {}, the session's is {statement}: nanozk aggregate makes it again",
                self.statement
            )));
        }
        Ok(())
    }
}

/// The call that proves all layers of a claim by one aggregate proof, as its verifier takes it.
pub fn prove_all(settlement: Address, claim: B256, aggregate_key: B256, proof: Bytes) -> Call {
    let call = settlement::proveAllCall {
        claim,
        aggregateKey: aggregate_key,
        proof,
    };
    Call::new("proving all layers by an aggregate", settlement, &call)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::GAS_CAP;
    use alloy::primitives::keccak256;
    use alloy::sol_types::{SolCall, SolValue};

    fn card() -> ModelCard {
        let fixture = include_str!("../../../test/fixtures/model.json");
        let mut fixture: serde_json::Value = serde_json::from_str(fixture).expect("JSON");
        serde_json::from_value(fixture["card"].take()).expect("a card")
    }

    fn decoded(calls: &[Call]) -> Vec<registry::bindAggregateCall> {
        calls
            .iter()
            .map(|c| registry::bindAggregateCall::abi_decode(&c.data).expect("the call"))
            .collect()
    }

    #[test]
    fn a_small_model_is_bound_by_one_transaction() {
        let (to, version, card) = (Address::repeat_byte(1), B256::repeat_byte(2), card());
        let calls = bindings_from(to, version, &card, 0, GAS_CAP);
        assert_eq!(calls[0].what, "binding layers 0 to 9");
        let [call] = &decoded(&calls)[..] else {
            panic!("{} calls", calls.len());
        };
        assert_eq!((calls[0].to, call.version), (to, version));
        assert_eq!(call.points.len(), card.layers.len());
        for (points, layer) in call.points.iter().zip(&card.layers) {
            // What the registry compares with the registered weights.
            assert_eq!(
                keccak256(points.abi_encode_packed()),
                card.weights_digest(layer)
            );
        }
    }

    #[test]
    fn layers_are_bound_in_order_and_go_on_from_what_is_there() {
        let card = card();
        for bound in 0..=card.layers.len() {
            for most in [0, 250_000, 600_000] {
                let calls = bindings_from(Address::ZERO, B256::ZERO, &card, bound, most);
                let mut next = bound;
                for call in decoded(&calls) {
                    assert_eq!(call.first, U256::from(next));
                    let gas: u64 = call
                        .points
                        .iter()
                        .map(|p| LAYER + COMMITMENT * p.len() as u64 / 2)
                        .sum();
                    assert!(call.points.len() == 1 || BINDING + gas <= most);
                    next += call.points.len();
                }
                assert_eq!(next, card.layers.len());
            }
        }
    }

    #[test]
    fn an_aggregate_is_for_a_claim_and_a_key() {
        let (claim, key) = (B256::repeat_byte(3), B256::repeat_byte(4));
        let call = prove_all(Address::repeat_byte(5), claim, key, Bytes::from(vec![6; 7]));
        let decoded = settlement::proveAllCall::abi_decode(&call.data).expect("the call");
        assert_eq!((decoded.claim, decoded.aggregateKey), (claim, key));
        assert_eq!(decoded.proof, vec![6; 7]);
        assert_eq!(call.to, Address::repeat_byte(5));
    }
}

//! A session: one forward pass, claimed layer by layer. Format and verification; see `docs/format.md`.

use std::collections::HashMap;

use crate::card::{CardError, ModelCard};
use crate::encoding::point_compressed;
use crate::hex::{Digest32, Point, Scalar};
use crate::key::VerifyingKey;
use crate::proof::Proof;
use crate::statement::{Context, Statement};
use crate::transcript::TranscriptKind;
use crate::verify::{verify, Expected, KzgVerifier};
use halo2curves::bn256::Fr;
use nanozk_circuits::{Activations, LayerKind, Shape};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

/// Format name of a session.
pub const SESSION_FORMAT: &str = "nanozk-session-1";
const PROOF_MAGIC: &[u8; 8] = b"nanozkP1";
const PROOF_HEADER: usize = 8 + 1 + 4 + 32;

/// The public part of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// [`SESSION_FORMAT`].
    pub format: String,
    /// Model version.
    pub model_id: Digest32,
    /// Where the claim is made.
    pub context: Context,
    /// Salted digest of the prompt.
    pub input_digest: Scalar,
    /// Salted digest of the generated tokens.
    pub output_digest: Scalar,
    /// Commitments to the residual stream between layers: `layers − 1` of them.
    pub boundaries: Vec<Point>,
}

/// A proof with what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerProof {
    /// Layer, from zero.
    pub layer: u32,
    /// Statement digest it was made for.
    pub statement: [u8; 32],
    /// Transcript.
    pub transcript: TranscriptKind,
    /// [`Proof::to_bytes`].
    pub bytes: Vec<u8>,
}

/// Why a session is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Written by another version.
    #[error("format {got:?} where {SESSION_FORMAT:?} is needed")]
    Format {
        /// Found.
        got: String,
    },
    /// The card is not well-formed.
    #[error("model card: {0}")]
    Card(#[from] CardError),
    /// The card is of another model than the one asked for.
    #[error("the model card has id {got}, not {expected}")]
    WrongModel {
        /// Asked for.
        expected: Digest32,
        /// The card's.
        got: Digest32,
    },
    /// The session is of another model.
    #[error("the session is of model {got}, not {expected}")]
    SessionOfAnotherModel {
        /// Asked for.
        expected: Digest32,
        /// The session's.
        got: Digest32,
    },
    /// Weights were committed under another setup than the verifier's.
    #[error("the model was registered under setup {got}, not {expected}")]
    WrongSetup {
        /// The verifier's.
        expected: Digest32,
        /// The card's.
        got: Digest32,
    },
    /// The card names another key than the one its shape has.
    #[error("layer {layer}: the card names verifying key {got}; its shape has {expected}")]
    WrongKey {
        /// Layer.
        layer: usize,
        /// Of the shape.
        expected: Digest32,
        /// Of the card.
        got: Digest32,
    },
    /// A key was made under another setup than the card's.
    #[error("layer {layer}: its key was made under setup {got}, the card names {expected}")]
    KeyOfAnotherSetup {
        /// Layer.
        layer: usize,
        /// The card's.
        expected: Digest32,
        /// The key's.
        got: Digest32,
    },
    /// A layer's activations are not of the shape that the next one reads.
    #[error("layer {layer} gives {left:?} to the next one, which reads {right:?}")]
    Neighbours {
        /// The left one of the two.
        layer: usize,
        /// What it gives.
        left: Option<Activations>,
        /// What the next one reads.
        right: Option<Activations>,
    },
    /// The caller gave no key for a shape.
    #[error("layer {layer}: no verifying key for its shape")]
    MissingKey {
        /// Layer.
        layer: usize,
    },
    /// The number of boundary commitments does not fit the number of layers.
    #[error("{got} boundary commitments where {expected} are needed")]
    Boundaries {
        /// Layers − 1.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// Fewer or more proofs than layers.
    #[error("{got} proofs where {expected} are needed")]
    ProofCount {
        /// Layers.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// A layer has no proof, or another's stands in its place.
    #[error("at the place of layer {expected} stands a proof of layer {got}")]
    Order {
        /// Place.
        expected: usize,
        /// Found.
        got: u32,
    },
    /// A proof was made for another statement.
    #[error("layer {layer}: the proof was made for another statement")]
    OtherStatement {
        /// Layer.
        layer: usize,
    },
    /// A proof file is malformed.
    #[error("layer {layer}: {reason}")]
    Malformed {
        /// Layer.
        layer: usize,
        /// Why.
        reason: &'static str,
    },
    /// A proof is not valid.
    #[error("layer {layer} ({}): {source}", kind.name())]
    Proof {
        /// Layer.
        layer: usize,
        /// Kind of the layer.
        kind: LayerKind,
        /// Why.
        source: crate::error::Error,
    },
}

/// Whether a model id denotes one function: the card is well-formed, its keys are those of its shapes under its setup,
/// and neighbours mean the same by the commitment between them.
///
/// Whoever takes up a card asks this, before anything is signed, locked, registered, proved or accepted. Without it
/// layers of different widths could stand beside each other: every proof would be valid, and the wider one would read
/// rows that the narrower one leaves to the prover. `keys` must have been made from the shapes, not taken from the card.
pub fn check_manifest(
    card: &ModelCard,
    keys: &HashMap<Shape, VerifyingKey>,
) -> Result<(), SessionError> {
    card.check()?;
    for layer in 0..card.layers.len() {
        check_layer_key(card, layer, keys)?;
    }
    let shapes: Vec<Shape> = card.layers.iter().map(|l| card.shape(l)).collect();
    check_neighbours(&shapes)
}

/// Whether the key that a checked card names for a layer is the one its shape has under the card's setup.
pub fn check_layer_key(
    card: &ModelCard,
    layer: usize,
    keys: &HashMap<Shape, VerifyingKey>,
) -> Result<(), SessionError> {
    let named = &card.layers[layer];
    let key = keys
        .get(&card.shape(named))
        .ok_or(SessionError::MissingKey { layer })?;
    if key.setup() != card.setup.0 {
        return Err(SessionError::KeyOfAnotherSetup {
            layer,
            expected: card.setup,
            got: Digest32(key.setup()),
        });
    }
    if named.verifying_key.0 != key.digest() {
        return Err(SessionError::WrongKey {
            layer,
            expected: Digest32(key.digest()),
            got: named.verifying_key,
        });
    }
    Ok(())
}

/// Whether each layer reads activations of the shape that the one before it gives, and the ends have none.
pub fn check_neighbours(shapes: &[Shape]) -> Result<(), SessionError> {
    for (layer, pair) in shapes.windows(2).enumerate() {
        let ([_, left], [right, _]) = (pair[0].activations(), pair[1].activations());
        if left.is_none() || left != right {
            return Err(SessionError::Neighbours { layer, left, right });
        }
    }
    Ok(())
}

impl LayerProof {
    /// The file format of a proof: magic, transcript (0 Keccak, 1 Poseidon), layer (little-endian), statement digest, proof.
    pub fn to_file(&self) -> Vec<u8> {
        let mut out = PROOF_MAGIC.to_vec();
        out.push(match self.transcript {
            TranscriptKind::Keccak => 0,
            TranscriptKind::Poseidon => 1,
        });
        out.extend(self.layer.to_le_bytes());
        out.extend(self.statement);
        out.extend(&self.bytes);
        out
    }

    /// Reads the file of a proof; `layer` is for the error only.
    pub fn from_file(layer: usize, bytes: &[u8]) -> Result<Self, SessionError> {
        let malformed = |reason| SessionError::Malformed { layer, reason };
        if bytes.len() < PROOF_HEADER {
            return Err(malformed("the proof file is truncated"));
        }
        if &bytes[..8] != PROOF_MAGIC {
            return Err(malformed("this is not a proof file of this version"));
        }
        let transcript = match bytes[8] {
            0 => TranscriptKind::Keccak,
            1 => TranscriptKind::Poseidon,
            _ => return Err(malformed("unknown transcript")),
        };
        Ok(LayerProof {
            layer: u32::from_le_bytes(bytes[9..13].try_into().expect("four bytes")),
            statement: bytes[13..45].try_into().expect("thirty-two bytes"),
            transcript,
            bytes: bytes[PROOF_HEADER..].to_vec(),
        })
    }
}

impl Session {
    /// The statement of every proof.
    pub fn statement(&self, layers: usize) -> Statement {
        Statement {
            context: self.context,
            model: self.model_id,
            input: self.input_digest,
            output: self.output_digest,
            first_layer: 0,
            layers: layers as u32,
        }
    }

    /// `keccak256(statement ‖ boundary commitments)`, compressed as they are posted: what is fixed before anything
    /// is proved.
    pub fn claim_digest(&self, layers: usize) -> [u8; 32] {
        let mut hash = Keccak256::new();
        hash.update(self.statement(layers).digest());
        for boundary in &self.boundaries {
            hash.update(point_compressed(&boundary.0));
        }
        hash.finalize().into()
    }

    /// Public inputs of a layer.
    pub fn instances(&self, kind: LayerKind, layers: usize) -> Vec<Fr> {
        let mut out = self.statement(layers).words().to_vec();
        match kind {
            LayerKind::Embed => out.extend([self.input_digest.0, self.output_digest.0]),
            LayerKind::Head => out.push(self.output_digest.0),
            _ => {}
        }
        out
    }

    /// Checks everything but the proofs: that the card has the id asked for, that its keys are those of
    /// its shapes, and that the session is of that model.
    pub fn check(
        &self,
        expected: Digest32,
        card: &ModelCard,
        keys: &HashMap<Shape, VerifyingKey>,
        params: &KzgVerifier,
    ) -> Result<(), SessionError> {
        if self.format != SESSION_FORMAT {
            return Err(SessionError::Format {
                got: self.format.clone(),
            });
        }
        // Before anything that relies on it.
        card.check()?;
        let got = card.model_id();
        if got != expected {
            return Err(SessionError::WrongModel { expected, got });
        }
        if self.model_id != expected {
            return Err(SessionError::SessionOfAnotherModel {
                expected,
                got: self.model_id,
            });
        }
        if card.setup.0 != params.id {
            return Err(SessionError::WrongSetup {
                expected: Digest32(params.id),
                got: card.setup,
            });
        }
        check_manifest(card, keys)?;
        let expected = card.layers.len() - 1;
        if self.boundaries.len() != expected {
            return Err(SessionError::Boundaries {
                expected,
                got: self.boundaries.len(),
            });
        }
        Ok(())
    }

    /// Verifies the proof of one layer of a session that was [checked](Self::check).
    pub fn verify_layer(
        &self,
        layer: usize,
        card: &ModelCard,
        keys: &HashMap<Shape, VerifyingKey>,
        params: &KzgVerifier,
        proof: &LayerProof,
    ) -> Result<(), SessionError> {
        let l = &card.layers[layer];
        let key = keys
            .get(&card.shape(l))
            .ok_or(SessionError::MissingKey { layer })?;
        let layers = card.layers.len();
        if proof.layer as usize != layer {
            return Err(SessionError::Order {
                expected: layer,
                got: proof.layer,
            });
        }
        if proof.statement != self.statement(layers).digest() {
            return Err(SessionError::OtherStatement { layer });
        }
        let wrap = |source| SessionError::Proof {
            layer,
            kind: l.kind,
            source,
        };
        let decoded = Proof::from_bytes(key, proof.transcript, &proof.bytes).map_err(wrap)?;
        // A layer's input is its left neighbour's output: the same point.
        let before = layer.checked_sub(1).map(|i| self.boundaries[i].0);
        let after = self.boundaries.get(layer).map(|p| p.0);
        let weights: Vec<_> = l.weights.iter().map(|p| p.0).collect();
        let expected = Expected {
            input: Some(before.as_slice()),
            output: Some(after.as_slice()),
            weights: Some(&weights),
        };
        verify(
            params,
            key,
            &self.instances(l.kind, layers),
            &expected,
            &decoded,
        )
        .map_err(wrap)
    }

    /// Verifies a whole session: every layer once, in order, linked, of one model and one statement.
    pub fn verify(
        &self,
        expected: Digest32,
        card: &ModelCard,
        keys: &HashMap<Shape, VerifyingKey>,
        params: &KzgVerifier,
        proofs: &[LayerProof],
    ) -> Result<(), SessionError> {
        self.check(expected, card, keys, params)?;
        if proofs.len() != card.layers.len() {
            return Err(SessionError::ProofCount {
                expected: card.layers.len(),
                got: proofs.len(),
            });
        }
        for (layer, proof) in proofs.iter().enumerate() {
            self.verify_layer(layer, card, keys, params, proof)?;
        }
        Ok(())
    }
}

//! A registered model version: what anybody may know of it, and its id.

use crate::encoding::point_to_words;
use crate::hex::{Digest32, Point};
use crate::statement::word;
use nanozk_circuits::{BlockShape, LayerKind, Plan, Shape};
use nanozk_executor::{Architecture, Spec};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

/// Format name of a card.
pub const CARD_FORMAT: &str = "nanozk-model-card-1";

/// One layer of a card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardLayer {
    /// What it computes.
    pub kind: LayerKind,
    /// Sizes of its circuit.
    pub plan: Plan,
    /// Digest of its verifying key.
    pub verifying_key: Digest32,
    /// Commitments to its weights.
    pub weights: Vec<Point>,
}

/// The public description of a model version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// [`CARD_FORMAT`].
    pub format: String,
    /// Dimensions.
    pub architecture: Architecture,
    /// Number formats.
    pub spec: Spec,
    /// SHA-256 of `tokenizer.json`.
    pub tokenizer: Digest32,
    /// Positions of a session.
    pub tokens: usize,
    /// Setup under which weights are committed.
    pub setup: Digest32,
    /// That setup's secret is public: proofs under it prove nothing.
    pub development_setup: bool,
    /// From tokens to tokens.
    pub layers: Vec<CardLayer>,
}

/// A card is not well-formed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// Written by another version.
    #[error("format {got:?} where {CARD_FORMAT:?} is needed")]
    Format {
        /// Found.
        got: String,
    },
    /// Layers are not those of the architecture.
    #[error("the layers are not embed, {blocks} times attention and mlp (or block), head")]
    Layers {
        /// Blocks of the architecture.
        blocks: usize,
    },
    /// Neighbours could not share commitments.
    #[error("layer {layer} has 2^{got} rows where the others have 2^{expected}")]
    Rows {
        /// Layer.
        layer: usize,
        /// Of the first layer.
        expected: u32,
        /// Found.
        got: u32,
    },
    /// A layer has the wrong number of weight commitments.
    #[error("layer {layer} has {got} weight commitments where its plan has {expected}")]
    Weights {
        /// Layer.
        layer: usize,
        /// Of the plan.
        expected: usize,
        /// Found.
        got: usize,
    },
    /// A dimension is out of range.
    #[error("the architecture or specification is not valid: {0}")]
    Dimensions(String),
    /// Layers of one kind have different circuits.
    #[error("layer {layer} has another plan than the first {} layer", kind.name())]
    Plans {
        /// Layer.
        layer: usize,
        /// Its kind.
        kind: LayerKind,
    },
    /// A plan is outside what circuits allow.
    #[error("the plan of layer {layer} is not valid")]
    Plan {
        /// Layer.
        layer: usize,
    },
}

/// `keccak256` of the JSON of architecture and number formats.
pub(crate) fn dimensions_digest(architecture: &Architecture, spec: &Spec) -> [u8; 32] {
    let dimensions = serde_json::to_vec(&(architecture, spec)).expect("plain numbers serialize");
    Keccak256::digest(dimensions).into()
}

/// `keccak256` over uncompressed points.
pub(crate) fn points_digest(points: &[Point]) -> [u8; 32] {
    let mut hash = Keccak256::new();
    for word in points.iter().flat_map(|p| point_to_words(&p.0)) {
        hash.update(word);
    }
    hash.finalize().into()
}

/// The layers of a model, in order, with the block each belongs to.
pub fn layer_kinds(blocks: usize, whole_blocks: bool) -> Vec<(LayerKind, usize)> {
    let mut kinds = vec![(LayerKind::Embed, 0)];
    for b in 0..blocks {
        if whole_blocks {
            kinds.push((LayerKind::Block, b));
        } else {
            kinds.extend([(LayerKind::Attention, b), (LayerKind::Mlp, b)]);
        }
    }
    kinds.push((LayerKind::Head, 0));
    kinds
}

impl ModelCard {
    /// `keccak256("nanozk-model-1" ‖ keccak256(json(architecture, spec)) ‖ tokenizer ‖ tokens ‖ setup ‖ development ‖
    /// (kind ‖ verifying key ‖ keccak256(weight commitments))…)`, numbers as 32-byte big-endian words.
    pub fn model_id(&self) -> Digest32 {
        let mut hash = Keccak256::new();
        hash.update(b"nanozk-model-1");
        hash.update(self.dimensions_digest());
        hash.update(self.tokenizer.0);
        hash.update(word(self.tokens as u64));
        hash.update(self.setup.0);
        hash.update(word(self.development_setup.into()));
        for layer in &self.layers {
            hash.update(word(layer.kind as u64));
            hash.update(layer.verifying_key.0);
            hash.update(self.weights_digest(layer));
        }
        Digest32(hash.finalize().into())
    }

    /// `keccak256` of the JSON of architecture and number formats.
    pub fn dimensions_digest(&self) -> [u8; 32] {
        dimensions_digest(&self.architecture, &self.spec)
    }

    /// `keccak256` over the uncompressed commitments of a layer's weights.
    pub fn weights_digest(&self, layer: &CardLayer) -> [u8; 32] {
        points_digest(&layer.weights)
    }

    /// Shape of a layer.
    pub fn shape(&self, layer: &CardLayer) -> Shape {
        Shape {
            kind: layer.kind,
            block: BlockShape::new(&self.architecture, &self.spec),
            tokens: self.tokens,
            plan: layer.plan,
        }
    }

    /// Whether the card describes a model at all; keys are checked by whoever has them.
    pub fn check(&self) -> Result<(), CardError> {
        if self.format != CARD_FORMAT {
            return Err(CardError::Format {
                got: self.format.clone(),
            });
        }
        let dimensions = |e: nanozk_executor::Error| CardError::Dimensions(e.to_string());
        self.architecture.validate().map_err(dimensions)?;
        self.spec
            .validate(self.architecture.width)
            .map_err(dimensions)?;
        if !self.tokens.is_power_of_two()
            || self.tokens < 4
            || self.tokens > self.architecture.context
        {
            return Err(CardError::Dimensions(format!("{} positions", self.tokens)));
        }
        let blocks = self.architecture.layers;
        let kinds: Vec<LayerKind> = self.layers.iter().map(|l| l.kind).collect();
        let same = |whole| {
            layer_kinds(blocks, whole)
                .into_iter()
                .map(|(k, _)| k)
                .eq(kinds.iter().copied())
        };
        if !same(false) && !same(true) {
            return Err(CardError::Layers { blocks });
        }
        let k = self.layers[0].plan.k;
        for (layer, l) in self.layers.iter().enumerate() {
            let p = l.plan;
            if p.k != k {
                return Err(CardError::Rows {
                    layer,
                    expected: k,
                    got: p.k,
                });
            }
            let lanes = p.lanes % 2 == 1 && p.lanes <= 31 && p.lanes * p.limb as usize >= 40;
            if !(8..=24).contains(&p.k)
                || !matches!(p.limb, 8 | 16)
                || !lanes
                || p.weights == 0
                || p.weights > 256
            {
                return Err(CardError::Plan { layer });
            }
            // So a card has at most four circuits, however many layers it has.
            let first = self.layers.iter().find(|other| other.kind == l.kind);
            if first.is_some_and(|first| first.plan != p) {
                return Err(CardError::Plans {
                    layer,
                    kind: l.kind,
                });
            }
            if l.weights.len() != p.weights {
                return Err(CardError::Weights {
                    layer,
                    expected: p.weights,
                    got: l.weights.len(),
                });
            }
        }
        Ok(())
    }
}

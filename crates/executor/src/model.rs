//! Quantized weights.

use serde::{Deserialize, Serialize};

use crate::spec::{Architecture, Spec};

/// A matrix product with bias: `acc[o] = Σ_i x[i]·weight[i·outputs + o] + bias[o]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linear {
    /// Input features.
    pub inputs: usize,
    /// Output features.
    pub outputs: usize,
    /// Row-major `[inputs][outputs]`.
    pub weight: Vec<i64>,
    /// `[outputs]`.
    pub bias: Vec<i64>,
}

/// One transformer block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuantizedLayer {
    /// Query projection, `1/sqrt(head width)` folded in.
    pub q: Linear,
    /// Key projection.
    pub k: Linear,
    /// Value projection.
    pub v: Linear,
    /// Attention output projection.
    pub attn_out: Linear,
    /// First MLP matrix.
    pub fc: Linear,
    /// Second MLP matrix.
    pub mlp_out: Linear,
}

/// A model whose every weight is an integer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuantizedModel {
    /// Dimensions.
    pub arch: Architecture,
    /// Number formats.
    pub spec: Spec,
    /// Token embedding at `RESIDUAL_FRAC`, `[vocab][width]`.
    pub wte: Vec<i64>,
    /// Position embedding at `RESIDUAL_FRAC`, `[context][width]`.
    pub wpe: Vec<i64>,
    /// Blocks.
    pub layers: Vec<QuantizedLayer>,
    /// Vocabulary projection, final LayerNorm folded in.
    pub head: Linear,
}

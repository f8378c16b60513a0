//! The quantization specification and the architecture, both bound by the model id.

use serde::{Deserialize, Serialize};

/// Fractional bits of the residual stream.
pub const RESIDUAL_FRAC: u32 = 16;
/// Bits of an activation.
pub const ACT_BITS: u32 = 16;
/// Fractional bits of the MLP activation over those of the pre-activation.
pub const ACT_OUT_EXTRA_FRAC: u32 = 1;
/// Added to the MLP activation to make it an unsigned integer of [`ACT_BITS`]: it is never below −0.28.
pub const ACT_OUT_OFFSET: i64 = 1 << 13;
/// Greatest value of the MLP activation; the least is `-ACT_OUT_OFFSET`.
pub const ACT_OUT_MAX: i64 = (1 << ACT_BITS) - 1 - ACT_OUT_OFFSET;
/// Bits of a residual value.
pub const RESIDUAL_BITS: u32 = 32;
/// Shift from an accumulator of a matrix product to its output.
pub const MATMUL_SHIFT: u32 = 16;
/// Shift of the LayerNorm product.
pub const NORM_SHIFT: u32 = 32;
/// Fractional bits of an attention score.
pub const SCORE_FRAC: u32 = 12;
/// What the causal mask subtracts from a score.
pub const MASK: i64 = 1 << 28;
/// One, as a probability.
pub const PROB_ONE: i64 = 65_535;
/// Shift from exponential times reciprocal to probability.
pub const PROB_SHIFT: u32 = 32;
/// Fractional bits of the cosines and sines by which queries and keys are rotated.
pub const ROTATION_FRAC: u32 = 14;
/// Fractional bits of the gains of queries and keys, and of what they make of cosines and sines.
pub const GAIN_FRAC: u32 = 16;
/// Bits of a logit difference.
pub const LOGIT_DIFF_BITS: u32 = 40;

/// Non-linearity of the MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// GELU by the tanh formula (`gelu_new`, `gelu_pytorch_tanh`).
    GeluNew,
    /// GELU by the error function (`gelu`).
    Gelu,
    /// `max(0, x)`.
    Relu,
    /// `x·sigmoid(x)` (`silu`, `swish`).
    Silu,
}

/// How a residual stream is normalized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// To mean 0 and variance 1.
    LayerNorm,
    /// To mean square 1.
    RmsNorm,
}

/// How a model tells positions apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Positions {
    /// A vector of each position is added to the token's.
    Learned,
    /// Queries and keys are rotated, by angles that grow with the position.
    Rotary,
}

/// What an MLP computes between its matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MlpKind {
    /// The activation of one product.
    Plain,
    /// The activation of one product, times another one.
    Gated,
}

/// Dimensions of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Architecture {
    /// Transformer blocks.
    pub layers: usize,
    /// Residual width `d`.
    pub width: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values, each for as many heads of queries; divides `heads`.
    pub kv_heads: usize,
    /// Features of a head.
    pub head_width: usize,
    /// MLP width `f`.
    pub mlp_width: usize,
    /// Vocabulary size.
    pub vocab: usize,
    /// Greatest number of positions.
    pub context: usize,
    /// How positions are told apart.
    pub positions: Positions,
    /// What the MLP computes.
    pub mlp: MlpKind,
    /// Whether each head of queries and of keys is normalized to mean square 1, and multiplied by gains, before it is rotated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub qk_norm: bool,
}

impl Architecture {
    /// Features of all queries.
    pub fn query_width(&self) -> usize {
        self.heads * self.head_width
    }

    /// Features of all keys, and of all values.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_width
    }

    /// Heads of queries for each head of keys and values.
    pub fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// Weights of matrices and embeddings, biases not counted, nor a head that is the embedding of tokens.
    pub fn parameters(&self) -> usize {
        let matrices = match self.mlp {
            MlpKind::Plain => 2,
            MlpKind::Gated => 3,
        };
        let attention = 2 * (self.query_width() + self.kv_width());
        let block = self.width * (attention + matrices * self.mlp_width);
        let positions = match self.positions {
            Positions::Learned => self.context,
            Positions::Rotary => 0,
        };
        self.layers * block + (self.vocab + positions) * self.width
    }

    /// The feature of keys and values that a feature of queries meets.
    pub fn key_of(&self, query: usize) -> usize {
        let (head, feature) = (query / self.head_width, query % self.head_width);
        head / self.group() * self.head_width + feature
    }

    /// One of the features of queries, as many as a group has heads, that a feature of keys and values meets.
    pub fn query_of(&self, key: usize, head: usize) -> usize {
        let (own, feature) = (key / self.head_width, key % self.head_width);
        (own * self.group() + head) * self.head_width + feature
    }

    /// Pairs of features of a head that are rotated.
    pub fn rotated_pairs(&self) -> usize {
        match self.positions {
            Positions::Learned => 0,
            Positions::Rotary => self.head_width / 2,
        }
    }
}

/// Dimensions of a GPT-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gpt2 {
    /// Transformer blocks.
    pub layers: usize,
    /// Residual width.
    pub width: usize,
    /// Heads, which divide the width.
    pub heads: usize,
    /// MLP width.
    pub mlp_width: usize,
    /// Vocabulary size.
    pub vocab: usize,
    /// Greatest number of positions.
    pub context: usize,
}

impl Gpt2 {
    /// As an architecture. Where heads do not divide the width, it is none that is valid.
    pub const fn architecture(self) -> Architecture {
        let whole = self.heads != 0 && self.width.is_multiple_of(self.heads);
        Architecture {
            layers: self.layers,
            width: self.width,
            heads: self.heads,
            kv_heads: self.heads,
            head_width: if whole { self.width / self.heads } else { 0 },
            mlp_width: self.mlp_width,
            vocab: self.vocab,
            context: self.context,
            positions: Positions::Learned,
            mlp: MlpKind::Plain,
            qk_norm: false,
        }
    }
}

/// How values are represented; see `docs/arithmetic.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Spec {
    /// Fractional bits of a normalized activation.
    pub norm_frac: u32,
    /// `round(eps * d^2 * 4^f)`, `f` being the fractional bits of the residual stream.
    pub eps: u64,
    /// Shift from `q·k` to a score with [`SCORE_FRAC`] fractional bits.
    pub score_shift: u32,
    /// How the residual stream is normalized.
    pub norm: Norm,
    /// Fractional bits of the MLP pre-activation; see [`Spec::act_out_frac`].
    pub act_frac: u32,
    /// Non-linearity of the MLP.
    pub activation: Activation,
}

impl Spec {
    /// Fractional bits of the MLP activation.
    pub fn act_out_frac(&self) -> u32 {
        self.act_frac + ACT_OUT_EXTRA_FRAC
    }

    /// `floor(log2((2^15 - 2) / sqrt(width)))`: a normalized value is at most `sqrt(width)`.
    pub fn norm_frac_for(width: usize) -> u32 {
        (0..15)
            .rev()
            .find(|g| (width as u64) << (2 * g) <= 32_766 * 32_766)
            .unwrap_or(0)
    }
}

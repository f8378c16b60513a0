//! The forward pass with every intermediate value a circuit needs.
//!
//! All matrices are position-major: `[position][feature]`, flattened.

/// LayerNorm over all positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerNormTrace {
    /// `floor(Σx / d)`, `[n]`.
    pub mean: Vec<i64>,
    /// The reciprocal square root, `[n]`.
    pub rsqrt: Vec<i64>,
    /// Normalized activations, `[n][d]`.
    pub out: Vec<i64>,
}

/// Token and position embedding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedTrace {
    /// Token ids, padded to `n`.
    pub tokens: Vec<u32>,
    /// Residual stream, `[n][d]`.
    pub out: Vec<i64>,
}

/// The attention half of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttentionTrace {
    /// Residual stream before, `[n][d]`.
    pub input: Vec<i64>,
    /// LayerNorm.
    pub norm: LayerNormTrace,
    /// Query accumulators, `[n][d]`; the query is `rs(acc, 16)`.
    pub q_acc: Vec<i64>,
    /// Key accumulators, `[n][d]`.
    pub k_acc: Vec<i64>,
    /// Value accumulators, `[n][d]`.
    pub v_acc: Vec<i64>,
    /// Score accumulators, `[H][n][n]` (head, query position, key position).
    pub score_acc: Vec<i64>,
    /// Row maxima of the unmasked scores, `[H][n]`.
    pub max: Vec<i64>,
    /// Distance below the maximum, mask included, `[H][n][n]`.
    pub z: Vec<i64>,
    /// Exponentials, `[H][n][n]`.
    pub e: Vec<i64>,
    /// Row reciprocals, `[H][n]`.
    pub recip: Vec<i64>,
    /// Probabilities, `[H][n][n]`.
    pub p: Vec<i64>,
    /// Accumulators of `p·v`, `[n][d]`, feature `h·c + k`.
    pub o_acc: Vec<i64>,
    /// Accumulators of the output projection, `[n][d]`.
    pub out_acc: Vec<i64>,
    /// Residual stream after, `[n][d]`.
    pub output: Vec<i64>,
}

/// The MLP half of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MlpTrace {
    /// Residual stream before, `[n][d]`.
    pub input: Vec<i64>,
    /// LayerNorm.
    pub norm: LayerNormTrace,
    /// Pre-activation accumulators, `[n][f]`.
    pub h_acc: Vec<i64>,
    /// Activations, `[n][f]`.
    pub a: Vec<i64>,
    /// Accumulators of the second matrix, `[n][d]`.
    pub out_acc: Vec<i64>,
    /// Residual stream after, `[n][d]`.
    pub output: Vec<i64>,
}

/// Final LayerNorm, vocabulary projection and argmax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadTrace {
    /// Residual stream, `[n][d]`.
    pub input: Vec<i64>,
    /// LayerNorm.
    pub norm: LayerNormTrace,
    /// Logits, `[n][V]`.
    pub logits: Vec<i64>,
    /// Lowest id of the greatest logit, `[n]`.
    pub argmax: Vec<u32>,
}

/// A whole forward pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Embedding.
    pub embed: EmbedTrace,
    /// Attention and MLP of each block.
    pub blocks: Vec<(AttentionTrace, MlpTrace)>,
    /// Head.
    pub head: HeadTrace,
}

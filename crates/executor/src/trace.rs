//! The forward pass with every intermediate value a circuit needs.
//!
//! All matrices are position-major: `[position][feature]`, flattened.

use crate::executor::{self, Executor, PreparedAttention, PreparedMlp};
use crate::model::{Linear, QuantizedLayer, QuantizedModel, Rotation};
use crate::ops::{Error, PreparedLinear};
use crate::spec::{Architecture, Spec};
use crate::tables::ActivationTable;
use std::ops::ControlFlow;

/// The normalization of all positions, or of all heads of all positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormTrace {
    /// Epsilons, which rows have in turn.
    pub eps: Vec<u64>,
    /// `floor(Σx / d)`, `[n]`; zero if nothing is centered.
    pub mean: Vec<i64>,
    /// The reciprocal square root, `[n]`.
    pub rsqrt: Vec<i64>,
    /// Normalized activations, `[n][d]`.
    pub out: Vec<i64>,
}

/// The embedding of tokens, and of positions if they have one.
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
    /// Its normalization.
    pub norm: NormTrace,
    /// Query accumulators, `[n][heads·head_width]`; the query is `rs(acc, 16)`, or the accumulator if it is normalized.
    pub q_acc: Vec<i64>,
    /// Key accumulators, `[n][kv_heads·head_width]`.
    pub k_acc: Vec<i64>,
    /// Normalizations of queries and of keys, a row for each head of each position, if they have one.
    pub qk_norm: Option<[NormTrace; 2]>,
    /// Value accumulators, `[n][kv_heads·head_width]`.
    pub v_acc: Vec<i64>,
    /// Accumulators of rotated queries, which are `rs(acc, 14)`, or `rs(acc, 16)` if they are normalized; empty if nothing is
    /// rotated.
    pub q_rotated_acc: Vec<i64>,
    /// Accumulators of rotated keys.
    pub k_rotated_acc: Vec<i64>,
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
    /// Accumulators of `p·v`, `[n][heads·head_width]`.
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
    /// Its normalization.
    pub norm: NormTrace,
    /// Pre-activation accumulators, `[n][f]`.
    pub h_acc: Vec<i64>,
    /// Activations, `[n][f]`, with one fractional bit more than their arguments.
    pub a: Vec<i64>,
    /// Accumulators of what activations are multiplied by, `[n][f]`; empty if there is no gate.
    pub up_acc: Vec<i64>,
    /// These products, `[n][f]`; what goes on is `rs(acc, act_out_frac)`.
    pub gated_acc: Vec<i64>,
    /// Accumulators of the last matrix, `[n][d]`.
    pub out_acc: Vec<i64>,
    /// Residual stream after, `[n][d]`.
    pub output: Vec<i64>,
}

/// Final normalization, vocabulary projection and argmax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadTrace {
    /// Residual stream, `[n][d]`.
    pub input: Vec<i64>,
    /// Its normalization.
    pub norm: NormTrace,
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

impl Trace {
    /// The token chosen at `position`.
    pub fn next_token(&self, position: usize) -> Option<u32> {
        self.head.argmax.get(position).copied()
    }
}

impl QuantizedModel {
    /// Runs all positions of `tokens`, already padded, and keeps every intermediate value.
    pub fn forward(&self, tokens: &[u32]) -> Result<Trace, Error> {
        Executor::new(self)?.forward(tokens)
    }

    /// The logits `[n][vocab]` of all positions, the same as those of [`QuantizedModel::forward`].
    ///
    /// To evaluate many windows, make one [`Executor`] and call its method of the same name.
    pub fn logits(&self, tokens: &[u32]) -> Result<Vec<i64>, Error> {
        Executor::new(self)?.logits(tokens)
    }

    /// Greedy decoding; see [`Executor::generate`].
    pub fn generate(
        &self,
        prompt: &[u32],
        max_new: usize,
        on_token: impl FnMut(u32),
    ) -> Result<Vec<u32>, Error> {
        Executor::new(self)?.generate(prompt, max_new, on_token)
    }

    /// Greedy decoding that may stop early; see [`Executor::generate_until`].
    pub fn generate_until(
        &self,
        prompt: &[u32],
        max_new: usize,
        on_token: impl FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Vec<u32>, Error> {
        Executor::new(self)?.generate_until(prompt, max_new, on_token)
    }
}

/// The embedding of `tokens`, from position 0 on.
pub fn embed_trace(model: &QuantizedModel, tokens: &[u32]) -> Result<EmbedTrace, Error> {
    model.validate_shapes()?;
    executor::check_tokens(model, tokens)?;
    let mut out = Vec::with_capacity(tokens.len() * model.arch.width);
    for (position, &token) in tokens.iter().enumerate() {
        out.extend(executor::embed_position(model, token, position)?);
    }
    Ok(EmbedTrace {
        tokens: tokens.to_vec(),
        out,
    })
}

/// The attention half of a block on a residual stream `[n][d]`.
pub fn attention_trace(
    arch: &Architecture,
    layer: &QuantizedLayer,
    rotation: Option<&Rotation>,
    spec: &Spec,
    input: &[i64],
) -> Result<AttentionTrace, Error> {
    PreparedAttention::new(arch, layer, rotation)?.trace(spec, input)
}

/// The MLP half of a block on a residual stream `[n][d]`.
pub fn mlp_trace(
    arch: &Architecture,
    layer: &QuantizedLayer,
    spec: &Spec,
    input: &[i64],
) -> Result<MlpTrace, Error> {
    let table = ActivationTable::get(spec.activation, spec.act_frac)?;
    PreparedMlp::new(arch, layer)?.trace(spec, table, input)
}

/// The head on a residual stream `[n][d]`; `head` is the vocabulary projection.
pub fn head_trace(head: &Linear, spec: &Spec, input: &[i64]) -> Result<HeadTrace, Error> {
    executor::head(&PreparedLinear::new(head)?, spec, input)
}

/// Like [`head_trace`], of a matrix that is ready to be multiplied.
pub fn prepared_head_trace(
    head: &PreparedLinear<'_>,
    spec: &Spec,
    input: &[i64],
) -> Result<HeadTrace, Error> {
    executor::head(head, spec, input)
}

/// The number of positions for a sequence of `len` tokens: the smallest of 4, 8, 16, … that holds
/// them; none if that exceeds the context.
pub fn bucket(len: usize, context: usize) -> Option<usize> {
    len.max(4)
        .checked_next_power_of_two()
        .filter(|&n| n <= context)
}

/// `tokens` padded with token 0 to `n` positions (never shortened).
pub fn padded(tokens: &[u32], n: usize) -> Vec<u32> {
    let mut tokens = tokens.to_vec();
    tokens.resize(n.max(tokens.len()), 0);
    tokens
}

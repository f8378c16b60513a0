//! A model prepared to be run many times: forward pass, logits, greedy generation.

use crate::model::{QuantizedLayer, QuantizedModel};
use crate::ops::{self, check_shape, AttentionRow, Error, HeadView, PreparedLinear};
use crate::spec::Spec;
use crate::tables::{ActivationTable, ExpTable};
use crate::trace::{bucket, embed_trace, AttentionTrace, EmbedTrace, HeadTrace, MlpTrace, Trace};
use std::ops::ControlFlow;

pub(crate) fn check_tokens(model: &QuantizedModel, tokens: &[u32]) -> Result<(), Error> {
    if tokens.is_empty() {
        return Err(Error::EmptyPrompt);
    }
    let (vocab, context) = (model.arch.vocab, model.arch.context);
    if tokens.len() > context {
        return Err(Error::SequenceTooLong {
            len: tokens.len(),
            context,
        });
    }
    match tokens.iter().position(|&t| t as usize >= vocab) {
        Some(position) => Err(Error::TokenOutOfVocabulary {
            token: tokens[position],
            position,
            vocab,
        }),
        None => Ok(()),
    }
}

/// The embedding of one token that [`check_tokens`] accepts.
pub(crate) fn embed_position(
    model: &QuantizedModel,
    token: u32,
    position: usize,
) -> Result<Vec<i64>, Error> {
    let d = model.arch.width;
    let row = |table: &'_ [i64], i: usize| table[i * d..(i + 1) * d].to_vec();
    ops::embed(&row(&model.wte, token as usize), &row(&model.wpe, position))
}

/// The attention half of a block, its matrices ready to be multiplied.
#[derive(Clone, Debug)]
pub struct PreparedAttention<'a> {
    width: usize,
    heads: usize,
    q: PreparedLinear<'a>,
    k: PreparedLinear<'a>,
    v: PreparedLinear<'a>,
    out: PreparedLinear<'a>,
}

/// The score and probability matrices of a trace, or room for one row.
struct Scores {
    score_acc: Vec<i64>,
    z: Vec<i64>,
    e: Vec<i64>,
    p: Vec<i64>,
}

impl Scores {
    fn new(len: usize) -> Self {
        Self {
            score_acc: vec![0; len],
            z: vec![0; len],
            e: vec![0; len],
            p: vec![0; len],
        }
    }

    fn row(&mut self, start: usize, len: usize) -> AttentionRow<'_> {
        let range = start..start + len;
        AttentionRow {
            score_acc: &mut self.score_acc[range.clone()],
            z: &mut self.z[range.clone()],
            e: &mut self.e[range.clone()],
            p: &mut self.p[range],
        }
    }
}

impl<'a> PreparedAttention<'a> {
    /// Checks the shapes and prepares the matrices.
    pub fn new(layer: &'a QuantizedLayer, heads: usize) -> Result<Self, Error> {
        Ok(Self {
            width: layer.check_attention_shapes(heads)?,
            heads,
            q: PreparedLinear::new(&layer.q)?,
            k: PreparedLinear::new(&layer.k)?,
            v: PreparedLinear::new(&layer.v)?,
            out: PreparedLinear::new(&layer.attn_out)?,
        })
    }

    fn head<'v>(&self, values: &'v [i64], head: usize) -> HeadView<'v> {
        let len = self.width / self.heads;
        HeadView {
            values,
            width: self.width,
            offset: head * len,
            len,
        }
    }

    /// Runs all positions of a residual stream `[n][d]` and keeps every intermediate value.
    pub fn trace(&self, spec: &Spec, input: &[i64]) -> Result<AttentionTrace, Error> {
        let d = self.width;
        let norm = ops::layer_norm(input, d, spec.norm_frac, spec.eps)?;
        let n = input.len() / d;
        let q_acc = self.q.apply("query product", &norm.out)?;
        let k_acc = self.k.apply("key product", &norm.out)?;
        let v_acc = self.v.apply("value product", &norm.out)?;
        let q = ops::narrow("query", &q_acc)?;
        let k = ops::narrow("key", &k_acc)?;
        let v = ops::narrow("value", &v_acc)?;
        let mut scores = Scores::new(self.heads * n * n);
        let mut max = Vec::with_capacity(self.heads * n);
        let mut recip = Vec::with_capacity(self.heads * n);
        let mut o_acc = vec![0; n * d];
        for h in 0..self.heads {
            let (queries, keys, values) = (self.head(&q, h), self.head(&k, h), self.head(&v, h));
            for t in 0..n {
                let mut row = scores.row((h * n + t) * n, n);
                let (m, r) = ops::attention_probabilities(
                    queries.row(t),
                    keys,
                    t,
                    spec.score_shift,
                    ExpTable::get(),
                    &mut row,
                )?;
                max.push(m);
                recip.push(r);
                let start = t * d + values.offset;
                ops::attention_values(row.p, values, &mut o_acc[start..start + values.len]);
            }
        }
        let o = ops::narrow("attention value", &o_acc)?;
        let out_acc = self.out.apply("attention output product", &o)?;
        let output = ops::residual_add("attention output", input, &out_acc)?;
        let Scores { score_acc, z, e, p } = scores;
        Ok(AttentionTrace {
            input: input.to_vec(),
            norm,
            q_acc,
            k_acc,
            v_acc,
            score_acc,
            max,
            z,
            e,
            recip,
            p,
            o_acc,
            out_acc,
            output,
        })
    }

    /// The residual stream after, of positions that follow the cached ones; `masked` computes
    /// the scores of later positions as well, for the same range checks as the trace.
    fn run(
        &self,
        spec: &Spec,
        input: &[i64],
        cache: &mut KeyValues,
        masked: bool,
    ) -> Result<Vec<i64>, Error> {
        let d = self.width;
        let norm = ops::layer_norm(input, d, spec.norm_frac, spec.eps)?.out;
        let past = cache.keys.len() / d;
        let n = input.len() / d;
        // In the order of the trace, so that the first error is the same.
        let q_acc = self.q.apply("query product", &norm)?;
        let k_acc = self.k.apply("key product", &norm)?;
        let v_acc = self.v.apply("value product", &norm)?;
        let q = ops::narrow("query", &q_acc)?;
        cache.keys.extend(ops::narrow("key", &k_acc)?);
        cache.values.extend(ops::narrow("value", &v_acc)?);
        let mut scores = Scores::new(past + n);
        let mut o_acc = vec![0; n * d];
        for h in 0..self.heads {
            let (keys, values) = (self.head(&cache.keys, h), self.head(&cache.values, h));
            for t in 0..n {
                let mut row = scores.row(0, if masked { past + n } else { past + t + 1 });
                let query = self.head(&q, h).row(t);
                let shift = spec.score_shift;
                ops::attention_probabilities(
                    query,
                    keys,
                    past + t,
                    shift,
                    ExpTable::get(),
                    &mut row,
                )?;
                let start = t * d + values.offset;
                ops::attention_values(row.p, values, &mut o_acc[start..start + values.len]);
            }
        }
        let o = ops::narrow("attention value", &o_acc)?;
        let out_acc = self.out.apply("attention output product", &o)?;
        ops::residual_add("attention output", input, &out_acc)
    }
}

/// The MLP half of a block, its matrices ready to be multiplied.
#[derive(Clone, Debug)]
pub struct PreparedMlp<'a> {
    width: usize,
    fc: PreparedLinear<'a>,
    out: PreparedLinear<'a>,
}

impl<'a> PreparedMlp<'a> {
    /// Checks the shapes and prepares the matrices.
    pub fn new(layer: &'a QuantizedLayer) -> Result<Self, Error> {
        Ok(Self {
            width: layer.check_mlp_shapes()?,
            fc: PreparedLinear::new(&layer.fc)?,
            out: PreparedLinear::new(&layer.mlp_out)?,
        })
    }

    /// Runs all positions of a residual stream `[n][d]` and keeps every intermediate value.
    pub fn trace(
        &self,
        spec: &Spec,
        table: &ActivationTable,
        input: &[i64],
    ) -> Result<MlpTrace, Error> {
        let norm = ops::layer_norm(input, self.width, spec.norm_frac, spec.eps)?;
        let h_acc = self.fc.apply("first MLP product", &norm.out)?;
        let a = ops::activate(&h_acc, table)?;
        let out_acc = self.out.apply("second MLP product", &a)?;
        let output = ops::residual_add("MLP output", input, &out_acc)?;
        Ok(MlpTrace {
            input: input.to_vec(),
            norm,
            h_acc,
            a,
            out_acc,
            output,
        })
    }
}

/// The head on a residual stream `[n][d]`.
pub(crate) fn head(
    linear: &PreparedLinear<'_>,
    spec: &Spec,
    input: &[i64],
) -> Result<HeadTrace, Error> {
    let norm = ops::layer_norm(input, linear.linear().inputs, spec.norm_frac, spec.eps)?;
    let logits = linear.apply("logit", &norm.out)?;
    let argmax = logits
        .chunks_exact(linear.linear().outputs)
        .map(ops::argmax)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(HeadTrace {
        input: input.to_vec(),
        norm,
        logits,
        argmax,
    })
}

/// Keys and values of the positions computed so far, `[n][d]`.
#[derive(Clone, Debug, Default)]
struct KeyValues {
    keys: Vec<i64>,
    values: Vec<i64>,
}

/// A model ready to be run: its shapes are checked, its matrices laid out for multiplication.
#[derive(Clone, Debug)]
pub struct Executor<'a> {
    model: &'a QuantizedModel,
    blocks: Vec<(PreparedAttention<'a>, PreparedMlp<'a>)>,
    head: PreparedLinear<'a>,
    table: &'static ActivationTable,
}

impl<'a> Executor<'a> {
    /// Checks the shapes ([`QuantizedModel::validate`] checks the magnitudes as well, which is
    /// not needed for a run to be exact or for it to fail with an error) and prepares the
    /// matrices.
    pub fn new(model: &'a QuantizedModel) -> Result<Self, Error> {
        model.validate_shapes()?;
        let heads = model.arch.heads;
        let blocks = model
            .layers
            .iter()
            .map(|layer| {
                Ok((
                    PreparedAttention::new(layer, heads)?,
                    PreparedMlp::new(layer)?,
                ))
            })
            .collect::<Result<_, Error>>()?;
        let table = ActivationTable::get(model.spec.activation, model.spec.act_frac)?;
        Ok(Self {
            model,
            blocks,
            head: PreparedLinear::new(&model.head)?,
            table,
        })
    }

    /// The model.
    pub fn model(&self) -> &'a QuantizedModel {
        self.model
    }

    /// Runs all positions of `tokens`, already padded, and keeps every intermediate value.
    pub fn forward(&self, tokens: &[u32]) -> Result<Trace, Error> {
        let spec = &self.model.spec;
        let embed = self.embed(tokens)?;
        let mut blocks = Vec::<(AttentionTrace, MlpTrace)>::with_capacity(self.blocks.len());
        for (index, (attention, mlp)) in self.blocks.iter().enumerate() {
            let input = blocks.last().map_or(&embed.out, |(_, mlp)| &mlp.output);
            let attention = attention
                .trace(spec, input)
                .map_err(|e| e.in_layer(index))?;
            let mlp = mlp
                .trace(spec, self.table, &attention.output)
                .map_err(|e| e.in_layer(index))?;
            blocks.push((attention, mlp));
        }
        let input = blocks.last().map_or(&embed.out, |(_, mlp)| &mlp.output);
        let head = head(&self.head, spec, input)?;
        Ok(Trace {
            embed,
            blocks,
            head,
        })
    }

    /// The logits `[n][vocab]` of all positions, the same as those of [`Executor::forward`], and
    /// an error in the same cases.
    pub fn logits(&self, tokens: &[u32]) -> Result<Vec<i64>, Error> {
        let mut x = self.embed(tokens)?.out;
        let mut caches = vec![KeyValues::default(); self.blocks.len()];
        self.run_blocks(&mut x, &mut caches, true)?;
        Ok(head(&self.head, &self.model.spec, &x)?.logits)
    }

    /// Greedy decoding of `max_new` tokens, with cached keys and values: one position for each
    /// token after the first. `on_token` is called with each token as soon as it is chosen.
    ///
    /// The tokens are those of [`Executor::forward`] on the padded sequence. A forward pass can
    /// still fail where this succeeds, if a value leaves its range only at a padded position or
    /// at one whose result is not used.
    ///
    /// Fails if prompt and generated tokens together have no [`bucket`] in the context.
    pub fn generate(
        &self,
        prompt: &[u32],
        max_new: usize,
        mut on_token: impl FnMut(u32),
    ) -> Result<Vec<u32>, Error> {
        self.generate_until(prompt, max_new, |token| {
            on_token(token);
            ControlFlow::Continue(())
        })
    }

    /// Like [`Executor::generate`], but stops after the token at which `on_token` breaks.
    pub fn generate_until(
        &self,
        prompt: &[u32],
        max_new: usize,
        mut on_token: impl FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Vec<u32>, Error> {
        check_tokens(self.model, prompt)?;
        let context = self.model.arch.context;
        let len = prompt.len().saturating_add(max_new);
        if bucket(len, context).is_none() {
            return Err(Error::SequenceTooLong { len, context });
        }
        let d = self.model.arch.width;
        let mut generated = Vec::with_capacity(max_new);
        let mut caches = vec![KeyValues::default(); self.blocks.len()];
        let mut x = self.embed(prompt)?.out;
        while generated.len() < max_new {
            self.run_blocks(&mut x, &mut caches, false)?;
            let last = &x[x.len() - d..];
            let norm = ops::layer_norm(last, d, self.model.spec.norm_frac, self.model.spec.eps)?;
            let token = ops::argmax(&self.head.apply("logit", &norm.out)?)?;
            let position = prompt.len() + generated.len();
            generated.push(token);
            if on_token(token).is_break() {
                break;
            }
            if generated.len() < max_new {
                x = embed_position(self.model, token, position)?;
            }
        }
        Ok(generated)
    }

    fn embed(&self, tokens: &[u32]) -> Result<EmbedTrace, Error> {
        embed_trace(self.model, tokens)
    }

    fn run_blocks(
        &self,
        x: &mut Vec<i64>,
        caches: &mut [KeyValues],
        masked: bool,
    ) -> Result<(), Error> {
        check_shape("blocks", caches.len(), self.blocks.len())?;
        let spec = &self.model.spec;
        for (index, ((attention, mlp), cache)) in self.blocks.iter().zip(caches).enumerate() {
            let half = attention
                .run(spec, x, cache, masked)
                .map_err(|e| e.in_layer(index))?;
            *x = mlp
                .trace(spec, self.table, &half)
                .map_err(|e| e.in_layer(index))?
                .output;
        }
        Ok(())
    }
}

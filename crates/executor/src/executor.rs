//! A model prepared to be run many times: forward pass, logits, greedy generation.

use crate::kernels::{self, Block, TILE_ROWS};
use crate::matrix;
use crate::model::{HeadNorm, QuantizedLayer, QuantizedModel, Rotation};
use crate::ops::{
    self, AttentionRow, Error, HeadCache, HeadView, PreparedLinear, SHARED_ROWS, check_shape,
};
use crate::spec::{Architecture, GAIN_FRAC, MATMUL_SHIFT, Positions, ROTATION_FRAC, Spec};
use crate::tables::{ActivationTable, ExpTable};
use crate::trace::{
    AttentionTrace, EmbedTrace, HeadTrace, MlpTrace, NormTrace, Trace, bucket, embed_trace,
};
use rayon::prelude::*;
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
    let row = |table: &'_ [i32], i: usize| table[i * d..(i + 1) * d].to_vec();
    let place = match model.arch.positions {
        Positions::Learned => Some(row(&model.wpe, position)),
        Positions::Rotary => None,
    };
    ops::embed(&row(&model.wte, token as usize), place.as_deref())
}

/// The attention half of a block, its matrices ready to be multiplied.
#[derive(Clone, Debug)]
pub struct PreparedAttention<'a> {
    arch: Architecture,
    q: PreparedLinear<'a>,
    k: PreparedLinear<'a>,
    v: PreparedLinear<'a>,
    out: PreparedLinear<'a>,
    qk_norm: Option<&'a [HeadNorm; 2]>,
    rotation: Option<&'a Rotation>,
}

/// Queries, keys and values of some positions, as sums and as 16-bit numbers, keys and queries rotated.
struct Projected {
    q_acc: Vec<i64>,
    k_acc: Vec<i64>,
    v_acc: Vec<i64>,
    qk_norm: Option<[NormTrace; 2]>,
    q_rotated_acc: Vec<i64>,
    k_rotated_acc: Vec<i64>,
    q: Vec<i64>,
    k: Vec<i64>,
    v: Vec<i64>,
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
    pub fn new(
        arch: &Architecture,
        layer: &'a QuantizedLayer,
        rotation: Option<&'a Rotation>,
    ) -> Result<Self, Error> {
        arch.validate()?;
        arch.check_rotation(rotation)?;
        Self::of_checked(arch, layer, rotation)
    }

    /// The same, of dimensions and rotations that are checked: those are a model's, and large.
    fn of_checked(
        arch: &Architecture,
        layer: &'a QuantizedLayer,
        rotation: Option<&'a Rotation>,
    ) -> Result<Self, Error> {
        layer.check_attention_shapes(arch)?;
        Ok(Self {
            arch: *arch,
            q: PreparedLinear::new(&layer.q)?,
            k: PreparedLinear::new(&layer.k)?,
            v: PreparedLinear::new(&layer.v)?,
            out: PreparedLinear::new(&layer.attn_out)?,
            qk_norm: layer.qk_norm.as_ref(),
            rotation,
        })
    }

    /// Of normalized activations, the first at position `first`.
    fn project(&self, norm: &[i64], first: usize) -> Result<Projected, Error> {
        let arch = &self.arch;
        let (q_acc, (k_acc, v_acc)) = rayon::join(
            || self.q.apply("query product", norm),
            || {
                rayon::join(
                    || self.k.apply("key product", norm),
                    || self.v.apply("value product", norm),
                )
            },
        );
        let (q_acc, k_acc, v_acc) = (q_acc?, k_acc?, v_acc?);
        let (mut q, mut k, mut qk_norm) = (Vec::new(), Vec::new(), None);
        match self.qk_norm {
            None => {
                q = ops::narrow("query", &q_acc, MATMUL_SHIFT)?;
                k = ops::narrow("key", &k_acc, MATMUL_SHIFT)?;
            }
            Some([queries, keys]) => {
                let c = arch.head_width;
                qk_norm = Some([
                    ops::normalize_heads("query", &q_acc, c, &queries.eps)?,
                    ops::normalize_heads("key", &k_acc, c, &keys.eps)?,
                ]);
            }
        }
        let v = ops::narrow("value", &v_acc, MATMUL_SHIFT)?;
        let (mut q_rotated_acc, mut k_rotated_acc) = (Vec::new(), Vec::new());
        if let Some(by) = self.rotation {
            let positions = norm.len() / arch.width;
            if first + positions > arch.context {
                return Err(Error::SequenceTooLong {
                    len: first + positions,
                    context: arch.context,
                });
            }
            let pairs = arch.rotated_pairs();
            let (query_width, kv_width) = (arch.query_width(), arch.kv_width());
            let factors = |gains| by.factors(pairs, first..first + positions, gains);
            let shift = match (self.qk_norm, &qk_norm) {
                (Some([queries, keys]), Some([q, k])) => {
                    let (queries, keys) = (factors(Some(&queries.gain)), factors(Some(&keys.gain)));
                    q_rotated_acc = ops::rotate(&q.out, query_width, pairs, &queries);
                    k_rotated_acc = ops::rotate(&k.out, kv_width, pairs, &keys);
                    GAIN_FRAC
                }
                _ => {
                    let factors = factors(None);
                    q_rotated_acc = ops::rotate(&q, query_width, pairs, &factors);
                    k_rotated_acc = ops::rotate(&k, kv_width, pairs, &factors);
                    ROTATION_FRAC
                }
            };
            q = ops::narrow("rotated query", &q_rotated_acc, shift)?;
            k = ops::narrow("rotated key", &k_rotated_acc, shift)?;
        }
        Ok(Projected {
            q_acc,
            k_acc,
            v_acc,
            qk_norm,
            q_rotated_acc,
            k_rotated_acc,
            q,
            k,
            v,
        })
    }

    /// One of `heads` heads.
    fn head<'v>(&self, values: &'v [i64], heads: usize, head: usize) -> HeadView<'v> {
        let len = self.arch.head_width;
        HeadView {
            values,
            width: heads * len,
            offset: head * len,
            len,
        }
    }

    /// The heads of keys and of values that a head of queries has.
    fn source<'v>(&self, keys: &'v [i64], values: &'v [i64], head: usize) -> [HeadView<'v>; 2] {
        let (all, own) = (self.arch.kv_heads, head / self.arch.group());
        [self.head(keys, all, own), self.head(values, all, own)]
    }

    /// Runs all positions of a residual stream `[n][d]` and keeps every intermediate value.
    pub fn trace(&self, spec: &Spec, input: &[i64]) -> Result<AttentionTrace, Error> {
        let (d, heads) = (self.arch.width, self.arch.heads);
        let norm = ops::normalize(spec, input, d)?;
        let n = input.len() / d;
        let projected = self.project(&norm.out, 0)?;
        let mut scores = Scores::new(heads * n * n);
        let mut max = Vec::with_capacity(heads * n);
        let mut recip = Vec::with_capacity(heads * n);
        let width = self.arch.query_width();
        let mut o_acc = vec![0; n * width];
        for h in 0..heads {
            let queries = self.head(&projected.q, heads, h);
            let [keys, values] = self.source(&projected.k, &projected.v, h);
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
                let start = t * width + queries.offset;
                ops::attention_values(row.p, values, &mut o_acc[start..start + queries.len]);
            }
        }
        let o = ops::narrow("attention value", &o_acc, MATMUL_SHIFT)?;
        let out_acc = self.out.apply("attention output product", &o)?;
        let output = ops::residual_add("attention output", input, &out_acc)?;
        let Scores { score_acc, z, e, p } = scores;
        Ok(AttentionTrace {
            input: input.to_vec(),
            norm,
            q_acc: projected.q_acc,
            k_acc: projected.k_acc,
            v_acc: projected.v_acc,
            qk_norm: projected.qk_norm,
            q_rotated_acc: projected.q_rotated_acc,
            k_rotated_acc: projected.k_rotated_acc,
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

    /// The residual stream after, of positions that follow the cached ones; `masked` computes the scores of later positions as
    /// well, also those of the cached queries, for the same range checks as the trace.
    fn run(
        &self,
        spec: &Spec,
        input: &[i64],
        cache: &mut Cache,
        masked: bool,
    ) -> Result<Vec<i64>, Error> {
        let (d, heads, len) = (self.arch.width, self.arch.heads, self.arch.head_width);
        let past = cache.positions;
        let n = input.len() / d;
        let parts = by_rows(input, d, |first, rows| {
            let norm = ops::normalize(spec, rows, d)?.out;
            self.project(&norm, past + first)
        })?;
        let mut queries = vec![Vec::new(); heads];
        for part in parts {
            for query in part.q.chunks_exact(self.arch.query_width()) {
                for (to, query) in queries.iter_mut().zip(query.chunks_exact(len)) {
                    to.extend(kernels::blocks(query));
                }
            }
            let width = self.arch.kv_width();
            for (key, value) in part.k.chunks_exact(width).zip(part.v.chunks_exact(width)) {
                let heads = key.chunks_exact(len).zip(value.chunks_exact(len));
                for (cache, (key, value)) in cache.heads.iter_mut().zip(heads) {
                    cache.push(key, value);
                }
            }
        }
        cache.positions += n;
        let steps = matrix::steps(len);
        // `[n][head_width]` of a head.
        let head = |h: usize| {
            let mut scores = Scores::new(past + n);
            let mut acc = vec![0; n * len];
            let source = &cache.heads[h / self.arch.group()];
            let mut attend = |t: usize, query: &[Block], acc: Option<&mut [i64]>| {
                let mut row = scores.row(0, if masked { past + n } else { t + 1 });
                source.probabilities(query, t, spec.score_shift, ExpTable::get(), &mut row)?;
                if let Some(acc) = acc {
                    source.values(row.p, acc);
                }
                Ok(())
            };
            if let (true, Some(before)) = (masked, &cache.queries) {
                for (t, query) in before[h].chunks_exact(steps).enumerate() {
                    attend(t, query, None)?;
                }
            }
            let queries = queries[h]
                .chunks_exact(steps)
                .zip(acc.chunks_exact_mut(len));
            for (t, (query, acc)) in queries.enumerate() {
                attend(past + t, query, Some(acc))?;
            }
            Ok(acc)
        };
        let all: Vec<Result<Vec<i64>, Error>> = match heads * n * (past + n) >= SHARED_SCORES {
            true => (0..heads).into_par_iter().map(head).collect(),
            false => (0..heads).map(head).collect(),
        };
        if let Some(before) = &mut cache.queries {
            for (before, queries) in before.iter_mut().zip(queries) {
                before.extend(queries);
            }
        }
        let width = self.arch.query_width();
        let mut o_acc = vec![0; n * width];
        for (h, acc) in all.into_iter().enumerate() {
            let acc = acc?;
            for (to, acc) in o_acc.chunks_exact_mut(width).zip(acc.chunks_exact(len)) {
                to[h * len..(h + 1) * len].copy_from_slice(acc);
            }
        }
        let parts = by_rows(&o_acc, width, |first, rows| {
            let o = ops::narrow("attention value", rows, MATMUL_SHIFT)?;
            let out_acc = self.out.apply("attention output product", &o)?;
            let input = &input[first * d..][..out_acc.len()];
            ops::residual_add("attention output", input, &out_acc)
        })?;
        Ok(parts.concat())
    }
}

/// Scores from which on threads share heads.
const SHARED_SCORES: usize = 1 << 11;
/// Rows that a thread takes through several operations at once, at most.
const MAX_ROWS: usize = 128;

/// Applies `f` to all rows of `x`, `[n][width]`, many at a time, with the index of the first. The error is that of all rows at
/// once: the first operation that fails, whichever row it is.
fn by_rows<T: Send>(
    x: &[i64],
    width: usize,
    f: impl Fn(usize, &[i64]) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let n = x.len() / width;
    let share = n.div_ceil(rayon::current_num_threads());
    let rows = share
        .next_multiple_of(TILE_ROWS)
        .clamp(SHARED_ROWS, MAX_ROWS);
    if n >= 2 * SHARED_ROWS {
        let parts = x.par_chunks(rows * width).enumerate();
        let parts = parts.map(|(i, x)| f(i * rows, x));
        if let Ok(parts) = parts.collect::<Result<Vec<T>, Error>>() {
            return Ok(parts);
        }
    }
    Ok(vec![f(0, x)?])
}

/// The MLP half of a block, its matrices ready to be multiplied.
#[derive(Clone, Debug)]
pub struct PreparedMlp<'a> {
    width: usize,
    fc: PreparedLinear<'a>,
    up: Option<PreparedLinear<'a>>,
    out: PreparedLinear<'a>,
}

impl<'a> PreparedMlp<'a> {
    /// Checks the shapes and prepares the matrices.
    pub fn new(arch: &Architecture, layer: &'a QuantizedLayer) -> Result<Self, Error> {
        arch.validate()?;
        layer.check_mlp_shapes(arch)?;
        Ok(Self {
            width: arch.width,
            fc: PreparedLinear::new(&layer.fc)?,
            up: layer.up.as_ref().map(PreparedLinear::new).transpose()?,
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
        let norm = ops::normalize(spec, input, self.width)?;
        let h_acc = self.fc.apply("first MLP product", &norm.out)?;
        let a = ops::activate(&h_acc, table)?;
        let (mut up_acc, mut gated_acc) = (Vec::new(), Vec::new());
        let out_acc = match &self.up {
            None => self.out.apply("last MLP product", &a)?,
            Some(up) => {
                up_acc = up.apply("gate product", &norm.out)?;
                gated_acc = ops::gate(&a, &ops::narrow("gate", &up_acc, MATMUL_SHIFT)?)?;
                let gated = ops::narrow("gated activation", &gated_acc, spec.act_out_frac())?;
                self.out.apply("last MLP product", &gated)?
            }
        };
        let output = ops::residual_add("MLP output", input, &out_acc)?;
        Ok(MlpTrace {
            input: input.to_vec(),
            norm,
            h_acc,
            a,
            up_acc,
            gated_acc,
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
    let norm = ops::normalize(spec, input, linear.linear().inputs())?;
    let logits = linear.apply("logit", &norm.out)?;
    let argmax = logits
        .chunks_exact(linear.linear().outputs())
        .map(ops::argmax)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(HeadTrace {
        input: input.to_vec(),
        norm,
        logits,
        argmax,
    })
}

/// What one block keeps of the positions computed so far.
#[derive(Clone, Debug)]
struct Cache {
    positions: usize,
    /// Keys, rotated if they are, and values of each of their heads.
    heads: Vec<HeadCache>,
    /// Queries of each head, if their scores with later keys will be checked.
    queries: Option<Vec<Vec<Block>>>,
}

impl Cache {
    fn new(arch: &Architecture, keeps_queries: bool) -> Self {
        Self {
            positions: 0,
            heads: vec![HeadCache::new(arch.head_width); arch.kv_heads],
            queries: keeps_queries.then(|| vec![Vec::new(); arch.heads]),
        }
    }
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
        let (arch, rotation) = (&model.arch, model.rotation.as_ref());
        let blocks = model
            .layers
            .iter()
            .map(|layer| {
                Ok((
                    PreparedAttention::of_checked(arch, layer, rotation)?,
                    PreparedMlp::new(arch, layer)?,
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
        let mut caches = self.caches(false);
        rayon::scope(|_| self.run_blocks(&mut x, &mut caches, true))?;
        Ok(head(&self.head, &self.model.spec, &x)?.logits)
    }

    /// Greedy decoding of `max_new` tokens, with cached keys and values: one position for each
    /// token after the first. `on_token` is called with each token as soon as it is chosen.
    ///
    /// The tokens are those of [`Executor::forward`] on the padded sequence. A forward pass can
    /// still fail where this succeeds, if a value leaves its range only at a padded position or
    /// at one whose result is not used: [`Generation::check`] says so.
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
        on_token: impl FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Vec<u32>, Error> {
        let generation = self.generate_keeping(prompt, max_new, false, on_token)?;
        Ok(generation.generated().to_vec())
    }

    /// Like [`Executor::generate_until`], and keeps what was computed.
    pub fn generation(
        &self,
        prompt: &[u32],
        max_new: usize,
        on_token: impl FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Generation<'_>, Error> {
        self.generate_keeping(prompt, max_new, true, on_token)
    }

    fn generate_keeping(
        &self,
        prompt: &[u32],
        max_new: usize,
        keeps_queries: bool,
        mut on_token: impl FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Generation<'_>, Error> {
        check_tokens(self.model, prompt)?;
        let context = self.model.arch.context;
        let len = prompt.len().saturating_add(max_new);
        if bucket(len, context).is_none() {
            return Err(Error::SequenceTooLong { len, context });
        }
        let mut generation = Generation {
            executor: self,
            tokens: prompt.to_vec(),
            prompt: prompt.len(),
            computed: 0,
            caches: self.caches(keeps_queries),
            unread: Vec::new(),
        };
        for _ in 0..max_new {
            // On a thread of the pool, where no other has to be woken for each product.
            let token = rayon::scope(|_| generation.step())?;
            if on_token(token).is_break() {
                break;
            }
        }
        Ok(generation)
    }

    fn caches(&self, keep_queries: bool) -> Vec<Cache> {
        vec![Cache::new(&self.model.arch, keep_queries); self.blocks.len()]
    }

    fn embed(&self, tokens: &[u32]) -> Result<EmbedTrace, Error> {
        embed_trace(self.model, tokens)
    }

    fn run_blocks(
        &self,
        x: &mut Vec<i64>,
        caches: &mut [Cache],
        masked: bool,
    ) -> Result<(), Error> {
        check_shape("blocks", caches.len(), self.blocks.len())?;
        let spec = &self.model.spec;
        for (index, ((attention, mlp), cache)) in self.blocks.iter().zip(caches).enumerate() {
            let half = attention
                .run(spec, x, cache, masked)
                .map_err(|e| e.in_layer(index))?;
            let run = |_: usize, rows: &[i64]| Ok(mlp.trace(spec, self.table, rows)?.output);
            let parts = by_rows(&half, self.model.arch.width, run);
            *x = parts.map_err(|e| e.in_layer(index))?.concat();
        }
        Ok(())
    }
}

/// What was computed to generate tokens.
#[derive(Clone, Debug)]
pub struct Generation<'e> {
    executor: &'e Executor<'e>,
    /// Of the prompt, and those generated.
    tokens: Vec<u32>,
    prompt: usize,
    /// Positions that ran.
    computed: usize,
    caches: Vec<Cache>,
    /// The residual stream before the head at positions that ran and whose logits were not needed.
    unread: Vec<i64>,
}

impl Generation<'_> {
    /// The tokens that were generated.
    pub fn generated(&self) -> &[u32] {
        &self.tokens[self.prompt..]
    }

    /// Runs the positions that did not run.
    fn run_rest(&mut self, masked: bool) -> Result<Vec<i64>, Error> {
        let executor = self.executor;
        let mut x = Vec::new();
        for (position, &token) in self.tokens.iter().enumerate().skip(self.computed) {
            x.extend(embed_position(executor.model, token, position)?);
        }
        executor.run_blocks(&mut x, &mut self.caches, masked)?;
        self.computed = self.tokens.len();
        Ok(x)
    }

    fn step(&mut self) -> Result<u32, Error> {
        let executor = self.executor;
        let d = executor.model.arch.width;
        let mut x = self.run_rest(false)?;
        let last = x.split_off(x.len() - d);
        self.unread.extend(x);
        let norm = ops::normalize(&executor.model.spec, &last, d)?;
        let token = ops::argmax(&executor.head.apply("logit", &norm.out)?)?;
        self.tokens.push(token);
        Ok(token)
    }

    /// Computes what [`Executor::forward`] does beyond this, on the tokens padded to so many positions: fails in the same cases.
    pub fn check(mut self, positions: usize) -> Result<(), Error> {
        self.tokens.resize(positions.max(self.tokens.len()), 0);
        check_tokens(self.executor.model, &self.tokens)?;
        rayon::scope(|_| {
            let rest = self.run_rest(true)?;
            self.unread.extend(rest);
            let (linear, spec) = (&self.executor.head, &self.executor.model.spec);
            head(linear, spec, &self.unread).map(drop)
        })
    }
}

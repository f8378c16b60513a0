//! The float reference: the model as its checkpoint defines it, in `f32`.

use std::path::{Path, PathBuf};

use candle_core::{D, DType, Device, Tensor, Var};
use nanozk_executor::{Activation, Architecture, Norm};

use crate::config::{Config, Rope};
use crate::error::{Error, Result};
use crate::parts::{About, Checkpoint, Parts};
use crate::report::Op;
use crate::tokenizer::{Tokenizer, check_tokens};

/// An imported checkpoint: weights, configuration and tokenizer.
#[derive(Clone, Debug)]
pub struct FloatModel {
    about: About,
    pub(crate) params: Params,
}

/// A gain of a normalization, or a matrix `[inputs][outputs]`; and its bias, if it has one.
#[derive(Clone, Debug)]
pub(crate) struct Affine {
    pub(crate) weight: Tensor,
    pub(crate) bias: Option<Tensor>,
}

impl Affine {
    fn scale(&self, x: &Tensor) -> Result<Tensor> {
        self.shift(x.broadcast_mul(&self.weight)?)
    }

    fn multiply(&self, x: &Tensor) -> Result<Tensor> {
        self.shift(x.matmul(&self.weight)?)
    }

    fn shift(&self, x: Tensor) -> Result<Tensor> {
        match &self.bias {
            Some(bias) => Ok(x.broadcast_add(bias)?),
            None => Ok(x),
        }
    }

    /// Columns of a matrix.
    pub(crate) fn columns(&self, first: usize, count: usize) -> Result<Self> {
        let bias = self.bias.as_ref();
        Ok(Self {
            weight: self.weight.narrow(1, first, count)?.contiguous()?,
            bias: bias.map(|b| b.narrow(0, first, count)).transpose()?,
        })
    }
}

/// A block: two halves, each with a normalization and matrices.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) norm1: Affine,
    pub(crate) q: Affine,
    pub(crate) k: Affine,
    /// Gains of each head of queries and of keys, if they are normalized.
    pub(crate) qk_norm: Option<[Affine; 2]>,
    pub(crate) v: Affine,
    pub(crate) attn_out: Affine,
    pub(crate) norm2: Affine,
    /// Its products are arguments of the activation.
    pub(crate) fc: Affine,
    /// Of a gated MLP: its products are multiplied by the activations.
    pub(crate) up: Option<Affine>,
    pub(crate) mlp_out: Affine,
}

#[derive(Clone, Debug)]
pub(crate) struct Params {
    pub(crate) wte: Tensor,
    /// Where positions are vectors.
    pub(crate) wpe: Option<Tensor>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) last_norm: Affine,
    /// `[vocab][width]`; the same storage as `wte` if tied.
    pub(crate) head: Tensor,
}

impl FloatModel {
    /// Imports a Hugging Face checkpoint folder.
    pub fn load(dir: &Path) -> Result<Self> {
        Checkpoint::open(dir)?.load()
    }

    pub(crate) fn new(about: About, params: Params) -> Self {
        Self { about, params }
    }

    /// Dimensions.
    pub fn architecture(&self) -> Architecture {
        self.config().arch
    }

    /// What `config.json` says.
    pub fn config(&self) -> &Config {
        &self.about.config
    }

    /// The tokenizer of the checkpoint.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.about.tokenizer
    }

    /// Tokens after which generation stops.
    pub fn stop_tokens(&self) -> &[u32] {
        &self.about.stop
    }

    /// What the checkpoint has that is not applied, or was read in another way than its files say.
    pub fn notes(&self) -> &[String] {
        &self.about.notes
    }

    /// The configuration files and weights that were read. The tokenizer's file is [`Tokenizer::json`].
    pub fn files(&self) -> &[PathBuf] {
        &self.about.files
    }

    /// Tokens of a window of text: the longest bucket (4, 8, 16, …) that fits the context.
    pub fn window(&self) -> usize {
        longest_window(self.config())
    }

    /// Consecutive windows of a text; the last partial one is dropped.
    pub fn windows(&self, text: &str) -> Result<Vec<Vec<u32>>> {
        self.about.tokenizer.windows(text, self.window())
    }

    /// Logits of all positions, `[n][vocab]`.
    pub fn logits(&self, tokens: &[u32]) -> Result<Vec<f32>> {
        Ok(self.logits_batch(&[tokens])?.remove(0))
    }

    /// Logits of all positions of several sequences of equal length, `[n][vocab]` each.
    pub fn logits_batch<T: AsRef<[u32]>>(&self, batch: &[T]) -> Result<Vec<Vec<f32>>> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let logits = self.forward(&self.params, batch)?;
        let values = to_vec(&logits)?;
        Ok(values
            .chunks_exact(values.len() / batch.len())
            .map(<[f32]>::to_vec)
            .collect())
    }

    /// The greedy continuation: `count` tokens, each the lowest id of the greatest logit.
    pub fn greedy(&self, prompt: &[u32], count: usize) -> Result<Vec<u32>> {
        let vocab = self.config().arch.vocab;
        let mut tokens = prompt.to_vec();
        for _ in 0..count {
            let logits = self.logits(&tokens)?;
            tokens.push(argmax(&logits[logits.len() - vocab..]) as u32);
        }
        Ok(tokens.split_off(prompt.len()))
    }

    /// Logits `[batch·n][vocab]` with the given parameters.
    pub(crate) fn forward<T: AsRef<[u32]>>(&self, params: &Params, batch: &[T]) -> Result<Tensor> {
        let pass = Pass::new(self.config(), batch)?;
        let mut ignore = |_: Op, _: &Tensor| Ok(());
        let mut x = pass.embed(&params.wte, params.wpe.as_ref())?;
        for (l, block) in params.blocks.iter().enumerate() {
            x = pass.block(l, block, x, &mut ignore)?;
        }
        pass.head(&params.last_norm, &params.head, &x, &mut ignore)
    }
}

impl Parts for FloatModel {
    fn config(&self) -> &Config {
        &self.about.config
    }

    fn embedding(&self) -> Result<(Tensor, Option<Tensor>)> {
        Ok((self.params.wte.clone(), self.params.wpe.clone()))
    }

    fn block(&self, layer: usize) -> Result<Block> {
        Ok(self.params.blocks[layer].clone())
    }

    fn head(&self) -> Result<(Affine, Tensor)> {
        Ok((self.params.last_norm.clone(), self.params.head.clone()))
    }
}

/// The longest bucket (4, 8, 16, …) that fits the context.
pub(crate) fn longest_window(config: &Config) -> usize {
    1 << config.arch.context.ilog2()
}

/// Sequences of equal length, and what a forward pass over them does with each part of a model.
pub(crate) struct Pass {
    config: Config,
    /// Sequences.
    b: usize,
    /// Tokens of each.
    n: usize,
    ids: Tensor,
    mask: Tensor,
    /// Cosines and sines `[n][pairs]`, if queries and keys are rotated.
    angles: Option<[Tensor; 2]>,
}

/// Called with each operation and its values, in the units of the integer model's meaning:
/// normalized activations before gain and bias, queries with `1/sqrt(c)`.
pub(crate) type Record<'a> = dyn FnMut(Op, &Tensor) -> Result<()> + 'a;

impl Pass {
    pub(crate) fn new<T: AsRef<[u32]>>(config: &Config, batch: &[T]) -> Result<Self> {
        let Architecture { vocab, context, .. } = config.arch;
        let b = batch.len();
        let n = batch.first().map_or(0, |t| t.as_ref().len());
        if n == 0 || n > context {
            return Err(Error::SequenceLength {
                expected: context,
                got: n,
            });
        }
        let mut ids = Vec::with_capacity(b * n);
        for tokens in batch {
            let tokens = tokens.as_ref();
            if tokens.len() != n {
                return Err(Error::RaggedBatch {
                    expected: n,
                    got: tokens.len(),
                });
            }
            check_tokens(tokens, vocab)?;
            ids.extend_from_slice(tokens);
        }
        Ok(Self {
            config: *config,
            b,
            n,
            ids: Tensor::from_vec(ids, b * n, &Device::Cpu)?,
            mask: causal_mask(n)?,
            angles: config
                .rope
                .as_ref()
                .map(|rope| angles(rope, config, n))
                .transpose()?,
        })
    }

    fn norm(&self, x: &Tensor) -> Result<Tensor> {
        let centered = match self.config.norm {
            Norm::LayerNorm => x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?,
            Norm::RmsNorm => x.clone(),
        };
        self.to_unit(&centered)
    }

    /// Rows divided so that their mean square is 1.
    fn to_unit(&self, x: &Tensor) -> Result<Tensor> {
        let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
        Ok(x.broadcast_div(&(mean + self.config.epsilon)?.sqrt()?)?)
    }

    /// The residual stream `[b·n][d]` before the first block.
    pub(crate) fn embed(&self, wte: &Tensor, wpe: Option<&Tensor>) -> Result<Tensor> {
        let (b, n, d) = (self.b, self.n, self.config.arch.width);
        let tokens = wte.index_select(&self.ids, 0)?;
        let Some(wpe) = wpe else { return Ok(tokens) };
        Ok(tokens
            .reshape((b, n, d))?
            .broadcast_add(&wpe.narrow(0, 0, n)?)?
            .reshape((b * n, d))?)
    }

    /// Heads `[b·n][heads·c]` as `[b][heads][n][c]`.
    fn split(&self, x: &Tensor, heads: usize) -> Result<Tensor> {
        let shape = (self.b, self.n, heads, self.config.arch.head_width);
        Ok(x.reshape(shape)?.transpose(1, 2)?.contiguous()?)
    }

    /// The same, back.
    fn join(&self, x: &Tensor, heads: usize) -> Result<Tensor> {
        let shape = (self.b * self.n, heads * self.config.arch.head_width);
        Ok(x.transpose(1, 2)?.contiguous()?.reshape(shape)?)
    }

    /// Heads normalized to mean square 1, without gain.
    fn normalized(
        &self,
        x: Tensor,
        heads: usize,
        op: Op,
        record: &mut Record<'_>,
    ) -> Result<Tensor> {
        let normed = self.to_unit(&x)?;
        record(op, &self.join(&normed, heads)?)?;
        Ok(normed)
    }

    /// Heads turned by the angles of their positions, if positions are told apart by that.
    fn rotated(&self, x: Tensor, heads: usize, op: Op, record: &mut Record<'_>) -> Result<Tensor> {
        let Some([cos, sin]) = &self.angles else {
            return Ok(x);
        };
        let pairs = self.config.arch.rotated_pairs();
        let (low, high) = (x.narrow(3, 0, pairs)?, x.narrow(3, pairs, pairs)?);
        let turned = [
            (low.broadcast_mul(cos)? - high.broadcast_mul(sin)?)?,
            (high.broadcast_mul(cos)? + low.broadcast_mul(sin)?)?,
        ];
        let turned = Tensor::cat(&turned, 3)?;
        record(op, &self.join(&turned, heads)?)?;
        Ok(turned)
    }

    /// Keys or values as often as there are heads of queries.
    fn repeated(&self, x: Tensor) -> Result<Tensor> {
        let arch = &self.config.arch;
        let (b, kv, n, c) = (self.b, arch.kv_heads, self.n, arch.head_width);
        match arch.group() {
            1 => Ok(x),
            group => Ok(x
                .reshape((b, kv, 1, n, c))?
                .broadcast_as((b, kv, group, n, c))?
                .contiguous()?
                .reshape((b, arch.heads, n, c))?),
        }
    }

    /// The residual stream after block `layer`.
    pub(crate) fn block(
        &self,
        layer: usize,
        block: &Block,
        mut x: Tensor,
        record: &mut Record<'_>,
    ) -> Result<Tensor> {
        let Architecture {
            heads, kv_heads, ..
        } = self.config.arch;
        let h = self.norm(&x)?;
        record(Op::Norm1, &h)?;
        let h = block.norm1.scale(&h)?;
        let divisor = self.config.query_divisor(layer);
        let mut q = block.q.multiply(&h)?;
        if block.qk_norm.is_none() {
            q = (q / divisor)?;
        }
        let k = block.k.multiply(&h)?;
        let v = block.v.multiply(&h)?;
        record(Op::Query, &q)?;
        record(Op::Key, &k)?;
        record(Op::Value, &v)?;
        let mut q = self.split(&q, heads)?;
        let mut k = self.split(&k, kv_heads)?;
        if let Some([queries, keys]) = &block.qk_norm {
            let normed = self.normalized(q, heads, Op::NormedQuery, record)?;
            q = (queries.scale(&normed)? / divisor)?;
            k = keys.scale(&self.normalized(k, kv_heads, Op::NormedKey, record)?)?;
        }
        let q = self.rotated(q, heads, Op::RotatedQuery, record)?;
        let k = self.rotated(k, kv_heads, Op::RotatedKey, record)?;
        let k = self.repeated(k)?;
        let v = self.repeated(self.split(&v, kv_heads)?)?;
        let scores = q.matmul(&k.transpose(2, 3)?.contiguous()?)?;
        record(Op::Score, &scores)?;
        let p = softmax(&scores.broadcast_add(&self.mask)?)?;
        record(Op::Probability, &p)?;
        let o = self.join(&p.matmul(&v)?, heads)?;
        record(Op::Context, &o)?;
        let y = block.attn_out.multiply(&o)?;
        record(Op::AttentionOut, &y)?;
        x = (x + y)?;
        let h = self.norm(&x)?;
        record(Op::Norm2, &h)?;
        let normed = block.norm2.scale(&h)?;
        let h = block.fc.multiply(&normed)?;
        record(Op::PreActivation, &h)?;
        let mut a = match self.config.activation {
            Activation::GeluNew => h.gelu()?,
            Activation::Gelu => h.gelu_erf()?,
            Activation::Relu => h.relu()?,
            Activation::Silu => h.silu()?,
        };
        record(Op::Activation, &a)?;
        if let Some(up) = &block.up {
            let u = up.multiply(&normed)?;
            record(Op::Gate, &u)?;
            a = (a * u)?;
            record(Op::Gated, &a)?;
        }
        let y = block.mlp_out.multiply(&a)?;
        record(Op::MlpOut, &y)?;
        x = (x + y)?;
        record(Op::Residual, &x)?;
        Ok(x)
    }

    /// The logits `[b·n][vocab]`.
    pub(crate) fn head(
        &self,
        last_norm: &Affine,
        head: &Tensor,
        x: &Tensor,
        record: &mut Record<'_>,
    ) -> Result<Tensor> {
        let h = self.norm(x)?;
        record(Op::FinalNorm, &h)?;
        let logits = last_norm.scale(&h)?.matmul(&head.t()?)?;
        record(Op::Logit, &logits)?;
        Ok(logits)
    }
}

/// Cosines and sines of `n` positions, `[n][pairs]`.
fn angles(rope: &Rope, config: &Config, n: usize) -> Result<[Tensor; 2]> {
    let pairs = config.arch.rotated_pairs();
    let angles = rope.angles(pairs, n);
    let table = |f: fn(f64) -> f64| -> Result<Tensor> {
        let values: Vec<f32> = angles.iter().map(|angle| f(*angle) as f32).collect();
        Ok(Tensor::from_vec(values, (n, pairs), &Device::Cpu)?)
    };
    Ok([table(f64::cos)?, table(f64::sin)?])
}

/// Zero where a position may look, minus infinity above the diagonal.
fn causal_mask(n: usize) -> Result<Tensor> {
    let values: Vec<f32> = (0..n)
        .flat_map(|t| (0..n).map(move |s| if s > t { f32::NEG_INFINITY } else { 0.0 }))
        .collect();
    Ok(Tensor::from_vec(values, (n, n), &Device::Cpu)?)
}

fn softmax(x: &Tensor) -> Result<Tensor> {
    let e = x
        .broadcast_sub(&x.max_keepdim(D::Minus1)?.detach())?
        .exp()?;
    Ok(e.broadcast_div(&e.sum_keepdim(D::Minus1)?)?)
}

/// Logarithms of the probabilities of the given next tokens, `[rows][1]`.
pub(crate) fn log_likelihood(logits: &Tensor, next: &[u32]) -> Result<Tensor> {
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
    let normalizer = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let ids = Tensor::from_slice(next, (next.len(), 1), &Device::Cpu)?;
    Ok((shifted.gather(&ids, 1)? - normalizer)?)
}

pub(crate) fn to_vec(t: &Tensor) -> Result<Vec<f32>> {
    Ok(t.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?)
}

/// The lowest index of the greatest value.
pub(crate) fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    let mut best = 0;
    for i in 1..values.len() {
        if values[i] > values[best] {
            best = i;
        }
    }
    best
}

impl Params {
    /// A copy of every parameter as a variable, with the variables of each layer:
    /// embedding, attention and MLP of each block, head. A tied head gets its own variable.
    pub(crate) fn variables(&self) -> Result<(Self, Vec<Vec<Var>>)> {
        fn var(group: &mut Vec<Var>, t: &Tensor) -> Result<Tensor> {
            let var = Var::from_tensor(&t.copy()?)?;
            let tensor = var.as_tensor().clone();
            group.push(var);
            Ok(tensor)
        }
        fn affine(group: &mut Vec<Var>, p: &Affine) -> Result<Affine> {
            let weight = var(group, &p.weight)?;
            let bias = p.bias.as_ref().map(|bias| var(group, bias));
            Ok(Affine {
                weight,
                bias: bias.transpose()?,
            })
        }
        let mut groups = Vec::new();
        let mut group = Vec::new();
        let wte = var(&mut group, &self.wte)?;
        let wpe = self.wpe.as_ref().map(|wpe| var(&mut group, wpe));
        let wpe = wpe.transpose()?;
        groups.push(std::mem::take(&mut group));
        let mut blocks = Vec::new();
        for b in &self.blocks {
            let [norm1, q, k, v, attn_out] =
                [&b.norm1, &b.q, &b.k, &b.v, &b.attn_out].map(|p| affine(&mut group, p));
            let norms = b.qk_norm.as_ref();
            let norms = norms.map(|both| both.each_ref().map(|p| affine(&mut group, p)));
            groups.push(std::mem::take(&mut group));
            let [norm2, fc, mlp_out] = [&b.norm2, &b.fc, &b.mlp_out].map(|p| affine(&mut group, p));
            let up = b.up.as_ref().map(|up| affine(&mut group, up));
            groups.push(std::mem::take(&mut group));
            blocks.push(Block {
                norm1: norm1?,
                q: q?,
                k: k?,
                qk_norm: match norms {
                    Some([queries, keys]) => Some([queries?, keys?]),
                    None => None,
                },
                v: v?,
                attn_out: attn_out?,
                norm2: norm2?,
                fc: fc?,
                up: up.transpose()?,
                mlp_out: mlp_out?,
            });
        }
        let last_norm = affine(&mut group, &self.last_norm)?;
        let head = var(&mut group, &self.head)?;
        groups.push(group);
        let params = Self {
            wte,
            wpe,
            blocks,
            last_norm,
            head,
        };
        Ok((params, groups))
    }
}

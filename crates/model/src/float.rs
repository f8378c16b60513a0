//! The float reference: the model as its checkpoint defines it, in `f32`.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor, Var, D};
use nanozk_executor::{Activation, Architecture};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::parts::{About, Checkpoint, Parts};
use crate::report::Op;
use crate::tokenizer::{check_tokens, Tokenizer};

/// An imported checkpoint: weights, configuration and tokenizer.
#[derive(Clone, Debug)]
pub struct FloatModel {
    about: About,
    pub(crate) params: Params,
}

/// LayerNorm gain and bias, matrix `[inputs][outputs]` and bias, for each half of each block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) ln1: [Tensor; 2],
    pub(crate) qkv: [Tensor; 2],
    pub(crate) attn_out: [Tensor; 2],
    pub(crate) ln2: [Tensor; 2],
    pub(crate) fc: [Tensor; 2],
    pub(crate) mlp_out: [Tensor; 2],
}

#[derive(Clone, Debug)]
pub(crate) struct Params {
    pub(crate) wte: Tensor,
    pub(crate) wpe: Tensor,
    pub(crate) blocks: Vec<Block>,
    pub(crate) ln_f: [Tensor; 2],
    /// `[vocab][width]`; the same storage as `wte` if tied.
    pub(crate) head: Tensor,
}

impl FloatModel {
    /// Imports a Hugging Face checkpoint folder of the GPT-2 family.
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
        let mut x = pass.embed(&params.wte, &params.wpe)?;
        for (l, block) in params.blocks.iter().enumerate() {
            x = pass.block(l, block, x, &mut ignore)?;
        }
        pass.head(&params.ln_f, &params.head, &x, &mut ignore)
    }
}

impl Parts for FloatModel {
    fn config(&self) -> &Config {
        &self.about.config
    }

    fn embedding(&self) -> Result<[Tensor; 2]> {
        Ok([self.params.wte.clone(), self.params.wpe.clone()])
    }

    fn block(&self, layer: usize) -> Result<Block> {
        Ok(self.params.blocks[layer].clone())
    }

    fn head(&self) -> Result<([Tensor; 2], Tensor)> {
        Ok((self.params.ln_f.clone(), self.params.head.clone()))
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
        })
    }

    fn norm(&self, x: &Tensor) -> Result<Tensor> {
        let centered = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centered.sqr()?.mean_keepdim(D::Minus1)?;
        Ok(centered.broadcast_div(&(variance + self.config.epsilon)?.sqrt()?)?)
    }

    /// The residual stream `[b·n][d]` before the first block.
    pub(crate) fn embed(&self, wte: &Tensor, wpe: &Tensor) -> Result<Tensor> {
        let (b, n, d) = (self.b, self.n, self.config.arch.width);
        Ok(wte
            .index_select(&self.ids, 0)?
            .reshape((b, n, d))?
            .broadcast_add(&wpe.narrow(0, 0, n)?)?
            .reshape((b * n, d))?)
    }

    /// The residual stream after block `layer`.
    pub(crate) fn block(
        &self,
        layer: usize,
        block: &Block,
        mut x: Tensor,
        record: &mut Record<'_>,
    ) -> Result<Tensor> {
        let (b, n) = (self.b, self.n);
        let Architecture {
            width: d, heads, ..
        } = self.config.arch;
        let c = d / heads;
        let split = |x: Tensor| -> Result<Tensor> {
            Ok(x.reshape((b, n, heads, c))?.transpose(1, 2)?.contiguous()?)
        };
        let h = self.norm(&x)?;
        record(Op::Norm1, &h)?;
        let qkv = linear(&affine(&h, &block.ln1)?, &block.qkv)?;
        let q = (qkv.narrow(1, 0, d)? / self.config.query_divisor(layer))?;
        let k = qkv.narrow(1, d, d)?;
        let v = qkv.narrow(1, 2 * d, d)?;
        record(Op::Query, &q)?;
        record(Op::Key, &k)?;
        record(Op::Value, &v)?;
        let (q, k, v) = (split(q)?, split(k)?, split(v)?);
        let scores = q.matmul(&k.transpose(2, 3)?.contiguous()?)?;
        record(Op::Score, &scores)?;
        let p = softmax(&scores.broadcast_add(&self.mask)?)?;
        record(Op::Probability, &p)?;
        let o = p
            .matmul(&v)?
            .transpose(1, 2)?
            .contiguous()?
            .reshape((b * n, d))?;
        record(Op::Context, &o)?;
        let y = linear(&o, &block.attn_out)?;
        record(Op::AttentionOut, &y)?;
        x = (x + y)?;
        let h = self.norm(&x)?;
        record(Op::Norm2, &h)?;
        let h = linear(&affine(&h, &block.ln2)?, &block.fc)?;
        record(Op::PreActivation, &h)?;
        let a = match self.config.activation {
            Activation::GeluNew => h.gelu()?,
            Activation::Gelu => h.gelu_erf()?,
            Activation::Relu => h.relu()?,
        };
        record(Op::Activation, &a)?;
        let y = linear(&a, &block.mlp_out)?;
        record(Op::MlpOut, &y)?;
        x = (x + y)?;
        record(Op::Residual, &x)?;
        Ok(x)
    }

    /// The logits `[b·n][vocab]`.
    pub(crate) fn head(
        &self,
        ln_f: &[Tensor; 2],
        head: &Tensor,
        x: &Tensor,
        record: &mut Record<'_>,
    ) -> Result<Tensor> {
        let h = self.norm(x)?;
        record(Op::FinalNorm, &h)?;
        let logits = affine(&h, ln_f)?.matmul(&head.t()?)?;
        record(Op::Logit, &logits)?;
        Ok(logits)
    }
}

fn affine(x: &Tensor, p: &[Tensor; 2]) -> Result<Tensor> {
    Ok(x.broadcast_mul(&p[0])?.broadcast_add(&p[1])?)
}

fn linear(x: &Tensor, p: &[Tensor; 2]) -> Result<Tensor> {
    Ok(x.matmul(&p[0])?.broadcast_add(&p[1])?)
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
        fn pair(group: &mut Vec<Var>, p: &[Tensor; 2]) -> Result<[Tensor; 2]> {
            Ok([var(group, &p[0])?, var(group, &p[1])?])
        }
        let mut groups = Vec::new();
        let mut group = Vec::new();
        let wte = var(&mut group, &self.wte)?;
        let wpe = var(&mut group, &self.wpe)?;
        groups.push(std::mem::take(&mut group));
        let mut blocks = Vec::new();
        for b in &self.blocks {
            let ln1 = pair(&mut group, &b.ln1)?;
            let qkv = pair(&mut group, &b.qkv)?;
            let attn_out = pair(&mut group, &b.attn_out)?;
            groups.push(std::mem::take(&mut group));
            let ln2 = pair(&mut group, &b.ln2)?;
            let fc = pair(&mut group, &b.fc)?;
            let mlp_out = pair(&mut group, &b.mlp_out)?;
            groups.push(std::mem::take(&mut group));
            blocks.push(Block {
                ln1,
                qkv,
                attn_out,
                ln2,
                fc,
                mlp_out,
            });
        }
        let ln_f = pair(&mut group, &self.ln_f)?;
        let head = var(&mut group, &self.head)?;
        groups.push(group);
        Ok((
            Self {
                wte,
                wpe,
                blocks,
                ln_f,
                head,
            },
            groups,
        ))
    }
}

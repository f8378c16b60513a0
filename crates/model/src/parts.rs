//! Float weights, a part at a time.

use std::path::{Path, PathBuf};

use candle_core::Tensor;
use nanozk_executor::{MlpKind, Norm};

use crate::checkpoint::{Shards, Weights};
use crate::config::{Config, Family};
use crate::error::{Error, Result};
use crate::float::{Affine, Block, FloatModel, Params, longest_window, to_vec};
use crate::tokenizer::Tokenizer;
use crate::{generation, source, tokenizer_files};

/// What gives the parts of a model.
pub(crate) trait Parts: Sync {
    /// What `config.json` says.
    fn config(&self) -> &Config;
    /// The embedding of tokens, and of positions if they have one.
    fn embedding(&self) -> Result<(Tensor, Option<Tensor>)>;
    /// A block.
    fn block(&self, layer: usize) -> Result<Block>;
    /// The last normalization, and the vocabulary projection `[vocab][width]`.
    fn head(&self) -> Result<(Affine, Tensor)>;
}

/// What a folder says beside the weights.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) config: Config,
    pub(crate) tokenizer: Tokenizer,
    /// Tokens after which generation stops.
    pub(crate) stop: Vec<u32>,
    /// What is not applied, or is read in another way than the files say.
    pub(crate) notes: Vec<String>,
    /// Configuration files and weights.
    pub(crate) files: Vec<PathBuf>,
}

/// A checkpoint on disk. Its weights are read when they are needed, and not kept.
#[derive(Debug)]
pub struct Checkpoint {
    about: About,
    shards: Shards,
}

impl Checkpoint {
    /// Opens a Hugging Face checkpoint folder: reads configuration and tokenizer, and checks that
    /// all tensors are there.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("config.json");
        let json = source::read_json(&path)?;
        let config = Config::from_json(&json)?;
        let mut notes = config.notes(&json);
        let mut files = vec![path];
        let path = dir.join("generation_config.json");
        let generation: Option<serde_json::Value> = source::read_json_if_present(&path)?;
        files.extend(generation.is_some().then_some(path));
        let vocab = config.arch.vocab;
        let default = config.default_stop;
        let stop = generation::stop_tokens(&json, generation.as_ref(), vocab, default, &mut notes)?;
        let tokenizer = tokenizer_files::load(dir, vocab, &mut notes)?;
        let shards = Shards::load(dir)?;
        files.extend(shards.files().map(Path::to_owned));
        notes.extend(shards.notes().iter().cloned());
        let mut checkpoint = Self {
            about: About {
                config,
                tokenizer,
                stop,
                notes,
                files,
            },
            shards,
        };
        let found = checkpoint.check()?;
        checkpoint.about.notes.extend(found);
        Ok(checkpoint)
    }

    /// Refuses what cannot be read, and says what is not.
    fn check(&self) -> Result<Vec<String>> {
        let weights = self.weights()?;
        let Ends {
            tokens,
            positions,
            norm,
        } = self.ends();
        let blocks = (0..self.config().arch.layers).flat_map(|l| self.parts(l));
        let ends = [tokens, norm].into_iter().chain(positions);
        for part in ends.chain(blocks) {
            part.check(&weights)?;
        }
        if weights.has_head() || !self.config().tied {
            weights.check_head(&self.embedding_shape())?;
        }
        Ok(weights.notes())
    }

    fn weights(&self) -> Result<Weights<'_>> {
        let place = match self.config().family {
            Family::Gpt2 => "transformer",
            Family::Llama => "model",
        };
        self.shards.open(place, &self.ends().tokens.name)
    }

    fn ends(&self) -> Ends {
        let arch = self.config().arch;
        let vectors = |name: &str, rows| Part::new(name.into(), vec![rows, arch.width], None);
        match self.config().family {
            Family::Gpt2 => Ends {
                tokens: vectors("wte.weight", arch.vocab),
                positions: Some(vectors("wpe.weight", arch.context)),
                norm: self.norm("ln_f".into()),
            },
            Family::Llama => Ends {
                tokens: vectors("embed_tokens.weight", arch.vocab),
                positions: None,
                norm: self.norm("norm".into()),
            },
        }
    }

    fn norm(&self, name: String) -> Part {
        let has_bias = self.config().norm == Norm::LayerNorm;
        Part::of(name, vec![self.config().arch.width], has_bias)
    }

    /// Names and shapes of a block's normalizations and matrices, in the order of their use.
    fn parts(&self, layer: usize) -> Vec<Part> {
        let config = self.config();
        let (d, f) = (config.arch.width, config.arch.mlp_width);
        let (q, kv) = (config.arch.query_width(), config.arch.kv_width());
        match config.family {
            Family::Gpt2 => {
                let name = |name: &str| format!("h.{layer}.{name}");
                let matrix = |own: &str, shape| Part::of(name(own), shape, true);
                vec![
                    self.norm(name("ln_1")),
                    matrix("attn.c_attn", vec![d, 3 * d]),
                    matrix("attn.c_proj", vec![d, d]),
                    self.norm(name("ln_2")),
                    matrix("mlp.c_fc", vec![d, f]),
                    matrix("mlp.c_proj", vec![f, d]),
                ]
            }
            Family::Llama => {
                let name = |name: &str| format!("layers.{layer}.{name}");
                // Outputs come first.
                let matrix = |own: &str, inputs, outputs, bias| {
                    Part::of(name(own), vec![outputs, inputs], bias).transposed()
                };
                let biases = config.biases;
                let gains = |own: &str| Part::of(name(own), vec![config.arch.head_width], false);
                let norms = ["self_attn.q_norm", "self_attn.k_norm"].map(gains);
                let mut parts = vec![
                    self.norm(name("input_layernorm")),
                    matrix("self_attn.q_proj", d, q, biases.qkv),
                    matrix("self_attn.k_proj", d, kv, biases.qkv),
                    matrix("self_attn.v_proj", d, kv, biases.qkv),
                ];
                parts.extend(norms.into_iter().filter(|_| config.arch.qk_norm));
                parts.extend([
                    matrix("self_attn.o_proj", q, d, biases.out),
                    self.norm(name("post_attention_layernorm")),
                    matrix("mlp.gate_proj", d, f, biases.mlp),
                    matrix("mlp.up_proj", d, f, biases.mlp),
                    matrix("mlp.down_proj", f, d, biases.mlp),
                ]);
                parts
            }
        }
    }

    /// What `config.json` says.
    pub fn config(&self) -> &Config {
        &self.about.config
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.about.tokenizer
    }

    /// Tokens after which generation stops.
    pub fn stop_tokens(&self) -> &[u32] {
        &self.about.stop
    }

    /// What the checkpoint has that is not applied, or is read in another way than its files say.
    pub fn notes(&self) -> &[String] {
        &self.about.notes
    }

    /// The configuration files and weights that are read. The tokenizer's file is [`Tokenizer::json`].
    pub fn files(&self) -> &[PathBuf] {
        &self.about.files
    }

    /// Consecutive windows of a text, of `length` tokens or [`FloatModel::window`]; the last partial one is dropped.
    pub fn windows(&self, text: &str, length: Option<usize>) -> Result<Vec<Vec<u32>>> {
        let length = length.unwrap_or_else(|| longest_window(self.config()));
        self.about.tokenizer.windows(text, length)
    }

    /// Reads all weights.
    pub fn load(self) -> Result<FloatModel> {
        let (wte, wpe) = self.embedding()?;
        let blocks = (0..self.config().arch.layers)
            .map(|l| self.block(l))
            .collect::<Result<_>>()?;
        let weights = self.weights()?;
        let last_norm = self.ends().norm.load(&weights)?;
        let head = if self.config().tied {
            wte.clone()
        } else {
            weights.head(&self.embedding_shape())?
        };
        let params = Params {
            wte,
            wpe,
            blocks,
            last_norm,
            head,
        };
        Ok(FloatModel::new(self.about, params))
    }

    fn embedding_shape(&self) -> [usize; 2] {
        [self.config().arch.vocab, self.config().arch.width]
    }
}

/// What is in no block: embeddings of tokens, and of positions if they have one; the last normalization.
struct Ends {
    tokens: Part,
    positions: Option<Part>,
    norm: Part,
}

/// A tensor of a checkpoint, and the bias beside it.
struct Part {
    name: String,
    shape: Vec<usize>,
    bias: Option<String>,
    is_transposed: bool,
}

impl Part {
    fn new(name: String, shape: Vec<usize>, bias: Option<String>) -> Self {
        Self {
            name,
            shape,
            bias,
            is_transposed: false,
        }
    }

    /// A module with a weight, and perhaps a bias.
    fn of(module: String, shape: Vec<usize>, has_bias: bool) -> Self {
        let bias = has_bias.then(|| format!("{module}.bias"));
        Self::new(format!("{module}.weight"), shape, bias)
    }

    /// Whose first axis is that of the outputs.
    fn transposed(self) -> Self {
        Self {
            is_transposed: true,
            ..self
        }
    }

    /// Length of the bias.
    fn outputs(&self) -> &[usize] {
        match self.is_transposed {
            true => &self.shape[..1],
            false => &self.shape[self.shape.len() - 1..],
        }
    }

    fn check(&self, weights: &Weights<'_>) -> Result<()> {
        weights.check(&self.name, &self.shape)?;
        match &self.bias {
            Some(bias) => weights.check(bias, self.outputs()),
            None => Ok(()),
        }
    }

    fn load(&self, weights: &Weights<'_>) -> Result<Affine> {
        let weight = weights.tensor(&self.name, &self.shape)?;
        let bias = self.bias.as_ref();
        Ok(Affine {
            weight: match self.is_transposed {
                true => weight.t()?.contiguous()?,
                false => weight,
            },
            bias: bias
                .map(|bias| weights.tensor(bias, self.outputs()))
                .transpose()?,
        })
    }
}

impl Parts for Checkpoint {
    fn config(&self) -> &Config {
        &self.about.config
    }

    fn embedding(&self) -> Result<(Tensor, Option<Tensor>)> {
        let weights = self.weights()?;
        let ends = self.ends();
        let wte = ends.tokens.load(&weights)?.weight;
        let wpe = ends.positions.map(|part| part.load(&weights));
        let wpe = wpe.transpose()?;
        if self.config().tied && weights.has_head() {
            let head = to_vec(&weights.head(&self.embedding_shape())?)?;
            if let Some(index) = to_vec(&wte)?.iter().zip(&head).position(|(a, b)| a != b) {
                return Err(Error::TiedHeadDiffers { index });
            }
        }
        Ok((wte, wpe.map(|wpe| wpe.weight)))
    }

    fn block(&self, layer: usize) -> Result<Block> {
        let weights = self.weights()?;
        let loaded = self.parts(layer);
        let loaded = loaded.iter().map(|part| part.load(&weights));
        let mut loaded = loaded.collect::<Result<Vec<Affine>>>()?.into_iter();
        // As many as `parts` names.
        let mut next = || loaded.next().expect("all parts of a block");
        let norm1 = next();
        let [q, k, v] = match self.config().family {
            Family::Gpt2 => {
                let (all, d) = (next(), self.config().arch.width);
                [
                    all.columns(0, d)?,
                    all.columns(d, d)?,
                    all.columns(2 * d, d)?,
                ]
            }
            Family::Llama => [next(), next(), next()],
        };
        let qk_norm = self.config().arch.qk_norm.then(|| [next(), next()]);
        let (attn_out, norm2, fc) = (next(), next(), next());
        let gated = self.config().arch.mlp == MlpKind::Gated;
        Ok(Block {
            norm1,
            q,
            k,
            qk_norm,
            v,
            attn_out,
            norm2,
            fc,
            up: gated.then(&mut next),
            mlp_out: next(),
        })
    }

    fn head(&self) -> Result<(Affine, Tensor)> {
        let weights = self.weights()?;
        let ends = self.ends();
        let head = if self.config().tied {
            ends.tokens.load(&weights)?.weight
        } else {
            weights.head(&self.embedding_shape())?
        };
        Ok((ends.norm.load(&weights)?, head))
    }
}

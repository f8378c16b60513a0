//! Float weights, a part at a time.

use std::path::{Path, PathBuf};

use candle_core::Tensor;

use crate::checkpoint::{Shards, Weights};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::float::{longest_window, to_vec, Block, FloatModel, Params};
use crate::tokenizer::Tokenizer;
use crate::{generation, source, tokenizer_files};

/// What gives the parts of a model.
pub(crate) trait Parts: Sync {
    /// What `config.json` says.
    fn config(&self) -> &Config;
    /// Token and position embedding.
    fn embedding(&self) -> Result<[Tensor; 2]>;
    /// A block.
    fn block(&self, layer: usize) -> Result<Block>;
    /// Gain and bias of the last LayerNorm, and the vocabulary projection `[vocab][width]`.
    fn head(&self) -> Result<([Tensor; 2], Tensor)>;
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
    /// Opens a Hugging Face checkpoint folder of the GPT-2 family: reads configuration and tokenizer, and checks that
    /// all tensors are there.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("config.json");
        let json = source::read_json(&path)?;
        let config = Config::from_json(&json)?;
        let mut notes = Vec::new();
        let mut files = vec![path];
        let path = dir.join("generation_config.json");
        let generation: Option<serde_json::Value> = source::read_json_if_present(&path)?;
        files.extend(generation.is_some().then_some(path));
        let vocab = config.arch.vocab;
        let stop = generation::stop_tokens(&json, generation.as_ref(), vocab, &mut notes)?;
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
        let (arch, weights) = (self.config().arch, self.shards.open()?);
        let d = arch.width;
        weights.check("wte.weight", &[arch.vocab, d])?;
        weights.check("wpe.weight", &[arch.context, d])?;
        for l in 0..arch.layers {
            for (name, shape) in self.pairs(l) {
                weights.check(&format!("{name}.weight"), &shape)?;
                weights.check(&format!("{name}.bias"), &shape[shape.len() - 1..])?;
            }
        }
        weights.check("ln_f.weight", &[d])?;
        weights.check("ln_f.bias", &[d])?;
        if weights.has_head() || !self.config().tied {
            weights.check_head(&[arch.vocab, d])?;
        }
        Ok(weights.notes())
    }

    /// Names and shapes of a block's matrices and gains, each of which has a bias.
    fn pairs(&self, layer: usize) -> [(String, Vec<usize>); 6] {
        let (d, f) = (self.config().arch.width, self.config().arch.mlp_width);
        [
            ("ln_1", vec![d]),
            ("attn.c_attn", vec![d, 3 * d]),
            ("attn.c_proj", vec![d, d]),
            ("ln_2", vec![d]),
            ("mlp.c_fc", vec![d, f]),
            ("mlp.c_proj", vec![f, d]),
        ]
        .map(|(name, shape)| (format!("h.{layer}.{name}"), shape))
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
        let [wte, wpe] = self.embedding()?;
        let blocks = (0..self.config().arch.layers)
            .map(|l| self.block(l))
            .collect::<Result<_>>()?;
        let weights = self.shards.open()?;
        let ln_f = self.final_norm(&weights)?;
        let head = if self.config().tied {
            wte.clone()
        } else {
            weights.head(&self.embedding_shape())?
        };
        let params = Params {
            wte,
            wpe,
            blocks,
            ln_f,
            head,
        };
        Ok(FloatModel::new(self.about, params))
    }

    fn embedding_shape(&self) -> [usize; 2] {
        [self.config().arch.vocab, self.config().arch.width]
    }

    fn final_norm(&self, weights: &Weights<'_>) -> Result<[Tensor; 2]> {
        let d = self.config().arch.width;
        Ok([
            weights.tensor("ln_f.weight", &[d])?,
            weights.tensor("ln_f.bias", &[d])?,
        ])
    }
}

impl Parts for Checkpoint {
    fn config(&self) -> &Config {
        &self.about.config
    }

    fn embedding(&self) -> Result<[Tensor; 2]> {
        let (arch, weights) = (self.config().arch, self.shards.open()?);
        let wte = weights.tensor("wte.weight", &self.embedding_shape())?;
        let wpe = weights.tensor("wpe.weight", &[arch.context, arch.width])?;
        if self.config().tied && weights.has_head() {
            let head = to_vec(&weights.head(&self.embedding_shape())?)?;
            if let Some(index) = to_vec(&wte)?.iter().zip(&head).position(|(a, b)| a != b) {
                return Err(Error::TiedHeadDiffers { index });
            }
        }
        Ok([wte, wpe])
    }

    fn block(&self, layer: usize) -> Result<Block> {
        let weights = self.shards.open()?;
        let pair = |(name, shape): &(String, Vec<usize>)| -> Result<[Tensor; 2]> {
            Ok([
                weights.tensor(&format!("{name}.weight"), shape)?,
                weights.tensor(&format!("{name}.bias"), &shape[shape.len() - 1..])?,
            ])
        };
        let [ln1, qkv, attn_out, ln2, fc, mlp_out] = &self.pairs(layer);
        Ok(Block {
            ln1: pair(ln1)?,
            qkv: pair(qkv)?,
            attn_out: pair(attn_out)?,
            ln2: pair(ln2)?,
            fc: pair(fc)?,
            mlp_out: pair(mlp_out)?,
        })
    }

    fn head(&self) -> Result<([Tensor; 2], Tensor)> {
        let weights = self.shards.open()?;
        let head = if self.config().tied {
            weights.tensor("wte.weight", &self.embedding_shape())?
        } else {
            weights.head(&self.embedding_shape())?
        };
        Ok((self.final_norm(&weights)?, head))
    }
}

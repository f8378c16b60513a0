//! The tiny trained models and random checkpoints in Hugging Face layout.
#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod pytorch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nanozk_executor::synthetic::Random;
use nanozk_model::FloatModel;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

pub(crate) fn models() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../test/models")
}

pub(crate) fn tiny() -> FloatModel {
    trained("tiny-gpt2")
}

pub(crate) fn trained(name: &str) -> FloatModel {
    FloatModel::load(&models().join(name)).unwrap()
}

pub(crate) fn json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(models().join(name)).unwrap()).unwrap()
}

pub(crate) fn text(name: &str) -> String {
    std::fs::read_to_string(models().join("texts").join(name)).unwrap()
}

/// A small random checkpoint in Hugging Face layout; the same for the same settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checkpoint {
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) layers: usize,
    pub(crate) inner: Option<usize>,
    pub(crate) vocab: usize,
    pub(crate) context: usize,
    pub(crate) activation: &'static str,
    pub(crate) tied: bool,
    pub(crate) prefix: bool,
    pub(crate) shards: usize,
    pub(crate) dtype: Dtype,
    pub(crate) seed: u64,
    /// `scale_attn_weights`.
    pub(crate) by_width: bool,
    /// `scale_attn_by_inverse_layer_idx`.
    pub(crate) by_layer: bool,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self {
            width: 16,
            heads: 2,
            layers: 2,
            inner: None,
            vocab: 257,
            context: 32,
            activation: "gelu_new",
            tied: true,
            prefix: true,
            shards: 1,
            dtype: Dtype::F32,
            seed: 1,
            by_width: true,
            by_layer: false,
        }
    }
}

pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

impl Checkpoint {
    /// The tensors by their name without prefix.
    pub(crate) fn tensors(&self) -> Tensors {
        let (d, f) = (self.width, self.inner.unwrap_or(4 * self.width));
        let mut random = Random::new(self.seed);
        let mut tensors = Tensors::new();
        let mut add = |name: String, shape: &[usize], mean: f32, deviation: f32| {
            let values = random.normals(shape.iter().product(), 1 << 16);
            let values = values
                .iter()
                .map(|&v| mean + deviation * v as f32 / 65_536.0);
            tensors.insert(name, (shape.to_vec(), values.collect()));
        };
        add("wte.weight".into(), &[self.vocab, d], 0.0, 0.3);
        add("wpe.weight".into(), &[self.context, d], 0.0, 0.1);
        let norms = (0..self.layers).flat_map(|l| [format!("h.{l}.ln_1"), format!("h.{l}.ln_2")]);
        for name in norms.chain(["ln_f".into()]) {
            add(format!("{name}.weight"), &[d], 1.0, 0.2);
            add(format!("{name}.bias"), &[d], 0.0, 0.1);
        }
        for l in 0..self.layers {
            for (name, inputs, outputs) in [
                ("attn.c_attn", d, 3 * d),
                ("attn.c_proj", d, d),
                ("mlp.c_fc", d, f),
                ("mlp.c_proj", f, d),
            ] {
                let deviation = (inputs as f32).sqrt().recip();
                add(
                    format!("h.{l}.{name}.weight"),
                    &[inputs, outputs],
                    0.0,
                    deviation,
                );
                add(format!("h.{l}.{name}.bias"), &[outputs], 0.0, 0.1);
            }
        }
        if !self.tied {
            add("lm_head.weight".into(), &[self.vocab, d], 0.0, 0.3);
        }
        tensors
    }

    pub(crate) fn config(&self) -> Value {
        json!({
            "model_type": "gpt2",
            "architectures": ["GPT2LMHeadModel"],
            "n_embd": self.width,
            "n_head": self.heads,
            "n_layer": self.layers,
            "n_inner": self.inner,
            "n_positions": self.context,
            "vocab_size": self.vocab,
            "activation_function": self.activation,
            "layer_norm_epsilon": 1e-5,
            "tie_word_embeddings": self.tied,
            "scale_attn_weights": self.by_width,
            "scale_attn_by_inverse_layer_idx": self.by_layer,
        })
    }

    pub(crate) fn write(&self, dir: &Path) {
        self.write_tensors(dir, &self.tensors());
    }

    pub(crate) fn write_tensors(&self, dir: &Path, tensors: &Tensors) {
        std::fs::write(dir.join("config.json"), self.config().to_string()).unwrap();
        std::fs::write(dir.join("tokenizer.json"), byte_tokenizer().to_string()).unwrap();
        let mut files = vec![Vec::new(); self.shards];
        let mut map = serde_json::Map::new();
        for (i, (name, (shape, values))) in tensors.iter().enumerate() {
            let prefix = if self.prefix && name != "lm_head.weight" {
                "transformer."
            } else {
                ""
            };
            let name = format!("{prefix}{name}");
            let bytes: Vec<u8> = match self.dtype {
                Dtype::F16 => values
                    .iter()
                    .flat_map(|&v| half::f16::from_f32(v).to_le_bytes())
                    .collect(),
                Dtype::BF16 => values
                    .iter()
                    .flat_map(|&v| half::bf16::from_f32(v).to_le_bytes())
                    .collect(),
                Dtype::F64 => values
                    .iter()
                    .flat_map(|&v| f64::from(v).to_le_bytes())
                    .collect(),
                _ => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            };
            let shard = i % self.shards;
            map.insert(name.clone(), json!(self.shard(shard)));
            files[shard].push((name, shape.clone(), bytes));
        }
        // What older checkpoints carry besides weights.
        let buffer = (
            "transformer.h.0.attn.bias".to_owned(),
            vec![1],
            vec![0; self.dtype.bitsize() / 8],
        );
        files[0].push(buffer);
        for (shard, tensors) in files.iter().enumerate() {
            let views = tensors.iter().map(|(name, shape, bytes)| {
                (
                    name.as_str(),
                    TensorView::new(self.dtype, shape.clone(), bytes).unwrap(),
                )
            });
            let bytes = safetensors::serialize(views, None).unwrap();
            std::fs::write(dir.join(self.shard(shard)), bytes).unwrap();
        }
        if self.shards > 1 {
            let index = json!({"metadata": {}, "weight_map": map});
            std::fs::write(dir.join("model.safetensors.index.json"), index.to_string()).unwrap();
        }
    }

    fn shard(&self, index: usize) -> String {
        match self.shards {
            1 => "model.safetensors".into(),
            n => format!("model-{:05}-of-{n:05}.safetensors", index + 1),
        }
    }

    pub(crate) fn load(&self) -> FloatModel {
        let dir = tempfile::tempdir().unwrap();
        self.write(dir.path());
        FloatModel::load(dir.path()).unwrap()
    }
}

/// A byte-level tokenizer: one token per byte.
pub(crate) fn byte_tokenizer() -> Value {
    let printable =
        |b: u32| (33..=126).contains(&b) || (161..=172).contains(&b) || (174..=255).contains(&b);
    let mut extra = 256;
    let mut vocab = serde_json::Map::new();
    for byte in 0..256 {
        let code = if printable(byte) {
            byte
        } else {
            extra += 1;
            extra - 1
        };
        vocab.insert(char::from_u32(code).unwrap().to_string(), json!(byte));
    }
    let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": level, "post_processor": null, "decoder": level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocab, "merges": []},
    })
}

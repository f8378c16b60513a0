//! Checkpoints of Llama's family that are malformed as they are in the wild: each is refused by an error that says what is
//! wrong, and where.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{byte_tokenizer, models};
use nanozk_model::FloatModel;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde_json::{Value, json};

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// A checkpoint that is about to be spoilt.
struct Folder {
    config: Value,
    tensors: Tensors,
    /// What is done to its files in the end.
    files: fn(&Path),
}

impl Folder {
    fn of(name: &str) -> Self {
        let path = models().join("variants").join(name);
        let read = |file: &str| std::fs::read(path.join(file)).unwrap();
        let bytes = read("model.safetensors");
        let found = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = found.iter().map(|(name, t)| {
            let tensor = (t.dtype(), t.shape().to_vec(), t.data().to_vec());
            (name.to_owned(), tensor)
        });
        Self {
            config: serde_json::from_slice(&read("config.json")).unwrap(),
            tensors: tensors.collect(),
            files: |_| (),
        }
    }

    /// Why it is not loaded.
    fn refused(&self) -> Option<String> {
        self.load().err().map(|e| e.to_string())
    }

    fn load(&self) -> nanozk_model::Result<FloatModel> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        let write = |name: &str, value: &Value| {
            std::fs::write(path.join(name), value.to_string()).unwrap();
        };
        write("config.json", &self.config);
        write("tokenizer.json", &byte_tokenizer());
        let views = self.tensors.iter().map(|(name, (dtype, shape, bytes))| {
            let view = TensorView::new(*dtype, shape.clone(), bytes).unwrap();
            (name.clone(), view)
        });
        let views: BTreeMap<String, TensorView<'_>> = views.collect();
        let file = path.join("model.safetensors");
        safetensors::serialize_to_file(views, None, &file).unwrap();
        (self.files)(path);
        FloatModel::load(path)
    }

    fn set(&mut self, name: &str, value: Value) {
        self.config[name] = value;
    }

    fn unset(&mut self, name: &str) {
        self.config.as_object_mut().unwrap().remove(name).unwrap();
    }

    fn tensor(&mut self, name: &str) -> &mut (Dtype, Vec<usize>, Vec<u8>) {
        self.tensors.get_mut(name).unwrap()
    }

    fn remove(&mut self, name: &str) {
        self.tensors.remove(name).unwrap();
    }

    /// Another shape, with zeros.
    fn shape(&mut self, name: &str, shape: &[usize]) {
        let count: usize = shape.iter().product();
        let tensor = self.tensor(name);
        *tensor = (Dtype::F32, shape.to_vec(), vec![0; 4 * count]);
    }

    fn number(&mut self, name: &str, at: usize, value: f32) {
        let bytes = &mut self.tensor(name).2;
        bytes[4 * at..4 * at + 4].copy_from_slice(&value.to_le_bytes());
    }
}

type Spoil = fn(&mut Folder);

const Q: &str = "model.layers.0.self_attn.q_proj.weight";
const K: &str = "model.layers.1.self_attn.k_proj.weight";
const GATE: &str = "model.layers.0.mlp.gate_proj.weight";
const NORM: &str = "model.layers.1.input_layernorm.weight";

/// What was done, of which family, and words of the error.
const CASES: &[(&str, &str, Spoil, &[&str])] = &[
    // Configurations.
    (
        "no width",
        "llama",
        |f| f.unset("hidden_size"),
        &["hidden_size"],
    ),
    (
        "a width of zero",
        "llama",
        |f| f.set("hidden_size", json!(0)),
        &["hidden_size"],
    ),
    (
        "a width in words",
        "llama",
        |f| f.set("hidden_size", json!("24")),
        &["hidden_size"],
    ),
    (
        "a negative width",
        "llama",
        |f| f.set("hidden_size", json!(-24)),
        &["hidden_size"],
    ),
    (
        "a fraction of a layer",
        "llama",
        |f| f.set("num_hidden_layers", json!(1.5)),
        &["num_hidden_layers"],
    ),
    (
        "no layers",
        "llama",
        |f| f.set("num_hidden_layers", json!(0)),
        &["num_hidden_layers"],
    ),
    (
        "more layers than weights",
        "llama",
        |f| f.set("num_hidden_layers", json!(3)),
        &["model.layers.2."],
    ),
    (
        "no heads",
        "llama",
        |f| f.set("num_attention_heads", json!(0)),
        &["num_attention_heads"],
    ),
    (
        "heads that share no keys evenly",
        "llama",
        |f| f.set("num_key_value_heads", json!(4)),
        &["num_key_value_heads"],
    ),
    (
        "more heads of keys than of queries",
        "llama",
        |f| f.set("num_key_value_heads", json!(12)),
        &["num_key_value_heads"],
    ),
    (
        "no heads of keys",
        "llama",
        |f| f.set("num_key_value_heads", json!(0)),
        &["num_key_value_heads"],
    ),
    (
        "heads of an odd width",
        "llama",
        |f| f.set("head_dim", json!(7)),
        &["head_dim"],
    ),
    (
        "heads of another width than their weights",
        "llama",
        |f| f.set("head_dim", json!(4)),
        &["q_proj"],
    ),
    (
        "no inner width",
        "llama",
        |f| f.unset("intermediate_size"),
        &["intermediate_size"],
    ),
    (
        "another inner width",
        "llama",
        |f| f.set("intermediate_size", json!(41)),
        &["mlp.", "41"],
    ),
    (
        "no positions",
        "llama",
        |f| f.set("max_position_embeddings", json!(0)),
        &["max_position_embeddings"],
    ),
    (
        "a negative epsilon",
        "llama",
        |f| f.set("rms_norm_eps", json!(-1e-6)),
        &["rms_norm_eps"],
    ),
    (
        "an epsilon of zero",
        "llama",
        |f| f.set("rms_norm_eps", json!(0)),
        &["rms_norm_eps"],
    ),
    (
        "a huge epsilon",
        "llama",
        |f| f.set("rms_norm_eps", json!(1e30)),
        &["rms_norm_eps"],
    ),
    (
        "no vocabulary",
        "llama",
        |f| f.unset("vocab_size"),
        &["vocab_size"],
    ),
    (
        "a vocabulary of one",
        "llama",
        |f| f.set("vocab_size", json!(1)),
        &["vocab"],
    ),
    (
        "a vocabulary that the embedding has not",
        "llama",
        |f| f.set("vocab_size", json!(300)),
        &["embed_tokens", "300"],
    ),
    (
        "an unknown activation",
        "llama",
        |f| f.set("hidden_act", json!("snake")),
        &["hidden_act", "snake"],
    ),
    (
        "a base of zero",
        "llama",
        |f| f.config["rope_parameters"]["rope_theta"] = json!(0),
        &["rope_theta"],
    ),
    (
        "a negative base",
        "llama",
        |f| f.config["rope_parameters"]["rope_theta"] = json!(-1e4),
        &["rope_theta"],
    ),
    (
        "a linear scaling without its factor",
        "llama",
        |f| {
            f.set(
                "rope_parameters",
                json!({"rope_type": "linear", "rope_theta": 1e4}),
            )
        },
        &["factor"],
    ),
    (
        "a scaling by zero",
        "llama",
        |f| {
            f.set(
                "rope_parameters",
                json!({"rope_type": "linear", "rope_theta": 1e4, "factor": 0}),
            )
        },
        &["factor"],
    ),
    (
        "Llama 3's scaling without its bounds",
        "llama",
        |f| {
            f.set(
                "rope_parameters",
                json!({"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0}),
            )
        },
        &["freq_factor"],
    ),
    (
        "a kind of scaling that nobody knows",
        "llama",
        |f| f.set("rope_parameters", json!({"rope_type": "spiral"})),
        &["rope_type", "spiral"],
    ),
    (
        "two scalings that differ",
        "llama",
        |f| f.set("rope_scaling", json!({"type": "linear", "factor": 2.0})),
        &["rope_scaling"],
    ),
    (
        "a tie in words",
        "llama",
        |f| f.set("tie_word_embeddings", json!("no")),
        &["tie_word_embeddings"],
    ),
    (
        "no family",
        "llama",
        |f| f.unset("model_type"),
        &["model_type"],
    ),
    (
        "a family that is none",
        "llama",
        |f| f.set("model_type", json!("lama")),
        &["model_type", "lama"],
    ),
    (
        "weights in four bits",
        "llama",
        |f| f.set("quantization_config", json!({"quant_method": "gptq"})),
        &["quantization_config"],
    ),
    (
        "a list for a configuration",
        "llama",
        |f| f.config = json!([]),
        &["config.json"],
    ),
    (
        "half a configuration",
        "llama",
        |f| {
            f.files =
                |d| std::fs::write(d.join("config.json"), "{\"model_type\": \"llama\",").unwrap()
        },
        &["config.json"],
    ),
    (
        "an empty configuration",
        "llama",
        |f| f.files = |d| std::fs::write(d.join("config.json"), "").unwrap(),
        &["config.json"],
    ),
    (
        "biases that are said and not there",
        "llama",
        |f| f.set("attention_bias", json!(true)),
        &["self_attn.", "bias"],
    ),
    // Tensors.
    ("no queries", "llama", |f| f.remove(Q), &[Q]),
    ("no norm", "llama", |f| f.remove(NORM), &[NORM]),
    (
        "no head, though it is untied",
        "llama",
        |f| f.remove("lm_head.weight"),
        &["lm_head.weight"],
    ),
    (
        "no embedding",
        "llama",
        |f| f.remove("model.embed_tokens.weight"),
        &["embed_tokens"],
    ),
    (
        "a norm of each head that is missing",
        "qwen3",
        |f| f.remove("model.layers.1.self_attn.q_norm.weight"),
        &["q_norm"],
    ),
    (
        "a norm of each head, of all features",
        "qwen3",
        |f| f.shape("model.layers.0.self_attn.k_norm.weight", &[16]),
        &["k_norm", "16"],
    ),
    (
        "queries that are transposed",
        "llama",
        |f| f.shape(Q, &[24, 48]),
        &[Q],
    ),
    (
        "keys of too many heads",
        "llama",
        |f| f.shape(K, &[48, 24]),
        &[K, "48"],
    ),
    (
        "a gate in one dimension",
        "llama",
        |f| f.shape(GATE, &[960]),
        &[GATE],
    ),
    (
        "a norm of another width",
        "llama",
        |f| f.shape(NORM, &[23]),
        &[NORM, "23"],
    ),
    (
        "a head of another vocabulary",
        "llama",
        |f| f.shape("lm_head.weight", &[100, 24]),
        &["lm_head.weight", "100"],
    ),
    (
        "a bias of another length",
        "qwen2",
        |f| f.shape("model.layers.0.self_attn.q_proj.bias", &[47]),
        &["q_proj.bias", "47"],
    ),
    (
        "a number that is none",
        "llama",
        |f| f.number(GATE, 17, f32::NAN),
        &[GATE],
    ),
    (
        "an infinite number",
        "llama",
        |f| f.number("model.norm.weight", 3, f32::INFINITY),
        &["model.norm.weight"],
    ),
    (
        "integers for weights",
        "llama",
        |f| f.tensor(Q).0 = Dtype::I32,
        &[Q],
    ),
    // Files.
    (
        "no weights",
        "llama",
        |f| f.files = |d| std::fs::remove_file(d.join("model.safetensors")).unwrap(),
        &["model.safetensors"],
    ),
    (
        "no bytes of weights",
        "llama",
        |f| f.files = |d| std::fs::write(d.join("model.safetensors"), "").unwrap(),
        &["model.safetensors"],
    ),
    (
        "half the weights",
        "llama",
        |f| f.files = |d| cut(&d.join("model.safetensors"), 2),
        &["model.safetensors"],
    ),
    (
        "a header that is cut",
        "llama",
        |f| f.files = |d| cut(&d.join("model.safetensors"), 1_000),
        &["model.safetensors"],
    ),
    (
        "a pointer for weights",
        "llama",
        |f| {
            f.files = |d| {
                std::fs::write(
                    d.join("model.safetensors"),
                    "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
                )
                .unwrap()
            }
        },
        &["Git LFS"],
    ),
    (
        "a page for weights",
        "llama",
        |f| {
            f.files = |d| {
                std::fs::write(
                    d.join("model.safetensors"),
                    "<!doctype html><title>Sign in</title>",
                )
                .unwrap()
            }
        },
        &["model.safetensors"],
    ),
    (
        "an index of files that are not there",
        "llama",
        |f| {
            f.files = |d| {
                std::fs::remove_file(d.join("model.safetensors")).unwrap();
                let index = json!({"weight_map": {Q: "model-00001-of-00002.safetensors"}});
                std::fs::write(d.join("model.safetensors.index.json"), index.to_string()).unwrap();
            }
        },
        &["model-00001-of-00002.safetensors"],
    ),
    (
        "an index of a tensor that its file has not",
        "llama",
        |f| {
            f.files = |d| {
                std::fs::rename(
                    d.join("model.safetensors"),
                    d.join("model-00001-of-00001.safetensors"),
                )
                .unwrap();
                let index =
                    json!({"weight_map": {"model.layers.7.a": "model-00001-of-00001.safetensors"}});
                std::fs::write(d.join("model.safetensors.index.json"), index.to_string()).unwrap();
            }
        },
        &["missing tensor", "embed_tokens"],
    ),
    (
        "no tokenizer",
        "llama",
        |f| f.files = |d| std::fs::remove_file(d.join("tokenizer.json")).unwrap(),
        &["tokenizer"],
    ),
    (
        "half a tokenizer",
        "llama",
        |f| f.files = |d| cut(&d.join("tokenizer.json"), 2),
        &["tokenizer.json"],
    ),
];

/// Leaves one part in `parts` of a file.
fn cut(path: &Path, parts: usize) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() / parts]).unwrap();
}

#[test]
fn whole_checkpoints_are_loaded() {
    for name in ["llama", "llama-biases", "mistral", "qwen2", "qwen3"] {
        assert_eq!(Folder::of(name).refused(), None, "{name}");
    }
}

#[test]
fn malformed_checkpoints_have_clear_errors() {
    let mut unclear = Vec::new();
    for (what, family, spoil, words) in CASES {
        let mut folder = Folder::of(family);
        spoil(&mut folder);
        let error = folder.refused();
        let is_clear = |error: &String| words.iter().all(|word| error.contains(word));
        if !error.as_ref().is_some_and(is_clear) {
            unclear.push(format!("{what}: {error:?} lacks {words:?}"));
        }
    }
    assert!(unclear.is_empty(), "{}", unclear.join("\n"));
}

/// What a checkpoint has and the model does not use is named: as in transformers, it changes nothing.
#[test]
fn what_is_not_used_is_named() {
    for (family, spoil, word) in [
        (
            "llama",
            (|f| f.set("num_hidden_layers", json!(1))) as Spoil,
            "`layers.1.",
        ),
        (
            "llama-biases",
            |f| f.set("attention_bias", json!(false)),
            "bias",
        ),
    ] {
        let mut folder = Folder::of(family);
        spoil(&mut folder);
        let notes = folder.load().unwrap().notes().join("\n");
        assert!(notes.contains(word), "{family}: {notes}");
    }
}

/// Both names of a scaling may be there if they say the same.
#[test]
fn two_names_of_one_scaling_agree() {
    let mut folder = Folder::of("llama-linear");
    let mut old = folder.config["rope_parameters"].clone();
    let all = old.as_object_mut().unwrap();
    let kind = all.remove("rope_type").unwrap();
    all.insert("type".into(), kind);
    all.remove("rope_theta");
    folder.set("rope_scaling", old);
    assert_eq!(folder.refused(), None);
    folder.config["rope_scaling"]["factor"] = json!(3.0);
    assert!(folder.refused().unwrap().contains("rope_scaling"));
}

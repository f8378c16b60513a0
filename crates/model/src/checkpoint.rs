//! Import of Hugging Face GPT-2 checkpoints: `config.json` and safetensors, whole or sharded.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use candle_core::safetensors::Load;
use candle_core::{DType, Device, Tensor};
use nanozk_executor::{Activation, Architecture};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::error::{Error, Result};

/// What `config.json` says, checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Dimensions.
    pub arch: Architecture,
    /// LayerNorm epsilon.
    pub epsilon: f64,
    /// Non-linearity of the MLP.
    pub activation: Activation,
    /// Whether the vocabulary projection is the token embedding.
    pub tied: bool,
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => Error::MissingFile {
            path: path.to_owned(),
        },
        _ => Error::Io {
            path: path.to_owned(),
            source,
        },
    })
}

fn read_json(path: &Path) -> Result<Value> {
    serde_json::from_slice(&read(path)?).map_err(|source| Error::Json {
        path: path.to_owned(),
        source,
    })
}

impl Config {
    /// Reads and checks `config.json`.
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_json(&read_json(path)?)
    }

    fn from_json(json: &Value) -> Result<Self> {
        const FAMILY: &str = "`gpt2`";
        let model_type = json.get("model_type").ok_or(Error::MissingOption {
            option: "model_type",
        })?;
        if model_type.as_str() != Some("gpt2") {
            return Err(Error::UnsupportedArchitecture {
                field: "model_type",
                expected: FAMILY,
                got: show(model_type),
            });
        }
        if let Some(list) = json.get("architectures").and_then(Value::as_array) {
            let known = |v: &Value| matches!(v.as_str(), Some("GPT2LMHeadModel" | "GPT2Model"));
            if let Some(other) = list.iter().find(|v| !known(v)) {
                return Err(Error::UnsupportedArchitecture {
                    field: "architectures",
                    expected: "`GPT2LMHeadModel`",
                    got: show(other),
                });
            }
        }
        for (option, required) in [
            ("scale_attn_by_inverse_layer_idx", false),
            ("add_cross_attention", false),
            ("scale_attn_weights", true),
        ] {
            match json.get(option) {
                None | Some(Value::Null) => {}
                Some(Value::Bool(b)) if *b == required => {}
                Some(other) => {
                    let expected = if required { "true" } else { "false" };
                    return Err(Error::UnsupportedOption {
                        option,
                        expected,
                        got: show(other),
                    });
                }
            }
        }
        if let Some(other) = json.get("quantization_config").filter(|v| !v.is_null()) {
            return Err(Error::UnsupportedOption {
                option: "quantization_config",
                expected: "absent (float weights)",
                got: show(other),
            });
        }
        let activation = match json
            .get("activation_function")
            .map(|v| v.as_str().unwrap_or(""))
        {
            None | Some("gelu_new" | "gelu_pytorch_tanh") => Activation::GeluNew,
            Some("gelu") => Activation::Gelu,
            Some("relu") => Activation::Relu,
            Some(_) => {
                return Err(Error::UnsupportedOption {
                    option: "activation_function",
                    expected: "gelu_new, gelu_pytorch_tanh, gelu or relu",
                    got: show(&json["activation_function"]),
                })
            }
        };
        let epsilon = match json.get("layer_norm_epsilon") {
            None => 1e-5,
            Some(v) => v.as_f64().filter(|e| *e > 0.0 && *e < 1.0).ok_or_else(|| {
                Error::UnsupportedOption {
                    option: "layer_norm_epsilon",
                    expected: "a number between 0 and 1",
                    got: show(v),
                }
            })?,
        };
        let width = dimension(json, "n_embd")?;
        let heads = dimension(json, "n_head")?;
        if width % heads != 0 {
            return Err(Error::HeadsDoNotDivideWidth { heads, width });
        }
        let mlp_width = match json.get("n_inner") {
            None | Some(Value::Null) => 4 * width,
            Some(_) => dimension(json, "n_inner")?,
        };
        let tied = match json.get("tie_word_embeddings") {
            None | Some(Value::Null) => true,
            Some(v) => v.as_bool().ok_or_else(|| Error::UnsupportedOption {
                option: "tie_word_embeddings",
                expected: "true or false",
                got: show(v),
            })?,
        };
        let arch = Architecture {
            layers: dimension(json, "n_layer")?,
            width,
            heads,
            mlp_width,
            vocab: dimension(json, "vocab_size")?,
            context: dimension(json, "n_positions")?,
        };
        Ok(Self {
            arch,
            epsilon,
            activation,
            tied,
        })
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

/// A dimension: a positive integer small enough that no product of two overflows.
fn dimension(json: &Value, option: &'static str) -> Result<usize> {
    let value = json.get(option).ok_or(Error::MissingOption { option })?;
    value
        .as_u64()
        .filter(|v| (1..=1 << 24).contains(v))
        .map(|v| v as usize)
        .ok_or_else(|| Error::UnsupportedOption {
            option,
            expected: "an integer from 1 to 2^24",
            got: show(value),
        })
}

/// The safetensors files of a folder and where each tensor is.
pub(crate) struct Shards {
    files: Vec<(PathBuf, Vec<u8>)>,
    /// Tensor name to index in `files`; empty if there is only one file.
    map: BTreeMap<String, usize>,
}

impl Shards {
    pub(crate) fn load(dir: &Path) -> Result<Self> {
        let single = dir.join("model.safetensors");
        let index = dir.join("model.safetensors.index.json");
        if single.exists() || !index.exists() {
            return Ok(Self {
                files: vec![(single.clone(), read(&single)?)],
                map: BTreeMap::new(),
            });
        }
        let invalid = |reason: String| Error::Malformed {
            path: index.clone(),
            reason,
        };
        let json = read_json(&index)?;
        let weight_map = json
            .get("weight_map")
            .and_then(Value::as_object)
            .ok_or_else(|| invalid("expected an object `weight_map`".into()))?;
        let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
        let mut map = BTreeMap::new();
        for (name, file) in weight_map {
            let file = file
                .as_str()
                .ok_or_else(|| invalid(format!("`{name}`: expected a file name, got {file}")))?;
            if Path::new(file).components().count() != 1 || file.starts_with('.') {
                return Err(invalid(format!(
                    "`{name}`: expected a file in the same folder, got `{file}`"
                )));
            }
            let path = dir.join(file);
            let at = match files.iter().position(|(p, _)| *p == path) {
                Some(at) => at,
                None => {
                    let bytes = read(&path)?;
                    files.push((path, bytes));
                    files.len() - 1
                }
            };
            map.insert(name.clone(), at);
        }
        Ok(Self { files, map })
    }

    pub(crate) fn open(&self) -> Result<Weights<'_>> {
        let files = self
            .files
            .iter()
            .map(|(path, bytes)| parse(path, bytes))
            .collect::<Result<Vec<_>>>()?;
        let mut weights = Weights {
            files,
            map: &self.map,
            prefix: "",
        };
        if weights.contains("transformer.wte.weight") {
            weights.prefix = "transformer.";
        }
        Ok(weights)
    }
}

/// Parses a safetensors file, telling truncation from a wrong header.
pub(crate) fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes).map_err(|e| {
        let got = bytes.len() as u64;
        match announced(bytes) {
            Some(expected) if expected > got => Error::Truncated {
                path: path.to_owned(),
                expected,
                got,
            },
            _ => Error::Malformed {
                path: path.to_owned(),
                reason: e.to_string(),
            },
        }
    })
}

/// Bytes a safetensors header announces, as far as it can be read.
fn announced(bytes: &[u8]) -> Option<u64> {
    let Some(length) = bytes.first_chunk::<8>() else {
        return Some(8);
    };
    let header = u64::from_le_bytes(*length)
        .checked_add(8)
        .filter(|h| *h <= 100_000_008)?;
    let Some(json) = bytes.get(8..header as usize) else {
        return Some(header);
    };
    let json: HashMap<String, Value> = serde_json::from_slice(json).ok()?;
    let end = json
        .values()
        .filter_map(|v| v.get("data_offsets")?.get(1)?.as_u64())
        .max()?;
    header.checked_add(end)
}

pub(crate) struct Weights<'a> {
    files: Vec<SafeTensors<'a>>,
    map: &'a BTreeMap<String, usize>,
    prefix: &'static str,
}

impl<'a> Weights<'a> {
    fn file(&self, name: &str) -> Option<&SafeTensors<'a>> {
        if self.map.is_empty() {
            self.files.first()
        } else {
            self.files.get(*self.map.get(name)?)
        }
    }

    fn contains(&self, name: &str) -> bool {
        self.file(name).is_some_and(|f| f.tensor(name).is_ok())
    }

    /// A tensor of the transformer, whose names may have a prefix.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.get(format!("{}{name}", self.prefix), shape)
    }

    /// The vocabulary projection of an untied model.
    pub(crate) fn head(&self, shape: &[usize]) -> Result<Tensor> {
        self.get("lm_head.weight".into(), shape)
    }

    pub(crate) fn has_head(&self) -> bool {
        self.contains("lm_head.weight")
    }

    fn get(&self, name: String, shape: &[usize]) -> Result<Tensor> {
        let view = self.file(&name).and_then(|f| f.tensor(&name).ok());
        let Some(view) = view else {
            return Err(Error::MissingTensor { name });
        };
        if view.shape() != shape {
            return Err(Error::Shape {
                name,
                expected: shape.to_vec(),
                got: view.shape().to_vec(),
            });
        }
        if !matches!(view.dtype(), Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            return Err(Error::Dtype {
                name,
                expected: "F32, F16 or BF16",
                got: format!("{:?}", view.dtype()),
            });
        }
        let tensor = view.load(&Device::Cpu)?.to_dtype(DType::F32)?;
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::NonFinite {
                name,
                index,
                value: values[index],
            });
        }
        Ok(tensor)
    }
}

//! Import of Hugging Face GPT-2 checkpoints: `config.json` and safetensors, whole or sharded.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use candle_core::safetensors::Load;
use candle_core::{DType, Device, Tensor};
use nanozk_executor::{Activation, Architecture};
use safetensors::tensor::{TensorInfo, TensorView};
use safetensors::Dtype;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::tensors::TensorFile;

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

    /// What the queries of a block are divided by: attention scores are divided by it, and queries carry that.
    pub fn query_divisor(&self, _layer: usize) -> f64 {
        ((self.arch.width / self.arch.heads) as f64).sqrt()
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
#[derive(Debug)]
pub(crate) struct Shards {
    files: Vec<TensorFile>,
    /// Tensor name to index in `files`; empty if there is only one file.
    map: BTreeMap<String, usize>,
}

impl Shards {
    pub(crate) fn load(dir: &Path) -> Result<Self> {
        let single = dir.join("model.safetensors");
        let index = dir.join("model.safetensors.index.json");
        if single.exists() || !index.exists() {
            return Ok(Self {
                files: vec![TensorFile::open(&single)?],
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
        let mut paths: Vec<PathBuf> = Vec::new();
        let mut files = Vec::new();
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
            let at = match paths.iter().position(|p| *p == path) {
                Some(at) => at,
                None => {
                    files.push(TensorFile::open(&path)?);
                    paths.push(path);
                    files.len() - 1
                }
            };
            map.insert(name.clone(), at);
        }
        Ok(Self { files, map })
    }

    pub(crate) fn open(&self) -> Weights<'_> {
        let mut weights = Weights {
            files: &self.files,
            map: &self.map,
            prefix: "",
        };
        if weights.contains("transformer.wte.weight") {
            weights.prefix = "transformer.";
        }
        weights
    }
}

/// Bytes a safetensors header announces, as far as it can be read.
pub(crate) fn announced(bytes: &[u8]) -> Option<u64> {
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
    files: &'a [TensorFile],
    map: &'a BTreeMap<String, usize>,
    prefix: &'static str,
}

impl<'a> Weights<'a> {
    fn file(&self, name: &str) -> Option<&'a TensorFile> {
        if self.map.is_empty() {
            self.files.first()
        } else {
            self.files.get(*self.map.get(name)?)
        }
    }

    fn contains(&self, name: &str) -> bool {
        self.file(name).is_some_and(|f| f.info(name).is_some())
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

    /// Refuses a tensor that is missing, of another shape, or of elements that cannot be read; reads no data.
    pub(crate) fn check(&self, name: &str, shape: &[usize]) -> Result<()> {
        self.find(&format!("{}{name}", self.prefix), shape)?;
        Ok(())
    }

    /// Like [`Self::check`], of the vocabulary projection.
    pub(crate) fn check_head(&self, shape: &[usize]) -> Result<()> {
        self.find("lm_head.weight", shape)?;
        Ok(())
    }

    fn find(&self, name: &str, shape: &[usize]) -> Result<(&'a TensorFile, &'a TensorInfo)> {
        let file = self.file(name);
        let Some((file, info)) = file.and_then(|f| Some((f, f.info(name)?))) else {
            return Err(Error::MissingTensor { name: name.into() });
        };
        if info.shape != shape {
            return Err(Error::Shape {
                name: name.into(),
                expected: shape.to_vec(),
                got: info.shape.clone(),
            });
        }
        if !matches!(info.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            return Err(Error::Dtype {
                name: name.into(),
                expected: "F32, F16 or BF16",
                got: format!("{:?}", info.dtype),
            });
        }
        Ok((file, info))
    }

    fn get(&self, name: String, shape: &[usize]) -> Result<Tensor> {
        let (file, info) = self.find(&name, shape)?;
        let bytes = file.read(info)?;
        let view = TensorView::new(info.dtype, info.shape.clone(), &bytes)
            .map_err(candle_core::Error::from)?;
        let tensor = view.load(&Device::Cpu)?.to_dtype(DType::F32)?;
        drop(bytes);
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

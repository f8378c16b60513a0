//! `config.json` of the GPT-2 family: what it says about the function, all of it implemented or refused by name.
//! `docs/models.md` has the table.

use std::path::Path;

use nanozk_executor::{Activation, Architecture};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::source;

const FILE: &str = "config.json";

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
    /// Whether scores are divided by the square root of the head width.
    pub scale_by_width: bool,
    /// Whether scores of block `l` are divided by `l + 1`.
    pub scale_by_layer: bool,
}

/// Classes whose function from tokens to logits is that of `GPT2LMHeadModel`.
const CLASSES: [&str; 3] = ["GPT2LMHeadModel", "GPT2Model", "GPT2DoubleHeadsModel"];

/// Keys that must be absent, null or `false`, empty or zero: each would make another function.
const REFUSED: [(&str, &str); 8] = [
    ("add_cross_attention", "false: there is no encoder to attend to"),
    ("is_encoder_decoder", "false: there is no encoder"),
    ("cross_attention_hidden_size", "absent: there is no encoder"),
    ("tie_encoder_decoder", "false: there is no encoder"),
    ("pruned_heads", "empty: save the model after pruning with fewer heads of its own"),
    ("quantization_config", "absent (float weights): save the model dequantized"),
    (
        "auto_map",
        "absent: with code of its own a checkpoint computes what that code says. If its weights are those of a plain \
         GPT-2, remove `auto_map`",
    ),
    ("adapters", "absent: merge adapters into the weights first"),
];

impl Config {
    /// Reads and checks `config.json`.
    pub fn load(path: &Path) -> Result<Self> {
        Self::from_json(&source::read_json(path)?)
    }

    /// The configuration in the JSON of a `config.json`.
    pub fn from_json(json: &Value) -> Result<Self> {
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
        match json.get("architectures") {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => {
                let known = |v: &Value| v.as_str().is_some_and(|s| CLASSES.contains(&s));
                if let Some(other) = list.iter().find(|v| !known(v)) {
                    return Err(Error::UnsupportedArchitecture {
                        field: "architectures",
                        expected: "GPT2LMHeadModel, GPT2Model or GPT2DoubleHeadsModel: a model that predicts the next token",
                        got: show(other),
                    });
                }
            }
            Some(other) => return Err(refuse("architectures", "a list of names", other)),
        }
        for (option, expected) in REFUSED {
            if let Some(value) = json.get(option).filter(|v| !is_nothing(v)) {
                return Err(refuse(option, expected, value));
            }
        }
        let width = dimension(json, &["n_embd", "hidden_size"])?;
        let heads = dimension(json, &["n_head", "num_attention_heads"])?;
        if !width.is_multiple_of(heads) {
            return Err(Error::HeadsDoNotDivideWidth { heads, width });
        }
        let mlp_width = match json.get("n_inner") {
            None | Some(Value::Null) => 4 * width,
            Some(_) => dimension(json, &["n_inner"])?,
        };
        let arch = Gpt2 {
            layers: dimension(json, &["n_layer", "num_hidden_layers"])?,
            width,
            heads,
            mlp_width,
            vocab: dimension(json, &["vocab_size"])?,
            context: context(json)?,
        }
        .architecture();
        // `reorder_and_upcast_attn` only says in which precision and order the same function is computed.
        flag(json, "reorder_and_upcast_attn", false)?;
        Ok(Self {
            arch,
            epsilon: epsilon(json)?,
            activation: activation(json)?,
            tied: flag(json, "tie_word_embeddings", true)?,
            scale_by_width: flag(json, "scale_attn_weights", true)?,
            scale_by_layer: flag(json, "scale_attn_by_inverse_layer_idx", false)?,
        })
    }

    /// What the queries of a block are divided by: attention scores are divided by it, and queries carry that.
    pub fn query_divisor(&self, layer: usize) -> f64 {
        let mut divisor = 1.0;
        if self.scale_by_width {
            divisor *= ((self.arch.width / self.arch.heads) as f64).sqrt();
        }
        if self.scale_by_layer {
            divisor *= (layer + 1) as f64;
        }
        divisor
    }
}

/// The activations that are one of the three functions of the arithmetic, by all their names in transformers.
fn activation(json: &Value) -> Result<Activation> {
    let Some(value) = json.get("activation_function") else {
        return Ok(Activation::GeluNew);
    };
    match value.as_str() {
        Some("gelu_new" | "gelu_fast" | "gelu_accurate" | "gelu_pytorch_tanh" | "gelu_python_tanh") => {
            Ok(Activation::GeluNew)
        }
        Some("gelu" | "gelu_python") => Ok(Activation::Gelu),
        Some("relu") => Ok(Activation::Relu),
        _ => Err(refuse(
            "activation_function",
            "gelu_new (also called gelu_fast, gelu_accurate, gelu_pytorch_tanh, gelu_python_tanh), gelu (gelu_python) or relu",
            value,
        )),
    }
}

fn epsilon(json: &Value) -> Result<f64> {
    match json.get("layer_norm_epsilon") {
        None => Ok(1e-5),
        Some(v) => v
            .as_f64()
            .filter(|e| *e > 0.0 && *e < 1.0)
            .ok_or_else(|| refuse("layer_norm_epsilon", "a number between 0 and 1", v)),
    }
}

/// Positions of the model. `n_ctx` is an older name, which newer configurations repeat.
fn context(json: &Value) -> Result<usize> {
    let names = ["n_positions", "max_position_embeddings"];
    if names
        .iter()
        .all(|n| json.get(*n).is_none_or(Value::is_null))
    {
        return dimension(json, &["n_ctx"]).map_err(|e| match e {
            Error::MissingOption { .. } => Error::MissingOption {
                option: "n_positions",
            },
            e => e,
        });
    }
    dimension(json, &names)
}

fn flag(json: &Value, option: &'static str, default: bool) -> Result<bool> {
    match json.get(option) {
        None | Some(Value::Null) => Ok(default),
        Some(v) => v
            .as_bool()
            .ok_or_else(|| refuse(option, "true or false", v)),
    }
}

fn refuse(option: &'static str, expected: &'static str, value: &Value) -> Error {
    Error::UnsupportedOption {
        file: FILE,
        option,
        expected,
        got: show(value),
    }
}

/// Null, false, zero, and what is empty say nothing.
pub(crate) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::String(s) => s.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
    }
}

/// A value as a message shows it.
pub(crate) fn show(value: &Value) -> String {
    const LONGEST: usize = 100;
    let text = match value {
        Value::String(s) => s.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A dimension, under any of its names: a positive integer small enough that no product of two overflows.
fn dimension(json: &Value, names: &[&'static str]) -> Result<usize> {
    let mut found: Option<(&'static str, usize)> = None;
    for &option in names {
        let Some(value) = json.get(option) else {
            continue;
        };
        let size = value
            .as_u64()
            .filter(|v| (1..=1 << 24).contains(v))
            .map(|v| v as usize)
            .ok_or_else(|| refuse(option, "an integer from 1 to 2^24", value))?;
        if let Some((other, first)) = found.filter(|(_, first)| *first != size) {
            return Err(Error::Contradiction {
                file: FILE,
                first: format!("`{other}` = {first}"),
                second: format!("`{option}` = {size}"),
            });
        }
        found = Some((option, size));
    }
    found
        .map(|(_, size)| size)
        .ok_or(Error::MissingOption { option: names[0] })
}

//! `config.json`: what it says about the function, all of it implemented or refused by name. `docs/models.md` has the table.

mod gpt2;
mod llama;
mod rope;

use std::path::Path;

use nanozk_executor::{Activation, Architecture, Norm, Rotation};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::source;

pub use rope::{Rope, Scaling};

const FILE: &str = "config.json";
const FAMILIES: &str = "`gpt2`, `llama`, `mistral`, `qwen2` or `qwen3`";

/// How the tensors of a checkpoint are named and laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// GPT-2.
    Gpt2,
    /// Llama, and what is named like it.
    Llama,
}

/// Which matrices of a block have a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Biases {
    /// Those of queries, keys and values.
    pub qkv: bool,
    /// That of the attention's output.
    pub out: bool,
    /// Those of the MLP.
    pub mlp: bool,
}

/// What `config.json` says, checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Names and layout of tensors.
    pub family: Family,
    /// Dimensions.
    pub arch: Architecture,
    /// How the residual stream is normalized.
    pub norm: Norm,
    /// Epsilon of the normalization.
    pub epsilon: f64,
    /// Non-linearity of the MLP.
    pub activation: Activation,
    /// Whether the vocabulary projection is the token embedding.
    pub tied: bool,
    /// Which matrices have a bias.
    pub biases: Biases,
    /// Whether scores are divided by the square root of the head width.
    pub scale_by_width: bool,
    /// Whether scores of block `l` are divided by `l + 1`.
    pub scale_by_layer: bool,
    /// Angles by which queries and keys are rotated.
    pub rope: Option<Rope>,
    /// What stops generation if no file says it.
    pub default_stop: Option<u64>,
}

/// Keys that must be absent, null or `false`, empty or zero: each would make another function.
const REFUSED: [(&str, &str); 8] = [
    (
        "add_cross_attention",
        "false: there is no encoder to attend to",
    ),
    ("is_encoder_decoder", "false: there is no encoder"),
    ("cross_attention_hidden_size", "absent: there is no encoder"),
    ("tie_encoder_decoder", "false: there is no encoder"),
    (
        "pruned_heads",
        "empty: save the model after pruning with fewer heads of its own",
    ),
    (
        "quantization_config",
        "absent (float weights): save the model dequantized",
    ),
    (
        "auto_map",
        "absent: with code of its own a checkpoint computes what that code says. If its weights are those of a plain \
         model of its `model_type`, remove `auto_map`",
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
        let model_type = json.get("model_type").ok_or(Error::MissingOption {
            option: "model_type",
        })?;
        refuse_all(json, &REFUSED)?;
        match model_type.as_str() {
            Some("gpt2") => gpt2::config(json),
            Some("llama") => llama::config(json, &llama::LLAMA),
            Some("mistral") => llama::config(json, &llama::MISTRAL),
            Some("qwen2") => llama::config(json, &llama::QWEN2),
            Some("qwen3") => llama::config(json, &llama::QWEN3),
            _ => Err(Error::UnsupportedArchitecture {
                field: "model_type",
                expected: FAMILIES,
                got: show(model_type),
            }),
        }
    }

    /// What a `config.json` says that is taken in another way than one might think.
    pub(crate) fn notes(&self, json: &Value) -> Vec<String> {
        match self.family {
            Family::Gpt2 => Vec::new(),
            Family::Llama => llama::notes(json, &self.arch),
        }
    }

    /// What the queries of a block are divided by, or their gains: attention scores are divided by it, and queries carry that.
    pub fn query_divisor(&self, layer: usize) -> f64 {
        let mut divisor = 1.0;
        if self.scale_by_width {
            divisor *= (self.arch.head_width as f64).sqrt();
        }
        if self.scale_by_layer {
            divisor *= (layer + 1) as f64;
        }
        // Queries and keys are both multiplied by it.
        if let Some(rope) = &self.rope {
            divisor /= rope.attention_factor().powi(2);
        }
        divisor
    }

    /// The rotations of all positions, as integers.
    pub fn rotation(&self) -> Option<Rotation> {
        let rope = self.rope.as_ref()?;
        Some(rope.table(self.arch.rotated_pairs(), self.arch.context))
    }
}

fn refuse_all(json: &Value, options: &[(&'static str, &'static str)]) -> Result<()> {
    for (option, expected) in options {
        if let Some(value) = json.get(*option).filter(|v| !is_nothing(v)) {
            return Err(refuse(option, expected, value));
        }
    }
    Ok(())
}

/// Checks that all architectures that are named are among those of a family.
fn check_classes(json: &Value, classes: &[&str], expected: &'static str) -> Result<()> {
    match json.get("architectures") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(list)) => {
            let known = |v: &Value| v.as_str().is_some_and(|s| classes.contains(&s));
            match list.iter().find(|v| !known(v)) {
                Some(other) => Err(Error::UnsupportedArchitecture {
                    field: "architectures",
                    expected,
                    got: show(other),
                }),
                None => Ok(()),
            }
        }
        Some(other) => Err(refuse("architectures", "a list of names", other)),
    }
}

/// The activations that are one of the functions of the arithmetic, by all their names in transformers.
fn activation(json: &Value, option: &'static str, default: Activation) -> Result<Activation> {
    let Some(value) = json.get(option) else {
        return Ok(default);
    };
    match value.as_str() {
        Some(
            "gelu_new" | "gelu_fast" | "gelu_accurate" | "gelu_pytorch_tanh" | "gelu_python_tanh",
        ) => Ok(Activation::GeluNew),
        Some("gelu" | "gelu_python") => Ok(Activation::Gelu),
        Some("relu") => Ok(Activation::Relu),
        Some("silu" | "swish") => Ok(Activation::Silu),
        _ => Err(refuse(
            option,
            "gelu_new (also called gelu_fast, gelu_accurate, gelu_pytorch_tanh, gelu_python_tanh), gelu (gelu_python), \
             silu (swish) or relu",
            value,
        )),
    }
}

/// A number above zero and below another one.
fn number(
    json: &Value,
    option: &'static str,
    default: f64,
    end: f64,
    expected: &'static str,
) -> Result<f64> {
    match json.get(option) {
        None | Some(Value::Null) => Ok(default),
        Some(v) => v
            .as_f64()
            .filter(|n| *n > 0.0 && *n < end)
            .ok_or_else(|| refuse(option, expected, v)),
    }
}

fn epsilon(json: &Value, option: &'static str, default: f64) -> Result<f64> {
    number(json, option, default, 1.0, "a number between 0 and 1")
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

/// A dimension that may be absent or null.
fn optional(json: &Value, option: &'static str, default: usize) -> Result<usize> {
    match json.get(option) {
        None | Some(Value::Null) => Ok(default),
        Some(_) => dimension(json, &[option]),
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

//! Llama, and the families that differ from it in few options: Mistral, Qwen 2, 2.5 and 3, SmolLM 2, TinyLlama.

use nanozk_executor::model::MAX_CONTEXT;
use nanozk_executor::{Activation, Architecture, MlpKind, Norm, Positions};
use serde_json::Value;

use super::{
    Biases, Config, Family, Rope, activation, check_classes, dimension, epsilon, flag, is_nothing,
    optional, refuse, refuse_all,
};
use crate::error::{Error, Result};

/// What is not in `config.json`, but in the code of a family.
pub(super) struct Defaults {
    classes: [&'static str; 2],
    expected: &'static str,
    context: usize,
    kv_heads: Option<usize>,
    head_width: Option<usize>,
    qkv_bias: bool,
    qk_norm: bool,
    /// Whether a window only counts if `use_sliding_window` says so.
    window_is_optional: bool,
    stop: Option<u64>,
}

pub(super) const LLAMA: Defaults = Defaults {
    classes: ["LlamaForCausalLM", "LlamaModel"],
    expected: "LlamaForCausalLM or LlamaModel: a model that predicts the next token",
    context: 2048,
    kv_heads: None,
    head_width: None,
    qkv_bias: false,
    qk_norm: false,
    window_is_optional: false,
    stop: Some(2),
};
pub(super) const MISTRAL: Defaults = Defaults {
    classes: ["MistralForCausalLM", "MistralModel"],
    expected: "MistralForCausalLM or MistralModel: a model that predicts the next token",
    context: 131_072,
    kv_heads: Some(8),
    ..LLAMA
};
pub(super) const QWEN2: Defaults = Defaults {
    classes: ["Qwen2ForCausalLM", "Qwen2Model"],
    expected: "Qwen2ForCausalLM or Qwen2Model: a model that predicts the next token",
    context: 32_768,
    kv_heads: Some(32),
    qkv_bias: true,
    window_is_optional: true,
    stop: None,
    ..LLAMA
};
pub(super) const QWEN3: Defaults = Defaults {
    classes: ["Qwen3ForCausalLM", "Qwen3Model"],
    expected: "Qwen3ForCausalLM or Qwen3Model: a model that predicts the next token",
    head_width: Some(128),
    qkv_bias: false,
    qk_norm: true,
    ..QWEN2
};
/// What all take for an absent `rms_norm_eps`.
const EPSILON: f64 = 1e-6;

/// Keys of relatives that would make another function.
const REFUSED: [(&str, &str); 16] = [
    ("attn_logit_softcapping", "absent: scores are not capped"),
    ("final_logit_softcapping", "absent: logits are not capped"),
    (
        "query_pre_attn_scalar",
        "absent: scores are divided by the square root of the head width",
    ),
    (
        "attention_multiplier",
        "absent: scores are divided by the square root of the head width",
    ),
    ("embedding_multiplier", "absent: embeddings are not scaled"),
    (
        "residual_multiplier",
        "absent: what layers add is not scaled",
    ),
    ("logits_scaling", "absent: logits are not scaled"),
    ("logit_scale", "absent: logits are not scaled"),
    ("num_experts", "absent: there is one MLP"),
    ("num_local_experts", "absent: there is one MLP"),
    ("n_routed_experts", "absent: there is one MLP"),
    ("use_qk_norm", "false: queries and keys are not normalized"),
    ("qk_layernorm", "false: queries and keys are not normalized"),
    (
        "no_rope_layers",
        "absent: all layers rotate queries and keys",
    ),
    (
        "rope_interleaved",
        "false: the two features of a pair lie in the two halves of a head",
    ),
    ("use_mrope", "false: positions are numbers"),
];

/// Keys that do not change the function from tokens to logits, or are read elsewhere.
const KNOWN: [&str; 54] = [
    "_name_or_path",
    "architectures",
    "attention_bias",
    "attention_dropout",
    "bos_token_id",
    "chunk_size_feed_forward",
    "dtype",
    "eos_token_id",
    "finetuning_task",
    "head_dim",
    "hidden_act",
    "hidden_size",
    "id2label",
    "initializer_range",
    "intermediate_size",
    "is_decoder",
    "is_llama_config",
    "label2id",
    "layer_types",
    "max_position_embeddings",
    "max_window_layers",
    "mlp_bias",
    "model_type",
    "num_attention_heads",
    "num_hidden_layers",
    "num_key_value_heads",
    "output_attentions",
    "output_hidden_states",
    "pad_token_id",
    "partial_rotary_factor",
    "prefix",
    "pretraining_tp",
    "problem_type",
    "return_dict",
    "return_unused_kwargs",
    "rms_norm_eps",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "sliding_window",
    "task_specific_params",
    "tf_legacy_loss",
    "tie_word_embeddings",
    "tokenizer_class",
    "torch_dtype",
    "torchscript",
    "transformers.js_config",
    "transformers_version",
    "unsloth_fixed",
    "unsloth_version",
    "use_bfloat16",
    "use_cache",
    "use_sliding_window",
    "vocab_size",
];

pub(super) fn config(json: &Value, family: &Defaults) -> Result<Config> {
    check_classes(json, &family.classes, family.expected)?;
    refuse_all(json, &REFUSED)?;
    let width = dimension(json, &["hidden_size"])?;
    let heads = dimension(json, &["num_attention_heads"])?;
    let kv_heads = optional(
        json,
        "num_key_value_heads",
        family.kv_heads.unwrap_or(heads),
    )?;
    if !heads.is_multiple_of(kv_heads) {
        return Err(Error::Contradiction {
            file: super::FILE,
            first: format!("`num_attention_heads` = {heads}"),
            second: format!("`num_key_value_heads` = {kv_heads}, which does not divide it"),
        });
    }
    let stated = json.get("head_dim").filter(|v| !v.is_null());
    let head_width = match (stated, family.head_width) {
        (Some(_), _) => dimension(json, &["head_dim"])?,
        (None, Some(own)) => own,
        (None, None) if width.is_multiple_of(heads) => width / heads,
        (None, None) => return Err(Error::HeadsDoNotDivideWidth { heads, width }),
    };
    if !head_width.is_multiple_of(2) {
        return Err(Error::UnsupportedOption {
            file: super::FILE,
            option: "head_dim",
            expected: "an even number: features are rotated in pairs",
            got: head_width.to_string(),
        });
    }
    let stated = optional(json, "max_position_embeddings", family.context)?;
    let context = stated.min(MAX_CONTEXT).min(window(json, family)?);
    // Where the code of a family decides, the file does not.
    let attention_bias = !family.qkv_bias && flag(json, "attention_bias", false)?;
    Ok(Config {
        family: Family::Llama,
        arch: Architecture {
            layers: dimension(json, &["num_hidden_layers"])?,
            width,
            heads,
            kv_heads,
            head_width,
            mlp_width: dimension(json, &["intermediate_size"])?,
            vocab: dimension(json, &["vocab_size"])?,
            context,
            positions: Positions::Rotary,
            mlp: MlpKind::Gated,
            qk_norm: family.qk_norm,
        },
        norm: Norm::RmsNorm,
        epsilon: epsilon(json, "rms_norm_eps", EPSILON)?,
        activation: activation(json, "hidden_act", Activation::Silu)?,
        tied: flag(json, "tie_word_embeddings", false)?,
        biases: Biases {
            qkv: family.qkv_bias || attention_bias,
            out: attention_bias,
            mlp: flag(json, "mlp_bias", false)?,
        },
        scale_by_width: true,
        scale_by_layer: false,
        rope: Some(Rope::from_json(json, stated)?),
        default_stop: family.stop,
    })
}

/// Positions that a position may see: within so many, a window changes nothing.
fn window(json: &Value, family: &Defaults) -> Result<usize> {
    let counts = !family.window_is_optional || flag(json, "use_sliding_window", false)?;
    match json.get("layer_types") {
        None | Some(Value::Null) => {}
        Some(Value::Array(types)) => {
            let known = |t: &Value| {
                t == "full_attention"
                    || (t == "sliding_attention" && !is_nothing(&json["sliding_window"]))
            };
            if let Some(other) = types.iter().find(|t| !known(t)) {
                let expected = "full_attention, or sliding_attention with a sliding_window";
                return Err(refuse("layer_types", expected, other));
            }
        }
        Some(other) => return Err(refuse("layer_types", "a list", other)),
    }
    match counts {
        true => optional(json, "sliding_window", usize::MAX),
        false => Ok(usize::MAX),
    }
}

/// What is taken in another way than one might think.
pub(super) fn notes(json: &Value, arch: &Architecture) -> Vec<String> {
    let mut notes = Vec::new();
    let stated = json["max_position_embeddings"].as_u64();
    if stated.is_some_and(|stated| stated > arch.context as u64) {
        let reason = match json["sliding_window"].as_u64() {
            Some(window) if window == arch.context as u64 => {
                "`sliding_window`, within which attention is full"
            }
            _ => "the greatest context that is supported",
        };
        notes.push(format!(
            "sessions have at most {} positions: {reason}",
            arch.context
        ));
    }
    let unknown: Vec<String> = json
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, value)| {
            let listed = |all: &[(&str, &str)]| all.iter().any(|(known, _)| known == key);
            let read = KNOWN.contains(&key.as_str()) || crate::generation::is_setting(key);
            !read && !listed(&REFUSED) && !listed(&super::REFUSED) && !is_nothing(value)
        })
        .map(|(key, _)| format!("`{key}`"))
        .collect();
    if !unknown.is_empty() {
        notes.push(format!(
            "config.json has options that are not known, and are taken to change nothing: {}",
            unknown.join(", ")
        ));
    }
    notes
}

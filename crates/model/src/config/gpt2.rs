//! GPT-2 and what has its architecture.

use nanozk_executor::{Activation, Gpt2, Norm};
use serde_json::Value;

use super::{
    Biases, Config, Family, activation, check_classes, dimension, epsilon, flag, optional,
};
use crate::error::{Error, Result};

/// Classes whose function from tokens to logits is that of `GPT2LMHeadModel`.
const CLASSES: [&str; 3] = ["GPT2LMHeadModel", "GPT2Model", "GPT2DoubleHeadsModel"];

pub(super) fn config(json: &Value) -> Result<Config> {
    check_classes(
        json,
        &CLASSES,
        "GPT2LMHeadModel, GPT2Model or GPT2DoubleHeadsModel: a model that predicts the next token",
    )?;
    let width = dimension(json, &["n_embd", "hidden_size"])?;
    let heads = dimension(json, &["n_head", "num_attention_heads"])?;
    if !width.is_multiple_of(heads) {
        return Err(Error::HeadsDoNotDivideWidth { heads, width });
    }
    let arch = Gpt2 {
        layers: dimension(json, &["n_layer", "num_hidden_layers"])?,
        width,
        heads,
        mlp_width: optional(json, "n_inner", 4 * width)?,
        vocab: dimension(json, &["vocab_size"])?,
        context: context(json)?,
    }
    .architecture();
    // `reorder_and_upcast_attn` only says in which precision and order the same function is computed.
    flag(json, "reorder_and_upcast_attn", false)?;
    Ok(Config {
        family: Family::Gpt2,
        arch,
        norm: Norm::LayerNorm,
        epsilon: epsilon(json, "layer_norm_epsilon", 1e-5)?,
        activation: activation(json, "activation_function", Activation::GeluNew)?,
        tied: flag(json, "tie_word_embeddings", true)?,
        biases: Biases {
            qkv: true,
            out: true,
            mlp: true,
        },
        scale_by_width: flag(json, "scale_attn_weights", true)?,
        scale_by_layer: flag(json, "scale_attn_by_inverse_layer_idx", false)?,
        rope: None,
        default_stop: Some(50_256),
    })
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

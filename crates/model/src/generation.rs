//! Where generation stops: `eos_token_id` of `generation_config.json`, or of `config.json`.

use serde_json::Value;

use crate::config::{is_nothing, show};
use crate::error::{Error, Result};

/// Settings that change what is generated, with the value that changes nothing.
const SAMPLING: [(&str, f64); 20] = [
    ("do_sample", 0.0),
    ("num_beams", 1.0),
    ("num_beam_groups", 1.0),
    ("penalty_alpha", 0.0),
    ("repetition_penalty", 1.0),
    ("encoder_repetition_penalty", 1.0),
    ("no_repeat_ngram_size", 0.0),
    ("min_length", 0.0),
    ("min_new_tokens", 0.0),
    ("bad_words_ids", 0.0),
    ("force_words_ids", 0.0),
    ("constraints", 0.0),
    ("suppress_tokens", 0.0),
    ("begin_suppress_tokens", 0.0),
    ("forced_bos_token_id", 0.0),
    ("forced_eos_token_id", 0.0),
    ("exponential_decay_length_penalty", 0.0),
    ("sequence_bias", 0.0),
    ("guidance_scale", 1.0),
    ("stop_strings", 0.0),
];

/// Settings that say how it is sampled, or only how it is given back.
const OTHERS: [&str; 13] = [
    "diversity_penalty",
    "early_stopping",
    "length_penalty",
    "max_length",
    "max_new_tokens",
    "num_return_sequences",
    "output_scores",
    "remove_invalid_values",
    "return_dict_in_generate",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
];

/// Whether a key is about generation.
pub(crate) fn is_setting(key: &str) -> bool {
    OTHERS.contains(&key) || SAMPLING.iter().any(|(name, _)| *name == key)
}

/// The stop tokens of a model of `vocab` tokens; `default` is what its class takes for an absent `eos_token_id`. What is
/// there and not applied goes into `notes`.
pub(crate) fn stop_tokens(
    config: &Value,
    generation: Option<&Value>,
    vocab: usize,
    default: Option<u64>,
    notes: &mut Vec<String>,
) -> Result<Vec<u32>> {
    for (file, json) in [
        ("generation_config.json", generation),
        ("config.json", Some(config)),
    ] {
        let Some(json) = json else { continue };
        let names: Vec<String> = SAMPLING
            .iter()
            .filter(|(name, neutral)| {
                json.get(*name).is_some_and(|v| {
                    // A token that is forced may have the id 0.
                    let forced = name.starts_with("forced_") && v.is_number();
                    let neutral = v.as_f64() == Some(*neutral) || is_nothing(v);
                    forced || !neutral
                })
            })
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        if !names.is_empty() {
            notes.push(format!(
                "{file}: {} not applied: generation is greedy, each token the most likely one",
                list(&names)
            ));
        }
    }
    const KEY: &str = "eos_token_id";
    let of_generation =
        generation.and_then(|json| Some(("generation_config.json", json.get(KEY)?)));
    let of_config = config.get(KEY).map(|value| ("config.json", value));
    let Some((file, value)) = of_generation.or(of_config) else {
        let default = default.filter(|id| *id < vocab as u64);
        return Ok(default.map(|id| id as u32).into_iter().collect());
    };
    let single = [value.clone()];
    let ids = match value {
        Value::Null => &[][..],
        Value::Array(ids) => ids,
        _ => &single,
    };
    let mut stop = Vec::new();
    for id in ids {
        let number = id.as_i64().ok_or_else(|| Error::UnsupportedOption {
            file,
            option: KEY,
            expected: "a token id, a list of them, or null",
            got: show(value),
        })?;
        match u32::try_from(number).ok().filter(|&id| (id as usize) < vocab) {
            Some(id) => stop.push(id),
            None => notes.push(format!(
                "{file}: `{KEY}` has {number}, which is no token of this model ({vocab} tokens): generation cannot stop at it"
            )),
        }
    }
    stop.sort_unstable();
    stop.dedup();
    Ok(stop)
}

/// `a`, `a and b`, `a, b and c`, with the verb.
fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("{one} is"),
        [first @ .., last] => format!("{} and {last} are", first.join(", ")),
    }
}

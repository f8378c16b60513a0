//! The files of a checkpoint's tokenizer: `tokenizer.json`, or `vocab.json` and `merges.txt`, and what stands beside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::config::{is_nothing, show};
use crate::error::{Error, Result};
use crate::source;
use crate::tokenizer::Tokenizer;

const CONFIG: &str = "tokenizer_config.json";
/// Special token of GPT-2 tokenizers that name no other.
const END_OF_TEXT: &str = "<|endoftext|>";
/// Keys under which special tokens are named.
const SPECIAL: [&str; 8] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "pad_token",
    "sep_token",
    "cls_token",
    "mask_token",
    "additional_special_tokens",
];

/// The files beside a tokenizer.
struct Beside {
    config: Value,
    special_tokens_map: Value,
    added: BTreeMap<String, u32>,
}

/// The tokenizer of a checkpoint for a model of `vocab` tokens. What is there and not applied goes into `notes`.
pub(crate) fn load(dir: &Path, vocab: usize, notes: &mut Vec<String>) -> Result<Tokenizer> {
    let optional = |name: &str| source::read_json_if_present::<Value>(&dir.join(name));
    let beside = Beside {
        config: optional(CONFIG)?.unwrap_or_default(),
        special_tokens_map: optional("special_tokens_map.json")?.unwrap_or_default(),
        added: source::read_json_if_present(&dir.join("added_tokens.json"))?.unwrap_or_default(),
    };
    let code = beside.config.get("auto_map").filter(|v| !is_nothing(v));
    if let Some(value) = code {
        return Err(refuse(
            "auto_map",
            "absent: with code of its own a tokenizer computes what that code says. If tokenizer.json is all of it, \
             remove `auto_map`",
            value,
        ));
    }
    let split = beside.config.get("split_special_tokens");
    if let Some(value) = split.filter(|v| !is_nothing(v)) {
        return Err(refuse(
            "split_special_tokens",
            "false: it is chosen for each prompt (`--split-special-tokens`)",
            value,
        ));
    }
    let path = dir.join("tokenizer.json");
    match source::read(&path) {
        Ok(bytes) => {
            let tokenizer = Tokenizer::of_json(&path, bytes, vocab, notes)?;
            compare(&path, &tokenizer, &beside, notes)?;
            Ok(tokenizer)
        }
        Err(Error::MissingFile { .. }) => {
            let json = build(dir, &beside, notes)?;
            notes.push("the tokenizer is the byte-level BPE of vocab.json and merges.txt: there is no tokenizer.json".into());
            Tokenizer::of_json(&path, json.to_string().into_bytes(), vocab, notes)
        }
        Err(e) => Err(e),
    }
}

/// What the files beside a `tokenizer.json` say otherwise than it does.
fn compare(
    path: &Path,
    tokenizer: &Tokenizer,
    beside: &Beside,
    notes: &mut Vec<String>,
) -> Result<()> {
    let json: Value =
        serde_json::from_slice(source::text(path, tokenizer.json())?).map_err(|source| {
            Error::Json {
                path: path.to_owned(),
                source,
            }
        })?;
    let added = |side: usize| !tokenizer.template()[side].is_empty();
    for (option, side) in [("add_bos_token", 0), ("add_eos_token", 1)] {
        match beside.config.get(option) {
            Some(Value::Bool(wanted)) if *wanted != added(side) => {
                let place = ["before", "after"][side];
                let has = if added(side) { "a" } else { "no" };
                return Err(Error::Contradiction {
                    file: "tokenizer",
                    first: format!("`{option}` = {wanted} in {CONFIG}"),
                    second: format!(
                        "tokenizer.json, whose template has {has} token {place} the text"
                    ),
                });
            }
            _ => {}
        }
    }
    let spaces = prefix_space(&json["pre_tokenizer"]);
    match (beside.config.get("add_prefix_space"), spaces) {
        (Some(Value::Bool(wanted)), Some(got)) if *wanted != got => {
            return Err(Error::Contradiction {
                file: "tokenizer",
                first: format!("`add_prefix_space` = {wanted} in {CONFIG}"),
                second: format!("`add_prefix_space` = {got} in tokenizer.json"),
            });
        }
        _ => {}
    }
    let known: BTreeSet<&str> = json["added_tokens"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|t| t["content"].as_str())
        .collect();
    let mut names = beside.special();
    names.extend(beside.added.keys().cloned());
    if let Some(tokens) = beside.config["added_tokens_decoder"].as_object() {
        names.extend(tokens.values().filter_map(content));
    }
    names.retain(|name| !known.contains(name.as_str()));
    if !names.is_empty() {
        let list: Vec<String> = names.iter().map(|n| json!(n).to_string()).collect();
        notes.push(format!(
            "files beside tokenizer.json name tokens that it does not add: {}; in a prompt they are plain text",
            list.join(", ")
        ));
    }
    Ok(())
}

/// Whether a pre-tokenizer puts a space before the text, if it says so.
fn prefix_space(pre_tokenizer: &Value) -> Option<bool> {
    let own = pre_tokenizer["add_prefix_space"].as_bool();
    let parts = pre_tokenizer["pretokenizers"].as_array();
    own.or_else(|| parts?.iter().find_map(prefix_space))
}

fn content(token: &Value) -> Option<String> {
    let text = token.as_str().or_else(|| token["content"].as_str());
    text.map(str::to_owned).filter(|t| !t.is_empty())
}

fn refuse(option: &'static str, expected: &'static str, value: &Value) -> Error {
    Error::UnsupportedOption {
        file: CONFIG,
        option,
        expected,
        got: show(value),
    }
}

impl Beside {
    /// The special tokens that are named.
    fn special(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for key in SPECIAL {
            for value in [&self.config[key], &self.special_tokens_map[key]] {
                match value {
                    Value::Array(several) => names.extend(several.iter().filter_map(content)),
                    one => names.extend(content(one)),
                }
            }
        }
        names
    }
}

/// The `tokenizer.json` that `vocab.json` and `merges.txt` stand for, as transformers converts them.
fn build(dir: &Path, beside: &Beside, notes: &mut Vec<String>) -> Result<Value> {
    let (vocab_path, merges_path) = (dir.join("vocab.json"), dir.join("merges.txt"));
    let missing = |e: Error| match e {
        Error::MissingFile { .. } => Error::NoTokenizer {
            dir: dir.to_owned(),
        },
        e => e,
    };
    let vocab: BTreeMap<String, u32> = source::read_json(&vocab_path).map_err(missing)?;
    let bytes = source::read(&merges_path).map_err(missing)?;
    let invalid = |path: &Path, reason: String| Error::InvalidTokenizer {
        path: path.to_owned(),
        reason,
    };
    let merges = merges(source::text(&merges_path, &bytes)?, &vocab)
        .map_err(|reason| invalid(&merges_path, reason))?;
    let ids: BTreeSet<u32> = vocab.values().copied().collect();
    if ids.len() != vocab.len() {
        return Err(invalid(&vocab_path, "two tokens have the same id".into()));
    }

    let mut special = beside.special();
    if special.is_empty() {
        special.insert(END_OF_TEXT.into());
    }
    let id_of = |name: &str| vocab.get(name).or_else(|| beside.added.get(name)).copied();
    let (known, unknown): (Vec<&String>, Vec<&String>) =
        special.iter().partition(|name| id_of(name).is_some());
    if !unknown.is_empty() {
        let list: Vec<String> = unknown.iter().map(|n| json!(n).to_string()).collect();
        notes.push(format!(
            "special tokens that are in no vocabulary are left out: {}",
            list.join(", ")
        ));
    }
    let mut added: Vec<(u32, &String)> = known
        .into_iter()
        .chain(beside.added.keys())
        .filter_map(|name| Some((id_of(name)?, name)))
        .collect();
    added.sort();
    added.dedup();
    // Tokens beyond the vocabulary get their ids by order: holes would move them.
    let beyond = added
        .iter()
        .map(|(id, _)| *id)
        .filter(|id| !ids.contains(id));
    let first = ids.len() as u32;
    if let Some((place, id)) = beyond.enumerate().find(|(i, id)| *id != first + *i as u32) {
        return Err(invalid(
            &dir.join("added_tokens.json"),
            format!(
                "a token has the id {id} where {} is next",
                first + place as u32
            ),
        ));
    }
    let added: Vec<Value> = added
        .into_iter()
        .map(|(id, name)| {
            let special = special.contains(name);
            json!({"id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": special})
        })
        .collect();

    let spaces = beside.config["add_prefix_space"].as_bool() == Some(true);
    let level = |spaces: bool, trim: bool| json!({"type": "ByteLevel", "add_prefix_space": spaces, "trim_offsets": trim, "use_regex": true});
    let post_processor = if beside.config["add_bos_token"].as_bool() == Some(true) {
        let name = content(&beside.config["bos_token"])
            .or_else(|| content(&beside.special_tokens_map["bos_token"]))
            .unwrap_or_else(|| END_OF_TEXT.into());
        let id = id_of(&name).ok_or_else(|| {
            invalid(
                &dir.join(CONFIG),
                format!("`add_bos_token`: {name:?} is in no vocabulary"),
            )
        })?;
        template(&name, id)
    } else {
        level(true, false)
    };
    Ok(json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": level(spaces, true), "post_processor": post_processor, "decoder": level(true, true),
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": merges,
        },
    }))
}

/// A post-processor that puts a token before every text.
fn template(name: &str, id: u32) -> Value {
    let token = json!({"SpecialToken": {"id": name, "type_id": 0}});
    let text = |id: &str, kind: u32| json!({"Sequence": {"id": id, "type_id": kind}});
    let mut special = Map::new();
    special.insert(
        name.into(),
        json!({"id": name, "ids": [id], "tokens": [name]}),
    );
    json!({
        "type": "TemplateProcessing",
        "single": [token, text("A", 0)],
        "pair": [token, text("A", 0), text("B", 1)],
        "special_tokens": special,
    })
}

/// The pairs of a `merges.txt`, whose parts and results must be tokens.
fn merges(bytes: &[u8], vocab: &BTreeMap<String, u32>) -> Result<Vec<[String; 2]>, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8: {e}"))?;
    let mut merges = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || (number == 0 && line.starts_with("#version")) {
            continue;
        }
        let at = number + 1;
        let (first, second) = line
            .split_once(' ')
            .filter(|(a, b)| !a.is_empty() && !b.is_empty() && !b.contains(' '))
            .ok_or_else(|| format!("line {at}: expected two tokens with a space between them"))?;
        for token in [first, second, &format!("{first}{second}")] {
            if !vocab.contains_key(token) {
                return Err(format!("line {at}: {token:?} is not in vocab.json"));
            }
        }
        merges.push([first.to_owned(), second.to_owned()]);
    }
    Ok(merges)
}

//! Chat templates: from messages to the text of a prompt, as `apply_chat_template` of transformers does it.
//!
//! A template is a program of the checkpoint. It runs without files, network, clock or randomness, and only for so long: the same
//! messages always give the same text.

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::value::{Kwargs, Value as Jinja, ValueKind};
use minijinja::{Environment, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::source;
use crate::tokenizer::{PromptOptions, Tokenizer};

const CONFIG: &str = "tokenizer_config.json";
/// A file of its own, which newer versions of transformers write, and prefer.
const FILE: &str = "chat_template.jinja";
/// Of several templates, the one for messages without tools.
const DEFAULT: &str = "default";
/// Steps that a template may take.
const FUEL: u64 = 10_000_000;
/// Greatest length of a text, in bytes: what a template repeats has to end somewhere.
const LONGEST: usize = 1 << 24;

/// Keys of `tokenizer_config.json` that templates use as variables.
const SPECIAL: [&str; 7] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
];

/// A template, with the special tokens that it may name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatTemplate {
    /// Jinja.
    pub template: String,
    /// Texts of special tokens, by their keys in `tokenizer_config.json`.
    pub special_tokens: BTreeMap<String, String>,
}

impl ChatTemplate {
    /// The template of a checkpoint folder, if it has one.
    pub fn load(dir: &Path) -> Result<Option<Self>> {
        let config: Value = source::read_json_if_present(&dir.join(CONFIG))?.unwrap_or_default();
        let path = dir.join(FILE);
        let own = match source::read(&path) {
            Ok(bytes) => {
                let text = source::text(&path, &bytes)?;
                let invalid = |e: std::str::Utf8Error| Error::ChatTemplate {
                    reason: format!("{}: {e}", path.display()),
                };
                Some(std::str::from_utf8(text).map_err(invalid)?.to_owned())
            }
            Err(Error::MissingFile { .. }) => None,
            Err(e) => return Err(e),
        };
        let template = match own {
            Some(template) => template,
            None => match of_config(&config)? {
                Some(template) => template,
                None => return Ok(None),
            },
        };
        let special_tokens = SPECIAL.iter().filter_map(|key| {
            let value = &config[*key];
            let text = value.as_str().or_else(|| value["content"].as_str());
            text.map(|text| ((*key).to_owned(), text.to_owned()))
        });
        Ok(Some(Self {
            template,
            special_tokens: special_tokens.collect(),
        }))
    }

    /// The text of a prompt: messages, and what begins the answer.
    pub fn render(&self, messages: &Messages) -> Result<String> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_fuel(Some(FUEL));
        // Methods of Python's strings, lists and dictionaries.
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_filter("tojson", to_json);
        environment.add_function("raise_exception", raise);
        let failed = |e: &minijinja::Error| Error::ChatTemplate {
            reason: describe(e),
        };
        let template = environment.template_from_str(&self.template);
        let template = template.map_err(|e| failed(&e))?;
        let mut context: BTreeMap<&str, Jinja> = BTreeMap::new();
        context.insert("messages", Jinja::from(messages.0.clone()));
        context.insert("add_generation_prompt", true.into());
        for absent in ["tools", "documents"] {
            context.insert(absent, ().into());
        }
        for (key, text) in &self.special_tokens {
            context.insert(key, text.clone().into());
        }
        let text = template.render(context).map_err(|e| failed(&e))?;
        match text.len() {
            0..=LONGEST => Ok(text),
            length => Err(Error::ChatTemplate {
                reason: format!("the text has {length} bytes; {LONGEST} are the most"),
            }),
        }
    }
}

/// A prompt that messages became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatPrompt {
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// Special tokens that messages name, which are read as these tokens and may end a message: number of the message, and a
    /// token.
    pub special: Vec<(usize, u32)>,
}

impl ChatPrompt {
    /// What the messages alone do not show, in sentences.
    pub fn notes(&self, tokenizer: &Tokenizer) -> Vec<String> {
        let note = |(i, id): &(usize, u32)| {
            format!(
                "message {i} names special tokens, such as {}: they are read as these tokens, and may end the message",
                tokenizer.name(*id)
            )
        };
        self.special.iter().map(note).collect()
    }
}

impl ChatTemplate {
    /// Messages as a prompt: the text that the template makes of them, special tokens being read in all of it, as transformers
    /// does.
    pub fn prompt(&self, messages: &Messages, tokenizer: &Tokenizer) -> Result<ChatPrompt> {
        let options = PromptOptions {
            template: false,
            special: true,
        };
        let tokens = tokenizer
            .encode_prompt(&self.render(messages)?, options)?
            .ids;
        if tokens.is_empty() {
            return Err(Error::ChatTemplate {
                reason: "it makes no text of the messages".to_owned(),
            });
        }
        let mut special = Vec::new();
        for (i, text) in messages.texts() {
            let own = tokenizer.encode_prompt(&text, options)?.special;
            special.extend(own.first().map(|(_, id)| (i, *id)));
        }
        Ok(ChatPrompt { tokens, special })
    }
}

/// `chat_template` of `tokenizer_config.json`: a template, or a list of them with names.
fn of_config(config: &Value) -> Result<Option<String>> {
    let refuse = |value: &Value| Error::UnsupportedOption {
        file: CONFIG,
        option: "chat_template",
        expected: "a template, or a list of templates with names, one of them \"default\"",
        got: crate::config::show(value),
    };
    match &config["chat_template"] {
        Value::Null => Ok(None),
        Value::String(template) => Ok(Some(template.clone())),
        Value::Array(all) => {
            let default = all.iter().find(|one| one["name"] == DEFAULT);
            let template = default.and_then(|one| one["template"].as_str());
            let template = template.ok_or_else(|| refuse(&config["chat_template"]))?;
            Ok(Some(template.to_owned()))
        }
        other => Err(refuse(other)),
    }
}

/// What people and a model said, in order: objects with `role` and `content`, and what else a template uses.
#[derive(Clone, Debug, PartialEq)]
pub struct Messages(Vec<Jinja>);

impl Messages {
    /// From JSON: a list of messages, or an object that has one under `messages`, as requests to chat servers do. Keys keep their
    /// order, which templates see.
    pub fn parse(json: &str) -> Result<Self> {
        let refuse = |reason: String| Error::Messages { reason };
        let value: Jinja = serde_json::from_str(json).map_err(|e| refuse(e.to_string()))?;
        let list = member(&value, "messages").unwrap_or(value);
        if list.kind() != ValueKind::Seq {
            let reason = "they are no list, nor an object with a list `messages`";
            return Err(refuse(reason.to_owned()));
        }
        let list: Vec<Jinja> = list.try_iter().into_iter().flatten().collect();
        if list.is_empty() {
            return Err(refuse("there is none".to_owned()));
        }
        for (i, message) in list.iter().enumerate() {
            let role = member(message, "role").filter(|role| role.as_str().is_some());
            if role.is_none() {
                return Err(refuse(format!("message {i} has no `role`")));
            }
            let Some(content) = member(message, "content") else {
                return Err(refuse(format!("message {i} has no `content`")));
            };
            for part in parts(&content) {
                let kind = member(&part, "type");
                let kind = kind.as_ref().and_then(Jinja::as_str);
                if kind != Some("text") {
                    return Err(refuse(format!(
                        "message {i} has content of type {:?}: only text can be read",
                        kind.unwrap_or_default()
                    )));
                }
            }
        }
        Ok(Self(list))
    }

    /// The texts of messages: number of the message, and a part of its content.
    pub fn texts(&self) -> Vec<(usize, String)> {
        let of = |(i, message): (usize, &Jinja)| {
            let content = member(message, "content").unwrap_or_default();
            let parts = parts(&content).filter_map(|part| member(&part, "text"));
            let all = std::iter::once(content.clone()).chain(parts);
            let texts = all.filter_map(|text| Some((i, text.as_str()?.to_owned())));
            texts.collect::<Vec<_>>()
        };
        self.0.iter().enumerate().flat_map(of).collect()
    }
}

/// What an object has under a key.
fn member(object: &Jinja, key: &str) -> Option<Jinja> {
    if object.kind() != ValueKind::Map {
        return None;
    }
    object
        .get_attr(key)
        .ok()
        .filter(|value| !value.is_undefined())
}

/// The parts of a content that is a list.
fn parts(content: &Jinja) -> impl Iterator<Item = Jinja> + use<> {
    let list = (content.kind() == ValueKind::Seq).then(|| content.try_iter());
    list.into_iter().flatten().flatten()
}

/// What a template says of messages that it does not take.
fn raise(message: String) -> std::result::Result<Jinja, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
}

fn describe(error: &minijinja::Error) -> String {
    let what = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "it does not end".to_owned(),
        (ErrorKind::InvalidOperation, Some(detail)) => detail.to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    match error.line() {
        Some(line) => format!("{what} (line {line})"),
        None => what,
    }
}

/// JSON as Python writes it, with spaces after commas and colons.
fn to_json(value: &Jinja, options: Kwargs) -> std::result::Result<String, minijinja::Error> {
    let indent: Option<usize> = options.get("indent")?;
    // Python escapes nothing else by default in templates, and sorts nothing.
    for ignored in ["ensure_ascii", "separators", "sort_keys"] {
        if options.has(ignored) {
            let detail = format!("tojson with {ignored} is not implemented");
            return Err(minijinja::Error::new(ErrorKind::InvalidOperation, detail));
        }
    }
    options.assert_all_used()?;
    let failed =
        |e: serde_json::Error| minijinja::Error::new(ErrorKind::BadSerialization, e.to_string());
    let mut bytes = Vec::new();
    match indent {
        None => {
            let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Spaced);
            value.serialize(&mut serializer).map_err(failed)?;
        }
        Some(indent) => {
            let indent = " ".repeat(indent.min(16));
            let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
            let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
            value.serialize(&mut serializer).map_err(failed)?;
        }
    }
    Ok(String::from_utf8(bytes).unwrap_or_default())
}

/// Python's separators.
struct Spaced;

/// What stands before an element or a key.
fn separate<W: ?Sized + std::io::Write>(writer: &mut W, first: bool) -> std::io::Result<()> {
    writer.write_all(if first { b"" } else { b", " })
}

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        separate(writer, first)
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        separate(writer, first)
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
    ) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}

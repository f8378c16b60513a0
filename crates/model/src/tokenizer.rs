//! Text to token ids and back: a function of the text and of `tokenizer.json` alone.
//!
//! It computes what transformers computes when a tokenizer is called plainly: normalizer, pre-tokenizer, merges and
//! post-processor apply, truncation and padding do not. What is random is refused.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tokenizers::{Encoding, ModelWrapper, Token};

use crate::error::{Error, Result};
use crate::source;

/// Characters per piece when a long text is tokenized.
pub const PIECE: usize = 20_000;
/// Tokens a message names.
const NAMED: usize = 5;

/// The tokenizer of a checkpoint, limited to the vocabulary of its model.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    vocab: usize,
    /// Tokens that the post-processor adds before and after a text.
    template: [Vec<u32>; 2],
    source: Arc<[u8]>,
}

/// How the text of a prompt becomes tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptOptions {
    /// Add what the tokenizer's template has around a text, such as a beginning-of-text token.
    pub template: bool,
    /// Read the names of special tokens in the text as these tokens.
    pub special: bool,
}

impl Default for PromptOptions {
    /// As transformers does.
    fn default() -> Self {
        Self {
            template: true,
            special: true,
        }
    }
}

/// A prompt's tokens, with what the text alone does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// All tokens.
    pub ids: Vec<u32>,
    /// How many of them the template added, before and after the text.
    pub added: [usize; 2],
    /// Special tokens that the text names: position among all tokens, and id.
    pub special: Vec<(usize, u32)>,
    /// The text that the tokens stand for, if it is not the one that was given.
    pub changed: Option<String>,
}

impl Prompt {
    /// What the text alone does not show, in sentences. `advice` says how to leave out what a template adds, and how to read
    /// names of special tokens as plain text.
    pub fn notes(&self, tokenizer: &Tokenizer, advice: [&str; 2]) -> Vec<String> {
        let named = |ids: Vec<u32>| -> String {
            let names: Vec<String> = ids.iter().map(|id| tokenizer.name(*id)).collect();
            names.join(", ")
        };
        let mut notes = Vec::new();
        let [before, after] = self.added;
        if before + after > 0 {
            let end = self.ids.len() - after;
            let added = [&self.ids[..before], &self.ids[end..]].concat();
            notes.push(format!(
                "the tokenizer's template adds {} to the prompt ({} leaves it out)",
                named(added),
                advice[0]
            ));
        }
        if let [(position, _), ..] = self.special[..] {
            let ids = self.special.iter().map(|(_, id)| *id).collect();
            notes.push(format!(
                "the prompt names special tokens: {}, from position {position} on ({} reads them as plain text)",
                named(ids),
                advice[1]
            ));
        }
        if let Some(changed) = &self.changed {
            notes.push(format!(
                "the tokenizer does not keep the prompt as it is: its tokens stand for {changed:?}"
            ));
        }
        notes
    }
}

impl Tokenizer {
    /// Reads `tokenizer.json` for a model of `vocab` tokens.
    pub fn load(path: &Path, vocab: usize) -> Result<Self> {
        Self::of_json(path, source::read(path)?, vocab, &mut Vec::new())
    }

    /// The tokenizer in the content of a `tokenizer.json`. What of it is not applied, or cannot be used with the
    /// model, goes into `notes`.
    pub(crate) fn of_json(
        path: &Path,
        bytes: Vec<u8>,
        vocab: usize,
        notes: &mut Vec<String>,
    ) -> Result<Self> {
        let invalid = |reason: String| Error::InvalidTokenizer {
            path: path.to_owned(),
            reason,
        };
        let mut inner = tokenizers::Tokenizer::from_bytes(source::text(path, &bytes)?)
            .map_err(|e| invalid(e.to_string()))?;
        if let ModelWrapper::BPE(bpe) = inner.get_model()
            && let Some(dropout) = bpe.dropout.filter(|d| *d != 0.0)
        {
            return Err(Error::UnsupportedOption {
                file: "tokenizer.json",
                option: "dropout",
                expected: "null: merges that are left out at random give the same text other tokens each time. \
                               Set `dropout` of its `model` to null",
                got: dropout.to_string(),
            });
        }
        if let Some(truncation) = inner.get_truncation() {
            notes.push(format!(
                "tokenizer.json cuts texts to {} tokens: not applied, as in transformers",
                truncation.max_length
            ));
        }
        inner
            .with_truncation(None)
            .map_err(|e| invalid(e.to_string()))?;
        if inner.get_padding().is_some() {
            notes.push("tokenizer.json pads texts: not applied, as in transformers".into());
            inner.with_padding(None);
        }
        beyond(&inner, vocab, notes)?;
        let template = template(&inner).map_err(invalid)?;
        for (ids, place) in template.iter().zip(["before", "after"]) {
            if !ids.is_empty() {
                notes.push(format!(
                    "the tokenizer's template adds {} {place} every prompt, as in transformers",
                    names(&inner, ids)
                ));
            }
        }
        Ok(Self {
            inner,
            vocab,
            template,
            source: bytes.into(),
        })
    }

    /// The `tokenizer.json` that this tokenizer is.
    pub fn json(&self) -> &[u8] {
        &self.source
    }

    /// Tokens that the template adds before and after a prompt.
    pub fn template(&self) -> &[Vec<u32>; 2] {
        &self.template
    }

    /// Vocabulary of the model.
    pub fn vocab(&self) -> usize {
        self.vocab
    }

    /// Token ids of a prompt.
    pub fn encode_prompt(&self, text: &str, options: PromptOptions) -> Result<Prompt> {
        let mut plain;
        let mut inner = &self.inner;
        if !options.special {
            plain = inner.clone();
            plain.set_encode_special_tokens(true);
            inner = &plain;
        }
        let encoding = encode(inner, text, options.template)?;
        let ids = encoding.get_ids().to_vec();
        self.check(&ids)?;
        let added = if options.template {
            [self.template[0].len(), self.template[1].len()]
        } else {
            [0, 0]
        };
        let own = ids
            .get(added[0]..ids.len().saturating_sub(added[1]))
            .unwrap_or_default();
        let tokens = inner.get_added_tokens_decoder();
        let special = own
            .iter()
            .enumerate()
            .filter(|(_, id)| tokens.get(id).is_some_and(|t| t.special))
            .map(|(at, &id)| (added[0] + at, id))
            .collect();
        let back = self.decode(own)?;
        Ok(Prompt {
            added,
            special,
            changed: (back != text).then_some(back),
            ids,
        })
    }

    /// Token ids of a text, without a template's tokens around it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let ids = encode(&self.inner, text, false)?.get_ids().to_vec();
        self.check(&ids)?;
        Ok(ids)
    }

    /// Token ids of a long text, tokenized in pieces of [`PIECE`] characters.
    pub fn encode_long(&self, text: &str) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest
                .char_indices()
                .nth(PIECE)
                .map_or(rest.len(), |(i, _)| i);
            ids.extend(self.encode(&rest[..end])?);
            rest = &rest[end..];
        }
        Ok(ids)
    }

    /// Consecutive windows of `length` tokens of a text, each beginning as a prompt does: with what the template adds.
    /// The last partial window is dropped.
    pub fn windows(&self, text: &str, length: usize) -> Result<Vec<Vec<u32>>> {
        let [before, _] = &self.template;
        self.check(before)?;
        let tokens = self.encode_long(text)?;
        let room = length.saturating_sub(before.len());
        if room == 0 || tokens.len() < room {
            return Err(Error::TextTooShort {
                expected: room.max(1),
                got: tokens.len(),
            });
        }
        Ok(tokens
            .chunks_exact(room)
            .map(|chunk| [before, chunk].concat())
            .collect())
    }

    /// Text of token ids, special tokens included.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.check(ids)?;
        self.inner.decode(ids, false).map_err(|e| Error::Tokenize {
            reason: e.to_string(),
        })
    }

    /// A token as messages name it.
    pub fn name(&self, id: u32) -> String {
        names(&self.inner, &[id])
    }

    /// Those of some tokens that have no text: the model has them, the tokenizer does not.
    pub fn nameless(&self, ids: &[u32]) -> Vec<u32> {
        ids.iter()
            .copied()
            .filter(|&id| self.inner.id_to_token(id).is_none())
            .collect()
    }

    /// Refuses ids outside the vocabulary of the model.
    pub fn check(&self, ids: &[u32]) -> Result<()> {
        check_tokens(ids, self.vocab).map_err(|e| match e {
            Error::UnknownToken {
                token, position, ..
            } if self.inner.id_to_token(token).is_some() => Error::TokenWithoutEmbedding {
                token: self.name(token),
                position,
                vocab: self.vocab,
            },
            e => e,
        })
    }
}

/// Tokens before an answer, at most, from which the text of its first ones depends: decoders join words across them.
const BEFORE: usize = 8;
/// What stands for bytes that are no text yet.
const INCOMPLETE: char = '\u{fffd}';

/// The text of generated tokens, piece by piece: what each one adds, once it is whole characters.
#[derive(Clone, Debug)]
pub struct TextStream<'a> {
    tokenizer: &'a Tokenizer,
    /// The last tokens of the prompt, and all since.
    ids: Vec<u32>,
    /// Tokens from `start` on to `shown` were the last piece: decoded once more, they say where the next one begins.
    start: usize,
    shown: usize,
}

impl<'a> TextStream<'a> {
    /// Of an answer to a prompt.
    pub fn new(tokenizer: &'a Tokenizer, prompt: &[u32]) -> Self {
        let ids = prompt[prompt.len().saturating_sub(BEFORE)..].to_vec();
        Self {
            tokenizer,
            start: 0,
            shown: ids.len(),
            ids,
        }
    }

    /// What a token adds; empty as long as bytes of a character are missing.
    pub fn push(&mut self, token: u32) -> Result<String> {
        self.ids.push(token);
        let text = self.rest()?;
        if text.ends_with(INCOMPLETE) {
            return Ok(String::new());
        }
        if !text.is_empty() {
            self.start = self.shown;
            self.shown = self.ids.len();
        }
        Ok(text)
    }

    /// What is left: bytes that never became a character.
    pub fn finish(self) -> Result<String> {
        self.rest()
    }

    fn rest(&self) -> Result<String> {
        let before = self.tokenizer.decode(&self.ids[self.start..self.shown])?;
        let all = self.tokenizer.decode(&self.ids[self.start..])?;
        // A character that was cut between both is shown as incomplete in the first.
        let before = before.trim_end_matches(INCOMPLETE);
        Ok(all.strip_prefix(before).unwrap_or_default().to_owned())
    }
}

fn encode(inner: &tokenizers::Tokenizer, text: &str, template: bool) -> Result<Encoding> {
    inner
        .encode_fast(text, template)
        .map_err(|e| Error::Tokenize {
            reason: e.to_string(),
        })
}

/// Names of the tokens that the model does not have; tokens that were added to a vocabulary may lack an embedding,
/// those of the vocabulary itself may not.
fn beyond(inner: &tokenizers::Tokenizer, vocab: usize, notes: &mut Vec<String>) -> Result<()> {
    let added = inner.get_added_tokens_decoder();
    let mut ids: Vec<u32> = inner
        .get_vocab(true)
        .into_values()
        .filter(|&id| id as usize >= vocab)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let own: Vec<u32> = ids
        .iter()
        .copied()
        .filter(|id| !added.contains_key(id))
        .collect();
    if !own.is_empty() {
        return Err(Error::VocabularyTooLarge {
            tokens: names(inner, &own),
            model: vocab,
        });
    }
    if !ids.is_empty() {
        notes.push(format!(
            "the model has {vocab} tokens, and no embedding for {} of the tokenizer: prompts that use them are refused",
            names(inner, &ids)
        ));
    }
    Ok(())
}

/// What the post-processor adds before and after a text.
fn template(inner: &tokenizers::Tokenizer) -> Result<[Vec<u32>; 2], String> {
    let text = Encoding::from_tokens(vec![Token::new(0, "a".into(), (0, 1))], 0);
    let encoding = inner
        .post_process(text, None, true)
        .map_err(|e| e.to_string())?;
    let (ids, mask) = (encoding.get_ids(), encoding.get_special_tokens_mask());
    let own: Vec<usize> = (0..ids.len()).filter(|&i| mask[i] == 0).collect();
    let [at] = own.as_slice() else {
        return Err("its post-processor does not keep the text as it is".into());
    };
    Ok([ids[..*at].to_vec(), ids[at + 1..].to_vec()])
}

/// `"[PAD]" (512), "x" (513) and 7 more`.
fn names(inner: &tokenizers::Tokenizer, ids: &[u32]) -> String {
    let mut text: Vec<String> = ids
        .iter()
        .take(NAMED)
        .map(|&id| match inner.id_to_token(id) {
            Some(token) => format!("{} ({id})", json!(token)),
            None => format!("token {id}"),
        })
        .collect();
    if ids.len() > NAMED {
        let last = text.pop().unwrap_or_default();
        text.push(format!("{last} and {} more", ids.len() - NAMED));
    }
    text.join(", ")
}

pub(crate) fn check_tokens(ids: &[u32], vocab: usize) -> Result<()> {
    match ids.iter().position(|&t| t as usize >= vocab) {
        Some(position) => Err(Error::UnknownToken {
            token: ids[position],
            position,
            vocab,
        }),
        None => Ok(()),
    }
}

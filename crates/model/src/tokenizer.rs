//! Text to token ids and back.

use std::path::Path;

use crate::error::{Error, Result};

/// Characters per piece when a long text is tokenized.
pub const PIECE: usize = 20_000;

/// The tokenizer of a checkpoint, limited to the vocabulary of its model.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    vocab: usize,
}

impl Tokenizer {
    /// Reads `tokenizer.json` for a model of `vocab` tokens.
    pub fn load(path: &Path, vocab: usize) -> Result<Self> {
        let bytes = crate::checkpoint::read(path)?;
        let inner =
            tokenizers::Tokenizer::from_bytes(&bytes).map_err(|e| Error::InvalidTokenizer {
                path: path.to_owned(),
                reason: e.to_string(),
            })?;
        let ids = inner
            .get_vocab(true)
            .values()
            .max()
            .map_or(0, |&id| id as usize + 1);
        if ids > vocab {
            return Err(Error::VocabularyTooLarge {
                tokenizer: ids,
                model: vocab,
            });
        }
        Ok(Self { inner, vocab })
    }

    /// Vocabulary of the model.
    pub fn vocab(&self) -> usize {
        self.vocab
    }

    /// Token ids of a text, without special tokens around it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(|e| Error::Tokenize {
                reason: e.to_string(),
            })?;
        let ids = encoding.get_ids().to_vec();
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

    /// Consecutive windows of `length` tokens of a text; the last partial one is dropped.
    pub fn windows(&self, text: &str, length: usize) -> Result<Vec<Vec<u32>>> {
        let tokens = self.encode_long(text)?;
        if tokens.len() < length {
            return Err(Error::TextTooShort {
                expected: length,
                got: tokens.len(),
            });
        }
        Ok(tokens.chunks_exact(length).map(<[u32]>::to_vec).collect())
    }

    /// Text of token ids, special tokens included.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.check(ids)?;
        self.inner.decode(ids, false).map_err(|e| Error::Tokenize {
            reason: e.to_string(),
        })
    }

    /// Refuses ids outside the vocabulary of the model.
    pub fn check(&self, ids: &[u32]) -> Result<()> {
        check_tokens(ids, self.vocab)
    }
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

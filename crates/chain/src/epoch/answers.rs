//! The provider's folder of an epoch: its answers in the order in which they were given, and what a receipt of each says.
//!
//! | file | content |
//! |---|---|
//! | `epoch.json` | where, which line, which number |
//! | `answers.jsonl` | a line for each answer; secret, as it has prompts, answers and seeds |
//! | `closed.json` | how many answers were committed to; nothing is added any more |

use super::{Books, Line};
use crate::bindings::disputes::AnswerReceipt;
use crate::claim::word;
use crate::epoch::tree::Tree;
use crate::error::Error;
use crate::receipt::Opening;
use crate::signing::{sign, signer_of};
use alloy::primitives::{Address, B256, Bytes, keccak256};
use alloy::signers::local::PrivateKeySigner;
use nanozk_verifier::hex::{Digest32, Scalar};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Format name of an epoch's folder.
pub const EPOCH_FORMAT: &str = "nanozk-epoch-1";
/// Format name of a receipt of an epoch.
pub const EPOCH_RECEIPT_FORMAT: &str = "nanozk-epoch-receipt-1";
/// Most answers of an epoch, as in `EpochBook`.
pub const MAX_COUNT: u32 = 1 << 20;

/// Which epoch a folder is of: `epoch.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`EPOCH_FORMAT`].
    pub format: String,
    /// The contracts.
    pub books: Books,
    /// Provider and version.
    pub line: Line,
    /// Number of the epoch in its line.
    pub number: u32,
    /// Model of the version.
    pub model_id: Digest32,
    /// Positions of a session of the model, which digests cover.
    pub positions: u32,
}

/// An answer, with what opens its digests and its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Whose channel pays.
    pub requester: Address,
    /// Seed of the session.
    pub seed: Digest32,
    /// Tokens of the prompt.
    pub prompt: u32,
    /// Prompt and generated tokens.
    pub tokens: Vec<u32>,
    /// Salts and digests of prompt and answer.
    pub salts: [Scalar; 2],
    /// See `salts`.
    pub digests: [Scalar; 2],
}

impl Answer {
    /// Its receipt, at a place of an epoch.
    pub fn receipt(&self, header: &Header, index: u32) -> AnswerReceipt {
        // No session has so many tokens.
        let tokens = u32::try_from(self.tokens.len()).unwrap_or(u32::MAX);
        AnswerReceipt {
            provider: header.line.provider,
            version: header.line.version,
            epoch: header.number,
            index,
            requester: self.requester,
            inputDigest: word(&self.digests[0]).into(),
            outputDigest: word(&self.digests[1]).into(),
            promptTokens: self.prompt,
            newTokens: tokens.saturating_sub(self.prompt),
            decoding: B256::ZERO,
            seedDigest: keccak256(self.seed.0),
        }
    }

    /// What a requester needs besides the receipt.
    pub fn opening(&self, header: &Header) -> Opening {
        let (prompt, generated) = self
            .tokens
            .split_at(self.tokens.len().min(self.prompt as usize));
        Opening {
            positions: header.positions,
            prompt: prompt.to_vec(),
            generated: generated.to_vec(),
            input_salt: self.salts[0],
            output_salt: self.salts[1],
        }
    }
}

/// A receipt of an epoch's answer, and what opens it: what a requester is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochReceipt {
    /// [`EPOCH_RECEIPT_FORMAT`].
    pub format: String,
    /// The contracts.
    pub books: Books,
    /// Provider and version.
    pub line: Line,
    /// Number of the epoch.
    pub epoch: u32,
    /// Place in the epoch.
    pub index: u32,
    /// Whose channel pays.
    pub requester: Address,
    /// Model of the version.
    pub model_id: Digest32,
    /// Keccak-256 of the session's seed.
    pub seed_digest: Digest32,
    /// Prompt and answer, with the salts of their digests.
    pub opening: Opening,
    /// The provider's signature (EIP-712).
    pub signature: Bytes,
}

impl EpochReceipt {
    /// Signs that of an answer, as its provider.
    pub fn signed(header: &Header, answer: &Answer, index: u32, signer: &PrivateKeySigner) -> Self {
        let digest = header.books.receipt(&answer.receipt(header, index));
        Self {
            format: EPOCH_RECEIPT_FORMAT.into(),
            books: header.books,
            line: header.line,
            epoch: header.number,
            index,
            requester: answer.requester,
            model_id: header.model_id,
            seed_digest: Digest32(keccak256(answer.seed.0).0),
            opening: answer.opening(header),
            signature: sign(signer, digest).into(),
        }
    }

    /// From JSON: as it is, or in an answer of `nanozk serve`.
    ///
    /// # Errors
    /// If there is none in it.
    pub fn from_json(mut value: serde_json::Value) -> Result<Self, serde_json::Error> {
        match value.get_mut("nanozk") {
            Some(inside) => serde_json::from_value(inside["receipt"].take()),
            None => serde_json::from_value(value),
        }
    }

    /// What the provider signed, of the tokens that the opening has.
    ///
    /// # Errors
    /// If the opening is of no session.
    pub fn typed(&self) -> Result<AnswerReceipt, Error> {
        let [input, output] = self
            .opening
            .digests()
            .map_err(|e| Error::Mismatch(e.to_string()))?;
        // They fit a session.
        let count = |tokens: &[u32]| u32::try_from(tokens.len()).unwrap_or(u32::MAX);
        Ok(AnswerReceipt {
            provider: self.line.provider,
            version: self.line.version,
            epoch: self.epoch,
            index: self.index,
            requester: self.requester,
            inputDigest: word(&input).into(),
            outputDigest: word(&output).into(),
            promptTokens: count(&self.opening.prompt),
            newTokens: count(&self.opening.generated),
            decoding: B256::ZERO,
            seedDigest: self.seed_digest.0.into(),
        })
    }

    /// Checks format and signature: that the provider signed this answer to this prompt. Gives what was signed.
    ///
    /// # Errors
    /// If it is not so.
    pub fn check(&self) -> Result<AnswerReceipt, Error> {
        if self.format != EPOCH_RECEIPT_FORMAT {
            return Err(Error::Format {
                expected: EPOCH_RECEIPT_FORMAT,
                got: self.format.clone(),
            });
        }
        let receipt = self.typed()?;
        match signer_of(&self.signature, self.books.receipt(&receipt)) == Some(self.line.provider) {
            true => Ok(receipt),
            false => Err(Error::Mismatch(format!(
                "the signature is not {}'s for this receipt",
                self.line.provider
            ))),
        }
    }
}

/// How many answers were committed to, and of how many draws: `closed.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// Answers.
    pub count: u32,
    /// Draws.
    pub draws: u16,
}

/// Both trees of an epoch.
#[derive(Clone, Debug)]
pub struct Trees {
    /// Over statements.
    pub statements: Tree,
    /// Over digests of receipts.
    pub receipts: Tree,
    /// Answers.
    pub count: u32,
}

/// An epoch's folder, which one process at a time has open.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    header: Header,
    answers: File,
    count: u32,
}

pub(super) fn failed(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    move |e| Error::File {
        path: path.to_owned(),
        reason: e.to_string(),
    }
}

fn damaged(path: &Path, line: u32, e: impl std::fmt::Display) -> Error {
    Error::File {
        path: path.to_owned(),
        reason: format!("line {}: {e}", line + 1),
    }
}

impl Folder {
    /// File of the answers.
    fn answers_path(path: &Path) -> PathBuf {
        path.join("answers.jsonl")
    }

    /// A new epoch's, in a directory that has no other one.
    ///
    /// # Errors
    /// If it cannot be written, or is there.
    pub fn create(path: &Path, header: Header) -> Result<Self, Error> {
        std::fs::create_dir_all(path).map_err(failed(path))?;
        let (file, new) = (path.join("epoch.json"), path.join("epoch.json.new"));
        let text = serde_json::to_string_pretty(&header).expect("plain fields serialize");
        let mut written = File::create(&new).map_err(failed(&new))?;
        written.write_all(text.as_bytes()).map_err(failed(&new))?;
        written.sync_all().map_err(failed(&new))?;
        // Whole or not at all, and never in the place of another one.
        std::fs::hard_link(&new, &file).map_err(failed(&file))?;
        std::fs::remove_file(&new).map_err(failed(&new))?;
        Self::open(path)
    }

    /// What a folder is of.
    ///
    /// # Errors
    /// If there is none.
    pub fn header_of(path: &Path) -> Result<Header, Error> {
        let file = path.join("epoch.json");
        let text = std::fs::read_to_string(&file).map_err(failed(&file))?;
        let header: Header = serde_json::from_str(&text).map_err(|e| Error::File {
            path: file,
            reason: e.to_string(),
        })?;
        if header.format != EPOCH_FORMAT {
            return Err(Error::Format {
                expected: EPOCH_FORMAT,
                got: header.format,
            });
        }
        Ok(header)
    }

    /// One that is there. A line that was not written to its end is dropped: nobody was given its receipt.
    ///
    /// # Errors
    /// If it cannot be read, or another process has it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let header = Self::header_of(path)?;
        let file = Self::answers_path(path);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        // Prompts, answers and seeds are the provider's.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut answers = options.open(&file).map_err(failed(&file))?;
        answers.try_lock().map_err(|e| Error::File {
            path: file.clone(),
            reason: format!("another process has it: {e}"),
        })?;
        let (mut count, mut whole) = (0, 0);
        let mut reader = BufReader::new(&answers);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).map_err(failed(&file))? > 0 {
            if line.last() == Some(&b'\n') {
                whole += line.len() as u64;
                count += 1;
            }
            line.clear();
        }
        answers.set_len(whole).map_err(failed(&file))?;
        answers.seek(SeekFrom::End(0)).map_err(failed(&file))?;
        Ok(Self {
            path: path.to_owned(),
            header,
            answers,
            count,
        })
    }

    /// One that is closed, to be read: other processes may have it, too.
    ///
    /// # Errors
    /// If it cannot be read, or is open.
    pub fn open_closed(path: &Path) -> Result<(Self, Closed), Error> {
        let header = Self::header_of(path)?;
        let file = Self::answers_path(path);
        let mut folder = Self {
            answers: File::open(&file).map_err(failed(&file))?,
            path: path.to_owned(),
            count: 0,
            header,
        };
        let closed = folder.closed()?.ok_or_else(|| {
            Error::Mismatch(format!(
                "epoch {} is open: nanozk epoch close",
                folder.header.number
            ))
        })?;
        folder.count = closed.count;
        Ok((folder, closed))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which epoch it is of.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Answers so far.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Adds answers, and gives the place of the first: they are on disk when this returns.
    ///
    /// # Errors
    /// If they cannot be written, or the epoch is closed or full.
    pub fn append(&mut self, answers: &[Answer]) -> Result<u32, Error> {
        if self.closed()?.is_some() {
            return Err(Error::Mismatch(format!(
                "epoch {} is closed: its answers are committed to",
                self.header.number
            )));
        }
        let count = u32::try_from(answers.len()).ok();
        let count = count
            .and_then(|more| self.count.checked_add(more))
            .filter(|count| *count <= MAX_COUNT);
        let count = count.ok_or_else(|| {
            Error::Mismatch(format!(
                "epoch {} can have {MAX_COUNT} answers and has {}: commit to them, and open the next",
                self.header.number, self.count
            ))
        })?;
        let path = Self::answers_path(&self.path);
        let mut lines = Vec::new();
        for answer in answers {
            serde_json::to_writer(&mut lines, answer).expect("plain fields serialize");
            lines.push(b'\n');
        }
        let before = self.answers.stream_position().map_err(failed(&path))?;
        let written = self
            .answers
            .write_all(&lines)
            .and_then(|()| self.answers.sync_data());
        if let Err(e) = written {
            // A part of a line would spoil the next one.
            let undone = self.answers.set_len(before);
            let undone = undone.and_then(|()| self.answers.seek(SeekFrom::Start(before)));
            undone.map_err(failed(&path))?;
            return Err(failed(&path)(e));
        }
        let first = std::mem::replace(&mut self.count, count);
        Ok(first)
    }

    /// What is done with each of the first `count` answers; only one is in memory at a time.
    ///
    /// # Errors
    /// If a line cannot be read, or there are fewer.
    pub fn each(
        &self,
        count: u32,
        mut with: impl FnMut(u32, Answer) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let path = Self::answers_path(&self.path);
        let reader = BufReader::new(File::open(&path).map_err(failed(&path))?);
        let mut lines = reader.lines();
        for index in 0..count {
            let line = lines
                .next()
                .ok_or_else(|| damaged(&path, index, "there is none"))?;
            let line = line.map_err(failed(&path))?;
            let answer = serde_json::from_str(&line).map_err(|e| damaged(&path, index, e))?;
            with(index, answer)?;
        }
        Ok(())
    }

    /// Some answers, by rising place.
    ///
    /// # Errors
    /// If a line cannot be read, or there is none.
    pub fn some(&self, places: &[u32]) -> Result<Vec<Answer>, Error> {
        let mut found = Vec::with_capacity(places.len());
        let end = places.iter().max().map_or(0, |last| last.saturating_add(1));
        self.each(end, |index, answer| {
            if places.contains(&index) {
                found.push(answer);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Both trees over the first `count` answers.
    ///
    /// # Errors
    /// If the answers cannot be read, or there are none.
    pub fn trees(&self, count: u32) -> Result<Trees, Error> {
        if count == 0 {
            return Err(Error::Mismatch(format!(
                "epoch {} has no answers",
                self.header.number
            )));
        }
        let (mut statements, mut receipts) = (Vec::new(), Vec::new());
        let Header {
            books,
            line,
            model_id,
            ..
        } = &self.header;
        self.each(count, |index, answer| {
            let receipt = answer.receipt(&self.header, index);
            statements.push(line.statement(books, *model_id, &receipt));
            receipts.push(books.receipt(&receipt));
            Ok(())
        })?;
        Ok(Trees {
            statements: Tree::new(statements),
            receipts: Tree::new(receipts),
            count,
        })
    }

    /// What was committed to; none if nothing was.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn closed(&self) -> Result<Option<Closed>, Error> {
        let file = self.path.join("closed.json");
        let mut text = String::new();
        match File::open(&file) {
            Ok(mut opened) => opened.read_to_string(&mut text).map_err(failed(&file))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(&file)(e)),
        };
        let closed = serde_json::from_str(&text).map_err(|e| Error::File {
            path: file,
            reason: e.to_string(),
        })?;
        Ok(Some(closed))
    }

    /// Closes it: before a commitment is sent, so that no receipt is of an epoch that has no place for it. One that is closed
    /// stays as it is.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn close(&mut self, draws: u16) -> Result<Closed, Error> {
        if let Some(closed) = self.closed()? {
            return Ok(closed);
        }
        let count = self.count;
        let closed = Closed { count, draws };
        let (file, new) = (
            self.path.join("closed.json"),
            self.path.join("closed.json.new"),
        );
        let text = serde_json::to_string(&closed).expect("plain fields serialize");
        let mut written = File::create(&new).map_err(failed(&new))?;
        written.write_all(text.as_bytes()).map_err(failed(&new))?;
        written.sync_all().map_err(failed(&new))?;
        std::fs::rename(&new, &file).map_err(failed(&file))?;
        let folder = File::open(&self.path).map_err(failed(&self.path))?;
        folder.sync_all().map_err(failed(&self.path))?;
        Ok(closed)
    }
}

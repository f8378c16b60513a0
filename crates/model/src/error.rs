//! What can go wrong, with what was expected and what was found.

use std::path::PathBuf;

use crate::report::Op;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of import, quantization, evaluation or of a model file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the checkpoint does not exist.
    #[error("missing file: {path}", path = path.display())]
    MissingFile {
        /// Where it was expected.
        path: PathBuf,
    },
    /// A file exists but cannot be read or written.
    #[error("cannot access {path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A JSON file is not the JSON that was expected.
    #[error("{path} is not valid: {source}", path = path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A file that stands in for another one.
    #[error("{path} is {what}, not the file itself: {advice}", path = path.display())]
    StandIn {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A text file in another encoding than UTF-8.
    #[error("{path} is UTF-16: save it as UTF-8", path = path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
    },
    /// A chat template that is no template, or does not take messages.
    #[error("the chat template: {reason}")]
    ChatTemplate {
        /// What is wrong.
        reason: String,
    },
    /// What should be a list of messages is none.
    #[error("messages are a list of objects with `role` and `content`: {reason}")]
    Messages {
        /// What is wrong.
        reason: String,
    },
    /// A folder without weights that can be read.
    #[error("{dir} has no weights that can be read (model.safetensors, its shards, or pytorch_model.bin): {advice}", dir = dir.display())]
    NoWeights {
        /// The folder.
        dir: PathBuf,
        /// What to do.
        advice: String,
    },
    /// A folder without a tokenizer that can be read.
    #[error("{dir} has no tokenizer.json, and not both of vocab.json and merges.txt: download them, or write one with `AutoTokenizer.from_pretrained(…).save_pretrained('{dir}')`", dir = dir.display())]
    NoTokenizer {
        /// The folder.
        dir: PathBuf,
    },
    /// A PyTorch file that is damaged, or has more than tensors.
    #[error("{path} cannot be read: {reason}; download it again, or {conversion}", path = path.display(), conversion = crate::checkpoint::conversion(path.parent().unwrap_or(path)))]
    PyTorch {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Tensors of a model within another one.
    #[error("{path}: the names of its tensors begin with `{prefix}`, which is not known: save the transformer in it as a model of its own", path = path.display())]
    Prefix {
        /// The file.
        path: PathBuf,
        /// What comes before the embedding's name.
        prefix: String,
    },
    /// Two places say different things.
    #[error("{file}: {first}, but {second}: make them agree")]
    Contradiction {
        /// Where.
        file: &'static str,
        /// What one says.
        first: String,
        /// What the other says.
        second: String,
    },
    /// The checkpoint is of another family.
    #[error("unsupported {field} `{got}`, expected {expected}")]
    UnsupportedArchitecture {
        /// `model_type` or `architectures`.
        field: &'static str,
        /// What is supported.
        expected: &'static str,
        /// What `config.json` says.
        got: String,
    },
    /// A configuration asks for something that is not implemented.
    #[error("{file}: unsupported option `{option}` = {got}, expected {expected}")]
    UnsupportedOption {
        /// Which configuration.
        file: &'static str,
        /// Key in it.
        option: &'static str,
        /// What is supported, or what to do.
        expected: &'static str,
        /// What it says.
        got: String,
    },
    /// `config.json` lacks a required key.
    #[error("config.json lacks `{option}`")]
    MissingOption {
        /// Key in `config.json`.
        option: &'static str,
    },
    /// The head width would not be an integer.
    #[error("{heads} heads do not divide the width {width}")]
    HeadsDoNotDivideWidth {
        /// `n_head`.
        heads: usize,
        /// `n_embd`.
        width: usize,
    },
    /// A file ends before its last tensor does.
    #[error("{path} is truncated: expected {expected} bytes, got {got}", path = path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes its header announces.
        expected: u64,
        /// Bytes it has.
        got: u64,
    },
    /// A file of weights, or their index, is not what it should be.
    #[error("{path} is not valid: {reason}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A tensor of the architecture is not in the file.
    #[error("missing tensor `{name}`")]
    MissingTensor {
        /// Its name in the checkpoint.
        name: String,
    },
    /// A tensor has another shape than the configuration implies.
    #[error("tensor `{name}`: expected shape {expected:?}, got {got:?}{hint}", hint = transposed(expected, got))]
    Shape {
        /// Its name in the checkpoint.
        name: String,
        /// Implied by the configuration.
        expected: Vec<usize>,
        /// In the file.
        got: Vec<usize>,
    },
    /// A tensor has an element type that is not supported.
    #[error("tensor `{name}`: expected {expected}, got {got}")]
    Dtype {
        /// Its name in the checkpoint.
        name: String,
        /// Supported types.
        expected: &'static str,
        /// In the file.
        got: String,
    },
    /// A weight is infinite or not a number.
    #[error("tensor `{name}`: element {index} is {value}, expected a finite number")]
    NonFinite {
        /// Its name in the checkpoint.
        name: String,
        /// Position in the flattened tensor.
        index: usize,
        /// Infinity or NaN.
        value: f32,
    },
    /// The configuration ties the vocabulary projection to the embedding, the weights do not.
    #[error(
        "`tie_word_embeddings` is true but `lm_head.weight` differs from `wte.weight` at element {index}"
    )]
    TiedHeadDiffers {
        /// Position in the flattened tensor.
        index: usize,
    },
    /// `tokenizer.json` is not one.
    #[error("{path} is not a valid tokenizer: {reason}", path = path.display())]
    InvalidTokenizer {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The tokenizer has tokens the model does not know.
    #[error(
        "the tokenizer's vocabulary has {tokens}, the model has only tokens below {model}: they do not belong together"
    )]
    VocabularyTooLarge {
        /// The first of the tokens that the model does not have.
        tokens: String,
        /// Vocabulary of the model.
        model: usize,
    },
    /// Text cannot be tokenized, or tokens not be turned into text.
    #[error("tokenizer: {reason}")]
    Tokenize {
        /// Why.
        reason: String,
    },
    /// A token id outside the vocabulary.
    #[error("token {token} at position {position}, expected less than {vocab}")]
    UnknownToken {
        /// The id.
        token: u32,
        /// Where in the sequence.
        position: usize,
        /// Vocabulary of the model.
        vocab: usize,
    },
    /// A token that the tokenizer has and the model has no embedding for.
    #[error(
        "{token} at position {position} is a token without an embedding: the model has only tokens below {vocab}"
    )]
    TokenWithoutEmbedding {
        /// Its name and id.
        token: String,
        /// Where in the sequence.
        position: usize,
        /// Vocabulary of the model.
        vocab: usize,
    },
    /// A sequence that is empty or longer than the context.
    #[error("sequence of {got} tokens, expected 1 to {expected}")]
    SequenceLength {
        /// Greatest length.
        expected: usize,
        /// Length given.
        got: usize,
    },
    /// Sequences of one batch differ in length.
    #[error("sequences of one batch have {expected} and {got} tokens, expected equal lengths")]
    RaggedBatch {
        /// Length of the first.
        expected: usize,
        /// Length of another.
        got: usize,
    },
    /// Not even one window of tokens.
    #[error("the text has {got} tokens, expected at least {expected}")]
    TextTooShort {
        /// Tokens of one window.
        expected: usize,
        /// Tokens of the text.
        got: usize,
    },
    /// An option of the quantizer or of an analysis is out of range.
    #[error("{name} is {got}, expected {expected}")]
    InvalidArgument {
        /// Which.
        name: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What was given.
        got: String,
    },
    /// No allowed precision represents what calibration observed.
    #[error("{op}{at}: a magnitude of {observed:.4} was observed; with a headroom of {headroom} that is more than the {limit:.4} that the integers can represent; \
             the model is out of reach of this arithmetic, unless a smaller --headroom helps", at = at(*layer))]
    RangeNotMet {
        /// Block, or none for embedding and head.
        layer: Option<usize>,
        /// Operation.
        op: Op,
        /// Greatest magnitude seen in calibration.
        observed: f64,
        /// Greatest magnitude the widest allowed format represents.
        limit: f64,
        /// Headroom asked for.
        headroom: f64,
    },
    /// No window of a text stays in the ranges of the integer model.
    #[error("all {windows} windows of the text leave a range of the integer model, the furthest at {operation}{at}: {greatest:.1} times its range; \
             import the model again with a greater --headroom, or with calibration text that is more like this one", at = at(*layer))]
    AllOverflow {
        /// Windows of text.
        windows: usize,
        /// Block, or none for embedding and head.
        layer: Option<usize>,
        /// Operation that went furthest beyond its range.
        operation: String,
        /// Its greatest magnitude over the end of its range.
        greatest: f64,
    },
    /// The integer executor refused the input.
    #[error("integer run: {0}")]
    Executor(#[from] nanozk_executor::Error),
    /// A quantized model file of another format version.
    #[error("{path}: format version {got}, expected {expected}", path = path.display())]
    FormatVersion {
        /// The file.
        path: PathBuf,
        /// Version this software reads.
        expected: u32,
        /// Version of the file.
        got: u32,
    },
    /// A quantized model file whose contents are not what was written.
    #[error("{path} is corrupt: checksum expected {expected}, got {got}", path = path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Stated in the file.
        expected: String,
        /// Of its contents.
        got: String,
    },
    /// A quantized model file with parameters or weights outside the specification.
    #[error("{path}: {source}", path = path.display())]
    InvalidModel {
        /// The file.
        path: PathBuf,
        /// What is outside.
        source: nanozk_executor::Error,
    },
    /// The float library failed.
    #[error("float computation: {0}")]
    Float(#[from] candle_core::Error),
}

fn at(layer: Option<usize>) -> String {
    layer.map(|l| format!(" of layer {l}")).unwrap_or_default()
}

/// What a transposed shape tells.
fn transposed(expected: &[usize], got: &[usize]) -> &'static str {
    let reversed = expected.len() == 2 && expected.iter().rev().eq(got) && expected != got;
    if reversed {
        ": it is transposed (nn.Linear keeps [outputs, inputs], GPT-2's Conv1D [inputs, outputs]): convert the checkpoint to \
         the layout of transformers"
    } else {
        ""
    }
}

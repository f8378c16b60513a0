//! The float side of the project: from a Hugging Face checkpoint to integers, and how far apart they are.
//!
//! * [`FloatModel`]: import of checkpoints and the float reference.
//! * [`Tokenizer`]: text to token ids and back; [`ChatTemplate`]: messages to text.
//! * [`quantize()`]: the integer model of `docs/arithmetic.md`, with a [`Report`] of every operation.
//! * [`file`](mod@file): the file of a quantized model.
//! * [`evaluate()`]: perplexity and agreement of the two on real text.
//! * [`importance()`]: Fisher information of each layer, and what a choice of layers covers of it.

pub mod chat;
pub mod checkpoint;
pub mod config;
pub mod error;
pub mod evaluate;
pub mod file;
pub mod float;
mod generation;
pub mod importance;
pub mod parts;
mod pickle;
pub mod quantize;
pub mod report;
pub mod source;
pub mod synthetic;
mod tensors;
pub mod tokenizer;
mod tokenizer_files;

pub use chat::{ChatPrompt, ChatTemplate, Messages};
pub use config::Config;
pub use error::{Error, Result};
pub use evaluate::{Eval, Perplexity, evaluate, evaluate_windows, perplexity};
pub use float::FloatModel;
pub use importance::{
    Coverage, Importance, LayerImportance, coverage, importance, render_coverage,
};
pub use parts::Checkpoint;
pub use quantize::{Estimate, Options, Stage, quantize, quantize_checkpoint};
pub use report::{Op, OpReport, Overflow, Report};
pub use tokenizer::{Prompt, PromptOptions, TextStream, Tokenizer};

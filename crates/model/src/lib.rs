//! The float side of the project: from a Hugging Face checkpoint to integers, and how far apart they are.
//!
//! * [`FloatModel`]: import of GPT-2 checkpoints and the float reference.
pub mod checkpoint;
pub mod error;
pub mod evaluate;
pub mod float;
pub mod report;
pub mod tokenizer;

pub use error::{Error, Result};
pub use evaluate::{evaluate, Eval};
pub use float::FloatModel;
pub use tokenizer::Tokenizer;

//! Integer semantics of a quantized transformer.
//!
//! * [`spec`]: the quantization specification, a part of the model id.
//! * [`matrix`]: integer matrices, two bytes a weight where weights have 16 significant bits.
//! * [`model`]: the quantized weights, layer by layer.
//! * [`tables`]: the exponential and activation tables, in integer fixed point.
//! * [`ops`]: the operations, one function each, checked for range.
//! * [`trace`]: the forward pass with every intermediate value a circuit needs.
//! * [`executor`]: a model prepared to be run many times, and greedy generation.
//! * [`synthetic`]: deterministic pseudorandom models, for tests and benchmarks.

pub mod executor;
mod kernels;
pub mod matrix;
pub mod model;
pub mod ops;
pub mod spec;
pub mod synthetic;
pub mod tables;
pub mod trace;

pub use executor::{Executor, Generation};
pub use matrix::Matrix;
pub use model::{HeadNorm, Linear, QuantizedLayer, QuantizedModel, Rotation};
pub use ops::Error;
pub use spec::{Activation, Architecture, Gpt2, MlpKind, Norm, Positions, Spec};
pub use tables::{ActivationTable, ExpTable};
pub use trace::{AttentionTrace, EmbedTrace, HeadTrace, MlpTrace, NormTrace, Trace};
pub use trace::{bucket, padded};

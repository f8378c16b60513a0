//! Integer semantics of a quantized transformer.
//!
//! * [`spec`]: the quantization specification, a part of the model id.
//! * [`model`]: the quantized weights, layer by layer.
//! * [`tables`]: the exponential and activation tables, in integer fixed point.
//! * [`ops`]: the operations, one function each, checked for range.
//! * [`trace`]: the forward pass with every intermediate value a circuit needs.

pub mod model;
pub mod ops;
pub mod spec;
pub mod tables;
pub mod trace;

pub use model::{Linear, QuantizedLayer, QuantizedModel};
pub use spec::{Activation, Architecture, Spec};
pub use trace::{AttentionTrace, EmbedTrace, HeadTrace, LayerNormTrace, MlpTrace, Trace};

//! Circuits of a quantized transformer's layers, as data.
//!
//! * [`ir`]: what a circuit is. [`composer`]: how one is put together.
//! * [`lookup`], [`region`], [`norm`], [`mlp`], [`attention`], [`embed`], [`head`], [`poseidon`]: the operations, each with its gates.
//! * [`layer`]: a layer's shape, program, weights and witness.

pub mod attention;
pub mod composer;
pub mod embed;
pub mod head;
pub mod ir;
pub mod layer;
pub mod lookup;
pub mod mlp;
pub mod norm;
pub mod plan;
pub mod poseidon;
pub mod region;
pub mod witness;

pub use composer::Plan;
pub use layer::{Activations, BlockShape, Layer, LayerKind, LayerTrace, LayerWeights, Shape};
pub use plan::{plan, ModelPlan, Objective};

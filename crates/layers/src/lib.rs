//! The layers of a transformer as programs over tensors.
//!
//! Each file is to be read beside `docs/arithmetic.md`: [`gadgets`] are its operations, [`attention`] and [`mlp`] the
//! halves of a block; [`tokens`] is what `docs/format.md` says of digests. [`model`] puts some or all layers of
//! a model together, [`packing`] says where their weights and activations lie. A layer is declared once for all of its kind
//! that a proof is about, which have an axis `layer`.

/// The code of the tutorial is run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/adding-an-operation.md")]
pub struct Tutorial;

pub mod attention;
pub mod embed;
pub mod gadgets;
pub mod head;
pub mod mlp;
pub mod model;
pub mod packing;
pub mod poseidon;
pub mod shape;
pub mod tokens;

pub use attention::Attention;
pub use embed::Embed;
pub use head::Head;
pub use mlp::Mlp;
pub use model::{BadSelection, Layer, Layers, Selection, Weights};
pub use packing::{Packing, Registered, plan};
pub use shape::{Axes, Shape};
pub use tokens::{Sequence, Tokens};

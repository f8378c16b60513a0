//! The layers of a transformer as programs over tensors.
//!
//! Each file is to be read beside `docs/arithmetic.md`: [`gadgets`] are its operations, [`attention`] and [`mlp`] the
//! halves of a block. A layer is declared once for all of its kind that a proof is about, which have an axis `layer`.

pub mod attention;
pub mod gadgets;
pub mod mlp;
pub mod shape;

pub use attention::Attention;
pub use mlp::Mlp;
pub use shape::{Axes, Packing, Shape};

//! The layers of a transformer as programs over tensors.
//!
//! Each file is to be read beside `docs/arithmetic.md`: [`gadgets`] are its operations, [`attention`] and [`mlp`] the
//! halves of a block; [`tokens`] is what `docs/format.md` says of digests. [`model`] puts all together. A layer is declared
//! once for all of its kind that a proof is about, which have an axis `layer`.

pub mod attention;
pub mod embed;
pub mod gadgets;
pub mod head;
pub mod mlp;
pub mod model;
pub mod poseidon;
pub mod shape;
pub mod tokens;

pub use attention::Attention;
pub use embed::Embed;
pub use head::Head;
pub use mlp::Mlp;
pub use model::{Blocks, Model};
pub use shape::{Axes, Packing, Shape};
pub use tokens::{Sequence, Tokens};

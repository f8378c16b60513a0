//! The circuit that verifies proofs: one proof for all layers of a session.
//!
//! * [`gates`]: columns and gates of a machine over the scalar field: arithmetic, memory, limbs, points, Poseidon;
//! * [`machine`]: its rows;
//! * [`sponge`], [`curve`]: hashing, and sums of multiples of points;
//! * [`verifier`]: the verifier of `nanozk_verifier` in its operations;
//! * [`node`]: circuits that verify consecutive layers, and each other; [`plan`]: the tree they form.
//!
//! Every node of a tree has the same columns and gates; what differs are fixed values and the number of rows. So size
//! and cost of a proof depend on neither the number of layers nor their shapes.

pub mod curve;
pub mod gates;
mod limbs;
pub mod machine;
pub mod node;
pub mod plan;
pub mod sponge;
pub mod verifier;

pub use machine::{Columns, Machine, Value};
pub use node::{Child, ChildProof, Ends, Node, Run, Witness};
pub use plan::{NotAPlan, Plan};

//! Programs over tensors.
//!
//! A [`Program`] says what a joint proof proves: tensors with named axes, identities between them that read like the
//! model's equations, and lookups of their cells in tables. It knows no transformer. [`Layout`] places the cells of
//! tensors in committed columns; [`check`](Program::check) runs a program on values and names the first identity that
//! fails.
//!
//! Start reading at `program.rs`, then `expression.rs`, `layout.rs`, and `kernel.rs` for what a verifier evaluates by
//! itself.

mod axis;
mod check;
mod digest;
mod expression;
pub mod kernel;
mod layout;
mod plan;
mod program;
mod values;

pub use axis::{At, Axis, AxisId, Point};
pub use check::Failure;
pub use expression::{Expression, Factor, Operand, Product};
pub use layout::{
    Cells, Column, ColumnId, ColumnKind, CopyLane, Group, Lane, Layout, LayoutError, Packer, Place,
    Registry, TableLane, TablePlace,
};
pub use plan::{Estimate, Objective, Plan, PlanError, plan};
pub use program::{
    Identity, Lookup, Program, Public, Role, Slot, Table, TableId, Tensor, TensorId, View, Virtual,
};
pub use values::{ColumnData, OutOfRange, Values, integer};

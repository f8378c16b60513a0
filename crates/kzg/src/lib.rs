//! The arithmetic under commitments: sums of many multiples of fixed points of BN254 ([`FixedBases`]), and sums of small
//! integers times field elements ([`Weights`], [`Sums`]).
//!
//! On these stand commitments to columns of integers ([`Basis`]) and the opening of their combinations at a point of the
//! multilinear extension ([`mod@opening`]).
//!
//! Start reading at `basis.rs` and `opening.rs`; arithmetic starts at `msm.rs`. `examples/arithmetic.rs` times it beside the
//! library.

mod additions;
mod basis;
#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod msm;
pub mod opening;
mod raw;
mod scalar;
mod small;
#[cfg(test)]
mod testing;
mod transform;

pub use additions::Instructions;
pub use basis::{Accumulator, Basis, Equation};
pub use msm::{FixedBases, IdentityBase};
pub use scalar::Scalar;
pub use small::{Small, Sums, Weights};
pub use transform::{Transform, powers};

//! The arithmetic under commitments: sums of many multiples of fixed points of BN254 ([`FixedBases`]), and sums of small
//! integers times field elements ([`Weights`], [`Sums`]).
//!
//! Start reading at `msm.rs`. `examples/arithmetic.rs` times it beside the library.

mod additions;
#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod msm;
mod raw;
mod scalar;
mod small;
#[cfg(test)]
mod testing;

pub use additions::Instructions;
pub use msm::{FixedBases, IdentityBase};
pub use scalar::Scalar;
pub use small::{Small, Sums, Weights};

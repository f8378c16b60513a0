//! Proofs that the gates of a [`Program`](nanozk_circuits::ir::Program) vanish.
//!
//! * [`plonk`]: proving keys and proofs;
//! * [`check`]: the same gates checked row by row, without a proof.

pub mod check;
pub mod plonk;

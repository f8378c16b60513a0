//! Proofs that verify joint proofs: programs over tensors for group arithmetic, hashes and field arithmetic.

pub mod base_field;
pub mod hash;
pub mod machine;
pub mod multiple;
pub mod points;
pub mod recorder;
pub mod verify;

//! Proofs that verify joint proofs: programs over tensors for group arithmetic, hashes and field arithmetic.

pub mod assignment;
pub mod base_field;
pub mod hash;
pub mod machine;
pub mod multiplication;
pub mod node;
pub mod points;
pub mod recorder;
pub mod statement;

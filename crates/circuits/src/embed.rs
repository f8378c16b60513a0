//! Embedding.

use halo2curves::bn256::Fr;

use crate::composer::{Composer, TooLarge};
use crate::ir::*;
use crate::layer::BlockShape;
use crate::witness::Witness;

/// What opens the digests of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceTrace {
    /// Padded tokens.
    pub tokens: Vec<u32>,
    /// Tokens of the prompt.
    pub prompt: usize,
    /// Generated tokens.
    pub generated: usize,
    /// Salt of the prompt's digest.
    pub input_salt: Fr,
    /// Salt of the generated tokens' digest.
    pub output_salt: Fr,
}

/// Embedding placed in a program.
pub struct Embed {}

impl Composer {
    /// Composes the embedding.
    pub fn embed(&mut self, _shape: &BlockShape, _output: Column) -> Result<Embed, TooLarge> {
        Ok(Embed {})
    }
}

impl Embed {
    /// Weight columns.
    pub fn weights(&self, _c: &Composer, _columns: &mut [Vec<Fr>], _wte: &[i64], _wpe: &[i64]) {}
    /// Witness.
    pub fn assign(&self, _c: &Composer, _w: &mut Witness, _s: &SequenceTrace) {}
}

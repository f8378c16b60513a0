//! Head.

use crate::composer::{Composer, TooLarge};
use crate::embed::SequenceTrace;
use crate::ir::*;
use crate::layer::BlockShape;
use crate::region::Matrix;
use crate::witness::Witness;

/// Head placed in a program.
pub struct Head {
    logits: Matrix,
}

impl Composer {
    /// Composes the head.
    pub fn head(&mut self, _shape: &BlockShape, _input: Column) -> Result<Head, TooLarge> {
        Err(TooLarge { what: "head", needed: 0, available: 0 })
    }
}

impl Head {
    /// Weights.
    pub fn matrix(&self) -> &Matrix {
        &self.logits
    }
    /// Witness.
    pub fn assign(&self, _c: &Composer, _w: &mut Witness, _s: &SequenceTrace, _t: &nanozk_executor::HeadTrace) {}
}

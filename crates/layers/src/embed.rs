//! Embedding: `x[t,i] = wte[token_t, i] + wpe[t, i]`, the latter where positions are vectors.
//!
//! A token's row is a sum over the vocabulary with the token's bits, which are products of its digits' and no tensor that
//! anybody commits to. Rows of numbers that are no tokens do not matter, since no position has such a token.

use crate::shape::{Axes, Shape};
use crate::tokens::{Tokens, Vocabulary};
use nanozk_circuit::{AxisId, Expression, OutOfRange, Program, Role, TensorId, Values};
use nanozk_executor::{EmbedTrace, Positions};

/// The embedding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embed {
    /// Of activations: there is one.
    pub layer: AxisId,
    /// The residual stream.
    pub output: TensorId,
    tokens: TensorId,
    positions: Option<TensorId>,
    vocabulary: Vocabulary,
    width: usize,
}

impl Embed {
    /// Declares the embedding of a session's tokens.
    pub fn new(p: &mut Program, shape: &Shape, axes: &Axes, tokens: &Tokens) -> Self {
        // Activations have an axis of layers.
        let layer = p.new_tiled_axis("embedding layer", 1, 0);
        let Axes {
            position, feature, ..
        } = *axes;
        let vocabulary = tokens.vocabulary;
        let [high, middle, low] = vocabulary.axes;
        let weight = Role::Weight { wide: false };
        let entry = [high, middle, low, feature];
        let token_table = p.new_tensor("token embedding", &entry, weight.clone());
        let position_table = match shape.architecture.positions {
            Positions::Learned => {
                Some(p.new_tensor("position embedding", &[position, feature], weight))
            }
            Positions::Rotary => None,
        };
        let stream = [layer, feature, position];
        let output = p.new_tensor("embedding output", &stream, Role::Activation);
        let [x, wte, bits] = [output, token_table, tokens.choice.bits].map(|id| p.use_of(id));
        let wpe = position_table.map_or(Expression::default(), |id| p.use_of(id));
        p.zero("embedding", &stream, wte * bits + wpe - x);
        Self {
            layer,
            output,
            tokens: token_table,
            positions: position_table,
            vocabulary,
            width: shape.architecture.width,
        }
    }

    /// The tables of tokens and of positions.
    pub(crate) fn tables(&self) -> impl Iterator<Item = TensorId> + use<> {
        [self.tokens].into_iter().chain(self.positions)
    }

    /// Sets the tables: `wte`, `[vocab][width]`, and `wpe`, of as many positions or more, or empty if there is none.
    pub fn fill_weights(
        &self,
        values: &mut Values<'_>,
        wte: &[i32],
        wpe: &[i32],
    ) -> Result<(), OutOfRange> {
        let d = self.width;
        values.fill(self.tokens, |at| {
            let token = self.vocabulary.number(&at[..3]);
            wte.get(token * d + at[3]).copied().unwrap_or(0).into()
        })?;
        match self.positions {
            Some(positions) => values.fill(positions, |at| wpe[at[0] * d + at[1]].into()),
            None => Ok(()),
        }
    }

    /// Sets the residual stream.
    pub fn fill(&self, values: &mut Values<'_>, trace: &EmbedTrace) -> Result<(), OutOfRange> {
        values.fill(self.output, |at| {
            trace.out[at[2] * self.width + at[1]].into()
        })
    }
}

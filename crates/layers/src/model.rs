//! Blocks, and a whole transformer: tokens, embedding, blocks and head in one program.

use crate::attention::{self, Attention};
use crate::embed::Embed;
use crate::head::Head;
use crate::mlp::{self, Mlp};
use crate::shape::{Axes, Packing, Shape};
use crate::tokens::{Digests, Sequence, Tokens};
use nanozk_circuit::{OutOfRange, Program, Values};
use nanozk_executor::{AttentionTrace, MlpTrace, QuantizedLayer, Trace};

/// Consecutive blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// The first half of each block.
    pub attention: Attention,
    /// The second half of each block.
    pub mlp: Mlp,
    layers: usize,
}

impl Blocks {
    /// Declares as many blocks as the architecture has. Fails if no model has this shape.
    pub fn new(
        p: &mut Program,
        shape: &Shape,
        axes: &Axes,
    ) -> Result<Self, nanozk_executor::Error> {
        shape.validate()?;
        let layers = shape.architecture.layers;
        let exp = attention::exponentials(p);
        let act = mlp::activations(p, &shape.spec)?;
        Ok(Self {
            attention: Attention::new(p, shape, axes, layers, exp),
            mlp: Mlp::new(p, shape, axes, layers, act),
            layers,
        })
    }

    /// The number of a tensor of activations: that of the first block's input is 0, that of the last one's output twice
    /// the number of blocks. None if no block has it.
    fn activation(name: &str, layer: usize) -> Option<usize> {
        match name {
            "attention input" => Some(2 * layer),
            "attention output" | "mlp input" => Some(2 * layer + 1),
            "mlp output" => Some(2 * layer + 2),
            _ => None,
        }
    }

    /// Packs weights in columns of `2^k` cells; activations that neighbours share are in one column.
    pub fn packing(&self, p: &Program, k: u32) -> Packing {
        Packing::new(p, k, |name, layer| {
            let number = Self::activation(name, layer).unwrap_or(2 * self.layers);
            u32::try_from(number).expect("few layers")
        })
    }

    /// Sets the weights of a block.
    pub fn fill_weights(
        &self,
        values: &mut Values<'_>,
        layer: usize,
        weights: &QuantizedLayer,
    ) -> Result<(), OutOfRange> {
        self.attention.fill_weights(values, layer, weights)?;
        self.mlp.fill_weights(values, layer, weights)
    }

    /// Sets activations and witnesses, but for the values of lookups ([`Values::look_up`]).
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        traces: &[(AttentionTrace, MlpTrace)],
    ) -> Result<(), OutOfRange> {
        let (attention, mlp): (Vec<_>, Vec<_>) = traces.iter().map(|(a, m)| (a, m)).unzip();
        self.attention.fill(values, &attention)?;
        self.mlp.fill(values, &mlp)
    }
}

/// All layers of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Tokens and their digests.
    pub tokens: Tokens,
    /// Embedding.
    pub embed: Embed,
    /// Blocks.
    pub blocks: Blocks,
    /// Head.
    pub head: Head,
}

impl Model {
    /// Declares a model, for sessions that generate up to `rows` tokens, a power of two. Fails if no model has this shape.
    pub fn new(
        p: &mut Program,
        shape: &Shape,
        rows: usize,
    ) -> Result<Self, nanozk_executor::Error> {
        shape.validate()?;
        let axes = Axes::new(p, shape);
        let blocks = Blocks::new(p, shape, &axes)?;
        let tokens = Tokens::new(p, shape, &axes, Digests::Both);
        Ok(Self {
            embed: Embed::new(p, shape, &axes, &tokens),
            blocks,
            head: Head::new(p, shape, &axes, &tokens, rows),
            tokens,
        })
    }

    /// Packs weights in columns of `2^k` cells; activations that neighbours share are in one column, numbered from the
    /// embedding's output on.
    pub fn packing(&self, p: &Program, k: u32) -> Packing {
        Packing::new(p, k, |name, layer| {
            let number = match name {
                "embedding output" => 0,
                _ => Blocks::activation(name, layer).unwrap_or(2 * self.blocks.layers),
            };
            u32::try_from(number).expect("few layers")
        })
    }

    /// Sets all that is no weight, lookups included.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        trace: &Trace,
        sequence: &Sequence,
    ) -> Result<(), OutOfRange> {
        self.tokens.fill(values, sequence)?;
        self.embed.fill(values, &trace.embed)?;
        self.blocks.fill(values, &trace.blocks)?;
        self.head.fill(values, &trace.head, sequence)?;
        values.look_up()
    }
}

//! A whole transformer: tokens, embedding, blocks and head in one program.

use crate::attention::{self, Attention};
use crate::embed::Embed;
use crate::head::Head;
use crate::mlp::{self, Mlp};
use crate::shape::{Axes, Packing, Shape};
use crate::tokens::{Digests, Sequence, Tokens};
use nanozk_circuit::{OutOfRange, Program, Values};
use nanozk_executor::{QuantizedLayer, Trace};

/// All layers of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Tokens and their digests.
    pub tokens: Tokens,
    /// Embedding.
    pub embed: Embed,
    /// The first half of each block.
    pub attention: Attention,
    /// The second half of each block.
    pub mlp: Mlp,
    /// Head.
    pub head: Head,
    layers: usize,
}

impl Model {
    /// Declares a model, for sessions that generate up to `rows` tokens, a power of two. Fails if the specification has no
    /// table of the activation.
    pub fn new(
        p: &mut Program,
        shape: &Shape,
        rows: usize,
    ) -> Result<Self, nanozk_executor::Error> {
        let layers = shape.architecture.layers;
        let axes = Axes::new(p, shape);
        let exp = attention::exponentials(p);
        let act = mlp::activations(p, &shape.spec)?;
        let tokens = Tokens::new(p, shape, &axes, Digests::Both);
        Ok(Self {
            embed: Embed::new(p, shape, &axes, &tokens),
            attention: Attention::new(p, shape, &axes, layers, exp),
            mlp: Mlp::new(p, shape, &axes, layers, act),
            head: Head::new(p, shape, &axes, &tokens, rows),
            tokens,
            layers,
        })
    }

    /// Packs weights in columns of `2^k` cells; activations that neighbours share are in one column, numbered from the
    /// embedding's output on.
    pub fn packing(&self, p: &Program, k: u32) -> Packing {
        Packing::new(p, k, |name, layer| {
            let column = match name {
                "embedding output" => 0,
                "attention input" => 2 * layer,
                "attention output" | "mlp input" => 2 * layer + 1,
                "mlp output" => 2 * layer + 2,
                _ => 2 * self.layers,
            };
            u32::try_from(column).expect("few layers")
        })
    }

    /// Sets the weights of a block.
    pub fn fill_block_weights(
        &self,
        values: &mut Values<'_>,
        layer: usize,
        weights: &QuantizedLayer,
    ) -> Result<(), OutOfRange> {
        self.attention.fill_weights(values, layer, weights)?;
        self.mlp.fill_weights(values, layer, weights)
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
        let (attention, mlp): (Vec<_>, Vec<_>) = trace.blocks.iter().map(|(a, m)| (a, m)).unzip();
        self.attention.fill(values, &attention)?;
        self.mlp.fill(values, &mlp)?;
        self.head.fill(values, &trace.head, sequence)?;
        values.look_up()
    }
}

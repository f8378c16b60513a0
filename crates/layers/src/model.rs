//! A transformer, or some of its layers, in one program: tokens, embedding, blocks and head.

use crate::attention::{self, Attention};
use crate::embed::Embed;
use crate::gadgets::fill_stream;
use crate::head::Head;
use crate::mlp::{self, Mlp};
use crate::packing::Numbering;
use crate::shape::{Axes, Shape};
use crate::tokens::{Digests, INPUTS, Sequence, Tokens};
use nanozk_circuit::{OutOfRange, Program, Values};
use nanozk_executor::{AttentionTrace, Linear, MlpTrace, QuantizedLayer, Rotation, Trace};
use std::collections::BTreeSet;

/// A layer of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The embedding of tokens.
    Embed,
    /// The first half of a block.
    Attention(usize),
    /// The second half of a block.
    Mlp(usize),
    /// From the last activations to the chosen tokens.
    Head,
}

impl Layer {
    /// Number of layers of a model.
    pub fn count(blocks: usize) -> usize {
        2 * blocks + 2
    }

    /// The layer of a number, from tokens to tokens.
    pub fn of(number: usize, blocks: usize) -> Option<Self> {
        let block = number.wrapping_sub(1) / 2;
        match number {
            0 => Some(Self::Embed),
            n if n == 2 * blocks + 1 => Some(Self::Head),
            n if n > 2 * blocks + 1 => None,
            n if n % 2 == 1 => Some(Self::Attention(block)),
            _ => Some(Self::Mlp(block)),
        }
    }

    /// Its number, from tokens to tokens.
    pub fn number(self, blocks: usize) -> usize {
        match self {
            Self::Embed => 0,
            Self::Attention(block) => 2 * block + 1,
            Self::Mlp(block) => 2 * block + 2,
            Self::Head => 2 * blocks + 1,
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Embed => f.write_str("embed"),
            Self::Attention(block) => write!(f, "attention {block}"),
            Self::Mlp(block) => write!(f, "mlp {block}"),
            Self::Head => f.write_str("head"),
        }
    }
}

/// The layers of a model that a program is about: at least one, each once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selection {
    layers: BTreeSet<usize>,
    blocks: usize,
}

/// No program is about these layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSelection {
    /// There is none.
    #[error("no layer is selected")]
    Empty,
    /// The model has no such layer.
    #[error("there is no layer {layer}: the model has {layers}, counted from zero")]
    NoSuchLayer {
        /// Selected.
        layer: usize,
        /// Number of layers.
        layers: usize,
    },
    /// A layer is there twice, or they are not in order.
    #[error("layers are not in increasing order")]
    Order,
}

impl Selection {
    /// Layers by their numbers, in increasing order, of a model with so many blocks.
    pub fn new(numbers: &[usize], blocks: usize) -> Result<Self, BadSelection> {
        let layers = Layer::count(blocks);
        if let Some(&layer) = numbers.iter().find(|n| **n >= layers) {
            return Err(BadSelection::NoSuchLayer { layer, layers });
        }
        if numbers.is_empty() {
            return Err(BadSelection::Empty);
        }
        if numbers.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(BadSelection::Order);
        }
        let layers = numbers.iter().copied().collect();
        Ok(Self { layers, blocks })
    }

    /// All layers, from tokens to tokens.
    pub fn all(blocks: usize) -> Self {
        let layers = (0..Layer::count(blocks)).collect();
        Self { layers, blocks }
    }

    /// All blocks, without embedding and head.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn blocks(blocks: usize) -> Self {
        assert!(blocks > 0, "no blocks");
        let layers = (1..=2 * blocks).collect();
        Self { layers, blocks }
    }

    /// The numbers of the layers, in increasing order.
    pub fn numbers(&self) -> Vec<usize> {
        self.layers.iter().copied().collect()
    }

    /// The layers, in order.
    pub fn layers(&self) -> impl Iterator<Item = Layer> + '_ {
        let layer = |number: &usize| Layer::of(*number, self.blocks).expect("checked");
        self.layers.iter().map(layer)
    }

    /// Whether a layer is among them.
    pub fn has(&self, layer: Layer) -> bool {
        self.layers.contains(&layer.number(self.blocks))
    }
}

/// Layers of a model in one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers {
    /// Tokens and their digests, if embedding or head is there.
    pub tokens: Option<Tokens>,
    /// Embedding.
    pub embed: Option<Embed>,
    /// The first halves of some blocks, and which.
    attention: Option<(Attention, Vec<usize>)>,
    /// The second halves of some blocks, and which.
    mlp: Option<(Mlp, Vec<usize>)>,
    /// Head.
    pub head: Option<Head>,
    /// Of the residual stream.
    width: usize,
}

/// Weights of one layer.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// Token and position embedding, row-major; the latter empty if there is none.
    Embed(&'a [i32], &'a [i32]),
    /// Both halves of a block, and the model's rotations.
    Block(usize, &'a QuantizedLayer, Option<&'a Rotation>),
    /// The vocabulary projection.
    Head(&'a Linear),
}

impl Layers {
    /// Declares layers, for sessions that generate up to `rows` tokens ([`crate::head::rows`]). Fails if no model has this shape.
    ///
    /// # Panics
    ///
    /// If the selection is of a model with another number of blocks, or `rows` is no power of two.
    pub fn new(
        p: &mut Program,
        shape: &Shape,
        selection: &Selection,
        rows: usize,
    ) -> Result<Self, nanozk_executor::Error> {
        shape.validate()?;
        assert_eq!(selection.blocks, shape.architecture.layers, "blocks");
        // The transcript has them all, whatever the layers say of them.
        p.declare_inputs(INPUTS);
        let axes = Axes::new(p, shape);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for layer in selection.layers() {
            match layer {
                Layer::Attention(block) => first.push(block),
                Layer::Mlp(block) => second.push(block),
                Layer::Embed | Layer::Head => {}
            }
        }
        // Tables before layers, so that a table's number is the same for all blocks.
        let exp = (!first.is_empty()).then(|| attention::exponentials(p));
        let act = match second.is_empty() {
            true => None,
            false => Some(mlp::activations(p, &shape.spec)?),
        };
        let attention = exp.map(|exp| (Attention::new(p, shape, &axes, first.len(), exp), first));
        let mlp = act.map(|act| (Mlp::new(p, shape, &axes, second.len(), act), second));
        let (embed, head) = (selection.has(Layer::Embed), selection.has(Layer::Head));
        let digests = match embed {
            true => Digests::Both,
            false => Digests::Output,
        };
        let tokens = (embed || head).then(|| Tokens::new(p, shape, &axes, digests));
        let of_tokens = |wanted: bool| tokens.as_ref().filter(|_| wanted);
        Ok(Self {
            embed: of_tokens(embed).map(|tokens| Embed::new(p, shape, &axes, tokens)),
            head: of_tokens(head).map(|tokens| Head::new(p, shape, &axes, tokens, rows)),
            attention,
            mlp,
            tokens,
            width: shape.architecture.width,
        })
    }

    /// What the indices of axes of layers are.
    pub(crate) fn numbering(&self, p: &Program) -> Numbering {
        let mut axes = Vec::new();
        if let Some((attention, blocks)) = &self.attention {
            let layers = blocks.iter().map(|block| Layer::Attention(*block));
            axes.push((attention.layer, layers.collect()));
        }
        if let Some((mlp, blocks)) = &self.mlp {
            let layers = blocks.iter().map(|block| Layer::Mlp(*block));
            axes.push((mlp.layer, layers.collect()));
        }
        if let Some(embed) = &self.embed {
            axes.push((embed.layer, vec![Layer::Embed]));
        }
        if let Some(head) = &self.head {
            axes.push((head.layer, vec![Layer::Head]));
        }
        let tables = self.embed.iter().flat_map(Embed::tables);
        let embed = tables.map(|id| p.tensor(id).name.clone()).collect();
        Numbering { axes, embed }
    }

    /// Sets the weights of those layers that are there.
    pub fn fill_weights(
        &self,
        values: &mut Values<'_>,
        weights: Weights<'_>,
    ) -> Result<(), OutOfRange> {
        match weights {
            Weights::Embed(wte, wpe) => match &self.embed {
                Some(embed) => embed.fill_weights(values, wte, wpe),
                None => Ok(()),
            },
            Weights::Head(matrix) => match &self.head {
                Some(head) => head.fill_weights(values, matrix),
                None => Ok(()),
            },
            Weights::Block(block, layer, rotation) => {
                let place = |blocks: &[usize]| blocks.iter().position(|own| *own == block);
                if let Some((attention, blocks)) = &self.attention
                    && let Some(index) = place(blocks)
                {
                    attention.fill_weights(values, index, layer, rotation)?;
                }
                if let Some((mlp, blocks)) = &self.mlp
                    && let Some(index) = place(blocks)
                {
                    mlp.fill_weights(values, index, layer)?;
                }
                Ok(())
            }
        }
    }

    /// Sets all that is no weight, lookups included.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        trace: &Trace,
        sequence: &Sequence,
    ) -> Result<(), OutOfRange> {
        if let Some(tokens) = &self.tokens {
            tokens.fill(values, sequence)?;
        }
        if let Some(embed) = &self.embed {
            embed.fill(values, &trace.embed)?;
        }
        if let Some(head) = &self.head {
            head.fill(values, &trace.head, sequence)?;
        }
        self.fill_blocks(values, &trace.blocks)?;
        values.look_up()
    }

    /// Sets the activations between layers, and nothing else.
    pub fn fill_activations(
        &self,
        values: &mut Values<'_>,
        trace: &Trace,
    ) -> Result<(), OutOfRange> {
        if let Some(embed) = &self.embed {
            embed.fill(values, &trace.embed)?;
        }
        let traces = &trace.blocks;
        if let Some((attention, blocks)) = &self.attention {
            let outputs = blocks
                .iter()
                .map(|block| traces[*block].0.output.as_slice());
            let outputs: Vec<_> = outputs.collect();
            fill_stream(values, attention.output, self.width, &outputs)?;
        }
        if let Some((mlp, blocks)) = &self.mlp {
            let outputs = blocks
                .iter()
                .map(|block| traces[*block].1.output.as_slice());
            let outputs: Vec<_> = outputs.collect();
            fill_stream(values, mlp.output, self.width, &outputs)?;
        }
        Ok(())
    }

    /// Sets activations and witnesses of blocks, from the traces of all, but for the values of lookups
    /// ([`Values::look_up`]).
    pub fn fill_blocks(
        &self,
        values: &mut Values<'_>,
        traces: &[(AttentionTrace, MlpTrace)],
    ) -> Result<(), OutOfRange> {
        if let Some((attention, blocks)) = &self.attention {
            let traces: Vec<_> = blocks.iter().map(|block| &traces[*block].0).collect();
            attention.fill(values, &traces)?;
        }
        match &self.mlp {
            Some((mlp, blocks)) => {
                let traces: Vec<_> = blocks.iter().map(|block| &traces[*block].1).collect();
                mlp.fill(values, &traces)
            }
            None => Ok(()),
        }
    }
}

//! Where registered weights and claimed activations lie: the same whichever layers a program is about.

use crate::model::{Layer, Layers, Selection};
use crate::shape::Shape;
use nanozk_circuit::{AxisId, Objective, Packer, Plan, PlanError, Program, Registry, Role, Tensor};
use nanozk_executor::Error;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Columns of a model's weights and of a session's activations.
///
/// Weights lie layer by layer, so that a program about some layers has few columns of others: blocks, then embedding and
/// head; within a layer the largest tiles first. Biases, which need 64 bits, are in columns of their own. Activations
/// between two layers are in one column, whose number is that of the layer before, from the embedding on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    k: u32,
    // Shared: each program about some layers has them.
    weights: Arc<BTreeMap<Tile, (u32, usize)>>,
    activations: Arc<BTreeMap<Tile, (u32, usize)>>,
    /// The layers that have weights in a column.
    layers: Vec<Vec<Layer>>,
    /// Columns of activations.
    streams: usize,
}

/// A tile: the layer, the name of the tensor, and the tile's indices along its axes.
type Tile = (Layer, String, Vec<usize>);

impl Packing {
    /// Packs a model's tensors in columns of `2^k` cells. Fails if no model has this shape.
    pub fn new(shape: &Shape, k: u32) -> Result<Self, Error> {
        shape.validate()?;
        let blocks = shape.architecture.layers;
        let mut p = Program::new();
        // Where weights lie does not depend on how many tokens are generated.
        let all = Layers::new(&mut p, shape, &Selection::all(blocks), 1)?;
        let own = all.numbering(&p);
        // Blocks first: programs about blocks alone are the most frequent ones.
        let order = |layer: &Layer| {
            let is_end = matches!(layer, Layer::Embed | Layer::Head);
            (is_end, layer.number(blocks))
        };
        let mut tiles = Vec::new();
        for (id, tensor) in p.enumerate() {
            let Role::Weight { wide } = tensor.role else {
                continue;
            };
            let bits = p.tile_bits(id);
            for tile in 0..p.tiles(id) {
                let (layer, indices) = own.locate(tensor, p.tile_indices(id, tile));
                let key = (wide, order(&layer), std::cmp::Reverse(bits), id, indices);
                tiles.push((key, layer, tensor));
            }
        }
        tiles.sort_by(|a, b| a.0.cmp(&b.0));
        let mut weights = BTreeMap::new();
        let mut layers: Vec<Vec<Layer>> = Vec::new();
        let (mut packer, mut first) = (Packer::new(k), 0);
        let mut are_wide = false;
        for ((wide, _, bits, _, indices), layer, tensor) in tiles {
            if wide && !are_wide {
                (packer, first) = (Packer::new(k), layers.len());
            }
            are_wide = wide;
            let (column, offset) = packer.take(bits.0);
            let column = first + column;
            // A tile that is larger than a column is refused by the layout.
            if column >= layers.len() {
                layers.resize(column + 1, Vec::new());
            }
            if layers[column].last() != Some(&layer) {
                layers[column].push(layer);
            }
            let number = u32::try_from(column).expect("few columns");
            let tile = (layer, tensor.name.clone(), indices);
            weights.insert(tile, (number, offset));
        }
        let mut activations = BTreeMap::new();
        for (id, tensor) in p.enumerate() {
            if tensor.role != Role::Activation {
                continue;
            }
            let mut used: BTreeMap<Layer, usize> = BTreeMap::new();
            for tile in 0..p.tiles(id) {
                let (layer, indices) = own.locate(tensor, p.tile_indices(id, tile));
                // What goes into a layer is what came out of the one before.
                let number = layer.number(blocks) - usize::from(tensor.name.ends_with("input"));
                let number = u32::try_from(number).expect("few layers");
                let offset = used.entry(layer).or_default();
                let tile = (layer, tensor.name.clone(), indices);
                activations.insert(tile, (number, *offset));
                *offset += 1 << p.tile_bits(id);
            }
        }
        Ok(Self {
            k,
            weights: Arc::new(weights),
            activations: Arc::new(activations),
            layers,
            streams: 2 * blocks + 1,
        })
    }

    /// Bits of a row.
    pub fn k(&self) -> u32 {
        self.k
    }

    /// For each column of weights, the layers that have some in it, in the order in which they lie there.
    pub fn weights(&self) -> &[Vec<Layer>] {
        &self.layers
    }

    /// Number of columns of activations.
    pub fn streams(&self) -> usize {
        self.streams
    }

    /// For a program about some layers.
    pub fn registry(&self, p: &Program, layers: &Layers) -> Registered {
        Registered {
            packing: self.clone(),
            own: layers.numbering(p),
        }
    }
}

/// Chooses a layout for a program about some layers of a model of this shape.
///
/// # Panics
///
/// If no model has this shape: there would be no program.
pub fn plan(
    p: &Program,
    shape: &Shape,
    layers: &Layers,
    objective: &Objective,
) -> Result<Plan, PlanError> {
    let registry = |k| {
        let packing = Packing::new(shape, k).expect("the program has this shape");
        packing.registry(p, layers)
    };
    nanozk_circuit::plan(p, registry, objective)
}

/// What layers the indices of a program's axes of layers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbering {
    pub(crate) axes: Vec<(AxisId, Vec<Layer>)>,
    /// Tensors of the embedding without an axis of layers.
    pub(crate) embed: Vec<String>,
}

impl Numbering {
    /// The layer of a tile, and the other indices.
    fn locate(&self, tensor: &Tensor, mut indices: Vec<usize>) -> (Layer, Vec<usize>) {
        if self.embed.contains(&tensor.name) {
            return (Layer::Embed, indices);
        }
        let axis = tensor.axes.first();
        let layers = self.axes.iter().find(|(own, _)| Some(own) == axis);
        let (_, layers) = layers.expect("all registered tensors are of a layer");
        (layers[indices.remove(0)], indices)
    }
}

/// The columns of a model's weights and of a session's activations, as a program about some layers has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    packing: Packing,
    own: Numbering,
}

impl Registry for Registered {
    fn place(&self, tensor: &Tensor, indices: &[usize]) -> Option<(u32, usize)> {
        let (layer, indices) = self.own.locate(tensor, indices.to_vec());
        let tile = (layer, tensor.name.clone(), indices);
        match tensor.role {
            Role::Activation => self.packing.activations.get(&tile).copied(),
            _ => self.packing.weights.get(&tile).copied(),
        }
    }
}

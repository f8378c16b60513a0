//! Dimensions, axes, and where registered tensors lie.

use nanozk_circuit::{AxisId, Packer, Program, Registry, Role, Tensor};
use nanozk_executor::{Architecture, Error, Spec};
use std::collections::BTreeMap;

/// Bits of an index within a tile, at most: a tile of a matrix has at most the square of this size.
const MAX_TILE_BITS: u32 = 8;

/// Dimensions of a model, its number formats, and the positions of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Dimensions.
    pub architecture: Architecture,
    /// Number formats.
    pub spec: Spec,
    /// Positions, a power of two.
    pub positions: usize,
}

impl Shape {
    /// Checks that a model may have these dimensions and number formats, and sessions these positions. What programs state
    /// is about numbers that follow from them: a remainder of 128 bits or more has limbs whose weights are no integers of a
    /// program, and tokens of more than 24 bits are packed as others are.
    pub fn validate(&self) -> Result<(), Error> {
        self.architecture.validate()?;
        self.spec.validate(self.architecture.width)?;
        let (positions, what) = (self.positions, "positions");
        let context = self.architecture.context;
        if !(1..=context).contains(&positions) {
            return Err(Error::Parameter {
                what,
                value: positions as u64,
                min: 1,
                max: context as u64,
            });
        }
        if !positions.is_power_of_two() {
            return Err(Error::Shape {
                layer: None,
                what,
                expected: positions.next_power_of_two(),
                actual: positions,
            });
        }
        Ok(())
    }
}

/// Axes that layers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axes {
    /// Positions.
    pub position: AxisId,
    /// Positions that are attended to.
    pub source: AxisId,
    /// Features of the residual stream.
    pub feature: AxisId,
    /// Heads.
    pub head: AxisId,
    /// Features of a head.
    pub channel: AxisId,
    /// Features between the matrices of the MLP.
    pub hidden: AxisId,
}

impl Axes {
    /// Declares the axes.
    pub fn new(p: &mut Program, shape: &Shape) -> Self {
        let a = &shape.architecture;
        let mut axis = |name: &str, len: usize| {
            let tile_bits = len.trailing_zeros().min(MAX_TILE_BITS);
            p.new_tiled_axis(name, len, tile_bits)
        };
        Self {
            position: axis("position", shape.positions),
            source: axis("source", shape.positions),
            feature: axis("feature", a.width),
            head: axis("head", a.heads),
            channel: axis("channel", a.width / a.heads),
            hidden: axis("hidden", a.mlp_width),
        }
    }
}

/// Packs weights into as few columns as hold them, and gives activations columns of their own.
///
/// Tiles of weights lie one after the other, the largest first; those of biases, which need 64 bits, in other columns.
/// The activations of a layer's input are in the column of its number, those of its output in the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packing {
    weights: BTreeMap<(String, Vec<usize>), (u32, usize)>,
    activations: BTreeMap<(String, Vec<usize>), (u32, usize)>,
}

impl Packing {
    /// Packs the weights of a program in columns of `2^k` cells. `activation` gives the column of a tensor of
    /// activations, by its name and the index of the layer.
    pub fn new(p: &Program, k: u32, activation: impl Fn(&str, usize) -> u32) -> Self {
        let mut packing = Self::default();
        let mut columns = 0;
        for wide in [false, true] {
            let mut tensors: Vec<_> = p
                .enumerate()
                .filter(|(_, tensor)| tensor.role == Role::Weight { wide })
                .map(|(id, _)| (std::cmp::Reverse(p.tile_bits(id)), id))
                .collect();
            tensors.sort();
            let mut packer = Packer::new(k);
            let first = columns;
            for (bits, id) in tensors {
                for tile in 0..p.tiles(id) {
                    let (column, offset) = packer.take(bits.0);
                    let column = first + u32::try_from(column).expect("few columns");
                    columns = columns.max(column + 1);
                    let key = (p.tensor(id).name.clone(), p.tile_indices(id, tile));
                    packing.weights.insert(key, (column, offset));
                }
            }
        }
        for (id, tensor) in p.enumerate() {
            if tensor.role != Role::Activation {
                continue;
            }
            // One column for each layer: the first axis is the layer's.
            let mut used: BTreeMap<u32, usize> = BTreeMap::new();
            for tile in 0..p.tiles(id) {
                let indices = p.tile_indices(id, tile);
                let column = activation(&tensor.name, indices.first().copied().unwrap_or(0));
                let offset = used.entry(column).or_default();
                let key = (tensor.name.clone(), indices);
                packing.activations.insert(key, (column, *offset));
                *offset += 1 << p.tile_bits(id);
            }
        }
        packing
    }
}

impl Registry for Packing {
    fn place(&self, tensor: &Tensor, indices: &[usize]) -> Option<(u32, usize)> {
        let key = (tensor.name.clone(), indices.to_vec());
        match tensor.role {
            Role::Activation => self.activations.get(&key).copied(),
            _ => self.weights.get(&key).copied(),
        }
    }
}

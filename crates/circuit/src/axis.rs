//! Axes of tensors, and points at which their variables are fixed.

use halo2curves::bn256::Fr;

/// An axis of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AxisId(pub(crate) u32);

impl AxisId {
    /// Its place in the program.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A named range of indices. Indices are cut into tiles of a power of two, so that a length such as `3·256` wastes
/// nothing: tiles are placed one by one, and those beyond the length do not exist. If the last tile has more indices than
/// are left, only registered and public tensors can have the axis: nobody checks that a prover's padding is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Name, such as `position`.
    pub name: String,
    /// Number of indices.
    pub len: usize,
    /// The lowest bits of an index, which say where it is within a tile.
    pub tile_bits: u32,
}

impl Axis {
    /// Indices of a tile.
    pub fn tile(&self) -> usize {
        1 << self.tile_bits
    }

    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.len.div_ceil(self.tile()).max(1)
    }

    /// Variables of the axis: an index is below `2^bits`.
    pub fn bits(&self) -> u32 {
        self.tile_bits + bits_for(self.tiles())
    }

    /// Indices of the cube, valid ones and padding.
    pub fn cube(&self) -> usize {
        1 << self.bits()
    }

    /// Whether all indices of the cube are valid.
    pub fn is_full(&self) -> bool {
        self.len == self.cube()
    }
}

/// The bits of the indices of `count` things.
pub(crate) fn bits_for(count: usize) -> u32 {
    count.next_power_of_two().trailing_zeros()
}

/// Values of an axis's variables, the lowest bit's first.
pub type Point<F = Fr> = Vec<F>;

/// What is done with an axis of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At<F = Fr> {
    /// Its variables take these values.
    Point(Point<F>),
    /// It is summed over.
    Sum,
}

//! Dimensions and axes.

use nanozk_circuit::{AxisId, Program};
use nanozk_executor::{Architecture, Error, Positions, Spec};

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
    /// Heads of keys and values.
    pub head: AxisId,
    /// Heads of queries that share one of them.
    pub group: AxisId,
    /// The halves of a head's features, and the same once more, if pairs of features are rotated.
    pub halves: Option<[AxisId; 2]>,
    /// Features of a head, or of one of its halves.
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
            head: axis("head", a.kv_heads),
            group: axis("group", a.group()),
            halves: match a.positions {
                Positions::Learned => None,
                Positions::Rotary => Some(["half", "other half"].map(|name| axis(name, 2))),
            },
            channel: match a.positions {
                Positions::Learned => axis("channel", a.head_width),
                Positions::Rotary => axis("channel", a.rotated_pairs()),
            },
            hidden: axis("hidden", a.mlp_width),
        }
    }

    /// The axes of a head's features.
    pub fn channels(&self) -> Vec<AxisId> {
        let half = self.halves.map(|[half, _]| half);
        half.into_iter().chain([self.channel]).collect()
    }
}

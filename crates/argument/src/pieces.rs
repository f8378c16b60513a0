//! Claims about tensors as claims about columns.
//!
//! A tensor at a point is a sum over its tiles: the weights of the tile's number along each axis, times the extension of a block
//! of cells. Many claims are about the same tensor at the same point, and many tensors have parts of points in common: all of
//! these are numbered, so that nothing is computed twice.

use crate::claims::{LinearClaim, Term};
use halo2curves::bn256::Fr;
use halo2curves::ff::PrimeField;
use nanozk_circuit::{At, ColumnId, Layout, Place, Program, TensorId, kernel};
use nanozk_transcript::Element;
use std::collections::{BTreeMap, HashMap};

/// `weight · Σ_x equal(point, x)·column[offset + x]`: the extension of an aligned block of cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) column: ColumnId,
    pub(crate) offset: usize,
    /// Index of the point within the block, in [`Pieces::points`].
    pub(crate) point: usize,
    pub(crate) weight: Fr,
}

/// Different things, numbered in the order in which they came.
#[derive(Clone, Debug)]
struct Numbered<T> {
    list: Vec<T>,
    numbers: BTreeMap<T, usize>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            numbers: BTreeMap::new(),
        }
    }
}

impl<T: Clone + Ord> Numbered<T> {
    fn number(&mut self, thing: T) -> usize {
        let next = self.list.len();
        *self.numbers.entry(thing).or_insert_with_key(|thing| {
            self.list.push(thing.clone());
            next
        })
    }
}

/// Whose cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cells {
    Tensor(TensorId),
    Column(ColumnId),
}

/// Cells at a point, by numbers of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Summand {
    cells: Cells,
    /// Within tiles: in [`Pieces::points`].
    point: usize,
    /// Of tiles: in [`Pieces::tiles`].
    tiles: usize,
}

/// The numbers of tiles along an axis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Numbers<F> {
    count: usize,
    /// Where they are; none if they are summed over.
    point: Option<Vec<F>>,
}

/// A weighted sum of claims: all cells together have this value.
#[derive(Clone, Debug)]
pub(crate) struct Pieces<F = Fr> {
    points: Numbered<Vec<F>>,
    axes: Numbered<Numbers<F>>,
    /// Axes along which there are several tiles, the slowest first, by their number.
    tiles: Numbered<Vec<usize>>,
    summands: Numbered<Summand>,
    /// Of each summand.
    weights: Vec<F>,
    /// Factors of the first cells of the mask.
    pub(crate) mask: Vec<F>,
    pub(crate) value: F,
}

impl<F: Element> Default for Pieces<F> {
    fn default() -> Self {
        Self {
            points: Numbered::default(),
            axes: Numbered::default(),
            tiles: Numbered::default(),
            summands: Numbered::default(),
            weights: Vec::new(),
            mask: Vec::new(),
            value: F::zero(),
        }
    }
}

impl<F: Element> Pieces<F> {
    /// Adds a claim.
    pub(crate) fn add(&mut self, program: &Program, claim: &LinearClaim<F>, by: F) {
        self.value += by * claim.value;
        for term in &claim.terms {
            self.add_term(program, term, by);
        }
        self.add_cells(&claim.cells, by);
    }

    /// Adds cells of the mask, times a weight.
    pub(crate) fn add_cells(&mut self, cells: &[(usize, F)], by: F) {
        for (cell, factor) in cells {
            if self.mask.len() <= *cell {
                self.mask.resize(cell + 1, F::zero());
            }
            if let Some(sum) = self.mask.get_mut(*cell) {
                *sum += by * factor;
            }
        }
    }

    fn add_term(&mut self, program: &Program, term: &Term<F>, by: F) {
        let axes: Vec<_> = program.axes_of(term.tensor).collect();
        let mut weight = term.weight * by;
        // Within a tile, the last axis has the lowest bits; between tiles, each number along an axis has a weight.
        let mut low = Vec::new();
        let mut tiles = Vec::new();
        for (axis, at) in axes.iter().zip(&term.at).rev() {
            let tile_bits = axis.tile_bits as usize;
            let point = match at {
                At::Point(point) => {
                    let (own, rest) = point.split_at(tile_bits.min(point.len()));
                    low.extend_from_slice(own);
                    Some(rest.to_vec())
                }
                // The extension at one half is the average.
                At::Sum => {
                    let half = F::constant(Fr::TWO_INV);
                    low.extend(std::iter::repeat_n(half, tile_bits));
                    weight *= F::constant(Fr::from(1 << tile_bits));
                    None
                }
            };
            let count = axis.tiles();
            if count > 1 {
                tiles.push(self.axes.number(Numbers { count, point }));
            }
        }
        tiles.reverse();
        self.add_summand(Cells::Tensor(term.tensor), low, tiles, weight);
    }

    fn add_summand(&mut self, cells: Cells, point: Vec<F>, tiles: Vec<usize>, weight: F) {
        let summand = Summand {
            cells,
            point: self.points.number(point),
            tiles: self.tiles.number(tiles),
        };
        let number = self.summands.number(summand);
        match self.weights.get_mut(number) {
            Some(sum) => *sum += weight,
            None => self.weights.push(weight),
        }
    }

    /// Adds the claim that a column has a value at a point, times a weight.
    pub(crate) fn add_column(&mut self, column: ColumnId, point: &[F], weight: F, value: F) {
        self.value += weight * value;
        self.add_summand(Cells::Column(column), point.to_vec(), Vec::new(), weight);
    }

    /// Adds the sum of a column's cells, times a weight.
    pub(crate) fn add_sum(&mut self, column: ColumnId, k: u32, weight: F) {
        let point = vec![F::constant(Fr::TWO_INV); k as usize];
        let rows = F::constant(Fr::from(1_u64 << k));
        self.add_column(column, &point, weight * rows, F::zero());
    }

    /// Points within blocks.
    pub(crate) fn points(&self) -> &[Vec<F>] {
        &self.points.list
    }

    /// For each axis, the weights of the tiles' numbers.
    fn axis_weights(&self) -> Vec<Vec<F>> {
        let along = |numbers: &Numbers<F>| match &numbers.point {
            Some(point) => {
                let mut table = kernel::equal_table(point);
                table.resize(numbers.count, F::zero());
                table
            }
            None => vec![F::one(); numbers.count],
        };
        self.axes.list.iter().map(along).collect()
    }

    /// For each list of axes, the weights of all tiles.
    fn tile_weights(&self) -> Vec<Vec<F>> {
        let axes = self.axis_weights();
        let of = |tiles: &Vec<usize>| {
            let own = tiles.iter().filter_map(|axis| axes.get(*axis));
            own.fold(vec![F::one()], |weights, axis| {
                let times = |weight: &F| axis.iter().map(|w| *weight * w).collect::<Vec<_>>();
                weights.iter().flat_map(times).collect()
            })
        };
        self.tiles.list.iter().map(of).collect()
    }

    /// For each column, what its extension at a point is multiplied by.
    pub(crate) fn factors(&self, layout: &Layout, z: &[F]) -> BTreeMap<ColumnId, F> {
        let mut at = Equal::new(z);
        let within: Vec<F> = self.points().iter().map(|p| at.within(p)).collect();
        let axes = self.axis_weights();
        let mut factors = BTreeMap::new();
        let cells = self.mask.iter().enumerate();
        let mask = cells.map(|(cell, f)| *f * at.block(0, cell)).sum();
        factors.insert(layout.mask, mask);
        for (summand, weight) in self.summands.list.iter().zip(&self.weights) {
            let bits = self.points().get(summand.point).map_or(0, Vec::len);
            // Of each tile in its column; then sums along one axis after the other, the last first.
            let mut sums: BTreeMap<(usize, ColumnId), F> = BTreeMap::new();
            for (tile, place) in summand.places(layout) {
                let number = place.offset.checked_shr(bits as u32).unwrap_or(0);
                sums.insert((tile, place.column), at.block(bits, number));
            }
            let own = self.tiles.list.get(summand.tiles).into_iter().flatten();
            for weights in own.rev().filter_map(|axis| axes.get(*axis)) {
                let mut along = BTreeMap::new();
                for ((tile, column), sum) in sums {
                    let (tile, index) = (tile / weights.len(), tile % weights.len());
                    let weight = weights.get(index).copied().unwrap_or_else(F::zero);
                    *along.entry((tile, column)).or_insert_with(F::zero) += weight * sum;
                }
                sums = along;
            }
            let within = within.get(summand.point).copied().unwrap_or_else(F::zero);
            let weight = *weight * within;
            for ((_, column), sum) in sums {
                *factors.entry(column).or_insert_with(F::zero) += weight * sum;
            }
        }
        factors
    }
}

impl Pieces {
    /// All blocks.
    pub(crate) fn pieces(&self, layout: &Layout) -> Vec<Piece> {
        let tiles = self.tile_weights();
        let summands = self.summands.list.iter().zip(&self.weights);
        summands
            .flat_map(|(summand, weight)| {
                let weights = &tiles[summand.tiles];
                let places = summand.places(layout).into_iter();
                places.map(|(tile, place)| Piece {
                    column: place.column,
                    offset: place.offset,
                    point: summand.point,
                    weight: *weight * weights[tile],
                })
            })
            .collect()
    }
}

impl Summand {
    /// Where tiles lie, by their number.
    fn places(&self, layout: &Layout) -> Vec<(usize, Place)> {
        match self.cells {
            Cells::Column(column) => vec![(0, Place { column, offset: 0 })],
            Cells::Tensor(tensor) => {
                let places = layout.places(tensor).iter().enumerate();
                places
                    .filter_map(|(tile, place)| Some((tile, (*place)?)))
                    .collect()
            }
        }
    }
}

/// [`kernel::equal`] with the first or the last variables of a point, of which many have some in common.
struct Equal<'a, F> {
    z: &'a [F],
    /// What follows upon the beginning of a point, by its number and the next coordinate: the number of both, and their value.
    beginnings: BTreeMap<(usize, F), (usize, F)>,
    blocks: HashMap<(usize, usize), F>,
}

impl<'a, F: Element> Equal<'a, F> {
    fn new(z: &'a [F]) -> Self {
        Self {
            z,
            beginnings: BTreeMap::new(),
            blocks: HashMap::new(),
        }
    }

    /// A point within a block, with the first variables.
    fn within(&mut self, point: &[F]) -> F {
        let (mut beginning, mut value) = (0, F::one());
        for (x, z) in point.iter().zip(self.z) {
            let next = self.beginnings.len() + 1;
            let longer = self.beginnings.entry((beginning, *x));
            (beginning, value) =
                *longer.or_insert_with(|| (next, value * kernel::equal_bit(*x, *z)));
        }
        value
    }

    /// The number of a block of `2^bits` cells, with the last variables.
    fn block(&mut self, bits: usize, number: usize) -> F {
        let Some(x) = self.z.get(bits) else {
            return match number {
                0 => F::one(),
                _ => F::zero(),
            };
        };
        if let Some(known) = self.blocks.get(&(bits, number)) {
            return *known;
        }
        let both = self.block(bits + 1, number >> 1);
        let second = both * x;
        let first = both - second;
        self.blocks.insert((bits, number | 1), second);
        self.blocks.insert((bits, number & !1), first);
        match number & 1 {
            1 => second,
            _ => first,
        }
    }
}

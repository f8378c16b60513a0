//! Claims about tensors as claims about columns.

use crate::claims::{LinearClaim, Term};
use halo2curves::bn256::Fr;
use halo2curves::ff::PrimeField;
use nanozk_circuit::{kernel, At, ColumnId, Layout, Program};
use nanozk_transcript::Element;
use std::collections::BTreeMap;

/// `weight · Σ_x equal(point, x)·column[offset + x]`: the extension of an aligned block of cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece<F = Fr> {
    pub(crate) column: ColumnId,
    pub(crate) offset: usize,
    /// Index of the point within the block, in [`Pieces::points`].
    pub(crate) point: usize,
    pub(crate) weight: F,
}

/// A weighted sum of claims: all pieces together have this value.
#[derive(Clone, Debug)]
pub(crate) struct Pieces<F = Fr> {
    pub(crate) points: Vec<Vec<F>>,
    known: BTreeMap<Vec<F>, usize>,
    pub(crate) pieces: Vec<Piece<F>>,
    /// Factors of the first cells of the mask.
    pub(crate) mask: Vec<F>,
    pub(crate) value: F,
}

impl<F: Element> Default for Pieces<F> {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            known: BTreeMap::new(),
            pieces: Vec::new(),
            mask: Vec::new(),
            value: F::zero(),
        }
    }
}

impl<F: Element> Pieces<F> {
    fn point(&mut self, point: Vec<F>) -> usize {
        match self.known.get(&point) {
            Some(index) => *index,
            None => {
                let index = self.points.len();
                self.points.push(point.clone());
                self.known.insert(point, index);
                index
            }
        }
    }

    /// Adds a claim.
    pub(crate) fn add(
        &mut self,
        program: &Program,
        layout: &Layout,
        claim: &LinearClaim<F>,
        by: F,
    ) {
        self.value += by * claim.value;
        for term in &claim.terms {
            self.add_term(program, layout, term, by);
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

    fn add_term(&mut self, program: &Program, layout: &Layout, term: &Term<F>, by: F) {
        let axes: Vec<_> = program.axes_of(term.tensor).collect();
        let mut weight = term.weight * by;
        // Within a tile, the last axis has the lowest bits; between tiles, a weight for each number along an axis.
        let mut low = Vec::new();
        let mut high: Vec<Vec<F>> = Vec::new();
        for (axis, at) in axes.iter().zip(&term.at).rev() {
            let tile_bits = axis.tile_bits as usize;
            match at {
                At::Point(point) => {
                    let (own, rest) = point.split_at(tile_bits.min(point.len()));
                    low.extend_from_slice(own);
                    high.push(kernel::equal_table(rest));
                }
                // The extension at one half is the average.
                At::Sum => {
                    low.extend(std::iter::repeat_n(F::constant(Fr::TWO_INV), tile_bits));
                    weight *= F::constant(Fr::from(1 << tile_bits));
                    high.push(vec![F::one(); axis.tiles()]);
                }
            }
        }
        high.reverse();
        let point = self.point(low);
        for (tile, place) in layout.places(term.tensor).iter().enumerate() {
            let Some(place) = place else { continue };
            let indices = program.tile_indices(term.tensor, tile);
            let factor: F = indices
                .iter()
                .zip(&high)
                .map(|(index, table)| table.get(*index).copied().unwrap_or_else(F::zero))
                .product();
            self.pieces.push(Piece {
                column: place.column,
                offset: place.offset,
                point,
                weight: weight * factor,
            });
        }
    }

    /// Adds the claim that a column has a value at a point, times a weight.
    pub(crate) fn add_column(&mut self, column: ColumnId, point: &[F], weight: F, value: F) {
        let point = self.point(point.to_vec());
        self.value += weight * value;
        self.pieces.push(Piece {
            column,
            offset: 0,
            point,
            weight,
        });
    }

    /// Adds the sum of a column's cells, times a weight.
    pub(crate) fn add_sum(&mut self, column: ColumnId, k: u32, weight: F) {
        let point = vec![F::constant(Fr::TWO_INV); k as usize];
        self.add_column(
            column,
            &point,
            weight * F::constant(Fr::from(1_u64 << k)),
            F::zero(),
        );
    }

    /// For each column, what its extension at a point is multiplied by.
    pub(crate) fn factors(&self, layout: &Layout, z: &[F]) -> BTreeMap<ColumnId, F> {
        let within: Vec<F> = self
            .points
            .iter()
            .map(|point| kernel::equal(point, z.get(..point.len()).unwrap_or(z)))
            .collect();
        // Blocks of one size share the table of their numbers.
        let mut numbers: BTreeMap<usize, Vec<F>> = BTreeMap::new();
        let mut factors = BTreeMap::new();
        let bits = self.mask.len().next_power_of_two().trailing_zeros() as usize;
        let (low, high) = z.split_at(bits.min(z.len()));
        let mask = kernel::cells(&self.mask, low) * kernel::equal_index(high, 0);
        factors.insert(layout.mask, mask);
        for piece in &self.pieces {
            let bits = self.points.get(piece.point).map_or(0, Vec::len);
            let number = piece.offset >> bits.min(usize::BITS as usize - 1);
            let rest = z.get(bits..).unwrap_or_default();
            let block = match rest.len() <= MAX_TABLE_BITS {
                true => numbers
                    .entry(bits)
                    .or_insert_with(|| kernel::equal_table(rest))
                    .get(number)
                    .copied()
                    .unwrap_or_else(F::zero),
                false => kernel::equal_index(rest, number),
            };
            let point = within.get(piece.point).copied().unwrap_or_else(F::zero);
            *factors.entry(piece.column).or_insert(F::zero()) += piece.weight * point * block;
        }
        factors
    }
}

/// Numbers of blocks whose weights are in a table; there are few smaller blocks.
const MAX_TABLE_BITS: usize = 10;

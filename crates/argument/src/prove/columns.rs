//! The sumcheck of all claims about columns, and the combination of columns that is opened.

use crate::pieces::Pieces;
use crate::prove::bind::{Row, add_cells};
use crate::prove::products::fold;
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuit::{ColumnId, Values, kernel};
use nanozk_kzg::Sums;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Bits of a row within a block: cells are gone through a block at a time.
const BLOCK_BITS: usize = 13;

/// A block of a column.
type Block = (ColumnId, usize);

/// The state of the sumcheck of `Σ_c Σ_x kernel_c(x)·column_c(x)`.
///
/// A piece larger than a block has the same kernel on each of its blocks, up to a factor; blocks with one kernel are added
/// up before the first round. After the variables within a block are bound, a block is one number.
pub(crate) struct Columns<'a> {
    values: &'a Values<'a>,
    low: usize,
    bound: usize,
    point: Vec<Fr>,
    /// Kernels within a block, and what they multiply.
    pairs: Vec<(Vec<Fr>, Vec<Fr>)>,
    /// For each point, the blocks that it multiplies, and by what.
    shared: BTreeMap<Vec<Fr>, Vec<(Block, Fr)>>,
    /// Kernels of blocks that have some of their own.
    own: Vec<Block>,
    /// After the variables within blocks are bound: kernels and columns over the blocks' numbers.
    high: Vec<(Vec<Fr>, Vec<Fr>)>,
}

impl<'a> Columns<'a> {
    /// Adds up blocks.
    pub(crate) fn new(values: &'a Values<'a>, pieces: &Pieces) -> Self {
        let k = values.layout().k() as usize;
        let low = k.min(BLOCK_BITS);
        let mut shared: BTreeMap<Vec<Fr>, Vec<(Block, Fr)>> = BTreeMap::new();
        let mut own: BTreeMap<Block, Vec<Fr>> = BTreeMap::new();
        for piece in pieces.pieces(values.layout()) {
            let point = &pieces.points()[piece.point];
            let first = piece.offset >> low;
            if point.len() >= low {
                let (within, rest) = point.split_at(low);
                let blocks = shared.entry(within.to_vec()).or_default();
                for (i, weight) in kernel::equal_table_times(rest, piece.weight)
                    .into_iter()
                    .enumerate()
                {
                    blocks.push(((piece.column, first + i), weight));
                }
            } else {
                let kernel_of_block = own
                    .entry((piece.column, first))
                    .or_insert_with(|| vec![Fr::ZERO; 1 << low]);
                let start = piece.offset & ((1 << low) - 1);
                let table = kernel::equal_table_times(point, piece.weight);
                for (cell, weight) in kernel_of_block[start..].iter_mut().zip(table) {
                    *cell += weight;
                }
            }
        }
        // Cells of the mask are few, and lie in its first blocks.
        for (block, weights) in pieces.mask.chunks(1 << low).enumerate() {
            let mut weights = weights.to_vec();
            weights.resize(1 << low, Fr::ZERO);
            own.insert((values.layout().mask, block), weights);
        }
        let mut pairs: Vec<(Vec<Fr>, Vec<Fr>)> = shared
            .par_iter()
            .map(|(point, blocks)| {
                let mut sums = Sums::new(1 << low);
                for ((column, block), weight) in blocks {
                    add_cells(&mut sums, values.column(*column), block << low, weight);
                }
                (kernel::equal_table(point), sums.values())
            })
            .collect();
        let blocks: Vec<Block> = own.keys().copied().collect();
        for ((column, block), weights) in own {
            let data = values.column(column);
            let cells = (0..1 << low).map(|i| data.get((block << low) + i));
            pairs.push((weights, cells.collect()));
        }
        Self {
            values,
            low,
            bound: 0,
            point: Vec::new(),
            pairs,
            shared,
            own: blocks,
            high: Vec::new(),
        }
    }

    /// The polynomial of the next variable.
    pub(crate) fn round(&self) -> Vec<Fr> {
        let pairs = if self.bound < self.low {
            &self.pairs
        } else {
            &self.high
        };
        let [constant, linear, square] = pairs
            .par_iter()
            .map(|(kernel, cells)| {
                let mut sums = [Fr::ZERO; 3];
                for (k, c) in kernel.chunks_exact(2).zip(cells.chunks_exact(2)) {
                    let (k1, c1) = (k[1] - k[0], c[1] - c[0]);
                    let (low, high) = (k[0] * c[0], k1 * c1);
                    sums[0] += low;
                    sums[2] += high;
                    // k(1)·c(1) = low + linear + high
                    sums[1] += k[1] * c[1] - low - high;
                }
                sums
            })
            .reduce(
                || [Fr::ZERO; 3],
                |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]],
            );
        vec![constant, linear, square]
    }

    /// Binds the next variable.
    pub(crate) fn bind(&mut self, x: Fr) {
        let pairs = if self.bound < self.low {
            &mut self.pairs
        } else {
            &mut self.high
        };
        pairs.par_iter_mut().for_each(|(kernel, cells)| {
            fold(kernel, x);
            fold(cells, x);
        });
        self.point.push(x);
        self.bound += 1;
        if self.bound == self.low {
            self.start_blocks();
        }
    }

    /// Binds the variables within blocks of all columns.
    fn start_blocks(&mut self) {
        let k = self.values.layout().k() as usize;
        let row = Row::new(kernel::equal_table(&self.point));
        let mut kernels: BTreeMap<ColumnId, Vec<Fr>> = BTreeMap::new();
        let mut add = |(column, block): Block, weight: Fr| {
            let kernel = kernels
                .entry(column)
                .or_insert_with(|| vec![Fr::ZERO; 1 << (k - self.low)]);
            kernel[block] += weight;
        };
        for (point, blocks) in &self.shared {
            let here = kernel::equal(point, &self.point);
            for (block, weight) in blocks {
                add(*block, here * weight);
            }
        }
        let bound = self.pairs[self.pairs.len() - self.own.len()..].iter();
        for (block, (kernel, _)) in self.own.iter().zip(bound) {
            add(*block, kernel[0]);
        }
        let values = self.values;
        let low = self.low;
        self.high = kernels
            .into_par_iter()
            .map(|(column, kernel)| {
                let data = values.column(column);
                let cells = kernel
                    .iter()
                    .enumerate()
                    // A block without a kernel may still be multiplied by one after a round: all are needed.
                    .map(|(block, _)| row.dot(data, block << low))
                    .collect();
                (kernel, cells)
            })
            .collect();
    }
}

/// The combination of columns with factors, and of their coefficients beyond the cube.
pub(crate) fn combine(values: &Values<'_>, factors: &BTreeMap<ColumnId, Fr>) -> Vec<Fr> {
    let mut coefficients = combine_cells(values, factors);
    let rows = coefficients.len();
    for (column, factor) in factors {
        let tail = values.tail(*column);
        if coefficients.len() < rows + tail.len() {
            coefficients.resize(rows + tail.len(), Fr::ZERO);
        }
        for (sum, coefficient) in coefficients[rows..].iter_mut().zip(tail) {
            *sum += *factor * coefficient;
        }
    }
    coefficients
}

fn combine_cells(values: &Values<'_>, factors: &BTreeMap<ColumnId, Fr>) -> Vec<Fr> {
    let layout = values.layout();
    let low = (layout.k() as usize).min(BLOCK_BITS);
    (0..layout.rows() >> low)
        .into_par_iter()
        .flat_map_iter(|block| {
            let mut sums = Sums::new(1 << low);
            for (column, factor) in factors {
                add_cells(&mut sums, values.column(*column), block << low, factor);
            }
            sums.values()
        })
        .collect()
}

/// Whether columns have the value that a combination of claims says; for debug builds, which so find a witness that does
/// not satisfy its program before anybody else does.
pub(crate) fn hold(values: &Values<'_>, pieces: &Pieces) -> bool {
    let sum: Fr = pieces
        .pieces(values.layout())
        .iter()
        .map(|piece| {
            let row = Row::new(kernel::equal_table(&pieces.points()[piece.point]));
            piece.weight * row.dot(values.column(piece.column), piece.offset)
        })
        .sum();
    let mask = values.column(values.layout().mask);
    let masks: Fr = pieces
        .mask
        .iter()
        .enumerate()
        .map(|(cell, factor)| mask.get(cell) * factor)
        .sum();
    sum + masks == pieces.value
}

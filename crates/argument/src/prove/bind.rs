//! Tensors at points of some of their axes.

use crate::claims::{Bound, Context, Vector};
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuit::{
    At, AxisId, ColumnData, Expression, Factor, Operand, Place, Point, Role, TensorId, Values,
    View, integer, kernel,
};
use nanozk_kzg::{Sums, Weights};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Cells that one task goes through.
const CHUNK: usize = 1 << 10;

/// Weights of a row of cells.
pub(crate) struct Row {
    weights: Vec<Fr>,
    small: Weights,
}

/// Cells from one on; those that a column lacks are zero.
fn part<T>(cells: &[T], from: usize, count: usize) -> &[T] {
    let end = cells.len().min(from + count);
    cells.get(from..end).unwrap_or_default()
}

impl Row {
    pub(crate) fn new(weights: Vec<Fr>) -> Self {
        let small = Weights::new(&weights);
        Self { weights, small }
    }

    /// `Σ cells[from + i]·weights[i]`.
    pub(crate) fn dot(&self, data: &ColumnData, from: usize) -> Fr {
        let count = self.weights.len();
        match data {
            ColumnData::U16(cells) => self.small.inner_product(0, part(cells, from, count)),
            ColumnData::U32(cells) => self.small.inner_product(0, part(cells, from, count)),
            ColumnData::I32(cells) => self.small.inner_product(0, part(cells, from, count)),
            ColumnData::I64(cells) => self.small.inner_product(0, part(cells, from, count)),
            ColumnData::Field(cells) => part(cells, from, count)
                .iter()
                .zip(&self.weights)
                .map(|(cell, weight)| *cell * weight)
                .sum(),
        }
    }
}

/// Adds `weight·cells[from + i]` to each sum.
pub(crate) fn add_cells(sums: &mut Sums, data: &ColumnData, from: usize, weight: &Fr) {
    let count = sums.len();
    match data {
        ColumnData::U16(cells) => sums.add(0, weight, part(cells, from, count)),
        ColumnData::U32(cells) => sums.add(0, weight, part(cells, from, count)),
        ColumnData::I32(cells) => sums.add(0, weight, part(cells, from, count)),
        ColumnData::I64(cells) => sums.add(0, weight, part(cells, from, count)),
        ColumnData::Field(cells) => {
            let products: Vec<Fr> = part(cells, from, count)
                .iter()
                .map(|cell| *cell * weight)
                .collect();
            sums.add_elements(0, &products);
        }
    }
}

/// An axis of a tile: bits, and the weights of its indices if it is fixed.
struct Dimension {
    bits: u32,
    weights: Option<Vec<Fr>>,
}

/// How tiles are summed over their fixed axes.
struct Contraction {
    prefix: Vec<Dimension>,
    /// The last run of fixed axes, which is summed over first, while cells are integers.
    run: Row,
    has_run: bool,
    /// Cells of the axes behind it.
    width: usize,
}

impl Contraction {
    fn new(mut dimensions: Vec<Dimension>) -> Self {
        let fixed = |d: &Dimension| d.weights.is_some();
        let end = dimensions.iter().rposition(fixed).map_or(0, |i| i + 1);
        let start = dimensions[..end]
            .iter()
            .rposition(|d| !fixed(d))
            .map_or(0, |i| i + 1);
        let rest = dimensions.split_off(end);
        let run = dimensions.split_off(start);
        let weights = run.iter().fold(vec![Fr::ONE], |table, d| {
            let own = d.weights.as_deref().unwrap_or_default();
            table
                .iter()
                .flat_map(|t| own.iter().map(move |w| *t * w))
                .collect()
        });
        Self {
            prefix: dimensions,
            has_run: !run.is_empty(),
            run: Row::new(weights),
            width: 1 << rest.iter().map(|d| d.bits).sum::<u32>(),
        }
    }

    /// What is left of a tile is over the axes that are not fixed, the last one moving fastest.
    fn of(&self, data: &ColumnData, offset: usize) -> Vec<Fr> {
        let (rows, mut width) = (self.run.weights.len(), self.width);
        let blocks = 1_usize << self.prefix.iter().map(|d| d.bits).sum::<u32>();
        let mut cells: Vec<Fr> = Vec::with_capacity(blocks * width);
        for block in 0..blocks {
            let from = offset + block * rows * width;
            if !self.has_run {
                cells.extend((0..width).map(|q| data.get(from + q)));
            } else if width == 1 {
                cells.push(self.run.dot(data, from));
            } else {
                let mut sums = Sums::new(width);
                for (r, weight) in self.run.weights.iter().enumerate() {
                    add_cells(&mut sums, data, from + r * width, weight);
                }
                cells.extend(sums.values());
            }
        }
        // Fixed axes before those, from the last one on.
        for dimension in self.prefix.iter().rev() {
            let count = 1_usize << dimension.bits;
            match &dimension.weights {
                None => width *= count,
                Some(weights) => {
                    cells = cells
                        .chunks(count * width)
                        .flat_map(|block| {
                            let mut sum = vec![Fr::ZERO; width];
                            for (row, weight) in block.chunks(width).zip(weights) {
                                for (s, cell) in sum.iter_mut().zip(row) {
                                    *s += *cell * weight;
                                }
                            }
                            sum
                        })
                        .collect();
                }
            }
        }
        cells
    }
}

/// Weights of the indices within a tile, and of the tiles, along an axis.
fn axis_weights(at: &At, tile_bits: u32, tiles: usize) -> (Vec<Fr>, Vec<Fr>) {
    match at {
        At::Point(point) => {
            let (low, high) = point.split_at((tile_bits as usize).min(point.len()));
            (kernel::equal_table(low), kernel::equal_table(high))
        }
        At::Sum => (vec![Fr::ONE; 1 << tile_bits], vec![Fr::ONE; tiles]),
    }
}

/// A factor of a virtual tensor's product, for each index of axes that are gone through one index at a time.
struct Walked {
    /// A table over the kept axes for each index of the others that the factor has.
    cells: Vec<Fr>,
    /// For each of those: its first bit in an index of all, its first bit here, and its bits.
    corners: Vec<(usize, usize, usize)>,
    /// Where cells go, and the bits that they decide.
    spread: Vec<usize>,
    mask: usize,
}

impl Walked {
    /// The table for an index of all axes that are gone through.
    fn at(&self, corner: usize) -> &[Fr] {
        let number: usize = self
            .corners
            .iter()
            .map(|(from, to, bits)| (corner >> from & ((1 << bits) - 1)) << to)
            .sum();
        let size = self.spread.len();
        &self.cells[number * size..][..size]
    }
}

/// What binds tensors: the program, and its values.
pub(crate) struct Binder<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) values: &'a Values<'a>,
}

impl Binder<'_> {
    /// A view, likewise.
    fn view(
        &self,
        view: &View,
        own: &[AxisId],
        at: &BTreeMap<AxisId, At>,
        kept: &[AxisId],
    ) -> Vec<Fr> {
        let (weight, fixed) = self.context.program.view_at(view);
        let mut own = own.iter();
        let slots: Vec<Result<AxisId, At>> = fixed
            .into_iter()
            .filter_map(|slot| match slot {
                Some(at) => Some(Err(at)),
                None => own
                    .next()
                    .map(|id| at.get(id).cloned().map_or(Ok(*id), Err)),
            })
            .collect();
        let mut table = self.tensor(view.of, &slots, kept);
        table
            .par_iter_mut()
            .with_min_len(CHUNK)
            .for_each(|cell| *cell *= weight);
        table
    }

    /// A committed tensor of which some axes are fixed and others kept, as a table over these, the first of `kept` moving
    /// fastest.
    fn tensor(&self, tensor: TensorId, slots: &[Result<AxisId, At>], kept: &[AxisId]) -> Vec<Fr> {
        let program = self.context.program;
        let axes: Vec<_> = program.axes_of(tensor).collect();
        let mut low = Vec::with_capacity(axes.len());
        let mut high: Vec<Option<Vec<Fr>>> = Vec::with_capacity(axes.len());
        for (axis, slot) in axes.iter().zip(slots) {
            let weights = slot
                .as_ref()
                .err()
                .map(|at| axis_weights(at, axis.tile_bits, axis.tiles()));
            let (l, h) = weights.unzip();
            low.push(Dimension {
                bits: axis.tile_bits,
                weights: l,
            });
            high.push(h);
        }
        // First variable of each kept axis.
        let starts: BTreeMap<AxisId, usize> = kept
            .iter()
            .scan(0, |start, axis| {
                let own = *start;
                *start += program.axis(*axis).bits() as usize;
                Some((*axis, own))
            })
            .collect();
        let kept_low: Vec<(u32, usize)> = low
            .iter()
            .zip(slots)
            .filter_map(|(d, slot)| Some((d.bits, starts[slot.as_ref().ok()?])))
            .collect();
        let contraction = Contraction::new(low);
        // Where each cell of a contracted tile goes.
        let map: Vec<usize> = kept_low.iter().fold(vec![0], |places, (bits, start)| {
            places
                .iter()
                .flat_map(|place| (0..1_usize << bits).map(move |i| place | i << start))
                .collect()
        });
        let tiles: Vec<(usize, Place)> = self
            .values
            .layout()
            .places(tensor)
            .iter()
            .enumerate()
            .filter_map(|(tile, place)| Some((tile, (*place)?)))
            .collect();
        let parts: Vec<(usize, Vec<Fr>)> = tiles
            .into_par_iter()
            .map(|(tile, place)| {
                let indices = program.tile_indices(tensor, tile);
                let (mut weight, mut base) = (Fr::ONE, 0);
                for (((index, high), slot), axis) in indices.iter().zip(&high).zip(slots).zip(&axes)
                {
                    match (high, slot) {
                        (Some(table), _) => weight *= table[*index],
                        (None, Ok(id)) => {
                            base |= index << (starts[id] + axis.tile_bits as usize);
                        }
                        (None, Err(_)) => {}
                    }
                }
                let data = self.values.column(place.column);
                let mut cells = contraction.of(data, place.offset);
                if weight != Fr::ONE {
                    cells.iter_mut().for_each(|cell| *cell *= weight);
                }
                (base, cells)
            })
            .collect();
        let mut table = vec![Fr::ZERO; 1 << self.context.variables(kept)];
        for (base, cells) in parts {
            for (place, cell) in map.iter().zip(cells) {
                table[base | place] += cell;
            }
        }
        table
    }

    /// A public tensor, likewise.
    fn public(&self, operand: &Operand, at: &BTreeMap<AxisId, At>, kept: &[AxisId]) -> Vec<Fr> {
        if at.is_empty() {
            return self.public_cells(operand, kept);
        }
        // A corner of the cube for each index of the kept axes.
        let corners = all_corners(&self.context, kept);
        corners
            .into_par_iter()
            .map(|corner| {
                let mut all = at.clone();
                all.extend(corner);
                let factor = nanozk_circuit::Factor {
                    terms: vec![(1, operand.clone())],
                    constant: 0,
                };
                self.context.at_point(&factor, &all, Fr::ONE).1
            })
            .collect()
    }

    /// A public tensor of which no axis is fixed: on the cube it is what it is defined to be.
    fn public_cells(&self, operand: &Operand, kept: &[AxisId]) -> Vec<Fr> {
        let bits = |axis: &AxisId| self.context.program.axis(*axis).bits();
        let starts: Vec<u32> = operand
            .axes
            .iter()
            .map(|axis| kept.iter().take_while(|a| *a != axis).map(bits).sum())
            .collect();
        (0..1_usize << kept.iter().map(bits).sum::<u32>())
            .into_par_iter()
            .with_min_len(CHUNK)
            .map(|corner| {
                let index =
                    |(axis, start): (&AxisId, &u32)| corner >> start & ((1 << bits(axis)) - 1);
                let indices: Vec<usize> = operand.axes.iter().zip(&starts).map(index).collect();
                self.values.get(operand.tensor, &indices)
            })
            .collect()
    }

    /// A virtual tensor, likewise: its definition, whose factors are mostly zero.
    fn virtual_tensor(
        &self,
        definition: &Expression,
        renamed: &BTreeMap<AxisId, AxisId>,
        at: &BTreeMap<AxisId, At>,
        kept: &[AxisId],
    ) -> Vec<Fr> {
        let program = self.context.program;
        // None for an axis that only the definition has, even if one outside has its name.
        let name = |axis: &AxisId| renamed.get(axis).copied();
        let mut table = vec![Fr::ZERO; 1 << self.context.variables(kept)];
        for product in &definition.products {
            let factors: Vec<Vec<AxisId>> = product.factors.iter().map(|f| f.axes()).collect();
            let axes = product.axes();
            let outer: Vec<AxisId> = axes.iter().filter_map(name).collect();
            // Axes that are fixed outside and that the product lacks.
            let lacking: Fr = at
                .iter()
                .filter(|(axis, _)| !outer.contains(axis))
                .map(|(axis, at)| crate::claims::broadcast(program, *axis, at))
                .product();
            // Axes that are not kept and that several factors have are gone through one index at a time.
            let mut fixed: BTreeMap<AxisId, At> = BTreeMap::new();
            let mut walked: Vec<AxisId> = Vec::new();
            for axis in axes {
                let outer = name(&axis);
                if outer.is_some_and(|outer| kept.contains(&outer)) {
                    continue;
                }
                let here = outer.and_then(|outer| at.get(&outer).cloned());
                let here = here.unwrap_or(At::Sum);
                if factors.iter().filter(|f| f.contains(&axis)).count() == 1 {
                    fixed.insert(axis, here);
                } else {
                    walked.push(axis);
                }
            }
            // Each factor once, as tables over its kept axes, one for each index of the walked axes that it has.
            let parts: Vec<Walked> = product
                .factors
                .iter()
                .zip(&factors)
                .map(|(factor, axes)| self.walked(factor, axes, &fixed, &walked, kept, &name))
                .collect();
            let weights = walked.iter().rev().fold(vec![Fr::ONE], |table, axis| {
                let cube = program.axis(*axis).cube();
                let own = match name(axis).and_then(|outer| at.get(&outer)) {
                    Some(At::Point(point)) => kernel::equal_table(point),
                    _ => vec![Fr::ONE; cube],
                };
                let times = |t: &Fr| own.iter().map(|w| *t * w).collect::<Vec<_>>();
                table.iter().flat_map(times).collect()
            });
            let coefficient = integer(product.coefficient) * lacking;
            for (corner, weight) in weights.iter().enumerate() {
                let mut entries: Vec<(usize, Fr)> = vec![(0, coefficient * weight)];
                let mut known = 0;
                for part in &parts {
                    let (cells, mask) = (part.at(corner), part.mask);
                    entries = entries
                        .iter()
                        .flat_map(|(place, value)| {
                            cells
                                .iter()
                                .zip(&part.spread)
                                .filter(move |(cell, at)| {
                                    **cell != Fr::ZERO && (place ^ **at) & mask & known == 0
                                })
                                .map(move |(cell, at)| (place | at, *value * cell))
                        })
                        .collect();
                    known |= mask;
                }
                // A kept axis that no factor has: every valid index.
                for axis in kept {
                    let start = self.start(axis, kept);
                    if known >> start & 1 == 1 || program.axis(*axis).bits() == 0 {
                        continue;
                    }
                    entries = entries
                        .iter()
                        .flat_map(|(place, value)| {
                            (0..program.axis(*axis).len).map(move |i| (place | i << start, *value))
                        })
                        .collect();
                }
                for (place, value) in entries {
                    table[place] += value;
                }
            }
        }
        table
    }

    /// A factor of a virtual tensor's product.
    fn walked(
        &self,
        factor: &Factor,
        axes: &[AxisId],
        fixed: &BTreeMap<AxisId, At>,
        walked: &[AxisId],
        kept: &[AxisId],
        name: &impl Fn(&AxisId) -> Option<AxisId>,
    ) -> Walked {
        let own = |axis: &&AxisId| !fixed.contains_key(axis) && !walked.contains(axis);
        let own: Vec<AxisId> = axes.iter().filter(own).copied().collect();
        let bits = |axis: &AxisId| self.context.program.axis(*axis).bits() as usize;
        let (mut corner, mut number, mut corners) = (0, 0, Vec::new());
        let mut order = own.clone();
        for axis in walked {
            if axes.contains(axis) {
                corners.push((corner, number, bits(axis)));
                number += bits(axis);
                order.push(*axis);
            }
            corner += bits(axis);
        }
        let bound = Bound::new(factor, axes, fixed);
        let (spread, mask) = self.spread(&own, kept, name);
        Walked {
            cells: self.bound(&bound, &order),
            corners,
            spread,
            mask,
        }
    }

    fn start(&self, axis: &AxisId, kept: &[AxisId]) -> usize {
        kept.iter()
            .take_while(|a| *a != axis)
            .map(|a| self.context.program.axis(*a).bits() as usize)
            .sum()
    }

    /// Where the cells of a table over some axes go in one over others, and the bits that they decide.
    fn spread(
        &self,
        own: &[AxisId],
        kept: &[AxisId],
        name: &impl Fn(&AxisId) -> Option<AxisId>,
    ) -> (Vec<usize>, usize) {
        let (mut places, mut mask) = (vec![0], 0);
        for axis in own {
            let start = name(axis).map_or(0, |outer| self.start(&outer, kept));
            let cube = self.context.program.axis(*axis).cube();
            mask |= (cube - 1) << start;
            // The first axis moves fastest.
            places = (0..cube)
                .flat_map(|i| places.iter().map(move |place| place | i << start))
                .collect();
        }
        (places, mask)
    }

    /// A factor as a table over its axes that are not fixed, the first moving fastest.
    pub(crate) fn bound(&self, bound: &Bound, kept: &[AxisId]) -> Vec<Fr> {
        let program = self.context.program;
        let all: Vec<AxisId> = bound.factor.axes();
        let mut table = vec![Fr::ZERO; 1 << self.context.variables(kept)];
        let mut add = |coefficient: i128, cells: &[Fr], own: &[AxisId]| {
            // Axes that the operand lacks: a weight, or a broadcast to valid indices.
            let mut weight = integer(coefficient);
            let lacking = all.iter().filter(|axis| !own.contains(axis));
            for axis in lacking {
                if let Some(at) = bound.at.get(axis) {
                    weight *= crate::claims::broadcast(program, *axis, at);
                }
            }
            let own_kept: Vec<AxisId> = kept
                .iter()
                .filter(|axis| own.contains(axis))
                .copied()
                .collect();
            let wide = self.expand(cells, &own_kept, kept, &all);
            for (cell, value) in table.iter_mut().zip(wide) {
                *cell += weight * value;
            }
        };
        for (coefficient, operand) in &bound.factor.terms {
            let at: BTreeMap<AxisId, At> = bound
                .at
                .iter()
                .filter(|(axis, _)| operand.axes.contains(axis))
                .map(|(axis, at)| (*axis, at.clone()))
                .collect();
            let own: Vec<AxisId> = kept
                .iter()
                .filter(|axis| operand.axes.contains(axis))
                .copied()
                .collect();
            let tensor = program.tensor(operand.tensor);
            let cells = match &tensor.role {
                Role::Public(_) => self.public(operand, &at, &own),
                Role::Virtual(definition) => {
                    let renamed = tensor
                        .axes
                        .iter()
                        .copied()
                        .zip(operand.axes.iter().copied())
                        .collect();
                    self.virtual_tensor(&definition.expression, &renamed, &at, &own)
                }
                Role::View(view) => self.view(view, &operand.axes, &at, &own),
                _ => {
                    let slot = |id: &AxisId| at.get(id).cloned().map_or(Ok(*id), Err);
                    let slots: Vec<_> = operand.axes.iter().map(slot).collect();
                    self.tensor(operand.tensor, &slots, &own)
                }
            };
            add(*coefficient, &cells, &operand.axes);
        }
        if bound.factor.constant != 0 {
            add(bound.factor.constant, &[Fr::ONE], &[]);
        }
        table
    }

    /// A table over some axes as one over more. Along an axis of `masked` it is for valid indices only.
    fn expand(&self, cells: &[Fr], own: &[AxisId], kept: &[AxisId], masked: &[AxisId]) -> Vec<Fr> {
        if own == kept {
            return cells.to_vec();
        }
        let program = self.context.program;
        let mut table: Vec<(usize, Fr)> = vec![(0, Fr::ONE)];
        // Index into `cells`, or none where the index is not valid.
        let mut stride = 1;
        for axis in kept {
            let axis_data = program.axis(*axis);
            let has = own.contains(axis);
            table = (0..axis_data.cube())
                .flat_map(|i| {
                    let valid = has || !masked.contains(axis) || i < axis_data.len;
                    let step = if has { i * stride } else { 0 };
                    table.iter().map(move |(at, factor)| {
                        let factor = if valid { *factor } else { Fr::ZERO };
                        (at + step, factor)
                    })
                })
                .collect();
            if has {
                stride *= axis_data.cube();
            }
        }
        table
            .into_iter()
            .map(|(at, factor)| {
                if factor == Fr::ZERO {
                    Fr::ZERO
                } else {
                    cells[at]
                }
            })
            .collect()
    }

    /// A vector as a table over its axes, the first moving fastest.
    pub(crate) fn vector(&self, vector: &Vector) -> Vec<Fr> {
        let mut table = vec![Fr::ZERO; 1 << self.context.variables(&vector.summed)];
        for (weight, bound) in &vector.parts {
            let axes = bound.factor.axes();
            let own: Vec<AxisId> = vector
                .summed
                .iter()
                .filter(|axis| axes.contains(axis))
                .copied()
                .collect();
            let cells = self.bound(bound, &own);
            let wide = self.expand(&cells, &own, &vector.summed, &[]);
            for (cell, value) in table.iter_mut().zip(wide) {
                *cell += *weight * value;
            }
        }
        table
    }
}

/// All points of the cube of some axes whose coordinates are bits, for valid indices and others.
fn all_corners(context: &Context<'_>, axes: &[AxisId]) -> Vec<BTreeMap<AxisId, At>> {
    let bits: Vec<usize> = axes
        .iter()
        .map(|a| context.program.axis(*a).bits() as usize)
        .collect();
    (0..1_usize << bits.iter().sum::<usize>())
        .map(|index| {
            let mut rest = index;
            axes.iter()
                .zip(&bits)
                .map(|(axis, bits)| {
                    let point: Point = (0..*bits)
                        .map(|i| Fr::from((rest >> i & 1) as u64))
                        .collect();
                    rest >>= bits;
                    (*axis, At::Point(point))
                })
                .collect()
        })
        .collect()
}

//! The lookup argument: every limb is in its table (LogUp; Haböck, 2022/1530).
//!
//! With `n` for the rows that are looked up, `v` for values, `m` for multiplicities,
//!
//! ```text
//! lane:   d = α + limb + τ·v + τ²·tag,   numerator  n
//! table:  d = α + key  + τ·v + τ²·tag,   numerator −m
//! wires:  d = α + wire + τ·number + τ²·tag,   numerator 1,
//!         d = α + wire + τ·(number of the wire that it equals) + τ²·tag,   numerator −1
//! ```
//!
//! the sum of all fractions over all rows is zero. A helper `h` of each group of lanes is the sum of its fractions:
//! `h·Π d = Σ numerator·Π (the other d)` in every row, and the helpers' sum is zero. Tags are numbers of tables, from one;
//! rows of no table have tag zero, which no lane has where it counts.

use crate::mask;
use crate::pieces::Pieces;
use halo2curves::bn256::Fr;
use nanozk_circuit::{ColumnId, ColumnKind, CopyLane, Layout, Program, TableId, kernel};
use nanozk_transcript::Element;

/// Challenges of the lookup argument.
#[derive(Clone, Debug, Default)]
pub(crate) struct Challenges<F = Fr> {
    /// `α`.
    pub(crate) shift: F,
    /// `τ`.
    pub(crate) separator: F,
    /// Where the helpers' equation is checked.
    pub(crate) point: Vec<F>,
    /// Its powers tell groups apart.
    pub(crate) group: F,
}

/// The tag of a table.
pub(crate) fn tag(table: TableId) -> Fr {
    Fr::from(table.index() as u64 + 1)
}

/// Columns whose values the prover sends, in order.
pub(crate) fn sent_columns(layout: &Layout) -> Vec<ColumnId> {
    let lanes = layout
        .lanes
        .iter()
        .flat_map(|lane| [Some(lane.limbs), lane.values]);
    let tables = layout.table_lanes.iter().map(|lane| lane.values);
    let wires = layout
        .copies
        .iter()
        .flat_map(|lane| [Some(lane.wires), Some(lane.permutation)]);
    lanes.chain(tables).chain(wires).flatten().collect()
}

/// The tag of wires: no table has it.
pub(crate) fn copy_tag(program: &Program) -> Fr {
    Fr::from(program.tables().len() as u64 + 1)
}

/// The number of the first wire of a column: those of earlier columns come before.
pub(crate) fn first_wire(layout: &Layout, lane: &CopyLane) -> Fr {
    let number = match layout.column(lane.wires).kind {
        ColumnKind::Wire(number) => u64::from(number),
        _ => 0,
    };
    Fr::from(number << layout.k())
}

/// What the sumcheck of the lookup argument leaves.
pub(crate) struct Left<F = Fr> {
    pub(crate) challenges: Challenges<F>,
    /// The point where it ends.
    pub(crate) point: Vec<F>,
    /// Values of [`sent_columns`].
    pub(crate) values: Vec<F>,
    /// The first of the cells that mask these values, in order, of those that are masked.
    pub(crate) masks: usize,
    /// What products leave of the sumcheck's end.
    pub(crate) end: F,
    /// Cells of the sumcheck's mask, and their factors.
    pub(crate) mask: Vec<(usize, F)>,
    /// By what the helpers' equation is multiplied in the end.
    pub(crate) scale: F,
}

/// The lookup argument at the point where its sumcheck ends.
pub(crate) struct End<'a, F = Fr> {
    pub(crate) program: &'a Program,
    pub(crate) layout: &'a Layout,
    pub(crate) left: &'a Left<F>,
}

impl<F: Element> End<'_, F> {
    /// The value of a column that was sent.
    fn value(&self, column: ColumnId) -> F {
        sent_columns(self.layout)
            .iter()
            .zip(&self.left.values)
            .find(|(id, _)| **id == column)
            .map_or_else(F::zero, |(_, value)| *value)
    }

    /// The denominator of a lane, and whether the row counts.
    fn lane(&self, lane: &nanozk_circuit::Lane) -> (F, F) {
        let c = &self.left.challenges;
        let mut denominator = c.shift + self.value(lane.limbs);
        if let Some(values) = lane.values {
            denominator += c.separator * self.value(values);
        }
        let (mut tags, mut start) = (F::zero(), F::zero());
        for (table, end) in &lane.runs {
            let end = kernel::below(*end, &self.left.point);
            tags += F::constant(tag(*table)) * (end - start);
            start = end;
        }
        denominator += c.separator.square() * tags;
        (denominator, start)
    }

    /// The denominator of a column of tables.
    fn table(&self, lane: usize) -> F {
        let c = &self.left.challenges;
        let mut denominator = c.shift;
        for place in self.layout.tables.iter().filter(|p| p.lane == lane) {
            let bits = self
                .program
                .tables()
                .get(place.table.index())
                .map_or(0, |t| t.bits as usize);
            let (low, high) = self.left.point.split_at(bits.min(self.left.point.len()));
            let here = kernel::equal_index(high, place.offset >> bits);
            denominator += here
                * (kernel::index(1 << bits, low)
                    + c.separator.square() * F::constant(tag(place.table)));
        }
        let values = self.layout.table_lanes.get(lane).and_then(|l| l.values);
        if let Some(values) = values {
            denominator += c.separator * self.value(values);
        }
        denominator
    }

    /// Both denominators of a column of wires, and whether the row counts.
    fn wires(&self, lane: &CopyLane) -> ([F; 2], F) {
        let c = &self.left.challenges;
        let counts = kernel::below(lane.rows, &self.left.point);
        let first = F::constant(first_wire(self.layout, lane));
        let own = first * counts + kernel::index(lane.rows, &self.left.point);
        let tag = c.separator.square() * F::constant(copy_tag(self.program)) * counts;
        let wire = c.shift + self.value(lane.wires) + tag;
        let other = self.value(lane.permutation);
        (
            [own, other].map(|number| wire + c.separator * number),
            counts,
        )
    }

    /// What is left of the sumcheck's end, as a claim about helpers and multiplicities, which are linear in it, and cells of
    /// its mask: `scale·(the helpers' equation) + mask = end`.
    fn claim(&self, pieces: &mut Pieces<F>, by: F) {
        pieces.add_cells(&self.left.mask, by);
        pieces.value += by * self.left.end;
        let by = by * self.left.scale;
        let weight = kernel::equal(&self.left.challenges.point, &self.left.point);
        let mut group_weight = weight;
        let mut known = F::zero();
        for group in &self.layout.groups {
            // Denominators, with the numerator or the column of multiplicities.
            let lanes = group
                .lanes
                .iter()
                .filter_map(|i| self.layout.lanes.get(*i))
                .map(|lane| {
                    let (denominator, counts) = self.lane(lane);
                    (denominator, counts, None)
                });
            let tables = group.tables.iter().filter_map(|i| {
                let lane = self.layout.table_lanes.get(*i)?;
                Some((self.table(*i), F::zero(), Some(lane.multiplicities)))
            });
            let wires = group
                .copies
                .iter()
                .filter_map(|i| self.layout.copies.get(*i))
                .flat_map(|lane| {
                    let ([own, other], counts) = self.wires(lane);
                    [(own, counts, None), (other, -counts, None)]
                });
            let fractions: Vec<_> = lanes.chain(tables).chain(wires).collect();
            let product: F = fractions.iter().map(|f| f.0).product();
            pieces.add_column(
                group.helper,
                &self.left.point,
                by * group_weight * product,
                F::zero(),
            );
            for (i, (_, counts, multiplicities)) in fractions.iter().enumerate() {
                let others: F = fractions
                    .iter()
                    .enumerate()
                    .filter(|(j, _)| *j != i)
                    .map(|(_, f)| f.0)
                    .product();
                match multiplicities {
                    Some(column) => {
                        pieces.add_column(
                            *column,
                            &self.left.point,
                            by * group_weight * others,
                            F::zero(),
                        );
                    }
                    None => known += group_weight * others * counts,
                }
            }
            group_weight *= self.left.challenges.group;
        }
        pieces.value += by * known;
    }

    /// All claims that are left, the first with the weight `by`, the others with powers of the challenge times it.
    pub(crate) fn claims(&self, pieces: &mut Pieces<F>, mut by: F, challenge: F) {
        self.claim(pieces, by);
        by *= challenge;
        self.column_claims(pieces, &mut by, challenge);
        // All fractions add up to zero.
        for group in &self.layout.groups {
            pieces.add_sum(group.helper, self.layout.k(), by);
        }
    }

    /// The claims that columns have the values that were sent.
    fn column_claims(&self, pieces: &mut Pieces<F>, by: &mut F, challenge: F) {
        let vanishing = self
            .left
            .point
            .last()
            .map_or_else(F::zero, |x| mask::vanishing(*x));
        let mut cell = self.left.masks;
        for (column, value) in sent_columns(self.layout).iter().zip(&self.left.values) {
            pieces.add_column(*column, &self.left.point, *by, *value);
            if is_masked(self.layout, *column) {
                pieces.add_cells(&[(cell, vanishing)], *by);
                cell += 1;
            }
            *by *= challenge;
        }
    }
}

/// Whether the value of a column is masked: those of tables are public.
pub(crate) fn is_masked(layout: &Layout, column: ColumnId) -> bool {
    matches!(
        layout.column(column).kind,
        ColumnKind::Limb(_) | ColumnKind::Value(_) | ColumnKind::Wire(_)
    )
}

/// Columns whose values are masked.
pub(crate) fn masked_columns(layout: &Layout) -> usize {
    let sent = sent_columns(layout);
    sent.iter().filter(|c| is_masked(layout, **c)).count()
}

/// The degree of a round's polynomial: a helper, the denominators, and the weight of the row. In the last variable the
/// denominators of lanes are quadratic.
pub(crate) fn degree(layout: &Layout, round: usize) -> usize {
    let k = layout.k() as usize;
    if round >= k {
        return 0;
    }
    let masked = usize::from(round + 1 == k);
    layout
        .groups
        .iter()
        .map(|group| {
            (1 + masked) * (group.lanes.len() + 2 * group.copies.len()) + group.tables.len() + 2
        })
        .max()
        .unwrap_or(0)
}

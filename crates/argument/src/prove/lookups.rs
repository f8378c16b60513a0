//! The lookup argument: helpers, and the sumcheck of their equation.

use crate::lookup::{Challenges, copy_tag, first_wire, tag};
use crate::mask::vanishing;
use crate::prove::products::{fold, unused_so_far};
use crate::{Error, round};
use halo2curves::bn256::Fr;
use halo2curves::ff::{BatchInvert, Field};
use nanozk_circuit::{ColumnData, ColumnId, CopyLane, Layout, Program, TableId, Values, kernel};
use rayon::prelude::*;
use std::sync::Arc;

/// Rows that one task goes through.
const CHUNK: usize = 1 << 9;

/// A vector that is 1 up to a row, then 0, while its variables are bound: one element may be in between.
#[derive(Clone, Copy)]
struct Active {
    ones: usize,
    next: Fr,
}

impl Active {
    fn new(rows: usize) -> Self {
        Self {
            ones: rows,
            next: Fr::ZERO,
        }
    }

    fn get(&self, row: usize) -> Fr {
        match row.cmp(&self.ones) {
            std::cmp::Ordering::Less => Fr::ONE,
            std::cmp::Ordering::Equal => self.next,
            std::cmp::Ordering::Greater => Fr::ZERO,
        }
    }

    fn fold(&mut self, x: Fr) {
        let next = if self.ones.is_multiple_of(2) {
            (Fr::ONE - x) * self.next
        } else {
            Fr::ONE - x + x * self.next
        };
        *self = Self {
            ones: self.ones / 2,
            next,
        };
    }
}

/// A fraction's numerator.
enum Numerator {
    Active(Active),
    /// The same with the other sign.
    Minus(Active),
    /// Negative multiplicities.
    Counts(Vec<Fr>),
}

/// A lane of limbs, of tables, or of wires, which has two.
struct Fraction {
    numerator: Numerator,
    /// Denominators of the first rows; all others are `rest`.
    denominators: Vec<Fr>,
    rest: Fr,
    /// What masks the denominator's value.
    mask: Fr,
}

struct GroupState {
    helper: Vec<Fr>,
    fractions: Vec<Fraction>,
}

/// Columns of helpers, and the state of the sumcheck.
pub(crate) struct Lookups {
    groups: Vec<GroupState>,
    challenges: Challenges,
    /// For each variable, the weights of all later ones.
    later: Vec<Vec<Fr>>,
    variables: usize,
    bound: usize,
    weight: Fr,
    claim: Fr,
    /// The polynomial of the next variable without its weight, once it is known.
    polynomial: Vec<Fr>,
}

/// Denominators of a run of rows.
fn denominators(
    limbs: &ColumnData,
    values: Option<&ColumnData>,
    runs: &[(TableId, usize)],
    c: &Challenges,
) -> Vec<Fr> {
    let rows = runs.last().map_or(0, |r| r.1);
    let small = |data: &ColumnData, row: usize| -> u16 {
        match data {
            ColumnData::U16(cells) => cells.get(row).copied().unwrap_or(0),
            _ => 0,
        }
    };
    let mut result = vec![Fr::ZERO; rows];
    let mut start = 0;
    for (table, end) in runs {
        let shift = c.shift + c.separator.square() * tag(*table);
        result[start..*end]
            .par_iter_mut()
            .with_min_len(CHUNK)
            .enumerate()
            .for_each(|(i, d)| {
                let row = start + i;
                *d = shift + Fr::from(u64::from(small(limbs, row)));
                if let Some(values) = values {
                    let value = small(values, row);
                    if value != 0 {
                        *d += c.separator * Fr::from(u64::from(value));
                    }
                }
            });
        start = *end;
    }
    result
}

/// Denominators of a column of tables.
fn table_denominators(
    program: &Program,
    layout: &Layout,
    lane: usize,
    values: Option<&ColumnData>,
    c: &Challenges,
) -> Vec<Fr> {
    let mut result = vec![c.shift; layout.table_lanes[lane].rows];
    for place in layout.tables.iter().filter(|p| p.lane == lane) {
        let shift = c.shift + c.separator.square() * tag(place.table);
        let rows = 1_usize << program.tables()[place.table.index()].bits;
        for key in 0..rows {
            let row = place.offset + key;
            result[row] = shift + Fr::from(key as u64);
            if let Some(values) = values {
                result[row] += c.separator * values.get(row);
            }
        }
    }
    result
}

/// Denominators of a column of wires, with their own numbers and with those of the wires that they are equal to.
fn wire_denominators(
    program: &Program,
    layout: &Layout,
    values: &Values<'_>,
    lane: &CopyLane,
    c: &Challenges,
) -> (Vec<Fr>, Vec<Fr>) {
    let (wires, permutation) = (values.column(lane.wires), values.column(lane.permutation));
    let shift = c.shift + c.separator.square() * copy_tag(program);
    let first = first_wire(layout, lane);
    (0..lane.rows)
        .into_par_iter()
        .with_min_len(CHUNK)
        .map(|row| {
            let wire = shift + wires.get(row);
            let own = wire + c.separator * (first + Fr::from(row as u64));
            (own, wire + c.separator * permutation.get(row))
        })
        .unzip()
}

impl Lookups {
    /// Computes the helpers.
    pub(crate) fn new(values: &Values<'_>, challenges: Challenges) -> Result<Self, Error> {
        let (program, layout) = (values.program(), values.layout());
        let column = |id: ColumnId| values.column(id);
        let mut groups = Vec::with_capacity(layout.groups.len());
        for group in &layout.groups {
            let mut fractions = Vec::new();
            for lane in group.lanes.iter().map(|i| &layout.lanes[*i]) {
                fractions.push(Fraction {
                    numerator: Numerator::Active(Active::new(lane.rows())),
                    denominators: denominators(
                        column(lane.limbs),
                        lane.values.map(column),
                        &lane.runs,
                        &challenges,
                    ),
                    rest: challenges.shift,
                    mask: Fr::ZERO,
                });
            }
            for i in &group.tables {
                let lane = &layout.table_lanes[*i];
                let counts = column(lane.multiplicities);
                fractions.push(Fraction {
                    numerator: Numerator::Counts(
                        (0..lane.rows).map(|row| -counts.get(row)).collect(),
                    ),
                    denominators: table_denominators(
                        program,
                        layout,
                        *i,
                        lane.values.map(column),
                        &challenges,
                    ),
                    rest: challenges.shift,
                    mask: Fr::ZERO,
                });
            }
            for lane in group.copies.iter().map(|i| &layout.copies[*i]) {
                let (own, other) = wire_denominators(program, layout, values, lane, &challenges);
                let active = Active::new(lane.rows);
                let numerators = [Numerator::Active(active), Numerator::Minus(active)];
                for (numerator, denominators) in numerators.into_iter().zip([own, other]) {
                    fractions.push(Fraction {
                        numerator,
                        denominators,
                        rest: challenges.shift,
                        mask: Fr::ZERO,
                    });
                }
            }
            groups.push(GroupState {
                helper: helper(&fractions)?,
                fractions,
            });
        }
        Ok(Self {
            groups,
            challenges,
            later: Vec::new(),
            variables: layout.k() as usize,
            bound: 0,
            weight: Fr::ONE,
            claim: Fr::ZERO,
            polynomial: Vec::new(),
        })
    }

    /// The helpers, in order.
    pub(crate) fn helpers(&self) -> impl Iterator<Item = ColumnData> + '_ {
        self.groups
            .iter()
            .map(|group| ColumnData::Field(Arc::new(group.helper.clone())))
    }

    /// Sets what masks the values of limbs and keys, and of values, of each lane; and of wires.
    pub(crate) fn mask(&mut self, layout: &Layout, masks: &[[Fr; 2]], wires: &[Fr]) {
        for (state, group) in self.groups.iter_mut().zip(&layout.groups) {
            for (fraction, lane) in state.fractions.iter_mut().zip(&group.lanes) {
                let [limb, value] = masks[*lane];
                fraction.mask = limb + self.challenges.separator * value;
            }
            // Both fractions of a wire have it.
            let twice = group.copies.iter().flat_map(|lane| [lane, lane]);
            for (fraction, lane) in state.fractions.iter_mut().rev().zip(twice.rev()) {
                fraction.mask = wires[*lane];
            }
        }
    }

    /// Starts the sumcheck.
    pub(crate) fn start(&mut self, point: Vec<Fr>, group: Fr) {
        let rows = self
            .groups
            .iter()
            .map(|g| g.helper.len())
            .max()
            .unwrap_or(0);
        // Only weights of rows in use.
        self.later = (0..=point.len())
            .map(|i| {
                let mut table = kernel::equal_table(&point[i..]);
                table.truncate(rows.div_ceil(1 << i).max(1));
                table
            })
            .collect();
        self.challenges.point = point;
        self.challenges.group = group;
    }

    /// The polynomial of the next variable.
    pub(crate) fn round(&mut self) -> Vec<Fr> {
        if self.bound >= self.variables {
            let unused = unused_so_far(self.bound, self.variables);
            return vec![self.weight * self.claim * unused];
        }
        self.polynomial = self.inner();
        let polynomial = round::times_equal(&self.polynomial, self.challenges.point[self.bound]);
        polynomial.into_iter().map(|c| c * self.weight).collect()
    }

    /// Coefficients of the variable's polynomial without its weight.
    fn inner(&self) -> Vec<Fr> {
        let last = self.bound + 1 == self.variables;
        let degree = self
            .groups
            .iter()
            .map(|g| g.degree(last))
            .max()
            .unwrap_or(0);
        let weights = &self.later[self.bound + 1];
        let mut sums = vec![Fr::ZERO; degree + 1];
        let mut by = Fr::ONE;
        for group in &self.groups {
            let own = match last {
                true => group.last(),
                false => group.round(weights),
            };
            // To the same number of values: its degree may be less.
            let coefficients = round::interpolate(&own);
            for (x, sum) in sums.iter_mut().enumerate() {
                if x != 1 {
                    *sum += by * round::evaluate(&coefficients, Fr::from(x as u64));
                }
            }
            by *= self.challenges.group;
        }
        let c = self.challenges.point[self.bound];
        // claim = (1 − c)·p(0) + c·p(1)
        let inverse = c.invert().unwrap_or(Fr::ZERO);
        sums[1] = (self.claim - (Fr::ONE - c) * sums[0]) * inverse;
        round::interpolate(&sums)
    }

    /// The equation at the point, after all variables are bound.
    pub(crate) fn end(&self) -> Fr {
        self.weight * self.claim
    }

    /// The challenges.
    pub(crate) fn into_challenges(self) -> Challenges {
        self.challenges
    }

    /// Binds the next variable, whose polynomial is known.
    pub(crate) fn bind(&mut self, x: Fr) {
        if self.bound < self.variables {
            self.claim = round::evaluate(&self.polynomial, x);
            self.weight *= kernel::equal_bit(self.challenges.point[self.bound], x);
            for group in &mut self.groups {
                group.bind(x);
            }
        }
        self.bound += 1;
    }
}

/// Sums of fractions, row by row.
fn helper(fractions: &[Fraction]) -> Result<Vec<Fr>, Error> {
    let rows = fractions
        .iter()
        .map(|f| f.denominators.len())
        .max()
        .unwrap_or(0);
    let chunks: Vec<usize> = (0..rows).step_by(CHUNK).collect();
    let parts: Vec<Vec<Fr>> = chunks
        .into_par_iter()
        .map(|start| {
            let end = rows.min(start + CHUNK);
            let mut numerators = Vec::with_capacity(end - start);
            let mut products = Vec::with_capacity(end - start);
            for row in start..end {
                let (mut numerator, mut product) = (Fr::ZERO, Fr::ONE);
                for fraction in fractions {
                    let (n, d) = fraction.get(row);
                    numerator = numerator * d + n * product;
                    product *= d;
                }
                numerators.push(numerator);
                products.push(product);
            }
            if products.contains(&Fr::ZERO) {
                return Err(Error::Denominator);
            }
            products.batch_invert();
            Ok(numerators
                .into_iter()
                .zip(products)
                .map(|(n, inverse)| n * inverse)
                .collect())
        })
        .collect::<Result<_, _>>()?;
    Ok(parts.concat())
}

impl Fraction {
    fn get(&self, row: usize) -> (Fr, Fr) {
        let denominator = self.denominators.get(row).copied().unwrap_or(self.rest);
        let numerator = match &self.numerator {
            Numerator::Active(active) => active.get(row),
            Numerator::Minus(active) => -active.get(row),
            Numerator::Counts(counts) => counts.get(row).copied().unwrap_or(Fr::ZERO),
        };
        (numerator, denominator)
    }

    fn bind(&mut self, x: Fr) {
        if self.denominators.len() % 2 == 1 {
            self.denominators.push(self.rest);
        }
        fold(&mut self.denominators, x);
        match &mut self.numerator {
            Numerator::Active(active) | Numerator::Minus(active) => active.fold(x),
            Numerator::Counts(counts) => {
                if counts.len() % 2 == 1 {
                    counts.push(Fr::ZERO);
                }
                fold(counts, x);
            }
        }
    }
}

impl GroupState {
    /// The degree of a round's polynomial without its weight; masked denominators are quadratic in the last variable.
    fn degree(&self, last: bool) -> usize {
        match last {
            true => 2 * self.fractions.len() + 1,
            false => self.fractions.len() + 1,
        }
    }

    /// Values at 0, 1, … in the last variable.
    fn last(&self) -> Vec<Fr> {
        let line = |zero: Fr, one: Fr, x: Fr| zero + x * (one - zero);
        let helper = |i: usize| self.helper.get(i).copied().unwrap_or(Fr::ZERO);
        (0..=self.degree(true) as u64)
            .map(|x| {
                let x = Fr::from(x);
                let (mut numerator, mut product) = (Fr::ZERO, Fr::ONE);
                for fraction in &self.fractions {
                    let ((n0, d0), (n1, d1)) = (fraction.get(0), fraction.get(1));
                    let d = line(d0, d1, x) + fraction.mask * vanishing(x);
                    numerator = numerator * d + product * line(n0, n1, x);
                    product *= d;
                }
                line(helper(0), helper(1), x) * product - numerator
            })
            .collect()
    }

    /// Values at 0, 1, … of `Σ weight·(h·Π d − Σ n·Π (the other d))` over the later variables; the value at 1 too.
    fn round(&self, weights: &[Fr]) -> Vec<Fr> {
        let degree = self.fractions.len() + 1;
        let rows = self.helper.len().div_ceil(2);
        let chunks: Vec<usize> = (0..rows).step_by(CHUNK).collect();
        chunks
            .into_par_iter()
            .map(|start| {
                let mut sums = vec![Fr::ZERO; degree + 1];
                let mut state = vec![[Fr::ZERO; 4]; self.fractions.len()];
                let end = rows.min(start + CHUNK);
                for (row, weight) in (start..end).zip(&weights[start..end]) {
                    let mut all_ones = true;
                    for (s, fraction) in state.iter_mut().zip(&self.fractions) {
                        let (n0, d0) = fraction.get(2 * row);
                        let (n1, d1) = fraction.get(2 * row + 1);
                        *s = [d0, d1 - d0, n0, n1 - n0];
                        all_ones &= matches!(&fraction.numerator, Numerator::Active(a) if 2 * row + 1 < a.ones);
                    }
                    let at = |i: usize| self.helper.get(i).copied().unwrap_or(Fr::ZERO);
                    let (mut h, slope) = (at(2 * row), at(2 * row + 1) - at(2 * row));
                    for (x, sum) in sums.iter_mut().enumerate() {
                        if x > 0 {
                            h += slope;
                            for s in &mut state {
                                s[0] += s[1];
                                s[2] += s[3];
                            }
                        }
                        let (mut numerator, mut product) = (Fr::ZERO, Fr::ONE);
                        for (i, [d, _, n, _]) in state.iter().enumerate() {
                            if i == 0 {
                                (numerator, product) = (*n, *d);
                            } else {
                                numerator *= d;
                                numerator += if all_ones { product } else { product * n };
                                product *= d;
                            }
                        }
                        *sum += (h * product - numerator) * weight;
                    }
                }
                sums
            })
            .reduce(
                || vec![Fr::ZERO; degree + 1],
                |mut a, b| {
                    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                    a
                },
            )
    }

    fn bind(&mut self, x: Fr) {
        if self.helper.len() % 2 == 1 {
            self.helper.push(Fr::ZERO);
        }
        fold(&mut self.helper, x);
        self.fractions.iter_mut().for_each(|f| f.bind(x));
    }
}

//! Sums of monomials, factored for evaluation on many rows.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuits::ir::{Cell, Poly, CHALLENGES};
use std::collections::BTreeMap;
use std::ops::Range;

/// Monomials with known coefficients, those of equal cells merged.
pub(crate) type Terms = BTreeMap<Vec<Cell>, Fr>;

/// Adds `factor · poly` to `terms`.
pub(crate) fn add_terms(
    terms: &mut Terms,
    poly: &Poly,
    factor: Fr,
    challenges: &[Fr; CHALLENGES],
    instances: &[Fr],
) {
    for term in &poly.0 {
        let mut cells = term.cells.clone();
        cells.sort_unstable();
        *terms.entry(cells).or_insert(Fr::ZERO) += factor * term.coeff.eval(challenges, instances);
    }
}

/// Values of all columns on all rows, or on a coset.
pub(crate) type Table<'a> = [&'a [Fr]];

/// Value of a cell relative to a row; rotations are cyclic.
#[inline]
fn get(table: &Table<'_>, cell: Cell, row: usize) -> Fr {
    let column = table[cell.column.0 as usize];
    column[rotate(row, cell.rotation, column.len())]
}

/// The row `rotation` below `row`, of a power of two.
#[inline]
pub(crate) fn rotate(row: usize, rotation: i32, rows: usize) -> usize {
    row.wrapping_add_signed(rotation as isize) & (rows - 1)
}

/// `constant + Σ coeff · cell + Σ cell · (…)`, a multivariate Horner scheme.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expr {
    constant: Fr,
    linear: Vec<(Cell, Fr)>,
    products: Vec<(Cell, Expr)>,
}

impl Expr {
    /// The polynomial under the challenges.
    pub(crate) fn of(poly: &Poly, challenges: &[Fr; CHALLENGES], instances: &[Fr]) -> Self {
        let mut terms = Terms::new();
        add_terms(&mut terms, poly, Fr::ONE, challenges, instances);
        Expr::new(terms)
    }

    /// Factors greedily: out of as many terms as possible, until all are linear.
    pub(crate) fn new(mut terms: Terms) -> Self {
        terms.retain(|_, coeff| !coeff.is_zero_vartime());
        let mut products = Vec::new();
        while let Some(cell) = most_frequent(&terms) {
            let mut inner = Terms::new();
            terms.retain(|cells, coeff| match cells.binary_search(&cell) {
                Ok(i) => {
                    let mut rest = cells.clone();
                    rest.remove(i);
                    inner.insert(rest, *coeff);
                    false
                }
                Err(_) => true,
            });
            products.push((cell, Expr::new(inner)));
        }
        let constant = terms.remove(&Vec::new()).unwrap_or(Fr::ZERO);
        let linear = terms
            .into_iter()
            .map(|(cells, coeff)| (cells[0], coeff))
            .collect();
        Expr {
            constant,
            linear,
            products,
        }
    }

    /// The value, if it is the same on every row.
    pub(crate) fn constant(&self) -> Option<Fr> {
        (self.linear.is_empty() && self.products.is_empty()).then_some(self.constant)
    }

    /// Value on a row.
    pub(crate) fn at(&self, table: &Table<'_>, row: usize) -> Fr {
        let mut sum = self.constant;
        for (cell, coeff) in &self.linear {
            sum += get(table, *cell, row) * coeff;
        }
        for (cell, inner) in &self.products {
            let factor = get(table, *cell, row);
            // Selectors are zero on most rows.
            if !factor.is_zero_vartime() {
                sum += factor * inner.at(table, row);
            }
        }
        sum
    }

    /// Values on consecutive rows.
    pub(crate) fn on(&self, table: &Table<'_>, rows: Range<usize>, out: &mut [Fr]) {
        out.fill(self.constant);
        for (cell, coeff) in &self.linear {
            let add = |out: &mut [Fr], values: &[Fr]| {
                if *coeff == Fr::ONE {
                    out.iter_mut().zip(values).for_each(|(out, v)| *out += v);
                } else if *coeff == -Fr::ONE {
                    out.iter_mut().zip(values).for_each(|(out, v)| *out -= v);
                } else {
                    out.iter_mut()
                        .zip(values)
                        .for_each(|(out, v)| *out += *coeff * v);
                }
            };
            stretches(table, *cell, &rows, |at, values| add(&mut out[at], values));
        }
        let mut inner_values = vec![
            Fr::ZERO;
            if self.products.is_empty() {
                0
            } else {
                out.len()
            }
        ];
        for (cell, inner) in &self.products {
            inner.on(table, rows.clone(), &mut inner_values);
            stretches(table, *cell, &rows, |at, values| {
                let inner = &inner_values[at.clone()];
                for ((out, v), i) in out[at].iter_mut().zip(values).zip(inner) {
                    *out += *v * i;
                }
            });
        }
    }
}

/// The cell in the most terms of degree two or more.
fn most_frequent(terms: &Terms) -> Option<Cell> {
    let mut counts = BTreeMap::<Cell, usize>::new();
    for cells in terms.keys().filter(|cells| cells.len() > 1) {
        for (i, cell) in cells.iter().enumerate() {
            if i == 0 || cells[i - 1] != *cell {
                *counts.entry(*cell).or_default() += 1;
            }
        }
    }
    counts
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map(|(cell, _)| cell)
}

/// Calls `f` with the one or two stretches in which the cell runs over `rows`.
fn stretches(
    table: &Table<'_>,
    cell: Cell,
    rows: &Range<usize>,
    mut f: impl FnMut(Range<usize>, &[Fr]),
) {
    let column = table[cell.column.0 as usize];
    let start = rotate(rows.start, cell.rotation, column.len());
    let first = rows.len().min(column.len() - start);
    f(0..first, &column[start..start + first]);
    if first < rows.len() {
        f(first..rows.len(), &column[..rows.len() - first]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nanozk_circuits::ir::{Challenge, Column, Scalar};
    use rand_core::OsRng;

    #[test]
    fn factoring_changes_nothing() {
        let n = 16;
        let columns: Vec<Vec<Fr>> = (0..4)
            .map(|_| (0..n).map(|_| Fr::random(OsRng)).collect())
            .collect();
        let table: Vec<&[Fr]> = columns.iter().map(Vec::as_slice).collect();
        let [a, b, c, d] = [0, 1, 2, 3].map(Column);
        let poly = a.cur() * b.at(1) * c.at(-3)
            + a.cur() * a.cur() * Scalar::Challenge(Challenge::Tau)
            + a.cur() * d.at(5)
            + a.cur() * 3
            + b.at(1) * c.at(-3) * Scalar::Instance(0)
            - d.at(20)
            + Poly::int(7);
        let (tau, instance) = (Fr::from(11), Fr::from(13));
        let challenges = [Fr::ZERO, Fr::ZERO, tau, Fr::ZERO];
        let expr = Expr::of(&poly, &challenges, &[instance]);
        let mut out = vec![Fr::ZERO; n];
        expr.on(&table, 0..n, &mut out);
        let cell = |column: usize, row: usize, rotation: i64| {
            columns[column][(row as i64 + rotation).rem_euclid(n as i64) as usize]
        };
        for (row, value) in out.iter().enumerate() {
            let (a, b, c) = (cell(0, row, 0), cell(1, row, 1), cell(2, row, -3));
            let expected =
                a * b * c + a * a * tau + a * cell(3, row, 5) + a * Fr::from(3) + b * c * instance
                    - cell(3, row, 20)
                    + Fr::from(7);
            assert_eq!(*value, expected, "row {row}");
            assert_eq!(expr.at(&table, row), expected, "row {row}");
        }
        let mut part = vec![Fr::ZERO; 6];
        expr.on(&table, 9..15, &mut part);
        assert_eq!(part, out[9..15]);
    }
}

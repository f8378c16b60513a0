//! The columns that follow from the first phase and the challenges.

use super::expr::{rotate, Expr, Table};
use halo2curves::bn256::Fr;
use halo2curves::ff::{BatchInvert, Field};
use nanozk_circuits::ir::{Cell, Column, Kind, Poly, Program, Step, Term, CHALLENGES};
use rand_core::RngCore;
use rayon::prelude::*;
use std::borrow::Cow;

/// Rows a thread takes at a time.
const CHUNK: usize = 1 << 10;

/// The fixed columns of a program, filled up with zeros to all rows.
pub(crate) fn fixed_columns(program: &Program) -> Vec<Cow<'_, [Fr]>> {
    let n = program.rows();
    let column = |Column(i)| match program.fixed.get(i as usize) {
        Some(values) if values.len() == n => Cow::Borrowed(values.as_slice()),
        values => {
            let mut values = values.cloned().unwrap_or_default();
            assert!(
                values.len() < n,
                "{}: more fixed values than rows",
                program.columns[i as usize].name
            );
            values.resize(n, Fr::ZERO);
            Cow::Owned(values)
        }
    };
    program.columns_of(Kind::Fixed).map(column).collect()
}

/// Fills the blind rows of a column: with randomness, unless they must be zero.
pub(crate) fn blind(program: &Program, column: Column, values: &mut [Fr], rng: &mut impl RngCore) {
    let zero = program.info(column).zero_blind;
    for value in &mut values[program.usable()..] {
        *value = if zero {
            Fr::ZERO
        } else {
            Fr::random(&mut *rng)
        };
    }
}

/// Computes the second-phase columns, each with a value on every row.
///
/// `fixed` and `first` are all fixed and first-phase columns. A denominator that is zero makes the
/// quotient zero, and the gates fail.
pub(crate) fn second_phase(
    program: &Program,
    fixed: &[Cow<'_, [Fr]>],
    first: &[Vec<Fr>],
    instances: &[Fr],
    challenges: &[Fr; CHALLENGES],
    rng: &mut impl RngCore,
) -> Vec<Vec<Fr>> {
    let columns: Vec<Column> = program.columns_of(Kind::Second).collect();
    let mut second = vec![vec![Fr::ZERO; program.rows()]; columns.len()];
    let known: Vec<&[Fr]> = fixed
        .iter()
        .map(|c| c.as_ref())
        .chain(first.iter().map(Vec::as_slice))
        .collect();
    for step in &program.steps {
        let (Step::Assign { column, .. } | Step::Ratio { column, .. }) = step;
        // The target is taken out, so that the rest can be shared among threads.
        let target = column.0 as usize - known.len();
        let mut values = std::mem::take(&mut second[target]);
        let table: Vec<&[Fr]> = known
            .iter()
            .copied()
            .chain(second.iter().map(Vec::as_slice))
            .collect();
        Run {
            table: &table,
            instances,
            challenges,
        }
        .step(step, &mut values);
        second[target] = values;
    }
    for (column, values) in columns.into_iter().zip(&mut second) {
        blind(program, column, values, rng);
    }
    second
}

/// What a step may read besides its target.
struct Run<'a> {
    table: &'a Table<'a>,
    instances: &'a [Fr],
    challenges: &'a [Fr; CHALLENGES],
}

impl Run<'_> {
    fn step(&self, step: &Step, values: &mut [Fr]) {
        match step {
            Step::Assign {
                column,
                rows,
                descending,
                value,
            } => {
                let mut rows: Vec<usize> = rows.rows().collect();
                if *descending {
                    rows.reverse();
                }
                self.assign(*column, &rows, value, values);
            }
            Step::Ratio {
                column,
                rows,
                numerator,
                denominator,
            } => {
                let reads = |p: &Poly| {
                    p.0.iter()
                        .flat_map(|t| &t.cells)
                        .any(|c| c.column == *column)
                };
                assert!(
                    !reads(numerator) && !reads(denominator),
                    "a ratio does not read its own column"
                );
                let rows: Vec<usize> = rows.rows().collect();
                let (numerator, denominator) = (self.expr(numerator), self.expr(denominator));
                let quotients = rows.par_chunks(CHUNK).flat_map_iter(|rows| {
                    let mut quotients = self.column(&denominator, rows);
                    quotients.iter_mut().batch_invert();
                    for (row, quotient) in rows.iter().zip(&mut quotients) {
                        *quotient *= numerator.at(self.table, *row);
                    }
                    quotients
                });
                scatter(&rows, &quotients.collect::<Vec<_>>(), values);
            }
        }
    }

    /// Assigns row after row, each of which may depend on those before.
    ///
    /// Only what reads the target is sequential. The value is `Σ_m factor_m · m` over the monomials
    /// `m` in cells of the target (one of them empty), and all factors are computed beforehand.
    fn assign(&self, target: Column, rows: &[usize], value: &Poly, values: &mut [Fr]) {
        let mut monomials: Vec<(Vec<i32>, Poly)> = vec![(Vec::new(), Poly::zero())];
        for term in &value.0 {
            let (own, other): (Vec<_>, Vec<_>) =
                term.cells.iter().partition(|c| c.column == target);
            let own: Vec<i32> = own.iter().map(|c: &Cell| c.rotation).collect();
            let term = Term {
                coeff: term.coeff.clone(),
                cells: other,
            };
            match monomials.iter_mut().find(|(m, _)| *m == own) {
                Some((_, factor)) => factor.0.push(term),
                None => monomials.push((own, Poly(vec![term]))),
            }
        }
        let mut factors = monomials.iter().map(|(own, factor)| {
            let expr = self.expr(factor);
            let factor = match expr.constant() {
                Some(constant) if !own.is_empty() => Factor::Constant(constant),
                _ => Factor::Rows(
                    rows.par_chunks(CHUNK)
                        .flat_map_iter(|r| self.column(&expr, r))
                        .collect(),
                ),
            };
            (own, factor)
        });
        let Some((_, Factor::Rows(free))) = factors.next() else {
            unreachable!("the first is the empty one")
        };
        let factors: Vec<_> = factors.collect();
        if factors.is_empty() {
            return scatter(rows, &free, values);
        }
        let n = values.len();
        for (i, (row, free)) in rows.iter().zip(free).enumerate() {
            let mut sum = free;
            for (own, factor) in &factors {
                let mut product = match factor {
                    Factor::Constant(constant) => *constant,
                    Factor::Rows(rows) => rows[i],
                };
                for rotation in own.iter() {
                    product *= values[rotate(*row, *rotation, n)];
                }
                sum += product;
            }
            values[*row] = sum;
        }
    }

    fn expr(&self, poly: &Poly) -> Expr {
        Expr::of(poly, self.challenges, self.instances)
    }

    fn column(&self, expr: &Expr, rows: &[usize]) -> Vec<Fr> {
        rows.iter().map(|row| expr.at(self.table, *row)).collect()
    }
}

/// What a monomial is multiplied by.
enum Factor {
    Constant(Fr),
    Rows(Vec<Fr>),
}

fn scatter(rows: &[usize], from: &[Fr], to: &mut [Fr]) {
    for (row, value) in rows.iter().zip(from) {
        to[*row] = *value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nanozk_circuits::ir::{ColumnInfo, Scalar, Span, BLIND_ROWS};
    use rand_core::OsRng;

    /// A recurrence that reads its own column at two rotations, with factors from another column.
    #[test]
    fn recurrences_run_in_order() {
        let info = |kind| ColumnInfo {
            name: String::new(),
            kind,
            linear: false,
            zero_blind: false,
        };
        let (a, t) = (Column(0), Column(1));
        let value = a.cur() * t.at(-1) * t.at(-2) + t.at(-1) * 3 + t.at(-1) * a.at(1) + a.cur()
            - Poly::scalar(Scalar::Instance(0));
        let program = Program {
            name: String::new(),
            k: 7,
            columns: vec![info(Kind::Witness), info(Kind::Second)],
            instances: 1,
            gates: vec![],
            fixed: vec![],
            steps: vec![Step::Assign {
                column: t,
                rows: Span::strided(2, 3, 4, 10),
                descending: false,
                value,
            }],
            public: false,
        };
        let a: Vec<Fr> = (0..128).map(|_| Fr::random(OsRng)).collect();
        let instance = Fr::from(9);
        let second = second_phase(
            &program,
            &[],
            std::slice::from_ref(&a),
            &[instance],
            &[Fr::ONE; CHALLENGES],
            &mut OsRng,
        );
        let mut t = vec![Fr::ZERO; 128 - BLIND_ROWS];
        for row in Span::strided(2, 3, 4, 10).rows() {
            t[row] =
                a[row] * t[row - 1] * t[row - 2] + t[row - 1] * (Fr::from(3) + a[row + 1]) + a[row]
                    - instance;
        }
        assert_eq!(second[0][..t.len()], t);
        assert!(
            second[0][t.len()..].iter().all(|v| !v.is_zero_vartime()),
            "blinded"
        );
    }
}

//! How likely chance alone makes a false statement pass.
//!
//! Each bound is a degree over the size of the field (Schwartz–Zippel), for one attempt: whoever
//! computes `2^q` hashes to find favourable challenges gains `q` bits. Computational assumptions (the
//! setup, the algebraic group model, the hash as a random oracle) are not part of it.
//!
//! The bound on the challenges of the second phase needs an argument about the program that is not
//! made here: that if the statement is false, then with second-phase cells as the steps define them
//! some gate is, on some row, a *non-zero* rational function of the challenges. What is computed here
//! is how often a rational function of that degree vanishes, or a denominator on the way to it.

use crate::key::Layout;
use nanozk_circuits::ir::{Cell, Kind, Poly, Program, Step};
use std::collections::BTreeMap;

/// Binary logarithm of the order of the scalar field, rounded down.
const FIELD_LOG2: f64 = 253.59;

/// By how much the reduction of a uniform 256-bit integer may favour a residue, as a logarithm.
const REDUCTION_LOG2: f64 = 0.19;

/// Binary logarithm of the number of powers of the secret anybody knows, rounded up: a dishonest prover may
/// commit to polynomials of larger degree than the program's. The file of Perpetual Powers of Tau for
/// circuits of `2^28` constraints has `2^29 - 1`.
pub const SETUP_LOG2: u32 = 29;

/// Probabilities, as binary logarithms, that a false statement passes by chance in one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatisticalError {
    /// First-phase challenges: a false statement satisfies the gates.
    pub challenges: f64,
    /// `y`: gates that do not vanish do so combined.
    pub combination: f64,
    /// `x`: different polynomials agree.
    pub evaluation: f64,
    /// `v`: false claims cancel.
    pub batching: f64,
    /// `z`: the opening argument's polynomials agree.
    pub opening: f64,
    /// The sum of all.
    pub total: f64,
    /// Degree behind `challenges`: the greatest degree of a gate's numerator, plus that of all
    /// denominators.
    pub challenge_degree: u128,
}

/// The bounds for a program.
pub fn statistical_error_log2(program: &Program) -> StatisticalError {
    let layout = Layout::new(program);
    let setup = 1u128 << SETUP_LOG2.max(program.k);
    let claims = layout.opened.len() + 1;
    let mut rotations: Vec<i32> = layout.openings.iter().map(|c| c.rotation).collect();
    rotations.sort_unstable();
    rotations.dedup();

    let challenge_degree = challenge_degree(program);
    let log2 = |degree: u128| (degree.max(1) as f64).log2() - FIELD_LOG2 + REDUCTION_LOG2;
    let challenges = log2(challenge_degree);
    let combination = log2(program.gates.len().saturating_sub(1) as u128);
    // A gate multiplies three polynomials; the quotient's pieces are multiplied by X^(2N-2) at most.
    let evaluation = log2(3 * setup);
    let batching = log2(claims as u128 - 1);
    let opening = log2(setup + rotations.len() as u128 + 1);
    let total = [challenges, combination, evaluation, batching, opening];
    let total = total.iter().map(|p| p.exp2()).sum::<f64>().log2();
    StatisticalError {
        challenges,
        combination,
        evaluation,
        batching,
        opening,
        total,
        challenge_degree,
    }
}

/// What a node of an aggregate adds to the error of the proofs below it and of its own, as binary logarithms. That no
/// addition of points meets two equal ones is not part of it: it is assumed, not likely (`docs/aggregation.md`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NodeError {
    /// Memory and ranges: fractions that do not cancel do so at the challenges.
    pub lookups: f64,
    /// Invalid proofs cancel in the sum of all.
    pub folding: f64,
    /// The sum of both.
    pub total: f64,
}

/// Fractions on each row of a node: six lanes, an entry, and a read.
const NODE_FRACTIONS: u128 = 8;
/// Degree of a fraction's denominator in the challenges.
const NODE_DEGREE: u128 = 3;

/// The bounds for a node of `2^k` rows that adds up so many proofs and accumulators.
pub fn node_error_log2(k: u32, summands: usize) -> NodeError {
    let log2 = |degree: u128| (degree.max(1) as f64).log2() - FIELD_LOG2;
    let lookups = log2((NODE_DEGREE * NODE_FRACTIONS) << k);
    let folding = log2(summands as u128);
    NodeError {
        lookups,
        folding,
        total: (lookups.exp2() + folding.exp2()).log2(),
    }
}

/// Degrees of numerator and denominator of a rational function of the challenges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Degree {
    numerator: u128,
    denominator: u128,
}

/// A polynomial in second-phase cells, reduced to what its degree depends on: of each monomial in
/// second-phase cells (with multiplicities) the greatest degree of a coefficient. All other cells
/// were there before the challenges.
struct Shape {
    monomials: Vec<(u128, Vec<(Cell, u128)>)>,
    /// The cells, with the greatest power of each.
    powers: Vec<(Cell, u128)>,
}

impl Shape {
    fn new(program: &Program, poly: &Poly) -> Self {
        let mut monomials = BTreeMap::<Vec<(Cell, u128)>, u128>::new();
        let mut powers = BTreeMap::<Cell, u128>::new();
        for term in &poly.0 {
            let mut cells = BTreeMap::<Cell, u128>::new();
            for cell in term
                .cells
                .iter()
                .filter(|c| program.info(c.column).kind == Kind::Second)
            {
                *cells.entry(*cell).or_default() += 1;
            }
            for (cell, power) in &cells {
                let greatest = powers.entry(*cell).or_default();
                *greatest = power.max(greatest).to_owned();
            }
            let degree = monomials.entry(cells.into_iter().collect()).or_default();
            *degree = (*degree).max(term.coeff.challenge_degree().into());
        }
        Shape {
            monomials: monomials
                .into_iter()
                .map(|(cells, degree)| (degree, cells))
                .collect(),
            powers: powers.into_iter().collect(),
        }
    }

    /// Degree over the product of the cells' denominators, each to its greatest power.
    fn degree(&self, of: impl Fn(Cell) -> Degree) -> Degree {
        let denominator: u128 = self
            .powers
            .iter()
            .map(|(c, power)| of(*c).denominator * power)
            .sum();
        let numerator = |(degree, cells): &(u128, Vec<(Cell, u128)>)| {
            cells
                .iter()
                .fold(degree + denominator, |sum, (cell, power)| {
                    let Degree {
                        numerator,
                        denominator,
                    } = of(*cell);
                    sum + numerator * power - denominator * power
                })
        };
        Degree {
            numerator: self.monomials.iter().map(numerator).max().unwrap_or(0),
            denominator,
        }
    }
}

/// The greatest degree of a gate's numerator, with second-phase cells as the steps compute them, plus
/// the degrees of all denominators that must not vanish on the way.
fn challenge_degree(program: &Program) -> u128 {
    let rows = program.rows();
    let first = program
        .columns
        .iter()
        .take_while(|c| c.kind != Kind::Second)
        .count();
    let mut cells = vec![vec![Degree::default(); rows]; program.columns.len() - first];
    let mut denominators = 0;
    for step in &program.steps {
        let (column, rows_of_step, descending) = match step {
            Step::Assign {
                column,
                rows,
                descending,
                ..
            } => (column, *rows, *descending),
            Step::Ratio { column, rows, .. } => (column, *rows, false),
        };
        let shapes = match step {
            Step::Assign { value, .. } => (Shape::new(program, value), None),
            Step::Ratio {
                numerator,
                denominator,
                ..
            } => (
                Shape::new(program, numerator),
                Some(Shape::new(program, denominator)),
            ),
        };
        let mut assign = |row: usize| {
            let of = |cell: Cell| {
                let row = (row as i64 + cell.rotation as i64).rem_euclid(rows as i64) as usize;
                cells[cell.column.0 as usize - first][row]
            };
            let mut degree = shapes.0.degree(of);
            if let Some(by) = &shapes.1 {
                let by = by.degree(of);
                denominators += by.numerator;
                degree.numerator += by.denominator;
                degree.denominator += by.numerator;
            }
            cells[column.0 as usize - first][row] = degree;
        };
        if descending {
            rows_of_step.rows().rev().for_each(&mut assign);
        } else {
            rows_of_step.rows().for_each(&mut assign);
        }
    }
    let greatest: Vec<Degree> = cells
        .iter()
        .map(|column| Degree {
            numerator: column.iter().map(|d| d.numerator).max().unwrap_or(0),
            denominator: column.iter().map(|d| d.denominator).max().unwrap_or(0),
        })
        .collect();
    let of = |cell: Cell| greatest[cell.column.0 as usize - first];
    let gates = program
        .gates
        .iter()
        .map(|g| Shape::new(program, &g.poly).degree(of).numerator);
    gates.max().unwrap_or(0) + denominators
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_a_node_are_those_of_the_page() {
        let error = node_error_log2(20, 100);
        assert!((-229.1..-228.9).contains(&error.lookups), "{error:?}");
        assert!((-247.0..-246.9).contains(&error.folding), "{error:?}");
        assert!(error.total > error.lookups && error.total < -228.9);
    }
}

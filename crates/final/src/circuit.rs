//! What a circuit is: which gate a row has, and what it states.
//!
//! Rows repeat with a *period*: what a row states depends on its residue, its number modulo the period, and on the fixed
//! column. So a verifier knows all selectors by itself.

use crate::constraints::total;
use halo2curves::bn256::Fr;
use halo2curves::ff::{BatchInvert, Field};
use rayon::prelude::*;

/// Columns that a prover fills: `a` to `e`, whose cells may be stated equal to others, and `f`, whose may not.
pub const COLUMNS: usize = 6;
/// Columns of cells that may be stated equal.
pub const WIRES: usize = 5;
/// Most fractions of a row: with them the sum's constraint has the degree of the permutation's.
pub const FRACTIONS: usize = 4;
/// The degree up to which constraints cost a prover less.
pub const QUADRATIC: usize = 2;
/// Most constraints of a gate.
pub const CONSTRAINTS: usize = 5;

/// The cells of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Column `a`.
    pub a: Fr,
    /// Column `b`.
    pub b: Fr,
    /// Column `c`.
    pub c: Fr,
    /// Column `d`.
    pub d: Fr,
    /// Column `e`.
    pub e: Fr,
    /// Column `f`, whose cells are equal to no others.
    pub f: Fr,
}

impl From<[Fr; COLUMNS]> for Row {
    fn from([a, b, c, d, e, f]: [Fr; COLUMNS]) -> Self {
        Self { a, b, c, d, e, f }
    }
}

impl Row {
    /// All cells.
    pub(crate) fn columns(&self) -> [Fr; COLUMNS] {
        [self.a, self.b, self.c, self.d, self.e, self.f]
    }
}

/// Fifth powers that gates may read.
pub const FIFTHS: usize = 3;

/// What a gate is about: a row, the next, and the fixed column.
#[derive(Clone, Copy, Debug)]
pub struct Cells {
    /// The row.
    pub row: Row,
    /// The row after it; after the last the first.
    pub next: Row,
    /// The row's constant.
    pub constant: Fr,
    /// Fifth powers of `a + κ`, `b + d` and `c + e`.
    pub fifths: [Fr; FIFTHS],
}

impl Cells {
    /// A row, the next, and the constant.
    pub fn new(row: Row, next: Row, constant: Fr) -> Self {
        Self {
            fifths: [row.a + constant, row.b + row.d, row.c + row.e]
                .map(|x| x.square().square() * x),
            ..Self::without_fifths(row, next, constant)
        }
    }

    /// The same for who reads no fifth powers.
    pub(crate) fn without_fifths(row: Row, next: Row, constant: Fr) -> Self {
        Self {
            row,
            next,
            constant,
            fifths: [Fr::ZERO; FIFTHS],
        }
    }
}

/// A gate: polynomials that are zero in the rows of some residues. Their degree in cells and constants must be 5 at most, and
/// 2 in these and the fifth powers.
#[derive(Clone, Debug)]
pub struct Gate {
    /// For people.
    pub name: &'static str,
    /// The rows where it holds.
    pub residues: Vec<usize>,
    /// How many polynomials, [`CONSTRAINTS`] at most.
    pub count: usize,
    /// Their degree in cells and constants: [`QUADRATIC`], or more. Only these may read fifth powers.
    pub degree: usize,
    /// Their values, of which the first `count` are read.
    pub constraints: fn(&Cells) -> [Fr; CONSTRAINTS],
}

/// Challenges that make one denominator of a tuple.
#[derive(Clone, Copy, Debug)]
pub struct Separators {
    /// Added to all.
    pub shift: Fr,
    /// Powers of the other, from the first on.
    pub powers: [Fr; SEPARATORS],
}

/// Powers of the challenge that separates a tuple's parts.
pub const SEPARATORS: usize = 5;

impl Separators {
    /// `shift + tuple_0 + τ·tuple_1 + τ²·tuple_2 + …`
    pub fn denominator<const N: usize>(&self, tuple: [Fr; N]) -> Fr {
        const { assert!(1 <= N && N <= SEPARATORS + 1) }
        let rest = tuple[1..].iter().zip(&self.powers);
        rest.fold(self.shift + tuple[0], |sum, (x, power)| sum + *x * power)
    }
}

/// A numerator and a denominator.
#[derive(Clone, Copy, Debug)]
pub struct Fraction {
    /// The numerator: how often the tuple is looked up, or less how often it is found.
    pub numerator: Fr,
    /// The denominator.
    pub denominator: Fr,
}

impl Fraction {
    /// None, which counts nothing.
    pub const NONE: Self = Self {
        numerator: Fr::ZERO,
        denominator: Fr::ONE,
    };
}

/// Rows that look up, or that are a table: each adds fractions to a sum over all rows, which is zero.
///
/// Tuples of different tables must differ by a part that is constant (a tag), and numerators and denominators have degree
/// one at most.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// For people.
    pub name: &'static str,
    /// The rows where it holds.
    pub residues: Vec<usize>,
    /// How many fractions, [`FRACTIONS`] at most.
    pub count: usize,
    /// The fractions, of which the first `count` are read.
    pub fractions: fn(&Cells, &Separators) -> [Fraction; FRACTIONS],
}

/// A circuit but for its fixed column and its equal cells.
#[derive(Clone, Debug)]
pub struct Circuit {
    /// After how many rows residues repeat: a power of two.
    pub period: usize,
    /// Gates.
    pub gates: Vec<Gate>,
    /// Lookups: no residue has two.
    pub lookups: Vec<Lookup>,
    /// Rows whose `a` is a public input, or zero.
    pub input_residue: usize,
    /// Rows without gate and without equal cells, which are filled at random: they hide all other rows.
    pub random_residue: usize,
}

/// The fixed column and the equal cells of a circuit of `2^k` rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// Rows are `2^k`.
    pub k: u32,
    /// Public inputs.
    pub inputs: usize,
    /// The fixed column.
    pub constants: Vec<Fr>,
    /// The cell after each in the cycle of cells that are equal to it: column times rows, plus row.
    pub next_equal: [Vec<u32>; WIRES],
}

impl Structure {
    /// A structure in which no cells are equal and all constants are zero.
    pub fn new(k: u32, inputs: usize) -> Self {
        let n = 1_u32 << k;
        Self {
            k,
            inputs,
            constants: vec![Fr::ZERO; n as usize],
            next_equal: std::array::from_fn(|column| {
                let first = column as u32 * n;
                (first..first + n).collect()
            }),
        }
    }

    /// States that the cells of two cycles are equal. The cells must not be in one cycle already: that would part them.
    pub fn join(&mut self, [x, y]: [Cell; 2]) {
        let [u, v] = [x, y].map(|cell| self.next_equal[cell.column][cell.row]);
        self.next_equal[x.column][x.row] = v;
        self.next_equal[y.column][y.row] = u;
    }

    /// States that some cells are equal, none of which is yet equal to others.
    pub fn make_equal(&mut self, cells: &[Cell]) {
        for pair in cells.windows(2) {
            self.join([pair[0], pair[1]]);
        }
    }

    /// The cell that a number in [`Structure::next_equal`] stands for.
    pub fn cell(&self, number: u32) -> Cell {
        Cell {
            column: (number >> self.k) as usize,
            row: (number & ((1 << self.k) - 1)) as usize,
        }
    }
}

/// Where a wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// From 0 for `a` to 4 for `e`.
    pub column: usize,
    /// The row.
    pub row: usize,
}

/// What a prover fills in.
pub type Columns = [Vec<Fr>; COLUMNS];

/// What fails, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A gate's constraint.
    Gate {
        /// The gate.
        name: &'static str,
        /// Which of its constraints.
        constraint: usize,
        /// The row.
        row: usize,
    },
    /// Cells that should be equal.
    Equal(Cell, Cell),
    /// A public input.
    Input {
        /// Which.
        index: usize,
    },
    /// The sum of all fractions is not zero.
    Lookups,
}

impl Circuit {
    /// The cells that a gate sees in a row.
    pub(crate) fn cells(&self, structure: &Structure, columns: &Columns, row: usize) -> Cells {
        let next = (row + 1) % structure.constants.len();
        let [this, next] = [row, next].map(|row| columns.each_ref().map(|c| c[row]).into());
        Cells::new(this, next, structure.constants[row])
    }

    /// All that fails, the first of each kind first by row; whether lookups fail is found with the given challenges.
    pub fn failures(
        &self,
        structure: &Structure,
        inputs: &[Fr],
        columns: &Columns,
        separators: &Separators,
    ) -> Vec<Failure> {
        let n = structure.constants.len();
        let by_residue = |residue: usize| -> Vec<&Gate> {
            let gates = self.gates.iter();
            gates
                .filter(|gate| gate.residues.contains(&residue))
                .collect()
        };
        let gates: Vec<Vec<&Gate>> = (0..self.period).map(by_residue).collect();
        let lookups: Vec<Option<&Lookup>> = (0..self.period)
            .map(|residue| {
                let mut lookups = self.lookups.iter();
                lookups.find(|lookup| lookup.residues.contains(&residue))
            })
            .collect();
        let in_row = |row: usize| -> Vec<Failure> {
            let cells = self.cells(structure, columns, row);
            let residue = row % self.period;
            let mut failures = Vec::new();
            for gate in &gates[residue] {
                let values = (gate.constraints)(&cells);
                for (constraint, value) in values.iter().take(gate.count).enumerate() {
                    if *value != Fr::ZERO {
                        failures.push(Failure::Gate {
                            name: gate.name,
                            constraint,
                            row,
                        });
                    }
                }
            }
            if residue == self.input_residue {
                let index = row / self.period;
                if cells.row.a != inputs.get(index).copied().unwrap_or(Fr::ZERO) {
                    failures.push(Failure::Input { index });
                }
            }
            failures
        };
        let mut failures: Vec<Failure> = (0..n).into_par_iter().flat_map_iter(in_row).collect();
        for column in 0..WIRES {
            for row in 0..n {
                let other = structure.cell(structure.next_equal[column][row]);
                if columns[column][row] != columns[other.column][other.row] {
                    failures.push(Failure::Equal(Cell { column, row }, other));
                }
            }
        }
        let rows: Vec<usize> = (0..n).collect();
        let sums = rows.par_chunks(self.period).map(|rows| {
            let fractions = |row: &usize| {
                let lookup = lookups[row % self.period]?;
                let cells = self.cells(structure, columns, *row);
                let fractions = (lookup.fractions)(&cells, separators);
                Some(total(&fractions[..lookup.count]))
            };
            let totals: Vec<(Fr, Fr)> = rows.iter().filter_map(fractions).collect();
            let mut inverses: Vec<Fr> = totals.iter().map(|total| total.1).collect();
            inverses.iter_mut().batch_invert();
            let terms = totals.iter().zip(inverses);
            terms
                .map(|((numerator, _), inverse)| *numerator * inverse)
                .sum::<Fr>()
        });
        let sum: Fr = sums.sum();
        if sum != Fr::ZERO {
            failures.push(Failure::Lookups);
        }
        failures
    }
}

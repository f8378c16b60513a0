//! A circuit as data: columns, gates as sums of monomials, fixed values, and how the second phase
//! follows from the first.
//!
//! Prover, native verifier, Solidity generator, soundness calculation and the row-by-row checker
//! all read this one description.

use ff::{Field, PrimeField};
use halo2curves::bn256::Fr;
use sha3::{Digest, Keccak256};
use std::ops::{Add, Mul, Neg, Sub};

/// Rows at the end of every committed column that hold randomness and no witness.
///
/// A column is opened at fewer than this many points over all proofs that share it (the prover
/// counts), so its openings say nothing about the rest. No gate reads these rows.
pub const BLIND_ROWS: usize = 64;

/// Greatest degree of a gate, selector included. The quotient has `MAX_DEGREE - 1` pieces.
pub const MAX_DEGREE: usize = 3;

/// Index of a column in [`Program::columns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Column(pub u32);

/// Who fills a column, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Part of the verifying key.
    Fixed,
    /// First phase: activations that enter the layer; blinded from the session's stream.
    Input,
    /// First phase: activations that leave the layer; blinded from the session's stream.
    Output,
    /// First phase: committed weights; blinded once, at registration.
    Weight,
    /// First phase: everything else the prover knows.
    Witness,
    /// Second phase: follows from the first phase and the challenges.
    Second,
}

/// A column.
#[derive(Clone, Debug)]
pub struct ColumnInfo {
    /// Name in explanations and errors.
    pub name: String,
    /// Who fills it.
    pub kind: Kind,
    /// Never opened: enters the verifier's equation only as a commitment, at rotation 0, at most once in a term.
    pub linear: bool,
    /// Zero instead of random in the blind rows (LogUp helpers, whose gates have no selector).
    pub zero_blind: bool,
}

/// A cell relative to the row of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Column.
    pub column: Column,
    /// Rows below (negative: above); cyclic.
    pub rotation: i32,
}

/// Verifier challenges drawn after the first phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Challenge {
    /// Base of the fingerprints.
    Beta = 0,
    /// Denominators of the lookup argument.
    Alpha = 1,
    /// Compression of lookup tuples.
    Tau = 2,
    /// Separator of sums that must vanish one by one.
    Delta = 3,
}

/// Number of challenges after the first phase.
pub const CHALLENGES: usize = 4;

/// A coefficient known to the verifier before the gates are evaluated.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A constant.
    Const(Fr),
    /// A challenge.
    Challenge(Challenge),
    /// A public input.
    Instance(usize),
    /// A power.
    Pow(Box<Scalar>, u64),
    /// `1 + s + s^2 + … + s^(count-1)`.
    Geometric(Box<Scalar>, u64),
    /// A sum.
    Sum(Box<Scalar>, Box<Scalar>),
    /// A product.
    Product(Box<Scalar>, Box<Scalar>),
}

/// `1 + s + … + s^(count-1)` in `O(log count)` multiplications.
pub fn geometric(s: Fr, count: u64) -> Fr {
    // (sum of the first m powers, s^m), doubled or extended by one bit at a time.
    let (mut sum, mut pow) = (Fr::ZERO, Fr::ONE);
    for bit in (0..64 - count.leading_zeros()).rev() {
        sum *= Fr::ONE + pow;
        pow = pow.square();
        if count >> bit & 1 == 1 {
            sum = sum * s + Fr::ONE;
            pow *= s;
        }
    }
    sum
}

impl Scalar {
    /// The constant `v`.
    pub fn int(v: i128) -> Self {
        let abs = Fr::from_u128(v.unsigned_abs());
        Scalar::Const(if v < 0 { -abs } else { abs })
    }

    /// `challenge^e`.
    pub fn pow(challenge: Challenge, e: u64) -> Self {
        match e {
            0 => Scalar::Const(Fr::ONE),
            1 => Scalar::Challenge(challenge),
            _ => Scalar::Pow(Box::new(Scalar::Challenge(challenge)), e),
        }
    }

    /// Value under the given challenges and public inputs.
    pub fn eval(&self, challenges: &[Fr; CHALLENGES], instances: &[Fr]) -> Fr {
        match self {
            Scalar::Const(c) => *c,
            Scalar::Challenge(c) => challenges[*c as usize],
            Scalar::Instance(i) => instances[*i],
            Scalar::Pow(s, e) => s.eval(challenges, instances).pow_vartime([*e]),
            Scalar::Geometric(s, n) => geometric(s.eval(challenges, instances), *n),
            Scalar::Sum(a, b) => a.eval(challenges, instances) + b.eval(challenges, instances),
            Scalar::Product(a, b) => a.eval(challenges, instances) * b.eval(challenges, instances),
        }
    }

    /// Degree as a polynomial in the challenges: the numerator of the statistical error.
    pub fn challenge_degree(&self) -> u64 {
        match self {
            Scalar::Const(_) | Scalar::Instance(_) => 0,
            Scalar::Challenge(_) => 1,
            Scalar::Pow(s, e) => s.challenge_degree() * e,
            Scalar::Geometric(s, n) => s.challenge_degree() * n.saturating_sub(1),
            Scalar::Sum(a, b) => a.challenge_degree().max(b.challenge_degree()),
            Scalar::Product(a, b) => a.challenge_degree() + b.challenge_degree(),
        }
    }

    /// Appends an encoding that no other coefficient has.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Scalar::Const(c) => {
                out.push(0);
                out.extend(c.to_repr());
            }
            Scalar::Challenge(c) => out.extend([1, *c as u8]),
            Scalar::Instance(i) => {
                out.push(2);
                out.extend((*i as u32).to_le_bytes());
            }
            Scalar::Pow(s, e) => {
                out.push(3);
                out.extend(e.to_le_bytes());
                s.write(out);
            }
            Scalar::Geometric(s, n) => {
                out.push(4);
                out.extend(n.to_le_bytes());
                s.write(out);
            }
            Scalar::Sum(a, b) => {
                out.push(5);
                a.write(out);
                b.write(out);
            }
            Scalar::Product(a, b) => {
                out.push(6);
                a.write(out);
                b.write(out);
            }
        }
    }
}

impl Mul for Scalar {
    type Output = Scalar;
    fn mul(self, rhs: Scalar) -> Scalar {
        match (self, rhs) {
            (Scalar::Const(a), Scalar::Const(b)) => Scalar::Const(a * b),
            (Scalar::Const(a), b) | (b, Scalar::Const(a)) if a == Fr::ONE => b,
            (a, b) => Scalar::Product(Box::new(a), Box::new(b)),
        }
    }
}

impl Add for Scalar {
    type Output = Scalar;
    fn add(self, rhs: Scalar) -> Scalar {
        match (self, rhs) {
            (Scalar::Const(a), Scalar::Const(b)) => Scalar::Const(a + b),
            (a, b) => Scalar::Sum(Box::new(a), Box::new(b)),
        }
    }
}

impl Neg for Scalar {
    type Output = Scalar;
    fn neg(self) -> Scalar {
        Scalar::int(-1) * self
    }
}

/// `coeff · Π cells`.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Coefficient.
    pub coeff: Scalar,
    /// Sorted cells, with repetition.
    pub cells: Vec<Cell>,
}

/// A polynomial in cells: a sum of terms.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Poly(pub Vec<Term>);

impl Poly {
    /// A constant.
    pub fn scalar(coeff: Scalar) -> Self {
        Poly(vec![Term {
            coeff,
            cells: vec![],
        }])
    }

    /// An integer constant.
    pub fn int(v: i128) -> Self {
        Poly::scalar(Scalar::int(v))
    }

    /// Zero.
    pub fn zero() -> Self {
        Poly(vec![])
    }

    /// The same polynomial `rows` further down.
    pub fn shift(mut self, rows: i32) -> Self {
        for term in &mut self.0 {
            for cell in &mut term.cells {
                cell.rotation += rows;
            }
        }
        self
    }

    /// Greatest number of cells in a term.
    pub fn degree(&self) -> usize {
        self.0.iter().map(|t| t.cells.len()).max().unwrap_or(0)
    }

    /// Terms with the same cells merged, in canonical order.
    pub fn normalized(mut self) -> Self {
        self.0.sort_by(|a, b| a.cells.cmp(&b.cells));
        let mut out: Vec<Term> = Vec::with_capacity(self.0.len());
        for term in self.0 {
            match out.last_mut() {
                Some(last) if last.cells == term.cells => {
                    last.coeff = last.coeff.clone() + term.coeff;
                }
                _ => out.push(term),
            }
        }
        out.retain(|t| t.coeff != Scalar::Const(Fr::ZERO));
        Poly(out)
    }
}

impl From<Cell> for Poly {
    fn from(cell: Cell) -> Poly {
        Poly(vec![Term {
            coeff: Scalar::Const(Fr::ONE),
            cells: vec![cell],
        }])
    }
}

impl Column {
    /// The cell `rotation` rows below.
    pub fn at(self, rotation: i32) -> Poly {
        Cell {
            column: self,
            rotation,
        }
        .into()
    }

    /// The cell in the gate's own row.
    pub fn cur(self) -> Poly {
        self.at(0)
    }
}

impl Add for Poly {
    type Output = Poly;
    fn add(mut self, rhs: Poly) -> Poly {
        self.0.extend(rhs.0);
        self
    }
}

impl Neg for Poly {
    type Output = Poly;
    fn neg(self) -> Poly {
        self * Scalar::int(-1)
    }
}

impl Sub for Poly {
    type Output = Poly;
    fn sub(self, rhs: Poly) -> Poly {
        self + -rhs
    }
}

impl Mul<Scalar> for Poly {
    type Output = Poly;
    fn mul(mut self, rhs: Scalar) -> Poly {
        for term in &mut self.0 {
            term.coeff = term.coeff.clone() * rhs.clone();
        }
        self
    }
}

impl Mul<i128> for Poly {
    type Output = Poly;
    fn mul(self, rhs: i128) -> Poly {
        self * Scalar::int(rhs)
    }
}

impl Mul for Poly {
    type Output = Poly;
    fn mul(self, rhs: Poly) -> Poly {
        let mut out = Vec::with_capacity(self.0.len() * rhs.0.len());
        for a in &self.0 {
            for b in &rhs.0 {
                let mut cells = [a.cells.as_slice(), b.cells.as_slice()].concat();
                cells.sort_unstable();
                out.push(Term {
                    coeff: a.coeff.clone() * b.coeff.clone(),
                    cells,
                });
            }
        }
        Poly(out)
    }
}

/// A set of rows: `count` runs of `len` rows, the first at `start`, each `stride` below the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First row.
    pub start: usize,
    /// Rows in a run.
    pub len: usize,
    /// Distance between runs.
    pub stride: usize,
    /// Number of runs.
    pub count: usize,
}

impl Span {
    /// A single run.
    pub fn run(start: usize, len: usize) -> Self {
        Span {
            start,
            len,
            stride: len.max(1),
            count: 1,
        }
    }

    /// A single row.
    pub fn row(start: usize) -> Self {
        Span::run(start, 1)
    }

    /// Runs at a distance.
    pub fn strided(start: usize, len: usize, stride: usize, count: usize) -> Self {
        Span {
            start,
            len,
            stride,
            count,
        }
    }

    /// All rows, ascending.
    pub fn rows(self) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.count)
            .flat_map(move |c| (0..self.len).map(move |l| self.start + c * self.stride + l))
    }
}

/// A constraint that holds on every row of the domain.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Stable name, unique in the program.
    pub id: String,
    /// What it means, in one line.
    pub meaning: &'static str,
    /// Vanishes on all rows; normalized.
    pub poly: Poly,
}

/// How the prover fills second-phase cells; executed in order.
#[derive(Clone, Debug)]
pub enum Step {
    /// `column[row] = value(row)`, over the rows in the given direction, so that the value may read
    /// cells assigned before it.
    Assign {
        /// Target.
        column: Column,
        /// Rows.
        rows: Span,
        /// From the last row to the first.
        descending: bool,
        /// Value.
        value: Poly,
    },
    /// `column[row] = numerator(row) / denominator(row)`.
    Ratio {
        /// Target.
        column: Column,
        /// Rows.
        rows: Span,
        /// Numerator.
        numerator: Poly,
        /// Denominator; zero with negligible probability.
        denominator: Poly,
    },
}

/// A circuit.
#[derive(Clone, Debug)]
pub struct Program {
    /// What it proves, e.g. `mlp d=128 f=512 n=32`.
    pub name: String,
    /// Binary logarithm of the number of rows.
    pub k: u32,
    /// Columns: fixed ones first, then first phase, then second phase.
    pub columns: Vec<ColumnInfo>,
    /// Number of public inputs.
    pub instances: usize,
    /// Gates.
    pub gates: Vec<Gate>,
    /// Values of the fixed columns (index = column index), as sparse assignments made by the composer.
    pub fixed: Vec<Vec<Fr>>,
    /// Second-phase witness.
    pub steps: Vec<Step>,
    /// The witness has no secrets: columns have no blind rows, and gates may act on all rows.
    pub public: bool,
}

impl Program {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        1 << self.k
    }

    /// Number of rows a witness may use.
    pub fn usable(&self) -> usize {
        self.rows() - if self.public { 0 } else { BLIND_ROWS }
    }

    /// Columns of a kind, ascending.
    pub fn columns_of(&self, kind: Kind) -> impl Iterator<Item = Column> + '_ {
        self.columns
            .iter()
            .enumerate()
            .filter(move |(_, c)| c.kind == kind)
            .map(|(i, _)| Column(i as u32))
    }

    /// First-phase columns in the order of their commitments.
    pub fn first_phase(&self) -> Vec<Column> {
        self.columns
            .iter()
            .enumerate()
            .filter(|(_, c)| !matches!(c.kind, Kind::Fixed | Kind::Second))
            .map(|(i, _)| Column(i as u32))
            .collect()
    }

    /// Information on a column.
    pub fn info(&self, column: Column) -> &ColumnInfo {
        &self.columns[column.0 as usize]
    }

    /// The cells whose values a proof contains, in order.
    pub fn openings(&self) -> Vec<Cell> {
        let mut cells: Vec<Cell> = self
            .gates
            .iter()
            .flat_map(|g| g.poly.0.iter().flat_map(|t| t.cells.iter().copied()))
            .filter(|c| !self.info(c.column).linear)
            .collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    /// Two rotations that are the same on this many rows, if there are any.
    pub fn coinciding_rotations(&self) -> Option<(Cell, Cell)> {
        let rows = self.rows() as i64;
        let cells = self.openings();
        cells.windows(2).enumerate().find_map(|(i, _)| {
            cells[i + 1..]
                .iter()
                .take_while(|c| c.column == cells[i].column)
                .find(|c| i64::from(c.rotation - cells[i].rotation) % rows == 0)
                .map(|c| (cells[i], *c))
        })
    }

    /// Checks the invariants the proof system relies on.
    ///
    /// # Panics
    /// If a gate is malformed: a bug of the composer, never a matter of input.
    pub fn check(&self) {
        let mut phase = 0;
        for c in &self.columns {
            let p = match c.kind {
                Kind::Fixed => 0,
                Kind::Second => 2,
                _ => 1,
            };
            assert!(p >= phase, "columns out of order at {}", c.name);
            phase = p;
        }
        for gate in &self.gates {
            assert!(
                gate.poly.degree() <= MAX_DEGREE,
                "gate {} has degree {}",
                gate.id,
                gate.poly.degree()
            );
            for term in &gate.poly.0 {
                let mut linear = term.cells.iter().filter(|c| self.info(c.column).linear);
                if let Some(cell) = linear.next() {
                    assert!(
                        cell.rotation == 0 && linear.next().is_none(),
                        "gate {}: term not linear",
                        gate.id
                    );
                }
            }
        }
        // A proof gives away a column at each of its rotations, at the verifier's point and, within the
        // quotient's commitments, at the setup's secret; and the column's own commitment.
        let openings = self.openings();
        for (i, info) in self.columns.iter().enumerate() {
            let count = openings.iter().filter(|c| c.column.0 as usize == i).count();
            assert!(
                self.public || info.kind == Kind::Fixed || 2 * count < BLIND_ROWS,
                "column {} is opened at {count} rotations",
                info.name
            );
        }
        let mut ids: Vec<_> = self.gates.iter().map(|g| &g.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), self.gates.len(), "gate ids are unique");
    }

    /// Digest of everything but the fixed values (which the verifying key commits to).
    pub fn structure_digest(&self) -> [u8; 32] {
        let mut out = Vec::new();
        out.extend(self.k.to_le_bytes());
        out.extend((self.instances as u32).to_le_bytes());
        out.extend((self.columns.len() as u32).to_le_bytes());
        for c in &self.columns {
            out.extend([c.kind as u8, c.linear as u8, c.zero_blind as u8]);
        }
        for g in &self.gates {
            out.extend((g.poly.0.len() as u32).to_le_bytes());
            for t in &g.poly.0 {
                t.coeff.write(&mut out);
                out.extend((t.cells.len() as u32).to_le_bytes());
                for c in &t.cells {
                    out.extend(c.column.0.to_le_bytes());
                    out.extend(c.rotation.to_le_bytes());
                }
            }
        }
        Keccak256::digest(&out).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geometric_sums() {
        let s = Fr::from(7);
        let mut sum = Fr::ZERO;
        let mut p = Fr::ONE;
        for n in 0..40u64 {
            assert_eq!(geometric(s, n), sum);
            sum += p;
            p *= s;
        }
    }

    #[test]
    fn products_expand_and_merge() {
        let (a, b) = (Column(0), Column(1));
        let p = ((a.cur() + b.cur()) * (a.cur() - b.cur())).normalized();
        assert_eq!(p.0.len(), 2, "the mixed terms cancel");
    }
}

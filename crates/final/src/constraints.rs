//! All constraints of a circuit as one number, for prover and verifier.
//!
//! With `α` for a challenge, `s` for selectors, at each point `x`:
//!
//! | power of `α` | states |
//! |---|---|
//! | 0 | `z·Π (w_j + β·7^j·x + γ) = z(ωx)·Π (w_j + β·σ_j + γ)`: `z` multiplies ratios of names before and after the permutation |
//! | 1 | `L_0·(z − 1) = 0`: it starts from one. Around the circle it is one again, so the product of all ratios is one |
//! | 2 | `s·((φ(ωx) − φ)·D − N) = 0` in rows with fractions whose sum is `N/D`, else `φ(ωx) = φ`: around the circle the sum of all fractions is zero |
//! | 3 | `s·a − inputs(x) = 0`: public inputs |
//! | from 4 on | `s·constraint = 0` for each gate |

use crate::circuit::{
    Cells, Circuit, Fraction, Gate, Row, Separators, COLUMNS, QUADRATIC, SEPARATORS, WIRES,
};
use crate::domain::powers;
use crate::key::column_shifts;
use halo2curves::bn256::Fr;
use halo2curves::ff::{BatchInvert, Field};
use nanozk_transcript::Transcript;

/// Challenges after the columns: of lookups, and of the permutation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColumnChallenges {
    pub(crate) separators: Separators,
    pub(crate) beta: Fr,
    pub(crate) gamma: Fr,
}

impl ColumnChallenges {
    pub(crate) fn squeeze(transcript: &mut impl Transcript) -> Self {
        let shift = transcript.squeeze();
        let separator = transcript.squeeze();
        let mut power = Fr::ONE;
        let powers: [Fr; SEPARATORS] = std::array::from_fn(|_| {
            power *= separator;
            power
        });
        Self {
            separators: Separators { shift, powers },
            beta: transcript.squeeze(),
            gamma: transcript.squeeze(),
        }
    }

    /// `w_j + β·name_j + γ`, multiplied.
    pub(crate) fn product(&self, wires: &[Fr; COLUMNS], names: &[Fr; WIRES]) -> Fr {
        let terms = wires.iter().zip(names);
        terms.fold(Fr::ONE, |product, (wire, name)| {
            product * (self.beta * name + self.gamma + wire)
        })
    }
}

/// The sum of a row's fractions: numerator and denominator.
pub(crate) fn total(fractions: &[Fraction]) -> (Fr, Fr) {
    let start = match fractions.first() {
        Some(first) => (first.numerator, first.denominator),
        None => (Fr::ZERO, Fr::ONE),
    };
    let rest = fractions.iter().skip(1);
    rest.fold(start, |(numerator, denominator), fraction| {
        (
            numerator * fraction.denominator + fraction.numerator * denominator,
            denominator * fraction.denominator,
        )
    })
}

/// Selectors at a point: one for each gate, then one for each lookup, then that of inputs.
pub(crate) type Selectors = Vec<Fr>;

impl Circuit {
    /// Selectors from those of single residues.
    pub(crate) fn selectors(&self, residues: &[Fr]) -> Selectors {
        let sum = |rows: &Vec<usize>| rows.iter().filter_map(|i| residues.get(*i)).sum();
        let gates = self.gates.iter().map(|gate| sum(&gate.residues));
        let lookups = self.lookups.iter().map(|lookup| sum(&lookup.residues));
        let inputs = residues.get(self.input_residue).copied();
        gates.chain(lookups).chain(inputs).collect()
    }
}

/// Polynomials in `y` that are one at `η^residue`, zero at the other powers of `η`, of order `period`, at `y`. In a row, for
/// `y = x^(n/period)`, they are one if it has the residue. None if `y` is a power of `η` itself.
pub(crate) fn residue_selectors(period: usize, eta: Fr, y: Fr) -> Option<Vec<Fr>> {
    // (y^period − 1)/period·η^i/(y − η^i)
    let size = period as u64;
    let roots = powers(Fr::ONE, eta, period);
    let mut inverses: Vec<Fr> = roots.iter().map(|root| y - root).collect();
    if inverses.contains(&Fr::ZERO) {
        return None;
    }
    inverses.iter_mut().batch_invert();
    let scale = Fr::from(size).invert().unwrap_or(Fr::ZERO) * (y.pow_vartime([size]) - Fr::ONE);
    Some(
        roots
            .iter()
            .zip(&inverses)
            .map(|(root, inverse)| scale * root * inverse)
            .collect(),
    )
}

/// Everything that constraints are about, at a point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point<'s> {
    pub(crate) x: Fr,
    pub(crate) columns: [Fr; COLUMNS],
    pub(crate) next: [Fr; COLUMNS],
    pub(crate) permutation: [Fr; WIRES],
    pub(crate) constant: Fr,
    /// `z` and `φ`.
    pub(crate) running: [Fr; 2],
    pub(crate) running_next: [Fr; 2],
    /// One in the first row, zero in the others.
    pub(crate) first: Fr,
    /// The polynomial of public inputs.
    pub(crate) inputs: Fr,
    pub(crate) selectors: &'s [Fr],
}

/// How constraints become one.
#[derive(Clone, Debug)]
pub(crate) struct Combination<'c> {
    pub(crate) circuit: &'c Circuit,
    pub(crate) challenges: ColumnChallenges,
    /// Powers of `α`.
    powers: Vec<Fr>,
    shifts: [Fr; WIRES],
}

impl<'c> Combination<'c> {
    pub(crate) fn new(circuit: &'c Circuit, challenges: ColumnChallenges, alpha: Fr) -> Self {
        let count: usize = circuit.gates.iter().map(|gate| gate.count).sum();
        Self {
            circuit,
            challenges,
            powers: powers(Fr::ONE, alpha, 4 + count),
            shifts: column_shifts().map(|shift| shift * challenges.beta),
        }
    }

    /// All constraints, combined: zero in all rows of an honest prover.
    pub(crate) fn at(&self, point: &Point<'_>) -> Fr {
        self.high(point) + self.low(point)
    }

    /// Those whose quotients by `X^n − 1` have degree below `2·n`: quadratic gates, inputs, and where the product starts.
    pub(crate) fn low(&self, point: &Point<'_>) -> Fr {
        let powers = &self.powers;
        let selector = point.selectors[point.selectors.len() - 1];
        let [product, _] = point.running;
        powers[1] * point.first * (product - Fr::ONE)
            + powers[3] * (selector * point.columns[0] - point.inputs)
            + self.gates(point, |gate| gate.degree <= QUADRATIC)
    }

    /// Some gates.
    fn gates(&self, point: &Point<'_>, is_wanted: impl Fn(&Gate) -> bool) -> Fr {
        let cells = point.cells();
        let mut all = Fr::ZERO;
        let mut first = 4;
        for (gate, selector) in self.circuit.gates.iter().zip(point.selectors) {
            let powers = &self.powers[first..first + gate.count];
            first += gate.count;
            if is_wanted(gate) {
                let values = (gate.constraints)(&cells);
                let terms = values.iter().zip(powers);
                let sum: Fr = terms.map(|(value, power)| *value * power).sum();
                all += *selector * sum;
            }
        }
        all
    }

    /// All others.
    pub(crate) fn high(&self, point: &Point<'_>) -> Fr {
        let Self {
            circuit,
            challenges,
            powers,
            ..
        } = self;
        let ([product, sum], [product_next, sum_next]) = (point.running, point.running_next);
        // The permutation.
        let names = self.shifts.iter().zip(&point.columns);
        let before = names.fold(product, |product, (shift, wire)| {
            product * (*shift * point.x + challenges.gamma + wire)
        });
        let after = product_next * challenges.product(&point.columns, &point.permutation);
        // The sum of fractions.
        let cells = point.cells();
        let rest = &point.selectors[circuit.gates.len()..];
        let mut rise = Fr::ZERO;
        let mut none = Fr::ONE;
        for (lookup, selector) in circuit.lookups.iter().zip(rest) {
            let fractions = (lookup.fractions)(&cells, &challenges.separators);
            let (numerator, denominator) = total(&fractions[..lookup.count]);
            rise += *selector * ((sum_next - sum) * denominator - numerator);
            none -= selector;
        }
        rise += none * (sum_next - sum);
        before - after + powers[2] * rise + self.gates(point, |gate| gate.degree > QUADRATIC)
    }
}

impl Point<'_> {
    /// What gates see.
    fn cells(&self) -> Cells {
        Cells {
            row: Row::from(self.columns),
            next: Row::from(self.next),
            constant: self.constant,
        }
    }
}

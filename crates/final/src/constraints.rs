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
    COLUMNS, Cells, Circuit, Fraction, Gate, Lookup, QUADRATIC, SEPARATORS, Separators, WIRES,
};
use crate::forms::{Combined, Form};
use crate::key::column_shifts;
use halo2curves::bn256::Fr;
use halo2curves::ff::{BatchInvert, Field};
use nanozk_kzg::powers;
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
    let times = |numerator: Fr, denominator: Fr| match numerator == Fr::ONE {
        // Most fractions are looked up once.
        true => denominator,
        false => numerator * denominator,
    };
    rest.fold(start, |(numerator, denominator), fraction| {
        (
            times(numerator, fraction.denominator) + times(fraction.numerator, denominator),
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

/// The power of `α` of the first gate's first constraint.
const FIRST_GATE: usize = 4;

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
            powers: powers(Fr::ONE, alpha, FIRST_GATE + count),
            shifts: column_shifts().map(|shift| shift * challenges.beta),
        }
    }

    /// All constraints, combined, at a point: zero in all rows of an honest prover.
    pub(crate) fn at(&self, point: &Point<'_>) -> Fr {
        let Self {
            circuit, powers, ..
        } = self;
        let cells = point.cells();
        let [product, sum] = point.running;
        let [product_next, sum_next] = point.running_next;
        let (gate_selectors, rest) = point.selectors.split_at(circuit.gates.len());
        let (lookup_selectors, input_selector) = rest.split_at(circuit.lookups.len());
        let input_selector: Fr = input_selector.iter().sum();

        let permutation = self.permutation(
            point.x,
            &point.columns,
            &point.permutation,
            [product, product_next],
        );
        let mut rise = Fr::ZERO;
        let mut none = Fr::ONE;
        for (lookup, selector) in circuit.lookups.iter().zip(lookup_selectors) {
            let fractions = (lookup.fractions)(&cells, &self.challenges.separators);
            let (numerator, denominator) = total(&fractions[..lookup.count]);
            rise += *selector * ((sum_next - sum) * denominator - numerator);
            none -= selector;
        }
        rise += none * (sum_next - sum);
        let mut all = permutation
            + powers[1] * point.first * (product - Fr::ONE)
            + powers[2] * rise
            + powers[3] * (input_selector * point.columns[0] - point.inputs);
        let mut first = FIRST_GATE;
        for (gate, selector) in circuit.gates.iter().zip(gate_selectors) {
            let values = (gate.constraints)(&cells);
            let terms = values.iter().zip(&powers[first..first + gate.count]);
            let sum: Fr = terms.map(|(value, power)| *value * power).sum();
            all += *selector * sum;
            first += gate.count;
        }
        all
    }

    /// `z·Π (w_j + β·7^j·x + γ) − z(ωx)·Π (w_j + β·σ_j + γ)`
    fn permutation(
        &self,
        x: Fr,
        columns: &[Fr; COLUMNS],
        names: &[Fr; WIRES],
        [product, next]: [Fr; 2],
    ) -> Fr {
        let ColumnChallenges { gamma, .. } = self.challenges;
        let own = self.shifts.iter().zip(columns);
        let before = own.fold(product, |product, (shift, wire)| {
            product * (*shift * x + gamma + wire)
        });
        before - next * self.challenges.product(columns, names)
    }
}

/// Constraints on a coset, prepared so that they take few products at each of its points.
///
/// There are two parts: constraints whose quotients by `X^n − 1` have degree below `2·n`, quadratic gates, inputs, and where the
/// product starts; and all others.
pub(crate) struct Prepared<'c> {
    combination: &'c Combination<'c>,
    low: Combined,
    high: Combined,
    /// Of lookups of one fraction each: their denominators, or one where there are none, and their numerators.
    denominators: Combined,
    numerators: Combined,
    /// Lookups of several fractions, and their selectors by residue.
    others: Vec<(&'c Lookup, Vec<Fr>)>,
    /// The selector of inputs, by residue.
    inputs: Vec<Fr>,
}

/// Forms of all gates and lookups.
pub(crate) struct Forms {
    /// Of each gate its constraints.
    pub(crate) gates: Vec<Vec<Form>>,
    /// Of each lookup of one fraction its denominator and its numerator.
    lookups: Vec<Option<[Form; 2]>>,
}

impl Forms {
    pub(crate) fn new(circuit: &Circuit, separators: &Separators) -> Self {
        let gate = |gate: &Gate| {
            let constraint = |i: usize| Form::new(|cells| (gate.constraints)(cells)[i]);
            (0..gate.count).map(constraint).collect()
        };
        let lookup = |lookup: &Lookup| {
            let fraction = |cells: &Cells| (lookup.fractions)(cells, separators)[0];
            (lookup.count == 1).then(|| {
                [
                    Form::new(|cells| fraction(cells).denominator),
                    Form::new(|cells| fraction(cells).numerator),
                ]
            })
        };
        Self {
            gates: circuit.gates.iter().map(gate).collect(),
            lookups: circuit.lookups.iter().map(lookup).collect(),
        }
    }
}

impl<'c> Prepared<'c> {
    /// `selectors` has those of each residue.
    pub(crate) fn new(
        combination: &'c Combination<'c>,
        forms: &Forms,
        selectors: &[Selectors],
    ) -> Self {
        let circuit = combination.circuit;
        let gates = |is_wanted: fn(&Gate) -> bool| {
            let mut first = FIRST_GATE;
            let mut chosen = Vec::new();
            let mut places = Vec::new();
            for (number, (gate, forms)) in circuit.gates.iter().zip(&forms.gates).enumerate() {
                if is_wanted(gate) {
                    chosen.extend(forms);
                    places.extend((first..first + gate.count).map(|power| (number, power)));
                }
                first += gate.count;
            }
            let factors = selectors.iter().map(|selectors| {
                let factor =
                    |(gate, power): &(usize, usize)| selectors[*gate] * combination.powers[*power];
                (places.iter().map(factor).collect(), Fr::ZERO)
            });
            Combined::new(&chosen, factors)
        };
        let lookup_selectors = |selectors: &Selectors| -> Vec<Fr> {
            selectors[circuit.gates.len()..][..circuit.lookups.len()].to_vec()
        };
        let singles = |part: usize, is_rest_added: bool| {
            let chosen = forms.lookups.iter().flatten();
            let chosen: Vec<&Form> = chosen.map(|forms| &forms[part]).collect();
            let factors = selectors.iter().map(|selectors| {
                let all = lookup_selectors(selectors);
                let none = Fr::ONE - all.iter().sum::<Fr>();
                let own = all.iter().zip(&forms.lookups);
                let own = own.filter(|(_, forms)| forms.is_some());
                let constant = if is_rest_added { none } else { Fr::ZERO };
                (own.map(|(selector, _)| *selector).collect(), constant)
            });
            Combined::new(&chosen, factors)
        };
        let others = circuit.lookups.iter().enumerate();
        let others = others.filter(|(i, _)| forms.lookups[*i].is_none());
        let others = others.map(|(i, lookup)| {
            let by_residue = selectors.iter().map(|all| lookup_selectors(all)[i]);
            (lookup, by_residue.collect())
        });
        Self {
            combination,
            low: gates(|gate| gate.degree <= QUADRATIC),
            high: gates(|gate| gate.degree > QUADRATIC),
            denominators: singles(0, true),
            numerators: singles(1, false),
            others: others.collect(),
            inputs: selectors
                .iter()
                .map(|all| all.last().copied().unwrap_or(Fr::ZERO))
                .collect(),
        }
    }

    /// The part of low degree, in a row of this residue.
    pub(crate) fn low(&self, point: &Point<'_>, residue: usize) -> Fr {
        let powers = &self.combination.powers;
        let [product, _] = point.running;
        let variables = point.cells_without_fifths().variables();
        powers[1] * point.first * (product - Fr::ONE)
            + powers[3] * (self.inputs[residue] * point.columns[0] - point.inputs)
            + self.low.at(residue, &variables)
    }

    /// The other part.
    pub(crate) fn high(&self, point: &Point<'_>, residue: usize) -> Fr {
        let combination = self.combination;
        let ([product, sum], [product_next, sum_next]) = (point.running, point.running_next);
        let cells = point.cells();
        let variables = cells.variables();
        let permutation = combination.permutation(
            point.x,
            &point.columns,
            &point.permutation,
            [product, product_next],
        );
        let rise = sum_next - sum;
        let mut fractions = rise * self.denominators.at(residue, &variables)
            - self.numerators.at(residue, &variables);
        for (lookup, selectors) in &self.others {
            let own = (lookup.fractions)(&cells, &combination.challenges.separators);
            let (numerator, denominator) = total(&own[..lookup.count]);
            fractions += selectors[residue] * (rise * denominator - numerator);
        }
        permutation + combination.powers[2] * fractions + self.high.at(residue, &variables)
    }
}

impl Point<'_> {
    /// What gates see.
    fn cells(&self) -> Cells {
        Cells::new(self.columns.into(), self.next.into(), self.constant)
    }

    /// The same for quadratic gates.
    fn cells_without_fifths(&self) -> Cells {
        Cells::without_fifths(self.columns.into(), self.next.into(), self.constant)
    }
}

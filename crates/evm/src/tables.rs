//! A verifying key as tables that a small interpreter reads.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuits::ir::{Cell, Challenge, Column, Kind, Scalar, CHALLENGES};
use nanozk_verifier::key::Slot;
use nanozk_verifier::VerifyingKey;
use std::collections::HashMap;

/// Register of the constant one.
pub const ONE: usize = 0;
/// First register of a challenge.
const CHALLENGES_AT: usize = 1;
/// First register of a public input.
const INSTANCES_AT: usize = CHALLENGES_AT + CHALLENGES;

/// How a coefficient follows from registers before it. Powers and geometric sums are made of these, by doubling, so that
/// those of the same base share their squares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Sum of two registers.
    Sum(usize, usize),
    /// Product of two registers.
    Product(usize, usize),
}

/// `coefficient · Π cells`, in the order of the gates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Register of the coefficient.
    pub coefficient: usize,
    /// Column that is not opened, as its place in [`Tables::linear`].
    pub linear: Option<usize>,
    /// Evaluations.
    pub cells: Vec<usize>,
}

/// A gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Its name.
    pub id: String,
    /// What it means.
    pub meaning: &'static str,
    /// Its terms.
    pub terms: Vec<Term>,
}

/// A column that is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Column.
    pub column: Column,
    /// Its commitment: those of the key come first, then those of the proof.
    pub commitment: usize,
    /// Places in [`Tables::rotations`].
    pub rotations: Vec<usize>,
    /// `1 / Π (ω^rotation - ω^other)` for each rotation, if there are several.
    pub weights: Vec<Fr>,
}

/// What a verifier of one circuit has to know.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Constants, from register `5 + public inputs` on.
    pub constants: Vec<Fr>,
    /// Computed coefficients, after the constants.
    pub operations: Vec<Operation>,
    /// Gates.
    pub gates: Vec<Gate>,
    /// Rotations of all openings; zero first.
    pub rotations: Vec<i32>,
    /// Columns that are opened, in the order of their evaluations.
    pub opened: Vec<Opened>,
    /// Columns that are not opened and occur in a gate, with their commitments.
    pub linear: Vec<(Column, usize)>,
    /// Number of public inputs.
    pub instances: usize,
    /// Places among the first-phase commitments: input, output, and the first weight with the number of weights.
    pub bound: Bound,
}

/// Commitments a caller compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// To the activations that enter.
    pub input: Option<usize>,
    /// To the activations that leave.
    pub output: Option<usize>,
    /// To the weights: the first, and how many.
    pub weights: (usize, usize),
}

/// A circuit is beyond what the tables can say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// A table's numbers have too few bits.
    #[error("{got} {what}, where at most {max} are supported")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// Greatest number.
        max: usize,
        /// Number.
        got: usize,
    },
    /// A caller could not compare the commitments.
    #[error("{0} columns are not a single run of first-phase columns of the number supported")]
    Bound(&'static str),
}

/// Registers under construction.
#[derive(Default)]
struct Registers {
    instances: usize,
    constants: Vec<Fr>,
    constant_of: HashMap<[u8; 32], usize>,
    operations: Vec<Operation>,
    operation_of: HashMap<Operation, usize>,
}

impl Registers {
    fn constant(&mut self, value: Fr) -> usize {
        if value == Fr::ONE {
            return ONE;
        }
        let next = self.constants.len();
        let at = *self.constant_of.entry(value.to_bytes()).or_insert(next);
        if at == next {
            self.constants.push(value);
        }
        INSTANCES_AT + self.instances + at
    }

    /// Collects the constants of a coefficient: computed scalars come after all of them.
    fn collect(&mut self, scalar: &Scalar) {
        match scalar {
            Scalar::Const(c) => {
                self.constant(*c);
            }
            Scalar::Challenge(_) | Scalar::Instance(_) => {}
            Scalar::Pow(s, _) => self.collect(s),
            Scalar::Geometric(s, count) => {
                if *count == 0 {
                    self.constant(Fr::ZERO);
                }
                self.collect(s);
            }
            Scalar::Sum(a, b) | Scalar::Product(a, b) => {
                self.collect(a);
                self.collect(b);
            }
        }
    }

    /// The register of a coefficient; equal ones share it.
    fn scalar(&mut self, scalar: &Scalar) -> usize {
        match scalar {
            Scalar::Const(c) => self.constant(*c),
            Scalar::Challenge(c) => CHALLENGES_AT + *c as usize,
            Scalar::Instance(i) => INSTANCES_AT + i,
            Scalar::Pow(s, e) => {
                let s = self.scalar(s);
                self.power(s, *e)
            }
            Scalar::Geometric(s, count) => {
                let s = self.scalar(s);
                self.geometric(s, *count)
            }
            Scalar::Sum(a, b) => {
                let (a, b) = (self.scalar(a), self.scalar(b));
                self.operation(Operation::Sum(a.min(b), a.max(b)))
            }
            Scalar::Product(a, b) => {
                let (a, b) = (self.scalar(a), self.scalar(b));
                self.product(a, b)
            }
        }
    }

    fn operation(&mut self, operation: Operation) -> usize {
        let next = self.operations.len();
        let at = *self.operation_of.entry(operation).or_insert(next);
        if at == next {
            self.operations.push(operation);
        }
        INSTANCES_AT + self.instances + self.constants.len() + at
    }

    fn product(&mut self, a: usize, b: usize) -> usize {
        match (a, b) {
            (ONE, other) | (other, ONE) => other,
            _ => self.operation(Operation::Product(a.min(b), a.max(b))),
        }
    }

    /// Of squares, from the lowest on.
    fn power(&mut self, base: usize, exponent: u64) -> usize {
        let (mut square, mut result) = (base, ONE);
        for bit in 0..64 - exponent.leading_zeros() {
            if bit > 0 {
                square = self.product(square, square);
            }
            if exponent >> bit & 1 == 1 {
                result = self.product(result, square);
            }
        }
        result
    }

    /// `1 + s + … + s^(count - 1)`: that of `2m` terms is that of `m` terms times `1 + s^m`.
    fn geometric(&mut self, s: usize, count: u64) -> usize {
        match count {
            0 => self.constant(Fr::ZERO),
            1 => ONE,
            _ if count % 2 == 1 => {
                let less = self.geometric(s, count - 1);
                let product = self.product(s, less);
                self.operation(Operation::Sum(ONE, product))
            }
            _ => {
                let half = self.geometric(s, count / 2);
                let power = self.power(s, count / 2);
                let factor = self.operation(Operation::Sum(ONE, power));
                self.product(half, factor)
            }
        }
    }
}

fn at_most(what: &'static str, max: usize, got: usize) -> Result<usize, Unsupported> {
    if got > max {
        return Err(Unsupported::TooMany { what, max, got });
    }
    Ok(got)
}

impl Tables {
    /// The tables of a verifying key.
    pub fn new(vk: &VerifyingKey) -> Result<Self, Unsupported> {
        let (program, layout) = (vk.program(), vk.layout());
        let instances = program.instances;
        let commitment = |column: Column| match layout.slots[column.0 as usize] {
            Slot::Fixed(i) => i,
            Slot::First(i) => layout.fixed + i,
            Slot::Second(i) => layout.fixed + layout.first.len() + i,
        };

        let terms = || program.gates.iter().flat_map(|g| &g.poly.0);
        let mut linear: Vec<Column> = terms()
            .flat_map(|t| &t.cells)
            .map(|c| c.column)
            .filter(|c| program.info(*c).linear)
            .collect();
        linear.sort_unstable();
        linear.dedup();

        let mut registers = Registers {
            instances,
            ..Registers::default()
        };
        terms().for_each(|t| registers.collect(&t.coeff));
        let mut gates = Vec::new();
        for gate in &program.gates {
            let mut out = Vec::new();
            for term in &gate.poly.0 {
                let (beside, cells): (Vec<Cell>, Vec<Cell>) = term
                    .cells
                    .iter()
                    .copied()
                    .partition(|c| program.info(c.column).linear);
                out.push(Term {
                    coefficient: registers.scalar(&term.coeff),
                    // `Program::check`: at most one.
                    linear: beside.first().map(|c| {
                        linear
                            .binary_search(&c.column)
                            .expect("all linear columns are listed")
                    }),
                    cells: cells.iter().map(|c| layout.position(c)).collect(),
                });
            }
            gates.push(Gate {
                id: gate.id.clone(),
                meaning: gate.meaning,
                terms: out,
            });
        }

        let mut rotations: Vec<i32> = layout.openings.iter().map(|c| c.rotation).collect();
        rotations.sort_unstable();
        rotations.dedup();
        rotations.retain(|r| *r != 0);
        // The linearization is opened at `x` whatever else is.
        rotations.insert(0, 0);
        let opened = layout.opened.iter().map(|(column, range)| {
            let own: Vec<i32> = layout.openings[range.clone()]
                .iter()
                .map(|c| c.rotation)
                .collect();
            Opened {
                column: *column,
                commitment: commitment(*column),
                rotations: own
                    .iter()
                    .map(|r| rotations.iter().position(|o| o == r).expect("listed"))
                    .collect(),
                weights: if own.len() > 1 {
                    layout.barycentric(range.clone())
                } else {
                    vec![]
                },
            }
        });
        let tables = Tables {
            opened: opened.collect(),
            linear: linear.iter().map(|c| (*c, commitment(*c))).collect(),
            constants: registers.constants,
            operations: registers.operations,
            gates,
            rotations,
            instances,
            bound: Bound::new(vk)?,
        };
        tables.check(vk)?;
        Ok(tables)
    }

    /// Number of registers.
    pub fn registers(&self) -> usize {
        self.scalars_at() + self.operations.len()
    }

    /// First register of a constant.
    pub fn constants_at(&self) -> usize {
        INSTANCES_AT + self.instances
    }

    /// First register of a computed coefficient.
    pub fn scalars_at(&self) -> usize {
        self.constants_at() + self.constants.len()
    }

    /// A register in words.
    pub fn describe(&self, register: usize) -> String {
        const NAMES: [&str; CHALLENGES] = ["β", "α", "τ", "δ"];
        const { assert!(Challenge::Beta as usize == 0 && Challenge::Delta as usize == 3) };
        if register == ONE {
            "1".into()
        } else if register < INSTANCES_AT {
            NAMES[register - CHALLENGES_AT].into()
        } else if register < self.constants_at() {
            format!("public input {}", register - INSTANCES_AT)
        } else if register < self.scalars_at() {
            small(self.constants[register - self.constants_at()])
        } else {
            format!("r{register}")
        }
    }

    fn check(&self, vk: &VerifyingKey) -> Result<(), Unsupported> {
        let layout = vk.layout();
        let points = layout.fixed + layout.first.len() + layout.second.len();
        let evaluations = layout.openings.len();
        // The topmost bit says which operation it is.
        at_most("registers", 1 << 15, self.registers())?;
        at_most("commitments", 1 << 8, points)?;
        at_most("evaluations", (1 << 8) - 1, evaluations)?;
        at_most("rotations", 1 << 8, self.rotations.len())?;
        at_most(
            "columns that are not opened",
            (1 << 7) - 1,
            self.linear.len(),
        )?;
        at_most("gates", 1 << 8, self.gates.len())?;
        let mut terms = vec![0; 1 + self.linear.len()];
        for term in self.gates.iter().flat_map(|g| &g.terms) {
            terms[term.linear.map_or(0, |l| l + 1)] += 1;
        }
        for count in terms {
            at_most("terms of a column", (1 << 8) - 1, count)?;
        }
        Ok(())
    }
}

impl Bound {
    fn new(vk: &VerifyingKey) -> Result<Self, Unsupported> {
        let first = |kind| -> Vec<usize> {
            let places = vk
                .program()
                .columns_of(kind)
                .map(|c| vk.layout().slots[c.0 as usize]);
            places
                .map(|slot| match slot {
                    Slot::First(i) => i,
                    Slot::Fixed(_) | Slot::Second(_) => usize::MAX,
                })
                .collect()
        };
        let single = |kind, what| match first(kind).as_slice() {
            [] => Ok(None),
            [i] if *i != usize::MAX => Ok(Some(*i)),
            _ => Err(Unsupported::Bound(what)),
        };
        let weights = first(Kind::Weight);
        let start = weights.first().copied().unwrap_or(0);
        let run = weights.iter().enumerate().all(|(i, w)| *w == start + i);
        if !run {
            return Err(Unsupported::Bound("weight"));
        }
        Ok(Bound {
            input: single(Kind::Input, "input")?,
            output: single(Kind::Output, "output")?,
            weights: (start, weights.len()),
        })
    }
}

/// A constant as people write it: integers near zero in decimal, others in hexadecimal.
pub(crate) fn small(value: Fr) -> String {
    let integer = |v: Fr| {
        let bytes = v.to_bytes();
        let (low, high) = bytes.split_at(16);
        (high == [0; 16]).then(|| u128::from_le_bytes(low.try_into().expect("sixteen bytes")))
    };
    let shown = |v: u128| match v {
        0..=9_999_999 => v.to_string(),
        v if v.is_power_of_two() => format!("2^{}", v.trailing_zeros()),
        v => format!("{v:#x}"),
    };
    match (integer(value), integer(-value)) {
        (Some(v), _) => shown(v),
        (_, Some(v)) => format!("-{}", shown(v)),
        _ => nanozk_verifier::hex::encode(&nanozk_verifier::encoding::scalar_to_bytes(&value)),
    }
}

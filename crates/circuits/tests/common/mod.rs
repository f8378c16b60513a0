//! Row-by-row evaluation of a program, and witnesses to evaluate.
#![allow(dead_code, unreachable_pub)]

use ff::Field;
use halo2curves::bn256::Fr;
use nanozk_circuits::ir::*;
use nanozk_circuits::{BlockShape, Layer, LayerKind, Plan, Shape};
use nanozk_executor::synthetic::Random;
use nanozk_executor::{Activation, Architecture, QuantizedModel};
use std::collections::{BTreeSet, HashMap};

pub mod forge;

/// A random field element.
pub fn random_fr(random: &mut Random) -> Fr {
    let mut bytes = [0u8; 64];
    for chunk in bytes.chunks_exact_mut(8) {
        chunk.copy_from_slice(&random.next_u64().to_le_bytes());
    }
    <Fr as ff::FromUniformBytes<64>>::from_uniform_bytes(&bytes)
}

/// All columns of a program, and the values under which its gates are evaluated.
pub struct Table<'a> {
    program: &'a Program,
    columns: Vec<Vec<Fr>>,
    challenges: [Fr; CHALLENGES],
    instances: Vec<Fr>,
}

type Term = (Fr, Vec<Cell>);

impl<'a> Table<'a> {
    /// Runs the second phase on a first one; blind rows are random.
    pub fn new(program: &'a Program, first: &[Vec<Fr>], instances: &[Fr], seed: u64) -> Self {
        let mut random = Random::new(seed);
        let challenges = std::array::from_fn(|_| random_fr(&mut random));
        let mut columns = program.fixed.clone();
        columns.extend(first.iter().cloned());
        columns.resize(program.columns.len(), vec![Fr::ZERO; program.rows()]);
        for (info, column) in program.columns.iter().zip(&mut columns) {
            if info.kind != Kind::Fixed && !info.zero_blind {
                column[program.usable()..].fill_with(|| random_fr(&mut random));
            }
        }
        let mut table = Table {
            program,
            columns,
            challenges,
            instances: instances.to_vec(),
        };
        for step in &program.steps {
            match step {
                Step::Assign {
                    column,
                    rows,
                    descending,
                    value,
                } => {
                    let value = table.terms(value);
                    let mut put =
                        |row| table.columns[column.0 as usize][row] = table.eval(&value, row);
                    if *descending {
                        rows.rows().rev().for_each(&mut put);
                    } else {
                        rows.rows().for_each(&mut put);
                    }
                }
                Step::Ratio {
                    column,
                    rows,
                    numerator,
                    denominator,
                } => {
                    let (numerator, denominator) =
                        (table.terms(numerator), table.terms(denominator));
                    for row in rows.rows() {
                        let over = table.eval(&numerator, row);
                        let value = if bool::from(over.is_zero()) {
                            over
                        } else {
                            over * table
                                .eval(&denominator, row)
                                .invert()
                                .expect("a denominator is not zero")
                        };
                        table.columns[column.0 as usize][row] = value;
                    }
                }
            }
        }
        table
    }

    fn terms(&self, poly: &Poly) -> Vec<Term> {
        poly.0
            .iter()
            .map(|t| {
                (
                    t.coeff.eval(&self.challenges, &self.instances),
                    t.cells.clone(),
                )
            })
            .collect()
    }

    fn eval(&self, terms: &[Term], row: usize) -> Fr {
        let rows = self.program.rows() as i64;
        let mut sum = Fr::ZERO;
        for (coeff, cells) in terms {
            let mut product = *coeff;
            for cell in cells {
                let at = (row as i64 + i64::from(cell.rotation)).rem_euclid(rows) as usize;
                let value = self.columns[cell.column.0 as usize][at];
                if bool::from(value.is_zero()) {
                    product = Fr::ZERO;
                    break;
                }
                product *= value;
            }
            sum += product;
        }
        sum
    }

    /// Rows on which a gate does not vanish.
    pub fn violations(&self, gate: &Gate) -> Vec<usize> {
        let terms = self.terms(&gate.poly);
        (0..self.program.rows())
            .filter(|&row| !bool::from(self.eval(&terms, row).is_zero()))
            .collect()
    }

    /// Whether a gate vanishes in a row.
    pub fn holds(&self, gate: &Gate, row: usize) -> bool {
        self.eval(&self.terms(&gate.poly), row).is_zero().into()
    }

    /// Rows on which a gate says something: it has a term whose fixed columns are not zero.
    pub fn acts_on(&self, gate: &Gate, row: usize) -> bool {
        let rows = self.program.rows() as i64;
        gate.poly.0.iter().any(|term| {
            term.cells.iter().all(|cell| {
                let at = (row as i64 + i64::from(cell.rotation)).rem_euclid(rows) as usize;
                self.program.info(cell.column).kind != Kind::Fixed
                    || !bool::from(self.columns[cell.column.0 as usize][at].is_zero())
            })
        })
    }

    /// Adds one to a cell.
    pub fn bump(&mut self, column: Column, row: usize, by: Fr) {
        self.columns[column.0 as usize][row] += by;
    }
}

/// Ids of the gates that do not vanish.
pub fn violated(program: &Program, first: &[Vec<Fr>], instances: &[Fr]) -> BTreeSet<String> {
    let table = Table::new(program, first, instances, 77);
    program
        .gates
        .iter()
        .filter(|g| !table.violations(g).is_empty())
        .map(|g| g.id.clone())
        .collect()
}

/// First-phase columns by name, as a witness that can be changed.
pub struct Sheet {
    names: HashMap<String, usize>,
    /// Columns.
    pub columns: Vec<Vec<Fr>>,
}

impl Sheet {
    /// A copy of a first phase.
    pub fn new(program: &Program, columns: Vec<Vec<Fr>>) -> Self {
        let names = program
            .first_phase()
            .iter()
            .enumerate()
            .map(|(i, c)| (program.info(*c).name.clone(), i))
            .collect();
        Sheet { names, columns }
    }

    /// A column.
    pub fn column(&mut self, name: &str) -> &mut Vec<Fr> {
        &mut self.columns[self.names[name]]
    }

    /// A cell.
    pub fn get(&self, name: &str, row: usize) -> Fr {
        self.columns[self.names[name]][row]
    }

    /// Sets a cell.
    pub fn set(&mut self, name: &str, row: usize, value: Fr) {
        self.column(name)[row] = value;
    }

    /// Counts multiplicities anew after lanes changed (those without partners).
    pub fn recount(&mut self, program: &Program) {
        let fixed = |name: &str| {
            program
                .columns
                .iter()
                .position(|c| c.name == name)
                .map(|at| &program.fixed[at])
        };
        let (tag, key) = (
            fixed("tag").expect("lookups"),
            fixed("table key").expect("lookups"),
        );
        // The tag is an element of the tuple, or else part of its first one.
        let table_tag = fixed("table tag");
        let scale = if table_tag.is_some() {
            Fr::from(2).pow_vartime([64])
        } else {
            Fr::ONE
        };
        let active = program.usable() - 1;
        let mut rows = HashMap::new();
        for (row, key) in key.iter().enumerate().take(active) {
            let key = key + table_tag.map_or(Fr::ZERO, |tag| tag[row] * scale);
            rows.entry(format!("{key:?}")).or_insert(row);
        }
        let mut counts = vec![0u64; program.rows()];
        for lane in 0.. {
            let Some(&at) = self.names.get(&format!("lane {lane}")) else {
                break;
            };
            for (value, tag) in self.columns[at].iter().zip(tag).take(active) {
                let value = value + if lane == 0 { *tag * scale } else { Fr::ZERO };
                if let Some(&row) = rows.get(&format!("{value:?}")) {
                    counts[row] += 1;
                }
            }
        }
        *self.column("multiplicity") = counts.into_iter().map(Fr::from).collect();
    }
}

/// A synthetic model without blocks' worth of size: only embedding and head matter.
pub fn model(width: usize, vocab: usize, context: usize, seed: u64) -> QuantizedModel {
    let arch = Architecture {
        layers: 1,
        width,
        heads: 1,
        mlp_width: 2 * width,
        vocab,
        context,
    };
    nanozk_executor::synthetic::model(arch, Activation::GeluNew, seed)
}

/// The layer of a kind with the fewest rows that hold it.
pub fn smallest(model: &QuantizedModel, kind: LayerKind, tokens: usize, plan: Plan) -> Layer {
    let block = BlockShape::new(&model.arch, &model.spec);
    (9..=18)
        .find_map(|k| {
            Layer::new(Shape {
                kind,
                block,
                tokens,
                plan: Plan { k, ..plan },
            })
            .ok()
        })
        .expect("some number of rows suffices")
}

/// First phase of a layer: weights where they belong among the witness.
pub fn first_phase(
    layer: &Layer,
    weights: Vec<Vec<Fr>>,
    mut witness: Vec<Vec<Fr>>,
) -> Vec<Vec<Fr>> {
    let mut weights = weights.into_iter();
    for (column, values) in layer.program.first_phase().iter().zip(&mut witness) {
        if layer.program.info(*column).kind == Kind::Weight {
            *values = weights.next().expect("a weight column");
        }
    }
    witness
}

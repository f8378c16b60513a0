//! The first phase of a machine, to be changed by hand.

use crate::common::rng;
use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use nanozk_aggregation::gates::{At, LANE, LANES, PAIR};
use nanozk_aggregation::Columns;
use nanozk_circuits::ir::{Gate, Kind, Program};
use nanozk_prover::check::violations;
use std::collections::HashMap;
use std::sync::Arc;

pub(crate) const V: usize = 6;
pub(crate) const W: usize = 7;
pub(crate) const U: usize = 8;
const MULTIPLICITY: usize = 9;

/// A program with a witness, and where the program finds what it reads.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) program: Arc<Program>,
    pub(crate) first: Vec<Vec<Fr>>,
    pub(crate) instances: Vec<Fr>,
    /// Without gates that add points or look up.
    arithmetic: Arc<Program>,
    memory: Arc<Memory>,
}

struct Memory {
    /// Rows that are written, by address.
    entries: HashMap<[u8; 32], usize>,
    /// Rows of the range table, by number.
    range: HashMap<[u8; 32], usize>,
    /// Rows that read, those whose address depends on a value last.
    reading: Vec<usize>,
}

impl Memory {
    fn new(program: &Program) -> Self {
        let on = |at: At, row: usize| !program.fixed[at as usize][row].is_zero_vartime();
        let (mut entries, mut range) = (HashMap::new(), HashMap::new());
        for row in 0..program.rows() {
            let key = program.fixed[At::Key as usize][row].to_repr();
            if on(At::Write, row) {
                assert!(entries.insert(key, row).is_none(), "keys are unique");
            } else {
                range.entry(key).or_insert(row);
            }
        }
        let mut reading: Vec<usize> = (0..program.rows()).filter(|r| on(At::Read, *r)).collect();
        reading.sort_by_key(|row| on(At::Write, *row));
        Memory {
            entries,
            range,
            reading,
        }
    }
}

fn arithmetic(program: &Program) -> Program {
    let looks_up = |gate: &Gate| {
        let mut cells = gate.poly.0.iter().flat_map(|t| &t.cells);
        cells.any(|c| program.info(c.column).kind == Kind::Second)
    };
    let mut out = program.clone();
    out.steps.clear();
    out.gates.retain(|gate| {
        let adds = gate.id.starts_with("add_") || gate.id.starts_with("load_");
        !adds && !looks_up(gate)
    });
    out
}

impl Table {
    pub(crate) fn new(columns: Columns, instances: &[Fr]) -> Self {
        Table {
            arithmetic: Arc::new(arithmetic(&columns.program)),
            memory: Arc::new(Memory::new(&columns.program)),
            program: Arc::new(columns.program),
            first: columns.first_phase,
            instances: instances.to_vec(),
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.program.rows()
    }

    pub(crate) fn fixed(&self, at: At, row: usize) -> Fr {
        self.program.fixed[at as usize][row]
    }

    pub(crate) fn on(&self, at: At, row: usize) -> bool {
        !self.fixed(at, row).is_zero_vartime()
    }

    /// The first row of a sort.
    pub(crate) fn find(&self, wanted: impl Fn(&Self, usize) -> bool) -> usize {
        (0..self.rows())
            .find(|row| wanted(self, *row))
            .expect("a row of this sort")
    }

    pub(crate) fn v(&self, row: usize) -> Fr {
        self.first[V][row]
    }

    pub(crate) fn set(&mut self, row: usize, value: Fr) {
        self.first[V][row] = value;
    }

    /// Sets a value and its lanes; what the lanes have no room for is in none.
    pub(crate) fn set_limb(&mut self, row: usize, value: Fr) {
        self.set(row, value);
        let bytes = value.to_repr();
        let lanes = LANES - usize::from(!self.on(At::Wide, row));
        for lane in 0..lanes {
            let at = lane * LANE / 8;
            let word = u16::from_le_bytes([bytes[at], bytes[at + 1]]);
            self.first[lane][row] = Fr::from(u64::from(word));
        }
    }

    /// Reads everything anew, and counts what was read.
    pub(crate) fn repair(&mut self) {
        let mut counts = self.read();
        let memory = self.memory.clone();
        for lane in &self.first[..LANES] {
            for value in lane {
                if let Some(row) = memory.range.get(&value.to_repr()) {
                    counts[*row] += 1;
                }
            }
        }
        self.first[MULTIPLICITY] = counts.into_iter().map(Fr::from).collect();
    }

    /// Reads everything anew. Returns how often each row is read.
    pub(crate) fn read(&mut self) -> Vec<u64> {
        let memory = self.memory.clone();
        let mut counts = vec![0u64; self.rows()];
        for row in &memory.reading {
            let mut address = self.fixed(At::Address, *row);
            if self.on(At::Write, *row) {
                address += self.first[U][row + PAIR] * Fr::from(3);
            }
            // A lie may read where nothing is.
            if let Some(source) = memory.entries.get(&address.to_repr()) {
                self.first[W][*row] = self.first[V][*source];
                self.first[U][*row] = self.first[V][*source + PAIR];
                counts[*source] += 1;
            }
        }
        counts
    }

    /// Takes a cell of a lane for an entry of memory instead of a number, and counts accordingly.
    pub(crate) fn look_up_memory(&mut self, row: usize, entry: usize) {
        let number = self.memory.range[&self.first[0][row].to_repr()];
        self.first[0][row] = self.fixed(At::Key, entry);
        self.first[MULTIPLICITY][number] -= Fr::ONE;
        self.first[MULTIPLICITY][entry] += Fr::ONE;
    }

    /// Gates that do not hold.
    pub(crate) fn violated(&self) -> Vec<String> {
        self.violated_of(&self.program)
    }

    /// Gates that do not hold, of those that neither add points nor look up: whoever repairs a table reads what was
    /// written, and what was not changed still adds up.
    pub(crate) fn violated_arithmetic(&self) -> Vec<String> {
        self.violated_of(&self.arithmetic)
    }

    fn violated_of(&self, program: &Program) -> Vec<String> {
        let mut rng = rng(77);
        let challenges = std::array::from_fn(|_| Fr::random(&mut rng));
        violations(program, self.first.clone(), &self.instances, &challenges)
            .into_iter()
            .map(|v| v.gate)
            .collect()
    }
}

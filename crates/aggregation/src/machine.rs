//! Rows under construction: arithmetic of the scalar field, memory, and the sponge.

use crate::gates::{self, At, BLOCK, FIXED, LANE, LANES, PAIR};
use crate::sponge::{constant_row, round_constants, rows_of};
use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use nanozk_circuits::ir::Program;
use nanozk_circuits::poseidon::{constants, is_full, ROUNDS};
use std::collections::HashMap;

/// A value of the scalar field that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Row.
    pub row: u32,
    /// The value; zero if there is no witness.
    pub value: Fr,
}

/// What a row reads or is read as; it does not do both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    Unused,
    Reads,
    ReadsIndirectly,
    Written,
}

/// The machine.
pub struct Machine {
    /// Whether values are computed, or only the program.
    pub witness: bool,
    pub(crate) v: Vec<Fr>,
    w: Vec<Fr>,
    u: Vec<Fr>,
    lanes: Vec<[u16; LANES]>,
    fixed: Vec<Vec<(u32, Fr)>>,
    memory: Vec<Memory>,
    /// Row that reads, row that is read.
    reads: Vec<(u32, u32)>,
    /// Row that reads, address without the index, row that is read by this witness.
    indirect: Vec<(u32, Fr, u32)>,
    /// Addresses of rows that are entries of a table.
    addresses: HashMap<u32, Fr>,
    known: HashMap<[u8; 32], Value>,
    zeros: Option<u32>,
    /// Number of tables of points.
    pub(crate) tables: usize,
}

/// The columns of a program that was run.
pub struct Columns {
    /// Description and fixed values.
    pub program: Program,
    /// First-phase columns; nothing if there is no witness.
    pub first_phase: Vec<Vec<Fr>>,
    /// Rows that are used.
    pub used: usize,
}

/// Address of a row that is no entry of a table: beyond the range table, below all tables.
fn plain_address(row: u32) -> Fr {
    Fr::from((1 << 32) + u64::from(row))
}

/// Address of the first entry of a table. Indices are below `2^80`.
pub fn table_address(table: usize) -> Fr {
    Fr::from_u128((table as u128 + 1) << 100)
}

impl Machine {
    /// No rows but those of the public inputs, with their values.
    pub fn new(witness: bool, instances: &[Fr]) -> (Self, Vec<Value>) {
        let mut machine = Machine {
            witness,
            v: vec![],
            w: vec![],
            u: vec![],
            lanes: vec![],
            fixed: vec![vec![]; FIXED],
            memory: vec![],
            reads: vec![],
            indirect: vec![],
            addresses: HashMap::new(),
            known: HashMap::new(),
            zeros: None,
            tables: 0,
        };
        assert!(instances.len() <= BLOCK, "a rotation for each public input");
        machine.set(At::Instance, 0, Fr::ONE);
        let values = instances
            .iter()
            .map(|value| Value {
                row: machine.push(*value),
                value: *value,
            })
            .collect();
        (machine, values)
    }

    /// Number of rows so far.
    pub fn rows(&self) -> u32 {
        self.v.len() as u32
    }

    pub(crate) fn set(&mut self, column: At, row: u32, value: Fr) {
        self.fixed[column as usize].push((row, value));
    }

    /// A row with a value that nothing constrains yet.
    pub(crate) fn push(&mut self, value: Fr) -> u32 {
        self.v.push(value);
        self.w.push(Fr::ZERO);
        self.u.push(Fr::ZERO);
        self.lanes.push([0; LANES]);
        self.memory.push(Memory::Unused);
        self.rows() - 1
    }

    /// A value that nothing constrains yet.
    pub fn free(&mut self, value: Fr) -> Value {
        Value {
            row: self.push(value),
            value,
        }
    }

    /// Gives a free value's row its value, now that it is known.
    pub fn assign(&mut self, free: Value, value: Fr) {
        self.v[free.row as usize] = value;
    }

    /// A row whose value is a number of five or six lanes. Returns the row.
    pub(crate) fn push_limb(&mut self, value: u128, wide: bool) -> u32 {
        let row = self.push(Fr::from_u128(value));
        self.limit(row, value, wide);
        row
    }

    /// Limits the value of a row to five or six lanes.
    pub(crate) fn limit(&mut self, row: u32, value: u128, wide: bool) {
        self.set(At::Limb, row, Fr::ONE);
        if wide {
            self.set(At::Wide, row, Fr::ONE);
        }
        for (j, lane) in self.lanes[row as usize].iter_mut().enumerate() {
            *lane = (value >> (LANE * j)) as u16;
        }
    }

    /// `row` reads the pair at `source`.
    pub(crate) fn read(&mut self, row: u32, source: u32) {
        assert!(
            self.memory[row as usize] == Memory::Unused,
            "row {row} reads once and is not read"
        );
        assert!(
            matches!(
                self.memory[source as usize],
                Memory::Unused | Memory::Written
            ),
            "row {source} reads: it cannot be read"
        );
        self.memory[row as usize] = Memory::Reads;
        self.memory[source as usize] = Memory::Written;
        self.reads.push((row, source));
    }

    /// `row` reads at `address` plus three times `u` three rows below, which this witness finds at `source`.
    pub(crate) fn read_indirectly(&mut self, row: u32, address: Fr, source: u32) {
        assert!(self.memory[row as usize] == Memory::Unused);
        self.memory[row as usize] = Memory::ReadsIndirectly;
        self.indirect.push((row, address, source));
    }

    /// Gives a row the address of an entry of a table.
    pub(crate) fn place(&mut self, row: u32, address: Fr) {
        assert!(
            matches!(self.memory[row as usize], Memory::Unused | Memory::Written),
            "row {row} reads: it cannot be an entry"
        );
        self.memory[row as usize] = Memory::Written;
        assert!(self.addresses.insert(row, address).is_none(), "one address");
    }

    // ---- arithmetic

    /// Starts a computation with a row whose value is zero for all it matters.
    pub fn start(&mut self) -> Chain<'_> {
        self.push(Fr::ZERO);
        Chain {
            value: Fr::ZERO,
            machine: self,
        }
    }

    /// A constant; equal ones are the same row.
    pub fn constant(&mut self, value: Fr) -> Value {
        if let Some(known) = self.known.get(&value.to_repr()) {
            return *known;
        }
        let row = self.start().constant(value).end();
        self.known.insert(value.to_repr(), row);
        row
    }

    /// A row whose pair is two zeros.
    pub(crate) fn zeros(&mut self) -> u32 {
        if let Some(row) = self.zeros {
            return row;
        }
        let mut chain = self.start().constant(Fr::ZERO);
        let row = chain.row();
        for _ in 0..PAIR {
            chain = chain.constant(Fr::ZERO);
        }
        self.zeros = Some(row);
        row
    }

    /// `a·b`.
    pub fn mul(&mut self, a: Value, b: Value) -> Value {
        self.start().load(a).times(b).end()
    }

    /// `a + b`.
    pub fn add(&mut self, a: Value, b: Value) -> Value {
        self.start().load(a).plus(b, Fr::ONE).end()
    }

    /// `a·factor + constant`.
    pub fn affine(&mut self, a: Value, factor: Fr, constant: Fr) -> Value {
        self.start().term(a, factor, constant).end()
    }

    /// The inverse; there is no witness if the value is zero.
    pub fn invert(&mut self, a: Value) -> Value {
        let inverse = self.free(a.value.invert().unwrap_or(Fr::ZERO));
        self.start().load(inverse).assert_product(a, Fr::ONE);
        inverse
    }

    /// Both are the same.
    pub fn assert_equal(&mut self, a: Value, b: Value) {
        self.start().load(a).assert_equals(b);
    }

    // ---- sponge

    /// Absorbs what stands in each part, and squeezes after each.
    pub fn sponge(&mut self, parts: &[Vec<Value>]) -> Vec<Value> {
        let one = self.constant(Fr::ONE);
        let zero = self.constant(Fr::ZERO);
        let zeros = self.zeros();
        let mut state = self.start().constant(Fr::ZERO).row();
        self.read(state, zeros);
        let mut elements = [Fr::ZERO; 3];
        let mut out = Vec::with_capacity(parts.len());
        for part in parts {
            let mut padded = part.clone();
            padded.push(one);
            if padded.len() % 2 == 1 {
                padded.push(zero);
            }
            for pair in padded.chunks(2) {
                (state, elements) = self.permute(state, elements, [pair[0], pair[1]]);
            }
            out.push(Value {
                row: state,
                value: self.v[state as usize],
            });
        }
        out
    }

    fn push_state(&mut self, [s0, s1, s2]: [Fr; 3]) -> u32 {
        let row = self.push(s1);
        self.w[row as usize] = s0;
        self.u[row as usize] = s2;
        row
    }

    /// The state after two messages, from the one in `state`, which is the last row.
    fn permute(
        &mut self,
        state: u32,
        mut elements: [Fr; 3],
        messages: [Value; 2],
    ) -> (u32, [Fr; 3]) {
        assert_eq!(state + 1, self.rows(), "the state is above the permutation");
        self.set(At::Absorb, state, Fr::ONE);
        for message in messages {
            let row = self.push(Fr::ZERO);
            self.read(row, message.row);
        }
        let moved = round_constants();
        let matrix = constants().matrix;
        elements[1] += messages[0].value;
        elements[2] += messages[1].value;
        for (e, c) in elements.iter_mut().zip(moved[0]) {
            *e += c;
        }
        for round in 0..ROUNDS {
            let row = self.push_state(elements);
            let full = is_full(round);
            self.set(if full { At::Full } else { At::Partial }, row, Fr::ONE);
            for (element, c) in moved[round + 1].into_iter().enumerate() {
                match constant_row(round, element) {
                    Some(below) if !bool::from(c.is_zero()) => {
                        self.set(At::Address, row + below as u32, c);
                    }
                    Some(_) => {}
                    None => assert!(bool::from(c.is_zero()), "no room for a constant"),
                }
            }
            let squares = elements.map(|e| e.square());
            let fourths = squares.map(|s| s.square());
            if full {
                self.push_state(squares);
                self.push_state(fourths);
            } else {
                self.push_state([fourths[0], squares[0], Fr::ZERO]);
            }
            debug_assert_eq!(self.rows(), row + rows_of(round) as u32);
            for (j, e) in elements.iter_mut().enumerate() {
                if full || j == 0 {
                    *e *= fourths[j];
                }
            }
            elements = std::array::from_fn(|i| {
                let sum: Fr = matrix[i].iter().zip(elements).map(|(m, e)| *m * e).sum();
                sum + moved[round + 1][i]
            });
        }
        (self.push_state(elements), elements)
    }

    // ---- end

    /// Least binary logarithm of the number of rows.
    pub fn k(&self) -> u32 {
        // The range table needs rows that are not entries of memory; and there are as many as lanes have values.
        let entries = self
            .memory
            .iter()
            .filter(|m| matches!(m, Memory::Written | Memory::ReadsIndirectly))
            .count();
        let rows = (self.v.len() + BLOCK).max(entries + (1 << LANE));
        rows.next_power_of_two().trailing_zeros()
    }

    /// The program and its witness.
    pub fn finish(mut self, name: String, instances: usize) -> Columns {
        let k = self.k();
        let used = self.v.len();
        let rows = 1usize << k;
        let mut program = gates::program(k, instances);
        program.name = name;

        let address = |addresses: &HashMap<u32, Fr>, row: u32| match addresses.get(&row) {
            Some(address) => *address,
            None => plain_address(row),
        };
        let reads = std::mem::take(&mut self.reads);
        let indirect = std::mem::take(&mut self.indirect);
        for (row, source) in &reads {
            let address = address(&self.addresses, *source);
            self.set(At::Address, *row, address);
            self.set(At::Read, *row, Fr::ONE);
        }
        for (row, address, _) in &indirect {
            self.set(At::Address, *row, *address);
            self.set(At::Read, *row, Fr::ONE);
        }
        let mut range_rows = Vec::with_capacity(1 << LANE);
        for row in 0..rows as u32 {
            match self.memory.get(row as usize) {
                Some(Memory::Written | Memory::ReadsIndirectly) => {
                    let key = address(&self.addresses, row);
                    self.set(At::Key, row, key);
                    self.set(At::Write, row, Fr::ONE);
                }
                _ if range_rows.len() < 1 << LANE => {
                    self.set(At::Key, row, Fr::from(range_rows.len() as u64));
                    range_rows.push(row);
                }
                _ => {}
            }
        }
        program.fixed = std::mem::take(&mut self.fixed)
            .into_iter()
            .map(|cells| {
                let mut column = vec![Fr::ZERO; rows];
                for (row, value) in cells {
                    debug_assert!(bool::from(column[row as usize].is_zero()), "set once");
                    column[row as usize] = value;
                }
                column
            })
            .collect();

        let mut first_phase = vec![];
        if self.witness {
            for column in [&mut self.v, &mut self.w, &mut self.u] {
                column.resize(rows, Fr::ZERO);
            }
            let mut multiplicity = vec![0u64; rows];
            let sources = reads
                .into_iter()
                .chain(indirect.into_iter().map(|(row, _, source)| (row, source)));
            for (row, source) in sources {
                self.w[row as usize] = self.v[source as usize];
                self.u[row as usize] = self.v[source as usize + PAIR];
                multiplicity[source as usize] += 1;
            }
            for lanes in &self.lanes {
                for lane in lanes {
                    multiplicity[range_rows[*lane as usize] as usize] += 1;
                }
            }
            multiplicity[range_rows[0] as usize] += (LANES * (rows - self.lanes.len())) as u64;
            for j in 0..LANES {
                let mut column: Vec<Fr> = self
                    .lanes
                    .iter()
                    .map(|l| Fr::from(u64::from(l[j])))
                    .collect();
                column.resize(rows, Fr::ZERO);
                first_phase.push(column);
            }
            first_phase.extend([self.v, self.w, self.u]);
            first_phase.push(multiplicity.into_iter().map(Fr::from).collect());
        }
        Columns {
            program,
            first_phase,
            used,
        }
    }
}

/// A computation: each step's value follows from the one above and an operand. Only its end can be read.
pub struct Chain<'a> {
    machine: &'a mut Machine,
    value: Fr,
}

impl Chain<'_> {
    /// The last row.
    pub fn row(&self) -> u32 {
        self.machine.rows() - 1
    }

    /// `product·v·b + above·v + operand·b + constant` of the value so far.
    fn step(self, b: Option<Value>, [product, above, operand, constant]: [Fr; 4]) -> Self {
        let Chain { machine, value } = self;
        let row = machine.rows() - 1;
        machine.set(At::Result, row, Fr::ONE);
        Self::terms(machine, row, b, [product, above, operand, constant]);
        let w = b.map_or(Fr::ZERO, |b| b.value);
        let value = product * value * w + above * value + operand * w + constant;
        machine.push(value);
        Chain { machine, value }
    }

    fn terms(machine: &mut Machine, row: u32, b: Option<Value>, factors: [Fr; 4]) {
        let columns = [At::Product, At::Above, At::Operand, At::Constant];
        for (column, factor) in columns.into_iter().zip(factors) {
            if !bool::from(factor.is_zero()) {
                machine.set(column, row, factor);
            }
        }
        if let Some(b) = b {
            machine.read(row, b.row);
        }
    }

    /// A constant instead.
    pub fn constant(self, value: Fr) -> Self {
        self.step(None, [Fr::ZERO, Fr::ZERO, Fr::ZERO, value])
    }

    /// A value instead.
    pub fn load(self, a: Value) -> Self {
        self.term(a, Fr::ONE, Fr::ZERO)
    }

    /// `factor·a + constant` instead.
    pub fn term(self, a: Value, factor: Fr, constant: Fr) -> Self {
        self.step(Some(a), [Fr::ZERO, Fr::ZERO, factor, constant])
    }

    /// Times `b`.
    pub fn times(self, b: Value) -> Self {
        self.step(Some(b), [Fr::ONE, Fr::ZERO, Fr::ZERO, Fr::ZERO])
    }

    /// Plus `factor·b`.
    pub fn plus(self, b: Value, factor: Fr) -> Self {
        self.step(Some(b), [Fr::ZERO, Fr::ONE, factor, Fr::ZERO])
    }

    /// Times a constant, plus another.
    pub fn scale(self, factor: Fr, constant: Fr) -> Self {
        self.step(None, [Fr::ZERO, factor, Fr::ZERO, constant])
    }

    /// Times `above`, plus `factor·b`, plus a constant.
    pub fn combine(self, above: Fr, b: Value, factor: Fr, constant: Fr) -> Self {
        self.step(Some(b), [Fr::ZERO, above, factor, constant])
    }

    /// The result.
    pub fn end(self) -> Value {
        Value {
            row: self.row(),
            value: self.value,
        }
    }

    /// The value times `b` is a constant.
    pub fn assert_product(self, b: Value, constant: Fr) {
        let row = self.row();
        Self::terms(
            self.machine,
            row,
            Some(b),
            [Fr::ONE, Fr::ZERO, Fr::ZERO, -constant],
        );
    }

    /// The value is `b`.
    pub fn assert_equals(self, b: Value) {
        let row = self.row();
        Self::terms(
            self.machine,
            row,
            Some(b),
            [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::ZERO],
        );
    }
}

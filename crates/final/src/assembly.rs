//! Rows being filled: wires, which cells have them, and runs of rows that are taken one after the other.

use crate::circuit::{COLUMNS, Cell, Columns, Structure, WIRES};
use crate::gates::{
    ARITHMETIC, CONSTANT, DIGITS, EQUATION, FULL, FULL_ROUNDS, INPUT, K, LIMBS, LOOKUP,
    MEMORY_TABLE, NEGATIVE_TABLE, PARTIAL, PARTIAL_ROUNDS, PERIOD, RANGE, RANGE_ROW, RANGE_TABLE,
    Run, equation, limbs, multiples_of_order, thirds,
};
use halo2curves::bn256::{Fq, Fr};
use halo2curves::ff::{Field, PrimeField};
use nanozk_circuit::integer;
use nanozk_poseidon::{ELEMENTS, FULL_ROUNDS as ALL_FULL, ROUNDS, constants, is_full, times};
use nanozk_recursion::base_field::{
    Chunks, ORDER, chunks_of, element_limbs, limbs_of, power_of_two, zip,
};
use num_bigint::BigInt;
use std::collections::HashMap;

/// Columns by their names.
pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const C: usize = 2;
pub(crate) const D: usize = 3;
pub(crate) const E: usize = 4;
pub(crate) const F: usize = 5;
/// The columns of a row's limbs, the lowest first.
const LIMB_COLUMNS: [usize; 4] = [A, B, C, E];

/// A value, and all cells that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Wire(usize);

/// Four chunks, or combinations of some.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) wires: [Wire; 4],
    /// Their values as integers.
    pub(crate) chunks: Chunks,
}

/// The rows are not as many as are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{needed} runs of {what} are needed, and there are {size}")]
pub struct TooLong {
    what: &'static str,
    needed: usize,
    size: usize,
}

/// How many runs of rows of a kind are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What they are.
    pub what: &'static str,
    /// Used.
    pub used: usize,
    /// There are.
    pub size: usize,
}

pub(crate) struct Assembly {
    structure: Structure,
    columns: Columns,
    values: Vec<Fr>,
    /// For each wire, the cells that have it.
    cells: Vec<Vec<Cell>>,
    /// A wire that is stated to be the same, by a lower number.
    same: Vec<usize>,
    taken: HashMap<Run, usize>,
    constants: HashMap<[u8; 32], Wire>,
    /// Rows of the memory table that are looked up, and how often.
    memory: Vec<(usize, Fr)>,
    digits: usize,
}

/// The quotient with its bias, and both carries, each as an integer with its bias.
fn solve(left: &Chunks, right: &Chunks, linear: &Chunks) -> [BigInt; 3] {
    let order = &*ORDER;
    let integer = |chunks: &Chunks| -> BigInt {
        let digits = chunks.iter().rev();
        digits.fold(BigInt::ZERO, |sum, chunk| (sum << 64) + chunk)
    };
    let difference = integer(left) * integer(right) - integer(linear);
    // Of a false statement the remainder is dropped.
    let quotient: BigInt = &difference / order;
    let chunks = |x: &BigInt| -> Vec<BigInt> {
        let digits = x.magnitude().to_u64_digits();
        (0..4)
            .map(|i| BigInt::from(digits.get(i).copied().unwrap_or(0)))
            .collect()
    };
    let biased = &quotient + (BigInt::from(1) << 255);
    let (k, p) = (chunks(&biased), chunks(order));
    let coefficient = |m: usize| -> BigInt {
        let mut sum = -BigInt::from(linear[m]);
        for i in 0..=m {
            sum += BigInt::from(left[i]) * right[m - i] - &k[i] * &p[m - i];
        }
        if m == 3 {
            // The bias has one bit, the topmost of its highest chunk.
            sum += &p[0] << 63;
        }
        sum
    };
    let carry_bias = BigInt::from(1) << 79;
    let first = (coefficient(0) + (coefficient(1) << 64)) >> 128;
    let second = (coefficient(2) + (coefficient(3) << 64) + &first) >> 128;
    [biased, first + &carry_bias, second + carry_bias]
}

impl Assembly {
    pub(crate) fn new(inputs: usize) -> Self {
        let n = 1 << K;
        let mut all = Self {
            structure: Structure::new(K, inputs),
            columns: std::array::from_fn(|_| vec![Fr::ZERO; n]),
            values: Vec::new(),
            cells: Vec::new(),
            same: Vec::new(),
            taken: HashMap::new(),
            constants: HashMap::new(),
            memory: Vec::new(),
            digits: 0,
        };
        for i in 0..RANGE / RANGE_ROW {
            let row = all.take(RANGE_TABLE);
            all.structure.constants[row] = Fr::from((RANGE_ROW * i) as u64);
        }
        all
    }

    fn runs(&self, run: Run) -> usize {
        (1 << K) / PERIOD * run.count
    }

    /// The first row of run `number`.
    fn row(&self, run: Run, number: usize) -> usize {
        let number = number.min(self.runs(run) - 1);
        number / run.count * PERIOD + run.first + number % run.count * run.rows
    }

    /// The first row of the next run that is not yet used. If there is none, [`Assembly::finish`] says so.
    fn take(&mut self, run: Run) -> usize {
        let taken = self.taken.entry(run).or_default();
        *taken += 1;
        let number = *taken - 1;
        self.row(run, number)
    }

    pub(crate) fn wire(&mut self, value: Fr) -> Wire {
        self.values.push(value);
        self.cells.push(Vec::new());
        self.same.push(self.same.len());
        Wire(self.values.len() - 1)
    }

    pub(crate) fn value(&self, wire: Wire) -> Fr {
        self.values[wire.0]
    }

    fn root(&self, wire: Wire) -> usize {
        let mut at = wire.0;
        while self.same[at] != at {
            at = self.same[at];
        }
        at
    }

    /// States that wires are equal.
    pub(crate) fn make_equal(&mut self, x: Wire, y: Wire) {
        let (x, y) = (self.root(x), self.root(y));
        self.same[x.max(y)] = x.min(y);
    }

    fn set(&mut self, column: usize, row: usize, value: Fr) {
        self.columns[column][row] = value;
    }

    fn put(&mut self, wire: Wire, column: usize, row: usize) {
        self.columns[column][row] = self.values[wire.0];
        self.cells[wire.0].push(Cell { column, row });
    }

    /// A new wire in a cell.
    fn new_in(&mut self, value: Fr, column: usize, row: usize) -> Wire {
        let wire = self.wire(value);
        self.put(wire, column, row);
        wire
    }

    /// A number that is the same in every proof.
    pub(crate) fn constant(&mut self, value: Fr) -> Wire {
        if let Some(wire) = self.constants.get(value.to_repr().as_ref()) {
            return *wire;
        }
        let row = self.take(CONSTANT);
        self.structure.constants[row] = value;
        let wire = self.new_in(value, A, row);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(value.to_repr().as_ref());
        self.constants.insert(bytes, wire);
        wire
    }

    pub(crate) fn input(&mut self, wire: Wire) {
        let row = self.take(INPUT);
        self.put(wire, A, row);
    }

    /// States `result = a·b + factor·d + e`. What is none is zero.
    pub(crate) fn state(
        &mut self,
        product: Option<[Wire; 2]>,
        multiple: Option<(Fr, Wire)>,
        summand: Option<Wire>,
        result: Wire,
    ) {
        let zero = self.constant(Fr::ZERO);
        let row = self.take(ARITHMETIC);
        match product {
            Some([a, b]) => {
                self.put(a, A, row);
                self.put(b, B, row);
            }
            None => self.put(zero, A, row),
        }
        if let Some((factor, wire)) = multiple {
            self.structure.constants[row] = factor;
            self.put(wire, D, row);
        }
        self.put(summand.unwrap_or(zero), E, row);
        self.put(result, C, row);
    }

    /// A wire that is `a·b + factor·d + e`.
    pub(crate) fn compute(
        &mut self,
        product: Option<[Wire; 2]>,
        multiple: Option<(Fr, Wire)>,
        summand: Option<Wire>,
    ) -> Wire {
        let mut value = summand.map_or(Fr::ZERO, |e| self.value(e));
        if let Some([a, b]) = product {
            value += self.value(a) * self.value(b);
        }
        if let Some((factor, d)) = multiple {
            value += factor * self.value(d);
        }
        let result = self.wire(value);
        self.state(product, multiple, summand, result);
        result
    }

    /// Chunks computed one by one.
    pub(crate) fn form(
        &mut self,
        chunks: Chunks,
        mut f: impl FnMut(&mut Self, usize) -> Wire,
    ) -> Form {
        let wires = std::array::from_fn(|i| f(self, i));
        Form { wires, chunks }
    }

    /// The limbs of a row.
    fn put_limbs(&mut self, row: usize, limbs: &[u16]) {
        for (column, limb) in LIMB_COLUMNS.into_iter().zip(limbs) {
            self.set(column, row, Fr::from(u64::from(*limb)));
        }
    }

    /// A number of 254 bits that nothing determines yet.
    pub(crate) fn number(&mut self, value: &Fq) -> Form {
        let first = self.take(LIMBS_OF_NUMBERS) + limbs::NUMBER;
        let chunks = chunks_of(value);
        let limbs = element_limbs(value);
        for (i, limbs) in limbs.chunks(4).enumerate() {
            self.put_limbs(first + i, limbs);
        }
        let highest = Fr::from(u64::from(limbs[limbs.len() - 1]));
        self.set(C, first + limbs::LOOSE, highest.double().double());
        self.form(chunks, |all, i| {
            all.new_in(integer(chunks[i]), D, first + i)
        })
    }

    /// States `left·right = first + factor·second` modulo the order of the base field.
    pub(crate) fn equate(
        &mut self,
        [left, right]: [&Form; 2],
        first: &Form,
        multiple: Option<(i8, &Form)>,
    ) {
        let (limbs, rows) = (self.take(LIMBS_OF_EQUATIONS), self.take(EQUATION));
        let mut linear = first.chunks;
        let mut put = |form: &Form, row: usize| {
            for (column, wire) in [A, B, C, D].into_iter().zip(form.wires) {
                self.put(wire, column, rows + row);
            }
        };
        put(left, equation::LEFT);
        put(right, equation::RIGHT);
        put(first, equation::FIRST);
        if let Some((factor, second)) = multiple {
            put(second, equation::SECOND);
            let factor = i128::from(factor);
            linear = zip(linear, second.chunks, |x, y| x + factor * y);
            self.structure.constants[rows + equation::FIRST] = integer(factor);
        }
        self.fill_equation(
            [left.chunks, right.chunks, linear],
            first.chunks,
            limbs,
            rows,
        );
    }

    /// Quotient, carries, and what gates pass on. Other chunks are in their rows already.
    fn fill_equation(
        &mut self,
        [left, right, linear]: [Chunks; 3],
        first: Chunks,
        limbs: usize,
        rows: usize,
    ) {
        let [quotient, carry, second] = solve(&left, &right, &linear);
        // Limbs of the quotient, and its chunks.
        let quotient = limbs_of(&quotient);
        let mut chunks = [Fr::ZERO; 4];
        for (i, own) in quotient.chunks(4).enumerate() {
            let row = limbs + limbs::QUOTIENT + i;
            self.put_limbs(row, own);
            let limbs = own.iter().rev();
            let chunk = limbs.fold(0_u64, |sum, limb| (sum << 16) + u64::from(*limb));
            chunks[i] = Fr::from(chunk);
            let wire = self.new_in(chunks[i], D, row);
            for place in [equation::QUOTIENT_ABOVE, equation::QUOTIENT] {
                self.put(wire, [A, B, C, D][i], rows + place);
            }
        }
        // Carries.
        let bias = power_of_two(79);
        let carries = [
            (carry, A, limbs::FIRST_CARRY, [equation::LEFT].as_slice()),
            (
                second,
                B,
                limbs::SECOND_CARRY,
                &[equation::QUOTIENT_ABOVE, equation::SECOND],
            ),
        ];
        let [u, v] = carries.map(|(carry, loose, row, places)| {
            let own = limbs_of(&carry);
            self.put_limbs(limbs + row, &own[..4]);
            let highest = Fr::from(u64::from(own[4]));
            self.set(loose, limbs + limbs::LOOSE, highest);
            if loose == B {
                self.set(F, limbs + limbs::FIRST_CARRY, highest);
            }
            let value = nanozk_recursion::base_field::scalar_of(&carry) - bias;
            let wire = self.new_in(value, D, limbs + row);
            for place in places {
                self.put(wire, E, rows + place);
            }
            value
        });
        // What passes from gate to gate.
        let scalars = |chunks: Chunks| chunks.map(integer);
        let (a, b) = (scalars(left), scalars(right));
        let product: [Fr; 7] = std::array::from_fn(|m| {
            let terms = (0..4).filter(|i| (i..=&(i + 3)).contains(&&m));
            terms.map(|i| a[i] * b[m - i]).sum()
        });
        let [low, high, _] = thirds(product);
        let [low, high] = [low - power_of_two(128) * u, high + u];
        let [multiple_low, multiple_high, multiple_above] = multiples_of_order(chunks);
        let [first_low, first_high, _] = thirds(scalars(first));
        let after_quotient = [low - multiple_low, high - multiple_high];
        let after_first = [
            after_quotient[0] - first_low,
            after_quotient[1] - first_high,
        ];
        for (row, [low, high]) in [
            (equation::RIGHT, [low, high]),
            (equation::QUOTIENT, after_quotient),
            (equation::FIRST, after_first),
        ] {
            self.set(F, rows + row, low);
            self.set(E, rows + row, high);
        }
        self.set(F, rows + equation::LEFT, multiple_above - v);
    }

    /// A digit from 0 to 15 that nothing determines yet.
    pub(crate) fn digit(&mut self, value: usize) -> Wire {
        let row = if self.digits.is_multiple_of(2) {
            self.take(DIGITS)
        } else {
            let taken = self.taken.get(&DIGITS).copied().unwrap_or(1);
            self.row(DIGITS, taken - 1)
        };
        let [column, shifted] = if self.digits.is_multiple_of(2) {
            [A, B]
        } else {
            [C, E]
        };
        self.digits += 1;
        self.set(shifted, row, Fr::from((value as u64) << 12));
        self.new_in(Fr::from(value as u64), column, row)
    }

    /// An entry of the memory: the form, or its negative, at an address. Gives the row.
    pub(crate) fn remember(&mut self, form: &Form, is_negative: bool, address: usize) -> usize {
        let row = self.take(if is_negative {
            NEGATIVE_TABLE
        } else {
            MEMORY_TABLE
        });
        self.structure.constants[row] = Fr::from(address as u64);
        for (column, wire) in [A, B, C, D].into_iter().zip(form.wires) {
            self.put(wire, column, row);
        }
        row
    }

    /// A point by its coordinates' chunks, looked up at address `first + 2·digit` and the next, which are in these rows.
    pub(crate) fn look_up(
        &mut self,
        first: usize,
        digit: Wire,
        chunks: [Chunks; 2],
        rows: [usize; 2],
    ) -> [Form; 2] {
        let start = self.take(LOOKUP);
        let mut number = 0;
        chunks.map(|chunks| {
            let row = start + number;
            self.structure.constants[row] = Fr::from(first as u64);
            self.put(digit, E, row);
            self.memory.push((rows[number], Fr::ONE));
            number += 1;
            self.form(chunks, |all, i| {
                all.new_in(integer(chunks[i]), [A, B, C, D][i], row)
            })
        })
    }

    /// Rounds of the permutation, from a state: those of a run, of which some may be more than are wanted.
    fn rounds(
        &mut self,
        run: Run,
        state: [Wire; ELEMENTS],
        rounds: std::ops::Range<usize>,
    ) -> [Wire; ELEMENTS] {
        let first = self.take(run);
        let c = constants();
        let mut values = state.map(|wire| self.value(wire));
        let mut result = state;
        for (column, wire) in [A, B, C].into_iter().zip(state) {
            self.put(wire, column, first);
        }
        for i in 0..run.rows - 1 {
            let row = first + i;
            let number = rounds.start + i;
            let own = if rounds.contains(&number) {
                c.rounds[number]
            } else {
                [Fr::ZERO; ELEMENTS]
            };
            if rounds.contains(&number) {
                self.structure.constants[row] = own[0];
                for (column, constant) in [D, E].into_iter().zip(&own[1..]) {
                    let wire = self.constant(*constant);
                    self.put(wire, column, row);
                }
            }
            for (element, (x, c)) in values.iter_mut().zip(own).enumerate() {
                *x += c;
                if element == 0 || run == FULL {
                    *x *= x.square().square();
                }
            }
            values = times(&c.matrix, &values);
            for (column, value) in [A, B, C].into_iter().zip(values) {
                self.set(column, row + 1, value);
            }
            if number + 1 == rounds.end {
                let mut columns = [A, B, C].into_iter();
                result = values.map(|value| {
                    let column = columns.next().unwrap_or(A);
                    self.new_in(value, column, row + 1)
                });
            }
        }
        result
    }

    /// The permutation of Poseidon.
    pub(crate) fn permutation(&mut self, mut state: [Wire; ELEMENTS]) -> [Wire; ELEMENTS] {
        const { assert!(ALL_FULL.is_multiple_of(2 * FULL_ROUNDS)) }
        let mut round = 0;
        while round < ROUNDS {
            let (run, end) = if is_full(round) {
                (FULL, round + FULL_ROUNDS)
            } else {
                let end = round + PARTIAL_ROUNDS;
                (PARTIAL, end.min(ROUNDS - ALL_FULL / 2))
            };
            state = self.rounds(run, state, round..end);
            round = end;
        }
        state
    }

    /// Fills what is left, counts what was looked up, and joins equal cells.
    pub(crate) fn finish(mut self) -> Result<(Structure, Columns, Vec<Usage>), TooLong> {
        let mut usage = Vec::new();
        for run in [
            INPUT,
            MEMORY_TABLE,
            NEGATIVE_TABLE,
            LOOKUP,
            DIGITS,
            CONSTANT,
            LIMBS_OF_NUMBERS,
            LIMBS_OF_EQUATIONS,
            FULL,
            PARTIAL,
            ARITHMETIC,
        ] {
            let used = self.taken.get(&run).copied().unwrap_or(0);
            usage.push(Usage {
                what: run.name,
                used,
                size: self.runs(run),
            });
        }
        for usage in &usage {
            // One row of each table is kept for lookups that are not used.
            if usage.used + usize::from(usage.what == MEMORY_TABLE.name) > usage.size {
                return Err(TooLong {
                    what: usage.what,
                    needed: usage.used,
                    size: usage.size,
                });
            }
        }
        // Equations that are not used: zero is zero.
        let used = self.taken.get(&EQUATION).copied().unwrap_or(0);
        for number in used..self.runs(EQUATION) {
            let (first, rows) = (self.row(LIMBS, number), self.row(EQUATION, number));
            self.fill_equation([[0; 4]; 3], [0; 4], first, rows);
        }
        // Rows of the memory that are not used are at an address where nothing is looked up but by lookups that are not used.
        let nowhere = -Fr::ONE;
        for run in [MEMORY_TABLE, NEGATIVE_TABLE] {
            let used = self.taken.get(&run).copied().unwrap_or(0);
            for number in used..self.runs(run) {
                let row = self.row(run, number);
                self.structure.constants[row] = nowhere;
            }
        }
        let used = self.taken.get(&LOOKUP).copied().unwrap_or(0);
        let spare = self.row(
            MEMORY_TABLE,
            self.taken.get(&MEMORY_TABLE).copied().unwrap_or(0),
        );
        for number in used..self.runs(LOOKUP) {
            let row = self.row(LOOKUP, number);
            self.structure.constants[row] = nowhere;
            self.structure.constants[row + 1] = nowhere - Fr::ONE;
            self.memory.push((spare, Fr::from(2)));
        }
        for (row, uses) in std::mem::take(&mut self.memory) {
            self.columns[E][row] += uses;
        }
        self.count_limbs();
        self.join();
        Ok((self.structure, self.columns, usage))
    }

    /// How often each number of the range table is looked up.
    fn count_limbs(&mut self) {
        let mut counts = vec![0_u64; RANGE];
        for block in 0..(1 << K) / PERIOD {
            let limbs = (0..LIMBS.rows * LIMBS.count).map(|i| LIMBS.first + i);
            for residue in limbs.chain([DIGITS.first]) {
                for column in LIMB_COLUMNS {
                    let repr = self.columns[column][block * PERIOD + residue].to_repr();
                    let bytes: &[u8] = repr.as_ref();
                    // What is beyond 16 bits is in no table.
                    let number = usize::from(bytes[0]) + (usize::from(bytes[1]) << 8);
                    counts[number] += 1;
                }
            }
        }
        for i in 0..RANGE / RANGE_ROW {
            let row = self.row(RANGE_TABLE, i);
            for (column, count) in [A, B, C, D].into_iter().zip(&counts[RANGE_ROW * i..]) {
                self.columns[column][row] = Fr::from(*count);
            }
        }
    }

    /// Cycles of equal cells.
    fn join(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        let mut all: HashMap<usize, Vec<Cell>> = HashMap::new();
        for (number, cells) in cells.into_iter().enumerate() {
            if !cells.is_empty() {
                all.entry(self.root(Wire(number)))
                    .or_default()
                    .extend(cells);
            }
        }
        for cells in all.values() {
            self.structure.make_equal(cells);
        }
    }
}

/// Numbers and equations take rows of the same runs, each its own.
const LIMBS_OF_NUMBERS: Run = Run {
    name: "limbs of numbers",
    ..LIMBS
};
const LIMBS_OF_EQUATIONS: Run = Run {
    name: "limbs of equations",
    ..LIMBS
};

const _: () = assert!(COLUMNS == WIRES + 1);

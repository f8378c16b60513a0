//! The program of all nodes: equations between wires, hashes, a multi-scalar multiplication, and nothing that depends on
//! what a node verifies. That is in its key: which wires are equal, and constants.
//!
//! | part | wires | states |
//! |---|---|---|
//! | equations | `a, b, c, d` of each row | `a·b + d = c` |
//! | constants | one each | it is the key's |
//! | inputs | one each | it is the public input |
//! | hashes | three inputs and three outputs of each | Poseidon's permutation |
//! | multiplication | a scalar and three words of each term, three words of both sums | the sums, modulo the group's order |

use crate::base_field::LimbAxes;
use crate::hash::Permutations;
use crate::multiple::{Multiplication, Size as MultiplicationSize, SUMS};
use crate::recorder::{Recording, Source, Step};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_circuit::{
    AxisId, ColumnData, ColumnKind, Layout, LayoutError, OutOfRange, Program, Public, Registry,
    Role, Tensor, TensorId, Values,
};
use nanozk_poseidon::ELEMENTS;
use nanozk_transcript::poseidon::POINT_WORDS;
use std::collections::HashMap;
use std::sync::Arc;

/// How much a node can verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Equations, a power of two.
    pub rows: usize,
    /// Constants.
    pub constants: usize,
    /// Public inputs.
    pub inputs: usize,
    /// Permutations.
    pub permutations: usize,
    /// The multiplication.
    pub multiplication: MultiplicationSize,
}

/// A recording is too long for a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {needed} are needed, and there are {size}")]
pub struct TooLong {
    what: &'static str,
    needed: usize,
    size: usize,
}

/// A row has not the value that it should, or does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// A value has no place.
    #[error(transparent)]
    Range(#[from] OutOfRange),
}

/// The program of all nodes of a size.
#[derive(Debug)]
pub struct Machine {
    /// The program.
    pub program: Program,
    size: Size,
    /// `a, b, c, d`.
    rows: [TensorId; 4],
    constants: TensorId,
    fixed: TensorId,
    inputs: TensorId,
    hashes: Permutations,
    multiplication: Multiplication,
    scalars: TensorId,
    words: TensorId,
    results: TensorId,
}

struct Nowhere;

impl Registry for Nowhere {
    fn place(&self, _: &Tensor, _: &[usize]) -> Option<(u32, usize)> {
        None
    }
}

impl Machine {
    /// Declares the program.
    pub fn new(size: Size) -> Self {
        let p = &mut Program::new();
        let row = p.new_axis("row", size.rows);
        let rows = ["a", "b", "c", "d"].map(|name| p.new_tensor(name, &[row], Role::Wire));
        let [a, b, c, d] = rows.map(|id| p.use_of(id));
        p.zero("a·b + d = c", &[row], a * b + d - c);

        let constant = p.new_axis("constant", size.constants);
        let constants = p.new_tensor("constant", &[constant], Role::Wire);
        let fixed = p.new_tensor("constant of the key", &[constant], Role::Fixed);
        let [constant_, fixed_] = [constants, fixed].map(|id| p.use_of(id));
        p.zero("constants are the key's", &[constant], constant_ - fixed_);

        let input = p.new_axis("input", size.inputs);
        let inputs = p.new_tensor("input wire", &[input], Role::Wire);
        let given = Role::Public(Public::Inputs(0));
        let given = p.new_tensor("public input", &[input], given);
        let [input_, given] = [inputs, given].map(|id| p.use_of(id));
        p.zero("inputs are public", &[input], input_ - given);

        let hashes = Permutations::new(p, size.permutations);
        let axes = LimbAxes::new(p);
        let multiplication = Multiplication::new(p, axes, size.multiplication);
        let wires = multiplication.wires(p);
        let program = std::mem::take(p);
        Self {
            program,
            size,
            rows,
            constants,
            fixed,
            inputs,
            hashes,
            multiplication,
            scalars: wires.scalars,
            words: wires.words,
            results: wires.results,
        }
    }

    /// Places it in columns of `2^k` cells.
    pub fn layout(&self, k: u32, fractions: usize) -> Result<Layout, LayoutError> {
        Layout::new(&self.program, k, fractions, &Nowhere)
    }
}

/// What differs between nodes: constants, and which wires are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyColumns {
    /// Columns that are known, by their kind.
    pub columns: Vec<(ColumnKind, ColumnData)>,
}

/// Where the wires of a recording are.
struct Placement {
    /// For each variable or constant, the cells that have it.
    cells: HashMap<Source, Vec<(TensorId, Vec<usize>)>>,
    constants: Vec<Fr>,
    known: HashMap<[u8; 32], usize>,
}

impl Placement {
    fn put(&mut self, source: Source, tensor: TensorId, at: &[usize]) {
        self.cells
            .entry(source)
            .or_default()
            .push((tensor, at.to_vec()));
    }
}

/// A row of the machine: `a·b + d = c`.
#[derive(Clone, Copy)]
struct Row([Source; 4]);

/// Rows of equations. A product that is used once, in a sum, shares its row.
fn rows(recording: &Recording) -> Vec<Row> {
    let mut uses = vec![0_u32; recording.values.len()];
    let mut count = |source: &Source| {
        if let Source::Variable(number) = source {
            uses[*number as usize] += 1;
        }
    };
    for step in &recording.steps {
        match step {
            Step::Multiply { factors, .. } => factors.iter().for_each(&mut count),
            Step::Add { summands, result } => {
                summands.iter().for_each(&mut count);
                count(result);
            }
        }
    }
    for pair in &recording.permutations {
        pair[0].iter().for_each(&mut count);
    }
    for pair in &recording.equal {
        pair.iter().for_each(&mut count);
    }
    for (factor, _, words) in recording.sums.iter().flat_map(|sum| &sum.terms) {
        count(factor);
        words.iter().for_each(&mut count);
    }
    recording.inputs.iter().for_each(&mut count);
    // Products, by their result.
    let mut products: HashMap<u32, [Source; 2]> = HashMap::new();
    for step in &recording.steps {
        if let Step::Multiply {
            factors,
            result: Source::Variable(number),
        } = step
        {
            if uses[*number as usize] == 1 {
                products.insert(*number, *factors);
            }
        }
    }
    let mut joined = std::collections::HashSet::new();
    let (zero, one) = (Source::Constant(Fr::ZERO), Source::Constant(Fr::ONE));
    let mut rows = Vec::new();
    for step in &recording.steps {
        if let Step::Add {
            summands: [x, y],
            result,
        } = step
        {
            let product = |source: &Source| match source {
                Source::Variable(number) => products.get(number).map(|f| (*number, *f)),
                Source::Constant(_) => None,
            };
            let row = match (product(x), product(y)) {
                (Some((number, [a, b])), _) => {
                    joined.insert(number);
                    [a, b, *result, *y]
                }
                (None, Some((number, [a, b]))) => {
                    joined.insert(number);
                    [a, b, *result, *x]
                }
                (None, None) => [*x, one, *result, *y],
            };
            rows.push(Row(row));
        }
    }
    for step in &recording.steps {
        if let Step::Multiply {
            factors: [a, b],
            result,
        } = step
        {
            let is_joined = matches!(result, Source::Variable(number) if joined.contains(number));
            if !is_joined {
                rows.push(Row([*a, *b, *result, zero]));
            }
        }
    }
    // Pairs that are equal.
    for [a, b] in &recording.equal {
        rows.push(Row([*a, one, *b, zero]));
    }
    rows
}

impl Machine {
    /// The key of a recording, and values of all tensors.
    pub fn place<'a>(
        &'a self,
        layout: &'a Layout,
        recording: &Recording,
    ) -> Result<(KeyColumns, Values<'a>), PlaceError> {
        let check = |what, needed: usize, size: usize| match needed <= size {
            true => Ok(()),
            false => Err(TooLong { what, needed, size }),
        };
        let size = &self.size;
        let rows = rows(recording);
        let [first, second] = &recording.sums;
        let terms = &size.multiplication;
        check("equations", rows.len(), size.rows)?;
        check("inputs", recording.inputs.len(), size.inputs)?;
        check("hashes", recording.permutations.len(), size.permutations)?;
        check("terms of the first sum", first.terms.len(), terms.first)?;
        check(
            "terms of the second sum",
            second.terms.len(),
            terms.terms - terms.first,
        )?;

        let mut placement = Placement {
            cells: HashMap::new(),
            constants: Vec::new(),
            known: HashMap::new(),
        };
        let zero = Source::Constant(Fr::ZERO);
        for (i, row) in rows.iter().enumerate() {
            for (tensor, source) in self.rows.iter().zip(row.0) {
                placement.put(source, *tensor, &[i]);
            }
        }
        for i in 0..size.inputs {
            let source = recording.inputs.get(i).copied().unwrap_or(zero);
            placement.put(source, self.inputs, &[i]);
        }
        for (i, pair) in recording.permutations.iter().enumerate() {
            for (tensor, sources) in [self.hashes.inputs, self.hashes.outputs].iter().zip(pair) {
                for (element, source) in sources.iter().enumerate() {
                    placement.put(*source, *tensor, &[element, i]);
                }
            }
        }
        // Terms that are not used have factor zero.
        let filler = G1Affine::generator();
        let mut all: Vec<(Fr, G1Affine)> = vec![(Fr::ZERO, filler); terms.terms];
        let value = |source: &Source| match source {
            Source::Constant(value) => *value,
            Source::Variable(number) => recording.values[*number as usize],
        };
        for i in 0..terms.terms {
            let term = match i.checked_sub(terms.first) {
                None => first.terms.get(i),
                Some(i) => second.terms.get(i),
            };
            match term {
                Some((factor, point, words)) => {
                    placement.put(*factor, self.scalars, &[i]);
                    for (word, source) in words.iter().enumerate() {
                        placement.put(*source, self.words, &[word, i]);
                    }
                    all[i] = (value(factor), *point);
                }
                None => placement.put(zero, self.scalars, &[i]),
            }
        }
        for (sum, words) in recording.results.iter().flatten().enumerate() {
            for (word, source) in words.iter().enumerate() {
                placement.put(*source, self.results, &[word, sum]);
            }
        }
        // Constants last: each has one cell of its own.
        let mut constants: Vec<Fr> = placement
            .cells
            .keys()
            .filter_map(|source| match source {
                Source::Constant(value) => Some(*value),
                Source::Variable(_) => None,
            })
            .collect();
        constants.sort_unstable();
        check("constants", constants.len(), size.constants)?;
        for (i, constant) in constants.iter().enumerate() {
            placement.put(Source::Constant(*constant), self.constants, &[i]);
        }
        placement.constants = constants;

        // Values.
        let inputs: Vec<Fr> = (0..size.inputs)
            .map(|i| recording.inputs.get(i).map_or(Fr::ZERO, &value))
            .collect();
        let mut values = Values::new(&self.program, layout, inputs.clone());
        for (column, tensor) in self.rows.iter().enumerate() {
            values.fill_field(*tensor, |at| {
                rows.get(at[0])
                    .map_or(Fr::ZERO, |row| value(&row.0[column]))
            });
        }
        let constant = |i: usize| placement.constants.get(i).copied().unwrap_or(Fr::ZERO);
        values.fill_field(self.constants, |at| constant(at[0]));
        values.fill_field(self.fixed, |at| constant(at[0]));
        values.fill_field(self.inputs, |at| inputs[at[0]]);
        let hashed: Vec<[Fr; ELEMENTS]> = (0..size.permutations)
            .map(|i| match recording.permutations.get(i) {
                Some([input, _]) => input.map(|source| value(&source)),
                None => [Fr::ZERO; ELEMENTS],
            })
            .collect();
        self.hashes.fill(&mut values, &hashed);
        let results = self.multiplication.fill(&mut values, &all)?;
        values.fill_field(self.scalars, |at| all[at[0]].0);
        let words: Vec<[Fr; POINT_WORDS]> = all
            .iter()
            .map(|(_, point)| nanozk_transcript::poseidon::point_words(point))
            .collect();
        values.fill_field(self.words, |at| words[at[1]][at[0]]);
        let words: [[Fr; POINT_WORDS]; SUMS] =
            results.map(|point| nanozk_transcript::poseidon::point_words(&point));
        values.fill_field(self.results, |at| words[at[1]][at[0]]);
        values.look_up()?;

        let key = self.key(layout, &placement, &values);
        for (kind, data) in &key.columns {
            let id = layout.enumerate().find(|(_, column)| column.kind == *kind);
            if let Some((id, _)) = id {
                values.set_column(id, data.clone());
            }
        }
        Ok((key, values))
    }

    /// Constants, and cycles of equal wires.
    fn key(&self, layout: &Layout, placement: &Placement, values: &Values<'_>) -> KeyColumns {
        let k = layout.k();
        // By default each wire is equal to itself.
        let mut permutations: Vec<Vec<u32>> = layout
            .copies
            .iter()
            .zip(0_u32..)
            .map(|(lane, number)| {
                (0..lane.rows as u32)
                    .map(|row| (number << k) + row)
                    .collect()
            })
            .collect();
        let number_of = |(tensor, at): &(TensorId, Vec<usize>)| -> Option<(usize, usize)> {
            let place = values.place(*tensor, at)?;
            match layout.column(place.column).kind {
                ColumnKind::Wire(number) => Some((number as usize, place.offset)),
                _ => None,
            }
        };
        for cells in placement.cells.values() {
            let numbers: Vec<(usize, usize)> = cells.iter().filter_map(number_of).collect();
            for (i, (column, row)) in numbers.iter().enumerate() {
                let (next_column, next_row) = numbers[(i + 1) % numbers.len()];
                permutations[*column][*row] = ((next_column as u32) << k) + next_row as u32;
            }
        }
        let mut columns: Vec<(ColumnKind, ColumnData)> = permutations
            .into_iter()
            .zip(0_u32..)
            .map(|(cells, i)| (ColumnKind::Permutation(i), ColumnData::U32(Arc::new(cells))))
            .collect();
        for (id, column) in layout.enumerate() {
            if matches!(column.kind, ColumnKind::Fixed(_)) {
                columns.push((column.kind, values.column(id).clone()));
            }
        }
        KeyColumns { columns }
    }
}

/// A recording cannot be placed in a machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It is too long.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// A value does not fit its cell.
    #[error(transparent)]
    Range(#[from] OutOfRange),
}

/// The axes of a multiplication's wires.
#[derive(Clone, Copy, Debug)]
pub struct MultiplicationWires {
    /// A scalar for each term.
    pub scalars: TensorId,
    /// Words of points: an axis for the word, one for the term.
    pub words: TensorId,
    /// Words of both sums.
    pub results: TensorId,
}

impl Multiplication {
    /// Ties scalars, points and sums to wires.
    pub fn wires(&self, p: &mut Program) -> MultiplicationWires {
        let word = p.new_tiled_axis("word", POINT_WORDS, 0);
        let wires = |p: &mut Program, name: &str, axis: AxisId| {
            p.new_tensor(name, &[word, axis], Role::Wire)
        };
        let (term, sum) = (self.term, self.sum);
        let scalars = p.new_tensor("scalar", &[term], Role::Wire);
        let scalar = p.use_of(scalars);
        let digits = self.scalar(p);
        p.zero("scalars have digits", &[term], scalar - digits);
        let words = wires(p, "word of a point", term);
        let results = wires(p, "word of a sum", sum);
        for (what, tensor, axis, points) in [
            ("point", words, term, &self.points),
            ("sum", results, sum, self.results()),
        ] {
            for (i, expression) in points.words(p).into_iter().enumerate() {
                let slots = [
                    nanozk_circuit::Slot::Index(i),
                    nanozk_circuit::Slot::Axis(axis),
                ];
                let view = p.new_view(&format!("{what}: word {i}"), tensor, Fr::ONE, &slots);
                let own = p.use_of(view);
                p.zero(&format!("{what} has word {i}"), &[axis], own - expression);
            }
        }
        MultiplicationWires {
            scalars,
            words,
            results,
        }
    }
}

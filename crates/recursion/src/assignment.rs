//! From a recording to the wires of a machine: which cell has which variable, and so which cells are equal.

use crate::machine::{Machine, Size};
use crate::multiplication::SUMS;
use crate::recorder::{Recording, Source, Step, Term};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_circuit::{ColumnData, ColumnId, ColumnKind, Layout, OutOfRange, TensorId, Values};
use nanozk_poseidon::ELEMENTS;
use nanozk_transcript::poseidon::{POINT_WORDS, point_words};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A recording is too long for a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a node needs {needed} {what}, and has {size}")]
pub struct TooLong {
    /// Of what.
    pub what: &'static str,
    /// How many the recording has.
    pub needed: usize,
    /// How many a machine has.
    pub size: usize,
}

/// A cell of a tensor of wires.
type Cell = (TensorId, Vec<usize>);

/// A row of equations, `a·b + d = c`: what stands in `a, b, c, d`.
type Row = [Source; 4];

/// A recording in the cells of a machine.
#[derive(Debug)]
pub struct Assignment<'a> {
    machine: &'a Machine,
    recording: &'a Recording,
    rows: Vec<Row>,
    /// For each term of the machine, that of the recording.
    terms: Vec<Option<&'a Term>>,
    constants: Vec<Fr>,
    /// For each variable or constant, the cells that have it.
    cells: BTreeMap<Source, Vec<Cell>>,
}

impl<'a> Assignment<'a> {
    /// Gives each part of a recording a place. It depends on the recording's structure only, not on values of variables.
    pub fn new(machine: &'a Machine, recording: &'a Recording) -> Result<Self, TooLong> {
        let size = machine.size();
        let rows = rows(recording);
        let terms = terms(&size, recording)?;
        let check = |what, needed: usize, size: usize| match needed <= size {
            true => Ok(()),
            false => Err(TooLong { what, needed, size }),
        };
        check("equations", rows.len(), size.rows)?;
        check("public inputs", recording.inputs.len(), size.inputs)?;
        check(
            "permutations",
            recording.permutations.len(),
            size.permutations,
        )?;

        let mut cells: BTreeMap<Source, Vec<Cell>> = BTreeMap::new();
        let mut put = |source: Source, tensor: TensorId, at: &[usize]| {
            cells.entry(source).or_default().push((tensor, at.to_vec()));
        };
        let zero = Source::Constant(Fr::ZERO);
        for (i, row) in rows.iter().enumerate() {
            for (tensor, source) in machine.rows.iter().zip(row) {
                put(*source, *tensor, &[i]);
            }
        }
        for i in 0..size.inputs {
            let source = recording.inputs.get(i).copied().unwrap_or(zero);
            put(source, machine.inputs, &[i]);
        }
        let hashes = &machine.hashes;
        for (i, pair) in recording.permutations.iter().enumerate() {
            for (tensor, sources) in [hashes.inputs, hashes.outputs].iter().zip(pair) {
                for (element, source) in sources.iter().enumerate() {
                    put(*source, *tensor, &[element, i]);
                }
            }
        }
        let wires = &machine.wires;
        for (i, term) in terms.iter().enumerate() {
            // What is no term has factor zero; its point is the prover's.
            put(term.map_or(zero, |term| term.factor), wires.scalars, &[i]);
            for (word, source) in term.iter().flat_map(|term| term.words).enumerate() {
                put(source, wires.words, &[word, i]);
            }
        }
        for (sum, words) in recording.results.iter().flatten().enumerate() {
            for (word, source) in words.iter().enumerate() {
                put(*source, wires.results, &[word, sum]);
            }
        }
        // Each constant has one cell that is fixed.
        let is_constant = |source: &Source| match source {
            Source::Constant(value) => Some(*value),
            Source::Variable(_) => None,
        };
        let constants: Vec<Fr> = cells.keys().filter_map(is_constant).collect();
        check("constants", constants.len(), size.constants)?;
        for (i, constant) in constants.iter().enumerate() {
            let own = cells.entry(Source::Constant(*constant)).or_default();
            own.push((machine.constants, vec![i]));
        }
        Ok(Self {
            machine,
            recording,
            rows,
            terms,
            constants,
            cells,
        })
    }

    /// Columns that a key commits to: constants, and cycles of equal wires.
    pub fn key_columns(&self, layout: &Layout) -> Vec<(ColumnId, ColumnData)> {
        let k = layout.k();
        let mut values = Values::new(&self.machine.program, layout, Vec::new());
        let constant = |i: usize| self.constants.get(i).copied().unwrap_or(Fr::ZERO);
        values.fill_field(self.machine.fixed, |at| constant(at[0]));
        let wire = |column: usize, row: usize| {
            u32::try_from((column << k) + row).expect("fewer than 2^32 wires")
        };
        // A wire that is no variable's is equal to itself.
        let mut permutations: Vec<Vec<u32>> = (0..)
            .zip(&layout.copies)
            .map(|(number, lane)| (0..lane.rows).map(|row| wire(number, row)).collect())
            .collect();
        let place = |(tensor, at): &Cell| -> Option<(usize, usize)> {
            let place = values.place(*tensor, at)?;
            match layout.column(place.column).kind {
                ColumnKind::Wire(number) => Some((number as usize, place.offset)),
                _ => None,
            }
        };
        for cells in self.cells.values() {
            let places: Vec<(usize, usize)> = cells.iter().filter_map(place).collect();
            let next = places.iter().cycle().skip(1);
            for ((column, row), (next_column, next_row)) in places.iter().zip(next) {
                permutations[*column][*row] = wire(*next_column, *next_row);
            }
        }
        let permutations = layout
            .copies
            .iter()
            .zip(permutations)
            .map(|(lane, cells)| (lane.permutation, ColumnData::U32(Arc::new(cells))));
        let fixed = layout
            .enumerate()
            .filter(|(_, column)| matches!(column.kind, ColumnKind::Fixed(_)))
            .map(|(id, _)| (id, values.column(id).clone()));
        permutations.chain(fixed).collect()
    }

    /// Values of all tensors.
    pub fn values<'v>(&self, layout: &'v Layout) -> Result<Values<'v>, OutOfRange>
    where
        'a: 'v,
    {
        let (machine, recording) = (self.machine, self.recording);
        let size = machine.size();
        let value = |source: &Source| recording.value(source);
        let mut inputs = recording.input_values();
        inputs.resize(size.inputs, Fr::ZERO);
        let mut values = Values::new(&machine.program, layout, inputs.clone());
        for (column, tensor) in machine.rows.iter().enumerate() {
            let row = |i: usize| self.rows.get(i).map_or(Fr::ZERO, |row| value(&row[column]));
            values.fill_field(*tensor, |at| row(at[0]));
        }
        let constant = |i: usize| self.constants.get(i).copied().unwrap_or(Fr::ZERO);
        values.fill_field(machine.constants, |at| constant(at[0]));
        values.fill_field(machine.inputs, |at| inputs[at[0]]);
        let hashed: Vec<[Fr; ELEMENTS]> = (0..size.permutations)
            .map(|i| match recording.permutations.get(i) {
                Some([input, _]) => input.map(|source| value(&source)),
                None => [Fr::ZERO; ELEMENTS],
            })
            .collect();
        machine.hashes.fill(&mut values, &hashed);

        let filler = (Fr::ZERO, G1Affine::generator());
        let terms: Vec<(Fr, G1Affine)> = self
            .terms
            .iter()
            .map(|term| term.map_or(filler, |term| (value(&term.factor), term.point)))
            .collect();
        let results = machine.multiplication.fill(&mut values, &terms)?;
        let words: Vec<[Fr; POINT_WORDS]> = terms.iter().map(|t| point_words(&t.1)).collect();
        let sums: [[Fr; POINT_WORDS]; SUMS] = results.map(|point| point_words(&point));
        let wires = &machine.wires;
        values.fill_field(wires.scalars, |at| terms[at[0]].0);
        values.fill_field(wires.words, |at| words[at[1]][at[0]]);
        values.fill_field(wires.results, |at| sums[at[1]][at[0]]);
        values.look_up()?;
        for (id, data) in self.key_columns(layout) {
            values.set_column(id, data);
        }
        Ok(values)
    }
}

/// The terms of a machine: those of the first sum, then those of the second.
fn terms<'a>(size: &Size, recording: &'a Recording) -> Result<Vec<Option<&'a Term>>, TooLong> {
    let sizes = size.multiplication;
    let own = [sizes.first, sizes.terms - sizes.first];
    let names = ["terms of the first sum", "terms of the second sum"];
    let mut all = Vec::with_capacity(sizes.terms);
    for ((terms, size), what) in recording.terms.iter().zip(own).zip(names) {
        let needed = terms.len();
        if needed > size {
            return Err(TooLong { what, needed, size });
        }
        all.extend(terms.iter().map(Some));
        all.resize(all.len() + size - needed, None);
    }
    Ok(all)
}

/// Rows of equations. A product that is used once, as a summand, shares the sum's row.
fn rows(recording: &Recording) -> Vec<Row> {
    let occurrences = recording.occurrences();
    let mut products: BTreeMap<u32, [Source; 2]> = BTreeMap::new();
    for step in &recording.steps {
        if let Step::Multiply {
            factors,
            result: Source::Variable(number),
        } = step
        {
            // Stated once, read once.
            if occurrences[*number as usize] == 2 {
                products.insert(*number, *factors);
            }
        }
    }
    let product = |source: &Source| match source {
        Source::Variable(number) => products.get(number).map(|factors| (*number, *factors)),
        Source::Constant(_) => None,
    };
    let (zero, one) = (Source::Constant(Fr::ZERO), Source::Constant(Fr::ONE));
    let mut joined = BTreeSet::new();
    let mut rows = Vec::with_capacity(recording.steps.len());
    for step in &recording.steps {
        let Step::Add {
            summands: [x, y],
            result,
        } = step
        else {
            continue;
        };
        let (other, found) = match (product(x), product(y)) {
            (Some(found), _) => (y, Some(found)),
            (None, found) => (x, found),
        };
        rows.push(match found {
            Some((number, [a, b])) => {
                joined.insert(number);
                [a, b, *result, *other]
            }
            None => [*x, one, *result, *y],
        });
    }
    for step in &recording.steps {
        if let Step::Multiply {
            factors: [a, b],
            result,
        } = step
        {
            let is_joined = matches!(result, Source::Variable(number) if joined.contains(number));
            if !is_joined {
                rows.push([*a, *b, *result, zero]);
            }
        }
    }
    rows.extend(recording.equal.iter().map(|[a, b]| [*a, one, *b, zero]));
    rows
}

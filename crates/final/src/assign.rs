//! A recording's rows.

use crate::assembly::{Assembly, TooLong, Usage, Wire};
use crate::circuit::{Circuit, Columns, Structure};
use crate::gates;
use crate::group::{multiply, point, state_words};
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_recursion::recorder::{Recording, Source, Step, Term};
use std::collections::{HashMap, HashSet};

/// A recording as rows of the final circuit. The structure depends on what was recorded, but on no values.
#[derive(Debug)]
pub struct Assignment {
    /// The fixed column and the equal cells.
    pub structure: Structure,
    /// Cells.
    pub columns: Columns,
    /// Public inputs.
    pub inputs: Vec<Fr>,
    /// Rows by their kinds.
    pub usage: Vec<Usage>,
}

/// The gates of the final circuit.
pub fn circuit() -> Circuit {
    gates::circuit()
}

struct Wires {
    variables: Vec<Wire>,
}

impl Wires {
    fn of(&self, rows: &mut Assembly, source: &Source) -> Wire {
        match source {
            Source::Constant(value) => rows.constant(*value),
            Source::Variable(number) => self.variables[*number as usize],
        }
    }
}

/// Steps as rows `a·b + κ·d + e = c`. A product, or a product with a summand, that is read once, in a sum, shares its row.
fn steps(rows: &mut Assembly, wires: &Wires, recording: &Recording) {
    let occurrences = recording.occurrences();
    // What a result that only one later sum reads is, so far: a product, and a summand.
    let mut open: HashMap<u32, ([Source; 2], Option<Source>)> = HashMap::new();
    let mut order = Vec::new();
    let mut joined = HashSet::new();
    let is_read_once = |source: &Source| match source {
        // Stated once, read once.
        Source::Variable(number) if occurrences[*number as usize] == 2 => Some(*number),
        _ => None,
    };
    let mut sums = Vec::new();
    for step in &recording.steps {
        match step {
            Step::Multiply { factors, result } => match is_read_once(result) {
                Some(number) => {
                    open.insert(number, (*factors, None));
                    order.push((number, *result));
                }
                None => {
                    let [a, b] = factors.map(|source| wires.of(rows, &source));
                    let result = wires.of(rows, result);
                    rows.state(Some([a, b]), None, None, result);
                }
            },
            Step::Add {
                summands: [x, y],
                result,
            } => sums.push([*x, *y, *result]),
        }
    }
    for [x, y, result] in sums {
        let mut take = |source: &Source| -> Option<([Source; 2], Option<Source>)> {
            let number = is_read_once(source)?;
            let found = open.remove(&number)?;
            joined.insert(number);
            Some(found)
        };
        let (found, other) = match take(&x) {
            Some(found) => (Some(found), y),
            None => match take(&y) {
                Some(found) => (Some(found), x),
                None => (None, y),
            },
        };
        match found {
            // A difference's row says what the first operand is, which may be a product that is still open.
            Some((factors, None)) => match is_read_once(&result) {
                Some(number) if !open.contains_key(&number) => {
                    open.insert(number, (factors, Some(other)));
                    order.push((number, result));
                }
                _ => {
                    let product = factors.map(|source| wires.of(rows, &source));
                    let other = wires.of(rows, &other);
                    let result = wires.of(rows, &result);
                    rows.state(Some(product), None, Some(other), result);
                }
            },
            Some((factors, Some(summand))) => {
                let product = factors.map(|source| wires.of(rows, &source));
                let [summand, other, result] =
                    [summand, other, result].map(|source| wires.of(rows, &source));
                rows.state(Some(product), Some((Fr::ONE, summand)), Some(other), result);
            }
            None => {
                let [x, y, result] = [x, y, result].map(|source| wires.of(rows, &source));
                rows.state(None, Some((Fr::ONE, x)), Some(y), result);
            }
        }
    }
    for (number, result) in order {
        if joined.contains(&number) {
            continue;
        }
        if let Some((factors, summand)) = open.remove(&number) {
            let product = factors.map(|source| wires.of(rows, &source));
            let summand = summand.map(|source| wires.of(rows, &source));
            let result = wires.of(rows, &result);
            rows.state(Some(product), None, summand, result);
        }
    }
}

/// Assigns a recording to rows.
pub fn assign(recording: &Recording) -> Result<Assignment, TooLong> {
    let mut assembly = Assembly::new(recording.inputs.len());
    let rows = &mut assembly;
    let variables = recording.values.iter().map(|value| rows.wire(*value));
    let wires = Wires {
        variables: variables.collect(),
    };
    for input in &recording.inputs {
        let wire = wires.of(rows, input);
        rows.input(wire);
    }
    steps(rows, &wires, recording);
    for [input, output] in &recording.permutations {
        let state = input.map(|source| wires.of(rows, &source));
        let result = rows.permutation(state);
        for (result, output) in result.into_iter().zip(output) {
            let output = wires.of(rows, output);
            rows.make_equal(result, output);
        }
    }
    for pair in &recording.equal {
        let [x, y] = pair.map(|source| wires.of(rows, &source));
        rows.make_equal(x, y);
    }
    let sums = recording.terms.each_ref().map(|terms| {
        let term = |term: &Term| {
            let point = point(rows, term.point);
            let words = term.words.map(|word| wires.of(rows, &word));
            state_words(rows, &point, words);
            let is_once = matches!(term.factor, Source::Constant(factor) if factor == Fr::ONE);
            let factor = (!is_once).then(|| wires.of(rows, &term.factor));
            (factor, point)
        };
        terms.iter().map(term).collect()
    });
    if let Some(results) = &recording.results {
        for (sum, words) in multiply(rows, sums).iter().zip(results) {
            let words = words.map(|word| wires.of(rows, &word));
            state_words(rows, sum, words);
        }
    }
    let inputs = recording.input_values();
    let (structure, columns, usage) = assembly.finish()?;
    Ok(Assignment {
        structure,
        columns,
        inputs,
        usage,
    })
}

#[cfg(test)]
mod tests;

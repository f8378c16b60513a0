//! The circuit changes only on purpose: the contract `FinalVerifier` states the same gates.
//!
//! `test/golden/final.txt` has each gate and each lookup: its rows in a block, how many constraints or fractions it has, their
//! degree, and their values at a random place. After a change that is meant, run
//! `NANOZK_UPDATE_GOLDEN=1 cargo test -p nanozk-final --lib gates`, which writes the file and fails.

use super::*;
use crate::circuit::{COLUMNS, SEPARATORS, Separators, WIRES};
use crate::forms::Form;
use halo2curves::ff::PrimeField;
use std::fmt::Write;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/golden/final.txt");
const UPDATE: &str = "NANOZK_UPDATE_GOLDEN";

/// Rows as ranges.
fn ranges(residues: &[usize]) -> String {
    let mut sorted = residues.to_vec();
    sorted.sort_unstable();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for residue in sorted {
        match ranges.last_mut() {
            Some(last) if last.end == residue => last.end += 1,
            _ => ranges.push(residue..residue + 1),
        }
    }
    let range = |range: &Range<usize>| match range.len() {
        1 => range.start.to_string(),
        _ => format!("{}-{}", range.start, range.end - 1),
    };
    ranges.iter().map(range).collect::<Vec<_>>().join(",")
}

/// A number that nobody chose.
fn number(seed: u64) -> Fr {
    Fr::from(seed + 0x1234_5678).pow_vartime([77])
}

fn hex(x: &Fr) -> String {
    let mut bytes = x.to_repr();
    bytes.as_mut().reverse();
    bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn place() -> (Cells, Separators) {
    let columns = |first: u64| std::array::from_fn::<_, COLUMNS, _>(|i| number(first + i as u64));
    let cells = Cells::new(columns(0).into(), columns(100).into(), number(200));
    let separators = Separators {
        shift: number(300),
        powers: std::array::from_fn::<_, SEPARATORS, _>(|i| number(400 + i as u64)),
    };
    (cells, separators)
}

/// Values, with the powers of a number.
fn fingerprint(values: impl IntoIterator<Item = Fr>) -> String {
    let sum = values
        .into_iter()
        .fold(Fr::ZERO, |sum, x| sum * number(500) + x);
    hex(&sum)[..16].to_owned()
}

fn list() -> String {
    let circuit = circuit();
    let (cells, separators) = place();
    let mut text = format!(
        "rows 2^{K}\nperiod {}\ncolumns {COLUMNS}\nwires {WIRES}\ninput {}\nrandom {}\n",
        circuit.period, circuit.input_residue, circuit.random_residue
    );
    for gate in &circuit.gates {
        let values = (gate.constraints)(&cells);
        writeln!(
            text,
            "gate {:?} rows {} constraints {} degree {} at {}",
            gate.name,
            ranges(&gate.residues),
            gate.count,
            gate.degree,
            fingerprint(values[..gate.count].iter().copied())
        )
        .unwrap();
    }
    for lookup in &circuit.lookups {
        let fractions = (lookup.fractions)(&cells, &separators);
        let numbers = fractions[..lookup.count].iter();
        writeln!(
            text,
            "lookup {:?} rows {} fractions {} at {}",
            lookup.name,
            ranges(&lookup.residues),
            lookup.count,
            fingerprint(numbers.flat_map(|f| [f.numerator, f.denominator]))
        )
        .unwrap();
    }
    text
}

#[test]
fn gates_are_those_of_the_golden_file() {
    let found = list();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(FILE, &found).unwrap();
        panic!("{FILE} is written");
    }
    let golden = std::fs::read_to_string(FILE).unwrap();
    assert_eq!(
        golden, found,
        "the final circuit is another, so no final proof of before is accepted any more, and the contract must state the \
         same. If that is meant: set {UPDATE}, and say in CHANGELOG.md, under \"Verifying keys\", what is new"
    );
}

/// Degrees are what the prover's quotient goes by: no gate has a higher one than it says, none reads what it must not.
#[test]
fn degrees_are_those_of_the_gates() {
    let circuit = circuit();
    for gate in &circuit.gates {
        // The degree of a polynomial in one variable, along a random line, by differences: of order d + 1 they are zero.
        let at = |t: u64| {
            let cell = |i: u64| number(i) + Fr::from(t) * number(1000 + i);
            let columns =
                |first: u64| std::array::from_fn::<_, COLUMNS, _>(|i| cell(first + i as u64));
            let cells = Cells::new(columns(0).into(), columns(100).into(), cell(200));
            (gate.constraints)(&cells)
        };
        let mut degree = 0;
        for constraint in 0..gate.count {
            let mut values: Vec<Fr> = (0..8).map(|t| at(t)[constraint]).collect();
            let mut own = 0;
            for order in 1..8 {
                values = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
                if values.iter().any(|x| *x != Fr::ZERO) {
                    own = order;
                }
            }
            degree = degree.max(own);
            // In fifth powers as variables it is a form, which a prover takes it to be.
            let form = Form::new(|cells| (gate.constraints)(cells)[constraint]);
            let reads_fifths = form.reads_fifths();
            assert_eq!(reads_fifths, gate.degree > QUADRATIC, "{}", gate.name);
        }
        assert_eq!(degree, gate.degree, "{}", gate.name);
        // What is not counted is not stated.
        let values = at(3);
        assert!(values[..gate.count].iter().all(|x| *x != Fr::ZERO));
        assert!(values[gate.count..].iter().all(|x| *x == Fr::ZERO));
    }
}

/// No row is of two kinds that would share cells: each residue has at most one lookup, and input and random rows have none.
#[test]
fn each_row_is_of_one_kind() {
    let circuit = circuit();
    for residue in 0..circuit.period {
        let lookups = circuit.lookups.iter();
        let lookups = lookups.filter(|lookup| lookup.residues.contains(&residue));
        assert!(lookups.clone().count() <= 1, "{residue}");
        // Nothing is read of a random row: not by the row before it, either.
        let reads_next = (residue + 1) % circuit.period == circuit.random_residue;
        if residue == circuit.random_residue || reads_next {
            let gates = circuit.gates.iter();
            let gates = gates.filter(|gate| gate.residues.contains(&residue));
            assert_eq!(gates.count() + lookups.count(), 0, "{residue}");
        }
    }
    let repeated = circuit.gates.iter().any(|gate| {
        let mut residues = gate.residues.clone();
        residues.sort_unstable();
        residues.windows(2).any(|pair| pair[0] == pair[1])
    });
    assert!(!repeated);
}

//! The machine of nodes: what it states, through the checker and through proofs.

mod common;

use common::{rng, setup, small, Inputs, K, TINY};
use halo2curves::bn256::{Fr, G1Affine, G1};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use nanozk_argument::{commit, prove, prove_unchecked, verify, Known, Stage, Statement};
use nanozk_circuit::{ColumnData, Layout, Role, Values};
use nanozk_recursion::assignment::Assignment;
use nanozk_recursion::machine::Machine;
use nanozk_recursion::recorder::{Recording, Source};
use nanozk_transcript::RecursionTranscript;

struct Case {
    machine: Machine,
    layout: Layout,
    recording: Recording,
}

impl Case {
    fn new() -> Self {
        let machine = Machine::new(TINY);
        let layout = machine.layout(K, 4).unwrap();
        let recording = small(&Inputs::new(1));
        Self {
            machine,
            layout,
            recording,
        }
    }

    fn values(&self) -> Values<'_> {
        self.of(&self.recording)
    }

    fn of<'a>(&'a self, recording: &'a Recording) -> Values<'a> {
        let assignment = Assignment::new(&self.machine, recording).unwrap();
        assignment.values(&self.layout).unwrap()
    }

    /// Commitments of the recording's key.
    fn known(&self) -> Known {
        let assignment = Assignment::new(&self.machine, &self.recording).unwrap();
        let columns = assignment.key_columns(&self.layout).into_iter();
        let commit = |(id, data)| (id, commit(&setup().0, &data, K, &[]));
        Known::unchecked(columns.map(commit).collect())
    }

    /// Whether a prover that does not check what it proves can prove these values.
    fn proves(&self, mut values: Values<'_>, inputs: &[Fr]) -> bool {
        let known = self.known();
        let statement = Statement {
            program: &self.machine.program,
            layout: &self.layout,
            inputs,
            known: &known,
        };
        // Counts of limbs are right; what is in no table cannot be counted.
        let _ = values.look_up();
        let mut transcript = RecursionTranscript::new();
        let quiet = |_: Stage, _: &mut Values<'_>, _: &[Fr]| {};
        let proof = prove_unchecked(
            &statement,
            values,
            &setup().0,
            &mut rng(),
            &mut transcript,
            quiet,
        );
        let Ok(proof) = proof else { return false };
        let accepted = verify(&statement, &proof, &mut RecursionTranscript::new());
        accepted.is_ok_and(|accumulator| accumulator.holds(&setup().1))
    }
}

#[test]
fn what_was_recorded_is_proved() {
    let case = Case::new();
    let values = case.values();
    assert_eq!(case.machine.program.failures(&values), Vec::new());
    let inputs = values.inputs().to_vec();
    let known = case.known();
    let statement = Statement {
        program: &case.machine.program,
        layout: &case.layout,
        inputs: &inputs,
        known: &known,
    };
    let mut transcript = RecursionTranscript::new();
    let proof = prove(
        &statement,
        values.clone(),
        &setup().0,
        &mut rng(),
        &mut transcript,
        |_| {},
    )
    .unwrap();
    let accepts = |inputs: &[Fr]| {
        let statement = Statement {
            inputs,
            ..statement
        };
        verify(&statement, &proof, &mut RecursionTranscript::new())
            .is_ok_and(|accumulator| accumulator.holds(&setup().1))
    };
    assert!(accepts(&inputs));
    for i in 0..inputs.len() {
        let mut other = inputs.clone();
        other[i] += Fr::ONE;
        assert!(!accepts(&other), "input {i}");
    }
    assert!(case.proves(values, &inputs));
}

/// Sums are those that the curve's library computes.
#[test]
fn sums_are_the_curves() {
    let recording = small(&Inputs::new(1));
    let value = |source: &Source| match source {
        Source::Constant(value) => *value,
        Source::Variable(number) => recording.values[*number as usize],
    };
    let mut sum = G1::default();
    for (terms, words) in recording.terms.iter().zip(recording.results.unwrap()) {
        for term in terms {
            sum += term.point * value(&term.factor);
        }
        let words = words.map(|word| value(&word));
        let point: G1Affine = nanozk_transcript::poseidon::point_of_words(&words).unwrap();
        assert_eq!(point, sum.to_affine());
    }
}

/// A key says what is computed, not of what.
#[test]
fn a_key_does_not_depend_on_values() {
    let case = Case::new();
    let key = |recording: &Recording| {
        Assignment::new(&case.machine, recording)
            .unwrap()
            .key_columns(&case.layout)
    };
    assert_eq!(key(&case.recording), key(&small(&Inputs::new(2))));
    let mut other = small(&Inputs::new(2));
    other.equal.pop();
    assert_ne!(key(&case.recording), key(&other));
}

/// Whatever variable has another value, something does not hold; but for those that no cell has, such as products that are joined
/// with a sum in one row, or that are computed anew, such as hashes and sums of multiples.
#[test]
fn every_variable_is_determined() {
    let case = Case::new();
    let honest = case.values();
    let columns = |values: &Values<'_>| -> Vec<ColumnData> {
        let ids = case.layout.enumerate();
        ids.map(|(id, _)| values.column(id).clone()).collect()
    };
    let mut without_cell = 0;
    for variable in 0..case.recording.values.len() {
        let mut recording = small(&Inputs::new(1));
        recording.values[variable] += Fr::ONE;
        let values = case.of(&recording);
        if columns(&values) == columns(&honest) {
            without_cell += 1;
            continue;
        }
        let failures = case.machine.program.failures(&values);
        assert!(
            !failures.is_empty(),
            "variable {variable} can have another value"
        );
    }
    assert!(2 * without_cell < case.recording.values.len());
}

/// Tensors that the recording does not fill, so that some of their cells are free.
const PARTLY_FREE: [&str; 4] = ["a", "b", "c", "d"];

/// Whatever cell is changed, something does not hold: the first, the last, and some in between of each tensor.
#[test]
fn every_cell_counts() {
    let case = Case::new();
    let p = &case.machine.program;
    let honest = case.values();
    for (id, tensor) in p.enumerate() {
        if !tensor.is_committed() || PARTLY_FREE.contains(&tensor.name.as_str()) {
            continue;
        }
        let lengths: Vec<usize> = p.axes_of(id).map(|axis| axis.len).collect();
        for part in 0..3 {
            let indices: Vec<usize> = lengths.iter().map(|len| (len - 1) * part / 2).collect();
            let cell = honest.get(id, &indices);
            let mut values = honest.clone();
            let place = values.place(id, &indices).unwrap();
            // Within the range of the tensor's limbs, if it has one.
            match tensor.role {
                Role::Limb { .. } => {
                    let changed = if cell == Fr::ZERO { 1 } else { 0 };
                    assert!(values.set(id, &indices, changed));
                }
                _ => values
                    .column_mut(place.column)
                    .set_field(place.offset, cell + Fr::ONE),
            }
            let failures = p.failures_about(&values, id);
            let is_copied = tensor.role == Role::Wire && !p.copies_hold(&values);
            let is_free = failures.is_empty() && !is_copied;
            assert!(!is_free, "{} {indices:?} is free", tensor.name);
        }
    }
}

/// Of each kind of statement, what only it refuses is refused by a verifier, too.
#[test]
fn false_witnesses_are_not_proved() {
    let case = Case::new();
    let p = &case.machine.program;
    let honest = case.values();
    let inputs = honest.inputs().to_vec();
    let mut copies = 0;
    for (name, indices) in [
        ("a", vec![0]),
        ("constant", vec![1]),
        ("input wire", vec![0]),
        ("input", vec![1, 0]),
        ("state", vec![0, 1, 30]),
        ("scalar", vec![0]),
        ("word of a point", vec![1, 0]),
        ("digit", vec![3, 2, 1]),
        ("window: slope", vec![5, 3, 0, 0]),
        ("window: inverse", vec![5, 3]),
        ("odd multiple: sum: x", vec![2, 3, 1, 1]),
        ("sum so far: slope: quotient", vec![0, 9, 1, 2]),
        ("result: y: carries", vec![1, 0, 1]),
        ("the point is on the curve: quotient", vec![2, 0, 0]),
    ] {
        let id = p
            .named(name)
            .unwrap_or_else(|| panic!("there is no {name}"));
        let mut values = honest.clone();
        let cell = values.get(id, &indices);
        let place = values.place(id, &indices).unwrap();
        if !values.set(id, &indices, i128::from(cell == Fr::ZERO)) {
            values
                .column_mut(place.column)
                .set_field(place.offset, cell + Fr::ONE);
        }
        copies += usize::from(!p.copies_hold(&values));
        assert!(!case.proves(values, &inputs), "{name} {indices:?}");
    }
    // Wires that nothing else would refuse.
    assert!(copies >= 4, "{copies}");
}

/// What a machine has no room for is an error that says what.
#[test]
fn long_recordings_are_refused() {
    let case = Case::new();
    let refused = |change: &dyn Fn(&mut Recording)| {
        let mut recording = small(&Inputs::new(1));
        change(&mut recording);
        Assignment::new(&case.machine, &recording)
            .unwrap_err()
            .to_string()
    };
    let many = |r: &mut Recording| {
        let pair = r.equal[0];
        r.equal.resize(1000, pair);
    };
    let found = [
        refused(&many),
        refused(&|r| r.inputs.resize(9, r.inputs[0])),
        refused(&|r| r.permutations.resize(5, r.permutations[0])),
        refused(&|r| r.terms[0].resize(7, r.terms[0][0])),
        refused(&|r| r.terms[1].resize(3, r.terms[1][0])),
    ];
    let expected = [
        "equations, and has 64",
        "9 public inputs, and has 8",
        "5 permutations, and has 4",
        "7 terms of the first sum, and has 6",
        "3 terms of the second sum, and has 2",
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{found}");
    }
}

//! The machine of nodes: what it states, through the checker and through proofs.

mod common;

use common::{Inputs, K, TINY, rng, setup, small};
use halo2curves::CurveExt;
use halo2curves::bn256::{Fr, G1, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use nanozk_argument::{Known, Stage, Statement, commit, prove, prove_unchecked, verify};
use nanozk_circuit::{ColumnData, Failure, Layout, Role, Values};
use nanozk_recursion::assignment::Assignment;
use nanozk_recursion::machine::{Machine, Size};
use nanozk_recursion::multiplication::expected;
use nanozk_recursion::recorder::{Recorder, Recording, Source, Wire, WirePoint, WireTranscript};
use nanozk_transcript::{Element, RecursionTranscript, Transcript};

struct Case {
    machine: Machine,
    layout: Layout,
    recording: Recording,
}

impl Case {
    fn new() -> Self {
        Self::of_size(TINY)
    }

    fn of_size(size: Size) -> Self {
        let machine = Machine::new(size);
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
    // Nor does a prover have another proof for other inputs.
    let mut other = inputs.clone();
    other[0] += Fr::ONE;
    assert!(!case.proves(values.clone(), &other));
    assert!(case.proves(values, &inputs));
}

/// Wires that one column has no room for are tied to those in others, as in nodes.
#[test]
fn wires_of_several_columns_are_tied() {
    let rows = 1 << (K - 2);
    let case = Case::of_size(Size { rows, ..TINY });
    assert!(case.layout.copies.len() > 1);
    let values = case.values();
    let inputs = values.inputs().to_vec();
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
    for (terms, words) in recording.terms.iter().zip(recording.results.unwrap()) {
        let mut sum = G1::default();
        for term in terms {
            sum += term.point * value(&term.factor);
        }
        let words = words.map(|word| value(&word));
        let point: G1Affine = nanozk_transcript::poseidon::point_of_words(&words).unwrap();
        assert_eq!(point, sum.to_affine());
    }
}

/// The machine's sums are those that were recorded, and those of multiples computed natively.
#[test]
fn sums_of_the_machine_are_those_recorded() {
    let case = Case::new();
    let (values, p) = (case.values(), &case.machine.program);
    let recording = &case.recording;
    let words = p.named("word of a sum").unwrap();
    for (sum, own) in recording.results.iter().flatten().enumerate() {
        for (word, source) in own.iter().enumerate() {
            assert_eq!(values.get(words, &[word, sum]), recording.value(source));
        }
    }
    let [first, second] = &recording.terms;
    let terms: Vec<(Fr, G1Affine)> = first
        .iter()
        .chain(second)
        .map(|term| (recording.value(&term.factor), term.point))
        .collect();
    for (point, own) in expected(&terms, first.len())
        .iter()
        .zip(recording.results.iter().flatten())
    {
        let own = own.map(|source| recording.value(&source));
        assert_eq!(nanozk_transcript::poseidon::point_words(point), own);
    }
}

/// A machine of one recording, whose key that of another may be.
struct Forged {
    machine: Machine,
    layout: Layout,
}

impl Forged {
    fn new() -> Self {
        let machine = Machine::new(TINY);
        let layout = machine.layout(K, 4).unwrap();
        Self { machine, layout }
    }

    /// What does not hold of values with the key of a recording.
    fn failures(&self, key: &Recording, recording: &Recording) -> Vec<Failure> {
        let columns = Assignment::new(&self.machine, key)
            .unwrap()
            .key_columns(&self.layout);
        let assignment = Assignment::new(&self.machine, recording).unwrap();
        let mut values = assignment.values(&self.layout).unwrap();
        for (id, data) in columns {
            values.set_column(id, data);
        }
        // Cells that are the key's constants could be set to them.
        let p = &self.machine.program;
        let [constant, fixed] = ["constant", "constant of the key"].map(|n| p.named(n).unwrap());
        let cells: Vec<Fr> = (0..TINY.constants)
            .map(|i| values.get(fixed, &[i]))
            .collect();
        values.fill_field(constant, |at| cells[at[0]]);
        p.failures(&values)
    }

    fn refuses(&self, key: &Recording, recording: &Recording) -> bool {
        !self.failures(key, recording).is_empty()
    }
}

fn recorded(f: impl for<'r> FnOnce(&'r Recorder)) -> Recording {
    let recorder = Recorder::default();
    f(&recorder);
    recorder.finish()
}

/// Sums of something: a machine has none that are at infinity.
fn multiply(r: &Recorder) {
    let (factor, point) = (r.witness(Fr::from(1000)), r.point(common::point(1)));
    r.multiply([&[(factor, point)], &[(Wire::one(), second())]]);
}

/// Constants of equations are the key's.
#[test]
fn constants_are_the_keys() {
    let times = |factor: u64| {
        recorded(|r| {
            let x = r.witness(Fr::from(3));
            r.declare_input(x * Wire::constant(Fr::from(factor)));
            multiply(r);
        })
    };
    let forged = Forged::new();
    assert!(!forged.refuses(&times(5), &times(5)));
    assert!(forged.refuses(&times(5), &times(7)));
}

/// Terms that a recording does not have add nothing to the sums.
#[test]
fn unused_terms_have_factor_zero() {
    let forged = Forged::new();
    let honest = small(&Inputs::new(1));
    assert!(!forged.refuses(&honest, &honest));
    for sum in 0..2 {
        let mut more = small(&Inputs::new(1));
        // A factor that is not zero, and a point of which no word is tied to anything.
        let mut term = more.terms[0][1];
        more.terms[sum].truncate(TINY.multiplication.terms - TINY.multiplication.first - 1);
        let key = Recording {
            terms: more.terms.clone(),
            ..small(&Inputs::new(1))
        };
        assert!(!forged.refuses(&key, &key));
        for word in &mut term.words {
            more.values.push(more.value(word));
            *word = Source::Variable(more.values.len() as u32 - 1);
        }
        more.terms[sum].push(term);
        assert!(forged.refuses(&key, &more), "sum {sum}");
    }
}

/// A term of the second sum: no machine says a sum at infinity.
fn second<'r>() -> WirePoint<'r> {
    WirePoint::constant(common::point(50))
}

/// Words that are hashed or said are those of the points that are multiplied and of their sums.
#[test]
fn words_are_those_of_points_and_sums() {
    let record = || {
        recorded(|r| {
            let (factor, point) = (r.witness(Fr::from(3)), r.point(common::point(1)));
            let mut transcript = WireTranscript::new(r);
            transcript.absorb_point(&point).unwrap();
            r.declare_input(transcript.squeeze());
            let [sum, _] = r.multiply([&[(factor, point)], &[(factor, second())]]);
            r.declare_input(sum.words[0]);
        })
    };
    let forged = Forged::new();
    let honest = record();
    assert!(!forged.refuses(&honest, &honest));
    let mut other = record();
    other.terms[0][0].point = common::point(2);
    let sums = expected(&[(Fr::from(3), common::point(2))], 1);
    let word = nanozk_transcript::poseidon::point_words(&sums[0])[0];
    let said = other.inputs[1];
    let Source::Variable(number) = said else {
        panic!("it is a variable")
    };
    other.values[number as usize] = word;
    assert!(forged.refuses(&honest, &other));
    let mut other = record();
    other.values[number as usize] += Fr::ONE;
    assert!(forged.refuses(&honest, &other));
}

/// A product that a sum's row contains is stated apart if it is used elsewhere.
#[test]
fn products_that_are_used_twice_are_stated() {
    type Use = for<'r> fn(&'r Recorder, Wire<'r>, Wire<'r>);
    let uses: [(&str, Use); 6] = [
        ("input", |r, product, _| r.declare_input(product)),
        ("equality", |r, product, _| {
            let same = r.witness(product.value());
            r.assert_equal(product, same);
        }),
        ("hash", |r, product, x| {
            r.permute([product, x, x]);
        }),
        ("factor", |r, product, _| {
            let point = r.point(G1Affine::generator());
            r.multiply([&[(product, point)], &[(Wire::one(), second())]]);
        }),
        ("product", |r, product, x| r.declare_input(product * x)),
        ("sum", |r, product, x| {
            r.declare_input(product + (x + Wire::constant(Fr::from(9))));
        }),
    ];
    let forged = Forged::new();
    for (name, with) in uses {
        let mut at = None;
        let mut record = || {
            recorded(|r| {
                let (x, y) = (r.witness(Fr::from(3)), r.witness(Fr::from(5)));
                let product = x * y;
                r.declare_input(product + x);
                if name != "factor" {
                    multiply(r);
                }
                with(r, product, x);
                let Source::Variable(number) = product.source() else {
                    panic!("it is a variable")
                };
                at = Some(number as usize);
            })
        };
        let honest = record();
        assert!(!forged.refuses(&honest, &honest), "{name}");
        // Another product, with all that follows from it but the first sum.
        let mut other = record();
        let at = at.unwrap();
        let (old, new) = (honest.values[at], Fr::from(100));
        for value in &mut other.values[at..] {
            let [same, times, plus] = [old, old * Fr::from(3), old + Fr::from(12)];
            if *value == same {
                *value = new;
            } else if *value == times {
                *value = new * Fr::from(3);
            } else if *value == plus {
                *value = new + Fr::from(12);
            }
        }
        assert_ne!(honest.values, other.values);
        assert!(forged.refuses(&honest, &other), "{name}");
    }
}

/// A product that no sum's row contains has a row of its own.
#[test]
fn products_in_no_sum_are_stated() {
    let forged = Forged::new();
    let product = |error: Fr| {
        let mut recording = recorded(|r| {
            let (x, y) = (r.witness(Fr::from(3)), r.witness(Fr::from(5)));
            r.declare_input(x * y);
            multiply(r);
        });
        for value in &mut recording.values {
            if *value == Fr::from(15) {
                *value += error;
            }
        }
        recording
    };
    assert!(!forged.refuses(&product(Fr::ZERO), &product(Fr::ZERO)));
    assert!(forged.refuses(&product(Fr::ZERO), &product(Fr::ONE)));
}

/// What two wires have, both have; an inverse is one.
#[test]
fn equalities_and_inverses_are_stated() {
    let forged = Forged::new();
    let equal = |y: u64| {
        recorded(|r| {
            let (x, y) = (r.witness(Fr::from(3)), r.witness(Fr::from(y)));
            r.assert_equal(x, y);
            multiply(r);
        })
    };
    assert!(!forged.refuses(&equal(3), &equal(3)));
    assert!(forged.refuses(&equal(3), &equal(4)));
    let inverse = |error: Fr| {
        let mut recording = recorded(|r| {
            let x = r.witness(Fr::from(3));
            r.declare_input(x.invert().unwrap());
            multiply(r);
        });
        let third = Fr::from(3).invert().unwrap();
        for value in &mut recording.values {
            if *value == third {
                *value += error;
            } else if *value == Fr::ONE {
                *value += error * Fr::from(3);
            }
        }
        recording
    };
    assert!(!forged.refuses(&inverse(Fr::ZERO), &inverse(Fr::ZERO)));
    assert!(forged.refuses(&inverse(Fr::ZERO), &inverse(Fr::ONE)));
    let zero = recorded(|r| assert!(r.witness(Fr::ZERO).invert().is_none()));
    assert_eq!(zero.equal.len(), 0);
}

/// Operations on constants and variables, in both orders and again, are those on numbers; and so they are stated.
#[test]
fn wires_compute_what_numbers_do() {
    let numbers = [0, 1, 2].map(Fr::from);
    let recording = recorded(|r| {
        let wires: Vec<Wire<'_>> = numbers
            .iter()
            .flat_map(|x| [Wire::constant(*x), r.witness(*x)])
            .collect();
        for _ in 0..2 {
            for (i, a) in wires.iter().enumerate() {
                for (j, b) in wires.iter().enumerate() {
                    let (x, y) = (numbers[i / 2], numbers[j / 2]);
                    let (a, b) = (*a, *b);
                    for (wire, expected) in [(a + b, x + y), (a - b, x - y), (a * b, x * y)] {
                        assert_eq!(wire.value(), expected);
                        // What depends on no variable is a constant, and nothing else.
                        if i % 2 == 0 && j % 2 == 0 {
                            assert_eq!(wire.source(), Source::Constant(expected));
                        }
                    }
                    // Nothing is known of a variable by its value.
                    if i % 2 == 1 && i / 2 != 0 {
                        assert!(matches!((a + a).source(), Source::Variable(_)));
                    }
                }
            }
        }
    });
    use nanozk_recursion::recorder::Step;
    for step in &recording.steps {
        let value = |source: &Source| recording.value(source);
        match step {
            Step::Multiply {
                factors: [a, b],
                result,
            } => assert_eq!(value(a) * value(b), value(result)),
            Step::Add {
                summands: [a, b],
                result,
            } => assert_eq!(value(a) + value(b), value(result)),
        }
    }
    // Each once: of 15 pairs of which one is a variable, what is not trivial.
    assert!(recording.steps.len() < 60, "{}", recording.steps.len());
}

/// Challenges of wires are those of numbers.
#[test]
fn transcripts_of_wires_are_those_of_numbers() {
    let recorder = Recorder::default();
    let r = &recorder;
    let mut wires = WireTranscript::new(r);
    let mut numbers = RecursionTranscript::new();
    for (i, count) in [(0, 0), (1, 1), (2, 3), (3, 1), (4, 2), (5, 4)] {
        for j in 0..i {
            let x = Fr::from(10 * i + j);
            wires.absorb_scalar(&r.witness(x));
            numbers.absorb_scalar(&x);
        }
        if i % 2 == 1 {
            let point = common::point(i);
            wires.absorb_point(&r.point(point)).unwrap();
            numbers.absorb_point(&point).unwrap();
        }
        for _ in 0..count {
            assert_eq!(wires.squeeze().value(), numbers.squeeze());
        }
    }
    let nothing = WirePoint::constant(G1Affine::default());
    assert!(wires.absorb_point(&nothing).is_err());
}

/// Limbs beyond their range are refused, whatever else holds.
#[test]
fn limbs_have_ranges() {
    let case = Case::new();
    let p = &case.machine.program;
    let mut names = 0;
    for (_, tensor) in p.enumerate() {
        let of_numbers = [
            "point: ",
            "window: ",
            "sum so far: ",
            "result: ",
            "sixteenfold: ",
        ];
        let is_number = of_numbers
            .iter()
            .any(|start| tensor.name.starts_with(start));
        let is_choice = tensor.name.contains("digit");
        if (!is_number && !is_choice) || !tensor.is_committed() {
            continue;
        }
        // What shows that points are different is any element.
        if tensor.name.ends_with(": inverse") {
            continue;
        }
        let bits = if is_choice { 1 } else { 16 };
        let Role::Limb { range } = tensor.role else {
            panic!("{} has no range", tensor.name)
        };
        assert_eq!(p.tables()[range.index()].bits, bits, "{}", tensor.name);
        names += 1;
    }
    assert!(names > 50, "{names}");
}

/// Exactly one multiple is chosen for a digit: the sum of several points' coordinates is no point.
#[test]
fn several_choices_are_refused() {
    let case = Case::new();
    let p = &case.machine.program;
    let honest = case.values();
    let ids = ["digit is 1", "digit is −1"].map(|name| p.named(name).unwrap());
    let is_zero = |at: &[usize]| ids.iter().all(|id| honest.get(*id, at) == Fr::ZERO);
    let window = (0..64).find(|window| is_zero(&[*window, 0])).unwrap();
    let mut values = honest.clone();
    // The scalar stays as it is.
    for id in ids {
        assert!(values.set(id, &[window, 0], 1));
    }
    let failures = p.failures(&values);
    let refused = failures.iter().any(
        |failure| matches!(failure, Failure::Identity { identity, .. } if identity == "one digit"),
    );
    assert!(refused, "{failures:?}");
}

/// Wherever points are added that could be equal, it is refused that they are: their sum would be what the prover likes.
#[test]
fn sums_meet_no_exception() {
    let forged = Forged::new();
    let start = G1::hash_to_curve("nanozk")(b"start of sums").to_affine();
    // With −13 as its highest digit a scalar has no other string of digits that the prover would choose.
    let digits = |last: u64| -> Fr {
        let all = (0..64_u64).map(|j| match j {
            63 => -Fr::from(13),
            0 => Fr::from(last),
            _ => Fr::from(3),
        });
        let base = Fr::from(16);
        all.enumerate()
            .map(|(j, digit)| base.pow_vartime([j as u64]) * digit)
            .sum()
    };
    let weight: Fr = (0..=64_u64).map(|j| Fr::from(16).pow_vartime([j])).sum();
    let seven = Fr::from(7);
    // Terms that are not used have the generator, and −15 as the highest digit.
    let unused = G1Affine::generator() * Fr::from(15 * (TINY.multiplication.first as u64 - 1));
    let fifteenths = (start * Fr::from(15) + unused) * -Fr::from(13).invert().unwrap();
    let fifteenths = fifteenths.to_affine();
    let sevenfold = (start * seven).to_affine();
    for (name, factor, point) in [
        // A window begins with its start, to which it is added.
        ("window: distinct", digits(1), start),
        // Sixteen times the start, and the first window's sum, which is the same.
        ("sum so far: distinct", digits(3), fifteenths),
        // The end of the sums is what is subtracted from them.
        (
            "result: distinct",
            -weight.double() * seven.invert().unwrap(),
            sevenfold,
        ),
    ] {
        let recording = recorded(|r| {
            let (factor, point) = (r.witness(factor), r.point(point));
            r.multiply([&[(factor, point)], &[(Wire::one(), second())]]);
        });
        let failures = forged.failures(&recording, &recording);
        let is = |wanted: &str| {
            failures.iter().any(|failure| {
                matches!(failure, Failure::Identity { identity, .. } if identity == wanted)
            })
        };
        assert!(is(name), "{name}: {failures:?}");
        assert_eq!(failures.len(), 1, "{name}: {failures:?}");
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

/// Tensors that the recording does not fill, so that some of their cells are free: rows that no other wire is equal to a wire
/// of. Those that are filled have variables, of which all are determined.
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

/// Wires are bound to what they stand for, not only to wires that are equal to them: whoever changes all of these is refused, too.
#[test]
fn wires_are_what_they_stand_for() {
    let case = Case::new();
    let p = &case.machine.program;
    let honest = case.values();
    for (name, indices) in [
        ("constant", vec![0]),
        ("input wire", vec![0]),
        ("scalar", vec![0]),
        ("word of a point", vec![0, 0]),
        ("word of a sum", vec![0, 0]),
    ] {
        let id = p
            .named(name)
            .unwrap_or_else(|| panic!("there is no {name}"));
        let mut values = honest.clone();
        let cell = values.get(id, &indices);
        let place = values.place(id, &indices).unwrap();
        let column = values.column_mut(place.column);
        column.set_field(place.offset, cell + Fr::ONE);
        assert!(!p.failures_about(&values, id).is_empty(), "{name}");
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

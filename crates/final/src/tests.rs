//! Small circuits: honest proofs, and all sorts of others.

use crate::circuit::*;
use crate::constraints::{ColumnChallenges, Combination, Forms, Point, Prepared};
use crate::forms::{Form, Variables};
use crate::*;
use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use halo2curves::ff::{Field, PrimeField};
use nanozk_kzg::Basis;
use nanozk_transcript::{KeccakTranscript, Malformed, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::sync::LazyLock;

mod hiding;

const K: u32 = 9;
const PERIOD: usize = 16;
const BLOCKS: usize = (1 << K) / PERIOD;
const INPUTS: usize = 3;

const INPUT: usize = 0;
const RANDOM: usize = 1;
const MULTIPLY: usize = 2;
const POWER: usize = 3;
const RANGE: usize = 5;
const RANGE_TABLE: usize = 6;
const MEMORY: usize = 7;
const MEMORY_TABLE: usize = 9;
const LINEAR: usize = 10;

fn first<const N: usize>(values: [Fr; N]) -> [Fr; CONSTRAINTS] {
    std::array::from_fn(|i| values.get(i).copied().unwrap_or(Fr::ZERO))
}

fn fractions<const N: usize>(values: [(Fr, Fr); N]) -> [Fraction; FRACTIONS] {
    std::array::from_fn(|i| match values.get(i) {
        Some((numerator, denominator)) => Fraction {
            numerator: *numerator,
            denominator: *denominator,
        },
        None => Fraction::NONE,
    })
}

/// One gate of each degree, ranges of 7 bits, and a memory of pairs with addresses.
fn circuit() -> Circuit {
    let gate = |name, residues: &[usize], count, degree, constraints| Gate {
        name,
        residues: residues.to_vec(),
        count,
        degree,
        constraints,
    };
    let lookup = |name, residue: usize, count, fractions| Lookup {
        name,
        residues: vec![residue],
        count,
        fractions,
    };
    Circuit {
        period: PERIOD,
        gates: vec![
            gate("multiply", &[MULTIPLY, 12, 13], 1, 2, |cells| {
                first([cells.row.a * cells.row.b + cells.constant - cells.row.c])
            }),
            gate("power", &[POWER], 2, 5, |cells| {
                // There the constant is zero.
                let [fifth, _, _] = cells.fifths;
                first([
                    fifth + cells.row.f - cells.next.a,
                    cells.row.d + cells.row.e - cells.next.f,
                ])
            }),
            gate("linear", &[LINEAR], 1, 1, |cells| {
                first([cells.row.a + cells.row.b + cells.next.c - cells.next.d])
            }),
        ],
        lookups: vec![
            lookup("range", RANGE, 4, |cells, s| {
                let row = cells.row;
                fractions([row.a, row.b, row.c, row.e].map(|x| (Fr::ONE, s.denominator([x]))))
            }),
            lookup("range table", RANGE_TABLE, 4, |cells, s| {
                let row = cells.row;
                let counts = [row.a, row.b, row.c, row.d];
                let mut key = cells.constant;
                fractions(counts.map(|count| {
                    let denominator = s.denominator([key]);
                    key += Fr::ONE;
                    (-count, denominator)
                }))
            }),
            lookup("memory", MEMORY, 1, |cells, s| {
                let tuple = [cells.row.a, cells.row.b, cells.row.e, Fr::ONE];
                fractions([(cells.next.e, s.denominator(tuple))])
            }),
            lookup("memory table", MEMORY_TABLE, 1, |cells, s| {
                let tuple = [cells.row.a, cells.row.b, cells.constant, Fr::ONE];
                fractions([(-cells.next.e, s.denominator(tuple))])
            }),
        ],
        input_residue: INPUT,
        random_residue: RANDOM,
    }
}

struct Honest {
    structure: Structure,
    columns: Columns,
    inputs: Vec<Fr>,
}

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
const D: usize = 3;
const E: usize = 4;
const F: usize = 5;

fn honest() -> Honest {
    let n = 1 << K;
    let mut structure = Structure::new(K, INPUTS);
    let mut columns: Columns = std::array::from_fn(|_| vec![Fr::ZERO; n]);
    let inputs: Vec<Fr> = (0..INPUTS as u64).map(|i| Fr::from(i * i + 5)).collect();
    let number = |x: usize| Fr::from(x as u64);
    let mut counts = [0_u64; 4 * BLOCKS];
    for block in 0..BLOCKS {
        let row = |residue: usize| block * PERIOD + residue;
        let mut set = |column: usize, residue: usize, x: Fr| columns[column][row(residue)] = x;
        if block < INPUTS {
            set(A, INPUT, inputs[block]);
            // Inputs are factors.
            set(A, MULTIPLY, inputs[block]);
            let cells = [INPUT, MULTIPLY].map(|residue| Cell {
                column: A,
                row: row(residue),
            });
            structure.make_equal(&cells);
        } else {
            set(A, MULTIPLY, number(block));
        }
        set(B, MULTIPLY, number(7 * block + 1));
        structure.constants[row(MULTIPLY)] = number(block + 3);
        let a = inputs.get(block).copied().unwrap_or(number(block));
        let product = a * number(7 * block + 1) + number(block + 3);
        set(C, MULTIPLY, product);
        // The product's fifth power.
        set(A, POWER, product);
        set(F, POWER, number(9));
        set(D, POWER, number(4));
        set(E, POWER, number(5));
        set(F, POWER + 1, number(9));
        set(A, POWER + 1, product.pow_vartime([5]) + number(9));
        structure.make_equal(&[(C, MULTIPLY), (A, POWER), (B, RANDOM + 3)].map(
            |(column, residue)| Cell {
                column,
                row: row(residue),
            },
        ));
        set(B, RANDOM + 3, product);
        for (i, column) in [A, B, C, E].into_iter().enumerate() {
            let x = (block * block + 31 * i) % (4 * BLOCKS);
            counts[x] += 1;
            set(column, RANGE, number(x));
        }
        structure.constants[row(RANGE_TABLE)] = number(4 * block);
        // Block i looks up entry 2·i modulo the table, unless it is one in four.
        let entry = 2 * block % BLOCKS;
        set(A, MEMORY, number(entry + 100));
        set(B, MEMORY, number(3 * entry));
        set(E, MEMORY, number(entry));
        set(E, MEMORY + 1, number(usize::from(block % 4 != 0)));
        set(A, MEMORY_TABLE, number(block + 100));
        set(B, MEMORY_TABLE, number(3 * block));
        structure.constants[row(MEMORY_TABLE)] = number(block);
        let wanted = (0..BLOCKS).filter(|i| 2 * i % BLOCKS == block && i % 4 != 0);
        set(E, LINEAR, number(wanted.count()));
        set(A, LINEAR, number(block));
        set(C, LINEAR + 1, number(2));
        set(D, LINEAR + 1, number(block + 2));
        // The other two multiply, too.
        for residue in [12, 13] {
            set(B, residue, number(block));
        }
    }
    for block in 0..BLOCKS {
        for (i, column) in [A, B, C, D].into_iter().enumerate() {
            columns[column][block * PERIOD + RANGE_TABLE] = Fr::from(counts[4 * block + i]);
        }
    }
    Honest {
        structure,
        columns,
        inputs,
    }
}

type Setup = (Basis, [G2Affine; 2]);

fn setup() -> &'static Setup {
    static SETUP: LazyLock<Setup> = LazyLock::new(|| {
        let seed = nanozk_setup::DEVELOPMENT_SEED;
        let (powers, g2) = nanozk_setup::development_powers(powers_needed(10), seed);
        (Basis::new(&powers, 1).unwrap(), g2)
    });
    &SETUP
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(5)
}

fn prove_it(circuit: &Circuit, honest: &Honest) -> (Key, Proof) {
    let basis = &setup().0;
    let key = ProvingKey::new(circuit.clone(), honest.structure.clone(), basis);
    let transcript = &mut KeccakTranscript::new();
    let columns = honest.columns.clone();
    let mut rng = rng();
    let proof = prove(
        &key,
        &honest.inputs,
        columns,
        basis,
        &mut rng,
        transcript,
        |_| {},
    );
    (key.key, proof.unwrap())
}

fn accepts(circuit: &Circuit, key: &Key, inputs: &[Fr], proof: &Proof) -> bool {
    verify(circuit, key, inputs, proof, &mut KeccakTranscript::new())
        .is_ok_and(|accumulator| accumulator.holds(&setup().1))
}

fn separators() -> Separators {
    let tau = Fr::from(0x1234_5678_9abc);
    Separators {
        shift: Fr::from(0xfedc_ba98).square(),
        powers: std::array::from_fn(|i| tau.pow_vartime([i as u64 + 1])),
    }
}

fn failures(circuit: &Circuit, honest: &Honest) -> Vec<Failure> {
    circuit.failures(
        &honest.structure,
        &honest.inputs,
        &honest.columns,
        &separators(),
    )
}

#[test]
fn an_honest_proof_is_accepted() {
    let (circuit, honest) = (circuit(), honest());
    assert_eq!(failures(&circuit, &honest), []);
    let (key, proof) = prove_it(&circuit, &honest);
    assert!(accepts(&circuit, &key, &honest.inputs, &proof));
    let bytes = proof.to_bytes();
    assert_eq!(Proof::from_bytes(&bytes), Ok(proof));
}

#[test]
fn sizes_from_a_few_rows_on() {
    // The same gates with fewer blocks have no tables, but for inputs nothing must hold: all cells are zero.
    let mut circuit = circuit();
    circuit.lookups.clear();
    for k in [8, 10] {
        let n = 1 << k;
        let structure = Structure::new(k, 0);
        let columns = std::array::from_fn(|_| vec![Fr::ZERO; n]);
        let honest = Honest {
            structure,
            columns,
            inputs: vec![],
        };
        let (key, proof) = prove_it(&circuit, &honest);
        assert!(accepts(&circuit, &key, &[], &proof), "{k}");
    }
}

#[test]
fn each_element_counts() {
    let (circuit, honest) = (circuit(), honest());
    let (key, proof) = prove_it(&circuit, &honest);
    for i in 0..POINTS {
        let mut points = proof.points();
        points[i] = (points[i] + G1Affine::generator()).into();
        let changed = Proof::new(points, &proof.evaluations.all());
        assert!(!accepts(&circuit, &key, &honest.inputs, &changed), "{i}");
        for (bad, reason) in [
            (G1Affine::default(), Malformed::Infinity),
            (
                G1Affine {
                    y: points[i].x,
                    ..points[i]
                },
                Malformed::NotOnCurve,
            ),
        ] {
            points[i] = bad;
            let changed = Proof::new(points, &proof.evaluations.all());
            let transcript = &mut KeccakTranscript::new();
            assert_eq!(
                verify(&circuit, &key, &honest.inputs, &changed, transcript),
                Err(VerifyError::Point { index: i, reason })
            );
        }
    }
    for i in 0..SCALARS {
        let mut scalars = proof.evaluations.all();
        scalars[i] += Fr::ONE;
        let changed = Proof::new(proof.points(), &scalars);
        assert!(!accepts(&circuit, &key, &honest.inputs, &changed), "{i}");
    }
    for i in 0..INPUTS {
        let mut inputs = honest.inputs.clone();
        inputs[i] += Fr::ONE;
        assert!(!accepts(&circuit, &key, &inputs, &proof), "{i}");
    }
    let fewer = verify(
        &circuit,
        &key,
        &honest.inputs[1..],
        &proof,
        &mut KeccakTranscript::new(),
    );
    let expected = INPUTS;
    let got = INPUTS - 1;
    assert_eq!(fewer, Err(VerifyError::Inputs { expected, got }));
    // Another transcript.
    let mut transcript = KeccakTranscript::new();
    transcript.absorb_scalar(&Fr::ONE);
    let other = verify(&circuit, &key, &honest.inputs, &proof, &mut transcript).unwrap();
    assert!(!other.holds(&setup().1));
}

#[test]
fn bytes_have_one_encoding() {
    let (circuit, honest) = (circuit(), honest());
    let (_, proof) = prove_it(&circuit, &honest);
    let bytes = proof.to_bytes();
    for len in [0, 1, PROOF_BYTES - 1, PROOF_BYTES + 1, PROOF_BYTES + 32] {
        let mut other = bytes.to_vec();
        other.resize(len, 0);
        assert_eq!(
            Proof::from_bytes(&other),
            Err(DecodeError::Length { got: len })
        );
    }
    for index in 0..PROOF_BYTES / 32 {
        let mut other = bytes;
        other[32 * index..][..32].fill(0xff);
        // A point is read as a whole.
        let index = if index < 2 * POINTS {
            index & !1
        } else {
            index
        };
        let reason = Malformed::NotReduced;
        assert_eq!(
            Proof::from_bytes(&other),
            Err(DecodeError::Malformed { index, reason })
        );
    }
    let mut other = bytes;
    other[..64].fill(0);
    let malformed = |reason| Err(DecodeError::Malformed { index: 0, reason });
    assert_eq!(Proof::from_bytes(&other), malformed(Malformed::Infinity));
    other[63] = 1;
    assert_eq!(Proof::from_bytes(&other), malformed(Malformed::NotOnCurve));
}

/// What the checker says of a changed witness, and that its proof is refused.
fn refused(change: impl FnOnce(&mut Honest)) -> Vec<Failure> {
    let (circuit, mut honest) = (circuit(), honest());
    change(&mut honest);
    let failures = failures(&circuit, &honest);
    let (key, proof) = prove_it(&circuit, &honest);
    assert!(!accepts(&circuit, &key, &honest.inputs, &proof));
    failures
}

#[test]
fn false_gates_are_refused() {
    let gate = |name, constraint, row| Failure::Gate {
        name,
        constraint,
        row,
    };
    let row = 3 * PERIOD + 12;
    assert_eq!(
        refused(|h| h.columns[C][row] += Fr::ONE),
        [gate("multiply", 0, row)]
    );
    assert_eq!(
        refused(|h| h.structure.constants[row] += Fr::ONE),
        [gate("multiply", 0, row)]
    );
    let row = 5 * PERIOD + POWER;
    assert_eq!(
        refused(|h| h.columns[A][row + 1] += Fr::ONE),
        [gate("power", 0, row)]
    );
    assert_eq!(
        refused(|h| h.columns[E][row] += Fr::ONE),
        [gate("power", 1, row)]
    );
    let row = 31 * PERIOD + LINEAR;
    assert_eq!(
        refused(|h| h.columns[D][row + 1] += Fr::ONE),
        [gate("linear", 0, row)]
    );
}

#[test]
fn false_inputs_are_refused() {
    for index in [1, INPUTS, BLOCKS - 1] {
        // Beyond the inputs the cell is zero, and its other cells are none.
        let row = index * PERIOD + INPUT;
        let failures = refused(|h| h.columns[A][row] += Fr::ONE);
        assert!(failures.contains(&Failure::Input { index }), "{failures:?}");
    }
}

#[test]
fn unequal_cells_are_refused() {
    // The cells of the product, of which two have no other gate.
    let failures = refused(|h| h.columns[B][2 * PERIOD + RANDOM + 3] += Fr::ONE);
    assert!(
        failures
            .iter()
            .all(|failure| matches!(failure, Failure::Equal(..)))
    );
    assert_eq!(failures.len(), 2);
    // Cells that are equal, but not stated so, may differ; stated so, they may not.
    let cells = [(D, 8), (B, 14)].map(|(column, row)| Cell { column, row });
    let failures = refused(|h| {
        h.structure.make_equal(&cells);
        h.columns[D][8] = Fr::ONE;
    });
    assert_eq!(failures.len(), 2);
}

#[test]
fn false_lookups_are_refused() {
    let at = |block: usize, residue: usize| block * PERIOD + residue;
    let two_to_the_seven = Fr::from(4 * BLOCKS as u64);
    // A number that is in no table, and one that is, but was not counted.
    for x in [two_to_the_seven, -Fr::ONE, Fr::from(77)] {
        let failures = refused(|h| h.columns[B][at(4, RANGE)] = x);
        assert_eq!(failures, [Failure::Lookups]);
    }
    // Multiplicities.
    let failures = refused(|h| h.columns[D][at(4, RANGE_TABLE)] += Fr::ONE);
    assert_eq!(failures, [Failure::Lookups]);
    let failures = refused(|h| h.columns[E][at(4, LINEAR)] += Fr::ONE);
    assert_eq!(failures, [Failure::Lookups]);
    // A value of another address, an address of another value, a table's value.
    let failures = refused(|h| h.columns[A][at(5, MEMORY)] += Fr::ONE);
    assert_eq!(failures, [Failure::Lookups]);
    let failures = refused(|h| h.columns[E][at(5, MEMORY)] += Fr::ONE);
    assert_eq!(failures, [Failure::Lookups]);
    let failures = refused(|h| h.columns[B][at(6, MEMORY_TABLE)] += Fr::ONE);
    assert_eq!(failures, [Failure::Lookups]);
}

#[test]
fn a_tag_tells_tables_apart() {
    // A pair is looked up in the memory that only the range table could have: a range value as a pair of which all but the
    // first are zero. Without tags it would be found, with its multiplicity one higher.
    let change = |h: &mut Honest| {
        let row = 5 * PERIOD + MEMORY;
        let entry = 10_u64;
        assert_eq!(h.columns[E][row], Fr::from(entry));
        h.columns[A][row] = Fr::from(9);
        h.columns[B][row] = Fr::ZERO;
        h.columns[E][row] = Fr::ZERO;
        // Entry 10 is looked up once less, number 9 = 4·2 + 1 once more.
        h.columns[E][10 * PERIOD + LINEAR] -= Fr::ONE;
        h.columns[B][2 * PERIOD + RANGE_TABLE] += Fr::ONE;
    };
    assert_eq!(refused(change), [Failure::Lookups]);
    // With the tag of ranges for memories it is accepted.
    let mut untagged = circuit();
    untagged.lookups[2].fractions = |cells, s| {
        let tuple = [cells.row.a, cells.row.b, cells.row.e, Fr::ZERO];
        fractions([(cells.next.e, s.denominator(tuple))])
    };
    untagged.lookups[3].fractions = |cells, s| {
        let tuple = [cells.row.a, cells.row.b, cells.constant, Fr::ZERO];
        fractions([(-cells.next.e, s.denominator(tuple))])
    };
    let mut honest = honest();
    change(&mut honest);
    assert_eq!(failures(&untagged, &honest), []);
}

#[test]
fn proofs_for_other_keys_are_refused() {
    let (circuit, honest) = (circuit(), honest());
    let (key, proof) = prove_it(&circuit, &honest);
    let mut other = self::honest();
    other.structure.constants[PERIOD + 4] = Fr::ONE;
    let (other_key, other_proof) = prove_it(&circuit, &other);
    assert_ne!(key, other_key);
    assert!(accepts(&circuit, &other_key, &other.inputs, &other_proof));
    assert!(!accepts(&circuit, &other_key, &honest.inputs, &proof));
    assert!(!accepts(&circuit, &key, &honest.inputs, &other_proof));
    // As many inputs as the key says, before anything is computed.
    let (count, last) = (key.inputs, honest.inputs[0]);
    let more = [&honest.inputs[..], &[last]].concat();
    for inputs in [&honest.inputs[..count - 1], &more] {
        let refused = verify(&circuit, &key, inputs, &proof, &mut KeccakTranscript::new());
        let expected = VerifyError::Inputs {
            expected: count,
            got: inputs.len(),
        };
        assert_eq!(refused.map(|_| ()), Err(expected));
    }
    for k in [0, 1, 8, 10, 28, 29, 63, 64, 200] {
        let key = Key { k, ..key };
        assert!(!accepts(&circuit, &key, &honest.inputs, &proof));
    }
}

#[test]
fn columns_are_told_apart() {
    // 7^j is in the subgroup of order 2^28 for no j: its order would be a power of two.
    for j in 1..WIRES as u64 {
        let power = Fr::MULTIPLICATIVE_GENERATOR.pow_vartime([j, 0, 0, 0]);
        assert_ne!(power.pow_vartime([1 << Fr::S]), Fr::ONE);
    }
}

/// What a prover computes of constraints is what a verifier does, for any values.
#[test]
fn prepared_constraints_are_the_constraints() {
    let mut rng = rng();
    for circuit in [circuit(), crate::circuit()] {
        // Gates and lookups of one fraction are forms.
        let forms = Forms::new(&circuit, &separators());
        let cells = |variables: &Variables| Cells {
            row: std::array::from_fn::<_, COLUMNS, _>(|i| variables[i]).into(),
            next: std::array::from_fn::<_, COLUMNS, _>(|i| variables[COLUMNS + i]).into(),
            constant: variables[2 * COLUMNS],
            fifths: std::array::from_fn(|i| variables[2 * COLUMNS + 1 + i]),
        };
        for (gate, forms) in circuit.gates.iter().zip(&forms.gates) {
            let variables = std::array::from_fn(|_| Fr::random(&mut rng));
            let values = (gate.constraints)(&cells(&variables));
            assert_eq!(forms.len(), gate.count);
            for (form, value) in forms.iter().zip(values) {
                assert_eq!(form.at(&variables), value, "{}", gate.name);
            }
            let reads_fifths = forms.iter().any(Form::reads_fifths);
            assert_eq!(reads_fifths, gate.degree > QUADRATIC, "{}", gate.name);
        }
        let mut numbers = || Fr::random(&mut rng);
        let challenges = ColumnChallenges {
            separators: separators(),
            beta: numbers(),
            gamma: numbers(),
        };
        let combination = Combination::new(&circuit, challenges, numbers());
        let count = circuit.gates.len() + circuit.lookups.len() + 1;
        let selectors: Vec<Vec<Fr>> = (0..4)
            .map(|_| (0..count).map(|_| numbers()).collect())
            .collect();
        let prepared = Prepared::new(&combination, &forms, &selectors);
        for (residue, selectors) in selectors.iter().enumerate() {
            let point = Point {
                x: numbers(),
                columns: [(); COLUMNS].map(|()| numbers()),
                next: [(); COLUMNS].map(|()| numbers()),
                permutation: [(); WIRES].map(|()| numbers()),
                constant: numbers(),
                running: [numbers(), numbers()],
                running_next: [numbers(), numbers()],
                first: numbers(),
                inputs: numbers(),
                selectors,
            };
            let parts = [
                prepared.low(&point, residue),
                prepared.high(&point, residue),
            ];
            assert_eq!(parts.iter().sum::<Fr>(), combination.at(&point));
        }
    }
}

/// What a transcript was given, and where challenges were drawn.
struct Log {
    inner: KeccakTranscript,
    events: Vec<Event>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Scalar(Fr),
    Point(G1Affine),
    Challenge,
}

impl Transcript for Log {
    fn absorb_scalar(&mut self, scalar: &Fr) {
        self.events.push(Event::Scalar(*scalar));
        self.inner.absorb_scalar(scalar);
    }

    fn absorb_point(&mut self, point: &G1Affine) -> Result<(), Malformed> {
        self.events.push(Event::Point(*point));
        self.inner.absorb_point(point)
    }

    fn squeeze(&mut self) -> Fr {
        self.events.push(Event::Challenge);
        self.inner.squeeze()
    }
}

/// All that a proof is about and all that it says is absorbed, before the challenges that must depend on it.
#[test]
fn everything_is_absorbed() {
    let (circuit, honest) = (circuit(), honest());
    let (key, proof) = prove_it(&circuit, &honest);
    let mut log = Log {
        inner: KeccakTranscript::new(),
        events: Vec::new(),
    };
    verify(&circuit, &key, &honest.inputs, &proof, &mut log).unwrap();
    let mut expected: Vec<Event> = [u64::from(K), PERIOD as u64, INPUTS as u64]
        .map(|number| Event::Scalar(Fr::from(number)))
        .to_vec();
    expected.push(Event::Point(key.fixed));
    expected.extend(honest.inputs.iter().map(|input| Event::Scalar(*input)));
    let mut draw = |events: &[Event], challenges: usize| {
        expected.extend(events);
        expected.extend(vec![Event::Challenge; challenges]);
    };
    draw(&[Event::Point(proof.columns)], 4);
    draw(&[Event::Point(proof.running)], 1);
    draw(&[Event::Point(proof.quotient)], 1);
    let evaluations = proof.evaluations.all().map(Event::Scalar);
    draw(&evaluations, 1);
    draw(&[Event::Point(proof.batch)], 1);
    draw(&[Event::Point(proof.witness)], 0);
    assert_eq!(log.events, expected);
}

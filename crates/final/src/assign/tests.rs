//! A small recording of everything, and forgeries that one gate each refuses.

use super::*;
use crate::assembly::{A, B, C, D, E, F};
use crate::circuit::{Cell, Failure, Separators};
use crate::gates::{FULL_ROUNDS, PARTIAL_ROUNDS, Run, equation, limbs};
use halo2curves::bn256::{G1, G1Affine};
use halo2curves::group::Group;
use nanozk_recursion::recorder::{Recorder, Wire as Recorded, WirePoint, WireTranscript};
use nanozk_transcript::{Element, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::sync::LazyLock;

/// A recording with two terms and one, a transcript, and steps of all kinds.
fn recording(seed: u64) -> Recording {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let recorder = Recorder::default();
    {
        let input = recorder.witness(Fr::random(&mut rng));
        recorder.declare_input(input);
        let points: Vec<WirePoint<'_>> = (0..2)
            .map(|_| recorder.point(G1::random(&mut rng).into()))
            .collect();
        let mut transcript = WireTranscript::new(&recorder);
        transcript.absorb_scalar(&input);
        for point in &points {
            transcript.absorb_point(point).unwrap();
        }
        let [x, y] = [(); 2].map(|()| transcript.squeeze());
        let three = Recorded::constant(Fr::from(3));
        // Sums of products, differences of products, and a product that is read in a product.
        let sum = x * y + input + three;
        let difference = x * input - y * three;
        let deep = (x * x) * (y * y) - sum * sum + difference;
        let inverse = deep.invert().unwrap();
        recorder.assert_equal(inverse * deep, Recorded::one());
        let generator = WirePoint::constant(G1Affine::generator());
        recorder.multiply([
            &[(sum, points[0]), (inverse, generator)],
            &[(-deep, points[1])],
        ]);
    }
    recorder.finish()
}

fn separators() -> Separators {
    let tau = Fr::from(0x1234_5678_9abc);
    Separators {
        shift: Fr::from(0xfedc_ba98).square(),
        powers: std::array::from_fn(|i| Element::pow(tau, i as u64 + 1)),
    }
}

fn failures(assignment: &Assignment) -> Vec<Failure> {
    circuit().failures(
        &assignment.structure,
        &assignment.inputs,
        &assignment.columns,
        &separators(),
    )
}

static HONEST: LazyLock<Assignment> = LazyLock::new(|| assign(&recording(1)).unwrap());

#[test]
fn an_honest_assignment_satisfies_the_circuit() {
    println!("{:?}", HONEST.usage);
    let failures = failures(&HONEST);
    assert!(
        failures.is_empty(),
        "{} failures, {:?}",
        failures.len(),
        &failures[..failures.len().min(10)]
    );
}

#[test]
fn the_structure_does_not_depend_on_values() {
    let other = assign(&recording(2)).unwrap();
    assert_ne!(HONEST.columns, other.columns);
    assert!(HONEST.structure.constants == other.structure.constants);
    assert!(HONEST.structure.next_equal == other.structure.next_equal);
}

/// The honest cells with some changes, and what fails then.
fn forged(changes: &[(usize, usize, Fr)]) -> Vec<Failure> {
    let mut columns = HONEST.columns.clone();
    for (column, row, value) in changes {
        columns[*column][*row] = *value;
    }
    circuit().failures(&HONEST.structure, &HONEST.inputs, &columns, &separators())
}

fn cell(column: usize, row: usize) -> Fr {
    HONEST.columns[column][row]
}

/// Cells that a forgery changes together, as whoever copies cells from each other would: all that equal this one.
fn equal_cells(column: usize, row: usize) -> Vec<(usize, usize)> {
    let structure = &HONEST.structure;
    let mut cells = vec![(column, row)];
    let mut at = structure.next_equal[column][row];
    loop {
        let Cell { column: c, row: r } = structure.cell(at);
        if (c, r) == (column, row) {
            return cells;
        }
        cells.push((c, r));
        at = structure.next_equal[c][r];
    }
}

fn one_gate(failures: &[Failure], name: &str) {
    assert!(
        matches!(failures, [Failure::Gate { name: found, .. }] if *found == name),
        "{name}: {failures:?}"
    );
}

/// The first row of a run.
fn first(run: Run) -> usize {
    run.first
}

#[test]
fn arithmetic_is_stated() {
    // The product of the first step, which other rows read: its own row's factor is changed, which is nobody's if it is free.
    let row = first(crate::gates::ARITHMETIC);
    let failures = forged(&[(D, row, cell(D, row)), (F, row, Fr::ONE)]);
    assert!(
        failures.is_empty(),
        "column f is not read there: {failures:?}"
    );
    let changes: Vec<_> = equal_cells(C, row)
        .into_iter()
        .map(|(column, row)| (column, row, cell(column, row) + Fr::ONE))
        .collect();
    let failures = forged(&changes);
    assert!(failures.contains(&Failure::Gate {
        name: "arithmetic",
        constraint: 0,
        row
    }));
}

#[test]
fn constants_are_the_keys() {
    let row = first(crate::gates::CONSTANT);
    let changes: Vec<_> = equal_cells(A, row)
        .into_iter()
        .map(|(column, row)| (column, row, cell(column, row) + Fr::ONE))
        .collect();
    assert!(forged(&changes).contains(&Failure::Gate {
        name: "constant",
        constraint: 0,
        row
    }));
}

#[test]
fn copies_are_stated() {
    // Copies of both carries, and a chunk of each factor.
    let rows = first(crate::gates::EQUATION);
    for (column, row) in [
        (E, equation::LEFT),
        (E, equation::QUOTIENT_ABOVE),
        (E, equation::SECOND),
        (A, equation::LEFT),
        (D, equation::RIGHT),
        (B, equation::QUOTIENT),
        (C, equation::QUOTIENT_ABOVE),
    ] {
        let row = rows + row;
        let failures = forged(&[(column, row, cell(column, row) + Fr::ONE)]);
        let unequal = failures
            .iter()
            .filter(|failure| matches!(failure, Failure::Equal(..)));
        assert_eq!(unequal.count(), 2, "{column}, {row}: {failures:?}");
    }
}

#[test]
fn limbs_make_chunks() {
    let first = first(crate::gates::LIMBS);
    // One limb exchanged for another number of the table, of which one more is then counted.
    let table = |limb: Fr, by: Fr| -> (usize, usize, Fr) {
        let repr = halo2curves::ff::PrimeField::to_repr(&limb);
        let bytes: &[u8] = repr.as_ref();
        let number = usize::from(bytes[0]) + (usize::from(bytes[1]) << 8);
        let run = crate::gates::RANGE_TABLE;
        let i = number / 4;
        let row = i / run.count * crate::gates::PERIOD + run.first + i % run.count;
        let column = [A, B, C, D][number % 4];
        (column, row, cell(column, row) + by)
    };
    let exchanged = |column: usize, row: usize| {
        let old = cell(column, row);
        let new = if old == Fr::ZERO {
            Fr::ONE
        } else {
            old - Fr::ONE
        };
        forged(&[
            (column, row, new),
            table(old, -Fr::ONE),
            table(new, Fr::ONE),
        ])
    };
    for row in [
        limbs::NUMBER,
        limbs::NUMBER + 3,
        limbs::QUOTIENT,
        limbs::QUOTIENT + 3,
    ] {
        one_gate(&exchanged(B, first + row), "chunk");
    }
    // A highest limb whose upper bits are not zero would be four times another loose limb.
    one_gate(&exchanged(C, first + limbs::LOOSE), "spare bits");
    one_gate(&exchanged(A, first + limbs::LOOSE), "first carry");
    one_gate(&exchanged(B, first + limbs::LOOSE), "first carry");
    one_gate(&exchanged(A, first + limbs::FIRST_CARRY), "first carry");
    one_gate(&exchanged(E, first + limbs::SECOND_CARRY), "second carry");
    // What is passed from the loose limbs to the second carry.
    let row = first + limbs::FIRST_CARRY;
    let failures = forged(&[(F, row, cell(F, row) + Fr::ONE)]);
    assert_eq!(failures.len(), 2, "{failures:?}");
    // A limb of more than 16 bits, with the chunk as it was.
    let row = first + limbs::NUMBER;
    let borrowed = [
        (A, row, cell(A, row) + Fr::from(1 << 16)),
        (B, row, cell(B, row) - Fr::ONE),
    ];
    assert_eq!(forged(&borrowed), [Failure::Lookups]);
    // A digit of five bits.
    let row = crate::gates::DIGITS.first;
    one_gate(&exchanged(B, row), "digits");
    one_gate(&exchanged(E, row), "digits");
}

#[test]
fn equations_are_stated() {
    let rows = first(crate::gates::EQUATION);
    let row = |row: usize| rows + row;
    // Of what passes between gates each cell is between two.
    let two = |column: usize, row: usize, names: [&str; 2]| {
        let failures = forged(&[(column, row, cell(column, row) + Fr::ONE)]);
        let mut found: Vec<&str> = failures
            .iter()
            .map(|failure| match failure {
                Failure::Gate { name, .. } => *name,
                other => panic!("{other:?}"),
            })
            .collect();
        found.sort_unstable();
        assert_eq!(found, names);
    };
    two(F, row(equation::LEFT), ["products", "products above"]);
    for column in [E, F] {
        two(
            column,
            row(equation::RIGHT),
            ["less the quotient", "products"],
        );
        two(
            column,
            row(equation::QUOTIENT),
            ["less the first", "less the quotient"],
        );
        two(
            column,
            row(equation::FIRST),
            ["less the first", "less the second"],
        );
    }
    // Carries, with all their copies: each of the three equations that has one fails.
    let all = |column: usize, row: usize, names: &[&str]| {
        let changes: Vec<_> = equal_cells(column, row)
            .into_iter()
            .map(|(column, row)| (column, row, cell(column, row) + Fr::ONE))
            .collect();
        let failures = forged(&changes);
        let found: Vec<&str> = failures
            .iter()
            .map(|failure| match failure {
                Failure::Gate { name, .. } => *name,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(found, names);
    };
    all(
        E,
        row(equation::LEFT),
        &["first carry", "products", "products"],
    );
    all(
        E,
        row(equation::SECOND),
        &["second carry", "products above", "less the second"],
    );
}

/// An equation's three constraints: each change is refused by those that read it, and by no others.
#[test]
fn each_part_of_an_equation_counts() {
    // The last equation is not used: zero is zero, and nothing else reads its chunks but its quotient's limbs.
    let blocks = HONEST.columns[A].len() / crate::gates::PERIOD;
    let run = crate::gates::EQUATION;
    let rows = (blocks - 1) * crate::gates::PERIOD + run.first + (run.count - 1) * run.rows;
    let found = |changes: &[(usize, usize, Fr)]| -> Vec<(&str, usize)> {
        forged(changes)
            .iter()
            .map(|failure| match failure {
                Failure::Gate {
                    name, constraint, ..
                } => (*name, *constraint),
                other => panic!("{other:?}"),
            })
            .collect()
    };
    // Chunks of the linear part count in the equation of their half. The second summand has factor zero here.
    let first = rows + equation::FIRST;
    for (column, constraint) in [(A, 0), (B, 0), (C, 1), (D, 1)] {
        let failures = found(&[(column, first, Fr::ONE)]);
        assert_eq!(failures, [("less the first", constraint)]);
        assert_eq!(found(&[(column, rows + equation::SECOND, Fr::ONE)]), []);
    }
    // With chunks that are any field elements a half can be as it was.
    let shift = nanozk_recursion::base_field::power_of_two(64);
    for columns in [[A, B], [C, D]] {
        let [low, high] = columns;
        let failures = found(&[(low, first, -shift), (high, first, Fr::ONE)]);
        assert_eq!(failures, []);
    }
    // Chunks of both factors, each with one of the other: which of the seven coefficients it is says which equation fails.
    let (left, right) = (rows + equation::LEFT, rows + equation::RIGHT);
    for i in 0..4 {
        for j in 0..4 {
            let failures = found(&[(i, left, Fr::ONE), (j, right, Fr::ONE)]);
            let third = [0, 0, 1, 1, 2, 2, 2][i + j];
            assert_eq!(failures, [("products", third)], "chunks {i} and {j}");
        }
    }
}

/// A used equation whose second summand counts: with its factor, in each half.
#[test]
fn the_second_summand_counts() {
    let rows = first(crate::gates::EQUATION);
    let factor = |rows: &usize| HONEST.structure.constants[rows + equation::FIRST];
    let rows = (0..crate::gates::EQUATION.count)
        .map(|i| rows + i * crate::gates::EQUATION.rows)
        .find(|rows| factor(rows) != Fr::ZERO)
        .unwrap();
    for (column, constraint) in [(A, 0), (B, 0), (C, 1), (D, 1)] {
        let row = rows + equation::SECOND;
        let failures = forged(&[(column, row, cell(column, row) + Fr::ONE)]);
        assert!(
            failures.contains(&Failure::Gate {
                name: "less the second",
                constraint,
                row: rows + equation::FIRST
            }),
            "{failures:?}"
        );
    }
}

#[test]
fn rounds_are_stated() {
    for run in [crate::gates::FULL, crate::gates::PARTIAL] {
        let name = if run == crate::gates::FULL {
            "full round"
        } else {
            "partial round"
        };
        // A state in the middle: both the round before and the round of it fail; of the last of those that are read, and the
        // first, the copies would.
        for column in [A, B, C] {
            let row = run.first + 1;
            let failures = forged(&[(column, row, cell(column, row) + Fr::ONE)]);
            assert!(failures.len() >= 2, "{failures:?}");
            for failure in &failures {
                assert!(
                    matches!(failure, Failure::Gate { name: found, .. } if *found == name),
                    "{failure:?}"
                );
            }
        }
        // Constants.
        for column in [D, E] {
            let row = run.first + 1;
            let failures = forged(&[(column, row, cell(column, row) + Fr::ONE)]);
            let gates = failures
                .iter()
                .filter(|failure| matches!(failure, Failure::Gate { .. }));
            assert_eq!(gates.count(), 3);
        }
    }
}

#[test]
fn lookups_of_points_are_stated() {
    let row = crate::gates::LOOKUP.first;
    for (column, row) in [(A, row), (B, row), (C, row + 1), (D, row + 1)] {
        // The coordinate's chunk in all its places, but for the table: arithmetic that reads it fails, too.
        let failures = forged(&[(column, row, cell(column, row) + Fr::ONE)]);
        assert!(failures.contains(&Failure::Lookups), "{failures:?}");
    }
    // Another digit, which is the multiple of another.
    let failures = forged(&[(E, row, cell(E, row) + Fr::ONE)]);
    assert!(failures.contains(&Failure::Lookups), "{failures:?}");
    // Multiplicities of the tables, of positive and negative entries.
    for run in [crate::gates::MEMORY_TABLE, crate::gates::NEGATIVE_TABLE] {
        let failures = forged(&[(E, run.first, cell(E, run.first) + Fr::ONE)]);
        assert_eq!(failures, [Failure::Lookups]);
    }
}

fn assigned(record: impl for<'r> Fn(&'r Recorder)) -> Assignment {
    let recorder = Recorder::default();
    record(&recorder);
    assign(&recorder.finish()).unwrap()
}

/// Whether a gate fails if all cells that have a value get another: a lying prover has the same number wherever it is.
fn refuses(assignment: &mut Assignment, old: Fr) -> bool {
    let (circuit, n) = (circuit(), assignment.columns[A].len());
    let mut cells = Vec::new();
    for (column, values) in assignment.columns.iter().enumerate() {
        let own = values.iter().enumerate().filter(|(_, x)| **x == old);
        cells.extend(own.map(|(row, _)| (column, row)));
    }
    assert!(!cells.is_empty(), "no cell has the value");
    let mut set = |x: Fr| {
        for (column, row) in &cells {
            assignment.columns[*column][*row] = x;
        }
        let (structure, columns) = (&assignment.structure, &assignment.columns);
        let rows = cells.iter().flat_map(|(_, row)| [*row, (row + n - 1) % n]);
        let holds = |row: usize| {
            let cells = circuit.cells(structure, columns, row);
            let gates = circuit.gates.iter();
            let mut own =
                gates.filter(|gate| gate.residues.contains(&(row % crate::gates::PERIOD)));
            own.all(|gate| {
                let values = (gate.constraints)(&cells);
                values[..gate.count].iter().all(|x| *x == Fr::ZERO)
            })
        };
        !rows.into_iter().all(holds)
    };
    let refuses = set(old + Fr::ONE);
    assert!(!set(old));
    refuses
}

/// Each kind of step, wherever it stands: its result cannot be another. It is an input, and nothing else is computed of it.
#[test]
fn steps_are_stated() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let numbers: Vec<[Fr; 3]> = (0..8)
        .map(|_| [(); 3].map(|()| Fr::random(&mut rng)))
        .collect();
    let names = [
        "product",
        "sum",
        "product in a sum",
        "product and a summand in a sum",
        "product that is read twice",
        "difference of products",
        "permutation",
        "constant",
    ];
    let mut assignment = assigned(|r| {
        for (kind, numbers) in numbers.iter().enumerate() {
            let [x, y, z] = numbers.map(|x| r.witness(x));
            let result = match kind {
                0 => x * y,
                1 => x + y,
                2 => x * y + z,
                3 => x * y + z + y,
                4 => {
                    let product = x * y;
                    r.declare_input(product + z);
                    product
                }
                5 => x * y - y * z,
                6 => r.permute([x, y, z])[2],
                _ => x + Recorded::constant(Fr::from(9)),
            };
            r.declare_input(result);
        }
    });
    assert_eq!(failures(&assignment), []);
    // Inputs but for the sum of the product that is read twice.
    let mut results = assignment.inputs.clone();
    results.remove(4);
    for (name, result) in names.into_iter().zip(results) {
        assert!(refuses(&mut assignment, result), "{name}");
    }
}

/// Wires that were recorded to be equal are, hashes are those of the permutation, and inverses are inverses.
#[test]
fn equalities_and_inverses_are_stated() {
    let record = |y: u64| {
        assigned(move |r| {
            let (x, y) = (r.witness(Fr::from(3)), r.witness(Fr::from(y)));
            r.assert_equal(x, y);
            r.declare_input(x);
            r.declare_input(y);
        })
    };
    let (honest, lying) = (record(3), record(4));
    assert_eq!(honest.structure, lying.structure);
    let failures = failures(&lying);
    let is_equal = |failure: &Failure| matches!(failure, Failure::Equal(..));
    assert!(!failures.is_empty() && failures.iter().all(is_equal));
    let inverse = Fr::from(3).invert().unwrap();
    let mut honest = assigned(|r| {
        let x = r.witness(Fr::from(3));
        r.declare_input(x.invert().unwrap());
    });
    assert!(refuses(&mut honest, inverse));
}

/// Words that are hashed are those of the points that are multiplied, words that are said those of the sums; factors are what
/// was recorded, unless they are one.
#[test]
fn terms_and_sums_are_those_recorded() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let points = [(); 3].map(|()| -> G1Affine { G1::random(&mut rng).into() });
    let factor = Fr::random(&mut rng);
    let mut assignment = assigned(|r| {
        let factor = r.witness(factor);
        let [p, q, s] = points.map(|point| r.point(point));
        let [first, second] = r.multiply([&[(factor, p), (Recorded::one(), q)], &[(factor, s)]]);
        // They are read by nothing else.
        for point in [first, second, p, q, s] {
            for word in point.words {
                r.declare_input(word);
            }
        }
        r.declare_input(factor);
    });
    assert_eq!(failures(&assignment), []);
    let inputs = assignment.inputs.clone();
    assert_eq!(inputs.len(), 5 * 3 + 1);
    for (number, input) in inputs.into_iter().enumerate() {
        assert!(refuses(&mut assignment, input), "input {number}");
    }
    // The sums are what they should be.
    let sums = [points[0] * factor + points[1], points[2] * factor];
    let words = sums.map(|sum| nanozk_transcript::poseidon::point_words(&sum.into()));
    assert_eq!(assignment.inputs[..6], words.concat());
}

/// Two tables never have a tuple in common: those of numbers have one part, those of coordinates a last one that is not zero.
#[test]
fn tags_tell_tables_apart() {
    let circuit = circuit();
    let mut separators = Separators {
        shift: Fr::ZERO,
        powers: Default::default(),
    };
    let cells = crate::circuit::Cells::new(Default::default(), Default::default(), Fr::ZERO);
    *separators.powers.last_mut().unwrap() = Fr::from(7);
    for lookup in &circuit.lookups {
        let fractions = (lookup.fractions)(&cells, &separators);
        for fraction in &fractions[..lookup.count] {
            let is_number = lookup.name.starts_with("range");
            let tag = fraction.denominator == Fr::from(7);
            assert_ne!(is_number, tag, "{}", lookup.name);
        }
    }
}

/// Cells that no gate and no lookup reads and that equal no other, in any of the blocks of a recording of everything: a prover
/// may put anything there, which nothing depends on. They are the columns that a kind of row has no use for; column `f`, which
/// only equations pass numbers on in, and the limb that does; rows after the last round of a permutation, which have its result
/// in `a`, `b`, `c`; and random rows, which have to be free.
const FREE: &[(&str, &[(usize, &str)])] = &[
    ("public input", &[(0, "bcdef")]),
    ("random", &[(0, "abcdef")]),
    ("range table", &[(0, "ef")]),
    ("digits", &[(0, "df")]),
    ("constant", &[(0, "bcdef")]),
    // Loose limbs make no chunk of their own; the carry `u` has the second one in `f`.
    ("limbs", &[(4, "df"), (5, "")]),
    ("equation", &[(1, ""), (2, ""), (3, ""), (4, "")]),
    ("full rounds", &[(FULL_ROUNDS, "def")]),
    ("partial rounds", &[(PARTIAL_ROUNDS, "def")]),
];

/// Every other cell counts: it is one of several equal ones, or a gate or a lookup of its row, or of the row before, has another
/// value if it has.
#[test]
fn cells_that_nothing_reads_are_listed() {
    let circuit = circuit();
    let structure = &HONEST.structure;
    let mut columns = HONEST.columns.clone();
    let n = columns[A].len();
    let values = |columns: &crate::circuit::Columns, row: usize| -> Vec<Fr> {
        let mut all = Vec::new();
        for row in [row, (row + n - 1) % n] {
            let residue = row % crate::gates::PERIOD;
            let cells = circuit.cells(structure, columns, row);
            for gate in circuit
                .gates
                .iter()
                .filter(|g| g.residues.contains(&residue))
            {
                all.extend((gate.constraints)(&cells));
            }
            for lookup in circuit
                .lookups
                .iter()
                .filter(|l| l.residues.contains(&residue))
            {
                let fractions = (lookup.fractions)(&cells, &separators());
                all.extend(fractions.iter().flat_map(|f| [f.numerator, f.denominator]));
            }
        }
        all
    };
    let listed = |run: &str, row: usize| {
        let of_run = FREE.iter().find(|(name, _)| *name == run);
        let of_row = of_run.and_then(|(_, rows)| rows.iter().find(|(r, _)| *r == row));
        of_row.map_or("f", |(_, names)| names)
    };
    let runs = crate::gates::runs();
    for run in runs {
        for row_of_run in 0..run.rows {
            let mut names = String::new();
            for (column, name) in ["a", "b", "c", "d", "e", "f"].iter().enumerate() {
                let mut counts = |row: usize| {
                    if column < crate::circuit::WIRES {
                        let next = structure.cell(structure.next_equal[column][row]);
                        if (next.column, next.row) != (column, row) {
                            return true;
                        }
                    }
                    let before = values(&columns, row);
                    columns[column][row] += Fr::ONE;
                    let after = values(&columns, row);
                    columns[column][row] -= Fr::ONE;
                    before != after
                };
                let mut rows = (0..64).flat_map(|block| {
                    let first = block * crate::gates::PERIOD + run.first + row_of_run;
                    (0..run.count).map(move |i| first + i * run.rows)
                });
                if !rows.any(&mut counts) {
                    names += name;
                }
            }
            assert_eq!(
                names,
                listed(run.name, row_of_run),
                "{}, row {row_of_run}",
                run.name
            );
        }
    }
}

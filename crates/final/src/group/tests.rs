//! What is stated of points: honest witnesses hold, and for each statement there is a lying one that only it refuses.

use super::*;
use crate::assign::circuit;
use crate::circuit::{Failure, SEPARATORS, Separators};
use crate::gates::{EQUATION, PERIOD};
use halo2curves::bn256::G1;
use halo2curves::ff::PrimeField;
use halo2curves::group::Curve;
use nanozk_recursion::base_field::chunks_of;
use nanozk_recursion::multiplication::digits as digits_of;
use nanozk_transcript::poseidon::point_words;
use num_bigint::BigUint;
use std::collections::BTreeSet;

/// What fails of some rows.
fn all_failures(f: impl FnOnce(&mut Assembly)) -> Vec<Failure> {
    failures_with(f, None)
}

/// Its names.
fn failures(f: impl FnOnce(&mut Assembly)) -> Vec<&'static str> {
    names(&all_failures(f))
}

fn names(failures: &[Failure]) -> Vec<&'static str> {
    let name = |failure: &Failure| match failure {
        Failure::Gate { name, .. } => *name,
        Failure::Equal(..) => "equal",
        Failure::Input { .. } => "input",
        Failure::Lookups => "lookups",
    };
    failures.iter().map(name).collect()
}

/// The equation that a gate which fails is part of.
fn equation_of(failure: &Failure) -> usize {
    let Failure::Gate { row, .. } = failure else {
        panic!("{failure:?}")
    };
    let (block, residue) = (row / PERIOD, row % PERIOD);
    let rows = EQUATION.first..EQUATION.first + EQUATION.rows * EQUATION.count;
    assert!(rows.contains(&residue), "{failure:?}");
    block * EQUATION.count + (residue - EQUATION.first) / EQUATION.rows
}

/// What fails if all cells that have a value get another, as if the prover had said that.
fn failures_with(f: impl FnOnce(&mut Assembly), exchanged: Option<[Fr; 2]>) -> Vec<Failure> {
    let mut rows = Assembly::new(0);
    f(&mut rows);
    let (structure, mut columns, _) = rows.finish().unwrap();
    if let Some([old, new]) = exchanged {
        let cells = columns.iter_mut().flatten();
        let cells = cells.filter(|cell| **cell == old);
        let changed = cells.map(|cell| *cell = new).count();
        assert!(changed > 0, "no cell has the value");
    }
    let tau = Fr::from(0x1234_5678_9abc);
    let separators = Separators {
        shift: Fr::from(0xfedc_ba98).square(),
        powers: std::array::from_fn::<_, SEPARATORS, _>(|i| tau.pow_vartime([i as u64 + 1])),
    };
    circuit().failures(&structure, &[], &columns, &separators)
}

fn multiple(factor: u64) -> G1Affine {
    (G1::generator() * Fr::from(factor)).to_affine()
}

fn free_point(rows: &mut Assembly, value: G1Affine) -> Point {
    Point {
        x: rows.number(&value.x),
        y: rows.number(&value.y),
        value,
    }
}

/// A difference by its chunks, of which nothing is stated.
fn difference(rows: &mut Assembly, chunks: Chunks) -> Form {
    rows.form(chunks, |rows, i| rows.wire(integer(chunks[i])))
}

/// The order of the base field.
fn order() -> Chunks {
    let mut order = chunks_of(&-Fq::ONE);
    order[0] += 1;
    order
}

#[test]
fn what_is_zero_modulo_the_order_has_no_inverse() {
    let order = order();
    let mut one_more = order;
    one_more[0] += 1;
    // Chunks need not be positive.
    let others = [[1, 0, 0, 0], [0, 0, 0, -1], [5, -7, 0, 1], one_more];
    let zeros = [[0; 4], order, order.map(|chunk| -chunk)];
    let found = failures(|rows| {
        for chunks in others.into_iter().chain(zeros) {
            let d = difference(rows, chunks);
            is_not_zero(rows, &d);
        }
    });
    // One statement fails of each that is zero, whatever its prover says is the inverse.
    assert_eq!(found, ["arithmetic"; 3]);
}

#[test]
fn points_with_the_same_x_are_not_added() {
    let (p, q) = (multiple(5), multiple(7));
    let found = failures(|rows| {
        // Of twice the same point any slope would do, and only the witness refuses it.
        for (p, q, is_stated) in [(p, q, true), (p, p, false), (p, p, true)] {
            let [p, q] = [p, q].map(|value| free_point(rows, value));
            add(rows, &p, &q, is_stated);
        }
    });
    assert_eq!(found, ["arithmetic"]);
}

/// Each place where points could have the same `x`.
#[test]
fn sums_meet_no_exception() {
    let base = Fr::from(16);
    let number = |last: u64| -> Fr {
        let all = (0..64_u64).map(|j| match j {
            63 => -Fr::from(13),
            0 => Fr::from(last),
            _ => Fr::from(3),
        });
        let powers = all.enumerate();
        powers
            .map(|(j, digit)| base.pow_vartime([j as u64]) * digit)
            .sum()
    };
    let weight: Fr = (0..=64_u64).map(|j| base.pow_vartime([j])).sum();
    let (start, honest) = (start(), multiple(11));
    let inverse = |x: u64| Fr::from(x).invert().unwrap();
    let times = |point: G1Affine, factor: Fr| (point * factor).to_affine();
    let fifteenths = times(start, -Fr::from(15) * inverse(13));
    let sum = times(honest, number(1));
    let end = -weight.double() * inverse(7);
    let found = failures(|rows| {
        for (scalar, point, other) in [
            (number(1), honest, multiple(3)),
            // A window's sum begins with the start, to which it is added.
            (number(1), start, multiple(3)),
            // Sixteen times the start, and the first window's sum, which is the same.
            (number(3), fifteenths, multiple(3)),
            // The end is what is subtracted from it.
            (end, times(start, Fr::from(7)), multiple(3)),
            // What has no scalar is the sum so far.
            (number(1), honest, sum),
        ] {
            let scalar = rows.wire(scalar);
            let terms = [(Some(scalar), point), (None, other)];
            let terms = terms.map(|(scalar, value)| (scalar, free_point(rows, value)));
            multiply(rows, [terms.to_vec()]);
        }
    });
    // The first has none, each of the others one.
    assert_eq!(found, ["arithmetic"; 4]);
}

/// A point off the curve, by each of the three lies that there are: a prover says what the square of `x` is, what its cube is,
/// or that `y²` is the cube and three. The equation that it is a lie about fails, and no other.
#[test]
fn points_are_on_the_curve() {
    let p = multiple(5);
    let off = G1Affine {
        y: p.y + Fq::ONE,
        ..p
    };
    let square = p.x.square();
    let cube = square * p.x;
    let fitting = off.y.square() - Fq::from(3);
    let square_of_fitting = fitting * p.x.invert().unwrap();
    let mut refused = Vec::new();
    for (value, powers, lies) in [
        (p, [square, cube], 0),
        (off, [square_of_fitting, fitting], 1),
        (off, [square, fitting], 1),
        (off, [square, cube], 1),
    ] {
        let failures = all_failures(|rows| {
            point_by(rows, value, powers);
        });
        let equations: BTreeSet<usize> = failures.iter().map(equation_of).collect();
        assert_eq!(equations.len(), lies, "{failures:?}");
        refused.extend(equations);
    }
    // Each is another one.
    assert_eq!(BTreeSet::from_iter(refused.clone()).len(), refused.len());
}

#[test]
fn words_are_those_of_the_point() {
    let p = multiple(5);
    let found = failures(|rows| {
        for wrong in 0..4 {
            let point = free_point(rows, p);
            let mut words = point_words(&p);
            if let Some(word) = words.get_mut(wrong) {
                *word += Fr::ONE;
            }
            let words = words.map(|word| rows.wire(word));
            state_words(rows, &point, words);
        }
    });
    assert_eq!(found, ["arithmetic"; 3]);
}

/// Digits give the scalar that they are of.
#[test]
fn digits_are_of_their_scalar() {
    let scalar = Fr::from(1234).square().square().square();
    let digits = |rows: &mut Assembly| {
        let scalar = rows.wire(scalar);
        let values = digits_of(&rows.value(scalar));
        Digits::by(rows, scalar, values);
    };
    let found = failures_with(digits, Some([scalar, scalar + power_of_two(252)]));
    assert_eq!(names(&found), ["arithmetic"]);
}

/// Nothing says which of its strings of digits a prover takes for a scalar: so it must not matter.
#[test]
fn all_digits_of_a_scalar_give_its_multiple() {
    let (scalar, point) = (-Fr::from(5), multiple(11));
    let number = |x: &Fr| BigUint::from_bytes_le(x.to_repr().as_ref());
    let order = number(&-Fr::ONE) + 1_u32;
    let half = (scalar + power_of_two(256) - Fr::ONE) * Fr::TWO_INV;
    let strings = (0..6).map(|i| number(&half) + &order * BigUint::from(i as u32));
    let strings: Vec<[usize; WINDOWS]> = strings
        .filter(|half| half.bits() <= 256)
        .map(|half| {
            let mut nibbles = half.to_radix_le(1 << WINDOW_BITS);
            nibbles.resize(WINDOWS, 0);
            std::array::from_fn(|i| usize::from(nibbles[WINDOWS - 1 - i]))
        })
        .collect();
    assert!((5..=6).contains(&strings.len()));
    assert_eq!(strings[0], digits_of(&scalar));
    for string in strings {
        let mut result = None;
        let found = failures(|rows| {
            let scalar = rows.wire(scalar);
            let point = free_point(rows, point);
            let [sum] = multiply_by(rows, [vec![(Some(scalar), point)]], |_| string);
            result = Some(sum.value);
        });
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(result, Some((point * scalar).to_affine()));
    }
}

/// How many numbers, equations and rows of arithmetic each statement takes: none is left out.
#[test]
fn statements_take_their_rows() {
    type Statement = fn(&mut Assembly, &Point, &Point);
    let nothing: Statement = |_, _, _| ();
    let free: Statement = |rows, p, _| {
        point(rows, p.value);
    };
    let sum: Statement = |rows, p, q| {
        add(rows, p, q, false);
    };
    let stated: Statement = |rows, p, q| {
        add(rows, p, q, true);
    };
    let twice: Statement = |rows, p, _| {
        double(rows, p);
    };
    let words: Statement = |rows, p, _| {
        let words = point_words(&p.value).map(|word| rows.wire(word));
        state_words(rows, p, words);
    };
    let statements = [
        ("nothing", nothing, [0, 0, 0]),
        // Its square and its cube, and two coordinates.
        ("point", free, [4, 3, 0]),
        // A slope and two coordinates; differences, and a sum.
        ("sum", sum, [3, 3, 12]),
        // The difference as one number, its third power and its inverse.
        ("stated sum", stated, [3, 3, 17]),
        // Half the square, a slope and two coordinates; a difference.
        ("double", twice, [4, 4, 4]),
        ("words", words, [0, 0, 3]),
    ];
    let mut before = [0; 3];
    for (name, statement, expected) in statements {
        let mut rows = Assembly::new(0);
        let [p, q] = [5, 7].map(|factor| free_point(&mut rows, multiple(factor)));
        statement(&mut rows, &p, &q);
        let (_, _, usage) = rows.finish().unwrap();
        let used = ["limbs of numbers", "limbs of equations", "arithmetic"].map(|what| {
            let found = usage.iter().find(|usage| usage.what == what);
            found.unwrap().used
        });
        if name == "nothing" {
            before = used;
        }
        let own: [usize; 3] = std::array::from_fn(|i| used[i] - before[i]);
        assert_eq!(own, expected, "{name}");
    }
}

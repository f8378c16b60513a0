//! The circuit's rows and gates.
//!
//! A block of 128 rows has, one after the other,
//!
//! | rows | what they are |
//! |---|---|
//! | 1 | a public input |
//! | 1 | random |
//! | 8 | range table: four numbers a row |
//! | 2 | memory table: a tuple, and a negated one |
//! | 2 | lookup of a point's `x` and `y` |
//! | 1 | two digits |
//! | 1 | a constant |
//! | 44 | four times the limbs of a number and of an equation |
//! | 24 | four equations |
//! | 3 | two full rounds, and what they give |
//! | 13 | twelve partial rounds, and what they give |
//! | 28 | arithmetic |
//!
//! Numbers of the base field have four chunks of 64 bits, of four limbs of 16 bits each. An equation `A·B − C = 0` modulo the
//! order `p` of the base field is one between integers with a quotient `k`: `D = A·B − C − (k − 2^255)·p = Σ 2^(64·m)·D_m` is
//! zero. With carries `u` and `v`
//!
//! ```text
//! D_0 + 2^64·D_1             = 2^128·u      −2^79 ≤ u < 2^79
//! D_2 + 2^64·D_3 + u         = 2^128·v      v likewise
//! D_4 + 2^64·D_5 + 2^128·D_6 = −v
//! ```
//!
//! The first two are equations of integers, for both sides are below `2^209`; so `D` is `2^256·(v + D_4 + 2^64·D_5 + 2^128·D_6)`.
//! This is zero modulo `r` if the third holds, and an integer below `r·2^256`, by the bounds of
//! `nanozk_recursion::base_field`, so it is zero. `C` counts in the first two only.

use crate::circuit::{
    CONSTRAINTS, Cells, Circuit, FRACTIONS, Fraction, Gate, Lookup, QUADRATIC, Row,
};
use halo2curves::bn256::{Fq, Fr};
use halo2curves::ff::Field;
use nanozk_circuit::integer;
use nanozk_poseidon::{constants, times};
use nanozk_recursion::base_field::{chunks_of, power_of_two};
use std::ops::Range;
use std::sync::LazyLock;

/// Rows of a block.
pub(crate) const PERIOD: usize = 128;
/// Numbers of the range table.
pub(crate) const RANGE: usize = 1 << 16;
/// Numbers of a row of the range table.
pub(crate) const RANGE_ROW: usize = 4;

/// Rows that belong together: where they start in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) first: usize,
    pub(crate) rows: usize,
    pub(crate) count: usize,
}

const fn run(name: &'static str, first: usize, rows: usize, count: usize) -> Run {
    Run {
        name,
        first,
        rows,
        count,
    }
}

/// Rows are `2^K`.
pub const K: u32 = 18;
/// Numbers, and equations, of a block.
const UNITS: usize = 4;
/// Rows of the range table in a block.
const TABLE_ROWS: usize = (RANGE / RANGE_ROW * PERIOD) >> K;

/// A run after another.
const fn after_run(before: Run, name: &'static str, rows: usize, count: usize) -> Run {
    run(name, before.first + before.rows * before.count, rows, count)
}

pub(crate) const INPUT: Run = run("public input", 0, 1, 1);
pub(crate) const RANDOM: Run = after_run(INPUT, "random", 1, 1);
pub(crate) const RANGE_TABLE: Run = after_run(RANDOM, "range table", 1, TABLE_ROWS);
pub(crate) const MEMORY_TABLE: Run = after_run(RANGE_TABLE, "memory table", 1, 1);
pub(crate) const NEGATIVE_TABLE: Run = after_run(MEMORY_TABLE, "negated memory table", 1, 1);
pub(crate) const LOOKUP: Run = after_run(NEGATIVE_TABLE, "lookup of a point", 2, 1);
pub(crate) const DIGITS: Run = after_run(LOOKUP, "digits", 1, 1);
pub(crate) const CONSTANT: Run = after_run(DIGITS, "constant", 1, 1);
pub(crate) const LIMBS: Run = after_run(CONSTANT, "limbs", 11, UNITS);
pub(crate) const EQUATION: Run = after_run(LIMBS, "equation", 6, UNITS);
pub(crate) const FULL: Run = after_run(EQUATION, "full rounds", FULL_ROUNDS + 1, 1);
pub(crate) const PARTIAL: Run = after_run(FULL, "partial rounds", PARTIAL_ROUNDS + 1, 1);
const USED: usize = PARTIAL.first + PARTIAL.rows * PARTIAL.count;
pub(crate) const ARITHMETIC: Run = after_run(PARTIAL, "arithmetic", 1, PERIOD - USED);

/// Full rounds of a run.
pub(crate) const FULL_ROUNDS: usize = 2;
/// Partial rounds of a run.
pub(crate) const PARTIAL_ROUNDS: usize = 12;

/// Rows of a run of limbs.
pub(crate) mod limbs {
    /// Four chunks of a number.
    pub(crate) const NUMBER: usize = 0;
    /// The highest limbs of both carries, and the number's highest limb times four.
    pub(crate) const LOOSE: usize = 4;
    /// The carry `u`.
    pub(crate) const FIRST_CARRY: usize = 5;
    /// The carry `v`.
    pub(crate) const SECOND_CARRY: usize = 6;
    /// Four chunks of the quotient.
    pub(crate) const QUOTIENT: usize = 7;
}

/// Rows of an equation `A·B = C + κ·C'`. What they pass on is in `e` and `f`.
pub(crate) mod equation {
    /// Chunks of the quotient, and `v`.
    pub(crate) const QUOTIENT_ABOVE: usize = 0;
    /// Chunks of `A`, and `u`.
    pub(crate) const LEFT: usize = 1;
    /// Chunks of `B`.
    pub(crate) const RIGHT: usize = 2;
    /// Chunks of the quotient.
    pub(crate) const QUOTIENT: usize = 3;
    /// Chunks of `C`.
    pub(crate) const FIRST: usize = 4;
    /// Chunks of `C'`, and `v`.
    pub(crate) const SECOND: usize = 5;
}

/// All rows of a block.
#[cfg(test)]
pub(crate) fn runs() -> [Run; 13] {
    [
        INPUT,
        RANDOM,
        RANGE_TABLE,
        MEMORY_TABLE,
        NEGATIVE_TABLE,
        LOOKUP,
        DIGITS,
        CONSTANT,
        LIMBS,
        EQUATION,
        FULL,
        PARTIAL,
        ARITHMETIC,
    ]
}

impl Run {
    /// Residues of a row of all runs.
    fn residues(self, row: usize) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |i| self.first + i * self.rows + row)
    }

    fn all(self, rows: Range<usize>) -> Vec<usize> {
        rows.flat_map(|row| self.residues(row)).collect()
    }
}

/// Powers of two, and what the order of the base field is multiplied by, as gates need them.
pub(crate) struct Numbers {
    /// `2^16`, `2^32`, `2^48`, `2^64`.
    pub(crate) limb: [Fr; 4],
    /// `2^64`, `2^128`.
    pub(crate) chunk: [Fr; 2],
    /// `2^79`, subtracted from carries.
    pub(crate) carry_bias: Fr,
    /// What the quotient's chunks are multiplied by in the three equations.
    pub(crate) order: [[Fr; 4]; 3],
    /// What its bias adds to them.
    pub(crate) bias: [Fr; 3],
}

/// `x_0 + 2^64·x_1 + 2^128·x_2` of what is below `2^128`, from there to below `2^256`, and above.
pub(crate) fn thirds<const N: usize>(x: [Fr; N]) -> [Fr; 3] {
    let sum = |range: Range<usize>| {
        let digits = range.rev().map(|m| x.get(m).copied().unwrap_or(Fr::ZERO));
        digits.fold(Fr::ZERO, |sum, digit| sum * power_of_two(64) + digit)
    };
    [sum(0..2), sum(2..4), sum(4..7)]
}

pub(crate) static NUMBERS: LazyLock<Numbers> = LazyLock::new(|| {
    // p − 1 has the chunks of p but for the lowest.
    let mut order = chunks_of(&-Fq::ONE).map(integer);
    order[0] += Fr::ONE;
    // Of chunk i of the quotient.
    let multiples: [[Fr; 3]; 4] = std::array::from_fn(|i| {
        let mut product = [Fr::ZERO; 7];
        product[i..i + 4].copy_from_slice(&order);
        thirds(product)
    });
    Numbers {
        limb: [16, 32, 48, 64].map(power_of_two),
        chunk: [64, 128].map(power_of_two),
        carry_bias: power_of_two(79),
        order: std::array::from_fn(|third| multiples.map(|multiple| multiple[third])),
        // 2^255 is 2^63 of the highest chunk.
        bias: multiples[3].map(|multiple| power_of_two(63) * multiple),
    }
});

/// Constraints of a gate.
fn zero<const N: usize>(values: [Fr; N]) -> [Fr; CONSTRAINTS] {
    const { assert!(N <= CONSTRAINTS) }
    std::array::from_fn(|i| values.get(i).copied().unwrap_or(Fr::ZERO))
}

/// Fractions of a lookup.
fn fractions<const N: usize>(values: [(Fr, Fr); N]) -> [Fraction; FRACTIONS] {
    const { assert!(N <= FRACTIONS) }
    std::array::from_fn(|i| match values.get(i) {
        Some((numerator, denominator)) => Fraction {
            numerator: *numerator,
            denominator: *denominator,
        },
        None => Fraction::NONE,
    })
}

/// `a + 2^16·b + 2^32·c + 2^48·e`
fn limbs_together(row: &Row) -> Fr {
    let [second, third, fourth, _] = NUMBERS.limb;
    row.a + second * row.b + third * row.c + fourth * row.e
}

/// A quotient without its bias, times the order of the base field, in one of the three equations.
fn multiple_of_order(quotient: [Fr; 4], third: usize) -> Fr {
    let terms = quotient.into_iter().zip(&NUMBERS.order[third]);
    terms.fold(-NUMBERS.bias[third], |sum, (chunk, factor)| {
        sum + chunk * factor
    })
}

/// The same in all of them.
pub(crate) fn multiples_of_order(quotient: [Fr; 4]) -> [Fr; 3] {
    std::array::from_fn(|third| multiple_of_order(quotient, third))
}

impl Row {
    fn chunks(&self) -> [Fr; 4] {
        [self.a, self.b, self.c, self.d]
    }
}

/// A row of four limbs: `d = a + 2^16·b + 2^32·c + 2^48·e`.
fn chunk(cells: &Cells) -> [Fr; CONSTRAINTS] {
    zero([limbs_together(&cells.row) - cells.row.d])
}

/// The number's last row, before the loose limbs: of its highest limb `e` the upper two bits are zero, for the loose limb
/// `c = 4·e` has 16 bits, too.
fn spare(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let (highest, loose) = (cells.row.e, cells.next.c);
    zero([highest.double().double() - loose])
}

/// The loose limbs, before the carry `u`: `u = limbs + 2^64·a − 2^79` is its `d`, and its `f` is the loose limb `b`.
fn first_carry(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let ([.., top], bias) = (NUMBERS.limb, NUMBERS.carry_bias);
    let (highest, highest_of_second) = (cells.row.a, cells.row.b);
    let (carry, passed_on) = (cells.next.d, cells.next.f);
    zero([
        limbs_together(&cells.next) + top * highest - bias - carry,
        passed_on - highest_of_second,
    ])
}

/// The carry `u`, before the carry `v`: `v = limbs + 2^64·f − 2^79` is its `d`.
fn second_carry(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let ([.., top], bias) = (NUMBERS.limb, NUMBERS.carry_bias);
    let (highest, carry) = (cells.row.f, cells.next.d);
    zero([limbs_together(&cells.next) + top * highest - bias - carry])
}

/// The quotient, whose `e` is `v`, before `A`, whose `f` is what the products of the high chunks must be.
fn products_above(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let (quotient, left) = (&cells.row, &cells.next);
    zero([multiple_of_order(quotient.chunks(), 2) - quotient.e - left.f])
}

/// `A`, whose `e` is `u`, before `B`: `f` of `B` is the products' part of `D_0 + 2^64·D_1 − 2^128·u`, `e` that of
/// `D_2 + 2^64·D_3 + u`.
fn products(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let (left, right) = (&cells.row, &cells.next);
    let [shift, twice_shift] = NUMBERS.chunk;
    let carry = left.e;
    let second = left.a * right.b + left.b * right.a;
    let third = left.a * right.c + left.b * right.b + left.c * right.a;
    let fourth = left.a * right.d + left.b * right.c + left.c * right.b + left.d * right.a;
    let fifth = left.b * right.d + left.c * right.c + left.d * right.b;
    let sixth = left.c * right.d + left.d * right.c;
    let seventh = left.d * right.d;
    zero([
        left.a * right.a + shift * second - twice_shift * carry - right.f,
        third + shift * fourth + carry - right.e,
        fifth + shift * sixth + twice_shift * seventh - left.f,
    ])
}

/// `B` before the quotient, whose `f` and `e` are the same less the quotient's part.
fn less_quotient(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let (right, quotient) = (&cells.row, &cells.next);
    zero([
        right.f - multiple_of_order(quotient.chunks(), 0) - quotient.f,
        right.e - multiple_of_order(quotient.chunks(), 1) - quotient.e,
    ])
}

/// The quotient before `C`, whose `f` and `e` are the same less its own part.
fn less_first(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let (quotient, first) = (&cells.row, &cells.next);
    let [shift, _] = NUMBERS.chunk;
    zero([
        quotient.f - first.a - shift * first.b - first.f,
        quotient.e - first.c - shift * first.d - first.e,
    ])
}

/// `C` before `C'`, whose `e` is `v`: less the part of `κ·C'`, nothing is left, and `2^128·v`.
fn less_second(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let (first, second) = (&cells.row, &cells.next);
    let ([shift, twice_shift], factor) = (NUMBERS.chunk, cells.constant);
    zero([
        first.f - factor * (second.a + shift * second.b),
        first.e - factor * (second.c + shift * second.d) - twice_shift * second.e,
    ])
}

/// Two digits `a` and `c` of four bits: `b = 2^12·a` and `e = 2^12·c` have 16 bits.
fn digits(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let shift = Fr::from(1 << 12);
    let Row { a, b, c, e, .. } = cells.row;
    zero([a * shift - b, c * shift - e])
}

/// `a = κ`
fn constant(cells: &Cells) -> [Fr; CONSTRAINTS] {
    zero([cells.row.a - cells.constant])
}

/// `c = a·b + κ·d + e`
fn arithmetic(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let Row { a, b, c, d, e, .. } = cells.row;
    zero([a * b + cells.constant * d + e - c])
}

/// A state after the linear layer is the next row's `a, b, c`.
fn next_state(cells: &Cells, state: [Fr; 3]) -> [Fr; CONSTRAINTS] {
    let [x, y, z] = times(&constants().matrix, &state);
    zero([x - cells.next.a, y - cells.next.b, z - cells.next.c])
}

/// A full round of Poseidon of the state `a, b, c` with constants `κ, d, e`.
fn full_round(cells: &Cells) -> [Fr; CONSTRAINTS] {
    next_state(cells, cells.fifths)
}

/// A partial round likewise.
fn partial_round(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let Row { b, c, d, e, .. } = cells.row;
    next_state(cells, [cells.fifths[0], b + d, c + e])
}

/// The tag of the memory; the range table's tuples have one part, and so the tag zero.
const MEMORY_TAG: Fr = Fr::ONE;

/// The gates, and the lookups.
pub(crate) fn circuit() -> Circuit {
    let gate = |name, residues, count, degree, constraints| Gate {
        name,
        residues,
        count,
        degree,
        constraints,
    };
    let lookup = |name, residues, count, fractions| Lookup {
        name,
        residues,
        count,
        fractions,
    };
    let number_rows = limbs::NUMBER..limbs::LOOSE;
    let quotient_rows = limbs::QUOTIENT..LIMBS.rows;
    let chunk_rows = LIMBS.all(number_rows).into_iter();
    let chunk_rows = chunk_rows.chain(LIMBS.all(quotient_rows)).collect();
    let limb_row = |row: usize| LIMBS.all(row..row + 1);
    let row = |row: usize| EQUATION.all(row..row + 1);
    let range_rows = LIMBS.all(0..LIMBS.rows).into_iter();
    Circuit {
        period: PERIOD,
        gates: vec![
            gate("chunk", chunk_rows, 1, 1, chunk),
            gate("spare bits", limb_row(limbs::LOOSE - 1), 1, 1, spare),
            gate("first carry", limb_row(limbs::LOOSE), 2, 1, first_carry),
            gate(
                "second carry",
                limb_row(limbs::FIRST_CARRY),
                1,
                1,
                second_carry,
            ),
            gate(
                "products above",
                row(equation::QUOTIENT_ABOVE),
                1,
                1,
                products_above,
            ),
            gate("products", row(equation::LEFT), 3, QUADRATIC, products),
            gate(
                "less the quotient",
                row(equation::RIGHT),
                2,
                1,
                less_quotient,
            ),
            gate("less the first", row(equation::QUOTIENT), 2, 1, less_first),
            gate(
                "less the second",
                row(equation::FIRST),
                2,
                QUADRATIC,
                less_second,
            ),
            gate("digits", DIGITS.all(0..1), 2, 1, digits),
            gate("constant", CONSTANT.all(0..1), 1, 1, constant),
            gate("arithmetic", ARITHMETIC.all(0..1), 1, QUADRATIC, arithmetic),
            gate("full round", FULL.all(0..FULL_ROUNDS), 3, 5, full_round),
            gate(
                "partial round",
                PARTIAL.all(0..PARTIAL_ROUNDS),
                3,
                5,
                partial_round,
            ),
        ],
        lookups: vec![
            lookup(
                "range",
                range_rows.chain(DIGITS.all(0..1)).collect(),
                4,
                |cells, s| {
                    let Row { a, b, c, e, .. } = cells.row;
                    fractions([a, b, c, e].map(|limb| (Fr::ONE, s.denominator([limb]))))
                },
            ),
            lookup(
                "range table",
                RANGE_TABLE.all(0..1),
                RANGE_ROW,
                |cells, s| {
                    let Row { a, b, c, d, .. } = cells.row;
                    let mut number = cells.constant;
                    fractions([a, b, c, d].map(|uses| {
                        let denominator = s.denominator([number]);
                        number += Fr::ONE;
                        (-uses, denominator)
                    }))
                },
            ),
            lookup("x", LOOKUP.all(0..1), 1, |cells, s| {
                let Row { a, b, c, d, e, .. } = cells.row;
                let address = cells.constant + e.double();
                fractions([(Fr::ONE, s.denominator([a, b, c, d, address, MEMORY_TAG]))])
            }),
            lookup("y", LOOKUP.all(1..2), 1, |cells, s| {
                let Row { a, b, c, d, e, .. } = cells.row;
                let address = cells.constant + e.double() + Fr::ONE;
                fractions([(Fr::ONE, s.denominator([a, b, c, d, address, MEMORY_TAG]))])
            }),
            lookup("memory table", MEMORY_TABLE.all(0..1), 1, |cells, s| {
                let Row {
                    a,
                    b,
                    c,
                    d,
                    e: uses,
                    ..
                } = cells.row;
                let tuple = [a, b, c, d, cells.constant, MEMORY_TAG];
                fractions([(-uses, s.denominator(tuple))])
            }),
            lookup(
                "negated memory table",
                NEGATIVE_TABLE.all(0..1),
                1,
                |cells, s| {
                    let Row {
                        a,
                        b,
                        c,
                        d,
                        e: uses,
                        ..
                    } = cells.row;
                    let tuple = [-a, -b, -c, -d, cells.constant, MEMORY_TAG];
                    fractions([(-uses, s.denominator(tuple))])
                },
            ),
        ],
        input_residue: INPUT.first,
        random_residue: RANDOM.first,
    }
}

#[cfg(test)]
mod tests;

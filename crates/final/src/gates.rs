//! The circuit's rows and gates.
//!
//! A block of 128 rows has, one after the other,
//!
//! | rows | what they are |
//! |---|---|
//! | 1 | a public input |
//! | 1 | random |
//! | 4 | range table: four numbers a row |
//! | 2 | memory table: a tuple, and a negated one |
//! | 2 | lookup of a point's `x` and `y` |
//! | 1 | two digits |
//! | 1 | a constant |
//! | 33 | three times the limbs of a number and of an equation |
//! | 16 | three equations, and a row after them |
//! | 5 | four full rounds, and what they give |
//! | 16 | fifteen partial rounds, and what they give |
//! | 46 | arithmetic |
//!
//! Numbers of the base field have four chunks of 64 bits, of four limbs of 16 bits each. An equation `A·B − C = 0` modulo the
//! order `p` of the base field is one between integers with a quotient `k`, as in `nanozk_recursion::base_field`, whose bounds
//! hold: with `D = A·B − C − (k − 2^255)·p = Σ 2^(64·m)·D_m`, `D = 0` modulo `r`, and
//!
//! ```text
//! D_0 + 2^64·D_1     = 2^128·u      −2^79 ≤ u < 2^79
//! D_2 + 2^64·D_3 + u = 2^128·v      v likewise
//! ```

use crate::circuit::{
    Cells, Circuit, Fraction, Gate, Lookup, Row, CONSTRAINTS, FRACTIONS, QUADRATIC,
};
use halo2curves::bn256::{Fq, Fr};
use halo2curves::ff::{Field, PrimeField};
use nanozk_poseidon::{constants, times};
use nanozk_recursion::base_field::{chunks_of, order_in_scalars, power_of_two};
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
pub(crate) const K: u32 = 19;
/// Numbers, and equations, of a block.
const UNITS: usize = 3;
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
pub(crate) const EQUATION: Run = after_run(LIMBS, "equation", 5, UNITS);
/// After the last equation, whose last gate sees it.
const END: Run = after_run(EQUATION, "end of equations", 1, 1);
pub(crate) const FULL: Run = after_run(END, "full rounds", FULL_ROUNDS + 1, 1);
pub(crate) const PARTIAL: Run = after_run(FULL, "partial rounds", PARTIAL_ROUNDS + 1, 1);
const USED: usize = PARTIAL.first + PARTIAL.rows * PARTIAL.count;
pub(crate) const ARITHMETIC: Run = after_run(PARTIAL, "arithmetic", 1, PERIOD - USED);

/// Full rounds of a run.
pub(crate) const FULL_ROUNDS: usize = 4;
/// Partial rounds of a run.
pub(crate) const PARTIAL_ROUNDS: usize = 15;

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

/// Rows of an equation.
pub(crate) mod equation {
    /// Between equations: `d` and `e` are what is zero modulo `r` of that before and of that after.
    pub(crate) const BETWEEN: usize = 0;
    /// Chunks of `A`.
    pub(crate) const LEFT: usize = 1;
    /// Chunks of `B`.
    pub(crate) const RIGHT: usize = 2;
    /// Chunks of the quotient.
    pub(crate) const QUOTIENT: usize = 3;
    /// Chunks of `C`.
    pub(crate) const LINEAR: usize = 4;
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

/// Powers of two, and the order of the base field, as gates need them.
pub(crate) struct Numbers {
    /// `2^16`, `2^32`, `2^48`, `2^64`.
    limb: [Fr; 4],
    /// `2^64`, `2^128`, `2^192`.
    chunk: [Fr; 3],
    /// `2^79`, subtracted from carries.
    carry_bias: Fr,
    /// `p` modulo `r`.
    order: Fr,
    /// What the quotient's chunks are multiplied by in `D_0 + 2^64·D_1`.
    low: [Fr; 2],
    /// The same in `D_2 + 2^64·D_3`.
    high: [Fr; 4],
    /// What the quotient's bias adds modulo `r`, and to `D_2 + 2^64·D_3`.
    bias: [Fr; 2],
}

static NUMBERS: LazyLock<Numbers> = LazyLock::new(|| {
    // p − 1 has the chunks of p but for the lowest.
    let mut order = chunks_of(&-Fq::ONE).map(|chunk| Fr::from_u128(chunk.unsigned_abs()));
    order[0] += Fr::ONE;
    let shift = power_of_two(64);
    let [p0, p1, p2, p3] = order;
    Numbers {
        limb: [16, 32, 48, 64].map(power_of_two),
        chunk: [64, 128, 192].map(power_of_two),
        carry_bias: power_of_two(79),
        order: order_in_scalars(),
        low: [p0 + shift * p1, shift * p0],
        high: [
            p2 + shift * p3,
            p1 + shift * p2,
            p0 + shift * p1,
            shift * p0,
        ],
        bias: [
            power_of_two(255) * order_in_scalars(),
            power_of_two(64 + 63) * p0,
        ],
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

/// `a + 2^64·b + 2^128·c + 2^192·d`, modulo `r`.
fn whole(row: &Row) -> Fr {
    let [second, third, fourth] = NUMBERS.chunk;
    row.a + second * row.b + third * row.c + fourth * row.d
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

/// Before `A`: `e` is what the equation leaves modulo `r`, `A`'s `f`.
fn between(cells: &Cells) -> [Fr; CONSTRAINTS] {
    zero([cells.row.e - cells.next.f])
}

/// `A` before `B`, whose `e` is `u`. Of the products' part of `D`: `f` of `A` is it modulo `r`, `f` of `B` is
/// `D_0 + 2^64·D_1 − 2^128·u`, `e` of `A` is `D_2 + 2^64·D_3 + u`.
fn products(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let (left, right) = (&cells.row, &cells.next);
    let [shift, twice_shift, _] = NUMBERS.chunk;
    let carry = right.e;
    let (modulo_r, low, high) = (left.f, right.f, left.e);
    let second = left.a * right.b + left.b * right.a;
    let third = left.a * right.c + left.b * right.b + left.c * right.a;
    let fourth = left.a * right.d + left.b * right.c + left.c * right.b + left.d * right.a;
    zero([
        whole(left) * whole(right) - modulo_r,
        left.a * right.a + shift * second - twice_shift * carry - low,
        third + shift * fourth + carry - high,
    ])
}

/// `B` before the quotient: `f` is passed on.
fn pass_on(cells: &Cells) -> [Fr; CONSTRAINTS] {
    zero([cells.row.f - cells.next.f])
}

/// The quotient, whose `e` is `v` and whose `f` is the products' `D_0 + 2^64·D_1 − 2^128·u`, before `C`, whose `e` is the
/// products' `D_2 + 2^64·D_3 + u`. With `C` and the quotient's part, both are zero but for `2^128·v`; `f` of `C` is what the
/// products must be modulo `r`.
fn remainder(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let (quotient, linear) = (&cells.row, &cells.next);
    let [shift, twice_shift, _] = NUMBERS.chunk;
    let [whole_bias, high_bias] = NUMBERS.bias;
    let carry = quotient.e;
    let (low, high, modulo_r) = (quotient.f, linear.e, linear.f);
    let [k0, k1, k2, k3] = [quotient.a, quotient.b, quotient.c, quotient.d];
    let [l0, l1] = NUMBERS.low;
    let [h0, h1, h2, h3] = NUMBERS.high;
    zero([
        low - linear.a - shift * linear.b - k0 * l0 - k1 * l1,
        high - linear.c - shift * linear.d - k0 * h0 - k1 * h1 - k2 * h2 - k3 * h3 + high_bias
            - twice_shift * carry,
        whole(linear) + NUMBERS.order * whole(quotient) - whole_bias - modulo_r,
    ])
}

/// `C` before what is between equations: `d` there is what the products must be modulo `r`.
fn after(cells: &Cells) -> [Fr; CONSTRAINTS] {
    zero([cells.row.f - cells.next.d])
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

fn fifth(x: Fr) -> Fr {
    x.square().square() * x
}

/// A state after the linear layer is the next row's `a, b, c`.
fn next_state(cells: &Cells, state: [Fr; 3]) -> [Fr; CONSTRAINTS] {
    let [x, y, z] = times(&constants().matrix, &state);
    zero([x - cells.next.a, y - cells.next.b, z - cells.next.c])
}

/// A full round of Poseidon of the state `a, b, c` with constants `κ, d, e`.
fn full_round(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let Row { a, b, c, d, e, .. } = cells.row;
    next_state(
        cells,
        [fifth(a + cells.constant), fifth(b + d), fifth(c + e)],
    )
}

/// A partial round likewise.
fn partial_round(cells: &Cells) -> [Fr; CONSTRAINTS] {
    let Row { a, b, c, d, e, .. } = cells.row;
    next_state(cells, [fifth(a + cells.constant), b + d, c + e])
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
            gate("before the products", row(equation::BETWEEN), 1, 1, between),
            gate("products", row(equation::LEFT), 3, QUADRATIC, products),
            gate("products, passed on", row(equation::RIGHT), 1, 1, pass_on),
            gate("remainder", row(equation::QUOTIENT), 3, 1, remainder),
            gate("after the remainder", row(equation::LINEAR), 1, 1, after),
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

//! The softmax: its maximum, its exponentials, its sum, its mask.

use crate::layers::*;
use crate::{attention, stopped_by, stopped_by_part, Part};
use nanozk_circuits::attention::Exp;
use nanozk_executor::tables::ExpTable;

const MARK: i128 = 1 << 64;

/// Forges the first row of which something holds, and lets everything follow.
fn forged(holds: impl Fn(&SoftRow) -> bool, change: impl Fn(&mut SoftRow)) -> Case {
    let mut c = attention();
    let mut row = SoftRow::all(&c)
        .into_iter()
        .find(holds)
        .expect("such a row");
    let honest = row.p.clone();
    change(&mut row);
    assert_ne!(row.p, honest, "the probabilities change");
    row.write(&mut c);
    c.attend();
    c
}

/// All distances and the maximum larger; the rounding of the exponentials changes the probabilities.
fn shift(row: &mut SoftRow, by: i128) {
    row.max += by;
    row.maxima.fill(row.max);
    let full: Vec<i128> = row.full().iter().map(|z| z + by).collect();
    row.distances(&full);
}

/// Large enough for exponentials to lose most of their bits.
const SHIFT: i128 = 1 << 14;

/// Without the mark, any upper bound would do as the maximum.
#[test]
fn shift_by_more_than_the_maximum_without_a_mark() {
    let case = forged(
        |row| row.t > 1,
        |row| {
            shift(row, SHIFT);
            row.top.fill(0);
            row.chain();
            row.sums.iter_mut().for_each(|s| *s += MARK);
        },
    );
    stopped_by(case, &["row_sum_first"]);
}

/// Without the condition of the mark, it could stand where the score is not the maximum.
#[test]
fn shift_by_more_than_the_maximum_with_a_mark() {
    for by in [SHIFT, 1] {
        let rows = SoftRow::all(&attention());
        let changes = |row: &SoftRow| {
            let mut changed = row.clone();
            shift(&mut changed, by);
            changed.p != row.p
        };
        if !rows.iter().any(changes) {
            continue;
        }
        stopped_by(forged(changes, |row| shift(row, by)), &["top_zero"]);
    }
}

/// Without the mask of marks, a masked score could be the maximum.
#[test]
fn mark_on_a_masked_position() {
    let case = forged(
        |row| row.t == 2,
        |row| {
            shift(row, SHIFT);
            row.top = vec![0, 0, 0, 1];
            row.chain();
        },
    );
    stopped_by(case, &["top_masked", "top_zero"]);
}

fn tie(row: &SoftRow) -> bool {
    row.full()[..2] == [0, 0]
}

/// Two marks at scores that tie: without ranges, the sum would be 2^64 too large, and nothing be left of
/// the probabilities.
#[test]
fn two_marks_at_a_tie() {
    let case = forged(tie, |row| {
        row.top[..2].fill(1);
        row.chain();
        let total = row.used.iter().sum::<i128>() + MARK;
        row.divide(total, 0);
        row.probabilities();
    });
    stopped_by_part(case, Part::Lookups);
}

/// No mark: without ranges, the sum would be 2^64 too small.
#[test]
fn no_mark() {
    let case = forged(
        |row| row.t > 1,
        |row| {
            row.top.fill(0);
            row.chain();
            let total = row.used.iter().sum::<i128>() - MARK;
            row.divide(total, 0);
            row.probabilities();
        },
    );
    stopped_by_part(case, Part::Lookups);
}

/// Which of two equal maxima is marked is up to the prover, and changes nothing.
#[test]
fn either_of_a_tie_may_be_marked() {
    let mut c = attention();
    let mut row = SoftRow::all(&c).into_iter().find(tie).expect("a tie");
    row.top.swap(0, 1);
    row.chain();
    row.write(&mut c);
    c.recount();
    assert!(c.violations().is_empty());
    assert!(c.first != attention().first);
}

/// Without ranges of the slack and its complement, probabilities could add up to anything.
#[test]
fn sum_not_normalized() {
    for by in [1, -1, 1 << 24, -1 << 24] {
        let changed = |row: &mut SoftRow| {
            let total = row.used.iter().sum();
            row.divide(total, row.recip + by);
            row.probabilities();
        };
        let mut c = attention();
        let mut row = SoftRow::of(&c, 1, 3);
        changed(&mut row);
        assert!(row.slack.min(row.rest) < 0);
        row.write(&mut c);
        c.attend();
        stopped_by_part(c, Part::Lookups);
    }
}

/// Without a range check of its remainder, a probability could be rounded to its other neighbour.
#[test]
fn probability_rounded_the_wrong_way() {
    for by in [1, -1] {
        let case = forged(
            |row| row.t > 0,
            |row| {
                row.p[0] += by;
                assert!(!row.remainders());
            },
        );
        stopped_by_part(case, Part::Lookups);
    }
}

/// Without the mask, a position could attend to one that comes after it.
#[test]
fn attention_to_a_masked_position() {
    let position = |row: &SoftRow| (row.t + 1..row.z.len()).find(|s| row.e[*s] > 0);
    let holds = |row: &SoftRow| position(row).is_some();
    let case = forged(holds, |row| {
        let s = position(row).expect("a position");
        (row.w[s], row.far[s]) = (row.w[s] + 1, 0);
        row.used[s] = row.e[s];
        row.normalize();
    });
    stopped_by(case, &["far_masked", "far_zero"]);

    // Nor if the mask is not subtracted from its score.
    let case = forged(holds, |row| {
        let s = position(row).expect("a position");
        (row.w[s], row.far[s]) = (0, 0);
        row.used[s] = row.e[s];
        row.normalize();
    });
    stopped_by(case, &["far_masked", "sum_ends"]);
}

/// Replaces the exponential of the upper byte in a cell, and lets everything follow.
fn upper_byte(holds: impl Fn(usize) -> bool, value: impl Fn(usize) -> i64) {
    let mut c = attention();
    let exp = ExpTable::get();
    let rows = SoftRow::all(&c);
    let fits = |row: &SoftRow, s: usize| {
        let (z1, z0) = (row.z[s] as usize >> 8, row.z[s] as usize & 255);
        let e = round(i128::from(value(z1)) * i128::from(exp.e0[z0]), 16).0;
        s <= row.t && holds(z1) && e < 1 << 16 && e != row.e[s]
    };
    let (mut row, s) = rows
        .into_iter()
        .find_map(|row| (0..row.z.len()).find(|s| fits(&row, *s)).map(|s| (row, s)))
        .expect("such a cell");
    let (z1, z0) = (row.z[s] as usize >> 8, row.z[s] as usize & 255);
    let (e, rem) = round(i128::from(value(z1)) * i128::from(exp.e0[z0]), 16);
    (row.e[s], row.used[s]) = (e, e);
    row.normalize();
    row.write(&mut c);
    let layer = c.layer.clone();
    let scores = &layer.attention().unwrap().scores;
    let Exp::Split {
        high, rem: limbs, ..
    } = &scores.exp
    else {
        panic!("8-bit limbs")
    };
    let at = scores.row(c.n(), row.head, row.t, s);
    c.set("partner 0", at + high.offset, int(value(z1).into()));
    c.put(limbs, at, rem);
    c.attend();
    stopped_by_part(c, Part::Lookups);
}

/// Without the partner in the tuple, an exponential could be anything.
#[test]
fn exponential_replaced() {
    upper_byte(|_| true, |z1| ExpTable::get().e1[z1] / 2);
}

/// Without the tag in the tuple, the upper byte could be looked up as the lower one.
#[test]
fn exponential_of_the_other_byte() {
    upper_byte(|z1| z1 > 0, |z1| ExpTable::get().e0[z1]);
}

//! LayerNorm: the mean and the reciprocal root.

use crate::layers::*;
use crate::{mlp, stopped_by_part, Part};
use nanozk_circuits::LayerKind;

const T: usize = 2;

/// Lets everything follow from a false LayerNorm at one position.
fn forged(change: impl Fn(&mut NormRow)) -> Case {
    forged_at(mlp(), T, change)
}

fn forged_at(mut c: Case, t: usize, change: impl Fn(&mut NormRow)) -> Case {
    let mut row = NormRow::of(&c, t);
    change(&mut row);
    row.copies();
    row.outputs();
    row.write(&mut c, t);
    let mut out = c.mlp.norm.out.clone();
    let at = t * row.out.len();
    for (out, value) in out[at..].iter_mut().zip(&row.out) {
        *out = *value as i64;
    }
    c.feed(&out);
    c
}

/// As much as changes the outputs and leaves them within their 16 bits, and as little as possible.
const STEPS: [i128; 2] = [1 << 20, 1];

/// Without a range check, the slack of `r²·v ≤ N` could be negative, that is, nearly the modulus.
#[test]
fn root_too_large_with_a_negative_slack() {
    for by in STEPS {
        let case = forged(|row| {
            row.r += by;
            row.slacks();
            assert!(row.below < 0 && row.above > 0);
        });
        stopped_by_part(case, Part::Lookups);
    }
}

/// Without a range check, the slack of `(r+1)²·v > N` could be negative.
#[test]
fn root_too_small_with_a_negative_slack() {
    for by in STEPS {
        let case = forged(|row| {
            row.r -= by;
            row.slacks();
            assert!(row.below > 0 && row.above < 0);
        });
        stopped_by_part(case, Part::Lookups);
    }
}

/// A root of zero satisfies `r²·v ≤ N` whatever the variance; only the other side excludes it.
#[test]
fn root_of_zero() {
    let case = forged(|row| {
        row.r = 0;
        row.slacks();
        assert!(row.below > 0 && row.above < 0);
    });
    stopped_by_part(case, Part::Lookups);
}

/// Without its table, the remainder of the mean could be negative, or the width or more.
#[test]
fn mean_shifted_with_a_remainder_of_the_width() {
    for by in [1, -1, 1 << 12, -1 << 12] {
        let case = forged(|row| {
            row.mean -= by;
            row.rest += by * row.x.len() as i128;
        });
        stopped_by_part(case, Part::Lookups);
    }
    // The least remainder that is none: the width itself.
    let seeds = (0..).map(|seed| Setting { seed, ..SMALL });
    let cases = seeds.map(|setting| Case::new(setting, LayerKind::Mlp));
    let mut rows = cases.flat_map(|case| (0..case.n()).map(move |t| (case.clone(), t)));
    let (case, t) = rows
        .find(|(case, t)| NormRow::of(case, *t).rest == 0)
        .expect("one in as many as the width");
    let case = forged_at(case, t, |row| {
        row.mean -= 1;
        row.rest = row.x.len() as i128;
    });
    stopped_by_part(case, Part::Lookups);
}

/// Without the range of the mean, the packed sums could be split elsewhere: one less in the sum of
/// squares, 2^48 more in the sum.
#[test]
fn sums_split_elsewhere() {
    let case = forged(|row| {
        let d = row.x.len() as i128;
        row.squares -= 1;
        row.mean += (1 << 48) / d;
        let sum = row.mean * d + row.rest;
        row.variance += -d - (sum * sum - (sum - (1 << 48)).pow(2));
        row.r = 0;
        row.slacks();
    });
    stopped_by_part(case, Part::Lookups);
}

//! Forgeries of the softmax.

use crate::layers::*;
use crate::{Change, Forgery};
use nanozk_circuits::attention::Exp;
use nanozk_circuits::LayerKind::Attention;

/// One that takes scores that are far apart.
fn apart(id: &'static str, change: fn(&mut Case)) -> Forgery {
    Forgery {
        apart: true,
        ..forgery(id, change)
    }
}

fn forgery(id: &'static str, change: fn(&mut Case)) -> Forgery {
    Forgery {
        id,
        only: Some(Attention),
        apart: false,
        also: &[],
        change: Change::First(change),
    }
}

pub(crate) fn all() -> Vec<Forgery> {
    vec![
        forgery("exp_product", |c| {
            let layer = c.layer.clone();
            let scores = &layer.attention().unwrap().scores;
            let Exp::Split { rem, .. } = &scores.exp else {
                panic!("8-bit limbs")
            };
            let (row, spot) = (scores.row(c.n(), 1, 2, 1), rem.0[0].0);
            c.put_spot(spot, row, c.spot(spot, row) ^ 1);
        }),
        // The distance is the same, split otherwise; its exponential vanishes.
        apart("far", |c| {
            at(
                c,
                |row, s| s <= row.t && row.w[s] == 1 && row.e[s] == 0,
                |row, s| {
                    row.w[s] = 0;
                    row.far[s] = 2;
                },
            );
        }),
        apart("far_zero", |c| {
            at(
                c,
                |row, s| s <= row.t && row.far[s] == 1 && row.e[s] == 0,
                |row, s| {
                    row.w[s] += 1;
                    row.far[s] = 0;
                },
            );
        }),
        // A masked score is too far away for anything else than `far`.
        Forgery {
            also: &["far_zero"],
            ..apart("far_masked", |c| {
                at(
                    c,
                    |row, s| s > row.t && row.e[s] == 0,
                    |row, s| {
                        row.w[s] += 1;
                        row.far[s] = 0;
                    },
                );
            })
        },
        // Weight moved from one position to another.
        forgery("exp_used", |c| {
            search(c, |row, s| {
                let from = (s + 1) % row.used.len();
                row.used[s] += 1;
                row.used[from] -= 1;
                row.chain();
                row.used[from] >= 0
            });
        }),
        // With exactly one mark of weight 2^64, a cell of the range table can only be a bit.
        Forgery {
            also: &["row_sum_first"],
            ..forgery("top", |c| {
                at(
                    c,
                    |row, s| s == 0 && row.top[s] == 1,
                    |row, s| row.top[s] = 2,
                )
            })
        },
        forgery("top_zero", |c| {
            at(
                c,
                |row, s| s <= row.t && row.z[s] + row.far[s] > 0,
                |row, s| {
                    row.top.fill(0);
                    row.top[s] = 1;
                    row.chain();
                },
            );
        }),
        // A masked score is no maximum either.
        Forgery {
            also: &["top_zero"],
            ..forgery("top_masked", |c| {
                at(
                    c,
                    |row, s| s > row.t,
                    |row, s| {
                        row.top.fill(0);
                        row.top[s] = 1;
                        row.chain();
                    },
                );
            })
        },
        forgery("row_sum_first", |c| {
            search(c, |row, s| other_sum(row, s, 0))
        }),
        forgery("row_sum_next", |c| search(c, |row, s| other_sum(row, s, 1))),
        forgery("row_carry", |c| {
            search(c, |row, s| {
                row.recips[s..].iter_mut().for_each(|r| *r += 1);
                s > 0
            });
        }),
        forgery("row_recip", |c| {
            search(c, |row, _| {
                row.recips.iter_mut().for_each(|r| *r += 1);
                true
            });
        }),
        forgery("row_divide", |c| {
            at(
                c,
                |row, _| row.rest > 0,
                |row, _| {
                    row.slack += 1;
                    row.rest -= 1;
                },
            );
        }),
        forgery("row_remainder", |c| {
            at(c, |_, _| true, |row, _| row.rest += 1)
        }),
        forgery("row_max", |c| at(c, |_, _| true, |row, _| row.max += 1)),
        forgery("probability", |c| {
            at(c, |_, _| true, |row, s| row.p_rem[s] ^= 1)
        }),
    ]
}

/// Changes the first cell of which something holds.
fn at(c: &mut Case, holds: impl Fn(&SoftRow, usize) -> bool, change: impl Fn(&mut SoftRow, usize)) {
    for mut row in SoftRow::all(c) {
        if let Some(s) = (0..c.n()).find(|s| holds(&row, *s)) {
            change(&mut row, s);
            return row.write(c);
        }
    }
    panic!("no such cell");
}

/// Changes the first row in which it is possible and no probability changes.
fn search(c: &mut Case, change: impl Fn(&mut SoftRow, usize) -> bool) {
    for row in SoftRow::all(c) {
        for s in 0..c.n() {
            let mut row = row.clone();
            if change(&mut row, s) && row.remainders() {
                return row.write(c);
            }
        }
    }
    panic!("every change is seen in the probabilities");
}

/// A running sum that is too large from some position on.
fn other_sum(row: &mut SoftRow, by: usize, from: usize) -> bool {
    let by = by as i128 + 1;
    row.sums[from..].iter_mut().for_each(|s| *s += by);
    let total = row.used.iter().sum::<i128>() + by;
    let recip = (65_535i128 << 32) / total;
    row.divide(total, recip);
    true
}

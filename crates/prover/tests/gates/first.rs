//! Forgeries of LayerNorm, residual and activation.

use crate::layers::*;
use crate::{Change, Forgery};
use nanozk_circuits::composer::Spot;
use nanozk_circuits::mlp::Cells;
use nanozk_circuits::LayerKind::Mlp;

/// Position at which LayerNorm is forged.
const T: usize = 1;

fn forgery(id: &'static str, change: fn(&mut Case)) -> Forgery {
    Forgery {
        id,
        only: None,
        apart: false,
        also: &[],
        change: Change::First(change),
    }
}

pub(crate) fn all() -> Vec<Forgery> {
    vec![
        // The sums are of another input.
        forgery("norm_sums_first", |c| other_sums(c, 0, true)),
        forgery("norm_sums_next", |c| other_sums(c, 1, true)),
        // The sums are not those that were summed up.
        forgery("norm_sums", |c| other_sums(c, 1, false)),
        forgery("norm_variance", |c| {
            with(c, |row| {
                row.variance += 1;
                row.slacks();
            });
        }),
        forgery("norm_root", |c| {
            with(c, |row| {
                row.root += 1;
                row.bracket();
            });
        }),
        forgery("norm_below", |c| {
            with(c, |row| {
                row.below += 1;
                row.above -= 1;
            });
        }),
        forgery("norm_above", |c| with(c, |row| row.above += 1)),
        // The remainder that is ranged is not the one that is used.
        forgery("norm_rest", |c| {
            let row = c.norm().rest + T;
            let spot = Spot { lane: 0, offset: 0 };
            let other = (c.spot(spot, row) + 1) % c.setting.width as i128;
            c.put_spot(spot, row, other);
        }),
        forgery("norm_copy_r", |c| {
            search(c, |row, by| row.rs.iter_mut().for_each(|r| *r += by))
        }),
        forgery("norm_copy_mean", |c| {
            search(c, |row, by| row.means.iter_mut().for_each(|m| *m += by))
        }),
        forgery("norm_carry", |c| {
            search(c, |row, by| row.rs[1..].iter_mut().for_each(|r| *r += by))
        }),
        forgery("norm_out", |c| with(c, |row| row.rem[0] ^= 1)),
        forgery("residual_limbs", |c| {
            let layer = c.layer.clone();
            let out = if c.half == Mlp {
                &layer.mlp().unwrap().out
            } else {
                &layer.attention().unwrap().out
            };
            let (row, spot) = (out.strip.base, out.limbs.0[0].0);
            c.put_spot(spot, row, c.spot(spot, row) ^ 1);
        }),
        Forgery {
            id: "activation_segment",
            only: Some(Mlp),
            apart: false,
            also: &[],
            change: Change::First(|c| {
                let layer = c.layer.clone();
                let act = &layer.mlp().unwrap().act;
                let Cells::Segments { rem, .. } = &act.cells else {
                    panic!("8-bit limbs")
                };
                let (row, spot) = (act.strip.base, rem.0[0].0);
                c.put_spot(spot, row, c.spot(spot, row) ^ 1);
            }),
        },
        // The bias is multiplied by something else than one; its fold is no longer that of ones.
        Forgery {
            also: &["sum_ends"],
            ..forgery("bias_one", |c| {
                let m = c.matrices()[0];
                let row = m.x_row(m.inputs, T);
                c.add("x", row, 1);
            })
        },
        // What is multiplied is not what was normalized.
        forgery("sum_ends", |c| {
            let row = c.matrices()[0].x_row(0, T);
            c.add("x", row, 1);
        }),
    ]
}

fn with(c: &mut Case, change: impl Fn(&mut NormRow)) {
    let mut row = NormRow::of(c, T);
    change(&mut row);
    assert!(
        row.below >= 0 && row.above >= 0,
        "the slacks still are in range"
    );
    row.write(c, T);
}

/// Applies the least change under which all outputs stay, at the first position that has one.
fn search(c: &mut Case, change: impl Fn(&mut NormRow, i128)) {
    for t in 0..c.n() {
        let honest = NormRow::of(c, t);
        for by in (1..50).flat_map(|by| [by, -by]) {
            let mut row = honest.clone();
            change(&mut row, by);
            if row.remainders() && row.below >= 0 && row.above >= 0 {
                return row.write(c, t);
            }
        }
    }
    panic!("every change is seen in the outputs");
}

/// Statistics of an input that differs in one feature; `summed`: already while it is summed up.
fn other_sums(c: &mut Case, feature: usize, summed: bool) {
    search(c, |row, by| {
        row.sum(|i| if i == feature { by } else { 0 });
        row.statistics();
        row.copies();
        if !summed {
            row.sum(|_| 0);
        }
    });
}

//! Forgeries of the second phase: the prover computes it by other steps.

use crate::layers::*;
use crate::{Change, Forgery};
use nanozk_circuits::ir::{Column, Poly, Program, Span, Step};
use nanozk_circuits::LayerKind::Attention;

fn forgery(id: &'static str, change: fn(&Case, &mut Program)) -> Forgery {
    Forgery {
        id,
        only: None,
        apart: false,
        also: &[],
        change: Change::Second(change),
    }
}

fn attention(id: &'static str, change: fn(&Case, &mut Program)) -> Forgery {
    Forgery {
        only: Some(Attention),
        ..forgery(id, change)
    }
}

/// With this, the equations of the running sum necessarily fail.
fn unbalanced(forgery: Forgery) -> Forgery {
    Forgery {
        also: &["sum_ends"],
        ..forgery
    }
}

pub(crate) fn all() -> Vec<Forgery> {
    vec![
        // All powers twice as large, and what follows from them.
        unbalanced(forgery("powers_first", |_, p| {
            let rows = Span::run(0, p.usable());
            insert(p, "powers", rows, |c| c.cur() * 2);
        })),
        forgery("powers_next", |_, p| {
            let rows = Span::row(p.usable() - 1);
            insert(p, "powers", rows, |c| c.cur() * 2);
        }),
        unbalanced(attention("head_first", |c, p| {
            let q = c.att().q.strips[0];
            insert(p, "head weight", Span::run(q.base, q.blocks * c.n()), |h| {
                h.cur() * 2
            });
        })),
        // A masked position has no probability to be weighed.
        attention("head_same", |c, p| {
            let row = c.att().scores.row(c.n(), 1, 0, 2);
            insert(p, "head weight", Span::row(row), |h| h.cur() * 2);
        }),
        unbalanced(attention("head_next_q", |c, p| {
            let q = c.att().q.strips[0];
            let rows = q.blocks * c.n() / 2;
            insert(p, "head weight", Span::run(q.base + rows, rows), |h| {
                h.cur() * 2
            });
        })),
        unbalanced(attention("head_next_s", |c, p| {
            let scores = &c.att().scores;
            let (first, second) = (scores.row(c.n(), 0, 0, 0), scores.row(c.n(), 1, 0, 0));
            insert(p, "head weight", Span::run(second, second - first), |h| {
                h.cur() * 2
            });
        })),
        // An element of a fold that the next one does not take up.
        attention("fold_q", |c, p| {
            append(p, "run", c.att().q.strips[0].base + 1)
        }),
        attention("fold_k", |c, p| {
            append(p, "run", c.att().k.strips[0].base + 1)
        }),
        attention("fold_v", |c, p| {
            append(p, "run", c.att().v.strips[0].base + c.n())
        }),
        attention("fold_p", |c, p| {
            append(p, "run", c.att().scores.row(c.n(), 0, 1, 0))
        }),
        // The last one is not only its own value; the one before would not follow from it.
        Forgery {
            also: &["fold_q"],
            ..attention("fold_q_last", |c, p| {
                append(p, "run", c.att().q.strips[0].base + c.n() - 1)
            })
        },
        Forgery {
            also: &["fold_k"],
            ..attention("fold_k_last", |c, p| {
                append(p, "run", c.att().k.strips[0].base + c.n() - 1)
            })
        },
        Forgery {
            also: &["fold_v"],
            ..attention("fold_v_last", |c, p| {
                let features = c.setting.width / c.setting.heads;
                append(p, "run", c.att().v.strips[0].base + (features - 1) * c.n());
            })
        },
        Forgery {
            also: &["fold_p"],
            ..attention("fold_p_last", |c, p| {
                append(p, "run", c.att().scores.row(c.n(), 0, c.n() - 1, 0))
            })
        },
        forgery("fold_x_run", |c, p| {
            append(p, "fold x", c.matrices()[0].base + 1)
        }),
        forgery("fold_x_hold", |c, p| {
            append(p, "fold x", c.matrices()[0].base + c.n() + 1)
        }),
        // Something enters from below.
        Forgery {
            also: &["fold_x_hold"],
            ..forgery("fold_x_end", |c, p| {
                let m = c.matrices()[0];
                append(p, "fold x", m.base + (m.inputs + 1) * m.block);
            })
        },
        forgery("fold_w", |c, p| {
            append(p, "fold w", c.matrices()[0].base + 1)
        }),
        forgery("logup_table", |c, p| {
            let helpers = c
                .program()
                .columns
                .iter()
                .filter(|c| c.name.starts_with("helper "))
                .count();
            shift_helper(p, &format!("helper {}", helpers - 1));
        }),
        forgery("sum_next", |_, p| append(p, "sum", 9)),
    ]
}

/// The column of a name, and where it is filled for the last time.
fn find(p: &Program, name: &str) -> (Column, usize) {
    let column = Column(
        p.columns
            .iter()
            .position(|c| c.name == name)
            .expect("a column") as u32,
    );
    let fills = |s: &Step| {
        let (Step::Assign { column: c, .. } | Step::Ratio { column: c, .. }) = s;
        *c == column
    };
    (column, p.steps.iter().rposition(fills).expect("a step"))
}

fn assign(column: Column, rows: Span, value: Poly) -> Step {
    Step::Assign {
        column,
        rows,
        descending: false,
        value,
    }
}

/// Changes a column before anything follows from it.
fn insert(p: &mut Program, name: &str, rows: Span, value: impl Fn(Column) -> Poly) {
    let (column, last) = find(p, name);
    p.steps
        .insert(last + 1, assign(column, rows, value(column)));
}

/// Adds one to a cell in the end.
fn append(p: &mut Program, name: &str, row: usize) {
    let (column, _) = find(p, name);
    p.steps
        .push(assign(column, Span::row(row), column.cur() + Poly::int(1)));
}

/// Moves one from a row of a helper to another, which its sum does not show.
pub(crate) fn shift_helper(p: &mut Program, name: &str) {
    let (column, last) = find(p, name);
    for (row, by) in [(5, 1), (6, -1)] {
        p.steps.insert(
            last + 1,
            assign(column, Span::row(row), column.cur() + Poly::int(by)),
        );
    }
}

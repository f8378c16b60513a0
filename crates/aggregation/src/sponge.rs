//! Rounds of Poseidon as gates, and their constants.
//!
//! The state `(s0, s1, s2)` is `(w, v, u)` of a row, constants of the coming round added. A full round takes three rows:
//! the state, its squares, its fourth powers. A partial round takes two: below the state, `v` and `w` are the square and
//! fourth power of `s0`.
//!
//! In partial rounds constants of `s1` and `s2` pass the S-box, so they can be moved on, through the linear layer, to
//! later rounds: what is left are one for `s0`, and in the last one for `s1`, which stand in `address` of the round's
//! two rows; a full round has three rows for three constants.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuits::ir::{Column, Gate, Poly, Scalar};
use nanozk_circuits::poseidon::{constants, is_full, FULL_ROUNDS, ROUNDS};
use std::sync::LazyLock;

use crate::gates::At;

/// Full rounds at each end.
const HALF: usize = FULL_ROUNDS / 2;

/// Rows of a round.
pub fn rows_of(round: usize) -> usize {
    if is_full(round) {
        3
    } else {
        2
    }
}

/// Added before each round's S-boxes; after the last, nothing.
pub fn round_constants() -> &'static [[Fr; 3]] {
    static MOVED: LazyLock<Vec<[Fr; 3]>> = LazyLock::new(|| {
        let c = constants();
        let mut moved = c.rounds.clone();
        let image = |x: [Fr; 3]| -> [Fr; 3] {
            c.matrix
                .map(|row| row.iter().zip(x).map(|(m, x)| *m * x).sum())
        };
        let last = ROUNDS - HALF;
        for round in HALF..last {
            let [_, s1, s2] = moved[round];
            let image = image([Fr::ZERO, s1, s2]);
            moved[round] = [moved[round][0], Fr::ZERO, Fr::ZERO];
            for (to, by) in moved[round + 1].iter_mut().zip(image) {
                *to += by;
            }
        }
        // The gate of the last partial round has no room for s2's constant: a constant of s1 a round earlier does it.
        let inverse = c.matrix[2][1]
            .invert()
            .expect("no entry of the matrix is zero");
        let early = moved[last][2] * inverse;
        moved[last - 1][1] = early;
        for (to, by) in moved[last]
            .iter_mut()
            .zip(image([Fr::ZERO, early, Fr::ZERO]))
        {
            *to -= by;
        }
        moved.push([Fr::ZERO; 3]);
        moved
    });
    &MOVED
}

/// Where a state is, as columns.
pub struct State {
    columns: [Column; 3],
}

impl State {
    /// Of the columns of the machine.
    pub fn new(v: Column, w: Column, u: Column) -> Self {
        State { columns: [w, v, u] }
    }

    fn at(&self, element: usize, row: i32) -> Poly {
        self.columns[element].at(row)
    }
}

/// Rows of `address` in which a round's gate finds the constants that it adds, by element.
pub fn constant_row(round: usize, element: usize) -> Option<usize> {
    // In the order s0, s1, s2; a partial round has two rows.
    (element < rows_of(round)).then_some(element)
}

/// Gates of the rounds, and of absorbing.
pub fn gates(gates: &mut Vec<Gate>, state: &State) {
    let matrix = constants().matrix;
    let address = |row: usize| Column(At::Address as u32).at(row as i32);
    let mut gate = |id: String, meaning: &'static str, selector: At, poly: Poly| {
        gates.push(Gate {
            id,
            meaning,
            poly: (Column(selector as u32).cur() * poly).normalized(),
        });
    };
    let next = |element: usize, images: &[Poly; 3]| {
        images
            .iter()
            .zip(matrix[element])
            .fold(Poly::zero(), |sum, (image, m)| {
                sum + image.clone() * Scalar::Const(m)
            })
    };

    for (row, meaning) in [(1, "squares"), (2, "fourth powers")] {
        for element in 0..3 {
            let above = state.at(element, row - 1);
            gate(
                format!("full_{row}_{element}"),
                meaning,
                At::Full,
                state.at(element, row) - above.clone() * above,
            );
        }
    }
    let images: [Poly; 3] = std::array::from_fn(|j| state.at(j, 2) * state.at(j, 0));
    for element in 0..3 {
        let poly = state.at(element, 3) - next(element, &images) - address(element);
        gate(
            format!("full_next_{element}"),
            "the linear layer of fifth powers",
            At::Full,
            poly,
        );
    }

    // (element of the state, row): the power of s0.
    let (square, fourth) = (state.at(1, 1), state.at(0, 1));
    let s0 = state.at(0, 0);
    gate(
        "partial_1".into(),
        "square",
        At::Partial,
        square.clone() - s0.clone() * s0.clone(),
    );
    gate(
        "partial_2".into(),
        "fourth power",
        At::Partial,
        fourth.clone() - square.clone() * square,
    );
    let images = [fourth * s0, state.at(1, 0), state.at(2, 0)];
    for element in 0..3 {
        let mut poly = state.at(element, 2) - next(element, &images);
        if element < 2 {
            poly = poly - address(element);
        }
        gate(
            format!("partial_next_{element}"),
            "the linear layer of the fifth power and the others",
            At::Partial,
            poly,
        );
    }

    let first = round_constants()[0];
    for (element, constant) in first.into_iter().enumerate() {
        let mut poly =
            state.at(element, 3) - state.at(element, 0) - Poly::scalar(Scalar::Const(constant));
        if element > 0 {
            // The operand of the row below, or of the one after it.
            poly = poly - state.at(0, element as i32);
        }
        gate(
            format!("absorb_{element}"),
            "two messages are added, and the first round's constants",
            At::Absorb,
            poly,
        );
    }
}

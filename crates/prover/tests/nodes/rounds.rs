//! A false step in a permutation: whoever could choose one power freely could choose the digest.

use crate::table::{Table, U, V, W};
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_aggregation::gates::At;
use nanozk_aggregation::Machine;
use nanozk_circuits::poseidon::constants;

/// Columns of the state's elements.
const STATE: [usize; 3] = [W, V, U];

/// A false step: so many rows below a round's first, in this column.
type Lie = (usize, usize);

impl Table {
    fn state(&self, row: usize) -> [Fr; 3] {
        STATE.map(|column| self.first[column][row])
    }

    fn put(&mut self, from: usize, below: usize, values: &[(usize, Fr)], lie: Option<Lie>) {
        for (column, value) in values {
            let lies = lie == Some((below, *column));
            self.first[*column][from + below] = *value + if lies { Fr::ONE } else { Fr::ZERO };
        }
    }

    /// Computes a round from the state in a row. Returns the row of the next, if this was a round.
    fn round(&mut self, row: usize, lie: Option<Lie>) -> Option<usize> {
        let state = self.state(row);
        let square = |x: Fr| x.square();
        let (images, rows) = if self.on(At::Full, row) {
            for below in [1, 2] {
                let squares = self.state(row + below - 1).map(square);
                let values: Vec<_> = STATE.into_iter().zip(squares).collect();
                self.put(row, below, &values, lie);
            }
            let fourths = self.state(row + 2);
            (std::array::from_fn(|e| state[e] * fourths[e]), 3)
        } else if self.on(At::Partial, row) {
            self.put(row, 1, &[(V, state[0].square())], lie);
            self.put(row, 1, &[(W, self.v(row + 1).square())], lie);
            let fourth = self.first[W][row + 1];
            ([state[0] * fourth, state[1], state[2]], 2)
        } else {
            return None;
        };
        let next: Vec<(usize, Fr)> = (0..3)
            .map(|e| {
                let matrix = constants().matrix[e];
                let sum: Fr = matrix
                    .into_iter()
                    .zip(images)
                    .map(|(m, i): (Fr, Fr)| m * i)
                    .sum();
                let constant = if e < rows {
                    self.fixed(At::Address, row + e)
                } else {
                    Fr::ZERO
                };
                (STATE[e], sum + constant)
            })
            .collect();
        self.put(row, rows, &next, lie);
        Some(row + rows)
    }

    /// Computes a permutation from a round on.
    fn permutation(&mut self, mut row: usize, lie: Option<Lie>) {
        let mut lie = lie;
        while let Some(next) = self.round(row, lie.take()) {
            row = next;
        }
    }
}

fn sponge() -> Table {
    let (mut machine, _) = Machine::new(true, &[]);
    let message = machine.free(Fr::from(123));
    machine.sponge(&[vec![message]]);
    Table::new(machine.finish("sponge".into(), 0), &[])
}

#[test]
fn every_step_of_a_round_is_checked() {
    let honest = sponge();
    assert!(honest.violated().is_empty());
    let [absorb, full, partial] =
        [At::Absorb, At::Full, At::Partial].map(|at| honest.find(|t, row| t.on(at, row)));
    let mut same = honest.clone();
    same.permutation(full, None);
    assert!(
        same.first == honest.first,
        "this test computes as the machine does"
    );

    let mut lies: Vec<(String, usize, Lie)> = Vec::new();
    for (e, column) in STATE.into_iter().enumerate() {
        lies.push((format!("full_1_{e}"), full, (1, column)));
        lies.push((format!("full_2_{e}"), full, (2, column)));
        lies.push((format!("full_next_{e}"), full, (3, column)));
        lies.push((format!("partial_next_{e}"), partial, (2, column)));
    }
    lies.push(("partial_1".into(), partial, (1, V)));
    lies.push(("partial_2".into(), partial, (1, W)));
    for (gate, row, lie) in lies {
        let mut table = honest.clone();
        table.permutation(row, Some(lie));
        assert!(table.first != honest.first);
        assert_eq!(table.violated_arithmetic(), [gate]);
    }
    // A state that is not the one above with the messages added.
    for (e, column) in STATE.into_iter().enumerate() {
        let mut table = honest.clone();
        table.first[column][absorb + 3] += Fr::ONE;
        table.permutation(absorb + 3, None);
        assert_eq!(table.violated_arithmetic(), [format!("absorb_{e}")]);
    }
}

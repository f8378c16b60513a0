//! Poseidon as gates: the digests by which a session's tokens are bound. What is hashed, and how, is in `nanozk-poseidon`.
//!
//! Each step of a chain is a permutation `p` of `W` in the program. Column `sponge`, from its first row:
//! element `j` before the S-box of round `r` is at row `(3r + j)·W + p` (round 65: the output); its
//! square and fourth power are `198·W` and `396·W` rows below.
//!
//! | gate | degree | constraint | meaning |
//! |---|---|---|---|
//! | `poseidon_square` | 3 | `y = x²` | |
//! | `poseidon_fourth` | 3 | `z = y²` | |
//! | `poseidon_round_i` | 3 | `x'_i = Σ_j M_ij·S(x_j) + c_i` | `S` is `z·x` on all elements in full rounds, else on the first |
//! | `poseidon_first` | 2 | `x_0 = c_0` | the first element is zero |
//! | `poseidon_chain` | 2 | `x_1 = out↑ + c_1` | the second is the previous step's output; the first step's is the salt, any number |
//! | `poseidon_message_*` | 2 | `x_2 = m + c_2` | the third is the step's message |
//! | `digest_*` | 1 | `out = instance` | the last step's output is public |
//!
//! What is hashed lies in `aux`: see [`sequence`].

pub mod sequence;

use ff::Field;
use halo2curves::bn256::Fr;

use crate::composer::{Composer, TooLarge};
use crate::ir::*;
use crate::witness::Witness;

use nanozk_poseidon::ELEMENTS as T;
pub use nanozk_poseidon::{
    chain, constants, hash2, input_header, is_full, message_count, output_header, pack,
    permutation, sequence_digests, Constants, FULL_ROUNDS, PARTIAL_ROUNDS, ROUNDS,
    TOKENS_PER_MESSAGE, TOKEN_BITS,
};

/// Cells of a permutation in one plane: the states before each round, and the output.
const STATES: usize = T * (ROUNDS + 1);
/// Rows of a permutation: values, squares, fourth powers.
pub const PERMUTATION_ROWS: usize = 3 * STATES;

/// One chain of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Name in gate ids.
    pub name: &'static str,
    /// First row of its messages in `aux`.
    pub messages: usize,
    /// The public input that is its digest.
    pub instance: usize,
}

/// The chains of a program.
#[derive(Clone, Debug)]
pub struct Sponge {
    /// Their column.
    pub column: Column,
    /// Messages of a chain.
    pub length: usize,
    /// Permutations.
    pub width: usize,
}

impl Composer {
    /// Chains of `length` messages each, in a column of their own.
    pub fn sponge(&mut self, chains: &[Chain], length: usize) -> Result<Sponge, TooLarge> {
        let width = chains.len() * length;
        let (needed, available) = (PERMUTATION_ROWS * width, self.active_rows());
        if needed > available {
            return Err(TooLarge {
                what: "digests",
                needed,
                available,
            });
        }
        let c = constants();
        let column = self.column("sponge", Kind::Witness, false);
        // Cells `rows·width` below: elements of a state are one apart, rounds three, powers a plane.
        let at = |rows: usize| column.at((rows * width) as i32);
        let value = |v: Fr| Poly::scalar(Scalar::Const(v));
        let states = [Span::run(0, T * ROUNDS * width)];
        self.gate_on(
            "poseidon_square",
            "the square of a state's element",
            &states,
            at(STATES) - at(0) * at(0),
        );
        self.gate_on(
            "poseidon_fourth",
            "the square of the square",
            &states,
            at(2 * STATES) - at(STATES) * at(STATES),
        );
        let rounds =
            |first: usize, count: usize| Span::strided(T * first * width, width, T * width, count);
        let half = FULL_ROUNDS / 2;
        let full = self.selector(
            "full rounds",
            &[rounds(0, half), rounds(half + PARTIAL_ROUNDS, half)],
        );
        let partial = self.selector("partial rounds", &[rounds(half, PARTIAL_ROUNDS)]);
        let power = |j: usize| at(2 * STATES + j) * at(j);
        for i in 0..T {
            let added = self.column(&format!("round constants {i}"), Kind::Fixed, true);
            for (round, constants) in c.rounds.iter().enumerate().skip(1) {
                self.set_fixed(added, &[rounds(round - 1, 1)], constants[i]);
            }
            let next = at(T + i);
            let product = |element: &dyn Fn(usize) -> Poly| {
                (0..T).fold(next.clone(), |sum, j| {
                    sum - element(j) * Scalar::Const(c.matrix[i][j])
                })
            };
            let all = product(&power);
            let one = product(&|j| if j == 0 { power(0) } else { at(j) });
            self.gate(
                format!("poseidon_round_{i}"),
                "the next state is the matrix times the S-boxes, plus constants",
                full.cur() * all + partial.cur() * one - added.cur(),
            );
        }
        self.gate_on(
            "poseidon_first",
            "the first element is zero before the first round",
            &[Span::run(0, width)],
            at(0) - value(c.rounds[0][0]),
        );
        let outputs = T * ROUNDS * width;
        self.gate_on(
            "poseidon_chain",
            "the second element is the previous step's output",
            &[Span::strided(outputs, length - 1, length, chains.len())],
            column.at((width + 1) as i32 - outputs as i32) - at(0) - value(c.rounds[0][1]),
        );
        for (i, chain) in chains.iter().enumerate() {
            let first = 2 * width + i * length;
            let message = self.aux.at(chain.messages as i32 - first as i32);
            self.gate_on(
                &format!("poseidon_message_{}", chain.name),
                "the third element is the message",
                &[Span::run(first, length)],
                at(0) - message - value(c.rounds[0][2]),
            );
            self.gate_on(
                &format!("digest_{}", chain.name),
                "the chain ends with the digest",
                &[Span::row(outputs + (i + 1) * length - 1)],
                at(0) - Poly::scalar(Scalar::Instance(chain.instance)),
            );
        }
        Ok(Sponge {
            column,
            length,
            width,
        })
    }
}

impl Sponge {
    /// Row of element `j` before round `r` of step `step` of chain `chain`.
    pub fn row(&self, chain: usize, step: usize, r: usize, j: usize) -> usize {
        (T * r + j) * self.width + chain * self.length + step
    }

    /// Cells of one step whose state starts as given, and its output.
    pub fn step(
        &self,
        chain: usize,
        step: usize,
        state: [Fr; T],
        mut put: impl FnMut(usize, Fr),
    ) -> Fr {
        let states = permutation(state);
        for (r, state) in states.iter().enumerate() {
            for (j, x) in state.iter().enumerate() {
                let row = self.row(chain, step, r, j);
                put(row, *x);
                if r < ROUNDS {
                    put(row + STATES * self.width, x.square());
                    put(row + 2 * STATES * self.width, x.square().square());
                }
            }
        }
        states[ROUNDS][0]
    }

    /// Writes a chain; the digest.
    pub fn assign(&self, w: &mut Witness, chain: usize, salt: Fr, messages: &[Fr]) -> Fr {
        assert_eq!(messages.len(), self.length);
        messages.iter().enumerate().fold(salt, |h, (step, m)| {
            self.step(chain, step, [Fr::ZERO, h, *m], |row, v| {
                w.set_fr(self.column, row, v)
            })
        })
    }
}

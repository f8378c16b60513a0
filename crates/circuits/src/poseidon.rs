//! Poseidon: the digests by which a session's tokens are bound, natively and as gates.
//!
//! The permutation is that of circomlib over the scalar field of BN254: three elements, 8 full and 57
//! partial rounds, `x^5`. [`hash2`] permutes `[0, a, b]` and returns the first element. See
//! [`sequence_digests`] for what is hashed.
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

use ff::{Field, FromUniformBytes, PrimeField};
use halo2curves::bn256::Fr;
use poseidon_primitives::poseidon::primitives::Spec;
use std::sync::LazyLock;

use crate::composer::{Composer, TooLarge};
use crate::ir::*;
use crate::witness::Witness;

/// Elements of the state.
const T: usize = 3;
/// Rounds in which all elements pass the S-box: half of them first, half last.
pub const FULL_ROUNDS: usize = 8;
const PARTIAL_ROUNDS: usize = 57;
/// Rounds of a permutation.
pub const ROUNDS: usize = FULL_ROUNDS + PARTIAL_ROUNDS;
/// Cells of a permutation in one plane: the states before each round, and the output.
const STATES: usize = T * (ROUNDS + 1);
/// Rows of a permutation: values, squares, fourth powers.
pub const PERMUTATION_ROWS: usize = 3 * STATES;
/// Bits of a token within a message.
pub const TOKEN_BITS: u32 = 24;
/// Tokens of a message.
pub const TOKENS_PER_MESSAGE: usize = 8;

/// Selects the parameters the generator of round constants is run for.
#[derive(Debug)]
struct Circomlib;

impl<F: PrimeField> Spec<F, 3, 2> for Circomlib {
    fn full_rounds() -> usize {
        FULL_ROUNDS
    }
    fn partial_rounds() -> usize {
        PARTIAL_ROUNDS
    }
    fn sbox(val: F) -> F {
        val.pow_vartime([5])
    }
    fn secure_mds() -> usize {
        0
    }
}

/// Round constants and the matrix of the linear layer.
pub struct Constants {
    /// Added before the S-box of each round.
    pub rounds: Vec<[Fr; T]>,
    /// Multiplied after it.
    pub matrix: [[Fr; T]; T],
}

/// The permutation's constants.
pub fn constants() -> &'static Constants {
    static CONSTANTS: LazyLock<Constants> = LazyLock::new(|| {
        fn generate<F: FromUniformBytes<64> + Ord>() -> (Vec<[F; 3]>, [[F; 3]; 3]) {
            let (rounds, matrix, _) = <Circomlib as Spec<F, 3, 2>>::constants();
            (rounds, matrix)
        }
        let (rounds, matrix) = generate::<Fr>();
        Constants { rounds, matrix }
    });
    &CONSTANTS
}

/// Whether all elements pass the S-box.
pub fn is_full(round: usize) -> bool {
    !(FULL_ROUNDS / 2..FULL_ROUNDS / 2 + PARTIAL_ROUNDS).contains(&round)
}

/// The state before each round's S-box, constants added, and the output.
pub fn permutation(mut state: [Fr; T]) -> Vec<[Fr; T]> {
    let c = constants();
    let mut states = Vec::with_capacity(ROUNDS + 1);
    for (round, constants) in c.rounds.iter().enumerate() {
        for (x, c) in state.iter_mut().zip(constants) {
            *x += c;
        }
        states.push(state);
        for (j, x) in state.iter_mut().enumerate() {
            if j == 0 || is_full(round) {
                *x *= x.square().square();
            }
        }
        state = c
            .matrix
            .map(|row| row.iter().zip(&state).map(|(m, x)| m * x).sum());
    }
    states.push(state);
    states
}

/// The hash of two elements.
pub fn hash2(a: Fr, b: Fr) -> Fr {
    permutation([Fr::ZERO, a, b])[ROUNDS][0]
}

/// `h_0 = salt`, `h_{i+1} = hash2(h_i, m_i)`: the last `h`.
pub fn chain(salt: Fr, messages: &[Fr]) -> Fr {
    messages.iter().fold(salt, |h, m| hash2(h, *m))
}

/// Messages besides the header in the digest of `n` positions.
pub fn message_count(n: usize) -> usize {
    n.div_ceil(TOKENS_PER_MESSAGE)
}

/// `m_i = Σ_j 2^(24·j)·token[i + j·e]` for `i < e`, with `e = ceil(n/8)`; there is nothing after position `n`.
pub fn pack(tokens: &[u32]) -> Vec<Fr> {
    let e = message_count(tokens.len());
    let mut out: Vec<Fr> = tokens.iter().map(|&t| Fr::from(u64::from(t))).collect();
    for t in (0..out.len().saturating_sub(e)).rev() {
        out[t] = out[t] + out[t + e] * Fr::from(1 << TOKEN_BITS);
    }
    out.truncate(e);
    out
}

/// First message of the digest of a prompt.
pub fn input_header(n: usize, prompt: usize) -> Fr {
    Fr::from_u128(1 + ((n as u128) << 32) + ((prompt as u128) << 64))
}

/// First message of the digest of generated tokens.
pub fn output_header(n: usize, prompt: usize, generated: usize) -> Fr {
    Fr::from_u128(2 + ((n as u128) << 32) + ((prompt as u128) << 64) + ((generated as u128) << 96))
}

/// The digests of a session's prompt and of the tokens generated from it.
///
/// `tokens` has the length of the bucket, `n` = 4, 8, 16, 32, …; the first `prompt` are the prompt, the
/// next `generated` are generated. Each digest is a chain: `h_0 = salt`, `h_{i+1} = hash2(h_i, m_i)`,
/// the last `h`. `hash2(a, b)` is circomlib's `poseidon([a, b])`. The messages, all integers:
///
/// * prompt: `m_0 = 1 + 2^32·n + 2^64·prompt`, then the packed tokens with those from `prompt` on replaced by 0;
/// * generated: `m_0 = 2 + 2^32·n + 2^64·prompt + 2^96·generated`, then the packed tokens with those before
///   `prompt` and from `prompt + generated` on replaced by 0.
///
/// Packing gives `e = ceil(n/8)` messages: `m_{1+i} = Σ_j 2^(24·j)·token[i + j·e]` over the `j` with
/// `i + j·e < n`. A salt is a random field element: it keeps a guess at the tokens from being checked.
///
/// # Panics
/// If there are fewer tokens than `prompt + generated`.
pub fn sequence_digests(
    tokens: &[u32],
    prompt: usize,
    generated: usize,
    input_salt: Fr,
    output_salt: Fr,
) -> (Fr, Fr) {
    let n = tokens.len();
    let end = prompt + generated;
    assert!(end <= n, "{end} tokens of {n}");
    let masked = |header: Fr, first: usize, last: usize| {
        let tokens: Vec<u32> = tokens
            .iter()
            .enumerate()
            .map(|(t, &v)| if (first..last).contains(&t) { v } else { 0 })
            .collect();
        [vec![header], pack(&tokens)].concat()
    };
    (
        chain(input_salt, &masked(input_header(n, prompt), 0, prompt)),
        chain(
            output_salt,
            &masked(output_header(n, prompt, generated), prompt, end),
        ),
    )
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_of_one_and_two_is_circomlibs() {
        let expected = "115cc0f5e7d690413df64c6b9662e9cf2a3617f2743245519e19607a4417189a";
        let mut bytes = hash2(Fr::from(1), Fr::from(2)).to_repr().as_ref().to_vec();
        bytes.reverse();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, expected);
    }

    #[test]
    fn packing_interleaves() {
        let tokens: Vec<u32> = (1..=16).collect();
        let messages = pack(&tokens);
        assert_eq!(messages.len(), 2);
        for (i, m) in messages.iter().enumerate() {
            let sum = (0..8).fold(Fr::ZERO, |sum, j| {
                sum + Fr::from(u64::from(tokens[i + 2 * j]))
                    * Fr::from(2).pow_vartime([24 * j as u64])
            });
            assert_eq!(*m, sum);
        }
        assert_eq!(
            pack(&[1, 2, 3, 4]),
            [Fr::from_u128(1 + (2 << 24) + (3 << 48) + (4u128 << 72))]
        );
    }
}

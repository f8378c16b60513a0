//! Poseidon: the hash by which a session's tokens are bound.
//!
//! The permutation is that of circomlib over the scalar field of BN254: three elements, 8 full and 57
//! partial rounds, `x^5`. [`hash2`] permutes `[0, a, b]` and returns the first element: circomlib's
//! `poseidon([a, b])`. See [`sequence_messages`] for what is hashed.

use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, FromUniformBytes, PrimeField};
use poseidon_primitives::poseidon::primitives::Spec;
use std::sync::LazyLock;

/// Elements of a state.
pub const ELEMENTS: usize = 3;
/// Rounds in which all elements pass the S-box: half of them first, half last.
pub const FULL_ROUNDS: usize = 8;
/// Rounds in which the first element does.
pub const PARTIAL_ROUNDS: usize = 57;
/// Rounds of a permutation.
pub const ROUNDS: usize = FULL_ROUNDS + PARTIAL_ROUNDS;
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

/// Round constants, the matrix of the linear layer, and its inverse.
pub struct Constants {
    /// Added before the S-boxes of each round.
    pub rounds: Vec<[Fr; ELEMENTS]>,
    /// Multiplied after them.
    pub matrix: [[Fr; ELEMENTS]; ELEMENTS],
    /// The inverse of the matrix.
    pub inverse: [[Fr; ELEMENTS]; ELEMENTS],
}

type Generated<F> = (
    Vec<[F; ELEMENTS]>,
    [[F; ELEMENTS]; ELEMENTS],
    [[F; ELEMENTS]; ELEMENTS],
);

/// The permutation's constants.
pub fn constants() -> &'static Constants {
    static CONSTANTS: LazyLock<Constants> = LazyLock::new(|| {
        fn generate<F: FromUniformBytes<64> + Ord>() -> Generated<F> {
            <Circomlib as Spec<F, 3, 2>>::constants()
        }
        let (rounds, matrix, inverse) = generate::<Fr>();
        Constants {
            rounds,
            matrix,
            inverse,
        }
    });
    &CONSTANTS
}

/// A matrix times a vector.
pub fn times(matrix: &[[Fr; ELEMENTS]; ELEMENTS], x: &[Fr; ELEMENTS]) -> [Fr; ELEMENTS] {
    matrix.map(|row| row.iter().zip(x).map(|(m, x)| *m * x).sum())
}

/// Whether all elements pass the S-box.
pub fn is_full(round: usize) -> bool {
    !(FULL_ROUNDS / 2..FULL_ROUNDS / 2 + PARTIAL_ROUNDS).contains(&round)
}

/// Whether an element passes the S-box of a round.
pub fn has_sbox(round: usize, element: usize) -> bool {
    element == 0 || is_full(round)
}

/// The state before each round's S-boxes, constants added, and the output.
pub fn permutation(mut state: [Fr; ELEMENTS]) -> Vec<[Fr; ELEMENTS]> {
    let c = constants();
    let mut states = Vec::with_capacity(ROUNDS + 1);
    for (round, constants) in c.rounds.iter().enumerate() {
        for (x, c) in state.iter_mut().zip(constants) {
            *x += c;
        }
        states.push(state);
        for (element, x) in state.iter_mut().enumerate() {
            if has_sbox(round, element) {
                *x *= x.square().square();
            }
        }
        state = times(&c.matrix, &state);
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

/// The messages of the digests of a session's prompt and of the tokens generated from it.
///
/// `tokens` has the length of the bucket, `n` = 4, 8, 16, 32, …; the first `prompt` are the prompt, the
/// next `generated` are generated. The messages, all integers:
///
/// * prompt: `m_0 = 1 + 2^32·n + 2^64·prompt`, then the packed tokens with those from `prompt` on replaced by 0;
/// * generated: `m_0 = 2 + 2^32·n + 2^64·prompt + 2^96·generated`, then the packed tokens with those before
///   `prompt` and from `prompt + generated` on replaced by 0.
///
/// Packing gives `e = ceil(n/8)` messages: `m_{1+i} = Σ_j 2^(24·j)·token[i + j·e]` over the `j` with
/// `i + j·e < n`.
///
/// # Panics
/// If there are fewer tokens than `prompt + generated`.
pub fn sequence_messages(tokens: &[u32], prompt: usize, generated: usize) -> [Vec<Fr>; 2] {
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
    [
        masked(input_header(n, prompt), 0, prompt),
        masked(output_header(n, prompt, generated), prompt, end),
    ]
}

/// The digests of a session's prompt and of the tokens generated from it: a [`chain`] of the [`sequence_messages`]
/// each. A salt is a random field element: it keeps a guess at the tokens from being checked.
///
/// # Panics
/// If there are fewer tokens than `prompt + generated`.
pub fn sequence_digests(
    tokens: &[u32],
    prompt: usize,
    generated: usize,
    [input_salt, output_salt]: [Fr; 2],
) -> [Fr; 2] {
    let [input, output] = sequence_messages(tokens, prompt, generated);
    [chain(input_salt, &input), chain(output_salt, &output)]
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

//! Poseidon as a program: chains of hashes. The permutation, and what is hashed, is in `nanozk-poseidon`. A chain is
//! `h_0 = salt`, `h_{i+1} = hash2(h_i, m_i)`; its digest is the last `h`.
//!
//! Of 65 rounds the first has tensors of its own, so that 64 are left, a power of two. With `M` for the matrix and `c` for
//! constants, `M^-1·(next − c)` is what the S-boxes made of a state: an equation of degree 5 that is linear in the next
//! state.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuit::{AxisId, Expression, Program, Public, Role, TensorId, Values};
use nanozk_poseidon::{ELEMENTS, ROUNDS, constants, has_sbox, permutation, times};

/// Chains of one length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chains {
    /// States before the first round's S-boxes, constants added.
    first: TensorId,
    /// States before those of the other rounds.
    states: TensorId,
    output: TensorId,
}

impl Chains {
    /// Declares chains. Messages have an axis for the chain and one for the message, digests that for the chain. Salts are
    /// the prover's.
    pub fn new(
        p: &mut Program,
        chain: AxisId,
        message: AxisId,
        messages: Expression,
        digest: Expression,
    ) -> Self {
        let c = constants();
        let length = p.axis(message).clone();
        let next_message = p.new_tiled_axis("next message", length.len, length.tile_bits);
        let rounds = ROUNDS - 1;
        let round = p.new_axis("round", rounds);
        let next_round = p.new_axis("next round", rounds);
        let element = p.new_axis("element", ELEMENTS);
        let other = p.new_axis("other element", ELEMENTS);

        // Public: the element that is meant, constants, the matrix; the first and the last of rounds and messages.
        let unit = |i: usize| (0..ELEMENTS).map(|j| Fr::from(u64::from(i == j))).collect();
        let element_is: [Expression; ELEMENTS] = ["first", "second", "third"]
            .into_iter()
            .enumerate()
            .map(|(i, name)| {
                let cells = Public::Cells(unit(i));
                p.public(&format!("{name} element"), &[element], cells)
            })
            .collect::<Vec<_>>()
            .try_into()
            .expect("three elements");
        let start: Vec<Expression> = c.rounds[0]
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let cells = Public::Cells(vec![*c]);
                p.public(&format!("first round constant {i}"), &[], cells)
            })
            .collect();
        let inverse = Public::Cells(c.inverse.as_flattened().to_vec());
        let inverse = p.public("inverse matrix", &[element, other], inverse);
        // Constants of the round after, as the S-boxes' outputs are without them.
        let before = |round: usize| match c.rounds.get(round + 1) {
            Some(constants) => times(&c.inverse, constants),
            None => [Fr::ZERO; ELEMENTS],
        };
        let first_constants = Public::Cells(before(0).to_vec());
        let first_constants = p.public("second round constants", &[element], first_constants);
        let all_constants: Vec<Fr> = (1..ROUNDS).flat_map(before).collect();
        let axes = [round, element];
        let all_constants = p.public("round constants", &axes, Public::Cells(all_constants));
        let sbox: Vec<Fr> = (1..ROUNDS)
            .flat_map(|r| (0..ELEMENTS).map(move |i| Fr::from(u64::from(has_sbox(r, i)))))
            .collect();
        let sbox = p.public("has an S-box", &axes, Public::Cells(sbox));
        let first_round = p.public("first round", &[round], Public::Below(1));
        let not_last = p.public("not the last round", &[round], Public::Below(rounds - 1));
        let last_round = -not_last + 1;
        let end = Public::Below(length.len - 1);
        let last_message = -p.public("not the last message", &[message], end) + 1;
        let to_next_round = p.public("to next round", &[round, next_round], Public::Successor);
        let pair = [message, next_message];
        let to_next_message = p.public("to next message", &pair, Public::Successor);

        let rows = [chain, message];
        let state = [chain, message, element];
        let all = [chain, message, round, element];
        let first = p.new_tensor("first state", &state, Role::Witness);
        let states = p.new_tensor("state", &all, Role::Witness);
        let output = p.new_tensor("permuted", &state, Role::Witness);
        let [first_, states_, output_] = [first, states, output].map(|id| p.use_of(id));
        let output_at_other = p.use_at(output, &[chain, message, other]);
        let fifth = |x: &Expression| x.squared() * x.squared() * x.clone();

        // The state before the first round is (0, h, m), plus constants.
        let [is_first, is_second, is_third] = element_is;
        p.zero(
            "poseidon: the first element is zero",
            &rows,
            is_first.clone() * first_.clone() - start[0].clone(),
        );
        p.zero(
            "poseidon: the third element is the message",
            &rows,
            is_third * first_.clone() - start[2].clone() - messages,
        );
        // What a permutation gives is the second element of the next one's; the last one's is the digest.
        let next = p.use_at(first, &[chain, next_message, element]);
        p.zero(
            "poseidon: the second element is the hash so far",
            &rows,
            is_first * output_
                - to_next_message * (is_second * next - start[1].clone())
                - last_message * digest,
        );
        let made = |next: Expression| inverse.clone() * next;
        let second = p.use_at(states, &[chain, message, round, other]);
        p.zero(
            "poseidon: first round",
            &state,
            fifth(&first_) - made(first_round * second) + first_constants,
        );
        let after = p.use_at(states, &[chain, message, next_round, other]);
        p.zero(
            "poseidon: round",
            &all,
            states_.clone() + sbox.clone() * fifth(&states_)
                - sbox * states_
                - made(to_next_round * after)
                + all_constants
                - last_round * made(output_at_other),
        );
        Self {
            first,
            states,
            output,
        }
    }

    /// Sets all states, from each chain's salt and messages.
    pub fn fill(&self, values: &mut Values<'_>, chains: &[(Fr, Vec<Fr>)]) {
        let states: Vec<Vec<Vec<[Fr; ELEMENTS]>>> = chains
            .iter()
            .map(|(salt, messages)| {
                let mut hash = *salt;
                let permuted = messages.iter().map(|m| {
                    let states = permutation([Fr::ZERO, hash, *m]);
                    hash = states[ROUNDS][0];
                    states
                });
                permuted.collect()
            })
            .collect();
        values.fill_field(self.first, |at| states[at[0]][at[1]][0][at[2]]);
        values.fill_field(self.states, |at| states[at[0]][at[1]][1 + at[2]][at[3]]);
        values.fill_field(self.output, |at| states[at[0]][at[1]][ROUNDS][at[2]]);
    }
}

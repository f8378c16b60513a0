//! Permutations of Poseidon, each from three wires to three wires.
//!
//! With `M` for the matrix, `c` for constants and `S` for the S-boxes of a round, the states before the S-boxes are
//! `s_1 = M·S(input + c_0) + c_1`, `s_(i+1) = M·S(s_i) + c_(i+1)`. Of the 65 rounds the first has no state of its own, so that
//! 64 are left. An equation states what the S-boxes gave: `M^-1·(next − c)`, which is linear in the next state.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuit::{Expression, Program, Public, Role, TensorId, Values};
use nanozk_poseidon::{ELEMENTS, ROUNDS, constants, has_sbox, permutation, times};

/// Permutations along an axis.
#[derive(Clone, Debug)]
pub struct Permutations {
    /// Inputs: an axis for the element, one for the permutation.
    pub inputs: TensorId,
    /// Outputs likewise.
    pub outputs: TensorId,
    states: TensorId,
}

impl Permutations {
    /// Declares permutations.
    pub fn new(p: &mut Program, count: usize) -> Self {
        let c = constants();
        let rounds = ROUNDS - 1;
        let permutation = p.new_axis("permutation", count);
        let round = p.new_axis("round", rounds);
        let next_round = p.new_axis("next round", rounds);
        let element = p.new_tiled_axis("element", ELEMENTS, 0);
        let other = p.new_tiled_axis("other element", ELEMENTS, 0);

        let wires = [element, permutation];
        let inputs = p.new_tensor("input", &wires, Role::Wire);
        let outputs = p.new_tensor("output", &wires, Role::Wire);
        let all = [element, permutation, round];
        let states = p.new_tensor("state", &all, Role::Witness);

        let start = Public::Cells(c.rounds[0].to_vec());
        let start = p.public("constants of the first round", &[element], start);
        let inverse = Public::Cells(c.inverse.as_flattened().to_vec());
        let inverse = p.public("inverse matrix", &[element, other], inverse);
        // Constants of the round after, as the S-boxes' outputs are without them.
        let after = |round: usize| match c.rounds.get(round + 1) {
            Some(constants) => times(&c.inverse, constants),
            None => [Fr::ZERO; ELEMENTS],
        };
        let second = Public::Cells(after(0).to_vec());
        let second = p.public("constants of the second round", &[element], second);
        let by_element = |f: &dyn Fn(usize, usize) -> Fr| -> Vec<Fr> {
            (0..ELEMENTS)
                .flat_map(|i| (1..ROUNDS).map(move |round| f(round, i)))
                .collect()
        };
        let axes = [element, round];
        let later = Public::Cells(by_element(&|round, i| after(round)[i]));
        let later = p.public("constants of rounds", &axes, later);
        let sbox = Public::Cells(by_element(&|round, i| {
            Fr::from(u64::from(has_sbox(round, i)))
        }));
        let sbox = p.public("has an S-box", &axes, sbox);
        let cell = |index| Public::Cell {
            index,
            value: Fr::ONE,
        };
        let first_round = p.public("first round", &[round], cell(0));
        let last_round = p.public("last round", &[round], cell(rounds - 1));
        let to_next = p.public("to the next round", &[round, next_round], Public::Successor);

        let fifth = |x: &Expression| x.squared() * x.squared() * x.clone();
        let made = |next: Expression| inverse.clone() * next;
        let input = p.use_of(inputs) + start;
        let state = p.use_of(states);
        let first = p.use_at(states, &[other, permutation, round]);
        p.zero(
            "hash: first round",
            &wires,
            fifth(&input) - made(first_round * first) + second,
        );
        let next = p.use_at(states, &[other, permutation, next_round]);
        let output = p.use_at(outputs, &[other, permutation]);
        p.zero(
            "hash: round",
            &all,
            state.clone() + sbox.clone() * (fifth(&state) - state) - made(to_next * next) + later
                - last_round * made(output),
        );
        Self {
            inputs,
            outputs,
            states,
        }
    }

    /// Sets everything, from all inputs.
    pub fn fill(&self, values: &mut Values<'_>, inputs: &[[Fr; ELEMENTS]]) {
        let states: Vec<Vec<[Fr; ELEMENTS]>> = inputs.iter().map(|x| permutation(*x)).collect();
        values.fill_field(self.inputs, |at| inputs[at[1]][at[0]]);
        values.fill_field(self.outputs, |at| states[at[1]][ROUNDS][at[0]]);
        values.fill_field(self.states, |at| states[at[1]][1 + at[2]][at[0]]);
    }
}

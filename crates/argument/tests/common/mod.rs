//! A program of all kinds of statements, and what proofs of any program need.

// Each file of tests uses a part of it.
#![allow(dead_code)]

use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use halo2curves::ff::Field;
use nanozk_argument::{
    Error, Known, Proof, Stage, Statement, commit_known, powers, prove_unchecked, verify,
};
use nanozk_circuit::{Layout, Program, Public, Registry, Role, Tensor, Values, Virtual};
use nanozk_kzg::Basis;
use nanozk_transcript::{KeccakTranscript, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Most variables of a column.
const MAX_K: u32 = 11;
/// Variables of a column of [`program`].
pub(crate) const K: u32 = 10;

/// Randomness of a prover.
pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

/// Powers of a setup, and what its pairings need.
pub(crate) fn basis() -> &'static (Basis, [G2Affine; 2]) {
    static BASIS: OnceLock<(Basis, [G2Affine; 2])> = OnceLock::new();
    BASIS.get_or_init(|| {
        let seed = nanozk_setup::DEVELOPMENT_SEED;
        let (bases, g2) = nanozk_setup::development_powers(powers(MAX_K), seed);
        (Basis::new(&bases, 1).unwrap(), g2)
    })
}

/// Weights in columns one after the other, biases in others, activations in others.
pub(crate) struct Packed(BTreeMap<(String, Vec<usize>), (u32, usize)>);

impl Packed {
    pub(crate) fn new(program: &Program, k: u32) -> Self {
        let mut places = BTreeMap::new();
        let (mut weights, mut activations) = (0, 0);
        for role in [
            Role::Weight { wide: false },
            Role::Weight { wide: true },
            Role::Activation,
        ] {
            let mut tensors: Vec<_> = program
                .enumerate()
                .filter(|(_, tensor)| tensor.role == role)
                .map(|(id, _)| (std::cmp::Reverse(program.tile_bits(id)), id))
                .collect();
            tensors.sort();
            let column = match role {
                Role::Activation => &mut activations,
                _ => &mut weights,
            };
            let mut used = 0;
            for (bits, id) in tensors {
                for tile in 0..program.tiles(id) {
                    if used + (1 << bits.0) > 1 << k {
                        (*column, used) = (*column + 1, 0);
                    }
                    let key = (
                        program.tensor(id).name.clone(),
                        program.tile_indices(id, tile),
                    );
                    places.insert(key, (*column, used));
                    used += 1 << bits.0;
                }
            }
            *column += 1;
        }
        Self(places)
    }
}

impl Registry for Packed {
    fn place(&self, tensor: &Tensor, indices: &[usize]) -> Option<(u32, usize)> {
        let key = (tensor.name.clone(), indices.to_vec());
        self.0.get(&key).copied()
    }
}

/// Of a program without weights, activations and tables of values.
pub(crate) fn nothing_known() -> Known {
    Known::unchecked(BTreeMap::new())
}

pub(crate) fn known(values: &Values<'_>) -> Known {
    commit_known(&basis().0, values)
}

/// A proof of a statement about values, true or not, by a prover who may change them on the way.
pub(crate) fn forged<T: Transcript>(
    known: &Known,
    values: Values<'_>,
    mut transcript: T,
    depart: impl FnMut(Stage, &mut Values<'_>, &[Fr]),
) -> Result<Proof, Error> {
    let inputs = values.inputs().to_vec();
    let statement = Statement {
        program: values.program(),
        layout: values.layout(),
        inputs: &inputs,
        known,
    };
    let mut rng = rng();
    prove_unchecked(
        &statement,
        values,
        &basis().0,
        &mut rng,
        &mut transcript,
        depart,
    )
}

/// A proof by a prover who keeps to the protocol, whatever the values.
pub(crate) fn proved(values: Values<'_>) -> Proof {
    let known = known(&values);
    forged(&known, values, KeccakTranscript::new(), |_, _, _| {}).unwrap()
}

/// Whether a proof is accepted, pairing included.
pub(crate) fn accepted<T: Transcript>(
    statement: &Statement<'_>,
    proof: &Proof,
    mut transcript: T,
) -> bool {
    verify(statement, proof, &mut transcript).is_ok_and(|accumulator| accumulator.holds(&basis().1))
}

/// Whether a proof for values, committed as they are, is accepted.
pub(crate) fn proves(values: Values<'_>) -> bool {
    let (program, layout) = (values.program(), values.layout());
    let (known, inputs) = (known(&values), values.inputs().to_vec());
    let proof = forged(&known, values, KeccakTranscript::new(), |_, _, _| {}).unwrap();
    let statement = Statement {
        program,
        layout,
        inputs: &inputs,
        known: &known,
    };
    accepted(&statement, &proof, KeccakTranscript::new())
}

/// A transcript whose challenges a prover knows before it begins: what is absorbed has no influence.
#[derive(Default)]
pub(crate) struct Predictable(u64);

impl Predictable {
    pub(crate) fn challenge(index: u64) -> Fr {
        Fr::from(index + 3).pow([41]) + Fr::from(index)
    }
}

impl Transcript for Predictable {
    fn absorb_scalar(&mut self, _: &Fr) {}

    fn absorb_point(&mut self, _: &G1Affine) -> Result<(), nanozk_transcript::Malformed> {
        Ok(())
    }

    fn squeeze(&mut self) -> Fr {
        self.0 += 1;
        Self::challenge(self.0 - 1)
    }
}

pub(crate) fn layout(program: &Program) -> Layout {
    Layout::new(program, K, 1, &Packed::new(program, K)).unwrap()
}

/// Public inputs of [`program`].
pub(crate) fn inputs() -> Vec<Fr> {
    vec![Fr::from(7)]
}

/// A matrix product with rounding, broadcasts, squares, a lookup, and a tensor that is not committed.
pub(crate) fn program() -> Program {
    let mut p = Program::new();
    let layer = p.new_axis("layer", 3);
    let t = p.new_axis("position", 4);
    let s = p.new_axis("other position", 4);
    let i = p.new_axis("input", 6);
    let o = p.new_axis("output", 5);
    let v1 = p.new_axis("token high", 3);
    let v2 = p.new_axis("token low", 4);
    let (r8, r4) = (p.range(8), p.range(4));
    let squares = p.new_table("squares", 4, Some((0..16).map(|x| x * x + 1).collect()));
    let limb = |range| Role::Limb { range };
    let x = p.new_tensor("x", &[layer, i, t], limb(r8));
    let w = p.new_tensor("w", &[layer, i, o], Role::Weight { wide: false });
    let b = p.new_tensor("b", &[layer, o], Role::Weight { wide: true });
    let y = p.new_tensor("y", &[layer, o, t], limb(r8));
    let rem = p.new_tensor("rem", &[layer, o, t], limb(r4));
    let [x_, w_, b_, y_, rem_] = [x, w, b, y, rem].map(|id| p.use_of(id));
    p.zero(
        "product",
        &[layer, o, t],
        (x_.clone() - 3) * w_ + b_ + 8 - y_.clone() * 16 - rem_,
    );
    let mean = p.new_tensor("mean", &[layer, t], Role::Witness);
    let r = p.new_tensor("r", &[layer, t], Role::Witness);
    let z = p.new_tensor("z", &[layer, o, t], Role::Witness);
    let q = p.new_tensor("q", &[layer, t], Role::Witness);
    let [mean_, r_, z_, q_] = [mean, r, z, q].map(|id| p.use_of(id));
    p.zero("mean", &[layer, t], y_.clone() - mean_.clone());
    p.zero(
        "scaled",
        &[layer, o, t],
        (y_.clone() - mean_.clone()) * r_.clone() - z_,
    );
    p.zero("squares", &[layer, t], y_.squared() - q_.clone());
    let cube = p.new_tensor("cube", &[layer, t], Role::Witness);
    let cube_ = p.use_of(cube);
    p.zero(
        "cube",
        &[layer, t],
        r_.clone() * r_ * (q_ * 2 + 5) + mean_ * -1 - 7 - cube_,
    );
    // Scores of pairs, masked.
    let score = p.new_tensor("score", &[layer, t, s], Role::Witness);
    let less = p.new_tensor("less", &[t, s], Role::Public(Public::Less));
    let y_s = p.use_at(y, &[layer, o, s]);
    let (score_, less_) = (p.use_of(score), p.use_of(less));
    p.zero(
        "scores",
        &[layer, t, s],
        y_ * y_s - score_.clone() + less_ * 1000,
    );
    let key = p.new_tensor("key", &[layer, t, s], Role::Key { table: squares });
    let value = p.new_tensor("value", &[layer, t, s], Role::Value { key });
    let [key_, value_] = [key, value].map(|id| p.use_of(id));
    let sum = p.new_tensor("sum", &[layer, t], Role::Witness);
    let sum_ = p.use_of(sum);
    p.zero("sum of values", &[layer, t], value_ * key_ - sum_);
    // Embeddings of tokens.
    let high = p.new_tensor("high", &[v1, t], limb(r4));
    let low = p.new_tensor("low", &[v2, t], limb(r4));
    let [high_, low_] = [high, low].map(|id| p.use_of(id));
    p.zero("one high", &[t], high_.clone() - 1);
    p.zero("one low", &[t], low_.clone() - 1);
    let entry = p.new_tensor(
        "entry",
        &[v1, v2, t],
        Role::Virtual(Virtual {
            expression: high_.clone() * low_,
        }),
    );
    let table = p.new_tensor("table", &[v1, v2, i], Role::Weight { wide: false });
    let out = p.new_tensor("activation", &[i, t], Role::Activation);
    let [entry_, table_, out_] = [entry, table, out].map(|id| p.use_of(id));
    p.zero("embedding", &[i, t], table_ * entry_ - out_);
    // Public inputs and lists.
    let list = p.new_tensor(
        "list",
        &[v1],
        Role::Public(Public::Cells(vec![Fr::from(5), Fr::from(7), Fr::from(11)])),
    );
    let input = p.new_tensor("input", &[], Role::Public(Public::Input(0)));
    let first = p.new_tensor(
        "first",
        &[t],
        Role::Public(Public::Cells(vec![Fr::ONE, Fr::ZERO, Fr::ZERO, Fr::ZERO])),
    );
    let [list_, input_, first_] = [list, input, first].map(|id| p.use_of(id));
    p.zero("input", &[], list_ * high_ * first_ - input_);
    p
}

pub(crate) fn values<'a>(p: &'a Program, layout: &'a Layout) -> Values<'a> {
    let mut v = Values::new(p, layout, inputs());
    let id = |name: &str| p.named(name).unwrap();
    let x = |l: usize, i: usize, t: usize| ((l * 7 + i * 5 + t * 3) % 20 + 3) as i128;
    let w = |l: usize, i: usize, o: usize| ((l + i * o) % 9) as i128;
    let b = |l: usize, o: usize| (l * 100 + o * 10 + 5) as i128;
    let acc = |l: usize, o: usize, t: usize| {
        (0..6).map(|i| (x(l, i, t) - 3) * w(l, i, o)).sum::<i128>() + b(l, o) + 8
    };
    let y = |l, o, t| acc(l, o, t) >> 4;
    let mean = |l, t| (0..5).map(|o| y(l, o, t)).sum::<i128>();
    let q = |l, t| (0..5).map(|o| y(l, o, t) * y(l, o, t)).sum::<i128>();
    v.fill(id("x"), |a| x(a[0], a[1], a[2])).unwrap();
    v.fill(id("w"), |a| w(a[0], a[1], a[2])).unwrap();
    v.fill(id("b"), |a| b(a[0], a[1])).unwrap();
    v.fill(id("y"), |a| y(a[0], a[1], a[2])).unwrap();
    v.fill(id("rem"), |a| acc(a[0], a[1], a[2]) & 15).unwrap();
    v.fill(id("mean"), |a| mean(a[0], a[1])).unwrap();
    v.fill(id("q"), |a| q(a[0], a[1])).unwrap();
    let r = |l: usize, t: usize| (l * 31 + t * 17) as i128 - 20;
    v.fill(id("r"), |a| r(a[0], a[1])).unwrap();
    v.fill(id("z"), |a| {
        (y(a[0], a[1], a[2]) - mean(a[0], a[2])) * r(a[0], a[2])
    })
    .unwrap();
    v.fill(id("cube"), |a| {
        let r = r(a[0], a[1]);
        r * r * (2 * q(a[0], a[1]) + 5) - mean(a[0], a[1]) - 7
    })
    .unwrap();
    v.fill(id("score"), |a| {
        let masked = i128::from(a[1] < a[2]) * 1000;
        (0..5)
            .map(|o| y(a[0], o, a[1]) * y(a[0], o, a[2]))
            .sum::<i128>()
            + masked
    })
    .unwrap();
    let key = |l: usize, t: usize, s: usize| (l * 5 + t * 4 + s) % 16;
    v.fill(id("key"), |a| key(a[0], a[1], a[2]) as i128)
        .unwrap();
    v.fill(id("sum"), |a| {
        (0..4)
            .map(|s| key(a[0], a[1], s))
            .map(|k| (k * (k * k + 1)) as i128)
            .sum()
    })
    .unwrap();
    let token = |t: usize| [5, 11, 0, 6][t];
    v.fill(id("high"), |a| i128::from(token(a[1]) / 4 == a[0]))
        .unwrap();
    v.fill(id("low"), |a| i128::from(token(a[1]) % 4 == a[0]))
        .unwrap();
    let table = |v1: usize, v2: usize, i: usize| (v1 * 1000 + v2 * 100 + i) as i128 - 1500;
    v.fill(id("table"), |a| table(a[0], a[1], a[2])).unwrap();
    v.fill(id("activation"), |a| {
        table(token(a[1]) / 4, token(a[1]) % 4, a[0])
    })
    .unwrap();
    v.look_up().unwrap();
    v
}

//! Programs of all kinds of statements, through real proofs.

use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use halo2curves::ff::Field;
use nanozk_argument::{commit, powers, prove, verify, Proof, Statement};
use nanozk_circuit::{
    ColumnId, ColumnKind, Layout, Program, Public, Registry, Role, Tensor, Values, Virtual,
};
use nanozk_kzg::Basis;
use nanozk_transcript::KeccakTranscript;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Weights in column 0 (integers of 32 bits) and column 1 (biases); activations in columns of their own.
struct Packed(
    Mutex<BTreeMap<String, (u32, usize)>>,
    BTreeMap<String, usize>,
);

impl Registry for Packed {
    fn place(&self, tensor: &Tensor, indices: &[usize]) -> Option<(u32, usize)> {
        let size = self.1[&tensor.name];
        let mut known = self.0.lock().unwrap();
        let key = format!("{} {indices:?}", tensor.name);
        let column = match tensor.role {
            Role::Weight { wide } => u32::from(wide),
            _ => 0,
        };
        let next = known
            .iter()
            .filter(|(k, _)| {
                let activation = k.starts_with("activation");
                activation == tensor.name.starts_with("activation")
            })
            .filter(|(_, (c, _))| *c == column)
            .map(|(k, (_, offset))| offset + self.1[k.split(' ').next().unwrap()])
            .max()
            .unwrap_or(0)
            .next_multiple_of(size);
        Some(*known.entry(key).or_insert((column, next)))
    }
}

fn registry(program: &Program) -> Packed {
    let sizes = program
        .enumerate()
        .map(|(id, tensor)| (tensor.name.clone(), 1 << program.tile_bits(id)))
        .collect();
    Packed(Mutex::default(), sizes)
}

/// A matrix product with rounding, broadcasts, squares, a lookup, and a tensor that is not committed.
fn program() -> Program {
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

fn values<'a>(p: &'a Program, layout: &'a Layout) -> Values<'a> {
    let mut v = Values::new(p, layout, vec![Fr::from(7)]);
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

fn honest() -> (Program, Layout) {
    let p = program();
    let layout = Layout::new(&p, 10, 2, &registry(&p)).unwrap();
    (p, layout)
}

const K: u32 = 10;

fn basis() -> (Basis, [G2Affine; 2]) {
    let (bases, g2) = nanozk_setup::development_powers(powers(K), nanozk_setup::DEVELOPMENT_SEED);
    (Basis::new(&bases, 1).unwrap(), g2)
}

struct Proved {
    g2: [G2Affine; 2],
    known: BTreeMap<ColumnId, G1Affine>,
    proof: Proof,
}

fn proved(program: &Program, layout: &Layout, values: Values<'_>) -> Proved {
    let (basis, g2) = basis();
    let known: BTreeMap<ColumnId, G1Affine> = layout
        .enumerate()
        .filter(|(_, c)| {
            matches!(
                c.kind,
                ColumnKind::Weight(_) | ColumnKind::Activation(_) | ColumnKind::TableValues(_)
            )
        })
        .map(|(id, _)| (id, commit(&basis, values.column(id), K, values.tail(id))))
        .collect();
    let inputs = values.inputs().to_vec();
    let statement = Statement {
        program,
        layout,
        inputs: &inputs,
        known: &known,
    };
    let mut transcript = KeccakTranscript::new();
    let proof = prove(
        &statement,
        values,
        &basis,
        &mut ChaCha20Rng::seed_from_u64(1),
        &mut transcript,
        |_| {},
    )
    .unwrap();
    Proved { g2, known, proof }
}

fn is_verified(program: &Program, layout: &Layout, p: &Proved, proof: &Proof) -> bool {
    let inputs = [Fr::from(7)];
    let statement = Statement {
        program,
        layout,
        inputs: &inputs,
        known: &p.known,
    };
    let mut transcript = KeccakTranscript::new();
    verify(&statement, proof, &mut transcript).is_ok_and(|accumulator| accumulator.holds(&p.g2))
}

#[test]
fn honest_proofs_are_accepted_and_changed_ones_are_not() {
    let (p, layout) = honest();
    let v = values(&p, &layout);
    p.check(&v).unwrap();
    let proved = proved(&p, &layout, v);
    assert!(is_verified(&p, &layout, &proved, &proved.proof));
    for i in 0..proved.proof.scalars.len() {
        let mut changed = proved.proof.clone();
        changed.scalars[i] += Fr::ONE;
        assert!(!is_verified(&p, &layout, &proved, &changed), "scalar {i}");
    }
}

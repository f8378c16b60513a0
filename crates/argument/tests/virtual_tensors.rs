//! Tensors that are not committed, with sums within their definitions.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_argument::{Proof, Statement, commit_known, prove, verify};
use nanozk_circuit::{Layout, Program, Public, Registry, Role, Tensor, Values, Virtual};
use nanozk_kzg::Basis;
use nanozk_transcript::KeccakTranscript;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// Nothing is registered.
struct Nothing;

impl Registry for Nothing {
    fn place(&self, _: &Tensor, _: &[usize]) -> Option<(u32, usize)> {
        None
    }
}

const K: u32 = 8;

/// `path[a,d] = Σ_{b,c} x[a,b,c]·y[b,c]·z[c,d]`, of which two axes are in several factors and none of them is kept; then
/// products of it with another tensor, and with comparisons along an axis with padding.
fn program() -> Program {
    let mut p = Program::new();
    let [a, b, c, d] = [("a", 3), ("b", 5), ("c", 2), ("d", 6)].map(|(n, len)| p.new_axis(n, len));
    let other = p.new_axis("other d", 6);
    let bits = p.range(4);
    let limb = Role::Limb { range: bits };
    let x = p.new_tensor("x", &[a, b, c], limb.clone());
    let y = p.new_tensor("y", &[b, c], limb.clone());
    let z = p.new_tensor("z", &[c, d], limb.clone());
    let w = p.new_tensor("w", &[a, d], limb);
    let [x, y, z, w] = [x, y, z, w].map(|id| p.use_of(id));
    let expression = x * y * z;
    let path = p.new_tensor("path", &[a, d], Role::Virtual(Virtual { expression }));
    let path_ = p.use_of(path);
    let product = p.new_tensor("product", &[d], Role::Witness);
    let less = p.new_tensor("less", &[d, other], Role::Public(Public::Less));
    let next = p.new_tensor("next", &[d, other], Role::Public(Public::Successor));
    let later = p.new_tensor("later", &[d], Role::Witness);
    let [product, less, next, later] = [product, less, next, later].map(|id| p.use_of(id));
    p.zero("product", &[d], path_ * w - product);
    let at_other = p.use_at(path, &[a, other]);
    p.zero("later", &[d], (less * 3 + next) * at_other - later);
    p
}

fn fill(values: &mut Values<'_>) {
    let program = values.program();
    let id = |name: &str| program.named(name).unwrap();
    let x = |a: usize, b: usize, c: usize| (3 * a + 5 * b + 7 * c) as i128 % 16;
    let y = |b: usize, c: usize| (b + 3 * c) as i128;
    let z = |c: usize, d: usize| (5 * c + 2 * d) as i128 % 16;
    let w = |a: usize, d: usize| (a * d) as i128;
    let path = |a: usize, d: usize| -> i128 {
        let pairs = (0..5).flat_map(|b| (0..2).map(move |c| (b, c)));
        pairs.map(|(b, c)| x(a, b, c) * y(b, c) * z(c, d)).sum()
    };
    values.fill(id("x"), |at| x(at[0], at[1], at[2])).unwrap();
    values.fill(id("y"), |at| y(at[0], at[1])).unwrap();
    values.fill(id("z"), |at| z(at[0], at[1])).unwrap();
    values.fill(id("w"), |at| w(at[0], at[1])).unwrap();
    let sum = |at: &[usize]| (0..3).map(|a| path(a, at[0]) * w(a, at[0])).sum();
    values.fill(id("product"), sum).unwrap();
    let later = |at: &[usize]| {
        let weight = |d: usize| 3 * i128::from(at[0] < d) + i128::from(at[0] + 1 == d);
        let all = (0..3).flat_map(|a| (0..6).map(move |d| (a, d)));
        all.map(|(a, d)| weight(d) * path(a, d)).sum()
    };
    values.fill(id("later"), later).unwrap();
    values.look_up().unwrap();
}

#[test]
fn sums_within_definitions() {
    let program = program();
    let layout = Layout::new(&program, K, 3, &Nothing).unwrap();
    let count = nanozk_argument::powers(K);
    let (bases, g2) = nanozk_setup::development_powers(count, nanozk_setup::DEVELOPMENT_SEED);
    let basis = Basis::new(&bases, 1).unwrap();
    let mut values = Values::new(&program, &layout, vec![]);
    fill(&mut values);
    program.check(&values).unwrap();
    let known = commit_known(&basis, &values);
    let statement = Statement {
        program: &program,
        layout: &layout,
        inputs: &[],
        known: &known,
    };
    let mut transcript = KeccakTranscript::new();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let proof = prove(
        &statement,
        values,
        &basis,
        &mut rng,
        &mut transcript,
        |_| {},
    )
    .unwrap();
    let is_valid = |proof: &Proof| {
        verify(&statement, proof, &mut KeccakTranscript::new())
            .is_ok_and(|accumulator| accumulator.holds(&g2))
    };
    assert!(is_valid(&proof));
    for i in 0..proof.scalars.len() {
        let mut changed = proof.clone();
        changed.scalars[i] += Fr::ONE;
        assert!(!is_valid(&changed), "scalar {i}");
    }
}

//! The verifier of an aggregate, on a chain and natively: the same verdicts.

mod common;

use common::*;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::group::Curve;
use nanozk_aggregation::{Child, Node, Plan};
use nanozk_circuits::{LayerKind, Objective, Shape};
use nanozk_evm::{generate_aggregate, Tables};
use nanozk_executor::{synthetic, Activation, Architecture};
use nanozk_prover::aggregate::{claimed, layers_of, Aggregator, Tree};
use nanozk_prover::keys::{KeyStore, Prepared};
use nanozk_prover::plonk::verifier_params;
use nanozk_prover::registration::{plan_model, register};
use nanozk_prover::session::{Generated, Options, SessionDir};
use nanozk_setup::{Setup, DEVELOPMENT_SEED};
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::statement::Context;
use nanozk_verifier::{
    verify_aggregate, AggregateProof, Claimed, KzgVerifier, TranscriptKind, VerifyingKey,
};
use rand_core::RngCore;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::LazyLock;

const WEIGHT_SEED: [u8; 32] = [5; 32];
const GAS_LIMIT: u64 = 450_000;
const GAS: u64 = 16_777_216;

struct World {
    layers: Vec<(LayerKind, VerifyingKey)>,
    key: VerifyingKey,
    params: KzgVerifier,
    claimed: Claimed,
    proof: AggregateProof,
}

/// A small model's session with its aggregate.
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let arch = Architecture {
        layers: 1,
        width: 8,
        heads: 2,
        mlp_width: 16,
        vocab: 16,
        context: 8,
    };
    let model = synthetic::model(arch, Activation::GeluNew, 1);
    let plan = plan_model(&model, 8, false, Objective::default()).unwrap();
    let setup = Setup::development(plan.choices[0].shape.plan.k, DEVELOPMENT_SEED).unwrap();
    let dir = tempfile::TempDir::new().unwrap();
    let store = KeyStore::new(dir.path().join("keys"));
    let card = register(
        &model,
        [1; 32],
        &plan,
        &setup,
        &store,
        &WEIGHT_SEED,
        |_, _| {},
    )
    .unwrap();
    let prepared: HashMap<Shape, Prepared> = card
        .layers
        .iter()
        .map(|l| card.shape(l))
        .map(|s| (s, Prepared::new(s, &setup, &store).unwrap()))
        .collect();
    let keys: HashMap<Shape, VerifyingKey> = prepared
        .iter()
        .map(|(s, p)| (*s, p.key.vk().clone()))
        .collect();
    let session = SessionDir::new(dir.path().join("session"));
    let mut tokens = vec![3, 1, 4];
    tokens.extend(model.generate(&tokens, 3, |_| {}).unwrap());
    let generated = Generated {
        context: Context::default(),
        tokens: &tokens,
        prompt: 3,
        input_salt: None,
    };
    let mut random = rng(7);
    session
        .create(&model, &card, &generated, &setup, &mut random)
        .unwrap();
    let options = Options {
        layers: vec![],
        transcript: TranscriptKind::Poseidon,
        jobs: 1,
    };
    session
        .for_aggregate()
        .prove(&model, &WEIGHT_SEED, &setup, &prepared, &options, &|_| {})
        .unwrap();
    let params = verifier_params(setup.params(), setup.id());
    let layers = layers_of(&card, &keys).unwrap();
    let setups = |k| Ok(Arc::new(Setup::development(k, DEVELOPMENT_SEED).unwrap()));
    let plan = Plan::parse("4", 4).unwrap();
    let tree = Tree::new(&layers, plan, &setups, &store, &|_| {}).unwrap();
    let aggregator = Aggregator::new(&session, &tree, params, keys).unwrap();
    let proof = aggregator.prove(&setups, &|_| {}).unwrap();
    World {
        layers,
        key: tree.root().key.clone(),
        params,
        claimed: claimed(&session.session().unwrap(), &card),
        proof,
    }
});

fn deployed(w: &World) -> Chain {
    let interface = "../interfaces/ILayerVerifier.sol";
    let contract = generate_aggregate(&w.key, &w.params, "Verifier", interface, "a test").unwrap();
    Chain::new(compile(&contract))
}

fn words(claimed: &Claimed) -> Vec<[u8; 32]> {
    let [high, low] = claimed.statement;
    [high, low, claimed.input, claimed.output]
        .map(|s| scalar_to_bytes(&s))
        .to_vec()
}

#[test]
fn accepts_at_a_bounded_price() {
    let w = &*WORLD;
    verify_aggregate(&w.params, &w.key, &w.claimed, &w.proof).unwrap();
    assert!(w.proof.to_bytes().len() <= 2_500);
    let mut chain = deployed(w);
    let data = calldata(&w.proof.to_calldata(w.claimed.digest), &words(&w.claimed));
    let (outcome, gas) = chain.call_with_gas(data, GAS);
    println!(
        "gas {gas}, code {} bytes, proof {} bytes, calldata {}",
        chain.code_size,
        w.proof.to_bytes().len(),
        w.proof.to_calldata(w.claimed.digest).len()
    );
    let expected = [[0; 32], [0; 32], scalar_to_bytes(&w.claimed.digest)].concat();
    assert_eq!(outcome, Outcome::Returned(expected));
    assert!(gas <= GAS_LIMIT, "{gas} gas");
}

/// Whatever is changed, the contract and the native verifier refuse it.
#[test]
fn refuses_what_the_native_verifier_refuses() {
    let w = &*WORLD;
    let mut chain = deployed(w);
    let good = w.proof.to_calldata(w.claimed.digest);
    let words = words(&w.claimed);
    let native = |bytes: &[u8], words: &[[u8; 32]]| -> bool {
        let scalar = |i: usize| nanozk_verifier::encoding::scalar_from_bytes(words.get(i)?).ok();
        let Some((proof, digest)) = AggregateProof::from_calldata(&w.key, bytes).ok() else {
            return false;
        };
        let (Some(high), Some(low), Some(input), Some(output)) =
            (scalar(0), scalar(1), scalar(2), scalar(3))
        else {
            return false;
        };
        let claimed = Claimed {
            statement: [high, low],
            input,
            output,
            digest,
        };
        verify_aggregate(&w.params, &w.key, &claimed, &proof).is_ok()
    };
    let mut random = rng(9);
    let mut agree = |bytes: Vec<u8>, words: Vec<[u8; 32]>, what: &str| {
        let accepted = matches!(chain.call(calldata(&bytes, &words)), Outcome::Returned(_));
        assert_eq!(accepted, native(&bytes, &words), "{what}");
        assert!(!accepted, "{what}");
    };
    // Every word: another bit, another word's value, the modulus added.
    for at in (0..good.len()).step_by(32) {
        let mut bytes = good.clone();
        let bit = random.next_u32() as usize % 253 + 3;
        bytes[at + bit / 8] ^= 0x80 >> (bit % 8);
        agree(
            bytes,
            words.clone(),
            &format!("bit {bit} of the word at {at}"),
        );
        let mut bytes = good.clone();
        bytes[at..at + 32].fill(0);
        agree(bytes, words.clone(), &format!("the word at {at} zeroed"));
    }
    for i in 0..words.len() {
        let mut other = words.clone();
        other[i][31] ^= 1;
        agree(good.clone(), other, &format!("public input {i}"));
    }
    // Points of the proof in each other's place.
    let point = |i: usize| 160 + 64 * i;
    for i in 0..18 {
        let mut bytes = good.clone();
        let other: Vec<u8> = bytes[point(i + 1)..point(i + 2)].to_vec();
        bytes[point(i)..point(i) + 64].copy_from_slice(&other);
        agree(bytes, words.clone(), &format!("point {i}"));
    }
    // An accumulator that is valid, but another.
    for factor in [2u64, 3, 12345] {
        let mut forged = w.proof.clone();
        let times = |p: G1Affine| (p * Fr::from(factor)).to_affine();
        forged.accumulator.lhs = times(forged.accumulator.lhs);
        forged.accumulator.rhs = times(forged.accumulator.rhs);
        assert_eq!(
            forged.accumulator.check(&w.params),
            Ok(()),
            "valid in itself"
        );
        agree(
            forged.to_calldata(w.claimed.digest),
            words.clone(),
            "a forged accumulator",
        );
    }
    let mut negated = w.proof.clone();
    negated.accumulator.lhs = -negated.accumulator.lhs;
    negated.accumulator.rhs = -negated.accumulator.rhs;
    agree(
        negated.to_calldata(w.claimed.digest),
        words.clone(),
        "negated",
    );
    // Another model.
    agree(
        w.proof.to_calldata(w.claimed.digest + Fr::one()),
        words.clone(),
        "another digest",
    );
    // Lengths.
    agree(good[..good.len() - 32].to_vec(), words.clone(), "truncated");
    agree(
        [good.clone(), vec![0; 32]].concat(),
        words.clone(),
        "extended",
    );
    agree(good.clone(), words[..3].to_vec(), "a public input too few");
}

/// A root's tables have the same sizes whatever it is over: so have its proofs, and so costs verifying them.
#[test]
fn roots_over_any_number_of_layers_cost_the_same() {
    let w = &*WORLD;
    let sizes = |blocks: usize| {
        let inner = || w.layers[1..3].iter().cloned();
        let layers: Vec<Child> = w.layers[..1]
            .iter()
            .cloned()
            .chain((0..blocks).flat_map(|_| inner()))
            .chain(w.layers[3..].iter().cloned())
            .map(|(kind, key)| Child::Layer { kind, key })
            .collect();
        let node = Node::new(layers, true);
        let program = Arc::new(node.program());
        let key = VerifyingKey::new(program, w.key.fixed_commitments().to_vec(), w.key.setup());
        let tables = Tables::new(&key).unwrap();
        let terms: usize = tables.gates.iter().map(|g| g.terms.len()).sum();
        (
            AggregateProof::byte_length(key.layout()),
            AggregateProof::calldata_length(key.layout()),
            (
                tables.opened.len(),
                tables.linear.len(),
                tables.rotations.len(),
            ),
            (tables.gates.len(), terms, tables.operations.len()),
        )
    };
    assert_eq!(sizes(1), sizes(5), "4 and 12 layers");
}

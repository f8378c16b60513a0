//! What generated verifiers say of their circuits, in their sources: the registry compares it.

use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::group::Curve;
use nanozk_aggregation::node::shape as node_shape;
use nanozk_circuits::{BlockShape, Layer, LayerKind, Plan, Shape};
use nanozk_evm::{generate, generate_aggregate};
use nanozk_executor::{synthetic, Activation, Architecture};
use nanozk_setup::{Setup, DEVELOPMENT_SEED};
use nanozk_verifier::aggregate::INSTANCES;
use nanozk_verifier::{KzgVerifier, VerifyingKey};
use std::sync::Arc;

const KINDS: [LayerKind; 5] = [
    LayerKind::Embed,
    LayerKind::Attention,
    LayerKind::Mlp,
    LayerKind::Block,
    LayerKind::Head,
];
const K: u32 = 12;

fn params() -> KzgVerifier {
    let setup = Setup::development(2, DEVELOPMENT_SEED).unwrap();
    nanozk_prover::plonk::verifier_params(setup.params(), setup.id())
}

fn shape(kind: LayerKind, width: usize, tokens: usize) -> Shape {
    let arch = Architecture {
        layers: 1,
        width,
        heads: 2,
        mlp_width: 16,
        vocab: 16,
        context: tokens,
    };
    Shape {
        kind,
        block: BlockShape::new(&arch, &synthetic::spec(width, Activation::GeluNew)),
        tokens,
        plan: Plan {
            k: K,
            weights: 4,
            lanes: 5,
            limb: 8,
        },
    }
}

/// A key of a program: what is committed to does not matter here.
fn key(program: Arc<nanozk_circuits::ir::Program>, fixed: usize) -> VerifyingKey {
    let points = (1u64..).map(|i| (G1Affine::generator() * Fr::from(i)).to_affine());
    VerifyingKey::new(program, points.take(fixed).collect(), params().id)
}

fn layer_key(shape: Shape) -> VerifyingKey {
    let program = Layer::new(shape).unwrap().program;
    let fixed = program.columns_of(nanozk_circuits::ir::Kind::Fixed).count();
    key(program, fixed)
}

fn says(source: &str) -> &str {
    let (_, rest) = source
        .split_once("function shape() external pure returns (uint256 kind, Activations memory activations) {\n")
        .expect("it has the function");
    rest.lines().next().unwrap().trim()
}

#[test]
fn verifiers_say_what_they_are_of() {
    for (width, tokens) in [(8, 4), (4, 8)] {
        for (number, kind) in KINDS.into_iter().enumerate() {
            let shape = shape(kind, width, tokens);
            let key = layer_key(shape);
            let contract = generate(&shape, &key, &params(), "V", "I.sol", "").unwrap();
            assert_eq!(
                says(&contract.source),
                format!("return ({number}, Activations(K, {tokens}, {width}));")
            );
            let k = format!("uint256 private constant K = {K};");
            assert!(contract.source.contains(&k));
        }
    }
}

#[test]
fn an_aggregate_is_no_layer() {
    let fixed = nanozk_aggregation::gates::FIXED;
    let key = key(Arc::new(node_shape(18, INSTANCES)), fixed);
    let contract = generate_aggregate(&key, &params(), "V", "I.sol", "").unwrap();
    assert_eq!(
        says(&contract.source),
        "return (255, Activations(0, 0, 0));"
    );
}

#[test]
#[should_panic(expected = "the key is of another kind of layer")]
fn a_key_of_another_kind_gets_no_verifier() {
    let head = layer_key(shape(LayerKind::Head, 8, 4));
    let _ = generate(
        &shape(LayerKind::Mlp, 8, 4),
        &head,
        &params(),
        "V",
        "I.sol",
        "",
    );
}

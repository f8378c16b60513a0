//! Whatever a card or the text of a tree says, there is an error or a circuit; never a panic, nor work without bound.

use halo2curves::bn256::G1Affine;
use halo2curves::ff::Field;
use nanozk_aggregation::plan::MAX_CHILDREN;
use nanozk_aggregation::{Child, Node, Plan as Tree};
use nanozk_circuits::ir::Kind;
use nanozk_circuits::{Layer, LayerKind, Plan};
use nanozk_executor::{synthetic, Activation, Architecture, Spec};
use nanozk_prover::plonk::commit_fixed;
use nanozk_setup::{Setup, DEVELOPMENT_SEED};
use nanozk_verifier::card::{layer_kinds, CardError, CardLayer, ModelCard, CARD_FORMAT};
use nanozk_verifier::hex::{Digest32, Point};
use nanozk_verifier::soundness::statistical_error_log2;
use nanozk_verifier::VerifyingKey;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Greatest circuit that tests compose.
const MAX_K: u32 = 13;

fn kinds() -> impl Strategy<Value = LayerKind> {
    prop_oneof![
        Just(LayerKind::Embed),
        Just(LayerKind::Attention),
        Just(LayerKind::Mlp),
        Just(LayerKind::Block),
        Just(LayerKind::Head),
    ]
}

/// A number that is small, next to a power of two, or as large as it can be.
fn number() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 0usize..20,
        2 => (0u32..24, 0usize..3).prop_map(|(e, d)| (1usize << e) + d),
        1 => Just(usize::MAX),
    ]
}

fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![
        Just(Activation::GeluNew),
        Just(Activation::Gelu),
        Just(Activation::Relu),
    ]
}

fn architecture() -> impl Strategy<Value = Architecture> {
    [number(), number(), number(), number(), number(), number()].prop_map(
        |[layers, width, heads, mlp_width, vocab, context]| Architecture {
            layers,
            width,
            heads,
            mlp_width,
            vocab,
            context,
        },
    )
}

fn spec() -> impl Strategy<Value = Spec> {
    (0u32..40, any::<u64>(), 0u32..40, 0u32..40, activations()).prop_map(
        |(norm_frac, eps, score_shift, act_frac, activation)| Spec {
            norm_frac,
            eps,
            score_shift,
            act_frac,
            activation,
        },
    )
}

fn plan() -> impl Strategy<Value = Plan> {
    (0u32..40, number(), number(), 0u32..40).prop_map(|(k, weights, lanes, limb)| Plan {
        k,
        weights,
        lanes,
        limb,
    })
}

fn card(
    architecture: Architecture,
    spec: Spec,
    tokens: usize,
    layers: Vec<(LayerKind, Plan)>,
) -> ModelCard {
    let layer = |(kind, plan): (LayerKind, Plan)| CardLayer {
        kind,
        plan,
        verifying_key: Digest32([1; 32]),
        weights: vec![Point(G1Affine::generator()); plan.weights.min(300)],
    };
    ModelCard {
        format: CARD_FORMAT.into(),
        architecture,
        spec,
        tokenizer: Digest32([2; 32]),
        tokens,
        setup: Digest32([3; 32]),
        development_setup: true,
        layers: layers.into_iter().map(layer).collect(),
    }
}

/// Cards of which nothing is certain.
fn any_card() -> impl Strategy<Value = ModelCard> {
    let layers = prop::collection::vec((kinds(), plan()), 0..6);
    (architecture(), spec(), number(), layers)
        .prop_map(|(architecture, spec, tokens, layers)| card(architecture, spec, tokens, layers))
}

/// Cards whose layers are in order and whose numbers are small: most are well-formed, at the edges of what is.
fn small_card() -> impl Strategy<Value = ModelCard> {
    let dimensions = (1usize..3, 1usize..4, 1usize..5, 1usize..20, 2usize..20);
    let formats = (4u32..=16, 8u32..=13, activations());
    let plans = prop::collection::vec((1usize..5, 1usize..16), 5);
    (
        dimensions,
        formats,
        any::<bool>(),
        2u32..5,
        8u32..MAX_K,
        plans,
    )
        .prop_map(
            |((blocks, heads, head_width, mlp_width, vocab), formats, whole, tokens, k, plans)| {
                let width = heads * head_width;
                let (score_shift, act_frac, activation) = formats;
                let spec = Spec {
                    score_shift,
                    act_frac,
                    ..synthetic::spec(width, activation)
                };
                let architecture = Architecture {
                    layers: blocks,
                    width,
                    heads,
                    mlp_width,
                    vocab,
                    context: 1 << tokens,
                };
                let layers = layer_kinds(blocks, whole).into_iter().map(|(kind, _)| {
                    let (weights, lanes) = plans[kind as usize];
                    let plan = Plan {
                        k,
                        weights,
                        lanes: 2 * lanes + 1,
                        limb: 8,
                    };
                    (kind, plan)
                });
                card(architecture, spec, 1 << tokens, layers.collect())
            },
        )
}

/// All that a verifier does with the shapes of a card it has checked. Returns how many circuits there are.
fn compose(card: &ModelCard) -> usize {
    let plans: BTreeSet<LayerKind> = card.layers.iter().map(|l| l.kind).collect();
    let mut shapes: Vec<_> = card.layers.iter().map(|l| card.shape(l)).collect();
    shapes.sort_by_key(|s| s.kind);
    shapes.dedup();
    assert_eq!(shapes.len(), plans.len(), "one circuit for each kind");
    let mut composed = 0;
    for shape in shapes {
        let Ok(layer) = Layer::new(shape) else {
            continue;
        };
        composed += 1;
        let program = &layer.program;
        program.check();
        for (i, column) in program.columns_of(Kind::Fixed).enumerate() {
            let zero = program.fixed[i].iter().all(|v| v.is_zero_vartime());
            assert!(
                !zero,
                "{}: a zero column has no commitment",
                program.info(column).name
            );
        }
        // The orders of proofs, as keys have them.
        nanozk_verifier::Layout::new(program);
    }
    composed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn cards_of_any_numbers_get_an_error_or_are_cards(card in any_card()) {
        let _ = card.model_id();
        if card.check().is_ok() && card.layers[0].plan.k <= MAX_K {
            compose(&card);
        }
    }

    #[test]
    fn any_text_is_a_small_tree_or_none(
        sizes in prop::collection::vec(prop::collection::vec(number(), 0..6), 0..6),
        layers in number(),
    ) {
        let level = |sizes: &Vec<usize>| {
            sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
        };
        let text = sizes.iter().map(level).collect::<Vec<_>>().join(";");
        if let Ok(tree) = Tree::parse(&text, layers) {
            is_small(&tree, layers)?;
            prop_assert_eq!(Tree::parse(&tree.to_string(), layers), Ok(tree));
        }
    }

    #[test]
    fn any_bytes_are_a_tree_or_none(text in "[-+0-9,; a]{0,40}", layers in 0usize..300) {
        if let Ok(tree) = Tree::parse(&text, layers) {
            is_small(&tree, layers)?;
        }
    }

    /// Sums that fit, so that all depends on the rule that levels shrink.
    #[test]
    fn trees_that_add_up_are_small_or_refused(layers in 1usize..260, cuts in prop::collection::vec(any::<u16>(), 0..40)) {
        let mut cuts = cuts.into_iter();
        let (mut below, mut levels) = (layers, Vec::new());
        while below > 1 || levels.is_empty() {
            let mut sizes = Vec::new();
            let mut rest = below;
            while rest > 0 {
                let size = 1 + usize::from(cuts.next().unwrap_or(u16::MAX)) % rest;
                sizes.push(size.to_string());
                rest -= size;
            }
            below = sizes.len();
            levels.push(sizes.join(","));
            if levels.len() > 50 {
                break;
            }
        }
        if let Ok(tree) = Tree::parse(&levels.join(";"), layers) {
            is_small(&tree, layers)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn small_cards_get_an_error_or_circuits(card in small_card()) {
        match card.check() {
            Ok(()) => { compose(&card); }
            Err(e) => prop_assert!(matches!(e, CardError::Plan { .. } | CardError::Dimensions(_)), "{e}"),
        }
    }
}

fn is_small(tree: &Tree, layers: usize) -> Result<(), TestCaseError> {
    let levels = tree.levels();
    let nodes: usize = levels.iter().map(Vec::len).sum();
    prop_assert!(
        nodes < 3 * layers.max(1) + 1,
        "{nodes} nodes over {layers} layers"
    );
    prop_assert!(levels.len() <= 2 + layers.ilog2() as usize);
    let sizes = levels.iter().flatten();
    prop_assert!(sizes.clone().all(|s| (1..=MAX_CHILDREN).contains(s)));
    prop_assert_eq!(levels[levels.len() - 1].len(), 1);
    Ok(())
}

/// Levels over levels of one node each: 64 KiB of text, which a file of an aggregate may have.
#[test]
fn trees_that_do_not_shrink_are_refused() {
    let text = format!("4{}", ";1".repeat(32_000));
    assert!(Tree::parse(&text, 4).is_err());
    for text in ["4;1", "2,2;1,1;2", "1,1,1,1;1,1,1,1;4", "3,1;1,1;2"] {
        assert!(Tree::parse(text, 4).is_err(), "{text}");
    }
    for text in ["4", "2,2;2", "1,1,1,1;4", "1,1,1,1;2,2;2"] {
        assert!(Tree::parse(text, 4).is_ok(), "{text}");
    }
}

fn tiny(vocab: usize) -> ModelCard {
    let architecture = Architecture {
        layers: 1,
        width: 1,
        heads: 1,
        mlp_width: 1,
        vocab,
        context: 4,
    };
    let plan = Plan {
        k: 12,
        weights: 2,
        lanes: 5,
        limb: 8,
    };
    let layers = layer_kinds(1, false).into_iter().map(|(k, _)| (k, plan));
    let spec = synthetic::spec(1, Activation::Relu);
    card(architecture, spec, 4, layers.collect())
}

/// With one token the column of token ids would be zero, and its commitment no point.
#[test]
fn a_vocabulary_of_one_token_is_refused() {
    assert!(matches!(tiny(0).check(), Err(CardError::Dimensions(_))));
    assert!(matches!(tiny(1).check(), Err(CardError::Dimensions(_))));
    tiny(2).check().expect("two can be chosen from");
}

/// The least model that a card can name: keys, bounds, and a node over it.
#[test]
fn the_least_model_can_be_aggregated() {
    let card = tiny(2);
    assert_eq!(compose(&card), 4);
    let setup = Setup::development(12, DEVELOPMENT_SEED).unwrap();
    let children = card.layers.iter().map(|l| {
        let layer = Layer::new(card.shape(l)).unwrap();
        assert!(statistical_error_log2(&layer.program).total < -200.0);
        let points = commit_fixed(setup.params(), &layer.program);
        Child::Layer {
            kind: l.kind,
            key: VerifyingKey::new(layer.program, points, setup.id()),
        }
    });
    let node = Node::new(children.collect(), true);
    assert!(node.rows().1 <= 20);
}

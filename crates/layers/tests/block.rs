//! Blocks of small shapes: values that the executor computes satisfy the programs.

use nanozk_circuit::{Layout, Program, Values};
use nanozk_executor::{Activation, Architecture, Gpt2, MlpKind, Positions, synthetic};
use nanozk_layers::{Layers, Packing, Selection, Shape, Weights};
use proptest::prelude::*;

fn satisfies(shape: &Shape, activation: Activation) {
    let blocks = shape.architecture.layers;
    let model = synthetic::model(shape.architecture, activation, 1);
    let shape = Shape {
        spec: model.spec,
        ..*shape
    };
    let tokens = synthetic::tokens(shape.positions, shape.architecture.vocab, 1);
    let trace = model.forward(&tokens).unwrap();
    let mut p = Program::new();
    let layers = Layers::new(&mut p, &shape, &Selection::blocks(blocks), 1).unwrap();
    let packing = Packing::new(&shape, 16).unwrap();
    let layout = Layout::new(&p, 16, 4, &packing.registry(&p, &layers)).unwrap();
    let mut values = Values::new(&p, &layout, vec![]);
    for (block, weights) in model.layers.iter().enumerate() {
        let weights = Weights::Block(block, weights, model.rotation.as_ref());
        layers.fill_weights(&mut values, weights).unwrap();
    }
    layers.fill_blocks(&mut values, &trace.blocks).unwrap();
    values.look_up().unwrap();
    p.check(&values).unwrap();
}

#[test]
fn what_the_executor_computes_satisfies_the_programs() {
    for (width, heads, mlp_width, positions, layers) in
        [(8, 2, 32, 4, 1), (12, 3, 24, 8, 2), (6, 1, 5, 4, 3)]
    {
        let architecture = Gpt2 {
            layers,
            width,
            heads,
            mlp_width,
            vocab: 11,
            context: 16,
        }
        .architecture();
        let shape = Shape {
            architecture,
            spec: synthetic::spec(width, Activation::GeluNew),
            positions,
        };
        satisfies(&shape, Activation::GeluNew);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    /// Any heads, groups, norms, gates and rotations.
    #[test]
    fn so_it_is_with_any_decoder(
        layers in 1usize..3,
        width in 2usize..12,
        kv_heads in 1usize..4,
        group in 1usize..4,
        pairs in 1usize..4,
        mlp_width in 1usize..12,
        rotary: bool,
        normed: bool,
        gated: bool,
        log_positions in 2u32..4,
    ) {
        let architecture = Architecture {
            layers,
            width,
            heads: kv_heads * group,
            kv_heads,
            head_width: 2 * pairs,
            mlp_width,
            vocab: 11,
            context: 16,
            positions: if rotary { Positions::Rotary } else { Positions::Learned },
            mlp: if gated { MlpKind::Gated } else { MlpKind::Plain },
            qk_norm: rotary && normed,
        };
        let shape = Shape {
            architecture,
            spec: synthetic::spec(width, Activation::Silu),
            positions: 1 << log_positions,
        };
        satisfies(&shape, Activation::Silu);
    }
}

//! Blocks of small shapes: values that the executor computes satisfy the programs.

use nanozk_circuit::{Layout, Program, Values};
use nanozk_executor::{synthetic, Activation, Architecture, AttentionTrace, MlpTrace};
use nanozk_layers::{Layers, Packing, Selection, Shape, Weights};

fn traces(
    shape: &Shape,
) -> (
    nanozk_executor::QuantizedModel,
    Vec<(AttentionTrace, MlpTrace)>,
) {
    let model = synthetic::model(shape.architecture, Activation::GeluNew, 1);
    let tokens = synthetic::tokens(shape.positions, shape.architecture.vocab, 1);
    let trace = model.forward(&tokens).unwrap();
    (model, trace.blocks)
}

#[test]
fn what_the_executor_computes_satisfies_the_programs() {
    for (width, heads, mlp_width, positions, layers) in
        [(8, 2, 32, 4, 1), (12, 3, 24, 8, 2), (6, 1, 5, 4, 3)]
    {
        let architecture = Architecture {
            layers,
            width,
            heads,
            mlp_width,
            vocab: 11,
            context: 16,
        };
        let shape = Shape {
            architecture,
            spec: synthetic::spec(width, Activation::GeluNew),
            positions,
        };
        let mut p = Program::new();
        let blocks = Layers::new(&mut p, &shape, &Selection::blocks(layers), 1).unwrap();
        let packing = Packing::new(&shape, 16).unwrap();
        let layout = Layout::new(&p, 16, 4, &packing.registry(&p, &blocks)).unwrap();
        let (model, traces) = traces(&shape);
        let mut values = Values::new(&p, &layout, vec![]);
        for (block, weights) in model.layers.iter().enumerate() {
            let weights = Weights::Block(block, weights);
            blocks.fill_weights(&mut values, weights).unwrap();
        }
        blocks.fill_blocks(&mut values, &traces).unwrap();
        values.look_up().unwrap();
        p.check(&values).unwrap();
    }
}

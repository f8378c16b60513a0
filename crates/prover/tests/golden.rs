//! Verifying keys change only on purpose.
//!
//! `test/golden/verifying-keys.txt` has the digest of the key of each shape below, under the
//! development setup. After a change of circuits that is meant, run
//! `NANOZK_UPDATE_GOLDEN=1 cargo test -p nanozk-prover --test golden`, which writes the file and fails.

use nanozk_circuits::composer::Plan;
use nanozk_circuits::{plan, BlockShape, Layer, LayerKind, Objective, Shape};
use nanozk_executor::synthetic;
use nanozk_executor::Activation::{self, Gelu, GeluNew, Relu};
use nanozk_prover::plonk::commit_fixed;
use nanozk_setup::{Setup, DEVELOPMENT_SEED};
use nanozk_verifier::hex::encode;
use nanozk_verifier::VerifyingKey;
use std::collections::BTreeMap;
use std::path::Path;

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../test/golden/verifying-keys.txt"
);
const UPDATE: &str = "NANOZK_UPDATE_GOLDEN";

fn block(width: usize, heads: usize, mlp_width: usize, activation: Activation) -> BlockShape {
    let spec = synthetic::spec(width, activation);
    BlockShape {
        width,
        heads,
        mlp_width,
        vocab: 512,
        norm_frac: spec.norm_frac,
        eps: spec.eps,
        score_shift: spec.score_shift,
        act_frac: spec.act_frac,
        activation,
    }
}

/// Shapes with their plans.
fn shapes() -> Vec<Shape> {
    let small = |kind, block, tokens, weights, lanes| Shape {
        kind,
        block,
        tokens,
        plan: Plan {
            k: 12,
            weights,
            lanes,
            limb: 8,
        },
    };
    let mut shapes = vec![
        small(LayerKind::Attention, block(8, 2, 16, GeluNew), 4, 1, 5),
        small(LayerKind::Mlp, block(12, 3, 20, Relu), 4, 2, 7),
        small(LayerKind::Block, block(8, 1, 12, Gelu), 8, 3, 9),
    ];
    // The widths of the model under `test/models`, as the planner has them.
    let tiny = BlockShape {
        vocab: 1024,
        norm_frac: 11,
        score_shift: 13,
        act_frac: 11,
        ..block(128, 4, 512, GeluNew)
    };
    let kinds = [(LayerKind::Attention, 4), (LayerKind::Mlp, 4)];
    let plan = plan(&kinds, tiny, 32, Objective::default()).expect("a plan exists");
    shapes.extend(plan.choices.iter().map(|c| c.shape));
    shapes
}

fn lines() -> String {
    let mut setups: BTreeMap<u32, Setup> = BTreeMap::new();
    let line = |shape: Shape| {
        let layer = Layer::new(shape).expect("it fits");
        let setup = setups.entry(shape.plan.k).or_insert_with(|| {
            Setup::development(shape.plan.k, DEVELOPMENT_SEED).expect("a size that is supported")
        });
        let program = layer.program.clone();
        let fixed = commit_fixed(setup.params(), &program);
        let key = VerifyingKey::new(program, fixed, setup.id());
        format!("{} {}\n", encode(&key.digest()), layer.program.name)
    };
    shapes().into_iter().map(line).collect()
}

#[test]
fn verifying_keys() {
    let found = lines();
    let path = Path::new(FILE);
    if std::env::var_os(UPDATE).is_some_and(|v| v == "1") {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
        std::fs::write(path, &found).expect("it can be written");
        panic!("goldens rewritten; run again");
    }
    let golden = std::fs::read_to_string(path).expect("the goldens are under version control");
    assert_eq!(
        found, golden,
        "see the head of this file if the change is meant"
    );
}

//! What the integer executor computes satisfies the circuit, bit for bit, whatever the shape.

#[path = "common/layers/mod.rs"]
mod layers;

use layers::*;
use nanozk_circuits::composer::Plan;
use nanozk_circuits::norm::RESIDUAL_OFFSET;
use nanozk_circuits::{Layer, LayerKind};
use nanozk_executor::Activation;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

fn settings() -> impl Strategy<Value = Setting> {
    let activation = prop_oneof![
        Just(Activation::GeluNew),
        Just(Activation::Gelu),
        Just(Activation::Relu)
    ];
    let sizes = (
        1usize..=3,
        1usize..=6,
        3usize..=40,
        prop_oneof![Just(4), Just(8)],
    );
    let plan = (1usize..=4, prop_oneof![Just(5), Just(7), Just(9)]);
    (
        sizes,
        plan,
        activation,
        0u64..1 << 40,
        1i64..=4,
        any::<bool>(),
    )
        .prop_map(
            |(
                (heads, features, mlp_width, tokens),
                (weights, lanes),
                activation,
                seed,
                spread,
                twins,
            )| {
                let (k, limb) = (11, 8);
                Setting {
                    width: heads * features,
                    heads,
                    mlp_width,
                    tokens,
                    activation,
                    plan: Plan {
                        k,
                        weights,
                        lanes,
                        limb,
                    },
                    seed,
                    spread,
                    twins,
                }
            },
        )
}

/// With the fewest rows that hold it.
fn smallest(mut setting: Setting, kind: LayerKind) -> Setting {
    while Layer::new(setting.shape(kind)).is_err() {
        setting.plan.k += 1;
    }
    setting
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 64,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    }
}

/// All gates hold, and the boundary columns are the executor's residual streams.
fn agree(setting: Setting, kind: LayerKind) {
    let case = Case::new(smallest(setting, kind), kind);
    assert!(case.violations().is_empty(), "{:?}", case.violations());
    let (input, output) = match kind {
        LayerKind::Attention => (&case.attention.input, &case.attention.output),
        LayerKind::Mlp => (&case.mlp.input, &case.mlp.output),
        _ => (&case.attention.input, &case.mlp.output),
    };
    for (column, values) in [("input", input), ("output", output)] {
        for (at, value) in values.iter().enumerate() {
            let (t, i) = (at / setting.width, at % setting.width);
            let cell = case.get(column, i * setting.tokens + t);
            assert_eq!(
                cell,
                int((value + RESIDUAL_OFFSET).into()),
                "{column} {t} {i}"
            );
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn attention(setting in settings()) {
        agree(setting, LayerKind::Attention);
    }

    #[test]
    fn mlp(setting in settings()) {
        agree(setting, LayerKind::Mlp);
    }

    #[test]
    fn block(setting in settings()) {
        agree(setting, LayerKind::Block);
    }
}

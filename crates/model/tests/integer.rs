//! The integer model against the float model.

mod common;

use std::path::Path;

use common::Checkpoint;
use nanozk_executor::{Linear, Matrix, QuantizedModel};
use nanozk_model::evaluate::evaluate_windows;
use nanozk_model::{Error, Op, Options, evaluate, file, quantize};
use proptest::prelude::*;
use safetensors::Dtype;

#[test]
fn trained_models_keep_their_perplexity() {
    keeps_its_perplexity("tiny-gpt2", 13);
    keeps_its_perplexity("tiny-llama", 17);
}

/// `ops` are the operations of a block.
fn keeps_its_perplexity(name: &str, ops: usize) {
    let model = common::trained(name);
    let options = Options {
        windows: 16,
        ..Options::default()
    };
    let (integer, report) = quantize(&model, &common::text("calibration.txt"), &options).unwrap();
    assert_eq!(report.clipped(), 0);
    assert_eq!(report.ops.len(), 1 + 4 * ops + 2);
    for o in &report.ops {
        assert!(o.headroom >= 1.0 && o.bits_used <= o.bits, "{o:?}");
        assert!(o.error_relative < 3e-3, "{o:?}");
        // Of gates the feature with the least room is named, which need not be the one with the greatest values.
        let by_feature = matches!(o.op, Op::Gate | Op::Gated);
        assert!(
            by_feature || o.min >= o.representable_min && o.max <= o.representable_max,
            "{o:?}"
        );
        if matches!(
            o.op,
            Op::Query | Op::Key | Op::Value | Op::PreActivation | Op::Activation
        ) {
            assert!(o.headroom >= 1.99 || o.safe, "{o:?}");
        }
    }
    let table = report.render();
    assert!(
        table.contains("attn context") && table.contains("clipped in all: 0"),
        "{table}"
    );
    let json = serde_json::to_string(&report).unwrap();
    let back: nanozk_model::Report = serde_json::from_str(&json).unwrap();
    assert_eq!(back.render(), table);

    let mut windows = model.windows(&common::text("heldout.txt")).unwrap();
    windows.truncate(40);
    let mut calls = Vec::new();
    let eval = evaluate_windows(&model, &integer, &windows, |done, all| {
        calls.push((done, all))
    })
    .unwrap();
    assert_eq!(calls, [(8, 40), (16, 40), (24, 40), (32, 40), (40, 40)]);
    assert_eq!(eval.predictions, 40 * 127);
    assert!(eval.relative_change.abs() < 1e-4, "{eval:?}");
    assert!(eval.top1_agreement >= 0.999, "{eval:?}");
}

#[test]
fn random_checkpoints_stay_close() {
    let base = Checkpoint::default();
    let text: String = common::text("heldout.txt").chars().take(1_500).collect();
    for c in [
        base,
        Checkpoint {
            width: 24,
            heads: 3,
            inner: Some(40),
            activation: "gelu",
            layers: 3,
            by_layer: true,
            seed: 2,
            ..base
        },
        Checkpoint {
            width: 8,
            heads: 8,
            layers: 3,
            tied: false,
            activation: "relu",
            seed: 3,
            ..base
        },
        Checkpoint {
            width: 64,
            heads: 4,
            context: 20,
            vocab: 300,
            shards: 3,
            seed: 4,
            ..base
        },
        Checkpoint {
            dtype: Dtype::F16,
            prefix: false,
            layers: 1,
            heads: 1,
            seed: 5,
            ..base
        },
        Checkpoint {
            dtype: Dtype::BF16,
            width: 6,
            heads: 1,
            inner: Some(1),
            seed: 6,
            ..base
        },
    ] {
        let model = c.load();
        let (integer, report) = quantize(&model, &text, &Options::default()).unwrap();
        assert_eq!(integer.arch, model.architecture());
        assert_eq!(report.clipped(), 0, "{c:?}");
        for o in &report.ops {
            assert!(o.error_relative < 5e-3, "{c:?} {o:?}");
        }
        let eval = evaluate(&model, &integer, &text, |_, _| {}).unwrap();
        assert!(eval.relative_change.abs() < 1e-3, "{c:?} {eval:?}");
        assert!(eval.top1_agreement > 0.98, "{c:?} {eval:?}");
    }
}

#[test]
fn zero_matrices_quantize() {
    let dir = tempfile::tempdir().unwrap();
    let c = Checkpoint::default();
    let mut tensors = c.tensors();
    for name in [
        "h.0.attn.c_attn.weight",
        "h.0.attn.c_attn.bias",
        "h.1.mlp.c_fc.weight",
    ] {
        tensors.get_mut(name).unwrap().1.fill(0.0);
    }
    c.write_tensors(dir.path(), &tensors);
    let model = nanozk_model::FloatModel::load(dir.path()).unwrap();
    let text = "some words ".repeat(20);
    let (integer, _) = quantize(&model, &text, &Options::default()).unwrap();
    let eval = evaluate(&model, &integer, &text, |_, _| {}).unwrap();
    assert!(eval.relative_change.abs() < 1e-3, "{eval:?}");
}

#[test]
fn quantization_is_deterministic() {
    let model = Checkpoint::default().load();
    let text = "The same text gives the same integers. ".repeat(10);
    let run = || quantize(&model, &text, &Options::default()).unwrap();
    let (a, b) = (run(), run());
    assert_eq!(a, b);
    assert_eq!(file::to_bytes(&a.0).unwrap(), file::to_bytes(&b.0).unwrap());
}

fn small() -> QuantizedModel {
    let model = Checkpoint::default().load();
    quantize(&model, &"some words ".repeat(20), &Options::default())
        .unwrap()
        .0
}

#[test]
fn other_architecture_is_refused() {
    let model = Checkpoint {
        layers: 1,
        ..Checkpoint::default()
    }
    .load();
    let error = evaluate(&model, &small(), &"some words ".repeat(20), |_, _| {}).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
}

#[test]
fn model_file_round_trip() {
    let model = small();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.nanozk");
    file::save(&model, &path).unwrap();
    assert_eq!(file::load(&path).unwrap(), model);
    assert!(matches!(
        file::load(&dir.path().join("none")),
        Err(Error::MissingFile { .. })
    ));
    assert!(matches!(
        file::save(&model, &dir.path().join("a/b")),
        Err(Error::Write { .. })
    ));
}

#[test]
fn model_file_damage() {
    let path = Path::new("model");
    let model = small();
    let bytes = file::to_bytes(&model).unwrap();
    for keep in [0, 5, 300, bytes.len() / 2, bytes.len() - 1] {
        let error = file::from_bytes(&bytes[..keep], path).unwrap_err();
        assert!(matches!(error, Error::Truncated { .. }), "{error}");
    }
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let error = file::from_bytes(&flipped, path).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");

    // The same length, so that the header still fits.
    let replace = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes
            .windows(from.len())
            .position(|w| w == from.as_bytes())
            .unwrap();
        let mut changed = bytes.clone();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        file::from_bytes(&changed, path).unwrap_err()
    };
    let error = replace(r#"\"version\":3"#, r#"\"version\":7"#);
    assert!(
        matches!(
            error,
            Error::FormatVersion {
                expected: 3,
                got: 7,
                ..
            }
        ),
        "{error}"
    );
    let error = replace(r#"\"layers\":2"#, r#"\"layers\":3"#);
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    let error = replace("wpe", "wpx");
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    let error = replace(r#""nanozk""#, r#""nanozz""#);
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    let error = replace("gelu_new", "gelu_old");
    assert!(matches!(error, Error::Json { .. }), "{error}");
    let error = file::from_bytes(
        &std::fs::read(common::models().join("tiny-gpt2/model.safetensors")).unwrap(),
        path,
    )
    .unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[test]
fn models_outside_the_specification_are_not_written() {
    let base = small();
    let mut spec = base.clone();
    spec.spec.act_frac = 14;
    let mut weight = base.clone();
    weight.head.weight.set(0, 0, 1 << 40);
    let mut missing = base.clone();
    missing.layers.pop();
    let mut shape = base;
    shape.head = Linear {
        weight: Matrix::from_fn(1, 1, |_, _| 0),
        bias: vec![0],
    };
    for model in [spec, weight, missing, shape] {
        assert!(matches!(file::to_bytes(&model), Err(Error::Executor(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_damage_to_a_model_file_is_noticed(at: prop::sample::Index, flip in 1u8..) {
        static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let bytes = BYTES.get_or_init(|| file::to_bytes(&small()).unwrap());
        let mut changed = bytes.clone();
        // Mostly the header, where damage is most varied.
        let at = at.index(bytes.len().min(6_000));
        changed[at] ^= flip;
        if let Ok(model) = file::from_bytes(&changed, Path::new("model")) {
            // White space of the header.
            prop_assert_eq!(file::to_bytes(&model).unwrap(), bytes.clone());
        }
    }
}

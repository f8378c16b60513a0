//! Fisher information and coverage.

mod common;

use common::Checkpoint;
use nanozk_model::{Error, Importance, coverage, importance, render_coverage};

#[test]
fn layers_of_the_tiny_gpt2() {
    let model = common::tiny();
    let text = common::text("calibration.txt");
    let a = importance(&model, &text, 3).unwrap();
    assert_eq!(a, importance(&model, &text, 3).unwrap());
    let names: Vec<&str> = a.layers.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(
        names[..3],
        ["embedding", "block 0 attention", "block 0 mlp"]
    );
    assert_eq!((names.len(), names[9]), (10, "head"));
    assert!((a.weights().iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(
        a.layers
            .iter()
            .all(|l| l.share > 0.0 && l.fisher.is_finite())
    );
    assert_eq!(a.layers[2].parameters, 2 * 128 + 2 * 128 * 512 + 512 + 128);
    assert!(a.render().contains("block 3 mlp"));
    let json = serde_json::to_string(&a).unwrap();
    let back: Importance = serde_json::from_str(&json).unwrap();
    assert_eq!(back.layers.len(), 10);
}

#[test]
fn a_layer_without_effect_has_no_information() {
    // With both factors of the MLP output at zero, no parameter before it matters.
    let dir = tempfile::tempdir().unwrap();
    let c = Checkpoint {
        activation: "relu",
        ..Checkpoint::default()
    };
    let mut tensors = c.tensors();
    for name in [
        "h.1.mlp.c_fc.weight",
        "h.1.mlp.c_fc.bias",
        "h.1.mlp.c_proj.weight",
    ] {
        tensors.get_mut(name).unwrap().1.fill(0.0);
    }
    c.write_tensors(dir.path(), &tensors);
    let model = nanozk_model::FloatModel::load(dir.path()).unwrap();
    let a = importance(&model, &"some words ".repeat(20), 4).unwrap();
    // Only the bias of the output still has a gradient.
    let mlp = &a.layers[4];
    assert_eq!(mlp.name, "block 1 mlp");
    assert!(mlp.share < 0.5 * a.layers[2].share, "{a:?}");
}

#[test]
fn coverage_of_known_weights() {
    let weights = [0.4, 0.1, 0.3, 0.2];
    let rows = coverage(&weights, &[0.25, 0.5, 1.0], 7).unwrap();
    assert_eq!(rows, coverage(&weights, &[0.25, 0.5, 1.0], 7).unwrap());
    assert_eq!(rows[0].fisher_layers, [0]);
    assert_eq!(rows[1].fisher_layers, [0, 2]);
    assert_eq!(rows[1].strided_layers, [1, 3]);
    assert!((rows[1].fisher - 0.7).abs() < 1e-12 && (rows[1].strided - 0.3).abs() < 1e-12);
    assert_eq!(rows[1].random, 0.5);
    assert!((rows[1].random_low - 0.3).abs() < 1e-9 && (rows[1].random_high - 0.7).abs() < 1e-9);
    let all = &rows[2];
    assert!(
        [all.fisher, all.strided, all.random, all.random_low]
            .iter()
            .all(|v| (v - 1.0).abs() < 1e-12)
    );
    assert!(render_coverage(&rows).contains("70.0%"));
    // A budget is never less than one layer.
    assert_eq!(coverage(&weights, &[0.01], 0).unwrap()[0].count, 1);
}

#[test]
fn bad_arguments() {
    let model = Checkpoint::default().load();
    assert!(matches!(
        importance(&model, "text", 0),
        Err(Error::InvalidArgument {
            name: "windows",
            ..
        })
    ));
    assert!(matches!(
        importance(&model, "text", 1),
        Err(Error::TextTooShort { .. })
    ));
    for weights in [&[] as &[f64], &[0.0], &[1.0, -1.0], &[f64::NAN]] {
        assert!(matches!(
            coverage(weights, &[0.5], 0),
            Err(Error::InvalidArgument {
                name: "weights",
                ..
            })
        ));
    }
    for budget in [0.0, 1.5, f64::NAN] {
        assert!(matches!(
            coverage(&[1.0], &[budget], 0),
            Err(Error::InvalidArgument { name: "budget", .. })
        ));
    }
}

//! Small random checkpoints of each family and option against what Hugging Face transformers computes with them, and the
//! integer models made of them. `test/models/variants.py` writes both.

mod common;

use std::path::{Path, PathBuf};

use nanozk_model::{FloatModel, Options, evaluate, quantize};
use serde_json::Value;

const VARIANTS: [&str; 11] = [
    "llama",
    "llama-biases",
    "llama-linear",
    "llama-llama3",
    "llama-yarn",
    "llama-gelu",
    "mistral",
    "qwen2",
    "qwen3",
    "qwen3-options",
    "gpt2-silu",
];

fn folder(name: &str) -> PathBuf {
    common::models().join("variants").join(name)
}

/// The checkpoint, with a tokenizer.
fn load(name: &str) -> FloatModel {
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder(name)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
    }
    let tokenizer = common::byte_tokenizer().to_string();
    std::fs::write(dir.path().join("tokenizer.json"), tokenizer).unwrap();
    FloatModel::load(dir.path()).unwrap()
}

fn reference(path: &Path) -> (Vec<u32>, Vec<Vec<f32>>) {
    let json: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let of = |name: &str| json[name].clone();
    (
        serde_json::from_value(of("ids")).unwrap(),
        serde_json::from_value(of("logits")).unwrap(),
    )
}

#[test]
fn all_variants_are_here() {
    let mut found: Vec<String> = std::fs::read_dir(folder(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut expected = VARIANTS.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn logits_are_those_of_transformers() {
    for name in VARIANTS {
        let model = load(name);
        // The place of a transformer in its model is nothing to speak of.
        let framework = |note: &String| note.contains("training framework");
        assert!(!model.notes().iter().any(framework), "{name}");
        let (ids, expected) = reference(&folder(name).join("reference.json"));
        let logits = model.logits(&ids).unwrap();
        for (t, (row, expected)) in logits.chunks(expected[0].len()).zip(&expected).enumerate() {
            for (got, expected) in row.iter().zip(expected) {
                let error = (got - expected).abs();
                assert!(error < 1e-4, "{name}, position {t}: {got}, not {expected}");
            }
        }
    }
}

#[test]
fn integer_models_stay_close() {
    let text: String = common::text("heldout.txt").chars().take(1_500).collect();
    for name in VARIANTS {
        let model = load(name);
        let (integer, report) = quantize(&model, &text, &Options::default()).unwrap();
        integer.validate().unwrap();
        assert_eq!(report.clipped(), 0, "{name}");
        for o in &report.ops {
            assert!(o.error_relative < 5e-3, "{name}: {o:?}");
        }
        let eval = evaluate(&model, &integer, &text, |_, _| {}).unwrap();
        assert_eq!(eval.overflows, [], "{name}");
        assert!(eval.relative_change.abs() < 1e-3, "{name}: {eval:?}");
        assert!(eval.top1_agreement > 0.98, "{name}: {eval:?}");
    }
}

/// A file of each shape holds all of a model.
#[test]
fn files_keep_every_shape() {
    let text = "some words ".repeat(20);
    for name in ["llama-biases", "qwen2", "gpt2-silu"] {
        let (integer, _) = quantize(&load(name), &text, &Options::default()).unwrap();
        let bytes = nanozk_model::file::to_bytes(&integer).unwrap();
        let back = nanozk_model::file::from_bytes(&bytes, Path::new("model")).unwrap();
        assert_eq!(back, integer, "{name}");
    }
}

//! Bad inputs, each with its error. Nothing panics.

mod common;

use std::path::Path;

use common::{Checkpoint, Tensors};
use nanozk_model::{Error, FloatModel, Options, quantize};
use proptest::prelude::*;
use safetensors::Dtype;
use serde_json::{Value, json};

/// The error of a checkpoint after a change to its configuration.
fn with_config(change: impl FnOnce(&mut Value)) -> Error {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::default();
    checkpoint.write(dir.path());
    let mut config = checkpoint.config();
    change(&mut config);
    std::fs::write(dir.path().join("config.json"), config.to_string()).unwrap();
    FloatModel::load(dir.path()).unwrap_err()
}

fn with_tensors(checkpoint: Checkpoint, change: impl FnOnce(&mut Tensors)) -> Error {
    let dir = tempfile::tempdir().unwrap();
    let mut tensors = checkpoint.tensors();
    change(&mut tensors);
    checkpoint.write_tensors(dir.path(), &tensors);
    FloatModel::load(dir.path()).unwrap_err()
}

fn with_folder(checkpoint: Checkpoint, change: impl FnOnce(&Path)) -> Error {
    let dir = tempfile::tempdir().unwrap();
    checkpoint.write(dir.path());
    change(dir.path());
    FloatModel::load(dir.path()).unwrap_err()
}

#[test]
fn missing_files() {
    let without = |name: &str| {
        with_folder(Checkpoint::default(), |d| {
            std::fs::remove_file(d.join(name)).unwrap()
        })
    };
    let error = without("config.json");
    assert!(
        matches!(&error, Error::MissingFile { path } if path.ends_with("config.json")),
        "{error}"
    );
    let error = without("model.safetensors");
    assert!(
        matches!(&error, Error::NoWeights { advice, .. } if advice.contains("download model.safetensors")),
        "{error}"
    );
    let error = without("tokenizer.json");
    assert!(matches!(&error, Error::NoTokenizer { .. }), "{error}");
    let sharded = Checkpoint {
        shards: 2,
        ..Checkpoint::default()
    };
    let name = "model-00002-of-00002.safetensors";
    let error = with_folder(sharded, |d| std::fs::remove_file(d.join(name)).unwrap());
    assert!(
        matches!(&error, Error::MissingFile { path } if path.ends_with(name)),
        "{error}"
    );
}

#[test]
fn other_architectures() {
    let error = with_config(|c| c["model_type"] = json!("gemma"));
    assert!(
        matches!(&error, Error::UnsupportedArchitecture { field: "model_type", got, .. } if got == "gemma")
    );
    assert_eq!(
        error.to_string(),
        "unsupported model_type `gemma`, expected `gpt2`, `llama`, `mistral`, `qwen2` or `qwen3`"
    );
    let error = with_config(|c| c["architectures"] = json!(["GPT2ForSequenceClassification"]));
    assert!(
        matches!(
            &error,
            Error::UnsupportedArchitecture {
                field: "architectures",
                ..
            }
        ),
        "{error}"
    );
    let error = with_config(|c| drop(c.as_object_mut().unwrap().remove("model_type")));
    assert!(
        matches!(
            error,
            Error::MissingOption {
                option: "model_type"
            }
        ),
        "{error}"
    );
    let error = with_folder(Checkpoint::default(), |d| {
        std::fs::write(d.join("config.json"), "{").unwrap()
    });
    assert!(matches!(&error, Error::Json { .. }), "{error}");
    let error = with_folder(Checkpoint::default(), |d| {
        std::fs::write(d.join("config.json"), "[]").unwrap()
    });
    assert!(matches!(&error, Error::MissingOption { .. }), "{error}");
}

#[test]
fn unsupported_options() {
    for (name, value) in [
        ("scale_attn_by_inverse_layer_idx", json!(1)),
        ("add_cross_attention", json!(true)),
        ("scale_attn_weights", json!("no")),
        ("activation_function", json!("quick_gelu")),
        ("activation_function", json!(3)),
        ("layer_norm_epsilon", json!(-1.0)),
        ("layer_norm_epsilon", json!("small")),
        ("quantization_config", json!({"bits": 4})),
        ("tie_word_embeddings", json!("yes")),
        ("n_embd", json!(0)),
        ("n_layer", json!(-3)),
        ("vocab_size", json!(1u64 << 40)),
        ("n_inner", json!(1.5)),
    ] {
        let error = with_config(|c| c[name] = value.clone());
        assert!(
            matches!(&error, Error::UnsupportedOption { option, .. } if *option == name),
            "{error}"
        );
    }
    for name in ["n_embd", "n_head", "n_layer", "vocab_size", "n_positions"] {
        let error = with_config(|c| drop(c.as_object_mut().unwrap().remove(name)));
        assert!(
            matches!(&error, Error::MissingOption { option } if *option == name),
            "{error}"
        );
    }
    let error = with_config(|c| c["n_head"] = json!(3));
    assert!(
        matches!(
            error,
            Error::HeadsDoNotDivideWidth {
                heads: 3,
                width: 16
            }
        ),
        "{error}"
    );
}

#[test]
fn bad_tensors() {
    let base = Checkpoint::default();
    let error = with_tensors(base, |t| drop(t.remove("h.1.mlp.c_fc.bias")));
    assert!(
        matches!(&error, Error::MissingTensor { name } if name == "transformer.h.1.mlp.c_fc.bias"),
        "{error}"
    );
    let error = with_tensors(
        Checkpoint {
            prefix: false,
            ..base
        },
        |t| drop(t.remove("wte.weight")),
    );
    assert!(
        matches!(&error, Error::MissingTensor { name } if name == "wte.weight"),
        "{error}"
    );
    let error = with_tensors(
        Checkpoint {
            tied: false,
            ..base
        },
        |t| drop(t.remove("lm_head.weight")),
    );
    assert!(
        matches!(&error, Error::MissingTensor { name } if name == "lm_head.weight"),
        "{error}"
    );

    let error = with_tensors(base, |t| {
        t.get_mut("h.0.attn.c_proj.weight").unwrap().0 = vec![8, 32]
    });
    assert_eq!(
        error.to_string(),
        "tensor `transformer.h.0.attn.c_proj.weight`: expected shape [16, 16], got [8, 32]"
    );
    assert!(matches!(&error, Error::Shape { .. }), "{error}");

    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let error = with_tensors(base, |t| {
            t.get_mut("h.1.attn.c_attn.weight").unwrap().1[77] = value
        });
        assert!(
            matches!(&error, Error::NonFinite { name, index: 77, .. } if name == "transformer.h.1.attn.c_attn.weight"),
            "{error}"
        );
    }
    let error = with_tensors(
        Checkpoint {
            dtype: Dtype::I32,
            ..base
        },
        |_| {},
    );
    assert!(
        matches!(&error, Error::Dtype { got, .. } if got == "I32"),
        "{error}"
    );
    let error = with_tensors(base, |t| {
        let mut head = t["wte.weight"].clone();
        head.1[5] += 1.0;
        t.insert("lm_head.weight".into(), head);
    });
    assert!(
        matches!(error, Error::TiedHeadDiffers { index: 5 }),
        "{error}"
    );
    // A tied head that is the embedding is accepted.
    let dir = tempfile::tempdir().unwrap();
    let mut tensors = base.tensors();
    tensors.insert("lm_head.weight".into(), tensors["wte.weight"].clone());
    base.write_tensors(dir.path(), &tensors);
    FloatModel::load(dir.path()).unwrap();
}

#[test]
fn damaged_files() {
    let cut = |keep: &dyn Fn(usize) -> usize| {
        with_folder(Checkpoint::default(), |d| {
            let path = d.join("model.safetensors");
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..keep(bytes.len())]).unwrap();
        })
    };
    for keep in
        [&|_| 0, &|_| 7, &|_| 100, &|len| len / 2, &|len| len - 1] as [&dyn Fn(usize) -> usize; 5]
    {
        let error = cut(keep);
        assert!(
            matches!(&error, Error::Truncated { expected, got, .. } if expected > got),
            "{error}"
        );
    }
    let error = with_folder(Checkpoint::default(), |d| {
        std::fs::write(d.join("model.safetensors"), [0xff; 64]).unwrap();
    });
    assert!(matches!(&error, Error::Malformed { .. }), "{error}");
    for (index, expected) in [
        (json!({}), "weight_map"),
        (json!({"weight_map": {"x": "../x"}}), "same folder"),
    ] {
        let error = with_folder(
            Checkpoint {
                shards: 2,
                ..Checkpoint::default()
            },
            |d| {
                std::fs::write(d.join("model.safetensors.index.json"), index.to_string()).unwrap();
            },
        );
        assert!(
            matches!(&error, Error::Malformed { reason, .. } if reason.contains(expected)),
            "{error}"
        );
    }
}

#[test]
fn tokenizer() {
    let error = with_folder(Checkpoint::default(), |d| {
        std::fs::write(d.join("tokenizer.json"), "{}").unwrap()
    });
    assert!(matches!(&error, Error::InvalidTokenizer { .. }), "{error}");
    let error = with_tensors(
        Checkpoint {
            vocab: 255,
            ..Checkpoint::default()
        },
        |_| {},
    );
    assert!(
        matches!(
            &error,
            Error::VocabularyTooLarge {
                tokens,
                model: 255
            } if tokens == "\"ÿ\" (255)"
        ),
        "{error}"
    );

    let model = Checkpoint::default().load();
    let tokenizer = model.tokenizer();
    for text in ["", "fn main() {}\n", "naïve — 漢字 🦀\0\t"] {
        let ids = tokenizer.encode(text).unwrap();
        assert_eq!(
            ids.iter().map(|&i| i as u8).collect::<Vec<_>>(),
            text.as_bytes()
        );
        assert_eq!(tokenizer.decode(&ids).unwrap(), text);
    }
    let long = "ä🦀".repeat(15_000);
    assert_eq!(tokenizer.encode_long(&long).unwrap().len(), long.len());
    let unknown = tokenizer.decode(&[1, 257]).unwrap_err();
    assert!(
        matches!(
            unknown,
            Error::UnknownToken {
                token: 257,
                position: 1,
                vocab: 257
            }
        ),
        "{unknown}"
    );
}

#[test]
fn bad_requests() {
    let model = Checkpoint::default().load();
    assert!(matches!(
        model.logits(&[]),
        Err(Error::SequenceLength {
            expected: 32,
            got: 0
        })
    ));
    assert!(matches!(
        model.logits(&[0; 33]),
        Err(Error::SequenceLength {
            expected: 32,
            got: 33
        })
    ));
    assert!(matches!(
        model.logits(&[0, 300]),
        Err(Error::UnknownToken {
            token: 300,
            position: 1,
            ..
        })
    ));
    assert!(matches!(
        model.logits_batch(&[vec![0; 2], vec![0; 3]]),
        Err(Error::RaggedBatch {
            expected: 2,
            got: 3
        })
    ));
    assert!(model.logits_batch::<Vec<u32>>(&[]).unwrap().is_empty());
    assert!(matches!(
        model.windows("short"),
        Err(Error::TextTooShort {
            expected: 32,
            got: 5
        })
    ));
    let text = "some words ".repeat(20);
    for options in [
        Options {
            windows: 0,
            ..Options::default()
        },
        Options {
            headroom: Some(0.5),
            ..Options::default()
        },
    ] {
        assert!(matches!(
            quantize(&model, &text, &options),
            Err(Error::InvalidArgument { .. })
        ));
    }
    let headroom = Some(f64::NAN);
    let options = Options {
        headroom,
        ..Options::default()
    };
    assert!(matches!(
        quantize(&model, &text, &options),
        Err(Error::InvalidArgument { .. })
    ));
}

#[test]
fn values_beyond_every_format() {
    use nanozk_model::Op;
    for (tensor, factor, op, layer) in [
        ("h.1.mlp.c_fc.weight", 200.0, Op::PreActivation, Some(1)),
        ("h.0.attn.c_attn.weight", 35.0, Op::Query, Some(0)),
        ("wpe.weight", 1e12, Op::Embedding, None),
        ("h.0.mlp.c_proj.weight", 1e38, Op::MlpOut, Some(0)),
        ("h.1.ln_1.weight", 1e38, Op::Key, Some(1)),
        ("h.1.mlp.c_proj.weight", 1e10, Op::MlpOut, Some(1)),
    ] {
        let dir = tempfile::tempdir().unwrap();
        // One feature per head: a score is as large as the product of query and key, not larger.
        let checkpoint = Checkpoint {
            heads: 16,
            ..Checkpoint::default()
        };
        let mut tensors = checkpoint.tensors();
        tensors
            .get_mut(tensor)
            .unwrap()
            .1
            .iter_mut()
            .for_each(|v| *v *= factor);
        checkpoint.write_tensors(dir.path(), &tensors);
        let model = FloatModel::load(dir.path()).unwrap();
        let result = quantize(&model, &"some words ".repeat(20), &Options::default());
        let error = result.err().unwrap();
        match error {
            Error::RangeNotMet {
                layer: l,
                op: o,
                observed,
                limit,
                headroom,
            } => {
                assert_eq!((l, o), (layer, op));
                assert!(observed * headroom > limit);
            }
            other => panic!("{other}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_weights_never_panic(at in 0usize..2_000, byte: u8, length in 0usize..4_000) {
        let dir = tempfile::tempdir().unwrap();
        Checkpoint { layers: 1, ..Checkpoint::default() }.write(dir.path());
        let path = dir.path().join("model.safetensors");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[at] = byte;
        if length < 3_000 {
            bytes.truncate(length);
        }
        std::fs::write(&path, bytes).unwrap();
        let _ = FloatModel::load(dir.path());
    }
}

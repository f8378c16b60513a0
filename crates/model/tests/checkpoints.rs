//! Checkpoints as tools leave them: read, or refused with the cause and the way out.

mod common;

use std::path::Path;

use common::pytorch::{REBUILD, Saved, archive, file, pickle, strides};
use common::{Checkpoint, Tensors};
use nanozk_model::{ChatTemplate, Error, FloatModel};
use proptest::prelude::*;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::Value;

const TOKENS: [u32; 4] = [1, 2, 3, 250];

fn logits(dir: &Path) -> Vec<f32> {
    FloatModel::load(dir).unwrap().logits(&TOKENS).unwrap()
}

/// What the default checkpoint computes, read as it is.
fn expected() -> Vec<f32> {
    Checkpoint::default().load().logits(&TOKENS).unwrap()
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    Checkpoint::default().write(dir.path());
    dir
}

fn notes(dir: &Path) -> String {
    FloatModel::load(dir).unwrap().notes().join("\n")
}

fn safetensors(tensors: &Tensors) -> Vec<u8> {
    let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, v))| {
            (
                name,
                shape,
                v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            )
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, (*shape).clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    safetensors::serialize(views, None).unwrap()
}

/// The default checkpoint with its tensors under other names.
fn renamed(name: impl Fn(&str) -> String) -> tempfile::TempDir {
    let dir = folder();
    let tensors = Checkpoint::default().tensors();
    let tensors: Tensors = tensors.into_iter().map(|(n, t)| (name(&n), t)).collect();
    std::fs::write(dir.path().join("model.safetensors"), safetensors(&tensors)).unwrap();
    dir
}

#[test]
fn double_precision_is_rounded() {
    let dir = tempfile::tempdir().unwrap();
    Checkpoint {
        dtype: Dtype::F64,
        ..Checkpoint::default()
    }
    .write(dir.path());
    assert_eq!(logits(dir.path()), expected());
    assert!(notes(dir.path()).contains("F64 were rounded to F32"));
    assert_eq!(notes(folder().path()), "");
}

#[test]
fn names_that_frameworks_wrapped() {
    for prefix in [
        "",
        "transformer.",
        "module.transformer.",
        "module.",
        "model.",
        "model.transformer.",
        "_orig_mod.transformer.",
        "_orig_mod.module.transformer.",
        "_forward_module.model.transformer.",
    ] {
        let dir = renamed(|n| format!("{prefix}{n}"));
        assert_eq!(logits(dir.path()), expected(), "{prefix}");
        let plain = matches!(prefix, "" | "transformer.");
        assert_eq!(notes(dir.path()).is_empty(), plain, "{prefix}");
    }
    // Wrapped inside, too.
    let dir = renamed(|n| format!("transformer.{}", n.replace("h.1.", "h.1._orig_mod.")));
    assert_eq!(logits(dir.path()), expected());
    assert!(notes(dir.path()).contains("`_orig_mod.`"));

    // A GPT-2 within something else, and a name twice.
    let dir = renamed(|n| format!("decoder.transformer.{n}"));
    let error = FloatModel::load(dir.path()).unwrap_err();
    assert!(
        matches!(&error, Error::Prefix { prefix, .. } if prefix == "decoder.transformer."),
        "{error}"
    );
    let dir = folder();
    let mut tensors = Checkpoint::default().tensors();
    tensors.insert("module.wpe.weight".into(), tensors["wpe.weight"].clone());
    std::fs::write(dir.path().join("model.safetensors"), safetensors(&tensors)).unwrap();
    let error = FloatModel::load(dir.path()).unwrap_err().to_string();
    assert!(
        error.contains("`module.wpe.weight`") && error.contains("`wpe.weight`"),
        "{error}"
    );
}

#[test]
fn tensors_that_are_not_used_are_named() {
    let dir = folder();
    let mut tensors = Checkpoint::default().tensors();
    tensors.insert(
        "multiple_choice_head.summary.weight".into(),
        (vec![1, 2], vec![0.0; 2]),
    );
    tensors.insert("h.2.ln_1.weight".into(), (vec![16], vec![1.0; 16]));
    std::fs::write(dir.path().join("model.safetensors"), safetensors(&tensors)).unwrap();
    assert_eq!(logits(dir.path()), expected());
    assert!(notes(dir.path()).contains("`h.2.ln_1.weight` and 1 more are no part"));
}

#[test]
fn transposed_matrices_are_told() {
    let dir = folder();
    let mut tensors = Checkpoint::default().tensors();
    tensors.get_mut("h.0.attn.c_attn.weight").unwrap().0 = vec![48, 16];
    std::fs::write(dir.path().join("model.safetensors"), safetensors(&tensors)).unwrap();
    let error = FloatModel::load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("nn.Linear"), "{error}");
}

#[test]
fn shards_without_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint {
        shards: 3,
        ..Checkpoint::default()
    };
    checkpoint.write(dir.path());
    std::fs::remove_file(dir.path().join("model.safetensors.index.json")).unwrap();
    assert_eq!(logits(dir.path()), expected());
    let second = dir.path().join("model-00002-of-00003.safetensors");
    let moved = dir.path().join("model-00002-of-00004.safetensors");
    std::fs::rename(&second, &moved).unwrap();
    let error = FloatModel::load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("several sets"), "{error}");
    std::fs::remove_file(moved).unwrap();
    let error = FloatModel::load(dir.path()).unwrap_err();
    assert!(
        matches!(&error, Error::MissingFile { path } if *path == second),
        "{error}"
    );
}

#[test]
fn weights_under_other_names() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    std::fs::rename(at("model.safetensors"), at("gpt2-tiny.safetensors")).unwrap();
    assert_eq!(logits(dir.path()), expected());
    assert!(notes(dir.path()).contains("gpt2-tiny.safetensors"));
    let fails = |words: &[&str]| {
        let error = FloatModel::load(dir.path()).unwrap_err();
        assert!(matches!(&error, Error::NoWeights { .. }), "{error}");
        let text = error.to_string();
        assert!(words.iter().all(|w| text.contains(w)), "{text}");
    };
    std::fs::copy(at("gpt2-tiny.safetensors"), at("ema.safetensors")).unwrap();
    fails(&["several safetensors files", "rename"]);
    std::fs::remove_file(at("ema.safetensors")).unwrap();
    std::fs::rename(at("gpt2-tiny.safetensors"), at("adapter_model.safetensors")).unwrap();
    fails(&["adapter_model.safetensors is an adapter", "merge"]);
    std::fs::remove_file(at("adapter_model.safetensors")).unwrap();
    // What a training run leaves is not taken for weights; what other frameworks leave is.
    std::fs::write(at("training_args.bin"), "").unwrap();
    fails(&["download model.safetensors"]);
    std::fs::write(at("tf_model.h5"), "").unwrap();
    fails(&["tf_model.h5 is not read", "python3 -c", "save_pretrained"]);
}

/// The default checkpoint as PyTorch saves it.
fn saved() -> Vec<Saved> {
    let tensors = Checkpoint::default().tensors();
    tensors
        .iter()
        .map(|(name, (shape, values))| Saved::plain(&format!("transformer.{name}"), shape, values))
        .collect()
}

fn pytorch(bytes: &[u8]) -> tempfile::TempDir {
    let dir = folder();
    std::fs::remove_file(dir.path().join("model.safetensors")).unwrap();
    std::fs::write(dir.path().join("pytorch_model.bin"), bytes).unwrap();
    dir
}

#[test]
fn pytorch_files() {
    assert_eq!(logits(pytorch(&file(&saved())).path()), expected());

    // Other types; a matrix that is the transposed view of its storage; one that begins within it.
    let mut tensors = saved();
    for t in &mut tensors {
        let values: Vec<f32> = t
            .storage
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        match t.name.as_str() {
            "transformer.h.0.mlp.c_fc.weight" => {
                let (rows, columns) = (t.shape[0], t.shape[1]);
                let transposed = (0..columns).flat_map(|c| (0..rows).map(move |r| (r, c)));
                t.storage = transposed
                    .flat_map(|(r, c)| values[r * columns + c].to_le_bytes())
                    .collect();
                t.stride = vec![1, rows];
            }
            "transformer.wpe.weight" => {
                t.storage.splice(0..0, [0; 12]);
                t.length += 3;
                t.offset = 3;
            }
            "transformer.ln_f.weight" => {
                t.storage = values
                    .iter()
                    .flat_map(|v| f64::from(*v).to_le_bytes())
                    .collect();
                t.class = "DoubleStorage";
            }
            _ => {}
        }
    }
    assert_eq!(logits(pytorch(&file(&tensors)).path()), expected());
    // Parameters instead of tensors, in a training checkpoint, wrapped.
    let mut wrapped = saved();
    for t in &mut wrapped {
        t.name = format!("_orig_mod.{}", t.name);
    }
    assert_eq!(logits(pytorch(&file(&wrapped)).path()), expected());

    // Shards.
    let dir = pytorch(&[]);
    std::fs::remove_file(dir.path().join("pytorch_model.bin")).unwrap();
    let all = saved();
    let (first, second) = all.split_at(9);
    for (i, part) in [first, second].into_iter().enumerate() {
        let name = format!("pytorch_model-{:05}-of-00002.bin", i + 1);
        std::fs::write(dir.path().join(name), file(part)).unwrap();
    }
    assert_eq!(logits(dir.path()), expected());

    // With an index, which is followed: files have other names than their numbers say, and what it lacks is missing.
    let mut map = serde_json::Map::new();
    for (i, part) in [first, second].into_iter().enumerate() {
        let old = format!("pytorch_model-{:05}-of-00002.bin", i + 1);
        let new = format!("part-{i}.bin");
        std::fs::rename(dir.path().join(old), dir.path().join(&new)).unwrap();
        map.extend(part.iter().map(|t| (t.name.clone(), new.clone().into())));
    }
    let index = dir.path().join("pytorch_model.bin.index.json");
    let write = |map: &serde_json::Map<String, Value>| {
        let json = serde_json::json!({ "weight_map": map });
        std::fs::write(&index, json.to_string()).unwrap();
    };
    write(&map);
    assert_eq!(logits(dir.path()), expected());
    map.remove("transformer.wpe.weight");
    write(&map);
    let error = FloatModel::load(dir.path()).unwrap_err();
    assert!(matches!(error, Error::MissingTensor { .. }), "{error}");
}

fn refused(bytes: &[u8]) -> String {
    let error = FloatModel::load(pytorch(bytes).path()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::PyTorch { .. }), "{text}");
    // The cause, and the way out.
    assert!(text.contains("pytorch_model.bin cannot be read"), "{text}");
    assert!(
        text.contains("python3 -c \"from transformers import"),
        "{text}"
    );
    text
}

#[test]
fn pytorch_files_that_are_refused() {
    let tensors = saved();
    let whole = file(&tensors);
    // As long as its beginning, and no more.
    let mut empty = b"PK\x03\x04".to_vec();
    empty.resize(104, 0);
    assert!(refused(&empty).contains("no complete zip archive"));
    assert!(refused(&whole[..whole.len() / 2]).contains("no complete zip archive"));
    assert!(refused(b"").contains("no complete zip archive"));
    assert!(refused(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.").contains("before 1.6"));

    // Code is named and never run.
    let code = pickle(&tensors, "os\nsystem");
    assert!(refused(&archive(&code, &tensors)).contains("`os.system`"));
    let object = b"\x80\x02cmodels\nGPT\n)R.".as_slice();
    assert!(refused(&archive(object, &[])).contains("object of `models.GPT`"));
    for (program, word) in [
        (b"".as_slice(), "ends too early"),
        (b"\x80\x02", "ends too early"),
        (b"}.", "no tensors"),
        (b"N.", "no dictionary"),
        (b"R", "damaged"),
        (b"t", "damaged"),
        (b"(0", "instruction 0x30"),
        (b"cos\nsystem\nX\x02\x00\x00\x00idi", "instruction 0x69"),
        (b"\x8a\xff", "64 bits"),
        (b"X\xff\xff\xff\xff", "ends too early"),
    ] {
        let text = refused(&archive(program, &[]));
        assert!(text.contains(word), "{text}");
    }
    // Nesting without end neither takes the stack nor the memory.
    let mut deep = b"\x80\x02)".to_vec();
    deep.extend(std::iter::repeat_n(0x85, 1_000_000));
    deep.push(b'.');
    assert!(refused(&archive(&deep, &[])).contains("no dictionary"));
    let mut doubling = b"\x80\x02)q\x00".to_vec();
    for _ in 0..100 {
        doubling.extend(b"h\x00h\x00\x86q\x00");
    }
    doubling.push(b'.');
    assert!(refused(&archive(&doubling, &[])).contains("no dictionary"));

    // Tensors that reach beyond their storage.
    for change in [
        (|t: &mut Saved| t.offset = 1) as fn(&mut Saved),
        |t| t.offset = 1 << 30,
        |t| t.stride[0] = 1 << 30,
        |t| t.length += 1,
        |t| t.length = 1 << 30,
        |t| t.storage.truncate(5),
    ] {
        let mut tensors = saved();
        let last = tensors.iter_mut().find(|t| t.name.ends_with("wte.weight"));
        change(last.unwrap());
        refused(&file(&tensors));
    }
    // A type that is no float.
    let mut tensors = saved();
    tensors[0].class = "LongStorage";
    let error = FloatModel::load(pytorch(&file(&tensors)).path()).unwrap_err();
    assert!(
        matches!(&error, Error::Dtype { got, .. } if got == "LongStorage"),
        "{error}"
    );
    // A big machine's file.
    let big = archive(&pickle(&saved(), REBUILD), &saved());
    let at = big.windows(6).position(|w| w == b"little").unwrap();
    let mut big = big;
    big[at..at + 6].copy_from_slice(b"bigbig");
    refused(&big);
    assert_eq!(strides(&[2, 3, 4]), [12, 4, 1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_pickles_never_panic(at in 0usize..4_000, byte: u8, cut in 0usize..8_000) {
        let tensors = saved();
        let mut program = pickle(&tensors, REBUILD);
        let at = at % program.len();
        program[at] = byte;
        program.truncate(cut.max(1));
        let _ = FloatModel::load(pytorch(&archive(&program, &tensors)).path());
    }
}

#[test]
fn what_stands_in_for_a_file() {
    let lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    let annex = "/annex/objects/MD5E-s97592--6f2a.safetensors\n";
    let page = "<!DOCTYPE html>\n<html><body>Rate limited</body></html>";
    let everywhere = [
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "model.safetensors",
    ];
    for (content, what, advice) in [
        (lfs, "a Git LFS pointer", "git lfs pull"),
        (annex, "a git-annex pointer", "git annex get"),
        (page, "a web page", "download"),
    ] {
        let check = |dir: &Path, name: &str| {
            std::fs::write(dir.join(name), content).unwrap();
            let error = FloatModel::load(dir).unwrap_err();
            assert!(
                matches!(&error, Error::StandIn { path, .. } if path.ends_with(name)),
                "{name}: {error}"
            );
            let text = error.to_string();
            assert!(text.contains(what) && text.contains(advice), "{text}");
        };
        for name in everywhere {
            check(folder().path(), name);
        }
        // It is read by whoever needs it.
        let dir = folder();
        std::fs::write(dir.path().join("chat_template.jinja"), content).unwrap();
        let error = ChatTemplate::load(dir.path()).unwrap_err();
        assert!(matches!(error, Error::StandIn { .. }), "{error}");
        let without = |names: &[&str]| {
            let dir = folder();
            for name in names {
                std::fs::remove_file(dir.path().join(name)).unwrap();
            }
            dir
        };
        check(without(&["model.safetensors"]).path(), "pytorch_model.bin");
        check(
            without(&["model.safetensors"]).path(),
            "model.safetensors.index.json",
        );
        check(
            without(&["model.safetensors"]).path(),
            "model-00001-of-00001.safetensors",
        );
        check(without(&["tokenizer.json"]).path(), "vocab.json");
        let dir = without(&["tokenizer.json"]);
        std::fs::write(dir.path().join("vocab.json"), "{}").unwrap();
        check(dir.path(), "merges.txt");
    }
}

#[test]
fn byte_order_marks() {
    let dir = folder();
    let mark = |name: &str| {
        let path = dir.path().join(name);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, [b"\xef\xbb\xbf", bytes.as_slice()].concat()).unwrap();
    };
    std::fs::write(
        dir.path().join("generation_config.json"),
        r#"{"eos_token_id": 7}"#,
    )
    .unwrap();
    for name in ["config.json", "generation_config.json", "tokenizer.json"] {
        mark(name);
    }
    let model = FloatModel::load(dir.path()).unwrap();
    assert_eq!(model.stop_tokens(), [7]);
    assert_eq!(model.logits(&TOKENS).unwrap(), expected());

    let path = dir.path().join("config.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&path, wide).unwrap();
    let error = FloatModel::load(dir.path()).unwrap_err();
    assert!(
        error.to_string().contains("UTF-16: save it as UTF-8"),
        "{error}"
    );
}

#[test]
fn an_index_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint {
        shards: 2,
        ..Checkpoint::default()
    };
    checkpoint.write(dir.path());
    assert_eq!(logits(dir.path()), expected());
    // A copy of the files that were read is a whole checkpoint.
    let copy = tempfile::tempdir().unwrap();
    let model = FloatModel::load(dir.path()).unwrap();
    for path in model.files() {
        std::fs::copy(path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let tokenizer = copy.path().join("tokenizer.json");
    std::fs::write(tokenizer, model.tokenizer().json()).unwrap();
    assert_eq!(logits(copy.path()), expected());
    assert_eq!(model.files().len(), 4);
    let index = dir.path().join("model.safetensors.index.json");
    let mut json: Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
    json["weight_map"]
        .as_object_mut()
        .unwrap()
        .remove("transformer.wpe.weight");
    std::fs::write(&index, json.to_string()).unwrap();
    let error = FloatModel::load(dir.path()).unwrap_err();
    assert!(
        matches!(&error, Error::MissingTensor { name } if name == "transformer.wpe.weight"),
        "{error}"
    );
}

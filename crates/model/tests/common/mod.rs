//! The tiny trained GPT-2 and random checkpoints in Hugging Face layout.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::path::PathBuf;

use nanozk_model::FloatModel;

pub(crate) fn models() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../test/models")
}

pub(crate) fn tiny() -> FloatModel {
    FloatModel::load(&models().join("tiny-gpt2")).unwrap()
}

pub(crate) fn json(name: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(models().join(name)).unwrap()).unwrap()
}

pub(crate) fn text(name: &str) -> String {
    std::fs::read_to_string(models().join("texts").join(name)).unwrap()
}

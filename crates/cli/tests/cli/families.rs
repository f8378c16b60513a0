//! A model that is no GPT-2, from its checkpoint to a final proof.

use crate::common::*;
use std::path::Path;

#[test]
fn a_llama_is_proved() {
    let f = fixture();
    let dir = tempfile::tempdir().unwrap();
    let (model, session) = (dir.path().join("model"), dir.path().join("session"));
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/models");
    let text = models.join("texts/calibration.txt");
    let mut import = vec!["model", "import"];
    let llama = models.join("tiny-llama");
    import.extend([
        path(&llama),
        "-o",
        path(&model),
        "--calibration",
        path(&text),
    ]);
    import.extend(["--tokens", "16", "--windows", "8"]);
    f.json_ok(&import);
    let inspected = f.json_ok(&["model", "inspect", path(&model)]).remove(0);
    let architecture = &inspected["architecture"];
    assert_eq!(architecture["kv_heads"], 2);
    assert_eq!(architecture["positions"], "rotary");
    assert_eq!(architecture["mlp"], "gated");
    let id = inspected["model_id"].as_str().unwrap();

    let run = ["run", "--model", path(&model), "--prompt", "Ownership is"];
    let rest = ["--max-new-tokens", "4", "-o", path(&session)];
    f.json_ok(&[&run[..], &rest].concat());
    f.json_ok(&["prove", path(&session)]);
    let verify = ["verify", path(&session), "--model-id", id];
    let accepted = f.json_ok(&verify);
    assert_eq!(accepted.last().unwrap()["proved"], 10);
    f.json_ok(&["reexecute", path(&session)]);

    f.json_ok(&["aggregate", path(&session)]);
    let accepted = f.json_ok(&[&verify[..], &["--final"]].concat());
    assert_eq!(accepted.last().unwrap()["proved"], 10);

    // Another answer is no answer of this model.
    edit(&session.join("claim.json"), |claim| {
        let digest = claim["output_digest"].clone();
        claim["output_digest"] = claim["input_digest"].clone();
        claim["input_digest"] = digest;
    });
    let (code, objects, stderr) = f.json(&verify);
    assert_eq!(code, 1, "{stderr}");
    let reason = objects.last().unwrap()["reason"].as_str().unwrap();
    assert!(reason.contains("another statement"), "{reason}");
}

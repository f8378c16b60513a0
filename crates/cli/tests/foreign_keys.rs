//! A manifest whose keys are not those of its programs: no command takes it up, and none gets as far as a chain.

mod common;

use common::*;

#[test]
fn manifests_with_foreign_keys_are_refused() {
    let f = fixture();
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    copy(&f.model, &model);
    // One program under the key of another: each is a key of one of the model's programs.
    edit(&model.join("manifest.json"), |manifest| {
        let programs = manifest["programs"].as_array_mut().unwrap();
        let other = programs[1]["key"].clone();
        assert_ne!(programs[0]["key"], other);
        programs[0]["key"] = other;
    });
    let nowhere = ["--rpc", "http://127.0.0.1:9"];
    let request = dir.path().join("request.json");
    let asks = [
        "job",
        "request",
        "--model",
        path(&model),
        "--prompt",
        PROMPT,
        "--max-new-tokens",
        "2",
        "--price",
        "1gwei",
        "-o",
        path(&request),
    ];
    let words = ["program 0", "its key is", "and its layers give"];
    f.fails(&[&asks[..], &nowhere].concat(), &words);
    assert!(!request.exists(), "nothing was signed");
    let registers = ["model", "register", path(&model)];
    f.fails(&[&registers[..], &nowhere].concat(), &words);

    // A session of it is of another model than was asked for.
    f.json_ok(&f.verify(&f.session));
    let session = dir.path().join("session");
    copy(&f.session, &session);
    std::fs::copy(model.join("manifest.json"), session.join("manifest.json")).unwrap();
    f.rejected(&session, &["the manifest has id"]);

    // Whoever registers it all the same is found out by anybody who has the manifest.
    let manifest = model.join("manifest.json");
    let (code, objects, stderr) = f.json(&["model", "verify", path(&manifest)]);
    assert_eq!(code, 1, "{stderr}");
    let reason = objects.last().unwrap()["reason"].as_str().unwrap();
    for word in words {
        assert!(reason.contains(word), "{reason}");
    }
    let honest = f.model.join("manifest.json");
    assert_eq!(
        f.json_ok(&["model", "verify", path(&honest)])[0]["accepted"],
        true
    );
}

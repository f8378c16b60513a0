//! A card whose keys are not those of its shapes: no command takes it up, and none gets as far as a chain.

mod common;

use common::*;

#[test]
fn cards_with_foreign_keys_are_refused() {
    let f = fixture();
    f.json_ok(&f.verify(&f.session));
    let dir = tempfile::tempdir().unwrap();
    let (model, session) = (dir.path().join("model"), dir.path().join("session"));
    copy(&f.model, &model);
    copy(&f.session, &session);
    // The MLP under the key of the attention: each is a key of one of the card's shapes.
    for card in [model.join("card.json"), session.join("card.json")] {
        edit(&card, |card| {
            let layers = card["layers"].as_array_mut().unwrap();
            layers[2]["verifying_key"] = layers[1]["verifying_key"].clone();
        });
    }
    let words = ["layer 2", "names verifying key", "its shape has"];
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
    f.fails(&[&asks[..], &nowhere].concat(), &words);
    assert!(!request.exists(), "nothing was signed");
    let registers = ["model", "register", path(&model)];
    f.fails(&[&registers[..], &nowhere].concat(), &words);

    // It has another id than the model's; and by its own it is refused all the same.
    f.rejected(&session, &["the model card has id"]);
    let id = f.json_ok(&["model", "inspect", path(&model)])[0]["model_id"].clone();
    let id = id.as_str().unwrap();
    edit(&session.join("session.json"), |s| s["model_id"] = id.into());
    let verify = ["verify", path(&session), "--model-id", id];
    let (code, objects, stderr) = f.json(&verify);
    assert_eq!(code, 1, "{stderr}");
    let reason = objects.last().unwrap()["reason"].as_str().unwrap();
    for word in words {
        assert!(reason.contains(word), "{reason}");
    }
    std::fs::remove_file(session.join("proofs/002.proof")).unwrap();
    let prove = [
        "prove",
        path(&session),
        "--model",
        path(&model),
        "--layers",
        "2",
    ];
    f.fails(&prove, &words);
    assert!(!session.join("proofs/002.proof").exists());
}

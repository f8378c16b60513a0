//! Whole lives of claims.

use crate::anvil::*;
use crate::common::*;
use crate::world::*;
use serde_json::{json, Value};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[test]
fn proofs_settle_at_once() {
    let w = World::new();
    // The requester waives the time to demand the output.
    let (file, job) = w.request(&["--lane", "proofs", "--challenge-window", "0"]);
    let [free, _] = w.balance(REQUESTER);
    let open = ["job", "open", path(&file)];
    assert_eq!(
        w.ok(REQUESTER, &[&open[..], &["--dry-run"]].concat())[0]["event"],
        "dry_run"
    );
    w.ok(REQUESTER, &open);
    assert_eq!(w.ok(REQUESTER, &open)[0]["event"], "already");
    let price = w.amount(&job, "price");
    assert_eq!(w.balance(REQUESTER)[0], free - price);
    let lock = ["job", "lock", path(&file)];
    w.ok(PROVIDER, &lock);
    assert_eq!(w.ok(PROVIDER, &lock)[0]["event"], "already");
    let session = w.run(fixture(), &file);
    let post = ["claim", "post", path(&session)];
    w.ok(PROVIDER, &post);
    assert_eq!(w.ok(PROVIDER, &post)[0]["event"], "already");

    // Some layers first.
    let settle = ["claim", "settle", path(&session)];
    w.fails(
        PROVIDER,
        &settle,
        &["layers 0, 1, 2, 3 have no proof", "nanozk prove"],
    );
    w.prove(&session, "1-2");
    let dry = w.ok(PROVIDER, &[&settle[..], &["--dry-run"]].concat());
    assert!(dry[0]["gas"].as_u64().unwrap() > 300_000, "{dry:?}");
    let some = w.ok(PROVIDER, &settle);
    assert_eq!(events(&some), ["LayerProven", "LayerProven"]);
    assert_eq!(w.status(&job)["proven"], json!([1, 2]));

    // The rest, split by a limit of gas.
    w.prove(&session, "0-3");
    let [free, bonded] = w.balance(PROVIDER);
    let rest = w.ok(PROVIDER, &[&settle[..], &["--max-gas", "2000000"]].concat());
    let sent = rest.iter().filter(|o| o["event"] == "transaction").count();
    assert_eq!(sent, 2, "layers 0 and 3 are not neighbours");
    assert!(events(&rest).ends_with(&["JobSettled".into(), "Shared".into(), "Released".into()]));
    let status = w.status(&job);
    assert_eq!(
        (&status["status"], &status["job"]["status"]),
        (&json!("proven"), &json!("settled"))
    );
    let stake = w.amount(&job, "stake");
    assert_eq!(w.balance(PROVIDER), [free + price, bonded + stake]);
    assert_eq!(w.ok(PROVIDER, &settle)[0]["event"], "already");

    // The session is as good off chain, and only for its claim.
    let f = fixture();
    f.json_ok(&f.verify(&session));
    w.ok(PROVIDER, &["escrow", "withdraw", "0.001eth"]);
    let text = w.text(
        CHALLENGER,
        &[
            "job",
            "status",
            path(&file),
            "--explorer",
            "https://explorer",
        ],
    );
    for word in [
        "Proven",
        "https://explorer/address/0x",
        "explainStatus",
        "settled",
    ] {
        assert!(text.contains(word), "no {word} in {text}");
    }
}

#[test]
fn an_aggregate_settles_and_answers_challenges() {
    let (w, f) = (World::new(), fixture());
    let bind = ["model", "register", path(&f.model), "--aggregate"];
    assert_eq!(w.ok(CURATOR, &bind)[1]["event"], "already");

    let (session, job) = w.posted(&["--lane", "proofs", "--challenge-window", "0"]);
    let settle = ["claim", "settle", path(&session), "--aggregate"];
    w.fails(PROVIDER, &settle, &["no aggregate", "nanozk aggregate"]);
    let made = f.json_ok(&["aggregate", path(&session)]);
    let last = made.last().unwrap();
    assert!(last["proof_bytes"].as_u64().unwrap() <= 2_500, "{last}");
    // Nothing is done twice.
    let again = f.json_ok(&["aggregate", path(&session)]);
    assert!(again
        .iter()
        .all(|o| o["event"] != "proved" && o["event"] != "node"));
    let verify: Vec<&str> = f.verify(&session);
    let verify = [&verify[..], &["--aggregate"]].concat();
    f.json_ok(&verify);
    let price = w.amount(&job, "price");
    let [free, bonded] = w.balance(PROVIDER);
    let settled = w.ok(PROVIDER, &settle);
    let names = events(&settled);
    assert!(
        names.contains(&"ClaimProvenByAggregate".into()),
        "{names:?}"
    );
    assert!(names.contains(&"JobSettled".into()), "{names:?}");
    assert_eq!(w.status(&job)["status"], "proven");
    let stake = w.amount(&job, "stake");
    assert_eq!(w.balance(PROVIDER), [free + price, bonded + stake]);
    assert_eq!(w.ok(PROVIDER, &settle)[0]["event"], "already");

    // A damaged one is rejected, off chain and on.
    let file = session.join("aggregate.proof");
    let good = std::fs::read(&file).unwrap();
    let mut bad = good;
    let at = bad.len() - 700;
    bad[at] ^= 1;
    std::fs::write(&file, bad).unwrap();
    assert_eq!(f.command(&verify).output().unwrap().status.code(), Some(1));

    // Challenges of an optimistic claim; the aggregate of the other claim does not help.
    let (second, job) = w.posted(&["--lane", "optimistic"]);
    let [before, _] = w.balance(CHALLENGER);
    for layer in ["1", "2"] {
        let challenge = ["claim", "challenge", path(&second), "--layer", layer];
        w.ok(CHALLENGER, &challenge);
    }
    std::fs::copy(
        session.join("aggregate.json"),
        second.join("aggregate.json"),
    )
    .unwrap();
    let settle = ["claim", "settle", path(&second), "--aggregate"];
    w.fails(
        PROVIDER,
        &settle,
        &["was made for statement", "nanozk aggregate makes it again"],
    );
    f.json_ok(&["aggregate", path(&second)]);
    let names = events(&w.ok(PROVIDER, &settle));
    assert_eq!(names, ["ClaimProvenByAggregate"]);
    w.fails(PROVIDER, &["claim", "finalize", &job], &["NotYet"]);
    w.anvil.wait(3_601);
    w.fails(
        CHALLENGER,
        &["claim", "timeout", &job, "--layer", "1"],
        &["LayerIsProven"],
    );
    w.ok(PROVIDER, &["claim", "finalize", &job]);
    // It does not say that the challenger was wrong about the layers.
    for layer in ["1", "2"] {
        w.ok(PROVIDER, &["claim", "resolve", &job, "--layer", layer]);
    }
    assert_eq!(w.balance(CHALLENGER)[0], before);
}

#[test]
fn proofs_wait_for_the_output() {
    let w = World::new();
    let (session, job) = w.posted(&["--lane", "proofs"]);
    w.prove(&session, "0-3");
    let proven = w.ok(PROVIDER, &["claim", "settle", path(&session)]);
    assert_eq!(events(&proven), ["LayerProven"; 4]);
    w.fails(PROVIDER, &["claim", "finalize", &job], &["NotYet"]);
    // It did not arrive.
    w.fails(
        CHALLENGER,
        &["claim", "demand-output", &job],
        &["NotRequester"],
    );
    w.ok(REQUESTER, &["claim", "demand-output", &job]);
    w.fails(PROVIDER, &["claim", "finalize", &job], &["ChallengesOpen"]);
    let [free, _] = w.balance(PROVIDER);
    let dispute = ["claim", "dispute-output", &job];
    w.fails(REQUESTER, &dispute, &["was revealed", "demand-output"]);
    let revealed = w.ok(PROVIDER, &["claim", "reveal-output", path(&session)]);
    assert!(events(&revealed).contains(&"OutputRevealed".into()));
    assert_eq!(w.status(&job)["status"], "posted");
    w.fails(
        REQUESTER,
        &dispute,
        &["nothing to dispute", "OutputIsRight"],
    );
    w.fails(CHALLENGER, &dispute, &["NotRequester"]);
    w.fails(PROVIDER, &["claim", "finalize", &job], &["NotYet"]);
    w.anvil.wait(3_601);
    w.ok(PROVIDER, &["claim", "finalize", &job]);
    assert_eq!(w.status(&job)["status"], "proven");
    assert_eq!(w.balance(PROVIDER)[0], free + w.amount(&job, "price"));

    // Others than the tokens that were claimed, in the provider's name.
    let (session, job) = w.posted(&["--lane", "proofs", "--answer-window", "1h"]);
    w.ok(REQUESTER, &["claim", "demand-output", &job]);
    edit(&session.join("output.json"), |o| o["tokens"][0] = json!(1));
    w.ok(PROVIDER, &["claim", "sign", path(&session)]);
    let stranger = ["claim", "reveal-output", path(&session)];
    let signatures = std::fs::read(session.join("signatures.json")).unwrap();
    edit(&session.join("signatures.json"), |s| {
        s.as_object_mut().unwrap().remove("output");
    });
    w.fails(CHALLENGER, &stranger, &["OutputMismatch"]);
    std::fs::write(session.join("signatures.json"), signatures).unwrap();
    w.ok(CHALLENGER, &stranger);
    let lost = w.ok(REQUESTER, &["claim", "dispute-output", &job]);
    assert!(events(&lost).contains(&"JobSlashed".into()), "{lost:?}");
    assert_eq!(w.status(&job)["status"], "defeated");

    // It did arrive.
    let (session, job) = w.posted(&["--lane", "proofs", "--answer-window", "2h"]);
    w.prove(&session, "0-3");
    w.ok(PROVIDER, &["claim", "settle", path(&session)]);
    w.ok(REQUESTER, &["claim", "accept-output", path(&session)]);
    assert_eq!(w.status(&job)["status"], "proven");
}

#[test]
fn a_challenge_is_answered() {
    let w = World::new();
    let (session, job) = w.posted(&["--lane", "optimistic"]);
    let bond = w.amount(&job, "challenge_bond");
    let [before, _] = w.balance(CHALLENGER);
    let challenge = ["claim", "challenge", &job, "--layer", "1"];
    w.ok(CHALLENGER, &challenge);
    assert_eq!(w.balance(CHALLENGER)[0], before - bond);
    w.fails(CHALLENGER, &challenge, &["AlreadyChallenged"]);
    w.fails(
        CHALLENGER,
        &["claim", "challenge", &job, "--layer", "9"],
        &["NoSuchLayer", "4"],
    );
    w.fails(
        CHALLENGER,
        &["claim", "timeout", &job, "--layer", "1"],
        &["AnswerWindowOpen"],
    );
    assert_eq!(w.status(&job)["open_challenges"][0]["layer"], 1);

    w.fails(
        PROVIDER,
        &["claim", "answer", path(&session)],
        &["layer 1 has no proof"],
    );
    w.prove(&session, "1");
    let [free, bonded] = w.balance(PROVIDER);
    let answered = w.ok(PROVIDER, &["claim", "answer", path(&session)]);
    assert!(
        events(&answered).contains(&"LayerProven".into()),
        "{answered:?}"
    );
    assert_eq!(w.balance(PROVIDER)[0], free, "not before it is certain");
    assert_eq!(
        w.ok(PROVIDER, &["claim", "answer", path(&session)])[0]["event"],
        "already"
    );
    w.fails(CHALLENGER, &challenge, &["LayerIsProven"]);

    w.fails(PROVIDER, &["claim", "finalize", &job], &["NotYet"]);
    w.anvil.wait(3_601);
    w.fails(
        CHALLENGER,
        &["claim", "challenge", &job, "--layer", "2"],
        &["ChallengeWindowOver"],
    );
    w.ok(PROVIDER, &["claim", "finalize", &job]);
    assert_eq!(w.status(&job)["status"], "finalized");
    let (price, stake) = (w.amount(&job, "price"), w.amount(&job, "stake"));
    assert_eq!(w.balance(PROVIDER), [free + price, bonded + stake]);
    let resolve = ["claim", "resolve", &job, "--layer", "1"];
    w.ok(CHALLENGER, &resolve);
    assert_eq!(
        w.balance(PROVIDER)[0],
        free + bond + price,
        "a failed challenge pays"
    );
    w.fails(CHALLENGER, &resolve, &["NotChallenged"]);
    w.fails(
        PROVIDER,
        &["claim", "finalize", &job],
        &["ClaimIsOver", "finalized"],
    );
}

#[test]
fn drawn_layers_are_proven() {
    let w = World::new();
    let (session, job) = w.posted(&["--lane", "audited"]);
    w.fails(
        PROVIDER,
        &["claim", "audit", &job],
        &["draws the layers", "try again"],
    );
    w.anvil.mine(80);
    let drawn = w.ok(PROVIDER, &["claim", "audit", &job]).pop().unwrap();
    let layers: Vec<u64> = serde_json::from_value(drawn["layers"].clone()).unwrap();
    assert_eq!(layers.len(), 1, "a quarter of four");
    w.anvil.wait(3_601);
    w.fails(
        PROVIDER,
        &["claim", "finalize", &job],
        &["DrawnLayersMissing"],
    );
    w.prove(&session, &layers[0].to_string());
    w.ok(
        PROVIDER,
        &[
            "claim",
            "settle",
            path(&session),
            "--layers",
            &layers[0].to_string(),
        ],
    );
    let again = w
        .ok(PROVIDER, &["claim", "audit", path(&session)])
        .pop()
        .unwrap();
    assert_eq!(again["missing"], json!([]));
    w.ok(CHALLENGER, &["claim", "finalize", &job]);
    assert_eq!(w.status(&job)["status"], "finalized");
}

#[test]
fn drawn_layers_that_are_not_proven_defeat() {
    let w = World::new();
    let (_, job) = w.posted(&["--lane", "audited"]);
    w.anvil.mine(80);
    w.ok(CHALLENGER, &["claim", "audit", &job]);
    w.fails(CHALLENGER, &["claim", "expire", &job], &["NotYet"]);
    w.anvil.wait(7_201);
    let [free, _] = w.balance(REQUESTER);
    w.ok(CHALLENGER, &["claim", "expire", &job]);
    let status = w.status(&job);
    assert_eq!(
        (&status["status"], &status["job"]["status"]),
        (&json!("defeated"), &json!("slashed"))
    );
    let expected = free + w.amount(&job, "price") + w.amount(&job, "stake") * 3 / 10;
    assert_eq!(w.balance(REQUESTER)[0], expected);
}

/// A model of the same shapes with other weights.
pub(crate) fn other_model() -> &'static Path {
    static OTHER: OnceLock<PathBuf> = OnceLock::new();
    OTHER.get_or_init(|| {
        let f = fixture();
        let root = f.data.parent().unwrap();
        let (from, model) = (root.join("other-checkpoint"), root.join("other-model"));
        copy(&f.checkpoint, &from);
        let mut tensors = tensors();
        for v in &mut tensors
            .get_mut("transformer.h.0.mlp.c_fc.weight")
            .unwrap()
            .1
        {
            *v = -*v;
        }
        write_tensors(&from, &tensors);
        f.json_ok(&f.import(&from, &model));
        model
    })
}

/// A session of a job as a provider makes it who runs another model and says that it is the registered one.
pub(crate) fn forged(w: &World, request: &Path) -> (PathBuf, PathBuf) {
    let f = fixture();
    let file: Value = serde_json::from_slice(&std::fs::read(request).unwrap()).unwrap();
    let honest = w.file("other-session");
    let word = |name: &str| file[name].as_str().unwrap().to_owned();
    f.json_ok(&[
        "run",
        "--model",
        path(other_model()),
        "--prompt",
        "ab c",
        "--max-new-tokens",
        "4",
        "-o",
        path(&honest),
        "--chain",
        "31337",
        "--contract",
        &word("claim_book"),
        "--claim",
        &word("job"),
        "--recipient",
        PROVIDER_ADDRESS,
    ]);
    let forged = w.file("forged-session");
    copy(&honest, &forged);
    let card = std::fs::read(f.model.join("card.json")).unwrap();
    std::fs::write(forged.join("card.json"), card).unwrap();
    edit(&forged.join("session.json"), |s| {
        s["model_id"] = json!(f.id);
        s["input_digest"] = file["request"]["input_digest"].clone();
    });
    edit(&forged.join("secret.json"), |s| {
        s["input_salt"] = file["input_salt"].clone();
    });
    (honest, forged)
}

/// The statement digest in a proof file, as another session has it.
fn relabel(proof: &Path, statement: &str) {
    let mut bytes = std::fs::read(proof).unwrap();
    for (i, byte) in bytes[13..45].iter_mut().enumerate() {
        *byte = u8::from_str_radix(&statement[2 + 2 * i..4 + 2 * i], 16).unwrap();
    }
    std::fs::write(proof, bytes).unwrap();
}

#[test]
fn other_weights_are_slashed() {
    let w = World::new();
    let (file, job) = w.locked(&["--lane", "optimistic"]);
    let f = fixture();
    f.fails(
        &[
            "run",
            "--model",
            path(other_model()),
            "--request",
            path(&file),
            "-o",
            path(&w.file("s")),
        ],
        &["the request is for model"],
    );
    let (honest, forged) = forged(&w, &file);
    w.ok(PROVIDER, &["claim", "post", path(&forged)]);
    w.ok(CHALLENGER, &["claim", "challenge", &job, "--layer", "2"]);

    // The registered weights do not give the claimed activations, and other weights are not registered.
    f.fails(
        &[
            "prove",
            path(&forged),
            "--layers",
            "2",
            "--model",
            path(&f.model),
        ],
        &["layer 2"],
    );
    f.json_ok(&["prove", path(&honest), "--layers", "2"]);
    std::fs::copy(
        honest.join("proofs/002.proof"),
        forged.join("proofs/002.proof"),
    )
    .unwrap();
    let answer = ["claim", "answer", path(&forged)];
    w.fails(PROVIDER, &answer, &["layer 2", "another statement"]);
    let statement = w.status(&job)["statement"].as_str().unwrap().to_owned();
    relabel(&forged.join("proofs/002.proof"), &statement);
    w.fails(PROVIDER, &answer, &["the proof is false", "ProofRejected"]);

    w.anvil.wait(3_601);
    w.fails(PROVIDER, &answer, &["layer 2 was to be answered until"]);
    let [challenger, _] = w.balance(CHALLENGER);
    let [requester, _] = w.balance(REQUESTER);
    let [provider, bonded] = w.balance(PROVIDER);
    let ended = w.ok(CHALLENGER, &["claim", "timeout", &job, "--layer", "2"]);
    assert!(events(&ended).contains(&"JobSlashed".into()), "{ended:?}");
    let status = w.status(&job);
    assert_eq!(
        (&status["status"], &status["job"]["status"]),
        (&json!("defeated"), &json!("slashed"))
    );
    let [price, stake, bond] =
        ["price", "stake", "challenge_bond"].map(|name| w.amount(&job, name));
    assert_eq!(w.balance(CHALLENGER)[0], challenger);
    w.ok(REQUESTER, &["claim", "resolve", &job, "--layer", "2"]);
    assert_eq!(w.balance(CHALLENGER)[0], challenger + bond + stake * 4 / 10);
    assert_eq!(w.balance(REQUESTER)[0], requester + price + stake * 3 / 10);
    assert_eq!(w.balance(PROVIDER), [provider, bonded]);
}

#[test]
fn jobs_end_without_a_claim() {
    let w = World::new();
    let [free, bonded] = w.balance(PROVIDER);
    let (file, job) = w.request(&[]);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    w.fails(CHALLENGER, &["job", "cancel", &job], &["NotRequester"]);
    w.ok(REQUESTER, &["job", "cancel", path(&file)]);
    assert_eq!(w.status(&job)["job"]["status"], "refunded");

    let (_, job) = w.locked(&["--lock-within", "2h"]);
    w.fails(CHALLENGER, &["job", "expire", &job], &["DeadlineNotPassed"]);
    w.anvil.wait(3 * 3_600 + 1);
    w.ok(CHALLENGER, &["job", "expire", &job]);
    let (stake, price) = (w.amount(&job, "stake"), w.amount(&job, "price"));
    assert_eq!(w.balance(PROVIDER), [free + stake - price, bonded - stake]);
}

/// Under a frozen verifier nothing is proven and nobody is slashed: everybody gets back what they put in.
#[test]
fn frozen_verifiers_void() {
    let w = World::new();
    let before = [REQUESTER, PROVIDER, CHALLENGER].map(|key| w.balance(key));
    let (session, job) = w.posted(&["--lane", "optimistic"]);
    w.prove(&session, "1");
    w.ok(CHALLENGER, &["claim", "challenge", &job, "--layer", "1"]);
    let (file, _) = w.request(&["--lock-within", "3h"]);
    w.freeze(1);
    let answer = ["claim", "answer", path(&session)];
    w.fails(PROVIDER, &answer, &["frozen"]);
    w.anvil.wait(3_601);
    let timeout = ["claim", "timeout", &job, "--layer", "1"];
    w.fails(
        CHALLENGER,
        &timeout,
        &["VersionUnusable", "nanozk claim void"],
    );
    w.ok(CHALLENGER, &["claim", "void", path(&session)]);
    w.ok(CHALLENGER, &["claim", "resolve", &job, "--layer", "1"]);
    let after = [REQUESTER, PROVIDER, CHALLENGER].map(|key| w.balance(key));
    assert_eq!(after, before);
    let status = w.status(&job);
    assert_eq!(
        (&status["status"], &status["job"]["status"]),
        (&json!("voided"), &json!("refunded"))
    );

    // No new jobs either.
    let open = ["job", "open", path(&file)];
    w.fails(REQUESTER, &open, &["is frozen"]);
    let again = ["verifier", "deploy", path(verifiers())];
    w.fails(CURATOR, &again, &["was frozen"]);
}

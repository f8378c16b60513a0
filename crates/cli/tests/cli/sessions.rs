//! Sessions: their proofs, what is wrong with them, and their final proof.

use super::common::*;
use super::tempdir;
use serde_json::{Value, json};
use std::path::Path;

fn run(model: &Path, session: &Path, tokens: usize) -> Vec<String> {
    let tokens = tokens.to_string();
    let words = [
        "run",
        "--model",
        path(model),
        "--prompt",
        PROMPT,
        "--max-new-tokens",
        &tokens,
        "-o",
        path(session),
    ];
    words.map(str::to_owned).to_vec()
}

#[test]
fn a_session_is_proved_by_one_proof() {
    let f = fixture();
    let mut args = f.verify(&f.session);
    args.push("--reveal");
    let objects = f.json_ok(&args);
    let [proof, last] = objects.as_slice() else {
        panic!("{objects:?}")
    };
    assert_eq!(proof["layers"], json!([0, 1, 2, 3]));
    assert_eq!(proof["valid"], true);
    for (key, value) in [
        ("accepted", json!(true)),
        ("proved", json!(4)),
        ("proofs", json!(1)),
        ("not_proved", json!([])),
        ("development_setup", json!(true)),
    ] {
        assert_eq!(last[key], value, "{key}");
    }
    assert_eq!(last["revealed"]["prompt"], PROMPT);

    // Without --json, for people; only the public files are needed.
    let dir = tempdir();
    copy(&f.session, dir.path());
    for private in ["secret.json", "local.json", "lock", "output.json"] {
        std::fs::remove_file(dir.path().join(private)).unwrap();
    }
    let output = f.call(&f.verify(dir.path()));
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("ACCEPTED: 4 of 4 layers proved by 1 joint proof"),
        "{text}"
    );

    let shown = f.json_ok(&["model", "inspect", path(&f.model)]);
    assert_eq!(shown[0]["model_id"], f.id.as_str());
    assert_eq!(
        shown[0]["layers"],
        json!(["embed", "attention 0", "mlp 0", "head"])
    );
    let ids = f.json_ok(&["model", "id", path(&f.model)]);
    assert_eq!(ids[0]["model_id"], f.id.as_str());
}

#[test]
fn layers_are_proved_by_number_or_drawn() {
    let f = fixture();
    let dir = tempdir();
    let (model, session) = (dir.path().join("model"), dir.path().join("session"));
    copy(&f.model, &model);
    f.json_ok(&run(&model, &session, 2));
    f.json_ok(&["prove", path(&session), "--layers", "2,1"]);
    let again = f.json_ok(&["prove", path(&session), "--layers", "1-2"]);
    assert_eq!(again.last().unwrap()["kept"], 1);
    f.rejected(&session, &["2 of 4 layers have no proof: 0, 3"]);
    let mut partial = f.verify(&session);
    partial.push("--partial");
    let verdict = f.json_ok(&partial);
    assert_eq!(verdict.last().unwrap()["not_proved"], json!([0, 3]));
    // The rest by another proof.
    f.json_ok(&["prove", path(&session), "--layers", "0,3"]);
    let verdict = f.json_ok(&f.verify(&session));
    assert_eq!(verdict.last().unwrap()["proofs"], 2);

    let drawn = dir.path().join("drawn");
    f.json_ok(&run(&model, &drawn, 2));
    let seed = format!("0x{:064x}", 77);
    let draw = ["prove", path(&drawn), "--budget", "0.5", "--seed", &seed];
    f.fails(&draw, &["first run nanozk importance"]);
    let text = ["--text", path(&f.calibration), "--windows", "4"];
    f.json_ok(&[&["importance", "--model", path(&model)], &text[..]].concat());
    let events = f.json_ok(&draw);
    assert_eq!(events[0]["event"], "draw");
    assert_eq!(events.last().unwrap()["proved"], 1);
    let mut verify = f.verify(&drawn);
    verify.extend(["--partial", "--seed", &seed]);
    assert_eq!(
        f.json_ok(&verify).last().unwrap()["draw"]["seed"],
        seed.as_str()
    );
    let other = format!("0x{:064x}", 78);
    *verify.last_mut().unwrap() = &other;
    assert_eq!(f.json(&verify).0, 1);

    let evaluated = [
        "eval",
        "--model",
        path(&model),
        "--text",
        path(&f.calibration),
    ];
    f.json_ok(&evaluated);
    f.json_ok(&["soundness", "--model", path(&model)]);
}

#[test]
fn tampered_sessions_are_rejected() {
    let f = fixture();
    let dir = tempdir();
    let fresh = || {
        let session = dir.path().join("session");
        let _ = std::fs::remove_dir_all(&session);
        copy(&f.session, &session);
        session
    };
    let proof = |session: &Path| session.join("proofs/0-3.proof");

    let session = fresh();
    let mut bytes = std::fs::read(proof(&session)).unwrap();
    let at = bytes.len() - 1000;
    bytes[at] ^= 1;
    std::fs::write(proof(&session), bytes).unwrap();
    f.rejected(&session, &["proofs/0-3.proof"]);
    // Valid ones beside it do not make up for it.
    f.json_ok(&["prove", path(&session), "--layers", "0"]);
    f.rejected(&session, &["proofs/0-3.proof"]);
    // What is damaged is made again.
    f.json_ok(&["prove", path(&session)]);
    f.json_ok(&f.verify(&session));

    let session = fresh();
    std::fs::write(proof(&session), "no proof").unwrap();
    f.rejected(&session, &["no joint proof"]);
    std::fs::remove_file(proof(&session)).unwrap();
    f.rejected(&session, &["4 of 4 layers have no proof"]);
    std::fs::remove_dir_all(session.join("proofs")).unwrap();
    let mut partial = f.verify(&session);
    partial.push("--partial");
    assert_eq!(f.json(&partial).0, 1);

    // Another session's proof, and another's claim.
    let other = dir.path().join("other");
    f.json_ok(&run(&f.model, &other, 2));
    f.json_ok(&["prove", path(&other)]);
    let session = fresh();
    std::fs::copy(proof(&other), proof(&session)).unwrap();
    f.rejected(&session, &["another statement"]);
    let session = fresh();
    std::fs::copy(other.join("claim.json"), session.join("claim.json")).unwrap();
    f.rejected(&session, &["another statement"]);

    type Change = fn(&mut Value);
    let claims: [(&str, Change, &str); 5] = [
        (
            "chain",
            |c| c["context"]["chain"] = json!(1337),
            "another statement",
        ),
        (
            "model",
            |c| c["model_id"] = json!(format!("0x{:064x}", 1)),
            "claim is of model",
        ),
        (
            "tokens",
            |c| c["generated_tokens"] = json!(9),
            "sessions of 8 positions",
        ),
        (
            "activations",
            |c| drop(c["activations"].as_array_mut().unwrap().pop()),
            "2 commitments to activations where 3",
        ),
        ("field", |c| c["more"] = json!(1), "claim.json is not valid"),
    ];
    for (what, change, words) in claims {
        let session = fresh();
        edit(&session.join("claim.json"), change);
        f.rejected(&session, &[words]);
        assert!(!what.is_empty());
    }
    let session = fresh();
    edit(&session.join("claim.json"), |c| {
        let activations = c["activations"].as_array_mut().unwrap();
        activations.swap(0, 1);
    });
    f.rejected(&session, &["the proof is not valid"]);
    let verdict = f.json(&["reexecute", path(&session)]);
    assert_eq!(verdict.0, 1);
    assert!(
        verdict.1[0]["reason"]
            .as_str()
            .unwrap()
            .contains("layer 0 (embed)")
    );
    f.fails(
        &["prove", path(&session), "--layers", "0"],
        &["claim.json", "output of layer 0"],
    );

    let session = fresh();
    edit(&session.join("manifest.json"), |m| m["k"] = json!(20));
    f.rejected(&session, &["has id"]);
    edit(&session.join("manifest.json"), |m| {
        m["format"] = json!("nanozk-manifest-9");
    });
    f.fails(&f.verify(&session), &["another version of nanozk"]);
}

/// A directory of a stranger costs little before it is refused, and does nothing to a terminal.
#[cfg(unix)]
#[test]
fn a_stranger_decides_nothing() {
    let f = fixture();
    let dir = tempdir();
    let fresh = |name: &str| {
        let session = dir.path().join(name);
        copy(&f.session, &session);
        session
    };
    let session = fresh("endless");
    let link = session.join("proofs/0.proof");
    std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
    f.rejected(&session, &["no regular file"]);
    std::fs::remove_file(&link).unwrap();
    let manifest = session.join("manifest.json");
    std::fs::remove_file(&manifest).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &manifest).unwrap();
    f.rejected(&session, &["manifest.json", "no regular file"]);

    // A pipe: opening one waits for whoever writes.
    let session = fresh("pipe");
    let pipe = session.join("proofs/0.proof");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    f.rejected(&session, &["no regular file"]);

    // Points by the hundred thousand are not decompressed: proofs of these layers have another length.
    let session = fresh("long");
    let proof = session.join("proofs/0-3.proof");
    let bytes = std::fs::read(&proof).unwrap();
    let header = 8 + 32 + 4 + 4 * 4;
    let mut long = bytes[..header + 16].to_vec();
    let points = 1_u64 << 18;
    long.extend([points, 0].map(u64::to_be_bytes).concat());
    let point = &bytes[header + 32..][..32];
    long.extend(point.repeat(points as usize));
    std::fs::write(&proof, long).unwrap();
    f.rejected(
        &session,
        &["has 8388640 bytes", "where those of its layers have"],
    );

    // Copies prove nothing more, and only the first that is refused is looked at.
    let session = fresh("copies");
    for copy in ["1", "2", "3"] {
        let proof = session.join("proofs/0-3.proof");
        std::fs::hard_link(proof, session.join(format!("proofs/{copy}.proof"))).unwrap();
    }
    let objects = f.json_ok(&f.verify(&session));
    let last = objects.last().unwrap();
    assert_eq!((objects.len(), &last["proofs"]), (5, &json!(1)));
    let skipped = objects
        .iter()
        .filter(|o| o["valid"].is_null() && !o["file"].is_null());
    assert_eq!(skipped.count(), 3);
    for name in ["a", "b", "c"] {
        std::fs::write(session.join(format!("proofs/{name}.proof")), "no proof").unwrap();
    }
    let (code, objects, _) = f.json(&f.verify(&session));
    let refused = objects
        .iter()
        .filter(|o| o["valid"] == json!(false))
        .count();
    assert_eq!((code, refused), (1, 1));

    for name in 0..=4096 {
        let proof = session.join("proofs/0-3.proof");
        std::fs::hard_link(proof, session.join(format!("proofs/x{name}.proof"))).unwrap();
    }
    f.rejected(&session, &["more than 4096 proofs"]);

    // Names of files and of fields, and what a claim says.
    let session = fresh("control");
    let proof = session.join("proofs/0-3.proof");
    std::fs::rename(proof, session.join("proofs/\u{1b}[2K\rACCEPTED.proof")).unwrap();
    f.json_ok(&f.verify(&session));
    std::fs::write(session.join("proofs/\u{1b}[2K\rZ.proof"), "no proof").unwrap();
    let shown = || {
        let output = f.call(&f.verify(&session));
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8(text).unwrap()
    };
    let text = shown();
    assert!(
        text.contains("REJECTED") && !text.contains("\u{1b}[2K\r"),
        "{text:?}"
    );
    edit(&session.join("claim.json"), |c| {
        c["\u{1b}[2KACCEPTED"] = json!(1);
    });
    let text = shown();
    assert!(
        text.contains("ACCEPTED") && !text.contains('\u{1b}'),
        "{text:?}"
    );
}

/// What is there is compared, whatever else lies beside it, and what differs is named in the order of execution.
#[test]
fn reexecution_judges() {
    let f = fixture();
    let dir = tempdir();
    let session = dir.path().join("session");
    let args = ["reexecute", path(&session), "--model", path(&f.model)];
    copy(&f.session, &session);
    let same = f.json_ok(&args).remove(0);
    assert_eq!(
        (&same["accepted"], &same["compared_with"]),
        (&json!(true), &json!("claim.json"))
    );
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 4] = [
        (
            |c| c["input_digest"] = json!(format!("0x{:064x}", 5)),
            "input digest",
        ),
        (
            |c| c["output_digest"] = json!(format!("0x{:064x}", 5)),
            "output digest",
        ),
        (
            |c| c["activations"].as_array_mut().unwrap().swap(1, 2),
            "the answer is the model's, but the claimed commitment to the output of layer 1 (attention 0)",
        ),
        (
            |c| c["model_id"] = json!(format!("0x{:064x}", 5)),
            "claims the model 0x00",
        ),
    ];
    // Whether a challenge of the whole claim cannot be answered.
    let is_false = std::cell::Cell::new(false);
    let reason = |words: &str| {
        let (code, objects, stderr) = f.json(&args);
        assert_eq!(
            (code, &objects[0]["accepted"]),
            (1, &json!(false)),
            "{stderr}"
        );
        let found = objects[0]["is_false"].clone();
        assert_eq!(found, json!(is_false.get()), "{words}");
        if session.join("claim.json").exists() {
            assert_eq!(objects[0]["compared_with"], "claim.json");
        }
        let reason = objects[0]["reason"].as_str().unwrap();
        assert!(reason.contains(words), "no {words:?} in: {reason}");
    };
    for (change, words) in changes {
        copy(&f.session, &session);
        edit(&session.join("claim.json"), change);
        reason(words);
        // A file that makes the directory look like another kind switches nothing off.
        std::fs::write(session.join("manifest.json"), "{}").unwrap();
        reason(words);
    }
    // Tokens that the model does not generate, with a digest that they open: commitments that differ hide nothing.
    copy(&f.session, &session);
    edit(&session.join("secret.json"), |v| {
        let token = v["tokens"].as_array_mut().unwrap().last_mut().unwrap();
        *token = json!((token.as_u64().unwrap() + 1) % 96);
    });
    reason("not opened by what was disclosed");
    is_false.set(true);
    let (_, objects, _) = f.json(&args);
    edit(&session.join("claim.json"), |c| {
        c["output_digest"] = objects[0]["output_digest"].clone();
        c["activations"].as_array_mut().unwrap().swap(1, 2);
    });
    reason("the answer is not the model's: the token at position");
    std::fs::remove_file(session.join("claim.json")).unwrap();
    reason("the one that layer 3 (head) gives");
    copy(&f.session, &session);
    std::fs::remove_file(session.join("claim.json")).unwrap();
    assert_eq!(f.json_ok(&args)[0]["accepted"], Value::Null);
    // Another version's format.
    copy(&f.session, &session);
    edit(&session.join("claim.json"), |c| {
        c["format"] = json!("nanozk-claim-9")
    });
    f.fails(&args, &["another version of nanozk"]);
    // What cannot be judged.
    std::fs::remove_file(session.join("secret.json")).unwrap();
    f.fails(&args, &["no secret.json"]);
}

/// Each part of a proof can be followed, by people and by programs.
#[test]
fn parts_of_a_proof_are_traced() {
    let f = fixture();
    let dir = tempdir();
    let session = dir.path().join("session");
    copy(&f.session, &session);
    let prove = ["--json", "prove", path(&session), "--layers", "1"];
    let mut command = f.command(&prove);
    let output = command.env("NANOZK_TRACE", "info").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<Value> = stderr
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let parts: Vec<&str> = lines
        .iter()
        .filter_map(|l| l["span"]["of"].as_str())
        .collect();
    for stage in ["commitments", "helpers", "sumchecks", "opening"] {
        assert!(parts.contains(&stage), "no {stage} in {parts:?}");
    }
    let proof = lines.iter().find(|l| l["span"]["name"] == "proof").unwrap();
    assert_eq!(proof["span"]["layers"], "1");
    assert!(proof["time.busy"].is_string());

    std::fs::remove_file(session.join("proofs/1.proof")).unwrap();
    let mut command = f.command(&prove);
    let output = command.env("NANOZK_TRACE", "a=b=c").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains("NANOZK_TRACE"));
    let mut command = f.command(&prove);
    let output = command.env_remove("NANOZK_TRACE").output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("time.busy"));
}

/// The draw is of whoever holds the lock.
#[cfg(unix)]
#[test]
fn a_draw_is_written_under_the_lock() {
    let f = fixture();
    let dir = tempdir();
    let (model, session) = (dir.path().join("model"), dir.path().join("session"));
    copy(&f.model, &model);
    copy(&f.session, &session);
    let text = ["--text", path(&f.calibration), "--windows", "4"];
    f.json_ok(&[&["importance", "--model", path(&model)], &text[..]].concat());
    let draw = |seed: &str| {
        let prove = ["prove", path(&session), "--model", path(&model)];
        let args = [&prove[..], &["--budget", "0.5", "--seed", seed]].concat();
        args.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let (first, second) = (format!("0x{:064x}", 77), format!("0x{:064x}", 78));
    f.json_ok(&draw(&first));
    let audit = || std::fs::read_to_string(session.join("audit.json")).unwrap();
    let before = audit();
    let held = nanozk_prover::files::lock(&session.join("lock")).unwrap();
    f.fails(&draw(&second), &["held by another process"]);
    assert_eq!(audit(), before);
    drop(held);
    f.json_ok(&draw(&second));
    assert_ne!(audit(), before);
}

/// A final proof is verified without a setup, by the key of final proofs: a real proof of two sessions (`script/fixtures`).
#[test]
fn final_proofs_are_verified_by_their_key() {
    let f = fixture();
    let dir = tempdir();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/fixtures/session");
    let sessions: Value =
        serde_json::from_slice(&std::fs::read(fixtures.join("sessions.json")).unwrap()).unwrap();
    let sessions = sessions.as_array().unwrap();
    let dirs = [dir.path().join("one"), dir.path().join("two")];
    for (session, dir) in sessions.iter().zip(&dirs) {
        std::fs::create_dir(dir).unwrap();
        for file in ["manifest", "claim"] {
            let path = dir.join(format!("{file}.json"));
            std::fs::write(path, session[file].to_string()).unwrap();
        }
    }
    let (key, file) = (fixtures.join("final-key.json"), fixtures.join("final.json"));
    // No setup is looked for: there is none in this data directory.
    let nowhere = dir.path().join("data");
    let args = ["verify", path(&dirs[0]), path(&dirs[1]), "--final"];
    let id = sessions[0]["model_id"].as_str().unwrap();
    let rest = ["--model-id", id, "--partial", "--data-dir", path(&nowhere)];
    let verify = |key: &Path, file: &Path| -> Vec<String> {
        let files = ["--final-key", path(key), "--file", path(file)];
        let all = [&args[..], &files, &rest].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    let accepted = f.json_ok(&verify(&key, &file));
    let [first, second] = accepted.as_slice() else {
        panic!("{accepted:?}")
    };
    assert_eq!(
        (&first["proved"], &second["proved"]),
        (&json!(6), &json!(1))
    );
    let digest = first["final_key"].as_str().unwrap();
    assert_eq!(digest.len(), 66);
    // Nobody computed the keys of this model's programs here.
    let (_, _, stderr) = f.json(&verify(&key, &file));
    assert_eq!(stderr.matches("are believed").count(), 1, "{stderr}");
    assert!(!nowhere.join("setups").exists());

    // Another key is not the setup's, or none; another proof is refused by the right key.
    let other = dir.path().join("other.json");
    let change = |from: &Path, change: &dyn Fn(&mut Value)| {
        std::fs::copy(from, &other).unwrap();
        edit(&other, change);
    };
    change(&key, &|key| key["setup"] = json!(digest));
    let refused = |args: &[String]| {
        let (code, objects, stderr) = f.json(args);
        assert_eq!(code, 1, "{stderr}");
        objects.last().unwrap()["reason"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let reason = refused(&verify(&other, &file));
    assert!(reason.contains("was registered under setup"), "{reason}");
    change(&key, &|key| key["tau_g2"] = json!("0x00"));
    f.fails(&verify(&other, &file), &["other.json", "tau_g2"]);
    change(&key, &|key| key["format"] = json!("nanozk-final-key-0"));
    f.fails(&verify(&other, &file), &["nanozk-final-key-1"]);
    change(&file, &|file| {
        let proof = file["proof"].as_str().unwrap().replacen("0x0", "0x1", 1);
        let proof = match proof == file["proof"] {
            true => proof.replacen("0x1", "0x0", 1).replacen("0x2", "0x3", 1),
            false => proof,
        };
        file["proof"] = json!(proof);
    });
    let reason = refused(&verify(&key, &other));
    assert!(reason.contains("the final proof"), "{reason}");
    // It belongs to a final proof.
    f.fails(
        &[
            "verify",
            path(&dirs[0]),
            "--model-id",
            id,
            "--final-key",
            path(&key),
        ],
        &["--final"],
    );
}

/// That the keys of a model's programs were computed is believed of this account, and of this build, alone.
#[test]
fn what_was_checked_was_checked_by_this_account() {
    let f = fixture();
    let dir = tempdir();
    // A session to be executed again, which takes the keys.
    let session = dir.path().join("session");
    copy(&f.session, &session);
    let [own, other] = ["own", "other"].map(|name| dir.path().join(name));
    let checked = f.data.join("checked.json");
    let reexecute = |state: &Path| {
        let args = ["reexecute", path(&session), "--model", path(&f.model)];
        let mut command = f.command(&args);
        let output = command
            .env("XDG_STATE_HOME", state)
            .env("NANOZK_PROGRESS_SECONDS", "0.0001")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        // Whether keys were computed.
        String::from_utf8_lossy(&output.stderr).contains("keys of programs")
    };
    assert!(reexecute(&own), "a new account believes nothing");
    assert!(!reexecute(&own), "what it found it believes");
    // Whoever can write the data directory is not believed, nor is another account.
    let found = std::fs::read(&checked).unwrap();
    assert!(reexecute(&other));
    std::fs::write(&checked, &found).unwrap();
    assert!(!reexecute(&own));
    let code = |text: &str| {
        let codes: Value = serde_json::from_slice(&found).unwrap();
        let code = codes[&f.id].as_str().unwrap().to_owned();
        String::from_utf8(found.clone())
            .unwrap()
            .replace(&code, text)
    };
    for damaged in [code(&f.id), code("1"), "{".to_owned()] {
        std::fs::write(&checked, damaged).unwrap();
        assert!(reexecute(&own));
    }
}

/// One final proof is made and verified, by the command alone.
#[test]
fn a_session_has_a_final_proof() {
    let f = fixture();
    let dir = tempdir();
    let session = dir.path().join("session");
    f.json_ok(&f.run(&session, PROMPT, 3));
    let mut verify = f.verify(&session);
    verify.push("--final");
    f.fails(&verify, &["final.json does not exist", "nanozk aggregate"]);
    let to = session.join("final.json");
    let aggregate = ["aggregate", path(&session)];
    // Where the proof goes is looked at before anything is proved.
    let secret = session.join("secret.json");
    let nowhere = dir.path().join("nowhere/final.json");
    for (file, words) in [
        (&secret, "is no final proof"),
        (&nowhere, "there is no directory"),
        (&session, "is a directory"),
    ] {
        f.fails(&[&aggregate[..], &["-o", path(file)]].concat(), &[words]);
    }
    assert!(
        std::fs::read_dir(session.join("proofs"))
            .unwrap()
            .next()
            .is_none()
    );
    for (more, words) in [
        // Layers are given for each session by itself.
        (&["--layers", "0", "--layers", "1"][..], "--layers"),
        (&[path(&session)], "a session is named twice"),
        (&[path(&f.session)], "-o FILE"),
    ] {
        f.fails(&[&aggregate[..], more].concat(), &[words]);
    }
    let events = f.json_ok(&aggregate);
    let last = events.last().unwrap();
    assert_eq!(last["event"], "final");
    assert_eq!(last["claims"].as_array().unwrap().len(), 1);
    let nodes = events.iter().filter(|event| event["event"] == "node");
    assert_eq!(nodes.count(), 1);
    let accepted = f.json_ok(&verify);
    let [accepted] = accepted.as_slice() else {
        panic!("{accepted:?}")
    };
    assert_eq!(accepted["accepted"], true);
    assert_eq!(accepted["proved"], 4);
    assert_eq!(accepted["final"], true);
    assert_eq!(accepted["proof_bytes"], last["final_bytes"]);

    // It stands alone: no joint proof and no node is needed.
    std::fs::remove_dir_all(session.join("proofs")).unwrap();
    std::fs::remove_dir_all(session.join("nodes")).unwrap();
    let honest = std::fs::read(&to).unwrap();
    type Change = fn(&mut Value);
    let flip: fn(&mut Value) = |v| {
        let text = v.as_str().unwrap();
        let (head, last) = text.split_at(text.len() - 1);
        *v = json!(format!("{head}{}", if last == "0" { "1" } else { "0" }));
    };
    let changes: [Change; 5] = [
        |v| v["format"] = json!("nanozk-final-0"),
        |v| {
            let proof = v["proof"].as_str().unwrap();
            v["proof"] = json!(proof[..proof.len() - 2]);
        },
        |v| drop(v["claims"].as_array_mut().unwrap().pop()),
        |v| v["claims"][0]["windows"][0]["count"] = json!(3),
        |v| v["more"] = json!(1),
    ];
    for (i, change) in changes.iter().enumerate() {
        edit(&to, change);
        let (code, objects, stderr) = f.json(&verify);
        // Another version's format cannot be judged.
        assert_eq!(
            code,
            if i == 0 { 2 } else { 1 },
            "{i}: {objects:?} {stderr}"
        );
        std::fs::write(&to, &honest).unwrap();
    }
    for pointer in [
        "/proof",
        "/claims/0/statement",
        "/claims/0/windows/0/digest",
    ] {
        edit(&to, |v| flip(v.pointer_mut(pointer).expect(pointer)));
        let (code, objects, stderr) = f.json(&verify);
        assert_eq!(code, 1, "{pointer}: {objects:?} {stderr}");
        std::fs::write(&to, &honest).unwrap();
    }
    f.json_ok(&verify);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let f = fixture();
    let dir = tempdir();
    f.json_ok(&["reexecute", path(&f.session)]);
    for (options, words) in [
        (&["--layers", "4"][..], "no layer 4"),
        (&["--layers", "3-1"], "backwards"),
        (&["--memory", "0.0001"], "--memory"),
    ] {
        let prove = [&["prove", path(&f.session)], options].concat();
        f.fails(&prove, &[words]);
    }
    // Nothing is written for what cannot be registered.
    let model = dir.path().join("model");
    for (options, words) in [
        (&["--max-k", "12"][..], "--max-k 12 is too small"),
        (&["--setup", "ceremony"], "nanozk setup import"),
    ] {
        let mut args = f.import(&f.checkpoint, &model);
        args.extend(options);
        f.fails(&args, &[words]);
        assert!(!model.exists());
    }
    // A secret of another model.
    let (model, session) = (dir.path().join("changed"), dir.path().join("session"));
    copy(&f.model, &model);
    copy(&f.session, &session);
    std::fs::remove_file(session.join("proofs/0-3.proof")).unwrap();
    let seed = json!(format!("0x{:064x}", 9));
    edit(&model.join("secret.json"), |s| s["weight_seed"] = seed);
    let prove = ["prove", path(&session), "--model", path(&model)];
    f.fails(&prove, &["secret.json", "not give the commitments"]);
    edit(&session.join("secret.json"), |s| {
        s["seed"] = json!(format!("0x{:064x}", 1));
    });
    f.fails(&["prove", path(&session)], &["does not open the digests"]);
    // Weights that are not the registered ones: the proof would not verify, so there is none.
    let other = dir.path().join("other");
    copy(&f.model, &other);
    edit(&other.join("manifest.json"), |m| {
        let weights = m["weights"].as_array_mut().unwrap();
        weights.reverse();
    });
    let changed = ["prove", path(&f.session), "--model", path(&other)];
    f.fails(&changed, &["program 0 is not of the registered weights"]);
}

/// Those of a chain are in `chain/errors.rs`.
#[test]
fn manifests_with_foreign_keys_are_refused() {
    let f = fixture();
    let dir = tempdir();
    let model = dir.path().join("model");
    copy(&f.model, &model);
    // One program under the key of another: each is a key of one of the model's programs.
    edit(&model.join("manifest.json"), |manifest| {
        let programs = manifest["programs"].as_array_mut().unwrap();
        let other = programs[1]["key"].clone();
        assert_ne!(programs[0]["key"], other);
        programs[0]["key"] = other;
    });
    let words = ["program 0", "its key is", "and its layers give"];

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

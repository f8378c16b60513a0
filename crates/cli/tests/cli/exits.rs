//! Exit codes, as the table in `docs/command.md` has them, and what programs read besides.

use crate::common::*;
use crate::tempdir;
use serde_json::json;
use std::fs::File;
use std::process::Stdio;

#[test]
fn reexecution_judges() {
    let f = fixture();
    let dir = tempdir();
    let session = dir.path().join("session");
    copy(&f.session, &session);
    let args = ["reexecute", path(&session)];
    let computed = f.json_ok(&args).remove(0);
    assert_eq!(computed["accepted"], true);

    let digest = || json!(format!("0x{:064x}", 5));
    type Change = fn(&mut serde_json::Value, serde_json::Value);
    let changes: [(Change, &[&str]); 5] = [
        (|v, d| v["model_id"] = d, &["claims the model"]),
        (|v, d| v["input_digest"] = d, &["input digest"]),
        (|v, d| v["output_digest"] = d, &["output digest"]),
        (
            |v, _| v["boundaries"][1] = v["boundaries"][0].clone(),
            &["layer 1 (attention 0)", "claimed commitment"],
        ),
        (
            |v, _| {
                v["boundaries"].as_array_mut().unwrap().pop();
            },
            &["3 layers", "4"],
        ),
    ];
    for (change, words) in changes {
        copy(&f.session, &session);
        edit(&session.join("session.json"), |v| change(v, digest()));
        let (code, objects, stderr) = f.json(&args);
        assert_eq!(code, 1, "{stderr}");
        let reason = objects[0]["reason"].as_str().unwrap();
        for word in words {
            assert!(reason.contains(word), "no {word:?} in: {reason}");
        }
    }
    // A token that the model does not generate.
    copy(&f.session, &session);
    edit(&session.join("secret.json"), |v| {
        let token = v["tokens"].as_array_mut().unwrap().last_mut().unwrap();
        *token = json!((token.as_u64().unwrap() + 1) % 96);
    });
    std::fs::remove_file(session.join("session.json")).unwrap();
    let (code, objects, _) = f.json(&args);
    assert_eq!((code, &objects[0]["accepted"]), (1, &json!(false)));
    let text = String::from_utf8(f.call(&args).stdout).unwrap();
    let words = "DIFFERS: layer 3 (head): the token at position";
    assert!(text.contains(words), "{text}");
    // Nothing is accepted where nothing was compared; what is there is compared whatever else is.
    copy(&f.session, &session);
    std::fs::remove_file(session.join("session.json")).unwrap();
    let alone = f.json_ok(&args).remove(0);
    assert_eq!(
        (&alone["accepted"], &alone["compared_with"]),
        (&json!(null), &json!(null))
    );
    std::fs::write(session.join("claim.json"), "{}").unwrap();
    f.fails(&args, &["claim.json"]);
    std::fs::write(session.join("session.json"), "{}").unwrap();
    f.fails(&args, &["session.json"]);
    // What cannot be judged.
    std::fs::remove_file(session.join("secret.json")).unwrap();
    f.fails(&args, &["no secret.json"]);
}

/// A result that nobody got is an error, whatever it says.
#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written() {
    let f = fixture();
    let dir = tempdir();
    copy(&f.session, dir.path());
    std::fs::remove_file(dir.path().join("proofs/000.proof")).unwrap();
    let rejected = f.verify(dir.path());
    assert_eq!(f.json(&rejected).0, 1);
    for args in [
        vec!["model", "inspect", path(&f.model)],
        vec!["--json", "model", "inspect", path(&f.model)],
        f.verify(&f.session),
        rejected,
        vec!["reexecute", path(&f.session)],
        vec!["setup", "list"],
        vec!["relayer", "openapi"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = f.command(&args).stdout(full).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains("cannot write the result"), "{stderr}");
    }
}

#[test]
fn argument_errors_are_json_too() {
    let f = fixture();
    for (args, word) in [
        (&["verify", "x"][..], "--model-id"),
        (&["nonsense"], "nonsense"),
        (&["bench", "layer", "--width", "x"], "--width"),
    ] {
        let (code, objects, stderr) = f.json(args);
        assert_eq!((code, objects.len()), (2, 1), "{args:?}");
        assert_eq!(objects[0]["kind"], "arguments");
        let error = objects[0]["error"].as_str().unwrap();
        assert!(error.contains(word) && stderr.contains(word), "{error}");
    }
    // Help is no error, and no JSON.
    let output = f.call(&["--json", "verify", "--help"]);
    assert_eq!(output.status.code(), Some(0));
    // What follows the two dashes is not for the command.
    let output = f.call(&["nonsense", "--", "--json"]);
    assert!(output.stdout.is_empty());
}

#[test]
fn numbers_that_make_no_sense_are_refused_at_once() {
    let f = fixture();
    let bench = ["bench", "layer", "--width", "16", "--heads", "2"];
    let shape = ["soundness", "--width", "16", "--heads", "2", "--tokens"];
    for (args, option) in [
        (
            &["model", "import", "x", "-o", "y", "--tokens", "0"][..],
            "--tokens",
        ),
        (
            &["model", "import", "x", "-o", "y", "--windows", "0"],
            "--windows",
        ),
        (
            &["model", "import", "x", "-o", "y", "--headroom", "0"],
            "--headroom",
        ),
        (
            &["model", "import", "x", "-o", "y", "--headroom", "nan"],
            "--headroom",
        ),
        (
            &["model", "import", "x", "-o", "y", "--commitment-price=-1"],
            "--commitment-price",
        ),
        (
            &[
                "run",
                "--model",
                "x",
                "--prompt",
                "a",
                "-o",
                "y",
                "--max-new-tokens",
                "0",
            ],
            "--max-new-tokens",
        ),
        (&["prove", "x", "--memory", "0"], "--memory"),
        (&["prove", "x", "--jobs", "0"], "--jobs"),
        (&["aggregate", "x", "--memory", "nan"], "--memory"),
        (
            &[
                "importance",
                "--model",
                "x",
                "--text",
                "y",
                "--windows",
                "0",
            ],
            "--windows",
        ),
        (&[&bench[..], &["--tokens", "0"]].concat(), "--tokens"),
        (
            &[&bench[..], &["--tokens", "4", "--vocab", "0"]].concat(),
            "--vocab",
        ),
        (
            &[&bench[..], &["--tokens", "4", "--mlp-width", "0"]].concat(),
            "--mlp-width",
        ),
        (
            &[
                "bench", "layer", "--width", "0", "--heads", "1", "--tokens", "4",
            ],
            "--width",
        ),
        (
            &[
                "bench", "layer", "--width", "8", "--heads", "0", "--tokens", "4",
            ],
            "--heads",
        ),
        (&[&shape[..], &["0"]].concat(), "--tokens"),
        (&[&shape[..], &["4", "--blocks", "0"]].concat(), "--blocks"),
        (&["setup", "development", "--k", "0"], "--k"),
        (&["model", "register", "x", "--audits", "0"], "--audits"),
        (
            &["job", "request", "--model", "x", "--max-new-tokens", "0"],
            "--max-new-tokens",
        ),
    ] {
        let (code, objects, stderr) = f.json(args);
        assert_eq!(code, 2, "{args:?}");
        assert_eq!(objects[0]["kind"], "arguments", "{args:?}");
        assert!(stderr.contains(option), "{args:?}: {stderr}");
    }
}

/// Where standard error is no terminal, progress is lines.
#[test]
fn progress_in_logs() {
    let f = fixture();
    let dir = tempdir();
    copy(&f.session, dir.path());
    std::fs::remove_dir_all(dir.path().join("proofs")).unwrap();
    let prove = |seconds: &str| {
        let _ = std::fs::remove_file(dir.path().join("proofs/001.proof"));
        let mut command = f.command(&["prove", path(dir.path()), "--layers", "1"]);
        let output = command
            .env("NANOZK_PROGRESS_SECONDS", seconds)
            .stdout(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let log = prove("0.001");
    assert!(
        log.contains("attention 0") && log.contains(": 0 of 1, "),
        "{log}"
    );
    assert!(!prove("0").contains("so far"));
}

#[test]
fn exit_codes_are_in_the_docs() {
    let docs = std::fs::read_to_string("../../docs/command.md").unwrap();
    for code in [0, 1, 2, 130] {
        assert!(docs.contains(&format!("\n| {code} |")), "{code}");
    }
}

//! Exit codes, as the table in `docs/command.md` has them, and what programs read besides.

use crate::common::*;
use crate::tempdir;
use serde_json::Value;
use std::fs::File;
use std::process::Stdio;

/// A result that nobody got is an error, whatever it says.
#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written() {
    let f = fixture();
    let dir = tempdir();
    copy(&f.session, dir.path());
    std::fs::remove_file(dir.path().join("proofs/0-3.proof")).unwrap();
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
        let _ = std::fs::remove_file(dir.path().join("proofs/1.proof"));
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
    assert!(log.contains("proving: 0 of 1, "), "{log}");
    assert!(!prove("0").contains("so far"));
}

/// Every stage of an import, which takes minutes with larger models.
#[test]
fn imports_say_how_far_they_are() {
    let f = fixture();
    let dir = tempdir();
    let model = dir.path().join("model");
    let mut command = f.command(&f.import(&f.checkpoint, &model));
    let output = command
        .env("NANOZK_PROGRESS_SECONDS", "0.0001")
        .output()
        .unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{log}");
    let mut rest = log.as_str();
    for stage in [
        "planning proofs",
        "observing activations: 0 of ",
        "quantizing: ",
        "committing to weights: 0 of ",
        "keys of programs: 0 of ",
    ] {
        let at = rest.find(stage);
        rest = &rest[at.unwrap_or_else(|| panic!("no {stage:?} in {log}"))..];
    }
}

#[test]
fn exit_codes_are_in_the_docs() {
    let docs = std::fs::read_to_string("../../docs/command.md").unwrap();
    for code in [0, 1, 2, 130] {
        assert!(docs.contains(&format!("\n| {code} |")), "{code}");
    }
    // Commands that judge, which have an outcome of their own.
    let source = include_str!("../../src/commands/mod.rs");
    let judged = docs.lines().find(|line| line.starts_with("| 1 |")).unwrap();
    for (command, call) in [
        ("verify", "return verify::verify("),
        ("model verify", "return model::verify("),
        ("reexecute", "return reexecute::reexecute("),
        ("output open", "return open_output::output("),
        ("receipt verify", "return receipt::receipt("),
        ("claim check", "return chain::claim("),
        ("dispute watch", "return chain::dispute("),
        ("doctor", "return doctor::doctor("),
    ] {
        assert!(source.contains(call), "{command}");
        assert!(judged.contains(&format!("`{command}`")), "{command}");
    }
    assert_eq!(
        source.matches("=> return ").count(),
        8,
        "a command that judges is not in the table"
    );
}

/// What is missing is an exit code; what is not as good as it could be is a warning.
#[test]
fn the_doctor_says_what_is_missing() {
    let f = fixture();
    let state = |objects: &[Value], what: &str| {
        let of_it = objects.iter().filter(|o| o["check"] == what);
        let states: Vec<&str> = of_it.map(|o| o["state"].as_str().unwrap()).collect();
        assert_eq!(states.len(), 1, "{what}: {objects:?}");
        states[0].to_owned()
    };
    let healthy = f.json_ok(&["doctor", "--model", path(&f.model)]);
    for what in ["command", "data directory", "model", "Rust"] {
        assert_eq!(state(&healthy, what), "ok");
    }
    // No ceremony was imported, the model is of the development setup, and nobody computed its keys.
    for what in ["setup", "model's setup"] {
        assert_eq!(state(&healthy, what), "warning");
    }
    assert_eq!(healthy.last().unwrap()["missing"], 0);
    let missing = |args: &[&str], what: &str| {
        let (code, objects, _) = f.json(args);
        assert_eq!((code, state(&objects, what)), (1, "missing".into()));
        let of_it = objects.iter().find(|o| o["check"] == what).unwrap();
        assert!(of_it["remedy"].is_string(), "{of_it}");
        assert_eq!(objects.last().unwrap()["missing"], 1);
    };
    missing(&["doctor", "--model", path(&f.session)], "model");
    missing(&["doctor", "--rpc", "http://127.0.0.1:1"], "node");
    let file = path(&f.calibration);
    missing(&["doctor", "--data-dir", file], "data directory");
}

/// Shells and manuals know every command.
#[test]
fn commands_are_in_completions_and_in_the_manual() {
    let f = fixture();
    let dir = tempdir();
    let commands = ["model", "serve", "receipt", "aggregate", "relayer"];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = f.call(&["completions", shell]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success());
        for command in commands {
            assert!(text.contains(command), "{shell}: {command}");
        }
    }
    let bash = dir.path().join("nanozk.bash");
    std::fs::write(&bash, f.call(&["completions", "bash"]).stdout).unwrap();
    let parsed = std::process::Command::new("bash")
        .arg("-n")
        .arg(&bash)
        .status();
    assert!(parsed.unwrap().success());
    let man = dir.path().join("man/man1");
    let written = f.json_ok(&["man", path(&man)]);
    assert!(written[0]["pages"].as_u64().unwrap() > 60, "{written:?}");
    let page = std::fs::read_to_string(man.join("nanozk-receipt-verify.1")).unwrap();
    assert!(
        page.contains("provider") && page.contains("Examples"),
        "{page}"
    );
    f.fails(&["completions", "cmd"], &["bash"]);
    f.fails(&["man", path(&bash)], &["nanozk.bash"]);
}

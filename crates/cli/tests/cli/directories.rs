//! Directories of the command: what replaces what, and what interrupted commands leave.

use crate::common::*;
use crate::tempdir;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Stdio};

fn secret(dir: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(dir.join("secret.json")).unwrap()).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn force_keeps_secrets() {
    let f = fixture();
    let dir = tempdir();
    let (model, session) = (dir.path().join("model"), dir.path().join("session"));
    copy(&f.model, &model);
    copy(&f.session, &session);
    let mut import = f.import(&f.checkpoint, &model);
    import.push("--force");
    let mut run = f.run(&session, PROMPT, 1);
    run.push("--force".into());
    let import: Vec<String> = import.into_iter().map(str::to_owned).collect();
    for (target, args) in [(&model, import), (&session, run)] {
        let old = secret(target);
        let (code, objects, stderr) = f.json(&args);
        assert_eq!(code, 0, "{stderr}");
        let kept = Path::new(objects.last().unwrap()["replaced"].as_str().unwrap());
        assert_eq!(kept, target.with_extension("old-1"));
        assert!(stderr.contains(path(kept)), "{stderr}");
        assert_eq!(secret(kept), old);
        assert_ne!(secret(target), old);
    }
    // What was registered can still be proved with.
    f.json_ok(&["model", "inspect", path(&model.with_extension("old-1"))]);
}

#[test]
fn force_replaces_its_own_kind_only() {
    let f = fixture();
    let dir = tempdir();
    let (model, session) = (dir.path().join("model"), dir.path().join("session"));
    copy(&f.model, &model);
    copy(&f.session, &session);
    let import = [f.import(&f.checkpoint, &session), vec!["--force"]].concat();
    f.fails(
        &import,
        &["is a session directory", "only a model directory"],
    );
    let mut run = f.run(&model, PROMPT, 1);
    run.push("--force".into());
    f.fails(&run, &["is a model directory", "only a session directory"]);
    // A file of the same name is not enough.
    let other = dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(
        other.join("manifest.json"),
        r#"{"format": "playing cards"}"#,
    )
    .unwrap();
    let import = [f.import(&f.checkpoint, &other), vec!["--force"]].concat();
    f.fails(&import, &["manifest.json that nanozk did not write"]);
    // A session that is being proved stays with its prover.
    let held = nanozk_prover::files::lock(&session.join("lock")).unwrap();
    let mut run = f.run(&session, PROMPT, 1);
    run.push("--force".into());
    f.fails(&run, &["while it is proved", "another process"]);
    drop(held);
    assert_eq!(names(dir.path()), ["model", "other", "session"]);
    assert_eq!(secret(&model), secret(&f.model));
    assert_eq!(secret(&session), secret(&f.session));
    assert_eq!(names(&other), ["manifest.json"]);

    // A plot replaces a plot, and nothing else.
    let plot = |to: &Path| {
        let text = path(&f.calibration);
        let args = ["importance", "--model", path(&model), "--text", text, "-o"];
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        [args, vec![path(to).to_owned()]].concat()
    };
    f.fails(&plot(&model.join("secret.json")), &["is not a plot"]);
    f.fails(
        &plot(&dir.path().join("nowhere/plot.svg")),
        &["no such directory"],
    );
    assert_eq!(secret(&model), secret(&f.model));
}

#[test]
fn commands_say_what_a_directory_is() {
    let f = fixture();
    f.fails(
        &["prove", path(&f.model)],
        &["not a session directory", "it is a model directory"],
    );
    f.fails(
        &["model", "inspect", path(&f.session)],
        &["not a model directory", "it is a session directory"],
    );
    f.fails(&["prove", "nowhere"], &["there is no such directory"]);
}

/// An import that has begun to write.
fn importing(f: &Fixture, model: &Path) -> Child {
    let mut child = f
        .command(&f.import(&f.checkpoint, model))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let parent = model.parent().unwrap();
    while !names(parent).iter().any(|n| n.ends_with(".partial")) {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it ended before it was interrupted");
        std::thread::yield_now();
    }
    child
}

#[test]
fn interrupted_imports_leave_nothing() {
    let f = fixture();
    let dir = tempdir();
    let model = dir.path().join("model");
    for signal in [Signal::INT, Signal::TERM] {
        let child = importing(f, &model);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(128 + signal.as_raw()));
        let left = names(dir.path());
        assert!(left.is_empty(), "{left:?}");
    }
    // Killed: nothing could be cleaned.
    let mut child = importing(f, &model);
    child.kill().unwrap();
    child.wait().unwrap();
    let left = names(dir.path());
    assert!(left.iter().all(|n| n.ends_with(".partial")), "{left:?}");
    assert_eq!(left.len(), 1, "people see it: {left:?}");
    let (code, _, stderr) = f.json(&f.import(&f.checkpoint, &model));
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains(&left[0]), "{stderr}");
    assert_eq!(names(dir.path()), ["model"]);
}

#[test]
fn altered_secrets_are_named() {
    let f = fixture();
    let dir = tempdir();
    let (model, session) = (dir.path().join("model"), dir.path().join("session"));
    copy(&f.session, &session);
    std::fs::remove_file(session.join("proofs/0-3.proof")).unwrap();
    let prove = ["prove", path(&session), "--layers", "0"];
    let seed = json!(format!("0x{:064x}", 9));
    edit(&session.join("secret.json"), |v| v["seed"] = seed.clone());
    f.fails(
        &prove,
        &["secret.json", "does not open the digests of claim.json"],
    );
    copy(&f.session, &session);
    std::fs::remove_file(session.join("proofs/0-3.proof")).unwrap();
    edit(&session.join("secret.json"), |v| {
        let tokens = v["tokens"].as_array_mut().unwrap();
        *tokens.last_mut().unwrap() = json!((tokens.len() + 40) % 96);
    });
    f.fails(
        &prove,
        &["secret.json", "does not open the digests of claim.json"],
    );
    std::fs::copy(f.session.join("secret.json"), session.join("secret.json")).unwrap();

    copy(&f.model, &model);
    edit(&model.join("secret.json"), |v| v["weight_seed"] = seed);
    let args = [&prove[..], &["--model", path(&model)]].concat();
    f.fails(
        &args,
        &[
            path(&model.join("secret.json")),
            "commitments that were registered",
        ],
    );
    assert!(!session.join("proofs/0.proof").exists());

    // Memory that is too little is known before any layer is proved.
    f.fails(
        &["aggregate", path(&session), "--memory", "0.01"],
        &["more than --memory allows"],
    );
    assert!(!session.join("aggregate").exists());
}

//! The command `nanozk`, from a checkpoint to a verified session, and everything that can go wrong.

mod common;
#[path = "cli/prompts.rs"]
mod prompts;

#[path = "cli/answers.rs"]
mod answers;
#[path = "cli/ceremonies.rs"]
mod ceremonies;
#[path = "cli/directories.rs"]
mod directories;
#[path = "cli/exits.rs"]
mod exits;
#[path = "cli/families.rs"]
mod families;
#[path = "cli/serve.rs"]
mod serve;
#[path = "cli/sessions.rs"]
mod sessions;

use common::*;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

fn tempdir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn secrets_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let f = fixture();
    for dir in [&f.model, &f.session] {
        let mode = |name| {
            std::fs::metadata(dir.join(name))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!(mode("secret.json"), 0o600);
        assert_ne!(mode("manifest.json") & 0o444, 0);
    }
}

#[test]
fn inspect_shows_what_was_registered() {
    let f = fixture();
    let object = &f.json_ok(&["model", "inspect", path(&f.model)])[0];
    assert_eq!(object["model_id"], f.id.as_str());
    assert_eq!(object["layers"].as_array().unwrap().len(), 4);
    let text = f.call(&["model", "inspect", path(&f.model)]).stdout;
    let text = String::from_utf8(text).unwrap();
    for word in [
        f.id.as_str(),
        "INSECURE",
        "columns of 2^",
        "headroom",
        "key of the node",
    ] {
        assert!(text.contains(word), "no {word} in {text}");
    }
}

/// Every field of a session's files, changed to something else that could be there.
#[test]
fn tampered_fields_are_rejected() {
    let f = fixture();
    type Change = Box<dyn Fn(&mut Value)>;
    let set = |pointer: &'static str, f: fn(&mut Value)| -> Change {
        Box::new(move |v| f(v.pointer_mut(pointer).expect(pointer)))
    };
    // Another digest with few digits, which is a scalar too.
    let with = |pointer| set(pointer, |v| *v = json!(format!("0x{:064x}", 5)));
    let number = |pointer| set(pointer, |v| *v = json!(v.as_u64().unwrap() + 1));
    let swap = |a: &'static str, b: &'static str| -> Change {
        Box::new(move |v| {
            let (x, y) = (v.pointer(a).unwrap().clone(), v.pointer(b).unwrap().clone());
            *v.pointer_mut(a).unwrap() = y;
            *v.pointer_mut(b).unwrap() = x;
        })
    };
    let claim: Vec<(Change, &str)> = vec![
        (with("/model_id"), "claim is of model"),
        (number("/context/chain"), "public"),
        (
            set("/context/chain", |v| *v = json!(31337)),
            "another statement",
        ),
        (with("/context/contract"), "another statement"),
        (with("/context/claim"), "another statement"),
        (with("/context/recipient"), "another statement"),
        (with("/input_digest"), "another statement"),
        (with("/output_digest"), "another statement"),
        (with("/decoding"), "decoding"),
        (
            set("/prompt_tokens", |v| *v = json!(3)),
            "another statement",
        ),
        (
            set("/generated_tokens", |v| *v = json!(3)),
            "another statement",
        ),
        (
            set("/input_digest", |v| {
                *v = json!(format!("0x{}", "f".repeat(64)))
            }),
            "not valid",
        ),
        (swap("/activations/0", "/activations/1"), "not valid"),
        (swap("/activations/1", "/activations/2"), "not valid"),
        (
            set("/activations", |v| {
                let a = v.as_array_mut().unwrap();
                a.push(a[0].clone());
            }),
            "4 commitments to activations where 3",
        ),
        (set("/activations/0", |v| *v = json!("0x00")), "not valid"),
        (set("", |v| v["more"] = json!(1)), "unknown field"),
        (
            set("", |v| {
                v.as_object_mut().unwrap().remove("context");
            }),
            "missing field",
        ),
        (set("", |v| *v = json!([])), "not valid"),
    ];
    // The manifest's fields are bound by the model id.
    let manifest: Vec<(Change, &str)> = vec![
        (number("/architecture/layers"), ""),
        (number("/architecture/vocab"), "has id"),
        (number("/architecture/context"), "has id"),
        (number("/architecture/mlp_width"), "has id"),
        (set("/architecture/heads", |v| *v = json!(4)), "has id"),
        (number("/architecture/width"), "has id"),
        (number("/spec/eps"), "has id"),
        (number("/spec/norm_frac"), ""),
        (
            set("/spec/score_shift", |v| {
                *v = json!(if *v == 9 { 10 } else { 9 })
            }),
            "has id",
        ),
        (
            set("/spec/act_frac", |v| {
                *v = json!(if *v == 9 { 10 } else { 9 })
            }),
            "has id",
        ),
        (set("/spec/activation", |v| *v = json!("relu")), "has id"),
        (with("/tokenizer"), "has id"),
        (set("/tokens", |v| *v = json!(16)), ""),
        (with("/setup"), "has id"),
        (number("/k"), ""),
        (number("/fractions"), ""),
        (swap("/weights/0", "/weights/1"), "has id"),
        (
            set("/weights", |v| {
                v.as_array_mut().unwrap().pop();
            }),
            "",
        ),
        (with("/programs/0/key"), "has id"),
        (
            set("/programs", |v| {
                v.as_array_mut().unwrap().pop();
            }),
            "",
        ),
        (
            set("/development_setup", |v| *v = json!(false)),
            "it is no development setup",
        ),
        (set("", |v| v["more"] = json!(1)), "unknown field"),
    ];
    let dir = tempdir();
    for (file, changes) in [("claim.json", claim), ("manifest.json", manifest)] {
        for (change, word) in changes {
            copy(&f.session, dir.path());
            edit(&dir.path().join(file), &change);
            f.rejected(dir.path(), &[word]);
        }
    }

    // Proofs: each sort of byte.
    let proof = dir.path().join("proofs/0-3.proof");
    let original = std::fs::read(f.session.join("proofs/0-3.proof")).unwrap();
    let (middle, end) = (original.len() / 2, original.len() - 1);
    for (at, word) in [
        (0, "no joint proof"),
        (8, "another statement"),
        (43, ""),
        (60, ""),
        (middle, ""),
        (end, ""),
    ] {
        copy(&f.session, dir.path());
        let mut bytes = original.clone();
        bytes[at] ^= 1;
        std::fs::write(&proof, bytes).unwrap();
        f.rejected(dir.path(), &["proofs/0-3.proof", word]);
    }
    for bytes in [
        &original[..end],
        &original[..20],
        &[original.as_slice(), &[0]].concat(),
    ] {
        std::fs::write(&proof, bytes).unwrap();
        f.rejected(dir.path(), &["proofs/0-3.proof"]);
    }
}

#[test]
fn what_cannot_be_judged_is_an_error() {
    let f = fixture();
    let dir = tempdir();
    for file in ["claim.json", "manifest.json"] {
        copy(&f.session, dir.path());
        edit(&dir.path().join(file), |v| {
            v["format"] = json!("nanozk-something-9")
        });
        f.fails(
            &f.verify(dir.path()),
            &["nanozk-something-9", "another version"],
        );
        std::fs::remove_file(dir.path().join(file)).unwrap();
        f.fails(&f.verify(dir.path()), &[file]);
    }
    f.fails(
        &["verify", path(&f.session), "--model-id", "0x12"],
        &["hexadecimal digits"],
    );
    f.fails(&["verify", path(&f.session)], &["--model-id"]);
    f.fails(
        &["verify", "nowhere", "--model-id", &f.id],
        &["not a session directory"],
    );

    // Another model's id is an answer, not an error.
    let other = format!("0x{:064x}", 1);
    let (code, objects, _) = f.json(&["verify", path(&f.session), "--model-id", &other]);
    assert_eq!(code, 1);
    assert!(objects[0]["reason"].as_str().unwrap().contains("has id"));
}

#[test]
fn development_setup_is_for_local_chains() {
    let f = fixture();
    let dir = tempdir();
    // A model that says that its setup is a ceremony's.
    copy(&f.session, dir.path());
    edit(&dir.path().join("manifest.json"), |v| {
        v["development_setup"] = json!(false)
    });
    f.rejected(dir.path(), &["no development setup"]);

    let session = dir.path().join("session");
    let mut args = f.run(&session, PROMPT, 1);
    args.extend(["--chain".into(), "1".into()]);
    f.fails(&args, &["development setup", "chain 1"]);
    assert!(!session.exists());
    *args.last_mut().unwrap() = "31337".into();
    let address = "0x00000000000000000000000000000000000000AA".to_owned();
    args.extend(["--recipient".into(), address]);
    f.json_ok(&args);
    let text = std::fs::read_to_string(session.join("claim.json")).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(written["context"]["recipient"], format!("0x{:064x}", 0xaa));
}

/// A prover that is killed keeps what it proved; one proof that is lost is made again, alone.
#[test]
fn proving_resumes() {
    let f = fixture();
    let dir = tempdir();
    let session = dir.path().join("session");
    f.json_ok(&f.run(&session, "xyz", 5));
    f.json_ok(&["prove", path(&session), "--layers", "3"]);
    let kept = std::fs::read(session.join("proofs/3.proof")).unwrap();
    let mut child = f
        .command(&["--json", "prove", path(&session), "--layers", "0-2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    let made = session.join("proofs/0-2.proof").exists();
    if !made {
        f.rejected(&session, &["3 of 4 layers have no proof"]);
    }
    let done = |objects: Vec<Value>| {
        let last = objects.last().unwrap().clone();
        (
            last["proved"].as_u64().unwrap(),
            last["kept"].as_u64().unwrap(),
        )
    };
    let again = ["prove", path(&session), "--layers", "0-2"];
    let expected = if made { (0, 1) } else { (1, 0) };
    assert_eq!(done(f.json_ok(&again)), expected);
    assert_eq!(done(f.json_ok(&again)), (0, 1));
    f.json_ok(&f.verify(&session));
    assert_eq!(std::fs::read(session.join("proofs/3.proof")).unwrap(), kept);

    // A proof that is damaged is as good as none.
    let first = session.join("proofs/0-2.proof");
    let bytes = std::fs::read(&first).unwrap();
    std::fs::write(&first, &bytes[..100]).unwrap();
    assert_eq!(done(f.json_ok(&again)), (1, 0));
    f.json_ok(&f.verify(&session));
}

#[test]
fn drawn_layers_can_be_proved() {
    let f = fixture();
    let dir = tempdir();
    let (model, session) = (dir.path().join("model"), dir.path().join("session"));
    copy(&f.model, &model);
    f.json_ok(&f.run(&session, PROMPT, 2));
    let seed = format!("0x{:064x}", 77);
    let model_arg = ["--model", path(&model)];
    let draw = |budget: &'static str| {
        let mut args = vec!["prove", path(&session), "--budget", budget, "--seed", &seed];
        args.extend(model_arg);
        args
    };
    f.fails(&draw("0.5"), &["first run nanozk importance"]);
    let svg = dir.path().join("plot.svg");
    let mut args = vec![
        "importance",
        "--text",
        path(&f.calibration),
        "--windows",
        "4",
    ];
    args.extend(["-o", path(&svg)]);
    args.extend(model_arg);
    let measured = f.json_ok(&args);
    assert_eq!(measured[0]["layers"].as_array().unwrap().len(), 4);
    assert!(std::fs::read_to_string(&svg).unwrap().ends_with("</svg>\n"));

    f.fails(&draw("0"), &["above 0 and at most 1"]);
    f.fails(&draw("nan"), &["above 0 and at most 1"]);
    let events = f.json_ok(&draw("0.5"));
    assert_eq!(events[0]["event"], "draw");
    assert_eq!(events[0]["layers"].as_array().unwrap().len(), 2);
    let least = events[0]["caught_at_least"].as_f64().unwrap();
    assert!(least > 0.05 && least <= 0.5, "{least}");
    assert_eq!(events.last().unwrap()["proved"], 1);

    f.rejected(&session, &["2 of 4 layers have no proof"]);
    let mut args = f.verify(&session);
    args.push("--partial");
    let verdict = f.json_ok(&args);
    assert_eq!(
        verdict.last().unwrap()["not_proved"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    args.extend(["--seed", &seed]);
    f.json_ok(&args);
    let other = format!("0x{:064x}", 78);
    *args.last_mut().unwrap() = &other;
    assert_eq!(f.json(&args).0, 1);

    // Layers by number.
    let rest: Vec<String> = verdict.last().unwrap()["not_proved"]
        .as_array()
        .unwrap()
        .iter()
        .map(Value::to_string)
        .collect();
    let rest = rest.join(",");
    f.json_ok(&["prove", path(&session), "--layers", &rest]);
    f.json_ok(&f.verify(&session));
}

#[test]
fn checkpoints_that_cannot_be_imported() {
    let f = fixture();
    let dir = tempdir();
    let (bad, model) = (dir.path().join("bad"), dir.path().join("model"));
    let fails = |spoil: &dyn Fn(&Path), words: &[&str]| {
        let _ = std::fs::remove_dir_all(&bad);
        copy(&f.checkpoint, &bad);
        spoil(&bad);
        f.fails(&f.import(&bad, &model), words);
        // Nothing is left behind.
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    };
    let config = |change: fn(&mut Value)| move |dir: &Path| edit(&dir.join("config.json"), change);
    fails(
        &|dir| {
            let mut tensors = tensors();
            tensors.remove("transformer.h.0.mlp.c_fc.weight").unwrap();
            write_tensors(dir, &tensors);
        },
        &["missing tensor `transformer.h.0.mlp.c_fc.weight`"],
    );
    fails(
        &|dir| {
            let mut tensors = tensors();
            tensors.get_mut("transformer.wpe.weight").unwrap().1[3] = f32::NAN;
            write_tensors(dir, &tensors);
        },
        &["transformer.wpe.weight", "element 3 is NaN"],
    );
    fails(
        &|dir| {
            let mut tensors = tensors();
            tensors.get_mut("transformer.ln_f.bias").unwrap().0 = vec![4, 4];
            write_tensors(dir, &tensors);
        },
        &["transformer.ln_f.bias", "expected shape [16], got [4, 4]"],
    );
    fails(
        &|dir| {
            let path = dir.join("model.safetensors");
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(path, &bytes[..bytes.len() - 5]).unwrap();
        },
        &["truncated"],
    );
    fails(
        &config(|v| v["model_type"] = json!("gemma")),
        &["model_type", "gemma", "gpt2"],
    );
    fails(
        &config(|v| v["activation_function"] = json!("quick_gelu")),
        &["quick_gelu", "gelu_new"],
    );
    fails(
        &config(|v| v["n_head"] = json!(3)),
        &["3 heads do not divide the width 16"],
    );
    fails(
        &config(|v| v["n_positions"] = json!(4)),
        &["expected shape [4, 16], got [16, 16]"],
    );
    fails(
        &config(|v| v["vocab_size"] = json!(95)),
        &["vocabulary has", "(95)", "only tokens below 95"],
    );
    fails(
        &|dir| std::fs::write(dir.join("config.json"), "{").unwrap(),
        &["config.json"],
    );
    fails(
        &|dir| std::fs::remove_file(dir.join("tokenizer.json")).unwrap(),
        &["no tokenizer.json", "vocab.json", "merges.txt"],
    );
    fails(
        &|dir| std::fs::write(dir.join("tokenizer.json"), "{}").unwrap(),
        &["not a valid tokenizer"],
    );

    let ok = |extra: &[&'static str]| {
        let mut args = f.import(&f.checkpoint, &model);
        args.extend(extra);
        args.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    f.fails(&ok(&["--max-k", "10"]), &["--max-k 10 is too small"]);
    f.fails(
        &ok(&["--setup", "nowhere.ptau"]),
        &["there is no file nowhere.ptau"],
    );
    f.fails(&ok(&["--setup", "ceremony"]), &["nanozk setup import"]);
    let calibration = path(&f.calibration).to_owned();
    let mut args = ok(&[]);
    let at = args.iter().position(|a| *a == calibration).unwrap();
    args[at] = "nowhere.txt".into();
    f.fails(&args, &["calibration text nowhere.txt"]);
    args.drain(at - 1..=at);
    f.fails(&args, &["--calibration"]);
    let args: Vec<String> = ok(&[])
        .iter()
        .map(|a| if a == "8" { "17".into() } else { a.clone() })
        .collect();
    f.fails(&args, &["17 tokens need 32 positions, the model has 16"]);
    f.fails(&f.import(&f.checkpoint, &f.model), &["exists", "--force"]);
    assert!(!model.exists());

    // --force replaces a model, and nothing else.
    let mut args = f.import(&f.checkpoint, &f.session);
    args.push("--force");
    let elsewhere = dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("precious"), "").unwrap();
    args[4] = path(&elsewhere);
    f.fails(&args, &["--force replaces only what nanozk wrote"]);
    assert!(elsewhere.join("precious").exists());
}

#[test]
fn prompts_that_cannot_be_continued() {
    let f = fixture();
    let dir = tempdir();
    let session = dir.path().join("session");
    let fails =
        |prompt: &str, tokens, words: &[&str]| f.fails(&f.run(&session, prompt, tokens), words);
    fails("", 2, &["the prompt is empty"]);
    // No character of it is a token.
    fails("ÄÖÜ", 2, &["the prompt is empty"]);
    fails(
        "abcdefgh",
        2,
        &["too long", "8 tokens", "at most 7 tokens", "--tokens"],
    );
    fails("abcd", 5, &["too long", "generate at most 4"]);
    fails("abc", 0, &["--max-new-tokens"]);
    let mut args = f.run(&session, "", 2);
    args[3] = "--prompt-tokens".into();
    args[4] = "5,96".into();
    f.fails(&args, &["token 96 at position 1", "less than 96"]);
    args[4] = "5,-1".into();
    f.fails(&args, &["-1"]);
    args[4] = "5,95".into();
    f.json_ok(&args);
    f.fails(&args, &["exists", "--force"]);
    args.push("--force".into());
    f.json_ok(&args);

    f.fails(
        &[
            "run",
            "--model",
            "nowhere",
            "--prompt",
            "a",
            "--max-new-tokens",
            "1",
            "-o",
            "x",
        ],
        &["not a model directory"],
    );
    let model = dir.path().join("model");
    copy(&f.model, &model);
    edit(&model.join("tokenizer.json"), |v| {
        v["version"] = json!("1.1")
    });
    let mut args = f.run(&dir.path().join("other"), PROMPT, 1);
    args[2] = path(&model).into();
    f.fails(&args, &["not the registered tokenizer"]);
    std::fs::copy(f.model.join("tokenizer.json"), model.join("tokenizer.json")).unwrap();
    let weights = model.join("model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, &bytes).unwrap();
    f.fails(&args, &["checksum"]);
    std::fs::write(&weights, &bytes[..1000]).unwrap();
    f.fails(&args, &["truncated"]);
    edit(&model.join("manifest.json"), |v| {
        v["format"] = json!("nanozk-manifest-0")
    });
    f.fails(&args, &["nanozk-manifest-0", "import the model again"]);
}

#[test]
fn sessions_that_cannot_be_proved() {
    let f = fixture();
    let dir = tempdir();
    let session = dir.path().join("session");
    copy(&f.session, &session);
    edit(&session.join("local.json"), |v| {
        v["model"] = json!("/nowhere")
    });
    f.fails(&["prove", path(&session)], &["--model"]);
    std::fs::remove_file(session.join("local.json")).unwrap();
    f.fails(&["prove", path(&session)], &["--model"]);
    let prove = ["prove", path(&session), "--model", path(&f.model)];
    f.json_ok(&prove);
    f.fails(
        &[prove.as_slice(), &["--memory", "0.000001"]].concat(),
        &["--memory"],
    );
    f.fails(&["prove", path(&f.model)], &["not a session directory"]);
    f.fails(&["prove", path(&session), "--budget", "0.5"], &["--seed"]);

    edit(&session.join("secret.json"), |v| v["prompt"] = json!(99));
    f.fails(&prove, &["a prompt of 99 tokens"]);
    copy(&f.session, &session);
    edit(&session.join("secret.json"), |v| {
        v["format"] = json!("nanozk-secret-9")
    });
    f.fails(&prove, &["nanozk-secret-9"]);
    // Other tokens than those claimed do not open the commitments, and no proof of them is written.
    copy(&f.session, &session);
    edit(&session.join("secret.json"), |v| v["tokens"][0] = json!(1));
    let (code, _, stderr) = f.json(&[prove.as_slice(), &["--layers", "0"]].concat());
    assert_eq!(code, 2, "{stderr}");
    assert!(!session.join("proofs/0.proof").exists());
    let mut args = f.verify(&session);
    args.push("--reveal");
    args.push("--partial");
    let (code, objects, _) = f.json(&args);
    assert_eq!(code, 1);
    assert!(
        objects.last().unwrap()["reason"]
            .as_str()
            .unwrap()
            .contains("input digest")
    );
}

/// Setups that are damaged are made again.
#[test]
fn damaged_caches_recover() {
    let f = fixture();
    let dir = tempdir();
    let data = dir.path().join("data");
    copy(&f.data, &data);
    let setups = data.join("setups");
    let mut damaged = 0;
    for entry in std::fs::read_dir(&setups).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        std::fs::write(&path, bytes).unwrap();
        damaged += 1;
    }
    assert!(damaged >= 1);
    let verify = f.verify(&f.session);
    f.json_ok(&[&["--data-dir", path(&data)], verify.as_slice()].concat());
    // The one that was needed is as it was.
    let same = std::fs::read_dir(&setups).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        let own = f.data.join("setups").join(path.file_name().unwrap());
        std::fs::read(path).unwrap() == std::fs::read(own).unwrap()
    });
    assert!(same.count() >= 1);
}

/// Where nothing can be written, nothing is half-written.
#[cfg(target_os = "linux")]
#[test]
fn unwritable_places() {
    let f = fixture();
    let dir = tempdir();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    f.fails(&f.run(&file.join("session"), PROMPT, 1), &["cannot create"]);
    f.fails(
        &f.run(Path::new("/proc/nanozk/session"), PROMPT, 1),
        &["cannot create"],
    );
    let verify = f.verify(&f.session);
    f.fails(
        &[&["--data-dir", path(&file)], verify.as_slice()].concat(),
        &["--data-dir"],
    );

    // Root may write to read-only directories.
    use std::os::unix::fs::PermissionsExt;
    let read_only = dir.path().join("read-only");
    std::fs::create_dir(&read_only).unwrap();
    std::fs::set_permissions(&read_only, std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(read_only.join("probe"), "").is_err() {
        f.fails(
            &f.run(&read_only.join("session"), PROMPT, 1),
            &["cannot create", "ermission"],
        );
    }

    // Files may not grow beyond 4 KiB, as if the disk were full.
    let model = dir.path().join("model");
    let limited = |args: Vec<&str>| {
        let mut command = std::process::Command::new("sh");
        command
            .arg("-c")
            .arg("trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"");
        command.arg(env!("CARGO_BIN_EXE_nanozk")).args(args);
        command.env("NANOZK_DATA_DIR", &f.data).output().unwrap()
    };
    let output = limited(f.import(&f.checkpoint, &model));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("cannot write"), "{stderr}");
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// Whoever stops reading gets no panic, and the result that they did not get is an error.
#[test]
fn closed_pipes() {
    let f = fixture();
    for (args, code) in [
        (vec!["--help"], 0),
        (vec!["model", "inspect", path(&f.model)], 2),
        (f.verify(&f.session), 2),
        (vec!["nonsense"], 2),
    ] {
        let mut child = f
            .command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    }
}

#[test]
fn usage() {
    let f = fixture();
    for command in [
        &["model", "import"][..],
        &["model", "inspect"],
        &["run"],
        &["prove"],
        &["aggregate"],
        &["verify"],
        &["eval"],
        &["bench", "layer"],
        &["soundness"],
        &["setup", "import"],
        &["setup", "list"],
        &["setup", "development"],
        &["importance"],
    ] {
        let output = f.call(&[command, &["--help"]].concat());
        assert_eq!(output.status.code(), Some(0), "{command:?}");
    }
    for wrong in [
        &[][..],
        &["model"],
        &["prove"],
        &["verify", "x"],
        &["bench", "layer", "--width", "x"],
    ] {
        let output = f.call(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(output.stdout.is_empty());
    }
}

/// What every proof is measured by.
const FIGURES: [&str; 13] = [
    "k",
    "columns",
    "commitments",
    "evaluations",
    "fractions",
    "keygen_cpu_s",
    "prove_cpu_s",
    "prove_wall_s",
    "estimated_cpu_s",
    "peak_rss_bytes",
    "estimated_peak_bytes",
    "proof_bytes",
    "verify_ms",
];

fn positive(object: &Value, keys: &[&str]) {
    for key in keys {
        assert!(object[*key].as_f64().unwrap() > 0.0, "{key}: {object}");
    }
}

#[test]
fn eval_and_setup() {
    let f = fixture();
    let eval = &f.json_ok(&[
        "eval",
        "--model",
        path(&f.model),
        "--text",
        path(&f.calibration),
    ])[0];
    assert!(
        eval["relative_change"].as_f64().unwrap().abs() < 0.01,
        "{eval}"
    );
    assert!(eval["top1_agreement"].as_f64().unwrap() > 0.95, "{eval}");
    f.fails(
        &["eval", "--model", path(&f.model), "--text", "nowhere"],
        &["nowhere"],
    );

    let setups = f.json_ok(&["setup", "list"]);
    assert!(setups.iter().all(|s| s["development_setup"] == true));
    assert!(!setups.is_empty());
    let import = [
        "setup",
        "import",
        path(&f.calibration),
        "--name",
        "x",
        "--k",
        "8",
    ];
    f.fails(&import, &["cannot import"]);
    f.fails(&["setup", "development", "--k", "99"], &["99"]);
}

/// A model under a ceremony's setup: no warning, any chain; unknown where the setup is not.
#[test]
fn ceremony() {
    let f = fixture();
    let dir = tempdir();
    let data = dir.path().join("data");
    let (model, session) = (dir.path().join("model"), dir.path().join("session"));
    let k = nanozk_verifier::FINAL_POWERS.next_power_of_two().ilog2();
    // As good as a ceremony for a test: a secret that is not the development setup's.
    let srs = dir.path().join("test.srs");
    std::fs::write(&srs, ceremonies::srs(k, [5; 32])).unwrap();
    let here = ["--data-dir", path(&data)];
    let mut args = [&here[..], &f.import(&f.checkpoint, &model)].concat();
    args.extend(["--setup", path(&srs)]);
    let (code, objects, stderr) = f.json(&args);
    assert_eq!(code, 0, "{stderr}");
    assert!(!stderr.contains("development"), "{stderr}");
    let id = objects[0]["model_id"].as_str().unwrap();
    assert_eq!(objects[0]["development_setup"], false);
    let run = [
        "run",
        "--model",
        path(&model),
        "--prompt",
        "a",
        "--max-new-tokens",
        "1",
        "--chain",
        "1",
    ];
    f.json_ok(&[&here[..], &run, &["-o", path(&session)]].concat());
    f.json_ok(&[&here[..], &["prove", path(&session), "--layers", "2"]].concat());
    let verify = ["verify", path(&session), "--model-id", id, "--partial"];
    let verdict = f.json_ok(&[&here[..], &verify].concat());
    assert_eq!(verdict.last().unwrap()["development_setup"], false);
    // The shared data directory does not have it.
    f.fails(&verify, &["nanozk setup import"]);
}

/// What cannot be proved, or does not fit, is refused before the calibration text is even read.
#[test]
fn import_plans_before_it_quantizes() {
    let f = fixture();
    let dir = tempdir();
    let model = dir.path().join("model");
    let empty = dir.path().join("empty.txt");
    std::fs::write(&empty, "too short").unwrap();
    let import = |more: &[&'static str]| {
        let mut args = vec!["model", "import", path(&f.checkpoint), "-o", path(&model)];
        args.extend(["--calibration", path(&empty), "--tokens", "16"]);
        args.extend(more);
        args
    };
    f.fails(
        &import(&["--max-k", "10"]),
        &["--max-k 10 is too small", "--no-commitments"],
    );
    f.fails(
        &import(&["--memory", "0.01"]),
        &["quantizing needs about", "--memory"],
    );
    f.fails(&import(&["--setup", "ceremony"]), &["setup import"]);
    f.fails(&import(&[]), &["9 tokens, expected at least 16"]);
    assert!(!model.exists());
}

#[test]
fn without_commitments_a_model_can_be_evaluated() {
    let f = fixture();
    let dir = tempdir();
    let model = dir.path().join("model");
    let mut args = f.import(&f.checkpoint, &model);
    // Which no circuit has.
    args.extend(["--max-k", "10", "--no-commitments"]);
    let imported = &f.json_ok(&args)[0];
    assert_eq!(imported["tokens"], 8);
    let told = imported["top1_agreement"].as_f64().unwrap();
    assert!(told > 0.95 && told <= 1.0, "{told}");
    for name in ["manifest.json", "plan.json", "secret.json"] {
        assert!(!model.join(name).exists());
    }
    // The same integers as with commitments.
    let weights = |dir: &Path| std::fs::read(dir.join("model.safetensors")).unwrap();
    assert!(weights(&model) == weights(&f.model));

    let mut args = vec!["eval", "--model", path(&model)];
    args.extend(["--text", path(&f.calibration)]);
    let eval = &f.json_ok(&args)[0];
    assert_eq!(eval["window"], 8);
    assert_eq!(eval["overflows"], serde_json::json!([]));
    args.extend(["--window", "16"]);
    assert_eq!(f.json_ok(&args)[0]["window"], 16);
    *args.last_mut().unwrap() = "1";
    f.fails(&args, &["--window must be 2 to"]);
    let run = [
        "run",
        "--model",
        path(&model),
        "--prompt",
        "x",
        "--max-new-tokens",
        "2",
        "-o",
        "none",
    ];
    f.fails(&run, &["without commitments"]);

    // It gives way to a model with commitments, and leaves nothing behind; not to a session.
    let mut args = f.import(&f.checkpoint, &model);
    args.push("--no-commitments");
    f.fails(&args, &["exists", "--force"]);
    args.push("--force");
    let again = &f.json_ok(&args)[0];
    assert_eq!(again["replaced"], serde_json::Value::Null);
    let names = |dir: &Path| std::fs::read_dir(dir).unwrap().count();
    assert_eq!(names(dir.path()), 1);
    let session = [
        "run",
        "--model",
        path(&f.model),
        "--prompt",
        "x",
        "--max-new-tokens",
        "1",
        "--force",
    ];
    let mut args = session.to_vec();
    args.extend(["-o", path(&model)]);
    f.fails(&args, &["is a model directory without commitments"]);
}

/// Rows of the head in pairs that only floats tell apart: integers find the first of two most likely.
#[test]
fn models_that_integers_are_too_coarse_for_get_a_warning() {
    let f = fixture();
    let dir = tempdir();
    let (checkpoint, model) = (dir.path().join("checkpoint"), dir.path().join("model"));
    copy(&f.checkpoint, &checkpoint);
    let mut tensors = tensors();
    let (shape, rows) = tensors.get_mut("transformer.wte.weight").unwrap();
    for pair in rows.chunks_exact_mut(2 * shape[1]) {
        let (first, second) = pair.split_at_mut(shape[1]);
        for (a, b) in first.iter().zip(second) {
            *b = a * (1.0 + 2e-6);
        }
    }
    write_tensors(&checkpoint, &tensors);
    let warned = |checkpoint: &Path| {
        let mut args = f.import(checkpoint, &model);
        args.extend(["--no-commitments", "--force"]);
        let output = f.call(&args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let stderr = warned(&checkpoint);
    assert!(stderr.contains("WARNING: below 99.9 %"), "{stderr}");
    assert!(stderr.contains("nanozk eval"), "{stderr}");
    let stderr = warned(&f.checkpoint);
    assert!(!stderr.contains("WARNING"), "{stderr}");
}

/// Text that leaves a range is counted, and the rest is evaluated.
#[test]
fn eval_goes_on_after_an_overflow() {
    let f = fixture();
    let dir = tempdir();
    let (model, plain) = (dir.path().join("model"), dir.path().join("plain.txt"));
    std::fs::write(&plain, "aaaaaaaa".repeat(9)).unwrap();
    let mut args = vec!["model", "import", path(&f.checkpoint), "-o", path(&model)];
    args.extend(["--calibration", path(&plain), "--tokens", "8"]);
    args.extend(["--no-commitments", "--headroom", "1"]);
    f.json_ok(&args);
    // Text that was seen, and text that was not.
    let mixed = dir.path().join("mixed.txt");
    let other = std::fs::read_to_string(&f.calibration).unwrap();
    std::fs::write(&mixed, "aaaaaaaa".repeat(9) + &other).unwrap();
    let mut args = vec!["eval", "--model", path(&model)];
    args.extend(["--text", path(&mixed)]);
    let output = f.call(&args);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("windows, which leave a range"), "{text}");
    assert!(
        text.contains("at layer 0, ") && text.contains("times its range"),
        "{text}"
    );
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("--headroom") && stderr.contains("calibration text"),
        "{stderr}"
    );
    let eval = &f.json_ok(&args)[0];
    assert!(eval["windows"].as_u64().unwrap() > 0, "{eval}");
    assert!(!eval["overflows"].as_array().unwrap().is_empty(), "{eval}");
}

/// How fast a model is served: synthetic, and an imported one.
#[test]
fn serving_is_measured() {
    let f = fixture();
    let rates = ["prompt_tokens_per_s", "generation_tokens_per_s"];
    let run = ["bench", "run", "--prompt", "5", "--repeat", "1"];
    let imported = [&run[..], &["--model", path(&f.model), "--generated", "3"]].concat();
    let measured = &f.json_ok(&imported)[0];
    positive(measured, &rates);
    // Two bytes a weight; a shift and a bias for each output, of sixteen weights and more.
    let (weights, bytes) = (&measured["matrix_weights"], &measured["matrix_bytes"]);
    let each = bytes.as_f64().unwrap() / weights.as_f64().unwrap();
    assert!((2.0..2.5).contains(&each), "{each}");
    let small = [
        "--layers", "1", "--width", "16", "--heads", "2", "--vocab", "20",
    ];
    let small = [&run[..], &small, &["--context", "16"]].concat();
    positive(
        &f.json_ok(&[&small[..], &["--generated", "4"]].concat())[0],
        &rates,
    );
    let refused = [
        ("1", "the first token is the prompt's"),
        ("12", "do not fit 16 positions"),
    ];
    for (generated, words) in refused {
        f.fails(
            &[&small[..], &["--generated", generated]].concat(),
            &[words],
        );
    }
    f.fails(
        &[&imported[..], &["--width", "16"]].concat(),
        &["cannot be used with"],
    );
}

/// Proofs of synthetic models, of a block and from tokens to tokens.
#[test]
fn bench_and_soundness() {
    let f = fixture();
    let keys = FIGURES;
    let width = ["--width", "16", "--heads", "2"];
    let block = [&["bench", "layer", "--tokens", "4"], &width[..]].concat();
    let measured = &f.json_ok(&block)[0];
    positive(measured, &keys);
    assert_eq!(measured["kind"], "block");
    assert!(measured["error_log2"].as_f64().unwrap() < -200.0);
    assert_eq!(measured["stages"].as_array().unwrap().len(), 8);
    assert_eq!(
        f.json_ok(&[&block[..], &["--k", "17"]].concat())[0]["k"],
        17
    );
    f.fails(&[&block[..], &["--k", "12"]].concat(), &["2^12 rows"]);
    let odd = ["bench", "layer", "--tokens", "5"];
    f.fails(&[&odd[..], &width[..]].concat(), &["4, 8, 16"]);
    f.fails(
        &[
            "bench", "layer", "--width", "16", "--heads", "3", "--tokens", "4",
        ],
        &["dimensions"],
    );

    let model = [
        &["bench", "model", "--layers", "2", "--vocab", "50"],
        &width[..],
        &["--tokens", "8", "--generated", "3"],
    ]
    .concat();
    let measured = &f.json_ok(&model)[0];
    positive(measured, &keys);
    assert_eq!(measured["layers"], 2);
    f.fails(
        &[&model[..], &["--generated", "8"]].concat(),
        &["cannot be used multiple times"],
    );
    f.fails(
        &["bench", "model", "--tokens", "8", "--generated", "8"],
        &["leaves none of 8 positions"],
    );
    // Of real weights.
    let imported = [
        "bench",
        "model",
        "--model",
        path(&f.model),
        "--generated",
        "2",
    ];
    let measured = &f.json_ok(&imported)[0];
    positive(measured, &keys);
    f.fails(
        &[&imported[..], &["--width", "16"]].concat(),
        &["cannot be used with"],
    );
    let small = [&model[..], &["--memory", "0.001"]].concat();
    f.fails(&small, &["proving takes", "more than"]);

    let computed = &f.json_ok(&["soundness", "--model", path(&f.model)])[0];
    assert_eq!(computed["layers"], 4);
    let total = computed["session_log2"].as_f64().unwrap();
    assert!(total < -200.0, "{computed}");
    let steps = computed["steps"].as_array().unwrap();
    let sum: f64 = steps
        .iter()
        .map(|s| s["log2"].as_f64().unwrap().exp2())
        .sum();
    assert!((sum.log2() - total).abs() < 1e-6, "{computed}");
    let by_shape = [&["soundness", "--tokens", "8"], &width[..]].concat();
    f.json_ok(&by_shape);
    f.fails(&["soundness"], &["--width"]);
}

#[test]
fn bench_import_measures_a_synthetic_checkpoint() {
    let f = fixture();
    let mut args = vec![
        "bench", "import", "--layers", "2", "--width", "32", "--heads", "2",
    ];
    args.extend([
        "--vocab",
        "1000",
        "--context",
        "32",
        "--tokens",
        "8",
        "--windows",
        "3",
    ]);
    let measured = &f.json_ok(&args)[0];
    assert_eq!(
        (measured["windows"].as_u64(), measured["tokens"].as_u64()),
        (Some(3), Some(8))
    );
    assert!(measured["cpu_s"].as_f64().unwrap() > 0.0);
    assert!(measured["estimate"]["peak_bytes"].as_u64().unwrap() > 0);
    // Kept, it is a checkpoint like any other.
    let dir = tempdir();
    let (kept, model) = (dir.path().join("kept"), dir.path().join("model"));
    let keep = [&args[..], &["--keep", path(&kept)]].concat();
    f.json_ok(&keep);
    let import = ["model", "import", path(&kept), "-o", path(&model)];
    f.json_ok(&[&import[..], &["--tokens", "8"]].concat());
    f.fails(&keep, &["is not empty"]);
    if cfg!(target_os = "linux") {
        args.extend(["--memory", "0.001"]);
        f.fails(&args, &["were resident, more than 0.001 GiB"]);
    }
}

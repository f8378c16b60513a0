//! Where prompts come from, what tokenizers do to them, and where generation stops.

use super::common::*;
use super::tempdir;
use nanozk_chain::request::{JobRequest, Mode, REQUEST_FORMAT, RequestFile};
use nanozk_prover::session::input_digest;
use nanozk_verifier::encoding::{scalar_from_bytes, scalar_to_bytes};
use nanozk_verifier::hex::Scalar;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

/// A run of the shared model, or of another one, with what is left to say about the prompt.
fn run<'a>(model: &'a Path, session: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["run", "--model", path(model), "--max-new-tokens", "2"];
    args.extend(["-o", path(session), "--force"]);
    args.extend(more);
    args
}

/// Like `Fixture::json`, with standard input.
fn piped(f: &Fixture, args: &[&str], input: &[u8]) -> (Option<i32>, Value, String) {
    let all = [&["--json"], args].concat();
    let mut child = f
        .command(&all)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let object = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), object, stderr)
}

/// Token ids of a text of the shared tokenizer's characters.
fn ids(text: &str) -> Vec<u32> {
    text.bytes()
        .map(|b| if b == b'\n' { 95 } else { u32::from(b) - 32 })
        .collect()
}

#[test]
fn prompts_from_arguments_files_and_standard_input() {
    let f = fixture();
    let dir = tempdir();
    let session = dir.path().join("session");
    for prompt in ["-n hi", "--json", "--", "a b"] {
        let args = run(&f.model, &session, &["--prompt", prompt]);
        let object = &f.json_ok(&args)[0];
        assert_eq!(object["prompt_tokens"], json!(ids(prompt)), "{prompt}");
        assert_eq!(object["notes"], json!([]));
    }

    let file = dir.path().join("prompt.txt");
    for (content, prompt) in [
        ("-a\n", "-a"),
        ("-a\r\n", "-a"),
        ("-a", "-a"),
        ("a\nb\n\n", "a\nb\n"),
        ("\u{feff}a", "a"),
    ] {
        std::fs::write(&file, content).unwrap();
        let args = run(&f.model, &session, &["--prompt-file", path(&file)]);
        let object = &f.json_ok(&args)[0];
        assert_eq!(object["prompt_tokens"], json!(ids(prompt)), "{content:?}");
    }
    for option in ["--prompt", "--prompt-file"] {
        let args = run(&f.model, &session, &[option, "-"]);
        let (code, object, stderr) = piped(f, &args, b"ab c\n");
        assert_eq!(code, Some(0), "{stderr}");
        assert_eq!(object["prompt_tokens"], json!(ids("ab c")));
        for (input, word) in [(&b""[..], "empty"), (b"\n", "empty"), (b"\xff", "UTF-8")] {
            let (code, _, stderr) = piped(f, &args, input);
            assert_eq!(code, Some(2));
            assert!(stderr.contains(word), "{stderr}");
        }
    }

    let fails = |content: &[u8], words: &[&str]| {
        std::fs::write(&file, content).unwrap();
        f.fails(
            &run(&f.model, &session, &["--prompt-file", path(&file)]),
            words,
        );
    };
    fails(b"", &["the prompt", "is empty"]);
    fails(b"\xff", &["not UTF-8"]);
    fails(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        &["Git LFS pointer", "git lfs pull"],
    );
    let args = |more: &[&'static str]| -> Vec<String> {
        let args = run(&f.model, &session, more);
        args.into_iter().map(str::to_owned).collect()
    };
    f.fails(
        &args(&["--prompt-file", "nowhere.txt"]),
        &["the prompt nowhere.txt"],
    );
    f.fails(
        &args(&["--prompt", "a", "--prompt-file", "b"]),
        &["cannot be used with"],
    );
    f.fails(
        &args(&["--prompt-tokens", "1", "--no-template"]),
        &["cannot be used with"],
    );
    f.fails(&args(&[]), &["--prompt-file"]);
    // A job's prompt has the same sources; without a chain nothing else is looked at.
    let request = [
        "job",
        "request",
        "--rpc",
        "http://127.0.0.1:1",
        "--model",
        path(&f.model),
        "--max-new-tokens",
        "2",
        "--price",
        "5gwei",
    ];
    std::fs::write(&file, "").unwrap();
    f.fails(
        &[&request[..], &["--prompt-file", path(&file)]].concat(),
        &["is empty"],
    );
    std::fs::write(&file, "-way too long\n").unwrap();
    f.fails(
        &[&request[..], &["--prompt-file", path(&file)]].concat(),
        &["13 tokens"],
    );
    f.fails(
        &[&request[..], &["--prompt", "-way too long"]].concat(),
        &["13 tokens"],
    );
    let (code, _, stderr) = piped(
        f,
        &[&request[..], &["--prompt", "-"]].concat(),
        b"-way too long",
    );
    assert_eq!(code, Some(2));
    assert!(stderr.contains("13 tokens"), "{stderr}");
}

/// The chat template makes a prompt of messages.
#[test]
fn messages_become_prompts() {
    let f = fixture();
    let dir = tempdir();
    let session = dir.path().join("session");
    let file = dir.path().join("chat.json");
    let talk = json!([{"role": "system", "content": "x"}, {"role": "user", "content": "hi"}]);
    for content in [talk.clone(), json!({"model": "m", "messages": talk})] {
        std::fs::write(&file, content.to_string()).unwrap();
        let args = run(&f.model, &session, &["--messages", path(&file)]);
        let object = &f.json_ok(&args)[0];
        assert_eq!(object["prompt_tokens"], json!(ids("sxuhi>")));
        assert_eq!(object["notes"], json!([]));
    }
    let args = run(&f.model, &session, &["--messages", "-"]);
    let (code, object, stderr) = piped(f, &args, talk.to_string().as_bytes());
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(object["prompt_tokens"], json!(ids("sxuhi>")));

    let from_file = ["--messages", path(&file)];
    for (content, words) in [
        ("", &["chat.json", "is empty"][..]),
        ("[{", &["chat.json", "EOF"]),
        ("[]", &["chat.json", "there is none"]),
        (r#"[{"role": "user"}]"#, &["message 0 has no `content`"]),
        (
            r#"[{"role": 1, "content": "x"}]"#,
            &["message 0 has no `role`"],
        ),
    ] {
        std::fs::write(&file, content).unwrap();
        f.fails(&run(&f.model, &session, &from_file), words);
    }
    std::fs::write(&file, talk.to_string()).unwrap();
    for more in ["--no-template", "--split-special-tokens"] {
        let args = [&from_file[..], &[more]].concat();
        f.fails(&run(&f.model, &session, &args), &["cannot be used with"]);
    }
    let args = [&from_file[..], &["--prompt", "x"]].concat();
    f.fails(&run(&f.model, &session, &args), &["cannot be used with"]);

    // A template that takes no such messages; one of another version; none.
    let model = dir.path().join("model");
    copy(&f.model, &model);
    edit(&model.join("chat.json"), |chat| {
        chat["chat"]["template"] = json!("{{ raise_exception('users first') }}");
    });
    f.fails(
        &run(&model, &session, &from_file),
        &["chat.json", "users first"],
    );
    edit(&model.join("chat.json"), |chat| chat["format"] = json!("x"));
    f.fails(&run(&model, &session, &from_file), &["nanozk-chat-1"]);
    std::fs::remove_file(model.join("chat.json")).unwrap();
    f.fails(&run(&model, &session, &from_file), &["no chat template"]);
}

/// The shared checkpoint with a special token, a template that begins with it, a truncation, a token without an
/// embedding, and stop tokens; imported.
fn special(f: &Fixture, dir: &Path) -> (std::path::PathBuf, Value, String) {
    let (checkpoint, model) = (dir.join("checkpoint"), dir.join("model"));
    copy(&f.checkpoint, &checkpoint);
    edit(&checkpoint.join("tokenizer.json"), |t| {
        let vocab = t["model"]["vocab"].as_object_mut().unwrap();
        let id = vocab.remove("~").unwrap();
        assert_eq!(id, 94);
        vocab.insert("<s>".into(), id);
        let token = |id: u32, content: &str| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": true})
        };
        t["added_tokens"] = json!([token(94, "<s>"), token(96, "[PAD]")]);
        t["truncation"] =
            json!({"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0});
        let first = json!({"SpecialToken": {"id": "<s>", "type_id": 0}});
        t["post_processor"] = json!({
            "type": "TemplateProcessing",
            "single": [first, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [first, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [94], "tokens": ["<s>"]}},
        });
    });
    edit(&checkpoint.join("config.json"), |c| {
        c["eos_token_id"] = json!(94)
    });
    let generation = json!({"eos_token_id": [94, 3], "do_sample": true});
    std::fs::write(
        checkpoint.join("generation_config.json"),
        generation.to_string(),
    )
    .unwrap();
    std::fs::write(checkpoint.join("unrelated.safetensors.index.json"), "{}").unwrap();
    let (code, objects, stderr) = f.json(&f.import(&checkpoint, &model));
    assert_eq!(code, 0, "{stderr}");
    (model, objects[0].clone(), stderr)
}

#[test]
fn what_a_checkpoint_says_beside_its_weights() {
    let f = fixture();
    let dir = tempdir();
    let (model, imported, stderr) = special(f, dir.path());
    assert_eq!(imported["stop_tokens"], json!([3, 94]));
    let notes: Vec<&str> = imported["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_str().unwrap())
        .collect();
    for (note, words) in notes.iter().zip([
        "generation_config.json: `do_sample` is not applied",
        "cuts texts to 2 tokens: not applied",
        "no embedding for \"[PAD]\" (96)",
        "template adds \"<s>\" (94) before every prompt",
    ]) {
        assert!(note.contains(words), "{note}");
        assert!(stderr.contains(&format!("note: {note}")), "{stderr}");
    }
    assert_eq!(notes.len(), 4);
    // Only what was read is kept, and it can be read again.
    let mut kept: Vec<_> = std::fs::read_dir(model.join("checkpoint"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort();
    assert_eq!(
        kept,
        [
            "config.json",
            "generation_config.json",
            "model.safetensors",
            "tokenizer.json"
        ]
    );
    f.json_ok(&[
        "eval",
        "--model",
        path(&model),
        "--text",
        path(&f.calibration),
    ]);
    let text = f.call(&["model", "inspect", path(&model)]).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("stop tokens   \"#\" (3), \"<s>\" (94)"),
        "{text}"
    );

    let session = dir.path().join("session");
    let prompt = |more: &[&str]| -> Value { f.json_ok(&run(&model, &session, more))[0].clone() };
    // The whole prompt, after the template's token.
    let object = prompt(&["--prompt", "abcd"]);
    assert_eq!(
        object["prompt_tokens"],
        json!([&[94], &ids("abcd")[..]].concat())
    );
    assert!(
        object["notes"][0]
            .as_str()
            .unwrap()
            .contains("--no-template")
    );
    let object = prompt(&["--prompt", "a<s>", "--no-template"]);
    assert_eq!(object["prompt_tokens"], json!([65, 94]));
    assert!(
        object["notes"][0]
            .as_str()
            .unwrap()
            .contains("\"<s>\" (94), from position 1 on")
    );
    let object = prompt(&[
        "--prompt",
        "a<s>",
        "--no-template",
        "--split-special-tokens",
    ]);
    assert_eq!(object["prompt_tokens"], json!(ids("a<s>")));
    // Characters that the vocabulary lacks.
    let object = prompt(&["--prompt", "a~Äb", "--no-template"]);
    assert_eq!(object["prompt_tokens"], json!(ids("ab")));
    assert!(
        object["notes"][0]
            .as_str()
            .unwrap()
            .contains("stand for \"ab\"")
    );
    f.fails(
        &run(&model, &session, &["--prompt", "a[PAD]"]),
        &["\"[PAD]\" (96) at position 2", "without an embedding"],
    );
    f.fails(
        &run(&model, &session, &["--prompt", "abcdefghij"]),
        &["11 tokens"],
    );
}

/// A copy of the shared model that stops at these tokens.
fn stopping(f: &Fixture, dir: &Path, tokens: &[u32]) {
    copy(&f.model, dir);
    let generation = json!({"format": "nanozk-generation-1", "stop_tokens": tokens});
    std::fs::write(dir.join("generation.json"), generation.to_string()).unwrap();
}

#[test]
fn generation_stops() {
    let f = fixture();
    let dir = tempdir();
    let (model, session) = (dir.path().join("model"), dir.path().join("session"));
    let generate = |more: &[&str]| -> Value {
        let mut args = run(&model, &session, &["--prompt", "ab c"]);
        args[4] = "4";
        args.extend(more);
        f.json_ok(&args)[0].clone()
    };
    stopping(f, &model, &[]);
    let all = generate(&[]);
    assert_eq!(all["stopped_at"], Value::Null);
    let tokens: Vec<u32> = serde_json::from_value(all["generated_tokens"].clone()).unwrap();
    assert_eq!(tokens.len(), 4);
    let text = all["text"].as_str().unwrap();

    // At the first, and at one that comes later if the model does not repeat itself.
    for &stop in &tokens {
        stopping(f, &model, &[stop, 94]);
        let after = tokens.iter().position(|&t| t == stop).unwrap();
        let object = generate(&[]);
        assert_eq!(object["generated_tokens"], json!(tokens[..=after]));
        assert_eq!(object["stopped_at"], stop);
        // The stop token is claimed, and not shown.
        assert_eq!(object["text"], text[..4 + after]);
        let secret = std::fs::read(session.join("secret.json")).unwrap();
        let secret: Value = serde_json::from_slice(&secret).unwrap();
        assert_eq!(secret["tokens"].as_array().unwrap().len(), 4 + after + 1);
        let ignored = generate(&["--ignore-eos"]);
        assert_eq!(ignored["generated_tokens"], all["generated_tokens"]);
        assert_eq!(
            (&ignored["stopped_at"], &ignored["text"]),
            (&Value::Null, &all["text"])
        );
    }
    let mut args = run(&model, &session, &["--prompt", "ab c"]);
    args[4] = "4";
    let output = f.call(&args);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("stopped        at "), "{stdout}");
    // What stopped early is proved as any other session is.
    f.json_ok(&["prove", path(&session)]);
    f.json_ok(&f.verify(&session));

    // A job is answered with as many tokens as it orders.
    stopping(f, &model, &tokens[..1]);
    let request = dir.path().join("request.json");
    std::fs::write(&request, serde_json::to_vec(&job(f, 3)).unwrap()).unwrap();
    let args = [
        "run",
        "--model",
        path(&model),
        "--request",
        path(&request),
        "--recipient",
        "0x00000000000000000000000000000000000000AA",
        "-o",
        path(&session),
        "--force",
    ];
    let object = &f.json_ok(&args)[0];
    assert_eq!(object["generated_tokens"], json!(tokens[..3]));
    assert_eq!(
        (&object["stopped_at"], &object["text"]),
        (&Value::Null, &json!(text[..7]))
    );
    let note = object["notes"][0].as_str().unwrap();
    assert!(
        note.contains("after 0 tokens") && note.contains("the job orders 3"),
        "{note}"
    );
    f.fails(
        &[&args[..], &["--ignore-eos"]].concat(),
        &["cannot be used with"],
    );
    f.fails(
        &[&args[..], &["--no-template"]].concat(),
        &["nanozk job request"],
    );

    // A directory that does not say where to stop.
    std::fs::remove_file(model.join("generation.json")).unwrap();
    let object = generate(&[]);
    assert_eq!(object["generated_tokens"], all["generated_tokens"]);
    assert!(
        object["notes"][0]
            .as_str()
            .unwrap()
            .contains("generation.json")
    );
    std::fs::write(
        model.join("generation.json"),
        r#"{"format": "x", "stop_tokens": []}"#,
    )
    .unwrap();
    let args = run(&model, &session, &["--prompt", "a"]);
    f.fails(&args, &["generation.json", "nanozk-generation-1"]);
}

/// A request for the shared prompt, signed by a contract.
fn job(f: &Fixture, new_tokens: u32) -> RequestFile {
    let salt = scalar_from_bytes(&[6; 32]).unwrap();
    let prompt = ids(PROMPT);
    let mut file = RequestFile {
        format: REQUEST_FORMAT.into(),
        chain: 31337,
        market: Default::default(),
        claim_book: Default::default(),
        job: Default::default(),
        model_id: f.id.parse().unwrap(),
        request: JobRequest {
            requester: Default::default(),
            provider: Default::default(),
            version: Default::default(),
            input_digest: scalar_to_bytes(&input_digest(&prompt, 8, salt)).into(),
            prompt_tokens: prompt.len() as u32,
            new_tokens,
            decoding: Default::default(),
            mode: Mode::Proofs,
            price: Default::default(),
            lock_by: 1,
            claim_by: 2,
            challenge_window: 0,
            answer_window: 0,
            nonce: Default::default(),
        },
        signature: vec![1].into(),
        prompt,
        input_salt: Scalar(salt),
    };
    file.job = file.domains().job(&file.request.to_abi().unwrap());
    file
}

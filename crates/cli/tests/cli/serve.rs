//! A server of the shared model: what clients get, and what receipts are good for.

use crate::common::*;
use crate::tempdir;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A key of nobody.
const KEY: &str = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
const API_KEY: &str = "an API key of tests";

struct Server {
    child: Child,
    address: String,
    provider: String,
    answers: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(f: &Fixture, dir: &Path, more: &[&str]) -> Self {
        let key = dir.join("provider.key");
        std::fs::write(&key, KEY).unwrap();
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
        let answers = dir.join("answers");
        let model = format!("small={}", path(&f.model));
        let args = [
            "--json",
            "serve",
            "--model",
            &model,
            "--listen",
            "127.0.0.1:0",
            "--log",
            "warn",
        ];
        let files = [
            "--answers",
            path(&answers),
            "--private-key-file",
            path(&key),
        ];
        let mut command = f.command(&[&args[..], &files, more].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            event["models"],
            json!([{"name": "small", "model_id": f.id}])
        );
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        Server {
            address: text("address"),
            provider: text("provider"),
            child,
            answers,
        }
    }

    /// Status and body.
    fn send(&self, head: &str, body: &str) -> (u16, String) {
        let host = self.address.trim_start_matches("http://");
        let host = host.trim_end_matches("/v1");
        let mut stream = TcpStream::connect(host).unwrap();
        let host = match head.contains("\r\nHost: ") {
            true => String::new(),
            false => format!("\r\nHost: {host}"),
        };
        // Of the older version, which ends with the connection and not in pieces.
        let head = head.replacen(" HTTP", " HTTP/1.0", 1);
        let length = body.len();
        write!(
            stream,
            "{head}{host}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    fn post(&self, page: &str, body: &Value) -> (u16, Value) {
        let head = format!("POST /v1/{page} HTTP\r\nContent-Type: application/json");
        let (status, body) = self.send(&head, &body.to_string());
        (status, serde_json::from_str(&body).unwrap())
    }

    fn answered(&self, page: &str, body: &Value) -> Value {
        let (status, answer) = self.post(page, body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Directories of answers.
    fn kept(&self) -> Vec<PathBuf> {
        let list = |path: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(path).unwrap();
            entries.map(|entry| entry.unwrap().path()).collect()
        };
        list(&self.answers)
            .iter()
            .flat_map(|day| list(day))
            .collect()
    }
}

fn completion(more: Value) -> Value {
    let mut body = json!({"model": "small", "prompt": PROMPT, "max_tokens": 4});
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    body
}

/// What `nanozk run` generates after the shared prompt.
fn expected(f: &Fixture) -> (Vec<u32>, String) {
    let secret: Value =
        serde_json::from_slice(&std::fs::read(f.session.join("secret.json")).unwrap()).unwrap();
    let tokens: Vec<u32> = serde_json::from_value(secret["tokens"].clone()).unwrap();
    let generated = tokens[PROMPT.len()..].to_vec();
    let character = |token: &u32| match token {
        95 => '\n',
        token => char::from(b' ' + *token as u8),
    };
    let text = generated.iter().map(character).collect();
    (generated, text)
}

/// From a request to a proof: what is served is what is proved.
#[test]
fn served_answers_are_proved() {
    let f = fixture();
    let dir = tempdir();
    let server = Server::start(f, dir.path(), &[]);
    let (tokens, text) = expected(f);
    let answer = server.answered("completions", &completion(json!({})));
    assert_eq!(answer["choices"][0]["text"], text.as_str());
    assert_eq!(answer["nanozk"]["opening"]["generated"], json!(tokens));
    assert_eq!(answer["nanozk"]["notes"], json!([]));
    let receipt = &answer["nanozk"]["receipt"];
    assert_eq!(receipt["provider"], server.provider.as_str());
    assert_eq!(receipt["model_id"], f.id.as_str());

    // The receipt, by the client.
    let file = dir.path().join("answer.json");
    std::fs::write(&file, answer.to_string()).unwrap();
    let request = dir.path().join("request.json");
    std::fs::write(&request, completion(json!({})).to_string()).unwrap();
    let trusted = ["--provider", &server.provider, "--model", path(&f.model)];
    let verify = ["receipt", "verify", path(&file)];
    let with_request = ["--request", path(&request)];
    let judged = f.json_ok(&[&verify[..], &trusted, &with_request].concat());
    let compared = json!(["signature", "tokens", "text", "prompt"]);
    assert_eq!(judged[0]["compared"], compared);
    let stranger = format!("0x{}", "11".repeat(20));
    let other = dir.path().join("other.json");
    let changed = |change: &dyn Fn(&mut Value)| {
        std::fs::write(&other, answer.to_string()).unwrap();
        edit(&other, |answer| change(answer));
        path(&other)
    };
    let rejected = |args: &[&str], words: &str| {
        let (code, objects, stderr) = f.json(args);
        assert_eq!(code, 1, "{stderr}");
        let reason = objects[0]["reason"].as_str().unwrap();
        assert!(reason.contains(words), "{reason}");
    };
    rejected(
        &[&verify[..], &["--provider", &stranger]].concat(),
        "signed it, not",
    );
    let zero = format!("0x{}", "0".repeat(64));
    rejected(
        &[&verify[..], &["--model-id", &zero]].concat(),
        "it names the model",
    );
    let token = changed(&|a| a["nanozk"]["opening"]["generated"][0] = json!(tokens[0] ^ 1));
    rejected(&["receipt", "verify", token], "the answer does not open");
    let count = changed(&|a| a["nanozk"]["receipt"]["generated_tokens"] = json!(3));
    rejected(&["receipt", "verify", count], "the signature is not");
    let text = changed(&|a| a["choices"][0]["text"] = json!("what nobody said"));
    rejected(
        &[&["receipt", "verify", text], &trusted[..]].concat(),
        "the text is not",
    );
    edit(&request, |request| request["prompt"] = json!("ab d"));
    rejected(
        &[&verify[..], &trusted, &with_request].concat(),
        "the prompt that was signed",
    );
    f.fails(
        &["receipt", "verify", path(&f.session.join("claim.json"))],
        &["claim.json"],
    );
    let bare = changed(&|a| drop(a.as_object_mut().unwrap().remove("nanozk")));
    f.fails(
        &["receipt", "verify", bare],
        &["an answer without a receipt"],
    );

    // The proof, by the provider.
    let [session] = &server.kept()[..] else {
        panic!("one answer is kept")
    };
    f.fails(
        &["prove", path(session)],
        &["served answer", "nanozk receipt claim"],
    );
    let judged = f.json_ok(&["receipt", "verify", path(&session.join("receipt.json"))]);
    assert_eq!(judged[0]["receipt"], *receipt);
    let context = ["--chain", "31337", "--recipient", &server.provider];
    let claim = [&["receipt", "claim", path(session)], &context[..]].concat();
    f.json_ok(&claim);
    let claimed: Value =
        serde_json::from_slice(&std::fs::read(session.join("claim.json")).unwrap()).unwrap();
    for name in [
        "input_digest",
        "output_digest",
        "seed_digest",
        "prompt_tokens",
        "generated_tokens",
    ] {
        assert_eq!(claimed[name], receipt[name], "{name}");
    }
    f.fails(&claim, &["session directory"]);
    f.json_ok(&["prove", path(session)]);
    let events = f.json_ok(&f.verify(session));
    assert_eq!(events.last().unwrap()["accepted"], true);
    // A claim of something else than the receipt says is not made.
    let second = server.answered("completions", &completion(json!({})));
    assert_ne!(second["id"], answer["id"]);
    let kept = server.kept();
    let second = kept.iter().find(|path| *path != session).unwrap();
    edit(&second.join("secret.json"), |secret| {
        secret["prompt"] = json!(3)
    });
    f.fails(
        &["receipt", "claim", path(second)],
        &["does not open the receipt"],
    );
}

/// Streams say what whole answers do, and end with the receipt.
#[test]
fn streams_end_with_a_receipt() {
    let f = fixture();
    let dir = tempdir();
    let server = Server::start(f, dir.path(), &[]);
    let (tokens, text) = expected(f);
    let stream = |page: &str, body: &Value| -> Vec<Value> {
        let head = format!("POST /v1/{page} HTTP\r\nContent-Type: application/json");
        let (status, body) = server.send(&head, &body.to_string());
        assert_eq!(status, 200, "{body}");
        let mut parts: Vec<&str> = body.split("\n\n").filter(|part| !part.is_empty()).collect();
        assert_eq!(parts.pop(), Some("data: [DONE]"));
        let part = |part: &str| serde_json::from_str(part.strip_prefix("data: ").unwrap()).unwrap();
        parts.into_iter().map(part).collect()
    };
    let parts = stream("completions", &completion(json!({"stream": true})));
    let pieces: Vec<&str> = parts
        .iter()
        .map(|p| p["choices"][0]["text"].as_str().unwrap())
        .collect();
    assert_eq!(pieces.concat(), text);
    assert_eq!(parts.len(), tokens.len() + 1);
    let last = parts.last().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "length");
    let file = dir.path().join("part.json");
    std::fs::write(&file, last.to_string()).unwrap();
    let trusted = ["--provider", &server.provider, "--model-id", &f.id];
    f.json_ok(&[&["receipt", "verify", path(&file)], &trusted[..]].concat());

    // A stop text is not shown, though its tokens were generated and signed.
    let stop = &text[1..3];
    let shown = &text[..text.find(stop).unwrap()];
    let whole = server.answered("completions", &completion(json!({"stop": stop})));
    assert_eq!(whole["choices"][0]["text"], shown);
    assert_eq!(whole["choices"][0]["finish_reason"], "stop");
    let generated = shown.len() + stop.len();
    assert_eq!(whole["nanozk"]["receipt"]["generated_tokens"], generated);
    let parts = stream(
        "completions",
        &completion(json!({"stop": stop, "stream": true})),
    );
    let pieces: Vec<&str> = parts
        .iter()
        .map(|p| p["choices"][0]["text"].as_str().unwrap())
        .collect();
    assert_eq!(pieces.concat(), shown);
    std::fs::write(&file, whole.to_string()).unwrap();
    let with_model = ["receipt", "verify", path(&file), "--model", path(&f.model)];
    f.json_ok(&with_model);

    let messages = json!([{"role": "user", "content": "hi"}]);
    let body = json!({"model": f.id, "messages": messages, "stream": true,
                      "stream_options": {"include_usage": true}});
    let parts = stream("chat/completions", &body);
    assert_eq!(
        parts[0]["choices"][0]["delta"],
        json!({"role": "assistant", "content": ""})
    );
    let [.., end, usage] = &parts[..] else {
        panic!("{parts:?}")
    };
    assert_eq!(usage["choices"], json!([]));
    let receipt = &end["nanozk"]["receipt"];
    assert_eq!(
        usage["usage"]["completion_tokens"],
        receipt["generated_tokens"]
    );
    // All the room there is.
    let counts = ["prompt_tokens", "generated_tokens"].map(|name| receipt[name].as_u64().unwrap());
    assert_eq!(counts, [4, 4]);
}

#[test]
fn what_cannot_be_answered_is_said() {
    let f = fixture();
    let dir = tempdir();
    let server = Server::start(f, dir.path(), &[]);
    let refused = |body: Value, status: u16, code: &str| {
        let (got, answer) = server.post("completions", &body);
        assert_eq!(
            (got, answer["error"]["code"].as_str()),
            (status, Some(code)),
            "{answer}"
        );
    };
    refused(
        completion(json!({"max_tokens": 5})),
        400,
        "context_length_exceeded",
    );
    refused(
        completion(json!({"prompt": "longer than that"})),
        400,
        "context_length_exceeded",
    );
    refused(completion(json!({"prompt": ""})), 400, "invalid_value");
    refused(completion(json!({"prompt": [1, 96]})), 400, "invalid_value");
    refused(completion(json!({"prompt": "ä"})), 400, "invalid_value");
    refused(
        completion(json!({"temperature": 1})),
        400,
        "unsupported_parameter",
    );
    refused(
        completion(json!({"model": "large"})),
        404,
        "model_not_found",
    );
    for (head, body, status) in [
        (
            "POST /v1/completions HTTP\r\nContent-Type: application/json",
            "{",
            400,
        ),
        (
            "POST /v1/completions HTTP\r\nContent-Type: text/plain",
            "{}",
            415,
        ),
        ("POST /v1/completions HTTP", "{}", 415),
        ("GET /v1/completions HTTP", "", 405),
        ("GET /v1/nothing HTTP", "", 404),
        ("GET /v1/models/large HTTP", "", 404),
        ("GET /v1/models/small HTTP", "", 200),
        ("GET /v1/models HTTP\r\nHost: evil.example", "", 401),
        (
            "GET /v1/models HTTP\r\nOrigin: https://evil.example",
            "",
            401,
        ),
        ("GET /healthz HTTP", "", 200),
    ] {
        let (got, answer) = server.send(head, body);
        assert_eq!(got, status, "{head}: {answer}");
    }
    let (status, answer) = server.send(
        "POST /v1/completions HTTP\r\nContent-Type: application/json",
        &"x".repeat(5 << 20),
    );
    assert_eq!(status, 413, "{answer}");
    assert!(!server.answers.exists() || server.kept().is_empty());

    // What keeps a server from starting.
    let key = dir.path().join("provider.key");
    let args = [
        "serve",
        "--model",
        path(&f.model),
        "--answers",
        path(dir.path()),
    ];
    let signed = [&args[..], &["--private-key-file", path(&key)]].concat();
    let open = [&signed[..], &["--listen", "0.0.0.0:0"]].concat();
    f.fails(&open, &["--api-key-file"]);
    f.fails(&args, &["provider's key"]);
    let short = dir.path().join("short");
    std::fs::write(&short, "short").unwrap();
    f.fails(
        &[&signed[..], &["--api-key-file", path(&short)]].concat(),
        &["16 characters"],
    );
    f.fails(
        &[&signed[..], &["--model", path(&f.model)]].concat(),
        &["called model"],
    );
    f.fails(
        &[&signed[..], &["--model", "x=nowhere"]].concat(),
        &["nowhere"],
    );
    let taken = server
        .address
        .trim_start_matches("http://")
        .trim_end_matches("/v1");
    f.fails(
        &[&signed[..], &["--listen", taken]].concat(),
        &["cannot listen"],
    );
}

/// OpenAI's own client. The server ends when it is told to.
#[test]
fn a_client_of_openai_works_as_it_is() {
    let f = fixture();
    let dir = tempdir();
    let file = dir.path().join("api.key");
    std::fs::write(&file, API_KEY).unwrap();
    let mut server = Server::start(f, dir.path(), &["--api-key-file", path(&file)]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if !root.join("node_modules/openai").is_dir() {
        assert!(
            std::env::var_os("NANOZK_TEST_ALL").is_none(),
            "no client of OpenAI: script/packages installs it"
        );
        eprintln!("not run: no client of OpenAI (script/packages installs it)");
        return;
    }
    let (_, text) = expected(f);
    let mut client = Command::new("node");
    client.arg(root.join("test/openai.mjs"));
    client.args([&server.address, API_KEY, "small", PROMPT, &text]);
    let output = client.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(output.stdout, b"the client is content\n");
    assert_eq!(server.kept().len(), 4);

    let pid = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

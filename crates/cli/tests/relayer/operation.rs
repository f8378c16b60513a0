//! What an operator does and sees.

use crate::anvil::*;
use crate::common::{edit, fixture, path};
use crate::service::*;
use crate::world::{World, forged};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// A claim through its whole life, with real proofs of a real prover: taken, posted, proved, settled, paid.
#[test]
fn a_session_is_taken_posted_proved_and_settled() {
    let w = World::new();
    let setup = Setup::new(&w, "relayer")
        .prover()
        .set("explorer", "https://explorer.example");
    let (file, job) = w.request(&["--mode", "proofs", "--challenge-window", "0"]);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    let session = w.run(fixture(), &file);
    w.ok(PROVIDER, &["claim", "sign", path(&session)]);
    let before = w.balance(PROVIDER)[0];

    let mut s = setup.start();
    let delivered = setup.deliver(&session);
    assert_eq!(s.ended(&job), "proven");
    assert_eq!(
        w.balance(PROVIDER)[0] - before,
        w.amount(&job, "price"),
        "the provider is paid"
    );
    // Taken, posted, and all layers in one transaction.
    assert_eq!(nonce(&w, SENDER_ADDRESS), 3);
    assert_eq!(w.status(&job)["proven"], json!([0, 1, 2, 3]));

    let claim = s.wait("receipts", |s| {
        let claim = s.claim(&job)?;
        let transactions = claim["transactions"].as_array()?;
        transactions
            .iter()
            .all(|t| t["gas"].as_u64() > Some(40_000))
            .then_some(claim)
    });
    assert_eq!(claim["role"], "provider");
    assert_eq!(claim["proven"], json!([0, 1, 2, 3]));
    assert_eq!(claim["proofs"], json!([0, 1, 2, 3]));
    assert!(
        claim["text"]
            .as_str()
            .unwrap()
            .starts_with("Proven: every layer is proven")
    );
    let transactions = claim["transactions"].as_array().unwrap();
    assert_eq!(s.actions(&job), ["prove", "post", "lock"]);
    assert!(transactions.iter().all(|t| t["hash"].is_string()));
    let links = claim["links"].as_array().unwrap();
    assert!(links.iter().any(|l| {
        l["url"]
            .as_str()
            .unwrap()
            .starts_with("https://explorer.example/tx/0x")
    }));
    // The commands say the same as the relayer does.
    let commands = claim["commands"].as_array().unwrap();
    let command = commands[1]["command"].as_str().unwrap();
    let output = std::process::Command::new("bash")
        .args([
            "-c",
            &command.replace("cast call", "script/foundry cast call"),
        ])
        .env("ETH_RPC_URL", w.anvil.url())
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said.trim(), "2", "{command}: proven");
    let verify = commands.last().unwrap()["command"].as_str().unwrap();
    assert_eq!(
        verify,
        format!(
            "nanozk verify {} --model-id {}",
            path(&delivered),
            fixture().id
        )
    );
    let (code, _, stderr) =
        fixture().json(&["verify", path(&delivered), "--model-id", &fixture().id]);
    assert_eq!(code, 0, "{stderr}");
    // What was posted is known by its id.
    let posted = claim["claim"].as_str().unwrap();
    assert_eq!(w.status(&job)["claim"], json!(posted));

    let status = s.status();
    assert_eq!(status["ready"], true, "{status}");
    assert_eq!(status["claims"], json!({"open": 0, "ended": 1}));
    assert_eq!(s.request("GET", "/healthz", "", b"").0, 200);
    assert_eq!(s.request("GET", "/readyz", "", b"").0, 200);
    let (_, metrics) = s.request("GET", "/metrics", "", b"");
    for line in [
        "nanozk_deadline_slack_seconds",
        "nanozk_ready 1",
        "nanozk_claims{state=\"ended\"} ",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    // What people see of it.
    let text = fixture().call(&["relayer", "status", "--listen", &s.address, "--all"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for words in ["ready", "nothing is due", &job, "proven", "4 of 4 layers"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(s.stop(), 0, "{}", s.log());
    let (code, _, error) = fixture().json(&["relayer", "status", "--listen", &s.address]);
    assert_eq!(code, 2);
    assert!(error.contains("no relayer answers"), "{error}");
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

#[test]
fn nothing_is_sent_in_a_dry_run() {
    let w = World::new();
    let mut maker = crate::service::Maker::new(&w);
    let setup = Setup::new(&w, "relayer");
    let (session, _) = maker.claim(Ask::default(), &w.file("made"));
    let mut command = setup.command("run");
    command.arg("--dry-run");
    let mut s = Service::spawn(command);
    setup.deliver(&session);
    s.wait("what it would send", |s| {
        s.log()
            .contains("would send: posting the claim")
            .then_some(())
    });
    assert_eq!(nonce(&w, SENDER_ADDRESS), 0);
    let transactions = s.status()["transactions"].clone();
    assert_eq!(
        count(&transactions["planned"]) + count(&transactions["pending"]),
        0
    );
}

/// What is wrong is said before anything is sent.
#[test]
fn a_start_that_cannot_work_says_why() {
    let w = World::new();
    let other = World::empty(&["--chain-id", "1337"]);
    let new = |name: &str| Setup::new(&w, name);
    let empty = "0x7777777777777777777777777777777777777777777777777777777777777777";
    let mut poor = new("poor");
    poor.key = empty;
    let mut nokey = new("nokey");
    nokey.key = "0x12";
    let missing = w.file("none.json");
    let deployment: Value = serde_json::from_slice(&std::fs::read(&w.deployment).unwrap()).unwrap();
    let changed = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut value = deployment.clone();
        change(&mut value);
        let file = w.file(name);
        std::fs::write(&file, value.to_string()).unwrap();
        file
    };
    let unknown = changed("unknown.json", &|d| {
        d["contracts"]["ClaimBook"]["address"] =
            json!("0x00000000000000000000000000000000000000aa");
    });
    let code = changed("code.json", &|d| {
        d["contracts"]["ClaimBook"]["code_hash"] = d["contracts"]["JobMarket"]["code_hash"].clone();
    });
    let cases: Vec<(Setup, &[&str])> = vec![
        (
            new("a").set("rpc", "http://127.0.0.1:1"),
            &["no node answers", "127.0.0.1:1"],
        ),
        (new("b").set("rpc", "nowhere"), &["not the URL of a node"]),
        (new("c").set("rpc", &other.anvil.url()), &["1337", "31337"]),
        (
            new("d").set("deployment", path(&missing)),
            &["cannot read the deployment", "nanozk deploy"],
        ),
        (
            new("e").set("deployment", path(&unknown)),
            &["no contract at", "ClaimBook"],
        ),
        (
            new("f").set("deployment", path(&code)),
            &["ClaimBook", "other code"],
        ),
        (poor, &["no ETH to pay for gas"]),
        (nokey, &["NANOZK_TEST_SENDER"]),
        (
            new("g").set("signer.variable", "NANOZK_NO_SUCH"),
            &["NANOZK_NO_SUCH"],
        ),
        (new("h").set("fees.max_per_day", "lots"), &["lots"]),
        (new("i").set("feees.max_per_day", "1"), &["feees"]),
        (new("j").set("api.listen", "0.0.0.0:0"), &["api.token_file"]),
        (
            new("k").set("database", "mysql://x"),
            &["sqlite:PATH", "postgres://"],
        ),
        (
            new("l").set("watch.models", "[\"/nowhere\"]"),
            &["/nowhere"],
        ),
    ];
    for (setup, words) in cases {
        let (code, error) = setup.refused();
        assert_eq!(code, 2, "{words:?}: {error}");
        assert!(!error.contains("panicked"), "{error}");
        for word in words {
            assert!(error.contains(word), "no {word:?} in: {error}");
        }
    }
    assert_eq!(nonce(&w, SENDER_ADDRESS), 0);
    // The same checks by themselves.
    let checked = new("m").command("check").output().unwrap();
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(
        checked.status.success() && said.contains("\"event\":\"checked\""),
        "{said}"
    );
    assert_eq!(nonce(&w, SENDER_ADDRESS), 0);
}

/// `check` names all that `run` would miss, at once, and says what only should be better.
#[test]
fn a_check_names_everything_that_is_missing() {
    let w = World::new();
    let f = fixture();
    let other = World::empty(&["--chain-id", "1337"]);
    let of = |report: &Value, name: &str| -> Vec<(String, String, String)> {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let checks = report["checks"].as_array().unwrap().iter();
        checks
            .filter(|c| c["name"] == name)
            .map(|c| (text(&c["outcome"]), text(&c["code"]), text(&c["message"])))
            .collect()
    };
    let expect = |report: &Value, name: &str, outcome: &str, code: &str, words: &str| {
        let found = of(report, name);
        assert!(
            found
                .iter()
                .any(|(o, c, m)| o == outcome && c == code && m.contains(words)),
            "{name}: no {outcome} {code} with {words:?} in {found:?}"
        );
    };

    // All is well.
    let models = format!("[\"{}\"]", path(&f.model));
    let good = Setup::new(&w, "good").prover().set("watch.models", &models);
    let (report, code) = good.checked();
    assert_eq!((code, &report["ready"]), (0, &json!(true)), "{report}");
    for name in [
        "prover",
        "api",
        "inbox",
        "deployment",
        "signer",
        "rpc",
        "contracts",
        "balance",
        "fees",
        "model",
        "database",
    ] {
        let found = of(&report, name);
        assert!(found.iter().any(|c| c.0 == "ok"), "{name}: {found:?}");
    }
    expect(&report, "prover", "ok", "", "nanozk ");
    expect(&report, "model", "ok", "", "registered");
    expect(
        &report,
        "bonds",
        "warning",
        "NZK302",
        "nanozk escrow deposit",
    );

    // All is wrong, and all of it is named.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let empty = w.file("no-model");
    std::fs::create_dir_all(&empty).unwrap();
    let models = format!("[\"{}\"]", path(&empty));
    let rpc = format!("{},{},http://127.0.0.1:1", w.anvil.url(), other.anvil.url());
    let database = format!("sqlite:{}", path(&w.file("none/relayer.db")));
    let key = w.file("key");
    std::fs::write(&key, SENDER).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let bad = Setup::new(&w, "bad")
        .set("prover.command", "[\"nanozk-that-is-not-there\"]")
        .set("api.listen", &taken.local_addr().unwrap().to_string())
        .set("watch.models", &models)
        .set("rpc", &rpc)
        .set("database", &database)
        .set("provider_signer.kind", "file")
        .set("provider_signer.file", path(&key))
        .set("fees.max_fee_per_gas", "1wei");
    let (report, code) = bad.checked();
    assert_eq!((code, &report["ready"]), (2, &json!(false)), "{report}");
    expect(
        &report,
        "prover",
        "failed",
        "NZK402",
        "nanozk-that-is-not-there",
    );
    expect(&report, "api", "failed", "NZK003", "in use");
    expect(&report, "model", "failed", "NZK401", "manifest.json");
    expect(
        &report,
        "rpc",
        "failed",
        "NZK201",
        "it is on chain 1337, not 31337",
    );
    expect(&report, "rpc", "warning", "NZK205", "127.0.0.1:1");
    expect(&report, "rpc", "ok", "", "chain 31337, block ");
    expect(&report, "database", "failed", "NZK001", "none/relayer.db");
    expect(&report, "provider_signer", "warning", "NZK320", "chmod 600");
    expect(
        &report,
        "provider_signer",
        "ok",
        "",
        "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
    );
    expect(&report, "fees", "warning", "NZK314", "fees.max_fee_per_gas");
    let text = bad.command("check").output().unwrap();
    let error = String::from_utf8_lossy(&text.stderr).into_owned();
    assert!(
        error.contains("checks failed") && error.contains("prover: cannot run"),
        "{error}"
    );

    // A prover that is something else; a model that nobody registered; no database to lock; a token that is too short.
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(f.model.join("manifest.json")).unwrap()).unwrap();
    let unregistered = w.file("unregistered");
    crate::service::copy(&f.model, &unregistered);
    let mut changed = manifest.clone();
    let tokenizer = manifest["tokenizer"].as_str().unwrap();
    let digit = if tokenizer.ends_with('0') { "1" } else { "0" };
    changed["tokenizer"] = json!(format!("{}{digit}", &tokenizer[..tokenizer.len() - 1]));
    std::fs::write(unregistered.join("manifest.json"), changed.to_string()).unwrap();
    let models = format!("[\"{}\"]", path(&unregistered));
    let token = w.file("token");
    std::fs::write(&token, "short").unwrap();
    let holder = Setup::new(&w, "odd").start();
    let odd = Setup::new(&w, "odd")
        .set("prover.command", "[\"echo\"]")
        .set("watch.models", &models)
        .set("api.token_file", path(&token));
    let (report, code) = odd.checked();
    assert_eq!(code, 2);
    expect(
        &report,
        "prover",
        "warning",
        "NZK402",
        "use the same version",
    );
    expect(
        &report,
        "model",
        "warning",
        "NZK401",
        "no version of the model",
    );
    expect(
        &report,
        "database",
        "failed",
        "NZK002",
        "another relayer has the database",
    );
    expect(
        &report,
        "api",
        "failed",
        "NZK003",
        "fewer than 16 characters",
    );
    drop(holder);
    assert_eq!(nonce(&w, SENDER_ADDRESS), 0, "nothing is sent");
}

/// A prover that hangs uses no processor: it is ended and started again, and the claim is proven.
#[test]
fn a_prover_that_hangs_is_started_again() {
    let w = World::new();
    let (prover, hung) = (w.file("prover"), w.file("hung"));
    let script = format!(
        "#!/bin/sh\nmkdir {} 2>/dev/null && exec sleep 100000\nexec {} \"$@\"\n",
        path(&hung),
        env!("CARGO_BIN_EXE_nanozk")
    );
    std::fs::write(&prover, script).unwrap();
    std::fs::set_permissions(&prover, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let setup = Setup::new(&w, "relayer")
        .set("prover.timeout", "5s")
        .set("prover.command", &format!("[\"{}\"]", path(&prover)));
    let (file, job) = w.locked(&["--mode", "proofs", "--challenge-window", "0"]);
    let session = w.run(fixture(), &file);
    w.ok(PROVIDER, &["claim", "sign", path(&session)]);
    let mut s = setup.start();
    setup.deliver(&session);
    assert_eq!(s.ended(&job), "proven");
    assert!(
        s.log().contains("did nothing for 5 s and was ended"),
        "{}",
        s.log()
    );
}

#[test]
fn a_configuration_is_written_and_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("relayer.toml");
    fixture().json_ok(&["relayer", "init", path(&file)]);
    fixture().fails(&["relayer", "init", path(&file)], &["exists"]);
    // It is complete, but for what it names.
    fixture().fails(
        &["relayer", "check", "--config", path(&file)],
        &["cannot read the deployment", path(dir.path())],
    );
    let document = fixture().json_ok(&["relayer", "openapi"]);
    assert!(document[0]["paths"]["/v1/claims/{id}"]["get"].is_object());
}

/// Everything by HTTP: a session, its signatures and its final proof, to a relayer that has neither files nor a prover.
#[test]
fn sessions_and_proofs_come_by_http() {
    let w = World::new();
    let token = w.file("token");
    std::fs::write(&token, "a token of more than sixteen characters\n").unwrap();
    let setup = Setup::new(&w, "relayer").set("api.token_file", path(&token));
    let (file, job) = w.request(&["--mode", "proofs", "--challenge-window", "0"]);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    let session = w.run(fixture(), &file);
    w.ok(PROVIDER, &["claim", "sign", path(&session)]);
    w.prove(&session, "all");
    let mut s = setup.start();
    let bearer = "Authorization: Bearer a token of more than sixteen characters\r\n";
    let read = |name: &str| std::fs::read(session.join(name)).unwrap();
    let put = |s: &Service, name: &str, headers: &str, body: &[u8]| {
        s.request("PUT", &format!("/v1/claims/{job}/{name}"), headers, body)
    };
    let (status, body) = put(&s, "claim.json", "", &read("claim.json"));
    assert_eq!(status, 401, "{body}");
    let mut other: Value = serde_json::from_slice(&read("claim.json")).unwrap();
    other["context"]["claim"] = json!(format!("0x{}", "1".repeat(64)));
    let other = other.to_string();
    let proof = read("final.json");
    let mut old: Value = serde_json::from_slice(&proof).unwrap();
    old["format"] = json!("nanozk-final-0");
    let old = old.to_string();
    let large = vec![b' '; (16 << 20) + 1];
    let cases: [(&str, &[u8], u16, &str); 11] = [
        ("passwd", b"{}", 400, "is not a file of a claim"),
        ("..%2F..%2Fx.json", b"{}", 400, "is not a file of a claim"),
        ("claim.json", b"{", 422, "EOF"),
        ("claim.json", &read("manifest.json"), 422, "claim.json: "),
        ("claim.json", other.as_bytes(), 422, "belongs to claim"),
        ("secret.json", b"[]", 422, "a map"),
        ("manifest.json", &large, 413, "16777216 bytes"),
        ("manifest.json", &proof, 422, "manifest.json: "),
        ("final.json", b"nonsense", 422, "final.json: "),
        ("final.json", &proof[..proof.len() / 2], 422, "EOF"),
        ("final.json", old.as_bytes(), 422, "nanozk-final-0"),
    ];
    for (name, body, expected, words) in cases {
        let (status, answer) = put(&s, name, bearer, body);
        let problem: Value = serde_json::from_str(&answer).unwrap_or_default();
        assert!(
            status == expected && problem["message"].as_str().unwrap().contains(words),
            "{name}: {status} {answer}"
        );
    }
    for name in ["manifest.json", "signatures.json", "claim.json"] {
        let (status, body) = put(&s, name, bearer, &read(name));
        assert_eq!(status, 204, "{name}: {body}");
    }
    s.wait("the claim to be posted", |s| {
        (s.claim(&job)?["status"] == "posted").then_some(())
    });
    // It says what is missing.
    let message = |s: &Service| -> Option<String> {
        let claim = s.claim(&job)?;
        Some(claim["error"]["message"].as_str()?.to_owned())
    };
    s.wait("it to want a proof", |s| {
        let words = "a final proof of layers 0, 1, 2, 3 is needed";
        message(s)?.contains(words).then_some(())
    });
    // A proof of other claims is named.
    let mut strange: Value = serde_json::from_slice(&proof).unwrap();
    strange["claims"][0]["statement"] = json!(format!("0x{}", "1".repeat(64)));
    let (status, body) = put(&s, "final.json", bearer, strange.to_string().as_bytes());
    assert_eq!(status, 204, "{body}");
    s.wait("it to be refused", |s| {
        message(s)?
            .contains("a claim that is not known here")
            .then_some(())
    });
    let (status, body) = put(&s, "final.json", bearer, &proof);
    assert_eq!(status, 204, "{body}");
    assert_eq!(s.ended(&job), "proven");
    let (status, _) = s.request("GET", "/v1/claims/0x12", "", b"");
    assert_eq!(status, 400);
    let (status, body) = s.request("GET", &format!("/v1/claims/0x{}", "1".repeat(64)), "", b"");
    assert!(status == 404 && body.contains("no claim"), "{body}");
    for (method, path, expected, code) in [
        ("GET", "/v1/claims?state=some", 400, "NZK501"),
        ("GET", "/v1/claims?limit=abc", 400, "NZK501"),
        ("GET", "/v1/claims/%ff", 400, "NZK501"),
        ("GET", "/nothing", 404, "NZK404"),
        ("POST", "/v1/claims", 405, "NZK404"),
    ] {
        let (status, body) = s.request(method, path, bearer, b"");
        let problem: Value = serde_json::from_str(&body).unwrap_or_default();
        assert!(
            status == expected && problem["code"] == code,
            "{path}: {status} {body}"
        );
    }
    let (status, page) = s.request("GET", "/", "", b"");
    assert!(
        status == 200 && page.contains("<!doctype html>"),
        "{}",
        &page[..100]
    );
}

/// A page of another site cannot make a browser send files here.
#[test]
fn other_sites_cannot_write() {
    let w = World::new();
    let setup = Setup::new(&w, "relayer");
    let s = setup.start();
    let path = format!("/v1/claims/0x{}/manifest.json", "1".repeat(64));
    let manifest = std::fs::read(fixture().session.join("manifest.json")).unwrap();
    let evil = "Origin: https://evil.example\r\n";
    let (status, _) = s.request("PUT", &path, evil, &manifest);
    assert_eq!(status, 401);
    let same = format!("Origin: http://{}\r\n", s.address);
    assert_eq!(s.request("PUT", &path, &same, &manifest).0, 204);
}

/// Nor read anything, under a name of its own that leads to this machine.
#[test]
fn other_sites_cannot_read() {
    let w = World::new();
    let s = Setup::new(&w, "relayer").start();
    let port = s.address.rsplit(':').next().unwrap();
    let get = |path: &str, host: &str| {
        let mut stream = TcpStream::connect(&s.address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    for path in [
        "/",
        "/healthz",
        "/metrics",
        "/v1/status",
        "/v1/claims",
        "/x",
    ] {
        let answer = get(path, "evil.example");
        assert!(
            answer.starts_with("HTTP/1.1 401") && answer.contains("NZK504"),
            "{path}: {answer}"
        );
        let answer = get(path, "localhost");
        assert!(!answer.starts_with("HTTP/1.1 401"), "{path}: {answer}");
    }
}

/// What is no answer of a relayer that is well is told as such, and not as a relayer's without anything to do.
#[test]
fn status_tells_of_errors() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let cases = [
        (
            "HTTP/1.1 503 Service Unavailable\r\n\r\n{\"code\":\"NZK101\",\"message\":\"the database: gone\"}",
            "NZK101: the database: gone",
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\n\r\n<h1>Bad gateway</h1>",
            "HTTP/1.1 502 Bad Gateway",
        ),
        ("HTTP/1.1 200 OK\r\n\r\nready", "is not a relayer"),
        ("SSH-2.0-x\r\n", "is not a relayer"),
        ("", "is not a relayer"),
    ];
    for (answer, words) in cases {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut stream = listener.accept().unwrap().0;
                let _ = stream.read(&mut [0; 1024]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            });
            let (code, _, error) = fixture().json(&["relayer", "status", "--listen", &address]);
            assert!(code == 2 && error.contains(words), "{code}: {error}");
        });
    }
}

/// Told to end, it begins nothing new, follows what is on its way, and then ends; told twice, it ends at once.
#[test]
fn it_ends_in_two_phases() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer").set("grace", "1h");
    let made = w.file("made");
    let mut s = setup.start();
    let (session, first) = maker.claim(Ask::default(), &made);
    let (late, second) = maker.claim(Ask::default(), &made);
    w.anvil.rpc("evm_setAutomine", json!([false]));
    setup.deliver(&session);
    s.wait("it to be sent", |s| {
        (s.status()["transactions"]["pending"] == 1).then_some(())
    });
    s.signal(rustix::process::Signal::TERM);
    s.wait("it to end", |s| {
        (s.request("GET", "/readyz", "", b"").0 == 503).then_some(())
    });
    let (status, _) = s.request(
        "PUT",
        &format!("/v1/claims/{second}/manifest.json"),
        "",
        b"{}",
    );
    assert_eq!(status, 503, "nothing new");
    setup.deliver(&late);
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert!(
        s.child.try_wait().unwrap().is_none(),
        "it waits for what is on its way"
    );
    w.anvil.mine(1);
    let status = s.child.wait().unwrap();
    assert!(status.success(), "{}", s.log());
    assert_eq!(maker.status(&first), 1);
    assert_eq!(nonce(&w, SENDER_ADDRESS), 1);

    let mut s = setup.start();
    s.wait("the second to be sent", |s| {
        (s.status()["transactions"]["pending"] == 1).then_some(())
    });
    s.signal(rustix::process::Signal::INT);
    s.wait("it to end", |s| {
        (s.request("GET", "/readyz", "", b"").0 == 503).then_some(())
    });
    s.signal(rustix::process::Signal::INT);
    assert!(s.child.wait().unwrap().success());
    // What was on its way is not lost.
    w.anvil.rpc("evm_setAutomine", json!([true]));
    w.anvil.mine(1);
    let mut s = setup.start();
    s.wait("the second to be known", |s| {
        (s.claim(&second)?["status"] == "posted").then_some(())
    });
    assert_eq!(nonce(&w, SENDER_ADDRESS), 2);
}

/// A provider that used other weights discloses its secret: the claim is executed again, challenged as a whole, nobody can
/// answer, and the stake is slashed. A right one is let alone, and so is bait: the right answer, with a commitment that is
/// blinded otherwise, whose layers have proofs.
#[test]
fn watchers_find_what_is_false() {
    let w = World::new();
    let f = fixture();
    let models = format!("[\"{}\"]", path(&f.model));
    let setup = Setup::new(&w, "watcher")
        .prover()
        .set("watch.models", &models);
    w.ok(SENDER, &["escrow", "deposit", "1eth"]);
    let (right, first) = w.posted(&["--mode", "optimistic"]);
    let (file, second) = w.locked(&["--mode", "optimistic", "#2"]);
    let bait = w.run(f, &file);
    let other: Value =
        serde_json::from_slice(&std::fs::read(right.join("claim.json")).unwrap()).unwrap();
    edit(&bait.join("claim.json"), |claim| {
        claim["activations"][1] = other["activations"][1].clone();
    });
    w.ok(PROVIDER, &["claim", "post", path(&bait)]);
    let (wrong_file, third) = w.locked(&["--mode", "optimistic", "#3"]);
    let (_, wrong) = forged(&w, &wrong_file);
    w.ok(PROVIDER, &["claim", "post", path(&wrong)]);
    for (name, session, request) in [
        ("right", &right, right.with_extension("json")),
        ("bait", &bait, file.clone()),
        ("wrong", &wrong, wrong_file.clone()),
    ] {
        let to = setup.inbox.join(name);
        std::fs::create_dir_all(&to).unwrap();
        std::fs::copy(session.join("secret.json"), to.join("secret.json")).unwrap();
        std::fs::copy(request, to.join("request.json")).unwrap();
    }
    let mut s = setup.start();
    s.wait("the challenge", |_| {
        let status = w.status(&third);
        (status["open_challenges"][0]["target"] == 255).then_some(())
    });
    let claims = s.wait("all to be judged", |s| {
        let claims = [s.claim(&first)?, s.claim(&second)?, s.claim(&third)?];
        claims
            .iter()
            .all(|c| c["verdict"].is_string())
            .then_some(claims)
    });
    let targets = claims.each_ref().map(|c| c["target"].clone());
    assert_eq!(targets, [json!(null), json!(null), json!(255)]);
    let verdict = claims[1]["verdict"].as_str().unwrap();
    assert!(verdict.contains("output of layer 1"), "{verdict}");
    for job in [&first, &second] {
        assert_eq!(w.status(job)["open_challenges"], json!([]));
    }
    // The bond of each layer.
    let bonds = w.amount(&third, "challenge_bond") * 4;
    s.wait("its exposure", |s| {
        (s.status()["exposure"]["bonds"] == json!(bonds.to_string())).then_some(())
    });
    w.anvil.wait(3_601);
    assert_eq!(s.ended(&third), "defeated");
    // Right claims are ended by their provider, not by the watcher.
    for job in [&first, &second] {
        assert_eq!(w.status(job)["status"], "posted");
    }
    s.wait("what it won", |_| {
        (nonce(&w, SENDER_ADDRESS) >= 4).then_some(())
    });
    assert_eq!(
        nonce(&w, SENDER_ADDRESS),
        4,
        "a deposit, a challenge, its end, and what it won"
    );
    let [free, _] = w.balance(SENDER);
    assert!(free > 1_000_000_000_000_000_000, "{free}");
}

/// Where another contract judges proofs, neither a stake nor a bond is risked.
#[test]
fn another_verifier_is_not_trusted() {
    let w = World::new();
    let f = fixture();
    let deployment = w.file("another-verifier.json");
    std::fs::copy(&w.deployment, &deployment).unwrap();
    edit(&deployment, |d| {
        d["contracts"]["FinalVerifier"] = d["contracts"]["TokenDigests"].clone();
    });
    let models = format!("[\"{}\"]", path(&f.model));
    let setup = Setup::new(&w, "relayer")
        .prover()
        .set("deployment", path(&deployment))
        .set("watch.models", &models)
        .set("watch.audits", "1");
    w.ok(SENDER, &["escrow", "deposit", "1eth"]);
    let (file, first) = w.request(&["--mode", "optimistic"]);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    let session = w.run(f, &file);
    w.ok(PROVIDER, &["claim", "sign", path(&session)]);
    let bond = w.balance(PROVIDER);
    let (wrong_file, second) = w.locked(&["--mode", "optimistic", "#2"]);
    let (_, wrong) = forged(&w, &wrong_file);
    w.ok(PROVIDER, &["claim", "post", path(&wrong)]);
    let to = setup.inbox.join("wrong");
    std::fs::create_dir_all(&to).unwrap();
    std::fs::copy(wrong.join("secret.json"), to.join("secret.json")).unwrap();
    std::fs::copy(&wrong_file, to.join("request.json")).unwrap();
    setup.deliver(&session);
    let mut s = setup.start();
    let error = s.wait("the job not to be taken", |s| {
        let reason = s.claim(&first)?["error"]["message"].clone();
        reason.as_str().map(str::to_owned)
    });
    assert!(
        error.contains("which is not this deployment's verifier"),
        "{error}"
    );
    let verdict = s.wait("the verdict", |s| {
        let verdict = s.claim(&second)?["verdict"].clone();
        verdict.as_str().map(str::to_owned)
    });
    assert!(verdict.contains("no bond is risked"), "{verdict}");
    assert_eq!(w.balance(PROVIDER)[0], bond[0]);
    assert_eq!(w.status(&second)["open_challenges"], json!([]));
    assert_eq!(nonce(&w, SENDER_ADDRESS), 1, "the deposit alone");
}

/// What is due at the same time is proved by one proof, and sent by one transaction.
#[test]
fn claims_are_proven_together() {
    let w = World::new();
    let setup = Setup::new(&w, "relayer").prover();
    let claims: Vec<String> = (1..=3)
        .map(|n| {
            let other = format!("#{n}");
            let options = ["--mode", "proofs", "--challenge-window", "0", &other];
            let (file, job) = w.locked(&options);
            let session = w.run(fixture(), &file);
            w.ok(PROVIDER, &["claim", "post", path(&session)]);
            w.aggregate(&session, "all");
            setup.deliver(&session);
            job
        })
        .collect();
    let mut s = setup.start();
    for job in &claims {
        assert_eq!(s.ended(job), "proven");
        assert_eq!(s.actions(job), ["prove"]);
    }
    assert_eq!(nonce(&w, SENDER_ADDRESS), 1);
    assert_eq!(s.count("NZK411"), 1, "one proof");
    let hash = |job: &String| s.claim(job).unwrap()["transactions"][0]["hash"].clone();
    assert!(claims.iter().all(|job| hash(job) == hash(&claims[0])));
}

/// One of several claims cannot be proven any more when their proof is sent: the others are proven all the same.
#[test]
fn a_claim_that_fails_fails_alone() {
    let w = World::new();
    let setup = Setup::new(&w, "relayer").prover();
    let claim = |options: &[&str]| {
        let (file, job) = w.locked(options);
        let session = w.run(fixture(), &file);
        w.ok(PROVIDER, &["claim", "post", path(&session)]);
        (session, job)
    };
    // The first has to be proven within minutes, the others have an hour.
    let short = [
        "--mode",
        "proofs",
        "--challenge-window",
        "0",
        "--answer-window",
        "10m",
    ];
    let (hasty, late) = claim(&short);
    let others = [1, 2].map(|n| {
        let other = format!("#{n}");
        claim(&["--mode", "proofs", "--challenge-window", "0", &other])
    });
    for session in [&hasty, &others[0].0, &others[1].0] {
        w.aggregate(session, "all");
    }
    // One proof of all three, made elsewhere; by the time that it comes it is too late for the first.
    let all = w.file("all.json");
    let sessions = [path(&hasty), path(&others[0].0), path(&others[1].0)];
    fixture().json_ok(&[&["aggregate"][..], &sessions, &["-o", path(&all)]].concat());
    for (session, _) in &others {
        setup.deliver(session);
    }
    let first = setup.deliver(&hasty);
    let quiet = setup.set("prover.command", "[]");
    let mut s = quiet.start();
    s.wait("all to be known", |s| {
        let all = [&late, &others[0].1, &others[1].1];
        all.iter()
            .all(|job| s.claim(job).is_some_and(|c| c["status"] == "posted"))
            .then_some(())
    });
    w.anvil.wait(601);
    std::fs::copy(&all, first.join("new")).unwrap();
    std::fs::rename(first.join("new"), first.join("final.json")).unwrap();
    s.wait("the others to want proofs of their own", |s| {
        let said = |job: &str| s.claim(job).map(|c| c["error"]["message"].to_string());
        let wants = |job: &str| said(job).is_some_and(|m| m.contains("is needed"));
        others.iter().all(|(_, job)| wants(job)).then_some(())
    });
    assert_eq!(s.stop(), 0);
    let mut s = quiet.prover().start();
    for (_, job) in &others {
        assert_eq!(s.ended(job), "proven");
    }
    assert_eq!(maker_status(&w, &late), "posted");
    assert_eq!(s.count("NZK310"), 0, "no transaction failed");
}

fn maker_status(w: &World, job: &str) -> String {
    w.status(job)["status"].as_str().unwrap().to_owned()
}

/// A provider whose prover starts late: layers are drawn, and proven when the deadline says so, not before.
#[test]
fn drawn_layers_are_proven_as_late_as_the_deadline_allows() {
    let w = World::new();
    let setup = Setup::new(&w, "relayer")
        .prover()
        .set("prover.start", "late")
        .set("prover.seconds_per_layer", "60")
        .set("prover.seconds_per_proof", "40")
        .set("prover.margin", "600");
    let (file, job) = w.locked(&["--mode", "audited"]);
    let session = w.run(fixture(), &file);
    w.ok(PROVIDER, &["claim", "sign", path(&session)]);
    let mut s = setup.start();
    setup.deliver(&session);
    s.wait("the claim to be posted", |_| {
        (w.status(&job)["status"] == "posted").then_some(())
    });
    w.anvil.mine(80);
    let claim = s.wait("layers to be drawn and wanted", |s| {
        let claim = s.claim(&job)?;
        let next = claim["next"]["action"].as_str()?;
        next.starts_with("making the proof").then_some(claim)
    });
    let by = claim["next"]["by"].as_u64().unwrap();
    // Half of the windows pass.
    w.anvil.wait(3_601);
    s.wait("it to see that", |s| {
        (s.status()["now"].as_u64()? + 3_600 >= by).then_some(())
    });
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert_eq!(s.count("NZK411"), 0, "no proof before its time");
    // The margin, and twice what a layer is expected to take, are left.
    let now = s.status()["now"].as_u64().unwrap();
    w.anvil.wait(by - now - 795);
    s.wait("the proof", |s| (s.count("NZK412") == 1).then_some(()));
    assert_eq!(s.ended(&job), "finalized");
    let proven = w.status(&job)["proven"].clone();
    assert_eq!(
        proven.as_array().map(Vec::len),
        Some(1),
        "a quarter of four"
    );
    assert_eq!(s.count("NZK420"), 0, "no deadline was missed");
    // Post, draw, proof, settlement.
    assert_eq!(nonce(&w, SENDER_ADDRESS), 4);
}

/// A requester demands the output: it says that the file is missing, and answers as soon as it is there.
#[test]
fn a_demanded_output_is_revealed() {
    let w = World::new();
    let setup = Setup::new(&w, "relayer");
    let (file, job) = w.locked(&["--mode", "proofs"]);
    let session = w.run(fixture(), &file);
    w.ok(PROVIDER, &["claim", "sign", path(&session)]);
    w.prove(&session, "all");
    let output = std::fs::read(session.join("output.json")).unwrap();
    std::fs::remove_file(session.join("output.json")).unwrap();
    let mut s = setup.start();
    setup.deliver(&session);
    s.wait("the layers to be proven", |_| {
        (w.status(&job)["proven"] == json!([0, 1, 2, 3])).then_some(())
    });
    w.ok(REQUESTER, &["claim", "demand-output", &job]);
    s.wait("the missing file to be named", |s| {
        let claim = s.claim(&job)?;
        let reason = claim["error"]["message"].as_str()?;
        (claim["error"]["code"] == "NZK420" && reason.contains("output.json")).then_some(())
    });
    let put = format!("/v1/claims/{job}/output.json");
    assert_eq!(s.request("PUT", &put, "", &output).0, 204);
    s.wait("it to be revealed", |s| {
        (s.actions(&job)[0] == "reveal-output").then_some(())
    });
    // The signature that came with the session is the provider's: it may be disputed for a challenge window.
    s.wait("the end of the time to dispute to be waited for", |s| {
        let next = s.claim(&job)?["next"]["action"].clone();
        next.as_str()?.contains("dispute").then_some(())
    });
    w.anvil.wait(3_601);
    assert_eq!(s.ended(&job), "proven");
    assert_eq!(
        s.actions(&job),
        ["finalize", "reveal-output", "prove", "post"]
    );
}

/// A job that anybody may take, and another provider took; and a session that was deleted under the relayer.
#[test]
fn others_are_faster_and_files_vanish() {
    let w = World::new();
    let setup = Setup::new(&w, "relayer");
    let (first, lost) = w.posted(&["--mode", "optimistic"]);
    let (file, job) = w.locked(&["--mode", "optimistic", "#2"]);
    let other = w.run(fixture(), &file);
    // Of a provider that did not take it.
    w.ok(CHALLENGER, &["claim", "sign", path(&other)]);
    let mut s = setup.start();
    let gone = setup.deliver(&first);
    let late = setup.deliver(&other);
    s.wait("both to be seen", |s| {
        let code = |id: &str| Some(s.claim(id)?["error"]["code"].clone());
        (s.claim(&lost)?["status"] == "posted" && code(&job)? == "NZK401").then_some(())
    });
    let claim = s.claim(&job).unwrap();
    let reason = claim["error"]["message"].as_str().unwrap();
    assert!(reason.contains("the job was taken by"), "{reason}");
    assert_eq!(claim["next"]["action"], "waiting for the claim");
    // The taker claims.
    w.ok(PROVIDER, &["claim", "post", path(&other)]);
    std::fs::remove_file(late.join("signatures.json")).unwrap();
    std::fs::remove_dir_all(&gone).unwrap();
    w.anvil.wait(7_201);
    // Settling needs no file.
    assert_eq!(s.ended(&lost), "finalized");
    assert_eq!(s.ended(&job), "finalized");
}

/// A final proof that cannot be read is made again.
#[test]
fn a_damaged_proof_is_made_again() {
    let w = World::new();
    let setup = Setup::new(&w, "relayer").prover();
    let (file, job) = w.locked(&["--mode", "proofs", "--challenge-window", "0"]);
    let session = w.run(fixture(), &file);
    w.ok(PROVIDER, &["claim", "sign", path(&session)]);
    w.prove(&session, "all");
    let damaged = session.join("final.json");
    let whole = std::fs::read(&damaged).unwrap();
    std::fs::write(&damaged, &whole[..whole.len() / 2]).unwrap();
    let mut s = setup.start();
    setup.deliver(&session);
    assert_eq!(s.ended(&job), "proven");
    assert_eq!(s.count("NZK411"), 1, "it was made");
    // Posted, and all layers in one transaction.
    assert_eq!(nonce(&w, SENDER_ADDRESS), 2);
}

/// A session whose proof cannot be made is no reason for another to miss its deadline.
#[test]
fn a_session_that_cannot_be_proved_is_proved_alone() {
    let w = World::new();
    let prover = w.file("prover");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *aggregate*poor*) echo 'no memory' >&2; exit 1;; esac\nexec {} \"$@\"\n",
        env!("CARGO_BIN_EXE_nanozk")
    );
    std::fs::write(&prover, script).unwrap();
    std::fs::set_permissions(&prover, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let setup =
        Setup::new(&w, "relayer").set("prover.command", &format!("[\"{}\"]", path(&prover)));
    let claims = ["#1", "#2"].map(|other| {
        let (file, job) = w.locked(&["--mode", "proofs", "--challenge-window", "0", other]);
        let session = w.run(fixture(), &file);
        w.ok(PROVIDER, &["claim", "post", path(&session)]);
        w.aggregate(&session, "all");
        (session, job)
    });
    let poor = w.file("poor");
    copy(&claims[0].0, &poor);
    setup.deliver(&poor);
    setup.deliver(&claims[1].0);
    let mut s = setup.start();
    assert_eq!(s.ended(&claims[1].1), "proven");
    assert!(s.log().contains("no memory"), "{}", s.log());
    let said = s.wait("the failure to be named", |s| {
        let claim = s.claim(&claims[0].1)?;
        Some(claim["error"]["message"].as_str()?.to_owned())
    });
    assert!(said.contains("no memory"), "{said}");
    assert_eq!(nonce(&w, SENDER_ADDRESS), 1);
}

/// Without a bond nothing is challenged; with one it is, in time.
#[test]
fn a_deposit_is_noticed() {
    let w = World::new();
    let setup = Setup::new(&w, "watcher").set("watch.audits", "1");
    let (session, job) = w.posted(&["--mode", "optimistic"]);
    let to = setup.inbox.join("watched");
    std::fs::create_dir_all(&to).unwrap();
    std::fs::copy(session.with_extension("json"), to.join("request.json")).unwrap();
    let mut s = setup.start();
    s.wait("the lack to be named", |s| {
        let claim = s.claim(&job)?;
        let reason = claim["error"]["message"].as_str()?;
        reason.contains("nanozk escrow deposit").then_some(())
    });
    w.ok(SENDER, &["escrow", "deposit", "1eth"]);
    w.anvil.wait(20);
    s.wait("the challenge", |_| {
        let open = w.status(&job)["open_challenges"].clone();
        (open.as_array().map(Vec::len) == Some(1)).then_some(())
    });
}

/// No stake is held for a job that the files do not answer, or after the time that the provider gave.
#[test]
fn jobs_that_cannot_be_answered_are_not_taken() {
    let w = World::new();
    let setup = Setup::new(&w, "relayer");
    // At a price that does not cover its gas, which is no ground to refuse it.
    let cheap = [
        "--mode",
        "proofs",
        "--challenge-window",
        "0",
        "--price",
        "5gwei",
    ];
    let (file, job) = w.request(&cheap);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    let session = w.run(fixture(), &file);
    w.ok(
        PROVIDER,
        &["claim", "sign", path(&session), "--lock-within", "10m"],
    );
    let bond = w.balance(PROVIDER);
    let request = session.join("request.json");
    std::fs::copy(&file, &request).unwrap();
    edit(&request, |r| {
        r["input_salt"] = json!(format!("0x{:064x}", 5))
    });
    let mut s = setup.start();
    let delivered = setup.deliver(&session);
    let named = |s: &mut Service, words: &str| {
        s.wait(words, |s| {
            let claim = s.claim(&job)?;
            let reason = claim["error"]["message"].as_str()?;
            reason.contains(words).then_some(())
        });
    };
    named(
        &mut s,
        "prompt and salt do not have the digest that was signed",
    );
    // The request is right, the output is short of a token.
    let replace = |name: &str, change: &dyn Fn(&mut Value)| {
        let new = delivered.join("new");
        std::fs::copy(delivered.join(name), &new).unwrap();
        edit(&new, change);
        std::fs::rename(&new, delivered.join(name)).unwrap();
    };
    let salt = serde_json::from_slice::<Value>(&std::fs::read(&file).unwrap()).unwrap();
    let salt = salt["input_salt"].clone();
    let last = std::cell::Cell::new(None);
    replace("output.json", &|o| {
        last.set(o["tokens"].as_array_mut().unwrap().pop())
    });
    replace("request.json", &|r| r["input_salt"] = salt.clone());
    named(&mut s, "it has 3 tokens, the claim is about 4");
    // As many, but another one: whoever published it would lose the stake.
    let last = last.take().unwrap();
    let other = json!((last.as_u64().unwrap() + 1) % 8);
    replace("output.json", &|o| {
        o["tokens"].as_array_mut().unwrap().push(other.clone())
    });
    named(&mut s, "do not open the output digest");
    // The answer is right, and there would be no time to prove it.
    drop(s);
    replace("output.json", &|o| {
        *o["tokens"].as_array_mut().unwrap().last_mut().unwrap() = last.clone()
    });
    let slow = Setup::new(&w, "relayer")
        .prover()
        .set("prover.seconds_per_layer", "1h");
    let mut s = slow.start();
    named(&mut s, "an honest claim could be defeated");
    drop(s);
    // The provider's signature is too old.
    w.anvil.wait(601);
    let mut s = setup.start();
    named(&mut s, "have it signed again");
    assert_eq!(w.balance(PROVIDER), bond, "no stake is held");
    assert_eq!(
        w.ok(PROVIDER, &["job", "status", &job])[0]["job"]["status"],
        "open"
    );

    w.ok(PROVIDER, &["claim", "sign", path(&delivered)]);
    s.wait("the job to be taken, and the claim posted", |_| {
        (w.ok(PROVIDER, &["job", "status", &job])[0]["status"] == "posted").then_some(())
    });
    assert!(s.count("NZK432") >= 1, "{}", s.log());
    assert!(s.log().contains("does not cover the provider's gas"));
}

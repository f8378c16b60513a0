//! What an operator does and sees.

use crate::anvil::*;
use crate::common::{fixture, path};
use crate::service::*;
use crate::world::World;
use serde_json::{json, Value};

/// A claim through its whole life, with real proofs of a real prover: taken, posted, proved, settled, paid.
#[test]
fn a_session_is_taken_posted_proved_and_settled() {
    let w = World::new();
    let setup = Setup::new(&w, "relayer").prover().set("explorer", "https://explorer.example");
    let (file, job) = w.request(&["--lane", "proofs", "--challenge-window", "0"]);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    let session = w.run(fixture(), &file);
    w.ok(PROVIDER, &["claim", "sign", path(&session)]);
    let before = w.balance(PROVIDER)[0];

    let mut s = setup.start();
    let delivered = setup.deliver(&session);
    assert_eq!(s.ended(&job), "proven");
    assert_eq!(w.balance(PROVIDER)[0] - before, w.amount(&job, "price"), "the provider is paid");
    // Taken, posted, and all layers in one transaction.
    assert_eq!(nonce(&w, SENDER_ADDRESS), 3);
    assert_eq!(w.status(&job)["proven"], json!([0, 1, 2, 3]));

    let claim = s.claim(&job).unwrap();
    assert_eq!(claim["role"], "provider");
    assert_eq!(claim["proven"], json!([0, 1, 2, 3]));
    assert_eq!(claim["proofs"], json!([0, 1, 2, 3]));
    assert!(claim["text"].as_str().unwrap().starts_with("Proven: every layer is proven"));
    let transactions = claim["transactions"].as_array().unwrap();
    let actions: Vec<&str> = transactions.iter().rev().map(|t| t["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["lock", "post", "prove-0,1,2,3"]);
    assert!(transactions.iter().all(|t| t["hash"].is_string() && t["gas"].as_u64() > Some(40_000)));
    let links = claim["links"].as_array().unwrap();
    assert!(links.iter().any(|l| l["url"].as_str().unwrap().starts_with("https://explorer.example/tx/0x")));
    // The commands say the same as the relayer does.
    let commands = claim["commands"].as_array().unwrap();
    let explain = commands[0]["command"].as_str().unwrap();
    let output = std::process::Command::new("bash")
        .args(["-c", &explain.replace("cast call", "script/foundry cast call")])
        .env("ETH_RPC_URL", w.anvil.url())
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("Proven: every layer is proven"), "{explain}: {said}");
    let verify = commands.last().unwrap()["command"].as_str().unwrap();
    assert_eq!(verify, format!("nanozk verify {} --model-id {}", path(&delivered), fixture().id));
    let (code, _, stderr) = fixture().json(&["verify", path(&delivered), "--model-id", &fixture().id]);
    assert_eq!(code, 0, "{stderr}");

    let status = s.status();
    assert_eq!(status["ready"], true, "{status}");
    assert_eq!(status["claims"], json!({"open": 0, "ended": 1}));
    assert_eq!(s.request("GET", "/healthz", "", b"").0, 200);
    assert_eq!(s.request("GET", "/readyz", "", b"").0, 200);
    let (_, metrics) = s.request("GET", "/metrics", "", b"");
    for line in ["nanozk_deadline_slack_seconds", "nanozk_ready 1", "nanozk_claims{state=\"ended\"} "] {
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
    s.wait("what it would send", |s| s.log().contains("would send: posting the claim").then_some(()));
    assert_eq!(nonce(&w, SENDER_ADDRESS), 0);
    let transactions = s.status()["transactions"].clone();
    assert_eq!(count(&transactions["planned"]) + count(&transactions["pending"]), 0);
}

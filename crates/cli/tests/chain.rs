//! The commands that talk to a chain, on a real one (anvil) with real proofs.

// Shared with the tests that need no chain.
#[allow(dead_code)]
mod common;

#[path = "chain/account.rs"]
mod account;
#[path = "chain/anvil.rs"]
mod anvil;
#[path = "chain/epochs.rs"]
mod epochs;
#[path = "chain/errors.rs"]
mod errors;
#[path = "chain/modes.rs"]
mod modes;
#[path = "chain/world.rs"]
mod world;

use anvil::*;
use common::{fixture, path};
use nanozk_chain::Client;
use nanozk_chain::bindings::{book, lens, market};
use nanozk_chain::claim::{Posted, header};
use nanozk_chain::deployment::Deployment;
use nanozk_chain::primitives::{Address, B256};
use nanozk_chain::request::RequestFile;
use nanozk_verifier::Claim;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use world::*;

fn read<T: DeserializeOwned>(path: &Path) -> T {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn deploying_twice_sends_nothing() {
    let w = World::empty(&[]);
    let planned = w.ok(CURATOR, &["deploy", "--dry-run"]);
    assert_eq!(planned.len(), 16);
    assert!(
        planned
            .iter()
            .all(|p| p["there"] == false && p["gas"].as_u64() > Some(100_000))
    );
    assert_eq!(w.anvil.block(), 0, "a dry run sends nothing");
    assert!(!w.deployment.exists());

    let done = w.ok(CURATOR, &["deploy", "--asset", "eth"]).pop().unwrap();
    assert_eq!((&done["deployed"], &done["kept"]), (&json!(16), &json!(0)));
    let block = w.anvil.block();
    let first: Deployment = read(&w.deployment);
    assert_eq!(first.chain_id, 31337);
    for p in &planned {
        let contract = &first.contracts[p["contract"].as_str().unwrap()];
        assert_eq!(json!(contract.address), p["address"], "as the dry run said");
        assert!(contract.transaction.is_some() && contract.block.is_some());
    }
    let arguments = &first.contracts["ModelRegistry"].arguments;
    assert_eq!(arguments["guardian"].to_lowercase(), CURATOR_ADDRESS);

    let again = w.ok(CURATOR, &["deploy"]).pop().unwrap();
    assert_eq!(
        (&again["deployed"], &again["kept"]),
        (&json!(0), &json!(16))
    );
    assert_eq!(w.anvil.block(), block);
    assert_eq!(read::<Deployment>(&w.deployment), first);

    // Without its file: found again, from the events of the factory.
    std::fs::remove_file(&w.deployment).unwrap();
    w.ok(CURATOR, &["deploy"]);
    let mut found: Deployment = read(&w.deployment);
    let mut expected = first.clone();
    for name in ["Deployer", "FinalVerifier"] {
        let of_create2 = found.contracts.get_mut(name).unwrap();
        assert_eq!(of_create2.transaction.take(), None, "no event");
        let known = expected.contracts.get_mut(name).unwrap();
        (known.transaction, known.block) = (None, None);
    }
    assert_eq!(found, expected);

    // Other options are another deployment.
    let options = ["deploy", "--guardian", PROVIDER_ADDRESS];
    w.fails(CURATOR, &options, &["ModelRegistry", "guardian", "--salt"]);
    let other = w.file("other.json");
    let options = ["deploy", "--salt", "other", "--deployment", path(&other)];
    w.ok(CURATOR, &options);
    let other: Deployment = read(&other);
    assert_eq!(
        other.contracts["Deployer"].address,
        first.contracts["Deployer"].address
    );
    assert_eq!(
        other.contracts["FinalVerifier"].address, first.contracts["FinalVerifier"].address,
        "one for all deployments"
    );
    assert_ne!(
        other.contracts["JobMarket"].address,
        first.contracts["JobMarket"].address
    );

    let text = w.text(CURATOR, &["deploy", "--dry-run"]);
    assert!(
        text.contains("already deployed") && text.contains("in total about 0 gas"),
        "{text}"
    );
}

#[test]
fn answers_are_compared_with_the_chain() {
    let w = World::new();
    let (file, _) = w.locked(&[]);
    let session = w.run(fixture(), &file);
    let output = session.join("output.json");
    let open = ["output", "open", path(&output), "--request", path(&file)];
    let opened = w.ok(REQUESTER, &open).remove(0);
    assert_eq!(opened["compared_with"], Value::Null, "not claimed yet");
    w.ok(PROVIDER, &["claim", "post", path(&session)]);
    let opened = w.ok(REQUESTER, &open).remove(0);
    assert_eq!(opened["compared_with"], "chain");
    assert!(opened["text"].as_str().unwrap().starts_with("ab c"));
    // Another answer opens its own digest, and not the claimed one.
    let other = file.with_extension("other");
    let f = fixture();
    answer(f, &file, &other);
    let output = other.join("output.json");
    let (code, objects, _) = w.call(
        REQUESTER,
        &["output", "open", path(&output), "--request", path(&file)],
    );
    assert_eq!(code, 1, "{objects:?}");

    // For people, a claim's times are dates, and the output is no layer.
    let status = w.text(REQUESTER, &["claim", "status", path(&session)]);
    let date = status.split_once("until 2").expect("a date").1;
    assert!(
        date.contains(" UTC (") && date.contains(" left)"),
        "{status}"
    );
    let words: Vec<&str> = status.split_whitespace().collect();
    let seconds = words.windows(2).filter(|pair| pair[1] == "s");
    for pair in seconds {
        let number: u64 = pair[0].trim_start_matches('(').parse().unwrap();
        assert!(number < 60, "minutes and hours, not {pair:?}: {status}");
    }
    let missing = format!("0x{}", "7".repeat(64));
    let (code, _, stderr) = w.call(REQUESTER, &["claim", "status", &missing]);
    assert_eq!(code, 2);
    assert!(!stderr.contains("reading"), "{stderr}");
    w.fails(
        PROVIDER,
        &["claim", "reveal-output", path(&session)],
        &["the output is not challenged", "NotChallenged"],
    );
}

#[test]
fn code_that_is_not_ours_is_refused() {
    let w = World::empty(&[]);
    let planned = w.ok(CURATOR, &["deploy", "--dry-run"]);
    let market = planned
        .iter()
        .find(|p| p["contract"] == "JobMarket")
        .unwrap();
    w.anvil
        .rpc("anvil_setCode", json!([market["address"], "0x6000"]));
    w.fails(CURATOR, &["deploy"], &["JobMarket", "other code"]);
}

/// A node that goes down, and a command that is killed: the same command goes on.
#[test]
fn an_interrupted_deployment_goes_on() {
    let state = tempfile::tempdir().unwrap();
    let state = state.path().join("state.json");
    let options = ["--state", path(&state), "--block-time", "1"];
    let mut w = World::empty(&options);
    let port = w.anvil.port();

    let three_written = |w: &World| {
        let count = || {
            let text = std::fs::read(&w.deployment).ok()?;
            let value: Value = serde_json::from_slice(&text).ok()?;
            Some(value["contracts"].as_object()?.len())
        };
        while count().unwrap_or(0) < 3 {
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    // The command is killed.
    let mut child = w
        .command(CURATOR, &["deploy"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    three_written(&w);
    child.kill().unwrap();
    child.wait().unwrap();
    let known = read::<Deployment>(&w.deployment).contracts.len();

    // The node goes down.
    let mut child = w
        .command(CURATOR, &["deploy"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while read::<Deployment>(&w.deployment).contracts.len() < known + 2 {
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::sleep(Duration::from_millis(50));
    }
    let fresh = Anvil::start(&[]);
    std::mem::replace(&mut w.anvil, fresh).stop();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("run the same command again"), "{stderr}");

    w.anvil = Anvil::start_on(port, &options);
    let done = w.ok(CURATOR, &["deploy"]).pop().unwrap();
    assert!(done["kept"].as_u64().unwrap() >= known as u64 + 2, "{done}");
    let deployment: Deployment = read(&w.deployment);
    assert_eq!(deployment.contracts.len(), 16);
    let without = deployment
        .contracts
        .values()
        .filter(|c| c.transaction.is_none());
    assert_eq!(without.count(), 0, "every transaction is known");
}

/// What is signed here is what the contracts check, and what is hashed here what they hash.
#[test]
fn digests_are_those_of_the_contracts() {
    let w = World::new();
    let (session, job) = w.posted(&modes::OPTIMISTIC);
    let client = Client::connect(&w.anvil.url(), None).unwrap();
    let deployment: Deployment = read(&w.deployment);
    let address = |name: &str| deployment.address(name).unwrap();
    let domains = domains(&deployment);
    let (market, book) = (domains.market, domains.book);

    let file: RequestFile = read(&session.with_extension("json"));
    let request = file.request.to_abi().unwrap();
    let id = client
        .read(
            market,
            &market::jobIdOfCall {
                request: request.clone(),
            },
        )
        .unwrap();
    assert_eq!((id, id.to_string()), (domains.job(&request), job));
    let provider: Address = PROVIDER_ADDRESS.parse().unwrap();
    let lock = client
        .read(
            market,
            &market::lockDigestCall {
                job: id,
                provider,
                deadline: 1_000,
            },
        )
        .unwrap();
    assert_eq!(lock, domains.lock(id, provider, 1_000));

    let local: Claim = read(&session.join("claim.json"));
    let header = header(&local).unwrap();
    let digest = client
        .read(
            book,
            &book::headerDigestCall {
                header: header.clone(),
            },
        )
        .unwrap();
    assert_eq!(digest, domains.header(&header));
    let output = B256::repeat_byte(3);
    let digest = client
        .read(book, &book::revealDigestCall { job: id, output })
        .unwrap();
    assert_eq!(digest, domains.reveal(id, output));

    // What is posted is what the session says.
    let posted = Posted::find(&client, book, id).unwrap().unwrap();
    let claim = &posted.claim;
    let of_contract = client
        .read(
            book,
            &book::idOfCall {
                claim: claim.clone(),
            },
        )
        .unwrap();
    assert_eq!((of_contract, posted.provider), (posted.id, provider));
    posted.check(&local).unwrap();
    assert_eq!(claim.statement, B256::from(local.statement()));
    assert_eq!(claim.activations, header.activations);
    assert_eq!(claim.outputDigest, header.outputDigest);
    assert_eq!(claim.seedDigest, header.seedDigest);
    assert_eq!((claim.job, posted.points.len()), (id, 9));
    assert_eq!(posted.points, header.points);
    // And its packed words are taken apart as by the contract.
    let terms = client
        .read(
            address("ClaimLens"),
            &lens::termsOfCall {
                claim: posted.for_lens(),
            },
        )
        .unwrap();
    assert_eq!(format!("{:?}", posted.terms()), format!("{terms:?}"));
    assert_eq!((terms.layers, terms.mode), (4, 1));

    // Somebody else opens, takes and posts on signatures.
    let (file, job) = w.request(&[]);
    w.ok(CHALLENGER, &["job", "open", path(&file)]);
    w.ok(PROVIDER, &["job", "lock", path(&file), "--unchecked"]);
    let session = w.run(fixture(), &file);
    w.fails(
        CHALLENGER,
        &["claim", "post", path(&session)],
        &["--signature"],
    );
    let signed = w
        .ok(PROVIDER, &["claim", "post", path(&session), "--sign-only"])
        .remove(0);
    let signature = signed["signature"].as_str().unwrap();
    let wrong = format!("{}{}", &signature[..20], "00".repeat(56));
    w.fails(
        CHALLENGER,
        &["claim", "post", path(&session), "--signature", &wrong],
        &["BadSignature"],
    );
    let post = ["claim", "post", path(&session), "--signature", signature];
    let posted = w.ok(CHALLENGER, &post);
    assert_eq!(events(&posted), ["JobClaimed", "ClaimPosted"]);
    assert_eq!(w.status(&job)["status"], "posted");
}

//! Whole lives of claims.

use crate::anvil::*;
use crate::common::*;
use crate::read;
use crate::world::*;
use nanozk_chain::Client;
use nanozk_chain::bindings::{adapter, statements};
use nanozk_chain::claim::Posted;
use nanozk_chain::client::Call;
use nanozk_chain::deployment::Deployment;
use nanozk_chain::output::OutputFile;
use nanozk_chain::primitives::{B256, Bytes};
use nanozk_chain::signing::sign;
use nanozk_chain::sol_types::{SolCall, SolValue};
use nanozk_verifier::Claim;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Proofs settle at once: the requester waives the time to demand the output.
pub(crate) const WAIVED: [&str; 4] = ["--mode", "proofs", "--challenge-window", "0"];
pub(crate) const PROOFS: [&str; 2] = ["--mode", "proofs"];
pub(crate) const OPTIMISTIC: [&str; 2] = ["--mode", "optimistic"];

/// What a list of options and more is.
fn with<'a>(args: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [args, more].concat()
}

#[test]
fn proofs_settle_at_once() {
    let w = World::new();
    let (file, job) = w.request(&WAIVED);
    let [free, _] = w.balance(REQUESTER);
    let open = ["job", "open", path(&file)];
    assert_eq!(
        w.ok(REQUESTER, &with(&open, &["--dry-run"]))[0]["event"],
        "dry_run"
    );
    w.ok(REQUESTER, &open);
    assert_eq!(w.ok(REQUESTER, &open)[0]["event"], "already");
    let price = w.amount(&job, "price");
    assert_eq!(w.balance(REQUESTER)[0], free - price);
    let lock = ["job", "lock", path(&file), "--unchecked"];
    w.ok(PROVIDER, &lock);
    assert_eq!(w.ok(PROVIDER, &lock)[0]["event"], "already");
    let session = w.run(fixture(), &file);
    let post = ["claim", "post", path(&session)];
    w.ok(PROVIDER, &post);
    assert_eq!(w.ok(PROVIDER, &post)[0]["event"], "already");

    // A layer first.
    let prove = ["claim", "prove", path(&session)];
    let words = ["final.json does not exist", "nanozk aggregate"];
    w.fails(PROVIDER, &prove, &words);
    w.prove(&session, "1");
    let block = w.anvil.block();
    let dry = w.ok(PROVIDER, &with(&prove, &["--dry-run"]));
    assert!(dry[0]["gas"].as_u64().unwrap() > 200_000, "{dry:?}");
    assert_eq!(w.anvil.block(), block, "a dry run sends nothing");
    let [provider, bonded] = w.balance(PROVIDER);
    assert_eq!(events(&w.ok(PROVIDER, &prove)), ["LayersProven"]);
    let status = w.status(&job);
    assert_eq!(
        (&status["status"], &status["proven"]),
        (&json!("posted"), &json!([1]))
    );
    assert_eq!(w.balance(PROVIDER), [provider, bonded], "not paid for that");
    let finalize = ["claim", "finalize", &job];
    w.fails(PROVIDER, &finalize, &["NotInThisMode"]);
    let challenge = ["claim", "challenge", &job, "--layer", "0"];
    w.fails(CHALLENGER, &challenge, &["NotInThisMode"]);

    // All of them, and anybody may send the proof.
    w.prove(&session, "all");
    let proven = events(&w.ok(CHALLENGER, &prove));
    for name in ["ClaimEnded", "JobSettled", "Released"] {
        assert!(proven.contains(&name.into()), "no {name}: {proven:?}");
    }
    let status = w.status(&job);
    assert_eq!(
        (&status["status"], &status["job"]["status"]),
        (&json!("proven"), &json!("settled"))
    );
    assert_eq!(status["proven"], json!([0, 1, 2, 3]));
    let stake = w.amount(&job, "stake");
    assert_eq!(w.balance(PROVIDER), [provider + price, bonded + stake]);
    assert_eq!(w.ok(PROVIDER, &prove)[0]["event"], "already");

    // The session is as good off chain, and so is the final proof.
    let f = fixture();
    f.json_ok(&f.verify(&session));
    let last = [&f.verify(&session)[..], &["--final"]].concat();
    f.json_ok(&last);
    w.ok(PROVIDER, &["escrow", "withdraw", "0.001eth"]);
    let status = ["job", "status", path(&file)];
    let text = w.text(
        CHALLENGER,
        &with(&status, &["--explorer", "https://explorer"]),
    );
    for word in [
        "Proven",
        "https://explorer/address/0x",
        "explainStatus",
        "settled",
    ] {
        assert!(text.contains(word), "no {word} in {text}");
    }
}

/// A final proof of all layers of the sessions in the mode of proofs and in the optimistic one.
fn both(w: &World, first: &Path, second: &Path) -> PathBuf {
    let both = once("both", |folder| {
        let sessions = ["aggregate", path(first), path(second), "-o"];
        fixture().json_ok(&with(&sessions, &[path(&folder.join("both.json"))]));
    });
    let file = w.file("both.json");
    std::fs::copy(both.join("both.json"), &file).unwrap();
    file
}

/// Verification without a job, by a real proof: what contracts of others rest on.
#[test]
fn whole_sessions_are_verified_without_a_job() {
    let (w, f) = (World::new(), fixture());
    let deployment: Deployment = read(&w.deployment);
    let to = deployment.address("StatementVerifier").unwrap();
    let session = w.file("stateless");
    let (contract, word) = (to.to_string(), format!("0x{}", "2a".repeat(32)));
    let run = ["run", "--model", path(&f.model), "--prompt", "ab c"];
    let place = [
        "--chain",
        "31337",
        "--contract",
        &contract,
        "--claim",
        &word,
    ];
    let rest = [
        "--max-new-tokens",
        "2",
        "--recipient",
        PROVIDER_ADDRESS,
        "-o",
        path(&session),
    ];
    f.json_ok(&[&run[..], &place, &rest].concat());
    let check = ["claim", "check", path(&session)];
    w.fails(
        PROVIDER,
        &check,
        &["final.json does not exist", "nanozk aggregate"],
    );
    let part = w.file("part.json");
    let aggregate = ["aggregate", path(&session)];
    f.json_ok(&with(&aggregate, &["--layers", "1", "-o", path(&part)]));
    let partly = with(&check, &["--proof", path(&part)]);
    // Judged by the contract, and not accepted.
    let rejected = |args: &[&str], words: &str| {
        let (code, objects, stderr) = w.call(PROVIDER, args);
        assert_eq!(code, 1, "{stderr}");
        let reason = objects[0]["reason"].as_str().unwrap();
        assert!(reason.contains(words), "{reason}");
    };
    rejected(&partly, "does not show all layers");
    f.json_ok(&aggregate);
    std::fs::copy(session.join("final.json"), &part).unwrap();
    edit(&part, |file| {
        let digest = file["claims"][0]["windows"][0]["digest"]
            .as_str()
            .unwrap()
            .to_owned();
        let last = if digest.ends_with('0') { "1" } else { "0" };
        file["claims"][0]["windows"][0]["digest"] =
            json!(format!("{}{last}", &digest[..digest.len() - 1]));
    });
    rejected(&partly, "the proof is false");
    let claim: Claim = read(&session.join("claim.json"));
    let statement = B256::from(claim.statement());
    let verified = w.ok(PROVIDER, &check).remove(0);
    assert_eq!(verified["event"], "verified");
    assert_eq!(verified["statement"], json!(statement));
    // A session that is posted is another contract's.
    let (posted, _) = w.posted(&OPTIMISTIC);
    w.fails(
        PROVIDER,
        &["claim", "check", path(&posted)],
        &["its StatementVerifier"],
    );

    // What another contract sends, and then something else.
    let printed = w.ok(PROVIDER, &with(&check, &["--calldata"])).remove(0);
    assert_eq!(printed["to"], json!(to));
    let data: Bytes = serde_json::from_value(printed["calldata"].clone()).unwrap();
    let call = statements::verifyStatementCall::abi_decode(&data).unwrap();
    let client = Client::connect(&w.anvil.url(), None).unwrap();
    assert_eq!(client.read(to, &call).unwrap(), statement);
    // The same, for whoever speaks ERC-8274.
    let adapted = |output: B256| {
        let (version, recipient) = (call.session.version, call.session.recipient);
        adapter::verifyCall {
            inputHash: call.session.inputDigest,
            outputHash: output,
            metadata: (version, call.session.claim, recipient).abi_encode().into(),
            proof: data.slice(4..),
        }
    };
    let own = deployment.address("ProofVerifier").unwrap();
    let accepts = |output| client.read(own, &adapted(output)).unwrap();
    assert!(accepts(call.session.outputDigest));
    assert!(!accepts(call.session.inputDigest));
    type Change = fn(&mut statements::verifyStatementCall);
    let one = B256::with_last_byte(1);
    let changes: [(&str, Change); 12] = [
        ("the proof is false", |c| c.session.claim.0[0] ^= 1),
        ("the proof is false", |c| c.session.recipient.0[0] ^= 1),
        ("the proof is false", |c| c.session.inputDigest.0[31] ^= 1),
        ("the proof is false", |c| c.session.outputDigest.0[31] ^= 1),
        ("the proof is false", |c| c.session.promptTokens += 1),
        ("the proof is false", |c| c.session.newTokens -= 1),
        ("the proof is false", |c| c.session.activations.0[31] ^= 1),
        ("the proof is false", |c| c.session.points.swap(0, 3)),
        ("the proof is false", |c| c.leaves[0].digest.0[31] ^= 1),
        ("cannot be proved", |c| {
            c.session.decoding = B256::with_last_byte(1)
        }),
        ("", |c| c.leaves[0].program.key.0[31] ^= 1),
        ("", |c| {
            c.proof = c.proof.iter().map(|b| b ^ 1).collect::<Vec<_>>().into()
        }),
    ];
    for (number, (words, change)) in changes.into_iter().enumerate() {
        let mut other = call.clone();
        change(&mut other);
        let refused = client.read(to, &other).unwrap_err().to_string();
        assert!(refused.contains(words), "{number}: {refused}");
    }
    let mut unknown = call;
    unknown.session.version = one;
    let refused = client.read(to, &unknown).unwrap_err().to_string();
    assert!(refused.contains("no version"), "{refused}");
}

/// One proof, one transaction: it settles a claim, and answers for another one.
#[test]
fn one_proof_is_of_two_claims() {
    let (w, f) = (World::new(), fixture());
    let (first, one) = w.posted(&PROOFS);
    let (second, two) = w.posted(&OPTIMISTIC);
    w.ok(REQUESTER, &["claim", "accept-output", &one]);
    let price = w.amount(&one, "price");
    let bond = w.amount(&two, "challenge_bond");
    let before = w.balance(CHALLENGER);

    // The whole claim, with its seed: the bond is that of its four layers.
    let whole = ["claim", "challenge", &two, "--whole"];
    let secret: Value =
        serde_json::from_slice(&std::fs::read(second.join("secret.json")).unwrap()).unwrap();
    let seed = secret["seed"].as_str().unwrap();
    let wrong = format!("0x{:064x}", 7);
    w.fails(
        CHALLENGER,
        &with(&whole, &["--seed", &wrong]),
        &["SeedMismatch", "the seed is not that of the session"],
    );
    let challenged = w.ok(CHALLENGER, &with(&whole, &["--seed", seed]));
    let published = challenged[0]["events"][0]["arguments"]["seed"].as_str();
    assert_eq!(published, Some(seed));
    assert_eq!(w.balance(CHALLENGER)[0], before[0] - 4 * bond);
    assert_eq!(w.ok(CHALLENGER, &whole)[0]["event"], "already");
    // Somebody else joins, until the same deadline; and one layer is challenged besides.
    let by = w.status(&two)["open_challenges"][0]["answer_by"].clone();
    w.anvil.wait(60);
    w.ok(REQUESTER, &whole);
    w.ok(CHALLENGER, &["claim", "challenge", &two, "--layer", "1"]);
    let open = w.status(&two)["open_challenges"].clone();
    assert_eq!(open.as_array().unwrap().len(), 2, "{open}");
    assert_eq!(open[1]["target"], 255);
    assert_eq!(open[1]["what"], "the whole claim");
    assert_eq!(open[1]["answer_by"], by);

    let proof = both(&w, &first, &second);
    let prove = ["claim", "prove", path(&first), path(&second)];
    w.fails(PROVIDER, &prove, &["--proof FILE"]);
    let sent = with(&prove, &["--proof", path(&proof)]);
    // So it is for whoever has files alone.
    let files = |sessions: &[&Path], more: &[&str]| {
        let sessions: Vec<&str> = sessions.iter().map(|s| path(s)).collect();
        let given = ["--final", "--file", path(&proof), "--model-id", &f.id];
        f.json(&[&["verify"][..], &sessions, &given, more].concat())
    };
    let (code, accepted, stderr) = files(&[&first, &second], &["--model-id", &f.id]);
    assert_eq!((code, accepted.len()), (0, 2), "{stderr}");
    for (accepted, session) in accepted.iter().zip([&first, &second]) {
        assert_eq!(accepted["session"], path(session));
        assert_eq!(
            (&accepted["accepted"], &accepted["proved"]),
            (&json!(true), &json!(4))
        );
    }
    for (sessions, reason) in [
        (&[&*first][..], "is over 2 sessions, not 1"),
        (&[&second, &first], "has another statement"),
        (&[&first, &first], "has another statement"),
    ] {
        let (code, objects, stderr) = files(sessions, &[]);
        assert_eq!(code, 1, "{stderr}");
        let said = objects[0]["reason"].as_str().unwrap();
        assert!(said.contains(reason), "no {reason:?} in {said}");
    }
    for (sessions, more, words) in [
        (
            &[&*first, &second][..],
            &["--reveal"][..],
            "about one session",
        ),
        (
            &[&first, &second],
            &["--model-id", &f.id, "--model-id", &f.id],
            "given 3 times",
        ),
    ] {
        let (code, _, stderr) = files(sessions, more);
        assert!(code == 2 && stderr.contains(words), "{code} {stderr}");
    }
    let joint = ["verify", path(&first), path(&second), "--model-id", &f.id];
    f.fails(&joint, &["joint proofs are of one session"]);
    f.fails(&[&joint[..], &["--final"]].concat(), &["--file FILE"]);
    // It is about both.
    let alone = ["claim", "prove", path(&first), "--proof", path(&proof)];
    w.fails(PROVIDER, &alone, &["that of no session that is named"]);
    let [free, bonded] = w.balance(PROVIDER);
    let dry = w.ok(PROVIDER, &with(&sent, &["--dry-run"]));
    assert_eq!(dry[0]["what"], "proving 8 layers of 2 claims");
    let proven = w.ok(PROVIDER, &sent);
    let transactions = proven.iter().filter(|o| o["event"] == "transaction");
    assert_eq!(transactions.count(), 1);
    let names = events(&proven);
    for name in ["ClaimEnded", "JobSettled", "LayersProven"] {
        assert!(names.contains(&name.into()), "no {name}: {names:?}");
    }
    assert_eq!(w.status(&one)["status"], "proven");
    let status = w.status(&two);
    assert_eq!(
        (&status["status"], &status["proven"]),
        (&json!("posted"), &json!([0, 1, 2, 3])),
        "the output can be demanded still"
    );
    assert_eq!(status["open_challenges"], json!([]));
    let stake = w.amount(&one, "stake");
    assert_eq!(w.balance(PROVIDER), [free + price, bonded + stake]);
    w.fails(CHALLENGER, &whole, &["LayerIsProven", "the whole claim"]);
    let timeout = ["claim", "timeout", &two, "--whole"];
    w.fails(CHALLENGER, &timeout, &["NotChallenged"]);

    // All bonds are lost to the provider: of two whole claims and of a layer.
    let resolve = ["claim", "resolve", &two, "--whole"];
    w.fails(PROVIDER, &resolve, &["Undecided"]);
    w.fails(PROVIDER, &["claim", "finalize", &two], &["NotYet"]);
    w.anvil.wait(3_601);
    w.ok(CHALLENGER, &["claim", "finalize", &two]);
    assert_eq!(w.status(&two)["status"], "proven");
    let resolved = w.ok(PROVIDER, &resolve);
    let sent = resolved.iter().filter(|o| o["event"] == "transaction");
    assert_eq!(sent.count(), 2, "one for each challenger");
    w.fails(PROVIDER, &resolve, &["NotChallenged"]);
    w.ok(PROVIDER, &["claim", "resolve", &two, "--layer", "1"]);
    let won = 2 * price + 9 * bond;
    assert_eq!(w.balance(PROVIDER), [free + won, bonded + 2 * stake]);
    assert_eq!(w.balance(CHALLENGER), [before[0] - 5 * bond, before[1]]);

    // On another chain the second claim is over when the proof comes: it counts for the first all the same.
    let w = World::new();
    let (second, two) = w.posted(&OPTIMISTIC);
    w.anvil.wait(3_601);
    w.ok(PROVIDER, &["claim", "finalize", &two]);
    let (first, one) = w.posted(&PROOFS);
    w.ok(REQUESTER, &["claim", "accept-output", &one]);
    let prove = ["claim", "prove", path(&second), path(&first)];
    w.ok(PROVIDER, &with(&prove, &["--proof", path(&proof)]));
    let ended = [&one, &two].map(|job| w.status(job)["status"].clone());
    assert_eq!(ended, [json!("proven"), json!("finalized")]);
    let again = w.ok(PROVIDER, &with(&prove, &["--proof", path(&proof)]));
    assert_eq!(again[0]["event"], "already");
    // Each session has its own.
    let args = [&f.verify(&first)[..], &["--final"]].concat();
    f.fails(&args, &["final.json does not exist"]);
}

/// Publishes a session's tokens, which are not those that were claimed: anybody can in the provider's name, with its signature.
/// The commands refuse to do either.
fn publish_by_hand(w: &World, session: &Path, job: &str) {
    let client = Client::connect(&w.anvil.url(), Some(CHALLENGER.parse().unwrap())).unwrap();
    let deployment: Deployment = read(&w.deployment);
    let domains = domains(&deployment);
    let book = domains.book;
    let job = job.parse().unwrap();
    let posted = Posted::find(&client, book, job).unwrap().unwrap();
    let output: OutputFile = read(&session.join("output.json"));
    let call = |signature: Vec<u8>| {
        let call = output.call(&posted.claim, signature.into()).unwrap();
        Call::new("revealing the output", book, &call)
    };
    let digest = domains.reveal(job, output.hash().unwrap());
    let by = |key: &str| call(sign(&key.parse().unwrap(), digest));
    // Whoever is not the provider is not believed.
    for call in [call(Vec::new()), by(CHALLENGER)] {
        let refused = client.send(&call).unwrap_err().to_string();
        assert!(
            refused.contains("do not have the claimed digest"),
            "{refused}"
        );
    }
    client.send(&by(PROVIDER)).unwrap();
}

#[test]
fn proofs_wait_for_the_output() {
    let w = World::new();
    let (session, job) = w.posted(&PROOFS);
    let (other, second) = w.posted(&OPTIMISTIC);
    let proof = both(&w, &session, &other);
    let prove = ["claim", "prove", path(&session), path(&other)];
    let prove = with(&prove, &["--proof", path(&proof)]);
    let start = w.anvil.rpc("evm_snapshot", json!([]));
    assert_eq!(events(&w.ok(PROVIDER, &prove)), ["LayersProven"; 2]);
    w.fails(PROVIDER, &["claim", "finalize", &job], &["NotYet"]);
    // It did not arrive.
    let demand = ["claim", "demand-output", &job];
    w.fails(CHALLENGER, &demand, &["NotRequester"]);
    w.ok(REQUESTER, &demand);
    w.fails(REQUESTER, &demand, &["AlreadyChallenged"]);
    let open = w.status(&job)["open_challenges"].clone();
    assert_eq!(open[0]["what"], "the output");
    w.fails(PROVIDER, &["claim", "finalize", &job], &["ChallengesOpen"]);
    let timeout = ["claim", "timeout", &job, "--of-output"];
    w.fails(REQUESTER, &timeout, &["AnswerWindowOpen"]);
    let [free, _] = w.balance(PROVIDER);
    let dispute = ["claim", "dispute-output", &job];
    w.fails(REQUESTER, &dispute, &["was revealed", "demand-output"]);
    let demanded = w.anvil.rpc("evm_snapshot", json!([]));
    let reveal = ["claim", "reveal-output", path(&session)];
    let revealed = w.ok(PROVIDER, &reveal);
    assert!(events(&revealed).contains(&"OutputRevealed".into()));
    assert_eq!(w.status(&job)["status"], "posted");
    w.fails(
        REQUESTER,
        &dispute,
        &["nothing to dispute", "OutputIsRight"],
    );
    w.fails(CHALLENGER, &dispute, &["NotRequester"]);
    w.fails(PROVIDER, &["claim", "finalize", &job], &["NotYet"]);
    w.anvil.wait(3_601);
    w.fails(REQUESTER, &dispute, &["DisputeWindowOver"]);
    w.ok(PROVIDER, &["claim", "finalize", &job]);
    assert_eq!(w.status(&job)["status"], "proven");
    assert_eq!(w.balance(PROVIDER)[0], free + w.amount(&job, "price"));

    // Once more from there, and nobody answers: proofs of all layers do not help.
    w.anvil.rpc("evm_revert", json!([demanded]));
    w.anvil.wait(3_601);
    w.fails(PROVIDER, &reveal, &["AnswerWindowOver", "the output"]);
    let [requester, _] = w.balance(REQUESTER);
    let (price, stake) = (w.amount(&job, "price"), w.amount(&job, "stake"));
    let ended = events(&w.ok(CHALLENGER, &timeout));
    assert!(ended.contains(&"JobSlashed".into()), "{ended:?}");
    assert_eq!(
        w.balance(REQUESTER)[0],
        requester + price + stake * 3 / 10,
        "its own part of the stake"
    );
    // And the challengers', whose only one it was.
    w.ok(CHALLENGER, &["claim", "resolve", &job, "--of-output"]);
    assert_eq!(
        w.balance(REQUESTER)[0],
        requester + price + stake * 3 / 10 + stake * 4 / 10
    );

    // Others than the tokens that were claimed, in the provider's name.
    w.anvil.rpc("evm_revert", json!([start]));
    let start = w.anvil.rpc("evm_snapshot", json!([]));
    w.ok(REQUESTER, &demand);
    let right = std::fs::read(session.join("output.json")).unwrap();
    edit(&session.join("output.json"), |o| o["tokens"][0] = json!(1));
    w.fails(PROVIDER, &reveal, &["do not open the output digest"]);
    let sign = ["claim", "sign", path(&session)];
    w.fails(PROVIDER, &sign, &["do not open the output digest"]);
    publish_by_hand(&w, &session, &job);
    let lost = w.ok(REQUESTER, &dispute);
    assert!(events(&lost).contains(&"JobSlashed".into()), "{lost:?}");
    assert_eq!(w.status(&job)["status"], "defeated");
    // Then the proof comes too late, but for the other claim.
    assert_eq!(events(&w.ok(PROVIDER, &prove)), ["LayersProven"]);
    let proven = [&job, &second].map(|job| w.status(job)["proven"].clone());
    assert_eq!(proven, [json!([]), json!([0, 1, 2, 3])]);
    assert_eq!(w.status(&job)["status"], "defeated");

    // The right ones from somebody without any signature: computed at once, and settled with the proof.
    w.anvil.rpc("evm_revert", json!([start]));
    let start = w.anvil.rpc("evm_snapshot", json!([]));
    std::fs::write(session.join("output.json"), right).unwrap();
    w.ok(PROVIDER, &prove);
    w.ok(REQUESTER, &demand);
    w.ok(CHALLENGER, &reveal);
    assert_eq!(w.status(&job)["status"], "proven");

    // It did arrive: whether that is said before the proof or after it.
    w.anvil.rpc("evm_revert", json!([start]));
    let start = w.anvil.rpc("evm_snapshot", json!([]));
    let accept = ["claim", "accept-output", path(&session)];
    w.ok(PROVIDER, &prove);
    w.fails(CHALLENGER, &accept, &["NotRequester"]);
    w.ok(REQUESTER, &accept);
    assert_eq!(w.status(&job)["status"], "proven");
    w.anvil.rpc("evm_revert", json!([start]));
    w.ok(REQUESTER, &accept);
    w.fails(REQUESTER, &demand, &["AlreadyChallenged", "accepted"]);
    let proven = events(&w.ok(PROVIDER, &prove));
    assert!(proven.contains(&"JobSettled".into()), "{proven:?}");
    assert_eq!(w.status(&job)["status"], "proven");
}

#[test]
fn a_challenge_is_answered() {
    let w = World::new();
    let (session, job) = w.posted(&OPTIMISTIC);
    let bond = w.amount(&job, "challenge_bond");
    let [before, _] = w.balance(CHALLENGER);
    let challenge = ["claim", "challenge", &job, "--layer", "1"];
    let dry = w.ok(CHALLENGER, &with(&challenge, &["--dry-run"]));
    assert_eq!(dry[0]["what"], "challenging layer 1");
    assert_eq!(w.balance(CHALLENGER)[0], before);
    w.ok(CHALLENGER, &challenge);
    assert_eq!(w.balance(CHALLENGER)[0], before - bond);
    assert_eq!(w.ok(CHALLENGER, &challenge)[0]["event"], "already");
    assert_eq!(w.balance(CHALLENGER)[0], before - bond, "not twice");
    w.fails(
        CHALLENGER,
        &["claim", "challenge", &job, "--layer", "9"],
        &["NoSuchTarget", "4"],
    );
    w.fails(
        CHALLENGER,
        &["claim", "timeout", &job, "--layer", "1"],
        &["AnswerWindowOpen"],
    );
    w.fails(
        CHALLENGER,
        &["claim", "timeout", &job, "--layer", "2"],
        &["NotChallenged", "layer 2"],
    );
    assert_eq!(w.status(&job)["open_challenges"][0]["target"], 1);

    let prove = ["claim", "prove", path(&session)];
    w.fails(PROVIDER, &prove, &["final.json does not exist"]);
    w.prove(&session, "1");
    let [free, bonded] = w.balance(PROVIDER);
    let dry = w.ok(PROVIDER, &with(&prove, &["--dry-run"]));
    assert_eq!(dry[0]["what"], "proving a layer");
    assert_eq!(events(&w.ok(PROVIDER, &prove)), ["LayersProven"]);
    assert_eq!(w.balance(PROVIDER)[0], free, "not before it is certain");
    let status = w.status(&job);
    assert_eq!(
        (&status["proven"], &status["open_challenges"]),
        (&json!([1]), &json!([]))
    );
    w.fails(CHALLENGER, &challenge, &["LayerIsProven"]);

    w.fails(PROVIDER, &["claim", "finalize", &job], &["NotYet"]);
    w.anvil.wait(3_601);
    w.fails(
        CHALLENGER,
        &["claim", "challenge", &job, "--layer", "2"],
        &["ChallengeWindowOver"],
    );
    w.ok(PROVIDER, &["claim", "finalize", &job]);
    assert_eq!(w.status(&job)["status"], "finalized");
    let (price, stake) = (w.amount(&job, "price"), w.amount(&job, "stake"));
    assert_eq!(w.balance(PROVIDER), [free + price, bonded + stake]);
    let resolve = ["claim", "resolve", &job, "--layer", "1"];
    w.ok(CHALLENGER, &resolve);
    assert_eq!(
        w.balance(PROVIDER)[0],
        free + bond + price,
        "a failed challenge pays"
    );
    w.fails(CHALLENGER, &resolve, &["NotChallenged"]);
    w.fails(
        PROVIDER,
        &["claim", "finalize", &job],
        &["ClaimIsOver", "finalized"],
    );
    assert_eq!(w.ok(PROVIDER, &prove)[0]["event"], "already");
}

/// Draws until layer 1 is drawn, or another one.
fn draw(w: &World, job: &str, wanted: bool) -> Value {
    for _ in 0..100 {
        let before = w.anvil.rpc("evm_snapshot", json!([]));
        w.anvil.mine(80);
        let drawn = w.ok(PROVIDER, &["claim", "draw", job]).pop().unwrap();
        if (drawn["layers"] == json!([1])) == wanted {
            return drawn;
        }
        w.anvil.rpc("evm_revert", json!([before]));
    }
    panic!("layer 1 is drawn always, or never");
}

/// A draw is answered by proofs of the drawn layers, and by no others.
#[test]
fn drawn_layers_are_proven() {
    let w = World::new();
    let (session, job) = w.posted(&["--mode", "audited"]);
    let early = ["claim", "draw", &job];
    w.fails(PROVIDER, &early, &["draws the layers", "try again"]);
    w.prove(&session, "1");
    let prove = ["claim", "prove", path(&session)];
    let finalize = ["claim", "finalize", path(&session)];
    let posted = w.anvil.rpc("evm_snapshot", json!([]));

    // Another layer than the proven one.
    let drawn = draw(&w, &job, false);
    let layers: Vec<u64> = serde_json::from_value(drawn["layers"].clone()).unwrap();
    assert_eq!(layers.len(), 1, "a quarter of four");
    assert_eq!(drawn["missing"], drawn["layers"]);
    assert_eq!(w.status(&job)["drawn"], drawn["layers"]);
    assert_eq!(events(&w.ok(PROVIDER, &prove)), ["LayersProven"]);
    let again = w.ok(PROVIDER, &["claim", "draw", path(&session)]);
    assert_eq!(again[0]["missing"], drawn["layers"]);
    let text = w.text(PROVIDER, &["claim", "draw", &job]);
    let hint = format!("nanozk aggregate SESSION --layers {}", layers[0]);
    assert!(text.contains(&hint), "{text}");
    w.anvil.wait(3_601);
    w.fails(PROVIDER, &finalize, &["DrawnLayersMissing"]);
    let expire = ["claim", "expire", &job];
    w.fails(CHALLENGER, &expire, &["NotYet"]);
    w.anvil.wait(3_601);
    w.fails(PROVIDER, &finalize, &["DrawnLayersMissing"]);
    w.fails(PROVIDER, &prove, &["ProvingIsOver"]);
    w.ok(CHALLENGER, &expire);
    assert_eq!(w.status(&job)["status"], "defeated");

    // That one.
    w.anvil.rpc("evm_revert", json!([posted]));
    w.fails(PROVIDER, &finalize, &["NotYet"]);
    draw(&w, &job, true);
    let [free, bonded] = w.balance(PROVIDER);
    w.anvil.wait(3_601);
    w.fails(PROVIDER, &finalize, &["DrawnLayersMissing"]);
    w.ok(PROVIDER, &prove);
    let again = w.ok(PROVIDER, &["claim", "draw", path(&session)]);
    assert_eq!(again[0]["missing"], json!([]));
    let done = w.anvil.rpc("evm_snapshot", json!([]));
    w.anvil.wait(7_201);
    w.fails(CHALLENGER, &expire, &["NothingMissing"]);
    w.anvil.rpc("evm_revert", json!([done]));
    w.ok(CHALLENGER, &finalize);
    assert_eq!(w.status(&job)["status"], "finalized");
    let (price, stake) = (w.amount(&job, "price"), w.amount(&job, "stake"));
    assert_eq!(w.balance(PROVIDER), [free + price, bonded + stake]);
}

#[test]
fn drawn_layers_that_are_not_proven_defeat() {
    let w = World::new();
    let (_, job) = w.posted(&["--mode", "audited"]);
    let posted = w.anvil.rpc("evm_snapshot", json!([]));
    let expected = || {
        let [free, _] = w.balance(REQUESTER);
        free + w.amount(&job, "price") + w.amount(&job, "stake") * 3 / 10
    };
    w.anvil.mine(80);
    w.ok(CHALLENGER, &["claim", "draw", &job]);
    w.fails(CHALLENGER, &["claim", "expire", &job], &["NotYet"]);
    w.anvil.wait(7_201);
    let after = expected();
    w.ok(CHALLENGER, &["claim", "expire", &job]);
    let status = w.status(&job);
    assert_eq!(
        (&status["status"], &status["job"]["status"]),
        (&json!("defeated"), &json!("slashed"))
    );
    assert_eq!(w.balance(REQUESTER)[0], after);

    // A draw that nobody revealed draws all layers.
    w.anvil.rpc("evm_revert", json!([posted]));
    w.anvil.wait(3_601);
    w.fails(PROVIDER, &["claim", "finalize", &job], &["NotRevealed"]);
    w.anvil.wait(3_601);
    let after = expected();
    w.ok(CHALLENGER, &["claim", "expire", &job]);
    assert_eq!(w.balance(REQUESTER)[0], after);
}

/// A final proof as if it were about another statement.
pub(crate) fn relabel(proof: &Path, statement: &str) {
    edit(proof, |f| f["claims"][0]["statement"] = json!(statement));
}

#[test]
fn other_weights_are_slashed() {
    let w = World::new();
    let (file, job) = w.locked(&OPTIMISTIC);
    let f = fixture();
    f.fails(
        &[
            "run",
            "--model",
            path(&other_model()),
            "--request",
            path(&file),
            "-o",
            path(&w.file("s")),
        ],
        &["the request is for model"],
    );
    let (honest, forged) = forged(&w, &file);
    w.ok(PROVIDER, &["claim", "post", path(&forged)]);
    w.ok(CHALLENGER, &["claim", "challenge", &job, "--layer", "2"]);

    // The registered weights do not give the claimed activations, and other weights are not registered.
    let aggregate = ["aggregate", path(&forged), "--layers", "2"];
    f.fails(
        &with(&aggregate, &["--model", path(&f.model)]),
        &["layer 2"],
    );
    let proof = forged.join("final.json");
    let made = ["aggregate", path(&honest), "--layers", "2"];
    f.json_ok(&with(&made, &["-o", path(&proof)]));
    let prove = ["claim", "prove", path(&forged)];
    w.fails(PROVIDER, &prove, &["that of no session that is named"]);
    let statement = w.status(&job)["statement"].as_str().unwrap().to_owned();
    relabel(&proof, &statement);
    w.fails(PROVIDER, &prove, &["the proof is false", "ProofRejected"]);

    w.anvil.wait(3_601);
    let [challenger, _] = w.balance(CHALLENGER);
    let [requester, _] = w.balance(REQUESTER);
    let [provider, bonded] = w.balance(PROVIDER);
    let ended = w.ok(CHALLENGER, &["claim", "timeout", &job, "--layer", "2"]);
    assert!(events(&ended).contains(&"JobSlashed".into()), "{ended:?}");
    let status = w.status(&job);
    assert_eq!(
        (&status["status"], &status["job"]["status"]),
        (&json!("defeated"), &json!("slashed"))
    );
    let [price, stake, bond] =
        ["price", "stake", "challenge_bond"].map(|name| w.amount(&job, name));
    assert_eq!(w.balance(CHALLENGER)[0], challenger);
    w.ok(REQUESTER, &["claim", "resolve", &job, "--layer", "2"]);
    assert_eq!(w.balance(CHALLENGER)[0], challenger + bond + stake * 4 / 10);
    assert_eq!(w.balance(REQUESTER)[0], requester + price + stake * 3 / 10);
    assert_eq!(w.balance(PROVIDER), [provider, bonded]);
}

#[test]
fn jobs_end_without_a_claim() {
    let w = World::new();
    let [free, bonded] = w.balance(PROVIDER);
    let (file, job) = w.request(&[]);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    w.fails(CHALLENGER, &["job", "cancel", &job], &["NotRequester"]);
    w.ok(REQUESTER, &["job", "cancel", path(&file)]);
    assert_eq!(w.status(&job)["job"]["status"], "refunded");

    // A request that is signed and not opened: whoever has it could.
    let (file, job) = w.request(&["#2"]);
    let cancel = ["job", "cancel", path(&file)];
    w.fails(REQUESTER, &["job", "cancel", &job], &["give its file"]);
    w.fails(CHALLENGER, &cancel, &["only who signed"]);
    w.ok(REQUESTER, &cancel);
    assert_eq!(w.ok(REQUESTER, &cancel)[0]["event"], "already");
    let open = ["job", "open", path(&file)];
    w.fails(REQUESTER, &open, &["used the nonce of this request before"]);

    let (_, job) = w.locked(&["--lock-within", "2h"]);
    w.fails(CHALLENGER, &["job", "expire", &job], &["DeadlineNotPassed"]);
    w.anvil.wait(3 * 3_600 + 1);
    w.ok(CHALLENGER, &["job", "expire", &job]);
    let (stake, price) = (w.amount(&job, "stake"), w.amount(&job, "price"));
    assert_eq!(w.balance(PROVIDER), [free + stake - price, bonded - stake]);
}

/// Under a frozen verifier nothing is proven and nobody is slashed: everybody gets back what they put in.
#[test]
fn frozen_verifiers_void() {
    let w = World::new();
    let before = [REQUESTER, PROVIDER, CHALLENGER].map(|key| w.balance(key));
    let (session, job) = w.posted(&OPTIMISTIC);
    w.prove(&session, "1");
    w.ok(CHALLENGER, &["claim", "challenge", &job, "--layer", "1"]);
    w.ok(CHALLENGER, &["claim", "challenge", &job, "--whole"]);
    let (file, _) = w.request(&["--lock-within", "3h"]);
    let (_, locked) = w.locked(&WAIVED);
    w.fails(PROVIDER, &["claim", "void", &job], &["StillUsable"]);

    let freeze = ["freeze", "--reason", "a flaw"];
    let dry = w.ok(CURATOR, &with(&freeze, &["--dry-run"]));
    assert_eq!(dry[0]["event"], "dry_run");
    w.fails(PROVIDER, &["claim", "void", &job], &["StillUsable"]);
    w.freeze();
    assert_eq!(w.ok(CURATOR, &freeze)[0]["event"], "already");
    let prove = ["claim", "prove", path(&session)];
    w.fails(PROVIDER, &prove, &["frozen", "VerifierUnusable"]);
    w.anvil.wait(3_601);
    let timeout = ["claim", "timeout", &job, "--layer", "1"];
    w.fails(CHALLENGER, &timeout, &["VerifierUnusable", "frozen"]);
    let next = w.status(&job)["next"].clone();
    assert_eq!(next["action"], "voidClaim");
    w.ok(CHALLENGER, &["claim", "void", path(&session)]);
    w.ok(CHALLENGER, &["claim", "resolve", &job, "--layer", "1"]);
    w.ok(CHALLENGER, &["claim", "resolve", &job, "--whole"]);
    // A job that was taken and not claimed ends before its time, and costs its provider nothing.
    w.ok(PROVIDER, &["job", "expire", &locked]);
    let after = [REQUESTER, PROVIDER, CHALLENGER].map(|key| w.balance(key));
    assert_eq!(after, before);
    let status = w.status(&job);
    assert_eq!(
        (&status["status"], &status["job"]["status"]),
        (&json!("voided"), &json!("refunded"))
    );

    // No new jobs either.
    let open = ["job", "open", path(&file)];
    w.fails(REQUESTER, &open, &["is frozen"]);
    // Of another address nothing is known, and it can be frozen before it is used.
    let other = with(&freeze, &["--verifier", REQUESTER_ADDRESS]);
    assert_eq!(events(&w.ok(CURATOR, &other)), ["VerifierFrozen"]);
}

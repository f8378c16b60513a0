//! What can go wrong, each with a message that helps.

use crate::anvil::*;
use crate::common::*;
use crate::modes::{OPTIMISTIC, WAIVED, relabel};
use crate::world::*;
use nanozk_chain::Client;
use nanozk_chain::PrivateKeySigner;
use nanozk_chain::bindings::registry;
use nanozk_chain::client::Call;
use nanozk_chain::deployment::Deployment;
use nanozk_chain::policy::{Wishes, registration, terms};
use nanozk_chain::primitives::U256;
use nanozk_chain::request::RequestFile;
use nanozk_chain::signing::sign;
use nanozk_verifier::{CheckedManifest, Manifest};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[test]
fn nodes_and_deployments_that_do_not_fit() {
    let w = World::new();
    let balance = ["escrow", "balance"];
    let with = |options: &[&'static str]| [&balance[..], options].concat();
    w.fails(
        REQUESTER,
        &with(&["--rpc", "http://127.0.0.1:1"]),
        &["127.0.0.1:1 does not answer"],
    );
    w.fails(
        REQUESTER,
        &with(&["--rpc", "nonsense"]),
        &["\"nonsense\" is not the URL of a node"],
    );
    w.fails(
        REQUESTER,
        &with(&["--deployment", "nowhere.json"]),
        &["no deployment is known on chain 31337", "nowhere.json"],
    );
    // A secret in the node's address is not repeated.
    let (_, _, stderr) = w.call(REQUESTER, &with(&["--rpc", "http://127.0.0.1:1/secret"]));
    assert!(!stderr.contains("secret"), "{stderr}");

    let doctor = |code: i32| -> Vec<(String, String)> {
        let (status, objects, stderr) = w.call(REQUESTER, &["doctor"]);
        assert_eq!(status, code, "{objects:?} {stderr}");
        let checks = objects.iter().filter(|o| o["check"].is_string());
        let text = |o: &Value, name: &str| o[name].as_str().unwrap().to_owned();
        checks
            .map(|o| (text(o, "check"), text(o, "state")))
            .collect()
    };
    // Not behind, however slow this machine is.
    w.anvil.rpc("evm_increaseTime", json!([86_400]));
    w.anvil.rpc("evm_mine", json!([]));
    let healthy = doctor(0);
    for what in ["node", "headers", "deployment", "account"] {
        assert!(healthy.contains(&(what.into(), "ok".into())), "{healthy:?}");
    }
    edit(&w.deployment, |d| d["chain_id"] = json!(1));
    let of_another = doctor(1);
    assert!(of_another.contains(&("deployment".into(), "missing".into())));
    w.fails(
        REQUESTER,
        &balance,
        &["deployment is on chain 1", "of chain 31337"],
    );
    edit(&w.deployment, |d| {
        d["chain_id"] = json!(31337);
        d["contracts"]["BondEscrow"]["address"] =
            json!("0x0000000000000000000000000000000000000123");
    });
    w.fails(
        REQUESTER,
        &balance,
        &["does not answer as a contract of nanozk"],
    );
    let other_code = doctor(1);
    assert!(other_code.contains(&("deployment".into(), "missing".into())));
    edit(&w.deployment, |d| d["contracts"] = json!({}));
    w.fails(REQUESTER, &balance, &["no BondEscrow", "nanozk deploy"]);
    edit(&w.deployment, |d| {
        d["format"] = json!("nanozk-deployment-0")
    });
    w.fails(REQUESTER, &balance, &["another version of nanozk"]);
}

/// The provider's key, encrypted with `pass`.
const KEYSTORE: &str = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"53d1f70169d3cfb5c4b4054ef1679f65"},
"ciphertext":"b63c0af2eceabb37120c3f87ab4fb177105d246ef2769c99dc4617930bf4fa73","kdf":"scrypt",
"kdfparams":{"dklen":32,"n":8192,"p":1,"r":8,"salt":"402fb4b11d38b1611ce494b84551e6cbc2bc7707b41639226d7eeed9df4272f4"},
"mac":"bedcb8ddbe609ef0188674721da779e5939a2fa2d5d7be05290559200bcc1022"},
"id":"93ffd748-ff1c-4ffe-93a0-e5b12cc24d7e","version":3}"#;

#[test]
fn keys() {
    let w = World::new();
    let deposit = ["escrow", "deposit", "1eth"];
    w.fails(
        "nonsense",
        &deposit,
        &["NANOZK_PRIVATE_KEY has no private key"],
    );
    let mut command = w.command("", &deposit);
    let output = command.env_remove("NANOZK_PRIVATE_KEY").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("--private-key-file"), "{stderr}");

    // A file wins over the variable.
    let file = w.file("key");
    std::fs::write(&file, format!("{PROVIDER}\n")).unwrap();
    let balance = w.ok(
        REQUESTER,
        &["escrow", "balance", "--private-key-file", path(&file)],
    );
    assert_eq!(balance[0]["account"], PROVIDER_ADDRESS);
    w.fails(
        REQUESTER,
        &[&deposit[..], &["--private-key-file", "nowhere"]].concat(),
        &["cannot read the key"],
    );

    // A key that others may read works, and is warned of.
    let mode = |mode| {
        use std::os::unix::fs::PermissionsExt;
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&file, permissions).unwrap();
        let args = ["escrow", "balance", "--private-key-file", path(&file)];
        w.call(REQUESTER, &args).2
    };
    assert!(mode(0o644).contains("is open to others than its owner (mode 644)"));
    assert!(!mode(0o600).contains("open to others"));

    // A keystore, as geth and cast write them.
    let (keystore, password) = (w.file("keystore"), w.file("password"));
    std::fs::write(&keystore, KEYSTORE).unwrap();
    std::fs::write(&password, "pass\n").unwrap();
    let options = [
        "--keystore",
        path(&keystore),
        "--password-file",
        path(&password),
    ];
    let balance = w.ok(REQUESTER, &[&["escrow", "balance"][..], &options].concat());
    assert_eq!(balance[0]["account"], PROVIDER_ADDRESS);
    std::fs::write(&password, "wrong").unwrap();
    w.fails(
        REQUESTER,
        &[&deposit[..], &options].concat(),
        &["wrong password for the keystore", path(&keystore)],
    );

    // An account without ETH.
    let poor = format!("0x{}", "11".repeat(32));
    w.fails(&poor, &deposit, &["send it", "more"]);
}

#[test]
fn money_that_is_missing() {
    let w = World::new();
    let withdraw = ["escrow", "withdraw", "100eth"];
    w.fails(
        REQUESTER,
        &withdraw,
        &["100 ETH", "90 ETH are missing", "nanozk escrow deposit"],
    );
    w.fails(
        REQUESTER,
        &["escrow", "bond", "11eth"],
        &["1 ETH are missing"],
    );
    w.fails(
        REQUESTER,
        &["escrow", "unbond", "1eth"],
        &["1 ETH are missing", "nanozk escrow bond"],
    );
    w.fails(REQUESTER, &["escrow", "unbond"], &["NothingQueued"]);
    w.fails(REQUESTER, &["escrow", "deposit", "0"], &["AmountZero"]);
    w.fails(
        REQUESTER,
        &["escrow", "deposit", "1units", "--asset", REQUESTER_ADDRESS],
        &["does not answer"],
    );

    // A bond comes back after its delay.
    w.ok(REQUESTER, &["escrow", "bond", "1eth"]);
    w.ok(REQUESTER, &["escrow", "unbond", "1eth"]);
    w.fails(REQUESTER, &["escrow", "unbond"], &["can be taken out from"]);
    w.anvil.wait(86_401);
    w.ok(REQUESTER, &["escrow", "unbond"]);

    // Prices, stakes and challenge bonds.
    let (file, job) = w.request(&OPTIMISTIC);
    w.ok(REQUESTER, &["escrow", "withdraw", "10eth"]);
    w.fails(
        REQUESTER,
        &["job", "open", path(&file)],
        &["the price takes 0.001 ETH", "0.001 ETH are missing"],
    );
    w.ok(REQUESTER, &["escrow", "deposit", "1eth"]);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    w.ok(PROVIDER, &["escrow", "unbond", "5eth"]);
    w.fails(
        PROVIDER,
        &["job", "lock", path(&file)],
        &["the stake takes", "nanozk escrow bond"],
    );
    w.ok(PROVIDER, &["escrow", "bond", "5eth"]);
    w.ok(PROVIDER, &["job", "lock", path(&file), "--unchecked"]);
    let session = w.run(fixture(), &file);
    w.ok(PROVIDER, &["claim", "post", path(&session)]);
    w.ok(CHALLENGER, &["escrow", "withdraw", "10eth"]);
    let challenge = ["claim", "challenge", &job, "--layer", "0"];
    w.fails(
        CHALLENGER,
        &challenge,
        &["the challenge bond takes", "are missing"],
    );
}

#[test]
fn requests_that_cannot_be_served() {
    let w = World::new();
    let (file, job) = w.request(&["--lock-within", "1h"]);
    let file = path(&file);
    w.fails(
        PROVIDER,
        &["job", "lock", file],
        &["was not opened", "nanozk job open"],
    );
    w.fails(PROVIDER, &["job", "status", &job], &["UnknownJob"]);
    w.fails(
        PROVIDER,
        &["job", "status", "nonsense"],
        &["neither a session directory, nor a request, nor an id"],
    );
    w.ok(REQUESTER, &["job", "open", file]);
    w.fails(
        CHALLENGER,
        &["job", "lock", file],
        &["the job is for the provider"],
    );
    w.anvil.wait(3_601);
    w.fails(PROVIDER, &["job", "lock", file], &["could be taken until"]);

    let (late, _) = w.request(&["--lock-within", "1m"]);
    w.anvil.wait(61);
    w.fails(
        REQUESTER,
        &["job", "open", path(&late)],
        &["could be taken until", "make a new request"],
    );

    // A request that somebody changed.
    let changed = w.file("changed.json");
    for (pointer, value, word) in [
        ("/request/price", json!("0x1"), "its id is"),
        ("/request/new_tokens", json!(3), "its id is"),
        ("/prompt", json!([1]), "a prompt of 1 token where"),
        ("/format", json!("nanozk-request-0"), "another version"),
        ("/input_salt", json!("0x00"), "not valid"),
    ] {
        std::fs::copy(file, &changed).unwrap();
        edit(&changed, |r| {
            *r.pointer_mut(pointer).unwrap() = value.clone()
        });
        w.fails(REQUESTER, &["job", "open", path(&changed)], &[word]);
    }
    let f = fixture();
    std::fs::copy(file, &changed).unwrap();
    edit(&changed, |r| {
        r["input_salt"] = json!(format!("0x{:064x}", 5))
    });
    let run = [
        "run",
        "--model",
        path(&f.model),
        "--request",
        path(&changed),
        "-o",
        path(&w.file("s")),
    ]
    .map(str::to_owned);
    f.fails(&run, &["prompt and salt do not have the digest"]);

    let request = |options: &[&str], words: &[&str]| {
        let file = w.file("never.json");
        let args = [
            "job",
            "request",
            "--model",
            path(&f.model),
            "--prompt",
            "ab c",
            "-o",
            path(&file),
        ];
        w.fails(REQUESTER, &[&args[..], options].concat(), words);
        assert!(!file.exists());
    };
    request(
        &["--max-new-tokens", "4", "--price", "1000eth"],
        &["above", "that this version allows"],
    );
    request(
        &["--max-new-tokens", "9", "--price", "1wei"],
        &["8 positions", "generate at most 4"],
    );
    request(
        &["--max-new-tokens", "4", "--price", "much"],
        &["no amount"],
    );
    let version = format!("0x{}", "22".repeat(32));
    request(
        &[
            "--max-new-tokens",
            "4",
            "--price",
            "1wei",
            "--model-version",
            &version,
        ],
        &["UnknownVersion"],
    );
}

#[test]
fn claims_that_do_not_fit() {
    let w = World::new();
    let f = fixture();
    w.fails(
        PROVIDER,
        &["claim", "post", path(&f.session)],
        &["is a claim on chain 0"],
    );
    w.fails(
        PROVIDER,
        &["claim", "prove", "nowhere"],
        &["not a session directory"],
    );
    let (file, job) = w.locked(&OPTIMISTIC);
    let session = w.run(f, &file);
    let post = ["claim", "post", path(&session)];
    let prove = ["claim", "prove", path(&session)];
    w.prove(&session, "1");
    w.fails(PROVIDER, &prove, &["has no claim", "nanozk claim post"]);
    let (_, forged) = forged(&w, &file);
    w.ok(PROVIDER, &post);
    // Another session of the same job is another claim.
    std::fs::copy(session.join("final.json"), forged.join("final.json")).unwrap();
    w.fails(
        PROVIDER,
        &["claim", "prove", path(&forged)],
        &["another session"],
    );
    // So is one with other commitments, which the statement does not have.
    let other = w.file("other");
    copy(&session, &other);
    edit(&other.join("claim.json"), |c| {
        c["activations"][1] = c["activations"][0].clone();
    });
    w.fails(
        PROVIDER,
        &["claim", "prove", path(&other)],
        &["other commitments to activations"],
    );
    w.fails(PROVIDER, &["claim", "void", &job], &["StillUsable"]);
    w.fails(
        PROVIDER,
        &["claim", "draw", &job],
        &["not in the audited mode"],
    );
    for target in [&["--layer", "1"][..], &["--whole"], &["--of-output"]] {
        let resolve = [&["claim", "resolve", &job][..], target].concat();
        w.fails(PROVIDER, &resolve, &["Undecided"]);
        let timeout = [&["claim", "timeout", &job][..], target].concat();
        w.fails(PROVIDER, &timeout, &["NotChallenged"]);
    }
    w.fails(
        PROVIDER,
        &["claim", "reveal-output", path(&session)],
        &["NotChallenged", "the output is not challenged"],
    );
    w.fails(
        REQUESTER,
        &["claim", "expire", &job],
        &["NotYet", "possible from"],
    );
    // A claim that comes late.
    let late = ["--mode", "optimistic", "--lock-within", "2m"];
    let (file, _) = w.locked(&[&late[..], &["--claim-within", "1h"]].concat());
    let session = w.run(f, &file);
    w.anvil.wait(2 * 3_600);
    w.fails(
        PROVIDER,
        &["claim", "post", path(&session)],
        &["was to be claimed until"],
    );
}

/// Proofs of something else, and such as somebody damaged.
#[test]
fn proofs_that_do_not_fit() {
    let w = World::new();
    let (session, job) = w.posted(&OPTIMISTIC);
    let (other, _) = w.posted(&WAIVED);
    w.prove(&session, "1");
    w.prove(&other, "1");
    w.ok(CHALLENGER, &["claim", "challenge", &job, "--layer", "1"]);
    let proof = session.join("final.json");
    let good = std::fs::read(&proof).unwrap();
    let value: Value = serde_json::from_slice(&good).unwrap();
    let prove = ["claim", "prove", path(&session)];
    let block = w.anvil.block();

    // Of the other session: by its own name, with the file given, and as if it were of this one.
    let strange = other.join("final.json");
    let given = [&prove[..], &["--proof", path(&strange)]].concat();
    w.fails(PROVIDER, &given, &["that of no session that is named"]);
    std::fs::copy(&strange, &proof).unwrap();
    w.fails(PROVIDER, &prove, &["that of no session that is named"]);
    let statement = value["claims"][0]["statement"].as_str().unwrap();
    relabel(&proof, statement);
    w.fails(PROVIDER, &prove, &["the proof is false", "ProofRejected"]);
    // Naming both makes it no better.
    let both = ["claim", "prove", path(&session), path(&other), "--proof"];
    w.fails(
        PROVIDER,
        &[&both[..], &[path(&proof)]].concat(),
        &["ProofRejected"],
    );

    // Damaged.
    let hex = value["proof"].as_str().unwrap();
    let flipped = |byte: usize| {
        let mut bytes = hex.as_bytes().to_vec();
        // The last digit of a byte.
        let at = 2 + 2 * byte + 1;
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        json!(String::from_utf8(bytes).unwrap())
    };
    let part = |from: usize, to: usize| &hex[2 + 2 * from..2 + 2 * to];
    let with = |from: usize, part: &str| {
        let at = 2 + 2 * from;
        json!(format!("{}{part}{}", &hex[..at], &hex[at + part.len()..]))
    };
    // Five points, 22 scalars, two points.
    let all = "f".repeat(64);
    let swapped = [part(1088, 1152), part(1024, 1088)].concat();
    let cases = [
        ("/proof", flipped(31), "PointNotOnCurve"),
        ("/proof", flipped(1151), "PointNotOnCurve"),
        ("/proof", with(0, &all), "CoordinateNotReduced"),
        ("/proof", with(320, &all), "ScalarNotReduced"),
        ("/proof", flipped(351), "ProofRejected"),
        ("/proof", flipped(1023), "ProofRejected"),
        ("/proof", with(1024, &swapped), "ProofRejected"),
        // As if it were of all layers.
        (
            "/claims/0/windows/0",
            json!({"first": 0, "count": 4, "digest": value["claims"][0]["windows"][0]["digest"]}),
            "ProofRejected",
        ),
        ("/proof", json!(hex[..hex.len() - 2]), "WrongProofLength"),
        ("/proof", json!(format!("{hex}00")), "WrongProofLength"),
        ("/proof", json!("0x"), "WrongProofLength"),
        (
            "/claims/0/windows/0/digest",
            json!(format!("0x{:064x}", 5)),
            "ProofRejected",
        ),
        ("/claims/0/windows/0/first", json!(2), "ProofRejected"),
        (
            "/claims/0/windows/0/count",
            json!(2),
            "not registered with a program of the 2 layers from layer 1 on",
        ),
        ("/tree/shape", json!("0x0000"), "MalformedTree"),
        ("/tree/shape", json!("0x"), "MalformedTree"),
        (
            "/format",
            json!("nanozk-final-0"),
            "another version of nanozk",
        ),
    ];
    for (pointer, value, word) in cases {
        std::fs::write(&proof, &good).unwrap();
        edit(&proof, |f| *f.pointer_mut(pointer).unwrap() = value.clone());
        w.fails(PROVIDER, &prove, &[word]);
        let dry = [&prove[..], &["--dry-run"]].concat();
        w.fails(PROVIDER, &dry, &[word]);
    }
    std::fs::write(&proof, &good[..good.len() / 2]).unwrap();
    w.fails(PROVIDER, &prove, &["final.json"]);
    assert_eq!(w.anvil.block(), block, "nothing was sent");

    // The right one, too late for the challenge, and too late for the claim.
    std::fs::write(&proof, &good).unwrap();
    let start = w.anvil.rpc("evm_snapshot", json!([]));
    w.anvil.wait(3_601);
    w.fails(
        PROVIDER,
        &prove,
        &["AnswerWindowOver", "the challenge of layer 1", "time out"],
    );
    w.anvil.wait(3_601);
    w.fails(
        PROVIDER,
        &prove,
        &["ProvingIsOver", "layers could be proven until"],
    );
    // In time it is good.
    w.anvil.rpc("evm_revert", json!([start]));
    w.ok(PROVIDER, &prove);
    assert_eq!(w.status(&job)["proven"], json!([1]));
}

/// A copy of the model, with one program under the key of another: each is a key of one of the model's programs.
fn foreign_keys(f: &Fixture, model: &Path) {
    copy(&f.model, model);
    edit(&model.join("manifest.json"), |manifest| {
        let other = manifest["programs"][5]["key"].clone();
        assert_ne!(manifest["programs"][4]["key"], other);
        manifest["programs"][4]["key"] = other;
    });
}

/// What is said of it.
const FOREIGN_KEYS: [&str; 3] = ["program 4", "its key is", "and its layers give"];

/// The registry cannot know which keys programs have, so anybody may register a false one: nobody signs a request for it.
#[test]
fn nothing_is_asked_or_taken_of_a_model_with_foreign_keys() {
    let (w, f) = (World::new(), fixture());
    let model = w.file("model");
    foreign_keys(f, &model);
    let manifest: Manifest = crate::read(&model.join("manifest.json"));
    let manifest = CheckedManifest::new(manifest).unwrap();
    let terms = terms(&manifest, &Wishes::default()).unwrap();
    let (header, layers) = registration(&manifest, &terms);
    let deployment: Deployment = crate::read(&w.deployment);
    let address = |name: &str| deployment.address(name).unwrap();
    let call = registry::registerCall {
        header,
        layers,
        policy: terms.policy,
        verifier: address("FinalVerifier"),
        metadataURI: String::new(),
    };
    let client = Client::connect(&w.anvil.url(), Some(CHALLENGER.parse().unwrap())).unwrap();
    let call = Call::new("registering the model", address("ModelRegistry"), &call);
    client.send(&call).unwrap();

    let request = w.file("request.json");
    let asks = ["job", "request", "--model", path(&model), "--prompt"];
    let rest = ["ab c", "--max-new-tokens", "2", "--price", "1gwei", "-o"];
    let asks = [&asks[..], &rest, &[path(&request)]].concat();
    w.fails(REQUESTER, &asks, &FOREIGN_KEYS);
    assert!(!request.exists(), "nothing was signed");

    // Nor does a provider answer one that somebody signed all the same, and no watcher goes by it.
    let (file, _) = w.request(&OPTIMISTIC);
    edit(&file, |r| r["model_id"] = json!(manifest.id()));
    let session = w.file("session");
    let run = ["run", "--model", path(&model), "-o", path(&session)];
    f.fails(
        &[&run[..], &["--request", path(&file)]].concat(),
        &FOREIGN_KEYS,
    );
    // Nor takes it, though it was signed and opened past the command.
    let registry = address("ModelRegistry");
    let versions = client
        .read(registry, &registry::versionCountCall {})
        .unwrap();
    let index = versions - U256::ONE;
    let version = client
        .read(registry, &registry::versionAtCall { index })
        .unwrap();
    let signer: PrivateKeySigner = REQUESTER.parse().unwrap();
    let mut ordered: RequestFile = crate::read(&file);
    ordered.request.version = version;
    let call = ordered.request.to_abi().unwrap();
    ordered.job = ordered.domains().job(&call);
    ordered.signature = sign(&signer, ordered.job).into();
    std::fs::write(&file, serde_json::to_vec(&ordered).unwrap()).unwrap();
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    let lock = ["job", "lock", path(&file), "--model", path(&model)];
    let bond = w.balance(PROVIDER);
    w.fails(PROVIDER, &lock, &FOREIGN_KEYS);
    assert_eq!(w.balance(PROVIDER), bond, "no stake is held");
    f.json_ok(&[&run[..], &["--prompt", "ab c", "--max-new-tokens", "2"]].concat());
    f.fails(
        &["reexecute", path(&session), "--model", path(&model)],
        &FOREIGN_KEYS,
    );
}

/// A copy of the deployment in which another contract is the verifier: for whoever has it, claims of the real deployment are
/// judged by a stranger.
pub(crate) fn with_another_verifier(w: &World) -> PathBuf {
    let file = w.file("another-verifier.json");
    std::fs::copy(&w.deployment, &file).unwrap();
    edit(&file, |d| {
        d["contracts"]["FinalVerifier"] = d["contracts"]["TokenDigests"].clone();
    });
    file
}

/// Anybody may register a version under a verifier that accepts everything, or nothing. Neither stake nor bond is risked on it.
#[test]
fn another_verifier_is_not_trusted() {
    let w = World::new();
    let deployment = with_another_verifier(&w);
    let foreign = ["--deployment", path(&deployment)];
    let words = ["which is not this deployment's"];
    let (file, _) = w.request(&OPTIMISTIC);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    let session = w.run(fixture(), &file);
    let lock = ["job", "lock", path(&file), "--session", path(&session)];
    w.fails(PROVIDER, &[&lock[..], &foreign].concat(), &words);
    w.ok(PROVIDER, &lock);
    for command in ["post", "sign"] {
        let command = ["claim", command, path(&session)];
        w.fails(PROVIDER, &[&command[..], &foreign].concat(), &words);
    }
    w.ok(PROVIDER, &["claim", "post", path(&session)]);
    let challenge = ["claim", "challenge", path(&session), "--layer", "1"];
    w.fails(CHALLENGER, &[&challenge[..], &foreign].concat(), &words);
    w.ok(CHALLENGER, &challenge);
}

/// A session that says otherwise than the job how much was asked and answered has no proof: nothing is signed for it.
#[test]
fn sessions_of_other_lengths_are_refused() {
    let w = World::new();
    let (file, job) = w.request(&OPTIMISTIC);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    let answer = w.run(fixture(), &file);
    let session = w.file("short");
    let lock = ["job", "lock", path(&file), "--session", path(&session)];
    let sign = ["claim", "sign", path(&session)];
    let post = ["claim", "post", path(&session)];
    let changed = |change: fn(&mut Value)| {
        copy(&answer, &session);
        let _ = std::fs::remove_file(session.join("output.json"));
        edit(&session.join("claim.json"), change);
    };
    // Lengths and how tokens are chosen.
    changed(|c| c["prompt_tokens"] = json!(c["prompt_tokens"].as_u64().unwrap() - 1));
    w.fails(PROVIDER, &lock, &["answers another prompt"]);
    w.fails(PROVIDER, &sign, &["answers another prompt"]);
    changed(|c| c["generated_tokens"] = json!(1));
    w.fails(
        PROVIDER,
        &lock,
        &["generated 1 token where the job ordered 4"],
    );
    w.fails(
        PROVIDER,
        &sign,
        &["generated 1 token where the job ordered 4"],
    );
    w.ok(PROVIDER, &["job", "lock", path(&file), "--unchecked"]);
    w.fails(
        PROVIDER,
        &post,
        &["generated 1 token where the job ordered 4"],
    );
    // An output that is not what is claimed: published in answer to a demand, it would cost the stake.
    copy(&answer, &session);
    edit(&session.join("output.json"), |o| {
        let token = &mut o["tokens"][0];
        *token = json!((token.as_u64().unwrap() + 1) % 96);
    });
    let words = ["do not open the output digest"];
    for command in [&sign, &post] {
        w.fails(PROVIDER, command, &words);
    }
    w.ok(PROVIDER, &["claim", "post", path(&answer)]);
    w.ok(REQUESTER, &["claim", "demand-output", &job]);
    w.fails(
        PROVIDER,
        &["claim", "reveal-output", path(&session)],
        &words,
    );
    w.ok(PROVIDER, &["claim", "reveal-output", path(&answer)]);
}

#[test]
fn registrations_that_are_refused() {
    let w = World::empty(&[]);
    let f = fixture();
    let register = ["model", "register", path(&f.model)];
    w.fails(CURATOR, &register, &["no deployment is known"]);
    w.ok(CURATOR, &["deploy"]);
    let block = w.anvil.block();
    // Whose programs are not what its dimensions and weights give.
    let manifest = f.model.join("manifest.json");
    let id = ["--model-id", &f.id];
    let verify = ["model", "verify", path(&manifest)];
    let verified = f.json_ok(&[&verify[..], &id].concat()).remove(0);
    assert_eq!(verified["accepted"], true);
    let model = w.file("model");
    foreign_keys(f, &model);
    w.fails(CURATOR, &["model", "register", path(&model)], &FOREIGN_KEYS);

    let with = |options: &[&'static str]| [&register[..], options].concat();
    w.fails(
        CURATOR,
        &with(&["--stake", "1wei"]),
        &["cheating on layer", "StakeTooLow"],
    );
    w.fails(
        CURATOR,
        &with(&["--challenge-bond", "1wei"]),
        &["ChallengeBondTooLow"],
    );
    w.fails(
        CURATOR,
        &with(&["--audits", "5"]),
        &["5 layers to draw of 4"],
    );
    let token = PROVIDER_ADDRESS;
    w.fails(
        CURATOR,
        &with(&["--asset", token]),
        &["--answer-cost has to be given"],
    );
    let costs = [
        "--asset",
        token,
        "--answer-cost",
        "1eth",
        "--max-price",
        "1units",
    ];
    w.fails(CURATOR, &with(&costs), &["1eth is an amount of ETH"]);
    let costs = [
        "--asset",
        token,
        "--answer-cost",
        "1units",
        "--max-price",
        "1units",
    ];
    w.fails(CURATOR, &with(&costs), &["AssetNotAllowed"]);
    w.fails(
        CURATOR,
        &with(&["--audit-weights", "nowhere"]),
        &["nowhere"],
    );
    let dry = w.ok(CURATOR, &with(&["--dry-run"]));
    assert_eq!(dry[0]["event"], "dry_run");
    assert_eq!(w.anvil.block(), block);
    let text = w.text(CURATOR, &with(&["--max-price", "0.01eth"]));
    for word in [
        "stake",
        "a quarter of the layers",
        "given by --max-price",
        "version  0x",
    ] {
        assert!(text.contains(word), "no {word} in {text}");
    }
    let again = w.ok(PROVIDER, &with(&["--max-price", "0.01eth"]));
    assert_eq!(again[0]["event"], "already");
}

/// A stake is held for an answer only that can be given: everything that a later step would refuse is found before.
#[test]
fn nothing_is_held_for_a_job_that_cannot_be_answered() {
    let (w, f) = (World::new(), fixture());
    let (file, job) = w.request(&[]);
    // Signed by the requester, with another prompt or another salt than it signed: only the digest tells.
    let salt = w.file("salt.json");
    std::fs::copy(&file, &salt).unwrap();
    edit(&salt, |r| r["input_salt"] = json!(format!("0x{:064x}", 5)));
    let prompt = w.file("prompt.json");
    std::fs::copy(&file, &prompt).unwrap();
    edit(&prompt, |r| {
        let first = r["prompt"][0].as_u64().unwrap();
        r["prompt"][0] = json!(first ^ 1);
    });
    let large = w.file("large.json");
    std::fs::copy(&file, &large).unwrap();
    edit(&large, |r| r["prompt"][0] = json!(1 << 24));
    let words = ["prompt and salt do not have the digest that was signed"];
    let [free, _] = w.balance(REQUESTER);
    for bad in [&salt, &prompt] {
        w.fails(REQUESTER, &["job", "open", path(bad)], &words);
    }
    w.fails(REQUESTER, &["job", "open", path(&large)], &["is no token"]);
    assert_eq!(w.balance(REQUESTER)[0], free, "no price is held");

    // Opened with the right file, given to the provider with a wrong one.
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    let bond = w.balance(PROVIDER);
    for bad in [&salt, &prompt] {
        w.fails(PROVIDER, &["job", "lock", path(bad)], &words);
    }
    w.fails(PROVIDER, &["job", "lock", path(&large)], &["is no token"]);

    // Nothing is taken without a look at what answers it.
    let blind = ["job", "lock", path(&file)];
    w.fails(PROVIDER, &blind, &["--session", "--unchecked"]);
    // The model is run first, and compared.
    let session = w.run(f, &file);
    let (other, _) = w.request(&WAIVED);
    let of_another_job = w.run(f, &other);
    let lock = ["job", "lock", path(&file)];
    let with = |option: &'static str, value: &Path| {
        let mut args: Vec<String> = lock.iter().map(|s| (*s).to_owned()).collect();
        args.extend([option.to_owned(), path(value).to_owned()]);
        args
    };
    let fails = |args: &[String], words: &[&str]| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        w.fails(PROVIDER, &args, words);
    };
    fails(
        &with("--session", &of_another_job),
        &["the session is of another job"],
    );
    let damaged = w.file("damaged");
    copy(&session, &damaged);
    edit(&damaged.join("claim.json"), |s| {
        s["input_digest"] = json!(format!("0x{:064x}", 7))
    });
    fails(&with("--session", &damaged), &["answers another prompt"]);
    let short = w.file("short");
    copy(&session, &short);
    edit(&short.join("output.json"), |o| {
        o["tokens"].as_array_mut().unwrap().pop();
    });
    fails(
        &with("--session", &short),
        &["the answer has 3 tokens where 4 were ordered"],
    );
    let swapped = w.file("swapped");
    copy(&session, &swapped);
    edit(&swapped.join("output.json"), |o| {
        let first = o["tokens"][0].as_u64().unwrap();
        o["tokens"][0] = json!(first ^ 1);
    });
    fails(
        &with("--session", &swapped),
        &["output.json is not the answer"],
    );
    fails(
        &with("--model", &other_model()),
        &["the request is for model"],
    );
    assert_eq!(w.balance(PROVIDER), bond, "no stake is held");

    let args = with("--session", &session);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let args = [&args[..], &["--model", path(&f.model)]].concat();
    assert_eq!(events(&w.ok(PROVIDER, &args))[0], "JobLocked");
    w.ok(PROVIDER, &["claim", "post", path(&session)]);
    assert_eq!(w.status(&job)["status"], "posted");
}

/// A signature to take a job is bounded in time, and the provider can take it back.
#[test]
fn a_provider_is_not_made_to_take_a_job() {
    let w = World::new();
    let (file, _) = w.request(&[]);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    let declined = w.ok(PROVIDER, &["job", "decline", path(&file)]);
    assert_eq!(events(&declined), ["LockCancelled"]);
    w.fails(
        PROVIDER,
        &["job", "lock", path(&file)],
        &["declined this job"],
    );
    let session = w.run(fixture(), &file);
    let sign = ["claim", "sign", path(&session), "--lock-within", "1h30m"];
    let signed = w.ok(PROVIDER, &sign).remove(0);
    let signatures: Value =
        serde_json::from_slice(&std::fs::read(session.join("signatures.json")).unwrap()).unwrap();
    assert_eq!(signatures["lock_deadline"], signed["lock_deadline"]);
    let now = w.anvil.time();
    let deadline = signed["lock_deadline"].as_u64().unwrap();
    assert!(
        (now + 5_390..=now + 5_400).contains(&deadline),
        "{deadline}"
    );
}

/// Deadlines and windows under which an honest provider could lose its stake are refused before anything is signed.
#[test]
fn requests_leave_time() {
    let (w, f) = (World::new(), fixture());
    let refused = |options: &[&str], words: &[&str]| {
        let file = w.file("never.json");
        let args = [
            "job",
            "request",
            "--model",
            path(&f.model),
            "-o",
            path(&file),
        ];
        let more = ["--prompt", "ab c", "--max-new-tokens", "4"];
        w.fails(REQUESTER, &[&args[..], &more, options].concat(), words);
        assert!(!file.exists());
    };
    let price = ["--price", "0.001eth"];
    let with = |options: &[&'static str]| [&price[..], options].concat();
    refused(
        &with(&["--claim-within", "9m59s"]),
        &["at least 10 min", "--claim-within"],
    );
    // 73 blocks of at most 24 s.
    refused(
        &with(&["--mode", "audited", "--challenge-window", "1751s"]),
        &["29 min 11 s", "29 min 12 s", "drawn within it"],
    );
    refused(
        &with(&["--mode", "audited", "--challenge-window", "0"]),
        &["drawn within it"],
    );
    refused(
        &with(&["--mode", "optimistic", "--challenge-window", "59s"]),
        &["1 min to 7 d"],
    );
    refused(&with(&["--answer-window", "8 days"]), &["answer window"]);
    refused(&with(&["--claim-within", "31d"]), &["at most 30 d"]);
    refused(&["--price", "0eth"], &["the price is zero"]);
    refused(&["--price", "1000"], &["has no unit", "1000wei"]);
    refused(
        &["--price", "0.0000000000000000001eth"],
        &["19 decimals, eth has 18"],
    );
    let exact = ["--mode", "audited", "--challenge-window", "1752s"];
    let (file, job) = w.request(&exact);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    // The same bounds as the contract's, which has the last word: a file that somebody else wrote.
    let edge = ["--claim-within", "10m", "--challenge-window", "1m"];
    let (file, _) = w.request(&edge);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    assert_eq!(
        w.ok(CHALLENGER, &["job", "status", &job])[0]["job"]["status"],
        "open"
    );

    let cheap = w.text(
        REQUESTER,
        &[
            "job",
            "request",
            "--model",
            path(&f.model),
            "--prompt",
            "ab c",
            "--max-new-tokens",
            "4",
            "--price",
            "1000wei",
            "-o",
            path(&w.file("cheap.json")),
        ],
    );
    assert!(cheap.contains("request"), "{cheap}");
    let (code, _, stderr) = w.call(REQUESTER, &["job", "open", path(&w.file("cheap.json"))]);
    assert_eq!(code, 0, "a warning is no refusal: {stderr}");
    assert!(
        stderr.contains("does not cover the provider's gas"),
        "{stderr}"
    );
}

/// A mistyped address is refused wherever one is given.
#[test]
fn wrong_checksums_are_refused() {
    let (w, f) = (World::new(), fixture());
    let right = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
    let wrong = "0x3c44CdDdB6a900fa2b585dd299e03d12FA4293BC";
    let upper = format!("0x{}", right[2..].to_uppercase());
    let (file, _) = w.request(&[]);
    let never = w.file("never.json");
    let request = [
        "job",
        "request",
        "--model",
        path(&f.model),
        "--prompt",
        "ab c",
        "--max-new-tokens",
        "4",
        "--price",
        "0.001eth",
        "-o",
        path(&never),
    ];
    let cases: [&[&str]; 13] = [
        &["receipt", "verify", path(&never), "--provider", wrong],
        &["receipt", "claim", path(&never), "--recipient", wrong],
        &["receipt", "claim", path(&never), "--contract", wrong],
        &["receipt", "claim", path(&never), "--claim", wrong],
        &["freeze", "--reason", "none", "--verifier", wrong],
        &["deploy", "--guardian", wrong],
        &["deploy", "--asset", wrong],
        &["model", "register", path(&f.model), "--asset", wrong],
        &[&request[..], &["--provider", wrong]].concat(),
        &["escrow", "deposit", "1units", "--asset", wrong],
        &["escrow", "unbond", "1units", "--asset", wrong],
        &["escrow", "withdraw", "1wei", "--to", wrong],
        &["escrow", "balance", wrong],
    ];
    for args in cases {
        w.fails(PROVIDER, args, &["wrong checksum"]);
    }
    for option in ["--recipient", "--contract"] {
        let run = ["run", "--model", path(&f.model), "--prompt", "ab c"];
        let more = ["--max-new-tokens", "4", "-o", path(&never), option, wrong];
        w.fails(PROVIDER, &[&run[..], &more].concat(), &["wrong checksum"]);
    }
    for good in [right, &upper, &right.to_lowercase()] {
        w.ok(PROVIDER, &["escrow", "balance", good]);
    }

    // In files.
    for pointer in [
        "/market",
        "/claim_book",
        "/request/requester",
        "/request/provider",
    ] {
        let changed = w.file("changed.json");
        std::fs::copy(&file, &changed).unwrap();
        edit(&changed, |r| {
            *r.pointer_mut(pointer).unwrap() = json!(wrong)
        });
        w.fails(
            REQUESTER,
            &["job", "open", path(&changed)],
            &["wrong checksum"],
        );
    }
    // Whoever signed a session.
    let (ordered, _) = w.request(&OPTIMISTIC);
    w.ok(REQUESTER, &["job", "open", path(&ordered)]);
    let session = w.run(fixture(), &ordered);
    w.ok(PROVIDER, &["claim", "sign", path(&session)]);
    edit(&session.join("signatures.json"), |s| {
        assert!(s["provider"].is_string());
        s["provider"] = json!(wrong);
    });
    w.ok(PROVIDER, &["job", "lock", path(&ordered), "--unchecked"]);
    w.ok(PROVIDER, &["claim", "post", path(&session)]);
    w.ok(REQUESTER, &["claim", "demand-output", path(&session)]);
    let reveal = ["claim", "reveal-output", path(&session)];
    w.fails(CHALLENGER, &reveal, &["wrong checksum"]);
    let deployment = w.file("wrong.json");
    std::fs::copy(&w.deployment, &deployment).unwrap();
    edit(&deployment, |d| {
        d["contracts"]["JobMarket"]["address"] = json!(wrong)
    });
    let balance = ["escrow", "balance", "--deployment", path(&deployment)];
    w.fails(PROVIDER, &balance, &["wrong checksum"]);
}

/// The salt of a request that may be open is nowhere else: what is replaced is kept.
#[test]
fn a_request_that_is_replaced_is_kept() {
    let w = World::new();
    let file = w.file("request.json");
    w.new_request(&[], &file);
    let before = std::fs::read(&file).unwrap();
    let f = fixture();
    let again = [
        "job",
        "request",
        "--model",
        path(&f.model),
        "--prompt",
        "ab c",
        "-o",
    ];
    let rest = [path(&file), "--max-new-tokens", "4", "--price", "1gwei"];
    w.fails(REQUESTER, &[&again[..], &rest].concat(), &["exists"]);
    assert_eq!(std::fs::read(&file).unwrap(), before);
    w.new_request(&["--force"], &file);
    assert_ne!(std::fs::read(&file).unwrap(), before);
    assert_eq!(std::fs::read(w.file("request.json.old-1")).unwrap(), before);
}

/// A chain without `prevrandao`: deployed without a beacon, and audited jobs are refused by name.
#[test]
fn without_a_beacon_nothing_is_audited() {
    let (w, f) = (World::empty(&[]), fixture());
    w.fails(CURATOR, &["deploy", "--beacon-delay", "31"], &["32..=256"]);
    let done = w.ok(CURATOR, &["deploy", "--no-audits"]).pop().unwrap();
    assert_eq!(done["deployed"], 15);
    let again = w.ok(CURATOR, &["deploy", "--no-audits"]).pop().unwrap();
    assert_eq!(
        (&again["deployed"], &again["kept"]),
        (&json!(0), &json!(15))
    );
    w.fails(CURATOR, &["deploy"], &["JobMarket", "beacon", "--salt"]);
    w.ok(CURATOR, &["model", "register", path(&f.model)]);
    let folder = w.file("epoch-0");
    let open = ["epoch", "open", path(&folder), "--model", path(&f.model)];
    w.fails(PROVIDER, &open, &["without a beacon", "no epochs"]);
    assert!(!folder.exists());
    w.ok(REQUESTER, &["escrow", "deposit", "10eth"]);
    w.ok(PROVIDER, &["escrow", "deposit", "10eth"]);
    w.ok(PROVIDER, &["escrow", "bond", "5eth"]);
    let file = w.file("audited.json");
    let request = [
        "job",
        "request",
        "--model",
        path(&f.model),
        "-o",
        path(&file),
    ];
    let more = [
        "--prompt",
        "ab c",
        "--max-new-tokens",
        "4",
        "--price",
        "0.001eth",
    ];
    let audited = [&request[..], &more, &["--mode", "audited"]].concat();
    w.fails(REQUESTER, &audited, &["audit no claims", "--mode"]);
    // The others work.
    let (file, job) = w.request(&OPTIMISTIC);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    let session = w.run(f, &file);
    let mut sent = w.ok(PROVIDER, &["job", "lock", path(&file), "--unchecked"]);
    sent.extend(w.ok(PROVIDER, &["claim", "post", path(&session)]));
    w.fails(
        PROVIDER,
        &["claim", "draw", path(&session)],
        &["not in the audited mode"],
    );
    w.anvil.wait(3_601);
    sent.extend(w.ok(CHALLENGER, &["claim", "finalize", &job]));
    assert_eq!(w.status(&job)["status"], "finalized");

    // What the warning of cheap prices counts with is less than that took, and not much less.
    let took: u64 = sent.iter().filter_map(|o| o["gas"].as_u64()).sum();
    let terms = nanozk_chain::job::Terms {
        model: Default::default(),
        usable: true,
        positions: 8,
        layers: 4,
        policy: nanozk_chain::bindings::registry::Policy {
            asset: Default::default(),
            maxPrice: 1,
            externalGain: 0,
            stake: 0,
            challengeBond: 0,
            audits: 1,
        },
        draw_time: None,
    };
    let least = nanozk_chain::job::least_gas(nanozk_chain::request::Mode::Optimistic, terms.layers);
    assert!(least <= took && took < least * 3 / 2, "{least} {took}");
}

//! Epochs: answers behind one bond, a real proof of those that are drawn, and what pays for them.

use crate::anvil::*;
use crate::common::*;
use crate::world::*;
use nanozk_chain::bindings::epochs::{Program, enrollCall};
use nanozk_chain::client::{Call, Client};
use nanozk_chain::deployment::Deployment;
use nanozk_chain::epoch::answers::{Answer, EpochReceipt, Folder};
use nanozk_chain::epoch::voucher::Voucher;
use nanozk_chain::primitives::{B256, U256};
use nanozk_prover::session::Secret;
use nanozk_serve::epochs::answer_of;
use nanozk_verifier::CheckedManifest;
use nanozk_verifier::encoding::scalar_to_bytes;
use nanozk_verifier::hex::Scalar;
use rand_core::OsRng;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A provider's line for the fixture's model, with a bond, and a requester's channel.
struct Line {
    w: World,
    version: String,
}

impl Line {
    fn new() -> Self {
        let w = World::new();
        let enroll = ["epoch", "enroll", path(&fixture().model)];
        let enrolled = w.ok(CHALLENGER, &enroll);
        assert_eq!(events(&enrolled), ["Enrolled"]);
        assert_eq!(w.ok(CHALLENGER, &enroll)[0]["event"], "already");
        let version = enrolled[0]["events"][0]["arguments"]["version"]
            .as_str()
            .unwrap()
            .to_owned();
        w.ok(
            PROVIDER,
            &["epoch", "bond", "4eth", "--model-version", &version],
        );
        let line = Self { w, version };
        line.enroll_useless();
        line
    }

    /// A page that lacks the programs that draws are proved by, which anybody may write: no epoch is committed to under it.
    fn enroll_useless(&self) {
        let text = std::fs::read(fixture().model.join("manifest.json")).unwrap();
        let manifest = CheckedManifest::new(serde_json::from_slice(&text).unwrap()).unwrap();
        let manifest = manifest.manifest();
        let layers = manifest.programs.iter().map(|p| p.first + p.count).max();
        let mut all = manifest.programs.iter().enumerate();
        let (number, whole) = all
            .find(|(_, p)| p.first == 0 && Some(p.count) == layers)
            .unwrap();
        let word = |scalar: &Scalar| B256::from(scalar_to_bytes(&scalar.0));
        let call = enrollCall {
            version: self.version.parse().unwrap(),
            programs: vec![Program {
                first: 0,
                count: whole.count as u16,
                key: word(&whole.key),
                weights: word(&whole.weights),
            }],
            paths: vec![
                manifest
                    .program_tree()
                    .path(number)
                    .into_iter()
                    .map(B256::from)
                    .collect(),
            ],
        };
        let deployment: Deployment =
            serde_json::from_slice(&std::fs::read(&self.w.deployment).unwrap()).unwrap();
        let book = deployment.address("EpochBook").unwrap();
        let client = Client::connect(&self.w.anvil.url(), Some(CURATOR.parse().unwrap())).unwrap();
        client
            .send(&Call::new("a useless page", book, &call))
            .unwrap();
    }

    fn fund(&self, amount: &str) {
        let line = [
            "--provider",
            PROVIDER_ADDRESS,
            "--model-version",
            &self.version,
        ];
        let fund = ["channel", "fund", amount];
        assert_eq!(
            events(&self.w.ok(REQUESTER, &[&fund[..], &line].concat()))[0],
            "ChannelFunded"
        );
    }

    fn open(&self, name: &str) -> Epoch<'_> {
        let folder = self.w.file(name);
        let open = [
            "epoch",
            "open",
            path(&folder),
            "--model",
            path(&fixture().model),
        ];
        let opened = self.w.ok(PROVIDER, &open).remove(0);
        Epoch {
            line: self,
            number: opened["epoch"]["number"].as_u64().unwrap(),
            folder,
        }
    }

    fn channel(&self) -> Value {
        let line = [
            "--provider",
            PROVIDER_ADDRESS,
            "--model-version",
            &self.version,
        ];
        let show = ["channel", "show", "--requester", REQUESTER_ADDRESS];
        self.w
            .ok(CHALLENGER, &[&show[..], &line].concat())
            .remove(0)
    }
}

struct Epoch<'a> {
    line: &'a Line,
    number: u64,
    folder: PathBuf,
}

impl Epoch<'_> {
    fn folder(&self) -> &str {
        path(&self.folder)
    }

    /// The same epoch in another folder, without its answers: places are given twice.
    fn twin(&self) -> Self {
        let twin = Self {
            line: self.line,
            number: 1,
            folder: self.line.w.file("twin"),
        };
        copy(&self.folder, &twin.folder);
        std::fs::write(twin.folder.join("answers.jsonl"), "").unwrap();
        twin
    }

    fn answer(&self, requester: &str, prompt: &str, tokens: &str) -> PathBuf {
        let receipt = self
            .line
            .w
            .file(&format!("receipt-{}-{prompt}.json", self.number));
        let args = [
            "epoch",
            "answer",
            self.folder(),
            "--requester",
            requester,
            "--prompt",
            prompt,
        ];
        let more = ["--max-new-tokens", tokens, "-o", path(&receipt)];
        let answered = self.line.w.ok(PROVIDER, &[&args[..], &more].concat());
        assert_eq!(answered[0]["event"], "answered");
        receipt
    }

    fn close(&self, draws: &str) -> Vec<Value> {
        self.line.w.ok(
            PROVIDER,
            &["epoch", "close", self.folder(), "--draws", draws],
        )
    }

    fn advance(&self, more: &[&str]) -> Vec<Value> {
        self.line.w.ok(
            PROVIDER,
            &[&["epoch", "advance", self.folder()], more].concat(),
        )
    }

    fn status(&self) -> Value {
        self.line
            .w
            .ok(CHALLENGER, &["epoch", "status", self.folder()])
            .remove(0)
    }

    fn paths(&self, requester: &str, more: &[&str]) -> PathBuf {
        let name = format!("paths-{}-{requester}{}.json", self.number, more.concat());
        let file = self.line.w.file(&name);
        let paths = [
            "epoch",
            "paths",
            self.folder(),
            "--requester",
            requester,
            "-o",
            path(&file),
        ];
        self.line.w.ok(PROVIDER, &[&paths[..], more].concat());
        file
    }

    /// To where its draws are proved.
    fn prove(&self) {
        let w = &self.line.w;
        assert_eq!(self.advance(&[])[0]["event"], "waiting");
        w.anvil.mine(80);
        let fixed = self.advance(&[]);
        assert_eq!(events(&fixed), ["EpochFixed"]);
        assert_eq!(fixed.last().unwrap()["event"], "waiting");
        w.anvil.mine(80);
        let proven = events(&self.advance(&[]));
        assert!(proven.contains(&"EpochMoved".into()), "{proven:?}");
    }
}

/// Every step of an epoch, with a real proof; and every step once more, of which nothing comes.
#[test]
fn an_epoch_is_proved_and_paid_for() {
    let line = Line::new();
    let w = &line.w;
    line.fund("0.01eth");
    let epoch = line.open("epoch-0");
    assert_eq!(epoch.number, 0);
    let receipts = ["ab", "b c", "c"].map(|prompt| epoch.answer(REQUESTER_ADDRESS, prompt, "3"));
    let other = epoch.answer(CHALLENGER_ADDRESS, "abc", "2");
    let closed = epoch.close("2");
    assert_eq!(events(&closed), ["EpochCommitted"]);
    assert_eq!(epoch.close("2")[0]["event"], "already");
    let late_file = w.file("late.json");
    let late = [
        "epoch",
        "answer",
        epoch.folder(),
        "--requester",
        REQUESTER_ADDRESS,
        "--prompt",
        "a",
    ];
    let late = [
        &late[..],
        &["--max-new-tokens", "1", "-o", path(&late_file)],
    ]
    .concat();
    w.fails(PROVIDER, &late, &["closed", "4 answers", "next one"]);

    // The requester looks before it pays.
    let (paths, voucher) = (
        epoch.paths(REQUESTER_ADDRESS, &[]),
        w.file("vouchers/requester.json"),
    );
    let first = epoch.paths(REQUESTER_ADDRESS, &["--answers", "0"]);
    std::fs::create_dir(voucher.parent().unwrap()).unwrap();
    let [a, b, c] = receipts.each_ref().map(|receipt| path(receipt));
    let pay = |receipts: &[&str], paths: &Path| {
        let more = [
            "--paths",
            path(paths),
            "--price",
            "0.001eth",
            "-o",
            path(&voucher),
        ]
        .map(str::to_owned);
        let all = ["channel", "pay"]
            .iter()
            .chain(receipts)
            .map(|s| (*s).to_owned());
        all.chain(more).collect::<Vec<String>>()
    };
    let refused = |receipts: &[&str], paths: &Path, words: &[&str]| {
        let args = pay(receipts, paths);
        w.fails(
            REQUESTER,
            &args.iter().map(String::as_str).collect::<Vec<_>>(),
            words,
        );
    };
    refused(&[a, a], &paths, &["given twice"]);
    refused(
        &[a, path(&other)],
        &paths,
        &["is of 0x90F79bf6", "the key is of 0x7099"],
    );
    refused(
        &[a],
        &epoch.paths(CHALLENGER_ADDRESS, &[]),
        &["of the answers [3]", "of [0]"],
    );
    let changed = w.file("changed.json");
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 4] = [
        (|v| v["opening"]["generated"][0] = json!(7), "signature"),
        (
            |v| v["opening"]["input_salt"] = v["opening"]["output_salt"].clone(),
            "signature",
        ),
        (|v| v["index"] = json!(1), "signature"),
        (
            |v| v["seed_digest"] = json!(format!("0x{:064x}", 1)),
            "signature",
        ),
    ];
    for (change, word) in changes {
        std::fs::copy(a, &changed).unwrap();
        edit(&changed, change);
        refused(&[path(&changed)], &paths, &[word]);
    }
    let other_paths = w.file("other-paths.json");
    let changes: [(Change, &str); 2] = [
        (
            |v| v["statements"][1] = v["statements"][0].clone(),
            "the statements of these answers",
        ),
        (
            |v| v["receipts"] = json!([]),
            "the receipts of these answers",
        ),
    ];
    for (change, word) in changes {
        std::fs::copy(&first, &other_paths).unwrap();
        edit(&other_paths, change);
        refused(&[a], &other_paths, &[word, "do not pay"]);
    }
    refused(&[a], &paths, &["of the answers [0, 1, 2]", "of [0]"]);
    let args = pay(&[a, b, c], &paths);
    let paid = w.ok(
        REQUESTER,
        &args.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    assert_eq!(paid[0]["voucher"]["answers"], 3);

    epoch.prove();
    assert_eq!(epoch.status()["status"], "proven");
    // Nothing is settled while it can be disputed.
    let vouchers = ["--vouchers", path(voucher.parent().unwrap())];
    let block = w.anvil.block();
    assert_eq!(epoch.advance(&vouchers)[0]["event"], "waiting");
    assert_eq!(w.anvil.block(), block);
    w.anvil.wait(13 * 3600);
    let settled = epoch.advance(&vouchers);
    let names = events(&settled);
    for name in ["EpochMoved", "VoucherRedeemed"] {
        assert!(names.contains(&name.into()), "no {name}: {names:?}");
    }
    assert_eq!(settled.last().unwrap()["event"], "settled");
    assert_eq!(epoch.status()["status"], "settled");
    let channel = line.channel();
    assert_eq!(
        (&channel["redeemed"], &channel["answers"]),
        (&json!("3000000000000000"), &json!(3))
    );
    assert_eq!(events(&epoch.advance(&vouchers)), [""; 0]);
    // What was earned, and the bond.
    let [free, _] = w.balance(PROVIDER);
    w.ok(
        PROVIDER,
        &[
            "epoch",
            "withdraw",
            "4.003eth",
            "--model-version",
            &line.version,
        ],
    );
    assert_eq!(w.balance(PROVIDER)[0], free + 4_003_000_000_000_000_000);
}

/// Answers that were drawn are those that were committed to, whatever happened to the folder.
#[test]
fn epochs_survive_their_folders() {
    let line = Line::new();
    let w = &line.w;
    let epoch = line.open("epoch-0");
    let folder = epoch.folder.clone();
    let again = [
        "epoch",
        "open",
        path(&folder),
        "--model",
        path(&fixture().model),
    ];
    w.fails(PROVIDER, &again, &["epoch.json"]);
    epoch.answer(REQUESTER_ADDRESS, "ab", "2");
    // Killed while it wrote an answer: nobody has its receipt.
    let answers = folder.join("answers.jsonl");
    let whole = std::fs::read_to_string(&answers).unwrap();
    std::fs::write(&answers, format!("{whole}{}", &whole[..whole.len() / 2])).unwrap();
    epoch.answer(REQUESTER_ADDRESS, "b", "2");
    assert_eq!(
        std::fs::read_to_string(&answers).unwrap().lines().count(),
        2
    );
    // Many at once, one prompt a line.
    let (prompts, receipts) = (w.file("prompts.txt"), w.file("receipts.jsonl"));
    std::fs::write(&prompts, "ab\nb c\n\"c\"\n").unwrap();
    let all = [
        "epoch",
        "answer-all",
        path(&folder),
        "--requester",
        REQUESTER_ADDRESS,
    ];
    let all = [
        &all[..],
        &[
            "--prompts",
            path(&prompts),
            "--max-new-tokens",
            "2",
            "-o",
            path(&receipts),
        ],
    ]
    .concat();
    let answered = w.ok(PROVIDER, &all).pop().unwrap();
    assert_eq!(
        (&answered["first"], &answered["answers"]),
        (&json!(2), &json!(3))
    );
    let lines = std::fs::read_to_string(&receipts).unwrap();
    let places: Vec<u64> = lines
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["index"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(places, [2, 3, 4]);
    w.fails(PROVIDER, &all, &["receipts.jsonl"]);
    std::fs::write(&prompts, "ab\n\n").unwrap();
    std::fs::remove_file(&receipts).unwrap();
    w.fails(PROVIDER, &all, &["line 2", "no prompt"]);
    // Too little bond says so, and commits to nothing.
    let close = ["epoch", "close", path(&folder), "--draws", "6"];
    w.fails(PROVIDER, &close, &["6 draws of 5 answers"]);
    w.fails(
        CHALLENGER,
        &["epoch", "close", path(&folder), "--draws", "2"],
        &["the key is of"],
    );
    w.ok(
        PROVIDER,
        &[
            "epoch",
            "withdraw",
            "4eth",
            "--model-version",
            &line.version,
        ],
    );
    w.fails(
        PROVIDER,
        &["epoch", "close", path(&folder), "--draws", "2"],
        &["nanozk epoch bond"],
    );
    w.ok(
        PROVIDER,
        &["epoch", "bond", "4eth", "--model-version", &line.version],
    );
    // Closed and then killed before the transaction was sent: it goes on with what was closed.
    std::fs::write(folder.join("closed.json"), r#"{"count":1,"draws":1}"#).unwrap();
    epoch.close("1");
    assert_eq!(epoch.status()["answers"], 1);
    // Another epoch goes on beside it.
    assert_eq!(line.open("epoch-1").number, 1);
    w.anvil.mine(80);
    // Another answer than the one that was committed to.
    let changed = whole.replacen("\"prompt\":2", "\"prompt\":1", 1);
    assert_ne!(changed, whole);
    std::fs::write(&answers, changed).unwrap();
    let advance = ["epoch", "advance", path(&folder)];
    w.fails(PROVIDER, &advance, &["not those that were committed to"]);
    std::fs::write(&answers, &whole).unwrap();
    assert_eq!(events(&epoch.advance(&[])), ["EpochFixed"]);
    // Too late is noticed before anything is proved.
    w.anvil.wait(30 * 3600);
    w.fails(
        PROVIDER,
        &advance,
        &["draws could be proven until", "slashed"],
    );
    assert!(!folder.join("final.json").exists());
    assert!(
        !folder
            .join("drawn/0/proofs")
            .read_dir()
            .unwrap()
            .any(|_| true)
    );
}

/// Demands and challenges, which the provider answers, with a real proof; and one that it cannot answer.
#[test]
fn disputes_are_answered_or_lost() {
    let line = Line::new();
    let w = &line.w;
    let epoch = line.open("epoch-0");
    let receipts = ["ab", "c", "b"].map(|prompt| epoch.answer(REQUESTER_ADDRESS, prompt, "2"));
    let [a, b, left_out] = receipts.each_ref().map(|receipt| path(receipt));
    let early = ["dispute", "challenge", "--receipt", a];
    w.fails(CHALLENGER, &early, &["did not commit to epoch 0"]);
    // Another receipt of the first place, from a copy of the folder.
    let twin = epoch.twin();
    let other = twin.answer(REQUESTER_ADDRESS, "c", "2");
    // The provider leaves the last one out.
    std::fs::write(epoch.folder.join("closed.json"), r#"{"count":2,"draws":1}"#).unwrap();
    epoch.close("1");
    let number = [
        "--provider",
        PROVIDER_ADDRESS,
        "--model-version",
        &line.version,
        "--epoch",
        "0",
    ];
    let by_number = |command: &[&'static str], more: &[&'static str]| -> Vec<String> {
        let all = command.iter().chain(&number).chain(more);
        all.map(|word| (*word).to_owned()).collect()
    };
    let call = |key: &str, args: &[String]| {
        w.ok(key, &args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let list =
        || call(CHALLENGER, &by_number(&["dispute", "list"], &[])).remove(0)["disputes"].take();
    let turns = || -> Vec<String> {
        let all = list();
        let all = all.as_array().unwrap().iter();
        all.map(|d| d["status"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(list(), json!([]));

    let demand = ["dispute", "demand", a];
    w.fails(CHALLENGER, &demand, &["only its requester"]);
    assert_eq!(events(&w.ok(REQUESTER, &demand)), ["Demanded"]);
    assert_eq!(w.ok(REQUESTER, &demand)[0]["event"], "already");
    let beyond = ["dispute", "challenge", "--receipt", left_out];
    w.fails(CHALLENGER, &beyond, &["committed to 2 answers", "demand"]);
    // What is challenged is what was committed to: a receipt has to be shown to be that.
    let challenge = ["dispute", "challenge", "--receipt", a];
    w.fails(CHALLENGER, &challenge, &["--paths", "demand"]);
    let led = [0, 1].map(|place| epoch.paths(REQUESTER_ADDRESS, &["--answers", ["0", "1"][place]]));
    let challenge = |paths: usize| [&challenge[..], &["--paths", path(&led[paths])]].concat();
    w.fails(
        CHALLENGER,
        &challenge(1),
        &["the paths are of the answers [1]"],
    );
    let challenge = challenge(0);
    let free = w.balance(CHALLENGER)[0];
    let begun = w.ok(CHALLENGER, &challenge);
    assert!(events(&begun).contains(&"Challenged".into()), "{begun:?}");
    assert_eq!(w.ok(CHALLENGER, &challenge)[0]["event"], "already");
    // The second challenge of a line is dearer than the first.
    let first = free - w.balance(CHALLENGER)[0];
    let silent = by_number(&["dispute", "challenge"], &["--answer", "1"]);
    let most = format!("{first}wei");
    let cheap: Vec<&str> = silent.iter().map(String::as_str).collect();
    let cheap = [&cheap[..], &["--max-bond", &most]].concat();
    w.fails(REQUESTER, &cheap, &["takes a bond of", "--max-bond"]);
    let free = w.balance(REQUESTER)[0];
    call(REQUESTER, &silent);
    assert!(free - w.balance(REQUESTER)[0] > first);
    let ask = ["dispute", "ask", "--receipt", a, "--layers"];
    let ask = |layers: &'static str| [&ask[..], &[layers]].concat();
    w.fails(CHALLENGER, &ask("1"), &["did not fix"]);
    w.fails(PROVIDER, &ask("1"), &["does not challenge answer 0"]);
    assert_eq!(turns(), ["open", "open", "open"]);
    let enforce = ["dispute", "enforce", "--receipt", b];
    let early = w.ok(CHALLENGER, &enforce).remove(0);
    assert_eq!(early["event"], "already");
    assert!(
        early["what"]
            .as_str()
            .unwrap()
            .contains("nobody is late before")
    );

    // The provider answers, before it goes on with the epoch.
    let answered = epoch.advance(&[]);
    let names = events(&answered);
    assert_eq!(names.iter().filter(|n| *n == "CommitmentsFixed").count(), 2);
    assert_eq!(answered.last().unwrap()["event"], "waiting");
    assert_eq!(turns(), ["answered", "fixed", "fixed"]);
    w.fails(CHALLENGER, &ask("0,7"), &["there is no layer 7"]);
    // Layers of which the model has no program of its own.
    assert_eq!(events(&w.ok(CHALLENGER, &ask("1,3")))[0], "DisputeMoved");
    assert_eq!(w.ok(CHALLENGER, &ask("all"))[0]["event"], "already");
    assert_eq!(list()[1]["asked"], json!([1, 3]));
    let proven = epoch.advance(&[]);
    assert_eq!(events(&proven), ["DisputeMoved"]);
    assert_eq!(turns(), ["answered", "answered", "fixed"]);

    // Who asks for nothing is not waited for, and what was left out cannot be shown.
    w.ok(REQUESTER, &["dispute", "demand", left_out]);
    let advance = ["epoch", "advance", epoch.folder()];
    w.fails(PROVIDER, &advance, &["did not commit to", "slashed"]);
    // If the line is slashed for something else, challenges go on: whoever was answered loses its bond all the same.
    let before = w.anvil.rpc("evm_snapshot", json!([]));
    w.ok(CHALLENGER, &["dispute", "contradict", a, path(&other)]);
    let balances = || [PROVIDER, CHALLENGER, REQUESTER].map(|key| w.balance(key)[0]);
    let [own, others, askers] = balances();
    let waits = epoch.advance(&[]);
    assert_eq!(events(&waits), ["Shared", "BondMoved"]);
    assert_eq!(waits.last().unwrap()["event"], "waiting");
    assert_eq!(balances(), [own + first, others, askers]);
    let waits = w.ok(CHALLENGER, &enforce).remove(0);
    assert!(
        waits["what"]
            .as_str()
            .unwrap()
            .contains("nobody is late before")
    );
    let ask = by_number(&["dispute", "ask"], &["--answer", "1", "--layers", "2"]);
    call(REQUESTER, &ask);
    w.fails(PROVIDER, &advance, &["the line was slashed"]);
    let [taken, ..] = balances();
    assert!(taken > own + 2 * first);
    assert_eq!(balances(), [taken, others, askers]);
    w.anvil.rpc("evm_revert", json!([before]));

    let [own, others] = [PROVIDER, CHALLENGER].map(|key| w.balance(key)[0]);
    w.anvil.wait(5 * 3600);
    let ended = w.ok(REQUESTER, &enforce);
    let names = events(&ended);
    for name in ["LineSlashed", "BondMoved"] {
        assert!(names.contains(&name.into()), "no {name}: {names:?}");
    }
    // Who asked for nothing has lost, too.
    assert!(w.balance(PROVIDER)[0] > own + 2 * first);
    assert_eq!(w.balance(CHALLENGER)[0], others);
    assert!(
        list()
            .as_array()
            .unwrap()
            .iter()
            .all(|d| d["bonded"] == json!(false))
    );
    assert_eq!(w.ok(CHALLENGER, &enforce)[0]["event"], "already");
    w.fails(PROVIDER, &advance, &["the line was slashed"]);
}

/// A requester runs its answers again, and takes the one that is false through all turns.
#[test]
fn false_answers_are_found_and_disputed() {
    let line = Line::new();
    let w = &line.w;
    let epoch = line.open("epoch-0");
    let receipts = w.file("receipts");
    std::fs::create_dir(&receipts).unwrap();
    let honest = epoch.answer(REQUESTER_ADDRESS, "ab", "3");
    std::fs::copy(&honest, receipts.join("honest.json")).unwrap();
    std::fs::write(receipts.join("notes.json"), "{}").unwrap();
    // Its provider signs another last token, and commits to that.
    let lines = std::fs::read_to_string(epoch.folder.join("answers.jsonl")).unwrap();
    let answer: Answer = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let mut tokens = answer.tokens.clone();
    let last = tokens.last_mut().unwrap();
    *last = if *last == 5 { 6 } else { 5 };
    let secret = Secret::new(tokens, answer.prompt as usize, None, &mut OsRng);
    let mut folder = Folder::open(&epoch.folder).unwrap();
    let header = folder.header().clone();
    let other = answer_of(&secret, answer.requester, header.positions);
    let index = folder.append(std::slice::from_ref(&other)).unwrap();
    let signer = PROVIDER.parse().unwrap();
    let receipt = EpochReceipt::signed(&header, &other, index, &signer);
    let false_one = receipts.join("false.json");
    std::fs::write(&false_one, serde_json::to_vec(&receipt).unwrap()).unwrap();
    drop(folder);

    let model = path(&fixture().model).to_owned();
    let watch = ["dispute", "watch", path(&receipts), "--model", &model];
    let round = |key: &str, code: i32, more: &[&str]| -> Vec<Value> {
        let (status, objects, error) = w.call(key, &[&watch[..], more].concat());
        assert_eq!(status, code, "{objects:?} {error}");
        objects
    };
    let honest = receipts.join("honest.json");
    let said = |objects: &[Value], file: &Path| {
        let watching = objects.iter().filter(|o| o["event"] == "watching");
        let mut of_it = watching.filter(|o| o["receipt"] == path(file));
        let last = of_it.next_back().expect("nothing is said");
        last["what"].as_str().unwrap().to_owned()
    };
    // Others' receipts are not looked at, and keep nobody from its own.
    let others = round(CHALLENGER, 0, &[]);
    assert!(said(&others, &false_one).contains("only its requester"));
    let own = ["dispute", "watch", path(&false_one), "--model", &model];
    w.fails(CHALLENGER, &own, &["only its requester"]);
    let rest = w.file("rest.jsonl");
    let none = round(
        REQUESTER,
        0,
        &["--share", "0.000001%", "--verdicts", path(&rest)],
    );
    let skipped = none.iter().filter(|o| o["verdict"] == "skipped").count();
    assert_eq!(skipped, 2, "{none:?}");
    let first = round(REQUESTER, 1, &[]);
    let verdicts: Vec<(&str, &str)> = first
        .iter()
        .filter(|o| o["event"] == "verdict")
        .map(|o| {
            (
                o["receipt"].as_str().unwrap(),
                o["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        verdicts,
        [(path(&false_one), "false"), (path(&honest), "true")]
    );
    assert!(
        said(&first, &false_one).contains("did not commit to epoch 0"),
        "{first:?}"
    );

    epoch.close("1");
    let dry = round(REQUESTER, 1, &["--dry-run"]);
    assert_eq!(said(&dry, &false_one), "to be sent");
    let verdict_file = receipts.join("verdicts.jsonl");
    let found = std::fs::read_to_string(&verdict_file).unwrap();
    let verdicts = |of_false: &str, of_honest: &str| {
        let mut lines = found.lines();
        let (one, other) = (lines.next().unwrap(), lines.next().unwrap());
        let one = one.replace("false", of_false);
        let other = other.replace("true", of_honest);
        std::fs::write(&verdict_file, format!("{one}\n{other}\n")).unwrap();
    };
    let disputed = |file: &Path| {
        let demanded = round(REQUESTER, 1, &[]);
        assert_eq!(events(&demanded), ["Demanded"]);
        let what = said(&demanded, file);
        assert!(what.starts_with("demanded, until"), "{what}");
        assert!(demanded.iter().all(|o| o["event"] != "verdict"), "again");
        // The provider shows it.
        epoch.advance(&[]);
        let bound = round(REQUESTER, 2, &["--max-bond", "1wei"]);
        assert_eq!(events(&bound), [""; 0]);
        let challenged = round(REQUESTER, 1, &[]);
        let names = events(&challenged);
        assert!(names.contains(&"Challenged".into()), "{names:?}");
    };
    // A verdict that is wrong goes through all turns, and loses.
    verdicts("skipped", "false");
    disputed(&honest);
    epoch.advance(&[]);
    let asked = round(REQUESTER, 1, &[]);
    assert_eq!(events(&asked), ["DisputeMoved", "LayersAsked"]);
    assert!(said(&asked, &honest).starts_with("challenged, until"));
    epoch.advance(&[]);
    let proven = round(REQUESTER, 1, &[]);
    assert!(said(&proven, &honest).starts_with("the provider proved it"));
    // The right one wins: its provider cannot even commit to it.
    verdicts("false", "true");
    disputed(&false_one);
    let advance = ["epoch", "advance", epoch.folder()];
    w.fails(PROVIDER, &advance, &["is not the one the model generates"]);
    w.anvil.wait(5 * 3600);
    let slashed = round(REQUESTER, 1, &[]);
    let names = events(&slashed);
    for name in ["LineSlashed", "BondMoved"] {
        assert!(names.contains(&name.into()), "no {name}: {names:?}");
    }
    assert_eq!(said(&slashed, &false_one), "the line was slashed");
}

/// Two receipts of one place, and an epoch that nobody goes on with.
#[test]
fn what_a_provider_did_wrong_is_slashed() {
    let line = Line::new();
    let w = &line.w;
    let epoch = line.open("epoch-0");
    let honest = epoch.answer(REQUESTER_ADDRESS, "ab", "2");
    let before = w.anvil.rpc("evm_snapshot", json!([]));
    // The folder of the same epoch once more, so that places are given twice.
    let twin = epoch.twin();
    let other = twin.answer(CHALLENGER_ADDRESS, "c", "2");
    let contradict =
        |one, other| ["dispute", "contradict", path(one), path(other)].map(str::to_owned);
    let args = contradict(&honest, &honest);
    w.fails(
        CHALLENGER,
        &args.each_ref().map(String::as_str),
        &["nothing contradicts"],
    );
    let second = epoch.answer(REQUESTER_ADDRESS, "c", "2");
    let args = contradict(&second, &other);
    w.fails(
        CHALLENGER,
        &args.each_ref().map(String::as_str),
        &["different places"],
    );
    let args = contradict(&honest, &other);
    let args = args.each_ref().map(String::as_str);
    let shown = w.ok(CHALLENGER, &args);
    assert!(events(&shown).contains(&"LineSlashed".into()), "{shown:?}");
    assert_eq!(w.ok(CHALLENGER, &args)[0]["event"], "already");

    w.anvil.rpc("evm_revert", json!([before]));
    epoch.close("1");
    let enforce = ["dispute", "enforce", "--receipt", path(&honest)];
    w.anvil.wait(13 * 3600);
    let slashed = w.ok(CHALLENGER, &enforce);
    assert!(
        events(&slashed).contains(&"LineSlashed".into()),
        "{slashed:?}"
    );
    assert_eq!(w.ok(CHALLENGER, &enforce)[0]["event"], "already");
}

/// A server of a model whose answers are of epochs.
struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(w: &World, epochs: &Path) -> Self {
        let model = format!("small={}", path(&fixture().model));
        let args = ["serve", "--model", &model, "--epochs", path(epochs)];
        let more = ["--epoch-answers", "3", "--epoch-draws", "1"];
        let quiet = ["--listen", "127.0.0.1:0", "--log", "warn"];
        let mut command = w.command(PROVIDER, &[&args[..], &more, &quiet].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        let address = event["address"].as_str().unwrap().to_owned();
        Self { child, address }
    }

    fn send(&self, head: &str, body: &str) -> (u16, Value) {
        let host = self.address.trim_start_matches("http://");
        let host = host.trim_end_matches("/v1");
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        let json = "Content-Type: application/json";
        write!(
            stream,
            "{head}\r\nHost: {host}\r\n{json}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    fn get(&self, page: &str) -> (u16, Value) {
        self.send(&format!("GET /v1/models/small{page} HTTP/1.0"), "")
    }

    fn ask(&self, requester: Option<&str>, prompt: &str) -> (u16, Value) {
        let header = requester.map_or(String::new(), |r| format!("\r\nNanozk-Requester: {r}"));
        let body = json!({"model": "small", "prompt": prompt, "max_tokens": 2});
        let head = format!("POST /v1/completions HTTP/1.0{header}");
        self.send(&head, &body.to_string())
    }

    fn voucher(&self, voucher: &Value) -> (u16, Value) {
        self.send(
            "POST /v1/models/small/vouchers HTTP/1.0",
            &voucher.to_string(),
        )
    }
}

/// From a request over HTTP to money: a server that closes epochs, a requester that looks and pays, and a keeper that is killed
/// again and again, below which the chain forgets blocks.
#[test]
fn served_epochs_are_kept() {
    let line = Line::new();
    let w = &line.w;
    line.fund("0.01eth");
    let epochs = w.file("epochs");
    let opened = line.open("epochs/0");
    let server = Server::start(w, &epochs);
    // Two programs would give a place twice.
    let twice = [
        "serve",
        "--model",
        path(&fixture().model),
        "--epochs",
        path(&epochs),
    ];
    w.fails(PROVIDER, &twice, &["another process has it"]);
    let code = |answer: &(u16, Value)| {
        (
            answer.0,
            answer.1["error"]["code"].as_str().unwrap().to_owned(),
        )
    };
    let refused = |answer: (u16, Value), status: u16, why: &str| {
        assert_eq!(code(&answer), (status, why.to_owned()), "{answer:?}");
    };
    refused(server.ask(None, "ab"), 400, "no_requester");
    refused(server.ask(Some("0x12"), "ab"), 400, "invalid_requester");
    let listed = server.get("").1;
    assert_eq!(listed["nanozk"]["epoch"]["number"], json!(0));
    assert_eq!(
        listed["nanozk"]["epoch"]["line"]["version"],
        line.version.as_str()
    );

    let answers: Vec<PathBuf> = ["ab", "c", "b c"]
        .iter()
        .map(|prompt| {
            let (status, answer) = server.ask(Some(REQUESTER_ADDRESS), prompt);
            assert_eq!(status, 200, "{answer}");
            let file = w.file(&format!("answer-{prompt}.json"));
            std::fs::write(&file, answer.to_string()).unwrap();
            file
        })
        .collect();
    let verify = [
        "receipt",
        "verify",
        path(&answers[0]),
        "--provider",
        PROVIDER_ADDRESS,
    ];
    let verified = w.ok(
        REQUESTER,
        &[&verify[..], &["--model", path(&fixture().model)]].concat(),
    );
    assert_eq!(
        verified[0]["compared"],
        json!(["signature", "tokens", "text"])
    );
    assert_eq!(verified[0]["receipt"]["index"], json!(0));
    // The epoch has as many answers as it may have.
    let (_, next) = server.ask(Some(CHALLENGER_ADDRESS), "a");
    let receipt = &next["nanozk"]["receipt"];
    assert_eq!(
        (&receipt["epoch"], &receipt["index"]),
        (&json!(1), &json!(0))
    );
    let of =
        |number: u32, requester: &str| server.get(&format!("/epochs/{number}/paths/{requester}"));
    refused(of(1, CHALLENGER_ADDRESS), 404, "epoch_open");
    refused(of(0, CHALLENGER_ADDRESS), 404, "no_answers");
    let some = format!("{REQUESTER_ADDRESS}?answers=");
    refused(of(0, &format!("{some}0,3")), 404, "no_answers");
    refused(of(0, &format!("{some}x")), 400, "invalid_value");
    assert_eq!(of(0, &format!("{some}2,0")).1["answers"], json!([0, 2]));
    let (status, led) = of(0, REQUESTER_ADDRESS);
    assert_eq!(status, 200, "{led}");
    let paths = w.file("paths.json");
    std::fs::write(&paths, led.to_string()).unwrap();

    let keep = ["epoch", "keep", path(&epochs)];
    let once = || w.ok(PROVIDER, &[&keep[..], &["--once"]].concat());
    assert_eq!(events(&once()), ["EpochCommitted"]);
    let committed = w.anvil.block();
    assert_eq!(opened.status()["status"], "committed");
    let voucher = w.file("voucher.json");
    let pay: Vec<&str> = ["channel", "pay"]
        .into_iter()
        .chain(answers.iter().map(|file| path(file)))
        .chain([
            "--paths",
            path(&paths),
            "--price",
            "0.001eth",
            "-o",
            path(&voucher),
        ])
        .collect();
    w.ok(REQUESTER, &pay);
    let mut signed: Value = serde_json::from_slice(&std::fs::read(&voucher).unwrap()).unwrap();
    let (status, kept) = server.voucher(&signed);
    assert_eq!(
        (status, &kept["kept"]["answers"]),
        (200, &json!(3)),
        "{kept}"
    );
    // Again is as once; what its requester did not sign, or of an epoch in which it has no answer, is not kept.
    assert_eq!(server.voucher(&signed).0, 200);
    let good: Voucher = serde_json::from_value(signed.clone()).unwrap();
    signed["amount"] = json!("0x1");
    refused(server.voucher(&signed), 400, "invalid_voucher");
    let sign = |key: &str, change: &dyn Fn(&mut Voucher)| {
        let mut voucher = good.clone();
        change(&mut voucher);
        let voucher = voucher.signed(&key.parse().unwrap()).unwrap();
        server.voucher(&serde_json::to_value(voucher).unwrap())
    };
    refused(sign(CHALLENGER, &|_| {}), 404, "no_answers");
    refused(sign(REQUESTER, &|v| v.epoch = 1), 404, "epoch_open");
    // Those that pay nothing keep no good one from being redeemed, and there are not many of them.
    let worthless: [&dyn Fn(&mut Voucher); 3] = [
        &|v| v.round = 65_535,
        &|v| v.amount += U256::from(10).pow(U256::from(18)),
        &|v| (v.answers, v.amount) = (1_000_000, v.amount + U256::from(1)),
    ];
    for change in worthless {
        assert_eq!(sign(REQUESTER, change).0, 200);
    }
    refused(
        sign(REQUESTER, &|v| v.amount = U256::from(5)),
        400,
        "invalid_voucher",
    );
    std::fs::write(epochs.join("vouchers/damaged.json"), "{").unwrap();

    // Fills the next epoch, which cannot be committed to before this one is settled, for want of bond. That keeps nothing from
    // being done.
    let starve = || {
        let bond = opened.status();
        let [balance, exposed] = ["balance", "exposed"]
            .map(|name| bond[name].as_str().unwrap().parse::<u128>().unwrap());
        let rest = format!("{}wei", balance - exposed);
        let version = ["--model-version", &line.version];
        w.ok(
            PROVIDER,
            &[&["epoch", "withdraw", &rest][..], &version].concat(),
        );
        for prompt in ["b", "c", "a b"] {
            assert_eq!(server.ask(Some(CHALLENGER_ADDRESS), prompt).0, 200);
        }
    };

    // A keeper that is killed after a while, each time after a longer one; the last one does all that is left.
    let log = w.file("keep.log");
    let (mut life, mut undone) = (Duration::from_millis(300), 0);
    let (mut lives, mut starved) = (0, false);
    // Whether a demand was made, and answered, while the last one proves.
    let (mut demanded, mut answered) = (false, false);
    let demand = ["dispute", "demand", path(&answers[0])];
    let is_answered = || {
        let list = w.ok(
            REQUESTER,
            &["dispute", "list", "--receipt", path(&answers[0])],
        );
        list[0]["disputes"][0]["status"] == "answered"
    };
    let said = || std::fs::read_to_string(&log).unwrap();
    while line.channel()["redeemed"] == json!("0") {
        let output = std::fs::File::options()
            .append(true)
            .create(true)
            .open(&log)
            .unwrap();
        let mut command = w.command(PROVIDER, &keep);
        let mut child = command
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let started = Instant::now();
        let before = said().len();
        while started.elapsed() < life && line.channel()["redeemed"] == json!("0") {
            assert!(child.try_wait().unwrap().is_none(), "{}", said());
            w.anvil.mine(1);
            if life == Duration::MAX && !demanded && said()[before..].contains("proving") {
                w.ok(REQUESTER, &demand);
                demanded = true;
            }
            if demanded && !answered && is_answered() {
                assert_eq!(opened.status()["status"], "fixed", "{}", said());
                answered = true;
            }
            if opened.status()["status"] == "proven" {
                w.anvil.wait(3_600);
            }
            if undone == 2 && !starved && opened.status()["status"] == "fixed" {
                starve();
                starved = true;
            }
            if undone < 2 && opened.status()["status"] == "fixed" {
                // Of what was fixed, and then of what was committed to, too.
                let since = w.anvil.block() - committed + 1;
                let depth = if undone == 0 { 10 } else { since };
                w.anvil.rpc("anvil_reorg", json!([depth, []]));
                undone += 1;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        lives += 1;
        life = if lives < 7 { life * 2 } else { Duration::MAX };
    }
    assert!(
        lives > 4 && undone == 2,
        "{lives} lives, {undone} times undone"
    );
    assert!(answered, "{}", said());
    assert_eq!(opened.status()["status"], "settled");
    let channel = line.channel();
    assert_eq!(
        (&channel["redeemed"], &channel["answers"]),
        (&json!("3000000000000000"), &json!(3))
    );
    let starved = r#""number":1,"what":"to be tried again: the epoch exposes"#;
    assert!(said().contains(starved), "{}", said());
    // Now there is bond for it, and the one after it is still open.
    once();
    let next = Epoch {
        line: &line,
        number: 1,
        folder: epochs.join("1"),
    };
    assert_eq!(next.status()["status"], "committed");
    assert_eq!(events(&once()), [""; 0]);
    assert_eq!(server.get("").1["nanozk"]["epoch"]["number"], json!(2));
}

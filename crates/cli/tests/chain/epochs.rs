//! Epochs: answers behind one bond, a real proof of those that are drawn, and what pays for them.

use crate::anvil::*;
use crate::common::*;
use crate::world::*;
use serde_json::{json, Value};
use std::path::{Path, PathBuf};

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
        Self { w, version }
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

    fn paths(&self, requester: &str) -> PathBuf {
        let file = self
            .line
            .w
            .file(&format!("paths-{}-{requester}.json", self.number));
        let paths = [
            "epoch",
            "paths",
            self.folder(),
            "--requester",
            requester,
            "-o",
            path(&file),
        ];
        self.line.w.ok(PROVIDER, &paths);
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
        epoch.paths(REQUESTER_ADDRESS),
        w.file("vouchers/requester.json"),
    );
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
        &epoch.paths(CHALLENGER_ADDRESS),
        &["no path of answer 0"],
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
            |v| v["answers"][0]["statements"][1] = v["answers"][0]["statements"][0].clone(),
            "statement of answer 0",
        ),
        (
            |v| v["answers"][0]["receipts"] = json!([]),
            "receipt of answer 0",
        ),
    ];
    for (change, word) in changes {
        std::fs::copy(&paths, &other_paths).unwrap();
        edit(&other_paths, change);
        refused(&[a], &other_paths, &[word, "do not pay"]);
    }
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
    // Too little bond says so, and commits to nothing.
    let close = ["epoch", "close", path(&folder), "--draws", "3"];
    w.fails(PROVIDER, &close, &["3 draws of 2 answers"]);
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
    assert!(!folder
        .join("drawn/0/proofs")
        .read_dir()
        .unwrap()
        .any(|_| true));
}

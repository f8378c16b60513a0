//! A relayer that is killed at points at which something became durable or left the process, and started again: at every one of
//! them with `NANOZK_KILLS_EVERYWHERE`, as `script/test-heavy` has it.

use crate::anvil::*;
use crate::common::path;
use crate::patience::Patience;
use crate::service::*;
use crate::world::World;
use nanozk_chain::primitives::{Address, B256};
use nanozk_relayer::{Config, Observer};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Settings, separated by line breaks.
const SETTINGS: &str = "NANOZK_TEST_SETTINGS";
/// The point at which to be killed, by its number or by its name, which is the first of that name; nothing: at no point.
const AT: &str = "NANOZK_TEST_KILL_AT";
/// A file to which the names of the points are appended.
const POINTS: &str = "NANOZK_TEST_POINTS";
/// Set: to be killed at every point, which takes long; else at each kind of point, and at every few of all.
const EVERYWHERE: &str = "NANOZK_KILLS_EVERYWHERE";
/// Points from one kill to the next, if not everywhere.
const STRIDE: usize = 10;

/// Runs a relayer that kills itself, as no handler could prevent, at a point.
#[test]
#[ignore = "the other tests of this file start it as a process"]
fn child() {
    let settings = std::env::var(SETTINGS).expect("started by another test");
    let options: Vec<(String, String)> = settings
        .lines()
        .map(|l| l.split_once('=').unwrap())
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .collect();
    let at = std::env::var(AT).unwrap();
    let points = std::env::var(POINTS).unwrap();
    let seen = AtomicUsize::new(0);
    let observer: Observer = Arc::new(move |point| {
        let number = seen.fetch_add(1, Ordering::SeqCst) + 1;
        if at == number.to_string() || at == point {
            use std::io::Write;
            let file = std::fs::File::options()
                .append(true)
                .create(true)
                .open(&points);
            writeln!(file.unwrap(), "{point}").unwrap();
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
        }
    });
    tracing_subscriber::fmt().with_ansi(false).init();
    let config = Config::load(None, [], &options).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(nanozk_relayer::run(config, false, observer, |_| {}))
        .unwrap();
}

/// A relayer that will be killed.
fn spawn(setup: &Setup, at: &str, points: &Path) -> std::process::Child {
    let log = || {
        let mut options = std::fs::File::options();
        options.append(true).create(true).open(log_file(setup))
    };
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::child", "--ignored", "--nocapture"])
        .env(SETTINGS, setup.settings.join("\n"))
        .env(AT, at)
        .env(POINTS, points)
        .env("NANOZK_TEST_SENDER", setup.key)
        .stdin(Stdio::null())
        .stdout(log().unwrap())
        .stderr(log().unwrap())
        .spawn()
        .unwrap()
}

/// What all lives of a relayer say.
fn log_file(setup: &Setup) -> PathBuf {
    setup.inbox.with_file_name("lives.log")
}

/// What one scenario is about.
struct Scenario<'a> {
    w: &'a World,
    maker: &'a Maker,
    sessions: &'a [&'a Path],
    jobs: &'a [&'a str],
    /// Called before each run, on a chain as it was before all.
    begin: &'a dyn Fn(),
    /// Moves the chain on; called all the while.
    nudge: &'a dyn Fn(&Setup),
    /// Whether all is over.
    over: &'a dyn Fn() -> bool,
    /// Points besides the usual ones at which it must have been killed.
    points: &'a [&'a str],
    /// Transactions that it takes: more would be a double.
    transactions: u64,
    /// Events that must be there once.
    once: &'a [B256],
    /// Settings besides the usual ones.
    settings: &'a [(&'a str, &'a str)],
}

impl Scenario<'_> {
    /// Kills at the first point, at one behind it, and so on until a life is over before; and at two points of a life. Which
    /// points these are depends on how fast all is, so points that it was not killed at are gone through by their names. It
    /// must have been killed so often, if it is killed everywhere.
    fn run(&self, name: &str, often: usize) {
        let everywhere = std::env::var_os(EVERYWHERE).is_some();
        let stride = if everywhere { 1 } else { STRIDE };
        let points = self.w.file(&format!("{name}-points"));
        let mut snapshot = self.w.anvil.rpc("evm_snapshot", json!([]));
        let mut one = |at: &str, lives: usize| -> usize {
            self.w.anvil.rpc("evm_revert", json!([snapshot]));
            snapshot = self.w.anvil.rpc("evm_snapshot", json!([]));
            (self.begin)();
            let before = nonce(self.w, SENDER_ADDRESS);
            let mut setup = Setup::new(self.w, &format!("{name}-{at}-{lives}"));
            for (name, value) in self.settings {
                setup = setup.set(name, value);
            }
            for session in self.sessions {
                setup.deliver(session);
            }
            let killed = self.live(&setup, at, lives, &points);
            let sent = nonce(self.w, SENDER_ADDRESS) - before;
            assert_eq!(
                sent, self.transactions,
                "{name}, killed at {at}, {lives} times: doubled or lost"
            );
            for job in self.jobs {
                for event in self.once {
                    let n = self.maker.events(*event, job);
                    assert_eq!(n, 1, "{name}, killed at {at}, {lives} times: {event}");
                }
            }
            std::fs::remove_dir_all(setup.inbox.parent().unwrap()).unwrap();
            killed
        };
        let mut kills = 0;
        let mut at = 1;
        loop {
            // Once at this point; and again as far into the next two lives, the first of which is as after two kills.
            let killed = [1, 3].map(|lives| one(&at.to_string(), lives));
            kills += killed.iter().sum::<usize>();
            if killed[1] == 0 {
                break;
            }
            at += stride;
        }
        let names = || -> BTreeSet<String> {
            let points = std::fs::read_to_string(&points).unwrap();
            points.lines().map(str::to_owned).collect()
        };
        let usual = [
            "claim-added",
            "planned",
            "signed",
            "broadcast",
            "included",
            "final",
            "cursor",
            "looked",
            "claim-ended",
        ];
        for &needed in usual.iter().chain(self.points) {
            if !names().contains(needed) {
                kills += one(needed, 1);
            }
            let names = names();
            assert!(
                names.contains(needed),
                "{name} was never killed after {needed}: {names:?}"
            );
        }
        let names = names();
        println!("{name}: {kills} kills, every {stride}. of {at} points: {names:?}");
        assert!(!everywhere || kills >= often, "{name}: {kills} kills");
    }

    /// One claim, through so many lives that end by a kill, and one that does not.
    fn live(&self, setup: &Setup, at: &str, lives: usize, points: &Path) -> usize {
        let mut killed = 0;
        for life in 0..=lives {
            let at = if life < lives { at } else { "" };
            let mut child = spawn(setup, at, points);
            let mut patience = Patience::with(child.id());
            let mut end: Option<u64> = None;
            loop {
                (self.nudge)(setup);
                let ended = child.try_wait().unwrap();
                if let Some(status) = ended {
                    assert!(!status.success(), "it ends only by a kill");
                    use std::os::unix::process::ExitStatusExt;
                    assert_eq!(status.signal(), Some(9), "it failed by itself");
                    killed += 1;
                    break;
                }
                if (self.over)() && settled(setup, self.jobs.len()) {
                    // It has written the last thing, and may not have been killed after that yet: only a block that came
                    // afterwards shows that it goes on.
                    let end = *end.get_or_insert_with(|| {
                        self.w.anvil.mine(1);
                        self.w.anvil.block()
                    });
                    if followed(setup).is_some_and(|block| block >= end) {
                        let _ = child.kill();
                        let _ = child.wait();
                        return killed;
                    }
                }
                if patience.is_over() {
                    let _ = child.kill();
                    let _ = child.wait();
                    let log = std::fs::read_to_string(log_file(setup)).unwrap_or_default();
                    let last = log.lines().rev().take(40).collect::<Vec<_>>();
                    panic!(
                        "killed at {at}: it does not end; said, the last first:\n{}",
                        last.join("\n")
                    );
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        killed
    }
}

/// Whether the database knows that all of so many claims is over, finally.
fn settled(setup: &Setup, claims: usize) -> bool {
    let file = setup.database.strip_prefix("sqlite:").unwrap();
    let query = "SELECT (SELECT COUNT(*) FROM claims WHERE ended = 1) || ' ' || \
                 (SELECT COUNT(*) FROM intents WHERE status NOT IN ('final', 'dropped'))";
    query_sqlite(file, query) == Some(format!("{claims} 0"))
}

/// The newest block that the database knows.
fn followed(setup: &Setup) -> Option<u64> {
    let file = setup.database.strip_prefix("sqlite:").unwrap();
    let query = "SELECT CAST(MAX(number) AS TEXT) FROM blocks";
    query_sqlite(file, query)?.parse().ok()
}

/// The first value of a query, by a connection of its own.
pub(crate) fn query_sqlite(file: &str, query: &'static str) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        use sqlx::Connection;
        let mut c = sqlx::SqliteConnection::connect(&format!("sqlite:{file}?mode=ro"))
            .await
            .ok()?;
        sqlx::query_scalar(query).fetch_one(&mut c).await.ok()
    })
}

/// Taken, posted and proven, with proofs that are there.
#[test]
fn a_provider_killed_anywhere_loses_and_doubles_nothing() {
    let w = World::new();
    let maker = Maker::new(&w);
    let (file, job) = w.request(&["--mode", "proofs", "--challenge-window", "0"]);
    w.ok(REQUESTER, &["job", "open", path(&file)]);
    let session = w.run(crate::common::fixture(), &file);
    w.ok(
        PROVIDER,
        &["claim", "sign", path(&session), "--lock-within", "7d"],
    );
    w.prove(&session, "all");
    Scenario {
        w: &w,
        maker: &maker,
        sessions: &[&session],
        jobs: &[&job],
        begin: &|| {},
        // Confirmations.
        nudge: &|_| {
            if maker.status(&job) == 2 {
                w.anvil.mine(1)
            }
        },
        over: &|| maker.status(&job) == 2,
        transactions: 3,
        once: &[POSTED, ENDED],
        points: &[],
        settings: &[],
    }
    .run("provider", 40);
}

/// Two claims that are proven by one proof, which the prover makes.
#[test]
fn a_proof_of_two_claims_killed_anywhere_comes_once() {
    let w = World::new();
    let maker = Maker::new(&w);
    let claims = ["#1", "#2"].map(|other| {
        let (file, job) = w.locked(&["--mode", "proofs", "--challenge-window", "0", other]);
        let session = w.run(crate::common::fixture(), &file);
        w.ok(PROVIDER, &["claim", "post", path(&session)]);
        w.aggregate(&session, "all");
        (session, job)
    });
    let [(one, first), (two, second)] = &claims;
    // It is made once: lives are many. Which claim comes first depends on their deadlines.
    let made = |name: &str, sessions: [&Path; 2]| {
        let file = w.file(name);
        let args = [
            "aggregate",
            path(sessions[0]),
            path(sessions[1]),
            "-o",
            path(&file),
        ];
        crate::common::fixture().json_ok(&args);
        file
    };
    let (forth, back) = (
        made("forth.json", [one, two]),
        made("back.json", [two, one]),
    );
    let name = |session: &Path| session.file_name().unwrap().to_str().unwrap().to_owned();
    let script = format!(
        "#!/bin/sh\nset -e\ncase \"$*\" in\n*aggregate*{one}*{two}*) made={};;\n*aggregate*{two}*{one}*) made={};;\nesac\n\
         while [ \"$1\" != -o ]; do shift; done\ncp $made $2.new\nmv $2.new $2\n",
        path(&forth),
        path(&back),
        one = name(one),
        two = name(two),
    );
    let prover = w.file("prover");
    std::fs::write(&prover, script).unwrap();
    std::fs::set_permissions(&prover, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let over = || [first, second].iter().all(|job| maker.status(job) == 2);
    Scenario {
        w: &w,
        maker: &maker,
        sessions: &[one, two],
        jobs: &[first, second],
        begin: &|| {},
        // Confirmations.
        nudge: &|_| {
            if over() {
                w.anvil.mine(1)
            }
        },
        over: &over,
        transactions: 1,
        once: &[POSTED, ENDED],
        points: &["final-proof"],
        settings: &[("prover.command", &format!("[\"{}\"]", path(&prover)))],
    }
    .run("together", 30);
}

/// Posted, challenged, answered, and finalized after the windows.
#[test]
fn an_answer_killed_anywhere_comes_once() {
    let w = World::new();
    let maker = Maker::new(&w);
    let (session, job) = w.posted(&["--mode", "optimistic"]);
    w.ok(CHALLENGER, &["claim", "challenge", &job, "--layer", "2"]);
    w.prove(&session, "2");
    let answered = || w.status(&job)["proven"] == json!([2]);
    let done = Cell::new(false);
    Scenario {
        w: &w,
        maker: &maker,
        sessions: &[&session],
        jobs: &[&job],
        begin: &|| {},
        nudge: &|_| {
            // The windows pass as soon as the challenge is answered.
            match maker.status(&job) {
                1 if !done.get() && maker.events(LAYERS_PROVEN, &job) == 1 => {
                    assert!(answered());
                    w.anvil.wait(3_601);
                    done.set(true);
                }
                1 => done.set(done.get() && maker.events(LAYERS_PROVEN, &job) == 1),
                _ => w.anvil.mine(1),
            }
        },
        over: &|| maker.status(&job) == 3 && maker.events(RESOLVED, &job) == 1,
        transactions: 3,
        once: &[LAYERS_PROVEN, RESOLVED, ENDED],
        points: &[],
        settings: &[],
    }
    .run("answer", 40);
}

/// A watcher that challenges every layer at random, and takes the stake when nobody answers.
#[test]
fn a_watcher_killed_anywhere_risks_no_bond_twice() {
    let w = World::new();
    let maker = Maker::new(&w);
    let (session, job) = w.posted(&["--mode", "optimistic"]);
    // The watcher has the request only.
    let request = session.with_extension("json");
    let watched = w.file("watched");
    std::fs::create_dir_all(&watched).unwrap();
    std::fs::copy(&request, watched.join("request.json")).unwrap();
    let deposit = w.ok(SENDER, &["escrow", "deposit", "1eth"]);
    assert!(!deposit.is_empty());
    let bond: u128 = w.amount(&job, "challenge_bond");
    Scenario {
        w: &w,
        maker: &maker,
        sessions: &[&watched],
        jobs: &[&job],
        begin: &|| {},
        nudge: &|_| match maker.status(&job) {
            1 if maker.events(CHALLENGED, &job) == 1 => w.anvil.wait(3_601),
            1 => {}
            _ => w.anvil.mine(1),
        },
        over: &|| maker.status(&job) == 4 && maker.events(RESOLVED, &job) == 1,
        transactions: 3,
        once: &[CHALLENGED, RESOLVED, ENDED],
        points: &[],
        settings: &[
            ("watch.audits", "1"),
            ("watch.max_bonds", &format!("{}wei", bond * 3 / 2)),
        ],
    }
    .run("watcher", 33);
}

/// A settlement that a block passes by, that is replaced, included, and undone with its block.
#[test]
fn a_replacement_killed_anywhere_survives_a_reorganization() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let (session, job) = maker.claim(Ask::default(), &w.file("made"));
    // Signed by the provider, posted by it, and old enough.
    w.ok(PROVIDER, &["claim", "post", path(&session)]);
    w.anvil.wait(1_300);
    w.anvil.rpc("evm_setAutomine", json!([false]));
    let maker = maker;
    let account: Address = SENDER_ADDRESS.parse().unwrap();
    let hashes: RefCell<HashSet<String>> = RefCell::default();
    let undone = Cell::new(false);
    let base_fee = |fee: String| w.anvil.rpc("anvil_setNextBlockBaseFeePerGas", json!([fee]));
    let waiting = || -> Option<Value> {
        let pool = w.anvil.rpc("txpool_content", json!([]));
        let pending = pool["pending"].as_object()?;
        let mine = pending
            .iter()
            .find(|(from, _)| from.parse() == Ok(account))?;
        Some(mine.1.as_object()?.values().next()?.clone())
    };
    Scenario {
        w: &w,
        maker: &maker,
        sessions: &[&session],
        jobs: &[&job],
        begin: &|| {
            w.anvil.rpc("anvil_dropAllTransactions", json!([]));
            hashes.borrow_mut().clear();
            undone.set(false);
        },
        nudge: &|setup| {
            let included = || {
                let file = setup.database.strip_prefix("sqlite:").unwrap();
                let query = "SELECT COUNT(*) || '' FROM intents WHERE status = 'included'";
                query_sqlite(file, query).as_deref() == Some("1")
            };
            match (maker.status(&job), undone.get()) {
                (1, _) => {
                    let Some(pending) = waiting() else { return };
                    let hash = pending["hash"].as_str().unwrap().to_owned();
                    hashes.borrow_mut().insert(hash);
                    if hashes.borrow().len() >= 2 {
                        base_fee("0x1".into());
                        w.anvil.mine(1);
                        return;
                    }
                    // A block whose base fee is above what is offered; then the node takes replacements again.
                    let offered = pending["maxFeePerGas"].as_str().unwrap();
                    let offered = u128::from_str_radix(&offered[2..], 16).unwrap();
                    base_fee(format!("{:#x}", offered + 1));
                    w.anvil.mine(1);
                    base_fee("0x1".into());
                }
                (_, false) if included() => {
                    w.anvil.rpc("anvil_reorg", json!([1, []]));
                    undone.set(true);
                }
                (_, false) => {}
                (_, true) => w.anvil.mine(1),
            }
        },
        over: &|| maker.status(&job) == 3 && undone.get(),
        transactions: 1,
        once: &[ENDED],
        points: &["bumped", "rewound"],
        settings: &[("fees.bump_after", "1")],
    }
    .run("replacement", 20);
}

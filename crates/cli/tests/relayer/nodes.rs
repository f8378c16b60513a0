//! Nodes that are not like others, and fees that move as on rollups.

use crate::anvil::*;
use crate::chains::{FINALIZED, block_of, reorganize};
use crate::common::{fixture, path};
use crate::kills::query_sqlite;
use crate::proxy::{Chaos, Node, Proxy};
use crate::service::*;
use crate::world::World;
use nanozk_chain::bindings::book;
use nanozk_chain::sol_types::SolCall;
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) fn kind(node: Node) -> Chaos {
    Chaos {
        node,
        ..Chaos::default()
    }
}

/// The base fee of the next block, in wei.
fn base_fee(w: &World, wei: u64) {
    w.anvil.rpc(
        "anvil_setNextBlockBaseFeePerGas",
        json!([format!("{wei:#x}")]),
    );
}

fn sees_the_newest_block(s: &Service, w: &World) -> Option<()> {
    (s.status()["head"]["number"] == w.anvil.block()).then_some(())
}

/// The hash of the newest transaction of a claim, once the node has it.
fn sent(s: &Service, w: &World, job: &str) -> Option<String> {
    let claim = s.claim(job)?;
    let hash = claim["transactions"][0]["hash"].as_str()?.to_owned();
    let known = w.anvil.rpc("eth_getTransactionByHash", json!([hash]));
    (!known.is_null()).then_some(hash)
}

/// Some nodes say by an error, where others say null, that they have no receipt: of a transaction that was replaced there
/// is none. That its replacement was included is seen all the same, and that a stranger's displaced it.
#[test]
fn a_replacement_is_found_where_a_missing_receipt_is_an_error() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let proxy = Proxy::start(w.anvil.port(), Chaos::default(), 1);
    let setup = Setup::new(&w, "relayer")
        .set("rpc", &proxy.url())
        .set("fees.bump_after", "1");
    let mut s = setup.start();
    for (code, message) in [
        (-32000, "transaction not found"),
        (-32001, "Resource not found"),
        (-32603, "internal error"),
    ] {
        let node = Node {
            no_receipt: Some((code, message)),
            ..Node::default()
        };
        proxy.set(kind(node));
        let (session, job) = maker.claim(Ask::default(), &w.file("made"));
        w.anvil.rpc("evm_setAutomine", json!([false]));
        setup.deliver(&session);
        let first = s.wait("it to be sent", |s| sent(s, &w, &job));
        s.wait("the newest block to be seen", |s| {
            sees_the_newest_block(s, &w)
        });
        // A block that costs more than anything that was offered passes it by.
        base_fee(&w, 150_000_000_000);
        w.anvil.mine(1);
        s.wait("a replacement", |s| {
            base_fee(&w, 1);
            sent(s, &w, &job).filter(|hash| *hash != first)
        });
        w.anvil.mine(1);
        s.wait("its inclusion to be seen", |s| block_of(s, &job, "post"));
        assert_eq!(maker.status(&job), 1, "{message}");
        w.anvil.rpc("evm_setAutomine", json!([true]));
    }
    assert!(proxy.counts().peculiar > 0);
    assert_eq!(nonce(&w, SENDER_ADDRESS), 3);
    assert_eq!(s.count("NZK313"), 0, "{}", s.log());

    let (session, job) = maker.claim(Ask::default(), &w.file("made"));
    w.anvil.rpc("evm_setAutomine", json!([false]));
    setup.deliver(&session);
    s.wait("it to be sent", |s| sent(s, &w, &job));
    w.anvil
        .rpc("anvil_impersonateAccount", json!([SENDER_ADDRESS]));
    w.anvil.rpc(
        "eth_sendTransaction",
        json!([{
            "from": SENDER_ADDRESS, "to": CURATOR_ADDRESS, "value": "0x1", "gas": "0x5208", "nonce": "0x3",
            "maxFeePerGas": "0xe8d4a51000", "maxPriorityFeePerGas": "0x174876e800",
        }]),
    );
    w.anvil.mine(1);
    w.anvil.rpc("evm_setAutomine", json!([true]));
    s.wait("the claim to be posted anew", |s| block_of(s, &job, "post"));
    assert_eq!(s.count("NZK313"), 1, "{}", s.log());
    assert_eq!(nonce(&w, SENDER_ADDRESS), 5);
}

/// Nodes that take numbers of blocks only, and have no events: claims go through their lives, and through a reorganization.
#[test]
fn nodes_without_block_hashes_and_events_are_enough() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let node = Node {
        no_hashes: true,
        no_events: true,
        ..Node::default()
    };
    let proxy = Proxy::start(w.anvil.port(), kind(node), 1);
    let setup = Setup::new(&w, "relayer").set("rpc", &proxy.url());
    let ask = Ask {
        locked: false,
        ..Ask::default()
    };
    let (session, job) = maker.claim(ask, &w.file("made"));
    w.anvil.mine(2);
    let mut s = setup.start();
    setup.deliver(&session);
    s.wait("the claim to be posted", |s| block_of(s, &job, "post"));
    s.wait("the newest block to be seen", |s| {
        sees_the_newest_block(s, &w)
    });
    // Both transactions go.
    reorganize(&w, 2, || assert_eq!(maker.status(&job), 0));
    s.wait("the claim to be posted again", |_| {
        (maker.status(&job) == 1).then_some(())
    });
    w.anvil.wait(1_300);
    assert_eq!(s.ended(&job), "finalized");
    assert_eq!(maker.status(&job), FINALIZED);
    assert_eq!(nonce(&w, SENDER_ADDRESS), 3);
    // Each is said once, not with each block.
    let said = (s.count("NZK207"), s.count("NZK202"));
    assert_eq!(said, (1, 1), "{}", s.log());
    assert_eq!(s.stop(), 0);
    let (report, code) = setup.checked();
    assert_eq!(code, 0, "{report}");
    for expected in ["NZK207", "NZK202"] {
        assert!(
            report["checks"]
                .as_array()
                .unwrap()
                .iter()
                .any(|c| c["code"] == expected),
            "{report}"
        );
    }

    // One that answers for any hash would be believed about another block.
    let node = Node {
        ignores_hashes: true,
        ..Node::default()
    };
    proxy.set(kind(node));
    let (code, error) = setup.refused();
    assert!(
        code == 2 && error.contains("does not look at block hashes"),
        "{error}"
    );
    let (report, code) = setup.checked();
    assert_eq!(code, 2);
    assert!(
        report.to_string().contains("does not look at block hashes"),
        "{report}"
    );
}

/// A node may run a call on the state of another block than it was asked for while blocks come in. A challenge that is open
/// though the claim is over shows it: the claim has not ended before the bond is paid out.
#[test]
fn a_claim_has_not_ended_because_a_node_answers_for_another_block() {
    let w = World::new();
    let maker = Maker::new(&w);
    let node = Node {
        stale: Some(book::challengeOfCall::SELECTOR),
        ..Node::default()
    };
    let proxy = Proxy::start(w.anvil.port(), kind(node), 1);
    let setup = Setup::new(&w, "relayer")
        .set("rpc", &proxy.url())
        .set("watch.audits", "1");
    w.ok(SENDER, &["escrow", "deposit", "1eth"]);
    let (session, job) = w.posted(&["--mode", "optimistic"]);
    let watched = setup.inbox.join("watched");
    std::fs::create_dir_all(&watched).unwrap();
    std::fs::copy(session.with_extension("json"), watched.join("request.json")).unwrap();
    let mut s = setup.start();
    s.wait("the challenge", |_| {
        (maker.events(CHALLENGED, &job) == 1).then_some(())
    });
    // It is seen as soon as there is another block.
    w.anvil.mine(1);
    w.anvil.wait(3_601);
    s.wait("it to notice", |s| {
        (maker.status(&job) == 4 && s.log().contains("answers for another block")).then_some(())
    });
    assert_eq!(s.count("NZK021"), 0, "{}", s.log());
    w.anvil.mine(1);
    s.wait("the bond to be paid out", |_| {
        (maker.events(RESOLVED, &job) == 1).then_some(())
    });
    w.anvil.mine(1);
    assert_eq!(s.ended(&job), "defeated");
    assert!(proxy.counts().peculiar > 0);
}

/// Where blocks come with transactions only, and cost more from one moment to the next, a node refuses what offers too
/// little: no block will pass it by, and its fees are raised at once.
#[test]
fn fees_are_raised_where_no_block_comes() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let node = Node {
        costs_at_broadcast: Some(40_000_000_000),
        ..Node::default()
    };
    let proxy = Proxy::start(w.anvil.port(), kind(node), 1);
    let setup = Setup::new(&w, "relayer")
        .set("rpc", &proxy.url())
        .set("fees.max_fee_per_gas", "100gwei");
    let (session, job) = maker.claim(Ask::default(), &w.file("made"));
    let before = w.anvil.block();
    let mut s = setup.start();
    setup.deliver(&session);
    s.wait("the claim to be posted", |s| block_of(s, &job, "post"));
    assert_eq!(w.anvil.block(), before + 1, "no other block came");
    assert!(
        s.count("NZK318") > 0 && s.count("NZK315") > 0,
        "{}",
        s.log()
    );
    assert_eq!(nonce(&w, SENDER_ADDRESS), 1);
}

/// The base fee of a rollup moves by more between two blocks than L1's, up and down: fees follow, caps hold, and everything
/// is included.
#[test]
fn fees_follow_a_base_fee_that_jumps() {
    const GWEI: u64 = 1_000_000_000;
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer")
        .set("fees.bump_after", "1")
        .set("fees.max_fee_per_gas", "60gwei")
        .set("fees.max_per_transaction", "0.05eth")
        .set("fees.max_per_day", "0.5eth");
    let made = w.file("made");
    let claims: Vec<_> = (0..4).map(|_| maker.claim(Ask::default(), &made)).collect();
    w.anvil.rpc("evm_setAutomine", json!([false]));
    let mut s = setup.start();
    for (session, _) in &claims {
        setup.deliver(session);
    }
    let mut fees = [1, 25, 2, 90, 5, 200, 40, 3].iter().cycle();
    s.wait("all to be posted", |s| {
        sees_the_newest_block(s, &w)?;
        base_fee(&w, fees.next().unwrap() * GWEI);
        w.anvil.mine(1);
        claims
            .iter()
            .all(|(_, job)| maker.status(job) == 1)
            .then_some(())
    });
    assert_eq!(nonce(&w, SENDER_ADDRESS), 4, "each once");
    s.wait("it to know", |s| {
        claims
            .iter()
            .all(|(_, job)| block_of(s, job, "post").is_some())
            .then_some(())
    });
    let file = setup.database.strip_prefix("sqlite:").unwrap();
    let most = "SELECT CAST(MAX(CAST(max_fee AS INTEGER)) AS TEXT) FROM attempts";
    let most: u64 = query_sqlite(file, most).unwrap().parse().unwrap();
    assert!(most <= 60 * GWEI, "{most}");
    let wei = |text: &Value| text.as_str().unwrap().parse::<u128>().unwrap();
    let spent: u128 = claims
        .iter()
        .map(|(_, job)| wei(&s.claim(job).unwrap()["transactions"][0]["fee"]))
        .sum();
    assert!(
        spent > 0 && spent <= 500_000_000 * u128::from(GWEI),
        "{spent}"
    );
    s.wait("the day's fees to be counted", |s| {
        (wei(&s.status()["spending"]["day"]) == spent).then_some(())
    });
}

/// A node that takes ten minutes for a large call: it is said, waited for longer, and claims go in transactions of their own.
#[test]
fn what_nodes_are_too_slow_for_is_split() {
    let w = World::new();
    let claims = [1, 2].map(|n| {
        let other = format!("#{n}");
        let (file, job) = w.locked(&["--mode", "proofs", "--challenge-window", "0", &other]);
        let session = w.run(fixture(), &file);
        w.ok(PROVIDER, &["claim", "post", path(&session)]);
        w.aggregate(&session, "all");
        (session, job)
    });
    // A proof of one claim has fewer bytes of calldata, one of two has more.
    let node = Node {
        slow_estimates: Some((2_800, Duration::from_secs(600))),
        ..Node::default()
    };
    let proxy = Proxy::start(w.anvil.port(), kind(node), 1);
    let setup = Setup::new(&w, "relayer")
        .prover()
        .set("rpc", &proxy.url())
        .set("rpc_timeout", "2s")
        .set("rpc_timeout_max", "30s");
    for (session, _) in &claims {
        setup.deliver(session);
    }
    let mut s = setup.start();
    let slow = s.wait("it to be said", |s| {
        let status = s.status();
        let slow = status["slow"].as_array()?.iter();
        slow.clone()
            .find(|m| m["method"] == "eth_estimateGas")
            .cloned()
    });
    assert!(slow["next"].as_f64() > slow["waited"].as_f64(), "{slow}");
    let text = fixture().call(&["relayer", "status", "--listen", &s.address]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(
        text.contains("eth_estimateGas: no node answered within"),
        "{text}"
    );
    for (_, job) in &claims {
        assert_eq!(s.ended(job), "proven");
        assert_eq!(w.status(job)["proven"], json!([0, 1, 2, 3]));
    }
    assert!(
        s.count("NZK206") > 0 && s.count("NZK319") > 0,
        "{}",
        s.log()
    );
    assert_eq!(nonce(&w, SENDER_ADDRESS), 2, "one for each claim");
}

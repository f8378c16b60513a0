//! Chains that change their mind, nodes that fail, blocks that pass transactions by.

use crate::anvil::*;
use crate::common::path;
use crate::proxy::{Chaos, Proxy};
use crate::service::*;
use crate::world::World;
use serde_json::{Value, json};
use std::time::Duration;

/// Status of a claim on chain.
pub(crate) const FINALIZED: u8 = 3;

/// The block of the transaction of an action that was included, if it was.
pub(crate) fn block_of(s: &Service, job: &str, action: &str) -> Option<u64> {
    let claim = s.claim(job)?;
    let transactions = claim["transactions"].as_array()?.clone();
    let done = transactions
        .iter()
        .find(|t| t["action"] == action && (t["status"] == "included" || t["status"] == "final"))?;
    done["block"].as_u64()
}

/// Replaces blocks by empty ones, and checks what is left before a relayer can send it again.
pub(crate) fn reorganize(w: &World, depth: u64, check: impl Fn()) {
    w.anvil.rpc("evm_setAutomine", json!([false]));
    w.anvil.rpc("anvil_reorg", json!([depth, []]));
    check();
    w.anvil.rpc("evm_setAutomine", json!([true]));
    w.anvil.mine(1);
}

#[test]
fn claims_survive_reorganizations_of_every_depth() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer");
    let made = w.file("made");
    let mut s = setup.start();
    for depth in 1..=20u64 {
        let (session, job) = maker.claim(Ask::default(), &made);
        // What a reorganization of this depth must not undo.
        w.anvil.mine(2);
        setup.deliver(&session);
        let block = s.wait("the claim to be posted", |s| block_of(s, &job, "post"));
        w.anvil.mine(depth - 1);
        s.wait("the newest block to be seen", |s| {
            (s.status()["head"]["number"] == w.anvil.block()).then_some(())
        });
        assert_eq!(
            w.anvil.block() - block + 1,
            depth,
            "the claim's block is the last that goes"
        );
        reorganize(&w, depth, || {
            assert_eq!(maker.status(&job), 0, "depth {depth}: the claim is gone");
        });
        s.wait("the claim to be posted again", |_| {
            (maker.status(&job) == 1).then_some(())
        });
        s.wait("it to know", |s| block_of(s, &job, "post"));

        w.anvil.wait(1_300);
        let block = s.wait("the claim to be settled", |s| block_of(s, &job, "finalize"));
        assert_eq!(maker.status(&job), FINALIZED);
        w.anvil.mine(depth - 1);
        s.wait("it to be over", |s| {
            let seen = s.status()["head"]["number"] == w.anvil.block();
            (seen && s.claim(&job)?["ended"] == true).then_some(())
        });
        assert_eq!(w.anvil.block() - block + 1, depth);
        reorganize(&w, depth, || {
            assert_eq!(maker.status(&job), 1, "depth {depth}: its end is gone");
        });
        s.wait("the claim to be settled again", |_| {
            (maker.status(&job) == FINALIZED).then_some(())
        });
        w.anvil.mine(3);
        s.wait("it to be over again", |s| {
            let claim = s.claim(&job)?;
            (claim["ended"] == true && claim["status"] == "finalized").then_some(())
        });
    }
    // Two transactions a claim, each with a nonce of its own, however often it was included.
    assert_eq!(nonce(&w, SENDER_ADDRESS), 40);
    assert!(s.count("NZK210") >= 40, "{}", s.log());
    // The last one is so a moment after its claim is over.
    s.wait("all to be final", |s| {
        (s.status()["transactions"]["final"] == 40).then_some(())
    });
}

/// Two nodes, both behind networks that drop, delay, repeat, mix up and refuse.
#[test]
fn claims_survive_a_network_that_fails() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let chaos = Chaos {
        delay: 100,
        delay_ms: 60,
        drop_request: 40,
        too_many: 30,
        error_packet: 40,
        duplicate: 80,
        drop_answer: 60,
        wrong_order: 40,
        garbage: 30,
        ..Chaos::default()
    };
    let proxies = [1, 2].map(|seed| Proxy::start(w.anvil.port(), Chaos::default(), seed));
    let rpc = format!("{},{}", proxies[0].url(), proxies[1].url());
    let setup = Setup::new(&w, "relayer").set("rpc", &rpc);
    let made = w.file("made");
    let mut jobs = Vec::new();
    for _ in 0..10 {
        let (session, job) = maker.claim(
            Ask {
                locked: false,
                ..Ask::default()
            },
            &made,
        );
        setup.deliver(&session);
        jobs.push(job);
    }
    // A start without an answer is refused, and a supervisor's business.
    let mut s = setup.start();
    for proxy in &proxies {
        proxy.set(chaos);
    }
    for job in &jobs {
        s.wait("the claim to be posted", |_| {
            (maker.status(job) == 1).then_some(())
        });
    }
    // An outage of everything in between.
    for proxy in &proxies {
        proxy.set(Chaos {
            down: true,
            ..Chaos::default()
        });
    }
    s.wait("it to notice", |s| {
        let (status, body) = s.request("GET", "/readyz", "", b"");
        let asked = proxies.iter().all(|p| p.counts().refused > 0);
        (asked && status == 503 && body.contains("NZK201")).then_some(())
    });
    assert_eq!(s.request("GET", "/healthz", "", b"").0, 200, "it waits");
    w.anvil.wait(1_300);
    for proxy in &proxies {
        proxy.set(chaos);
    }
    for job in &jobs {
        s.wait("the claim to be settled", |_| {
            w.anvil.mine(1);
            (maker.status(job) == FINALIZED).then_some(())
        });
        assert_eq!(maker.events(POSTED, job), 1);
        assert_eq!(maker.events(ENDED, job), 1);
    }
    assert_eq!(
        nonce(&w, SENDER_ADDRESS),
        30,
        "three transactions a claim, none twice"
    );
    for proxy in &proxies {
        let c = proxy.counts();
        let happened = [
            c.delayed,
            c.dropped_requests,
            c.too_many,
            c.error_packets,
            c.duplicated,
            c.dropped_answers,
            c.wrong_order,
            c.garbage,
            c.refused,
        ];
        assert!(happened.iter().all(|n| *n > 0), "{c:?}");
    }
    let endpoints = s.status()["endpoints"].clone();
    assert!(
        endpoints
            .as_array()
            .unwrap()
            .iter()
            .all(|e| e["failures"].as_u64() > Some(0)),
        "{endpoints}"
    );
}

/// A node, as behind a balancer, that often does not know the newest blocks: no reorganization, no nonce twice.
#[test]
fn a_node_that_is_behind_confuses_nobody() {
    let w = World::new();
    // Stakes of sixteen jobs at a time.
    w.ok(PROVIDER, &["escrow", "bond", "4eth"]);
    let mut maker = Maker::new(&w);
    let chaos = Chaos {
        behind: 150,
        ..Chaos::default()
    };
    let proxy = Proxy::start(w.anvil.port(), chaos, 7);
    let setup = Setup::new(&w, "relayer").set("rpc", &proxy.url());
    let made = w.file("made");
    let ask = Ask {
        locked: false,
        ..Ask::default()
    };
    let jobs: Vec<String> = (0..16)
        .map(|_| {
            let (session, job) = maker.claim(ask, &made);
            setup.deliver(&session);
            job
        })
        .collect();
    let mut s = setup.start();
    for job in &jobs {
        s.wait("the claim to be posted", |_| {
            (maker.status(job) == 1).then_some(())
        });
    }
    w.anvil.wait(1_300);
    for job in &jobs {
        s.wait("the claim to be settled", |_| {
            w.anvil.mine(1);
            (maker.status(job) == FINALIZED).then_some(())
        });
    }
    s.wait("it to know", |s| {
        w.anvil.mine(1);
        (s.status()["transactions"]["final"] == 48).then_some(())
    });
    assert_eq!(nonce(&w, SENDER_ADDRESS), 48, "three for each claim");
    for code in ["NZK210", "NZK211", "NZK310", "NZK311", "NZK313", "NZK316"] {
        assert_eq!(s.count(code), 0, "{code}\n{}", s.log());
    }
    assert!(proxy.counts().behind > 50, "{:?}", proxy.counts());
}

/// Taken and posted, both undone, and passed by: the claim cannot be posted before the job is taken, which is no reason to
/// cancel it.
#[test]
fn what_waits_for_another_is_not_cancelled() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer").set("fees.bump_after", "1");
    let ask = Ask {
        locked: false,
        ..Ask::default()
    };
    let (session, job) = maker.claim(ask, &w.file("made"));
    let before = w.anvil.block();
    let mut s = setup.start();
    setup.deliver(&session);
    s.wait("the claim to be posted", |s| block_of(s, &job, "post"));
    w.anvil.mine(3);
    s.wait("the newest block to be seen", |s| {
        (s.status()["head"]["number"] == w.anvil.block()).then_some(())
    });
    w.anvil.rpc("evm_setAutomine", json!([false]));
    w.anvil
        .rpc("anvil_reorg", json!([w.anvil.block() - before, []]));
    assert_eq!((maker.status(&job), nonce(&w, SENDER_ADDRESS)), (0, 0));
    for _ in 0..4 {
        // More than anybody offers.
        w.anvil
            .rpc("anvil_setNextBlockBaseFeePerGas", json!(["0x2e90edd001"]));
        w.anvil.mine(1);
        w.anvil
            .rpc("anvil_setNextBlockBaseFeePerGas", json!(["0x1"]));
        s.wait("the newest block to be seen", |s| {
            (s.status()["head"]["number"] == w.anvil.block()).then_some(())
        });
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(nonce(&w, SENDER_ADDRESS), 0);
    s.wait("both to be included", |s| {
        w.anvil
            .rpc("anvil_setNextBlockBaseFeePerGas", json!(["0x1"]));
        w.anvil.mine(1);
        block_of(s, &job, "post")
    });
    assert_eq!((maker.status(&job), nonce(&w, SENDER_ADDRESS)), (1, 2));
    assert_eq!(s.count("NZK311"), 0, "{}", s.log());
    let all = s.status()["transactions"].clone();
    assert_eq!((&all["cancelled"], &all["dropped"]), (&json!(0), &json!(0)));
}

/// More blocks at once than are read one by one: what happened in them is not missed.
#[test]
fn a_long_pause_is_caught_up() {
    let w = World::new();
    let setup = Setup::new(&w, "relayer");
    let (session, job) = w.posted(&["--mode", "optimistic"]);
    w.prove(&session, "2");
    let mut s = setup.start();
    setup.deliver(&session);
    s.wait("the claim to be looked at", |s| {
        (s.claim(&job)?["status"] == "posted").then_some(())
    });
    s.signal(rustix::process::Signal::STOP);
    w.ok(CHALLENGER, &["claim", "challenge", &job, "--layer", "2"]);
    w.anvil.mine(200);
    s.signal(rustix::process::Signal::CONT);
    s.wait("the challenge to be answered", |_| {
        (w.status(&job)["proven"] == json!([2])).then_some(())
    });
}

/// Blocks pass a transaction by until its fees were raised far enough; and never above the ceiling.
#[test]
fn a_stuck_transaction_is_replaced_with_higher_fees() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer")
        .set("fees.bump_after", "1")
        .set("fees.max_fee_per_gas", "60gwei");
    let (session, job) = maker.claim(Ask::default(), &w.file("made"));
    w.anvil.rpc("evm_setAutomine", json!([false]));
    let mut s = setup.start();
    setup.deliver(&session);
    let first = s.wait("it to be sent", |s| {
        let claim = s.claim(&job)?;
        claim["transactions"][0]["hash"]
            .as_str()
            .map(ToOwned::to_owned)
    });
    let raw = |hash: &str| w.anvil.rpc("eth_getTransactionByHash", json!([hash]));
    s.wait("the node to have it", |_| {
        (!raw(&first).is_null()).then_some(())
    });
    let fee = |t: &Value, name: &str| -> u128 {
        u128::from_str_radix(t[name].as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    };
    let mut last = raw(&first);
    assert!(
        fee(&last, "maxPriorityFeePerGas") >= 1_000_000,
        "what block producers leave out is not offered"
    );
    // Blocks that are empty, as their base fee is above what it offers.
    for round in 0..6 {
        s.wait("the newest block to be seen", |s| {
            (s.status()["head"]["number"] == w.anvil.block()).then_some(())
        });
        let base = format!("{:#x}", fee(&last, "maxFeePerGas") + 1);
        w.anvil
            .rpc("anvil_setNextBlockBaseFeePerGas", json!([base]));
        w.anvil.mine(1);
        let hash = s.wait("a replacement", |s| {
            // The node takes none below the base fee that it expects.
            w.anvil
                .rpc("anvil_setNextBlockBaseFeePerGas", json!(["0x1"]));
            let claim = s.claim(&job)?;
            let hash = claim["transactions"][0]["hash"].as_str()?.to_owned();
            (hash != last["hash"].as_str().unwrap() && !raw(&hash).is_null()).then_some(hash)
        });
        let next = raw(&hash);
        assert_eq!(next["nonce"], last["nonce"], "the same nonce");
        for name in ["maxFeePerGas", "maxPriorityFeePerGas"] {
            assert!(
                fee(&next, name) * 10 >= fee(&last, name) * 11,
                "{name} in round {round}"
            );
        }
        assert!(fee(&next, "maxFeePerGas") <= 60_000_000_000);
        last = next;
    }
    assert_eq!(maker.status(&job), 0);
    w.anvil
        .rpc("anvil_setNextBlockBaseFeePerGas", json!(["0x1"]));
    w.anvil.mine(1);
    s.wait("it to be included", |s| block_of(s, &job, "post"));
    assert_eq!((maker.status(&job), nonce(&w, SENDER_ADDRESS)), (1, 1));
    let claim = s.claim(&job).unwrap();
    assert!(
        claim["transactions"][0]["attempts"].as_u64() >= Some(7),
        "{claim}"
    );
}

/// Above the ceiling nothing is sent, and it says so.
#[test]
fn fees_stay_below_the_ceiling() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer")
        .set("fees.bump_after", "1")
        .set("fees.max_fee_per_gas", "3gwei");
    let (session, job) = maker.claim(Ask::default(), &w.file("made"));
    w.anvil.rpc("evm_setAutomine", json!([false]));
    let mut s = setup.start();
    setup.deliver(&session);
    s.wait("it to be at the ceiling", |s| {
        w.anvil
            .rpc("anvil_setNextBlockBaseFeePerGas", json!(["0xffffffffff"]));
        w.anvil.mine(1);
        (s.count("NZK314") > 0).then_some(())
    });
    let file = setup.database.strip_prefix("sqlite:").unwrap();
    let most = "SELECT CAST(MAX(CAST(max_fee AS INTEGER)) AS TEXT) FROM attempts";
    let most = crate::kills::query_sqlite(file, most).unwrap();
    assert!(most.parse::<u64>().unwrap() <= 3_000_000_000, "{most}");
    // Cheaper again: it goes on.
    s.wait("it to be included", |s| {
        w.anvil
            .rpc("anvil_setNextBlockBaseFeePerGas", json!(["0x1"]));
        w.anvil.mine(1);
        block_of(s, &job, "post")
    });
}

/// A cap of a day holds transactions back, and lets them go when the day is over.
#[test]
fn spending_is_capped() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer")
        .set("fees.max_per_day", "0.0000001eth")
        .set("fees.max_per_transaction", "0.0000001eth");
    let (session, job) = maker.claim(Ask::default(), &w.file("made"));
    let mut s = setup.start();
    setup.deliver(&session);
    s.wait("it to be held", |s| (s.count("NZK302") > 0).then_some(()));
    let claim = s.claim(&job).unwrap();
    let error = claim["transactions"][0]["error"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(error.contains("fees.max_per_transaction"), "{error}");
    assert_eq!(nonce(&w, SENDER_ADDRESS), 0);
    s.kill();
    let mut s = setup
        .set("fees.max_per_day", "1eth")
        .set("fees.max_per_transaction", "1eth")
        .start();
    s.wait("it to be posted", |_| {
        (maker.status(&job) == 1).then_some(())
    });
}

/// Both do everything; what one sends displaces the other, and every claim ends once.
#[test]
fn two_relayers_on_one_key_get_along() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setups = ["one", "two"].map(|name| Setup::new(&w, name).set("fees.bump_after", "2"));
    let made = w.file("made");
    let mut jobs = Vec::new();
    for _ in 0..8 {
        let (session, job) = maker.claim(
            Ask {
                locked: false,
                ..Ask::default()
            },
            &made,
        );
        for setup in &setups {
            setup.deliver(&session);
        }
        jobs.push(job);
    }
    // Blocks that come by themselves, so that both find the same nonce free.
    w.anvil.rpc("evm_setAutomine", json!([false]));
    w.anvil.rpc("evm_setIntervalMining", json!([1]));
    let mut services = setups.each_ref().map(Setup::start);
    for job in &jobs {
        services[0].wait("the claim to be posted", |_| {
            (maker.status(job) == 1).then_some(())
        });
    }
    w.anvil.rpc("evm_increaseTime", json!([1_300]));
    for job in &jobs {
        for s in &mut services {
            assert_eq!(s.ended(job), "finalized");
        }
        assert_eq!(maker.events(POSTED, job), 1);
        assert_eq!(maker.events(ENDED, job), 1);
    }
}

/// Transactions that somebody left behind with this key, of which no database knows.
#[test]
fn a_nonce_that_is_in_the_way_is_used_up() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let (session, job) = maker.claim(Ask::default(), &w.file("made"));
    w.anvil.rpc("evm_setAutomine", json!([false]));
    // It needs more gas than blocks have.
    w.anvil
        .rpc("anvil_impersonateAccount", json!([SENDER_ADDRESS]));
    w.anvil.rpc(
        "eth_sendTransaction",
        json!([{"from": SENDER_ADDRESS, "to": CURATOR_ADDRESS, "value": "0x1", "gas": "0x989680", "nonce": "0x0"}]),
    );
    w.anvil.rpc("evm_setBlockGasLimit", json!(["0xf4240"]));
    let setup = Setup::new(&w, "relayer").set("fees.repair_after", "3");
    let mut s = setup.start();
    setup.deliver(&session);
    s.wait("the nonce to be used up", |s| {
        w.anvil.mine(1);
        (s.count("NZK316") > 0).then_some(())
    });
    s.wait("the claim to be posted", |_| {
        w.anvil.mine(1);
        (maker.status(&job) == 1).then_some(())
    });
    assert_eq!(nonce(&w, SENDER_ADDRESS), 2);
}

/// The chain's clock is days ahead of this machine's, and jumps: deadlines are the chain's.
#[test]
fn deadlines_are_by_the_chains_clock() {
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer");
    let mut s = setup.start();
    for days in [3, 30] {
        w.anvil.wait(days * 86_400);
        let (session, job) = maker.claim(Ask::default(), &w.file("made"));
        setup.deliver(&session);
        s.wait("the claim to be posted", |_| {
            (maker.status(&job) == 1).then_some(())
        });
        let by = s.wait("its deadline", |s| {
            s.claim(&job)?["challenge_by"].as_u64().filter(|t| *t > 0)
        });
        // Nothing is finalized early, nor late.
        w.anvil.wait(500);
        std::thread::sleep(Duration::from_millis(600));
        assert_eq!(maker.status(&job), 1, "{days}");
        w.anvil.wait(110);
        s.wait("the claim to be settled", |_| {
            (maker.status(&job) == FINALIZED).then_some(())
        });
        let head = w
            .anvil
            .rpc("eth_getBlockByNumber", json!(["latest", false]));
        let time = head["timestamp"].as_str().unwrap().trim_start_matches("0x");
        let time = u64::from_str_radix(time, 16).unwrap();
        assert!(time > by && time < by + 60, "{days}: {time} {by}");
    }
}

/// No deadline can depend on the machine's clock, for nothing asks it.
#[test]
fn the_system_clock_is_not_asked() {
    let mut folders = vec![root().join("crates/relayer/src")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                assert!(
                    !text.contains("SystemTime") && !text.contains("Utc::now"),
                    "{}",
                    path.display()
                );
                files += 1;
            }
        }
    }
    assert!(files > 18, "{files}");
}

/// A request that nobody takes, and one that is taken and not claimed: both are refunded.
#[test]
fn what_expired_is_refunded() {
    let w = World::new();
    let setup = Setup::new(&w, "relayer");
    let before = w.balance(REQUESTER)[0];
    let (open, first) = w.request(&["--lock-within", "20m"]);
    w.ok(REQUESTER, &["job", "open", path(&open)]);
    let (_, second) = w.locked(&["--lock-within", "10m", "--claim-within", "10m"]);
    assert!(w.balance(REQUESTER)[0] < before);
    for (name, file) in [
        ("first", &open),
        (
            "second",
            &w.file("request---lock-within10m--claim-within10m.json"),
        ),
    ] {
        let to = setup.inbox.join(name);
        std::fs::create_dir_all(&to).unwrap();
        std::fs::copy(file, to.join("request.json")).unwrap();
    }
    let mut s = setup.start();
    s.wait("both to be known", |s| {
        Some((s.claim(&first)?, s.claim(&second)?))
    });
    w.anvil.wait(1_201);
    for job in [&first, &second] {
        s.ended(job);
    }
    let jobs = [&first, &second].map(|j| s.claim(j).unwrap()["job_status"].clone());
    assert_eq!(jobs, [json!("refunded"), json!("expired")]);
    assert!(
        w.balance(REQUESTER)[0] >= before,
        "prices are back, and a part of a stake"
    );
}

//! Many claims at a time, on a chain with a block a second.

use crate::anvil::*;
use crate::common::path;
use crate::patience::Patience;
use crate::service::*;
use crate::world::World;
use serde_json::{Value, json};
use std::time::Instant;

/// One relayer carries them all: none misses a deadline, none is sent twice, and memory does not grow with them.
///
/// `NANOZK_CLAIMS` says how many.
#[test]
fn many_claims_are_carried_at_a_time() {
    let n: usize = std::env::var("NANOZK_CLAIMS").map_or(20, |t| t.parse().expect("a number"));
    let w = World::new();
    let mut maker = Maker::new(&w);
    // Each claim has a stake of its own.
    let stakes = format!("{}eth", n / 2 + 20);
    w.ok(PROVIDER, &["escrow", "deposit", &stakes]);
    w.ok(PROVIDER, &["escrow", "bond", &stakes]);
    let setup = Setup::new(&w, "relayer")
        .prover()
        .set("poll", "200ms")
        .set("fees.max_pending", "64");
    // The chain's clock runs with this machine's: the longest windows there are, so that no machine is too slow. They are over
    // when all is answered.
    let window = 7 * 86_400;
    let ask = Ask {
        challenge_window: window,
        answer_window: window,
        ..Ask::default()
    };
    let mut jobs = Vec::new();
    for _ in 0..n {
        // Straight into the inbox: it is not running yet.
        jobs.push(maker.claim(ask, &setup.inbox).1);
    }
    // Some of the computation's own, which are challenged.
    let real = (n / 50).max(1);
    let mut challenged = Vec::new();
    for i in 0..real {
        let (windows, other) = (format!("{window}s"), format!("#{i}"));
        let (file, job) = w.locked(&[
            "--mode",
            "optimistic",
            "--challenge-window",
            &windows,
            "--answer-window",
            &windows,
            &other,
        ]);
        let session = w.run(crate::common::fixture(), &file);
        w.ok(PROVIDER, &["claim", "sign", path(&session)]);
        setup.deliver(&session);
        challenged.push(job);
    }
    w.anvil.rpc("evm_setAutomine", json!([false]));
    w.anvil.rpc("evm_setIntervalMining", json!([1]));
    let begun = Instant::now();
    let mut s = setup.start();
    let mut slack = i64::MAX;
    let mut slowest = 0.0f64;
    let mut look = |s: &Service| -> Value {
        let status = s.status();
        slack = slack.min(status["slack"].as_i64().unwrap_or(i64::MAX));
        let metrics = s.request("GET", "/metrics", "", b"").1;
        let round = metrics
            .lines()
            .find_map(|l| l.strip_prefix("nanozk_round_seconds "));
        slowest = slowest.max(round.unwrap().parse().unwrap());
        status
    };
    for job in &challenged {
        s.wait("the claim to be posted", |s| {
            look(s);
            (maker.status(job) == 1).then_some(())
        });
        w.ok(CHALLENGER, &["claim", "challenge", job, "--layer", "2"]);
    }
    for job in &jobs {
        s.wait("the claim to be posted", |s| {
            look(s);
            (maker.status(job) == 1).then_some(())
        });
    }
    let posted = begun.elapsed();
    for job in &challenged {
        s.wait("the answer", |s| {
            look(s);
            (maker.events(LAYERS_PROVEN, job) == 1).then_some(())
        });
    }
    w.anvil.rpc("evm_increaseTime", json!([window + 100]));
    let total = (n + real) as u64;
    let (mut ended, mut patience) = (Some(0), Patience::with(s.child.id()));
    while ended < Some(total) {
        let now = look(&s)["claims"]["ended"].as_u64();
        if now > ended {
            (ended, patience) = (now, Patience::with(s.child.id()));
        }
        assert!(!patience.is_over(), "{}", s.status());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    for job in jobs.iter().chain(&challenged) {
        assert_eq!(maker.status(job), 3, "{job} is finalized");
        assert_eq!(maker.events(POSTED, job), 1);
    }
    // A claim is posted and finalized, and the bond of a challenge collected; challenges are answered one by one, or some
    // together.
    let sent = nonce(&w, SENDER_ADDRESS);
    let least = 2 * total + real as u64 + 1;
    assert!((least..least + real as u64).contains(&sent), "{sent}");
    assert_eq!(s.count("NZK420"), 0, "no deadline was missed");
    assert_eq!(s.count("NZK310"), 0, "no transaction failed");
    let memory = s.peak_memory();
    assert!(memory < 256 << 20, "{memory} bytes");
    let status = s.status();
    let requests = status["endpoints"][0]["requests"].as_u64().unwrap();
    println!(
        "{}",
        json!({
            "claims": total, "challenged": real, "posted_s": posted.as_secs(), "total_s": begun.elapsed().as_secs(),
            "least_slack_s": slack, "slowest_round_s": slowest, "peak_memory_bytes": memory,
            "requests_per_claim": requests / total, "fees_wei": status["spending"]["day"],
        })
    );
}

/// The page, in a real browser.
#[test]
#[ignore = "script/test-heavy runs it"]
fn the_page_shows_it_in_a_browser() {
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".into());
    let found = std::path::Path::new(&chromium).is_file();
    assert!(found, "no Chromium at {chromium}: CHROMIUM says where");
    let w = World::new();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer")
        .prover()
        .set("explorer", "https://explorer.example");
    let (session, job) = w.posted(&["--mode", "optimistic"]);
    w.ok(CHALLENGER, &["claim", "challenge", &job, "--layer", "2"]);
    setup.deliver(&session);
    for _ in 0..3 {
        let (other, _) = maker.claim(Ask::default(), &w.file("made"));
        setup.deliver(&other);
    }
    let broken = setup.inbox.join("<img src=x onerror=alert(1)>");
    std::fs::create_dir_all(&broken).unwrap();
    std::fs::write(broken.join("request.json"), "{}").unwrap();
    let mut s = setup.start();
    s.wait("the answer", |s| {
        let claim = s.claim(&job)?;
        (claim["proven"] == json!([2]) && s.status()["claims"]["open"] == 4).then_some(())
    });
    let output = std::process::Command::new("node")
        .arg(root().join("test/browser.mjs"))
        .args([&format!("http://{}", s.address), &job])
        .args(std::env::var_os("NANOZK_SCREENSHOTS"))
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}\n{error}");
}

//! What differs on rollups: fees for bytes and for the operator, and many blocks of one time.
//!
//! The node is anvil with the transactions and receipts of the OP Stack. It takes no fee for bytes, so the contract that tells
//! it is put there, and a proxy adds what it cost to receipts, as such nodes do.

use crate::anvil::*;
use crate::chains::{FINALIZED, block_of};
use crate::nodes::kind;
use crate::proxy::{Node, Proxy};
use crate::service::*;
use crate::world::World;
use serde_json::{Value, json};

/// The OP Stack's `GasPriceOracle`.
const ORACLE: &str = "0x420000000000000000000000000000000000000F";
const GWEI: u64 = 1_000_000_000;
/// What receipts say.
const DATA_FEE: u64 = 777 * GWEI;
/// What the operator takes.
const OPERATOR_FEE: u64 = 55 * GWEI;

/// Puts a contract there that says so many wei for each byte of calldata to `getL1Fee(bytes)`, and so many to anything else.
fn oracle(w: &World, byte: u64, operator: u64) {
    // Compares the selector; returns the operator's fee; or, from 0x1d, the product.
    let code = format!(
        "0x5f3560e01c6349948e0e14601d5767{operator:016x}5f5260205ff35b3667{byte:016x}025f5260205ff3"
    );
    w.anvil.rpc("anvil_setCode", json!([ORACLE, code]));
}

fn optimism() -> World {
    World::on(&["-n", "optimism"])
}

fn behind_proxy(w: &World) -> Proxy {
    let node = Node {
        data_fee: Some(DATA_FEE),
        ..Node::default()
    };
    Proxy::start(w.anvil.port(), kind(node), 1)
}

fn wei(value: &Value) -> u128 {
    let text = value.as_str().unwrap();
    match text.strip_prefix("0x") {
        Some(digits) => u128::from_str_radix(digits, 16).unwrap(),
        None => text.parse().unwrap(),
    }
}

/// Gas times price of a transaction.
fn for_gas(w: &World, hash: &Value) -> u128 {
    let receipt = w.anvil.rpc("eth_getTransactionReceipt", json!([hash]));
    wei(&receipt["gasUsed"]) * wei(&receipt["effectiveGasPrice"])
}

/// Fees besides gas keep to the caps, and are counted as they were paid.
#[test]
fn fees_for_bytes_are_in_the_caps() {
    let w = optimism();
    let mut maker = Maker::new(&w);
    let proxy = behind_proxy(&w);
    // Hundreds of bytes: more than the cap for each transaction.
    oracle(&w, 1_000_000 * GWEI, OPERATOR_FEE);
    let setup = Setup::new(&w, "relayer")
        .set("rpc", &proxy.url())
        .set("fees.max_per_transaction", "0.1eth")
        .set("fees.max_per_day", "0.5eth");
    let (report, _) = setup.checked();
    let found = report.to_string();
    assert!(
        found.contains("for a proof now, besides gas"),
        "the check names what a proof's bytes cost: {found}"
    );
    let (session, job) = maker.claim(Ask::default(), &w.file("made"));
    setup.deliver(&session);
    let mut s = setup.start();
    s.wait("the cap to be met", |s| {
        let log = s.log();
        (log.contains("for its bytes), more than fees.max_per_transaction")).then_some(())
    });
    assert_eq!(maker.status(&job), 0, "nothing was sent");
    assert_eq!(nonce(&w, SENDER_ADDRESS), 0);

    oracle(&w, GWEI, OPERATOR_FEE);
    w.anvil.mine(1);
    s.wait("the claim to be posted", |s| block_of(s, &job, "post"));
    let posted = s.claim(&job).unwrap()["transactions"][0].clone();
    let besides = u128::from(DATA_FEE + OPERATOR_FEE);
    let expected = for_gas(&w, &posted["hash"]) + besides;
    assert_eq!(wei(&posted["fee"]), expected, "{posted}");
    s.wait("the day's fees to be counted", |s| {
        (wei(&s.status()["spending"]["day"]) == expected).then_some(())
    });

    // What was signed at one fee for bytes keeps it set aside until it is included.
    w.anvil.rpc("evm_setAutomine", json!([false]));
    oracle(&w, 10_000 * GWEI, OPERATOR_FEE);
    w.anvil.wait(1_300);
    let reserved = s.wait("the end to be on its way", |s| {
        let reserved = wei(&s.status()["spending"]["reserved"]);
        (reserved > 0).then_some(reserved)
    });
    // At least a hundred bytes, and half as much again.
    let least = u128::from(1_500_000 * GWEI);
    assert!(reserved > least, "{reserved}");
    w.anvil.rpc("evm_setAutomine", json!([true]));
    w.anvil.mine(1);
    s.wait("the claim to be settled", |_| {
        (maker.status(&job) == FINALIZED).then_some(())
    });
}

/// The commands count them, too: before something is sent, when it was, and against a job's price.
#[test]
fn commands_tell_fees_for_bytes() {
    let w = optimism();
    let proxy = behind_proxy(&w);
    let call = |args: &[&str]| -> (Vec<Value>, String) {
        let mut command = w.command(REQUESTER, args);
        let output = command.env("NANOZK_RPC", proxy.url()).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{error}");
        let text = String::from_utf8(output.stdout).unwrap();
        let objects = text.lines().map(|l| serde_json::from_str(l).unwrap());
        (objects.collect(), error)
    };
    let find = |objects: &[Value], key: &str| -> Value {
        let found = objects.iter().find(|o| !o[key].is_null());
        found.unwrap_or_else(|| panic!("no {key}: {objects:?}"))[key].clone()
    };
    let deposit = ["escrow", "deposit", "0.01eth"];
    let (none, _) = call(&[&deposit[..], &["--dry-run"]].concat());
    oracle(&w, 1_000 * GWEI, OPERATOR_FEE);
    let (some, _) = call(&[&deposit[..], &["--dry-run"]].concat());
    let least = u128::from(100_000 * GWEI + OPERATOR_FEE);
    assert!(
        wei(&find(&some, "fee")) > least && wei(&find(&none, "fee")) < least,
        "{none:?} {some:?}"
    );
    let (sent, _) = call(&deposit);
    let hash = find(&sent, "hash");
    let besides = u128::from(DATA_FEE + OPERATOR_FEE);
    assert_eq!(wei(&find(&sent, "fee")), for_gas(&w, &hash) + besides);

    // Two kilobytes at least: 0.02 ETH.
    oracle(&w, 10_000 * GWEI, 0);
    let request = w.file("dear.json");
    let (_, error) = call(&[
        "job",
        "request",
        "--model",
        crate::common::path(&crate::common::fixture().model),
        "--prompt",
        "ab c",
        "--max-new-tokens",
        "4",
        "--price",
        "0.006eth",
        "--provider",
        PROVIDER_ADDRESS,
        "-o",
        crate::common::path(&request),
    ]);
    assert!(
        error.contains("does not cover the provider's gas") && error.contains("for bytes"),
        "{error}"
    );
}

/// Sequencers make several blocks of one time: a claim lives through them as through others.
#[test]
fn blocks_of_one_time_change_nothing() {
    let w = optimism();
    let one_time = || {
        w.anvil.rpc("anvil_setBlockTimestampInterval", json!([0]));
    };
    one_time();
    let mut maker = Maker::new(&w);
    let setup = Setup::new(&w, "relayer");
    let (session, job) = maker.claim(Ask::default(), &w.file("made"));
    let time = w.anvil.time();
    w.anvil.mine(2);
    assert_eq!(w.anvil.time(), time, "blocks of one time");
    setup.deliver(&session);
    let mut s = setup.start();
    s.wait("the claim to be posted", |s| block_of(s, &job, "post"));
    assert_eq!(w.anvil.time(), time);
    w.anvil.rpc("anvil_removeBlockTimestampInterval", json!([]));
    w.anvil.wait(1_300);
    one_time();
    w.anvil.mine(2);
    s.wait("the claim to be settled", |_| {
        (maker.status(&job) == FINALIZED).then_some(())
    });
    w.anvil.mine(2);
    s.wait("it to be over", |s| {
        (s.claim(&job)?["ended"] == true).then_some(())
    });
    assert_eq!(nonce(&w, SENDER_ADDRESS), 2, "each once");
}

//! What the contract `FinalVerifier` and its tests take from this crate, under the development setup.
//!
//! ```text
//! cargo run --release -p nanozk-final --example contract -- sources    the contract's numbers
//! cargo run --release -p nanozk-final --example contract -- proof      these, and proofs for tests
//! cargo run --release -p nanozk-final --example contract -- check      that both are what this version writes and accepts
//! ```

#[path = "../../recursion/examples/synthetic/mod.rs"]
mod synthetic;

use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use nanozk_final::{
    K, Key, ProvingKey, Top, TopError, powers_needed, prove_top, solidity_constants,
    solidity_fold_keys, verify_top,
};
use nanozk_kzg::Basis;
use nanozk_recursion::node::{FOLD, NodeKey, NodeProof, Nodes};
use nanozk_recursion::statement::Said;
use nanozk_setup::{DEVELOPMENT_ID, DEVELOPMENT_SEED, development_powers};
use nanozk_transcript::encoding::{point_to_words, scalar_from_bytes, scalar_to_bytes};
use rand_core::OsRng;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use synthetic::{Outcome, proved};

const WARNING: &str =
    "A development setup: its secret is public, so proofs under it prove nothing.";

fn main() -> Outcome<()> {
    match std::env::args().nth(1).as_deref() {
        Some("sources") => {
            let (nodes, basis, g2) = setup()?;
            let key = ProvingKey::over_nodes(&nodes, &basis)?.key;
            write_sources(&sources(&key, &nodes, &basis, &g2)?)
        }
        Some("proof") => proof(),
        Some("check") => check(),
        _ => Err("one of: sources, proof, check".into()),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Files of the contracts, and what is in them.
fn sources(
    key: &Key,
    nodes: &Nodes,
    basis: &Basis,
    g2: &[G2Affine; 2],
) -> Outcome<[(PathBuf, String); 2]> {
    const _: () = assert!(FOLD == 3);
    let over = |n| -> Outcome<Fr> { Ok(nodes.fold_key(basis, n)?.digest()) };
    let keys = [over(1)?, over(2)?, over(3)?];
    let file = |name: &str| root().join("contracts").join(name);
    Ok([
        (
            file("FinalConstants.sol"),
            solidity_constants(key, g2, WARNING),
        ),
        (
            file("libraries/FoldKeys.sol"),
            solidity_fold_keys(&DEVELOPMENT_ID, &keys, WARNING),
        ),
    ])
}

fn write_sources(sources: &[(PathBuf, String)]) -> Outcome<()> {
    sources
        .iter()
        .try_for_each(|(path, source)| write(path, source))
}

fn proof_path() -> PathBuf {
    root().join("test/fixtures/final-proof.json")
}

fn write(path: &Path, text: &str) -> Outcome<()> {
    fs::write(path, text)?;
    println!("{}", path.strip_prefix(root()).unwrap_or(path).display());
    Ok(())
}

fn setup() -> Outcome<(Nodes, Basis, [G2Affine; 2])> {
    let (bases, g2) = development_powers(powers_needed(K), DEVELOPMENT_SEED);
    Ok((Nodes::new()?, Basis::new(&bases, 4)?, g2))
}

/// A node over a joint proof of a small model with synthetic weights, and the setup's second group.
fn node(nodes: &Nodes) -> Outcome<(NodeKey, NodeProof, [G2Affine; 2])> {
    let proved = proved(false, nodes.powers())?;
    let recording = nodes.joint(&proved.joint())?;
    let key = nodes.key(&proved.basis, &recording)?;
    let node = nodes.prove(&proved.basis, &key, &recording, &mut OsRng, |_| {})?;
    Ok((key, node, proved.g2))
}

/// Two proofs: one that is valid, and one over a node that is not, so that only the equation that remains of it is false.
fn proof() -> Outcome<()> {
    let (node_key, node, g2) = node(&Nodes::new()?)?;
    let (nodes, basis, _) = setup()?;
    let key = ProvingKey::over_nodes(&nodes, &basis)?;
    write_sources(&sources(&key.key, &nodes, &basis, &g2)?)?;
    let prove = |node: &NodeProof| -> Outcome<(Top, Vec<u8>)> {
        let below = (&node_key, node);
        let bytes = prove_top(&key, &nodes, below, &basis, &mut OsRng, |_| {})?;
        let top = Top {
            key: node_key.digest(),
            said: node.said().ok_or("a node says three numbers")?,
        };
        Ok((top, bytes))
    };
    let (top, bytes) = prove(&node)?;
    verify_top(&key.key, &top, &bytes, &g2)?;
    let mut invalid = node;
    invalid.proof.opening.w = G1Affine::generator();
    let (invalid_top, invalid_bytes) = prove(&invalid)?;
    let verdict = verify_top(&key.key, &invalid_top, &invalid_bytes, &g2);
    assert_eq!(verdict, Err(TopError::Pairing));
    let value = json!({
        "key": key_value(&key.key),
        "valid": proof_value(&top, &bytes),
        "invalidBelow": proof_value(&invalid_top, &invalid_bytes),
    });
    let text = serde_json::to_string_pretty(&value)? + "\n";
    write(&proof_path(), &text)
}

fn proof_value(top: &Top, bytes: &[u8]) -> Value {
    let numbers = [top.key].into_iter().chain(top.said.numbers());
    let words: Vec<String> = numbers.map(|x| hex(&scalar_to_bytes(&x))).collect();
    json!({ "publicInputs": words, "proof": hex(bytes) })
}

fn key_value(key: &Key) -> Value {
    let fixed = point_to_words(&key.fixed).map(|word| hex(&word));
    json!({ "k": key.k, "inputs": key.inputs, "fixed": fixed })
}

fn check() -> Outcome<()> {
    let (nodes, basis, g2) = setup()?;
    let key = ProvingKey::over_nodes(&nodes, &basis)?.key;
    for (path, source) in sources(&key, &nodes, &basis, &g2)? {
        if fs::read_to_string(path)? != source {
            return Err(
                "the contracts' numbers are others: script/final-verifier --sources".into(),
            );
        }
    }
    let value: Value = serde_json::from_str(&fs::read_to_string(proof_path())?)?;
    if value["key"] != key_value(&key) {
        return Err("the proofs are of another key: script/final-verifier".into());
    }
    let (top, bytes) = read_proof(&value["valid"])?;
    verify_top(&key, &top, &bytes, &g2)?;
    let (top, bytes) = read_proof(&value["invalidBelow"])?;
    if verify_top(&key, &top, &bytes, &g2) != Err(TopError::Pairing) {
        return Err("the proof over an invalid node is another: script/final-verifier".into());
    }
    println!("the contract's numbers and the proofs for tests are up to date");
    Ok(())
}

fn read_proof(value: &Value) -> Outcome<(Top, Vec<u8>)> {
    let read = |value: &Value| bytes(value.as_str().unwrap_or_default());
    let words = value["publicInputs"].as_array().ok_or("public inputs")?;
    let words = words.iter().map(|word| {
        let word: [u8; 32] = read(word)?.try_into().map_err(|_| "a word")?;
        Ok(scalar_from_bytes(&word)?)
    });
    let words: Vec<Fr> = words.collect::<Outcome<_>>()?;
    let [key, digest, at, fingerprint]: [Fr; 4] = words.try_into().map_err(|_| "four words")?;
    let said = Said::from([digest, at, fingerprint]);
    Ok((Top { key, said }, read(&value["proof"])?))
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    format!("0x{}", digits.collect::<String>())
}

fn bytes(hex: &str) -> Outcome<Vec<u8>> {
    let digits = hex.strip_prefix("0x").ok_or("0x")?;
    let pairs = (0..digits.len() / 2).map(|i| digits.get(2 * i..2 * i + 2).ok_or("digits"));
    pairs
        .map(|pair| Ok(u8::from_str_radix(pair?, 16)?))
        .collect()
}

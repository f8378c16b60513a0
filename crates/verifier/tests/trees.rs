//! Contracts compute what a final proof says as this crate does: `test/golden/trees.json` has trees over nodes, and what their
//! topmost node says, and test/contracts/NodeTree.t.sol computes the same from it.
//!
//! Words of sessions are hashes, so they are not in the file. After a change that is meant, run
//! `NANOZK_UPDATE_GOLDEN=1 cargo test -p nanozk-verifier --test trees`, which writes the file and fails.

use halo2curves::bn256::Fr;
use nanozk_kzg::Basis;
use nanozk_recursion::node::Nodes;
use nanozk_recursion::statement::{Domain, Drawn, Said, fingerprint};
use nanozk_setup::{DEVELOPMENT_SEED, development_powers};
use nanozk_verifier::encoding::scalar_from_bytes;
use nanozk_verifier::hex::Scalar;
use nanozk_verifier::top_of;
use serde_json::json;
use sha3::{Digest, Keccak256};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/golden/trees.json");
const UPDATE: &str = "NANOZK_UPDATE_GOLDEN";
/// Nodes over joint proofs in each tree: all small numbers, and some of three and four levels.
const LEAVES: [u64; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 26, 28, 31];
/// Words of a session's list; behind them, for the test, the key of its node.
const WORDS: u64 = 10;

/// A number below the order of the field: what a word of a leaf of a tree is, or of its activation commitments.
fn number(tree: u64, leaf: u64, word: u64) -> Fr {
    let mut hash = Keccak256::new();
    for n in [tree, leaf, word] {
        hash.update([0; 24]);
        hash.update(n.to_be_bytes());
    }
    let mut bytes: [u8; 32] = hash.finalize().into();
    bytes[0] = 0;
    scalar_from_bytes(&bytes).expect("less than 2^248")
}

/// The list that the node over a leaf says. Its activation commitments are as many as the tree's number.
fn list(tree: u64, leaf: u64) -> Vec<Fr> {
    let mut words: Vec<Fr> = (0..WORDS).map(|word| number(tree, leaf, word)).collect();
    let activations: Vec<Fr> = (0..3 * tree)
        .map(|word| number(tree, leaf, 100 + word))
        .collect();
    words[8] = Drawn::Activations.at(words[7], activations.iter().copied());
    words[9] = fingerprint(activations, words[8]);
    words
}

#[test]
fn contracts_compute_what_final_proofs_say() {
    let nodes = Nodes::new().unwrap();
    let (bases, _) = development_powers(nodes.powers(), DEVELOPMENT_SEED);
    let basis = Basis::new(&bases, 1).unwrap();
    let mut trees = Vec::new();
    for (tree, leaves) in (1..).zip(LEAVES) {
        let said = |leaf| Said::new(Domain::Session, &list(tree, leaf));
        let below: Vec<_> = (0..leaves)
            .map(|leaf| (number(tree, leaf, WORDS), said(leaf)))
            .collect();
        let (top, shape) = top_of(&nodes, &basis, &below).unwrap();
        let words =
            |numbers: &[Fr]| -> Vec<Scalar> { numbers.iter().copied().map(Scalar).collect() };
        let leaves: Vec<Fr> = below.iter().map(|(_, said)| said.digest).collect();
        trees.push(json!({
            "leaves": words(&leaves),
            "shape": shape.shape,
            "digests": shape.digests,
            "top": words(&[[top.key].as_slice(), &top.said.numbers()].concat()),
        }));
    }
    let text = serde_json::to_string_pretty(&json!({ "trees": trees })).unwrap() + "\n";
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(FILE, &text).unwrap();
        panic!("{FILE} is written");
    }
    let golden = std::fs::read_to_string(FILE).unwrap();
    assert!(
        golden == text,
        "what final proofs say has changed, so contracts have to. If that is meant: set {UPDATE}, and say in CHANGELOG.md, \
         under \"Verifying keys\", what is new"
    );
}

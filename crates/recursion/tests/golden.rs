//! The program of nodes changes only on purpose: proofs, keys and registered models depend on its digest.
//!
//! `test/golden/recursion.txt` has it, and digests of keys with the development setup. After a change that is meant, run
//! `NANOZK_UPDATE_GOLDEN=1 cargo test -p nanozk-recursion --test golden`, which writes the file and fails.

mod common;

use common::{K, programmed, shape};
use nanozk_argument::soundness;
use nanozk_kzg::Basis;
use nanozk_layers::{Packing, Selection};
use nanozk_recursion::node::{FOLD, NodeKey, Nodes};
use nanozk_setup::{DEVELOPMENT_SEED, development_powers};
use nanozk_transcript::encoding::scalar_to_bytes;
use std::path::Path;

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../test/golden/recursion.txt"
);
const FOLD_KEYS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../contracts/libraries/FoldKeys.sol"
);
const UPDATE: &str = "NANOZK_UPDATE_GOLDEN";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn nodes_are_those_of_the_golden_file() {
    let nodes = Nodes::new().unwrap();
    let program = nodes.layout().digest(nodes.program());
    let (bases, _) = development_powers(nodes.powers(), DEVELOPMENT_SEED);
    let basis = Basis::new(&bases, 1).unwrap();
    let mut text = format!("program {}\n", hex(&program));
    let contract = std::fs::read_to_string(FOLD_KEYS).unwrap();
    let word = |key: &NodeKey| hex(&scalar_to_bytes(&key.digest()));
    for count in 1..=FOLD {
        let key = word(&nodes.fold_key(&basis, count).unwrap());
        text += &format!("key of nodes over {count} {key}\n");
        // The contract, which computes public inputs of final proofs, knows them.
        let line = format!("OVER_{count} = 0x{key};");
        assert!(
            contract.contains(&line),
            "contracts/libraries/FoldKeys.sol: no {line}"
        );
    }
    // A node checks other equations below if the verifier of joint proofs changes, or only how it is recorded.
    let (program, _, layout) = programmed(&Selection::all(1));
    let activations = Packing::new(&shape(), K).unwrap().streams();
    let key = nodes.joint_key(&basis, (&program, &layout), activations);
    text += &format!("key of nodes over a joint proof {}\n", word(&key.unwrap()));
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(Path::new(FILE), &text).unwrap();
        panic!("{FILE} is written");
    }
    let golden = std::fs::read_to_string(FILE).unwrap();
    assert_eq!(
        golden, text,
        "nodes have another program, so no proof or key of before is accepted any more. If that is meant: set {UPDATE}, \
         and say in CHANGELOG.md, under \"Verifying keys\", what is new"
    );
}

/// Chance does not prove a false node.
#[test]
fn the_error_of_a_node_is_small() {
    let nodes = Nodes::new().unwrap();
    let found = soundness(nodes.program(), nodes.layout());
    for part in &found.parts {
        let (step, bits) = (part.step.to_string(), part.bits());
        println!("{step:32} {:12} 2^-{bits:.1}", part.numerator);
    }
    // What the documentation says.
    assert!((222.3..222.5).contains(&found.bits()), "{}", found.bits());
}

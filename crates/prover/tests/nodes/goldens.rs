//! What pins the circuits of nodes: a row placed otherwise, a range or an equation left out, change a digest here,
//! though every honest witness still satisfies the circuit.
//!
//! `test/golden/nodes.txt` has the digests. After a change of nodes that is meant, run
//! `NANOZK_UPDATE_GOLDEN=1 cargo test -p nanozk-prover --test nodes digests`, which writes the file and fails.

use crate::chain::{stand_in, Case};
use nanozk_aggregation::gates::program;
use nanozk_aggregation::{Ends, Node};
use nanozk_prover::keys::program_digest;
use nanozk_verifier::hex::encode;
use std::path::Path;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/golden/nodes.txt");
const UPDATE: &str = "NANOZK_UPDATE_GOLDEN";

fn lines() -> String {
    let ends = |enter, leave| Ends { enter, leave };
    let nodes = [
        ("root over four layers", Case::new(0, 4).node()),
        ("node over two layers in the middle", Case::new(1, 3).node()),
        (
            "root over two nodes",
            Node::new(
                vec![
                    stand_in(ends(false, true), 15),
                    stand_in(ends(true, false), 15),
                ],
                true,
            ),
        ),
        (
            "node over a node in the middle",
            Node::new(vec![stand_in(ends(true, true), 18)], false),
        ),
    ];
    let line = |(name, node): (&str, Node)| {
        let program = node.program();
        format!(
            "{} k={} {name}\n",
            encode(&program_digest(&program)),
            program.k
        )
    };
    nodes.into_iter().map(line).collect()
}

#[test]
fn digests() {
    let found = lines();
    let path = Path::new(FILE);
    if std::env::var_os(UPDATE).is_some_and(|v| v == "1") {
        std::fs::write(path, &found).expect("it can be written");
        panic!("goldens rewritten; run again");
    }
    let golden = std::fs::read_to_string(path).expect("the goldens are under version control");
    assert_eq!(
        found, golden,
        "see the head of this file if the change is meant"
    );
}

/// A test that goes through the gates there are does not miss one that is gone.
#[test]
fn every_gate_is_there() {
    let with_limbs = |id: &str| {
        let parts = ["native", "0", "1", "2"];
        parts.map(|part| format!("{id}_{part}"))
    };
    let mut expected: Vec<String> = ["limb", "native"].map(String::from).into();
    for id in [
        "add_chord",
        "add_abscissa",
        "add_ordinate",
        "load_square",
        "load_curve",
    ] {
        expected.extend(with_limbs(id));
    }
    expected.extend(
        [
            "full_1_0",
            "full_1_1",
            "full_1_2",
            "full_2_0",
            "full_2_1",
            "full_2_2",
            "full_next_0",
            "full_next_1",
            "full_next_2",
            "partial_1",
            "partial_2",
            "partial_next_0",
            "partial_next_1",
            "partial_next_2",
            "absorb_0",
            "absorb_1",
            "absorb_2",
            "instance_0",
            "instance_1",
            "lanes_0",
            "lanes_1",
            "lanes_2",
            "table",
            "sum",
        ]
        .map(String::from),
    );
    let found: Vec<String> = program(17, 2).gates.into_iter().map(|g| g.id).collect();
    assert_eq!(found, expected);
}

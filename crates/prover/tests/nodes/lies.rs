//! Witnesses of whole nodes that lie about what the node says.

use crate::chain::{over_a_node, Case, CHAIN};
use crate::table::Table;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use nanozk_aggregation::Run;

fn table(run: Run) -> Table {
    Table::new(run.columns, &run.instances)
}

#[test]
fn honest_nodes_are_satisfied() {
    let run = Case::new(0, 4).run();
    run.accumulator
        .check(&CHAIN.kzg)
        .expect("the proofs are valid");
    assert_eq!(table(run).violated(), [""; 0]);
    assert_eq!(table(over_a_node()).violated(), [""; 0]);
}

/// Public inputs about which a node can lie: only digests that none of its layers has among its own. That these are the
/// same as in the rest of the tree is up to the node above, which gives all its children one pair of digests.
fn free(honest: &Table) -> Vec<usize> {
    assert_eq!(honest.violated_arithmetic(), [""; 0]);
    let lie = |i: &usize| {
        let mut table = honest.clone();
        table.instances[*i] += Fr::ONE;
        table.set(*i, table.instances[*i]);
        table.read();
        let violated = table.violated_arithmetic();
        assert!(
            violated
                .iter()
                .all(|g| g == "native" || g.starts_with("absorb_")),
            "{violated:?}"
        );
        violated.is_empty()
    };
    (0..honest.instances.len()).filter(lie).collect()
}

/// One child each: with several, one that is bound would hide another that is not.
#[test]
fn every_public_input_is_bound() {
    let layer = |l: usize| table(Case::new(l, l + 1).run());
    assert_eq!(free(&layer(0)), [0; 0], "embedding");
    assert_eq!(
        free(&layer(1)),
        [2, 3],
        "attention: neither input nor output"
    );
    assert_eq!(free(&layer(3)), [2], "head: no input");
    assert_eq!(free(&table(over_a_node())), [0; 0], "a node");
    assert_eq!(free(&table(Case::new(0, 4).run())), [0; 0], "all layers");
}

/// The factors by which proofs are added up depend on the last commitment of each: with a factor that did not, twice
/// the commitment would be twice the sum.
#[test]
fn factors_follow_from_the_last_commitment() {
    let mut case = Case::new(1, 2);
    let honest = case.run().accumulator;
    let twice = |p: G1Affine| (p * Fr::from(2)).to_affine();
    case.proofs[0].opening[1] = twice(case.proofs[0].opening[1]);
    let changed = case.run().accumulator;
    assert_ne!(changed.rhs, twice(honest.rhs));
    // With two proofs, the factor of each depends on the commitment of the other.
    let mut case = Case::new(1, 3);
    let honest = case.run().accumulator;
    let [first, second] = [0, 1].map(|i| case.proofs[i].opening[1]);
    case.proofs[0].opening[1] = twice(first);
    case.proofs[1].opening[1] = twice(second);
    let changed = case.run().accumulator;
    assert_ne!(changed.rhs, twice(honest.rhs));
}

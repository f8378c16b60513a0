//! What a node over the joint proof of a whole model takes, and a node over such nodes.
//!
//! `cargo run --release -p nanozk-recursion --example node -- [tiny|small]`
//!
//! Weights are synthetic; `tiny` has the dimensions of a model of 0.5 million weights, `small` those of GPT-2 small.

#[path = "synthetic/mod.rs"]
mod synthetic;

use halo2curves::bn256::G2Affine;
use nanozk_kzg::Basis;
use nanozk_recursion::node::{NodeKey, NodeProof, Nodes, hold};
use nanozk_recursion::recorder::Recording;
use rand_core::OsRng;
use synthetic::{Clock, Outcome, proved};

fn node(
    nodes: &Nodes,
    basis: &Basis,
    g2: &[G2Affine; 2],
    key: NodeKey,
    recording: &Recording,
    what: &str,
) -> Outcome<(NodeKey, NodeProof)> {
    println!(
        "{what}: {} steps, {} permutations, {} + {} terms",
        recording.steps.len(),
        recording.permutations.len(),
        recording.terms[0].len(),
        recording.terms[1].len()
    );
    let mut clock = Clock::new();
    let proof = nodes.prove(basis, &key, recording, &mut OsRng, |stage| {
        clock.stage(stage.name())
    })?;
    clock.total(&format!("{what}: proved"));
    let mut clock = Clock::new();
    let said = proof.said().ok_or("other inputs")?;
    let accumulators = nodes.verify(&key, &said, &proof)?;
    assert!(hold(&accumulators, g2), "{what} does not verify");
    clock.total(&format!("{what}: verified"));
    Ok((key, proof))
}

fn main() -> Outcome<()> {
    let is_small = std::env::args().nth(1).as_deref() == Some("small");
    let nodes = Nodes::new()?;
    let proved = proved(is_small, nodes.powers())?;
    let (basis, g2, session) = (&proved.basis, &proved.g2, &proved.session);
    let place = (&proved.program, &proved.layout);
    let mut clock = Clock::new();
    let key = nodes.joint_key(basis, place, session.activations.len())?;
    clock.total("key of the node");
    let recording = nodes.joint(&proved.joint())?;
    let child = node(&nodes, basis, g2, key, &recording, "node")?;

    let children = [(&child.0, &child.1), (&child.0, &child.1)];
    let mut clock = Clock::new();
    let key = nodes.fold_key(basis, children.len())?;
    clock.total("key of the node over two nodes");
    let recording = nodes.fold(&children)?;
    node(&nodes, basis, g2, key, &recording, "node over two nodes")?;
    Ok(())
}

//! The final proof over a node over a joint proof of a model with synthetic weights, and what it takes.
//!
//! `cargo run --release -p nanozk-final --example over_a_node -- [tiny|small]`
//!
//! The powers of the setup are computed and not counted.

#[path = "../../recursion/examples/synthetic/mod.rs"]
mod synthetic;

use nanozk_final::{K, ProvingKey, Top, powers_needed, prove_top, verify_top};
use nanozk_kzg::Basis;
use nanozk_recursion::node::Nodes;
use nanozk_setup::{DEVELOPMENT_SEED, development_powers};
use rand_core::OsRng;
use std::time::Instant;
use synthetic::{Clock, Outcome, proved};

fn main() -> Outcome<()> {
    let is_small = std::env::args().nth(1).as_deref() == Some("small");
    let nodes = Nodes::new()?;
    let proved = proved(is_small, nodes.powers())?;
    let recording = nodes.joint(&proved.joint())?;
    let node_key = nodes.key(&proved.basis, &recording)?;
    let mut clock = Clock::new();
    let node = nodes.prove(&proved.basis, &node_key, &recording, &mut OsRng, |stage| {
        clock.stage(stage.name());
    })?;
    clock.total("node: proved");
    let said = node.said().ok_or("other inputs")?;
    let g2 = proved.g2;
    drop(proved.basis);

    let (bases, _) = development_powers(powers_needed(K), DEVELOPMENT_SEED);
    let basis = Basis::new(&bases, 4)?;
    drop(bases);
    let mut clock = Clock::new();
    let key = ProvingKey::over_nodes(&nodes, &basis)?;
    clock.total("key");
    for usage in &nanozk_final::assign(&nodes.any_top()?)?.usage {
        println!("    {:30} {:7} of {:7}", usage.what, usage.used, usage.size);
    }
    let mut clock = Clock::new();
    let node = (&node_key, &node);
    let bytes = prove_top(&key, &nodes, node, &basis, &mut OsRng, |stage| {
        clock.stage(stage);
    })?;
    clock.total("final proof: proved");
    println!("{} bytes, 2^{K} rows", bytes.len());

    let top = Top {
        key: node_key.digest(),
        said,
    };
    let begin = Instant::now();
    verify_top(&key.key, &top, &bytes, &g2)?;
    println!("verified in {:.2?}", begin.elapsed());
    Ok(())
}

//! The final proof over a node over a joint proof of a model with synthetic weights, and what it takes.
//!
//! `cargo run --release -p nanozk-final --example over_a_node -- [tiny|small]`
//!
//! The powers of the setup are computed and not counted.

#[path = "../../recursion/examples/synthetic/mod.rs"]
mod synthetic;

use nanozk_final::{assign, circuit, powers_needed, ProvingKey, PROOF_BYTES};
use nanozk_kzg::{Accumulator, Basis};
use nanozk_recursion::node::{remaining_at_the_top, Joint, Nodes, TOP_INPUTS};
use nanozk_setup::{development_powers, DEVELOPMENT_SEED};
use nanozk_transcript::{KeccakTranscript, Transcript};
use rand_core::OsRng;
use std::time::Instant;
use synthetic::{proved, Clock, Outcome};

fn main() -> Outcome<()> {
    let is_small = std::env::args().nth(1).as_deref() == Some("small");
    let nodes = Nodes::new()?;
    let proved = proved(is_small, nodes.powers())?;
    let recording = nodes.joint(&Joint {
        program: &proved.program,
        layout: &proved.layout,
        tables: &proved.tables,
        session: &proved.session,
        proof: &proved.proof,
    })?;
    let node_key = nodes.key(&proved.basis, &recording)?;
    let mut clock = Clock::new();
    let node = nodes.prove(&proved.basis, &node_key, &recording, &mut OsRng, |stage| {
        clock.stage(stage.name());
    })?;
    clock.total("node: proved");
    let recording = nodes.top(&node_key, &node)?;
    println!(
        "final circuit: {} steps, {} permutations, {} + {} terms",
        recording.steps.len(),
        recording.permutations.len(),
        recording.terms[0].len(),
        recording.terms[1].len()
    );
    let g2 = proved.g2;
    drop(proved.basis);

    let mut clock = Clock::new();
    let assignment = assign(&recording)?;
    clock.total("assignment");
    for usage in &assignment.usage {
        println!("    {:30} {:7} of {:7}", usage.what, usage.used, usage.size);
    }
    let k = assignment.structure.k;
    let (bases, _) = development_powers(powers_needed(k), DEVELOPMENT_SEED);
    let basis = Basis::new(&bases, 4)?;
    drop(bases);
    let circuit = circuit();
    let mut clock = Clock::new();
    let key = ProvingKey::new(&circuit, &assignment.structure, &basis);
    clock.total("key");
    let mut clock = Clock::new();
    let proof = nanozk_final::prove(
        &key,
        &assignment.inputs,
        assignment.columns,
        &basis,
        &mut OsRng,
        &mut KeccakTranscript::new(),
        |stage| clock.stage(stage),
    )?;
    clock.total("final proof: proved");
    println!(
        "{PROOF_BYTES} bytes, {} with the accumulator, 2^{k} rows",
        PROOF_BYTES + 128
    );

    let begin = Instant::now();
    let mut transcript = KeccakTranscript::new();
    let inputs = &assignment.inputs;
    let own = nanozk_final::verify(&circuit, &key.key, inputs, &proof, &mut transcript)?;
    // What remains of the proofs below is in the public inputs; a challenge joins it, so that one pairing is for both.
    let inputs: &[_; TOP_INPUTS] = inputs.as_slice().try_into()?;
    let below = remaining_at_the_top(inputs)?;
    let challenge = transcript.squeeze();
    let joined = Accumulator {
        lhs: (own.lhs + below.lhs * challenge).into(),
        rhs: (own.rhs + below.rhs * challenge).into(),
    };
    assert!(joined.holds(&g2), "the final proof does not verify");
    println!("verified in {:.2?}", begin.elapsed());
    Ok(())
}

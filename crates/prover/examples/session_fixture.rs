//! Writes test/fixtures/session: two sessions of a small model, a real final proof over all layers of the first and one layer of
//! the second, and the key of final proofs, all under the development setup.
//!
//! ```text
//! cargo run --release -p nanozk-prover --example session_fixture
//! ```

use nanozk_executor::{Activation, Gpt2, QuantizedModel, synthetic};
use nanozk_layers::{Shape, Weights};
use nanozk_prover::finish::{Finisher, Part};
use nanozk_prover::registration::{self, Registration, add_programs, register, widest_windows};
use nanozk_prover::session::{Generated, Provider, SessionDir, windows};
use nanozk_recursion::node::Nodes;
use nanozk_setup::{DEVELOPMENT_ID, DEVELOPMENT_SEED, development_powers};
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::statement::Context;
use nanozk_verifier::{CheckedFinalKey, CheckedManifest, FINAL_POWERS, Parameters, window_layers};
use rand_core::OsRng;
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;

const POSITIONS: usize = 8;
const SEED: [u8; 32] = [7; 32];
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/fixtures/session");

fn main() -> Result<(), Box<dyn Error>> {
    let (powers, g2) = development_powers(FINAL_POWERS, DEVELOPMENT_SEED);
    let parameters = Parameters::new(&powers, g2, Digest32(DEVELOPMENT_ID), true);
    let parameters = parameters.ok_or("a setup without the point at infinity")?;
    let architecture = Gpt2 {
        layers: 2,
        width: 8,
        heads: 2,
        mlp_width: 16,
        vocab: 37,
        context: POSITIONS,
    };
    let model = synthetic::model(architecture.architecture(), Activation::GeluNew, 1);
    let manifest = manifest(&model, &parameters)?;
    let all = (0, manifest.layers() as u32);
    let contexts = [
        Context::default(),
        Context {
            chain: 31_337,
            contract: Digest32([1; 32]),
            claim: Digest32([2; 32]),
            recipient: Digest32([3; 32]),
            epoch: false,
        },
    ];
    let dirs = [tempfile::tempdir()?, tempfile::tempdir()?];
    let sessions = dirs.each_ref().map(|dir| SessionDir::new(dir.path()));
    let proved: [&[(u32, u32)]; 2] = [&[all], &[(1, 1)]];
    let mut claims = Vec::new();
    for ((session, context), generated) in sessions.iter().zip(contexts).zip([3, 2]) {
        let prompt = synthetic::tokens(3, architecture.vocab, generated);
        let answer = model.generate(&prompt, generated as usize, |_| {})?;
        let generated = Generated {
            context,
            tokens: &[prompt.as_slice(), &answer].concat(),
            prompt: prompt.len(),
            input_salt: None,
        };
        let claim = session.create(&model, &manifest, &generated, &parameters, &mut OsRng)?;
        claims.push(manifest.claim(claim)?);
    }
    let provider = Provider {
        model: &model,
        weight_seed: &SEED,
        parameters: &parameters,
    };
    for ((session, claim), proved) in sessions.iter().zip(&claims).zip(proved) {
        for window in proved {
            let cut = windows(claim, &window_layers(*window), None)?;
            let lock = session.lock()?;
            lock.prove(claim, &provider, &cut, &mut OsRng, &mut |_| {})?;
        }
    }
    let locks = [sessions[0].lock()?, sessions[1].lock()?];
    let parts = [0, 1].map(|i| Part {
        session: &locks[i],
        claim: &claims[i],
        windows: proved[i],
    });
    let finisher = Finisher::new(&parameters)?;
    let file = finisher.finish(&parts, &parameters, &mut OsRng, &mut |_| {})?;
    let key = CheckedFinalKey::compute(&parameters)?;
    key.verify(&claims.iter().collect::<Vec<_>>(), &file)?;
    let sessions = claims.iter().map(|claim| {
        json!({"model_id": manifest.id(), "manifest": manifest.manifest(), "claim": claim.claim()})
    });
    write("sessions", &sessions.collect::<Vec<_>>().into())?;
    write("final", &serde_json::to_value(&file)?)?;
    write("final-key", &serde_json::to_value(key.file())?)?;
    println!("key of final proofs: {}", key.digest());
    Ok(())
}

fn manifest(
    model: &QuantizedModel,
    parameters: &Parameters,
) -> Result<CheckedManifest, Box<dyn Error>> {
    let registration = Registration {
        shape: Shape {
            architecture: model.arch,
            spec: model.spec,
            positions: POSITIONS,
        },
        tokenizer: Digest32([3; 32]),
        k: 16,
        fractions: 4,
        parameters,
        development: true,
        seed: &SEED,
    };
    let weights = |part: registration::Part, take: &mut dyn FnMut(Weights<'_>)| {
        take(part.weights(model));
        Ok::<_, nanozk_prover::Error>(())
    };
    let manifest = register(&registration, weights, |_, _| {})?;
    let nodes = Nodes::new().map_err(nanozk_recursion::node::NodeError::from)?;
    let windows = widest_windows(&manifest, &nodes, parameters)?;
    Ok(add_programs(
        manifest,
        &windows,
        &nodes,
        parameters,
        |_, _| {},
    )?)
}

fn write(name: &str, value: &Value) -> Result<(), Box<dyn Error>> {
    let path = Path::new(FOLDER).join(format!("{name}.json"));
    std::fs::create_dir_all(FOLDER)?;
    let text = serde_json::to_string_pretty(value)? + "\n";
    std::fs::write(&path, text)?;
    Ok(())
}

//! Proves one layer of an answer, and verifies that proof.
//!
//! ```text
//! cargo run --release -p nanozk --features prove --example prove_layer -- \
//!     test/models/tiny-gpt2 test/models/texts/calibration.txt work/example 3
//! ```
//!
//! Layer 0 is the embedding; layers 1 and 2 are attention and MLP of the first block, and so on; the last one is the head. What
//! is made is in `work/example`: the model, the setup, and the session, which `verify_session` takes. A second run goes on with
//! them.

use nanozk::verify::{self, Expected};
use nanozk::{Import, Model, Objective, Options, Setups, Task, setup_size};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [checkpoint, text, work, layer] = arguments[..] else {
        return Err("usage: prove_layer CHECKPOINT TEXT DIR LAYER".into());
    };
    prove_layer(
        Path::new(checkpoint),
        Path::new(text),
        Path::new(work),
        layer.parse()?,
    )
}

/// Imports a checkpoint, answers a prompt, and proves a layer of that.
pub(crate) fn prove_layer(
    checkpoint: &Path,
    text: &Path,
    work: &Path,
    layer: usize,
) -> Result<(), Box<dyn Error>> {
    let [model_dir, session_dir] = ["model", "session"].map(|name| work.join(name));
    let setups = Setups::new(work.join("setups"));
    if !model_dir.join("manifest.json").exists() {
        import(checkpoint, text, &model_dir, &setups)?;
    }
    let model = Model::load(&model_dir)?;
    println!("model id {}", model.id());

    // What joint proofs about this model take of its setup.
    let parameters = setups.parameters(model.manifest())?;
    let session = match session_dir.join("claim.json").exists() {
        true => model.session(&session_dir)?,
        false => {
            let task = Task::new(model.tokens("Ownership is")?, 4);
            model.run(&task, &session_dir, &parameters)?
        }
    };
    println!("{:?}", session.text()?);

    session.prove(&[layer], &parameters)?;
    // As somebody else, who has the public files of the session and knows the model id.
    let expected = Expected::model(model.id())
        .layers([layer])
        .under_development_setup();
    let accepted = verify::joint(&session_dir, &expected, &setups)?;
    println!(
        "of {} layers these are proved: {:?}",
        accepted.layers, accepted.proved
    );
    Ok(())
}

/// Quantizes a checkpoint for sessions of 16 tokens, and commits to its weights under the development setup.
fn import(
    checkpoint: &Path,
    text: &Path,
    model_dir: &Path,
    setups: &Setups,
) -> Result<(), Box<dyn Error>> {
    let calibration = std::fs::read_to_string(text)?;
    let import = Import::open(checkpoint, 16)?;
    let quantized = import.quantize(
        model_dir,
        &calibration,
        &Options::default(),
        &mut |_, _, _| {},
    )?;
    let plan = quantized.plan(&Objective::default())?;
    let setup = setups.development(setup_size(&plan))?;
    quantized.register(&plan, &setup, &mut |_, _, _| {})?;
    Ok(())
}

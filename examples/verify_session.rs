//! Verifies a session that somebody else proved: by its final proof if it has one, or else by its joint proofs. It needs no
//! feature of the library.
//!
//! ```text
//! cargo run --release -p nanozk --example verify_session -- work/example/session MODEL_ID work/example/setups --development
//! ```
//!
//! `MODEL_ID` is what `prove_layer` prints, or `nanozk model id`: it has to be known, not read from the session. With numbers of
//! layers at the end only these have to be proved. `--development` accepts the development setup, under which nothing is proved
//! to anybody.

use nanozk::Setups;
use nanozk::verify::{self, Accepted, Expected};
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [session, model_id, setups, options @ ..] = &arguments[..] else {
        return Err(
            "usage: verify_session SESSION MODEL_ID SETUPS [--development] [LAYER…]".into(),
        );
    };
    let mut expected = Expected::model(model_id.parse()?);
    let mut layers = Vec::new();
    for option in options {
        match *option {
            "--development" => expected = expected.under_development_setup(),
            layer => layers.push(layer.parse()?),
        }
    }
    let (expected, setups) = (expected.layers(layers), Setups::new(setups));
    match verify_session(Path::new(session), &expected, &setups) {
        Ok(accepted) => {
            let claim = &accepted.claim;
            println!(
                "ACCEPTED: layers {:?} of {} are proved, of {} tokens of prompt and {} of answer",
                accepted.proved, accepted.layers, claim.prompt_tokens, claim.generated_tokens
            );
            Ok(ExitCode::SUCCESS)
        }
        Err(e) => {
            println!("NOT ACCEPTED: {e}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Verifies a session directory.
pub(crate) fn verify_session(
    session: &Path,
    expected: &Expected,
    setups: &Setups,
) -> Result<Accepted, nanozk::Error> {
    match session.join("final.json").exists() {
        true => verify::final_proof(session, expected, setups),
        false => verify::joint(session, expected, setups),
    }
}

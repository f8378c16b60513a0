//! `nanozk soundness`.

use super::bench::{architecture, synthetic_shape};
use crate::args::{ShapeArgs, SoundnessArgs};
use crate::data::is_development;
use crate::output::Out;
use anyhow::{Result, bail};
use nanozk::model_dir::ModelDir;
use nanozk_circuit::{Objective, Program};
use nanozk_executor::Architecture;
use nanozk_layers::head::rows;
use nanozk_layers::{Layers, Selection};
use serde_json::{Value, json};

/// What a proof's soundness rests on besides chance.
const ASSUMPTIONS: [(&str, &str); 4] = [
    (
        "curve",
        "BN254: about 100 bits against the best known attacks; algebraic group model, q-DLOG",
    ),
    (
        "setup",
        "KZG: somebody who took part in the ceremony destroyed their share of the secret",
    ),
    (
        "fiat_shamir",
        "Keccak-256 or Poseidon as a random oracle; 2^q hashes to search for favourable challenges gain q bits",
    ),
    (
        "digests",
        "Keccak-256 (model id, statement) and Poseidon (tokens) are collision-resistant",
    ),
];

/// Of one joint proof of all layers, from tokens to tokens.
pub(super) fn soundness(args: &SoundnessArgs, out: &Out) -> Result<()> {
    let (shape, development) = match &args.model {
        Some(path) => {
            let version = ModelDir::new(path)?.manifest()?;
            (version.manifest().shape(), Some(is_development(&version)))
        }
        None => {
            let (architecture, positions) = dimensions(args)?;
            (synthetic_shape(architecture, positions), None)
        }
    };
    let mut p = Program::new();
    // As many rows as could be generated.
    let all = Selection::all(shape.architecture.layers);
    let layers = Layers::new(&mut p, &shape, &all, rows(shape.positions))?;
    let plan = nanozk_layers::plan(&p, &shape, &layers, &Objective::default())?;
    let soundness = nanozk_argument::soundness(&p, &plan.layout);
    out.text(format!(
        "Probability that chance alone lets a false joint proof of all layers pass, columns of 2^{} rows:\n",
        plan.layout.k()
    ));
    let mut steps = Vec::new();
    // What cannot happen has no logarithm.
    for part in soundness.parts.iter().filter(|part| part.numerator != 0) {
        let (step, reason) = (part.step.to_string(), part.step.reason());
        out.text(format!("{step:<32} 2^-{:<6.1} {reason}", part.bits()));
        steps.push(json!({"step": step, "log2": -part.bits(), "numerator": part.numerator as f64, "reason": reason}));
    }
    let session = -soundness.bits();
    out.text(format!(
        "{:<32} 2^{session:.1} = {}",
        "sum",
        power_of_ten(session)
    ));
    out.text("\nAssumed besides, computationally:");
    for (_, text) in ASSUMPTIONS {
        out.text(format!("  {text}"));
    }
    if development == Some(true) {
        out.text("  INSECURE: this model has the development setup, whose secret is public: none of this holds");
    }
    let assumptions: serde_json::Map<String, Value> = ASSUMPTIONS
        .iter()
        .map(|(k, v)| ((*k).to_owned(), json!(v)))
        .collect();
    out.json(&json!({
        "k": plan.layout.k(),
        "layers": 2 * shape.architecture.layers + 2,
        "steps": steps,
        "session_log2": session,
        "session_log10": session * std::f64::consts::LOG10_2,
        "statistical_error": session.exp2(),
        "development_setup": development,
        "assumptions": assumptions,
    }));
    Ok(())
}

/// `2^x` in decimal, also where it is no double.
fn power_of_ten(log2: f64) -> String {
    let log10 = log2 * std::f64::consts::LOG10_2;
    let exponent = log10.floor();
    format!("{:.1}e{exponent}", 10f64.powf(log10 - exponent))
}

/// A model that need not exist, and the positions of a session.
fn dimensions(args: &SoundnessArgs) -> Result<(Architecture, usize)> {
    let (Some(width), Some(heads), Some(tokens)) = (args.width, args.heads, args.tokens) else {
        bail!("give --model, or --width, --heads and --tokens");
    };
    let arch = Architecture {
        layers: args.blocks,
        vocab: args.vocab,
        ..architecture(&ShapeArgs {
            width: Some(width),
            heads: Some(heads),
            like: None,
            tokens,
            mlp_width: args.mlp_width,
            k: None,
            commitment_price: Objective::default().commitment_price,
        })?
    };
    arch.validate()?;
    Ok((arch, tokens))
}

#[cfg(test)]
mod tests {
    #[test]
    fn small_numbers() {
        assert_eq!(super::power_of_ten(-10.0), "9.8e-4");
        assert_eq!(super::power_of_ten(-5000.0), "7.1e-1506");
    }
}

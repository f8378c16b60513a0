//! `nanozk soundness`.

use super::bench::{architecture, synthetic_shape};
use crate::args::{ShapeArgs, SoundnessArgs};
use crate::data::is_development;
use crate::model_dir::ModelDir;
use crate::output::{count, Out, Progress};
use anyhow::{bail, Result};
use nanozk_aggregation::plan::MAX_CHILDREN;
use nanozk_circuit::Program;
use nanozk_circuits::{BlockShape, Layer, Objective, Shape};
use nanozk_executor::{synthetic, Activation, Architecture};
use nanozk_layers::head::rows;
use nanozk_layers::{Layers, Selection};
use nanozk_prover::aggregate::MAX_K;
use nanozk_verifier::card::layer_kinds;
use nanozk_verifier::soundness::{node_error_log2, statistical_error_log2, SETUP_LOG2};
use serde_json::{json, Value};

/// Greatest number of proofs and accumulators that a node adds up: of 64 children each.
const SUMMANDS: usize = 2 * MAX_CHILDREN;

/// What a proof's soundness rests on besides chance.
const ASSUMPTIONS: [(&str, &str); 5] = [
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
    (
        "aggregate",
        "aggregates: nobody finds a discrete logarithm relation between a node's points and the one hashed from them, so no \
         sum of multiples adds equal points (factors have several strings of digits: chance alone bounds nothing here)",
    ),
];

pub(super) fn soundness(args: &SoundnessArgs, out: &Out) -> Result<()> {
    if args.joint {
        return joint(args, out);
    }
    let (shapes, development) = match &args.model {
        Some(path) => {
            let card = ModelDir::new(path)?.card()?;
            let shapes = card.layers.iter().map(|l| card.shape(l)).collect();
            (shapes, Some(is_development(&card)))
        }
        None => (planned(args)?, None),
    };
    let mut distinct: Vec<(Shape, usize)> = Vec::new();
    for shape in &shapes {
        match distinct.iter_mut().find(|(s, _)| s == shape) {
            Some((_, count)) => *count += 1,
            None => distinct.push((*shape, 1)),
        }
    }
    let progress = Progress::bar("", distinct.len());
    let mut rows: Vec<(Shape, usize, _)> = Vec::new();
    for (shape, count) in distinct {
        progress.message(shape.kind.name());
        let error = statistical_error_log2(&Layer::new(shape)?.program);
        rows.push((shape, count, error));
        progress.step();
    }
    drop(progress);
    let session = rows
        .iter()
        .map(|(_, count, e)| *count as f64 * e.total.exp2())
        .sum::<f64>()
        .log2();

    out.text("Probability that chance alone lets a false statement pass, as binary logarithms:\n");
    out.text(format!(
        "{:<10} {:>6} {:>3} {:>11} {:>12} {:>11} {:>9} {:>8} {:>8}",
        "circuit",
        "layers",
        "k",
        "challenges",
        "combination",
        "evaluation",
        "batching",
        "opening",
        "total"
    ));
    let mut circuits = Vec::new();
    for (shape, count, e) in &rows {
        out.text(format!(
            "{:<10} {count:>6} {:>3} {:>11.1} {:>12.1} {:>11.1} {:>9.1} {:>8.1} {:>8.1}",
            shape.kind.name(),
            shape.plan.k,
            e.challenges,
            e.combination,
            e.evaluation,
            e.batching,
            e.opening,
            e.total
        ));
        circuits.push(json!({
            "kind": shape.kind,
            "layers": count,
            "k": shape.plan.k,
            "challenges_log2": e.challenges,
            "combination_log2": e.combination,
            "evaluation_log2": e.evaluation,
            "batching_log2": e.batching,
            "opening_log2": e.opening,
            "total_log2": e.total,
            "challenge_degree": e.challenge_degree as f64,
        }));
    }
    out.text(format!(
        "\nsession of {}: 2^{session:.1} = {}",
        count(shapes.len(), "layer"),
        power_of_ten(session)
    ));
    out.text(format!(
        "(a prover may know 2^{SETUP_LOG2} powers of the setup's secret; degrees are of the circuits above)\n"
    ));
    let node = node_error_log2(MAX_K, SUMMANDS);
    out.text("An aggregate adds by chance, for each node and the proof of it:");
    out.text(format!(
        "  lookups {:.1}, folding {:.1} (at most 2^{MAX_K} rows and {SUMMANDS} summands), total {:.1}\n",
        node.lookups, node.folding, node.total
    ));
    out.text("Assumed besides, computationally:");
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
        "circuits": circuits,
        "layers": shapes.len(),
        "session_log2": session,
        "session_log10": session * std::f64::consts::LOG10_2,
        "statistical_error": session.exp2(),
        "aggregate_node": {
            "k": MAX_K,
            "lookups_log2": node.lookups,
            "folding_log2": node.folding,
            "total_log2": node.total,
        },
        "development_setup": development,
        "assumptions": assumptions,
    }));
    Ok(())
}

/// Of one joint proof of all layers, from tokens to tokens.
fn joint(args: &SoundnessArgs, out: &Out) -> Result<()> {
    let shape = match &args.model {
        Some(path) => {
            let registered = ModelDir::new(path)?.registered()?;
            let version = registered.version();
            nanozk_layers::Shape {
                architecture: version.architecture(),
                spec: version.spec(),
                positions: version.positions(),
            }
        }
        None => {
            let (architecture, positions) = dimensions(args)?;
            synthetic_shape(architecture, positions)
        }
    };
    let mut p = Program::new();
    // As many rows as could be generated.
    let all = Selection::all(shape.architecture.layers);
    let layers = Layers::new(&mut p, &shape, &all, rows(shape.positions))?;
    let plan = nanozk_layers::plan(&p, &shape, &layers, &nanozk_circuit::Objective::default())?;
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
    out.json(&json!({
        "k": plan.layout.k(),
        "layers": 2 * shape.architecture.layers + 2,
        "steps": steps,
        "session_log2": session,
        "session_log10": session * std::f64::consts::LOG10_2,
        "statistical_error": session.exp2(),
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
        ..architecture(&ShapeArgs {
            width,
            heads,
            tokens,
            mlp_width: args.mlp_width,
            vocab: args.vocab,
            k: None,
            commitment_price: Objective::default().commitment_price,
        })?
    };
    arch.validate()?;
    Ok((arch, tokens))
}

/// The layers of such a model, as the planner would cut it.
fn planned(args: &SoundnessArgs) -> Result<Vec<Shape>> {
    let (arch, tokens) = dimensions(args)?;
    let kinds: Vec<_> = layer_kinds(arch.layers, args.whole_blocks)
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    let mut counts: Vec<(_, usize)> = Vec::new();
    for kind in &kinds {
        match counts.iter_mut().find(|(k, _)| k == kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((*kind, 1)),
        }
    }
    let block = BlockShape::new(&arch, &synthetic::spec(arch.width, Activation::GeluNew));
    let plan = nanozk_circuits::plan(&counts, block, tokens, Objective::default())?;
    Ok(kinds
        .into_iter()
        .filter_map(|kind| plan.shape(kind))
        .collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn small_numbers() {
        assert_eq!(super::power_of_ten(-10.0), "9.8e-4");
        assert_eq!(super::power_of_ten(-5000.0), "7.1e-1506");
    }
}

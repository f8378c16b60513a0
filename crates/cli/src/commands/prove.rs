//! `nanozk prove`.

use super::joint;
use super::run::model_of;
use crate::args::ProveArgs;
use crate::data::{is_development, Data, DEVELOPMENT_WARNING};
use crate::measure::{available_bytes, Stopwatch};
use crate::model_dir::{ModelDir, ModelVersion};
use crate::output::{bytes, count, thousands, Out, Progress};
use anyhow::{bail, Context, Result};
use nanozk_circuits::{Layer, Shape};
use nanozk_prover::directory::Kind;
use nanozk_prover::keys::Prepared;
use nanozk_prover::plonk::{estimate_peak_bytes, Stage};
use nanozk_prover::session::{Event, Options, SessionDir};
use nanozk_prover::{audit, files};
use nanozk_verifier::hex::Digest32;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const AUDIT_FORMAT: &str = "nanozk-audit-1";

/// Which layers were drawn: `audit.json` of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Audit {
    /// [`AUDIT_FORMAT`].
    format: String,
    /// Beacon.
    pub(super) seed: Digest32,
    /// Layers drawn.
    pub(super) count: usize,
    /// Audit weights of all layers, in parts per million.
    pub(super) weights_ppm: Vec<u32>,
    /// The layers, in the order they were drawn.
    pub(super) layers: Vec<usize>,
}

impl Audit {
    /// The draw of a session, if there was one.
    pub(super) fn read(session: &Path) -> Result<Option<Self>, files::FileError> {
        let path = session.join("audit.json");
        if !path.exists() {
            return Ok(None);
        }
        let audit: Audit = files::read_json_of_session(&path)?;
        if audit.format != AUDIT_FORMAT {
            return Err(files::FileError::Content {
                path,
                reason: format!("format {:?} where {AUDIT_FORMAT:?} is needed", audit.format),
            });
        }
        Ok(Some(audit))
    }
}

pub(super) fn prove(args: &ProveArgs, data: &Data, out: &Out) -> Result<()> {
    if Kind::of(&args.session) == Some(Kind::JointSession) {
        return joint::prove(args, data, out);
    }
    Kind::Session.check(&args.session)?;
    prove_layers(args, &SessionDir::new(&args.session), data, out)
}

/// Proves layers into the directory of proofs that `session_dir` has.
pub(super) fn prove_layers(
    args: &ProveArgs,
    session_dir: &SessionDir,
    data: &Data,
    out: &Out,
) -> Result<()> {
    let (session, card) = (session_dir.session()?, session_dir.card()?);
    let dir = model_of(&args.session, args.model.as_deref())?;
    let model_card = dir.card()?;
    if session.model_id != model_card.model_id() || card.model_id() != session.model_id {
        bail!(
            "the session is of model {}, {} is {}",
            session.model_id,
            dir.path.display(),
            model_card.model_id()
        );
    }
    let secret = dir.secret()?;
    session_dir.check_opens()?;
    // Before the draw is written, which is of whoever proves.
    let lock = session_dir.lock()?;
    let layers = match (&args.layers, args.budget) {
        (Some(list), _) => list.0.clone(),
        (None, Some(budget)) => {
            let claim = session.claim_digest(card.layers.len());
            let seed = args.seed.expect("clap requires the seed");
            draw(args, &dir, &card, budget, seed, &claim, out)?
        }
        (None, None) => (0..card.layers.len()).collect(),
    };
    if let Some(layer) = layers.iter().find(|l| **l >= card.layers.len()) {
        bail!(
            "there is no layer {layer}: the model has layers 0 to {}",
            card.layers.len() - 1
        );
    }
    let model = dir.model(&card)?;

    // Layers of one shape are proved together, with one key in memory.
    let mut groups: Vec<(Shape, Vec<usize>)> = Vec::new();
    for &layer in &layers {
        let shape = card.shape(&card.layers[layer]);
        match groups.iter_mut().find(|(s, _)| *s == shape) {
            Some((_, members)) => members.push(layer),
            None => groups.push((shape, vec![layer])),
        }
    }
    // What a proof costs grows as its memory does.
    let mut peaks = HashMap::new();
    for (shape, _) in &groups {
        peaks.insert(*shape, estimate_peak_bytes(&Layer::new(*shape)?.program));
    }
    let peak = peaks.values().copied().max().unwrap_or(0);
    let cost = |layer: usize| peaks[&card.shape(&card.layers[layer])] as f64;
    let model_bytes = std::fs::metadata(dir.file("model.safetensors")).map_or(0, |m| 2 * m.len());
    let jobs = fit_jobs(args, peak, model_bytes, out)?;
    let total = model_bytes + peak * jobs as u64;
    out.text(format!(
        "proving {} of {}, {jobs} at a time: about {} of memory at the peak",
        layers.len(),
        count(card.layers.len(), "layer"),
        bytes(total)
    ));
    out.json(&json!({
        "event": "start",
        "layers": layers,
        "jobs": jobs,
        "estimated_peak_bytes": total,
    }));

    let setup = data.setup_of(&card)?;
    let names = card.layer_names();
    let clock = Stopwatch::start();
    let progress = Progress::bar("proving", layers.len());
    progress.costs(layers.iter().map(|l| cost(*l)).sum());
    let (proved, kept) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let size = AtomicU64::new(0);
    let report = |event: Event| match event {
        Event::Kept(layer) => {
            kept.fetch_add(1, Ordering::Relaxed);
            progress.skip(cost(layer));
            progress.above(|| {
                out.text(format!("{layer:>3} {:<15} already proved", names[layer]));
                out.json(
                    &json!({"event": "kept", "layer": layer, "kind": card.layers[layer].kind}),
                );
            });
        }
        Event::Stage(layer, stage) => {
            progress.message(&format!("{}: {}", names[layer], describe(stage)));
        }
        Event::Proved { layer, bytes, wall } => {
            proved.fetch_add(1, Ordering::Relaxed);
            size.fetch_add(bytes as u64, Ordering::Relaxed);
            progress.step_of(cost(layer));
            progress.above(|| {
                out.text(format!(
                    "{layer:>3} {:<15} proved in {:.1} s, {} bytes",
                    names[layer],
                    wall.as_secs_f64(),
                    thousands(bytes as u64)
                ));
                out.json(&json!({
                    "event": "proved",
                    "layer": layer,
                    "kind": card.layers[layer].kind,
                    "proof_bytes": bytes,
                    "wall_s": wall.as_secs_f64(),
                }));
            });
        }
    };
    for (shape, members) in groups {
        progress.message(&format!("{}: key", shape.kind.name()));
        let prepared = Prepared::new(shape, &setup, &data.keys())?;
        let options = Options {
            layers: members,
            transcript: args.transcript.into(),
            jobs,
        };
        let prepared = HashMap::from([(shape, prepared)]);
        let seed = &secret.weight_seed.0;
        lock.prove(&model, seed, &setup, &prepared, &options, &report)
            .map_err(|e| blame_secret(&dir, e))?;
    }
    drop(progress);
    let done = Done {
        proved: proved.into_inner(),
        kept: kept.into_inner(),
        bytes: size.into_inner(),
    };
    let what = format!("{} proved", count(done.proved, "layer"));
    done.show(&what, &clock, &card, out);
    Ok(())
}

/// What was proved.
pub(super) struct Done {
    pub(super) proved: usize,
    pub(super) kept: usize,
    pub(super) bytes: u64,
}

impl Done {
    /// Says it; `what` is how people call it.
    pub(super) fn show(
        &self,
        what: &str,
        clock: &Stopwatch,
        version: &dyn ModelVersion,
        out: &Out,
    ) {
        let development = is_development(version);
        out.text(format!(
            "{what} in {:.1} s ({:.1} CPU s), {} kept",
            clock.wall_s(),
            clock.cpu_s(),
            self.kept
        ));
        if development {
            out.note(DEVELOPMENT_WARNING);
        }
        out.json(&json!({
            "event": "done",
            "proved": self.proved,
            "kept": self.kept,
            "proof_bytes": self.bytes,
            "prove_wall_s": clock.wall_s(),
            "prove_cpu_s": clock.cpu_s(),
            "development_setup": development,
        }));
    }
}

/// Names the file of the seed if that is what does not fit.
pub(super) fn blame_secret(dir: &ModelDir, error: nanozk_prover::Error) -> anyhow::Error {
    match error {
        e @ nanozk_prover::Error::WeightSeed { .. } => {
            anyhow::Error::new(e).context(dir.file("secret.json").display().to_string())
        }
        e => e.into(),
    }
}

/// A stage, for people.
pub(super) fn describe(stage: Stage) -> &'static str {
    match stage {
        Stage::FirstPhase => "committing to values",
        Stage::SecondPhase => "second phase",
        Stage::Quotient => "quotient",
        Stage::Evaluate => "evaluating",
        Stage::Open => "opening",
        _ => "proving",
    }
}

/// Jobs that fit the memory.
fn fit_jobs(args: &ProveArgs, peak: u64, model: u64, out: &Out) -> Result<usize> {
    let asked = usize::from(args.jobs);
    match args.memory {
        Some(gib) => {
            let limit = (gib * f64::from(1u32 << 30)) as u64;
            let fit = limit.saturating_sub(model) / peak.max(1);
            if fit == 0 {
                bail!(
                    "one proof needs about {}, which is more than the --memory of {gib} GiB; \
                     a model imported with a smaller --max-k or fewer --tokens needs less",
                    bytes(model + peak)
                );
            }
            Ok(asked.min(fit as usize))
        }
        None => {
            let needed = model + peak * asked as u64;
            if let Some(available) = available_bytes().filter(|a| *a < needed) {
                out.note(format!(
                    "warning: about {} are needed, {} are available",
                    bytes(needed),
                    bytes(available)
                ));
            }
            Ok(asked)
        }
    }
}

/// Draws the layers of a budget, says how likely a cheat is caught, and writes `audit.json`.
pub(super) fn draw(
    args: &ProveArgs,
    dir: &ModelDir,
    version: &dyn ModelVersion,
    budget: f64,
    seed: Digest32,
    claim: &[u8; 32],
    out: &Out,
) -> Result<Vec<usize>> {
    let weights = dir.importance(version)?.audit_weights_ppm;
    let all = weights.len();
    let count = ((budget * all as f64).round() as usize).clamp(1, all);
    let layers = audit::draw(&weights, count, &seed.0, claim)
        .with_context(|| format!("{}", dir.file("importance.json").display()))?;
    let inclusion = audit::inclusion(&weights, count)?;
    let names = version.layer_names();
    let (weakest, least) = inclusion.least();
    out.text(format!(
        "drawn by the beacon: {count} of {}",
        crate::output::count(all, "layer")
    ));
    out.text("layer                weight  a cheat on it alone is caught with");
    let total: f64 = weights.iter().map(|w| f64::from(*w)).sum();
    for (layer, name) in names.iter().enumerate() {
        out.text(format!(
            "{layer:>3} {name:<15} {:>6.2}%  {:>6.2}%{}",
            100.0 * f64::from(weights[layer]) / total,
            100.0 * inclusion.probability[layer],
            if layers.contains(&layer) {
                "  drawn"
            } else {
                ""
            }
        ));
    }
    out.text(format!(
        "a cheat on any one layer is caught with probability at least {:.2}% ({}); computed to within {:.0e}",
        100.0 * least,
        names[weakest],
        inclusion.error.max(1e-12)
    ));
    out.json(&json!({
        "event": "draw",
        "seed": seed,
        "count": count,
        "layers": layers,
        "weights_ppm": weights,
        "caught": inclusion.probability,
        "caught_at_least": least,
        "error": inclusion.error,
    }));
    let path = args.session.join("audit.json");
    let audit = Audit {
        format: AUDIT_FORMAT.into(),
        seed,
        count,
        weights_ppm: weights,
        layers: layers.clone(),
    };
    if let Some(old) = Audit::read(&args.session)? {
        if old.seed != seed {
            out.note(format!(
                "warning: {} had the draw of another beacon, which this one replaces",
                path.display()
            ));
        }
    }
    files::write_json(&path, &audit)?;
    let ascending: BTreeSet<usize> = layers.into_iter().collect();
    Ok(ascending.into_iter().collect())
}

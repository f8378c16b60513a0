//! `nanozk prove`.

use super::GIB;
use super::run::model_of;
use crate::args::ProveArgs;
use crate::data::{DEVELOPMENT_WARNING, Data, is_development};
use crate::measure::{Stopwatch, available_bytes};
use crate::output::{Out, Progress, bytes, count, thousands};
use anyhow::{Context, Result};
use nanozk::model_dir::ModelDir;
use nanozk_prover::directory::Kind;
use nanozk_prover::session::{Event, Locked, Provider, SessionDir, Window, name_of, windows};
use nanozk_prover::{audit, files};
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::{CheckedClaim, CheckedManifest};
use rand_core::OsRng;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

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

/// A session that is to be proved, and its model.
pub(super) struct Opened {
    pub(super) session: SessionDir,
    pub(super) dir: ModelDir,
    pub(super) manifest: CheckedManifest,
}

impl Opened {
    pub(super) fn new(session: &Path, model: Option<&Path>) -> Result<Self> {
        Kind::Session.check(session)?;
        let dir = model_of(session, model)?;
        let manifest = dir.manifest()?;
        Ok(Self {
            session: SessionDir::new(session),
            dir,
            manifest,
        })
    }

    /// The claim, of this model, which the secret part opens.
    pub(super) fn claim(&self) -> Result<CheckedClaim<'_>> {
        let claim = self
            .manifest
            .claim(self.session.claim()?)
            .with_context(|| {
                let (session, model) = (self.session.path().display(), self.dir.path().display());
                format!("{session} is no session of {model}")
            })?;
        self.session.check_opens(&claim)?;
        Ok(claim)
    }

    /// Bytes of the model in memory: eight for each weight, of which its file has four.
    fn model_bytes(&self) -> u64 {
        std::fs::metadata(self.dir.file("model.safetensors")).map_or(0, |m| 2 * m.len())
    }

    /// What is left to a proof of a memory in GiB.
    pub(super) fn room(&self, memory: Option<f64>) -> Option<u64> {
        let limit = memory.map(|gib| (gib * GIB) as u64);
        limit.map(|limit| limit.saturating_sub(self.model_bytes()))
    }

    /// What no proof fits.
    pub(super) fn too_small(&self, e: nanozk_prover::Error) -> anyhow::Error {
        match e {
            nanozk_prover::Error::Memory { needed, .. } => anyhow::anyhow!(
                "a proof of one layer needs about {}, which is more than --memory allows",
                bytes(self.model_bytes() + needed)
            ),
            e => e.into(),
        }
    }
}

pub(super) fn prove(args: &ProveArgs, data: &Data, out: &Out) -> Result<()> {
    let opened = Opened::new(&args.session, args.model.as_deref())?;
    let claim = opened.claim()?;
    // Before the draw is written, which is of whoever proves.
    let lock = opened.session.lock()?;
    let manifest = &opened.manifest;
    let layers = match (&args.layers, args.budget) {
        (Some(list), _) => list.0.clone(),
        (None, Some(budget)) => {
            let digest = claim.claim().claim_digest()?;
            let seed = args.seed.expect("clap requires the seed");
            draw(args, &opened.dir, manifest, budget, seed, &digest, out)?
        }
        (None, None) => (0..manifest.layers()).collect(),
    };
    let room = opened.room(args.memory);
    let windows = windows(&claim, &layers, room).map_err(|e| opened.too_small(e))?;
    prove_windows(&opened, &claim, &lock, &windows, args.memory, data, out)
}

/// Proves windows of layers.
pub(super) fn prove_windows(
    opened: &Opened,
    claim: &CheckedClaim<'_>,
    lock: &Locked<'_>,
    windows: &[Window],
    memory: Option<f64>,
    data: &Data,
    out: &Out,
) -> Result<()> {
    let (dir, manifest) = (&opened.dir, &opened.manifest);
    let secret = dir.secret()?;
    let layers: Vec<usize> = windows.iter().flat_map(|w| w.layers.clone()).collect();
    let peak = windows.iter().map(|w| w.estimate.peak_bytes).max();
    let peak = opened.model_bytes() + peak.unwrap_or(0);
    let cost = |window: &Window| window.estimate.cpu_seconds;
    let seconds: f64 = windows.iter().map(cost).sum();
    out.text(format!(
        "proving {} of {} in {}: about {} of memory at the peak, {seconds:.0} s of processor time",
        layers.len(),
        count(manifest.layers(), "layer"),
        count(windows.len(), "proof"),
        bytes(peak)
    ));
    if let (None, Some(available)) = (memory, available_bytes().filter(|a| *a < peak)) {
        out.note(format!(
            "warning: about {} are needed, {} are available; --memory makes more and smaller proofs",
            bytes(peak),
            bytes(available)
        ));
    }
    out.json(&json!({
        "event": "start",
        "layers": layers,
        "proofs": windows.iter().map(|w| &w.layers).collect::<Vec<_>>(),
        "estimated_peak_bytes": peak,
        "estimated_cpu_s": seconds,
    }));

    let model = dir.model(manifest)?;
    let parameters = data.parameters(manifest)?;
    let provider = Provider {
        model: &model,
        weight_seed: &secret.weight_seed.0,
        parameters: &parameters,
    };
    let clock = Stopwatch::start();
    let progress = Progress::bar("proving", windows.len());
    progress.costs(seconds);
    let (mut proved, mut kept, mut size) = (0, 0, 0);
    let mut report = |event: Event<'_>| match event {
        Event::Kept(window) => {
            kept += 1;
            progress.skip(cost(window));
            progress.above(|| {
                let name = name_of(&window.layers);
                out.text(format!("layers {name:<12} already proved"));
                out.json(&json!({"event": "kept", "layers": window.layers}));
            });
        }
        Event::Stage(window, stage) => {
            let name = name_of(&window.layers);
            progress.message(&format!("layers {name}: {}", stage.name()));
        }
        Event::Proved {
            window,
            bytes,
            wall,
        } => {
            proved += 1;
            size += bytes;
            progress.step_of(cost(window));
            progress.above(|| {
                out.text(format!(
                    "layers {:<12} proved in {:.1} s, {} bytes",
                    name_of(&window.layers),
                    wall.as_secs_f64(),
                    thousands(bytes as u64)
                ));
                out.json(&json!({
                    "event": "proved",
                    "layers": window.layers,
                    "proof_bytes": bytes,
                    "wall_s": wall.as_secs_f64(),
                }));
            });
        }
    };
    lock.prove(claim, &provider, windows, &mut OsRng, &mut report)
        .map_err(|e| blame_secret(dir, e))?;
    drop(progress);
    let development = is_development(manifest);
    out.text(format!(
        "{} made in {:.1} s ({:.1} CPU s), {kept} kept",
        count(proved, "proof"),
        clock.wall_s(),
        clock.cpu_s(),
    ));
    if development {
        out.note(DEVELOPMENT_WARNING);
    }
    out.json(&json!({
        "event": "done",
        "proved": proved,
        "kept": kept,
        "proof_bytes": size,
        "prove_wall_s": clock.wall_s(),
        "prove_cpu_s": clock.cpu_s(),
        "development_setup": development,
    }));
    Ok(())
}

/// Names the file of the seed if that is what does not fit.
fn blame_secret(dir: &ModelDir, error: nanozk_prover::Error) -> anyhow::Error {
    match error {
        e @ nanozk_prover::Error::WeightSeed { .. } => {
            anyhow::Error::new(e).context(dir.file("secret.json").display().to_string())
        }
        e => e.into(),
    }
}

/// Draws the layers of a budget, says how likely a cheat is caught, and writes `audit.json`.
fn draw(
    args: &ProveArgs,
    dir: &ModelDir,
    version: &CheckedManifest,
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
    if let Some(old) = Audit::read(&args.session)?
        && old.seed != seed
    {
        out.note(format!(
            "warning: {} had the draw of another beacon, which this one replaces",
            path.display()
        ));
    }
    files::write_json(&path, &audit)?;
    let ascending: BTreeSet<usize> = layers.into_iter().collect();
    Ok(ascending.into_iter().collect())
}

//! `nanozk aggregate`: the final proof of layers of one session or of many.

use super::prove::{Opened, prove_windows};
use crate::args::{AggregateArgs, LayersOrAll};
use crate::data::{DEVELOPMENT_WARNING, Data, is_development};
use crate::measure::Stopwatch;
use crate::output::{Out, Progress, count, thousands};
use anyhow::{Result, bail};
use nanozk_prover::files;
use nanozk_prover::finish::{Event, Finisher, Part, program_windows};
use nanozk_prover::session::{Locked, Window, windows};
use nanozk_recursion::node::folds;
use nanozk_verifier::{CheckedClaim, FINAL_FORMAT, FinalFile};
use rand_core::OsRng;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(super) fn aggregate(args: &AggregateArgs, data: &Data, out: &Out) -> Result<()> {
    let (given, sessions) = (args.layers.len(), args.sessions.len());
    if given != 0 && given != sessions {
        bail!(
            "--layers is given {given} times for {}: once for each, or not at all",
            count(sessions, "session")
        );
    }
    let distinct: BTreeSet<PathBuf> = (args.sessions.iter())
        .map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()))
        .collect();
    if distinct.len() != sessions {
        bail!("a session is named twice");
    }
    let output = match (&args.output, &args.sessions[..]) {
        (Some(path), _) => path.clone(),
        (None, [session]) => session.join("final.json"),
        (None, _) => bail!("a proof of several sessions needs a file: -o FILE"),
    };
    check_output(&output)?;
    let opened = args
        .sessions
        .iter()
        .map(|session| Opened::new(session, args.model.as_deref()));
    let opened: Vec<Opened> = opened.collect::<Result<_>>()?;
    let setup = opened[0].manifest.manifest().setup;
    if let Some(other) = opened.iter().find(|o| o.manifest.manifest().setup != setup) {
        bail!(
            "{} is of a model under another setup than {}: they have no proof in common",
            other.session.path().display(),
            opened[0].session.path().display()
        );
    }
    let layers = (0..opened.len()).map(|i| match args.layers.get(i) {
        Some(LayersOrAll::List(list)) => list.0.clone(),
        Some(LayersOrAll::All) | None => (0..opened[i].manifest.layers()).collect(),
    });
    let layers: Vec<Vec<usize>> = layers.collect();
    let plan = Plan {
        opened: &opened,
        layers: &layers,
        alone: false,
        memory: args.memory,
    };
    plan.finish(&output, data, out)?;
    Ok(())
}

/// Sessions with layers of each, to have one final proof.
pub(super) struct Plan<'a> {
    pub(super) opened: &'a [Opened],
    pub(super) layers: &'a [Vec<usize>],
    /// Exactly these layers, by programs of them alone: else others may be proved with them, if that takes less time.
    pub(super) alone: bool,
    pub(super) memory: Option<f64>,
}

impl Plan<'_> {
    /// Makes the proof, and writes it. What is there of it is kept.
    pub(super) fn finish(&self, output: &Path, data: &Data, out: &Out) -> Result<FinalFile> {
        let Plan { opened, memory, .. } = *self;
        let claims: Vec<CheckedClaim<'_>> =
            opened.iter().map(Opened::claim).collect::<Result<_>>()?;
        let locks = opened.iter().map(|o| Ok(o.session.lock()?));
        let locks: Vec<Locked<'_>> = locks.collect::<Result<_>>()?;
        let mut all_windows: Vec<Vec<Window>> = Vec::new();
        for ((opened, claim), layers) in opened.iter().zip(&claims).zip(self.layers) {
            let room = opened.room(memory);
            let found = match self.alone {
                true => windows(claim, layers, room),
                false => program_windows(claim, layers, room),
            };
            all_windows.push(found.map_err(|e| opened.too_small(e))?);
        }
        for (i, windows) in all_windows.iter().enumerate() {
            prove_windows(
                &opened[i], &claims[i], &locks[i], windows, memory, data, out,
            )?;
        }

        let clock = Stopwatch::start();
        let leaves: usize = all_windows.iter().map(Vec::len).sum();
        // Nodes over joint proofs, nodes over nodes, and the final proof.
        let steps = leaves + folds(leaves) + 1;
        let progress = Progress::bar("aggregating", steps);
        progress.message("preparing the setup and the key");
        let k = opened
            .iter()
            .map(|o| o.manifest.manifest().k)
            .max()
            .unwrap_or(0);
        let parameters = data.final_parameters(&opened[0].manifest, k)?;
        let finisher = Finisher::new(&parameters)?;
        let mut kept = 0;
        let mut report = |event: Event<'_>| match event {
            Event::Kept(name) => {
                kept += 1;
                progress.step();
                progress.above(|| {
                    out.text(format!("node {name:<22} already there"));
                    out.json(&json!({"event": "node kept", "node": name}));
                });
            }
            Event::Node(name, stage) => progress.message(&format!("node {name}: {}", stage.name())),
            Event::Proved { name, wall } => {
                progress.step();
                progress.above(|| {
                    let wall_s = wall.as_secs_f64();
                    out.text(format!("node {name:<22} proved in {wall_s:.1} s"));
                    out.json(&json!({"event": "node", "node": name, "wall_s": wall_s}));
                });
            }
            Event::Final(stage) => progress.message(&format!("final proof: {stage}")),
        };
        let numbers: Vec<Vec<(u32, u32)>> = all_windows
            .iter()
            .map(|windows| {
                windows
                    .iter()
                    .map(|w| (w.layers[0] as u32, w.layers.len() as u32))
                    .collect()
            })
            .collect();
        let parts: Vec<Part<'_>> = (locks.iter().zip(&claims).zip(&numbers))
            .map(|((session, claim), windows)| Part {
                session,
                claim,
                windows,
            })
            .collect();
        let file = finisher.finish(&parts, &parameters, &mut OsRng, &mut report)?;
        files::write_json(output, &file)?;
        drop(progress);
        out.text(format!(
            "final proof of {} bytes over {} made in {:.1} s ({:.1} CPU s): {}",
            thousands(file.proof.0.len() as u64),
            count(leaves, "joint proof"),
            clock.wall_s(),
            clock.cpu_s(),
            output.display()
        ));
        let development = is_development(&opened[0].manifest);
        if development {
            out.note(DEVELOPMENT_WARNING);
        }
        out.json(&json!({
            "event": "final",
            "file": output,
            "claims": file.claims,
            "nodes_kept": kept,
            "final_bytes": file.proof.0.len(),
            "final_wall_s": clock.wall_s(),
            "final_cpu_s": clock.cpu_s(),
            "development_setup": development,
        }));
        Ok(file)
    }
}

/// Refuses, before anything is proved, a place that could not be written, or has something else than a final proof.
fn check_output(path: &Path) -> Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|p| !p.is_dir()) {
        bail!("there is no directory {}", parent.display());
    }
    if path.is_dir() {
        bail!("{} is a directory: name a file", path.display());
    }
    if path.exists() {
        let file: Result<Value, _> = files::read_json_of_session(path);
        if !file.is_ok_and(|file| file["format"] == FINAL_FORMAT) {
            bail!(
                "{} exists and is no final proof: it is not replaced, name another file",
                path.display()
            );
        }
    }
    Ok(())
}

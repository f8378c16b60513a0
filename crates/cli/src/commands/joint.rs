//! `nanozk prove`, `aggregate`, `verify` and `reexecute` of sessions for joint proofs.

use super::prove::{blame_secret, draw, Done};
use super::reexecute::{other_activations, wrong_token, Execution, Verdict};
use super::run::model_of;
use super::verify::{check_development, check_draw, list, read, readable, reveal, Revealed};
use super::{reject, GIB};
use crate::args::{AggregateArgs, ProveArgs, Transcript, VerifyArgs};
use crate::data::{is_development, Data, DEVELOPMENT_WARNING};
use crate::measure::{available_bytes, Stopwatch};
use crate::model_dir::{ModelVersion, Registered};
use crate::output::{bytes, count, thousands, Out, Progress};
use crate::Outcome;
use anyhow::{bail, Context, Result};
use nanozk_executor::QuantizedModel;
use nanozk_prover::directory::Kind;
use nanozk_prover::files::{self, FileError};
use nanozk_prover::joint::finish::{self, Finisher};
use nanozk_prover::joint::session::{
    name_of, recompute, windows, Event, JointSession, Provider, Recomputed, Window,
};
use nanozk_prover::session::Secret;
use nanozk_recursion::node::levels;
use nanozk_verifier::hex::{Digest32, Scalar};
use nanozk_verifier::joint::{
    CheckedClaim, CheckedManifest, Claim, Error, FinalFile, FinalVerifier, Manifest, Parameters,
    ProofFile, CLAIM_FORMAT, MANIFEST_FORMAT,
};
use rand_core::OsRng;
use serde_json::{json, Value};
use std::collections::BTreeSet;
use std::time::Instant;

pub(super) fn prove(args: &ProveArgs, data: &Data, out: &Out) -> Result<()> {
    prove_windows(args, data, out).map(drop)
}

/// Proves layers; gives the sets of layers that have a proof each.
fn prove_windows(args: &ProveArgs, data: &Data, out: &Out) -> Result<Vec<Vec<usize>>> {
    if args.jobs > 1 {
        bail!("--jobs is for proofs of single layers: a joint proof uses all processors by itself");
    }
    if args.transcript != Transcript::Keccak {
        bail!("--transcript is for proofs of single layers: joint proofs have one transcript");
    }
    let session = JointSession::new(&args.session);
    let dir = model_of(&args.session, args.model.as_deref())?;
    let Registered::Joint(manifest) = dir.registered()? else {
        bail!(
            "the session is for joint proofs, {} is a model for proofs of single layers",
            dir.path.display()
        );
    };
    let claim = session.claim()?;
    let claim = manifest.claim(claim).with_context(|| {
        let (session, model) = (args.session.display(), dir.path.display());
        format!("{session} is no session of {model}")
    })?;
    let secret = dir.secret()?;
    session.check_opens(&claim)?;
    // Before the draw is written, which is of whoever proves.
    let lock = session.lock()?;
    let layers = match (&args.layers, args.budget) {
        (Some(list), _) => {
            let set: BTreeSet<usize> = list.0.iter().copied().collect();
            set.into_iter().collect()
        }
        (None, Some(budget)) => {
            let digest = claim.claim().claim_digest();
            let seed = args.seed.expect("clap requires the seed");
            draw(args, &dir, &manifest, budget, seed, &digest, out)?
        }
        (None, None) => (0..manifest.layers()).collect::<Vec<_>>(),
    };

    // The model is in memory, too: eight bytes for each weight, and four in its column.
    let model_bytes = std::fs::metadata(dir.file("model.safetensors")).map_or(0, |m| 2 * m.len());
    let limit = args.memory.map(|gib| (gib * GIB) as u64);
    let room = limit.map(|limit| limit.saturating_sub(model_bytes));
    let windows = windows(&claim, &layers, room).map_err(|e| match e {
        nanozk_prover::Error::Memory { needed, .. } => anyhow::anyhow!(
            "a proof of one layer needs about {}, which is more than --memory allows",
            bytes(model_bytes + needed)
        ),
        e => e.into(),
    })?;
    let peak = windows.iter().map(|w| w.estimate.peak_bytes).max();
    let peak = model_bytes + peak.unwrap_or(0);
    let cost = |window: &Window| window.estimate.cpu_seconds;
    let seconds: f64 = windows.iter().map(cost).sum();
    out.text(format!(
        "proving {} of {} in {}: about {} of memory at the peak, {seconds:.0} s of processor time",
        layers.len(),
        count(manifest.layers(), "layer"),
        count(windows.len(), "proof"),
        bytes(peak)
    ));
    if let (None, Some(available)) = (limit, available_bytes().filter(|a| *a < peak)) {
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

    let model = dir.model(&manifest)?;
    let parameters = data.parameters(&manifest)?;
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
    lock.prove(&claim, &provider, &windows, &mut OsRng, &mut report)
        .map_err(|e| blame_secret(&dir, e))?;
    drop(progress);
    let done = Done {
        proved,
        kept,
        bytes: size as u64,
    };
    done.show(
        &format!("{} made", count(proved, "proof")),
        &clock,
        &manifest,
        out,
    );
    Ok(windows.into_iter().map(|window| window.layers).collect())
}

/// Makes the final proof, over joint proofs of all layers, which are made first if they are not there.
pub(super) fn aggregate(args: &AggregateArgs, data: &Data, out: &Out) -> Result<()> {
    if args.tree.is_some() {
        bail!("--tree is for proofs of single layers: nodes over joint proofs have one tree");
    }
    let windows = prove_windows(
        &ProveArgs {
            session: args.session.clone(),
            model: args.model.clone(),
            layers: None,
            transcript: Transcript::Keccak,
            jobs: 1,
            memory: args.memory,
            budget: None,
            seed: None,
        },
        data,
        out,
    )?;
    let session = JointSession::new(&args.session);
    let dir = model_of(&args.session, args.model.as_deref())?;
    let Registered::Joint(manifest) = dir.registered()? else {
        bail!(
            "{} is a model for proofs of single layers",
            dir.path.display()
        );
    };
    let claim = manifest.claim(session.claim()?)?;
    let lock = session.lock()?;
    let clock = Stopwatch::start();
    // Nodes over joint proofs, nodes over nodes, and the final proof.
    let steps = windows.len() + levels(windows.len()).iter().flatten().count() + 1;
    let progress = Progress::bar("aggregating", steps);
    progress.message("preparing the setup and the key");
    let parameters = data.final_parameters(&manifest)?;
    let finisher = Finisher::new(&parameters)?;
    let mut kept = 0;
    let mut report = |event: finish::Event<'_>| match event {
        finish::Event::Kept(name) => {
            kept += 1;
            progress.step();
            progress.above(|| {
                out.text(format!("node {name:<13} already there"));
                out.json(&json!({"event": "node kept", "node": name}));
            });
        }
        finish::Event::Node(name, stage) => {
            progress.message(&format!("node {name}: {}", stage.name()));
        }
        finish::Event::Proved { name, wall } => {
            progress.step();
            progress.above(|| {
                let wall_s = wall.as_secs_f64();
                out.text(format!("node {name:<13} proved in {wall_s:.1} s"));
                out.json(&json!({"event": "node", "node": name, "wall_s": wall_s}));
            });
        }
        finish::Event::Final(stage) => progress.message(&format!("final proof: {stage}")),
    };
    let file = lock.finish(
        &claim,
        &windows,
        &finisher,
        &parameters,
        &mut OsRng,
        &mut report,
    )?;
    drop(progress);
    out.text(format!(
        "final proof of {} bytes over {} made in {:.1} s ({:.1} CPU s): {}",
        thousands(file.proof.len() as u64),
        count(windows.len(), "joint proof"),
        clock.wall_s(),
        clock.cpu_s(),
        session.final_path().display()
    ));
    if is_development(&manifest) {
        out.note(DEVELOPMENT_WARNING);
    }
    out.json(&json!({
        "event": "final",
        "windows": windows,
        "nodes_kept": kept,
        "final_bytes": file.proof.len(),
        "final_wall_s": clock.wall_s(),
        "final_cpu_s": clock.cpu_s(),
        "development_setup": is_development(&manifest),
    }));
    Ok(())
}

/// Verifies the final proof of all layers, and nothing else.
fn accept_final(
    claim: &CheckedClaim<'_>,
    session: &JointSession,
    data: &Data,
    out: &Out,
) -> Result<Value> {
    let path = session.final_path();
    if !path.exists() {
        bail!(
            "{} does not exist (make it with nanozk aggregate)",
            path.display()
        );
    }
    let bytes = readable(files::read_of_session(&path))?;
    let file = FinalFile::from_bytes(&bytes).map_err(reject)?;
    let manifest = claim.manifest();
    let all = manifest.layers();
    let covered: usize = file.windows.iter().map(Vec::len).sum();
    if covered != all {
        return Err(reject(format!(
            "the final proof is about {covered} of {all} layers"
        )));
    }
    let progress = Progress::spinner("preparing keys");
    let parameters = data.checked_final_parameters(manifest)?;
    let verifier = FinalVerifier::new(&parameters)?;
    progress.message("verifying");
    let layers = verifier.verify(claim, &file, &parameters).map_err(reject)?;
    drop(progress);
    if layers.len() != all {
        return Err(reject("the final proof is not about all layers"));
    }
    let length = file.proof.len();
    out.text(format!(
        "ACCEPTED: all {} proved by a final proof of {} bytes over {}",
        count(all, "layer"),
        thousands(length as u64),
        count(file.windows.len(), "joint proof"),
    ));
    Ok(json!({"final_bytes": length, "windows": file.windows}))
}

pub(super) fn accept(args: &VerifyArgs, data: &Data, out: &Out) -> Result<()> {
    let session = JointSession::new(&args.session);
    let manifest: Manifest = read(&args.session.join("manifest.json"), MANIFEST_FORMAT)?;
    // The id that was asked for binds all that the manifest says, so it comes before anything that takes memory or time.
    let said = manifest.development_setup;
    let manifest = CheckedManifest::of_model(manifest, &args.model_id).map_err(reject)?;
    let claim: Claim = read(&args.session.join("claim.json"), CLAIM_FORMAT)?;
    let claim = manifest.claim(claim).map_err(reject)?;
    let context = &claim.claim().context;
    check_development(&manifest, said, context, args.allow_development, out)?;
    if args.aggregate {
        let verified = accept_final(&claim, &session, data, out)?;
        let revealed = revealed(args, &session, &claim, out)?;
        out.json(&json!({
            "accepted": true,
            "model_id": args.model_id,
            "statement": Digest32(claim.claim().statement()),
            "claim_digest": Digest32(claim.claim().claim_digest()),
            "context": context,
            "input_digest": claim.claim().input_digest,
            "output_digest": claim.claim().output_digest,
            "layers": manifest.layers(),
            "proved": manifest.layers(),
            "final": verified,
            "development_setup": is_development(&manifest),
            "revealed": revealed,
        }));
        return Ok(());
    }

    let names = manifest.layer_names();
    let mut parameters: Option<Parameters> = None;
    let mut proved: BTreeSet<usize> = BTreeSet::new();
    let (mut size, mut ms, mut count_of_proofs) = (0, 0.0, 0);
    let progress = Progress::spinner("verifying");
    for path in readable(session.proof_paths())? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let refuse = |reason: String, bytes: usize| {
            progress.above(|| {
                out.text(format!("layers {name:<16} REJECTED  {reason}"));
                out.json(&json!({
                    "file": name,
                    "valid": false,
                    "reason": reason,
                    "proof_bytes": bytes,
                }));
            });
            reject(format!("proofs/{name}: {reason}"))
        };
        let file = match files::read_of_session(&path) {
            Ok(file) => file,
            Err(e @ FileError::Io { .. }) => return Err(e.into()),
            Err(e) => return Err(refuse(e.to_string(), 0)),
        };
        // The first that is refused ends it: a stranger's directory may have many.
        let refused = |e: Error| refuse(e.to_string(), file.len());
        let proof = ProofFile::from_bytes(&file).map_err(refused)?;
        let layers = claim.layers_of(&proof).map_err(refused)?;
        if layers.iter().all(|layer| proved.contains(layer)) {
            progress.above(|| {
                out.text(format!(
                    "layers {name:<16} skipped   all of them are proved already"
                ));
                out.json(&json!({"file": name, "layers": layers, "valid": Value::Null}));
            });
            continue;
        }
        let start = Instant::now();
        let opened = claim.open(&proof).map_err(refused)?;
        let mut took = start.elapsed();
        // Large, and slow to make: after the first proof has the form that it must have.
        let parameters = match &mut parameters {
            Some(parameters) => parameters,
            none => none.insert(data.checked_parameters(&manifest)?),
        };
        let start = Instant::now();
        opened.verify(parameters).map_err(refused)?;
        took += start.elapsed();
        let took = took.as_secs_f64() * 1e3;
        progress.above(|| {
            let of = match layers[..] {
                [layer] => format!("{layer} {}", names[layer]),
                _ => name_of(&layers),
            };
            let bytes = thousands(file.len() as u64);
            out.text(format!(
                "layers {of:<16} valid     {bytes:>6} bytes {took:>6.1} ms"
            ));
            out.json(&json!({
                "layers": layers,
                "file": name,
                "valid": true,
                "reason": Value::Null,
                "proof_bytes": file.len(),
                "verify_ms": took,
            }));
        });
        proved.extend(layers);
        (size, ms, count_of_proofs) = (size + file.len(), ms + took, count_of_proofs + 1);
    }
    drop(progress);
    let all = manifest.layers();
    let missing: Vec<usize> = (0..all).filter(|layer| !proved.contains(layer)).collect();
    if !missing.is_empty() && !args.partial {
        return Err(reject(format!(
            "{} of {} have no proof: {} (accept the rest with --partial)",
            missing.len(),
            count(all, "layer"),
            list(&missing)
        )));
    }
    if proved.is_empty() {
        return Err(reject("no layer has a proof"));
    }
    let digest = claim.claim().claim_digest();
    let drawn = match args.partial {
        true => check_draw(args, &digest, all, &missing, out)?,
        false => Value::Null,
    };
    let revealed = revealed(args, &session, &claim, out)?;
    out.text(format!(
        "ACCEPTED{}: {} of {} proved by {}, {} bytes, verified in {ms:.1} ms",
        if missing.is_empty() { "" } else { " IN PART" },
        proved.len(),
        count(all, "layer"),
        count(count_of_proofs, "joint proof"),
        thousands(size as u64),
    ));
    if !missing.is_empty() {
        out.text(format!("not proved: layers {}", list(&missing)));
    }
    out.json(&json!({
        "accepted": true,
        "model_id": args.model_id,
        "statement": Digest32(claim.claim().statement()),
        "claim_digest": Digest32(digest),
        "context": context,
        "input_digest": claim.claim().input_digest,
        "output_digest": claim.claim().output_digest,
        "layers": all,
        "proved": proved.len(),
        "not_proved": missing,
        "proofs": count_of_proofs,
        "draw": drawn,
        "development_setup": is_development(&manifest),
        "proof_bytes": size,
        "verify_ms": ms,
        "revealed": revealed,
    }));
    Ok(())
}

/// The text, if it was asked for.
fn revealed(
    args: &VerifyArgs,
    session: &JointSession,
    claim: &CheckedClaim<'_>,
    out: &Out,
) -> Result<Option<Value>> {
    if !args.reveal {
        return Ok(None);
    }
    let claimed = Revealed {
        secret: session.secret(),
        input: claim.claim().input_digest,
        output: claim.claim().output_digest,
    };
    reveal(args, claimed, claim.manifest(), out).map(Some)
}

/// Executes a session again, and compares with what it claims.
pub(super) fn reexecute(
    manifest: &CheckedManifest,
    claimed: Option<Claim>,
    model: &QuantizedModel,
    secret: &Secret,
    data: &Data,
    out: &Out,
) -> Result<Outcome> {
    let parameters = data.checked_parameters(manifest)?;
    let context = claimed.as_ref().map(|c| c.context).unwrap_or_default();
    let progress = Progress::spinner("executing the session again");
    let own = recompute(model, manifest, context, secret, &parameters)?;
    drop(progress);
    let names = manifest.layer_names();
    let difference = match &claimed {
        Some(claimed) => difference(claimed, &own, &names),
        None => own
            .wrong_token
            .map(|position| wrong_token(position, &names)),
    };
    let execution = Execution {
        model_id: manifest.id(),
        input: &own.claim.input_digest,
        output: &own.claim.output_digest,
        commitments: ("activations", &own.claim.activations),
        wrong_token: own.wrong_token,
    };
    let verdict = Verdict {
        compared_with: claimed.map(|_| Kind::JointSession),
        difference,
    };
    Ok(verdict.show(execution.show(out), out))
}

/// What differs between what a claim says and what the model computes, the first in the order of execution.
fn difference(claimed: &Claim, own: &Recomputed, names: &[String]) -> Option<String> {
    let Recomputed {
        claim: own,
        wrong_token: wrong,
    } = own;
    if claimed.input_digest != own.input_digest || claimed.prompt_tokens != own.prompt_tokens {
        return Some("the prompt differs: its input digest or its length is another one".into());
    }
    if let Some(other) = other_activations(&claimed.activations, &own.activations, names) {
        return Some(other);
    }
    if let Some(position) = *wrong {
        return Some(wrong_token(position, names));
    }
    let digest = |c: &Claim| -> (Scalar, u32) { (c.output_digest, c.generated_tokens) };
    (digest(claimed) != digest(own)).then(|| {
        "the generated tokens differ: their output digest or their number is another one".into()
    })
}

//! `nanozk verify`.

use super::joint;
use super::prove::Audit;
use super::reject;
use super::run::model_of;
use crate::args::VerifyArgs;
use crate::data::{is_development, is_public_chain, Data, DEVELOPMENT_WARNING};
use crate::model_dir::ModelVersion;
use crate::output::{count, thousands, Out, Progress};
use crate::Outcome;
use anyhow::{bail, Context, Result};
use nanozk_aggregation::Plan;
use nanozk_circuits::composer::TooLarge;
use nanozk_circuits::Shape;
use nanozk_prover::directory::Kind;
use nanozk_prover::files::{self, FileError};
use nanozk_prover::plonk::verifier_params;
use nanozk_prover::session::{Secret, SessionDir};
use nanozk_prover::{aggregate, audit};
use nanozk_verifier::aggregate::aggregation_digest;
use nanozk_verifier::card::{CardError, ModelCard, CARD_FORMAT};
use nanozk_verifier::hex::{Digest32, Scalar};
use nanozk_verifier::session::{LayerProof, Session, SessionError, SESSION_FORMAT};
use nanozk_verifier::statement;
use nanozk_verifier::{verify_aggregate, AggregateProof, TranscriptKind, VerifyingKey};
use serde::de::DeserializeOwned;
use serde::Deserialize;
use serde_json::{json, Value};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::Instant;

/// Rejects what a rule of the session format forbids.
fn judge<T>(result: Result<T, SessionError>) -> Result<T> {
    result.map_err(reject)
}

/// What the verifier found of one layer.
struct Verdict {
    layer: usize,
    bytes: usize,
    ms: f64,
    /// None if there is no proof.
    result: Option<Result<(), String>>,
}

pub(super) fn verify(args: &VerifyArgs, data: &Data, out: &Out) -> Result<Outcome> {
    let about = json!({"model_id": args.model_id});
    super::judged(out, about, accept(args, data, out))
}

fn accept(args: &VerifyArgs, data: &Data, out: &Out) -> Result<()> {
    if Kind::of(&args.session) == Some(Kind::JointSession) {
        return joint::accept(args, data, out);
    }
    let dir = SessionDir::new(&args.session);
    Kind::Session.check(&args.session)?;
    let card: ModelCard = read(&args.session.join("card.json"), CARD_FORMAT)?;

    // The id that was asked for binds all that the card says, so it comes before anything that takes
    // memory or time.
    card.check()
        .map_err(|e: CardError| reject(format!("the model card is not valid: {e}")))?;
    let got = card.model_id();
    if got != args.model_id {
        return Err(reject(SessionError::WrongModel {
            expected: args.model_id,
            got,
        }));
    }
    let session: Session = read(&args.session.join("session.json"), SESSION_FORMAT)?;
    if session.model_id != args.model_id {
        return Err(reject(SessionError::SessionOfAnotherModel {
            expected: args.model_id,
            got: session.model_id,
        }));
    }
    let development = is_development(&card);
    let (said, context) = (card.development_setup, &session.context);
    check_development(&card, said, context, args.allow_development, out)?;
    unexpected_files(&args.session, card.layers.len())?;

    let setup = data.checked_setup_of(&card)?;
    let params = verifier_params(setup.params(), setup.id());
    let progress = Progress::spinner("preparing keys");
    let keys = data
        .layer_keys(&card, &setup)
        .map_err(|e| match e.is::<TooLarge>() {
            true => reject(format!("{e:#}")),
            false => e,
        })?;
    drop(progress);
    judge(session.check(args.model_id, &card, &keys, &params))?;

    if args.aggregate {
        return accept_aggregate(args, &session, &card, &keys, &params, data, out);
    }
    let names = card.layer_names();
    let verdicts: Vec<Verdict> = (0..card.layers.len())
        .map(|layer| {
            let verdict = verify_layer(&dir, layer, &session, &card, &keys, &params)?;
            show(&verdict, &names[layer], &card, out);
            Ok(verdict)
        })
        .collect::<Result<_>>()?;
    if let Some(reason) = verdicts
        .iter()
        .find_map(|v| v.result.as_ref()?.as_ref().err())
    {
        return Err(reject(reason));
    }
    let missing: Vec<usize> = verdicts
        .iter()
        .filter(|v| v.result.is_none())
        .map(|v| v.layer)
        .collect();
    let proved = verdicts.len() - missing.len();
    if !missing.is_empty() && !args.partial {
        return Err(reject(format!(
            "{} of {} have no proof: {} (accept the rest with --partial)",
            missing.len(),
            count(card.layers.len(), "layer"),
            list(&missing)
        )));
    }
    if proved == 0 {
        return Err(reject("no layer has a proof"));
    }
    let drawn = if args.partial {
        let digest = session.claim_digest(card.layers.len());
        check_draw(args, &digest, card.layers.len(), &missing, out)?
    } else {
        Value::Null
    };

    let revealed = if args.reveal {
        Some(reveal(args, of_session(&dir, &session), &card, out)?)
    } else {
        None
    };
    let bytes: usize = verdicts.iter().map(|v| v.bytes).sum();
    let ms: f64 = verdicts.iter().map(|v| v.ms).sum();
    out.text(format!(
        "ACCEPTED{}: {proved} of {} proved, {} bytes of proofs, verified in {ms:.1} ms",
        if missing.is_empty() { "" } else { " IN PART" },
        count(card.layers.len(), "layer"),
        thousands(bytes as u64),
    ));
    if !missing.is_empty() {
        out.text(format!("not proved: layers {}", list(&missing)));
    }
    out.json(&json!({
        "accepted": true,
        "model_id": args.model_id,
        "statement": Digest32(session.statement(card.layers.len()).digest()),
        "claim_digest": Digest32(session.claim_digest(card.layers.len())),
        "context": session.context,
        "input_digest": session.input_digest,
        "output_digest": session.output_digest,
        "layers": card.layers.len(),
        "proved": proved,
        "not_proved": missing,
        "draw": drawn,
        "development_setup": development,
        "proof_bytes": bytes,
        "verify_ms": ms,
        "revealed": revealed,
    }));
    Ok(())
}

/// Rejects a model that says wrong things of its setup, and claims under the development setup where they matter.
pub(super) fn check_development(
    version: &dyn ModelVersion,
    said: bool,
    context: &statement::Context,
    is_allowed: bool,
    out: &Out,
) -> Result<()> {
    let development = is_development(version);
    if said != development {
        return Err(reject(format!(
            "the model card says {} development setup, but its setup {} is {}",
            if said { "it is the" } else { "it is no" },
            version.setup(),
            if development { "that one" } else { "another" },
        )));
    }
    if development {
        out.note(DEVELOPMENT_WARNING);
        if is_public_chain(context) && !is_allowed {
            return Err(reject(format!(
                "a claim on chain {} under the development setup, whose secret is public \
                 (accept it for a test with --allow-development)",
                context.chain
            )));
        }
    }
    Ok(())
}

/// One proof for all layers.
fn accept_aggregate(
    args: &VerifyArgs,
    session: &Session,
    card: &ModelCard,
    keys: &HashMap<Shape, VerifyingKey>,
    params: &nanozk_verifier::KzgVerifier,
    data: &Data,
    out: &Out,
) -> Result<()> {
    let dir = SessionDir::new(&args.session);
    let (plan, bytes) = match aggregate::read(&dir) {
        Ok(Some(found)) => found,
        Ok(None) => bail!(
            "{} does not exist (make it with nanozk aggregate)",
            aggregate::root_path(&dir).display()
        ),
        Err(nanozk_prover::Error::File(e @ FileError::Content { .. })) => return Err(reject(e)),
        Err(e) => return Err(e.into()),
    };
    let plan = Plan::parse(&plan, card.layers.len()).map_err(reject)?;
    let progress = Progress::spinner("preparing the keys of nodes");
    let tree = super::aggregate::tree(card, keys, plan, data, &|_| {
        progress.message("making the keys of nodes: once for a model");
    })?;
    drop(progress);
    let key = &tree.root().key;
    let start = Instant::now();
    AggregateProof::from_bytes(key, TranscriptKind::Keccak, &bytes)
        .and_then(|proof| {
            let claimed = aggregate::claimed(session, card);
            verify_aggregate(params, key, &claimed, &proof)
        })
        .map_err(|e| reject(format!("the aggregate: {e}")))?;
    let ms = start.elapsed().as_secs_f64() * 1e3;
    let revealed = if args.reveal {
        Some(reveal(args, of_session(&dir, session), card, out)?)
    } else {
        None
    };
    out.text(format!(
        "ACCEPTED: {} in one proof of {} bytes, verified in {ms:.1} ms",
        count(card.layers.len(), "layer"),
        thousands(bytes.len() as u64),
    ));
    out.json(&json!({
        "accepted": true,
        "aggregate": true,
        "model_id": args.model_id,
        "statement": Digest32(session.statement(card.layers.len()).digest()),
        "context": session.context,
        "input_digest": session.input_digest,
        "output_digest": session.output_digest,
        "aggregation_digest": Scalar(aggregation_digest(card)),
        "verifying_key": Digest32(key.digest()),
        "tree": tree.plan.to_string(),
        "layers": card.layers.len(),
        "development_setup": is_development(card),
        "proof_bytes": bytes.len(),
        "verify_ms": ms,
        "revealed": revealed,
    }));
    Ok(())
}

/// What a session's files say: what cannot be read cannot be judged, what is not valid is rejected.
pub(super) fn readable<T>(found: Result<T, FileError>) -> Result<T> {
    found.map_err(|e| match e {
        e @ FileError::Io { .. } => e.into(),
        e => reject(e),
    })
}

/// A file of the session. One that is not there cannot be judged, nor can one of another version.
pub(super) fn read<T: DeserializeOwned>(path: &Path, format: &str) -> Result<T> {
    #[derive(Deserialize)]
    struct Format {
        format: Option<String>,
    }
    let bytes = readable(files::read_of_session(path))?;
    let invalid = |e| reject(format!("{} is not valid: {e}", path.display()));
    let found: Format = serde_json::from_slice(&bytes).map_err(invalid)?;
    match found.format {
        Some(got) if got != format => bail!(
            "{}: format {got:?} where {format:?} is needed: it was written by another version of nanozk",
            path.display()
        ),
        _ => serde_json::from_slice(&bytes).map_err(invalid),
    }
}

/// Rejects proofs beyond those of the layers.
fn unexpected_files(session: &Path, layers: usize) -> Result<()> {
    let path = session.join("proofs");
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e).with_context(|| format!("cannot list {}", path.display())),
    };
    let dir = SessionDir::new(session);
    let expected: BTreeSet<_> = (0..layers).map(|l| dir.proof_path(l)).collect();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", path.display()))?;
        let is_proof = entry.path().extension().is_some_and(|e| e == "proof");
        if is_proof && !expected.contains(&entry.path()) {
            return Err(reject(format!(
                "proofs/{} is the proof of no layer: the model has {layers}",
                entry.file_name().to_string_lossy()
            )));
        }
    }
    Ok(())
}

fn verify_layer(
    dir: &SessionDir,
    layer: usize,
    session: &Session,
    card: &ModelCard,
    keys: &HashMap<Shape, VerifyingKey>,
    params: &nanozk_verifier::KzgVerifier,
) -> Result<Verdict> {
    let path = dir.proof_path(layer);
    let mut verdict = Verdict {
        layer,
        bytes: 0,
        ms: 0.0,
        result: None,
    };
    if !path.exists() {
        return Ok(verdict);
    }
    let file = readable(files::read_of_session(&path))?;
    let start = Instant::now();
    let result = LayerProof::from_file(layer, &file).and_then(|proof| {
        verdict.bytes = proof.bytes.len();
        session.verify_layer(layer, card, keys, params, &proof)
    });
    verdict.ms = start.elapsed().as_secs_f64() * 1e3;
    verdict.result = Some(result.map_err(|e| e.to_string()));
    Ok(verdict)
}

fn show(v: &Verdict, name: &str, card: &ModelCard, out: &Out) {
    let (word, detail) = match &v.result {
        None => ("no proof", String::new()),
        Some(Ok(())) => (
            "valid",
            format!("{:>6} bytes {:>6.1} ms", thousands(v.bytes as u64), v.ms),
        ),
        Some(Err(e)) => ("REJECTED", e.clone()),
    };
    out.text(format!("{:>3} {name:<15} {word:<9} {detail}", v.layer));
    out.json(&json!({
        "layer": v.layer,
        "kind": card.layers[v.layer].kind,
        "valid": v.result.as_ref().map(Result::is_ok),
        "reason": v.result.as_ref().and_then(|r| r.as_ref().err()),
        "proof_bytes": v.bytes,
        "verify_ms": v.ms,
    }));
}

/// With a seed, the layers it draws must be proved; the weights are the session's word.
pub(super) fn check_draw(
    args: &VerifyArgs,
    claim: &[u8; 32],
    layers: usize,
    missing: &[usize],
    out: &Out,
) -> Result<Value> {
    let Some(seed) = args.seed else {
        return Ok(Value::Null);
    };
    let audit = Audit::read(&args.session)
        .map_err(reject)?
        .ok_or_else(|| reject("no audit.json: no layers were drawn"))?;
    if audit.seed != seed {
        return Err(reject(format!(
            "layers were drawn by the beacon {}, not {seed}",
            audit.seed
        )));
    }
    if audit.weights_ppm.len() != layers {
        return Err(reject(
            "audit.json has weights for another number of layers",
        ));
    }
    let floor = audit::floor_ppm(layers);
    if let Some(layer) = audit.weights_ppm.iter().position(|w| *w < floor) {
        return Err(reject(format!(
            "the audit weight of layer {layer} is below the floor of {floor} parts per million"
        )));
    }
    let drawn = audit::draw(&audit.weights_ppm, audit.count, &seed.0, claim).map_err(reject)?;
    if drawn != audit.layers {
        return Err(reject(format!(
            "the beacon draws layers {}, audit.json says {}",
            list(&drawn),
            list(&audit.layers)
        )));
    }
    if let Some(layer) = drawn.iter().find(|l| missing.contains(l)) {
        return Err(reject(format!(
            "layer {layer} was drawn by the beacon and has no proof"
        )));
    }
    let inclusion = audit::inclusion(&audit.weights_ppm, audit.count).map_err(reject)?;
    let least = inclusion.least().1;
    out.text(format!(
        "the beacon draws layers {}; by the session's audit weights, a cheat on any one layer was caught with probability at least {:.2}%",
        list(&drawn),
        100.0 * least
    ));
    Ok(json!({"seed": seed, "layers": drawn, "caught_at_least": least}))
}

pub(super) fn list(layers: &[usize]) -> String {
    let words: Vec<String> = layers.iter().map(usize::to_string).collect();
    words.join(", ")
}

/// What tokens and salts have to open.
pub(super) struct Revealed {
    pub(super) secret: Result<Secret, FileError>,
    pub(super) input: Scalar,
    pub(super) output: Scalar,
}

fn of_session(dir: &SessionDir, session: &Session) -> Revealed {
    Revealed {
        secret: dir.secret(),
        input: session.input_digest,
        output: session.output_digest,
    }
}

/// Checks tokens and salts against the digests, and prints the text.
pub(super) fn reveal(
    args: &VerifyArgs,
    claimed: Revealed,
    version: &dyn ModelVersion,
    out: &Out,
) -> Result<Value> {
    let secret = claimed
        .secret
        .context("--reveal needs the secret.json of the session")?;
    let vocab = version.architecture().vocab;
    let fits = secret.tokens.len() <= version.positions()
        && secret.tokens.iter().all(|t| (*t as usize) < vocab);
    if !fits {
        return Err(reject("secret.json has tokens that are not of this model"));
    }
    let sequence = secret.sequence(version.positions());
    let (input, output) = sequence.digests();
    if input != claimed.input.0 {
        return Err(reject(
            "the prompt in secret.json is not the one the input digest commits to",
        ));
    }
    if output != claimed.output.0 {
        return Err(reject(
            "the tokens in secret.json are not those the output digest commits to",
        ));
    }
    let (prompt, generated) = secret.tokens.split_at(secret.prompt);
    out.text(format!(
        "digests open to {} prompt tokens and {} generated ones",
        prompt.len(),
        generated.len()
    ));
    let text =
        match model_of(&args.session, args.model.as_deref()).and_then(|m| m.tokenizer(version)) {
            Ok(tokenizer) => Some((tokenizer.decode(prompt)?, tokenizer.decode(&secret.tokens)?)),
            // Without the model there are still the tokens; but one that was given has to be right.
            Err(e) if args.model.is_some() => return Err(e),
            Err(e) => {
                out.note(format!("no text without the tokenizer: {e:#}"));
                None
            }
        };
    if let Some((_, all)) = &text {
        out.text(all);
    }
    Ok(json!({
        "prompt_tokens": prompt,
        "generated_tokens": generated,
        "prompt": text.as_ref().map(|t| &t.0),
        "text": text.as_ref().map(|t| &t.1),
    }))
}

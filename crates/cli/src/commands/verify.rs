//! `nanozk verify`.

use super::prove::Audit;
use super::reject;
use super::run::model_of;
use crate::args::VerifyArgs;
use crate::data::{is_development, is_public_chain, Data, DEVELOPMENT_WARNING};
use crate::output::{count, thousands, Out, Progress};
use crate::Outcome;
use anyhow::{bail, Context, Result};
use nanozk_prover::audit;
use nanozk_prover::directory::Kind;
use nanozk_prover::files::{self, FileError};
use nanozk_prover::session::{name_of, SessionDir};
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::statement;
use nanozk_verifier::{
    CheckedClaim, CheckedManifest, Claim, Error, FinalFile, FinalVerifier, Manifest, Parameters,
    ProofFile, CLAIM_FORMAT, FINAL_FORMAT, MANIFEST_FORMAT,
};
use serde::de::DeserializeOwned;
use serde::Deserialize;
use serde_json::{json, Value};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

pub(super) fn verify(args: &VerifyArgs, data: &Data, out: &Out) -> Result<Outcome> {
    let about = json!({"model_id": args.model_id});
    super::judged(out, about, accept(args, data, out))
}

fn accept(args: &VerifyArgs, data: &Data, out: &Out) -> Result<()> {
    Kind::Session.check(&args.session)?;
    let session = SessionDir::new(&args.session);
    let manifest: Manifest = read(&args.session.join("manifest.json"), MANIFEST_FORMAT)?;
    // The id that was asked for binds all that the manifest says, so it comes before anything that takes memory or time.
    let manifest = CheckedManifest::of_model(manifest, &args.model_id).map_err(reject)?;
    let claim: Claim = read(&args.session.join("claim.json"), CLAIM_FORMAT)?;
    let claim = manifest.claim(claim).map_err(reject)?;
    let context = &claim.claim().context;
    check_development(&manifest, context, args.allow_development, out)?;
    if args.is_final {
        return accept_final(args, &claim, &session, data, out);
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
    let found = Found {
        layers: proved,
        by: format!(
            "{}, {} bytes, verified in {ms:.1} ms",
            count(count_of_proofs, "joint proof"),
            thousands(size as u64)
        ),
        more: json!({"proofs": count_of_proofs, "proof_bytes": size, "verify_ms": ms}),
    };
    found.accept(args, &claim, &session, out)
}

/// Verifies the final proof, and nothing else.
fn accept_final(
    args: &VerifyArgs,
    claim: &CheckedClaim<'_>,
    session: &SessionDir,
    data: &Data,
    out: &Out,
) -> Result<()> {
    let path = session.final_path();
    if !path.exists() {
        bail!(
            "{} does not exist (make it with nanozk aggregate)",
            path.display()
        );
    }
    let file: FinalFile = read(&path, FINAL_FORMAT)?;
    let manifest = claim.manifest();
    let progress = Progress::spinner("preparing keys");
    let parameters = data.checked_final_parameters(manifest, manifest.manifest().k)?;
    let verifier = FinalVerifier::new(&parameters)?;
    progress.message("verifying");
    let start = Instant::now();
    let layers = verifier
        .verify(&[claim], &file, &parameters)
        .map_err(reject)?;
    let ms = start.elapsed().as_secs_f64() * 1e3;
    drop(progress);
    let length = file.proof.0.len();
    let found = Found {
        layers: layers.into_iter().flatten().collect(),
        by: format!(
            "a final proof of {} bytes, verified in {ms:.1} ms",
            thousands(length as u64)
        ),
        more: json!({"final": true, "proof_bytes": length, "verify_ms": ms}),
    };
    found.accept(args, claim, session, out)
}

/// Layers that are proved, and by what, for people and for programs.
struct Found {
    layers: BTreeSet<usize>,
    by: String,
    more: Value,
}

impl Found {
    /// Accepts the claim, unless layers are missing.
    fn accept(
        self,
        args: &VerifyArgs,
        claim: &CheckedClaim<'_>,
        session: &SessionDir,
        out: &Out,
    ) -> Result<()> {
        let all = claim.manifest().layers();
        let missing: Vec<usize> = (0..all).filter(|l| !self.layers.contains(l)).collect();
        if !missing.is_empty() && !args.partial {
            return Err(reject(format!(
                "{} of {} have no proof: {} (accept the rest with --partial)",
                missing.len(),
                count(all, "layer"),
                list(&missing)
            )));
        }
        if self.layers.is_empty() {
            return Err(reject("no layer has a proof"));
        }
        let digest = claim.claim().claim_digest()?;
        let drawn = match args.partial {
            true => check_draw(args, &digest, all, &missing, out)?,
            false => Value::Null,
        };
        let revealed = match args.reveal {
            true => Some(reveal(args, session, claim, out)?),
            false => None,
        };
        out.text(format!(
            "ACCEPTED{}: {} of {} proved by {}",
            if missing.is_empty() { "" } else { " IN PART" },
            self.layers.len(),
            count(all, "layer"),
            self.by
        ));
        if !missing.is_empty() {
            out.text(format!("not proved: layers {}", list(&missing)));
        }
        let claimed = claim.claim();
        let mut answer = json!({
            "accepted": true,
            "model_id": args.model_id,
            "statement": Digest32(claimed.statement()),
            "claim_digest": Digest32(digest),
            "context": claimed.context,
            "input_digest": claimed.input_digest,
            "output_digest": claimed.output_digest,
            "layers": all,
            "proved": self.layers.len(),
            "not_proved": missing,
            "draw": drawn,
            "development_setup": is_development(claim.manifest()),
            "revealed": revealed,
        });
        if let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), self.more) {
            answer.extend(more);
        }
        out.json(&answer);
        Ok(())
    }
}

/// Rejects a model that says wrong things of its setup, and claims under the development setup where they matter.
fn check_development(
    version: &CheckedManifest,
    context: &statement::Context,
    is_allowed: bool,
    out: &Out,
) -> Result<()> {
    let said = version.manifest().development_setup;
    let development = is_development(version);
    if said != development {
        return Err(reject(format!(
            "the manifest says {} development setup, but its setup {} is {}",
            if said { "it is the" } else { "it is no" },
            version.manifest().setup,
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

/// What a session's files say: what cannot be read cannot be judged, what is not valid is rejected.
fn readable<T>(found: Result<T, FileError>) -> Result<T> {
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

/// With a seed, the layers it draws must be proved; the weights are the session's word.
fn check_draw(
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

fn list(layers: &[usize]) -> String {
    let words: Vec<String> = layers.iter().map(usize::to_string).collect();
    words.join(", ")
}

/// Checks tokens and salts against the digests, and prints the text.
fn reveal(
    args: &VerifyArgs,
    session: &SessionDir,
    claim: &CheckedClaim<'_>,
    out: &Out,
) -> Result<Value> {
    let version = claim.manifest();
    let secret = session
        .secret()
        .context("--reveal needs the secret.json of the session")?;
    let vocab = version.manifest().architecture.vocab;
    let fits = secret.tokens.len() <= version.manifest().tokens
        && secret.tokens.iter().all(|t| (*t as usize) < vocab);
    if !fits {
        return Err(reject("secret.json has tokens that are not of this model"));
    }
    let sequence = secret.sequence(version.manifest().tokens);
    let [input, output] = sequence.digests();
    if input != claim.claim().input_digest.0 {
        return Err(reject(
            "the prompt in secret.json is not the one the input digest commits to",
        ));
    }
    if output != claim.claim().output_digest.0 {
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

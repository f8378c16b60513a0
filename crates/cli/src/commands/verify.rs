//! `nanozk verify`.

use super::prove::Audit;
use super::run::model_of;
use super::{note_of_keys, reject};
use crate::Outcome;
use crate::args::VerifyArgs;
use crate::data::{DEVELOPMENT_WARNING, Data, explained, is_development, is_public_chain};
use crate::output::{Out, Progress, count, thousands};
use anyhow::{Context, Result, bail};
use nanozk::received::{self, Event, Received, Unaccepted};
use nanozk_prover::audit;
use nanozk_prover::session::name_of;
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::statement;
use nanozk_verifier::{
    CheckedClaim, CheckedFinalKey, CheckedManifest, FINAL_KEY_FORMAT, FinalKey, FinalVerifier,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

pub(super) fn verify(args: &VerifyArgs, data: &Data, out: &Out) -> Result<Outcome> {
    let sessions = args.sessions.len();
    let ids = match (&args.model_ids[..], sessions) {
        ([id], _) => vec![*id; sessions],
        (ids, _) if ids.len() == sessions => ids.to_vec(),
        (ids, _) => bail!(
            "--model-id is given {} times for {}: once, or once for each",
            ids.len(),
            count(sessions, "session")
        ),
    };
    if sessions > 1 {
        if !args.is_final {
            bail!(
                "joint proofs are of one session: several have a final proof (--final --file FILE)"
            );
        }
        if args.file.is_none() {
            bail!("the final proof of several sessions is a file of its own: --file FILE");
        }
        if args.reveal || args.seed.is_some() {
            bail!("--reveal and --seed are about one session");
        }
    }
    let about = match &ids[..] {
        [id] => json!({"model_id": id}),
        ids => json!({"model_ids": ids}),
    };
    super::judged(out, about, accept(args, &ids, data, out))
}

/// Why a session is not accepted: rejected, or not judged.
fn unaccepted(e: Unaccepted) -> anyhow::Error {
    match e {
        e if e.is_rejection() => reject(e),
        Unaccepted::Setup(e) => explained(e),
        e => e.into(),
    }
}

fn accept(args: &VerifyArgs, ids: &[Digest32], data: &Data, out: &Out) -> Result<()> {
    let sessions = args.sessions.iter().zip(ids);
    let sessions: Vec<Received> = sessions
        .map(|(path, id)| Received::read(path, id).map_err(unaccepted))
        .collect::<Result<_>>()?;
    let mut claims = Vec::with_capacity(sessions.len());
    for session in &sessions {
        let claim = session.claim().map_err(reject)?;
        let context = &claim.claim().context;
        check_development(session.manifest(), context, args.allow_development, out)?;
        claims.push(claim);
    }
    let found = match args.is_final {
        true => accept_final(args, &sessions, &claims, data, out)?,
        false => vec![accept_joint(&sessions[0], &claims[0], data, out)?],
    };
    // One that lacks a layer is refused before any is accepted.
    for (found, claim) in found.iter().zip(&claims) {
        found.check(args, claim)?;
    }
    for ((found, session), claim) in found.into_iter().zip(&sessions).zip(&claims) {
        found.accept(args, session, claim, out)?;
    }
    Ok(())
}

/// Verifies the joint proofs of a session.
fn accept_joint(
    session: &Received,
    claim: &CheckedClaim<'_>,
    data: &Data,
    out: &Out,
) -> Result<Found> {
    let names = session.manifest().layer_names();
    let (mut size, mut ms, mut count_of_proofs) = (0, 0.0, 0);
    let progress = Progress::spinner("verifying");
    let mut report = |event: Event<'_>| {
        progress.above(|| match event {
            Event::Skipped { name, layers } => {
                out.text(format!(
                    "layers {name:<16} skipped   all of them are proved already"
                ));
                out.json(&json!({"file": name, "layers": layers, "valid": Value::Null}));
            }
            Event::Refused {
                name,
                bytes,
                reason,
            } => {
                let reason = reason.to_string();
                out.text(format!("layers {name:<16} REJECTED  {reason}"));
                out.json(&json!({
                    "file": name,
                    "valid": false,
                    "reason": reason,
                    "proof_bytes": bytes,
                }));
            }
            Event::Valid {
                name,
                layers,
                bytes,
                wall,
            } => {
                let took = wall.as_secs_f64() * 1e3;
                let of = match layers {
                    [layer] => format!("{layer} {}", names[*layer]),
                    _ => name_of(layers),
                };
                let shown = thousands(bytes as u64);
                out.text(format!(
                    "layers {of:<16} valid     {shown:>6} bytes {took:>6.1} ms"
                ));
                out.json(&json!({
                    "layers": layers,
                    "file": name,
                    "valid": true,
                    "reason": Value::Null,
                    "proof_bytes": bytes,
                    "verify_ms": took,
                }));
                (size, ms, count_of_proofs) = (size + bytes, ms + took, count_of_proofs + 1);
            }
        });
    };
    let proved = session.verify_joint(claim, &data.setups(), &mut report);
    let layers = proved.map_err(unaccepted)?;
    drop(progress);
    Ok(Found {
        layers,
        by: format!(
            "{}, {} bytes, verified in {ms:.1} ms",
            count(count_of_proofs, "joint proof"),
            thousands(size as u64)
        ),
        more: json!({"proofs": count_of_proofs, "proof_bytes": size, "verify_ms": ms}),
    })
}

/// Verifies the final proof, and nothing else: what it proves of each session.
fn accept_final(
    args: &VerifyArgs,
    sessions: &[Received],
    claims: &[CheckedClaim<'_>],
    data: &Data,
    out: &Out,
) -> Result<Vec<Found>> {
    let path = args
        .file
        .clone()
        .unwrap_or_else(|| sessions[0].session().final_path());
    if !path.exists() {
        bail!(
            "{} does not exist (make it with nanozk aggregate)",
            path.display()
        );
    }
    let file = Received::final_file(&path).map_err(unaccepted)?;
    if file.claims.len() != sessions.len() {
        return Err(reject(format!(
            "{} is over {}, not {}: a final proof is verified with all that it is over, in their order",
            path.display(),
            count(file.claims.len(), "session"),
            sessions.len(),
        )));
    }
    for (i, (said, claim)) in file.claims.iter().zip(claims).enumerate() {
        if said.statement.0 != claim.claim().statement() {
            return Err(reject(format!(
                "{} has another statement than {} at place {i}",
                path.display(),
                sessions[i].session().path().display(),
            )));
        }
    }
    let all: Vec<&CheckedClaim<'_>> = claims.iter().collect();
    let (layers, ms, by_key) = match &args.final_key {
        Some(path) => {
            let key: FinalKey = read(path, FINAL_KEY_FORMAT)?;
            let key = CheckedFinalKey::new(key);
            let key = key.with_context(|| path.display().to_string())?;
            let start = Instant::now();
            let layers = key.verify(&all, &file).map_err(reject)?;
            let ids: BTreeSet<Digest32> = sessions.iter().map(|s| s.manifest().id()).collect();
            ids.iter().for_each(|id| note_of_keys(id, data, out));
            (layers, start.elapsed(), Some(key.digest()))
        }
        None => {
            let progress = Progress::spinner("preparing keys");
            let k = sessions.iter().map(|s| s.manifest().manifest().k).max();
            let parameters =
                data.checked_final_parameters(sessions[0].manifest(), k.unwrap_or(0))?;
            let verifier = FinalVerifier::new(&parameters)?;
            progress.message("verifying");
            let start = Instant::now();
            let layers = verifier.verify(&all, &file, &parameters).map_err(reject)?;
            (layers, start.elapsed(), None)
        }
    };
    let ms = ms.as_secs_f64() * 1e3;
    let length = file.proof.0.len();
    let of = match sessions.len() {
        1 => String::new(),
        n => format!(" over {n} sessions"),
    };
    let found = layers.into_iter().map(|layers| Found {
        layers: layers.into_iter().collect(),
        by: format!(
            "a final proof of {} bytes{of}, verified in {ms:.1} ms{}",
            thousands(length as u64),
            match by_key {
                Some(digest) =>
                    format!(" by the key {digest} and the keys the model was registered with"),
                None => String::new(),
            }
        ),
        more: json!({"final": true, "proof_bytes": length, "verify_ms": ms, "final_key": by_key}),
    });
    Ok(found.collect())
}

/// Layers that are proved, and by what, for people and for programs.
struct Found {
    layers: BTreeSet<usize>,
    by: String,
    more: Value,
}

impl Found {
    fn missing(&self, claim: &CheckedClaim<'_>) -> Vec<usize> {
        let all = 0..claim.manifest().layers();
        all.filter(|layer| !self.layers.contains(layer)).collect()
    }

    /// Refuses a claim of which layers are missing.
    fn check(&self, args: &VerifyArgs, claim: &CheckedClaim<'_>) -> Result<()> {
        let missing = self.missing(claim);
        if !missing.is_empty() && !args.partial {
            return Err(reject(format!(
                "{} of {} have no proof: {} (accept the rest with --partial)",
                missing.len(),
                count(claim.manifest().layers(), "layer"),
                list(&missing)
            )));
        }
        if self.layers.is_empty() {
            return Err(reject("no layer has a proof"));
        }
        Ok(())
    }

    /// Accepts the claim.
    fn accept(
        self,
        args: &VerifyArgs,
        session: &Received,
        claim: &CheckedClaim<'_>,
        out: &Out,
    ) -> Result<()> {
        let all = claim.manifest().layers();
        let missing = self.missing(claim);
        let digest = claim.claim().claim_digest()?;
        let drawn = match args.partial {
            true => check_draw(args, session, &digest, all, &missing, out)?,
            false => Value::Null,
        };
        let revealed = match args.reveal {
            true => Some(reveal(args, session, claim, out)?),
            false => None,
        };
        out.text(format!(
            "{}ACCEPTED{}: {} of {} proved by {}",
            match args.sessions.len() {
                1 => String::new(),
                _ => format!("{}: ", session.session().path().display()),
            },
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
            "session": session.session().path(),
            "model_id": session.manifest().id(),
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

/// A file of the session. One that is not there cannot be judged, nor can one of another version.
pub(super) fn read<T: DeserializeOwned>(path: &Path, format: &'static str) -> Result<T> {
    received::read(path, format).map_err(unaccepted)
}

/// With a seed, the layers it draws must be proved; the weights are the session's word.
fn check_draw(
    args: &VerifyArgs,
    session: &Received,
    claim: &[u8; 32],
    layers: usize,
    missing: &[usize],
    out: &Out,
) -> Result<Value> {
    let Some(seed) = args.seed else {
        return Ok(Value::Null);
    };
    let audit = Audit::read(session.session().path())
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
    session: &Received,
    claim: &CheckedClaim<'_>,
    out: &Out,
) -> Result<Value> {
    let version = claim.manifest();
    let secret = session
        .session()
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
    let text = match model_of(session.session().path(), args.model.as_deref())
        .and_then(|m| Ok(m.tokenizer(version)?))
    {
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

//! `nanozk reexecute`.

use super::run::model_of;
use super::verify::read;
use crate::args::ReexecuteArgs;
use crate::data::Data;
use crate::output::{count, Out, Progress};
use crate::Outcome;
use anyhow::{bail, Context, Result};
use nanozk_prover::directory::Kind;
use nanozk_prover::session::{recompute, Recomputed, Secret};
use nanozk_verifier::encoding::point_compressed;
use nanozk_verifier::hex::{encode, Point, Scalar};
use nanozk_verifier::{Claim, CLAIM_FORMAT};
use serde_json::{json, Value};
use std::io::ErrorKind;
use std::path::Path;

/// What differs between what a claim says and what the model computes, the first in the order of execution.
fn difference(claimed: &Claim, own: &Recomputed, names: &[String]) -> Option<String> {
    let Recomputed {
        claim: own,
        wrong_token: wrong,
    } = own;
    if claimed.seed_digest != own.seed_digest {
        return Some(
            "the seed is not that of the claim: its provider disclosed another one".into(),
        );
    }
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

/// The first of the claimed commitments to activations that is not the model's own.
fn other_activations(claimed: &[Point], own: &[Point], names: &[String]) -> Option<String> {
    if claimed.len() != own.len() {
        return Some(format!(
            "it claims {}, the model has {}",
            count(claimed.len() + 1, "layer"),
            own.len() + 1
        ));
    }
    let layer = claimed.iter().zip(own).position(|(a, b)| a != b)?;
    Some(format!(
        "layer {layer} ({}): the claimed commitment to its output is not the one that the model and the secret give; those \
         before it are",
        names[layer]
    ))
}

/// The head is wrong: all before it is as claimed, or nothing is claimed of it.
fn wrong_token(position: usize, names: &[String]) -> String {
    let head = names.len() - 1;
    format!(
        "layer {head} ({}): the token at position {position} is not the one that the model generates",
        names[head]
    )
}

/// Says to people what an execution gave; gives what programs read.
fn show(own: &Recomputed, out: &Out) -> Value {
    let claim = &own.claim;
    let points = claim.activations.iter();
    let points: Vec<String> = points.map(|p| encode(&point_compressed(&p.0))).collect();
    out.text(format!("model id       {}", claim.model_id));
    out.text(format!("input digest   {}", claim.input_digest));
    out.text(format!("output digest  {}", claim.output_digest));
    for (layer, point) in points.iter().enumerate() {
        out.text(format!("after layer {layer:<3}{point}"));
    }
    json!({
        "model_id": claim.model_id,
        "input_digest": claim.input_digest,
        "output_digest": claim.output_digest,
        "activations": points,
        "wrong_token": own.wrong_token,
    })
}

/// The outcome.
struct Verdict {
    /// Whether there was a claim.
    is_compared: bool,
    difference: Option<String>,
}

impl Verdict {
    /// Says it, with what was computed.
    fn show(self, mut computed: Value, out: &Out) -> Outcome {
        let marker = self.is_compared.then(|| Kind::Session.marker());
        computed["compared_with"] = json!(marker);
        // Where nothing was compared, nothing is accepted.
        computed["accepted"] = match (&self.difference, marker) {
            (Some(_), _) => json!(false),
            (None, Some(_)) => json!(true),
            (None, None) => Value::Null,
        };
        computed["reason"] = json!(self.difference);
        out.json(&computed);
        match self.difference {
            Some(difference) => {
                out.text(format!("DIFFERS: {difference}"));
                Outcome::Rejected
            }
            None => {
                out.text(match marker {
                    Some(_) => "the same as the session claims",
                    None => {
                        "the tokens are those that the model generates; there is no claim to compare with"
                    }
                });
                Outcome::Done
            }
        }
    }
}

/// The claim, if it is there: whatever else is in the directory, what is there is compared.
fn claimed(session: &Path) -> Result<Option<Claim>> {
    let path = session.join(Kind::Session.marker());
    match std::fs::symlink_metadata(&path) {
        Ok(_) => read(&path, CLAIM_FORMAT).map(Some),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
    }
}

pub(super) fn reexecute(args: &ReexecuteArgs, data: &Data, out: &Out) -> Result<Outcome> {
    if !args.session.join("secret.json").is_file() {
        bail!(
            "{} has no secret.json: its provider has it, and may disclose it",
            args.session.display()
        );
    }
    let dir = model_of(&args.session, args.model.as_deref())?;
    let manifest = dir.manifest()?;
    let claim = claimed(&args.session)?;
    // Before the tokens: another model may not have them.
    if let Some(id) = claim
        .as_ref()
        .map(|c| c.model_id)
        .filter(|id| *id != manifest.id())
    {
        let verdict = Verdict {
            is_compared: true,
            difference: Some(format!("it claims the model {id}")),
        };
        return Ok(verdict.show(json!({"model_id": manifest.id()}), out));
    }
    let secret = Secret::read(&args.session)?;
    let model = dir.model(&manifest)?;
    dir.tokenizer(&manifest)?.check(&secret.tokens)?;
    let parameters = data.checked_parameters(&manifest)?;
    let context = claim.as_ref().map(|c| c.context).unwrap_or_default();
    let progress = Progress::spinner("executing the session again");
    let own = recompute(&model, &manifest, context, &secret, &parameters)?;
    drop(progress);
    let names = manifest.layer_names();
    let difference = match &claim {
        Some(claim) => difference(claim, &own, &names),
        None => own
            .wrong_token
            .map(|position| wrong_token(position, &names)),
    };
    let verdict = Verdict {
        is_compared: claim.is_some(),
        difference,
    };
    Ok(verdict.show(show(&own, out), out))
}

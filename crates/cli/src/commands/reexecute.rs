//! `nanozk reexecute`.

use super::check_programs_once;
use super::run::model_of;
use super::verify::read;
use crate::Outcome;
use crate::args::ReexecuteArgs;
use crate::data::Data;
use crate::output::{Out, Progress, count};
use anyhow::{Context, Result, bail};
use nanozk_prover::directory::Kind;
use nanozk_prover::session::{Recomputed, Secret, recompute};
use nanozk_verifier::encoding::point_compressed;
use nanozk_verifier::hex::{Point, Scalar, encode};
use nanozk_verifier::{CLAIM_FORMAT, Claim};
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::Path;

/// What differs between what a claim says and what the model computes.
struct Difference {
    text: String,
    /// Nothing can be proved of the claim as a whole, whatever its provider did.
    is_false: bool,
}

/// The first difference that says something. The answer comes first: commitments to activations may differ by their blinding
/// alone, and then have proofs.
fn difference(claimed: &Claim, own: &Recomputed, names: &[String]) -> Option<Difference> {
    let Recomputed {
        claim: own,
        wrong_token: wrong,
    } = own;
    let unsure = |text: &str| {
        Some(Difference {
            text: text.into(),
            is_false: false,
        })
    };
    if claimed.seed_digest != own.seed_digest {
        return unsure("the seed is not that of the claim: its provider disclosed another one");
    }
    if claimed.input_digest != own.input_digest || claimed.prompt_tokens != own.prompt_tokens {
        return unsure("the prompt differs: its input digest or its length is another one");
    }
    let digest = |c: &Claim| -> (Scalar, u32) { (c.output_digest, c.generated_tokens) };
    if digest(claimed) != digest(own) {
        return unsure(
            "the claimed answer is not opened by what was disclosed: its output digest or its length is another one",
        );
    }
    if let Some(position) = *wrong {
        return Some(Difference {
            text: wrong_token(position, names),
            is_false: true,
        });
    }
    unsure(&other_activations(
        &claimed.activations,
        &own.activations,
        names,
    )?)
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
        "the answer is the model's, but the claimed commitment to the output of layer {layer} ({}) is not the one that the \
         model and the secret give; other blinding does that too, so a challenge may be answered",
        names[layer]
    ))
}

/// The head is wrong, or a layer before it.
fn wrong_token(position: usize, names: &[String]) -> String {
    format!(
        "the answer is not the model's: the token at position {position} is not the one that layer {} ({}) gives",
        names.len() - 1,
        names[names.len() - 1]
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
        "prompt_tokens": claim.prompt_tokens,
        "generated_tokens": claim.generated_tokens,
        "activations": points,
        "wrong_token": own.wrong_token,
    })
}

/// The outcome.
struct Verdict {
    /// Whether there was a claim.
    is_compared: bool,
    difference: Option<Difference>,
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
        computed["reason"] = json!(self.difference.as_ref().map(|d| &d.text));
        computed["is_false"] = json!(self.difference.as_ref().is_some_and(|d| d.is_false));
        out.json(&computed);
        match self.difference {
            Some(difference) => {
                out.text(format!("DIFFERS: {}", difference.text));
                if difference.is_false && self.is_compared {
                    out.text("no proof can be made of this claim as a whole: nanozk claim challenge JOB --whole");
                }
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
            difference: Some(Difference {
                text: format!("it claims the model {id}"),
                is_false: false,
            }),
        };
        return Ok(verdict.show(json!({"model_id": manifest.id()}), out));
    }
    // With keys of other programs a false claim may have proofs, and a challenge lose its bond.
    check_programs_once(&manifest, data)?;
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
        None => own.wrong_token.map(|position| Difference {
            text: wrong_token(position, &names),
            is_false: true,
        }),
    };
    let verdict = Verdict {
        is_compared: claim.is_some(),
        difference,
    };
    Ok(verdict.show(show(&own, out), out))
}

//! `nanozk reexecute`.

use super::joint;
use super::run::{hex, model_of};
use super::verify::read;
use crate::args::ReexecuteArgs;
use crate::data::Data;
use crate::model_dir::{ModelVersion, Registered};
use crate::output::{count, Out, Progress};
use crate::Outcome;
use anyhow::{bail, Context, Result};
use nanozk_prover::directory::Kind;
use nanozk_prover::session::{recompute, Computed, SessionDir};
use nanozk_verifier::encoding::point_compressed;
use nanozk_verifier::hex::{encode, Digest32, Point, Scalar};
use nanozk_verifier::joint::{Claim, CLAIM_FORMAT};
use nanozk_verifier::session::{Session, SESSION_FORMAT};
use serde::de::DeserializeOwned;
use serde_json::{json, Value};
use std::io::ErrorKind;
use std::path::Path;

/// What differs between what a session claims and what the model computes, the first in the order of execution.
fn difference(session: &Session, computed: &Computed, names: &[String]) -> Option<String> {
    if session.input_digest != computed.input_digest {
        return Some("the prompt differs: its input digest is another one".into());
    }
    let own = &computed.boundaries;
    if let Some(other) = other_activations(&session.boundaries, own, names) {
        return Some(other);
    }
    if let Some(position) = computed.wrong_token {
        return Some(wrong_token(position, names));
    }
    (session.output_digest != computed.output_digest)
        .then(|| "the generated tokens differ: their output digest is another one".into())
}

/// The first of the claimed commitments to activations that is not the model's own.
pub(super) fn other_activations(
    claimed: &[Point],
    own: &[Point],
    names: &[String],
) -> Option<String> {
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
pub(super) fn wrong_token(position: usize, names: &[String]) -> String {
    let head = names.len() - 1;
    format!(
        "layer {head} ({}): the token at position {position} is not the one that the model generates",
        names[head]
    )
}

/// What an execution gave.
pub(super) struct Execution<'a> {
    pub(super) model_id: Digest32,
    pub(super) input: &'a Scalar,
    pub(super) output: &'a Scalar,
    /// To the activations between layers, and what they are called in JSON.
    pub(super) commitments: (&'static str, &'a [Point]),
    pub(super) wrong_token: Option<usize>,
}

impl Execution<'_> {
    /// Says it to people; gives what programs read.
    pub(super) fn show(&self, out: &Out) -> Value {
        let (name, points) = self.commitments;
        let points = points.iter().map(|p| encode(&point_compressed(&p.0)));
        let points: Vec<String> = points.collect();
        let (input, output) = (hex(self.input), hex(self.output));
        out.text(format!("model id       {}", self.model_id));
        out.text(format!("input digest   {input}"));
        out.text(format!("output digest  {output}"));
        for (layer, point) in points.iter().enumerate() {
            out.text(format!("after layer {layer:<3}{point}"));
        }
        json!({
            "model_id": self.model_id,
            "input_digest": input,
            "output_digest": output,
            name: points,
            "wrong_token": self.wrong_token,
        })
    }
}

/// The outcome.
pub(super) struct Verdict {
    /// The kind of session whose public part was there.
    pub(super) compared_with: Option<Kind>,
    pub(super) difference: Option<String>,
}

impl Verdict {
    /// Says it, with what was computed.
    pub(super) fn show(self, mut computed: Value, out: &Out) -> Outcome {
        let marker = self.compared_with.map(Kind::marker);
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

/// The public part of a session, if it is there: whatever else is in the directory, what is there is compared.
fn claimed<T: DeserializeOwned>(session: &Path, kind: Kind, format: &str) -> Result<Option<T>> {
    let path = session.join(kind.marker());
    match std::fs::symlink_metadata(&path) {
        Ok(_) => read(&path, format).map(Some),
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
    let registered = dir.registered()?;
    let version = registered.version();
    let session: Option<Session> = claimed(&args.session, Kind::Session, SESSION_FORMAT)?;
    let claim: Option<Claim> = claimed(&args.session, Kind::JointSession, CLAIM_FORMAT)?;
    let id = match (&registered, &session, &claim) {
        (Registered::Layers(_), None, Some(_)) | (Registered::Joint(_), Some(_), None) => bail!(
            "the session and the model {} are for different kinds of proofs",
            dir.path.display()
        ),
        (Registered::Layers(_), session, _) => session.as_ref().map(|s| s.model_id),
        (Registered::Joint(_), _, claim) => claim.as_ref().map(|c| c.model_id),
    };
    // Before the tokens: another model may not have them.
    if let Some(id) = id.filter(|id| *id != version.id()) {
        let verdict = Verdict {
            compared_with: Some(match registered {
                Registered::Layers(_) => Kind::Session,
                Registered::Joint(_) => Kind::JointSession,
            }),
            difference: Some(format!("it claims the model {id}")),
        };
        return Ok(verdict.show(json!({"model_id": version.id()}), out));
    }
    let secret = SessionDir::new(&args.session).secret()?;
    let model = dir.model(version)?;
    dir.tokenizer(version)?.check(&secret.tokens)?;
    let card = match registered {
        Registered::Layers(card) => card,
        Registered::Joint(manifest) => {
            return joint::reexecute(&manifest, claim, &model, &secret, data, out)
        }
    };
    let setup = data.checked_setup_of(&card)?;
    let progress = Progress::spinner("executing the session again");
    let computed = recompute(&model, &card, &secret, &setup)?;
    drop(progress);
    let names = card.layer_names();
    let difference = match &session {
        Some(session) => difference(session, &computed, &names),
        None => computed
            .wrong_token
            .map(|position| wrong_token(position, &names)),
    };
    let execution = Execution {
        model_id: card.model_id(),
        input: &computed.input_digest,
        output: &computed.output_digest,
        commitments: ("boundaries", &computed.boundaries),
        wrong_token: computed.wrong_token,
    };
    let verdict = Verdict {
        compared_with: session.map(|_| Kind::Session),
        difference,
    };
    Ok(verdict.show(execution.show(out), out))
}

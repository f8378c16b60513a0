//! `nanozk reexecute`.

use super::joint;
use super::run::{hex, model_of};
use crate::args::ReexecuteArgs;
use crate::data::Data;
use crate::model_dir::{ModelVersion, Registered};
use crate::output::{count, Out, Progress};
use crate::Outcome;
use anyhow::{bail, Result};
use nanozk_prover::directory::Kind;
use nanozk_prover::session::{recompute, Computed, SessionDir};
use nanozk_verifier::encoding::point_compressed;
use nanozk_verifier::hex::{encode, Digest32, Point};
use nanozk_verifier::session::Session;
use serde_json::json;

/// What differs between what a session claims and what the model computes, the first in the order of execution.
fn difference(
    session: &Session,
    computed: &Computed,
    model: Digest32,
    names: &[String],
) -> Option<String> {
    if session.model_id != model {
        return Some(format!("it claims the model {}", session.model_id));
    }
    if session.input_digest != computed.input_digest {
        return Some("the prompt differs: its input digest is another one".into());
    }
    let own = &computed.boundaries;
    if let Some(other) = other_activations(&session.boundaries, own, names) {
        return Some(other);
    }
    if let Some(position) = computed.wrong_token {
        return Some(format!(
            "layer {} ({}) is the first that differs: the token at position {position} is not the one that the model \
             generates",
            own.len(),
            names[own.len()]
        ));
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
        "layer {layer} ({}) is the first that differs: the commitment to its output is another one",
        names[layer]
    ))
}

pub(super) fn reexecute(args: &ReexecuteArgs, data: &Data, out: &Out) -> Result<Outcome> {
    if !args.session.join("secret.json").is_file() {
        bail!(
            "{} has no secret.json: its provider has it, and may disclose it",
            args.session.display()
        );
    }
    let secret = SessionDir::new(&args.session).secret()?;
    let dir = model_of(&args.session, args.model.as_deref())?;
    let registered = dir.registered()?;
    let model = dir.model(registered.version())?;
    dir.tokenizer(registered.version())?.check(&secret.tokens)?;
    let card = match registered {
        Registered::Layers(card) => card,
        Registered::Joint(manifest) => {
            return joint::reexecute(args, &manifest, &model, &secret, data, out)
        }
    };
    let setup = data.checked_setup_of(&card)?;
    let progress = Progress::spinner("executing the session again");
    let computed = recompute(&model, &card, &secret, &setup)?;
    drop(progress);
    let points: Vec<String> = computed
        .boundaries
        .iter()
        .map(|p| encode(&point_compressed(&p.0)))
        .collect();
    out.text(format!("model id       {}", card.model_id()));
    out.text(format!("input digest   {}", hex(&computed.input_digest)));
    out.text(format!("output digest  {}", hex(&computed.output_digest)));
    for (layer, point) in points.iter().enumerate() {
        out.text(format!("after layer {layer:<3}{point}"));
    }
    // Without the public part there is nothing to compare with but the tokens themselves.
    let compared = Kind::of(&args.session) == Some(Kind::Session);
    let difference = if compared {
        let session = SessionDir::new(&args.session).session()?;
        let names = card.layer_names();
        difference(&session, &computed, card.model_id(), &names)
    } else {
        computed.wrong_token.map(|position| {
            format!("the token at position {position} is not the one that the model generates")
        })
    };
    out.json(&json!({
        "model_id": card.model_id(),
        "input_digest": hex(&computed.input_digest),
        "output_digest": hex(&computed.output_digest),
        "boundaries": points,
        "wrong_token": computed.wrong_token,
        "accepted": difference.is_none(),
        "reason": difference,
    }));
    match difference {
        Some(difference) => {
            out.text(format!("DIFFERS: {difference}"));
            Ok(Outcome::Rejected)
        }
        None => {
            out.text(match compared {
                true => "the same as the session claims",
                false => "the tokens are those that the model generates; session.json is not here to compare with",
            });
            Ok(Outcome::Done)
        }
    }
}

//! `nanozk reexecute`.

use super::run::model_of;
use crate::args::ReexecuteArgs;
use crate::data::Data;
use crate::output::{Out, Progress};
use anyhow::{bail, Result};
use nanozk_prover::session::{recompute, SessionDir};
use nanozk_verifier::encoding::{point_compressed, scalar_to_bytes};
use nanozk_verifier::hex::{encode, Scalar};
use serde_json::json;

pub(super) fn reexecute(args: &ReexecuteArgs, data: &Data, out: &Out) -> Result<()> {
    if !args.session.join("secret.json").is_file() {
        bail!(
            "{} has no secret.json: its provider has it, and may disclose it",
            args.session.display()
        );
    }
    let secret = SessionDir::new(&args.session).secret()?;
    let dir = model_of(&args.session, args.model.as_deref())?;
    let card = dir.card()?;
    let model = dir.model(&card)?;
    dir.tokenizer(&card)?.check(&secret.tokens)?;
    let setup = data.checked_setup_of(&card)?;
    let progress = Progress::spinner("executing the session again");
    let computed = recompute(&model, &card, &secret, &setup)?;
    drop(progress);
    let digest = |s: &Scalar| encode(&scalar_to_bytes(&s.0));
    let points: Vec<String> = computed
        .boundaries
        .iter()
        .map(|p| encode(&point_compressed(&p.0)))
        .collect();
    out.text(format!("model id       {}", card.model_id()));
    out.text(format!("input digest   {}", digest(&computed.input_digest)));
    out.text(format!(
        "output digest  {}",
        digest(&computed.output_digest)
    ));
    for (layer, point) in points.iter().enumerate() {
        out.text(format!("after layer {layer:<3}{point}"));
    }
    if let Some(position) = computed.wrong_token {
        out.text(format!(
            "the token at position {position} is not the one that the model generates"
        ));
    }
    out.json(&json!({
        "model_id": card.model_id(),
        "input_digest": digest(&computed.input_digest),
        "output_digest": digest(&computed.output_digest),
        "boundaries": points,
        "wrong_token": computed.wrong_token,
    }));
    Ok(())
}

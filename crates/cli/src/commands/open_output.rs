//! `nanozk output`.

use super::chain::claimed_output;
use super::reject;
use crate::Outcome;
use crate::args::{OpenOutputArgs, OutputCommand};
use crate::data::Data;
use crate::output::{Out, count};
use anyhow::{Context, Result, bail};
use nanozk::model_dir::ModelDir;
use nanozk_chain::output::OutputFile;
use nanozk_chain::primitives::B256;
use nanozk_chain::request::RequestFile;
use nanozk_prover::files;
use nanozk_verifier::CheckedManifest;
use nanozk_verifier::encoding::scalar_to_bytes;
use serde_json::json;
use std::path::Path;

pub(super) fn output(command: &OutputCommand, data: &Data, out: &Out) -> Result<Outcome> {
    let OutputCommand::Open(args) = command;
    super::judged(out, json!({}), open(args, data, out))
}

/// Where the digest comes from that an output has to open.
enum Claimed {
    Given(B256),
    OnChain(B256),
    /// From the output itself: that it opens shows only that the file is whole.
    Nowhere,
}

fn open(args: &OpenOutputArgs, data: &Data, out: &Out) -> Result<()> {
    let request: RequestFile = files::read_json(&args.request)?;
    request
        .check()
        .with_context(|| args.request.display().to_string())?;
    let file: OutputFile = files::read_json(&args.output)?;
    file.check()
        .with_context(|| args.output.display().to_string())?;
    let model = model(args.model.as_deref(), &request, data)?;
    let claimed = match (args.output_digest, &args.rpc) {
        (Some(digest), _) => Claimed::Given(digest.0.into()),
        (None, Some(rpc)) => match claimed_output(rpc, args.deployment.clone(), &request, out)? {
            Some(digest) => Claimed::OnChain(digest),
            None => Claimed::Nowhere,
        },
        (None, None) => Claimed::Nowhere,
    };
    let positions = match (&file.opens, &model) {
        (Some(opens), _) => opens.positions,
        (None, Some((_, manifest))) => manifest.manifest().tokens as u32,
        (None, None) => bail!(
            "{} does not say how many positions its session has, as files of older versions do not: give the model with \
             --model",
            args.output.display()
        ),
    };
    let digest = match (&claimed, &file.opens) {
        (Claimed::Given(digest) | Claimed::OnChain(digest), _) => *digest,
        (Claimed::Nowhere, Some(opens)) => scalar_to_bytes(&opens.output_digest.0).into(),
        (Claimed::Nowhere, None) => bail!(
            "{} does not say which digest it opens, as files of older versions do not: give the claim's with \
             --output-digest or --rpc",
            args.output.display()
        ),
    };
    file.open(&request, positions, digest)
        .map_err(|e| reject(format!("{}: {e}", args.output.display())))?;

    let text = match &model {
        Some((dir, manifest)) => {
            let tokenizer = dir.tokenizer(manifest)?;
            tokenizer
                .check(&file.tokens)
                .map_err(|e| reject(format!("{}: {e}", args.output.display())))?;
            let all = [request.prompt.as_slice(), &file.tokens].concat();
            Some((tokenizer.decode(&request.prompt)?, tokenizer.decode(&all)?))
        }
        None => {
            out.note("no text without the model's tokenizer: say where the model is with --model");
            None
        }
    };
    match &text {
        Some((_, all)) => out.text(all),
        None => out.text(format!("tokens {:?}", file.tokens)),
    }
    out.text("");
    out.text(format!("job            {}", request.job));
    out.text(format!(
        "tokens         {} of prompt, {} generated",
        request.prompt.len(),
        file.tokens.len()
    ));
    out.text(format!("output digest  {digest}"));
    let checked = match claimed {
        Claimed::Given(_) => "the digest that was given",
        Claimed::OnChain(_) => "the claim on chain",
        Claimed::Nowhere => {
            out.note(format!(
                "warning: {} say what they should say, but nothing claimed was compared: give --rpc, or the digest in the \
                 claim with --output-digest",
                count(file.tokens.len(), "token")
            ));
            "none"
        }
    };
    out.text(format!("compared with  {checked}"));
    out.json(&json!({
        "accepted": true,
        "job": request.job,
        "model_id": request.model_id,
        "output_digest": digest,
        "compared_with": match claimed {
            Claimed::Given(_) => Some("option"),
            Claimed::OnChain(_) => Some("chain"),
            Claimed::Nowhere => None,
        },
        "prompt_tokens": request.prompt,
        "generated_tokens": file.tokens,
        "prompt": text.as_ref().map(|t| &t.0),
        "text": text.as_ref().map(|t| &t.1),
    }));
    Ok(())
}

/// The model of a request: where it was said to be, or where this machine last used it.
fn model(
    given: Option<&Path>,
    request: &RequestFile,
    data: &Data,
) -> Result<Option<(ModelDir, CheckedManifest)>> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => match data.known_model(&request.model_id) {
            Some(path) => path,
            None => return Ok(None),
        },
    };
    let dir = ModelDir::new(&path)?;
    let manifest = dir.manifest()?;
    if manifest.id() != request.model_id {
        bail!(
            "the request is for the model {}, {} is {}",
            request.model_id,
            path.display(),
            manifest.id()
        );
    }
    Ok(Some((dir, manifest)))
}

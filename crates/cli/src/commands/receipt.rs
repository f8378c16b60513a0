//! `nanozk receipt`.

use super::{judged, note_of_keys, read_text, reject, run};
use crate::Outcome;
use crate::args::{ClaimReceiptArgs, ReceiptCommand, VerifyReceiptArgs};
use crate::data::{DEVELOPMENT_WARNING, Data};
use crate::output::{Out, Progress};
use anyhow::{Context, Result, bail};
use nanozk::model_dir::ModelDir;
use nanozk_chain::answer::{Answer, Signed};
use nanozk_chain::format::utc;
use nanozk_chain::receipt::{Opening, Served};
use nanozk_model::{TextStream, Tokenizer};
use nanozk_prover::directory::Kind;
use nanozk_prover::files;
use nanozk_prover::session::SessionDir;
use nanozk_serve::request::{Endpoint, Request};
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::statement::Context as Claim;
use serde_json::{Value, json};

pub(super) fn receipt(command: &ReceiptCommand, data: &Data, out: &Out) -> Result<Outcome> {
    match command {
        ReceiptCommand::Verify(args) => judged(out, json!({}), verify(args, out)),
        ReceiptCommand::Claim(args) => claim(args, data, out).map(|()| Outcome::Done),
    }
}

/// What a receipt says, for people.
fn lines_of(signed: &Signed) -> Vec<String> {
    match signed {
        Signed::Alone(served) => vec![
            format!("issued         {}", utc(served.receipt.issued_at)),
            format!("kept until     {}", utc(served.receipt.kept_until)),
        ],
        Signed::OfEpoch(receipt) => vec![
            format!(
                "place          answer {} of epoch {}",
                receipt.index, receipt.epoch
            ),
            format!(
                "version        {} on chain {}",
                receipt.line.version, receipt.books.chain_id
            ),
            format!("requester      {}", receipt.requester),
        ],
    }
}

/// The text of an answer's tokens, that of a stop token among them.
fn text_of(tokenizer: &Tokenizer, opening: &Opening) -> Result<String> {
    let mut stream = TextStream::new(tokenizer, &opening.prompt);
    let mut text = String::new();
    for token in &opening.generated {
        text += &stream.push(*token)?;
    }
    Ok(text + &stream.finish()?)
}

fn verify(args: &VerifyReceiptArgs, out: &Out) -> Result<()> {
    let answer = Answer::from_json(files::read_json(&args.file)?);
    let Answer { signed, text } = answer.with_context(|| args.file.display().to_string())?;
    let (receipt, opening) = (signed.check().map_err(reject)?, signed.opening());
    if let Some(provider) = args.provider.filter(|p| *p != receipt.provider) {
        return Err(reject(format!(
            "{} signed it, not {provider}",
            receipt.provider
        )));
    }
    let check_model = |expected: Digest32| match expected == receipt.model_id {
        true => Ok(()),
        false => Err(reject(format!(
            "it names the model {}, not {expected}",
            receipt.model_id
        ))),
    };
    args.model_id.map_or(Ok(()), check_model)?;
    let mut compared = vec!["signature", "tokens"];
    if let Some(path) = &args.model {
        let dir = ModelDir::new(path)?;
        let version = dir.manifest()?;
        check_model(version.id())?;
        let positions = version.manifest().tokens;
        if opening.positions as usize != positions {
            return Err(reject(format!(
                "it is of {} positions, the model has {positions}",
                opening.positions
            )));
        }
        let tokenizer = dir.tokenizer(&version)?;
        for tokens in [&opening.prompt, &opening.generated] {
            tokenizer.check(tokens).map_err(reject)?;
        }
        let own = text_of(&tokenizer, opening)?;
        if let Some((text, is_cut)) = &text {
            let same = match is_cut {
                true => own.starts_with(text.as_str()),
                false => own == *text,
            };
            if !same {
                return Err(reject(
                    "the text is not that of the tokens that were signed",
                ));
            }
            compared.push("text");
        }
        if let Some(path) = &args.request {
            let body = read_text(path, "the request")?;
            let named = || path.display().to_string();
            let value: Value = serde_json::from_str(&body).with_context(named)?;
            let endpoint = match value.get("messages") {
                Some(_) => Endpoint::Chat,
                None => Endpoint::Completion,
            };
            let refused = |e: nanozk_serve::Problem| anyhow::anyhow!(e.message).context(named());
            let request = Request::parse(endpoint, &body).map_err(refused)?;
            let template = dir.chat_template()?;
            let prompt = request
                .prompt(&tokenizer, template.as_ref())
                .map_err(refused)?;
            if prompt.tokens != opening.prompt {
                return Err(reject(
                    "the prompt that was signed is not what the model's tokenizer makes of the request",
                ));
            }
            compared.push("prompt");
        }
        out.text(&own);
        out.text("");
    }
    out.text("receipt        accepted: the provider signed it, and it is of these tokens");
    out.text(format!("provider       {}", receipt.provider));
    out.text(format!("model id       {}", receipt.model_id));
    out.text(format!(
        "tokens         {} of prompt, {} generated",
        opening.prompt.len(),
        opening.generated.len()
    ));
    lines_of(&signed).iter().for_each(|line| out.text(line));
    out.text(format!("compared       {}", compared.join(", ")));
    if matches!(signed, Signed::OfEpoch(_)) {
        out.note("note: it is the version that was signed: of which model that is, and whether the answer is in its place, the chain knows (nanozk channel pay)");
    }
    if args.provider.is_none() {
        out.note(
            "note: anybody can sign a receipt: give the address that you trust with --provider",
        );
    }
    if args.model_id.is_none() && args.model.is_none() {
        out.note("note: the model was not compared: give --model-id or --model");
    }
    out.json(&json!({
        "accepted": true,
        "receipt": receipt.receipt,
        "digest": receipt.digest,
        "prompt_tokens": opening.prompt,
        "generated_tokens": opening.generated,
        "compared": compared,
    }));
    Ok(())
}

fn claim(args: &ClaimReceiptArgs, data: &Data, out: &Out) -> Result<()> {
    Kind::Served.check(&args.answer)?;
    let path = args.answer.join(Kind::Served.marker());
    let served: Served = files::read_json(&path)?;
    let dir = run::model_of(&args.answer, args.model.as_deref())?;
    let version = &dir.manifest()?;
    if served.receipt.model_id != version.id() {
        bail!(
            "the answer is of model {}, {} is {}",
            served.receipt.model_id,
            dir.path().display(),
            version.id()
        );
    }
    let context = Claim {
        chain: args.chain,
        contract: args.contract.unwrap_or_default(),
        claim: args.claim.unwrap_or_default(),
        recipient: args.recipient.unwrap_or_default(),
        epoch: false,
    };
    let development = run::check_setup(version, &context)?;
    note_of_keys(&version.id(), data, out);
    let session = SessionDir::new(&args.answer);
    let _locked = session.lock()?;
    let secret = session.secret()?;
    let own = secret.sequence(version.manifest().tokens).digests();
    let signed = [
        served.receipt.input_digest.0,
        served.receipt.output_digest.0,
    ];
    if own != signed || secret.seed_digest() != served.receipt.seed_digest {
        bail!(
            "{} does not open the receipt beside it: one of them was changed",
            args.answer.join("secret.json").display()
        );
    }
    let parameters = data.parameters(version)?;
    let progress = Progress::spinner("committing to the computation");
    let model = dir.model(version)?;
    let claimed = session.commit(&model, version, context, &parameters)?;
    drop(progress);
    let (statement, digest) = (
        Digest32(claimed.statement()),
        Digest32(claimed.claim_digest()?),
    );
    out.text(format!("session        {}", args.answer.display()));
    out.text(format!("model id       {}", version.id()));
    out.text(format!("statement      {statement}"));
    out.text(format!("claim digest   {digest}"));
    if development {
        out.note(DEVELOPMENT_WARNING);
    }
    out.json(&json!({
        "session": args.answer,
        "model_id": version.id(),
        "statement": statement,
        "claim_digest": digest,
        "layers": version.layers(),
        "development_setup": development,
    }));
    Ok(())
}

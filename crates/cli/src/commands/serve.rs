//! `nanozk serve`.

use super::chain::signer;
use super::{run, runtime};
use crate::args::ServeArgs;
use crate::data::{is_development, DEVELOPMENT_WARNING};
use crate::log;
use crate::model_dir::ModelDir;
use crate::output::Out;
use anyhow::{bail, Context, Result};
use nanozk_chain::format::duration;
use nanozk_chain::PrivateKeySigner;
use nanozk_serve::{Config, Model, Store, Worker};
use serde_json::{json, Value};
use std::path::Path;

/// Name and directory, of `NAME=DIR` or `DIR`.
fn name_and_directory(text: &str) -> Result<(String, &Path)> {
    if let Some((name, path)) = text.split_once('=') {
        if name.is_empty() {
            bail!("--model {text}: a name is missing before the equals sign");
        }
        return Ok((name.to_owned(), Path::new(path)));
    }
    let path = Path::new(text);
    let full = path.canonicalize();
    let full = full.with_context(|| format!("--model {text}"))?;
    let name = full.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("--model {text}: give it a name, NAME={text}"))?;
    Ok((name.to_owned(), path))
}

fn worker(
    text: &str,
    signer: &PrivateKeySigner,
    store: &Store,
    queue: usize,
    out: &Out,
) -> Result<Worker> {
    let (name, path) = name_and_directory(text)?;
    let dir = ModelDir::new(path)?;
    let version = dir.manifest()?;
    let stop_tokens = dir.stop_tokens()?.unwrap_or_default();
    if stop_tokens.is_empty() {
        out.note(format!(
            "note: {name} has no stop tokens: answers are as long as they may be"
        ));
    }
    if is_development(&version) {
        out.note(format!("{name}: {DEVELOPMENT_WARNING}"));
    }
    let quantized = dir.model(&version)?;
    let model = Model {
        name,
        tokenizer: dir.tokenizer(&version)?,
        template: dir.chat_template()?,
        stop_tokens,
        local: serde_json::to_value(run::local(&dir)?)?,
        version,
    };
    Ok(Worker::start(
        model,
        quantized,
        signer.clone(),
        store.clone(),
        queue,
    )?)
}

pub(super) fn serve(args: &ServeArgs, out: &Out) -> Result<()> {
    log::start(&args.log.filter, out.is_json())?;
    let Some(signer) = signer(&args.key, out)? else {
        bail!(
            "receipts need the provider's key: give one with --private-key-file, --keystore or NANOZK_PRIVATE_KEY"
        );
    };
    let api_key = args.api_key_file.as_deref().map(nanozk_http::read_token);
    let config = Config {
        listen: args.listen,
        api_key: api_key.transpose().context("--api-key-file")?,
    };
    let store = Store::new(&args.answers, args.keep)?;
    let workers = args.model.iter();
    let workers = workers.map(|text| worker(text, &signer, &store, args.queue, out));
    let workers: Vec<Worker> = workers.collect::<Result<_>>()?;
    for worker in &workers {
        let model = &worker.model;
        out.text(format!(
            "model          {}, {} positions, model id {}",
            model.name,
            model.version.manifest().tokens,
            model.version.id()
        ));
    }
    out.text(format!("provider       {}", signer.address()));
    out.text(format!(
        "answers        {}, kept for {}",
        args.answers.display(),
        duration(args.keep)
    ));
    let models: Vec<Value> = workers
        .iter()
        .map(|w| json!({ "name": w.model.name, "model_id": w.model.version.id() }))
        .collect();
    let ready = |address| {
        out.text(format!("listening on   http://{address}/v1"));
        out.json(&json!({
            "event": "listening",
            "address": format!("http://{address}/v1"),
            "provider": signer.address(),
            "models": models,
        }));
    };
    runtime()?.block_on(nanozk_serve::serve(
        &config,
        workers,
        store,
        ready,
        interrupted(),
    ))?;
    out.text("ended");
    Ok(())
}

/// Until the process is told to end.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{signal, SignalKind};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

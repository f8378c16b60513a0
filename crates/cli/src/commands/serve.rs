//! `nanozk serve`.

use super::chain::signer;
use super::{check_programs_once, run, runtime};
use crate::args::ServeArgs;
use crate::data::{DEVELOPMENT_WARNING, Data, is_development};
use crate::log;
use crate::output::Out;
use anyhow::{Context, Result, bail, ensure};
use nanozk::model_dir::ModelDir;
use nanozk_chain::PrivateKeySigner;
use nanozk_chain::epoch::series::Limits;
use nanozk_chain::format::duration;
use nanozk_serve::{Config, Epochs, Keeping, Model, Store, Worker};
use nanozk_verifier::CheckedManifest;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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

/// The directory of a model's epochs, if it has some.
fn epochs_of<'a>(args: &'a ServeArgs, name: &str) -> Option<&'a Path> {
    let all = args.epochs.iter();
    let mut all = all.map(|text| match text.split_once('=') {
        Some((name, path)) => (Some(name), Path::new(path)),
        None => (None, Path::new(text)),
    });
    let is_of = |of: Option<&str>| of.map_or(args.model.len() == 1, |of| of == name);
    all.find(|(of, _)| is_of(*of)).map(|(_, path)| path)
}

/// Epochs of a model, as their signer.
fn epochs(
    args: &ServeArgs,
    path: &Path,
    version: &CheckedManifest,
    signer: &PrivateKeySigner,
) -> Result<Epochs> {
    let limits = Limits {
        answers: args.epoch_answers,
        age: Duration::from_secs(args.epoch_time),
        draws: args.epoch_draws,
    };
    let epochs = Epochs::open(path, limits)?;
    let header = epochs.header();
    ensure!(
        header.model_id == version.id(),
        "{} has epochs of model {}, the model is {}",
        path.display(),
        header.model_id,
        version.id()
    );
    ensure!(
        header.line.provider == signer.address(),
        "{} has epochs of {}, the key is of {}",
        path.display(),
        header.line.provider,
        signer.address()
    );
    Ok(epochs)
}

fn worker(
    text: &str,
    args: &ServeArgs,
    signer: &PrivateKeySigner,
    store: Option<&Store>,
    data: &Data,
    out: &Out,
) -> Result<Worker> {
    let (name, path) = name_and_directory(text)?;
    let dir = ModelDir::new(path)?;
    let version = dir.manifest()?;
    let keeping = match (epochs_of(args, &name), store) {
        (Some(path), _) => {
            // With keys of other programs nobody could prove a draw, and the bond would be lost.
            check_programs_once(&version, data)?;
            Keeping::InEpochs(Arc::new(epochs(args, path, &version, signer)?))
        }
        (None, Some(store)) => Keeping::Alone(store.clone()),
        (None, None) => bail!("{name} has no epochs: give --answers, or --epochs {name}=DIR"),
    };
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
        keeping,
        args.queue,
    )?)
}

pub(super) fn serve(args: &ServeArgs, data: &Data, out: &Out) -> Result<()> {
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
    let answers = args.answers.as_ref();
    let store = answers
        .map(|path| Store::new(path, args.keep))
        .transpose()?;
    let workers = args.model.iter();
    let workers = workers.map(|text| worker(text, args, &signer, store.as_ref(), data, out));
    let workers: Vec<Worker> = workers.collect::<Result<_>>()?;
    for text in &args.epochs {
        let name = text.split_once('=').map(|(name, _)| name);
        let is_known = match name {
            Some(name) => workers.iter().any(|worker| worker.model.name == name),
            None => workers.len() == 1,
        };
        ensure!(
            is_known,
            "--epochs {text}: say of which model, NAME=DIR; there is {}",
            workers
                .iter()
                .map(|w| w.model.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    for worker in &workers {
        let model = &worker.model;
        out.text(format!(
            "model          {}, {} positions, model id {}",
            model.name,
            model.version.manifest().tokens,
            model.version.id()
        ));
        if let Some(epochs) = &worker.epochs {
            let header = epochs.header();
            out.text(format!(
                "epoch          {} of version {}",
                header.number, header.line.version
            ));
        }
    }
    out.text(format!("provider       {}", signer.address()));
    if let Some(answers) = answers {
        out.text(format!(
            "answers        {}, kept for {}",
            answers.display(),
            duration(args.keep)
        ));
    }
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
        use tokio::signal::unix::{SignalKind, signal};
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

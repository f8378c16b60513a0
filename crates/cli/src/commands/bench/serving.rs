//! Tokens per second of the executor.

use super::{dimensions, median};
use crate::args::BenchRunArgs;
use crate::measure::{peak_rss_bytes, reset_peak_rss};
use crate::output::{Out, Progress, bytes, count};
use anyhow::{Context, Result, bail};
use nanozk::model_dir::ModelDir;
use nanozk_executor::{Executor, Gpt2, QuantizedModel, bucket, synthetic};
use nanozk_model::FloatModel;
use nanozk_model::synthetic::write_checkpoint;
use serde_json::json;
use std::ops::ControlFlow;
use std::time::Instant;

/// Seconds of a prompt with the token after it, and of each token after that one.
#[derive(Clone, Copy, Debug)]
struct Times {
    prompt: f64,
    token: f64,
}

/// Runs a model as a provider does, without proofs.
pub(in crate::commands) fn run(args: &BenchRunArgs, out: &Out) -> Result<()> {
    let (prompt, generated) = (args.prompt, args.generated);
    if generated < 2 {
        bail!("--generated 1: the first token is the prompt's");
    }
    let threads = match args.threads {
        Some(threads) => threads,
        None => std::thread::available_parallelism().map_or(1, |n| n.get()),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.context("cannot start the threads")?;
    let told = reset_peak_rss();
    let progress = Progress::spinner("weights");
    let model = weights(args)?;
    let arch = model.arch;
    if bucket(prompt.saturating_add(generated), arch.context).is_none() {
        let positions = arch.context;
        bail!("--prompt {prompt} and --generated {generated} do not fit {positions} positions");
    }
    let tokens = synthetic::tokens(prompt, arch.vocab, 2);
    let executor = Executor::new(&model)?;
    progress.message("tokens");
    let mut runs = Vec::with_capacity(args.repeat);
    for _ in 0..args.repeat {
        runs.push(pool.install(|| once(&executor, &tokens, generated))?);
    }
    drop(progress);
    let of = |time: fn(&Times) -> f64| median(runs.iter().map(time).collect());
    let (prompt_rate, token_rate) = (prompt as f64 / of(|t| t.prompt), 1.0 / of(|t| t.token));
    let (matrices, embeddings) = model.bytes();
    let cells = |m: &nanozk_executor::Linear| m.inputs() * m.outputs();
    let linears = model.layers.iter().flat_map(|layer| layer.linears());
    let weights: usize = linears.chain([&model.head]).map(cells).sum();
    let each = matrices as f64 / weights as f64;
    let peak = peak_rss_bytes().filter(|_| told);
    let (of_threads, of_runs) = (count(threads, "thread"), count(runs.len(), "run"));
    out.text(format!(
        "{of_threads}, median of {of_runs}: prompt of {prompt} tokens {prompt_rate:.1} tokens/s, generation of {generated} \
         {token_rate:.2} tokens/s"
    ));
    out.text(format!(
        "{} M weights of matrices in {} ({each:.2} bytes each), embeddings {}, peak {}",
        weights / 1_000_000,
        bytes(matrices as u64),
        bytes(embeddings as u64),
        peak.map_or("unknown".into(), bytes),
    ));
    let float = match args.candle {
        true => Some(candle(&model, &tokens, args.repeat)?),
        false => None,
    };
    if let Some(float) = &float {
        out.text(format!(
            "candle, f32, without a cache of keys and values: prompt {:.1} tokens/s, a first position alone {:.2} tokens/s",
            prompt as f64 / float.prompt,
            1.0 / float.token
        ));
    }
    let rates = |t: &Times| [prompt as f64 / t.prompt, 1.0 / t.token];
    out.json(&json!({
        "architecture": arch,
        "threads": threads,
        "prompt": prompt,
        "generated": generated,
        "prompt_tokens_per_s": prompt_rate,
        "generation_tokens_per_s": token_rate,
        "runs": runs.iter().map(rates).collect::<Vec<_>>(),
        "matrix_weights": weights,
        "matrix_bytes": matrices,
        "embedding_bytes": embeddings,
        "peak_rss_bytes": peak,
        "candle": float.map(|t| json!({
            "prompt_tokens_per_s": prompt as f64 / t.prompt,
            "position_per_s": 1.0 / t.token,
        })),
    }));
    Ok(())
}

fn weights(args: &BenchRunArgs) -> Result<QuantizedModel> {
    if let Some(path) = &args.model {
        let directory = ModelDir::new(path)?;
        let version = directory.manifest()?;
        return Ok(directory.model(&version)?);
    }
    let own = Gpt2 {
        layers: args.layers,
        width: args.width,
        heads: args.heads,
        mlp_width: args.mlp_width.unwrap_or(args.width.saturating_mul(4)),
        vocab: args.vocab,
        context: args.context,
    };
    let arch = dimensions(args.like, own)?;
    // As the quantizer rounds weights.
    Ok(synthetic::model(arch, synthetic::activation(&arch), 1).rounded())
}

fn once(executor: &Executor<'_>, prompt: &[u32], generated: usize) -> Result<Times> {
    let start = Instant::now();
    let mut first = None;
    executor.generate_until(prompt, generated, |_| {
        first.get_or_insert_with(|| start.elapsed());
        ControlFlow::Continue(())
    })?;
    let all = start.elapsed();
    let first = first.unwrap_or(all);
    Ok(Times {
        prompt: first.as_secs_f64(),
        token: (all - first).as_secs_f64() / (generated - 1) as f64,
    })
}

/// The float reference of the same shape.
fn candle(model: &QuantizedModel, prompt: &[u32], repeat: usize) -> Result<Times> {
    let folder = tempfile::tempdir().context("cannot create a temporary directory")?;
    write_checkpoint(folder.path(), &model.arch, 1)?;
    let float = FloatModel::load(folder.path())?;
    let time = |tokens: &[u32]| -> Result<f64> {
        let mut times = Vec::with_capacity(repeat);
        for _ in 0..repeat {
            let start = Instant::now();
            float.logits(tokens)?;
            times.push(start.elapsed().as_secs_f64());
        }
        Ok(median(times))
    };
    Ok(Times {
        prompt: time(prompt)?,
        token: time(&prompt[..1])?,
    })
}

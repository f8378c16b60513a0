//! `nanozk bench`.

mod joint;
mod serving;

pub(super) use joint::{layer, model, synthetic_shape};
pub(super) use serving::run;

use super::GIB;
use crate::args::{BenchImportArgs, KnownShape, ShapeArgs};
use crate::measure::{Stopwatch, peak_rss_bytes, reset_peak_rss};
use crate::output::{Out, Progress, bytes};
use anyhow::{Context, Result, bail};
use halo2curves::bn256::Fr;
use nanozk_executor::{Architecture, Gpt2, bucket};
use nanozk_model::file::Writer;
use nanozk_model::synthetic::{text, write_checkpoint};
use nanozk_model::{Checkpoint, Estimate, Options, Stage, quantize_checkpoint};
use nanozk_prover::files;
use serde_json::json;
use std::time::Instant;

/// Quantizes a synthetic checkpoint.
pub(super) fn import(args: &BenchImportArgs, out: &Out) -> Result<()> {
    let own = Gpt2 {
        layers: args.layers,
        width: args.width,
        heads: args.heads,
        mlp_width: args.width.saturating_mul(4),
        vocab: args.vocab,
        context: args.context,
    };
    let arch = dimensions(args.like, own)?;
    let tokens = bucket(args.tokens, arch.context)
        .with_context(|| format!("--tokens {} do not fit the context", args.tokens))?;
    let windows = args
        .windows
        .unwrap_or_else(|| Options::enough_windows(tokens));
    let progress = Progress::spinner("writing a checkpoint");
    let folder = tempfile::tempdir().context("cannot create a temporary directory")?;
    let source = args.keep.as_deref().unwrap_or(folder.path());
    std::fs::create_dir_all(source)
        .with_context(|| format!("cannot create {}", source.display()))?;
    if std::fs::read_dir(source).is_ok_and(|mut files| files.next().is_some()) {
        bail!("{} is not empty: nothing is replaced", source.display());
    }
    write_checkpoint(source, &arch, 1)?;
    let text = text(windows * tokens, 2);
    if args.keep.is_some() {
        files::write(&source.join("calibration.txt"), text.as_bytes())?;
    }
    drop(progress);

    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let estimate = Estimate::new(&arch, windows, tokens, threads);
    let progress = Progress::bar("observing activations", arch.layers + 2);
    let told = reset_peak_rss();
    let clock = Stopwatch::start();
    let checkpoint = Checkpoint::open(source)?;
    let mut writer = Writer::create(&folder.path().join("quantized.safetensors"), arch)?;
    let options = Options {
        windows,
        window: Some(tokens),
        ..Options::default()
    };
    let (spec, report) = quantize_checkpoint(
        &checkpoint,
        &text,
        &options,
        &mut writer,
        &mut |stage, done, all| {
            if stage == Stage::Quantize {
                progress.message("quantizing");
            }
            progress.set(done, all);
        },
    )?;
    writer.finish(&spec)?;
    let (cpu_s, wall_s) = (clock.cpu_s(), clock.wall_s());
    let peak = peak_rss_bytes().filter(|_| told);
    drop(progress);
    let parameters = arch.parameters();
    out.text(format!(
        "{} M weights, {} windows of {tokens} tokens: {cpu_s:.1} CPU s (estimated {:.0}), {wall_s:.1} s, peak {} (estimated {})",
        parameters / 1_000_000,
        report.windows,
        estimate.cpu_seconds,
        peak.map_or("unknown".into(), bytes),
        bytes(estimate.peak_bytes)
    ));
    out.json(&json!({
        "architecture": arch,
        "windows": report.windows,
        "tokens": tokens,
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "peak_rss_bytes": peak,
        "estimate": estimate,
        "top1_agreement": report.top1_agreement,
    }));
    check_resident(args.memory, peak)
}

/// Fails if more memory was resident than was allowed, in GiB.
fn check_resident(allowed: Option<f64>, peak: Option<u64>) -> Result<()> {
    if let (Some(gib), Some(peak)) = (allowed, peak)
        && peak as f64 > gib * GIB
    {
        bail!("{} were resident, more than {gib} GiB", bytes(peak));
    }
    Ok(())
}

/// Dimensions of a model in use, or a GPT-2's own.
fn dimensions(like: Option<KnownShape>, own: Gpt2) -> Result<Architecture> {
    validated(like.map_or_else(|| own.architecture(), |KnownShape(known)| known))
}

/// Dimensions that a model may have.
fn validated(arch: Architecture) -> Result<Architecture> {
    arch.validate().context("no model has these dimensions")?;
    Ok(arch)
}

/// The median of five runs, in milliseconds.
fn median_ms(mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(times))
}

/// The median.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Dimensions of a model with one block.
pub(super) fn architecture(args: &ShapeArgs) -> Result<Architecture> {
    // Of no account to a block.
    let vocab = 1024;
    validated(match (args.like, args.width, args.heads) {
        (Some(KnownShape(known)), _, _) => Architecture {
            layers: 1,
            vocab,
            context: args.tokens,
            ..known
        },
        (None, Some(width), Some(heads)) => Gpt2 {
            layers: 1,
            width,
            heads,
            mlp_width: args.mlp_width.unwrap_or(width.saturating_mul(4)),
            vocab,
            context: args.tokens,
        }
        .architecture(),
        _ => bail!("give --width and --heads, or --like"),
    })
}

/// What every proof is about.
const STATEMENT: [Fr; 2] = [Fr::from_raw([1, 0, 0, 0]), Fr::from_raw([2, 0, 0, 0])];

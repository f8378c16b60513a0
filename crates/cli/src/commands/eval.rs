//! `nanozk eval`.

use super::read_text;
use crate::args::EvalArgs;
use crate::output::{Out, Progress, thousands};
use anyhow::{Result, bail};
use nanozk::model_dir::ModelDir;
use nanozk_model::{Eval, Op, Overflow, Report, evaluate_windows};

pub(super) fn eval(args: &EvalArgs, out: &Out) -> Result<()> {
    let dir = ModelDir::quantized(&args.model)?;
    let report = dir.report()?;
    let (model, tokens) = if dir.is_registered() {
        let version = dir.manifest()?;
        (dir.model(&version)?, version.manifest().tokens)
    } else {
        let file = dir.file("model.safetensors");
        (nanozk_model::file::load(&file)?, report.window)
    };
    let text = read_text(&args.text, "the text")?;
    let float = dir.float()?;
    let window = args.window.unwrap_or(tokens);
    if !(2..=model.arch.context).contains(&window) {
        bail!(
            "--window must be 2 to {}, the positions of the model, not {window}",
            model.arch.context
        );
    }
    let windows = float.tokenizer().windows(&text, window)?;
    let progress = Progress::bar("evaluating", 0);
    let eval = evaluate_windows(&float, &model, &windows, |done, all| {
        progress.set(done, all)
    })?;
    drop(progress);
    out.text(format!(
        "perplexity, float model    {:.6}",
        eval.perplexity_float
    ));
    out.text(format!(
        "perplexity, integer model  {:.6}",
        eval.perplexity_integer
    ));
    out.text(format!(
        "relative change            {:+.5} %",
        100.0 * eval.relative_change
    ));
    out.text(format!(
        "same most likely token     {:.4} % of {} predictions",
        100.0 * eval.top1_agreement,
        thousands(eval.predictions as u64)
    ));
    out.text(format!(
        "windows                    {} of {} tokens",
        thousands(eval.windows as u64),
        eval.window
    ));
    show_overflows(&eval, &report, out);
    out.json(&serde_json::to_value(eval)?);
    Ok(())
}

/// Says which windows could not be computed, where they stopped, and what to do.
fn show_overflows(eval: &Eval, report: &Report, out: &Out) {
    let Some(worst) = eval.worst() else { return };
    out.text(format!(
        "left out                   {} of {} windows, which leave a range of the integer model:",
        thousands(eval.overflowed() as u64),
        thousands((eval.windows + eval.overflowed()) as u64)
    ));
    for o in &eval.overflows {
        let layer = o.layer.map_or(String::new(), |l| format!("layer {l}, "));
        out.text(format!(
            "  {} at {layer}{}: up to {:.2} times its range",
            thousands(o.windows as u64),
            o.operation,
            o.greatest
        ));
    }
    out.note(format!(
        "WARNING: such text can be neither run nor proved; import the model again with --headroom {}, \
         or with calibration text that is more like this one",
        headroom(report, worst)
    ));
}

/// What would have been enough, with a little more.
fn headroom(report: &Report, overflow: &Overflow) -> f64 {
    let op = match overflow.operation.as_str() {
        "query" => Some(Op::Query),
        "key" => Some(Op::Key),
        "value" => Some(Op::Value),
        "attention score" => Some(Op::Score),
        "MLP pre-activation" => Some(Op::PreActivation),
        "MLP activation" => Some(Op::Activation),
        _ => None,
    };
    let now = report
        .ops
        .iter()
        .find(|o| Some(o.op) == op && o.layer == overflow.layer)
        .map_or(report.headroom_required.unwrap_or(2.0), |o| o.headroom);
    (now * overflow.greatest * 1.1).ceil().clamp(2.0, 64.0)
}

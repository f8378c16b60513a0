//! `nanozk eval`.

use super::read_text;
use crate::args::EvalArgs;
use crate::model_dir::ModelDir;
use crate::output::{thousands, Out, Progress};
use anyhow::Result;
use nanozk_model::evaluate;

pub(super) fn eval(args: &EvalArgs, out: &Out) -> Result<()> {
    let dir = ModelDir::new(&args.model)?;
    let card = dir.card()?;
    let text = read_text(&args.text, "the text")?;
    let (float, model) = (dir.float()?, dir.model(&card)?);
    let progress = Progress::bar("evaluating", 0);
    let eval = evaluate(&float, &model, &text, |done, all| progress.set(done, all))?;
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
    out.json(&serde_json::to_value(eval)?);
    Ok(())
}

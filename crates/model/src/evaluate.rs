//! How well the integer model stands in for the float model on real text.

use nanozk_executor::{Executor, QuantizedModel};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::float::{FloatModel, argmax};
use crate::report::Overflow;

/// Windows computed at a time, between two calls of the progress callback.
const CHUNK: usize = 8;

/// Perplexity of the float model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perplexity {
    /// Windows of text.
    pub windows: usize,
    /// Next-token predictions scored.
    pub predictions: usize,
    /// Mean negative log likelihood.
    pub nll: f64,
    /// Its exponential.
    pub perplexity: f64,
}

/// The integer model compared with the float model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Eval {
    /// Windows of text that both models computed; only these are scored.
    pub windows: usize,
    /// Tokens of a window.
    pub window: usize,
    /// Windows that left a range of the integer model; each is counted where it stopped, most windows first.
    pub overflows: Vec<Overflow>,
    /// Perplexity of the float model.
    pub perplexity_float: f64,
    /// Perplexity of the integer model.
    pub perplexity_integer: f64,
    /// `perplexity_integer / perplexity_float - 1`.
    pub relative_change: f64,
    /// Fraction of predictions whose most likely token is the same.
    pub top1_agreement: f64,
    /// Next-token predictions scored.
    pub predictions: usize,
}

/// Perplexity of the float model on a text: consecutive windows, each scored from its second token on.
pub fn perplexity(model: &FloatModel, text: &str) -> Result<Perplexity> {
    let windows = scored_windows(model, text)?;
    let mut sum = 0.0;
    let mut predictions = 0;
    for batch in windows.chunks(CHUNK) {
        for (tokens, logits) in batch.iter().zip(model.logits_batch(batch)?) {
            let rows = logits.chunks_exact(model.architecture().vocab);
            for (row, &next) in rows.zip(&tokens[1..]) {
                sum += nll(row.iter().map(|&v| f64::from(v)), next);
                predictions += 1;
            }
        }
    }
    let nll = sum / predictions as f64;
    Ok(Perplexity {
        windows: windows.len(),
        predictions,
        nll,
        perplexity: nll.exp(),
    })
}

impl Eval {
    /// Windows that left a range.
    pub fn overflowed(&self) -> usize {
        self.overflows.iter().map(|o| o.windows).sum()
    }

    /// The overflow that went furthest beyond its range.
    pub fn worst(&self) -> Option<&Overflow> {
        self.overflows
            .iter()
            .max_by(|a, b| a.greatest.total_cmp(&b.greatest))
    }
}

/// Runs both models on a text; `progress(done, all)` is called as windows are finished.
pub fn evaluate(
    float: &FloatModel,
    integer: &QuantizedModel,
    text: &str,
    progress: impl FnMut(usize, usize),
) -> Result<Eval> {
    evaluate_windows(float, integer, &scored_windows(float, text)?, progress)
}

/// What one window contributes.
enum Part {
    Scored {
        float: f64,
        integer: f64,
        same: usize,
        predictions: usize,
    },
    Overflow(Overflow),
}

/// Like [`evaluate`], on given windows of tokens.
///
/// A window on which the integer model leaves a range is counted and left out. If none remains, that is an error.
pub fn evaluate_windows(
    float: &FloatModel,
    integer: &QuantizedModel,
    windows: &[Vec<u32>],
    mut progress: impl FnMut(usize, usize),
) -> Result<Eval> {
    if float.architecture() != integer.arch {
        return Err(Error::InvalidArgument {
            name: "architecture of the integer model",
            expected: "that of the float model",
            got: format!("{:?}", integer.arch),
        });
    }
    let executor = Executor::new(integer)?;
    let vocab = integer.arch.vocab;
    let scale = (-f64::from(integer.spec.norm_frac + 16)).exp2();
    let (mut sum_float, mut sum_integer, mut same, mut predictions) = (0.0, 0.0, 0usize, 0usize);
    let mut overflows: Vec<Overflow> = Vec::new();
    let mut done = 0;
    for chunk in windows.chunks(CHUNK) {
        // Summed in order, so that the result does not depend on scheduling.
        let parts = chunk
            .par_iter()
            .map(|tokens| {
                let logits = match executor.logits(tokens) {
                    Ok(logits) => logits,
                    Err(e) => {
                        let overflow = Overflow::of(&e);
                        return overflow.map(Part::Overflow).ok_or(Error::Executor(e));
                    }
                };
                let reference = float.logits(tokens)?;
                let (mut float, mut integer, mut same, mut predictions) = (0.0, 0.0, 0, 0);
                let rows = reference
                    .chunks_exact(vocab)
                    .zip(logits.chunks_exact(vocab));
                for ((f, i), &next) in rows.zip(&tokens[1..]) {
                    let base = i.iter().copied().max().unwrap_or(0);
                    float += nll(f.iter().map(|&v| f64::from(v)), next);
                    integer += nll(i.iter().map(|&v| (v - base) as f64 * scale), next);
                    same += usize::from(argmax(f) == argmax(i));
                    predictions += 1;
                }
                Ok(Part::Scored {
                    float,
                    integer,
                    same,
                    predictions,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        for part in parts {
            match part {
                Part::Scored {
                    float: f,
                    integer: i,
                    same: s,
                    predictions: p,
                } => {
                    sum_float += f;
                    sum_integer += i;
                    same += s;
                    predictions += p;
                }
                Part::Overflow(o) => o.count(&mut overflows),
            }
        }
        done += chunk.len();
        progress(done, windows.len());
    }
    let window = windows.first().map_or(0, Vec::len);
    overflows.sort_by(|a, b| b.windows.cmp(&a.windows).then(a.layer.cmp(&b.layer)));
    let overflowed: usize = overflows.iter().map(|o| o.windows).sum();
    if predictions == 0 {
        return Err(Overflow::all(overflows).unwrap_or(Error::TextTooShort {
            expected: 2,
            got: window,
        }));
    }
    let perplexity_float = (sum_float / predictions as f64).exp();
    let perplexity_integer = (sum_integer / predictions as f64).exp();
    Ok(Eval {
        windows: windows.len() - overflowed,
        window,
        overflows,
        perplexity_float,
        perplexity_integer,
        relative_change: perplexity_integer / perplexity_float - 1.0,
        top1_agreement: same as f64 / predictions as f64,
        predictions,
    })
}

/// Windows that hold at least one prediction.
pub(crate) fn scored_windows(model: &FloatModel, text: &str) -> Result<Vec<Vec<u32>>> {
    if model.window() < 2 {
        return Err(Error::InvalidArgument {
            name: "context",
            expected: "at least 2 positions to predict a token",
            got: model.architecture().context.to_string(),
        });
    }
    model.windows(text)
}

/// Negative log likelihood of `next` under the softmax of `logits`.
fn nll(logits: impl Iterator<Item = f64> + Clone, next: u32) -> f64 {
    let max = logits.clone().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.clone().map(|v| (v - max).exp()).sum();
    sum.ln() + max
        - logits
            .clone()
            .nth(next as usize)
            .unwrap_or(f64::NEG_INFINITY)
}

//! Which layers matter: empirical Fisher information by automatic differentiation.

use std::fmt::Write as _;

use nanozk_executor::synthetic::Random;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::evaluate::scored_windows;
use crate::float::{FloatModel, log_likelihood, to_vec};

/// Random subsets drawn for the spread of a random choice.
const DRAWS: usize = 2_000;

/// One layer as it is proved: the embedding, half a block, or the head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerImportance {
    /// `embedding`, `block 0 attention`, `block 0 mlp`, …, `head`.
    pub name: String,
    /// Trainable parameters. A tied head counts those of the token embedding again.
    pub parameters: usize,
    /// Mean over windows of the squared norm of the gradient of the log likelihood.
    pub fisher: f64,
    /// Share of the sum over all layers.
    pub share: f64,
}

/// Fisher information of every layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// Windows of text.
    pub windows: usize,
    /// Tokens per window.
    pub window: usize,
    /// Layers in the order they are computed.
    pub layers: Vec<LayerImportance>,
}

/// Fisher information `F_l = E‖∇_θl log p(y|x)‖²` on the first `windows` windows of a text,
/// `y` being the text itself and `p` the likelihood of a window.
pub fn importance(model: &FloatModel, text: &str, windows: usize) -> Result<Importance> {
    if windows == 0 {
        return Err(Error::InvalidArgument {
            name: "windows",
            expected: "at least 1",
            got: "0".into(),
        });
    }
    let mut all = scored_windows(model, text)?;
    all.truncate(windows);
    let (params, groups) = model.params.variables()?;
    let mut fisher = vec![0.0; groups.len()];
    for tokens in &all {
        let n = tokens.len();
        let logits = model.forward(&params, &[tokens])?.narrow(0, 0, n - 1)?;
        let likelihood = log_likelihood(&logits, &tokens[1..])?.sum_all()?;
        let gradients = likelihood.backward()?;
        for (sum, vars) in fisher.iter_mut().zip(&groups) {
            for gradient in vars.iter().filter_map(|v| gradients.get(v.as_tensor())) {
                *sum += to_vec(gradient)?
                    .iter()
                    .map(|&g| f64::from(g).powi(2))
                    .sum::<f64>();
            }
        }
    }
    let total: f64 = fisher.iter().sum();
    let last = groups.len() - 1;
    let layers = fisher
        .iter()
        .zip(&groups)
        .enumerate()
        .map(|(i, (sum, vars))| LayerImportance {
            name: match i {
                0 => "embedding".into(),
                i if i == last => "head".into(),
                i => format!(
                    "block {} {}",
                    (i - 1) / 2,
                    if i % 2 == 1 { "attention" } else { "mlp" }
                ),
            },
            parameters: vars.iter().map(|v| v.as_tensor().elem_count()).sum(),
            fisher: sum / all.len() as f64,
            share: if total > 0.0 {
                sum / total
            } else {
                1.0 / groups.len() as f64
            },
        });
    Ok(Importance {
        windows: all.len(),
        window: model.window(),
        layers: layers.collect(),
    })
}

impl Importance {
    /// Shares of the layers; they sum to 1.
    pub fn weights(&self) -> Vec<f64> {
        self.layers.iter().map(|l| l.share).collect()
    }

    /// A table with bars.
    pub fn render(&self) -> String {
        let mut s = String::new();
        let _ = writeln!(
            s,
            "Fisher information of each layer, {} windows of {} tokens: mean squared gradient of the log likelihood.\n",
            self.windows, self.window
        );
        let _ = writeln!(
            s,
            "{:<20} {:>11} {:>11} {:>7}",
            "layer", "parameters", "fisher", "share"
        );
        let max = self.layers.iter().map(|l| l.share).fold(0.0, f64::max);
        for l in &self.layers {
            let bar = bar(l.share / max.max(f64::MIN_POSITIVE), 30);
            let _ = writeln!(
                s,
                "{:<20} {:>11} {:>11.3e} {:>6.2}% {bar}",
                l.name,
                l.parameters,
                l.fisher,
                100.0 * l.share
            );
        }
        s
    }
}

/// What a choice of some layers covers of the Fisher information, by how they are chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Fraction of the layers that may be chosen.
    pub budget: f64,
    /// Layers chosen: the fraction, rounded, at least one.
    pub count: usize,
    /// Mass covered by the layers with the most.
    pub fisher: f64,
    /// Those layers, ascending.
    pub fisher_layers: Vec<usize>,
    /// Mass covered by evenly spaced layers.
    pub strided: f64,
    /// Those layers, ascending.
    pub strided_layers: Vec<usize>,
    /// Mass a random choice covers on average.
    pub random: f64,
    /// Mass that 5% of random choices stay below.
    pub random_low: f64,
    /// Mass that 5% of random choices exceed.
    pub random_high: f64,
}

/// Covered mass of `weights` for each budget, a fraction of the layers.
pub fn coverage(weights: &[f64], budgets: &[f64], seed: u64) -> Result<Vec<Coverage>> {
    let total: f64 = weights.iter().sum();
    if weights.iter().any(|w| !w.is_finite() || *w < 0.0) || !(total > 0.0 && total.is_finite()) {
        return Err(Error::InvalidArgument {
            name: "weights",
            expected: "non-negative numbers, not all zero",
            got: format!("{weights:?}"),
        });
    }
    let len = weights.len();
    let mut ranked: Vec<usize> = (0..len).collect();
    ranked.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
    let mass = |layers: &[usize]| layers.iter().map(|&i| weights[i]).sum::<f64>() / total;
    let mut random = Random::new(seed);
    budgets
        .iter()
        .map(|&budget| {
            if !(budget > 0.0 && budget <= 1.0) {
                let got = budget.to_string();
                return Err(Error::InvalidArgument {
                    name: "budget",
                    expected: "above 0, at most 1",
                    got,
                });
            }
            let count = ((budget * len as f64).round() as usize).clamp(1, len);
            let mut fisher_layers = ranked[..count].to_vec();
            fisher_layers.sort_unstable();
            let strided_layers: Vec<usize> = (0..count)
                .map(|i| (2 * i + 1) * len / (2 * count))
                .collect();
            let mut order: Vec<usize> = (0..len).collect();
            let mut draws: Vec<f64> = (0..DRAWS)
                .map(|_| {
                    for i in 0..count {
                        let j = i + random.below((len - i) as u64) as usize;
                        order.swap(i, j);
                    }
                    mass(&order[..count])
                })
                .collect();
            draws.sort_by(f64::total_cmp);
            Ok(Coverage {
                budget,
                count,
                fisher: mass(&fisher_layers),
                fisher_layers,
                strided: mass(&strided_layers),
                strided_layers,
                random: count as f64 / len as f64,
                random_low: draws[DRAWS / 20],
                random_high: draws[DRAWS - 1 - DRAWS / 20],
            })
        })
        .collect()
}

/// A table of coverage and a plot of it.
pub fn render_coverage(rows: &[Coverage]) -> String {
    let mut s = String::from(
        "Fisher information covered by a part of the layers, by how they are chosen.\n\n",
    );
    let _ = writeln!(
        s,
        "{:>7} {:>7} {:>8} {:>8} {:>8} {:>18}",
        "budget", "layers", "fisher", "strided", "random", "random 5% to 95%"
    );
    let percent = |v: f64| format!("{:.1}%", 100.0 * v);
    for r in rows {
        let _ = writeln!(
            s,
            "{:>7} {:>7} {:>8} {:>8} {:>8} {:>18}",
            percent(r.budget),
            r.count,
            percent(r.fisher),
            percent(r.strided),
            percent(r.random),
            format!("{} to {}", percent(r.random_low), percent(r.random_high)),
        );
    }
    s.push('\n');
    for r in rows {
        for (label, value) in [
            ("fisher", r.fisher),
            ("strided", r.strided),
            ("random", r.random),
        ] {
            let budget = if label == "fisher" {
                percent(r.budget)
            } else {
                String::new()
            };
            let _ = writeln!(
                s,
                "{budget:>7} {label:<8}|{:<40}| {}",
                bar(value, 40),
                percent(value)
            );
        }
    }
    s
}

/// A bar of `fraction` of `width` characters.
fn bar(fraction: f64, width: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (fraction.clamp(0.0, 1.0) * (width * 8) as f64).round() as usize;
    "█".repeat(eighths / 8) + PARTS[eighths % 8]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Along the gradient of a layer, the likelihood grows by its squared norm.
    #[test]
    fn gradients_are_slopes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/models/tiny-gpt2");
        let model = FloatModel::load(&folder).unwrap();
        let tokens: Vec<u32> = (0..24).map(|i| i * 37 % 1024).collect();
        let (params, groups) = model.params.variables().unwrap();
        let likelihood = || {
            let logits = model
                .forward(&params, &[&tokens])
                .unwrap()
                .narrow(0, 0, 23)
                .unwrap();
            log_likelihood(&logits, &tokens[1..])
                .unwrap()
                .sum_all()
                .unwrap()
        };
        let gradients = likelihood().backward().unwrap();
        let value = || f64::from(likelihood().to_scalar::<f32>().unwrap());
        for vars in &groups {
            let parts: Vec<_> = vars
                .iter()
                .filter_map(|v| Some((v, gradients.get(v.as_tensor())?)))
                .collect();
            assert_eq!(parts.len(), vars.len());
            let squares = |t: &candle_core::Tensor| {
                to_vec(t)
                    .unwrap()
                    .iter()
                    .map(|&g| f64::from(g).powi(2))
                    .sum::<f64>()
            };
            let norm: f64 = parts.iter().map(|(_, g)| squares(g)).sum();
            // A step that changes the likelihood by about 0.02 each way.
            let step = 0.02 / norm;
            let walk = |step: f64| {
                for (var, gradient) in &parts {
                    let moved = (var.as_tensor() + (*gradient * step).unwrap()).unwrap();
                    var.set(&moved.detach()).unwrap();
                }
            };
            walk(step);
            let up = value();
            walk(-2.0 * step);
            let down = value();
            walk(step);
            let slope = (up - down) / (2.0 * step);
            assert!((slope / norm - 1.0).abs() < 0.05, "{slope} {norm}");
        }
    }
}

//! What calibration text shows of each operation: magnitudes, and what follows for text that was not seen.

use std::collections::BTreeMap;

use candle_core::Tensor;
use nanozk_executor::tables::{MAX_ACT_FRAC, MIN_ACT_FRAC};
use nanozk_executor::{ActivationTable, Architecture};

use super::pow2;
use crate::error::Result;
use crate::float::to_vec;
use crate::report::Op;

/// Fractional bits an activation's argument may have.
pub(super) const ACT_FRACS: usize = (MAX_ACT_FRAC - MIN_ACT_FRAC + 1) as usize;

/// Windows that a fit of their maxima needs.
const FIT_WINDOWS: usize = 8;
/// Margin without such a fit.
const FEW_WINDOWS: f64 = 4.0;
/// Windows of unseen text of which the greatest value is estimated.
const UNSEEN_WINDOWS: f64 = 1e6;
/// Least and greatest margin over what was observed.
const MARGINS: (f64, f64) = (2.0, 16.0);

/// An operation of a layer, on all windows so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    /// Greatest magnitude of each feature in each window; one feature if all have one format.
    maxima: Vec<Vec<f64>>,
    squares: Vec<f64>,
    count: f64,
}

impl Observed {
    /// Greatest magnitude.
    pub(super) fn greatest(&self) -> f64 {
        self.maxima.iter().flatten().copied().fold(0.0, f64::max)
    }

    /// Root mean square of each feature.
    pub(super) fn rms(&self) -> Vec<f64> {
        let squares = self.squares.iter();
        squares.map(|s| (s / self.count).sqrt()).collect()
    }

    /// Greatest magnitude of each feature, but no less than features with its root mean square usually have: what is
    /// rare in all features was perhaps not seen in this one.
    pub(super) fn features(&self) -> Vec<f64> {
        let n = self.squares.len();
        let rms = self.rms();
        let seen = (0..n).map(|f| self.maxima.iter().fold(0.0, |m, w| f64::max(m, w[f])));
        let seen: Vec<f64> = seen.collect();
        let mut tails: Vec<f64> = seen
            .iter()
            .zip(&rms)
            .filter(|(_, rms)| **rms > 0.0)
            .map(|(seen, rms)| seen / rms)
            .collect();
        tails.sort_by(f64::total_cmp);
        let tail = tails.get(tails.len() / 2).copied().unwrap_or(0.0);
        seen.iter()
            .zip(&rms)
            .map(|(seen, rms)| seen.max(tail * rms))
            .collect()
    }

    /// The greatest value to expect in a million windows over the greatest one observed.
    ///
    /// A Gumbel distribution is fitted to the greatest value of each window, features in units of their own greatest.
    pub(super) fn margin(&self) -> f64 {
        let base = self.features();
        let greatest = |window: &Vec<f64>| {
            let relative = window.iter().zip(&base);
            relative.fold(
                0.0,
                |m: f64, (v, b)| if *b > 0.0 { m.max(v / b) } else { m },
            )
        };
        let windows: Vec<f64> = self.maxima.iter().map(greatest).collect();
        let n = windows.len() as f64;
        if windows.len() < FIT_WINDOWS {
            return FEW_WINDOWS;
        }
        let mean = windows.iter().sum::<f64>() / n;
        let variance = windows.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / n;
        let beta = (6.0 * variance).sqrt() / std::f64::consts::PI;
        // Euler's constant: the mean of a standard Gumbel distribution.
        let location = mean - 0.577_215_664_901_532_9 * beta;
        (location + beta * UNSEEN_WINDOWS.ln()).clamp(MARGINS.0, MARGINS.1)
    }

    fn add(&mut self, values: &[f32], features: usize) {
        let mut maxima = vec![0.0f64; features];
        self.squares.resize(features, 0.0);
        for row in values.chunks_exact(features) {
            for ((max, square), &v) in maxima.iter_mut().zip(&mut self.squares).zip(row) {
                let magnitude = if v.is_finite() {
                    f64::from(v).abs()
                } else {
                    f64::INFINITY
                };
                *max = max.max(magnitude);
                *square += magnitude * magnitude;
            }
        }
        self.maxima.push(maxima);
        self.count += (values.len() / features) as f64;
    }

    fn merge(&mut self, other: Self) {
        self.maxima.extend(other.maxima);
        self.count += other.count;
        self.squares.resize(other.squares.len(), 0.0);
        for (sum, s) in self.squares.iter_mut().zip(other.squares) {
            *sum += s;
        }
    }
}

/// The operations of a layer.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    pub(super) ops: BTreeMap<Op, Observed>,
    /// Sum of activation table minus activation for each MLP feature, by fractional bits from [`MIN_ACT_FRAC`] on.
    offsets: Vec<[f64; ACT_FRACS]>,
    /// Positions the offsets are sums of.
    positions: f64,
}

/// Activation tables by fractional bits from [`MIN_ACT_FRAC`] on.
pub(super) type Tables = [&'static ActivationTable; ACT_FRACS];

impl Layer {
    /// Takes in the values of an operation in one window.
    pub(super) fn add(&mut self, op: Op, t: &Tensor, arch: &Architecture) -> Result<Vec<f32>> {
        let features = match op {
            Op::Query | Op::RotatedQuery => arch.query_width(),
            Op::Key | Op::RotatedKey | Op::Value => arch.kv_width(),
            Op::Gate | Op::Gated => arch.mlp_width,
            _ => 1,
        };
        let values = to_vec(t)?;
        self.ops.entry(op).or_default().add(&values, features);
        Ok(values)
    }

    /// Takes in activations and their arguments, `[n][f]`.
    pub(super) fn add_activations(
        &mut self,
        tables: &Tables,
        arguments: &[f32],
        activations: &[f32],
        features: usize,
    ) {
        self.offsets.resize(features, [0.0; ACT_FRACS]);
        self.positions += (arguments.len() / features) as f64;
        let rows = arguments
            .chunks_exact(features)
            .zip(activations.chunks_exact(features));
        for (i, table) in tables.iter().enumerate() {
            let frac = MIN_ACT_FRAC + i as u32;
            let (scale, unit) = (pow2(frac), 1.0 / pow2(frac + 1));
            for (arguments, activations) in rows.clone() {
                let sums = self.offsets.iter_mut();
                for ((sums, h), a) in sums.zip(arguments).zip(activations) {
                    // With fewer bits than these arguments allow; the sum is then of no use, and is not used.
                    let h = (f64::from(*h) * scale).round().clamp(-32_768.0, 32_767.0);
                    sums[i] += table.eval(h as i64) as f64 * unit - f64::from(*a);
                }
            }
        }
    }

    /// Takes in another window.
    pub(super) fn merge(&mut self, other: Self) {
        for (op, observed) in other.ops {
            self.ops.entry(op).or_default().merge(observed);
        }
        self.positions += other.positions;
        self.offsets.resize(
            self.offsets.len().max(other.offsets.len()),
            [0.0; ACT_FRACS],
        );
        for (sums, others) in self.offsets.iter_mut().zip(other.offsets) {
            for (sum, s) in sums.iter_mut().zip(others) {
                *sum += s;
            }
        }
    }

    /// Mean of activation table minus activation for each MLP feature.
    pub(super) fn offsets(&self, act_frac: u32) -> Vec<f64> {
        // To multiples of 2^-20, far below a step: calibration noise of another machine gives the same.
        let grid = pow2(20);
        let at = (act_frac - MIN_ACT_FRAC) as usize;
        self.offsets
            .iter()
            .map(|sums| (sums[at] / self.positions * grid).round() / grid)
            .collect()
    }
}

/// Greatest magnitudes that no input of a matrix after a normalization can exceed.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    /// Query, key, value of each feature; query with what scores are divided by. Of queries and keys that are normalized,
    /// after gain and rotation.
    pub(super) qkv: [Vec<f64>; 3],
    /// Query and key of each feature before they are normalized, if they are.
    pub(super) before_norm: Option<[Vec<f64>; 2]>,
    /// Argument of the MLP activation of each feature.
    pub(super) pre_activation: Vec<f64>,
    /// What activations are multiplied by, if they are.
    pub(super) gate: Vec<f64>,
}

impl Bounds {
    /// Of any argument of the activation.
    pub(super) fn pre_activations(&self) -> f64 {
        self.pre_activation.iter().copied().fold(0.0, f64::max)
    }

    /// Of gated activations: an activation is not greater than its argument.
    pub(super) fn gated(&self) -> Vec<f64> {
        let both = self.pre_activation.iter().zip(&self.gate);
        both.map(|(argument, gate)| argument * gate).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(windows: &[Vec<f32>], features: usize) -> Observed {
        let mut observed = Observed::default();
        for window in windows {
            observed.add(window, features);
        }
        observed
    }

    #[test]
    fn margins_grow_with_the_spread_of_windows() {
        let even = observed(&vec![vec![1.0, -1.0]; 16], 1);
        assert_eq!((even.greatest(), even.margin()), (1.0, 2.0));
        let spread = |factor: f32| {
            let windows: Vec<_> = (0..16).map(|w| vec![1.0 + factor * w as f32]).collect();
            observed(&windows, 1).margin()
        };
        assert!(spread(0.05) < spread(0.5) && spread(0.5) < spread(8.0));
        assert!((2.0..=16.0).contains(&spread(8.0)));
        // Too few to tell.
        assert_eq!(observed(&vec![vec![1.0]; 7], 1).margin(), 4.0);
    }

    #[test]
    fn a_feature_gets_the_tail_that_others_showed() {
        // Three features of which two showed values of three times their root mean square.
        let mut rows = vec![[1.0f32, 10.0, 100.0]; 100];
        rows[5] = [1.0, 30.0, 300.0];
        let values: Vec<f32> = rows.concat();
        let features = observed(&[values], 3).features();
        assert!((features[1] - 30.0).abs() < 1e-9, "{features:?}");
        assert!((2.5..3.1).contains(&features[0]), "{features:?}");
        let margin = observed(&vec![vec![f32::NAN]; 8], 1).greatest();
        assert_eq!(margin, f64::INFINITY);
    }
}

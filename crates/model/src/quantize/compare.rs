//! The integer model against the float one, operation by operation.

use candle_core::Tensor;
use nanozk_executor::ops::{SCORE_BITS, rs};
use nanozk_executor::spec::{
    ACT_BITS, ACT_OUT_MAX, ACT_OUT_OFFSET, GAIN_FRAC, LOGIT_DIFF_BITS, MATMUL_SHIFT, PROB_ONE,
    RESIDUAL_BITS, ROTATION_FRAC, SCORE_FRAC,
};
use nanozk_executor::{Architecture, AttentionTrace, HeadTrace, MlpTrace, Spec};

use super::build::context_scale;
use super::choose::{Formats, LayerScales};
use super::pow2;
use crate::error::Result;
use crate::float::to_vec;
use crate::report::{Op, OpReport};

/// The operations of a part of a model, in the order they are computed.
pub(super) struct Comparison<'a> {
    arch: Architecture,
    formats: &'a Formats,
    layer: Option<(usize, &'a LayerScales)>,
    tallies: Vec<(Op, Tally)>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(
        arch: Architecture,
        formats: &'a Formats,
        layer: Option<(usize, &'a LayerScales)>,
    ) -> Self {
        Self {
            arch,
            formats,
            layer,
            tallies: Vec::new(),
        }
    }

    /// Of each feature of a query, what is said of the feature of values with which it is computed.
    fn of_values<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let features = 0..self.arch.query_width();
        features.map(|i| values[self.arch.key_of(i)]).collect()
    }

    /// Takes in an operation on `n` positions.
    pub(super) fn add(
        &mut self,
        op: Op,
        n: usize,
        floats: &Tensor,
        integers: &[i64],
    ) -> Result<()> {
        let mut tally = Tally::new(self.format(op));
        let causal = matches!(op, Op::Score | Op::Probability);
        for (i, (&f, &v)) in to_vec(floats)?.iter().zip(integers).enumerate() {
            if causal && i % n > i / n % n {
                continue;
            }
            tally.add(i, f, v);
        }
        self.tallies.push((op, tally));
        Ok(())
    }

    /// Integer format of an operation.
    fn format(&self, op: Op) -> Format {
        let formats = self.formats;
        let spec = &formats.spec;
        let uniform = |frac: u32, bits: u32| Format::signed(Scale::Uniform(pow2(frac)), bits);
        let symmetric = |frac: u32, bits: u32| {
            let max = pow2(bits) - 1.0;
            Format {
                scale: Scale::Uniform(pow2(frac)),
                bits: bits + 1,
                min: -max,
                max,
            }
        };
        let features = |scales| Format::signed(Scale::Features(scales), ACT_BITS);
        let wide = |scales: &[f64]| Format::signed(Scale::Features(scales.to_vec()), RESIDUAL_BITS);
        let layer = self.layer.map(|(_, s)| s);
        if let Some([q, k]) = layer.and_then(|s| s.before_norm.as_ref()) {
            match op {
                Op::Query => return wide(q),
                Op::Key => return wide(k),
                _ => {}
            }
        }
        match (op, layer) {
            (Op::Query | Op::RotatedQuery, Some(s)) => features(s.q.clone()),
            (Op::Key | Op::RotatedKey, Some(s)) => features(s.k.clone()),
            (Op::Gate | Op::Gated, Some(s)) => features(s.gate.clone()),
            (Op::Value, Some(s)) => features(s.v.clone()),
            (Op::Context, Some(s)) => {
                let scales = self.of_values(&s.v);
                features(scales.into_iter().map(context_scale).collect())
            }
            (Op::Probability, _) => {
                let one = PROB_ONE as f64;
                Format {
                    scale: Scale::Uniform(one),
                    bits: 16,
                    min: 0.0,
                    max: one,
                }
            }
            (Op::Norm1 | Op::Norm2 | Op::FinalNorm, _) => uniform(spec.norm_frac, ACT_BITS),
            (Op::NormedQuery | Op::NormedKey, _) => {
                uniform(Spec::norm_frac_for(self.arch.head_width), ACT_BITS)
            }
            (Op::PreActivation, _) => uniform(spec.act_frac, ACT_BITS),
            (Op::Activation, _) => Format {
                scale: Scale::Uniform(pow2(spec.act_out_frac())),
                // With a sign bit.
                bits: ACT_BITS + 1,
                min: -ACT_OUT_OFFSET as f64,
                max: ACT_OUT_MAX as f64,
            },
            (Op::Score, _) => symmetric(SCORE_FRAC, SCORE_BITS),
            (Op::Logit, _) => symmetric(spec.norm_frac + 16, LOGIT_DIFF_BITS),
            (Op::Embedding | Op::AttentionOut | Op::MlpOut | Op::Residual, _) | (_, None) => {
                uniform(formats.residual_frac, RESIDUAL_BITS)
            }
        }
    }

    /// Takes in another window.
    pub(super) fn merge(&mut self, other: Self) {
        if self.tallies.is_empty() {
            self.tallies = other.tallies;
            return;
        }
        for ((_, tally), (_, other)) in self.tallies.iter_mut().zip(&other.tallies) {
            tally.merge(other);
        }
    }

    pub(super) fn report(&self) -> impl Iterator<Item = OpReport> + '_ {
        self.tallies.iter().map(|(op, tally)| {
            // A normalized value is at most the square root of the width, a probability at most 1.
            let always = [
                Op::Norm1,
                Op::NormedQuery,
                Op::NormedKey,
                Op::Norm2,
                Op::FinalNorm,
                Op::Probability,
            ];
            let safe = match (op, self.layer) {
                (Op::Query, Some((_, s))) => s.safe[0].clone(),
                (Op::Key, Some((_, s))) => s.safe[1].clone(),
                (Op::Value, Some((_, s))) => s.safe[2].clone(),
                // A context is a mean of values.
                (Op::Context, Some((_, s))) => self.of_values(&s.safe[2]),
                (Op::Gate, Some((_, s))) => s.safe_gate[0].clone(),
                (Op::Gated, Some((_, s))) => s.safe_gate[1].clone(),
                (Op::PreActivation, Some((_, s))) => vec![s.safe_mlp[0]],
                (Op::Activation, Some((_, s))) => vec![s.safe_mlp[1]],
                _ => vec![always.contains(op)],
            };
            tally.report(self.layer.map(|(l, _)| l), *op, &safe)
        })
    }
}

/// The integers of an operation of a block.
pub(super) fn integers(
    op: Op,
    attention: &AttentionTrace,
    mlp: &MlpTrace,
    spec: &Spec,
) -> Vec<i64> {
    let shifted = |acc: &[i64], by: u32| acc.iter().map(|&a| rs(a, by)).collect();
    let round = |acc: &[i64]| shifted(acc, MATMUL_SHIFT);
    let normed = attention.qk_norm.as_ref();
    let rotation = if normed.is_some() {
        GAIN_FRAC
    } else {
        ROTATION_FRAC
    };
    match op {
        // Not shifted.
        Op::Query if normed.is_some() => attention.q_acc.clone(),
        Op::Key if normed.is_some() => attention.k_acc.clone(),
        Op::NormedQuery => normed.map_or_else(Vec::new, |[q, _]| q.out.clone()),
        Op::NormedKey => normed.map_or_else(Vec::new, |[_, k]| k.out.clone()),
        Op::Norm1 => attention.norm.out.clone(),
        Op::Query => round(&attention.q_acc),
        Op::Key => round(&attention.k_acc),
        Op::Value => round(&attention.v_acc),
        Op::RotatedQuery => shifted(&attention.q_rotated_acc, rotation),
        Op::RotatedKey => shifted(&attention.k_rotated_acc, rotation),
        Op::Score => shifted(&attention.score_acc, spec.score_shift),
        Op::Probability => attention.p.clone(),
        Op::Context => round(&attention.o_acc),
        Op::AttentionOut => round(&attention.out_acc),
        Op::Norm2 => mlp.norm.out.clone(),
        Op::PreActivation => round(&mlp.h_acc),
        Op::Activation => mlp.a.clone(),
        Op::Gate => round(&mlp.up_acc),
        Op::Gated => shifted(&mlp.gated_acc, spec.act_out_frac()),
        Op::MlpOut => round(&mlp.out_acc),
        Op::Residual => mlp.output.clone(),
        Op::Embedding | Op::FinalNorm | Op::Logit => Vec::new(),
    }
}

/// The integers of an operation of the head.
pub(super) fn head_integers(op: Op, head: &HeadTrace) -> &[i64] {
    match op {
        Op::FinalNorm => &head.norm.out,
        _ => &head.logits,
    }
}

/// Steps per unit.
enum Scale {
    Uniform(f64),
    /// Per feature, for `[n][d]`.
    Features(Vec<f64>),
}

impl Scale {
    fn at(&self, index: usize) -> f64 {
        match self {
            Scale::Uniform(s) => *s,
            Scale::Features(s) => s[index % s.len()],
        }
    }

    fn features(&self) -> usize {
        match self {
            Scale::Uniform(_) => 1,
            Scale::Features(s) => s.len(),
        }
    }
}

/// Integer format of an operation.
struct Format {
    scale: Scale,
    bits: u32,
    min: f64,
    max: f64,
}

impl Format {
    fn signed(scale: Scale, bits: u32) -> Self {
        let half = pow2(bits - 1);
        Self {
            scale,
            bits,
            min: -half,
            max: half - 1.0,
        }
    }
}

/// Sums over calibration windows for one operation.
struct Tally {
    format: Format,
    count: f64,
    min: f64,
    max: f64,
    sum: f64,
    squares: f64,
    error_squares: f64,
    error_max: f64,
    clipped: u64,
    /// Greatest magnitude per feature.
    magnitude: Vec<f64>,
    integer_min: i64,
    integer_max: i64,
}

impl Tally {
    fn new(format: Format) -> Self {
        let features = format.scale.features();
        Self {
            format,
            count: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: 0.0,
            squares: 0.0,
            error_squares: 0.0,
            error_max: 0.0,
            clipped: 0,
            magnitude: vec![0.0; features],
            integer_min: 0,
            integer_max: 0,
        }
    }

    fn add(&mut self, index: usize, float: f32, integer: i64) {
        let float = f64::from(float);
        let scale = self.format.scale.at(index);
        let scaled = (float * scale).round();
        let error = integer as f64 / scale - float;
        self.count += 1.0;
        self.min = self.min.min(float);
        self.max = self.max.max(float);
        self.sum += float;
        self.squares += float * float;
        self.error_squares += error * error;
        self.error_max = self.error_max.max(error.abs());
        self.clipped += u64::from(scaled < self.format.min || scaled > self.format.max);
        let feature = index % self.magnitude.len();
        self.magnitude[feature] = self.magnitude[feature].max(float.abs());
        self.integer_min = self.integer_min.min(integer);
        self.integer_max = self.integer_max.max(integer);
    }

    /// Takes in another window.
    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.squares += other.squares;
        self.error_squares += other.error_squares;
        self.error_max = self.error_max.max(other.error_max);
        self.clipped += other.clipped;
        for (m, o) in self.magnitude.iter_mut().zip(&other.magnitude) {
            *m = m.max(*o);
        }
        self.integer_min = self.integer_min.min(other.integer_min);
        self.integer_max = self.integer_max.max(other.integer_max);
    }

    fn report(&self, layer: Option<usize>, op: Op, safe: &[bool]) -> OpReport {
        let f = &self.format;
        let scales: Vec<f64> = match &f.scale {
            Scale::Uniform(s) => vec![*s],
            Scale::Features(s) => s.clone(),
        };
        // For logits the range is one of differences.
        let magnitude = if op == Op::Logit {
            vec![self.max - self.min]
        } else {
            self.magnitude.clone()
        };
        // Of the features that some text might bring out of range, if there are any.
        let all_safe = safe.iter().all(|s| *s);
        let headrooms = scales
            .iter()
            .zip(&magnitude)
            .zip(safe)
            .filter(|(_, safe)| all_safe || !**safe)
            .map(|((s, m), _)| (f.max / s / m.max(f64::MIN_POSITIVE), *s));
        let (headroom, scale) = headrooms
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((f64::INFINITY, f64::INFINITY));
        let coarsest = scales.iter().copied().fold(f64::INFINITY, f64::min);
        let std = (self.squares / self.count - (self.sum / self.count).powi(2))
            .max(0.0)
            .sqrt();
        let error_rms = (self.error_squares / self.count).sqrt();
        let bits_of = |v: i64| 64 - (if v < 0 { !v } else { v }).leading_zeros();
        let sign = u32::from(f.min < 0.0);
        OpReport {
            layer,
            op,
            min: self.min,
            max: self.max,
            std,
            representable_min: f.min / scale,
            representable_max: f.max / scale,
            bits: f.bits,
            bits_used: bits_of(self.integer_min).max(bits_of(self.integer_max)) + sign,
            headroom,
            safe: all_safe,
            clipped: self.clipped,
            resolution: 1.0 / coarsest,
            error_rms,
            error_max: self.error_max,
            error_relative: if std > 0.0 { error_rms / std } else { 0.0 },
        }
    }
}

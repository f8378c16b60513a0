//! Integer matrices from float ones.

use candle_core::Tensor;
use nanozk_executor::matrix::MAX_MANTISSA;
use nanozk_executor::model::MAX_WEIGHT_BITS;
use nanozk_executor::ops::check_signed;
use nanozk_executor::spec::{GAIN_FRAC, MATMUL_SHIFT, PROB_ONE, RESIDUAL_BITS};
use nanozk_executor::{Architecture, HeadNorm, Linear, Matrix, Norm, QuantizedLayer, Spec};
use rayon::prelude::*;

use super::choose::{Formats, LayerScales};
use super::observe::Bounds;
use super::pow2;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::float::{self, Block, to_vec};

/// A float matrix `[inputs][outputs]` with bias, in `f64`.
struct Affine {
    outputs: usize,
    weight: Vec<f64>,
    bias: Vec<f64>,
}

impl Affine {
    fn new(p: &float::Affine) -> Result<Self> {
        let outputs = p.weight.dim(1)?;
        Ok(Self {
            outputs,
            weight: widen(&p.weight)?,
            bias: match &p.bias {
                Some(bias) => widen(bias)?,
                None => vec![0.0; outputs],
            },
        })
    }

    /// Takes over the gain and bias of the normalization before.
    fn fold(mut self, norm: &float::Affine) -> Result<Self> {
        let (gain, beta) = affine(norm)?;
        for ((row, g), b) in self
            .weight
            .chunks_exact_mut(self.outputs)
            .zip(gain)
            .zip(beta)
        {
            for (w, bias) in row.iter_mut().zip(&mut self.bias) {
                *bias += b * *w;
                *w *= g;
            }
        }
        Ok(self)
    }

    /// The weight from input `i` to output `o` is multiplied by `weight_scale(i, o)` and rounded to 16 bits, the bias is multiplied
    /// by `bias_scale(o)`.
    fn quantize(
        &self,
        weight_scale: impl Fn(usize, usize) -> f64 + Sync,
        bias_scale: impl Fn(usize) -> f64,
    ) -> Linear {
        let inputs = self.weight.len() / self.outputs;
        let weight = |i: usize, o: usize| self.weight[i * self.outputs + o] * weight_scale(i, o);
        let bias = self.bias.iter().enumerate();
        let bias = bias.map(|(o, b)| (b * bias_scale(o)).round() as i64);
        Linear {
            weight: matrix(inputs, self.outputs, weight),
            bias: bias.collect(),
        }
    }

    /// What no normalized input can exceed, for each output: by Cauchy and Schwarz, as the squares of an input sum to
    /// at most their number and, if they are centered, the inputs to zero, plus what rounding the inputs to `norm_frac`
    /// bits adds.
    fn bounds(&self, norm_frac: u32, norm: Norm) -> Vec<f64> {
        let inputs = (self.weight.len() / self.outputs) as f64;
        let zeros = || vec![0.0; self.outputs];
        let (mut sums, mut squares, mut magnitudes) = (zeros(), zeros(), zeros());
        for row in self.weight.chunks_exact(self.outputs) {
            for (o, w) in row.iter().enumerate() {
                sums[o] += w;
                squares[o] += w * w;
                magnitudes[o] += w.abs();
            }
        }
        (0..self.outputs)
            .map(|o| {
                let centered = match norm {
                    Norm::LayerNorm => (squares[o] - sums[o] * sums[o] / inputs).max(0.0),
                    Norm::RmsNorm => squares[o],
                };
                (inputs * centered).sqrt() + magnitudes[o] / pow2(norm_frac) + self.bias[o].abs()
            })
            .collect()
    }
}

/// The matrix of integers next to `weight(i, o)` that have 16 significant bits, sign included, at the scale of the greatest of
/// their column.
fn matrix(inputs: usize, outputs: usize, weight: impl Fn(usize, usize) -> f64 + Sync) -> Matrix {
    /// Columns that are rounded at once.
    const COLUMNS: usize = 1 << 10;
    let mut matrix = Matrix::builder(inputs).with_capacity(outputs);
    for first in (0..outputs).step_by(COLUMNS) {
        let columns: Vec<Vec<i64>> = (first..outputs.min(first + COLUMNS))
            .into_par_iter()
            .map(|o| rounded((0..inputs).map(|i| weight(i, o)).collect()))
            .collect();
        columns.iter().for_each(|column| matrix.push(column));
    }
    matrix.finish()
}

/// A column of a [`matrix`].
fn rounded(column: Vec<f64>) -> Vec<i64> {
    let greatest = column.iter().fold(0.0, |m: f64, w| m.max(w.abs()));
    // Where it is no number, or too great for any model, it is as great as an integer can be.
    let unit = (0..MAX_WEIGHT_BITS).map(pow2);
    let unit = unit
        .into_iter()
        .find(|unit| (greatest / unit).round() <= f64::from(MAX_MANTISSA));
    let unit = unit.unwrap_or(1.0);
    let integers = column.iter().map(|w| ((w / unit).round() * unit) as i64);
    integers.collect()
}

/// Gain and bias of a normalization.
fn affine(norm: &float::Affine) -> Result<(Vec<f64>, Vec<f64>)> {
    let gain = widen(&norm.weight)?;
    let beta = match &norm.bias {
        Some(bias) => widen(bias)?,
        None => vec![0.0; gain.len()],
    };
    Ok((gain, beta))
}

fn widen(t: &Tensor) -> Result<Vec<f64>> {
    Ok(to_vec(t)?.into_iter().map(f64::from).collect())
}

/// Steps per unit of the attention context: probabilities are in units of 1/65535 but shifted by 16 bits.
pub(super) fn context_scale(value_scale: f64) -> f64 {
    value_scale * PROB_ONE as f64 / 65_536.0
}

/// Magnitudes that no text can exceed.
pub(super) fn bounds(block: &Block, index: usize, config: &Config) -> Result<Bounds> {
    let norm_frac = Spec::norm_frac_for(config.arch.width);
    let of = |matrix: &float::Affine, norm: &float::Affine| -> Result<Vec<f64>> {
        let folded = Affine::new(matrix)?.fold(norm)?;
        Ok(folded.bounds(norm_frac, config.norm))
    };
    let divisor = config.query_divisor(index);
    let (queries, keys) = (of(&block.q, &block.norm1)?, of(&block.k, &block.norm1)?);
    let divided = |bounds: &[f64]| bounds.iter().map(|b| b / divisor).collect();
    let ([q, k], before_norm) = match &block.qk_norm {
        None => ([divided(&queries), keys], None),
        Some([of_queries, of_keys]) => {
            let of = |norm, heads| after_norm(norm, heads, &config.arch);
            let after = of(of_queries, config.arch.heads)?;
            let keys_after = of(of_keys, config.arch.kv_heads)?;
            ([divided(&after), keys_after], Some([queries, keys]))
        }
    };
    Ok(Bounds {
        qkv: [q, k, of(&block.v, &block.norm1)?],
        before_norm,
        pre_activation: of(&block.fc, &block.norm2)?,
        gate: match &block.up {
            Some(up) => of(up, &block.norm2)?,
            None => Vec::new(),
        },
    })
}

/// Magnitudes that no normalized heads can exceed, for each feature, after gain and rotation: the squares of a head sum to at
/// most its width, and a rotation keeps the length of a pair.
fn after_norm(norm: &float::Affine, heads: usize, arch: &Architecture) -> Result<Vec<f64>> {
    let (c, pairs) = (arch.head_width, arch.rotated_pairs());
    let (gains, _) = affine(norm)?;
    // What rounding adds to each of the two features.
    let most = (c as f64).sqrt() + 2.0 / pow2(Spec::norm_frac_for(c));
    let head = (0..c).map(|i| {
        let other = if i < pairs { i + pairs } else { i - pairs };
        most * gains[i].abs().max(gains[other].abs())
    });
    let head: Vec<f64> = head.collect();
    Ok(head.repeat(heads))
}

/// The normalization of heads of scales `before`, one for each feature, whose features have scales `after` when they are
/// rotated, and are divided by `divisor`.
fn head_norm(
    norm: &float::Affine,
    config: &Config,
    (before, after): (&[f64], &[f64]),
    divisor: f64,
) -> Result<HeadNorm> {
    let c = config.arch.head_width;
    let unit = pow2(GAIN_FRAC) / pow2(Spec::norm_frac_for(c));
    let (gains, _) = affine(norm)?;
    let gain = gains.iter().zip(after);
    let eps = before.iter().step_by(c).map(|scale| {
        let steps = c as f64 * scale;
        ((config.epsilon * steps * steps).round() as i64).max(1)
    });
    Ok(HeadNorm {
        eps: eps.collect(),
        gain: gain
            .map(|(g, scale)| (g / divisor * scale * unit).round() as i64)
            .collect(),
    })
}

/// Block `index`; `offsets` are what the activation table adds to each MLP feature on average.
pub(super) fn layer(
    block: &Block,
    index: usize,
    config: &Config,
    formats: &Formats,
    scales: &LayerScales,
    offsets: &[f64],
) -> Result<QuantizedLayer> {
    let arch = &config.arch;
    let d = arch.width;
    let spec = &formats.spec;
    let shift = pow2(MATMUL_SHIFT);
    let norm = pow2(spec.norm_frac);
    let act = pow2(spec.act_frac);
    let act_out = pow2(spec.act_out_frac());
    let residual = pow2(formats.residual_frac);
    let divisor = config.query_divisor(index);

    // From normalized input at `norm_frac` to `out` steps per unit after the shift.
    let after = |before: &float::Affine, m: &float::Affine, out: &(dyn Fn(usize) -> f64 + Sync)| {
        let folded = Affine::new(m)?.fold(before)?;
        Ok::<_, Error>(folded.quantize(|_, o| out(o) * shift / norm, |o| out(o) * shift))
    };
    let mut mlp_out = Affine::new(&block.mlp_out)?;
    // A gate multiplies the offset, which is then no constant.
    if block.up.is_none() {
        for (row, offset) in mlp_out.weight.chunks_exact(d).zip(offsets) {
            for (bias, w) in mlp_out.bias.iter_mut().zip(row) {
                *bias -= offset * w;
            }
        }
    }
    let hidden = |i: usize| scales.gate.get(i).copied().unwrap_or(act_out);
    let context: Vec<f64> = (0..arch.query_width())
        .map(|i| context_scale(scales.v[arch.key_of(i)]))
        .collect();
    let (norm1, norm2) = (&block.norm1, &block.norm2);
    let (q, k, qk_norm) = match (&block.qk_norm, &scales.before_norm) {
        (Some([queries, keys]), Some([q, k])) => {
            let norms = [
                head_norm(queries, config, (q, &scales.q), divisor)?,
                head_norm(keys, config, (k, &scales.k), 1.0)?,
            ];
            // Their sums are not shifted.
            let q = after(norm1, &block.q, &|o| q[o] / shift)?;
            (q, after(norm1, &block.k, &|o| k[o] / shift)?, Some(norms))
        }
        _ => (
            after(norm1, &block.q, &|o| scales.q[o] / divisor)?,
            after(norm1, &block.k, &|o| scales.k[o])?,
            None,
        ),
    };
    Ok(QuantizedLayer {
        q,
        k,
        qk_norm,
        v: after(norm1, &block.v, &|o| scales.v[o])?,
        attn_out: Affine::new(&block.attn_out)?
            .quantize(|i, _| residual * shift / context[i], |_| residual * shift),
        fc: after(norm2, &block.fc, &|_| act)?,
        up: match &block.up {
            Some(up) => Some(after(norm2, up, &|o| scales.gate[o])?),
            None => None,
        },
        mlp_out: mlp_out.quantize(|i, _| residual * shift / hidden(i), |_| residual * shift),
    })
}

/// The greatest magnitude of the sum of any token's and any position's embedding.
pub(super) fn embedding_bound(wte: &Tensor, wpe: Option<&Tensor>) -> Result<f64> {
    let columns = |t: &Tensor| to_vec(&t.abs()?.max(0)?);
    let tokens = columns(wte)?;
    let positions = match wpe {
        Some(wpe) => columns(wpe)?,
        None => vec![0.0; tokens.len()],
    };
    let sums = tokens.iter().zip(&positions);
    Ok(sums.fold(0.0, |m, (t, p)| m.max(f64::from(*t) + f64::from(*p))))
}

/// An embedding.
pub(super) fn embedding(t: &Tensor, formats: &Formats) -> Result<Vec<i32>> {
    let residual = pow2(formats.residual_frac);
    let values = to_vec(t)?;
    let integers = values.iter().map(|v| {
        let steps = (f64::from(*v) * residual).round() as i64;
        Ok(check_signed("embedding", steps, RESIDUAL_BITS)? as i32)
    });
    integers.collect()
}

/// The vocabulary projection `[vocab][width]` with the last normalization folded in; the greatest matrix of all, and so
/// never in `f64`.
pub(super) fn head(
    last_norm: &float::Affine,
    head: &Tensor,
    arch: &Architecture,
    formats: &Formats,
) -> Result<Linear> {
    let (d, vocab) = (arch.width, arch.vocab);
    let (gain, beta) = affine(last_norm)?;
    let shift = pow2(MATMUL_SHIFT);
    let norm = pow2(formats.spec.norm_frac);
    let values = to_vec(head)?;
    let weight = |i: usize, v: usize| f64::from(values[v * d + i]) * gain[i] * shift;
    let bias = values.par_chunks_exact(d).map(|row| {
        let products = row.iter().zip(&beta).map(|(w, b)| b * f64::from(*w));
        (products.sum::<f64>() * (shift * norm)).round() as i64
    });
    Ok(Linear {
        bias: bias.collect(),
        weight: matrix(d, vocab, weight),
    })
}

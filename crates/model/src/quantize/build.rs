//! Integer matrices from float ones.

use candle_core::Tensor;
use nanozk_executor::spec::{MATMUL_SHIFT, PROB_ONE};
use nanozk_executor::{Architecture, Linear, QuantizedLayer, Spec};
use rayon::prelude::*;

use super::choose::{Formats, LayerScales};
use super::observe::Bounds;
use super::pow2;
use crate::config::Config;
use crate::error::Result;
use crate::float::{to_vec, Block};

/// A float matrix `[inputs][outputs]` with bias, in `f64`.
struct Affine {
    outputs: usize,
    weight: Vec<f64>,
    bias: Vec<f64>,
}

impl Affine {
    fn new(p: &[Tensor; 2]) -> Result<Self> {
        let bias = widen(&p[1])?;
        Ok(Self {
            outputs: bias.len(),
            weight: widen(&p[0])?,
            bias,
        })
    }

    /// Takes over the gain and bias of the LayerNorm before.
    fn fold(mut self, norm: &[Tensor; 2]) -> Result<Self> {
        let (gain, beta) = (widen(&norm[0])?, widen(&norm[1])?);
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

    /// Columns `first..first + count`; the weight from input `i` to the column's output `o` is multiplied by
    /// `weight_scale(i, o)`, its bias by `bias_scale(o)`.
    fn quantize(
        &self,
        first: usize,
        count: usize,
        weight_scale: impl Fn(usize, usize) -> f64,
        bias_scale: impl Fn(usize) -> f64,
    ) -> Linear {
        let columns = first..first + count;
        let rows = self.weight.chunks_exact(self.outputs).enumerate();
        let weight = rows.flat_map(|(i, row)| {
            let scale = &weight_scale;
            row[columns.clone()]
                .iter()
                .enumerate()
                .map(move |(o, w)| (w * scale(i, o)).round() as i64)
        });
        let bias = self.bias[columns.clone()]
            .iter()
            .enumerate()
            .map(|(o, b)| (b * bias_scale(o)).round() as i64);
        Linear {
            inputs: self.weight.len() / self.outputs,
            outputs: count,
            weight: weight.collect(),
            bias: bias.collect(),
        }
    }

    /// What no normalized input can exceed, for each output: by Cauchy and Schwarz, as the squares of an input sum to
    /// at most their number and the inputs to zero, plus what rounding the inputs to `norm_frac` bits adds.
    fn bounds(&self, norm_frac: u32) -> Vec<f64> {
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
                let centered = (squares[o] - sums[o] * sums[o] / inputs).max(0.0);
                (inputs * centered).sqrt() + magnitudes[o] / pow2(norm_frac) + self.bias[o].abs()
            })
            .collect()
    }
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
    let d = config.arch.width;
    let norm_frac = Spec::norm_frac_for(d);
    let qkv = Affine::new(&block.qkv)?.fold(&block.ln1)?.bounds(norm_frac);
    let divisor = config.query_divisor(index);
    let fc = Affine::new(&block.fc)?.fold(&block.ln2)?.bounds(norm_frac);
    Ok(Bounds {
        qkv: [
            qkv[..d].iter().map(|b| b / divisor).collect(),
            qkv[d..2 * d].to_vec(),
            qkv[2 * d..].to_vec(),
        ],
        pre_activation: fc.into_iter().fold(0.0, f64::max),
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
    let d = config.arch.width;
    let spec = &formats.spec;
    let shift = pow2(MATMUL_SHIFT);
    let norm = pow2(spec.norm_frac);
    let act = pow2(spec.act_frac);
    let act_out = pow2(spec.act_out_frac());
    let residual = pow2(formats.residual_frac);
    let divisor = config.query_divisor(index);

    // From normalized input at `norm_frac` to `out` steps per unit after the shift.
    let after_norm = |m: &Affine, part: usize, count: usize, out: &dyn Fn(usize) -> f64| {
        m.quantize(
            part * count,
            count,
            |_, o| out(o) * shift / norm,
            |o| out(o) * shift,
        )
    };
    let qkv = Affine::new(&block.qkv)?.fold(&block.ln1)?;
    let fc = Affine::new(&block.fc)?.fold(&block.ln2)?;
    let mut mlp_out = Affine::new(&block.mlp_out)?;
    for (row, offset) in mlp_out.weight.chunks_exact(d).zip(offsets) {
        for (bias, w) in mlp_out.bias.iter_mut().zip(row) {
            *bias -= offset * w;
        }
    }
    let context: Vec<f64> = scales.v.iter().map(|s| context_scale(*s)).collect();
    Ok(QuantizedLayer {
        q: after_norm(&qkv, 0, d, &|o| scales.q[o] / divisor),
        k: after_norm(&qkv, 1, d, &|o| scales.k[o]),
        v: after_norm(&qkv, 2, d, &|o| scales.v[o]),
        attn_out: Affine::new(&block.attn_out)?.quantize(
            0,
            d,
            |i, _| residual * shift / context[i],
            |_| residual * shift,
        ),
        fc: after_norm(&fc, 0, config.arch.mlp_width, &|_| act),
        mlp_out: mlp_out.quantize(
            0,
            d,
            |_, _| residual * shift / act_out,
            |_| residual * shift,
        ),
    })
}

/// The greatest magnitude of the sum of any token's and any position's embedding.
pub(super) fn embedding_bound(wte: &Tensor, wpe: &Tensor) -> Result<f64> {
    let columns = |t: &Tensor| to_vec(&t.abs()?.max(0)?);
    let (tokens, positions) = (columns(wte)?, columns(wpe)?);
    let sums = tokens.iter().zip(&positions);
    Ok(sums.fold(0.0, |m, (t, p)| m.max(f64::from(*t) + f64::from(*p))))
}

/// An embedding.
pub(super) fn embedding(t: &Tensor, formats: &Formats) -> Result<Vec<i64>> {
    let residual = pow2(formats.residual_frac);
    let values = to_vec(t)?;
    Ok(values
        .iter()
        .map(|v| (f64::from(*v) * residual).round() as i64)
        .collect())
}

/// The vocabulary projection `[vocab][width]` with the last LayerNorm folded in; the greatest matrix of all, and so
/// never in `f64`.
pub(super) fn head(
    ln_f: &[Tensor; 2],
    head: &Tensor,
    arch: &Architecture,
    formats: &Formats,
) -> Result<Linear> {
    let (d, vocab) = (arch.width, arch.vocab);
    let (gain, beta) = (widen(&ln_f[0])?, widen(&ln_f[1])?);
    let shift = pow2(MATMUL_SHIFT);
    let norm = pow2(formats.spec.norm_frac);
    let values = to_vec(head)?;
    let mut weight = vec![0; d * vocab];
    weight
        .par_chunks_exact_mut(vocab)
        .enumerate()
        .for_each(|(i, row)| {
            for (v, w) in row.iter_mut().enumerate() {
                *w = (f64::from(values[v * d + i]) * gain[i] * shift).round() as i64;
            }
        });
    let bias = values.par_chunks_exact(d).map(|row| {
        let products = row.iter().zip(&beta).map(|(w, b)| b * f64::from(*w));
        (products.sum::<f64>() * (shift * norm)).round() as i64
    });
    Ok(Linear {
        inputs: d,
        outputs: vocab,
        bias: bias.collect(),
        weight,
    })
}

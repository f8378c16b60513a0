//! From floats to the integers of `docs/arithmetic.md`.
//!
//! LayerNorm gain and bias are folded into the matrix that follows, what scores are divided by and the calibrated scales of
//! queries, keys and values into their matrices, in `f64`. Precision is chosen from what calibration text shows:
//! as many fractional bits as leave the headroom asked for.
//!
//! The activation table interpolates, which is off to one side where the function is curved. Its mean error on
//! calibration text, a constant per feature, is folded into the bias of the second MLP matrix.

use std::collections::BTreeMap;

use nanozk_executor::executor::{PreparedAttention, PreparedMlp};
use nanozk_executor::ops::{narrow, rs, MAX_SCORE_SHIFT, MIN_SCORE_SHIFT, SCORE_BITS};
use nanozk_executor::spec::{
    ACT_BITS, ACT_OUT_EXTRA_FRAC, ACT_OUT_MAX, ACT_OUT_OFFSET, LOGIT_DIFF_BITS, MATMUL_SHIFT,
    PROB_ONE, RESIDUAL_BITS, RESIDUAL_FRAC, SCORE_FRAC,
};
use nanozk_executor::tables::{MAX_ACT_FRAC, MIN_ACT_FRAC};
use nanozk_executor::trace::{embed_trace, head_trace};
use nanozk_executor::{
    ActivationTable, AttentionTrace, HeadTrace, Linear, MlpTrace, QuantizedLayer, QuantizedModel,
    Spec,
};

use crate::error::{Error, Result};
use crate::float::{to_vec, FloatModel};
use crate::report::{Op, OpReport, Report};

/// What may be chosen about quantization.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Windows of calibration text used, at most.
    pub windows: usize,
    /// Representable range over the greatest magnitude observed, at least.
    pub headroom: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            windows: 32,
            headroom: 1.5,
        }
    }
}

/// Magnitude a 16-bit value may have.
const HALF: f64 = 32_767.0;
/// Magnitudes below this count as this, so that a matrix of zeros has a scale.
const TINY: f64 = 1.0 / 1024.0;

/// Quantizes a model with the precision `calibration` text permits.
pub fn quantize(
    model: &FloatModel,
    calibration: &str,
    options: &Options,
) -> Result<(QuantizedModel, Report)> {
    if options.windows == 0 {
        let got = options.windows.to_string();
        return Err(Error::InvalidArgument {
            name: "calibration windows",
            expected: "at least 1",
            got,
        });
    }
    if !(1.0..=64.0).contains(&options.headroom) {
        let got = options.headroom.to_string();
        return Err(Error::InvalidArgument {
            name: "headroom",
            expected: "1 to 64",
            got,
        });
    }
    let arch = model.architecture();
    arch.validate()?;
    let mut windows = model.windows(calibration)?;
    windows.truncate(options.windows);
    let maxima = Maxima::observe(model, &windows)?;
    let (spec, scales) = choose(model, &maxima, options.headroom)?;
    let offsets = activation_offsets(model, &spec, &windows)?;
    let integer = build(model, spec, &scales, &offsets)?;
    integer.validate()?;
    let ops = compare(model, &integer, &scales, &windows)?;
    let report = Report {
        windows: windows.len(),
        window: model.window(),
        headroom_required: options.headroom,
        norm_frac: spec.norm_frac,
        act_frac: spec.act_frac,
        score_shift: spec.score_shift,
        ops,
    };
    Ok((integer, report))
}

/// Greatest magnitude of each operation, per head (one entry if the operation has no heads).
struct Maxima(BTreeMap<(Option<usize>, Op), Vec<f64>>);

impl Maxima {
    fn observe(model: &FloatModel, windows: &[Vec<u32>]) -> Result<Self> {
        let arch = model.architecture();
        let c = arch.width / arch.heads;
        let mut map = BTreeMap::<_, Vec<f64>>::new();
        for tokens in windows {
            model.observe(tokens, &mut |layer, op, values| {
                let heads = if matches!(op, Op::Query | Op::Key) {
                    arch.heads
                } else {
                    1
                };
                let maxima = map.entry((layer, op)).or_insert_with(|| vec![0.0; heads]);
                for (i, &v) in values.iter().enumerate() {
                    let h = if heads == 1 { 0 } else { i / c % heads };
                    let magnitude = if v.is_finite() {
                        f64::from(v).abs()
                    } else {
                        f64::INFINITY
                    };
                    maxima[h] = maxima[h].max(magnitude);
                }
                Ok(())
            })?;
        }
        Ok(Self(map))
    }

    fn heads(&self, layer: usize, op: Op) -> &[f64] {
        self.0.get(&(Some(layer), op)).map_or(&[], Vec::as_slice)
    }

    /// Refuses the first operation whose format is fixed and does not leave the headroom.
    fn check(&self, limit: impl Fn(Op) -> Option<f64>, headroom: f64) -> Result<()> {
        let mut entries: Vec<_> = self.0.iter().collect();
        // In the order of computation: what has no layer and comes last is the head.
        entries.sort_by_key(|((layer, op), _)| (*op >= Op::FinalNorm, *layer, *op));
        for (&(layer, op), maxima) in entries {
            let observed = maxima.iter().copied().fold(0.0, f64::max);
            if let Some(limit) = limit(op).filter(|limit| observed * headroom > *limit) {
                return Err(Error::RangeNotMet {
                    layer,
                    op,
                    observed,
                    limit,
                    headroom,
                });
            }
        }
        Ok(())
    }
}

/// Integer steps per unit, for one layer.
struct LayerScales {
    /// Per head.
    q: Vec<f64>,
    /// Per head.
    k: Vec<f64>,
    v: f64,
}

fn pow2(e: u32) -> f64 {
    f64::from(e).exp2()
}

/// `x` with 8 significant bits, rounded down: calibration noise of another machine gives the same scale.
fn coarse(x: f64) -> f64 {
    let unit = (x.log2().floor() - 7.0).exp2();
    (x / unit).floor() * unit
}

fn choose(model: &FloatModel, maxima: &Maxima, headroom: f64) -> Result<(Spec, Vec<LayerScales>)> {
    let arch = model.architecture();
    let config = model.config();
    let norm_frac = Spec::norm_frac_for(arch.width);
    let residual = pow2(RESIDUAL_BITS - 1 - RESIDUAL_FRAC);
    let limit = |op| match op {
        Op::Embedding | Op::AttentionOut | Op::MlpOut | Op::Residual => Some(residual),
        // At least one step per unit.
        Op::Value => Some(HALF),
        Op::Score => Some(pow2(SCORE_BITS - SCORE_FRAC)),
        // A difference of two logits is at most twice the greatest magnitude.
        Op::Logit => Some(pow2(LOGIT_DIFF_BITS - norm_frac - 16) / 2.0),
        _ => None,
    };
    maxima.check(limit, headroom)?;

    // Query times key: both 16-bit, their scales multiply to 2^(12 + score_shift).
    let mut worst = (0, 0.0);
    for l in 0..arch.layers {
        for (q, k) in maxima
            .heads(l, Op::Query)
            .iter()
            .zip(maxima.heads(l, Op::Key))
        {
            let product = q.max(TINY) * k.max(TINY);
            if product > worst.1 {
                worst = (l, product);
            }
        }
    }
    // One part in a hundred for the rounding of the scales.
    let fits = |shift: u32| HALF / (pow2(SCORE_FRAC + shift) * worst.1).sqrt() >= headroom * 1.01;
    let score_shift = (MIN_SCORE_SHIFT..=MAX_SCORE_SHIFT)
        .rev()
        .find(|&s| fits(s))
        .ok_or_else(|| Error::RangeNotMet {
            layer: Some(worst.0),
            op: Op::Query,
            observed: worst.1.sqrt(),
            limit: HALF / pow2(SCORE_FRAC + MIN_SCORE_SHIFT).sqrt(),
            headroom,
        })?;

    let mut act_frac = MAX_ACT_FRAC;
    for l in 0..arch.layers {
        // An activation is never below the range; above it, its range ends before its argument's.
        let greatest_out = ACT_OUT_MAX as f64 / pow2(ACT_OUT_EXTRA_FRAC);
        for (op, greatest) in [(Op::PreActivation, HALF), (Op::Activation, greatest_out)] {
            let observed = maxima.heads(l, op)[0];
            let fits = |frac: u32| greatest / pow2(frac) >= headroom * observed;
            let best = (MIN_ACT_FRAC..=MAX_ACT_FRAC)
                .rev()
                .find(|&f| fits(f))
                .ok_or(Error::RangeNotMet {
                    layer: Some(l),
                    op,
                    observed,
                    limit: greatest / pow2(MIN_ACT_FRAC),
                    headroom,
                })?;
            act_frac = act_frac.min(best);
        }
    }

    let d = arch.width as f64;
    let spec = Spec {
        norm_frac,
        eps: ((config.epsilon * d * d * pow2(32)).round() as u64).max(1),
        score_shift,
        act_frac,
        activation: config.activation,
    };
    let product = pow2(SCORE_FRAC + score_shift);
    let scales = (0..arch.layers)
        .map(|l| {
            let heads = maxima
                .heads(l, Op::Query)
                .iter()
                .zip(maxima.heads(l, Op::Key));
            let q: Vec<f64> = heads
                .map(|(q, k)| coarse((product * k.max(TINY) / q.max(TINY)).sqrt()))
                .collect();
            let k = q.iter().map(|a| product / a).collect();
            let v = coarse(HALF / (headroom * maxima.heads(l, Op::Value)[0].max(TINY)));
            LayerScales { q, k, v }
        })
        .collect();
    Ok((spec, scales))
}

/// A float matrix `[inputs][outputs]` with bias, in `f64`.
struct Affine {
    outputs: usize,
    weight: Vec<f64>,
    bias: Vec<f64>,
}

impl Affine {
    fn new(p: &[candle_core::Tensor; 2]) -> Result<Self> {
        let bias = widen(&p[1])?;
        Ok(Self {
            outputs: bias.len(),
            weight: widen(&p[0])?,
            bias,
        })
    }

    /// Takes over the gain and bias of the LayerNorm before.
    fn fold(mut self, norm: &[candle_core::Tensor; 2]) -> Result<Self> {
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

    /// Columns `first..first + count`, weight and bias of each multiplied by `scale(column)`.
    fn quantize(
        &self,
        first: usize,
        count: usize,
        weight_scale: impl Fn(usize) -> f64,
        bias_scale: impl Fn(usize) -> f64,
    ) -> Linear {
        let columns = first..first + count;
        let weight = self.weight.chunks_exact(self.outputs).flat_map(|row| {
            row[columns.clone()]
                .iter()
                .enumerate()
                .map(|(o, w)| (w * weight_scale(o)).round() as i64)
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
}

fn widen(t: &candle_core::Tensor) -> Result<Vec<f64>> {
    Ok(to_vec(t)?.into_iter().map(f64::from).collect())
}

/// Mean of activation table minus activation, for each layer and MLP feature.
fn activation_offsets(
    model: &FloatModel,
    spec: &Spec,
    windows: &[Vec<u32>],
) -> Result<Vec<Vec<f64>>> {
    let arch = model.architecture();
    let table = ActivationTable::get(spec.activation, spec.act_frac)?;
    let (scale, out_scale) = (pow2(spec.act_frac), pow2(spec.act_out_frac()));
    let mut sums = vec![vec![0.0; arch.mlp_width]; arch.layers];
    let mut count = 0;
    for tokens in windows {
        count += tokens.len();
        let mut inputs = Vec::new();
        model.observe(tokens, &mut |layer, op, values| {
            match (layer, op) {
                (_, Op::PreActivation) => inputs = values,
                (Some(l), Op::Activation) => {
                    for (i, (h, a)) in inputs.iter().zip(&values).enumerate() {
                        let h = (f64::from(*h) * scale).round() as i64;
                        sums[l][i % arch.mlp_width] +=
                            table.eval(h) as f64 / out_scale - f64::from(*a);
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
    }
    // To multiples of 2^-20, far below a step: calibration noise of another machine gives the same.
    let grid = pow2(20);
    for sum in sums.iter_mut().flatten() {
        *sum = (*sum / count as f64 * grid).round() / grid;
    }
    Ok(sums)
}

fn build(
    model: &FloatModel,
    spec: Spec,
    scales: &[LayerScales],
    offsets: &[Vec<f64>],
) -> Result<QuantizedModel> {
    let arch = model.architecture();
    let (d, c) = (arch.width, arch.width / arch.heads);
    let params = &model.params;
    let shift = pow2(MATMUL_SHIFT);
    let norm = pow2(spec.norm_frac);
    let act = pow2(spec.act_frac);
    let act_out = pow2(spec.act_out_frac());
    let residual = pow2(RESIDUAL_FRAC);
    let embedding = |t: &candle_core::Tensor| -> Result<Vec<i64>> {
        Ok(widen(t)?
            .into_iter()
            .map(|v| (v * residual).round() as i64)
            .collect())
    };
    let mut layers = Vec::with_capacity(arch.layers);
    for (l, ((block, s), offset)) in params.blocks.iter().zip(scales).zip(offsets).enumerate() {
        let divisor = model.config().query_divisor(l);
        let qkv = Affine::new(&block.qkv)?.fold(&block.ln1)?;
        // From normalized input at `norm_frac` to `out` steps per unit after the shift.
        let after_norm = |m: &Affine, part: usize, count: usize, out: &dyn Fn(usize) -> f64| {
            m.quantize(
                part * count,
                count,
                |o| out(o) * shift / norm,
                |o| out(o) * shift,
            )
        };
        let fc = Affine::new(&block.fc)?.fold(&block.ln2)?;
        let mut mlp_out = Affine::new(&block.mlp_out)?;
        for (row, offset) in mlp_out.weight.chunks_exact(d).zip(offset) {
            for (bias, w) in mlp_out.bias.iter_mut().zip(row) {
                *bias -= offset * w;
            }
        }
        let context = context_scale(s);
        layers.push(QuantizedLayer {
            q: after_norm(&qkv, 0, d, &|o| s.q[o / c] / divisor),
            k: after_norm(&qkv, 1, d, &|o| s.k[o / c]),
            v: after_norm(&qkv, 2, d, &|_| s.v),
            attn_out: Affine::new(&block.attn_out)?.quantize(
                0,
                d,
                |_| residual * shift / context,
                |_| residual * shift,
            ),
            fc: after_norm(&fc, 0, arch.mlp_width, &|_| act),
            mlp_out: mlp_out.quantize(0, d, |_| residual * shift / act_out, |_| residual * shift),
        });
    }
    let head = Affine {
        outputs: arch.vocab,
        weight: widen(&params.head.t()?.contiguous()?)?,
        bias: vec![0.0; arch.vocab],
    }
    .fold(&params.ln_f)?
    .quantize(0, arch.vocab, |_| shift, |_| shift * norm);
    Ok(QuantizedModel {
        arch,
        spec,
        wte: embedding(&params.wte)?,
        wpe: embedding(&params.wpe)?,
        layers,
        head,
    })
}

/// Steps per unit of the attention context: probabilities are in units of 1/65535 but shifted by 16 bits.
fn context_scale(s: &LayerScales) -> f64 {
    s.v * PROB_ONE as f64 / 65_536.0
}

/// Steps per unit.
enum Scale {
    Uniform(f64),
    /// Per head, for `[n][d]` with heads of the given width.
    Heads(Vec<f64>, usize),
}

impl Scale {
    fn at(&self, index: usize) -> f64 {
        match self {
            Scale::Uniform(s) => *s,
            Scale::Heads(s, c) => s[index / c % s.len()],
        }
    }

    fn heads(&self) -> usize {
        match self {
            Scale::Uniform(_) => 1,
            Scale::Heads(s, _) => s.len(),
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

fn format(op: Op, layer: Option<&LayerScales>, spec: &Spec, c: usize) -> Format {
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
    match (op, layer) {
        (Op::Query, Some(s)) => Format::signed(Scale::Heads(s.q.clone(), c), ACT_BITS),
        (Op::Key, Some(s)) => Format::signed(Scale::Heads(s.k.clone(), c), ACT_BITS),
        (Op::Value, Some(s)) => Format::signed(Scale::Uniform(s.v), ACT_BITS),
        (Op::Context, Some(s)) => Format::signed(Scale::Uniform(context_scale(s)), ACT_BITS),
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
            uniform(RESIDUAL_FRAC, RESIDUAL_BITS)
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
    /// Greatest magnitude per head.
    magnitude: Vec<f64>,
    integer_min: i64,
    integer_max: i64,
}

impl Tally {
    fn new(format: Format) -> Self {
        let heads = format.scale.heads();
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
            magnitude: vec![0.0; heads],
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
        let head = match &self.format.scale {
            Scale::Uniform(_) => 0,
            Scale::Heads(s, c) => index / c % s.len(),
        };
        self.magnitude[head] = self.magnitude[head].max(float.abs());
        self.integer_min = self.integer_min.min(integer);
        self.integer_max = self.integer_max.max(integer);
    }

    fn report(&self, layer: Option<usize>, op: Op) -> OpReport {
        let f = &self.format;
        let scales: Vec<f64> = match &f.scale {
            Scale::Uniform(s) => vec![*s],
            Scale::Heads(s, _) => s.clone(),
        };
        // For logits the range is one of differences.
        let magnitude = if op == Op::Logit {
            vec![self.max - self.min]
        } else {
            self.magnitude.clone()
        };
        let headrooms = scales
            .iter()
            .zip(&magnitude)
            .map(|(s, m)| (f.max / s / m.max(f64::MIN_POSITIVE), *s));
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
            clipped: self.clipped,
            resolution: 1.0 / coarsest,
            error_rms,
            error_max: self.error_max,
            error_relative: if std > 0.0 { error_rms / std } else { 0.0 },
        }
    }
}

/// The integer run of one window, a layer at a time, in step with the float run.
struct Follower<'a> {
    integer: &'a QuantizedModel,
    layers: &'a [(PreparedAttention<'a>, PreparedMlp<'a>)],
    table: &'static ActivationTable,
    residual: Vec<i64>,
    attention: Option<AttentionTrace>,
    mlp: Option<MlpTrace>,
    head: Option<HeadTrace>,
}

impl Follower<'_> {
    fn run_attention(&self, layer: usize) -> Result<AttentionTrace> {
        let trace = self.layers[layer]
            .0
            .trace(&self.integer.spec, &self.residual);
        Ok(trace.map_err(|e| e.in_layer(layer))?)
    }

    fn attention(&mut self, layer: usize) -> Result<&AttentionTrace> {
        self.mlp = None;
        let trace = match self.attention.take() {
            Some(trace) => trace,
            None => self.run_attention(layer)?,
        };
        Ok(self.attention.insert(trace))
    }

    fn mlp(&mut self, layer: usize) -> Result<&MlpTrace> {
        let trace = match self.mlp.take() {
            Some(trace) => trace,
            None => {
                let attention = match self.attention.take() {
                    Some(trace) => trace,
                    None => self.run_attention(layer)?,
                };
                let trace =
                    self.layers[layer]
                        .1
                        .trace(&self.integer.spec, self.table, &attention.output);
                let trace = trace.map_err(|e| e.in_layer(layer))?;
                self.residual.clone_from(&trace.output);
                trace
            }
        };
        Ok(self.mlp.insert(trace))
    }

    fn head(&mut self) -> Result<&HeadTrace> {
        let trace = match self.head.take() {
            Some(trace) => trace,
            None => head_trace(&self.integer.head, &self.integer.spec, &self.residual)?,
        };
        Ok(self.head.insert(trace))
    }

    fn values(&mut self, layer: Option<usize>, op: Op) -> Result<Vec<i64>> {
        let l = layer.unwrap_or(0);
        let round = |acc: &[i64]| acc.iter().map(|&a| rs(a, MATMUL_SHIFT)).collect();
        let score_shift = self.integer.spec.score_shift;
        Ok(match op {
            Op::Embedding => self.residual.clone(),
            Op::Norm1 => self.attention(l)?.norm.out.clone(),
            Op::Query => round(&self.attention(l)?.q_acc),
            Op::Key => round(&self.attention(l)?.k_acc),
            Op::Value => round(&self.attention(l)?.v_acc),
            Op::Score => self
                .attention(l)?
                .score_acc
                .iter()
                .map(|&a| rs(a, score_shift))
                .collect(),
            Op::Probability => self.attention(l)?.p.clone(),
            Op::Context => round(&self.attention(l)?.o_acc),
            Op::AttentionOut => round(&self.attention(l)?.out_acc),
            Op::Norm2 => self.mlp(l)?.norm.out.clone(),
            Op::PreActivation => narrow("first MLP matrix", &self.mlp(l)?.h_acc)?,
            Op::Activation => self.mlp(l)?.a.clone(),
            Op::MlpOut => round(&self.mlp(l)?.out_acc),
            Op::Residual => self.mlp(l)?.output.clone(),
            Op::FinalNorm => self.head()?.norm.out.clone(),
            Op::Logit => self.head()?.logits.clone(),
        })
    }
}

fn compare(
    model: &FloatModel,
    integer: &QuantizedModel,
    scales: &[LayerScales],
    windows: &[Vec<u32>],
) -> Result<Vec<OpReport>> {
    let arch = integer.arch;
    let c = arch.width / arch.heads;
    let layers = integer
        .layers
        .iter()
        .map(|l| Ok((PreparedAttention::new(l, arch.heads)?, PreparedMlp::new(l)?)))
        .collect::<Result<Vec<_>>>()?;
    let table = ActivationTable::get(integer.spec.activation, integer.spec.act_frac)?;
    // In the order of computation.
    let mut tallies: Vec<((Option<usize>, Op), Tally)> = Vec::new();
    for tokens in windows {
        let n = tokens.len();
        let mut follower = Follower {
            integer,
            layers: &layers,
            table,
            residual: embed_trace(integer, tokens)?.out,
            attention: None,
            mlp: None,
            head: None,
        };
        let mut step = 0;
        model.observe(tokens, &mut |layer, op, floats| {
            if step == tallies.len() {
                let format = format(op, layer.and_then(|l| scales.get(l)), &integer.spec, c);
                tallies.push(((layer, op), Tally::new(format)));
            }
            let tally = &mut tallies[step].1;
            step += 1;
            let integers = follower.values(layer, op)?;
            let causal = matches!(op, Op::Score | Op::Probability);
            for (i, (&f, &v)) in floats.iter().zip(&integers).enumerate() {
                if causal && i % n > i / n % n {
                    continue;
                }
                tally.add(i, f, v);
            }
            Ok(())
        })?;
    }
    Ok(tallies
        .iter()
        .map(|((layer, op), t)| t.report(*layer, *op))
        .collect())
}

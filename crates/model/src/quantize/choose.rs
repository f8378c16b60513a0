//! Number formats and scales, from what was observed.

use nanozk_executor::model::MAX_BIAS_BITS;
use nanozk_executor::ops::{MAX_SCORE_SHIFT, MIN_SCORE_SHIFT, SCORE_BITS};
use nanozk_executor::spec::{
    ACT_OUT_EXTRA_FRAC, ACT_OUT_MAX, LOGIT_DIFF_BITS, RESIDUAL_BITS, RESIDUAL_FRAC, SCORE_FRAC,
};
use nanozk_executor::tables::{MAX_ACT_FRAC, MIN_ACT_FRAC};
use nanozk_executor::{Architecture, MlpKind, Positions, Spec};

use super::observe::{Bounds, Layer, Observed};
use super::pow2;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::report::Op;

/// Magnitude a 16-bit value may have.
const HALF: f64 = 32_767.0;
/// Magnitude a 32-bit value may have.
const WIDE_HALF: f64 = 2_147_483_647.0;
/// Bits of an epsilon of a head, at most.
const EPS_BITS: u32 = MAX_BIAS_BITS - 1;
/// Greatest activation, in steps of its argument: it is never below the range, and above it that ends earlier.
const GREATEST_OUT: f64 = ACT_OUT_MAX as f64 / (1 << ACT_OUT_EXTRA_FRAC) as f64;
/// Part of a range that is kept for rounding of scales, weights and inputs.
const ROUNDING: f64 = 1.02;
/// Magnitudes below this part of the others' count as this, so that a feature of zeros has a scale.
const TINY: f64 = 1.0 / 64.0;
/// What must be left above the observed magnitude when the margin is not attainable and none was asked for.
const LEAST_MARGIN: f64 = 1.25;
/// Range of values over their root mean square, which leaves a thousand steps to the latter.
const PLENTY: f64 = 32.0;
/// What a feature of a gate needs more than others: there are many, and a product of two numbers is seldom large, but then
/// very large. So each gets what the greatest of all had, too.
const TAIL: f64 = 2.0;
/// Least magnitude that has a scale: that of a matrix of zeros.
const LEAST: f64 = 1e-3;
/// Least fractional bits of the residual stream.
const MIN_RESIDUAL_FRAC: u32 = 6;

/// Integer steps per unit, for one layer.
#[derive(Clone, Debug)]
pub(super) struct LayerScales {
    /// Per feature.
    pub(super) q: Vec<f64>,
    /// Per feature.
    pub(super) k: Vec<f64>,
    /// Per feature of queries and of keys before they are normalized, if they are; those of a head are equal.
    pub(super) before_norm: Option<[Vec<f64>; 2]>,
    /// Per feature.
    pub(super) v: Vec<f64>,
    /// Per feature of a gated MLP: of what activations are multiplied by, and of the products.
    pub(super) gate: Vec<f64>,
    /// Which features of query, key and value, before they are normalized, no text can bring out of range.
    pub(super) safe: [Vec<bool>; 3],
    /// Whether none can bring an argument of the activation out of range, and whether none an activation.
    pub(super) safe_mlp: [bool; 2],
    /// Which features of gates, and of gated activations, no text can bring out of range.
    pub(super) safe_gate: [Vec<bool>; 2],
}

/// What all layers share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Formats {
    pub(super) spec: Spec,
    /// Fractional bits of the residual stream: a normalization does not see its scale, except that of `eps`.
    pub(super) residual_frac: u32,
}

/// What was observed of a whole model.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) embedding: Observed,
    /// Greatest magnitude that any token at any position has.
    pub(super) embedding_bound: f64,
    pub(super) layers: Vec<(Layer, Bounds)>,
    pub(super) logit: Observed,
}

impl Model {
    fn op(&self, layer: usize, op: Op) -> &Observed {
        &self.layers[layer].0.ops[&op]
    }

    /// Magnitudes that queries and keys of a layer must be able to have, for each feature of a key. All queries that a
    /// feature of a key meets have one scale, and so have the two features of a pair that is rotated; those must be able to
    /// have what they have before and after.
    fn queries_and_keys(
        &self,
        arch: &Architecture,
        layer: usize,
        margin: &dyn Fn(&Observed) -> f64,
    ) -> [Vec<f64>; 2] {
        let bounds = &self.layers[layer].1.qkv;
        let rotated = arch.positions == Positions::Rotary;
        let pairs = arch.rotated_pairs();
        let c = arch.head_width;
        let other = |i: usize| if i % c < pairs { i + pairs } else { i - pairs };
        // A pair's length does not change.
        let turned = |bounds: &[f64]| -> Vec<f64> {
            (0..bounds.len())
                .map(|i| bounds[i].hypot(bounds[other(i)]))
                .collect()
        };
        // Of each feature, the greatest of its pair.
        let of_pairs = |most: &[f64]| -> Vec<f64> {
            (0..most.len())
                .map(|i| most[i].max(most[other(i)]))
                .collect()
        };
        let of = |op, after, bounds: &[f64]| {
            let observed = self.op(layer, op);
            if arch.qk_norm {
                // One gain for all heads, and so one scale.
                let observed = self.op(layer, after);
                let all = of_pairs(&needed(observed, bounds, margin(observed)));
                let greatest = |i| {
                    all.iter()
                        .skip(i)
                        .step_by(c)
                        .fold(0.0, |m, x| f64::max(m, *x))
                };
                return (0..all.len()).map(|i| greatest(i % c)).collect();
            }
            let mut all = needed(observed, bounds, margin(observed));
            if rotated {
                let observed = self.op(layer, after);
                let after = needed(observed, &turned(bounds), margin(observed));
                let both = all.iter().zip(&after);
                let most: Vec<f64> = both.map(|(a, b)| a.max(*b)).collect();
                all = of_pairs(&most);
            }
            all
        };
        let queries = of(Op::Query, Op::RotatedQuery, &bounds[0]);
        let keys = of(Op::Key, Op::RotatedKey, &bounds[1]);
        let met = (0..keys.len()).map(|i| {
            let heads = 0..arch.group();
            let query = |g| queries[arch.query_of(i, g)];
            heads.map(query).fold(0.0, f64::max)
        });
        [met.collect(), keys]
    }

    /// Every operation in the order of computation.
    fn all(&self) -> impl Iterator<Item = (Option<usize>, Op, &Observed)> {
        let layers = self.layers.iter().enumerate();
        let ops =
            layers.flat_map(|(l, (layer, _))| layer.ops.iter().map(move |(op, o)| (l, op, o)));
        std::iter::once((None, Op::Embedding, &self.embedding))
            .chain(ops.map(|(l, op, o)| (Some(l), *op, o)))
            .chain(std::iter::once((None, Op::Logit, &self.logit)))
    }
}

/// `x` with 8 significant bits, rounded down: calibration noise of another machine gives the same scale.
fn coarse(x: f64) -> f64 {
    let unit = (x.log2().floor() - 7.0).exp2();
    (x / unit).floor() * unit
}

/// Magnitudes that the features of an operation must be able to have.
fn needed(observed: &Observed, bounds: &[f64], margin: f64) -> Vec<f64> {
    let features = observed.features();
    let floor = features.iter().copied().fold(0.0, f64::max) * TINY;
    let each = features.iter().zip(bounds);
    each.map(|(&seen, &bound)| (margin * seen.max(floor)).min(bound).max(LEAST))
        .collect()
}

/// Formats for a whole model, and the scales of each layer.
pub(super) fn choose(
    config: &Config,
    model: &Model,
    headroom: Option<f64>,
) -> Result<(Formats, Vec<LayerScales>)> {
    let least = headroom.unwrap_or(LEAST_MARGIN);
    let margin = |o: &Observed| headroom.unwrap_or_else(|| o.margin());
    let norm_frac = Spec::norm_frac_for(config.arch.width);
    let not_met = |layer, op, observed, limit| Error::RangeNotMet {
        layer,
        op,
        observed,
        limit,
        headroom: least,
    };

    // Formats that are fixed; and nothing may be infinite.
    let widest_residual = pow2(RESIDUAL_BITS - 1 - MIN_RESIDUAL_FRAC);
    for (layer, op, observed) in model.all() {
        let limit = match op {
            Op::Embedding | Op::AttentionOut | Op::MlpOut | Op::Residual => widest_residual,
            Op::Score => pow2(SCORE_BITS - SCORE_FRAC),
            // A difference of two logits is at most twice the greatest magnitude.
            Op::Logit => pow2(LOGIT_DIFF_BITS - norm_frac - 16) / 2.0,
            _ => f64::MAX,
        };
        let mut observed = observed.greatest();
        if op == Op::Embedding {
            observed = observed.max(model.embedding_bound / least);
        }
        if observed * least > limit {
            return Err(not_met(layer, op, observed, limit));
        }
    }

    // As many fractional bits as leave the margin; with the fewest, what is left suffices.
    let residual = |op: Op| {
        matches!(
            op,
            Op::Embedding | Op::AttentionOut | Op::MlpOut | Op::Residual
        )
    };
    let magnitude = model
        .all()
        .filter(|(_, op, _)| residual(*op))
        .map(|(_, _, o)| o.greatest() * margin(o))
        .fold(model.embedding_bound, f64::max);
    let residual_frac = (MIN_RESIDUAL_FRAC..=RESIDUAL_FRAC)
        .rev()
        .find(|&f| pow2(RESIDUAL_BITS - 1 - f) > magnitude)
        .unwrap_or(MIN_RESIDUAL_FRAC);

    let arch = &config.arch;
    let score_shift = score_shift(arch, model, headroom, &not_met)?;
    let act_frac = act_frac(model, headroom, &not_met)?;
    let d = config.arch.width as f64;
    let spec = Spec {
        norm_frac,
        eps: ((config.epsilon * d * d * pow2(2 * residual_frac)).round() as u64).max(1),
        score_shift,
        norm: config.norm,
        act_frac,
        activation: config.activation,
    };

    let product = pow2(SCORE_FRAC + score_shift);
    let scales = (0..model.layers.len()).map(|l| {
        let bounds = &model.layers[l].1;
        let range = |op, bounds: &[f64]| {
            let observed = model.op(l, op);
            needed(observed, bounds, margin(observed))
        };
        let [bq, bk, bv] = &bounds.qkv;
        let [q, k] = model.queries_and_keys(arch, l, &margin);
        let mut v = range(Op::Value, bv);
        if headroom.is_none() {
            // Nothing else is coarser for it.
            let rms = model.op(l, Op::Value).rms();
            for ((v, rms), bound) in v.iter_mut().zip(rms).zip(bv) {
                *v = v.max((PLENTY * rms).min(*bound));
            }
        }
        // By features of keys.
        let met: Vec<f64> = q
            .iter()
            .zip(&k)
            .map(|(q, k)| coarse((product * k / q).sqrt()))
            .collect();
        let sk: Vec<f64> = met.iter().map(|q| product / q).collect();
        let sq: Vec<f64> = (0..arch.query_width())
            .map(|i| met[arch.key_of(i)])
            .collect();
        let before_norm = bounds.before_norm.as_ref().map(|bounds| {
            // Where epsilon is an integer of its bits.
            let finest = (pow2(EPS_BITS) / config.epsilon).sqrt() / arch.head_width as f64;
            let scales = |op, bounds: &[f64]| -> Vec<f64> {
                let heads = range(op, bounds);
                let heads = heads.chunks_exact(arch.head_width).flat_map(|head| {
                    let greatest = head.iter().copied().fold(0.0, f64::max);
                    let scale = coarse((WIDE_HALF / (ROUNDING * greatest)).min(finest));
                    std::iter::repeat_n(scale, arch.head_width)
                });
                heads.collect()
            };
            [scales(Op::Query, &bounds[0]), scales(Op::Key, &bounds[1])]
        });
        let sv: Vec<f64> = v.iter().map(|v| coarse(HALF / (ROUNDING * v))).collect();
        // What is gated has the scale of the gate.
        let bounds_gated = bounds.gated();
        let gate: Vec<f64> = match config.arch.mlp {
            MlpKind::Plain => Vec::new(),
            MlpKind::Gated => {
                let wide = |op, bounds: &[f64]| {
                    let mut all = range(op, bounds);
                    if headroom.is_none() {
                        let greatest = model.op(l, op).greatest();
                        for (needed, bound) in all.iter_mut().zip(bounds) {
                            *needed = (TAIL * *needed).max(greatest).min(*bound).max(LEAST);
                        }
                    }
                    all
                };
                let gate = wide(Op::Gate, &bounds.gate);
                let gated = wide(Op::Gated, &bounds_gated);
                let both = gate.iter().zip(&gated);
                both.map(|(u, m)| coarse(HALF / (ROUNDING * u.max(*m))))
                    .collect()
            }
        };
        let within = |half: f64, scales: &[f64], bounds: &[f64]| {
            let all = scales.iter().zip(bounds);
            all.map(|(s, bound)| s * bound <= half).collect()
        };
        let safe = |scales: &[f64], bounds: &[f64]| within(HALF, scales, bounds);
        let [safe_q, safe_k] = match (&before_norm, &bounds.before_norm) {
            (Some([q, k]), Some([bq, bk])) => [within(WIDE_HALF, q, bq), within(WIDE_HALF, k, bk)],
            _ => [safe(&sq, bq), safe(&sk, bk)],
        };
        LayerScales {
            safe: [safe_q, safe_k, safe(&sv, bv)],
            before_norm,
            safe_mlp: [HALF, GREATEST_OUT]
                .map(|end| bounds.pre_activations() * ROUNDING <= end / pow2(act_frac)),
            safe_gate: [safe(&gate, &bounds.gate), safe(&gate, &bounds_gated)],
            q: sq,
            k: sk,
            v: sv,
            gate,
        }
    });
    Ok((
        Formats {
            spec,
            residual_frac,
        },
        scales.collect(),
    ))
}

type NotMet<'a> = dyn Fn(Option<usize>, Op, f64, f64) -> Error + 'a;

/// Query times key: both 16-bit, their scales multiply to 2^(12 + shift).
fn score_shift(
    arch: &Architecture,
    model: &Model,
    headroom: Option<f64>,
    not_met: &NotMet<'_>,
) -> Result<u32> {
    // Greatest product of the magnitudes a feature needs in query and key.
    let worst = |least: Option<f64>| {
        let margin = |observed: &Observed| least.unwrap_or_else(|| observed.margin());
        let products = (0..model.layers.len()).map(|l| {
            let [q, k] = model.queries_and_keys(arch, l, &margin);
            let product = q.iter().zip(&k).fold(0.0, |m, (q, k)| f64::max(m, q * k));
            (l, product)
        });
        products.fold((0, 0.0), |m, p| if p.1 > m.1 { p } else { m })
    };
    let fits = |shift: u32, product: f64| {
        pow2(SCORE_FRAC + shift) * product * ROUNDING * ROUNDING <= HALF * HALF
    };
    let wanted = worst(headroom).1;
    if let Some(shift) = (MIN_SCORE_SHIFT..=MAX_SCORE_SHIFT)
        .rev()
        .find(|&s| fits(s, wanted))
    {
        return Ok(shift);
    }
    let least = headroom.unwrap_or(LEAST_MARGIN);
    let (layer, product) = worst(Some(least));
    if headroom.is_none() && fits(MIN_SCORE_SHIFT, product) {
        return Ok(MIN_SCORE_SHIFT);
    }
    let limit = HALF / pow2(SCORE_FRAC + MIN_SCORE_SHIFT).sqrt();
    let observed = product.sqrt() * ROUNDING / least;
    Err(not_met(Some(layer), Op::Query, observed, limit))
}

fn act_frac(model: &Model, headroom: Option<f64>, not_met: &NotMet<'_>) -> Result<u32> {
    let mut act_frac = MAX_ACT_FRAC;
    for (l, (_, bounds)) in model.layers.iter().enumerate() {
        for (op, greatest) in [(Op::PreActivation, HALF), (Op::Activation, GREATEST_OUT)] {
            let observed = model.op(l, op);
            // An activation is not above its argument.
            let bound = bounds.pre_activations() * ROUNDING;
            let fits = |margin: f64, frac: u32| {
                greatest / pow2(frac) >= (margin * observed.greatest()).min(bound)
            };
            let least = headroom.unwrap_or(LEAST_MARGIN);
            let margin = headroom.unwrap_or_else(|| observed.margin());
            let best = (MIN_ACT_FRAC..=MAX_ACT_FRAC)
                .rev()
                .find(|&f| fits(margin, f));
            let best = best
                .or_else(|| fits(least, MIN_ACT_FRAC).then_some(MIN_ACT_FRAC))
                .ok_or_else(|| {
                    let limit = greatest / pow2(MIN_ACT_FRAC);
                    not_met(Some(l), op, observed.greatest(), limit)
                })?;
            act_frac = act_frac.min(best);
        }
    }
    Ok(act_frac)
}

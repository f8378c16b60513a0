//! The attention half of a block.

use crate::gadgets::{
    Angles, HeadNormalization, Matrix, Normalization, Number, OFFSET_32, PRODUCT_SHIFT, Remainder,
    Residual, Rotated, fill_stream, rounded,
};
use crate::shape::{Axes, Shape};
use nanozk_circuit::{AxisId, OutOfRange, Program, Public, Role, TableId, TensorId, Values};
use nanozk_executor::spec::{ACT_BITS, MASK, PROB_ONE, PROB_SHIFT};
use nanozk_executor::{AttentionTrace, ExpTable, QuantizedLayer, Rotation};

/// The greatest key of the table of exponentials; the exponential of it, and of all beyond, is zero.
const LAST_KEY: i128 = (1 << 16) - 1;
/// Bits of a row's reciprocal, `65535·2^32 / E` for `E ≥ 2^15`.
const RECIPROCAL_BITS: u32 = 48;
/// Bits of what the reciprocal leaves, which is less than `E`.
const SLACK_BITS: u32 = 48;

/// Attention, for each layer of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Which layer of this kind, of those that the program is about.
    pub layer: AxisId,
    /// The residual stream before.
    pub input: TensorId,
    /// The residual stream after.
    pub output: TensorId,
    norm: Normalization,
    matrices: [Matrix; 3],
    /// Queries, keys and values, and what their sums leave.
    projected: [Projected; 3],
    /// Normalizations of queries and of keys.
    qk_norm: Option<[HeadNormalization; 2]>,
    /// What queries and keys are multiplied by, and what they are then.
    rotation: Option<([Angles; 2], [Rotated; 2])>,
    max: Number,
    /// `min(z, 65535)`, and what is beyond.
    key: TensorId,
    beyond: Number,
    /// Where the maximum is.
    top: TensorId,
    score_remainder: Remainder,
    reciprocal: Number,
    below: Number,
    above: Number,
    probability: Number,
    probability_remainder: Remainder,
    context: Number,
    context_remainder: Remainder,
    project: Matrix,
    residual: Residual,
    width: usize,
    group: usize,
    pairs: usize,
    positions: usize,
}

/// Products of a matrix: numbers of 16 bits, and what is shifted out of their sums; or the sums, of 32 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Projected {
    number: Number,
    remainder: Option<Remainder>,
}

/// The table of exponentials.
pub fn exponentials(p: &mut Program) -> TableId {
    let values: Vec<u16> = (0..1_u64 << 16)
        .map(|z| u16::try_from(ExpTable::get().eval(z)).expect("at most 2^15"))
        .collect();
    assert_eq!(values.last(), Some(&0), "it stays zero beyond the table");
    p.new_table("exponential", 16, Some(values))
}

impl Attention {
    /// Declares attention for `layers` layers.
    pub fn new(p: &mut Program, shape: &Shape, axes: &Axes, layers: usize, exp: TableId) -> Self {
        let layer = p.new_tiled_axis("attention layer", layers, 0);
        let Axes {
            position,
            source,
            feature,
            head,
            group,
            channel,
            ..
        } = *axes;
        let stream = [layer, feature, position];
        let input = p.new_tensor("attention input", &stream, Role::Activation);
        let output = p.new_tensor("attention output", &stream, Role::Activation);
        let norm = Normalization::new(p, "attention norm", input, stream, &shape.spec);

        // q, k, v = rs(x̂·W + b, 16), or x̂·W + b of queries and keys that are normalized; queries have more heads.
        let channels = axes.channels();
        let queries = [&[head, group][..], &channels].concat();
        let keys = [&[head][..], &channels].concat();
        let at = |features: &[AxisId], t| [&[layer][..], features, &[t]].concat();
        let all = [("query", &queries), ("key", &keys), ("value", &keys)];
        let matrices =
            all.map(|(name, features)| Matrix::new(p, name, layer, &[feature], features));
        let qk_norm = shape.architecture.qk_norm;
        let projected = [0, 1, 2].map(|i| {
            let (name, features) = all[i];
            let heads = at(features, position);
            let acc = matrices[i].of(p, norm.out.value(p));
            let product = format!("{name} product");
            if qk_norm && i < 2 {
                let number = Number::wide(p, name, &heads);
                let value = number.value(p);
                p.zero(&product, &heads, acc - value);
                return Projected {
                    number,
                    remainder: None,
                };
            }
            let number = Number::signed(p, name, &heads, ACT_BITS);
            let remainder = Remainder::new(p, &format!("{name} remainder"), &heads, PRODUCT_SHIFT);
            let value = number.value(p);
            remainder.state(p, &product, &heads, acc, value);
            Projected {
                number,
                remainder: Some(remainder),
            }
        });
        let qk_norm = qk_norm.then(|| {
            let heads = [&[head, group][..], &[head]];
            [0, 1].map(|i| {
                let (name, number) = (all[i].0, &projected[i].number);
                HeadNormalization::new(p, name, number, [layer, position], heads[i], &channels)
            })
        });
        let rotation = axes.halves.map(|halves| {
            let angles = match &qk_norm {
                None => [Angles::new(p, layer, channel, position, halves); 2],
                Some(_) => [0, 1]
                    .map(|i| Angles::with_gains(p, all[i].0, layer, channel, position, halves)),
            };
            let turned = [0, 1].map(|i| {
                let (name, features) = all[i];
                let heads = at(features, position);
                let number = match &qk_norm {
                    None => &projected[i].number,
                    Some(both) => &both[i].norm.out,
                };
                Rotated::new(p, name, &angles[i], number, &heads)
            });
            (angles, turned)
        });
        let [q, k, v] = projected.each_ref().map(|own| &own.number);
        let (q, k) = match &rotation {
            Some((_, [q, k])) => (&q.out, &k.out),
            None => (q, k),
        };
        let from_source = at(&keys, source);

        // score = rs(Σ q·k, score_shift) = m − z + (s > t ? 2^28 : 0), z = key + beyond
        let pairs = [layer, head, group, position, source];
        let rows = [layer, head, group, position];
        let max = Number::new(p, "max", &rows, 32, OFFSET_32);
        let key = p.new_tensor("distance", &pairs, Role::Key { table: exp });
        let exponential = p.new_tensor("exponential", &pairs, Role::Value { key });
        let beyond = Number::unsigned(p, "beyond", &pairs, 32);
        let bit = p.range(1);
        let top = p.new_tensor("top", &pairs, Role::Limb { range: bit });
        let score_remainder = Remainder::new(p, "score remainder", &pairs, shape.spec.score_shift);
        let later = p.new_tensor("later", &[position, source], Role::Public(Public::Less));
        let [key_, e, top_, later] = [key, exponential, top, later].map(|id| p.use_of(id));
        let z = key_.clone() + beyond.value(p);
        let score = max.value(p) - z.clone() + later.clone() * i128::from(MASK);
        let acc = q.value(p) * k.value_at(p, &from_source);
        score_remainder.state(p, "score", &pairs, acc, score);
        // Only the greatest key has something beyond, and later positions have that key: both terms are not negative. So
        // exponentials of later positions are zero, whatever their scores are.
        let overflow = (beyond.value(p) + later * (1 << 33)) * (-key_ + LAST_KEY);
        p.zero(
            "distance is beyond the table only at its end, and there for later positions",
            &pairs,
            overflow,
        );
        // The maximum is the score of a position, which is not later: the distance of those is not zero.
        p.zero("a row has a maximum", &rows, top_.clone() - 1);
        p.zero("the maximum is a score", &pairs, top_ * z);

        // r = floor(65535·2^32 / E), E = Σ e
        let one = i128::from(PROB_ONE) << PROB_SHIFT;
        let reciprocal = Number::unsigned(p, "reciprocal", &rows, RECIPROCAL_BITS);
        let below = Number::unsigned(p, "reciprocal below", &rows, SLACK_BITS);
        let above = Number::unsigned(p, "reciprocal above", &rows, SLACK_BITS);
        let [r, below_, above_] = [&reciprocal, &below, &above].map(|number| number.value(p));
        p.zero(
            "reciprocal is small",
            &rows,
            r.clone() * e.clone() + below_.clone() - one,
        );
        p.zero(
            "reciprocal is large",
            &rows,
            e.clone() - 1 - below_ - above_,
        );

        // p = rs(e·r, 32)
        let probability = Number::unsigned(p, "probability", &pairs, ACT_BITS);
        let probability_remainder = Remainder::new(p, "probability remainder", &pairs, PROB_SHIFT);
        let value = probability.value(p);
        probability_remainder.state(p, "probability is", &pairs, e * r, value);

        // o = rs(Σ p·v, 16)
        let heads = at(&queries, position);
        let context = Number::signed(p, "context", &heads, ACT_BITS);
        let context_remainder = Remainder::new(p, "context remainder", &heads, PRODUCT_SHIFT);
        let acc = probability.value(p) * v.value_at(p, &from_source);
        let value = context.value(p);
        context_remainder.state(p, "context is", &heads, acc, value);

        let project = Matrix::new(p, "projection", layer, &queries, &[feature]);
        let acc = project.of(p, context.value(p));
        let residual = Residual::new(p, "attention", &stream, input, output, acc);
        Self {
            layer,
            input,
            output,
            norm,
            matrices,
            projected,
            qk_norm,
            rotation,
            max,
            key,
            beyond,
            top,
            score_remainder,
            reciprocal,
            below,
            above,
            probability,
            probability_remainder,
            context,
            context_remainder,
            project,
            residual,
            width: shape.architecture.width,
            group: shape.architecture.group(),
            pairs: shape.architecture.rotated_pairs(),
            positions: shape.positions,
        }
    }

    /// Sets the weights of a layer.
    ///
    /// # Panics
    /// If positions are rotations and there is none, or queries are normalized and there is no normalization.
    pub fn fill_weights(
        &self,
        values: &mut Values<'_>,
        layer: usize,
        weights: &QuantizedLayer,
        rotation: Option<&Rotation>,
    ) -> Result<(), OutOfRange> {
        let [q, k, v] = &self.matrices;
        q.fill(values, layer, &weights.q)?;
        k.fill(values, layer, &weights.k)?;
        v.fill(values, layer, &weights.v)?;
        self.project.fill(values, layer, &weights.attn_out)?;
        let Some((angles, _)) = &self.rotation else {
            return Ok(());
        };
        let rotation = rotation.expect("a model with rotary positions has rotations");
        let factors = |gains| rotation.factors(self.pairs, 0..self.positions, gains);
        let Some(norms) = &self.qk_norm else {
            // Those of queries are those of keys.
            return angles[0].fill(values, layer, &factors(None));
        };
        let own = weights.qk_norm.as_ref();
        let own = own.expect("a model that normalizes queries and keys has both norms");
        for ((norm, angles), own) in norms.iter().zip(angles).zip(own) {
            norm.fill_weights(values, layer, own)?;
            angles.fill(values, layer, &factors(Some(&own.gain)))?;
        }
        Ok(())
    }

    /// Sets activations and witnesses, from each layer's trace.
    pub fn fill(
        &self,
        values: &mut Values<'_>,
        traces: &[&AttentionTrace],
    ) -> Result<(), OutOfRange> {
        let (d, n) = (self.width, self.positions);
        let inputs: Vec<&[i64]> = traces.iter().map(|t| t.input.as_slice()).collect();
        fill_stream(values, self.input, d, &inputs)?;
        let norms: Vec<_> = traces.iter().map(|t| &t.norm).collect();
        self.norm.fill(values, &inputs, &norms)?;
        // Features of an array [n][features]: all axes of `number` between layer and position, as one number.
        let program = values.program();
        let feature = |number: &Number| {
            let lens = number.lens(program);
            let features = lens[1..lens.len() - 1].to_vec();
            let width: usize = features.iter().product();
            move |at: &[usize]| {
                let indices = at[1..].iter().zip(&features);
                let feature = indices.fold(0, |sum, (i, len)| sum * len + i);
                at[at.len() - 1] * width + feature
            }
        };
        for (i, Projected { number, remainder }) in self.projected.iter().enumerate() {
            let feature = feature(number);
            let acc = |at: &[usize]| {
                let t = traces[at[0]];
                [&t.q_acc, &t.k_acc, &t.v_acc][i][feature(at)]
            };
            match remainder {
                None => number.fill(values, |at| acc(at).into())?,
                Some(remainder) => {
                    number.fill(values, |at| rounded(acc(at).into(), PRODUCT_SHIFT))?;
                    remainder.fill(values, |at| acc(at).into())?;
                }
            }
        }
        for (i, norm) in self.qk_norm.iter().flatten().enumerate() {
            let inputs = traces.iter().map(|t| [&t.q_acc[..], &t.k_acc][i]);
            let inputs: Vec<&[i64]> = inputs.collect();
            let own = traces.iter().flat_map(|t| &t.qk_norm).map(|both| &both[i]);
            let own: Vec<_> = own.collect();
            norm.fill(values, &inputs, &own, feature(&norm.norm.out))?;
        }
        if let Some((_, rotated)) = &self.rotation {
            for (i, rotated) in rotated.iter().enumerate() {
                let feature = feature(&rotated.out);
                rotated.fill(values, |at| {
                    let t = traces[at[0]];
                    [&t.q_rotated_acc, &t.k_rotated_acc][i][feature(at)]
                })?;
            }
        }
        // [layer, head, group, position, source] of an array [H][n][n]
        let row = |at: &[usize]| (at[1] * self.group + at[2]) * n + at[3];
        let pair = |at: &[usize]| row(at) * n + at[4];
        let z = |at: &[usize]| i128::from(traces[at[0]].z[pair(at)]);
        self.max
            .fill(values, |at| traces[at[0]].max[row(at)].into())?;
        values.fill(self.key, |at| z(at).min(LAST_KEY))?;
        self.beyond.fill(values, |at| (z(at) - LAST_KEY).max(0))?;
        values.fill(self.top, |at| {
            // The first of the row, in case there are several.
            let t = traces[at[0]];
            let row = &t.z[row(at) * n..][..at[3] + 1];
            i128::from(row.iter().position(|z| *z == 0) == Some(at[4]))
        })?;
        self.score_remainder
            .fill(values, |at| traces[at[0]].score_acc[pair(at)].into())?;
        let total = |at: &[usize]| -> i128 {
            let e = &traces[at[0]].e[row(at) * n..][..n];
            e.iter().map(|e| i128::from(*e)).sum()
        };
        let r = |at: &[usize]| i128::from(traces[at[0]].recip[row(at)]);
        let one = i128::from(PROB_ONE) << PROB_SHIFT;
        let below = |at: &[usize]| one - r(at) * total(at);
        self.reciprocal.fill(values, r)?;
        self.below.fill(values, below)?;
        self.above.fill(values, |at| total(at) - 1 - below(at))?;
        self.probability
            .fill(values, |at| traces[at[0]].p[pair(at)].into())?;
        self.probability_remainder.fill(values, |at| {
            i128::from(traces[at[0]].e[pair(at)]) * r(&at[..4])
        })?;
        let feature = feature(&self.context);
        let acc = |at: &[usize]| traces[at[0]].o_acc[feature(at)];
        self.context
            .fill(values, |at| rounded(acc(at).into(), PRODUCT_SHIFT))?;
        self.context_remainder.fill(values, |at| acc(at).into())?;
        let outputs: Vec<&[i64]> = traces.iter().map(|t| t.output.as_slice()).collect();
        let accs: Vec<&[i64]> = traces.iter().map(|t| t.out_acc.as_slice()).collect();
        self.residual.fill(values, d, &outputs, &accs)
    }
}

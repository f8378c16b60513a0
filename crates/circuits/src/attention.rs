//! Causal self-attention: scores, softmax, and the products of activations with activations.
//!
//! Scores, probabilities and their like are `H·n·n` cells: head `h`, query position `t`, key position
//! `s` at row `base + h·S + t·n + s`, with `S = max(c·n, n²)` rows to a head. A row `(h, t)` has its
//! statistics in the four first cells of the same block in a further plane.
//!
//! | gate | degree | constraint | meaning |
//! |---|---|---|---|
//! | `head_first`, `head_same`, `head_next_*` | 2 | `g↓ = ρ·g` at a head's end | weight of each head in a fold over heads |
//! | `fold_q`, `fold_p` (`_last`) | 3 | `r = g·v + λ·r↓` | folds queries and probabilities over query positions |
//! | `fold_k`, `fold_v` (`_last`) | 2 | `r = v + λ·r↓` | folds keys over key positions, values over features |
//! | `far`, `far_zero` | 3 | `far` is a bit; `w = 0` unless `far` | `z = z_lo + 2^16·(w + far)`: `far` iff `z ≥ 2^16` |
//! | `far_masked` | 2 | `far = 1` | a masked position has no weight, whatever its score |
//! | `exp_product` | 3 | `E1·E0 + 2^15 = e·2^16 + rem` | the exponential (8-bit limbs only) |
//! | `exp_used` | 3 | `e' = (1 − far)·e` | |
//! | `top`, `top_zero`, `top_masked` | 3 | a bit; `z = 0` where set; unset where masked | marks a maximum |
//! | `row_sum_first`, `row_sum_next` | 2 | `s = s↑ + e' + 2^64·top` | sum of exponentials, and number of marks |
//! | `row_carry` | 2 | `v = v↑` | reciprocal and maximum are the same along a row |
//! | `row_recip`, `row_max` | 2 | | they are the ranged ones |
//! | `row_divide` | 3 | `recip·E + a = 65535·2^32` | with `E = s − 2^64`: exactly one mark |
//! | `row_remainder` | 2 | `E − 1 − a = b` | `a < E`; both ranged |
//! | `probability` | 3 | `e'·recip + 2^31 = p·2^32 + rem` | |
//!
//! The maximum is ranged, so a score is an integer and its remainder unique; it is at least every
//! unmasked score because `z` is not negative, and equal to one of them by the mark. The mark has
//! weight 2^64 while everything ranged in a row is below 2^48: no other number of marks passes.

use nanozk_executor::spec::{MASK, PROB_ONE, PROB_SHIFT};
use nanozk_executor::tables::ExpTable;
use nanozk_executor::AttentionTrace;

use crate::composer::{Composer, Limbs, Space, Spot, Strip, TooLarge};
use crate::ir::*;
use crate::layer::BlockShape;
use crate::lookup::Tag;
use crate::mlp::{Residual, Rounded};
use crate::norm::Norm;
use crate::region::Matrix;
use crate::witness::Witness;

/// Bits of row statistics; a row of lanes must hold as many.
pub const ROW_BITS: u32 = 40;
const MARK: i128 = 1 << 64;
const MAX_OFFSET: i64 = 1 << 31;

/// The attention half of a block.
pub struct Attention {
    shape: BlockShape,
    /// LayerNorm.
    pub norm: Norm,
    /// Queries.
    pub q: Rounded,
    /// Keys.
    pub k: Rounded,
    /// Values.
    pub v: Rounded,
    /// Scores to probabilities.
    pub scores: Scores,
    /// Probabilities times values.
    pub context: Rounded,
    /// Outgoing residual.
    pub out: Residual,
    /// Matrix of queries, keys and values.
    pub qkv: Matrix,
    /// Output projection.
    pub proj: Matrix,
}

/// Where the scores and what follows from them lie.
pub struct Scores {
    base: usize,
    /// Rows of a head.
    stride: usize,
    /// Rows of a plane.
    pub plane: usize,
    /// Plane of the statistics.
    pub stats: usize,
    /// Limbs of a score's remainder.
    pub rem: Limbs,
    /// Exponential of the distance's low part.
    pub exp: Exp,
    /// `z >> 16`, less one unless zero.
    pub w: Limbs,
    /// Whether `z ≥ 2^16`.
    pub far: Spot,
    /// Whether the maximum is taken from here.
    pub top: Spot,
    /// Limbs of the exponential, zero if far.
    pub used: Limbs,
    /// Limbs of the probability.
    pub p: Limbs,
    /// Limbs of its remainder.
    pub p_rem: Limbs,
    accumulator: Poly,
    p_value: Poly,
}

/// Cells of an exponential.
pub enum Exp {
    /// Distance; the exponential is its partner.
    Direct {
        /// Low part of the distance.
        z: Spot,
        /// Exponential.
        e: Column,
    },
    /// By a product of two exponentials.
    Split {
        /// Second byte of the distance.
        high: Spot,
        /// First byte of the distance.
        low: Spot,
        /// Exponentials of both, beside them.
        table: Column,
        /// Limbs of the product.
        e: Limbs,
        /// Limbs of its remainder.
        rem: Limbs,
    },
}

impl Scores {
    /// Row of a score.
    pub fn row(&self, n: usize, h: usize, t: usize, s: usize) -> usize {
        self.base + h * self.stride + t * n + s
    }
}

/// The masked cells of all heads: key positions after the query's.
fn masked_spans(base: usize, stride: usize, n: usize, heads: usize) -> Vec<Span> {
    (0..n - 1)
        .map(|t| Span::strided(base + t * n + t + 1, n - 1 - t, stride, heads))
        .collect()
}

impl Composer {
    /// Composes the attention half of a block between two residual columns.
    pub fn attention(
        &mut self,
        shape: &BlockShape,
        input: Column,
        output: Column,
    ) -> Result<Attention, TooLarge> {
        let (n, d, heads) = (self.n, shape.width, shape.heads);
        let c = d / heads;
        let stride = (c * n).max(n * n);
        let out = self.residual(input, output, d)?;
        let norm = self.norm(input, d, shape.norm_frac, shape.eps)?;
        let q = self.rounded("queries", (1, d, d * n), 0)?;
        let k = self.rounded("keys", (1, d, d * n), q.strips[0].base)?;
        let v = self.rounded("values", (heads, c, stride), k.strips[0].base)?;
        let scores = self.scores(shape, stride)?;
        let context = self.rounded("context", (1, d, d * n), 0)?;
        self.attention_products(shape, &q, &k, &v, &scores, &context);
        // One matrix for all three projections; each keeps its own accumulators.
        assert_eq!(q.accumulator, v.accumulator, "one plane each");
        let segments: Vec<Strip> = [&q, &k, &v].iter().flat_map(|r| r.strips.clone()).collect();
        let qkv = self.matrix("qkv", norm.out.clone(), &segments, q.accumulator.clone())?;
        let source = (context.strips[0], context.value.clone());
        let proj = self.matrix("attn_out", source, &[out.strip], out.accumulator.clone())?;
        Ok(Attention {
            shape: *shape,
            norm,
            q,
            k,
            v,
            scores,
            context,
            out,
            qkv,
            proj,
        })
    }

    /// Scores to probabilities.
    fn scores(&mut self, shape: &BlockShape, stride: usize) -> Result<Scores, TooLarge> {
        let (n, heads) = (self.n, shape.heads);
        let plane = heads * stride;
        let direct = self.plan.limb == 16;
        let (rem_whole, rem_rest) = self.limbs_of(shape.score_shift);
        let sixteen = 16 / self.plan.limb as usize;
        let tagged = usize::from(rem_rest > 0) + if direct { 1 } else { 2 };
        // w, e', p; remainder of p; two bits; and e with its remainder.
        let plain = rem_whole
            + 3 * sixteen
            + (PROB_SHIFT / self.plan.limb) as usize
            + 2
            + if direct { 0 } else { 2 * sixteen };
        let (mut tagged, mut plain, planes) = self.place(tagged, plain, plane);
        // The copies of row statistics take planes 1 and 2 of the auxiliary column.
        let planes = planes.max(3);
        let base = self.alloc(
            "scores",
            &[Space::Lanes, Space::Aux, Space::Run],
            (planes + 1) * plane,
        )?;
        let heads_span =
            |offset: usize, len: usize| Span::strided(base + offset, len, stride, heads);
        let all = heads_span(0, n * n);
        let none = &mut vec![];
        let rem = self.take(shape.score_shift, &mut plain, &mut tagged);
        if rem_rest > 0 {
            let spot = rem.0[rem.0.len() - 1].0;
            self.tag_rows(heads_span(spot.offset, n * n), Tag::Bits(rem_rest));
        }
        let w = self.take(16, &mut plain, none);
        let used = self.take(16, &mut plain, none);
        let p = self.take(16, &mut plain, none);
        let p_rem = self.take(PROB_SHIFT, &mut plain, none);
        let (far, top) = (plain.remove(0), plain.remove(0));
        let (z_low, e, exp) = if direct {
            let z = tagged.remove(0);
            self.tag_rows(heads_span(z.offset, n * n), Tag::Exp);
            let e = self.partner(0);
            (self.at(z), e.at(z.offset as i32), Exp::Direct { z, e })
        } else {
            let (high, low) = (tagged.remove(0), tagged.remove(0));
            self.tag_rows(heads_span(high.offset, n * n), Tag::ExpHigh);
            self.tag_rows(heads_span(low.offset, n * n), Tag::ExpLow);
            let table = self.partner(0);
            let (e, rem) = (
                self.take(16, &mut plain, none),
                self.take(16, &mut plain, none),
            );
            let (e_value, rem_value) = (self.value(&e), self.value(&rem));
            self.gate_on(
                "exp_product",
                "the exponential of both bytes, rounded",
                &[all],
                table.at(high.offset as i32) * table.at(low.offset as i32) + Poly::int(1 << 15)
                    - e_value.clone() * (1 << 16)
                    - rem_value,
            );
            (
                self.at(high) * 256 + self.at(low),
                e_value,
                Exp::Split {
                    high,
                    low,
                    table,
                    e,
                    rem,
                },
            )
        };

        let masked = masked_spans(base, stride, n, heads);
        let bit = |b: Poly| b.clone() * b.clone() - b;
        let far_v = self.at(far);
        let top_v = self.at(top);
        let w_v = self.value(&w);
        let used_v = self.value(&used);
        let z = z_low + (w_v.clone() + far_v.clone()) * (1 << 16);
        self.gate_on("far", "a bit", &[all], bit(far_v.clone()));
        self.gate_on(
            "far_zero",
            "not far: below 2^16",
            &[all],
            w_v.clone() - w_v * far_v.clone(),
        );
        self.gate_on(
            "far_masked",
            "masked positions are far",
            &masked,
            far_v.clone() - Poly::int(1),
        );
        self.gate_on(
            "exp_used",
            "no weight if far",
            &[all],
            used_v.clone() - e.clone() + e * far_v,
        );
        self.gate_on("top", "a bit", &[all], bit(top_v.clone()));
        self.gate_on(
            "top_zero",
            "a marked score is the maximum",
            &[all],
            top_v.clone() * z.clone(),
        );
        self.gate_on(
            "top_masked",
            "a masked score is not marked",
            &masked,
            top_v.clone(),
        );

        let aux = self.aux;
        let add = used_v.clone() + top_v * MARK;
        let first = Span::strided(base, 1, n, n);
        let by_head = |span: Span, offset: usize| -> Vec<Span> {
            (0..heads)
                .map(|h| Span {
                    start: span.start + offset + h * stride,
                    ..span
                })
                .collect()
        };
        let rest = Span::strided(base + 1, n - 1, n, n);
        self.gate_on(
            "row_sum_first",
            "a row's sum starts",
            &by_head(first, 0),
            aux.cur() - add.clone(),
        );
        self.gate_on(
            "row_sum_next",
            "and takes up each position",
            &by_head(rest, 0),
            aux.cur() - aux.at(-1) - add,
        );
        let carried = [by_head(rest, plane), by_head(rest, 2 * plane)].concat();
        self.gate_on(
            "row_carry",
            "reciprocal and maximum do not change along a row",
            &carried,
            aux.cur() - aux.at(-1),
        );

        // Statistics of a row: reciprocal, slack, its complement, maximum; one row of lanes each.
        let stats = planes * plane;
        let limbs = ROW_BITS.div_ceil(self.plan.limb) as usize;
        let sum = self.wide_sum(limbs);
        for span in by_head(Span::strided(base, 4, n, n), stats) {
            self.wide_gate("first", limbs, span, aux.cur() - sum.clone());
        }
        let rows = by_head(first, stats);
        let back = |planes_back: usize| -((stats - planes_back * plane) as i32);
        let total = aux.at(back(0) + n as i32 - 1) - Poly::int(MARK);
        self.gate_on(
            "row_recip",
            "the reciprocal used is the ranged one",
            &rows,
            aux.cur() - aux.at(back(1)),
        );
        self.gate_on(
            "row_divide",
            "reciprocal times sum, up to the slack",
            &rows,
            aux.cur() * total.clone() + aux.at(1) - Poly::int(i128::from(PROB_ONE) << PROB_SHIFT),
        );
        self.gate_on(
            "row_remainder",
            "the slack is below the sum",
            &rows,
            total - Poly::int(1) - aux.at(1) - aux.at(2),
        );
        self.gate_on(
            "row_max",
            "the maximum used is the ranged one",
            &rows,
            aux.at(3) - aux.at(back(2)) - Poly::int(MAX_OFFSET.into()),
        );
        let p_value = self.value(&p);
        let p_rem_value = self.value(&p_rem);
        self.gate_on(
            "probability",
            "exponential times reciprocal, rounded",
            &[all],
            used_v * aux.at(plane as i32) + Poly::int(1 << (PROB_SHIFT - 1))
                - p_value.clone() * (1i128 << PROB_SHIFT)
                - p_rem_value,
        );
        let shift = 1i128 << shape.score_shift;
        let accumulator =
            (aux.at(2 * plane as i32) - z) * shift + self.value(&rem) - Poly::int(shift / 2);

        Ok(Scores {
            base,
            stride,
            plane,
            stats,
            rem,
            exp,
            w,
            far,
            top,
            used,
            p,
            p_rem,
            accumulator,
            p_value,
        })
    }

    /// `q·k` and `p·v`, for all heads at once.
    fn attention_products(
        &mut self,
        shape: &BlockShape,
        q: &Rounded,
        k: &Rounded,
        v: &Rounded,
        s: &Scores,
        context: &Rounded,
    ) {
        let (n, d, heads) = (self.n, shape.width, shape.heads);
        let c = d / heads;
        let run = self.run.expect("attention has a column of running folds");
        let beta = |e: usize| Scalar::pow(Challenge::Beta, e as u64);
        let (qb, kb, vb, ob) = (
            q.strips[0].base,
            k.strips[0].base,
            v.strips[0].base,
            context.strips[0].base,
        );

        // Weight of a head: on the rows of the queries for q·k, of the scores for p·v.
        let head = self.column("head weight", Kind::Second, false);
        let (q_head, s_head) = (c * n, s.stride);
        self.gate_on(
            "head_first",
            "the first head has weight one",
            &[Span::row(qb), Span::row(s.base)],
            head.cur() - Poly::int(1),
        );
        let same = [
            Span::strided(qb, q_head - 1, q_head, heads),
            Span::strided(s.base, s_head - 1, s_head, heads),
        ];
        self.gate_on(
            "head_same",
            "all rows of a head have its weight",
            &same,
            head.at(1) - head.cur(),
        );
        let steps = [("q", qb, q_head, s.stride), ("s", s.base, s_head, c * n)];
        for (name, base, rows, exponent) in steps {
            let ratio = beta(exponent);
            if heads > 1 {
                self.gate_on(
                    &format!("head_next_{name}"),
                    "the next head has the next power",
                    &[Span::strided(base + rows - 1, 1, rows, heads - 1)],
                    head.at(1) - head.cur() * ratio.clone(),
                );
            }
            for h in 0..heads {
                let start = base + h * rows;
                let value = if h == 0 {
                    Poly::int(1)
                } else {
                    head.at(-1) * ratio.clone()
                };
                self.steps.push(Step::Assign {
                    column: head,
                    rows: Span::row(start),
                    descending: false,
                    value,
                });
                self.steps.push(Step::Assign {
                    column: head,
                    rows: Span::run(start + 1, rows - 1),
                    descending: false,
                    value: head.at(-1),
                });
            }
        }

        // Folds. `next` rows below is the next element; the last element starts the fold.
        let weighted_q = head.cur() * q.value.clone();
        let weighted_p = head.cur() * s.p_value.clone();
        let by_head = |base: usize,
                       stride: usize,
                       start: usize,
                       len: usize,
                       step: usize,
                       count: usize|
         -> Vec<Span> {
            (0..heads)
                .map(|h| Span::strided(base + h * stride + start, len, step, count))
                .collect()
        };
        type Fold = (&'static str, Poly, usize, Scalar, Vec<Span>, Vec<Span>);
        let folds: [Fold; 4] = [
            (
                "fold_q",
                weighted_q,
                1,
                beta(n),
                vec![Span::strided(qb, n - 1, n, d)],
                vec![Span::strided(qb + n - 1, 1, n, d)],
            ),
            (
                "fold_k",
                k.value.clone(),
                1,
                beta(1),
                vec![Span::strided(kb, n - 1, n, d)],
                vec![Span::strided(kb + n - 1, 1, n, d)],
            ),
            (
                "fold_v",
                v.value.clone(),
                n,
                beta(n),
                by_head(vb, s.stride, 0, (c - 1) * n, 1, 1),
                by_head(vb, s.stride, (c - 1) * n, n, 1, 1),
            ),
            (
                "fold_p",
                weighted_p,
                n,
                beta(1),
                by_head(s.base, s.stride, 0, (n - 1) * n, 1, 1),
                by_head(s.base, s.stride, (n - 1) * n, n, 1, 1),
            ),
        ];
        for (name, value, next, factor, body, last) in folds {
            let body: Vec<Span> = body.into_iter().filter(|s| s.len > 0).collect();
            let step = value.clone() + run.at(next as i32) * factor;
            for span in &last {
                self.steps.push(Step::Assign {
                    column: run,
                    rows: *span,
                    descending: true,
                    value: value.clone(),
                });
            }
            for span in &body {
                self.steps.push(Step::Assign {
                    column: run,
                    rows: *span,
                    descending: true,
                    value: step.clone(),
                });
            }
            if !body.is_empty() {
                self.gate_on(name, "folds", &body, run.cur() - step);
            }
            self.gate_on(
                &format!("{name}_last"),
                "a fold starts with its last element",
                &last,
                run.cur() - value,
            );
        }

        // q·k against the scores' accumulators.
        let powers = self.powers;
        let eq = self.equation();
        let all = Span::strided(s.base, n * n, s.stride, heads);
        let q_scores = self.selector("scores", &[all]);
        let masked = masked_spans(s.base, s.stride, n, heads);
        let q_masked = self.selector("masked", &masked);
        let mask = Scalar::int(i128::from(MASK) << shape.score_shift);
        self.sum(q_scores.cur() * powers.cur() * s.accumulator.clone() * eq.clone());
        self.sum(q_masked.cur() * powers.cur() * (mask * eq.clone()));
        let dots = self.selector("qk_dot", &[Span::strided(qb, 1, n, d)]);
        self.sum(dots.cur() * run.cur() * run.at(kb as i32 - qb as i32) * (-(eq * beta(s.base))));
        // p·v against the context's accumulators.
        let eq = self.equation();
        self.sum_strip(
            "context",
            context.strips[0],
            context.accumulator.clone(),
            eq.clone(),
        );
        let dots = self.selector("pv_dot", &[Span::strided(s.base, n, s.stride, heads)]);
        self.sum(dots.cur() * run.cur() * run.at(vb as i32 - s.base as i32) * (-(eq * beta(ob))));
    }
}

impl Attention {
    /// Writes the witness of a trace.
    pub fn assign(&self, c: &Composer, w: &mut Witness, trace: &AttentionTrace) {
        self.norm.assign(c, w, &trace.input, &trace.norm);
        self.q.assign(c, w, &trace.q_acc);
        self.k.assign(c, w, &trace.k_acc);
        self.v.assign(c, w, &trace.v_acc);
        self.context.assign(c, w, &trace.o_acc);
        self.out.assign(c, w, &trace.out_acc, &trace.output);
        self.qkv.assign_inputs(c, w, &trace.norm.out);
        let context: Vec<i64> = trace
            .o_acc
            .iter()
            .map(|&a| crate::mlp::round(a).0)
            .collect();
        self.proj.assign_inputs(c, w, &context);
        self.assign_scores(c, w, trace);
    }

    /// The matrices in the order of `qkv`, `attn_out`.
    pub fn matrices(&self) -> [&Matrix; 2] {
        [&self.qkv, &self.proj]
    }

    fn assign_scores(&self, c: &Composer, w: &mut Witness, trace: &AttentionTrace) {
        let (n, s) = (c.n, &self.scores);
        let shift = self.shape.score_shift;
        let exp = ExpTable::get();
        for h in 0..self.shape.heads {
            for t in 0..n {
                let (max, recip) = (trace.max[h * n + t], trace.recip[h * n + t]);
                let mut sum = 0i128;
                let mut marked = false;
                for key in 0..n {
                    let at = (h * n + t) * n + key;
                    let row = s.row(n, h, t, key);
                    let biased = trace.score_acc[at] + (1i64 << (shift - 1));
                    let z = trace.z[at] as u64;
                    let (e, p) = (trace.e[at], trace.p[at]);
                    w.limbs(&s.rem, row, (biased & ((1 << shift) - 1)) as u128);
                    let (low, high) = (z & 0xffff, z >> 16);
                    match &s.exp {
                        Exp::Direct { z, e } => {
                            w.lane(*z, row, low);
                            w.set(*e, row + z.offset, exp.eval(low).into());
                        }
                        Exp::Split {
                            high,
                            low: low_spot,
                            table,
                            e,
                            rem,
                        } => {
                            let (z1, z0) = ((low >> 8) as usize, (low & 255) as usize);
                            w.lane(*high, row, z1 as u64);
                            w.lane(*low_spot, row, z0 as u64);
                            w.set(*table, row + high.offset, exp.e1[z1].into());
                            w.set(*table, row + low_spot.offset, exp.e0[z0].into());
                            let product = exp.e1[z1] * exp.e0[z0] + (1 << 15);
                            w.limbs(e, row, (product >> 16) as u128);
                            w.limbs(rem, row, (product & 0xffff) as u128);
                        }
                    }
                    let far = u64::from(high > 0);
                    w.limbs(&s.w, row, u128::from(high - far));
                    w.lane(s.far, row, far);
                    let top = !marked && z == 0 && key <= t;
                    marked |= top;
                    w.lane(s.top, row, top.into());
                    w.limbs(&s.used, row, e as u128);
                    sum += i128::from(e) + if top { MARK } else { 0 };
                    w.set(c.aux, row, sum);
                    w.set(c.aux, row + s.plane, recip.into());
                    w.set(c.aux, row + 2 * s.plane, max.into());
                    let product = i128::from(e) * i128::from(recip) + (1 << (PROB_SHIFT - 1));
                    w.limbs(&s.p, row, p as u128);
                    w.limbs(
                        &s.p_rem,
                        row,
                        (product - (i128::from(p) << PROB_SHIFT)) as u128,
                    );
                }
                let total = sum - MARK;
                let slack = (i128::from(PROB_ONE) << PROB_SHIFT) - i128::from(recip) * total;
                let row = s.row(n, h, t, 0) + s.stats;
                let stats = [
                    i128::from(recip),
                    slack,
                    total - 1 - slack,
                    i128::from(max + MAX_OFFSET),
                ];
                for (j, value) in stats.into_iter().enumerate() {
                    let limbs = ROW_BITS.div_ceil(c.plan.limb);
                    for l in 0..limbs {
                        let v = (value >> (l * c.plan.limb)) as u64;
                        let v = if l + 1 == limbs {
                            v
                        } else {
                            v & ((1 << c.plan.limb) - 1)
                        };
                        w.lane(
                            Spot {
                                lane: l as usize,
                                offset: 0,
                            },
                            row + j,
                            v,
                        );
                    }
                    w.set(c.aux, row + j, value);
                }
            }
        }
    }
}

//! LayerNorm without division by the width: `x̂ = rs((x − mean)·r, 32)` with `r` the reciprocal root.
//!
//! The committed input is unsigned, `x' = x + 2^31`; the variance does not change by a shift.
//!
//! | gate | degree | constraint | meaning |
//! |---|---|---|---|
//! | `norm_sums_first`, `norm_sums_next` | 3 | `u = u↑ + x' + 2^48·x'^2` | sums of values and squares in one number |
//! | `norm_sums` | 2 | `u = d·mean + rest + 2^48·q` | both sums; `d·mean + rest < 2^48`, so the split is unique |
//! | `norm_variance` | 3 | `v = d·q − (d·mean + rest)² + eps` | the variance, scaled |
//! | `norm_root` | 3 | `rv = r·v` | |
//! | `norm_below` | 3 | `r·rv + a = N` | `r²·v ≤ N`: the slack `a` is ranged |
//! | `norm_above` | 2 | `2·rv + v − 1 − a = b` | `(r+1)²·v > N`: the slack `b` is ranged |
//! | `norm_copy_r`, `norm_copy_mean` | 2 | | the first feature's copies are the checked values |
//! | `norm_carry` | 2 | `s = s↑` | and all features have the same |
//! | `norm_out` | 3 | `(x' − mean)·r + 2^31 = x̂·2^32 + rem` | the normalized value; the remainder is ranged |
//! | `wide_*` | 2 | `s = 2^(…)·s↑ + Σ limbs` | a ranged wide number from its limbs |
//!
//! No wrap: `r < 2^48`, `q < 2^96`, `a, b < 2^128`, so every side of every equation is below `2^210`;
//! `(x' − mean)·r < 2^81`.

use nanozk_executor::spec::{NORM_SHIFT, RESIDUAL_BITS};
use nanozk_executor::LayerNormTrace;

use crate::composer::{Composer, Limbs, Space, Strip, TooLarge};
use crate::ir::*;
use crate::lookup::Tag;
use crate::witness::Witness;

/// Offset of a committed residual value.
pub const RESIDUAL_OFFSET: i64 = 1 << (RESIDUAL_BITS - 1);
/// Position of the sum of squares in the packed sums.
const PACK: u32 = 48;
const SQUARES_BITS: u32 = 96;
const ROOT_BITS: u32 = 48;
const SLACK_BITS: u32 = 128;

/// A ranged number in `rows` blocks of `n` rows, most significant limbs first.
#[derive(Clone, Copy, Debug)]
pub struct Wide {
    /// First row.
    pub base: usize,
    /// Number of limbs.
    pub limbs: usize,
}

/// LayerNorm placed in a program.
pub struct Norm {
    /// Normalized values, as a strip and its expression (signed).
    pub out: (Strip, Poly),
    width: usize,
    frac: u32,
    eps: u64,
    /// Running sums of values and squares, one row per feature and position.
    pub sums: usize,
    /// Copies of the reciprocal root, likewise; the anchor of the normalized values.
    pub r: usize,
    /// Copies of the mean, likewise.
    pub mean: usize,
    /// Limbs of a normalized value.
    pub out_limbs: Limbs,
    /// Limbs of its remainder.
    pub rem: Limbs,
    /// Sum of squares.
    pub q: Wide,
    /// Slack of `r²·v ≤ N`.
    pub below: Wide,
    /// Slack of `(r+1)²·v > N`.
    pub above: Wide,
    /// Remainder of the mean, one row per position.
    pub rest: usize,
    /// The mean.
    pub mean_value: Wide,
    /// The reciprocal root.
    pub r_value: Wide,
    /// The variance, one row per position.
    pub variance: usize,
    /// Reciprocal root times variance, one row per position.
    pub root: usize,
}

impl Composer {
    /// Blocks of `n` rows a number of `bits` bits takes.
    fn wide_rows(&self, bits: u32) -> usize {
        ((bits / self.plan.limb) as usize).div_ceil(self.plan.lanes)
    }

    /// Rows a number of `bits` bits at `base`, one per position; its value is in `aux`, in the last block.
    fn wide(&mut self, base: usize, bits: u32) -> Wide {
        assert_eq!(bits % self.plan.limb, 0);
        let wide = Wide {
            base,
            limbs: (bits / self.plan.limb) as usize,
        };
        let rows = self.wide_rows(bits);
        let n = self.n;
        for row in 0..rows {
            let count = self.wide_limbs(wide, row);
            let sum = self.wide_sum(count);
            let aux = self.aux;
            let start = base + row * n;
            let kind = if row == 0 { "first" } else { "next" };
            let carried = if row == 0 {
                Poly::zero()
            } else {
                aux.at(-(n as i32)) * (1i128 << (self.plan.limb as usize * count))
            };
            self.wide_gate(kind, count, Span::run(start, n), aux.cur() - sum - carried);
        }
        wide
    }

    /// Limbs in block `row` of a wide number.
    fn wide_limbs(&self, wide: Wide, row: usize) -> usize {
        let lanes = self.plan.lanes;
        let rows = wide.limbs.div_ceil(lanes);
        if row == 0 {
            wide.limbs - lanes * (rows - 1)
        } else {
            lanes
        }
    }

    /// `Σ 2^(limb·j)·lane_j` over the first `count` lanes.
    pub(crate) fn wide_sum(&self, count: usize) -> Poly {
        (0..count).fold(Poly::zero(), |acc, j| {
            acc + self.lanes[j].cur() * (1i128 << (self.plan.limb as usize * j))
        })
    }

    /// Rows of the last block of a wide number.
    fn wide_end(&self, wide: Wide) -> usize {
        wide.base + (wide.limbs.div_ceil(self.plan.lanes) - 1) * self.n
    }

    fn assign_wide(&self, w: &mut Witness, wide: Wide, t: usize, value: u128) {
        let rows = wide.limbs.div_ceil(self.plan.lanes);
        let mut left = wide.limbs;
        for row in 0..rows {
            let count = self.wide_limbs(wide, row);
            left -= count;
            let at = wide.base + row * self.n + t;
            let above = value >> (left as u32 * self.plan.limb);
            for j in 0..count {
                let top = row == 0 && j + 1 == count;
                let v = above >> (j as u32 * self.plan.limb);
                let v = if top {
                    v as u64
                } else {
                    (v & ((1 << self.plan.limb) - 1)) as u64
                };
                w.lane(crate::composer::Spot { lane: j, offset: 0 }, at, v);
            }
            w.set(self.aux, at, above as i128);
        }
    }

    /// Normalizes a residual column, whose feature `i` at position `t` is in row `i·n + t`.
    pub fn norm(
        &mut self,
        input: Column,
        width: usize,
        frac: u32,
        eps: u64,
    ) -> Result<Norm, TooLarge> {
        let n = self.n;
        let cells = width * n;
        let at = |from: usize, to: usize| to as i32 - from as i32;

        // Normalized values and the copies of r lie side by side.
        let (whole, _) = self.limbs_of(16 + NORM_SHIFT);
        let (_, mut plain, planes) = self.place(0, whole, cells);
        let out_limbs = self.take(16, &mut plain, &mut vec![]);
        let rem = self.take(NORM_SHIFT, &mut plain, &mut vec![]);
        let r = self.alloc(
            "normalized values",
            &[Space::Lanes, Space::Aux],
            planes * cells,
        )?;
        let mean = self.alloc("means", &[Space::Aux], cells)?;
        let sums = self.alloc("sums", &[Space::Aux], cells)?;

        // Statistics: one block of n rows after the other.
        let blocks = [
            SQUARES_BITS,
            SLACK_BITS,
            SLACK_BITS,
            RESIDUAL_BITS,
            ROOT_BITS,
        ]
        .map(|b| self.wide_rows(b));
        let total = blocks.iter().sum::<usize>() + 3;
        let stats = self.alloc("statistics", &[Space::Lanes, Space::Aux], total * n)?;
        let mut next = stats;
        let mut take = |rows: usize| {
            next += rows * n;
            next - rows * n
        };
        let bases = blocks.map(&mut take);
        let rest = take(1);
        let variance = take(1);
        let root = take(1);
        let q = self.wide(bases[0], SQUARES_BITS);
        let below = self.wide(bases[1], SLACK_BITS);
        let above = self.wide(bases[2], SLACK_BITS);
        let mean_value = self.wide(bases[3], RESIDUAL_BITS);
        let r_value = self.wide(bases[4], ROOT_BITS);

        let aux = self.aux;
        let x = |row: usize| input.at(-(row as i32));
        let packed = |x: Poly| x.clone() + x.clone() * x * (1i128 << PACK);
        self.gate_on(
            "norm_sums_first",
            "the sums start with the first feature",
            &[Span::run(sums, n)],
            aux.cur() - packed(x(sums)),
        );
        if width > 1 {
            self.gate_on(
                "norm_sums_next",
                "each feature adds its value and square",
                &[Span::run(sums + n, cells - n)],
                aux.cur() - aux.at(-(n as i32)) - packed(x(sums)),
            );
        }
        // Anchored at the row of the ranged r.
        let a = self.wide_end(r_value);
        let cell = |row: usize| aux.at(at(a, row));
        let end_of = |c: &Self, w: Wide| c.wide_end(w);
        let (q_end, below_end, above_end, mean_end) = (
            end_of(self, q),
            end_of(self, below),
            end_of(self, above),
            end_of(self, mean_value),
        );
        let d = width as i128;
        let sum = cell(mean_end) * d + cell(rest);
        let rows = [Span::run(a, n)];
        self.gate_on(
            "norm_sums",
            "the packed sums are those of the values and of the squares",
            &rows,
            cell(sums + cells - n) - sum.clone() - cell(q_end) * (1i128 << PACK),
        );
        self.gate_on(
            "norm_variance",
            "d·Σx² − (Σx)² + eps",
            &rows,
            cell(variance) - cell(q_end) * d + sum.clone() * sum - Poly::int(eps.into()),
        );
        self.gate_on(
            "norm_root",
            "r·v",
            &rows,
            cell(root) - cell(a) * cell(variance),
        );
        let bound = Scalar::int(d * d)
            * Scalar::int(1i128 << (NORM_SHIFT + frac))
            * Scalar::int(1i128 << (NORM_SHIFT + frac));
        self.gate_on(
            "norm_below",
            "r²·v is at most N",
            &rows,
            cell(a) * cell(root) + cell(below_end) - Poly::scalar(bound),
        );
        self.gate_on(
            "norm_above",
            "(r+1)²·v is more than N",
            &rows,
            cell(root) * 2 + cell(variance) - Poly::int(1) - cell(below_end) - cell(above_end),
        );
        // rest < d
        self.tag_rows(Span::run(rest, n), Tag::Below(width as u32));
        let lane = self.lanes[0];
        self.gate_on(
            "norm_rest",
            "the remainder of the mean is below the width",
            &[Span::run(rest, n)],
            aux.cur() - lane.cur(),
        );

        self.gate_on(
            "norm_copy_r",
            "the copies of r start with the checked one",
            &[Span::run(r, n)],
            aux.cur() - aux.at(at(r, a)),
        );
        self.gate_on(
            "norm_copy_mean",
            "the copies of the mean start with the checked one",
            &[Span::run(mean, n)],
            aux.cur() - aux.at(at(mean, mean_end)),
        );
        if width > 1 {
            self.gate_on(
                "norm_carry",
                "all features of a position have the same r and mean",
                &[Span::run(r + n, cells - n), Span::run(mean + n, cells - n)],
                aux.cur() - aux.at(-(n as i32)),
            );
        }
        let strip = Strip {
            base: r,
            blocks: width,
        };
        let out = self.value(&out_limbs) - Poly::int(1 << 15);
        let centered = x(r) - aux.at(at(r, mean));
        let rem_value = self.value(&rem);
        self.gate_on(
            "norm_out",
            "the product, rounded to the normalized value",
            &[self.span(strip)],
            centered * aux.cur() + Poly::int(1 << (NORM_SHIFT - 1))
                - out.clone() * (1i128 << NORM_SHIFT)
                - rem_value,
        );
        Ok(Norm {
            out: (strip, out),
            width,
            frac,
            eps,
            sums,
            r,
            mean,
            out_limbs,
            rem,
            q,
            below,
            above,
            rest,
            mean_value,
            r_value,
            variance,
            root,
        })
    }

    /// Gates of wide numbers share a selector by shape.
    pub(crate) fn wide_gate(&mut self, kind: &str, count: usize, span: Span, body: Poly) {
        let key = format!("wide_{kind}_{count}");
        self.grouped_gate(key, "a wide number from its limbs", span, body);
    }
}

impl Norm {
    /// Writes the witness of a trace; `input` is position-major.
    pub fn assign(&self, c: &Composer, w: &mut Witness, input: &[i64], trace: &LayerNormTrace) {
        let (n, d) = (c.n, self.width);
        for t in 0..n {
            let (mean, r) = (trace.mean[t] + RESIDUAL_OFFSET, trace.rsqrt[t]);
            let mut sum = 0u128;
            let mut squares = 0u128;
            for i in 0..d {
                let x = (input[t * d + i] + RESIDUAL_OFFSET) as u128;
                sum += x;
                squares += x * x;
                let row = i * n + t;
                let packed = crate::witness::fr(squares as i128) * crate::witness::fr(1 << PACK)
                    + crate::witness::fr(sum as i128);
                w.set_fr(c.aux, self.sums + row, packed);
                w.set(c.aux, self.r + row, r.into());
                w.set(c.aux, self.mean + row, mean.into());
                let product = (i128::from(input[t * d + i]) - i128::from(trace.mean[t]))
                    * i128::from(r)
                    + (1 << (NORM_SHIFT - 1));
                let out = trace.out[t * d + i];
                let rem = product - (i128::from(out) << NORM_SHIFT);
                w.limbs(&self.out_limbs, self.r + row, (out + (1 << 15)) as u128);
                w.limbs(&self.rem, self.r + row, rem as u128);
            }
            // Wrapping: a value that is not the executor's ends outside its table.
            let v = (d as u128 * squares)
                .wrapping_sub(sum * sum)
                .wrapping_add(self.eps.into());
            let rv = (r as u128).wrapping_mul(v);
            let bound = ((d * d) as u128) << (2 * (NORM_SHIFT + self.frac));
            let below = bound.wrapping_sub((r as u128).wrapping_mul(rv));
            let above = rv
                .wrapping_mul(2)
                .wrapping_add(v)
                .wrapping_sub(1)
                .wrapping_sub(below);
            c.assign_wide(w, self.q, t, squares);
            c.assign_wide(w, self.below, t, below);
            c.assign_wide(w, self.above, t, above);
            c.assign_wide(w, self.mean_value, t, mean as u128);
            c.assign_wide(w, self.r_value, t, r as u128);
            let rest = sum.wrapping_sub((d as u128).wrapping_mul(mean as u128));
            w.lane(
                crate::composer::Spot { lane: 0, offset: 0 },
                self.rest + t,
                rest as u64,
            );
            w.set(c.aux, self.rest + t, rest as i128);
            w.set(c.aux, self.variance + t, v as i128);
            w.set(c.aux, self.root + t, rv as i128);
        }
    }
}

//! What follows from a false value until the outgoing residual stream.

use super::*;
use nanozk_circuits::mlp::Cells;
use nanozk_circuits::norm::RESIDUAL_OFFSET;
use nanozk_executor::ops::{linear, rs};
use nanozk_executor::spec::{ACT_OUT_OFFSET, MATMUL_SHIFT};
use nanozk_executor::tables::ActivationTable;

impl Case {
    /// Writes a statistic of a softmax row; what no limb can hold is in the last.
    pub fn put_statistic(&mut self, row: usize, value: i128) {
        let limb = self.setting.plan.limb;
        let limbs = nanozk_circuits::attention::ROW_BITS.div_ceil(limb);
        for l in 0..limbs {
            let rest = value >> (l * limb);
            let v = if l + 1 == limbs {
                rest
            } else {
                rest & ((1 << limb) - 1)
            };
            self.put_spot(
                Spot {
                    lane: l as usize,
                    offset: 0,
                },
                row,
                v,
            );
        }
        self.set("aux", row, int(value));
    }

    /// Writes the attention's output as it follows from the probabilities in the cells.
    pub fn attend(&mut self) {
        let layer = self.layer.clone();
        let a = layer.attention().expect("attention");
        let (n, d, heads) = (self.n(), self.setting.width, self.setting.heads);
        let c = d / heads;
        let v: Vec<i64> = self
            .attention
            .v_acc
            .iter()
            .map(|v| rs(*v, MATMUL_SHIFT))
            .collect();
        let mut acc = vec![0i64; n * d];
        for (at, acc) in acc.iter_mut().enumerate() {
            let (t, i) = (at / d, at % d);
            let p = |s| self.limbs(&a.scores.p, a.scores.row(n, i / c, t, s)) as i64;
            *acc = (0..n).map(|s| p(s) * v[s * d + i]).sum();
        }
        let mut context = vec![];
        for (at, acc) in acc.iter().enumerate() {
            let (t, i) = (at / d, at % d);
            let row = a.context.strips[0].base + i * n + t;
            let (value, rem) = round((*acc).into(), MATMUL_SHIFT);
            self.put(&a.context.limbs, row, value + (1 << 15));
            self.put(&a.context.rem, row, rem);
            self.put_x(a.proj.x_row(i, t), value as i64);
            context.push(value as i64);
        }
        let acc =
            linear("attention output", &context, &self.weights.attn_out).expect("16-bit inputs");
        self.put_residual(&acc, &self.attention.input.clone());
    }

    /// Writes the outgoing residual stream: `base + rs(acc, 16)`.
    pub fn put_residual(&mut self, acc: &[i64], base: &[i64]) {
        for (at, (acc, x)) in acc.iter().zip(base).enumerate() {
            let (value, rem) = round((*acc).into(), MATMUL_SHIFT);
            self.put_output(at, i128::from(*x) + value, rem);
        }
    }

    /// Writes one outgoing value, by its place in `[n][d]`, and the remainder of its accumulator.
    pub fn put_output(&mut self, at: usize, value: i128, rem: i128) {
        let layer = self.layer.clone();
        let mlp = self.half == nanozk_circuits::LayerKind::Mlp;
        let out = if mlp {
            &layer.mlp().expect("an MLP").out
        } else {
            &layer.attention().expect("attention").out
        };
        let (t, i) = (at / self.setting.width, at % self.setting.width);
        let row = out.strip.base + i * self.n() + t;
        let value = value + i128::from(RESIDUAL_OFFSET);
        self.put(&out.limbs, row, value);
        self.put(&out.rem, row, rem);
        self.set(self.output(), i * self.n() + t, int(value));
    }

    /// Writes the normalized values beside their weights, and the MLP's activations and output as they
    /// follow from them.
    pub fn feed(&mut self, norm_out: &[i64]) {
        let layer = self.layer.clone();
        let m = layer.mlp().expect("an MLP");
        for (at, value) in norm_out.iter().enumerate() {
            let (t, i) = (at / self.setting.width, at % self.setting.width);
            self.put_x(m.fc.x_row(i, t), *value);
        }
        let acc = linear("fc", norm_out, &self.weights.fc).expect("16-bit inputs");
        let table = ActivationTable::get(self.setting.activation, self.setting.spec().act_frac)
            .expect("valid");
        let mut activations = vec![];
        for (at, acc) in acc.iter().enumerate() {
            let (h, rem) = round((*acc).into(), MATMUL_SHIFT);
            self.put_activation(at, h, rem);
            activations.push(table.eval(h as i64));
        }
        self.project(&activations);
    }

    /// Writes one pre-activation, its remainder and its activation.
    pub fn put_activation(&mut self, at: usize, h: i128, rem: i128) {
        let layer = self.layer.clone();
        let m = layer.mlp().expect("an MLP");
        let (t, j) = (at / self.setting.mlp_width, at % self.setting.mlp_width);
        let row = m.act.strip.base + j * self.n() + t;
        self.put(&m.act.rem, row, rem);
        let table = ActivationTable::get(self.setting.activation, self.setting.spec().act_frac)
            .expect("valid");
        let (u, value) = (h + (1 << 15), table.eval(h as i64));
        match &m.act.cells {
            Cells::Direct(spot, _) => {
                self.put_spot(*spot, row, u);
                self.set(
                    "partner 0",
                    row + spot.offset,
                    int((value + ACT_OUT_OFFSET).into()),
                );
            }
            Cells::Segments {
                hi, lo, out, rem, ..
            } => {
                let (segment, lo_value) = ((u >> 6) as usize, u & 63);
                let (a, b) = (i128::from(table.a[segment]), i128::from(table.b[segment]));
                let offset = i128::from(nanozk_circuits::lookup::SEGMENT_OFFSET);
                self.put_spot(*hi, row, segment as i128);
                self.put_spot(*lo, row, lo_value);
                self.set("partner 0", row, int(a + offset));
                self.set("partner 1", row, int(b + offset));
                self.put(out, row, (value + ACT_OUT_OFFSET).into());
                self.put(rem, row, a + b * lo_value + 128 - (i128::from(value) << 8));
            }
        }
    }

    /// Writes activations beside their weights, and the MLP's output.
    pub fn project(&mut self, activations: &[i64]) {
        let layer = self.layer.clone();
        let m = layer.mlp().expect("an MLP");
        for (at, value) in activations.iter().enumerate() {
            let (t, j) = (at / self.setting.mlp_width, at % self.setting.mlp_width);
            self.put_x(m.proj.x_row(j, t), *value);
        }
        let acc = linear("MLP output", activations, &self.weights.mlp_out).expect("16-bit inputs");
        self.put_residual(&acc, &self.mlp.input.clone());
    }
}

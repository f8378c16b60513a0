//! Residual output and activation: what the MLP adds to LayerNorm and matrix products.
//!
//! | gate | degree | constraint | meaning |
//! |---|---|---|---|
//! | `residual_limbs` | 2 | `out' = Σ limbs` | the outgoing residual is 32-bit, so that value and remainder are unique |
//! | `activation_segment` | 3 | `A + B·lo + 2^7 = a·2^8 + rem` | interpolation within a segment (8-bit limbs only) |
//!
//! With 16-bit limbs the activation is one tuple of the table, which lacks the pre-activations whose
//! activation is out of range; with 8-bit limbs two limbs keep it in range. The accumulator of the residual is
//! `(out' − in')·2^16 + rem − 2^15`, that of a pre-activation `h·2^16 + rem − 2^15`; both are below `2^50`.

use nanozk_executor::spec::{Activation, ACT_OUT_OFFSET, MATMUL_SHIFT, RESIDUAL_BITS};
use nanozk_executor::tables::ActivationTable;
use nanozk_executor::MlpTrace;

use crate::composer::{Composer, Limbs, Space, Spot, Strip, TooLarge};
use crate::ir::*;
use crate::lookup::{Tag, SEGMENT_OFFSET};
use crate::norm::{Norm, RESIDUAL_OFFSET};
use crate::region::{Matrix, X_OFFSET};
use crate::witness::Witness;

const HALF: i128 = 1 << (MATMUL_SHIFT - 1);

/// A matrix product added to the residual stream.
pub struct Residual {
    /// Where the sum lies in the lanes.
    pub strip: Strip,
    /// The product's accumulator.
    pub accumulator: Poly,
    /// Limbs of the sum.
    pub limbs: Limbs,
    /// Limbs of the product's remainder.
    pub rem: Limbs,
    output: Column,
}

/// A matrix product rounded to 16 bits.
pub struct Rounded {
    /// Where it lies, one strip per group of features.
    pub strips: Vec<Strip>,
    /// The product's accumulator.
    pub accumulator: Poly,
    /// The rounded value, signed.
    pub value: Poly,
    /// Its limbs.
    pub limbs: Limbs,
    /// Limbs of the remainder.
    pub rem: Limbs,
}

/// An activation of a matrix product.
pub struct Activated {
    /// Where it lies.
    pub strip: Strip,
    /// The product's accumulator.
    pub accumulator: Poly,
    /// The activation, signed.
    pub value: Poly,
    table: &'static ActivationTable,
    /// Pre-activation and activation.
    pub cells: Cells,
    /// Limbs of the pre-activation's remainder.
    pub rem: Limbs,
}

/// Cells of an activation.
pub enum Cells {
    /// Pre-activation; the activation is its partner.
    Direct(Spot, Column),
    /// By interpolation within a segment.
    Segments {
        /// Segment.
        hi: Spot,
        /// Its first partner.
        a: Column,
        /// Its second partner.
        b: Column,
        /// Position in the segment.
        lo: Spot,
        /// Activation.
        out: Limbs,
        /// Remainder of the interpolation.
        rem: Limbs,
    },
}

impl Composer {
    /// `output = input + rs(accumulator, 16)`.
    pub fn residual(
        &mut self,
        input: Column,
        output: Column,
        width: usize,
    ) -> Result<Residual, TooLarge> {
        let cells = width * self.n;
        let (whole, _) = self.limbs_of(RESIDUAL_BITS + MATMUL_SHIFT);
        let (_, mut plain, planes) = self.place(0, whole, cells);
        let limbs = self.take(RESIDUAL_BITS, &mut plain, &mut vec![]);
        let rem = self.take(MATMUL_SHIFT, &mut plain, &mut vec![]);
        let base = self.alloc("residual output", &[Space::Lanes], planes * cells)?;
        let strip = Strip {
            base,
            blocks: width,
        };
        let back = -(base as i32);
        let value = self.value(&limbs);
        self.gate_on(
            "residual_limbs",
            "the outgoing residual is 32-bit",
            &[self.span(strip)],
            output.at(back) - value,
        );
        let accumulator = (output.at(back) - input.at(back)) * (1i128 << MATMUL_SHIFT)
            + self.value(&rem)
            - Poly::int(HALF);
        Ok(Residual {
            strip,
            accumulator,
            limbs,
            rem,
            output,
        })
    }

    /// `value = rs(accumulator, 16)`, 16-bit, in `groups` strips of `blocks` blocks, `stride` rows apart.
    pub fn rounded(
        &mut self,
        what: &'static str,
        (groups, blocks, stride): (usize, usize, usize),
        from: usize,
    ) -> Result<Rounded, TooLarge> {
        let plane = groups * stride;
        let (whole, _) = self.limbs_of(16 + MATMUL_SHIFT);
        let (_, mut plain, planes) = self.place(0, whole, plane);
        let limbs = self.take(16, &mut plain, &mut vec![]);
        let rem = self.take(MATMUL_SHIFT, &mut plain, &mut vec![]);
        let base = self.alloc_from(what, &[Space::Lanes, Space::Run], planes * plane, from)?;
        let value = self.value(&limbs) - Poly::int(1 << 15);
        let accumulator =
            value.clone() * (1i128 << MATMUL_SHIFT) + self.value(&rem) - Poly::int(HALF);
        let strips = (0..groups)
            .map(|g| Strip {
                base: base + g * stride,
                blocks,
            })
            .collect();
        Ok(Rounded {
            strips,
            accumulator,
            value,
            limbs,
            rem,
        })
    }

    /// `value = activation(rs(accumulator, 16))`.
    pub fn activation(
        &mut self,
        width: usize,
        act: Activation,
        frac: u32,
    ) -> Result<Activated, TooLarge> {
        let cells = width * self.n;
        let table = ActivationTable::get(act, frac).expect("the specification is valid");
        let direct = self.plan.limb == 16;
        let (rem_limbs, _) = self.limbs_of(MATMUL_SHIFT);
        let (mut tagged, mut plain, planes) = if direct {
            self.place(1, rem_limbs, cells)
        } else {
            self.place(2, rem_limbs + 3, cells)
        };
        let base = self.alloc("activations", &[Space::Lanes], planes * cells)?;
        let strip = Strip {
            base,
            blocks: width,
        };
        let rem = self.take(MATMUL_SHIFT, &mut plain, &mut tagged);
        let (h, value, cells) = if direct {
            let u = tagged.remove(0);
            self.tag(strip, u, Tag::Activation(act, frac));
            let a = self.partner(0);
            (
                self.at(u) - Poly::int(1 << 15),
                a.cur() - Poly::int(ACT_OUT_OFFSET.into()),
                Cells::Direct(u, a),
            )
        } else {
            let (hi, lo) = (tagged.remove(0), tagged.remove(0));
            self.tag(strip, hi, Tag::Segment(act, frac));
            self.tag(strip, lo, Tag::Bits(6));
            let (a, b) = (self.partner(0), self.partner(1));
            let out = self.take(16, &mut plain, &mut vec![]);
            let rem = self.take(8, &mut plain, &mut vec![]);
            let value = self.value(&out) - Poly::int(ACT_OUT_OFFSET.into());
            let entry = |c: Column| c.cur() - Poly::int(SEGMENT_OFFSET.into());
            let rem_value = self.value(&rem);
            self.gate_on(
                "activation_segment",
                "interpolates within a segment and rounds",
                &[self.span(strip)],
                entry(a) + entry(b) * self.at(lo) + Poly::int(1 << 7)
                    - value.clone() * 256
                    - rem_value,
            );
            let h = self.at(hi) * 64 + self.at(lo) - Poly::int(1 << 15);
            (
                h,
                value,
                Cells::Segments {
                    hi,
                    a,
                    b,
                    lo,
                    out,
                    rem,
                },
            )
        };
        let accumulator = h * (1i128 << MATMUL_SHIFT) + self.value(&rem) - Poly::int(HALF);
        Ok(Activated {
            strip,
            accumulator,
            value,
            table,
            cells,
            rem,
        })
    }
}

/// Quotient and remainder of `rs(acc, 16)`.
pub(crate) fn round(acc: i64) -> (i64, u128) {
    let biased = acc + (1 << (MATMUL_SHIFT - 1));
    (
        biased >> MATMUL_SHIFT,
        (biased & ((1 << MATMUL_SHIFT) - 1)) as u128,
    )
}

impl Residual {
    /// Writes the witness; matrices are position-major.
    pub fn assign(&self, c: &Composer, w: &mut Witness, acc: &[i64], output: &[i64]) {
        let d = self.strip.blocks;
        for t in 0..c.n {
            for i in 0..d {
                let row = self.strip.base + i * c.n + t;
                let out = output[t * d + i] + RESIDUAL_OFFSET;
                w.limbs(&self.limbs, row, out as u128);
                w.limbs(&self.rem, row, round(acc[t * d + i]).1);
                w.set(self.output, i * c.n + t, out.into());
            }
        }
    }
}

impl Rounded {
    /// Writes the witness; `acc` is position-major.
    pub fn assign(&self, c: &Composer, w: &mut Witness, acc: &[i64]) {
        let blocks = self.strips[0].blocks;
        let features = self.strips.len() * blocks;
        for t in 0..c.n {
            for (g, strip) in self.strips.iter().enumerate() {
                for b in 0..blocks {
                    let row = strip.base + b * c.n + t;
                    let (value, rem) = round(acc[t * features + g * blocks + b]);
                    w.limbs(&self.limbs, row, (value + (1 << 15)) as u128);
                    w.limbs(&self.rem, row, rem);
                }
            }
        }
    }
}

impl Activated {
    /// Writes the witness; `acc` is position-major.
    pub fn assign(&self, c: &Composer, w: &mut Witness, acc: &[i64], out: &[i64]) {
        let f = self.strip.blocks;
        for t in 0..c.n {
            for j in 0..f {
                let row = self.strip.base + j * c.n + t;
                let (h, rem) = round(acc[t * f + j]);
                let u = (h + (1 << 15)) as u64;
                let value = out[t * f + j];
                w.limbs(&self.rem, row, rem);
                match &self.cells {
                    Cells::Direct(spot, a) => {
                        w.lane(*spot, row, u);
                        w.set(*a, row + spot.offset, (value + ACT_OUT_OFFSET).into());
                    }
                    Cells::Segments {
                        hi,
                        a,
                        b,
                        lo,
                        out,
                        rem,
                    } => {
                        let (s, l) = ((u >> 6) as usize, (u & 63) as i64);
                        w.lane(*hi, row, s as u64);
                        w.lane(*lo, row, l as u64);
                        // An accumulator out of range has no segment; the lookup will say so.
                        let (ea, eb) = (
                            self.table.a.get(s).copied().unwrap_or(0),
                            self.table.b.get(s).copied().unwrap_or(0),
                        );
                        w.set(*a, row + hi.offset, (ea + SEGMENT_OFFSET).into());
                        w.set(*b, row + hi.offset, (eb + SEGMENT_OFFSET).into());
                        let r = ea + eb * l + 128 - value * 256;
                        w.limbs(out, row, (value + ACT_OUT_OFFSET) as u128);
                        w.limbs(rem, row, r as u128);
                    }
                }
            }
        }
    }
}

/// The MLP half of a block.
pub struct Mlp {
    /// LayerNorm.
    pub norm: Norm,
    /// Activations.
    pub act: Activated,
    /// Outgoing residual.
    pub out: Residual,
    /// First matrix.
    pub fc: Matrix,
    /// Second matrix.
    pub proj: Matrix,
}

impl Composer {
    /// Composes the MLP half of a block between two residual columns.
    pub fn mlp(
        &mut self,
        shape: &crate::layer::BlockShape,
        input: Column,
        output: Column,
    ) -> Result<Mlp, TooLarge> {
        let out = self.residual(input, output, shape.width)?;
        let norm = self.norm(input, shape.width, shape.norm_frac, shape.eps)?;
        let act = self.activation(shape.mlp_width, shape.activation, shape.act_frac)?;
        let fc = self.matrix(
            "fc",
            norm.out.clone(),
            &[act.strip],
            act.accumulator.clone(),
        )?;
        let proj = self.matrix(
            "mlp_out",
            (act.strip, act.value.clone()),
            &[out.strip],
            out.accumulator.clone(),
        )?;
        Ok(Mlp {
            norm,
            act,
            out,
            fc,
            proj,
        })
    }
}

impl Mlp {
    /// Writes the witness of a trace.
    pub fn assign(&self, c: &Composer, w: &mut Witness, trace: &MlpTrace) {
        self.norm.assign(c, w, &trace.input, &trace.norm);
        self.act.assign(c, w, &trace.h_acc, &trace.a);
        self.out.assign(c, w, &trace.out_acc, &trace.output);
        self.fc.assign_inputs(c, w, &trace.norm.out);
        self.proj.assign_inputs(c, w, &trace.a);
    }

    /// The matrices in the order of `fc`, `mlp_out`.
    pub fn matrices(&self) -> [&Matrix; 2] {
        [&self.fc, &self.proj]
    }
}

impl Matrix {
    /// Writes the inputs beside the weights; `x` is position-major.
    pub fn assign_inputs(&self, c: &Composer, w: &mut Witness, x: &[i64]) {
        for t in 0..c.n {
            for i in 0..self.inputs {
                w.set(
                    c.x,
                    self.x_row(i, t),
                    (x[t * self.inputs + i] + X_OFFSET).into(),
                );
            }
            w.set(c.x, self.x_row(self.inputs, t), (1 + X_OFFSET).into());
        }
    }
}

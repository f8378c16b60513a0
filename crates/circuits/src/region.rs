//! Matrix products with committed weights, by Freivalds' random linear combination.
//!
//! `acc[t,o] = Σ_i x[t,i]·W[i,o] + b[o]` for all positions and outputs is one polynomial identity in β,
//! drawn after `x`, `W` and `acc` are committed:
//!
//! `Σ_{o,t} β^(row of acc[t,o])·acc[t,o] = Σ_i (Σ_t β^t x[t,i])·(Σ_o β^(row of acc[0,o]) W[i,o])`.
//!
//! A matrix occupies one *block* of rows per input feature: its weights lie `c` to a row in the weight
//! columns, its inputs in the first `n` rows of column `x`. The bias is the block of an input that is
//! always one. One multiplication per weight, whatever the number of positions.
//!
//! | gate | degree | constraint | meaning |
//! |---|---|---|---|
//! | `fold_x_run` | 2 | `fx = x + β·fx↓` | folds an input over positions |
//! | `fold_x_hold` | 2 | `fx = fx↓` | carries the fold over the block's other rows |
//! | `fold_x_end` | 2 | `fx = 0` | nothing below the matrix enters its fold |
//! | `bias_one` | 2 | `x = 1` | the bias' input |
//! | `fold_w` | 2 | `fw = Σ_j β^(n·j) w_j + β^(n·c)·fw↓` | folds a block's weights over outputs |
//!
//! Two terms of the running sum close it: the product of both folds at each block's first row against
//! the outputs in their strips, and the fold of all inputs against the strip they are taken from.

use ff::Field;
use halo2curves::bn256::Fr;

use crate::composer::{Composer, Space, Strip, TooLarge, WEIGHT_OFFSET};
use crate::ir::*;

/// Added to an input of a matrix product so that the committed integer is unsigned: inputs are from `-2^15`
/// to `2^16`.
pub const X_OFFSET: i64 = 1 << 15;

/// A group of outputs that lie in one strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where the accumulators (or what replaces them) lie.
    pub strip: Strip,
}

/// A matrix placed in the weight columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// First row.
    pub base: usize,
    /// Rows of a block.
    pub block: usize,
    /// Input features, without the bias.
    pub inputs: usize,
    /// Outputs, in ascending rows.
    pub segments: Vec<Segment>,
}

/// Spans gathered over all matrices of a program.
#[derive(Default)]
pub struct Regions {
    run: Vec<Span>,
    hold: Vec<Span>,
    end: Vec<Span>,
    one: Vec<Span>,
    weights: Vec<Span>,
    inner: Vec<Span>,
    jumps: Vec<(u64, Vec<Span>)>,
    all: Vec<Span>,
}

impl Matrix {
    /// Calls `put(column, row, output)` for each weight cell of input `i` (`i == inputs`: the bias).
    pub fn cells(&self, columns: usize, i: usize, mut put: impl FnMut(usize, usize, usize)) {
        let mut row = self.base + i * self.block;
        let mut first = 0;
        for segment in &self.segments {
            for o in 0..segment.strip.blocks {
                put(o % columns, row + o / columns, first + o);
            }
            row += segment.strip.blocks.div_ceil(columns);
            first += segment.strip.blocks;
        }
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.segments.iter().map(|s| s.strip.blocks).sum()
    }

    /// First rows of all blocks.
    pub fn starts(&self) -> Span {
        Span::strided(self.base, 1, self.block, self.inputs + 1)
    }

    /// Row of input `i` at position `t`.
    pub fn x_row(&self, i: usize, t: usize) -> usize {
        self.base + i * self.block + t
    }
}

impl Composer {
    /// Rows a block of a matrix with these outputs takes.
    pub fn block_rows(&self, segments: &[Strip]) -> usize {
        let rows: usize = segments
            .iter()
            .map(|s| s.blocks.div_ceil(self.plan.weights))
            .sum();
        rows.max(self.n)
    }

    /// Places a matrix whose input is the value `source.1` on the strip `source.0`, and whose output
    /// accumulators are `output(segment)` on each segment's strip.
    pub fn matrix(
        &mut self,
        name: &'static str,
        source: (Strip, Poly),
        segments: &[Strip],
        accumulator: Poly,
    ) -> Result<Matrix, TooLarge> {
        let (matrix, _) = self.matrix_equation(name, source, segments, accumulator)?;
        Ok(matrix)
    }

    /// As [`Self::matrix`]; also the separator of the outputs' equation, for a part of the
    /// accumulators that the caller adds itself.
    pub(crate) fn matrix_equation(
        &mut self,
        name: &'static str,
        source: (Strip, Poly),
        segments: &[Strip],
        accumulator: Poly,
    ) -> Result<(Matrix, Scalar), TooLarge> {
        let inputs = source.0.blocks;
        let m = self.place_matrix(name, inputs, segments)?;
        let n = self.n as u64;
        let beta = |e: u64| Scalar::pow(Challenge::Beta, e);
        let start = self.selector(&format!("{name}_start"), &[Span::row(m.base)]);
        // The inputs beside the weights are those of the source strip, and the bias' ones.
        let eq = self.equation();
        self.sum_strip(&format!("{name}_source"), source.0, source.1, eq.clone());
        let base = beta(source.0.base as u64);
        let ones = beta(n * inputs as u64) * Scalar::Geometric(Box::new(beta(1)), n);
        self.sum(start.cur() * self.fold_x.cur() * (-(eq.clone() * base.clone())));
        self.sum(start.cur() * (eq * base * ones));
        // The outputs are the products.
        let eq = self.equation();
        let dot = self.selector(&format!("{name}_dot"), &[m.starts()]);
        let fold_x = self.fold_x.cur() - self.fold_x.at(self.n as i32) * beta(n);
        let first = beta(segments[0].base as u64);
        self.sum(dot.cur() * fold_x * self.fold_w.cur() * (-(eq.clone() * first)));
        let spans: Vec<Span> = segments.iter().map(|s| self.span(*s)).collect();
        let q = self.selector(&format!("{name}_output"), &spans);
        let powers = self.powers;
        self.sum(q.cur() * powers.cur() * accumulator * eq.clone());
        Ok((m, eq))
    }

    /// Reserves the rows of a matrix and records its selectors.
    pub(crate) fn place_matrix(
        &mut self,
        name: &'static str,
        inputs: usize,
        segments: &[Strip],
    ) -> Result<Matrix, TooLarge> {
        let (n, c) = (self.n, self.plan.weights);
        let block = self.block_rows(segments);
        let blocks = inputs + 1;
        let base = self.alloc(name, &[Space::Region], blocks * block + 1)?;
        let r = &mut self.regions;
        r.all.push(Span::run(base, blocks * block));
        r.run.push(Span::strided(base, n, block, blocks));
        if block > n {
            r.hold
                .push(Span::strided(base + n, block - n, block, blocks));
        }
        r.end.push(Span::row(base + blocks * block));
        r.one.push(Span::run(base + inputs * block, n));
        let mut row = base;
        for (s, strip) in segments.iter().enumerate() {
            let rows = strip.blocks.div_ceil(c);
            r.weights.push(Span::strided(row, rows, block, blocks));
            if rows > 1 {
                r.inner.push(Span::strided(row, rows - 1, block, blocks));
            }
            if let Some(next) = segments.get(s + 1) {
                let jump = (next.base - strip.base) as u64 - ((rows - 1) * c * n) as u64;
                let span = Span::strided(row + rows - 1, 1, block, blocks);
                match r.jumps.iter_mut().find(|(j, _)| *j == jump) {
                    Some((_, spans)) => spans.push(span),
                    None => r.jumps.push((jump, vec![span])),
                }
            }
            row += rows;
        }
        let segments = segments
            .iter()
            .map(|strip| Segment { strip: *strip })
            .collect();
        Ok(Matrix {
            base,
            block,
            inputs,
            segments,
        })
    }

    /// Gates of all matrices; the last thing before the program is closed.
    pub(crate) fn finish_regions(&mut self) {
        let r = std::mem::take(&mut self.regions);
        if r.all.is_empty() {
            return;
        }
        let beta = |e: usize| Scalar::pow(Challenge::Beta, e as u64);
        let (fx, fw) = (self.fold_x, self.fold_w);
        let x = self.x.cur() - Poly::int(X_OFFSET.into());
        let run = self.selector("fold_x_run", &r.run);
        let step = x + fx.at(1) * beta(1);
        self.gate(
            "fold_x_run",
            "folds an input over positions",
            run.cur() * (fx.cur() - step.clone()),
        );
        let mut value = run.cur() * step;
        if !r.hold.is_empty() {
            let hold = self.selector("fold_x_hold", &r.hold);
            self.gate(
                "fold_x_hold",
                "carries the fold",
                hold.cur() * (fx.cur() - fx.at(1)),
            );
            value = value + hold.cur() * fx.at(1);
        }
        self.gate_on(
            "fold_x_end",
            "a fold ends with its matrix",
            &r.end,
            fx.cur(),
        );
        self.gate_on(
            "bias_one",
            "the input of the bias is one",
            &r.one,
            self.x.cur() - Poly::int(1 + i128::from(X_OFFSET)),
        );
        for span in &r.all {
            self.steps.push(Step::Assign {
                column: fx,
                rows: *span,
                descending: true,
                value: value.clone(),
            });
        }

        let rows = self.weight_rows;
        self.set_fixed(rows, &r.weights, Fr::ONE);
        let n = self.n;
        let mut fold = Poly::zero();
        for (j, w) in self.weights.clone().into_iter().enumerate() {
            fold = fold + (w.cur() - Poly::int(WEIGHT_OFFSET.into())) * beta(n * j);
        }
        fold = rows.cur() * fold;
        if !r.inner.is_empty() {
            let inner = self.selector("fold_w_inner", &r.inner);
            fold = fold + inner.cur() * fw.at(1) * beta(n * self.plan.weights);
        }
        for (jump, spans) in &r.jumps {
            let q = self.selector(&format!("fold_w_jump_{jump}"), spans);
            fold = fold + q.cur() * fw.at(1) * beta(*jump as usize);
        }
        self.gate(
            "fold_w",
            "folds the weights of an input over outputs",
            rows.cur() * fw.cur() - fold.clone(),
        );
        for span in &r.all {
            self.steps.push(Step::Assign {
                column: fw,
                rows: *span,
                descending: true,
                value: fold.clone(),
            });
        }
    }
}

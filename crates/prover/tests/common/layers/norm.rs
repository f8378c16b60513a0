//! LayerNorm, written by a cheater: one false value, and all that follows from it.

use super::*;
use nanozk_executor::spec::NORM_SHIFT;

const PACK: u32 = 48;

/// LayerNorm at one position, as a cheater believes it.
#[derive(Clone, Debug)]
pub struct NormRow {
    /// Unsigned inputs.
    pub x: Vec<i128>,
    /// Running sums of values and of squares.
    pub sums: Vec<(i128, i128)>,
    pub mean: i128,
    pub rest: i128,
    pub squares: i128,
    pub variance: i128,
    pub r: i128,
    pub root: i128,
    pub below: i128,
    pub above: i128,
    pub means: Vec<i128>,
    pub rs: Vec<i128>,
    pub out: Vec<i128>,
    pub rem: Vec<i128>,
    d: i128,
    eps: i128,
    bound: i128,
}

impl NormRow {
    /// The honest row for the inputs a case has.
    pub fn of(c: &Case, t: usize) -> Self {
        let spec = c.setting.spec();
        let d = c.setting.width;
        let x = (0..d)
            .map(|i| number(c.get(c.input(), i * c.n() + t)))
            .collect();
        let mut row = NormRow {
            x,
            sums: vec![],
            mean: 0,
            rest: 0,
            squares: 0,
            variance: 0,
            r: 0,
            root: 0,
            below: 0,
            above: 0,
            means: vec![],
            rs: vec![],
            out: vec![],
            rem: vec![],
            d: d as i128,
            eps: spec.eps.into(),
            bound: ((d * d) as i128) << (2 * (NORM_SHIFT + spec.norm_frac)),
        };
        row.sum(|_| 0);
        row.statistics();
        row.copies();
        row.outputs();
        row
    }

    /// Sums of the inputs, to each of which something is added.
    pub fn sum(&mut self, add: impl Fn(usize) -> i128) {
        let (mut sum, mut squares) = (0, 0);
        let running = self.x.iter().enumerate().map(|(i, x)| {
            let x = x + add(i);
            sum += x;
            squares += x * x;
            (sum, squares)
        });
        self.sums = running.collect();
    }

    /// From the last sums to the reciprocal root.
    pub fn statistics(&mut self) {
        let (sum, squares) = *self.sums.last().expect("some feature");
        (self.mean, self.rest, self.squares) = (sum / self.d, sum % self.d, squares);
        self.variance = self.d * squares - sum * sum + self.eps;
        let square = |r: i128| r.checked_mul(r)?.checked_mul(self.variance);
        let fits = |r: i128| square(r).is_some_and(|s| s <= self.bound);
        let (mut low, mut high) = (0i128, 1 << 48);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if fits(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        self.r = low;
        self.slacks();
    }

    /// What follows from the variance and the reciprocal root.
    pub fn slacks(&mut self) {
        self.root = self.r * self.variance;
        self.bracket();
    }

    /// What follows from their product.
    pub fn bracket(&mut self) {
        self.below = self.bound - self.r * self.root;
        self.above = 2 * self.root + self.variance - 1 - self.below;
    }

    pub fn copies(&mut self) {
        self.means = vec![self.mean; self.x.len()];
        self.rs = vec![self.r; self.x.len()];
    }

    fn product(&self, i: usize) -> i128 {
        (self.x[i] - self.means[i]) * self.rs[i]
    }

    pub fn outputs(&mut self) {
        let rounded = (0..self.x.len()).map(|i| round(self.product(i), NORM_SHIFT));
        (self.out, self.rem) = rounded.unzip();
    }

    /// Remainders for the outputs as they are; whether all are in range.
    pub fn remainders(&mut self) -> bool {
        let half = 1 << (NORM_SHIFT - 1);
        self.rem = (0..self.x.len())
            .map(|i| self.product(i) + half - (self.out[i] << NORM_SHIFT))
            .collect();
        self.rem.iter().all(|r| (0..1 << NORM_SHIFT).contains(r))
    }

    /// Writes all of it but the inputs.
    pub fn write(&self, c: &mut Case, t: usize) {
        let layer = c.layer.clone();
        let norm = if c.half == nanozk_circuits::LayerKind::Mlp {
            &layer.mlp().expect("an MLP").norm
        } else {
            &layer.attention().expect("attention").norm
        };
        for (i, (sum, squares)) in self.sums.iter().enumerate() {
            let row = i * c.n() + t;
            c.set(
                "aux",
                norm.sums + row,
                int(*sum) + int(*squares) * int(1 << PACK),
            );
            c.set("aux", norm.r + row, int(self.rs[i]));
            c.set("aux", norm.mean + row, int(self.means[i]));
            c.put(&norm.out_limbs, norm.r + row, self.out[i] + (1 << 15));
            c.put(&norm.rem, norm.r + row, self.rem[i]);
        }
        c.put_wide(norm.q, t, self.squares);
        c.put_wide(norm.below, t, self.below);
        c.put_wide(norm.above, t, self.above);
        c.put_wide(norm.mean_value, t, self.mean);
        c.put_wide(norm.r_value, t, self.r);
        c.put_spot(Spot { lane: 0, offset: 0 }, norm.rest + t, self.rest);
        c.set("aux", norm.rest + t, int(self.rest));
        c.set("aux", norm.variance + t, int(self.variance));
        c.set("aux", norm.root + t, int(self.root));
    }
}

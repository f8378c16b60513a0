//! The softmax, written by a cheater: one false value, and all that follows from it.

use super::*;
use nanozk_circuits::attention::Exp;
use nanozk_executor::spec::{PROB_ONE, PROB_SHIFT};
use nanozk_executor::tables::ExpTable;

const MARK: i128 = 1 << 64;
const MAX_OFFSET: i128 = 1 << 31;
const ONE: i128 = (PROB_ONE as i128) << PROB_SHIFT;

/// One row of the softmax, as a cheater believes it.
#[derive(Clone, Debug)]
pub struct SoftRow {
    pub head: usize,
    pub t: usize,
    /// Distance from the maximum: low part, and what is above it.
    pub z: Vec<i128>,
    pub w: Vec<i128>,
    pub far: Vec<i128>,
    pub top: Vec<i128>,
    pub e: Vec<i128>,
    pub used: Vec<i128>,
    pub sums: Vec<i128>,
    pub recips: Vec<i128>,
    pub maxima: Vec<i128>,
    pub p: Vec<i128>,
    pub p_rem: Vec<i128>,
    pub recip: i128,
    pub slack: i128,
    pub rest: i128,
    pub max: i128,
}

impl SoftRow {
    /// The honest row.
    pub fn of(c: &Case, head: usize, t: usize) -> Self {
        let trace = &c.attention;
        let n = c.n();
        let max: i128 = trace.max[head * n + t].into();
        let z: Vec<i128> = (0..n)
            .map(|s| trace.z[(head * n + t) * n + s].into())
            .collect();
        let first = (0..=t).find(|s| z[*s] == 0).expect("a maximum");
        let mut row = SoftRow {
            head,
            t,
            z: vec![],
            w: vec![],
            far: vec![],
            top: (0..n).map(|s| (s == first).into()).collect(),
            e: vec![],
            used: vec![],
            sums: vec![],
            recips: vec![],
            maxima: vec![max; n],
            p: vec![],
            p_rem: vec![],
            recip: 0,
            slack: 0,
            rest: 0,
            max,
        };
        row.distances(&z);
        row
    }

    /// All rows.
    pub fn all(c: &Case) -> Vec<Self> {
        let rows = (0..c.setting.heads).flat_map(|h| (0..c.n()).map(move |t| (h, t)));
        rows.map(|(h, t)| SoftRow::of(c, h, t)).collect()
    }

    /// The full distances.
    pub fn full(&self) -> Vec<i128> {
        (0..self.z.len())
            .map(|s| self.z[s] + ((self.w[s] + self.far[s]) << 16))
            .collect()
    }

    /// Everything that follows from distances, marks and maximum.
    pub fn distances(&mut self, full: &[i128]) {
        self.z = full.iter().map(|z| z & 0xffff).collect();
        self.far = full.iter().map(|z| (*z >= 1 << 16).into()).collect();
        self.w = full
            .iter()
            .zip(&self.far)
            .map(|(z, far)| (z >> 16) - far)
            .collect();
        self.e = self
            .z
            .iter()
            .map(|z| ExpTable::get().eval(*z as u64).into())
            .collect();
        self.used = self
            .e
            .iter()
            .zip(&self.far)
            .map(|(e, far)| e * (1 - far))
            .collect();
        self.normalize();
    }

    /// Everything that follows from the exponentials.
    pub fn normalize(&mut self) {
        self.chain();
        let total: i128 = self.used.iter().sum();
        self.divide(total, ONE / total);
        self.probabilities();
    }

    /// Running sums.
    pub fn chain(&mut self) {
        let mut sum = 0;
        let terms = self.used.iter().zip(&self.top);
        self.sums = terms
            .map(|(used, top)| {
                sum += used + top * MARK;
                sum
            })
            .collect();
    }

    /// Reciprocal, with slacks to match.
    pub fn divide(&mut self, total: i128, recip: i128) {
        self.recip = recip;
        self.slack = ONE - recip * total;
        self.rest = total - 1 - self.slack;
        self.recips = vec![recip; self.used.len()];
    }

    fn product(&self, s: usize) -> i128 {
        self.used[s] * self.recips[s]
    }

    pub fn probabilities(&mut self) {
        (self.p, self.p_rem) = (0..self.used.len())
            .map(|s| round(self.product(s), PROB_SHIFT))
            .unzip();
    }

    /// Remainders for the probabilities as they are; whether all are in range.
    pub fn remainders(&mut self) -> bool {
        let half = 1 << (PROB_SHIFT - 1);
        let rem = |s: usize| self.product(s) + half - (self.p[s] << PROB_SHIFT);
        self.p_rem = (0..self.used.len()).map(rem).collect();
        self.p_rem.iter().all(|r| (0..1 << PROB_SHIFT).contains(r))
    }

    /// Writes all of it.
    pub fn write(&self, c: &mut Case) {
        let layer = c.layer.clone();
        let scores = &layer.attention().expect("attention").scores;
        let exp = ExpTable::get();
        let n = c.n();
        for s in 0..n {
            let row = scores.row(n, self.head, self.t, s);
            match &scores.exp {
                Exp::Direct { z, .. } => {
                    c.put_spot(*z, row, self.z[s]);
                    c.set("partner 0", row + z.offset, int(self.e[s]));
                }
                Exp::Split {
                    high, low, e, rem, ..
                } => {
                    let (z1, z0) = (self.z[s] as usize >> 8, self.z[s] as usize & 255);
                    c.put_spot(*high, row, z1 as i128);
                    c.put_spot(*low, row, z0 as i128);
                    c.set("partner 0", row + high.offset, int(exp.e1[z1].into()));
                    c.set("partner 0", row + low.offset, int(exp.e0[z0].into()));
                    let product = i128::from(exp.e1[z1]) * i128::from(exp.e0[z0]) + (1 << 15);
                    c.put(e, row, self.e[s]);
                    c.put(rem, row, product - (self.e[s] << 16));
                }
            }
            c.put(&scores.w, row, self.w[s]);
            c.put_spot(scores.far, row, self.far[s]);
            c.put_spot(scores.top, row, self.top[s]);
            c.put(&scores.used, row, self.used[s]);
            c.put(&scores.p, row, self.p[s]);
            c.put(&scores.p_rem, row, self.p_rem[s]);
            c.set("aux", row, int(self.sums[s]));
            c.set("aux", row + scores.plane, int(self.recips[s]));
            c.set("aux", row + 2 * scores.plane, int(self.maxima[s]));
        }
        let row = scores.row(n, self.head, self.t, 0) + scores.stats;
        for (j, value) in [self.recip, self.slack, self.rest, self.max + MAX_OFFSET]
            .into_iter()
            .enumerate()
        {
            c.put_statistic(row + j, value);
        }
    }
}

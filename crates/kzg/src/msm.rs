//! Multi-scalar multiplication over points that stay the same.
//!
//! Pippenger's algorithm: each digit of a scalar says to which bucket its point goes, and the buckets' weighted sum is the
//! window's part of the result. Points are added in affine coordinates, two thousand at a time, which then share one
//! inversion ([`crate::additions`]). Buckets start with known points instead of the identity, so no addition is a special
//! case but by accident; accidents are found, and set aside.

use crate::additions::Pairs;
use crate::raw::Point;
use crate::scalar::{digits, Scalar};
use halo2curves::bn256::{Fr, G1Affine, G1};
use halo2curves::group::prime::PrimeCurveAffine;
use halo2curves::group::{Curve, Group};
use halo2curves::CurveExt;
use rayon::prelude::*;
use std::sync::OnceLock;

/// Additions that share an inversion, which costs as much as some fifty of them.
const BATCH: usize = 2048;
/// Bits of a digit, at most: 2^15 buckets of 64 bytes stay in a cache.
const MAX_BITS: u32 = 16;
/// Bases between those whose running sum is kept.
const STEP: usize = 1 << 10;

/// Points to be multiplied by many lists of scalars.
pub struct FixedBases {
    bases: Vec<Point>,
    /// Sum of the first `i·STEP` bases.
    sums: Vec<G1>,
}

/// A base was the identity, which has no affine coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityBase {
    /// Which one.
    pub index: usize,
}

impl std::fmt::Display for IdentityBase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "base {} is the identity", self.index)
    }
}

impl std::error::Error for IdentityBase {}

impl FixedBases {
    /// Up to `2^30` points.
    pub fn new(points: &[G1Affine]) -> Result<Self, IdentityBase> {
        assert!(points.len() < TEMPORARY as usize, "too many bases");
        let mut bases = Vec::with_capacity(points.len());
        for (index, point) in points.iter().enumerate() {
            bases.push(Point::new(point).ok_or(IdentityBase { index })?);
        }
        let mut sums = vec![G1::identity()];
        let steps: Vec<G1> = points
            .par_chunks_exact(STEP)
            .map(|step| step.iter().fold(G1::identity(), |sum, p| sum + p))
            .collect();
        for step in steps {
            let last = sums[sums.len() - 1];
            sums.push(last + step);
        }
        Ok(Self { bases, sums })
    }

    /// Number of bases.
    pub fn len(&self) -> usize {
        self.bases.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bases.is_empty()
    }

    /// `Σ scalars[i]·bases[i]`, over as many bases as there are scalars.
    ///
    /// # Panics
    ///
    /// If there are fewer bases.
    pub fn multiply<S: Scalar>(&self, scalars: &[S]) -> G1 {
        assert!(
            scalars.len() <= self.bases.len(),
            "{} scalars for {} bases",
            scalars.len(),
            self.bases.len()
        );
        let (as_they_are, around_the_middle) = plans(scalars);
        let plan = if around_the_middle.cost < as_they_are.cost {
            around_the_middle
        } else {
            as_they_are
        };
        let count = plan.windows;
        let mut by_window = vec![0; count * scalars.len()];
        for (i, scalar) in scalars.iter().enumerate() {
            let (negative, magnitude) = scalar.parts(plan.middle);
            digits(negative, magnitude, plan.bits, count, |window, digit| {
                by_window[window * scalars.len() + i] = digit;
            });
        }
        let windows: Vec<G1> = (0..count)
            .into_par_iter()
            .map(|w| self.window(&by_window[w * scalars.len()..][..scalars.len()], plan.bits))
            .collect();
        let mut result = G1::identity();
        for window in windows.into_iter().rev() {
            for _ in 0..plan.bits {
                result = result.double();
            }
            result += window;
        }
        if plan.middle != 0 {
            result += self.sum(scalars.len()) * Fr::from(plan.middle);
        }
        result
    }

    /// Sum of the first bases.
    fn sum(&self, count: usize) -> G1 {
        let whole = count / STEP;
        self.bases[whole * STEP..count]
            .iter()
            .fold(self.sums[whole], |sum, p| sum + p.affine())
    }

    /// `Σ digits[i]·bases[i]` for digits of at most half of `2^bits`.
    fn window(&self, digits: &[i32], bits: u32) -> G1 {
        let count = 1 << (bits - 1);
        let mut buckets = Buckets::new(&self.bases, count);
        for (i, digit) in digits.iter().enumerate() {
            if *digit != 0 {
                let sign = if *digit < 0 { NEGATIVE } else { 0 };
                buckets.arrive(i as u32 | sign, digit.unsigned_abs() - 1);
            }
        }
        buckets.weighted_sum() - starts().weighted_sum(count as u64)
    }
}

/// How to cut scalars into digits.
struct Plan {
    /// What is subtracted from each.
    middle: u64,
    bits: u32,
    windows: usize,
    /// Additions, about.
    cost: usize,
}

impl Plan {
    /// The cheapest digits for numbers of some bits, of which `nonzero` are not zero.
    fn new(middle: u64, size: u32, nonzero: usize) -> Self {
        (2..=MAX_BITS)
            .map(|bits| {
                let windows = (size + 1).div_ceil(bits) as usize;
                // Two additions a bucket at the end, and some fifty for an inversion at each of its levels.
                let end = (2 << (bits - 1)) + 50 * (bits * bits / 2) as usize;
                Self {
                    middle,
                    bits,
                    windows,
                    cost: windows * (nonzero + end),
                }
            })
            .min_by_key(|plan| plan.cost)
            .unwrap_or(Self {
                middle,
                bits: 2,
                windows: (size as usize + 1).div_ceil(2),
                cost: 0,
            })
    }
}

/// Numbers as they are, which zeros make cheaper; and less their middle, which makes all shorter.
fn plans<S: Scalar>(scalars: &[S]) -> (Plan, Plan) {
    let zero = |s: &&S| s.parts(0).1 == [0; 4];
    let nonzero = scalars.len() - scalars.iter().filter(zero).count();
    (
        Plan::new(0, S::BITS[1], nonzero),
        Plan::new(S::MIDDLE, S::BITS[0], scalars.len()),
    )
}

/// What buckets start with: `S + j·D`, whose discrete logarithms nobody knows.
struct Starts {
    first: G1,
    step: G1,
    points: Vec<Point>,
}

fn starts() -> &'static Starts {
    static STARTS: OnceLock<Starts> = OnceLock::new();
    STARTS.get_or_init(|| {
        let hash = G1::hash_to_curve("nanozk buckets");
        let (first, step) = (hash(b"first"), hash(b"step"));
        let mut points = Vec::with_capacity(1 << (MAX_BITS - 1));
        let mut point = first;
        for _ in 0..1 << (MAX_BITS - 1) {
            points.push(point);
            point += step;
        }
        let mut affine = vec![G1Affine::identity(); points.len()];
        G1::batch_normalize(&points, &mut affine);
        // None of them is the identity: that would be a discrete logarithm of D.
        let points = affine.iter().filter_map(Point::new).collect();
        Starts {
            first,
            step,
            points,
        }
    })
}

impl Starts {
    /// `Σ (j + 1)·(S + j·D)` for `j < count`.
    fn weighted_sum(&self, count: u64) -> G1 {
        self.first * Fr::from(count * (count + 1) / 2)
            + self.step * Fr::from((count - 1) * count * (count + 1) / 3)
    }
}

/// A point to be added: the index of a base or of a temporary sum, with these marks.
type Source = u32;
const NEGATIVE: Source = 1 << 31;
const TEMPORARY: Source = 1 << 30;
const INDEX: Source = TEMPORARY - 1;
const NONE: Source = Source::MAX;

/// Sums of points by bucket, in batches in which each bucket occurs once.
struct Buckets<'a> {
    bases: &'a [Point],
    buckets: Vec<Point>,
    /// A bit per bucket: it occurs in `batch`.
    busy: Vec<u64>,
    batch: Vec<(Source, u32)>,
    /// For each bucket, a point that waits for another one, or for the bucket to be free; and those that have one, or had.
    waiting: Vec<Source>,
    waiters: Vec<u32>,
    /// Two points of the same bucket, to be added to each other.
    couples: Vec<(Source, Source, u32)>,
    temporary: Vec<Point>,
    free: Vec<u32>,
    pairs: Pairs,
    /// What could not be added, since both points had the same x-coordinate.
    aside: Vec<(u32, G1)>,
}

impl<'a> Buckets<'a> {
    fn new(bases: &'a [Point], count: usize) -> Self {
        Self {
            bases,
            buckets: starts().points[..count].to_vec(),
            busy: vec![0; count.div_ceil(64)],
            batch: Vec::with_capacity(BATCH),
            waiting: vec![NONE; count],
            waiters: Vec::new(),
            couples: Vec::with_capacity(BATCH),
            temporary: Vec::new(),
            free: Vec::new(),
            pairs: Pairs::default(),
            aside: Vec::new(),
        }
    }

    #[inline]
    fn arrive(&mut self, source: Source, bucket: u32) {
        let b = bucket as usize;
        let (word, bit) = (&mut self.busy[b / 64], 1 << (b % 64));
        if *word & bit == 0 {
            *word |= bit;
            self.batch.push((source, bucket));
            if self.batch.len() == BATCH {
                self.add_batch();
            }
        } else {
            self.wait(source, bucket);
        }
    }

    fn wait(&mut self, source: Source, bucket: u32) {
        match std::mem::replace(&mut self.waiting[bucket as usize], NONE) {
            NONE => {
                self.waiting[bucket as usize] = source;
                self.waiters.push(bucket);
            }
            other => {
                self.couples.push((other, source, bucket));
                if self.couples.len() == BATCH {
                    self.add_couples();
                }
            }
        }
    }

    #[inline]
    fn point(&self, source: Source) -> Point {
        let index = (source & INDEX) as usize;
        let point = if source & TEMPORARY == 0 {
            self.bases[index]
        } else {
            self.temporary[index]
        };
        if source & NEGATIVE == 0 {
            point
        } else {
            point.negated()
        }
    }

    fn release(&mut self, source: Source) {
        if source & TEMPORARY != 0 {
            self.free.push(source & INDEX);
        }
    }

    /// Points into their buckets.
    fn add_batch(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.pairs.clear();
        for (source, bucket) in &batch {
            let point = self.point(*source);
            self.pairs.push(self.buckets[*bucket as usize], point);
        }
        self.add(|i| batch[i].1);
        for ((source, bucket), sum) in batch.iter().zip(&self.pairs.sums) {
            self.buckets[*bucket as usize] = *sum;
            self.busy[*bucket as usize / 64] = 0;
            if source & TEMPORARY != 0 {
                self.free.push(source & INDEX);
            }
        }
        self.batch = batch;
        self.batch.clear();
        for bucket in std::mem::take(&mut self.waiters) {
            let source = std::mem::replace(&mut self.waiting[bucket as usize], NONE);
            if source != NONE {
                self.arrive(source, bucket);
            }
        }
    }

    /// Points of the same bucket to one, which then arrives like another.
    fn add_couples(&mut self) {
        let couples = std::mem::take(&mut self.couples);
        self.pairs.clear();
        for (left, right, _) in &couples {
            let (left, right) = (self.point(*left), self.point(*right));
            self.pairs.push(left, right);
        }
        self.add(|i| couples[i].2);
        let sums = std::mem::take(&mut self.pairs.sums);
        for (left, right, _) in &couples {
            self.release(*left);
            self.release(*right);
        }
        for ((_, _, bucket), sum) in couples.iter().zip(&sums) {
            let index = match self.free.pop() {
                Some(index) => {
                    self.temporary[index as usize] = *sum;
                    index
                }
                None => {
                    self.temporary.push(*sum);
                    (self.temporary.len() - 1) as u32
                }
            };
            self.arrive(index | TEMPORARY, *bucket);
        }
        self.pairs.sums = sums;
        // Arrivals may have made others.
        if self.couples.is_empty() {
            self.couples = couples;
            self.couples.clear();
        }
    }

    /// Sums of `pairs`. Where both points have the same x-coordinate the second is set aside for its bucket.
    fn add(&mut self, bucket: impl Fn(usize) -> u32) {
        if self.pairs.add() {
            return;
        }
        for i in 0..self.pairs.left.len() {
            let (left, right) = (self.pairs.left[i].affine(), self.pairs.right[i].affine());
            self.pairs.sums[i] = if left.x == right.x {
                self.aside.push((bucket(i), right.into()));
                self.pairs.left[i]
            } else {
                // Different x-coordinates: not the identity.
                Point::new(&(left + right).to_affine()).unwrap_or_default()
            };
        }
    }

    /// `Σ (j + 1)·bucket[j]`, after all that waits is added.
    fn weighted_sum(mut self) -> G1 {
        while !(self.batch.is_empty() && self.couples.is_empty()) {
            if self.couples.is_empty() {
                self.add_batch();
            } else {
                self.add_couples();
            }
        }
        let aside = std::mem::take(&mut self.aside);
        let buckets = std::mem::take(&mut self.buckets);
        let sum = weighted_sum(&buckets, &mut self.pairs).unwrap_or_else(|| slowly(&buckets));
        aside.into_iter().fold(sum, |sum, (bucket, point)| {
            sum + point * Fr::from(u64::from(bucket) + 1)
        })
    }
}

/// `Σ (j + 1)·points[j]`, of a power of two. `None` if points with equal x-coordinates met.
///
/// `Σ j·P_j = Σ P_(odd) + 2·Σ j·(P_(2j) + P_(2j+1))`, level by level, and one sum more of all, which is the last level.
fn weighted_sum(points: &[Point], pairs: &mut Pairs) -> Option<G1> {
    let mut level = points.to_vec();
    let mut odd = Vec::new();
    while level.len() > 1 {
        let half = level.len() / 2;
        let mut odds: Vec<Point> = level.iter().skip(1).step_by(2).copied().collect();
        level = added(half, |i| (level[2 * i], level[2 * i + 1]), pairs)?;
        while odds.len() > 1 {
            let half = odds.len() / 2;
            odds = added(half, |i| (odds[i], odds[half + i]), pairs)?;
        }
        odd.extend(odds);
    }
    let all = level.first()?.affine();
    let by_bit = odd
        .iter()
        .rev()
        .fold(G1::identity(), |sum, p| sum.double() + p.affine());
    Some(by_bit + all)
}

fn added(
    count: usize,
    pair: impl Fn(usize) -> (Point, Point),
    pairs: &mut Pairs,
) -> Option<Vec<Point>> {
    let mut sums = Vec::with_capacity(count);
    for start in (0..count).step_by(BATCH) {
        pairs.clear();
        for i in start..count.min(start + BATCH) {
            let (left, right) = pair(i);
            pairs.push(left, right);
        }
        if !pairs.add() {
            return None;
        }
        sums.extend_from_slice(&pairs.sums);
    }
    Some(sums)
}

/// The same in the library's projective coordinates, which know no exceptions.
fn slowly(points: &[Point]) -> G1 {
    let (mut run, mut sum) = (G1::identity(), G1::identity());
    for point in points.iter().rev() {
        run += point.affine();
        sum += run;
    }
    sum
}

#[cfg(test)]
mod tests;

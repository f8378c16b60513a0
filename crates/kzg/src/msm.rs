//! Multi-scalar multiplication over points that stay the same.
//!
//! Pippenger's algorithm: each digit of a scalar says to which bucket its point goes, and the buckets' weighted sum is the
//! window's part of the result. Points are added in affine coordinates, two thousand at a time, which then share one
//! inversion ([`crate::additions`]). Buckets start with known points instead of the identity, so no addition is a special
//! case but by accident; accidents are found, and set aside.

use crate::additions::{Instructions, Pairs, prefetch};
use crate::raw::Point;
use crate::scalar::{Scalar, Survey, digits, field_element, pieces};
use halo2curves::CurveExt;
use halo2curves::bn256::{G1, G1Affine};
use halo2curves::group::prime::PrimeCurveAffine;
use halo2curves::group::{Curve, Group};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::OnceLock;

/// Additions that share an inversion, which costs as much as some fifty of them.
const BATCH: usize = 2048;
/// Bits of a digit, at most: 2^15 buckets of 64 bytes stay in a cache.
const MAX_BITS: u32 = 16;
/// Bases between those whose running sum is kept, and scalars whose digits are made together.
const STEP: usize = 1 << 10;
/// Words of the scalars' absolute values.
const WORDS: usize = 4;

/// Points to be multiplied by many lists of scalars.
///
/// Each of its tables takes 64 bytes a point.
pub struct FixedBases {
    count: usize,
    /// Tables one after the other: number `i` has `2^(256·i/tables)` times the points.
    bases: Vec<Point>,
    tables: usize,
    /// Sum of the first `i·STEP` bases.
    sums: Vec<G1>,
    instructions: Instructions,
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
    /// Up to `2^28` points, with one table.
    ///
    /// # Panics
    ///
    /// If there are more.
    pub fn new(points: &[G1Affine]) -> Result<Self, IdentityBase> {
        Self::with_tables(points, 1)
    }

    /// With 1, 2 or 4 tables: full-size scalars then need half of the buckets for 2 tables, a quarter for 4, which is worth
    /// something for some ten thousands of points. All further tables together cost up to 192 doublings a point, once, which
    /// is the time of dozens of multiplications.
    ///
    /// # Panics
    ///
    /// If there are more than `2^28` points, or another number of tables.
    pub fn with_tables(points: &[G1Affine], tables: usize) -> Result<Self, IdentityBase> {
        assert!(points.len() <= 1 << 28, "too many bases");
        assert!(matches!(tables, 1 | 2 | 4), "{tables} tables");
        if let Some(index) = points.iter().position(|p| p.is_identity().into()) {
            return Err(IdentityBase { index });
        }
        let mut bases = Vec::with_capacity(tables * points.len());
        // None is the identity, and doubling does not make it one: the order of the group is odd.
        bases.extend(points.iter().filter_map(Point::new));
        for _ in 1..tables {
            let last = &bases[bases.len() - points.len()..];
            let shifted: Vec<Vec<Point>> = last
                .par_chunks(STEP)
                .map(|step| shifted(step, 256 / tables))
                .collect();
            bases.extend(shifted.into_iter().flatten());
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
        Ok(Self {
            count: points.len(),
            bases,
            tables,
            sums,
            instructions: Instructions::best(),
        })
    }

    /// Adds points by certain instructions instead of the fastest.
    ///
    /// # Panics
    ///
    /// If the machine does not have them.
    #[must_use]
    pub fn with_instructions(mut self, instructions: Instructions) -> Self {
        assert!(instructions.exist(), "no {instructions:?} on this machine");
        self.instructions = instructions;
        self
    }

    /// Number of bases.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// `Σ scalars[i]·bases[first + i]`.
    ///
    /// Runs on the threads of the current pool of rayon.
    ///
    /// # Panics
    ///
    /// If there are not as many bases.
    pub fn multiply<S: Scalar>(&self, first: usize, scalars: &[S]) -> G1 {
        assert!(
            first <= self.count && scalars.len() <= self.count - first,
            "{} scalars from base {first} on, of {} bases",
            scalars.len(),
            self.count
        );
        let survey = scalars
            .par_chunks(STEP)
            .map(Survey::of)
            .reduce(Survey::default, Survey::union);
        let threads = rayon::current_num_threads();
        let plan = Plan::new(&survey, scalars.len(), self.tables);
        // For each step, digits by piece and window.
        let steps: Vec<Vec<i32>> = scalars
            .par_chunks(STEP)
            .map(|step| plan.digits(step, WORDS / self.tables))
            .collect();
        let work = Work {
            bases: self,
            first,
            steps: &steps,
            plan: &plan,
        };
        let tasks = work.tasks(threads);
        let sums: Vec<(usize, G1)> = tasks
            .into_par_iter()
            .with_max_len(1)
            .map(|task| (task.window, work.run(&task)))
            .collect();
        let mut result = G1::identity();
        for window in (0..plan.windows).rev() {
            for _ in 0..plan.bits {
                result = result.double();
            }
            for (_, sum) in sums.iter().filter(|(w, _)| *w == window) {
                result += sum;
            }
        }
        if plan.middle != 0 {
            let all = self.sum(first + scalars.len()) - self.sum(first);
            result += all * field_element(plan.middle);
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
}

/// `2^bits` times the points.
fn shifted(points: &[Point], bits: usize) -> Vec<Point> {
    let multiples: Vec<G1> = points
        .iter()
        .map(|p| (0..bits).fold(p.affine().into(), |p: G1, _| p.double()))
        .collect();
    let mut affine = vec![G1Affine::identity(); points.len()];
    G1::batch_normalize(&multiples, &mut affine);
    affine.iter().filter_map(Point::new).collect()
}

/// How to cut scalars into digits.
struct Plan {
    /// What is subtracted from each.
    middle: i128,
    /// Each piece goes with a table.
    pieces: usize,
    /// Digits of a piece.
    windows: usize,
    bits: u32,
    /// Additions, about.
    cost: usize,
}

impl Plan {
    /// The cheaper of: numbers as they are, of which zeros cost nothing; and less their middle, which makes all shorter.
    fn new(survey: &Survey, count: usize, tables: usize) -> Self {
        let plain = Self::around(0, survey.bits, survey.nonzero, tables);
        let Some((least, greatest)) = survey.range else {
            return plain;
        };
        let middle = least + (greatest - least) / 2;
        // The greatest absolute value, less one, which is what counts for digits.
        let half = (greatest - middle).saturating_sub(1).max(0);
        let bits = i128::BITS - half.leading_zeros();
        // All bases are added up for the middle, but for the last few only.
        let nonzero = if least == greatest { 0 } else { count };
        let around = Self::around(middle, bits, nonzero, tables);
        if around.cost + STEP < plain.cost {
            around
        } else {
            plain
        }
    }

    /// The cheapest digits for numbers of at most `2^size`, of which `nonzero` are not zero.
    fn around(middle: i128, size: u32, nonzero: usize, tables: usize) -> Self {
        let piece = (256 / tables) as u32;
        let pieces = (size + 1).div_ceil(piece);
        let size = size.min(piece - 1);
        let of = |bits: u32| {
            let windows = (size + 1).div_ceil(bits) as usize;
            // Two additions a bucket at the end, and some fifty for an inversion at each of its levels.
            let end = (2 << (bits - 1)) + 50 * (bits * bits / 2) as usize;
            Self {
                middle,
                pieces: pieces as usize,
                windows,
                bits,
                cost: windows * (pieces as usize * nonzero + end),
            }
        };
        (3..=MAX_BITS).map(of).fold(
            of(2),
            |best, plan| if plan.cost < best.cost { plan } else { best },
        )
    }

    /// Digits of scalars: for each piece and window, those of all.
    fn digits<S: Scalar>(&self, scalars: &[S], words: usize) -> Vec<i32> {
        let mut all = vec![0; self.pieces * self.windows * scalars.len()];
        for (i, scalar) in scalars.iter().enumerate() {
            let (negative, magnitude) = scalar.parts(self.middle);
            if magnitude == [0; 4] {
                continue;
            }
            pieces(magnitude, words, self.pieces, |p, opposite, piece| {
                let negative = negative != opposite;
                digits(negative, piece, self.bits, self.windows, |w, digit| {
                    all[(p * self.windows + w) * scalars.len() + i] = digit;
                });
            });
        }
        all
    }
}

/// All digits, and their bases.
struct Work<'a> {
    bases: &'a FixedBases,
    first: usize,
    steps: &'a [Vec<i32>],
    plan: &'a Plan,
}

/// Some digits, each of which goes to its bucket.
struct Task {
    window: usize,
    /// Absolute values less one.
    buckets: Range<u32>,
    steps: Range<usize>,
}

impl Work<'_> {
    /// Splits windows so that threads have about as much to do: by buckets, which costs little but a pass over the digits,
    /// where windows do not go round; and by scalars, where a part is much more than the others.
    fn tasks(&self, threads: usize) -> Vec<Task> {
        let windows = self.plan.windows;
        let few = threads > 1 && windows < 4 * threads && self.plan.bits >= 10;
        let parts = if few && !windows.is_multiple_of(threads) {
            2
        } else {
            1
        };
        let size = 1 << (self.plan.bits - 1 - u32::from(parts == 2));
        let tasks: Vec<Task> = (0..windows)
            .flat_map(|window| (0..parts).map(move |part| (window, part)))
            .map(|(window, part)| Task {
                window,
                buckets: part * size..(part + 1) * size,
                steps: 0..self.steps.len(),
            })
            .collect();
        if !few {
            return tasks;
        }
        let counts: Vec<usize> = tasks
            .par_iter()
            .map(|task| {
                let mut count = 0;
                self.each(task, |_, _, _| count += 1);
                count
            })
            .collect();
        let share = counts.iter().sum::<usize>().div_ceil(threads).max(1);
        let mut split = Vec::new();
        for (task, count) in tasks.iter().zip(counts) {
            let chunks = ((count + share / 2) / share).clamp(1, self.steps.len().max(1));
            let cut = |i: usize| i * self.steps.len() / chunks;
            split.extend((0..chunks).map(|i| Task {
                window: task.window,
                buckets: task.buckets.clone(),
                steps: cut(i)..cut(i + 1),
            }));
        }
        split
    }

    /// Digits of a task: index of the base, whether the digit is negative, and the bucket's number in the task.
    #[inline]
    fn each(&self, task: &Task, mut put: impl FnMut(usize, bool, u32)) {
        let rows = self.plan.pieces * self.plan.windows;
        let buckets = task.buckets.end - task.buckets.start;
        for step in task.steps.clone() {
            let digits = &self.steps[step];
            let len = digits.len() / rows;
            for piece in 0..self.plan.pieces {
                let row = piece * self.plan.windows + task.window;
                let base = piece * self.bases.count + self.first + step * STEP;
                for (i, digit) in digits[row * len..(row + 1) * len].iter().enumerate() {
                    // Zero wraps around.
                    let bucket = digit.unsigned_abs().wrapping_sub(1 + task.buckets.start);
                    if bucket < buckets {
                        put(base + i, *digit < 0, bucket);
                    }
                }
            }
        }
    }

    /// `Σ digit·base` over the task.
    fn run(&self, task: &Task) -> G1 {
        let count = task.buckets.len();
        let mut buckets = Buckets::new(&self.bases.bases, count, self.bases.instructions);
        self.each(task, |base, negative, bucket| {
            let sign = if negative { NEGATIVE } else { 0 };
            buckets.arrive(base as u32 | sign, bucket);
        });
        buckets.weighted_sum(task.buckets.start)
    }
}

/// What buckets start with: `S + j·D`, whose discrete logarithms nobody knows.
struct Starts {
    points: Vec<Point>,
    /// Of the first `2^i`.
    sums: Vec<Sums>,
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
        let sums = (0..MAX_BITS)
            .map(|i| start_sums(first, step, 1 << i))
            .collect();
        Starts { points, sums }
    })
}

/// `Σ (j + 1)·(S + j·D)` and `Σ (S + j·D)` for `j < count`.
fn start_sums(first: G1, step: G1, count: u64) -> Sums {
    let triangle = count * (count - 1) / 2;
    let pyramid = (count - 1) * count * (count + 1) / 3;
    Sums {
        weighted: times(first, triangle + count) + times(step, pyramid),
        plain: times(first, count) + times(step, triangle),
    }
}

/// A multiple, with as many doublings as the factor has bits.
fn times(point: G1, factor: u64) -> G1 {
    let bits = u64::BITS - factor.leading_zeros();
    (0..bits).rev().fold(G1::identity(), |sum, i| {
        let double = sum.double();
        if (factor >> i) & 1 == 1 {
            double + point
        } else {
            double
        }
    })
}

/// `Σ (j + 1)·P_j`, and `Σ P_j`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sums {
    weighted: G1,
    plain: G1,
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
    fn new(bases: &'a [Point], count: usize, instructions: Instructions) -> Self {
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
            pairs: Pairs::new(instructions),
            aside: Vec::new(),
        }
    }

    #[inline]
    fn arrive(&mut self, source: Source, bucket: u32) {
        let b = bucket as usize;
        let (word, bit) = (&mut self.busy[b / 64], 1 << (b % 64));
        if *word & bit == 0 {
            *word |= bit;
            // Buckets are in no order: without this, each that is read is waited for.
            prefetch(&self.buckets[b]);
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

    /// `Σ (j + 1 + offset)·bucket[j]`, less what they started with, after all that waits is added.
    fn weighted_sum(mut self, offset: u32) -> G1 {
        while !(self.batch.is_empty() && self.couples.is_empty()) {
            if self.couples.is_empty() {
                self.add_batch();
            } else {
                self.add_couples();
            }
        }
        let aside = std::mem::take(&mut self.aside);
        let buckets = std::mem::take(&mut self.buckets);
        let sums = weighted_sum(&buckets, &mut self.pairs).unwrap_or_else(|| slowly(&buckets));
        let start = &starts().sums[buckets.len().trailing_zeros() as usize];
        let mut sum = sums.weighted - start.weighted;
        if offset != 0 {
            sum += times(sums.plain - start.plain, offset.into());
        }
        aside.into_iter().fold(sum, |sum, (bucket, point)| {
            sum + times(point, u64::from(bucket + 1 + offset))
        })
    }
}

/// Sums of a power of two of points. `None` if points with equal x-coordinates met.
///
/// `Σ j·P_j = Σ P_(odd) + 2·Σ j·(P_(2j) + P_(2j+1))`, level by level, and one sum more of all, which is the last level.
fn weighted_sum(points: &[Point], pairs: &mut Pairs) -> Option<Sums> {
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
    let plain = level.first()?.affine();
    let by_bit = odd
        .iter()
        .rev()
        .fold(G1::identity(), |sum, p| sum.double() + p.affine());
    Some(Sums {
        weighted: by_bit + plain,
        plain: plain.into(),
    })
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
fn slowly(points: &[Point]) -> Sums {
    let (mut plain, mut weighted) = (G1::identity(), G1::identity());
    for point in points.iter().rev() {
        plain += point.affine();
        weighted += plain;
    }
    Sums { weighted, plain }
}

#[cfg(test)]
mod tests;

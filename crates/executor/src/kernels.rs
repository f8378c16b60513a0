//! Exact products of 16-bit vectors and matrices.
//!
//! Sixteen inputs at a time, each of eight lanes adds the products of two neighbours to a 32-bit sum. Such a sum is exact as
//! long as the magnitudes of the inputs that a lane has taken, times the greatest mantissa `M` of the weights, stay below
//! `2^31`: no partial sum is greater than `Σ|x|·|w| ≤ M·Σ|x|`. So a row of inputs is cut into *segments*, within which
//! `Σ|x| ≤ floor((2^31 − 1)/M)` for each lane, and lanes are added to 64-bit sums at the end of each. One step always fits: with
//! `M ≤ 2^15 − 1`, two inputs of `−2^15` give at most `2^16·(2^15 − 1) < 2^31`. Sums of segments are less than `2^31·8` each, so
//! that no 64-bit sum of fewer than `2^29` steps overflows.
//!
//! The instructions come through `pulp`, which finds out at run time what the processor has. Everything else is the same for
//! all processors, and so are the results.

/// Inputs of one step.
pub(crate) const STEP: usize = 16;
/// Lanes, each of two inputs of a step.
const LANES: usize = STEP / 2;
/// Rows of inputs that are multiplied at once.
pub(crate) const TILE_ROWS: usize = 4;
/// Columns that rows are multiplied with at once.
const TILE_COLUMNS: usize = 2;
/// Columns that stay in the cache while all rows are multiplied with them.
const PANEL_COLUMNS: usize = 32;

/// Neighbouring inputs, or the mantissas they are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(32))]
pub(crate) struct Block(pub(crate) [i16; STEP]);

/// 16-bit values, padded with zeros to whole blocks.
pub(crate) fn blocks(values: &[i64]) -> impl Iterator<Item = Block> + '_ {
    values.chunks(STEP).map(|values| {
        let mut block = Block([0; STEP]);
        for (to, value) in block.0.iter_mut().zip(values) {
            *to = *value as i16;
        }
        block
    })
}

/// Eight 32-bit sums, and the same in 64 bits.
trait Lanes: Copy {
    type Sums: Copy;
    type Wide: Copy;

    fn zero(self) -> Self::Sums;
    fn wide_zero(self) -> Self::Wide;
    /// Adds the products of both halves of each lane, modulo `2^32`.
    fn step(self, sums: Self::Sums, x: &Block, w: &Block) -> Self::Sums;
    fn add(self, a: Self::Sums, b: Self::Sums) -> Self::Sums;
    fn widen(self, wide: Self::Wide, sums: Self::Sums) -> Self::Wide;
    fn total(self, wide: Self::Wide) -> i64;
}

/// Any processor.
#[derive(Clone, Copy)]
struct Portable;

impl Lanes for Portable {
    type Sums = [i32; LANES];
    type Wide = [i64; LANES];

    #[inline(always)]
    fn zero(self) -> Self::Sums {
        [0; LANES]
    }

    #[inline(always)]
    fn wide_zero(self) -> Self::Wide {
        [0; LANES]
    }

    #[inline(always)]
    fn step(self, mut sums: Self::Sums, x: &Block, w: &Block) -> Self::Sums {
        for (lane, sum) in sums.iter_mut().enumerate() {
            let product = |i: usize| i32::from(x.0[i]).wrapping_mul(w.0[i].into());
            let two = product(2 * lane).wrapping_add(product(2 * lane + 1));
            *sum = sum.wrapping_add(two);
        }
        sums
    }

    #[inline(always)]
    fn add(self, mut a: Self::Sums, b: Self::Sums) -> Self::Sums {
        for (a, b) in a.iter_mut().zip(b) {
            *a = a.wrapping_add(b);
        }
        a
    }

    #[inline(always)]
    fn widen(self, mut wide: Self::Wide, sums: Self::Sums) -> Self::Wide {
        for (wide, sum) in wide.iter_mut().zip(sums) {
            *wide += i64::from(sum);
        }
        wide
    }

    #[inline(always)]
    fn total(self, wide: Self::Wide) -> i64 {
        wide.iter().sum()
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for pulp::x86::V3 {
    type Sums = std::arch::x86_64::__m256i;
    type Wide = std::arch::x86_64::__m256i;

    #[inline(always)]
    fn zero(self) -> Self::Sums {
        self.avx._mm256_setzero_si256()
    }

    #[inline(always)]
    fn wide_zero(self) -> Self::Wide {
        self.avx._mm256_setzero_si256()
    }

    #[inline(always)]
    fn step(self, sums: Self::Sums, x: &Block, w: &Block) -> Self::Sums {
        let (x, w) = (pulp::bytemuck::cast(x.0), pulp::bytemuck::cast(w.0));
        let products = self.avx2._mm256_madd_epi16(x, w);
        self.avx2._mm256_add_epi32(sums, products)
    }

    #[inline(always)]
    fn add(self, a: Self::Sums, b: Self::Sums) -> Self::Sums {
        self.avx2._mm256_add_epi32(a, b)
    }

    #[inline(always)]
    fn widen(self, wide: Self::Wide, sums: Self::Sums) -> Self::Wide {
        let low = self.avx._mm256_castsi256_si128(sums);
        let high = self.avx2._mm256_extracti128_si256::<1>(sums);
        let low = self.avx2._mm256_cvtepi32_epi64(low);
        let high = self.avx2._mm256_cvtepi32_epi64(high);
        let both = self.avx2._mm256_add_epi64(low, high);
        self.avx2._mm256_add_epi64(wide, both)
    }

    #[inline(always)]
    fn total(self, wide: Self::Wide) -> i64 {
        pulp::bytemuck::cast::<_, [i64; 4]>(wide).iter().sum()
    }
}

/// Work for any lanes. What it calls must be inlined into it, or it could not use the processor's instructions.
trait Kernel {
    type Output;

    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// A kernel with the lanes it runs on.
#[cfg(target_arch = "x86_64")]
struct On<L, K>(L, K);

#[cfg(target_arch = "x86_64")]
impl<L: Lanes, K: Kernel> pulp::NullaryFnOnce for On<L, K> {
    type Output = K::Output;

    #[inline(always)]
    fn call(self) -> K::Output {
        self.1.run(self.0)
    }
}

/// Runs a kernel on the best lanes that the processor has.
fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(lanes) = pulp::x86::V3::try_new() {
        return lanes.vectorize(On(lanes, kernel));
    }
    kernel.run(Portable)
}

/// Products of `R` rows and `C` columns of the same number of blocks.
#[inline(always)]
fn tile<L: Lanes, const R: usize, const C: usize>(
    lanes: L,
    x: [&[Block]; R],
    w: [&[Block]; C],
    ends: &[usize],
) -> [[i64; C]; R] {
    let mut wide = [[lanes.wide_zero(); C]; R];
    let mut start = 0;
    for &end in ends {
        let (x, w) = (x.map(|x| &x[start..end]), w.map(|w| &w[start..end]));
        let mut sums = [[lanes.zero(); C]; R];
        for k in 0..end - start {
            for (sums, x) in sums.iter_mut().zip(x) {
                for (sum, w) in sums.iter_mut().zip(w) {
                    *sum = lanes.step(*sum, &x[k], &w[k]);
                }
            }
        }
        for (wide, sums) in wide.iter_mut().zip(sums) {
            for (wide, sum) in wide.iter_mut().zip(sums) {
                *wide = lanes.widen(*wide, sum);
            }
        }
        start = end;
    }
    let mut totals = [[0; C]; R];
    for (totals, wide) in totals.iter_mut().zip(wide) {
        for (total, wide) in totals.iter_mut().zip(wide) {
            *total = lanes.total(wide);
        }
    }
    totals
}

/// The product of one row and one column. Weights that come from memory are read in order.
#[inline(always)]
fn single<L: Lanes>(lanes: L, x: &[Block], w: &[Block], ends: &[usize]) -> i64 {
    let mut wide = lanes.wide_zero();
    let mut start = 0;
    for &end in ends {
        let (x, w) = (&x[start..end], &w[start..end]);
        // Sums of parts of a segment's terms are as small.
        let mut sums = [lanes.zero(); 4];
        let (mut xs, mut ws) = (x.chunks_exact(4), w.chunks_exact(4));
        for (x, w) in xs.by_ref().zip(ws.by_ref()) {
            for (sum, (x, w)) in sums.iter_mut().zip(x.iter().zip(w)) {
                *sum = lanes.step(*sum, x, w);
            }
        }
        for (x, w) in xs.remainder().iter().zip(ws.remainder()) {
            sums[0] = lanes.step(sums[0], x, w);
        }
        let [a, b, c, d] = sums;
        wide = lanes.widen(wide, lanes.add(lanes.add(a, b), lanes.add(c, d)));
        start = end;
    }
    lanes.total(wide)
}

/// Where segments end, of rows that have them in common: `limit` is what magnitudes of a lane may sum up to in each. None if a
/// step is more than that.
pub(crate) fn segments(rows: &[&[Block]], limit: u32) -> Option<Vec<usize>> {
    dispatch(Segments { rows, limit })
}

struct Segments<'a> {
    rows: &'a [&'a [Block]],
    limit: u32,
}

impl Kernel for Segments<'_> {
    type Output = Option<Vec<usize>>;

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) -> Self::Output {
        segments_of(self.rows, self.limit)
    }
}

#[inline(always)]
fn segments_of(rows: &[&[Block]], limit: u32) -> Option<Vec<usize>> {
    let steps = rows.first()?.len();
    let mut sums = [[0u32; LANES]; TILE_ROWS];
    let mut ends = Vec::new();
    for step in 0..steps {
        let mut steps = [[0u32; LANES]; TILE_ROWS];
        let mut greatest = [0u32; LANES];
        for ((row, magnitudes), sums) in rows.iter().zip(&mut steps).zip(&mut sums) {
            let x = &row[step].0;
            for lane in 0..LANES {
                let two = [x[2 * lane], x[2 * lane + 1]].map(|x| u32::from(x.unsigned_abs()));
                magnitudes[lane] = two[0] + two[1];
                // At most the limit, which is 31-bit, and 2^16.
                sums[lane] += magnitudes[lane];
                greatest[lane] = greatest[lane].max(sums[lane]);
            }
        }
        if greatest.iter().any(|sum| *sum > limit) {
            if steps.as_flattened().iter().any(|sum| *sum > limit) {
                return None;
            }
            ends.push(step);
            sums = steps;
        }
    }
    ends.push(steps);
    Some(ends)
}

/// What the magnitudes of the inputs of a lane may sum up to, with weights up to `greatest`.
pub(crate) fn limit(greatest: u16) -> u32 {
    (i32::MAX as u32) / u32::from(greatest.max(1))
}

/// Rows of inputs with the ends of their segments, for each tile of [`TILE_ROWS`] rows.
pub(crate) struct Rows<'a> {
    /// `[n][steps]`.
    pub(crate) blocks: &'a [Block],
    /// Blocks of a row.
    pub(crate) steps: usize,
    /// Of each tile.
    pub(crate) ends: &'a [Vec<usize>],
}

/// Where the sums of rows and columns go.
#[derive(Clone, Copy)]
pub(crate) struct Strides {
    pub(crate) row: usize,
    pub(crate) column: usize,
}

/// `Σ x·w` of each row and column, for columns `[columns][steps]`.
pub(crate) fn product(rows: &Rows<'_>, columns: &[Block], strides: Strides, out: &mut [i64]) {
    dispatch(Product {
        rows,
        columns,
        strides,
        out,
    });
}

struct Product<'a> {
    rows: &'a Rows<'a>,
    columns: &'a [Block],
    strides: Strides,
    out: &'a mut [i64],
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        product_with(lanes, self.rows, self.columns, self.strides, self.out);
    }
}

#[inline(always)]
fn product_with<L: Lanes>(
    lanes: L,
    rows: &Rows<'_>,
    columns: &[Block],
    strides: Strides,
    out: &mut [i64],
) {
    let steps = rows.steps;
    if rows.blocks.len() == steps {
        for (o, w) in columns.chunks_exact(steps).enumerate() {
            out[o * strides.column] = single(lanes, rows.blocks, w, &rows.ends[0]);
        }
        return;
    }
    for (panel, columns) in columns.chunks(PANEL_COLUMNS * steps).enumerate() {
        let tiles = rows.blocks.chunks(TILE_ROWS * steps).zip(rows.ends);
        for (tile, (x, ends)) in tiles.enumerate() {
            let at = tile * TILE_ROWS * strides.row + panel * PANEL_COLUMNS * strides.column;
            let out = &mut out[at..];
            match x.len() / steps {
                1 => panel_of::<L, 1>(lanes, x, columns, ends, strides, out),
                2 => panel_of::<L, 2>(lanes, x, columns, ends, strides, out),
                3 => panel_of::<L, 3>(lanes, x, columns, ends, strides, out),
                _ => panel_of::<L, TILE_ROWS>(lanes, x, columns, ends, strides, out),
            }
        }
    }
}

/// `R` rows and some columns.
#[inline(always)]
fn panel_of<L: Lanes, const R: usize>(
    lanes: L,
    x: &[Block],
    columns: &[Block],
    ends: &[usize],
    strides: Strides,
    out: &mut [i64],
) {
    let steps = x.len() / R;
    let rows: [&[Block]; R] = std::array::from_fn(|t| &x[t * steps..(t + 1) * steps]);
    for (pair, w) in columns.chunks(TILE_COLUMNS * steps).enumerate() {
        let o = pair * TILE_COLUMNS;
        match w.len() == TILE_COLUMNS * steps {
            true => {
                let (first, second) = w.split_at(steps);
                for (t, sums) in tile(lanes, rows, [first, second], ends).iter().enumerate() {
                    let at = t * strides.row + o * strides.column;
                    out[at] = sums[0];
                    out[at + strides.column] = sums[1];
                }
            }
            false => {
                for (t, sums) in tile(lanes, rows, [w], ends).iter().enumerate() {
                    out[t * strides.row + o * strides.column] = sums[0];
                }
            }
        }
    }
}

/// The products of each row with each column of 32-bit weights, modulo `2^64`, in the order of columns.
pub(crate) fn product_int(rows: &[i32], columns: &[i32], inputs: usize, out: &mut [i64]) {
    dispatch(ProductInt {
        rows,
        columns,
        inputs,
        out,
    });
}

struct ProductInt<'a> {
    rows: &'a [i32],
    columns: &'a [i32],
    inputs: usize,
    out: &'a mut [i64],
}

impl Kernel for ProductInt<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let n = self.rows.len() / self.inputs;
        let columns = self.columns.chunks_exact(self.inputs);
        for (w, out) in columns.zip(self.out.chunks_exact_mut(n)) {
            for (x, out) in self.rows.chunks_exact(self.inputs).zip(out) {
                *out = 0;
                for (&x, &w) in x.iter().zip(w) {
                    // At most 2^62.
                    *out = out.wrapping_add(i64::from(x) * i64::from(w));
                }
            }
        }
    }
}

/// `Σ_s p[s]·v[s][k]` of rows of values, exact: `p` is unsigned 16-bit, and `greatest` the greatest magnitude of values.
pub(crate) fn weighted_rows(p: &[i64], values: &[i16], greatest: u16, out: &mut [i64]) {
    dispatch(WeightedRows {
        p,
        values,
        greatest,
        out,
    });
}

struct WeightedRows<'a> {
    p: &'a [i64],
    values: &'a [i16],
    greatest: u16,
    out: &'a mut [i64],
}

impl Kernel for WeightedRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        weighted_rows_of(self.p, self.values, self.greatest, self.out);
    }
}

#[inline(always)]
fn weighted_rows_of(p: &[i64], values: &[i16], greatest: u16, out: &mut [i64]) {
    // One product always fits: 65,535·2^15 < 2^31.
    let limit = limit(greatest).into();
    let mut sums = vec![0i32; out.len()];
    let mut taken = 0;
    out.fill(0);
    for (&p, row) in p.iter().zip(values.chunks_exact(out.len())) {
        if p == 0 {
            continue;
        }
        taken += p;
        if taken > limit {
            for (out, sum) in out.iter_mut().zip(&mut sums) {
                *out += i64::from(std::mem::take(sum));
            }
            taken = p;
        }
        for (sum, &v) in sums.iter_mut().zip(row) {
            *sum = sum.wrapping_add((p as i32).wrapping_mul(v.into()));
        }
    }
    for (out, sum) in out.iter_mut().zip(sums) {
        *out += i64::from(sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 16-bit integers of every magnitude, often at an end.
    fn short() -> impl Strategy<Value = i16> {
        prop_oneof![
            (any::<i16>(), 0u32..16).prop_map(|(v, s)| v >> s),
            Just(i16::MIN),
            Just(i16::MAX),
            Just(0),
        ]
    }

    fn padded(values: &[i16], width: usize) -> Vec<Block> {
        let values: Vec<i64> = values.iter().map(|v| i64::from(*v)).collect();
        let rows = values.chunks_exact(width);
        rows.flat_map(blocks).collect()
    }

    /// All kernels against sums in 128 bits.
    fn check(x: &[i16], w: &[i16], width: usize) {
        let (n, count) = (x.len() / width, w.len() / width);
        let (rows, columns) = (padded(x, width), padded(w, width));
        let steps = width.div_ceil(STEP);
        let greatest = w.iter().map(|w| w.unsigned_abs()).max().unwrap_or(0);
        let tiles = rows.chunks(TILE_ROWS * steps);
        let ends: Option<Vec<_>> = tiles
            .map(|tile| segments(&tile.chunks(steps).collect::<Vec<_>>(), limit(greatest)))
            .collect();
        let Some(ends) = ends else {
            assert_eq!(greatest, 1 << 15);
            return;
        };
        let rows = Rows {
            blocks: &rows,
            steps,
            ends: &ends,
        };
        let sum = |t: usize, o: usize| -> i128 {
            let x = &x[t * width..][..width];
            let terms = x.iter().zip(&w[o * width..]);
            terms.map(|(x, w)| i128::from(*x) * i128::from(*w)).sum()
        };
        for (row, column) in [(count, 1), (1, n)] {
            let strides = Strides { row, column };
            let mut out = vec![0; n * count];
            product(&rows, &columns, strides, &mut out);
            let mut portable = vec![0; n * count];
            product_with(Portable, &rows, &columns, strides, &mut portable);
            assert_eq!(out, portable);
            for t in 0..n {
                for o in 0..count {
                    assert_eq!(i128::from(out[t * row + o * column]), sum(t, o));
                }
            }
        }
        let wide = |v: &[i16]| -> Vec<i32> { v.iter().map(|v| i32::from(*v)).collect() };
        let mut out = vec![0; n * count];
        product_int(&wide(x), &wide(w), width, &mut out);
        for (at, out) in out.iter().enumerate() {
            assert_eq!(i128::from(*out), sum(at % n, at / n));
        }
    }

    #[test]
    fn extremes_are_exact() {
        for width in [1, 2, 3, 15, 16, 17, 33, 64, 1000, 4097] {
            // Wide rows are slow to check, and differ from others by segments alone.
            let shapes = [(1, 1), (1, 3), (2, 2), (5, 1), (3, 5), (4, 33), (9, 65)];
            let count = if width < 100 { shapes.len() } else { 4 };
            for (n, count) in &shapes[..count] {
                let ends = [i16::MIN, i16::MAX, -i16::MAX, 1, 0];
                for x in ends {
                    for w in ends {
                        check(&vec![x; n * width], &vec![w; count * width], width);
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn products_are_exact(
            width in prop_oneof![1usize..70, Just(257), Just(4097)], n in 1usize..10, count in 1usize..40,
            pool in prop::collection::vec((short(), short()), 1..200), offset in 1usize..50,
        ) {
            let of = |at: usize| pool[at % pool.len()];
            let x: Vec<i16> = (0..n * width).map(|at| of(at * offset).0).collect();
            let w: Vec<i16> = (0..count * width).map(|at| of(at + at / 7).1).collect();
            check(&x, &w, width);
        }

        #[test]
        fn weighted_rows_are_exact(
            rows in prop::collection::vec((prop_oneof![0i64..65_536, Just(65_535), Just(0)], prop::collection::vec(short(), 5)), 0..40),
            width in 1usize..6,
        ) {
            let p: Vec<i64> = rows.iter().map(|(p, _)| *p).collect();
            let values: Vec<i16> = rows.iter().flat_map(|(_, v)| &v[..width]).copied().collect();
            let greatest = values.iter().map(|v| v.unsigned_abs()).max().unwrap_or(0);
            let mut out = vec![7; width];
            weighted_rows(&p, &values, greatest, &mut out);
            for (k, out) in out.iter().enumerate() {
                let sum: i64 = p.iter().enumerate().map(|(s, p)| p * i64::from(values[s * width + k])).sum();
                prop_assert_eq!(*out, sum);
            }
        }
    }
}

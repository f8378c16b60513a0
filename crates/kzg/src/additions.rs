//! Many additions of affine points that share one inversion.

// The one call of code that needs AVX2, behind the check that the machine has it.
#![allow(unsafe_code)]

use crate::raw::{element, words, Point};
use halo2curves::bn256::Fq;
use halo2curves::ff::Field;

/// Room for the intermediate values of a batch, to be used again.
#[derive(Default)]
struct Scratch {
    #[cfg(target_arch = "x86_64")]
    lanes: vector::Scratch,
    differences: Vec<Fq>,
    prefixes: Vec<Fq>,
}

/// Pairs of points to be added.
#[derive(Default)]
pub(crate) struct Pairs {
    pub(crate) left: Vec<Point>,
    pub(crate) right: Vec<Point>,
    pub(crate) sums: Vec<Point>,
    scratch: Scratch,
}

impl Pairs {
    pub(crate) fn clear(&mut self) {
        self.left.clear();
        self.right.clear();
    }

    pub(crate) fn push(&mut self, left: Point, right: Point) {
        self.left.push(left);
        self.right.push(right);
    }

    /// Fills `sums`. False, and sums of no meaning, if some pair has the same x-coordinate twice.
    #[must_use]
    pub(crate) fn add(&mut self) -> bool {
        let pairs = self.left.len();
        assert_eq!(pairs, self.right.len());
        // Whole groups; only that these differ matters.
        let whole = pairs.next_multiple_of(GROUP);
        self.left.resize(whole, FILL);
        self.right.resize(whole, Point::default());
        self.sums.resize(whole, Point::default());
        let added = add(&self.left, &self.right, &mut self.sums, &mut self.scratch);
        self.left.truncate(pairs);
        self.right.truncate(pairs);
        self.sums.truncate(pairs);
        added
    }
}

/// Additions that the vector code does side by side.
const GROUP: usize = 8;
const FILL: Point = Point {
    x: [1, 0, 0, 0],
    y: [0; 4],
};

/// `sums[i] = left[i] + right[i]`, for whole groups.
fn add(left: &[Point], right: &[Point], sums: &mut [Point], scratch: &mut Scratch) -> bool {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        // SAFETY: the machine has both features.
        return unsafe { vector::add(left, right, sums, &mut scratch.lanes) };
    }
    add_portably(left, right, sums, scratch)
}

/// The same one by one, by the library's arithmetic.
fn add_portably(
    left: &[Point],
    right: &[Point],
    sums: &mut [Point],
    scratch: &mut Scratch,
) -> bool {
    let (differences, prefixes) = (&mut scratch.differences, &mut scratch.prefixes);
    differences.clear();
    prefixes.clear();
    let mut product = Fq::ONE;
    for (l, r) in left.iter().zip(right) {
        let difference = element(r.x) - element(l.x);
        differences.push(difference);
        prefixes.push(product);
        product *= difference;
    }
    let Some(mut inverse) = Option::<Fq>::from(product.invert()) else {
        return false;
    };
    for (i, sum) in sums.iter_mut().enumerate().rev() {
        let (l, r) = (left[i].affine(), right[i].affine());
        let slope = (r.y - l.y) * inverse * prefixes[i];
        inverse *= differences[i];
        let x = slope.square() - l.x - r.x;
        let y = slope * (l.x - x) - l.y;
        *sum = Point {
            x: words(&x),
            y: words(&y),
        };
    }
    true
}

#[cfg(target_arch = "x86_64")]
mod vector {
    use super::GROUP;
    use crate::lanes::Lanes;
    use crate::raw::{element, words, Point, Words};
    use halo2curves::bn256::Fq;
    use halo2curves::ff::Field;

    /// Two independent chains of four lanes, so that one computes while the other waits.
    const CHAINS: usize = GROUP / 4;

    #[derive(Default)]
    pub(super) struct Scratch {
        differences: Vec<[Lanes; CHAINS]>,
        prefixes: Vec<[Lanes; CHAINS]>,
    }

    /// Coordinates of a group of points, lane by lane.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn load(points: &[Point; GROUP], coordinate: fn(&Point) -> &Words) -> [Lanes; CHAINS] {
        let at = |i: usize| coordinate(&points[i]);
        [
            Lanes::load([at(0), at(1), at(2), at(3)]),
            Lanes::load([at(4), at(5), at(6), at(7)]),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn each(
        a: &[Lanes; CHAINS],
        b: &[Lanes; CHAINS],
        f: impl Fn(&Lanes, &Lanes) -> Lanes,
    ) -> [Lanes; CHAINS] {
        [f(&a[0], &b[0]), f(&a[1], &b[1])]
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn mul(a: &[Lanes; CHAINS], b: &[Lanes; CHAINS]) -> [Lanes; CHAINS] {
        [a[0].mul(&b[0]), a[1].mul(&b[1])]
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn sub(a: &[Lanes; CHAINS], b: &[Lanes; CHAINS]) -> [Lanes; CHAINS] {
        [a[0].sub(&b[0]), a[1].sub(&b[1])]
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn reduced(a: [Lanes; CHAINS]) -> [Lanes; CHAINS] {
        let [a, b] = a;
        [a.reduced(), b.reduced()]
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn balanced(a: [Lanes; CHAINS]) -> [Lanes; CHAINS] {
        let [a, b] = a;
        [a.balanced(), b.balanced()]
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn store(values: &[Lanes; CHAINS], to: &mut [Words; GROUP]) {
        let [a, b, c, d, e, f, g, h] = to;
        values[0].store([a, b, c, d]);
        values[1].store([e, f, g, h]);
    }

    /// See `Pairs::add`.
    ///
    /// A coordinate's words mean `x·2^256`, which `Lanes` reads as `X·2^255` with `X = 2x`. So slopes `(Y₂ - Y₁)/(X₂ - X₁)`
    /// come out as they are, and `2x₃ = 2·slope² - X₁ - X₂`, `2y₃ = slope·(X₁ - 2x₃) - Y₁` are what is to be written.
    ///
    /// Bounds, in multiples of `q` (see `lanes.rs`): coordinates 1.01, a negated y 2; so differences of x are within 1.01,
    /// prefixes within 0.39·P + 0.51 = 0.84, inverses within 0.84 likewise, slopes within 0.379·2·0.84 + 0.51 = 1.15 or
    /// less, their squares within 1.02, `2x₃` within 4.1, `2y₃` within 2·1.02·1.15·0.379 + 0.51 + 1.01 = 2.5. All factors
    /// are below 2.6, what is reduced is below 8.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn add(
        left: &[Point],
        right: &[Point],
        sums: &mut [Point],
        scratch: &mut Scratch,
    ) -> bool {
        let (differences, prefixes) = (&mut scratch.differences, &mut scratch.prefixes);
        differences.clear();
        prefixes.clear();
        let one = Lanes::all(&ONE);
        let mut product = [one; CHAINS];
        let (left, right) = (left.as_chunks().0, right.as_chunks().0);
        for (l, r) in left.iter().zip(right) {
            let difference = sub(&load(r, |p| &p.x), &load(l, |p| &p.x));
            differences.push(difference);
            prefixes.push(product);
            product = mul(&product, &difference);
        }
        let Some(mut inverse) = inverted(product) else {
            return false;
        };
        let sums = sums.as_chunks_mut::<GROUP>().0;
        for (i, sums) in sums.iter_mut().enumerate().rev() {
            let (l, r) = (&left[i], &right[i]);
            let (difference, prefix) = (&differences[i], &prefixes[i]);
            let inverse_difference = mul(&inverse, prefix);
            inverse = mul(&inverse, difference);
            let (x1, y1) = (load(l, |p| &p.x), load(l, |p| &p.y));
            let (x2, y2) = (load(r, |p| &p.x), load(r, |p| &p.y));
            let slope = mul(&balanced(sub(&y2, &y1)), &inverse_difference);
            let square = mul(&slope, &slope);
            let twice = each(&square, &square, |a, b| a.add(b));
            let x3 = reduced(balanced(sub(&sub(&twice, &x1), &x2)));
            let y3 = sub(&mul(&slope, &balanced(sub(&x1, &x3))), &y1);
            let y3 = reduced(balanced(y3));
            let (mut xs, mut ys) = ([[0; 4]; GROUP], [[0; 4]; GROUP]);
            store(&x3, &mut xs);
            store(&y3, &mut ys);
            for (sum, (x, y)) in sums.iter_mut().zip(xs.into_iter().zip(ys)) {
                *sum = Point { x, y };
            }
        }
        true
    }

    /// `2^255` modulo `q`: one.
    const ONE: Words = [
        0x87be_e7d2_4f06_0572,
        0xd0fd_2add_2f1c_6ae5,
        0x8f5f_7492_fcfd_4f44,
        0x1f37_631a_3d9c_bfac,
    ];

    /// `None` if some lane is zero.
    ///
    /// A lane `A` stands for `a = A/2^255`; as the library's element it is `f = A/2^256 = a/2`. The result `1/a` is in lanes
    /// `(1/a)·2^255`, which is the library's element `1/(2a) = 1/(4f)`.
    #[target_feature(enable = "avx2,fma")]
    fn inverted(product: [Lanes; CHAINS]) -> Option<[Lanes; CHAINS]> {
        let mut lanes = [[0; 4]; GROUP];
        store(&reduced(product), &mut lanes);
        let elements = lanes.map(element);
        let mut prefixes = [Fq::ONE; GROUP];
        let mut all = Fq::ONE;
        for (prefix, element) in prefixes.iter_mut().zip(&elements) {
            *prefix = all;
            all *= element;
        }
        let mut inverse = Option::<Fq>::from(all.invert())?;
        let quarter = Option::<Fq>::from(Fq::from(4).invert())?;
        for i in (0..GROUP).rev() {
            lanes[i] = words(&(inverse * prefixes[i] * quarter));
            inverse *= elements[i];
        }
        let [a, b, c, d, e, f, g, h] = &lanes;
        Some([Lanes::load([a, b, c, d]), Lanes::load([e, f, g, h])])
    }
}

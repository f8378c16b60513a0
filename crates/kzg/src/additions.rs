//! Many additions of affine points that share one inversion.

// Calls of code that needs AVX2 or AVX-512, behind the check that the machine has it; a hint to the cache.
#![allow(unsafe_code)]

use crate::raw::{Point, element, words};
use halo2curves::bn256::Fq;
use halo2curves::ff::Field;

/// Instructions that add points. Results do not depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// One element at a time, by the library's arithmetic.
    Portable,
    /// Four elements at a time, in doubles: AVX2 and FMA.
    Avx2,
    /// Eight elements at a time: AVX-512 with its 52-bit multiplications.
    Avx512,
}

impl Instructions {
    /// Those that this machine has, the fastest last.
    pub fn available() -> Vec<Self> {
        let all = [Self::Portable, Self::Avx2, Self::Avx512];
        all.into_iter().filter(|i| i.exist()).collect()
    }

    /// The fastest that this machine has.
    pub fn best() -> Self {
        if Self::Avx512.exist() {
            Self::Avx512
        } else if Self::Avx2.exist() {
            Self::Avx2
        } else {
            Self::Portable
        }
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) fn exist(self) -> bool {
        use std::arch::is_x86_feature_detected;
        match self {
            Self::Portable => true,
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn exist(self) -> bool {
        self == Self::Portable
    }
}

/// Asks for a point that will be read soon.
#[inline]
pub(crate) fn prefetch(point: &Point) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: this is a hint; nothing is read that the program sees.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(point).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = point;
}

/// Room for the intermediate values of a batch, to be used again.
#[derive(Default)]
struct Scratch {
    #[cfg(target_arch = "x86_64")]
    lanes: vector::Scratch,
    #[cfg(target_arch = "x86_64")]
    eight: wide::Scratch,
    differences: Vec<Fq>,
    prefixes: Vec<Fq>,
}

/// Pairs of points to be added.
pub(crate) struct Pairs {
    instructions: Instructions,
    pub(crate) left: Vec<Point>,
    pub(crate) right: Vec<Point>,
    pub(crate) sums: Vec<Point>,
    scratch: Scratch,
}

impl Pairs {
    /// # Panics
    ///
    /// If the machine lacks the instructions.
    pub(crate) fn new(instructions: Instructions) -> Self {
        assert!(instructions.exist(), "no {instructions:?} on this machine");
        Self {
            instructions,
            left: Vec::new(),
            right: Vec::new(),
            sums: Vec::new(),
            scratch: Scratch::default(),
        }
    }

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
        let (left, right, sums) = (&self.left, &self.right, &mut self.sums);
        let added = match self.instructions {
            // SAFETY: `new` found that the machine has the features.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe {
                wide::add(left, right, sums, &mut self.scratch.eight)
            },
            // SAFETY: likewise.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe {
                vector::add(left, right, sums, &mut self.scratch.lanes)
            },
            _ => add_portably(left, right, sums, &mut self.scratch),
        };
        self.left.truncate(pairs);
        self.right.truncate(pairs);
        self.sums.truncate(pairs);
        added
    }
}

/// Additions that the vector code does side by side, at most.
const GROUP: usize = 16;
const FILL: Point = Point {
    x: [1, 0, 0, 0],
    y: [0; 4],
};

/// `sums[i] = left[i] + right[i]`, one by one, by the library's arithmetic.
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
    use crate::lanes::Lanes;
    use crate::raw::{Point, Words, element, words};
    use halo2curves::bn256::Fq;
    use halo2curves::ff::Field;

    /// Two independent chains of four lanes, so that one computes while the other waits.
    const CHAINS: usize = 2;
    const GROUP: usize = 4 * CHAINS;

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
        Lanes::mul_both(a, b)
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

#[cfg(target_arch = "x86_64")]
mod wide {
    use crate::ifma::{Eight, WIDTH, load_both, load_x, store};
    use crate::raw::{Point, Words, element, words};
    use halo2curves::bn256::Fq;
    use halo2curves::ff::Field;

    /// Two independent chains, so that one computes while the other waits.
    const CHAINS: usize = 2;

    #[derive(Default)]
    pub(super) struct Scratch {
        differences: Vec<Eight>,
        prefixes: Vec<Eight>,
    }

    /// See `Pairs::add`.
    ///
    /// A coordinate's words mean `x·2^256`, which `Eight` reads as `X·2^260` with `X = x/16`. Slopes are the same. With a
    /// quarter of the slope, `l`, the sum is `X₃ = l² - X₁ - X₂` and `Y₃ = 4·l·(X₁ - X₃) - Y₁`.
    ///
    /// Bounds, in multiples of `q` (see `ifma.rs`): x-coordinates 1.07, y-coordinates 2, since negated ones are; so
    /// differences of x are within 3.1 and those of y within 4, products of them with prefixes and inverses, which are
    /// products themselves, within 1.1, `l²` within 1.1, four times a difference within 12.4, and its product with `l`
    /// within 1.2. What is reduced is below 4.1.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add(
        left: &[Point],
        right: &[Point],
        sums: &mut [Point],
        scratch: &mut Scratch,
    ) -> bool {
        let (differences, prefixes) = (&mut scratch.differences, &mut scratch.prefixes);
        differences.clear();
        prefixes.clear();
        let mut products = [Eight::all(ONE); CHAINS];
        let (left, right) = (left.as_chunks::<WIDTH>().0, right.as_chunks::<WIDTH>().0);
        for (i, (l, r)) in left.iter().zip(right).enumerate() {
            let difference = load_x(r).sub_from::<2>(&load_x(l));
            let product = &mut products[i % CHAINS];
            differences.push(difference);
            prefixes.push(*product);
            *product = product.mul(&difference);
        }
        let Some(mut inverses) = inverted(products) else {
            return false;
        };
        let sums = sums.as_chunks_mut::<WIDTH>().0;
        for (i, sums) in sums.iter_mut().enumerate().rev() {
            let inverse = &mut inverses[i % CHAINS];
            let inverse_difference = inverse.mul(&prefixes[i]);
            *inverse = inverse.mul(&differences[i]);
            let ((x1, y1), (x2, y2)) = (load_both(&left[i]), load_both(&right[i]));
            let slope = y2.sub_from::<2>(&y1).mul(&inverse_difference);
            let x3 = slope.mul(&slope).sub_both_reduced(&x1, &x2);
            let y3 = slope.mul(&x1.sub_times_four(&x3)).sub_reduced(&y1);
            store(sums, &x3, &y3);
        }
        true
    }

    /// `2^260` modulo `q`: one.
    const ONE: Words = [
        0x4552_0880_f6fc_e4b4,
        0x4989_0849_baa9_89a8,
        0x85a9_201d_818f_014a,
        0x1f16_424e_1bb7_724f,
    ];

    /// A quarter of the inverse. `None` if some lane is zero.
    ///
    /// A lane `A` stands for `a = A/2^260`; as the library's element it is `f = A/2^256 = 16·a`. The result `1/(4·a)` is in
    /// lanes `2^260/(4·a)`, which is the library's element `4/a = 64/f`.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn inverted(products: [Eight; CHAINS]) -> Option<[Eight; CHAINS]> {
        let mut lanes = [[Point::default(); WIDTH]; CHAINS];
        for (lanes, product) in lanes.iter_mut().zip(&products) {
            store(lanes, product, product);
        }
        let elements = lanes.map(|lanes| lanes.map(|p| element(p.x)));
        let mut prefixes = [Fq::ONE; CHAINS * WIDTH];
        let mut all = Fq::ONE;
        for (prefix, element) in prefixes.iter_mut().zip(elements.as_flattened()) {
            *prefix = all;
            all *= element;
        }
        let mut inverse = Option::<Fq>::from(all.invert())?;
        let lanes_flat = lanes.as_flattened_mut();
        for (i, element) in elements.as_flattened().iter().enumerate().rev() {
            lanes_flat[i].x = words(&(inverse * prefixes[i] * Fq::from(64)));
            inverse *= element;
        }
        Some(lanes.map(|lanes| load_x(&lanes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{points, rng};
    use halo2curves::bn256::{G1, G1Affine};
    use halo2curves::group::Curve;
    use rand_core::RngCore;

    /// Sums of sums, so that coordinates come as each of the codes leaves them; negated as often as not.
    #[test]
    fn all_instructions_add_as_the_library_does() {
        let mut rng = rng();
        let bases = points(600);
        for instructions in Instructions::available() {
            let mut pairs = Pairs::new(instructions);
            for count in [1, 2, 7, 8, 9, 15, 16, 17, 33, 300] {
                let mut level: Vec<Point> = bases.iter().filter_map(Point::new).collect();
                let mut expected: Vec<G1> = bases.iter().map(G1::from).collect();
                for _ in 0..4 {
                    pairs.clear();
                    let mut sums = Vec::new();
                    for i in 0..count {
                        let (mut l, mut r) = (level[i], level[i + count]);
                        let (mut a, mut b) = (expected[i], expected[i + count]);
                        if rng.next_u32().is_multiple_of(2) {
                            (l, a) = (l.negated(), -a);
                        }
                        if rng.next_u32().is_multiple_of(2) {
                            (r, b) = (r.negated(), -b);
                        }
                        pairs.push(l, r);
                        sums.push(a + b);
                    }
                    assert!(pairs.add());
                    let got: Vec<G1Affine> = pairs.sums.iter().map(Point::affine).collect();
                    let right: Vec<G1Affine> = sums.iter().map(|s| s.to_affine()).collect();
                    assert_eq!(got, right, "{instructions:?}, {count} pairs");
                    level.splice(..count, pairs.sums.iter().copied());
                    expected.splice(..count, sums);
                }
            }
        }
    }

    #[test]
    fn equal_coordinates_are_told() {
        let bases: Vec<Point> = points(40).iter().filter_map(Point::new).collect();
        for instructions in Instructions::available() {
            for at in [0, 7, 13, 38] {
                let mut pairs = Pairs::new(instructions);
                for i in 0..39 {
                    let right = if i == at {
                        bases[i].negated()
                    } else {
                        bases[i + 1]
                    };
                    pairs.push(bases[i], right);
                }
                assert!(!pairs.add());
            }
        }
    }
}

//! Eight elements of one of BN254's fields at a time, by the 52-bit multiplications of AVX-512.
//!
//! An element is five limbs of 52 bits, `x = Σ l_i·2^(52·i)`, in Montgomery form for `R = 2^260`, which is 84 times the modulus
//! `q`: with `a <= A·q` and `b <= B·q`, `mul(a, b) <= (A·B/84 + 1)·q`. So sums and differences of a few elements need no
//! reduction before they are multiplied; only their limbs must be brought below `2^52` again. Both moduli are so near each
//! other that all bounds are the same.

// Intrinsics are safe in functions that enable their features, but for loads and stores through pointers.
#![allow(unsafe_code)]

use crate::raw::{Point, Q, R, Words};
use std::arch::x86_64::*;
use std::marker::PhantomData;

/// Elements side by side.
pub(crate) const WIDTH: usize = 8;
pub(crate) const LIMBS: usize = 5;
const BITS: u32 = 52;
const MASK: u64 = (1 << BITS) - 1;

/// Limbs of eight numbers, in memory.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(crate) struct Rows(pub(crate) [[u64; WIDTH]; LIMBS]);

/// A modulus and what follows from it.
pub(crate) trait Modulus: Copy {
    /// The modulus.
    const WORDS: Words;
    /// Its limbs.
    const LIMBS: [u64; LIMBS] = limbs(Self::WORDS);
    /// `-1/q` modulo `2^52`.
    const NEGATIVE_INVERSE: u64 = negative_inverse(Self::WORDS[0]);
    /// Limb by limb its multiples from zero to seven. Limbs but the highest are below `2^55`.
    const MULTIPLES: [[u64; WIDTH]; LIMBS] = multiples(Self::LIMBS);
    /// `2^52` over its highest limb, rounded down: times the highest limb of a number, and over `2^52`, that is how often the
    /// modulus fits into it, or up to a hundredth of that less.
    const QUOTIENT: u64 = (1 << BITS) / (Self::LIMBS[LIMBS - 1] + 1);
}

/// The base field's.
#[derive(Clone, Copy)]
pub(crate) struct Base;

impl Modulus for Base {
    const WORDS: Words = Q;
}

/// The scalar field's.
#[derive(Clone, Copy)]
pub(crate) struct Scalars;

impl Modulus for Scalars {
    const WORDS: Words = R;
}

/// Limb `i` of eight elements is in the vector `i`.
#[derive(Clone, Copy)]
pub(crate) struct Eight<M: Modulus = Base>([__m512i; LIMBS], PhantomData<M>);

pub(crate) const fn limbs(x: Words) -> [u64; LIMBS] {
    [
        x[0] & MASK,
        (x[0] >> 52 | x[1] << 12) & MASK,
        (x[1] >> 40 | x[2] << 24) & MASK,
        (x[2] >> 28 | x[3] << 36) & MASK,
        x[3] >> 16,
    ]
}

const fn negative_inverse(lowest: u64) -> u64 {
    // Newton's iteration doubles the bits that are right, of which there are three at first.
    let mut inverse = lowest;
    let mut i = 0;
    while i < 5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(lowest.wrapping_mul(inverse)));
        i += 1;
    }
    inverse.wrapping_neg() & MASK
}

const fn multiples(limbs: [u64; LIMBS]) -> [[u64; WIDTH]; LIMBS] {
    let mut multiples = [[0; WIDTH]; LIMBS];
    let mut i = 0;
    while i < LIMBS {
        let mut k = 0;
        while k < WIDTH {
            multiples[i][k] = limbs[i] * k as u64;
            k += 1;
        }
        i += 1;
    }
    multiples
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn all(x: u64) -> __m512i {
    _mm512_set1_epi64(x.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn load(x: &[u64; WIDTH]) -> __m512i {
    // SAFETY: 64 bytes are readable behind the reference, and the load does not ask for alignment.
    unsafe { _mm512_loadu_si512(x.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn load_point(point: &Point) -> __m512i {
    // SAFETY: a point is 64 bytes, aligned to 64.
    unsafe { _mm512_load_si512(std::ptr::from_ref(point).cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn store_point(point: &mut Point, x: __m512i) {
    // SAFETY: a point is 64 bytes, aligned to 64, and any bits are words.
    unsafe { _mm512_store_si512(std::ptr::from_mut(point).cast(), x) }
}

/// The lower (`0x44`) or upper (`0xee`) halves of two vectors.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn halves<const WHICH: i32>(a: __m512i, b: __m512i) -> __m512i {
    _mm512_shuffle_i64x2::<WHICH>(a, b)
}

/// Limbs of the coordinates in the lower or upper halves of eight points.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn coordinates<const HALF: i32>(p: &[__m512i; WIDTH]) -> Eight {
    // Rows of four words, two to a vector, so chosen that columns come out in order.
    let rows = [
        halves::<HALF>(p[0], p[2]),
        halves::<HALF>(p[1], p[3]),
        halves::<HALF>(p[4], p[6]),
        halves::<HALF>(p[5], p[7]),
    ];
    let low = [
        _mm512_unpacklo_epi64(rows[0], rows[1]),
        _mm512_unpacklo_epi64(rows[2], rows[3]),
    ];
    let high = [
        _mm512_unpackhi_epi64(rows[0], rows[1]),
        _mm512_unpackhi_epi64(rows[2], rows[3]),
    ];
    let w = [
        _mm512_shuffle_i64x2::<0x88>(low[0], low[1]),
        _mm512_shuffle_i64x2::<0x88>(high[0], high[1]),
        _mm512_shuffle_i64x2::<0xdd>(low[0], low[1]),
        _mm512_shuffle_i64x2::<0xdd>(high[0], high[1]),
    ];
    Eight::of_words(w)
}

/// Coordinates `x` of eight points.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn load_x(points: &[Point; WIDTH]) -> Eight {
    coordinates::<0x44>(&vectors(points))
}

/// Both coordinates of eight points.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn load_both(points: &[Point; WIDTH]) -> (Eight, Eight) {
    let vectors = vectors(points);
    (coordinates::<0x44>(&vectors), coordinates::<0xee>(&vectors))
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn vectors(points: &[Point; WIDTH]) -> [__m512i; WIDTH] {
    let mut vectors = [all(0); WIDTH];
    for (v, p) in vectors.iter_mut().zip(points) {
        *v = load_point(p);
    }
    vectors
}

/// Words of eight numbers below `2^256`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn words<M: Modulus>(x: &Eight<M>) -> [__m512i; 4] {
    let l = &x.0;
    [
        _mm512_or_si512(l[0], _mm512_slli_epi64::<52>(l[1])),
        _mm512_or_si512(_mm512_srli_epi64::<12>(l[1]), _mm512_slli_epi64::<40>(l[2])),
        _mm512_or_si512(_mm512_srli_epi64::<24>(l[2]), _mm512_slli_epi64::<28>(l[3])),
        _mm512_or_si512(_mm512_srli_epi64::<36>(l[3]), _mm512_slli_epi64::<16>(l[4])),
    ]
}

/// Four pairs of rows: 0 and 2, 1 and 3, 4 and 6, 5 and 7.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn rows(x: &Eight) -> [__m512i; 4] {
    let w = words(x);
    let lower = load(&[0, 1, 8, 9, 2, 3, 10, 11]);
    let upper = load(&[4, 5, 12, 13, 6, 7, 14, 15]);
    let even = [
        _mm512_unpacklo_epi64(w[0], w[1]),
        _mm512_unpacklo_epi64(w[2], w[3]),
    ];
    let odd = [
        _mm512_unpackhi_epi64(w[0], w[1]),
        _mm512_unpackhi_epi64(w[2], w[3]),
    ];
    [
        _mm512_permutex2var_epi64(even[0], lower, even[1]),
        _mm512_permutex2var_epi64(odd[0], lower, odd[1]),
        _mm512_permutex2var_epi64(even[0], upper, even[1]),
        _mm512_permutex2var_epi64(odd[0], upper, odd[1]),
    ]
}

/// Writes points whose coordinates are below `2^256`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn store(points: &mut [Point; WIDTH], x: &Eight, y: &Eight) {
    let (x, y) = (rows(x), rows(y));
    let [p0, p1, p2, p3, p4, p5, p6, p7] = points;
    store_point(p0, halves::<0x44>(x[0], y[0]));
    store_point(p1, halves::<0x44>(x[1], y[1]));
    store_point(p2, halves::<0xee>(x[0], y[0]));
    store_point(p3, halves::<0xee>(x[1], y[1]));
    store_point(p4, halves::<0x44>(x[2], y[2]));
    store_point(p5, halves::<0x44>(x[3], y[3]));
    store_point(p6, halves::<0xee>(x[2], y[2]));
    store_point(p7, halves::<0xee>(x[3], y[3]));
}

impl<M: Modulus> Eight<M> {
    fn from_limbs(limbs: [__m512i; LIMBS]) -> Self {
        Self(limbs, PhantomData)
    }

    /// One number in all lanes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn all(x: Words) -> Self {
        let mut result = [all(0); LIMBS];
        for (r, limb) in result.iter_mut().zip(limbs(x)) {
            *r = all(limb);
        }
        Self::from_limbs(result)
    }

    /// Eight numbers below `2^256`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn load(x: [Words; WIDTH]) -> Self {
        let word = |i: usize| load(&x.map(|words| words[i]));
        let w = [word(0), word(1), word(2), word(3)];
        Self::of_words(w)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn of_words(w: [__m512i; 4]) -> Self {
        let mask = all(MASK);
        let joined =
            |low: __m512i, high: __m512i| _mm512_and_si512(_mm512_or_si512(low, high), mask);
        Self::from_limbs([
            _mm512_and_si512(w[0], mask),
            joined(_mm512_srli_epi64::<52>(w[0]), _mm512_slli_epi64::<12>(w[1])),
            joined(_mm512_srli_epi64::<40>(w[1]), _mm512_slli_epi64::<24>(w[2])),
            joined(_mm512_srli_epi64::<28>(w[2]), _mm512_slli_epi64::<36>(w[3])),
            _mm512_srli_epi64::<16>(w[3]),
        ])
    }

    /// Eight numbers, which must be below `2^256`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn words(&self) -> [Words; WIDTH] {
        let mut numbers = [[0; 4]; WIDTH];
        for (i, w) in words(self).into_iter().enumerate() {
            let mut lanes = [0; WIDTH];
            // SAFETY: 64 bytes are writable behind the reference, and the store does not ask for alignment.
            unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), w) };
            for (number, lane) in numbers.iter_mut().zip(lanes) {
                number[i] = lane;
            }
        }
        numbers
    }

    /// Eight numbers as limbs, as [`Eight::from_rows`] reads them.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn rows(&self) -> Rows {
        let mut rows = Rows::default();
        for (row, limb) in rows.0.iter_mut().zip(self.0) {
            // SAFETY: 64 bytes are writable behind the reference, and the store does not ask for alignment.
            unsafe { _mm512_storeu_si512(row.as_mut_ptr().cast(), limb) };
        }
        rows
    }

    /// Eight numbers from their limbs.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn from_rows(rows: &Rows) -> Self {
        let [a, b, c, d, e] = &rows.0;
        Self::from_limbs([load(a), load(b), load(c), load(d), load(e)])
    }

    /// One number, given by its limbs, in all lanes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn broadcast(limbs: &[u64; LIMBS]) -> Self {
        let [a, b, c, d, e] = *limbs;
        Self::from_limbs([all(a), all(b), all(c), all(d), all(e)])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn add(&self, other: &Self) -> Self {
        let mut sum = self.0;
        for (s, o) in sum.iter_mut().zip(other.0) {
            *s = _mm512_add_epi64(*s, o);
        }
        Self::from_limbs(sum).carried()
    }

    /// `self - other + MULTIPLE·q`, for `other` of at most that multiple.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn sub_from<const MULTIPLE: usize>(&self, other: &Self) -> Self {
        self.difference::<MULTIPLE>(other).carried()
    }

    /// Limbs below `2^52` from limbs that are signed and below `2^62`; the number must not be negative.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn carried(mut self) -> Self {
        for i in 0..LIMBS - 1 {
            let carry = _mm512_srai_epi64::<BITS>(self.0[i]);
            self.0[i] = _mm512_and_si512(self.0[i], all(MASK));
            self.0[i + 1] = _mm512_add_epi64(self.0[i + 1], carry);
        }
        self
    }

    /// `self - other + multiple·q`, limb by limb.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn difference<const MULTIPLE: usize>(&self, other: &Self) -> Self {
        let mut difference = self.0;
        for (i, d) in difference.iter_mut().enumerate() {
            *d = _mm512_sub_epi64(*d, other.0[i]);
            if MULTIPLE != 0 {
                *d = _mm512_add_epi64(*d, all(M::MULTIPLES[i][MULTIPLE]));
            }
        }
        Self::from_limbs(difference)
    }

    /// `4·(self - other + 2·q)`, for `other` of at most `2·q`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn sub_times_four(&self, other: &Self) -> Self {
        let mut difference = self.difference::<2>(other);
        for d in &mut difference.0 {
            *d = _mm512_slli_epi64::<2>(*d);
        }
        difference.carried()
    }

    /// The residue of `self - other`, for `other` of at most `2·q` and `self` of at most `5·q`: below `1.07·q`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn sub_reduced(&self, other: &Self) -> Self {
        self.difference::<2>(other).reduced()
    }

    /// The residue of `self - a - b`, for `a + b` of at most `3·q` and `self` of at most `4·q`: below `1.07·q`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn sub_both_reduced(&self, a: &Self, b: &Self) -> Self {
        self.difference::<3>(a).difference::<0>(b).reduced()
    }

    /// The residue below `1.07·q` of a number from zero to `7·q`, whose limbs may be signed.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn reduced(mut self) -> Self {
        // A highest limb of minus one is a number of almost nothing.
        let highest = _mm512_max_epi64(self.0[LIMBS - 1], all(0));
        let quotient = _mm512_madd52hi_epu64(all(0), highest, all(M::QUOTIENT));
        for (limb, multiples) in self.0.iter_mut().zip(&M::MULTIPLES) {
            let multiple = _mm512_permutexvar_epi64(quotient, load(multiples));
            *limb = _mm512_sub_epi64(*limb, multiple);
        }
        self.carried()
    }

    /// The Montgomery product.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn mul(&self, other: &Self) -> Self {
        let mut columns = [all(0); 2 * LIMBS];
        for i in 0..LIMBS {
            for j in 0..LIMBS {
                add_product(&mut columns, i + j, self.0[i], other.0[j]);
            }
            let multiple = _mm512_madd52lo_epu64(all(0), columns[i], all(M::NEGATIVE_INVERSE));
            for (j, limb) in M::LIMBS.into_iter().enumerate() {
                add_product(&mut columns, i + j, multiple, all(limb));
            }
            let carry = _mm512_srli_epi64::<BITS>(columns[i]);
            columns[i + 1] = _mm512_add_epi64(columns[i + 1], carry);
        }
        let [_, _, _, _, _, upper @ ..] = columns;
        Self::from_limbs(upper).carried()
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn add_product(columns: &mut [__m512i; 2 * LIMBS], k: usize, a: __m512i, b: __m512i) {
    columns[k] = _mm512_madd52lo_epu64(columns[k], a, b);
    columns[k + 1] = _mm512_madd52hi_epu64(columns[k + 1], a, b);
}

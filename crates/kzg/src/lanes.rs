//! Four elements of BN254's base field at a time, in the double-precision units of AVX2.
//!
//! An element is five limbs of 51 bits, each an integer in an `f64`: `x = Σ l_i·2^(51·i)`. A fused multiplication and
//! addition gives both halves of the product of two limbs exactly: with `C = 1.5·2^103`, `fma(a, b, C)` rounds `a·b` to a
//! multiple `h·2^51`, and `fma(a, b, C + K - fma(a, b, C))` is what is left, plus `K = 1.5·2^52`. Both are numbers whose
//! mantissa is an integer, so their bit patterns are added as 64-bit integers, and the constants that `C` and `K` leave
//! there are subtracted once per column. Halves are exact as long as `|a·b| <= 2^102`.
//!
//! Multiplication is Montgomery's with `R = 2^255`. A number that is in Montgomery form for `2^256`, as the library has
//! it, is in this form twice its element: see `sums`.
//!
//! **Bounds.** "Balanced" limbs are at most `2^50` (the highest: whatever the value needs). With `|a| <= A·q` and
//! `|b| <= B·q`, `|mul(a, b)| <= (0.379·A·B + 0.51)·q`, since `q < 0.379·2^255`, and the multiple of `q` that is added is at
//! most half of `2^255` times it, and a rounding. Limbs of products are balanced. A highest limb of `2^51` is a value of
//! more than `2.6·q`; so factors are below that.

// Intrinsics are safe in functions that enable their features. What is not: loads and stores through pointers, of which
// there is one each, assembly that is empty, and calls from functions without the features, in `additions.rs`.
#![allow(unsafe_code)]

use crate::raw::Words;
use std::arch::x86_64::*;

/// Four elements: limb `i` of all four is in the vector `i`.
#[derive(Clone, Copy)]
pub(crate) struct Lanes([__m256d; LIMBS]);

const LIMBS: usize = 5;
const BITS: i32 = 51;
const MASK: u64 = (1 << BITS) - 1;
const TWO_51: f64 = (1_u64 << 51) as f64;
const TWO_52: f64 = (1_u64 << 52) as f64;
/// `1.5·2^103`: the last bit of a sum with it stands for `2^51`.
const C: f64 = 1.5 * TWO_51 * TWO_52;
/// `1.5·2^52`: the last bit of a sum with it stands for one, and it may be of either sign.
const K: f64 = 1.5 * TWO_52;
const C_BITS: u64 = C.to_bits();
const K_BITS: u64 = K.to_bits();
/// Keeps columns positive while they are shifted; a multiple of `2^51`.
const POSITIVE: u64 = 1 << 58;
const HALF: u64 = 1 << (BITS - 1);

/// Balanced limbs of `q`.
const Q_LIMBS: [f64; LIMBS] = [
    154_029_749_239_111.0,
    612_489_067_865_988.0,
    -557_033_797_581_398.0,
    22_935_798_733_633.0,
    851_317_936_231_194.0,
];
/// `-1/q` modulo `2^51`, balanced.
const NEGATIVE_INVERSE: f64 = 571_208_714_576_777.0;

/// What is in the columns of a product before anything is added: minus all that `C` and `K` will leave there, and what
/// keeps them positive.
const COLUMNS: [u64; 2 * LIMBS] = {
    /// Products of limbs whose low half is in column `k`, twice: of the factors, and of the multiple of `q`.
    const fn low_halves(k: usize) -> u64 {
        2 * if k < LIMBS {
            k as u64 + 1
        } else if k < 2 * LIMBS - 1 {
            (2 * LIMBS - 1 - k) as u64
        } else {
            0
        }
    }
    let mut columns = [0_u64; 2 * LIMBS];
    let mut k = 0;
    while k < 2 * LIMBS {
        let mut c = 0_u64.wrapping_sub(K_BITS.wrapping_mul(low_halves(k)));
        if k > 0 {
            c = c.wrapping_sub(C_BITS.wrapping_mul(low_halves(k - 1)));
            // What the column below carries too much.
            c = c.wrapping_sub(POSITIVE >> BITS);
        }
        if k < 2 * LIMBS - 1 {
            c = c.wrapping_add(POSITIVE);
            if k >= LIMBS {
                // Limbs of the result are rounded, not cut.
                c = c.wrapping_add(HALF);
            }
        } else {
            // The highest is read as a number plus K.
            c = c.wrapping_add(K_BITS);
        }
        columns[k] = c;
        k += 1;
    }
    columns
};

#[inline]
#[target_feature(enable = "avx2,fma")]
fn all(x: f64) -> __m256d {
    _mm256_set1_pd(x)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn all_bits(x: u64) -> __m256i {
    _mm256_set1_epi64x(x.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load(from: &Words) -> __m256i {
    // SAFETY: 32 bytes are readable behind the reference, and the load does not ask for alignment.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn store(to: &mut Words, x: __m256i) {
    // SAFETY: 32 bytes are writable behind the reference, and the store does not ask for alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), x) }
}

/// Rows to columns, and back.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn transposed(r: [__m256i; 4]) -> [__m256i; 4] {
    let a = _mm256_unpacklo_epi64(r[0], r[1]);
    let b = _mm256_unpackhi_epi64(r[0], r[1]);
    let c = _mm256_unpacklo_epi64(r[2], r[3]);
    let d = _mm256_unpackhi_epi64(r[2], r[3]);
    [
        _mm256_permute2x128_si256::<0x20>(a, c),
        _mm256_permute2x128_si256::<0x20>(b, d),
        _mm256_permute2x128_si256::<0x31>(a, c),
        _mm256_permute2x128_si256::<0x31>(b, d),
    ]
}

/// A number below `2^52` as a floating-point one.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn float(x: __m256i) -> __m256d {
    let bits = _mm256_or_si256(x, all_bits(TWO_52.to_bits()));
    _mm256_sub_pd(_mm256_castsi256_pd(bits), all(TWO_52))
}

/// Adds the product of two limbs to a column, and its higher half to the next.
macro_rules! add_product {
    ($low:ident, $high:ident, $a:ident, $b:expr) => {
        let high = _mm256_fmadd_pd($a, $b, all(C));
        let low = _mm256_fmadd_pd($a, $b, _mm256_sub_pd(all(C + K), high));
        $low = _mm256_add_epi64($low, _mm256_castpd_si256(low));
        $high = _mm256_add_epi64($high, _mm256_castpd_si256(high));
    };
}

/// Does nothing with them, which the compiler does not know: otherwise it computes all products before it adds any, and has no
/// place for them but memory, which takes twice as long.
macro_rules! in_order {
    ($($vector:ident),*) => {
        // SAFETY: there is no instruction.
        unsafe {
            std::arch::asm!(
                concat!("/*", $(" {", stringify!($vector), "}",)* " */"),
                $($vector = inout(ymm_reg) $vector,)*
                options(nomem, nostack, preserves_flags),
            );
        }
    };
}

/// Adds `a·b` to six columns.
macro_rules! add_products {
    ([$c0:ident, $c1:ident, $c2:ident, $c3:ident, $c4:ident, $c5:ident], $a:ident, $b:expr) => {
        let b = $b;
        add_product!($c0, $c1, $a, b[0]);
        in_order!($a, $c0, $c1);
        add_product!($c1, $c2, $a, b[1]);
        in_order!($a, $c1, $c2);
        add_product!($c2, $c3, $a, b[2]);
        in_order!($a, $c2, $c3);
        add_product!($c3, $c4, $a, b[3]);
        in_order!($a, $c3, $c4);
        add_product!($c4, $c5, $a, b[4]);
        in_order!($c4, $c5);
    };
}

/// Adds `a·b` to columns of which the lowest is number `i`, and the multiple of `q` that makes that one a multiple of `2^51`,
/// which is carried. The columns that are left are one further up.
///
/// A macro, since six columns are to stay in registers: a loop over them keeps them in memory.
macro_rules! row {
    ($columns:ident, $i:literal, $a:expr, $b:expr) => {
        let [mut c0, mut c1, mut c2, mut c3, mut c4] = $columns;
        let mut c5 = all_bits(COLUMNS[LIMBS + $i]);
        let mut a = $a.0[$i];
        add_products!([c0, c1, c2, c3, c4, c5], a, $b.0);
        let mut multiple = multiple_of_q(c0);
        add_products!([c0, c1, c2, c3, c4, c5], multiple, Q_LIMBS.map(|q| all(q)));
        c1 = _mm256_add_epi64(c1, _mm256_srli_epi64::<BITS>(c0));
        $columns = [c1, c2, c3, c4, c5];
    };
}

/// What `q` is multiplied by to make a column a multiple of `2^51`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn multiple_of_q(column: __m256i) -> __m256d {
    let rest = float(_mm256_and_si256(column, all_bits(MASK)));
    let high = _mm256_fmadd_pd(rest, all(NEGATIVE_INVERSE), all(C));
    let low = _mm256_fmadd_pd(rest, all(NEGATIVE_INVERSE), _mm256_sub_pd(all(C + K), high));
    _mm256_sub_pd(low, all(K))
}

/// The lower half of a product's columns, before anything is added.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn first_columns() -> [__m256i; LIMBS] {
    let [c0, c1, c2, c3, c4, ..] = COLUMNS;
    [c0, c1, c2, c3, c4].map(|c| all_bits(c))
}

/// The upper half of the columns as balanced limbs.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn upper(mut columns: [__m256i; LIMBS]) -> Lanes {
    let mut limbs = [all(0.0); LIMBS];
    for i in 0..LIMBS - 1 {
        let rest = float(_mm256_and_si256(columns[i], all_bits(MASK)));
        limbs[i] = _mm256_sub_pd(rest, all(HALF as f64));
        columns[i + 1] = _mm256_add_epi64(columns[i + 1], _mm256_srli_epi64::<BITS>(columns[i]));
    }
    let highest = _mm256_castsi256_pd(columns[LIMBS - 1]);
    limbs[LIMBS - 1] = _mm256_sub_pd(highest, all(K));
    Lanes(limbs)
}

impl Lanes {
    /// One number in all lanes. Limbs are not balanced, but at most `2^51`.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn all(x: &Words) -> Self {
        Self::load([x, x, x, x])
    }

    /// Four numbers below `1.01·q`. Limbs are not balanced, but at most `2^51`.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn load(x: [&Words; 4]) -> Self {
        let w = transposed([load(x[0]), load(x[1]), load(x[2]), load(x[3])]);
        let mask = all_bits(MASK);
        let joined =
            |low: __m256i, high: __m256i| _mm256_and_si256(_mm256_or_si256(low, high), mask);
        Self([
            float(_mm256_and_si256(w[0], mask)),
            float(joined(
                _mm256_srli_epi64::<51>(w[0]),
                _mm256_slli_epi64::<13>(w[1]),
            )),
            float(joined(
                _mm256_srli_epi64::<38>(w[1]),
                _mm256_slli_epi64::<26>(w[2]),
            )),
            float(joined(
                _mm256_srli_epi64::<25>(w[2]),
                _mm256_slli_epi64::<39>(w[3]),
            )),
            float(_mm256_srli_epi64::<12>(w[3])),
        ])
    }

    /// Writes reduced numbers, which are below `1.01·q`.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn store(&self, to: [&mut Words; 4]) {
        // Signed integers, made positive from the lowest on.
        let mut limbs = [all_bits(0); LIMBS];
        let mut carry = all_bits(0);
        for (i, limb) in limbs.iter_mut().enumerate() {
            let bits = _mm256_castpd_si256(_mm256_add_pd(self.0[i], all(K)));
            let value = _mm256_add_epi64(_mm256_sub_epi64(bits, all_bits(K_BITS)), carry);
            let positive = _mm256_add_epi64(value, all_bits(POSITIVE));
            carry = _mm256_sub_epi64(
                _mm256_srli_epi64::<BITS>(positive),
                all_bits(POSITIVE >> BITS),
            );
            *limb = _mm256_and_si256(value, all_bits(MASK));
        }
        let [l0, l1, l2, l3, l4] = limbs;
        let joined = |low: __m256i, high: __m256i| _mm256_or_si256(low, high);
        let w = transposed([
            joined(l0, _mm256_slli_epi64::<51>(l1)),
            joined(_mm256_srli_epi64::<13>(l1), _mm256_slli_epi64::<38>(l2)),
            joined(_mm256_srli_epi64::<26>(l2), _mm256_slli_epi64::<25>(l3)),
            joined(_mm256_srli_epi64::<39>(l3), _mm256_slli_epi64::<12>(l4)),
        ]);
        for (to, w) in to.into_iter().zip(w) {
            store(to, w);
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn add(&self, other: &Self) -> Self {
        let mut sum = self.0;
        for (s, o) in sum.iter_mut().zip(other.0) {
            *s = _mm256_add_pd(*s, o);
        }
        Self(sum)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn sub(&self, other: &Self) -> Self {
        let mut difference = self.0;
        for (d, o) in difference.iter_mut().zip(other.0) {
            *d = _mm256_sub_pd(*d, o);
        }
        Self(difference)
    }

    /// The same value with balanced limbs, from limbs below `2^53`.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn balanced(mut self) -> Self {
        for i in 0..LIMBS - 1 {
            // The nearest multiple of 2^51.
            let rounded = _mm256_sub_pd(_mm256_add_pd(self.0[i], all(C)), all(C));
            self.0[i] = _mm256_sub_pd(self.0[i], rounded);
            self.0[i + 1] = _mm256_fmadd_pd(rounded, all(1.0 / TWO_51), self.0[i + 1]);
        }
        self
    }

    /// The same residue between 0 and `1.01·q`, with balanced limbs, from a value of at most `8·q` with balanced limbs.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn reduced(mut self) -> Self {
        // The highest limb decides: the others are less than 2^-48 of q. It is rounded down from a little less, so that
        // what is left is above zero for certain.
        let quotient = _mm256_fmadd_pd(
            self.0[LIMBS - 1],
            all(1.0 / Q_LIMBS[LIMBS - 1]),
            all(-1.0 / (1_u64 << 30) as f64),
        );
        let whole = _mm256_floor_pd(quotient);
        for (limb, q) in self.0.iter_mut().zip(Q_LIMBS) {
            *limb = _mm256_fnmadd_pd(whole, all(q), *limb);
        }
        self.balanced()
    }

    /// Two Montgomery products, row by row in turn, so that one is computed while the other waits; see the bounds above.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn mul_both(a: &[Self; 2], b: &[Self; 2]) -> [Self; 2] {
        let ([a0, a1], [b0, b1]) = (a, b);
        let (mut x, mut y) = (first_columns(), first_columns());
        row!(x, 0, a0, b0);
        row!(y, 0, a1, b1);
        row!(x, 1, a0, b0);
        row!(y, 1, a1, b1);
        row!(x, 2, a0, b0);
        row!(y, 2, a1, b1);
        row!(x, 3, a0, b0);
        row!(y, 3, a1, b1);
        row!(x, 4, a0, b0);
        row!(y, 4, a1, b1);
        [upper(x), upper(y)]
    }
}

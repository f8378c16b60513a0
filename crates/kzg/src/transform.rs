//! Fourier transforms over the scalar field.
//!
//! `X_j = Σ x_i·ω^(i·j)` for `ω` of order `n = 2^k`. In the portable way layers of butterflies follow a reversal of the bits of
//! indices. With AVX-512 eight transforms of size `m = n/8` go side by side, that of `x_l, x_(l+8), x_(l+16), …` in lane `l`;
//! for their results `S_l`
//!
//! ```text
//! X_(k + m·j) = Σ_l (ω^(l·k)·S_l[k])·ω^(m·l·j)
//! ```
//!
//! is eight transforms of size 8, now with `k` across the lanes.

// Calls of code that needs AVX-512, behind the check that the machine has it.
#![allow(unsafe_code)]

use crate::Instructions;
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use rayon::prelude::*;

/// Powers that a task computes by itself.
const POWERS: usize = 1 << 12;
/// Elements that stay in a near cache.
const CACHED: usize = 1 << 12;

/// `start·base^i` for `i` below `len`.
pub fn powers(start: Fr, base: Fr, len: usize) -> Vec<Fr> {
    let mut all = vec![Fr::ZERO; len];
    all.par_chunks_mut(POWERS)
        .enumerate()
        .for_each(|(i, chunk)| {
            let mut power = start * base.pow_vartime([(i * POWERS) as u64]);
            for x in chunk {
                *x = power;
                power *= base;
            }
        });
    all
}

/// Transforms by the powers of one root of unity.
#[derive(Clone, Debug)]
pub struct Transform {
    /// The root's powers, the first half of them.
    twiddles: Vec<Fr>,
    #[cfg(target_arch = "x86_64")]
    wide: Option<wide::Twiddles>,
}

impl Transform {
    /// Transforms by a root of unity of order `2^k`, with the fastest instructions of this machine.
    pub fn new(root: Fr, k: u32) -> Self {
        Self::with_instructions(root, k, Instructions::best())
    }

    /// The same with others, of which there are two kinds.
    ///
    /// # Panics
    ///
    /// If the machine lacks the instructions.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    pub fn with_instructions(root: Fr, k: u32, instructions: Instructions) -> Self {
        assert!(instructions.exist(), "no {instructions:?} on this machine");
        let twiddles = powers(Fr::ONE, root, 1 << k >> 1);
        Self {
            #[cfg(target_arch = "x86_64")]
            wide: (instructions == Instructions::Avx512 && k >= wide::LEAST_K)
                .then(|| wide::Twiddles::new(&twiddles)),
            twiddles,
        }
    }

    /// `X_j·scale` of the inputs times `before`, then times `after`, if there are such.
    ///
    /// # Panics
    ///
    /// If lengths are not `2^k`.
    pub fn apply(
        &self,
        values: &[Fr],
        before: Option<&[Fr]>,
        scale: Fr,
        after: Option<&[Fr]>,
    ) -> Vec<Fr> {
        let n = (2 * self.twiddles.len()).max(1);
        for list in [Some(values), before, after].into_iter().flatten() {
            assert_eq!(list.len(), n, "values of a transform");
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(twiddles) = &self.wide {
            // SAFETY: there are such twiddles only if the machine has the features.
            return unsafe { wide::apply(twiddles, values, before, scale, after) };
        }
        let mut values = values.to_vec();
        if let Some(before) = before {
            values.iter_mut().zip(before).for_each(|(x, y)| *x *= y);
        }
        portable(&mut values, &self.twiddles);
        for x in &mut values {
            *x *= scale;
        }
        if let Some(after) = after {
            values.iter_mut().zip(after).for_each(|(x, y)| *x *= y);
        }
        values
    }
}

/// The place of `i` when `bits` bits are read backwards.
fn reversed(i: usize, bits: u32) -> usize {
    match bits {
        0 => i,
        _ => i.reverse_bits() >> (usize::BITS - bits),
    }
}

/// One layer of butterflies in blocks of `2·half`.
fn layer(values: &mut [Fr], half: usize, twiddles: &[Fr], step: usize) {
    for block in values.chunks_exact_mut(2 * half) {
        let (low, high) = block.split_at_mut(half);
        for ((x, y), twiddle) in low.iter_mut().zip(high).zip(twiddles.iter().step_by(step)) {
            let product = *y * twiddle;
            *y = *x - product;
            *x += product;
        }
    }
}

fn portable(values: &mut [Fr], twiddles: &[Fr]) {
    let n = values.len();
    for i in 0..n {
        let j = reversed(i, n.trailing_zeros());
        if i < j {
            values.swap(i, j);
        }
    }
    let near = n.min(CACHED);
    for part in values.chunks_exact_mut(near) {
        let mut half = 1;
        while half < near {
            layer(part, half, twiddles, n / (2 * half));
            half *= 2;
        }
    }
    let mut half = near;
    while half < n {
        layer(values, half, twiddles, n / (2 * half));
        half *= 2;
    }
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use super::reversed;
    use crate::ifma::{Eight, LIMBS, Rows, Scalars, WIDTH, limbs};
    use crate::raw::{R, from_montgomery, reduced, words};
    use halo2curves::bn256::Fr;
    use halo2curves::ff::Field;

    /// Below, the portable way is as fast.
    pub(super) const LEAST_K: u32 = 7;
    /// Blocks that stay in a near cache.
    const CACHED: usize = 1 << 10;

    type Numbers = Eight<Scalars>;

    /// Limbs of a factor: of `x·2^260`, so that a product with it has the form of the other factor.
    type Factor = [u64; LIMBS];

    fn factor(x: Fr) -> Factor {
        limbs(words(&(x * Fr::from(16))))
    }

    /// Powers of a root of unity `ω` of order `8·m`.
    #[derive(Clone, Debug)]
    pub(super) struct Twiddles {
        /// For each layer of the transforms of size `m`, powers of a root whose order is the size of its blocks.
        layers: Vec<Vec<Factor>>,
        /// `ω^k` for `k` below `m`.
        columns: Vec<Rows>,
        /// `ω^m`, `ω^(2·m)`, `ω^(3·m)`.
        eighths: [Factor; 3],
    }

    impl Twiddles {
        /// From the first half of the powers.
        pub(super) fn new(powers: &[Fr]) -> Self {
            let m = powers.len() / 4;
            let layer = |half: usize| {
                let step = WIDTH * m / (2 * half);
                (0..half).map(|j| factor(powers[j * step])).collect()
            };
            let column = |chunk: &[Fr]| {
                let mut rows = Rows::default();
                for (lane, x) in chunk.iter().enumerate() {
                    for (row, limb) in rows.0.iter_mut().zip(factor(*x)) {
                        row[lane] = limb;
                    }
                }
                rows
            };
            Self {
                layers: (0..m.trailing_zeros()).map(|i| layer(1 << i)).collect(),
                columns: powers[..m].chunks_exact(WIDTH).map(column).collect(),
                eighths: [1, 2, 3].map(|i| factor(powers[i * m])),
            }
        }
    }

    /// The elements of some place on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn load(values: &[Fr], first: usize) -> Numbers {
        Eight::load(std::array::from_fn(|i| words(&values[first + i])))
    }

    /// `x + twiddle·y` and `x − twiddle·y`. Each is at most twice the modulus above `x`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn butterfly(x: &Numbers, y: &Numbers, twiddle: &Factor) -> [Numbers; 2] {
        let product = y.mul(&Eight::broadcast(twiddle));
        [x.add(&product), x.sub_from::<2>(&product)]
    }

    /// Two layers, in blocks of `2·half` and of `4·half`.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn two_layers(blocks: &mut [Rows], half: usize, [inner, outer]: [&[Factor]; 2]) {
        for block in blocks.chunks_exact_mut(4 * half) {
            let (low, high) = block.split_at_mut(2 * half);
            let ((p, q), (r, s)) = (low.split_at_mut(half), high.split_at_mut(half));
            for i in 0..half {
                let [a, b] = butterfly(
                    &Eight::from_rows(&p[i]),
                    &Eight::from_rows(&q[i]),
                    &inner[i],
                );
                let [c, d] = butterfly(
                    &Eight::from_rows(&r[i]),
                    &Eight::from_rows(&s[i]),
                    &inner[i],
                );
                let [first, third] = butterfly(&a, &c, &outer[i]);
                let [second, fourth] = butterfly(&b, &d, &outer[half + i]);
                p[i] = first.rows();
                q[i] = second.rows();
                r[i] = third.rows();
                s[i] = fourth.rows();
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn one_layer(blocks: &mut [Rows], half: usize, twiddles: &[Factor]) {
        for block in blocks.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for i in 0..half {
                let [x, y] = butterfly(
                    &Eight::from_rows(&low[i]),
                    &Eight::from_rows(&high[i]),
                    &twiddles[i],
                );
                low[i] = x.rows();
                high[i] = y.rows();
            }
        }
    }

    /// Layers from blocks of `2·half` on, to blocks of all.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn layers(blocks: &mut [Rows], mut half: usize, twiddles: &[Vec<Factor>]) {
        let size = blocks.len();
        while half < size {
            let number = half.trailing_zeros() as usize;
            if 2 * half < size {
                let pair = [twiddles[number].as_slice(), &twiddles[number + 1]];
                two_layers(blocks, half, pair);
                half *= 4;
            } else {
                one_layer(blocks, half, &twiddles[number]);
                half *= 2;
            }
        }
    }

    /// Transforms of size four: of the inputs only the first may be above twice the modulus. Results are at most six times
    /// the modulus above it.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn four(x: [&Numbers; 4], quarter: &Factor) -> [Numbers; 4] {
        let [a, b, c, d] = x;
        let (sum, difference) = (a.add(c), a.sub_from::<2>(c));
        let other = b.add(d);
        let turned = b.sub_from::<2>(d).mul(&Eight::broadcast(quarter));
        [
            sum.add(&other),
            difference.add(&turned),
            sum.sub_from::<4>(&other),
            difference.sub_from::<2>(&turned),
        ]
    }

    /// Transforms of size eight of inputs of which only the first may be above twice the modulus: results are at most 13
    /// times the modulus above it.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn eight(x: &[Numbers; WIDTH], eighths: &[Factor; 3]) -> [Numbers; WIDTH] {
        let [first, second, third] = eighths;
        let [e0, e1, e2, e3] = four([&x[0], &x[2], &x[4], &x[6]], second);
        // Four inputs of at most one and a half times the modulus: the first result is at most six times it.
        let [o0, o1, o2, o3] = four([&x[1], &x[3], &x[5], &x[7]], second);
        let o1 = o1.mul(&Eight::broadcast(first));
        let o2 = o2.mul(&Eight::broadcast(second));
        let o3 = o3.mul(&Eight::broadcast(third));
        [
            e0.add(&o0),
            e1.add(&o1),
            e2.add(&o2),
            e3.add(&o3),
            e0.sub_from::<7>(&o0),
            e1.sub_from::<2>(&o1),
            e2.sub_from::<2>(&o2),
            e3.sub_from::<2>(&o3),
        ]
    }

    /// See [`super::Transform::apply`].
    ///
    /// Bounds, in multiples of the modulus: inputs are below 1.1, each of at most 25 layers adds 2, the transform of size
    /// eight 13. So all numbers are below 65 of 84, and a product with a factor below 1 is below 1.8.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn apply(
        twiddles: &Twiddles,
        values: &[Fr],
        before: Option<&[Fr]>,
        scale: Fr,
        after: Option<&[Fr]>,
    ) -> Vec<Fr> {
        let m = values.len() / WIDTH;
        let bits = m.trailing_zeros();
        let mut blocks = Vec::with_capacity(m);
        for i in 0..m {
            let first = WIDTH * reversed(i, bits);
            let own = load(values, first);
            let own = match before {
                Some(before) => own.mul(&load(before, first)),
                None => own,
            };
            blocks.push(own.rows());
        }
        let near = m.min(CACHED);
        for part in blocks.chunks_exact_mut(near) {
            layers(part, 1, &twiddles.layers);
        }
        layers(&mut blocks, near, &twiddles.layers);

        // Products with what was given lack 2^4 each.
        let given = [before, after].into_iter().flatten().count() as u32;
        let scale = factor(scale * Fr::from(1 << (4 * given)));
        let scale = Eight::broadcast(&scale);
        let mut results = vec![Fr::ZERO; values.len()];
        for (number, (part, column)) in blocks
            .chunks_exact(WIDTH)
            .zip(&twiddles.columns)
            .enumerate()
        {
            // Lanes become places, and places lanes.
            let mut turned = [Rows::default(); WIDTH];
            for (place, rows) in part.iter().enumerate() {
                for (limb, row) in rows.0.iter().enumerate() {
                    for (to, x) in turned.iter_mut().zip(row) {
                        to.0[limb][place] = *x;
                    }
                }
            }
            let first = Eight::from_rows(column);
            let mut power = first;
            let mut inputs = [Eight::from_rows(&turned[0]); WIDTH];
            for (input, rows) in inputs.iter_mut().zip(&turned).skip(1) {
                *input = Eight::from_rows(rows).mul(&power);
                power = power.mul(&first);
            }
            for (j, result) in eight(&inputs, &twiddles.eighths).iter().enumerate() {
                let place = j * m + number * WIDTH;
                let result = match after {
                    Some(after) => result.mul(&load(after, place)),
                    None => *result,
                };
                let result = result.mul(&scale).words();
                for (to, x) in results[place..place + WIDTH].iter_mut().zip(result) {
                    *to = from_montgomery(reduced(x, R));
                }
            }
        }
        results
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::rng;
    use halo2curves::ff::PrimeField;

    fn root(k: u32) -> Fr {
        (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |x, _| x.square())
    }

    /// By the definition, at some places.
    #[test]
    fn transforms_are_sums() {
        let mut rng = rng();
        for instructions in Instructions::available() {
            for k in [0, 1, 2, 5, 6, 7, 8, 9, 13] {
                let n = 1_usize << k;
                let transform = Transform::with_instructions(root(k), k, instructions);
                let mut list = || -> Vec<Fr> { (0..n).map(|_| Fr::random(&mut rng)).collect() };
                let (values, before, after) = (list(), list(), list());
                let scale = Fr::from(12_345);
                for (before, after) in [
                    (None, None),
                    (Some(before.as_slice()), None),
                    (None, Some(after.as_slice())),
                    (Some(before.as_slice()), Some(after.as_slice())),
                ] {
                    let results = transform.apply(&values, before, scale, after);
                    for j in (0..n).step_by(1 + n / 9) {
                        let x = root(k).pow_vartime([j as u64]);
                        let terms = values.iter().enumerate();
                        let terms = terms.map(|(i, v)| before.map_or(*v, |b| b[i] * v));
                        let powers = powers(Fr::ONE, x, n);
                        let sum: Fr = terms.zip(powers).map(|(v, power)| v * power).sum();
                        let expected = sum * scale * after.map_or(Fr::ONE, |a| a[j]);
                        assert_eq!(results[j], expected, "{instructions:?}, 2^{k}, {j}");
                    }
                }
            }
        }
    }

    /// The largest numbers, with which intermediate ones are largest.
    #[test]
    fn extreme_values_fit() {
        let k = 18;
        let n = 1 << k;
        let transforms: Vec<Transform> = Instructions::available()
            .into_iter()
            .map(|instructions| Transform::with_instructions(root(k), k, instructions))
            .collect();
        let ones = vec![Fr::ONE; n];
        let largest = vec![-Fr::ONE; n];
        let alternating: Vec<Fr> = (0..n as u64)
            .map(|i| if i % 2 == 0 { -Fr::ONE } else { Fr::ONE })
            .collect();
        for values in [&ones, &largest, &alternating] {
            let results: Vec<Vec<Fr>> = transforms
                .iter()
                .map(|transform| transform.apply(values, None, Fr::ONE, None))
                .collect();
            assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }
}

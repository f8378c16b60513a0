//! Multilinear extensions that a verifier evaluates by itself.
//!
//! Indices are integers; bit `i` of an index is variable `i`. Each function here is the only multilinear polynomial that
//! agrees with its definition on the cube; tests compare both. A circuit records the same code: see [`Element`].
//!
//! | kernel | definition on the cube | products |
//! |---|---|---|
//! | [`equal`] | `x = y` | 1 a bit |
//! | [`equal_index`] | `x = index` | 1 a bit |
//! | [`below`] | `x < bound` | 1 a bit |
//! | [`less`] | `x < y`, both below a length | 3 a bit; 8 if there is padding |
//! | [`successor`] | `y = x + 1`, both below a length | 5 a bit; 14 if there is padding |
//! | [`digits`] | `2^(bits·h)` where `y = h·e + x − 1`, `1 ≤ x ≤ e` | 5 a bit of `x`, 1 for others of `y` |
//! | [`index`] | `x`, if below a length | 0; 3 a bit if there is padding |
//! | [`cells`], [`rows`] | a list | 1 a cell, and 1 for each index |

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_transcript::Element;

/// `x·y + (1−x)·(1−y)`.
pub fn equal_bit<F: Element>(x: F, y: F) -> F {
    let product = x * y;
    F::one() - x - y + product + product
}

/// Whether two indices are equal. The shorter point counts as continued with zeros.
pub fn equal<F: Element>(x: &[F], y: &[F]) -> F {
    let (short, long) = if x.len() < y.len() { (x, y) } else { (y, x) };
    let both: F = short
        .iter()
        .zip(long)
        .map(|(x, y)| equal_bit(*x, *y))
        .product();
    long.iter()
        .skip(short.len())
        .fold(both, |product, x| product * (F::one() - x))
}

/// Whether an index is this one; zero if the cube has no such index.
pub fn equal_index<F: Element>(x: &[F], index: usize) -> F {
    if x.len() < usize::BITS as usize && index >> x.len() != 0 {
        return F::zero();
    }
    x.iter()
        .enumerate()
        .map(|(i, x)| if bit(index, i) { *x } else { F::one() - x })
        .product()
}

/// [`equal`] with each index of the cube.
pub fn equal_table<F: Element>(x: &[F]) -> Vec<F> {
    equal_table_times(x, F::one())
}

/// The same, times a factor.
pub fn equal_table_times<F: Element>(x: &[F], factor: F) -> Vec<F> {
    let mut table = Vec::with_capacity(1 << x.len());
    table.push(factor);
    for x in x {
        for i in 0..table.len() {
            let upper = table[i] * x;
            table[i] -= upper;
            table.push(upper);
        }
    }
    table
}

/// Whether an index is below a bound.
pub fn below<F: Element>(bound: usize, x: &[F]) -> F {
    if covers(bound, x) {
        return F::one();
    }
    // The comparison of the bits so far, from the lowest on.
    x.iter().enumerate().fold(F::zero(), |lower, (i, x)| {
        if bit(bound, i) {
            // Below if this bit is not set, or the lower ones are below.
            F::one() - x + *x * lower
        } else {
            (F::one() - x) * lower
        }
    })
}

/// Whether an index is below another one, and that one below a length.
pub fn less<F: Element>(len: usize, x: &[F], y: &[F]) -> F {
    if covers(len, y) {
        return x.iter().zip(y).fold(F::zero(), |lower, (x, y)| {
            (F::one() - x) * y + equal_bit(*x, *y) * lower
        });
    }
    // Comparisons of the bits so far: of both indices, of the second with the length, and both at once.
    let (mut lower, mut valid, mut both) = (F::zero(), F::zero(), F::zero());
    for (i, (x, y)) in x.iter().zip(y).enumerate() {
        let ones = *x * y;
        let only_y = *y - ones;
        let zeros = F::one() - x - only_y;
        (valid, both) = if bit(len, i) {
            // Below the length if this bit is not set, or the lower ones are below.
            (
                F::one() - y + *y * valid,
                zeros * lower + only_y * valid + ones * both,
            )
        } else {
            ((F::one() - y) * valid, zeros * both)
        };
        lower = only_y + (zeros + ones) * lower;
    }
    both
}

/// Whether the second index is the first plus one, and below a length.
pub fn successor<F: Element>(len: usize, x: &[F], y: &[F]) -> F {
    let covered = covers(len, y);
    // All lower bits of x are set, and none of y is; the same for the bits so far, one having been carried. Then both for
    // lower bits of y that are below the length's.
    let (mut carried, mut done) = (F::one(), F::zero());
    let (mut carried_valid, mut done_valid) = (F::zero(), F::zero());
    for (i, (x, y)) in x.iter().zip(y).enumerate() {
        let ones = *x * y;
        let (only_x, only_y) = (*x - ones, *y - ones);
        let zeros = F::one() - x - only_y;
        if !covered {
            (carried_valid, done_valid) = if bit(len, i) {
                (
                    carried * only_x,
                    done * zeros + done_valid * ones + carried_valid * only_y,
                )
            } else {
                (carried_valid * only_x, done_valid * zeros)
            };
        }
        done = done * (zeros + ones) + carried * only_y;
        carried *= only_x;
    }
    if covered { done } else { done_valid }
}

/// `2^(bits·h)` where the second index is `h·e` plus the first minus one, with `e = 2^group_bits` and the first index at
/// least one and at most `e`: numbers at a distance of `e` are digits of one.
pub fn digits<F: Element>(bits: u32, group_bits: u32, x: &[F], y: &[F]) -> F {
    let (low, high) = y.split_at((group_bits as usize).min(y.len()));
    let mut low = low.to_vec();
    low.resize(x.len(), F::zero());
    let mut base = Fr::from(2).pow_vartime([u64::from(bits)]);
    let mut power = F::one();
    for y in high {
        power *= F::one() + *y * F::constant(base - Fr::ONE);
        base = base.square();
    }
    successor(1 << x.len(), &low, x) * power
}

/// Whether all indices of a cube are below a length.
fn covers<F>(len: usize, x: &[F]) -> bool {
    x.len() < usize::BITS as usize && len >> x.len() != 0
}

/// The index, if it is below a length.
pub fn index<F: Element>(len: usize, x: &[F]) -> F {
    if covers(len, x) {
        return x.iter().rev().fold(F::zero(), |sum, x| sum.double() + x);
    }
    // Of the bits so far: the index, whether it is below the length's, and the index if it is.
    let (mut all, mut valid, mut both) = (F::zero(), F::zero(), F::zero());
    let mut power = F::one();
    for (i, x) in x.iter().enumerate() {
        let here = *x * power;
        (valid, both) = if bit(len, i) {
            (
                F::one() - x + *x * valid,
                all + *x * (both - all) + here * valid,
            )
        } else {
            ((F::one() - x) * valid, (F::one() - x) * both)
        };
        all += here;
        power = power.double();
    }
    both
}

/// A list of cells of a cube; cells that it lacks are zero.
pub fn cells<F: Element>(list: &[F], x: &[F]) -> F {
    rows(list, 1, x).into_iter().sum()
}

/// The same for each place of a row of so many cells, in a list of rows.
pub fn rows<F: Element>(list: &[F], width: usize, x: &[F]) -> Vec<F> {
    let mut sums = vec![F::zero(); width];
    for (row, e) in list.chunks(width.max(1)).zip(equal_table(x)) {
        for (sum, cell) in sums.iter_mut().zip(row) {
            *sum += *cell * e;
        }
    }
    sums
}

fn bit(index: usize, i: usize) -> bool {
    i < usize::BITS as usize && index >> i & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point() -> impl Strategy<Value = Vec<Fr>> {
        prop::collection::vec(any::<u64>().prop_map(|x| Fr::from(x).square()), 0..7)
    }

    /// `Σ_x f(x)·eq(x, point)`.
    fn extension(point: &[Fr], f: impl Fn(usize) -> bool) -> Fr {
        let table = equal_table(point);
        (0..table.len()).filter(|x| f(*x)).map(|x| table[x]).sum()
    }

    proptest! {
        #[test]
        fn kernels_are_the_extensions_of_their_definitions(
            pair in (0_usize..6).prop_flat_map(|n| {
                let one = || prop::collection::vec(any::<u64>().prop_map(|x| Fr::from(x).square()), n);
                (one(), one())
            }),
            bound in 0_usize..70,
        ) {
            let (x, y) = pair;
            prop_assert_eq!(below(bound, &x), extension(&x, |i| i < bound));
            prop_assert_eq!(equal_index(&x, bound), extension(&x, |i| i == bound));
            let two = |f: &dyn Fn(usize, usize) -> bool| -> Fr {
                let (ex, ey) = (equal_table(&x), equal_table(&y));
                let mut sum = Fr::ZERO;
                for (i, a) in ex.iter().enumerate() {
                    for (j, b) in ey.iter().enumerate() {
                        if f(i, j) {
                            sum += *a * b;
                        }
                    }
                }
                sum
            };
            prop_assert_eq!(equal(&x, &y), two(&|i, j| i == j));
            prop_assert_eq!(less(bound, &x, &y), two(&|i, j| i < j && j < bound));
            prop_assert_eq!(successor(bound, &x, &y), two(&|i, j| j == i + 1 && j < bound));
        }

        #[test]
        fn digits_are_at_a_distance(
            x in point(),
            y in point(),
            group_bits in 0_u32..7,
            bits in 0_u32..30,
        ) {
            // One more first index than there are numbers in a group.
            let group_bits = group_bits.min(x.len().saturating_sub(1) as u32).min(y.len() as u32);
            let e = 1_usize << group_bits;
            let (ex, ey) = (equal_table(&x), equal_table(&y));
            let mut sum = Fr::ZERO;
            for (j, b) in ey.iter().enumerate() {
                if let Some(a) = ex.get(1 + j % e) {
                    sum += *a * b * Fr::from(2).pow((j / e) as u64 * u64::from(bits));
                }
            }
            prop_assert_eq!(digits(bits, group_bits, &x, &y), sum);
        }

        #[test]
        fn indices_and_lists(
            x in point(),
            list in prop::collection::vec(any::<u64>(), 0..70),
            len in 0_u64..70,
        ) {
            let n = len.min(1 << x.len());
            let indices: Vec<Fr> = (0..n).map(Fr::from).collect();
            prop_assert_eq!(index(len as usize, &x), cells(&indices, &x));
            let list: Vec<Fr> = list.into_iter().map(Fr::from).collect();
            let by_index = list
                .iter()
                .enumerate()
                .map(|(i, cell)| *cell * equal_index(&x, i))
                .sum::<Fr>();
            prop_assert_eq!(cells(&list, &x), by_index);
            for width in 1..5 {
                let sums = rows(&list, width, &x);
                prop_assert_eq!(sums.len(), width);
                for (place, sum) in sums.into_iter().enumerate() {
                    let own: Vec<Fr> = list.iter().copied().skip(place).step_by(width).collect();
                    prop_assert_eq!(sum, cells(&own, &x));
                }
            }
        }

        #[test]
        fn points_of_different_lengths(x in point(), y in point()) {
            let padded = |v: &[Fr]| {
                let mut v = v.to_vec();
                v.resize(7, Fr::ZERO);
                v
            };
            prop_assert_eq!(equal(&x, &y), equal(&padded(&x), &padded(&y)));
        }
    }
}

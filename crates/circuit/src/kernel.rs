//! Multilinear extensions that a verifier evaluates by itself.
//!
//! Indices are integers; bit `i` of an index is variable `i`. Each function here is the only multilinear polynomial that
//! agrees with its definition on the cube; tests compare both.
//!
//! | kernel | definition on the cube | products |
//! |---|---|---|
//! | [`equal`] | `x = y` | 1 a bit |
//! | [`equal_index`] | `x = index` | 1 a bit |
//! | [`below`] | `x < bound` | 1 a bit |
//! | [`less`] | `x < y` | 3 a bit |
//! | [`successor`] | `y = x + 1` | 5 a bit |
//! | [`index`] | `x` | 0 |
//! | [`cells`] | a list | 1 a cell |

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;

/// `x·y + (1−x)·(1−y)`.
pub fn equal_bit(x: Fr, y: Fr) -> Fr {
    let product = x * y;
    Fr::ONE - x - y + product + product
}

/// Whether two indices are equal. The shorter point counts as continued with zeros.
pub fn equal(x: &[Fr], y: &[Fr]) -> Fr {
    let (short, long) = if x.len() < y.len() { (x, y) } else { (y, x) };
    let both: Fr = short
        .iter()
        .zip(long)
        .map(|(x, y)| equal_bit(*x, *y))
        .product();
    long.iter()
        .skip(short.len())
        .fold(both, |product, x| product * (Fr::ONE - x))
}

/// Whether an index is this one; zero if the cube has no such index.
pub fn equal_index(x: &[Fr], index: usize) -> Fr {
    if x.len() < usize::BITS as usize && index >> x.len() != 0 {
        return Fr::ZERO;
    }
    x.iter()
        .enumerate()
        .map(|(i, x)| if bit(index, i) { *x } else { Fr::ONE - x })
        .product()
}

/// [`equal`] with each index of the cube.
pub fn equal_table(x: &[Fr]) -> Vec<Fr> {
    equal_table_times(x, Fr::ONE)
}

/// The same, times a factor.
pub fn equal_table_times(x: &[Fr], factor: Fr) -> Vec<Fr> {
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
pub fn below(bound: usize, x: &[Fr]) -> Fr {
    if x.len() < usize::BITS as usize && bound >> x.len() != 0 {
        return Fr::ONE;
    }
    // The comparison of the bits so far, from the lowest on.
    x.iter().enumerate().fold(Fr::ZERO, |lower, (i, x)| {
        if bit(bound, i) {
            // Below if this bit is not set, or the lower ones are below.
            Fr::ONE - x + *x * lower
        } else {
            (Fr::ONE - x) * lower
        }
    })
}

/// Whether an index is below another one.
pub fn less(x: &[Fr], y: &[Fr]) -> Fr {
    x.iter().zip(y).fold(Fr::ZERO, |lower, (x, y)| {
        (Fr::ONE - x) * y + equal_bit(*x, *y) * lower
    })
}

/// Whether the second index is the first plus one.
pub fn successor(x: &[Fr], y: &[Fr]) -> Fr {
    // All lower bits of x are set, and none of y is; the same for the bits so far, one having been carried.
    let (mut carried, mut done) = (Fr::ONE, Fr::ZERO);
    for (x, y) in x.iter().zip(y) {
        done = done * equal_bit(*x, *y) + carried * (Fr::ONE - x) * y;
        carried *= *x * (Fr::ONE - y);
    }
    done
}

/// The index.
pub fn index(x: &[Fr]) -> Fr {
    x.iter().rev().fold(Fr::ZERO, |sum, x| sum.double() + x)
}

/// A list of cells of a cube; cells that it lacks are zero.
pub fn cells(list: &[Fr], x: &[Fr]) -> Fr {
    let table = equal_table(x);
    list.iter().zip(&table).map(|(cell, e)| *cell * e).sum()
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
            let two = |f: fn(usize, usize) -> bool| -> Fr {
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
            prop_assert_eq!(equal(&x, &y), two(|i, j| i == j));
            prop_assert_eq!(less(&x, &y), two(|i, j| i < j));
            prop_assert_eq!(successor(&x, &y), two(|i, j| j == i + 1));
        }

        #[test]
        fn indices_and_lists(x in point(), list in prop::collection::vec(any::<u64>(), 0..70)) {
            let n = 1_usize << x.len();
            let indices: Vec<Fr> = (0..n as u64).map(Fr::from).collect();
            prop_assert_eq!(index(&x), cells(&indices, &x));
            let list: Vec<Fr> = list.into_iter().map(Fr::from).collect();
            let by_index = list
                .iter()
                .enumerate()
                .map(|(i, cell)| *cell * equal_index(&x, i))
                .sum::<Fr>();
            prop_assert_eq!(cells(&list, &x), by_index);
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

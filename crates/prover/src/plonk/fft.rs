//! From values on the domain, or a coset of it, to coefficients and back.

use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use rayon::prelude::*;

/// Below this length one thread transforms, in its cache.
const SERIAL: usize = 1 << 12;

/// Tables for one domain.
#[derive(Clone, Debug)]
pub(crate) struct Fft {
    /// `ω_{2h}^i` at `h + i` for `i < h`, for every power `h` of two below the length.
    twiddles: Vec<Fr>,
    length_inverse: Fr,
}

impl Fft {
    /// For the domain of `2^k` elements.
    pub(crate) fn new(k: u32) -> Self {
        let n = 1usize << k;
        let mut twiddles = vec![Fr::ZERO; n.max(2)];
        let mut root = Fr::ROOT_OF_UNITY;
        for _ in k..Fr::S {
            root = root.square();
        }
        let mut h = n / 2;
        while h > 0 {
            fill_powers(&mut twiddles[h..2 * h], root, Fr::ONE);
            root = root.square();
            h /= 2;
        }
        let length_inverse = Fr::from(n as u64)
            .invert()
            .expect("not a multiple of the modulus");
        Fft {
            twiddles,
            length_inverse,
        }
    }

    /// Coefficients to values.
    pub(crate) fn forward(&self, a: &mut [Fr]) {
        reverse_bits(a);
        self.combine(a);
    }

    /// Values to coefficients.
    pub(crate) fn inverse(&self, a: &mut [Fr]) {
        // The inverse transform is the transform with the domain in reverse.
        self.forward(a);
        a[1..].reverse();
        a.par_iter_mut()
            .with_min_len(SERIAL)
            .for_each(|v| *v *= self.length_inverse);
    }

    /// Transforms bit-reversed input: the halves, and then the whole from them.
    fn combine(&self, a: &mut [Fr]) {
        if a.len() <= SERIAL {
            let mut h = 1;
            while h < a.len() {
                for block in a.chunks_exact_mut(2 * h) {
                    let (low, high) = block.split_at_mut(h);
                    butterflies(low, high, &self.twiddles[h..2 * h]);
                }
                h *= 2;
            }
            return;
        }
        let h = a.len() / 2;
        let (low, high) = a.split_at_mut(h);
        rayon::join(|| self.combine(low), || self.combine(high));
        low.par_chunks_mut(SERIAL)
            .zip(high.par_chunks_mut(SERIAL))
            .zip(self.twiddles[h..2 * h].par_chunks(SERIAL))
            .for_each(|((low, high), twiddles)| butterflies(low, high, twiddles));
    }
}

#[inline]
fn butterflies(low: &mut [Fr], high: &mut [Fr], twiddles: &[Fr]) {
    for ((l, h), t) in low.iter_mut().zip(high).zip(twiddles) {
        let product = *h * t;
        *h = *l - product;
        *l += product;
    }
}

fn reverse_bits(a: &mut [Fr]) {
    let n = a.len();
    if n > 1 {
        let shift = usize::BITS - n.trailing_zeros();
        for i in 0..n {
            let j = i.reverse_bits() >> shift;
            if i < j {
                a.swap(i, j);
            }
        }
    }
}

/// `first, first·base, first·base^2, …`
fn fill_powers(out: &mut [Fr], base: Fr, first: Fr) {
    out.par_chunks_mut(SERIAL)
        .enumerate()
        .for_each(|(chunk, out)| {
            let mut power = first * base.pow_vartime([(chunk * SERIAL) as u64]);
            for v in out {
                *v = power;
                power *= base;
            }
        });
}

/// The first `n` powers of `base`, times `first`.
pub(crate) fn powers(n: usize, base: Fr, first: Fr) -> Vec<Fr> {
    let mut out = vec![Fr::ZERO; n];
    fill_powers(&mut out, base, first);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;

    #[test]
    fn agrees_with_horner_and_inverts() {
        for k in [0, 1, 5, 13, 14] {
            let fft = Fft::new(k);
            let n = 1usize << k;
            let coefficients: Vec<_> = (0..n).map(|_| Fr::random(OsRng)).collect();
            let mut values = coefficients.clone();
            fft.forward(&mut values);
            let mut omega = Fr::ROOT_OF_UNITY;
            for _ in k..Fr::S {
                omega = omega.square();
            }
            for row in [0, n / 3, n - 1] {
                let x = omega.pow_vartime([row as u64]);
                let horner = coefficients
                    .iter()
                    .rev()
                    .fold(Fr::ZERO, |sum, c| sum * x + c);
                assert_eq!(values[row], horner, "2^{k}, row {row}");
            }
            fft.inverse(&mut values);
            assert_eq!(values, coefficients);
        }
    }
}

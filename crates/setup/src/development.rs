//! The development setup: deterministic, and therefore with a secret that everybody can compute.

use halo2curves::bn256::{Fq, Fr, G1Affine, G2Affine, G1};
use halo2curves::ff::{BatchInvert, Field, PrimeField};
use halo2curves::group::prime::PrimeCurveAffine;
use halo2curves::group::Curve;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use std::iter::successors;

use crate::parts::{powers, Parts, CHUNK};

/// The first `count` powers. The secret is the first scalar that the seed's generator draws, as in `ParamsKZG::setup` of
/// halo2, so all sizes of a seed share it. Knowing it, each point is one product of the generator; a table of its multiples
/// makes that much faster.
pub(crate) fn parts(count: usize, seed: [u8; 32]) -> Parts {
    let secret = Fr::random(ChaCha20Rng::from_seed(seed));
    let table = Table::new(count);
    let scalars = powers(secret, count);
    let mut g1 = vec![G1Affine::identity(); count];
    let chunks = g1.par_chunks_mut(CHUNK).zip(scalars.par_chunks(CHUNK));
    chunks.for_each(|(points, scalars)| table.mul(scalars, points));
    let g2 = G2Affine::generator();
    Parts {
        powers: g1,
        g2: [g2, (g2 * secret).to_affine()],
    }
}

/// The multiples `d * 256^(bytes * w) * G1` of the generator, for digits `0 < d < 256^bytes`, window by window.
struct Table {
    bytes: usize,
    windows: Vec<Vec<G1Affine>>,
}

impl Table {
    /// The table that makes `count` products soonest: a large one takes a million additions, and halves those of each product.
    fn new(count: usize) -> Self {
        let bytes = if count < 1 << 17 { 1 } else { 2 };
        let base = |w| G1::generator() * Fr::from(2).pow_vartime([(8 * bytes * w) as u64]);
        let multiples = |w| {
            let base = base(w);
            let multiples: Vec<G1> = successors(Some(base), |multiple| Some(multiple + base))
                .take((1 << (8 * bytes)) - 1)
                .collect();
            let mut affine = vec![G1Affine::identity(); multiples.len()];
            G1::batch_normalize(&multiples, &mut affine);
            affine
        };
        Self {
            bytes,
            windows: (0..32 / bytes).into_par_iter().map(multiples).collect(),
        }
    }

    /// Multiples of the generator.
    ///
    /// Digit by digit, from the lowest on, so that inversions of all sums are one. No sum meets the multiple that is added, or
    /// its negative: it is a multiple by less than `256^(bytes * w)`, and both together by less than the group's order, unless
    /// the scalar is that.
    fn mul(&self, scalars: &[Fr], points: &mut [G1Affine]) {
        points.fill(G1Affine::identity());
        let digits: Vec<_> = scalars.iter().map(PrimeField::to_repr).collect();
        let mut runs = Vec::with_capacity(points.len());
        for (w, multiples) in self.windows.iter().enumerate() {
            let chosen = |i: usize| -> Option<&G1Affine> {
                let digit = digits[i].as_ref()[w * self.bytes..][..self.bytes].iter();
                let digit = digit
                    .rev()
                    .fold(0, |digit, &byte| digit << 8 | usize::from(byte));
                multiples.get(digit.checked_sub(1)?)
            };
            runs.clear();
            runs.extend(points.iter().enumerate().map(|(i, sum)| match chosen(i) {
                Some(multiple) => multiple.x - sum.x,
                None => Fq::ONE,
            }));
            runs.iter_mut().batch_invert();
            for (i, (sum, inverse)) in points.iter_mut().zip(&runs).enumerate() {
                let Some(multiple) = chosen(i) else { continue };
                if bool::from(sum.is_identity()) {
                    *sum = *multiple;
                    continue;
                }
                let slope = (multiple.y - sum.y) * inverse;
                let x = slope.square() - sum.x - multiple.x;
                let y = slope * (sum.x - x) - sum.y;
                *sum = G1Affine { x, y };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small and large tables give the products that they are for.
    #[test]
    fn tables_give_products() {
        let scalars = [0, 1, 255, 256, 65_535, 65_536, u64::MAX].map(Fr::from);
        let high = [-Fr::ONE, -Fr::from(2), Fr::from(2).pow_vartime([240])];
        let drawn = powers(Fr::random(ChaCha20Rng::from_seed([1; 32])), 20);
        let scalars = [&scalars[..], &high, &drawn].concat();
        for count in [1, 1 << 17] {
            let mut points = vec![G1Affine::identity(); scalars.len()];
            Table::new(count).mul(&scalars, &mut points);
            for (scalar, point) in scalars.iter().zip(&points) {
                let product = (G1Affine::generator() * scalar).to_affine();
                assert_eq!(point, &product, "{count}: {scalar:?}");
            }
        }
    }
}

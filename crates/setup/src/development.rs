//! The development setup: deterministic, and therefore with a secret that everybody can compute.

use halo2curves::bn256::{Fq, Fr, G1, G1Affine, G2Affine};
use halo2curves::ff::{BatchInvert, Field, PrimeField};
use halo2curves::group::Curve;
use halo2curves::group::prime::PrimeCurveAffine;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

use crate::parts::{CHUNK, Parts, powers};

/// The first `count` powers. The secret is the first scalar that the seed's generator draws, as in `ParamsKZG::setup` of
/// halo2, so all sizes of a seed share it. Knowing it, each point is one product of the generator; a table of its multiples
/// makes that much faster.
pub(crate) fn parts(count: usize, seed: [u8; 32]) -> Parts {
    let secret = Fr::random(ChaCha20Rng::from_seed(seed));
    let table = Table::new();
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

/// The multiples `d * 256^w * G1` of the generator, for digits `0 < d < 256`.
struct Table(Vec<G1Affine>);

impl Table {
    fn new() -> Self {
        let mut points = Vec::with_capacity(32 * 255);
        let mut base = G1::generator();
        for _ in 0..32 {
            let mut multiple = base;
            for _ in 1..256 {
                points.push(multiple);
                multiple += base;
            }
            base = multiple;
        }
        let mut table = vec![G1Affine::identity(); points.len()];
        G1::batch_normalize(&points, &mut table);
        Self(table)
    }

    /// Multiples of the generator.
    ///
    /// Digit by digit, from the lowest on, so that inversions of all sums are one. No sum meets the multiple that is added, or
    /// its negative: it is a multiple by less than `256^w`, and both together by less than the group's order, unless the
    /// scalar is that.
    fn mul(&self, scalars: &[Fr], points: &mut [G1Affine]) {
        points.fill(G1Affine::identity());
        let digits: Vec<_> = scalars.iter().map(PrimeField::to_repr).collect();
        let mut runs = Vec::with_capacity(points.len());
        for (w, multiples) in self.0.chunks_exact(255).enumerate() {
            let chosen = |i: usize| -> Option<&G1Affine> {
                let digit = digits[i].as_ref()[w];
                multiples.get(usize::from(digit).checked_sub(1)?)
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

//! The development setup: deterministic, and therefore with a secret that everybody can compute.

use halo2_proofs::arithmetic::parallelize;
use halo2curves::bn256::{Fq, Fr, G1Affine, G2Affine, G1};
use halo2curves::ff::{BatchInvert, Field, PrimeField};
use halo2curves::group::prime::PrimeCurveAffine;
use halo2curves::group::Curve;
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::parts::{root_of_unity, Parts};

/// Sums whose inversions are one.
const BATCH: usize = 1 << 12;

/// The points of `ParamsKZG::setup(k, ChaCha20Rng::from_seed(seed))`, which draws one scalar, so
/// that all sizes of a seed share their secret. Knowing the secret, each point is one product of
/// the generator; a table of its multiples makes that much faster.
pub(crate) fn parts(k: u32, seed: [u8; 32]) -> Parts {
    let secret = Fr::random(ChaCha20Rng::from_seed(seed));
    let n = 1usize << k;
    let table = Table::new();
    let g = powers_of(secret, n, &table);

    // L_i(tau) = w^i (tau^n - 1) / (n (tau - w^i)).
    let root = root_of_unity(k);
    let n_inverse = Fr::TWO_INV.pow_vartime([u64::from(k)]);
    let scale = (secret.pow_vartime([n as u64]) - Fr::ONE) * n_inverse;
    let mut g_lagrange = vec![G1Affine::identity(); n];
    parallelize(&mut g_lagrange, |chunk, start| {
        let first = root.pow_vartime([start as u64]);
        let mut element = first;
        let mut scalars: Vec<Fr> = (0..chunk.len())
            .map(|_| {
                let difference = secret - element;
                element *= root;
                difference
            })
            .collect();
        scalars.iter_mut().batch_invert();
        let mut factor = first * scale;
        for scalar in &mut scalars {
            *scalar *= factor;
            factor *= root;
        }
        table.mul(&scalars, chunk);
    });

    let [g2, s_g2] = g2_of(secret);
    Parts {
        k,
        g,
        g_lagrange,
        g2,
        s_g2,
    }
}

/// The first powers in the first group, and two in the second.
pub(crate) fn powers(count: usize, seed: [u8; 32]) -> (Vec<G1Affine>, [G2Affine; 2]) {
    let secret = Fr::random(ChaCha20Rng::from_seed(seed));
    (powers_of(secret, count, &Table::new()), g2_of(secret))
}

fn powers_of(secret: Fr, count: usize, table: &Table) -> Vec<G1Affine> {
    let mut g = vec![G1Affine::identity(); count];
    parallelize(&mut g, |chunk, start| {
        let mut power = secret.pow_vartime([start as u64]);
        let mut powers = Vec::with_capacity(BATCH);
        for points in chunk.chunks_mut(BATCH) {
            powers.clear();
            for _ in 0..points.len() {
                powers.push(power);
                power *= secret;
            }
            table.mul(&powers, points);
        }
    });
    g
}

fn g2_of(secret: Fr) -> [G2Affine; 2] {
    let g2 = G2Affine::generator();
    [g2, (g2 * secret).to_affine()]
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

#[cfg(test)]
mod tests {
    use halo2_proofs::poly::commitment::Params;
    use halo2_proofs::poly::kzg::commitment::ParamsKZG;
    use halo2curves::bn256::Bn256;

    use super::*;

    fn written(params: &ParamsKZG<Bn256>) -> Vec<u8> {
        let mut bytes = Vec::new();
        params.write(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn same_as_halo2() {
        for (k, seed) in [(1, [0; 32]), (2, [1; 32]), (5, [2; 32]), (9, [3; 32])] {
            let expected = ParamsKZG::<Bn256>::setup(k, ChaCha20Rng::from_seed(seed));
            assert!(
                written(&parts(k, seed).into_params()) == written(&expected),
                "{k}"
            );
        }
    }
}

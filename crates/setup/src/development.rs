//! The development setup: deterministic, and therefore with a secret that everybody can compute.

use halo2_proofs::arithmetic::parallelize;
use halo2curves::bn256::{Fr, G1Affine, G2Affine, G1};
use halo2curves::ff::{BatchInvert, Field, PrimeField};
use halo2curves::group::prime::PrimeCurveAffine;
use halo2curves::group::{Curve, Group};
use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::parts::{root_of_unity, Parts};

/// The points of `ParamsKZG::setup(k, ChaCha20Rng::from_seed(seed))`, which draws one scalar, so
/// that all sizes of a seed share their secret. Knowing the secret, each point is one product of
/// the generator; a table of its multiples makes that some 15 times faster.
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
        let points: Vec<G1> = scalars
            .into_iter()
            .map(|inverse| {
                let point = table.mul(inverse * factor);
                factor *= root;
                point
            })
            .collect();
        G1::batch_normalize(&points, chunk);
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
        let points: Vec<G1> = (0..chunk.len())
            .map(|_| {
                let point = table.mul(power);
                power *= secret;
                point
            })
            .collect();
        G1::batch_normalize(&points, chunk);
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

    fn mul(&self, scalar: Fr) -> G1 {
        let digits = scalar.to_repr();
        (digits.as_ref().iter().zip(self.0.chunks_exact(255)))
            .filter(|(&digit, _)| digit > 0)
            .fold(G1::identity(), |sum, (&digit, multiples)| {
                sum + multiples[usize::from(digit) - 1]
            })
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

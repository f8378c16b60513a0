//! What tests of several modules need.

use halo2curves::bn256::{G1, G1Affine};
use halo2curves::group::{Curve, Group};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

/// Random points.
pub(crate) fn points(count: usize) -> Vec<G1Affine> {
    let mut rng = rng();
    (0..count)
        .map(|_| G1::random(&mut rng).to_affine())
        .collect()
}

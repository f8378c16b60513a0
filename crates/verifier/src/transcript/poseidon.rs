//! The transcript of the aggregation circuit.

use super::Transcript;
use crate::encoding::point_to_words;
use crate::error::Malformed;
use halo2_base::poseidon::hasher::spec::OptimizedPoseidonSpec;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::PrimeField;
use halo2curves::group::prime::PrimeCurveAffine;
use snark_verifier::loader::native::NativeLoader;
use snark_verifier::util::hash::Poseidon;
use std::sync::LazyLock;

/// Width of the permutation.
pub const T: usize = 3;
/// Scalars absorbed per permutation.
pub const RATE: usize = 2;
/// Full rounds.
pub const R_F: usize = 8;
/// Partial rounds.
pub const R_P: usize = 57;
/// Bits of the limbs in which coordinates are absorbed.
pub const LIMB_BITS: usize = 88;

/// Absorbed before anything else.
const DOMAIN: &[u8; 16] = b"nanozk-poseidon1";

/// Constants of the permutation, which take some milliseconds to derive.
static SPEC: LazyLock<OptimizedPoseidonSpec<Fr, T, RATE>> =
    LazyLock::new(OptimizedPoseidonSpec::new::<R_F, R_P, 0>);

/// The sponge of `snark_verifier`.
#[derive(Debug)]
pub struct PoseidonTranscript(Poseidon<Fr, Fr, T, RATE>);

impl PoseidonTranscript {
    /// A transcript that has absorbed nothing.
    pub fn new() -> Self {
        let mut sponge = Poseidon::from_spec(&NativeLoader, SPEC.clone());
        sponge.update(&[Fr::from_u128(u128::from_be_bytes(*DOMAIN))]);
        PoseidonTranscript(sponge)
    }
}

impl Default for PoseidonTranscript {
    fn default() -> Self {
        Self::new()
    }
}

/// A point as scalars: of each coordinate the lower two limbs, then the highest.
///
/// These are the limbs the circuit has at hand, packed as far as they fit.
pub fn point_to_scalars(point: &G1Affine) -> [Fr; 4] {
    const LOW: usize = 2 * LIMB_BITS / 8;
    let integer = |bytes: &[u8]| {
        let mut repr = <Fr as PrimeField>::Repr::default();
        repr.as_mut()[..bytes.len()].copy_from_slice(bytes);
        Fr::from_repr(repr).expect("fewer bits than the modulus")
    };
    let [x, y] = point_to_words(point).map(|mut word| {
        word.reverse();
        [integer(&word[..LOW]), integer(&word[LOW..])]
    });
    [x[0], x[1], y[0], y[1]]
}

impl Transcript for PoseidonTranscript {
    fn absorb_scalar(&mut self, scalar: &Fr) {
        self.0.update(&[*scalar]);
    }

    fn absorb_point(&mut self, point: &G1Affine) -> Result<(), Malformed> {
        if point.is_identity().into() {
            return Err(Malformed::Infinity);
        }
        self.0.update(&point_to_scalars(point));
        Ok(())
    }

    fn squeeze(&mut self) -> Fr {
        self.0.squeeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halo2curves::bn256::Fq;
    use halo2curves::ff::Field;

    #[test]
    fn limbs_recompose() {
        let p: G1Affine = (G1Affine::generator() * Fr::from(12345)).into();
        let base = Fq::from(2).pow_vartime([2 * LIMB_BITS as u64]);
        let lift = |s: Fr| Fq::from_repr(s.to_repr()).unwrap();
        let [x0, x1, y0, y1] = point_to_scalars(&p).map(lift);
        assert_eq!([x0 + base * x1, y0 + base * y1], [p.x, p.y]);
    }

    #[test]
    fn agrees_with_a_fresh_sponge() {
        let mut transcript = PoseidonTranscript::new();
        transcript.absorb_scalar(&Fr::from(5));
        transcript.absorb_point(&G1Affine::generator()).unwrap();
        let mut sponge = Poseidon::<Fr, Fr, T, RATE>::new::<R_F, R_P, 0>(&NativeLoader);
        sponge.update(&[Fr::from_u128(u128::from_be_bytes(*DOMAIN))]);
        sponge.update(&[5, 1, 0, 2, 0].map(Fr::from));
        for _ in 0..3 {
            assert_eq!(transcript.squeeze(), sponge.squeeze());
        }
        assert_eq!(
            transcript.absorb_point(&G1Affine::identity()),
            Err(Malformed::Infinity)
        );
    }
}

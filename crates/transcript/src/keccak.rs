//! The transcript of contracts.

use crate::encoding::{point_to_words, scalar_reduced, scalar_to_bytes};
use crate::{Malformed, Transcript};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::group::prime::PrimeCurveAffine;
use sha3::{Digest, Keccak256};

/// What the first state is the digest of.
const DOMAIN: &[u8] = b"nanozk-keccak-transcript-1";

/// A state of 32 bytes, and words that wait to be hashed into it.
///
/// A challenge is the digest of state and waiting words, reduced; the digest is the next state. A
/// challenge with nothing waiting hashes a single byte after the state instead, so that it differs
/// from any with words.
#[derive(Clone, Debug)]
pub struct KeccakTranscript {
    state: [u8; 32],
    waiting: Vec<u8>,
}

impl KeccakTranscript {
    /// A transcript that has absorbed nothing.
    pub fn new() -> Self {
        KeccakTranscript {
            state: Keccak256::digest(DOMAIN).into(),
            waiting: Vec::new(),
        }
    }
}

impl Default for KeccakTranscript {
    fn default() -> Self {
        Self::new()
    }
}

impl Transcript for KeccakTranscript {
    fn absorb_scalar(&mut self, scalar: &Fr) {
        self.waiting.extend(scalar_to_bytes(scalar));
    }

    fn absorb_point(&mut self, point: &G1Affine) -> Result<(), Malformed> {
        if point.is_identity().into() {
            return Err(Malformed::Infinity);
        }
        self.waiting.extend(point_to_words(point).as_flattened());
        Ok(())
    }

    fn squeeze(&mut self) -> Fr {
        let mut hash = Keccak256::new();
        hash.update(self.state);
        if self.waiting.is_empty() {
            hash.update([1]);
        }
        hash.update(&self.waiting);
        self.state = hash.finalize().into();
        self.waiting.clear();
        scalar_reduced(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the definition, spelled out.
    #[test]
    fn follows_the_definition() {
        let mut transcript = KeccakTranscript::new();
        transcript.absorb_scalar(&Fr::from(258));
        transcript.absorb_point(&G1Affine::generator()).unwrap();
        let challenges = [transcript.squeeze(), transcript.squeeze()];

        let mut input: Vec<u8> = Keccak256::digest(DOMAIN).to_vec();
        let mut word = |high: u8, low: u8| {
            input.extend([0; 30]);
            input.extend([high, low]);
        };
        word(1, 2);
        word(0, 1);
        word(0, 2);
        let first: [u8; 32] = Keccak256::digest(&input).into();
        let second: [u8; 32] = Keccak256::digest([first.as_slice(), &[1]].concat()).into();
        assert_eq!(
            challenges,
            [scalar_reduced(&first), scalar_reduced(&second)]
        );
        assert_eq!(
            transcript.absorb_point(&G1Affine::identity()),
            Err(Malformed::Infinity)
        );
    }
}

//! How challenges follow from what was said before.

pub use nanozk_transcript::{poseidon, KeccakTranscript, PoseidonTranscript, Transcript};

use crate::encoding::check_point;
use crate::error::{Element, Error, Sort};
use crate::key::VerifyingKey;
use halo2curves::bn256::{Fr, G1Affine};
use nanozk_circuits::ir::CHALLENGES;

/// Which hash a transcript uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TranscriptKind {
    /// Keccak256, cheap in the EVM.
    Keccak,
    /// Poseidon over the scalar field, cheap in a circuit.
    Poseidon,
}

fn new(kind: TranscriptKind) -> Box<dyn Transcript> {
    match kind {
        TranscriptKind::Keccak => Box::new(KeccakTranscript::new()),
        TranscriptKind::Poseidon => Box::new(PoseidonTranscript::new()),
    }
}

/// The rounds of the protocol: what is absorbed, in which order, for which challenge.
pub struct Rounds(Box<dyn Transcript>);

impl Rounds {
    /// Binds the key and the public inputs.
    pub fn new(kind: TranscriptKind, vk: &VerifyingKey, instances: &[Fr]) -> Result<Self, Error> {
        let expected = vk.program().instances;
        if instances.len() != expected {
            return Err(Error::WrongInstanceCount {
                expected,
                got: instances.len(),
            });
        }
        let mut transcript = new(kind);
        transcript.absorb_scalar(&vk.digest_scalar());
        for instance in instances {
            transcript.absorb_scalar(instance);
        }
        Ok(Rounds(transcript))
    }

    fn points(&mut self, points: &[G1Affine], element: Sort) -> Result<(), Error> {
        for (i, point) in points.iter().enumerate() {
            check_point(point)
                .and_then(|()| self.0.absorb_point(point))
                .map_err(|reason| Error::Decode {
                    element: element(i),
                    reason,
                })?;
        }
        Ok(())
    }

    /// The challenges of the second phase.
    pub fn first_phase(&mut self, commitments: &[G1Affine]) -> Result<[Fr; CHALLENGES], Error> {
        self.points(commitments, Element::First)?;
        Ok(std::array::from_fn(|_| self.0.squeeze()))
    }

    /// `y`, which combines the gates.
    pub fn second_phase(&mut self, commitments: &[G1Affine]) -> Result<Fr, Error> {
        self.points(commitments, Element::Second)?;
        Ok(self.0.squeeze())
    }

    /// `x`, where columns are opened.
    pub fn quotient(&mut self, commitments: &[G1Affine; 2]) -> Result<Fr, Error> {
        self.points(commitments, Element::Quotient)?;
        Ok(self.0.squeeze())
    }

    /// `v`, which combines the claims.
    pub fn evaluations(&mut self, evals: &[Fr]) -> Fr {
        for eval in evals {
            self.0.absorb_scalar(eval);
        }
        self.0.squeeze()
    }

    /// `z`, where the combined claim is checked.
    pub fn opening(&mut self, quotient: &G1Affine) -> Result<Fr, Error> {
        self.points(std::slice::from_ref(quotient), Element::Opening)?;
        Ok(self.0.squeeze())
    }

    /// A factor for what is added to the proof.
    pub fn last(&mut self, opening: &G1Affine) -> Result<Fr, Error> {
        self.0
            .absorb_point(opening)
            .map_err(|reason| Error::Decode {
                element: Element::Opening(1),
                reason,
            })?;
        Ok(self.0.squeeze())
    }
}

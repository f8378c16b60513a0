//! The proof of a tree's root: one for all layers of a session.

use crate::encoding::{
    check_point, point_compressed, point_decompressed, point_from_words, point_to_words,
    scalar_from_bytes, scalar_to_bytes, WORD,
};
use crate::error::{Element, Error};
use crate::key::{Layout, VerifyingKey};
use crate::proof::Proof;
use crate::transcript::poseidon::{chain_layer, point_to_scalars};
use crate::transcript::TranscriptKind;
use crate::verify::{accumulate_and_draw, Accumulator, Expected, KzgVerifier};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;

/// Public inputs of a root.
pub const INSTANCES: usize = 11;

/// A proof of a node with what remains of the proofs below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateProof {
    /// Valid iff all proofs below are.
    pub accumulator: Accumulator,
    /// The node's own proof.
    pub proof: Proof,
}

/// What a root says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Statement digest, in halves.
    pub statement: [Fr; 2],
    /// Input digest.
    pub input: Fr,
    /// Output digest.
    pub output: Fr,
    /// Digest over keys and weights of all layers.
    pub digest: Fr,
}

impl Claimed {
    /// The root's public inputs.
    pub fn instances(&self, accumulator: &Accumulator) -> Vec<Fr> {
        let mut out = self.statement.to_vec();
        out.extend([self.input, self.output, self.digest]);
        for point in [&accumulator.lhs, &accumulator.rhs] {
            out.extend(point_to_scalars(point));
        }
        out
    }
}

/// The digest by which a root binds a model: over keys (as transcripts absorb them) and weights of all layers.
pub fn aggregation_digest(layers: impl Iterator<Item = (Fr, Vec<G1Affine>)>) -> Fr {
    layers.fold(Fr::ZERO, |digest, (key, weights)| {
        chain_layer(digest, key, &weights)
    })
}

impl AggregateProof {
    /// Length of [`AggregateProof::to_bytes`] under a key.
    pub fn byte_length(layout: &Layout) -> usize {
        2 * WORD + Proof::byte_length(layout)
    }

    /// Length of [`AggregateProof::to_calldata`] under a key.
    pub fn calldata_length(layout: &Layout) -> usize {
        5 * WORD + Proof::calldata_length(layout)
    }

    /// Both points of the accumulator, compressed, then [`Proof::to_bytes`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = point_compressed(&self.accumulator.lhs).to_vec();
        out.extend(point_compressed(&self.accumulator.rhs));
        out.extend(self.proof.to_bytes());
        out
    }

    /// The proof that [`AggregateProof::to_bytes`] encodes.
    pub fn from_bytes(
        vk: &VerifyingKey,
        transcript: TranscriptKind,
        bytes: &[u8],
    ) -> Result<Self, Error> {
        let expected = Self::byte_length(vk.layout());
        let Some((head, rest)) = bytes
            .split_at_checked(2 * WORD)
            .filter(|_| bytes.len() == expected)
        else {
            return Err(Error::WrongLength {
                expected,
                got: bytes.len(),
            });
        };
        let point = |i: usize| {
            let word = head[WORD * i..][..WORD].try_into().expect("a word");
            point_decompressed(word).map_err(|reason| Error::Decode {
                element: Element::Accumulator(i),
                reason,
            })
        };
        Ok(AggregateProof {
            accumulator: Accumulator {
                lhs: point(0)?,
                rhs: point(1)?,
            },
            proof: Proof::from_bytes(vk, transcript, rest)?,
        })
    }

    /// As contracts take a root's proof: the accumulator's points, uncompressed, and the digest, in five words, then
    /// [`Proof::to_calldata`].
    pub fn to_calldata(&self, digest: Fr) -> Vec<u8> {
        let mut out = Vec::new();
        for point in [&self.accumulator.lhs, &self.accumulator.rhs] {
            out.extend(point_to_words(point).as_flattened());
        }
        out.extend(scalar_to_bytes(&digest));
        out.extend(self.proof.to_calldata());
        out
    }

    /// The proof and digest that [`AggregateProof::to_calldata`] encodes.
    pub fn from_calldata(vk: &VerifyingKey, bytes: &[u8]) -> Result<(Self, Fr), Error> {
        let expected = Self::calldata_length(vk.layout());
        let Some((head, rest)) = bytes
            .split_at_checked(5 * WORD)
            .filter(|_| bytes.len() == expected)
        else {
            return Err(Error::WrongLength {
                expected,
                got: bytes.len(),
            });
        };
        let word =
            |i: usize| -> [u8; WORD] { head[WORD * i..][..WORD].try_into().expect("a word") };
        let point = |i: usize| {
            point_from_words(word(2 * i), word(2 * i + 1)).map_err(|reason| Error::Decode {
                element: Element::Accumulator(i),
                reason,
            })
        };
        let digest = scalar_from_bytes(&word(4)).map_err(|reason| Error::Decode {
            element: Element::Digest,
            reason,
        })?;
        let proof = AggregateProof {
            accumulator: Accumulator {
                lhs: point(0)?,
                rhs: point(1)?,
            },
            proof: Proof::from_calldata(vk, TranscriptKind::Keccak, rest)?,
        };
        Ok((proof, digest))
    }
}

/// Verifies a proof of a node and its accumulator, in one pairing.
///
/// The accumulator is added to what remains of the proof, times one more challenge. It is among the public inputs, which
/// therefore are asked for with it.
pub fn verify_node(
    params: &KzgVerifier,
    vk: &VerifyingKey,
    instances: impl FnOnce(&Accumulator) -> Vec<Fr>,
    proof: &AggregateProof,
) -> Result<(), Error> {
    for (i, point) in [&proof.accumulator.lhs, &proof.accumulator.rhs]
        .into_iter()
        .enumerate()
    {
        check_point(point).map_err(|reason| Error::Decode {
            element: Element::Accumulator(i),
            reason,
        })?;
    }
    let instances = instances(&proof.accumulator);
    let expected = Expected::default();
    let (own, r) = accumulate_and_draw(params, vk, &instances, &expected, &proof.proof)?;
    Accumulator::fold(&[own, proof.accumulator], r).check(params)
}

/// Verifies a root.
pub fn verify_aggregate(
    params: &KzgVerifier,
    vk: &VerifyingKey,
    claimed: &Claimed,
    proof: &AggregateProof,
) -> Result<(), Error> {
    verify_node(
        params,
        vk,
        |accumulator| claimed.instances(accumulator),
        proof,
    )
}

//! The proof of a tree's root: one for all layers of a session.

use crate::card::ModelCard;
use crate::encoding::{
    check_point, point_compressed, point_decompressed, point_from_words, point_to_words,
    scalar_from_bytes, scalar_reduced, scalar_to_bytes, WORD,
};
use crate::error::{Element, Error, Malformed};
use crate::key::{Layout, VerifyingKey};
use crate::proof::{check_length, Proof, Words};
use crate::transcript::poseidon::{point_to_scalars, Sponge};
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

/// The running digest of keys (as transcripts absorb them) and weights before each layer, and after the last: that is
/// the one by which a root binds a model.
pub fn running_digests(card: &ModelCard) -> Vec<Fr> {
    let mut out = vec![Fr::ZERO];
    for layer in &card.layers {
        let weights: Vec<G1Affine> = layer.weights.iter().map(|p| p.0).collect();
        let key = scalar_reduced(&layer.verifying_key.0);
        out.push(chain_layer(out[out.len() - 1], key, &weights));
    }
    out
}

/// The running digest of the layers before one, continued by that layer: its key and the commitments to its weights.
pub fn chain_layer(before: Fr, key: Fr, weights: &[G1Affine]) -> Fr {
    let mut sponge = Sponge::default();
    sponge.absorb(&[before, key]);
    for point in weights {
        sponge.absorb(&point_to_scalars(point));
    }
    sponge.squeeze()
}

/// The digest by which a root binds a model.
pub fn aggregation_digest(card: &ModelCard) -> Fr {
    *running_digests(card).last().expect("at least the first")
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
        check_length(Self::byte_length(vk.layout()), bytes)?;
        let mut words = Words(bytes);
        let accumulator = accumulator(|| point_decompressed(&words.next()))?;
        Ok(AggregateProof {
            accumulator,
            proof: Proof::from_bytes(vk, transcript, words.0)?,
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
        check_length(Self::calldata_length(vk.layout()), bytes)?;
        let mut words = Words(bytes);
        let accumulator = accumulator(|| {
            let x = words.next();
            point_from_words(x, words.next())
        })?;
        let digest = scalar_from_bytes(&words.next()).map_err(|reason| Error::Decode {
            element: Element::Digest,
            reason,
        })?;
        let proof = AggregateProof {
            accumulator,
            proof: Proof::from_calldata(vk, TranscriptKind::Keccak, words.0)?,
        };
        Ok((proof, digest))
    }
}

/// Both points.
fn accumulator(
    mut point: impl FnMut() -> Result<G1Affine, Malformed>,
) -> Result<Accumulator, Error> {
    let mut point = |i| {
        point().map_err(|reason| Error::Decode {
            element: Element::Accumulator(i),
            reason,
        })
    };
    Ok(Accumulator {
        lhs: point(0)?,
        rhs: point(1)?,
    })
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

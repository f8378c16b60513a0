//! The final proof over a node, as a contract takes it: the proof, and two points that remain of the proofs below.
//!
//! All nodes have one program, so all final proofs have one key, whatever their nodes verify.

use crate::assembly::TooLong;
use crate::assign::{assign, circuit};
use crate::gates::K;
use crate::key::{Key, ProvingKey, powers_needed};
use crate::proof::{DecodeError, PROOF_BYTES, Proof};
use crate::prove::{ProveError, prove};
use crate::verify::{VerifyError, verify};
use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use nanozk_kzg::{Accumulator, Basis};
use nanozk_recursion::node::{
    NodeError, NodeKey, NodeProof, Nodes, TOP_INPUTS, remaining_at_the_top,
};
use nanozk_recursion::statement::Said;
use nanozk_transcript::encoding::{WORD, point_from_words, point_to_words};
use nanozk_transcript::poseidon::point_words;
use nanozk_transcript::{KeccakTranscript, Transcript};
use rand_core::{CryptoRng, RngCore};

/// Bytes of what a contract takes: a proof, and the coordinates of both points.
pub const BYTES: usize = PROOF_BYTES + 2 * 2 * WORD;

/// What a final proof says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Top {
    /// The digest of its node's key.
    pub key: Fr,
    /// What the node says.
    pub said: Said,
}

impl Top {
    /// All public inputs: with the words of both points.
    fn inputs(&self, remaining: &Accumulator) -> Vec<Fr> {
        let words = [remaining.lhs, remaining.rhs].map(|point| point_words(&point));
        let own = [self.key].into_iter().chain(self.said.numbers());
        own.chain(words.into_iter().flatten()).collect()
    }
}

/// No final proof can be made, or one is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopError {
    /// The setup has too few powers.
    #[error("a final proof takes a setup of {needed} powers, and this has {got}")]
    SmallSetup {
        /// Needed.
        needed: usize,
        /// Found.
        got: usize,
    },
    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The circuit.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The key is for nodes of another size.
    #[error("the key is for nodes of another size")]
    Key,
    /// It could not be proved.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// There are more or fewer bytes.
    #[error("{got} bytes, where a final proof has {BYTES}")]
    Length {
        /// Given.
        got: usize,
    },
    /// The bytes are no proof.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The proof is refused before its pairing.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The pairing's equation is false.
    #[error("the pairing's equation is false: the proof, or one below it, is not valid")]
    Pairing,
}

fn check_size(basis: &Basis) -> Result<(), TopError> {
    let (needed, got) = (powers_needed(K), basis.len());
    match got < needed {
        true => Err(TopError::SmallSetup { needed, got }),
        false => Ok(()),
    }
}

impl Key {
    /// The key of final proofs over nodes that has this commitment: all else is the same under any setup.
    pub fn of_commitment(fixed: G1Affine) -> Self {
        Self {
            k: K,
            inputs: TOP_INPUTS,
            fixed,
        }
    }
}

impl ProvingKey {
    /// The key of final proofs over nodes.
    pub fn over_nodes(nodes: &Nodes, basis: &Basis) -> Result<Self, TopError> {
        check_size(basis)?;
        let assignment = assign(&nodes.any_top()?)?;
        Ok(Self::new(circuit(), assignment.structure, basis))
    }
}

/// Proves what a node says. It is not verified first; if it is not valid, verifiers refuse the proof.
///
/// `stage` is told what begins.
pub fn prove_top(
    key: &ProvingKey,
    nodes: &Nodes,
    (node_key, node): (&NodeKey, &NodeProof),
    basis: &Basis,
    rng: &mut (impl RngCore + CryptoRng),
    mut stage: impl FnMut(&'static str),
) -> Result<Vec<u8>, TopError> {
    check_size(basis)?;
    stage("assignment");
    let assignment = assign(&nodes.top(node_key, node)?)?;
    let inputs: [Fr; TOP_INPUTS] = assignment
        .inputs
        .as_slice()
        .try_into()
        .map_err(|_| TopError::Key)?;
    if assignment.structure != key.structure {
        return Err(TopError::Key);
    }
    let remaining = remaining_at_the_top(&inputs)?;
    let transcript = &mut KeccakTranscript::new();
    let proof = prove(
        key,
        &inputs,
        assignment.columns,
        basis,
        rng,
        transcript,
        stage,
    )?;
    let points = [remaining.lhs, remaining.rhs].map(|point| point_to_words(&point));
    let mut bytes = proof.to_bytes().to_vec();
    bytes.extend(points.into_iter().flatten().flatten());
    Ok(bytes)
}

/// Verifies that a node of some key says something, by what [`prove_top`] gives.
pub fn verify_top(key: &Key, top: &Top, bytes: &[u8], g2: &[G2Affine; 2]) -> Result<(), TopError> {
    let wrong_length = TopError::Length { got: bytes.len() };
    let Some((proof, points)) = bytes.split_first_chunk::<PROOF_BYTES>() else {
        return Err(wrong_length);
    };
    let Ok(points) = <&[u8; BYTES - PROOF_BYTES]>::try_from(points) else {
        return Err(wrong_length);
    };
    let proof = Proof::from_bytes(proof)?;
    let words = points.as_chunks::<WORD>().0;
    let point = |i: usize| -> Result<G1Affine, DecodeError> {
        let index = PROOF_BYTES / WORD + 2 * i;
        point_from_words(words[2 * i], words[2 * i + 1])
            .map_err(|reason| DecodeError::Malformed { index, reason })
    };
    let below = Accumulator {
        lhs: point(0)?,
        rhs: point(1)?,
    };
    let transcript = &mut KeccakTranscript::new();
    let own = verify(&circuit(), key, &top.inputs(&below), &proof, transcript)?;
    // One pairing for both: the challenge depends on all that both are.
    let challenge = transcript.squeeze();
    let joined = Accumulator {
        lhs: (own.lhs + below.lhs * challenge).into(),
        rhs: (own.rhs + below.rhs * challenge).into(),
    };
    match joined.holds(g2) {
        true => Ok(()),
        false => Err(TopError::Pairing),
    }
}

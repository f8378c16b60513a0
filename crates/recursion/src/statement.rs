//! What proofs about one session say, in few numbers. The same code computes it natively and records it.
//!
//! Commitments are said by digests. Those to activations also by a fingerprint at a number `r` that somebody drew who knows
//! the commitments, such as a contract: `Σ r^i·word_i`, from the last word on. It costs a contract few multiplications, and
//! is that of no other commitments with the same digest but by chance.

use crate::recorder::{Recorder, Wire, WirePoint, WireTranscript};
use halo2curves::bn256::{Fr, G1Affine};
use nanozk_transcript::poseidon::{point_words, POINT_WORDS};
use nanozk_transcript::{Element, Malformed, RecursionTranscript, Transcript};

/// Public inputs of joint proofs: both halves of the statement's digest, digests of prompt and answer, and their lengths.
pub const SESSION_INPUTS: usize = 6;
/// Numbers that say what a session is.
pub const STATEMENT: usize = SESSION_INPUTS + 4;
/// Commitments whose digest is computed apart, so that whoever needs some of many need not know all.
const GROUP: usize = 32;

/// What is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Commitments to weights.
    Weights = 1,
    /// Commitments to activations.
    Activations = 2,
    /// Commitments of a node's key.
    Key = 3,
    /// Digests of keys.
    Keys = 4,
    /// Proofs that a node verifies.
    Children = 5,
    /// A group of points.
    Group = 6,
}

/// Where digests are computed: natively, or on wires.
pub trait Hashing<F, P> {
    /// A hash.
    type Transcript: Transcript<F, P>;

    /// A transcript that has absorbed nothing.
    fn transcript(&self) -> Self::Transcript;

    /// Words of a point.
    fn words(&self, point: &P) -> [F; POINT_WORDS];
}

/// Natively.
#[derive(Clone, Copy, Debug)]
pub struct Native;

impl Hashing<Fr, G1Affine> for Native {
    type Transcript = RecursionTranscript;

    fn transcript(&self) -> RecursionTranscript {
        RecursionTranscript::new()
    }

    fn words(&self, point: &G1Affine) -> [Fr; POINT_WORDS] {
        point_words(point)
    }
}

impl<'r> Hashing<Wire<'r>, WirePoint<'r>> for &'r Recorder {
    type Transcript = WireTranscript<'r>;

    fn transcript(&self) -> WireTranscript<'r> {
        WireTranscript::new(self)
    }

    fn words(&self, point: &WirePoint<'r>) -> [Wire<'r>; POINT_WORDS] {
        point.words
    }
}

fn number<F: Element>(x: u64) -> F {
    F::constant(Fr::from(x))
}

/// The digest of numbers.
pub fn digest<F: Element, P, H: Hashing<F, P>>(hashing: &H, domain: Domain, numbers: &[F]) -> F {
    let mut transcript = hashing.transcript();
    transcript.absorb_scalar(&number(domain as u64));
    transcript.absorb_scalar(&number(numbers.len() as u64));
    for number in numbers {
        transcript.absorb_scalar(number);
    }
    transcript.squeeze()
}

/// The digest of points: that of the digests of groups of them. Fails if one is at infinity.
pub fn points_digest<F: Element, P, H: Hashing<F, P>>(
    hashing: &H,
    domain: Domain,
    points: &[P],
) -> Result<F, Malformed> {
    let mut digests = vec![number(points.len() as u64)];
    for group in points.chunks(GROUP) {
        let mut transcript = hashing.transcript();
        transcript.absorb_scalar(&number(Domain::Group as u64));
        transcript.absorb_scalar(&number(group.len() as u64));
        for point in group {
            transcript.absorb_point(point)?;
        }
        digests.push(transcript.squeeze());
    }
    Ok(digest(hashing, domain, &digests))
}

/// The fingerprint of points at a number.
pub fn fingerprint<F: Element, P, H: Hashing<F, P>>(hashing: &H, points: &[P], at: F) -> F {
    let words = points.iter().flat_map(|point| hashing.words(point));
    words.fold(F::zero(), |sum, word| sum * at + word)
}

/// A session: what its proofs have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session<F = Fr, P = G1Affine> {
    /// Public inputs of its joint proofs.
    pub inputs: [F; SESSION_INPUTS],
    /// All commitments to weights, in the registry's order.
    pub weights: Vec<P>,
    /// All commitments to activations, likewise.
    pub activations: Vec<P>,
    /// Where the fingerprint is taken.
    pub at: F,
}

impl<F: Element, P> Session<F, P> {
    /// What is said of it: its inputs, digests of weights and activations, and the fingerprint of these, with where it is
    /// taken before it.
    pub fn statement<H: Hashing<F, P>>(&self, hashing: &H) -> Result<[F; STATEMENT], Malformed> {
        let [a, b, c, d, e, f] = self.inputs;
        Ok([
            a,
            b,
            c,
            d,
            e,
            f,
            points_digest(hashing, Domain::Weights, &self.weights)?,
            points_digest(hashing, Domain::Activations, &self.activations)?,
            self.at,
            fingerprint(hashing, &self.activations, self.at),
        ])
    }
}

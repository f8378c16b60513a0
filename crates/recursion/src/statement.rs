//! What a node says: a list of numbers, in three. The same code computes it natively and records it.
//!
//! A list is said by its digest, and by its fingerprint at a number `r`: `Σ r^i·number_i`, from the last number on. Whoever
//! knows the list, such as a contract, draws `r` from the digest and the list, and computes the fingerprint, which costs few
//! multiplications; it never computes the digest. Another list with this digest has the same fingerprint only by chance, for
//! it was fixed before `r`.
//!
//! The list of a node over a joint proof is a session ([`Session::numbers`]), with its commitments to activations said in the
//! same way. That of a node over nodes has four numbers for each of them: the key's digest, and what it says.

use crate::recorder::{Recorder, Wire, WirePoint, WireTranscript};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::{FromUniformBytes, PrimeField};
use nanozk_circuit::{ColumnId, ColumnKind, Layout};
use nanozk_transcript::poseidon::{POINT_WORDS, point_words};
use nanozk_transcript::{Element, Malformed, RecursionTranscript, Transcript};
use sha3::{Digest, Keccak256};
use std::collections::BTreeMap;

/// Public inputs of joint proofs: both halves of the statement's digest, digests of prompt and answer, and their lengths.
pub const SESSION_INPUTS: usize = 6;
/// Numbers that say what a session is.
pub const SESSION_NUMBERS: usize = SESSION_INPUTS + 1 + SAID;
/// Numbers that say what a list is.
pub const SAID: usize = 3;
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
    /// The numbers of a session.
    Session = 4,
    /// The last challenges of the proofs that a node verifies.
    Children = 5,
    /// A group of points.
    Group = 6,
    /// Keys of nodes, and what they say.
    Nodes = 7,
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

/// The digest of the commitments to weights that a program uses. Which weights they are to is said by the program.
pub fn weights_digest<F: Element, P: Copy, H: Hashing<F, P>>(
    hashing: &H,
    weights: &BTreeMap<u32, P>,
) -> Result<F, Malformed> {
    let points: Vec<P> = weights.values().copied().collect();
    points_digest(hashing, Domain::Weights, &points)
}

/// The fingerprint of a list at a number.
pub fn fingerprint<F: Element>(numbers: impl IntoIterator<Item = F>, at: F) -> F {
    let numbers = numbers.into_iter();
    numbers.fold(F::zero(), |sum, number| sum * at + number)
}

/// The words of points, one after the other.
fn words<'p, F: Element + 'p, P, H: Hashing<F, P>>(
    hashing: &'p H,
    points: &'p [P],
) -> impl Iterator<Item = F> + 'p {
    points.iter().flat_map(|point| hashing.words(point))
}

/// What is drawn from a list's digest and the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// Where the fingerprint of what a node says is taken.
    Said,
    /// Where that of commitments to activations is.
    Activations,
}

impl Drawn {
    /// What is hashed first, in a word of 32 bytes that ends in zeros.
    fn tag(self) -> &'static [u8] {
        match self {
            Self::Said => b"nanozk said",
            Self::Activations => b"nanozk activations",
        }
    }

    /// Keccak-256 of the tag, the digest and the numbers, each as 32 bytes with the most significant first, modulo the order
    /// of the field. No number is drawn with more than `6·2^-256`, which is less than `8/7` of an even share.
    pub fn at(self, digest: Fr, numbers: impl IntoIterator<Item = Fr>) -> Fr {
        let mut hash = Keccak256::new();
        let mut tag = [0; 32];
        tag[..self.tag().len()].copy_from_slice(self.tag());
        hash.update(tag);
        for number in [digest].into_iter().chain(numbers) {
            let mut bytes = number.to_repr();
            bytes.as_mut().reverse();
            hash.update(bytes);
        }
        let mut wide = [0; 64];
        for (to, byte) in wide.iter_mut().zip(hash.finalize().iter().rev()) {
            *to = *byte;
        }
        Fr::from_uniform_bytes(&wide)
    }
}

/// What says a list of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<F = Fr> {
    /// Its digest.
    pub digest: F,
    /// Where the fingerprint is taken.
    pub at: F,
    /// The fingerprint.
    pub fingerprint: F,
}

impl<F: Copy> Said<F> {
    /// All of it, in the order in which it is said.
    pub fn numbers(&self) -> [F; SAID] {
        [self.digest, self.at, self.fingerprint]
    }
}

impl<F> From<[F; SAID]> for Said<F> {
    fn from([digest, at, fingerprint]: [F; SAID]) -> Self {
        Self {
            digest,
            at,
            fingerprint,
        }
    }
}

impl<F: Element> Said<F> {
    /// A list's digest, and its fingerprint at a number that was drawn for it.
    pub(crate) fn of<P, H: Hashing<F, P>>(
        hashing: &H,
        domain: Domain,
        numbers: &[F],
        at: F,
    ) -> Self {
        Self {
            digest: digest(hashing, domain, numbers),
            at,
            fingerprint: fingerprint(numbers.iter().copied(), at),
        }
    }
}

impl Said {
    /// What says a list.
    pub fn new(domain: Domain, numbers: &[Fr]) -> Self {
        let digest = digest::<_, G1Affine, _>(&Native, domain, numbers);
        let at = Drawn::Said.at(digest, numbers.iter().copied());
        Self {
            digest,
            at,
            fingerprint: fingerprint(numbers.iter().copied(), at),
        }
    }

    /// What a node over nodes says of these: of each its key's digest, and what it says itself.
    pub fn of_nodes(nodes: &[(Fr, Self)]) -> Self {
        let numbers: Vec<Fr> = nodes
            .iter()
            .flat_map(|(key, said)| [*key].into_iter().chain(said.numbers()))
            .collect();
        Self::new(Domain::Nodes, &numbers)
    }
}

/// A session: what its proofs have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session<F = Fr, P = G1Affine> {
    /// Public inputs of its joint proofs.
    pub inputs: [F; SESSION_INPUTS],
    /// The commitments to weights that a program uses, by their numbers: a model may have far more.
    pub weights: BTreeMap<u32, P>,
    /// All commitments to activations, in the registry's order.
    pub activations: Vec<P>,
    /// Where the fingerprint of the commitments to activations is taken.
    pub at: F,
}

impl Session {
    /// A session whose fingerprint is taken where everybody takes it. Fails if a commitment is at infinity.
    pub fn new(
        inputs: [Fr; SESSION_INPUTS],
        weights: BTreeMap<u32, G1Affine>,
        activations: Vec<G1Affine>,
    ) -> Result<Self, Malformed> {
        let digest = points_digest(&Native, Domain::Activations, &activations)?;
        let at = Drawn::Activations.at(digest, words(&Native, &activations));
        Ok(Self {
            inputs,
            weights,
            activations,
            at,
        })
    }

    /// That of a program's columns, whose commitments to weights and activations are among these. Every activation of the
    /// model must be a column of it.
    pub fn of_columns(
        inputs: [Fr; SESSION_INPUTS],
        layout: &Layout,
        points: &BTreeMap<ColumnId, G1Affine>,
    ) -> Result<Self, Malformed> {
        let (mut weights, mut activations) = (BTreeMap::new(), BTreeMap::new());
        for (id, column) in layout.enumerate() {
            match (column.kind, points.get(&id)) {
                (ColumnKind::Weight(number), Some(point)) => weights.insert(number, *point),
                (ColumnKind::Activation(number), Some(point)) => activations.insert(number, *point),
                _ => None,
            };
        }
        Self::new(inputs, weights, activations.into_values().collect())
    }

    /// What a node over a joint proof about it says.
    pub fn said(&self) -> Result<Said, Malformed> {
        Ok(Said::new(Domain::Session, &self.numbers(&Native)?))
    }
}

impl<F: Element, P: Copy> Session<F, P> {
    /// The numbers that say what it is: its inputs, the digest of weights, and what says the activations' words.
    pub fn numbers<H: Hashing<F, P>>(
        &self,
        hashing: &H,
    ) -> Result<[F; SESSION_NUMBERS], Malformed> {
        let [a, b, c, d, e, f] = self.inputs;
        Ok([
            a,
            b,
            c,
            d,
            e,
            f,
            weights_digest(hashing, &self.weights)?,
            points_digest(hashing, Domain::Activations, &self.activations)?,
            self.at,
            fingerprint(words(hashing, &self.activations), self.at),
        ])
    }
}

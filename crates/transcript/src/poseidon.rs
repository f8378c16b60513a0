//! The transcript of proofs that are verified in circuits.

use crate::encoding::{point_from_words, point_to_words};
use crate::{Element, Malformed, Transcript};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use halo2curves::group::prime::PrimeCurveAffine;
use nanozk_poseidon::{ROUNDS, permutation};

/// A sponge over the permutation of the token digests: capacity one element, rate two.
///
/// Scalars wait until a challenge is drawn. Then a one follows them, and a zero if that makes their number odd; each
/// pair is added to the second and third element of the state, which is then permuted. The second is the challenge.
#[derive(Clone, Debug, Default)]
pub struct Sponge {
    state: [Fr; 3],
    waiting: Vec<Fr>,
}

impl Sponge {
    /// Absorbs scalars.
    pub fn absorb(&mut self, scalars: &[Fr]) {
        self.waiting.extend(scalars);
    }

    /// A scalar that depends on everything absorbed and squeezed so far.
    pub fn squeeze(&mut self) -> Fr {
        self.waiting.push(Fr::ONE);
        if self.waiting.len() % 2 == 1 {
            self.waiting.push(Fr::ZERO);
        }
        for pair in std::mem::take(&mut self.waiting).chunks(2) {
            self.state[1] += pair[0];
            self.state[2] += pair[1];
            self.state = permutation(self.state)[ROUNDS];
        }
        self.state[1]
    }
}

/// Absorbed before anything else.
const DOMAIN: &[u8; 16] = b"nanozk-poseidon2";

/// What a transcript absorbs first.
pub fn domain() -> Fr {
    Fr::from_u128(u128::from_be_bytes(*DOMAIN))
}

/// The [`Sponge`] as a transcript.
#[derive(Clone, Debug)]
pub struct PoseidonTranscript(Sponge);

impl PoseidonTranscript {
    /// A transcript that has absorbed nothing.
    pub fn new() -> Self {
        let mut sponge = Sponge::default();
        sponge.absorb(&[domain()]);
        PoseidonTranscript(sponge)
    }
}

impl Default for PoseidonTranscript {
    fn default() -> Self {
        Self::new()
    }
}

/// Scalars that determine a point in a [`RecursionTranscript`].
pub const POINT_WORDS: usize = 3;

/// Coordinates, the lowest byte first.
fn coordinates(point: &G1Affine) -> [[u8; 32]; 2] {
    point_to_words(point).map(|mut word| {
        word.reverse();
        word
    })
}

/// The number of these bytes, the lowest first.
fn integer(parts: [&[u8]; 2]) -> Fr {
    let mut repr = <Fr as PrimeField>::Repr::default();
    for (to, from) in repr.as_mut().iter_mut().zip(parts.concat()) {
        *to = from;
    }
    Fr::from_repr(repr).expect("fewer bits than the modulus")
}

/// A point as scalars that determine it: `x mod 2^192`, `(x >> 192) + 2^64·(y mod 2^128)`, `y >> 128`. These are chunks of 64
/// bits, which the programs that verify proofs have at hand, three or two to a scalar.
pub fn point_words(point: &G1Affine) -> [Fr; POINT_WORDS] {
    let [x, y] = coordinates(point);
    [
        integer([&x[..24], &[]]),
        integer([&x[24..], &y[..16]]),
        integer([&y[16..], &[]]),
    ]
}

/// The point that has these [`point_words`]. Refuses words that are too long, coordinates that are not reduced, and what is not
/// on the curve.
pub fn point_of_words(words: &[Fr; POINT_WORDS]) -> Result<G1Affine, Malformed> {
    let bytes = words.map(|word| {
        let repr = word.to_repr();
        let mut bytes = [0; 32];
        bytes.copy_from_slice(repr.as_ref());
        bytes
    });
    let [first, second, third] = &bytes;
    let is_zero = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    if !is_zero(&first[24..]) || !is_zero(&second[24..]) || !is_zero(&third[16..]) {
        return Err(Malformed::NotReduced);
    }
    let word = |low: &[u8], high: &[u8]| {
        let mut word = [0; 32];
        for (to, from) in word.iter_mut().zip(low.iter().chain(high)) {
            *to = *from;
        }
        word.reverse();
        word
    };
    point_from_words(
        word(&first[..24], &second[..8]),
        word(&second[8..24], &third[..16]),
    )
}

/// What a [`RecursionTranscript`] absorbs first.
const RECURSION_DOMAIN: &[u8; 16] = b"nanozk-recursion";

/// The sponge of the [`RecursionTranscript`], of numbers or of wires of a circuit: capacity one element, rate two.
///
/// What waits when a challenge is drawn is added to the second and third element of the state in pairs, the last one with a
/// zero if it has no partner, with a permutation after each. The challenge is the second element, the next one the third, if
/// nothing was absorbed in between; after both the state is permuted. There is no padding: how many scalars are absorbed
/// between two challenges must follow from what was absorbed first.
#[derive(Clone, Debug)]
pub struct Duplex<F = Fr> {
    state: [F; 3],
    waiting: Vec<F>,
    /// Whether the third element was not drawn yet.
    has_next: bool,
}

impl<F: Element> Duplex<F> {
    /// A sponge that has absorbed the domain of the transcript.
    pub fn new() -> Self {
        let domain = Fr::from_u128(u128::from_be_bytes(*RECURSION_DOMAIN));
        Self {
            state: [F::zero(); 3],
            waiting: vec![F::constant(domain)],
            has_next: false,
        }
    }

    /// Absorbs scalars.
    pub fn absorb(&mut self, scalars: &[F]) {
        self.waiting.extend(scalars);
    }

    /// A challenge that depends on everything absorbed and squeezed so far.
    pub fn squeeze(&mut self, permute: impl Fn([F; 3]) -> [F; 3]) -> F {
        if self.waiting.is_empty() && std::mem::take(&mut self.has_next) {
            return self.state[2];
        }
        if self.waiting.is_empty() {
            self.waiting.push(F::zero());
        }
        for pair in std::mem::take(&mut self.waiting).chunks(2) {
            self.state[1] += pair[0];
            self.state[2] += pair.get(1).copied().unwrap_or_else(F::zero);
            self.state = permute(self.state);
        }
        self.has_next = true;
        self.state[1]
    }
}

impl<F: Element> Default for Duplex<F> {
    fn default() -> Self {
        Self::new()
    }
}

/// The transcript of joint proofs that programs verify: a [`Duplex`] over the permutation of the token digests. A point is
/// absorbed as its [`point_words`].
#[derive(Clone, Debug, Default)]
pub struct RecursionTranscript(Duplex);

impl RecursionTranscript {
    /// A transcript that has absorbed nothing.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Transcript for RecursionTranscript {
    fn absorb_scalar(&mut self, scalar: &Fr) {
        self.0.absorb(&[*scalar]);
    }

    fn absorb_point(&mut self, point: &G1Affine) -> Result<(), Malformed> {
        if point.is_identity().into() {
            return Err(Malformed::Infinity);
        }
        self.0.absorb(&point_words(point));
        Ok(())
    }

    fn squeeze(&mut self) -> Fr {
        self.0.squeeze(|state| permutation(state)[ROUNDS])
    }
}

/// Bits of the limbs in which a circuit holds coordinates.
pub const LIMB_BITS: usize = 88;

/// A point as scalars that determine it: `x mod 2^176`, `(x >> 176) + 2^80 · (y mod 2^88)`, `y >> 88`.
///
/// These are the limbs that the circuit has at hand, two to a scalar.
pub fn point_to_scalars(point: &G1Affine) -> [Fr; 3] {
    const LIMB: usize = LIMB_BITS / 8;
    let [x, y] = coordinates(point);
    [
        integer([&x[..2 * LIMB], &[]]),
        integer([&x[2 * LIMB..], &y[..LIMB]]),
        integer([&y[LIMB..], &[]]),
    ]
}

impl Transcript for PoseidonTranscript {
    fn absorb_scalar(&mut self, scalar: &Fr) {
        self.0.absorb(&[*scalar]);
    }

    fn absorb_point(&mut self, point: &G1Affine) -> Result<(), Malformed> {
        if point.is_identity().into() {
            return Err(Malformed::Infinity);
        }
        self.0.absorb(&point_to_scalars(point));
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

    #[test]
    fn limbs_recompose() {
        let p: G1Affine = (G1Affine::generator() * Fr::from(12345)).into();
        let lift = |s: Fr| Fq::from_repr(s.to_repr()).unwrap();
        let two = |e: u64| Fq::from(2).pow_vartime([e]);
        let [a, b, c] = point_to_scalars(&p);
        // The middle one is split at 2^80.
        let bytes = b.to_repr();
        let part = |bytes: &[u8]| {
            let mut repr = [0; 32];
            repr[..bytes.len()].copy_from_slice(bytes);
            Fq::from_repr(repr).unwrap()
        };
        assert_eq!(lift(a) + two(176) * part(&bytes[..10]), p.x);
        assert_eq!(part(&bytes[10..]) + two(88) * lift(c), p.y);
    }

    /// Against the definition, spelled out.
    #[test]
    fn follows_the_definition() {
        let mut transcript = PoseidonTranscript::new();
        transcript.absorb_scalar(&Fr::from(5));
        transcript.absorb_point(&G1Affine::generator()).unwrap();
        let [a, b, c] = point_to_scalars(&G1Affine::generator());
        let permute = |[x, y, z]: [Fr; 3]| permutation([x, y, z])[ROUNDS];
        let add = |s: [Fr; 3], a: Fr, b: Fr| permute([s[0], s[1] + a, s[2] + b]);
        let mut s = add([Fr::ZERO; 3], domain(), Fr::from(5));
        s = add(s, a, b);
        s = add(s, c, Fr::ONE);
        assert_eq!(transcript.squeeze(), s[1]);
        s = add(s, Fr::ONE, Fr::ZERO);
        assert_eq!(transcript.squeeze(), s[1]);
        assert_eq!(
            transcript.absorb_point(&G1Affine::identity()),
            Err(Malformed::Infinity)
        );
    }

    /// The transcript of proofs that programs verify, spelled out: two challenges from one state, unless something is absorbed
    /// in between.
    #[test]
    fn recursion_follows_its_definition() {
        let mut transcript = RecursionTranscript::new();
        transcript.absorb_scalar(&Fr::from(5));
        transcript.absorb_point(&G1Affine::generator()).unwrap();
        let [a, b, c] = point_words(&G1Affine::generator());
        let add = |s: [Fr; 3], a: Fr, b: Fr| permutation([s[0], s[1] + a, s[2] + b])[ROUNDS];
        let first = u128::from_be_bytes(*b"nanozk-recursion");
        let mut s = add([Fr::ZERO; 3], Fr::from_u128(first), Fr::from(5));
        s = add(s, a, b);
        s = add(s, c, Fr::ZERO);
        assert_eq!(transcript.squeeze(), s[1]);
        assert_eq!(transcript.squeeze(), s[2]);
        s = add(s, Fr::ZERO, Fr::ZERO);
        assert_eq!(transcript.squeeze(), s[1]);
        // What is absorbed now is in the next challenge.
        transcript.absorb_scalar(&Fr::from(6));
        s = add(s, Fr::from(6), Fr::ZERO);
        assert_eq!(transcript.squeeze(), s[1]);
        assert_eq!(transcript.squeeze(), s[2]);
        assert_eq!(
            transcript.absorb_point(&G1Affine::identity()),
            Err(Malformed::Infinity)
        );
    }

    /// Words are chunks of the coordinates, and only a point's own are taken for it.
    #[test]
    fn words_determine_points() {
        let p: G1Affine = (G1Affine::generator() * Fr::from(12345)).into();
        let lift = |s: Fr| Fq::from_repr(s.to_repr()).unwrap();
        let two = |e: u64| Fq::from(2).pow_vartime([e]);
        let words = point_words(&p);
        let [a, b, c] = words;
        let bytes = b.to_repr();
        let part = |bytes: &[u8]| {
            let mut repr = [0; 32];
            repr[..bytes.len()].copy_from_slice(bytes);
            Fq::from_repr(repr).unwrap()
        };
        assert_eq!(lift(a) + two(192) * part(&bytes[..8]), p.x);
        assert_eq!(part(&bytes[8..]) + two(128) * lift(c), p.y);
        assert_eq!(point_of_words(&words), Ok(p));
        for factor in 1..20_u64 {
            let p: G1Affine = (G1Affine::generator() * Fr::from(factor * factor + 1)).into();
            let words = point_words(&p);
            assert_eq!(point_of_words(&words), Ok(p));
            // The words follow upon each other.
            let [a, b, c] = words.map(lift);
            assert_eq!(a + two(192) * b + two(384) * c, p.x + two(256) * p.y);
        }
        // A word of another point.
        for word in 0..3 {
            let mut other = words;
            other[word] += Fr::ONE;
            assert_eq!(point_of_words(&other), Err(Malformed::NotOnCurve));
        }

        let power = |e: u64| Fr::from(2).pow_vartime([e]);
        // Bits beyond those of each word, which would be those of the next, or nobody's.
        for (word, bits) in [(0, 192), (1, 192), (2, 128)] {
            let mut longer = words;
            longer[word] += power(bits);
            assert_eq!(point_of_words(&longer), Err(Malformed::NotReduced));
        }
        // The modulus added to a coordinate.
        let modulus = |shift: usize, length: usize| {
            let mut bytes = (-Fq::ONE).to_repr().as_ref().to_vec();
            bytes[0] += 1;
            let mut repr = [0; 32];
            repr[..length].copy_from_slice(&bytes[shift..shift + length]);
            Fr::from_repr(repr).unwrap()
        };
        let small: G1Affine = (1..)
            .map(|i| (G1Affine::generator() * Fr::from(i)).into())
            .find(|p: &G1Affine| p.x.to_repr()[23] == 0 && p.y.to_repr()[15] == 0)
            .unwrap();
        let [a, b, c] = point_words(&small);
        let x = [a + modulus(0, 24), b + modulus(24, 8), c];
        let y = [a, b + power(64) * modulus(0, 16), c + modulus(16, 16)];
        for words in [x, y] {
            assert_eq!(point_of_words(&words), Err(Malformed::NotReduced));
        }
        // Not on the curve.
        let other = [a + Fr::ONE, b, c];
        assert!(point_of_words(&other).is_err());
        assert!(point_of_words(&[Fr::ZERO; 3]).is_err());
    }

    /// What was absorbed can be read back: padding hides no scalar.
    #[test]
    fn lengths_differ() {
        let squeeze = |scalars: &[u64]| {
            let mut sponge = Sponge::default();
            sponge.absorb(&scalars.iter().map(|s| Fr::from(*s)).collect::<Vec<_>>());
            sponge.squeeze()
        };
        let all = [
            squeeze(&[]),
            squeeze(&[1]),
            squeeze(&[1, 0]),
            squeeze(&[1, 1]),
            squeeze(&[1, 0, 0]),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }
}

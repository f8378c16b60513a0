use super::polynomial::{add_multiple, divide, equality, product_at, value_at};
use super::prove::{Channel, Committed, Rows, prove};
use super::verify::verify_of_degree;
use super::*;
use crate::basis::Basis;
use crate::testing::rng;
use halo2curves::bn256::{G1, G2Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use halo2curves::group::prime::PrimeCurveAffine;
use nanozk_setup::{DEVELOPMENT_SEED, development_powers};
use nanozk_transcript::KeccakTranscript;
use std::sync::LazyLock;

const POWERS: usize = 700;
static SETUP: LazyLock<(Basis, [G2Affine; 2])> = LazyLock::new(|| {
    let (powers, g2) = development_powers(POWERS, DEVELOPMENT_SEED);
    (Basis::new(&powers, 1).unwrap(), g2)
});

fn random(count: usize, rng: &mut impl rand_core::RngCore) -> Vec<Fr> {
    (0..count).map(|_| Fr::random(&mut *rng)).collect()
}

/// Keeps the challenges that it gives, and gives others instead of the first.
#[derive(Clone)]
struct Recorded {
    transcript: KeccakTranscript,
    challenges: Vec<Fr>,
    chosen: Vec<Fr>,
}

impl Recorded {
    fn new(commitment: &G1Affine) -> Self {
        let mut transcript = KeccakTranscript::new();
        transcript.absorb_point(commitment).unwrap();
        Self {
            transcript,
            challenges: Vec::new(),
            chosen: Vec::new(),
        }
    }
}

impl Transcript for Recorded {
    fn absorb_scalar(&mut self, scalar: &Fr) {
        self.transcript.absorb_scalar(scalar);
    }

    fn absorb_point(&mut self, point: &G1Affine) -> Result<(), Malformed> {
        self.transcript.absorb_point(point)
    }

    fn squeeze(&mut self) -> Fr {
        let drawn = self.transcript.squeeze();
        let challenge = self.chosen.get(self.challenges.len()).copied();
        self.challenges.push(challenge.unwrap_or(drawn));
        challenge.unwrap_or(drawn)
    }
}

/// A polynomial and a point.
#[derive(Clone)]
struct Case {
    coefficients: Vec<Fr>,
    point: Vec<Fr>,
    commitment: G1Affine,
}

impl Case {
    fn new(variables: usize, behind: usize) -> Self {
        let mut rng = rng();
        let coefficients = random((1 << variables) + behind, &mut rng);
        Self {
            commitment: SETUP.0.commit(&coefficients),
            point: random(variables, &mut rng),
            coefficients,
        }
    }

    fn open(&self) -> (Fr, Opening) {
        let mut transcript = Recorded::new(&self.commitment);
        open(&SETUP.0, &mut transcript, &self.coefficients, &self.point).unwrap()
    }

    fn verify(&self, value: Fr, proof: &Opening) -> Result<bool, OpeningError> {
        let mut transcript = Recorded::new(&self.commitment);
        self.verify_after(&mut transcript, value, proof)
    }

    fn verify_after(
        &self,
        transcript: &mut Recorded,
        value: Fr,
        proof: &Opening,
    ) -> Result<bool, OpeningError> {
        let terms = [(Fr::ONE, self.commitment)];
        verify(transcript, &terms, &self.point, value, proof).map(|a| a.holds(&SETUP.1))
    }

    fn refuses(&self, value: Fr, proof: &Opening) -> bool {
        self.verify(value, proof) != Ok(true)
    }
}

#[test]
fn honest_proofs_are_accepted() {
    for variables in 2..=9 {
        for behind in [0, 1, 5, hiding_coefficients(variables)] {
            let case = Case::new(variables, behind);
            let mut prover = Recorded::new(&case.commitment);
            let (value, proof) =
                open(&SETUP.0, &mut prover, &case.coefficients, &case.point).unwrap();
            let eq = equality(&case.point);
            let expected: Fr = eq.iter().zip(&case.coefficients).map(|(e, c)| *e * c).sum();
            assert_eq!(value, expected, "{variables} variables, {behind} behind");
            let mut verifier = Recorded::new(&case.commitment);
            assert_eq!(case.verify_after(&mut verifier, value, &proof), Ok(true));
            // The verifier draws one challenge more, which joins its equations.
            assert_eq!(prover.challenges, verifier.challenges[..5]);
            assert_eq!(Opening::from_bytes(&proof.to_bytes()), Ok(proof));
            assert_eq!(Opening::new(proof.points(), proof.values.all()), proof);
        }
    }
}

#[test]
fn a_combination_of_columns_is_opened() {
    let mut rng = rng();
    let variables = 6;
    let basis = &SETUP.0;
    let columns: Vec<Vec<u16>> = (0..3)
        .map(|c| (0..64).map(|i| (i * 977 * (c + 1)) as u16).collect())
        .collect();
    let hidden: Vec<Vec<Fr>> = (0..3).map(|_| random(2, &mut rng)).collect();
    let mask = random(hiding_coefficients(variables), &mut rng);
    let factors = random(3, &mut rng);
    let mut terms = vec![(Fr::ONE, basis.commit_from(64, &mask).to_affine())];
    let mut sum = vec![Fr::ZERO; 64];
    sum.extend(&mask);
    for ((column, hidden), factor) in columns.iter().zip(&hidden).zip(&factors) {
        terms.push((*factor, basis.commit_hidden(column, variables, hidden)));
        for (sum, x) in sum.iter_mut().zip(column) {
            *sum += *factor * Fr::from(u64::from(*x));
        }
        for (sum, x) in sum[64..].iter_mut().zip(hidden) {
            *sum += *factor * x;
        }
    }
    let point = random(variables, &mut rng);
    let mut transcript = KeccakTranscript::new();
    let (value, proof) = open(basis, &mut transcript, &sum, &point).unwrap();
    let check = |terms: &[(Fr, G1Affine)]| {
        let mut transcript = KeccakTranscript::new();
        let accumulator = verify(&mut transcript, terms, &point, value, &proof);
        accumulator.map(|a| a.holds(&SETUP.1))
    };
    assert_eq!(check(&terms), Ok(true));
    for i in 0..terms.len() {
        let mut other = terms.clone();
        other[i].0 += Fr::ONE;
        assert_eq!(check(&other), Ok(false));
        other[i].1 = G1Affine {
            x: other[i].1.x,
            y: other[i].1.x,
        };
        assert_eq!(check(&other), Err(OpeningError::Commitment { index: i }));
    }
    assert_eq!(check(&terms[1..]), Ok(false));
    assert_eq!(check(&[]), Ok(false));
}

#[test]
fn every_changed_element_is_refused() {
    for (variables, behind) in [(2, 0), (5, 3), (6, 32)] {
        let case = Case::new(variables, behind);
        let (value, proof) = case.open();
        let (points, values) = (proof.points(), proof.values.all());
        for i in 0..POINTS {
            let others = [
                (points[i] + G1Affine::generator()).to_affine(),
                -points[i],
                G1Affine::generator(),
                points[(i + 1) % POINTS],
            ];
            for other in others {
                let mut points = points;
                points[i] = other;
                assert!(case.refuses(value, &Opening::new(points, values)), "{i}");
            }
            let bad = [
                (G1Affine::identity(), Malformed::Infinity),
                (
                    G1Affine {
                        x: points[i].x,
                        y: points[i].y.double(),
                    },
                    Malformed::NotOnCurve,
                ),
            ];
            for (other, reason) in bad {
                let mut points = points;
                points[i] = other;
                let error = case.verify(value, &Opening::new(points, values));
                assert_eq!(error, Err(OpeningError::Point { index: i, reason }));
            }
        }
        for i in 0..VALUES {
            for other in [
                values[i] + Fr::ONE,
                -values[i],
                Fr::ZERO,
                values[(i + 1) % VALUES],
            ] {
                let mut values = values;
                values[i] = other;
                assert!(case.refuses(value, &Opening::new(points, values)), "{i}");
            }
        }
        // Pairs of points exchanged.
        for i in 0..POINTS {
            for j in 0..i {
                let mut points = points;
                points.swap(i, j);
                assert!(case.refuses(value, &Opening::new(points, values)));
            }
        }
    }
}

#[test]
fn bytes_that_are_changed_are_refused() {
    let case = Case::new(4, 2);
    let (value, proof) = case.open();
    let bytes = proof.to_bytes();
    for i in 0..PROOF_BYTES {
        for bit in [1, 0x80] {
            let mut bytes = bytes;
            bytes[i] ^= bit;
            if let Ok(other) = Opening::from_bytes(&bytes) {
                assert!(case.refuses(value, &other), "byte {i}");
            }
        }
    }
    assert!(Opening::from_bytes(&[0xff; PROOF_BYTES]).is_err());
    assert!(Opening::from_bytes(&[0; PROOF_BYTES]).is_err());
}

#[test]
fn other_claims_are_refused() {
    for variables in [5, 6] {
        let case = Case::new(variables, 7);
        let (value, proof) = case.open();
        for other in [value + Fr::ONE, -value, Fr::ZERO] {
            assert!(case.refuses(other, &proof));
        }
        for i in 0..variables {
            let mut other = case.clone();
            other.point[i] += Fr::ONE;
            assert!(other.refuses(value, &proof));
        }
        let mut other = case.clone();
        other.point.swap(0, variables - 1);
        assert!(other.refuses(value, &proof));
        for point in [vec![Fr::ONE; variables - 1], vec![Fr::ONE; variables + 1]] {
            let mut other = case.clone();
            other.point = point;
            assert!(other.refuses(value, &proof));
        }
        let mut other = case.clone();
        other.commitment = (case.commitment + G1Affine::generator()).to_affine();
        assert!(other.refuses(value, &proof));
        // The same commitment and proof after something else was absorbed.
        let mut transcript = Recorded::new(&case.commitment);
        transcript.absorb_scalar(&Fr::ONE);
        assert_eq!(case.verify_after(&mut transcript, value, &proof), Ok(false));
    }
}

#[test]
fn sizes_that_cannot_be_are_errors() {
    let case = Case::new(4, 0);
    let (value, proof) = case.open();
    for got in [0, 1, 29, 200] {
        let mut other = case.clone();
        other.point = vec![Fr::ONE; got];
        let error = Err(OpeningError::Variables { got });
        assert_eq!(other.verify(value, &proof), error);
        let mut transcript = KeccakTranscript::new();
        let opened = open(&SETUP.0, &mut transcript, &case.coefficients, &other.point);
        assert_eq!(opened.map(|_| true), error);
    }
    let opened = |coefficients: &[Fr], variables: usize| {
        let mut transcript = KeccakTranscript::new();
        let point: Vec<Fr> = (1..=variables as u64).map(Fr::from).collect();
        open(&SETUP.0, &mut transcript, coefficients, &point).map(|_| ())
    };
    let coefficients = |expected, got| Err(OpeningError::Coefficients { expected, got });
    assert_eq!(opened(&case.coefficients, 5), coefficients(32, 16));
    let powers = Err(OpeningError::Powers {
        expected: 1024,
        got: POWERS,
    });
    assert_eq!(opened(&vec![Fr::ONE; 1024], 10), powers);
    let infinity = Err(OpeningError::Point {
        index: 0,
        reason: Malformed::Infinity,
    });
    assert_eq!(opened(&[Fr::ZERO; 16], 4), infinity);
}

/// What is absorbed changes all challenges that are drawn later, and none before.
#[test]
fn challenges_follow_from_all_that_was_said() {
    let case = Case::new(5, 4);
    let (value, proof) = case.open();
    let challenges = |case: &Case, value: Fr, proof: &Opening| {
        let mut transcript = Recorded::new(&case.commitment);
        case.verify_after(&mut transcript, value, proof).unwrap();
        transcript.challenges
    };
    let right = challenges(&case, value, &proof);
    assert_eq!(right.len(), 6);
    let check = |other: Vec<Fr>, before: usize, what: &str| {
        for (i, (a, b)) in right.iter().zip(&other).enumerate() {
            assert_eq!(a == b, i < before, "{what}, challenge {i}");
        }
    };
    check(challenges(&case, value + Fr::ONE, &proof), 0, "value");
    for i in 0..5 {
        let mut other = case.clone();
        other.point[i] += Fr::ONE;
        check(challenges(&other, value, &proof), 0, "point");
    }
    for (i, before) in [0, 1, 1, 2, 2, 3, 4, 5].into_iter().enumerate() {
        let mut points = proof.points();
        points[i] = -points[i];
        let other = Opening::new(points, proof.values.all());
        check(
            challenges(&case, value, &other),
            before,
            &format!("point {i}"),
        );
    }
    for i in 0..VALUES {
        let mut values = proof.values.all();
        values[i] += Fr::ONE;
        let other = Opening::new(proof.points(), values);
        check(challenges(&case, value, &other), 3, &format!("value {i}"));
    }
}

/// A prover who sends other polynomials than the honest one, and goes on with them.
struct Forger<'a, F> {
    honest: Committed<'a, Recorded>,
    challenges: Vec<Fr>,
    change: F,
}

impl<F: FnMut(&str, &mut Vec<Fr>, &[Fr])> Channel for Forger<'_, F> {
    fn polynomial(
        &mut self,
        coefficients: &mut Vec<Fr>,
        name: &'static str,
    ) -> Result<(), OpeningError> {
        (self.change)(name, coefficients, &self.challenges);
        self.honest.polynomial(coefficients, name)
    }

    fn values(&mut self, values: &Values) {
        self.honest.values(values);
    }

    fn challenge(&mut self) -> Fr {
        let challenge = self.honest.challenge();
        self.challenges.push(challenge);
        challenge
    }

    fn computed(&mut self) {}
}

/// A proof that the value is `value`, by a forger.
fn forged(
    case: &Case,
    value: Fr,
    transcript: &mut Recorded,
    change: impl FnMut(&str, &mut Vec<Fr>, &[Fr]),
) -> Opening {
    let shape = Shape::new(&case.point).unwrap();
    let mut rows = Rows::new(&shape, &case.coefficients, &case.point);
    rows.value = value;
    let done = &mut |_| ();
    let honest = Committed::new(&SETUP.0, transcript, &case.point, &value, done);
    let mut forger = Forger {
        honest,
        challenges: Vec::new(),
        change,
    };
    prove(&shape, &case.coefficients, &case.point, &rows, &mut forger).unwrap();
    forger.honest.opening().unwrap()
}

/// `h` is changed so that rows combine to another value, and `g` by a multiple of `X^b - α`, and `q` with it, so that it
/// agrees with `h` at `α`. Only the degree of `g` is wrong.
#[test]
fn a_remainder_of_too_high_degree_is_refused() {
    for variables in [5, 6] {
        let case = Case::new(variables, 6);
        let (value, _) = case.open();
        let shape = Shape::new(&case.point).unwrap();
        let rows = Rows::new(&shape, &case.coefficients, &case.point);
        let wrong = value + rows.of_row[0];
        // h' = h + 1, so h'(α) = h(α) + 1; ⟨g', eq⟩ grows by -c·α·eq(u_1, 0) for g' = g + c·(X^b - α).
        let multiple = |alpha: Fr| -(alpha * rows.in_row[0]).invert().unwrap();
        let change = |name: &str, p: &mut Vec<Fr>, challenges: &[Fr]| match name {
            "h" => p[0] += Fr::ONE,
            "q" => p[0] -= multiple(challenges[0]),
            "g" => {
                p[0] -= multiple(challenges[0]) * challenges[0];
                p.push(multiple(challenges[0]));
            }
            _ => (),
        };
        let proof = forged(&case, wrong, &mut Recorded::new(&case.commitment), change);
        assert_eq!(case.verify(wrong, &proof), Ok(false));
        // A verifier who allows one degree more is deceived: nothing else is wrong with the proof.
        let accepted = verify_of_degree(
            shape.row() + 1,
            &mut Recorded::new(&case.commitment),
            &[(Fr::ONE, case.commitment)],
            &case.point,
            wrong,
            &proof,
        );
        assert!(accepted.unwrap().holds(&SETUP.1));
    }
}

/// `h` is changed in its first coefficient, and in one of a row that the claim does not read so that its value at `α` stays:
/// who knew `α` before could do it.
#[test]
fn values_of_rows_that_know_the_challenge_are_refused() {
    let case = Case::new(6, 6);
    let (value, _) = case.open();
    let shape = Shape::new(&case.point).unwrap();
    let rows = Rows::new(&shape, &case.coefficients, &case.point);
    let wrong = value + rows.of_row[0];
    let guess = Fr::from(0x1234_5678);
    for high in [8, 20, 600] {
        let change = |name: &str, p: &mut Vec<Fr>, _: &[Fr]| {
            if name == "h" {
                p.resize(p.len().max(high + 1), Fr::ZERO);
                p[0] += Fr::ONE;
                p[high] -= guess.pow_vartime([high as u64]).invert().unwrap();
            }
        };
        let proof = forged(&case, wrong, &mut Recorded::new(&case.commitment), change);
        assert_eq!(case.verify(wrong, &proof), Ok(false));
        let mut known = Recorded::new(&case.commitment);
        known.chosen = vec![guess];
        let proof = forged(&case, wrong, &mut known.clone(), change);
        assert_eq!(case.verify_after(&mut known, wrong, &proof), Ok(true));
    }
}

/// What `l` makes wrong in one equation, `m` makes wrong in the other: together they would hold. Only who knew `κ` before could
/// use it, as if it were one.
#[test]
fn errors_of_both_equations_do_not_cancel() {
    let case = Case::new(6, 6);
    let (value, _) = case.open();
    let change = |name: &str, p: &mut Vec<Fr>, challenges: &[Fr]| {
        if !["l", "m", "w"].contains(&name) {
            return;
        }
        p.resize(p.len().max(6), Fr::ZERO);
        // Of the equation of l, −(X − ζ)·X³ is left; m is more by that, and w as if it were not.
        let mut left = vec![Fr::ZERO; 5];
        if name == "l" {
            p[3] += Fr::ONE;
            return;
        }
        (left[3], left[4]) = (challenges[2], -Fr::ONE);
        if name == "w" {
            divide(&mut left, challenges[4]);
        }
        add_multiple(p, Fr::ONE, &left);
    };
    let mut transcript = Recorded::new(&case.commitment);
    let proof = forged(&case, value, &mut transcript, change);
    assert_eq!(case.verify(value, &proof), Ok(false));
    let mut known = Recorded::new(&case.commitment);
    known.chosen = transcript.challenges[..5].to_vec();
    known.chosen.push(Fr::ONE);
    assert_eq!(case.verify_after(&mut known, value, &proof), Ok(true));
}

/// The honest prover's polynomials are right for no other value, with whatever is added to one of them.
#[test]
fn changed_polynomials_are_refused() {
    let case = Case::new(6, 6);
    let (value, _) = case.open();
    for name in ["none", "h", "q", "g", "s", "d", "l", "m", "w"] {
        for high in [0, 3, 9, 300] {
            for value in [value, value + Fr::ONE] {
                let change = |which: &str, p: &mut Vec<Fr>, _: &[Fr]| {
                    if which == name {
                        p.resize(p.len().max(high + 1), Fr::ZERO);
                        p[high] += Fr::ONE;
                    }
                };
                let proof = forged(&case, value, &mut Recorded::new(&case.commitment), change);
                let right = name == "none" && value == case.open().0;
                assert_eq!(case.verify(value, &proof), Ok(right), "{name} + X^{high}");
            }
        }
    }
}

/// Coefficients behind the cube are not read, however many, and change the proof.
#[test]
fn coefficients_behind_the_cube_have_no_influence() {
    let case = Case::new(5, 300);
    let (value, proof) = case.open();
    let mut other = case.clone();
    other.coefficients[32..].fill(Fr::from(5));
    other.commitment = SETUP.0.commit(&other.coefficients);
    let (same, other_proof) = other.open();
    assert_eq!(value, same);
    assert_ne!(proof, other_proof);
    assert_eq!(other.verify(value, &other_proof), Ok(true));
}

/// All messages for challenges that are fixed; commitments are values at a secret.
struct Messages {
    secret: Fr,
    challenges: Vec<Fr>,
    sent: Vec<Fr>,
}

impl Messages {
    fn of(coefficients: &[Fr], point: &[Fr], secret: Fr, challenges: &[Fr]) -> Vec<Fr> {
        let shape = Shape::new(point).unwrap();
        let rows = Rows::new(&shape, coefficients, point);
        let mut channel = Self {
            secret,
            challenges: challenges.iter().rev().copied().collect(),
            sent: vec![value_at(coefficients, secret)],
        };
        prove(&shape, coefficients, point, &rows, &mut channel).unwrap();
        channel.sent
    }
}

impl Channel for Messages {
    fn polynomial(&mut self, p: &mut Vec<Fr>, _: &'static str) -> Result<(), OpeningError> {
        self.sent.push(value_at(p, self.secret));
        Ok(())
    }

    fn values(&mut self, values: &Values) {
        self.sent.extend(values.all());
    }

    fn challenge(&mut self) -> Fr {
        self.challenges.pop().unwrap()
    }

    fn computed(&mut self) {}
}

fn rank(mut rows: Vec<Vec<Fr>>) -> usize {
    let mut rank = 0;
    for column in 0..rows.first().map_or(0, Vec::len) {
        let Some(pivot) = (rank..rows.len()).find(|r| rows[*r][column] != Fr::ZERO) else {
            continue;
        };
        rows.swap(rank, pivot);
        let (upper, lower) = rows.split_at_mut(rank + 1);
        let pivot = &upper[rank];
        let inverse = pivot[column].invert().unwrap();
        for row in lower {
            let factor = row[column] * inverse;
            for (x, p) in row.iter_mut().zip(pivot) {
                *x -= factor * p;
            }
        }
        rank += 1;
    }
    rank
}

/// With fixed challenges messages are affine in the random coefficients. Four of them follow from the others, as anybody
/// computes who knows the setup's secret; all others are independent, so they say nothing of the polynomial.
#[test]
fn random_coefficients_hide_all_messages() {
    for variables in [6, 7, 8] {
        let mut rng = rng();
        let (size, row) = (1 << variables, 1 << usize::div_ceil(variables, 2));
        assert_eq!(hiding_coefficients(variables), 4 * row);
        let point = random(variables, &mut rng);
        let challenges = random(5, &mut rng);
        let secret = Fr::random(&mut rng);
        let mut ranks = Vec::new();
        for rows in 0..=5 {
            let coefficients = random(size + rows * row, &mut rng);
            let messages = |p: &[Fr]| Messages::of(p, &point, secret, &challenges);
            let base = messages(&coefficients);
            let differences: Vec<Vec<Fr>> = (size..coefficients.len())
                .map(|i| {
                    let mut other = coefficients.clone();
                    other[i] += Fr::ONE;
                    let other = messages(&other);
                    other.iter().zip(&base).map(|(a, b)| *a - b).collect()
                })
                .collect();
            ranks.push(rank(differences));

            let shape = Shape::new(&point).unwrap();
            let value = Rows::new(&shape, &coefficients, &point).value;
            let [
                f,
                h,
                q,
                g,
                s,
                d,
                g_at,
                g_inv,
                h_at,
                h_inv,
                h_alpha,
                s_at,
                l,
                m,
                w,
            ] = base.try_into().unwrap();
            let values = Values {
                g: g_at,
                g_inverse: g_inv,
                h: h_at,
                h_inverse: h_inv,
                h_alpha,
                s: s_at,
            };
            let [alpha, gamma, zeta, beta, z] = challenges[..] else {
                unreachable!()
            };
            let power = |x: Fr| x.pow_vartime([row as u64]);
            assert_eq!(f, (power(secret) - alpha) * q + g);
            let left = f - (power(zeta) - alpha) * q - g_at;
            assert_eq!(left, (secret - zeta) * l);
            let challenges = [alpha, gamma, zeta];
            let claims = verify::Claims::new(&shape, row, &point, value, challenges, &values);
            let claims = claims.unwrap();
            let (mut m_again, mut left, mut factor) = (Fr::ZERO, -m, Fr::ONE);
            for (claim, p) in claims.all().into_iter().zip([g, h, s, d]) {
                let (weight, at) = claim.at(secret, factor).unwrap();
                m_again += weight * (p - at);
                let (weight, at) = claim.at(z, factor).unwrap();
                left += weight * (p - at);
                factor *= beta;
            }
            assert_eq!(m, m_again);
            assert_eq!(left, (secret - z) * w);
        }
        // Of 15 messages 4 follow from the others.
        assert_eq!(ranks[4], 11, "{variables} variables: {ranks:?}");
        assert_eq!(ranks[5], 11);
        assert_eq!(ranks[0], 0);
        assert!(ranks[1] < 11);
    }
}

#[test]
fn hidden_commitments_are_those_of_longer_columns() {
    let mut rng = rng();
    let random = random(3, &mut rng);
    let column = [5_u16, 0, 7, 65_535];
    let mut all: Vec<Fr> = column.iter().map(|x| Fr::from(u64::from(*x))).collect();
    all.resize(8, Fr::ZERO);
    all.extend(&random);
    let (basis, _) = &*SETUP;
    assert_eq!(basis.commit_hidden(&column, 3, &random), basis.commit(&all));
    let sum: G1 = basis.commit_from(8, &random) + basis.commit(&column);
    assert_eq!(sum.to_affine(), basis.commit(&all));
}

#[test]
fn products_are_sums_of_the_equality_polynomial() {
    let mut rng = rng();
    let u = random(5, &mut rng);
    assert_eq!(product_at(&u, u[0]), value_at(&equality(&u), u[0]));
}

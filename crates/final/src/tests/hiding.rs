//! What a proof says is random: two proofs have nothing in common, all random numbers are drawn anew and count, and for each
//! witness of the same public inputs there are random numbers with which it gives the same proof.

use super::*;
use crate::prove::{Blinding, prove_blinded};
use std::collections::HashSet;
use std::sync::Mutex;

/// Challenges that were drawn before.
struct Given(Vec<Fr>);

impl Transcript for Given {
    fn absorb_scalar(&mut self, _: &Fr) {}

    fn absorb_point(&mut self, _: &G1Affine) -> Result<(), Malformed> {
        Ok(())
    }

    fn squeeze(&mut self) -> Fr {
        self.0.pop().unwrap()
    }
}

/// Who knows the setup's secret, and so what is under commitments.
struct Known {
    secret: Fr,
    values: Mutex<Vec<Fr>>,
}

impl Commit for Known {
    fn commit(&self, coefficients: &[Fr]) -> G1Affine {
        let value = domain::value_at(coefficients, self.secret);
        self.values.lock().unwrap().push(value);
        G1Affine::generator()
    }
}

/// Brings rows to echelon form, from the first column on up to `width`. Gives the rank.
fn eliminate(rows: &mut [Vec<Fr>], width: usize) -> usize {
    let mut rank = 0;
    for column in 0..width {
        let Some(pivot) = (rank..rows.len()).find(|i| rows[*i][column] != Fr::ZERO) else {
            continue;
        };
        rows.swap(rank, pivot);
        let inverse = rows[rank][column].invert().unwrap();
        rows[rank].iter_mut().for_each(|x| *x *= inverse);
        let pivot = rows[rank].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != rank) {
            let factor = row[column];
            for (x, p) in row.iter_mut().zip(&pivot) {
                *x -= factor * p;
            }
        }
        rank += 1;
    }
    rank
}

fn rank(mut rows: Vec<Vec<Fr>>) -> usize {
    let width = rows[0].len();
    eliminate(&mut rows, width)
}

/// Factors with which the rows add up to a target.
fn solve(rows: &[Vec<Fr>], target: &[Fr]) -> Vec<Fr> {
    // An equation for each message, an unknown for each row.
    let mut equations: Vec<Vec<Fr>> = (0..target.len())
        .map(|i| rows.iter().map(|row| row[i]).chain([target[i]]).collect())
        .collect();
    let rank = eliminate(&mut equations, rows.len());
    assert_eq!(rank, target.len(), "messages depend on each other");
    let mut factors = vec![Fr::ZERO; rows.len()];
    for equation in equations {
        let pivot = equation.iter().position(|x| *x != Fr::ZERO).unwrap();
        factors[pivot] = equation[rows.len()];
    }
    factors
}

/// Messages: those of columns; those of the running polynomials and the quotient; the rest.
type Messages = [Vec<Fr>; 3];

/// A prover whose challenges are fixed, and whose commitments are known.
struct Setting {
    basis: Known,
    key: ProvingKey,
    challenges: Vec<Fr>,
    blinding: Blinding,
}

impl Setting {
    fn new(honest: &Honest) -> Self {
        let mut rng = rng();
        let challenges: Vec<Fr> = (0..8).map(|_| Fr::random(&mut rng)).collect();
        let basis = Known {
            secret: Fr::random(&mut rng),
            values: Mutex::default(),
        };
        let key = ProvingKey::new(circuit(), honest.structure.clone(), &basis);
        let blinding = Blinding::new(&key, &mut rng);
        Self {
            basis,
            key,
            challenges,
            blinding,
        }
    }

    fn messages(&self, honest: &Honest, blinding: &Blinding) -> Messages {
        self.basis.values.lock().unwrap().clear();
        let columns = honest.columns.clone();
        let mut transcript = Given(self.challenges.clone());
        let (key, basis, inputs) = (&self.key, &self.basis, &honest.inputs);
        let proof = prove_blinded(
            key,
            inputs,
            columns,
            basis,
            blinding,
            &mut transcript,
            |_| {},
        );
        let e = proof.unwrap().evaluations;
        let points = self.basis.values.lock().unwrap().clone();
        let [columns, running, quotient, batch, witness] = points[..] else {
            panic!("{} points", points.len())
        };
        [
            [&[columns], e.columns.as_slice(), e.next.as_slice()].concat(),
            [
                &[running, quotient],
                e.running.as_slice(),
                e.running_next.as_slice(),
            ]
            .concat(),
            vec![batch, witness],
        ]
    }

    /// What each of some random numbers changes of messages: of a group, and of those before it nothing.
    fn effects<'n>(
        &self,
        honest: &Honest,
        blinding: &Blinding,
        group: usize,
        numbers: impl Iterator<Item = &'n Number>,
    ) -> Vec<Vec<Fr>> {
        let base = self.messages(honest, blinding);
        numbers
            .map(|number| {
                let mut changed = blinding.clone();
                *number.of(&mut changed) += Fr::ONE;
                let changed = self.messages(honest, &changed);
                assert_eq!(changed[..group], base[..group]);
                difference(&changed[group], &base[group])
            })
            .collect()
    }
}

fn difference(x: &[Fr], y: &[Fr]) -> Vec<Fr> {
    x.iter().zip(y).map(|(x, y)| *x - y).collect()
}

/// One of the numbers of [`Blinding`].
#[derive(Clone, Copy, Debug)]
enum Number {
    Cell {
        column: usize,
        place: usize,
    },
    Running {
        polynomial: usize,
        coefficient: usize,
    },
}

impl Number {
    fn of(self, blinding: &mut Blinding) -> &mut Fr {
        match self {
            Self::Cell { column, place } => &mut blinding.rows[column][place],
            Self::Running {
                polynomial,
                coefficient,
            } => &mut blinding.running[polynomial][coefficient],
        }
    }
}

/// Some random cells of each column.
fn cells(places: std::ops::Range<usize>) -> Vec<Number> {
    let of = |column| {
        let places = places.clone();
        places.map(move |place| Number::Cell { column, place })
    };
    (0..COLUMNS).flat_map(of).collect()
}

fn running(blinding: &Blinding) -> Vec<Number> {
    let of = |polynomial: usize| {
        let coefficients = 0..blinding.running[polynomial].len();
        coefficients.map(move |coefficient| Number::Running {
            polynomial,
            coefficient,
        })
    };
    (0..2).flat_map(of).collect()
}

/// With challenges fixed, what is said of the columns is an invertible function of their random cells; what is said of the
/// running product and sum, and the commitment to the quotient, one of their random coefficients, whatever the columns are.
/// The other two commitments follow from all of it, for who knows the secret.
#[test]
fn randomness_hides_all_messages() {
    let honest = honest();
    let setting = Setting::new(&honest);
    let blinding = &setting.blinding;
    let [columns, others, rest] = setting.messages(&honest, blinding);
    let effects = setting.effects(&honest, blinding, 0, cells(0..3).iter());
    assert_eq!(rank(effects), columns.len());
    let effects = setting.effects(&honest, blinding, 1, running(blinding).iter());
    assert_eq!(rank(effects), others.len());
    assert_eq!(rest.len(), 2);
}

/// Another witness of the same public inputs: other products, and numbers that are looked up elsewhere.
fn another_witness() -> Honest {
    let mut other = honest();
    for residue in [12, 13] {
        let row = 7 * PERIOD + residue;
        other.columns[A][row] = Fr::from(3 + residue as u64);
        other.columns[C][row] = other.columns[A][row] * other.columns[B][row];
    }
    let ranges = &mut other.columns[A];
    ranges.swap(4 * PERIOD + RANGE, 9 * PERIOD + RANGE);
    assert_eq!(failures(&circuit(), &other), []);
    other
}

/// Whatever a proof is, it could as well be one of another witness: there are random numbers that make all of it the same.
#[test]
fn two_witnesses_have_the_same_proofs() {
    let (first, second) = (honest(), another_witness());
    assert_eq!(first.inputs, second.inputs);
    assert_eq!(first.structure, second.structure);
    assert_ne!(first.columns, second.columns);
    let setting = Setting::new(&first);
    let wanted = setting.messages(&first, &setting.blinding);
    let mut blinding = setting.blinding.clone();
    let groups = [cells(0..3), running(&blinding)];
    for (group, numbers) in groups.into_iter().enumerate() {
        let found = setting.messages(&second, &blinding);
        assert_ne!(found[group], wanted[group]);
        let effects = setting.effects(&second, &blinding, group, numbers.iter());
        let factors = solve(&effects, &difference(&wanted[group], &found[group]));
        for (number, factor) in numbers.iter().zip(factors) {
            *number.of(&mut blinding) += factor;
        }
    }
    assert_eq!(setting.messages(&second, &blinding), wanted);
}

/// All numbers of some [`Blinding`].
fn all(blinding: &Blinding) -> Vec<Fr> {
    let rows = blinding.rows.iter().flatten();
    rows.chain(blinding.running.iter().flatten())
        .copied()
        .collect()
}

fn bytes(x: &Fr) -> Vec<u8> {
    x.to_repr().as_ref().to_vec()
}

/// No number is constant, zero, or there twice: neither in one proof, nor in two, nor in those of two generators.
#[test]
fn random_numbers_are_drawn_one_by_one() {
    let honest = honest();
    let key = Setting::new(&honest).key;
    let mut generators = [5, 6].map(ChaCha20Rng::seed_from_u64);
    let [one, two] = &mut generators;
    let drawn = [
        all(&Blinding::new(&key, one)),
        all(&Blinding::new(&key, one)),
        all(&Blinding::new(&key, two)),
    ];
    let each = COLUMNS * BLOCKS + 2 * 4;
    assert!(drawn.iter().all(|numbers| numbers.len() == each));
    let different: HashSet<Vec<u8>> = drawn.iter().flatten().map(bytes).collect();
    assert_eq!(different.len(), 3 * each);
    // Small numbers, which could be guessed, are none of them.
    let is_small = |bytes: &Vec<u8>| bytes[8..].iter().all(|byte| *byte == 0);
    assert!(!different.iter().any(is_small));
}

/// Each number that is drawn is in what the proof commits to: of cells one in each block, and the last of each column.
#[test]
fn each_random_number_counts() {
    let honest = honest();
    let setting = Setting::new(&honest);
    let blinding = &setting.blinding;
    let cell = |column: usize, place| Number::Cell {
        column: column % COLUMNS,
        place,
    };
    let blocks = (0..BLOCKS).map(|block| cell(block, block));
    let last = (0..COLUMNS).map(|column| cell(column, BLOCKS - 1));
    let cells: Vec<Number> = blocks.chain(last).collect();
    for (group, numbers) in [cells, running(blinding)].iter().enumerate() {
        let effects = setting.effects(&honest, blinding, group, numbers.iter());
        for (number, effect) in numbers.iter().zip(effects) {
            // The commitment comes first.
            assert_ne!(effect[0], Fr::ZERO, "{number:?}");
        }
    }
}

/// Points and scalars of a proof, as words.
fn words(proof: &Proof) -> Vec<[u8; 32]> {
    proof.to_bytes().as_chunks().0.to_vec()
}

/// Of two proofs of one witness no group element and no scalar is the same: not even values of the key's polynomials, which
/// are at other points.
#[test]
fn two_proofs_of_one_witness_share_nothing() {
    let (circuit, honest) = (circuit(), honest());
    let basis = &setup().0;
    let key = ProvingKey::new(circuit.clone(), honest.structure.clone(), basis);
    let mut rng = rng();
    let mut proofs = Vec::new();
    // Two of one generator, one of another.
    for other in [false, false, true] {
        if other {
            rng = ChaCha20Rng::seed_from_u64(77);
        }
        let transcript = &mut KeccakTranscript::new();
        let columns = honest.columns.clone();
        let proof = prove(
            &key,
            &honest.inputs,
            columns,
            basis,
            &mut rng,
            transcript,
            |_| {},
        );
        let proof = proof.unwrap();
        assert!(accepts(&circuit, &key.key, &honest.inputs, &proof));
        proofs.push(proof);
    }
    let words: Vec<[u8; 32]> = proofs.iter().flat_map(words).collect();
    let different: HashSet<&[u8; 32]> = words.iter().collect();
    assert_eq!(different.len(), 3 * PROOF_BYTES / 32);
    // Points that differ by their sign only would have the same x.
    assert_eq!(words.len(), different.len());
}

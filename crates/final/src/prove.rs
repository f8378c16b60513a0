//! Proving.

use crate::circuit::{COLUMNS, Columns, WIRES};
use crate::constraints::{
    ColumnChallenges, Combination, Forms, Point, Prepared, Selectors, residue_selectors, total,
};
use crate::domain::{Coset, generator, value_at};
use crate::key::{ProvingKey, column_shifts};
use crate::packing::{Commit, Values, divide, pack};
use crate::proof::{Evaluations, Proof};
use halo2curves::bn256::Fr;
use halo2curves::ff::{BatchInvert, Field};
use nanozk_kzg::powers;
use nanozk_transcript::{Malformed, Transcript};
use rand_core::{CryptoRng, RngCore};
use rayon::prelude::*;

/// Cosets on which the quotient is computed: constraints have degree below `6·n`, see [`Blinding`].
const COSETS: usize = 5;
/// Cosets on which constraints of low degree are: with a selector, which has degree at most `n − n/period`, quadratic ones have
/// degree at most `3·n − n/period − 2`, so that their quotient has degree below `2·n`.
const LOW_COSETS: usize = 2;
/// Random coefficients of the running product and the running sum each.
///
/// Said of them are two values each and one commitment, to both. The quotient's commitment depends on the running product
/// after the commitment's own point, too: four numbers, of which no coefficient is spared.
const RUNNING_BLINDS: usize = 4;
/// Rows that a thread takes at once.
const CHUNK: usize = 1 << 10;

/// What hides a proof's columns.
///
/// Columns are random in the rows of a residue without gate, many more rows than values are said of them, and keep their
/// degree below `n`. Running product and sum get a random multiple of `X^n − 1` of degree below `n + 4`. So the
/// permutation's constraint has degree at most `n + 3 + 5·(n − 1)`, below `6·n`, and its quotient by `X^n − 1` below `5·n`;
/// that of fractions likewise, with a selector of degree at most `n − n/period` in place of a column.
#[derive(Clone, Debug)]
pub(crate) struct Blinding {
    pub(crate) rows: [Vec<Fr>; COLUMNS],
    pub(crate) running: [[Fr; RUNNING_BLINDS]; 2],
}

impl Blinding {
    pub(crate) fn new(key: &ProvingKey, rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let rows = key.domain.size() / key.circuit.period;
        Self {
            rows: std::array::from_fn(|_| (0..rows).map(|_| Fr::random(&mut *rng)).collect()),
            running: std::array::from_fn(|_| std::array::from_fn(|_| Fr::random(&mut *rng))),
        }
    }
}

/// Why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// Columns or inputs have another length than the structure's.
    #[error("{got} {what}, where there should be {expected}")]
    Length {
        /// Of what.
        what: &'static str,
        /// By the structure.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// A commitment is at infinity, which chance does once in `2^250` times.
    #[error("commitment: {0}")]
    Commitment(#[from] Malformed),
    /// A challenge is where it must not be, which chance does once in `2^230` times.
    #[error("a challenge is a row")]
    Challenge,
}

/// Proves that columns satisfy a circuit. It is not checked that they do; if not, verifiers refuse the proof.
///
/// `stage` is told what begins.
pub fn prove<R: RngCore + CryptoRng>(
    key: &ProvingKey,
    inputs: &[Fr],
    columns: Columns,
    basis: &impl Commit,
    rng: &mut R,
    transcript: &mut impl Transcript,
    stage: impl FnMut(&'static str),
) -> Result<Proof, ProveError> {
    let blinding = Blinding::new(key, rng);
    prove_blinded(key, inputs, columns, basis, &blinding, transcript, stage)
}

pub(crate) fn prove_blinded(
    key: &ProvingKey,
    inputs: &[Fr],
    mut columns: Columns,
    basis: &impl Commit,
    blinding: &Blinding,
    transcript: &mut impl Transcript,
    mut stage: impl FnMut(&'static str),
) -> Result<Proof, ProveError> {
    let (circuit, domain) = (&key.circuit, &key.domain);
    let n = domain.size();
    let check = |what, expected, got| match expected == got {
        true => Ok(()),
        false => Err(ProveError::Length {
            what,
            expected,
            got,
        }),
    };
    check("inputs", key.key.inputs, inputs.len())?;
    for column in &columns {
        check("cells", n, column.len())?;
    }
    for (column, random) in columns.iter_mut().zip(&blinding.rows) {
        let rows = column.iter_mut().skip(circuit.random_residue);
        for (cell, random) in rows.step_by(circuit.period).zip(random) {
            *cell = *random;
        }
    }
    key.key.absorb(circuit, inputs, transcript)?;

    // Columns.
    stage("interpolation of columns");
    let coefficients: Vec<Vec<Fr>> = columns
        .par_iter()
        .map(|values| domain.interpolate(values))
        .collect();
    stage("commitment to columns");
    let packed_columns = pack(&coefficients);
    let columns_point = basis.commit(&packed_columns);
    transcript.absorb_point(&columns_point)?;
    let challenges = ColumnChallenges::squeeze(transcript);

    // The running product and the running sum.
    stage("running product and sum");
    let running: Vec<Vec<Fr>> = [
        running_product(key, &columns, &challenges),
        running_sum(key, &columns, &challenges),
    ]
    .into_par_iter()
    .zip(&blinding.running)
    .map(|(values, random)| {
        let mut coefficients = domain.interpolate(&values);
        for (x, random) in coefficients.iter_mut().zip(random) {
            *x -= random;
        }
        coefficients.extend(random);
        coefficients
    })
    .collect();
    drop(columns);
    stage("commitment to running product and sum");
    let packed_running = pack(&running);
    let running_point = basis.commit(&packed_running);
    transcript.absorb_point(&running_point)?;
    let alpha = transcript.squeeze();

    stage("constraints on cosets");
    let combination = Combination::new(circuit, challenges, alpha);
    let quotient = quotient(key, inputs, &combination, &coefficients, &running)?;
    stage("commitment to the quotient");
    let quotient_point = basis.commit(&quotient);
    transcript.absorb_point(&quotient_point)?;
    let zeta = transcript.squeeze();

    stage("values");
    let next = zeta * domain.omega;
    let at = |polynomials: &[Vec<Fr>], x: Fr| -> Vec<Fr> {
        polynomials.iter().map(|f| value_at(f, x)).collect()
    };
    let evaluations = Evaluations {
        columns: array(at(&coefficients, zeta)),
        next: array(at(&coefficients, next)),
        fixed: array(at(&key.fixed, zeta)),
        running: array(at(&running, zeta)),
        running_next: array(at(&running, next)),
    };
    drop((coefficients, running));
    for value in evaluations.all() {
        transcript.absorb_scalar(&value);
    }
    let nu = transcript.squeeze();

    // The opening: packs in the order of the powers of ν, and what is said of them.
    stage("first quotient of the opening");
    let values = evaluations.of_packs();
    let packs = [packed_columns, packed_running, quotient, pack(&key.fixed)];
    let packs: Vec<(&Vec<Fr>, usize, bool)> = vec![
        (&packs[0], COLUMNS, true),
        (&packs[1], 2, true),
        (&packs[2], 1, false),
        (&packs[3], key.fixed.len(), false),
    ];
    let quotients: Vec<Vec<Fr>> = packs
        .par_iter()
        .map(|(pack, t, both)| {
            let quotient = divide((*pack).clone(), *t, zeta);
            match both {
                true => divide(quotient, *t, next),
                false => quotient,
            }
        })
        .collect();
    let powers = powers(Fr::ONE, nu, 4);
    let batch = combine(
        quotients
            .iter()
            .map(Vec::as_slice)
            .zip(powers.iter().copied()),
    );
    drop(quotients);
    stage("commitment to the first quotient of the opening");
    let batch_point = basis.commit(&batch);
    transcript.absorb_point(&batch_point)?;
    let u = transcript.squeeze();

    stage("second quotient of the opening");
    let inverse = (next - zeta).invert().unwrap_or(Fr::ZERO);
    // Remainders are numbers at u, and leave the quotient as it is: the division drops its own remainder.
    let mut factors: Vec<Fr> = values
        .iter()
        .map(|values| values.reduced([zeta, next], inverse, u).modulus)
        .collect();
    if factors.contains(&Fr::ZERO) {
        return Err(ProveError::Challenge);
    }
    factors.iter_mut().batch_invert();
    let terms = packs.iter().zip(&factors).zip(&powers);
    let terms = terms.map(|(((pack, _, _), factor), power)| (pack.as_slice(), *factor * power));
    let last = combine(terms.chain([(batch.as_slice(), -Fr::ONE)]));
    let witness = divide(last, 1, u);
    stage("commitment to the second quotient of the opening");
    let witness_point = basis.commit(&witness);
    transcript.absorb_point(&witness_point)?;
    Ok(Proof {
        columns: columns_point,
        running: running_point,
        quotient: quotient_point,
        batch: batch_point,
        witness: witness_point,
        evaluations,
    })
}

fn array<const N: usize>(values: Vec<Fr>) -> [Fr; N] {
    std::array::from_fn(|i| values[i])
}

impl Evaluations {
    /// What is said of each pack, in the order of powers of `ν`: columns, running product and sum, quotient, fixed. The
    /// quotient's value is put in by who knows it.
    pub(crate) fn of_packs(&self) -> [Values<'_>; 4] {
        const UNKNOWN: &[Fr] = &[Fr::ZERO];
        [
            Values::AtBoth(&self.columns, &self.next),
            Values::AtBoth(&self.running, &self.running_next),
            Values::At(UNKNOWN),
            Values::At(&self.fixed),
        ]
    }
}

/// A linear combination of polynomials.
fn combine<'p>(terms: impl Iterator<Item = (&'p [Fr], Fr)>) -> Vec<Fr> {
    let terms: Vec<(&[Fr], Fr)> = terms.collect();
    let len = terms.iter().map(|term| term.0.len()).max().unwrap_or(0);
    let mut sum = vec![Fr::ZERO; len];
    sum.par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(i, chunk)| {
            for (polynomial, factor) in &terms {
                let part = polynomial.get(i * CHUNK..).unwrap_or(&[]);
                for (to, x) in chunk.iter_mut().zip(part) {
                    *to += *x * factor;
                }
            }
        });
    sum
}

/// From one, the product of ratios of names, row by row.
fn running_product(key: &ProvingKey, columns: &Columns, challenges: &ColumnChallenges) -> Vec<Fr> {
    let n = key.domain.size();
    let shifts = column_shifts();
    let mut values = vec![Fr::ZERO; n];
    values
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(i, chunk)| {
            let first = i * CHUNK;
            let mut x = key.domain.omega.pow_vartime([first as u64]);
            let mut before = Vec::with_capacity(chunk.len());
            for (row, after) in (first..).zip(chunk.iter_mut()) {
                let wires = columns.each_ref().map(|column| column[row]);
                let names: [Fr; WIRES] = std::array::from_fn(|j| key.permutation[j][row]);
                *after = challenges.product(&wires, &names);
                before.push(challenges.product(&wires, &shifts.map(|shift| shift * x)));
                x *= key.domain.omega;
            }
            chunk.iter_mut().batch_invert();
            for (ratio, before) in chunk.iter_mut().zip(before) {
                *ratio *= before;
            }
        });
    let mut product = Fr::ONE;
    for value in &mut values {
        let next = product * *value;
        *value = std::mem::replace(&mut product, next);
    }
    values
}

/// From zero, the sum of fractions, row by row.
fn running_sum(key: &ProvingKey, columns: &Columns, challenges: &ColumnChallenges) -> Vec<Fr> {
    let (circuit, structure) = (&key.circuit, &key.structure);
    let n = key.domain.size();
    let mut lookups = vec![None; circuit.period];
    for lookup in &circuit.lookups {
        for residue in &lookup.residues {
            lookups[*residue] = Some(lookup);
        }
    }
    let mut values = vec![Fr::ZERO; n];
    values
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(i, chunk)| {
            let mut denominators = vec![Fr::ONE; chunk.len()];
            let rows = i * CHUNK..;
            for ((row, value), below) in rows.zip(chunk.iter_mut()).zip(&mut denominators) {
                let Some(lookup) = lookups[row % circuit.period] else {
                    continue;
                };
                let cells = circuit.cells(structure, columns, row);
                let fractions = (lookup.fractions)(&cells, &challenges.separators);
                (*value, *below) = total(&fractions[..lookup.count]);
            }
            denominators.iter_mut().batch_invert();
            for (value, inverse) in chunk.iter_mut().zip(denominators) {
                *value *= inverse;
            }
        });
    let mut sum = Fr::ZERO;
    for value in &mut values {
        let next = sum + *value;
        *value = std::mem::replace(&mut sum, next);
    }
    values
}

/// Selectors on a coset, by the row's residue.
fn coset_selectors(key: &ProvingKey, coset: &Coset) -> Result<Vec<Selectors>, ProveError> {
    let (circuit, domain) = (&key.circuit, &key.domain);
    let eta = generator(circuit.period.trailing_zeros());
    let blocks = domain.size() / circuit.period;
    let mut y = coset.shift.pow_vartime([blocks as u64]);
    (0..circuit.period)
        .map(|_| {
            let residues = residue_selectors(circuit.period, eta, y);
            y *= eta;
            Ok(circuit.selectors(&residues.ok_or(ProveError::Challenge)?))
        })
        .collect()
}

/// The quotient of all constraints by `X^n − 1`: its values on some cosets, one after the other, say what it is modulo
/// `X^n − c` for as many numbers `c`.
fn quotient(
    key: &ProvingKey,
    inputs: &[Fr],
    combination: &Combination<'_>,
    columns: &[Vec<Fr>],
    running: &[Vec<Fr>],
) -> Result<Vec<Fr>, ProveError> {
    let (circuit, domain) = (&key.circuit, &key.domain);
    let n = domain.size();
    let mut inputs_column = vec![Fr::ZERO; n];
    let rows = inputs_column.iter_mut().skip(circuit.input_residue);
    for (cell, input) in rows.step_by(circuit.period).zip(inputs) {
        *cell = *input;
    }
    let inputs_column = domain.interpolate(&inputs_column);
    let forms = Forms::new(circuit, &combination.challenges.separators);
    let mut high = Vec::with_capacity(COSETS);
    let mut low = Vec::with_capacity(LOW_COSETS);
    for number in 0..COSETS {
        let coset = Coset::new(domain, number);
        let is_low = number < LOW_COSETS;
        let polynomials: Vec<&Vec<Fr>> = columns
            .iter()
            .chain(&key.fixed)
            .chain(running)
            .chain(is_low.then_some(&inputs_column))
            .collect();
        let values: Vec<Vec<Fr>> = polynomials
            .par_iter()
            .map(|f| domain.evaluate(f, &coset))
            .collect();
        let selectors = coset_selectors(key, &coset)?;
        let prepared = Prepared::new(combination, &forms, &selectors);
        let vanishing = coset.to_the_n - Fr::ONE;
        let inverse = vanishing.invert().unwrap_or(Fr::ZERO);
        // L_0 = (x^n − 1)/(n·(x − 1))
        let size = Fr::from(n as u64).invert().unwrap_or(Fr::ZERO) * vanishing;
        let compute = |f: &(dyn Fn(&Point<'_>, usize) -> Fr + Sync), has_first: bool| {
            let mut result = vec![Fr::ZERO; n];
            let chunks = result.par_chunks_mut(CHUNK).enumerate();
            chunks.for_each(|(i, chunk)| {
                let start = i * CHUNK;
                let x = coset.shift * domain.omega.pow_vartime([start as u64]);
                let points = powers(x, domain.omega, chunk.len());
                let mut first: Vec<Fr> = Vec::new();
                if has_first {
                    first.extend(points.iter().map(|x| *x - Fr::ONE));
                    first.iter_mut().batch_invert();
                }
                for ((row, to), x) in (start..).zip(chunk).zip(points) {
                    let next = (row + 1) % n;
                    let (own, rest) = values.split_at(COLUMNS);
                    let (fixed, rest) = rest.split_at(WIRES + 1);
                    let first = first.get(row - start).copied().unwrap_or(Fr::ZERO);
                    let inputs = rest.get(2).map_or(Fr::ZERO, |inputs| inputs[row]);
                    let point = Point {
                        x,
                        columns: std::array::from_fn(|j| own[j][row]),
                        next: std::array::from_fn(|j| own[j][next]),
                        permutation: std::array::from_fn(|j| fixed[j][row]),
                        constant: fixed[WIRES][row],
                        running: [rest[0][row], rest[1][row]],
                        running_next: [rest[0][next], rest[1][next]],
                        first: first * size,
                        inputs,
                        selectors: &[],
                    };
                    *to = f(&point, row % circuit.period) * inverse;
                }
            });
            result
        };
        let own = compute(&|point, residue| prepared.high(point, residue), false);
        let own_low = is_low.then(|| compute(&|point, residue| prepared.low(point, residue), true));
        drop(values);
        let modulus = coset.to_the_n;
        high.push((domain.interpolate_on(&own, &coset), modulus));
        low.extend(own_low.map(|own| (domain.interpolate_on(&own, &coset), modulus)));
    }
    let mut quotient = vec![Fr::ZERO; COSETS * n];
    for remainders in [high, low] {
        // remainder = Σ_j modulus^j·part_j
        let moduli: Vec<Fr> = remainders.iter().map(|(_, modulus)| *modulus).collect();
        let inverse = inverse_vandermonde(&moduli);
        for (part, weights) in quotient.chunks_mut(n).zip(&inverse) {
            let chunks = part.par_chunks_mut(CHUNK).enumerate();
            chunks.for_each(|(i, chunk)| {
                for (j, to) in chunk.iter_mut().enumerate() {
                    let terms = remainders.iter().zip(weights);
                    *to += terms
                        .map(|((r, _), weight)| r[i * CHUNK + j] * weight)
                        .sum::<Fr>();
                }
            });
        }
    }
    Ok(quotient)
}

/// Of a polynomial's values at these points to its coefficients: a row for each coefficient.
fn inverse_vandermonde(points: &[Fr]) -> Vec<Vec<Fr>> {
    let len = points.len();
    let mut rows = vec![vec![Fr::ZERO; len]; len];
    for (i, point) in points.iter().enumerate() {
        // The polynomial that is one at this point and zero at the others.
        let mut basis = vec![Fr::ONE];
        let mut scale = Fr::ONE;
        for (_, other) in points.iter().enumerate().filter(|(j, _)| *j != i) {
            let shifted: Vec<Fr> = [Fr::ZERO]
                .into_iter()
                .chain(basis.iter().copied())
                .collect();
            basis.push(Fr::ZERO);
            for (to, above) in basis.iter_mut().zip(shifted) {
                *to = above - *to * other;
            }
            scale *= *point - other;
        }
        let scale = scale.invert().unwrap_or(Fr::ZERO);
        for (row, coefficient) in rows.iter_mut().zip(basis) {
            row[i] = coefficient * scale;
        }
    }
    rows
}

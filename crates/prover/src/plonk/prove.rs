//! The rounds of the protocol.

use super::commit::{commit_columns, commit_polynomials};
use super::key::ProvingKey;
use super::multiopen::{evaluate, Opening};
use super::quotient::{pieces, quotient, transforms_linear, Combined, Source};
use super::second_phase::{blind, fixed_columns, second_phase};
use halo2_proofs::poly::commitment::Params;
use halo2_proofs::poly::kzg::commitment::ParamsKZG;
use halo2curves::bn256::{Bn256, Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_circuits::ir::{Cell, Column, Kind};
use nanozk_verifier::key::Slot;
use nanozk_verifier::linearize::{linearize, quotient_factors};
use nanozk_verifier::shplonk::{self, Claim};
use nanozk_verifier::transcript::Rounds;
use nanozk_verifier::{Proof, TranscriptKind};
use rand_core::{CryptoRng, RngCore};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What is proved.
#[derive(Clone, Debug, Default)]
pub struct Witness<'a> {
    /// Values of the first-phase columns on all rows, in their order.
    ///
    /// The blind rows of inputs, outputs and weights must be filled; those of other columns are
    /// filled by the prover.
    pub first_phase: Vec<Vec<Fr>>,
    /// Commitments that are already known to inputs, outputs or weights.
    pub known: BTreeMap<Column, G1Affine>,
    /// Public inputs.
    pub instances: &'a [Fr],
}

/// What the prover is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Commit to the first phase.
    FirstPhase,
    /// Compute the second phase and commit to it.
    SecondPhase,
    /// Compute the quotient and commit to it.
    Quotient,
    /// Evaluate columns.
    Evaluate,
    /// Open columns.
    Open,
}

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The setup has another size than the program.
    #[error("a setup of 2^{got} rows where the program has 2^{expected}")]
    WrongSize {
        /// Of the program.
        expected: u32,
        /// Of the setup.
        got: u32,
    },
    /// The number of first-phase columns is not the program's.
    #[error("{got} first-phase columns where the program has {expected}")]
    WrongColumnCount {
        /// Of the program.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// A column does not have a value on every row.
    #[error("column {column} has {got} values on {expected} rows")]
    WrongColumnLength {
        /// Name.
        column: String,
        /// Rows.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// A commitment is given to a column that the prover blinds.
    #[error("column {column} is blinded here: its commitment cannot be known")]
    KnownWitness {
        /// Name.
        column: String,
    },
    /// The transcript refused: wrong number of public inputs, or a column that is all zero.
    #[error(transparent)]
    Transcript(#[from] nanozk_verifier::Error),
}

/// Proves that the gates vanish.
///
/// Whether they do is not checked (see [`crate::check`]): if they do not, the proof is rejected.
pub fn prove(
    params: &ParamsKZG<Bn256>,
    pk: &ProvingKey,
    witness: Witness<'_>,
    transcript: TranscriptKind,
    rng: &mut (impl RngCore + CryptoRng),
    progress: &dyn Fn(Stage),
) -> Result<Proof, Error> {
    let (vk, fft) = (&pk.vk, &pk.fft);
    let (program, layout) = (vk.program(), vk.layout());
    check(params, pk, &witness)?;
    let Witness {
        first_phase: mut first,
        known,
        instances,
    } = witness;
    let mut rounds = Rounds::new(transcript, vk, instances)?;

    progress(Stage::FirstPhase);
    for (column, values) in layout.first.iter().zip(&mut first) {
        if program.info(*column).kind == Kind::Witness {
            blind(program, *column, values, rng);
        }
    }
    let first_commitments = commit_first(params, &layout.first, &first, &known);
    let challenges = rounds.first_phase(&first_commitments)?;

    progress(Stage::SecondPhase);
    let mut second = second_phase(
        program,
        &fixed_columns(program),
        &first,
        instances,
        &challenges,
        rng,
    );
    let slices: Vec<&[Fr]> = second.iter().map(Vec::as_slice).collect();
    let second_commitments = commit_columns(params, &slices);
    let y = rounds.second_phase(&second_commitments)?;

    progress(Stage::Quotient);
    let on_cosets = pk.fixed_cosets.is_some();
    let one_by_one = transforms_linear(program);
    let transformed = |column: Column| match program.info(column).kind {
        Kind::Fixed => on_cosets,
        _ => one_by_one,
    };
    let combined = Combined::new(program, instances, &challenges, y, transformed);
    let sums = {
        let fixed = fixed_columns(program);
        combined.sums(fft, program.rows(), |column| {
            match layout.slots[column.0 as usize] {
                Slot::Fixed(i) => &fixed[i],
                Slot::First(i) => &first[i],
                Slot::Second(i) => &second[i],
            }
        })
    };
    // From here on columns that are opened or transformed are coefficients, and the others are gone.
    for (column, values) in layout
        .first
        .iter()
        .zip(&mut first)
        .chain(layout.second.iter().zip(&mut second))
    {
        if program.info(*column).linear && !one_by_one {
            *values = Vec::new();
        }
    }
    first
        .par_iter_mut()
        .chain(&mut second)
        .filter(|v| !v.is_empty())
        .for_each(|v| fft.inverse(v));
    let coefficients = |column: Column| match layout.slots[column.0 as usize] {
        Slot::Fixed(i) => pk.fixed[i].as_slice(),
        Slot::First(i) => first[i].as_slice(),
        Slot::Second(i) => second[i].as_slice(),
    };
    let mut sources = vec![Source::Unused; program.columns.len()];
    for (column, _) in &layout.opened {
        sources[column.0 as usize] = Source::Coefficients(coefficients(*column));
    }
    if one_by_one {
        for column in layout.first.iter().chain(&layout.second) {
            sources[column.0 as usize] = Source::Coefficients(coefficients(*column));
        }
    }
    if let Some([low, high]) = pk.fixed_cosets.as_deref() {
        for (i, column) in program.columns_of(Kind::Fixed).enumerate() {
            sources[column.0 as usize] = Source::Cosets([&low[i], &high[i]]);
        }
    }
    let h = quotient(&combined, fft, program.k, &sources, &sums);
    let h = pieces(h, [Fr::random(&mut *rng), Fr::random(&mut *rng)]);
    let quotient_commitments = pair(commit_polynomials(params, &[&h[0], &h[1]]));
    let x = rounds.quotient(&quotient_commitments)?;

    progress(Stage::Evaluate);
    let value = |cell: &Cell| evaluate(coefficients(cell.column), layout.rotate(x, cell.rotation));
    let evals: Vec<Fr> = layout.openings.par_iter().map(value).collect();
    let v = rounds.evaluations(&evals);

    progress(Stage::Open);
    let mut claims = layout.claims(x, &evals);
    let linear = linearize(program, layout, instances, &challenges, [y, x], &evals);
    claims.push(Claim {
        points: vec![x],
        values: vec![linear.value],
    });
    let l = {
        let cofactor = |cells: &[Cell]| {
            cells
                .iter()
                .map(|c| evals[layout.position(c)])
                .product::<Fr>()
        };
        let sums = sums.into_iter().map(|(cells, sum)| (cofactor(&cells), sum));
        let fixed = on_cosets.then(|| (Fr::ONE, fixed_sum(pk, &linear.columns)));
        let committed = linear
            .columns
            .iter()
            .filter(|(column, _)| one_by_one && program.info(*column).kind != Kind::Fixed);
        let committed = committed.map(|(column, factor)| (*factor, coefficients(*column).to_vec()));
        linearization(
            sums.chain(fixed)
                .chain(committed)
                .chain(quotient_factors(program.k, x).into_iter().zip(h)),
        )
    };
    let polynomials: Vec<&[Fr]> = layout
        .opened
        .iter()
        .map(|(column, _)| coefficients(*column))
        .chain([l.as_slice()])
        .collect();
    let opening = Opening::new(&polynomials, &claims, v);
    let q = commit_polynomials(params, &[opening.quotient()])[0];
    let z = rounds.opening(&q)?;
    let weights = shplonk::weights(&claims, v, z)?;
    let w = commit_polynomials(params, &[&opening.finish(&weights, v, z)])[0];

    Ok(Proof {
        transcript,
        first: first_commitments,
        second: second_commitments,
        quotient: quotient_commitments,
        evals,
        opening: [q, w],
    })
}

fn check(params: &ParamsKZG<Bn256>, pk: &ProvingKey, witness: &Witness<'_>) -> Result<(), Error> {
    let (program, layout) = (pk.vk.program(), pk.vk.layout());
    if params.k() != program.k {
        return Err(Error::WrongSize {
            expected: program.k,
            got: params.k(),
        });
    }
    let (expected, got) = (layout.first.len(), witness.first_phase.len());
    if got != expected {
        return Err(Error::WrongColumnCount { expected, got });
    }
    for (column, values) in layout.first.iter().zip(&witness.first_phase) {
        let info = program.info(*column);
        if values.len() != program.rows() {
            let (expected, got) = (program.rows(), values.len());
            return Err(Error::WrongColumnLength {
                column: info.name.clone(),
                expected,
                got,
            });
        }
        if info.kind == Kind::Witness && witness.known.contains_key(column) {
            return Err(Error::KnownWitness {
                column: info.name.clone(),
            });
        }
    }
    Ok(())
}

/// Commitments to the first phase, those that are known copied.
fn commit_first(
    params: &ParamsKZG<Bn256>,
    columns: &[Column],
    values: &[Vec<Fr>],
    known: &BTreeMap<Column, G1Affine>,
) -> Vec<G1Affine> {
    let unknown = columns
        .iter()
        .zip(values)
        .filter(|(column, _)| !known.contains_key(column));
    let unknown: Vec<&[Fr]> = unknown.map(|(_, values)| values.as_slice()).collect();
    let mut computed = commit_columns(params, &unknown).into_iter();
    let commitment = |column| match known.get(column) {
        Some(known) => *known,
        None => computed
            .next()
            .expect("one for each column that is not known"),
    };
    columns.iter().map(commitment).collect()
}

/// `Σ factor · column` over the fixed columns among those given, as coefficients.
fn fixed_sum(pk: &ProvingKey, columns: &[(Column, Fr)]) -> Vec<Fr> {
    let program = pk.vk.program();
    let fixed = fixed_columns(program);
    let terms: Vec<(&[Fr], Fr)> = columns
        .iter()
        .filter_map(
            |(column, factor)| match pk.vk.layout().slots[column.0 as usize] {
                Slot::Fixed(i) => Some((fixed[i].as_ref(), *factor)),
                _ => None,
            },
        )
        .collect();
    let mut sum = vec![Fr::ZERO; program.rows()];
    sum.par_iter_mut().enumerate().for_each(|(row, sum)| {
        *sum = terms
            .iter()
            .filter(|(values, _)| !bool::from(values[row].is_zero()))
            .map(|(values, factor)| values[row] * factor)
            .sum();
    });
    pk.fft.inverse(&mut sum);
    sum
}

/// `Σ factor · polynomial`, each polynomial dropped after use.
fn linearization(terms: impl Iterator<Item = (Fr, Vec<Fr>)>) -> Vec<Fr> {
    terms
        .map(|(factor, mut polynomial)| {
            polynomial.par_iter_mut().for_each(|c| *c *= factor);
            polynomial
        })
        .reduce(|mut sum, polynomial| {
            sum.par_iter_mut()
                .zip(polynomial)
                .for_each(|(sum, c)| *sum += c);
            sum
        })
        .expect("the quotient is among them")
}

fn pair(points: Vec<G1Affine>) -> [G1Affine; 2] {
    points.try_into().expect("two pieces")
}

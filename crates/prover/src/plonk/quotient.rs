//! The combined gates, divided by what vanishes on the domain.
//!
//! `F = Σ_g y^g · gate_g` has degree below `3N`, so `h = F / (X^N - 1)` is known from its values on
//! two cosets of the domain, on each of which the divisor is constant.
//!
//! Columns that are not opened occur only as `cofactor · Σ coeff_u · u`. The sums, one for each of
//! the few cofactors, are formed on the domain; the columns themselves are never transformed. Fixed
//! columns are an exception if the key has their values on the cosets.

use super::expr::{Expr, Terms};
use super::fft::{powers, Fft};
use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use nanozk_circuits::ir::{Cell, Column, Kind, Program, Term, CHALLENGES};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Pieces of the quotient: one less than the greatest degree of a gate.
pub(crate) const COSETS: usize = 2;

/// Rows a thread takes at a time: with a few temporary columns they fit its cache.
const CHUNK: usize = 1 << 8;

/// Splits a term into the column that is not opened, if it has one, and the other cells.
fn split(program: &Program, cells: &[Cell]) -> (Option<Column>, Vec<Cell>) {
    let (linear, cofactor): (Vec<Cell>, Vec<Cell>) =
        cells.iter().partition(|c| program.info(c.column).linear);
    (linear.first().map(|c| c.column), cofactor)
}

/// The cofactors of the committed columns that are not opened.
pub(crate) fn cofactors(program: &Program) -> BTreeSet<Vec<Cell>> {
    let terms = program.gates.iter().flat_map(|g| &g.poly.0);
    let split = terms.map(|Term { cells, .. }| split(program, cells));
    split
        .filter(|(linear, _)| linear.is_some_and(|c| program.info(c).kind != Kind::Fixed))
        .map(|(_, cofactor)| cofactor)
        .collect()
}

/// `Σ_g y^g · gate_g`, sorted by what is opened.
pub(crate) struct Combined {
    /// Terms of opened columns only.
    opened: Terms,
    /// Of each cofactor, the columns it multiplies and by what.
    linear: BTreeMap<Vec<Cell>, BTreeMap<Column, Fr>>,
}

impl Combined {
    /// Columns that are not opened but `transformed` all the same are like the others here: their terms
    /// need no sum.
    pub(crate) fn new(
        program: &Program,
        instances: &[Fr],
        challenges: &[Fr; CHALLENGES],
        y: Fr,
        transformed: impl Fn(Column) -> bool,
    ) -> Self {
        let mut combined = Combined {
            opened: Terms::new(),
            linear: BTreeMap::new(),
        };
        let mut power = Fr::ONE;
        for gate in &program.gates {
            for term in &gate.poly.0 {
                let coeff = power * term.coeff.eval(challenges, instances);
                let (linear, mut cofactor) = split(program, &term.cells);
                let linear = match linear.filter(|c| transformed(*c)) {
                    Some(_) => {
                        cofactor = term.cells.clone();
                        None
                    }
                    None => linear,
                };
                cofactor.sort_unstable();
                *match linear {
                    None => combined.opened.entry(cofactor).or_default(),
                    Some(column) => combined
                        .linear
                        .entry(cofactor)
                        .or_default()
                        .entry(column)
                        .or_default(),
                } += coeff;
            }
            power *= y;
        }
        combined
    }

    /// The sum beside each cofactor, as coefficients. `values` are a column's values.
    pub(crate) fn sums<'a>(
        &self,
        fft: &Fft,
        rows: usize,
        values: impl Fn(Column) -> &'a [Fr],
    ) -> Vec<(Vec<Cell>, Vec<Fr>)> {
        let sum = |(cofactor, columns): (&Vec<Cell>, &BTreeMap<Column, Fr>)| {
            let columns: Vec<(&[Fr], Fr)> = columns
                .iter()
                .map(|(c, coeff)| (values(*c), *coeff))
                .collect();
            let mut sum = vec![Fr::ZERO; rows];
            sum.par_chunks_mut(CHUNK).enumerate().for_each(|(i, out)| {
                for (values, coeff) in &columns {
                    let values = &values[i * CHUNK..];
                    out.iter_mut()
                        .zip(values)
                        .for_each(|(out, v)| *out += *coeff * v);
                }
            });
            fft.inverse(&mut sum);
            (cofactor.clone(), sum)
        };
        self.linear.iter().map(sum).collect()
    }

    /// The expression over all columns and, after them, the sums in their order.
    fn expr(&self, columns: usize) -> Expr {
        let mut terms = self.opened.clone();
        for (i, cofactor) in self.linear.keys().enumerate() {
            let mut cells = cofactor.clone();
            cells.push(Cell {
                column: Column((columns + i) as u32),
                rotation: 0,
            });
            terms.insert(cells, Fr::ONE);
        }
        Expr::new(terms)
    }
}

/// Whether committed columns that are not opened are transformed one by one: if there are fewer of them than
/// cofactors.
pub(crate) fn transforms_linear(program: &Program) -> bool {
    let columns = program.columns.iter();
    let linear = columns.filter(|c| c.linear && c.kind != Kind::Fixed);
    linear.count() < cofactors(program).len()
}

/// `c^i` for the coset `c · H`: the generator of the multiplicative group, and that times a root of
/// unity of twice the order.
pub(crate) fn coset_powers(k: u32, coset: usize) -> Vec<Fr> {
    powers(1 << k, coset_shift(k, coset), Fr::ONE)
}

fn coset_shift(k: u32, coset: usize) -> Fr {
    let mut root = Fr::ROOT_OF_UNITY;
    for _ in k + 1..Fr::S {
        root = root.square();
    }
    Fr::MULTIPLICATIVE_GENERATOR * root.pow_vartime([coset as u64])
}

/// Coefficients to values on a coset, given its powers.
pub(crate) fn to_coset(fft: &Fft, coefficients: &[Fr], powers: &[Fr]) -> Vec<Fr> {
    let mut values: Vec<Fr> = coefficients
        .iter()
        .zip(powers)
        .map(|(c, p)| *c * p)
        .collect();
    if !values.is_empty() {
        fft.forward(&mut values);
    }
    values
}

/// Columns as coefficients, or already on the cosets.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// Not opened.
    Unused,
    /// To be transformed.
    Coefficients(&'a [Fr]),
    /// On each coset.
    Cosets([&'a [Fr]; COSETS]),
}

/// The two halves of `h`, of `N` coefficients each.
///
/// If the gates do not vanish on the domain they are halves of something else, and a proof made
/// from them is rejected.
pub(crate) fn quotient(
    combined: &Combined,
    fft: &Fft,
    k: u32,
    columns: &[Source<'_>],
    sums: &[(Vec<Cell>, Vec<Fr>)],
) -> [Vec<Fr>; 2] {
    let n = 1usize << k;
    let expr = combined.expr(columns.len());
    let sources = columns
        .iter()
        .copied()
        .chain(sums.iter().map(|(_, c)| Source::Coefficients(c)));
    let sources: Vec<Source<'_>> = sources.collect();
    let mut remainders = Vec::with_capacity(COSETS);
    let mut constants = Vec::with_capacity(COSETS);
    for coset in 0..COSETS {
        let powers = coset_powers(k, coset);
        let transformed: Vec<Vec<Fr>> = sources
            .par_iter()
            .map(|source| match source {
                Source::Coefficients(c) => to_coset(fft, c, &powers),
                _ => Vec::new(),
            })
            .collect();
        drop(powers);
        let table: Vec<&[Fr]> = sources
            .iter()
            .zip(&transformed)
            .map(|(source, transformed)| match source {
                Source::Cosets(values) => values[coset],
                _ => transformed.as_slice(),
            })
            .collect();
        let mut values = vec![Fr::ZERO; n];
        values
            .par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(i, out)| {
                expr.on(&table, i * CHUNK..i * CHUNK + out.len(), out);
            });
        drop(transformed);

        let shift = coset_shift(k, coset);
        let constant = shift.pow_vartime([n as u64]);
        let divisor = (constant - Fr::ONE)
            .invert()
            .expect("the coset is not the domain");
        fft.inverse(&mut values);
        let unshift = powers_of_inverse(n, shift, divisor);
        values
            .par_iter_mut()
            .zip(unshift)
            .for_each(|(v, u)| *v *= u);
        remainders.push(values);
        constants.push(constant);
    }

    // On the coset where X^N is s, `low + X^N · high` is `low + s · high`.
    let inverse = (constants[1] - constants[0])
        .invert()
        .expect("the cosets differ");
    let mut high = remainders.pop().expect("two cosets");
    let mut low = remainders.pop().expect("two cosets");
    low.par_iter_mut().zip(&mut high).for_each(|(low, high)| {
        *high = (*high - *low) * inverse;
        *low -= constants[0] * *high;
    });
    [low, high]
}

fn powers_of_inverse(n: usize, base: Fr, first: Fr) -> Vec<Fr> {
    powers(n, base.invert().expect("not zero"), first)
}

/// Cuts `h` after `N - 2` coefficients and blinds the cut: `h = h_0 + X^(N-2) · h_1`.
pub(crate) fn pieces([mut low, mut high]: [Vec<Fr>; 2], blinds: [Fr; 2]) -> [Vec<Fr>; 2] {
    let n = low.len();
    // The last two coefficients of `low` become the first of the second piece; the last two of
    // `high` are zero, by the degrees.
    high.rotate_right(2);
    high[..2].copy_from_slice(&low[n - 2..]);
    for (i, blind) in blinds.into_iter().enumerate() {
        low[n - 2 + i] = blind;
        high[i] -= blind;
    }
    [low, high]
}

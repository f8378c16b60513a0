//! The prover.

use super::polynomial::{add_multiple, divide, equality, value_at};
use super::verify::Claims;
use super::{Opening, OpeningError, POINTS, Rounds, Shape, Values, check};
use crate::basis::Basis;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_transcript::Transcript;
use rayon::prelude::*;

/// How many random coefficients from `X^(2^variables)` on hide an opening: four rows.
///
/// They belong into a polynomial of their own, which has nothing else, is committed to, and is one of those that are
/// combined. None may be used twice.
pub fn hiding_coefficients(variables: usize) -> usize {
    4 << variables.div_ceil(2)
}

/// Proves the value at a point of the polynomial with the first `2^point.len()` coefficients as values on the cube; those
/// behind them have no influence on it. The first coordinate is that of the lowest bit. Returns the value, too.
///
/// The transcript must be in the state in which the verifier's is, who absorbs point and value first.
///
/// Without random coefficients there may be no proof: a polynomial of zeros has none, nor has one of a single row.
pub fn open<T: Transcript>(
    basis: &Basis,
    transcript: &mut T,
    coefficients: &[Fr],
    point: &[Fr],
) -> Result<(Fr, Opening), OpeningError> {
    open_by_stages(basis, transcript, coefficients, point, &mut |_| ())
}

/// The same, which tells the name of each stage when it is done.
pub fn open_by_stages<T: Transcript>(
    basis: &Basis,
    transcript: &mut T,
    coefficients: &[Fr],
    point: &[Fr],
    done: &mut dyn FnMut(&'static str),
) -> Result<(Fr, Opening), OpeningError> {
    let shape = Shape::new(point)?;
    if coefficients.len() < shape.size() {
        return Err(OpeningError::Coefficients {
            expected: shape.size(),
            got: coefficients.len(),
        });
    }
    if coefficients.len() > basis.len() {
        return Err(OpeningError::Powers {
            expected: coefficients.len(),
            got: basis.len(),
        });
    }
    let rows = Rows::new(&shape, coefficients, point);
    let mut channel = Committed::new(basis, transcript, point, &rows.value, done);
    prove(&shape, coefficients, point, &rows, &mut channel)?;
    let opening = channel.opening().ok_or(OpeningError::Challenges)?;
    Ok((rows.value, opening))
}

/// Where the prover's messages go, and challenges come from. A polynomial that a channel changes is changed for what
/// follows, too.
pub(super) trait Channel {
    fn polynomial(
        &mut self,
        coefficients: &mut Vec<Fr>,
        name: &'static str,
    ) -> Result<(), OpeningError>;
    fn values(&mut self, values: &Values);
    fn challenge(&mut self) -> Fr;
    /// Work on elements is done.
    fn computed(&mut self);
}

/// Commits and absorbs.
pub(super) struct Committed<'a, T> {
    basis: &'a Basis,
    rounds: Rounds<'a, T>,
    points: [G1Affine; POINTS],
    values: Option<Values>,
    done: &'a mut dyn FnMut(&'static str),
}

impl<'a, T: Transcript> Committed<'a, T> {
    pub(super) fn new(
        basis: &'a Basis,
        transcript: &'a mut T,
        point: &[Fr],
        value: &Fr,
        done: &'a mut dyn FnMut(&'static str),
    ) -> Self {
        Self {
            basis,
            rounds: Rounds::new(transcript, point, value),
            points: [G1Affine::default(); POINTS],
            values: None,
            done,
        }
    }

    /// The proof, once all of it was sent.
    pub(super) fn opening(&self) -> Option<Opening> {
        let values = self.values?;
        (self.rounds.points == POINTS).then(|| Opening::new(self.points, values.all()))
    }
}

impl<T: Transcript> Channel for Committed<'_, T> {
    fn polynomial(
        &mut self,
        coefficients: &mut Vec<Fr>,
        name: &'static str,
    ) -> Result<(), OpeningError> {
        let commitment = self.basis.commit(coefficients);
        if let Some(to) = self.points.get_mut(self.rounds.points) {
            *to = commitment;
        }
        check(self.rounds.points, &commitment)?;
        self.rounds.point(&commitment)?;
        (self.done)(name);
        Ok(())
    }

    fn values(&mut self, values: &Values) {
        for value in values.all() {
            self.rounds.scalar(&value);
        }
        self.values = Some(*values);
    }

    fn challenge(&mut self) -> Fr {
        self.rounds.challenge()
    }

    fn computed(&mut self) {
        (self.done)("field");
    }
}

/// Values of rows, and of all.
pub(super) struct Rows {
    pub(super) in_row: Vec<Fr>,
    pub(super) of_row: Vec<Fr>,
    h: Vec<Fr>,
    pub(super) value: Fr,
}

impl Rows {
    pub(super) fn new(shape: &Shape, coefficients: &[Fr], point: &[Fr]) -> Self {
        let (in_row, of_row) = shape.split(point);
        let (in_row, of_row) = (equality(in_row), equality(of_row));
        let inner = |a: &[Fr], b: &[Fr]| a.iter().zip(b).map(|(a, b)| *a * b).sum();
        let h: Vec<Fr> = coefficients
            .par_chunks(shape.row())
            .map(|row| inner(row, &in_row))
            .collect();
        let value = inner(&h, &of_row);
        Self {
            in_row,
            of_row,
            h,
            value,
        }
    }
}

/// Sends all messages, for as many coefficients as the cube has corners, or more.
pub(super) fn prove(
    shape: &Shape,
    f: &[Fr],
    point: &[Fr],
    rows: &Rows,
    channel: &mut impl Channel,
) -> Result<(), OpeningError> {
    let mut h = rows.h.clone();
    channel.computed();
    channel.polynomial(&mut h, "h")?;
    let alpha = channel.challenge();
    let (mut q, mut g) = divided_by_rows(f, shape.row(), alpha);
    channel.computed();
    channel.polynomial(&mut q, "q")?;
    channel.polynomial(&mut g, "g")?;
    let gamma = channel.challenge();
    let mut s = symmetric(&g, &rows.in_row);
    add_multiple(&mut s, gamma, &symmetric(&h, &rows.of_row));
    let mut d: Vec<Fr> = g.iter().rev().copied().collect();
    channel.computed();
    channel.polynomial(&mut s, "s")?;
    channel.polynomial(&mut d, "d")?;
    let zeta = channel.challenge();
    let inverse = Option::<Fr>::from(zeta.invert()).ok_or(OpeningError::Challenges)?;
    let values = Values {
        g: value_at(&g, zeta),
        g_inverse: value_at(&g, inverse),
        h: value_at(&h, zeta),
        h_inverse: value_at(&h, inverse),
        h_alpha: value_at(&h, alpha),
        s: value_at(&s, zeta),
    };
    channel.values(&values);

    let factor = alpha - zeta.pow_vartime([shape.row() as u64]);
    let mut l: Vec<Fr> = f.to_vec();
    l.par_iter_mut().zip(&q).for_each(|(l, q)| *l += factor * q);
    divide(&mut l, zeta);
    channel.computed();
    channel.polynomial(&mut l, "l")?;
    let beta = channel.challenge();

    let challenges = [alpha, gamma, zeta];
    let claims = Claims::new(shape, shape.row(), point, rows.value, challenges, &values)?;
    let small = [&g, &h, &s, &d];
    let mut m = Vec::new();
    let mut power = Fr::ONE;
    for (claim, p) in claims.all().into_iter().zip(small) {
        let mut quotient = p.clone();
        for x in &claim.set {
            divide(&mut quotient, *x);
        }
        add_multiple(&mut m, power, &quotient);
        power *= beta;
    }
    channel.computed();
    channel.polynomial(&mut m, "m")?;
    let z = channel.challenge();
    let mut w = Vec::new();
    add_multiple(&mut w, -Fr::ONE, &m);
    let mut power = Fr::ONE;
    for (claim, p) in claims.all().into_iter().zip(small) {
        let (weight, _) = claim.at(z, power)?;
        add_multiple(&mut w, weight, p);
        power *= beta;
    }
    // The remainder is what the values at z are for.
    divide(&mut w, z);
    channel.computed();
    channel.polynomial(&mut w, "w")
}

/// Quotient and remainder by `X^row - alpha`.
fn divided_by_rows(f: &[Fr], row: usize, alpha: Fr) -> (Vec<Fr>, Vec<Fr>) {
    /// Coefficients of a row that are computed together.
    const PART: usize = 64;
    let count = f.len().div_ceil(row);
    let at = |j: usize, i: usize| f.get(j * row + i).copied().unwrap_or(Fr::ZERO);
    // From the highest row on, each is the sum of f's and alpha times the one above: quotient rows, then the remainder.
    let parts: Vec<Vec<Fr>> = (0..row)
        .into_par_iter()
        .step_by(PART)
        .map(|start| {
            let width = PART.min(row - start);
            let mut all = vec![Fr::ZERO; count * width];
            let mut above = vec![Fr::ZERO; width];
            for j in (0..count).rev() {
                for (i, above) in above.iter_mut().enumerate() {
                    *above = *above * alpha + at(j, start + i);
                }
                all[j * width..(j + 1) * width].copy_from_slice(&above);
            }
            all
        })
        .collect();
    let mut all = vec![Fr::ZERO; count * row];
    for (part, start) in parts.iter().zip((0..row).step_by(PART)) {
        let width = PART.min(row - start);
        for (j, values) in part.chunks_exact(width).enumerate() {
            all[j * row + start..][..width].copy_from_slice(values);
        }
    }
    let q = all.split_off(row);
    (q, all)
}

/// `s` with `a(X)·p(1/X) + a(1/X)·p(X) = c + X·s(X) + s(1/X)/X` for a constant `c`.
fn symmetric(a: &[Fr], p: &[Fr]) -> Vec<Fr> {
    let at = |x: &[Fr], from: usize, y: &[Fr]| -> Fr {
        let shifted = x.get(from..).unwrap_or_default();
        shifted.iter().zip(y).map(|(x, y)| *x * y).sum()
    };
    (1..a.len().max(p.len()))
        .into_par_iter()
        .map(|k| at(a, k, p) + at(p, k, a))
        .collect()
}

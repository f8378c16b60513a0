//! From the opened values to one polynomial whose value is known.
//!
//! The gates hold iff `F = Σ_g y^g · gate_g` is `h · (X^N - 1)` for a polynomial `h`. At a random
//! `x` every cell of an opened column is a known value; what remains is linear in the columns that
//! are not opened and in the pieces of `h`. So with
//!
//! `L = Σ_u coeff_u · u  -  (x^N - 1) · (h_0 + x^(N-2) · h_1)`
//!
//! it is enough to open `L` at `x`: it must be minus the terms that have only opened cells.

use crate::key::Layout;
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuits::ir::{Column, Program, CHALLENGES};
use std::collections::BTreeMap;

/// What `L` is, and what it must be at `x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linearization {
    /// Factors of the columns that are not opened.
    pub columns: Vec<(Column, Fr)>,
    /// Factors of the two pieces of the quotient.
    pub quotient: [Fr; 2],
    /// Value at `x`.
    pub value: Fr,
}

/// Factors of the two pieces of the quotient: `-(x^N - 1)`, without and with `x^(N-2)`.
pub fn quotient_factors(k: u32, x: Fr) -> [Fr; 2] {
    let rows = 1u64 << k;
    let factor = Fr::ONE - x.pow_vartime([rows]);
    [factor, factor * x.pow_vartime([rows - 2])]
}

/// The linearization at `x` under the challenges.
pub fn linearize(
    program: &Program,
    layout: &Layout,
    instances: &[Fr],
    challenges: &[Fr; CHALLENGES],
    [y, x]: [Fr; 2],
    evals: &[Fr],
) -> Linearization {
    let mut columns = BTreeMap::new();
    let mut known = Fr::ZERO;
    let mut power = Fr::ONE;
    for gate in &program.gates {
        for term in &gate.poly.0 {
            let mut product = power * term.coeff.eval(challenges, instances);
            let mut linear = None;
            for cell in &term.cells {
                if program.info(cell.column).linear {
                    linear = Some(cell.column);
                } else {
                    product *= evals[layout.position(cell)];
                }
            }
            match linear {
                Some(column) => *columns.entry(column).or_insert(Fr::ZERO) += product,
                None => known += product,
            }
        }
        power *= y;
    }
    Linearization {
        columns: columns.into_iter().collect(),
        quotient: quotient_factors(program.k, x),
        value: -known,
    }
}

//! Keys: a circuit's structure, committed to.

use crate::circuit::{Circuit, Structure, WIRES};
use crate::domain::Domain;
use crate::packing::{Commit, pack};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use nanozk_kzg::powers;
use rayon::prelude::*;

/// Fixed polynomials: those of the permutation, and the constants.
pub(crate) const FIXED: usize = WIRES + 1;

/// Powers of a setup that keys and proofs of `2^k` rows take: the longest packs have six polynomials of `2^k` coefficients.
pub const fn powers_needed(k: u32) -> usize {
    const { assert!(FIXED == crate::circuit::COLUMNS) }
    FIXED << k
}

/// What a verifier knows of a circuit's structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Rows are `2^k`.
    pub k: u32,
    /// Public inputs.
    pub inputs: usize,
    /// Commitment to the packed fixed polynomials.
    pub fixed: G1Affine,
}

/// What a prover knows of a circuit's structure.
#[derive(Clone, Debug)]
pub struct ProvingKey {
    pub(crate) circuit: Circuit,
    pub(crate) structure: Structure,
    pub(crate) domain: Domain,
    /// What a verifier knows.
    pub key: Key,
    /// Values of the permutation's polynomials.
    pub(crate) permutation: Vec<Vec<Fr>>,
    /// Coefficients of the fixed polynomials.
    pub(crate) fixed: Vec<Vec<Fr>>,
}

/// What tells the columns' cells apart: row `i` of column `j` is `7^j·ω^i`. `7` generates the field's units, so that these are
/// different as long as `7^j` is in the subgroup for no `j` from 1 to 4.
pub(crate) fn column_shifts() -> [Fr; WIRES] {
    std::array::from_fn(|j| Fr::MULTIPLICATIVE_GENERATOR.pow_vartime([j as u64]))
}

impl ProvingKey {
    /// Commits to a structure.
    pub fn new(circuit: Circuit, structure: Structure, basis: &impl Commit) -> Self {
        let domain = Domain::new(structure.k);
        let rows = powers(Fr::ONE, domain.omega, domain.size());
        let shifts = column_shifts();
        let permutation: Vec<Vec<Fr>> = structure
            .next_equal
            .par_iter()
            .map(|column| {
                let name = |number: &u32| {
                    let cell = structure.cell(*number);
                    shifts[cell.column] * rows[cell.row]
                };
                column.iter().map(name).collect()
            })
            .collect();
        let columns: Vec<&Vec<Fr>> = permutation.iter().chain([&structure.constants]).collect();
        let fixed: Vec<Vec<Fr>> = columns
            .par_iter()
            .map(|values| domain.interpolate(values))
            .collect();
        let key = Key {
            k: structure.k,
            inputs: structure.inputs,
            fixed: basis.commit(&pack(&fixed)),
        };
        Self {
            circuit,
            structure,
            domain,
            key,
            permutation,
            fixed,
        }
    }
}

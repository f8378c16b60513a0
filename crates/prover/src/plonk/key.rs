//! What the prover keeps of a program.

use super::commit::{commit_column, commit_columns};
use super::fft::Fft;
use super::quotient::{cofactors, COSETS};
use super::second_phase::fixed_columns;
use halo2_proofs::arithmetic::best_multiexp;
use halo2_proofs::poly::commitment::Params;
use halo2_proofs::poly::kzg::commitment::ParamsKZG;
use halo2curves::bn256::{Bn256, Fr, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use nanozk_circuits::ir::{Kind, Program};
use nanozk_verifier::key::{Layout, Slot};
use nanozk_verifier::VerifyingKey;
use rand_core::OsRng;
use rayon::prelude::*;
use std::sync::Arc;

/// A program with the coefficients of its fixed columns.
#[derive(Clone, Debug)]
pub struct ProvingKey {
    pub(crate) vk: VerifyingKey,
    pub(crate) fft: Fft,
    /// Coefficients of the opened fixed columns; nothing for others.
    pub(crate) fixed: Vec<Vec<Fr>>,
    /// Values of the fixed columns on the cosets, if they are kept.
    pub(crate) fixed_cosets: Option<Vec<Vec<Vec<Fr>>>>,
}

impl ProvingKey {
    /// The key of a program under the setup that `setup` identifies.
    ///
    /// # Panics
    /// If the program is malformed, or of another size than the setup.
    pub fn new(params: &ParamsKZG<Bn256>, setup: [u8; 32], program: Arc<Program>) -> Self {
        assert_eq!(
            params.k(),
            program.k,
            "the setup has the size of the program"
        );
        let commitments = commit_fixed(params, &program);
        Self::with_commitments(setup, program, commitments)
    }

    /// As [`ProvingKey::new`], with the commitments already known.
    pub fn with_commitments(
        setup: [u8; 32],
        program: Arc<Program>,
        commitments: Vec<G1Affine>,
    ) -> Self {
        let values = fixed_columns(&program);
        let slices: Vec<&[Fr]> = values.iter().map(AsRef::as_ref).collect();
        let vk = VerifyingKey::new(program.clone(), commitments, setup);
        let fft = Fft::new(program.k);
        let mut fixed = vec![Vec::new(); slices.len()];
        for (column, _) in &vk.layout().opened {
            if let Slot::Fixed(i) = vk.layout().slots[column.0 as usize] {
                fixed[i] = slices[i].to_vec();
            }
        }
        fixed
            .par_iter_mut()
            .filter(|f| !f.is_empty())
            .for_each(|f| fft.inverse(f));
        ProvingKey {
            vk,
            fft,
            fixed,
            fixed_cosets: None,
        }
    }

    /// Keeps the values of all fixed columns on the cosets as well: memory for a few seconds of
    /// transforms per proof.
    pub fn with_cosets(mut self) -> Self {
        let program = self.vk.program().clone();
        let values = fixed_columns(&program);
        let coefficients: Vec<Vec<Fr>> = values
            .par_iter()
            .zip(&self.fixed)
            .map(|(values, known)| {
                if !known.is_empty() {
                    return known.clone();
                }
                let mut coefficients = values.to_vec();
                self.fft.inverse(&mut coefficients);
                coefficients
            })
            .collect();
        let on_coset = |coset: usize| {
            let powers = super::quotient::coset_powers(program.k, coset);
            coefficients
                .par_iter()
                .map(|f| super::quotient::to_coset(&self.fft, f, &powers))
                .collect()
        };
        self.fixed_cosets = Some((0..COSETS).map(on_coset).collect());
        self
    }

    /// The verifying key.
    pub fn vk(&self) -> &VerifyingKey {
        &self.vk
    }

    /// Commitments to the fixed columns.
    pub fn fixed_commitments(&self) -> &[G1Affine] {
        self.vk.fixed_commitments()
    }
}

/// Commitments to the fixed columns of a program.
pub fn commit_fixed(params: &ParamsKZG<Bn256>, program: &Program) -> Vec<G1Affine> {
    let values = fixed_columns(program);
    let slices: Vec<&[Fr]> = values.iter().map(AsRef::as_ref).collect();
    commit_columns(params, &slices)
}

/// Whether points are the commitments to a program's fixed columns. Others pass with probability `1/|F|`: with random
/// factors, the sum of the points is compared with the commitment to the sum of the columns, which costs one commitment
/// instead of one for each.
///
/// # Panics
/// If the setup is of another size than the program.
pub fn are_commitments(params: &ParamsKZG<Bn256>, program: &Program, points: &[G1Affine]) -> bool {
    let columns = fixed_columns(program);
    if points.len() != columns.len() {
        return false;
    }
    let factors: Vec<Fr> = columns.iter().map(|_| Fr::random(OsRng)).collect();
    let mut sum = vec![Fr::ZERO; program.rows()];
    const ROWS: usize = 1 << 12;
    sum.par_chunks_mut(ROWS).enumerate().for_each(|(i, chunk)| {
        for (column, factor) in columns.iter().zip(&factors) {
            for (cell, value) in chunk.iter_mut().zip(&column[i * ROWS..]) {
                if !value.is_zero_vartime() {
                    *cell += *factor * value;
                }
            }
        }
    });
    commit_column(params, sum) == best_multiexp(&factors, points).to_affine()
}

/// Most memory that [`prove`](super::prove()) uses at a time, with the setup and a key that keeps
/// cosets, in bytes; within some ten percent. Memory of the witness that the caller keeps is extra.
pub fn estimate_peak_bytes(program: &Program) -> u64 {
    let layout = Layout::new(program);
    let fixed = layout.fixed;
    let opened_fixed = layout
        .opened
        .iter()
        .filter(|(c, _)| program.info(*c).kind == Kind::Fixed)
        .count();
    let witness = layout.first.len() + layout.second.len();
    // The caller's copies.
    let weights = program.columns_of(Kind::Weight).count();
    let linear = program
        .columns
        .iter()
        .filter(|c| c.linear && c.kind != Kind::Fixed)
        .count();
    // Columns that are not opened are transformed in sums, or one by one if they are few.
    let virtual_columns = cofactors(program).len().min(linear);

    // Two Lagrange or monomial bases, the program's fixed values, the key, and a table of roots.
    let always = 2 * 2 + fixed + opened_fixed + COSETS * fixed + weights + 1;
    // A multi-scalar multiplication in each thread copies a column, its integers and the bases.
    let committing = witness + 5 * rayon::current_num_threads();
    // Coefficients; values on one coset of all opened columns; both cosets' quotients and powers.
    let quotient = witness - linear + layout.opened.len() + 2 * virtual_columns + 4;
    let columns = always + committing.max(quotient);
    let bytes = columns as u64 * (program.rows() * size_of::<Fr>()) as u64;
    // Allocators do not return everything that is freed.
    bytes + bytes * 2 / 5
}

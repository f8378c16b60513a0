//! What the verifier knows of a program.

use crate::encoding::{point_to_words, scalar_reduced};
use crate::shplonk::Claim;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use nanozk_circuits::ir::{Cell, Column, Kind, Program, Scalar};
use sha3::{Digest, Keccak256};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Where the commitment to a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// In the verifying key.
    Fixed(usize),
    /// Among the first-phase commitments of a proof.
    First(usize),
    /// Among the second-phase commitments of a proof.
    Second(usize),
}

/// The orders in which a proof under a program keeps its elements.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Where the commitment to each column is.
    pub slots: Vec<Slot>,
    /// Number of fixed columns.
    pub fixed: usize,
    /// First-phase columns.
    pub first: Vec<Column>,
    /// Second-phase columns.
    pub second: Vec<Column>,
    /// Cells whose values a proof contains.
    pub openings: Vec<Cell>,
    /// Opened columns, and which of the openings are theirs.
    pub opened: Vec<(Column, Range<usize>)>,
    /// Generator of the domain.
    pub omega: Fr,
    position: HashMap<Cell, usize>,
}

impl Layout {
    /// The orders of a program.
    ///
    /// # Panics
    /// If the program is malformed: a bug of the composer, never a matter of input.
    pub fn new(program: &Program) -> Self {
        program.check();
        assert!(
            program.k < Fr::S,
            "the scalar field has no domain of 2^{} rows and a coset",
            program.k
        );

        let (mut fixed, mut first, mut second) = (0, Vec::new(), Vec::new());
        let mut slots = Vec::with_capacity(program.columns.len());
        for (i, info) in program.columns.iter().enumerate() {
            let column = Column(i as u32);
            slots.push(match info.kind {
                Kind::Fixed => {
                    fixed += 1;
                    Slot::Fixed(fixed - 1)
                }
                Kind::Second => {
                    second.push(column);
                    Slot::Second(second.len() - 1)
                }
                _ => {
                    first.push(column);
                    Slot::First(first.len() - 1)
                }
            });
        }

        let openings = program.openings();
        let mut opened: Vec<(Column, Range<usize>)> = Vec::new();
        for (i, cell) in openings.iter().enumerate() {
            match opened.last_mut() {
                Some((column, range)) if *column == cell.column => range.end = i + 1,
                _ => opened.push((cell.column, i..i + 1)),
            }
        }
        for (column, range) in &opened {
            let mut rows: Vec<_> = openings[range.clone()]
                .iter()
                .map(|c| c.rotation.rem_euclid(1 << program.k))
                .collect();
            rows.sort_unstable();
            rows.dedup();
            assert_eq!(
                rows.len(),
                range.len(),
                "{}: rotations coincide",
                program.info(*column).name
            );
        }
        for term in program.gates.iter().flat_map(|g| &g.poly.0) {
            assert!(
                instances_of(&term.coeff) <= program.instances,
                "a coefficient is not a public input"
            );
        }

        let mut omega = Fr::ROOT_OF_UNITY;
        for _ in program.k..Fr::S {
            omega = omega.square();
        }
        let position = openings.iter().enumerate().map(|(i, c)| (*c, i)).collect();
        Layout {
            slots,
            fixed,
            first,
            second,
            openings,
            opened,
            omega,
            position,
        }
    }

    /// Which opening a cell is.
    ///
    /// # Panics
    /// If the cell is not opened.
    pub fn position(&self, cell: &Cell) -> usize {
        self.position[cell]
    }

    /// `x` shifted down by a number of rows.
    pub fn rotate(&self, x: Fr, rotation: i32) -> Fr {
        let power = self.omega.pow_vartime([rotation.unsigned_abs() as u64]);
        if rotation < 0 {
            x * power.invert().expect("a root of unity is not zero")
        } else {
            x * power
        }
    }

    /// `1 / Π (ω^rotation - ω^other)` for each of a column's openings: interpolation at `z` is
    /// `x^(1 - count) · Π (z - x·ω^rotation) · Σ value · weight / (z - x·ω^rotation)`.
    pub fn barycentric(&self, openings: Range<usize>) -> Vec<Fr> {
        let roots: Vec<Fr> = self.openings[openings]
            .iter()
            .map(|c| self.rotate(Fr::ONE, c.rotation))
            .collect();
        let weight = |(i, root): (usize, &Fr)| {
            let others = roots.iter().enumerate().filter(|(j, _)| *j != i);
            let product: Fr = others.map(|(_, other)| root - other).product();
            product.invert().expect("rotations do not coincide")
        };
        roots.iter().enumerate().map(weight).collect()
    }

    /// What is claimed of each opened column, in their order.
    pub fn claims(&self, x: Fr, evals: &[Fr]) -> Vec<Claim> {
        let claim = |range: &Range<usize>| Claim {
            points: self.openings[range.clone()]
                .iter()
                .map(|c| self.rotate(x, c.rotation))
                .collect(),
            values: evals[range.clone()].to_vec(),
        };
        self.opened.iter().map(|(_, range)| claim(range)).collect()
    }
}

/// Least number of public inputs a coefficient needs.
fn instances_of(scalar: &Scalar) -> usize {
    match scalar {
        Scalar::Const(_) | Scalar::Challenge(_) => 0,
        Scalar::Instance(i) => i + 1,
        Scalar::Pow(s, _) | Scalar::Geometric(s, _) => instances_of(s),
        Scalar::Sum(a, b) | Scalar::Product(a, b) => instances_of(a).max(instances_of(b)),
    }
}

/// A program with commitments to its fixed columns.
///
/// The fixed values themselves are not needed: a program without them verifies all the same.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    program: Arc<Program>,
    layout: Layout,
    fixed: Vec<G1Affine>,
    setup: [u8; 32],
    digest: [u8; 32],
}

impl VerifyingKey {
    /// The key of a program under a setup, from commitments to its fixed columns in their order.
    ///
    /// # Panics
    /// If the program is malformed, or the number of commitments is not that of its fixed columns.
    pub fn new(program: Arc<Program>, fixed: Vec<G1Affine>, setup: [u8; 32]) -> Self {
        let layout = Layout::new(&program);
        assert_eq!(fixed.len(), layout.fixed, "one commitment per fixed column");
        let mut hash = Keccak256::new();
        hash.update(b"nanozk-vk-1");
        hash.update(program.structure_digest());
        for word in fixed.iter().flat_map(point_to_words) {
            hash.update(word);
        }
        hash.update(setup);
        VerifyingKey {
            program,
            layout,
            fixed,
            setup,
            digest: hash.finalize().into(),
        }
    }

    /// The program.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The orders of its proofs.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Commitments to the fixed columns.
    pub fn fixed_commitments(&self) -> &[G1Affine] {
        &self.fixed
    }

    /// Identifies the setup.
    pub fn setup(&self) -> [u8; 32] {
        self.setup
    }

    /// Identifies the program, its fixed values and the setup.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The digest as transcripts absorb it.
    pub fn digest_scalar(&self) -> Fr {
        scalar_reduced(&self.digest)
    }
}

//! The gates of a program, checked row by row: what a proof proves, without a proof.

use crate::plonk::expr::Expr;
use crate::plonk::second_phase::{blind, fixed_columns, second_phase};
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuits::ir::{Program, CHALLENGES};
use rand_core::OsRng;
use rayon::prelude::*;

/// Rows a thread takes at a time.
const CHUNK: usize = 1 << 8;

/// A gate that does not vanish on a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("gate {gate} does not hold on row {row}")]
pub struct Violation {
    /// Name of the gate.
    pub gate: String,
    /// The first row on which it fails.
    pub row: usize,
}

/// Random challenges.
pub fn random_challenges() -> [Fr; CHALLENGES] {
    std::array::from_fn(|_| Fr::random(OsRng))
}

/// Whether all gates hold on all rows; otherwise the first that does not, with its first row.
///
/// `first_phase` has the columns as [`Witness`](crate::plonk::Witness) has them. All blind rows are
/// filled with randomness, those of inputs, outputs and weights too, since no gate may read them.
///
/// # Panics
/// If the witness is not of the program's shape.
pub fn check_witness(
    program: &Program,
    first_phase: Vec<Vec<Fr>>,
    instances: &[Fr],
    challenges: &[Fr; CHALLENGES],
) -> Result<(), Violation> {
    let table = Evaluated::new(program, first_phase, instances, challenges);
    let violation = (0..program.gates.len()).find_map(|gate| table.violation(gate));
    violation.map_or(Ok(()), Err)
}

/// All gates that fail, each with its first row. Otherwise as [`check_witness`].
///
/// # Panics
/// As [`check_witness`].
pub fn violations(
    program: &Program,
    first_phase: Vec<Vec<Fr>>,
    instances: &[Fr],
    challenges: &[Fr; CHALLENGES],
) -> Vec<Violation> {
    let table = Evaluated::new(program, first_phase, instances, challenges);
    (0..program.gates.len())
        .filter_map(|gate| table.violation(gate))
        .collect()
}

/// All columns of a program, the second phase computed, as [`check_witness`] computes it.
///
/// # Panics
/// As [`check_witness`].
pub fn complete(
    program: &Program,
    first_phase: Vec<Vec<Fr>>,
    instances: &[Fr],
    challenges: &[Fr; CHALLENGES],
) -> Vec<Vec<Fr>> {
    let table = Evaluated::new(program, first_phase, instances, challenges);
    table.columns.into_iter().map(Into::into).collect()
}

/// All gates that fail on columns of which nothing is computed, not even the second phase.
///
/// # Panics
/// If the columns are not of the program's shape.
pub fn violations_of_columns(
    program: &Program,
    columns: &[Vec<Fr>],
    instances: &[Fr],
    challenges: &[Fr; CHALLENGES],
) -> Vec<Violation> {
    assert_eq!(columns.len(), program.columns.len(), "number of columns");
    assert!(
        columns.iter().all(|c| c.len() == program.rows()),
        "rows of all columns"
    );
    let table = Evaluated {
        program,
        instances,
        challenges,
        columns: columns.iter().map(|c| c.as_slice().into()).collect(),
    };
    (0..program.gates.len())
        .filter_map(|gate| table.violation(gate))
        .collect()
}

/// A program with values for all its cells.
struct Evaluated<'a> {
    program: &'a Program,
    instances: &'a [Fr],
    challenges: &'a [Fr; CHALLENGES],
    columns: Vec<std::borrow::Cow<'a, [Fr]>>,
}

impl<'a> Evaluated<'a> {
    fn new(
        program: &'a Program,
        mut first: Vec<Vec<Fr>>,
        instances: &'a [Fr],
        challenges: &'a [Fr; CHALLENGES],
    ) -> Self {
        program.check();
        let columns = program.first_phase();
        assert_eq!(first.len(), columns.len(), "number of first-phase columns");
        assert_eq!(
            instances.len(),
            program.instances,
            "number of public inputs"
        );
        for (column, values) in columns.into_iter().zip(&mut first) {
            assert_eq!(
                values.len(),
                program.rows(),
                "rows of {}",
                program.info(column).name
            );
            blind(program, column, values, &mut OsRng);
        }
        let mut columns = fixed_columns(program);
        let second = second_phase(program, &columns, &first, instances, challenges, &mut OsRng);
        columns.extend(first.into_iter().chain(second).map(Into::into));
        Evaluated {
            program,
            instances,
            challenges,
            columns,
        }
    }

    fn violation(&self, gate: usize) -> Option<Violation> {
        let gate = &self.program.gates[gate];
        let table: Vec<&[Fr]> = self.columns.iter().map(AsRef::as_ref).collect();
        let expr = Expr::of(&gate.poly, self.challenges, self.instances);
        let n = self.program.rows();
        let row = (0..n.div_ceil(CHUNK))
            .into_par_iter()
            .find_map_first(|chunk| {
                let rows = chunk * CHUNK..n.min((chunk + 1) * CHUNK);
                let mut values = vec![Fr::ZERO; rows.len()];
                expr.on(&table, rows.clone(), &mut values);
                values
                    .iter()
                    .position(|v| !v.is_zero_vartime())
                    .map(|i| rows.start + i)
            })?;
        Some(Violation {
            gate: gate.id.clone(),
            row,
        })
    }
}

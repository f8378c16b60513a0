//! The verification of a proof, recorded.

use crate::recorder::{Recorder, Wire, WirePoint, WireTranscript};
use halo2curves::bn256::{Fr, G1Affine};
use nanozk_argument::{reduce, Equation, Error, Known, Opening, Proof, Statement};
use nanozk_circuit::{ColumnId, Layout, Program};
use std::collections::BTreeMap;

/// What a proof leaves to be checked: a combination of points that must be the setup's secret times another.
pub type WireEquation<'r> = Equation<Wire<'r>, WirePoint<'r>>;

/// Records the verification of a proof, whose elements are the prover's.
pub fn verify<'r>(
    recorder: &'r Recorder,
    (program, layout): (&Program, &Layout),
    inputs: &[Wire<'r>],
    known: BTreeMap<ColumnId, WirePoint<'r>>,
    proof: &Proof,
) -> Result<WireEquation<'r>, Error> {
    let point = |point: &G1Affine| recorder.point(*point);
    let scalar = |scalar: &Fr| recorder.witness(*scalar);
    let proof = Proof {
        points: proof.points.iter().map(point).collect(),
        scalars: proof.scalars.iter().map(scalar).collect(),
        opening: Opening::new(
            proof.opening.points().map(|p| point(&p)),
            proof.opening.values.all().map(|s| scalar(&s)),
        ),
    };
    let statement = Statement {
        program,
        layout,
        inputs,
        known: &Known::unchecked(known),
    };
    reduce(&statement, &proof, &mut WireTranscript::new(recorder))
}

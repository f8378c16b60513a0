//! A small recording of everything, and forgeries that one gate each refuses.

use super::*;
use crate::assembly::{A, B, C, D, E, F};
use crate::circuit::{Cell, Failure, Separators};
use crate::gates::{equation, limbs, Run};
use halo2curves::bn256::{G1Affine, G1};
use halo2curves::group::Group;
use nanozk_recursion::recorder::{Recorder, Wire as Recorded, WirePoint, WireTranscript};
use nanozk_transcript::{Element, Transcript};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::sync::LazyLock;

/// A recording with two terms and one, a transcript, and steps of all kinds.
fn recording(seed: u64) -> Recording {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let recorder = Recorder::default();
    {
        let input = recorder.input(Fr::random(&mut rng));
        let points: Vec<WirePoint<'_>> = (0..2)
            .map(|_| recorder.point(G1::random(&mut rng).into()))
            .collect();
        let mut transcript = WireTranscript::new(&recorder);
        transcript.absorb_scalar(&input);
        for point in &points {
            transcript.absorb_point(point).unwrap();
        }
        let [x, y] = [(); 2].map(|()| transcript.squeeze());
        let three = Recorded::constant(Fr::from(3));
        // Sums of products, differences of products, and a product that is read in a product.
        let sum = x * y + input + three;
        let difference = x * input - y * three;
        let deep = (x * x) * (y * y) - sum * sum + difference;
        let inverse = deep.invert().unwrap();
        recorder.assert_equal(inverse * deep, Recorded::one());
        let generator = WirePoint::constant(G1Affine::generator());
        recorder.multiply([
            &[(sum, points[0]), (inverse, generator)],
            &[(-deep, points[1])],
        ]);
    }
    recorder.finish()
}

fn separators() -> Separators {
    let tau = Fr::from(0x1234_5678_9abc);
    Separators {
        shift: Fr::from(0xfedc_ba98).square(),
        powers: std::array::from_fn(|i| Element::pow(tau, i as u64 + 1)),
    }
}

fn failures(assignment: &Assignment) -> Vec<Failure> {
    circuit().failures(
        &assignment.structure,
        &assignment.inputs,
        &assignment.columns,
        &separators(),
    )
}

static HONEST: LazyLock<Assignment> = LazyLock::new(|| assign(&recording(1)).unwrap());

#[test]
fn an_honest_assignment_satisfies_the_circuit() {
    println!("{:?}", HONEST.usage);
    let failures = failures(&HONEST);
    assert!(
        failures.is_empty(),
        "{} failures, {:?}",
        failures.len(),
        &failures[..failures.len().min(10)]
    );
}

#[test]
fn the_structure_does_not_depend_on_values() {
    let other = assign(&recording(2)).unwrap();
    assert_ne!(HONEST.columns, other.columns);
    assert!(HONEST.structure.constants == other.structure.constants);
    assert!(HONEST.structure.next_equal == other.structure.next_equal);
}

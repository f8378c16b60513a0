//! The verifier is one piece of code for all kinds of elements: what it finds for numbers it finds for others.

mod common;
#[path = "common/counted.rs"]
mod counted;

use common::{Predictable, basis, inputs, known, layout, program, values};
use counted::{Counted, Counting, Work, take_work};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_argument::{Equation, Error, Opening, Proof, Statement, reduce, verify};
use nanozk_transcript::{KeccakTranscript, Transcript};

fn variables(values: &[Fr]) -> Vec<Counted> {
    values.iter().copied().map(Counted::variable).collect()
}

/// The verifier on numbers that count, and what it did.
fn reduced<T: Transcript>(
    statement: &Statement<'_>,
    proof: &Proof,
    transcript: T,
) -> (Result<Equation, Error>, Work) {
    let inputs = variables(statement.inputs);
    let statement = Statement {
        program: statement.program,
        layout: statement.layout,
        inputs: &inputs,
        known: statement.known,
    };
    let proof = Proof {
        points: proof.points.clone(),
        scalars: variables(&proof.scalars),
        opening: Opening::new(
            proof.opening.points(),
            proof.opening.values.all().map(Counted::variable),
        ),
    };
    take_work();
    let equation = reduce(&statement, &proof, &mut Counting(transcript));
    let work = take_work();
    let numbers = |side: Vec<(Counted, G1Affine)>| -> Vec<(Fr, G1Affine)> {
        side.into_iter().map(|(f, p)| (f.value, p)).collect()
    };
    let equation = equation.map(|equation| Equation {
        lhs: numbers(equation.lhs),
        generator: equation.generator.value,
        rhs: numbers(equation.rhs),
    });
    (equation, work)
}

#[test]
fn elements_of_another_kind_are_verified_alike() {
    let p = program();
    let layout = layout(&p);
    let values = values(&p, &layout);
    let (known, inputs) = (known(&values), inputs());
    let proof = common::proved(values);
    let statement = Statement {
        program: &p,
        layout: &layout,
        inputs: &inputs,
        known: &known,
    };
    let accumulator = verify(&statement, &proof, &mut KeccakTranscript::new()).unwrap();
    let (equation, work) = reduced(&statement, &proof, KeccakTranscript::new());
    assert_eq!(equation.unwrap().multiplied(), accumulator);
    assert!(accumulator.holds(&basis().1));

    // A proof that says nothing takes the same steps: control flow follows from program and layout.
    let generator = G1Affine::generator();
    let mut empty = Proof {
        points: vec![generator; proof.points.len()],
        scalars: vec![Fr::ZERO; proof.scalars.len()],
        opening: Opening::new([generator; 8], [Fr::ZERO; 6]),
    };
    let (counts, scalars) = (Proof::counts(&p, &layout), proof.scalars.len());
    assert_eq!(counts, (proof.points.len(), scalars));
    let (equation, same) = reduced(&statement, &empty, Predictable::default());
    assert!(equation.is_ok());
    assert_eq!(work, same);
    assert!(work.products > 0 && work.multiples > 0 && work.sums > 0 && work.inverses > 0);
    // The digest, public inputs, the point and value of the opening, and what it says.
    let opening = layout.k() as usize + 1 + 6;
    assert_eq!(work.scalars, 1 + inputs.len() + scalars + opening);
    let all = known.points().len() + proof.points.len() + 8;
    assert_eq!(work.points, all);

    empty.scalars.pop();
    let (equation, _) = reduced(&statement, &empty, Predictable::default());
    assert_eq!(equation, Err(Error::Length));
    empty.scalars.extend([Fr::ZERO; 2]);
    let (equation, _) = reduced(&statement, &empty, Predictable::default());
    assert_eq!(equation, Err(Error::Length));
}

//! Programs of all kinds of statements, through real proofs.

mod common;

use common::*;
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_argument::{Error, Known, Proof, Statement, prove};
use nanozk_circuit::{ColumnKind, Layout, Program};
use nanozk_transcript::KeccakTranscript;

/// A program that holds, with its proof.
struct Honest {
    program: Program,
    layout: Layout,
    known: Known,
    proof: Proof,
}

impl Honest {
    fn new() -> Self {
        let program = program();
        let layout = layout(&program);
        let values = values(&program, &layout);
        assert_eq!(program.check(&values), Ok(()));
        let (known, inputs) = (known(&values), inputs());
        let statement = Statement {
            program: &program,
            layout: &layout,
            inputs: &inputs,
            known: &known,
        };
        let mut transcript = KeccakTranscript::new();
        let proof = prove(
            &statement,
            values,
            &basis().0,
            &mut rng(),
            &mut transcript,
            |_| {},
        )
        .unwrap();
        Self {
            program,
            layout,
            known,
            proof,
        }
    }

    fn accepts(&self, proof: &Proof) -> bool {
        self.verified(proof).is_ok()
    }

    /// None if only the pairing refuses it.
    fn verified(&self, proof: &Proof) -> Result<(), Option<Error>> {
        let inputs = inputs();
        let statement = Statement {
            program: &self.program,
            layout: &self.layout,
            inputs: &inputs,
            known: &self.known,
        };
        let mut transcript = KeccakTranscript::new();
        let accumulator = nanozk_argument::verify(&statement, proof, &mut transcript)?;
        match accumulator.holds(&basis().1) {
            true => Ok(()),
            false => Err(None),
        }
    }
}

#[test]
fn each_element_of_a_proof_counts() {
    let honest = Honest::new();
    let Proof {
        points,
        scalars,
        opening,
    } = &honest.proof;
    assert!(honest.accepts(&honest.proof));
    let refused = |what: &str, change: &dyn Fn(&mut Proof)| {
        let mut changed = honest.proof.clone();
        change(&mut changed);
        assert!(!honest.accepts(&changed), "{what}");
    };
    for i in 0..scalars.len() {
        refused(&format!("scalar {i}"), &|p| p.scalars[i] += Fr::ONE);
    }
    for i in 0..points.len() {
        refused(&format!("point {i}"), &|p| p.points[i] = -p.points[i]);
        refused(&format!("no point {i}"), &|p| {
            p.points[i] = Default::default()
        });
    }
    for i in 0..opening.points().len() {
        refused(&format!("point {i} of the opening"), &|p| {
            let mut points = p.opening.points();
            points[i] = -points[i];
            let v = p.opening.values;
            let values = [v.g, v.g_inverse, v.h, v.h_inverse, v.h_alpha, v.s];
            p.opening = nanozk_argument::Opening::new(points, values);
        });
    }
    let values: [fn(&mut Proof) -> &mut Fr; 6] = [
        |p| &mut p.opening.values.g,
        |p| &mut p.opening.values.g_inverse,
        |p| &mut p.opening.values.h,
        |p| &mut p.opening.values.h_inverse,
        |p| &mut p.opening.values.h_alpha,
        |p| &mut p.opening.values.s,
    ];
    for value in values {
        refused("a value of the opening", &|p| *value(p) += Fr::ONE);
    }
}

/// A polynomial of a round has as many coefficients as its degree allows: one more is one scalar too many.
#[test]
fn a_proof_has_as_many_elements_as_its_program_says() {
    let honest = Honest::new();
    let length = Err(Some(Error::Length));
    let mut changed = honest.proof.clone();
    changed.scalars.push(Fr::ZERO);
    assert_eq!(honest.verified(&changed), length);
    let mut changed = honest.proof.clone();
    changed.points.push(changed.points[0]);
    assert_eq!(honest.verified(&changed), length);
    let mut changed = honest.proof.clone();
    changed.points.pop();
    assert_eq!(honest.verified(&changed), length);
    // From any place on, what follows is read as something else; the last one missing is noticed at the end.
    for i in 0..honest.proof.scalars.len() {
        let mut changed = honest.proof.clone();
        changed.scalars.remove(i);
        assert!(!honest.accepts(&changed), "scalar {i} missing");
        let mut changed = honest.proof.clone();
        changed.scalars.insert(i, Fr::ZERO);
        assert!(!honest.accepts(&changed), "scalar {i} inserted");
    }
    let mut changed = honest.proof.clone();
    changed.scalars.pop();
    assert_eq!(honest.verified(&changed), length);
}

#[test]
fn an_opening_of_another_point_is_refused() {
    let honest = Honest::new();
    let mut values = values(&honest.program, &honest.layout);
    // A cell of a lane of witnesses that no tensor has: another commitment, the same statement.
    let (witness, _) = values
        .kinds()
        .filter(|(_, kind)| matches!(kind, nanozk_circuit::ColumnKind::Witness(_)))
        .last()
        .unwrap();
    values.column_mut(witness).set_field((1 << K) - 1, Fr::ONE);
    let other = proved(values);
    assert!(honest.accepts(&other));
    for (proof, of) in [(&honest.proof, &other), (&other, &honest.proof)] {
        let mut changed = proof.clone();
        changed.opening = of.opening;
        assert_eq!(honest.verified(&changed), Err(None));
        let mut changed = proof.clone();
        changed.points.clone_from(&of.points);
        assert!(!honest.accepts(&changed));
        let mut changed = proof.clone();
        changed.scalars.clone_from(&of.scalars);
        assert!(!honest.accepts(&changed));
    }
}

#[test]
fn a_proof_is_of_its_statement_only() {
    let honest = Honest::new();
    let inputs = inputs();
    let statement = Statement {
        program: &honest.program,
        layout: &honest.layout,
        inputs: &inputs,
        known: &honest.known,
    };
    let verify =
        |statement: &Statement<'_>| accepted(statement, &honest.proof, KeccakTranscript::new());
    assert!(verify(&statement));
    // Other commitments, or two of them swapped.
    let ids: Vec<_> = honest.known.points().keys().copied().collect();
    for (i, id) in ids.iter().enumerate() {
        let points = honest.known.points();
        let mut changed = points.clone();
        changed.insert(*id, -points[id]);
        let known = Known::unchecked(changed);
        assert!(!verify(&Statement {
            known: &known,
            ..statement
        }));
        let other = ids[(i + 1) % ids.len()];
        let mut changed = points.clone();
        changed.insert(*id, points[&other]);
        changed.insert(other, points[id]);
        let known = Known::unchecked(changed);
        assert!(!verify(&Statement {
            known: &known,
            ..statement
        }));
        let mut changed = points.clone();
        changed.remove(id);
        let known = Known::unchecked(changed);
        let missing = Statement {
            known: &known,
            ..statement
        };
        let result = nanozk_argument::verify(&missing, &honest.proof, &mut KeccakTranscript::new());
        assert_eq!(result.err(), Some(Error::UnknownCommitment(id.index())));
    }
    // Other public inputs.
    assert!(!verify(&Statement {
        inputs: &[Fr::from(8)],
        ..statement
    }));
    for inputs in [&[][..], &[Fr::from(7), Fr::from(7)]] {
        let other = Statement {
            inputs,
            ..statement
        };
        let result = nanozk_argument::verify(&other, &honest.proof, &mut KeccakTranscript::new());
        let got = inputs.len();
        assert_eq!(result.err(), Some(Error::Inputs { expected: 1, got }));
    }
    // A program with one statement more, and another layout.
    let mut more = honest.program.clone();
    let x = more.named("x").unwrap();
    more.zero("nothing", &[], more.use_of(x) - more.use_of(x));
    let layout = common::layout(&more);
    assert!(!verify(&Statement {
        program: &more,
        layout: &layout,
        ..statement
    }));
    let packed = Packed::new(&honest.program, K);
    let layout = Layout::new(&honest.program, K, 3, &packed).unwrap();
    assert!(!verify(&Statement {
        layout: &layout,
        ..statement
    }));
}

/// Nobody is asked for the commitment to a table, and everybody for all others.
#[test]
fn tables_are_those_of_the_program() {
    let honest = Honest::new();
    let (program, layout) = (&honest.program, &honest.layout);
    let points = honest.known.points();
    let mut asked = Vec::new();
    let known = Known::new(&basis().0, program, layout, |kind| {
        asked.push(kind);
        let (id, _) = layout.enumerate().find(|(_, c)| c.kind == kind)?;
        Some(points[&id])
    });
    assert_eq!(known.as_ref(), Ok(&honest.known));
    let is_table = |kind: &ColumnKind| matches!(kind, ColumnKind::TableValues(_));
    let tables = layout.columns().iter().filter(|c| is_table(&c.kind));
    assert_eq!(tables.count(), 1);
    assert!(!asked.iter().any(is_table));
    assert_eq!(asked.len() + 1, points.len());
    let first = *points.keys().next().unwrap();
    let missing = Known::new(&basis().0, program, layout, |_| None);
    assert_eq!(missing.err(), Some(Error::UnknownCommitment(first.index())));
}

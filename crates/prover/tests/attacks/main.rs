//! Attacks on attention and MLP, by a prover that proves whatever it likes.
//!
//! Each forgery is adapted as far as a cheater can: everything that follows from the false value is
//! computed from it. What is left to stop it is named, and without that it would pass: it is shown that
//! nothing else fails. Its proof, which the prover makes all the same, is rejected.

#[path = "../common/layers/mod.rs"]
mod layers;

mod encoding;
mod linear;
mod lookup;
mod norm;
mod softmax;
mod statement;

use halo2curves::bn256::{Fr, G1Affine};
use layers::*;
use nanozk_circuits::ir::{Column, Poly, Program, Step};
use nanozk_circuits::LayerKind;
use nanozk_prover::check::{random_challenges, violations};
use nanozk_prover::plonk::{self, verifier_params, ProvingKey, Witness};
use nanozk_setup::{Setup, DEVELOPMENT_SEED};
use nanozk_verifier::{verify, Error, Expected, KzgVerifier, Proof, TranscriptKind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// What a proof takes and what verifies it.
pub(crate) struct Prover {
    pub(crate) setup: Setup,
    pub(crate) pk: ProvingKey,
    pub(crate) kzg: KzgVerifier,
}

impl Prover {
    pub(crate) fn new(program: &Arc<Program>) -> Self {
        let setup = Setup::development(program.k, DEVELOPMENT_SEED).expect("a small size");
        let pk = ProvingKey::new(setup.params(), setup.id(), program.clone());
        let kzg = verifier_params(setup.params(), setup.id());
        Prover { setup, pk, kzg }
    }

    /// Of the usual settings, made once.
    pub(crate) fn of(case: &Case) -> &'static Self {
        static PROVERS: [OnceLock<Prover>; 2] = [OnceLock::new(), OnceLock::new()];
        let kind = case.layer.shape.kind;
        let prover = &PROVERS[usize::from(kind == LayerKind::Mlp)];
        let prover = prover.get_or_init(|| Prover::new(&case.layer.program));
        assert_eq!(prover.pk.vk().program().name, case.layer.program.name);
        prover
    }

    pub(crate) fn prove(&self, case: &Case) -> Proof {
        self.prove_with(case, BTreeMap::new())
    }

    /// With commitments that are claimed to be those of some columns.
    pub(crate) fn prove_with(&self, case: &Case, known: BTreeMap<Column, G1Affine>) -> Proof {
        let (first_phase, instances) = (case.first.clone(), case.instances.as_slice());
        let witness = Witness {
            first_phase,
            known,
            instances,
        };
        let kind = TranscriptKind::Keccak;
        plonk::prove(
            self.setup.params(),
            &self.pk,
            witness,
            kind,
            &mut rng(7),
            &|_| (),
        )
        .expect("a proof")
    }

    pub(crate) fn verify(
        &self,
        instances: &[Fr],
        expected: &Expected<'_>,
        proof: &Proof,
    ) -> Result<(), Error> {
        verify(&self.kzg, self.pk.vk(), instances, expected, proof)
    }

    pub(crate) fn rejects(&self, case: &Case, proof: &Proof) {
        let result = self.verify(&case.instances, &Expected::default(), proof);
        assert_eq!(result, Err(Error::Rejected));
    }
}

/// Which part of the running sum stops a forgery.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Lookups,
    Equations,
}

/// The program without a part of its running sum.
pub(crate) fn without(program: &Program, part: Part) -> Program {
    let named = |is: fn(&str) -> bool| {
        let columns = program.columns.iter().enumerate();
        let matching = columns.filter(|(_, c)| is(&c.name));
        matching.map(|(i, _)| Column(i as u32)).collect::<Vec<_>>()
    };
    let (helpers, sum) = (
        named(|n| n.starts_with("helper ")),
        named(|n| n == "sum")[0],
    );
    let keep = |poly: &mut Poly| {
        poly.0.retain(|t| {
            let has = |columns: &[Column]| t.cells.iter().any(|c| columns.contains(&c.column));
            has(&[sum]) || has(&helpers) == (part == Part::Equations)
        });
    };
    let mut program = program.clone();
    keep(
        &mut program
            .gates
            .iter_mut()
            .find(|g| g.id == "sum_next")
            .expect("a running sum")
            .poly,
    );
    for step in &mut program.steps {
        match step {
            Step::Assign { column, value, .. } if *column == sum => keep(value),
            _ => {}
        }
    }
    program
}

fn failing(program: &Program, case: &Case) -> BTreeSet<String> {
    let all = violations(
        program,
        case.first.clone(),
        &case.instances,
        &random_challenges(),
    );
    all.into_iter().map(|v| v.gate).collect()
}

/// Stopped by these gates and nothing else.
pub(crate) fn stopped_by(mut case: Case, gates: &[&str]) {
    case.recount();
    assert_eq!(
        case.violations(),
        gates.iter().map(|g| g.to_string()).collect()
    );
    let prover = Prover::of(&case);
    prover.rejects(&case, &prover.prove(&case));
}

/// Stopped by a part of the running sum and nothing else.
pub(crate) fn stopped_by_part(mut case: Case, part: Part) {
    case.recount();
    stopped_as_counted(&case, part);
}

/// As [`stopped_by_part`], with the multiplicities that the case has.
pub(crate) fn stopped_as_counted(case: &Case, part: Part) {
    assert_eq!(case.violations(), BTreeSet::from(["sum_ends".to_string()]));
    let rest = without(case.program(), part);
    assert_eq!(
        failing(&rest, case),
        BTreeSet::new(),
        "it would pass without that part"
    );
    let prover = Prover::of(case);
    prover.rejects(case, &prover.prove(case));
}

pub(crate) fn mlp() -> Case {
    Case::new(SMALL, LayerKind::Mlp)
}

pub(crate) fn attention() -> Case {
    Case::new(
        Setting {
            twins: true,
            ..SMALL
        },
        LayerKind::Attention,
    )
}

/// Honest values written by the means of the forgeries are accepted.
#[test]
fn honest_values_are_accepted() {
    let mut c = mlp();
    for t in 0..c.n() {
        NormRow::of(&c, t).write(&mut c, t);
    }
    c.feed(&c.mlp.norm.out.clone());
    let mut a = attention();
    for row in SoftRow::all(&a) {
        row.write(&mut a);
    }
    a.attend();
    for mut case in [c, a] {
        let before = case.first.clone();
        case.recount();
        assert!(case.first == before, "nothing changed");
        let prover = Prover::of(&case);
        let proof = prover.prove(&case);
        let weights = proof.weight_commitments(prover.pk.vk());
        let expected = Expected {
            weights: Some(&weights),
            ..Expected::default()
        };
        assert_eq!(prover.verify(&case.instances, &expected, &proof), Ok(()));
    }
}

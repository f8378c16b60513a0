//! What a proof is bound to: commitments, statement, key, weights.

use crate::layers::*;
use crate::{mlp, Prover};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_circuits::ir::{Column, Kind, Poly, Program, Span, Step};
use nanozk_circuits::{BlockShape, Layer, LayerKind, Shape};
use nanozk_prover::plonk::{commit_column, ProvingKey};
use nanozk_verifier::hex::{Digest32, Scalar};
use nanozk_verifier::statement::{Context, Statement};
use nanozk_verifier::transcript::Rounds;
use nanozk_verifier::{Error, Expected, Proof, TranscriptKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All challenges of a proof, in their order.
fn challenges(prover: &Prover, instances: &[Fr], proof: &Proof) -> Vec<Fr> {
    let mut rounds = Rounds::new(proof.transcript, prover.pk.vk(), instances).unwrap();
    let mut all = rounds.first_phase(&proof.first).unwrap().to_vec();
    all.push(rounds.second_phase(&proof.second).unwrap());
    all.push(rounds.quotient(&proof.quotient).unwrap());
    all.push(rounds.evaluations(&proof.evals));
    all.push(rounds.opening(&proof.opening[0]).unwrap());
    all.push(rounds.last(&proof.opening[1]).unwrap());
    all
}

/// A challenge drawn before a commitment would not change with it: what is committed could be made to fit.
#[test]
fn challenges_are_drawn_after_commitments() {
    let case = mlp();
    let prover = Prover::of(&case);
    for kind in [TranscriptKind::Keccak, TranscriptKind::Poseidon] {
        let proof = Proof {
            transcript: kind,
            ..prover.prove(&case)
        };
        let honest = challenges(prover, &case.instances, &proof);
        let from = |instances: &[Fr], changed: &Proof| {
            let all = challenges(prover, instances, changed);
            let equal = all.iter().zip(&honest).take_while(|(a, b)| a == b).count();
            assert!(all[equal..]
                .iter()
                .zip(&honest[equal..])
                .all(|(a, b)| a != b));
            equal
        };
        type Group = fn(&mut Proof) -> &mut [G1Affine];
        let groups: [(Group, usize); 3] = [
            (|p| &mut p.first, 0),
            (|p| &mut p.second, 4),
            (|p| &mut p.quotient, 5),
        ];
        for (group, drawn_before) in groups {
            for i in 0..group(&mut proof.clone()).len() {
                let mut changed = proof.clone();
                group(&mut changed)[i] = G1Affine::generator();
                assert_eq!(from(&case.instances, &changed), drawn_before, "{i}");
            }
        }
        for i in 0..proof.evals.len() {
            let mut changed = proof.clone();
            changed.evals[i] += Fr::ONE;
            assert_eq!(from(&case.instances, &changed), 6);
        }
        let mut changed = proof.clone();
        changed.opening[0] = G1Affine::generator();
        assert_eq!(from(&case.instances, &changed), 7);
        let mut changed = proof.clone();
        changed.opening[1] = G1Affine::generator();
        assert_eq!(from(&case.instances, &changed), 8);
        for i in 0..case.instances.len() {
            let mut instances = case.instances.clone();
            instances[i] += Fr::ONE;
            assert_eq!(from(&instances, &proof), 0);
        }
    }
}

/// A second phase of the prover's choosing: its steps are no part of what is verified, its gates are.
#[test]
fn second_phase_of_the_provers_choosing() {
    let case = mlp();
    let honest = Prover::of(&case);
    let column = |name: &str| {
        let at = case
            .program()
            .columns
            .iter()
            .position(|c| c.name == name)
            .unwrap();
        Column(at as u32)
    };
    let usable = case.program().usable();
    let double = |p: &mut Program, name: &str, rows: Span, last: bool| {
        let column = column(name);
        let fills = |s: &Step| matches!(s, Step::Assign { column: c, .. } | Step::Ratio { column: c, .. } if *c == column);
        let at = if last {
            p.steps.len()
        } else {
            p.steps.iter().rposition(fills).unwrap() + 1
        };
        p.steps.insert(
            at,
            Step::Assign {
                column,
                rows,
                descending: false,
                value: column.cur() * 2,
            },
        );
    };
    let attacks: [(&str, Span, bool); 5] = [
        ("powers", Span::run(0, usable), false),
        ("fold x", Span::run(0, usable), false),
        ("fold w", Span::row(1), true),
        ("helper 0", Span::row(1), false),
        ("sum", Span::row(usable / 2), true),
    ];
    for (name, rows, last) in attacks {
        let mut program = case.program().clone();
        double(&mut program, name, rows, last);
        let (setup, fixed) = (honest.setup.id(), honest.pk.fixed_commitments().to_vec());
        let pk = ProvingKey::with_commitments(setup, Arc::new(program), fixed);
        assert_eq!(pk.vk().digest(), honest.pk.vk().digest());
        let cheat = Prover {
            setup: honest.setup.clone(),
            pk,
            kzg: honest.kzg,
        };
        honest.rejects(&case, &cheat.prove(&case));
    }
    // A running sum that ends at zero because it is zero.
    let mut program = case.program().clone();
    let (column, rows) = (column("sum"), Span::run(0, usable));
    program.steps.push(Step::Assign {
        column,
        rows,
        descending: false,
        value: Poly::zero(),
    });
    let pk = ProvingKey::with_commitments(
        honest.setup.id(),
        Arc::new(program),
        honest.pk.fixed_commitments().to_vec(),
    );
    let cheat = Prover {
        setup: honest.setup.clone(),
        pk,
        kzg: honest.kzg,
    };
    honest.rejects(&case, &cheat.prove(&case));
}

/// Without public inputs in the transcript, a proof could be shown for another statement.
#[test]
fn replay_under_another_statement() {
    let statement = Statement {
        context: Context {
            chain: 1,
            ..Context::default()
        },
        model: Digest32([1; 32]),
        input: Scalar(Fr::from(2)),
        output: Scalar(Fr::from(3)),
        first_layer: 0,
        layers: 6,
    };
    let mut case = mlp();
    case.instances = statement.words().to_vec();
    let prover = Prover::of(&case);
    let proof = prover.prove(&case);
    let verify = |s: Statement| prover.verify(&s.words(), &Expected::default(), &proof);
    assert_eq!(verify(statement), Ok(()));
    let d = Digest32([9; 32]);
    let context = statement.context;
    let others = [
        Statement {
            context: Context {
                chain: 2,
                ..context
            },
            ..statement
        },
        Statement {
            context: Context {
                contract: d,
                ..context
            },
            ..statement
        },
        Statement {
            context: Context {
                claim: d,
                ..context
            },
            ..statement
        },
        Statement {
            context: Context {
                recipient: d,
                ..context
            },
            ..statement
        },
        Statement {
            model: d,
            ..statement
        },
        Statement {
            input: Scalar(Fr::from(4)),
            ..statement
        },
        Statement {
            output: Scalar(Fr::from(4)),
            ..statement
        },
        Statement {
            first_layer: 1,
            ..statement
        },
        Statement {
            layers: 5,
            ..statement
        },
    ];
    for other in others {
        assert_eq!(verify(other), Err(Error::Rejected), "{other:?}");
    }
    let [high, low] = statement.words();
    let swapped = prover.verify(&[low, high], &Expected::default(), &proof);
    assert_eq!(swapped, Err(Error::Rejected));
}

/// Without the verifier's comparison, a layer could be computed with the weights of another.
#[test]
fn weights_of_another_layer() {
    let case = mlp();
    let prover = Prover::of(&case);
    let vk = prover.pk.vk();
    let registered = prover.prove(&case).weight_commitments(vk);
    let expected = Expected {
        weights: Some(&registered),
        ..Expected::default()
    };
    let other = Case::new(Setting { seed: 2, ..SMALL }, LayerKind::Mlp);
    assert!(other.violations().is_empty());

    let proof = prover.prove(&other);
    assert_eq!(
        prover.verify(&other.instances, &Expected::default(), &proof),
        Ok(())
    );
    let unexpected = Error::UnexpectedCommitment {
        kind: Kind::Weight,
        index: 0,
    };
    assert_eq!(
        prover.verify(&other.instances, &expected, &proof),
        Err(unexpected)
    );

    // Other weights under the registered commitments, exchanged before or after the challenges.
    let columns: Vec<Column> = vk.program().columns_of(Kind::Weight).collect();
    let known: BTreeMap<_, _> = columns
        .into_iter()
        .zip(registered.iter().copied())
        .collect();
    let proof = prover.prove_with(&other, known);
    assert_eq!(
        prover.verify(&other.instances, &expected, &proof),
        Err(Error::Rejected)
    );
    let mut proof = prover.prove(&other);
    let at = vk
        .program()
        .first_phase()
        .iter()
        .position(|c| vk.program().info(*c).kind == Kind::Weight);
    proof.first[at.unwrap()] = registered[0];
    assert_eq!(
        prover.verify(&other.instances, &expected, &proof),
        Err(Error::Rejected)
    );
}

/// Without the verifier's comparison, a layer could start or end elsewhere than its neighbours do.
#[test]
fn input_or_output_of_another_session() {
    let case = mlp();
    let prover = Prover::of(&case);
    let vk = prover.pk.vk();
    let commit = |column: &str| {
        commit_column(
            prover.setup.params(),
            case.first[case.index(column)].clone(),
        )
    };
    let (input, output) = ([commit("input")], [commit("output")]);
    let expected = Expected {
        input: Some(&input),
        output: Some(&output),
        weights: None,
    };
    let proof = prover.prove(&case);
    assert_eq!(prover.verify(&case.instances, &expected, &proof), Ok(()));

    // The same weights on another input.
    let mut other = Case::new(
        Setting {
            twins: true,
            ..SMALL
        },
        LayerKind::Mlp,
    );
    let proof = prover.prove(&other);
    assert_eq!(
        prover.verify(&case.instances, &Expected::default(), &proof),
        Ok(())
    );
    for (kind, expected) in [
        (
            Kind::Input,
            Expected {
                output: None,
                ..expected
            },
        ),
        (
            Kind::Output,
            Expected {
                input: None,
                ..expected
            },
        ),
    ] {
        let unexpected = Error::UnexpectedCommitment { kind, index: 0 };
        assert_eq!(
            prover.verify(&case.instances, &expected, &proof),
            Err(unexpected)
        );
    }
    // The expected input, and an output that is not its own; the other way round.
    for (from, to) in [("input", "output"), ("output", "input")] {
        let mut mixed = case.clone();
        let at = mixed.index(to);
        mixed.first[at] = std::mem::take(&mut other.first[at]);
        assert!(mixed.violations().contains("sum_ends"), "{from}");
        prover.rejects(&mixed, &prover.prove(&mixed));
    }
    assert_eq!(
        proof.input_commitment(vk).is_some(),
        proof.output_commitment(vk).is_some()
    );
}

/// Without the key in the transcript and in the equations, a proof of one shape could pass for another's.
#[test]
fn proof_for_another_key() {
    let case = mlp();
    let prover = Prover::of(&case);
    let proof = prover.prove(&case);
    let shape = case.layer.shape;
    let block = |block: BlockShape| Shape { block, ..shape };
    let same_layout = [
        block(BlockShape {
            eps: shape.block.eps + 1,
            ..shape.block
        }),
        block(BlockShape {
            norm_frac: shape.block.norm_frac - 1,
            ..shape.block
        }),
        block(BlockShape {
            mlp_width: shape.block.mlp_width - 1,
            ..shape.block
        }),
        block(BlockShape {
            activation: nanozk_executor::Activation::Relu,
            ..shape.block
        }),
    ];
    for shape in same_layout {
        let other = Prover::new(&Layer::new(shape).unwrap().program);
        let result = other.verify(&case.instances, &Expected::default(), &proof);
        let equal = other.pk.vk().layout().openings.len() == proof.evals.len();
        assert!(equal, "{shape:?}");
        assert_eq!(result, Err(Error::Rejected), "{shape:?}");
    }
    let attention = Prover::new(
        &Layer::new(SMALL.shape(LayerKind::Attention))
            .unwrap()
            .program,
    );
    let result = attention.verify(&case.instances, &Expected::default(), &proof);
    assert!(matches!(result, Err(Error::WrongShape { .. })));
    let bytes = proof.to_bytes();
    let decoded = Proof::from_bytes(attention.pk.vk(), TranscriptKind::Keccak, &bytes);
    assert!(matches!(decoded, Err(Error::WrongLength { .. })));
}

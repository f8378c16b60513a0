//! Nodes over real proofs.

use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_aggregation::{Child, ChildProof, Node, Witness};
use nanozk_circuits::{plan, BlockShape, Layer, LayerKind, Objective};
use nanozk_executor::{synthetic, Activation, Architecture};
use nanozk_prover::check::{random_challenges, violations};
use nanozk_prover::plonk::{prove, verifier_params, ProvingKey, Witness as Columns};
use nanozk_prover::synthetic::SyntheticLayer;
use nanozk_setup::{Setup, DEVELOPMENT_SEED};
use nanozk_verifier::transcript::poseidon::chain_layer;
use nanozk_verifier::{verify, Expected, TranscriptKind};
use rand_core::OsRng;
use std::sync::Arc;

#[test]
fn one_layer() {
    let arch = Architecture {
        layers: 1,
        width: 8,
        heads: 2,
        mlp_width: 16,
        vocab: 32,
        context: 4,
    };
    let kind = LayerKind::Attention;
    let spec = synthetic::spec(arch.width, Activation::GeluNew);
    let block = BlockShape::new(&arch, &spec);
    let shape = plan(&[(kind, 1)], block, 4, Objective::default())
        .unwrap()
        .choices[0]
        .shape;
    let layer = Layer::new(shape).unwrap();
    let setup = Setup::development(shape.plan.k, DEVELOPMENT_SEED).unwrap();
    let key = ProvingKey::new(setup.params(), setup.id(), layer.program.clone());
    let run = SyntheticLayer::new(&arch, kind, 4, [Fr::from(11), Fr::from(12)]).unwrap();
    let weights = run.weights(&layer, &setup);
    let statement = [Fr::from(1), Fr::from(2)];
    let instances = run.instances(statement);
    let proof = run
        .prove(
            &layer,
            &key,
            &setup,
            &weights,
            &instances,
            TranscriptKind::Poseidon,
            &mut OsRng,
        )
        .unwrap();
    let vk = key.vk().clone();
    let params = verifier_params(setup.params(), setup.id());
    verify(&params, &vk, &instances, &Expected::default(), &proof).unwrap();

    let node = Node::new(
        vec![Child::Layer {
            kind,
            key: vk.clone(),
        }],
        false,
    );
    let t = std::time::Instant::now();
    let program = node.program();
    println!("k {} {:?}", program.k, t.elapsed());
    let boundary = |p: Option<G1Affine>| p;
    let witness = Witness {
        statement,
        input: Fr::from(5),
        output: Fr::from(6),
        before: Fr::from(7),
        proofs: vec![ChildProof {
            proof: &proof,
            accumulator: None,
            digest: Fr::ZERO,
        }],
        boundaries: vec![
            boundary(proof.input_commitment(&vk)),
            boundary(proof.output_commitment(&vk)),
        ],
    };
    let t = std::time::Instant::now();
    let run = node.run(&witness);
    println!("run {:?}", t.elapsed());
    assert_eq!(
        run.digest,
        chain_layer(Fr::from(7), vk.digest_scalar(), &weights.commitments)
    );
    assert!(run.columns.program.fixed == program.fixed);
    run.accumulator.check(&params).unwrap();
    let t = std::time::Instant::now();
    let bad = violations(
        &program,
        run.columns.first_phase.clone(),
        &run.instances,
        &random_challenges(),
    );
    println!("check {:?} {:?}", t.elapsed(), bad);
    assert_eq!(bad, vec![]);

    let setup = Setup::development(program.k, DEVELOPMENT_SEED).unwrap();
    let t = std::time::Instant::now();
    let key =
        ProvingKey::new(setup.params(), setup.id(), Arc::new(run.columns.program)).with_cosets();
    println!("key {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let columns = Columns {
        first_phase: run.columns.first_phase,
        known: Default::default(),
        instances: &run.instances,
    };
    let proof = prove(
        setup.params(),
        &key,
        columns,
        TranscriptKind::Keccak,
        &mut OsRng,
        &|s| println!("{s:?} {:?}", t.elapsed()),
    )
    .unwrap();
    println!("prove {:?} {} bytes", t.elapsed(), proof.to_bytes().len());
    verify(
        &params,
        key.vk(),
        &run.instances,
        &Expected::default(),
        &proof,
    )
    .unwrap();
}

//! What proofs and commitments do not say: everything random in them is drawn anew, cell by cell.

mod common;

use common::*;
use halo2_proofs::poly::commitment::ParamsProver;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use nanozk_circuits::composer::SALT_ROWS;
use nanozk_circuits::embed::SequenceTrace;
use nanozk_circuits::ir::{Kind, BLIND_ROWS};
use nanozk_circuits::{LayerKind, LayerTrace, LayerWeights};
use nanozk_prover::check::{complete, random_challenges};
use nanozk_prover::keys::KeyStore;
use nanozk_prover::plonk::commit_column;
use nanozk_prover::registration::weight_columns;
use nanozk_prover::session::{boundary_values, SessionDir};
use nanozk_prover::synthetic::{SyntheticModel, WEIGHT_SEED};
use nanozk_verifier::card::layer_kinds;
use nanozk_verifier::encoding::{point_compressed, scalar_to_bytes};
use nanozk_verifier::statement::Context;
use nanozk_verifier::{Proof, TranscriptKind};
use rand_core::OsRng;
use std::cell::Cell;
use std::collections::HashSet;
use std::sync::LazyLock;
use tempfile::TempDir;

static MODEL: LazyLock<SyntheticModel> = LazyLock::new(|| {
    let dir = TempDir::new().expect("a directory");
    SyntheticModel::new(1, 1, &KeyStore::new(dir.path())).expect("registered")
});

fn claim(dir: &TempDir) -> SessionDir {
    let path = dir.path().join("session");
    MODEL
        .claim(&path, Context::default(), &mut OsRng)
        .expect("claimed")
}

fn prove(session: &SessionDir) -> Vec<Proof> {
    MODEL
        .prove(session, TranscriptKind::Keccak, vec![], &|_| {})
        .expect("proved");
    (0..MODEL.card.layers.len())
        .map(|l| MODEL.proof(session, l).expect("readable").expect("there"))
        .collect()
}

/// Adds blind rows to those seen so far; none may be seen twice, in whatever column.
fn see(seen: &mut HashSet<[u8; 32]>, column: &[Fr], what: &str) {
    for value in &column[column.len() - BLIND_ROWS..] {
        assert!(!value.is_zero_vartime(), "{what}: not blinded");
        assert!(seen.insert(value.to_repr()), "{what}: one value twice");
    }
}

// ---- one proof

/// A program whose columns have no blind rows has nothing random in its proof but the quotient's cut.
#[test]
fn the_cut_of_the_quotient_is_blinded() {
    let mut example = products();
    example.program.public = true;
    let fixture = Fixture::new(example);
    let proofs = [2, 3].map(|seed| fixture.prove(KINDS[0], seed));
    for proof in &proofs {
        fixture.verify(proof).expect("valid");
    }
    let [one, other] = &proofs;
    assert_eq!(one.first, other.first);
    assert_eq!(one.second, other.second);
    // The first two numbers that are drawn move both pieces, their sum stays.
    let [mut a, mut b] = [2, 3].map(rng);
    let by: [Fr; 2] = std::array::from_fn(|_| Fr::random(&mut a) - Fr::random(&mut b));
    assert!(by.iter().all(|b| !b.is_zero_vartime()));
    let g = fixture.params.get_g();
    let moved = |from: usize| g[from] * by[0] + g[from + 1] * by[1];
    let n = 1 << K;
    assert_eq!(one.quotient[0] - other.quotient[0], moved(n - 2));
    assert_eq!(other.quotient[1] - one.quotient[1], moved(0));
}

#[test]
fn every_blind_row_is_fresh() {
    let mut seen = HashSet::new();
    for example in examples() {
        let program = &example.program;
        let challenges = random_challenges();
        // Twice: rows of another proof are others.
        for _ in 0..2 {
            let first = example.first.clone();
            let columns = complete(program, first, &example.instances, &challenges);
            for (info, column) in program.columns.iter().zip(&columns) {
                match (info.kind, info.zero_blind) {
                    (Kind::Fixed, _) => {}
                    (_, false) => see(&mut seen, column, &info.name),
                    (_, true) => {
                        let blind = &column[column.len() - BLIND_ROWS..];
                        assert!(blind.iter().all(Field::is_zero_vartime), "{}", info.name);
                    }
                }
            }
        }
    }
}

/// Columns that must be zero in the blind rows are hidden by limbs drawn for nothing else.
#[test]
fn salt_rows_are_drawn_cell_by_cell() {
    let m = &*MODEL;
    let tokens = vec![3, 1, 4, 1, 5, 9, 2, 6];
    let trace = m.model.forward(&tokens).expect("in range");
    let sequence = SequenceTrace {
        tokens,
        prompt: 7,
        generated: 1,
        input_salt: Fr::ONE,
        output_salt: Fr::ONE,
    };
    let (attention, mlp) = &trace.blocks[0];
    let traces = [
        (LayerKind::Attention, LayerTrace::Attention(attention)),
        (LayerKind::Mlp, LayerTrace::Mlp(mlp)),
        (LayerKind::Head, LayerTrace::Head(&sequence, &trace.head)),
    ];
    for (kind, trace) in traces {
        let layer = m
            .card
            .layers
            .iter()
            .find(|l| l.kind == kind)
            .expect("there");
        let layer = &m.prepared[&m.card.shape(layer)].layer;
        let program = &layer.program;
        let drawn = Cell::new(0);
        let witness = |of: &dyn Fn(u64) -> u64| {
            let draw = || {
                drawn.set(drawn.get() + 1);
                of(drawn.get() - 1)
            };
            layer.witness(trace, draw).expect("in range")
        };
        let zeros = witness(&|_| 0);
        let ones = witness(&|_| u64::MAX);
        drawn.set(0);
        let counted = witness(&|i| i);
        let lanes: Vec<usize> = (0..zeros.len())
            .filter(|i| {
                program
                    .info(program.first_phase()[*i])
                    .name
                    .starts_with("lane ")
            })
            .collect();
        assert!(!lanes.is_empty());
        assert_eq!(
            drawn.get(),
            (lanes.len() * SALT_ROWS) as u64,
            "one number a cell"
        );
        let mut salts = Vec::new();
        for lane in lanes {
            let rows = 0..program.rows();
            let salted = rows.filter(|row| zeros[lane][*row] != ones[lane][*row]);
            let before = salts.len();
            salts.extend(salted.map(|row| counted[lane][row].to_repr()[0]));
            assert_eq!(salts.len() - before, SALT_ROWS);
        }
        // Each lane has what was drawn for it, byte by byte.
        let mut expected: Vec<u8> = (0..drawn.get()).map(|i| i as u8).collect();
        salts.sort_unstable();
        expected.sort_unstable();
        assert_eq!(salts, expected, "{}", kind.name());
    }
}

// ---- commitments

#[test]
fn weights_are_blinded_column_by_column() {
    let m = &*MODEL;
    let mut seen = HashSet::new();
    for seed in [WEIGHT_SEED, [6; 32]] {
        for (index, (kind, block)) in layer_kinds(1, false).into_iter().enumerate() {
            let layer = &m.prepared[&m.card.shape(&m.card.layers[index])].layer;
            let weights = LayerWeights::of(&m.model, kind, block);
            // As if a later layer had the same weights.
            let [here, later] =
                [0, 100].map(|by| weight_columns(layer, weights, &seed, index + by));
            for (j, (one, other)) in here.iter().zip(&later).enumerate() {
                see(&mut seen, one, "weights");
                see(&mut seen, other, "equal weights");
                let used = layer.program.usable();
                assert_eq!(one[..used], other[..used]);
                let commit = |c: &[Fr]| commit_column(m.setup.params(), c.to_vec());
                assert_ne!(commit(one), commit(other));
                if seed == WEIGHT_SEED {
                    assert_eq!(commit(one), m.card.layers[index].weights[j].0);
                }
            }
        }
    }
}

#[test]
fn boundaries_are_blinded_one_by_one() {
    let m = &*MODEL;
    let (n, rows) = (m.card.tokens, 1usize << m.setup.k());
    let x: Vec<i64> = (0..(n * m.card.architecture.width) as i64).collect();
    let mut seen = HashSet::new();
    let mut commitments = HashSet::new();
    for seed in [[1; 32], [2; 32]] {
        for boundary in 0..3 {
            // The same activations at each place.
            let column = boundary_values(rows, &seed, boundary, &x, n);
            see(&mut seen, &column, "boundary");
            let commitment = commit_column(m.setup.params(), column);
            assert!(commitments.insert(point_compressed(&commitment)));
        }
    }
}

// ---- whole proofs

fn words(points: &[G1Affine]) -> impl Iterator<Item = [u8; 32]> + '_ {
    points.iter().map(point_compressed)
}

/// Everything in a proof but the commitments that it shares on purpose: weights, and activations within a session.
fn own_elements(proof: &Proof, layer: usize, boundaries: bool) -> Vec<[u8; 32]> {
    let m = &*MODEL;
    let program = &m.prepared[&m.card.shape(&m.card.layers[layer])]
        .layer
        .program;
    let own = program.first_phase().into_iter().zip(&proof.first);
    let own = own.filter(|(column, _)| match program.info(*column).kind {
        Kind::Weight => false,
        Kind::Input | Kind::Output => boundaries,
        _ => true,
    });
    let first: Vec<G1Affine> = own.map(|(_, point)| *point).collect();
    words(&first)
        .chain(words(&proof.second))
        .chain(words(&proof.quotient))
        .chain(words(&proof.opening))
        .chain(proof.evals.iter().map(scalar_to_bytes))
        .collect()
}

#[test]
fn two_proofs_of_one_witness_share_no_element() {
    let dir = TempDir::new().expect("a directory");
    let session = claim(&dir);
    let one = prove(&session);
    for layer in 0..one.len() {
        std::fs::remove_file(session.proof_path(layer)).expect("removed");
    }
    let other = prove(&session);
    for (layer, (one, other)) in one.iter().zip(&other).enumerate() {
        assert_ne!(one, other);
        let one: HashSet<_> = own_elements(one, layer, false).into_iter().collect();
        let shared = own_elements(other, layer, false);
        let shared = shared.iter().filter(|e| one.contains(*e)).count();
        assert_eq!(shared, 0, "layer {layer}");
    }
}

#[test]
fn two_sessions_of_one_prompt_share_no_commitment() {
    let dirs = [(); 2].map(|()| TempDir::new().expect("a directory"));
    let sessions = [&dirs[0], &dirs[1]].map(claim);
    let [one, other] = [&sessions[0], &sessions[1]].map(|s| s.session().expect("readable"));
    assert_eq!(
        sessions[0].secret().expect("readable").tokens,
        sessions[1].secret().expect("readable").tokens
    );
    assert_ne!(one.input_digest, other.input_digest);
    assert_ne!(one.output_digest, other.output_digest);
    let boundaries: Vec<G1Affine> = one
        .boundaries
        .iter()
        .chain(&other.boundaries)
        .map(|b| b.0)
        .collect();
    let distinct: HashSet<_> = words(&boundaries).collect();
    assert_eq!(distinct.len(), boundaries.len());
    let [one, other] = [&sessions[0], &sessions[1]].map(prove);
    for (layer, (one, other)) in one.iter().zip(&other).enumerate() {
        let one: HashSet<_> = own_elements(one, layer, true).into_iter().collect();
        let shared = own_elements(other, layer, true);
        let shared = shared.iter().filter(|e| one.contains(*e)).count();
        assert_eq!(shared, 0, "layer {layer}");
    }
}

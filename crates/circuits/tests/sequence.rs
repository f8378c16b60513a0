//! Embedding and head: honest witnesses satisfy every gate.

mod common;

use common::*;
use ff::Field;
use halo2curves::bn256::Fr;
use nanozk_circuits::embed::SequenceTrace;
use nanozk_circuits::ir::{Kind, Program};
use nanozk_circuits::poseidon::ROUNDS;
use nanozk_circuits::{LayerKind, LayerTrace, LayerWeights, Plan};
use nanozk_executor::synthetic::Random;
use nanozk_executor::{padded, QuantizedModel};
use proptest::prelude::*;

/// A session of a model: prompt of random tokens, continued greedily.
fn session(
    model: &QuantizedModel,
    n: usize,
    prompt: usize,
    generated: usize,
    seed: u64,
) -> SequenceTrace {
    let mut random = Random::new(seed);
    let mut tokens: Vec<u32> = (0..prompt)
        .map(|_| random.below(model.arch.vocab as u64) as u32)
        .collect();
    for _ in 0..generated {
        let trace = model.forward(&padded(&tokens, n)).expect("in range");
        tokens.push(trace.next_token(tokens.len() - 1).expect("a position"));
    }
    SequenceTrace {
        tokens: padded(&tokens, n),
        prompt,
        generated,
        input_salt: random_fr(&mut random),
        output_salt: random_fr(&mut random),
    }
}

fn check(
    width: usize,
    vocab: usize,
    n: usize,
    prompt: usize,
    generated: usize,
    plan: Plan,
    seed: u64,
) {
    let model = model(width, vocab, n + 3, seed);
    let session = session(&model, n, prompt, generated, seed + 1);
    let trace = model.forward(&session.tokens).expect("in range");
    let (input, output) = session.digests();
    let statement = [Fr::from(11), Fr::from(12)];

    let layer = smallest(&model, LayerKind::Embed, n, plan);
    let witness = layer
        .witness(LayerTrace::Embed(&session, &trace.embed.out), || 0)
        .expect("in range");
    let weights = layer.weights(LayerWeights::of(&model, LayerKind::Embed, 0));
    let first = first_phase(&layer, weights, witness);
    let instances = [&statement[..], &[input, output]].concat();
    assert!(
        violated(&layer.program, &first, &instances).is_empty(),
        "{}",
        layer.program.name
    );
    let wrong = [&statement[..], &[input, output + Fr::ONE]].concat();
    assert_eq!(
        violated(&layer.program, &first, &wrong)
            .into_iter()
            .collect::<Vec<_>>(),
        ["digest_output"]
    );
    let wrong = [&statement[..], &[input + Fr::ONE, output]].concat();
    assert_eq!(
        violated(&layer.program, &first, &wrong)
            .into_iter()
            .collect::<Vec<_>>(),
        ["digest_input"]
    );

    let layer = smallest(&model, LayerKind::Head, n, plan);
    let mut random = Random::new(seed + 2);
    let witness = layer
        .witness(LayerTrace::Head(&session, &trace.head), || {
            random.next_u64()
        })
        .expect("in range");
    let weights = layer.weights(LayerWeights::of(&model, LayerKind::Head, 0));
    let first = first_phase(&layer, weights, witness);
    let instances = [&statement[..], &[output]].concat();
    let none = violated(&layer.program, &first, &instances);
    assert!(none.is_empty(), "{}: {none:?}", layer.program.name);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn honest_witnesses_pass(
        width in 2usize..20,
        vocab in 2usize..70,
        bucket in 2u32..5,
        split in any::<(u16, u16)>(),
        weights in 2usize..7,
        lanes in prop::sample::select(vec![3usize, 5, 7]),
        seed in any::<u32>(),
    ) {
        let n = 1usize << bucket;
        let prompt = 1 + usize::from(split.0) % (n - 1);
        let generated = 1 + usize::from(split.1) % (n - prompt);
        let plan = Plan { k: 0, weights, lanes, limb: 8 };
        check(width, vocab, n, prompt, generated, plan, seed.into());
    }
}

#[test]
fn honest_witness_with_wide_limbs_passes() {
    check(
        8,
        16,
        4,
        2,
        2,
        Plan {
            k: 0,
            weights: 3,
            lanes: 5,
            limb: 16,
        },
        5,
    );
}

/// Each gate acts on as many rows as expected, and on each it notices a change of its cells.
fn check_rows(program: &Program, first: &[Vec<Fr>], instances: &[Fr], expected: &[(&str, usize)]) {
    let mut table = Table::new(program, first, instances, 3);
    for (id, count) in expected {
        let gate = program.gates.iter().find(|g| g.id == *id).expect("a gate");
        let rows: Vec<usize> = (0..program.rows())
            .filter(|&row| table.acts_on(gate, row))
            .collect();
        assert_eq!(rows.len(), *count, "{id}");
        let mut cells: Vec<_> = gate.poly.0.iter().flat_map(|t| t.cells.clone()).collect();
        cells.sort_unstable();
        cells.dedup();
        cells.retain(|c| program.info(c.column).kind != Kind::Fixed);
        let mut random = Random::new(8);
        let amounts: Vec<Fr> = cells.iter().map(|_| random_fr(&mut random)).collect();
        for row in rows.into_iter().step_by(1 + count / 50) {
            let change = |table: &mut Table<'_>, sign: Fr| {
                for (i, c) in cells.iter().enumerate() {
                    let at = (row as i64 + i64::from(c.rotation)).rem_euclid(program.rows() as i64)
                        as usize;
                    table.bump(c.column, at, sign * amounts[i]);
                }
            };
            change(&mut table, Fr::ONE);
            let bites = !table.holds(gate, row);
            change(&mut table, -Fr::ONE);
            assert!(bites, "{id} in row {row}");
        }
    }
}

#[test]
fn gates_act_on_all_their_rows() {
    let (d, vocab, n) = (10, 17, 16);
    let model = model(d, vocab, n, 4);
    let session = session(&model, n, 5, 6, 9);
    let trace = model.forward(&session.tokens).expect("in range");
    let (input, output) = session.digests();
    let plan = Plan {
        k: 0,
        weights: 5,
        lanes: 5,
        limb: 8,
    };
    // Three messages in a digest of 16 positions.
    let of_digests = |digests: usize| {
        let steps = 3 * digests;
        vec![
            ("flag_bit", 2 * n),
            ("flag_falls", 2 * (n - 1)),
            ("flag_order", n),
            ("prompt_some", 1),
            ("count_first", 2),
            ("count_next", 2 * (n - 1)),
            ("generated_some", 1),
            ("header_output", 1),
            ("pack_output", n),
            ("poseidon_square", 3 * ROUNDS * steps),
            ("poseidon_fourth", 3 * ROUNDS * steps),
            ("poseidon_round_0", ROUNDS * steps),
            ("poseidon_round_1", ROUNDS * steps),
            ("poseidon_round_2", ROUNDS * steps),
            ("poseidon_first", steps),
            ("poseidon_chain", 2 * digests),
            ("poseidon_message_output", 3),
            ("digest_output", 1),
        ]
    };

    let layer = smallest(&model, LayerKind::Embed, n, plan);
    let witness = layer
        .witness(LayerTrace::Embed(&session, &trace.embed.out), || 0)
        .expect("in range");
    let first = first_phase(
        &layer,
        layer.weights(LayerWeights::of(&model, LayerKind::Embed, 0)),
        witness,
    );
    let mut expected = of_digests(2);
    expected.extend([
        ("header_input", 1),
        ("pack_input", n),
        ("poseidon_message_input", 3),
        ("digest_input", 1),
        // Four of five weight columns hold the vocabulary: three rows to an entry.
        ("vocabulary_fold", 3 * vocab),
        ("embedding_fold", n * d),
        ("vocabulary_entry", vocab),
        ("token_entry", n),
    ]);
    check_rows(
        &layer.program,
        &first,
        &[Fr::ZERO, Fr::ZERO, input, output],
        &expected,
    );

    let layer = smallest(&model, LayerKind::Head, n, plan);
    let witness = layer
        .witness(LayerTrace::Head(&session, &trace.head), || 0)
        .expect("in range");
    let first = first_phase(
        &layer,
        layer.weights(LayerWeights::of(&model, LayerKind::Head, 0)),
        witness,
    );
    let mut expected = of_digests(1);
    expected.extend([
        ("before_start", n),
        ("before_implied", n),
        ("before_bit", n * vocab),
        ("before_falls", n * vocab),
        ("before_ends", n),
        ("chosen_top", n * vocab),
        ("token_next", n - 1),
    ]);
    check_rows(
        &layer.program,
        &first,
        &[Fr::ZERO, Fr::ZERO, output],
        &expected,
    );
}

//! Embedding and head: honest witnesses satisfy every gate.

mod common;

use common::*;
use ff::Field;
use halo2curves::bn256::Fr;
use nanozk_circuits::embed::SequenceTrace;
use nanozk_circuits::{LayerKind, LayerTrace, LayerWeights, Plan};
use nanozk_executor::synthetic::Random;
use nanozk_executor::{padded, QuantizedModel};
use proptest::prelude::*;

/// A session of a model: prompt of random tokens, continued greedily.
fn session(model: &QuantizedModel, n: usize, prompt: usize, generated: usize, seed: u64) -> SequenceTrace {
    let mut random = Random::new(seed);
    let mut tokens: Vec<u32> = (0..prompt).map(|_| random.below(model.arch.vocab as u64) as u32).collect();
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

fn check(width: usize, vocab: usize, n: usize, prompt: usize, generated: usize, plan: Plan, seed: u64) {
    let model = model(width, vocab, n + 3, seed);
    let session = session(&model, n, prompt, generated, seed + 1);
    let trace = model.forward(&session.tokens).expect("in range");
    let (input, output) = session.digests();
    let statement = [Fr::from(11), Fr::from(12)];

    let layer = smallest(&model, LayerKind::Embed, n, plan);
    let witness = layer.witness(LayerTrace::Embed(&session, &trace.embed.out), || 0).expect("in range");
    let weights = layer.weights(LayerWeights::of(&model, LayerKind::Embed, 0));
    let first = first_phase(&layer, weights, witness);
    let instances = [&statement[..], &[input, output]].concat();
    assert!(violated(&layer.program, &first, &instances).is_empty(), "{}", layer.program.name);
    let wrong = [&statement[..], &[input, output + Fr::ONE]].concat();
    assert_eq!(violated(&layer.program, &first, &wrong).into_iter().collect::<Vec<_>>(), ["digest_output"]);
    let wrong = [&statement[..], &[input + Fr::ONE, output]].concat();
    assert_eq!(violated(&layer.program, &first, &wrong).into_iter().collect::<Vec<_>>(), ["digest_input"]);

    let layer = smallest(&model, LayerKind::Head, n, plan);
    let mut random = Random::new(seed + 2);
    let witness = layer.witness(LayerTrace::Head(&session, &trace.head), || random.next_u64()).expect("in range");
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
        lanes in prop::sample::select(vec![5usize, 7]),
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
    check(8, 16, 4, 2, 2, Plan { k: 0, weights: 3, lanes: 5, limb: 16 }, 5);
}

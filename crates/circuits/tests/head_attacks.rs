//! What a dishonest prover of the head can try, and the one gate that stands in the way.

mod common;

use common::forge::*;
use common::*;
use ff::Field;
use halo2curves::bn256::Fr;
use nanozk_circuits::embed::SequenceTrace;
use nanozk_executor::trace::head_trace;
use nanozk_executor::{synthetic, HeadTrace, QuantizedModel};

const WIDTH: usize = 8;
const VOCAB: usize = 12;
const N: usize = 8;
/// A position whose choice is no generated token.
const FREE: usize = 0;

fn weights() -> QuantizedModel {
    model(WIDTH, VOCAB, N, 1)
}

fn residual() -> Vec<i64> {
    synthetic::residual(N, WIDTH, 5)
}

fn run(model: &QuantizedModel) -> HeadTrace {
    head_trace(&model.head, &model.spec, &residual()).expect("in range")
}

/// Three tokens of prompt (the last as if chosen, which is allowed), then four that the head chose.
fn session(trace: &HeadTrace) -> SequenceTrace {
    session_of(trace, 4)
}

fn session_of(trace: &HeadTrace, generated: usize) -> SequenceTrace {
    let mut tokens = vec![3, 5, 3, 0, 0, 0, 0, 0];
    tokens[2..3 + generated].copy_from_slice(&trace.argmax[1..2 + generated]);
    SequenceTrace {
        tokens,
        prompt: 3,
        generated,
        input_salt: Fr::from(123),
        output_salt: Fr::from(456),
    }
}

fn honest(model: &QuantizedModel) -> (Case, HeadTrace) {
    let trace = run(model);
    (Case::head(model, &session(&trace), &trace), trace)
}

fn logits(trace: &HeadTrace, t: usize) -> Vec<i64> {
    trace.logits[t * VOCAB..(t + 1) * VOCAB].to_vec()
}

/// Changes the model's biases so that the logits of a position are these above its greatest.
fn bias(model: &mut QuantizedModel, t: usize, wanted: &[(usize, i64)]) {
    let before = logits(&run(model), t);
    let top = before.iter().max().expect("a vocabulary");
    for &(v, above) in wanted {
        model.head.bias[v] += top + above - before[v];
    }
}

/// Writes the choice of a position: the greatest logit, the block above the one above, the sums.
fn choose(case: &mut Case, trace: &HeadTrace, t: usize, top: i64, above: [i64; 2], sums: &[i64]) {
    let base = case.head_layout().strip.base;
    let cell = |block: usize| base + block * N + t;
    case.sheet.set("aux", base - 3 * N + t, int(top));
    case.sheet.set("aux", base - 2 * N + t, int(above[0]));
    case.sheet.set("aux", base - N + t, int(above[1]));
    let mut last = above[1];
    for (v, logit) in logits(trace, t).into_iter().enumerate() {
        let difference = top - (sums[v] - last) - logit;
        assert!(
            (0..1 << 40).contains(&difference),
            "the forgery is in range"
        );
        case.sheet.set("aux", cell(v), int(sums[v]));
        for lane in 0..5 {
            let limb = (difference >> (8 * lane)) & 255;
            case.sheet.set(&format!("lane {lane}"), cell(v), int(limb));
        }
        last = sums[v];
    }
    let program = case.layer.program.clone();
    case.sheet.recount(&program);
}

/// The sums of a choice.
fn sums(chosen: usize) -> Vec<i64> {
    (0..VOCAB).map(|v| chosen.min(v + 1) as i64).collect()
}

#[test]
fn honest_witness_and_its_forgery_pass() {
    let (mut case, trace) = honest(&weights());
    assert!(case.violated().is_empty());
    let (instances, columns) = (case.instances.clone(), case.sheet.columns.clone());
    let layout = case.head_layout();
    case.forge(&layout.sequence, &Forge::new(&case.session));
    for t in 0..N {
        let chosen = trace.argmax[t] as usize;
        let top = *logits(&trace, t).iter().max().expect("a vocabulary");
        choose(&mut case, &trace, t, top, [-1, 0], &sums(chosen));
    }
    assert_eq!(case.instances, instances);
    assert!(
        case.sheet.columns == columns,
        "the forger writes what the prover writes"
    );
}

#[test]
fn each_gate_of_tokens_and_digests_is_needed() {
    let (case, _) = honest(&weights());
    for (gate, forge) in sequence_attacks(&case.session, false) {
        let (mut case, _) = honest(&weights());
        let layout = case.head_layout();
        case.forge(&layout.sequence, &forge);
        assert_eq!(case.violated(), [gate]);
    }
}

#[test]
fn every_gate_has_an_attack() {
    let (case, _) = honest(&weights());
    let mut known: Vec<&str> = sequence_attacks(&case.session, false)
        .iter()
        .map(|a| a.0)
        .collect();
    known.push("digest_output");
    known.extend([
        "before_start",
        "before_implied",
        "before_bit",
        "before_falls",
        "before_ends",
    ]);
    known.extend(["chosen_top", "token_next"]);
    let others = [
        "powers_", "sum_", "norm_", "wide_", "logup_", "fold_", "bias_one",
    ];
    let mut ids: Vec<&str> = case
        .layer
        .program
        .gates
        .iter()
        .map(|g| g.id.as_str())
        .collect();
    ids.retain(|id| !others.iter().any(|o| id.starts_with(o)));
    known.sort_unstable();
    ids.sort_unstable();
    assert_eq!(ids, known);
}

#[test]
fn other_digest_or_salt() {
    let (mut case, _) = honest(&weights());
    case.instances[2] += Fr::ONE;
    assert_eq!(case.violated(), ["digest_output"]);
    let trace = run(&weights());
    let session = session(&trace);
    let other = SequenceTrace {
        output_salt: Fr::from(457),
        ..session.clone()
    };
    let mut case = Case::head(&weights(), &other, &trace);
    case.instances[2] = session.digests().1;
    assert_eq!(case.violated(), ["digest_output"]);
}

#[test]
fn chosen_token_not_the_greatest() {
    let trace = run(&weights());
    for t in 0..N {
        for chosen in 0..VOCAB as u32 {
            if chosen == trace.argmax[t] || !(chosen as usize + t).is_multiple_of(4) {
                continue;
            }
            let mut other = trace.clone();
            other.argmax[t] = chosen;
            // The sequence goes on with it.
            assert_eq!(
                Case::head(&weights(), &session(&other), &other).violated(),
                ["chosen_top"]
            );
        }
    }
}

#[test]
fn tie_broken_to_the_higher_id() {
    let mut model = weights();
    bias(&mut model, FREE, &[(2, 5), (7, 5)]);
    let (case, mut trace) = honest(&model);
    assert_eq!(trace.argmax[FREE], 2);
    assert!(case.violated().is_empty());
    trace.argmax[FREE] = 7;
    let case = Case::head(&model, &session(&trace), &trace);
    assert_eq!(case.violated(), ["chosen_top"]);
}

#[test]
fn two_chosen_tokens() {
    // Tokens 0 and 2 are greatest, 1 is one less: the marks 0, 1, 0 leave no difference at any of them.
    let mut model = weights();
    bias(&mut model, FREE, &[(0, 5), (1, 4), (2, 5)]);
    let (mut case, trace) = honest(&model);
    assert!(case.violated().is_empty());
    let top = logits(&trace, FREE)[0];
    choose(
        &mut case,
        &trace,
        FREE,
        top,
        [-1, 0],
        &[[0].as_slice(), &[1; VOCAB - 1]].concat(),
    );
    assert_eq!(case.violated(), ["before_falls"]);
}

#[test]
fn sum_not_starting_at_zero() {
    let mut model = weights();
    bias(&mut model, FREE, &[(0, 5)]);
    let (mut case, trace) = honest(&model);
    assert_eq!(trace.argmax[FREE], 0);
    let top = logits(&trace, FREE)[0];
    choose(&mut case, &trace, FREE, top, [-1, 1], &[1; VOCAB]);
    assert_eq!(case.violated(), ["before_start"]);
}

#[test]
fn no_chosen_token() {
    let (mut case, trace) = honest(&weights());
    let top = logits(&trace, FREE)
        .into_iter()
        .max()
        .expect("a vocabulary")
        + 1000;
    choose(&mut case, &trace, FREE, top, [0, 0], &[0; VOCAB]);
    assert_eq!(case.violated(), ["before_implied"]);
    let (mut case, trace) = honest(&weights());
    choose(&mut case, &trace, FREE, top, [-1, 0], &sums(VOCAB));
    assert_eq!(case.violated(), ["before_ends"]);
}

#[test]
fn mark_that_is_no_bit() {
    // Token 1 is greatest; the mark of token 0 makes up its difference to it.
    let mut model = weights();
    bias(&mut model, FREE, &[(1, 100)]);
    let (mut case, trace) = honest(&model);
    let l = logits(&trace, FREE);
    choose(
        &mut case,
        &trace,
        FREE,
        l[1],
        [-1, 0],
        &[l[1] - l[0]; VOCAB],
    );
    assert_eq!(case.violated(), ["before_bit"]);
}

#[test]
fn generated_token_not_the_chosen_one() {
    let trace = run(&weights());
    // Also with all positions in use.
    for generated in [4, 5] {
        let session = session_of(&trace, generated);
        for t in 0..N {
            let mut other = session.clone();
            other.tokens[t] = (other.tokens[t] + 1) % VOCAB as u32;
            let case = Case::head(&weights(), &other, &trace);
            let expected: &[&str] = if (3..3 + generated).contains(&t) {
                &["token_next"]
            } else {
                &[]
            };
            assert_eq!(case.violated(), expected, "position {t}");
        }
    }
}

#[test]
fn altered_logit() {
    let (case, trace) = honest(&weights());
    let base = case.head_layout().strip.base;
    for t in 0..N {
        // The greatest logit.
        let (mut case, _) = honest(&weights());
        let value = case.sheet.get("aux", base - 3 * N + t);
        case.sheet.set("aux", base - 3 * N + t, value + Fr::ONE);
        assert_eq!(case.violated(), ["sum_ends"]);
        // Another one.
        let (mut case, _) = honest(&weights());
        let row = base + ((trace.argmax[t] as usize + 1) % VOCAB) * N + t;
        let limb = case.sheet.get("lane 1", row);
        let limb = if limb == Fr::ZERO {
            Fr::ONE
        } else {
            limb - Fr::ONE
        };
        case.sheet.set("lane 1", row, limb);
        let program = case.layer.program.clone();
        case.sheet.recount(&program);
        assert_eq!(case.violated(), ["sum_ends"]);
    }
}

//! What a dishonest prover of the embedding can try, and the one gate that stands in the way.

mod common;

use common::forge::*;
use common::*;
use ff::Field;
use halo2curves::bn256::Fr;
use nanozk_circuits::embed::SequenceTrace;
use nanozk_circuits::ir::*;
use nanozk_executor::QuantizedModel;

const WIDTH: usize = 9;
const VOCAB: usize = 16;

fn session() -> SequenceTrace {
    SequenceTrace {
        tokens: vec![3, 15, 3, 0, 7, 9, 9, 0],
        prompt: 3,
        generated: 4,
        input_salt: Fr::from(123),
        output_salt: Fr::from(456),
    }
}

fn weights() -> QuantizedModel {
    model(WIDTH, VOCAB, 8, 1)
}

fn beta(e: u64) -> Scalar {
    Scalar::pow(Challenge::Beta, e)
}

/// Two gates per line would hide one behind the other: each list has exactly one.
fn assert_only(case: &Case, gate: &str) {
    assert_eq!(case.violated(), [gate]);
}

#[test]
fn honest_witness_and_its_forgery_pass() {
    let mut case = Case::embed(&weights(), &session());
    assert!(case.violated().is_empty());
    let (instances, columns) = (case.instances.clone(), case.sheet.columns.clone());
    let layout = case.embed_layout();
    case.forge(&layout.sequence, &Forge::new(&session()));
    assert_eq!(case.instances, instances);
    assert!(
        case.sheet.columns == columns,
        "the forger writes what the prover writes"
    );
}

#[test]
fn each_gate_of_tokens_and_digests_is_needed() {
    for (gate, forge) in sequence_attacks(&session(), true) {
        let mut case = Case::embed(&weights(), &session());
        let layout = case.embed_layout();
        case.forge(&layout.sequence, &forge);
        assert_only(&case, gate);
    }
}

#[test]
fn every_gate_has_an_attack() {
    let case = Case::embed(&weights(), &session());
    let mut known: Vec<&str> = sequence_attacks(&session(), true)
        .iter()
        .map(|a| a.0)
        .collect();
    known.extend(["digest_input", "digest_output"]);
    known.extend([
        "vocabulary_fold",
        "embedding_fold",
        "vocabulary_entry",
        "token_entry",
    ]);
    // Of the composer.
    known.extend(["powers_first", "powers_next", "sum_next", "sum_ends"]);
    let mut ids: Vec<&str> = case
        .layer
        .program
        .gates
        .iter()
        .map(|g| g.id.as_str())
        .collect();
    known.sort_unstable();
    ids.sort_unstable();
    assert_eq!(ids, known);
}

#[test]
fn other_digest() {
    for (i, gate) in ["digest_input", "digest_output"].into_iter().enumerate() {
        let mut case = Case::embed(&weights(), &session());
        case.instances[2 + i] += Fr::ONE;
        assert_only(&case, gate);
    }
}

#[test]
fn other_salt() {
    let salts: [fn(&mut SequenceTrace); 2] =
        [|s| s.input_salt += Fr::ONE, |s| s.output_salt += Fr::ONE];
    for (salt, gate) in salts.into_iter().zip(["digest_input", "digest_output"]) {
        let mut other = session();
        salt(&mut other);
        let mut case = Case::embed(&weights(), &other);
        let (input, output) = session().digests();
        case.instances = [&case.instances[..2], &[input, output]].concat();
        assert_only(&case, gate);
    }
}

#[test]
fn other_prompt_length() {
    // Both digests bind it.
    let mut other = session();
    (other.prompt, other.generated) = (4, 3);
    let mut case = Case::embed(&weights(), &other);
    let (input, output) = session().digests();
    case.instances = [&case.instances[..2], &[input, output]].concat();
    assert_eq!(case.violated(), ["digest_input", "digest_output"]);
}

#[test]
fn other_prompt_token() {
    let mut other = session();
    other.tokens[1] = 14;
    let mut case = Case::embed(&weights(), &other);
    case.instances[2] = session().digests().0;
    assert_only(&case, "digest_input");
}

#[test]
fn token_out_of_vocabulary() {
    let mut other = session();
    other.tokens[1] = VOCAB as u32;
    // Its embedding is that of the last token.
    assert_only(&Case::embed(&weights(), &other), "sum_ends");
}

#[test]
fn altered_embedding() {
    for cell in 0..8 * WIDTH {
        let mut case = Case::embed(&weights(), &session());
        let value = case.sheet.get("output", cell);
        case.sheet.set("output", cell, value + Fr::ONE);
        assert_only(&case, "sum_ends");
    }
}

#[test]
fn altered_embedding_with_an_honest_fingerprint() {
    let (feature, position) = (4, 2);
    let mut case = Case::embed(&weights(), &session());
    let cell = feature * 8 + position;
    let value = case.sheet.get("output", cell);
    case.sheet.set("output", cell, value + Fr::ONE);
    let fx = case.column("fold x");
    let program = case.with_steps(
        "fold x",
        vec![Step::Assign {
            column: fx,
            rows: Span::row(position),
            descending: false,
            value: fx.cur() - Poly::scalar(beta(feature as u64)),
        }],
    );
    assert_eq!(case.violated_with(&program), ["embedding_fold"]);
}

#[test]
fn altered_vocabulary() {
    // Both positions of token 9 get another embedding, and its entry the same fingerprint.
    let feature = 5;
    let mut case = Case::embed(&weights(), &session());
    for position in [5, 6] {
        let cell = feature * 8 + position;
        let value = case.sheet.get("output", cell);
        case.sheet.set("output", cell, value + Fr::ONE);
    }
    assert_only(&case, "sum_ends");
    let layout = case.embed_layout();
    let fw = case.column("fold w");
    let program = case.with_steps(
        "fold w",
        vec![Step::Assign {
            column: fw,
            rows: Span::row(layout.base + 9 * layout.block),
            descending: false,
            value: fw.cur() + Poly::scalar(beta(feature as u64)),
        }],
    );
    assert_eq!(case.violated_with(&program), ["vocabulary_fold"]);
}

#[test]
fn altered_multiplicity() {
    for token in [0, 5, 15] {
        let mut case = Case::embed(&weights(), &session());
        let layout = case.embed_layout();
        let row = layout.base + token * layout.block;
        let value = case.sheet.get("aux", row);
        case.sheet.set("aux", row, value + Fr::ONE);
        assert_only(&case, "sum_ends");
        // And an entry whose fraction is as if it were not.
        let [entry, fw, aux] = ["entry", "fold w", "aux"].map(|c| case.column(c));
        let step = Step::Ratio {
            column: entry,
            rows: Span::row(row),
            numerator: aux.cur() - Poly::int(1),
            denominator: Poly::scalar(Scalar::Challenge(Challenge::Alpha))
                + Poly::int(token as i128)
                + fw.cur() * Scalar::Challenge(Challenge::Tau),
        };
        assert_eq!(
            case.violated_with(&case.with_steps("entry", vec![step])),
            ["vocabulary_entry"]
        );
    }
}

#[test]
fn token_of_another_embedding() {
    // Position 1 is embedded as token 15 and hashed as token 14.
    let mut case = Case::embed(&weights(), &session());
    let layout = case.embed_layout();
    let mut forge = Forge::new(&session());
    forge.tokens[1] = Fr::from(14);
    forge.pack();
    case.forge(&layout.sequence, &forge);
    assert_only(&case, "sum_ends");
    let [entry, fx] = ["entry", "fold x"].map(|c| case.column(c));
    let step = Step::Ratio {
        column: entry,
        rows: Span::row(1),
        numerator: Poly::int(1),
        denominator: Poly::scalar(Scalar::Challenge(Challenge::Alpha))
            + Poly::int(15)
            + fx.cur() * Scalar::Challenge(Challenge::Tau),
    };
    assert_eq!(
        case.violated_with(&case.with_steps("entry", vec![step])),
        ["token_entry"]
    );
}

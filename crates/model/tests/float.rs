//! The float reference against what Hugging Face transformers computes.

mod common;

use nanozk_model::evaluate;
use serde_json::Value;

#[test]
fn logits_match_the_reference() {
    let model = common::tiny();
    let reference: Value = common::json("tiny-gpt2/reference.json");
    let vocab = model.architecture().vocab;
    for case in reference["cases"].as_array().unwrap() {
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        let prompt = case["prompt"].as_str().unwrap();
        assert_eq!(model.tokenizer().encode(prompt).unwrap(), ids);
        assert_eq!(model.tokenizer().decode(&ids).unwrap(), prompt);
        let logits = model.logits(&ids).unwrap();
        let rows: Vec<Vec<f32>> = serde_json::from_value(case["logits_first_32"].clone()).unwrap();
        let argmax: Vec<usize> = serde_json::from_value(case["argmax"].clone()).unwrap();
        let max: Vec<f32> = serde_json::from_value(case["max_logit"].clone()).unwrap();
        for (t, row) in logits.chunks(vocab).enumerate() {
            for (a, b) in row.iter().zip(&rows[t]) {
                assert!((a - b).abs() < 1e-4, "{a} {b}");
            }
            assert!((row[argmax[t]] - max[t]).abs() < 1e-4);
            assert!(row
                .iter()
                .enumerate()
                .all(|(i, &v)| v < row[argmax[t]] || i >= argmax[t]));
        }
        let greedy: Vec<u32> = serde_json::from_value(case["greedy_16"].clone()).unwrap();
        assert_eq!(model.greedy(&ids, greedy.len()).unwrap(), greedy);
        let text = case["greedy_text"].as_str().unwrap();
        let decoded = model.tokenizer().decode(&greedy).unwrap();
        assert!(
            text == decoded || text == format!("{prompt}{decoded}"),
            "{text:?} {decoded:?}"
        );
    }
}

#[test]
fn perplexity_matches_the_reference() {
    let model = common::tiny();
    let reference = &common::json("tiny-gpt2/reference.json")["perplexity"];
    let expected = reference["perplexity"].as_f64().unwrap();
    let got = evaluate::perplexity(&model, &common::text("heldout.txt")).unwrap();
    assert_eq!(
        got.predictions as u64,
        reference["predictions"].as_u64().unwrap()
    );
    assert!(
        (got.perplexity / expected - 1.0).abs() < 1e-4,
        "{} {expected}",
        got.perplexity
    );
}

#[test]
fn batches_equal_single_sequences() {
    let model = common::tiny();
    let a: Vec<u32> = (0..20).collect();
    let b: Vec<u32> = (100..120).collect();
    let both = model.logits_batch(&[&a, &b]).unwrap();
    for (one, batched) in [model.logits(&a).unwrap(), model.logits(&b).unwrap()]
        .iter()
        .zip(&both)
    {
        assert!(one.iter().zip(batched).all(|(x, y)| (x - y).abs() < 1e-4));
    }
}

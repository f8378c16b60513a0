//! The float reference against what Hugging Face transformers computes.

mod common;

use common::Checkpoint;
use nanozk_model::evaluate;
use safetensors::Dtype;
use serde_json::Value;

#[test]
fn logits_match_the_reference() {
    for name in ["tiny-gpt2", "tiny-llama"] {
        match_the_reference(name);
    }
}

fn match_the_reference(name: &str) {
    let model = common::trained(name);
    let reference: Value = common::json(&format!("{name}/reference.json"));
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
            assert!(
                row.iter()
                    .enumerate()
                    .all(|(i, &v)| v < row[argmax[t]] || i >= argmax[t])
            );
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
    for name in ["tiny-gpt2", "tiny-llama"] {
        perplexity_matches(name);
    }
}

fn perplexity_matches(name: &str) {
    let model = common::trained(name);
    let reference = &common::json(&format!("{name}/reference.json"))["perplexity"];
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

/// The model in `f64` with plain loops, as its definition reads.
fn naive(c: &Checkpoint, tokens: &[u32]) -> Vec<f64> {
    let tensors = c.tensors();
    let get = |name: &str| -> Vec<f64> { tensors[name].1.iter().map(|&v| f64::from(v)).collect() };
    let (d, n) = (c.width, tokens.len());
    let norm = |x: &[f64], name: &str| -> Vec<f64> {
        let (gain, bias) = (get(&format!("{name}.weight")), get(&format!("{name}.bias")));
        let mean = x.iter().sum::<f64>() / d as f64;
        let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / d as f64;
        let scale = (variance + 1e-5).sqrt();
        (0..d)
            .map(|i| (x[i] - mean) / scale * gain[i] + bias[i])
            .collect()
    };
    let linear = |x: &[f64], name: &str| -> Vec<f64> {
        let (weight, bias) = (get(&format!("{name}.weight")), get(&format!("{name}.bias")));
        let outputs = bias.len();
        let sum = |o: usize| {
            x.iter()
                .enumerate()
                .map(|(i, v)| v * weight[i * outputs + o])
                .sum::<f64>()
        };
        (0..outputs).map(|o| bias[o] + sum(o)).collect()
    };
    let act = |x: f64| match c.activation {
        "relu" => x.max(0.0),
        "gelu" => 0.5 * x * (1.0 + libm::erf(x / 2f64.sqrt())),
        _ => {
            0.5 * x
                * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
        }
    };
    let (wte, wpe) = (get("wte.weight"), get("wpe.weight"));
    let row = |t: usize| {
        (0..d)
            .map(|i| wte[tokens[t] as usize * d + i] + wpe[t * d + i])
            .collect()
    };
    let mut x: Vec<Vec<f64>> = (0..n).map(row).collect();
    for l in 0..c.layers {
        let qkv: Vec<Vec<f64>> = x
            .iter()
            .map(|x| {
                linear(
                    &norm(x, &format!("h.{l}.ln_1")),
                    &format!("h.{l}.attn.c_attn"),
                )
            })
            .collect();
        let width = d / c.heads;
        for t in 0..n {
            let mut o = vec![0.0; d];
            for h in 0..c.heads {
                let dot = |s: usize| {
                    let (q, k) = (h * width, d + h * width);
                    (0..width)
                        .map(|i| qkv[t][q + i] * qkv[s][k + i])
                        .sum::<f64>()
                        / if c.by_width {
                            (width as f64).sqrt()
                        } else {
                            1.0
                        }
                        / if c.by_layer { (l + 1) as f64 } else { 1.0 }
                };
                let e: Vec<f64> = (0..=t).map(|s| dot(s).exp()).collect();
                let total: f64 = e.iter().sum();
                for (s, e) in e.iter().enumerate() {
                    for i in h * width..(h + 1) * width {
                        o[i] += e / total * qkv[s][2 * d + i];
                    }
                }
            }
            let y = linear(&o, &format!("h.{l}.attn.c_proj"));
            x[t].iter_mut().zip(y).for_each(|(x, y)| *x += y);
        }
        for x in &mut x {
            let mut h = linear(&norm(x, &format!("h.{l}.ln_2")), &format!("h.{l}.mlp.c_fc"));
            h.iter_mut().for_each(|v| *v = act(*v));
            let y = linear(&h, &format!("h.{l}.mlp.c_proj"));
            x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
        }
    }
    let head = if c.tied {
        wte.clone()
    } else {
        get("lm_head.weight")
    };
    let logits = x.iter().flat_map(|x| {
        let x = norm(x, "ln_f");
        head.chunks(d)
            .map(|w| w.iter().zip(&x).map(|(w, x)| w * x).sum())
            .collect::<Vec<f64>>()
    });
    logits.collect()
}

#[test]
fn random_checkpoints_match_plain_loops() {
    let base = Checkpoint::default();
    for c in [
        base,
        Checkpoint {
            activation: "relu",
            tied: false,
            heads: 1,
            ..base
        },
        Checkpoint {
            activation: "gelu",
            inner: Some(24),
            width: 24,
            heads: 3,
            prefix: false,
            ..base
        },
        Checkpoint {
            activation: "gelu_pytorch_tanh",
            layers: 1,
            heads: 16,
            shards: 3,
            ..base
        },
        Checkpoint {
            layers: 3,
            by_layer: true,
            ..base
        },
        Checkpoint {
            by_width: false,
            by_layer: true,
            ..base
        },
        Checkpoint {
            by_width: false,
            ..base
        },
    ] {
        let model = c.load();
        let tokens: Vec<u32> = (0..13).map(|i| i * 19).collect();
        let logits = model.logits(&tokens).unwrap();
        let expected = naive(&c, &tokens);
        assert_eq!(logits.len(), expected.len());
        for (a, b) in logits.iter().zip(&expected) {
            assert!((f64::from(*a) - b).abs() < 1e-4, "{a} {b} in {c:?}");
        }
    }
}

#[test]
fn half_precision_checkpoints() {
    let tokens = [1, 2, 3, 250];
    let exact = Checkpoint::default().load().logits(&tokens).unwrap();
    for (dtype, tolerance) in [(Dtype::F16, 0.02), (Dtype::BF16, 0.2)] {
        let logits = Checkpoint {
            dtype,
            ..Checkpoint::default()
        }
        .load()
        .logits(&tokens)
        .unwrap();
        let error = logits
            .iter()
            .zip(&exact)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(error > 0.0 && error < tolerance, "{error}");
    }
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

//! The forward pass against a literal reading of the specification, and its properties.

use nanozk_executor::ops::rs;
use nanozk_executor::trace::{attention_trace, embed_trace, head_trace, mlp_trace};
use nanozk_executor::{
    Activation, ActivationTable, Architecture, Error, Executor, ExpTable, Gpt2, HeadNorm, Linear,
    MlpKind, Norm, Positions, QuantizedModel, Spec, Trace, bucket, padded, synthetic,
};
use proptest::prelude::*;
use std::ops::ControlFlow;

/// Everything in 128 bits, formula by formula.
mod reference {
    use super::*;

    pub(crate) fn round_shift(a: i128, s: u32) -> i128 {
        (a + (1 << (s - 1))).div_euclid(1 << s)
    }

    fn norm(x: &[i128], model: &QuantizedModel) -> Vec<i128> {
        let d = model.arch.width as i128;
        let sum: i128 = match model.spec.norm {
            Norm::LayerNorm => x.iter().sum(),
            Norm::RmsNorm => 0,
        };
        let squares: i128 = x.iter().map(|v| v * v).sum();
        let var = d * squares - sum * sum + i128::from(model.spec.eps);
        let bound = (d * d) << (2 * (32 + model.spec.norm_frac));
        // The greatest r by bisection.
        let (mut low, mut high) = (0i128, 1i128 << 62);
        while high - low > 1 {
            let r = (low + high) / 2;
            let fits = (r * r).checked_mul(var).is_some_and(|v| v <= bound);
            if fits {
                low = r;
            } else {
                high = r;
            }
        }
        let mean = sum.div_euclid(d);
        x.iter()
            .map(|v| round_shift((v - mean) * low, 32))
            .collect()
    }

    pub(crate) fn product(x: &[i128], m: &Linear) -> Vec<i128> {
        (0..m.outputs())
            .map(|o| {
                let weight = |i: usize| i128::from(m.weight.get(i, o));
                x.iter()
                    .enumerate()
                    .map(|(i, x)| x * weight(i))
                    .sum::<i128>()
                    + i128::from(m.bias[o])
            })
            .collect()
    }

    fn layer(x: &[i128], m: &Linear) -> Vec<i128> {
        product(x, m)
            .into_iter()
            .map(|a| round_shift(a, 16))
            .collect()
    }

    /// Each head of a row, normalized to mean square 1.
    fn norm_heads(x: &[i128], own: &HeadNorm, model: &QuantizedModel) -> Vec<i128> {
        let c = model.arch.head_width;
        let heads = x.chunks_exact(c).zip(&own.eps);
        heads
            .flat_map(|(head, eps)| {
                // A model as wide as a head.
                let mut narrow = model.clone();
                narrow.arch.width = c;
                narrow.spec.norm = Norm::RmsNorm;
                narrow.spec.norm_frac = Spec::norm_frac_for(c);
                narrow.spec.eps = u64::try_from(*eps).unwrap();
                norm(head, &narrow)
            })
            .collect()
    }

    /// Each head of a row, multiplied by gains and turned by the angles of a position.
    fn gained(x: Vec<i128>, t: usize, gain: &[i64], model: &QuantizedModel) -> Vec<i128> {
        let by = model.rotation.as_ref().unwrap();
        let (c, pairs) = (model.arch.head_width, model.arch.head_width / 2);
        (0..x.len())
            .map(|i| {
                let other = if i % c < pairs { i + pairs } else { i - pairs };
                let factor = |table: &[i64], i: usize| {
                    let angle = i128::from(table[t * pairs + i % c % pairs]);
                    round_shift(i128::from(gain[i % c]) * angle, 14)
                };
                let sign = if i % c < pairs { -1 } else { 1 };
                let acc = x[i] * factor(&by.cos, i) + sign * x[other] * factor(&by.sin, other);
                round_shift(acc, 16)
            })
            .collect()
    }

    /// Each head of a row, turned by the angles of a position.
    fn rotated(x: Vec<i128>, t: usize, model: &QuantizedModel) -> Vec<i128> {
        let Some(by) = &model.rotation else { return x };
        let (c, pairs) = (model.arch.head_width, model.arch.head_width / 2);
        (0..x.len())
            .map(|i| {
                let pair = i % c % pairs;
                let angle = |table: &[i64]| i128::from(table[t * pairs + pair]);
                let (cos, sin) = (angle(&by.cos), angle(&by.sin));
                let acc = match i % c < pairs {
                    true => x[i] * cos - x[i + pairs] * sin,
                    false => x[i] * cos + x[i - pairs] * sin,
                };
                round_shift(acc, 14)
            })
            .collect()
    }

    /// Residual streams after each half block, and the logits.
    pub(crate) fn run(
        model: &QuantizedModel,
        tokens: &[u32],
    ) -> (Vec<Vec<Vec<i128>>>, Vec<Vec<i128>>) {
        let d = model.arch.width;
        let n = tokens.len();
        let Architecture {
            heads,
            kv_heads,
            head_width: c,
            ..
        } = model.arch;
        let group = heads / kv_heads;
        let table = ActivationTable::new(model.spec.activation, model.spec.act_frac);
        let exp = ExpTable::new();
        let mut x: Vec<Vec<i128>> = tokens
            .iter()
            .enumerate()
            .map(|(t, &token)| {
                (0..d)
                    .map(|i| {
                        let place = model.wpe.get(t * d + i).copied().unwrap_or(0);
                        i128::from(model.wte[token as usize * d + i]) + i128::from(place)
                    })
                    .collect()
            })
            .collect();
        let mut streams = vec![x.clone()];
        for block in &model.layers {
            let normed: Vec<_> = x.iter().map(|x| norm(x, model)).collect();
            let turned = |m: &Linear, own: Option<&HeadNorm>| -> Vec<_> {
                let rows = normed.iter().enumerate();
                rows.map(|(t, x)| match own {
                    None => rotated(layer(x, m), t, model),
                    Some(own) => {
                        let normed = norm_heads(&product(x, m), own, model);
                        gained(normed, t, &own.gain, model)
                    }
                })
                .collect()
            };
            let norms = block.qk_norm.as_ref();
            let q = turned(&block.q, norms.map(|both| &both[0]));
            let k = turned(&block.k, norms.map(|both| &both[1]));
            let v: Vec<_> = normed.iter().map(|x| layer(x, &block.v)).collect();
            for t in 0..n {
                let mut out = vec![0; heads * c];
                for h in 0..heads {
                    // The first of the head's features among keys and values.
                    let source = h / group * c;
                    let score = |s: usize| {
                        let acc = (0..c).map(|i| q[t][h * c + i] * k[s][source + i]).sum();
                        round_shift(acc, model.spec.score_shift)
                    };
                    let max = (0..=t).map(score).max().unwrap();
                    let e: Vec<i128> = (0..n)
                        .map(|s| {
                            let z = max - score(s) + if s > t { 1 << 28 } else { 0 };
                            i128::from(exp.eval(z as u64))
                        })
                        .collect();
                    let recip = (65_535i128 << 32) / e.iter().sum::<i128>();
                    for i in 0..c {
                        let acc = (0..n)
                            .map(|s| round_shift(e[s] * recip, 32) * v[s][source + i])
                            .sum();
                        out[h * c + i] = round_shift(acc, 16);
                    }
                }
                let out = layer(&out, &block.attn_out);
                for (x, o) in x[t].iter_mut().zip(out) {
                    *x += o;
                }
            }
            streams.push(x.clone());
            for x in &mut x {
                let normed = norm(x, model);
                let h = layer(&normed, &block.fc);
                let mut a: Vec<_> = h
                    .iter()
                    .map(|&h| i128::from(table.eval(h as i64)))
                    .collect();
                if let Some(up) = &block.up {
                    for (a, u) in a.iter_mut().zip(layer(&normed, up)) {
                        *a = round_shift(*a * u, model.spec.act_frac + 1);
                    }
                }
                for (x, o) in x.iter_mut().zip(layer(&a, &block.mlp_out)) {
                    *x += o;
                }
            }
            streams.push(x.clone());
        }
        let logits = x
            .iter()
            .map(|x| product(&norm(x, model), &model.head))
            .collect();
        (streams, logits)
    }
}

fn wide(values: &[i64]) -> Vec<i128> {
    values.iter().map(|&v| v.into()).collect()
}

fn streams(trace: &Trace) -> Vec<&[i64]> {
    let blocks = trace
        .blocks
        .iter()
        .flat_map(|(a, m)| [&a.output[..], &m.output[..]]);
    std::iter::once(&trace.embed.out[..])
        .chain(blocks)
        .collect()
}

fn activation() -> impl Strategy<Value = Activation> {
    prop_oneof![
        Just(Activation::GeluNew),
        Just(Activation::Gelu),
        Just(Activation::Relu),
        Just(Activation::Silu)
    ]
}

prop_compose! {
    fn model()(
        layers in 1usize..3,
        width in 1usize..20,
        kv_heads in 1usize..3,
        group in 1usize..4,
        half in 1usize..5,
        mlp_width in 1usize..20,
        vocab in 2usize..30,
        context in 4usize..20,
        rotary: bool,
        normed: bool,
        gated: bool,
        rounded: bool,
        activation in activation(),
        seed: u64,
    ) -> QuantizedModel {
        let arch = Architecture {
            layers, width, heads: kv_heads * group, kv_heads, mlp_width, vocab, context,
            head_width: if rotary { 2 * half } else { half },
            positions: if rotary { Positions::Rotary } else { Positions::Learned },
            mlp: if gated { MlpKind::Gated } else { MlpKind::Plain },
            qk_norm: rotary && normed,
        };
        let model = synthetic::model(arch, activation, seed);
        if rounded { model.rounded() } else { model }
    }
}

/// A model and tokens that fill some of its context.
fn case() -> impl Strategy<Value = (QuantizedModel, Vec<u32>)> {
    model().prop_flat_map(|model| {
        let Architecture { vocab, context, .. } = model.arch;
        (
            Just(model),
            prop::collection::vec(0..vocab as u32, 1..=context),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn forward_is_the_specification((model, tokens) in case()) {
        model.validate().unwrap();
        let trace = model.forward(&tokens).unwrap();
        let (expected, logits) = reference::run(&model, &tokens);
        prop_assert_eq!(streams(&trace).len(), expected.len());
        for (got, expected) in streams(&trace).into_iter().zip(expected) {
            prop_assert_eq!(wide(got), expected.concat());
        }
        prop_assert_eq!(wide(&trace.head.logits), logits.concat());
        for (t, logits) in logits.iter().enumerate() {
            let max = logits.iter().max().unwrap();
            let first = logits.iter().position(|v| v == max).unwrap();
            prop_assert_eq!(trace.next_token(t), Some(first as u32));
        }
        prop_assert_eq!(trace.next_token(tokens.len()), None);
    }

    #[test]
    fn traces_are_consistent((model, tokens) in case()) {
        let trace = model.forward(&tokens).unwrap();
        let spec = &model.spec;
        let (n, heads, d) = (tokens.len(), model.arch.heads, model.arch.width);
        prop_assert_eq!(&trace.embed, &embed_trace(&model, &tokens).unwrap());
        let mut input = &trace.embed.out;
        for ((attention, mlp), layer) in trace.blocks.iter().zip(&model.layers) {
            prop_assert_eq!(attention, &attention_trace(&model.arch, layer, model.rotation.as_ref(), spec, input).unwrap());
            prop_assert_eq!(mlp, &mlp_trace(&model.arch, layer, spec, &attention.output).unwrap());
            prop_assert_eq!(&attention.norm.out.len(), &(n * d));
            let a = attention;
            for row in 0..heads * n {
                let t = row % n;
                let scores: Vec<i64> =
                    (0..n).map(|s| rs(a.score_acc[row * n + s], spec.score_shift)).collect();
                prop_assert_eq!(Some(&a.max[row]), scores[..=t].iter().max());
                let sum: i64 = a.e[row * n..][..n].iter().sum();
                prop_assert_eq!(a.recip[row], (65_535i64 << 32) / sum);
                let total: i64 = a.p[row * n..][..n].iter().sum();
                prop_assert!((total - 65_535).abs() <= n as i64);
                for (s, score) in scores.iter().enumerate() {
                    let mask = if s > t { 1 << 28 } else { 0 };
                    prop_assert_eq!(a.z[row * n + s], a.max[row] - score + mask);
                    prop_assert_eq!(a.e[row * n + s], ExpTable::get().eval(a.z[row * n + s] as u64));
                    prop_assert_eq!(a.p[row * n + s], rs(a.e[row * n + s] * a.recip[row], 32));
                    prop_assert!((0..=65_535).contains(&a.p[row * n + s]));
                    prop_assert!(s <= t || a.p[row * n + s] == 0);
                }
            }
            input = &mlp.output;
        }
        prop_assert_eq!(&trace.head, &head_trace(&model.head, spec, input).unwrap());
        prop_assert_eq!(model.logits(&tokens).unwrap(), trace.head.logits);
    }

    #[test]
    fn later_tokens_do_not_matter((model, mut tokens) in case(), at: prop::sample::Index, token: u32) {
        let before = model.forward(&tokens).unwrap();
        let at = at.index(tokens.len());
        tokens[at] = token % model.arch.vocab as u32;
        let after = model.forward(&tokens).unwrap();
        let d = model.arch.width;
        for (a, b) in streams(&before).into_iter().zip(streams(&after)) {
            prop_assert_eq!(&a[..at * d], &b[..at * d]);
        }
        let v = model.arch.vocab;
        prop_assert_eq!(&before.head.logits[..at * v], &after.head.logits[..at * v]);
        // Nor do they exist.
        let shorter = model.forward(&tokens[..=at]).unwrap();
        prop_assert_eq!(&shorter.head.logits[..], &after.head.logits[..(at + 1) * v]);
    }

    #[test]
    fn generation_is_the_forward_pass((model, prompt) in case(), new in 0usize..8) {
        let mut seen = vec![];
        let result = model.generate(&prompt, new, |t| seen.push(t));
        let len = prompt.len() + new;
        let Some(n) = bucket(len, model.arch.context) else {
            let context = model.arch.context;
            prop_assert_eq!(result, Err(Error::SequenceTooLong { len, context }));
            return Ok(());
        };
        let generated = result.unwrap();
        prop_assert_eq!(&seen, &generated);
        prop_assert_eq!(generated.len(), new);
        // Stopping at a token gives the same tokens, up to that one.
        if let Some(&stop) = generated.last() {
            let until = model.generate_until(&prompt, new, |t| {
                if t == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            let end = generated.iter().position(|&t| t == stop).unwrap();
            prop_assert_eq!(until.unwrap(), &generated[..=end]);
        }
        let trace = model.forward(&padded(&[&prompt[..], &generated[..]].concat(), n)).unwrap();
        for (j, &token) in generated.iter().enumerate() {
            prop_assert_eq!(trace.next_token(prompt.len() - 1 + j), Some(token));
        }
    }
}

fn is_the_specification(model: &QuantizedModel) {
    model.validate().unwrap();
    let tokens = synthetic::tokens(29, model.arch.vocab, 8);
    let executor = Executor::new(model).unwrap();
    let trace = executor.forward(&tokens).unwrap();
    let (expected, logits) = reference::run(model, &tokens);
    for (got, expected) in streams(&trace).into_iter().zip(expected) {
        assert_eq!(wide(got), expected.concat());
    }
    assert_eq!(wide(&trace.head.logits), logits.concat());
    assert_eq!(executor.logits(&tokens).unwrap(), trace.head.logits);
    // The model says something: its choices are not all one token.
    assert!(trace.head.argmax.iter().any(|&t| t != trace.head.argmax[0]));
}

#[test]
fn wider_models_are_the_specification() {
    let arch = Gpt2 {
        layers: 2,
        width: 96,
        heads: 3,
        mlp_width: 200,
        vocab: 301,
        context: 32,
    }
    .architecture();
    let gpt2 = synthetic::model(arch, Activation::GeluNew, 7);
    let llama = synthetic::model(synthetic::TINY_LLAMA, Activation::Silu, 7);
    for model in [gpt2, llama] {
        is_the_specification(&model);
        is_the_specification(&model.rounded());
    }
}

/// As many positions and weights as threads share, and some left over.
#[test]
fn shared_work_has_the_same_results() {
    let arch = Architecture {
        layers: 2,
        width: 144,
        heads: 6,
        mlp_width: 500,
        vocab: 2_003,
        context: 256,
        ..synthetic::TINY_LLAMA
    };
    let model = synthetic::model(arch, Activation::Silu, 5).rounded();
    let (matrices, embeddings) = model.bytes();
    // As many weights as parameters, the head in place of the embedding.
    assert!(matrices * 10 < arch.parameters() * 22);
    assert!(embeddings >= arch.vocab * arch.width * 4);
    let executor = Executor::new(&model).unwrap();
    let tokens = synthetic::tokens(201, arch.vocab, 8);
    let trace = executor.forward(&tokens).unwrap();
    let logits = executor.logits(&tokens).unwrap();
    assert_eq!(logits, trace.head.logits);
    let (_, expected) = reference::run(&model, &tokens[..37]);
    assert_eq!(wide(&logits[..37 * arch.vocab]), expected.concat());
    let generated = executor.generate(&tokens, 20, |_| ()).unwrap();
    let all = [&tokens[..], &generated[..]].concat();
    let trace = executor.forward(&padded(&all, 256)).unwrap();
    for (j, &token) in generated.iter().enumerate() {
        assert_eq!(trace.next_token(200 + j), Some(token));
    }
    // One thread alone has them, too.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let alone = pool.unwrap().install(|| executor.logits(&tokens));
    assert_eq!(alone.unwrap(), logits);
}

#[test]
fn synthetic_models_have_the_magnitudes_of_trained_ones() {
    let arch = Gpt2 {
        layers: 4,
        width: 64,
        heads: 4,
        mlp_width: 256,
        vocab: 100,
        context: 32,
    }
    .architecture();
    for activation in [Activation::GeluNew, Activation::Gelu, Activation::Relu] {
        let model = synthetic::model(arch, activation, 3);
        model.validate().unwrap();
        assert_eq!(model, synthetic::model(arch, activation, 3));
        assert_ne!(model, synthetic::model(arch, activation, 4));
        let trace = model.forward(&synthetic::tokens(32, 100, 5)).unwrap();
        let deviation = |values: &[i64], shift: u32| {
            let squares: i128 = values
                .iter()
                .map(|&v| i128::from(rs(v, shift)).pow(2))
                .sum();
            (squares / values.len() as i128).isqrt()
        };
        for stream in streams(&trace) {
            // Between 1/2 and 4, in units of 2^-16.
            assert!((1 << 15..1 << 18).contains(&deviation(stream, 1).wrapping_mul(2)));
        }
        for (attention, mlp) in &trace.blocks {
            assert!((1 << 10..1 << 13).contains(&deviation(&attention.k_acc, 16)));
            assert!((1 << 10..1 << 13).contains(&deviation(&mlp.h_acc, 16)));
            // Scores of standard deviation around 1, with 12 fractional bits.
            let scores = deviation(&attention.score_acc, model.spec.score_shift);
            assert!((1 << 10..1 << 14).contains(&scores), "{scores}");
        }
    }
    let block = synthetic::layer(arch, 9);
    let input = synthetic::residual(8, arch.width, 10);
    let spec = synthetic::spec(arch.width, Activation::Gelu);
    let attention = attention_trace(&arch, &block, None, &spec, &input).unwrap();
    mlp_trace(&arch, &block, &spec, &attention.output).unwrap();
}

#[test]
fn sequences_are_checked() {
    let arch = Gpt2 {
        layers: 1,
        width: 8,
        heads: 2,
        mlp_width: 8,
        vocab: 10,
        context: 12,
    }
    .architecture();
    let model = synthetic::model(arch, Activation::Relu, 1);
    assert_eq!(model.forward(&[]), Err(Error::EmptyPrompt));
    assert_eq!(model.logits(&[]), Err(Error::EmptyPrompt));
    assert_eq!(model.generate(&[], 1, |_| ()), Err(Error::EmptyPrompt));
    let out = Error::TokenOutOfVocabulary {
        token: 10,
        position: 1,
        vocab: 10,
    };
    assert_eq!(model.forward(&[9, 10]), Err(out.clone()));
    assert_eq!(model.generate(&[9, 10], 1, |_| ()), Err(out));
    let long = |len| Error::SequenceTooLong { len, context: 12 };
    assert_eq!(model.forward(&[0; 13]), Err(long(13)));
    assert!(model.forward(&[0; 12]).is_ok());
    // The greatest bucket is 8.
    assert_eq!(model.generate(&[1; 8], 1, |_| ()), Err(long(9)));
    assert_eq!(model.generate(&[1; 7], 1, |_| ()).map(|t| t.len()), Ok(1));
    assert_eq!(
        model.generate(&[1], usize::MAX, |_| ()),
        Err(long(usize::MAX))
    );
}

#[test]
fn buckets() {
    assert_eq!(bucket(0, 4), Some(4));
    assert_eq!(bucket(4, 4), Some(4));
    assert_eq!(bucket(5, 128), Some(8));
    assert_eq!(bucket(65, 128), Some(128));
    assert_eq!(bucket(65, 100), None);
    assert_eq!(bucket(1, 3), None);
    assert_eq!(bucket(usize::MAX, usize::MAX), None);
    assert_eq!(padded(&[3, 4], 4), [3, 4, 0, 0]);
    assert_eq!(padded(&[3, 4], 1), [3, 4]);
}

//! Malicious models: an error, never a panic or a wrong number.

use nanozk_executor::ops::{self, PreparedLinear};
use nanozk_executor::trace::{attention_trace, head_trace, mlp_trace};
use nanozk_executor::{
    Activation, Architecture, Error, Executor, Gpt2, Linear, Matrix, MlpKind, Norm, Positions,
    QuantizedLayer, QuantizedModel, Spec, padded, synthetic,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

const ARCH: Architecture = Gpt2 {
    layers: 2,
    width: 6,
    heads: 2,
    mlp_width: 5,
    vocab: 7,
    context: 8,
}
.architecture();

fn small() -> QuantizedModel {
    synthetic::model(ARCH, Activation::GeluNew, 1)
}

/// With rotations, fewer keys than queries, and a gate.
const LLAMA: Architecture = Architecture {
    layers: 2,
    width: 6,
    heads: 4,
    kv_heads: 2,
    head_width: 4,
    mlp_width: 5,
    vocab: 7,
    context: 8,
    positions: Positions::Rotary,
    mlp: MlpKind::Gated,
    qk_norm: false,
};

/// The same with normalized queries and keys.
const QWEN3: Architecture = Architecture {
    qk_norm: true,
    ..LLAMA
};

fn either() -> impl Strategy<Value = QuantizedModel> {
    prop_oneof![
        Just(small()),
        Just(small().rounded()),
        Just(synthetic::model(LLAMA, Activation::Silu, 1)),
        Just(synthetic::model(QWEN3, Activation::Silu, 1))
    ]
}

/// Integers of every magnitude.
fn any_scale() -> impl Strategy<Value = i64> {
    prop_oneof![
        (any::<i64>(), 0u32..64).prop_map(|(v, s)| v >> s),
        Just(i64::MIN),
        Just(i64::MAX),
        Just(0)
    ]
}

/// Changes vectors of a model, one after another: embeddings, rotations, the weights and biases of matrices, and the norms of
/// queries and keys. What is put into an embedding is cut to 32 bits.
fn change_vectors(model: &mut QuantizedModel, mut change: impl FnMut(&mut Vec<i64>)) {
    for embedding in [&mut model.wte, &mut model.wpe] {
        if !embedding.is_empty() {
            let mut values: Vec<i64> = embedding.iter().map(|v| i64::from(*v)).collect();
            change(&mut values);
            let ends = (i32::MIN.into(), i32::MAX.into());
            *embedding = values
                .iter()
                .map(|v| (*v).clamp(ends.0, ends.1) as i32)
                .collect();
        }
    }
    if let Some(rotation) = &mut model.rotation {
        change(&mut rotation.cos);
        change(&mut rotation.sin);
    }
    let layers = model
        .layers
        .iter_mut()
        .flat_map(QuantizedLayer::linears_mut);
    for linear in layers.chain([&mut model.head]) {
        let mut rows = linear.weight.rows();
        change(&mut rows);
        linear.weight = Matrix::from_rows(linear.inputs(), linear.outputs(), &rows).unwrap();
        change(&mut linear.bias);
    }
    for norm in model
        .layers
        .iter_mut()
        .flat_map(|l| &mut l.qk_norm)
        .flatten()
    {
        change(&mut norm.eps);
        change(&mut norm.gain);
    }
}

/// How many [`change_vectors`] finds.
fn vectors(model: &QuantizedModel) -> usize {
    let mut count = 0;
    change_vectors(&mut model.clone(), |_| count += 1);
    count
}

/// The same weights, as far as there are any, for other dimensions.
fn resized(matrix: &Matrix, inputs: usize, outputs: usize) -> Matrix {
    let (inputs, outputs) = (inputs.min(16), outputs.min(16));
    Matrix::from_fn(inputs, outputs, |i, o| {
        matrix.get(i % matrix.inputs(), o % matrix.outputs())
    })
}

/// What only a check of a generation says: nothing if the model does not generate.
fn checked(
    model: &QuantizedModel,
    prompt: &[u32],
    new: usize,
    positions: usize,
) -> Option<Result<(), Error>> {
    let executor = Executor::new(model).ok()?;
    let going_on = |_| ControlFlow::Continue(());
    let generation = executor.generation(prompt, new, going_on).ok()?;
    let tokens = [prompt, generation.generated()].concat();
    let forward = executor.forward(&padded(&tokens, positions));
    let check = generation.check(positions);
    assert_eq!(check.is_ok(), forward.is_ok(), "{check:?}");
    Some(check)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1024) })]

    #[test]
    fn no_weights_make_it_panic(
        mut model in either(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any_scale(), any::<prop::sample::Index>(), any::<bool>()), 1..6),
        tokens in prop::collection::vec(0u32..7, 1..8),
        score_shift in 4u32..=16,
        act_frac in 8u32..=13,
        eps in any::<u64>(),
    ) {
        model.spec = Spec { score_shift, act_frac, eps: eps.max(1), ..model.spec };
        for (which, value, entry, all) in changes {
            let index = which.index(vectors(&model));
            let mut at = 0;
            change_vectors(&mut model, |vector| {
                if at == index {
                    match all {
                        true => vector.fill(value),
                        false => {
                            let entry = entry.index(vector.len());
                            vector[entry] = value;
                        }
                    }
                }
                at += 1;
            });
        }
        let _ = model.validate();
        let trace = model.forward(&tokens);
        let logits = model.logits(&tokens);
        prop_assert_eq!(trace.as_ref().map(|t| &t.head.logits), logits.as_ref());
        let generated = model.generate(&tokens[..1], 3, |_| ());
        if let (Ok(trace), Ok(generated)) = (&trace, &generated) {
            prop_assert_eq!(trace.next_token(0), generated.first().copied());
        }
        checked(&model, &tokens[..1], 3, 8);
    }

    #[test]
    fn no_random_weights_make_it_panic(mut model in either(), seed in any::<u64>(), shift in 0u32..64) {
        let mut random = synthetic::Random::new(seed);
        change_vectors(&mut model, |vector| {
            vector.iter_mut().for_each(|v| *v = random.next_u64() as i64 >> shift);
        });
        let _ = model.validate();
        let _ = model.forward(&[1, 2, 3, 4]);
        let _ = model.generate(&[1, 2], 2, |_| ());
    }

    #[test]
    fn no_residual_makes_it_panic(input in prop::collection::vec(any_scale(), 0..24), seed in any::<u64>()) {
        for arch in [ARCH, LLAMA, QWEN3] {
            let layer = synthetic::layer(arch, seed);
            let model = synthetic::model(arch, Activation::Silu, 1);
            let _ = attention_trace(&arch, &layer, model.rotation.as_ref(), &model.spec, &input);
            let _ = mlp_trace(&arch, &layer, &model.spec, &input);
        }
        let model = small();
        let _ = head_trace(&model.head, &model.spec, &input);
    }

    #[test]
    fn no_dimensions_make_it_panic(
        honest in either(),
        at in 0usize..23,
        value in prop_oneof![0usize..9, Just(usize::MAX), Just(1 << 40)],
    ) {
        let mut model = honest.clone();
        let spec = &mut model.spec;
        let layer = &mut model.layers[1];
        match at {
            0 => model.arch.layers = value,
            1 => model.arch.width = value,
            2 => model.arch.heads = value,
            3 => model.arch.mlp_width = value,
            4 => model.arch.vocab = value,
            5 => model.arch.context = value,
            6 => spec.norm_frac = value as u32,
            7 => spec.score_shift = value as u32,
            8 => spec.act_frac = value as u32,
            9 => layer.q.weight = resized(&layer.q.weight, value, layer.q.outputs()),
            10 => layer.fc.weight = resized(&layer.fc.weight, layer.fc.inputs(), value),
            11 => layer.mlp_out.weight = resized(&layer.mlp_out.weight, value, layer.mlp_out.outputs()),
            12 => layer.attn_out.weight = resized(&layer.attn_out.weight, layer.attn_out.inputs(), value),
            13 => model.head.weight = resized(&model.head.weight, model.head.inputs(), value),
            14 => model.arch.kv_heads = value,
            15 => model.arch.head_width = value,
            16 => model.arch.positions = [Positions::Learned, Positions::Rotary][value % 2],
            17 => model.arch.mlp = [MlpKind::Plain, MlpKind::Gated][value % 2],
            18 => spec.norm = [Norm::LayerNorm, Norm::RmsNorm][value % 2],
            19 => model.arch.qk_norm = value % 2 == 1,
            20 => layer.qk_norm.iter_mut().flatten().for_each(|norm| norm.eps.truncate(value)),
            21 => layer.qk_norm.iter_mut().flatten().for_each(|norm| norm.gain.truncate(value)),
            _ => { model.head.bias.pop(); }
        }
        let valid = model.validate();
        // Nothing else follows from the score shift, `act_frac` and the norm.
        let free = at == 7 && (4..=16).contains(&value)
            || at == 8 && (8..=13).contains(&value)
            || at == 18;
        prop_assert_eq!(valid.is_ok(), free || model == honest);
        match model.forward(&[1, 2]) {
            // What gates let through has other units then.
            Err(Error::Range { .. }) if at == 8 => prop_assert!(valid.is_ok()),
            result => prop_assert_eq!(result.is_ok(), valid.is_ok()),
        }
        let _ = model.logits(&[1]);
        let _ = model.generate(&[1], 1, |_| ());
        let rotation = model.rotation.as_ref();
        let _ = attention_trace(&model.arch, &model.layers[1], rotation, &model.spec, &[0; 6]);
        let _ = mlp_trace(&model.arch, &model.layers[1], &model.spec, &[0; 6]);
        let _ = head_trace(&model.head, &model.spec, &[0; 6]);
    }

    #[test]
    fn products_are_exact_or_an_error(
        inputs in 1usize..9, outputs in 1usize..9, n in 0usize..9, seed in any::<u64>(),
        weight_shift in 0u32..64, input_shift in 0u32..64, bias_shift in 0u32..64, rounded: bool,
    ) {
        let mut random = synthetic::Random::new(seed);
        let mut values = |len: usize, shift: u32| -> Vec<i64> {
            (0..len).map(|_| random.next_u64() as i64 >> shift).collect()
        };
        let mut weight = Matrix::from_rows(inputs, outputs, &values(inputs * outputs, weight_shift)).unwrap();
        if rounded {
            weight = weight.rounded();
            prop_assert!(weight.mantissas().is_some());
        }
        let weights = weight.rows();
        let matrix = Linear {
            weight,
            bias: values(outputs, bias_shift),
        };
        let x = values(n * inputs, input_shift);
        let result = ops::linear("test", &x, &matrix);
        let mut expected = vec![];
        for row in x.chunks_exact(inputs) {
            for o in 0..outputs {
                // Only weights and inputs of 63 bits each could leave 128 bits.
                let mut terms = row.iter().enumerate().map(|(i, &x)| {
                    i128::from(x) * i128::from(weights[i * outputs + o])
                });
                expected.push(terms.try_fold(i128::from(matrix.bias[o]), |sum, v| sum.checked_add(v)));
            }
        }
        let fits = |v: &Option<i128>| v.is_some_and(|v| v.abs() < 1 << 62);
        if expected.iter().all(fits) {
            let expected: Vec<i64> = expected.into_iter().map(|v| v.unwrap() as i64).collect();
            prop_assert_eq!(result, Ok(expected));
        } else {
            let is_range = matches!(result, Err(Error::Range { operation: "test", .. }));
            prop_assert!(is_range);
        }
    }
}

/// Keys that are large where queries are: scores leave their range, or are not hidden by the mask.
#[test]
fn a_generation_is_checked_on_all_positions() {
    let mut found = BTreeSet::new();
    for seed in 0..2000 {
        let mut model = synthetic::model(ARCH, Activation::GeluNew, seed);
        model.spec.score_shift = 4;
        let factor = 4 + seed as i64 % 16;
        match seed % 3 {
            0 => model.head.weight.map(|_, _, w| w << (18 + factor / 4)),
            _ => {
                let layer = &mut model.layers[1];
                // Features that add up, of queries and of keys.
                for linear in [&mut layer.q, &mut layer.k] {
                    let column: Vec<i64> = (0..6).map(|i| linear.weight.get(i, 0)).collect();
                    linear.weight.map(|i, _, _| column[i] * factor);
                }
            }
        }
        let [prompt, new] = [1 + seed as usize % 4, seed as usize % 5];
        if let Some(Err(error)) = checked(&model, &synthetic::tokens(prompt, 7, seed), new, 8) {
            found.insert(range_of::<()>(Err(error)).1);
        }
    }
    // Each kind of what only a check finds.
    for operation in ["query", "key", "attention score", "logit difference"] {
        assert!(found.contains(operation), "{operation}: {found:?}");
    }
}

fn range_of<T: std::fmt::Debug>(result: Result<T, Error>) -> (Option<usize>, &'static str, i128) {
    match result {
        Err(Error::Range {
            layer,
            operation,
            value,
            ..
        }) => (layer, operation, value),
        other => panic!("not a range error: {other:?}"),
    }
}

#[test]
fn errors_name_layer_and_operation() {
    let mut model = small();
    model.layers[1].v.bias[2] = 1 << 40;
    let error = model.forward(&[1, 2]).unwrap_err();
    let (layer, operation, value) = range_of(model.logits(&[1, 2]));
    assert_eq!((layer, operation), (Some(1), "value"));
    assert!(value > 1 << 15);
    assert_eq!(
        error.to_string(),
        format!("layer 1, value: value {value} is outside -32768..=32767")
    );

    let mut model = small();
    model.layers[0].fc.weight.set(0, 0, 1 << 60);
    assert_eq!(range_of(model.forward(&[1, 2])).0, Some(0));
    assert_eq!(range_of(model.forward(&[1, 2])).1, "first MLP product");
    assert_eq!(range_of(model.validate()), (Some(0), "weight", 1 << 60));

    let mut model = small();
    model.layers[0].mlp_out.bias[0] = 1 << 50;
    assert_eq!(range_of(model.forward(&[1, 2])).1, "MLP output");

    let mut model = small();
    model.layers[0].attn_out.bias[0] = -(1 << 50);
    assert_eq!(range_of(model.forward(&[1, 2])).1, "attention output");

    let mut model = small();
    model.head.bias[3] = 1 << 45;
    let (layer, operation, _) = range_of(model.forward(&[1, 2]));
    assert_eq!((layer, operation), (None, "logit difference"));
    assert_eq!(
        range_of(model.generate(&[1], 1, |_| ())).1,
        "logit difference"
    );

    let mut model = small();
    model.wte[6..12].fill(i32::MAX);
    model.wpe.fill(1 << 20);
    assert_eq!(range_of(model.forward(&[1, 2])).1, "embedding");
    assert_eq!(range_of(model.validate()).1, "embedding");
    assert!(model.forward(&[2]).is_ok());

    let mut model = small();
    model.head.bias[0] = 1 << 56;
    assert_eq!(range_of(model.validate()), (None, "bias", 1 << 56));
}

#[test]
fn scores_are_checked() {
    // Constant queries and keys of opposite sign at the end of the range.
    let mut model = small();
    for (linear, value) in [(0, 30_000i64), (1, -30_000)] {
        let layer = &mut model.layers[0];
        let linear = if linear == 0 {
            &mut layer.q
        } else {
            &mut layer.k
        };
        linear.weight.map(|_, _, _| 0);
        linear.bias.fill(value << 16);
    }
    model.spec.score_shift = 4;
    let (layer, operation, value) = range_of(model.forward(&[1, 2]));
    assert_eq!((layer, operation), (Some(0), "attention score"));
    assert_eq!(value, -3 * 30_000 * 30_000 / 16);
    model.spec.score_shift = 5;
    assert!(model.forward(&[1, 2]).is_ok());
}

#[test]
fn prepared_matrices_are_checked() {
    let is_shape = |result| matches!(result, Err(Error::Shape { .. }));
    assert!(is_shape(Matrix::from_rows(2, 2, &[1; 3]).map(drop)));
    let of = |inputs, outputs, biases| Linear {
        weight: Matrix::from_fn(inputs, outputs, |_, _| 1),
        bias: vec![0; biases],
    };
    for wrong in [of(0, 2, 2), of(2, 0, 0), of(2, 2, 1)] {
        assert!(is_shape(PreparedLinear::new(&wrong).map(drop)));
    }
    let matrix = of(2, 1, 1);
    assert!(matches!(
        ops::linear("x", &[1, 2, 3], &matrix),
        Err(Error::Shape { .. })
    ));
    assert_eq!(ops::linear("x", &[1, 2], &matrix), Ok(vec![3]));
}

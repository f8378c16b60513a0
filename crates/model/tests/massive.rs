//! Models a few of whose residual features are far greater than the others.

mod common;

use common::Checkpoint;
use nanozk_model::{Error, FloatModel, Options, Report, evaluate, quantize};

/// Three of 64 features are `factor` times greater than the others, and LayerNorm's gain compensates.
fn massive(factor: f32) -> FloatModel {
    const MASSIVE: [usize; 3] = [5, 23, 44];
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint {
        width: 64,
        heads: 4,
        tied: false,
        seed: 11,
        ..Checkpoint::default()
    };
    let mut tensors = checkpoint.tensors();
    // Tied to the embedding, the head would see the massive features again.
    let head = tensors["wte.weight"].clone();
    tensors.insert("lm_head.weight".into(), head);
    // What normalizing makes of the other features.
    let shrunk = (3.0 / 64.0 * factor * factor + 61.0 / 64.0).sqrt();
    for (name, (shape, values)) in &mut tensors {
        let d = *shape.last().unwrap();
        let writes = name.contains("c_proj") || name.starts_with("wte") || name.starts_with("wpe");
        let gain = name.contains("ln_") && name.ends_with("weight");
        for (i, v) in values.iter_mut().enumerate() {
            let massive = MASSIVE.contains(&(i % d));
            if gain {
                *v *= if massive { shrunk / factor } else { shrunk };
            } else if writes && massive {
                *v *= factor;
            }
        }
        if writes {
            // They sum to zero, so that the mean is that of the others.
            for row in values.chunks_exact_mut(d) {
                row[MASSIVE[2]] = -(row[MASSIVE[0]] + row[MASSIVE[1]]);
            }
        }
    }
    checkpoint.write_tensors(dir.path(), &tensors);
    FloatModel::load(dir.path()).unwrap()
}

/// Quantized with little text of one kind.
fn quantized(
    model: &FloatModel,
    headroom: Option<f64>,
) -> (nanozk_executor::QuantizedModel, Report) {
    let options = Options {
        windows: 8,
        headroom,
        ..Options::default()
    };
    quantize(model, &"all work and no play ".repeat(60), &options).unwrap()
}

#[test]
fn other_text_stays_in_range() {
    let text: String = common::text("heldout.txt").chars().take(4_000).collect();
    for (factor, agreement) in [(1.0, 0.98), (100.0, 0.9)] {
        let model = massive(factor);
        let (integer, report) = quantized(&model, None);
        assert_eq!((report.clipped(), &report.overflows), (0, &Vec::new()));
        let eval = evaluate(&model, &integer, &text, |_, _| {}).unwrap();
        assert_eq!(eval.overflows, [], "{factor}");
        assert!(eval.top1_agreement >= agreement, "{factor}: {eval:?}");
        // What import says of it is not better than what other text shows, by much.
        let told = report.top1_agreement.unwrap();
        assert!(
            told <= eval.top1_agreement + 0.2,
            "{factor}: {told} {eval:?}"
        );
    }
}

/// Normalized values have about eleven bits, of which features a thousand times smaller than others keep one or two;
/// and a token with less of the great features has far more of the others than any that was seen. Such a model is
/// imported all the same, what is lost is said, and most of other text can be computed.
#[test]
fn far_greater_features_cost_precision_and_are_told() {
    let text: String = common::text("heldout.txt").chars().take(4_000).collect();
    for factor in [1_000.0, 10_000.0] {
        let model = massive(factor);
        let (integer, report) = quantized(&model, None);
        assert_eq!(report.clipped(), 0);
        let told = report.top1_agreement.unwrap();
        assert!((0.0..=1.0).contains(&told), "{told}");
        let eval = evaluate(&model, &integer, &text, |_, _| {}).unwrap();
        let all = model.windows(&text).unwrap().len();
        assert_eq!(eval.windows + eval.overflowed(), all);
        assert!(2 * eval.windows > all, "{factor}: {eval:?}");
    }
}

#[test]
fn windows_that_overflow_are_counted() {
    let text: String = common::text("heldout.txt").chars().take(4_000).collect();
    let model = massive(100.0);
    let (integer, _) = quantized(&model, Some(1.0));
    let eval = evaluate(&model, &integer, &text, |_, _| {}).unwrap();
    let all = model.windows(&text).unwrap().len();
    assert!(eval.overflowed() > 0 && eval.windows > 0, "{eval:?}");
    assert_eq!(eval.windows + eval.overflowed(), all);
    assert_eq!(eval.window, 32);
    assert_eq!(eval.predictions, eval.windows * 31);
    let worst = eval.worst().unwrap();
    assert!(worst.greatest > 1.0 && worst.greatest < 10.0, "{worst:?}");
    assert!(eval.overflows.iter().all(|o| o.greatest <= worst.greatest));
    // The most frequent first.
    let counts: Vec<usize> = eval.overflows.iter().map(|o| o.windows).collect();
    assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
}

#[test]
fn a_text_of_nothing_but_overflows_is_an_error() {
    let model = massive(100.0);
    let (mut integer, _) = quantized(&model, None);
    // Values a thousand times greater than their scale was made for.
    integer.layers[1].v.weight.map(|_, _, w| w * 1_000);
    let error = evaluate(
        &model,
        &integer,
        &common::text("heldout.txt")[..400],
        |_, _| {},
    );
    let error = error.unwrap_err();
    match &error {
        Error::AllOverflow {
            windows,
            layer,
            operation,
            greatest,
        } => {
            assert_eq!(
                (*windows, *layer, operation.as_str()),
                (12, Some(1), "value")
            );
            assert!(*greatest > 1.0);
        }
        other => panic!("{other}"),
    }
    let text = error.to_string();
    assert!(
        text.contains("value of layer 1") && text.contains("--headroom"),
        "{text}"
    );
}

#[test]
fn a_residual_stream_beyond_sixteen_fractional_bits() {
    // Magnitudes of hundreds of thousands: 32 bits hold them with fewer fractional ones.
    let model = massive(500_000.0);
    let (_, report) = quantized(&model, None);
    assert!(report.residual_frac < 16, "{}", report.residual_frac);
    let (_, report) = quantized(&massive(100.0), None);
    assert_eq!(report.residual_frac, 16);
}

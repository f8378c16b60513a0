//! Every quantized operation of a forward pass is proved: change any one of its results, leave the rest
//! as the executor computed it, and there is no proof.

use halo2curves::bn256::Fr;
use nanozk_circuits::embed::SequenceTrace;
use nanozk_circuits::ir::Kind;
use nanozk_circuits::poseidon::sequence_digests;
use nanozk_circuits::{plan, BlockShape, Layer, LayerKind, LayerTrace, LayerWeights, Objective};
use nanozk_executor::{synthetic, Activation, Architecture, QuantizedModel, Trace};
use nanozk_prover::check::{check_witness, random_challenges};

const N: usize = 8;

struct Bench {
    model: QuantizedModel,
    sequence: SequenceTrace,
    trace: Trace,
    layers: Vec<(Layer, LayerKind)>,
}

fn bench() -> Bench {
    let arch = Architecture {
        layers: 1,
        width: 8,
        heads: 2,
        mlp_width: 16,
        vocab: 16,
        context: N,
    };
    let model = synthetic::model(arch, Activation::GeluNew, 3);
    let mut tokens = vec![2, 7, 1, 8];
    tokens.extend(model.generate(&tokens, 3, |_| {}).expect("generated"));
    let sequence = SequenceTrace {
        tokens: nanozk_executor::padded(&tokens, N),
        prompt: 4,
        generated: 3,
        input_salt: Fr::from(11),
        output_salt: Fr::from(12),
    };
    let trace = model.forward(&sequence.tokens).expect("runs");
    let kinds = [
        LayerKind::Embed,
        LayerKind::Attention,
        LayerKind::Mlp,
        LayerKind::Head,
    ];
    let block = BlockShape::new(&model.arch, &model.spec);
    let plan = plan(&kinds.map(|k| (k, 1)), block, N, Objective::default()).expect("a plan");
    let layers = kinds
        .map(|k| {
            (
                Layer::new(plan.shape(k).expect("planned")).expect("fits"),
                k,
            )
        })
        .into_iter()
        .collect();
    Bench {
        model,
        sequence,
        trace,
        layers,
    }
}

impl Bench {
    /// Whether the layers accept a trace.
    fn provable(&self, trace: &Trace, kind: LayerKind) -> bool {
        let (layer, _) = self.layers.iter().find(|(_, k)| *k == kind).expect("there");
        let values = match kind {
            LayerKind::Embed => LayerTrace::Embed(&self.sequence, &trace.embed.out),
            LayerKind::Attention => LayerTrace::Attention(&trace.blocks[0].0),
            LayerKind::Mlp => LayerTrace::Mlp(&trace.blocks[0].1),
            _ => LayerTrace::Head(&self.sequence, &trace.head),
        };
        let Ok(mut first) = layer.witness(values, || 1) else {
            return false;
        };
        let program = &layer.program;
        let mut weights = layer
            .weights(LayerWeights::of(&self.model, kind, 0))
            .into_iter();
        for (column, values) in program.first_phase().into_iter().zip(&mut first) {
            if program.info(column).kind == Kind::Weight {
                *values = weights.next().expect("a weight column");
            }
        }
        let s = &self.sequence;
        let (input, output) = sequence_digests(
            &s.tokens,
            s.prompt,
            s.generated,
            s.input_salt,
            s.output_salt,
        );
        let mut instances = vec![Fr::from(1), Fr::from(2)];
        match kind {
            LayerKind::Embed => instances.extend([input, output]),
            LayerKind::Head => instances.push(output),
            _ => {}
        }
        check_witness(program, first, &instances, &random_challenges()).is_ok()
    }
}

/// A result of an operation: where it is in a trace.
type Place = fn(&mut Trace) -> &mut Vec<i64>;

#[test]
fn no_result_of_any_operation_can_be_changed() {
    let b = bench();
    for (_, kind) in &b.layers {
        assert!(
            b.provable(&b.trace, *kind),
            "{kind:?}: the honest trace is provable"
        );
    }
    let places: [(&str, LayerKind, Place); 29] = [
        ("embedding", LayerKind::Embed, |t| &mut t.embed.out),
        ("attention input", LayerKind::Attention, |t| {
            &mut t.blocks[0].0.input
        }),
        ("norm 1 mean", LayerKind::Attention, |t| {
            &mut t.blocks[0].0.norm.mean
        }),
        ("norm 1 reciprocal root", LayerKind::Attention, |t| {
            &mut t.blocks[0].0.norm.rsqrt
        }),
        ("norm 1 output", LayerKind::Attention, |t| {
            &mut t.blocks[0].0.norm.out
        }),
        ("query", LayerKind::Attention, |t| &mut t.blocks[0].0.q_acc),
        ("key", LayerKind::Attention, |t| &mut t.blocks[0].0.k_acc),
        ("value", LayerKind::Attention, |t| &mut t.blocks[0].0.v_acc),
        ("score", LayerKind::Attention, |t| {
            &mut t.blocks[0].0.score_acc
        }),
        ("maximum", LayerKind::Attention, |t| &mut t.blocks[0].0.max),
        ("distance", LayerKind::Attention, |t| &mut t.blocks[0].0.z),
        ("exponential", LayerKind::Attention, |t| {
            &mut t.blocks[0].0.e
        }),
        ("row reciprocal", LayerKind::Attention, |t| {
            &mut t.blocks[0].0.recip
        }),
        ("probability", LayerKind::Attention, |t| {
            &mut t.blocks[0].0.p
        }),
        ("context", LayerKind::Attention, |t| {
            &mut t.blocks[0].0.o_acc
        }),
        ("attention product", LayerKind::Attention, |t| {
            &mut t.blocks[0].0.out_acc
        }),
        ("attention output", LayerKind::Attention, |t| {
            &mut t.blocks[0].0.output
        }),
        ("MLP input", LayerKind::Mlp, |t| &mut t.blocks[0].1.input),
        ("norm 2 mean", LayerKind::Mlp, |t| {
            &mut t.blocks[0].1.norm.mean
        }),
        ("norm 2 reciprocal root", LayerKind::Mlp, |t| {
            &mut t.blocks[0].1.norm.rsqrt
        }),
        ("norm 2 output", LayerKind::Mlp, |t| {
            &mut t.blocks[0].1.norm.out
        }),
        ("pre-activation", LayerKind::Mlp, |t| {
            &mut t.blocks[0].1.h_acc
        }),
        ("activation", LayerKind::Mlp, |t| &mut t.blocks[0].1.a),
        ("MLP product", LayerKind::Mlp, |t| {
            &mut t.blocks[0].1.out_acc
        }),
        ("MLP output", LayerKind::Mlp, |t| &mut t.blocks[0].1.output),
        ("head input", LayerKind::Head, |t| &mut t.head.input),
        ("final norm mean", LayerKind::Head, |t| {
            &mut t.head.norm.mean
        }),
        ("final norm output", LayerKind::Head, |t| {
            &mut t.head.norm.out
        }),
        ("logit", LayerKind::Head, |t| &mut t.head.logits),
    ];
    for (name, kind, place) in places {
        // The first element, one in the middle, the last: by the least amount and by much.
        let length = place(&mut b.trace.clone()).len();
        for at in [0, length / 2 + 1, length - 1] {
            for by in [1, -1, 54_321] {
                let mut changed = b.trace.clone();
                place(&mut changed)[at.min(length - 1)] += by;
                assert!(!b.provable(&changed, kind), "{name} {at} changed by {by}");
            }
        }
    }
}

#[test]
fn a_damaged_key_cache_is_made_anew() {
    use nanozk_prover::keys::KeyStore;
    use nanozk_setup::{Setup, DEVELOPMENT_SEED};
    let b = bench();
    let (layer, _) = &b.layers[2];
    let setup = Setup::development(layer.program.k, DEVELOPMENT_SEED).expect("a setup");
    let dir = tempfile::tempdir().expect("a directory");
    let store = KeyStore::new(dir.path().join("keys"));
    let digest = store.verifying_key(layer, &setup).expect("made").digest();
    let file = std::fs::read_dir(store.dir())
        .expect("listed")
        .next()
        .expect("one file")
        .expect("readable")
        .path();
    let good = std::fs::read(&file).expect("readable");
    let mut flipped = good.clone();
    flipped[100] ^= 1;
    for bad in [
        flipped,
        good[..50].to_vec(),
        vec![],
        [good.clone(), vec![0]].concat(),
    ] {
        std::fs::write(&file, bad).expect("written");
        assert_eq!(
            store
                .verifying_key(layer, &setup)
                .expect("made anew")
                .digest(),
            digest
        );
        assert_eq!(
            std::fs::read(&file).expect("readable"),
            good,
            "and stored whole"
        );
    }
}

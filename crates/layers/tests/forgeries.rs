//! A forgery of each identity of a layer: the witness is changed so that this identity fails and no other. The checker names
//! it, and a proof made from the witness all the same is refused.

use halo2curves::bn256::Fr;
use halo2curves::ff::{Field, PrimeField};
use nanozk_argument::{Statement, commit_known, powers, prove_unchecked, verify};
use nanozk_circuit::{Failure, Layout, Program, Registry, Role, Tensor, Values};
use nanozk_executor::spec::{GAIN_FRAC, ROTATION_FRAC};
use nanozk_executor::trace::{attention_trace, mlp_trace};
use nanozk_executor::{
    Activation, Architecture, AttentionTrace, ExpTable, Gpt2, MlpKind, MlpTrace, Norm, Positions,
    QuantizedLayer, QuantizedModel, Spec, synthetic,
};
use nanozk_kzg::Basis;
use nanozk_layers::gadgets::Normalization;
use nanozk_layers::tokens::INPUTS;
use nanozk_layers::{Layers, Packing, Registered, Selection, Shape, Weights};
use nanozk_transcript::KeccakTranscript;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::collections::BTreeMap;

const K: u32 = 16;
const WIDTH: usize = 8;
const POSITIONS: usize = 4;

/// Both halves of a block of a small model, each with an input of its own.
struct Block {
    program: Program,
    layout: Layout,
    layers: Layers,
    shape: Shape,
}

/// The MLP's activations in columns of their own, so that both halves have inputs of their own.
struct Apart(Registered);

impl Registry for Apart {
    fn place(&self, tensor: &Tensor, indices: &[usize]) -> Option<(u32, usize)> {
        let (column, offset) = self.0.place(tensor, indices)?;
        let is_apart = tensor.role == Role::Activation && tensor.name.starts_with("mlp");
        Some((column + u32::from(is_apart), offset))
    }
}

impl Block {
    /// Of a GPT-2.
    fn new() -> Self {
        Self::with(synthetic::spec(WIDTH, Activation::GeluNew))
    }

    fn with(spec: Spec) -> Self {
        let architecture = Gpt2 {
            layers: 1,
            width: WIDTH,
            heads: 2,
            mlp_width: 16,
            vocab: 4,
            context: 16,
        };
        Self::of(architecture.architecture(), spec)
    }

    /// Of a Llama: two heads of keys for four of queries, of two pairs each.
    fn llama() -> Self {
        Self::llama_with(false)
    }

    /// The same, whose queries and keys are normalized.
    fn qwen3() -> Self {
        Self::llama_with(true)
    }

    fn llama_with(qk_norm: bool) -> Self {
        let architecture = Architecture {
            layers: 1,
            width: WIDTH,
            heads: 4,
            kv_heads: 2,
            head_width: 4,
            mlp_width: 16,
            vocab: 4,
            context: 16,
            positions: Positions::Rotary,
            mlp: MlpKind::Gated,
            qk_norm,
        };
        let spec = Spec {
            norm: Norm::RmsNorm,
            ..synthetic::spec(WIDTH, Activation::Silu)
        };
        Self::of(architecture, spec)
    }

    fn of(architecture: Architecture, spec: Spec) -> Self {
        let shape = Shape {
            architecture,
            spec,
            positions: POSITIONS,
        };
        let mut program = Program::new();
        let layers = Layers::new(&mut program, &shape, &Selection::blocks(1), 1).unwrap();
        let packing = Packing::new(&shape, K).unwrap();
        let registry = Apart(packing.registry(&program, &layers));
        let layout = Layout::new(&program, K, 16, &registry).unwrap();
        Self {
            program,
            layout,
            layers,
            shape,
        }
    }

    fn is_llama(&self) -> bool {
        self.shape.architecture.mlp == MlpKind::Gated
    }

    fn model(&self) -> QuantizedModel {
        let spec = self.shape.spec;
        QuantizedModel {
            spec,
            ..synthetic::model(self.shape.architecture, spec.activation, 1)
        }
    }

    fn attention(
        &self,
        model: &QuantizedModel,
        input: &[i64],
    ) -> Result<AttentionTrace, nanozk_executor::Error> {
        let (layer, rotation) = (&model.layers[0], model.rotation.as_ref());
        attention_trace(&model.arch, layer, rotation, &model.spec, input)
    }

    /// What the executor computes. The inputs of both normalizations add up to zero at position 1, so that a
    /// sum of one there has the same root.
    fn values(&self) -> Values<'_> {
        let values = self.values_of_another(|_| {});
        assert_eq!(self.program.check(&values), Ok(()));
        values
    }

    /// What the executor computes in attention with another layer, said to be computed with this one.
    fn values_of_another(&self, change: impl Fn(&mut QuantizedLayer)) -> Values<'_> {
        let model = self.model();
        let mut another = model.clone();
        change(&mut another.layers[0]);
        let stream = |seed| {
            let mut stream = synthetic::residual(POSITIONS, WIDTH, seed);
            stream[WIDTH] -= stream[WIDTH..2 * WIDTH].iter().sum::<i64>();
            stream
        };
        let first = self.attention(&another, &stream(1)).unwrap();
        let second = mlp_trace(&model.arch, &model.layers[0], &model.spec, &stream(2)).unwrap();
        self.values_of(&model, first, second)
    }

    /// Values of any traces, true or not.
    fn values_of(
        &self,
        model: &QuantizedModel,
        first: AttentionTrace,
        second: MlpTrace,
    ) -> Values<'_> {
        let inputs = vec![Fr::ZERO; INPUTS];
        let mut values = Values::new(&self.program, &self.layout, inputs);
        let weights = Weights::Block(0, &model.layers[0], model.rotation.as_ref());
        let layers = &self.layers;
        layers.fill_weights(&mut values, weights).unwrap();
        layers.fill_blocks(&mut values, &[(first, second)]).unwrap();
        values.look_up().unwrap();
        values
    }
}

/// A cell as an integer.
fn cell(values: &Values<'_>, name: &str, at: &[usize]) -> i128 {
    let p = values.program();
    let tensor = p.named(name).unwrap_or_else(|| panic!("no tensor {name}"));
    let integer = |x: Fr| -> Option<i128> {
        let bytes = x.to_repr();
        let bytes = bytes.as_ref();
        let is_small = bytes[16..].iter().all(|b| *b == 0) && bytes[15] < 128;
        is_small.then(|| i128::from_le_bytes(bytes[..16].try_into().unwrap()))
    };
    let value = values.get(tensor, at);
    integer(value).unwrap_or_else(|| -integer(-value).expect("an integer"))
}

fn set(values: &mut Values<'_>, name: &str, at: &[usize], value: i128) {
    let tensor = values.program().named(name).unwrap();
    assert!(values.set(tensor, at, value), "{name} is not {value}");
}

fn limbs(values: &Values<'_>, name: &str) -> Vec<String> {
    let p = values.program();
    match p.named(name) {
        Some(_) => vec![name.to_owned()],
        None => (0..)
            .map(|i| format!("{name} limb {i}"))
            .take_while(|limb| p.named(limb).is_some())
            .collect(),
    }
}

/// A number in limbs, without its offset.
fn number(values: &Values<'_>, name: &str, at: &[usize]) -> i128 {
    let limbs = limbs(values, name);
    assert!(!limbs.is_empty(), "no number {name}");
    limbs
        .iter()
        .rev()
        .fold(0, |sum, limb| (sum << 16) + cell(values, limb, at))
}

fn set_number(values: &mut Values<'_>, name: &str, at: &[usize], value: i128) {
    assert!(value >= 0, "{name}");
    let names = limbs(values, name);
    for (i, limb) in names.iter().enumerate() {
        let rest = value >> (16 * i);
        let is_last = i + 1 == names.len();
        set(values, limb, at, if is_last { rest } else { rest & 0xffff });
    }
}

fn add(values: &mut Values<'_>, name: &str, at: &[usize], by: i128) {
    let value = number(values, name, at) + by;
    set_number(values, name, at, value);
}

/// Adds one, or takes one away if the number is at the end of its range.
fn nudge(values: &mut Values<'_>, name: &str, at: &[usize]) {
    let by = if number(values, name, at) > 0 { -1 } else { 1 };
    add(values, name, at, by);
}

/// The two slacks of a normalization's root, from everything else.
fn settle_root(values: &mut Values<'_>, block: &Block, norm: &str, at: &[usize]) {
    let spec = block.shape.spec;
    let (d, norm_frac, eps) = (WIDTH, spec.norm_frac, spec.eps.into());
    settle_root_of(values, spec.norm, (d, norm_frac, eps), norm, at);
}

/// The same of a normalization of this width, fractional bits and epsilon.
fn settle_root_of(
    values: &mut Values<'_>,
    kind: Norm,
    (width, norm_frac, eps): (usize, u32, i128),
    norm: &str,
    at: &[usize],
) {
    let d = width as i128;
    let name = |what: &str| format!("{norm} {what}");
    let sum = match kind {
        Norm::LayerNorm => {
            let mean = number(values, &name("mean"), at) - (1 << 31);
            d * mean + number(values, &name("rest"), at)
        }
        Norm::RmsNorm => 0,
    };
    let squares = cell(values, &name("squares"), at);
    let variance = d * squares - sum * sum + eps;
    let root = number(values, &name("root"), at);
    let target = (d * d) << (2 * (32 + norm_frac));
    let below = target - root * root * variance;
    set_number(values, &name("below"), at, below);
    let above = 2 * root * variance + variance - 1 - below;
    set_number(values, &name("above"), at, above);
}

/// The identity of distances in scores.
const BEYOND: &str = "distance is beyond the table only at its end, and there for later positions";

type Forgery = (
    &'static str,
    Box<dyn for<'a> Fn(&mut Values<'a>, &'a Block)>,
);

fn forgery(
    name: &'static str,
    f: impl for<'a> Fn(&mut Values<'a>, &'a Block) + 'static,
) -> Forgery {
    (name, Box::new(f))
}

/// A normalization of `[layer, feature, position]`.
fn norm(
    norm: &'static str,
    is_centered: bool,
    names: [&'static str; 6],
    at: [usize; 2],
) -> Vec<Forgery> {
    let name = move |what: &str| format!("{norm} {what}");
    let [sum, rest, squares, small, large, scaled] = names;
    let centered = vec![
        // Another sum, which is one more.
        forgery(sum, move |v, block| {
            add(v, &name("rest"), &at, 1);
            add(v, &name("room"), &at, -1);
            settle_root(v, block, norm, &at);
        }),
        // A rest that need not be less than the width.
        forgery(rest, move |v, _| add(v, &name("room"), &at, 1)),
    ];
    let others = vec![
        forgery(squares, move |v, block| {
            let value = cell(v, &name("squares"), &at);
            set(v, &name("squares"), &at, value + 1);
            settle_root(v, block, norm, &at);
        }),
        forgery(small, move |v, _| {
            add(v, &name("below"), &at, 1);
            add(v, &name("above"), &at, -1);
        }),
        forgery(large, move |v, _| nudge(v, &name("above"), &at)),
        forgery(scaled, move |v, _| {
            nudge(v, &name("remainder"), &[at[0], 3, at[1]])
        }),
    ];
    let centered = centered.into_iter().filter(|_| is_centered);
    centered.chain(others).collect()
}

/// Normalizations of a head of queries, and of one of keys.
fn head_norms(block: &Block) -> Vec<Forgery> {
    let c = block.shape.architecture.head_width;
    let all = [("query", vec![0, 1, 1], 3), ("key", vec![0, 1], 3)];
    let of = |(name, head, position): (&'static str, Vec<usize>, usize)| {
        let norm = move |what: &str| format!("{name} norm {what}");
        let identity = move |what: &str| -> &'static str { norm(what).leak() };
        let row = [&head[..], &[position]].concat();
        let cell_at = [&head[..], &[1, 0, position]].concat();
        let (at, head_at) = (row.clone(), head);
        let squares = forgery(identity("sum of squares"), move |v, _| {
            let value = cell(v, &norm("squares"), &at);
            set(v, &norm("squares"), &at, value + 1);
            let eps = cell(v, &norm("epsilon"), &head_at);
            let of = (c, Spec::norm_frac_for(c), eps);
            settle_root_of(v, Norm::RmsNorm, of, &format!("{name} norm"), &at);
        });
        let at = row.clone();
        let small = forgery(identity("root is small"), move |v, _| {
            add(v, &norm("below"), &at, 1);
            add(v, &norm("above"), &at, -1);
        });
        let large = forgery(identity("root is large"), move |v, _| {
            nudge(v, &norm("above"), &row)
        });
        let scaled = forgery(identity("scaled"), move |v, _| {
            nudge(v, &norm("remainder"), &cell_at)
        });
        [squares, small, large, scaled]
    };
    all.into_iter().flat_map(of).collect()
}

fn forgeries(block: &Block) -> Vec<Forgery> {
    let names = |stem: &str| {
        [
            "sum",
            "rest is less",
            "sum of squares",
            "root is small",
            "root is large",
            "scaled",
        ]
        .map(|what| &*format!("{stem} norm {what}").leak())
    };
    let is_centered = block.shape.spec.norm == Norm::LayerNorm;
    let mut all = norm("attention norm", is_centered, names("attention"), [0, 1]);
    all.extend(norm("mlp norm", is_centered, names("mlp"), [0, 1]));
    // The last group of queries, and features of a head with the half in which they lie.
    let is_llama = block.is_llama();
    let group = usize::from(is_llama);
    let query = |head: usize, half: usize, channel: usize, position: usize| match is_llama {
        true => vec![0, head, group, half, channel, position],
        false => vec![0, head, group, channel, position],
    };
    let key = |head: usize, half: usize, channel: usize, position: usize| match is_llama {
        true => vec![0, head, half, channel, position],
        false => vec![0, head, channel, position],
    };
    let mut remainders = vec![
        ("query product", "query remainder", query(1, 1, 1, 3)),
        ("key product", "key remainder", key(0, 0, 1, 0)),
        ("value product", "value remainder", key(1, 1, 0, 2)),
        ("score", "score remainder", vec![0, 1, group, 2, 1]),
        (
            "probability is",
            "probability remainder",
            vec![0, 0, group, 3, 2],
        ),
        ("context is", "context remainder", query(1, 0, 1, 3)),
        ("attention added", "attention remainder", vec![0, 5, 2]),
        ("first product", "pre-activation remainder", vec![0, 9, 1]),
        ("mlp added", "mlp remainder", vec![0, 7, 3]),
        ("mlp stream", "mlp out", vec![0, 2, 2]),
    ];
    if is_llama {
        remainders.extend([
            (
                "query is rotated",
                "rotated query remainder",
                query(0, 0, 1, 3),
            ),
            ("key is rotated", "rotated key remainder", key(1, 1, 0, 2)),
            ("gate product", "gate remainder", vec![0, 9, 1]),
            ("gated activation", "gated remainder", vec![0, 3, 2]),
        ]);
    }
    if block.shape.architecture.qk_norm {
        all.extend(head_norms(block));
        // All that follows is computed from a sum that is another one.
        all.push(forgery("query product", |v, block| {
            *v = block.values_of_another(|layer| layer.q.bias[5] += 1);
        }));
        all.push(forgery("key product", |v, block| {
            *v = block.values_of_another(|layer| layer.k.bias[2] += 1);
        }));
        remainders.retain(|(identity, ..)| !matches!(*identity, "query product" | "key product"));
    }
    for (identity, remainder, at) in remainders {
        all.push(forgery(identity, move |v, _| nudge(v, remainder, &at)));
    }
    all.push(forgery("attention stream", |v, _| {
        nudge(v, "attention out", &[0, 2, 1])
    }));
    // The same distance, as another key with the same exponential.
    all.push(forgery(BEYOND, move |v, _| {
        let at = [0, 1, group, 1, 3];
        assert_eq!(cell(v, "distance", &at), 65535);
        set(v, "distance", &at, 65534);
        add(v, "beyond", &at, 1);
    }));
    // No score is the maximum.
    all.push(forgery("a row has a maximum", move |v, _| {
        for source in 0..POSITIONS {
            set(v, "top", &[0, 1, group, 3, source], 0);
        }
    }));
    // The maximum is said to be the score of another position, or of a later one.
    for (row, to) in [(3, None), (1, Some(3))] {
        all.push(forgery("the maximum is a score", move |v, _| {
            let at = |s: usize| [0, 0, group, row, s];
            let top = (0..POSITIONS)
                .find(|s| cell(v, "top", &at(*s)) == 1)
                .unwrap();
            let other = to.unwrap_or((top + 1) % POSITIONS);
            set(v, "top", &at(top), 0);
            set(v, "top", &at(other), 1);
        }));
    }
    all.push(forgery("reciprocal is small", move |v, _| {
        let at = [0, 1, group, 2];
        add(v, "reciprocal below", &at, 1);
        add(v, "reciprocal above", &at, -1);
    }));
    all.push(forgery("reciprocal is large", move |v, _| {
        nudge(v, "reciprocal above", &[0, 0, group, 3])
    }));
    all
}

/// Proves values, whatever they are, and verifies the proof.
fn proves(values: Values<'_>, basis: &Basis, g2: &[halo2curves::bn256::G2Affine; 2]) -> bool {
    let (program, layout) = (values.program(), values.layout());
    let known = commit_known(basis, &values);
    let inputs = values.inputs().to_vec();
    let statement = Statement {
        program,
        layout,
        inputs: &inputs,
        known: &known,
    };
    let mut transcript = KeccakTranscript::new();
    let proof = prove_unchecked(
        &statement,
        values,
        basis,
        &mut ChaCha20Rng::seed_from_u64(1),
        &mut transcript,
        |_, _, _| {},
    )
    .unwrap();
    verify(&statement, &proof, &mut KeccakTranscript::new())
        .is_ok_and(|accumulator| accumulator.holds(g2))
}

/// Of each identity; those that are `proved` are refused by a verifier, too.
fn are_refused(block: &Block, is_proved: impl Fn(&str) -> bool) {
    let honest = block.values();
    let (bases, g2) = nanozk_setup::development_powers(powers(K), nanozk_setup::DEVELOPMENT_SEED);
    let basis = Basis::new(&bases, 1).unwrap();
    assert!(proves(honest.clone(), &basis, &g2));
    let mut without: Vec<&str> = block
        .program
        .identities()
        .iter()
        .map(|identity| identity.name.as_str())
        .collect();
    for (name, forge) in forgeries(block) {
        let mut values = honest.clone();
        forge(&mut values, block);
        values.look_up().unwrap();
        let failures: Vec<String> = block
            .program
            .failures(&values)
            .into_iter()
            .map(|failure| match failure {
                Failure::Identity { identity, .. } => identity,
                other => panic!("{name}: {other}"),
            })
            .collect();
        assert_eq!(failures, [name]);
        if is_proved(name) {
            assert!(!proves(values, &basis, &g2), "{name}");
        }
        without.retain(|identity| *identity != name);
    }
    assert_eq!(without, [""; 0], "identities without a forgery");
}

#[test]
fn every_identity_has_a_forgery_that_only_it_refuses() {
    // A proof takes a second: one of each gadget.
    let is_another = [
        "mlp norm",
        "mlp added",
        "mlp stream",
        "key product",
        "value product",
    ];
    are_refused(&Block::new(), |name| {
        !is_another.iter().any(|other| name.starts_with(other))
    });
    // Of normalized queries and keys, what a Llama has not.
    are_refused(&Block::qwen3(), |name| {
        let own = ["query norm", "query product", "key is rotated"];
        own.iter().any(|part| name.contains(part))
    });
    // Of a Llama, what a GPT-2 has not.
    are_refused(&Block::llama(), |name| {
        let own = [
            "is rotated",
            "gate product",
            "gated activation",
            "attention norm",
        ];
        own.iter().any(|part| name.contains(part))
    });
}

/// What identities rely on: every tensor of the prover is in a table, but for sums of squares, which one determines.
#[test]
fn witnesses_outside_of_tables_are_determined() {
    for block in [Block::new(), Block::llama(), Block::qwen3()] {
        let free: Vec<&str> = block
            .program
            .enumerate()
            .filter(|(_, tensor)| tensor.role == Role::Witness)
            .map(|(_, tensor)| tensor.name.as_str())
            .collect();
        let heads: &[&str] = match block.shape.architecture.qk_norm {
            true => &["query norm squares", "key norm squares"],
            false => &[],
        };
        let expected = [&["attention norm squares"], heads, &["mlp norm squares"]].concat();
        assert_eq!(free, expected);
    }
}

/// A remainder is less than what is divided by, and other numbers have the bits of the executor's.
#[test]
fn numbers_have_their_ranges() {
    for block in [Block::new(), Block::llama(), Block::qwen3()] {
        have_their_ranges(&block);
    }
}

fn have_their_ranges(block: &Block) {
    let p = &block.program;
    let mut bits: BTreeMap<String, u32> = BTreeMap::new();
    for tensor in p.tensors() {
        let Role::Limb { range } = tensor.role else {
            continue;
        };
        let name = match tensor.name.split_once(" limb ") {
            Some((name, _)) => name,
            None => &tensor.name,
        };
        *bits.entry(name.to_owned()).or_default() += p.tables()[range.index()].bits;
    }
    let norm = [
        ("out", 16),
        ("mean", 32),
        ("rest", 16),
        ("room", 16),
        ("root", 48),
        ("below", 112),
        ("above", 112),
        ("remainder", 32),
    ];
    let others = [
        ("query", 16),
        ("query remainder", 16),
        ("key", 16),
        ("key remainder", 16),
        ("value", 16),
        ("value remainder", 16),
        ("max", 32),
        ("beyond", 32),
        ("top", 1),
        ("score remainder", block.shape.spec.score_shift),
        ("reciprocal", 48),
        ("reciprocal below", 48),
        ("reciprocal above", 48),
        ("probability", 16),
        ("probability remainder", 32),
        ("context", 16),
        ("context remainder", 16),
        ("attention out", 32),
        ("attention remainder", 16),
        ("pre-activation remainder", 16),
        ("mlp out", 32),
        ("mlp remainder", 16),
    ];
    let only_llama = [
        ("rotated query", 16),
        ("rotated query remainder", ROTATION_FRAC),
        ("rotated key", 16),
        ("rotated key remainder", ROTATION_FRAC),
        ("gate", 16),
        ("gate remainder", 16),
        ("gated", 16),
        ("gated remainder", block.shape.spec.act_out_frac()),
    ];
    let centering = ["mean", "rest", "room"];
    let is_llama = block.is_llama();
    let norms = ["attention", "mlp"]
        .into_iter()
        .flat_map(|half| norm.map(|number| (half, number)))
        .filter(|(_, (what, _))| !(is_llama && centering.contains(what)))
        .map(|(half, (what, bits))| (format!("{half} norm {what}"), bits));
    let others = others
        .into_iter()
        .chain(only_llama.into_iter().filter(|_| is_llama))
        .map(|(name, bits)| (name.to_owned(), bits));
    let mut expected: BTreeMap<String, u32> = norms.chain(others).collect();
    if block.shape.architecture.qk_norm {
        for name in ["query", "key"] {
            // Sums as they are, and a shift by 16 after the gains.
            expected.insert(name.to_owned(), 32);
            expected.remove(&format!("{name} remainder"));
            expected.insert(format!("rotated {name} remainder"), GAIN_FRAC);
            let own = norm
                .into_iter()
                .filter(|(what, _)| !centering.contains(what));
            expected.extend(own.map(|(what, bits)| (format!("{name} norm {what}"), bits)));
        }
    }
    assert_eq!(bits, expected);
}

/// The causal mask lowers a score by 2^28, and only the executor bounds scores. Here that of the last position is greater
/// than all others by one less, so that it is masked to a distance of one: all is as the executor would compute it, did it
/// not refuse this, and the first positions attend to a token that comes after them.
#[test]
fn later_positions_are_not_attended_to() {
    const HEADS: usize = 2;
    const CHANNELS: usize = WIDTH / HEADS;
    let mut spec = synthetic::spec(WIDTH, Activation::GeluNew);
    spec.score_shift = 4;
    let block = Block::with(spec);
    let mut forged = block.model();
    let layer = &mut forged.layers[0];
    // One residual stream three times, then its negative.
    let first = &synthetic::residual(POSITIONS, WIDTH, 1)[..WIDTH];
    let stream: Vec<i64> = [1, 1, 1, -1]
        .iter()
        .flat_map(|sign| first.iter().map(move |x| sign * x))
        .collect();
    // What does not depend on queries and keys is the executor's.
    let mut honest = block.model();
    honest.layers[0].q.weight.map(|_, _, _| 0);
    honest.layers[0].q.bias.fill(0);
    let mut trace = block.attention(&honest, &stream).unwrap();

    // Each channel of a query is 16385, of a key -32766, and 32766 at the last position.
    let (query, low, high) = (16_385_i64, -32_766_i64, 32_766_i64);
    let out = |t: usize, i: usize| trace.norm.out[t * WIDTH + i];
    let feature = (0..WIDTH)
        .max_by_key(|i| (out(3, *i) - out(0, *i)).abs())
        .unwrap();
    let (at_first, at_last) = (out(0, feature), out(3, feature));
    let slope = ((high - low) << 16) / (at_last - at_first);
    let bias = (low << 16) - slope * at_first;
    layer.q.weight.map(|_, _, _| 0);
    layer.q.bias.fill(query << 16);
    layer
        .k
        .weight
        .map(|i, _, _| if i == feature { slope } else { 0 });
    layer.k.bias.fill(bias);
    let rs = |x: i64, shift: u32| (x + (1 << (shift - 1))) >> shift;
    trace.q_acc.fill(query << 16);
    let key_acc = |t: usize| bias + slope * [at_first, at_last][usize::from(t == 3)];
    for (i, acc) in trace.k_acc.iter_mut().enumerate() {
        *acc = key_acc(i / WIDTH);
    }
    let key = |t: usize| rs(key_acc(t), 16);
    assert_eq!([0, 3].map(key), [low, high]);
    let acc = |s: usize| CHANNELS as i64 * query * key(s);
    let score = |s: usize| rs(acc(s), 4);
    assert_eq!(score(3) - score(0), (1 << 28) - 1);
    for h in 0..HEADS {
        for t in 0..POSITIONS {
            let row = h * POSITIONS + t;
            let max = (0..=t).map(score).max().unwrap();
            trace.max[row] = max;
            let pairs = row * POSITIONS..(row + 1) * POSITIONS;
            for (s, pair) in pairs.clone().enumerate() {
                trace.score_acc[pair] = acc(s);
                trace.z[pair] = max - score(s) + (i64::from(s > t) << 28);
                trace.e[pair] = ExpTable::get().eval(trace.z[pair] as u64);
            }
            let sum: i64 = trace.e[pairs.clone()].iter().sum();
            trace.recip[row] = (65_535 << 32) / sum;
            for pair in pairs {
                trace.p[pair] = rs(trace.e[pair] * trace.recip[row], 32);
            }
        }
    }
    // The first position attends to the last as much as to itself.
    assert!(trace.p[3] > 32_000);
    for t in 0..POSITIONS {
        for o in 0..WIDTH {
            let row = (o / CHANNELS * POSITIONS + t) * POSITIONS;
            trace.o_acc[t * WIDTH + o] = (0..POSITIONS)
                .map(|s| trace.p[row + s] * rs(trace.v_acc[s * WIDTH + o], 16))
                .sum();
        }
        for o in 0..WIDTH {
            let linear = &layer.attn_out;
            let sum: i64 = (0..WIDTH)
                .map(|i| rs(trace.o_acc[t * WIDTH + i], 16) * linear.weight.get(i, o))
                .sum();
            let at = t * WIDTH + o;
            trace.out_acc[at] = sum + linear.bias[o];
            trace.output[at] = stream[at] + rs(trace.out_acc[at], 16);
        }
    }
    assert!(block.attention(&forged, &stream).is_err());

    let second = mlp_trace(&forged.arch, &forged.layers[0], &spec, &stream).unwrap();
    let values = block.values_of(&forged, trace, second);
    let failures = block.program.failures(&values);
    let (bases, g2) = nanozk_setup::development_powers(powers(K), nanozk_setup::DEVELOPMENT_SEED);
    let basis = Basis::new(&bases, 1).unwrap();
    assert!(!proves(values, &basis, &g2));
    assert!(
        matches!(&failures[..], [Failure::Identity { identity, .. }] if identity == BEYOND),
        "{failures:?}"
    );
}

/// Nothing is registered.
struct Nothing;

impl Registry for Nothing {
    fn place(&self, _: &Tensor, _: &[usize]) -> Option<(u32, usize)> {
        None
    }
}

/// A registered embedding may be any field elements. Here those of a position are fractions, `303/5`, `404/5` and their
/// negatives, and so is no number before they are multiplied by the root: the variance is an integer, and the root is its.
#[test]
fn a_stream_of_field_elements_has_one_root() {
    const ROOT: i128 = 5 << 28;
    const SHIFT: u32 = 32;
    let width = 4;
    let norm_frac = Spec::norm_frac_for(width);
    let target = 16_i128 << (2 * (SHIFT + norm_frac));
    let variance = target / (ROOT * ROOT);
    // Four times the sum of squares.
    let spread = 4 * 2 * (303 * 303 + 404 * 404) / 25;
    let eps = u64::try_from(variance - spread).unwrap();
    let numerators = [303, 404, -303, -404_i64];

    let mut p = Program::new();
    let axes = [("layer", 1), ("feature", width), ("position", 1)];
    let axes = axes.map(|(name, len)| p.new_axis(name, len));
    let stream = p.new_tensor("stream", &axes, Role::Witness);
    let spec = Spec {
        eps,
        ..synthetic::spec(width, Activation::GeluNew)
    };
    Normalization::new(&mut p, "norm", stream, axes, &spec);
    let layout = Layout::new(&p, K, 4, &Nothing).unwrap();
    let with_root = |root: i128| {
        let mut values = Values::new(&p, &layout, vec![]);
        let fifth = Fr::from(5).invert().unwrap();
        values.fill_field(stream, |at| {
            nanozk_circuit::integer(numerators[at[1]].into()) * fifth
        });
        let row = [0, 0];
        set_number(&mut values, "norm mean", &row, 1 << 31);
        set_number(&mut values, "norm room", &row, 3);
        set(&mut values, "norm squares", &row, spread / 4);
        set_number(&mut values, "norm root", &row, root);
        let below = target - root * root * variance;
        let above = 2 * root * variance + variance - 1 - below;
        set_number(&mut values, "norm below", &row, below.max(0));
        set_number(&mut values, "norm above", &row, above.max(0));
        for (feature, numerator) in numerators.into_iter().enumerate() {
            let at = [0, feature, 0];
            let product = i128::from(numerator) * (root / 5) + (1 << (SHIFT - 1));
            set_number(&mut values, "norm out", &at, (product >> SHIFT) + (1 << 15));
            let remainder = product & ((1 << SHIFT) - 1);
            set_number(&mut values, "norm remainder", &at, remainder);
        }
        values.look_up().unwrap();
        values
    };
    let values = with_root(ROOT);
    assert_eq!(p.check(&values), Ok(()));
    let out = |feature| number(&values, "norm out", &[0, feature, 0]) - (1 << 15);
    assert_eq!([0, 1, 2, 3].map(out), [19, 25, -19, -25]);
    for (root, identity) in [
        (ROOT - 5, "norm root is large"),
        (ROOT + 5, "norm root is small"),
    ] {
        let failures = p.failures(&with_root(root));
        assert!(
            matches!(&failures[..], [Failure::Identity { identity: name, .. }, ..] if name == identity),
            "{failures:?}"
        );
    }
}

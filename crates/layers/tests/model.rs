//! Whole models of small shapes: what the executor computes satisfies the program, other values do not, and one joint
//! proof proves it.

use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_argument::{Proof, Statement, commit_known, prove, verify};
use nanozk_circuit::{ColumnKind, Failure, Layout, LayoutError, Program, Role, Values};
use nanozk_executor::{Activation, Executor, Gpt2, QuantizedModel, Trace, padded, synthetic};
use nanozk_kzg::Basis;
use nanozk_layers::tokens::{GENERATED_TOKENS, OUTPUT_DIGEST, PROMPT_DIGEST, PROMPT_TOKENS};
use nanozk_layers::{
    BadSelection, Layer, Layers, Packing, Selection, Sequence, Shape, Tokens, Weights,
};
use nanozk_transcript::KeccakTranscript;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

const K: u32 = 16;

/// A shape and a session.
#[derive(Clone, Copy)]
struct Size {
    width: usize,
    heads: usize,
    mlp_width: usize,
    vocab: usize,
    layers: usize,
    positions: usize,
    prompt: usize,
    generated: usize,
    rows: usize,
}

const SMALL: Size = Size {
    width: 8,
    heads: 2,
    mlp_width: 8,
    vocab: 37,
    layers: 2,
    positions: 8,
    prompt: 3,
    generated: 3,
    rows: 4,
};

/// A program, a model that it is about, and a session.
struct Case {
    size: Size,
    program: Program,
    layers: Layers,
    shape: Shape,
    layout: Layout,
    weights: QuantizedModel,
    trace: Trace,
    sequence: Sequence,
}

impl Size {
    fn shape(&self) -> Shape {
        Shape {
            architecture: Gpt2 {
                layers: self.layers,
                width: self.width,
                heads: self.heads,
                mlp_width: self.mlp_width,
                vocab: self.vocab,
                context: self.positions,
            }
            .architecture(),
            spec: synthetic::spec(self.width, Activation::GeluNew),
            positions: self.positions,
        }
    }

    fn weights(&self) -> QuantizedModel {
        synthetic::model(self.shape().architecture, Activation::GeluNew, 1)
    }

    fn case(self) -> Case {
        let weights = self.weights();
        let prompt = synthetic::tokens(self.prompt, self.vocab, 1);
        let generated = weights.generate(&prompt, self.generated, |_| {}).unwrap();
        self.case_of(weights, [prompt, generated].concat())
    }

    fn case_of(self, weights: QuantizedModel, tokens: Vec<u32>) -> Case {
        let sequence = Sequence {
            tokens: padded(&tokens, self.positions),
            prompt: self.prompt,
            generated: self.generated,
            prompt_salt: Fr::from(1001),
            output_salt: Fr::from(1002),
        };
        let trace = Executor::new(&weights)
            .unwrap()
            .forward(&sequence.tokens)
            .unwrap();
        let shape = self.shape();
        let mut program = Program::new();
        let all = Selection::all(self.layers);
        let layers = Layers::new(&mut program, &shape, &all, self.rows).unwrap();
        let packing = Packing::new(&shape, K).unwrap();
        let layout = Layout::new(&program, K, 5, &packing.registry(&program, &layers)).unwrap();
        Case {
            size: self,
            program,
            layers,
            shape,
            layout,
            weights,
            trace,
            sequence,
        }
    }
}

/// Sets the weights of all layers that are there.
fn fill_weights(layers: &Layers, values: &mut Values<'_>, model: &QuantizedModel) {
    let ends = [
        Weights::Embed(&model.wte, &model.wpe),
        Weights::Head(&model.head),
    ];
    let blocks = model.layers.iter().enumerate();
    let blocks = blocks.map(|(block, layer)| Weights::Block(block, layer, model.rotation.as_ref()));
    for weights in ends.into_iter().chain(blocks) {
        layers.fill_weights(values, weights).unwrap();
    }
}

impl Case {
    fn tokens(&self) -> &Tokens {
        self.layers.tokens.as_ref().expect("all layers are there")
    }

    fn inputs(&self) -> Vec<Fr> {
        self.sequence.public_inputs([Fr::from(11), Fr::from(12)])
    }

    fn values_with(&self, inputs: Vec<Fr>) -> Values<'_> {
        let mut values = Values::new(&self.program, &self.layout, inputs);
        fill_weights(&self.layers, &mut values, &self.weights);
        self.layers
            .fill(&mut values, &self.trace, &self.sequence)
            .unwrap();
        values
    }

    fn values(&self) -> Values<'_> {
        self.values_with(self.inputs())
    }

    /// Sets a tensor, by its name.
    fn set(&self, values: &mut Values<'_>, name: &str, f: impl Fn(&[usize]) -> i128) {
        let tensor = self.program.named(name).unwrap_or_else(|| panic!("{name}"));
        values.fill(tensor, f).unwrap();
    }

    /// Adds to a cell of a tensor.
    fn add(&self, values: &mut Values<'_>, name: &str, indices: &[usize], by: Fr) {
        let tensor = self.program.named(name).unwrap_or_else(|| panic!("{name}"));
        let before = values.clone();
        values.fill_field(tensor, |at| {
            let value = before.get(tensor, at);
            value + if at == indices { by } else { Fr::ZERO }
        });
    }

    /// Tokens in one-hot digits.
    fn set_tokens(&self, values: &mut Values<'_>, name: &str, tokens: &[usize]) {
        let vocabulary = &self.tokens().vocabulary;
        for (i, digit) in ["high", "middle", "low"].iter().enumerate() {
            self.set(values, &format!("{name} {digit}"), |at| {
                i128::from(vocabulary.digits(tokens[at[1]])[i] == at[0])
            });
        }
    }

    /// Logit differences as if row `g` had chosen a token with the greatest logit; negative ones are set to zero.
    fn set_chosen(&self, values: &mut Values<'_>, chosen: &[usize]) {
        let vocab = self.size.vocab;
        let row = |g: usize| &self.trace.head.logits[self.sequence.source(g) * vocab..][..vocab];
        self.set_tokens(values, "chosen", chosen);
        let difference = |at: &[usize]| {
            let v = self.tokens().vocabulary.number(&at[1..]);
            let row = row(at[0]);
            let top = *row.iter().max().unwrap();
            match row.get(v) {
                Some(logit) => (top - logit - i64::from(v < chosen[at[0]])).max(0),
                None => 0,
            }
        };
        for (i, shift) in [0, 16, 32].into_iter().enumerate() {
            self.set(values, &format!("logit difference limb {i}"), |at| {
                (difference(at) >> shift & 0xffff).into()
            });
        }
    }

    fn chosen(&self) -> Vec<usize> {
        (0..self.size.rows)
            .map(|g| self.trace.head.argmax[self.sequence.source(g)] as usize)
            .collect()
    }

    fn refused(&self, values: &Values<'_>, expected: &str) {
        match self.program.check(values) {
            Err(Failure::Identity { identity, .. }) => assert_eq!(identity, expected),
            other => panic!("{other:?}, not {expected}"),
        }
    }
}

#[test]
fn what_the_executor_computes_satisfies_the_program() {
    let cases = [
        // Odd sizes; one token; one digit; all positions in use.
        (8, 2, 8, 37, 2, 8, 3, 3, 4),
        (6, 1, 5, 2, 1, 4, 3, 1, 1),
        (12, 3, 4, 101, 1, 16, 9, 7, 8),
        (4, 2, 6, 64, 1, 4, 1, 3, 4),
    ];
    for (width, heads, mlp_width, vocab, layers, positions, prompt, generated, rows) in cases {
        let size = Size {
            width,
            heads,
            mlp_width,
            vocab,
            layers,
            positions,
            prompt,
            generated,
            rows,
        };
        let case = size.case();
        if let Err(failure) = case.program.check(&case.values()) {
            panic!("vocabulary of {vocab}: {failure}");
        }
    }
}

#[test]
fn digests_are_those_of_the_format() {
    for n in [4, 8, 16, 32, 64] {
        let sequence = Sequence {
            tokens: synthetic::tokens(n, 50_257, n as u64),
            prompt: n / 2 - 1,
            generated: n / 4,
            prompt_salt: Fr::from(5).square().square(),
            output_salt: -Fr::from(7),
        };
        // By the definition in docs/format.md.
        let (prompt, end) = (sequence.prompt, sequence.prompt + sequence.generated);
        let power = |bits: usize| Fr::from(2).pow([bits as u64]);
        let counts = Fr::from(n as u64) * power(32) + Fr::from(prompt as u64) * power(64);
        let generated = Fr::from(sequence.generated as u64) * power(96);
        let digest = |salt: Fr, header: Fr, kept: std::ops::Range<usize>| {
            let groups = n.div_ceil(8);
            let messages = (0..groups).map(|i| -> Fr {
                let own = (i..n).step_by(groups).enumerate();
                let own = own.filter(|(_, t)| kept.contains(t));
                own.map(|(j, t)| Fr::from(u64::from(sequence.tokens[t])) * power(24 * j))
                    .sum()
            });
            let all = std::iter::once(header).chain(messages);
            all.fold(salt, nanozk_poseidon::hash2)
        };
        let header = counts + Fr::ONE;
        let prompt = digest(sequence.prompt_salt, header, 0..prompt);
        let header = counts + generated + Fr::from(2);
        let output = digest(sequence.output_salt, header, sequence.prompt..end);
        assert_eq!(sequence.digests(), [prompt, output]);
    }
}

/// Each set of layers of a model of two blocks; weights and activations lie where those of the whole model do.
#[test]
fn any_layers_have_a_program() {
    let case = SMALL.case();
    let packing = Packing::new(&case.shape, K).unwrap();
    let all = case.values();
    let whole = |kind: ColumnKind| {
        let found = case.layout.enumerate().find(|(_, c)| c.kind == kind);
        all.column(found.unwrap().0)
    };
    let count = Layer::count(SMALL.layers);
    for set in 1_u32..1 << count {
        let numbers: Vec<usize> = (0..count).filter(|n| set >> n & 1 == 1).collect();
        let selection = Selection::new(&numbers, SMALL.layers).unwrap();
        let mut p = Program::new();
        let layers = Layers::new(&mut p, &case.shape, &selection, SMALL.rows).unwrap();
        let layout = Layout::new(&p, K, 5, &packing.registry(&p, &layers)).unwrap();
        let mut values = Values::new(&p, &layout, case.inputs());
        fill_weights(&layers, &mut values, &case.weights);
        layers
            .fill(&mut values, &case.trace, &case.sequence)
            .unwrap();
        assert_eq!(p.check(&values), Ok(()), "{numbers:?}");
        for (id, column) in layout.enumerate() {
            let expected = match column.kind {
                ColumnKind::Activation(_) => values.column(id) == whole(column.kind),
                // What is there of a column of weights is a part of it.
                ColumnKind::Weight(_) => (0..values.column(id).len()).all(|row| {
                    let cell = values.column(id).get(row);
                    cell == Fr::ZERO || cell == whole(column.kind).get(row)
                }),
                _ => true,
            };
            assert!(expected, "{numbers:?}: {:?}", column.kind);
        }
    }
}

/// Columns may be too short for a tile: then there is no layout.
#[test]
fn columns_may_be_too_short() {
    let mut p = Program::new();
    let shape = SMALL.shape();
    let all = Selection::all(SMALL.layers);
    let layers = Layers::new(&mut p, &shape, &all, SMALL.rows).unwrap();
    for k in [0, 1, 5] {
        let packing = Packing::new(&shape, k).unwrap();
        let layout = Layout::new(&p, k, 5, &packing.registry(&p, &layers));
        assert!(matches!(layout, Err(LayoutError::LargeTile { .. })));
    }
}

#[test]
fn selections() {
    let layer = |number| Layer::of(number, 3);
    for number in 0..Layer::count(3) {
        assert_eq!(layer(number).unwrap().number(3), number);
    }
    assert_eq!(layer(Layer::count(3)), None);
    assert_eq!(layer(usize::MAX), None);
    assert_eq!(layer(4), Some(Layer::Mlp(1)));
    assert_eq!(Selection::new(&[], 3), Err(BadSelection::Empty));
    assert_eq!(Selection::new(&[1, 1], 3), Err(BadSelection::Order));
    assert_eq!(Selection::new(&[2, 1], 3), Err(BadSelection::Order));
    let far = BadSelection::NoSuchLayer {
        layer: 8,
        layers: 8,
    };
    assert_eq!(Selection::new(&[2, 8], 3), Err(far));
    assert_eq!(Selection::all(3).numbers().len(), 8);
}

#[test]
fn other_tokens_are_refused() {
    let case = SMALL.case();
    // A generated token that the model did not choose.
    let mut tokens = case.sequence.tokens.clone();
    let other = (tokens[4] + 1) % 37;
    tokens[4] = other;
    tokens.truncate(6);
    let changed = SMALL.case_of(SMALL.weights(), tokens);
    changed.refused(&changed.values(), "the chosen token comes next");
    let mut values = changed.values();
    let mut chosen = changed.chosen();
    chosen[1] = other as usize;
    changed.set_chosen(&mut values, &chosen);
    let mut expected = "the chosen logit is the greatest";
    if chosen[1] > changed.chosen()[1] {
        // The greatest logit would have to be less than itself.
        expected = "no logit is greater";
    }
    changed.refused(&values, expected);

    // Another row of the embedding; a number beyond the vocabulary, whose row is zero.
    let tokens: Vec<usize> = case.sequence.tokens.iter().map(|t| *t as usize).collect();
    let with = |token: usize| {
        let mut tokens = tokens.clone();
        tokens[7] = token;
        tokens
    };
    let mut values = case.values();
    case.set_tokens(&mut values, "token", &with(36));
    case.refused(&values, "a token is in the vocabulary");
    case.set(&mut values, "token room", |at| 36 - with(36)[at[0]] as i128);
    case.refused(&values, "embedding");
    for beyond in [37, 47] {
        let mut values = case.values();
        case.set_tokens(&mut values, "token", &with(beyond));
        case.set(&mut values, "token room", |at| {
            (36 - with(beyond)[at[0]] as i128).max(0)
        });
        case.refused(&values, "a token is in the vocabulary");
    }
    let mut values = case.values();
    case.set(&mut values, "token low", |at| i128::from(at[0] < 2));
    case.refused(&values, "token low is one");
}

#[test]
fn other_counts_are_refused() {
    let case = SMALL.case();
    let with = |number: usize, by: i64| {
        let mut inputs = case.inputs();
        inputs[number] += nanozk_circuit::integer(by.into());
        inputs
    };
    for by in [-1, 1, -3, -100] {
        let values = case.values_with(with(GENERATED_TOKENS, by));
        case.refused(&values, "the sequence has its length");
        let values = case.values_with(with(PROMPT_TOKENS, by));
        case.refused(&values, "the prompt has its length");
    }
    // One token less, said in one more place after the other.
    let mut values = case.values_with(with(GENERATED_TOKENS, -1));
    case.set(&mut values, "sequence end", |at| i128::from(at[0] == 4));
    case.refused(&values, "a digest keeps its own tokens");
    case.set(&mut values, "kept", |at| {
        let kept = [0..3, 3..5];
        i128::from(kept[at[0]].contains(&at[1]))
    });
    case.refused(&values, "poseidon: the third element is the message");
    let shorter = Size {
        generated: 2,
        ..SMALL
    };
    let tokens = case.sequence.tokens[..6].to_vec();
    let shorter = shorter.case_of(SMALL.weights(), tokens);
    // The program is the same. Its digest is another, and so is the choice of rows.
    assert_eq!(shorter.program, case.program);
    let mut inputs = shorter.inputs();
    shorter.program.check(&shorter.values()).unwrap();
    inputs[OUTPUT_DIGEST] = case.inputs()[OUTPUT_DIGEST];
    let values = shorter.values_with(inputs);
    shorter.refused(&values, "poseidon: the second element is the hash so far");
    // Counts that are no small numbers, with the right sum.
    let mut inputs = case.inputs();
    let half = Fr::from(2).invert().unwrap();
    inputs[PROMPT_TOKENS] += half;
    inputs[GENERATED_TOKENS] -= half;
    case.refused(&case.values_with(inputs), "the prompt has its length");
    let mut values = shorter.values();
    shorter.set(&mut values, "last generated", |at| i128::from(at[0] == 2));
    shorter.refused(&values, "as many tokens are generated as are claimed");
    // None, or more than there are rows.
    for generated in [0, 5] {
        let sequence = Sequence {
            generated,
            ..case.sequence.clone()
        };
        let mut values = case.values_with(sequence.public_inputs([Fr::ZERO; 2]));
        case.tokens().fill(&mut values, &sequence).unwrap();
        case.refused(&values, "as many tokens are generated as are claimed");
    }
}

#[test]
fn other_digests_are_refused() {
    let case = SMALL.case();
    for number in [PROMPT_DIGEST, OUTPUT_DIGEST] {
        let mut inputs = case.inputs();
        inputs[number] += Fr::ONE;
        let values = case.values_with(inputs);
        case.refused(&values, "poseidon: the second element is the hash so far");
    }
    // Digests of other tokens, with all that follows from them.
    for position in [2, 3, 5] {
        let mut other = case.sequence.clone();
        other.tokens[position] = (other.tokens[position] + 5) % 37;
        let mut values = case.values_with(other.public_inputs([Fr::ZERO; 2]));
        case.tokens().fill(&mut values, &other).unwrap();
        let tokens: Vec<usize> = case.sequence.tokens.iter().map(|t| *t as usize).collect();
        case.set_tokens(&mut values, "token", &tokens);
        case.set(&mut values, "token room", |at| 36 - tokens[at[0]] as i128);
        case.refused(&values, "poseidon: the third element is the message");
    }
    let cells: [(&str, &[usize], &str); 5] = [
        (
            "first state",
            &[0, 0, 0],
            "poseidon: the first element is zero",
        ),
        ("first state", &[1, 0, 1], "poseidon: first round"),
        ("state", &[0, 1, 0, 2], "poseidon: first round"),
        ("state", &[0, 1, 60, 2], "poseidon: round"),
        ("permuted", &[1, 1, 2], "poseidon: round"),
    ];
    for (tensor, indices, identity) in cells {
        let mut values = case.values();
        case.add(&mut values, tensor, indices, Fr::ONE);
        case.refused(&values, identity);
    }
}

#[test]
fn other_choices_are_refused() {
    let case = SMALL.case();
    // Two tokens with the same logits: the lower one is chosen.
    let mut weights = SMALL.weights();
    let mut tie = |a: usize, b: usize| {
        let head = &mut weights.head;
        let before = head.weight.clone();
        head.weight
            .map(|i, o, w| if o == b { before.get(i, a) } else { w });
        head.bias[b] = head.bias[a];
    };
    let first = case.chosen()[0];
    let low = if first == 0 { 1 } else { 0 };
    tie(first, low);
    let prompt = &case.sequence.tokens[..3];
    let generated = weights.generate(prompt, 3, |_| {}).unwrap();
    assert_eq!(generated[0] as usize, first.min(low));
    let tied = SMALL.case_of(weights, [prompt, &generated].concat());
    tied.program.check(&tied.values()).unwrap();
    let mut values = tied.values();
    let mut chosen = tied.chosen();
    for (g, chosen) in chosen.iter_mut().enumerate() {
        if tied.sequence.source(g) == 2 {
            *chosen = first.max(low);
        }
    }
    tied.set_chosen(&mut values, &chosen);
    tied.refused(&values, "no logit is greater");

    // A token with a lower number and a lower logit.
    let mut values = case.values();
    let mut chosen = case.chosen();
    let row = (1..3).find(|g| chosen[*g] > 0).unwrap();
    chosen[row] = 0;
    case.set_chosen(&mut values, &chosen);
    case.refused(&values, "the chosen logit is the greatest");

    // A row about another position, with all that follows from it; among them a row that repeats the first.
    for (row, position) in [(0, 3), (1, 2), (3, 5)] {
        let mut values = case.values();
        case.set(&mut values, "chosen at", |at| {
            let source = match at[1] == row {
                true => position,
                false => case.sequence.source(at[1]),
            };
            i128::from(source == at[0])
        });
        case.refused(&values, "a row is about its position");
    }
    let mut values = case.values();
    case.add(&mut values, "selected", &[0, 3, 1], Fr::ONE);
    case.refused(&values, "selected stream");
    let mut values = case.values();
    case.add(&mut values, "next token", &[4], Fr::ONE);
    case.refused(&values, "next token");
    let mut values = case.values();
    case.add(&mut values, "chosen logit", &[2], Fr::ONE);
    case.refused(&values, "no logit is greater");
}

/// A number that is no token has no greatest logit to be compared with, so the head by itself lets it be chosen. It is no
/// token of the sequence.
#[test]
fn numbers_beyond_the_vocabulary_are_not_chosen() {
    let case = SMALL.case();
    let vocab = SMALL.vocab;
    let mut chosen = case.chosen();
    chosen[1] = vocab;
    let mut values = case.values();
    case.set_chosen(&mut values, &chosen);
    // All tokens are below, so the chosen logit would have to be one more than the greatest.
    case.add(&mut values, "chosen logit", &[1], Fr::ONE);
    let row = &case.trace.head.logits[case.sequence.source(1) * vocab..][..vocab];
    let top = row.iter().max().unwrap();
    for (i, shift) in [0, 16, 32].into_iter().enumerate() {
        let name = format!("logit difference limb {i}");
        let tensor = case.program.named(&name).unwrap();
        for (v, logit) in row.iter().enumerate() {
            let [high, middle, low] = case.tokens().vocabulary.digits(v);
            let limb = (top - logit) >> shift & 0xffff;
            assert!(values.set(tensor, &[1, high, middle, low], limb.into()));
        }
    }
    values.look_up().unwrap();
    let failures = case.program.failures(&values);
    assert!(
        matches!(&failures[..], [Failure::Identity { identity, .. }] if identity == "the chosen token comes next"),
        "{failures:?}"
    );
}

/// What is registered for numbers that are no tokens changes no answer: such a logit is between zero and `1 − 2^40`, or
/// there are no proofs.
#[test]
fn weights_of_no_token_change_no_answer() {
    let case = SMALL.case();
    let number = SMALL.vocab + 3;
    let [high, middle, low] = case.tokens().vocabulary.digits(number);
    let with = |bias: i128| {
        let mut values = case.values();
        let tensor = |name| case.program.named(name).unwrap();
        let entry = [high, middle, low, 5];
        assert!(values.set(tensor("token embedding"), &entry, 1234));
        let entry = [0, high, middle, low];
        assert!(values.set(tensor("head bias"), &entry, bias));
        for row in 0..SMALL.rows {
            let entry = [row, high, middle, low];
            let limb = tensor("logit difference limb 0");
            assert!(values.set(limb, &entry, (-bias).max(0)));
        }
        values.look_up().unwrap();
        values
    };
    case.program.check(&with(-5)).unwrap();
    case.refused(&with(5), "no logit is greater");
}

/// What identities rely on: every tensor of the prover is in a table, but for those that an identity determines.
#[test]
fn witnesses_outside_of_tables_are_determined() {
    let case = SMALL.case();
    let free: Vec<&str> = case
        .program
        .tensors()
        .iter()
        .filter(|tensor| tensor.role == Role::Witness)
        .map(|tensor| tensor.name.as_str())
        .collect();
    let expected = [
        "attention norm squares",
        "mlp norm squares",
        // By what comes before; the second element of a chain's first state is its salt.
        "first state",
        "state",
        "permuted",
        "selected",
        "head norm squares",
        // By the logit of the chosen token.
        "chosen logit",
        "next token",
    ];
    assert_eq!(free, expected);
}

/// No registered cell is padding within a tile, and neighbours have the same cells.
#[test]
fn layers_share_all_of_their_cells() {
    let case = Size {
        width: 12,
        heads: 3,
        ..SMALL
    }
    .case();
    let p = &case.program;
    for (id, tensor) in p.enumerate().filter(|(_, tensor)| tensor.is_committed()) {
        for axis in p.axes_of(id) {
            assert_eq!(axis.len % axis.tile(), 0, "{}: {}", tensor.name, axis.name);
        }
    }
    let places = |name: &str, layer: usize| {
        let id = p.named(name).unwrap();
        let places = case.layout.places(id);
        let layers = p.axes_of(id).next().unwrap().len;
        let one = places.len() / layers;
        let places = &places[layer * one..][..one];
        assert!(places.iter().all(|place| place.is_some()), "{name}");
        places.to_vec()
    };
    let last = SMALL.layers - 1;
    let mut neighbours = vec![
        (("embedding output", 0), ("attention input", 0)),
        (("mlp output", last), ("head input", 0)),
    ];
    for layer in 0..SMALL.layers {
        neighbours.push((("attention output", layer), ("mlp input", layer)));
        if layer < last {
            neighbours.push((("mlp output", layer), ("attention input", layer + 1)));
        }
    }
    for ((before, i), (after, j)) in neighbours {
        assert_eq!(places(before, i), places(after, j), "{before} {i}");
    }
}

/// A remainder of 144 bits would have limbs of equal weight, and so no value; tokens of 25 bits would be packed as others.
#[test]
fn shapes_of_no_model_are_refused() {
    fn changed(change: impl Fn(&mut Shape)) -> Shape {
        let mut shape = SMALL.shape();
        change(&mut shape);
        shape
    }
    let shapes = [
        changed(|s| s.spec.score_shift = 144),
        changed(|s| s.spec.score_shift = 0),
        changed(|s| s.spec.norm_frac += 1),
        changed(|s| s.spec.eps = 0),
        changed(|s| s.spec.act_frac = 14),
        changed(|s| s.architecture.vocab = 1 << 25),
        changed(|s| s.architecture.vocab = 1),
        changed(|s| s.architecture.heads = 3),
        changed(|s| s.architecture.heads = 0),
        changed(|s| s.architecture.width = 1 << 17),
        changed(|s| s.architecture.layers = 0),
        changed(|s| s.positions = 0),
        changed(|s| s.positions = 6),
        changed(|s| s.positions = 16),
    ];
    for shape in shapes {
        let mut program = Program::new();
        let all = Selection::all(shape.architecture.layers);
        let error = Layers::new(&mut program, &shape, &all, 4);
        assert!(error.is_err(), "{shape:?}");
        assert_eq!(program, Program::new());
    }
}

#[test]
fn one_proof_proves_a_model() {
    // With padding along the axes of messages and of the vocabulary, and rows that repeat the first.
    let size = Size {
        positions: 16,
        prompt: 9,
        generated: 5,
        rows: 8,
        ..SMALL
    };
    let case = size.case();
    let count = nanozk_argument::powers(K);
    let (bases, g2) = nanozk_setup::development_powers(count, nanozk_setup::DEVELOPMENT_SEED);
    let basis = Basis::new(&bases, 1).unwrap();
    let values = case.values();
    let known = commit_known(&basis, &values);
    let inputs = case.inputs();
    let statement = Statement {
        program: &case.program,
        layout: &case.layout,
        inputs: &inputs,
        known: &known,
    };
    let mut transcript = KeccakTranscript::new();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let proof = prove(
        &statement,
        values,
        &basis,
        &mut rng,
        &mut transcript,
        |_| {},
    )
    .unwrap();
    let is_valid = |inputs: &[Fr], proof: &Proof| {
        let statement = Statement {
            inputs,
            ..statement
        };
        verify(&statement, proof, &mut KeccakTranscript::new())
            .is_ok_and(|accumulator| accumulator.holds(&g2))
    };
    assert!(is_valid(&inputs, &proof));
    let length = Proof::byte_length(&case.program, &case.layout);
    assert_eq!(proof.to_bytes().len(), length);
    for number in 0..inputs.len() {
        let mut other = inputs.clone();
        other[number] += Fr::ONE;
        assert!(!is_valid(&other, &proof), "public input {number}");
    }
    for scalar in (0..proof.scalars.len()).step_by(41) {
        let mut changed = proof.clone();
        changed.scalars[scalar] += Fr::ONE;
        assert!(!is_valid(&inputs, &changed), "scalar {scalar}");
    }
}

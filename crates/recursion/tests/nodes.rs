//! Nodes over joint proofs of a small transformer, and over nodes.

mod common;

use common::{GENERATED, K, POSITIONS, programmed, rng, setup, shape};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use nanozk_argument::{Opening, Proof, Statement, commit_known, prove};
use nanozk_circuit::{ColumnKind, Layout, Program, Values};
use nanozk_executor::{Activation, Executor, padded, synthetic};
use nanozk_layers::{Selection, Sequence, Weights};
use nanozk_recursion::machine::Size;
use nanozk_recursion::multiplication::Size as Terms;
use nanozk_recursion::node::{
    self, INPUTS, Joint, MAX_COMMITMENTS, NodeError, NodeKey, NodeProof, Nodes, TOP_INPUTS, Tables,
    hold, remaining, remaining_at_the_top,
};
use nanozk_recursion::recorder::{Recording, Source, Step};
use nanozk_recursion::statement::{
    Domain, Drawn, Native, SAID, Said, Session, digest, fingerprint, points_digest,
};
use nanozk_transcript::RecursionTranscript;
use nanozk_transcript::poseidon::point_words;
use sha3::{Digest, Keccak256};
use std::sync::OnceLock;

/// Enough for one proof of the model, or one node.
const SIZE: Size = Size {
    rows: 1 << 15,
    constants: 1 << 12,
    inputs: INPUTS,
    permutations: 1 << 9,
    multiplication: Terms {
        terms: 64,
        first: 48,
        window_tile_bits: 5,
    },
};
/// A session of the model, proved.
struct Proved {
    program: Program,
    layout: Layout,
    tables: Tables,
    session: Session,
    proof: Proof,
}

fn session(seed: u32) -> Proved {
    let shape = shape();
    let (program, layers, layout) = programmed(&Selection::all(1));
    let weights = synthetic::model(shape.architecture, Activation::GeluNew, 1);
    let prompt = synthetic::tokens(POSITIONS - GENERATED, shape.architecture.vocab, seed.into());
    let executor = Executor::new(&weights).unwrap();
    let answer = executor.generate(&prompt, GENERATED, |_| {}).unwrap();
    let sequence = Sequence {
        prompt: prompt.len(),
        tokens: padded(&[prompt, answer].concat(), POSITIONS),
        generated: GENERATED,
        prompt_salt: Fr::from(u64::from(seed)),
        output_salt: Fr::from(u64::from(seed) + 100),
    };
    let trace = executor.forward(&sequence.tokens).unwrap();
    let inputs = sequence.public_inputs([Fr::from(u64::from(seed)), Fr::from(2)]);
    let mut values = Values::new(&program, &layout, inputs.clone());
    let mut fill = |weights| layers.fill_weights(&mut values, weights).unwrap();
    fill(Weights::Embed(&weights.wte, &weights.wpe));
    fill(Weights::Head(&weights.head));
    fill(Weights::Block(0, &weights.layers[0], None));
    layers.fill(&mut values, &trace, &sequence).unwrap();
    for (id, column) in layout.enumerate() {
        if matches!(
            column.kind,
            ColumnKind::Weight(_) | ColumnKind::Activation(_)
        ) {
            // Weights have one commitment in all sessions.
            values.set_tail(id, vec![Fr::from(id.index() as u64 + 1).square()]);
        }
    }
    let known = commit_known(&setup().0, &values);
    let statement = Statement {
        program: &program,
        layout: &layout,
        inputs: &inputs,
        known: &known,
    };
    let mut transcript = RecursionTranscript::new();
    let proof = prove(
        &statement,
        values,
        &setup().0,
        &mut rng(),
        &mut transcript,
        |_| {},
    )
    .unwrap();
    let inputs = inputs.try_into().unwrap();
    let session = Session::of_columns(inputs, &layout, known.points()).unwrap();
    Proved {
        tables: Tables::new(&setup().0, &program, &layout),
        program,
        layout,
        session,
        proof,
    }
}

fn nodes() -> &'static Nodes {
    static NODES: OnceLock<Nodes> = OnceLock::new();
    NODES.get_or_init(|| Nodes::with_size(SIZE, K).unwrap())
}

impl Proved {
    fn joint<'a>(&'a self, session: &'a Session, proof: &'a Proof) -> Joint<'a> {
        Joint {
            program: &self.program,
            layout: &self.layout,
            tables: &self.tables,
            session,
            proof,
        }
    }

    fn recorded(&self, session: &Session, proof: &Proof) -> Result<Recording, NodeError> {
        nodes().joint(&self.joint(session, proof))
    }

    fn key(&self) -> NodeKey {
        let activations = self.session.activations.len();
        let place = (&self.program, &self.layout);
        nodes().joint_key(&setup().0, place, activations).unwrap()
    }
}

/// Whether what remains of the proofs below holds.
fn remains(recording: &Recording) -> bool {
    let mut inputs = recording.input_values();
    inputs.resize(INPUTS, Fr::ZERO);
    remaining(&inputs).is_ok_and(|accumulator| accumulator.holds(&setup().1))
}

fn node(key: &NodeKey, recording: &Recording) -> NodeProof {
    nodes()
        .prove(&setup().0, key, recording, &mut rng(), |_| {})
        .unwrap()
}

/// Whether what a node says is true.
fn verifies(key: &NodeKey, node: &NodeProof) -> bool {
    node.said().is_some_and(|said| {
        nodes()
            .verify(key, &said, node)
            .is_ok_and(|accumulators| hold(&accumulators, &setup().1))
    })
}

/// A proof, a node over it, and a node over that node; and what is refused of them.
#[test]
fn nodes_are_proved_and_verified() {
    let proved = session(1);
    let recording = proved.recorded(&proved.session, &proved.proof).unwrap();
    let key = nodes().key(&setup().0, &recording).unwrap();
    // Whoever knows the program alone knows the key.
    assert_eq!(key, proved.key());
    let lower = node(&key, &recording);
    assert!(verifies(&key, &lower));
    let said = proved.session.said().unwrap();
    assert_eq!(lower.said(), Some(said));
    // Whoever expects something else is told.
    for i in 0..SAID {
        let mut other = said.numbers();
        other[i] += Fr::ONE;
        let refused = nodes().verify(&key, &other.into(), &lower);
        assert_eq!(refused.err(), Some(NodeError::OtherStatement));
    }
    for i in 0..INPUTS {
        let mut other = lower.clone();
        other.inputs[i] += Fr::ONE;
        assert!(!verifies(&key, &other), "input {i}");
    }
    let fold_key = nodes().fold_key(&setup().0, 1).unwrap();
    assert!(!verifies(&fold_key, &lower));

    let recording = nodes().fold(&[(&key, &lower)]).unwrap();
    assert_eq!(fold_key, nodes().key(&setup().0, &recording).unwrap());
    assert!(remains(&recording));
    let upper = node(&fold_key, &recording);
    assert!(verifies(&fold_key, &upper));
    assert_eq!(upper.said(), Some(Said::of_nodes(&[(key.digest(), said)])));

    // The last proof says the same of the node itself.
    let top = nodes().top(&fold_key, &upper).unwrap();
    let inputs: [Fr; TOP_INPUTS] = top.input_values().try_into().unwrap();
    assert_eq!(inputs[0], fold_key.digest());
    assert_eq!(inputs[1..=SAID], upper.inputs[..SAID]);
    assert!(remaining_at_the_top(&inputs).unwrap().holds(&setup().1));

    // A node of another key, a changed proof, or another statement leave what does not hold.
    let mut changed = lower.clone();
    changed.proof.scalars[3] += Fr::ONE;
    let mut elsewhere = lower.clone();
    elsewhere.inputs[2] += Fr::ONE;
    let mut unsound = lower.clone();
    for i in SAID..SAID + 3 {
        unsound.inputs.swap(i, i + 3);
    }
    for (key, node) in [
        (&fold_key, &lower),
        (&key, &changed),
        (&key, &elsewhere),
        (&key, &unsound),
    ] {
        assert!(
            !nodes()
                .fold(&[(key, node)])
                .is_ok_and(|recording| remains(&recording))
        );
    }
    assert_eq!(nodes().fold(&[]).err(), Some(NodeError::Empty));
}

/// What a node says remains of a proof holds if the proof is valid, and for the session that it is about.
#[test]
fn what_remains_of_an_invalid_proof_does_not_hold() {
    let proved = session(2);
    let recorded = |session: &Session, proof: &Proof| {
        proved
            .recorded(session, proof)
            .is_ok_and(|recording| remains(&recording))
    };
    assert!(recorded(&proved.session, &proved.proof));
    let other = common::point(9);
    for i in 0..proved.proof.points.len() {
        let mut proof = proved.proof.clone();
        proof.points[i] = other;
        assert!(!recorded(&proved.session, &proof), "point {i}");
    }
    for i in (0..proved.proof.scalars.len()).step_by(7) {
        let mut proof = proved.proof.clone();
        proof.scalars[i] += Fr::ONE;
        assert!(!recorded(&proved.session, &proof), "scalar {i}");
    }
    let (points, values) = (
        proved.proof.opening.points(),
        proved.proof.opening.values.all(),
    );
    for i in 0..points.len() + values.len() {
        let (mut points, mut values) = (points, values);
        match i.checked_sub(points.len()) {
            None => points[i] = other,
            Some(i) => values[i] += Fr::ONE,
        }
        let opening = Opening::new(points, values);
        let proof = Proof {
            opening,
            ..proved.proof.clone()
        };
        assert!(
            !recorded(&proved.session, &proof),
            "element {i} of the opening"
        );
    }
    for i in 0..proved.session.inputs.len() {
        let mut session = proved.session.clone();
        session.inputs[i] += Fr::ONE;
        assert!(!recorded(&session, &proved.proof), "input {i}");
    }
    for i in 0..proved.session.weights.len() {
        let mut session = proved.session.clone();
        *session.weights.values_mut().nth(i).unwrap() = other;
        assert!(!recorded(&session, &proved.proof), "weights {i}");
    }
    for i in 0..proved.session.activations.len() {
        let mut session = proved.session.clone();
        session.activations[i] = other;
        assert!(!recorded(&session, &proved.proof), "activations {i}");
    }
    // Elements that are missing are an error.
    let mut short = proved.proof.clone();
    short.scalars.pop();
    assert!(proved.recorded(&proved.session, &short).is_err());
}

/// Layers of a session have keys of their own, and say the same of it.
#[test]
fn keys_say_which_layers_are_proved() {
    let proved = session(3);
    let activations = proved.session.activations.len();
    let mut digests = vec![proved.key().digest()];
    for layer in 0..shape().architecture.layers * 2 + 2 {
        let selection = Selection::new(&[layer], 1).unwrap();
        let (program, _, layout) = programmed(&selection);
        let place = (&program, &layout);
        let key = nodes().joint_key(&setup().0, place, activations).unwrap();
        digests.push(key.digest());
    }
    let more = activations + 1;
    let place = (&proved.program, &proved.layout);
    let key = nodes().joint_key(&setup().0, place, more).unwrap();
    digests.push(key.digest());
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

/// What is said of a session depends on all that it is.
#[test]
fn what_is_said_tells_sessions_apart() {
    let session = Session::new(
        [1, 2, 3, 4, 5, 6].map(Fr::from),
        (0..70).map(|i| (i, common::point(i.into()))).collect(),
        (100..103).map(common::point).collect(),
    )
    .unwrap();
    let own = session.numbers(&Native).unwrap();
    let mut others = Vec::new();
    for i in 0..6 {
        let mut other = session.clone();
        other.inputs[i] += Fr::ONE;
        others.push(other);
    }
    for i in [0, 31, 32, 69] {
        let mut other = session.clone();
        other.weights.insert(i, common::point(1000));
        others.push(other);
    }
    let mut swapped = session.clone();
    swapped.weights.insert(0, session.weights[&40]);
    swapped.weights.insert(40, session.weights[&0]);
    others.push(swapped);
    let mut fewer = session.clone();
    fewer.weights.pop_last();
    others.push(fewer);
    let mut other = session.clone();
    other.activations.swap(0, 1);
    assert_ne!(other.numbers(&Native).unwrap()[7], own[7]);
    assert_ne!(other.numbers(&Native).unwrap()[9], own[9]);
    others.push(other);
    let mut other = session.clone();
    other.at += Fr::ONE;
    others.push(other);
    for other in others {
        assert_ne!(other.numbers(&Native).unwrap(), own);
        let [said, other] = [&session, &other].map(|session| session.said().unwrap().numbers());
        assert!(said.iter().zip(other).all(|(own, other)| *own != other));
    }
}

/// Where a fingerprint is taken is drawn from the digest and the list, and from what it is drawn for.
#[test]
fn fingerprints_are_taken_where_nobody_chooses() {
    let list = |numbers: &[u64]| -> Vec<Fr> { numbers.iter().copied().map(Fr::from).collect() };
    let draw =
        |drawn: Drawn, digest: u64, numbers: &[u64]| drawn.at(Fr::from(digest), list(numbers));
    let mut all = vec![
        draw(Drawn::Said, 1, &[2, 3]),
        draw(Drawn::Activations, 1, &[2, 3]),
        draw(Drawn::Said, 2, &[2, 3]),
        draw(Drawn::Said, 1, &[3, 2]),
        draw(Drawn::Said, 1, &[2]),
        draw(Drawn::Said, 1, &[2, 3, 0]),
    ];
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
    // 5·7² + 6·7 + 8, from the last number on.
    assert_eq!(fingerprint(list(&[5, 6, 8]), Fr::from(7)), Fr::from(295));
    // As a contract computes it: Keccak-256 of words of 32 bytes, modulo the order of the field.
    let mut bytes = b"nanozk said".to_vec();
    bytes.resize(32, 0);
    for number in [1_u8, 2, 3] {
        bytes.extend([0; 31]);
        bytes.push(number);
    }
    let hash = num_bigint::BigUint::from_bytes_be(&Keccak256::digest(&bytes));
    let order = num_bigint::BigUint::from_bytes_le((-Fr::ONE).to_repr().as_ref()) + 1_u8;
    let mut repr = (hash % order).to_bytes_le();
    repr.resize(32, 0);
    let expected = Fr::from_repr(repr.try_into().unwrap()).unwrap();
    assert_eq!(draw(Drawn::Said, 1, &[2, 3]), expected);
}

/// Digests have domains and lengths.
#[test]
fn digests_tell_lists_apart() {
    let digest = |domain: Domain, numbers: &[u64]| -> Fr {
        let numbers: Vec<Fr> = numbers.iter().copied().map(Fr::from).collect();
        digest::<Fr, G1Affine, _>(&Native, domain, &numbers)
    };
    let mut all = vec![
        digest(Domain::Nodes, &[]),
        digest(Domain::Nodes, &[1]),
        digest(Domain::Nodes, &[1, 0]),
        digest(Domain::Nodes, &[1, 0, 0]),
        digest(Domain::Children, &[1]),
    ];
    let points: Vec<G1Affine> = (0..33).map(common::point).collect();
    for domain in [Domain::Weights, Domain::Activations, Domain::Key] {
        for count in [1, 2, 32, 33] {
            all.push(points_digest(&Native, domain, &points[..count]).unwrap());
        }
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
    let weights = (0..).zip(points.clone()).collect();
    let session = Session::new([Fr::ONE; 6], weights, points).unwrap();
    let numbers = session.numbers(&Native).unwrap();
    assert_ne!(numbers[6], numbers[7]);
}

/// A node that nobody proved, which says two points of which it is not known what they are.
fn claimed(seed: u64) -> NodeProof {
    let (program, layout) = (nodes().program(), nodes().layout());
    let (points, scalars) = Proof::counts(program, layout);
    let mut next = 1000 * seed;
    let mut point = || {
        next += 1;
        common::point(next)
    };
    let sums = [point(), point()].map(|point| point_words(&point)).concat();
    let mut inputs: Vec<Fr> = (0..SAID as u64)
        .map(|i| -Fr::from(100 * seed + i))
        .collect();
    inputs.extend(sums);
    inputs.resize(INPUTS, Fr::ZERO);
    NodeProof {
        inputs,
        proof: Proof {
            points: (0..points).map(|_| point()).collect(),
            scalars: (0..scalars as u64).map(|i| Fr::from(i + seed)).collect(),
            opening: Opening::new([(); 8].map(|_| point()), [6; 6].map(Fr::from)),
        },
    }
}

/// The factor of the point that a node says first of those below.
fn factor(recording: &Recording, node: &NodeProof) -> Fr {
    let words = &node.inputs[SAID..][..3];
    let is = |term: &&nanozk_recursion::recorder::Term| {
        let own = term.words.map(|word| recording.value(&word));
        own == *words
    };
    let term = recording.terms[0].iter().find(is).unwrap();
    recording.value(&term.factor)
}

/// Factors of equations are drawn when nothing can be chosen any more: they depend on all of all proofs.
#[test]
fn factors_depend_on_all_proofs_below() {
    let key = nodes().fold_key(&setup().0, 1).unwrap();
    let children = [claimed(1), claimed(2)];
    let factors = |children: &[NodeProof; 2]| {
        let [a, b] = children;
        let recording = nodes().fold(&[(&key, a), (&key, b)]).unwrap();
        [factor(&recording, a), factor(&recording, b)]
    };
    let own = factors(&children);
    // Powers of one factor: of the second equation, and of the fourth.
    assert_eq!(own[0].cube(), own[1]);
    assert_ne!(own[0], Fr::ONE);
    let mut seen = vec![own[0]];
    for child in 0..2 {
        let opening = &children[child].proof.opening;
        for i in 0..8 + 6 {
            let (mut points, mut values) = (opening.points(), opening.values.all());
            match i {
                0..8 => points[i] = common::point(5),
                _ => values[i - 8] += Fr::ONE,
            }
            let mut other = children.clone();
            other[child].proof.opening = Opening::new(points, values);
            seen.push(factors(&other)[0]);
        }
        for i in [0, children[child].proof.scalars.len() - 1] {
            let mut other = children.clone();
            other[child].proof.scalars[i] += Fr::ONE;
            seen.push(factors(&other)[0]);
        }
        for i in 0..SAID + 2 {
            let mut other = children.clone();
            match i.checked_sub(SAID) {
                None => other[child].inputs[i] += Fr::ONE,
                Some(sum) => other[child].inputs[SAID + 3 * sum..][..3]
                    .copy_from_slice(&point_words(&common::point(6))),
            }
            seen.push(factors(&other)[0]);
        }
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
}

/// A node over several says which keys they have, and what each of them says.
#[test]
fn nodes_say_what_all_below_say() {
    let key = nodes().fold_key(&setup().0, 1).unwrap();
    let children = [claimed(1), claimed(2)];
    let [a, b] = &children;
    let recording = nodes().fold(&[(&key, a), (&key, b)]).unwrap();
    let inputs = recording.input_values();
    let list: Vec<(Fr, Said)> = children
        .iter()
        .map(|child| (key.digest(), child.said().unwrap()))
        .collect();
    assert_eq!(inputs[..SAID], Said::of_nodes(&list).numbers());
    // The numbers that are said are the wires that transcripts absorb, and no others that happen to have the same values:
    // each is absorbed by its transcript and by the digest, and is in the fingerprint.
    for child in &children {
        for number in &child.inputs[..SAID] {
            let has = |value: &&Fr| *value == number;
            assert_eq!(recording.values.iter().filter(has).count(), 1);
            let wire = recording.values.iter().position(|value| value == number);
            let wire = Source::Variable(wire.unwrap() as u32);
            let read = recording.steps.iter().filter(
                |step| matches!(step, Step::Add { summands, .. } if summands.contains(&wire)),
            );
            assert_eq!(read.count(), 3);
        }
    }
    // Sums below are what the children say, and no constants.
    for child in &children {
        for words in child.inputs[SAID..][..6].chunks(3) {
            let is = |term: &&nanozk_recursion::recorder::Term| {
                term.words.map(|word| recording.value(&word)) == *words
            };
            let term = recording.terms.iter().flatten().find(is).unwrap();
            for (source, word) in term.words.iter().zip(words) {
                assert!(matches!(source, Source::Variable(_)));
                let has = |value: &&Fr| *value == word;
                assert_eq!(recording.values.iter().filter(has).count(), 1);
            }
        }
    }
    // A key is one list of wires, which is verified with and said.
    let first_words: Vec<Fr> = key
        .commitments()
        .values()
        .map(|point| point_words(point)[0])
        .collect();
    for word in &first_words {
        let is = |value: &&Fr| *value == word;
        let expected = children.len() * first_words.iter().filter(is).count();
        assert_eq!(recording.values.iter().filter(is).count(), expected);
    }
    let sums = recording.results.iter().flatten().flatten();
    let said = recording.inputs[SAID..].iter();
    assert!(sums.eq(said));
}

/// The statement is about the commitments that the proof is verified with, and tables are the key's.
#[test]
fn nodes_say_what_they_verify_with() {
    let proved = session(4);
    let recording = proved.recorded(&proved.session, &proved.proof).unwrap();
    let Session {
        weights,
        activations,
        ..
    } = &proved.session;
    for point in weights.values().chain(activations) {
        let word = point_words(point)[0];
        let has = |value: &&Fr| **value == word;
        assert_eq!(recording.values.iter().filter(has).count(), 1);
    }
    let is_table = |kind| matches!(kind, ColumnKind::TableValues(_));
    let tables = proved.layout.enumerate().filter(|(_, c)| is_table(c.kind));
    let mut count = 0;
    for (id, _) in tables {
        let words = point_words(&proved.tables.points()[&id]).map(Source::Constant);
        let is = |term: &nanozk_recursion::recorder::Term| term.words == words;
        assert!(recording.terms[0].iter().any(is));
        count += 1;
    }
    assert!(count > 0);
    // What planners go by.
    let points = node::SIZE.multiplication.first - MAX_COMMITMENTS;
    assert_eq!(
        recording.terms[0].len(),
        proved.layout.columns().len() + points
    );
}

//! What challenges follow from: everything said before, and each part of it.

mod common;

use common::*;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_argument::{Known, Proof, Statement, verify};
use nanozk_circuit::{ColumnKind, Layout};
use nanozk_transcript::{KeccakTranscript, Malformed, PoseidonTranscript, Transcript};

#[derive(Clone, Debug, PartialEq)]
enum Event {
    Scalar(Fr),
    Point(G1Affine),
    Challenge(Fr),
}

/// Writes down what is absorbed and squeezed.
#[derive(Default)]
struct Recorder {
    inner: KeccakTranscript,
    events: Vec<Event>,
}

impl Transcript for Recorder {
    fn absorb_scalar(&mut self, scalar: &Fr) {
        self.inner.absorb_scalar(scalar);
        self.events.push(Event::Scalar(*scalar));
    }

    fn absorb_point(&mut self, point: &G1Affine) -> Result<(), Malformed> {
        self.events.push(Event::Point(*point));
        self.inner.absorb_point(point)
    }

    fn squeeze(&mut self) -> Fr {
        let challenge = self.inner.squeeze();
        self.events.push(Event::Challenge(challenge));
        challenge
    }
}

fn events(statement: &Statement<'_>, proof: &Proof) -> Vec<Event> {
    let mut recorder = Recorder::default();
    // A changed proof may be refused on the way; what was said until then is compared.
    let _ = verify(statement, proof, &mut recorder);
    recorder.events
}

fn challenges(events: &[Event]) -> Vec<Fr> {
    let challenge = |event: &Event| match event {
        Event::Challenge(c) => Some(*c),
        _ => None,
    };
    events.iter().filter_map(challenge).collect()
}

/// Number of challenges that are drawn before each element that is absorbed, in order.
fn drawn_before(events: &[Event]) -> Vec<(Event, usize)> {
    let mut drawn = 0;
    let mut all = Vec::new();
    for event in events {
        match event {
            Event::Challenge(_) => drawn += 1,
            said => all.push((said.clone(), drawn)),
        }
    }
    all
}

struct Case {
    program: nanozk_circuit::Program,
    layout: Layout,
    known: Known,
    proof: Proof,
}

impl Case {
    fn new() -> Self {
        let program = program();
        let layout = layout(&program);
        let values = values(&program, &layout);
        let known = known(&values);
        let proof = proved(values);
        Self {
            program,
            layout,
            known,
            proof,
        }
    }

    fn statement<'a>(&'a self, inputs: &'a [Fr]) -> Statement<'a> {
        Statement {
            program: &self.program,
            layout: &self.layout,
            inputs,
            known: &self.known,
        }
    }

    fn events(&self, proof: &Proof) -> Vec<Event> {
        events(&self.statement(&inputs()), proof)
    }
}

/// The order of the protocol, spelled out for one program: what is absorbed before each challenge.
#[test]
fn nothing_is_drawn_before_what_it_must_depend_on() {
    let case = Case::new();
    let events = case.events(&case.proof);
    let mut said = drawn_before(&events).into_iter();
    let mut next = |drawn: usize, what: &str| {
        let (event, at) = said.next().expect(what);
        assert_eq!(at, drawn, "{what}");
        event
    };
    // The statement.
    assert!(matches!(next(0, "digest"), Event::Scalar(_)));
    assert_eq!(next(0, "public input"), Event::Scalar(Fr::from(7)));
    for point in case.known.points().values() {
        assert_eq!(next(0, "known commitment"), Event::Point(*point));
    }
    // Limbs, values, witnesses and multiplicities before the challenges of lookups; helpers after them.
    let is_helper = |kind: ColumnKind| matches!(kind, ColumnKind::Helper(_));
    let helpers = case
        .layout
        .columns()
        .iter()
        .filter(|c| is_helper(c.kind))
        .count();
    assert!(helpers > 1);
    let (first, second) = case
        .proof
        .points
        .split_at(case.proof.points.len() - helpers);
    for point in first {
        assert_eq!(next(0, "first commitment"), Event::Point(*point));
    }
    for point in second {
        assert_eq!(next(2, "helper"), Event::Point(*point));
    }
    // A point of each free axis, the weight of identities, a point of rows, the weight of groups.
    let mut free: Vec<_> = case
        .program
        .identities()
        .iter()
        .flat_map(|i| i.free.clone())
        .collect();
    free.sort();
    free.dedup();
    let bits: usize = free
        .iter()
        .map(|a| case.program.axis(*a).bits() as usize)
        .sum();
    let mut drawn = 2 + bits + 1 + K as usize + 1;
    let mut scalars = case.proof.scalars.iter();
    let mut scalar = |drawn: usize, what: &str| {
        assert_eq!(
            next(drawn, what),
            Event::Scalar(*scalars.next().unwrap()),
            "{what}"
        );
    };
    scalar(drawn, "linear part");
    // The weight of lookups, then the rounds. Up to the fourth, `cube` has the highest degree of products: three vectors and
    // the weight of the row, and the mask of each vector in the last of its four variables. Two vectors of other identities
    // have theirs in the fifth to seventh. A helper, the denominators and the weight of the row; in the last round the
    // denominators of lanes are quadratic.
    let lookups = |last: usize| {
        let groups = case.layout.groups.iter();
        groups
            .map(|g| (1 + last) * g.lanes.len() + g.tables.len() + 2)
            .max()
            .unwrap()
    };
    drawn += 1;
    for (round, products) in [4, 4, 4, 7, 5, 5, 5, 0, 0, 0].into_iter().enumerate() {
        let degree = lookups(usize::from(round == 9)).max(products);
        (0..degree).for_each(|_| scalar(drawn, "round"));
        drawn += 1;
    }
    // Values at its end up to the next challenge, and one more level for the virtual tensor.
    let rest: Vec<(Event, usize)> = said.collect();
    let values = rest.iter().take_while(|(_, at)| *at == drawn).count();
    assert!(values > 10);
    drawn += 1;
    let linear = rest.iter().filter(|(_, at)| *at == drawn).count();
    assert_eq!(
        linear,
        1 + 3,
        "the linear part, and the first round, of degree 3"
    );
    // The end: a challenge for all claims, two coefficients a round, then the opening.
    let last = challenges(&events).len() - 6;
    let opening: Vec<&(Event, usize)> = rest.iter().filter(|(_, at)| *at >= last).collect();
    assert_eq!(opening.len(), K as usize + 1 + 8 + 6);
    let rounds: Vec<usize> = rest
        .iter()
        .map(|(_, at)| *at)
        .filter(|at| (last - K as usize..last).contains(at))
        .collect();
    let expected: Vec<usize> = (last - K as usize..last).flat_map(|at| [at, at]).collect();
    assert_eq!(rounds, expected);
}

#[test]
fn challenges_follow_from_all_that_was_said() {
    let case = Case::new();
    let honest = case.events(&case.proof);
    let all = challenges(&honest);
    let distinct: std::collections::HashSet<String> =
        all.iter().map(|c| format!("{c:?}")).collect();
    assert_eq!(distinct.len(), all.len(), "no challenge is drawn twice");
    // `drawn` challenges before are the same, all others are not.
    let check = |what: &str, changed: &[Event], drawn: usize| {
        let changed = challenges(changed);
        assert_eq!(changed[..drawn], all[..drawn], "{what}: drawn before");
        let same = (drawn..changed.len()).find(|i| changed[*i] == all[*i]);
        assert_eq!(same, None, "{what}: drawn after");
        changed.len() > drawn
    };
    let said = drawn_before(&honest);
    let known = case.known.points().len();
    let points = &case.proof.points;
    let before_scalars = 2 + known + points.len();
    let mut followed = 0;
    for (i, (_, drawn)) in said[2 + known..].iter().enumerate() {
        let mut changed = case.proof.clone();
        if i < points.len() {
            changed.points[i] = -changed.points[i];
        } else if i < points.len() + case.proof.scalars.len() {
            changed.scalars[i - points.len()] += Fr::ONE;
        } else {
            break;
        }
        let is_followed = check(&format!("element {i}"), &case.events(&changed), *drawn);
        followed += usize::from(is_followed);
    }
    // All but the values at the end of the second level, which is compared at once.
    assert!(followed >= said.len() - before_scalars - 30);
    // The statement.
    let inputs = inputs();
    let statement = Statement {
        program: &case.program,
        layout: &case.layout,
        inputs: &inputs,
        known: &case.known,
    };
    let other = Statement {
        inputs: &[Fr::from(8)],
        ..statement
    };
    assert!(check("input", &events(&other, &case.proof), 0));
    for (id, point) in case.known.points() {
        let mut changed = case.known.points().clone();
        changed.insert(*id, -*point);
        let changed = Known::unchecked(changed);
        let other = Statement {
            known: &changed,
            ..statement
        };
        assert!(check("known", &events(&other, &case.proof), 0));
    }
    let mut renamed = case.program.clone();
    let x = renamed.named("x").unwrap();
    renamed.zero("nothing", &[], renamed.use_of(x) - renamed.use_of(x));
    let other = Statement {
        program: &renamed,
        ..statement
    };
    assert!(check("program", &events(&other, &case.proof), 0));
    let layout = Layout::new(&case.program, K, 3, &Packed::new(&case.program, K)).unwrap();
    let other = Statement {
        layout: &layout,
        ..statement
    };
    assert!(check("layout", &events(&other, &case.proof), 0));
}

/// A proof for circuits differs from one for contracts in its challenges only, and neither is one for the other.
#[test]
fn a_proof_is_of_one_transcript() {
    let case = Case::new();
    let values = values(&case.program, &case.layout);
    let other = forged(&case.known, values, PoseidonTranscript::new(), |_, _, _| {}).unwrap();
    let inputs = inputs();
    let statement = case.statement(&inputs);
    let by_poseidon = |proof: &Proof| accepted(&statement, proof, PoseidonTranscript::new());
    let by_keccak = |proof: &Proof| accepted(&statement, proof, KeccakTranscript::new());
    assert!(by_poseidon(&other) && !by_keccak(&other));
    assert!(by_keccak(&case.proof) && !by_poseidon(&case.proof));
    assert_eq!(other.to_bytes().len(), case.proof.to_bytes().len());
    // Each element counts.
    for i in 0..other.points.len() {
        let mut changed = other.clone();
        changed.points[i] = -changed.points[i];
        assert!(!by_poseidon(&changed), "point {i}");
    }
    for i in 0..other.scalars.len() {
        let mut changed = other.clone();
        changed.scalars[i] += Fr::ONE;
        assert!(!by_poseidon(&changed), "scalar {i}");
    }
}

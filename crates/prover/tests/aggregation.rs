//! Aggregates of real proofs; and whatever should not be aggregated, not verifying.

use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use nanozk_aggregation::gates::At;
use nanozk_aggregation::{Child, ChildProof, Machine, Node, Plan, Run, Witness};
use nanozk_circuits::ir::{Cell, Challenge, Kind, Program, CHALLENGES};
use nanozk_prover::aggregate::{claimed, layers_of, Aggregator, Event, Tree};
use nanozk_prover::check::{complete, random_challenges, violations};
use nanozk_prover::keys::KeyStore;
use nanozk_prover::plonk::{prove, ProvingKey, Witness as Columns};
use nanozk_prover::session::SessionDir;
use nanozk_prover::synthetic::SyntheticModel;
use nanozk_prover::Error;
use nanozk_setup::{Setup, DEVELOPMENT_SEED};
use nanozk_verifier::aggregate::{aggregation_digest, running_digests, verify_node};
use nanozk_verifier::statement::Context;
use nanozk_verifier::transcript::poseidon::{point_to_scalars, Sponge};
use nanozk_verifier::{verify_aggregate, Accumulator, AggregateProof, Proof, TranscriptKind};
use rand_core::OsRng;
use std::sync::{Arc, LazyLock, Mutex};
use tempfile::TempDir;

fn model(seed: u64) -> SyntheticModel {
    let dir = TempDir::new().unwrap();
    SyntheticModel::new(2, seed, &KeyStore::new(dir.path())).unwrap()
}

/// A session with the proofs that an aggregate is made of.
struct Proved {
    _dir: TempDir,
    session: SessionDir,
    proofs: Vec<Proof>,
    boundaries: Vec<G1Affine>,
}

fn proved(m: &SyntheticModel, chain: u64) -> Proved {
    let dir = TempDir::new().unwrap();
    let context = Context {
        chain,
        ..Context::default()
    };
    let path = dir.path().join("session");
    let session = m.claim(&path, context, &mut OsRng).unwrap();
    let inner = session.for_aggregate();
    m.prove(&inner, TranscriptKind::Poseidon, vec![], &|_| {})
        .unwrap();
    let layers = 0..m.card.layers.len();
    let boundaries = session.session().unwrap().boundaries;
    Proved {
        proofs: layers
            .map(|l| m.proof(&inner, l).unwrap().unwrap())
            .collect(),
        boundaries: boundaries.iter().map(|p| p.0).collect(),
        _dir: dir,
        session,
    }
}

static MODEL: LazyLock<SyntheticModel> = LazyLock::new(|| model(1));
static OTHER_MODEL: LazyLock<SyntheticModel> = LazyLock::new(|| model(2));
static FIRST: LazyLock<Proved> = LazyLock::new(|| proved(&MODEL, 1));
static SECOND: LazyLock<Proved> = LazyLock::new(|| proved(&MODEL, 2));
static FOREIGN: LazyLock<Proved> = LazyLock::new(|| proved(&OTHER_MODEL, 1));

/// Layers 1 and 2 of another run, with the statement of the first: only its activations are committed to otherwise.
static OTHER_RUN: LazyLock<(Vec<Proof>, Vec<G1Affine>)> = LazyLock::new(|| {
    let m = &*MODEL;
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("session");
    let first = FIRST.session.session().unwrap();
    let session = m.claim(&path, first.context, &mut OsRng).unwrap();
    let mut claim = session.session().unwrap();
    (claim.input_digest, claim.output_digest) = (first.input_digest, first.output_digest);
    let text = serde_json::to_vec(&claim).unwrap();
    std::fs::write(path.join("session.json"), text).unwrap();
    m.prove_unchecked(&session, TranscriptKind::Poseidon, vec![1, 2], &|_| {})
        .unwrap();
    let proofs = [1, 2].map(|l| m.proof(&session, l).unwrap().unwrap());
    let boundaries = claim.boundaries.iter().map(|b| b.0).collect();
    (proofs.to_vec(), boundaries)
});

fn setups(k: u32) -> Result<Arc<Setup>, Error> {
    Ok(Arc::new(Setup::development(k, DEVELOPMENT_SEED).unwrap()))
}

/// Layers `from` to `to` of a proved session, as a node is run on them.
struct Case {
    from: usize,
    to: usize,
    proofs: Vec<Proof>,
    boundaries: Vec<G1Affine>,
}

impl Case {
    fn new(p: &Proved, from: usize, to: usize) -> Self {
        Case {
            from,
            to,
            proofs: p.proofs[from..to].to_vec(),
            boundaries: p.boundaries[from - 1..to].to_vec(),
        }
    }

    fn node(&self) -> Node {
        let layers = layers_of(&MODEL.card, &MODEL.keys).unwrap();
        let children = layers[self.from..self.to].iter().cloned();
        Node::new(
            children
                .map(|(kind, key)| Child::Layer { kind, key })
                .collect(),
            false,
        )
    }

    fn run(&self) -> Run {
        let claimed = claimed(&FIRST.session.session().unwrap(), &MODEL.card);
        self.node().run(&Witness {
            statement: claimed.statement,
            input: claimed.input,
            output: claimed.output,
            before: before(self.from),
            proofs: self
                .proofs
                .iter()
                .map(|proof| ChildProof {
                    proof,
                    accumulator: None,
                    digest: Fr::ZERO,
                })
                .collect(),
            boundaries: self.boundaries.iter().map(|b| Some(*b)).collect(),
        })
    }

    /// What is left of the proofs is not valid, though the circuit may compute it.
    fn is_refused(&self, what: &str) {
        let run = self.run();
        assert!(run.accumulator.check(&MODEL.params).is_err(), "{what}");
    }
}

/// The registered digest before a layer.
fn before(layer: usize) -> Fr {
    running_digests(&MODEL.card)[layer]
}

#[test]
fn honest_layers_are_aggregated() {
    let case = Case::new(&FIRST, 1, 3);
    let run = case.run();
    run.accumulator.check(&MODEL.params).unwrap();
    assert_eq!(run.digest, before(3), "the digest of the registered layers");
    assert!(
        run.columns.program.fixed == case.node().program().fixed,
        "the circuit does not depend on the proofs"
    );
    let bad = violations(
        &run.columns.program,
        run.columns.first_phase,
        &run.instances,
        &random_challenges(),
    );
    assert_eq!(bad, vec![]);
}

#[test]
fn an_invalid_proof_is_refused() {
    let mut case = Case::new(&FIRST, 1, 3);
    case.proofs[1].evals[3] += Fr::ONE;
    case.is_refused("another evaluation");
    let mut case = Case::new(&FIRST, 1, 3);
    let last = case.proofs[0].second.len() - 1;
    case.proofs[0].second[last] = (case.proofs[0].second[last] * Fr::from(2)).to_affine();
    case.is_refused("another commitment");
    let mut case = Case::new(&FIRST, 1, 3);
    case.proofs[0].opening[1] = (case.proofs[0].opening[1] * Fr::from(2)).to_affine();
    case.is_refused("another opening");
}

#[test]
fn a_wrong_link_is_refused() {
    let (proofs, boundaries) = &*OTHER_RUN;
    // Both layers of the other run are as good as the first's: same model, same statement.
    let mut case = Case::new(&FIRST, 1, 3);
    case.proofs.clone_from(proofs);
    case.boundaries = boundaries[0..3].to_vec();
    let run = case.run();
    run.accumulator.check(&MODEL.params).unwrap();
    assert_eq!(run.digest, before(3));
    // But the second does not continue the first of another run.
    let mut case = Case::new(&FIRST, 1, 3);
    case.proofs[1] = proofs[1].clone();
    case.boundaries[2] = boundaries[2];
    case.is_refused("the first layer's output between them");
    case.boundaries[1] = boundaries[1];
    case.is_refused("the second layer's input between them");
}

#[test]
fn swapped_layers_are_refused() {
    // Both attentions have one circuit.
    let mut case = Case::new(&FIRST, 1, 5);
    case.proofs.swap(0, 2);
    case.is_refused("layers 1 and 3");
    // Each layer by itself is proved; but in this order they are of another model.
    let mut case = Case::new(&FIRST, 1, 2);
    case.proofs[0] = FIRST.proofs[3].clone();
    case.boundaries = FIRST.boundaries[2..4].to_vec();
    let run = case.run();
    run.accumulator.check(&MODEL.params).unwrap();
    assert_ne!(run.digest, before(2), "layer 3 in layer 1's place");
}

#[test]
fn a_foreign_model_is_refused() {
    let mut case = Case::new(&FIRST, 1, 3);
    case.proofs[0] = FOREIGN.proofs[1].clone();
    case.is_refused("a layer of another model, between this one's activations");
    // A whole run of the other model has another statement; and even if it had not, another digest.
    assert_ne!(
        aggregation_digest(&MODEL.card),
        aggregation_digest(&OTHER_MODEL.card)
    );
    case.proofs = FOREIGN.proofs[1..3].to_vec();
    case.boundaries = FOREIGN.boundaries[0..3].to_vec();
    let run = case.run();
    assert_ne!(run.digest, before(3));
    case.is_refused("the other model's statement");
}

#[test]
fn another_statement_is_refused() {
    let case = Case::new(&SECOND, 1, 3);
    case.is_refused("proofs for another chain");
}

/// The circuit is one thing; here a proof of a node over an invalid proof is made, and refused.
#[test]
fn a_proof_over_an_invalid_proof_does_not_verify() {
    let mut case = Case::new(&FIRST, 1, 2);
    case.proofs[0].evals[0] += Fr::ONE;
    let run = case.run();
    let program = Arc::new(run.columns.program);
    let setup = setups(program.k).unwrap();
    let key = ProvingKey::new(setup.params(), setup.id(), program).with_cosets();
    let columns = Columns {
        first_phase: run.columns.first_phase,
        known: Default::default(),
        instances: &run.instances,
    };
    let kind = TranscriptKind::Keccak;
    let proof = prove(setup.params(), &key, columns, kind, &mut OsRng, &|_| ()).unwrap();
    let mut proof = AggregateProof {
        accumulator: run.accumulator,
        proof,
    };
    let said = |accumulator: &Accumulator| {
        let mut instances = run.instances.clone();
        let at = instances.len() - 6;
        instances.truncate(at);
        for point in [&accumulator.lhs, &accumulator.rhs] {
            instances.extend(point_to_scalars(point));
        }
        instances
    };
    assert_eq!(said(&run.accumulator), run.instances);
    assert!(verify_node(&MODEL.params, key.vk(), said, &proof).is_err());
    // Nor with an accumulator that is valid, but not that of this run.
    proof.accumulator = Case::new(&FIRST, 1, 2).run().accumulator;
    proof.accumulator.check(&MODEL.params).unwrap();
    assert!(verify_node(&MODEL.params, key.vk(), said, &proof).is_err());
}

/// Two nodes and a root; interrupted, resumed, and with a child missing.
#[test]
fn a_tree_is_resumed_and_misses_no_child() {
    let m = &*MODEL;
    let dir = TempDir::new().unwrap();
    let store = KeyStore::new(dir.path());
    let layers = layers_of(&m.card, &m.keys).unwrap();
    let plan = Plan::parse("3,3;2", 6).unwrap();
    let tree = Tree::new(&layers, plan, &setups, &store, &|_| {}).unwrap();
    let aggregator = Aggregator::new(&FIRST.session, &tree, m.params, m.keys.clone()).unwrap();
    let events = Mutex::new(Vec::new());
    let run = || {
        events.lock().unwrap().clear();
        let proof = aggregator.prove(&setups, &|e| events.lock().unwrap().push(e));
        let events = events.lock().unwrap();
        let proved = events.iter().filter(|e| matches!(e, Event::Proved { .. }));
        (proof.unwrap(), proved.count())
    };
    let (proof, count) = run();
    assert_eq!(count, 3, "two nodes and the root");
    assert_eq!(run().1, 0, "all is kept");
    let claim = claimed(&FIRST.session.session().unwrap(), &m.card);
    let key = &tree.root().key;
    verify_aggregate(&m.params, key, &claim, &proof).unwrap();
    let mut other = claim;
    other.digest = aggregation_digest(&OTHER_MODEL.card);
    assert!(verify_aggregate(&m.params, key, &other, &proof).is_err());
    let mut other = claim;
    other.statement = SECOND.session.session().unwrap().statement(6).words();
    assert!(verify_aggregate(&m.params, key, &other, &proof).is_err());

    // A root whose second child is the first one's proof again.
    let path = FIRST.session.path().join("aggregate/0-000.node");
    let bytes = std::fs::read(path).unwrap();
    let size = AggregateProof::byte_length(tree.levels[0][0].key.layout());
    let node = &tree.levels[0][0];
    let child = &bytes[bytes.len() - size..];
    let child = AggregateProof::from_bytes(&node.key, TranscriptKind::Poseidon, child).unwrap();
    let given = ChildProof {
        proof: &child.proof,
        accumulator: Some(child.accumulator),
        digest: before(3),
    };
    let twice = tree.root().node.run(&Witness {
        statement: claim.statement,
        input: claim.input,
        output: claim.output,
        before: Fr::ZERO,
        proofs: vec![
            given.clone(),
            ChildProof {
                digest: before(6),
                ..given
            },
        ],
        boundaries: vec![None, Some(FIRST.boundaries[2]), None],
    });
    assert_eq!(
        twice.digest,
        aggregation_digest(&m.card),
        "it says it is the model"
    );
    assert!(twice.accumulator.check(&m.params).is_err(), "but it is not");
}

// ---- constraints

/// One layer, run and completed; the smallest node there is.
struct Completed {
    run: Run,
    challenges: [Fr; CHALLENGES],
    columns: Vec<Vec<Fr>>,
}

static COMPLETED: LazyLock<Completed> = LazyLock::new(|| {
    let run = Case::new(&FIRST, 1, 2).run();
    let challenges = random_challenges();
    let first = run.columns.first_phase.clone();
    let columns = complete(&run.columns.program, first, &run.instances, &challenges);
    Completed {
        run,
        challenges,
        columns,
    }
});

fn evaluate(c: &Completed, gate: usize, row: usize, changed: Option<(Cell, Fr)>) -> Fr {
    let program = &c.run.columns.program;
    let rows = program.rows();
    program.gates[gate]
        .poly
        .0
        .iter()
        .map(|term| {
            let cells = term.cells.iter().map(|cell| {
                let at = (row as i64 + i64::from(cell.rotation)).rem_euclid(rows as i64);
                let value = c.columns[cell.column.0 as usize][at as usize];
                match changed {
                    Some((other, by)) if other == *cell => value + by,
                    _ => value,
                }
            });
            term.coeff.eval(&c.challenges, &c.run.instances) * cells.product::<Fr>()
        })
        .sum()
}

/// Every cell of the witness that a gate reads matters to it, on some row.
#[test]
fn every_gate_binds_what_it_reads() {
    let c = &*COMPLETED;
    let program: &Program = &c.run.columns.program;
    for (g, gate) in program.gates.iter().enumerate() {
        // Rows on which the gate's selectors are not all zero; all rows for lookups.
        let selectors: Vec<_> = gate
            .poly
            .0
            .iter()
            .flat_map(|t| &t.cells)
            .map(|cell| cell.column)
            .filter(|col| program.info(*col).kind == Kind::Fixed && program.info(*col).linear)
            .collect();
        let active = |row: &usize| {
            selectors.is_empty()
                || selectors
                    .iter()
                    .any(|s| !c.columns[s.0 as usize][*row].is_zero_vartime())
        };
        let mut rows: Vec<usize> = (0..program.rows()).filter(active).take(2_000).collect();
        rows.push(row_with(program, &[(At::Read, true), (At::Write, true)]));
        assert!(!rows.is_empty(), "{}: on no row", gate.id);
        let mut cells: Vec<Cell> = gate
            .poly
            .0
            .iter()
            .flat_map(|t| t.cells.iter().copied())
            .filter(|cell| program.info(cell.column).kind != Kind::Fixed)
            .collect();
        cells.sort_unstable();
        cells.dedup();
        for cell in cells {
            let bites = rows.iter().any(|row| {
                let at = (*row as i64 + i64::from(cell.rotation)).rem_euclid(program.rows() as i64);
                // Beyond the range of what it may be by accident.
                let by = Fr::from(0x1234_5678_9abc) + Fr::from(at as u64);
                evaluate(c, g, *row, None).is_zero_vartime()
                    && !evaluate(c, g, *row, Some((cell, by))).is_zero_vartime()
            });
            let name = &program.info(cell.column).name;
            assert!(
                bites,
                "{} does not bind {name} at {}",
                gate.id, cell.rotation
            );
        }
    }
}

const V: usize = 6;
const W: usize = 7;
const U: usize = 8;
const MULTIPLICITY: usize = 9;

/// The gates that fail after first-phase columns were changed.
fn broken(change: impl FnOnce(&Program, &mut [Vec<Fr>])) -> Vec<String> {
    let run = &COMPLETED.run;
    let mut first = run.columns.first_phase.clone();
    change(&run.columns.program, &mut first);
    let challenges = random_challenges();
    violations(&run.columns.program, first, &run.instances, &challenges)
        .into_iter()
        .map(|v| v.gate)
        .collect()
}

/// A row on which a fixed column has this value and another has that.
fn row_with(program: &Program, wanted: &[(At, bool)]) -> usize {
    (0..program.rows())
        .find(|row| {
            wanted
                .iter()
                .all(|(at, set)| (program.fixed[*at as usize][*row] != Fr::ZERO) == *set)
        })
        .expect("a row of this sort")
}

#[test]
fn memory_gives_what_was_written() {
    let plain = [(At::Read, true), (At::Write, false), (At::Result, false)];
    for (column, name) in [(W, "w"), (U, "u")] {
        let gates = broken(|program, first| {
            let row = row_with(program, &[(At::Read, true), (At::Write, true)]);
            first[column][row] += Fr::ONE;
        });
        assert!(
            gates.contains(&"sum".to_owned()),
            "{name} of a table: {gates:?}"
        );
        let gates = broken(|program, first| {
            let row = row_with(program, &plain);
            first[column][row] += Fr::ONE;
        });
        assert!(gates.contains(&"sum".to_owned()), "{name}: {gates:?}");
    }
    // More copies of an entry than are read.
    let gates = broken(|program, first| {
        let row = row_with(program, &[(At::Write, true), (At::Read, false)]);
        first[MULTIPLICITY][row] += Fr::ONE;
    });
    assert_eq!(gates, ["sum"]);
}

#[test]
fn lanes_have_sixteen_bits() {
    // A limb whose lowest lane takes over one of the next: the same value.
    let gates = broken(|program, first| {
        let at = At::Limb as usize;
        let row = (0..program.rows())
            .find(|r| program.fixed[at][*r] != Fr::ZERO && first[1][*r] != Fr::ZERO)
            .unwrap();
        first[0][row] += Fr::from(1 << 16);
        first[1][row] -= Fr::ONE;
        let _ = first[V][row];
    });
    assert_eq!(gates, ["sum"]);
    // A lane with the address of an entry of memory, whose multiplicity counts it.
    let gates = broken(|program, first| {
        let row = row_with(program, &[(At::Write, true), (At::Read, false)]);
        let lane = row_with(program, &[(At::Limb, false)]);
        first[0][lane] = program.fixed[At::Key as usize][row];
        first[MULTIPLICITY][row] += Fr::ONE;
        first[MULTIPLICITY][0] -= Fr::ONE;
    });
    assert!(gates.contains(&"sum".to_owned()), "{gates:?}");
}

/// The sponge of the machine is that of the transcript.
#[test]
fn sponges_agree() {
    for lengths in [vec![0], vec![1], vec![2, 0, 3], vec![5, 4, 0, 0, 1]] {
        let (mut machine, _) = Machine::new(true, &[]);
        let mut native = Sponge::default();
        let mut expected = Vec::new();
        let parts: Vec<_> = lengths
            .iter()
            .map(|n| {
                let scalars: Vec<Fr> = (0..*n).map(|_| Fr::random(OsRng)).collect();
                native.absorb(&scalars);
                expected.push(native.squeeze());
                scalars.into_iter().map(|s| machine.free(s)).collect()
            })
            .collect();
        let got: Vec<Fr> = machine.sponge(&parts).iter().map(|v| v.value).collect();
        assert_eq!(got, expected);
        let columns = machine.finish("sponge".into(), 0);
        let bad = violations(
            &columns.program,
            columns.first_phase,
            &[],
            &random_challenges(),
        );
        assert_eq!(bad, vec![]);
    }
}

/// All of the challenges that the machine's gates use are drawn after the first phase.
#[test]
fn lookups_use_two_challenges() {
    let mut used = [false; CHALLENGES];
    for term in COMPLETED
        .run
        .columns
        .program
        .gates
        .iter()
        .flat_map(|g| &g.poly.0)
    {
        for (i, used) in used.iter_mut().enumerate() {
            let mut a = [Fr::from(3); CHALLENGES];
            let b = a;
            a[i] = Fr::from(5);
            let instances = &COMPLETED.run.instances;
            *used |= term.coeff.eval(&a, instances) != term.coeff.eval(&b, instances);
        }
    }
    let expected: Vec<bool> = (0..CHALLENGES)
        .map(|i| i == Challenge::Alpha as usize || i == Challenge::Tau as usize)
        .collect();
    assert_eq!(used.to_vec(), expected);
}

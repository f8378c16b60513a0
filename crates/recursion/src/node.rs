//! Nodes: proofs that a proof about a session was verified, or several nodes' proofs were.
//!
//! All nodes have one program ([`Machine`]); what a node verifies is said by its key. Its public inputs:
//!
//! | inputs | |
//! |---|---|
//! | 10 | what the session is ([`Session::statement`]) |
//! | 1 | digest of the keys below; zero if there are none |
//! | 6 | words of both sums `A` and `B` |
//!
//! What remains of the proofs below are equations that a pairing decides. A node adds them up with random factors and says the
//! result: they hold if `A = τ·(B − A)`. So a node may be proved over proofs that are not valid, but then this is false.

use crate::assignment::{Assignment, TooLong};
use crate::machine::{Machine, Size};
use crate::multiplication::{Size as Terms, SUMS};
use crate::recorder::{Recorder, Recording, Wire, WirePoint, WireTranscript};
use crate::statement::{digest, points_digest, Domain, Native, Session, SESSION_INPUTS, STATEMENT};
use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use halo2curves::ff::Field;
use halo2curves::group::prime::PrimeCurveAffine;
use halo2curves::group::Curve;
use nanozk_argument::{self as argument, Equation, Known, Opening, Proof, Stage, Statement};
use nanozk_circuit::{ColumnId, ColumnKind, Layout, LayoutError, OutOfRange, Program, Values};
use nanozk_kzg::opening::{POINTS, VALUES};
use nanozk_kzg::{Accumulator, Basis};
use nanozk_transcript::poseidon::{point_of_words, POINT_WORDS};
use nanozk_transcript::{Element, Malformed, RecursionTranscript, Transcript};
use rand_core::{CryptoRng, RngCore};
use std::collections::BTreeMap;

/// Public inputs of a node, those that are not used included.
pub const INPUTS: usize = 32;
/// Where the digest of keys is.
const KEYS: usize = STATEMENT;
/// Where the sums' words begin.
const SUM_WORDS: usize = KEYS + 1;
/// Public inputs that are used.
const USED: usize = SUM_WORDS + SUMS * POINT_WORDS;

/// The size of all nodes.
pub const SIZE: Size = Size {
    rows: 1 << 15,
    constants: 1 << 12,
    inputs: INPUTS,
    permutations: 1 << 10,
    multiplication: Terms {
        terms: 160,
        first: 144,
        window_tile_bits: 4,
    },
};
/// Variables of a column.
pub const K: u32 = 18;
/// Lanes with one helper, at most.
const FRACTIONS: usize = 5;

/// No node can be made, or one is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// It verifies too much.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// A proof below is refused, or this one.
    #[error(transparent)]
    Proof(#[from] argument::Error),
    /// A witness has no place.
    #[error("a witness of the node: {0}")]
    Witness(#[from] OutOfRange),
    /// A commitment.
    #[error("a commitment: {0}")]
    Point(#[from] Malformed),
    /// Nodes below are about other sessions.
    #[error("node {0} is about another session")]
    OtherSession(usize),
    /// There is nothing to verify.
    #[error("a node verifies one proof or more")]
    Empty,
    /// Inputs are missing, or there are too many.
    #[error("a node has {INPUTS} public inputs, and {0} were given")]
    Inputs(usize),
    /// It is a node, but not about this.
    #[error("the node is about another session, or over other nodes")]
    OtherStatement,
}

/// What a node says: which session it is about, and the keys of nodes below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// What the session is ([`Session::statement`]).
    pub statement: [Fr; STATEMENT],
    /// [`keys_digest`] of the nodes below; zero for a node over a joint proof.
    pub keys: Fr,
}

/// The digest of keys that a node over nodes says: each key's digest, with what its node says of keys.
pub fn keys_digest(below: &[(&NodeKey, Fr)]) -> Fr {
    let numbers: Vec<Fr> = below
        .iter()
        .flat_map(|(key, keys)| [key.digest, *keys])
        .collect();
    digest::<Fr, G1Affine, _>(&Native, Domain::Keys, &numbers)
}

/// Commitments to a program's tables: computed, for a prover could have its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables(BTreeMap<ColumnId, G1Affine>);

impl Tables {
    /// Computes them.
    pub fn new(basis: &Basis, program: &Program, layout: &Layout) -> Self {
        let tables = Values::new(program, layout, Vec::new());
        let own = layout
            .enumerate()
            .filter(|(_, column)| matches!(column.kind, ColumnKind::TableValues(_)));
        let commit = |id| argument::commit(basis, tables.column(id), layout.k(), &[]);
        Self(own.map(|(id, _)| (id, commit(id))).collect())
    }

    /// The commitments.
    pub fn points(&self) -> &BTreeMap<ColumnId, G1Affine> {
        &self.0
    }
}

/// The program of nodes, and where its tensors lie.
#[derive(Debug)]
pub struct Nodes {
    machine: Machine,
    layout: Layout,
}

/// A key: what a node verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeKey {
    commitments: BTreeMap<ColumnId, G1Affine>,
    digest: Fr,
}

impl NodeKey {
    /// Its digest.
    pub fn digest(&self) -> Fr {
        self.digest
    }

    /// Its commitments, in the order of the layout's columns.
    pub fn commitments(&self) -> &BTreeMap<ColumnId, G1Affine> {
        &self.commitments
    }
}

/// A node's proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeProof {
    /// Public inputs.
    pub inputs: Vec<Fr>,
    /// The proof.
    pub proof: Proof,
}

impl NodeProof {
    /// What it says, if it has as many inputs as a node; not that it is true.
    pub fn said(&self) -> Option<Said> {
        let inputs: &[Fr; INPUTS] = self.inputs.as_slice().try_into().ok()?;
        let (statement, rest) = inputs.split_first_chunk()?;
        let (keys, rest) = rest.split_first()?;
        let unused = rest.get(SUMS * POINT_WORDS..)?;
        unused
            .iter()
            .all(|input| *input == Fr::ZERO)
            .then_some(Said {
                statement: *statement,
                keys: *keys,
            })
    }
}

/// A joint proof about a session, to be verified by a node.
#[derive(Clone, Copy, Debug)]
pub struct Joint<'a> {
    /// The program.
    pub program: &'a Program,
    /// Where its tensors lie.
    pub layout: &'a Layout,
    /// Commitments to tables: the node's key has them.
    pub tables: &'a Tables,
    /// What it is about.
    pub session: &'a Session,
    /// The proof.
    pub proof: &'a Proof,
}

/// Points that stand for a proof's when only a key is wanted.
fn any_proof(program: &Program, layout: &Layout) -> Proof {
    let (points, scalars) = Proof::counts(program, layout);
    let (point, scalar) = (G1Affine::generator(), Fr::ONE);
    Proof {
        points: vec![point; points],
        scalars: vec![scalar; scalars],
        opening: Opening::new([point; POINTS], [scalar; VALUES]),
    }
}

impl Nodes {
    /// The program of all nodes.
    pub fn new() -> Result<Self, LayoutError> {
        Self::with_size(SIZE, K)
    }

    /// Nodes of another size, for tests.
    #[doc(hidden)]
    pub fn with_size(size: Size, k: u32) -> Result<Self, LayoutError> {
        let machine = Machine::new(size);
        let layout = machine.layout(k, FRACTIONS)?;
        Ok(Self { machine, layout })
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.machine.program
    }

    /// Where its tensors lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Powers of a setup that a node's proof takes.
    pub fn powers(&self) -> usize {
        argument::powers(self.layout.k())
    }

    /// The key of what was recorded.
    pub fn key(&self, basis: &Basis, recording: &Recording) -> Result<NodeKey, NodeError> {
        let assignment = Assignment::new(&self.machine, recording)?;
        let commit = |(id, data)| (id, argument::commit(basis, &data, self.layout.k(), &[]));
        let columns = assignment.key_columns(&self.layout);
        let mut commitments: BTreeMap<ColumnId, G1Affine> =
            columns.into_iter().map(commit).collect();
        commitments.extend(Tables::new(basis, self.program(), &self.layout).0);
        let points: Vec<G1Affine> = commitments.values().copied().collect();
        let digest = points_digest(&Native, Domain::Key, &points)?;
        Ok(NodeKey {
            commitments,
            digest,
        })
    }

    /// Proves what was recorded. Whether proofs below are valid shows when the node is verified; verify them first.
    pub fn prove(
        &self,
        basis: &Basis,
        key: &NodeKey,
        recording: &Recording,
        rng: &mut (impl RngCore + CryptoRng),
        stage: impl FnMut(Stage),
    ) -> Result<NodeProof, NodeError> {
        let assignment = Assignment::new(&self.machine, recording)?;
        let values = assignment.values(&self.layout)?;
        let inputs = values.inputs().to_vec();
        let known = Known::unchecked(key.commitments.clone());
        let statement = Statement {
            program: self.program(),
            layout: &self.layout,
            inputs: &inputs,
            known: &known,
        };
        let mut transcript = RecursionTranscript::new();
        let proof = argument::prove(&statement, values, basis, rng, &mut transcript, stage)?;
        Ok(NodeProof { inputs, proof })
    }

    /// Verifies that a node says this, up to equations that a pairing decides: its own, and what it says of the proofs below.
    pub fn verify(
        &self,
        key: &NodeKey,
        said: &Said,
        node: &NodeProof,
    ) -> Result<[Accumulator; 2], NodeError> {
        if node.said() != Some(*said) {
            return Err(NodeError::OtherStatement);
        }
        let known = Known::unchecked(key.commitments.clone());
        let statement = Statement {
            program: self.program(),
            layout: &self.layout,
            inputs: &node.inputs,
            known: &known,
        };
        let mut transcript = RecursionTranscript::new();
        let own = argument::verify(&statement, &node.proof, &mut transcript)?;
        Ok([own, remaining(&node.inputs)?])
    }

    /// Records the verification of a joint proof.
    pub fn joint(&self, joint: &Joint<'_>) -> Result<Recording, NodeError> {
        let recorder = Recorder::default();
        {
            let r = &recorder;
            let session = Session {
                inputs: joint.session.inputs.map(|input| r.witness(input)),
                weights: joint.session.weights.iter().map(|p| r.point(*p)).collect(),
                activations: joint
                    .session
                    .activations
                    .iter()
                    .map(|p| r.point(*p))
                    .collect(),
                at: r.witness(joint.session.at),
            };
            let mut known = BTreeMap::new();
            for (id, column) in joint.layout.enumerate() {
                let point = match column.kind {
                    ColumnKind::Weight(number) => session.weights.get(number as usize).copied(),
                    ColumnKind::Activation(number) => {
                        session.activations.get(number as usize).copied()
                    }
                    ColumnKind::TableValues(_) => joint
                        .tables
                        .0
                        .get(&id)
                        .map(|point| WirePoint::constant(*point)),
                    _ => continue,
                };
                known.insert(
                    id,
                    point.ok_or(argument::Error::UnknownCommitment(id.index()))?,
                );
            }
            let place = (joint.program, joint.layout);
            let mut transcript = WireTranscript::new(r);
            let equation = verify(
                r,
                place,
                &session.inputs,
                known,
                joint.proof,
                &mut transcript,
            )?;
            let statement = session.statement(&r)?;
            say(r, &statement, Wire::zero(), &[(Wire::one(), equation)]);
        }
        Ok(recorder.finish())
    }

    /// The key of nodes over joint proofs of a program, for sessions with this many commitments.
    pub fn joint_key(
        &self,
        basis: &Basis,
        (program, layout): (&Program, &Layout),
        [weights, activations]: [usize; 2],
    ) -> Result<NodeKey, NodeError> {
        let tables = &Tables::new(basis, program, layout);
        let point = G1Affine::generator();
        let session = Session {
            inputs: [Fr::ONE; SESSION_INPUTS],
            weights: vec![point; weights],
            activations: vec![point; activations],
            at: Fr::ONE,
        };
        let recording = self.joint(&Joint {
            program,
            layout,
            tables,
            session: &session,
            proof: &any_proof(program, layout),
        })?;
        self.key(basis, &recording)
    }

    /// Records the verification of nodes about one session.
    pub fn fold(&self, nodes: &[(&NodeKey, &NodeProof)]) -> Result<Recording, NodeError> {
        let recorder = Recorder::default();
        {
            let r = &recorder;
            let (_, first) = nodes.first().ok_or(NodeError::Empty)?;
            let common = |node: &NodeProof| node.inputs.get(..STATEMENT).map(<[Fr]>::to_vec);
            let mut statement: Option<Vec<Wire<'_>>> = None;
            let (mut keys, mut ends, mut equations) = (Vec::new(), Vec::new(), Vec::new());
            for (number, (key, node)) in nodes.iter().enumerate() {
                if node.inputs.len() != INPUTS {
                    return Err(NodeError::Inputs(node.inputs.len()));
                }
                if common(node) != common(first) {
                    return Err(NodeError::OtherSession(number));
                }
                // What is not used is zero.
                let mut inputs: Vec<Wire<'_>> = node
                    .inputs
                    .iter()
                    .take(USED)
                    .map(|input| r.witness(*input))
                    .collect();
                // All nodes say the same of the session: it is one list of wires.
                let common = statement.get_or_insert_with(|| inputs[..STATEMENT].to_vec());
                inputs[..STATEMENT].copy_from_slice(common);
                inputs.resize(INPUTS, Wire::zero());
                let known: BTreeMap<ColumnId, WirePoint<'_>> = key
                    .commitments
                    .iter()
                    .map(|(id, point)| (*id, r.point(*point)))
                    .collect();
                let points: Vec<WirePoint<'_>> = known.values().copied().collect();
                keys.push(points_digest(&r, Domain::Key, &points)?);
                keys.push(inputs[KEYS]);
                let mut transcript = WireTranscript::new(r);
                let place = (self.program(), &self.layout);
                let equation = verify(r, place, &inputs, known, &node.proof, &mut transcript)?;
                ends.push(transcript.squeeze());
                equations.push((equation, sums(&node.inputs, &inputs)?));
            }
            let factor = digest(&r, Domain::Children, &ends);
            let mut power = Wire::one();
            let mut all = Vec::new();
            for (own, [a, b]) in equations {
                // A = τ·(B − A)
                let below = Equation {
                    lhs: vec![(Wire::one(), a)],
                    generator: Wire::zero(),
                    rhs: vec![(Wire::one(), b), (-Wire::one(), a)],
                };
                for equation in [own, below] {
                    all.push((power, equation));
                    power *= factor;
                }
            }
            let keys = digest(&r, Domain::Keys, &keys);
            say(r, &statement.unwrap_or_default(), keys, &all);
        }
        Ok(recorder.finish())
    }

    /// The key of nodes over this many nodes.
    pub fn fold_key(&self, basis: &Basis, nodes: usize) -> Result<NodeKey, NodeError> {
        let point = G1Affine::generator();
        let known = |kind: ColumnKind| {
            matches!(
                kind,
                ColumnKind::Fixed(_) | ColumnKind::Permutation(_) | ColumnKind::TableValues(_)
            )
        };
        let columns = self.layout.enumerate().filter(|(_, c)| known(c.kind));
        let key = NodeKey {
            commitments: columns.map(|(id, _)| (id, point)).collect(),
            digest: Fr::ZERO,
        };
        let mut inputs = vec![Fr::ONE; INPUTS];
        let words = nanozk_transcript::poseidon::point_words(&point);
        for sum in 0..SUMS {
            inputs[SUM_WORDS + sum * POINT_WORDS..][..POINT_WORDS].copy_from_slice(&words);
        }
        let node = NodeProof {
            inputs,
            proof: any_proof(self.program(), &self.layout),
        };
        let recording = self.fold(&vec![(&key, &node); nodes])?;
        self.key(basis, &recording)
    }
}

/// Both sums that a node says, as points of wires.
fn sums<'r>(values: &[Fr], inputs: &[Wire<'r>]) -> Result<[WirePoint<'r>; SUMS], NodeError> {
    let mut points = [WirePoint::constant(G1Affine::generator()); SUMS];
    let words = |sum: usize| SUM_WORDS + sum * POINT_WORDS..SUM_WORDS + (sum + 1) * POINT_WORDS;
    for (sum, point) in points.iter_mut().enumerate() {
        let (values, wires) = (&values[words(sum)], &inputs[words(sum)]);
        point.value = point_of_words(&std::array::from_fn(|i| values[i]))?;
        point.words = std::array::from_fn(|i| wires[i]);
    }
    Ok(points)
}

/// What a node's public inputs say that remains of the proofs below.
pub fn remaining(inputs: &[Fr]) -> Result<Accumulator, NodeError> {
    if inputs.len() != INPUTS {
        return Err(NodeError::Inputs(inputs.len()));
    }
    let point = |sum: usize| {
        let words = inputs
            .get(SUM_WORDS + sum * POINT_WORDS..)
            .unwrap_or_default();
        point_of_words(&std::array::from_fn(|i| {
            words.get(i).copied().unwrap_or(Fr::ZERO)
        }))
    };
    let (a, b) = (point(0)?, point(1)?);
    Ok(Accumulator {
        lhs: a,
        rhs: (b.to_curve() - a).to_affine(),
    })
}

/// Records a node's public inputs, with the sum of equations times factors.
fn say<'r>(
    recorder: &'r Recorder,
    statement: &[Wire<'r>],
    keys: Wire<'r>,
    equations: &[(Wire<'r>, Equation<Wire<'r>, WirePoint<'r>>)],
) {
    let mut generator = Wire::zero();
    let [mut lhs, mut rhs] = [Vec::new(), Vec::new()];
    for (factor, equation) in equations {
        generator += *factor * equation.generator;
        lhs.extend(equation.lhs.iter().map(|(f, point)| (*factor * f, *point)));
        rhs.extend(equation.rhs.iter().map(|(f, point)| (*factor * f, *point)));
    }
    lhs.push((generator, WirePoint::constant(G1Affine::generator())));
    let sums = recorder.multiply([&lhs, &rhs]);
    let words = sums.iter().flat_map(|point| point.words);
    for wire in statement.iter().copied().chain([keys]).chain(words) {
        recorder.declare_input(wire);
    }
}

/// Records the verification of a proof, whose elements are the prover's.
fn verify<'r>(
    recorder: &'r Recorder,
    (program, layout): (&Program, &Layout),
    inputs: &[Wire<'r>],
    known: BTreeMap<ColumnId, WirePoint<'r>>,
    proof: &Proof,
    transcript: &mut WireTranscript<'r>,
) -> Result<Equation<Wire<'r>, WirePoint<'r>>, argument::Error> {
    let point = |point: &G1Affine| recorder.point(*point);
    let scalar = |scalar: &Fr| recorder.witness(*scalar);
    let proof = Proof {
        points: proof.points.iter().map(point).collect(),
        scalars: proof.scalars.iter().map(scalar).collect(),
        opening: Opening::new(
            proof.opening.points().map(|p| point(&p)),
            proof.opening.values.all().map(|s| scalar(&s)),
        ),
    };
    let statement = Statement {
        program,
        layout,
        inputs,
        known: &Known::unchecked(known),
    };
    argument::reduce(&statement, &proof, transcript)
}

/// Whether both equations of a verified node hold.
pub fn hold(accumulators: &[Accumulator; 2], g2: &[G2Affine; 2]) -> bool {
    accumulators.iter().all(|accumulator| accumulator.holds(g2))
}

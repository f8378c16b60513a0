//! Nodes: proofs that a proof about a session was verified, or several nodes' proofs were.
//!
//! All nodes have one program ([`Machine`]); what a node verifies is said by its key. Its public inputs:
//!
//! | inputs | |
//! |---|---|
//! | 3 | what says a list of numbers ([`Said`]): of a node over a joint proof, what its session is; of one over nodes, the digests of their keys and what they say |
//! | 6 | words of both sums `L` and `R` |
//!
//! What remains of the proofs below are equations that a pairing decides. A node adds them up with random factors and says the
//! result: they hold if `L = τ·R`. So a node may be proved over proofs that are not valid, but then this is false.

use crate::assignment::{Assignment, TooLong};
use crate::machine::{Machine, Size};
use crate::multiplication::{SUMS, Size as Terms};
use crate::recorder::{Recorder, Recording, Wire, WirePoint, WireTranscript};
use crate::statement::{
    Domain, Native, SAID, SESSION_INPUTS, Said, Session, digest, points_digest,
};
use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use halo2curves::ff::Field;
use nanozk_argument::{self as argument, Equation, Known, Opening, Proof, Stage, Statement};
use nanozk_circuit::{ColumnId, ColumnKind, Layout, LayoutError, OutOfRange, Program, Values};
use nanozk_kzg::opening::{POINTS, VALUES};
use nanozk_kzg::{Accumulator, Basis};
use nanozk_transcript::encoding::{WORD, scalar_from_bytes, scalar_to_bytes};
use nanozk_transcript::poseidon::{POINT_WORDS, point_of_words};
use nanozk_transcript::{Element, Malformed, RecursionTranscript, Transcript};
use rand_core::{CryptoRng, RngCore};
use std::collections::BTreeMap;

/// Public inputs of a node, those that are not used included.
pub const INPUTS: usize = 16;
/// Words of both sums.
const SUM_WORDS: usize = SUMS * POINT_WORDS;
/// Public inputs that are used: what is said, and the sums' words.
const USED: usize = SAID + SUM_WORDS;
/// What [`Nodes::top`] says: a key's digest, what its node says, and the sums' words.
pub const TOP_INPUTS: usize = 1 + USED;

/// The size of all nodes.
pub const SIZE: Size = Size {
    rows: 1 << 16,
    constants: 1 << 12,
    inputs: INPUTS,
    permutations: 1 << 11,
    multiplication: Terms {
        terms: 160,
        first: 144,
        window_tile_bits: 4,
    },
};
/// Points that a node multiplies beside a proof's commitments: those of its opening.
const OPENING_TERMS: usize = 9;
/// Commitments that a proof may have for a node to verify it.
pub const MAX_COMMITMENTS: usize = SIZE.multiplication.first - OPENING_TERMS;
/// Variables of a column.
pub const K: u32 = 19;
/// Lanes with one helper, at most.
const FRACTIONS: usize = 5;

/// No node can be made, or one is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// The program of nodes has no place in its columns.
    #[error(transparent)]
    Layout(#[from] LayoutError),
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
    /// There is nothing to verify.
    #[error("a node verifies one proof or more")]
    Empty,
    /// Inputs are missing, or there are too many.
    #[error("a node has {INPUTS} public inputs, and {0} were given")]
    Inputs(usize),
    /// It is a node, but not about this.
    #[error("the node says something else: it is about another session, or over other nodes")]
    OtherStatement,
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
        let (said, rest) = inputs.split_first_chunk::<SAID>()?;
        let unused = rest.get(SUM_WORDS..)?;
        let is_unused = unused.iter().all(|input| *input == Fr::ZERO);
        is_unused.then(|| (*said).into())
    }
}

/// What an encoded node begins with.
const MAGIC: &[u8; 16] = b"nanozk node 0001";

/// Bytes are no node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// They are of something else.
    #[error("the bytes are no node")]
    Magic,
    /// A public input.
    #[error("input {index}: {reason}")]
    Input {
        /// Which.
        index: usize,
        /// What is wrong with it.
        reason: Malformed,
    },
    /// The proof.
    #[error(transparent)]
    Proof(#[from] argument::DecodeError),
}

impl NodeProof {
    /// `"nanozk node 0001"`, the inputs that are used, as words of 32 bytes, big-endian, and the proof.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let inputs = self.inputs.iter().take(USED);
        bytes.extend(inputs.flat_map(scalar_to_bytes));
        bytes.extend(self.proof.to_bytes());
        bytes
    }

    /// The node of which these are [`NodeProof::to_bytes`]. Whether it is valid is another question.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(DecodeError::Magic)?;
        let (inputs, proof) = rest
            .split_at_checked(USED * WORD)
            .ok_or(DecodeError::Magic)?;
        let inputs = inputs.as_chunks::<WORD>().0.iter().enumerate();
        let inputs = inputs.map(|(index, word)| {
            scalar_from_bytes(word).map_err(|reason| DecodeError::Input { index, reason })
        });
        let mut inputs = inputs.collect::<Result<Vec<Fr>, DecodeError>>()?;
        inputs.resize(INPUTS, Fr::ZERO);
        Ok(Self {
            inputs,
            proof: Proof::from_bytes(proof)?,
        })
    }
}

/// Nodes that one verifies, at most.
pub const FOLD: usize = 3;

/// How so many nodes become one: for each level, from below on, how many nodes go into each of the next. One that goes alone
/// is itself of the next level. There is no level over one node.
///
/// As few nodes as can be: each but the last is over [`FOLD`].
pub fn levels(mut nodes: usize) -> Vec<Vec<usize>> {
    let mut levels = Vec::new();
    while nodes > 1 {
        let mut level = vec![FOLD; nodes / FOLD];
        match (level.len(), nodes % FOLD) {
            (0, rest) => level.push(rest),
            (_, rest) => level.extend(vec![1; rest]),
        }
        nodes = level.len();
        levels.push(level);
    }
    levels
}

/// Nodes over so many nodes, in all levels.
pub fn folds(nodes: usize) -> usize {
    let levels = levels(nodes);
    levels.iter().flatten().filter(|size| **size > 1).count()
}

/// One node of several, level by level, by what makes one of the children that it is given, with the level's number from 1
/// on. None if there are none.
pub fn folded<T, E>(
    mut nodes: Vec<T>,
    mut fold: impl FnMut(usize, &[T]) -> Result<T, E>,
) -> Result<Option<T>, E> {
    for (below, sizes) in levels(nodes.len()).into_iter().enumerate() {
        let mut rest = nodes.into_iter();
        let mut above = Vec::with_capacity(sizes.len());
        for size in sizes {
            let mut children: Vec<T> = rest.by_ref().take(size).collect();
            above.extend(match size {
                1 => children.pop(),
                _ => Some(fold(below + 1, &children)?),
            });
        }
        nodes = above;
    }
    Ok(nodes.pop())
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
                weights: joint
                    .session
                    .weights
                    .iter()
                    .map(|(number, p)| (*number, r.point(*p)))
                    .collect(),
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
                    ColumnKind::Weight(number) => session.weights.get(&number).copied(),
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
            let numbers = session.numbers(&r)?;
            let at = r.witness(joint.session.said()?.at);
            let said = Said::of(&r, Domain::Session, &numbers, at);
            say(r, &said.numbers(), &[(Wire::one(), equation)]);
        }
        Ok(recorder.finish())
    }

    /// The key of nodes over joint proofs of a program, for sessions with this many commitments to activations.
    pub fn joint_key(
        &self,
        basis: &Basis,
        (program, layout): (&Program, &Layout),
        activations: usize,
    ) -> Result<NodeKey, NodeError> {
        let tables = Tables::new(basis, program, layout);
        let recording = self.any_joint((program, layout), &tables, activations)?;
        self.key(basis, &recording)
    }

    /// Whether a node can verify joint proofs of a program, for sessions with this many commitments to activations.
    pub fn check_joint(
        &self,
        (program, layout): (&Program, &Layout),
        activations: usize,
    ) -> Result<(), NodeError> {
        // Which points tables are does not matter.
        let is_table = |kind| matches!(kind, ColumnKind::TableValues(_));
        let own = layout.enumerate().filter(|(_, c)| is_table(c.kind));
        let tables = Tables(own.map(|(id, _)| (id, G1Affine::generator())).collect());
        let recording = self.any_joint((program, layout), &tables, activations)?;
        Assignment::new(&self.machine, &recording)?;
        Ok(())
    }

    /// The verification of some joint proof of a program.
    fn any_joint(
        &self,
        (program, layout): (&Program, &Layout),
        tables: &Tables,
        activations: usize,
    ) -> Result<Recording, NodeError> {
        let point = G1Affine::generator();
        let weights = layout
            .enumerate()
            .filter_map(|(_, column)| match column.kind {
                ColumnKind::Weight(number) => Some((number, point)),
                _ => None,
            });
        let session = Session {
            inputs: [Fr::ONE; SESSION_INPUTS],
            weights: weights.collect(),
            activations: vec![point; activations],
            at: Fr::ONE,
        };
        self.joint(&Joint {
            program,
            layout,
            tables,
            session: &session,
            proof: &any_proof(program, layout),
        })
    }

    /// Records the verification of nodes, whatever they are about.
    pub fn fold(&self, nodes: &[(&NodeKey, &NodeProof)]) -> Result<Recording, NodeError> {
        let recorder = Recorder::default();
        {
            let r = &recorder;
            let children = Children::verified(self, r, nodes)?;
            let list: Vec<Fr> = children.numbers.iter().map(Wire::value).collect();
            let at = r.witness(Said::new(Domain::Nodes, &list).at);
            let said = Said::of(&r, Domain::Nodes, &children.numbers, at);
            say(r, &said.numbers(), &children.equations);
        }
        Ok(recorder.finish())
    }

    /// Records the verification of a node by the last proof, which says the digest of its key and what it says.
    pub fn top(&self, key: &NodeKey, node: &NodeProof) -> Result<Recording, NodeError> {
        let recorder = Recorder::default();
        {
            let r = &recorder;
            let children = Children::verified(self, r, &[(key, node)])?;
            say(r, &children.numbers, &children.equations);
        }
        Ok(recorder.finish())
    }

    /// A node that stands for others when only a key is wanted.
    fn any_node(&self) -> (NodeKey, NodeProof) {
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
        let mut inputs = vec![Fr::ONE; SAID];
        for _ in 0..SUMS {
            inputs.extend(nanozk_transcript::poseidon::point_words(&point));
        }
        inputs.resize(INPUTS, Fr::ZERO);
        let node = NodeProof {
            inputs,
            proof: any_proof(self.program(), &self.layout),
        };
        (key, node)
    }

    /// The key of nodes over this many nodes.
    pub fn fold_key(&self, basis: &Basis, nodes: usize) -> Result<NodeKey, NodeError> {
        let (key, node) = self.any_node();
        let recording = self.fold(&vec![(&key, &node); nodes])?;
        self.key(basis, &recording)
    }

    /// What [`Nodes::top`] records of some node that is not valid: what does not depend on values is the same.
    pub fn any_top(&self) -> Result<Recording, NodeError> {
        let (key, node) = self.any_node();
        self.top(&key, &node)
    }
}

/// Equations with their factors.
type Weighted<'r> = Vec<(Wire<'r>, Equation<Wire<'r>, WirePoint<'r>>)>;

/// Nodes that were verified, but for equations that a pairing decides.
struct Children<'r> {
    /// Of each the digest of its key, and what it says.
    numbers: Vec<Wire<'r>>,
    /// The equation of each proof, and what each says that remains of the proofs below, with powers of a number that depends
    /// on all of them.
    equations: Weighted<'r>,
}

impl<'r> Children<'r> {
    fn verified(
        of: &Nodes,
        r: &'r Recorder,
        nodes: &[(&NodeKey, &NodeProof)],
    ) -> Result<Self, NodeError> {
        if nodes.is_empty() {
            return Err(NodeError::Empty);
        }
        let (mut numbers, mut ends, mut equations) = (Vec::new(), Vec::new(), Vec::new());
        for (key, node) in nodes {
            if node.inputs.len() != INPUTS {
                return Err(NodeError::Inputs(node.inputs.len()));
            }
            // What is not used is zero.
            let used = node.inputs.iter().take(USED);
            let mut inputs: Vec<Wire<'_>> = used.map(|input| r.witness(*input)).collect();
            let below = sums(&node.inputs[SAID..USED], &inputs[SAID..])?;
            inputs.resize(INPUTS, Wire::zero());
            let known: BTreeMap<ColumnId, WirePoint<'_>> = key
                .commitments
                .iter()
                .map(|(id, point)| (*id, r.point(*point)))
                .collect();
            let points: Vec<WirePoint<'_>> = known.values().copied().collect();
            numbers.push(points_digest(&r, Domain::Key, &points)?);
            numbers.extend(&inputs[..SAID]);
            let mut transcript = WireTranscript::new(r);
            let place = (of.program(), &of.layout);
            let own = verify(r, place, &inputs, known, &node.proof, &mut transcript)?;
            ends.push(transcript.squeeze());
            equations.extend([own, below]);
        }
        let factor = digest(&r, Domain::Children, &ends);
        let mut power = Wire::one();
        let equations = equations.into_iter().map(|equation| {
            let weighted = (power, equation);
            power *= factor;
            weighted
        });
        Ok(Self {
            numbers,
            equations: equations.collect(),
        })
    }
}

/// The equation `L = τ·R` that a node says, by its words.
fn sums<'r>(
    values: &[Fr],
    wires: &[Wire<'r>],
) -> Result<Equation<Wire<'r>, WirePoint<'r>>, NodeError> {
    let point = |sum: usize| -> Result<WirePoint<'r>, NodeError> {
        let word = |i: usize| sum * POINT_WORDS + i;
        Ok(WirePoint {
            value: point_of_words(&std::array::from_fn(|i| values[word(i)]))?,
            words: std::array::from_fn(|i| wires[word(i)]),
        })
    };
    Ok(Equation {
        lhs: vec![(Wire::one(), point(0)?)],
        generator: Wire::zero(),
        rhs: vec![(Wire::one(), point(1)?)],
    })
}

/// What public inputs that end with the words of both sums, and what is not used, say that remains of the proofs below.
fn accumulator(words: &[Fr]) -> Result<Accumulator, NodeError> {
    let point = |sum: usize| {
        let words = words.get(sum * POINT_WORDS..).unwrap_or_default();
        point_of_words(&std::array::from_fn(|i| {
            words.get(i).copied().unwrap_or(Fr::ZERO)
        }))
    };
    Ok(Accumulator {
        lhs: point(0)?,
        rhs: point(1)?,
    })
}

/// What a node's public inputs say that remains of the proofs below.
pub fn remaining(inputs: &[Fr]) -> Result<Accumulator, NodeError> {
    match inputs.len() {
        INPUTS => accumulator(&inputs[SAID..]),
        other => Err(NodeError::Inputs(other)),
    }
}

/// What remains of the node that [`Nodes::top`] verifies.
pub fn remaining_at_the_top(inputs: &[Fr; TOP_INPUTS]) -> Result<Accumulator, NodeError> {
    accumulator(&inputs[1 + SAID..])
}

/// Records public inputs: numbers, and the sum of equations times factors.
fn say<'r>(
    recorder: &'r Recorder,
    numbers: &[Wire<'r>],
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
    for wire in numbers.iter().copied().chain(words) {
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

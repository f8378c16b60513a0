//! One proof for a session: a tree of proofs of proofs, resumable node by node.
//!
//! | file in `aggregate/` | content |
//! |---|---|
//! | `<layer>.proof` | proofs of layers, with the transcript that circuits recompute |
//! | `<level>-<index>.node` | proofs of nodes: magic, transcript, statement digest, tree, proof |
//!
//! The node of the last level is the root. Its proof has the transcript of contracts.

use crate::files;
use crate::keys::{KeyStore, MIN_K};
use crate::plonk::{estimate_peak_bytes, prove, ProvingKey, Stage, Witness as Columns};
use crate::session::SessionDir;
use crate::Error;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_aggregation::node::Said;
use nanozk_aggregation::{Child, ChildProof, Ends, Node, Plan, Witness};
use nanozk_circuits::ir::Program;
use nanozk_circuits::{LayerKind, Shape};
use nanozk_setup::Setup;
use nanozk_verifier::aggregate::{
    aggregation_digest, running_digests, verify_node, AggregateProof, Claimed,
};
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::session::{check_manifest, Session, SessionError};
use nanozk_verifier::{Accumulator, KzgVerifier, Proof, TranscriptKind, VerifyingKey};
use std::collections::hash_map::{Entry, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MAGIC: &[u8; 8] = b"nanozkA1";
const HEADER: usize = 8 + 32 + 2;

/// Greatest binary logarithm of a node's rows, unless told otherwise.
pub const MAX_K: u32 = 20;

/// The setup of a number of rows.
pub type Setups<'a> = dyn Fn(u32) -> Result<Arc<Setup>, Error> + 'a;

/// A node with its key.
pub struct KeyedNode {
    /// The circuit.
    pub node: Node,
    /// Its key.
    pub key: VerifyingKey,
    /// First layer, and the one after the last.
    pub layers: (usize, usize),
    /// First child, and the one after the last.
    children: (usize, usize),
}

/// A tree with its keys.
pub struct Tree {
    /// Its shape.
    pub plan: Plan,
    /// Nodes by level; the last is the root.
    pub levels: Vec<Vec<KeyedNode>>,
}

/// Memory that proving the smallest node takes: no node takes less, whatever its tree.
pub fn least_peak_bytes() -> u64 {
    // A node has a public input at least.
    estimate_peak_bytes(&nanozk_aggregation::node::shape(MIN_K, 1))
}

/// What happens while a tree is built or proved.
#[derive(Clone, Debug)]
pub enum Event {
    /// A key is needed that was not kept.
    Key {
        /// Level and index.
        node: (usize, usize),
    },
    /// A valid proof was already there.
    Kept((usize, usize)),
    /// A node enters a stage.
    Stage((usize, usize), Stage),
    /// A node's proof is on disk.
    Proved {
        /// Level and index.
        node: (usize, usize),
        /// Binary logarithm of its rows.
        k: u32,
        /// Size of its proof.
        bytes: usize,
        /// Time it took.
        wall: Duration,
    },
}

/// Kinds and keys of a model's layers, once they are checked: a root's key fixes them all.
pub fn layers_of(
    card: &ModelCard,
    keys: &HashMap<Shape, VerifyingKey>,
) -> Result<Vec<(LayerKind, VerifyingKey)>, SessionError> {
    check_manifest(card, keys)?;
    let layers = card.layers.iter();
    Ok(layers
        .map(|l| (l.kind, keys[&card.shape(l)].clone()))
        .collect())
}

/// What a root says of a session.
pub fn claimed(session: &Session, card: &ModelCard) -> Claimed {
    Claimed {
        statement: session.statement(card.layers.len()).words(),
        input: session.input_digest.0,
        output: session.output_digest.0,
        digest: aggregation_digest(card),
    }
}

impl Tree {
    /// A tree over layers; keys that were made before are not made again.
    pub fn new(
        layers: &[(LayerKind, VerifyingKey)],
        plan: Plan,
        setups: &Setups<'_>,
        store: &KeyStore,
        events: &dyn Fn(Event),
    ) -> Result<Self, Error> {
        let mut below: Vec<(Child, (usize, usize))> = layers
            .iter()
            .cloned()
            .enumerate()
            .map(|(i, (kind, key))| (Child::Layer { kind, key }, (i, i + 1)))
            .collect();
        let mut levels = Vec::new();
        // Nodes over the same kinds of layers have the same key.
        let mut made: HashMap<(Vec<[u8; 32]>, Ends, bool), VerifyingKey> = HashMap::new();
        for (level, sizes) in plan.levels().iter().enumerate() {
            let root = level + 1 == plan.levels().len();
            let mut nodes: Vec<KeyedNode> = Vec::new();
            let mut start = 0;
            for (index, size) in sizes.iter().enumerate() {
                let end = start + size;
                let children = below[start..end].iter().map(|(c, _)| c.clone()).collect();
                let node = Node::new(children, root);
                let keys = node.children().iter().map(|c| c.key().digest());
                let key = match made.entry((keys.collect(), node.ends(), root)) {
                    Entry::Occupied(entry) => entry.get().clone(),
                    Entry::Vacant(entry) => {
                        let making = || {
                            events(Event::Key {
                                node: (level, index),
                            });
                        };
                        entry
                            .insert(store.node_key(&node, setups, &making)?)
                            .clone()
                    }
                };
                nodes.push(KeyedNode {
                    node,
                    key,
                    layers: (below[start].1 .0, below[end - 1].1 .1),
                    children: (start, end),
                });
                start = end;
            }
            below = nodes
                .iter()
                .map(|n| {
                    let child = Child::Node {
                        ends: n.node.ends(),
                        key: n.key.clone(),
                    };
                    (child, n.layers)
                })
                .collect();
            levels.push(nodes);
        }
        Ok(Tree { plan, levels })
    }

    /// The root.
    pub fn root(&self) -> &KeyedNode {
        let last = self.levels.last().expect("a plan has a level");
        &last[0]
    }

    /// Number of nodes.
    pub fn nodes(&self) -> usize {
        self.levels.iter().map(Vec::len).sum()
    }
}

/// A session's aggregate, and what it is proved from.
pub struct Aggregator<'a> {
    dir: SessionDir,
    session: Session,
    card: ModelCard,
    claimed: Claimed,
    /// Before each layer, and after the last.
    digests: Vec<Fr>,
    tree: &'a Tree,
    params: KzgVerifier,
    keys: HashMap<Shape, VerifyingKey>,
}

/// Reads the header of a node's file: the tree, and the proof's bytes.
fn open(bytes: &[u8], statement: &[u8; 32]) -> Option<(String, Vec<u8>)> {
    let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(statement)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (plan, proof) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
    Some((String::from_utf8(plan.to_vec()).ok()?, proof.to_vec()))
}

/// The tree and bytes of a session's aggregate, if it has one for its statement.
pub fn read(dir: &SessionDir) -> Result<Option<(String, Vec<u8>)>, Error> {
    let path = root_path(dir);
    if !path.exists() {
        return Ok(None);
    }
    let (session, card) = (dir.session()?, dir.card()?);
    let bytes = files::read_of_session(&path)?;
    let statement = session.statement(card.layers.len()).digest();
    match open(&bytes, &statement) {
        Some(found) => Ok(Some(found)),
        None => Err(files::FileError::Content {
            path,
            reason: if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
                "this is not an aggregate of this version".into()
            } else {
                "the aggregate was made for another statement".into()
            },
        }
        .into()),
    }
}

/// Where a session's aggregate is.
pub fn root_path(dir: &SessionDir) -> PathBuf {
    dir.path().join("aggregate.proof")
}

impl<'a> Aggregator<'a> {
    /// Of a session whose layers are proved (see [`SessionDir::for_aggregate`]).
    pub fn new(
        dir: &SessionDir,
        tree: &'a Tree,
        params: KzgVerifier,
        keys: HashMap<Shape, VerifyingKey>,
    ) -> Result<Self, Error> {
        let dir = dir.for_aggregate();
        let (session, card) = (dir.session()?, dir.card()?);
        session.check(session.model_id, &card, &keys, &params)?;
        Ok(Aggregator {
            claimed: claimed(&session, &card),
            digests: running_digests(&card),
            dir,
            session,
            card,
            tree,
            params,
            keys,
        })
    }

    fn path(&self, (level, index): (usize, usize)) -> PathBuf {
        if level + 1 == self.tree.levels.len() {
            return root_path(&self.dir);
        }
        let directory = self.dir.path().join("aggregate");
        directory.join(format!("{level}-{index:03}.node"))
    }

    fn transcript(&self, level: usize) -> TranscriptKind {
        if level + 1 == self.tree.levels.len() {
            TranscriptKind::Keccak
        } else {
            TranscriptKind::Poseidon
        }
    }

    fn boundary(&self, layer: usize) -> Option<G1Affine> {
        let before = layer.checked_sub(1)?;
        self.session.boundaries.get(before).map(|p| p.0)
    }

    fn said(&self, node: &KeyedNode, accumulator: &Accumulator) -> Vec<Fr> {
        let (claimed, digests) = (&self.claimed, &self.digests);
        node.node.public_inputs(&Said {
            statement: claimed.statement,
            input: claimed.input,
            output: claimed.output,
            before: digests[node.layers.0],
            after: digests[node.layers.1],
            enter: self.boundary(node.layers.0),
            leave: self.boundary(node.layers.1),
            accumulator: *accumulator,
        })
    }

    /// The proof of a node, if there is a valid one.
    fn kept(&self, at: (usize, usize)) -> Option<AggregateProof> {
        let node = &self.tree.levels[at.0][at.1];
        let bytes = files::read(&self.path(at)).ok()?;
        let statement = self.session.statement(self.card.layers.len()).digest();
        let (plan, bytes) = open(&bytes, &statement)?;
        if plan != self.tree.plan.to_string() {
            return None;
        }
        let proof = AggregateProof::from_bytes(&node.key, self.transcript(at.0), &bytes).ok()?;
        let said = |accumulator: &Accumulator| self.said(node, accumulator);
        verify_node(&self.params, &node.key, said, &proof).ok()?;
        Some(proof)
    }

    /// Proves the nodes that have no valid proof yet, and returns the root's.
    pub fn prove(
        &self,
        setups: &Setups<'_>,
        events: &(dyn Fn(Event) + Sync),
    ) -> Result<AggregateProof, Error> {
        let _lock = files::lock(&self.dir.path().join("lock"))?;
        files::create_dir(&self.dir.path().join("aggregate"))?;
        let root = (self.tree.levels.len() - 1, 0);
        if let Some(proof) = self.kept(root) {
            events(Event::Kept(root));
            return Ok(proof);
        }
        let mut below: Vec<AggregateProof> = Vec::new();
        for (level, nodes) in self.tree.levels.iter().enumerate() {
            let mut proofs = Vec::new();
            for index in 0..nodes.len() {
                let at = (level, index);
                let proof = match self.kept(at) {
                    Some(proof) => {
                        events(Event::Kept(at));
                        proof
                    }
                    None => self.prove_node(at, &below, setups, events)?,
                };
                proofs.push(proof);
            }
            below = proofs;
        }
        Ok(below.remove(0))
    }

    fn prove_node(
        &self,
        at: (usize, usize),
        below: &[AggregateProof],
        setups: &Setups<'_>,
        events: &(dyn Fn(Event) + Sync),
    ) -> Result<AggregateProof, Error> {
        let start = Instant::now();
        let keyed = &self.tree.levels[at.0][at.1];
        let layers: Vec<Proof> = if at.0 == 0 {
            let range = keyed.layers.0..keyed.layers.1;
            range
                .map(|l| self.layer_proof(l))
                .collect::<Result<_, _>>()?
        } else {
            vec![]
        };
        let proofs: Vec<ChildProof<'_>> = if at.0 == 0 {
            layers
                .iter()
                .map(|proof| ChildProof {
                    proof,
                    accumulator: None,
                    digest: Fr::ZERO,
                })
                .collect()
        } else {
            let nodes = &self.tree.levels[at.0 - 1];
            (keyed.children.0..keyed.children.1)
                .map(|i| ChildProof {
                    proof: &below[i].proof,
                    accumulator: Some(below[i].accumulator),
                    digest: self.digests[nodes[i].layers.1],
                })
                .collect()
        };
        let ends: Vec<usize> = if at.0 == 0 {
            (keyed.layers.0..=keyed.layers.1).collect()
        } else {
            let nodes = &self.tree.levels[at.0 - 1][keyed.children.0..keyed.children.1];
            let starts = nodes.iter().map(|n| n.layers.0);
            starts.chain([keyed.layers.1]).collect()
        };
        let claimed = &self.claimed;
        let run = keyed.node.run(&Witness {
            statement: claimed.statement,
            input: claimed.input,
            output: claimed.output,
            before: self.digests[keyed.layers.0],
            proofs,
            boundaries: ends.into_iter().map(|l| self.boundary(l)).collect(),
        });
        let program: Program = run.columns.program;
        let k = program.k;
        let setup = setups(k)?;
        let key = ProvingKey::with_commitments(
            setup.id(),
            Arc::new(program),
            keyed.key.fixed_commitments().to_vec(),
        )
        .with_cosets();
        let columns = Columns {
            first_phase: run.columns.first_phase,
            known: Default::default(),
            instances: &run.instances,
        };
        let proof = prove(
            setup.params(),
            &key,
            columns,
            self.transcript(at.0),
            &mut rand_core::OsRng,
            &|stage| events(Event::Stage(at, stage)),
        )?;
        let proof = AggregateProof {
            accumulator: run.accumulator,
            proof,
        };
        // A proof that does not verify is never written: one of those below it would not be valid.
        let said = |accumulator: &Accumulator| self.said(keyed, accumulator);
        verify_node(&self.params, &keyed.key, said, &proof).map_err(|source| Error::Node {
            level: at.0,
            index: at.1,
            source,
        })?;
        let bytes = proof.to_bytes();
        files::write(&self.path(at), &self.file(&bytes))?;
        events(Event::Proved {
            node: at,
            k,
            bytes: bytes.len(),
            wall: start.elapsed(),
        });
        Ok(proof)
    }

    fn file(&self, proof: &[u8]) -> Vec<u8> {
        let plan = self.tree.plan.to_string();
        let mut out = MAGIC.to_vec();
        out.extend(self.session.statement(self.card.layers.len()).digest());
        let length = u16::try_from(plan.len()).expect("a plan has at most some hundred sizes");
        out.extend(length.to_le_bytes());
        out.extend(plan.as_bytes());
        out.extend(proof);
        out
    }

    fn layer_proof(&self, layer: usize) -> Result<Proof, Error> {
        let malformed = |reason| SessionError::Malformed { layer, reason };
        let proof = self
            .dir
            .proof(layer)?
            .ok_or_else(|| malformed("it is not proved yet"))?;
        if proof.transcript != TranscriptKind::Poseidon {
            return Err(
                malformed("its proof has a transcript that circuits cannot recompute").into(),
            );
        }
        self.session
            .verify_layer(layer, &self.card, &self.keys, &self.params, &proof)?;
        let key = &self.keys[&self.card.shape(&self.card.layers[layer])];
        Ok(
            Proof::from_bytes(key, proof.transcript, &proof.bytes).map_err(|source| {
                SessionError::Proof {
                    layer,
                    kind: self.card.layers[layer].kind,
                    source,
                }
            })?,
        )
    }
}

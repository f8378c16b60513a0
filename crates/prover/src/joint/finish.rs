//! The final proof of a session: nodes over its joint proofs, folded to one, and the proof that contracts verify.
//!
//! | file | content |
//! |---|---|
//! | `nodes/<layers>.node` | nodes over joint proofs, each named after its layers |
//! | `nodes/<level>_<layers>.node` | nodes over nodes, from level 1 on |
//! | `final.proof` | the final proof |

use super::session::{name_of, JointSession, Locked};
use crate::files;
use crate::Error;
use halo2curves::bn256::Fr;
use nanozk_argument::Stage;
use nanozk_final::{prove_top, verify_top, ProvingKey, Top};
use nanozk_recursion::node::{folded, hold, Joint, NodeError, NodeKey, NodeProof, Nodes, Tables};
use nanozk_recursion::recorder::Recording;
use nanozk_recursion::statement::Said;
use nanozk_verifier::joint::{CheckedClaim, Error as Refused, FinalFile, Parameters, ProofFile};
use rand_core::{CryptoRng, RngCore};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What makes final proofs under one setup: it takes seconds to make, and a few hundred megabytes.
#[derive(Debug)]
pub struct Finisher {
    nodes: Nodes,
    key: ProvingKey,
}

impl Finisher {
    /// Computes the key.
    pub fn new(parameters: &Parameters) -> Result<Self, Error> {
        let nodes = Nodes::new().map_err(|e| Refused::Node(e.into()))?;
        let key = ProvingKey::over_nodes(&nodes, &parameters.basis).map_err(Refused::from)?;
        Ok(Self { nodes, key })
    }
}

/// What happens while a session is finished.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A valid node was already there.
    Kept(&'a str),
    /// A node enters a stage.
    Node(&'a str, Stage),
    /// A node is on disk.
    Proved {
        /// Its name.
        name: &'a str,
        /// Time it took.
        wall: Duration,
    },
    /// The final proof enters a stage.
    Final(&'static str),
}

/// A node, with what it is over.
struct Done {
    layers: Vec<usize>,
    key: NodeKey,
    node: NodeProof,
    said: Said,
}

fn refused(e: NodeError) -> Error {
    Error::Joint(Refused::Node(e))
}

impl JointSession {
    /// Where the final proof is.
    pub fn final_path(&self) -> PathBuf {
        self.path().join("final.proof")
    }
}

/// Makes nodes, and keeps those that are there.
struct Work<'a> {
    folder: PathBuf,
    finisher: &'a Finisher,
    parameters: &'a Parameters,
}

impl Work<'_> {
    /// The node of a recording that says this: the one on disk, if it is valid, or a new one.
    fn node(
        &self,
        name: &str,
        (recording, said): (&Recording, Said),
        rng: &mut (impl RngCore + CryptoRng),
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<(NodeKey, NodeProof), Error> {
        let clock = Instant::now();
        let nodes = &self.finisher.nodes;
        let basis = &self.parameters.basis;
        let key = nodes.key(basis, recording).map_err(refused)?;
        let is_valid = |node: &NodeProof| {
            let accumulators = nodes.verify(&key, &said, node);
            accumulators.is_ok_and(|both| hold(&both, &self.parameters.g2))
        };
        let path = self.folder.join(format!("{name}.node"));
        let kept = files::read_of_session(&path).ok();
        let kept = kept.and_then(|bytes| NodeProof::from_bytes(&bytes).ok());
        if let Some(node) = kept.filter(is_valid) {
            events(Event::Kept(name));
            return Ok((key, node));
        }
        let stage = |stage| events(Event::Node(name, stage));
        let node = nodes.prove(basis, &key, recording, rng, stage);
        let node = node.map_err(refused)?;
        // A node that does not verify is never written: it would mean a broken machine.
        if !is_valid(&node) {
            return Err(Error::Joint(Refused::Pairing));
        }
        files::write(&path, &node.to_bytes())?;
        let wall = clock.elapsed();
        events(Event::Proved { name, wall });
        Ok((key, node))
    }
}

impl Locked<'_> {
    /// Makes the final proof over joint proofs of these windows, which must be there, and writes it. Nodes that are there are
    /// kept.
    pub fn finish(
        &self,
        claim: &CheckedClaim<'_>,
        windows: &[Vec<usize>],
        finisher: &Finisher,
        parameters: &Parameters,
        rng: &mut (impl RngCore + CryptoRng),
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<FinalFile, Error> {
        claim.manifest().check_setup(parameters)?;
        let folder = self.session().path().join("nodes");
        files::create_dir(&folder)?;
        let work = Work {
            folder,
            finisher,
            parameters,
        };
        let mut done: Vec<Done> = Vec::with_capacity(windows.len());
        for layers in windows {
            let name = name_of(layers);
            let _span = tracing::info_span!("node", layers = name).entered();
            let bytes = files::read_of_session(&self.session().proof_path(layers))?;
            let file = ProofFile::from_bytes(&bytes)?;
            let opened = claim.open(&file)?;
            if opened.layers() != *layers {
                return Err(Error::Joint(Refused::OtherStatement));
            }
            opened.verify(parameters)?;
            let goal = opened.goal();
            let session = claim.session(goal)?;
            let said = claim.said(goal)?;
            let joint = Joint {
                program: &goal.program,
                layout: &goal.layout,
                tables: &Tables::new(&parameters.basis, &goal.program, &goal.layout),
                session: &session,
                proof: opened.proof(),
            };
            let recording = finisher.nodes.joint(&joint).map_err(refused)?;
            let (key, node) = work.node(&name, (&recording, said), rng, events)?;
            done.push(Done {
                layers: layers.clone(),
                key,
                node,
                said,
            });
        }
        let top = folded(done, |level, children| {
            fold(&work, level, children, rng, events)
        })?;
        let top = top.ok_or_else(|| refused(NodeError::Empty))?;
        let _span = tracing::info_span!("final proof").entered();
        let stage = |stage| events(Event::Final(stage));
        let basis = &parameters.basis;
        let node = (&top.key, &top.node);
        let proof = prove_top(&finisher.key, &finisher.nodes, node, basis, rng, stage);
        let proof = proof.map_err(Refused::from)?;
        // As a node that does not verify, a final proof is never written.
        let said = Top {
            key: top.key.digest(),
            said: top.said,
        };
        verify_top(&finisher.key.key, &said, &proof, &parameters.g2).map_err(Refused::from)?;
        let window = |layers: &Vec<usize>| layers.iter().map(|layer| *layer as u32).collect();
        let file = FinalFile {
            statement: claim.claim().statement(),
            windows: windows.iter().map(window).collect(),
            proof,
        };
        files::write(&self.session().final_path(), &file.to_bytes())?;
        Ok(file)
    }
}

/// A node over some nodes.
fn fold(
    work: &Work<'_>,
    level: usize,
    children: &[Done],
    rng: &mut (impl RngCore + CryptoRng),
    events: &mut dyn FnMut(Event<'_>),
) -> Result<Done, Error> {
    let mut layers: Vec<usize> = children.iter().flat_map(|c| c.layers.clone()).collect();
    layers.sort_unstable();
    let name = format!("{level}_{}", name_of(&layers));
    let _span = tracing::info_span!("node over nodes", name).entered();
    let pairs: Vec<(&NodeKey, &NodeProof)> = children.iter().map(|c| (&c.key, &c.node)).collect();
    let recording = work.finisher.nodes.fold(&pairs).map_err(refused)?;
    let list: Vec<(Fr, Said)> = children.iter().map(|c| (c.key.digest(), c.said)).collect();
    let said = Said::of_nodes(&list);
    let (key, node) = work.node(&name, (&recording, said), rng, events)?;
    Ok(Done {
        layers,
        key,
        node,
        said,
    })
}

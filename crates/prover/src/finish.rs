//! The final proof of layers of one session or of many: nodes over joint proofs, folded to one, and the proof that contracts
//! verify.
//!
//! | file | content |
//! |---|---|
//! | `nodes/<layers>.node` | nodes over joint proofs, each named after its layers |
//! | `nodes/over-<digest>.node` | nodes over nodes, each named after what it says |
//! | `final.json` | the final proof |

use crate::Error;
use crate::files;
use crate::session::{Locked, SessionDir, Window, name_of, window};
use halo2curves::bn256::Fr;
use nanozk_argument::Stage;
use nanozk_final::{ProvingKey, prove_top, verify_top};
use nanozk_layers::Selection;
use nanozk_recursion::node::{
    Joint, NodeError, NodeKey, NodeProof, Nodes, Tables, folded, folds, hold,
};
use nanozk_recursion::recorder::Recording;
use nanozk_recursion::statement::Said;
use nanozk_verifier::hex::{Digest32, HexBytes, Scalar};
use nanozk_verifier::{
    CheckedClaim, Error as Refused, FINAL_FORMAT, FinalFile, Parameters, ProofFile, ProvedClaim,
    ProvedWindow, RegisteredProgram, top_of, window_layers,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, RngCore, SeedableRng};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
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

/// Seconds of processor time that a node takes.
const NODE: f64 = 8.0;

/// Windows of registered programs that prove some layers of a claim, each with a joint proof that fits a memory: few nodes, or
/// small joint proofs, whichever takes less time. They may prove other layers, too.
pub fn program_windows(
    claim: &CheckedClaim<'_>,
    layers: &[usize],
    memory: Option<u64>,
) -> Result<Vec<Window>, Error> {
    let manifest = claim.manifest();
    Selection::new(layers, manifest.blocks()).map_err(Refused::from)?;
    let generated = claim.claim().generated_tokens as usize;
    let memory = memory.unwrap_or(u64::MAX);
    // The longest first.
    let programs = manifest.manifest().programs.iter();
    let programs = programs.filter(|p| manifest.is_for(p, generated));
    let programs: Vec<Vec<usize>> = programs.map(RegisteredProgram::layers).collect();
    // What fits is found out once for each.
    let mut fit: BTreeMap<usize, Result<Window, Error>> = BTreeMap::new();
    let mut cut = |may_prove_more: bool| -> Result<Vec<Window>, Error> {
        let mut windows = Vec::new();
        let mut next = 0;
        while let Some(&layer) = layers.iter().find(|layer| **layer >= next) {
            let mut refused = None;
            let chosen = programs.iter().enumerate().find_map(|(number, own)| {
                let is_next = match may_prove_more {
                    true => own.contains(&layer) && own[0] >= next,
                    false => own[0] == layer && own.iter().all(|l| layers.contains(l)),
                };
                if !is_next {
                    return None;
                }
                let found = fit
                    .entry(number)
                    .or_insert_with(|| window(claim, own, memory));
                match found {
                    Ok(window) => Some(window.clone()),
                    Err(e) => {
                        refused = Some(match e {
                            Error::Memory { needed, allowed } => Error::Memory {
                                needed: *needed,
                                allowed: *allowed,
                            },
                            e => Error::NoWindow {
                                layer,
                                reason: e.to_string(),
                            },
                        });
                        None
                    }
                }
            });
            let none = || Error::Refused(Refused::NoProgram { layer });
            let chosen = chosen.ok_or_else(|| refused.unwrap_or_else(none))?;
            next = chosen.layers.last().map_or(next, |last| last + 1);
            windows.push(chosen);
        }
        Ok(windows)
    };
    let (few, small) = (cut(true), cut(false)?);
    let cost = |windows: &[Window]| -> f64 {
        let nodes = windows.len() + folds(windows.len());
        let proofs: f64 = windows.iter().map(|w| w.estimate.cpu_seconds).sum();
        proofs + NODE * nodes as f64
    };
    Ok(match few {
        Ok(few) if cost(&few) < cost(&small) => few,
        _ => small,
    })
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

/// Who is told what happens, of nodes that are made side by side.
struct Listener<'a>(Mutex<&'a mut (dyn FnMut(Event<'_>) + Send)>);

impl Listener<'_> {
    fn tell(&self, event: Event<'_>) {
        let mut listener = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listener(event);
    }
}

/// A node, with what it is over.
struct Done {
    key: NodeKey,
    node: NodeProof,
    said: Said,
}

fn refused(e: NodeError) -> Error {
    Error::Refused(Refused::Node(e))
}

impl SessionDir {
    /// Where the final proof is.
    pub fn final_path(&self) -> PathBuf {
        self.path().join("final.json")
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
        listener: &Listener<'_>,
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
            listener.tell(Event::Kept(name));
            return Ok((key, node));
        }
        let stage = |stage| listener.tell(Event::Node(name, stage));
        let node = nodes.prove(basis, &key, recording, rng, stage);
        let node = node.map_err(refused)?;
        // A node that does not verify is never written: it would mean a broken machine.
        if !is_valid(&node) {
            return Err(Error::Refused(Refused::Pairing));
        }
        files::write(&path, &node.to_bytes())?;
        let wall = clock.elapsed();
        listener.tell(Event::Proved { name, wall });
        Ok((key, node))
    }
}

/// Layers of a session to be proved on chain: windows, by first layer and number of layers, of which joint proofs are there.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// The session.
    pub session: &'a Locked<'a>,
    /// Its claim.
    pub claim: &'a CheckedClaim<'a>,
    /// The windows.
    pub windows: &'a [(u32, u32)],
}

impl Finisher {
    /// Makes the final proof over joint proofs of all parts. Nodes that are there are kept; nodes over nodes are kept beside
    /// those of the first session. Two nodes over joint proofs are made side by side: by itself one does not use a second
    /// processor well.
    pub fn finish(
        &self,
        parts: &[Part<'_>],
        parameters: &Parameters,
        rng: &mut (impl RngCore + CryptoRng),
        events: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<FinalFile, Error> {
        let listener = Listener(Mutex::new(events));
        let first = parts.first().ok_or_else(|| refused(NodeError::Empty))?;
        let mut joint = Vec::new();
        for part in parts {
            part.claim.manifest().check_setup(parameters)?;
            self.work(part.session, parameters)?;
            joint.extend(part.windows.iter().map(|window| (*part, *window)));
        }
        let make = |&(part, window): &(Part<'_>, (u32, u32)), rng: &mut ChaCha20Rng| {
            let work = self.work(part.session, parameters)?;
            leaf(&work, &part, &window_layers(window), rng, &listener)
        };
        let done = in_pairs(&joint, rng, make)?;
        let mut digests = done.iter().map(|node| Scalar(node.said.digest));
        let mut claims = Vec::with_capacity(parts.len());
        for part in parts {
            let windows = part.windows.iter().zip(&mut digests);
            let windows = windows.map(|(&(first, count), digest)| ProvedWindow {
                first,
                count,
                digest,
            });
            claims.push(ProvedClaim {
                statement: Digest32(part.claim.claim().statement()),
                windows: windows.collect(),
            });
        }
        let leaves: Vec<(Fr, Said)> = done.iter().map(|d| (d.key.digest(), d.said)).collect();
        let work = self.work(first.session, parameters)?;
        let top = folded(done, |_, children| fold(&work, children, rng, &listener))?;
        let top = top.ok_or_else(|| refused(NodeError::Empty))?;
        let _span = tracing::info_span!("final proof").entered();
        let stage = |stage| listener.tell(Event::Final(stage));
        let basis = &parameters.basis;
        let proof = prove_top(
            &self.key,
            &self.nodes,
            (&top.key, &top.node),
            basis,
            rng,
            stage,
        );
        let proof = proof.map_err(Refused::from)?;
        let (top, tree) = top_of(&self.nodes, basis, &leaves).map_err(refused)?;
        // As a node that does not verify, a final proof is never written.
        verify_top(&self.key.key, &top, &proof, &parameters.g2).map_err(Refused::from)?;
        Ok(FinalFile {
            format: FINAL_FORMAT.into(),
            claims,
            tree,
            proof: HexBytes(proof),
        })
    }

    fn work<'a>(
        &'a self,
        session: &Locked<'_>,
        parameters: &'a Parameters,
    ) -> Result<Work<'a>, Error> {
        let folder = session.session().path().join("nodes");
        files::create_dir(&folder)?;
        Ok(Work {
            folder,
            finisher: self,
            parameters,
        })
    }
}

/// What is made of each item, of two at a time, each with a generator of its own.
fn in_pairs<T: Sync, R: Send>(
    items: &[T],
    rng: &mut (impl RngCore + CryptoRng),
    make: impl Fn(&T, &mut ChaCha20Rng) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let mut own = || {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        ChaCha20Rng::from_seed(seed)
    };
    let mut made = Vec::with_capacity(items.len());
    for pair in items.chunks(2) {
        let (mut first, mut second) = (own(), own());
        match pair {
            [a, b] => {
                let both = rayon::join(|| make(a, &mut first), || make(b, &mut second));
                made.extend([both.0?, both.1?]);
            }
            rest => {
                for item in rest {
                    made.push(make(item, &mut first)?);
                }
            }
        }
    }
    Ok(made)
}

/// A node over the joint proof of a window, which must be there.
fn leaf(
    work: &Work<'_>,
    part: &Part<'_>,
    layers: &[usize],
    rng: &mut (impl RngCore + CryptoRng),
    listener: &Listener<'_>,
) -> Result<Done, Error> {
    let name = name_of(layers);
    let _span = tracing::info_span!("node", layers = name).entered();
    let bytes = files::read_of_session(&part.session.session().proof_path(layers))?;
    let file = ProofFile::from_bytes(&bytes)?;
    let opened = part.claim.open(&file)?;
    if opened.layers() != layers {
        return Err(Error::Refused(Refused::OtherStatement));
    }
    opened.verify(work.parameters)?;
    let goal = opened.goal();
    let session = part.claim.session(goal)?;
    let said = part.claim.said(goal)?;
    let joint = Joint {
        program: &goal.program,
        layout: &goal.layout,
        tables: &Tables::new(&work.parameters.basis, &goal.program, &goal.layout),
        session: &session,
        proof: opened.proof(),
    };
    let recording = work.finisher.nodes.joint(&joint).map_err(refused)?;
    let (key, node) = work.node(&name, (&recording, said), rng, listener)?;
    Ok(Done { key, node, said })
}

/// A node over some nodes.
fn fold(
    work: &Work<'_>,
    children: &[Done],
    rng: &mut (impl RngCore + CryptoRng),
    listener: &Listener<'_>,
) -> Result<Done, Error> {
    let list: Vec<(Fr, Said)> = children.iter().map(|c| (c.key.digest(), c.said)).collect();
    let said = Said::of_nodes(&list);
    // What it says is what it is over.
    let digest = Scalar(said.digest).to_string();
    let name = format!("over-{}", digest.get(2..18).unwrap_or(&digest));
    let _span = tracing::info_span!("node over nodes", name).entered();
    let pairs: Vec<(&NodeKey, &NodeProof)> = children.iter().map(|c| (&c.key, &c.node)).collect();
    let recording = work.finisher.nodes.fold(&pairs).map_err(refused)?;
    let (key, node) = work.node(&name, (&recording, said), rng, listener)?;
    Ok(Done { key, node, said })
}

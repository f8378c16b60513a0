//! Final proofs: of sets of layers of one claim, or of many.

use crate::hex::{Digest32, HexBytes, Scalar};
use crate::programs::{node_key, own_weights};
use crate::{CheckedClaim, Error, Goal, Parameters};
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_final::{K, ProvingKey, Top, powers_needed, verify_top};
use nanozk_kzg::Basis;
use nanozk_recursion::node::{NodeError, Nodes, folded};
use nanozk_recursion::statement::{Said, Session};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Format name of a final proof.
pub const FINAL_FORMAT: &str = "nanozk-final-1";
/// Powers of a setup that nodes and final proofs take.
pub const FINAL_POWERS: usize = powers_needed(K);
/// Joint proofs below a final proof, at most.
const MAX_LEAVES: usize = 1 << 12;

/// A final proof, with all that a contract takes beside it but claims and registered programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinalFile {
    /// [`FINAL_FORMAT`].
    pub format: String,
    /// What it is about.
    pub claims: Vec<ProvedClaim>,
    /// How nodes over joint proofs become one.
    pub tree: Tree,
    /// The proof.
    pub proof: HexBytes,
}

/// What a final proof proves of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvedClaim {
    /// Digest of its statement.
    pub statement: Digest32,
    /// The joint proofs of it.
    pub windows: Vec<ProvedWindow>,
}

/// Consecutive layers of a claim that a joint proof below proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvedWindow {
    /// The first layer.
    pub first: u32,
    /// Number of layers.
    pub count: u32,
    /// Digest of what the node over it says.
    pub digest: Scalar,
}

/// How nodes become one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// Postfix: 0 is the next node over a joint proof, `n` one over the last `n`.
    pub shape: HexBytes,
    /// Digests of what nodes over nodes say, in the same order.
    pub digests: Vec<Scalar>,
}

/// Layers of a claim that joint proofs prove: windows, by first layer and number of layers.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The claim.
    pub claim: &'a CheckedClaim<'a>,
    /// The windows.
    pub windows: &'a [(u32, u32)],
}

impl CheckedClaim<'_> {
    /// What nodes over proofs of a goal take of a claim.
    pub fn session(&self, goal: &Goal) -> Result<Session, Error> {
        let activations = self.claim().activations.iter().map(|point| point.0);
        let weights = own_weights(self.manifest(), goal);
        let session = Session::new(self.claim().inputs(), weights, activations.collect());
        let mut session = session.map_err(|e| Error::Node(NodeError::Point(e)))?;
        // Contracts that know the digest only, and no words, take the fingerprint where it costs least.
        if self.claim().context.epoch {
            session.at = Fr::ZERO;
        }
        Ok(session)
    }

    /// What a node over a proof of a goal says.
    pub fn said(&self, goal: &Goal) -> Result<Said, Error> {
        let said = self.session(goal)?.said();
        said.map_err(|e| Error::Node(NodeError::Point(e)))
    }

    /// The layers of some windows, in increasing order, if no two windows have one in common.
    pub fn layers_of_windows(&self, windows: &[(u32, u32)]) -> Result<Vec<usize>, Error> {
        let mut all = BTreeSet::new();
        for &(first, count) in windows {
            let end = first.checked_add(count).map(|end| end as usize);
            let end = end.filter(|end| count > 0 && *end <= self.manifest().layers());
            let end = end.ok_or(Error::Malformed(
                "a joint proof is of layers that there are not",
            ))?;
            for layer in first as usize..end {
                if !all.insert(layer) {
                    return Err(Error::Malformed("two joint proofs have a layer in common"));
                }
            }
        }
        Ok(all.into_iter().collect())
    }
}

/// Numbers of the layers of a window.
pub fn window_layers((first, count): (u32, u32)) -> Vec<usize> {
    (first..first.saturating_add(count))
        .map(|layer| layer as usize)
        .collect()
}

/// A node, and the tree below it.
struct Below {
    key: Fr,
    said: Said,
    shape: Vec<u8>,
    digests: Vec<Scalar>,
}

/// What a final proof over nodes says, of which each has a key of this digest and says this; and the tree.
pub fn top_of(
    nodes: &Nodes,
    basis: &Basis,
    leaves: &[(Fr, Said)],
) -> Result<(Top, Tree), NodeError> {
    // A key depends on the number of nodes only, and takes long to compute.
    let mut keys: BTreeMap<usize, Fr> = BTreeMap::new();
    top_with(leaves, |count| match keys.get(&count) {
        Some(key) => Ok(*key),
        None => {
            let key = nodes.fold_key(basis, count)?.digest();
            Ok(*keys.entry(count).or_insert(key))
        }
    })
}

/// The same with the digest of the key of nodes over so many nodes.
pub(crate) fn top_with(
    leaves: &[(Fr, Said)],
    mut fold_key: impl FnMut(usize) -> Result<Fr, NodeError>,
) -> Result<(Top, Tree), NodeError> {
    let leaf = |(key, said): &(Fr, Said)| Below {
        key: *key,
        said: *said,
        shape: vec![0],
        digests: Vec::new(),
    };
    let top = folded(leaves.iter().map(leaf).collect(), |_, children| {
        let count = children.len();
        let key = fold_key(count)?;
        let list: Vec<(Fr, Said)> = children.iter().map(|c| (c.key, c.said)).collect();
        let said = Said::of_nodes(&list);
        let mut shape: Vec<u8> = children.iter().flat_map(|c| c.shape.clone()).collect();
        shape.push(count as u8);
        let digests = children.iter().flat_map(|c| c.digests.clone());
        let digests = digests.chain([Scalar(said.digest)]).collect();
        Ok::<_, NodeError>(Below {
            key,
            said,
            shape,
            digests,
        })
    })?;
    let top = top.ok_or(NodeError::Empty)?;
    let tree = Tree {
        shape: HexBytes(top.shape),
        digests: top.digests,
    };
    let (key, said) = (top.key, top.said);
    Ok((Top { key, said }, tree))
}

/// Windows of each claim, and the layers that they are of.
type Covered = (Vec<Vec<(u32, u32)>>, Vec<Vec<usize>>);

impl FinalFile {
    /// What the file says that it proves of these claims, if it has the form of a final proof over them.
    pub(crate) fn windows_of(&self, claims: &[&CheckedClaim<'_>]) -> Result<Covered, Error> {
        if self.format != FINAL_FORMAT {
            return Err(Error::Format {
                expected: FINAL_FORMAT,
                got: self.format.clone(),
            });
        }
        let (expected, got) = (nanozk_final::BYTES, self.proof.0.len());
        if expected != got {
            return Err(Error::Length { expected, got });
        }
        if self.claims.len() != claims.len() {
            return Err(Error::OtherStatement);
        }
        if self.claims.iter().map(|c| c.windows.len()).sum::<usize>() > MAX_LEAVES {
            return Err(Error::Malformed(
                "the final proof is over too many joint proofs",
            ));
        }
        let mut layers = Vec::with_capacity(claims.len());
        let mut windows: Vec<Vec<(u32, u32)>> = Vec::with_capacity(claims.len());
        for (claim, said) in claims.iter().zip(&self.claims) {
            if said.statement.0 != claim.claim().statement() {
                return Err(Error::OtherStatement);
            }
            let own: Vec<(u32, u32)> = said.windows.iter().map(|w| (w.first, w.count)).collect();
            layers.push(claim.layers_of_windows(&own)?);
            windows.push(own);
        }
        Ok((windows, layers))
    }

    /// Refuses a file that says other digests than follow from its claims. A contract is given these, so that a file that is
    /// accepted here is accepted there.
    pub(crate) fn check_digests(&self, tree: &Tree, digests: &[Vec<Scalar>]) -> Result<(), Error> {
        let said = self.claims.iter();
        let said = said.flat_map(|c| c.windows.iter().map(|w| w.digest));
        match *tree == self.tree && digests.iter().flatten().copied().eq(said) {
            true => Ok(()),
            false => Err(Error::Malformed(
                "the digests of the file are not those of its claims",
            )),
        }
    }
}

/// What verifies final proofs of all models under one setup: it takes seconds to make.
#[derive(Debug)]
pub struct FinalVerifier {
    nodes: Nodes,
    key: nanozk_final::Key,
}

impl FinalVerifier {
    /// Computes the key.
    pub fn new(parameters: &Parameters) -> Result<Self, Error> {
        let nodes = Nodes::new().map_err(NodeError::from)?;
        let key = ProvingKey::over_nodes(&nodes, &parameters.basis)?.key;
        Ok(Self { nodes, key })
    }

    /// What records nodes.
    pub(crate) fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// The key of final proofs.
    pub(crate) fn key(&self) -> &nanozk_final::Key {
        &self.key
    }

    /// What a final proof over joint proofs of these windows says, the tree, and the digest of what each node over a joint proof
    /// says. Keys are computed: nobody is believed.
    pub fn top(
        &self,
        targets: &[Target<'_>],
        parameters: &Parameters,
    ) -> Result<(Top, Tree, Vec<Vec<Scalar>>), Error> {
        let mut nodes: Vec<(Fr, Said)> = Vec::new();
        let mut digests = Vec::with_capacity(targets.len());
        // Claims have keys in common, if their programs are the same: each takes long to compute.
        let mut keys: BTreeMap<([u8; 32], usize), Fr> = BTreeMap::new();
        for Target { claim, windows } in targets {
            claim.manifest().check_setup(parameters)?;
            let mut own = Vec::with_capacity(windows.len());
            for window in *windows {
                let goal = claim.goal(&window_layers(*window))?;
                let streams = claim.manifest().packing().streams();
                let of = (goal.layout.digest(&goal.program), streams);
                let key = match keys.get(&of) {
                    Some(key) => *key,
                    None => {
                        let key = node_key(&self.nodes, claim.manifest(), &goal, parameters)?;
                        *keys.entry(of).or_insert(key.digest())
                    }
                };
                let said = claim.said(&goal)?;
                own.push(Scalar(said.digest));
                nodes.push((key, said));
            }
            digests.push(own);
        }
        let (top, tree) = top_of(&self.nodes, &parameters.basis, &nodes)?;
        Ok((top, tree, digests))
    }

    /// Verifies a final proof about these claims, in the file's order; gives the numbers of the layers that it proves of each.
    pub fn verify(
        &self,
        claims: &[&CheckedClaim<'_>],
        file: &FinalFile,
        parameters: &Parameters,
    ) -> Result<Vec<Vec<usize>>, Error> {
        let (windows, layers) = file.windows_of(claims)?;
        let targets: Vec<Target<'_>> = claims
            .iter()
            .zip(&windows)
            .map(|(claim, windows)| Target { claim, windows })
            .collect();
        let (top, tree, digests) = self.top(&targets, parameters)?;
        file.check_digests(&tree, &digests)?;
        verify_top(&self.key, &top, &file.proof.0, &parameters.g2)?;
        Ok(layers)
    }
}

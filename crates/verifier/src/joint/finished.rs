//! Final proofs of claims.

use super::programs::{node_key, own_weights};
use super::{CheckedClaim, Error, Goal, Parameters};
use halo2curves::bn256::Fr;
use nanozk_final::{powers_needed, verify_top, ProvingKey, Top, K};
use nanozk_layers::Selection;
use nanozk_recursion::node::{folded, NodeError, Nodes};
use nanozk_recursion::statement::{Said, Session};
use std::collections::BTreeSet;

const MAGIC: &[u8; 8] = b"nanozkF1";

/// Powers of a setup that nodes and final proofs take.
pub const FINAL_POWERS: usize = powers_needed(K);

/// A final proof, with what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalFile {
    /// Statement digest it was made for.
    pub statement: [u8; 32],
    /// Sets of layers of the joint proofs below, from zero and in increasing order each.
    pub windows: Vec<Vec<u32>>,
    /// The proof, as a contract takes it.
    pub proof: Vec<u8>,
}

impl FinalFile {
    /// `"nanozkF1" ‖ statement ‖ number of windows ‖ windows ‖ proof`, a window as the number of its layers and the layers, each
    /// number with four bytes, big-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.statement);
        let count = |length: usize| u32::try_from(length).expect("few layers").to_be_bytes();
        bytes.extend(count(self.windows.len()));
        for window in &self.windows {
            bytes.extend(count(window.len()));
            bytes.extend(window.iter().flat_map(|layer| layer.to_be_bytes()));
        }
        bytes.extend(&self.proof);
        bytes
    }

    /// Reads what [`Self::to_bytes`] writes. Whether the proof is valid is another question.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        const SHORT: Error = Error::Malformed("the file is too short for a final proof");
        let rest = bytes.strip_prefix(MAGIC);
        let rest = rest.ok_or(Error::Malformed("the file is no final proof"))?;
        let (statement, mut rest) = rest.split_first_chunk().ok_or(SHORT)?;
        let number = |rest: &mut &[u8]| -> Result<u32, Error> {
            let (number, others) = rest.split_first_chunk().ok_or(SHORT)?;
            *rest = others;
            Ok(u32::from_be_bytes(*number))
        };
        // Each number that is read takes bytes: no more is allocated than the file has.
        let mut windows = Vec::new();
        for _ in 0..number(&mut rest)? {
            let mut window = Vec::new();
            for _ in 0..number(&mut rest)? {
                window.push(number(&mut rest)?);
            }
            windows.push(window);
        }
        Ok(Self {
            statement: *statement,
            windows,
            proof: rest.to_vec(),
        })
    }
}

impl CheckedClaim<'_> {
    /// What nodes over proofs of a goal take of a claim.
    pub fn session(&self, goal: &Goal) -> Result<Session, Error> {
        let activations = self.claim().activations.iter().map(|point| point.0);
        let weights = own_weights(self.manifest(), goal);
        Session::new(self.claim().inputs(), weights, activations.collect())
            .map_err(|e| Error::Node(NodeError::Point(e)))
    }

    /// What a node over a proof of a goal says.
    pub fn said(&self, goal: &Goal) -> Result<Said, Error> {
        let said = self.session(goal)?.said();
        said.map_err(|e| Error::Node(NodeError::Point(e)))
    }

    /// The layers of some windows, in increasing order, if no two windows have one in common.
    fn layers_of_windows(&self, windows: &[Vec<u32>]) -> Result<Vec<usize>, Error> {
        let mut all = BTreeSet::new();
        for window in windows {
            let layers: Vec<usize> = window.iter().map(|layer| *layer as usize).collect();
            Selection::new(&layers, self.manifest().blocks())?;
            for layer in layers {
                if !all.insert(layer) {
                    return Err(Error::Malformed("two joint proofs have a layer in common"));
                }
            }
        }
        Ok(all.into_iter().collect())
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

    /// What a final proof over joint proofs of these windows of a claim says. Keys are computed: nobody is
    /// believed.
    pub fn top(
        &self,
        claim: &CheckedClaim<'_>,
        windows: &[Vec<u32>],
        parameters: &Parameters,
    ) -> Result<Top, Error> {
        let mut nodes: Vec<(Fr, Said)> = Vec::with_capacity(windows.len());
        for window in windows {
            let layers: Vec<usize> = window.iter().map(|layer| *layer as usize).collect();
            let goal = claim.goal(&layers)?;
            let key = node_key(&self.nodes, claim.manifest(), &goal, parameters)?;
            nodes.push((key.digest(), claim.said(&goal)?));
        }
        let top = folded(nodes, |_, children| -> Result<_, Error> {
            let key = self.nodes.fold_key(&parameters.basis, children.len())?;
            Ok((key.digest(), Said::of_nodes(children)))
        })?;
        let (key, said) = top.ok_or(Error::Node(NodeError::Empty))?;
        Ok(Top { key, said })
    }

    /// Verifies a final proof of some layers of a claim; gives their numbers.
    pub fn verify(
        &self,
        claim: &CheckedClaim<'_>,
        file: &FinalFile,
        parameters: &Parameters,
    ) -> Result<Vec<usize>, Error> {
        if file.statement != claim.claim().statement() {
            return Err(Error::OtherStatement);
        }
        let layers = claim.layers_of_windows(&file.windows)?;
        let (expected, got) = (nanozk_final::BYTES, file.proof.len());
        if expected != got {
            return Err(Error::Length { expected, got });
        }
        claim.manifest().check_setup(parameters)?;
        let top = self.top(claim, &file.windows, parameters)?;
        verify_top(&self.key, &top, &file.proof, &parameters.g2)?;
        Ok(layers)
    }
}

//! Programs of a model version: consecutive layers that one joint proof proves, each with the key of the node over it that
//! contracts accept, and the root of the Merkle tree over them, which the model id binds.

use crate::encoding::scalar_to_bytes;
use crate::finished::window_layers;
use crate::hex::Scalar;
use crate::statement::word;
use crate::{CheckedManifest, Error, Goal, Parameters};
use halo2curves::bn256::{Fr, G1Affine};
use nanozk_argument::check_hiding;
use nanozk_circuit::ColumnKind;
use nanozk_layers::head::rows;
use nanozk_layers::{Packing, Selection};
use nanozk_recursion::node::{NodeKey, Nodes};
use nanozk_recursion::statement::{Native, weights_digest};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};
use std::collections::BTreeMap;

/// Programs of a version, at most.
pub(crate) const MAX_PROGRAMS: usize = 1 << 12;
/// A word: what leaves hash first.
const TAG: &[u8] = b"nanozk program 1";

/// Consecutive layers that one joint proof proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisteredProgram {
    /// The first layer.
    pub first: u32,
    /// Number of layers.
    pub count: u32,
    /// Rows of the head, [`rows`] of the number of generated tokens; zero without the head.
    pub rows: u32,
    /// Digest of the key of nodes over its proofs.
    pub key: Scalar,
    /// Digest of the commitments to the weights it uses.
    pub weights: Scalar,
}

impl RegisteredProgram {
    /// `keccak256(tag ‖ first ‖ count ‖ key ‖ weights)`, all as words of 32 bytes. Rows are a part of the key.
    pub fn leaf(&self) -> [u8; 32] {
        let mut tag = [0; 32];
        tag[..TAG.len()].copy_from_slice(TAG);
        let mut hash = Keccak256::new();
        hash.update(tag);
        hash.update(word(self.first.into()));
        hash.update(word(self.count.into()));
        hash.update(scalar_to_bytes(&self.key.0));
        hash.update(scalar_to_bytes(&self.weights.0));
        hash.finalize().into()
    }

    /// Numbers of its layers.
    pub fn layers(&self) -> Vec<usize> {
        window_layers((self.first, self.count))
    }
}

/// Which programs a version has: all layers, and each layer alone, with the head in each number of rows. `windows` are others
/// that are wanted, of first layers and numbers of layers.
pub fn program_list(layers: u32, positions: usize, windows: &[(u32, u32)]) -> Vec<[u32; 3]> {
    let mut all_rows = vec![rows(1)];
    while all_rows.last().is_some_and(|rows| *rows < positions - 1) {
        all_rows.extend(all_rows.last().map(|rows| 2 * rows));
    }
    let mut windows: Vec<(u32, u32)> = windows.to_vec();
    windows.extend((0..layers).map(|layer| (layer, 1)));
    windows.sort_by_key(|(first, count)| (std::cmp::Reverse(*count), *first));
    windows.dedup();
    let of = |(first, count): (u32, u32)| -> Vec<[u32; 3]> {
        match first + count == layers {
            true => all_rows
                .iter()
                .map(|rows| [first, count, *rows as u32])
                .collect(),
            false => vec![[first, count, 0]],
        }
    };
    windows.into_iter().flat_map(of).collect()
}

fn parent(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
    let (least, greatest) = if a <= b { (a, b) } else { (b, a) };
    let mut hash = Keccak256::new();
    hash.update(least);
    hash.update(greatest);
    hash.finalize().into()
}

/// The Merkle tree over a version's programs: a node is `keccak256(lesser ‖ greater)` of its children. Programs of all layers
/// are one half, so that their paths are short, the others the other.
#[derive(Clone, Copy, Debug)]
pub struct ProgramTree<'a> {
    programs: &'a [RegisteredProgram],
    layers: u32,
}

impl<'a> ProgramTree<'a> {
    /// The tree over programs of a model with so many layers.
    pub fn new(programs: &'a [RegisteredProgram], layers: u32) -> Self {
        Self { programs, layers }
    }

    /// Numbers of the leaves of both halves.
    fn halves(&self) -> [Vec<usize>; 2] {
        let is_all = |i: &usize| self.programs[*i].count == self.layers;
        let (all, others) = (0..self.programs.len()).partition(is_all);
        [all, others]
    }

    /// The root of some leaves, and what is beside the path from one of them, from below.
    fn subtree(&self, leaves: &[usize], of: Option<usize>) -> Option<([u8; 32], Vec<[u8; 32]>)> {
        match leaves {
            [] => None,
            [leaf] => Some((self.programs[*leaf].leaf(), Vec::new())),
            _ => {
                let (left, right) = leaves.split_at(leaves.len().div_ceil(2));
                self.joined(left, right, of)
            }
        }
    }

    fn joined(
        &self,
        left: &[usize],
        right: &[usize],
        of: Option<usize>,
    ) -> Option<([u8; 32], Vec<[u8; 32]>)> {
        let (a, b) = match (self.subtree(left, of), self.subtree(right, of)) {
            (Some(a), Some(b)) => (a, b),
            (one, other) => return one.or(other),
        };
        let root = parent(&a.0, &b.0);
        let has = |leaves: &[usize]| of.is_some_and(|leaf| leaves.contains(&leaf));
        let (mut path, beside) = if has(right) { (b.1, a.0) } else { (a.1, b.0) };
        path.push(beside);
        Some((root, path))
    }

    /// The root; zero without programs: such a version has no proofs on chain.
    pub fn root(&self) -> [u8; 32] {
        let [all, others] = self.halves();
        self.joined(&all, &others, None)
            .map_or([0; 32], |(root, _)| root)
    }

    /// What is beside the path of a program, from below.
    pub fn path(&self, number: usize) -> Vec<[u8; 32]> {
        let [all, others] = self.halves();
        self.joined(&all, &others, Some(number))
            .map_or_else(Vec::new, |(_, path)| path)
    }
}

/// The digest of the commitments to the weights of consecutive layers.
pub(crate) fn weights_of(
    packing: &Packing,
    weights: &[crate::hex::Point],
    blocks: usize,
    layers: &[usize],
) -> Result<Fr, Error> {
    let columns = packing.weights().iter().zip(weights).zip(0..);
    let own = columns.filter(|((parts, _), _)| {
        parts
            .iter()
            .any(|layer| layers.contains(&layer.number(blocks)))
    });
    let own: BTreeMap<u32, G1Affine> = own.map(|((_, point), number)| (number, point.0)).collect();
    weights_digest(&Native, &own).map_err(|e| Error::Node(e.into()))
}

/// The key of nodes over a goal's proofs.
pub fn node_key(
    nodes: &Nodes,
    manifest: &CheckedManifest,
    goal: &Goal,
    parameters: &Parameters,
) -> Result<NodeKey, Error> {
    let place = (&goal.program, &goal.layout);
    let activations = manifest.packing().streams();
    Ok(nodes.joint_key(&parameters.basis, place, activations)?)
}

impl CheckedManifest {
    /// What proofs of some layers prove in sessions whose head has so many rows, whatever the claim is.
    fn goal_of(&self, layers: &[usize], rows: u32) -> Result<Goal, Error> {
        let selection = Selection::new(layers, self.blocks())?;
        let (program, layers, layout) = self.program(&selection, (rows as usize).max(1))?;
        Ok(Goal {
            selection,
            layers,
            program,
            layout,
            inputs: Vec::new(),
        })
    }

    /// Whether a joint proof of this window, of first layer and number of layers, can be made in the longest sessions.
    pub fn check_window(&self, window: (u32, u32)) -> Result<(), Error> {
        let rows = rows(self.manifest().tokens - 1) as u32;
        let goal = self.goal_of(&window_layers(window), rows)?;
        check_hiding(&goal.program, &goal.layout).map_err(Error::Unprovable)
    }

    /// Computes what a program is registered with: of these first layer, number of layers, and rows.
    pub fn program_of(
        &self,
        nodes: &Nodes,
        [first, count, rows]: [u32; 3],
        parameters: &Parameters,
    ) -> Result<RegisteredProgram, Error> {
        let goal = self.goal_of(&window_layers((first, count)), rows)?;
        let key = node_key(nodes, self, &goal, parameters)?.digest();
        let weights = weights_digest(&Native, &own_weights(self, &goal));
        Ok(RegisteredProgram {
            first,
            count,
            rows,
            key: Scalar(key),
            weights: Scalar(weights.map_err(|e| Error::Node(e.into()))?),
        })
    }

    /// Whether a version's programs are what its dimensions, weights and setup give: what to know before a proof on chain is
    /// worth anything. `checked(done)` counts programs.
    pub fn check_programs(
        &self,
        nodes: &Nodes,
        parameters: &Parameters,
        mut checked: impl FnMut(usize),
    ) -> Result<(), Error> {
        self.check_setup(parameters)?;
        for (number, program) in self.manifest().programs.iter().enumerate() {
            let place = [program.first, program.count, program.rows];
            let own = self.program_of(nodes, place, parameters)?;
            if own.key != program.key {
                return Err(Error::ProgramKey {
                    number,
                    expected: own.key,
                    got: program.key,
                });
            }
            if own.weights != program.weights {
                return Err(Error::ProgramWeights { number });
            }
            checked(number + 1);
        }
        Ok(())
    }

    /// Whether a program is for sessions that generate so many tokens.
    pub fn is_for(&self, program: &RegisteredProgram, generated: usize) -> bool {
        program.rows == 0 || program.rows as usize == rows(generated)
    }

    /// The program of a window for sessions that generate so many tokens, and its number.
    pub fn registered(
        &self,
        (first, count): (u32, u32),
        generated: usize,
    ) -> Option<(usize, &RegisteredProgram)> {
        let mut programs = self.manifest().programs.iter().enumerate();
        programs.find(|(_, p)| (p.first, p.count) == (first, count) && self.is_for(p, generated))
    }
}

/// The registered commitments to the weights that a goal's program uses.
pub(crate) fn own_weights(manifest: &CheckedManifest, goal: &Goal) -> BTreeMap<u32, G1Affine> {
    let columns = goal.layout.enumerate();
    let numbers = columns.filter_map(|(_, column)| match column.kind {
        ColumnKind::Weight(number) => Some(number),
        _ => None,
    });
    let points = &manifest.manifest().weights;
    numbers
        .filter_map(|number| Some((number, points.get(number as usize)?.0)))
        .collect()
}

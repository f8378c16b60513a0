//! Nodes of the tree: circuits that verify the proofs of consecutive layers, or of nodes over consecutive layers.
//!
//! Public inputs of a node over layers `a` to `b`:
//!
//! | number | what |
//! |---|---|
//! | 2 | statement digest, in halves |
//! | 1, 1 | input digest, output digest |
//! | 1, 1 | running digest of keys and weights before layer `a`, and after layer `b` |
//! | 3 | commitment to the activations that enter, unless `a` is the embedding |
//! | 3 | commitment to the activations that leave, unless `b` is the head |
//! | 3, 3 | accumulator: both of its points |
//!
//! Points are the scalars by which transcripts absorb them. The root, over all layers, starts from the digest zero, which
//! is not among its inputs.
//!
//! A node's key fixes the keys of its children and their order. Neighbours share their boundary because it is one point
//! of the circuit, and all children share the statement because its halves are one pair of values.

use crate::gates;
use crate::machine::{Columns, Machine, Value};
use crate::verifier::{PointId, Read, Verifier};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::prime::PrimeCurveAffine;
use nanozk_circuits::ir::{Column, Kind};
use nanozk_circuits::LayerKind;
use nanozk_verifier::transcript::poseidon::point_to_scalars;
use nanozk_verifier::{Accumulator, Proof, VerifyingKey};
use std::collections::HashMap;

/// What a child proves.
#[derive(Clone, Debug)]
pub enum Child {
    /// A layer.
    Layer {
        /// Its kind.
        kind: LayerKind,
        /// Its key.
        key: VerifyingKey,
    },
    /// Consecutive layers.
    Node {
        /// Ends of the layers.
        ends: Ends,
        /// Its key.
        key: VerifyingKey,
    },
}

/// Which boundaries a node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ends {
    /// Activations enter: its first layer is not the embedding.
    pub enter: bool,
    /// Activations leave: its last layer is not the head.
    pub leave: bool,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    children: Vec<Child>,
    root: bool,
}

/// A child's proof.
#[derive(Clone, Debug)]
pub struct ChildProof<'a> {
    /// The proof.
    pub proof: &'a Proof,
    /// Its accumulator, if it is a node.
    pub accumulator: Option<Accumulator>,
    /// The running digest after it, if it is a node.
    pub digest: Fr,
}

/// What a node is proved from.
#[derive(Clone, Debug)]
pub struct Witness<'a> {
    /// Statement digest, in halves.
    pub statement: [Fr; 2],
    /// Input digest.
    pub input: Fr,
    /// Output digest.
    pub output: Fr,
    /// Running digest of the layers before.
    pub before: Fr,
    /// Proofs of the children.
    pub proofs: Vec<ChildProof<'a>>,
    /// Commitments between the children, and at both ends where there are activations.
    pub boundaries: Vec<Option<G1Affine>>,
}

/// What a node says of its layers.
#[derive(Clone, Debug)]
pub struct Said {
    /// Statement digest, in halves.
    pub statement: [Fr; 2],
    /// Input digest.
    pub input: Fr,
    /// Output digest.
    pub output: Fr,
    /// Running digest of the layers before.
    pub before: Fr,
    /// Running digest after its last layer.
    pub after: Fr,
    /// Commitment to what enters.
    pub enter: Option<G1Affine>,
    /// Commitment to what leaves.
    pub leave: Option<G1Affine>,
    /// The accumulator.
    pub accumulator: Accumulator,
}

/// A node that was run.
pub struct Run {
    /// Program and witness.
    pub columns: Columns,
    /// Public inputs.
    pub instances: Vec<Fr>,
    /// The accumulator.
    pub accumulator: Accumulator,
    /// The running digest after the node.
    pub digest: Fr,
}

impl Child {
    /// The child's key.
    pub fn key(&self) -> &VerifyingKey {
        match self {
            Child::Layer { key, .. } | Child::Node { key, .. } => key,
        }
    }

    /// Its boundaries.
    pub fn ends(&self) -> Ends {
        match self {
            Child::Layer { kind, .. } => Ends {
                enter: *kind != LayerKind::Embed,
                leave: *kind != LayerKind::Head,
            },
            Child::Node { ends, .. } => *ends,
        }
    }
}

/// A node's rows, before they are columns.
struct Assembled {
    machine: Machine,
    instances: Vec<Fr>,
    accumulator: Accumulator,
    digest: Fr,
}

/// The boundary between two children, or at an end.
struct Boundary {
    scalars: [Value; 3],
    point: Option<PointId>,
}

/// Number of public inputs.
fn instance_count(root: bool, ends: Ends) -> usize {
    4 + if root { 1 } else { 2 } + 3 * usize::from(ends.enter) + 3 * usize::from(ends.leave) + 6
}

impl Node {
    /// A node over children in their order; a root is over all layers.
    ///
    /// # Panics
    /// If there are no children, the embedding or the head are not at the ends, or a fixed column of a child is zero.
    pub fn new(children: Vec<Child>, root: bool) -> Self {
        assert!(!children.is_empty(), "a node has children");
        for point in children.iter().flat_map(|c| c.key().fixed_commitments()) {
            // Infinity has no multiples that formulas for other points could add.
            assert!(!bool::from(point.is_identity()), "a fixed column is zero");
        }
        for pair in children.windows(2) {
            let inner = pair[0].ends().leave && pair[1].ends().enter;
            assert!(
                inner,
                "only the first layer has no input, only the last no output"
            );
        }
        let node = Node { children, root };
        assert!(
            !root || !(node.ends().enter || node.ends().leave),
            "a root is over all layers"
        );
        node
    }

    /// Its boundaries.
    pub fn ends(&self) -> Ends {
        Ends {
            enter: self.children[0].ends().enter,
            leave: self.children[self.children.len() - 1].ends().leave,
        }
    }

    /// Its children.
    pub fn children(&self) -> &[Child] {
        &self.children
    }

    /// Whether it is over all layers.
    pub fn is_root(&self) -> bool {
        self.root
    }

    /// Number of public inputs.
    pub fn instances(&self) -> usize {
        instance_count(self.root, self.ends())
    }

    /// Its public inputs, from what they say.
    pub fn public_inputs(&self, said: &Said) -> Vec<Fr> {
        let mut out = said.statement.to_vec();
        out.extend([said.input, said.output]);
        if !self.root {
            out.push(said.before);
        }
        out.push(said.after);
        let ends = self.ends();
        let points = [
            said.enter.filter(|_| ends.enter),
            said.leave.filter(|_| ends.leave),
            Some(said.accumulator.lhs),
            Some(said.accumulator.rhs),
        ];
        out.extend(points.iter().flatten().flat_map(point_to_scalars));
        out
    }

    fn name(&self) -> String {
        let layers = |c: &Child| match c {
            Child::Layer { kind, .. } => kind.name().to_owned(),
            Child::Node { key, .. } => format!("({})", key.program().name),
        };
        let all: Vec<String> = self.children.iter().map(layers).collect();
        format!(
            "{} of {}",
            if self.root { "aggregate" } else { "node" },
            all.join(", ")
        )
    }

    /// The program, without a witness.
    pub fn program(&self) -> nanozk_circuits::ir::Program {
        self.finish(self.assemble(None)).columns.program
    }

    /// Number of rows that the program uses, and the binary logarithm of those it has.
    pub fn rows(&self) -> (usize, u32) {
        let machine = self.assemble(None).machine;
        (machine.rows() as usize, machine.k())
    }

    /// The program and its witness from the children's proofs.
    ///
    /// If one of them is not valid, what is proved from it will not be either.
    pub fn run(&self, witness: &Witness<'_>) -> Run {
        assert_eq!(witness.proofs.len(), self.children.len());
        assert_eq!(witness.boundaries.len(), self.children.len() + 1);
        self.finish(self.assemble(Some(witness)))
    }

    fn finish(&self, assembled: Assembled) -> Run {
        let count = assembled.instances.len();
        Run {
            columns: assembled.machine.finish(self.name(), count),
            instances: assembled.instances,
            accumulator: assembled.accumulator,
            digest: assembled.digest,
        }
    }

    fn assemble(&self, witness: Option<&Witness<'_>>) -> Assembled {
        let ends = self.ends();
        let count = self.instances();
        let mut known = vec![Fr::ZERO; count];
        if let Some(w) = witness {
            known[..4].copy_from_slice(&[w.statement[0], w.statement[1], w.input, w.output]);
            if !self.root {
                known[4] = w.before;
            }
        }
        let (machine, public) = Machine::new(witness.is_some(), &known);
        let mut verifier = Verifier::new(machine);
        let mut late = public[4 + usize::from(!self.root)..].iter();
        let mut outputs: Vec<(Value, Value)> = Vec::new();

        // Boundaries: points where a layer commits to them, else what nodes say they are.
        let mut boundaries: Vec<Option<Boundary>> = Vec::new();
        for i in 0..=self.children.len() {
            let exists = match i {
                0 => ends.enter,
                i if i == self.children.len() => ends.leave,
                _ => true,
            };
            let point = witness
                .and_then(|w| w.boundaries[i])
                .unwrap_or_else(G1Affine::generator);
            boundaries.push(exists.then(|| {
                let beside = [i.checked_sub(1), Some(i)];
                let layer = beside
                    .into_iter()
                    .flatten()
                    .filter_map(|c| self.children.get(c))
                    .any(|c| matches!(c, Child::Layer { .. }));
                if layer {
                    let id = verifier.load(point);
                    Boundary {
                        scalars: verifier.scalars(id),
                        point: Some(id),
                    }
                } else {
                    let scalars = point_to_scalars(&point);
                    Boundary {
                        scalars: scalars.map(|s| verifier.machine.free(s)),
                        point: None,
                    }
                }
            }));
        }

        let mut digest = if self.root {
            verifier.machine.constant(Fr::ZERO)
        } else {
            public[4]
        };
        let mut reads: Vec<Read<'_>> = Vec::new();
        let mut accumulators: Vec<[PointId; 2]> = Vec::new();
        for (i, child) in self.children.iter().enumerate() {
            let given = witness.map(|w| &w.proofs[i]);
            let proof = given.map(|g| g.proof);
            let (enter, leave) = (&boundaries[i], &boundaries[i + 1]);
            match child {
                Child::Layer { kind, key } => {
                    let mut instances = public[..2].to_vec();
                    match kind {
                        LayerKind::Embed => instances.extend([public[2], public[3]]),
                        LayerKind::Head => instances.push(public[3]),
                        _ => {}
                    }
                    let mut shared: HashMap<Column, PointId> = HashMap::new();
                    for (kind, boundary) in [(Kind::Input, enter), (Kind::Output, leave)] {
                        let column = key.program().columns_of(kind).next();
                        let id = boundary.as_ref().and_then(|b| b.point);
                        if let (Some(column), Some(id)) = (column, id) {
                            shared.insert(column, id);
                        }
                    }
                    let read = verifier.read(key, proof, instances, &shared);
                    let mut part = vec![digest, verifier.machine.constant(key.digest_scalar())];
                    for column in key.program().columns_of(Kind::Weight) {
                        let id = verifier.first(&read, column);
                        part.extend(verifier.scalars(id));
                    }
                    digest = verifier.machine.sponge(&[part])[0];
                    reads.push(read);
                }
                Child::Node { key, .. } => {
                    let mut instances = public[..4].to_vec();
                    instances.push(digest);
                    digest = verifier.machine.free(given.map_or(Fr::ZERO, |g| g.digest));
                    instances.push(digest);
                    for boundary in [enter, leave].into_iter().flatten() {
                        instances.extend(boundary.scalars);
                    }
                    let accumulator = given.and_then(|g| g.accumulator).unwrap_or(Accumulator {
                        lhs: G1Affine::generator(),
                        rhs: G1Affine::generator(),
                    });
                    let ids = [accumulator.lhs, accumulator.rhs].map(|p| verifier.load(p));
                    instances.extend(ids.iter().flat_map(|id| verifier.scalars(*id)));
                    accumulators.push(ids);
                    reads.push(verifier.read(key, proof, instances, &HashMap::new()));
                }
            }
        }
        outputs.push((*late.next().expect("a digest"), digest));
        for boundary in [&boundaries[0], &boundaries[self.children.len()]]
            .into_iter()
            .flatten()
        {
            for scalar in boundary.scalars {
                outputs.push((*late.next().expect("a boundary"), scalar));
            }
        }

        // Factors that nobody knew when the proofs were made.
        let determining = reads.iter().flat_map(|r| verifier.determining(r)).collect();
        let drawn = verifier.machine.sponge(&[determining, vec![]]);
        let mut factor = drawn[0];
        for read in &reads {
            verifier.accumulate(read, factor);
            factor = verifier.machine.mul(factor, drawn[0]);
        }
        for [lhs, rhs] in accumulators {
            verifier.add(lhs, Some(factor), None);
            verifier.add(rhs, None, Some(factor));
            factor = verifier.machine.mul(factor, drawn[0]);
        }
        let sums = verifier.sums(drawn[1]);
        let mut machine = verifier.machine;
        for sum in &sums {
            for scalar in machine.point_scalars(sum) {
                outputs.push((*late.next().expect("an accumulator"), scalar));
            }
        }
        assert!(late.next().is_none(), "every public input is bound");
        let mut instances = known;
        for (public, computed) in outputs {
            machine.assign(public, computed.value);
            instances[public.row as usize] = computed.value;
            machine.assert_equal(computed, public);
        }
        Assembled {
            machine,
            instances,
            accumulator: Accumulator {
                lhs: sums[0].point(),
                rhs: sums[1].point(),
            },
            digest: digest.value,
        }
    }
}

/// The program of every node of `2^k` rows with these public inputs, without fixed values: what a verifier needs besides
/// the commitments to them.
pub fn shape(k: u32, instances: usize) -> nanozk_circuits::ir::Program {
    gates::program(k, instances)
}

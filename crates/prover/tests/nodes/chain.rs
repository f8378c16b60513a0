//! Four small programs that stand for layers, a session of them, and nodes over it.
//!
//! They do not depend on the circuits of real layers: what is pinned here moves with the circuits of nodes only.

use crate::common::{params, rng, K, SETUP};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use nanozk_aggregation::node::shape;
use nanozk_aggregation::{Child, ChildProof, Ends, Node, Run, Witness};
use nanozk_circuits::ir::{
    Challenge, Column, ColumnInfo, Gate, Kind, Poly, Program, Scalar, Span, Step, BLIND_ROWS,
};
use nanozk_circuits::LayerKind;
use nanozk_prover::plonk::{commit_column, prove, verifier_params, ProvingKey, Witness as Columns};
use nanozk_verifier::{Accumulator, KzgVerifier, Proof, TranscriptKind, VerifyingKey};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

pub(crate) const KINDS: [LayerKind; 4] = [
    LayerKind::Embed,
    LayerKind::Attention,
    LayerKind::Mlp,
    LayerKind::Head,
];
/// Halves of the statement digest, input digest, output digest.
pub(crate) const PUBLIC: [u64; 4] = [5, 77, 1001, 2002];
const ROWS: usize = (1 << K) - BLIND_ROWS;

pub(crate) fn public() -> [Fr; 4] {
    PUBLIC.map(Fr::from)
}

fn instances(kind: LayerKind) -> Vec<Fr> {
    let [high, low, input, output] = public();
    match kind {
        LayerKind::Embed => vec![high, low, input, output],
        LayerKind::Head => vec![high, low, output],
        _ => vec![high, low],
    }
}

/// `a·b = c` on all rows, where `a` enters, `c` leaves, and the public inputs are in `a` and `b`; `p = w·b` of weights
/// `w`; `u = β·c`.
fn layer(kind: LayerKind) -> Program {
    let mut columns = Vec::new();
    let mut column = |name: &str, kind: Kind, linear: bool| {
        columns.push(ColumnInfo {
            name: name.into(),
            kind,
            linear,
            zero_blind: false,
        });
        Column(columns.len() as u32 - 1)
    };
    let end = |exists: bool, kind| if exists { kind } else { Kind::Witness };
    let s = column("s", Kind::Fixed, true);
    let first = column("first", Kind::Fixed, true);
    let a = column("a", end(kind != LayerKind::Embed, Kind::Input), false);
    let b = column("b", Kind::Witness, false);
    let c = column("c", end(kind != LayerKind::Head, Kind::Output), false);
    let w = column("w", Kind::Weight, true);
    let p = column("p", Kind::Witness, false);
    let u = column("u", Kind::Second, false);
    let beta = || Scalar::Challenge(Challenge::Beta);

    let mut gates = Vec::new();
    let mut gate = |id: String, poly: Poly| {
        gates.push(Gate {
            id,
            meaning: "a test",
            poly: poly.normalized(),
        });
    };
    let instances = kind.instances();
    gate("product".into(), s.cur() * (a.cur() * b.cur() - c.cur()));
    // Linear columns are one to a term: the weight is selected by nothing, and so zero or more on every row.
    gate("weighted".into(), w.cur() * b.cur() - p.cur());
    gate("second".into(), u.cur() - c.cur() * beta());
    for i in 0..instances {
        let cell = if i == 0 { a.cur() } else { b.at(i as i32) };
        let poly = first.cur() * (cell - Poly::scalar(Scalar::Instance(i)));
        gate(format!("public_{i}"), poly);
    }
    Program {
        name: format!("link {}", kind.name()),
        k: K,
        columns,
        instances,
        gates,
        fixed: vec![
            vec![Fr::ONE; ROWS],
            (0..ROWS).map(|row| Fr::from(u64::from(row == 0))).collect(),
        ],
        steps: vec![Step::Assign {
            column: u,
            rows: Span::run(0, 1 << K),
            descending: false,
            value: c.cur() * beta(),
        }],
        public: true,
    }
}

/// What all tests of nodes start from.
pub(crate) struct Chain {
    pub(crate) keys: Vec<VerifyingKey>,
    pub(crate) proofs: Vec<Proof>,
    /// Between the layers.
    pub(crate) boundaries: Vec<G1Affine>,
    pub(crate) kzg: KzgVerifier,
}

pub(crate) static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
    let params = params();
    let rows = 1usize << K;
    let [_, low, input, output] = public();
    let mut a: Vec<Fr> = (0..rows as u64)
        .map(|row| Fr::from(row + PUBLIC[0]))
        .collect();
    let mut chain = Chain {
        keys: vec![],
        proofs: vec![],
        boundaries: vec![],
        kzg: verifier_params(&params, SETUP),
    };
    for (l, kind) in KINDS.into_iter().enumerate() {
        let mut b: Vec<Fr> = (0..rows as u64).map(|row| Fr::from(row + 1)).collect();
        b[1] = low;
        match kind {
            LayerKind::Embed => (b[2], b[3]) = (input, output),
            LayerKind::Head => b[2] = output,
            _ => {}
        }
        let c: Vec<Fr> = a.iter().zip(&b).map(|(a, b)| *a * b).collect();
        let w: Vec<Fr> = (0..rows)
            .map(|row| Fr::from((row * 3 + l) as u64))
            .collect();
        let p: Vec<Fr> = w.iter().zip(&b).map(|(w, b)| *w * b).collect();
        if kind != LayerKind::Head {
            chain.boundaries.push(commit_column(&params, c.clone()));
        }
        let key = ProvingKey::new(&params, SETUP, Arc::new(layer(kind)));
        let first_phase = vec![a, b, c.clone(), w, p];
        let witness = Columns {
            first_phase,
            known: BTreeMap::new(),
            instances: &instances(kind),
        };
        let kind = TranscriptKind::Poseidon;
        let proof = prove(&params, &key, witness, kind, &mut rng(l as u64), &|_| ());
        chain.proofs.push(proof.expect("a proof"));
        chain.keys.push(key.vk().clone());
        a = c;
    }
    chain
});

/// Layers `from` to `to`, as a node is run on them.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) proofs: Vec<Proof>,
}

impl Case {
    pub(crate) fn new(from: usize, to: usize) -> Self {
        Case {
            from,
            to,
            proofs: CHAIN.proofs[from..to].to_vec(),
        }
    }

    pub(crate) fn node(&self) -> Node {
        let child = |l: usize| Child::Layer {
            kind: KINDS[l],
            key: CHAIN.keys[l].clone(),
        };
        let all = self.to - self.from == KINDS.len();
        Node::new((self.from..self.to).map(child).collect(), all)
    }

    pub(crate) fn run(&self) -> Run {
        let [high, low, input, output] = public();
        let boundary = |b: usize| {
            b.checked_sub(1)
                .and_then(|b| CHAIN.boundaries.get(b).copied())
        };
        let proof = |proof| ChildProof {
            proof,
            accumulator: None,
            digest: Fr::ZERO,
        };
        self.node().run(&Witness {
            statement: [high, low],
            input,
            output,
            before: if self.from == 0 {
                Fr::ZERO
            } else {
                Fr::from(9)
            },
            proofs: self.proofs.iter().map(proof).collect(),
            boundaries: (self.from..=self.to).map(boundary).collect(),
        })
    }
}

fn multiple(by: u64) -> G1Affine {
    (G1Affine::generator() * Fr::from(by)).to_affine()
}

/// A node that need not exist: its key commits to multiples of the generator.
pub(crate) fn stand_in(ends: Ends, instances: usize) -> Child {
    let program = shape(17, instances);
    let fixed = program.columns_of(Kind::Fixed).count() as u64;
    let points = (1..=fixed).map(|i| multiple(i + 1)).collect();
    Child::Node {
        ends,
        key: VerifyingKey::new(Arc::new(program), points, SETUP),
    }
}

/// A node over one stand-in with activations at both ends, run on a proof that is none. A circuit is satisfied over
/// invalid proofs too: they make the accumulator invalid.
pub(crate) fn over_a_node() -> Run {
    let ends = Ends {
        enter: true,
        leave: true,
    };
    let child = stand_in(ends, 18);
    let layout = child.key().layout();
    let points = |count: usize, from: u64| (0..count as u64).map(|i| multiple(from + i)).collect();
    let proof = Proof {
        transcript: TranscriptKind::Poseidon,
        first: points(layout.first.len(), 100),
        second: points(layout.second.len(), 200),
        quotient: [multiple(301), multiple(302)],
        evals: (0..layout.openings.len() as u64)
            .map(|i| Fr::from(i + 400))
            .collect(),
        opening: [multiple(501), multiple(502)],
    };
    let [high, low, input, output] = public();
    let node = Node::new(vec![child], false);
    node.run(&Witness {
        statement: [high, low],
        input,
        output,
        before: Fr::from(9),
        proofs: vec![ChildProof {
            proof: &proof,
            accumulator: Some(Accumulator {
                lhs: multiple(601),
                rhs: multiple(602),
            }),
            digest: Fr::from(10),
        }],
        boundaries: vec![Some(multiple(701)), Some(multiple(702))],
    })
}

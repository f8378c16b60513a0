//! Which rows of a node are read though no gate determines what is in them: all of them, and why each is harmless. The list
//! is that of `docs/aggregation.md`.

use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::{Field, PrimeField};
use halo2curves::group::Curve;
use nanozk_aggregation::gates::{At, BLOCK, PAIR};
use nanozk_aggregation::machine::table_address;
use nanozk_aggregation::node::shape;
use nanozk_aggregation::{Child, Node};
use nanozk_circuits::ir::Program;
use nanozk_circuits::LayerKind;
use nanozk_prover::aggregate::layers_of;
use nanozk_prover::keys::KeyStore;
use nanozk_prover::synthetic::SyntheticModel;
use nanozk_verifier::VerifyingKey;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;

static LAYERS: LazyLock<Vec<(LayerKind, VerifyingKey)>> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    let model = SyntheticModel::new(1, 1, &KeyStore::new(dir.path())).unwrap();
    layers_of(&model.card, &model.keys).unwrap()
});

/// Digits of a factor.
const DIGITS: usize = 51;

/// What reads a row, which of the two elements of its entry matter to it, and where the row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reader {
    /// A message of a sponge.
    Message,
    /// The start of a sponge: both elements.
    Start,
    /// A step of arithmetic, or the first half of an assertion.
    Step,
    /// An assertion that a product is a constant.
    Product,
    /// A limb of a point to be added: one of the abscissa and one of the ordinate.
    Operand,
    /// The index of an entry of a table: the second element.
    Index,
}

struct Rows<'a> {
    program: &'a Program,
    /// Rows whose `v` follows from gates, from what stands above or from public inputs.
    determined: Vec<bool>,
    /// Entries of memory by their keys.
    entries: HashMap<[u8; 32], usize>,
}

impl<'a> Rows<'a> {
    fn new(program: &'a Program) -> Self {
        let rows = program.rows();
        let mut out = Rows {
            program,
            determined: vec![false; rows],
            entries: HashMap::new(),
        };
        out.determined[..program.instances].fill(true);
        for row in 0..rows {
            // How many rows each gate determines, from which one on.
            let gates = [
                (At::Result, 1, 1),
                (At::Full, 1, 3),
                (At::Partial, 1, 2),
                (At::Absorb, 3, 1),
                (At::Add, 0, BLOCK),
                (At::Load, 0, BLOCK),
            ];
            for (selector, first, count) in gates {
                if out.on(selector, row) {
                    for below in first..first + count {
                        out.determined[(row + below) % rows] = true;
                    }
                }
            }
            if out.on(At::Write, row) {
                let key = out.fixed(At::Key, row).to_repr();
                assert!(out.entries.insert(key, row).is_none(), "keys are unique");
            }
        }
        out
    }

    fn fixed(&self, at: At, row: usize) -> Fr {
        self.program.fixed[at as usize][row]
    }

    fn on(&self, at: At, row: usize) -> bool {
        !self.fixed(at, row).is_zero_vartime()
    }

    /// Who a row that reads is.
    fn reader(&self, row: usize) -> Reader {
        let above = |at: At, range: std::ops::RangeInclusive<usize>| {
            range.into_iter().any(|i| row >= i && self.on(at, row - i))
        };
        let found: Vec<Reader> = [
            (above(At::Absorb, 1..=2), Reader::Message),
            (self.on(At::Absorb, row), Reader::Start),
            (above(At::Add, 0..=2), Reader::Operand),
            (above(At::Add, 3..=5), Reader::Index),
            (
                self.on(At::Product, row) && !self.on(At::Result, row),
                Reader::Product,
            ),
            (
                self.on(At::Product, row) && self.on(At::Result, row) || self.on(At::Operand, row),
                Reader::Step,
            ),
        ]
        .into_iter()
        .filter_map(|(is, reader)| is.then_some(reader))
        .collect();
        assert_eq!(found.len(), 1, "row {row} reads as {found:?}");
        found[0]
    }

    /// Rows that are not determined, with those who read them for what is in them.
    fn free(&self) -> BTreeMap<usize, BTreeSet<Reader>> {
        let mut free: BTreeMap<usize, BTreeSet<Reader>> = BTreeMap::new();
        for row in 0..self.program.rows() {
            if !self.on(At::Read, row) {
                continue;
            }
            let reader = self.reader(row);
            if self.on(At::Write, row) {
                // Where it reads depends on a digit: any entry of a table, all of which are looked at below.
                assert_eq!(reader, Reader::Operand);
                continue;
            }
            let entry = self.entries[&self.fixed(At::Address, row).to_repr()];
            assert!(!self.on(At::Read, entry), "what is read does not read");
            let elements: &[usize] = match reader {
                Reader::Message | Reader::Step | Reader::Product => &[0],
                Reader::Index => &[PAIR],
                Reader::Start | Reader::Operand => &[0, PAIR],
            };
            for element in elements {
                if !self.determined[entry + element] {
                    free.entry(entry + element).or_default().insert(reader);
                }
            }
        }
        free
    }

    /// Every entry of every table is a multiple that was computed, or a constant.
    fn tables_are_determined(&self) {
        let first = table_address(0).to_repr();
        let at_least = |key: &[u8; 32]| key.iter().rev().ge(first.iter().rev());
        let entries: Vec<usize> = self
            .entries
            .iter()
            .filter_map(|(key, row)| at_least(key).then_some(*row))
            .collect();
        assert!(entries.len() > 1000);
        for row in entries {
            assert!(
                self.determined[row] && self.determined[row + PAIR],
                "row {row}"
            );
        }
    }
}

/// How many free rows of each sort there are.
#[derive(Debug, Default, PartialEq, Eq)]
struct List {
    /// Absorbed by a sponge: what a proof or a public input of a proof says.
    said: usize,
    /// The product with what it inverts is asserted to be one.
    inverses: usize,
    /// A limb that arithmetic reads: by how much the abscissa of `S` is beyond its hash.
    shifts: usize,
    /// A limb that is an index: a digit.
    digits: usize,
    /// None of these.
    others: BTreeMap<usize, BTreeSet<Reader>>,
}

fn list(program: &Program) -> List {
    let rows = Rows::new(program);
    rows.tables_are_determined();
    let mut list = List::default();
    for (row, readers) in rows.free() {
        let limb = rows.on(At::Limb, row);
        if readers.contains(&Reader::Message) && !limb {
            list.said += 1;
        } else if !limb && asserted_inverse(&rows, row, &readers) {
            list.inverses += 1;
        } else if limb && readers == BTreeSet::from([Reader::Step]) {
            list.shifts += 1;
        } else if limb && readers == BTreeSet::from([Reader::Index]) {
            list.digits += 1;
        } else {
            list.others.insert(row, readers);
        }
    }
    list
}

/// The row is loaded by a step whose result, times another value, is asserted to be one.
fn asserted_inverse(rows: &Rows<'_>, row: usize, readers: &BTreeSet<Reader>) -> bool {
    let key = rows.fixed(At::Key, row);
    let loads = (0..rows.program.rows() - 1).find(|r| {
        rows.on(At::Read, *r)
            && rows.fixed(At::Address, *r) == key
            && rows.fixed(At::Result, *r) == Fr::ONE
            && rows.fixed(At::Operand, *r) == Fr::ONE
            && !rows.on(At::Above, *r)
            && !rows.on(At::Product, *r)
            && !rows.on(At::Constant, *r)
            && rows.fixed(At::Product, r + 1) == Fr::ONE
            && rows.fixed(At::Constant, r + 1) == -Fr::ONE
            && !rows.on(At::Result, r + 1)
            && !rows.on(At::Above, r + 1)
            && !rows.on(At::Operand, r + 1)
            && rows.on(At::Read, r + 1)
    });
    loads.is_some() && readers.contains(&Reader::Step)
}

/// What there should be, from the keys of the children.
fn expected(node: &Node, program: &Program) -> List {
    let mut out = List {
        shifts: 1,
        ..List::default()
    };
    let children = node.children();
    for child in children {
        let openings = &child.key().layout().openings;
        out.said += openings.len();
        let mut rotations: BTreeSet<i32> = openings.iter().map(|c| c.rotation).collect();
        rotations.insert(0);
        // One for each distance from `z`, and that of `x`.
        out.inverses += rotations.len() + 1;
        // The running digest after a node.
        out.said += usize::from(matches!(child, Child::Node { .. }));
    }
    // Boundaries between nodes are scalars; those of layers are points on the curve.
    let between = children.windows(2);
    let scalars = between.filter(|c| c.iter().all(|c| matches!(c, Child::Node { .. })));
    out.said += 3 * scalars.count();
    let limb = |row: &usize| {
        let on = |at: At| !program.fixed[at as usize][*row].is_zero_vartime();
        on(At::Limb) && !on(At::Wide) && on(At::Result) && on(At::Operand)
    };
    out.digits = (0..program.rows()).filter(limb).count();
    assert_eq!(out.digits % DIGITS, 0, "whole factors");
    out
}

fn check(node: &Node) {
    let program = node.program();
    assert_eq!(list(&program), expected(node, &program), "{}", program.name);
}

fn layers(range: std::ops::Range<usize>, root: bool) -> Node {
    let children = LAYERS[range].iter().cloned();
    let child = |(kind, key)| Child::Layer { kind, key };
    Node::new(children.map(child).collect(), root)
}

/// A node as a child, under a key that needs no circuit: what is read does not depend on it.
fn as_child(node: &Node) -> Child {
    let program = shape(18, node.instances());
    let points = (1u64..).map(|i| (G1Affine::generator() * Fr::from(i)).to_affine());
    let points = points.take(At::Lane0 as usize).collect();
    Child::Node {
        ends: node.ends(),
        key: VerifyingKey::new(Arc::new(program), points, LAYERS[0].1.setup()),
    }
}

#[test]
fn a_root_over_layers() {
    check(&layers(0..4, true));
}

#[test]
fn a_node_over_layers() {
    check(&layers(1..3, false));
}

#[test]
fn a_root_over_nodes() {
    let children = [layers(0..2, false), layers(2..4, false)];
    check(&Node::new(children.iter().map(as_child).collect(), true));
}

//! Files of kept keys that somebody else wrote, with a checksum as anybody can make it: they decide nothing.

use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_aggregation::gates::At;
use nanozk_aggregation::{Child, Node};
use nanozk_circuits::ir::Program;
use nanozk_prover::aggregate::layers_of;
use nanozk_prover::keys::{program_digest, KeyStore};
use nanozk_prover::plonk::{are_commitments, commit_column, commit_fixed};
use nanozk_prover::synthetic::SyntheticModel;
use nanozk_prover::Error;
use nanozk_setup::{Setup, DEVELOPMENT_SEED};
use nanozk_verifier::encoding::{point_compressed, point_decompressed};
use nanozk_verifier::session::SessionError;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};
use tempfile::TempDir;

/// Magic, program digest, setup.
const HEADER: usize = 8 + 32 + 32;

static MODEL: LazyLock<SyntheticModel> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    SyntheticModel::new(1, 1, &KeyStore::new(dir.path())).unwrap()
});

static SETUPS: Mutex<Vec<Arc<Setup>>> = Mutex::new(vec![]);

fn setups(k: u32) -> Result<Arc<Setup>, Error> {
    let mut known = SETUPS.lock().unwrap();
    if let Some(setup) = known.iter().find(|s| s.k() == k) {
        return Ok(setup.clone());
    }
    known.push(Arc::new(Setup::development(k, DEVELOPMENT_SEED).unwrap()));
    Ok(known[known.len() - 1].clone())
}

/// A store with the key of one program.
struct Kept {
    _dir: TempDir,
    store: KeyStore,
}

impl Kept {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let store = KeyStore::new(dir.path().join("keys"));
        Kept { _dir: dir, store }
    }

    fn file(&self) -> PathBuf {
        let mut files = std::fs::read_dir(self.store.dir()).unwrap();
        let file = files.next().expect("a file").unwrap().path();
        assert!(files.next().is_none(), "one program, one file");
        file
    }

    fn points(&self) -> Vec<G1Affine> {
        let bytes = std::fs::read(self.file()).unwrap();
        bytes[HEADER..bytes.len() - 32]
            .chunks(32)
            .map(|p| point_decompressed(p.try_into().unwrap()).unwrap())
            .collect()
    }

    fn forge(&self, points: &[G1Affine]) {
        let mut bytes = std::fs::read(self.file()).unwrap()[..HEADER].to_vec();
        for point in points {
            bytes.extend(point_compressed(point));
        }
        let checksum = blake3::hash(&bytes);
        bytes.extend(checksum.as_bytes());
        std::fs::write(self.file(), bytes).unwrap();
    }
}

/// Points in the place of others.
fn forgeries(points: &[G1Affine]) -> Vec<(&'static str, Vec<G1Affine>)> {
    let mut swapped = points.to_vec();
    let other = (1..points.len()).find(|i| points[*i] != points[0]).unwrap();
    swapped.swap(0, other);
    let mut replaced = points.to_vec();
    replaced[other] = G1Affine::generator();
    let mut opposite = points.to_vec();
    opposite[other] = -opposite[other];
    let one_more = [points, &[G1Affine::generator()]].concat();
    vec![
        ("two columns changed places", swapped),
        ("a column replaced", replaced),
        ("a column's opposite", opposite),
        ("a column missing", points[1..].to_vec()),
        ("a column too many", one_more),
        ("no column", vec![]),
    ]
}

#[test]
fn a_forged_key_of_a_layer_is_made_anew() {
    let layer = &MODEL.prepared.values().next().unwrap().layer;
    let setup = setups(layer.program.k).unwrap();
    let kept = Kept::new();
    let honest = kept.store.verifying_key(layer, &setup).unwrap();
    let points = kept.points();
    assert_eq!(points, honest.fixed_commitments());
    for (what, forged) in forgeries(&points) {
        kept.forge(&forged);
        let key = kept.store.verifying_key(layer, &setup).unwrap();
        assert_eq!(key.digest(), honest.digest(), "{what}");
        assert_eq!(kept.points(), points, "{what}: and the file is right again");
        kept.forge(&forged);
        let key = kept.store.proving_key(layer, &setup).unwrap();
        assert_eq!(key.vk().digest(), honest.digest(), "{what}");
    }
}

fn node(keys: &SyntheticModel) -> Node {
    let (kind, key) = layers_of(&keys.card, &keys.keys).unwrap().remove(1);
    Node::new(vec![Child::Layer { kind, key }], false)
}

/// Points of a circuit that says whatever its prover wants: its public inputs are taken from rows that are not computed.
fn of_another_circuit(program: &Program, points: &[G1Affine]) -> Vec<G1Affine> {
    let mut program = program.clone();
    let column = &mut program.fixed[At::Instance as usize];
    column[0] = Fr::ZERO;
    let free = column.len() - 100;
    column[free] = Fr::ONE;
    let column = column.clone();
    let setup = setups(program.k).unwrap();
    let mut forged = points.to_vec();
    forged[At::Instance as usize] = commit_column(setup.params(), column);
    assert!(are_commitments(setup.params(), &program, &forged));
    forged
}

#[test]
fn a_forged_key_of_a_node_is_made_anew() {
    let node = node(&MODEL);
    let kept = Kept::new();
    let made = Mutex::new(0);
    let key = || {
        *made.lock().unwrap() = 0;
        let key = kept
            .store
            .node_key(&node, &setups, &|| *made.lock().unwrap() += 1)
            .unwrap();
        let made = *made.lock().unwrap();
        (key.digest(), made)
    };
    let (honest, made) = key();
    assert_eq!(made, 1);
    assert_eq!(key(), (honest, 0), "it is kept");

    let points = kept.points();
    kept.forge(&of_another_circuit(&node.program(), &points));
    assert_eq!(key(), (honest, 1), "another circuit");
    assert_eq!(kept.points(), points);
    let (what, missing) = forgeries(&points).remove(3);
    kept.forge(&missing);
    assert_eq!(key(), (honest, 1), "{what}");
}

/// A change of how a node's rows are placed, and of nothing else, is another program with another file: so kept keys are
/// never those of an earlier version.
#[test]
fn every_fixed_value_is_in_the_name_of_the_file() {
    let program = node(&MODEL).program();
    let digest = program_digest(&program);
    for column in [At::Key, At::Write, At::Limb, At::Constant, At::Instance] {
        let mut changed = program.clone();
        let values = &mut changed.fixed[column as usize];
        let last = values.len() - 1;
        values[last] += Fr::ONE;
        assert_ne!(program_digest(&changed), digest, "{column:?}");
    }
}

#[test]
fn a_node_is_of_its_childrens_setup() {
    let other = |k| Ok(Arc::new(Setup::development(k, [9; 32]).unwrap()));
    let kept = Kept::new();
    let error = kept
        .store
        .node_key(&node(&MODEL), &other, &|| panic!("no key is made"))
        .unwrap_err();
    assert!(
        matches!(error, Error::Session(SessionError::WrongSetup { .. })),
        "{error}"
    );
}

/// Columns that are wrong in one cell each, all at once or one at a time.
#[test]
fn commitments_to_other_columns_are_not_the_programs() {
    let program = &MODEL.prepared.values().next().unwrap().layer.program;
    let setup = setups(program.k).unwrap();
    let points = commit_fixed(setup.params(), program);
    assert!(are_commitments(setup.params(), program, &points));
    let mut shifted = points.clone();
    shifted.rotate_left(1);
    assert!(!are_commitments(setup.params(), program, &shifted));
    for column in 0..points.len() {
        let mut changed = (**program).clone();
        let values = &mut changed.fixed[column];
        values.resize(program.rows(), Fr::ZERO);
        values[program.rows() - 1] += Fr::ONE;
        assert!(
            !are_commitments(setup.params(), &changed, &points),
            "{}",
            program.columns[column].name
        );
    }
}

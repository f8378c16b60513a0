//! Keys of programs, with a cache on disk.
//!
//! Keygen commits to a few dozen fixed columns. The commitments are kept in
//! `<program digest>.vk`: magic, program digest, setup id, compressed points, BLAKE3 of all that.
//!
//! The cache saves time and decides nothing: a file is found by the digest of the program at hand, and its points are
//! used only if they are commitments to the program's fixed columns, which one random combination shows. So neither a
//! forged file nor one of an earlier version can put another circuit in the place of this one. Any other file is made
//! anew.

use crate::aggregate::Setups;
use crate::files::{self, FileError};
use crate::plonk::{are_commitments, commit_fixed, ProvingKey};
use halo2curves::bn256::G1Affine;
use halo2curves::ff::PrimeField;
use nanozk_aggregation::node::{shape, Node};
use nanozk_circuits::ir::Program;
use nanozk_circuits::{Layer, Shape};
use nanozk_setup::Setup;
use nanozk_verifier::encoding::{point_compressed, point_decompressed};
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::session::SessionError;
use nanozk_verifier::VerifyingKey;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"nanozkK1";

/// Binary logarithm of the rows of nodes, at least: the range table has 2^16.
pub(crate) const MIN_K: u32 = 17;

/// Where keys are kept.
#[derive(Clone, Debug)]
pub struct KeyStore {
    dir: PathBuf,
}

/// Digest of a program with its fixed values.
pub fn program_digest(program: &Program) -> [u8; 32] {
    let columns: Vec<[u8; 32]> = program
        .fixed
        .par_iter()
        .map(|column| {
            let mut hash = blake3::Hasher::new();
            for value in column {
                hash.update(value.to_repr().as_ref());
            }
            *hash.finalize().as_bytes()
        })
        .collect();
    let mut hash = blake3::Hasher::new();
    hash.update(&program.structure_digest());
    for column in columns {
        hash.update(&column);
    }
    *hash.finalize().as_bytes()
}

impl KeyStore {
    /// A store in a directory, which is created when needed.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        KeyStore { dir: dir.into() }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The proving key of a layer's program.
    pub fn proving_key(&self, layer: &Layer, setup: &Setup) -> Result<ProvingKey, FileError> {
        let points = self.commitments(&layer.program, setup, &|| ())?;
        let program = layer.program.clone();
        Ok(ProvingKey::with_commitments(setup.id(), program, points))
    }

    /// The verifying key of a shape.
    pub fn verifying_key(&self, layer: &Layer, setup: &Setup) -> Result<VerifyingKey, FileError> {
        let points = self.commitments(&layer.program, setup, &|| ())?;
        Ok(VerifyingKey::new(layer.program.clone(), points, setup.id()))
    }

    /// The verifying key of a node. `making` is called if it was not kept: it takes as long as some proofs.
    pub fn node_key(
        &self,
        node: &Node,
        setups: &Setups<'_>,
        making: &dyn Fn(),
    ) -> Result<VerifyingKey, crate::Error> {
        let program = node.program();
        let setup = setups(program.k)?;
        // What remains of the children's proofs is checked with the secret of the node's setup.
        for child in node.children() {
            let got = child.key().setup();
            if got != setup.id() {
                return Err(SessionError::WrongSetup {
                    expected: Digest32(setup.id()),
                    got: Digest32(got),
                }
                .into());
            }
        }
        let points = self.commitments(&program, &setup, making)?;
        let program = Arc::new(shape(program.k, node.instances()));
        Ok(VerifyingKey::new(program, points, setup.id()))
    }

    /// Commitments to a program's fixed columns: those that were kept, if they are, or new ones.
    fn commitments(
        &self,
        program: &Program,
        setup: &Setup,
        making: &dyn Fn(),
    ) -> Result<Vec<G1Affine>, FileError> {
        let digest = program_digest(program);
        let path = self.path(&digest);
        if let Some(points) = self.load(&path, &digest, setup) {
            if are_commitments(setup.params(), program, &points) {
                return Ok(points);
            }
        }
        making();
        let points = commit_fixed(setup.params(), program);
        self.store(&path, &digest, setup, &points)?;
        Ok(points)
    }

    fn path(&self, digest: &[u8; 32]) -> PathBuf {
        self.dir
            .join(format!("{}.vk", &nanozk_verifier::hex::encode(digest)[2..]))
    }

    /// What a file has for a program and a setup; whether that is right is another question.
    fn load(&self, path: &Path, digest: &[u8; 32], setup: &Setup) -> Option<Vec<G1Affine>> {
        let bytes = std::fs::read(path).ok()?;
        let (content, checksum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if blake3::hash(content).as_bytes() != checksum {
            return None;
        }
        let header = [MAGIC.as_slice(), digest, &setup.id()].concat();
        let points = content.strip_prefix(header.as_slice())?;
        points
            .chunks(32)
            .map(|p| point_decompressed(p.try_into().ok()?).ok())
            .collect()
    }

    fn store(
        &self,
        path: &Path,
        digest: &[u8; 32],
        setup: &Setup,
        points: &[G1Affine],
    ) -> Result<(), FileError> {
        files::create_dir(&self.dir)?;
        let mut bytes = [MAGIC.as_slice(), digest, &setup.id()].concat();
        for p in points {
            bytes.extend(point_compressed(p));
        }
        let checksum = blake3::hash(&bytes);
        bytes.extend(checksum.as_bytes());
        files::write(path, &bytes)
    }
}

/// A layer with its keys, for all layers of the shape.
pub struct Prepared {
    /// The layer.
    pub layer: Layer,
    /// Its proving key.
    pub key: ProvingKey,
}

impl Prepared {
    /// Composes a shape and loads or makes its key.
    pub fn new(shape: Shape, setup: &Setup, store: &KeyStore) -> Result<Self, crate::Error> {
        let layer = Layer::new(shape)?;
        let key = store.proving_key(&layer, setup)?.with_cosets();
        Ok(Prepared { layer, key })
    }
}

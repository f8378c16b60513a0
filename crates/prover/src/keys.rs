//! Keys by shape, with a cache on disk.
//!
//! Keygen commits to a few dozen fixed columns. The commitments are kept in
//! `<program digest>.vk`: magic, program digest, setup id, count, compressed points, BLAKE3 of all that.
//! Those of a node are in `<digest of its children's keys>.<k>.node.vk`, so that they are found without its program.
//! A file that is damaged, or of another program or setup, is made anew.

use crate::aggregate::Setups;
use crate::files::{self, FileError};
use crate::plonk::ProvingKey;
use halo2curves::bn256::G1Affine;
use halo2curves::ff::PrimeField;
use nanozk_aggregation::node::{shape, Node};
use nanozk_circuits::ir::Program;
use nanozk_circuits::{Layer, Shape};
use nanozk_setup::Setup;
use nanozk_verifier::encoding::{point_compressed, point_decompressed};
use nanozk_verifier::VerifyingKey;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"nanozkK1";

/// Binary logarithms of the rows of nodes: the range table has 2^16.
pub(crate) const MIN_K: u32 = 17;
const MAX_K: u32 = 27;

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
        let digest = program_digest(&layer.program);
        let path = self.path(&digest);
        if let Some(points) = self.load(&path, &digest, setup) {
            return Ok(ProvingKey::with_commitments(
                setup.id(),
                layer.program.clone(),
                points,
            ));
        }
        let key = ProvingKey::new(setup.params(), setup.id(), layer.program.clone());
        self.store(&path, &digest, setup, key.fixed_commitments())?;
        Ok(key)
    }

    /// The verifying key of a shape.
    pub fn verifying_key(&self, layer: &Layer, setup: &Setup) -> Result<VerifyingKey, FileError> {
        let digest = program_digest(&layer.program);
        let path = self.path(&digest);
        let points = match self.load(&path, &digest, setup) {
            Some(points) => points,
            None => {
                let points = crate::plonk::commit_fixed(setup.params(), &layer.program);
                self.store(&path, &digest, setup, &points)?;
                points
            }
        };
        Ok(VerifyingKey::new(layer.program.clone(), points, setup.id()))
    }

    /// The verifying key of a node. `making` is called if it was not kept: it takes as long as some proofs.
    pub fn node_key(
        &self,
        node: &Node,
        setups: &Setups<'_>,
        making: &dyn Fn(),
    ) -> Result<VerifyingKey, crate::Error> {
        let setup = node.children()[0].key().setup();
        let mut hash = blake3::Hasher::new();
        hash.update(b"nanozk-node-1");
        hash.update(&shape(MIN_K, node.instances()).structure_digest());
        hash.update(&[node.is_root().into()]);
        for child in node.children() {
            let ends = child.ends();
            hash.update(&[ends.enter.into(), ends.leave.into()]);
            hash.update(&child.key().digest());
            hash.update(&setup);
        }
        let digest = *hash.finalize().as_bytes();
        // The number of rows is kept as the file's name says.
        for k in MIN_K..=MAX_K {
            let path = self.node_path(&digest, k);
            if let Some(points) = self.load_points(&path, &digest, &setup) {
                let program = Arc::new(shape(k, node.instances()));
                return Ok(VerifyingKey::new(program, points, setup));
            }
        }
        making();
        let program = node.program();
        let setup = setups(program.k)?;
        let points = crate::plonk::commit_fixed(setup.params(), &program);
        self.store(
            &self.node_path(&digest, program.k),
            &digest,
            &setup,
            &points,
        )?;
        let program = Arc::new(shape(program.k, node.instances()));
        Ok(VerifyingKey::new(program, points, setup.id()))
    }

    fn node_path(&self, digest: &[u8; 32], k: u32) -> PathBuf {
        let name = &nanozk_verifier::hex::encode(digest)[2..];
        self.dir.join(format!("{name}.{k}.node.vk"))
    }

    fn path(&self, digest: &[u8; 32]) -> PathBuf {
        self.dir
            .join(format!("{}.vk", &nanozk_verifier::hex::encode(digest)[2..]))
    }

    fn load(&self, path: &Path, digest: &[u8; 32], setup: &Setup) -> Option<Vec<G1Affine>> {
        self.load_points(path, digest, &setup.id())
    }

    fn load_points(
        &self,
        path: &Path,
        digest: &[u8; 32],
        setup: &[u8; 32],
    ) -> Option<Vec<G1Affine>> {
        let bytes = std::fs::read(path).ok()?;
        let (content, checksum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if blake3::hash(content).as_bytes() != checksum {
            return None;
        }
        let header = [MAGIC.as_slice(), digest, setup].concat();
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

//! Keys by shape, with a cache on disk.
//!
//! Keygen commits to a few dozen fixed columns. The commitments are kept in
//! `<program digest>.vk`: magic, program digest, setup id, count, compressed points, BLAKE3 of all that.
//! A file that is damaged, or of another program or setup, is made anew.

use crate::files::{self, FileError};
use crate::plonk::ProvingKey;
use halo2curves::bn256::G1Affine;
use halo2curves::ff::PrimeField;
use nanozk_circuits::ir::Program;
use nanozk_circuits::{Layer, Shape};
use nanozk_setup::Setup;
use nanozk_verifier::encoding::{point_compressed, point_decompressed};
use nanozk_verifier::VerifyingKey;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"nanozkK1";

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

    fn path(&self, digest: &[u8; 32]) -> PathBuf {
        self.dir
            .join(format!("{}.vk", &nanozk_verifier::hex::encode(digest)[2..]))
    }

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

//! Setups, which models and sessions share: `<data dir>/setups`; `models.json`, where models were last time; and
//! `checked.json`, whose programs' keys were computed again.
//!
//! A data directory may be shared, or be somebody else's copy. Setups in it are checked. What `checked.json` says spares a check
//! on which money may depend, so it is believed only with a code that takes this account's key, which is not in there.

use anyhow::{Result, anyhow};
use nanozk::model_dir::ModelDir;
use nanozk::setups::{self, Setups};
use nanozk_prover::directory::Kind;
use nanozk_prover::files;
use nanozk_setup::{DEVELOPMENT_ID, Setup};
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::statement::Context as Claim;
use nanozk_verifier::{CheckedManifest, Parameters};
use rand_core::{OsRng, RngCore};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Chains on which a development setup may be used: none (off chain), and local test chains.
pub(crate) const LOCAL_CHAINS: [u64; 3] = [0, 1337, 31337];

const MODELS: &str = "models.json";
/// Models whose programs' keys were computed again.
const CHECKED: &str = "checked.json";

/// What tells builds of the command apart: programs may change without its version.
fn this_build() -> Option<String> {
    let file = std::env::current_exe()
        .and_then(|path| path.metadata())
        .ok()?;
    let built = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let version = env!("CARGO_PKG_VERSION");
    Some(format!(
        "{version}, {} bytes, {} ns",
        file.len(),
        built.as_nanos()
    ))
}

/// The data directory.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    dir: PathBuf,
}

/// This account's key for what it found itself: 32 random bytes, made when they are first needed. None if there is nowhere to
/// keep it.
fn own_key() -> Option<[u8; 32]> {
    let project = directories::ProjectDirs::from("", "", "nanozk")?;
    let dir = project.state_dir().unwrap_or(project.data_local_dir());
    let path = dir.join("checked.key");
    if let Ok(bytes) = files::read(&path) {
        return bytes.try_into().ok();
    }
    let mut key = [0; 32];
    OsRng.fill_bytes(&mut key);
    files::create_dir(dir).ok()?;
    files::write_secret(&path, &key).ok()?;
    Some(key)
}

/// The code of a model that a build of the command has checked.
fn code_of(key: &[u8; 32], build: &str, id: &Digest32) -> Digest32 {
    let mut hash = blake3::Hasher::new_keyed(key);
    hash.update(&id.0).update(build.as_bytes());
    Digest32(hash.finalize().into())
}

impl Data {
    pub(crate) fn new(dir: Option<&Path>) -> Result<Self> {
        let dir = match dir {
            Some(dir) => dir.to_owned(),
            None => directories::ProjectDirs::from("", "", "nanozk")
                .ok_or_else(|| {
                    anyhow!("no home directory: say where to keep setups with --data-dir")
                })?
                .data_dir()
                .to_owned(),
        };
        Ok(Data { dir })
    }

    pub(crate) fn setups(&self) -> Setups {
        Setups::new(self.dir.join("setups"))
    }

    /// Remembers where a model is, for commands that are given its id only.
    pub(crate) fn remember_model(&self, model: &Path) -> Result<()> {
        let manifest = ModelDir::new(model).and_then(|dir| dir.manifest());
        let (Ok(path), Ok(manifest)) = (model.canonicalize(), manifest) else {
            return Ok(());
        };
        let (mut known, id) = (self.models(), manifest.id().to_string());
        if known.get(&id) == Some(&path) {
            return Ok(());
        }
        known.insert(id, path);
        files::create_dir(&self.dir)?;
        Ok(files::write_json(&self.dir.join(MODELS), &known)?)
    }

    /// Where a model was last time, if it still is there.
    pub(crate) fn known_model(&self, id: &Digest32) -> Option<PathBuf> {
        let path = self.models().remove(&id.to_string())?;
        Kind::of(&path)?.is_registered().then_some(path)
    }

    /// Whether this command, as it was built and run by this account, computed the keys of a model's programs, and they were the
    /// model's.
    pub(crate) fn has_checked(&self, id: &Digest32) -> bool {
        let found = self.checked().remove(&id.to_string());
        let (Some(found), Some(build)) = (found, this_build()) else {
            return false;
        };
        own_key().is_some_and(|key| found == code_of(&key, &build, id))
    }

    /// Remembers that.
    pub(crate) fn remember_checked(&self, id: &Digest32) -> Result<()> {
        let (Some(build), Some(key)) = (this_build(), own_key()) else {
            return Ok(());
        };
        let mut checked = self.checked();
        // What another build found is found anew.
        checked.retain(|id, code| {
            let id: Option<Digest32> = id.parse().ok();
            id.is_some_and(|id| *code == code_of(&key, &build, &id))
        });
        checked.insert(id.to_string(), code_of(&key, &build, id));
        files::create_dir(&self.dir)?;
        Ok(files::write_json(&self.dir.join(CHECKED), &checked)?)
    }

    /// Codes by ids of models. What cannot be read is found anew.
    fn checked(&self) -> BTreeMap<String, Digest32> {
        files::read_json(&self.dir.join(CHECKED)).unwrap_or_default()
    }

    /// What cannot be read is forgotten.
    fn models(&self) -> BTreeMap<String, PathBuf> {
        files::read_json(&self.dir.join(MODELS)).unwrap_or_default()
    }

    /// The development setup.
    pub(crate) fn development(&self, k: u32) -> Result<Setup> {
        self.setups().development(k).map_err(explained)
    }

    /// What joint proofs take of the setup a model was registered under.
    pub(crate) fn parameters(&self, manifest: &CheckedManifest) -> Result<Parameters> {
        self.setups().parameters(manifest).map_err(explained)
    }

    /// As [`Data::parameters`], with all points checked.
    pub(crate) fn checked_parameters(&self, manifest: &CheckedManifest) -> Result<Parameters> {
        let setups = self.setups();
        setups.checked_parameters(manifest).map_err(explained)
    }

    /// What final proofs about models of one setup, in columns of up to `2^k` rows, take of it.
    pub(crate) fn final_parameters(
        &self,
        manifest: &CheckedManifest,
        k: u32,
    ) -> Result<Parameters> {
        let setups = self.setups();
        setups.final_parameters(manifest, k).map_err(explained)
    }

    /// As [`Data::final_parameters`], with all points checked.
    pub(crate) fn checked_final_parameters(
        &self,
        manifest: &CheckedManifest,
        k: u32,
    ) -> Result<Parameters> {
        let setups = self.setups();
        let parameters = setups.checked_final_parameters(manifest, k);
        parameters.map_err(explained)
    }

    /// The same setup with another number of powers.
    pub(crate) fn setup_of_size(&self, version: &CheckedManifest, k: u32) -> Result<Setup> {
        self.setups().of(version, k).map_err(explained)
    }
}

/// Says how to keep setups elsewhere, where they cannot be kept.
pub(crate) fn explained(e: setups::Error) -> anyhow::Error {
    let text = format!("{e} (another data directory: --data-dir)");
    match e {
        setups::Error::Development { source, .. } => anyhow::Error::new(*source).context(text),
        e => e.into(),
    }
}

/// Whether the secret of a model's setup is public; what a card says of it is not believed.
pub(crate) fn is_development(version: &CheckedManifest) -> bool {
    version.manifest().setup.0 == DEVELOPMENT_ID
}

/// Whether a claim is for a chain where somebody else could be harmed.
pub(crate) fn is_public_chain(claim: &Claim) -> bool {
    !LOCAL_CHAINS.contains(&claim.chain)
}

/// What to say of the development setup.
pub(crate) const DEVELOPMENT_WARNING: &str =
    "WARNING: development setup: its secret is public, so proofs prove nothing to others";

//! Setups and keys, which models and sessions share: `<data dir>/setups` and `<data dir>/keys`; and `models.json`, where
//! models were last time.

use crate::model_dir::{ModelDir, ModelVersion};
use anyhow::{anyhow, bail, Context, Result};
use nanozk_circuits::{Layer, Shape};
use nanozk_prover::directory::Kind;
use nanozk_prover::keys::KeyStore;
use nanozk_prover::{files, joint};
use nanozk_setup::{Setup, SetupStore, DEVELOPMENT_ID};
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::joint::{CheckedManifest, Parameters};
use nanozk_verifier::statement::Context as Claim;
use nanozk_verifier::VerifyingKey;
use std::collections::hash_map::{Entry, HashMap};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Chains on which a development setup may be used: none (off chain), and local test chains.
pub(crate) const LOCAL_CHAINS: [u64; 3] = [0, 1337, 31337];

const MODELS: &str = "models.json";

/// The data directory.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    dir: PathBuf,
}

impl Data {
    pub(crate) fn new(dir: Option<&Path>) -> Result<Self> {
        let dir = match dir {
            Some(dir) => dir.to_owned(),
            None => directories::ProjectDirs::from("", "", "nanozk")
                .ok_or_else(|| {
                    anyhow!("no home directory: say where to keep setups and keys with --data-dir")
                })?
                .data_dir()
                .to_owned(),
        };
        Ok(Data { dir })
    }

    pub(crate) fn setups(&self) -> SetupStore {
        SetupStore::new(self.dir.join("setups"))
    }

    pub(crate) fn keys(&self) -> KeyStore {
        KeyStore::new(self.dir.join("keys"))
    }

    /// Remembers where a model is, for commands that are given its id only.
    pub(crate) fn remember_model(&self, model: &Path) -> Result<()> {
        let registered = ModelDir::new(model).and_then(|dir| dir.registered());
        let (Ok(path), Ok(registered)) = (model.canonicalize(), registered) else {
            return Ok(());
        };
        let (mut known, id) = (self.models(), registered.version().id().to_string());
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

    /// What cannot be read is forgotten.
    fn models(&self) -> BTreeMap<String, PathBuf> {
        files::read_json(&self.dir.join(MODELS)).unwrap_or_default()
    }

    /// The development setup.
    pub(crate) fn development(&self, k: u32) -> Result<Setup> {
        self.setups().load_or_create_development(k).with_context(|| {
            format!(
                "cannot prepare the development setup of 2^{k} powers in {} (another data directory: --data-dir)",
                self.dir.display()
            )
        })
    }

    /// The setup a model was registered under.
    pub(crate) fn setup_of(&self, card: &ModelCard) -> Result<Setup> {
        let k = card.layers.first().map_or(0, |l| l.plan.k);
        self.setup_of_size(card, k)
    }

    /// What joint proofs take of the setup a model was registered under.
    pub(crate) fn parameters(&self, manifest: &CheckedManifest) -> Result<Parameters> {
        let k = manifest.manifest().k;
        let setup = self.setup_of_size(manifest, joint::setup_size(k))?;
        Ok(joint::parameters(&setup, k))
    }

    /// As [`Data::parameters`], with all points checked.
    pub(crate) fn checked_parameters(&self, manifest: &CheckedManifest) -> Result<Parameters> {
        let k = manifest.manifest().k;
        let setup = self.checked_setup_of_size(manifest, joint::setup_size(k))?;
        Ok(joint::parameters(&setup, k))
    }

    /// What final proofs take of it.
    pub(crate) fn final_parameters(&self, manifest: &CheckedManifest) -> Result<Parameters> {
        let k = manifest.manifest().k;
        let setup = self.setup_of_size(manifest, joint::final_setup_size(k))?;
        Ok(joint::final_parameters(&setup, k))
    }

    /// As [`Data::final_parameters`], with all points checked.
    pub(crate) fn checked_final_parameters(
        &self,
        manifest: &CheckedManifest,
    ) -> Result<Parameters> {
        let k = manifest.manifest().k;
        let setup = self.checked_setup_of_size(manifest, joint::final_setup_size(k))?;
        Ok(joint::final_parameters(&setup, k))
    }

    /// The same setup with another number of powers.
    pub(crate) fn setup_of_size(&self, version: &dyn ModelVersion, k: u32) -> Result<Setup> {
        if is_development(version) {
            return self.development(k);
        }
        let setup = self.setups().load(k).with_context(|| {
            format!(
                "the model was registered under the setup {}; import its ceremony file: nanozk setup import <file> --name <name> --k {k}",
                version.setup()
            )
        })?;
        if setup.id() != version.setup().0 {
            bail!(
                "the model was registered under the setup {}, but {} has the setup {}",
                version.setup(),
                self.dir.display(),
                Digest32(setup.id())
            );
        }
        Ok(setup)
    }

    /// As [`Data::setup_of_size`], with all points checked: for keys by which others' proofs are judged. The secret of the
    /// development setup is public, so forging its points gives nobody anything.
    pub(crate) fn checked_setup_of_size(
        &self,
        version: &dyn ModelVersion,
        k: u32,
    ) -> Result<Setup> {
        let setup = self.setup_of_size(version, k)?;
        if !setup.is_development() {
            setup.check().with_context(|| {
                format!(
                    "the stored setup of 2^{k} powers in {} is not the ceremony's: import its file again",
                    self.dir.display()
                )
            })?;
        }
        Ok(setup)
    }

    /// As [`Data::setup_of`], with all points checked.
    pub(crate) fn checked_setup_of(&self, card: &ModelCard) -> Result<Setup> {
        let k = card.layers.first().map_or(0, |l| l.plan.k);
        self.checked_setup_of_size(card, k)
    }

    /// The verifying keys of a card's layers. A [`TooLarge`](nanozk_circuits::composer::TooLarge) is the
    /// card's fault.
    pub(crate) fn layer_keys(
        &self,
        card: &ModelCard,
        setup: &Setup,
    ) -> Result<HashMap<Shape, VerifyingKey>> {
        let mut keys = HashMap::new();
        for l in &card.layers {
            let shape = card.shape(l);
            if let Entry::Vacant(entry) = keys.entry(shape) {
                let layer = Layer::new(shape).with_context(|| {
                    format!("the card's {} circuit does not exist", shape.kind.name())
                })?;
                entry.insert(self.verifying_key(&layer, setup)?);
            }
        }
        Ok(keys)
    }

    /// Whether the card's keys are those of its shapes: what whoever signs, takes or registers anything by a card has to
    /// know first. Takes the model's setup, and some seconds where keys are not kept yet.
    pub(crate) fn check_manifest(&self, card: &ModelCard) -> Result<()> {
        let setup = self.checked_setup_of(card)?;
        let keys = self.layer_keys(card, &setup)?;
        nanozk_verifier::session::check_manifest(card, &keys)
            .context("the model card is not one that a session could be accepted for")
    }

    pub(crate) fn verifying_key(&self, layer: &Layer, setup: &Setup) -> Result<VerifyingKey> {
        self.keys()
            .verifying_key(layer, setup)
            .context("cannot keep a verifying key (another data directory: --data-dir)")
    }
}

/// Whether the secret of a model's setup is public; what a card says of it is not believed.
pub(crate) fn is_development(version: &dyn ModelVersion) -> bool {
    version.setup().0 == DEVELOPMENT_ID
}

/// Whether a claim is for a chain where somebody else could be harmed.
pub(crate) fn is_public_chain(claim: &Claim) -> bool {
    !LOCAL_CHAINS.contains(&claim.chain)
}

/// What to say of the development setup.
pub(crate) const DEVELOPMENT_WARNING: &str =
    "WARNING: development setup: its secret is public, so proofs prove nothing to others";

//! An imported model on disk.
//!
//! | file | content |
//! |---|---|
//! | `card.json` | what anybody may know, and the model id follows from |
//! | `manifest.json` | instead of it, of a model for joint proofs |
//! | `model.safetensors` | the quantized model |
//! | `tokenizer.json` | of the checkpoint |
//! | `generation.json` | tokens after which generation stops; no part of the model id |
//! | `report.json`, `plan.json` | quantization report, circuit sizes |
//! | `secret.json` | seed of the blinding of the weight commitments; only for the owner |
//! | `checkpoint/` | configuration and float weights, for `eval` and `importance` |
//! | `importance.json` | written by `importance`: audit weights of the layers |

use anyhow::{bail, Context, Result};
use nanozk_circuits::{LayerKind, ModelPlan};
use nanozk_executor::{Architecture, QuantizedModel, Spec};
use nanozk_layers::Layer;
use nanozk_model::{FloatModel, Importance, Report, Tokenizer};
use nanozk_prover::directory::Kind;
use nanozk_prover::{audit, files};
use nanozk_verifier::card::{layer_kinds, CardError, ModelCard};
use nanozk_verifier::hex::Digest32;
use nanozk_verifier::joint::CheckedManifest;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

pub(crate) const SECRET_FORMAT: &str = "nanozk-model-secret-1";
pub(crate) const IMPORTANCE_FORMAT: &str = "nanozk-importance-1";

pub(crate) const GENERATION_FORMAT: &str = "nanozk-generation-1";

/// Where generation stops.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Generation {
    /// [`GENERATION_FORMAT`].
    pub(crate) format: String,
    /// Tokens after which it stops.
    pub(crate) stop_tokens: Vec<u32>,
}

/// What blinds the weight commitments.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelSecret {
    /// [`SECRET_FORMAT`].
    pub(crate) format: String,
    /// Seed.
    pub(crate) weight_seed: Digest32,
}

/// Audit weights of a model's layers, with what they come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredImportance {
    /// [`IMPORTANCE_FORMAT`].
    pub(crate) format: String,
    /// Model version.
    pub(crate) model_id: Digest32,
    /// SHA-256 of the text.
    pub(crate) text_sha256: Digest32,
    /// Fisher information of the half blocks.
    pub(crate) importance: Importance,
    /// For each layer of the card, in parts per million, with the floor.
    pub(crate) audit_weights_ppm: Vec<u32>,
}

/// A registered version of a model, whichever proofs it is for.
pub(crate) trait ModelVersion {
    fn id(&self) -> Digest32;
    fn architecture(&self) -> Architecture;
    fn spec(&self) -> Spec;
    /// SHA-256 of the tokenizer.
    fn tokenizer(&self) -> Digest32;
    /// Positions of a session.
    fn positions(&self) -> usize;
    fn setup(&self) -> Digest32;
    /// Of each layer, its name, and of how many halves of blocks it is: embedding and head count as one.
    fn named_layers(&self) -> Vec<(String, usize)>;

    /// `embed`, `attention 0`, `mlp 0`, …, `head`.
    fn layer_names(&self) -> Vec<String> {
        let layers = self.named_layers().into_iter();
        layers.map(|(name, _)| name).collect()
    }
}

impl ModelVersion for ModelCard {
    fn id(&self) -> Digest32 {
        self.model_id()
    }

    fn architecture(&self) -> Architecture {
        self.architecture
    }

    fn spec(&self) -> Spec {
        self.spec
    }

    fn tokenizer(&self) -> Digest32 {
        self.tokenizer
    }

    fn positions(&self) -> usize {
        self.tokens
    }

    fn setup(&self) -> Digest32 {
        self.setup
    }

    fn named_layers(&self) -> Vec<(String, usize)> {
        let whole = self.layers.len() == self.architecture.layers + 2;
        let kinds = layer_kinds(self.architecture.layers, whole).into_iter();
        let named = kinds.map(|(kind, block)| match kind {
            LayerKind::Embed | LayerKind::Head => (kind.name().to_owned(), 1),
            LayerKind::Block => (format!("{} {block}", kind.name()), 2),
            _ => (format!("{} {block}", kind.name()), 1),
        });
        named.collect()
    }
}

impl ModelVersion for CheckedManifest {
    fn id(&self) -> Digest32 {
        CheckedManifest::id(self)
    }

    fn architecture(&self) -> Architecture {
        self.manifest().architecture
    }

    fn spec(&self) -> Spec {
        self.manifest().spec
    }

    fn tokenizer(&self) -> Digest32 {
        self.manifest().tokenizer
    }

    fn positions(&self) -> usize {
        self.manifest().tokens
    }

    fn setup(&self) -> Digest32 {
        self.manifest().setup
    }

    fn named_layers(&self) -> Vec<(String, usize)> {
        let layers = (0..self.layers()).filter_map(|number| Layer::of(number, self.blocks()));
        layers.map(|layer| (layer.to_string(), 1)).collect()
    }
}

/// What a model directory is registered for.
#[derive(Clone, Debug)]
pub(crate) enum Registered {
    /// Proofs of each layer.
    Layers(ModelCard),
    /// Joint proofs.
    Joint(CheckedManifest),
}

impl Registered {
    pub(crate) fn version(&self) -> &dyn ModelVersion {
        match self {
            Registered::Layers(card) => card,
            Registered::Joint(manifest) => manifest,
        }
    }
}

/// A model directory.
#[derive(Clone, Debug)]
pub(crate) struct ModelDir {
    pub(crate) path: PathBuf,
}

impl ModelDir {
    pub(crate) fn new(path: &Path) -> Result<Self> {
        if Kind::of(path) == Some(Kind::Quantized) {
            bail!(
                "{} was imported without commitments: import the model again without --no-commitments",
                path.display()
            );
        }
        if Kind::of(path) != Some(Kind::JointModel) {
            Kind::Model.check(path)?;
        }
        Ok(ModelDir { path: path.into() })
    }

    /// A directory that has a quantized model, perhaps without commitments to it.
    pub(crate) fn quantized(path: &Path) -> Result<Self> {
        if path.join("report.json").is_file() && path.join("model.safetensors").is_file() {
            return Ok(ModelDir { path: path.into() });
        }
        Self::new(path)
    }

    /// Whether there are commitments.
    pub(crate) fn is_registered(&self) -> bool {
        self.kind().is_registered()
    }

    fn kind(&self) -> Kind {
        Kind::of(&self.path).unwrap_or(Kind::Quantized)
    }

    /// What the model is registered for, checked.
    pub(crate) fn registered(&self) -> Result<Registered> {
        if self.kind() != Kind::JointModel {
            return self.card().map(Registered::Layers);
        }
        let path = self.file(Kind::JointModel.marker());
        let manifest = CheckedManifest::new(files::read_json(&path)?)
            .with_context(|| format!("{} is not valid: import the model again", path.display()))?;
        Ok(Registered::Joint(manifest))
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The card, checked.
    pub(crate) fn card(&self) -> Result<ModelCard> {
        if self.kind() == Kind::JointModel {
            bail!(
                "{} was imported for joint proofs, which this command cannot use yet: import the model without --joint",
                self.path.display()
            );
        }
        let path = self.file("card.json");
        let card: ModelCard = files::read_json(&path)?;
        card.check().map_err(|e| match e {
            CardError::Format { .. } => anyhow::anyhow!(
                "{}: {e}; it was written by another version of nanozk: import the model again",
                path.display()
            ),
            e => anyhow::anyhow!("{}: {e}", path.display()),
        })?;
        Ok(card)
    }

    /// The quantized model, which must have the registered dimensions.
    pub(crate) fn model(&self, version: &dyn ModelVersion) -> Result<QuantizedModel> {
        let path = self.file("model.safetensors");
        let model = nanozk_model::file::load(&path)?;
        if model.arch != version.architecture() || model.spec != version.spec() {
            bail!(
                "{} is another model than {} describes: import the model again",
                path.display(),
                self.kind().marker()
            );
        }
        Ok(model)
    }

    /// The registered tokenizer.
    pub(crate) fn tokenizer(&self, version: &dyn ModelVersion) -> Result<Tokenizer> {
        let path = self.file("tokenizer.json");
        let got = sha256(&files::read(&path)?);
        if got != version.tokenizer() {
            bail!(
                "{} is not the registered tokenizer: its SHA-256 is {got}, not {}",
                path.display(),
                version.tokenizer()
            );
        }
        Ok(Tokenizer::load(&path, version.architecture().vocab)?)
    }

    /// The tokens after which generation stops; nothing if the directory does not say.
    pub(crate) fn stop_tokens(&self) -> Result<Option<Vec<u32>>> {
        let path = self.file("generation.json");
        if !path.exists() {
            return Ok(None);
        }
        let generation: Generation = files::read_json(&path)?;
        if generation.format != GENERATION_FORMAT {
            bail!(
                "{}: format {:?} where {GENERATION_FORMAT:?} is needed",
                path.display(),
                generation.format
            );
        }
        Ok(Some(generation.stop_tokens))
    }

    pub(crate) fn secret(&self) -> Result<ModelSecret> {
        let path = self.file("secret.json");
        let secret: ModelSecret = files::read_json(&path)
            .context("proving needs the seed that blinds the weight commitments")?;
        if secret.format != SECRET_FORMAT {
            bail!(
                "{}: format {:?} where {SECRET_FORMAT:?} is needed",
                path.display(),
                secret.format
            );
        }
        Ok(secret)
    }

    pub(crate) fn report(&self) -> Result<Report> {
        Ok(files::read_json(&self.file("report.json"))?)
    }

    pub(crate) fn plan(&self) -> Result<ModelPlan> {
        Ok(files::read_json(&self.file("plan.json"))?)
    }

    /// The float model.
    pub(crate) fn float(&self) -> Result<FloatModel> {
        FloatModel::load(&self.file("checkpoint"))
            .context("cannot load the float model that this one was quantized from")
    }

    /// What `nanozk importance` stored.
    pub(crate) fn importance(&self, version: &dyn ModelVersion) -> Result<StoredImportance> {
        let path = self.file("importance.json");
        if !path.exists() {
            bail!(
                "a budget needs the importance of each layer: first run nanozk importance --model {} --text <file>",
                self.path.display()
            );
        }
        let stored: StoredImportance = files::read_json(&path)?;
        if stored.format != IMPORTANCE_FORMAT
            || stored.model_id != version.id()
            || stored.audit_weights_ppm.len() != version.named_layers().len()
        {
            bail!(
                "{} is of another model version: run nanozk importance again",
                path.display()
            );
        }
        Ok(stored)
    }
}

/// Shares of the Fisher information of a model's layers, from those of half blocks.
pub(crate) fn layer_shares(
    version: &dyn ModelVersion,
    importance: &Importance,
) -> Result<Vec<f64>> {
    let half = &importance.layers;
    let expected = Layer::count(version.architecture().layers);
    if half.len() != expected {
        bail!(
            "importance of {} layers where the model has {expected}",
            half.len()
        );
    }
    let mut shares = half.iter().map(|l| l.share);
    let mut next = || shares.next().unwrap_or(0.0);
    let layers = version.named_layers().into_iter();
    Ok(layers
        .map(|(_, halves)| (0..halves).map(|_| next()).sum())
        .collect())
}

/// Audit weights from shares; from here on there are only integers.
pub(crate) fn audit_weights(shares: &[f64]) -> Vec<u32> {
    let ppm = |share: &f64| (share * f64::from(audit::PPM)).round() as u32;
    audit::weights(&shares.iter().map(ppm).collect::<Vec<_>>())
}

/// SHA-256 of a file's content.
pub(crate) fn sha256(bytes: &[u8]) -> Digest32 {
    Digest32(Sha256::digest(bytes).into())
}

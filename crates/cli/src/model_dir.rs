//! An imported model on disk.
//!
//! | file | content |
//! |---|---|
//! | `manifest.json` | what anybody may know, and the model id follows from |
//! | `model.safetensors` | the quantized model |
//! | `tokenizer.json` | of the checkpoint |
//! | `generation.json` | tokens after which generation stops; no part of the model id |
//! | `chat.json` | template that makes a prompt of messages, if the checkpoint has one; no part of the model id |
//! | `report.json`, `plan.json` | quantization report, layout of proofs |
//! | `secret.json` | seed of the blinding of the weight commitments; only for the owner |
//! | `checkpoint/` | configuration and float weights, for `eval` and `importance` |
//! | `importance.json` | written by `importance`: audit weights of the layers |

use anyhow::{Context, Result, bail};
use nanozk_executor::QuantizedModel;
use nanozk_model::{ChatTemplate, FloatModel, Importance, Report, Tokenizer};
use nanozk_prover::directory::Kind;
use nanozk_prover::{audit, files};
use nanozk_verifier::CheckedManifest;
use nanozk_verifier::hex::Digest32;
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

pub(crate) const CHAT_FORMAT: &str = "nanozk-chat-1";

/// How messages become a prompt.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chat {
    /// [`CHAT_FORMAT`].
    pub(crate) format: String,
    /// The template.
    pub(crate) chat: ChatTemplate,
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
    /// Fisher information of the layers.
    pub(crate) importance: Importance,
    /// For each layer, in parts per million, with the floor.
    pub(crate) audit_weights_ppm: Vec<u32>,
}

/// Refuses a file of another format.
pub(crate) fn check_format(path: &Path, got: &str, expected: &str) -> Result<()> {
    if got != expected {
        bail!(
            "{}: format {got:?} where {expected:?} is needed",
            path.display()
        );
    }
    Ok(())
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
        Kind::Model.check(path)?;
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
        Kind::of(&self.path) == Some(Kind::Model)
    }

    /// The manifest, checked.
    pub(crate) fn manifest(&self) -> Result<CheckedManifest> {
        let path = self.file(Kind::Model.marker());
        let manifest = files::read_json(&path).map_err(anyhow::Error::from);
        let manifest = manifest.and_then(|manifest| Ok(CheckedManifest::new(manifest)?));
        manifest.with_context(|| format!("{} is not valid: import the model again", path.display()))
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The quantized model, which must have the registered dimensions.
    pub(crate) fn model(&self, version: &CheckedManifest) -> Result<QuantizedModel> {
        let path = self.file("model.safetensors");
        let model = nanozk_model::file::load(&path)?;
        let manifest = version.manifest();
        if model.arch != manifest.architecture || model.spec != manifest.spec {
            bail!(
                "{} is another model than {} describes: import the model again",
                path.display(),
                Kind::Model.marker()
            );
        }
        Ok(model)
    }

    /// The registered tokenizer.
    pub(crate) fn tokenizer(&self, version: &CheckedManifest) -> Result<Tokenizer> {
        let path = self.file("tokenizer.json");
        let got = sha256(&files::read(&path)?);
        let manifest = version.manifest();
        if got != manifest.tokenizer {
            bail!(
                "{} is not the registered tokenizer: its SHA-256 is {got}, not {}",
                path.display(),
                manifest.tokenizer
            );
        }
        Ok(Tokenizer::load(&path, manifest.architecture.vocab)?)
    }

    /// The tokens after which generation stops; nothing if the directory does not say.
    pub(crate) fn stop_tokens(&self) -> Result<Option<Vec<u32>>> {
        let path = self.file("generation.json");
        if !path.exists() {
            return Ok(None);
        }
        let generation: Generation = files::read_json(&path)?;
        check_format(&path, &generation.format, GENERATION_FORMAT)?;
        Ok(Some(generation.stop_tokens))
    }

    /// The template that makes a prompt of messages, if the checkpoint had one.
    pub(crate) fn chat_template(&self) -> Result<Option<ChatTemplate>> {
        let path = self.file("chat.json");
        if !path.exists() {
            return Ok(None);
        }
        let stored: Chat = files::read_json(&path)?;
        check_format(&path, &stored.format, CHAT_FORMAT)?;
        Ok(Some(stored.chat))
    }

    pub(crate) fn secret(&self) -> Result<ModelSecret> {
        let path = self.file("secret.json");
        let secret: ModelSecret = files::read_json(&path)
            .context("proving needs the seed that blinds the weight commitments")?;
        check_format(&path, &secret.format, SECRET_FORMAT)?;
        Ok(secret)
    }

    pub(crate) fn report(&self) -> Result<Report> {
        Ok(files::read_json(&self.file("report.json"))?)
    }

    /// The float model.
    pub(crate) fn float(&self) -> Result<FloatModel> {
        FloatModel::load(&self.file("checkpoint"))
            .context("cannot load the float model that this one was quantized from")
    }

    /// What `nanozk importance` stored.
    pub(crate) fn importance(&self, version: &CheckedManifest) -> Result<StoredImportance> {
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
            || stored.audit_weights_ppm.len() != version.layers()
        {
            bail!(
                "{} is of another model version: run nanozk importance again",
                path.display()
            );
        }
        Ok(stored)
    }
}

/// Shares of the Fisher information of a model's layers.
pub(crate) fn layer_shares(version: &CheckedManifest, importance: &Importance) -> Result<Vec<f64>> {
    let (expected, got) = (version.layers(), importance.layers.len());
    if got != expected {
        bail!("importance of {got} layers where the model has {expected}");
    }
    Ok(importance.layers.iter().map(|layer| layer.share).collect())
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

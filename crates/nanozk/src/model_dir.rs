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

use crate::{CheckedManifest, Digest32, Error};
use nanozk_circuit::Plan;
use nanozk_executor::QuantizedModel;
use nanozk_model::{ChatTemplate, FloatModel, Importance, Report, Tokenizer};
use nanozk_prover::directory::Kind;
use nanozk_prover::{audit, files};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Format name of `secret.json`.
pub const SECRET_FORMAT: &str = "nanozk-model-secret-1";
/// Format name of `importance.json`.
pub const IMPORTANCE_FORMAT: &str = "nanozk-importance-1";
/// Format name of `generation.json`.
pub const GENERATION_FORMAT: &str = "nanozk-generation-1";
/// Format name of `chat.json`.
pub const CHAT_FORMAT: &str = "nanozk-chat-1";

/// Where generation stops.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// [`GENERATION_FORMAT`].
    pub format: String,
    /// Tokens after which it stops.
    pub stop_tokens: Vec<u32>,
}

/// How messages become a prompt.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// [`CHAT_FORMAT`].
    pub format: String,
    /// The template.
    pub chat: ChatTemplate,
}

/// What blinds the weight commitments.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSecret {
    /// [`SECRET_FORMAT`].
    pub format: String,
    /// Seed.
    pub weight_seed: Digest32,
}

/// Audit weights of a model's layers, with what they come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredImportance {
    /// [`IMPORTANCE_FORMAT`].
    pub format: String,
    /// Model version.
    pub model_id: Digest32,
    /// SHA-256 of the text.
    pub text_sha256: Digest32,
    /// Fisher information of the layers.
    pub importance: Importance,
    /// For each layer, in parts per million, with the floor.
    pub audit_weights_ppm: Vec<u32>,
}

/// The layout of a joint proof of all layers, for people: `plan.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredPlan {
    /// Binary logarithm of the rows of a column.
    pub k: u32,
    /// Lanes of a proof that have one helper, at most.
    pub fractions: usize,
    /// Commitments that a verifier multiplies.
    pub commitments: usize,
    /// Seconds of processor time that a proof takes, about.
    pub estimated_cpu_s: f64,
    /// Bytes of memory that it takes at the peak, about.
    pub estimated_peak_bytes: u64,
}

impl StoredPlan {
    /// What the planner chose.
    pub fn new(plan: &Plan) -> Self {
        let chosen = &plan.estimate;
        Self {
            k: chosen.k,
            fractions: chosen.fractions,
            commitments: chosen.commitments,
            estimated_cpu_s: chosen.cpu_seconds,
            estimated_peak_bytes: chosen.peak_bytes,
        }
    }
}

/// Refuses a file of another format.
pub fn check_format(path: &Path, got: &str, expected: &'static str) -> Result<(), Error> {
    match got == expected {
        true => Ok(()),
        false => Err(Error::Format {
            path: path.into(),
            expected,
            got: got.into(),
        }),
    }
}

/// A model directory.
#[derive(Clone, Debug)]
pub struct ModelDir {
    path: PathBuf,
}

impl ModelDir {
    /// A directory that has a registered model. What is in its files is checked when they are read.
    pub fn new(path: &Path) -> Result<Self, Error> {
        if Kind::of(path) == Some(Kind::Quantized) {
            return Err(Error::WithoutCommitments { path: path.into() });
        }
        Kind::Model.check(path)?;
        Ok(ModelDir { path: path.into() })
    }

    /// A directory that has a quantized model, perhaps without commitments to it.
    pub fn quantized(path: &Path) -> Result<Self, Error> {
        if path.join("report.json").is_file() && path.join("model.safetensors").is_file() {
            return Ok(ModelDir { path: path.into() });
        }
        Self::new(path)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there are commitments.
    pub fn is_registered(&self) -> bool {
        Kind::of(&self.path) == Some(Kind::Model)
    }

    /// The manifest, checked.
    pub fn manifest(&self) -> Result<CheckedManifest, Error> {
        let path = self.file(Kind::Model.marker());
        let manifest = files::read_json(&path).map_err(Error::from);
        let manifest = manifest.and_then(|manifest| Ok(CheckedManifest::new(manifest)?));
        manifest.map_err(|source| Error::Manifest {
            path,
            source: Box::new(source),
        })
    }

    /// Where a file of this name is.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The quantized model, which must have the registered dimensions.
    pub fn model(&self, version: &CheckedManifest) -> Result<QuantizedModel, Error> {
        let path = self.file("model.safetensors");
        let model = nanozk_model::file::load(&path)?;
        let manifest = version.manifest();
        match model.arch == manifest.architecture && model.spec == manifest.spec {
            true => Ok(model),
            false => Err(Error::OtherModel { path }),
        }
    }

    /// The registered tokenizer.
    pub fn tokenizer(&self, version: &CheckedManifest) -> Result<Tokenizer, Error> {
        let path = self.file("tokenizer.json");
        let got = sha256(&files::read(&path)?);
        let manifest = version.manifest();
        let expected = manifest.tokenizer;
        match got == expected {
            true => Ok(Tokenizer::load(&path, manifest.architecture.vocab)?),
            false => Err(Error::OtherTokenizer {
                path,
                expected,
                got,
            }),
        }
    }

    /// The tokens after which generation stops; nothing if the directory does not say.
    pub fn stop_tokens(&self) -> Result<Option<Vec<u32>>, Error> {
        let path = self.file("generation.json");
        if !path.exists() {
            return Ok(None);
        }
        let generation: Generation = files::read_json(&path)?;
        check_format(&path, &generation.format, GENERATION_FORMAT)?;
        Ok(Some(generation.stop_tokens))
    }

    /// The template that makes a prompt of messages, if the checkpoint had one.
    pub fn chat_template(&self) -> Result<Option<ChatTemplate>, Error> {
        let path = self.file("chat.json");
        if !path.exists() {
            return Ok(None);
        }
        let stored: Chat = files::read_json(&path)?;
        check_format(&path, &stored.format, CHAT_FORMAT)?;
        Ok(Some(stored.chat))
    }

    /// What only the owner has.
    pub fn secret(&self) -> Result<ModelSecret, Error> {
        let path = self.file("secret.json");
        let secret: ModelSecret = files::read_json(&path).map_err(Error::Secret)?;
        check_format(&path, &secret.format, SECRET_FORMAT)?;
        Ok(secret)
    }

    /// What the quantizer saw of each operation.
    pub fn report(&self) -> Result<Report, Error> {
        Ok(files::read_json(&self.file("report.json"))?)
    }

    /// The float model.
    pub fn float(&self) -> Result<FloatModel, Error> {
        let model = FloatModel::load(&self.file("checkpoint"));
        model.map_err(|e| Error::Float(Box::new(e)))
    }

    /// What `nanozk importance` stored.
    pub fn importance(&self, version: &CheckedManifest) -> Result<StoredImportance, Error> {
        let path = self.file("importance.json");
        if !path.exists() {
            let path = self.path.clone();
            return Err(Error::NoImportance { path });
        }
        let stored: StoredImportance = files::read_json(&path)?;
        let is_own = stored.format == IMPORTANCE_FORMAT
            && stored.model_id == version.id()
            && stored.audit_weights_ppm.len() == version.layers();
        match is_own {
            true => Ok(stored),
            false => Err(Error::OtherImportance { path }),
        }
    }
}

/// Shares of the Fisher information of a model's layers.
pub fn layer_shares(version: &CheckedManifest, importance: &Importance) -> Result<Vec<f64>, Error> {
    let (expected, got) = (version.layers(), importance.layers.len());
    if got != expected {
        return Err(Error::ImportanceLayers { expected, got });
    }
    Ok(importance.layers.iter().map(|layer| layer.share).collect())
}

/// Audit weights of layers, in parts per million, from their shares; from here on there are only integers.
pub fn audit_weights(shares: &[f64]) -> Vec<u32> {
    let ppm = |share: &f64| (share * f64::from(audit::PPM)).round() as u32;
    audit::weights(&shares.iter().map(ppm).collect::<Vec<_>>())
}

/// SHA-256 of a file's content.
pub fn sha256(bytes: &[u8]) -> Digest32 {
    Digest32(Sha256::digest(bytes).into())
}

//! An imported model on disk.
//!
//! | file | content |
//! |---|---|
//! | `card.json` | what anybody may know, and the model id follows from |
//! | `model.safetensors` | the quantized model |
//! | `tokenizer.json` | of the checkpoint |
//! | `generation.json` | tokens after which generation stops; no part of the model id |
//! | `report.json`, `plan.json` | quantization report, circuit sizes |
//! | `secret.json` | seed of the blinding of the weight commitments; only for the owner |
//! | `checkpoint/` | configuration and float weights, for `eval` and `importance` |
//! | `importance.json` | written by `importance`: audit weights of the layers |

use anyhow::{bail, Context, Result};
use nanozk_circuits::{LayerKind, ModelPlan};
use nanozk_executor::QuantizedModel;
use nanozk_model::{FloatModel, Importance, Report, Tokenizer};
use nanozk_prover::directory::Kind;
use nanozk_prover::{audit, files};
use nanozk_verifier::card::{CardError, ModelCard};
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
    pub(crate) fn has_card(&self) -> bool {
        self.file("card.json").is_file()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The card, checked.
    pub(crate) fn card(&self) -> Result<ModelCard> {
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

    /// The quantized model, which must have the card's dimensions.
    pub(crate) fn model(&self, card: &ModelCard) -> Result<QuantizedModel> {
        let path = self.file("model.safetensors");
        let model = nanozk_model::file::load(&path)?;
        if model.arch != card.architecture || model.spec != card.spec {
            bail!(
                "{} is another model than card.json describes: import the model again",
                path.display()
            );
        }
        Ok(model)
    }

    /// The tokenizer the card names.
    pub(crate) fn tokenizer(&self, card: &ModelCard) -> Result<Tokenizer> {
        let path = self.file("tokenizer.json");
        let got = sha256(&files::read(&path)?);
        if got != card.tokenizer {
            bail!(
                "{} is not the registered tokenizer: its SHA-256 is {got}, not {}",
                path.display(),
                card.tokenizer
            );
        }
        Ok(Tokenizer::load(&path, card.architecture.vocab)?)
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
    pub(crate) fn importance(&self, card: &ModelCard) -> Result<StoredImportance> {
        let path = self.file("importance.json");
        if !path.exists() {
            bail!(
                "a budget needs the importance of each layer: first run nanozk importance --model {} --text <file>",
                self.path.display()
            );
        }
        let stored: StoredImportance = files::read_json(&path)?;
        if stored.format != IMPORTANCE_FORMAT
            || stored.model_id != card.model_id()
            || stored.audit_weights_ppm.len() != card.layers.len()
        {
            bail!(
                "{} is of another model version: run nanozk importance again",
                path.display()
            );
        }
        Ok(stored)
    }
}

/// Shares of the Fisher information of a card's layers, from those of half blocks.
pub(crate) fn layer_shares(card: &ModelCard, importance: &Importance) -> Result<Vec<f64>> {
    let half = &importance.layers;
    if half.len() != 2 * card.architecture.layers + 2 {
        bail!(
            "importance of {} layers where the model has {}",
            half.len(),
            2 * card.architecture.layers + 2
        );
    }
    let mut shares = half.iter().map(|l| l.share);
    let mut next = || shares.next().unwrap_or(0.0);
    Ok(card
        .layers
        .iter()
        .map(|l| match l.kind {
            LayerKind::Block => next() + next(),
            _ => next(),
        })
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

/// `embed`, `attention 0`, `mlp 0`, …, `head`.
pub(crate) fn layer_names(card: &ModelCard) -> Vec<String> {
    let whole = card.layers.len() == card.architecture.layers + 2;
    nanozk_verifier::card::layer_kinds(card.architecture.layers, whole)
        .into_iter()
        .map(|(kind, block)| match kind {
            LayerKind::Embed | LayerKind::Head => kind.name().to_owned(),
            _ => format!("{} {block}", kind.name()),
        })
        .collect()
}

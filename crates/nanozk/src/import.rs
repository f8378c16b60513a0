//! From a checkpoint to a model that can be run and proved: quantized weights, commitments to them, a model id.

use crate::model_dir::{
    CHAT_FORMAT, Chat, GENERATION_FORMAT, Generation, ModelSecret, SECRET_FORMAT, StoredPlan,
    sha256,
};
use crate::{CheckedManifest, Digest32, Error};
use nanozk_circuit::{Objective, Plan};
use nanozk_executor::ops::MIN_SCORE_SHIFT;
use nanozk_executor::tables::MIN_ACT_FRAC;
use nanozk_executor::{Architecture, Spec, bucket};
use nanozk_layers::{Shape, Weights};
use nanozk_model::file::{ModelFile, Writer};
use nanozk_model::quantize::Progress;
use nanozk_model::{ChatTemplate, Checkpoint, Options, Report, quantize_checkpoint};
use nanozk_prover::registration::{
    Part, Registration, add_programs, fractions, plan, register, widest_windows,
};
use nanozk_prover::{files, final_parameters, final_setup_size};
use nanozk_recursion::node::Nodes;
use nanozk_setup::Setup;
use rand_core::{OsRng, RngCore};
use std::path::{Path, PathBuf};

/// A checkpoint that is to be imported.
#[derive(Debug)]
pub struct Import {
    folder: PathBuf,
    checkpoint: Checkpoint,
    positions: usize,
}

impl Import {
    /// Opens a Hugging Face checkpoint folder, for sessions of so many tokens, prompt and answer together: they have 4, 8, 16, …
    /// positions.
    ///
    /// # Errors
    /// If a file is missing or not understood, if the configuration asks for what is not implemented, or if the sessions do not
    /// fit the model's context.
    pub fn open(folder: impl AsRef<Path>, tokens: usize) -> Result<Self, Error> {
        let folder = folder.as_ref().to_owned();
        let checkpoint = Checkpoint::open(&folder)?;
        let context = checkpoint.config().arch.context;
        let positions = bucket(tokens, context).ok_or_else(|| Error::Positions {
            tokens,
            needed: tokens.max(4).checked_next_power_of_two().unwrap_or(tokens),
            context,
        })?;
        Ok(Self {
            folder,
            checkpoint,
            positions,
        })
    }

    /// Dimensions of the model.
    pub fn architecture(&self) -> &Architecture {
        &self.checkpoint.config().arch
    }

    /// Positions of a session.
    pub fn positions(&self) -> usize {
        self.positions
    }

    /// The layout of proofs in the least number formats: before anything takes long. In those that calibration chooses proofs
    /// are at most a little larger.
    ///
    /// # Errors
    /// If no layout is within the objective's limits, or no verifier would accept the model.
    pub fn plan(&self, objective: &Objective) -> Result<Plan, Error> {
        let config = self.checkpoint.config();
        let least = Spec {
            norm_frac: Spec::norm_frac_for(config.arch.width),
            eps: 1,
            score_shift: MIN_SCORE_SHIFT,
            norm: config.norm,
            act_frac: MIN_ACT_FRAC,
            activation: config.activation,
        };
        let shape = Shape {
            architecture: config.arch,
            spec: least,
            positions: self.positions,
        };
        Ok(plan(&shape, objective)?)
    }

    /// Quantizes the weights with the precision that a calibration text permits, in windows as long as a session, and writes
    /// the model to a directory. `progress` counts parts of the model, twice.
    ///
    /// # Errors
    /// If the directory has files, if the text is shorter than a window, or if a value has no integer.
    pub fn quantize(
        self,
        into: impl AsRef<Path>,
        calibration: &str,
        options: &Options,
        progress: &mut Progress<'_>,
    ) -> Result<Quantized, Error> {
        let dir = into.as_ref().to_owned();
        empty(&dir)?;
        let Self {
            folder,
            checkpoint,
            positions,
        } = self;
        let architecture = checkpoint.config().arch;
        let options = Options {
            window: Some(positions),
            ..*options
        };
        let mut notes = checkpoint.notes().to_vec();
        let chat = ChatTemplate::load(&folder).unwrap_or_else(|e| {
            notes.push(format!("there will be no chat template (--messages): {e}"));
            None
        });
        let mut writer = Writer::create(&dir.join("model.safetensors"), architecture)?;
        let (spec, report) =
            quantize_checkpoint(&checkpoint, calibration, &options, &mut writer, progress)?;
        writer.finish(&spec)?;

        let tokenizer = checkpoint.tokenizer().json();
        let stop_tokens = checkpoint.stop_tokens().to_vec();
        files::write(&dir.join("tokenizer.json"), tokenizer)?;
        files::write_json(&dir.join("report.json"), &report)?;
        let generation = Generation {
            format: GENERATION_FORMAT.into(),
            stop_tokens,
        };
        files::write_json(&dir.join("generation.json"), &generation)?;
        if let Some(chat) = chat {
            let format = CHAT_FORMAT.into();
            files::write_json(&dir.join("chat.json"), &Chat { format, chat })?;
        }
        copy(&checkpoint, &dir.join("checkpoint"))?;
        Ok(Quantized {
            shape: Shape {
                architecture,
                spec,
                positions,
            },
            tokenizer: sha256(tokenizer),
            dir,
            report,
            stop_tokens: generation.stop_tokens,
            notes,
        })
    }
}

/// Makes a directory, unless there is one that has files.
pub(crate) fn empty(dir: &Path) -> Result<(), Error> {
    files::create_dir(dir)?;
    match std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none()) {
        true => Ok(()),
        false => Err(Error::Occupied { path: dir.into() }),
    }
}

/// The files that were read, and the tokenizer that they make; nothing else of the folder.
fn copy(checkpoint: &Checkpoint, to: &Path) -> Result<(), Error> {
    files::create_dir(to)?;
    files::write(&to.join("tokenizer.json"), checkpoint.tokenizer().json())?;
    for path in checkpoint.files() {
        let name = path.file_name().unwrap_or_default();
        std::fs::copy(path, to.join(name)).map_err(|source| Error::Copy {
            path: path.clone(),
            source,
        })?;
    }
    Ok(())
}

/// What [`Quantized::register`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Columns of weights, each of which is committed to.
    Weights,
    /// Programs, for each of which a key of nodes is computed.
    Programs,
}

/// A quantized model on disk, not registered yet: it can be evaluated, not run or proved.
#[derive(Clone, Debug)]
pub struct Quantized {
    dir: PathBuf,
    shape: Shape,
    tokenizer: Digest32,
    report: Report,
    stop_tokens: Vec<u32>,
    notes: Vec<String>,
}

impl Quantized {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Which range each operation has, and what error it adds.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Tokens after which generation stops.
    pub fn stop_tokens(&self) -> &[u32] {
        &self.stop_tokens
    }

    /// What of the checkpoint does not apply, or was read in another way than its files say, in sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The layout of proofs.
    ///
    /// # Errors
    /// As [`Import::plan`].
    pub fn plan(&self, objective: &Objective) -> Result<Plan, Error> {
        Ok(plan(&self.shape, objective)?)
    }

    /// Registers the model: commits to its weights, computes the keys of its programs, and writes the manifest, whose digest
    /// is the model id, and the secret seed that blinds the commitments.
    ///
    /// # Errors
    /// If the setup has fewer powers than `2^`[`setup_size`], or if no verifier would accept the model.
    pub fn register(
        &self,
        plan: &Plan,
        setup: &Setup,
        progress: &mut dyn FnMut(Step, usize, usize),
    ) -> Result<CheckedManifest, Error> {
        let k = plan.layout.k();
        if setup.k() < setup_size(plan) {
            return Err(Error::Refused(nanozk_verifier::Error::SmallSetup {
                needed: 1 << setup_size(plan),
                got: setup.powers().len(),
            }));
        }
        let parameters = final_parameters(setup, k);
        let mut seed = [0; 32];
        OsRng.fill_bytes(&mut seed);
        let registration = Registration {
            shape: self.shape,
            tokenizer: self.tokenizer,
            k,
            fractions: fractions(plan),
            parameters: &parameters,
            development: setup.is_development(),
            seed: &seed,
        };
        let model = ModelFile::open(&self.dir.join("model.safetensors"))?;
        let rotation = model.rotation()?;
        let weights = |part, take: &mut dyn FnMut(Weights<'_>)| -> Result<(), Error> {
            match part {
                Part::Embed => {
                    let (wte, wpe) = model.embedding()?;
                    take(Weights::Embed(&wte, &wpe));
                }
                Part::Head => take(Weights::Head(&model.head()?)),
                Part::Block(block) => {
                    let layer = model.layer(block)?;
                    take(Weights::Block(block, &layer, rotation.as_ref()));
                }
            }
            Ok(())
        };
        let manifest = register(&registration, weights, |done, all| {
            progress(Step::Weights, done, all);
        })?;
        progress(Step::Programs, 0, 0);
        let nodes = Nodes::new().map_err(|e| nanozk_verifier::Error::Node(e.into()))?;
        let windows = widest_windows(&manifest, &nodes, &parameters)?;
        let count = |done, all| progress(Step::Programs, done, all);
        let manifest = add_programs(manifest, &windows, &nodes, &parameters, count)?;

        files::write_json(&self.dir.join("plan.json"), &StoredPlan::new(plan))?;
        let secret = ModelSecret {
            format: SECRET_FORMAT.into(),
            weight_seed: Digest32(seed),
        };
        files::write_json_secret(&self.dir.join("secret.json"), &secret)?;
        // Last: by it a model is known.
        files::write_json(&self.dir.join("manifest.json"), manifest.manifest())?;
        Ok(manifest)
    }
}

/// Binary logarithm of the powers of the setup that a model of this layout is registered under.
pub fn setup_size(plan: &Plan) -> u32 {
    final_setup_size(plan.layout.k())
}

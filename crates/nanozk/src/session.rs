//! A model in memory, and its sessions: run, prove, finish.

use crate::import::empty;
use crate::model_dir::ModelDir;
use crate::{CheckedClaim, CheckedManifest, Digest32, Error, FinalFile, Parameters};
use nanozk_executor::QuantizedModel;
use nanozk_model::{PromptOptions, Tokenizer};
use nanozk_prover::directory::Kind;
use nanozk_prover::files;
use nanozk_prover::finish::{Finisher, Part, program_windows};
use nanozk_prover::session::{Generated, Provider, SessionDir, Window, windows};
use nanozk_verifier::hex::Scalar;
use nanozk_verifier::statement::Context;
use rand_core::OsRng;
use std::ops::ControlFlow;
use std::path::Path;

/// A registered model in memory: eight bytes for each weight.
#[derive(Debug)]
pub struct Model {
    manifest: CheckedManifest,
    quantized: QuantizedModel,
    tokenizer: Tokenizer,
    stop_tokens: Vec<u32>,
    weight_seed: Digest32,
}

/// What a model is to answer, and where the answer is claimed.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Tokens of the prompt, one at least.
    pub prompt: Vec<u32>,
    /// Tokens to generate, at most.
    pub new_tokens: usize,
    /// Whether generation goes on after a stop token, so that exactly so many tokens are generated.
    pub ignore_stop_tokens: bool,
    /// Where the claim is made; all zero off chain.
    pub context: Context,
    /// Salt of the prompt's digest; none: one that follows from the session's secret seed.
    pub input_salt: Option<Scalar>,
}

impl Task {
    /// Off chain, until a stop token.
    pub fn new(prompt: impl Into<Vec<u32>>, new_tokens: usize) -> Self {
        Self {
            prompt: prompt.into(),
            new_tokens,
            ignore_stop_tokens: false,
            context: Context::default(),
            input_salt: None,
        }
    }
}

impl Model {
    /// Loads a model directory, with its secret.
    ///
    /// # Errors
    /// If a file is missing, or is of another model than the manifest.
    pub fn load(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let dir = ModelDir::new(dir.as_ref())?;
        let manifest = dir.manifest()?;
        Ok(Self {
            quantized: dir.model(&manifest)?,
            tokenizer: dir.tokenizer(&manifest)?,
            stop_tokens: dir.stop_tokens()?.unwrap_or_default(),
            weight_seed: dir.secret()?.weight_seed,
            manifest,
        })
    }

    /// The model id: what a verifier has to know.
    pub fn id(&self) -> Digest32 {
        self.manifest.id()
    }

    /// What anybody may know of the model.
    pub fn manifest(&self) -> &CheckedManifest {
        &self.manifest
    }

    /// The integers.
    pub fn quantized(&self) -> &QuantizedModel {
        &self.quantized
    }

    /// Text to tokens and back.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Numbers of all layers: embedding, two for each block, head.
    pub fn layers(&self) -> Vec<usize> {
        (0..self.manifest.layers()).collect()
    }

    fn provider<'a>(&'a self, parameters: &'a Parameters) -> Provider<'a> {
        Provider {
            model: &self.quantized,
            weight_seed: &self.weight_seed.0,
            parameters,
        }
    }

    /// Tokens of a prompt, with what the tokenizer's template adds.
    ///
    /// # Errors
    /// If the text cannot be tokenized, or has a token that the model does not have.
    pub fn tokens(&self, text: &str) -> Result<Vec<u32>, Error> {
        let prompt = self.tokenizer.encode_prompt(text, PromptOptions::default());
        Ok(prompt?.ids)
    }

    /// Answers by greedy decoding, and claims the answer: commits to the activations between layers, and writes a session
    /// directory. `parameters` are [`crate::Setups::parameters`] of this model, or its final ones.
    ///
    /// # Errors
    /// If prompt and answer are empty or longer than a session, if the directory has files, or if the parameters are of another
    /// setup.
    pub fn run(
        &self,
        task: &Task,
        into: impl AsRef<Path>,
        parameters: &Parameters,
    ) -> Result<Session<'_>, Error> {
        let (prompt, registered) = (task.prompt.len(), self.manifest.manifest().tokens);
        if prompt == 0 || task.new_tokens == 0 {
            return Err(nanozk_prover::Error::NothingGenerated.into());
        }
        let tokens = prompt.saturating_add(task.new_tokens);
        if tokens > registered {
            return Err(nanozk_prover::Error::TooLong { tokens, registered }.into());
        }
        self.tokenizer.check(&task.prompt)?;
        self.manifest.check_setup(parameters)?;
        empty(into.as_ref())?;
        let answer = self
            .quantized
            .generate_until(&task.prompt, task.new_tokens, |token| {
                match !task.ignore_stop_tokens && self.stop_tokens.contains(&token) {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            })?;
        let generated = Generated {
            context: task.context,
            tokens: &[task.prompt.as_slice(), &answer].concat(),
            prompt,
            input_salt: task.input_salt,
        };
        let dir = SessionDir::new(into.as_ref());
        let (model, manifest) = (&self.quantized, &self.manifest);
        dir.create(model, manifest, &generated, parameters, &mut OsRng)?;
        Ok(Session { model: self, dir })
    }

    /// Opens a session of this model, to go on with it.
    ///
    /// # Errors
    /// If there is none in the directory, or one of another model, or if its secret does not open its claim.
    pub fn session(&self, dir: impl AsRef<Path>) -> Result<Session<'_>, Error> {
        Kind::Session.check(dir.as_ref())?;
        let dir = SessionDir::new(dir.as_ref());
        let session = Session { model: self, dir };
        session.dir.check_opens(&session.claim()?)?;
        Ok(session)
    }
}

/// A session of a model that is in memory. What was proved is kept, so that a process that was killed goes on where it was.
#[derive(Debug)]
pub struct Session<'a> {
    model: &'a Model,
    dir: SessionDir,
}

impl Session<'_> {
    /// Its directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// What it claims: public.
    ///
    /// # Errors
    /// If the file cannot be read, or has a claim about another model.
    pub fn claim(&self) -> Result<CheckedClaim<'_>, Error> {
        Ok(self.model.manifest.claim(self.dir.claim()?)?)
    }

    /// The generated tokens: secret.
    ///
    /// # Errors
    /// If the session's secret cannot be read.
    pub fn generated(&self) -> Result<Vec<u32>, Error> {
        let secret = self.dir.secret()?;
        Ok(secret.tokens.into_iter().skip(secret.prompt).collect())
    }

    /// Prompt and answer as text: secret.
    ///
    /// # Errors
    /// If the session's secret cannot be read, or has tokens that the model does not have.
    pub fn text(&self) -> Result<String, Error> {
        Ok(self.model.tokenizer.decode(&self.dir.secret()?.tokens)?)
    }

    /// Proves layers by joint proofs: one, or more if one has no room for all. Takes [`Window::estimate`] for each, about.
    ///
    /// # Errors
    /// If a layer is not the model's, if another process proves the session, or if a file was changed.
    pub fn prove(&self, layers: &[usize], parameters: &Parameters) -> Result<(), Error> {
        let claim = self.claim()?;
        let windows = windows(&claim, layers, None)?;
        let provider = self.model.provider(parameters);
        let lock = self.dir.lock()?;
        Ok(lock.prove(&claim, &provider, &windows, &mut OsRng, &mut |_| {})?)
    }

    /// Proves layers by a final proof, and writes it to `final.json`: joint proofs by the programs that the model is registered
    /// with, a node over each, nodes over nodes, and the proof that contracts verify. `parameters` are
    /// [`crate::Setups::final_parameters`], from which the finisher was made, too.
    ///
    /// # Errors
    /// As [`Session::prove`].
    pub fn finish(
        &self,
        layers: &[usize],
        finisher: &Finisher,
        parameters: &Parameters,
    ) -> Result<FinalFile, Error> {
        let claim = self.claim()?;
        let windows = program_windows(&claim, layers, None)?;
        let provider = self.model.provider(parameters);
        let lock = self.dir.lock()?;
        lock.prove(&claim, &provider, &windows, &mut OsRng, &mut |_| {})?;
        // Windows are of consecutive layers.
        let place = |window: &Window| {
            let first = window.layers.first().copied().unwrap_or_default();
            (first as u32, window.layers.len() as u32)
        };
        let windows: Vec<(u32, u32)> = windows.iter().map(place).collect();
        let part = Part {
            session: &lock,
            claim: &claim,
            windows: &windows,
        };
        let file = finisher.finish(&[part], parameters, &mut OsRng, &mut |_| {})?;
        files::write_json(&self.dir.final_path(), &file)?;
        Ok(file)
    }
}

#[cfg(feature = "chain")]
mod chain {
    use super::{Model, Session, Task};
    use crate::Error;
    use nanozk_chain::claim::context;
    use nanozk_chain::output::{Opens, OutputFile};
    use nanozk_chain::primitives::Address;
    use nanozk_chain::request::RequestFile;
    use nanozk_verifier::hex::Scalar;

    impl Model {
        /// What a request on a chain orders, if it is for this model and consistent. `recipient` is paid; none: the provider
        /// that the request names.
        ///
        /// # Errors
        /// Says what is wrong with the request.
        pub fn task(
            &self,
            request: &RequestFile,
            recipient: Option<Address>,
        ) -> Result<Task, Error> {
            request.check()?;
            let (expected, got) = (self.id(), request.model_id);
            if got != expected {
                return Err(Error::OtherRequest { expected, got });
            }
            self.tokenizer.check(&request.prompt)?;
            request.check_prompt(self.manifest.manifest().tokens)?;
            let recipient = recipient.unwrap_or(request.request.provider);
            if recipient.is_zero() {
                return Err(Error::NoRecipient);
            }
            let (book, job) = (request.claim_book, request.job);
            Ok(Task {
                prompt: request.prompt.clone(),
                new_tokens: request.request.new_tokens as usize,
                // A job orders an exact number of tokens.
                ignore_stop_tokens: true,
                context: context(request.chain, book, job, recipient),
                input_salt: Some(request.input_salt),
            })
        }
    }

    impl Session<'_> {
        /// What the requester gets: the generated tokens, and the salt that opens their digest; if the claim is of a job, with
        /// its id.
        ///
        /// # Errors
        /// If a file of the session cannot be read.
        pub fn output(&self) -> Result<OutputFile, Error> {
            let (secret, claim) = (self.dir.secret()?, self.dir.claim()?);
            let positions = self.model.manifest.manifest().tokens;
            let salt = Scalar(secret.sequence(positions).output_salt);
            let opens = Opens {
                job: claim.context.claim.0.into(),
                output_digest: claim.output_digest,
                positions: positions as u32,
            };
            let opens = Some(opens).filter(|opens| !opens.job.is_zero());
            Ok(OutputFile::new(salt, self.generated()?, opens))
        }
    }
}

//! What takes long of an epoch, and needs no chain: sessions of answers, and a final proof of layers of them. What is done is on
//! disk, so that it is found again.

use crate::commands::aggregate::Plan;
use crate::commands::prove::Opened;
use crate::commands::run::{Local, local};
use crate::data::Data;
use crate::output::{Out, Progress};
use anyhow::{Context, Result, ensure};
use nanozk::model_dir::ModelDir;
use nanozk_chain::epoch::answers::{Answer, Header};
use nanozk_executor::QuantizedModel;
use nanozk_prover::files;
use nanozk_prover::session::{SECRET_FORMAT, Secret, SessionDir};
use nanozk_verifier::statement::Context as ClaimContext;
use nanozk_verifier::{CheckedManifest, Claim, FinalFile, Parameters, window_layers};
use std::path::PathBuf;

/// An answer that has to have a session.
pub(super) struct Wanted {
    pub(super) session: SessionDir,
    pub(super) index: u32,
    pub(super) answer: Answer,
    pub(super) context: ClaimContext,
}

/// A final proof of layers of these answers.
pub(super) struct Proof {
    /// Of each answer.
    pub(super) layers: Vec<Vec<usize>>,
    /// Exactly these, or with others.
    pub(super) alone: bool,
    /// GiB.
    pub(super) memory: Option<f64>,
    pub(super) output: PathBuf,
}

pub(super) struct Work {
    /// For people.
    pub(super) what: String,
    /// Last second in which it is of use.
    pub(super) by: u64,
    pub(super) dir: ModelDir,
    pub(super) manifest: CheckedManifest,
    pub(super) header: Header,
    pub(super) answers: Vec<Wanted>,
    pub(super) proof: Option<Proof>,
}

/// What was made.
pub(super) struct Done {
    pub(super) claims: Vec<Claim>,
    file: Option<FinalFile>,
}

impl Done {
    /// Of work with a proof.
    pub(super) fn proved(self) -> Result<(Vec<Claim>, FinalFile)> {
        let file = self.file.context("no proof was wanted")?;
        Ok((self.claims, file))
    }
}

impl Work {
    /// That of an answer.
    pub(super) fn statement(&self, wanted: &Wanted) -> [u8; 32] {
        let Header {
            books,
            line,
            model_id,
            ..
        } = &self.header;
        let receipt = wanted.answer.receipt(&self.header, wanted.index);
        line.statement(books, *model_id, &receipt).0
    }

    /// What is on disk; none unless all of it is.
    pub(super) fn done(&self) -> Result<Option<Done>> {
        let mut claims = Vec::with_capacity(self.answers.len());
        for wanted in &self.answers {
            let Some(claim) = self.kept(wanted)? else {
                return Ok(None);
            };
            claims.push(claim);
        }
        let file = match &self.proof {
            None => None,
            Some(proof) => match self.kept_proof(proof) {
                None => return Ok(None),
                file => file,
            },
        };
        Ok(Some(Done { claims, file }))
    }

    /// Makes what is not there.
    pub(super) fn run(&self, data: &Data, out: &Out) -> Result<()> {
        self.commit(data)?;
        let Some(proof) = &self.proof else {
            return Ok(());
        };
        let path = Some(self.dir.path());
        let sessions = self.answers.iter().map(|wanted| wanted.session.path());
        let opened = sessions.map(|session| Opened::new(session, path));
        let opened: Vec<Opened> = opened.collect::<Result<_>>()?;
        let plan = Plan {
            opened: &opened,
            layers: &proof.layers,
            alone: proof.alone,
            memory: proof.memory,
        };
        plan.finish(&proof.output, data, out)?;
        Ok(())
    }

    /// Makes sessions, with a model that is loaded when the first is made.
    fn commit(&self, data: &Data) -> Result<()> {
        let mut made: Option<(QuantizedModel, Parameters, Local)> = None;
        let progress = Progress::bar(&self.what, self.answers.len());
        for wanted in &self.answers {
            progress.step();
            if self.kept(wanted)?.is_some() {
                continue;
            }
            let (model, parameters, local) = match &made {
                Some(made) => made,
                None => made.insert((
                    self.dir.model(&self.manifest)?,
                    data.parameters(&self.manifest)?,
                    local(&self.dir)?,
                )),
            };
            let Wanted {
                session,
                answer,
                context,
                ..
            } = wanted;
            session.keep(&Secret {
                format: SECRET_FORMAT.into(),
                seed: answer.seed,
                input_salt: None,
                prompt: answer.prompt as usize,
                tokens: answer.tokens.clone(),
            })?;
            files::write_json(&session.path().join("local.json"), local)?;
            session.commit(model, &self.manifest, *context, parameters)?;
        }
        Ok(())
    }

    /// The claim of an answer's session.
    fn kept(&self, wanted: &Wanted) -> Result<Option<Claim>> {
        let claim = wanted.session.claim().ok();
        let claim = claim.filter(|claim| claim.context == wanted.context);
        // One that is there may have been made of something else.
        if let Some(claim) = &claim {
            ensure!(
                claim.statement() == self.statement(wanted),
                "{} is a session of another answer than {}: remove it",
                wanted.session.path().display(),
                wanted.index
            );
        }
        Ok(claim)
    }

    /// The proof that is there, if it is of these answers and layers.
    fn kept_proof(&self, proof: &Proof) -> Option<FinalFile> {
        let file: FinalFile = files::read_json_of_session(&proof.output).ok()?;
        let mut all = file.claims.iter().zip(&self.answers).zip(&proof.layers);
        let is_of_these = all.all(|((said, wanted), layers)| {
            let windows = said.windows.iter();
            let own = windows.flat_map(|w| window_layers((w.first, w.count)));
            let own: Vec<usize> = own.collect();
            let has_all = match proof.alone {
                true => own == *layers,
                false => layers.iter().all(|layer| own.contains(layer)),
            };
            said.statement.0 == self.statement(wanted) && has_all
        });
        (file.claims.len() == self.answers.len() && is_of_these).then_some(file)
    }
}

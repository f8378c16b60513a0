//! A model on a thread of its own: one request after the other.

use crate::epochs::Epochs;
use crate::error::{Error, Problem};
use crate::stop::Stops;
use crate::store::Store;
use axum::http::StatusCode;
use nanozk_chain::PrivateKeySigner;
use nanozk_chain::answer::Signed;
use nanozk_chain::primitives::Address;
use nanozk_chain::receipt::{Opening, RECEIPT_FORMAT, Receipt, Served};
use nanozk_executor::{Executor, Generation, QuantizedModel};
use nanozk_model::{ChatTemplate, TextStream, Tokenizer};
use nanozk_prover::session::Secret;
use nanozk_verifier::hex::Scalar;
use nanozk_verifier::{CheckedManifest, GREEDY};
use rand_core::OsRng;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// A model that is served.
#[derive(Debug)]
pub struct Model {
    /// By which clients ask for it.
    pub name: String,
    /// Its version.
    pub version: CheckedManifest,
    /// Texts and tokens.
    pub tokenizer: Tokenizer,
    /// How messages become prompts, if it says so.
    pub template: Option<ChatTemplate>,
    /// Tokens after which it stops.
    pub stop_tokens: Vec<u32>,
    /// What sessions remember of this machine: `local.json`.
    pub local: serde_json::Value,
}

/// What is to be generated.
#[derive(Debug)]
pub struct Job {
    /// Name of the answer, and of its directory.
    pub name: String,
    /// Prompt.
    pub prompt: Vec<u32>,
    /// Tokens to generate, at most.
    pub most: usize,
    /// Texts at which the answer ends.
    pub stops: Vec<String>,
    /// Go on after stop tokens.
    pub ignore_eos: bool,
    /// Whose channel pays, of a model whose answers are of epochs; else zero.
    pub requester: Address,
    /// Who waits. A client that has gone is not computed for.
    pub events: mpsc::UnboundedSender<Event>,
}

/// What happens to a job.
#[derive(Debug)]
pub enum Event {
    /// More of the text.
    Text(String),
    /// All of it was sent.
    Done(Box<Done>),
    /// There is no answer.
    Failed(Problem),
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Done {
    /// Whether a stop token or a stop text ended it, not the number of tokens.
    pub is_stopped: bool,
    /// The receipt, and what opens it.
    pub signed: Signed,
}

/// Where a model's answers are kept.
#[derive(Clone, Debug)]
pub enum Keeping {
    /// Each by itself, for as long as its receipt says.
    Alone(Store),
    /// In epochs.
    InEpochs(Arc<Epochs>),
}

/// Hands jobs to a model's thread.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The model.
    pub model: Arc<Model>,
    /// Who signs.
    pub provider: Address,
    /// Of which epochs its answers are, if of any.
    pub epochs: Option<Arc<Epochs>>,
    queue: mpsc::Sender<Job>,
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

impl Worker {
    /// Starts a model's thread, with room for so many waiting jobs.
    ///
    /// # Errors
    /// If the model cannot be executed.
    pub fn start(
        model: Model,
        quantized: QuantizedModel,
        signer: PrivateKeySigner,
        keeping: Keeping,
        waiting: usize,
    ) -> Result<Self, Error> {
        let model = Arc::new(model);
        let provider = signer.address();
        let (queue, mut jobs) = mpsc::channel::<Job>(waiting);
        let (ready, is_ready) = std::sync::mpsc::channel();
        let own = Arc::clone(&model);
        let epochs = match &keeping {
            Keeping::Alone(_) => None,
            Keeping::InEpochs(epochs) => Some(Arc::clone(epochs)),
        };
        std::thread::spawn(move || {
            let executor = match Executor::new(&quantized) {
                Ok(executor) => executor,
                Err(e) => {
                    let _ = ready.send(Err(e));
                    return;
                }
            };
            let _ = ready.send(Ok(()));
            let place = Place {
                model: &own,
                executor,
                signer,
                keeping,
            };
            while let Some(job) = jobs.blocking_recv() {
                place.answer(&job);
            }
        });
        let started = is_ready.recv().expect("the thread says whether it starts");
        started.map_err(|source| Error::Model {
            name: model.name.clone(),
            source,
        })?;
        Ok(Self {
            model,
            provider,
            epochs,
            queue,
        })
    }

    /// Tokens that an answer may have, at most.
    ///
    /// # Errors
    /// If prompt and answer do not fit a session.
    pub fn room(&self, prompt: usize, most: Option<usize>) -> Result<usize, Problem> {
        let positions = self.model.version.manifest().tokens;
        let room = positions.saturating_sub(prompt);
        match most.unwrap_or(room) {
            most if most > 0 && most <= room => Ok(most),
            most => {
                let message = format!(
                    "prompt and answer have {positions} tokens at most: the prompt has {prompt}, and {} more are asked for",
                    most.max(1)
                );
                Err(Problem::bad(
                    "max_tokens",
                    "context_length_exceeded",
                    message,
                ))
            }
        }
    }

    /// Hands a job over.
    ///
    /// # Errors
    /// If too many wait.
    pub fn submit(&self, job: Job) -> Result<(), Problem> {
        self.queue.try_send(job).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                format!(
                    "{} requests wait for this model: try again later",
                    self.queue.max_capacity()
                ),
            ),
            mpsc::error::TrySendError::Closed(_) => Problem::stopped(),
        })
    }
}

/// What a model's thread works with.
struct Place<'a> {
    model: &'a Model,
    executor: Executor<'a>,
    signer: PrivateKeySigner,
    keeping: Keeping,
}

/// How generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// By one of the model's tokens.
    StopToken,
    /// By one of the request's texts, which is not shown.
    StopText,
    /// As many tokens as were asked for.
    Length,
    /// Nobody waits any more.
    Left,
}

fn failed(code: &'static str, message: String) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, code, message)
}

/// Tokens on their way to a client.
struct Answering<'a> {
    job: &'a Job,
    stop_tokens: &'a [u32],
    text: TextStream<'a>,
    stops: Stops,
}

/// Sends text to whoever waits.
fn show(job: &Job, text: String) -> Option<End> {
    if text.is_empty() {
        return None;
    }
    let sent = job.events.send(Event::Text(text));
    sent.is_err().then_some(End::Left)
}

impl Answering<'_> {
    /// Whether it ends with this token.
    fn token(&mut self, token: u32) -> Result<Option<End>, Problem> {
        // Also while nothing is shown.
        if self.job.events.is_closed() {
            return Ok(Some(End::Left));
        }
        if !self.job.ignore_eos && self.stop_tokens.contains(&token) {
            return Ok(Some(End::StopToken));
        }
        let piece = self.text.push(token).map_err(no_text)?;
        let shown = self.stops.push(&piece);
        let left = show(self.job, shown.text);
        Ok(left.or(shown.is_last.then_some(End::StopText)))
    }

    /// What was held back.
    fn finish(self, end: End) -> Result<End, Problem> {
        if matches!(end, End::StopText | End::Left) {
            return Ok(end);
        }
        let Answering {
            job,
            text,
            mut stops,
            ..
        } = self;
        let shown = stops.push(&text.finish().map_err(no_text)?);
        if let Some(left) = show(job, shown.text) {
            return Ok(left);
        }
        if shown.is_last {
            return Ok(End::StopText);
        }
        Ok(show(job, stops.finish()).unwrap_or(end))
    }
}

fn not_kept(e: impl std::fmt::Display) -> Problem {
    failed("not_kept", format!("the answer cannot be kept: {e}"))
}

fn no_text(e: nanozk_model::Error) -> Problem {
    failed("no_text", format!("the answer has no text: {e}"))
}

impl Place<'_> {
    fn answer(&self, job: &Job) {
        if job.events.is_closed() {
            return;
        }
        match self.done(job) {
            Ok(None) => tracing::info!(answer = job.name, "the client left"),
            Ok(Some(done)) => {
                let _ = job.events.send(Event::Done(Box::new(done)));
            }
            Err(problem) => {
                tracing::error!(answer = job.name, "{}", problem.message);
                let _ = job.events.send(Event::Failed(problem));
            }
        }
    }

    /// Nothing if the client left.
    fn done(&self, job: &Job) -> Result<Option<Done>, Problem> {
        let mut answering = Answering {
            job,
            stop_tokens: &self.model.stop_tokens,
            text: TextStream::new(&self.model.tokenizer, &job.prompt),
            stops: Stops::new(job.stops.clone()),
        };
        let clock = Instant::now();
        let mut end = Ok(End::Length);
        let on_token = |token| {
            match answering.token(token) {
                Ok(None) => return ControlFlow::Continue(()),
                Ok(Some(ended)) => end = Ok(ended),
                Err(problem) => end = Err(problem),
            }
            ControlFlow::Break(())
        };
        let generation = self.executor.generation(&job.prompt, job.most, on_token);
        let generation = generation.map_err(|e| {
            failed(
                "model_failed",
                format!("the model fails on this prompt: {e}"),
            )
        })?;
        let end = answering.finish(end?)?;
        if end == End::Left {
            return Ok(None);
        }
        let generated_after = clock.elapsed();
        let signed = self.keep(job, generation)?;
        tracing::info!(
            answer = job.name,
            model = self.model.name,
            prompt = signed.opening().prompt.len(),
            generated = signed.opening().generated.len(),
            generation_seconds = generated_after.as_secs_f64(),
            receipt_seconds = (clock.elapsed() - generated_after).as_secs_f64(),
            "answered"
        );
        let is_stopped = end != End::Length;
        Ok(Some(Done { is_stopped, signed }))
    }

    /// Writes what a proof takes, and signs. The client gets a receipt of nothing that could be lost.
    fn keep(&self, job: &Job, generation: Generation<'_>) -> Result<Signed, Problem> {
        let generated = generation.generated().to_vec();
        let tokens = [job.prompt.as_slice(), &generated].concat();
        let secret = Secret::new(tokens, job.prompt.len(), None, &mut OsRng);
        match &self.keeping {
            Keeping::Alone(store) => {
                let served = self.keep_alone(store, job, generated, &secret)?;
                Ok(Signed::Alone(Box::new(served)))
            }
            Keeping::InEpochs(epochs) => {
                let positions = epochs.header().positions;
                // A receipt of an answer that has no proof would cost the bond.
                let provable = generation.check(positions as usize);
                provable.map_err(|e| {
                    let message =
                        format!("this answer could not be proved, so it is not given: {e}");
                    failed("model_failed", message)
                })?;
                let kept = epochs.keep(&secret, job.requester, &self.signer);
                let receipt = kept.map_err(not_kept)?;
                Ok(Signed::OfEpoch(Box::new(receipt)))
            }
        }
    }

    fn keep_alone(
        &self,
        store: &Store,
        job: &Job,
        generated: Vec<u32>,
        secret: &Secret,
    ) -> Result<Served, Problem> {
        let positions = self.model.version.manifest().tokens;
        let sequence = secret.sequence(positions);
        let [input, output] = sequence.digests();
        // No more than positions.
        let count = |tokens: usize| u32::try_from(tokens).unwrap_or(u32::MAX);
        let issued_at = now();
        let receipt = Receipt {
            format: RECEIPT_FORMAT.into(),
            provider: self.signer.address(),
            model_id: self.model.version.id(),
            input_digest: Scalar(input),
            output_digest: Scalar(output),
            prompt_tokens: count(sequence.prompt),
            generated_tokens: count(sequence.generated),
            decoding: GREEDY,
            seed_digest: secret.seed_digest(),
            issued_at,
            kept_until: issued_at.saturating_add(store.retention),
            signature: Default::default(),
        };
        let served = Served {
            receipt: receipt.signed(&self.signer),
            opening: Opening {
                positions: count(positions),
                prompt: job.prompt.clone(),
                generated,
                input_salt: Scalar(sequence.prompt_salt),
                output_salt: Scalar(sequence.output_salt),
            },
        };
        let kept = store.keep(&job.name, secret, &served, &self.model.local);
        kept.map_err(not_kept)?;
        Ok(served)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn test(file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../test")
            .join(file)
    }

    fn tokenizer() -> Tokenizer {
        Tokenizer::load(&test("models/tiny-gpt2/tokenizer.json"), 1 << 16).expect("a tokenizer")
    }

    fn job() -> (Job, mpsc::UnboundedReceiver<Event>) {
        let (events, receiver) = mpsc::unbounded_channel();
        let job = Job {
            name: "one".into(),
            prompt: tokenizer().encode("Ownership is").expect("tokens"),
            most: 5,
            stops: vec!["stop".into()],
            ignore_eos: false,
            requester: Address::ZERO,
            events,
        };
        (job, receiver)
    }

    /// What a client got of some tokens, and how its answer ended.
    fn answered(text: &str, stop_tokens: &[u32], change: fn(&mut Job)) -> (String, End) {
        let tokenizer = tokenizer();
        let (mut job, mut receiver) = job();
        change(&mut job);
        let mut answering = Answering {
            job: &job,
            stop_tokens,
            text: TextStream::new(&tokenizer, &job.prompt),
            stops: Stops::new(job.stops.clone()),
        };
        let mut end = End::Length;
        for token in tokenizer.encode(text).expect("tokens") {
            if let Some(ended) = answering.token(token).expect("a text") {
                end = ended;
                break;
            }
        }
        let end = answering.finish(end).expect("a text");
        let mut shown = String::new();
        while let Ok(Event::Text(more)) = receiver.try_recv() {
            shown += &more;
        }
        (shown, end)
    }

    #[test]
    fn answers_end_where_they_should() {
        let keep = |_: &mut Job| {};
        let all = |text: &str, end| (text.to_owned(), end);
        let text = " a word, and an end";
        assert_eq!(answered(text, &[], keep), all(text, End::Length));
        let stopped = " a word, stop and more";
        assert_eq!(
            answered(stopped, &[], keep),
            all(" a word, ", End::StopText)
        );
        // What could have become a stop text.
        let almost = " a word, sto";
        assert_eq!(answered(almost, &[], keep), all(almost, End::Length));
        let last = *tokenizer()
            .encode(text)
            .expect("tokens")
            .last()
            .expect("one");
        let shown = tokenizer().decode(&[last]).expect("a text");
        let before = text.strip_suffix(&shown).expect("its end");
        assert_eq!(answered(text, &[last], keep), all(before, End::StopToken));
        let going_on = answered(text, &[last], |job| job.ignore_eos = true);
        assert_eq!(going_on, all(text, End::Length));
    }

    #[test]
    fn nothing_is_computed_for_clients_that_left() {
        let tokenizer = tokenizer();
        let (job, receiver) = job();
        let mut answering = Answering {
            job: &job,
            stop_tokens: &[],
            text: TextStream::new(&tokenizer, &job.prompt),
            stops: Stops::new(Vec::new()),
        };
        assert_eq!(answering.token(5), Ok(None));
        drop(receiver);
        assert_eq!(answering.token(5), Ok(Some(End::Left)));
        assert_eq!(answering.finish(End::Left), Ok(End::Left));
    }

    #[test]
    fn queues_and_sessions_have_an_end() {
        let sessions = std::fs::read(test("fixtures/session/sessions.json")).expect("sessions");
        let sessions: serde_json::Value = serde_json::from_slice(&sessions).expect("JSON");
        let manifest = serde_json::from_value(sessions[0]["manifest"].clone());
        let version = CheckedManifest::new(manifest.expect("a manifest")).expect("a model's");
        let positions = version.manifest().tokens;
        let (queue, jobs) = mpsc::channel(1);
        let worker = Worker {
            model: Arc::new(Model {
                name: "small".into(),
                version,
                tokenizer: tokenizer(),
                template: None,
                stop_tokens: Vec::new(),
                local: serde_json::Value::Null,
            }),
            epochs: None,
            provider: Default::default(),
            queue,
        };
        assert_eq!(worker.room(1, None), Ok(positions - 1));
        assert_eq!(worker.room(1, Some(2)), Ok(2));
        for (prompt, most) in [
            (1, Some(positions)),
            (positions, None),
            (positions + 9, Some(1)),
        ] {
            let problem = worker.room(prompt, most).expect_err("no room");
            assert_eq!(problem.code, "context_length_exceeded");
        }
        worker.submit(job().0).expect("room for one");
        let problem = worker.submit(job().0).expect_err("full");
        assert_eq!(problem.status, StatusCode::TOO_MANY_REQUESTS);
        drop(jobs);
        let problem = worker.submit(job().0).expect_err("nobody works");
        assert_eq!(problem.status, StatusCode::SERVICE_UNAVAILABLE);
    }
}

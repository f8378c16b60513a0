//! A session on disk: claimed once, proved layer by layer, resumable.
//!
//! | file | content |
//! |---|---|
//! | `card.json` | the model card |
//! | `session.json` | the public claim |
//! | `secret.json` | seed, tokens: for the provider, and whoever it chooses to tell |
//! | `openings.json` | how often each boundary commitment was opened; never more often than its randomness allows |
//! | `lock` | held while proving |
//! | `proofs/<layer>.proof` | proofs |
//! | `aggregate/` | what an aggregate is made of; see [`crate::aggregate`] |
//! | `aggregate.proof` | one proof for all layers |

use crate::files::{self, FileError, Lock};
use crate::keys::Prepared;
use crate::plonk::{commit_column, prove, Stage, Witness};
use crate::registration::{blind, stream, weight_columns};
use crate::Error;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_circuits::embed::SequenceTrace;
use nanozk_circuits::ir::{Kind, Program, BLIND_ROWS};
use nanozk_circuits::poseidon::sequence_digests;
use nanozk_circuits::{LayerKind, LayerTrace, LayerWeights, Shape};
use nanozk_executor::{padded, QuantizedModel, Trace};
use nanozk_setup::Setup;
use nanozk_verifier::card::{layer_kinds, ModelCard};
use nanozk_verifier::hex::{Digest32, Point, Scalar};
use nanozk_verifier::session::{
    check_layer_key, LayerProof, Session, SessionError, SESSION_FORMAT,
};
use nanozk_verifier::statement::Context;
use nanozk_verifier::TranscriptKind;
use rand_core::{CryptoRng, RngCore};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;

/// Format name of the secret part.
pub const SECRET_FORMAT: &str = "nanozk-secret-1";

/// What opens a session's commitments and digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// [`SECRET_FORMAT`].
    pub format: String,
    /// All blinding of the boundary commitments and both salts follow from it.
    pub seed: Digest32,
    /// Salt of the input digest, if whoever asked chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_salt: Option<Scalar>,
    /// Number of prompt tokens.
    pub prompt: usize,
    /// Prompt and generated tokens.
    pub tokens: Vec<u32>,
}

impl Secret {
    /// That of a session's directory.
    pub fn read(session: &Path) -> Result<Self, FileError> {
        let path = session.join("secret.json");
        let secret: Self = files::read_json_of_session(&path)?;
        let invalid = |reason| FileError::Content {
            path: path.clone(),
            reason,
        };
        if secret.format != SECRET_FORMAT {
            return Err(invalid(format!(
                "format {:?} where {SECRET_FORMAT:?} is needed",
                secret.format
            )));
        }
        if secret.prompt == 0 || secret.prompt >= secret.tokens.len() {
            return Err(invalid(format!(
                "a prompt of {} tokens in a sequence of {}",
                secret.prompt,
                secret.tokens.len()
            )));
        }
        Ok(secret)
    }

    /// The sequence the circuits see.
    pub fn sequence(&self, n: usize) -> SequenceTrace {
        SequenceTrace {
            tokens: padded(&self.tokens, n),
            prompt: self.prompt,
            generated: self.tokens.len() - self.prompt,
            input_salt: match self.input_salt {
                Some(salt) => salt.0,
                None => Fr::random(stream(&self.seed.0, "input salt", 0, 0)),
            },
            output_salt: Fr::random(stream(&self.seed.0, "output salt", 0, 0)),
        }
    }
}

/// What a session's public part says if its secret part is true: whoever has the model and was told the secret can
/// compare it with what was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// Salted digest of the prompt.
    pub input_digest: Scalar,
    /// Salted digest of the generated tokens.
    pub output_digest: Scalar,
    /// Commitments to the residual stream between layers.
    pub boundaries: Vec<Point>,
    /// The first position whose token is not the one that the model generates.
    pub wrong_token: Option<usize>,
}

/// Executes a session again.
///
/// # Errors
/// If the tokens do not fit the model, or a value is out of its range.
pub fn recompute(
    model: &QuantizedModel,
    card: &ModelCard,
    secret: &Secret,
    setup: &Setup,
) -> Result<Computed, Error> {
    let (prompt, tokens, n) = (secret.prompt, &secret.tokens, card.tokens);
    if prompt == 0 || tokens.len() <= prompt {
        return Err(Error::NothingGenerated);
    }
    if tokens.len() > n {
        return Err(Error::TooLong {
            tokens: tokens.len(),
            registered: n,
        });
    }
    let sequence = secret.sequence(n);
    let trace = model.forward(&sequence.tokens)?;
    let wrong_token = (prompt..tokens.len()).find(|t| trace.head.argmax[t - 1] != tokens[*t]);
    let (input, output) = sequence.digests();
    let kinds = layer_kinds(
        card.architecture.layers,
        card.layers.len() == card.architecture.layers + 2,
    );
    let rows = 1usize << setup.k();
    let boundaries = boundaries(&trace, &kinds)
        .into_par_iter()
        .enumerate()
        .map(|(b, x)| {
            Point(commit_column(
                setup.params(),
                boundary_values(rows, &secret.seed.0, b, x, n),
            ))
        })
        .collect();
    Ok(Computed {
        input_digest: Scalar(input),
        output_digest: Scalar(output),
        boundaries,
        wrong_token,
    })
}

/// A directory that holds a session.
#[derive(Clone, Debug)]
pub struct SessionDir {
    path: PathBuf,
    /// Directory of the layers' proofs.
    proofs: &'static str,
}

#[derive(Default, Serialize, Deserialize)]
struct Openings {
    boundaries: Vec<usize>,
}

/// What happens while layers are proved.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A valid proof was already there.
    Kept(usize),
    /// A layer enters a stage.
    Stage(usize, Stage),
    /// A layer's proof is on disk.
    Proved {
        /// Layer.
        layer: usize,
        /// Its size.
        bytes: usize,
        /// Time it took.
        wall: std::time::Duration,
    },
}

/// What a session claims.
#[derive(Clone, Copy, Debug)]
pub struct Generated<'a> {
    /// Where the claim is made.
    pub context: Context,
    /// Prompt and generated tokens.
    pub tokens: &'a [u32],
    /// Number of prompt tokens.
    pub prompt: usize,
    /// Salt of the input digest; none: one of the session's own.
    pub input_salt: Option<Scalar>,
}

/// How to prove.
#[derive(Clone, Debug)]
pub struct Options {
    /// Layers to prove; all if empty.
    pub layers: Vec<usize>,
    /// Transcript of the proofs.
    pub transcript: TranscriptKind,
    /// Layers at a time.
    pub jobs: usize,
}

/// Residual streams between the layers.
fn boundaries<'a>(trace: &'a Trace, kinds: &[(LayerKind, usize)]) -> Vec<&'a [i64]> {
    kinds[..kinds.len() - 1]
        .iter()
        .map(|(kind, block)| match kind {
            LayerKind::Embed => trace.embed.out.as_slice(),
            LayerKind::Attention => &trace.blocks[*block].0.output,
            _ => &trace.blocks[*block].1.output,
        })
        .collect()
}

/// A session that this process alone proves.
#[derive(Debug)]
pub struct Locked<'a> {
    dir: &'a SessionDir,
    _lock: Lock,
}

impl Locked<'_> {
    /// Proves layers that have no valid proof yet: openings are counted.
    ///
    /// # Panics
    /// If the shape of a layer to prove is not among `prepared`.
    pub fn prove(
        &self,
        model: &QuantizedModel,
        weight_seed: &[u8; 32],
        setup: &Setup,
        prepared: &HashMap<Shape, Prepared>,
        options: &Options,
        events: &(dyn Fn(Event) + Sync),
    ) -> Result<(), Error> {
        self.dir.check_opens()?;
        self.dir
            .prove_unchecked(model, weight_seed, setup, prepared, options, events)
    }
}

impl SessionDir {
    /// A session directory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        SessionDir {
            path: path.into(),
            proofs: "proofs",
        }
    }

    /// The same session with the proofs of layers that its aggregate is made of, which are others: their transcript is
    /// one that circuits recompute.
    pub fn for_aggregate(&self) -> Self {
        SessionDir {
            path: self.path.clone(),
            proofs: "aggregate",
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The public claim.
    pub fn session(&self) -> Result<Session, FileError> {
        files::read_json_of_session(&self.path.join("session.json"))
    }

    /// The model card.
    pub fn card(&self) -> Result<ModelCard, FileError> {
        files::read_json_of_session(&self.path.join("card.json"))
    }

    /// The secret part.
    pub fn secret(&self) -> Result<Secret, FileError> {
        Secret::read(&self.path)
    }

    /// Where the proof of a layer is.
    pub fn proof_path(&self, layer: usize) -> PathBuf {
        self.path
            .join(self.proofs)
            .join(format!("{layer:03}.proof"))
    }

    /// The proof of a layer, if there is a file for it.
    pub fn proof(&self, layer: usize) -> Result<Option<LayerProof>, Error> {
        let path = self.proof_path(layer);
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(LayerProof::from_file(
            layer,
            &files::read_of_session(&path)?,
        )?))
    }

    /// Runs the model on tokens that it generated itself, commits to every boundary, and writes the claim.
    pub fn create(
        &self,
        model: &QuantizedModel,
        card: &ModelCard,
        generated: &Generated<'_>,
        setup: &Setup,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Session, Error> {
        let Generated {
            context,
            tokens,
            prompt,
            input_salt,
        } = *generated;
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let secret = Secret {
            format: SECRET_FORMAT.into(),
            seed: Digest32(seed),
            input_salt,
            prompt,
            tokens: tokens.to_vec(),
        };
        let computed = recompute(model, card, &secret, setup)?;
        if let Some(position) = computed.wrong_token {
            return Err(Error::NotGenerated { position });
        }
        let session = Session {
            format: SESSION_FORMAT.into(),
            model_id: card.model_id(),
            context,
            input_digest: computed.input_digest,
            output_digest: computed.output_digest,
            boundaries: computed.boundaries,
        };
        files::create_dir(&self.path.join("proofs"))?;
        files::write_json(&self.path.join("card.json"), card)?;
        files::write_json_secret(&self.path.join("secret.json"), &secret)?;
        let openings = Openings {
            boundaries: vec![0; session.boundaries.len()],
        };
        files::write_json(&self.path.join("openings.json"), &openings)?;
        files::write_json(&self.path.join("session.json"), &session)?;
        Ok(session)
    }

    /// Whether the secret part opens what the public one claims: cheap, and worth knowing before keys are made.
    pub fn check_opens(&self) -> Result<(), Error> {
        let (session, card, secret) = (self.session()?, self.card()?, self.secret()?);
        if secret.tokens.len() > card.tokens {
            return Err(Error::TooLong {
                tokens: secret.tokens.len(),
                registered: card.tokens,
            });
        }
        Ok(self.check_secret(&session, &secret.sequence(card.tokens))?)
    }

    /// A secret part that was changed gives proofs that are not valid, and says nothing of why.
    fn check_secret(&self, session: &Session, sequence: &SequenceTrace) -> Result<(), FileError> {
        let (input, output) = sequence.digests();
        let what = match (
            input == session.input_digest.0,
            output == session.output_digest.0,
        ) {
            (true, true) => return Ok(()),
            (false, _) => "input",
            (true, false) => "output",
        };
        Err(FileError::Content {
            path: self.path.join("secret.json"),
            reason: format!(
                "it does not open the {what} digest of session.json: it was changed, or is of another session"
            ),
        })
    }

    /// Counts openings of a layer's boundaries before they happen.
    fn count_openings(
        &self,
        lock: &Mutex<()>,
        layer: usize,
        program: &Program,
    ) -> Result<(), Error> {
        let _guard = lock.lock().expect("no thread panics while it counts");
        let path = self.path.join("openings.json");
        let mut openings: Openings = files::read_json(&path)?;
        let count = |kind| {
            program
                .openings()
                .iter()
                .filter(|c| program.info(c.column).kind == kind)
                .count()
                // The quotient's commitments depend on the column at the secret, rotated likewise.
                * 2
        };
        let ends = [
            (layer.checked_sub(1), count(Kind::Input)),
            (Some(layer), count(Kind::Output)),
        ];
        for (boundary, more) in ends {
            let Some(used) = boundary.and_then(|b| openings.boundaries.get_mut(b)) else {
                continue;
            };
            // One evaluation is given away by the commitment itself.
            if *used + more + 1 > BLIND_ROWS {
                return Err(Error::OpenedTooOften {
                    layer,
                    openings: *used,
                });
            }
            *used += more;
        }
        Ok(files::write_json(&path, &openings)?)
    }

    /// Takes the lock that proving needs, without waiting: one process at a time proves a session.
    pub fn lock(&self) -> Result<Locked<'_>, FileError> {
        let _lock = files::lock(&self.path.join("lock"))?;
        Ok(Locked { dir: self, _lock })
    }

    /// Proves whatever the session claims: the secret part may be another session's, as a cheating prover's would.
    pub(crate) fn prove_unchecked(
        &self,
        model: &QuantizedModel,
        weight_seed: &[u8; 32],
        setup: &Setup,
        prepared: &HashMap<Shape, Prepared>,
        options: &Options,
        events: &(dyn Fn(Event) + Sync),
    ) -> Result<(), Error> {
        files::create_dir(&self.path.join(self.proofs))?;
        let (session, card, secret) = (self.session()?, self.card()?, self.secret()?);
        card.check().map_err(SessionError::from)?;
        if session.model_id != card.model_id() {
            return Err(Error::SessionOfAnotherModel);
        }
        if session.boundaries.len() + 1 != card.layers.len() {
            return Err(SessionError::Boundaries {
                expected: card.layers.len() - 1,
                got: session.boundaries.len(),
            }
            .into());
        }
        let sequence = secret.sequence(card.tokens);
        let trace = model.forward(&sequence.tokens)?;
        let kinds = layer_kinds(
            card.architecture.layers,
            card.layers.len() == card.architecture.layers + 2,
        );
        let layers: Vec<usize> = if options.layers.is_empty() {
            (0..kinds.len()).collect()
        } else {
            options.layers.clone()
        };
        if let Some(&layer) = layers.iter().find(|l| **l >= kinds.len()) {
            return Err(Error::NoSuchLayer {
                layer,
                layers: kinds.len(),
            });
        }
        let keys: HashMap<Shape, _> = prepared
            .iter()
            .map(|(s, p)| (*s, p.key.vk().clone()))
            .collect();
        for layer in &layers {
            check_layer_key(&card, *layer, &keys)?;
        }
        let params = crate::plonk::verifier_params(setup.params(), setup.id());
        let lock = Mutex::new(());
        let seed_checked = AtomicBool::new(false);
        let streams = boundaries(&trace, &kinds);
        let one = |layer: usize| -> Result<(), Error> {
            if let Ok(Some(proof)) = self.proof(layer) {
                let same = proof.transcript == options.transcript;
                if same
                    && session
                        .verify_layer(layer, &card, &keys, &params, &proof)
                        .is_ok()
                {
                    events(Event::Kept(layer));
                    return Ok(());
                }
            }
            let start = std::time::Instant::now();
            let (kind, block) = kinds[layer];
            let p = &prepared[&card.shape(&card.layers[layer])];
            let program = &p.layer.program;
            let values = match kind {
                LayerKind::Embed => LayerTrace::Embed(&sequence, &trace.embed.out),
                LayerKind::Attention => LayerTrace::Attention(&trace.blocks[block].0),
                LayerKind::Mlp => LayerTrace::Mlp(&trace.blocks[block].1),
                LayerKind::Block => {
                    LayerTrace::Block(&trace.blocks[block].0, &trace.blocks[block].1)
                }
                LayerKind::Head => LayerTrace::Head(&sequence, &trace.head),
            };
            let mut rng = rand_core::OsRng;
            let mut first_phase = p.layer.witness(values, || rng.next_u64())?;
            let mut weights = weight_columns(
                &p.layer,
                LayerWeights::of(model, kind, block),
                weight_seed,
                layer,
            );
            let (first, registered) = (weights.first(), card.layers[layer].weights.first());
            if let (Some(first), Some(registered)) = (first, registered) {
                // The seed is one for all layers.
                let unchecked = !seed_checked.swap(true, Ordering::Relaxed);
                if unchecked && commit_column(setup.params(), first.clone()) != registered.0 {
                    return Err(Error::WeightSeed { layer });
                }
            }
            let mut known: BTreeMap<_, G1Affine> = BTreeMap::new();
            let mut next_weight = 0;
            let boundary = |kind| {
                if kind == Kind::Input {
                    layer - 1
                } else {
                    layer
                }
            };
            for (column, values) in program.first_phase().into_iter().zip(&mut first_phase) {
                match program.info(column).kind {
                    Kind::Weight => {
                        *values = std::mem::take(&mut weights[next_weight]);
                        known.insert(column, card.layers[layer].weights[next_weight].0);
                        next_weight += 1;
                    }
                    kind @ (Kind::Input | Kind::Output) => {
                        let b = boundary(kind);
                        *values = boundary_values(
                            program.rows(),
                            &secret.seed.0,
                            b,
                            streams[b],
                            card.tokens,
                        );
                        known.insert(column, session.boundaries[b].0);
                    }
                    _ => {}
                }
            }
            self.count_openings(&lock, layer, program)?;
            let instances = session.instances(kind, kinds.len());
            let witness = Witness {
                first_phase,
                known,
                instances: &instances,
            };
            let proof = prove(
                setup.params(),
                &p.key,
                witness,
                options.transcript,
                &mut rng,
                &|stage| {
                    events(Event::Stage(layer, stage));
                },
            )?;
            let proof = LayerProof {
                layer: layer as u32,
                statement: session.statement(kinds.len()).digest(),
                transcript: options.transcript,
                bytes: proof.to_bytes(),
            };
            // A proof that does not verify is never written: it would mean a broken machine or model.
            session.verify_layer(layer, &card, &keys, &params, &proof)?;
            files::write(&self.proof_path(layer), &proof.to_file())?;
            events(Event::Proved {
                layer,
                bytes: proof.bytes.len(),
                wall: start.elapsed(),
            });
            Ok(())
        };
        let queue = Mutex::new(layers.into_iter());
        let failed: Mutex<Option<Error>> = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..options.jobs.max(1) {
                scope.spawn(|| loop {
                    if failed.lock().expect("no panics").is_some() {
                        return;
                    }
                    let Some(layer) = queue.lock().expect("no panics").next() else {
                        return;
                    };
                    if let Err(e) = one(layer) {
                        failed.lock().expect("no panics").get_or_insert(e);
                    }
                });
            }
        });
        match failed.into_inner().expect("no panics") {
            Some(e) => Err(e),
            None => Ok(()),
        }
    }
}

/// A salt for a digest.
pub fn random_salt(rng: &mut (impl RngCore + CryptoRng)) -> Fr {
    Fr::random(rng)
}

/// Salted digest of a prompt in a session of `n` positions.
///
/// # Panics
/// If the prompt is longer than that.
pub fn input_digest(prompt: &[u32], n: usize, salt: Fr) -> Fr {
    // The generated tokens are no part of it.
    sequence_digests(&padded(prompt, n), prompt.len(), 0, salt, Fr::ZERO).0
}

/// The column of a residual boundary: values and blinding.
pub fn boundary_values(
    rows: usize,
    seed: &[u8; 32],
    boundary: usize,
    x: &[i64],
    n: usize,
) -> Vec<Fr> {
    let d = x.len() / n;
    let mut column = vec![Fr::ZERO; rows];
    for (at, value) in x.iter().enumerate() {
        let (t, i) = (at / d, at % d);
        column[i * n + t] = Fr::from((value + nanozk_circuits::norm::RESIDUAL_OFFSET) as u64);
    }
    blind(&mut column, stream(seed, "boundary", boundary as u64, 0));
    column
}

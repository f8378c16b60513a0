//! A session on disk, proved by joint proofs of sets of its layers.
//!
//! | file | content |
//! |---|---|
//! | `manifest.json` | the model's manifest |
//! | `claim.json` | the public claim |
//! | `secret.json` | seed, tokens: for the provider, and whoever it chooses to tell |
//! | `lock` | held while proving |
//! | `proofs/<layers>.proof` | proofs, each named after its layers: `0-25`, `3`, `1-4_9` |
//!
//! `finish.rs` has what is beside them once a session has a final proof.

use crate::files::{self, FileError, Lock};
use crate::registration::{Part, weight_columns, weight_tail};
use crate::{Error, blinding, stream};
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_argument::{Stage, check_hiding, commit, prove};
use nanozk_circuit::{ColumnData, ColumnKind, Estimate, Layout, Program, Values};
use nanozk_executor::{QuantizedModel, Trace, padded};
use nanozk_layers::{Layers, Selection, Sequence, Weights};
use nanozk_transcript::RecursionTranscript;
use nanozk_verifier::hex::{Digest32, Point, Scalar};
use nanozk_verifier::statement::Context;
use nanozk_verifier::{
    CLAIM_FORMAT, CheckedClaim, CheckedManifest, Claim, Error as Refused, GREEDY, Goal, Parameters,
    ProofFile,
};
use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What the name of a proof's file ends with.
const EXTENSION: &str = "proof";
/// Proofs of a session, at most: far more than any way to cut its layers makes.
const FILES: usize = 1 << 12;
/// Characters of a file's name, at most: layers that take more are called by their digest.
const NAME: usize = 100;

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
    /// Of tokens that a model generated, with a new seed.
    pub fn new(
        tokens: Vec<u32>,
        prompt: usize,
        input_salt: Option<Scalar>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Secret {
            format: SECRET_FORMAT.into(),
            seed: Digest32(seed),
            input_salt,
            prompt,
            tokens,
        }
    }

    /// What a claim says of the seed.
    pub fn seed_digest(&self) -> Digest32 {
        Digest32(Keccak256::digest(self.seed.0).into())
    }

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

    /// The sequence, as programs take it, in so many positions.
    pub fn sequence(&self, positions: usize) -> Sequence {
        let salt = |purpose| Fr::random(stream(&self.seed.0, purpose));
        Sequence {
            tokens: padded(&self.tokens, positions),
            prompt: self.prompt,
            generated: self.tokens.len() - self.prompt,
            prompt_salt: self
                .input_salt
                .map_or_else(|| salt("input salt"), |salt| salt.0),
            output_salt: salt("output salt"),
        }
    }
}

/// A salt for a prompt.
pub fn random_salt(rng: &mut (impl RngCore + CryptoRng)) -> Fr {
    Fr::random(rng)
}

/// The digest of a prompt in a session of so many positions.
pub fn input_digest(prompt: &[u32], positions: usize, salt: Fr) -> Fr {
    let sequence = Sequence {
        tokens: padded(prompt, positions),
        prompt: prompt.len(),
        generated: 0,
        prompt_salt: salt,
        output_salt: salt,
    };
    let [digest, _] = sequence.digests();
    digest
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

/// A directory that holds a session.
#[derive(Clone, Debug)]
pub struct SessionDir {
    path: PathBuf,
}

/// What happens while layers are proved.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A valid proof of a window was already there.
    Kept(&'a Window),
    /// A window's proof enters a stage.
    Stage(&'a Window, Stage),
    /// A proof is on disk.
    Proved {
        /// Its window.
        window: &'a Window,
        /// Its size.
        bytes: usize,
        /// Time it took.
        wall: Duration,
    },
}

/// What proving takes besides a session.
#[derive(Clone, Copy)]
pub struct Provider<'a> {
    /// The model.
    pub model: &'a QuantizedModel,
    /// Seed of the blinding of its weights' commitments.
    pub weight_seed: &'a [u8; 32],
    /// The setup.
    pub parameters: &'a Parameters,
}

/// Layers that are proved together, and what that takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Layers, in increasing order.
    pub layers: Vec<usize>,
    /// What a proof takes, about.
    pub estimate: Estimate,
}

/// Cuts layers into few windows (fewer may fit, too: where they are cut moves with their number), each of which fits a memory and one proof. Each is of consecutive ones of the given layers,
/// and they are about equally long.
pub fn windows(
    claim: &CheckedClaim<'_>,
    layers: &[usize],
    memory: Option<u64>,
) -> Result<Vec<Window>, Error> {
    let all = layers.len();
    // Refuses an empty list, too.
    Selection::new(layers, claim.manifest().blocks()).map_err(Refused::from)?;
    let cut = Cut {
        claim,
        layers,
        memory: memory.unwrap_or(u64::MAX),
    };
    // More windows are smaller ones: twice as many until they fit, then between the last that did not and these.
    let (mut few, mut count) = (0, 1);
    let mut found = loop {
        match cut.windows(count) {
            Ok(windows) => break windows,
            Err(e) if count == all => return Err(e),
            Err(_) => (few, count) = (count, (2 * count).min(all)),
        }
    };
    while few + 1 < count {
        let middle = few.midpoint(count);
        match cut.windows(middle) {
            Ok(windows) => (found, count) = (windows, middle),
            Err(_) => few = middle,
        }
    }
    Ok(found)
}

/// Layers to cut into windows.
struct Cut<'a> {
    claim: &'a CheckedClaim<'a>,
    layers: &'a [usize],
    memory: u64,
}

impl Cut<'_> {
    /// So many windows, of lengths that differ by one at most, if all fit.
    fn windows(&self, count: usize) -> Result<Vec<Window>, Error> {
        let all = self.layers.len();
        let bound = |i: usize| i * all / count;
        let windows = (0..count).map(|i| self.window(&self.layers[bound(i)..bound(i + 1)]));
        // What is said of a memory too small is said of the largest layer; otherwise the first that does not fit is enough.
        if count < all {
            return windows.collect();
        }
        let (mut fit, mut needed) = (Vec::new(), 0);
        for window in windows {
            match window {
                Err(Error::Memory { needed: own, .. }) => needed = needed.max(own),
                window => fit.push(window?),
            }
        }
        let allowed = self.memory;
        match needed {
            0 => Ok(fit),
            _ => Err(Error::Memory { needed, allowed }),
        }
    }

    fn window(&self, layers: &[usize]) -> Result<Window, Error> {
        window(self.claim, layers, self.memory)
    }
}

/// One window of these layers, if it fits a memory.
pub(crate) fn window(
    claim: &CheckedClaim<'_>,
    layers: &[usize],
    memory: u64,
) -> Result<Window, Error> {
    let goal = claim.goal(layers)?;
    check_hiding(&goal.program, &goal.layout).map_err(Refused::Unprovable)?;
    let fractions = claim.manifest().manifest().fractions as usize;
    let estimate = Estimate::new(&goal.program, &goal.layout, fractions);
    let (needed, allowed) = (estimate.peak_bytes, memory);
    match needed <= allowed {
        true => Ok(Window {
            layers: layers.to_vec(),
            estimate,
        }),
        false => Err(Error::Memory { needed, allowed }),
    }
}

/// Name of a set of layers: ranges, in order.
pub fn name_of(layers: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &layer in layers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == layer => *last = layer,
            _ => ranges.push((layer, layer)),
        }
    }
    let names = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let name = names.collect::<Vec<_>>().join("_");
    match name.len() > NAME {
        true => blake3::hash(name.as_bytes()).to_hex().to_string(),
        false => name,
    }
}

/// What blinds the commitment to activations.
fn activation_tail(seed: &[u8; 32], number: u32, cells: &ColumnData) -> Vec<Fr> {
    blinding(seed, "activations", number, cells)
}

/// Columns of the activations between layers, blinded, and their commitments.
fn commit_activations(
    manifest: &CheckedManifest,
    trace: &Trace,
    seed: &[u8; 32],
    parameters: &Parameters,
) -> Result<Vec<Point>, Error> {
    let shape = manifest.manifest().shape();
    let (packing, k) = (manifest.packing(), manifest.manifest().k);
    let mut program = Program::new();
    let all = Selection::all(manifest.blocks());
    let layers = Layers::new(&mut program, &shape, &all, 1)?;
    let layout = Layout::new(&program, k, 1, &packing.registry(&program, &layers))?;
    let mut values = Values::new(&program, &layout, Vec::new());
    layers.fill_activations(&mut values, trace)?;
    let mut points: BTreeMap<u32, Point> = BTreeMap::new();
    for (id, column) in layout.enumerate() {
        if let ColumnKind::Activation(number) = column.kind {
            let cells = values.column(id);
            let tail = activation_tail(seed, number, cells);
            let point = commit(&parameters.basis, cells, k, &tail);
            points.insert(number, Point(point));
        }
    }
    Ok(points.into_values().collect())
}

/// What a session's public part says if its secret part is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recomputed {
    /// The claim.
    pub claim: Claim,
    /// The first position whose token is not the one that the model generates: then the claim is false.
    pub wrong_token: Option<usize>,
}

/// Executes a session again.
pub fn recompute(
    model: &QuantizedModel,
    manifest: &CheckedManifest,
    context: Context,
    secret: &Secret,
    parameters: &Parameters,
) -> Result<Recomputed, Error> {
    let (prompt, tokens) = (secret.prompt, &secret.tokens);
    let positions = manifest.manifest().tokens;
    if prompt == 0 || tokens.len() <= prompt {
        return Err(Error::NothingGenerated);
    }
    if tokens.len() > positions {
        return Err(Error::TooLong {
            tokens: tokens.len(),
            registered: positions,
        });
    }
    manifest.check_setup(parameters)?;
    let sequence = secret.sequence(positions);
    let trace = model.forward(&sequence.tokens)?;
    let wrong_token = (prompt..tokens.len()).find(|t| trace.head.argmax[t - 1] != tokens[*t]);
    let [input, output] = sequence.digests();
    let count = |tokens: usize| u32::try_from(tokens).expect("no more than positions");
    let claim = Claim {
        format: CLAIM_FORMAT.into(),
        model_id: manifest.id(),
        context,
        input_digest: Scalar(input),
        output_digest: Scalar(output),
        prompt_tokens: count(prompt),
        generated_tokens: count(tokens.len() - prompt),
        decoding: GREEDY,
        seed_digest: secret.seed_digest(),
        activations: commit_activations(manifest, &trace, &secret.seed.0, parameters)?,
    };
    Ok(Recomputed { claim, wrong_token })
}

/// The claim that a secret part opens, if its tokens are what the model generates.
pub fn claim_of(
    model: &QuantizedModel,
    manifest: &CheckedManifest,
    context: Context,
    secret: &Secret,
    parameters: &Parameters,
) -> Result<Claim, Error> {
    let own = recompute(model, manifest, context, secret, parameters)?;
    match own.wrong_token {
        None => Ok(own.claim),
        Some(position) => Err(Error::NotGenerated { position }),
    }
}

impl SessionDir {
    /// A session directory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The public claim.
    pub fn claim(&self) -> Result<Claim, FileError> {
        files::read_json_of_session(&self.path.join("claim.json"))
    }

    /// The secret part.
    pub fn secret(&self) -> Result<Secret, FileError> {
        Secret::read(&self.path)
    }

    /// Where the proof of these layers is.
    pub fn proof_path(&self, layers: &[usize]) -> PathBuf {
        let name = format!("{}.{EXTENSION}", name_of(layers));
        self.path.join("proofs").join(name)
    }

    /// Files of proofs, in the order of their names.
    pub fn proof_paths(&self) -> Result<Vec<PathBuf>, FileError> {
        let path = self.path.join("proofs");
        let fail = |source| FileError::Io {
            action: "list",
            path: path.clone(),
            source,
        };
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(fail(e)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(fail)?.path();
            if path.extension().is_some_and(|e| e == EXTENSION) {
                paths.push(path);
            }
            if paths.len() > FILES {
                return Err(FileError::Content {
                    path: self.path.join("proofs"),
                    reason: format!("it has more than {FILES} proofs"),
                });
            }
        }
        paths.sort();
        Ok(paths)
    }

    /// Runs the model on tokens that it generated itself, commits to the activations between layers, and writes the claim.
    pub fn create(
        &self,
        model: &QuantizedModel,
        manifest: &CheckedManifest,
        generated: &Generated<'_>,
        parameters: &Parameters,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Claim, Error> {
        let tokens = generated.tokens.to_vec();
        let secret = Secret::new(tokens, generated.prompt, generated.input_salt, rng);
        self.keep(&secret)?;
        self.commit(model, manifest, generated.context, parameters)
    }

    /// Writes what a session follows from. Nothing is claimed yet, and nothing committed to: see [`Self::commit`].
    pub fn keep(&self, secret: &Secret) -> Result<(), FileError> {
        files::create_dir(&self.path)?;
        files::write_json_secret(&self.path.join("secret.json"), secret)
    }

    /// Runs the model again on what was kept, commits to the activations between layers, and writes the claim.
    pub fn commit(
        &self,
        model: &QuantizedModel,
        manifest: &CheckedManifest,
        context: Context,
        parameters: &Parameters,
    ) -> Result<Claim, Error> {
        let secret = self.secret()?;
        let claim = claim_of(model, manifest, context, &secret, parameters)?;
        files::create_dir(&self.path.join("proofs"))?;
        files::write_json(&self.path.join("manifest.json"), manifest.manifest())?;
        // Last: by it a session is known.
        files::write_json(&self.path.join("claim.json"), &claim)?;
        Ok(claim)
    }

    /// Whether the secret part opens what the public one claims: cheap, and worth knowing before anything takes long.
    pub fn check_opens(&self, claim: &CheckedClaim<'_>) -> Result<(), Error> {
        self.opened(claim).map(drop)
    }

    /// The secret part, and the tokens with which it opens a claim.
    fn opened(&self, claim: &CheckedClaim<'_>) -> Result<(Secret, Sequence), Error> {
        let secret = self.secret()?;
        let positions = claim.manifest().manifest().tokens;
        if secret.tokens.len() > positions {
            return Err(Error::TooLong {
                tokens: secret.tokens.len(),
                registered: positions,
            });
        }
        let sequence = secret.sequence(positions);
        let [input, output] = sequence.digests();
        let claimed = claim.claim();
        let counts = [claimed.prompt_tokens, claimed.generated_tokens].map(|n| n as usize);
        let is_opened = input == claimed.input_digest.0
            && output == claimed.output_digest.0
            && counts == [sequence.prompt, sequence.generated];
        if !is_opened {
            return Err(Error::File(FileError::Content {
                path: self.path.join("secret.json"),
                reason: "it does not open the digests of claim.json: one of them was changed"
                    .into(),
            }));
        }
        Ok((secret, sequence))
    }

    /// Whether the claimed commitments to activations are those of the model and the secret: no proof could be valid
    /// otherwise, which nobody should learn from one that was made.
    fn check_activations(
        &self,
        claim: &CheckedClaim<'_>,
        trace: &Trace,
        secret: &Secret,
        parameters: &Parameters,
    ) -> Result<(), Error> {
        let own = commit_activations(claim.manifest(), trace, &secret.seed.0, parameters)?;
        let claimed = &claim.claim().activations;
        match own
            .iter()
            .zip(claimed)
            .position(|(own, claimed)| own != claimed)
        {
            None => Ok(()),
            Some(layer) => Err(Error::File(FileError::Content {
                path: self.path.join("claim.json"),
                reason: format!(
                    "its commitment to the output of layer {layer} is not what the model and secret.json give"
                ),
            })),
        }
    }

    /// Whether a valid proof of exactly these layers is there.
    fn is_proved(
        &self,
        claim: &CheckedClaim<'_>,
        layers: &[usize],
        parameters: &Parameters,
    ) -> bool {
        let file = files::read_of_session(&self.proof_path(layers)).ok();
        let proof = file.and_then(|bytes| ProofFile::from_bytes(&bytes).ok());
        let found = proof.and_then(|proof| claim.verify(&proof, parameters).ok());
        found.is_some_and(|found| found == layers)
    }

    /// Takes the lock that proving needs, without waiting: one process at a time proves a session.
    pub fn lock(&self) -> Result<Locked<'_>, FileError> {
        let _lock = files::lock(&self.path.join("lock"))?;
        Ok(Locked {
            session: self,
            _lock,
        })
    }
}

/// A session that this process alone proves.
#[derive(Debug)]
pub struct Locked<'a> {
    session: &'a SessionDir,
    _lock: Lock,
}

impl Locked<'_> {
    /// The session.
    pub fn session(&self) -> &SessionDir {
        self.session
    }

    /// Proves layers, window by window, and writes the proofs; valid ones that are there are kept.
    pub fn prove(
        &self,
        claim: &CheckedClaim<'_>,
        provider: &Provider<'_>,
        windows: &[Window],
        rng: &mut (impl RngCore + CryptoRng),
        events: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), Error> {
        let Provider {
            model,
            weight_seed,
            parameters,
        } = *provider;
        claim.manifest().check_setup(parameters)?;
        let (secret, sequence) = self.session.opened(claim)?;
        let trace = tracing::info_span!("forward").in_scope(|| model.forward(&sequence.tokens))?;
        files::create_dir(&self.session.path.join("proofs"))?;
        let mut is_checked = false;
        for window in windows {
            let layers = &window.layers;
            if self.session.is_proved(claim, layers, parameters) {
                events(Event::Kept(window));
                continue;
            }
            let clock = Instant::now();
            let _span = tracing::info_span!("proof", layers = name_of(layers)).entered();
            if !is_checked {
                self.session
                    .check_activations(claim, &trace, &secret, parameters)?;
                is_checked = true;
            }
            let goal = claim.goal(layers)?;
            let known = claim.known(&goal, parameters)?;
            let filling = tracing::info_span!("tensors").entered();
            let mut values =
                with_weights(claim, &goal, model, weight_seed, parameters, known.points())?;
            goal.layers.fill(&mut values, &trace, &sequence)?;
            for (id, column) in goal.layout.enumerate() {
                if let ColumnKind::Activation(number) = column.kind {
                    let tail = activation_tail(&secret.seed.0, number, values.column(id));
                    values.set_tail(id, tail);
                }
            }
            drop(filling);
            let proof = prove(
                &goal.statement(&known),
                values,
                &parameters.basis,
                rng,
                &mut RecursionTranscript::new(),
                |stage| events(Event::Stage(window, stage)),
            )?;
            let proof = ProofFile {
                statement: claim.claim().statement(),
                layers: layers.iter().map(|l| *l as u32).collect(),
                proof: proof.to_bytes(),
            };
            // A proof that does not verify is never written: it would mean a broken machine or model.
            tracing::info_span!("verification").in_scope(|| claim.verify(&proof, parameters))?;
            let bytes = proof.to_bytes();
            files::write(&self.session.proof_path(layers), &bytes)?;
            events(Event::Proved {
                window,
                bytes: bytes.len(),
                wall: clock.elapsed(),
            });
        }
        Ok(())
    }
}

/// Values with weights as registered and blinded.
fn with_weights<'a>(
    claim: &CheckedClaim<'_>,
    goal: &'a Goal,
    model: &QuantizedModel,
    seed: &[u8; 32],
    parameters: &Parameters,
    known: &BTreeMap<nanozk_circuit::ColumnId, G1Affine>,
) -> Result<Values<'a>, Error> {
    let manifest = claim.manifest();
    let shape = manifest.manifest().shape();
    let mut values = Values::new(&goal.program, &goal.layout, goal.inputs.clone());
    let mut columns = BTreeMap::new();
    for (id, column) in goal.layout.enumerate() {
        if let ColumnKind::Weight(number) = column.kind {
            columns.insert(number, id);
        }
    }
    let mut filled: Vec<(u32, ColumnData)> = Vec::new();
    weight_columns(
        &shape,
        manifest.packing(),
        |number| columns.contains_key(&number),
        |part: Part, take: &mut dyn FnMut(Weights<'_>)| -> Result<(), Error> {
            take(part.weights(model));
            Ok(())
        },
        |number, cells| filled.push((number, cells)),
    )?;
    let first = filled.first().map(|(number, _)| *number);
    for (number, cells) in filled {
        let id = columns[&number];
        values.set_tail(id, weight_tail(seed, number, &cells));
        // The seed is one for all columns.
        if Some(number) == first {
            let point = commit(&parameters.basis, &cells, goal.layout.k(), values.tail(id));
            if known.get(&id) != Some(&point) {
                return Err(Error::WeightSeed {
                    layer: goal.selection.numbers()[0],
                });
            }
        }
        values.set_column(id, cells);
    }
    Ok(values)
}

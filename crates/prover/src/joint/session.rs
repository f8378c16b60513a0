//! A session on disk, proved by joint proofs of sets of its layers.
//!
//! | file | content |
//! |---|---|
//! | `manifest.json` | the model's manifest |
//! | `claim.json` | the public claim |
//! | `secret.json` | seed, tokens: for the provider, and whoever it chooses to tell |
//! | `lock` | held while proving |
//! | `proofs/<layers>.proof` | proofs, each named after its layers: `0-25`, `3`, `1-4_9` |

use super::registration::{weight_columns, weight_tail, Part};
use crate::files::{self, FileError};
use crate::registration::stream;
use crate::session::{Generated, Secret, SECRET_FORMAT};
use crate::Error;
use halo2curves::bn256::{Fr, G1Affine};
use halo2curves::ff::Field;
use nanozk_argument::{commit, prove, Stage};
use nanozk_circuit::{ColumnData, ColumnKind, Estimate, Layout, Program, Values};
use nanozk_executor::{QuantizedModel, Trace};
use nanozk_layers::{Layers, Selection, Sequence, Weights};
use nanozk_transcript::KeccakTranscript;
use nanozk_verifier::hex::{Digest32, Point, Scalar};
use nanozk_verifier::joint::{
    CheckedClaim, CheckedManifest, Claim, Goal, Parameters, ProofFile, CLAIM_FORMAT,
};
use rand_core::{CryptoRng, RngCore};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What the name of a proof's file ends with.
const EXTENSION: &str = "proof";
/// Characters of a file's name, at most: layers that take more are called by their digest.
const NAME: usize = 100;

/// A directory that holds a session.
#[derive(Clone, Debug)]
pub struct JointSession {
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

/// Cuts layers into as few windows as fit a memory. Each is of consecutive ones of the given layers, and they are about
/// equally long.
pub fn windows(
    claim: &CheckedClaim<'_>,
    layers: &[usize],
    memory: Option<u64>,
) -> Result<Vec<Window>, Error> {
    // Refuses an empty list, too.
    Selection::new(layers, claim.manifest().blocks())
        .map_err(nanozk_verifier::joint::Error::from)?;
    let fractions = claim.manifest().manifest().fractions as usize;
    let mut least = u64::MAX;
    for count in 1..=layers.len() {
        let of = |window: &[usize]| -> Result<Window, Error> {
            let goal = claim.goal(window)?;
            Ok(Window {
                layers: window.to_vec(),
                estimate: Estimate::new(&goal.program, &goal.layout, fractions),
            })
        };
        // As many as are said, of lengths that differ by one at most.
        let bounds = (0..=count).map(|i| i * layers.len() / count);
        let bounds: Vec<usize> = bounds.collect();
        let windows = bounds.windows(2).map(|pair| of(&layers[pair[0]..pair[1]]));
        let windows: Vec<Window> = windows.collect::<Result<_, _>>()?;
        let peak = windows.iter().map(|w| w.estimate.peak_bytes).max();
        let peak = peak.unwrap_or(0);
        if memory.is_none_or(|memory| peak <= memory) {
            return Ok(windows);
        }
        least = least.min(peak);
    }
    Err(Error::Memory {
        needed: least,
        allowed: memory.unwrap_or(u64::MAX),
    })
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
fn activation_tail(seed: &[u8; 32], number: u32) -> Vec<Fr> {
    let stream = stream(seed, "joint activations", number.into(), 0);
    vec![Fr::random(stream)]
}

/// A session's tokens, as programs take them.
fn sequence(secret: &Secret, positions: usize) -> Sequence {
    let sequence = secret.sequence(positions);
    Sequence {
        tokens: sequence.tokens,
        prompt: sequence.prompt,
        generated: sequence.generated,
        prompt_salt: sequence.input_salt,
        output_salt: sequence.output_salt,
    }
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
            let tail = activation_tail(seed, number);
            let point = commit(&parameters.basis, values.column(id), k, &tail);
            points.insert(number, Point(point));
        }
    }
    Ok(points.into_values().collect())
}

/// The claim that a secret part opens, if its tokens are what the model generates.
pub fn claim_of(
    model: &QuantizedModel,
    manifest: &CheckedManifest,
    context: nanozk_verifier::statement::Context,
    secret: &Secret,
    parameters: &Parameters,
) -> Result<Claim, Error> {
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
    let sequence = sequence(secret, positions);
    let trace = model.forward(&sequence.tokens)?;
    let wrong = (prompt..tokens.len()).find(|t| trace.head.argmax[t - 1] != tokens[*t]);
    if let Some(position) = wrong {
        return Err(Error::NotGenerated { position });
    }
    let [input, output] = sequence.digests();
    let count = |tokens: usize| u32::try_from(tokens).expect("no more than positions");
    Ok(Claim {
        format: CLAIM_FORMAT.into(),
        model_id: manifest.id(),
        context,
        input_digest: Scalar(input),
        output_digest: Scalar(output),
        prompt_tokens: count(prompt),
        generated_tokens: count(tokens.len() - prompt),
        activations: commit_activations(manifest, &trace, &secret.seed.0, parameters)?,
    })
}

impl JointSession {
    /// A session directory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The public claim.
    pub fn claim(&self) -> Result<Claim, FileError> {
        files::read_json(&self.path.join("claim.json"))
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
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let secret = Secret {
            format: SECRET_FORMAT.into(),
            seed: Digest32(seed),
            input_salt: generated.input_salt,
            prompt: generated.prompt,
            tokens: generated.tokens.to_vec(),
        };
        let claim = claim_of(model, manifest, generated.context, &secret, parameters)?;
        files::create_dir(&self.path.join("proofs"))?;
        files::write_json(&self.path.join("manifest.json"), manifest.manifest())?;
        files::write_json_secret(&self.path.join("secret.json"), &secret)?;
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
        let sequence = sequence(&secret, positions);
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

    /// Whether a valid proof of exactly these layers is there.
    fn is_proved(
        &self,
        claim: &CheckedClaim<'_>,
        layers: &[usize],
        parameters: &Parameters,
    ) -> bool {
        let file = files::read(&self.proof_path(layers)).ok();
        let proof = file.and_then(|bytes| ProofFile::from_bytes(&bytes).ok());
        let found = proof.and_then(|proof| claim.verify(&proof, parameters).ok());
        found.is_some_and(|found| found == layers)
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
        let _lock = files::lock(&self.path.join("lock"))?;
        claim.manifest().check_setup(parameters)?;
        let (secret, sequence) = self.opened(claim)?;
        let trace = model.forward(&sequence.tokens)?;
        files::create_dir(&self.path.join("proofs"))?;
        for window in windows {
            let layers = &window.layers;
            if self.is_proved(claim, layers, parameters) {
                events(Event::Kept(window));
                continue;
            }
            let clock = Instant::now();
            let goal = claim.goal(layers)?;
            let known = claim.known(&goal, parameters)?;
            let blinding = Blinding {
                weights: weight_seed,
                session: &secret.seed.0,
            };
            let mut values = values_of(claim, &goal, model, blinding, parameters, known.points())?;
            goal.layers.fill(&mut values, &trace, &sequence)?;
            let proof = prove(
                &goal.statement(&known),
                values,
                &parameters.basis,
                rng,
                &mut KeccakTranscript::new(),
                |stage| events(Event::Stage(window, stage)),
            )?;
            let proof = ProofFile {
                statement: claim.claim().statement(),
                layers: layers.iter().map(|l| *l as u32).collect(),
                proof,
            };
            // A proof that does not verify is never written: it would mean a broken machine or model.
            claim.verify(&proof, parameters)?;
            let bytes = proof.to_bytes();
            files::write(&self.proof_path(layers), &bytes)?;
            events(Event::Proved {
                window,
                bytes: bytes.len(),
                wall: clock.elapsed(),
            });
        }
        Ok(())
    }
}

/// Seeds of what hides commitments.
#[derive(Clone, Copy)]
struct Blinding<'a> {
    weights: &'a [u8; 32],
    session: &'a [u8; 32],
}

/// Values with weights as registered and blinded, and the blinding of activations.
fn values_of<'a>(
    claim: &CheckedClaim<'_>,
    goal: &'a Goal,
    model: &QuantizedModel,
    blinding: Blinding<'_>,
    parameters: &Parameters,
    known: &BTreeMap<nanozk_circuit::ColumnId, G1Affine>,
) -> Result<Values<'a>, Error> {
    let manifest = claim.manifest();
    let shape = manifest.manifest().shape();
    let mut values = Values::new(&goal.program, &goal.layout, goal.inputs.clone());
    let mut columns = BTreeMap::new();
    for (id, column) in goal.layout.enumerate() {
        match column.kind {
            ColumnKind::Weight(number) => {
                columns.insert(number, id);
                values.set_tail(id, weight_tail(blinding.weights, number));
            }
            ColumnKind::Activation(number) => {
                values.set_tail(id, activation_tail(blinding.session, number));
            }
            _ => {}
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

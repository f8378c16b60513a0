//! A claim: one session of a model, from prompt to generated tokens.

use crate::encoding::scalar_to_bytes;
use crate::hex::{Digest32, Point, Scalar};
use crate::statement::{Context, halves, word};
use crate::{CheckedManifest, Error, Parameters, ProofFile};
use halo2curves::bn256::{Fr, G1Affine};
use nanozk_argument::{Known, Proof, Statement, verify};
use nanozk_circuit::{ColumnKind, Layout, Program};
use nanozk_layers::{Layers, Selection};
use nanozk_recursion::statement::{Domain, Native, SESSION_INPUTS, points_digest};
use nanozk_transcript::poseidon::{POINT_WORDS, point_of_words, point_words};
use nanozk_transcript::{Malformed, RecursionTranscript};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

/// Format name of a claim.
pub const CLAIM_FORMAT: &str = "nanozk-claim-3";

/// Each token is the first of the most probable ones.
pub const GREEDY: Digest32 = Digest32([0; 32]);

/// The public part of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// [`CLAIM_FORMAT`].
    pub format: String,
    /// Model version.
    pub model_id: Digest32,
    /// Where the claim is made.
    pub context: Context,
    /// Salted digest of the prompt.
    pub input_digest: Scalar,
    /// Salted digest of the generated tokens.
    pub output_digest: Scalar,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Generated tokens.
    pub generated_tokens: u32,
    /// How tokens were chosen: zero, [`GREEDY`].
    pub decoding: Digest32,
    /// Keccak-256 of the session's seed, from which commitments are blinded: whoever is given a seed knows whether it is this
    /// session's.
    pub seed_digest: Digest32,
    /// Commitments to the activations between layers: one fewer than there are layers.
    pub activations: Vec<Point>,
}

impl Claim {
    /// `keccak256("nanozk-statement-3" ‖ chain ‖ contract ‖ claim ‖ recipient ‖ model ‖ input ‖ output ‖ prompt tokens ‖
    /// generated tokens ‖ decoding)`, every field after the tag as one 32-byte big-endian word: what every proof of the session says.
    pub fn statement(&self) -> [u8; 32] {
        let mut hash = Keccak256::new();
        hash.update(b"nanozk-statement-3");
        hash.update(word(self.context.chain));
        hash.update(self.context.contract.0);
        hash.update(self.context.claim.0);
        hash.update(self.context.recipient.0);
        hash.update(self.model_id.0);
        hash.update(scalar_to_bytes(&self.input_digest.0));
        hash.update(scalar_to_bytes(&self.output_digest.0));
        hash.update(word(self.prompt_tokens.into()));
        hash.update(word(self.generated_tokens.into()));
        hash.update(self.decoding.0);
        hash.finalize().into()
    }

    /// `keccak256(statement ‖ digest of the commitments to activations)`: what a draw of layers depends on, so that nothing can
    /// be changed after it. Fails if a commitment is at infinity.
    pub fn claim_digest(&self) -> Result<[u8; 32], Error> {
        let mut hash = Keccak256::new();
        hash.update(self.statement());
        hash.update(scalar_to_bytes(&self.activations_digest()?.0));
        Ok(hash.finalize().into())
    }

    /// The digest of the commitments to activations.
    pub fn activations_digest(&self) -> Result<Scalar, Error> {
        activations_digest(&self.activations)
    }

    /// The words of the commitments to activations, as a contract takes them.
    pub fn activation_words(&self) -> Vec<Scalar> {
        activation_words(&self.activations)
    }

    /// Public inputs of every proof: the statement in two words below `2^128`, the high one first; both digests; both
    /// counts.
    pub(crate) fn inputs(&self) -> [Fr; SESSION_INPUTS] {
        let [high, low] = halves(&self.statement());
        let count = |tokens: u32| Fr::from(u64::from(tokens));
        [
            high,
            low,
            self.input_digest.0,
            self.output_digest.0,
            count(self.prompt_tokens),
            count(self.generated_tokens),
        ]
    }
}

/// The digest of commitments to activations. Fails if one is at infinity.
pub fn activations_digest(points: &[Point]) -> Result<Scalar, Error> {
    let points: Vec<G1Affine> = points.iter().map(|point| point.0).collect();
    let digest = points_digest(&Native, Domain::Activations, &points);
    digest.map(Scalar).map_err(|e| Error::Node(e.into()))
}

/// The words of commitments to activations: [`crate::POINT_WORDS`] a point.
pub fn activation_words(points: &[Point]) -> Vec<Scalar> {
    let words = points.iter().flat_map(|point| point_words(&point.0));
    words.map(Scalar).collect()
}

/// The commitments that have these [`activation_words`].
pub fn points_of_words(words: &[Scalar]) -> Result<Vec<Point>, Error> {
    let (whole, rest) = words.as_chunks::<POINT_WORDS>();
    if !rest.is_empty() {
        return Err(Error::Node(Malformed::NotReduced.into()));
    }
    let point = |words: &[Scalar; POINT_WORDS]| point_of_words(&words.map(|word| word.0));
    let points = whole.iter().map(|words| point(words).map(Point));
    points
        .collect::<Result<_, _>>()
        .map_err(|e| Error::Node(e.into()))
}

/// A claim that fits its model.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedClaim<'a> {
    manifest: &'a CheckedManifest,
    claim: Claim,
}

/// What a proof of some layers of a claim proves.
#[derive(Clone, Debug)]
pub struct Goal {
    /// The layers.
    pub selection: Selection,
    /// Their tensors.
    pub layers: Layers,
    /// Their program.
    pub program: Program,
    /// Where tensors lie.
    pub layout: Layout,
    /// Public inputs.
    pub inputs: Vec<Fr>,
}

impl Goal {
    /// The statement of its proofs, with the commitments that are known before them.
    pub fn statement<'a>(&'a self, known: &'a Known) -> Statement<'a> {
        Statement {
            program: &self.program,
            layout: &self.layout,
            inputs: &self.inputs,
            known,
        }
    }
}

impl<'a> CheckedClaim<'a> {
    pub(crate) fn new(manifest: &'a CheckedManifest, claim: Claim) -> Result<Self, Error> {
        if claim.format != CLAIM_FORMAT {
            return Err(Error::Format {
                expected: CLAIM_FORMAT,
                got: claim.format,
            });
        }
        if claim.model_id != manifest.id() {
            return Err(Error::ClaimOfAnotherModel {
                expected: manifest.id(),
                got: claim.model_id,
            });
        }
        if claim.decoding != GREEDY {
            return Err(Error::Decoding {
                got: claim.decoding,
            });
        }
        let (prompt, generated) = (claim.prompt_tokens, claim.generated_tokens);
        let positions = manifest.manifest().tokens;
        let all = u64::from(prompt) + u64::from(generated);
        if prompt == 0 || generated == 0 || all > positions as u64 {
            return Err(Error::Tokens {
                prompt,
                generated,
                positions,
            });
        }
        let (expected, got) = (manifest.packing().streams(), claim.activations.len());
        if expected != got {
            return Err(Error::Activations { expected, got });
        }
        Ok(Self { manifest, claim })
    }

    /// The claim.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// The model.
    pub fn manifest(&self) -> &'a CheckedManifest {
        self.manifest
    }

    /// What a proof of some layers, by their numbers in increasing order, proves. Fails if there are too many for one proof.
    pub fn goal(&self, layers: &[usize]) -> Result<Goal, Error> {
        let selection = Selection::new(layers, self.manifest.blocks())?;
        let generated = self.claim.generated_tokens as usize;
        let (program, layers, layout) = self.manifest.program(&selection, generated)?;
        Ok(Goal {
            selection,
            layers,
            program,
            layout,
            inputs: self.claim.inputs().to_vec(),
        })
    }

    /// Commitments that are known before a proof: the registered ones, the claimed ones, and those to tables.
    pub fn known(&self, goal: &Goal, parameters: &Parameters) -> Result<Known, Error> {
        let point = |points: &[Point], number: u32| -> Option<G1Affine> {
            points.get(number as usize).map(|point| point.0)
        };
        let fixed = |kind| match kind {
            ColumnKind::Weight(number) => point(&self.manifest.manifest().weights, number),
            ColumnKind::Activation(number) => point(&self.claim.activations, number),
            _ => None,
        };
        let (program, layout) = (&goal.program, &goal.layout);
        Ok(Known::new(&parameters.basis, program, layout, fixed)?)
    }

    /// The layers of a proof, by what its file says, if it says that it is of this claim.
    pub fn layers_of(&self, file: &ProofFile) -> Result<Vec<usize>, Error> {
        if file.statement != self.claim.statement() {
            return Err(Error::OtherStatement);
        }
        let layers: Vec<usize> = file.layers.iter().map(|layer| *layer as usize).collect();
        Selection::new(&layers, self.manifest.blocks())?;
        Ok(layers)
    }

    /// Decodes a proof, if it is one of some layers of this claim and has the length that theirs have.
    pub fn open(&self, file: &ProofFile) -> Result<Opened<'_>, Error> {
        let goal = self.goal(&self.layers_of(file)?)?;
        let expected = Proof::byte_length(&goal.program, &goal.layout);
        let got = file.proof.len();
        if got != expected {
            return Err(Error::Length { expected, got });
        }
        let proof = Proof::from_bytes(&file.proof)?;
        Ok(Opened {
            claim: self,
            goal,
            proof,
        })
    }

    /// Verifies a proof of some layers of this claim; gives their numbers.
    pub fn verify(&self, file: &ProofFile, parameters: &Parameters) -> Result<Vec<usize>, Error> {
        let opened = self.open(file)?;
        opened.verify(parameters)?;
        Ok(opened.layers())
    }
}

/// A proof of a claim, which is still to be verified.
#[derive(Clone, Debug)]
pub struct Opened<'a> {
    claim: &'a CheckedClaim<'a>,
    goal: Goal,
    proof: Proof,
}

impl Opened<'_> {
    /// What it proves.
    pub fn goal(&self) -> &Goal {
        &self.goal
    }

    /// The proof.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Numbers of the layers, in increasing order.
    pub fn layers(&self) -> Vec<usize> {
        self.goal.selection.numbers()
    }

    /// Verifies it.
    pub fn verify(&self, parameters: &Parameters) -> Result<(), Error> {
        self.claim.manifest.check_setup(parameters)?;
        let known = self.claim.known(&self.goal, parameters)?;
        let statement = self.goal.statement(&known);
        let accumulator = verify(&statement, &self.proof, &mut RecursionTranscript::new())?;
        match accumulator.holds(&parameters.g2) {
            true => Ok(()),
            false => Err(Error::Pairing),
        }
    }
}

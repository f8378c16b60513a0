//! Synthetic models, and layers of them, ready to prove: for benchmarks, and for tests of whole circuits and sessions.

use crate::keys::{KeyStore, Prepared};
use crate::plonk::{commit_column, prove, verifier_params, ProvingKey, Witness};
use crate::registration::{blind, plan_model, register, stream, weight_columns};
use crate::session::{Event, Generated, Options, SessionDir};
use crate::Error;
use halo2curves::bn256::{Fr, G1Affine};
use nanozk_circuits::embed::SequenceTrace;
use nanozk_circuits::ir::{Column, Kind};
use nanozk_circuits::{Layer, LayerKind, LayerTrace, LayerWeights, Objective, Shape};
use nanozk_executor::trace::{attention_trace, mlp_trace};
use nanozk_executor::{synthetic, Activation, Architecture, QuantizedModel, Trace};
use nanozk_setup::{Setup, DEVELOPMENT_SEED};
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::session::SessionError;
use nanozk_verifier::statement::Context;
use nanozk_verifier::{KzgVerifier, Proof, TranscriptKind, VerifyingKey};
use rand_core::{CryptoRng, RngCore};
use std::collections::hash_map::{Entry, HashMap};
use std::collections::BTreeMap;
use std::path::Path;

const SEED: u64 = 1;
/// Blinds weights and boundaries: nothing of a synthetic model is secret.
const BLINDING: [u8; 32] = [7; 32];

/// A layer of a synthetic model with the values of one run.
pub struct SyntheticLayer {
    kind: LayerKind,
    model: QuantizedModel,
    trace: Trace,
    sequence: SequenceTrace,
}

impl SyntheticLayer {
    /// Attention and MLP from a random residual stream; or, for the ends, from a whole model's run.
    pub fn new(
        arch: &Architecture,
        kind: LayerKind,
        tokens: usize,
        salts: [Fr; 2],
    ) -> Result<Self, Error> {
        let ends = matches!(kind, LayerKind::Embed | LayerKind::Head);
        // The ends of the model are not needed for what lies between.
        let small = Architecture { vocab: 4, ..*arch };
        let arch = if ends { arch } else { &small };
        let model = synthetic::model(*arch, Activation::GeluNew, SEED);
        let prompt = synthetic::tokens(tokens / 2, arch.vocab, SEED);
        let generated = model.generate(&prompt, tokens - prompt.len(), |_| ())?;
        let [input_salt, output_salt] = salts;
        let sequence = SequenceTrace {
            prompt: prompt.len(),
            generated: generated.len(),
            tokens: [prompt, generated].concat(),
            input_salt,
            output_salt,
        };
        let mut trace = model.forward(&sequence.tokens)?;
        if !ends {
            let input = synthetic::residual(tokens, arch.width, SEED);
            let attention = attention_trace(&model.layers[0], &model.spec, arch.heads, &input)?;
            let mlp = mlp_trace(&model.layers[0], &model.spec, &attention.output)?;
            trace.blocks[0] = (attention, mlp);
        }
        Ok(SyntheticLayer {
            kind,
            model,
            trace,
            sequence,
        })
    }

    fn values(&self) -> LayerTrace<'_> {
        let (attention, mlp) = &self.trace.blocks[0];
        match self.kind {
            LayerKind::Embed => LayerTrace::Embed(&self.sequence, &self.trace.embed.out),
            LayerKind::Attention => LayerTrace::Attention(attention),
            LayerKind::Mlp => LayerTrace::Mlp(mlp),
            LayerKind::Block => LayerTrace::Block(attention, mlp),
            LayerKind::Head => LayerTrace::Head(&self.sequence, &self.trace.head),
        }
    }

    /// Public inputs, for a statement of these two words.
    pub fn instances(&self, statement: [Fr; 2]) -> Vec<Fr> {
        let mut out = statement.to_vec();
        let (input, output) = self.sequence.digests();
        match self.kind {
            LayerKind::Embed => out.extend([input, output]),
            LayerKind::Head => out.push(output),
            _ => {}
        }
        out
    }

    /// The weight columns of the layer's circuit, and commitments to them.
    pub fn weights(&self, layer: &Layer, setup: &Setup) -> SyntheticWeights {
        let columns = weight_columns(
            layer,
            LayerWeights::of(&self.model, self.kind, 0),
            &BLINDING,
            0,
        );
        let commitments = columns
            .iter()
            .map(|c| commit_column(setup.params(), c.clone()))
            .collect();
        SyntheticWeights {
            columns,
            commitments,
        }
    }

    /// Proves the layer.
    #[allow(clippy::too_many_arguments)]
    pub fn prove(
        &self,
        layer: &Layer,
        key: &ProvingKey,
        setup: &Setup,
        weights: &SyntheticWeights,
        instances: &[Fr],
        transcript: TranscriptKind,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Proof, Error> {
        let mut first_phase = layer.witness(self.values(), || rng.next_u64())?;
        let mut known: BTreeMap<Column, G1Affine> = BTreeMap::new();
        let mut next_weight = weights.columns.iter().zip(&weights.commitments);
        let columns = layer.program.first_phase();
        for (index, (column, values)) in columns.into_iter().zip(&mut first_phase).enumerate() {
            match layer.program.info(column).kind {
                Kind::Weight => {
                    let (weights, commitment) =
                        next_weight.next().expect("one for each weight column");
                    values.clone_from(weights);
                    known.insert(column, *commitment);
                }
                Kind::Input | Kind::Output => {
                    blind(values, stream(&BLINDING, "boundary", index as u64, 0));
                }
                _ => {}
            }
        }
        let witness = Witness {
            first_phase,
            known,
            instances,
        };
        Ok(prove(
            setup.params(),
            key,
            witness,
            transcript,
            rng,
            &|_| (),
        )?)
    }
}

/// Weight columns with their commitments.
pub struct SyntheticWeights {
    columns: Vec<Vec<Fr>>,
    /// One for each weight column.
    pub commitments: Vec<G1Affine>,
}

/// Seed of a synthetic model's weight blinding.
pub const WEIGHT_SEED: [u8; 32] = [5; 32];

/// A small synthetic model that is registered, with its keys: for tests of whole sessions.
pub struct SyntheticModel {
    /// The model: width 8, 2 heads, 16 tokens, 8 positions.
    pub model: QuantizedModel,
    /// Its card.
    pub card: ModelCard,
    /// The setup it is registered under.
    pub setup: Setup,
    /// Its circuits with their keys.
    pub prepared: HashMap<Shape, Prepared>,
    /// Its verifying keys.
    pub keys: HashMap<Shape, VerifyingKey>,
    /// What a verifier needs of the setup.
    pub params: KzgVerifier,
}

impl SyntheticModel {
    /// A model of some blocks, with the weights of a seed.
    pub fn new(blocks: usize, seed: u64, store: &KeyStore) -> Result<Self, Error> {
        let arch = Architecture {
            layers: blocks,
            width: 8,
            heads: 2,
            mlp_width: 16,
            vocab: 16,
            context: 8,
        };
        let model = synthetic::model(arch, Activation::GeluNew, seed);
        let plan = plan_model(
            &arch,
            &model.spec,
            arch.context,
            false,
            Objective::default(),
        )?;
        let k = plan.choices[0].shape.plan.k;
        let setup = Setup::development(k, DEVELOPMENT_SEED).map_err(|e| Error::NoSetup {
            k,
            source: Box::new(e),
        })?;
        let quiet = |_, _| {};
        let card = register(&model, [1; 32], &plan, &setup, store, &WEIGHT_SEED, quiet)?;
        let mut prepared = HashMap::new();
        for l in &card.layers {
            let shape = card.shape(l);
            if let Entry::Vacant(entry) = prepared.entry(shape) {
                entry.insert(Prepared::new(shape, &setup, store)?);
            }
        }
        Ok(SyntheticModel {
            keys: prepared
                .iter()
                .map(|(s, p): (_, &Prepared)| (*s, p.key.vk().clone()))
                .collect(),
            params: verifier_params(setup.params(), setup.id()),
            model,
            card,
            setup,
            prepared,
        })
    }

    /// A session in a directory: three tokens to a prompt of three.
    pub fn claim(
        &self,
        path: &Path,
        context: Context,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<SessionDir, Error> {
        let mut tokens = vec![3, 1, 4];
        tokens.extend(self.model.generate(&tokens, 3, |_| {})?);
        let generated = Generated {
            context,
            tokens: &tokens,
            prompt: 3,
            input_salt: None,
        };
        let session = SessionDir::new(path);
        session.create(&self.model, &self.card, &generated, &self.setup, rng)?;
        Ok(session)
    }

    /// Proves layers of its session; all if none are named.
    pub fn prove(
        &self,
        session: &SessionDir,
        transcript: TranscriptKind,
        layers: Vec<usize>,
        events: &(dyn Fn(Event) + Sync),
    ) -> Result<(), Error> {
        session.check_opens()?;
        self.prove_unchecked(session, transcript, layers, events)
    }

    /// The same for a session whose digests may be another's.
    pub fn prove_unchecked(
        &self,
        session: &SessionDir,
        transcript: TranscriptKind,
        layers: Vec<usize>,
        events: &(dyn Fn(Event) + Sync),
    ) -> Result<(), Error> {
        let options = Options {
            layers,
            transcript,
            jobs: 2,
        };
        let _lock = session.lock()?;
        session.prove_unchecked(
            &self.model,
            &WEIGHT_SEED,
            &self.setup,
            &self.prepared,
            &options,
            events,
        )
    }

    /// The proof of a layer, as a verifier decodes it; none if it is not proved.
    pub fn proof(&self, session: &SessionDir, layer: usize) -> Result<Option<Proof>, Error> {
        let Some(proof) = session.proof(layer)? else {
            return Ok(None);
        };
        let card = &self.card.layers[layer];
        let key = &self.keys[&self.card.shape(card)];
        let decoded = Proof::from_bytes(key, proof.transcript, &proof.bytes);
        Ok(Some(decoded.map_err(|source| SessionError::Proof {
            layer,
            kind: card.kind,
            source,
        })?))
    }
}

//! A joint proof of a model with synthetic weights, for examples that go on from one.

use halo2curves::bn256::{Fr, G2Affine};
use halo2curves::ff::Field;
use nanozk_argument::{Proof, Statement, commit_known, powers, prove, verify};
use nanozk_circuit::{ColumnKind, Layout, Objective, Program, Values};
use nanozk_executor::{Activation, Architecture, Executor, padded, synthetic};
use nanozk_kzg::Basis;
use nanozk_layers::head::rows;
use nanozk_layers::{Layers, Selection, Sequence, Shape, Weights};
use nanozk_recursion::node::{Joint, Tables};
use nanozk_recursion::statement::Session;
use nanozk_setup::{DEVELOPMENT_SEED, development_powers};
use nanozk_transcript::RecursionTranscript;
use rand_core::OsRng;
use std::error::Error;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Processor seconds of this process so far.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: Vec<f64> = fields
        .skip(11)
        .take(2)
        .filter_map(|f| f.parse().ok())
        .collect();
    ticks.iter().sum::<f64>() / 100.0
}

/// Prints what each stage takes.
pub(crate) struct Clock {
    start: f64,
    last: Option<(&'static str, f64)>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: cpu_seconds(),
            last: None,
        }
    }

    pub(crate) fn stage(&mut self, stage: &'static str) {
        self.end();
        self.last = Some((stage, cpu_seconds()));
    }

    fn end(&mut self) {
        if let Some((name, start)) = self.last.take() {
            println!("    {name:24} {:6.2} CPU s", cpu_seconds() - start);
        }
    }

    pub(crate) fn total(&mut self, what: &str) {
        self.end();
        println!("{what}: {:.2} CPU s", cpu_seconds() - self.start);
    }
}

/// A session of a model with synthetic weights: its program, where that lies, and all values.
fn session(
    architecture: Architecture,
    positions: usize,
    generated: usize,
) -> Outcome<(Program, Layout, Layers, Sequence)> {
    let shape = Shape {
        architecture,
        spec: synthetic::spec(architecture.width, Activation::GeluNew),
        positions,
    };
    let mut p = Program::new();
    let all = Selection::all(architecture.layers);
    let layers = Layers::new(&mut p, &shape, &all, rows(generated))?;
    // As few commitments as a node can multiply.
    let k = if architecture.layers > 4 { 21 } else { 18 };
    let objective = Objective {
        min_k: k,
        max_k: k,
        ..Objective::default()
    };
    let plan = nanozk_layers::plan(&p, &shape, &layers, &objective)?;
    println!("{} columns of 2^{k} cells", plan.layout.columns().len());
    let prompt = positions - generated;
    let sequence = Sequence {
        tokens: Vec::new(),
        prompt,
        generated,
        prompt_salt: Fr::random(OsRng),
        output_salt: Fr::random(OsRng),
    };
    Ok((p, plan.layout, layers, sequence))
}

fn values<'a>(
    architecture: Architecture,
    (p, layout): (&'a Program, &'a Layout),
    layers: &Layers,
    sequence: &mut Sequence,
    positions: usize,
) -> Outcome<Values<'a>> {
    let weights = synthetic::model(architecture, Activation::GeluNew, 1);
    let prompt = synthetic::tokens(sequence.prompt, architecture.vocab, 1);
    let trace = {
        let executor = Executor::new(&weights)?;
        let tokens = executor.generate(&prompt, sequence.generated, |_| {})?;
        sequence.tokens = padded(&[prompt, tokens].concat(), positions);
        executor.forward(&sequence.tokens)?
    };
    let mut values = Values::new(
        p,
        layout,
        sequence.public_inputs([Fr::from(1), Fr::from(2)]),
    );
    layers.fill_weights(&mut values, Weights::Embed(&weights.wte, &weights.wpe))?;
    layers.fill_weights(&mut values, Weights::Head(&weights.head))?;
    for (block, layer) in weights.layers.iter().enumerate() {
        layers.fill_weights(&mut values, Weights::Block(block, layer, None))?;
    }
    layers.fill(&mut values, &trace, sequence)?;
    for (id, column) in layout.enumerate() {
        if matches!(
            column.kind,
            ColumnKind::Weight(_) | ColumnKind::Activation(_)
        ) {
            values.set_tail(id, vec![Fr::random(OsRng)]);
        }
    }
    Ok(values)
}

/// A session, proved.
pub(crate) struct Proved {
    pub(crate) program: Program,
    pub(crate) layout: Layout,
    pub(crate) tables: Tables,
    pub(crate) session: Session,
    pub(crate) proof: Proof,
    pub(crate) basis: Basis,
    pub(crate) g2: [G2Affine; 2],
}

impl Proved {
    /// What a node verifies.
    pub(crate) fn joint(&self) -> Joint<'_> {
        Joint {
            program: &self.program,
            layout: &self.layout,
            tables: &self.tables,
            session: &self.session,
            proof: &self.proof,
        }
    }
}

/// Proves a session of a model with the dimensions of GPT-2 small, or of a tiny one, with a setup of so many powers at least.
pub(crate) fn proved(is_small: bool, least_powers: usize) -> Outcome<Proved> {
    let (architecture, positions, generated) = match is_small {
        false => (synthetic::TINY, 16, 4),
        true => (synthetic::GPT2_SMALL, 32, 8),
    };
    let (p, layout, layers, mut sequence) = session(architecture, positions, generated)?;
    let powers = powers(layout.k()).max(least_powers);
    let (bases, g2) = development_powers(powers, DEVELOPMENT_SEED);
    let basis = Basis::new(&bases, 4)?;
    drop(bases);
    let values = values(
        architecture,
        (&p, &layout),
        &layers,
        &mut sequence,
        positions,
    )?;
    let known = commit_known(&basis, &values);
    let inputs = values.inputs().to_vec();
    let statement = Statement {
        program: &p,
        layout: &layout,
        inputs: &inputs,
        known: &known,
    };
    let mut clock = Clock::new();
    let mut transcript = RecursionTranscript::new();
    let proof = prove(
        &statement,
        values,
        &basis,
        &mut OsRng,
        &mut transcript,
        |stage| {
            clock.stage(stage.name());
        },
    )?;
    clock.total("joint proof: proved");
    let mut clock = Clock::new();
    let accumulator = verify(&statement, &proof, &mut RecursionTranscript::new())?;
    assert!(accumulator.holds(&g2), "the joint proof does not verify");
    clock.total("joint proof: verified");

    let tables = Tables::new(&basis, &p, &layout);
    let inputs = inputs.clone().try_into().map_err(|_| "six inputs")?;
    let session = Session::of_columns(inputs, &layout, known.points())?;
    Ok(Proved {
        program: p.clone(),
        layout: layout.clone(),
        tables,
        session,
        proof,
        basis,
        g2,
    })
}

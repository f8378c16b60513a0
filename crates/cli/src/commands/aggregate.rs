//! `nanozk aggregate`, and what verifying an aggregate takes.

use super::joint;
use super::prove::{describe, prove_layers};
use super::run::model_of;
use crate::args::{AggregateArgs, ProveArgs, Transcript};
use crate::data::{is_development, Data, DEVELOPMENT_WARNING};
use crate::measure::{available_bytes, peak_rss_bytes, Stopwatch};
use crate::output::{bytes, count, thousands, Out, Progress};
use anyhow::{bail, Result};
use nanozk_aggregation::Plan;
use nanozk_chain::aggregate::{AggregateCall, AGGREGATE_FORMAT};
use nanozk_circuits::Shape;
use nanozk_prover::aggregate::{self, Aggregator, Event, KeyedNode, Tree};
use nanozk_prover::directory::Kind;
use nanozk_prover::plonk::{estimate_peak_bytes, verifier_params};
use nanozk_prover::session::SessionDir;
use nanozk_prover::{files, Error};
use nanozk_setup::Setup;
use nanozk_verifier::aggregate::aggregation_digest;
use nanozk_verifier::card::ModelCard;
use nanozk_verifier::hex::Scalar;
use nanozk_verifier::VerifyingKey;
use serde_json::json;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// Processor seconds that a row of a node costs, roughly: `docs/benchmarks.md`.
const CPU_SECONDS_PER_ROW: f64 = 9e-5;

/// The tree of a plan, with its keys.
pub(in crate::commands) fn tree(
    card: &ModelCard,
    keys: &HashMap<Shape, VerifyingKey>,
    plan: Plan,
    data: &Data,
    events: &dyn Fn(Event),
) -> Result<Tree> {
    let layers = aggregate::layers_of(card, keys)?;
    let setups = Setups::new(card, data);
    Ok(Tree::new(
        &layers,
        plan,
        &|k| setups.get_checked(k),
        &data.keys(),
        events,
    )?)
}

/// Setups of several sizes, the last one kept in memory.
struct Setups<'a> {
    card: &'a ModelCard,
    data: &'a Data,
    last: RefCell<Option<Arc<Setup>>>,
}

impl<'a> Setups<'a> {
    fn new(card: &'a ModelCard, data: &'a Data) -> Self {
        Setups {
            card,
            data,
            last: RefCell::new(None),
        }
    }

    /// For proofs, which are verified before anybody sees them.
    fn get(&self, k: u32) -> Result<Arc<Setup>, Error> {
        self.find(k, |k| self.data.setup_of_size(self.card, k))
    }

    /// For keys.
    fn get_checked(&self, k: u32) -> Result<Arc<Setup>, Error> {
        self.find(k, |k| self.data.checked_setup_of_size(self.card, k))
    }

    fn find(&self, k: u32, load: impl Fn(u32) -> Result<Setup>) -> Result<Arc<Setup>, Error> {
        let mut last = self.last.borrow_mut();
        if let Some(setup) = last.as_ref().filter(|s| s.k() == k) {
            return Ok(setup.clone());
        }
        *last = None;
        let setup = load(k).map_err(|e| Error::NoSetup {
            k,
            source: e.into(),
        })?;
        let setup = Arc::new(setup);
        *last = Some(setup.clone());
        Ok(setup)
    }
}

/// Refuses what does not fit the memory that was given.
fn fits(args: &AggregateArgs, peak: u64) -> Result<()> {
    if let Some(gib) = args.memory {
        if peak as f64 > gib * f64::from(1u32 << 30) {
            bail!(
                "a node needs at least {}, which is more than the --memory of {gib} GiB; a smaller --max-k needs less",
                bytes(peak)
            );
        }
    }
    Ok(())
}

fn name(tree: &Tree, (level, index): (usize, usize)) -> String {
    let node: &KeyedNode = &tree.levels[level][index];
    let (first, end) = node.layers;
    let what = if level + 1 == tree.levels.len() {
        "root"
    } else {
        "node"
    };
    format!("{what} over layers {first}-{}", end - 1)
}

pub(super) fn aggregate(args: &AggregateArgs, data: &Data, out: &Out) -> Result<()> {
    if Kind::of(&args.session) == Some(Kind::JointSession) {
        return joint::aggregate(args, data, out);
    }
    Kind::Session.check(&args.session)?;
    let clock = Stopwatch::start();
    let dir = SessionDir::new(&args.session);
    let card = dir.card()?;
    card.check()?;
    let plan = match &args.tree {
        Some(text) => Some(Plan::parse(text, card.layers.len())?),
        None => None,
    };
    // Early, so that what is wrong is noticed before layers are proved.
    model_of(&args.session, args.model.as_deref())?;
    fits(args, aggregate::least_peak_bytes())?;

    let setup = data.setup_of(&card)?;
    let keys = data.layer_keys(&card, &setup)?;
    let params = verifier_params(setup.params(), setup.id());
    drop(setup);
    let progress = Progress::spinner("planning the tree");
    let plan = match plan {
        Some(plan) => plan,
        None => Plan::new(&aggregate::layers_of(&card, &keys)?, args.max_k),
    };
    let tree = tree(&card, &keys, plan, data, &|event| {
        if let Event::Key { .. } = event {
            progress.message("making the keys of nodes: once for a model");
        }
    })?;
    drop(progress);
    let keys_cpu = clock.cpu_s();
    let programs = || tree.levels.iter().flatten().map(|n| n.key.program());
    let peak = programs()
        .map(|p| estimate_peak_bytes(p))
        .max()
        .unwrap_or(0);
    fits(args, peak)?;

    out.text("layers, with the transcript that circuits recompute:");
    let layers = ProveArgs {
        session: args.session.clone(),
        model: args.model.clone(),
        layers: None,
        transcript: Transcript::Poseidon,
        jobs: 1,
        memory: args.memory,
        budget: None,
        seed: None,
    };
    prove_layers(&layers, &dir.for_aggregate(), data, out)?;
    let layers_cpu = clock.cpu_s() - keys_cpu;

    if let (None, Some(available)) = (args.memory, available_bytes().filter(|a| *a < peak)) {
        out.note(format!(
            "warning: about {} are needed, {} are available",
            bytes(peak),
            bytes(available)
        ));
    }
    let rows: f64 = programs().map(|p| p.rows() as f64).sum();
    out.text(format!(
        "tree {}: {}, about {:.0} CPU seconds and {} of memory",
        tree.plan,
        count(tree.nodes(), "node"),
        rows * CPU_SECONDS_PER_ROW,
        bytes(peak)
    ));
    out.json(&json!({
        "event": "tree",
        "tree": tree.plan.to_string(),
        "nodes": tree.nodes(),
        "estimated_cpu_s": rows * CPU_SECONDS_PER_ROW,
        "estimated_peak_bytes": peak,
    }));

    let progress = Progress::bar("proving nodes", tree.nodes());
    let cost =
        |(level, index): (usize, usize)| tree.levels[level][index].key.program().rows() as f64;
    progress.costs(rows);
    let setups = Setups::new(&card, data);
    let aggregator = Aggregator::new(&dir, &tree, params, keys)?;
    let report = |event: Event| match event {
        Event::Key { .. } => {}
        Event::Kept(node) => {
            progress.skip(cost(node));
            progress.above(|| {
                out.text(format!("{} already proved", name(&tree, node)));
                out.json(&json!({"event": "kept", "level": node.0, "index": node.1}));
            });
        }
        Event::Stage(node, stage) => {
            progress.message(&format!("{}: {}", name(&tree, node), describe(stage)));
        }
        Event::Proved {
            node,
            k,
            bytes,
            wall,
        } => {
            progress.step_of(cost(node));
            progress.above(|| {
                out.text(format!(
                    "{}: 2^{k} rows, proved in {:.1} s, {} bytes",
                    name(&tree, node),
                    wall.as_secs_f64(),
                    thousands(bytes as u64)
                ));
                out.json(&json!({
                    "event": "node",
                    "level": node.0,
                    "index": node.1,
                    "k": k,
                    "proof_bytes": bytes,
                    "wall_s": wall.as_secs_f64(),
                }));
            });
        }
    };
    let proof = aggregator.prove(&|k| setups.get(k), &report)?;
    drop(progress);
    let size = proof.to_bytes().len();
    let session = dir.session()?;
    let call = AggregateCall {
        format: AGGREGATE_FORMAT.into(),
        statement: session.statement(card.layers.len()).digest().into(),
        tree: tree.plan.to_string(),
        verifying_key: tree.root().key.digest().into(),
        proof: proof.to_calldata(aggregation_digest(&card)).into(),
    };
    files::write_json(&args.session.join("aggregate.json"), &call)?;
    let resident = peak_rss_bytes();
    if let Some(resident) = resident {
        out.text(format!("peak memory {}", bytes(resident)));
    }
    let nodes_cpu = clock.cpu_s() - layers_cpu - keys_cpu;
    out.text(format!(
        "one proof of {} bytes for {}, in {:.1} s ({:.1} CPU s: layers {layers_cpu:.1}, keys {keys_cpu:.1}, nodes {nodes_cpu:.1})",
        thousands(size as u64),
        count(card.layers.len(), "layer"),
        clock.wall_s(),
        clock.cpu_s(),
    ));
    if is_development(&card) {
        out.note(DEVELOPMENT_WARNING);
    }
    out.json(&json!({
        "event": "done",
        "proof_bytes": size,
        "digest": Scalar(aggregation_digest(&card)),
        "layers": card.layers.len(),
        "wall_s": clock.wall_s(),
        "layers_cpu_s": layers_cpu,
        "keys_cpu_s": keys_cpu,
        "nodes_cpu_s": nodes_cpu,
        "peak_rss_bytes": resident,
        "development_setup": is_development(&card),
    }));
    Ok(())
}

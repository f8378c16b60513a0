//! How long a farm proves an answer of Llama 3 8B, by its number of workers.
//!
//! `cargo run --release -p nanozk-farm --example llama [positions]`, 512 if not given.
//!
//! The scheduler is the real one, the clock is not. What joint proofs take are the planner's estimates for these shapes; what
//! nodes and final proofs take was measured (`docs/benchmarks.md`). Workers have one processor, 32 GiB and the model's weights.

use nanozk_circuit::{Objective, Program};
use nanozk_executor::{Architecture, synthetic};
use nanozk_farm::board::Outcome;
use nanozk_farm::graph::{Cost, Costs, Graph};
use nanozk_farm::simulation::{Farm, Machine, Report};
use nanozk_layers::{Layers, Selection, Shape, plan};
use nanozk_recursion::node::MAX_COMMITMENTS;

const GIB: u64 = 1 << 30;
const MODEL: u64 = 1;
const GENERATED: usize = 64;
/// Measured with AVX-512: the memory is that of a final proof with all below it.
const COSTS: Costs = Costs {
    node: Cost {
        cpu_seconds: 7.7,
        memory: GIB,
    },
    final_proof: Cost {
        cpu_seconds: 15.7,
        memory: GIB,
    },
};
/// Of a worker.
const MEMORY: u64 = 32 * GIB;

/// What a joint proof of layers takes. None: no columns are long enough.
fn window(shape: &Shape, layers: &[usize]) -> Option<Cost> {
    let mut p = Program::new();
    let selection = Selection::new(layers, shape.architecture.layers).ok()?;
    let layers = Layers::new(&mut p, shape, &selection, GENERATED).ok()?;
    let objective = Objective {
        commitments: Some(MAX_COMMITMENTS),
        max_k: 24,
        ..Objective::default()
    };
    let estimate = plan(&p, shape, &layers, &objective).ok()?.estimate;
    Some(Cost {
        cpu_seconds: estimate.cpu_seconds,
        memory: estimate.peak_bytes,
    })
}

fn main() {
    let positions: usize = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 512,
        Some(Ok(positions)) if positions > GENERATED => positions,
        Some(_) => {
            eprintln!("usage: llama [positions], more than {GENERATED}");
            std::process::exit(2);
        }
    };
    let known = synthetic::KNOWN
        .iter()
        .find(|(name, _)| *name == "llama-3-8b");
    let (_, architecture) = known.expect("the shape is known");
    let shape = Shape {
        architecture: Architecture {
            context: positions,
            ..*architecture
        },
        spec: synthetic::spec_of(architecture, synthetic::activation(architecture)),
        positions,
    };
    println!("joint proofs, {positions} positions");
    let last = 2 * architecture.layers + 1;
    let shown = |name: &str, layers: &[usize]| -> Cost {
        let cost = window(&shape, layers).expect("columns are long enough");
        let (seconds, gib) = (cost.cpu_seconds, cost.memory as f64 / GIB as f64);
        println!("{name:20} {seconds:4.0} CPU s {gib:5.1} GiB");
        cost
    };
    let embedding = shown("embedding", &[0]);
    let attention = shown("attention", &[1]);
    let mlp = shown("mlp", &[2]);
    let block = shown("block", &[1, 2]);
    let two = shown("two blocks", &[1, 2, 3, 4]);
    let head = shown("head", &[last]);
    // Some blocks in one window each, some in pairs, the others in a window for each half.
    let mut graphs = Vec::new();
    for pairs in 0..=architecture.layers / 2 {
        for halves in 0..=architecture.layers - 2 * pairs {
            let whole = architecture.layers - 2 * pairs - halves;
            let mut windows = vec![embedding, head];
            windows.extend(vec![two; pairs]);
            windows.extend(vec![block; whole]);
            windows.extend(vec![attention; halves]);
            windows.extend(vec![mlp; halves]);
            if windows.iter().all(|window| window.memory <= MEMORY) {
                graphs.push((windows.len(), Graph::final_proof(&windows, &COSTS)));
            }
        }
    }
    println!("\nworkers  windows  seconds   bound  ratio  answers an hour  messages");
    for workers in [1, 2, 4, 8, 12, 16, 24, 32, 64, 100, 1000] {
        let farm = Farm::new(vec![Machine::new(MEMORY, &[MODEL]); workers], MODEL);
        let runs = graphs
            .iter()
            .map(|(windows, graph)| (windows, farm.run(graph)));
        let done = runs.filter(|(_, report)| report.outcome == Outcome::Done);
        let best = done.min_by(|(_, a), (_, b)| a.seconds.total_cmp(&b.seconds));
        let (windows, report): (&usize, Report) = best.expect("single blocks fit");
        // Of all cuts, whichever was chosen.
        let bounds = graphs.iter().map(|(_, graph)| farm.bound(graph));
        let bound = bounds.fold(f64::INFINITY, f64::min);
        println!(
            "{workers:7} {windows:8} {:8.0} {bound:7.0} {:6.2} {:16.1} {:9}",
            report.seconds,
            report.seconds / bound,
            3600.0 / report.seconds,
            report.messages,
        );
    }
}

//! Chooses the sizes of a model's circuits, and says why.
//!
//! All circuits of a session share `k`, since neighbours share the commitments of their boundary.
//! For each `k` and layer kind the planner takes the narrowest circuit of each lane layout, and keeps
//! the least of
//!
//! `objective = CPU seconds to prove + commitment_price · commitments`,
//!
//! summed over the layers of the model. The price stands for what a commitment costs after proving:
//! about 6,150 gas on chain, and its share of a recursive verifier.

use serde::{Deserialize, Serialize};

use crate::composer::{Plan, TooLarge};
use crate::ir::Kind;
use crate::layer::{measure, BlockShape, LayerKind, Shape};

/// What the planner minimizes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// CPU seconds one commitment of a proof is worth.
    pub commitment_price: f64,
    /// Greatest `k` considered.
    pub max_k: u32,
}

impl Default for Objective {
    fn default() -> Self {
        Objective {
            commitment_price: 0.25,
            max_k: 22,
        }
    }
}

/// Costs of one circuit as the planner sees them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Commitments in a proof.
    pub commitments: usize,
    /// Estimated CPU seconds to prove.
    pub prove_cpu_s: f64,
    /// The objective's value.
    pub objective: f64,
}

/// A layer kind with its chosen sizes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Shape with its plan.
    pub shape: Shape,
    /// Its cost.
    pub cost: Cost,
    /// How many layers of the model have it.
    pub layers: usize,
}

/// A plan for all kinds of layers of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelPlan {
    /// What was minimized.
    pub objective: Objective,
    /// One entry per kind.
    pub choices: Vec<Choice>,
    /// Total objective for each `k` that was possible.
    pub by_k: Vec<(u32, f64)>,
}

/// No circuit was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no circuit with at most 2^{max_k} rows and {max_weights} weight columns holds a {} layer: {last}", kind.name())]
pub struct NoPlan {
    /// Layer that does not fit.
    pub kind: LayerKind,
    /// Greatest `k` tried.
    pub max_k: u32,
    /// Greatest number of weight columns tried.
    pub max_weights: usize,
    /// What was missing.
    pub last: TooLarge,
}

/// Lane layouts considered: lanes and bits of a limb. A row of lanes holds at least 40 bits.
const LANES: [(usize, u32); 5] = [(3, 16), (5, 16), (5, 8), (7, 8), (9, 8)];
const MAX_WEIGHTS: usize = 64;

/// Microseconds of CPU per row, measured with `nanozk bench layer` on the machine of `docs/benchmarks.md`.
const MSM_FULL: f64 = 5.5;
const MSM_SMALL: f64 = 1.1;
const FFT: f64 = 0.61;
const QUOTIENT_COLUMN: f64 = 0.35;

impl Cost {
    fn new(shape: &Shape, objective: &Objective) -> Result<Self, TooLarge> {
        let c = measure(*shape)?;
        let count = |kind| c.columns.iter().filter(|i| i.kind == kind).count();
        let (weights, witness) = (count(Kind::Weight), count(Kind::Witness));
        let boundary = count(Kind::Input) + count(Kind::Output);
        let second = count(Kind::Second);
        let commitments = weights + witness + boundary + second + 4;
        let polynomials = (witness + boundary + second + 1) as f64;
        let per_row = MSM_FULL * (second + 4) as f64
            + MSM_SMALL * (witness + boundary) as f64
            + FFT * 4.0 * polynomials
            + QUOTIENT_COLUMN * (polynomials + count(Kind::Fixed) as f64);
        let prove_cpu_s = per_row * (1u64 << shape.plan.k) as f64 * 1e-6;
        Ok(Cost {
            commitments,
            prove_cpu_s,
            objective: prove_cpu_s + objective.commitment_price * commitments as f64,
        })
    }
}

/// The least circuit of a kind with `2^k` rows.
fn best(
    kind: LayerKind,
    block: BlockShape,
    tokens: usize,
    k: u32,
    objective: &Objective,
) -> Result<(Shape, Cost), TooLarge> {
    let mut best: Option<(Shape, Cost)> = None;
    let mut last = TooLarge {
        what: "lookup tables",
        needed: 1 << 16,
        available: 1 << k,
    };
    for (lanes, limb) in LANES {
        if limb == 16 && k < 17 {
            continue;
        }
        let shape = |weights| Shape {
            kind,
            block,
            tokens,
            plan: Plan {
                k,
                weights,
                lanes,
                limb,
            },
        };
        // The embedding keeps one column for positions.
        let least = if kind == LayerKind::Embed { 2 } else { 1 };
        if let Err(e) = Cost::new(&shape(MAX_WEIGHTS), objective) {
            last = e;
            continue;
        }
        let (mut low, mut high) = (least, MAX_WEIGHTS);
        while low < high {
            let middle = (low + high) / 2;
            if Cost::new(&shape(middle), objective).is_ok() {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        let cost = Cost::new(&shape(low), objective)?;
        if best.is_none_or(|(_, b)| cost.objective < b.objective) {
            best = Some((shape(low), cost));
        }
        if kind == LayerKind::Embed {
            break;
        }
    }
    best.ok_or(last)
}

/// Plans the circuits of `kinds`, each with its number of layers.
pub fn plan(
    kinds: &[(LayerKind, usize)],
    block: BlockShape,
    tokens: usize,
    objective: Objective,
) -> Result<ModelPlan, NoPlan> {
    let mut by_k = Vec::new();
    let mut chosen: Option<(f64, Vec<Choice>)> = None;
    let mut failure = None;
    for k in 10..=objective.max_k {
        let choices: Result<Vec<Choice>, NoPlan> = kinds
            .iter()
            .map(|&(kind, layers)| {
                best(kind, block, tokens, k, &objective)
                    .map(|(shape, cost)| Choice {
                        shape,
                        cost,
                        layers,
                    })
                    .map_err(|last| NoPlan {
                        kind,
                        max_k: objective.max_k,
                        max_weights: MAX_WEIGHTS,
                        last,
                    })
            })
            .collect();
        match choices {
            Ok(choices) => {
                let total = choices
                    .iter()
                    .map(|c| c.cost.objective * c.layers as f64)
                    .sum();
                by_k.push((k, total));
                if chosen.as_ref().is_none_or(|(t, _)| total < *t) {
                    chosen = Some((total, choices));
                } else {
                    // The objective has one minimum: rows double, columns only shrink.
                    break;
                }
            }
            Err(e) => failure = Some(e),
        }
    }
    match (chosen, failure) {
        (Some((_, choices)), _) => Ok(ModelPlan {
            objective,
            choices,
            by_k,
        }),
        (None, Some(e)) => Err(e),
        (None, None) => unreachable!("at least one k is tried"),
    }
}

impl ModelPlan {
    /// The shape of a kind.
    pub fn shape(&self, kind: LayerKind) -> Option<Shape> {
        self.choices
            .iter()
            .find(|c| c.shape.kind == kind)
            .map(|c| c.shape)
    }

    /// The choice and its reasons, for people.
    pub fn explain(&self) -> String {
        let mut out = format!(
            "objective: CPU seconds to prove + {} per commitment, over all layers\n",
            self.objective.commitment_price
        );
        for (k, total) in &self.by_k {
            out += &format!("  k = {k}: {total:.1}\n");
        }
        out += "layer      count   k  weight columns  lanes  commitments  CPU s each (estimate)\n";
        for c in &self.choices {
            let p = c.shape.plan;
            let lanes = if c.shape.kind == LayerKind::Embed {
                "none".into()
            } else {
                format!("{}x{}", p.lanes, p.limb)
            };
            out += &format!(
                "{:<10} {:>5} {:>3} {:>15} {:>6} {:>12} {:>23.1}\n",
                c.shape.kind.name(),
                c.layers,
                p.k,
                p.weights,
                lanes,
                c.cost.commitments,
                c.cost.prove_cpu_s
            );
        }
        out
    }
}

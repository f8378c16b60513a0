//! What a worker takes from the queue.

use crate::graph::{Graph, Kind, Task};
use std::cmp::Reverse;

/// Where tasks wait in the queue that are alike to workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// Whose proof it is: proofs are numbered as they were asked for, and the oldest is made first.
    pub proof: u64,
    /// How long the way from these tasks to the end of the proof is, in eighths of powers of two of a second: what is furthest
    /// from the end is done first.
    pub distance: u32,
    /// What they make.
    pub kind: Kind,
    /// They take at most so much memory: a power of two, in bytes.
    pub memory: u64,
    /// Whose weights they take; only joint proofs do. The first bytes of the model's id.
    pub model: Option<u64>,
}

impl Line {
    /// The line of a task of a proof about a model.
    pub fn of(graph: &Graph, task: usize, proof: u64, model: u64) -> Self {
        let Task { kind, cost, .. } = &graph.tasks()[task];
        let eighths = 8.0 * (1.0 + graph.remaining(task)).log2();
        Self {
            proof,
            distance: eighths as u32,
            kind: *kind,
            memory: cost.memory.checked_next_power_of_two().unwrap_or(u64::MAX),
            model: (*kind == Kind::Joint).then_some(model),
        }
    }
}

/// What decides which lines a worker takes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Memory that it may use, in bytes.
    pub memory: u64,
    /// Models whose weights it has in memory, or can read from its own disk. It can load others, which takes time.
    pub models: Vec<u64>,
}

impl Abilities {
    /// The line to take from next: what fits, of the oldest proof with weights that are here, what is furthest from its end. None:
    /// nothing fits.
    pub fn choose(&self, lines: impl IntoIterator<Item = Line>) -> Option<Line> {
        let fits = lines.into_iter().filter(|line| line.memory <= self.memory);
        fits.min_by_key(|line| {
            let furthest = Reverse(line.distance);
            (
                !self.has(line),
                line.proof,
                furthest,
                line.memory,
                line.kind,
            )
        })
    }

    /// Whether it has the weights that a line's tasks take.
    pub fn has(&self, line: &Line) -> bool {
        line.model.is_none_or(|model| self.models.contains(&model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Cost;

    const GIB: u64 = 1 << 30;

    fn line(proof: u64, distance: u32, memory: u64, model: Option<u64>) -> Line {
        Line {
            proof,
            distance,
            kind: if model.is_some() {
                Kind::Joint
            } else {
                Kind::Node
            },
            memory,
            model,
        }
    }

    fn worker(memory: u64) -> Abilities {
        Abilities {
            memory,
            models: vec![7],
        }
    }

    #[test]
    fn the_oldest_proof_is_made_first_from_its_far_end() {
        let worker = worker(4 * GIB);
        let far = line(2, 60, GIB, Some(7));
        let near = line(2, 40, GIB, None);
        let older = line(1, 30, GIB, None);
        assert_eq!(worker.choose([near, far, older]), Some(older));
        assert_eq!(worker.choose([near, far]), Some(far));
        assert_eq!(worker.choose([near]), Some(near));
        assert_eq!(worker.choose([]), None);
        // Weights that are not here are loaded when there is nothing else; only joint proofs take any.
        let foreign = line(1, 99, GIB, Some(8));
        assert!(worker.has(&far) && worker.has(&near) && !worker.has(&foreign));
        assert_eq!(worker.choose([foreign, near]), Some(near));
        assert_eq!(worker.choose([foreign]), Some(foreign));
    }

    #[test]
    fn what_does_not_fit_is_left_to_others() {
        let cost = |memory| Cost {
            cpu_seconds: 100.0,
            memory,
        };
        let graph = Graph::joint_proofs(&[cost(2 * GIB), cost(2 * GIB + 1)]);
        let [fits, large] = [0, 1].map(|task| Line::of(&graph, task, 1, 7));
        assert_eq!([fits.memory, large.memory], [2 * GIB, 4 * GIB]);
        assert_eq!((fits.distance, fits.model), (53, Some(7)));
        assert_eq!(worker(3 * GIB).choose([large]), None);
        assert_eq!(worker(3 * GIB).choose([large, fits]), Some(fits));
        assert_eq!(worker(4 * GIB).choose([large]), Some(large));
    }
}

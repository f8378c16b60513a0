//! The tasks of a proof, and which of them need which.

use nanozk_recursion::node::folded;
use std::convert::Infallible;

/// What a task makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A joint proof of a window of layers: the only one that takes the model's weights.
    Joint,
    /// A node over a joint proof.
    Node,
    /// A node over nodes.
    Fold,
    /// The final proof, over one node.
    Final,
}

/// What a task takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Processor time, in seconds.
    pub cpu_seconds: f64,
    /// Most memory, in bytes, the model's weights included.
    pub memory: u64,
}

/// One step of a proof, which one worker does by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What it makes.
    pub kind: Kind,
    /// Numbers of the tasks whose results it takes, all of them less than its own.
    pub needs: Vec<usize>,
    /// What it takes.
    pub cost: Cost,
}

/// What nodes and final proofs take: the same for all models.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// A node, over a joint proof or over nodes.
    pub node: Cost,
    /// The final proof.
    pub final_proof: Cost,
}

/// The tasks of a proof, each behind all that it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    tasks: Vec<Task>,
    /// For each task, those that need it.
    dependents: Vec<Vec<usize>>,
    /// For each task, the processor time of the longest way from its beginning to the end.
    remaining: Vec<f64>,
}

impl Graph {
    /// Joint proofs of windows alone.
    pub fn joint_proofs(windows: &[Cost]) -> Self {
        let tasks = windows.iter().map(|cost| Task {
            kind: Kind::Joint,
            needs: Vec::new(),
            cost: *cost,
        });
        Self::new(tasks.collect())
    }

    /// A final proof: joint proofs of windows, a node over each, nodes over nodes, and the proof over the last. No windows: no
    /// tasks.
    pub fn final_proof(windows: &[Cost], costs: &Costs) -> Self {
        let mut tasks = Self::joint_proofs(windows).tasks;
        let mut add = |kind, needs, cost| {
            tasks.push(Task { kind, needs, cost });
            tasks.len() - 1
        };
        let nodes: Vec<usize> = (0..windows.len())
            .map(|joint| add(Kind::Node, vec![joint], costs.node))
            .collect();
        let fold = |_, children: &[usize]| -> Result<usize, Infallible> {
            Ok(add(Kind::Fold, children.to_vec(), costs.node))
        };
        let Ok(top) = folded(nodes, fold);
        if let Some(top) = top {
            add(Kind::Final, vec![top], costs.final_proof);
        }
        Self::new(tasks)
    }

    fn new(tasks: Vec<Task>) -> Self {
        let mut dependents = vec![Vec::new(); tasks.len()];
        for (number, task) in tasks.iter().enumerate() {
            for need in &task.needs {
                dependents[*need].push(number);
            }
        }
        let mut remaining = vec![0.0; tasks.len()];
        for (number, task) in tasks.iter().enumerate().rev() {
            let after = dependents[number].iter().map(|d| remaining[*d]);
            remaining[number] = task.cost.cpu_seconds + after.fold(0.0, f64::max);
        }
        Self {
            tasks,
            dependents,
            remaining,
        }
    }

    /// All tasks; a task's number is its place.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Those that need a task's result.
    pub fn dependents(&self, task: usize) -> &[usize] {
        &self.dependents[task]
    }

    /// Processor time, in seconds, of the longest way from a task's beginning to the end of all.
    pub fn remaining(&self, task: usize) -> f64 {
        self.remaining[task]
    }

    /// Processor time of all tasks, in seconds.
    pub fn work(&self) -> f64 {
        self.tasks.iter().map(|t| t.cost.cpu_seconds).sum()
    }

    /// Processor time of the longest chain of tasks, in seconds: no number of workers that do a task each is faster.
    pub fn critical_path(&self) -> f64 {
        self.remaining.iter().copied().fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(cpu_seconds: f64) -> Cost {
        Cost {
            cpu_seconds,
            memory: 1,
        }
    }

    fn costs() -> Costs {
        Costs {
            node: cost(8.0),
            final_proof: cost(16.0),
        }
    }

    #[test]
    fn a_proof_is_a_tree_under_one_final_proof() {
        let graph = Graph::final_proof(&[cost(20.0); 5], &costs());
        let count = |kind| graph.tasks().iter().filter(|t| t.kind == kind).count();
        let kinds = [Kind::Joint, Kind::Node, Kind::Fold, Kind::Final];
        // Five nodes become three by one over three, and these become one.
        assert_eq!(kinds.map(count), [5, 5, 2, 1]);
        for (number, task) in graph.tasks().iter().enumerate() {
            assert!(task.needs.iter().all(|need| *need < number));
            // Each result but the last is used, once.
            let last = number + 1 == graph.tasks().len();
            assert_eq!(graph.dependents(number).len(), usize::from(!last));
        }
        assert_eq!(graph.work(), 5.0 * 28.0 + 2.0 * 8.0 + 16.0);
        assert_eq!(graph.critical_path(), 20.0 + 3.0 * 8.0 + 16.0);
        assert_eq!(graph.remaining(0), graph.critical_path());
        // The fourth and the fifth go up alone, past the first fold.
        assert_eq!(graph.remaining(4), graph.critical_path() - 8.0);
    }

    #[test]
    fn one_window_has_no_node_over_nodes() {
        let graph = Graph::final_proof(&[cost(20.0)], &costs());
        let kinds: Vec<Kind> = graph.tasks().iter().map(|t| t.kind).collect();
        assert_eq!(kinds, [Kind::Joint, Kind::Node, Kind::Final]);
        assert!(Graph::final_proof(&[], &costs()).tasks().is_empty());
    }
}

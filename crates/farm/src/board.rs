//! What a coordinator knows of its tasks, and what it does about them.
//!
//! A task is published when all that it needs is there. Each time that it is published is an attempt. An attempt ends by a
//! result, by a worker's saying that it failed, or by silence; the next one is published if the rules allow. A worker that is
//! much slower than others does not end: another attempt is made beside it, and the first valid result counts.
//!
//! Whatever comes may come twice, late, out of order, or from attempts that are over, and also from before the coordinator was
//! started again: a valid result is taken from anybody, and nothing else makes a task done.

use crate::graph::Graph;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a coordinator puts up with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Most attempts of a task: then the proof fails.
    pub attempts: u32,
    /// A worker that took a task says at least so often that it is at it; twice, so that one message may be lost.
    pub silence: Duration,
    /// How many times the usual duration a task may take before another attempt is made beside the first.
    pub patience: f64,
}

impl Rules {
    /// How long nothing is heard of an attempt before it is over.
    pub fn limit(&self) -> Duration {
        self.silence * 2
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            attempts: 5,
            silence: Duration::from_secs(60),
            patience: 3.0,
        }
    }
}

/// Time since the coordinator's start, by its own clock. No other is asked.
pub type Time = Duration;

/// One attempt of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attempt {
    /// The task's number in the graph.
    pub task: usize,
    /// From 1 on.
    pub number: u32,
}

/// What happened to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// A worker took it, or is still at it.
    AtIt,
    /// A result came, and was verified.
    Result {
        /// Whether it is what the task makes.
        is_valid: bool,
    },
    /// The worker could not do it.
    Failed,
}

/// What the engine has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Put an attempt into its line of the queue.
    Publish(Attempt),
    /// Take it out again, or tell its worker that it is no longer needed.
    Withdraw(Attempt),
    /// Give nothing to a worker any more: it sent a wrong result.
    SetAside(String),
}

/// Where a proof stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Tasks are left.
    Open,
    /// All are done.
    Done,
    /// A task had all its attempts.
    Failed {
        /// Which.
        task: usize,
    },
}

/// What is known of a task from before the coordinator was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Its result is there, and was verified.
    pub is_done: bool,
    /// Attempts until now: written before each is published.
    pub attempts: u32,
    /// The last of them is in the queue, or with a worker.
    pub is_open: bool,
}

/// An attempt that is not over.
#[derive(Clone, Debug)]
struct Open {
    number: u32,
    /// Who has it, since when, and when it was last heard of. None: it is in the queue.
    taken: Option<Taken>,
}

#[derive(Clone, Debug)]
struct Taken {
    worker: String,
    since: Time,
    heard: Time,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// Needs that are not done.
    unmet: usize,
    is_done: bool,
    /// Attempts until now.
    attempts: u32,
    open: Vec<Open>,
}

/// All tasks of a proof, and where they stand.
#[derive(Clone, Debug)]
pub struct Board {
    graph: Graph,
    rules: Rules,
    states: Vec<State>,
    left: usize,
    failed: Option<usize>,
    set_aside: BTreeSet<String>,
    /// Seconds that a processor second took, of each attempt that gave a valid result.
    rates: Vec<f64>,
    /// Processor time of valid results, in seconds, by worker.
    done_by: BTreeMap<String, f64>,
}

impl Board {
    /// A proof, with what is known of its first tasks; nothing, if it is new. Gives what to publish, what is furthest from the end
    /// first.
    pub fn new(graph: Graph, rules: Rules, past: &[Past]) -> (Self, Vec<Order>) {
        let past = |task: usize| past.get(task).copied().unwrap_or_default();
        let states = graph.tasks().iter().enumerate().map(|(number, task)| {
            let Past {
                is_done,
                attempts,
                is_open,
            } = past(number);
            let last = Open {
                number: attempts,
                taken: None,
            };
            State {
                unmet: task.needs.iter().filter(|n| !past(**n).is_done).count(),
                is_done,
                attempts,
                open: (is_open && !is_done).then_some(last).into_iter().collect(),
            }
        });
        let states: Vec<State> = states.collect();
        let mut board = Self {
            left: states.iter().filter(|s| !s.is_done).count(),
            states,
            graph,
            rules,
            failed: None,
            set_aside: BTreeSet::new(),
            rates: Vec::new(),
            done_by: BTreeMap::new(),
        };
        let ready = (0..board.states.len()).filter(|task| board.is_ready(*task));
        let mut ready: Vec<usize> = ready.collect();
        let remaining = |task: usize| board.graph.remaining(task);
        ready.sort_by(|a, b| remaining(*b).total_cmp(&remaining(*a)).then(a.cmp(b)));
        let mut orders = Vec::new();
        for task in ready {
            if board.failed.is_none() {
                orders.extend(board.next_attempt(task));
            }
        }
        (board, orders)
    }

    /// What the tasks are.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Where the proof stands.
    pub fn outcome(&self) -> Outcome {
        match (self.failed, self.left) {
            (Some(task), _) => Outcome::Failed { task },
            (None, 0) => Outcome::Done,
            (None, _) => Outcome::Open,
        }
    }

    /// Tasks that are not done.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Attempts of a task until now.
    pub fn attempts(&self, task: usize) -> u32 {
        self.states.get(task).map_or(0, |s| s.attempts)
    }

    /// Processor time of valid results, in seconds, by worker.
    pub fn done_by(&self) -> &BTreeMap<String, f64> {
        &self.done_by
    }

    /// Whether a worker sent a wrong result.
    pub fn is_set_aside(&self, worker: &str) -> bool {
        self.set_aside.contains(worker)
    }

    /// What follows from news of an attempt. Of tasks that there are not, nothing does.
    pub fn hear(&mut self, attempt: Attempt, worker: &str, news: News, now: Time) -> Vec<Order> {
        if attempt.task >= self.states.len() || self.failed.is_some() {
            return Vec::new();
        }
        match news {
            News::AtIt => self.at_it(attempt, worker, now),
            News::Result { is_valid: true } => self.done(attempt, worker, now),
            News::Result { is_valid: false } => self.wrong(attempt, worker),
            News::Failed => self.over(attempt, Some(worker)),
        }
    }

    /// What follows from the time: to be asked again at [`Board::next_look`].
    pub fn look(&mut self, now: Time) -> Vec<Order> {
        let mut orders = Vec::new();
        let (limit, rate) = (self.rules.limit(), self.rate());
        for task in 0..self.states.len() {
            let silent = |open: &&Open| {
                let taken = open.taken.as_ref();
                taken.is_some_and(|t| now.saturating_sub(t.heard) >= limit)
            };
            let open = self.states[task].open.iter().filter(silent);
            let silent: Vec<u32> = open.map(|o| o.number).collect();
            for number in silent {
                orders.extend(self.over(Attempt { task, number }, None));
            }
            if self.slow_from(task, rate).is_some_and(|from| now >= from) {
                orders.extend(self.attempt(task));
            }
        }
        orders
    }

    /// When something follows from the time, if nothing is heard until then.
    pub fn next_look(&self) -> Option<Time> {
        if self.failed.is_some() {
            return None;
        }
        let silences = self.states.iter().flat_map(|s| &s.open).filter_map(|open| {
            let taken = open.taken.as_ref()?;
            Some(taken.heard + self.rules.limit())
        });
        let rate = self.rate();
        let slow = (0..self.states.len()).filter_map(|task| self.slow_from(task, rate));
        silences.chain(slow).min()
    }

    /// Whether a task waits for nothing, and nobody for it.
    fn is_ready(&self, task: usize) -> bool {
        let state = &self.states[task];
        state.unmet == 0 && !state.is_done && state.open.is_empty()
    }

    /// The next attempt, if there may be one.
    fn attempt(&mut self, task: usize) -> Option<Order> {
        let state = &mut self.states[task];
        if state.attempts >= self.rules.attempts {
            return None;
        }
        state.attempts += 1;
        let number = state.attempts;
        state.open.push(Open {
            number,
            taken: None,
        });
        Some(Order::Publish(Attempt { task, number }))
    }

    /// The next attempt of a task that nobody has, or the end.
    fn next_attempt(&mut self, task: usize) -> Vec<Order> {
        match self.attempt(task) {
            Some(order) => vec![order],
            None => {
                self.failed = Some(task);
                self.withdrawn()
            }
        }
    }

    fn at_it(&mut self, attempt: Attempt, worker: &str, now: Time) -> Vec<Order> {
        if self.set_aside.contains(worker) {
            // It took this before it was known to be wrong.
            return self.over(attempt, Some(worker));
        }
        let state = &mut self.states[attempt.task];
        let open = state.open.iter_mut().find(|o| o.number == attempt.number);
        let Some(open) = open else {
            // It need not go on.
            return vec![Order::Withdraw(attempt)];
        };
        match &mut open.taken {
            // The queue may give what it believes to be lost to another worker: the last that was heard of has it.
            Some(taken) if taken.worker == worker => taken.heard = now,
            taken => {
                *taken = Some(Taken {
                    worker: worker.to_owned(),
                    since: now,
                    heard: now,
                });
            }
        }
        Vec::new()
    }

    fn done(&mut self, attempt: Attempt, worker: &str, now: Time) -> Vec<Order> {
        let task = attempt.task;
        if self.states[task].is_done {
            return Vec::new();
        }
        let cpu_seconds = self.graph.tasks()[task].cost.cpu_seconds;
        let state = &mut self.states[task];
        state.is_done = true;
        let mut orders = Vec::new();
        for open in std::mem::take(&mut state.open) {
            if open.number != attempt.number {
                let number = open.number;
                orders.push(Order::Withdraw(Attempt { task, number }));
            } else if let Some(taken) = open.taken.filter(|t| t.worker == worker) {
                let seconds = now.saturating_sub(taken.since).as_secs_f64();
                self.rates
                    .push(seconds / cpu_seconds.max(f64::MIN_POSITIVE));
            }
        }
        self.left -= 1;
        *self.done_by.entry(worker.to_owned()).or_default() += cpu_seconds;
        for dependent in self.graph.dependents(task).to_vec() {
            self.states[dependent].unmet -= 1;
            if self.is_ready(dependent) {
                orders.extend(self.next_attempt(dependent));
            }
        }
        orders
    }

    /// A worker that is wrong once is not asked again: what it has goes to others.
    fn wrong(&mut self, attempt: Attempt, worker: &str) -> Vec<Order> {
        let mut orders = Vec::new();
        if self.set_aside.insert(worker.to_owned()) {
            orders.push(Order::SetAside(worker.to_owned()));
        }
        let mut over = vec![attempt];
        for (task, state) in self.states.iter().enumerate() {
            let own = |open: &&Open| open.taken.as_ref().is_some_and(|t| t.worker == worker);
            let open = state.open.iter().filter(own);
            over.extend(open.map(|open| Attempt {
                task,
                number: open.number,
            }));
        }
        over.sort();
        over.dedup();
        for attempt in over {
            orders.extend(self.over(attempt, Some(worker)));
        }
        orders
    }

    /// An attempt gave nothing. `worker` says so; none: nobody was heard of. What another one has goes on.
    fn over(&mut self, attempt: Attempt, worker: Option<&str>) -> Vec<Order> {
        let task = attempt.task;
        let open = &mut self.states[task].open;
        let is_over = |o: &Open| {
            let by_another = match (&o.taken, worker) {
                (Some(taken), Some(worker)) => taken.worker != worker,
                _ => false,
            };
            o.number == attempt.number && !by_another
        };
        let Some(at) = open.iter().position(is_over) else {
            return Vec::new();
        };
        open.remove(at);
        let mut orders = vec![Order::Withdraw(attempt)];
        if self.is_ready(task) {
            orders.extend(self.next_attempt(task));
        }
        orders
    }

    /// Nothing is needed any more.
    fn withdrawn(&mut self) -> Vec<Order> {
        let states = self.states.iter_mut().enumerate();
        let open = states.flat_map(|(task, state)| {
            let numbers = std::mem::take(&mut state.open)
                .into_iter()
                .map(|o| o.number);
            numbers.map(move |number| Order::Withdraw(Attempt { task, number }))
        });
        open.collect()
    }

    /// When a task's only attempt is to get another one beside it, at a rate.
    fn slow_from(&self, task: usize, rate: f64) -> Option<Time> {
        let state = &self.states[task];
        let [only] = &state.open[..] else {
            return None;
        };
        let taken = only.taken.as_ref()?;
        if state.attempts >= self.rules.attempts {
            return None;
        }
        let seconds = self.graph.tasks()[task].cost.cpu_seconds * rate * self.rules.patience;
        let patience = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        Some(taken.since.saturating_add(patience))
    }

    /// Seconds that a processor second takes: the median of what was done; before, as if on one processor.
    fn rate(&self) -> f64 {
        let mut rates = self.rates.clone();
        let middle = rates.len() / 2;
        match rates.is_empty() {
            true => 1.0,
            false => *rates.select_nth_unstable_by(middle, f64::total_cmp).1,
        }
    }
}

#[cfg(test)]
mod tests;

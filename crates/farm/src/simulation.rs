//! A farm under a virtual clock: the coordinator's board, a queue, and workers that take time, fail, lie, and are killed.
//!
//! The board and what workers choose are the real ones. What is simulated is around them: a queue that keeps what it was given,
//! gives it again if nobody acknowledges it, and outlives everybody; messages that are late, doubled, or lost if they only say
//! that a worker is at it; and processors.

use crate::board::{Attempt, Board, News, Order, Outcome, Past, Rules, Time};
use crate::graph::{Graph, Task};
use crate::worker::{Abilities, Line};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

/// A worker's machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Processor seconds a second, at the work of one task.
    pub speed: f64,
    /// What it takes.
    pub abilities: Abilities,
    /// Seconds to load the weights of a model that it does not have; it keeps them.
    pub loading: f64,
    /// It never sends a valid result.
    pub is_wrong: bool,
}

impl Machine {
    /// One processor with some memory and the weights of models.
    pub fn new(memory: u64, models: &[u64]) -> Self {
        Self {
            speed: 1.0,
            abilities: Abilities {
                memory,
                models: models.to_vec(),
            },
            loading: 60.0,
            is_wrong: false,
        }
    }
}

/// Somebody who is killed, and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A worker, by its number. What it was at is lost.
    Worker(usize),
    /// The coordinator: its board is lost. Results that it verified, and numbers of attempts, are not.
    Coordinator,
    /// The queue. What it was given is not lost; nobody can reach it.
    Queue,
}

/// Somebody is not there for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// Who.
    pub who: Who,
    /// From when on.
    pub from: Time,
    /// How long.
    pub span: Duration,
}

/// A farm with all that happens to it.
#[derive(Clone, Debug)]
pub struct Farm {
    /// The workers.
    pub machines: Vec<Machine>,
    /// The model of the proof.
    pub model: u64,
    /// The coordinator's.
    pub rules: Rules,
    /// Longest way of a message; the shortest is a tenth.
    pub latency: Duration,
    /// Of a thousand messages, how many come twice, and how many that only say that a worker is at it are lost.
    pub per_mille: u64,
    /// Who is not there, and when.
    pub absences: Vec<Absence>,
    /// Of what is random.
    pub seed: u64,
}

impl Farm {
    /// A farm to which nothing happens.
    pub fn new(machines: Vec<Machine>, model: u64) -> Self {
        Self {
            machines,
            model,
            rules: Rules::default(),
            latency: Duration::from_millis(20),
            per_mille: 0,
            absences: Vec::new(),
            seed: 1,
        }
    }

    /// Makes a proof. Ends when it is made or has failed, or when nothing can happen any more.
    pub fn run(&self, graph: &Graph) -> Report {
        Run::new(self, graph).run()
    }

    /// No farm of these machines is faster: all work on all processors, or the longest chain of tasks on the fastest.
    pub fn bound(&self, graph: &Graph) -> f64 {
        let speeds = self.machines.iter().map(|m| m.speed);
        let fastest = speeds.clone().fold(0.0, f64::max);
        let all: f64 = speeds.sum();
        (graph.critical_path() / fastest).max(graph.work() / all)
    }
}

/// What became of a proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Done, failed, or open if nothing could happen any more.
    pub outcome: Outcome,
    /// Seconds until then.
    pub seconds: f64,
    /// Processor seconds of all workers, those for nothing included.
    pub cpu_seconds: f64,
    /// How often each task was begun.
    pub begun: Vec<u32>,
    /// Attempts of each task.
    pub attempts: Vec<u32>,
    /// Valid results that the coordinator kept, by task: one each, if all is well.
    pub kept: Vec<u32>,
    /// Messages of all kinds.
    pub messages: u64,
    /// Workers that were set aside.
    pub set_aside: BTreeSet<String>,
}

/// What comes to the coordinator.
#[derive(Clone, Debug)]
struct Message {
    attempt: Attempt,
    worker: usize,
    news: News,
}

#[derive(Clone, Debug)]
enum Event {
    /// A message has reached the queue's end, or the coordinator.
    Arrives(Message),
    /// A worker says that it is at something; in its how-manyeth life.
    Beat(usize, u64),
    /// A worker is through.
    Through(usize, u64),
    /// The coordinator looks at the clock.
    Look,
    /// The queue gives again what nobody has acknowledged.
    Redeliver,
    /// Somebody is killed, or comes back.
    Leaves(Absence),
    Returns(Who),
}

#[derive(Clone, Debug)]
struct Worker {
    machine: Machine,
    is_there: bool,
    /// Counts what it was at, so that events of what was lost are known.
    life: u64,
    at: Option<(Attempt, Time)>,
}

/// What is in the queue, and what was taken from it and not acknowledged.
#[derive(Default)]
struct Queue {
    lines: HashMap<Line, VecDeque<Attempt>>,
    taken: BTreeMap<Attempt, (Line, Time)>,
    is_away: bool,
}

impl Queue {
    fn has(&self, attempt: &Attempt) -> bool {
        self.taken.contains_key(attempt) || self.lines.values().flatten().any(|a| a == attempt)
    }

    fn remove(&mut self, attempt: &Attempt) {
        self.taken.remove(attempt);
        for line in self.lines.values_mut() {
            line.retain(|a| a != attempt);
        }
        self.lines.retain(|_, waiting| !waiting.is_empty());
    }
}

struct Run<'a> {
    farm: &'a Farm,
    graph: &'a Graph,
    now: Time,
    /// By time, then in the order in which they were foreseen.
    events: BTreeMap<(Time, u64), Event>,
    count: u64,
    random: u64,
    queue: Queue,
    workers: Vec<Worker>,
    board: Option<Board>,
    /// What the coordinator writes down.
    past: Vec<Past>,
    /// When the coordinator looks next: only that event counts.
    look: Option<Time>,
    /// Messages to the coordinator, which wait for it.
    waiting: Vec<Message>,
    report: Report,
}

impl<'a> Run<'a> {
    fn new(farm: &'a Farm, graph: &'a Graph) -> Self {
        let tasks = graph.tasks().len();
        let workers = farm.machines.iter().map(|machine| Worker {
            machine: machine.clone(),
            is_there: true,
            life: 0,
            at: None,
        });
        let mut run = Self {
            farm,
            graph,
            now: Time::ZERO,
            events: BTreeMap::new(),
            count: 0,
            random: farm.seed,
            queue: Queue::default(),
            workers: workers.collect(),
            board: None,
            past: vec![Past::default(); tasks],
            look: None,
            waiting: Vec::new(),
            report: Report {
                outcome: Outcome::Open,
                seconds: 0.0,
                cpu_seconds: 0.0,
                begun: vec![0; tasks],
                attempts: vec![0; tasks],
                kept: vec![0; tasks],
                messages: 0,
                set_aside: BTreeSet::new(),
            },
        };
        for absence in &farm.absences {
            run.at(absence.from, Event::Leaves(*absence));
        }
        run.start_coordinator();
        run
    }

    fn run(mut self) -> Report {
        self.settle();
        while self.outcome() == Outcome::Open {
            let Some(((at, _), event)) = self.events.pop_first() else {
                break;
            };
            self.now = at;
            self.happens(event);
            self.settle();
        }
        self.report.outcome = self.outcome();
        self.report.seconds = self.now.as_secs_f64();
        for (attempts, past) in self.report.attempts.iter_mut().zip(&self.past) {
            *attempts = past.attempts;
        }
        self.report
    }

    fn outcome(&self) -> Outcome {
        self.board.as_ref().map_or(Outcome::Open, Board::outcome)
    }

    fn at(&mut self, at: Time, event: Event) {
        self.count += 1;
        self.events.insert((at, self.count), event);
    }

    /// SplitMix64.
    fn draw(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }

    /// Sends something to the coordinator.
    fn send(&mut self, message: Message) {
        let only_beats = message.news == News::AtIt;
        let copies = match self.draw(1000) < self.farm.per_mille {
            true if only_beats => 0,
            true => 2,
            false => 1,
        };
        for _ in 0..copies {
            self.report.messages += 1;
            let longest = u64::try_from(self.farm.latency.as_micros()).unwrap_or(u64::MAX);
            let way = longest / 10 + self.draw(longest - longest / 10);
            let arrives = Event::Arrives(message.clone());
            self.at(self.now + Duration::from_micros(way), arrives);
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Arrives(message) => self.waiting.push(message),
            Event::Beat(worker, life) => {
                let state = &self.workers[worker];
                if let (Some((attempt, _)), true) = (state.at, state.life == life) {
                    self.beat(worker, attempt);
                }
            }
            Event::Through(worker, life) => self.through(worker, life),
            Event::Look => {
                if self.look.is_some_and(|at| at <= self.now) {
                    self.look = None;
                    let now = self.now;
                    let orders = self.board.as_mut().map(|b| b.look(now));
                    self.carry_out(orders.unwrap_or_default());
                }
            }
            Event::Redeliver => self.redeliver(),
            Event::Leaves(absence) => {
                self.leaves(absence.who);
                self.at(absence.from + absence.span, Event::Returns(absence.who));
            }
            Event::Returns(who) => match who {
                Who::Worker(worker) => self.workers[worker].is_there = true,
                Who::Coordinator => self.start_coordinator(),
                Who::Queue => self.queue.is_away = false,
            },
        }
    }

    fn leaves(&mut self, who: Who) {
        match who {
            Who::Worker(worker) => {
                self.stop(worker);
                self.workers[worker].is_there = false;
            }
            Who::Coordinator => {
                self.board = None;
                self.look = None;
            }
            Who::Queue => self.queue.is_away = true,
        }
    }

    fn start_coordinator(&mut self) {
        for (task, past) in self.past.iter_mut().enumerate() {
            let number = past.attempts;
            past.is_open = self.queue.has(&Attempt { task, number });
        }
        let (board, orders) = Board::new(self.graph.clone(), self.farm.rules, &self.past);
        self.board = Some(board);
        self.carry_out(orders);
    }

    /// What can happen without the clock: the coordinator reads what came, and idle workers take what waits.
    fn settle(&mut self) {
        if self.queue.is_away {
            return;
        }
        if self.board.is_some() {
            for message in std::mem::take(&mut self.waiting) {
                self.read(message);
            }
        }
        for worker in 0..self.workers.len() {
            self.take(worker);
        }
        let next = self.board.as_ref().and_then(Board::next_look);
        if let Some(at) = next.filter(|at| self.look.is_none_or(|look| *at < look)) {
            let at = at.max(self.now);
            self.look = Some(at);
            self.at(at, Event::Look);
        }
    }

    fn read(&mut self, message: Message) {
        let Message {
            attempt,
            worker,
            news,
        } = message;
        let now = self.now;
        let Some(board) = &mut self.board else {
            return;
        };
        let before = board.left();
        let orders = board.hear(attempt, &name(worker), news, now);
        if board.left() < before {
            // Kept before anything follows from it.
            self.past[attempt.task].is_done = true;
            self.report.kept[attempt.task] += 1;
        }
        self.carry_out(orders);
    }

    fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            self.report.messages += 1;
            match order {
                Order::Publish(attempt) => {
                    // Written down first: an attempt that nobody counts would be one more than there may be.
                    self.past[attempt.task].attempts = attempt.number;
                    let line = Line::of(self.graph, attempt.task, 1, self.farm.model);
                    let waiting = self.queue.lines.entry(line).or_default();
                    waiting.push_back(attempt);
                }
                Order::Withdraw(attempt) => {
                    self.queue.remove(&attempt);
                    for worker in 0..self.workers.len() {
                        if self.workers[worker].at.is_some_and(|(a, _)| a == attempt) {
                            self.stop(worker);
                        }
                    }
                }
                Order::SetAside(worker) => {
                    self.report.set_aside.insert(worker);
                }
            }
        }
    }

    /// An idle worker takes what it prefers.
    fn take(&mut self, worker: usize) {
        let state = &self.workers[worker];
        let is_idle = state.is_there && state.at.is_none();
        if !is_idle || self.report.set_aside.contains(&name(worker)) {
            return;
        }
        let abilities = &state.machine.abilities;
        let Some(line) = abilities.choose(self.queue.lines.keys().copied()) else {
            return;
        };
        let Some(attempt) = self
            .queue
            .lines
            .get_mut(&line)
            .and_then(VecDeque::pop_front)
        else {
            return;
        };
        self.queue.lines.retain(|_, waiting| !waiting.is_empty());
        let has_weights = abilities.has(&line);
        let state = &mut self.workers[worker];
        let loading = if has_weights {
            0.0
        } else {
            state.machine.loading
        };
        if let (false, Some(model)) = (has_weights, line.model) {
            state.machine.abilities.models.push(model);
        }
        state.life += 1;
        state.at = Some((attempt, self.now));
        let life = state.life;
        let task: &Task = &self.graph.tasks()[attempt.task];
        let seconds = loading + task.cost.cpu_seconds / state.machine.speed;
        let through = self.now + Duration::from_secs_f64(seconds);
        self.report.begun[attempt.task] += 1;
        self.queue.taken.insert(attempt, (line, self.now));
        self.at(through, Event::Through(worker, life));
        self.beat(worker, attempt);
    }

    /// Says that it is at it, to the queue and to the coordinator.
    fn beat(&mut self, worker: usize, attempt: Attempt) {
        let rules = self.farm.rules;
        if let Some((_, heard)) = self.queue.taken.get_mut(&attempt) {
            *heard = self.now;
            self.at(self.now + rules.limit(), Event::Redeliver);
        }
        self.send(Message {
            attempt,
            worker,
            news: News::AtIt,
        });
        let life = self.workers[worker].life;
        self.at(self.now + rules.silence, Event::Beat(worker, life));
    }

    /// Ends what a worker is at.
    fn stop(&mut self, worker: usize) {
        let state = &mut self.workers[worker];
        state.life += 1;
        if let Some((_, since)) = state.at.take() {
            let seconds = self.now.saturating_sub(since).as_secs_f64();
            self.report.cpu_seconds += seconds * state.machine.speed;
        }
    }

    fn through(&mut self, worker: usize, life: u64) {
        let state = &self.workers[worker];
        let (Some((attempt, _)), true) = (state.at, state.life == life) else {
            return;
        };
        let is_valid = !state.machine.is_wrong;
        self.stop(worker);
        // The result first, then the acknowledgement: it may come twice, but is not lost.
        self.send(Message {
            attempt,
            worker,
            news: News::Result { is_valid },
        });
        self.queue.taken.remove(&attempt);
    }

    /// What nobody was heard of goes to its line again.
    fn redeliver(&mut self) {
        let limit = self.farm.rules.limit();
        let is_late = |heard: Time| self.now.saturating_sub(heard) >= limit;
        let late = self.queue.taken.iter();
        let late = late.filter(|(_, (_, heard))| is_late(*heard));
        let late: Vec<(Attempt, Line)> = late.map(|(a, (line, _))| (*a, *line)).collect();
        for (attempt, line) in late {
            self.queue.taken.remove(&attempt);
            let waiting = self.queue.lines.entry(line).or_default();
            waiting.push_front(attempt);
        }
    }
}

fn name(worker: usize) -> String {
    format!("worker-{worker}")
}

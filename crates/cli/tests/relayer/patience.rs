//! How long a test waits: by the work that is done, not by the clock. A machine that is slow, or busy with something else,
//! gives less of it in a minute, and more minutes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Processor time, in hundredths of a second, in which a relayer does whatever it is going to do.
const ENOUGH: u64 = 6_000;
/// How long it may use none at all.
const STILL: Duration = Duration::from_secs(600);

/// Processor time of a process, and of those that it started and that still run.
fn work(id: u32) -> Option<(u64, u64)> {
    let mut processes = HashMap::new();
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let line = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some((_, rest)) = line.rsplit_once(')') else {
            continue;
        };
        let fields: Vec<u64> = rest
            .split_whitespace()
            .map(|f| f.parse().unwrap_or_default())
            .collect();
        if let [_, parent, ..] = fields[..] {
            let own = fields.iter().skip(11).take(2).sum::<u64>();
            processes.insert(id, (parent as u32, own));
        }
    }
    let own = processes.get(&id)?.1;
    let mut family = vec![id];
    let mut at = 0;
    while let Some(parent) = family.get(at).copied() {
        family.extend(
            processes
                .iter()
                .filter(|(_, p)| p.0 == parent)
                .map(|(id, _)| *id),
        );
        at += 1;
    }
    let children = family.iter().skip(1).filter_map(|id| processes.get(id));
    Some((own, children.map(|p| p.1).sum()))
}

/// Of one wait for a relayer.
pub(crate) struct Patience {
    id: u32,
    /// Work of the relayer, and of its prover, that is not counted.
    before: (u64, u64),
    /// Its work when it last did something, and when that was.
    moved: (u64, Instant),
    looked: Instant,
}

impl Patience {
    pub(crate) fn with(id: u32) -> Self {
        let before = work(id).unwrap_or_default();
        let now = Instant::now();
        Patience {
            id,
            before,
            moved: (before.0, now),
            looked: now,
        }
    }

    /// Whether what did not happen so far never will.
    pub(crate) fn is_over(&mut self) -> bool {
        if self.looked.elapsed() < Duration::from_secs(1) {
            return false;
        }
        self.looked = Instant::now();
        let (own, children) = work(self.id).unwrap_or_default();
        // As long as it proves, the relayer has only to wait.
        if children >= self.before.1 + 50 || children < self.before.1 {
            self.before = (own, children);
        }
        if own > self.moved.0 {
            self.moved = (own, Instant::now());
        }
        own.saturating_sub(self.before.0) > ENOUGH || self.moved.1.elapsed() > STILL
    }
}

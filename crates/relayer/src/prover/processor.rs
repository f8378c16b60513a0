//! How much processor time a process and its descendants used.
//!
//! By hand: the crate `procfs` is for Linux only, and `sysinfo` brings far more than one number.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// Linux counts in hundredths of a second, whatever the kernel's own clock.
const TICK: Duration = Duration::from_millis(10);

/// Of one process: its parent, and its ticks with those of children that ended.
fn of(line: &str) -> Option<(u32, u64)> {
    // The name, in parentheses, may hold anything.
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    // State, parent, ..., and from the twelfth on: user, system, and both of children.
    let ticks = (11..15).map(number).sum::<Option<u64>>()?;
    Some((u32::try_from(number(1)?).ok()?, ticks))
}

/// Processor time of a process and all that it started; none where nobody says.
pub(super) fn time_of(id: u32) -> Option<Duration> {
    let mut processes: HashMap<u32, (u32, u64)> = HashMap::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
            continue;
        };
        let line = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        processes.extend(of(&line).map(|process| (id, process)));
    }
    processes.get(&id)?;
    let is_of = |mut process: u32| {
        // No chain of parents is longer.
        for _ in 0..processes.len() {
            if process == id {
                return true;
            }
            match processes.get(&process) {
                Some((parent, _)) => process = *parent,
                None => return false,
            }
        }
        false
    };
    let ticks: u64 = processes
        .iter()
        .filter(|(process, _)| is_of(**process))
        .map(|(_, (_, ticks))| ticks)
        .sum();
    let ticks = u32::try_from(ticks).unwrap_or(u32::MAX);
    Some(TICK * ticks)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn names_of_processes_may_be_strange() {
        let line = "12 (a) b (c)) S 7 12 12 0 -1 4194304 1 2 3 4 100 20 3 4 20 0 1 0 5 6 7";
        assert_eq!(of(line), Some((7, 127)));
        assert_eq!(of("12 (a"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn work_of_children_counts() {
        let own = std::process::id();
        let before = time_of(own).expect("this process");
        // A child of a child that counts for more than fifty milliseconds.
        let count = "i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done";
        let mut child = std::process::Command::new("sh")
            .args(["-c", &format!("sh -c '{count}'; true")])
            .spawn()
            .expect("a shell");
        // What ended is there until it is waited for.
        let worked = || time_of(child.id()).is_some_and(|t| t >= 5 * TICK);
        while !worked() {
            std::thread::sleep(TICK);
        }
        assert!(time_of(own).expect("this process") >= before + 5 * TICK);
        child.wait().expect("its end");
        assert_eq!(time_of(u32::MAX), None);
    }
}

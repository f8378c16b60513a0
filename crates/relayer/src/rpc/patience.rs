//! How long an answer is waited for: longer, each time, for a request that no node answered in time.
//!
//! A node that needs a minute to estimate a large call would never be heard if each repetition waited ten seconds.

use alloy::rpc::json_rpc::{RequestPacket, SerializedRequest};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A request that is not repeated for so long is not wanted any more.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// A request that no node answered in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slow {
    /// Its method.
    pub method: String,
    /// How long it was waited for last.
    pub waited: Duration,
    /// How long it is waited for the next time.
    pub next: Duration,
    /// How often in a row it was not answered.
    pub times: u32,
}

/// Which request it is, whatever its id and block.
pub(super) type Key = u64;

pub(super) struct Patience {
    usual: Duration,
    longest: Duration,
    hasher: RandomState,
    slow: Mutex<HashMap<Key, (Slow, Instant)>>,
}

impl Patience {
    pub(super) fn new(usual: Duration, longest: Duration) -> Self {
        Patience {
            usual,
            longest: longest.max(usual),
            hasher: RandomState::new(),
            slow: Mutex::default(),
        }
    }

    /// How long a request is waited for at first.
    pub(super) fn usual(&self) -> Duration {
        self.usual
    }

    fn slow(&self) -> MutexGuard<'_, HashMap<Key, (Slow, Instant)>> {
        self.slow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The method and the first parameter: a call is asked for with each new block, and takes as long in all of them.
    pub(super) fn key(&self, packet: &RequestPacket) -> Key {
        let of = |request: &SerializedRequest| {
            let parameters = request.params().map(RawValue::get);
            let parameters =
                parameters.and_then(|p| serde_json::from_str::<Vec<&RawValue>>(p).ok());
            let first = parameters.and_then(|p| Some(p.first()?.get().to_owned()));
            (request.method().to_owned(), first)
        };
        let requests: Vec<_> = packet.requests().iter().map(of).collect();
        self.hasher.hash_one(requests)
    }

    /// How long a request is waited for.
    pub(super) fn of(&self, key: Key) -> Duration {
        self.slow().get(&key).map_or(self.usual, |(s, _)| s.next)
    }

    /// No node answered within `waited`: the next time it is twice as long, up to a limit.
    pub(super) fn lengthen(&self, key: Key, method: &str, waited: Duration) -> Slow {
        let now = Instant::now();
        let mut slow = self.slow();
        slow.retain(|_, (_, at)| now.duration_since(*at) < FORGOTTEN);
        let times = slow.get(&key).map_or(0, |(s, _)| s.times) + 1;
        let next = waited.saturating_mul(2).min(self.longest);
        let method = method.to_owned();
        let entry = Slow {
            method,
            waited,
            next,
            times,
        };
        slow.insert(key, (entry.clone(), now));
        entry
    }

    /// It was answered.
    pub(super) fn answered(&self, key: Key) {
        self.slow().remove(&key);
    }

    /// The slowest request of each method that is still asked for.
    pub(super) fn list(&self) -> Vec<Slow> {
        let now = Instant::now();
        let slow = self.slow();
        let mut list: Vec<Slow> = slow
            .values()
            .filter(|(s, at)| now.duration_since(*at) < FORGOTTEN.min(2 * s.next + s.waited))
            .map(|(s, _)| s.clone())
            .collect();
        list.sort_by(|a, b| (&a.method, b.waited).cmp(&(&b.method, a.waited)));
        list.dedup_by(|a, b| a.method == b.method);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_until_an_answer() {
        let seconds = Duration::from_secs;
        let patience = Patience::new(seconds(10), seconds(60));
        let mut waits = Vec::new();
        for times in 1..=5 {
            let waited = patience.of(7);
            waits.push(waited.as_secs());
            assert_eq!(patience.lengthen(7, "eth_call", waited).times, times);
        }
        assert_eq!(waits, [10, 20, 40, 60, 60]);
        assert_eq!(patience.of(8), seconds(10), "others are not concerned");
        patience.lengthen(8, "eth_call", seconds(10));
        patience.lengthen(9, "eth_estimateGas", seconds(10));
        let list = patience.list();
        let shown: Vec<_> = list
            .iter()
            .map(|s| (s.method.as_str(), s.waited.as_secs()))
            .collect();
        assert_eq!(shown, [("eth_call", 60), ("eth_estimateGas", 10)]);
        patience.answered(7);
        assert_eq!(patience.of(7), seconds(10));
        // A limit below the usual time is none.
        assert_eq!(
            Patience::new(seconds(10), seconds(1))
                .lengthen(1, "m", seconds(10))
                .next,
            seconds(10)
        );
    }
}

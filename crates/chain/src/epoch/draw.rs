//! Which answers of an epoch are drawn: each set with the same probability (Floyd's algorithm), as `EpochDraw` has it.

use alloy::primitives::{B256, U256, keccak256};
use std::collections::BTreeSet;

/// What is hashed first.
const TAG: &[u8] = b"nanozk epoch draw 1";

/// The drawn answers of an epoch. Step `i` takes `keccak256(s ‖ word(i)) mod (last + 1)`, where `last = count − draws + i` and
/// `s = keccak256(tag ‖ seed ‖ epoch)`, or `last` if that is drawn already.
pub fn drawn(seed: B256, epoch: B256, count: u32, draws: u16) -> BTreeSet<u32> {
    let tag = B256::right_padding_from(TAG);
    let start = keccak256([tag.0, seed.0, epoch.0].concat());
    let mut drawn = BTreeSet::new();
    for i in 0..u32::from(draws) {
        let last = count.saturating_sub(draws.into()) + i;
        let word = U256::from(i).to_be_bytes::<32>();
        let number = U256::from_be_bytes(keccak256([start.0, word].concat()).0);
        let chosen: u32 = (number % U256::from(u64::from(last) + 1)).to();
        if !drawn.insert(chosen) {
            drawn.insert(last);
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_drawn_as_are_asked_for() {
        for (count, draws) in [(1, 1), (2, 2), (5, 3), (1000, 64), (256, 256)] {
            for seed in 0..20 {
                let drawn = drawn(B256::repeat_byte(seed), B256::ZERO, count, draws);
                assert_eq!(drawn.len(), usize::from(draws));
                assert!(drawn.iter().all(|i| *i < count));
            }
        }
    }

    /// Each of five answers is drawn in three of five epochs.
    #[test]
    fn answers_are_drawn_alike() {
        let mut times = [0; 5];
        for i in 0..5000 {
            for answer in drawn(
                keccak256(U256::from(i).to_be_bytes::<32>()),
                B256::ZERO,
                5,
                3,
            ) {
                times[answer as usize] += 1;
            }
        }
        assert!(times.iter().all(|n| (2850..3150).contains(n)), "{times:?}");
    }
}

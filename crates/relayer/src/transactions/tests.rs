use super::replacement::raised;
use proptest::prelude::*;

#[test]
fn replacements_pay_more_up_to_the_ceiling() {
    assert_eq!(raised((80, 8), (10, 1), 1_000), Some((90, 9)));
    assert_eq!(raised((80, 8), (200, 1), 1_000), Some((200, 9)));
    assert_eq!(raised((80, 8), (10, 1), 89), None);
    assert_eq!(raised((1, 0), (0, 0), 10), Some((2, 1)));
    assert_eq!(raised((100, 11), (0, 0), 1_000), Some((113, 13)));
}

proptest! {
    #[test]
    fn replacements_are_taken(max in 1u128..1_000_000_000_000, tip in 0u128..1_000_000_000_000,
                              market in 0u128..2_000_000_000_000, ceiling in 1u128..2_000_000_000_000) {
        let tip = tip.min(max);
        match raised((max, tip), (market.min(ceiling), tip / 2), ceiling) {
            Some((new_max, new_tip)) => {
                prop_assert!(new_max * 10 >= max * 11 && new_tip * 10 >= tip * 11);
                prop_assert!(new_tip <= new_max && new_max <= ceiling);
            }
            None => prop_assert!(max + max.div_ceil(8) > ceiling),
        }
    }
}

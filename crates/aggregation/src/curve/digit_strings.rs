//! A factor has several strings of digits, between which a prover chooses; with none of them is a sum without `S` too early.

use super::*;

fn integer(f: Fr) -> BigInt {
    BigInt::from_bytes_le(num_bigint::Sign::Plus, f.to_repr().as_ref())
}

fn order() -> BigInt {
    integer(-Fr::ONE) + 1
}

/// Whether an integer is zero modulo the order of the group.
fn vanishes(i: &BigInt) -> bool {
    (i % order()) == BigInt::from(0)
}

/// All strings of digits that pass for a factor, from the highest digit on.
fn strings(value: Fr) -> Vec<Vec<i64>> {
    let limit = BigInt::from(1) << (WINDOW * DIGITS);
    (-8..8)
        .map(|i| integer(value) + order() * i)
        .filter(|i: &BigInt| i.bit(0) && *i < limit && -i < limit)
        .map(digits_of)
        .collect()
}

/// The one string of an odd integer.
fn digits_of(mut rest: BigInt) -> Vec<i64> {
    let two = BigInt::from(2 * ENTRIES as u64);
    let mut out = vec![];
    for _ in 1..DIGITS {
        let low = num_integer::Integer::mod_floor(&rest, &two);
        let digit = i64::try_from(low).expect("below 64") - ENTRIES as i64;
        out.push(digit);
        rest = (rest - digit) >> WINDOW;
    }
    out.push(i64::try_from(rest).expect("the highest digit"));
    out.reverse();
    let odd = |d: &i64| d % 2 != 0 && d.abs() < ENTRIES as i64;
    assert!(out.iter().all(odd), "{out:?}");
    out
}

fn values() -> impl Iterator<Item = Fr> {
    let mut x = Fr::from(5);
    std::iter::repeat_with(move || {
        x = x.square() + Fr::ONE;
        x
    })
}

#[test]
fn a_factor_has_two_or_three_strings() {
    let mut count = 0;
    for value in values().take(1000) {
        let all = strings(value);
        assert!((2..=3).contains(&all.len()));
        count += all.len();
        for string in &all {
            let sum = string.iter().fold(Fr::ZERO, |sum, d| {
                sum * Fr::from(ENTRIES as u64) + fr((*d).into())
            });
            assert_eq!(
                sum, value,
                "all are the same multiple of a point of the group"
            );
        }
        let own: Vec<i64> = digits(value)
            .iter()
            .map(|index| 2 * *index as i64 - (ENTRIES as i64 - 1))
            .collect();
        assert!(all.contains(&own), "an honest prover takes one of them");
    }
    assert!((2_600..2_690).contains(&count), "2.65 on average: {count}");
}

/// An addition of equal points is an equation `a·S + … = 0`: what `docs/aggregation.md` says of `a`, for every addition of a
/// sum and every string of the factor of `S`.
#[test]
fn no_addition_but_the_last_can_do_without_s() {
    let all = strings(Machine::start_factor());
    assert_eq!(all.len(), 2);
    for string in all {
        let mut coefficient = BigInt::from(1);
        for (t, digit) in string.into_iter().enumerate() {
            if t > 0 {
                for _ in 0..WINDOW {
                    // The generator is added; then the sum, which would have to be the generator's less; then it is
                    // taken away.
                    assert!(!vanishes(&coefficient), "digit {t}");
                    coefficient *= 2;
                    assert!(!vanishes(&coefficient), "digit {t}");
                }
            }
            // A multiple of another point meets the sum, or one of `S` does, with which it is compared.
            assert!(!vanishes(&coefficient), "digit {t}");
            assert!(!vanishes(&(&coefficient - digit)), "digit {t}");
            coefficient += digit;
        }
        assert!(vanishes(&coefficient), "at the end it is gone");
    }
}

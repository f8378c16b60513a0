//! Bounds on soundness errors, against numbers computed by hand.

mod common;

use common::{K, Packed};
use nanozk_argument::{Soundness, Step, soundness};
use nanozk_circuit::{Layout, Program, Role, Virtual};

fn of(program: &Program, k: u32, fractions: usize) -> Soundness {
    let layout = Layout::new(program, k, fractions, &Packed::new(program, k)).unwrap();
    soundness(program, &layout)
}

fn steps(found: &Soundness) -> Vec<(Step, u128)> {
    let parts = found.parts.iter();
    parts.map(|part| (part.step, part.numerator)).collect()
}

/// `4·2^29 + 2·8 + 10` for 2^5 rows.
const OPENING: u128 = (1 << 31) + 16 + 10;

/// A lane with two tensors of 8 limbs, and a table of 16 rows.
#[test]
fn two_products() {
    let mut p = Program::new();
    let t = p.new_axis("t", 4);
    let i = p.new_axis("i", 2);
    let range = p.range(4);
    let [a, b] = ["a", "b"].map(|name| p.new_tensor(name, &[i, t], Role::Limb { range }));
    let c = p.new_tensor("c", &[t], Role::Witness);
    let d = p.new_tensor("d", &[i, t], Role::Witness);
    let [a, b, c, d] = [a, b, c, d].map(|id| p.use_of(id));
    p.zero("product", &[t], a.clone() * b - c);
    p.zero("square", &[i, t], a.squared() - d);
    // In the first three variables two vectors and a weight, in the third both vectors are masked. With lookups, over five
    // variables, a helper, a weight, two denominators; in the fifth that of the lane is masked.
    let rounds = 4 + 4 + 5 + 4 + 5;
    // L_0, `a`, `b`; two hiding columns; what lookups leave, the column of limbs, the sum of helpers.
    let claims = 3 + 2 + 3;
    let expected = vec![
        (Step::Denominators, 2 * 32),
        (Step::Fractions, 2 * (16 + 32 - 1)),
        (Step::HelperRows, 5),
        (Step::HelperGroups, 0),
        (Step::Identities, 3),
        (Step::Combination, 1),
        (Step::Batching, 1),
        (Step::Rounds { level: 0 }, rounds),
        (Step::Claims, claims - 1),
        (Step::Columns, 10),
        (Step::Opening, OPENING),
    ];
    let found = of(&p, 5, 2);
    assert_eq!(steps(&found), expected);
    let sum: u128 = expected.iter().map(|(_, numerator)| numerator).sum();
    assert_eq!(found.numerator(), sum);
    assert_eq!(found.of(Step::Columns), Some(10));
    assert_eq!(found.of(Step::Level { level: 1 }), None);
    // log2(2^256/6) = 253.415…, and all but the opening hardly counts.
    let opening = found.parts.last().unwrap().bits();
    assert!((222.415..222.416).contains(&opening), "{opening}");
    assert!(found.bits() < opening && found.bits() > opening - 0.001);
    assert_eq!(found.parts[3].bits(), f64::INFINITY);

    // A group for each fraction: a denominator, a helper and a weight.
    let expected_apart = 3 + 3 + 5 + 3 + 4;
    let found = of(&p, 5, 1);
    assert_eq!(found.of(Step::HelperGroups), Some(1));
    assert_eq!(found.of(Step::Rounds { level: 0 }), Some(expected_apart));
}

#[test]
fn tensors_that_are_not_committed() {
    let mut p = Program::new();
    let t = p.new_axis("t", 4);
    let i = p.new_axis("i", 2);
    let range = p.range(4);
    let [a, b] = ["a", "b"].map(|name| p.new_tensor(name, &[i, t], Role::Limb { range }));
    let c = p.new_tensor("c", &[t], Role::Witness);
    let [a, b, c] = [a, b, c].map(|id| p.use_of(id));
    let product = Role::Virtual(Virtual {
        expression: a.clone() * b,
    });
    let v = p.new_tensor("v", &[i, t], product.clone());
    let w = p.new_tensor("w", &[t], product);
    let [v, w] = [v, w].map(|id| p.use_of(id));
    p.zero("first", &[t], v * a - c.clone());
    p.zero("second", &[t], w * c);
    let expected = vec![
        (Step::Denominators, 2 * 32),
        (Step::Fractions, 2 * (16 + 32 - 1)),
        (Step::HelperRows, 5),
        (Step::HelperGroups, 0),
        (Step::Identities, 2),
        (Step::Combination, 1),
        (Step::Batching, 1),
        // The second product ends with the second variable, the first with the third.
        (Step::Rounds { level: 0 }, 4 + 5 + 5 + 4 + 5),
        // `v` and `w`.
        (Step::Level { level: 1 }, 1),
        // Both are a·b, summed over the same variables, with different weights.
        (Step::Rounds { level: 1 }, 3 + 3 + 5),
        // L_0, `a`, `c`; L_1, the end, `a`, and `b` with either weight; hiding columns; lookups.
        (Step::Claims, 3 + 5 + 2 + 3 - 1),
        (Step::Columns, 10),
        (Step::Opening, OPENING),
    ];
    assert_eq!(steps(&of(&p, 5, 2)), expected);
}

#[test]
fn nothing_is_looked_up() {
    let mut p = Program::new();
    let t = p.new_axis("t", 8);
    let [a, b] = ["a", "b"].map(|name| {
        let id = p.new_tensor(name, &[t], Role::Witness);
        p.use_of(id)
    });
    p.zero("equal", &[t], a.clone() - b.clone());
    p.zero("bits", &[t], a * (b - 1));
    let expected = vec![
        (Step::Identities, 3),
        (Step::Combination, 1),
        (Step::Rounds { level: 0 }, 3 + 3 + 5),
        // L_0, the end, both vectors; hiding columns.
        (Step::Claims, 6 - 1),
        (Step::Columns, 10),
        (Step::Opening, OPENING),
    ];
    assert_eq!(steps(&of(&p, 5, 2)), expected);
}

/// A program with so many columns of limbs of `2^8` rows and identities. Identities with a tensor in common could be cheaper
/// than one: `x·a + x·b` has two vectors.
fn growing(limbs: usize, identities: usize) -> Program {
    let mut p = Program::new();
    let t = p.new_axis("t", 1 << 8);
    let range = p.range(8);
    let tensors: Vec<_> = (0..limbs)
        .map(|n| p.new_tensor(&format!("limb {n}"), &[t], Role::Limb { range }))
        .collect();
    for n in 0..identities {
        let [a, b] = [2 * n, 2 * n + 1].map(|i| p.use_of(tensors[i % limbs]));
        p.zero(&format!("identity {n}"), &[t], a * b.clone() - b);
    }
    p
}

#[test]
fn larger_programs_have_larger_errors() {
    for fractions in [1, 2, 5] {
        let error = |k, limbs, identities| {
            let found = of(&growing(limbs, identities), k, fractions);
            assert!(found.bits() > 220.0, "{found:?}");
            found.numerator()
        };
        for k in 8..14 {
            assert!(error(k, 3, 2) < error(k + 1, 3, 2), "2^{k} rows");
        }
        for limbs in 1..12 {
            assert!(error(8, limbs, 3) < error(8, limbs + 1, 3), "{limbs} lanes");
        }
        for count in 1..12 {
            assert!(
                error(8, 24, count) < error(8, 24, count + 1),
                "{count} identities"
            );
        }
    }
}

#[test]
fn all_kinds_of_statements() {
    let program = common::program();
    let found = of(&program, K, 1);
    let levels = found
        .parts
        .iter()
        .filter(|part| matches!(part.step, Step::Rounds { .. }));
    assert_eq!(levels.count(), 2);
    assert!(found.bits() > 220.0);
    for part in &found.parts {
        assert!(!part.step.to_string().is_empty() && !part.step.reason().is_empty());
        assert!(part.bits() >= found.bits());
    }
}

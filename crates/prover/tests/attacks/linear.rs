//! Matrix products: rounding, fingerprints, the residual stream.

use crate::layers::*;
use crate::{mlp, stopped_by, stopped_by_part, Part, Prover};
use halo2curves::bn256::Fr;
use halo2curves::ff::Field;
use nanozk_circuits::ir::{Challenge, CHALLENGES};
use nanozk_executor::ops::linear;
use nanozk_executor::spec::MATMUL_SHIFT;
use nanozk_executor::tables::ActivationTable;
use nanozk_prover::check::{complete, violations};
use nanozk_verifier::transcript::Rounds;
use nanozk_verifier::TranscriptKind;

const ONE: i128 = 1 << MATMUL_SHIFT;

/// Rounds one pre-activation otherwise and lets everything follow.
fn misrounded(by: i128) -> Case {
    let mut c = mlp();
    let table = ActivationTable::get(c.setting.activation, c.setting.spec().act_frac).unwrap();
    let mut activations = c.mlp.a.clone();
    let at = (0..activations.len())
        .find(|at| {
            let (h, _) = round(c.mlp.h_acc[*at].into(), MATMUL_SHIFT);
            table.eval((h + by) as i64) != activations[*at]
        })
        .expect("an activation that changes");
    let (h, rem) = round(c.mlp.h_acc[at].into(), MATMUL_SHIFT);
    c.put_activation(at, h + by, rem - by * ONE);
    activations[at] = table.eval((h + by) as i64);
    c.project(&activations);
    c
}

/// Without a range check of the remainder, `y + 1` has the remainder `rem − 2^16`, which is an element
/// of the field like any other.
#[test]
fn quotient_too_large_with_a_remainder_that_wraps() {
    stopped_by_part(misrounded(1), Part::Lookups);
}

/// Without a range check of the remainder, `y − 1` has the remainder `rem + 2^16`.
#[test]
fn quotient_too_small_with_a_remainder_beyond_its_range() {
    stopped_by_part(misrounded(-1), Part::Lookups);
}

/// The same of what leaves the layer.
#[test]
fn output_off_by_one() {
    for by in [1, -1] {
        let mut c = mlp();
        let (value, rem) = round(c.mlp.out_acc[5].into(), MATMUL_SHIFT);
        c.put_output(5, i128::from(c.mlp.input[5]) + value + by, rem - by * ONE);
        stopped_by_part(c, Part::Lookups);
    }
}

/// Without a range check of the quotient, the output could be beyond 32 bits.
#[test]
fn output_beyond_its_range() {
    let mut c = mlp();
    let (value, rem) = round(c.mlp.out_acc[5].into(), MATMUL_SHIFT);
    let value = i128::from(c.mlp.input[5]) + value + (1 << 32);
    c.put_output(5, value, rem - (ONE << 32));
    stopped_by_part(c, Part::Lookups);
}

/// Without the equation, any output that is in range passes.
#[test]
fn output_of_the_provers_choosing() {
    let mut c = mlp();
    let (value, rem) = round(c.mlp.out_acc[5].into(), MATMUL_SHIFT);
    c.put_output(5, i128::from(c.mlp.input[5]) + value + 1, rem);
    stopped_by_part(c, Part::Equations);
}

/// Without the fingerprint of the inputs beside the weights, the product could be of other inputs.
#[test]
fn product_of_other_inputs() {
    let mut c = mlp();
    let mut out = c.mlp.norm.out.clone();
    out[3] += 1;
    // All of it as if the normalized value were another, but for the place where it is normalized.
    c.feed(&out);
    stopped_by_part(c, Part::Equations);
}

/// Without the residual in the equation, a layer could forget what entered it.
#[test]
fn residual_left_out() {
    let mut c = mlp();
    let acc = linear("MLP output", &c.mlp.a, &c.weights.mlp_out).unwrap();
    c.put_residual(&acc, &vec![0; acc.len()]);
    stopped_by_part(c, Part::Equations);

    let mut c = crate::attention();
    let acc = c.attention.out_acc.clone();
    c.put_residual(&acc, &vec![0; acc.len()]);
    stopped_by_part(c, Part::Equations);
}

/// LayerNorm and residual read the same cell: who changes it changes both.
#[test]
fn input_used_twice_and_checked_once() {
    let mut c = mlp();
    c.add("input", 0, 1);
    stopped_by(c, &["norm_sums_first", "norm_out", "sum_ends"]);

    // With LayerNorm of the changed input, only the residual is that of the other.
    let mut c = mlp();
    let t = 1;
    c.add("input", t, 1 << 10);
    let row = NormRow::of(&c, t);
    row.write(&mut c, t);
    let mut out = c.mlp.norm.out.clone();
    for (i, value) in row.out.iter().enumerate() {
        out[t * c.setting.width + i] = *value as i64;
    }
    c.feed(&out);
    stopped_by_part(c, Part::Equations);
}

/// The challenges of an honest proof, known to the cheater beforehand.
fn earlier_challenges(c: &Case) -> [Fr; CHALLENGES] {
    let prover = Prover::of(c);
    let proof = prover.prove(c);
    let mut rounds = Rounds::new(TranscriptKind::Keccak, prover.pk.vk(), &c.instances).unwrap();
    rounds.first_phase(&proof.first).unwrap()
}

/// With a Freivalds vector that is fixed, or known before the commitments, two inputs can be changed in
/// its kernel so that any output passes.
#[test]
fn fingerprints_for_a_known_vector() {
    let honest = mlp();
    let known = earlier_challenges(&honest);
    let beta = known[Challenge::Beta as usize];
    let mut c = honest.clone();
    let (value, rem) = round(c.mlp.out_acc[5].into(), MATMUL_SHIFT);
    c.put_output(5, i128::from(c.mlp.input[5]) + value + 1, rem);
    c.recount();

    let layer = c.layer.clone();
    let m = &layer.mlp().unwrap().proj;
    let columns = complete(c.program(), c.first.clone(), &c.instances, &known);
    let fold = c
        .program()
        .columns
        .iter()
        .position(|i| i.name == "fold w")
        .unwrap();
    let weight = |i: usize| columns[fold][m.base + i * m.block];
    // δ_0 + β^n·δ_1 = 0 leaves the inputs' fingerprint, and δ_0·w_0 + δ_1·w_1 = 2^16·β^place makes up
    // for the output.
    let (t, i) = (5 / c.setting.width, 5 % c.setting.width);
    let n = c.n() as u64;
    let place = beta.pow_vartime([i as u64 * n + t as u64]);
    let step = beta.pow_vartime([n]);
    let second = int(ONE) * place * (weight(1) - step * weight(0)).invert().unwrap();
    for (i, delta) in [(0, -step * second), (1, second)] {
        let row = m.x_row(i, 0);
        c.set("x", row, c.get("x", row) + delta);
    }
    let failed = |challenges| violations(c.program(), c.first.clone(), &c.instances, challenges);
    assert_eq!(
        failed(&known),
        [],
        "it passes under the vector it was made for"
    );

    stopped_by_part(c, Part::Equations);
}

/// With challenges that are known before the multiplicities, these can be made to fit any value.
#[test]
fn multiplicities_for_known_challenges() {
    let mut c = misrounded(1);
    let known = earlier_challenges(&mlp());
    c.recount();
    let columns = complete(c.program(), c.first.clone(), &c.instances, &known);
    let sum = c
        .program()
        .columns
        .iter()
        .position(|i| i.name == "sum")
        .unwrap();
    let missing = columns[sum][c.program().usable() - 1];
    assert_ne!(missing, Fr::ZERO);
    // The first entry of the table is zero, whose fraction is 1/α.
    let by = missing * known[Challenge::Alpha as usize];
    c.set("multiplicity", 0, c.get("multiplicity", 0) + by);
    let failed = violations(c.program(), c.first.clone(), &c.instances, &known);
    assert_eq!(failed, [], "it passes under the challenges it was made for");
    crate::stopped_as_counted(&c, Part::Lookups);
}

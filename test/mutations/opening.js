// The opening of polynomials (docs/opening.md): what is absorbed, what is refused, and what each equation says.
"use strict";
const { crate } = require("./tests/commands");
const unit = (name) => crate("nanozk-kzg", "--lib", name);

const challenges = unit("challenges_follow_from_all_that_was_said");
const honest = unit("honest_proofs_are_accepted");
const changed = unit("every_changed_element_is_refused");

const verify = (name, what, find, replace, test, survives) => ({
  name: `opening/${name}`,
  what,
  file: "crates/kzg/src/opening/verify.rs",
  find,
  replace,
  test,
  ...(survives && { survives }),
});

module.exports = [
  ...["h", "q", "g", "s", "d", "l", "m", "w"].map((name) =>
    verify(`absorbs-${name}`, `the commitment ${name} is not absorbed`, `    rounds.point(&proof.${name})?;\n`, "", challenges),
  ),
  verify("absorbs-values", "values are not absorbed", "        rounds.scalar(&value);\n", "        let _ = value;\n", challenges),
  verify("columns", "commitments may be off the curve", "        if !bool::from(point.is_on_curve()) {", "        if false && !bool::from(point.is_on_curve()) {", unit("a_combination_of_columns_is_opened")),
  verify("points", "points of a proof may be off the curve, or at infinity", "        check(index, point)?;\n", "        let _ = check(index, point);\n", changed),
  verify("kappa", "two equations are added up as they are", "    let kappa = rounds.challenge();\n", "    let kappa = rounds.challenge() * F::zero() + F::one();\n", unit("errors_of_both_equations_do_not_cancel")),
  verify("beta", "claims about small polynomials are added up as they are", "        factor *= beta;\n", "        factor *= beta * F::zero() + F::one();\n", unit("changed_polynomials_are_refused")),
  verify("degree", "the remainder may have one coefficient more", "        let d = zeta.pow(bound as u64 - 1) * values.g_inverse;\n", "        let d = zeta.pow(bound as u64) * values.g_inverse;\n", unit("a_remainder_of_too_high_degree_is_refused")),
  verify("value", "the value that is claimed does not count", "        let constant = values.h_alpha + gamma * value;\n", "        let constant = values.h_alpha + gamma * value * F::zero();\n", unit("honest_proofs_are_accepted")),
  verify("rows", "the remainder is not tied to the values of rows", "        let constant = values.h_alpha + gamma * value;\n", "        let constant = values.h_alpha * F::zero() + gamma * value;\n", honest),
  verify("coincide", "points of evaluation may coincide", "        if zeta == inverse || zeta == alpha || inverse == alpha {", "        if false {", unit("sizes_that_cannot_be_are_errors"), "chance does it once in 2^250 times, and `Claim::at` inverts the differences: nothing is divided by zero"),
];

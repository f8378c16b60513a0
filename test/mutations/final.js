// The final proof: what is absorbed, gates and lookups, sums of points, blinding. Prover and verifier share constraints, so
// that a missing one shows only where a false witness is tried.
"use strict";
const { crate } = require("./tests/commands");
const unit = (name) => crate("nanozk-final", "--lib", name);

const absorbed = unit("everything_is_absorbed");
const limbs = unit("limbs_make_chunks");
const equations = unit("each_part_of_an_equation_counts");
const passed = unit("equations_are_stated");
const second = unit("the_second_summand_counts");
const rounds = unit("rounds_are_stated");
const looked = unit("an_honest_assignment_satisfies_the_circuit");
const exceptions = unit("points_with_the_same_x_are_not_added");
const sums = unit("sums_meet_no_exception");
const curve = unit("points_are_on_the_curve");
const words = unit("words_are_those_of_the_point");
const drawn = unit("random_numbers_are_drawn_one_by_one");
const hidden = unit("each_random_number_counts");
const messages = unit("randomness_hides_all_messages");

const mutation = (file) => (name, what, find, replace, test, survives) => ({
  name: `final/${name}`,
  what,
  file: `crates/final/src/${file}.rs`,
  find,
  replace,
  test,
  ...(survives && { survives }),
});
const verify = mutation("verify");
const constraints = mutation("constraints");
const gates = mutation("gates");
const group = mutation("group");
const prove = mutation("prove");
const packing = mutation("packing");
const top = mutation("top");

module.exports = [
  // What challenges follow from.
  verify("size", "the number of rows is not absorbed", "            u64::from(self.k),\n", "            0,\n", absorbed),
  verify("period", "the period is not absorbed", "            circuit.period as u64,\n            inputs", "            0,\n            inputs", absorbed),
  verify("input-count", "the number of inputs is not absorbed", "            inputs.len() as u64,\n", "            0,\n", absorbed),
  verify("key", "the key is not absorbed", "        transcript.absorb_point(&self.fixed)?;\n", "", absorbed),
  verify("inputs", "public inputs are not absorbed", "            transcript.absorb_scalar(input);\n", "            let _ = input;\n", absorbed),
  verify("evaluations", "values are not absorbed before what combines them is drawn", "        transcript.absorb_scalar(&value);\n", "        let _ = value;\n", absorbed),
  verify("columns", "columns are not absorbed", "    absorb(transcript, 0, &proof.columns)?;\n", "", absorbed),
  verify("running", "running product and sum are not absorbed", "    absorb(transcript, 1, &proof.running)?;\n", "", absorbed),
  verify("quotient", "the quotient is not absorbed", "    absorb(transcript, 2, &proof.quotient)?;\n", "", absorbed),
  verify("batch", "the first quotient of the opening is not absorbed", "    absorb(transcript, 3, &proof.batch)?;\n", "", absorbed),
  verify("witness", "the second quotient of the opening is not absorbed", "    absorb(transcript, 4, &proof.witness)?;\n", "", absorbed),
  // What is refused before a pairing.
  verify("more-inputs", "there may be fewer inputs than the key's", "    if inputs.len() != key.inputs {", "    if inputs.len() > key.inputs {", unit("proofs_for_other_keys_are_refused")),
  verify("points", "points of a proof may be off the curve", "        check_point(point).map_err(|reason| VerifyError::Point { index, reason })?;\n", "        let _ = (index, check_point(point));\n", unit("each_element_counts")),
  // Constraints. The prover has them in another form, which is compared.
  constraints("start", "the running product may start anywhere", "            + powers[1] * point.first * (product - Fr::ONE)\n            + powers[2] * rise", "            + powers[2] * rise", unit("prepared_constraints_are_the_constraints")),
  constraints("start-prepared", "so the prover has it", "        powers[1] * point.first * (product - Fr::ONE)\n            + powers[3]", "        powers[1] * Fr::ZERO * (product - Fr::ONE) * point.first\n            + powers[3]", unit("prepared_constraints_are_the_constraints")),
  constraints("names", "the permutation has names without a challenge", "            product * (*shift * x + gamma + wire)\n", "            product * (*shift * x + wire) + gamma - gamma\n", unit("an_honest_proof_is_accepted")),
  packing("second-value", "values at the next row are not opened", "                    remainder: first + (power - zeta) * inverse * (second - first),", "                    remainder: first + (power - zeta) * inverse * (second - second),", unit("an_honest_proof_is_accepted")),
  // Gates.
  gates("chunk", "a chunk is not that of its limbs", "    zero([limbs_together(&cells.row) - cells.row.d])", "    zero([cells.row.d - cells.row.d])", limbs),
  gates("spare-bits", "a number may have 256 bits", "    zero([highest.double().double() - loose])", "    zero([highest - highest + loose - loose])", limbs),
  gates("first-carry", "a carry is not that of its limbs", "        limbs_together(&cells.next) + top * highest - bias - carry,\n        passed_on - highest_of_second,\n", "        (top + bias + highest + carry) * Fr::ZERO,\n        passed_on - highest_of_second,\n", limbs),
  gates("carry-passed-on", "the highest limb of the second carry is any", "        passed_on - highest_of_second,\n", "        (passed_on - highest_of_second) * Fr::ZERO,\n", limbs),
  gates("second-carry", "the second carry is not that of its limbs", "    zero([limbs_together(&cells.next) + top * highest - bias - carry])", "    zero([(top + bias + highest + carry) * Fr::ZERO])", limbs),
  gates("products-above", "products of high chunks are any", "    zero([multiple_of_order(quotient.chunks(), 2) - quotient.e - left.f])", "    zero([(quotient.e - left.f) * Fr::ZERO])", passed),
  gates("low-products", "products of low chunks are any", "        left.a * right.a + shift * second - twice_shift * carry - right.f,\n", "        (second - right.f + twice_shift * carry) * Fr::ZERO,\n", equations),
  gates("middle-products", "products in the middle are any", "        third + shift * fourth + carry - right.e,\n", "        (third + fourth + carry) * Fr::ZERO,\n", equations),
  gates("high-products", "products above are not what they must be", "        fifth + shift * sixth + twice_shift * seventh - left.f,\n", "        (fifth + sixth + seventh) * Fr::ZERO,\n", equations),
  gates("less-quotient", "the quotient's low part is any", "        right.f - multiple_of_order(quotient.chunks(), 0) - quotient.f,\n", "        (right.f - quotient.f) * Fr::ZERO,\n", passed),
  gates("less-quotient-above", "the quotient's middle part is any", "        right.e - multiple_of_order(quotient.chunks(), 1) - quotient.e,\n", "        (right.e - quotient.e) * Fr::ZERO,\n", passed),
  gates("less-first", "the result's low part is any", "        quotient.f - first.a - shift * first.b - first.f,\n", "        (quotient.f - first.f) * shift * Fr::ZERO,\n", equations),
  gates("less-first-above", "the result's middle part is any", "        quotient.e - first.c - shift * first.d - first.e,\n", "        (quotient.e - first.e) * Fr::ZERO,\n", equations),
  gates("less-second", "the second summand's low part is any", "        first.f - factor * (second.a + shift * second.b),\n", "        (first.f - factor * shift) * Fr::ZERO,\n", second),
  gates("less-second-above", "the second summand's middle part is any", "        first.e - factor * (second.c + shift * second.d) - twice_shift * second.e,\n", "        (first.e - twice_shift) * Fr::ZERO,\n", second),
  gates("digit", "a digit has 16 bits", "    zero([a * shift - b, c * shift - e])", "    zero([(a * shift - b) * Fr::ZERO, c * shift - e])", limbs),
  gates("second-digit", "a second digit has 16 bits", "    zero([a * shift - b, c * shift - e])", "    zero([a * shift - b, (c * shift - e) * Fr::ZERO])", limbs),
  gates("constant", "constants are any numbers", "    zero([cells.row.a - cells.constant])", "    zero([(cells.row.a - cells.constant) * Fr::ZERO])", unit("constants_are_the_keys")),
  gates("arithmetic", "results are any numbers", "    zero([a * b + cells.constant * d + e - c])", "    zero([(a * b + cells.constant * d + e - c) * Fr::ZERO])", unit("arithmetic_is_stated")),
  gates("full-round", "a full round may give anything", "    next_state(cells, cells.fifths)\n", "    next_state(cells, cells.fifths).map(|x| x * Fr::ZERO)\n", rounds),
  gates("partial-round", "a partial round may give anything", "    next_state(cells, [cells.fifths[0], b + d, c + e])\n", "    next_state(cells, [cells.fifths[0], b + d, c + e]).map(|x| x * Fr::ZERO)\n", rounds),
  gates("memory-tag", "limbs are looked up where points are remembered", "const MEMORY_TAG: Fr = Fr::ONE;", "const MEMORY_TAG: Fr = Fr::ZERO;", unit("tags_tell_tables_apart")),
  gates("x-address", "the x that is looked up may be at any address", "                let address = cells.constant + e.double();\n", "                let address = cells.constant + a - a;\n", looked),
  gates("y-is-x", "the y that is looked up may be an x", "                let address = cells.constant + e.double() + Fr::ONE;\n", "                let address = cells.constant + e.double();\n", looked),
  // Sums of points.
  group("same-x", "points with the same x are added", "    rows.state(Some([third, inverse]), None, None, one);\n", "    let _ = (third, inverse, one);\n", exceptions),
  group("order", "differences that are the order of the base field are no exception", "    let third = rows.compute(Some([second, d]), None, None);\n", "    let third = rows.compute(Some([one, d]), None, None);\n    let _ = second;\n", unit("what_is_zero_modulo_the_order_has_no_inverse")),
  group("sum-exception", "a sum of a window may meet an exception", "                sum = add(rows, &sum, &chosen, true);\n", "                sum = add(rows, &sum, &chosen, false);\n", sums),
  group("result-exception", "adding a window may meet an exception", "            result = add(rows, &result, &sum, true);\n", "            result = add(rows, &result, &sum, false);\n", sums),
  group("correction-exception", "the correction may meet an exception", "        result = add(rows, &result, &correction, true);\n", "        result = add(rows, &result, &correction, false);\n", sums),
  group("other-exception", "what has no scalar may meet an exception", "            result = add(rows, &result, point, true);\n", "            result = add(rows, &result, point, false);\n", sums),
  group("curve", "points may be off the curve", "    rows.equate([&y, &y], &cube, Some((1, &three)));\n", "    let _ = (&cube, &three);\n", curve),
  group("cube", "the cube of x is any", "    rows.equate([&square, &x], &cube, None);\n", "    let _ = &square;\n", curve),
  group("square", "the square of x is any", "    rows.equate([&x, &x], &square, None);\n", "", curve),
  group("first-word", "the first word of a point lacks the third chunk of x", "        Some([twice, x[2]]),\n        Some((shift, x[1])),", "        Some([twice, x[1]]),\n        Some((shift, x[1])),", words),
  group("digits", "digits are not those of their scalar", "        rows.state(None, Some((Fr::from(2), sum)), Some(offset), scalar);\n", "        let _ = offset;\n", unit("digits_are_of_their_scalar")),
  // Blinding.
  prove("rows-drawn", "all random rows of a column are one number", "std::array::from_fn(|_| (0..rows).map(|_| Fr::random(&mut *rng)).collect())", "std::array::from_fn(|_| vec![Fr::random(&mut *rng); rows])", drawn),
  prove("running-drawn", "running product and sum have the same random coefficients", "running: std::array::from_fn(|_| std::array::from_fn(|_| Fr::random(&mut *rng))),", "running: [std::array::from_fn(|_| Fr::random(&mut *rng)); 2],", drawn),
  prove("rows-used", "columns have no random rows", "            *cell = *random;\n", "            let _ = (cell, random);\n", hidden),
  prove("running-used", "running product and sum are not blinded", "            *x -= random;\n        }\n        coefficients.extend(random);\n", "            let _ = (x, random);\n        }\n        coefficients.extend([Fr::ZERO; RUNNING_BLINDS]);\n", messages),
  // What contracts are given.
  top("points-below", "the points that remain of proofs below are not public inputs", "        let words = [remaining.lhs, remaining.rhs].map(|point| point_words(&point));\n", "        let words = [remaining.lhs, remaining.lhs].map(|point| point_words(&point));\n", crate("nanozk-prover", "--test", "session", "sessions_have_one_final_proof")),
];

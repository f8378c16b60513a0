// Nodes: numbers of the base field, points, multiples, hashes, the machine's equations, which wires are equal, what is recorded,
// statements, and what a node says of the proofs below.
"use strict";
const { crate } = require("./tests/commands");
const unit = (name) => crate("nanozk-recursion", "--lib", name);
const machines = (name) => crate("nanozk-recursion", "--test", "machine", name);
const nodes = (name) => crate("nanozk-recursion", "--test", "nodes", name);

const products = unit("products_hold");
const halves = unit("zero_must_be_zero_in_both_halves");
const limbs = unit("carries_and_numbers_are_in_limbs");
const spare = unit("spare_bits_are_zero");
const equalPoints = unit("equal_points_are_not_added");
const proved = machines("what_was_recorded_is_proved");
const cells = machines("every_cell_counts");
const ranges = machines("limbs_have_ranges");
const exceptions = machines("sums_meet_no_exception");
const sums = machines("sums_of_the_machine_are_those_recorded");
const variables = machines("every_variable_is_determined");
const twice = machines("products_that_are_used_twice_are_stated");
const equalities = machines("equalities_and_inverses_are_stated");
const operations = machines("wires_compute_what_numbers_do");
const challenges = machines("transcripts_of_wires_are_those_of_numbers");
const digests = nodes("digests_tell_lists_apart");
const sessions = nodes("what_is_said_tells_sessions_apart");
const drawn = nodes("fingerprints_are_taken_where_nobody_chooses");
const factors = nodes("factors_depend_on_all_proofs_below");
const said = nodes("nodes_say_what_all_below_say");
const verified = nodes("nodes_say_what_they_verify_with");
const remains = nodes("what_remains_of_an_invalid_proof_does_not_hold");

const mutation = (file) => (name, what, find, replace, test, survives) => ({
  name: `recursion/${name}`,
  what,
  file: `crates/recursion/src/${file}.rs`,
  find,
  replace,
  test,
  ...(survives && { survives }),
});
const field = mutation("base_field");
const points = mutation("points");
const multiplication = mutation("multiplication");
const hash = mutation("hash");
const machine = mutation("machine");
const assignment = mutation("assignment");
const recorder = mutation("recorder");
const statement = mutation("statement");
const node = mutation("node");

module.exports = [
  // Numbers: equations are those of integers.
  field("modulo-r", "an equation need not hold modulo r", '        p.zero(&format!("{name}: modulo r"), free, whole);\n', "        let _ = whole;\n", unit("zero_must_be_zero_modulo_r")),
  field("low-half", "an equation need not hold modulo 2^128", "for half in 0..2 {", "for half in 1..2 {", halves),
  field("high-half", "an equation need only hold modulo 2^128", "for half in 0..2 {", "for half in 0..1 {", halves),
  field("carry", "the carry of the lower half is lost", "                out.push((0, Fr::ONE));\n", "", products),
  field("carry-bias", "the bias of the carry that comes in is not subtracted", "                carry_bias -= power_of_two(CARRY_BIAS_BITS);\n", "", products),
  field("carry-weight", "the fifth limb of a carry has the weight of the fourth", "let above = weight * power_of_two(CHUNK_BITS);", "let above = weight * power_of_two(CHUNK_BITS - LIMB_BITS);", products),
  field("carry-range", "carries are any elements", "            &carry_axes,\n            Role::Limb { range },", "            &carry_axes,\n            Role::Witness,", limbs),
  field("high-carry-range", "the highest limbs of carries are any elements", "            &high_axes,\n            Role::Limb { range },", "            &high_axes,\n            Role::Witness,", limbs),
  field("number-range", "numbers are any elements", "let limbs = p.new_tensor(name, &all, Role::Limb { range });", "let limbs = p.new_tensor(name, &all, Role::Witness);", limbs),
  field("bias", "the bias of the quotient is not subtracted from chunks", "                bias_part += Fr::from(bias_chunks[i]) * weight;\n", "", products),
  field("whole-bias", "the bias of the quotient is not subtracted modulo r", "let whole = whole + multiple + bias_term;", "let whole = whole + multiple;\n        let _ = bias_term;", products),
  field("order-chunk", "chunks of the order are in the wrong order", "shift * Fr::from(order[upper - i])", "shift * Fr::from(order[i])", products),
  field("second-chunk", "a product has no second chunk", "factor = factor + b.chunks[second].clone();", "let _ = second;", products),
  field("shift", "the second chunk of a half has the weight of the first", "linear.chunks[upper].clone() * times_shift", "linear.chunks[upper].clone()", products),
  field("order-sign", "multiples of the order are added", "            -order_in_scalars,\n", "            order_in_scalars,\n", products),
  field("spare", "spare bits may be set", '            p.zero(&format!("{name}: bits"), free, bits);\n', "            let _ = bits;\n", spare),
  field("spare-count", "the lowest spare bit may be set", "1_i128 << spare", "1_i128 << (spare - 1)", spare),
  field("spare-limb", "spare bits are those of another limb", "Slot::Index(CHUNK_LIMBS - 1)]", "Slot::Index(CHUNK_LIMBS - 2)]", spare),
  // Points.
  points("distinct", "points of the same x are added", "are_distinct.then(|| distinct(", "(are_distinct && free.len() > 9).then(|| distinct(", exceptions),
  points("distinct-order", "of two points of the same x one may be written otherwise", " - run.clone() * multiple - Expression::from(1_i128)", " - multiple * 0 - Expression::from(1_i128)", equalPoints),
  points("distinct-one", "the inverse of a difference may be zero", "cube * inverse_ - run.clone() * multiple - Expression::from(1_i128)", "cube * inverse_ - run.clone() * multiple", equalPoints),
  points("distinct-weight", "a multiple of the order is another", "let weight = order_in_scalars().square();", "let weight = order_in_scalars();", equalPoints),
  points("spare-bits", "coordinates have 256 bits", "const SPARE: u32 = 2;", "const SPARE: u32 = 0;", equalPoints),
  points("slope", "the rise of a slope has another sign", "left.y.clone() - right.y.clone(),", "left.y.clone() + right.y.clone(),", proved),
  points("sum-x", "the sum's x lacks that of the right point", "-(left.x.clone() + right.x.clone() + third.x.clone()),", "-(left.x.clone() + third.x.clone()),", proved),
  points("sum-y", "the sum's y has another sign", "state(\"y\", &back, -(left.y.clone() + third.y.clone())),", "state(\"y\", &back, third.y.clone() - left.y.clone()),", proved),
  points("double-slope", "the slope of a doubling is that of another curve", "q * -3, BigUint::from(16_u8), 1)", "q * -2, BigUint::from(16_u8), 1)", proved),
  // Multiples.
  multiplication("one-digit", "several multiples are chosen for a digit, or none", `        p.zero(
            "one digit",
            &pair,
            one.clone() + minus_one.clone() + digit.clone() + negative.clone()
                - Expression::from(1_i128),
        );
`, "", machines("several_choices_are_refused")),
  multiplication("choice-range", "choices are any elements", "p.new_tensor(name, axes, Role::Limb { range: bit })", "p.new_tensor(name, axes, if bit.index() > 99 { Role::Limb { range: bit } } else { Role::Witness })", ranges),
  multiplication("choice-bits", "choices are numbers up to three", "let bit = p.range(1);", "let bit = p.range(2);", cells, "numbers that are not negative and add up to one are one-hot"),
  multiplication("sign", "negative digits choose the points of positive ones", 'y: chosen("chosen multiple: y", -1,', 'y: chosen("chosen multiple: y", 1,', proved),
  multiplication("windows-distinct", "points of a window may be equal", "[&left, &right], true);\n\n        // Sixteen", "[&left, &right], false);\n\n        // Sixteen", exceptions),
  multiplication("sums-distinct", "a window's sum may be sixteen times what was before", "[&sixteenfold, &added], true)", "[&sixteenfold, &added], false)", exceptions),
  multiplication("result-distinct", "the end of a sum may be what is subtracted", "[&end, &less], true)", "[&end, &less], false)", exceptions),
  multiplication("second-sum", "the second sum has the terms of the first", "        let less = [\n            constant_point(p, &correction()),\n            PointForm {\n                x: first_end.x.clone(),\n                y: -first_end.y.clone(),\n            },\n        ];", "        let _ = first_end;\n        let less = [constant_point(p, &correction()), constant_point(p, &correction())];", proved),
  multiplication("odd-start", "odd multiples begin with twice the point", "|[earlier, point]| to_next.clone() * earlier + is_first.clone() * point", "|[earlier, _]| to_next.clone() * earlier.clone() + is_first.clone() * earlier", proved),
  multiplication("curve", "points are on another curve", "&Form::constant(-3),", "&Form::constant(-4),", proved),
  multiplication("correction", "what the start contributes is not all subtracted", "(0..=WINDOWS as u64).map(|j| base.pow([j]))", "(0..WINDOWS as u64).map(|j| base.pow([j]))", sums),
  multiplication("first-sum", "the first sum is of all terms", "let ends = [first, terms].map(|end| {\n            let slots", "let ends = [terms, terms].map(|end| {\n            let slots", proved),
  multiplication("horner-start", "sums start again in the second window", 'cell(p, "start of sums", window, &start)', 'cell(p, "start of sums", other_window, &start)', proved),
  multiplication("scalar-sign", "negative digits count as positive ones", 'view(minus_one, names[1], -high, &[self.term])', 'view(minus_one, names[1], high, &[self.term])', proved),
  multiplication("scalar-weight", "the lowest digit has the weight of the highest", "slots = vec![Slot::Powers(ratio)]", "slots = vec![Slot::Powers(base)]", proved),
  multiplication("scalar-entries", "entries of the table are other multiples", "Fr::from(2 * i as u64 + 3)", "Fr::from(2 * i as u64 + 1)", proved),
  // Hashes.
  hash("first-round", "the first round may give anything", `        p.zero(
            "hash: first round",
            &wires,
            fifth(&input) - made(first_round * first) + second,
        );
`, "        let _ = (&wires, input, first_round, first, second);\n", cells),
  hash("round", "all rounds but the first may give anything", `        p.zero(
            "hash: round",
            &all,
            state.clone() + sbox.clone() * (fifth(&state) - state) - made(to_next * next) + later
                - last_round * made(output),
        );
`, "        let _ = (&all, state, sbox, to_next, next, later, last_round, output);\n", cells),
  hash("output", "outputs may be anything", "\n                - last_round * made(output),", "\n                - last_round * made(output) * 0,", proved),
  hash("sbox", "all elements have S-boxes in all rounds", "Fr::from(u64::from(has_sbox(round, i)))", "Fr::from(u64::from(has_sbox(round, i)).max(1))", proved),
  // What the machine states of wires.
  machine("equation", "rows of equations state nothing", '        p.zero("a·b + d = c", &[row], a * b + d - c);\n', "        let _ = (a, b, c, d);\n", variables),
  machine("constant", "constants may be any", '        p.zero("constants are the key\'s", &[constant], constant_ - fixed_);\n', "        let _ = (constant_, fixed_);\n", cells),
  machine("input", "wires of inputs may be any", '        p.zero("inputs are public", &[input], input_ - given);\n', "        let _ = (input_, given);\n", proved),
  machine("scalar", "scalars may have any digits", '        p.zero("scalars have digits", &[term], scalar - digits);\n', "        let _ = (scalar, digits);\n", machines("wires_are_what_they_stand_for")),
  machine("word", "points may have any words", '                p.zero(&format!("{what} has word {i}"), &[axis], own - expression);\n', "                let _ = (own, expression);\n", cells),
  points("word-chunk", "a word has a chunk of the wrong coordinate", "part(x, 3, 0) + part(y, 0, 64)", "part(x, 3, 0) + part(x, 0, 64)", proved),
  // Which wires are equal.
  assignment("cycles", "no wires are equal", "let next = places.iter().cycle().skip(1);", "let next = places.iter().cycle().skip(0);", machines("false_witnesses_are_not_proved")),
  assignment("cycle-end", "the last wire of a cycle is equal to itself", "let next = places.iter().cycle().skip(1);", "let next = places.iter().skip(1).chain(places.last());", proved),
  assignment("column", "permutations name rows of the first column", "wire(*next_column, *next_row)", "wire(0 * *next_column, *next_row)", machines("wires_of_several_columns_are_tied")),
  assignment("constants", "constants of equations are the prover's", "            own.push((machine.constants, vec![i]));\n", "            let _ = (own, i);\n", machines("constants_are_the_keys")),
  assignment("unused", "factors of terms that are not used are the prover's", "            put(term.map_or(zero, |term| term.factor), wires.scalars, &[i]);\n", "            if let Some(term) = term {\n                put(term.factor, wires.scalars, &[i]);\n            }\n", machines("unused_terms_have_factor_zero")),
  assignment("words", "words of points are the prover's", "put(source, wires.words, &[word, i]);", "let _ = (source, word);", machines("words_are_those_of_points_and_sums")),
  assignment("results", "words of sums are the prover's", "put(*source, wires.results, &[word, sum]);", "let _ = (source, word, sum);", machines("words_are_those_of_points_and_sums")),
  assignment("joined", "a product that is used twice may be stated nowhere", "if occurrences[*number as usize] == 2 {", "if occurrences[*number as usize] <= 3 {", twice),
  recorder("uses-factors", "uses in products do not count", "factors.iter().chain([result]).for_each(&mut count);", "let _ = factors;\n                    count(result);", twice),
  recorder("uses-hashes", "uses in hashes do not count", "        permutations.for_each(&mut count);\n", "        let _ = permutations;\n", twice),
  recorder("uses-equal", "uses in equalities do not count", "        self.equal.iter().flatten().for_each(&mut count);\n", "", twice),
  recorder("uses-inputs", "uses as inputs do not count", "        self.inputs.iter().for_each(&mut count);\n", "", twice),
  recorder("uses-terms", "uses in terms do not count", "            term.words.iter().chain([&term.factor]).for_each(&mut count);\n", "            let _ = term;\n", twice),
  assignment("equal", "equalities are not stated", "    rows.extend(recording.equal.iter().map(|[a, b]| [*a, one, *b, zero]));\n", "", equalities),
  assignment("products", "products that are in no sum are not stated", "            if !is_joined {\n", "            if !is_joined && false {\n", machines("products_in_no_sum_are_stated")),
  // What is recorded.
  recorder("inverse", "an inverse may be any number", "                of.assert_equal(self * inverse, Self::Constant(Fr::ONE));\n", "", equalities),
  recorder("known", "a difference is taken for a sum that was computed before", "known.get(&(operation, x, y))", "known.get(&(if operation == Operation::Subtract { Operation::Add } else { operation }, x, y))", operations),
  recorder("ordered", "differences are sorted", "if operation != Operation::Subtract && y < x {", "if y < x {", operations),
  recorder("difference", "a difference is stated the other way round", "summands: [result, y],\n                result: x,", "summands: [result, x],\n                result: y,", operations),
  recorder("minus", "nothing less a number is the number", "Add if is(self, Fr::ZERO) => other,", "Add | Subtract if is(self, Fr::ZERO) => other,", operations),
  recorder("zero", "a factor zero is taken for one", "Multiply if is(self, Fr::ZERO) || is(other, Fr::ZERO) => Self::Constant(Fr::ZERO),", "Multiply if is(self, Fr::ZERO) => other,", operations),
  recorder("point", "a point is absorbed without its last word", "self.sponge.absorb(&point.words);", "self.sponge.absorb(&point.words[..2]);", challenges),
  // Statements.
  statement("domain", "digests of numbers have no domain", "pub fn digest<F: Element, P, H: Hashing<F, P>>(hashing: &H, domain: Domain, numbers: &[F]) -> F {\n    let mut transcript = hashing.transcript();\n    transcript.absorb_scalar(&number(domain as u64));", "pub fn digest<F: Element, P, H: Hashing<F, P>>(hashing: &H, domain: Domain, numbers: &[F]) -> F {\n    let mut transcript = hashing.transcript();\n    transcript.absorb_scalar(&number(0 * domain as u64));", digests),
  statement("length", "digests of numbers have no length", "    transcript.absorb_scalar(&number(numbers.len() as u64));\n", "", digests),
  statement("group-length", "digests of groups have no length", "        transcript.absorb_scalar(&number(group.len() as u64));\n", "", digests, "the number of all points is absorbed, which says how many a group has"),
  statement("points-length", "digests of points have no number of points", "let mut digests = vec![number(points.len() as u64)];", "let mut digests: Vec<F> = Vec::new();", digests, "each group says how many points it has, and the list how many groups"),
  statement("domains", "weights and activations have one domain", "points_digest(hashing, Domain::Activations, &self.activations)?", "points_digest(hashing, Domain::Weights, &self.activations)?", digests),
  statement("groups", "only the first group of points is hashed", "points.chunks(GROUP)", "points.chunks(GROUP).take(1)", sessions),
  statement("fingerprint", "a fingerprint is a sum", "sum * at + number", "sum + at + number", drawn),
  statement("fingerprint-of", "the fingerprint leaves out a commitment", "fingerprint(words(hashing, &self.activations), self.at)", "fingerprint(words(hashing, &self.activations[1..]), self.at)", sessions),
  statement("drawn-tag", "what is drawn is the same for all purposes", "        tag[..self.tag().len()].copy_from_slice(self.tag());\n", "        let _ = self;\n", drawn),
  statement("drawn-digest", "what is drawn does not depend on the digest", "in [digest].into_iter().chain(numbers)", "in [digest].into_iter().skip(1).chain(numbers)", drawn),
  statement("drawn-list", "what is drawn does not depend on the list", "in [digest].into_iter().chain(numbers)", "in [digest].into_iter().chain(numbers.into_iter().take(0))", drawn),
  statement("said-digest", "a node says no digest of its list", "            digest: digest(hashing, domain, numbers),\n            at,", "            digest: F::zero(),\n            at,", said),
  statement("said-fingerprint", "a node says any fingerprint", "fingerprint: fingerprint(numbers.iter().copied(), at),\n        }\n    }\n}\n\nimpl Said {", "fingerprint: at,\n        }\n    }\n}\n\nimpl Said {", said),
  // Nodes.
  node("factor", "the factors of equations are known before", "            ends.push(transcript.squeeze());\n", "", factors),
  node("factor-first", "the factors of equations depend on the first proof", "let factor = digest(&r, Domain::Children, &ends);", "let factor = digest(&r, Domain::Children, &ends[..1]);", factors),
  node("factor-power", "all equations have one factor", "            power *= factor;\n", "            let _ = factor;\n", factors),
  node("keys", "a node does not say the keys below", "            numbers.push(points_digest(&r, Domain::Key, &points)?);\n", "            let _ = &points;\n            numbers.push(Wire::one());\n", said),
  node("said-below", "a node does not say what is said below", "            numbers.extend(&inputs[..SAID]);\n", "            numbers.extend([Wire::one(); SAID]);\n", said),
  node("key-known", "the keys that a node says are not those that it verifies with", ".map(|(id, point)| (*id, r.point(*point)))\n                .collect();\n            let points: Vec<WirePoint<'_>> = known.values().copied().collect();", ".map(|(id, point)| (*id, r.point(*point)))\n                .collect();\n            let points: Vec<WirePoint<'_>> = key.commitments.values().map(|p| r.point(*p)).collect();", said),
  node("said-known", "what nodes say is not what is verified", "            numbers.extend(&inputs[..SAID]);\n", "            numbers.extend(node.inputs.iter().take(SAID).map(|x| r.witness(*x)));\n", said),
  node("sum-words", "the sums that nodes say are not those that are added", "words: std::array::from_fn(|i| wires[word(i)]),", "words: std::array::from_fn(|i| if wires.is_empty() { wires[word(i)] } else { Wire::Constant(values[word(i)]) }),", said),
  node("below", "what nodes say of sums is not added", "equations.extend([own, below]);", "equations.extend([own, below].into_iter().take(1));", factors),
  node("below-sum", "the second sum that a node says is not added", "rhs: vec![(Wire::one(), point(1)?)],", "rhs: vec![(Wire::zero(), point(1)?)],", nodes("nodes_are_proved_and_verified")),
  node("generator", "a constant of the equation is lost", "    lhs.push((generator, WirePoint::constant(G1Affine::generator())));\n", "    let _ = generator;\n", remains),
  node("remaining", "what remains is L = τ·L", "        rhs: point(1)?,\n", "        rhs: point(0)?,\n", remains),
  node("top", "the last proof does not say the key", "            say(r, &children.numbers, &children.equations);\n", "            say(r, &children.numbers[1..], &children.equations);\n", nodes("nodes_are_proved_and_verified")),
  node("tables", "tables are the prover's", "                        .map(|point| WirePoint::constant(*point)),", "                        .map(|point| r.point(*point)),", verified),
  node("weights", "the statement is about other weights than the proof", "ColumnKind::Weight(number) => session.weights.get(&number).copied(),", "ColumnKind::Weight(number) => joint.session.weights.get(&number).map(|p| r.point(*p)),", verified),
  node("said", "a node does not say the sums", "chain(words) {", "chain(words.take(0)) {", said),
];

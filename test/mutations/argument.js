// The joint proof: what is absorbed and compared, weights, broadcasts, lookups, places in columns, and programs that make
// no sense.
"use strict";
const { crate } = require("./tests/commands");
const argument = (file, name) => crate("nanozk-argument", "--test", file, name);
const unit = (name) => crate("nanozk-argument", "--lib", name);
const circuit = (file, name) => crate("nanozk-circuit", "--test", file, name);

const elements = argument("protocol", "each_element_of_a_proof_counts");
const length = argument("protocol", "a_proof_has_as_many_elements_as_its_program_says");
const statement = argument("protocol", "a_proof_is_of_its_statement_only");
const order = argument("transcript", "nothing_is_drawn_before_what_it_must_depend_on");
const said = argument("transcript", "challenges_follow_from_all_that_was_said");
const random = argument("random", "proofs_are_accepted_if_and_only_if_programs_hold");
const virtuals = argument("attacks", "virtual_tensors_are_broadcast_along_summed_axes");
const pieces = unit("pieces_are_what_they_are_by_definition");

const mutation = (crateName, file) => (name, what, find, replace, test) => ({
  name: `argument/${name}`,
  what,
  file: `crates/${crateName}/src/${file}.rs`,
  find,
  replace,
  test,
});
const verify = mutation("argument", "verify");
const claims = mutation("argument", "claims");
const lookup = mutation("argument", "lookup");
const piece = mutation("argument", "pieces");
const channel = mutation("argument", "channel");
const program = mutation("circuit", "program");
const digest = mutation("circuit", "digest");

module.exports = [
  // Transcript and statement.
  verify("digest", "the program is not absorbed", "scalar_reduced(&statement.layout.digest(statement.program))", "scalar_reduced(&[0; 32])", statement),
  verify(
    "inputs",
    "the number of public inputs is not compared",
    "if statement.inputs.len() != program.inputs() {",
    "if false {",
    statement,
  ),
  verify(
    "input-absorbed",
    "public inputs are not absorbed",
    "transcript.absorb_scalar(input);",
    "let _ = input;",
    said,
  ),
  channel("known-absorbed", "commitments are not absorbed", "        self.absorb_point(point)?;\n        Ok(*point)", "        Ok(*point)", said),
  channel("scalar-absorbed", "scalars of a proof are not absorbed", "        self.transcript.absorb_scalar(scalar);\n        Ok(*scalar)", "        Ok(*scalar)", said),
  channel("left", "a proof may have more elements", "            _ => Err(Error::Length),", "            _ => Ok(self.transcript),", length),
  verify(
    "separator",
    "keys, values and tags are added up without a challenge",
    `    let mut lookups = Challenges {
        shift: reader.challenge(),
        separator: reader.challenge(),`,
    `    let mut lookups = Challenges {
        shift: reader.challenge(),
        separator: Fr::ONE,`,
    order,
  ),
  // Weights and ends.
  verify("identities", "all identities have one weight", "            weight *= self.identities;\n", "", argument("attacks", "errors_of_two_identities_do_not_cancel")),
  verify("one-point", "all variables of an axis have one challenge", "draw(program.axis(axis).bits() as usize)", "vec![draw(1)[0]; program.axis(axis).bits() as usize]", order),
  verify("levels", "all claims of a level have one weight in the next", "        weight *= challenge;\n    }\n    level.merge();", "        weight *= Fr::ONE;\n    }\n    level.merge();", unit("claims_are_told_apart_by_powers")),
  verify("end", "a sumcheck may end in anything", "} else if end != expected {", "} else if false {", argument("attacks", "sumchecks_end_in_what_is_claimed")),
  verify("unused", "variables that a product lacks have no weight", "Fr::TWO_INV.pow([variables as u64])", "Fr::ONE.pow([variables as u64])", elements),
  verify("sum", "helpers need not add up to zero", "            pieces.add_sum(group.helper, layout.k(), weight);", "            let _ = group;", elements),
  verify("lookups", "what products do not explain is not scaled", "(end - expected) * inverse", "(end - expected)", elements),
  // Claims.
  claims("points-broadcast", "constants hold beyond an axis's length", "At::Point(point) => kernel::below(axis.len, point),", "At::Point(_) => Fr::ONE,", random),
  claims("sums-broadcast", "a constant is summed over once", "At::Sum => Fr::from(axis.len as u64),", "At::Sum => Fr::ONE,", random),
  claims("lacking", "products count beyond a free axis's length", "                    weight *= broadcast(self.program, *axis, at);\n", "                    let _ = at;\n", random),
  claims(
    "summed-virtual",
    "a virtual tensor is not broadcast along an axis that is summed over",
    "                if !axes.contains(axis) {\n",
    "                if !axes.contains(axis) && *at != At::Sum {\n",
    virtuals,
  ),
  claims("terms-lacking", "tensors are not broadcast along axes that others have", "integer(*coefficient) * lacking(Some(operand))", "integer(*coefficient)", unit("bound_factors_are_what_they_are_by_definition")),
  claims("several-factors", "an axis is fixed in factors that share it", "Some(At::Point(point)) if count == 1 || trivial => {", "Some(At::Point(point)) if count <= 2 || trivial => {", random),
  claims("several-sums", "an axis is summed over in each factor that has it", "                    _ if count == 1 => {\n", "                    _ if count <= 2 => {\n", random),
  claims("coefficient", "coefficients of products do not count", "let mut weight = weight * integer(product.coefficient);", "let mut weight = weight;", random),
  claims("merged", "merged products lose their weights", "(*weight * product.weight, bound.clone())", "(*weight, bound.clone())", random),
  claims("constant", "a value includes what the verifier knows of it", "value: value - constant,", "value,", random),
  claims("equal", "weights of free axes are not compared", "points.get(axis).map(|p| kernel::equal(at, p))", "points.get(axis).map(|_| kernel::equal(at, at))", elements),
  claims("degree", "a round has one degree too many", "p.vectors.len() + usize::from(!p.equal.is_empty())", "p.vectors.len() + 1 + usize::from(!p.equal.is_empty())", order),
  // Lookups.
  lookup("tags", "tables are not told apart", "Fr::from(table.index() as u64 + 1)", "Fr::from(table.index() as u64 * 0 + 1)", argument("attacks", "a_row_of_another_table_is_refused")),
  lookup("active", "rows beyond the last limb count", "        (denominator, start)\n", "        (denominator, Fr::ONE)\n", elements),
  lookup("groups", "equations of helpers have one weight", "            group_weight *= self.challenges.group;\n", "", elements),
  lookup("values", "values that were sent are no claims", "pieces.add_column(*column, self.point, *by, *value);", "let _ = (column, value);", argument("attacks", "identities_and_lookups_are_about_the_same_limbs")),
  lookup("row-weight", "the equation is not weighted by rows", "let weight = kernel::equal(&self.challenges.point, self.point);", "let weight = Fr::ONE;", elements),
  lookup("table-key", "keys of tables are not indices", "here * (kernel::index(low) +", "here * (kernel::index(low).double() +", elements),
  // Places in columns.
  piece("tiles", "tiles of a tensor have one weight", "weight: weight * factor,", "weight,", pieces),
  piece("offset", "all tiles lie at the beginning of a column", "offset: place.offset,", "offset: 0 * place.offset,", pieces),
  piece("averages", "a sum is an average", "                    weight *= Fr::from(1 << tile_bits);\n", "", pieces),
  piece("order", "axes are in the wrong order within tiles", "in axes.iter().zip(&term.at).rev() {", "in axes.iter().zip(&term.at) {", pieces),
  piece("value", "values of claims do not count", "        self.value += by * claim.value;\n", "", pieces),
  piece("block", "places of blocks do not count", "piece.weight * point * block", "piece.weight * point", pieces),
  piece("numbers", "large columns have blocks of one number", "false => kernel::equal_index(rest, number),", "false => kernel::equal_index(rest, 0 * number),", pieces),
  piece("column-sum", "a column's sum is an average", "weight * Fr::from(1_u64 << k)", "weight", pieces),
  // Programs.
  program("padding", "a prover may have padding within tiles", "            _ => self.check_full_tiles(name, axes),", "            _ => {}", circuit("programs", "a_prover_has_no_padding_to_choose")),
  program("diagonal", "a tensor may be used with one axis twice", "        self.check_distinct(&self.tensor(tensor).name, axes);\n", "", circuit("programs", "no_tensor_is_used_with_one_axis_twice")),
  program("compared", "indices of different axes are compared", "                assert_eq!(lens.next(), lens.next(), \"{name} compares other axes\");\n", "                lens.next();\n", circuit("programs", "indices_of_different_axes_are_not_compared")),
  digest("digest-places", "the digest does not bind places", "h.numbers(&[1, place.column.index(), place.offset])", "h.number(1)", circuit("digest", "the_digest_binds")),
  digest("digest-uses", "the digest does not bind axes of uses", "                    self.axes(&operand.axes);\n", "", circuit("digest", "the_digest_binds")),
];

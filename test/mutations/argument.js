// The joint proof: what is absorbed and compared, weights, broadcasts, lookups, masks, places in columns, what the
// verifier evaluates, programs that make no sense, and what the layers state.
"use strict";
const { crate } = require("./tests/commands");
const argument = (file, name) => crate("nanozk-argument", "--test", file, name);
const unit = (name) => crate("nanozk-argument", "--lib", name);
const circuit = (file, name) => crate("nanozk-circuit", "--test", file, name);

const kernels = (name) => crate("nanozk-circuit", "--lib", name);
const layers = (file, name) => crate("nanozk-layers", "--test", file, name);
const attack = (name) => argument("attacks", name);
const refusal = (name) => circuit("programs", name);

const elements = argument("protocol", "each_element_of_a_proof_counts");
const length = argument("protocol", "a_proof_has_as_many_elements_as_its_program_says");
const statement = argument("protocol", "a_proof_is_of_its_statement_only");
const order = argument("transcript", "nothing_is_drawn_before_what_it_must_depend_on");
const said = argument("transcript", "challenges_follow_from_all_that_was_said");
const random = argument("random", "proofs_are_accepted_if_and_only_if_programs_hold");
const virtuals = argument("attacks", "virtual_tensors_are_broadcast_along_summed_axes");
const fits = circuit("programs", "public_tensors_are_defined_for_their_axes");
const pieces = unit("pieces_are_what_they_are_by_definition");

const hidden = argument("hiding", "every_scalar_is_random");
const committed = argument("hiding", "every_commitment_is_random");
const unhidden = attack("what_nothing_hides_is_not_proved");
const bound = unit("bound_factors_are_what_they_are_by_definition");
const closed = kernels("kernels_are_the_extensions_of_their_definitions");
const views = circuit("views", "views_are_what_they_are_by_definition");
const copies = circuit("views", "copies_are_checked");
const viewed = refusal("views_fit_their_tensors");
const bind = circuit("digest", "the_digest_binds");
const wired = attack("equal_wires_are_accepted_and_others_refused");
const words = (name) => crate("nanozk-transcript", "--lib", name);
const padding = refusal("a_prover_has_no_padding_to_choose");
const tables = refusal("tensors_fit_their_tables");
const forgeries = layers("forgeries", "every_identity_has_a_forgery_that_only_it_refuses");
const ranges = layers("forgeries", "numbers_have_their_ranges");
const otherTokens = layers("model", "other_tokens_are_refused");
const otherCounts = layers("model", "other_counts_are_refused");
const otherDigests = layers("model", "other_digests_are_refused");
const otherChoices = layers("model", "other_choices_are_refused");
const blocks = layers("block", "so_it_is_with_any_decoder");

const mutation = (crateName, file) => (name, what, find, replace, test, survives) => ({
  name: `argument/${name}`,
  what,
  file: `crates/${crateName}/src/${file}.rs`,
  find,
  replace,
  test,
  ...(survives && { survives }),
});
// A statement that is not made.
const dropped = (file) => (name, what, find, test) => mutation("layers", file)(name, what, find, "", test);
const verify = mutation("argument", "verify");
const claims = mutation("argument", "claims");
const lookup = mutation("argument", "lookup");
const piece = mutation("argument", "pieces");
const channel = mutation("argument", "channel");
const prove = mutation("argument", "prove");
const mask = mutation("argument", "mask");
const kernel = mutation("circuit", "kernel");
const program = mutation("circuit", "program");
const digest = mutation("circuit", "digest");
const check = mutation("circuit", "check");
const prover = mutation("argument", "prove/lookups");
const transcript = mutation("transcript", "poseidon");
const gadgets = mutation("layers", "gadgets");
const tokens = mutation("layers", "tokens");
const attention = dropped("attention");
const norm = dropped("gadgets");
const sequence = dropped("tokens");
const head = dropped("head");
const embed = dropped("embed");
const mlp = dropped("mlp");
const poseidon = dropped("poseidon");

module.exports = [
  // Transcript and statement.
  verify("digest", "the program is not absorbed", "scalar_reduced(&self.layout.digest(self.program))", "scalar_reduced(&[0; 32])", statement),
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
  verify(
    "known-absorbed",
    "commitments of the statement are not absorbed",
    `                transcript
                    .absorb_point(point)
                    .map_err(|_| Error::BadPoint)?;
`,
    "",
    said,
  ),
  channel(
    "point-absorbed",
    "commitments of a proof are not absorbed",
    `        let point = self.points.next().ok_or(Error::Length)?;
        self.transcript
            .absorb_point(point)
            .map_err(|_| Error::BadPoint)?;
`,
    "        let point = self.points.next().ok_or(Error::Length)?;\n",
    said,
  ),
  channel("scalar-absorbed", "scalars of a proof are not absorbed", "        self.transcript.absorb_scalar(scalar);\n        Ok(*scalar)", "        Ok(*scalar)", said),
  channel("left", "a proof may have more elements", "            _ => Err(Error::Length),", "            _ => Ok(()),", length),
  verify(
    "separator",
    "keys, values and tags are added up without a challenge",
    "let (shift, separator) = (reader.challenge(), reader.challenge());",
    "let (shift, separator) = (reader.challenge(), F::one());",
    order,
  ),
  // Weights and ends.
  verify("identities", "all identities have one weight", "            weight *= self.identities;\n", "", argument("attacks", "errors_of_two_identities_do_not_cancel")),
  verify("one-point", "all variables of an axis have one challenge", "draw(program.axis(axis).bits() as usize)", "vec![draw(1)[0]; program.axis(axis).bits() as usize]", order),
  verify("levels", "all claims of a level have one weight in the next", "        weight *= challenge;\n    }\n    level.merge();", "        weight *= F::one();\n    }\n    level.merge();", unit("claims_are_told_apart_by_powers")),
  verify(
    "end",
    "a sumcheck may end in anything",
    "            pieces.add(program, claim, weight);\n",
    "            if !claim.terms.is_empty() {\n                pieces.add(program, claim, weight);\n            }\n",
    argument("attacks", "sumchecks_end_in_what_is_claimed"),
  ),
  verify("unused", "variables that a product lacks have no weight", "Fr::TWO_INV.pow_vartime([variables as u64])", "Fr::ONE.pow_vartime([variables as u64])", elements),
  verify(
    "scale",
    "the helpers' equation has its weight even if there are more rounds than it has variables",
    "scale: batching * F::constant(unused(point.len() - own.len())),",
    "scale: batching,",
    argument("attacks", "products_may_have_more_variables_than_columns"),
  ),
  // Claims.
  claims("points-broadcast", "constants hold beyond an axis's length", "At::Point(point) => kernel::below(axis.len, point),", "At::Point(_) => F::one(),", random),
  claims("sums-broadcast", "a constant is summed over once", "At::Sum => number(axis.len as i128),", "At::Sum => F::one(),", random),
  claims("lacking", "products count beyond a free axis's length", "                    weight *= broadcast(self.program, *axis, at);\n", "                    let _ = at;\n", random),
  claims(
    "summed-virtual",
    "a virtual tensor is not broadcast along an axis that is summed over",
    "                if !axes.contains(axis) {\n",
    "                if !axes.contains(axis) && *at != At::Sum {\n",
    virtuals,
  ),
  claims("terms-lacking", "tensors are not broadcast along axes that others have", "number::<F>(*coefficient) * lacking(Some(operand))", "number::<F>(*coefficient)", unit("bound_factors_are_what_they_are_by_definition")),
  claims("several-factors", "an axis is fixed in factors that share it", "Some(At::Point(point)) if count == 1 || trivial => {", "Some(At::Point(point)) if count <= 2 || trivial => {", random),
  claims("several-sums", "an axis is summed over in each factor that has it", "                    _ if count == 1 => {\n", "                    _ if count <= 2 => {\n", random),
  claims("coefficient", "coefficients of products do not count", "let mut weight = weight * number::<F>(product.coefficient);", "let mut weight = weight;", random),
  claims("merged", "merged products lose their weights", "(*weight * product.weight, bound.clone())", "(*weight, bound.clone())", attack("products_that_are_joined_keep_their_weights")),
  claims("constant", "a value includes what the verifier knows of it", "value: value - constant,", "value,", random),
  claims("equal", "weights of free axes are not compared", "points.get(axis).map(|p| kernel::equal(at, p))", "points.get(axis).map(|_| kernel::equal(at, at))", elements),
  claims("degree", "a round has one degree too many", "product.vectors.len() + masked + weight", "product.vectors.len() + masked + weight + 1", order),
  // Lookups.
  lookup("tags", "tables are not told apart", "Fr::from(table.index() as u64 + 1)", "Fr::from(table.index() as u64 * 0 + 1)", argument("attacks", "a_row_of_another_table_is_refused")),
  lookup("active", "rows beyond the last limb count", "        (denominator, start)\n", "        (denominator, F::one())\n", elements),
  lookup("groups", "equations of helpers have one weight", "            group_weight *= self.left.challenges.group;\n", "", elements),
  lookup("values", "values that were sent are no claims", "            pieces.add_column(*column, &self.left.point, *by, *value);\n            if is_masked(self.layout, *column) {\n                pieces.add_cells(&[(cell, vanishing)], *by);\n", "            let _ = (value, vanishing, &pieces);\n            if is_masked(self.layout, *column) {\n", argument("attacks", "identities_and_lookups_are_about_the_same_limbs")),
  lookup("row-weight", "the equation is not weighted by rows", "let weight = kernel::equal(&self.left.challenges.point, &self.left.point);", "let weight = F::one();", elements),
  lookup("table-key", "keys of tables are not indices", "* (kernel::index(1 << bits, low)\n", "* (kernel::index(1 << bits, low).double()\n", elements),
  // Places in columns.
  piece("tiles", "tiles of a tensor have one weight", "weights.get(index).copied()", "weights.get(0 * index).copied()", pieces),
  piece("offset", "the prover has all tiles at the beginning of a column", "offset: place.offset,", "offset: 0 * place.offset,", elements),
  piece("averages", "a sum is an average", "                    weight *= F::constant(Fr::from(1 << tile_bits));\n", "", pieces),
  piece("order", "axes are in the wrong order within tiles", "in axes.iter().zip(&term.at).rev() {", "in axes.iter().zip(&term.at) {", pieces),
  piece("value", "values of claims do not count", "        self.value += by * claim.value;\n", "", pieces),
  piece("block", "places of blocks do not count", "let number = place.offset.checked_shr(bits as u32).unwrap_or(0);", "let number = 0 * place.offset;", pieces),
  piece("numbers", "of two blocks that were computed together, each has the other's weight", "(bits, number | 1), second);\n        self.blocks.insert((bits, number & !1), first);", "(bits, number | 1), first);\n        self.blocks.insert((bits, number & !1), second);", pieces),
  piece("beginnings", "points that go on alike have one beginning", "self.beginnings.entry((beginning, *x))", "self.beginnings.entry((0 * beginning, *x))", pieces),
  piece("beginning-number", "a beginning of one coordinate has the number of none", "let next = self.beginnings.len() + 1;", "let next = self.beginnings.len();", pieces),
  piece("tile-number", "all tiles of a tensor have the number of the first", "Some((tile, (*place)?))", "Some((0 * tile, (*place)?))", pieces),
  piece("tiles-order", "tiles are summed along the slowest axis first", "own.rev().filter_map(", "own.filter_map(", pieces),
  piece("tiles-reversed", "axes are in the wrong order between tiles", "        tiles.reverse();\n", "", pieces),
  piece("tiles-count", "numbers of tiles go on beyond an axis's length", "                table.resize(numbers.count, F::zero());\n", "", pieces),
  piece("twice", "of two claims about one tensor at one point the last counts", "Some(sum) => *sum += weight,", "Some(sum) => *sum = weight,", pieces),
  piece("mask-twice", "of two claims about one cell of the mask the last counts", "*sum += by * factor;", "*sum = by * factor;", pieces),
  piece("column-sum", "a column's sum is an average", "F::constant(Fr::from(1_u64 << k))", "F::one()", pieces),
  // Programs.
  program("padding", "a prover may have padding within tiles", "            _ => self.check_full_tiles(name, axes),", "            _ => {}", circuit("programs", "a_prover_has_no_padding_to_choose")),
  program("diagonal", "a tensor may be used with one axis twice", "        self.check_distinct(&self.tensor(tensor).name, axes);\n", "", circuit("programs", "no_tensor_is_used_with_one_axis_twice")),
  program("compared", "indices of axes of different lengths are compared", "a.len == b.len && a.bits() == b.bits()", "a.bits() == b.bits()", fits),
  digest("digest-places", "the digest does not bind places", "h.numbers(&[1, place.column.index(), place.offset])", "h.number(1)", circuit("digest", "the_digest_binds")),
  digest("digest-uses", "the digest does not bind axes of uses", "                    self.axes(&operand.axes);\n", "", circuit("digest", "the_digest_binds")),
  // Claims that joined others since.
  verify("claims-weight", "all claims about tensors have one weight", "            pieces.add(program, claim, weight);\n            weight *= challenge;\n", "            pieces.add(program, claim, weight);\n", attack("errors_of_two_claims_do_not_cancel")),
  lookup("columns-weight", "all values of columns have one weight", "            *by *= challenge;\n", "", attack("errors_of_two_columns_do_not_cancel")),
  lookup("sum", "helpers need not add up to zero", "            pieces.add_sum(group.helper, self.layout.k(), by);", "            let _ = (group, by);", attack("multiplicities_that_are_off_are_refused")),
  verify("split", "a claim about committed and virtual tensors is one about the committed ones", ".any(|term| !context.program.tensor(term.tensor).is_committed())", ".all(|term| !context.program.tensor(term.tensor).is_committed())", virtuals),
  // Masks: that they change nothing of what is proved, and that they hide it.
  mask("round-sum", "the sum of a mask is another", "F::constant(all * Fr::TWO_INV)", "F::constant(all)", elements),
  verify("mask-sum", "what is said of linear terms includes the mask", ".chain(minus)", ".chain(minus.take(0))", elements),
  verify("mask-cells", "masks of claims are forgotten in the next level", "        level.cells.extend(cells);\n", "        let _ = cells;\n", unit("claims_are_told_apart_by_powers")),
  lookup("mask-end", "the mask is no part of the end of the lookups' sumcheck", "        pieces.add_cells(&self.left.mask, by);\n", "", elements),
  lookup("mask-columns", "masks of columns' values do not count", "                pieces.add_cells(&[(cell, vanishing)], *by);\n", "", elements),
  piece("mask", "two cells of the mask are in one row", "*f * at.block(0, cell)", "*f * at.block(0, cell >> 1)", pieces),
  mask("vanishing", "values have no mask", "    x * (F::one() - x)", "    x - x", hidden),
  mask("cell-twice", "the cell of a value is handed out again", "self.next += count;", "self.next += count - usize::from(count == 1);", hidden),
  mask("round-cell", "the last coefficient of a round's mask is handed out again", "cells.take(1 + degrees.iter().sum::<usize>())", "cells.take(degrees.iter().sum::<usize>())", hidden),
  mask("rows", "columns that hide have random cells in too few rows", "powers.flat_map(|p| [p, 3 * p])", "powers.take(3)", hidden),
  prove("mask-random", "half of the mask's cells are zero", "    let cells = random(random_cells(k), rng);\n", "    let mut cells = random(random_cells(k), rng);\n    cells.iter_mut().step_by(2).for_each(|c| *c = Fr::ZERO);\n", hidden),
  lookup("mask-values", "values of keys have no mask", "ColumnKind::Limb(_) | ColumnKind::Value(_)", "ColumnKind::Limb(_)", hidden),
  verify("hidden", "columns that hide are in no claim", "            pieces.add_column(*column, point, weight, *value);\n            weight *= challenge;\n", "            let _ = (column, point, value);\n", hidden),
  prove("tail", "commitments have no random coefficient", "                false => 1,", "                false => 0,", committed),
  prove("tail-opening", "the opening has one random coefficient", "                true => opening::hiding_coefficients(k as usize),", "                true => 1,", committed),
  prove("unhidden", "a product of single values is proved", "cell.is_some() && context.variables(&vector.summed) == 0", "cell.is_some() && false", unhidden),
  verify("mask-cells-left", "there may be more masks than random cells", "match needed <= cells {", "match needed <= cells.max(needed) {", unhidden),
  // Products that need no sum.
  claims("shortest", "a product that needs no sum has none", "if summed.is_empty() && product.factors.len() > 1 {", "if false {", hidden),
  claims("shortest-equal", "a free axis that is summed over all the same has no weight", "                        equal.insert(axis, point);\n", "                        let _ = point;\n", hidden),
  claims("shortest-trivial", "an axis without variables may be the one that is summed over", "                    .filter(|a| bits(a) > 0)\n", "", unhidden),
  // What the verifier evaluates by itself.
  claims("below-order", "the first axis has the lowest bits", "points.iter().rev().flatten().copied()", "points.iter().flatten().copied()", bound),
  claims("public-sum", "a sum over an axis with padding is another", "number::<F>(axis.cube() as i128)", "number::<F>(axis.len as i128)", bound),
  claims("less-length", "comparisons go on beyond the length", "kernel::less(len, a, b)", "kernel::less(len.next_power_of_two(), a, b)", bound),
  claims("successor-length", "the last index has a successor", "kernel::successor(len, a, b)", "kernel::successor(len.next_power_of_two(), a, b)", bound),
  claims("index-length", "indices go on beyond the length", "kernel::index(len, a)", "kernel::index(len.next_power_of_two(), a)", bound),
  claims("cells-rows", "lists have cells for padding", "list.len() / axis.len", "list.len() / axis.cube()", bound),
  kernel("less-valid", "an index is less only if all lower bits are", "zeros * lower + only_y * valid + ones * both", "zeros * lower + ones * both", closed),
  kernel("successor-carried", "no carry crosses a bit of the length", " + carried_valid * only_y,", ",", closed),
  kernel("below-bits", "lower bits do not count", "            F::one() - x + *x * lower\n", "            F::one() - x\n", closed),
  kernel("digits-base", "all digits have one weight", "        base = base.square();\n", "", kernels("digits_are_at_a_distance")),
  kernel("index-valid", "an index with a bit of the length may have any lower bits", "here * valid,", "here,", kernels("indices_and_lists")),
  // Programs.
  program("padding-activation", "activations may have padding within tiles", "Role::Weight { .. } | Role::Public(_) | Role::Virtual(_) | Role::View(_) => {}", "Role::Weight { .. } | Role::Activation | Role::Public(_) | Role::Virtual(_) | Role::View(_) => {}", padding),
  program("below-full", "an index of several axes may have padding between", "others.iter().all(|a| a.is_full()) && *bound", "*bound", fits),
  program("below-bound", "a bound may be beyond all indices", " && *bound <= first.len * rest", " && rest > 0", fits),
  program("digits-groups", "digits may have any groups", "\n                    && groups.len == (1 << group_bits) + 1", "\n                    && groups.len > 0", fits),
  program("digits-numbers", "digits may have any numbers", "numbers.is_full()\n                    && *group_bits", "*group_bits", fits),
  program("digits-bits", "groups may be more than numbers", "                    && *group_bits <= numbers.bits()\n", "", fits),
  program("cells-count", "a list may have any length", "cells.len() == axes.iter().map(|a| a.len).product::<usize>()", "cells.len() + axes.len() > 0", fits),
  program("input-axes", "a public input may have axes", "(Public::Input(_), []) => true", "(Public::Input(_), _) => true", fits),
  program("limb-values", "limbs may be keys of a table with values", "self.tables[range.index()].values.is_none()", "self.tables[range.index()].bits > 0", tables),
  program("value-axes", "values may have other axes than their keys", "\n                    && self.tensor(*key).axes == axes", "", tables),
  program("use-tiles", "a tensor is used with axes of other tiles", "d.len == a.len && d.tile_bits == a.tile_bits", "d.len == a.len", tables),
  // Wires: lookups, and what the checker says of them.
  lookup("wires-tag", "wires have the tag of the last table", "Fr::from(program.tables().len() as u64 + 1)", "Fr::from(program.tables().len() as u64)", attack("wires_are_no_rows_of_tables")),
  lookup("wires-number", "columns of wires have the same numbers", "Fr::from(number << layout.k())", "Fr::from(number)", wired),
  lookup("wires-sign", "numbers of both kinds are added", "(other, -counts, None)", "(other, counts, None)", wired),
  lookup("wires-rows", "rows beyond the last wire count", "let counts = kernel::below(lane.rows, &self.left.point);", "let counts = F::one();", wired),
  lookup("wires-index", "own numbers go on beyond the last wire", "kernel::index(lane.rows, &self.left.point);", "kernel::index(1 << self.layout.k(), &self.left.point);", wired),
  lookup("wires-permutation", "a permutation's value is no claim", "            pieces.add_column(*column, &self.left.point, *by, *value);\n", "            if !matches!(self.layout.column(*column).kind, ColumnKind::Permutation(_)) {\n                pieces.add_column(*column, &self.left.point, *by, *value);\n            }\n", attack("another_permutation_is_refused")),
  lookup("wires-masked", "the value of a column of wires has no mask", "ColumnKind::Limb(_) | ColumnKind::Value(_) | ColumnKind::Wire(_)", "ColumnKind::Limb(_) | ColumnKind::Value(_)", hidden),
  lookup("wires-degree", "a column of wires has one fraction", "2 * group.copies.len()", "group.copies.len()", wired),
  prover("wires-own", "the prover has numbers of wires within their column", "(first + Fr::from(row as u64))", "Fr::from(row as u64)", wired),
  check("copies-column", "the checker compares wires of the first column", "layout.copies.get((number >> k) as usize)", "layout.copies.get(0 * (number >> k) as usize)", copies),
  check("copies-row", "the checker compares wires of the first row", "let row = (number & ((1 << k) - 1)) as usize;", "let row = 0 * number as usize;", copies),
  check("copies-rows", "the checker does not look at the last wire", ".take(lane.rows)", ".take(lane.rows - 1)", copies),
  check("copies-all", "the list of all failures has no copies", "        failures.extend(check_copies(values).err());\n", "", copies),
  check("copies-check", "the checker does not look at copies", "        check_copies(values)\n    }", "        Ok(())\n    }", copies),
  // Views.
  program("view-index", "an index's bits are read from the other end", "index >> b & 1", "index >> (axis.bits() - 1 - b) & 1", views),
  program("view-weight", "a view has no weight", "let mut weight = view.weight;", "let mut weight = Fr::ONE;", views),
  program("view-powers", "a sum with powers is an average", "                    weight *= by;\n", "                    let _ = by;\n", views),
  program("powers-weight", "a sum with powers has the weight of its last bit", "weight *= sum;", "weight = sum;", views),
  program("powers-square", "all bits of an index have one weight", "        power = power.square();\n", "", views),
  program("powers-point", "coordinates of a sum with powers are no shares", "point.push(power * sum.invert()?);", "point.push(power * sum);", views),
  program("view-committed", "a view may be of what is not committed", "            base.is_committed(),\n", "            base.axes.len() + 1 > 0,\n", viewed),
  program("view-slots", "a view may say nothing of some axes", "            view.slots.len(),\n", "            view.slots.len().max(base.axes.len()),\n", viewed),
  program("view-shape", "a view may keep an axis under a name of another shape", "own_axis.len == axis.len && own_axis.tile_bits == axis.tile_bits,", "own_axis.len > 0,", viewed),
  program("view-beyond", "a view may be beyond an axis", "assert!(*index < axis.len, \"{name} is beyond an axis\")", "assert!(*index < 2 * axis.len, \"{name} is beyond an axis\")", viewed),
  program("view-full", "a view may sum over padding", "axis.is_full() && powers_at", "axis.len > 0 && powers_at", viewed),
  program("view-invertible", "a view may have powers without inverse", "axis.is_full() && powers_at(*base, axis.bits()).is_some(),", "axis.is_full() && axis.len >= usize::from(*base == Fr::ZERO),", viewed),
  program("view-kept", "a view may have other axes than it keeps", "assert_eq!(kept, axes, ", "assert_eq!(kept.len(), axes.len(), ", viewed),
  program("padding-wires", "wires may have padding within tiles", "Role::Weight { .. } | Role::Public(_) | Role::Virtual(_) | Role::View(_) => {}", "Role::Weight { .. } | Role::Wire | Role::Public(_) | Role::Virtual(_) | Role::View(_) => {}", viewed),
  program("cell-index", "a cell may be beyond its axis", "(Public::Cell { index, .. }, [axis]) => *index < axis.len,", "(Public::Cell { index, .. }, [axis]) => *index <= axis.len,", viewed),
  program("inputs-count", "a program has fewer public inputs than it uses", "self.declare_inputs(first + count);", "self.declare_inputs(first + count - 1);", refusal("public_inputs_are_counted")),
  claims("view-by", "a claim about a view is one about its tensor", "weight: weight * by,", "weight,", bound),
  claims("view-slot", "axes that a view fixes have the place of the view's own", "slot.or_else(|| own.next())", "own.next().or(slot)", bound),
  claims("inputs-first", "a list of public inputs begins with the first", "self.inputs.get(*first..)", "self.inputs.get(0 * *first..)", bound),
  claims("inputs-length", "a list of public inputs is as long as its axis's cube", "own.iter().take(len).copied()", "own.iter().copied()", bound),
  claims("cell-value", "a cell is one", "kernel::equal_index(at, *index) * F::constant(*value)", "kernel::equal_index(at, *index)", bound),
  claims("cell-index-point", "a cell is at another index", "kernel::equal_index(at, *index)", "kernel::equal_index(at, index ^ 1)", bound),
  // Digests of these.
  digest("digest-cell", "the digest does not bind the index of a cell", "self.numbers(&[17, *index]);", "self.numbers(&[17, 0 * *index]);", bind),
  digest("digest-cell-value", "the digest does not bind the value of a cell", "                self.0.update(value.to_repr());\n", "                let _ = value;\n", bind),
  digest("digest-inputs", "the digest does not bind which public inputs a list has", "self.numbers(&[18, *first])", "self.numbers(&[18, 0 * *first])", bind),
  digest("digest-wire", "wires and witnesses have one digest", "Role::Wire => self.number(15),", "Role::Wire => self.number(2),", bind, "kinds of columns are in the digest, too, and wires have their own"),
  digest("digest-view", "the digest does not bind the weight of a view", "                self.0.update(view.weight.to_repr());\n", "", bind),
  digest("digest-view-of", "the digest does not bind the tensor of a view", "self.numbers(&[14, view.of.index(), view.slots.len()]);", "self.numbers(&[14, view.slots.len()]);", bind),
  digest("digest-view-axis", "the digest does not bind axes that a view keeps", "Slot::Axis(axis) => self.numbers(&[0, axis.index()]),", "Slot::Axis(axis) => self.numbers(&[0, 0 * axis.index()]),", bind, "the axes of a view are in the digest as those of its tensor"),
  digest("digest-view-index", "the digest does not bind indices of a view", "Slot::Index(index) => self.numbers(&[1, *index]),", "Slot::Index(index) => self.numbers(&[1, 0 * *index]),", bind),
  digest("digest-view-base", "the digest does not bind bases of powers", "                            self.0.update(base.to_repr());\n", "                            let _ = base;\n", bind),
  digest("digest-groups", "the digest does not bind which columns of wires have one helper", "group.unwrap_or(usize::MAX)]", "group.map_or(usize::MAX, |_| 0)]", bind),
  // The transcript of proofs that are verified in programs, and words of points.
  transcript("recursion-domain", "transcripts for recursion begin as others", '16] = b"nanozk-recursion"', '16] = b"nanozk-poseidon2"', words("recursion_follows_its_definition")),
  transcript("recursion-second", "what is absorbed is in the challenge after the next", "if self.waiting.is_empty() && std::mem::take(&mut self.has_next) {", "if std::mem::take(&mut self.has_next) {", words("recursion_follows_its_definition")),
  transcript("recursion-pair", "every second scalar is not absorbed", "pair.get(1).copied().unwrap_or_else(F::zero)", "F::zero()", words("recursion_follows_its_definition")),
  transcript("recursion-twice", "a state gives one challenge for ever", "        if self.waiting.is_empty() {\n            self.waiting.push(F::zero());\n        }\n", "", words("recursion_follows_its_definition")),
  transcript("words-first", "bits beyond the first word do not count", "if !is_zero(&first[24..]) || ", "if ", words("words_determine_points")),
  transcript("words-second", "bits beyond the second word do not count", " || !is_zero(&second[24..]) || ", " || ", words("words_determine_points")),
  transcript("words-third", "bits beyond the third word do not count", " || !is_zero(&third[16..]) {", " {", words("words_determine_points")),
  transcript("words-high", "words do not have the highest bits of x", "integer([&x[24..], &y[..16]])", "integer([&x[25..], &y[..16]])", words("words_determine_points")),
  // Layers: what a block states.
  norm("norm-rest", "the rest of a mean may be the width", `        p.zero(&called("rest is less"), rows, rest + room - (d - 1));\n`, forgeries),
  norm("rotation", "a rotated number may be any", `        this.remainder
            .state(p, &format!("{name} is rotated"), axes, acc, out);\n`, forgeries),
  gadgets("rotation-back", "a pair is not rotated but sheared", `
            - p.public("half before other", &[half, other], Public::Less);`, ";", blocks),
  gadgets("rotation-swapped", "a feature is rotated with itself", "number.value_at(p, &swapped(axes)) * sin", "number.value(p) * sin", blocks),
  gadgets("rotation-gain", "a feature has the gain of the other of its pair", "let sin = p.use_at(angles.sin, &sin_axes);", "let sin = p.use_of(angles.sin);\n        let _ = &sin_axes;", blocks),
  gadgets("head-epsilon", "the epsilon of a head is one", "eps: p.use_of(eps),", "eps: Expression::default() + 1,", blocks),
  mutation("layers", "attention")("head-sum", "what is normalized may be any number", "                p.zero(&product, &heads, acc - value);\n", "                let _ = (&product, acc, value);\n", forgeries),
  mutation("layers", "attention")("head-norm", "queries are not normalized", "                    Some(both) => &both[i].norm.out,", "                    Some(_) => &projected[i].number,", blocks),
  mlp("gate", "what activations are multiplied by may be any number", `        this.remainder
            .state(p, "gate product", &hidden, acc, u.clone());\n`, forgeries),
  mlp("gated", "a gated activation may be any number", `        this.product_remainder
            .state(p, "gated activation", &hidden, a * u, m);\n`, forgeries),
  mutation("layers", "mlp")("gate-skipped", "the gate is left out of what goes on", "Some(gate) => last.of(p, gate.product.value(p)),", "Some(_) => last.of(p, a),", blocks),
  mutation("layers", "gadgets")("rms-centered", "what is not centered is centered", "Norm::RmsNorm => None,", "Norm::RmsNorm => Some(Center::new(p, name, &x, &rows, d)),", blocks),
  norm("stream", "the residual stream need not fit", "        p.zero(&format!(\"{name} stream\"), axes, y.clone() - number);\n", forgeries),
  attention("maximum", "a row need not have a maximum", `        p.zero("a row has a maximum", &rows, top_.clone() - 1);\n`, forgeries),
  attention("maximum-score", "the maximum may be greater than all scores", `        p.zero("the maximum is a score", &pairs, top_ * z);\n`, forgeries),
  attention("later", "a position may attend to a later one", " + later * (1 << 33)", layers("forgeries", "later_positions_are_not_attended_to")),
  attention("beyond", "a distance within the table may be said to be beyond", `        p.zero(
            "distance is beyond the table only at its end, and there for later positions",
            &pairs,
            overflow,
        );\n`, forgeries),
  attention("reciprocal", "the reciprocal may be less", `        p.zero(
            "reciprocal is large",
            &rows,
            e.clone() - 1 - below_ - above_,
        );\n`, forgeries),
  gadgets("remainder", "a remainder may be twice what is divided by", "number: Number::unsigned(p, name, axes, shift),", "number: Number::unsigned(p, name, axes, shift + 1),", ranges),
  gadgets("one-hot", "more than one bit may be set", `        p.zero(&format!("{name} is one"), rows, sum - 1);\n`, "        let _ = (sum, rows);\n", otherTokens),
  gadgets("one-hot-range", "bits of a choice may be any small numbers", "        let range = p.range(1);\n", "        let range = p.range(2);\n", otherTokens, "numbers that are not negative and add up to one are one-hot"),
  // What tokens, embedding, head and digests state.
  sequence("token", "a token need not be in the vocabulary", `        p.zero("a token is in the vocabulary", &[position], sum);\n`, otherTokens),
  sequence("prompt", "the prompt may have any length", `        p.zero("the prompt has its length", &[], count);\n`, otherCounts),
  sequence("length", "the sequence may have any length", `        p.zero("the sequence has its length", &[], count);\n`, otherCounts),
  sequence("kept", "a digest may leave out tokens", `        p.zero(
            "a digest keeps its own tokens",
            &[chain, position],
            expected - kept_.clone(),
        );\n`, otherCounts),
  tokens("kept-range", "a position may be kept several times", "        let bit = p.range(1);\n", "        let bit = p.range(2);\n", otherCounts, "an identity says for each position what is kept"),
  embed("embedding", "the residual stream need not be the tokens'", `        p.zero("embedding", &stream, wte * bits + wpe - x);\n`, otherTokens),
  head("generated", "any number of rows may be about tokens", `        p.zero("as many tokens are generated as are claimed", &[], count);\n`, otherCounts),
  head("position", "a row may be about any position", `        p.zero("a row is about its position", &[generated], at - expected);\n`, otherChoices),
  head("selected", "a row may have any residual stream", `        p.zero("selected stream", &all, chosen_at.clone() * x - s);\n`, otherChoices),
  head("logits", "logits may be any", `        p.zero(
            "no logit is greater",
            &[&[layer], &each[..]].concat(),
            logit - greatest + below + d.clone(),
        );\n`, otherChoices),
  head("greatest", "the chosen logit may be less than the greatest", `        p.zero("the chosen logit is the greatest", &[generated], d * bits);\n`, otherChoices),
  head("next", "the token at the next position may be any", `        p.zero("next token", &[position], following - next_.clone());\n`, otherChoices),
  head("chosen", "another token than the chosen one may come next", `        p.zero(
            "the chosen token comes next",
            &[generated],
            chosen_at * next_ - number,
        );\n`, otherTokens),
  poseidon("hash-zero", "a permutation may start anywhere", `        p.zero(
            "poseidon: the first element is zero",
            &rows,
            is_first.clone() * first_.clone() - start[0].clone(),
        );\n`, otherDigests),
  poseidon("hash-message", "a permutation may be of any message", `        p.zero(
            "poseidon: the third element is the message",
            &rows,
            is_third * first_.clone() - start[2].clone() - messages,
        );\n`, otherDigests),
  poseidon("hash-digest", "a chain may end in any digest", "\n                - last_message * digest", otherDigests),
  poseidon("hash-first", "the first round may give anything", `        p.zero(
            "poseidon: first round",
            &state,
            fifth(&first_) - made(first_round * second) + first_constants,
        );\n`, otherDigests),
  poseidon("hash-round", "all rounds but the first may give anything", `        p.zero(
            "poseidon: round",
            &all,
            states_.clone() + sbox.clone() * fifth(&states_)
                - sbox * states_
                - made(to_next_round * after)
                + all_constants
                - last_round * made(output_at_other),
        );\n`, otherDigests),
];

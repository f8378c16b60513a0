// The circuits of nodes. Goldens notice every one of these; the tests named here notice by what the change allows.
"use strict";
const { prover } = require("./tests/commands");
const nodes = (name) => prover("nodes", name);

const FILES = "crates/aggregation/src";
const mutation = (name, what, file, find, replace, test) => ({
  name: `aggregation/${name}`,
  what,
  file: `${FILES}/${file}.rs`,
  find,
  replace,
  test: nodes(test),
});

module.exports = [
  mutation(
    "accumulator",
    "the public accumulator is not the one that was computed",
    "node",
    `            machine.assert_equal(computed, public);`,
    `            if (public.row as usize) < count - 6 {
                machine.assert_equal(computed, public);
            }`,
    "every_public_input_is_bound",
  ),
  mutation(
    "statement",
    "statement and digests of layers are not the node's",
    "node",
    `                    let mut instances = public[..2].to_vec();
                    match kind {
                        LayerKind::Embed => instances.extend([public[2], public[3]]),
                        LayerKind::Head => instances.push(public[3]),`,
    `                    let free: Vec<Value> = public[..4]
                        .iter()
                        .map(|p| verifier.machine.free(p.value))
                        .collect();
                    let mut instances = free[..2].to_vec();
                    match kind {
                        LayerKind::Embed => instances.extend([free[2], free[3]]),
                        LayerKind::Head => instances.push(free[3]),`,
    "every_public_input_is_bound",
  ),
  mutation(
    "head-output",
    "the head's output digest is not the node's",
    "node",
    "LayerKind::Head => instances.push(public[3]),",
    "LayerKind::Head => instances.push(verifier.machine.free(public[3].value)),",
    "every_public_input_is_bound",
  ),
  mutation(
    "child-statement",
    "statement and digests of nodes are not those of the node above",
    "node",
    "let mut instances = public[..4].to_vec();",
    `let mut instances: Vec<Value> = public[..4]
                        .iter()
                        .map(|p| verifier.machine.free(p.value))
                        .collect();`,
    "every_public_input_is_bound",
  ),
  mutation(
    "child-digest",
    "the running digest before a node is not that of the layers before",
    "node",
    "instances.push(digest);\n                    digest = verifier.machine.free(",
    "instances.push(verifier.machine.free(digest.value));\n                    digest = verifier.machine.free(",
    "every_public_input_is_bound",
  ),
  mutation(
    "factors",
    "factors do not depend on [W]",
    "verifier",
    `        let mut out = vec![read.z];
        out.extend(self.points[read.opening[1]].scalars);
        out`,
    `        vec![read.z]`,
    "factors_follow_from_the_last_commitment",
  ),
  mutation(
    "digits",
    "digits of scalars have no range",
    "curve",
    "let row = self.push_limb(index as u128, false);",
    "let row = self.push(Fr::from(index as u64));",
    "digits_have_a_range",
  ),
  mutation(
    "candidates-first",
    "the counter of candidates for S has no range",
    "curve",
    "let row = self.push_limb(more.into(), false);",
    "let row = self.push(Fr::from(more));",
    "candidates_are_few",
  ),
  mutation(
    "candidates-second",
    "the counter of candidates for S has 80 bits",
    "curve",
    "self.push_limb(u128::from(more) << 64, false);",
    "self.push(Fr::from_u128(u128::from(more) << 64));",
    "candidates_are_few",
  ),
  mutation(
    "on-curve",
    "points need not be on the curve",
    "gates",
    "    for identity in &LOAD {",
    "    for identity in &LOAD[..1] {",
    "points_are_on_the_curve",
  ),
  mutation(
    "fourth-power",
    "the fourth power of a partial round is free",
    "sponge",
    "fourth.clone() - square.clone() * square,",
    "(fourth.clone() - square.clone() * square) * Scalar::Const(Fr::ZERO),",
    "every_step_of_a_round_is_checked",
  ),
  mutation(
    "memory-tag",
    "entries of memory are not told from numbers",
    "gates",
    "    Scalar::pow(Challenge::Tau, e)",
    "    if e == 3 {\n        return Scalar::Const(Fr::from(0));\n    }\n    Scalar::pow(Challenge::Tau, e)",
    "entries_of_memory_are_no_numbers",
  ),
  mutation(
    "highest-limb",
    "the highest limb of an equation is not checked",
    "gates",
    "        for k in 0..LIMBS {\n            let mut sum = constant(&offset_limbs[k]);",
    "        for k in 0..LIMBS - 1 {\n            let mut sum = constant(&offset_limbs[k]);",
    "equations_hold_in_the_highest_limb",
  ),
];

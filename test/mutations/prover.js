// Hiding: what is drawn, and how often.
"use strict";
const { prover } = require("./tests/commands");

const mutation = (name, what, file, find, replace, test) => ({
  name: `prover/${name}`,
  what,
  file,
  find,
  replace,
  test: prover("hiding", test),
});

module.exports = [
  mutation(
    "cut",
    "the quotient's cut is not blinded",
    "crates/prover/src/plonk/prove.rs",
    "let h = pieces(h, [Fr::random(&mut *rng), Fr::random(&mut *rng)]);",
    "let h = pieces(h, [Fr::ZERO, Fr::ZERO]);",
    "the_cut_of_the_quotient_is_blinded",
  ),
  mutation(
    "cut-twice",
    "one number blinds both coefficients at the quotient's cut",
    "crates/prover/src/plonk/prove.rs",
    "let h = pieces(h, [Fr::random(&mut *rng), Fr::random(&mut *rng)]);",
    "let h = pieces(h, [Fr::random(&mut *rng); 2]);",
    "the_cut_of_the_quotient_is_blinded",
  ),
  mutation(
    "blind-rows",
    "one number is in all blind rows of a column",
    "crates/prover/src/plonk/second_phase.rs",
    `    let zero = program.info(column).zero_blind;
    for value in &mut values[program.usable()..] {
        *value = if zero {
            Fr::ZERO
        } else {
            Fr::random(&mut *rng)
        };
    }`,
    `    let zero = program.info(column).zero_blind;
    let one = Fr::random(&mut *rng);
    for value in &mut values[program.usable()..] {
        *value = if zero { Fr::ZERO } else { one };
    }`,
    "every_blind_row_is_fresh",
  ),
  mutation(
    "blind-first-phase",
    "first-phase columns of a proof are not blinded",
    "crates/prover/src/plonk/prove.rs",
    "blind(program, *column, values, rng);",
    "let _ = (column, values);",
    "two_proofs_of_one_witness_share_no_element",
  ),
  mutation(
    "salt",
    "salt rows are zero",
    "crates/circuits/src/witness.rs",
    "lane[row] = random() & ((1 << self.limb) - 1);",
    "lane[row] = random() & 0;",
    "salt_rows_are_drawn_cell_by_cell",
  ),
  mutation(
    "boundaries",
    "all boundaries of a session have the same blinding",
    "crates/prover/src/session.rs",
    `stream(seed, "boundary", boundary as u64, 0)`,
    `stream(seed, "boundary", (boundary * 0) as u64, 0)`,
    "boundaries_are_blinded_one_by_one",
  ),
  mutation(
    "session-seed",
    "all sessions have the same blinding",
    "crates/prover/src/session.rs",
    "rng.fill_bytes(&mut seed);",
    "let _ = &mut *rng;",
    "two_sessions_of_one_prompt_share_no_commitment",
  ),
  mutation(
    "weight-layers",
    "the same columns of all layers have the same blinding",
    "crates/prover/src/registration.rs",
    `stream(seed, "weights", index as u64, j as u64)`,
    `stream(seed, "weights", (index * 0) as u64, j as u64)`,
    "weights_are_blinded_column_by_column",
  ),
  mutation(
    "weight-columns",
    "all columns of a layer have the same blinding",
    "crates/prover/src/registration.rs",
    `stream(seed, "weights", index as u64, j as u64)`,
    `stream(seed, "weights", index as u64, (j * 0) as u64)`,
    "weights_are_blinded_column_by_column",
  ),
  mutation(
    "weight-rows",
    "one number is in all blind rows of a weight column",
    "crates/prover/src/registration.rs",
    `    for cell in &mut column[start..] {
        *cell = Fr::random(&mut rng);
    }`,
    `    let one = Fr::random(&mut rng);
    column[start..].fill(one);`,
    "weights_are_blinded_column_by_column",
  ),
];

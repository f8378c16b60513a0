// Models, claims and proofs of the joint argument: what a verifier takes from whom.
"use strict";
const { prover } = require("./tests/commands");

const mutation = (name, what, file, find, replace, test) => ({
  name: `joint/${name}`,
  what,
  file,
  find,
  replace,
  test: prover("joint", test),
});
const claim = "crates/verifier/src/joint/claim.rs";
const manifest = "crates/verifier/src/joint/manifest.rs";
const known = "crates/argument/src/lib.rs";
const session = "crates/prover/src/joint/session.rs";
const registration = "crates/prover/src/joint/registration.rs";
const another = "a_proof_of_another_claim_is_refused";

module.exports = [
  ...[
    ["chain", "word(self.context.chain)"],
    ["contract", "self.context.contract.0"],
    ["claim", "self.context.claim.0"],
    ["recipient", "self.context.recipient.0"],
    ["input", "scalar_to_bytes(&self.input_digest.0)"],
    ["output", "scalar_to_bytes(&self.output_digest.0)"],
    ["prompt-tokens", "word(self.prompt_tokens.into())"],
    ["generated-tokens", "word(self.generated_tokens.into())"],
  ].map(([name, field]) =>
    mutation(
      `statement-${name}`,
      `the statement does not have the ${name}`,
      claim,
      `        hash.update(${field});\n`,
      "",
      another,
    ),
  ),
  mutation(
    "statement-compared",
    "a proof's own statement is not compared",
    claim,
    "        if proof.statement != self.claim.statement() {",
    "        if false {",
    another,
  ),
  mutation(
    "statement-lower-half",
    "the statement's lower half is not absorbed",
    claim,
    "            low,",
    "            low - low,",
    "public_inputs_are_those_of_the_format",
  ),
  mutation(
    "activations",
    "commitments to activations are one commitment",
    claim,
    "ColumnKind::Activation(number) => point(&self.claim.activations, number),",
    "ColumnKind::Activation(_) => point(&self.claim.activations, 0),",
    "any_layers_are_proved",
  ),
  mutation(
    "activation-order",
    "commitments to activations are read from the last on",
    claim,
    "ColumnKind::Activation(number) => point(&self.claim.activations, number),",
    "ColumnKind::Activation(number) => point(&self.claim.activations, (self.claim.activations.len() - 1) as u32 - number),",
    "any_layers_are_proved",
  ),
  mutation(
    "setup",
    "the setup is not compared",
    claim,
    "        self.manifest.check_setup(parameters)?;\n",
    "",
    "a_proof_for_another_model_is_refused",
  ),
  mutation(
    "pairing",
    "the equation of pairings is not checked",
    claim,
    "        match accumulator.holds(&parameters.g2) {\n            true => Ok(layers),",
    "        match accumulator.holds(&parameters.g2) || true {\n            true => Ok(layers),",
    "a_proof_for_another_model_is_refused",
  ),
  mutation(
    "model",
    "a claim may be of another model",
    claim,
    "        if claim.model_id != manifest.id() {",
    "        if false {",
    "a_proof_for_another_model_is_refused",
  ),
  mutation(
    "counts",
    "more tokens than positions",
    claim,
    "if prompt == 0 || generated == 0 || all > positions as u64 {",
    "if prompt == 0 || generated == 0 {",
    "malformed_manifests_and_claims_are_refused",
  ),
  mutation(
    "activation-count",
    "there may be more commitments to activations",
    claim,
    "        if expected != got {\n            return Err(Error::Activations",
    "        if expected > got {\n            return Err(Error::Activations",
    "malformed_manifests_and_claims_are_refused",
  ),
  mutation(
    "claim-digest",
    "the claim digest does not have the activations",
    claim,
    "            hash.update(point_compressed(&point.0));\n",
    "            let _ = point_compressed(&point.0);\n",
    another,
  ),
  ...[
    ["k", "word(self.k.into())"],
    ["fractions", "word(self.fractions.into())"],
    ["weights", "points_digest(&self.weights)"],
    ["tokens", "word(self.tokens as u64)"],
    ["setup", "self.setup.0"],
    ["tokenizer", "self.tokenizer.0"],
    ["dimensions", "dimensions_digest(&self.architecture, &self.spec)"],
    ["development", "word(self.development_setup.into())"],
  ].map(([name, field]) =>
    mutation(
      `id-${name}`,
      `the model id does not have the ${name}`,
      manifest,
      `        hash.update(${field});\n`,
      `        let _ = ${field};\n`,
      "the_id_binds_every_field",
    ),
  ),
  mutation(
    "asked-for",
    "a manifest of another model than the one asked for",
    manifest,
    "        if got != *expected {",
    "        if false {",
    "a_proof_for_another_model_is_refused",
  ),
  mutation(
    "weight-count",
    "there may be more commitments to weights",
    manifest,
    "        if expected != got {\n            return Err(Error::Weights",
    "        if expected > got {\n            return Err(Error::Weights",
    "malformed_manifests_and_claims_are_refused",
  ),
  mutation(
    "tables",
    "a verifier believes what it is told of tables",
    known,
    "                ColumnKind::TableValues(_) => Some(prove::commitment(basis, &tables, id)),\n",
    "",
    "any_layers_are_proved",
  ),
  mutation(
    "activation-blinding",
    "all commitments to activations have the same blinding",
    session,
    '    let stream = stream(seed, "joint activations", number.into(), 0);',
    '    let stream = stream(seed, "joint activations", u64::from(number) * 0, 0);',
    "commitments_are_blinded_one_by_one",
  ),
  mutation(
    "weight-blinding",
    "all commitments to weights have the same blinding",
    registration,
    'stream(seed, "joint weights", column.into(), 0)',
    'stream(seed, "joint weights", u64::from(column) * 0, 0)',
    "commitments_are_blinded_one_by_one",
  ),
  mutation(
    "kept",
    "a proof that is there is kept, valid or not",
    session,
    "        found.is_some_and(|found| found == layers)",
    "        found.is_some_and(|found| found == layers) || self.proof_path(layers).exists()",
    "windows_fit_a_memory_and_resume",
  ),
];

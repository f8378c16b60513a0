// The native verifier: what is absorbed, what is compared, what is left of a proof.
"use strict";
const { crate, prover } = require("./tests/commands");
const verifier = (...args) => crate("nanozk-verifier", ...args);
const said = (name) => verifier("--test", "transcript", name);
const transcript = said("challenges_follow_from_all_that_was_said");
const manifest = (name) => verifier("--test", "manifest", name);
const place = "a_layer_is_compared_with_its_place";

const FILES = "crates/verifier/src";
const rounds = (name, what, find, test = transcript, replace = "") => ({
  name: `verifier/transcript-${name}`,
  what,
  file: `${FILES}/transcript.rs`,
  find,
  replace,
  test,
});
const session = (name, what, find, replace, test) => ({
  name: `verifier/session-${name}`,
  what,
  file: `${FILES}/session.rs`,
  find,
  replace,
  test: manifest(test),
});
const statement = (name, find) => ({
  name: `verifier/statement-${name}`,
  what: `the statement does not bind the ${name}`,
  file: `${FILES}/statement.rs`,
  find,
  replace: "",
  test: said("the_statement_binds_every_field"),
});

module.exports = [
  rounds("key", "the key is not absorbed", "transcript.absorb_scalar(&vk.digest_scalar());"),
  rounds("public-inputs", "public inputs are not absorbed", "transcript.absorb_scalar(instance);", transcript, "let _ = instance;"),
  rounds("first", "first-phase commitments are not absorbed", "self.points(commitments, Element::First)?;"),
  rounds("second", "second-phase commitments are not absorbed", "self.points(commitments, Element::Second)?;"),
  rounds("quotient", "the quotient is not absorbed", "self.points(commitments, Element::Quotient)?;"),
  rounds("evaluations", "evaluations are not absorbed", "self.0.absorb_scalar(eval);", transcript, "let _ = eval;"),
  rounds("opening", "[Q] is not absorbed", "self.points(std::slice::from_ref(quotient), Element::Opening)?;"),
  rounds(
    "last",
    "[W] is not absorbed before the last challenge",
    `        self.0
            .absorb_point(opening)
            .map_err(|reason| Error::Decode {
                element: Element::Opening(1),
                reason,
            })?;
        Ok(self.0.squeeze())`,
    transcript,
    `        let _ = opening;
        Ok(self.0.squeeze())`,
  ),
  {
    name: "verifier/keccak-state",
    what: "a challenge does not depend on what was absorbed before the last one",
    file: "crates/transcript/src/keccak.rs",
    find: "hash.update(self.state);",
    replace: "",
    test: transcript,
  },
  {
    name: "verifier/keccak-empty",
    what: "a challenge with nothing waiting is a digest of what another could absorb",
    file: "crates/transcript/src/keccak.rs",
    find: "hash.update([1]);",
    replace: "",
    test: crate("nanozk-transcript", "--lib", "keccak"),
  },
  {
    name: "verifier/poseidon-padding",
    what: "what is absorbed is not told from what is padded",
    file: "crates/transcript/src/poseidon.rs",
    find: "self.waiting.push(Fr::ONE);",
    replace: "self.waiting.push(Fr::ZERO);",
    test: crate("nanozk-transcript", "--lib", "poseidon"),
  },
  {
    name: "verifier/running-digest-before",
    what: "the running digest does not depend on the layers before",
    file: `${FILES}/aggregate.rs`,
    find: "sponge.absorb(&[before, key]);",
    replace: "sponge.absorb(&[Fr::ZERO * before, key]);",
    test: said("the_running_digest_binds_keys_and_weights"),
  },
  {
    name: "verifier/running-digest-sign",
    what: "the running digest does not tell a commitment from its negation",
    file: `${FILES}/aggregate.rs`,
    find: `    for point in weights {
        sponge.absorb(&point_to_scalars(point));`,
    replace: `    for point in weights {
        sponge.absorb(&point_to_scalars(point)[..1]);`,
    test: said("the_running_digest_binds_keys_and_weights"),
  },
  statement("chain", "hash.update(word(self.context.chain));"),
  statement("contract", "hash.update(self.context.contract.0);"),
  statement("claim", "hash.update(self.context.claim.0);"),
  statement("recipient", "hash.update(self.context.recipient.0);"),
  statement("model", "hash.update(self.model.0);"),
  statement("input", "hash.update(crate::encoding::scalar_to_bytes(&self.input.0));"),
  statement("output", "hash.update(crate::encoding::scalar_to_bytes(&self.output.0));"),
  {
    name: "verifier/setup",
    what: "a key of another setup is taken",
    file: `${FILES}/verify.rs`,
    find: "if params.id != vk.setup() {",
    replace: "if false && params.id != vk.setup() {",
    test: manifest(place),
  },
  {
    name: "verifier/expected",
    what: "commitments are not compared with those the caller expects",
    file: `${FILES}/verify.rs`,
    find: "check_expected(vk, expected, proof)?;",
    replace: "let _ = check_expected(vk, expected, proof);",
    test: prover("proofs", "commitments_are_bound"),
  },
  {
    name: "verifier/expected-length",
    what: "commitments that a proof lacks are not missed",
    file: `${FILES}/verify.rs`,
    find: "(0..points.len().max(actual.len()))",
    replace: "(0..points.len().min(actual.len()))",
    test: prover("proofs", "commitments_are_bound"),
  },
  {
    name: "verifier/pairing",
    what: "the pairing is not looked at",
    file: `${FILES}/verify.rs`,
    find: "if bool::from(result.final_exponentiation().is_identity()) {",
    replace: "if bool::from(result.final_exponentiation().is_identity()) || true {",
    test: prover("mutations", "elements_cannot_change_places"),
  },
  {
    name: "verifier/fold",
    what: "accumulators are added up without factors",
    file: `${FILES}/verify.rs`,
    find: "sum * r + side(a)",
    replace: "sum * (r * Fr::ZERO + Fr::ONE) + side(a)",
    test: said("folded_errors_do_not_cancel"),
  },
  {
    name: "verifier/on-curve",
    what: "points off the curve are taken",
    file: "crates/transcript/src/encoding.rs",
    find: "} else if !bool::from(p.is_on_curve()) {",
    replace: "} else if false && !bool::from(p.is_on_curve()) {",
    test: crate("nanozk-transcript", "--lib", "encoding"),
  },
  {
    name: "verifier/rows",
    what: "layers of a manifest may have different numbers of rows",
    file: `${FILES}/card.rs`,
    find: "if p.k != k {",
    replace: "if false && p.k != k {",
    test: manifest("layers_have_the_same_number_of_rows"),
  },
  {
    name: "verifier/weights-count",
    what: "a layer may have more or fewer weight commitments than its plan",
    file: `${FILES}/card.rs`,
    find: "if l.weights.len() != p.weights {",
    replace: "if false && l.weights.len() != p.weights {",
    test: manifest("weights_are_as_many_as_the_plan_says"),
  },
  {
    name: "verifier/id-key",
    what: "a model id does not bind the keys",
    file: `${FILES}/card.rs`,
    find: "hash.update(layer.verifying_key.0);",
    replace: "",
    test: manifest("the_id_binds_the_manifest"),
  },
  {
    name: "verifier/id-weights",
    what: "a model id does not bind the weights",
    file: `${FILES}/card.rs`,
    find: "hash.update(self.weights_digest(layer));",
    replace: "",
    test: manifest("the_id_binds_the_manifest"),
  },
  {
    name: "verifier/id-positions",
    what: "a model id does not bind the number of positions",
    file: `${FILES}/card.rs`,
    find: "hash.update(word(self.tokens as u64));",
    replace: "",
    test: manifest("the_id_binds_the_manifest"),
  },
  session(
    "keys",
    "a manifest's keys are not compared with those of its shapes",
    "if named.verifying_key.0 != key.digest() {",
    "if false && named.verifying_key.0 != key.digest() {",
    "keys_are_those_of_the_shapes",
  ),
  session(
    "setup",
    "weights may have been committed to under another setup",
    "if card.setup.0 != params.id {",
    "if false && card.setup.0 != params.id {",
    "weights_are_as_many_as_the_plan_says_and_under_this_setup",
  ),
  session("model", "a manifest may have another id", "if got != expected {", "if false && got != expected {", "ids_are_compared"),
  session(
    "of-model",
    "a session may be of another model",
    "if self.model_id != expected {",
    "if false && self.model_id != expected {",
    "ids_are_compared",
  ),
  session(
    "input",
    "a layer may start elsewhere than its neighbour ended",
    "input: Some(before.as_slice()),",
    "input: before.as_slice().first().and(None),",
    place,
  ),
  session(
    "output",
    "a layer may end elsewhere than its neighbour starts",
    "output: Some(after.as_slice()),",
    "output: after.as_slice().first().and(None),",
    place,
  ),
  session(
    "weights",
    "a layer may have other weights than the registered ones",
    "weights: Some(&weights),",
    "weights: weights.first().and(None),",
    place,
  ),
  {
    name: "verifier/session-place",
    what: "a layer's proof may stand in another's place",
    file: `${FILES}/session.rs`,
    find: "if proof.layer as usize != layer {",
    replace: "if false && proof.layer as usize != layer {",
    test: manifest(place),
  },
];

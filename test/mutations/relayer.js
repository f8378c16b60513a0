// What watchers risk a bond for, and what is taken, signed and published.
"use strict";
const { crate } = require("./tests/commands");
const watch = (name) => crate("nanozk-relayer", "--lib", name);
const chain = (name) => crate("nanozk-chain", "--lib", name);

const found = watch("what_has_no_proof_is_found");
const bait = watch("bait_is_left_alone");
const order = chain("sessions_that_answer_something_else_are_refused");

const mutation = (file) => (name, what, find, replace, test) => ({
  name: `relayer/${name}`,
  what,
  file,
  find,
  replace,
  test,
});
const judged = mutation("crates/relayer/src/service/watch.rs");
const job = mutation("crates/chain/src/job.rs");
const published = mutation("crates/chain/src/output.rs");

module.exports = [
  judged("other-prompt", "a secret of another prompt counts", "    if found.input_digest != facts.input_digest {", "    if false {", found),
  judged("other-output", "a secret of another answer counts", "    if found.output_digest != facts.output_digest {", "    if false {", found),
  judged("counts", "another number of tokens than was ordered is no ground for a challenge", "    if counts != [facts.prompt_tokens, facts.new_tokens] {", "    if false {", found),
  judged("wrong-token", "a wrong token is no ground for a challenge", "    if let Some(position) = found.wrong_token {", "    if let Some(position) = found.wrong_token.filter(|_| false) {", found),
  judged("blinding", "other blinding is a ground for a challenge", "    (verdict(None, reason), true)\n}\n\n/// Different layers", "    (verdict(other, reason), true)\n}\n\n/// Different layers", bait),
  job("model", "a session of another model answers a job", "        if claim.model_id.0 != self.model.0 {", "        if false {", order),
  job("prompt", "a session of another prompt answers a job", "        if (input, claim.prompt_tokens) != (self.input_digest, self.prompt_tokens) {", "        if (input, claim.prompt_tokens) != (input, self.prompt_tokens) {", order),
  job("new-tokens", "a session of another length answers a job", "        if claim.generated_tokens != self.new_tokens {", "        if false {", order),
  job("decoding", "a session of another decoding answers a job", "        if claim.decoding.0 != self.decoding.0 {", "        if false {", order),
  published("length", "an output of another length is published", "        if self.tokens.len() != asked {", "        if false {", chain("what_is_published_is_what_is_claimed")),
  published("digest", "an output that is not the claim's is published", "        match output == claim.output_digest.0 {", "        match output == claim.output_digest.0 || true {", chain("what_is_published_is_what_is_claimed")),
];

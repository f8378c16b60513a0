// The library: what it accepts of somebody else's session, and what it sends.
"use strict";
const { crate } = require("./tests/commands");
const verify = (name) => crate("nanozk", "--test", "verify", name);
const sessions = (name) => crate("nanozk", "--all-features", "--test", "sessions", name);
const settles = crate("nanozk-cli", "--test", "chain", "an_account_settles");

const mutation = (file) => (name, what, find, replace, test) => ({ name: `library/${name}`, what, file, find, replace, test });
const accepted = mutation("crates/nanozk/src/verify.rs");
const received = mutation("crates/nanozk/src/received.rs");
const setup = mutation("crates/nanozk/src/setups.rs");
const run = mutation("crates/nanozk/src/session.rs");
const sent = mutation("crates/chain/src/account.rs");

module.exports = [
  accepted("development", "the development setup is accepted by nobody's wish", "        match is_development && !self.development {", "        match false {", verify("other_expectations_are_refused")),
  accepted("missing", "layers without a proof are accepted", "        if !missing.is_empty() {", "        if false {", verify("a_real_final_proof_is_accepted")),
  accepted("key", "a key of final proofs is not compared", "    match got == expected {", "    match got == got {", verify("a_key_is_taken_by_its_digest")),
  received("model", "a session of another model than the one asked for", "CheckedManifest::of_model(manifest, model_id)?", "CheckedManifest::new(manifest)?", verify("other_expectations_are_refused")),
  received("version", "a file of another version is called invalid", "        Some(got) if got != expected => Err(Unaccepted::OtherVersion {", "        Some(got) if got != expected && got.is_empty() => Err(Unaccepted::OtherVersion {", verify("what_was_changed_is_refused")),
  received("joint", "joint proofs are not verified", "            opened.verify(parameters).map_err(&mut refused)?;\n", "", sessions("the_examples_prove_and_verify_a_layer")),
  setup("other", "a model takes the setup of another ceremony", "        match got == expected {", "        match got == got {", verify("a_model_takes_the_setup_that_it_was_registered_under")),
  run("request", "a request for another model is answered", "            if got != expected {", "            if false {", sessions("what_cannot_be_answered_is_refused")),
  run("prompt", "a request whose prompt has another digest is answered", "            request.check_prompt(self.manifest.manifest().tokens)?;\n", "", sessions("what_cannot_be_answered_is_refused")),
  sent("stake", "a stake is held for a session that does not answer the request", "        check_session(request, session)?;\n", "        let _ = (check_session, session);\n", settles),
  sent("post", "a session that does not answer the job is claimed", "        Order::of_job(&job, terms.model).check(session)?;\n", "", settles),
  sent("elsewhere", "a request of other contracts is opened", "        if ours != theirs {", "        if false {", settles),
];

// Final proofs without a setup: what is compared with the key, with what models were registered with, and with the file.
"use strict";
const { crate } = require("./tests/commands");
const key = (name) => crate("nanozk-verifier", "--test", "final_key", name);

const keys = key("other_keys_are_refused");
const sessions = key("other_sessions_are_refused");
const accepted = key("the_proof_is_accepted");

const mutation = (name, what, find, replace, test) => ({
  name: `final-key/${name}`,
  what,
  file: "crates/verifier/src/final_key.rs",
  find,
  replace,
  test,
});

module.exports = [
  mutation("format", "a key may have any format", "        if file.format != FINAL_KEY_FORMAT {", "        if file.format.is_empty() {", keys),
  mutation("rest", "more bytes than a point's are ignored", ".filter(|_| rest.is_empty())", ".filter(|_| rest.len() < 32)", keys),
  mutation("setup", "the key may be of another setup", "            if manifest.manifest().setup != self.file.setup {", "            if manifest.manifest().setup == Digest32::default() {", keys),
  mutation("tau", "the setup's secret is one", "        Ok(Self { file, g2 })", "        Ok(Self { file, g2: [g2[0], g2[0]] })", accepted),
  mutation("development", "a manifest's word for the development setup is believed", "            if said != (self.file.setup == DEVELOPMENT_SETUP) {", "            if said != (self.file.setup == DEVELOPMENT_SETUP) && said {", sessions),
  mutation("program-key", "the key of a node is any", "                leaves.push((program.key.0, said));", "                leaves.push((said.digest, said));", accepted),
  mutation("digests", "the file's digests are not compared", "        file.check_digests(&tree, &digests)?;", "        let _ = (&tree, &digests);", sessions),
  mutation("proof", "the proof is not verified", "        verify_top(&key, &top, &file.proof.0, &self.g2)?;", "        let _ = (verify_top, &key, &top);", sessions),
  mutation("digest-folds", "folds are no part of the digest", "            hash.update(scalar_to_bytes(&fold.0));", "            let _ = fold;", key("contracts_have_this_key")),
  {
    name: "final-key/group",
    what: "a point of the second group may be of another order, or off the curve",
    file: "crates/transcript/src/encoding.rs",
    find: "    match is_of_group {\n        true => Ok(point),",
    replace: "    match is_of_group || !is_of_group {\n        true => Ok(point),",
    test: keys,
  },
];

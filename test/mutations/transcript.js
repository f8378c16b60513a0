// Transcripts and encodings.
"use strict";
const { crate } = require("./tests/commands");

module.exports = [
  {
    name: "transcript/keccak-state",
    what: "a challenge does not depend on what was absorbed before the last one",
    file: "crates/transcript/src/keccak.rs",
    find: "hash.update(self.state);",
    replace: "",
    test: crate("nanozk-transcript", "--lib", "keccak"),
  },
  {
    name: "transcript/keccak-empty",
    what: "a challenge with nothing waiting is a digest of what another could absorb",
    file: "crates/transcript/src/keccak.rs",
    find: "hash.update([1]);",
    replace: "",
    test: crate("nanozk-transcript", "--lib", "keccak"),
  },
  {
    name: "transcript/poseidon-padding",
    what: "what is absorbed is not told from what is padded",
    file: "crates/transcript/src/poseidon.rs",
    find: "self.waiting.push(Fr::ONE);",
    replace: "self.waiting.push(Fr::ZERO);",
    test: crate("nanozk-transcript", "--lib", "poseidon"),
  },
  {
    name: "transcript/on-curve",
    what: "points off the curve are taken",
    file: "crates/transcript/src/encoding.rs",
    find: "} else if !bool::from(p.is_on_curve()) {",
    replace: "} else if false && !bool::from(p.is_on_curve()) {",
    test: crate("nanozk-transcript", "--lib", "encoding"),
  },
];

// The page that checks an answer: what it compares, what it calls worthless, what it takes from files and nodes, and how it shows
// text of others.
"use strict";
const { page, chain } = require("./tests/commands");

const mutation = (file, name, what, find, replace, test) => ({
  name: `page/${file}/${name}`,
  what,
  file: `packages/page/src/${file}.js`,
  find,
  replace,
  test,
});

const fields = chain("each changed field");
const code = chain("other code at a contract");
const unknownKey = page("a key that nobody knows");
const fixture = page("the session of the fixture is accepted");
const encodings = page("an answer that is too short");
const lying = chain("makes up a claim's fields");

module.exports = [
  mutation("match", "same", "files are always the claim", "same: isHex(a) && isHex(b) ? sameHex(a, b) : a === b", "same: true", fields),
  mutation("match", "activations", "commitments to activations are not compared", '    row("activation commitments", wordsOf(claim.activations, facts.points.length), facts.points.join(" ")),\n', "", fields),
  mutation("match", "seed", "the seed's digest is not compared", '    row("digest of the session\'s seed", claim.seed_digest, posted.seedDigest),\n', "", fields),
  mutation("match", "claims", "the contracts are asked although a claim is not on the chain", " || claims.includes(undefined)", "", chain("a final proof of several claims")),
  mutation("code", "immutables", "more than a constructor's arguments is left out", "offset + length)", "offset + length + 2)", page("code is compared without")),
  mutation("code", "hash", "code of the right length is the build's", " === codeHash;", " !== codeHash.slice(1);", code),
  mutation("chain", "id", "a claim's fields may have another hash than its id", "  if (id !== event.values.claim) {", "  if (id === undefined) {", lying),
  mutation("chain", "address", "events may be of another contract", " && sameHex(log.address, filter.address)", "", lying),
  mutation("chain", "wiring", "contracts need not name each other", "    if (!sameHex(got, expected)) wrong.push", "    if (got === undefined) wrong.push", code),
  mutation("chain", "network", "the node may be of another chain than the files", "  if (expected !== undefined && expected !== chain) {", "  if (expected !== undefined && expected === 0) {", chain("a wrong chain, address or id")),
  mutation("abi", "bits", "bits beyond a type are ignored", "  if (value >> BigInt(bits)) throw", "  if (value < 0n) throw", encodings),
  mutation("abi", "end", "an answer may be too short", "    if (at + length > this.bytes.length) {", "    if (length < 0) {", encodings),
  mutation("explain", "development", "the development setup is worth something", '  if (key.tone === "bad") {', '  if (key.tone === "none") {', fixture),
  mutation("explain", "known-development", "a key that is known as the development setup's is worth something", "  if (known?.development || verdict", "  if (verdict", unknownKey),
  mutation("explain", "unknown-key", "a key that nobody knows is worth something", '  if (key.tone === "warn") {', '  if (key.tone === "none") {', unknownKey),
  mutation("explain", "part", "some layers are an answer", "  if (part !== undefined) {", '  if (part === "none") {', unknownKey),
  mutation("explain", "worth", "under a worthless key the answer looks proved", 'const worth = key.tone === "good" ? "good" : "info";', 'const worth = "good";', fixture),
  mutation("explain", "model", "the model that a visitor expects is not compared", "wanted.model !== undefined && !sameHex(s.model_id, wanted.model)", "s.model_id === undefined", page("what a visitor expects")),
  mutation("explain-chain", "code", "other code is not called so", "codes.filter((code) => code.found !== code.expected)", "codes.filter((code) => code.found === code.role)", code),
  mutation("explain-chain", "development", "a claim that was proven under a development setup looks proved", '  if (development && tone === "good") {', '  if (development && tone === "none") {', chain("a proof of all layers answers")),
  mutation("explain-chain", "bond", "the bond of a proven layer goes back", "    if (status(target) === 3) return", "    if (status(target) === 9) return", chain("a proof of all layers answers")),
  mutation("read", "nesting", "files may be nested to any depth", "  if (nesting(value) > MAX_NESTING)", "  if (nesting(value) < 0)", page("what is no file of a session")),
  mutation("read", "folder", "manifests of other sessions are taken for a session's", "(beside.length === 1 ? beside : manifests)", "manifests", page("sessions in files of their own")),
  mutation("verify", "order", "sessions stay in the order in which they were given", "  return whole ? found : candidates;", "  return candidates;", page("sessions are put in the order")),
  mutation("verify", "manifest", "the first manifest is every claim's", "manifests.find((manifest) => !other(manifest)) ?? manifests[0]", "manifests[0]", page("sessions are put in the order")),
  mutation("statement", "sign", "a point is taken for its negation", "=== bits >> 255n", "!== bits >> 255n", page("statement, program tree and points")),
  mutation("rpc", "id", "an answer to another question is taken", " || answer.id !== id", "", page("each wrong answer of a node")),
  mutation("rpc", "size", "an answer may have any size", "    if (size > MAX_ANSWER_BYTES) {", "    if (size < 0) {", page("each wrong answer of a node")),
  mutation("text", "hidden", "marks that reorder text are shown", "\\u2028-\\u202e", "\\u2028-\\u202d", page("text of others can do nothing")),
  mutation("text", "length", "text is not bounded", "const cut = text.length > max ? text.slice(0, max) : text;", "const cut = text;", page("text of others can do nothing")),
];

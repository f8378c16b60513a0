// The page that checks an answer: what it compares, what it calls worthless, what it takes from files and nodes, and how it shows
// text of others.
"use strict";
const { page, chain, epoch } = require("./tests/commands");

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
// Of epochs and receipts.
const standing = epoch("an epoch that is committed to: where it stands");
const drawing = epoch("drawn answers are those of the contracts");
const silence = epoch("silence: the line is slashed");
const liar = epoch("lies about an epoch, its line");
const receiptFields = epoch("each changed field of a receipt");
const receiptFile = page("a receipt is read strictly");
const deniedSignature = epoch("lies about a receipt's signature");
const several = epoch("of several epochs of a line");
const notCommitted = epoch("a receipt of an epoch that is not committed to");
const answeredDemand = epoch("a demand that is answered");
const otherCode = epoch("other code at a contract");
const signatures = page("whose signature it is");

module.exports = [
  mutation("match", "same", "files are always the claim", "same: isHex(a) && isHex(b) ? sameHex(a, b) : a === b", "same: true", fields),
  mutation("match", "activations", "commitments to activations are not compared", '    row("activation commitments", wordsOf(claim.activations, facts.points.length), facts.points.join(" ")),\n', "", fields),
  mutation("match", "seed", "the seed's digest is not compared", '    row("digest of the session\'s seed", claim.seed_digest, posted.seedDigest),\n', "", fields),
  mutation("match", "claims", "the contracts are asked although a claim is not on the chain", " || claims.includes(undefined)", "", chain("a final proof of several claims")),
  mutation("code", "immutables", "more than a constructor's arguments is left out", "offset + length)", "offset + length + 2)", page("code is compared without")),
  mutation("code", "hash", "code of the right length is the build's", " === codeHash;", " !== codeHash.slice(1);", code),
  mutation("claim", "id", "a claim's fields may have another hash than its id", "  if (id !== event.values.claim) {", "  if (id === undefined) {", lying),
  mutation("view", "address", "events may be of another contract", " && sameHex(log.address, filter.address)", "", lying),
  mutation("view", "wiring", "contracts need not name each other", "      if (!sameHex(got, expected)) wrong.push", "      if (got === undefined) wrong.push", code),
  mutation("chain", "network", "the node may be of another chain than the files", "  if (files !== undefined && files.chain !== chain) {", "  if (files !== undefined && files.chain === 0) {", chain("a wrong chain, address or id")),
  mutation("abi", "bits", "bits beyond a type are ignored", "  if (value >> BigInt(bits)) throw", "  if (value < 0n) throw", encodings),
  mutation("abi", "end", "an answer may be too short", "    if (at + length > this.bytes.length) {", "    if (length < 0) {", encodings),
  mutation("explain", "development", "the development setup is worth something", '  if (key.tone === "bad") {', '  if (key.tone === "none") {', fixture),
  mutation("explain", "known-development", "a key that is known as the development setup's is worth something", "  if (known?.development || verdict", "  if (verdict", unknownKey),
  mutation("explain", "unknown-key", "a key that nobody knows is worth something", '  if (key.tone === "warn") {', '  if (key.tone === "none") {', unknownKey),
  mutation("explain", "part", "some layers are an answer", "  if (part !== undefined) {", '  if (part === "none") {', unknownKey),
  mutation("explain", "worth", "under a worthless key the answer looks proved", 'const worth = key.tone === "good" ? "good" : "info";', 'const worth = "good";', fixture),
  mutation("explain", "model", "the model that a visitor expects is not compared", "wanted.model !== undefined && !sameHex(s.model_id, wanted.model)", "s.model_id === undefined", page("what a visitor expects")),
  mutation("explain-parts", "code", "other code is not called so", "codes.filter((code) => code.found !== code.expected)", "codes.filter((code) => code.found === code.role)", code),
  mutation("explain-claim", "development", "a claim that was proven under a development setup looks proved", '  if (development && tone === "good") {', '  if (development && tone === "none") {', chain("a proof of all layers answers")),
  mutation("explain-claim", "bond", "the bond of a proven layer goes back", "    if (status(target) === 3) return", "    if (status(target) === 9) return", chain("a proof of all layers answers")),
  mutation("read", "nesting", "files may be nested to any depth", "  if (nesting(value) > MAX_NESTING)", "  if (nesting(value) < 0)", page("what is no file of a session")),
  mutation("read", "folder", "manifests of other sessions are taken for a session's", "(beside.length === 1 ? beside : manifests)", "manifests", page("sessions in files of their own")),
  mutation("verify", "order", "sessions stay in the order in which they were given", "  return whole ? found : candidates;", "  return candidates;", page("sessions are put in the order")),
  mutation("verify", "manifest", "the first manifest is every claim's", "manifests.find((manifest) => !other(manifest)) ?? manifests[0]", "manifests[0]", page("sessions are put in the order")),
  mutation("statement", "sign", "a point is taken for its negation", "=== bits >> 255n", "!== bits >> 255n", page("statement, program tree and points")),
  mutation("rpc", "id", "an answer to another question is taken", " || answer.id !== id", "", page("each wrong answer of a node")),
  mutation("rpc", "size", "an answer may have any size", "    if (size > MAX_ANSWER_BYTES) {", "    if (size < 0) {", page("each wrong answer of a node")),
  mutation("text", "hidden", "marks that reorder text are shown", "\\u2028-\\u202e", "\\u2028-\\u202d", page("text of others can do nothing")),
  mutation("text", "length", "text is not bounded", "const cut = text.length > max ? text.slice(0, max) : text;", "const cut = text;", page("text of others can do nothing")),
  // Epochs.
  mutation("chain", "lens", "the id of an epoch is looked for where claims are", '  if (lens.expected === "EpochLens") return', '  if (lens.expected === "ClaimLens") return', standing),
  mutation("chain", "receipt", "a receipt is looked for where claims are", '  if (id === "") throw new Failure("The address', '  if (id === "none") throw new Failure("The address', epoch("a wrong chain, address or id")),
  mutation("view", "wanted", "a search in parts ends before what is wanted", "found.some(wanted) ||", "found.length > 0 ||", several),
  mutation("epoch", "id", "an epoch's fields may have another hash than its id", "  if (id !== values.epoch) throw", "  if (id === undefined) throw", epoch("makes up an epoch's fields")),
  mutation("epoch", "line", "an epoch of another provider is a receipt's", "sameHex(fields.provider, provider) && sameHex(fields.version, version)", "sameHex(fields.version, version)", epoch("makes up an epoch's fields")),
  mutation("epoch", "number", "another epoch of the line is a receipt's", "sameHex(fields.version, version) && terms.number === epoch", "sameHex(fields.version, version)", several),
  mutation("epoch", "description", "what the lens describes may be another epoch", "if (epoch !== id || !same || ", "if (epoch !== id || ", liar),
  mutation("epoch", "exposed", "what the lens says is exposed may be anything", " || exposed !== terms.exposed) throw", ") throw", liar),
  mutation("epoch", "drawn", "other answers are drawn than the seed draws", "  if (said.join() !== own.join()) throw", "  if (said === undefined) throw", liar),
  mutation("epoch", "last", "an answer is drawn twice", "drawn.add(drawn.has(x) ? last : x);", "drawn.add(x);", drawing),
  mutation("epoch", "money", "more may be exposed than the line has", "  if (line.exposed > line.balance || ", "  if (", liar),
  mutation("epoch", "dispute", "a dispute may be of another epoch", "if (dispute?.epoch !== id || ", "if (dispute === undefined || ", liar),
  mutation("epoch", "wiring", "the contract of disputes may go by another registry", '    ["EpochDisputes", "registry", parts.disputes, parts.registry],\n', "", epoch("do not name each other")),
  mutation("epoch", "escrow", "the contract of disputes may hold bonds elsewhere", '    ["EpochDisputes", "escrow", parts.disputes, parts.escrow],\n', "", epoch("do not name each other")),
  mutation("epoch", "verifier", "the verifier's code is not compared", "codes: epoch === undefined ? parts.codes : [...parts.codes, epoch.verifier]", "codes: parts.codes", otherCode),
  mutation("epoch", "beacon", "the code of draws is not compared", '  if (!sameHex(beacon, ZERO)) codes.push(await view.codeOf("Draws"', '  if (sameHex(beacon, ZERO)) codes.push(await view.codeOf("Draws"', otherCode),
  mutation("epoch", "own", "a receipt of another epoch is the epoch's", " && epoch.terms.number === message.epoch;", ";", several),
  mutation("epoch", "here", "a receipt may be for other contracts", "books.chain_id === chain && sameHex(books.book, parts.book) && sameHex(books.disputes, parts.disputes)", "books.chain_id === chain", receiptFields),
  mutation("explain-epoch", "code", "of an epoch other code is not called so", 'if (code.tone === "bad") return otherContracts', 'if (code.tone === "none") return otherContracts', otherCode),
  mutation("explain-epoch", "development", "an epoch that was proven under a development setup looks proved", '  if (development && tone === "good") {', '  if (development && tone === "none") {', epoch("proven, settled, paid")),
  mutation("explain-epoch", "late", "a draw that is late looks in time", "    if (now > int(description.challengeBy)) return", "    if (now < 0) return", silence),
  mutation("explain-epoch", "late-proof", "a proof that is late looks in time", "epoch.fixed !== undefined && now > provenBy(facts)", "epoch.fixed !== undefined && now < 0", drawing),
  mutation("explain-epoch", "over", "an epoch of a line that was slashed looks alive", "  if (line.over) return [", "  if (line.next < 0) return [", silence),
  mutation("explain-epoch", "unlisted", "disputes that a node hides are not said to be there", "const unlisted = open - known.length;", "const unlisted = 0;", liar),
  mutation("explain-epoch", "percent", "probabilities are rounded up", "const tenths = part / 10n ** 15n;", "const tenths = (part + 10n ** 15n - 1n) / 10n ** 15n;", page("an epoch's word is taken apart")),
  mutation("explain-epoch", "held", "a bond that was moved looks held", 'bonded ? "held" : "moved"', '"held"', epoch("a challenge: its bond")),
  // Receipts.
  mutation("receipt", "fields", "a receipt may have other fields", "Object.keys(value).length === names.length && ", "", receiptFile),
  mutation("receipt", "nobody", "nobody may be a receipt's provider", '  if (sameHex(line.provider, NO_ACCOUNT)) return', '  if (line.provider === undefined) return', receiptFile),
  mutation("receipt", "salt", "a salt may be beyond the field", " && BigInt(salt) < ORDER)) return", ")) return", receiptFile),
  mutation("receipt", "signer", "whoever signs a receipt is its provider", "const signed = sameHex(signerOf(digest, value.signature), message.provider);", "const signed = signerOf(digest, value.signature) !== undefined;", receiptFields),
  mutation("receipt", "seed", "the seed's digest of a receipt is not signed", '  ["bytes32", "seedDigest"],\n', "", receiptFields),
  mutation("poseidon", "tokens", "a number that is no token is packed as one", " && token < 1 << Number(TOKEN_BITS)", "", page("an opening has tokens of a session")),
  mutation("poseidon", "length", "an answer's length is not in its digest", " | (g << 96n)", "", epoch("a receipt finds its epoch")),
  mutation("signature", "form", "a signature has two forms", "s <= ORDER / 2n", "s < ORDER", signatures),
  mutation("signature", "length", "a signature may have any length", "  if (!isHex(signature, 65)) return undefined;", "  if (!isHex(signature)) return undefined;", signatures),
  mutation("explain-receipt", "signature", "a receipt that nobody signed is worth something", '  if (signature.tone === "bad") return', '  if (signature.tone === "none") return', receiptFields),
  mutation("explain-receipt", "here", "a receipt for other contracts is worth something", "  if (!here) {", "  if (here === undefined) {", receiptFields),
  mutation("explain-receipt", "digest", "the contract may sign something else", "  if (!sameDigest) return", "  if (sameDigest === undefined) return", deniedSignature),
  mutation("explain-receipt", "word", "a node's word makes a signature", "  if (contract) return", "  if (saysSigned) return", deniedSignature),
  mutation("explain-receipt", "denied", "a node that denies a signature is not named", "    if (saysSigned) return {", "    if (receipt.signed) return {", deniedSignature),
  mutation("explain-receipt", "code", "of a receipt other code is not called so", '  if (code.tone === "bad") return { headline: otherContracts', '  if (code.tone === "none") return { headline: otherContracts', otherCode),
  mutation("explain-receipt", "committed", "an epoch that is not committed to is another epoch", "  if (receipt.message.epoch >= found.line.next) {", "  if (receipt.message.epoch > found.line.next) {", notCommitted),
  mutation("explain-receipt", "place", "a place behind the epoch's last looks like one of it", "  if (receipt.message.index >= terms.count) return", "  if (receipt.message.index > terms.count) return", notCommitted),
  mutation("explain-receipt", "lost", "a receipt of a lost epoch is worth something", "  if (found.line.over) return { tone", "  if (found.line.next < 0) return { tone", silence),
  mutation("explain-receipt", "state", "a receipt of an epoch that is late or frozen is worth something", 'if (!description.usable || tone === "bad") return', 'if (tone === "none") return', silence),
  mutation("explain-receipt", "shown", "a receipt that was shown looks like one that was not", "const shownThere = demand?.status === TURN.ANSWERED;", "const shownThere = false;", answeredDemand),
  mutation("explain-receipt", "silent", "a demand that is overdue looks open", "const late = block.timestamp > demand.until;", "const late = false;", answeredDemand),
  mutation("explain-receipt", "window", "what cannot be demanded any more is to be demanded", "const demandText = block.timestamp <= by ?", "const demandText = by > 0 ?", epoch("proven, settled, paid")),
  mutation("read", "receipts", "one of several receipts is chosen", "const receipt = receipts.length === 1 ? ", "const receipt = receipts.length > 0 ? ", page("a receipt is told from other files")),
  mutation("read", "fault", "a receipt that cannot be read is taken", 'known[0] === "receipt" ? faultOf(value)', 'known[0] === "none" ? faultOf(value)', page("a receipt is told from other files")),
];

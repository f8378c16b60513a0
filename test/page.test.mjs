// The modules of the page, without a browser and without a chain: script/page --check. What comes from a chain is taken from
// test/fixtures/posted, whose calldata other code encoded. Verdicts are those of the verifier in WebAssembly, if it is built.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import test from "node:test";
import { page, script } from "../packages/page/bundle.mjs";
import { contracts, embedded, example, knownKeys } from "../packages/page/embed.mjs";
import { AbiError, decode, decodeError, decodeEvent, encode, encodeCall, signatureOf, topicOf } from "../packages/page/src/abi.js";
import { fromHex, sameHex, toHex, utf8, word } from "../packages/page/src/bytes.js";
import { checkQuestion } from "../packages/page/src/chain.js";
import { codeHash, contractOf } from "../packages/page/src/code.js";
import { termsOf } from "../packages/page/src/epoch.js";
import { explain, layerName } from "../packages/page/src/explain.js";
import { percent } from "../packages/page/src/explain-epoch.js";
import { explainReceipt } from "../packages/page/src/explain-receipt.js";
import { amountText, ETH, leftText, spanText, timeText } from "../packages/page/src/format.js";
import { keccak256 } from "../packages/page/src/keccak.js";
import { hash2, isOpening, ORDER } from "../packages/page/src/poseidon.js";
import { assemble, digestEntered, recognize } from "../packages/page/src/read.js";
import { faultOf, readReceipt } from "../packages/page/src/receipt.js";
import { Failure, Node, nodeUrl } from "../packages/page/src/rpc.js";
import { signerOf } from "../packages/page/src/signature.js";
import { claimDigest, pointWords, programOf, programTree, statementOf } from "../packages/page/src/statement.js";
import { inline, listed, ranges, shown } from "../packages/page/src/text.js";
import { judge } from "../packages/page/src/verify.js";
import { setBits } from "../packages/page/src/view.js";
import { load } from "../packages/verifier/index.js";
import { FORGERIES } from "./page/forgeries.mjs";

const root = new URL("../", import.meta.url);
const json = (path) => JSON.parse(readFileSync(new URL(path, root), "utf8"));
const sessions = json("test/fixtures/session/sessions.json");
const [final, key] = ["final", "final-key"].map((name) => json(`test/fixtures/session/${name}.json`));
const posted = Object.fromEntries(["manifest", "claim", "final", "both", "chain", "receipt", "other-receipt"].map((name) => [name, json(`test/fixtures/posted/${name}.json`)]));
const abiOf = (name) => json(`crates/chain/artifacts/${name}.json`).abi;
const sent = (selector) => posted.chain.transactions.findLast(({ data }) => data?.startsWith(selector));
const functionOf = (contract, name) => abiOf(contract).find((entry) => entry.type === "function" && entry.name === name);
const calldata = (contract, name) => {
  const entry = functionOf(contract, name);
  const { data } = sent(topicOf(entry).slice(0, 10));
  return { entry, data, values: decode(entry.inputs, `0x${data.slice(10)}`) };
};

// ---------------------------------------------------------------- bytes and hashes

test("Keccak-256 is that of Ethereum, for each length of the last block", () => {
  const vectors = {
    0: "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    135: "0x34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446",
    136: "0xa6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e",
    137: "0xd869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39",
    272: "0xcf7fcd4f705ee749930d19ca84561a9bf62516bd90a471545fa2f49fdc7e63c8",
  };
  for (const [length, digest] of Object.entries(vectors)) {
    assert.equal(toHex(keccak256(new Uint8Array(Number(length)).fill(0x61))), digest, `${length} bytes`);
  }
  assert.equal(toHex(keccak256(utf8("transfer(address,uint256)"))).slice(0, 10), "0xa9059cbb");
});

test("hexadecimal text is read strictly", () => {
  assert.deepEqual([...fromHex("0x00fF10")], [0, 255, 16]);
  for (const wrong of ["0x0", "00", "0xgg", "", undefined, null, 3, "0x00 "]) assert.throws(() => fromHex(wrong), TypeError, String(wrong));
  assert.throws(() => word(1n << 256n), RangeError);
  assert.throws(() => word(-1), RangeError);
  assert.ok(sameHex("0xAB", "0xab") && !sameHex("0xab", "0xabab") && !sameHex("x", "x"));
});

// ---------------------------------------------------------------- ABI

test("calldata of real transactions is decoded, and encoded again to the same bytes", () => {
  for (const [contract, name] of [["ClaimBook", "prove"], ["ClaimBook", "post"], ["ModelRegistry", "register"], ["JobMarket", "open"], ["JobMarket", "lock"]]) {
    const { entry, data, values } = calldata(contract, name);
    assert.equal(encodeCall(entry, values), data, name);
  }
  const [proofs, tree, proof] = calldata("ClaimBook", "prove").values;
  assert.deepEqual(tree, posted.both.tree);
  assert.equal(proof, posted.both.proof);
  assert.equal(proofs[0].claim.job, posted.chain.job);
  assert.equal(toHex(keccak256(encode(functionOf("ClaimLens", "describeClaim").inputs, [proofs[0].claim]))), posted.chain.claim);
});

test("an answer that is too short, too long in its own words, or has bits where none belong is an error", () => {
  const { entry, data } = calldata("ClaimBook", "prove");
  const all = `0x${data.slice(10)}`;
  for (let length = 0; length < all.length - 2; length += 64) {
    // The proof's last word is padding in part.
    assert.throws(() => decode(entry.inputs, all.slice(0, 2 + length)), AbiError, `${length / 2} bytes`);
  }
  const one = (type, hex) => decode([{ type, name: "" }], hex)[0];
  const big = `0x${"ff".repeat(32)}`;
  for (const type of ["address", "bool", "uint8", "uint64", "bytes4", "bytes", "string", "uint256[]"]) assert.throws(() => one(type, big), AbiError, type);
  assert.equal(one("uint256", big), (1n << 256n) - 1n);
  assert.throws(() => one("int256", big), /no type int256/);
  assert.throws(() => one("uint256", "0x1"), /not hexadecimal/);
  // A list that says it has as many elements as there are bytes.
  assert.throws(() => one("uint256[]", toHex(word(32)) + toHex(word(64)).slice(2)), AbiError);
});

test("errors are written as people write them, also those of a hostile node", () => {
  const { errors } = contracts();
  const unknown = errors.find((e) => e.name === "UnknownClaim");
  const id = `0x${"ab".repeat(32)}`;
  assert.deepEqual(decodeError(errors, encodeCall(unknown, [id])), { name: "UnknownClaim", text: `UnknownClaim(claim ${id})` });
  const standard = { type: "error", name: "Error", inputs: [{ type: "string", name: "message" }] };
  assert.equal(decodeError(errors, encodeCall(standard, ["no"])).text, "Error(message no)");
  assert.equal(decodeError(errors, encodeCall(unknown, [id]).slice(0, 40)).text, "UnknownClaim");
  for (const none of [undefined, "0x", "0x12345678", "no", { data: "0x" }]) assert.equal(decodeError(errors, none), undefined);
});

test("an event is decoded by its topic, and another one is none", () => {
  const { events } = contracts();
  const challenged = events.find((e) => e.name === "Challenged");
  const rest = challenged.inputs.filter((input) => !input.indexed);
  const topics = [topicOf(challenged), posted.chain.claim, toHex(word(3)), toHex(word(0xabcn))];
  const log = { topics, data: toHex(encode(rest, [7, 8, word(0)].map((v) => (v instanceof Uint8Array ? toHex(v) : v)))) };
  const { values } = decodeEvent(events, log);
  assert.deepEqual([values.target, values.answerBy, values.bond, values.challenger], [3n, 7n, 8n, `0x${"abc".padStart(40, "0")}`]);
  assert.equal(decodeEvent(events, { ...log, topics: [posted.chain.claim] }), undefined);
  assert.throws(() => decodeEvent(events, { ...log, topics: topics.slice(0, 2) }), AbiError);
  assert.equal(signatureOf(challenged), "Challenged(bytes32,uint256,address,uint64,uint256,bytes32)");
});

test("code is compared without the addresses that constructors put into it", () => {
  const code = `0x6001${"00".repeat(32)}6002`;
  const builds = { Some: { codeHash: codeHash(code), size: 36, immutables: [[2, 32]] } };
  assert.equal(contractOf(builds, code), "Some");
  assert.equal(contractOf(builds, `0x6001${"11".repeat(32)}6002`), "Some");
  assert.equal(contractOf(builds, `0x6001${"11".repeat(32)}6003`), undefined);
  assert.equal(contractOf(builds, `${code}00`), undefined);
  assert.equal(contractOf(builds, "0x"), undefined);
});

// ---------------------------------------------------------------- digests

test("statement, program tree and points are those that the chain was given", () => {
  assert.equal(statementOf(posted.claim), posted.final.claims[0].statement);
  assert.deepEqual(sessions.map(({ claim }) => statementOf(claim)), final.claims.map(({ statement }) => statement));
  for (const broken of [undefined, {}, { ...posted.claim, prompt_tokens: -1 }, { ...posted.claim, model_id: "0x1" }, { ...posted.claim, context: null }]) {
    assert.equal(statementOf(broken), undefined);
  }
  const [header] = calldata("ModelRegistry", "register").values;
  const layers = posted.claim.activations.length + 1;
  const { root, paths } = programTree(posted.manifest.programs, layers);
  assert.equal(root, header.programs);
  const [[{ leaves }]] = calldata("ClaimBook", "prove").values;
  const at = programOf(posted.manifest.programs, { first: 0, count: layers }, layers, posted.claim.generated_tokens);
  assert.deepEqual(paths[at], leaves[0].path);
  assert.equal(posted.manifest.programs[at].rows, 4);
  assert.equal(programOf(posted.manifest.programs, { first: 2, count: 1 }, layers, 4), posted.manifest.programs.findIndex((p) => p.first === 2 && p.count === 1));
  assert.equal(programOf(posted.manifest.programs, { first: 2, count: 3 }, layers, 4), -1);
  const { points } = calldata("ClaimBook", "post").values[0];
  assert.deepEqual(posted.claim.activations.flatMap(pointWords), points);
  const [x] = posted.claim.activations;
  const opposite = `0x${(BigInt(x) ^ (1n << 255n)).toString(16).padStart(64, "0")}`;
  assert.notDeepEqual(pointWords(opposite), pointWords(x));
  assert.deepEqual(pointWords(opposite).slice(0, 1), pointWords(x).slice(0, 1));
  for (const none of [`0x${"ff".repeat(32)}`, "0x00", undefined, toHex(word(4))]) assert.equal(pointWords(none), undefined);
});

test("Poseidon is that of the format", () => {
  assert.equal(hash2(1n, 2n), 0x115cc0f5e7d690413df64c6b9662e9cf2a3617f2743245519e19607a4417189an);
  assert.equal(hash2(1n, 2n), hash2(1n, 2n + ORDER), "what is hashed is an element of the field");
});

test("an opening has tokens of a session", () => {
  const good = { positions: 8, prompt: [1, 2], generated: [3] };
  assert.equal(isOpening(good), true);
  for (const change of [{ positions: 2 }, { positions: 8.5 }, { positions: "8" }, { positions: 1 << 20 }, { prompt: [] }, { generated: [] }, { prompt: [1 << 24] }, { prompt: [-1] }, { prompt: ["1"] }, { generated: "12" }, { generated: { length: 1 } }, { prompt: Array(8).fill(1) }]) {
    assert.equal(isOpening({ ...good, ...change }), false, JSON.stringify(change));
  }
});

test("whose signature it is, in one form only", () => {
  // Made with cast wallet sign.
  const digest = "0x115cc0f5e7d690413df64c6b9662e9cf2a3617f2743245519e19607a4417189a";
  const signature = "0x6ef8220775fb4ace00cd935dbb323fa4732be9c773b393067d9d6929f65ada1c3a72b3aa3a5b11501210a49ec5d880c6b33158c3330002ce1c1f9cb996d095411b";
  assert.equal(signerOf(digest, signature), "0x70997970c51812dc3a010c7d01b50e0d17dc79c8");
  const [r, s, v] = [signature.slice(2, 66), signature.slice(66, 130), signature.slice(130)];
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const other = (order - BigInt(`0x${s}`)).toString(16).padStart(64, "0");
  // The same signature with the other s: contracts refuse it.
  assert.equal(signerOf(digest, `0x${r}${other}${v === "1b" ? "1c" : "1b"}`), undefined);
  for (const none of ["0x", `0x${r}${s}`, `0x${r}${s}00`, `0x${r}${s}1d`, `0x${"0".repeat(64)}${s}${v}`, `0x${r}${"0".repeat(64)}${v}`, `0x${"f".repeat(64)}${s}${v}`, `${signature}00`, "no"]) assert.equal(signerOf(digest, none), undefined, none);
  assert.notEqual(signerOf(digest.replace(/.$/, "b"), signature), signerOf(digest, signature));
  assert.notEqual(signerOf(digest, `0x${r}${s}${v === "1b" ? "1c" : "1b"}`), signerOf(digest, signature));
});

test("a receipt is read strictly, and what was signed follows from its tokens", () => {
  const file = posted["other-receipt"];
  assert.equal(faultOf(file), undefined);
  const receipt = readReceipt(file);
  assert.equal(receipt.signed, true);
  assert.deepEqual([receipt.message.index, receipt.message.epoch, receipt.message.promptTokens, receipt.message.newTokens], [4, 0, file.opening.prompt.length, 2]);
  // Addresses with capitals are the same.
  const capitals = structuredClone(file);
  capitals.line.provider = `0x${file.line.provider.slice(2).toUpperCase()}`;
  assert.equal(readReceipt(capitals).signed, true);
  const faults = [
    ["format", (f) => (f.format = "nanozk-epoch-receipt-2"), /another version/],
    ["a field more", (f) => (f.more = 1), /its fields are not/],
    ["a field less", (f) => delete f.index, /its fields are not/],
    ["a field of others", (f) => (delete f.index, Object.setPrototypeOf(f, { index: 4 })), /its fields are not/],
    ["books", (f) => (f.books.more = 1), /contracts that it is for/],
    ["no books", (f) => (f.books = null), /contracts that it is for/],
    ["line", (f) => delete f.line.version, /provider and version/],
    ["opening", (f) => (f.opening.more = 1), /prompt and answer/],
    ["chain", (f) => (f.books.chain_id = "1"), /chain is none/],
    ["disputes", (f) => (f.books.disputes = "0x12"), /an address/],
    ["requester", (f) => (f.requester = [f.requester]), /an address/],
    ["nobody", (f) => (f.line.provider = `0x${"0".repeat(40)}`), /provider is nobody/],
    ["version", (f) => (f.line.version = "0x12"), /a digest/],
    ["seed", (f) => (f.seed_digest = 7), /a digest/],
    ["epoch", (f) => (f.epoch = 2 ** 32), /no number/],
    ["index", (f) => (f.index = -1), /no number/],
    ["token", (f) => (f.opening.prompt[0] = 1 << 24), /no tokens of a session/],
    ["positions", (f) => (f.opening.positions = 1 << 15), /more than 16384 positions/],
    ["salt", (f) => (f.opening.input_salt = toHex(word(ORDER))), /a salt/],
    ["signature", (f) => (f.signature = "0x1"), /signature is none/],
    ["long signature", (f) => (f.signature = `0x${"00".repeat(10_000)}`), /signature is none/],
  ];
  for (const [what, change, expected] of faults) {
    const other = structuredClone(file);
    change(other);
    assert.match(faultOf(other) ?? "no fault", expected, what);
  }
  assert.match(faultOf(null), /another version/);
});

test("an epoch's word is taken apart", () => {
  const parts = [5n, 100_000n << 32n, 64n << 64n, 1_900_000_000n << 80n, 12_345n << 120n, (10n ** 18n) << 168n];
  assert.deepEqual(termsOf(parts.reduce((a, b) => a | b)), { number: 5, count: 100_000, draws: 64, committedAt: 1_900_000_000, drawBlock: 12_345, exposed: 10n ** 18n });
  assert.deepEqual([0n, 10n ** 15n - 1n, 10n ** 15n, 999n * 10n ** 15n + 5n, 10n ** 18n].map(percent), ["0.0 %", "0.0 %", "0.1 %", "99.9 %", "100.0 %"]);
});

// ---------------------------------------------------------------- words

test("text of others can do nothing", () => {
  assert.equal(shown("a\u202eb\u0000c\nd\u200be\u{e0041}f\ud800g\ufeff"), "a⟨U+202E⟩b⟨U+0000⟩c⟨U+000A⟩d⟨U+200B⟩e⟨U+E0041⟩f⟨U+D800⟩g⟨U+FEFF⟩");
  assert.equal(shown("\u2066\u2067\u2068\u2069\u061c\u00ad\u2028").replace(/⟨U\+[0-9A-F]+⟩/g, ""), "");
  assert.equal(shown("plain – ünïcode 你好 🙂"), "plain – ünïcode 你好 🙂");
  assert.equal(shown("x".repeat(1000), 10), `${"x".repeat(10)}… (990 characters more)`);
  assert.ok(shown("\u0000".repeat(1e6), 100).length < 1000);
  for (const [value, text] of [[null, "nothing"], [undefined, "nothing"], [3, "3"], [[1, 2], "a list of 2 elements"], [{ toString: 1 }, "an object"], [Object.create(null), "an object"]]) assert.equal(shown(value), text);
  assert.equal(inline("US\u05d0D\u202e", 20), "US⟨U+05D0⟩D⟨U+202E⟩");
});

test("numbers are listed", () => {
  assert.deepEqual([[], [3], [0, 1, 2], [0, 2, 3, 5]].map(ranges), ["", "3", "0–2", "0, 2–3, 5"]);
  assert.deepEqual([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(listed), ["", "a", "a and b", "a, b and c"]);
  assert.deepEqual(setBits(0b1011n), [0, 1, 3]);
  assert.deepEqual([0, 1, 2, 3, 4, 5].map((l) => layerName(l, 6)), ["embedding", "attention of block 0", "MLP of block 0", "attention of block 1", "MLP of block 1", "head"]);
});

test("amounts have all their digits and their unit", () => {
  const usd = { symbol: "USD", decimals: 6 };
  const cases = [
    [0n, ETH, "0 ETH"],
    [1n, ETH, "0.000000000000000001 ETH"],
    [10n ** 16n, ETH, "0.01 ETH"],
    [272707995079950799n, ETH, "0.272707995079950799 ETH"],
    [1234567n * 10n ** 18n, ETH, "1,234,567 ETH"],
    [1234567n, usd, "1.234567 USD"],
    [(1n << 256n) - 1n, { symbol: "T", decimals: 0 }, `${((1n << 256n) - 1n).toString().replace(/\B(?=(\d{3})+$)/g, ",")} T`],
    [1n, { symbol: "T", decimals: undefined }, "1 smallest unit of T"],
    [5000n, { symbol: "T", decimals: 255 }, "5,000 smallest units of T"],
    [5n, { symbol: "\u202eHTE\n", decimals: 0 }, "5 ⟨U+202E⟩HTE⟨U+000A⟩"],
  ];
  for (const [amount, unit, text] of cases) assert.equal(amountText(amount, unit), text);
  assert.ok(amountText(1n, { symbol: "x".repeat(10_000), decimals: 0 }).length < 100);
});

test("times are absolute, and counts say on which side of a deadline they are", () => {
  assert.equal(timeText(1_900_003_669n), "2030-03-17 18:47:49 UTC");
  assert.equal(timeText(0), "1970-01-01 00:00:00 UTC");
  assert.equal(timeText((1n << 64n) - 1n), "second 18446744073709551615");
  assert.deepEqual([0, 59, 60, 3599, 3600, 86399, 86400, 90000].map(spanText), ["0 s", "59 s", "1 min", "59 min 59 s", "1 h", "23 h 59 min", "1 d", "1 d 1 h"]);
  assert.equal(leftText(100, 100), "0 s left");
  assert.equal(leftText(100, 99), "1 s left");
  assert.equal(leftText(100, 101), "over for 1 s");
});

// ---------------------------------------------------------------- reading

const source = (value, name = "x.json", folder = "") => ({ name, folder, text: typeof value === "object" ? JSON.stringify(value) : value });
const [first] = sessions;

test("files are told apart by their format", () => {
  const kind = (value) => recognize(source(value)).map((item) => item.kind);
  assert.deepEqual([first.manifest, first.claim, final, key].map(kind), [["manifest"], ["claim"], ["final"], ["key"]]);
  assert.deepEqual(kind(sessions), ["manifest", "claim", "manifest", "claim"]);
  assert.deepEqual(kind({ sessions, final, key }), ["manifest", "claim", "manifest", "claim", "final", "key"]);
  const [secret] = recognize(source({ format: "nanozk-secret-1", seed: "0x00" }));
  assert.equal(secret.kind, "unused");
  assert.match(secret.what, /nobody but the provider should have it/);
  assert.equal(secret.value, undefined, "a secret is not kept");
});

test("what is no file of a session says why", () => {
  const cases = [
    ["", /empty/],
    [" \n", /empty/],
    ["{", /not JSON/],
    ["\u202e{", /not JSON: .*⟨U\+202E⟩/],
    ["3", /3, where an object is needed/],
    ["null", /nothing, where an object is needed/],
    ["{}", /without a format/],
    ['{"format":7}', /without a format/],
    ['{"format":"\u202enanozk"}', /format ⟨U\+202E⟩nanozk, which this page does not know/],
    ['{"__proto__":{"format":"nanozk-claim-3"}}', /without a format/],
    [undefined, /larger than any file/],
    ['{"sessions":[{"claim":null}]}', /nothing, where an object is needed/],
    [`{"format":"nanozk-claim-3","more":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, /nested deeper/],
    [`{"format":"nanozk-claim-3","more":${'{"a":'.repeat(40)}1${"}".repeat(41)}`, /nested deeper/],
    ["[]", /an empty list/],
    ['{"sessions":[]}', /without a format/],
    ["[[1]]", /a list of 1 elements, where an object is needed/],
  ];
  for (const [text, what] of cases) {
    const items = recognize(source(text));
    assert.ok(items.some((item) => item.kind === "wrong" && what.test(item.what)), `${text?.slice(0, 40)}: ${items.map((i) => i.what)}`);
  }
  assert.equal(recognize(source("{", "\u202egnp.exe"))[0].name, "⟨U+202E⟩gnp.exe");
});

const assembled = (...values) => assemble(values.flatMap((value, i) => recognize(source(value, `${i}.json`))), knownKeys());

test("what is missing is named, with what to do", () => {
  const whats = (...values) => assembled(...values).problems.map(({ what }) => what).join(" ");
  assert.match(whats(first.manifest, final), /^No claim is among the files\.$/);
  assert.match(whats(first.claim, final), /^No manifest is among the files\.$/);
  assert.match(whats(first.claim, first.manifest), /^No final proof is among the files\.$/);
  assert.match(whats(first.claim, first.manifest, final, posted.final), /^There are 2 different final proofs\.$/);
  assert.match(whats(first.claim, first.manifest, final, key, { ...key, fixed: "0x" }), /^There are 2 different keys of final proofs\.$/);
  assert.match(whats(first.claim, { ...first.manifest, setup: `0x${"01".repeat(32)}` }, final), /^No key of final proofs is among the files, and the model's setup/);
  const { input } = assembled(first.claim, first.manifest, first.claim, final, final);
  assert.equal(input.candidates.length, 1, "the same file twice is one");
  assert.equal(input.givenKey, false);
  assert.equal(assembled(first.claim, first.manifest, final, key).input.givenKey, true);
});

test("a receipt is told from other files, and needs none", () => {
  const file = posted["other-receipt"];
  const kind = (value) => recognize(source(value)).map((item) => item.kind);
  assert.deepEqual([kind(file), kind({ nanozk: { receipt: file }, choices: [] }), kind([file, file])], [["receipt"], ["receipt"], ["receipt", "receipt"]]);
  assert.match(recognize(source({ ...file, index: -1 }))[0].what, /a receipt of an epoch's answer that cannot be read: its epoch or its place is no number/);
  for (const format of ["nanozk-epoch-paths-1", "nanozk-epoch-1", "nanozk-voucher-1", "nanozk-receipt-1"]) assert.deepEqual(kind({ format }), ["unused"], format);
  assert.deepEqual(assembled(file), { receipt: file, problems: [] });
  assert.deepEqual(assembled(file, file).receipt, file, "the same file twice is one");
  assert.match(assembled(file, posted.receipt).problems[0].what, /^There are 2 different receipts\.$/);
  assert.equal(assembled(file, posted.receipt).receipt, undefined);
  // Beside a session: what that lacks is missing still.
  const both = assembled(file, first.claim);
  assert.deepEqual([both.receipt, both.problems.length], [file, 2]);
  const whole = assembled(file, first.claim, first.manifest, final);
  assert.ok(whole.input !== undefined);
  assert.deepEqual(whole.receipt, file);
});

test("a receipt without a chain: whose signature it has, and what to do", () => {
  const file = posted["other-receipt"];
  const report = explainReceipt(readReceipt(file));
  assert.deepEqual([report.headline.tone, report.headline.title], ["info", "A receipt that its provider signed"]);
  assert.match(report.headline.advice, /address of EpochLens/);
  assert.ok(report.steps[0].facts.some(({ value }) => value === readReceipt(file).digest));
  const changed = structuredClone(file);
  changed.opening.generated[0] += 1;
  const other = explainReceipt(readReceipt(changed));
  assert.deepEqual([other.headline.tone, other.headline.title], ["warn", "Not signed by its provider's key"]);
  assert.doesNotMatch(JSON.stringify([report, other]), new RegExp(file.opening.input_salt.slice(2)), "salts are not shown");
});

test("digests that a visitor enters are checked", () => {
  const digest = `0x${"ab".repeat(32)}`;
  assert.deepEqual(digestEntered("  ", "id"), {});
  assert.deepEqual(digestEntered(` ${digest.toUpperCase().replace("0X", "")} `, "id"), { digest });
  assert.match(digestEntered("0x12", "model id").problem.what, /The model id that you entered is no digest/);
  const question = { address: `0x${"AB".repeat(20)}`, id: digest, where: "12" };
  assert.equal(checkQuestion(question).address, `0x${"ab".repeat(20)}`);
  for (const [change, what] of [[{ address: "0x1" }, /address is none/], [{ id: "1" }, /id is none/], [{ id: "" }, /id is none/], [{ where: "latest" }, /neither a block nor a transaction/]]) {
    assert.throws(() => checkQuestion({ ...question, ...change }), (e) => e instanceof Failure && what.test(e.what) && e.advice.length > 10);
  }
  assert.equal(checkQuestion({ ...question, id: " ", receipt: {} }).id, "", "a receipt needs no id");
});

// ---------------------------------------------------------------- verdicts

const wasm = new URL("packages/verifier/verifier.wasm", root);
const needsWasm = { skip: existsSync(wasm) ? false : "packages/verifier/verifier.wasm is not built: script/wasm" };
let verifier;
const judged = async (...values) => {
  verifier ??= await load(readFileSync(wasm));
  const { input, problems } = assembled(...values);
  assert.deepEqual(problems, []);
  return judge(verifier, input);
};
const explained = async (values, wanted = {}) => explain(await judged(...values), knownKeys(), wanted);
const honest = [sessions, final];
const titles = (report) => report.steps.map((step) => step.title);
/** Two files, each with a session: whose manifest is whose is known. */
test("sessions in files of their own keep their manifests", () => {
  const [one, two] = sessions.map(({ manifest, claim }) => ({ manifest, claim }));
  one.manifest = { ...one.manifest, tokens: 4 };
  const { input } = assembled(one, two, final);
  assert.deepEqual(input.candidates.map(({ manifests }) => manifests.map(({ tokens }) => tokens)), [[4], [8]]);
});

test("the session of the fixture is accepted, and explained as worthless under the development setup", needsWasm, async () => {
  const report = await explained(honest);
  assert.deepEqual([report.headline.tone, report.headline.title], ["warn", "Valid, but it proves nothing"]);
  assert.deepEqual(titles(report), ["The final proof is valid under this key", "The files belong together", "The key is of a development setup", "The proof covers every layer of session 1", "The proof covers some layers of session 2", "What this does not prove"]);
  const [, , keyStep, one, two] = report.steps;
  assert.ok(keyStep.facts.some(({ value }) => value === knownKeys()[0].digest));
  assert.match(one.text, /prompt of 3 tokens into an answer of 3 tokens/);
  for (const value of [first.model_id, first.claim.input_digest, first.claim.output_digest, "0–5 (6 of 6)", "no chain"]) assert.ok(one.facts.some((fact) => fact.value === value), value);
  assert.match(two.text, /layer 1 \(attention of block 0\) of 6 only.*Not covered: layers 0, 2–5/);
  assert.ok(two.facts.some((fact) => fact.value === "chain 31337 (a local test chain)"));
  assert.notEqual(one.tone, "good", "nothing is proved under a development setup");
});

test("sessions are put in the order of the proof, and manifests to their claims", needsWasm, async () => {
  const turned = await judged(sessions[1].claim, sessions[0].claim, first.manifest, final);
  assert.equal(turned.verdict.accepted, true, turned.verdict.reason);
  assert.deepEqual(turned.sessions.map(({ claim }) => claim), sessions.map(({ claim }) => claim));
  const other = await judged(posted.manifest, ...sessions.map(({ claim }) => claim), first.manifest, final);
  assert.equal(other.verdict.accepted, true, other.verdict.reason);
  assert.ok(titles(explain(other, knownKeys(), {})).includes("1 manifest of your files is of none of these claims"));
  assert.equal(turned.unused, 0);
  const alone = await judged(posted.manifest, posted.claim, posted.final);
  assert.equal(alone.verdict.accepted, true, alone.verdict.reason);
  assert.equal(alone.verdict.sessions[0].claim_digest.length, 66);
});

test("the claim digest binds what the chain keeps", needsWasm, async () => {
  const { verdict } = await judged(posted.manifest, posted.claim, posted.final);
  const [[{ claim }]] = calldata("ClaimBook", "prove").values;
  assert.equal(claimDigest(claim.statement, claim.activations), verdict.sessions[0].claim_digest);
});

test("what a visitor expects is compared", needsWasm, async () => {
  const other = `0x${"01".repeat(32)}`;
  assert.equal((await explained(honest, { model: other })).headline.title, "Another model");
  assert.equal((await explained(honest, { key: other })).headline.title, "Another key");
  assert.equal((await explained(honest, { model: first.model_id, key: knownKeys()[0].digest })).headline.title, "Valid, but it proves nothing");
});

test("a key that nobody knows is worth nothing, even if the proof is valid by it", needsWasm, async () => {
  // A number of the key that this proof does not need: the key's digest is another.
  const unknown = { ...key, folds: [key.folds[0].replace(/.$/, (c) => (c === "0" ? "1" : "0")), ...key.folds.slice(1)] };
  const own = await judged(...honest, unknown);
  assert.equal(own.verdict.accepted, true, own.verdict.reason);
  const report = explain(own, knownKeys(), {});
  assert.equal(report.headline.tone, "warn");
  assert.equal(report.steps[2].tone, "bad", "manifests of the development setup say so");
  // The same verdict for a setup that is none of development's.
  const real = structuredClone(own);
  for (const session of real.verdict.sessions) session.development_setup = false;
  assert.equal(explain(real, knownKeys(), {}).headline.title, "Valid, if the key is");
  assert.equal(explain(real, knownKeys(), {}).steps[2].title, "The key is not known to this page");
  const development = { ...knownKeys()[0], digest: real.verdict.key_digest };
  assert.equal(explain(real, [development], { key: real.verdict.key_digest }).headline.title, "Valid, but it proves nothing");
  const trusted = explain(real, knownKeys(), { key: real.verdict.key_digest });
  assert.deepEqual([trusted.headline.title, trusted.steps[2].tone], ["Valid, for some layers", "good"]);
  real.verdict.sessions.pop();
  real.sessions.pop();
  assert.deepEqual(Object.values(explain(real, knownKeys(), { key: real.verdict.key_digest }).headline).slice(0, 2), ["good", "Proved"]);
});

test("each forgery is refused, and its reason is said in plain words with what to do", needsWasm, async () => {
  for (const [what, change, expected] of FORGERIES) {
    const question = structuredClone({ sessions, final, key });
    change(question);
    const { headline } = await explained([question.sessions, question.final, question.key]);
    assert.deepEqual([headline.tone, headline.title], ["bad", "Refused"], what);
    assert.match(headline.text, expected, `${what}: ${headline.said}`);
    assert.ok(headline.advice.length > 20 && headline.said.length > 5, what);
    assert.doesNotMatch(headline.text + headline.advice, /PLACE/, what);
  }
});

// ---------------------------------------------------------------- nodes that answer something else

test("a node's address is checked", () => {
  assert.equal(nodeUrl(" http://127.0.0.1:8545 "), "http://127.0.0.1:8545/");
  for (const [text, what] of [["", /no URL/], ["localhost", /no URL/], ["javascript:alert(1)", /not by javascript/], ["ws://x", /not by ws/], ["https://user:secret@x", /user name or a password/]]) {
    assert.throws(() => nodeUrl(text), (e) => e instanceof Failure && what.test(e.what) && !e.what.includes("secret") && e.advice !== "");
  }
});

test("each wrong answer of a node has a message of its own", async () => {
  const answers = {
    "/html": [200, "<h1>hello</h1>", /is no node: to eth_chainId it sent something that is not JSON/],
    "/list": [200, "[]", /JSON without a result/],
    "/null": [200, "null", /JSON without a result/],
    "/other": [200, '{"jsonrpc":"2.0","id":99,"result":"0x1"}', /JSON without a result/],
    "/error": [200, '{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"too \\u202emany"}}', /answers eth_chainId with an error \(code -32005\): too ⟨U\+202E⟩many/],
    "/text": [200, '{"jsonrpc":"2.0","id":1,"error":"no"}', /with an error: no/],
    "/403": [403, "", /refuses this page: HTTP 403/],
    "/404": [404, "", /HTTP 404 instead of a result/],
    "/429": [429, "", /too many questions/],
    "/502": [502, "", /HTTP 502 instead of a result/],
    "/large": [200, " ".repeat(17_000_000), /more than 16 MB/],
  };
  const server = createServer((request, response) => {
    const [status, body] = answers[request.url];
    response.writeHead(status).end(body);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const at = `http://127.0.0.1:${server.address().port}`;
  try {
    for (const [path, [, , what]] of Object.entries(answers)) {
      await assert.rejects(new Node(at + path).ask("eth_chainId", []), (e) => e instanceof Failure && what.test(e.what) && e.advice.length > 10, path);
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
  await assert.rejects(new Node(at).ask("eth_chainId", []), (e) => e instanceof Failure && /No node can be reached/.test(e.what));
});

// ---------------------------------------------------------------- the built file

test("the page is one file that can load nothing, and run nothing but its own script", () => {
  const html = page(embedded(utf8("wasm")), "0");
  const policy = html.match(/http-equiv="Content-Security-Policy" content="([^"]*)"/)[1];
  const inside = (tag) => html.match(new RegExp(`<${tag}>([^]*?)</${tag.split(" ")[0]}>`))[1];
  for (const [tag, directive] of [['script type="module"', "script-src"], ["style", "style-src"]]) {
    const hash = createHash("sha256").update(inside(tag)).digest("base64");
    assert.ok(policy.includes(`${directive} 'sha256-${hash}'`), directive);
  }
  assert.match(policy, /^default-src 'none'; /);
  assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|\*/);
  assert.match(policy, /require-trusted-types-for 'script'; trusted-types 'none'$/);
  const markup = html.replace(/<(script|style)\b[^]*?<\/\1>/g, "");
  assert.doesNotMatch(markup, /\bsrc=|\son\w+=|\sstyle=|@import|url\(/);
  assert.deepEqual(markup.match(/href="(?!data:)[^"]*"/g), null);
  assert.equal(JSON.parse(inside('script type="application/json" id="embedded"')).contracts.builds.FinalVerifier.codeHash, contracts().builds.FinalVerifier.codeHash);
  assert.doesNotThrow(() => new Function(`return async () => {${script().replaceAll("import.meta", "({})")}}`));
});

test("data can end neither its own element nor the page's", () => {
  const html = page({ evil: "</script><script>alert(1)</script><!--" }, "0");
  assert.equal(html.match(/<script/g).length, 2);
  assert.equal(html.includes("<!--"), false);
});

test("sources parse no markup, evaluate no text, and keep nothing", () => {
  const folder = new URL("packages/page/src/", root);
  const sources = readdirSync(folder).filter((name) => name.endsWith(".js"));
  assert.ok(sources.length > 20);
  for (const name of sources) {
    const text = readFileSync(new URL(name, folder), "utf8");
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function|localStorage|sessionStorage|indexedDB|document\.cookie|serviceWorker/, name);
  }
});

test("what the page knows of the contracts is what the repository has", () => {
  const { builds, functions } = contracts();
  for (const name of ["EpochBook", "EpochDisputes", "EpochLens"]) assert.ok(name in builds, name);
  for (const [name, { codeHash, size }] of Object.entries(builds)) {
    const artifact = json(`crates/chain/artifacts/${name}.json`);
    assert.equal(codeHash, artifact.codeHash);
    assert.equal(size, Number(json("snapshots/code.json")[name]));
  }
  assert.equal(topicOf(functions["ClaimLens.describeClaim"]).slice(0, 10), topicOf(functionOf("IClaimLens", "describeClaim")).slice(0, 10));
  assert.deepEqual(example().map(({ name }) => name), ["manifest.json", "claim.json", "final.json"]);
});

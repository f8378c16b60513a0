// The page's reading of epochs and receipts, against the contracts of this repository on anvil: script/page --check. The epoch is
// that of test/fixtures/posted: six answers, three draws, one demand; receipts are real ones. Needs npm ci.
import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { contracts, knownKeys } from "../packages/page/embed.mjs";
import { decode, encode, encodeCall, topicOf } from "../packages/page/src/abi.js";
import { toHex, word } from "../packages/page/src/bytes.js";
import { readChain } from "../packages/page/src/chain.js";
import { challengeId, demandId, drawnAnswers, readOnChain, termsOf } from "../packages/page/src/epoch.js";
import { explainEpochAnd } from "../packages/page/src/explain-receipt.js";
import { keccak256 } from "../packages/page/src/keccak.js";
import { readReceipt } from "../packages/page/src/receipt.js";
import { Failure, Node } from "../packages/page/src/rpc.js";
import { act as actAt, amongNonsense, artifact, cast, factOf, later as laterAt, read, replay, rpc, start, step, through as throughAt } from "./page/chain.mjs";

const fixture = read("test/fixtures/posted/chain.json");
const [demanded, other] = ["receipt", "other-receipt"].map((name) => read(`test/fixtures/posted/${name}.json`));
const paths = read("test/fixtures/posted/paths.json");
const { addresses } = fixture;
const [OWNER, REQUESTER, PROVIDER, CHALLENGER] = ["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "0x70997970c51812dc3a010c7d01b50e0d17dc79c8", "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc", "0x90f79bf6eb2c4f870365e785982e1f101e93b906"];
const KEYS = Object.fromEntries([PROVIDER, CHALLENGER].map((account, i) => [account, () => cast("wallet", "private-key", "test test test test test test test test test test test junk", String(i + 2))]));
const ETHER = 10n ** 18n;
const ZERO = `0x${"0".repeat(64)}`;
const FROZEN = "a flaw";
/** The number of transactions up to the demand. */
const until = fixture.transactions.findLastIndex(({ to }) => to === addresses.EpochDisputes.toLowerCase()) + 1;

let chain;
before(async () => {
  chain = await start("--timestamp", String(fixture.start));
  await replay(chain.url, fixture, 0, until);
});
after(() => chain?.stop());

/** Runs a test on the chain with the epoch, and takes back what it did. */
const committed = (name, run) =>
  test(name, async (t) => {
    const snapshot = await rpc(chain.url, "evm_snapshot");
    try {
      await run(t);
    } finally {
      assert.equal(await rpc(chain.url, "evm_revert", [snapshot]), true);
    }
  });

const act = (from, contract, name, values, value) => actAt(chain.url, addresses, from, contract, name, values, value);
const later = (seconds) => laterAt(chain.url, seconds);
const through = (change, run) => throughAt(chain.url, change, run);
const question = (change) => ({ address: addresses.EpochLens, id: fixture.epoch, where: "", ...change });
const facts = (change, url = chain.url) => readChain(new Node(url), contracts(), question(change));
const of = (file) => ({ id: "", receipt: readReceipt(file) });
/** What the page shows: of an epoch, or of a receipt. */
async function explained(change = {}, url = chain.url, receipt = change.receipt) {
  const found = await facts(change, url);
  return explainEpochAnd(found, receipt && (await readOnChain(found, receipt)), knownKeys(), fixture.start);
}
const refused = async (what, change, url) => {
  await assert.rejects(explained(change, url), (e) => {
    assert.ok(e instanceof Failure, e.stack);
    assert.match(e.what, what);
    assert.ok(e.advice.length > 10, e.advice);
    return true;
  });
};
const heading = ({ headline }) => [headline.tone, headline.title];
const titles = (report) => report.steps.map((s) => s.title);
const happened = (report) => step(report, /^What happened$/).table.rows.map((row) => row[1]);
const money = (report) => step(report, /^Whose money is where$/).table.rows;
/** A receipt of other fields, which its provider's key, or another's, signs. */
function signed(change, by = PROVIDER) {
  const file = structuredClone(other);
  change(file);
  file.signature = cast("wallet", "sign", "--no-hash", "--private-key", KEYS[by](), readReceipt(file).digest);
  return file;
}

/** The provider fixes what is drawn, with commitments that nothing opens. */
async function fix() {
  const { epoch } = await facts();
  await rpc(chain.url, "anvil_mine", [`0x${(epoch.terms.drawBlock + 1).toString(16)}`]);
  const header = cast("block", String(epoch.terms.drawBlock), "--raw", "--rpc-url", chain.url);
  await act(PROVIDER, "EpochBook", "fixCommitments", [epoch.fields, header, ZERO, "0x"]);
  return epoch.fields;
}

/** The provider answers the demand. */
async function show() {
  const { epoch } = await facts();
  const siblings = (of) => `0x${of.map((s) => s.slice(2)).join("")}`;
  await act(OWNER, "EpochDisputes", "show", [epoch.fields, readReceipt(demanded).message, siblings(paths.statements), siblings(paths.receipts)]);
  return epoch.fields;
}

/** Writes a status over that of the contract, whose word for an epoch has it in its lowest byte. */
async function become(status) {
  for (let slot = 0; slot < 20; slot++) {
    const place = toHex(keccak256(encode([{ type: "bytes32", name: "" }, { type: "uint256", name: "" }], [fixture.epoch, slot])));
    const value = await rpc(chain.url, "eth_getStorageAt", [addresses.EpochBook, place, "latest"]);
    if (BigInt(value) === 0n) continue;
    return rpc(chain.url, "anvil_setStorageAt", [addresses.EpochBook, place, value.replace(/..$/, `0${status}`)]);
  }
  assert.fail("the book keeps the epoch's word elsewhere");
}

const challenge = async (index) => {
  const { epoch } = await facts();
  await act(CHALLENGER, "BondEscrow", "deposit", [`0x${"0".repeat(40)}`, ETHER], ETHER);
  await act(CHALLENGER, "EpochDisputes", "challenge", [epoch.fields, index, ETHER]);
  return epoch.fields;
};

/** The provider commits to the line's next epoch, whose roots are anything: its id. */
async function commitNext() {
  const { epoch } = await facts();
  const terms = 1n | (6n << 32n) | (6n << 64n);
  await act(PROVIDER, "EpochBook", "commit", [{ ...epoch.fields, terms }, "0x"]);
  const topic = topicOf(contracts().events.find((e) => e.name === "EpochCommitted"));
  return (await rpc(chain.url, "eth_getLogs", [{ address: addresses.EpochBook, topics: [topic], fromBlock: "0x0" }])).at(-1).topics[1];
}

// ---------------------------------------------------------------- an epoch's life

committed("an epoch that is committed to: where it stands, draws, money, a demand, code", async () => {
  const found = await facts();
  const report = await explained();
  assert.deepEqual(heading(report), ["info", "Committed to, not drawn"]);
  assert.match(report.headline.text, /^Epoch 0, 6 answers\. /);
  assert.match(report.headline.said, /^Epoch 0, 6 answers of which 3 are drawn/);
  assert.deepEqual(found.codes.map((c) => c.found), ["EpochLens", "EpochBook", "EpochDisputes", "ModelRegistry", "BondEscrow", "AuditBeacon", "FinalVerifier"]);
  assert.equal(step(report, /^The code on chain is the reproducible build's$/).tone, "good");
  const { committedAt, drawBlock } = found.epoch.terms;
  assert.equal(committedAt, fixture.transactions[until - 2].timestamp);
  const next = step(report, /^Next: fix what is drawn$/);
  assert.deepEqual([factOf(next, /^who$/).value, factOf(next, /^calls$/).value, factOf(next, /^until$/).deadline], ["provider", `fixCommitments after block ${drawBlock}`, committedAt + found.windows.challenge]);
  const draws = step(report, /^3 of 6 answers are drawn$/);
  assert.deepEqual(draws.facts.slice(0, 3).map(({ name }) => name), ["1 false answer", "6 false answers", "answers are drawn from block"]);
  assert.match(draws.facts[0].value, /^\d+\.\d %$/);
  assert.match(factOf(draws, /^answers are drawn from block$/).note, /^\d+ blocks to go$/);
  assert.match(factOf(draws, /^answers that are drawn$/).value, /^none are known/);
  const rows = money(report);
  assert.deepEqual(rows.map((row) => row[2]), ["exposed", "held", "free", "paid"]);
  assert.equal(rows[1][1], "4 ETH");
  const amount = (text) => BigInt(Math.round(Number(text.split(" ")[0]) * 1e9));
  assert.equal(amount(rows[0][1]) + amount(rows[2][1]), amount(rows[1][1]), "what is exposed and what is free are the bond");
  assert.match(rows[3].join(), /0 ETH,paid,into the line's bond, by 0 vouchers for 0 answers/);
  const disputes = step(report, /^1 dispute is open$/);
  assert.equal(disputes.tone, "warn");
  const demand = factOf(disputes, /^demand of the receipt 0x/);
  assert.ok(demand.name.includes(readReceipt(demanded).digest) && demand.name.includes(REQUESTER));
  assert.equal(demand.deadline, fixture.transactions[until - 1].timestamp + found.windows.answer);
  assert.deepEqual(happened(report), ["The provider committed to all answers of the epoch.", `${REQUESTER} demanded to see a receipt.`]);
  assert.equal(factOf(step(report, /^The epoch$/), /^epoch$/).value, fixture.epoch);
  assert.match(factOf(step(report, /^The epoch$/), /^number/).note, /^no epoch of the line is settled$/);
  assert.equal(step(report, /development setup/).tone, "bad");
  assert.match(step(report, /^What this does not show$/).items.join(), /That the node tells the truth.*the seed of a draw/);
});

committed("a block or the transaction of the commitment finds the epoch; another one does not", async () => {
  const { epoch } = await facts();
  assert.equal((await facts({ where: epoch.transaction })).epoch.id, fixture.epoch);
  assert.equal((await facts({ where: String(until - 1) })).epoch.id, fixture.epoch);
  const first = (await rpc(chain.url, "eth_getBlockByNumber", ["0x1", false])).transactions[0];
  await refused(/^This transaction did not commit to the epoch at this EpochBook\.$/, { where: first });
  await refused(/^The epoch is on this chain, but the node did not find the event/, { where: "1", span: 1 });
  await refused(/is ahead of the node's newest one/, { where: "12345" });
});

committed("drawn answers are those of the contracts, and their proof has a deadline", async () => {
  const fields = await fix();
  const { epoch, windows, view, parts } = await facts();
  const said = await view.call(parts.lens, "EpochLens.drawnAnswers", fields, epoch.fixed.seed);
  assert.deepEqual(said.map(Number), epoch.drawn);
  assert.equal(new Set(epoch.drawn).size, 3);
  // Of many answers, too.
  for (const [count, draws] of [[1, 1], [256, 256], [4000, 64], [257, 1]]) {
    const terms = BigInt(count) << 32n | BigInt(draws) << 64n;
    const many = { ...fields, terms };
    const id = toHex(keccak256(encode(contracts().functions["EpochLens.describeEpoch"].inputs, [many])));
    assert.deepEqual(drawnAnswers(epoch.fixed.seed, id, termsOf(terms)), (await view.call(parts.lens, "EpochLens.drawnAnswers", many, epoch.fixed.seed)).map(Number));
  }
  const report = await explained();
  assert.deepEqual(heading(report), ["info", "Drawn, not proven"]);
  const by = Number(epoch.fixed.fixedAt) + windows.prove;
  assert.equal(factOf(step(report, /^Next: prove what is drawn$/), /^until$/).deadline, by);
  const draws = step(report, /are drawn$/);
  assert.equal(factOf(draws, /^seed of the draw$/).value, epoch.fixed.seed);
  assert.match(happened(report).at(-1), /^Answers were drawn/);
  const own = await explained(of(signed((f) => (f.index = epoch.drawn[0]))));
  assert.match(step(own, /^Its answer was drawn$/).text, /has to prove/);
  const undrawn = [0, 1, 2, 3, 4, 5].find((i) => !epoch.drawn.includes(i));
  assert.match(step(await explained(of(signed((f) => (f.index = undrawn)))), /^Its answer was not drawn$/).text, /^Nothing of it is proved/);

  await later(windows.prove + 1);
  const late = await explained();
  assert.deepEqual(heading(late), ["bad", "Not proven in time"]);
  assert.deepEqual(heading(await explained(of(other))), ["bad", "Signed, and of its epoch: not proven in time"]);
  assert.equal(factOf(step(late, /since what is drawn was not proven in time$/), /^calls$/).value, "expire");
  await act(CHALLENGER, "EpochBook", "expire", [fields, epoch.fixed]);
  const lost = await explained();
  assert.deepEqual(heading(lost), ["bad", "Lost: its line was slashed"]);
});

committed("silence: the line is slashed, and its parts are named to the last unit; a receipt of it is worth nothing", async () => {
  const { epoch, windows } = await facts();
  await later(windows.challenge + 1);
  const late = await explained();
  assert.deepEqual(heading(late), ["bad", "Not drawn in time"]);
  assert.deepEqual(heading(await explained(of(other))), ["bad", "Signed, and of its epoch: not drawn in time"]);
  assert.equal(factOf(step(late, /^Next: have the line slashed/), /^calls$/).value, "expire");
  await act(CHALLENGER, "EpochBook", "expire", [epoch.fields, { seed: ZERO, commitments: ZERO, fixedAt: 0, drawBlock: 0 }]);
  const report = await explained();
  assert.deepEqual(heading(report), ["bad", "Lost: its line was slashed"]);
  assert.match(report.headline.text, /pay nothing/);
  const slashed = money(report).filter((row) => row[2] === "slashed");
  assert.deepEqual(slashed.map((row) => row[3]), [`to ${CHALLENGER}`, "burned"]);
  const parts = slashed.map((row) => BigInt(row[1].match(/^0\.(\d+) ETH$/)[1].padEnd(18, "0")));
  assert.equal(parts[0] + parts[1], epoch.terms.exposed);
  assert.equal(parts[0], (epoch.terms.exposed * 4n) / 10n);
  assert.deepEqual(money(report)[0].slice(2, 4), ["lost", "40 % to whoever reported it, the rest burned"]);
  assert.equal(step(report, /^Nothing is left to do$/).text, "The epoch is over.");
  assert.match(happened(report).at(-1), /^The line was slashed: /);
  const receipt = await explained(of(other));
  assert.deepEqual(heading(receipt), ["bad", "Signed, and its epoch is lost"]);
  assert.match(receipt.headline.advice, /^Pay nothing for it\./);
  assert.equal(step(receipt, /^The epoch: lost/).tone, "bad");
  const later_ = await explained(of(signed((f) => (f.epoch = 1))));
  assert.deepEqual(heading(later_), ["bad", "Signed, not committed to"]);
  assert.match(later_.headline.advice, /The line was slashed/);
});

committed("a demand that is answered says that the receipt is in the epoch", async () => {
  const before = await explained(of(demanded));
  assert.deepEqual(heading(before), ["warn", "Demanded"]);
  assert.match(before.headline.text, /has to show it in the epoch until 2030-/);
  const { windows } = await facts();
  const snapshot = await rpc(chain.url, "evm_snapshot");
  await later(windows.answer + 1);
  const silent = await explained(of(demanded));
  assert.deepEqual(heading(silent), ["bad", "Demanded, and not shown"]);
  assert.match(silent.headline.advice, /nanozk dispute enforce/);
  assert.match(step(silent, /dispute is open/).facts.at(-1).value, /over since .*: anybody may have the line slashed \(timeout\)$/);
  await rpc(chain.url, "evm_revert", [snapshot]);
  await show();
  const report = await explained(of(demanded));
  assert.deepEqual(heading(report), ["info", "Signed, and shown in its epoch"]);
  assert.equal(step(report, /^No dispute is open$/).tone, "info");
  assert.match(step(report, /^No dispute is open$/).facts.at(-1).value, /^answered$/);
  assert.equal(happened(report).at(-1), `The demand by ${REQUESTER} was answered.`);
});

committed("a challenge: its bond, its turns, and where the bond goes", async () => {
  const fields = await challenge(4);
  const report = await explained();
  const bond = money(report).at(-1);
  assert.match(bond[0], new RegExp(`^bond for the challenge of answer 4, from ${CHALLENGER}$`));
  assert.equal(bond[2], "held");
  const turn = factOf(step(report, /^2 disputes are open$/), /^challenge of answer 4/);
  assert.match(turn.name, /the provider's turn until$/);
  const { windows } = await facts();
  assert.ok(turn.deadline > fixture.start + windows.answer);
  await later(windows.answer + 1);
  assert.match(factOf(step(await explained(), /^2 disputes are open$/), /^challenge of answer 4/).value, /anybody may have the line slashed/);
  const id = challengeId(fixture.epoch, 4n, CHALLENGER);
  await act(OWNER, "EpochDisputes", "timeout", [fields, id]);
  const lost = await explained();
  assert.deepEqual(heading(lost), ["bad", "Lost: its line was slashed"]);
  assert.match(step(lost, /^Nothing is left to do$/).text, /Bonds of its challenges may still be moved/);
  await act(OWNER, "EpochDisputes", "resolve", [fields, id]);
  const moved = money(await explained()).at(-1);
  assert.deepEqual([moved[1], moved[2], moved[3]], [bond[1], "moved", "back to the challenger"]);
  assert.equal(happened(await explained()).at(-1), `The bond for the challenge of answer 4 by ${CHALLENGER} went to ${CHALLENGER}.`);
});

committed("proven, settled, paid", async () => {
  const fields = await show();
  // The proof itself is tested with the contracts.
  await become(3);
  assert.deepEqual(heading(await explained()), ["info", "Proven, not settled"]);
  assert.match(step(await explained(), /^Next: disputes of answers$/).facts[1].value, /^demand or challenge$/);
  await later((await facts()).windows.challenge + 1);
  assert.equal(factOf(step(await explained(), /^Next: settle$/), /^calls$/).value, "settle");
  const unseen = await explained(of(other));
  assert.match(unseen.headline.advice, /cannot be demanded any more/);
  await act(OWNER, "EpochBook", "settle", [fields]);
  const report = await explained();
  assert.deepEqual(heading(report), ["warn", "Settled"]);
  assert.match(report.headline.text, /its answers can be paid for\. But its proof is of a development setup/);
  assert.deepEqual(money(report)[0].slice(2), ["exposed no more", "stays in the line's bond"]);
  await act(REQUESTER, "EpochBook", "redeem", [[{ voucher: { requester: REQUESTER, provider: PROVIDER, version: fields.version, round: 0, epoch: 0, amount: 3n * 10n ** 15n, answers: 2 }, signature: "0x" }]]);
  const paid = await explained();
  assert.deepEqual(money(paid)[3].slice(1, 3), ["0.003 ETH", "paid"]);
  assert.match(money(paid)[3][3], /by 1 voucher for 2 answers/);
  assert.equal(money(paid)[1][1], "4.003 ETH");
  assert.equal(factOf(step(paid, /^Whose money/), /no voucher paid for yet/).value, "4");
  assert.equal(happened(paid).at(-1), `A voucher of ${REQUESTER} paid 0.003 ETH for 2 answers.`);
  const receipt = await explained(of(other));
  assert.deepEqual(heading(receipt), ["good", "Signed, and its epoch is settled"]);
  assert.match(receipt.headline.advice, /nanozk channel pay/);
});

committed("a frozen verifier: nothing can be proven, and the epoch is voided", async () => {
  const { epoch } = await facts();
  await act(OWNER, "ModelRegistry", "freeze", [epoch.head.verifier, FROZEN]);
  const frozen = await explained();
  assert.equal(frozen.headline.title, "Its verifier is frozen");
  assert.equal(factOf(step(frozen, /^Next: void the epoch/), /^calls$/).value, "voidEpoch");
  const unusable = await explained(of(other));
  assert.deepEqual(heading(unusable), ["warn", "Signed, and of its epoch: its verifier is frozen"]);
  assert.match(unusable.headline.advice, /^Pay nothing for it\.$/);
  await act(OWNER, "EpochBook", "voidEpoch", [epoch.fields]);
  const voided = await explained();
  assert.deepEqual(heading(voided), ["warn", "Voided"]);
  assert.deepEqual(heading(await explained(of(other))), ["warn", "Signed, and its epoch is void"]);
});

// ---------------------------------------------------------------- receipts

committed("a receipt finds its epoch, and its signature and digest are this page's and the chain's", async () => {
  const report = await explained(of(other));
  assert.deepEqual(heading(report), ["info", "Signed, and its epoch is committed to"]);
  assert.match(report.headline.advice, /Ask the provider for its path.*demand it until 2030-.*nanozk dispute demand receipt\.json/);
  assert.match(report.headline.said, /^Signed by its provider: answer 4 of epoch 0/);
  assert.equal(titles(report)[0], "Signed by its provider");
  assert.equal(report.steps[0].tone, "good");
  assert.match(titles(report)[1], /^The epoch: committed to, not drawn$/);
  assert.equal(factOf(step(report, /^The epoch$/), /^epoch$/).value, fixture.epoch);
  const found = await facts();
  const { digest, message } = readReceipt(other);
  assert.equal(await found.view.call(found.parts.disputes, "EpochDisputes.receiptDigest", message), digest);
  // The digests of prompt and answer are those of the contract of digests.
  const own = artifact("TokenDigests").abi.filter((e) => /Digest$/.test(e.name) && e.type === "function");
  const packed = (tokens) => `0x${tokens.map((t) => t.toString(16).padStart(6, "0")).join("")}`;
  const { positions, prompt, generated, input_salt, output_salt } = other.opening;
  for (const [name, values, expected] of [["inputDigest", [positions, packed(prompt), input_salt], message.inputDigest], ["outputDigest", [positions, prompt.length, packed(generated), output_salt], message.outputDigest]]) {
    const data = encodeCall(own.find((e) => e.name === name), values);
    assert.equal(await rpc(chain.url, "eth_call", [{ to: addresses.TokenDigests, data }, "latest"]), expected);
  }
  // The epoch by its id, the receipt beside it.
  assert.deepEqual(heading(await explained({}, chain.url, readReceipt(other))), heading(report));
});

committed("each changed field of a receipt is not what its provider signed", async () => {
  const flip = (text) => text.replace(/.$/, (c) => (c === "0" ? "1" : "0"));
  const changes = {
    provider: (f) => (f.line.provider = CHALLENGER),
    version: (f) => (f.line.version = flip(f.line.version)),
    place: (f) => (f.index = 3),
    requester: (f) => (f.requester = OWNER),
    "seed's digest": (f) => (f.seed_digest = flip(f.seed_digest)),
    positions: (f) => (f.opening.positions += 1),
    prompt: (f) => (f.opening.prompt[0] += 1),
    answer: (f) => (f.opening.generated[1] += 1),
    "longer answer": (f) => f.opening.generated.push(0),
    "where the answer begins": (f) => f.opening.generated.unshift(f.opening.prompt.pop()),
    "prompt's salt": (f) => (f.opening.input_salt = flip(f.opening.input_salt)),
    "answer's salt": (f) => (f.opening.output_salt = flip(f.opening.output_salt)),
    signature: (f) => (f.signature = demanded.signature),
    "signature's last byte": (f) => (f.signature = f.signature.replace(/..$/, (v) => (v === "1b" ? "1c" : "1b"))),
    "signature's length": (f) => (f.signature += "00"),
  };
  for (const [what, change] of Object.entries(changes)) {
    const file = structuredClone(other);
    change(file);
    const receipt = readReceipt(file);
    assert.equal(receipt.signed, false, what);
    const report = await explained({}, chain.url, receipt);
    assert.deepEqual(heading(report), ["bad", "Not signed by its provider"], what);
    assert.match(report.headline.said, /not the signature of the provider/, what);
  }
  const elsewhere = structuredClone(other);
  elsewhere.books.disputes = addresses.EpochBook;
  assert.deepEqual(heading(await explained({}, chain.url, readReceipt(elsewhere))), ["bad", "The receipt is for other contracts"]);
  // Only whose hash is signed: the book is in it by its disputes.
  const book = structuredClone(other);
  book.books.book = addresses.EpochDisputes;
  assert.deepEqual(heading(await explained({}, chain.url, readReceipt(book))), ["bad", "The receipt is for other contracts"]);
  const stranger = signed(() => {}, CHALLENGER);
  assert.deepEqual(heading(await explained(of(stranger))), ["bad", "Not signed by its provider"]);
});

committed("a receipt of an epoch that is not committed to, and one of a place that is not there", async () => {
  const next = await explained(of(signed((f) => (f.epoch = 1))));
  assert.deepEqual(heading(next), ["warn", "Signed, not committed to"]);
  assert.match(next.headline.text, /the line's next is 1/);
  assert.match(next.headline.advice, /^Pay nothing for it\. Wait/);
  assert.ok(titles(next).every((title) => !/^The epoch/.test(title)));
  assert.equal(step(next, /^The code on chain/).tone, "good");
  const none = await explained(of(signed((f) => (f.line.provider = CHALLENGER), CHALLENGER)));
  assert.deepEqual(heading(none), ["warn", "Signed, not committed to"]);
  const behind = await explained(of(signed((f) => (f.index = 6))));
  assert.deepEqual(heading(behind), ["bad", "Signed, and not in its epoch"]);
  assert.match(behind.headline.advice, /Demand it until/);
  // Given beside another epoch's id.
  const beside = await explained({}, chain.url, readReceipt(signed((f) => (f.line.provider = CHALLENGER), CHALLENGER)));
  assert.deepEqual(heading(beside), ["warn", "Signed, not committed to"]);
  assert.match(beside.headline.text, /the line's next is 0/);
});

committed("of several epochs of a line a receipt finds its own", async () => {
  const next = await commitNext();
  assert.equal((await facts(of(other))).epoch.id, fixture.epoch);
  const own = of(signed((f) => (f.epoch = 1)));
  assert.equal((await facts(own)).epoch.id, next);
  assert.deepEqual(heading(await explained(own)), ["info", "Signed, and its epoch is committed to"]);
  const beside = await explained({ id: next }, chain.url, readReceipt(other));
  assert.deepEqual(heading(beside), ["warn", "Your receipt is of another epoch"]);
  assert.equal(step(beside, /^The epoch:/).title, "The epoch: committed to, not drawn");
  await rpc(chain.url, "anvil_mine", ["0x14"]);
  const few = async (method, params, pass) => {
    if (method === "eth_getLogs" && Number(params[0].toBlock) - Number(params[0].fromBlock) >= 2) return { error: { code: -32005, message: "query exceeds 2 blocks" } };
    return { result: await pass() };
  };
  await through(few, async (url) => assert.equal((await facts({ ...of(other), span: 2 }, url)).epoch.id, fixture.epoch));
});

committed("a provider that is a contract: its own word on its signature, by the node", async () => {
  const account = "0x00000000000000000000000000000000000000cc";
  // isValidSignature: its magic value, whatever it is asked.
  await rpc(chain.url, "anvil_setCode", [account, "0x631626ba7e60e01b5f5260205ff3"]);
  const file = structuredClone(other);
  file.line.provider = account;
  const report = await explained(of(file));
  assert.equal(titles(report)[0], "Signed by its provider, which is a contract");
  assert.match(report.steps[0].text, /ERC-1271/);
});

// ---------------------------------------------------------------- what goes wrong

committed("a wrong chain, address or id says what to do", async () => {
  await refused(/^The node is of chain 31337 \(a local test chain\), and the receipt is of chain 1 \(Ethereum\)\.$/, { files: { chain: 1, what: "the receipt" } });
  await refused(/^There is no contract at 0x90f7/, { address: CHALLENGER });
  await refused(/^The contract at 0x\w+ is EpochBook\.$/, { address: addresses.EpochBook });
  await refused(/^No epoch has this id on this chain\.$/, { id: `0x${"12".repeat(32)}` });
  await refused(/^The address is that of ClaimLens, and a receipt is of an epoch\.$/, { ...of(other), address: addresses.ClaimLens });
  await refused(/^No claim and no job has this id/, { address: addresses.ClaimLens });
  await refused(/^The id is none\.$/, { id: "" });
  await refused(/^The id is none\.$/, { ...of(other), id: "0x12" });
});

committed("other code at a contract is named, although it answers the same", async () => {
  for (const contract of ["EpochLens", "EpochBook", "EpochDisputes", "ModelRegistry", "BondEscrow", "AuditBeacon", "FinalVerifier"]) {
    const code = await rpc(chain.url, "eth_getCode", [addresses[contract], "latest"]);
    // Metadata at the end: never executed.
    await rpc(chain.url, "anvil_setCode", [addresses[contract], code.replace(/.$/, (c) => (c === "0" ? "1" : "0"))]);
    const report = await explained();
    assert.deepEqual(heading(report), ["bad", "Other contracts"], contract);
    assert.equal(step(report, /is not the build's$/).title, `Code of ${contract} is not the build's`);
    assert.deepEqual(heading(await explained(of(other))), ["bad", "Other contracts"], contract);
    await rpc(chain.url, "anvil_setCode", [addresses[contract], code]);
  }
});

committed("contracts that do not name each other are named", async () => {
  const twin = "0x00000000000000000000000000000000000000aa";
  for (const [contract, named, field] of [["EpochDisputes", "EpochBook", "book"], ["EpochDisputes", "ModelRegistry", "registry"], ["EpochDisputes", "BondEscrow", "escrow"], ["EpochBook", "EpochDisputes", "disputes"], ["EpochBook", "ModelRegistry", "registry"], ["ModelRegistry", "BondEscrow", "escrow"]]) {
    const own = await rpc(chain.url, "eth_getCode", [addresses[contract], "latest"]);
    await rpc(chain.url, "anvil_setCode", [twin, await rpc(chain.url, "eth_getCode", [addresses[named], "latest"])]);
    const wired = own.replaceAll(addresses[named].slice(2).toLowerCase(), twin.slice(2));
    assert.notEqual(wired, own, `${contract} names ${named}`);
    // Its code is the build's still; what it does is not looked at here.
    const lies = async (method, [asked], pass) => {
      const { functions } = contracts();
      const selector = topicOf(functions[`${contract}.${field}`]).slice(0, 10);
      const mine = method === "eth_call" && asked.to.toLowerCase() === addresses[contract].toLowerCase() && asked.data === selector;
      return { result: mine ? toHex(word(BigInt(twin))) : await pass() };
    };
    await through(lies, async (url) => {
      const report = await explained({}, url);
      assert.deepEqual(heading(report), ["bad", "Other contracts"], `${contract}.${field}`);
      assert.match(step(report, /do not belong together$/).facts.at(-1).value, new RegExp(`^${contract}\\.${field} is 0x0+aa`));
    });
  }
});

/** A node that changes what a function answers. */
const answering = (name, change) => {
  const entry = contracts().functions[name];
  const selector = topicOf(entry).slice(0, 10);
  return async (method, [asked], pass) => {
    const result = await pass();
    if (method !== "eth_call" || !asked.data.startsWith(selector)) return { result };
    const values = decode(entry.outputs, result);
    return { result: toHex(encode(entry.outputs, change(values) ?? values)) };
  };
};

committed("a node that makes up an epoch's fields is caught by the epoch's id", async () => {
  const changed = (change) => async (method, _, pass) => {
    const result = await pass();
    if (method === "eth_getLogs") for (const log of result) change(log);
    return { result };
  };
  await through(changed((log) => (log.data = log.data.replace(PROVIDER.slice(2), CHALLENGER.slice(2)))), (url) => refused(/is not that of this epoch: its fields have another hash/, {}, url));
  await through(changed((log) => (log.data = log.data.replace(PROVIDER.slice(2), CHALLENGER.slice(2)))), (url) => refused(/is not that of this epoch: its fields have another hash/, of(other), url));
  await through(changed((log) => (log.address = addresses.ClaimBook)), (url) => refused(/did not find the event/, {}, url));
  await through(changed((log) => (log.data = log.data.slice(0, 200))), (url) => refused(/^An event cannot be read/, {}, url));
  // Another epoch, whose fields are right, in place of the receipt's.
  const entry = contracts().events.find((e) => e.name === "EpochCommitted");
  const another = (log) => {
    const [fields] = decode(entry.inputs.filter((i) => !i.indexed), log.data);
    const own = { ...fields, provider: CHALLENGER };
    log.data = toHex(encode(entry.inputs.filter((i) => !i.indexed), [own]));
    log.topics[1] = toHex(keccak256(encode(contracts().functions["EpochLens.describeEpoch"].inputs, [own])));
  };
  await through(changed((log) => log.topics[0] === topicOf(entry) && another(log)), (url) => refused(/did not find the event/, of(other), url));
});

committed("a node that lies about an epoch, its line, its draws or its disputes is caught where the fields tell", async () => {
  const fields = await fix();
  const lies = [
    ["EpochLens.describeEpoch", ([d]) => void (d.answers += 1n), /is not what the epoch's own fields say/],
    ["EpochLens.describeEpoch", ([d]) => void (d.draws += 1n), /is not what the epoch's own fields say/],
    ["EpochLens.describeEpoch", ([d]) => void (d.committedAt += 1n), /is not what the epoch's own fields say/],
    ["EpochLens.describeEpoch", ([d]) => void (d.exposed += 1n), /is not what the epoch's own fields say/],
    ["EpochLens.describeEpoch", ([d]) => void (d.epoch = ZERO), /is not what the epoch's own fields say/],
    ["EpochLens.drawnAnswers", ([drawn]) => [drawn.toReversed()], /other answers are drawn than this seed draws/],
    ["EpochBook.line", ([line]) => void (line.exposed = line.balance + 1n), /of the provider's line cannot be/],
    ["EpochBook.line", ([line]) => void (line.open = line.next + 1n), /of the provider's line cannot be/],
    ["EpochDisputes.disputesOf", ([all]) => void (all[0].epoch = ZERO), /another dispute than the node's events say/],
    ["EpochDisputes.disputesOf", ([all]) => void (all[0].challenger = CHALLENGER), /another dispute than the node's events say/],
    ["EpochDisputes.disputesOf", () => [[]], /another dispute than the node's events say/],
  ];
  for (const [name, change, what] of lies) await through(answering(name, change), (url) => refused(what, {}, url));
  // A node that does not run what goes through all answers.
  const selector = topicOf(contracts().functions["EpochLens.drawnAnswers"]).slice(0, 10);
  const cut = async (method, [asked], pass) => (method === "eth_call" && asked.data.startsWith(selector) ? { error: { code: -32000, message: "out of gas" } } : { result: await pass() });
  const { epoch } = await facts();
  await through(cut, async (url) => assert.deepEqual((await facts({}, url)).epoch.drawn, epoch.drawn));
  // Events that say nothing of the dispute: it is said to be open, and not to be listed.
  const hidden = topicOf(contracts().events.find((e) => e.name === "Demanded"));
  await through(async (method, _, pass) => ({ result: method === "eth_getLogs" ? (await pass()).filter((log) => log.topics[0] !== hidden) : await pass() }), async (url) => {
    assert.match(step(await explained({}, url), /^1 dispute is open$/).text, /1 open dispute is not listed/);
  });
  // Nor of the draw.
  const drawn = topicOf(contracts().events.find((e) => e.name === "EpochFixed"));
  await through(async (method, _, pass) => ({ result: method === "eth_getLogs" ? (await pass()).filter((log) => log.topics[0] !== drawn) : await pass() }), async (url) => {
    const report = await explained({}, url);
    assert.match(factOf(step(report, /are drawn$/), /^answers that are drawn$/).value, /does not give the event EpochFixed/);
    assert.equal(factOf(step(report, /^Next/), /^until$/).value, "at any time");
  });
  assert.equal(fields.provider, PROVIDER);
});

committed("a node that lies about a receipt's signature or digest is named", async () => {
  const said = (text) => answering("EpochLens.explainReceipt", () => [text]);
  const forged = structuredClone(other);
  forged.opening.prompt[0] += 1;
  await through(said("Signed by its provider: trust me."), async (url) => {
    assert.deepEqual(heading(await explained({}, url, readReceipt(forged))), ["bad", "Not signed by its provider, whatever the node says"]);
  });
  await through(said("This is not the signature of the provider."), async (url) => {
    const report = await explained(of(other), url);
    assert.deepEqual([report.steps[0].tone, report.steps[0].title], ["warn", "Signed by its provider, which the node denies"]);
  });
  await through(answering("EpochDisputes.receiptDigest", () => [ZERO]), async (url) => {
    assert.deepEqual(heading(await explained(of(other), url)), ["bad", "The node computes another digest of the receipt"]);
  });
  assert.equal((await readOnChain(await facts(), readReceipt(demanded))).demand.status, 1);
  assert.equal((await facts()).epoch.disputes[0].id, demandId(fixture.epoch, readReceipt(demanded).digest));
});

committed("no node is told prompt, answer or salts", async () => {
  const asked = [];
  const listen = async (method, params, pass) => (asked.push(JSON.stringify(params)), { result: await pass() });
  await through(listen, (url) => explained(of(other), url));
  const { input_salt, output_salt, prompt } = other.opening;
  const words = [input_salt, output_salt, ...[prompt].map((tokens) => tokens.map((t) => t.toString(16).padStart(6, "0")).join(""))];
  assert.ok(asked.length > 20);
  for (const secret of words) assert.ok(!asked.some((text) => text.includes(secret.replace(/^0x/, ""))), secret);
});

committed("text of a hostile node does nothing", async () => {
  const evil = "\u202e<img src=x>\u0007".repeat(200);
  const shows = async (name, change, asked = of(other)) => {
    await through(answering(name, change), async (url) => {
      const report = await explained(asked, url);
      const text = JSON.stringify([report.headline, report.steps.filter((s) => s.title !== "The code on chain is the reproducible build's")]);
      assert.doesNotMatch(text, /[\u202e\u0007]/, name);
      assert.match(text, /⟨U\+202E⟩/, name);
      assert.ok(text.length < 40_000, name);
    });
  };
  await shows("EpochLens.describeEpoch", ([d]) => void (d.text = evil), {});
  await shows("EpochLens.nextOfEpoch", () => [evil, `constructor ${evil}`, 0n]);
  await shows("EpochLens.explainReceipt", () => [evil]);
  await shows("ModelRegistry.metadataURI", () => [evil]);
});

committed("a node without events, or that searches few blocks at a time", async () => {
  const { epoch } = await facts();
  const none = async (method, _, pass) => (method === "eth_getLogs" ? { error: { code: -32601, message: "no logs here" } } : { result: await pass() });
  await through(none, async (url) => {
    await refused(/answers eth_getLogs with an error \(code -32601\): no logs here/, {}, url);
    const report = await explained({ where: epoch.transaction }, url);
    assert.match(step(report, /^What happened$/).text, /did not give the epoch's events: .*no logs here/);
    assert.match(step(report, /^1 dispute is open$/).text, /1 open dispute is not listed/);
    assert.match(step(report, /^Whose money/).text, /vouchers and bonds of challenges are not known/);
    assert.equal(money(report).length, 3);
  });
  await rpc(chain.url, "anvil_mine", ["0x14"]);
  const few = async (method, params, pass) => {
    if (method === "eth_getLogs" && Number(params[0].toBlock) - Number(params[0].fromBlock) >= 5) return { error: { code: -32005, message: "query exceeds 5 blocks" } };
    return { result: await pass() };
  };
  await through(few, async (url) => {
    for (const change of [{}, of(other)]) {
      const found = await facts({ ...change, span: 5 }, url);
      assert.equal(found.epoch.id, fixture.epoch);
      assert.equal(found.epoch.events.length, 2);
    }
  });
});

committed("whatever a node answers in place of one answer, the page says what is wrong or shows what is right", async (t) => {
  await fix();
  await amongNonsense(t, chain.url, addresses.EpochBook, Failure, (url) => explained(of(other), url));
});

committed("more events than are shown are said to be more", async () => {
  const redeemed = topicOf(contracts().events.find((e) => e.name === "LineBonded"));
  const bonded = { address: addresses.EpochBook, topics: [redeemed, toHex(word(BigInt(PROVIDER))), ZERO], data: toHex(word(1)), blockNumber: "0x1", logIndex: "0x0", transactionHash: ZERO, blockTimestamp: "0x1" };
  const many = async (method, params, pass) => ({ result: method === "eth_getLogs" && Array.isArray(params[0].topics[0]) && params[0].topics[0].includes(redeemed) ? Array(2_001).fill(bonded) : await pass() });
  await through(many, async (url) => {
    const report = await explained({}, url);
    assert.equal(step(report, /^What happened$/).tone, "warn");
    assert.match(step(report, /^What happened$/).text, /not shown/);
    assert.match(step(report, /^Whose money/).text, /Not all vouchers and bonds are listed/);
    assert.match(step(report, /^1 dispute is open$/).text, /1 open dispute is not listed/);
  });
});

// The page's reading of a chain, against the contracts of this repository on anvil: script/page --check. The claim is that of
// test/fixtures/posted, and its final proof a real one. Needs npm ci and the verifier in WebAssembly.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import test, { after, before } from "node:test";
import { contracts, knownKeys } from "../packages/page/embed.mjs";
import { encode } from "../packages/page/src/abi.js";
import { toHex } from "../packages/page/src/bytes.js";
import { readChain } from "../packages/page/src/chain.js";
import { checkOnChain, claimsOf, OUTPUT, WHOLE } from "../packages/page/src/claim.js";
import { explainClaim, matchStep, onChainStep } from "../packages/page/src/explain-claim.js";
import { compare, onChainQuestion, sessionOf } from "../packages/page/src/match.js";
import { assemble, recognize } from "../packages/page/src/read.js";
import { Failure, Node } from "../packages/page/src/rpc.js";
import { judge } from "../packages/page/src/verify.js";
import { readUnit } from "../packages/page/src/view.js";
import { load } from "../packages/verifier/index.js";
import { act as actAt, amongNonsense, factOf, later as laterAt, read, replay, rpc, start, step, through as throughAt } from "./page/chain.mjs";

const fixture = read("test/fixtures/posted/chain.json");
const { addresses } = fixture;
const last = fixture.transactions.length;
const CHALLENGER = "0x90f79bf6eb2c4f870365e785982e1f101e93b906";
const [OWNER, REQUESTER, PROVIDER] = ["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "0x70997970c51812dc3a010c7d01b50e0d17dc79c8", "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc"];
const utc = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
const ETHER = 10n ** 18n;
const ZERO = `0x${"0".repeat(64)}`;

let chain;
let snapshot;
/** The chain as it was before the claim's job was opened, when it was locked, and when the claim was posted. */
const stages = {};

before(async () => {
  chain = await start("--timestamp", String(fixture.start));
  await replay(chain.url, fixture, 0, last - 4);
  stages.registered = await rpc(chain.url, "evm_snapshot");
  await replay(chain.url, fixture, last - 4, last - 1);
});
after(() => chain?.stop());

/** Runs a test on the chain with the posted claim, and takes back what it did. */
const posted = (name, run, options = {}) =>
  test(name, options, async (t) => {
    snapshot = await rpc(chain.url, "evm_snapshot");
    try {
      await run(t);
    } finally {
      assert.equal(await rpc(chain.url, "evm_revert", [snapshot]), true);
    }
  });

const question = (change) => ({ address: addresses.ClaimLens, id: fixture.claim, where: "", ...change });
const facts = (change, url = chain.url) => readChain(new Node(url), contracts(), question(change));
const refused = async (what, change, url) => {
  await assert.rejects(facts(change, url), (e) => {
    assert.ok(e instanceof Failure, e.stack);
    assert.match(e.what, what);
    assert.ok(e.advice.length > 10, e.advice);
    return true;
  });
};
const explained = async (change) => explainClaim(await facts(change), knownKeys(), fixture.start);
const act = (from, contract, name, values, value) => actAt(chain.url, addresses, from, contract, name, values, value);
const later = (seconds) => laterAt(chain.url, seconds);
const through = (change, run) => throughAt(chain.url, change, run);
const challenge = async (target) => {
  const { claim } = await facts();
  await act(CHALLENGER, "BondEscrow", "deposit", [`0x${"0".repeat(40)}`, ETHER], ETHER);
  await act(CHALLENGER, "ClaimBook", "challenge", [claim, target, ZERO]);
  return claim;
};

// ---------------------------------------------------------------- a claim's life

posted("a posted claim: where it stands, money, deadlines, code", async () => {
  const read = await facts();
  const report = explainClaim(read, knownKeys(), fixture.start);
  assert.deepEqual([report.headline.tone, report.headline.title], ["info", "Claimed, not settled"]);
  assert.match(report.headline.text, /0 of 10 layers are proven, 0 challenges open/);
  const code = step(report, /^The code on chain is the reproducible build's$/);
  assert.equal(code.tone, "good");
  assert.deepEqual(read.codes.map((c) => c.found), ["ClaimLens", "ClaimBook", "JobMarket", "ModelRegistry", "BondEscrow", "TokenDigests", "AuditBeacon", "FinalVerifier"]);
  const money = step(report, /^Who owes what to whom$/);
  assert.deepEqual(money.table.rows.map((row) => row.slice(0, 3)), [["price, from the requester", "0.01 ETH", "held"], ["stake, from the provider", "0.272707995079950799 ETH", "held"]]);
  assert.deepEqual(["requester", "provider", "recipient"].map((name) => factOf(money, new RegExp(`^${name}$`)).value), [REQUESTER, PROVIDER, PROVIDER]);
  const postedAt = fixture.transactions[last - 2].timestamp;
  const deadlines = step(report, /^Deadlines$/);
  assert.deepEqual([factOf(deadlines, /challenged/).deadline, factOf(deadlines, /proven until/).deadline], [postedAt + 3600, postedAt + 3600 + 7200]);
  assert.equal(factOf(deadlines, /challenged/).value, utc(postedAt + 3600));
  assert.equal(factOf(step(report, /^Next/), /until/).deadline, postedAt + 3600);
  assert.equal(step(report, /development setup/).tone, "bad");
  assert.deepEqual(step(report, /^What happened$/).table.rows.length, 1);
  assert.match(factOf(step(report, /^The claim$/), /^claim$/).value, new RegExp(fixture.claim));
});

posted("a job's id finds its claim; a block or a transaction, too", async () => {
  const { id, transaction } = await facts({ id: fixture.job });
  assert.equal(id, fixture.claim);
  assert.equal((await facts({ where: transaction })).id, fixture.claim);
  assert.equal((await facts({ where: String(last - 1) })).id, fixture.claim);
});

posted("a challenge: its bond, its deadline, who has to act", async () => {
  await challenge(3);
  const report = await explained();
  assert.match(report.headline.text, /1 challenge open/);
  const bond = step(report, /^Who owes/).table.rows[2];
  assert.match(bond[0], new RegExp(`bond for layer 3 \\(attention of block 1\\), from ${CHALLENGER}`));
  assert.equal(bond[1], "0.001640000000000001 ETH");
  const next = step(report, /^Next: prove$/);
  assert.equal(factOf(next, /^calls$/).value, "prove for layer 3");
  assert.ok(factOf(step(report, /^Deadlines$/), /challenge of layer 3/).deadline > fixture.start);
  assert.equal(step(report, /^Challenges$/).tone, "warn");
  assert.match(step(report, /^What happened$/).table.rows[1][1], /challenged layer 3 .* with a bond of 0\.001640000000000001 ETH/);
});

posted("a proof of all layers answers; after the window the claim is settled, and the bond is the recipient's", async () => {
  const claim = await challenge(3);
  await replay(chain.url, fixture, last - 1);
  const proven = await explained();
  assert.match(proven.headline.text, /10 of 10 layers are proven, 0 challenges open/);
  assert.match(step(proven, /^Challenges$/).facts[0].value, /^answered, 1 bond held$/);
  assert.match(step(proven, /^What happened$/).table.rows.at(-1)[1], /A final proof showed layers 0–9/);
  await later(3601);
  await act(OWNER, "ClaimBook", "finalize", [claim]);
  const ended = await explained();
  assert.deepEqual([ended.headline.tone, ended.headline.title], ["warn", "Proven and paid"]);
  assert.match(ended.headline.text, /development setup/);
  const rows = step(ended, /^Who owes/).table.rows;
  assert.deepEqual(rows[0].slice(2), ["paid", "to the recipient"]);
  assert.deepEqual(rows[2].slice(2), ["held", "to the recipient, since the layer was proven"]);
  assert.match(step(ended, /^Next: pay out a bond$/).facts[1].value, /^resolve for layer 3$/);
  await act(OWNER, "ClaimBook", "resolve", [claim, 3, CHALLENGER]);
  const paid = await explained();
  assert.deepEqual(step(paid, /^Who owes/).table.rows[2].slice(2), ["paid", `to ${PROVIDER}`]);
  assert.equal(step(paid, /^Nothing is left to do$/).tone, "info");
});

posted("silence: the stake is slashed, and its parts are named to the last unit", async () => {
  const claim = await challenge(WHOLE);
  assert.equal(step(await explained(), /^Who owes/).table.rows[2][1], "0.01640000000000001 ETH", "the bond of all layers");
  await later(7201);
  assert.match(step(await explained(), /^Next/).title, /since a challenge was not answered in time/);
  await act(OWNER, "ClaimBook", "timeout", [claim, WHOLE]);
  const report = await explained();
  assert.deepEqual([report.headline.tone, report.headline.title], ["bad", "Defeated"]);
  const rows = step(report, /^Who owes/).table.rows;
  const parts = rows.filter(([what]) => what === "part of the stake").map((row) => BigInt(row[1].match(/^0\.(\d{18}|\d+) ETH$/)[1].padEnd(18, "0")));
  assert.equal(parts.length, 3);
  assert.equal(parts.reduce((a, b) => a + b), 272707995079950799n);
  assert.match(rows.at(-1)[3], /back to the challenger/);
  await act(OWNER, "ClaimBook", "resolve", [claim, WHOLE, CHALLENGER]);
  const [, amount, now, where] = step(await explained(), /^Who owes/).table.rows.at(-1);
  assert.deepEqual([amount, now], ["0.01640000000000001 ETH", "paid"]);
  assert.match(where, /^back to the challenger, with 0\.109083198031980319 ETH of the stake$/);
});

posted("the tokens are demanded, and accepted", async () => {
  const { claim } = await facts();
  await act(REQUESTER, "ClaimBook", "demand", [claim]);
  const demanded = await explained();
  assert.ok(factOf(step(demanded, /^Deadlines$/), /tokens have to be published/).deadline > fixture.start);
  assert.equal(step(demanded, /^Challenges$/).facts[0].name, "the answer's tokens");
  assert.equal(step(demanded, /^Who owes/).table.rows.length, 2, "a demand has no bond");
  assert.match(step(demanded, /^What happened$/).table.rows.at(-1)[1], /demanded the answer's tokens/);
  assert.equal((await facts()).challenges[0].target, OUTPUT);
  await act(REQUESTER, "ClaimBook", "acceptOutput", [claim]);
  assert.match(step(await explained(), /^What happened$/).table.rows.at(-1)[1], /tokens are settled/);
});

posted("a frozen verifier: nothing can be proven, and the claim is voided", async () => {
  const { claim } = await facts();
  await act(OWNER, "ModelRegistry", "freeze", [claim.verifier, "a flaw"]);
  const frozen = await explained();
  assert.equal(frozen.headline.title, "Its verifier is frozen");
  assert.match(step(frozen, /^Next: void/).facts[1].value, /^voidClaim$/);
  await act(OWNER, "ClaimBook", "voidClaim", [claim]);
  const voided = await explained();
  assert.deepEqual([voided.headline.tone, voided.headline.title], ["warn", "Voided"]);
  assert.deepEqual(step(voided, /^Who owes/).table.rows.map((row) => row[2]), ["released", "released"]);
});

posted("a node that is far from this machine's time is named", async () => {
  const report = explainClaim(await facts(), knownKeys(), fixture.start + 100_000);
  assert.match(step(report, /newest block is not of now/).text, /older than this machine's clock/);
  assert.ok((await explained()).steps.every((s) => !/newest block/.test(s.title)));
});

posted("amounts of a token are in its symbol and decimals, which may be hostile or missing", async () => {
  const { view } = await facts();
  const token = "0x00000000000000000000000000000000000000bb";
  const data = toHex(encode([{ type: "string", name: "" }], ["US\u202eD"])).slice(2);
  assert.equal(data.length, 2 * 96);
  // A contract that gives this text for symbol(), and 6 for all else.
  await rpc(chain.url, "anvil_setCode", [token, `0x5f3560e01c6395d89b411460165760065f5260205ff35b606060215f3960605ff3${data}`]);
  assert.deepEqual(await readUnit(view, token), { symbol: "US⟨U+202E⟩D", decimals: 6 });
  assert.deepEqual(await readUnit(view, addresses.ClaimBook), { symbol: addresses.ClaimBook, decimals: undefined });
  assert.deepEqual(await readUnit(view, CHALLENGER), { symbol: CHALLENGER, decimals: undefined });
});

// ---------------------------------------------------------------- files beside the chain

const wasm = new URL("../packages/verifier/verifier.wasm", import.meta.url);
const needsWasm = { skip: existsSync(wasm) ? false : "packages/verifier/verifier.wasm is not built: script/wasm" };
async function judged(change = () => {}, names = ["manifest", "claim", "final"]) {
  const files = Object.fromEntries(names.map((name) => [name, read(`test/fixtures/posted/${name}.json`)]));
  change(files);
  const items = Object.entries(files).flatMap(([name, value]) => recognize({ name, folder: "", text: JSON.stringify(value) }));
  return judge(await load(readFileSync(wasm)), assemble(items, knownKeys()).input);
}

posted(
  "the claim's files are the claim, and the contracts accept the proof that the verifier here accepts",
  async () => {
    const [own, read] = [await judged(), await facts()];
    assert.equal(own.verdict.accepted, true, own.verdict.reason);
    const rows = compare(own, sessionOf(own, read), read);
    assert.ok(rows.length >= 16 && rows.some((row) => row.what === "claim digest"));
    assert.equal(matchStep(rows).tone, "good", JSON.stringify(rows.filter((row) => !row.same)));
    const asked = onChainQuestion(own, await claimsOf(read, [fixture.job]));
    assert.deepEqual(await checkOnChain(read, asked), { valid: true, reason: "" });
    // The chain's own verdict: it does not say yes to everything.
    const other = { ...asked, proof: asked.proof.replace(/..$/, (byte) => (byte === "00" ? "01" : "00")) };
    const verdict = await checkOnChain(read, other);
    assert.equal(verdict.valid, false);
    assert.match(verdict.reason, /^(ProofRejected|PointNotOnCurve|CoordinateNotReduced)\(/);
    assert.match(onChainStep(verdict).text, /ClaimLens\.checkProof/);
  },
  needsWasm,
);

posted(
  "a final proof of several claims: the contracts are asked about all of them, if they are on the chain",
  async () => {
    const [both, read] = [await judged(() => {}, ["manifest", "claim", "other-claim", "both"]), await facts()];
    assert.equal(both.verdict.accepted, true, both.verdict.reason);
    const jobs = both.sessions.map(({ claim }) => claim.context.claim);
    assert.equal(jobs.length, 2);
    assert.equal(matchStep(compare(both, sessionOf(both, read), read)).tone, "good");
    const claims = await claimsOf(read, jobs);
    assert.deepEqual(claims.map((claim) => claim.job), jobs);
    const asked = onChainQuestion(both, claims);
    assert.deepEqual(await checkOnChain(read, asked), { valid: true, reason: "" });
    assert.equal((await checkOnChain(read, { ...asked, proofs: asked.proofs.toReversed() })).valid, false);
    assert.equal(onChainQuestion(both, await claimsOf(read, [jobs[0], ZERO])), undefined);
    assert.equal(onChainStep(undefined).tone, "warn");
  },
  needsWasm,
);

posted(
  "files of another claim, and each changed field, are named",
  async () => {
    const read = await facts();
    const flip = (text) => text.replace(/.$/, (c) => (c === "0" ? "1" : "0"));
    const changes = {
      recipient: (f) => (f.claim.context.recipient = flip(f.claim.context.recipient)),
      contract: (f) => (f.claim.context.contract = flip(f.claim.context.contract)),
      chain: (f) => (f.claim.context.chain = 1),
      "prompt digest": (f) => (f.claim.input_digest = flip(f.claim.input_digest)),
      "answer digest": (f) => (f.claim.output_digest = flip(f.claim.output_digest)),
      "generated tokens": (f) => (f.claim.generated_tokens = 3),
      "model id": (f) => (f.claim.model_id = flip(f.claim.model_id)),
      "digest of the session's seed": (f) => (f.claim.seed_digest = flip(f.claim.seed_digest)),
      "activation commitments": (f) => f.claim.activations.reverse(),
      "root of the programs": (f) => (f.manifest.programs[0].key = flip(f.manifest.programs[0].key)),
      setup: (f) => (f.manifest.setup = flip(f.manifest.setup)),
    };
    for (const [what, change] of Object.entries(changes)) {
      const files = await judged((f) => {
        // A manifest of another setup has no key here: the key is not what is tested.
        change(f);
        if (what === "setup") f.key = { ...knownKeys()[0].key, setup: f.manifest.setup };
      });
      const found = matchStep(compare(files, sessionOf(files, read), read));
      assert.equal(found.tone, "bad", what);
      assert.match(found.text, new RegExp(what), what);
      // The seed's digest is in no statement: the verifier does not see that it was changed. The chain does.
      assert.equal(files.verdict.accepted, what === "digest of the session's seed", what);
    }
    // Files may have anything where a digest belongs.
    for (const value of [null, {}, { toString: 1 }, [], "", 7, Array(100_000).fill(`0x${"00".repeat(31)}01`)]) {
      for (const name of ["input_digest", "model_id", "activations", "prompt_tokens", "seed_digest"]) {
        const files = await judged((f) => (f.claim[name] = value));
        assert.equal(matchStep(compare(files, sessionOf(files, read), read)).tone, "bad", `${name} ${JSON.stringify(value).slice(0, 20)}`);
      }
    }
    const other = await judged((f) => (f.claim.context.claim = flip(f.claim.context.claim)));
    assert.equal(sessionOf(other, read), undefined);
  },
  needsWasm,
);

// ---------------------------------------------------------------- what goes wrong

posted("a wrong chain, address or id says what to do", async () => {
  await refused(/^The node is of chain 31337 \(a local test chain\), and the claim's file is of chain 1 \(Ethereum\)\.$/, { files: { chain: 1, what: "the claim's file" } });
  assert.equal((await facts({ files: { chain: 31337, what: "the claim's file" } })).chain, 31337);
  await refused(/^There is no contract at 0x90f7.* on chain 31337/, { address: CHALLENGER });
  await refused(/^The contract at 0xa762.* is ClaimBook\.$/, { address: addresses.ClaimBook });
  await refused(/is neither ClaimLens nor EpochLens\.$/, { address: "0x4e59b44847b379578588920ca78fbf26c0b4956c" });
  await refused(/^No claim and no job has this id on this chain\.$/, { id: `0x${"12".repeat(32)}` });
  await refused(/^The node has no such transaction\.$/, { where: `0x${"12".repeat(32)}` });
  await refused(new RegExp(`^Block 12345 is ahead of the node's newest one, ${last - 1}\\.$`), { where: "12345" });
  const other = (await rpc(chain.url, "eth_getBlockByNumber", ["0x1", false])).transactions[0];
  await refused(/^This transaction did not post the claim/, { where: other });
});

posted("other code at a contract is named, although it answers the same", async () => {
  for (const [contract, expected] of [["ClaimLens", "ClaimLens"], ["FinalVerifier", "FinalVerifier"], ["ModelRegistry", "ModelRegistry"]]) {
    const code = await rpc(chain.url, "eth_getCode", [addresses[contract], "latest"]);
    // Metadata at the end: never executed.
    await rpc(chain.url, "anvil_setCode", [addresses[contract], code.replace(/.$/, (c) => (c === "0" ? "1" : "0"))]);
    const report = await explained();
    assert.deepEqual([report.headline.tone, report.headline.title], ["bad", "Other contracts"]);
    assert.match(step(report, /is not the build's$/).title, new RegExp(expected));
    await rpc(chain.url, "anvil_setCode", [addresses[contract], code]);
  }
  // The build's code with other addresses in it: a lens that reads another registry.
  const lens = await rpc(chain.url, "eth_getCode", [addresses.ClaimLens, "latest"]);
  const market = await rpc(chain.url, "eth_getCode", [addresses.JobMarket, "latest"]);
  const twin = "0x00000000000000000000000000000000000000aa";
  await rpc(chain.url, "anvil_setCode", [twin, await rpc(chain.url, "eth_getCode", [addresses.ModelRegistry, "latest"])]);
  await rpc(chain.url, "anvil_setCode", [addresses.JobMarket, market.replaceAll(addresses.ModelRegistry.slice(2), twin.slice(2))]);
  const report = await explained();
  assert.match(step(report, /do not belong together$/).facts.at(-1).value, /^JobMarket\.registry is 0x0+aa/);
  assert.equal(report.headline.title, "Other contracts");
  await rpc(chain.url, "anvil_setCode", [addresses.ClaimLens, lens]);
});

posted("a node that searches few blocks at a time is asked in parts", async () => {
  await rpc(chain.url, "anvil_mine", ["0x14"]);
  const few = async (method, params, pass) => {
    if (method === "eth_getLogs" && Number(params[0].toBlock) - Number(params[0].fromBlock) >= 5) {
      return { error: { code: -32005, message: "query exceeds 5 blocks" } };
    }
    return { result: await pass() };
  };
  await through(few, async (url) => {
    const read = await facts({ span: 5 }, url);
    assert.equal(read.id, fixture.claim);
    assert.equal(read.events.length, 1);
    await refused(/answers eth_getLogs with an error \(code -32005\): query exceeds 5 blocks/, { span: 6 }, url);
  });
  await through(async (method, _, pass) => ({ result: method === "eth_getLogs" ? [] : await pass() }), (url) =>
    refused(/^The claim is on this chain, but the node did not find the event/, {}, url),
  );
  const none = async (method, params, pass) => (method === "eth_getLogs" ? { error: { code: -32601, message: "no logs here" } } : { result: await pass() });
  await through(none, async (url) => {
    await refused(/answers eth_getLogs with an error \(code -32601\): no logs here/, {}, url);
    const { transaction } = await facts();
    await challenge(WHOLE);
    const read = await facts({ where: transaction }, url);
    const rows = step(explainClaim(read, knownKeys(), fixture.start), /^Who owes/).table.rows;
    assert.deepEqual(rows[2].slice(0, 2), ["bonds of 1 challenger of all layers", "0.01640000000000001 ETH"]);
    assert.match(step(explainClaim(read, knownKeys(), fixture.start), /^What happened$/).text, /did not give the claim's events: .*no logs here/);
  });
});

posted("a node that makes up a claim's fields is caught by the claim's id", async () => {
  const lies = async (method, _, pass) => {
    const result = await pass();
    if (method === "eth_getLogs") for (const log of result) log.data = log.data.replace(PROVIDER.slice(2), CHALLENGER.slice(2));
    return { result };
  };
  await through(lies, (url) => refused(/is not that of this claim: its fields have another hash/, {}, url));
  const elsewhere = async (method, _, pass) => {
    const result = await pass();
    if (method === "eth_getLogs") for (const log of result) log.address = addresses.JobMarket;
    return { result };
  };
  await through(elsewhere, (url) => refused(/did not find the event/, {}, url));
  const short = async (method, _, pass) => {
    const result = await pass();
    if (method === "eth_getLogs") for (const log of result) log.data = log.data.slice(0, 200);
    return { result };
  };
  await through(short, (url) => refused(/^An event cannot be read/, {}, url));
  const nonsense = async (method, _, pass) => ({ result: method === "eth_call" ? "0x01" : await pass() });
  await through(nonsense, (url) => refused(/does not answer ClaimLens\.\w+ as it should/, {}, url));
  for (const [method, answer, what] of [["eth_chainId", "one", /the chain's id is no number/], ["eth_getBlockByNumber", null, /no newest block/], ["eth_getCode", "code", /is not hexadecimal/], ["eth_getLogs", {}, /is no list/]]) {
    await through(async (asked, _, pass) => ({ result: asked === method ? answer : await pass() }), (url) => refused(what, {}, url));
  }
});

posted("whatever a node answers in place of one answer, the page says what is wrong or shows what is right", async (t) => {
  const { transaction } = await facts();
  for (const where of ["", transaction]) {
    await amongNonsense(t, chain.url, addresses.ClaimBook, Failure, async (url) => explainClaim(await facts({ where }, url), knownKeys(), fixture.start));
  }
});

posted("more events than are shown are said to be more", async () => {
  const many = async (method, params, pass) => {
    const result = await pass();
    return { result: method === "eth_getLogs" && params[0].topics[0] === null && result.length > 0 ? Array(2_001).fill(result[0]) : result };
  };
  await through(many, async (url) => {
    const report = explainClaim(await facts({}, url), knownKeys(), fixture.start);
    assert.equal(step(report, /^What happened$/).tone, "warn");
    assert.match(step(report, /^What happened$/).text, /not shown/);
    assert.match(step(report, /^Who owes/).text, /Not all bonds are listed/);
  });
});

// It goes back behind the posted claim: the last test.
test("the id of a job that has no claim yet says where the job stands", async () => {
  assert.equal(await rpc(chain.url, "evm_revert", [stages.registered]), true);
  await refused(/^No claim and no job has this id/, { id: fixture.job });
  await replay(chain.url, fixture, last - 4, last - 3);
  await refused(/^This is the id of a job that has no claim yet\. Open: no provider has taken the job\./, { id: fixture.job });
  await replay(chain.url, fixture, last - 3, last - 2);
  await refused(/Locked: a provider staked on the job/, { id: fixture.job });
});

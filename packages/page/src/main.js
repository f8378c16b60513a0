// The page: what a visitor does → read → verify → explain → draw.
import { load } from "../../verifier/index.js";
import { readChain } from "./chain.js";
import { checkOnChain, claimsOf } from "./claim.js";
import { drawItems, drawProblems, drawReport } from "./draw.js";
import { readOnChain } from "./epoch.js";
import { explain } from "./explain.js";
import { explainClaim, matchStep, noSessionStep, onChainStep } from "./explain-claim.js";
import { explainEpochAnd, explainReceipt, receiptBeside } from "./explain-receipt.js";
import { leftText } from "./format.js";
import { compare, onChainQuestion, sessionOf } from "./match.js";
import { assemble, digestEntered, MAX_FILE_BYTES, MAX_FILES, recognize } from "./read.js";
import { readReceipt } from "./receipt.js";
import { Failure, Node as ChainNode } from "./rpc.js";
import { listed, shown } from "./text.js";
import { judge } from "./verify.js";

const embedded = JSON.parse(byId("embedded").textContent);

const state = {
  /** @type {import("./read.js").Source[]} */
  sources: [],
  /** @type {import("./verify.js").Judged | undefined} */
  judged: undefined,
  /** @type {import("./receipt.js").Signed | undefined} */
  receipt: undefined,
  /** @type {{ facts: import("./chain.js").Facts, at: number } | undefined} */
  chain: undefined,
  /** Of updates of the files and readings of the chain: only the newest is drawn. */
  turn: 0,
  reading: 0,
};

/** @param {string} id @returns {any} */
function byId(id) {
  return document.getElementById(id);
}

/** Says something to screen readers. @param {string} text */
const say = (text) => byId("say").replaceChildren(shown(text, 600));

// ---------------------------------------------------------------- the verifier

async function loadVerifier() {
  const packed = Uint8Array.from(atob(embedded.wasm), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const loaded = await load(await new Response(stream).arrayBuffer());
  // A browser that computes wrongly is noticed here, and code is compiled further by being used while files are chosen.
  const { input } = assemble(embedded.example.flatMap(recognize), embedded.knownKeys);
  if (!judge(loaded, input).verdict.accepted) throw new Error("it refuses this page's own example, whose proof is valid");
  return loaded;
}

/** @type {Promise<{ verify: (question: any) => any }> | undefined} */
let verifier;

/** @param {import("./read.js").Input} input */
async function verified(input) {
  verifier ??= loadVerifier();
  try {
    return judge(await verifier, input);
  } catch (error) {
    // What is left of an instance that failed is not asked again.
    verifier = undefined;
    throw new Failure(
      `The verifier does not run here: ${shown(/** @type {Error} */ (error).message, 200)}.`,
      "Use a browser of the last two years, with WebAssembly allowed; or nanozk verify --final --final-key.",
    );
  }
}

/** A receipt's digests and signature take some time: the same file is read once. */
const read = { text: "", receipt: /** @type {import("./receipt.js").Signed | undefined} */ (undefined) };

/** @param {any} value Of a receipt's file; undefined if there is none. */
function receiptOf(value) {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value);
  if (text !== read.text) Object.assign(read, { text, receipt: readReceipt(value) });
  return read.receipt;
}

// ---------------------------------------------------------------- files

/** Files of what was dropped, directories as well. @param {DataTransferItemList} items */
async function dropped(items) {
  const entries = [...items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  /** @type {[File, string][]} */
  const files = [];
  const walk = async (/** @type {any} */ entry, /** @type {string} */ folder, /** @type {number} */ depth) => {
    if (entry === null || files.length >= MAX_FILES || depth > 4) return;
    if (entry instanceof File) files.push([entry, folder]);
    else if (entry.isFile) files.push([await new Promise((resolve, reject) => entry.file(resolve, reject)), folder]);
    else {
      const reader = entry.createReader();
      for (let some; (some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length > 0; ) {
        for (const one of some) await walk(one, entry.fullPath, depth + 1);
      }
    }
  };
  for (const entry of entries) await walk(entry, "", 0);
  // Of a directory only what can be needed.
  return files.filter(([file, folder]) => folder === "" || file.name.endsWith(".json"));
}

/** @param {[File, string][]} files */
async function addFiles(files) {
  for (const [file, folder] of files.slice(0, MAX_FILES)) {
    const text = file.size > MAX_FILE_BYTES ? undefined : await file.text().catch(() => undefined);
    state.sources.push({ name: file.name, folder, text });
  }
  state.sources = state.sources.slice(-MAX_FILES);
  await added();
}

/** Something new was given: its result is brought into view. */
async function added() {
  await update();
  byId("files-result-headline")?.scrollIntoView({ block: "nearest" });
}

/** Reads, verifies, explains and draws again. */
async function update() {
  const turn = ++state.turn;
  const list = byId("items");
  const items = state.sources.map(recognize);
  drawItems(list, items.map(summary), (index) => {
    state.sources.splice(index, 1);
    const buttons = list.querySelectorAll("button");
    (buttons.length > 1 ? byId("items-title") : byId("files")).focus();
    update();
  });
  list.hidden = items.length === 0;
  byId("clear").hidden = items.length === 0;
  const [model, key] = [digestEntered(byId("model").value, "model id"), digestEntered(byId("key").value, "digest of a key")];
  const given = items.length === 0 ? { input: undefined, receipt: undefined, problems: [] } : assemble(items.flat(), embedded.knownKeys);
  const { input, problems } = given;
  const all = [...problems, ...[model.problem, key.problem].filter((problem) => problem !== undefined)];
  byId("model").setAttribute("aria-invalid", String(model.problem !== undefined));
  byId("key").setAttribute("aria-invalid", String(key.problem !== undefined));
  drawProblems(byId("problems"), all);
  byId("problems").hidden = all.length === 0;
  state.judged = undefined;
  state.receipt = receiptOf(given.receipt);
  const result = byId("files-result");
  if (all.length === 0 && input === undefined && state.receipt !== undefined) {
    show(result, "The files", explainReceipt(state.receipt));
  } else if (input === undefined || all.length > 0) {
    result.replaceChildren();
    if (all.length > 0) say(all.map(({ what, advice }) => `${what} ${advice}`).join(" "));
  } else {
    try {
      const judged = await verified(input);
      if (turn !== state.turn) return;
      state.judged = judged;
      const { headline, steps } = explain(state.judged, embedded.knownKeys, { model: model.digest, key: key.digest });
      const beside = state.receipt === undefined ? [] : [receiptBeside(state.receipt)];
      show(result, "The files", { headline, steps: [...steps, ...beside] });
    } catch (error) {
      if (turn !== state.turn) return;
      failed(result, "The files", error);
    }
  }
  byId("empty").hidden = result.childElementCount > 0 || byId("chain-result").childElementCount > 0;
  if (state.chain !== undefined) await drawChain();
}

/** One line for a source, which has one item at least. @param {import("./read.js").Item[]} items */
function summary(items) {
  const wrong = items.find((item) => item.kind === "wrong");
  if (wrong !== undefined || items.length === 1) return wrong ?? items[0];
  return { ...items[0], what: listed(items.map((item) => item.kind)) };
}

/** @param {any} into @param {string} title @param {import("./explain.js").Report} report */
function show(into, title, report) {
  drawReport(into, title, report);
  say(`${report.headline.title}. ${report.headline.text}`);
}

/** Shows a failure. What is no failure of ours is a defect, and is shown as one. @param {any} into @param {string} title @param {unknown} error */
function failed(into, title, error) {
  const failure = error instanceof Failure ? error : new Failure(`This page failed: ${shown(/** @type {any} */ (error)?.message, 200)}.`, "This is a defect of the page: report it with the files, if they may be shown.");
  if (failure !== error) console.error(error);
  drawReport(into, title, { headline: { tone: "bad", title: "This did not work", text: failure.what, advice: failure.advice }, steps: [] });
  say(`${failure.what} ${failure.advice}`);
}

// ---------------------------------------------------------------- the chain

/** The chain that the visitor's claims are of, if they are of one, or else the receipt. */
function chainOfFiles() {
  const chains = new Set(state.judged?.sessions.map(({ claim }) => claim.context?.chain).filter((chain) => Number.isSafeInteger(chain) && chain > 0));
  if (chains.size === 1) return { chain: /** @type {number} */ ([...chains][0]), what: "the claim's file" };
  return state.receipt === undefined ? undefined : { chain: state.receipt.books.chain_id, what: "the receipt" };
}

/** @param {Event} event */
async function ask(event) {
  event.preventDefault();
  const [result, button] = [byId("chain-result"), byId("read")];
  const reading = ++state.reading;
  state.chain = undefined;
  result.replaceChildren();
  button.setAttribute("aria-busy", "true");
  say("Reading the chain.");
  try {
    const node = new ChainNode(byId("rpc").value);
    const question = { address: byId("lens").value, id: byId("claim").value, where: byId("where").value, files: chainOfFiles(), receipt: state.receipt };
    const facts = await readChain(node, embedded.contracts, question);
    if (reading !== state.reading) return;
    state.chain = { facts, at: performance.now() };
    await drawChain();
    byId("chain-result-headline")?.focus();
  } catch (error) {
    if (reading !== state.reading) return;
    failed(result, "The chain", error);
    byId("chain-result-headline")?.focus();
  } finally {
    if (reading === state.reading) button.removeAttribute("aria-busy");
    byId("empty").hidden = true;
  }
}

/** Draws what was read, with the files beside it if there are any. */
async function drawChain() {
  const { chain, judged, receipt, reading } = state;
  const { facts } = chain;
  const report = facts.kind === "epoch" ? await epochReport(facts, receipt) : await claimReport(facts, judged);
  if (reading !== state.reading || judged !== state.judged || receipt !== state.receipt) return;
  show(byId("chain-result"), "The chain", report);
  tick();
}

const clock = () => Math.floor(Date.now() / 1000);

/** @param {import("./claim.js").Facts} facts @param {import("./verify.js").Judged | undefined} judged */
async function claimReport(facts, judged) {
  const report = explainClaim(facts, embedded.knownKeys, clock());
  const steps = judged === undefined ? [] : await compared(judged, facts);
  return { ...report, steps: [...steps, ...report.steps] };
}

/** @param {import("./epoch.js").EpochFacts} facts @param {import("./receipt.js").Signed | undefined} receipt */
async function epochReport(facts, receipt) {
  try {
    return explainEpochAnd(facts, receipt && (await readOnChain(facts, receipt)), embedded.knownKeys, clock());
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const report = explainEpochAnd(facts, undefined, embedded.knownKeys, clock());
    return { ...report, steps: [couldNotAsk("receipt", error), ...report.steps] };
  }
}

/** @param {string} what @param {Failure} error @returns {import("./explain.js").Step} */
const couldNotAsk = (what, error) => ({ tone: "warn", title: `The contracts could not be asked about your ${what}`, text: `${error.what} ${error.advice}` });

/** @param {import("./verify.js").Judged} judged @param {import("./claim.js").Facts} facts @returns {Promise<import("./explain.js").Step[]>} */
async function compared(judged, facts) {
  const index = sessionOf(judged, facts);
  if (index === undefined) return [noSessionStep()];
  const rows = compare(judged, index, facts);
  if (!judged.verdict.accepted || !rows.every((row) => row.same)) return [matchStep(rows), onChainStep(undefined)];
  try {
    const jobs = judged.sessions.map(({ claim }) => claim.context.claim);
    const question = onChainQuestion(judged, await claimsOf(facts, jobs));
    return [matchStep(rows), onChainStep(question && (await checkOnChain(facts, question)))];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [matchStep(rows), couldNotAsk("proof", error)];
  }
}

/** Counts down, by the chain's time and this machine's steady clock. */
function tick() {
  if (state.chain === undefined) return;
  const { facts, at } = state.chain;
  const now = Math.floor(facts.block.timestamp + (performance.now() - at) / 1000);
  for (const element of byId("chain-result").querySelectorAll("[data-deadline]")) {
    const text = leftText(Number(element.dataset.deadline), now);
    if (element.textContent !== text) element.replaceChildren(text);
  }
}

// ---------------------------------------------------------------- what a visitor does

function start() {
  const drop = byId("drop");
  byId("files").addEventListener("change", async (/** @type {any} */ event) => {
    const files = [...event.target.files];
    event.target.value = "";
    await addFiles(files.map((file) => [file, ""]));
  });
  // Files that miss the field do not replace the page.
  for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  addEventListener("drop", async (event) => addFiles(await dropped(event.dataTransfer.items)));
  byId("add").addEventListener("click", async () => {
    state.sources.push({ name: "pasted text", folder: "", text: byId("paste").value });
    byId("paste").value = "";
    await added();
  });
  byId("example").addEventListener("click", async () => {
    state.sources = embedded.example.slice();
    await added();
  });
  byId("clear").addEventListener("click", async () => {
    state.sources = [];
    byId("files").focus();
    await update();
  });
  for (const id of ["model", "key"]) byId(id).addEventListener("change", update);
  byId("chain").addEventListener("submit", ask);
  setInterval(tick, 1000);
  // What is wrong with it is said when it is needed.
  verifier = loadVerifier();
  verifier.catch(() => {});
}

start();

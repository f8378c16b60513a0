// A claim on chain in plain words: where it stands, who owes what to whom until when, and whether files are that claim.
import { sameHex } from "./bytes.js";
import { OUTPUT, WHOLE } from "./claim.js";
import { layerName } from "./explain.js";
import { codeStep, deadlineFact, int, isDevelopment, lifeStepOf, limitsOf, nextStepOf, otherContracts, staleSteps, versionStepOf } from "./explain-parts.js";
import { amountText, chainText, ETH, spanText, timeText } from "./format.js";
import { listed, plural, ranges, shown } from "./text.js";
import { setBits } from "./view.js";

/** @typedef {import("./claim.js").Facts} Facts */
/** @typedef {import("./explain.js").Step} Step */
/** @typedef {import("./explain.js").Tone} Tone */
/** @typedef {import("./explain.js").Report} Report */
/** @typedef {import("./match.js").Comparison} Comparison */

const POSTED = 1;
const PROVEN = 2;
const FINALIZED = 3;
const DEFEATED = 4;
const MODES = ["proofs", "optimistic", "audited"];
const CHALLENGES = ["none", "open", "tokens published", "answered", "not answered in time", "cancelled"];

/** What a challenge is of. @param {number} target @param {number} layers */
function targetText(target, layers) {
  if (target === WHOLE) return "all layers";
  if (target === OUTPUT) return "the answer's tokens";
  return `layer ${target} (${layerName(target, layers)})`;
}

/**
 * @param {Facts} facts
 * @param {import("./explain-parts.js").Known[]} knownKeys
 * @param {number} clock This machine's time, in seconds.
 * @returns {Report}
 */
export function explainClaim(facts, knownKeys, clock) {
  const code = codeStep(facts);
  const development = isDevelopment(facts.version, knownKeys);
  return {
    headline: headlineOf(facts, code, development),
    steps: [
      ...staleSteps(facts.block, clock),
      nextStep(facts),
      moneyStep(facts),
      deadlineStep(facts),
      ...(facts.challenges.length > 0 ? [challengeStep(facts)] : []),
      lifeStep(facts),
      claimStep(facts),
      versionStep(facts, development),
      code,
      limitsOf(facts.url, ["That an answer which was paid without a proof of all layers is right: nobody challenged it, and that is all."]),
    ],
  };
}

// ---------------------------------------------------------------- where it stands

/** @param {Facts} facts @param {Step} code @param {boolean} development */
function headlineOf({ description, verifier }, code, development) {
  const { state, terms } = description;
  const status = int(state.status);
  const layers = `${description.provenLayers} of ${terms.layers} layers are proven`;
  const says = { said: shown(description.status, 400), by: "ClaimLens says" };
  if (code.tone === "bad") return otherContracts("ClaimLens says", description.status, "claim");
  const words = {
    [POSTED]: ["info", "Claimed, not settled", `The provider claims an answer, and nothing is paid yet: ${layers}, ${plural(int(description.openChallenges), "challenge")} open.`],
    [PROVEN]: ["good", "Proven and paid", "Every layer was proven on chain, and the price is the recipient's."],
    [FINALIZED]: ["good", "Paid without a proof of all layers", `No challenge succeeded until the time to challenge was over: ${layers}.`],
    [DEFEATED]: ["bad", "Defeated", `The provider could not prove what it claimed: ${layers}. Its stake is slashed, and the requester has the price back.`],
  }[status] ?? ["warn", "Voided", "The verifier was frozen, and everybody has their money back. Nothing was decided about the answer."];
  const [tone, title, text] = words;
  if (!verifier.usable && status === POSTED) {
    return { tone: /** @type {Tone} */ ("warn"), title: "Its verifier is frozen", text: "Nothing can be proven or paid any more. Anybody may void the claim, and everybody gets their money back.", ...says };
  }
  if (development && tone === "good") {
    return { tone: /** @type {Tone} */ ("warn"), title, text: `${text} But its proofs are of a development setup, whose secret is public: they prove nothing.`, ...says };
  }
  return { tone: /** @type {Tone} */ (tone), title, text, ...says };
}

/** @type {Record<string, string>} What a call of the contracts does. */
const ACTIONS = {
  resolve: "pay out a bond",
  voidClaim: "void the claim",
  revealDraw: "reveal which layers are drawn",
  prove: "prove",
  expireClaim: "end the claim, since layers that had to be proven are not",
  challenge: "challenge a layer, if they find it false",
  finalize: "settle the claim",
  timeout: "end the claim, since a challenge was not answered in time",
  reveal: "publish the answer's tokens",
  acceptOutput: "accept the answer's tokens, or ask for them",
};

/** @param {Facts} facts @returns {Step} */
function nextStep({ next, block }) {
  if (next.action === "") return { tone: "info", title: "Nothing is left to do", text: "The claim is over, and all bonds are paid out." };
  return nextStepOf(next, ACTIONS, int(next.deadline), block);
}

/** @param {Facts} facts @returns {Step} */
function deadlineStep({ description, challenges, block }) {
  const { terms, state, job } = description;
  const now = block.timestamp;
  const proofs = int(terms.mode) === 0;
  const facts = [{ name: "claim posted", value: timeText(terms.postedAt), note: `${spanText(now - int(terms.postedAt))} ago` }];
  const by = (/** @type {string} */ name, /** @type {any} */ deadline) => facts.push(deadlineFact(name, int(deadline), now));
  if (terms.challengeBy !== 0n) by(proofs ? "the tokens may be demanded until" : "layers may be challenged, and the tokens be demanded, until", terms.challengeBy);
  by("layers may be proven until", terms.provenBy);
  if (int(state.output) === 1) by("the tokens have to be published until", state.outputBy);
  if (int(state.output) === 2) by("the published tokens may be disputed until", state.outputBy);
  for (const { target, answerBy, status } of challenges) {
    if (int(status) === 1 && target !== OUTPUT) by(`the challenge of ${targetText(target, int(terms.layers))} has to be answered until`, answerBy);
  }
  const over = int(state.status) !== POSTED;
  return {
    tone: "info",
    title: "Deadlines",
    text: `${over ? "The claim is over, so they decide nothing any more. " : ""}By the chain's time, ${timeText(now)} in block ${block.number}. The second that is named still counts. The job could be taken until ${timeText(job.lockBy)}, and claimed until ${timeText(job.claimBy)}.`,
    facts,
  };
}

// ---------------------------------------------------------------- money

/** @param {Facts} facts @returns {Step} */
function moneyStep(facts) {
  const { description, claim, provider, unit, events } = facts;
  const { job, state } = description;
  const status = int(state.status);
  const amount = (/** @type {bigint} */ value) => amountText(value, unit);
  const price = `price, from the requester`;
  const stake = `stake, from the provider`;
  /** @type {string[][]} */
  const rows = [];
  if (status === POSTED) {
    rows.push([price, amount(job.price), "held", "to the recipient once the claim is proven or finalized; else back to the requester"]);
    rows.push([stake, amount(job.stake), "held", "back to the provider if the claim holds; if it is defeated 40 % to challengers, 30 % to the requester, and the rest is burned"]);
  } else if (status === PROVEN || status === FINALIZED) {
    rows.push([price, amount(job.price), "paid", "to the recipient"]);
    rows.push([stake, amount(job.stake), "released", "back to the provider"]);
  } else if (status === DEFEATED) {
    rows.push([price, amount(job.price), "released", "back to the requester"]);
    rows.push(...slashed(events, job, amount));
  } else {
    rows.push([price, amount(job.price), "released", "back to the requester"]);
    rows.push([stake, amount(job.stake), "released", "back to the provider"]);
  }
  rows.push(...bonds(facts, amount));
  return {
    tone: "info",
    title: "Who owes what to whom",
    text: `One contract, BondEscrow, holds all of it. Settlement moves it between free balances there; each owner withdraws its own.${facts.eventsLeft > 0 ? " Not all bonds are listed: there are too many events." : ""}`,
    table: { head: ["what", "amount", "now", "where it goes"], rows },
    facts: [
      { name: "requester", value: job.requester, code: true },
      { name: "provider", value: provider, code: true },
      { name: "recipient", value: claim.recipient, code: true },
      { name: "asset", value: unit === ETH ? ETH.symbol : claim.asset, code: unit !== ETH },
    ],
  };
}

/** A stake that was slashed. @param {Facts["events"]} events @param {any} job @param {(value: bigint) => string} amount */
function slashed(events, job, amount) {
  const event = events.find((e) => e.name === "JobSlashed");
  if (event === undefined) return [["stake, from the provider", amount(job.stake), "slashed", "40 % to challengers, if there were any, 30 % to the requester, the rest burned"]];
  const { toChallengers, toRequester, burned } = event.values;
  return [
    ...(toChallengers > 0n ? [["part of the stake", amount(toChallengers), "slashed", "to all whose challenge was open, in equal parts"]] : []),
    ["part of the stake", amount(toRequester), "slashed", "to the requester"],
    ["part of the stake", amount(burned), "slashed", "burned"],
  ];
}

/** Bonds of challengers. @param {Facts} facts @param {(value: bigint) => string} amount */
function bonds({ description, events, challenges, eventsRefused }, amount) {
  const { terms, state } = description;
  const layers = int(terms.layers);
  const status = (/** @type {number} */ target) => int(challenges.find((c) => c.target === target)?.status ?? 0);
  const fate = (/** @type {number} */ target) => {
    if (status(target) === 3) return ["held", "to the recipient, since the layer was proven"];
    if (int(state.status) === POSTED) return ["held", "to the recipient if that is proven; back to the challenger if not"];
    return ["held", "back to the challenger"];
  };
  const bond = (/** @type {number} */ target) => BigInt(terms.challengeBond) * BigInt(target === WHOLE ? layers : 1);
  if (eventsRefused !== undefined) {
    return challenges
      .filter((c) => c.target !== OUTPUT && int(c.challengers) > 0)
      .map((c) => [`bonds of ${plural(int(c.challengers), "challenger")} of ${targetText(c.target, layers)}`, amount(BigInt(c.challengers) * bond(c.target)), ...fate(c.target)]);
  }
  return events
    .filter((event) => event.name === "Challenged" && int(event.values.target) !== OUTPUT)
    .map(({ values: { target, challenger, bond } }) => {
      const paid = events.find((e) => e.name === "ChallengeResolved" && e.values.target === target && sameHex(e.values.challenger, challenger));
      const what = `bond for ${targetText(int(target), layers)}, from ${challenger}`;
      if (paid === undefined) return [what, amount(bond), ...fate(int(target))];
      const reward = paid.values.reward > 0n ? `, with ${amount(paid.values.reward)} of the stake` : "";
      return [what, amount(bond), "paid", sameHex(paid.values.winner, challenger) ? `back to the challenger${reward}` : `to ${paid.values.winner}`];
    });
}

// ---------------------------------------------------------------- what happened

/** @param {Facts} facts @returns {Step} */
function challengeStep({ challenges, description }) {
  const layers = int(description.terms.layers);
  const facts = challenges.map(({ target, status, challengers }) => {
    const held = int(challengers) > 0 && target !== OUTPUT ? `, ${plural(int(challengers), "bond")} held` : "";
    return { name: targetText(target, layers), value: `${CHALLENGES[int(status)] ?? "unknown"}${held}` };
  });
  const open = challenges.some((c) => int(c.status) === 1);
  return { tone: open ? "warn" : "info", title: "Challenges", text: "A challenged layer has to be proven until the challenge's deadline; silence loses the stake.", facts };
}

/** @param {Facts} facts @returns {Step} */
const lifeStep = (facts) => lifeStepOf(facts, "claim", "who challenged", (event) => eventText(event, facts));

/** @type {Record<number, string>} */
const ENDS = {
  [PROVEN]: "All layers are proven: the claim is settled.",
  [FINALIZED]: "No challenge succeeded: the claim is settled.",
  [DEFEATED]: "The claim was defeated.",
  5: "The claim was voided.",
};

/** @param {Facts["events"][number]} event @param {Facts} facts */
function eventText({ name, values }, { description, unit }) {
  const layers = int(description.terms.layers);
  const target = () => targetText(int(values.target), layers);
  switch (name) {
    case "ClaimPosted":
      return "The provider claimed an answer, and committed to all activations.";
    case "LayersProven":
      return `A final proof showed layers ${ranges(setBits(values.layers))}.`;
    case "ClaimEnded":
      return ENDS[int(values.status)];
    case "DrawRevealed":
      return `Layers ${ranges(setBits(values.drawn))} were drawn, and have to be proven.`;
    case "Challenged":
      if (int(values.target) === OUTPUT) return "The requester demanded the answer's tokens.";
      return `${values.challenger} challenged ${target()} with a bond of ${amountText(values.bond, unit)}.`;
    case "OutputChallengeMoved":
      return { 2: "The answer's tokens were published, and may be disputed.", 3: "The answer's tokens are settled.", 4: "The answer's tokens were not published in time, or were wrong.", 5: "The demand for the tokens was dropped." }[int(values.status)];
    case "OutputRevealed":
      return `The answer's ${plural((values.tokens.length - 2) / 6, "token")} were published.`;
    case "ChallengeResolved":
      if (int(values.target) === OUTPUT) return `The requester took its part of the stake, ${amountText(values.reward, unit)}.`;
      return `The bond of ${values.challenger} for ${target()} went to ${values.winner}.`;
    case "JobSettled":
      return "The price went to the recipient, and the stake back to the provider.";
    case "JobSlashed":
      return "The stake was slashed, and the price went back to the requester.";
    case "JobRefunded":
      return "Price and stake went back.";
    default:
      return undefined;
  }
}

// ---------------------------------------------------------------- the claim, the model, the code

/** @param {Facts} facts @returns {Step} */
function claimStep({ chain, id, claim, description, transaction, parts }) {
  const { terms, state } = description;
  const layers = state.allProven ? "all" : ranges(setBits(state.proven)) || "none";
  return {
    tone: "info",
    title: "The claim",
    text: `In the ${MODES[int(terms.mode)] ?? "unknown"} mode. The id is the hash of all its fields, which this page computed again.`,
    facts: [
      { name: "claim", value: id, code: true },
      { name: "on", value: chainText(chain) },
      { name: "ClaimBook", value: parts.book, code: true },
      { name: "job", value: claim.job, code: true },
      { name: "posted in", value: shown(transaction, 80), code: true },
      { name: "layers proven", value: `${layers} (${description.provenLayers} of ${terms.layers})` },
      ...(int(terms.mode) === 2 ? [{ name: "layers drawn", value: state.revealed ? ranges(setBits(state.drawn)) : `not yet: from block ${terms.drawBlock}` }] : []),
      { name: "prompt", value: claim.inputDigest, code: true, note: `digest of ${plural(int(terms.promptTokens), "token")}` },
      { name: "answer", value: claim.outputDigest, code: true, note: `digest of ${plural(int(terms.newTokens), "token")}` },
      { name: "statement", value: claim.statement, code: true },
      { name: "activations", value: claim.activations, code: true, note: "digest of the commitments" },
    ],
  };
}

/** @param {Facts} facts @param {boolean} development @returns {Step} */
const versionStep = ({ version, verifier, unit, description }, development) =>
  versionStepOf(version, verifier.usable, development, [
    { name: "stake now, by the policy", value: amountText(version.policy.stake, unit), note: `this job's is ${amountText(description.job.stake, unit)}` },
  ]);

// ---------------------------------------------------------------- files beside it

/** @param {Comparison[]} rows @returns {Step} */
export function matchStep(rows) {
  const wrong = rows.filter((row) => !row.same);
  if (wrong.length === 0) {
    return { tone: "good", title: "Your files are this claim", text: `${listed(rows.map((row) => row.what))} are the same in the files and on chain.` };
  }
  return {
    tone: "bad",
    title: "Your files are not this claim",
    text: `Different: ${listed(wrong.map((row) => row.what))}. Use the files of this claim's session; if they are, one of them was changed.`,
    facts: wrong.flatMap((row) => [
      { name: `${row.what}, in the files`, value: shown(row.files, 200), code: true },
      { name: `${row.what}, on chain`, value: shown(row.chain, 200), code: true },
    ]),
  };
}

/** @returns {Step} */
export const noSessionStep = () => ({
  tone: "bad",
  title: "Your files are not this claim",
  text: "None of the sessions was made for this claim's job. Use manifest.json, claim.json and final.json of its session, or remove the files.",
});

/** @param {{ valid: boolean, reason: string } | undefined} answer @returns {Step} */
export function onChainStep(answer) {
  if (answer === undefined) {
    return { tone: "warn", title: "The contracts were not asked about your proof", text: "They are asked about a proof that the verifier here accepts, and of which all claims are on this chain." };
  }
  if (answer.valid) return { tone: "good", title: "The contracts accept your proof, too", text: "ClaimLens.checkProof was asked by eth_call: the verifier on chain accepts this final proof for this claim, and for all others that it is over. Nothing was sent." };
  return { tone: "bad", title: "The contracts refuse your proof", text: `ClaimLens.checkProof was asked by eth_call, and says: ${answer.reason}. Deadlines do not matter for that.` };
}

// A receipt of an epoch's answer in plain words: whose signature it has, where its epoch stands, and what its requester does.
import { STATUS, TURN } from "./epoch.js";
import { explainEpoch, stateOf } from "./explain-epoch.js";
import { codeStep, int, limitsOf, otherContracts, staleSteps } from "./explain-parts.js";
import { chainText, timeText } from "./format.js";
import { plural, shown } from "./text.js";

/** @typedef {import("./epoch.js").EpochFacts} EpochFacts */
/** @typedef {import("./epoch.js").OnChain} OnChain */
/** @typedef {import("./receipt.js").Signed} Signed */
/** @typedef {import("./explain.js").Step} Step */
/** @typedef {import("./explain.js").Tone} Tone */
/** @typedef {import("./explain.js").Headline} Headline */
/** @typedef {import("./explain.js").Report} Report */

const CHANGED = "Prompt, answer, a salt or another field was changed, or the signature is another's.";
const ASK_AGAIN = "Get the receipt from the provider again. One that its provider did not sign is worth nothing: nobody can demand it.";

/** @param {Signed} receipt @returns {Step} */
function receiptStep({ message, books, digest, modelId }) {
  return {
    tone: "info",
    title: "What the receipt says",
    text: "This page computed the digests of prompt and answer from their tokens and salts, and the digest that is signed (EIP-712) from all of it. Tokens and salts stay on this machine.",
    facts: [
      { name: "provider", value: message.provider, code: true },
      { name: "requester", value: message.requester, code: true },
      { name: "place", value: `answer ${message.index} of epoch ${message.epoch}` },
      { name: "version", value: message.version, code: true },
      { name: "model id", value: modelId, code: true, note: "not signed: the version has it" },
      { name: "prompt", value: message.inputDigest, code: true, note: `digest of ${plural(message.promptTokens, "token")}` },
      { name: "answer", value: message.outputDigest, code: true, note: `digest of ${plural(message.newTokens, "token")}` },
      { name: "digest of the session's seed", value: message.seedDigest, code: true },
      { name: "made for", value: chainText(books.chain_id) },
      { name: "EpochBook", value: books.book, code: true },
      { name: "EpochDisputes", value: books.disputes, code: true },
      { name: "digest that is signed", value: digest, code: true },
    ],
  };
}

/** @param {Signed} receipt @returns {string} */
const placeOf = ({ message }) => `answer ${message.index} of epoch ${message.epoch}`;

/** @type {Step} */
const NOT_SHOWN = {
  tone: "info",
  title: "What a receipt does not show",
  items: [
    "That the answer is the model's. Who has the model runs it again: `nanozk dispute watch`.",
    "That the tokens are the text that you were shown: `nanozk receipt verify` compares it.",
    "That it is in the roots that the provider committed to: `nanozk channel pay` compares its path, this page does not.",
    "Whether its epoch is committed to, settled or lost: the chain does.",
  ],
};

/** A receipt without a chain. @param {Signed} receipt @returns {Report} */
export function explainReceipt(receipt) {
  const steps = [receiptStep(receipt), NOT_SHOWN];
  const advice = "Enter a node and the address of EpochLens, and read the chain. A receipt is worth nothing before its epoch is committed to.";
  if (receipt.signed) {
    return { headline: { tone: "info", title: "A receipt that its provider signed", text: `The key of ${receipt.message.provider} signed ${placeOf(receipt)}, with this prompt and this answer.`, advice }, steps };
  }
  return { headline: { tone: "warn", title: "Not signed by its provider's key", text: `${CHANGED} Or the provider is a contract: then the chain can say more.`, advice: `${ASK_AGAIN} If its provider is a contract, read the chain.` }, steps };
}

/** The same beside a session's files. @param {Signed} receipt @returns {Step} */
export function receiptBeside(receipt) {
  const { headline } = explainReceipt(receipt);
  return { tone: headline.tone, title: headline.title, text: `${headline.text} ${headline.advice}` };
}

// ---------------------------------------------------------------- on a chain

/**
 * Whose signature it is, as this page and the chain say it.
 * @param {OnChain} found
 * @returns {Step}
 */
function signatureStep({ receipt, here, sameDigest, saysSigned, contract }) {
  const facts = [
    { name: "by the provider's key", value: receipt.signed ? "yes" : "no", note: "computed in this page" },
    { name: "EpochLens says", value: saysSigned ? "signed by its provider" : "not signed by its provider" },
    { name: "EpochDisputes.receiptDigest", value: sameDigest ? "the digest that this page computes" : "another digest than this page computes" },
  ];
  if (!here) {
    return { tone: "bad", title: "The receipt is for other contracts", text: `It is signed for EpochDisputes at ${receipt.books.disputes} on ${chainText(receipt.books.chain_id)}, and cannot be demanded here.`, facts };
  }
  if (!sameDigest) return { tone: "bad", title: "The node computes another digest of the receipt", text: "EpochDisputes.receiptDigest is not the EIP-712 digest of these fields. The node is faulty or lies, or the contract is another.", facts };
  if (receipt.signed) {
    if (saysSigned) return { tone: "good", title: "Signed by its provider", text: "The signature is the provider's key's, which this page computed, and EpochLens says so, too.", facts };
    return { tone: "warn", title: "Signed by its provider, which the node denies", text: "The signature is the provider's key's, which this page computed. EpochLens says that it is not: the node is faulty or lies, or the contract is another.", facts };
  }
  if (!saysSigned) return { tone: "bad", title: "Not signed by its provider", text: CHANGED, facts };
  if (contract) return { tone: "good", title: "Signed by its provider, which is a contract", text: "The provider's contract takes this signature for its own (ERC-1271). That is the node's word.", facts };
  return { tone: "bad", title: "Not signed by its provider, whatever the node says", text: `EpochLens says that it is signed, and the provider has no code that could say so. The node is faulty or lies. ${CHANGED}`, facts };
}

/** Where the receipt's epoch stands, and what to do. @param {OnChain} found @param {EpochFacts} facts @returns {Headline} */
function worthOf(found, facts) {
  const { epoch, block } = facts;
  const { receipt, own, demand } = found;
  const place = placeOf(receipt);
  const said = { said: shown(found.said, 600), by: "EpochLens says" };
  const nothing = "Pay nothing for it.";
  if (receipt.message.epoch >= found.line.next) {
    const wait = found.line.over ? `${nothing} The line was slashed: no epoch of it is committed to any more.` : `${nothing} Wait until the provider commits to the epoch, then ask it for the path of your receipt. It is not bound before.`;
    return { tone: found.line.over ? "bad" : "warn", title: "Signed, not committed to", text: `${place[0].toUpperCase()}${place.slice(1)} is signed, but its epoch is not on the chain: the line's next is ${found.line.next}.`, advice: wait, ...said };
  }
  if (!own || epoch === undefined) {
    return { tone: "warn", title: "Your receipt is of another epoch", text: `It is ${place} of its line, and the epoch that was read is another.`, advice: "Read the chain without an id, and the page finds the receipt's epoch.", ...said };
  }
  const { description, terms } = epoch;
  const status = int(description.status);
  const by = int(description.challengeBy);
  const shownThere = demand?.status === TURN.ANSWERED;
  if (status === STATUS.SETTLED) {
    return { tone: "good", title: "Signed, and its epoch is settled", text: `A voucher can pay for ${place}.`, advice: "Pay for it if you have seen its path: `nanozk channel pay` compares receipts with the roots, and signs a voucher.", ...said };
  }
  if (status === STATUS.VOIDED) return { tone: "warn", title: "Signed, and its epoch is void", text: `The verifier was frozen. ${place[0].toUpperCase()}${place.slice(1)} is never paid for.`, advice: `${nothing} What is in the channel you get back: \`nanozk channel close\`.`, ...said };
  if (found.line.over) return { tone: "bad", title: "Signed, and its epoch is lost", text: `The line was slashed, so ${place} is never paid for.`, advice: `${nothing} What is in the channel you get back: \`nanozk channel close\`.`, ...said };
  const [tone, state, stateText] = stateOf({ ...facts, epoch });
  if (!description.usable || tone === "bad") return { tone, title: `Signed, and of its epoch: ${state[0].toLowerCase()}${state.slice(1)}`, text: stateText, advice: nothing, ...said };
  if (demand !== undefined && demand.status < TURN.ANSWERED) {
    const late = block.timestamp > demand.until;
    const text = late ? `It was demanded, and the provider did not show it until ${timeText(demand.until)}.` : `It is demanded: the provider has to show it in the epoch until ${timeText(demand.until)}.`;
    return { tone: late ? "bad" : "warn", title: late ? "Demanded, and not shown" : "Demanded", text, advice: `${nothing} ${late ? "Anybody may have the line slashed, and has 40 % of what is exposed: `nanozk dispute enforce --receipt receipt.json`." : "If the provider stays silent, have its line slashed: `nanozk dispute enforce --receipt receipt.json`."}`, ...said };
  }
  if (shownThere) return { tone: "info", title: "Signed, and shown in its epoch", text: `It was demanded, and the provider showed ${place} in both roots. The epoch is not settled.`, advice: "Sign a voucher when you have seen the paths of all your receipts. It pays once the epoch is settled.", ...said };
  const demandText = block.timestamp <= by ? `If it gives none, or another's, demand it until ${timeText(by)}: \`nanozk dispute demand receipt.json\`.` : "It cannot be demanded any more: if you have not seen its path, pay nothing for it.";
  if (receipt.message.index >= terms.count) return { tone: "bad", title: "Signed, and not in its epoch", text: `The epoch has ${plural(terms.count, "answer")}, and this is ${place}: nobody can show it.`, advice: `${nothing} ${block.timestamp <= by ? `Demand it until ${timeText(by)}, and the provider loses: \`nanozk dispute demand receipt.json\`.` : "It cannot be demanded any more."}`, ...said };
  return { tone: "info", title: "Signed, and its epoch is committed to", text: `The epoch of ${place} is committed to and not settled. Whether the receipt is in its roots the chain does not say.`, advice: `Ask the provider for its path, which \`nanozk channel pay\` compares. ${demandText}`, ...said };
}

/** Whether its answer was drawn. @param {OnChain} found @param {EpochFacts} facts @returns {Step[]} */
function drawnSteps({ receipt, own }, { epoch }) {
  if (!own || epoch?.drawn === undefined) return [];
  const drawn = epoch.drawn.includes(receipt.message.index);
  const proven = [STATUS.PROVEN, STATUS.SETTLED].includes(int(epoch.description.status));
  if (!drawn) return [{ tone: "info", title: "Its answer was not drawn", text: "Nothing of it is proved, unless somebody challenges it." }];
  return [{ tone: "info", title: "Its answer was drawn", text: proven ? "A layer of it was proved, with those of the others that were drawn." : "The provider has to prove a layer of it." }];
}

/**
 * A receipt beside what was read of the chain.
 * @param {OnChain} found
 * @param {EpochFacts} facts
 * @returns {{ headline: Headline, steps: Step[] }}
 */
export function explainOnChain(found, facts) {
  const signature = signatureStep(found);
  const code = codeStep(facts);
  const steps = [signature, ...drawnSteps(found, facts)];
  if (code.tone === "bad") return { headline: otherContracts("EpochLens says", found.said, "receipt"), steps };
  if (signature.tone === "bad") return { headline: { tone: "bad", title: signature.title, text: signature.text ?? "", advice: ASK_AGAIN, said: shown(found.said, 600), by: "EpochLens says" }, steps };
  return { headline: worthOf(found, facts), steps };
}

/**
 * What was read of an epoch, and of a receipt if one is given; of a receipt whose epoch is not committed to, what there is.
 * @param {EpochFacts} facts
 * @param {OnChain | undefined} found
 * @param {import("./explain-parts.js").Known[]} knownKeys
 * @param {number} clock
 * @returns {Report}
 */
export function explainEpochAnd(facts, found, knownKeys, clock) {
  const own = facts.epoch === undefined ? undefined : explainEpoch(/** @type {any} */ (facts), knownKeys, clock);
  if (found === undefined) return own ?? { headline: { tone: "info", title: "No receipt", text: "The epoch of the receipt that was given is not committed to.", advice: "Give the receipt again, or enter the id of an epoch." }, steps: [codeStep(facts)] };
  const { headline, steps } = explainOnChain(found, facts);
  if (own === undefined) return { headline, steps: [...staleSteps(facts.block, clock), ...steps, codeStep(facts), limitsOf(facts.url, [])] };
  const epoch = { tone: own.headline.tone, title: `The epoch: ${own.headline.title[0].toLowerCase()}${own.headline.title.slice(1)}`, text: own.headline.text };
  return { headline, steps: [steps[0], epoch, ...steps.slice(1), ...own.steps] };
}

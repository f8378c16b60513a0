// What the explanations of claims and of epochs have in common: how old the chain is, deadlines, events, the model version, code, and
// what no node shows.
import { sameHex } from "./bytes.js";
import { leftText, spanText, timeText } from "./format.js";
import { listed, plural, shown } from "./text.js";

/** @typedef {import("./explain.js").Step} Step */
/** @typedef {import("./explain.js").Tone} Tone */
/** @typedef {import("./explain.js").Headline} Headline */
/** @typedef {import("./explain.js").Fact} Fact */
/** @typedef {{ number: number, timestamp: number }} Block */
/** @typedef {{ development: boolean, key: any }} Known */

// A node whose newest block is older than that may be behind.
const STALE = 600;

/** @param {any} value */
export const int = (value) => Number(value);

/** Whether proofs under a model version's setup prove nothing. @param {any} version @param {Known[]} knownKeys */
export const isDevelopment = ({ header }, knownKeys) => knownKeys.some((known) => known.development && sameHex(known.key.setup, header.setup));

/** @param {string} by Whose words it has. @param {any} said @param {string} what That the code is about. @returns {Headline} */
export const otherContracts = (by, said, what) => ({
  tone: "bad",
  title: "Other contracts",
  text: `The code on this chain is not what this page's build compiles to, so what it says of the ${what} may be anything.`,
  advice: "Check the address and the version of this page. The list below says which contracts differ.",
  ...(said === undefined ? {} : { said: shown(said, 400), by }),
});

/** @param {Block} block @param {number} clock This machine's time, in seconds. @returns {Step[]} */
export function staleSteps(block, clock) {
  const difference = clock - block.timestamp;
  if (Math.abs(difference) <= STALE) return [];
  const text = difference > 0 ? `${spanText(difference)} older than this machine's clock says` : `${spanText(-difference)} ahead of this machine's clock`;
  return [{ tone: "warn", title: "The node's newest block is not of now", text: `It is of ${timeText(block.timestamp)}, ${text}. The node may be behind, the chain may stand still, or the clock be wrong. Deadlines are by the chain's time.` }];
}

/** @param {string} name @param {number} deadline @param {number} now @returns {Fact} */
export const deadlineFact = (name, deadline, now) => ({ name, value: timeText(deadline), note: leftText(deadline, now), deadline });

/** Who acts next. @param {{ who: string, action: string }} next @param {Record<string, string>} meanings By the action's first word. @param {number} deadline Zero: none. @param {Block} block @returns {Step} */
export function nextStepOf({ who, action }, meanings, deadline, block) {
  const [call] = action.split(" ");
  return {
    tone: "info",
    title: `Next${Object.hasOwn(meanings, call) ? `: ${meanings[call]}` : ""}`,
    facts: [
      { name: "who", value: shown(who, 60) },
      { name: "calls", value: shown(action, 80) },
      deadline === 0 ? { name: "until", value: "at any time" } : deadlineFact("until", deadline, block.timestamp),
    ],
  };
}

/**
 * @param {import("./view.js").Life} life
 * @param {string} of "claim" or "epoch".
 * @param {string} lacks What is not known without events.
 * @param {(event: import("./view.js").Happened) => string | undefined} textOf
 * @returns {Step}
 */
export function lifeStepOf({ events, eventsLeft, eventsRefused }, of, lacks, textOf) {
  if (eventsRefused !== undefined) {
    return { tone: "warn", title: "What happened", text: `The node did not give the ${of}'s events: ${eventsRefused}. What is above is complete without them, but for ${lacks}.` };
  }
  const rows = events.flatMap((event) => {
    const text = textOf(event);
    return text === undefined ? [] : [[event.time === undefined ? `block ${event.block}` : timeText(event.time), text, `block ${event.block}, transaction ${shown(event.transaction, 80)}`]];
  });
  const table = { head: ["when", "what", "where"], rows };
  if (eventsLeft > 0) return { tone: "warn", title: "What happened", text: `${plural(eventsLeft, "event")} more ${eventsLeft === 1 ? "is" : "are"} not shown.`, table };
  return { tone: "info", title: "What happened", table };
}

/** @param {any} version @param {boolean} usable Its verifier. @param {boolean} development @param {Fact[]} terms By its policy. @returns {Step} */
export function versionStepOf(version, usable, development, terms) {
  const { header } = version;
  const uri = shown(version.metadataURI, 300);
  return {
    tone: development || !usable ? "bad" : "info",
    title: development ? "The model's setup is a development setup" : "The model version",
    text: development ? "The secret of this setup is public: proofs under it prove nothing to anybody." : usable ? "Its verifier can be used." : "Its verifier is frozen, or has other code than when it was registered.",
    facts: [
      { name: "version", value: version.id, code: true },
      { name: "model id", value: version.modelId, code: true },
      { name: "setup", value: header.setup, code: true },
      { name: "weights", value: header.weights, code: true, note: "digest of the commitments" },
      { name: "layers", value: `${header.layers}` },
      { name: "positions of a session", value: `${header.tokens}` },
      ...terms,
      ...(uri === "" ? [] : [{ name: "more about it, by who registered it", value: uri }]),
    ],
  };
}

/** @param {{ codes: import("./view.js").Code[], wiring: string[] }} facts @returns {Step} */
export function codeStep({ codes, wiring }) {
  const wrong = codes.filter((code) => code.found !== code.expected);
  return {
    tone: wrong.length > 0 || wiring.length > 0 ? "bad" : "good",
    title: wrong.length > 0 ? `Code of ${listed(wrong.map((c) => c.expected))} is not the build's` : wiring.length > 0 ? "The contracts do not belong together" : "The code on chain is the reproducible build's",
    text: "Compared by Keccak-256, with the addresses that constructors put into it set to zero, to what this repository compiles to; that the contracts name each other was compared, too.",
    facts: [
      ...codes.map((code) => ({ name: `${code.role}: ${code.expected}`, value: code.address, code: true, note: `${codeText(code)}; code hash ${code.hash}` })),
      ...wiring.map((sentence) => ({ name: "they do not belong together", value: sentence })),
    ],
  };
}

/** @param {import("./view.js").Code} code */
function codeText({ found, expected }) {
  if (found === expected) return "the build's code";
  return found === undefined ? "other code, or none" : `this is ${found}`;
}

/** What a node cannot show, and what it may lie about. @param {string} url @param {string[]} items @returns {Step} */
export const limitsOf = (url, items) => ({
  tone: "info",
  title: "What this does not show",
  items: [
    `That the node tells the truth. All of this, code too, is what ${shown(new URL(url).origin, 120)} says: use your own, or ask two.`,
    ...items,
    "That the keys of programs with which the model was registered are those of its layers: `nanozk model verify`.",
    "That blocks this new are final.",
  ],
});

// An epoch on chain in plain words: where it stands, what is drawn, what false answers risk, whose money is where, and disputes.
import { sameHex } from "./bytes.js";
import { STATUS, TURN } from "./epoch.js";
import { codeStep, deadlineFact, int, isDevelopment, lifeStepOf, limitsOf, nextStepOf, otherContracts, staleSteps, versionStepOf } from "./explain-parts.js";
import { amountText, chainText, ETH, spanText, timeText } from "./format.js";
import { plural, ranges, shown } from "./text.js";
import { setBits } from "./view.js";

/** @typedef {import("./epoch.js").EpochFacts} EpochFacts */
/** @typedef {EpochFacts & { epoch: import("./epoch.js").OneEpoch }} Facts */
/** @typedef {import("./explain.js").Step} Step */
/** @typedef {import("./explain.js").Tone} Tone */
/** @typedef {import("./explain.js").Report} Report */

const TURNS = { [TURN.OPEN]: "the provider's turn", [TURN.FIXED]: "the challenger's turn: to ask for layers", [TURN.ASKED]: "the provider's turn: to prove layers", [TURN.ANSWERED]: "answered", [TURN.DROPPED]: "dropped, since its challenger asked for nothing" };
// Disputes that are shown, the open ones first.
const MAX_DISPUTES = 50;

/** @param {number} status */
const isOpen = (status) => status > 0 && status < TURN.ANSWERED;
/** @param {Facts} facts */
const isOver = ({ epoch, line }) => [STATUS.SETTLED, STATUS.VOIDED].includes(int(epoch.description.status)) || line.over;

/** Last second of what is due of the provider: the contract does not keep that of a proof. @param {Facts} facts */
const provenBy = ({ epoch, windows }) => (epoch.fixed === undefined ? 0 : int(epoch.fixed.fixedAt) + windows.prove);

/**
 * @param {Facts} facts
 * @param {import("./explain-parts.js").Known[]} knownKeys
 * @param {number} clock This machine's time, in seconds.
 * @returns {Report}
 */
export function explainEpoch(facts, knownKeys, clock) {
  const { epoch } = facts;
  const code = codeStep(facts);
  const development = isDevelopment(epoch.version, knownKeys);
  return {
    headline: headlineOf(facts, code, development),
    steps: [
      ...staleSteps(facts.block, clock),
      nextStep(facts),
      drawStep(facts),
      moneyStep(facts),
      disputeStep(facts),
      lifeStepOf(epoch, "epoch", "draws, disputes and vouchers", (event) => eventText(event, facts)),
      epochStep(facts),
      versionStepOf(epoch.version, epoch.description.usable, development, [{ name: "greatest price of an answer", value: amountText(epoch.head.maxPrice, epoch.unit) }]),
      code,
      limitsOf(facts.url, [
        "That events are all there, and the seed of a draw: the contracts keep only digests. The epoch's own fields cannot be made up, since their hash is the id that you entered, or that the chain keeps.",
        "That an answer which was not drawn is right, or one which nobody challenged. The draws find false answers with the probabilities above.",
        "What answers are in the epoch: it has two roots, whose leaves only provider and requesters know.",
      ]),
    ],
  };
}

// ---------------------------------------------------------------- where it stands

/** @param {Facts} facts @param {Step} code @param {boolean} development */
function headlineOf(facts, code, development) {
  const { description, terms } = facts.epoch;
  const says = { said: shown(description.text, 600), by: "EpochLens says" };
  if (code.tone === "bad") return otherContracts("EpochLens says", description.text, "epoch");
  const [tone, title, text] = stateOf(facts);
  const answers = `Epoch ${terms.number}, ${plural(terms.count, "answer")}. `;
  if (development && tone === "good") {
    return { tone: /** @type {Tone} */ ("warn"), title, text: `${answers}${text} But its proof is of a development setup, whose secret is public: it proves nothing.`, ...says };
  }
  return { tone, title, text: `${answers}${text}`, ...says };
}

/** @param {Facts} facts @returns {[Tone, string, string]} */
export function stateOf(facts) {
  const { epoch, line, block } = facts;
  const { description } = epoch;
  const status = int(description.status);
  const now = block.timestamp;
  if (status === STATUS.SETTLED) return ["good", "Settled", "What was drawn is proven, nothing is disputed any more, and all epochs before it are settled: its answers can be paid for."];
  if (status === STATUS.VOIDED) return ["warn", "Voided", "The verifier was frozen. The epoch exposes nothing any more, and is never paid for."];
  if (line.over) return ["bad", "Lost: its line was slashed", "The provider was silent, or signed two answers for one place. The epoch is never settled: pay nothing for its answers."];
  if (!description.usable) return ["warn", "Its verifier is frozen", "Nothing can be proven any more. Anybody may void the epoch; it is never paid for."];
  const late = "The provider is late: anybody may have its line slashed now.";
  if (status === STATUS.COMMITTED) {
    if (now > int(description.challengeBy)) return ["bad", "Not drawn in time", `${late} Pay nothing for its answers.`];
    return ["info", "Committed to, not drawn", "The provider committed to all answers. Which of them it has to prove is not fixed, and nothing can be paid yet."];
  }
  if (status === STATUS.FIXED) {
    if (epoch.fixed !== undefined && now > provenBy(facts)) return ["bad", "Not proven in time", `${late} Pay nothing for its answers.`];
    return ["info", "Drawn, not proven", "It is fixed which answers the provider has to prove. Nothing can be paid yet."];
  }
  if (status !== STATUS.PROVEN) return ["warn", "In a state that this page does not know", "The page is of another version than the contracts."];
  return ["info", "Proven, not settled", "What was drawn is proven. Nothing can be paid before the epoch is settled."];
}

/** @type {Record<string, string>} What a call of the contracts does. */
const ACTIONS = {
  voidEpoch: "void the epoch, since its verifier is frozen",
  expire: "have the line slashed, since what is drawn was not fixed in time",
  fixCommitments: "fix what is drawn",
  prove: "prove what is drawn",
  demand: "disputes of answers",
  their: "the turns of open disputes",
  settle: "settle",
};

/** @param {Facts} facts @returns {Step} */
function nextStep(facts) {
  const { epoch, block } = facts;
  const { next } = epoch;
  if (next.action === "") {
    const open = epoch.disputes.some(({ bonded }) => bonded) ? " Bonds of its challenges may still be moved." : "";
    return { tone: "info", title: "Nothing is left to do", text: `The epoch is over.${open}` };
  }
  const by = provenBy(facts);
  const fixed = int(epoch.description.status) === STATUS.FIXED && by > 0;
  if (fixed && block.timestamp > by) return nextStepOf({ who: "anybody", action: "expire" }, { expire: "have the line slashed, since what is drawn was not proven in time" }, 0, block);
  return nextStepOf(next, ACTIONS, fixed ? by : int(next.deadline), block);
}

// ---------------------------------------------------------------- draws

/** Parts of 10^18 in percent, rounded down to a tenth. @param {bigint} part */
export function percent(part) {
  const tenths = part / 10n ** 15n;
  return `${tenths / 10n}.${tenths % 10n} %`;
}

/** @param {Facts} facts @returns {Step} */
function drawStep({ epoch, block }) {
  const { terms, description, fixed, drawn } = epoch;
  const ahead = terms.drawBlock - block.number;
  const when = ahead > 0 ? `${plural(ahead, "block")} to go` : `${plural(-ahead, "block")} ago`;
  const unknown = int(description.status) === STATUS.COMMITTED ? "none are known before the provider has fixed its activation commitments" : "the node does not give the event EpochFixed, which has the seed";
  // The last of the probabilities is of all answers, if there are fewer.
  const chances = [1, 10, 100, 1000].map((count, i) => ({ count: Math.min(count, terms.count), part: description.detection[i] })).filter(({ count }, i, all) => i === 0 || count > all[i - 1].count);
  return {
    tone: "info",
    title: `${terms.draws} of ${plural(terms.count, "answer")} ${terms.draws === 1 ? "is" : "are"} drawn`,
    text: "A block that nobody knew when the provider committed draws answers, and a later one a layer of each. The provider has to prove these layers. If so many answers are false, each in no layer but the one that is drawn least, the draws show it with these probabilities at least.",
    facts: [
      ...chances.map(({ count, part }) => ({ name: plural(count, "false answer"), value: percent(part) })),
      { name: "answers are drawn from block", value: `${terms.drawBlock}`, note: when },
      { name: "answers that are drawn", value: drawn === undefined ? unknown : ranges(drawn) },
      ...(fixed === undefined ? [] : [
        { name: "seed of the draw", value: fixed.seed, code: true, note: "from the event EpochFixed; this page draws by it itself" },
        { name: "layers are drawn from block", value: `${fixed.drawBlock}` },
      ]),
    ],
  };
}

// ---------------------------------------------------------------- money

/** @param {Facts} facts @returns {Step} */
function moneyStep(facts) {
  const { epoch, line } = facts;
  const { terms, unit, events, eventsLeft, eventsRefused, disputes } = epoch;
  const amount = (/** @type {bigint} */ value) => amountText(value, unit);
  const status = int(epoch.description.status);
  const fate = status === STATUS.SETTLED || status === STATUS.VOIDED ? ["exposed no more", "stays in the line's bond"] : line.over ? ["lost", "40 % to whoever reported it, the rest burned"] : ["exposed", "stays in the line's bond once the epoch is settled or void; if the line is slashed 40 % to whoever reported it, the rest burned"];
  const vouchers = events.filter((e) => e.name === "VoucherRedeemed");
  const sum = (/** @type {string} */ field) => vouchers.reduce((all, { values }) => all + values[field], 0n);
  /** @type {string[][]} */
  const rows = [
    ["this epoch exposes", amount(terms.exposed), ...fate],
    ["the line's bond", amount(line.balance), "held", `with what vouchers paid; of it ${amount(line.exposed)} are exposed by all open epochs`],
    ["free of the bond", amount(line.balance - line.exposed), "free", "the provider may take it at any time"],
  ];
  if (eventsRefused === undefined) rows.push(["vouchers since this epoch was committed to", amount(sum("amount")), "paid", `into the line's bond, by ${plural(vouchers.length, "voucher")} for ${plural(int(sum("answers")), "answer")} of settled epochs`]);
  for (const { name, values } of events) {
    if (name === "LineSlashed") rows.push(["part of what was exposed", amount(values.toReporter), "slashed", `to ${values.reporter}`], ["part of what was exposed", amount(values.burned), "slashed", "burned"]);
  }
  for (const { demand, bond, bonded, by, index } of disputes) {
    if (!demand) rows.push([`bond for the challenge of answer ${index}, from ${by}`, amount(bond), bonded ? "held" : "moved", bonded ? "to the provider if the answer is proven, or nothing is asked; back if the provider is silent or the verifier frozen" : movedTo(facts, by, index)]);
  }
  return {
    tone: "info",
    title: "Whose money is where",
    text: `One contract, BondEscrow, holds all of it. One line, a provider with a model version, has one bond for all of its epochs.${eventsLeft > 0 ? " Not all vouchers and bonds are listed: there are too many events." : ""}${eventsRefused === undefined ? "" : " The node does not give events, so vouchers and bonds of challenges are not known."}`,
    table: { head: ["what", "amount", "now", "where it goes"], rows },
    facts: [
      { name: "provider", value: line.provider, code: true },
      { name: "answers of settled epochs that no voucher paid for yet", value: `${line.answers}` },
      { name: "asset", value: unit === ETH ? ETH.symbol : epoch.version.policy.asset, code: unit !== ETH },
    ],
  };
}

/** Who got the bond of a challenge. @param {Facts} facts @param {string} challenger @param {bigint} index */
function movedTo({ epoch }, challenger, index) {
  const { id } = epoch.disputes.find((d) => !d.demand && d.by === challenger && d.index === index);
  const event = epoch.events.find((e) => e.name === "BondMoved" && e.values.dispute === id);
  if (event === undefined) return "it was moved";
  return sameHex(event.values.to, challenger) ? "back to the challenger" : `to ${event.values.to}`;
}

// ---------------------------------------------------------------- disputes

/** @param {Facts} facts @returns {Step} */
function disputeStep(facts) {
  const { epoch, block, windows } = facts;
  const { description, disputes } = epoch;
  const now = block.timestamp;
  const by = int(description.challengeBy);
  const over = isOver(facts);
  const known = disputes.filter(({ status }) => isOpen(status));
  const open = int(description.openDisputes);
  const unlisted = open - known.length;
  const shownOnes = [...known, ...disputes.filter(({ status }) => !isOpen(status))].slice(0, MAX_DISPUTES);
  return {
    tone: open > 0 && !over ? "warn" : "info",
    title: open === 0 ? "No dispute is open" : `${plural(open, "dispute")} ${open === 1 ? "is" : "are"} open`,
    text: `A requester demands to see its receipt in the epoch, without a bond; anybody challenges an answer, with one. Each turn lasts ${spanText(windows.answer)}, and a provider that misses one loses what its open epochs expose.${unlisted > 0 ? ` ${plural(unlisted, "open dispute")} ${unlisted === 1 ? "is" : "are"} not listed: the node gave no events of ${unlisted === 1 ? "it" : "them"}.` : ""}${disputes.length > MAX_DISPUTES ? ` ${disputes.length - MAX_DISPUTES} are not shown.` : ""}`,
    facts: [
      ...(over ? [] : [deadlineFact("answers may be demanded and challenged until", by, now)]),
      ...shownOnes.map((dispute) => disputeFact(dispute, now)),
    ],
  };
}

/** @param {Facts["epoch"]["disputes"][number]} dispute @param {number} now */
function disputeFact({ demand, by, receipt, index, status, until }, now) {
  const name = demand ? `demand of the receipt ${receipt}, by ${by}` : `challenge of answer ${index}, by ${by}`;
  if (!isOpen(status)) return { name, value: TURNS[status] ?? "unknown" };
  if (now <= until) return deadlineFact(`${name}: ${TURNS[status]} until`, until, now);
  const call = status === TURN.FIXED ? "anybody may drop it" : "anybody may have the line slashed";
  return { name, value: `${TURNS[status]}, which is over since ${timeText(until)}: ${call} (timeout)` };
}

// ---------------------------------------------------------------- what happened

/** @type {Record<number, string>} */
const MOVES = { [STATUS.PROVEN]: "What was drawn is proven.", [STATUS.SETTLED]: "The epoch is settled.", [STATUS.VOIDED]: "The epoch was voided." };
/** @type {Record<number, string>} */
const DISPUTE_MOVES = { [TURN.ANSWERED]: "was answered.", [TURN.DROPPED]: "was dropped." };

/** @param {import("./view.js").Happened} event @param {Facts} facts */
function eventText({ name, values }, { epoch }) {
  const { unit, disputes } = epoch;
  const amount = (/** @type {bigint} */ value) => amountText(value, unit);
  const own = () => {
    const found = disputes.find(({ id }) => id === values.dispute);
    return found === undefined ? undefined : `The ${found.demand ? "demand" : `challenge of answer ${found.index}`} by ${found.by}`;
  };
  switch (name) {
    case "EpochCommitted":
      return "The provider committed to all answers of the epoch.";
    case "EpochFixed":
      return "Answers were drawn, and their activation commitments fixed.";
    case "LayersDrawn":
      return "Layers of the drawn answers were drawn.";
    case "EpochMoved":
      return MOVES[int(values.status)];
    case "Demanded":
      return `${values.requester} demanded to see a receipt.`;
    case "Challenged":
      return `${values.challenger} challenged answer ${values.index} with a bond of ${amount(values.bond)}.`;
    case "CommitmentsFixed":
      return `The provider fixed the activation commitments of answer ${values.index} for ${values.challenger}.`;
    case "LayersAsked":
      return `${values.challenger} asked for layers ${ranges(setBits(values.layers))} of answer ${values.index}.`;
    case "DisputeMoved":
      return own() === undefined || DISPUTE_MOVES[int(values.status)] === undefined ? undefined : `${own()} ${DISPUTE_MOVES[int(values.status)]}`;
    case "BondMoved":
      return own() === undefined ? undefined : `The bond for ${own()?.replace(/^The/, "the")} went to ${values.to}.`;
    case "LineSlashed":
      return `The line was slashed: ${amount(values.toReporter)} to ${values.reporter}, ${amount(values.burned)} burned.`;
    case "LineBonded":
      return `The provider added ${amount(values.amount)} to the line's bond.`;
    case "LineWithdrawn":
      return `The provider took ${amount(values.amount)} from the line's bond.`;
    case "VoucherRedeemed":
      return `A voucher of ${values.requester} paid ${amount(values.amount)} for ${plural(int(values.answers), "answer")}.`;
    default:
      return undefined;
  }
}

/** @param {Facts} facts @returns {Step} */
function epochStep({ chain, epoch, parts, line }) {
  const { id, fields, terms, transaction } = epoch;
  return {
    tone: "info",
    title: "The epoch",
    text: "The id is the hash of all its fields, which this page computed again.",
    facts: [
      { name: "epoch", value: id, code: true },
      { name: "on", value: chainText(chain) },
      { name: "EpochBook", value: parts.book, code: true },
      { name: "number in its line", value: `${terms.number}`, note: line.settled === 0 ? "no epoch of the line is settled" : `${plural(line.settled, "epoch")} of the line, from number 0 on, ${line.settled === 1 ? "is" : "are"} settled` },
      { name: "committed to", value: timeText(terms.committedAt) },
      { name: "committed to in", value: shown(transaction, 80), code: true },
      { name: "page of the version", value: fields.page, code: true },
      { name: "root of statements", value: fields.statements, code: true },
      { name: "root of receipts", value: fields.receipts, code: true },
    ],
  };
}

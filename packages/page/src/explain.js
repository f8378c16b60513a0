// A verdict in plain words: what was proved, by what, and what was not. Data in, data out; drawing is elsewhere.
import { isHex, sameHex } from "./bytes.js";
import { chainText } from "./format.js";
import { listed, plural, ranges, shown } from "./text.js";

/** @typedef {"good" | "warn" | "bad" | "info"} Tone */
/** @typedef {{ name: string, value: string, code?: boolean, note?: string, deadline?: number }} Fact */
/** @typedef {{ tone: Tone, title: string, text?: string, facts?: Fact[], items?: string[], table?: Table }} Step */
/** @typedef {{ head: string[], rows: string[][] }} Table The first cell of a row names it. */
/**
 * @typedef {{ tone: Tone, title: string, text: string, advice?: string, said?: string, by?: string }} Headline
 * `said`: the words of the verifier or of a contract, `by`: whose. */
/** @typedef {{ headline: Headline, steps: Step[] }} Report */
/** @typedef {{ digest: string, name: string, development: boolean }} KnownKey */
/** @typedef {{ model?: string, key?: string }} Wanted What the visitor expects. */
/** @typedef {import("./verify.js").Judged} Judged */

const NO_CHAIN = `0x${"0".repeat(64)}`;

/** What the verifier compared before it looked at the proof. @type {Step} */
const BINDINGS = {
  tone: "good",
  title: "The files belong together",
  items: [
    "The id of each manifest, which is computed from all that is in it, is the model id of its claim.",
    "The setup of each model is the key's.",
    "The statement of each claim, a digest of place, recipient, model id, digests of prompt and answer, numbers of tokens and decoding, is the one that was proved.",
    "Programs, weights and commitments to activations are those of manifest and claim; so are the numbers of tokens.",
  ],
};

/** Kind of a layer, by its number. @param {number} layer @param {number} layers */
export function layerName(layer, layers) {
  if (layer === 0) return "embedding";
  if (layer === layers - 1) return "head";
  return `${layer % 2 ? "attention" : "MLP"} of block ${Math.floor((layer - 1) / 2)}`;
}

/**
 * @param {Judged} judged
 * @param {KnownKey[]} knownKeys
 * @param {Wanted} wanted
 * @returns {Report}
 */
export function explain(judged, knownKeys, wanted) {
  const { verdict } = judged;
  if (!verdict.accepted) return refusal(judged);
  const key = keyStep(judged, knownKeys, wanted);
  // What a proof covers is worth as much as its key.
  const worth = key.tone === "good" ? "good" : "info";
  const sessions = verdict.sessions.map((/** @type {any} */ _, /** @type {number} */ i) => sessionStep(judged, i, wanted, worth));
  const proof = {
    tone: /** @type {Tone} */ ("good"),
    title: "The final proof is valid under this key",
    text:
      "The pairing equation of its 1,152 bytes holds for what follows from these manifests and claims.",
    facts: [
      { name: "verified in", value: `${judged.milliseconds.toFixed(0)} ms, in this browser` },
      { name: "sessions", value: `${verdict.sessions.length}` },
    ],
  };
  return { headline: headlineOf(judged, key, wanted), steps: [proof, BINDINGS, key, ...sessions, ...unusedSteps(judged), limits(judged)] };
}

// ---------------------------------------------------------------- accepted

/** @param {Judged} judged @param {Step} key @param {Wanted} wanted @returns {Headline} */
function headlineOf({ verdict }, key, wanted) {
  const other = verdict.sessions.find((/** @type {any} */ s) => wanted.model !== undefined && !sameHex(s.model_id, wanted.model));
  if (other !== undefined) {
    return { tone: "bad", title: "Another model", text: `The proof is valid, but it is about model ${other.model_id}, not about the one that you expect.`, advice: "Ask the provider for a proof of your model, or check the model id that you entered." };
  }
  if (wanted.key !== undefined && !sameHex(verdict.key_digest, wanted.key)) {
    return { tone: "bad", title: "Another key", text: "The proof is valid, but by another key than the one that you expect. Whoever made a key may have made false proofs for it.", advice: "Use the key with the digest that you know, and a proof under its setup." };
  }
  if (key.tone === "bad") {
    return { tone: "warn", title: "Valid, but it proves nothing", text: "The proof is of a development setup, whose secret is public. Anybody can make such a proof of any answer.", advice: "For a proof that means something the model has to be registered, and the proof made, under the setup of a public ceremony." };
  }
  if (key.tone === "warn") {
    return { tone: "warn", title: "Valid, if the key is", text: "The proof is valid by a key that this page does not know. Whoever made the key may have made false proofs for it.", advice: "Compare the key's digest below with one that you trust, and enter it above." };
  }
  const part = verdict.sessions.find((/** @type {any} */ s) => s.proved.length < s.layers);
  if (part !== undefined) {
    return { tone: "warn", title: "Valid, for some layers", text: "The proof is valid, but not about all layers: an answer is proved if all layers are.", advice: "Ask for a proof of all layers, or see below which ones are proved." };
  }
  const many = verdict.sessions.length > 1;
  return { tone: "good", title: "Proved", text: `${many ? "These answers are" : "This answer is"} what the registered ${many ? "models compute from their prompts" : "model computes from the prompt"}, every layer of it.` };
}

/** @param {Judged} judged @param {KnownKey[]} knownKeys @param {Wanted} wanted @returns {Step} */
function keyStep({ verdict, key, givenKey }, knownKeys, wanted) {
  const known = knownKeys.find(({ digest }) => sameHex(digest, verdict.key_digest));
  const facts = [
    { name: "digest of the key", value: verdict.key_digest, code: true },
    { name: "setup", value: shown(key.setup, 80), code: true },
    { name: "where the key is from", value: givenKey ? "your files" : "this page" },
  ];
  if (known?.development || verdict.sessions.some((/** @type {any} */ s) => s.development_setup)) {
    return { tone: "bad", title: "The key is of a development setup", text: "The secret of this setup is public, so its proofs prove nothing to anybody. It is for tests.", facts };
  }
  const matches = wanted.key !== undefined && sameHex(wanted.key, verdict.key_digest);
  if (known !== undefined || matches) {
    return { tone: "good", title: matches ? "The key is the one that you expect" : `The key is known: ${known?.name}`, text: "One key serves all models of a setup. It has the digests by which nodes of proofs are told apart.", facts };
  }
  return { tone: "warn", title: "The key is not known to this page", text: "A key is only worth what you know of its digest. Compare it with one from a source that you trust: nanozk setup final-key prints it, from the setup of a ceremony.", facts };
}

/** @param {Judged} judged @param {number} index @param {Wanted} wanted @param {Tone} worth Of what is wholly proved. @returns {Step} */
function sessionStep({ verdict, sessions }, index, wanted, worth) {
  const proved = verdict.sessions[index];
  const { claim, manifest } = sessions[index];
  const all = proved.proved.length === proved.layers;
  const of = verdict.sessions.length > 1 ? ` of session ${index + 1}` : "";
  const missing = Array.from({ length: proved.layers }, (_, l) => l).filter((l) => !proved.proved.includes(l));
  const names = proved.proved.length <= 3 ? ` (${listed(proved.proved.map((/** @type {number} */ l) => layerName(l, proved.layers)))})` : "";
  const other = wanted.model !== undefined && !sameHex(wanted.model, proved.model_id);
  const text = all
    ? `It says: the model with this id turned a prompt of ${plural(proved.prompt_tokens, "token")} into an answer of ${plural(proved.generated_tokens, "token")} by greedy decoding, every operation from the token ids to the argmax.`
    : `It says something of ${proved.proved.length === 1 ? "layer" : "layers"} ${ranges(proved.proved)}${names} of ${proved.layers} only: from the activations committed to before, ${proved.proved.length === 1 ? "it gives" : "they give"} those committed to after. Not covered: ${missing.length === 1 ? "layer" : "layers"} ${ranges(missing)}.`;
  return {
    tone: other ? "bad" : all ? worth : "warn",
    title: all ? `The proof covers every layer${of}` : `The proof covers some layers${of}`,
    text,
    facts: [
      { name: "model id", value: proved.model_id, code: true, note: modelNote(proved.model_id, wanted) },
      { name: "layers covered", value: `${ranges(proved.proved)} (${proved.proved.length} of ${proved.layers})` },
      { name: "prompt", value: shown(claim.input_digest, 80), code: true, note: `digest of ${plural(proved.prompt_tokens, "token")}, with a salt` },
      { name: "answer", value: shown(claim.output_digest, 80), code: true, note: `digest of ${plural(proved.generated_tokens, "token")}, with a salt` },
      ...placeFacts(proved.context),
      { name: "claim digest", value: proved.claim_digest, code: true },
      { name: "model", value: shapeText(manifest.architecture) },
    ],
  };
}

/** @param {Judged} judged @returns {Step[]} */
const unusedSteps = ({ unused }) =>
  unused === 0
    ? []
    : [{ tone: "warn", title: `${plural(unused, "manifest")} of your files ${unused === 1 ? "is" : "are"} of none of these claims`, text: "Nothing is said about it: it is another model's, or was changed." }];

/** @param {string} id @param {Wanted} wanted */
function modelNote(id, wanted) {
  if (wanted.model === undefined) return "compare it with the id that the provider promised";
  return sameHex(id, wanted.model) ? "the one that you expect" : `you expect ${shown(wanted.model, 80)}`;
}

/** @param {any} context @returns {Fact[]} */
function placeFacts(context) {
  const address = (/** @type {string} */ padded) => (/^0x0{24}/.test(padded) ? `0x${padded.slice(26)}` : padded);
  if (context.chain === 0 && [context.contract, context.claim, context.recipient].every((word) => word === NO_CHAIN)) {
    return [{ name: "made for", value: "no chain" }];
  }
  return [
    { name: "made for", value: chainText(context.chain) },
    { name: "contract", value: address(context.contract), code: true },
    { name: "job", value: context.claim, code: true },
    { name: "paid to", value: address(context.recipient), code: true },
  ];
}

/** @param {any} a */
const shapeText = (a) =>
  shown(`${a.layers} blocks of width ${a.width}, ${a.heads} heads, ${a.vocab} tokens in the vocabulary, ${a.mlp} MLP, ${a.positions} positions`, 200);

/** @param {Judged} judged @returns {Step} */
function limits({ verdict, sessions }) {
  const greedy = "That the answer is a good one, or what the provider showed you: the digests bind token ids. `nanozk output open` compares an answer that you have with its digest; nobody can who has no salt.";
  const seed = sessions.some(({ claim }) => isHex(claim.seed_digest, 32))
    ? ["That seed_digest of the claim is that of the session's seed: off chain it counts only when a seed is disclosed."]
    : [];
  const part = verdict.sessions.some((/** @type {any} */ s) => s.proved.length < s.layers);
  return {
    tone: "info",
    title: "What this does not prove",
    items: [
      ...(part ? ["Layers that are not listed above, so whether the answer is the model's."] : []),
      "That the model is good, or is the one it is called: an id stands for weights, not for a name.",
      "That the keys of programs with which the model was registered are those of its layers. Anybody who has the setup computes them again: `nanozk model verify manifest.json --model-id …`.",
      greedy,
      ...seed,
      "When and where the model ran, text before and after the tokenizer, and any sampling but greedy decoding.",
      "More than the assumptions allow: discrete logarithms in BN254, a setup whose secret nobody has, Fiat–Shamir with Keccak-256 and Poseidon. nanozk has not been audited.",
    ],
  };
}

// ---------------------------------------------------------------- refused

/** @type {[RegExp, string, string][]} What the verifier says, in plain words, and what to do. */
const REASONS = [
  [/^the input: not (on the curve|reduced)/, "A commitment or a point in PLACE is none: some digit of it was changed.", "Get PLACE from the provider again."],
  [/^the input: /, "PLACE is not as its format says.", "Get PLACE from the provider again; if it was written by another version of nanozk, use that version's page."],
  [/^format /, "A file has a format that this page does not verify.", "Use the page of the version of nanozk that wrote it."],
  [/^the manifest has id /, "manifest.json is not that of the model that claim.json names: one of both was changed, or they belong to different models.", "Use manifest.json of the same session. If it is, one of both files was tampered with."],
  [/^the claim is of model /, "claim.json names another model than it is said to be of.", "Use claim.json and manifest.json of the same session."],
  [/^the model was registered under setup /, "The key of final proofs is of another setup than the model.", "Use the key that nanozk setup final-key wrote for the manifest's setup."],
  [/development setup/, "manifest.json says something about its setup that is false.", "Do not trust this manifest; take it from a source that you know."],
  [/^the proof was made for another statement/, "The final proof is about another claim: model, place, digests, numbers of tokens or decoding of some claim.json differ from what was proved, or a session is missing or too many.", "Give all sessions that the proof is over, and nothing else. If you have, claim.json or final.json was changed."],
  [/^the digests of the file are not those/, "final.json does not follow from these claims and manifests: activations, windows of layers or the tree of proofs differ from what was proved.", "claim.json or final.json was changed: get both from the provider again."],
  [/pairing's equation is false/, "The proof is false: its equation does not hold under this key. Either the proof, or the key, was changed.", "Do not believe this answer. Check that the key is of the setup that the proof was made under."],
  [/^the final proof: /, "The bytes of the proof are none that a prover writes: a number or a point in them is out of range.", "Get final.json from the provider again: it was damaged or changed."],
  [/^the proof has \d+ bytes/, "The proof has another length than final proofs have.", "Get final.json from the provider again: it was cut off or changed."],
  [/only greedy decoding/, "The claim says that tokens were chosen in another way than greedily, which nothing proves.", "Do not believe this claim."],
  [/prompt tokens and \d+ generated/, "The claim has more tokens than a session of this model can have, or none.", "claim.json was changed, or is of another model."],
  [/commitments to activations/, "The claim has another number of commitments to activations than the model has gaps between layers.", "claim.json was changed, or is of another model."],
  [/of the key/, "The key of final proofs is none.", "Get the key from a source that you trust, and compare its digest."],
];

/** @param {Judged} judged @returns {Report} */
function refusal({ verdict, place, milliseconds }) {
  const reason = String(verdict.reason);
  const [, text, advice] = REASONS.find(([pattern]) => pattern.test(reason)) ?? [null, "The files do not prove what they claim.", "Get them from the provider again; if they stay the same, do not believe this answer."];
  const filled = (/** @type {string} */ sentence) =>
    sentence.replaceAll("PLACE", place ?? "a file").replace(/^(the|a) /, (article) => article[0].toUpperCase() + article.slice(1));
  return {
    headline: { tone: "bad", title: "Refused", text: filled(text), advice: filled(advice), said: shown(reason, 600), by: "The verifier says" },
    steps: [
      {
        tone: "info",
        title: "What that means",
        text: "The verifier stops at the first thing that is wrong, so more may be. A refusal says that these files do not prove the answer; it does not say that the answer is false.",
        facts: [{ name: "refused after", value: `${milliseconds.toFixed(0)} ms, in this browser` }],
      },
    ],
  };
}

// Asks the verifier, which alone decides. What is computed here only finds out which files belong together.
import { utf8 } from "./bytes.js";
import { statementOf } from "./statement.js";

/** @typedef {import("./read.js").Input} Input */
/** @typedef {{ claim: any, manifest: any }} Session */
/**
 * @typedef {{ verdict: any, sessions: Session[], final: any, key: any, givenKey: boolean, unused: number,
 * milliseconds: number, place?: string }} Judged `unused`: manifests that are none of the claims' models'. */

/** @param {Session[]} sessions @param {any} final @param {any} key */
const question = (sessions, final, key) => ({
  sessions: sessions.map(({ claim, manifest }) => ({ model_id: claim.model_id, manifest, claim })),
  final,
  key,
});

/** The manifest that is a claim's model's, among several. @param {any} verifier @param {any} claim @param {Input} input @param {any[]} manifests */
function ownManifest(verifier, claim, input, manifests) {
  if (manifests.length === 1) return manifests[0];
  const other = (/** @type {any} */ manifest) => {
    const verdict = verifier.verify(question([{ claim, manifest }], input.final, input.key));
    return !verdict.accepted && verdict.reason.startsWith("the manifest has id ");
  };
  return manifests.find((manifest) => !other(manifest)) ?? manifests[0];
}

/** Claims in the order in which the final proof has them, if it has all of them. @param {any[]} candidates @param {any} final */
function ordered(candidates, final) {
  const statements = candidates.map(({ claim }) => statementOf(claim));
  const wanted = Array.isArray(final?.claims) ? final.claims.map((/** @type {any} */ c) => c?.statement) : [];
  const found = wanted.map((/** @type {any} */ statement) => candidates[statements.indexOf(statement)]);
  const whole = found.length === candidates.length && new Set(found).size === found.length && !found.includes(undefined);
  return whole ? found : candidates;
}

/**
 * @param {{ verify: (question: any) => any }} verifier
 * @param {Input} input
 * @param {() => number} [clock] Milliseconds.
 * @returns {Judged}
 */
export function judge(verifier, input, clock = () => performance.now()) {
  const sessions = ordered(input.candidates, input.final).map(({ claim, manifests }) => ({
    claim,
    manifest: ownManifest(verifier, claim, input, manifests),
  }));
  const asked = question(sessions, input.final, input.key);
  const start = clock();
  const verdict = verifier.verify(asked);
  const milliseconds = clock() - start;
  const { final, key, givenKey } = input;
  const given = new Set(input.candidates.flatMap(({ manifests }) => manifests));
  const unused = given.size - new Set(sessions.map(({ manifest }) => manifest)).size;
  return { verdict, sessions, final, key, givenKey, unused, milliseconds, place: verdict.accepted ? undefined : placeOf(asked, verdict.reason) };
}

/**
 * Which file a reason is about that names a column of the question.
 * @param {any} asked
 * @param {string} reason
 */
export function placeOf(asked, reason) {
  const column = reason.match(/at line 1 column (\d+)$/)?.[1];
  if (column === undefined) return undefined;
  const length = (/** @type {any} */ value) => utf8(JSON.stringify(value)).length;
  const at = Number(column);
  // The question's text: {"sessions":[{"model_id":…,"manifest":…,"claim":…},…],"final":…,"key":…}
  let end = '{"sessions":['.length;
  const many = asked.sessions.length > 1;
  for (const [i, { model_id, manifest, claim }] of asked.sessions.entries()) {
    const of = many ? ` of session ${i + 1}` : "";
    end += length({ model_id }) + ',"manifest":'.length - 1;
    if (at <= end) return `the model id of claim.json${of}`;
    end += length(manifest);
    if (at <= end) return `manifest.json${of}`;
    end += ',"claim":'.length + length(claim) + 1;
    if (at <= end) return `claim.json${of}`;
    end += 1;
  }
  end += ',"final":'.length + length(asked.final);
  return at <= end ? "final.json" : "the key of final proofs";
}

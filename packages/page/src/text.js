// Text of others: from files, from a node, from the chain. It is shown as it is, and can do nothing.

// Controls, marks that reorder text, and what has no width: each is written out.
const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff]|[\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|\p{Cs}/gu;
const MAX = 400;

/** @param {string} character */
const written = (character) => `⟨U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;

/**
 * A value as text that can be shown: hidden characters written out, and no longer than `max` characters.
 * @param {unknown} value
 * @param {number} [max]
 * @returns {string}
 */
export function shown(value, max = MAX) {
  const text = typeof value === "string" ? value : describe(value);
  // Cut first: what is never shown is not gone through.
  const cut = text.length > max ? text.slice(0, max) : text;
  const safe = cut.replace(HIDDEN, written);
  return text.length > max ? `${safe}… (${text.length - max} characters more)` : safe;
}

/** @param {unknown} value @returns {string} */
function describe(value) {
  if (value === null || value === undefined) return "nothing";
  if (typeof value !== "object") return String(value);
  return Array.isArray(value) ? `a list of ${value.length} elements` : "an object";
}

// Letters that are written from right to left, and so could change the order of digits beside them.
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|[\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/gu;

/** The same for a word of others inside a sentence of ours. @param {unknown} value @param {number} max */
export const inline = (value, max) => shown(value, max).replace(RIGHT_TO_LEFT, written);

/** @param {number} count @param {string} one @param {string} [more] */
export const plural = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;

/** "a, b and c" @param {string[]} parts */
export const listed = (parts) =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`;

/** Numbers in order, consecutive ones as a range: "0–3, 5". @param {number[]} numbers */
export function ranges(numbers) {
  const runs = [];
  for (const number of numbers) {
    const run = runs[runs.length - 1];
    if (run !== undefined && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(", ");
}

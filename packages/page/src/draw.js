// Reports → elements. All text becomes text nodes; nothing is ever parsed as markup.
import { shown } from "./text.js";

/** @typedef {import("./explain.js").Report} Report */
/** @typedef {import("./explain.js").Step} Step */

// More than any sentence of ours.
const MAX_TEXT = 4_000;

/** @type {Record<string, [string, string]>} A sign and a word, so that colour is not needed. */
const TONES = { good: ["✓", "Holds:"], warn: ["!", "Attention:"], bad: ["✕", "Wrong:"], info: ["i", "Information:"] };

/**
 * An element. Strings become text, with hidden characters written out.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | EventListener | undefined>} props Attributes; listeners as `onclick`.
 * @param {...(Node | string | undefined | (Node | string | undefined)[])} kids
 * @returns {HTMLElement}
 */
export function h(tag, props, ...kids) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const kid of kids.flat()) if (kid !== undefined) element.append(typeof kid === "string" ? shown(kid, MAX_TEXT) : kid);
  return element;
}

/** @param {string} tone */
const sign = (tone) => h("span", { class: "sign" }, h("span", { "aria-hidden": "true" }, TONES[tone][0]), h("span", { class: "sr" }, `${TONES[tone][1]} `));

/** Text in which commands stand between backticks. @param {string} text */
const marked = (text) => text.split("`").map((part, i) => (i % 2 ? h("code", {}, part) : part));

/** @param {Report["headline"]} headline @param {string} id */
const drawHeadline = ({ tone, title, text, advice, said, by }, id) =>
  h(
    "div",
    { class: "headline", "data-tone": tone, "data-test": "headline" },
    h("h3", { id, tabindex: "-1" }, sign(tone), title),
    h("p", {}, marked(text)),
    advice === undefined ? undefined : h("p", { class: "advice" }, h("b", {}, "What to do: "), marked(advice)),
    said === undefined ? undefined : h("p", { class: "said" }, `${by}: `, h("code", {}, said)),
  );

/** @param {import("./explain.js").Fact} fact */
const drawFact = ({ name, value, code, note, deadline }) => [
  h("dt", {}, name),
  h(
    "dd",
    {},
    code ? h("code", {}, value) : value,
    note === undefined ? undefined : h("span", { class: "note", "data-deadline": deadline }, marked(note)),
  ),
];

/** @param {NonNullable<Step["table"]>} table */
const drawTable = ({ head, rows }) =>
  h(
    "table",
    { role: "table" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head.map((name) => h("th", { scope: "col", role: "columnheader" }, name)))),
    h(
      "tbody",
      { role: "rowgroup" },
      rows.map((row) => h("tr", { role: "row" }, row.map((cell, i) => h(i === 0 ? "th" : "td", { role: i === 0 ? "rowheader" : "cell", scope: i === 0 ? "row" : undefined, "data-label": head[i] }, cell)))),
    ),
  );

/** @param {Step} step */
const drawStep = ({ tone, title, text, facts, items, table }) =>
  h(
    "section",
    { class: "step", "data-tone": tone, "data-test": "step" },
    h("h4", {}, sign(tone), title),
    text === undefined ? undefined : h("p", {}, marked(text)),
    table === undefined ? undefined : drawTable(table),
    facts === undefined ? undefined : h("dl", {}, facts.flatMap(drawFact)),
    items === undefined ? undefined : h("ul", {}, items.map((item) => h("li", {}, marked(item)))),
  );

/**
 * A report, in place of what was in an element.
 * @param {HTMLElement} into
 * @param {string} title
 * @param {Report} report
 */
export function drawReport(into, title, { headline, steps }) {
  const id = `${into.id}-headline`;
  into.replaceChildren(h("h2", {}, title), drawHeadline(headline, id), ...steps.map(drawStep));
}

/**
 * Problems, each with what to do.
 * @param {HTMLElement} into
 * @param {import("./read.js").Problem[]} problems
 */
export function drawProblems(into, problems) {
  into.replaceChildren(
    ...problems.map(({ what, advice }) => h("p", { class: "problem", "data-test": "problem" }, sign("warn"), h("b", {}, what), " ", marked(advice))),
  );
}

/**
 * The list of files.
 * @param {HTMLElement} into
 * @param {{ name: string, what: string, kind: string }[]} items
 * @param {(index: number) => void} remove
 */
export function drawItems(into, items, remove) {
  into.replaceChildren(
    ...items.map(({ name, what, kind }, i) =>
      h(
        "li",
        { "data-kind": kind },
        sign(kind === "wrong" ? "bad" : kind === "unused" ? "info" : "good"),
        h("span", { class: "what" }, h("bdi", { class: "name" }, name), " ", h("span", { class: "note" }, marked(what))),
        h("button", { type: "button", class: "small", "aria-label": `Remove ${name}`, onclick: () => remove(i) }, "Remove"),
      ),
    ),
  );
}

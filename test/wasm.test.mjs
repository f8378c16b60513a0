// The verifier in WebAssembly gives the same verdicts, for the same reasons, as the same code on this machine.
// script/wasm --check runs this; NANOZK_VERDICTS is the program that says what the latter are.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import test from "node:test";
import { load } from "../packages/verifier/index.js";

const json = (name) => JSON.parse(readFileSync(new URL(`fixtures/session/${name}.json`, import.meta.url)));
const sessions = json("sessions");
const [final, key] = [json("final"), json("final-key")];
const question = { sessions, final, key };
const changes = Number(process.env.NANOZK_MUTATIONS ?? 150);

const copy = () => structuredClone(question);
const changed = (change) => {
  const other = copy();
  change(other);
  return other;
};

test("the proof is accepted", async () => {
  const verifier = await load();
  const verdict = verifier.verify(question);
  assert.equal(verdict.accepted, true, verdict.reason);
  assert.deepEqual(
    verdict.sessions.map((s) => [s.model_id, s.layers, s.proved, s.development_setup]),
    [[0, 1, 2, 3, 4, 5], [1]].map((proved, i) => [sessions[i].model_id, 6, proved, true]),
  );
  // Nothing of one question is left for the next.
  assert.deepEqual(verifier.verify(question), verdict);
});

test("what is no input gets a reason", async () => {
  const verifier = await load();
  for (const wrong of [null, 3, {}, [], { ...question, more: 1 }, { ...question, sessions: [] }]) {
    const verdict = verifier.verify(wrong);
    assert.equal(verdict.accepted, false);
    assert.match(verdict.reason, /./);
  }
});

// A generator of its own, so that a failure can be repeated.
let state = 1;
const below = (n) => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 8) % n;
};

// Every place of a value that can be changed: path and value.
const leaves = (value, path = []) =>
  value !== null && typeof value === "object"
    ? Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...path, name]))
    : [[path, value]];

const another = (value) => {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return below(2) || value === 0 ? value + 1 : value - 1;
  if (typeof value !== "string" || !value.startsWith("0x") || value.length < 3) return `${value}?`;
  const at = 2 + below(value.length - 2);
  const digit = (parseInt(value[at], 16) ^ (1 + below(15))).toString(16);
  return value.slice(0, at) + digit + value.slice(at + 1);
};

test("verdicts and reasons are the same", { skip: !process.env.NANOZK_VERDICTS }, async () => {
  const verifier = await load();
  // Nothing depends on the digest of a seed: off chain it is compared when a seed is disclosed.
  const all = leaves(question).filter(([path]) => path.at(-1) !== "seed_digest");
  // Half of the changes are of the proof.
  const places = all.filter(([path]) => path.join(".") === "final.proof");
  const questions = [question];
  const changedAt = ["nothing"];
  for (let i = 0; i < changes; i++) {
    const [path, value] = i % 2 ? places[0] : all[below(all.length)];
    changedAt.push(path.join("."));
    questions.push(
      changed((other) => {
        const inner = path.slice(0, -1).reduce((at, name) => at[name], other);
        inner[path.at(-1)] = another(value);
      }),
    );
  }
  const input = questions.map((q) => JSON.stringify(q)).join("\n");
  const native = execFileSync(process.env.NANOZK_VERDICTS, { input, maxBuffer: 1 << 30 }).toString().trim().split("\n");
  assert.equal(native.length, questions.length);
  const honest = verifier.verify(question);
  const accepted = [];
  for (const [i, q] of questions.entries()) {
    const verdict = verifier.verify(q);
    assert.deepEqual(verdict, JSON.parse(native[i]), `change ${i}`);
    // A key has numbers that this proof does not need: its digest has them all.
    if (verdict.accepted && verdict.key_digest === honest.key_digest) accepted.push(changedAt[i]);
  }
  assert.deepEqual(accepted, ["nothing"]);
});

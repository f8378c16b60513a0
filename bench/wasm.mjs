// How long the verifier in WebAssembly takes for the final proof of test/fixtures/session, in Node: after script/wasm,
//   node bench/wasm.mjs
import { readFileSync } from "node:fs";
import { load } from "../packages/verifier/index.js";

const json = (name) => JSON.parse(readFileSync(new URL(`../test/fixtures/session/${name}.json`, import.meta.url)));
const question = { sessions: json("sessions"), final: json("final"), key: json("final-key") };

const took = (f) => {
  const start = performance.now();
  const result = f();
  return [performance.now() - start, result];
};
const start = performance.now();
const verifier = await load();
const loaded = performance.now() - start;
const [first, verdict] = took(() => verifier.verify(question));
if (!verdict.accepted) throw new Error(verdict.reason);
const times = Array.from({ length: 21 }, () => took(() => verifier.verify(question))[0]).sort((a, b) => a - b);
console.log(`loaded in ${loaded.toFixed(0)} ms; the first verification ${first.toFixed(0)} ms, then ${times[10].toFixed(1)} ms (median of 21)`);

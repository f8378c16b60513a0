// Verifies final proofs of nanozk. The module takes text and gives text, by numbers: see crates/wasm/src/exports.rs.

const WORD = 4;

/** A verifier from its compiled module: bytes, or what `fetch` gives; by default `verifier.wasm` beside this file. */
export async function load(source) {
  const module = await compile(source ?? new URL("./verifier.wasm", import.meta.url));
  const { exports } = await WebAssembly.instantiate(module, {});
  return {
    verify: (question) => JSON.parse(ask(exports, JSON.stringify(question))),
  };
}

async function compile(source) {
  if (source instanceof URL) {
    if (source.protocol !== "file:") return WebAssembly.compileStreaming(fetch(source));
    const { readFile } = await import("node:fs/promises");
    return WebAssembly.compile(await readFile(source));
  }
  const given = await source;
  if (typeof Response !== "undefined" && given instanceof Response) return WebAssembly.compileStreaming(given);
  return WebAssembly.compile(given);
}

function ask(exports, text) {
  const input = new TextEncoder().encode(text);
  for (let i = 0; i < input.length; i += WORD) {
    const part = input.subarray(i, i + WORD);
    const word = part.reduce((sum, byte, at) => sum | (byte << (8 * at)), 0);
    exports.nanozk_push(word, part.length);
  }
  const length = exports.nanozk_verify();
  const output = new Uint8Array(Math.ceil(length / WORD) * WORD);
  const view = new DataView(output.buffer);
  for (let i = 0; i < length; i += WORD) view.setUint32(i, exports.nanozk_pull(i), true);
  return new TextDecoder().decode(output.subarray(0, length));
}

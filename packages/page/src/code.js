// Code on chain against the reproducible build of this repository.
import { fromHex, toHex } from "./bytes.js";
import { keccak256 } from "./keccak.js";

/**
 * @typedef {{ codeHash: string, size: number, immutables: [number, number][] }} Build What a contract's code is, with zeros
 * where constructors put their arguments (offset and length).
 */

/**
 * Which contract some code is: its name, or undefined.
 * @param {Record<string, Build>} builds
 * @param {string} code
 * @returns {string | undefined}
 */
export function contractOf(builds, code) {
  const bytes = fromHex(code);
  const same = ({ codeHash, size, immutables }) => {
    if (bytes.length !== size) return false;
    const blank = bytes.slice();
    for (const [offset, length] of immutables) blank.fill(0, offset, offset + length);
    return toHex(keccak256(blank)) === codeHash;
  };
  return Object.keys(builds).find((name) => same(builds[name]));
}

/** Hash of code as it is, as explorers and `EXTCODEHASH` give it. @param {string} code */
export const codeHash = (code) => toHex(keccak256(fromHex(code)));

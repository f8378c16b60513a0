// Keccak-256, as Ethereum has it. Lanes are pairs of 32-bit words, the lower one first.

const RATE = 136;

// Round constants from their generator x^8 + x^6 + x^5 + x^4 + 1, rotations and places from the walk of ρ and π.
const CONSTANTS = new Uint32Array(48);
const ROTATIONS = new Uint8Array(24);
const PLACES = new Uint8Array(24);
{
  let state = 1;
  for (let round = 0; round < 24; round++) {
    for (let j = 0; j < 7; j++) {
      const bit = (1 << j) - 1;
      if (state & 1) CONSTANTS[2 * round + (bit >> 5)] ^= 1 << (bit & 31);
      state = state & 0x80 ? (state << 1) ^ 0x171 : state << 1;
    }
  }
  let [x, y] = [1, 0];
  for (let t = 0; t < 24; t++) {
    ROTATIONS[t] = (((t + 1) * (t + 2)) / 2) % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
    PLACES[t] = x + 5 * y;
  }
}

/** @param {Uint32Array} a 25 lanes. */
function permute(a) {
  const c = new Uint32Array(10);
  for (let round = 0; round < 24; round++) {
    // θ
    for (let i = 0; i < 10; i++) c[i] = a[i] ^ a[i + 10] ^ a[i + 20] ^ a[i + 30] ^ a[i + 40];
    for (let x = 0; x < 5; x++) {
      const [before, after] = [2 * ((x + 4) % 5), 2 * ((x + 1) % 5)];
      const low = c[before] ^ ((c[after] << 1) | (c[after + 1] >>> 31));
      const high = c[before + 1] ^ ((c[after + 1] << 1) | (c[after] >>> 31));
      for (let i = 2 * x; i < 50; i += 10) {
        a[i] ^= low;
        a[i + 1] ^= high;
      }
    }
    // ρ and π
    let [low, high] = [a[2], a[3]];
    for (let t = 0; t < 24; t++) {
      const at = 2 * PLACES[t];
      const [nextLow, nextHigh] = [a[at], a[at + 1]];
      const by = ROTATIONS[t] & 31;
      if (ROTATIONS[t] & 32) [low, high] = [high, low];
      a[at] = by ? (low << by) | (high >>> (32 - by)) : low;
      a[at + 1] = by ? (high << by) | (low >>> (32 - by)) : high;
      [low, high] = [nextLow, nextHigh];
    }
    // χ
    for (let row = 0; row < 50; row += 10) {
      for (let i = 0; i < 10; i++) c[i] = a[row + i];
      for (let i = 0; i < 10; i++) a[row + i] ^= ~c[(i + 2) % 10] & c[(i + 4) % 10];
    }
    // ι
    a[0] ^= CONSTANTS[2 * round];
    a[1] ^= CONSTANTS[2 * round + 1];
  }
}

/**
 * @param {Uint8Array} input
 * @returns {Uint8Array} 32 bytes.
 */
export function keccak256(input) {
  const state = new Uint32Array(50);
  const blocks = Math.floor(input.length / RATE) + 1;
  const padded = new Uint8Array(blocks * RATE);
  padded.set(input);
  padded[input.length] ^= 0x01;
  padded[padded.length - 1] ^= 0x80;
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += RATE) {
    for (let i = 0; i < RATE / 4; i++) state[i] ^= words.getUint32(at + 4 * i, true);
    permute(state);
  }
  const output = new DataView(new ArrayBuffer(32));
  for (let i = 0; i < 8; i++) output.setUint32(4 * i, state[i], true);
  return new Uint8Array(output.buffer);
}

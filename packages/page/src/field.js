// Numbers modulo a prime.

/** @param {bigint} base @param {bigint} exponent @param {bigint} prime */
export function power(base, exponent, prime) {
  let result = 1n;
  for (let b = base % prime, e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * b) % prime;
    b = (b * b) % prime;
  }
  return result;
}

/** A square root; undefined if there is none. @param {bigint} square Below the prime. @param {bigint} prime Three more than a multiple of four. */
export function squareRoot(square, prime) {
  const root = power(square, (prime + 1n) / 4n, prime);
  return (root * root) % prime === square ? root : undefined;
}

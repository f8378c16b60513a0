// Amounts and times, exactly: no digit is rounded away, no time is without its zone.
import { inline } from "./text.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
// The last second that a date can say.
const LAST = 8_640_000_000_000;
const MAX_DECIMALS = 77;
// An address has 42.
const MAX_SYMBOL = 42;

/** @typedef {{ symbol: string, decimals: number | undefined }} Unit `decimals` undefined: amounts are in the smallest unit. */

/** @type {Unit} */
export const ETH = { symbol: "ETH", decimals: 18 };

/**
 * An amount in its unit, with all its digits.
 * @param {bigint} amount In the smallest unit.
 * @param {Unit} unit
 */
export function amountText(amount, unit) {
  const symbol = inline(unit.symbol, MAX_SYMBOL);
  if (unit.decimals === undefined || unit.decimals > MAX_DECIMALS) {
    return `${grouped(amount.toString())} smallest ${amount === 1n ? "unit" : "units"} of ${symbol}`;
  }
  const digits = amount.toString().padStart(unit.decimals + 1, "0");
  const whole = digits.slice(0, digits.length - unit.decimals);
  const fraction = digits.slice(digits.length - unit.decimals).replace(/0+$/, "");
  return `${grouped(whole)}${fraction === "" ? "" : `.${fraction}`} ${symbol}`;
}

/** @param {string} digits */
const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");

/** Seconds since 1970 as a time in UTC. @param {number | bigint} seconds */
export function timeText(seconds) {
  const number = Number(seconds);
  if (!(number >= 0 && number <= LAST)) return `second ${seconds}`;
  return `${new Date(number * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A span in at most two units; seconds only below an hour. @param {number} seconds */
export function spanText(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const parts =
    s >= DAY
      ? [[Math.floor(s / DAY), "d"], [Math.floor((s % DAY) / HOUR), "h"]]
      : s >= HOUR
        ? [[Math.floor(s / HOUR), "h"], [Math.floor((s % HOUR) / MINUTE), "min"]]
        : s >= MINUTE
          ? [[Math.floor(s / MINUTE), "min"], [s % MINUTE, "s"]]
          : [[s, "s"]];
  return parts.filter(([n], i) => n !== 0 || i === 0).map(([n, unit]) => `${n} ${unit}`).join(" ");
}

/**
 * What is left until a deadline, whose last second counts.
 * @param {number} deadline
 * @param {number} now
 */
export function leftText(deadline, now) {
  const left = deadline - now;
  return left >= 0 ? `${spanText(left)} left` : `over for ${spanText(-left)}`;
}

const CHAINS = {
  1: "Ethereum",
  10: "OP Mainnet",
  100: "Gnosis",
  137: "Polygon PoS",
  8453: "Base",
  17000: "Holešky",
  31337: "a local test chain",
  42161: "Arbitrum One",
  11155111: "Sepolia",
};

/** @param {number | bigint} id */
export const chainText = (id) => (CHAINS[String(id)] === undefined ? `chain ${id}` : `chain ${id} (${CHAINS[String(id)]})`);

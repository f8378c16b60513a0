// What a visitor asks of a chain: a claim or an epoch, by which lens the address is. All reads are of one block.
import { isHex } from "./bytes.js";
import { readClaim } from "./claim.js";
import { codeHash, contractOf } from "./code.js";
import { readEpoch } from "./epoch.js";
import { chainText } from "./format.js";
import { Failure } from "./rpc.js";
import { isObject, number, View } from "./view.js";

/** @typedef {import("./rpc.js").Node} Node */
/** @typedef {import("./view.js").Contracts} Contracts */
/** @typedef {import("./receipt.js").Signed} Signed */
/**
 * @typedef {{ address: string, id: string, where: string, files?: { chain: number, what: string }, receipt?: Signed, span?: number }} Question
 * `files`: the chain that files of the visitor are of, and what these are. `receipt`: in place of an epoch's id. `span`: how many
 * blocks are searched at a time where a node refuses all.
 */
/** @typedef {Awaited<ReturnType<typeof readChain>>} Facts */

const SPAN = 5_000;
/** @type {[string, string, string[]][]} What each lens is for, and what only it answers. */
const LENSES = [
  ["ClaimLens", "Reading claims", ["book", "market", "registry"]],
  ["EpochLens", "Reading epochs", ["book", "disputes", "registry"]],
];

/** What a visitor entered, checked. @param {Question} question */
export function checkQuestion({ address, id, where, files, receipt, span = SPAN }) {
  const [contract, own, place] = [address.trim(), id.trim(), where.trim()];
  if (!isHex(contract, 20)) throw new Failure("The contract's address is none.", "It is 0x and 40 hexadecimal digits: that of ClaimLens or of EpochLens, in deployments/CHAIN.json of the deployment.");
  if (!isHex(own, 32) && (own !== "" || receipt === undefined)) {
    throw new Failure("The id is none.", "It is 0x and 64 hexadecimal digits: a claim's, which nanozk claim post prints, a job's, or an epoch's, which the event EpochCommitted has. For an epoch you may give a receipt among the files instead.");
  }
  if (place !== "" && !isHex(place, 32) && !/^\d{1,12}$/.test(place)) {
    throw new Failure("Where it began is neither a block nor a transaction.", "Enter a block's number, or a transaction's hash, or nothing.");
  }
  return { address: contract.toLowerCase(), id: own.toLowerCase(), where: place.toLowerCase(), files, receipt, span };
}

/**
 * @param {Node} node
 * @param {Contracts} contracts
 * @param {Question} question
 */
export async function readChain(node, contracts, question) {
  const { address, id, where, files, receipt, span } = checkQuestion(question);
  const chain = number(await node.ask("eth_chainId", []), "the chain's id");
  if (files !== undefined && files.chain !== chain) {
    throw new Failure(`The node is of ${chainText(chain)}, and ${files.what} is of ${chainText(files.chain)}.`, `Enter a node of ${chainText(files.chain)}, or remove the file.`);
  }
  const block = await node.ask("eth_getBlockByNumber", ["latest", false]);
  if (!isObject(block)) throw new Failure("The node has no newest block.", "It may still be starting; try again, or use another node.");
  const view = new View(node, contracts, chain, block, span);
  const lens = await readLens(view, address);
  if (lens.expected === "EpochLens") return readEpoch(view, lens, id === "" ? receipt : id, where);
  if (id === "") throw new Failure("The address is that of ClaimLens, and a receipt is of an epoch.", "Enter the address of EpochLens, or the id of a claim.");
  return readClaim(view, lens, id, where);
}

/** Which lens an address is: by its code, or, if that is no build's, by what it answers. @param {View} view @param {string} address */
async function readLens(view, address) {
  const code = await view.code(address);
  if (code === "0x") {
    throw new Failure(`There is no contract at ${address} on ${chainText(view.chain)}.`, "Check the address, and that the node is of the chain that you ask about.");
  }
  const found = contractOf(view.contracts.builds, code);
  const as = (/** @type {string} */ expected, /** @type {string} */ role) => ({ role, address, expected, found, hash: codeHash(code) });
  const [own] = LENSES.filter(([name]) => name === found).map(([name, role]) => as(name, role));
  if (own !== undefined) return own;
  const advice = "Enter the address of ClaimLens for a claim, or that of EpochLens for an epoch. Both are in deployments/CHAIN.json of the deployment.";
  if (found !== undefined) throw new Failure(`The contract at ${address} is ${found}.`, advice);
  for (const [name, role, functions] of LENSES) {
    try {
      await view.all(address, name, functions);
      return as(name, role);
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure;
    }
  }
  throw new Failure(`The contract at ${address} is neither ClaimLens nor EpochLens.`, advice);
}

// What the page brings with it: the verifier, what contracts compile to and how to talk to them, keys that are known, and an
// example. All of it is from the repository.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const root = new URL("../../", import.meta.url);
const read = (path) => readFileSync(new URL(path, root));
const json = (path) => JSON.parse(read(path).toString("utf8"));
const artifact = (name) => json(`crates/chain/artifacts/${name}.json`);

// Contracts whose code is compared, or that are named where another is needed.
const BUILDS = ["AuditBeacon", "BondEscrow", "ClaimBook", "ClaimLens", "Deployer", "EpochBook", "EpochDisputes", "EpochLens", "FinalVerifier", "JobMarket", "ModelRegistry", "StatementVerifier", "TokenDigests"];
const FUNCTIONS = {
  ClaimLens: ["book", "market", "registry", "describeClaim", "nextAction", "checkProof", "explainJob"],
  ClaimBook: ["market", "registry", "escrow", "beacon", "digests", "status", "challengeOf"],
  JobMarket: ["escrow", "registry", "claimBook", "beacon"],
  EpochLens: ["book", "disputes", "registry", "describeEpoch", "nextOfEpoch", "drawnAnswers", "explainReceipt"],
  EpochBook: ["disputes", "registry", "escrow", "beacon", "challengeWindow", "answerWindow", "proveWindow", "line", "pageOf", "statusOf"],
  EpochDisputes: ["book", "registry", "escrow", "disputeOf", "disputesOf", "receiptDigest"],
  ModelRegistry: ["escrow", "modelId", "header", "policy", "metadataURI", "usable", "verifierUsable"],
};
const EVENTS = {
  ClaimBook: /./,
  JobMarket: /^Job(Settled|Slashed|Refunded)$/,
  EpochBook: /^(Epoch(Committed|Fixed|Moved)|LayersDrawn|Line(Bonded|Withdrawn|Slashed)|VoucherRedeemed)$/,
  EpochDisputes: /^(?!EIP712)/,
};
const ERRORS = ["IClaimLens", "IClaimBook", "IJobMarket", "IModelRegistry", "IFinalVerifier", "ClaimLens", "IEpochBook", "IEpochDisputes", "EpochLens"];
const TOKEN = [
  { type: "function", name: "symbol", inputs: [], outputs: [{ type: "string", name: "" }] },
  { type: "function", name: "decimals", inputs: [], outputs: [{ type: "uint8", name: "" }] },
];

// Digest of the development setup's key: docs/final-proof.md.
const DEVELOPMENT_KEY = "0xde49f25cbd3c0a98cca5925a42237ea5a8a96f4d4b010ddb570baa75718dea24";

/** Types without what only compilers need. */
const slim = ({ type, name, components, indexed }) => ({
  type,
  name,
  ...(components === undefined ? {} : { components: components.map(slim) }),
  ...(indexed ? { indexed } : {}),
});
const entry = ({ type, name, inputs, outputs }) => ({ type, name, inputs: inputs.map(slim), ...(outputs === undefined ? {} : { outputs: outputs.map(slim) }) });

function build(name) {
  const { codeHash, immutables } = artifact(name);
  const size = Number(json("snapshots/code.json")[name]);
  return { codeHash, size, immutables };
}

/** @returns {import("./src/chain.js").Contracts} */
export function contracts() {
  const functions = Object.entries(FUNCTIONS).flatMap(([contract, names]) => {
    const { abi } = artifact(contract);
    return names.map((name) => {
      const found = abi.filter((e) => e.type === "function" && e.name === name);
      if (found.length !== 1) throw new Error(`${contract} has ${found.length} functions ${name}`);
      return [`${contract}.${name}`, entry(found[0])];
    });
  });
  const token = TOKEN.map((e) => [`Token.${e.name}`, e]);
  const of = (names, type, filter = /./) => names.flatMap((name) => artifact(name).abi.filter((e) => e.type === type && filter.test(e.name)).map(entry));
  const errors = new Map(of(ERRORS, "error").map((e) => [JSON.stringify(e), e]));
  return {
    builds: Object.fromEntries(BUILDS.map((name) => [name, build(name)])),
    functions: Object.fromEntries([...functions, ...token]),
    events: Object.entries(EVENTS).flatMap(([name, filter]) => of([name], "event", filter)),
    errors: [...errors.values()],
  };
}

const session = (name) => json(`test/fixtures/session/${name}.json`);

export const knownKeys = () => [{ digest: DEVELOPMENT_KEY, name: "the development setup's", development: true, key: session("final-key") }];

/** A session of the tests, as files. */
export const example = () =>
  ["manifest", "claim", "final"].map((name) => {
    const value = json(`test/fixtures/posted/${name}.json`);
    return { name: `${name}.json`, folder: "", text: JSON.stringify(value) };
  });

/** @param {Uint8Array} wasm */
export const embedded = (wasm) => ({
  contracts: contracts(),
  knownKeys: knownKeys(),
  example: example(),
  wasm: gzipSync(wasm, { level: 9 }).toString("base64"),
});

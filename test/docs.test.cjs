// What the documentation names is there: files of the repository, and tests. A property whose test was renamed looks like
// one that is tested.
"use strict";
const test = require("node:test");
const assert = require("node:assert");
const fs = require("fs");
const path = require("path");
const { spawnSync } = require("child_process");

const root = path.resolve(__dirname, "..");
const listed = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  maxBuffer: 1 << 26,
});
const files = listed.stdout.toString().split("\0").filter((f) => f !== "" && fs.existsSync(path.join(root, f)));
const directories = new Set();
for (const file of files) {
  for (let d = path.posix.dirname(file); d !== "."; d = path.posix.dirname(d)) directories.add(d);
}
const read = (file) => fs.readFileSync(path.join(root, file), "utf8");
const documents = files.filter((f) => f === "README.md" || /^(docs|test)\/[^/]+\.md$/.test(f));

// Functions of the tests, by file.
const functions = new Map();
for (const file of files.filter((f) => /^test\/(contracts|symbolic)\/.*\.sol$|^(crates|fuzz)\/.*\.rs$/.test(f))) {
  const found = file.endsWith(".rs") ? /\bfn (\w+)/g : /\bfunction (\w+)/g;
  functions.set(file, new Set([...read(file).matchAll(found)].map((m) => m[1])));
}
const functionsOf = (some) => some.flatMap((f) => [...(functions.get(f) ?? [])]);
const everywhere = new Set(functionsOf([...functions.keys()]));

// `*` is any part of a name.
const pattern = (text) => new RegExp(`^${text.replace(/[.+?^$()|[\]\\]/g, "\\$&").replace(/\*/g, "[^/]*")}$`);
const has = (names, name) => (name.includes("*") ? [...names].some((n) => pattern(name).test(n)) : [...names].includes(name));

// "a{b,c}d" is "abd" and "acd".
function expanded(text) {
  const braces = text.match(/^(.*?)\{([^{}]*)\}(.*)$/);
  return braces === null ? [text] : braces[2].split(",").flatMap((part) => expanded(braces[1] + part + braces[3]));
}

// Documents name files from the root, from where they are themselves, and in their tables from `crates/` or from the
// directory of contracts' tests. A name without a directory is that of a file anywhere.
function filesOf(name, document) {
  const own = path.posix.dirname(document);
  const places = [".", own, "crates", "contracts", "test/contracts", "test", "script"];
  const all = places.map((place) => path.posix.join(place, name.replace(/\/$/, "")));
  const found = files.filter((f) => all.some((p) => pattern(p).test(f)));
  if (found.length > 0 || all.some((p) => [...directories].some((d) => pattern(p).test(d)))) return found;
  if (name.includes("/")) return undefined;
  const named = files.filter((f) => pattern(name).test(path.posix.basename(f)));
  return named.length > 0 ? named : undefined;
}

const code = /\.(rs|sol|cjs|mjs|js|toml|md)$/;
// A directory of this repository in front, or a file that nothing but a repository has.
function isFile(text) {
  if (!/^[\w.{},*/-]+$/.test(text) || /^[./]*$/.test(text) || text.startsWith("/")) return false;
  const first = text.split("/")[0];
  const known = [".", "crates"].some((d) => directories.has(path.posix.join(d, first)));
  return text.includes("/") ? known || code.test(text) : code.test(text) && !text.startsWith(".");
}
const isContractTest = (text) => /^(test|testFuzz|invariant|check)_[\w*]+$/.test(text);
// Sentences in snake case are tests. Names of fields and of metrics may be as long, but programs have them in strings.
const sources = [...functions.keys()].filter((f) => f.startsWith("crates/")).map(read);
const isRustTest = (text) =>
  /^[a-z\d*]+(_[a-z\d*]+){3,}$/.test(text) &&
  (everywhere.has(text) || !sources.some((s) => s.includes(`"${text}"`) || s.includes(`"${text.replace(/^nanozk_/, "")}`)));

// What the files that were written by programs and not put under version control are called.
const made = [/^(work|target|node_modules|deployments)\//];

function problemsOf(document, text) {
  const problems = [];
  const lines = text.replace(/^(```|~~~)[^]*?^\1/gm, (block) => block.replace(/[^\n]/g, "")).split("\n");
  lines.forEach((line, i) => {
    const problem = (what) => problems.push(`${document}:${i + 1}: ${what}`);
    // Tests that follow a file, in parentheses or behind a colon, are in it; a semicolon or the table's cell ends that.
    for (const part of line.split(/;|\|/)) {
      let named;
      const prefix = part.match(/(?:^|\s)((?:[A-Z]\w+(?:, | and )?)+): (?=`)/);
      if (prefix !== null) {
        const contracts = prefix[1].split(/, | and /).map((c) => `test/contracts/${c}.t.sol`);
        if (contracts.every((c) => functions.has(c))) named = contracts;
      }
      for (const [, span] of part.matchAll(/`([^`]+)`/g)) {
        if (isContractTest(span)) {
          if (!has(named === undefined ? everywhere : functionsOf(named), span)) {
            problem(`no test ${span}${named === undefined ? "" : ` in ${named.join(", ")}`}`);
          }
        } else if (isRustTest(span)) {
          const inFiles = named?.some((f) => f.endsWith(".rs")) ? functionsOf(named) : everywhere;
          if (!has(inFiles, span)) problem(`no function ${span}${inFiles === everywhere ? "" : ` in ${named.join(", ")}`}`);
        } else if (isFile(span) && !made.some((m) => m.test(span))) {
          const found = expanded(span).map((name) => [name, filesOf(name, document)]);
          for (const [name, there] of found) if (there === undefined) problem(`no file ${name}`);
          const there = found.flatMap(([, f]) => f ?? []).filter((f) => functions.has(f));
          // Several files in a row share what follows.
          if (there.length > 0) named = there;
        }
      }
    }
    for (const [, target] of line.matchAll(/\]\(([^)#\s:]+)(?:#[^)]*)?\)/g)) {
      if (!fs.existsSync(path.join(root, path.posix.dirname(document), target))) problem(`no file ${target}`);
    }
  });
  return problems;
}

test("the documentation names files and tests that are there", () => {
  assert.ok(documents.length > 15, "documents are found");
  const problems = documents.flatMap((document) => problemsOf(document, read(document)));
  assert.deepStrictEqual(problems, [], problems.join("\n"));
});

test("what is not there is noticed", () => {
  const refused = [
    "`crates/cli/tests/cli/none.rs`",
    "`cli/tests/cli/{sessions,none}.rs`",
    "`None.t.sol`",
    "`test_Attack_OfNobody`",
    "Ends: `test_Open_NonceIsUsedOnce`",
    "`test_NothingStartsSo_*`",
    "`other_decodings_are_never_refused`",
    "`chain/src/request.rs` (`other_counts_are_refused`)",
    "[a page](none.md#here)",
  ];
  for (const text of refused) assert.strictEqual(problemsOf("docs/security.md", text).length, 1, text);
  const taken = [
    "`crates/cli/tests/cli/sessions.rs`, `script/test`, `docs/`",
    "JobMarket: `test_Open_NonceIsUsedOnce`, `test_Open_*`; Ends: `test_Finalize_*`",
    "`chain/src/request.rs` (`other_decodings_are_refused`)",
    "`prompt_tokens`, `claim.json`, `0x…`, `--max-new-tokens`",
    "```\ncrates/none.rs `crates/none.rs`\n```",
  ];
  for (const text of taken) assert.deepStrictEqual(problemsOf("docs/security.md", text), []);
});

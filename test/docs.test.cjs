// What the documentation names is there: files of the repository, tests, pages and their headings, commands and their options.
// A property whose test was renamed looks like one that is tested.
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
const documents = files.filter((f) => f === "README.md" || /^(docs\/.+|test\/[^/]+)\.md$/.test(f));
// Those of which only links are looked at, too.
const linking = [...documents, ...files.filter((f) => /^([A-Z]+|(crates|packages)\/[^/]+\/README)\.md$/.test(f) && f !== "README.md")];

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

// Blocks of code are blank, so that lines keep their numbers.
const withoutBlocks = (text) => text.replace(/^(```|~~~)[^]*?^\1/gm, (block) => block.replace(/[^\n]/g, ""));

function problemsOf(document, text) {
  const problems = [];
  const lines = withoutBlocks(text).split("\n");
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

// As code hosts and mdBook name them: small letters, digits, `-` and `_`; a number follows if a heading is not the first one.
function headingsOf(text) {
  const seen = new Map();
  const headings = [...withoutBlocks(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => {
    const words = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").trim().toLowerCase();
    const id = words.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    const before = seen.get(id) ?? 0;
    seen.set(id, before + 1);
    return before === 0 ? id : `${id}-${before}`;
  });
  return new Set(headings);
}

const fileSet = new Set(files);
function brokenLinks(document, text) {
  const problems = [];
  withoutBlocks(text)
    .split("\n")
    .forEach((line, i) => {
      for (const [, link] of line.replace(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(link)) continue;
        const [to, anchor] = link.split("#");
        const target = to === "" ? document : path.posix.join(path.posix.dirname(document), to).replace(/\/$/, "");
        const problem = (what) => problems.push(`${document}:${i + 1}: ${what}`);
        if (!fileSet.has(target) && !directories.has(target)) problem(`no file ${to}`);
        else if (anchor !== undefined && !target.endsWith(".md")) problem(`${to} has no headings`);
        else if (anchor !== undefined && !headingsOf(target === document ? text : read(target)).has(anchor)) {
          problem(`no heading ${link}`);
        }
      }
    });
  return problems;
}

test("links lead to files and headings that are there", () => {
  assert.ok(linking.length > documents.length + 5, "files with links are found");
  const problems = linking.flatMap((document) => brokenLinks(document, read(document)));
  assert.deepStrictEqual(problems, [], problems.join("\n"));
});

test("broken links are noticed", () => {
  const refused = [
    "[a page](none.md)",
    "[a page](none.md#here)",
    "[a page](../README.md) and [a heading](format.md#none)",
    "[here](#none)",
    "![a figure](figures/none.svg)",
    "[a folder](none/)",
    "[a figure](figures/claim.svg#top)",
    "# One\n[the second of one](#one-1)",
  ];
  for (const text of refused) assert.strictEqual(brokenLinks("docs/security.md", text).length, 1, text);
  const taken = [
    "[a page](format.md), [a heading](format.md#final-proof), [a figure](figures/claim.svg), [a folder](../contracts/)",
    "[elsewhere](https://example.org/none.md#none), `[code](none.md)`",
    "```\n[code](none.md)\n```",
    "## `nanozk --json`, and *more*: [a page](format.md)\n# One\n# One\n[here](#nanozk---json-and-more-a-page) [again](#one-1)",
  ];
  for (const text of taken) assert.deepStrictEqual(brokenLinks("docs/security.md", text), [], text);
});

const contents = "docs/SUMMARY.md";
function unlisted(summary) {
  const pages = documents.filter((f) => f.startsWith("docs/") && f !== contents);
  const listed = [...summary.matchAll(/\]\(([^)]+)\)/g)].map(([, page]) => `docs/${page}`);
  return [
    ...pages.filter((page) => !listed.includes(page)).map((page) => `${page} is not in ${contents}`),
    ...listed.filter((page, i) => listed.indexOf(page) !== i).map((page) => `${page} is twice in ${contents}`),
  ];
}

test("every page is in the book, once", () => {
  assert.deepStrictEqual(unlisted(read(contents)), []);
  const line = read(contents).match(/^- .*\(format\.md\)$/m)[0];
  assert.deepStrictEqual(unlisted(read(contents).replace(line, "")), ["docs/format.md is not in docs/SUMMARY.md"]);
  assert.deepStrictEqual(unlisted(`${read(contents)}${line}`), ["docs/format.md is twice in docs/SUMMARY.md"]);
});

// The commands of the reference, with their options; those of all commands are under "nanozk".
const reference = new Map();
for (const page of documents.filter((f) => f.startsWith("docs/reference/"))) {
  for (const section of read(page).split(/^(?=#{1,2} )/m)) {
    const heading = section.match(/^#{1,2} (.+)$/m)?.[1] ?? "";
    const command = heading === "Options of all commands" ? "nanozk" : heading;
    if (!/^nanozk( [a-z-]+)*$/.test(command)) continue;
    const options = [...section.matchAll(/^\| (.*?[^\\]) \|/gm)].flatMap(([, cell]) => cell.match(/(?<=`)--?[\w-]+/g) ?? []);
    reference.set(command, new Set([...(reference.get(command) ?? []), ...options]));
  }
}
const hasCommands = (command) => [...reference.keys()].some((c) => c.startsWith(`${command} `));

// The simple commands of a shell's text, as words: those in $(…) are commands of their own.
function simpleCommands(text) {
  const commands = [];
  const outer = [];
  let words = [];
  let word;
  const endWord = () => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "\\" && text[i + 1] === "\n") i += 1;
    else if (c === "'" || (c === '"' && word?.endsWith("\\") !== true)) {
      const end = text.indexOf(c, i + 1);
      // With its quote in front it is no option.
      word = (word ?? c) + text.slice(i + 1, end === -1 ? text.length : end);
      i = end === -1 ? text.length : end;
    } else if (c === "#" && word === undefined) {
      i = text.indexOf("\n", i) === -1 ? text.length : text.indexOf("\n", i) - 1;
    } else if (c === "$" && text[i + 1] === "(") {
      word = `${word ?? ""}$()`;
      outer.push([words, word]);
      [words, word] = [[], undefined];
      i += 1;
    } else if (c === ")" && outer.length > 0) {
      endCommand();
      [words, word] = outer.pop();
    } else if (/[;&|\n]/.test(c)) endCommand();
    else if (/\s/.test(c)) endWord();
    else word = (word ?? "") + c;
  }
  endCommand();
  return commands;
}

function unknownCommands(text) {
  const problems = [];
  for (let words of simpleCommands(text)) {
    // What stands before a command: a prompt, words of the shell, variables.
    const first = words.findIndex((w) => !/^(\$|until|while|if|do|then|!|time|\w+=.*)$/.test(w));
    words = words.slice(first === -1 ? words.length : first);
    const script = words[0]?.match(/^(?:\.\.?\/)*(script\/[\w-]+)$/)?.[1];
    if (script !== undefined && !fileSet.has(script)) problems.push(`no ${script}`);
    if (words[0] !== "nanozk") continue;
    const said = words.join(" ");
    let command = "nanozk";
    let rest = words.slice(1);
    while (rest.length > 0) {
      if (reference.has(`${command} ${rest[0]}`)) command = `${command} ${rest.shift()}`;
      else if (command === "nanozk" && rest[0] === "--json") rest.shift();
      else if (command === "nanozk" && rest[0] === "--data-dir") rest = rest.slice(2);
      else break;
    }
    if (hasCommands(command) && rest.length > 0 && /^[a-z]/.test(rest[0])) problems.push(`no command ${command} ${rest[0]}: ${said}`);
    const end = rest.indexOf("--");
    for (const option of rest.slice(0, end === -1 ? rest.length : end)) {
      const name = option.match(/^(--[a-z][\w-]*|-[a-zA-Z]$)/)?.[1];
      const known = [reference.get(command), reference.get("nanozk"), new Set(["--help", "-h", "--version", "-V"])];
      if (name !== undefined && !known.some((k) => k.has(name))) problems.push(`${command} has no ${name}: ${said}`);
    }
  }
  return problems;
}

// What messages and files begin with, which are no commands.
const tags = /^nanozk (said|activations|node 0001|joint 002)$/;
// Blocks of commands, and commands within sentences.
function commandsOf(text) {
  const blocks = [...text.matchAll(/^```(?:sh)?\n([^]*?)^```/gm)].map((m) => m[1]);
  const spans = [...withoutBlocks(text).matchAll(/`(nanozk [^`]+)`/g)].map((m) => m[1]);
  return [...blocks, ...spans.filter((span) => /^nanozk (--json )?[a-z]/.test(span) && !tags.test(span))];
}

test("commands that the documentation shows are those of the reference, with their options", () => {
  assert.ok(reference.size > 60, `${reference.size} commands are found`);
  const pages = linking.filter((f) => f !== "CHANGELOG.md");
  const problems = pages.flatMap((f) => commandsOf(read(f)).flatMap((text) => unknownCommands(text).map((p) => `${f}: ${p}`)));
  assert.deepStrictEqual(problems, [], problems.join("\n"));
});

test("commands that are not there are noticed", () => {
  const refused = [
    "nanozk none",
    "nanozk model none",
    "nanozk run --none",
    "nanozk run -x",
    "nanozk --json verify session --none",
    "nanozk verify session --model-id $(nanozk model none model)",
    "nanozk verify session --model-id $(nanozk model id model) --none",
    "A=1 until nanozk claim status x --none | grep y; do sleep 1; done",
    "echo 'a'; nanozk job open request.json \\\n  --none # --more",
    "../../script/none start chain",
  ];
  for (const text of refused) assert.strictEqual(unknownCommands(text).length, 1, text);
  const taken = [
    "nanozk run --model model --prompt '--none; nanozk none' --max-new-tokens 8 -o session",
    "nanozk --data-dir here --json verify session --final --model-id $(nanozk model id model)   # --none",
    "nanozk COMMAND --help; cast send --none; script/local-chain start chain",
  ];
  for (const text of taken) assert.deepStrictEqual(unknownCommands(text), [], text);
  assert.deepStrictEqual(commandsOf("```sh\na\n```\n```text\nb\n```\n`nanozk c`, `nanozk Receipt`"), ["a\n", "nanozk c"]);
});

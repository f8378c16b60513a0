// One self-contained HTML file from the sources: modules one after the other, style and data inside, and a policy by their
// hashes. Nothing else can run in the page, and it loads nothing.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const source = new URL("./src/", import.meta.url);
const text = (url) => readFileSync(url, "utf8");

const IMPORT = /^import \{([^}]*)\} from "(\.[^"]+)";\n/gm;
const EXPORT = /^export (?=(?:async )?(?:function|class|const) (\w+))/gm;

/** Modules that an entry imports, each after those that it imports itself. @param {URL} entry */
function modules(entry) {
  const done = new Map();
  const add = (url, importers) => {
    if (done.has(url.href)) return;
    if (importers.includes(url.href)) throw new Error(`modules import each other: ${importers.join(", ")}`);
    const code = text(url);
    const imports = [...code.matchAll(IMPORT)].map(([, names, path]) => ({ url: new URL(path, url), names }));
    for (const imported of imports) add(imported.url, [...importers, url.href]);
    done.set(url.href, { code, imports, exports: [...code.matchAll(EXPORT)].map(([, name]) => name) });
  };
  add(entry, []);
  return done;
}

/** One script of an entry and all that it imports: each module a function, which gives what it exports. */
export function script(entry = new URL("main.js", source)) {
  const all = modules(entry);
  const numbers = new Map([...all.keys()].map((href, i) => [href, i]));
  const parts = [...all].map(([href, { code, imports, exports }]) => {
    const given = imports.map(({ url, names }) => {
      const wanted = names.split(",").map((name) => name.trim().split(" as "));
      const missing = wanted.find(([name]) => !all.get(url.href).exports.includes(name));
      if (missing !== undefined) throw new Error(`${fileURLToPath(href)} imports ${missing[0]}, which ${fileURLToPath(url)} does not export`);
      return `const { ${wanted.map((name) => name.join(": ")).join(", ")} } = module${numbers.get(url.href)};\n`;
    });
    const body = code.replace(IMPORT, "").replace(EXPORT, "");
    const left = body.match(/^(import|export) .*/m);
    if (left !== null) throw new Error(`${fileURLToPath(href)}: not understood: ${left[0]}`);
    return `const module${numbers.get(href)} = (() => {\n${given.join("")}${body}\nreturn { ${exports.join(", ")} };\n})();\n`;
  });
  const joined = parts.join("\n");
  if (joined.includes("</script")) throw new Error("the script would end its own element");
  return joined;
}

const hash = (content) => `'sha256-${createHash("sha256").update(content).digest("base64")}'`;

/** @param {object} data What the page brings with it. @param {string} version */
export function page(data, version) {
  const [code, style] = [script(), text(new URL("style.css", source))];
  const policy = [
    "default-src 'none'",
    `script-src ${hash(code)} 'wasm-unsafe-eval'`,
    `style-src ${hash(style)}`,
    "img-src data:",
    // The visitor's node.
    "connect-src http: https:",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  // Nothing in the data can end its element.
  const embedded = JSON.stringify(data).replaceAll("<", "\\u003c");
  const parts = { POLICY: policy, STYLE: style, EMBEDDED: embedded, SCRIPT: code, VERSION: version };
  return text(new URL("index.html", source)).replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
}

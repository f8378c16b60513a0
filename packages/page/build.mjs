// node packages/page/build.mjs: writes packages/page/dist/index.html and prints its size and hash.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { page } from "./bundle.mjs";
import { embedded } from "./embed.mjs";

const at = (path) => new URL(path, import.meta.url);
const wasm = readFileSync(at("../verifier/verifier.wasm"));
const { version } = JSON.parse(readFileSync(at("package.json"), "utf8"));
const html = Buffer.from(page(embedded(wasm), version));
mkdirSync(at("dist/"), { recursive: true });
writeFileSync(at("dist/index.html"), html);
const sha256 = createHash("sha256").update(html).digest("hex");
console.log(`packages/page/dist/index.html: ${html.length} bytes, ${gzipSync(html, { level: 9 }).length} with gzip, SHA-256 ${sha256}`);

// What receipts cost beside generation, as `nanozk serve` logs it:
//   node bench/serve.mjs NANOZK MODEL [TOKENS] [ANSWERS] [PROMPT]
// NANOZK is the command (target/release/nanozk), MODEL a model directory. Prints seconds of both, on this machine.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [nanozk, model, tokens = "24", answers = "20", prompt = "Ownership is"] = process.argv.slice(2);
if (!model) {
  console.error("usage: node bench/serve.mjs NANOZK MODEL [TOKENS] [ANSWERS] [PROMPT]");
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), "nanozk-serve-"));
const key = join(directory, "key");
writeFileSync(key, `0x${"11".repeat(32)}`, { mode: 0o600 });
const options = ["--model", `model=${model}`, "--answers", join(directory, "answers"), "--private-key-file", key];
const server = spawn(nanozk, ["--json", "serve", ...options, "--listen", "127.0.0.1:0"], {
  stdio: ["ignore", "pipe", "pipe"],
});
const sums = { generation: 0, receipt: 0, generated: 0, answers: 0 };
createInterface({ input: server.stderr }).on("line", (line) => {
  if (!line.startsWith("{")) return;
  const event = JSON.parse(line);
  if (event.message !== "answered") return;
  sums.generation += event.generation_seconds;
  sums.receipt += event.receipt_seconds;
  sums.generated += event.generated;
  sums.answers += 1;
});
try {
  const address = await new Promise((resolve, reject) => {
    createInterface({ input: server.stdout }).once("line", (line) => resolve(JSON.parse(line).address));
    server.once("exit", (code) => reject(new Error(`the server ended with exit code ${code}`)));
  });
  for (let i = 0; i < Number(answers); i += 1) {
    const response = await fetch(`${address}/completions`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ model: "model", prompt, max_tokens: Number(tokens), ignore_eos: true }),
    });
    if (!response.ok) throw new Error(await response.text());
    await response.json();
  }
} finally {
  server.kill("SIGTERM");
  await new Promise((resolve) => server.once("close", resolve));
  rmSync(directory, { recursive: true });
}
const ms = (seconds) => `${((1000 * seconds) / sums.answers).toFixed(2)} ms`;
console.log(
  `${sums.answers} answers of ${sums.generated / sums.answers} tokens: ${ms(sums.generation)} of generation and ` +
    `${ms(sums.receipt)} for the receipt each, ${((100 * sums.receipt) / sums.generation).toFixed(1)} %`,
);

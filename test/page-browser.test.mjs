// The page in Chromium: script/page --check. From a file and from a static host, at desktop and phone widths, light and dark; with
// the session of test/fixtures/session, each forgery of it, hostile text, the keyboard, and a real claim, a real epoch and its
// receipts on anvil. Needs npm ci, the verifier in WebAssembly, and Chromium (CHROMIUM, or /usr/bin/chromium).
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { pathToFileURL } from "node:url";
import { page as built } from "../packages/page/bundle.mjs";
import { embedded, knownKeys } from "../packages/page/embed.mjs";
import { read, replay, start } from "./page/chain.mjs";
import { FORGERIES } from "./page/forgeries.mjs";

const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
const wasm = new URL("../packages/verifier/verifier.wasm", import.meta.url);
const { chromium } = await import("playwright-core").catch(() => ({}));
const missing = [
  [existsSync(executablePath), `Chromium at ${executablePath}`],
  [chromium !== undefined, "playwright-core (npm ci)"],
  [existsSync(wasm), "packages/verifier/verifier.wasm (script/wasm)"],
].flatMap(([there, what]) => (there ? [] : [what]));
if (missing.length > 0 && process.env.NANOZK_TEST_ALL === "1") throw new Error(`missing: ${missing.join(", ")}`);
const skip = missing.length > 0 ? `missing: ${missing.join(", ")}` : false;

// Only what never happens takes as long.
const PATIENCE = 120_000;
const shots = process.env.NANOZK_SHOTS;
const session = (name) => read(`test/fixtures/session/${name}.json`);
const question = { sessions: session("sessions"), final: session("final"), key: session("final-key") };
const fixture = read("test/fixtures/posted/chain.json");
const claimed = read("test/fixtures/posted/claim.json");
const [demanded, receipt] = ["receipt", "other-receipt"].map((name) => read(`test/fixtures/posted/${name}.json`));
const posted = fixture.transactions.at(-2).timestamp;
const challengeBy = `${new Date((posted + 3600) * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
const VIEWS = [
  { name: "desktop", width: 1440, height: 900 },
  { name: "phone", width: 375, height: 740 },
].flatMap((view) => ["light", "dark"].map((scheme) => ({ ...view, scheme })));

let browser;
let folder;
let address;

before(async () => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), "nanozk-page-"));
  const file = join(folder, "index.html");
  writeFileSync(file, built(embedded(readFileSync(wasm)), "test"));
  address = pathToFileURL(file).href;
  if (shots) mkdirSync(shots, { recursive: true });
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
});
after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true });
});

/** Opens the page; what it should not do is in `trouble`. */
async function open({ width = 1440, height = 900, scheme = "light", url = address } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: "reduce" });
  const tab = await context.newPage();
  tab.setDefaultTimeout(PATIENCE);
  const trouble = [];
  tab.on("console", (m) => ["error", "warning"].includes(m.type()) && trouble.push(`console: ${m.text()}`));
  tab.on("pageerror", (e) => trouble.push(`exception: ${e.stack ?? e.message}`));
  tab.on("dialog", (d) => (trouble.push(`dialog: ${d.message()}`), d.dismiss()));
  tab.on("request", (r) => !r.url().startsWith("data:") && r.url() !== url && trouble.push(`request: ${r.url()}`));
  await tab.goto(url);
  return { tab, trouble, close: () => context.close() };
}

const shot = async (tab, name) => shots && tab.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
const asFile = (name, value) => ({ name, mimeType: "application/json", buffer: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)) });
/** Files of a question, as a visitor has them. */
const filesOf = ({ sessions, final, key }) => [
  ...sessions.map(({ manifest, claim }, i) => asFile(`session-${i + 1}.json`, { manifest, claim, model_id: "" })),
  asFile("final.json", final),
  asFile("final-key.json", key),
];
const headline = (tab, of = "files") => tab.locator(`#${of}-result [data-test=headline]`);
/** Gives files in place of those before, and waits for the result. */
async function give(tab, files) {
  if (await tab.locator("#clear").isVisible()) await tab.click("#clear");
  await tab.setInputFiles("#files", files);
  await headline(tab).waitFor();
  return headline(tab).innerText();
}

/** Nothing is wider than the window. */
async function fits(tab, where) {
  const found = await tab.evaluate(() => {
    const wide = [...document.querySelectorAll("body *:not(.sr):not(script):not(style)")].filter((e) => e.getClientRects().length && !e.closest(".sr, thead") && e.getBoundingClientRect().right > innerWidth + 0.5);
    return { scroll: document.documentElement.scrollWidth - innerWidth, wide: wide.slice(0, 3).map((e) => `${e.localName} ${e.textContent.slice(0, 40)}`) };
  });
  assert.ok(found.scroll <= 0 && found.wide.length === 0, `${where}: ${JSON.stringify(found)}`);
}

/** Amounts and words of one line that have several. */
const broken = (tab) =>
  tab.locator("[data-label=now], [data-label=amount]").evaluateAll((cells) => {
    const lines = (cell) => {
      const range = document.createRange();
      range.selectNodeContents(cell);
      return range.getClientRects().length;
    };
    return cells.filter((cell) => lines(cell) > 1).map((cell) => cell.textContent);
  });

/** Text against what is behind it: WCAG's ratio, 4.5 at least. */
async function legible(tab, where) {
  const { dark, worst } = await tab.evaluate(() => {
    const numbers = (color) => color.match(/[\d.]+/g).map(Number);
    const luminance = (color) => numbers(color).slice(0, 3).reduce((sum, v, i) => sum + [0.2126, 0.7152, 0.0722][i] * (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4), 0);
    const behind = (e) => (e === null ? "rgb(255,255,255)" : (numbers(getComputedStyle(e).backgroundColor)[3] ?? 1) === 1 ? getComputedStyle(e).backgroundColor : behind(e.parentElement));
    const texts = [...document.querySelectorAll("body *")].filter((e) => e.getClientRects().length && [...e.childNodes].some((n) => n.nodeType === 3 && n.nodeValue.trim()));
    const rated = texts.map((e) => {
      const [a, b] = [luminance(getComputedStyle(e).color), luminance(behind(e))].sort((x, y) => y - x);
      return { ratio: (a + 0.05) / (b + 0.05), what: `${e.localName}.${e.className} ${e.textContent.slice(0, 30)}` };
    });
    return { dark: luminance(getComputedStyle(document.body).backgroundColor) < 0.05, worst: rated.reduce((a, b) => (a.ratio < b.ratio ? a : b)) };
  });
  assert.ok(worst.ratio >= 4.5, `${where}: ${JSON.stringify(worst)}`);
  return dark;
}

for (const view of VIEWS) {
  test(`${view.name}, ${view.scheme}: a session is accepted from a file, without a request`, { skip }, async () => {
    const { tab, trouble, close } = await open(view);
    const name = `${view.name}-${view.scheme}`;
    await fits(tab, "at first");
    assert.equal(await tab.locator("#clear").isVisible(), false);
    assert.equal(await legible(tab, "at first"), view.scheme === "dark");
    await shot(tab, `${name}-empty`);
    assert.match(await give(tab, filesOf(question)), /Valid, but it proves nothing/);
    assert.equal(await headline(tab).evaluate((e) => e.getBoundingClientRect().top < innerHeight), true, "the result comes into view");
    const said = await tab.locator("#files-result").innerText();
    for (const part of [question.sessions[0].model_id, question.sessions[0].claim.input_digest, question.sessions[1].claim.output_digest, knownKeys()[0].digest, "every layer of session 1", "Not covered: layers 0, 2–5", "What this does not prove"]) {
      assert.ok(said.includes(part), part);
    }
    assert.match(await tab.locator("#say").textContent(), /^Valid, but it proves nothing\./);
    await fits(tab, "with a result");
    await legible(tab, "with a result");
    await shot(tab, `${name}-accepted`);
    const forged = structuredClone(question);
    FORGERIES[0][1](forged);
    assert.match(await give(tab, filesOf(forged)), /Refused/);
    await fits(tab, "refused");
    await legible(tab, "refused");
    await shot(tab, `${name}-refused`);
    await tab.click("#clear");
    assert.equal(await tab.locator("#files-result").innerText(), "");
    assert.deepEqual(trouble, []);
    await close();
  });
}

test("each forgery is refused, for its reason", { skip }, async () => {
  const { tab, trouble, close } = await open();
  for (const [what, change, expected] of FORGERIES) {
    const forged = structuredClone(question);
    change(forged);
    assert.match(await give(tab, filesOf(forged)), /Refused/, what);
    assert.match(await headline(tab).locator("p").first().innerText(), expected, what);
    assert.match(await headline(tab).innerText(), /What to do: .{20}/, what);
  }
  assert.match(await give(tab, filesOf(question)), /Valid/, "forgeries leave nothing behind");
  assert.deepEqual(trouble, []);
  await close();
});

test("files are dropped, pasted, removed; what is missing is said", { skip }, async () => {
  const { tab, trouble, close } = await open();
  const [{ manifest, claim }] = question.sessions;
  await tab.evaluate((values) => {
    const data = new DataTransfer();
    for (const [name, value] of values) data.items.add(new File([JSON.stringify(value)], name));
    document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, [["manifest.json", manifest], ["claim.json", claim]]);
  await tab.locator("#problems", { hasText: "No final proof is among the files" }).waitFor();
  assert.equal(await tab.locator("#items li").count(), 2);
  await tab.click("summary");
  await tab.fill("#paste", JSON.stringify({ ...question, key: undefined }));
  await tab.click("#add");
  await headline(tab).waitFor();
  assert.match(await headline(tab).innerText(), /Valid, but it proves nothing/);
  await tab.fill("#model", `0x${"01".repeat(32)}`);
  await tab.keyboard.press("Tab");
  await headline(tab).filter({ hasText: "Another model" }).waitFor();
  await tab.fill("#model", "0x01");
  await tab.keyboard.press("Tab");
  await tab.locator("#problems", { hasText: "is no digest" }).waitFor();
  assert.equal(await tab.locator("#model").getAttribute("aria-invalid"), "true");
  await tab.fill("#model", "");
  await tab.keyboard.press("Tab");
  await headline(tab).waitFor();
  await tab.locator("#items li", { hasText: "pasted text" }).locator("button").click();
  await tab.locator("#problems", { hasText: "No final proof" }).waitFor();
  assert.deepEqual(trouble, []);
  await close();
});

test("what is large or no file is refused, and only the newest files are shown", { skip }, async () => {
  const { tab, trouble, close } = await open();
  await tab.setInputFiles("#files", [asFile("large.json", " ".repeat(16_000_001))]);
  await tab.locator("#items li", { hasText: "larger than any file of a session" }).waitFor();
  // The example is given and taken back before the verifier has answered.
  await tab.evaluate(() => {
    document.getElementById("example").click();
    document.getElementById("clear").click();
  });
  await tab.waitForTimeout(1500);
  assert.equal(await tab.locator("#files-result").innerText(), "");
  assert.equal(await tab.locator("#items li").count(), 0);
  assert.deepEqual(trouble, []);
  await close();
});

test("a verifier that does not run, or refuses the example, is named", { skip }, async () => {
  const broken = async (what, expected) => {
    const file = join(folder, "broken.html");
    writeFileSync(file, built(what, "test"));
    const { tab, close } = await open({ url: pathToFileURL(file).href });
    await tab.setInputFiles("#files", filesOf(question));
    await headline(tab).waitFor();
    assert.match(await headline(tab).innerText(), expected);
    assert.match(await headline(tab).innerText(), /What to do: Use a browser of the last two years/);
    await close();
  };
  const good = embedded(readFileSync(wasm));
  await broken({ ...good, wasm: embedded(Buffer.from("no module")).wasm }, /The verifier does not run here: /);
  const other = { ...claimed, generated_tokens: claimed.generated_tokens - 1 };
  const example = good.example.map((file) => (file.name === "claim.json" ? { ...file, text: JSON.stringify(other) } : file));
  await broken({ ...good, example }, /refuses this page's own example/);
});

test("text of others becomes text, in files and in what the verifier says", { skip }, async () => {
  const { tab, trouble, close } = await open({ width: 375, height: 740 });
  const evil = '<img src=x onerror="alert(1)">\u202e\u0007';
  const elements = () => tab.evaluate(() => ({ scripts: document.scripts.length, loading: document.querySelectorAll("img,iframe,object,embed,video,audio,svg,base,link:not([rel=icon])").length, handlers: [...document.querySelectorAll("*")].flatMap((e) => e.getAttributeNames()).filter((n) => n.startsWith("on")).length }));
  const forged = structuredClone(question);
  forged.sessions[0].manifest[evil] = evil;
  assert.match(await give(tab, filesOf(forged)), /<img src=x onerror=/);
  await tab.setInputFiles("#files", [asFile(`${evil.replaceAll("/", "")}.json`, { format: evil }), asFile("long.json", { format: "W".repeat(100_000) }), asFile(`${"n".repeat(200)}.json`, "{")]);
  await tab.locator("#items li", { hasText: "long.json" }).waitFor();
  const text = await tab.locator("body").innerText();
  assert.match(text, /⟨U\+202E⟩⟨U\+0007⟩/);
  assert.doesNotMatch(text, /[\u202e\u0007]/);
  assert.ok(text.length < 20_000);
  assert.deepEqual(await elements(), { scripts: 2, loading: 0, handlers: 0 });
  await fits(tab, "with hostile text");
  assert.deepEqual(trouble, []);
  await close();
});

test("the page's policy stops markup, other scripts and evaluated text", { skip }, async () => {
  const { tab, close } = await open();
  const stopped = await tab.evaluate(async () => {
    const tried = (f) => {
      try {
        return f() ?? "done";
      } catch (error) {
        return error.name;
      }
    };
    const inline = document.createElement("script");
    const text = tried(() => (inline.textContent = "window.ran = true"));
    document.body.append(inline);
    const image = new Promise((done) => Object.assign(new Image(), { onload: () => done("loaded"), onerror: () => done("stopped"), src: "http://127.0.0.1:1/x.png" }));
    return { markup: tried(() => (document.body.innerHTML = "<b>no</b>")), text, late: tried(() => void setTimeout("window.ran = true")), image: await image, ran: window.ran ?? false };
  });
  assert.deepEqual(stopped, { markup: "TypeError", text: "TypeError", late: "TypeError", image: "stopped", ran: false });
  await close();
});

test("all of it works by the keyboard", { skip }, async () => {
  const { tab, trouble, close } = await open();
  const order = [];
  for (let i = 0; i < 12; i++) {
    await tab.keyboard.press("Tab");
    order.push(await tab.evaluate(() => document.activeElement.id || document.activeElement.localName));
    const outline = await tab.evaluate(() => {
      const e = document.activeElement;
      return getComputedStyle(e.id === "files" ? e.nextElementSibling : e).outlineStyle;
    });
    assert.notEqual(outline, "none", `focus is seen on ${order.at(-1)}`);
    if (order.at(-1) === "read") break;
  }
  assert.deepEqual(order, ["files", "example", "summary", "model", "key", "rpc", "lens", "claim", "where", "read"]);
  await tab.keyboard.press("Enter");
  await headline(tab, "chain").waitFor();
  assert.match(await headline(tab, "chain").innerText(), /The node's address is no URL/);
  assert.equal(await tab.evaluate(() => document.activeElement.id), "chain-result-headline");
  await tab.focus("#example");
  await tab.keyboard.press("Space");
  await headline(tab).waitFor();
  await tab.locator("#items button").first().focus();
  await tab.keyboard.press("Enter");
  await tab.locator("#problems", { hasText: "No manifest" }).waitFor();
  assert.equal(await tab.evaluate(() => document.activeElement.id), "items-title", "focus is not lost with the button");
  const unnamed = await tab.evaluate(() => [...document.querySelectorAll("input, textarea, button")].filter((e) => !(e.labels?.length || e.textContent.trim() || e.ariaLabel)).map((e) => e.outerHTML));
  assert.deepEqual(unnamed, []);
  assert.deepEqual(trouble, []);
  await close();
});

/** A server of one page, or of nothing that pages of others may read. */
async function serve(handle, run) {
  const server = createServer(handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await run(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("it works from a static host, which is asked for one file", { skip }, async () => {
  const asked = [];
  const html = readFileSync(join(folder, "index.html"));
  await serve(
    (request, response) => {
      asked.push(request.url);
      response.writeHead(200, { "content-type": "text/html" }).end(html);
    },
    async (url) => {
      const { tab, trouble, close } = await open({ url });
      await tab.click("#example");
      await headline(tab).waitFor();
      assert.match(await headline(tab).innerText(), /Valid, but it proves nothing/);
      assert.deepEqual([asked, trouble], [["/"], []]);
      await close();
    },
  );
});

test("a claim on a chain, from a file, with the claim's files beside it", { skip }, async () => {
  const chain = await start("--timestamp", String(fixture.start));
  try {
    await replay(chain.url, fixture, 0, fixture.transactions.length - 1);
    for (const view of VIEWS) {
      const { tab, close } = await open(view);
      const name = `${view.name}-${view.scheme}-chain`;
      await tab.fill("#rpc", chain.url);
      await tab.fill("#lens", fixture.addresses.ClaimLens);
      await tab.fill("#claim", fixture.claim);
      await tab.click("#read");
      await headline(tab, "chain").filter({ hasText: "Claimed, not settled" }).waitFor();
      const said = await tab.locator("#chain-result").innerText();
      for (const part of ["0.01 ETH", "0.272707995079950799 ETH", challengeBy, "The code on chain is the reproducible build's", fixture.claim, "challenge a layer"]) assert.ok(said.includes(part), part);
      const count = tab.locator("[data-deadline]").first();
      const before = await count.innerText();
      assert.match(before, /left$/);
      await count.filter({ hasNotText: before }).waitFor();
      assert.equal(await tab.locator("#chain-result", { hasText: "Your files" }).count(), 0);
      await tab.click("#example");
      await tab.locator("#chain-result h4", { hasText: "The contracts accept your proof, too" }).waitFor();
      await tab.locator("#chain-result h4", { hasText: "Your files are this claim" }).waitFor();
      await fits(tab, name);
      await legible(tab, name);
      await shot(tab, name);
      for (const width of [1000, 720]) {
        await tab.setViewportSize({ width, height: 800 });
        await fits(tab, `${name} at ${width}`);
        assert.deepEqual(await broken(tab), [], "amounts and short words are not broken");
      }
      await close();
    }
    const { tab, close } = await open();
    const failing = async (fields, what) => {
      for (const [id, value] of Object.entries({ rpc: chain.url, lens: fixture.addresses.ClaimLens, claim: fixture.claim, ...fields })) await tab.fill(`#${id}`, value);
      await tab.click("#read");
      const shown = headline(tab, "chain").filter({ hasText: what });
      await shown.waitFor();
      assert.match(await shown.innerText(), /What to do: .{10}/);
    };
    await failing({ claim: `0x${"12".repeat(32)}` }, /No claim and no job has this id/);
    await failing({ lens: `0x${"12".repeat(20)}` }, /There is no contract at/);
    await failing({ rpc: "http://127.0.0.1:1" }, /No node can be reached/);
    // A node that pages may not read: it answers, without the header that allows it.
    await serve(
      (_, response) => response.end('{"jsonrpc":"2.0","id":1,"result":"0x1"}'),
      (url) => failing({ rpc: url }, /does not let pages of other origins read its answers \(CORS\)/),
    );
    await serve(
      (_, response) => response.writeHead(200, { "access-control-allow-origin": "*", "access-control-allow-headers": "*" }).end('{"jsonrpc":"2.0","id":1,"result":"0x1"}'),
      async (url) => {
        await tab.click("#example");
        await headline(tab).waitFor();
        await failing({ rpc: url }, /The node is of chain 1 \(Ethereum\), and the claim's file is of chain 31337/);
      },
    );
    await close();
  } finally {
    await chain.stop();
  }
});

test("an epoch and its receipts on a chain, from a file", { skip }, async () => {
  const chain = await start("--timestamp", String(fixture.start));
  const ask = async (tab, fields) => {
    for (const [id, value] of Object.entries({ rpc: chain.url, lens: fixture.addresses.EpochLens, claim: fixture.epoch, ...fields })) await tab.fill(`#${id}`, value);
    await tab.click("#read");
  };
  const shows = (tab, what) => headline(tab, "chain").filter({ hasText: what }).waitFor();
  try {
    await replay(chain.url, fixture, 0, fixture.transactions.length - 4);
    for (const view of VIEWS) {
      const { tab, close } = await open(view);
      const name = `${view.name}-${view.scheme}-epoch`;
      await ask(tab, {});
      await shows(tab, "Committed to, not drawn");
      assert.equal(await tab.evaluate(() => document.activeElement.id), "chain-result-headline");
      const said = await tab.locator("#chain-result").innerText();
      for (const part of [fixture.epoch, "3 of 6 answers are drawn", "6 false answers", "1 dispute is open", "4 ETH", "The code on chain is the reproducible build's", "fixCommitments after block"]) assert.ok(said.includes(part), part);
      const count = tab.locator("[data-deadline]").first();
      const before = await count.innerText();
      assert.match(before, /left$/);
      await count.filter({ hasNotText: before }).waitFor();
      await fits(tab, name);
      await legible(tab, name);
      await shot(tab, name);
      // A receipt that is given afterwards is put beside it.
      await tab.setInputFiles("#files", [asFile("receipt.json", receipt)]);
      await headline(tab).filter({ hasText: "A receipt that its provider signed" }).waitFor();
      await shows(tab, "Signed, and its epoch is committed to");
      assert.match(await tab.locator("#say").textContent(), /^Signed, and its epoch is committed to\./);
      assert.equal(await tab.locator("#chain-result h4", { hasText: "The epoch: committed to, not drawn" }).count(), 1);
      assert.ok(!(await tab.locator("body").innerText()).includes(receipt.opening.input_salt));
      for (const width of [1000, 720, view.width]) {
        await tab.setViewportSize({ width, height: view.height });
        await fits(tab, `${name} and a receipt at ${width}`);
        if (width > 700) assert.deepEqual(await broken(tab), [], "amounts and short words are not broken");
      }
      await legible(tab, `${name} and a receipt`);
      await shot(tab, `${name}-receipt`);
      await close();
    }
    const { tab, close } = await open();
    // The receipt alone finds its epoch; one file in place of the other changes what is shown.
    await give(tab, [asFile("receipt.json", demanded)]);
    await ask(tab, { claim: "" });
    await shows(tab, /Demanded.*has to show it in the epoch until/s);
    const changed = structuredClone(receipt);
    changed.opening.generated[0] += 1;
    assert.match(await give(tab, [asFile("receipt.json", changed)]), /Not signed by its provider's key/);
    await shows(tab, /Not signed by its provider/);
    await tab.setInputFiles("#files", [asFile("receipt.json", receipt)]);
    await tab.locator("#problems", { hasText: "There are 2 different receipts" }).waitFor();
    await tab.click("#clear");
    await shows(tab, "Committed to, not drawn");
    // Of an epoch that is not committed to, and which its key did not sign: what is left when it is taken back.
    await give(tab, [asFile("receipt.json", { ...receipt, epoch: 7 })]);
    await ask(tab, { claim: "" });
    await shows(tab, /Not signed by its provider/);
    await tab.click("#clear");
    await shows(tab, /No receipt/);
    await ask(tab, { claim: "" });
    await shows(tab, /The id is none.*What to do: .*receipt/s);
    await give(tab, [asFile("receipt.json", { ...receipt, books: { ...receipt.books, chain_id: 1 } })]);
    await ask(tab, {});
    await shows(tab, /The node is of chain 31337 \(a local test chain\), and the receipt is of chain 1 \(Ethereum\)/);
    // Beside a session: its verdict, and the receipt's signature.
    assert.match(await give(tab, [...filesOf(question), asFile("receipt.json", receipt)]), /Valid, but it proves nothing/);
    assert.equal(await tab.locator("#files-result h4", { hasText: "A receipt that its provider signed" }).count(), 1);
    // What is no receipt says why, and shows text of others as text.
    await tab.click("#clear");
    await tab.setInputFiles("#files", [asFile("receipt.json", { ...receipt, "<img src=x onerror=alert(1)>\u202e": 1 })]);
    await tab.locator("#items li[data-kind=wrong]", { hasText: "a receipt of an epoch's answer that cannot be read: its fields are not format, books" }).waitFor();
    assert.equal(await tab.locator("img").count(), 0);
    await close();
  } finally {
    await chain.stop();
  }
});

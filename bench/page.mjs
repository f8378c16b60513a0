// How long verification takes in the page, in Chromium, for the final proof of its example: after script/page,
//   node bench/page.mjs [runs]
// CHROMIUM, or /usr/bin/chromium. A page verifies its example by itself as soon as it is loaded; that is not counted.
import { chromium } from "playwright-core";

const runs = Number(process.argv[2] ?? 7);
const WARM = 15;
const page = new URL("../packages/page/dist/index.html", import.meta.url).href;
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const [first, warm, shown] = [[], [], []];
for (let run = 0; run < runs; run++) {
  const tab = await (await browser.newContext()).newPage();
  await tab.goto(page);
  await tab.waitForTimeout(1500);
  const verified = async () => {
    await tab.click("#clear:not([hidden])", { timeout: 500 }).catch(() => {});
    await tab.waitForSelector("#files-result:empty", { state: "attached" });
    const elapsed = await tab.evaluate(async () => {
      const start = performance.now();
      document.getElementById("example").click();
      while (document.querySelector("#files-result [data-test=headline]") === null) await new Promise((done) => setTimeout(done));
      return performance.now() - start;
    });
    const text = await tab.locator("dt", { hasText: "verified in" }).locator("+ dd").innerText();
    return [Number(text.match(/^(\d+) ms/)[1]), elapsed];
  };
  const [one, drawn] = await verified();
  first.push(one);
  shown.push(drawn);
  for (let i = 0; i < WARM; i++) warm.push((await verified())[0]);
  await tab.context().close();
}
await browser.close();
const range = (values) => `${median(values).toFixed(0)} ms (median; ${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)})`;
console.log(`${runs} pages: the first verification ${range(first)}, from the click to the result ${range(shown)}; each later one ${range(warm)}`);

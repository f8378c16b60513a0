// Drives the relayer's page in a real Chromium.
//
//   node browser.mjs <base-url> <claim-id> [screenshot-dir]
//
// The relayer must be running and have the claim, with a transaction. Exits with 0 if all checks hold, 1 if one does
// not, 2 if it cannot run: wrong arguments, or playwright-core or Chromium (CHROMIUM, or /usr/bin/chromium) is missing.
import { accessSync, constants, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const cannot = why => { console.error('browser.mjs: ' + why); process.exit(2); };
const [base0, claimId, shots] = process.argv.slice(2);
if (!base0 || !/^https?:\/\//.test(base0) || !/^0x[0-9a-fA-F]{64}$/.test(claimId ?? '')) cannot('usage: node browser.mjs <base-url> <claim-id> [screenshot-dir]');
const base = base0.replace(/\/+$/, ''), origin = new URL(base).origin;
let chromium;
try { ({ chromium } = await import('playwright-core')); }
catch {
  try { ({ chromium } = createRequire(join(process.cwd(), 'x.js'))('playwright-core')); }
  catch { cannot('playwright-core is not installed: run `npm ci` beside this file.'); }
}
const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
try { accessSync(executablePath, constants.X_OK); } catch { cannot(`there is no Chromium at ${executablePath}: install it or set CHROMIUM.`); }
if (shots) mkdirSync(shots, { recursive: true });

// Only what never happens takes as long: nothing fails because a machine is slow.
const PATIENCE = 3600000;
let done = 0;
const fail = why => { throw new Error(why); };
const check = (what, ok, detail) => { if (!ok) fail(what + (detail === undefined ? '' : ': ' + (typeof detail === 'string' ? detail : JSON.stringify(detail)))); done++; console.log('ok  ' + what); };
const api = async path => {
  const r = await fetch(base + path).catch(e => fail(`the relayer does not answer at ${base}${path}: ${e.cause?.message ?? e.message}`));
  if (!r.ok) fail(`${path} answers HTTP ${r.status}`);
  return r.json();
};
// The API's text as the page shows it: controls and marks that reorder text are written out.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const dated = s => s.replace(/\b[1-9]\d{9}\b/g, t => new Date(t * 1000).toISOString().slice(0, 19).replace('T', ' ') + ' UTC');
const shown = s => String(s).replace(HIDDEN, c => '\u27e8U+' + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0') + '\u27e9');

let browser;
async function run() {
  const [status, all, claim] = [await api('/v1/status'), await api('/v1/claims?state=all&limit=500'), await api('/v1/claims/' + claimId)];
  if (!all.claims.some(c => c.id === claimId)) fail(`claim ${claimId} is not among those of /v1/claims?state=all&limit=500`);
  if (!claim.transactions?.length) fail(`claim ${claimId} has no transaction: choose one that has`);
  if (!claim.commands?.length) fail(`claim ${claimId} has no commands`);

  browser = await chromium.launch({ executablePath, headless: true, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
    .catch(e => cannot(`Chromium at ${executablePath} does not start: ${e.message.split('\n')[0]}`));
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'light', reducedMotion: 'reduce' });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);

  const trouble = []; let expected = false; // `expected`: while requests are made to fail
  page.on('console', m => { if ((m.type() === 'error' || m.type() === 'warning') && !expected) trouble.push(`console ${m.type()}: ${m.text()}`); });
  page.on('pageerror', e => trouble.push('exception: ' + (e.stack ?? e.message)));
  page.on('dialog', d => { trouble.push('dialog: ' + d.message()); d.dismiss().catch(() => {}); });
  page.on('popup', p => trouble.push('popup: ' + p.url()));
  page.on('request', r => { if (!r.url().startsWith('data:') && new URL(r.url()).origin !== origin) trouble.push('request elsewhere: ' + r.url()); });
  // (a navigation of this test aborts the poll under way; one that the page gives up itself is shown as no answer)
  page.on('requestfailed', r => { if (!expected && r.failure()?.errorText !== 'net::ERR_ABORTED') trouble.push(`request failed: ${r.url()} (${r.failure()?.errorText})`); });
  page.on('response', r => { if (r.status() >= 400 && !expected) trouble.push(`HTTP ${r.status()}: ${r.url()}`); });
  const quiet = when => check('no error, warning, dialog, failed or foreign request ' + when, trouble.length === 0, trouble.slice(0, 5));
  const shot = async name => { if (shots) await page.screenshot({ path: join(shots, name + '.png'), fullPage: true }); };
  // Data must not become markup: exactly the page's own script and style, no element that loads, no handler in an attribute.
  const inert = where => page.evaluate(() => ({
    scripts: document.scripts.length, styles: document.querySelectorAll('style').length,
    foreign: document.querySelectorAll('img,iframe,object,embed,video,audio,svg,form,base,meta[http-equiv],link:not([rel=icon])').length,
    handlers: [...document.querySelectorAll('*')].flatMap(e => [...e.attributes].filter(a => /^on/i.test(a.name)).map(a => e.localName + ' ' + a.name)),
    urls: [...document.querySelectorAll('a[href]')].map(a => a.href).filter(u => !/^https?:/.test(u)),
  })).then(x => check('data is text and never markup ' + where, x.scripts === 1 && x.styles === 1 && !x.foreign && !x.handlers.length && !x.urls.length, x));
  const fitsWidth = where => page.evaluate(() => {
    const w = innerWidth, wide = [...document.querySelectorAll('#app *')].filter(e => { const r = e.getBoundingClientRect(); return r.width && r.right > w + 0.5 && !e.closest('.sr') && ![...(function* () { for (let p = e.parentElement; p; p = p.parentElement) yield p; })()].some(p => getComputedStyle(p).overflowX !== 'visible' && p !== document.documentElement && p !== document.body); });
    return { scroll: document.documentElement.scrollWidth, w, wide: wide.slice(0, 3).map(e => e.localName + '.' + e.className + ' ' + e.textContent.slice(0, 40)) };
  }).then(x => check('no horizontal scrolling at 375 px ' + where, x.scroll <= x.w && !x.wide.length, x));
  // An amount says its unit on the line of its last digit, and all are in ETH.
  const wholeAmounts = where => page.evaluate(() => {
    const shown = e => e.getClientRects().length > 0, lines = e => new Set([...e.getClientRects()].map(r => Math.round(r.top))).size;
    const units = [...document.querySelectorAll('[data-test=unit]')].filter(shown), pieces = [...document.querySelectorAll('.nw[data-test=amount]')].filter(shown);
    return { n: units.length, broken: [...units, ...pieces].filter(e => lines(e) > 1).map(e => e.textContent), other: units.map(e => e.textContent.trim()).filter(u => u !== 'ETH' && !/^units?$/.test(u)) };
  }).then(x => check('amounts are whole and in one unit ' + where, x.n > 0 && !x.broken.length && !x.other.length, x));
  const row = page.locator(`tr[data-claim="${claimId}"]`), rows = page.locator('tr[data-claim]');

  // -- loading
  const answer = await page.goto(base + '/', { waitUntil: 'load' });
  check('the page is served', answer.status() === 200 && /^text\/html\b/.test(answer.headers()['content-type'] ?? ''), answer.headers()['content-type'] ?? 'no content type');
  check("it is served with a policy of default-src 'none'", /default-src 'none'/.test(answer.headers()['content-security-policy'] ?? ''), answer.headers()['content-security-policy'] ?? 'no content-security-policy');
  await page.locator('[data-test=status]').waitFor();
  const health = await page.locator('[data-test=health]').innerText();
  check('the status appears', status.ready ? /^Ready/.test(health) : /^Not ready/.test(health), health);
  const glance = (await page.locator('[data-test=status]').innerText()).replace(/[\u202f\u00a0]/g, ' ');
  check('with head, account, spending, claims, transactions and money', ['Head', 'Account', 'Spent today', 'Claims', 'Transactions', 'stake at risk', 'bonds at risk', 'price to earn', 'ETH'].every(s => glance.includes(s)), glance);
  check('with every endpoint', await page.locator('.ep').count() === status.endpoints.length, `${await page.locator('.ep').count()} of ${status.endpoints.length}`);
  check('with the smallest slack', await page.locator('[data-test=slack]').count() === 1);

  // -- table
  await page.locator('[data-show=all]').click();
  await row.waitFor();
  check("the claim's row appears", await row.count() === 1);
  check('every claim has a row', await rows.count() >= all.claims.length, `${await rows.count()} of ${all.claims.length}`);
  check(`its strip has ${claim.layers} cells`, await row.locator('.strip .cell').count() === claim.layers, `${await row.locator('.strip .cell').count()} cells`);
  check('the strip is described in words', (await row.locator('.strip').getAttribute('aria-label') ?? '').replace(/[\u202f\u00a0]/g, ' ').startsWith(`${claim.layers} layer`), await row.locator('.strip').getAttribute('aria-label') ?? 'no label');
  const fills = await row.locator('.strip .cell[data-fill=proven]').count();
  check('layers proven on chain are shown as such', fills >= (claim.proven.length), `${fills}`);
  let order;
  for (let attempt = 0; attempt < 3; attempt++) { // the relayer works on meanwhile
    const by = new Map((await api('/v1/claims?state=all&limit=500')).claims.map(c => [c.id, c.next?.by || Infinity]));
    const o = await rows.evaluateAll(rs => rs.map(r => [r.dataset.claim, r.dataset.open]));
    order = o.every(([id, open], i) => !i || o[i - 1][1] > open || o[i - 1][1] === open && (open === '0' || by.get(o[i - 1][0]) <= by.get(id)));
    if (order) break; await page.waitForTimeout(2500);
  }
  check('open claims come first, by deadline', order);
  // (a slashed claim has not ended while a transaction for it is on its way)
  await page.route('**/v1/claims?*', async r => { const answer = await (await r.fetch()).json(); Object.assign(answer.claims.find(c => c.id === claimId), { job_status: 'slashed', status: 'defeated', next: null, ended: false }); await r.fulfill({ json: answer }); });
  await page.locator(`tr[data-claim="${claimId}"]`, { hasText: 'defeated' }).waitFor();
  check('a claim has ended when the relayer says so', await row.getAttribute('data-open') === '1');
  await page.unrouteAll({ behavior: 'wait' }); await page.waitForResponse(/v1\/claims\?/); await page.waitForTimeout(300);
  await inert('in the table');
  await shot('list-light');

  // -- filters
  const filter = page.locator('#filter');
  await page.keyboard.press('/');
  check('the key / goes to the filter', await filter.evaluate(e => e === document.activeElement));
  await filter.fill(claimId.slice(2, 18).toUpperCase());
  check('the filter finds the claim by a part of its id', await rows.count() === 1 && await row.count() === 1, `${await rows.count()} rows`);
  await filter.fill('no claim has this text');
  check('a filter that nothing matches says so', await rows.count() === 0 && await page.locator('[data-test=empty]').isVisible());
  await filter.press('Escape');
  check('Escape clears it', await filter.inputValue() === '' && await row.count() === 1);
  const isOpen = await row.getAttribute('data-open') === '1';
  for (const [show, there] of [['open', isOpen], ['ended', !isOpen]]) {
    await page.locator(`[data-show=${show}]`).click();
    const others = await rows.evaluateAll((rs, want) => rs.filter(r => r.dataset.open !== want).length, show === 'open' ? '1' : '0');
    check(`"${show}" shows ${show} claims only`, others === 0 && await row.count() === (there ? 1 : 0) && await page.locator(`[data-show=${show}]`).getAttribute('aria-pressed') === 'true');
  }
  await page.locator('[data-show=all]').click();

  // -- refresh in place
  await filter.fill(claimId.slice(0, 12));
  await row.evaluate(e => { e.$same = true; }); await filter.focus();
  let polls = 0; const count = r => { if (r.url().includes('/v1/status')) polls++; };
  page.on('request', count); await page.waitForTimeout(6500);
  check('it asks no more often than every two seconds', polls <= 5, `${polls} times in 6.5 s`);
  for (let before = polls; polls < before + 2;) await page.waitForRequest(/v1\/status/);
  check('and goes on to', polls >= 2); page.off('request', count);
  check('a refresh keeps elements, focus and filter', await row.evaluate(e => e.$same === true && e.isConnected) && await filter.evaluate(e => e === document.activeElement) && await filter.inputValue() === claimId.slice(0, 12));
  await filter.fill('');

  // -- one claim
  const detail = page.locator('[data-test=detail]');
  await row.locator('td').nth(1).click();
  await detail.waitFor();
  check('a click on the row opens the claim', new URL(page.url()).hash === '#/claim/' + claimId, page.url());
  check("it has the chain's sentence", await page.locator('[data-test=sentence]').textContent() === dated(shown((await api('/v1/claims/' + claimId)).text)) || await page.locator('[data-test=sentence]').textContent() === dated(shown(claim.text)), await page.locator('[data-test=sentence]').textContent());
  check('all layers', await detail.locator('.layers li').count() === claim.layers, `${await detail.locator('.layers li').count()}`);
  check('its transactions', await detail.locator('[data-test=tx]').count() >= claim.transactions.length && await detail.locator('[data-test=tx]').count() >= 1, `${await detail.locator('[data-test=tx]').count()}`);
  const said = await detail.innerText();
  check('the parties', [claim.requester, claim.provider].filter(Boolean).every(a => said.toLowerCase().includes(a.toLowerCase())));
  check('deadlines in UTC', claim.lock_by ? said.includes(new Date(claim.lock_by * 1000).toISOString().slice(0, 19).replace('T', ' ') + ' UTC') : true);
  const links = (claim.links ?? []).filter(l => /^https?:\/\//.test(l.url));
  check('its links', (await detail.locator('.links a').count()) === links.length, `${await detail.locator('.links a').count()} of ${links.length}`);
  check('links tell the other side nothing', await detail.locator('a[target=_blank]').evaluateAll(as => as.every(a => a.rel.includes('noopener') && a.rel.includes('noreferrer'))));
  const commands = detail.locator('[data-test=command]');
  check('its commands', await commands.count() === claim.commands.length, `${await commands.count()} of ${claim.commands.length}`);
  await inert('in the detail');
  await shot('detail-light');
  for (let i = 0; i < claim.commands.length; i++) {
    await page.evaluate(() => navigator.clipboard.writeText('nothing'));
    await commands.nth(i).locator('button.copy').click();
    await commands.nth(i).getByText('Copied', { exact: true }).waitFor();
    const got = await page.evaluate(() => navigator.clipboard.readText());
    check(`the button copies command ${i + 1}`, got === shown(claim.commands[i].command), got);
  }
  check('a screen reader is told', /Copied/.test(await page.locator('#say').textContent()));

  // -- back, by browser, link and keyboard
  await page.goBack(); await row.waitFor();
  check("the browser's back button shows the table", await detail.count() === 0);
  check('and the focus is on the row', await row.locator('a').evaluate(e => e === document.activeElement));
  await page.keyboard.press('Enter'); await detail.waitFor();
  check('Enter opens the claim', new URL(page.url()).hash === '#/claim/' + claimId);
  await page.locator('[data-test=back]').click(); await row.waitFor();
  check('the link back shows the table', await detail.count() === 0);
  await page.goto(base + '/#/claim/' + encodeURIComponent('<img src=x onerror=alert(1)>'));
  await page.getByText('This is not the id of a claim').waitFor();
  await inert('with a hostile address');
  await page.goto(base + '/#/claim/' + claimId); await page.reload(); await detail.waitFor();
  check('the address of a claim can be opened directly', await detail.locator('[data-test=command]').count() === claim.commands.length);
  quiet('so far');

  // -- narrow
  await page.setViewportSize({ width: 375, height: 800 });
  await fitsWidth('in the detail'); await wholeAmounts('in the detail'); await shot('detail-narrow');
  await page.goto(base + '/#/'); await page.locator('[data-show=all]').click(); await row.waitFor();
  await fitsWidth('in the table'); await wholeAmounts('in the table'); await shot('list-narrow');
  check('the claim is readable there', await row.locator('a').first().isVisible() && await row.locator('.strip').isVisible());
  await page.setViewportSize({ width: 1440, height: 900 });

  // -- colours: text against what is behind it, in both schemes
  const contrast = () => page.evaluate(() => {
    const rgb = s => { const m = s.match(/[\d.]+/g).map(Number); return { c: m.slice(0, 3), a: m[3] ?? 1 }; };
    const lum = c => { const f = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
    const behind = e => { for (; e; e = e.parentElement) { const b = rgb(getComputedStyle(e).backgroundColor); if (b.a === 1) return b.c; } return [255, 255, 255]; };
    let worst = { ratio: 99 };
    for (const e of document.querySelectorAll('#app *')) {
      if (![...e.childNodes].some(n => n.nodeType === 3 && n.nodeValue.trim()) || !e.getClientRects().length) continue;
      let o = 1; for (let p = e; p; p = p.parentElement) o *= Number(getComputedStyle(p).opacity);
      const bg = behind(e), fg = rgb(getComputedStyle(e).color).c.map((v, i) => v * o + bg[i] * (1 - o)), [a, b] = [lum(fg), lum(bg)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
      if (ratio < worst.ratio) worst = { ratio, what: e.localName + '.' + e.className + ' ' + e.textContent.slice(0, 30), large: parseFloat(getComputedStyle(e).fontSize) >= 24 };
    }
    return { background: lum(rgb(getComputedStyle(document.body).backgroundColor).c), worst };
  });
  const light = await contrast();
  check('the light scheme is light and legible', light.background > 0.8 && light.worst.ratio >= (light.worst.large ? 3 : 4.5), light);
  await page.emulateMedia({ colorScheme: 'dark' }); await page.waitForTimeout(100);
  const dark = await contrast();
  check('the dark scheme is dark and legible', dark.background < 0.05 && dark.worst.ratio >= (dark.worst.large ? 3 : 4.5), dark);
  await shot('list-dark');
  await page.goto(base + '/#/claim/' + claimId); await detail.waitFor();
  const deep = await contrast();
  check('also in the detail', deep.worst.ratio >= (deep.worst.large ? 3 : 4.5), deep);
  await shot('detail-dark');
  await page.emulateMedia({ colorScheme: 'light' }); await page.goto(base + '/#/'); await row.waitFor();
  quiet('in all that');

  // -- what is rare: amounts of every size, files that are refused, nodes that are slow, deadlines that are met
  const change = async (path, alter) => page.route(path, async r => { const answer = await (await r.fetch()).json(); alter(answer); await r.fulfill({ json: answer }); });
  const fixed = status.now || 1700000000, amounts = ['1', '1000000', '123456789012345', '5000000000000000000', '123456789123456789123456'];
  await change('**/v1/status', s => {
    Object.assign(s, { now: fixed, head: { number: 7, timestamp: fixed - 25 }, balance: amounts[4], inbox: { 'bad.json': 'bad.json: it is not a request', '<b>x</b>': 'refused <i>too</i>' }, slow: [{ method: 'eth_estimateGas', waited: 40, next: 80, times: 3 }] });
    s.spending = { day: amounts[2], day_cap: amounts[3], reserved: amounts[0] }; s.exposure = { stake: amounts[0], bonds: amounts[1], price: amounts[4] };
    Object.assign(s.endpoints[0], { error: 'no answer to eth_call within 10 s', failed: 25 });
  });
  const refused = page.locator('[data-test=refused]', { hasText: 'bad.json' }); await refused.waitFor();
  check('entries of the inbox that are refused are named, with the reason', /2.entries/.test(await refused.innerText()) && /bad\.json: it is not a request/.test(await refused.innerText()) && /<b>x<\/b>/.test(await refused.innerText()), await refused.innerText());
  const slow = page.locator('[data-test=slow]');
  check('and what nodes do not answer in time', /eth_estimateGas was not answered within 40.s .* up to 1.min 20.s/.test((await slow.innerText()).replace(/\u00a0/g, ' ')), await slow.innerText());
  const age = page.locator('.fact', { hasText: 'Head' }).locator('small'), failed = page.locator('[data-test=node-error]').first();
  for (const [what, at] of [['the age of the newest block', age], ['the age of a failure', failed]]) {
    const before = await at.innerText();
    check(what + ' is said', /\d+.s/.test(before), before);
    while (await at.innerText() === before) await page.waitForTimeout(200);
    check(what + ' grows although the relayer says nothing new', true);
  }
  await page.setViewportSize({ width: 375, height: 800 });
  await fitsWidth('with amounts of every size'); await wholeAmounts('of every size'); await inert('with hostile names'); await shot('rare-narrow');
  await page.setViewportSize({ width: 1440, height: 900 });
  await change('**/v1/claims/0x*', c => Object.assign(c, { job_status: 'claimed', status: 'posted', ended: false, missing: [], challenges: [], proven: [], lock_by: fixed + 5000, claim_by: fixed + 6000, challenge_by: fixed + 7000, proven_by: fixed + 8000, text: `Posted: layers of this example may be challenged until ${fixed + 7000}` }));
  await page.goto(base + '/#/claim/' + claimId); await page.locator('[data-test=sentence]', { hasText: 'of this example' }).waitFor(); // not the claim as it is
  const said2 = async key => (await page.locator(`[data-test=deadline-${key}] .left`).innerText()).replace(/\u00a0/g, ' ');
  check('deadlines that are met count down no more', await said2('claim') === 'posted' && await said2('proven') === 'nothing is owed' && /^in 1 h/.test(await said2('chal')), [await said2('claim'), await said2('proven'), await said2('chal')]);
  check('times in sentences are dates', !/\d{10}/.test(await page.locator('[data-test=sentence]').innerText()) && / UTC/.test(await page.locator('[data-test=sentence]').innerText()), await page.locator('[data-test=sentence]').innerText());
  await page.unrouteAll({ behavior: 'wait' });
  await page.goto(base + '/#/'); await row.waitFor();
  quiet('with all that');

  // -- a relayer that stops answering
  expected = true;
  await page.route('**/v1/**', r => r.abort('connectionrefused'));
  const gone = page.locator('[data-test=no-answer]');
  await gone.waitFor({ timeout: PATIENCE });
  check('a relayer that does not answer is shown', /does not answer/.test(await gone.innerText()) && await gone.getAttribute('role') === 'alert', await gone.innerText());
  check('with "No answer" for its health, in the title too', await page.locator('[data-test=health]').innerText() === 'No answer' && /no answer/.test(await page.title()), await page.title());
  check('and what was known remains', await row.count() === 1 && await page.locator('.stale').count() > 0);
  await shot('no-answer');
  await page.unroute('**/v1/**');
  await page.route('**/v1/**', r => r.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad gateway</h1>' }));
  await page.getByText('HTTP 502').waitFor({ timeout: PATIENCE });
  check('so is a gateway that answers for it', await gone.isVisible());
  await page.unroute('**/v1/**');
  await gone.waitFor({ state: 'detached', timeout: PATIENCE });
  check('and it recovers by itself', /^(Ready|Not ready)/.test(await page.locator('[data-test=health]').innerText()));
  await page.waitForTimeout(300); expected = false;
  quiet('at the end');
}

try { await run(); console.log(`browser.mjs: ${done} checks hold`); }
catch (e) { console.error('browser.mjs: FAILED: ' + e.message); process.exitCode = 1; }
finally { await browser?.close().catch(() => {}); }

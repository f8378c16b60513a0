#!/usr/bin/env node
// How the cost of a joint proof grows with the width of a block and with the positions of a session.
//
//   node bench/growth.mjs [--nanozk PATH] [--widths 128,256,…] [--positions 16,32,…] [--price 0] [--plot FILE.svg]
//
// Prints a table of `nanozk bench layer`, one run for each shape: all widths at 32 positions, then all positions at
// width 768. Columns are of the length that proves fastest, unless a commitment has a price. A shape that does not fit in
// memory is named, and left out. Run it where nothing else runs. Exit code: 0, or 1 if a shape could not be measured, 2
// for wrong arguments.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const options = {
  nanozk: 'target/release/nanozk',
  widths: '128,256,512,768,1024,2048,4096',
  positions: '16,32,64,128,256,512',
  price: '0',
  plot: '',
};
const args = process.argv.slice(2);
for (let i = 0; i < args.length; i += 2) {
  const name = args[i].replace(/^--/, '');
  if (!(name in options) || args[i + 1] === undefined) {
    console.error(`unknown or incomplete option ${args[i]}: see the head of bench/growth.mjs`);
    process.exit(2);
  }
  options[name] = args[i + 1];
}
const numbers = text => text.split(',').map(Number);

const heads = width => Math.max(1, width / 64);
let failed = false;
function measure(width, positions) {
  const shape = ['--width', width, '--heads', heads(width), '--tokens', positions, '--commitment-price', options.price].map(String);
  const run = spawnSync(options.nanozk, ['--json', 'bench', 'layer', ...shape], { encoding: 'utf8' });
  const line = (run.stdout ?? '').split('\n').find(l => l.includes('"prove_cpu_s"'));
  if (run.status !== 0 || !line) {
    console.error(`width ${width}, ${positions} positions: ${(run.stderr || String(run.error ?? 'no figures')).trim()}`);
    failed = true;
    return null;
  }
  const m = JSON.parse(line);
  // Matrices of a block; and numbers that each position has between them, of which attention has one for each pair.
  const weights = 12 * width * width;
  const cells = positions * (17 * width + 4 * heads(width) * positions);
  return { width, positions, weights, cells, ...m };
}

const rows = [
  ...numbers(options.widths).map(width => measure(width, 32)),
  ...numbers(options.positions).map(positions => measure(768, positions)),
].filter(row => row !== null);

const cell = (value, digits) => value.toFixed(digits);
console.log('| width | positions | k | commitments | prove, CPU s | ns for a weight | µs for an activation | peak memory | proof | verify |');
console.log('|---|---|---|---|---|---|---|---|---|---|');
for (const r of rows) {
  const memory = r.peak_rss_bytes === null ? 'unknown' : `${cell(r.peak_rss_bytes / 1e9, 2)} GB`;
  console.log(`| ${[
    r.width, r.positions, r.k, r.commitments, cell(r.prove_cpu_s, 2),
    cell((r.prove_cpu_s / r.weights) * 1e9, 0), cell((r.prove_cpu_s / r.cells) * 1e6, 2),
    memory, `${r.proof_bytes} B`, `${cell(r.verify_ms, 1)} ms`,
  ].join(' | ')} |`);
}

// Two curves with logarithmic axes.
if (options.plot) {
  const panels = [
    ['processor seconds by weights of a block, 32 positions', rows.filter(r => r.positions === 32), r => r.weights],
    ['processor seconds by activations, width 768', rows.filter(r => r.width === 768), r => r.cells],
  ];
  const size = 320;
  const parts = panels.map(([title, points, x], i) => {
    const sorted = [...new Map(points.map(p => [x(p), p])).values()].sort((a, b) => x(a) - x(b));
    const range = values => [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))];
    const [x0, x1] = range(sorted.map(x));
    const [y0, y1] = range(sorted.map(p => p.prove_cpu_s));
    const at = (value, low, high) => ((Math.log10(value) - low) / Math.max(1, high - low)) * (size - 80);
    const place = p => `${(50 + at(x(p), x0, x1)).toFixed(1)},${(size - 40 - at(p.prove_cpu_s, y0, y1)).toFixed(1)}`;
    const ticks = [];
    for (let e = x0; e <= x1; e++) ticks.push(`<text x="${50 + at(10 ** e, x0, x1)}" y="${size - 22}" text-anchor="middle">1e${e}</text>`);
    for (let e = y0; e <= y1; e++) ticks.push(`<text x="44" y="${size - 36 - at(10 ** e, y0, y1)}" text-anchor="end">${10 ** e}</text>`);
    return `<g transform="translate(${i * size},0)"><text x="50" y="20">${title}</text>` +
      `<path d="M50 ${40}V${size - 40}H${size - 20}" fill="none" stroke="#888"/>${ticks.join('')}` +
      `<polyline points="${sorted.map(place).join(' ')}" fill="none" stroke="#06c"/>` +
      `${sorted.map(p => `<circle cx="${place(p).split(',')[0]}" cy="${place(p).split(',')[1]}" r="3" fill="#06c"/>`).join('')}</g>`;
  });
  const style = 'font:11px sans-serif;background:#fff';
  writeFileSync(options.plot, `<svg xmlns="http://www.w3.org/2000/svg" width="${2 * size}" height="${size}" style="${style}">${parts.join('')}</svg>\n`);
}
process.exitCode = failed ? 1 : 0;

// Measures what a keystroke in the field "Find words" of the failures page costs, with 5,000 rows
// on the page:
//
//     npm ci && npm run build            (in console)
//     go build -o /tmp/drmhub ../server
//     DRMHUB=/tmp/drmhub node bench/filter.js
//
// It prints the processor time of the page's main thread for each keystroke: script, style and
// layout, and all of its tasks. Demanded are less than 50 ms of script, style and layout. It is a
// bench, not a test: it depends on the machine.
import { browser, loaded, open, sandbox } from "../test/harness.js";

const ends = [];
const t = { after: (end) => ends.push(end) };

/**
 * What is typed. Each character is a keystroke, and so is each character that is taken away again.
 */
const texts = ["movie-0096", "fairplay 2026", "usr_", "zzz"];

try {
  const { url } = await sandbox(t);
  const page = await open(await browser(t), `${url}/console/failures?status=ALL&period=90d&live=off`);
  const rows = () => page.getByRole("searchbox", { name: /Find words/ });
  const label = page.locator("label", { has: page.locator("input"), hasText: "Find words" });
  while (!(await label.textContent()).includes("5,000")) {
    const before = await label.textContent();
    await page.getByRole("button", { name: "More", exact: true }).click();
    await page.waitForFunction((before) => !document.body.textContent.includes(before), before);
    await loaded(page);
  }
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  await rows().focus();
  await measure("the first keystroke", await cost(page, cdp, ["m"]), 1);
  await page.keyboard.press("Backspace");
  const costs = [];
  for (const text of texts) costs.push(...await cost(page, cdp, [...text, ...[...text].map(() => "Backspace")]));
  await measure("each further keystroke", costs);
} finally {
  for (const end of ends.reverse()) await end();
}

/** Presses keys, and returns what each costs in milliseconds. */
async function cost(page, cdp, keys) {
  const costs = [];
  for (const key of keys) {
    const before = await metrics(cdp);
    await page.keyboard.press(key);
    // Two frames: the page has reacted, and is laid out and painted.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))));
    const after = await metrics(cdp);
    const spent = (name) => (after[name] - before[name]) * 1000;
    const parts = { script: spent("ScriptDuration"), style: spent("RecalcStyleDuration"), layout: spent("LayoutDuration") };
    costs.push({ key, ...parts, sum: parts.script + parts.style + parts.layout, tasks: spent("TaskDuration") });
  }
  return costs;
}

/** Returns the page's counters, in seconds. */
async function metrics(cdp) {
  const { metrics } = await cdp.send("Performance.getMetrics");
  return Object.fromEntries(metrics.map((m) => [m.name, m.value]));
}

function measure(what, costs) {
  const sorted = [...costs].sort((a, b) => a.sum - b.sum);
  const [median, worst] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  const line = (c) => `${c.sum.toFixed(1)} ms (script ${c.script.toFixed(1)}, style ${c.style.toFixed(1)}, layout ${c.layout.toFixed(1)}; all tasks ${c.tasks.toFixed(1)})`;
  console.log(`${what}: ${costs.length} keystrokes\n  median ${line(median)}\n  worst  ${line(worst)} by "${worst.key}"`);
}

// Starts drmhub and a real browser for the tests, and says what must hold on every page.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

/** The program under test. */
export const program = process.env.DRMHUB ?? "";
if (!program) throw new Error("DRMHUB must name the program: run ./console/check");

/** Where the logs of the programs go: LOGS=1 shows them. */
const log = process.env.LOGS ? "inherit" : "ignore";

const browserPath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Why the tests of this file cannot run, or false. */
export const skip = !existsSync(browserPath) && "Chromium is not installed";

/**
 * Starts a program of drmhub until the test ends, and returns the lines that it has printed once
 * `ready` says so.
 * @param {{ after(end: () => void): void }} t
 */
export async function run(t, args, ready, env = {}) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", log], env: { ...process.env, ...env } });
  t.after(() => child.kill());
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (ready(lines)) {
      child.stdout.resume();
      return { lines, child };
    }
  }
  throw new Error(`drmhub ended: ${lines.join("\n")}`);
}

/**
 * Starts a sandbox whose archive is filled. Returns its URL, and the admin path of each twin by
 * kind.
 */
export async function sandbox(t, ...args) {
  const isTwin = (line) => line.match(/^\s*(\w+)\s+(http:\S+\/_twin\/)/);
  const all = ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", ...args];
  const { lines } = await run(t, all, (lines) => lines.filter(isTwin).length === 4);
  const url = lines.join("\n").match(/REST on (http:[^, ]+)/)[1];
  const twins = Object.fromEntries(lines.map(isTwin).filter(Boolean).map((m) => [m[1], m[2]]));
  await until(async () => {
    const { archives = [] } = await get(`${url}/v1/vendors/-/archives`);
    return archives.length > 0 && archives.every((a) => ["CURRENT", "UNSUPPORTED"].includes(a.state));
  });
  return { url, twins };
}

/** Returns the JSON of a GET. */
export const get = async (url) => (await fetch(url)).json();

/** Sends JSON by POST, and returns the response. */
export const post = (url, body) =>
  fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** Orders a fault of a twin, such as { kind: "answer", method: "PUT", times: 1, status: 403 }. */
export async function order(twin, fault) {
  const response = await post(`${twin}faults`, fault);
  if (!response.ok) throw new Error(`the twin refuses the fault: ${await response.text()}`);
}

/** Waits until a condition holds. */
export async function until(holds, milliseconds = 30_000) {
  const end = Date.now() + milliseconds;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error("the condition never held");
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Starts the browser for the tests of a file. */
export async function browser(t) {
  const started = await chromium.launch({
    executablePath: browserPath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
  });
  t.after(() => started.close());
  return started;
}

/**
 * Opens a page of the console, and waits until it has its data. page.problems collects what the
 * browser complains of, such as a violation of the content security policy, and page.strangers the
 * requests to other hosts.
 */
export async function open(browser, url, { width = 1280, height = 860, colorScheme = "light", context } = {}) {
  const page = await (context ?? browser).newPage({ viewport: { width, height }, colorScheme });
  page.problems = [];
  page.strangers = [];
  page.on("console", (m) => {
    // The browser reports each refused call as an error of its own. Pages show these themselves.
    const refused = m.text().startsWith("Failed to load resource: the server responded");
    if (["error", "warning"].includes(m.type()) && !refused) page.problems.push(m.text());
  });
  page.on("pageerror", (e) => page.problems.push(String(e)));
  page.on("request", (r) => new URL(r.url()).origin !== new URL(url).origin && page.strangers.push(r.url()));
  await page.goto(url);
  await loaded(page);
  return page;
}

/** Waits until a page has its heading and awaits nothing. */
export async function loaded(page) {
  await page.locator("main h1").first().waitFor();
  await page.waitForFunction(() => !document.querySelector("main [aria-busy=true], main .loading"));
}

/** Checks what must hold on every page at the end of a test. */
export function clean(page) {
  assert.deepEqual(page.problems, [], "the browser complains");
  assert.deepEqual(page.strangers, [], "the page calls another host");
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Checks that axe finds nothing that keeps a person out. The page's own policy stays as it is. */
export async function accessible(page, what = page.url()) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Page.setBypassCSP", { enabled: true });
  await cdp.send("Runtime.evaluate", { expression: axeSource });
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map((v) => `${what}: ${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`), []);
}

/** Checks that nothing sticks out at the side. */
export async function fits(page) {
  const out = await page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > clientWidth + 1);
    return ["the page", ...wide.map((e) => e.cloneNode().outerHTML.slice(0, 150))];
  });
  assert.deepEqual(out, [], `${page.url().slice(0, 200)}: this sticks out at the side`);
}

/** Keeps a picture of the page, if SCREENSHOTS names a folder. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

/** Presses Tab until the element has the focus, as a person without a mouse does. */
export async function tabTo(page, locator, presses = 200) {
  for (let i = 0; i < presses; i++) {
    await page.keyboard.press("Tab");
    if (await locator.evaluate((element) => element === document.activeElement)) return;
  }
  assert.fail(`Tab does not reach ${locator}`);
}

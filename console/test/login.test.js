// Who is there, what they may do, and what a session's end does to the page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, browser, clean, fits, loaded, open, picture, skip, tabTo } from "./harness.js";
import { secured } from "./secured.js";

const alert = (page) => page.getByRole("dialog").getByRole("alert");

/** Opens an address without a session, and waits for the form. */
async function opened(started, url) {
  const context = await started.newContext();
  const page = await context.newPage();
  page.problems = [];
  page.strangers = [];
  page.on("console", (m) => {
    if (["error", "warning"].includes(m.type()) && !m.text().startsWith("Failed to load resource")) page.problems.push(m.text());
  });
  page.on("pageerror", (e) => page.problems.push(String(e)));
  await page.goto(url);
  await page.getByRole("dialog").waitFor();
  return page;
}

async function logIn(page, token) {
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
}

test("With tokens alone", { skip }, async (t) => {
  const started = await browser(t);
  const server = await secured(t);

  await t.test("a token begins a session, and the page does not keep it", async () => {
    const page = await opened(started, `${server.url}/console/sites?text=a%2Fb`);
    assert.equal(await page.getByRole("link", { name: /identity provider/ }).count(), 0);
    await picture(page, "login");
    await accessible(page);
    await logIn(page, "not-a-token");
    await alert(page).waitFor();
    assert.match(await alert(page).innerText(), /nobody was logged in/);
    const token = server.token("--roles", "admin");
    await logIn(page, token);
    await loaded(page);
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(new URL(page.url()).search, "?text=a%2Fb", "the view is lost");
    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, document.documentElement.outerHTML]));
    assert.ok(!kept.includes(token), "the page keeps the token");
    clean(page);
    await page.context().close();
  });

  await t.test("the form works by keyboard alone", async () => {
    const page = await opened(started, `${server.url}/console/`);
    const field = page.getByLabel("Token");
    if (!(await field.evaluate((e) => e === document.activeElement))) await tabTo(page, field);
    await page.keyboard.type(server.token("--roles", "viewer"));
    await page.keyboard.press("Enter");
    await loaded(page);
    clean(page);
    await page.context().close();
  });

  await t.test("a session's end asks anew and keeps the view", async () => {
    const page = await opened(started, `${server.url}/console/mutations?state=FAILED`);
    await logIn(page, server.token("--roles", "admin"));
    await loaded(page);
    await page.context().clearCookies();
    await page.getByRole("navigation").getByRole("link", { name: "Sites" }).click();
    await page.getByRole("dialog", { name: /Your session has ended/ }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog", { name: /Your session has ended/ }).waitFor();
    await logIn(page, server.token("--roles", "admin"));
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await loaded(page);
    assert.match(page.url(), /\/console\/sites/);
    clean(page);
    await page.context().close();
  });

  await t.test("without a scope a page and its controls are absent, and the scope is named", async () => {
    const page = await opened(started, `${server.url}/console/audit`);
    await logIn(page, server.token("--scopes", "vendors:read,sites:read,licenses:read"));
    await loaded(page);
    assert.match(await page.locator("main").innerText(), /audit:read/);
    const links = await page.getByRole("navigation").getByRole("link").allInnerTexts();
    assert.deepEqual(links, ["Overview", "Failures", "Sites", "Usage"]);
    const { sites } = await getJSON(server, "/v1/vendors/acme/sites");
    const site = sites[0].name.split("/").at(-1);
    await page.goto(`${server.url}/console/sites/acme/${site}`);
    await loaded(page);
    await page.getByText("sites:write").first().waitFor();
    assert.equal(await page.getByRole("button", { name: /^Switch (off|on)/ }).count(), 0);
    await accessible(page);
    clean(page);
    await page.context().close();
  });

  await t.test("log out ends the session", async () => {
    const page = await opened(started, `${server.url}/console/`);
    await logIn(page, server.token("--roles", "viewer"));
    await page.route("**/console/logout", (route) => route.fulfill({ status: 502, body: "bad gateway" }), { times: 1 });
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByText("You are still logged in").waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("dialog", { name: "Log in" }).waitFor();
    assert.deepEqual(await page.context().cookies(), []);
    await page.setViewportSize({ width: 390, height: 800 });
    await fits(page);
    clean(page);
    await page.context().close();
  });
});

/** Returns the JSON of a GET with a token of its own. */
async function getJSON(server, path) {
  const response = await fetch(server.url + path, { headers: { Authorization: `Bearer ${server.token("--roles", "admin")}` } });
  return response.json();
}

test("With an identity provider", { skip }, async (t) => {
  const started = await browser(t);
  const server = await secured(t, { oidc: true });

  await t.test("a person logs in there and comes back to the view", async () => {
    const page = await opened(started, `${server.url}/console/sites?text=x%20y%2Fz&vendor=acme`);
    await page.getByRole("link", { name: /identity provider/ }).click();
    await page.waitForURL(/console\/sites/);
    await loaded(page);
    assert.equal(new URL(page.url()).searchParams.get("text"), "x y/z");
    assert.match(await page.locator("header.head").innerText(), /alice/);
    clean(page);
    await page.context().close();
  });

  await t.test("a person without rights learns which scope is missing", async () => {
    server.provider.roles = ["unknown-role"];
    const page = await opened(started, `${server.url}/console/`);
    await page.getByRole("link", { name: /identity provider/ }).click();
    await page.waitForURL(/console\/$/);
    await loaded(page);
    assert.match(await page.locator("main").innerText(), /vendors:read/);
    server.provider.roles = ["admin"];
    clean(page);
    await page.context().close();
  });
});

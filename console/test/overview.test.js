// The overview: what is wrong comes first, and each number leads on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessible, browser, clean, fits, get, loaded, open, order, picture, post, sandbox, skip, tabTo } from "./harness.js";

const findings = (page) => page.getByRole("region", { name: "What needs a look" });
const card = (page, name) => page.getByRole("region", { name, exact: true });
const archives = (page) => page.getByRole("region", { name: "How far each site is read" });
const verdicts = (page) => page.locator(".card h3 .state").allInnerTexts();

/** Has drmhub call a vendor, so that it sees what the vendor does now. */
const check = (url, vendor) => post(`${url}/v1/vendors/${vendor}:check`, {});

const calm = (twin) => fetch(`${twin}faults`, { method: "DELETE" });

/** Changes the response to a call, for what no twin can show. */
async function replace(page, path, change) {
  await page.route((url) => url.pathname === path, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: change(await response.json()) });
  });
}

/** Opens a page with changed responses. */
async function opened(chromium, url, prepare, options) {
  const context = await chromium.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  await prepare(context);
  return open(chromium, url, { context, ...options });
}

test("Overview", { skip }, async (t) => {
  const { url, twins } = await sandbox(t);
  const chromium = await browser(t);
  const at = (search = "", options = {}) => open(chromium, `${url}/console/${search}`, options);
  for (const vendor of ["pallycon", "ncp", "telecomx", "amino"]) await check(url, vendor);

  await t.test("is quiet when all is well", async () => {
    const page = await at();
    await page.getByText("Nothing here needs a look.").waitFor();
    assert.deepEqual(await verdicts(page), ["works", "works", "works", "works"]);
    assert.deepEqual(await page.locator(".card h3").allInnerTexts(), [
      "works PallyCon (DoveRunner)", "works NAVER Cloud One Click Multi DRM", "works TelecomX", "works AminoTV",
    ]);
    assert.match(await card(page, "TelecomX").innerText(), /Reads\ssent \(breaker closed\)[^]*Changes 0 of \d+/);
    await page.getByText("The outcome of each change is known.").waitFor();
    await page.getByText("No license history: TelecomX, AminoTV.").waitFor();
    await page.getByText(/^1 of 1 served certificates end later than in 90 days\. 3 sites serve none\. drmhub cannot see what these vendors serve: NAVER/).waitFor();
    assert.equal(await archives(page).getByText("current", { exact: true }).count(), 9);
    await picture(page, "overview");
    await accessible(page);
    clean(page);
    await page.close();
    for (const options of [{ colorScheme: "dark" }, { width: 390 }]) {
      const other = await at("", options);
      await archives(other).waitFor();
      await (options.width ? fits(other) : accessible(other));
      await other.close();
    }
  });

  await t.test("keeps period and grouping in the address, chosen by keyboard", async () => {
    const page = await at();
    await page.getByRole("img", { name: /^Refused requests by hour\. In all: PallyCon.*NAVER/ }).waitFor();
    await tabTo(page, page.getByLabel("Period"));
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowDown");
    await page.getByRole("img", { name: /^Issued licenses by day\. In all: Widevine: [1-9].*FairPlay: [1-9]/ }).waitFor();
    assert.match(page.url(), /period=week&by=drm$/);
    assert.match(await page.getByRole("row", { name: /^FairPlay/ }).getByRole("link").first().getAttribute("href"), /failures\?drm=FAIRPLAY&period=7d$/);
    await page.reload();
    await loaded(page);
    await page.getByRole("img", { name: /by day\. In all: Widevine/ }).first().waitFor();
    assert.equal(await page.getByLabel("Period").inputValue(), "week");
    clean(page);
    await page.close();
  });

  await t.test("leads from a number to the failures behind it", async () => {
    const page = await at();
    const number = page.getByRole("row", { name: /NAVER/ }).getByRole("link").first();
    assert.match(await number.innerText(), /^[1-9]\d*$/);
    await number.click();
    await page.waitForURL(/\/console\/failures\?vendor=ncp/);
    await page.goBack();
    assert.match(await card(page, "NAVER Cloud One Click Multi DRM").getByRole("link", { name: "Usage" }).getAttribute("href"), /usage\?vendor=ncp/);
    await page.close();
  });

  await t.test("shows what is wrong first, live, and keeps the focus", async () => {
    const page = await opened(chromium, `${url}/console/`, (context) => context.clock.install());
    await page.getByText("Nothing here needs a look.").waitFor();
    const button = card(page, "AminoTV").getByRole("button", { name: "Check now" });
    await button.focus();
    await order(twins.ncp, { kind: "answer", status: 401 });
    await order(twins.telecomx, { kind: "answer", status: 503, header: { "Retry-After": "60" } });
    await order(twins.amino, { kind: "cut" });
    await order(twins.pallycon, { kind: "respell", spelling: "newField", names: ["data"] });
    for (const vendor of ["pallycon", "ncp", "telecomx", "amino"]) await check(url, vendor);
    await page.clock.runFor(21_000);
    await findings(page).getByText("credentials rejected").waitFor();
    assert.deepEqual((await verdicts(page)).slice(1), ["credentials rejected", "paused", "failing"]);
    const words = await findings(page).getByRole("listitem").locator(".state").allInnerTexts();
    assert.ok(words.indexOf("paused") > words.lastIndexOf("failing"), `${words}: the worst must come first`);
    assert.match(await card(page, "AminoTV").innerText(), /The last c\w+ failed[^]*the connection to AminoTV broke/);
    assert.match(await card(page, "NAVER Cloud One Click Multi DRM").innerText(), /access_key and secret_key are refused/);
    assert.match(await card(page, "TelecomX").innerText(), /The pause ends in/);
    assert.ok(await button.evaluate((element) => element === document.activeElement), "the focus is lost");
    await button.press("Enter");
    await card(page, "AminoTV").getByText(/^The check failed: the connection to AminoTV broke/).waitFor();
    assert.ok(await button.evaluate((element) => element === document.activeElement), "the focus is lost");
    await accessible(page);
    clean(page);
    for (const twin of Object.values(twins)) await calm(twin);
    await page.context().close();
  });

  await t.test("names a vendor that cannot be asked, and reads an archive now", async () => {
    await check(url, "ncp");
    await order(twins.ncp, { kind: "answer", status: 500, body: "{}" });
    const page = await at();
    await archives(page).getByRole("button", { name: "Read now ncp/drm-20230526081150-HbXuL" }).press("Enter");
    await archives(page).getByText(/^NAVER Cloud.*HTTP 500/).first().waitFor();
    await page.reload();
    await loaded(page);
    await findings(page).getByText("The sites of NAVER Cloud One Click Multi DRM could not be listed.").waitFor();
    await page.getByText(/^NAVER Cloud One Click Multi DRM could not be asked for its sites/).first().waitFor();
    await calm(twins.ncp);
    await archives(page).getByRole("button", { name: "Read now ncp/drm-20230526081150-HbXuL" }).press("Enter");
    await archives(page).getByText(/^Read\. [1-9][\d,]* requests\.$/).waitFor();
    clean(page);
    await page.close();
  });

  await t.test("shows changes whose outcome is unknown", async () => {
    const product = (await get(`${url}/v1/vendors/amino/products`)).products[1].name;
    await order(twins.amino, { kind: "loseAnswer", method: "POST", times: 1 });
    await order(twins.amino, { kind: "answer", status: 503, method: "GET", skip: 1 });
    const response = await post(`${url}/v1/vendors/amino/productLicenses`, { user: "ann", product, orderId: "o-9" });
    assert.match((await response.json()).error.message, /^Outcome unknown/);
    const page = await at();
    await findings(page).getByRole("link", { name: "1 change has an unknown outcome" }).waitFor();
    const row = page.getByRole("row", { name: /Create product license/ });
    assert.match(await row.innerText(), /unknown[^]*vendors\/amino[^]*drmhub looks again/);
    await row.getByRole("link").click();
    await page.waitForURL(/\/console\/mutations\/.+/);
    clean(page);
    await page.close();
    await calm(twins.amino);
  });

  await t.test("shows the certificates that have ended or end soon", async () => {
    const days = (n) => new Date(Date.now() + n * 86_400_000).toISOString();
    const certificate = (site, n) => ({ site: `vendors/pallycon/sites/${site}`, expireTime: days(n), subject: "CN=<b>x</b>", fingerprint: "0f".repeat(32) });
    const page = await opened(chromium, `${url}/console/`, (context) => context.route((u) => u.pathname.endsWith("/fairPlayCertificates"), (route) =>
      route.fulfill({ json: {
        fairPlayCertificates: [certificate("MOVI", 400), certificate("KIDS", 60), certificate("EDU1", -2.1), certificate("DEMO", 12.1)],
        unreachable: ["vendors/ncp", "vendors/pallycon/sites/NEW1"], unservedSites: [], nextPageToken: "",
      } })));
    await findings(page).getByRole("listitem").filter({ hasText: /1 FairPlay certificate has ended: pallycon\/EDU1 2 days ago/ }).waitFor();
    await findings(page).getByRole("listitem").filter({ hasText: /1 FairPlay certificate ends within 30 days: pallycon\/DEMO in 12 days/ }).waitFor();
    const rows = await page.getByRole("region", { name: "Ended, or end within 90 days" }).getByRole("row").allInnerTexts();
    assert.deepEqual(rows.slice(1).map((r) => r.match(/^(ended|within \d+ days).*pallycon\/(\w+)/s)?.slice(1)), [["ended", "EDU1"], ["within 30 days", "DEMO"], ["within 90 days", "KIDS"]]);
    await page.getByText("Not in this view: NAVER Cloud One Click Multi DRM, pallycon/NEW1.").waitFor();
    await findings(page).getByRole("link", { name: "1 FairPlay certificate has ended" }).click();
    await page.waitForURL(/\/console\/sites\?show=certificates/);
    clean(page);
    await page.context().close();
  });

  await t.test("says which scope is missing, and shows the rest", async () => {
    const page = await opened(chromium, `${url}/console/`, (context) =>
      replace(context, "/v1/caller", (caller) => ({ ...caller, scopes: ["vendors:read"] })));
    await page.getByText("To see changes, you need the scope mutations:read").waitFor();
    await page.getByText("To see the archive, you need the scope licenses:read").waitFor();
    await findings(page).getByText(/Not known: changes, the archive, certificates/).waitFor();
    await card(page, "TelecomX").waitFor();
    assert.equal(await page.getByRole("link", { name: "Failures" }).count(), 0);
    clean(page);
    await page.context().close();
    const reader = await opened(chromium, `${url}/console/`, (context) =>
      replace(context, "/v1/caller", (caller) => ({ ...caller, scopes: caller.scopes.filter((s) => s !== "archive:write") })));
    await archives(reader).waitFor();
    assert.equal(await reader.getByRole("button", { name: /Read now/ }).count(), 0);
    await reader.context().close();
  });

  await t.test("shows hostile values as text, and an error in the API's words", async () => {
    const evil = `<img src=x onerror=alert(1)> "'&\u202Eright`;
    const long = "long ".repeat(2000);
    const vendor = { name: "vendors/a%2Fb", kind: evil, displayName: evil + long, capabilities: [{ method: "drmhub.v1.LicenseService/ListLicenses" }], limits: null };
    const page = await opened(chromium, `${url}/console/`, async (context) => {
      await replace(context, "/v1/vendors", (list) => ({ ...list, vendors: [vendor, list.vendors[0]] }));
      await context.route((u) => u.pathname.endsWith("/v1/vendors/a%2Fb/status"), (route) =>
        route.fulfill({ status: 503, json: { error: { code: 503, status: "UNAVAILABLE", message: evil + long } } }));
      await replace(context, "/v1/mutations", () => ({
        nextPageToken: "",
        mutations: [{ name: "mutations/m1", method: evil, resource: evil + long, subject: evil, state: "UNKNOWN", steps: [], nextSettleTime: null }],
      }));
      await replace(context, "/v1/vendors/-/archives", (list) => ({
        ...list,
        archives: [{ ...list.archives[0], name: `vendors/a%2Fb/sites/${encodeURIComponent(evil)}/archive`, state: "FAILING", error: { code: 14, message: evil + long } }],
      }));
    }, { width: 390 });
    const bad = page.locator(".card").first();
    assert.ok((await bad.locator("h3").innerText()).includes(evil));
    assert.ok((await bad.getByRole("alert").innerText()).includes(evil));
    assert.equal(await bad.locator(".state").innerText(), "not known");
    assert.equal(await page.locator("img").count(), 0);
    const site = archives(page).getByRole("link").first();
    assert.equal(await site.innerText(), `a/b/${evil}`);
    assert.equal(await site.getAttribute("href"), `/console/sites/a%2Fb/${encodeURIComponent(evil)}`);
    assert.equal(await bad.getByRole("link", { name: "Failures" }).getAttribute("href"), "/console/failures?vendor=a%2Fb");
    await fits(page);
    await accessible(page);
    clean(page);
    await page.context().close();
  });
});

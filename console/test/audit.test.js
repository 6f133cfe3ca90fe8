// The audit page: who did what, and whether the trail is whole.
import assert from "node:assert/strict";
import test from "node:test";
import { accessible, browser, clean, fits, get, loaded, open, order, picture, sandbox, skip, tabTo } from "./harness.js";

const site = "vendors/ncp/sites/drm-20230912054417-kQzTe";

test("audit", { skip }, async (t) => {
  const { url, twins } = await sandbox(t);
  const chromium = await browser(t);
  const show = (query = "", options) => open(chromium, `${url}/console/audit${query}`, options);
  const call = (path) => fetch(`${url}/v1/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });

  await t.test("an empty trail is not called checked", async () => {
    const page = await show();
    await page.getByText("No event meets these conditions.").waitFor();
    await page.getByRole("button", { name: "Verify the chains" }).click();
    await page.getByText("The audit trail is empty, so nothing was checked.").waitFor();
    clean(page);
    await page.close();
  });

  await t.test("events are filtered by keyboard, and the address holds the filters", async () => {
    await order(twins.ncp, { kind: "answer", method: "PUT", times: 1, status: 403 });
    const refused = await call(`${site}:disable`);
    const mutation = refused.headers.get("Drmhub-Mutation");
    await call(`${site}:disable`);
    await call(`${mutation}:settle`);
    await call("viewers/tester09:erase");
    const page = await show();
    assert.equal(await page.locator("tbody tr").count(), 4);
    await page.getByText("viewers/-").waitFor();
    const request = page.getByRole("row", { name: "SettleMutation" });
    assert.equal(await request.getByRole("link").getAttribute("href"), `/console/${mutation}`);
    await tabTo(page, page.getByLabel("Resource"));
    await page.keyboard.type(site);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 2);
    await page.getByText("not possible then").waitFor();
    await page.getByText("done", { exact: true }).waitFor();
    await tabTo(page, page.getByLabel("Before (UTC)"));
    await page.getByLabel("Before (UTC)").fill("2020-01-01T00:00");
    await page.keyboard.press("Enter");
    await page.getByText("No event meets these conditions.").waitFor();
    await page.reload();
    await loaded(page);
    assert.equal(await page.getByLabel("Resource").inputValue(), site);
    assert.match(await page.getByLabel("Before (UTC)").inputValue(), /^2020-01-01T00:00/);
    await page.getByLabel("Before (UTC)").fill("");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "changes of this kind" }).first().click();
    await page.getByRole("heading", { name: "Changes" }).waitFor();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 2);
    clean(page);
    await page.close();
  });

  await t.test("the events of other conditions do not stay when a search fails", async () => {
    const page = await show();
    assert.equal(await page.locator("tbody tr").count(), 4);
    const failure = { error: { code: 503, status: "UNAVAILABLE", message: "The store cannot be read.", details: [] } };
    let fail;
    await page.route("**/v1/auditEvents?**", (route) => (fail = () => route.fulfill({ status: 503, json: failure })), { times: 1 });
    await page.getByLabel("Caller").fill("nobody");
    await page.keyboard.press("Enter");
    await page.getByText("Loading …").waitFor();
    fail();
    await page.getByRole("alert").getByText("The store cannot be read.").waitFor();
    assert.equal(await page.locator("tbody tr").count(), 0);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("No event meets these conditions.").waitFor();
    clean(page);
    await page.close();
  });

  await t.test("the chains are verified", async () => {
    const page = await show();
    await page.getByRole("button", { name: "Verify the chains" }).click();
    await page.getByText("4 events in 1 chain checked").waitFor();
    await page.getByRole("button", { name: "Verify again" }).waitFor();
    await picture(page, "audit");
    await accessible(page);
    clean(page);
    await page.close();
  });

  await t.test("each break is named, and a failure is not taken for a result", async () => {
    const page = await show();
    const found = { eventCount: 1204, chainCount: 3, intact: false, breakCount: 2, breaks: [
      { auditEvent: "auditEvents/aa-7", chain: "aa", kind: "MISSING", message: "The event is gone. Compare the copy." },
      { auditEvent: "auditEvents/bb-9", chain: "bb", kind: "CHANGED", message: "<b>changed</b>" },
    ] };
    const failure = { error: { code: 503, status: "UNAVAILABLE", message: "The store cannot be read.", details: [] } };
    await page.route("**/v1/auditEvents:verify", (route) => route.fulfill({ json: found }), { times: 1 });
    await page.getByRole("button", { name: "Verify the chains" }).click();
    const alert = page.getByRole("alert");
    await alert.getByText("2 of 3 chains are broken. The trail has 1,204 events.").waitFor();
    assert.match(await alert.innerText(), /missing auditEvents\/aa-7 in the chain aa: The event is gone/);
    assert.match(await alert.innerText(), /changed auditEvents\/bb-9 in the chain bb: <b>changed<\/b>/);
    await accessible(page);
    await page.route("**/v1/auditEvents:verify", (route) => route.fulfill({ status: 503, json: failure }), { times: 1 });
    await page.getByRole("button", { name: "Verify again" }).click();
    await page.getByText("The store cannot be read.").waitFor();
    assert.equal(await page.getByText("1,204").count(), 0);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("4 events in 1 chain checked").waitFor();
    clean(page);
    await page.close();
  });

  await t.test("hostile values stay text, older events come page by page, and the page fits a telephone", async () => {
    const hostile = `<img src=x onerror="document.title='owned'"> \u202Eright to left ${"x".repeat(10_000)}`;
    const { auditEvents: [event] } = await get(`${url}/v1/auditEvents?pageSize=1`);
    const context = await chromium.newContext({ viewport: { width: 390, height: 860 }, colorScheme: "dark" });
    const evil = { ...event, subject: hostile, method: hostile, resource: hostile, outcome: hostile, vendorCode: hostile };
    await context.route("**/v1/auditEvents?*", (route) => {
      const first = !new URL(route.request().url()).searchParams.get("pageToken");
      const size = first ? 50 : 3;
      const auditEvents = Array.from({ length: size }, (_, i) => ({ ...(i ? event : evil), name: `auditEvents/${first}-${i}` }));
      return route.fulfill({ json: { auditEvents, nextPageToken: first ? "next" : "" } });
    });
    const page = await show("", { context });
    await page.getByText("right to left").first().waitFor();
    await fits(page);
    await accessible(page);
    await page.getByRole("button", { name: "Show 50 more" }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 53);
    assert.equal(await page.locator("main img").count(), 0);
    clean(page);
    await context.close();
  });
});

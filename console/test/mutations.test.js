// The page of changes: the list, one record with its steps, and what a person can do about it.
import assert from "node:assert/strict";
import test from "node:test";
import { accessible, browser, clean, fits, get, loaded, open, order, picture, sandbox, skip, tabTo } from "./harness.js";

const site = "vendors/ncp/sites/drm-20230912054417-kQzTe";

test("mutations", { skip }, async (t) => {
  const { url, twins } = await sandbox(t);
  const chromium = await browser(t);
  const show = (path = "", options) => open(chromium, `${url}/console/mutations${path}`, options);
  const heal = () => Promise.all(Object.values(twins).map((twin) => fetch(`${twin}faults`, { method: "DELETE" })));
  t.afterEach(heal);
  const { productLicenses } = await get(`${url}/v1/vendors/amino/productLicenses?filter.status=ACTIVE&pageSize=1000`);
  const licenses = productLicenses.filter((l) => l.playable);

  /** Revokes a license so that its outcome is unknown, and cannot be read back before heal. */
  async function unknown() {
    const license = licenses.pop();
    await order(twins.amino, { kind: "loseAnswer", method: "DELETE", times: 1 });
    await order(twins.amino, { kind: "answer", method: "GET", skip: 1, status: 503, body: "{}" });
    const response = await fetch(`${url}/v1/${license.name}`, { method: "DELETE" });
    return { license, id: response.headers.get("Drmhub-Mutation").replace("mutations/", "") };
  }

  /** Makes a change that its vendor refuses. */
  async function failed() {
    await fetch(`${url}/v1/${site}:enable`, { method: "POST" });
    await order(twins.ncp, { kind: "answer", method: "PUT", times: 1, status: 403 });
    const response = await fetch(`${url}/v1/${site}:disable`, { method: "POST" });
    return response.headers.get("Drmhub-Mutation").replace("mutations/", "");
  }

  await t.test("the list is live, and its filters are in the address", async () => {
    const failure = await failed();
    const { id, license } = await unknown();
    const page = await show();
    const row = page.getByRole("row", { name: id.slice(0, 13) }).filter({ hasText: license.name });
    await row.getByText("unknown", { exact: true }).waitFor();
    await page.getByText("This view is live.").waitFor();
    await accessible(page);
    await heal();
    await row.getByText("succeeded").waitFor();
    await page.getByText("This view is live.").waitFor({ state: "detached" });

    await page.getByLabel("Resource").fill(site);
    await page.keyboard.press("Enter");
    await page.waitForURL(/resource=vendors%2Fncp/);
    await row.waitFor({ state: "detached" });
    await page.getByLabel("State").selectOption("failed");
    await page.waitForURL(/state=FAILED/);
    await page.reload();
    await loaded(page);
    assert.equal(await page.getByLabel("State").inputValue(), "FAILED");
    assert.equal(await page.getByLabel("Resource").inputValue(), site);
    assert.equal(await page.locator("tbody tr").count(), 1);
    await page.locator("tbody a").click();
    await page.waitForURL(`**/console/mutations/${failure}`);
    clean(page);
    await page.close();
  });

  await t.test("older changes come page by page", async () => {
    const name = "vendors/amino/productLicenses/none";
    await Promise.all(Array.from({ length: 4 }, async () => {
      for (let i = 0; i < 13; i++) await fetch(`${url}/v1/${name}`, { method: "DELETE" });
    }));
    const page = await show(`?resource=${encodeURIComponent(name)}`);
    assert.equal(await page.locator("tbody tr").count(), 50);
    await page.getByRole("button", { name: "Show 50 more" }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 52);
    assert.match(page.url(), /rows=100/);
    assert.equal(await page.getByRole("button", { name: "Show 50 more" }).count(), 0);
    clean(page);
    await page.close();
  });

  await t.test("a change settles before the eyes of the person", async () => {
    const { id, license } = await unknown();
    const page = await show(`/${id}`);
    const steps = page.getByRole("region", { name: "Steps of the change" });
    await steps.getByText("It may have taken effect. The outcome is not known.").waitFor();
    await page.getByRole("region", { name: "All fields" }).getByText(license.name).waitFor();
    await picture(page, "mutations");
    await accessible(page);
    await heal();
    await steps.getByText("It took effect.").waitFor();
    await page.getByText("Nothing is left to do.").waitFor();
    clean(page);
    await page.close();
  });

  await t.test("a person settles a change by keyboard alone", async () => {
    const { id } = await unknown();
    const page = await show(`/${id}`);
    await tabTo(page, page.getByRole("button", { name: "Settle now …" }));
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("It sends nothing new, with one exception").waitFor();
    await heal();
    await tabTo(page, dialog.getByRole("button", { name: "Settle now", exact: true }));
    await page.keyboard.press("Enter");
    await dialog.getByText(/^drmhub has read back. The change is succeeded.$/).waitFor();
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    await page.getByText("Nothing is left to do.").waitFor();
    clean(page);
    await page.close();
  });

  await t.test("a change that is given up lets others go on, and can still be settled", async () => {
    const { id } = await unknown();
    const page = await show(`/${id}`);
    await page.getByRole("button", { name: "Give up …" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Look at the vendor’s console first.").waitFor();
    await dialog.getByRole("button", { name: "Give up", exact: true }).click();
    await dialog.getByText("Given up. The outcome stays unknown.").waitFor();
    await dialog.getByRole("button", { name: "Close" }).last().click();
    await page.getByText("not by itself").waitFor();
    assert.equal(await page.getByRole("button", { name: "Give up …" }).count(), 0);
    await heal();
    await page.getByRole("button", { name: "Settle now …" }).click();
    await dialog.getByText("What is read back may be the effect of a later one.").waitFor();
    await dialog.getByRole("button", { name: "Settle now", exact: true }).click();
    await dialog.getByText("The change is succeeded.").waitFor();
    clean(page);
    await page.close();
  });

  await t.test("a failed change is sent again after its id is typed, once, also over a broken connection", async () => {
    const id = await failed();
    const page = await show(`/${id}`);
    await page.getByRole("button", { name: "Send again …" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.locator("pre").first().getByText("curl").waitFor();
    const send = dialog.getByRole("button", { name: "Send again", exact: true });
    assert.ok(await send.isDisabled());
    await dialog.getByLabel(/Type/).fill(id);
    const ids = [];
    page.on("request", (r) => r.url().endsWith(":resend") && ids.push(r.postDataJSON().requestId));
    await page.route("**:resend", (route) => route.abort("connectionrefused"), { times: 1 });
    await send.click();
    await dialog.getByText("The outcome is unknown. The change may have taken effect.").waitFor();
    await dialog.getByRole("region", { name: "Steps of the change" }).getByText("failed").first().waitFor();
    await dialog.getByRole("button", { name: "Ask again" }).click();
    await dialog.getByText("drmhub has worked on it. The change is succeeded.").waitFor();
    assert.deepEqual([ids.length, new Set(ids).size], [2, 1]);
    await dialog.getByRole("button", { name: "Close" }).last().click();
    await page.getByText("Nothing is left to do.").waitFor();
    page.problems = page.problems.filter((p) => !p.includes("ERR_CONNECTION_REFUSED"));
    clean(page);
    await page.close();
  });

  await t.test("errors come in the words of the API", async () => {
    const page = await show("/none");
    assert.match(await page.getByRole("alert").innerText(), /NOT_FOUND/);
    const id = await failed();
    await page.goto(`${url}/console/mutations/${id}`);
    await loaded(page);
    await page.route("**:resend", (route) => route.fulfill({ status: 403, json: denied }), { times: 1 });
    await page.getByRole("button", { name: "Send again …" }).click();
    await page.getByRole("dialog").getByText("You lack the scope sites:write.").waitFor();
    await page.getByRole("dialog").getByText("The dry run failed, so nothing was sent.").waitFor();
    clean(page);
    await page.close();
  });

  await t.test("it names the scope that is missing, is accessible in the dark, and fits a telephone", async () => {
    const id = await failed();
    const context = await chromium.newContext({ viewport: { width: 390, height: 860 }, colorScheme: "dark" });
    await context.route("**/v1/caller", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), scopes: ["mutations:read"] } });
    });
    const page = await show(`/${id}`, { context });
    await page.getByText("mutations:write").waitFor();
    assert.equal(await page.getByRole("button", { name: /Send again/ }).count(), 0);
    await fits(page);
    await accessible(page);
    await page.goto(`${url}/console/mutations`);
    await loaded(page);
    await fits(page);
    await accessible(page);
    clean(page);
    await context.close();
  });

  await t.test("hostile values stay text", async () => {
    const hostile = `<img src=x onerror="document.title='owned'"> \u202Eright to left ${"x".repeat(10_000)}`;
    const { mutations: [record] } = await get(`${url}/v1/mutations?filter.state=FAILED&pageSize=1`);
    const evil = { ...record, resource: hostile, subject: hostile, message: hostile, vendorCode: hostile, requestId: hostile };
    const context = await chromium.newContext({ viewport: { width: 390, height: 860 } });
    await context.route("**/v1/mutations/*", (route) => route.fulfill({ json: { ...evil, steps: [{ ...record.steps[0], message: hostile }] } }));
    await context.route("**/v1/mutations?*", (route) => route.fulfill({ json: { mutations: [evil], nextPageToken: "" } }));
    const page = await show("/1", { context });
    await page.getByText("right to left").first().waitFor();
    await fits(page);
    await page.goto(`${url}/console/mutations`);
    await loaded(page);
    await page.getByText("right to left").first().waitFor();
    await fits(page);
    assert.equal(await page.locator("main img").count(), 0);
    clean(page);
    await context.close();
  });
});

const denied = {
  error: {
    code: 403,
    status: "PERMISSION_DENIED",
    message: "You lack the scope sites:write.",
    details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "SCOPE_MISSING", domain: "drmhub.v1", metadata: {} }],
  },
};

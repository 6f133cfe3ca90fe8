// The way of every change, with a license that is revoked: what is not known is never taken for
// done, or sent twice.
import assert from "node:assert/strict";
import test from "node:test";
import { accessible, browser, clean, fits, get, open, order, sandbox, skip } from "./harness.js";

test("changes", { skip }, async (t) => {
  const { url, twins } = await sandbox(t);
  const chromium = await browser(t);
  const { productLicenses } = await get(`${url}/v1/vendors/amino/productLicenses?filter.status=ACTIVE&pageSize=1000`);
  const free = productLicenses.filter((l) => l.playable && /^tester\d\d$/.test(l.user));
  const mutationsOf = async (license) => (await get(`${url}/v1/mutations?filter.resource=${license.name}`)).mutations;

  const heal = () => fetch(`${twins.amino}faults`, { method: "DELETE" });
  t.afterEach(heal);

  /**
   * Opens the page of a viewer, and the dialog that revokes a license. It ends just before the
   * change is sent.
   */
  async function begin() {
    const license = free.pop();
    const id = license.name.split("/").at(-1);
    const page = await open(chromium, `${url}/console/viewers/${license.user}`);
    await page.getByRole("row", { name: id }).getByRole("button", { name: "Revoke …" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/Type/).fill(id);
    const ids = [];
    page.on("request", (r) => {
      const sent = new URL(r.url()).searchParams;
      if (r.method() === "DELETE" && !sent.has("validateOnly")) ids.push(sent.get("requestId"));
    });
    const send = () => dialog.getByRole("button", { name: "Revoke", exact: true }).click();
    return { license, id, page, dialog, ids, send, tray: page.getByRole("complementary") };
  }

  await t.test("an unknown outcome is shown as such, and its record is live until it settles", async () => {
    const { license, page, dialog, send, tray } = await begin();
    await order(twins.amino, { kind: "loseAnswer", method: "DELETE", times: 1 });
    await order(twins.amino, { kind: "answer", method: "GET", skip: 1, status: 503, body: "{}" });
    await send();
    await dialog.getByText("The outcome is unknown. The change may have taken effect.").waitFor();
    await dialog.getByText(/Outcome unknown: the connection to AminoTV broke/).first().waitFor();
    const steps = dialog.getByRole("region", { name: "Steps of the change" });
    await steps.getByText("drmhub reads back from the vendor again.").waitFor();
    await accessible(page);
    const busy = { error: { code: 429, status: "RESOURCE_EXHAUSTED", message: "You call too fast.", details: [] } };
    await page.route("**/productLicenses/*", (route) => route.fulfill({ status: 429, json: busy }), { times: 1 });
    await dialog.getByRole("button", { name: "Ask again" }).click();
    await dialog.getByText("You call too fast.").waitFor();
    await dialog.getByText("The outcome is unknown. The change may have taken effect.").waitFor();
    await tray.waitFor({ state: "attached" });
    await heal();
    await dialog.getByText("Done. It took effect.").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("row", { name: license.name.split("/").at(-1) }).waitFor({ state: "detached" });
    await tray.waitFor({ state: "detached" });
    assert.equal((await mutationsOf(license)).length, 1);
    clean(page);
    await page.close();
  });

  await t.test("a connection that breaks after drmhub has the change leaves it in doubt, and the record tells", async () => {
    const { license, page, dialog, ids, send } = await begin();
    await page.route("**/productLicenses/*", async (route) => {
      await route.fetch();
      await route.abort("connectionreset");
    }, { times: 1 });
    let hold;
    const held = new Promise((done) => (hold = done));
    await page.route("**/v1/mutations?*", async (route) => {
      await held;
      await route.continue();
    });
    await send();
    await dialog.getByText("The outcome is unknown. The change may have taken effect.").waitFor();
    await dialog.getByText("Looking for the record of this change …").waitFor();
    hold();
    await dialog.getByText("Done. It took effect.").waitFor();
    const [record, ...others] = await mutationsOf(license);
    assert.deepEqual([record.requestId, others.length, ids.length], [ids[0], 0, 1]);
    page.problems = page.problems.filter((p) => !p.includes("ERR_CONNECTION_RESET"));
    clean(page);
    await page.close();
  });

  await t.test("a proxy that says all is well proves nothing", async () => {
    const { license, page, dialog, send } = await begin();
    await page.route("**/productLicenses/*", (route) => route.fulfill({ json: {} }), { times: 1 });
    await send();
    await dialog.getByText("drmhub has no record of this change yet. It may not have reached drmhub.").waitFor();
    assert.equal((await mutationsOf(license)).length, 0);
    await dialog.getByRole("button", { name: "Ask again" }).click();
    await dialog.getByText("Done. It took effect.").waitFor();
    clean(page);
    await page.close();
  });

  await t.test("a proxy that says that nothing was done proves nothing", async () => {
    const { license, page, dialog, send } = await begin();
    // The change takes effect, and a proxy writes an error of its own in the form of Google's APIs.
    await page.route("**/productLicenses/*", async (route) => {
      await route.fetch();
      await route.fulfill({ status: 503, json: { error: { code: 503, status: "UNAVAILABLE", message: "no healthy upstream" } } });
    }, { times: 1 });
    await send();
    await dialog.getByText("Done. It took effect.").waitFor();
    assert.equal((await mutationsOf(license)).length, 1);
    clean(page);
    await page.close();
  });

  await t.test("a change that never reached drmhub is asked for again under the same id", async () => {
    const { license, page, dialog, ids, send, tray } = await begin();
    await page.route("**/productLicenses/*", (route) => route.abort("connectionrefused"), { times: 1 });
    await send();
    await dialog.getByText("drmhub has no record of this change yet. It may not have reached drmhub.").waitFor();
    await tray.getByText(/drmhub has no record of it/).waitFor({ state: "attached" });
    assert.equal((await mutationsOf(license)).length, 0);
    await dialog.getByRole("button", { name: "Ask again" }).click();
    await dialog.getByText("Done. It took effect.").waitFor();
    const [record] = await mutationsOf(license);
    assert.equal(ids.length, 2);
    assert.deepEqual(new Set(ids), new Set([record.requestId]));
    page.problems = page.problems.filter((p) => !p.includes("ERR_CONNECTION_REFUSED"));
    clean(page);
    await page.close();
  });

  await t.test("a refused change is shown as failed, and is made only when it is ordered anew", async () => {
    const { license, id, page, dialog, ids, send, tray } = await begin();
    await order(twins.amino, { kind: "answer", method: "DELETE", times: 1, status: 403, body: "{}" });
    await send();
    const failure = dialog.getByRole("alert");
    await failure.getByText(/Change/).waitFor();
    assert.equal((await mutationsOf(license))[0].state, "FAILED");
    await tray.waitFor({ state: "detached" });
    await dialog.getByRole("button", { name: "Try again" }).click();
    await failure.getByText(/Change/).waitFor();
    assert.deepEqual([ids.length, new Set(ids).size, (await mutationsOf(license)).length], [2, 1, 1], "the same id is the same change");
    await page.keyboard.press("Escape");
    await page.getByRole("row", { name: id }).getByRole("button", { name: "Revoke …" }).click();
    await dialog.getByLabel(/Type/).fill(id);
    await send();
    await dialog.getByText("Done. It took effect.").waitFor();
    assert.equal(new Set(ids).size, 2);
    clean(page);
    await page.close();
  });

  await t.test("a change of what another change holds is refused, and nothing is sent", async () => {
    const { license, page, dialog, send, tray } = await begin();
    await order(twins.amino, { kind: "loseAnswer", method: "DELETE", times: 1 });
    await order(twins.amino, { kind: "answer", method: "GET", skip: 1, status: 503, body: "{}" });
    await fetch(`${url}/v1/${license.name}`, { method: "DELETE" });
    // At most 20 calls wait for a lock. The next one gets the error at once.
    const stop = new AbortController();
    const waiting = Array.from({ length: 20 }, () => fetch(`${url}/v1/${license.name}`, { method: "DELETE", signal: stop.signal }).catch(() => {}));
    await dialog.waitFor();
    await page.waitForFunction(async (name) => {
      const { mutations } = await (await fetch(`/v1/mutations?filter.resource=${name}&filter.state=INTENDED`)).json();
      return mutations.length === 20;
    }, license.name);
    await send();
    await dialog.getByText(/MUTATION_IN_PROGRESS/).waitFor();
    await tray.waitFor({ state: "detached" });
    stop.abort();
    await Promise.all(waiting);
    await heal();
    clean(page);
    await page.close();
  });

  await t.test("a reload in the middle keeps the change in the tray until its outcome is seen", async () => {
    const { license, page, dialog, send, tray } = await begin();
    await order(twins.amino, { kind: "delay", method: "DELETE", times: 1, delay: "4s" });
    await send();
    await dialog.getByText("Sent. Waiting for the vendor").waitFor();
    await page.reload();
    await tray.getByText(`Revoke license`).waitFor();
    await tray.getByText(/^(sent|unknown)$/).waitFor();
    await tray.getByText("succeeded").waitFor();
    await page.setViewportSize({ width: 390, height: 860 });
    await fits(page);
    await accessible(page);
    assert.equal((await mutationsOf(license)).length, 1);
    await tray.getByRole("button", { name: /Dismiss/ }).click();
    await tray.waitFor({ state: "detached" });
    clean(page);
    await page.close();
  });

  await t.test("a dialog that was closed too early loses no outcome", async () => {
    const { page, dialog, send, tray } = await begin();
    await order(twins.amino, { kind: "answer", method: "DELETE", times: 1, delay: "2s", status: 403, body: "{}" });
    await send();
    await dialog.getByText("Sent. Waiting for the vendor").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await tray.getByText(/Failed: .+/).waitFor();
    await tray.getByRole("button", { name: /Dismiss/ }).click();
    await tray.waitFor({ state: "detached" });
    clean(page);
    await page.close();
  });
});

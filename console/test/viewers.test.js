// The page of one viewer: what allows playback, what was refused, and the changes that help.
import assert from "node:assert/strict";
import test from "node:test";
import { accessible, browser, clean, fits, get, loaded, open, order, picture, sandbox, skip, tabTo, until } from "./harness.js";

test("viewers", { skip }, async (t) => {
  const { url, twins } = await sandbox(t);
  const chromium = await browser(t);
  const show = (path, options) => open(chromium, `${url}/console/viewers${path}`, options);
  const licensesOf = async (user) => {
    const { productLicenses } = await get(`${url}/v1/vendors/amino/productLicenses?filter.user=${user}`);
    return productLicenses.filter((l) => l.playable).map((l) => l.name.split("/").at(-1));
  };

  await t.test("a viewer opens by keyboard, and the address holds the period", async () => {
    const page = await show("");
    await page.keyboard.type("tester24");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Viewer tester24" }).waitFor();
    await loaded(page);
    const verdict = page.getByRole("region", { name: "Verdict" });
    assert.match(await verdict.innerText(), /may play\s+\d licenses? now/);
    assert.match(await verdict.innerText(), /refused\s+\d+ times? of \d+ license requests since 2/);
    await page.getByLabel("License requests of the last").selectOption("30 days");
    await page.waitForURL(/since=30d/);
    await page.reload();
    await loaded(page);
    assert.equal(await page.getByLabel("License requests of the last").inputValue(), "30d");
    const refused = page.getByRole("region", { name: "Refused license requests" });
    await refused.getByText("Who must act").first().waitFor();
    await refused.getByText("What to do").first().waitFor();
    const link = await refused.getByRole("link", { name: /^Failures of this viewer with code/ }).first().getAttribute("href");
    assert.match(link, /\/console\/failures\?viewer=tester24&code=\w+&site=vendors%2F.+&period=30d/);
    await picture(page, "viewers");
    await accessible(page);
    clean(page);
    await page.close();
  });

  await t.test("a vendor that one page of a list could not reach stays named", async () => {
    const context = await chromium.newContext();
    await context.route("**/productLicenses?**", (route) => {
      const last = route.request().url().includes("pageToken=second");
      return route.fulfill({ json: {
        productLicenses: [], totalSize: 0, nextPageToken: last ? "" : "second", unreachable: last ? [] : ["vendors/amino"],
      } });
    });
    const page = await show("/tester24", { context });
    await page.getByText("Not in this view: amino. It could not be asked.").waitFor();
    clean(page);
    await context.close();
  });

  await t.test("it is accessible in the dark, and fits a telephone", async () => {
    const page = await show("/tester24", { width: 390, colorScheme: "dark" });
    await page.getByText("Issue a product license").click();
    await fits(page);
    await accessible(page);
    clean(page);
    await page.close();
  });

  await t.test("a license is issued, replaced and revoked by keyboard alone", async () => {
    const page = await show("/tester02?since=24h");
    const before = await licensesOf("tester02");
    const dialog = page.getByRole("dialog");
    const press = async (locator) => {
      await tabTo(page, locator);
      await page.keyboard.press("Enter");
    };
    await press(page.locator("summary", { hasText: "Issue a product license" }));
    await tabTo(page, page.getByRole("combobox", { name: /^Product/ }));
    await page.keyboard.press("ArrowDown");
    await tabTo(page, page.getByLabel("Order id"));
    await page.keyboard.type("console-1");
    await page.keyboard.press("Enter");
    await dialog.getByText("What the vendor would get").waitFor();
    assert.match(await dialog.locator("pre").first().innerText(), /console-1/);
    await press(dialog.getByRole("button", { name: "Issue", exact: true }));
    await dialog.getByText("Done. It took effect.").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("cell", { name: "console-1" }).waitFor();
    const [issued] = (await licensesOf("tester02")).filter((id) => !before.includes(id));

    const row = page.getByRole("row", { name: "console-1" });
    await press(row.getByRole("button", { name: "Replace …" }));
    const form = page.locator("form", { hasText: "Leave it as it is" });
    assert.equal(await form.getByLabel("Order id").inputValue(), "console-1", "the terms are there already");
    await tabTo(page, form.getByLabel("Order id"));
    await page.keyboard.press("Control+A");
    await page.keyboard.type("console-2");
    await page.keyboard.press("Enter");
    await tabTo(page, dialog.getByLabel(/Type/));
    await page.keyboard.type("another");
    assert.ok(await dialog.getByRole("button", { name: "Replace", exact: true }).isDisabled(), "another id does not confirm");
    await page.keyboard.press("Control+A");
    await page.keyboard.type(issued);
    await page.keyboard.press("Enter");
    await dialog.getByText("Done. It took effect.").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("row", { name: "console-2" }).waitFor();

    const [replaced] = (await licensesOf("tester02")).filter((id) => !before.includes(id));
    await press(page.getByRole("row", { name: "console-2" }).getByRole("button", { name: "Revoke …" }));
    await tabTo(page, dialog.getByLabel(/Type/));
    await page.keyboard.type(replaced);
    await page.keyboard.press("Enter");
    await dialog.getByText("Done. It took effect.").waitFor();
    assert.deepEqual(await licensesOf("tester02"), before);
    await page.keyboard.press("Escape");
    await page.getByRole("row", { name: "console-2" }).waitFor({ state: "detached" });
    clean(page);
    await page.close();
  });

  await t.test("a device is removed", async () => {
    const page = await show("/tester24");
    const device = page.getByRole("region", { name: "DRM accounts" }).getByRole("row").nth(2);
    const id = await device.locator("code").innerText();
    await device.getByRole("button", { name: "Remove …" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/Type/).fill(id);
    await dialog.getByRole("button", { name: "Remove", exact: true }).click();
    await dialog.getByText("Done. It took effect.").waitFor();
    await dialog.getByText(/The place (is|becomes) free/).waitFor();
    await page.keyboard.press("Escape");
    await page.getByText(id).waitFor({ state: "detached" });
    clean(page);
    await page.close();
  });

  await t.test("a dry run that fails says why in the words of the API, and nothing is sent", async () => {
    const page = await show("/tester03");
    const [id] = await licensesOf("tester03");
    await fetch(`${url}/v1/vendors/amino/productLicenses/${id}`, { method: "DELETE" });
    await page.getByRole("row", { name: id }).getByRole("button", { name: "Revoke …" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("The dry run failed, so nothing was sent.").waitFor();
    assert.match(await dialog.getByRole("alert").innerText(), /AminoTV holds no license .*\s+NOT_FOUND, /);
    clean(page);
    await page.close();
  });

  await t.test("a vendor that is down is named, and its part is not taken for nothing", async () => {
    await order(twins.amino, { kind: "answer", method: "GET", status: 503 });
    const page = await show("/tester24");
    const missing = page.getByRole("status", { name: "Not in this view" });
    assert.match(await missing.innerText(), /product licenses at amino: .+/);
    await page.getByText("Whether a product license allows playback is not known.").waitFor();
    await page.getByText("Not known: amino could not be asked.").waitFor();
    await fetch(`${twins.amino}faults`, { method: "DELETE" });
    await until(async () => {
      await page.getByRole("button", { name: "Ask anew" }).click();
      await loaded(page);
      return !(await missing.isVisible());
    });
    clean(page);
    await page.close();
  });

  await t.test("an erasure says what goes and what stays, and takes the id", async () => {
    const page = await show("/tester05");
    await page.getByRole("button", { name: "Erase …" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("What stays").waitFor();
    await accessible(page);
    await dialog.getByLabel(/Type/).fill("tester05");
    await dialog.getByRole("button", { name: "Erase", exact: true }).click();
    await dialog.getByText(/^Done. \d+ license requests? no longer names? the viewer.$/).waitFor();
    await dialog.getByRole("button", { name: "Close" }).last().click();
    await page.getByText("The archive holds no license request of this viewer").waitFor();
    clean(page);
    await page.close();
  });

  await t.test("without a scope, the control is absent and the scope is named", async () => {
    const context = await chromium.newContext();
    const page = await open(chromium, `${url}/console/viewers/tester24`, { context: await confined(context, ["viewers:read"]) });
    for (const scope of ["product-licenses:write", "drm-accounts:write", "viewers:write"]) {
      await page.getByText(scope).first().waitFor();
    }
    assert.equal(await page.getByRole("button", { name: /Revoke|Replace|Remove|Issue|Erase/ }).count(), 0);
    clean(page);
    await context.close();
  });

  await t.test("hostile values stay text", async () => {
    const hostile = `<img src=x onerror="document.title='owned'"> \u202Eright to left ${"x".repeat(10_000)}`;
    const context = await chromium.newContext();
    await context.route("**/v1/viewers/**", async (route) => {
      const response = await route.fetch();
      const body = await response.text();
      const viewer = JSON.parse(body.replaceAll(/"(deviceModel|contentId|orderId|displayName|meaning|username|errorCode)":"[^"]*"/g, (_, key) => `"${key}":${JSON.stringify(hostile)}`));
      await route.fulfill({ response, json: viewer });
    });
    const page = await open(chromium, `${url}/console/viewers/tester24`, { context });
    await page.setViewportSize({ width: 390, height: 860 });
    await page.getByText("right to left").first().waitFor();
    assert.equal(await page.locator("main img").count(), 0);
    await fits(page);
    clean(page);
    const strange = `a/b "c" <b>d</b> ‮e %2F ?f#g`;
    await page.goto(`${url}/console/viewers/${encodeURIComponent(strange)}`);
    await loaded(page);
    assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), `Viewer ${strange}`);
    await page.getByText("The archive holds no license request of this viewer").waitFor();
    clean(page);
    await context.close();
  });
});

/** Takes all scopes but these from the person. */
async function confined(context, scopes) {
  await context.route("**/v1/caller", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), scopes } });
  });
  return context;
}

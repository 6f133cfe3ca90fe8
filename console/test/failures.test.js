// The failures page: search, counts, find, explain, export.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { accessible, browser, clean, fits, loaded, open, order, picture, sandbox, skip, tabTo } from "./harness.js";

const hostile = {
  site: "vendors/pallycon/sites/%3Cb%3E", contentId: "<img src=x onerror=alert(1)>", drmType: "WIDEVINE", vendorDrmType: "w",
  status: "FAILURE", errorCode: "\"><script>alert(1)</script>", userId: "\u202Eنص من اليمين", userIdMd5: "",
  deviceId: "x".repeat(10_000), deviceModel: "{{model}} 'quoted'", platform: "a/b c?d#e", integrationType: "",
  createTime: "2026-11-29T01:02:03Z", vendorStatus: "fail",
};

test("failures", { skip }, async (t) => {
  const { url, twins } = await sandbox(t);
  const chromium = await browser(t);
  const show = async (t, query = "", options = {}) => {
    const page = await open(chromium, `${url}/console/failures${query}`, options);
    t.after(() => page.close());
    return page;
  };
  const field = (page, name) => page.getByLabel(name, { exact: true });
  const choice = (page, name) => page.getByRole("combobox", { name, exact: true });
  const rows = (page) => page.locator("tbody tr[aria-rowindex]");
  const parameter = (page, name) => new URL(page.url()).searchParams.get(name);

  await t.test("what is typed narrows rows and counts, and is in the address", async (t) => {
    const page = await show(t, "?period=90d");
    await field(page, "Viewer").fill("tester24");
    const summary = page.getByText(/^\d+ refused requests?: 1 viewer, /);
    await summary.waitFor();
    await loaded(page);
    assert.equal(parameter(page, "viewer"), "tester24");
    assert.equal(await rows(page).count(), Number.parseInt(await summary.textContent()));
    await page.getByText("No license history: TelecomX, AminoTV.").waitFor();
    await choice(page, "Outcome").selectOption("all");
    await page.getByRole("button", { name: /pallycon\/DEMO/ }).click();
    await page.waitForFunction(() => [...document.querySelectorAll("tbody tr[aria-rowindex]")].every((r) => r.textContent.includes("pallycon/DEMO")));
    await page.reload();
    await loaded(page);
    assert.equal(await field(page, "Viewer").inputValue(), "tester24");
    assert.equal(await choice(page, "Site").inputValue(), "vendors/pallycon/sites/DEMO");
    clean(page);
  });

  await t.test("exact times, an MD5 and the other conditions", async (t) => {
    const page = await show(t, "?status=ALL");
    await choice(page, "Period").selectOption("exact times");
    await field(page, "From (UTC)").fill("2026-01-01T00:00:00");
    await field(page, "Until (UTC)").fill("2020-01-01T00:00:00");
    const refusal = page.getByRole("alert").first();
    await refusal.waitFor();
    assert.match(await refusal.textContent(), /start_time must be before end_time|startTime must be before endTime/);
    assert.equal(await rows(page).count(), 0);
    await field(page, "Until (UTC)").fill("2099-01-01T00:00:00");
    await page.getByText("More conditions").click();
    await field(page, "MD5 of the viewer").fill("d4f1858a838f894d9dbf6f2e68b2361c");
    await field(page, "Authorized by").fill("gateway");
    await page.waitForFunction(() => [...document.querySelectorAll("tbody tr[aria-rowindex]")].some((r) => r.textContent.includes("tester24")));
    await loaded(page);
    assert.equal(parameter(page, "to"), "2099-01-01T00:00:00Z");
    assert.equal(await page.getByText("Live").count(), 0, "a period with an end is not live");
    await field(page, "MD5 of the viewer").fill("zz");
    await page.getByText("must be an MD5: 32 hexadecimal digits").first().waitFor();
    clean(page);
  });

  await t.test("a newer question stops the one before", async (t) => {
    const page = await show(t, "?period=90d");
    const stopped = page.waitForEvent("requestfailed", (r) => r.url().includes("filter.userId=slow"));
    await page.route(/licenses:search.*userId=slow&/, () => {});
    await field(page, "Viewer").fill("slow");
    await page.getByRole("status").getByRole("button", { name: "Cancel" }).first().waitFor();
    await field(page, "Viewer").fill("tester24");
    await stopped;
    await page.getByText(/^\d+ refused requests?: 1 viewer/).waitFor();
    await field(page, "Viewer").fill("slow");
    await page.getByRole("status").getByRole("button", { name: "Cancel" }).first().click();
    await page.getByRole("button", { name: "Search again" }).waitFor();
    assert.equal(await rows(page).count(), 0, "rows of another question are not shown");
    clean(page);
  });

  await t.test("new rows are counted, and shown when a person wants them", async (t) => {
    const context = await chromium.newContext();
    await context.clock.install();
    const page = await show(t, "?period=90d", { context });
    const before = await rows(page).first().textContent();
    await page.route(/licenses:search/, async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      await route.fulfill({ response, json: { ...body, totalSize: body.totalSize + 3 } });
    });
    await page.clock.fastForward(15_000);
    await page.getByText("3 new.").waitFor();
    assert.equal(await rows(page).first().textContent(), before);
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.getByText("3 new.").waitFor({ state: "detached" });
    await page.getByLabel("Live").uncheck();
    assert.equal(parameter(page, "live"), "off");
    clean(page);
  });

  await t.test("words are found in the rows, and plot and bars follow without a request", async (t) => {
    const page = await show(t, "?period=90d&status=ALL&live=off");
    await page.getByRole("button", { name: "More", exact: true }).click();
    await page.getByText("Find words in the 1,200 rows on this page").waitFor();
    await loaded(page);
    const asked = [];
    page.on("request", (r) => r.url().includes("/v1/") && asked.push(r.url()));
    const row = rows(page).filter({ has: page.locator("a[href*='/viewers/']") }).first();
    const [, , viewer, content] = await row.getByRole("cell").allTextContents();
    const typed = `${viewer.toUpperCase()} ${content.slice(0, 6)}`;
    await page.getByRole("searchbox", { name: /Find words/ }).fill(typed);
    await page.getByText(/The plot and the bars count the \d+ found rows? of the 1,200/).waitFor();
    const found = await rows(page).count();
    assert.ok(found > 0 && found < 60);
    const plot = await page.getByRole("img", { name: /requests by day/ }).getAttribute("aria-label");
    const sum = [...plot.matchAll(/: (\d+)/g)].reduce((n, [, value]) => n + Number(value), 0);
    assert.equal(sum, found);
    await page.waitForURL((u) => u.searchParams.get("find") === typed);
    assert.deepEqual(asked, []);
    clean(page);
  });

  await t.test("a long list keeps few rows in the document", async (t) => {
    const page = await show(t, "?period=90d&status=ALL&live=off");
    assert.ok(await rows(page).count() <= 60);
    await page.locator(".rows .scroll").evaluate((element) => (element.scrollTop = element.scrollHeight));
    await page.locator("tr[aria-rowindex='201']").waitFor();
    clean(page);
  });

  await t.test("a code: since when, whether it rises, what it means", async (t) => {
    const page = await show(t, "?period=90d");
    await page.getByRole("button", { name: /^7001/ }).click();
    const code = page.getByRole("region", { name: "Code 7001" });
    await code.getByText(/^First 20.*, last 20/).waitFor();
    await code.getByText(/in the first half of the period/).waitFor();
    await code.getByText("The site has no packaging information for this content.").waitFor();
    assert.equal(parameter(page, "code"), "7001");
    await order(twins.pallycon, { kind: "answer", method: "POST", status: 503 });
    await order(twins.pallycon, { kind: "answer", method: "GET", status: 503 });
    t.after(() => fetch(`${twins.pallycon}faults`, { method: "DELETE" }));
    await code.getByRole("button", { name: /Gather evidence/ }).click();
    await code.getByText("could not be read").first().waitFor();
    await loaded(page);
    await accessible(page);
    await page.getByRole("button", { name: /^7001/ }).first().click();
    await code.waitFor({ state: "detached" });
    clean(page);
  });

  await t.test("an unknown code is said to be unknown", async (t) => {
    const page = await show(t, "?code=99177");
    const code = page.getByRole("region", { name: "Code 99177" });
    await code.getByText("unknown code").first().waitFor();
    await code.getByText("nothing is known about the code").first().waitFor();
    clean(page);
  });

  await t.test("a row is explained, by keyboard alone, and its address shows the same", async (t) => {
    const page = await show(t, "?period=90d");
    await tabTo(page, field(page, "Viewer"));
    await page.keyboard.type("tester24");
    await page.getByText(/^\d+ refused requests?: 1 viewer/).waitFor();
    await loaded(page);
    const row = rows(page).first().getByRole("button");
    await tabTo(page, row);
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("region", { name: "Evidence" }).waitFor();
    await dialog.getByRole("region", { name: "Who else" }).waitFor();
    await dialog.getByText("Who must act").waitFor();
    assert.ok(await dialog.getByRole("link", { name: "Viewer tester24" }).isVisible());
    await picture(page, "failures");
    await accessible(page);
    await page.reload();
    await dialog.getByRole("region", { name: "Who else" }).waitFor();
    await loaded(page);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal(parameter(page, "row"), null);
    await row.focus();
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    assert.ok(await row.evaluate((element) => element === document.activeElement), "the row has the focus again");
    await row.press("Enter");
    await dialog.getByRole("link", { name: "Show all" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.waitForURL(/failures\?(code=[^&]+&)?site=/);
    clean(page);
  });

  await t.test("rows are exported as CSV and as NDJSON", async (t) => {
    const page = await show(t, "?viewer=tester24&status=ALL&period=7d");
    const text = async (name, role) => {
      const download = page.waitForEvent("download");
      await page.getByRole(role, { name }).click();
      return readFile(await (await download).path(), "utf8");
    };
    const lines = (await text("Export NDJSON", "link")).trim().split("\n").map((line) => JSON.parse(line));
    const table = (await text("Export CSV", "button")).trim().split("\r\n");
    assert.ok(lines.length > 2 && lines.some((l) => l.status === "SUCCESS"));
    assert.equal(table.length, lines.length + 1);
    await page.route(/licenses:export/, (route) => route.fulfill({ contentType: "text/csv", body: "site\r\nerror,UNAVAILABLE,the archive went away\r\n" }));
    await page.getByRole("button", { name: "Export CSV" }).click();
    await page.getByText(/no file was saved\. the archive went away/).waitFor();
    clean(page);
  });

  await t.test("values of vendors stay text", async (t) => {
    const page = await show(t, "?live=off");
    await page.route(/licenses:search/, (route) => route.fulfill({ json: {
      licenses: [hostile], nextPageToken: "", totalSize: 1, coverage: [], unreachable: [],
    } }));
    await page.route(/licenses:summarize/, (route) => route.fulfill({ json: { summaries: [{
      keys: [hostile.contentId, hostile.userId, hostile.deviceId, hostile.deviceModel, hostile.site],
      startTime: "2026-11-29T01:00:00Z", licenseCount: 1, successCount: 0, failureCount: 1, userCount: 1, deviceCount: 1,
    }], nextPageToken: "", totalSize: 1, coverage: [], unreachable: [] } }));
    await page.reload();
    await loaded(page);
    for (const text of [hostile.contentId, hostile.userId, hostile.deviceModel]) await page.getByRole("cell", { name: text }).first().waitFor();
    await rows(page).first().click({ position: { x: 700, y: 5 } });
    await page.getByRole("dialog").getByRole("heading", { name: hostile.errorCode }).waitFor();
    await page.getByRole("dialog").getByText(hostile.contentId).first().waitFor();
    await loaded(page);
    await page.setViewportSize({ width: 390, height: 800 });
    await fits(page);
    clean(page);
  });

  await t.test("a vendor that cannot be asked is named", async (t) => {
    await order(twins.pallycon, { kind: "answer", status: 503 });
    t.after(() => fetch(`${twins.pallycon}faults`, { method: "DELETE" }));
    const page = await show(t);
    await page.getByText(/PallyCon .*could not be asked for its sites|Not in this view: PallyCon/).waitFor();
    clean(page);
  });

  await t.test("without an archive, the page says what to set", async (t) => {
    const page = await show(t);
    const error = { code: 400, status: "FAILED_PRECONDITION", message: "there is no archive: set archive.enabled", details: [] };
    await page.route(/licenses:(search|summarize)/, (route) => route.fulfill({ status: 400, json: { error } }));
    await page.reload();
    await page.getByText("there is no archive: set archive.enabled").waitFor();
    assert.equal(await page.getByRole("alert").count(), 1);
    clean(page);
  });

  for (const colorScheme of ["light", "dark"]) {
    await t.test(`axe finds nothing, and nothing sticks out, ${colorScheme}`, async (t) => {
      const page = await show(t, "?period=7d&stack=code", { colorScheme });
      await accessible(page);
      await page.setViewportSize({ width: 390, height: 800 });
      await fits(page);
      clean(page);
    });
  }
});

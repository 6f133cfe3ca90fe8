// Usage: months beside the vendor's own figures, and invoices.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { accessible, browser, clean, fits, get, loaded, open, order, picture, sandbox, skip, tabTo } from "./harness.js";

const months = (page) => page.getByRole("region", { name: "Archive and vendor, by site and month" });
const lines = (page) => page.getByRole("region", { name: "The invoice, line by line" });
const disputed = (page) => page.getByRole("region", { name: /^Requests in dispute/ });
const cells = (row) => row.getByRole("cell").allInnerTexts();

/** Drops a file on the page, as a person does from a folder. */
const drop = (page, name, text) => page.evaluate(([name, text]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], name, { type: "text/csv" }));
  for (const type of ["dragover", "drop"]) {
    document.querySelector("main").dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
  }
}, [name, text]);

/** Returns the month before this one. */
function lastMonth() {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1)).toISOString().slice(0, 7);
}

test("Usage", { skip }, async (t) => {
  const { url, twins } = await sandbox(t);
  const chromium = await browser(t);
  const at = (search = "", options = {}) => open(chromium, `${url}/console/${search}`, options);
  const { usageReports } = await get(`${url}/v1/vendors/-/sites/-/usageReports`);
  const counts = usageReports.find((r) => r.site.endsWith("/DEMO") && r.month === lastMonth()).archived;
  const naver = usageReports.find((r) => r.site.startsWith("vendors/ncp/") && r.month === lastMonth());
  const failures = (await get(`${url}/v1/vendors/pallycon/sites/DEMO/licenses:summarize?interval=MONTH&pageSize=1000`))
    .summaries.find((s) => s.startTime.startsWith(lastMonth())).failureCount;
  assert.ok(failures > 0, "the sandbox has refused requests in each month");
  /** An invoice that bills the refused requests, too. */
  const invoice = `site,metric,quantity,unit_price,currency\nDEMO,MAL,${counts.licenses + failures},0.0125,USD\nDEMO,MAU,${counts.users},1.5,USD\n`;
  const dispute = String(Number((failures * 0.0125).toFixed(4)));

  await t.test("shows the archive beside the vendor, and the address holds the filter", async () => {
    const page = await at("usage");
    await months(page).waitFor();
    const [site, month, licenses] = await cells(months(page).getByRole("row", { name: new RegExp(`pallycon/DEMO.*${lastMonth()}`) }));
    assert.deepEqual([site, month, licenses], ["pallycon/DEMO", lastMonth(), counts.licenses.toLocaleString("en-US")]);
    await months(page).getByText(/vendor [\d,]+, \d+ (more|fewer)/).first().waitFor();
    await months(page).getByText(/No vendor figure: .*NAVER Cloud shows current figures only/).first().waitFor();
    await page.getByText("No usage to count: TelecomX, AminoTV.").waitFor();
    await page.getByRole("img", { name: /^Licenses by month.*Last: pallycon\/DEMO: [1-9]/ }).waitFor();
    await accessible(page);
    await page.getByRole("combobox", { name: "Vendor", exact: true }).selectOption("ncp");
    await page.getByRole("combobox", { name: "Month", exact: true }).selectOption(lastMonth());
    await page.getByRole("combobox", { name: "Plot" }).selectOption("users");
    await months(page).getByRole("link", { name: /^pallycon/ }).first().waitFor({ state: "detached" });
    for (let i = 0; i < 2; i++) await months(page).getByRole("button", { name: "Licenses" }).click();
    await page.reload();
    await loaded(page);
    assert.match(page.url(), /usage\?vendor=ncp&month=\d{4}-\d\d&figure=users&sort=-Licenses$/);
    const rows = (await months(page).getByRole("row").allInnerTexts()).slice(1);
    assert.ok(rows.length > 0 && rows.every((r) => /^ncp\//.test(r) && r.includes(lastMonth())), `rows ${rows}`);
    const shown = rows.map((r) => Number(r.split("\t")[2].replace(",", "")));
    assert.deepEqual(shown, [...shown].sort((a, b) => b - a), "a reload must keep the order");
    clean(page);
    await page.close();
  });

  await t.test("shows why NAVER's invoice looks high after one click and one drop", async () => {
    const page = await at();
    await page.getByRole("region", { name: /^NAVER/ }).getByRole("link", { name: "Usage and invoices" }).click();
    await page.getByRole("heading", { name: "Check an invoice" }).waitFor();
    await drop(page, "naver.csv", `site;metric;quantity;unit_price;currency\n${naver.site.split("/")[3]};LICENSES;${naver.archived.licenses + 7};0.1;KRW\n`);
    await page.getByText("1 of 1 lines differ").waitFor();
    await page.getByText(`Invoice of ncp for ${lastMonth()}. Billed too much: 0.7 KRW.`).waitFor();
    const [, , , invoiced, counted, difference] = await cells(lines(page).getByRole("row").nth(1));
    const { licenses } = naver.archived;
    const shown = [licenses + 7, licenses].map((n) => n.toLocaleString("en-US"));
    assert.deepEqual([invoiced, counted, difference], [...shown, "+7"]);
    clean(page);
    await page.close();
  });

  await t.test("reconciles an invoice by keyboard alone, and downloads the rows in dispute", async () => {
    const page = await at("usage?vendor=pallycon");
    await tabTo(page, page.getByLabel("Or paste the table"));
    await page.keyboard.insertText(invoice);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText(`Billed too much: ${dispute} USD.`).waitFor();
    const first = await cells(lines(page).getByRole("row").nth(1));
    assert.deepEqual(first.slice(5, 8), [`+${failures}`, `${dispute} USD`, String(failures)]);
    assert.match(first[8], /refused requests .*equals a count that includes/);
    assert.equal((await cells(lines(page).getByRole("row").nth(2)))[5], "0");
    assert.equal(await disputed(page).getByRole("row").count(), failures + 1);
    assert.match(await disputed(page).getByRole("link", { name: /^refused/ }).first().getAttribute("href"), /failures\?vendor=pallycon&code=\d+/);
    await picture(page, "usage");
    await accessible(page);
    await tabTo(page, page.getByRole("button", { name: /as CSV$/ }));
    const [saved] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
    assert.equal(saved.suggestedFilename(), `disputed-rows-pallycon-${lastMonth()}.csv`);
    const table = (await readFile(await saved.path(), "utf8")).trimEnd().split("\r\n");
    assert.match(table[0], /^line,reason,site,/);
    assert.equal(table.length, failures + 1);
    clean(page);
    await page.close();
  });

  await t.test("takes a file by its input, and says what is wrong with an invoice", async () => {
    const page = await at("usage", { width: 390, colorScheme: "dark" });
    const file = (text) => page.getByLabel("File").setInputFiles({ name: "invoice.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
    const alert = page.getByRole("form", { name: "Invoice" }).locator("~ [role=alert]");
    await file(invoice);
    await alert.getByText("Choose the vendor of the invoice, then compare. Nothing was sent.").waitFor();
    await page.getByLabel("Invoice of").selectOption("pallycon");
    await file(invoice.replace(/,\d+,0/, `,"1,233",0`));
    await alert.getByText("csv: line 2, column 3 (quantity)").first().waitFor();
    await file(invoice);
    await page.getByText("1 of 2 lines differ").waitFor();
    await fits(page);
    await accessible(page);
    const sent = [];
    page.on("request", (r) => sent.push(r.url()));
    await file("x".repeat(1_000_001));
    await alert.getByText("The invoice has 1,000,001 characters. The limit is 1 MB (1,000,000 characters), so nothing was sent.").waitFor();
    await file("x".repeat(4_000_001));
    await alert.getByText("invoice.csv has 4,000,001 bytes.").waitFor();
    assert.deepEqual(sent, []);
    clean(page);
    await page.close();
  });

  await t.test("names a vendor that cannot be asked", async () => {
    await order(twins.pallycon, { kind: "cut" });
    const page = await at("usage");
    await page.getByText(/^PallyCon \(DoveRunner\) could not be asked for its sites\. Those that the archive knows are here/).waitFor();
    await months(page).getByText(/^No vendor figure: the connection to PallyCon broke/).first().waitFor();
    await months(page).getByRole("link", { name: /^ncp/ }).first().waitFor();
    await fetch(`${twins.pallycon}faults`, { method: "DELETE" });
    clean(page);
    await page.close();
  });

  await t.test("shows hostile values as text", async () => {
    const evil = `<img src=x onerror=alert(1)> "'&\u202Eright`;
    const long = "long ".repeat(2000);
    const site = `vendors/a%2Fb/sites/${encodeURIComponent(evil)}`;
    const figures = { licenses: 5, users: 5, devices: 5, date: "" };
    const reason = { reason: "DRIFT", figures, message: evil + long };
    const report = { site, month: "2026-10", archived: figures, vendor: figures, difference: figures, coverage: null, explanations: [reason], vendorError: null, countingRule: { description: evil, source: long, timeZone: evil } };
    const license = { site, createTime: "2026-10-01T00:00:00Z", userId: evil, contentId: evil + long, deviceModel: evil, errorCode: evil, status: "FAILURE", drmType: "WIDEVINE" };
    const line = { line: { site, metric: "LICENSES", quantity: 5, currency: evil }, archivedQuantity: 1, differenceQuantity: 4, differenceAmount: "4", explanations: [reason], coverage: null, disputedCount: 1 };
    const context = await chromium.newContext({ viewport: { width: 390, height: 860 } });
    const stub = (path, json) => context.route((u) => decodeURIComponent(u.pathname).endsWith(path), (route) => route.fulfill({ json }));
    await stub("/usageReports", { usageReports: [report], nextPageToken: "", totalSize: 1, unreachable: [] });
    await stub("/usageReports:reconcile", { lines: [line], disputedRows: [{ line: 0, reason: "DRIFT", license }], countingRule: null });
    const page = await at(`usage?vendor=${encodeURIComponent(evil)}&site=${encodeURIComponent(evil)}&month=2026-10`, { context });
    await months(page).getByRole("link", { name: "a/b/<img" }).waitFor();
    assert.equal(await page.getByLabel("Invoice of").inputValue(), evil);
    await page.getByLabel("Or paste the table").fill(evil);
    await page.getByRole("button", { name: "Compare" }).click();
    assert.equal(await disputed(page).getByRole("link", { name: "<img" }).nth(1).getAttribute("href"), `/console/viewers/${encodeURIComponent(evil)}`);
    assert.equal(await page.locator("main img").count(), 0);
    await fits(page);
    await accessible(page);
    clean(page);
    await context.close();
  });
});

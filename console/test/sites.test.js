// The sites: all of them, and everything that can be done about one.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { accessible, browser, clean, fits, get, loaded, open, order, picture, sandbox, skip, tabTo } from "./harness.js";

const creating = "drm-20261130000000-TgVoS";
const ready = "drm-20241118023005-PdYcN";
const running = "drm-20230912054417-kQzTe";
const password = "correct-horse";
const ask = "00112233445566778899aabbccddeeff";
const file = (name) => new URL(`../../adapters/fairplay/testdata/${name}`, import.meta.url).pathname;

/** Returns the requests of a twin that are no reads, in order. */
const writes = async (twin) => (await get(`${twin}ledger`)).requests.filter((r) => r.method !== "GET");

/** Returns method, path and body of a planned request. */
function parse(curl) {
  const [, method, url] = curl.match(/^curl --request (\w+) '([^']+)'/);
  return { method, path: new URL(url).pathname, body: curl.match(/--data-raw '(.*)'/)?.[1] };
}

/** Checks that a twin got exactly the request that a dialog showed. */
async function gotWhatWasShown(twin, shown, before) {
  const got = (await writes(twin)).slice(before);
  const { method, path, body } = parse(shown);
  assert.deepEqual(got.map((r) => [r.method, r.target]), [[method, path]]);
  if (body) assert.deepEqual(JSON.parse(got[0].body), JSON.parse(body));
}

const dialog = (page) => page.getByRole("dialog");
const planned = (page) => dialog(page).locator("pre").first().textContent();
const send = (page, name) => dialog(page).getByRole("button", { name, exact: true });
const close = (page) => dialog(page).getByRole("button", { name: "Close", exact: true }).last().click();
const section = (page, name) => page.getByRole("region", { name, exact: true });

/** Makes the response to a call another one, for what no twin can show. */
async function replace(page, path, change) {
  await page.route((url) => url.pathname === path, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: change(await response.json()) });
  });
}

/** Shows a page to a person without a scope. */
const without = (page, ...scopes) =>
  replace(page, "/v1/caller", (caller) => ({ ...caller, scopes: caller.scopes.filter((s) => !scopes.includes(s)) }));

test("Sites", { skip }, async (t) => {
  const { url, twins } = await sandbox(t);
  const chromium = await browser(t);
  const at = (path, options) => open(chromium, `${url}/console/sites${path}`, options);
  /**
   * A part that opens its own page, and checks at the end that the browser had nothing to complain
   * of.
   */
  const part = (name, path, does, options) => t.test(name, async () => {
    const page = await at(path, options);
    await does(page);
    clean(page);
    await page.close();
  });

  await part("all sites are shown, filtered and sorted, and a link shows the same", "", async (page) => {
    const rows = page.locator("tbody tr");
    await page.getByText("Sites: 9 of 9").waitFor();
    assert.match(await rows.first().innerText(), /pallycon\/DEMO\s+Demo site\s+running\s+issued/);
    await page.getByText("telecomx, amino: drmhub has no list of sites").waitFor();
    await picture(page, "sites");
    await page.getByRole("button", { name: "Name" }).click();
    await page.getByRole("button", { name: "Name" }).click();
    assert.match(await rows.first().innerText(), /winter_festival/);
    await page.reload();
    await loaded(page);
    assert.match(await rows.first().innerText(), /winter_festival/);

    await page.getByLabel("Id or name").fill("kids");
    await page.getByText("Sites: 2 of 9").waitFor();
    await page.getByLabel("State").selectOption("no licenses are issued");
    await page.getByText("Sites: 1 of 9").waitFor();
    await page.getByLabel("Vendor").selectOption("pallycon");
    await page.reload();
    await loaded(page);
    await page.getByText("Sites: 1 of 9").waitFor();
    assert.match(await rows.first().innerText(), /pallycon\/KIDS/);
    assert.equal(await page.getByLabel("Vendor").inputValue(), "pallycon");
    await page.getByLabel("Id or name").fill("nothing");
    await page.getByText("No site matches.").waitFor();
    await accessible(page);
  });

  await part("a site is switched off by keyboard alone, once its id is typed", `/ncp/${running}`, async (page) => {
    const before = (await writes(twins.ncp)).length;
    await tabTo(page, page.getByRole("button", { name: "Switch off …" }));
    await page.keyboard.press("Enter");
    await send(page, "Switch off").waitFor();
    const shown = await planned(page);
    assert.equal((await writes(twins.ncp)).length, before, "the dry run sends nothing");
    await tabTo(page, dialog(page).getByLabel("Viewers are affected"));
    for (const text of ["", "DEMO", running.toLowerCase(), `${running} `]) {
      await dialog(page).getByLabel("Viewers are affected").fill(text);
      assert.ok(await send(page, "Switch off").isDisabled(), text);
      await page.keyboard.press("Enter");
    }
    assert.equal((await writes(twins.ncp)).length, before, "another text sends nothing");
    await dialog(page).getByLabel("Viewers are affected").fill("");
    await page.keyboard.type(running);
    await page.keyboard.press("Enter");
    await dialog(page).getByText("Done. It took effect.").waitFor();
    await gotWhatWasShown(twins.ncp, shown, before);
    await page.keyboard.press("Enter");
    await section(page, "Site").getByText("not issued").waitFor();

    // Switching on asks for no id.
    await page.getByRole("button", { name: "Switch on …" }).click();
    await send(page, "Switch on").click();
    await dialog(page).getByText("Done. It took effect.").waitFor();
    await close(page);
    await section(page, "Site").getByText("issued", { exact: true }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Extend the trial …" }).count(), 0);
    await page.getByText("ncp has no call that extends a trial.").waitFor();
    await page.getByText("ncp keeps no list of status changes.").waitFor();
  });

  await part("a vendor that approves by hand has a pending change, which is canceled", "/pallycon/EDU1", async (page) => {
    const before = (await writes(twins.pallycon)).length;
    await page.getByLabel("Message to the vendor").fill("Contract ends");
    await page.getByRole("button", { name: "Switch off …" }).click();
    await dialog(page).getByLabel("Viewers are affected").fill("EDU1");
    const shown = await planned(page);
    assert.match(shown, /Contract ends/);
    await send(page, "Switch off").click();
    await dialog(page).getByText("must approve it. Nothing has changed yet.").waitFor();
    await gotWhatWasShown(twins.pallycon, shown, before);
    await close(page);
    const row = page.locator("tbody tr", { hasText: "Contract ends" });
    assert.match(await row.innerText(), /DRM\s+suspend\s+pending/);
    await section(page, "Site").getByText("issued", { exact: true }).waitFor();
    await row.getByRole("button", { name: "Cancel …" }).click();
    await send(page, "Cancel the request").click();
    await dialog(page).getByText("Done. It took effect.").waitFor();
    await close(page);
    await row.getByText("cancelled").waitFor();
    assert.equal(await row.getByRole("button").count(), 0);
  });

  await part("the trial of a service is extended", "/pallycon/DEMO", async (page) => {
    await page.getByRole("combobox", { name: "Service" }).selectOption("forensic watermarking");
    await page.getByLabel("Message to the vendor").fill("One month more");
    await page.getByRole("button", { name: "Extend the trial …" }).click();
    const before = (await writes(twins.pallycon)).length;
    await send(page, "Ask the vendor").click();
    await dialog(page).getByText("must approve it").waitFor();
    const [request] = (await writes(twins.pallycon)).slice(before);
    const { request_message, request_type, service_code } = JSON.parse(request.body);
    assert.deepEqual([request_message, request_type, service_code], ["One month more", "SM003", "PD002"]);
    await close(page);
    await page.locator("tbody tr", { hasText: "extend trial" }).getByText("pending").waitFor();
  });

  await part("a refused change is explained in the API's words", "/pallycon/DEMO", async (page) => {
    const body = JSON.stringify({ error_code: "A4711", error_message: "The contract is frozen" });
    await order(twins.pallycon, { kind: "answer", method: "POST", path: "/api/v2/plan/request/status/DEMO", times: 1, status: 200, body });
    await page.getByRole("button", { name: "Switch off …" }).click();
    await dialog(page).getByLabel("Viewers are affected").fill("DEMO");
    await send(page, "Switch off").click();
    const alert = dialog(page).getByRole("alert");
    await alert.getByText("FAILED_PRECONDITION").waitFor();
    assert.match(await alert.innerText(), /The contract is frozen/);
    assert.match(await alert.innerText(), /A4711/);
  });

  await part("name and policy are edited, and only what was changed is sent", `/ncp/${ready}`, async (page) => {
    const bodies = [];
    page.on("request", (r) => r.method() === "PATCH" && bodies.push(r.postDataJSON()));
    const site = section(page, "Site");
    assert.ok(await site.getByRole("button", { name: "Save …" }).isDisabled());
    await site.getByLabel("Name").fill("spring_festival");
    await site.getByRole("button", { name: "Save …" }).click();
    const before = (await writes(twins.ncp)).length;
    await dialog(page).getByText("winter_festival → spring_festival").waitFor();
    const shown = await planned(page);
    await send(page, "Save").click();
    await dialog(page).getByText("Done. It took effect.").waitFor();
    await gotWhatWasShown(twins.ncp, shown, before);
    assert.deepEqual(bodies, [{ displayName: "spring_festival" }, { displayName: "spring_festival" }]);
    await close(page);
    await site.locator("dd", { hasText: "spring_festival" }).waitFor();
    await site.getByLabel("Policy").fill("102");
    await site.getByRole("button", { name: "Save …" }).click();
    assert.ok(await send(page, "Save").isDisabled(), "a policy affects viewers");
  });

  await part("keys are hidden until a person asks, and are never sent back", "/pallycon/DEMO", async (page) => {
    const sent = [];
    page.on("request", (r) => r.method() === "PATCH" && sent.push(r.postDataJSON()));
    const setup = section(page, "Integration");
    const { credentials } = await get(`${url}/v1/vendors/pallycon/sites/DEMO/integration?view=FULL`);
    assert.ok(!(await page.content()).includes(credentials[0].value));
    await setup.getByRole("button", { name: "Show the keys" }).click();
    await setup.getByText(credentials[0].value).waitFor();
    assert.ok(!page.url().includes(credentials[0].value));
    const failure = { error: { code: 503, status: "UNAVAILABLE", message: "The vendor is down.", details: [] } };
    await page.route("**/integration?view=BASIC", (route) => route.fulfill({ status: 503, json: failure }), { times: 1 });
    await setup.getByRole("button", { name: "Hide the keys" }).click();
    await setup.getByText("The vendor is down.").waitFor();
    await setup.getByText("hidden").first().waitFor();
    assert.ok(!(await page.content()).includes(credentials[0].value), "the keys stay while the vendor is down");
    await setup.getByRole("button", { name: "Try again" }).click();
    await setup.getByText("The vendor is down.").waitFor({ state: "detached" });

    await setup.getByLabel("Lifetime of a license token").fill("900");
    await setup.getByRole("button", { name: "Save …" }).click();
    const shown = await planned(page);
    const before = (await writes(twins.pallycon)).length;
    await dialog(page).getByLabel("Viewers are affected").fill("DEMO");
    await send(page, "Save").click();
    await dialog(page).getByText("Done. It took effect.").waitFor();
    await gotWhatWasShown(twins.pallycon, shown, before);
    assert.deepEqual(sent, [{ tokenDuration: "900s" }, { tokenDuration: "900s" }]);
    await close(page);
    assert.equal(await setup.getByLabel("Lifetime of a license token").inputValue(), "900");
  });

  await part("a FairPlay certificate is checked beside its fields, and registered", "/pallycon/MOVI", async (page) => {
    const form = section(page, "FairPlay");
    const files = form.getByLabel("File");
    const finding = (name) => form.getByRole("group", { name }).locator("p.bad");
    const register = form.getByRole("button", { name: "Register …" });
    assert.ok(await register.isDisabled());

    // The two files are swapped.
    await files.nth(0).setInputFiles(file("plain-pkcs8.pem"));
    await files.nth(1).setInputFiles(file("certificate.der"));
    await form.getByLabel("Password of the private key").fill(password);
    await form.getByLabel("Application secret key").fill("not hexadecimal");
    await form.getByRole("button", { name: "Check" }).click();
    await finding("Certificate that Apple issued").getByText("swap the two files").waitFor();
    await finding("Its private key").getByText("is a certificate, not a private key").waitFor();
    await form.getByText("must be 32 hexadecimal digits").waitFor();
    assert.equal(await form.getByLabel("Application secret key").getAttribute("aria-invalid"), "true");
    await accessible(page);

    // A wrong password, with the certificate's text in place of its file.
    await form.getByLabel("or its text").nth(0).fill(await readFile(file("certificate.pem"), "utf8"));
    assert.equal(await files.nth(0).inputValue(), "", "the text takes the place of the file");
    assert.equal(await form.getByText("swap the two files").count(), 0, "a finding is about the files that were checked");
    await files.nth(1).setInputFiles(file("pbes2-aes-256-cbc.pem"));
    await form.getByLabel("Application secret key").fill(ask);
    await form.getByLabel("Password of the private key").fill("wrong");
    await form.getByRole("button", { name: "Check" }).click();
    await form.getByText("does not open the private key").waitFor();
    assert.ok(await register.isDisabled());

    const before = (await writes(twins.pallycon)).length;
    await form.getByLabel("Password of the private key").fill(password);
    await form.getByRole("button", { name: "Check" }).click();
    await form.getByText("Certificate and key fit. Nothing was sent yet.").waitFor();
    await form.getByText("CN=FairPlay Streaming Certificate,O=Kids TV,C=KR").waitFor();
    await picture(page, "site");
    await register.click();
    await dialog(page).getByLabel("Viewers are affected").fill("MOVI");
    const shown = await planned(page);
    assert.ok(!shown.includes(password) && !shown.includes(ask));
    assert.equal((await writes(twins.pallycon)).length, before, "nothing was sent before the confirmation");
    await send(page, "Register").click();
    await dialog(page).getByText("Done. It took effect.").waitFor();
    await close(page);
    await page.getByText("The certificate is registered, and the form is empty again.").waitFor();
    await gotWhatWasShown(twins.pallycon, shown, before);

    assert.equal(await form.getByLabel("Password of the private key").inputValue(), "");
    assert.equal(await form.getByLabel("Application secret key").inputValue(), "");
    assert.equal(await form.getByLabel("or its text").nth(0).inputValue(), "");
    const kept = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, location.href, history.state, document.cookie]));
    for (const secret of [password, ask, "PRIVATE KEY", "correct"]) assert.ok(!kept.includes(secret), secret);
  });

  await part("the archive is read now, and further back", "/pallycon/DEMO", async (page) => {
    const archive = section(page, "Archive");
    await archive.getByText("current", { exact: true }).waitFor();
    await archive.getByRole("button", { name: "Read now …" }).click();
    await send(page, "Read now").click();
    await dialog(page).getByText("Done. It took effect.").waitFor();
    await close(page);
    await archive.getByLabel("Read back to").fill(new Date(Date.now() - 100 * 86_400_000).toISOString().slice(0, 10));
    await archive.getByRole("button", { name: "Read older …" }).click();
    await send(page, "Read older requests").click();
    await dialog(page).getByText("drmhub reads the older requests in the background.").waitFor();
    await close(page);
    assert.match(await section(page, "Usage this month").innerText(), /Licenses\s+[\d,]+\s+Users/);
    for (const [text, path] of [["Failures", "failures"], ["Usage by month", "usage"]]) {
      const link = page.locator("main").getByRole("link", { name: text, exact: true });
      assert.equal(await link.getAttribute("href"), `/console/${path}?vendor=pallycon&site=DEMO`);
    }
  });

  await part("orders are listed, and a site is ordered", "?show=orders", async (page) => {
    await page.locator("tbody tr", { hasText: "test test" }).getByText("rejected").waitFor();
    await page.locator("tbody tr", { hasText: "Open Campus" }).getByRole("link", { name: "pallycon/EDU1" }).waitFor();
    const before = (await writes(twins.pallycon)).length;
    await page.getByLabel("Name of the site").fill("Harbor");
    await page.getByRole("button", { name: "Order …" }).click();
    const shown = await planned(page);
    await send(page, "Order").click();
    await dialog(page).getByText("The vendor has the order.").waitFor();
    await gotWhatWasShown(twins.pallycon, shown, before);
    await close(page);
    await page.locator("tbody tr", { hasText: "Harbor" }).getByText("pending").waitFor();
    await accessible(page);
  });

  await t.test("the calendar of certificates shows the soonest end first", async () => {
    const context = await chromium.newContext({ viewport: { width: 1280, height: 860 } });
    const page = await at("?show=certificates", { context });
    const rows = page.locator("tbody tr");
    await rows.filter({ hasText: "pallycon/MOVI" }).getByText("after 90 days").waitFor();
    await rows.filter({ hasText: "pallycon/DEMO" }).getByText("no certificate is served").waitFor();
    await page.getByText("ncp, telecomx, amino: drmhub cannot see").waitFor();

    // The twin's certificates end late, so these are others.
    const day = 86_400_000;
    const ends = { ended: -3, soon: 12, next: 60, last: 89, later: 400 };
    const path = "/v1/vendors/-/sites/-/fairPlayCertificates";
    await replace(context, path, ({ fairPlayCertificates: [one], ...list }) => ({
      ...list,
      unreachable: ["vendors/pallycon/sites/GONE"],
      fairPlayCertificates: Object.entries(ends).reverse().map(([site, days]) => ({
        ...one, site: `vendors/pallycon/sites/${site}`, expireTime: new Date(Date.now() + days * day).toISOString(),
      })),
    }));
    await page.reload();
    await loaded(page);
    await page.getByText("Not in this view: pallycon/GONE.").waitFor();
    const order = /(ended|within \d+ days|after 90 days|no certificate).*\s+pallycon\/(\w+)/s;
    const shown = async () => (await rows.allInnerTexts()).map((row) => row.match(order)?.slice(1).join(" "));
    const all = ["ended ended", "within 30 days soon", "within 90 days next", "within 90 days last", "after 90 days later"];
    assert.deepEqual((await shown()).slice(0, 5), all);
    await picture(page, "certificates");
    await page.getByRole("button", { name: /^within 90 days/ }).click();
    await page.reload();
    await loaded(page);
    assert.deepEqual(await shown(), ["within 90 days next", "within 90 days last"]);
    await page.getByRole("button", { name: /^within 90 days/ }).click();
    const month = new Date(Date.now() + 12 * day).toLocaleString("en-US", { month: "long", year: "numeric", timeZone: "UTC" });
    await page.getByRole("button", { name: month }).click();
    assert.ok((await shown()).includes("within 30 days soon"));
    await accessible(page);
    await page.setViewportSize({ width: 390, height: 860 });
    await fits(page);
    clean(page);
    await context.close();
  });

  await t.test("without a scope a control is absent, and the page names the scope", async () => {
    const context = await chromium.newContext();
    await without(context, "sites:write", "secrets:read", "archive:write");
    const page = await at("/pallycon/DEMO", { context });
    await section(page, "Archive").getByText("current", { exact: true }).waitFor();
    for (const scope of ["sites:write", "secrets:read", "archive:write"]) await page.getByText(scope).first().waitFor();
    for (const name of ["Switch off …", "Extend the trial …", "Save …", "Show the keys", "Register …", "Read now …"]) {
      assert.equal(await page.getByRole("button", { name }).count(), 0, name);
    }
    clean(page);
    await context.close();
  });

  await t.test("hostile values stay text, and nothing sticks out", async () => {
    const evil = `<img src=x onerror=alert(1)>"'&\u202Egnp.exe ${"W".repeat(10_000)}`;
    const context = await chromium.newContext({ viewport: { width: 390, height: 860 } });
    const bad = (site) => ({
      ...site, displayName: evil, policyId: evil, vendorState: evil, state: "STATE_UNSPECIFIED",
      services: [{ service: "SERVICE_UNSPECIFIED", state: "STATE_UNSPECIFIED", vendorService: evil, vendorState: evil }],
      fairplayCertificate: { subject: evil, serialNumber: evil, expireTime: null, certificateUri: evil, fingerprint: evil, keySize: 1 },
    });
    await replace(context, "/v1/vendors/-/sites", (list) => ({ ...list, sites: list.sites.map((s) => bad({ ...s, siteId: evil })) }));
    await replace(context, "/v1/vendors/pallycon/sites/DEMO", bad);
    await replace(context, "/v1/vendors/pallycon/sites/DEMO/integration", (setup) => ({
      ...setup, iv: evil, licenseCallbackUrl: evil, credentials: [{ id: evil, value: evil, redacted: false }],
    }));
    await replace(context, "/v1/vendors/pallycon/sites/DEMO/statusChanges", (list) => ({
      ...list, statusChanges: list.statusChanges.map((c) => ({ ...c, message: evil, requester: evil, type: "TYPE_UNSPECIFIED", vendorType: evil })),
    }));
    for (const path of ["", "/pallycon/DEMO"]) {
      const page = await at(path, { context });
      await page.getByText("gnp.exe").first().waitFor();
      assert.equal(await page.locator("main img").count(), 0);
      await fits(page);
      clean(page);
      await page.close();
    }
    await context.close();
    const strange = "a/b <b>'\"%2F";
    const page = await at(`/pallycon/${encodeURIComponent(strange)}`);
    assert.equal(await page.locator("h1").textContent(), `pallycon/${strange}`);
    await page.getByRole("alert").first().getByText("NOT_FOUND").waitFor();
    await fits(page);
    clean(page);
    await page.close();
  });

  for (const colorScheme of ["light", "dark"]) {
    await part(`everything is accessible and fits, ${colorScheme}`, "/pallycon/MOVI", async (page) => {
      await accessible(page, colorScheme);
      await fits(page);
      await page.goto(`${url}/console/sites`);
      await loaded(page);
      await accessible(page, colorScheme);
      await fits(page);
    }, { colorScheme, width: 390 });
  }

  await part("a vendor that is down is named, and the others are shown", "", async (page) => {
    await order(twins.ncp, { kind: "cut", pathPrefix: "/api/v1/sites" });
    await page.reload();
    await loaded(page);
    await page.getByText("Not in this view: ncp.").waitFor();
    await page.getByText("Sites: 4 of 4").waitFor();
    await page.goto(`${url}/console/sites/ncp/${creating}`);
    await page.getByRole("alert").first().getByText("UNAVAILABLE").waitFor();
    assert.equal(await page.getByRole("button", { name: "Switch on …" }).count(), 0);
  });
});

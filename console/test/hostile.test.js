// Whatever vendors, viewers and operators write is text on every page, and never markup.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, clean, fits, get, open, sandbox, skip } from "./harness.js";

const markup = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
const hostile = [markup, "\u202eright to left\u2066 \u05d0\u05d1", "x".repeat(10_000), `"'\`;--{{7*7}}\${7*7}`, "\u0000\u0007\ud800"];

/** Reports whether a text is free: no time, number, enum, name of a resource, or method. */
const free = (text) =>
  !/^\d{4}-\d\d/.test(text) && !/^-?[\d.]+s?$/.test(text) && !/^[A-Z][A-Z_0-9]*$/.test(text) &&
  !/^(vendors|mutations|viewers|auditEvents)\//.test(text) && !/^drmhub\.v1\./.test(text);

/** Puts hostile texts in the place of all free texts of a response. */
function poison(value, key, next) {
  if (Array.isArray(value)) return value.map((v) => poison(v, key, next));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poison(v, k, next)]));
  }
  const kept = ["kind", "scopes", "method", "nextPageToken", "@type"].includes(key);
  return typeof value === "string" && !kept && free(value) ? hostile[next.n++ % hostile.length] : value;
}

test("Hostile values stay text on every page", { skip }, async (t) => {
  const { url } = await sandbox(t);
  const started = await browser(t);
  const { licenses } = await get(`${url}/v1/vendors/-/sites/-/licenses:search?filter.status=FAILURE&pageSize=1`);
  const site = licenses[0].site.split("/");
  await fetch(`${url}/v1/vendors/pallycon/sites/MOVI:disable`, { method: "POST" });
  const { mutations } = await get(`${url}/v1/mutations`);
  const odd = encodeURIComponent(markup);
  for (const place of [
    "", "failures", `failures?code=${odd}&user=${odd}`, "viewers", "viewers/tester01", `viewers/${odd}`, "sites",
    `sites/${site[1]}/${site[3]}`, `sites/pallycon/${odd}`, "usage", "mutations", mutations[0].name, `mutations/${odd}`, "audit",
    `nothing/${odd}`,
  ]) {
    await t.test(`/console/${place.slice(0, 40)}`, async () => {
      const context = await started.newContext({ viewport: { width: 390, height: 800 } });
      let poisoned = 0;
      await context.route("**/v1/**", async (route) => {
        const response = await route.fetch();
        const next = { n: poisoned };
        const json = poison(await response.json().catch(() => ({})), "", next);
        poisoned = next.n;
        await route.fulfill({ response, json });
      });
      const page = await open(started, `${url}/console/${place}`, { context });
      await page.waitForFunction(() => document.querySelectorAll("main > *").length > 0);
      const found = await page.evaluate(() => [document.querySelectorAll("main img, main script, main iframe").length, document.title]);
      assert.equal(found[0], 0, "markup became elements");
      assert.doesNotMatch(found[1], /^owned/);
      await fits(page);
      clean(page);
      await context.close();
    });
  }
});

// Calls a sandbox with the clients that the generators made. That this file compiles is a part of
// the test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ok } from "@oazapfts/runtime";
import createClient from "openapi-fetch";
import * as oazapfts from "./generated/oazapfts.js";
import * as orval from "./generated/orval.js";
import type { paths } from "./generated/paths.js";
import * as zod from "./generated/zod.js";
import { sandbox } from "./sandbox.js";

const demo = { path: { vendor: "pallycon", site: "DEMO" } };
const kids = { path: { vendor: "ncp", site: "drm-20240304012233-WmRpa" } };

test("openapi-typescript and openapi-fetch", async (t) => {
  const { url } = await sandbox(t);
  const client = createClient<paths>({ baseUrl: url });
  const listed = await client.GET("/v1/vendors/{vendor}/sites", { params: { path: { vendor: "-" } } });
  // Fields that drmhub always sends need no check for undefined.
  const names: string[] | undefined = listed.data?.sites.map((site) => site.name);
  assert.ok(names?.includes("vendors/pallycon/sites/DEMO"));
  const renamed = await client.PATCH("/v1/vendors/{vendor}/sites/{site}", {
    params: kids,
    body: { displayName: "kids_and_songs_3" },
  });
  assert.equal(renamed.data?.displayName, "kids_and_songs_3");
  const checked = await client.POST("/v1/vendors/{vendor}:check", { params: { path: { vendor: "ncp" } } });
  assert.equal(checked.data?.ok, true);
  const refused = await client.GET("/v1/vendors/{vendor}/sites", { params: { path: { vendor: "nope" } } });
  assert.equal(refused.error?.error.status, "NOT_FOUND");
});

test("orval", async (t) => {
  const { url } = await sandbox(t);
  // Orval's client calls paths. A page that comes from the server needs nothing else, and Node.js
  // needs the host.
  const real = globalThis.fetch;
  t.after(() => (globalThis.fetch = real));
  globalThis.fetch = (input, init) => real(new URL(String(input), url), init);

  const listed = await orval.siteServiceListSites("-");
  assert.ok(listed.status === 200 && listed.data.sites.some((site) => site.siteId === "DEMO"));
  // Its schemas for zod accept what drmhub sends.
  assert.deepEqual(zod.SiteServiceListSitesResponse.parse(listed.data), listed.data);
  const tried = await orval.siteServiceDisableSite("ncp", kids.path.site, { validateOnly: true });
  assert.ok(tried.status === 200 && tried.data.appliedSite?.enabled === false);
  assert.match(tried.headers.get("drmhub-planned-request") ?? "", /^curl --request PUT/);
  const renamed = await orval.siteServiceUpdateSite("ncp", kids.path.site, { displayName: "kids_and_songs_4" });
  assert.ok(renamed.status === 200 && renamed.data.displayName === "kids_and_songs_4");
  const refused = await orval.memberServiceUpdateMember("pallycon", "1", { email: "no address" });
  assert.ok(refused.status !== 200 && refused.data.error.status === "INVALID_ARGUMENT");
});

test("oazapfts", async (t) => {
  oazapfts.defaults.baseUrl = (await sandbox(t)).url;
  const { sites } = await ok(oazapfts.siteServiceListSites("-", { pageSize: 3 }));
  assert.equal(sites.length, 3);
  const terms = { user: "tester24", product: "vendors/amino/products/4099cb94000006" };
  assert.equal((await ok(oazapfts.productLicenseServiceCreateProductLicense("amino", terms))).playable, true);
  const changed = oazapfts.productLicenseServiceUpdateProduct("amino", "47ab63a5000003", { displayName: "All" });
  assert.equal((await ok(changed)).displayName, "All");
  const refused = await oazapfts.licenseServiceListLicenses(demo.path.vendor, demo.path.site, { pageSize: -1 });
  assert.equal(refused.status, 400);
});

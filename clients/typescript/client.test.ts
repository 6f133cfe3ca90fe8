// Tests the TypeScript client against the sandbox at DRMHUB_HTTP ("http://host:port").
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import {
  ApiError,
  answer,
  change,
  connect,
  dryRun,
  type License,
  type LicenseQuery,
  licensePages,
  exportLicenses,
  exportTable,
  streamLicenses,
} from "./drmhub.js";

const drmhub = connect(process.env.DRMHUB_HTTP ?? "http://127.0.0.1:8080");

// The sandbox adds new licenses all the time. Those older than an hour do not change.
const past = { "filter.endTime": new Date(Date.now() - 3_600_000).toISOString() };

/** Returns the error of a call. */
async function failure(call: Promise<unknown>): Promise<ApiError> {
  const err = await call.then(() => undefined, (err: unknown) => err);
  if (!(err instanceof ApiError)) throw new Error("the call returned no ApiError", { cause: err });
  return err;
}

test("lists the sites of all vendors", async () => {
  const call = drmhub.GET("/v1/vendors/{vendor}/sites", { params: { path: { vendor: "-" } } });
  const { sites = [], unreachable } = await answer(call);
  const demo = sites.find((site) => site.name === "vendors/pallycon/sites/DEMO");
  assert.equal(demo?.displayName, "Demo site");
  assert.equal(demo?.state, "RUNNING");
  assert.deepEqual(unreachable, []);
});

/** Returns all licenses of a site, read in the largest pages. */
async function listed(query: LicenseQuery): Promise<License[]> {
  const rows: License[] = [];
  for await (const { licenses = [] } of licensePages(drmhub, "pallycon", "DEMO", { ...query, pageSize: 1000 })) {
    rows.push(...licenses);
  }
  return rows;
}

test("pages through the licenses that were refused", async () => {
  const query = { ...past, "filter.status": "FAILURE" } as const;
  const sizes: number[] = [];
  const rows: License[] = [];
  for await (const { licenses = [] } of licensePages(drmhub, "pallycon", "DEMO", { ...query, pageSize: 50 })) {
    sizes.push(licenses.length);
    rows.push(...licenses);
  }
  assert.ok(sizes.length > 1 && sizes.every((size) => size <= 50), `pages of ${sizes}`);
  assert.ok(rows.every((row) => row.status === "FAILURE" && row.errorCode !== "0000"));
  assert.deepEqual(rows, await listed(query));
});

test("streams all licenses, line by line", async () => {
  const streamed: License[] = [];
  for await (const row of streamLicenses(drmhub, "pallycon", "DEMO", past)) streamed.push(row);
  assert.ok(streamed.length > 1000);
  assert.deepEqual(streamed, await listed(past));
  const none = streamLicenses(drmhub, "pallycon", "DEMO", { "filter.userId": "nobody" });
  for await (const row of none) assert.fail(`a row: ${row.userId}`);
});

test("exports the archive, line by line and as a table", async () => {
  const archive = { vendor: "pallycon", site: "DEMO" };
  const sync = drmhub.POST("/v1/vendors/{vendor}/sites/{site}/archive:sync", { params: { path: archive }, body: {} });
  await answer(sync);
  const month = { ...past, "filter.startTime": new Date(Date.now() - 30 * 86_400_000).toISOString() };
  const exported: License[] = [];
  for await (const row of exportLicenses(drmhub, "pallycon", "DEMO", month)) exported.push(row);
  assert.equal(exported.length, (await listed(month)).length);
  const table = await exportTable(drmhub, "pallycon", "DEMO", month);
  assert.match(table, /^site,content_id,.*\r\nvendors\/pallycon\/sites\/DEMO,/);
  assert.equal(table.split("\r\n").length, exported.length + 2); // the names, and the end
});

test("reads why a call failed", async () => {
  const err = await failure(licensePages(drmhub, "pallycon", "NOPE", {}).next());
  assert.equal(err.httpStatus, 404);
  assert.equal(err.status, "NOT_FOUND");
  const info = err.detail("ErrorInfo");
  assert.equal(info?.reason, "RESOURCE_NOT_FOUND");
  assert.equal(info?.domain, "drmhub.v1");
  assert.equal(info?.metadata?.vendor, "pallycon");
  assert.equal((await failure(streamLicenses(drmhub, "pallycon", "NOPE", {}).next())).status, "NOT_FOUND");
});

test("reads which field breaks a rule", async () => {
  const err = await failure(licensePages(drmhub, "pallycon", "DEMO", { pageSize: -1 }).next());
  assert.equal(err.status, "INVALID_ARGUMENT");
  assert.deepEqual(err.detail("BadRequest")?.fieldViolations?.map((violation) => violation.field), ["pageSize"]);
  // @ts-expect-error: an unknown parameter does not compile, and drmhub refuses it too
  const unknown = await failure(licensePages(drmhub, "pallycon", "DEMO", { "filter.usrId": "x" }).next());
  assert.equal(unknown.message, "filter.usrId: no such parameter: did you mean filter.userId?");
});

test("repeats a change without making it twice", async () => {
  const requestId = randomUUID();
  const disable = (message: string) =>
    answer(
      drmhub.POST("/v1/vendors/{vendor}/sites/{site}:disable", {
        params: { path: { vendor: "pallycon", site: "MOVI" } },
        body: { message, requestId },
      }),
    );
  const change = await disable("rights ended");
  assert.equal(change.type, "SUSPEND");
  assert.equal(change.state, "PENDING");
  assert.deepEqual(await disable("rights ended"), change);
  assert.equal((await failure(disable("another reason"))).detail("ErrorInfo")?.reason, "REQUEST_ID_REUSED");
});

const kids = { path: { vendor: "ncp", site: "drm-20240304012233-WmRpa" } };
const disableKids = (body: { requestId?: string; validateOnly?: boolean }) =>
  drmhub.POST("/v1/vendors/{vendor}/sites/{site}:disable", { params: kids, body });

test("tries a change without making it", async () => {
  const tried = await dryRun(disableKids({ validateOnly: true }));
  assert.equal(tried.answer.appliedSite?.enabled, false);
  assert.match(tried.planned, /^curl --request PUT 'http:.*\/off' .*\[redacted\]/);
  assert.equal((await answer(drmhub.GET("/v1/vendors/{vendor}/sites/{site}", { params: kids }))).enabled, true);
});

test("makes a change once although its answer is lost", async () => {
  const { planned } = await dryRun(disableKids({ validateOnly: true }));
  const vendor = new URL(planned.match(/'(http:[^']*)'/)?.[1] ?? "").origin; // the sandbox's twin
  const fault = { kind: "loseAnswer", method: "PUT", times: 1 };
  await fetch(`${vendor}/_twin/faults`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(fault),
  });

  const { answer: switched, mutation } = await change((requestId) => disableKids({ requestId }));
  assert.deepEqual(await (await fetch(`${vendor}/_twin/faults`)).json(), { faults: [] }); // the answer was lost
  assert.equal(switched.state, "APPLIED");
  assert.equal(switched.appliedSite?.enabled, false);
  const path = { mutation: mutation.replace("mutations/", "") };
  const record = await answer(drmhub.GET("/v1/mutations/{mutation}", { params: { path } }));
  assert.equal(record.state, "SUCCEEDED");
  assert.deepEqual(record.steps?.map((step) => step.id), ["off"]);

  await change((requestId) =>
    drmhub.POST("/v1/vendors/{vendor}/sites/{site}:enable", { params: kids, body: { requestId } }),
  );
});

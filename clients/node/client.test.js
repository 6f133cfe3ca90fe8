// Tests the Node.js client against the sandbox at DRMHUB_GRPC ("host:port").
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import grpc from "@grpc/grpc-js";
import { call, change, connect, details, dryRun, pages } from "./drmhub.js";

const { sites, licenses, archive, mutations } = connect(process.env.DRMHUB_GRPC);
after(() => {
  sites.close();
  licenses.close();
  archive.close();
  mutations.close();
});

// The sandbox adds new licenses all the time. Those older than an hour do not change.
const parent = "vendors/pallycon/sites/DEMO";
const past = { endTime: { seconds: Math.floor(Date.now() / 1000) - 3600 } };

test("lists the sites of all vendors", async () => {
  const answer = await call(sites, "listSites", { parent: "vendors/-" });
  const demo = answer.sites.find((site) => site.name === parent);
  assert.equal(demo?.displayName, "Demo site");
  assert.equal(demo.state, "RUNNING");
  assert.deepEqual(answer.unreachable, []);
});

test("pages through the licenses that were refused", async () => {
  const filter = { ...past, status: "FAILURE" };
  const sizes = [];
  const rows = [];
  for await (const page of pages(licenses, "listLicenses", { parent, filter, pageSize: 50 })) {
    sizes.push(page.licenses.length);
    rows.push(...page.licenses);
  }
  assert.ok(sizes.length > 1 && sizes.every((size) => size <= 50), `pages of ${sizes}`);
  assert.ok(rows.every((row) => row.status === "FAILURE" && row.errorCode !== "0000"));
  const whole = await call(licenses, "listLicenses", { parent, filter, pageSize: 1000 });
  assert.deepEqual(rows, whole.licenses);
});

test("streams all licenses, and goes on where a stream broke off", async () => {
  const listed = [];
  const request = { parent, filter: past, pageSize: 1000 };
  for await (const page of pages(licenses, "listLicenses", request)) listed.push(...page.licenses);

  const streamed = [];
  for await (const message of licenses.streamLicenses({ parent, filter: past })) streamed.push(...message.licenses);
  assert.ok(streamed.length > 1000);
  assert.deepEqual(streamed, listed);

  const pieced = [];
  let pageToken = "";
  const cut = licenses.streamLicenses({ parent, filter: past });
  await assert.rejects(
    async () => {
      for await (const message of cut) {
        pieced.push(...message.licenses);
        pageToken = message.nextPageToken;
        cut.cancel(); // to leave the loop does not end the call
      }
    },
    { code: grpc.status.CANCELLED },
  );
  assert.ok(pageToken !== "" && pieced.length < listed.length, "the first message is not the whole stream");
  const rest = licenses.streamLicenses({ parent, filter: past, pageToken });
  for await (const message of rest) pieced.push(...message.licenses);
  assert.deepEqual(pieced, listed);
});

test("searches and exports the archive", async () => {
  await call(archive, "syncArchive", { name: `${parent}/archive` }, 60_000);
  const request = { parent, filter: { ...past, userId: "tester13" } };
  const found = [];
  let total;
  for await (const page of pages(archive, "searchLicenses", { ...request, pageSize: 50 })) {
    total ??= page.totalSize;
    found.push(...page.licenses);
    assert.ok(page.coverage.some((part) => part.site === parent), "each page says what the archive holds");
  }
  assert.equal(found.length, total);
  const exported = [];
  for await (const message of archive.exportLicenses(request)) exported.push(...message.licenses);
  assert.deepEqual(exported, found);
});

test("reads why a call failed", async () => {
  const err = await call(licenses, "listLicenses", { parent: "vendors/pallycon/sites/NOPE" }).catch((err) => err);
  assert.equal(err.code, grpc.status.NOT_FOUND);
  const { ErrorInfo } = details(err);
  assert.equal(ErrorInfo.reason, "RESOURCE_NOT_FOUND");
  assert.equal(ErrorInfo.domain, "drmhub.v1");
  assert.equal(ErrorInfo.metadata.vendor, "pallycon");
});

test("reads which field breaks a rule", async () => {
  const err = await call(licenses, "listLicenses", { parent, pageSize: -1 }).catch((err) => err);
  assert.equal(err.code, grpc.status.INVALID_ARGUMENT);
  assert.deepEqual(details(err).BadRequest.fieldViolations.map((violation) => violation.field), ["page_size"]);
});

test("repeats a change without making it twice", async () => {
  const request = { name: "vendors/pallycon/sites/MOVI", message: "rights ended", requestId: randomUUID() };
  const change = await call(sites, "disableSite", request);
  assert.equal(change.type, "SUSPEND");
  assert.equal(change.state, "PENDING");
  assert.deepEqual(await call(sites, "disableSite", request), change);
  const err = await call(sites, "disableSite", { ...request, message: "another reason" }).catch((err) => err);
  assert.equal(details(err).ErrorInfo.reason, "REQUEST_ID_REUSED");
});

const name = "vendors/ncp/sites/drm-20240304012233-WmRpa";

test("tries a change without making it", async () => {
  const { answer, planned } = await dryRun(sites, "disableSite", { name });
  assert.equal(answer.appliedSite.enabled, false);
  assert.equal(planned.length, 1);
  assert.match(planned[0], /^curl --request PUT 'http:.*\/off' .*\[redacted\]/);
  assert.equal((await call(sites, "getSite", { name })).enabled, true);
});

test("makes a change once although its answer is lost", async () => {
  const { planned } = await dryRun(sites, "disableSite", { name });
  const vendor = new URL(planned[0].match(/'(http:[^']*)'/)[1]).origin; // the sandbox's twin
  const fault = { kind: "loseAnswer", method: "PUT", times: 1 };
  await fetch(`${vendor}/_twin/faults`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(fault),
  });

  const { answer, mutation } = await change(sites, "disableSite", { name });
  assert.deepEqual(await (await fetch(`${vendor}/_twin/faults`)).json(), { faults: [] }); // the answer was lost
  assert.equal(answer.state, "APPLIED");
  assert.equal(answer.appliedSite.enabled, false);
  const record = await call(mutations, "getMutation", { name: mutation });
  assert.equal(record.state, "SUCCEEDED");
  assert.deepEqual(record.steps.map((step) => step.id), ["off"]);

  await change(sites, "enableSite", { name });
});

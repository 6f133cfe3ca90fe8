// Converts the OpenAPI document to a Postman collection, and runs every request of it against a
// fresh sandbox.
import assert from "node:assert/strict";
import { test } from "node:test";
import newman from "newman";
import converter from "openapi-to-postmanv2";
import { document, failedMutation, operations, sandbox } from "./sandbox.js";

/** Converts the document with Postman's settings for "use the examples". */
async function convert() {
  const input = { type: "json", data: document };
  const result = await new Promise((resolve, reject) => {
    converter.convertV2(input, { parametersResolution: "Example" }, (err, done) => (err ? reject(err) : resolve(done)));
  });
  assert.ok(result.result, result.reason);
  return result.output[0].data;
}

/**
 * Gives a collection the values of variables, and the same to parameters of paths with these names.
 */
function use(collection, values) {
  for (const [key, value] of Object.entries(values)) {
    const known = collection.variable.find((variable) => variable.key === key);
    if (known) known.value = value;
    else collection.variable.push({ key, value });
  }
  for (const { request } of requests(collection)) {
    for (const variable of request.url.variable ?? []) {
      if (variable.key in values) variable.value = values[variable.key];
    }
  }
}

/** Yields the requests in the folders of a collection. */
function* requests(folder) {
  for (const item of folder.item ?? []) {
    if (item.request) yield item;
    yield* requests(item);
  }
}

test("every request of the converted collection succeeds in a fresh sandbox", { timeout: 300_000 }, async (t) => {
  const running = await sandbox(t);
  const collection = await convert();
  use(collection, { baseUrl: running.url, mutation: await failedMutation(running) });

  const all = [...requests(collection)];
  assert.equal(all.length, [...operations()].length);
  for (const { name, request } of all) {
    const headers = request.header.map((header) => header.key);
    assert.ok(!headers.includes("Authorization") && !headers.includes("Idempotency-Key"), `${name} sends ${headers}`);
  }
  const summary = await new Promise((resolve, reject) => {
    newman.run({ collection, timeoutRequest: 30_000 }, (err, done) => (err ? reject(err) : resolve(done)));
  });
  assert.equal(summary.run.executions.length, all.length);
  const failed = summary.run.executions
    .filter(({ response }) => response?.code !== 200)
    .map(({ item, request, response, requestError }) =>
      `${item.name}: ${request.method} ${request.url} ${response?.code} ${response?.text() ?? requestError}`);
  assert.deepEqual(failed, []);
});

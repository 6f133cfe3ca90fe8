// Checks every response of a fresh sandbox against the OpenAPI document, more strictly than clients
// do: no unknown field, each format, each header, each line of a stream. Every operation is called
// by its examples, and must also fail as declared.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import Ajv from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { document, failedMutation, operations, order, sandbox } from "./sandbox.js";

// HTTP's own headers, which no document declares.
const ownHeaders = new Set([
  "cache-control", "connection", "content-encoding", "content-length", "content-type", "date", "keep-alive",
  "strict-transport-security", "transfer-encoding", "vary", "x-content-type-options", "x-request-id",
]);

const ajv = new Ajv({ strict: false, allErrors: true, coerceTypes: false });
formats(ajv);
for (const format of ["int32", "int64", "double", "float", "byte"]) ajv.addFormat(format, true);
ajv.addSchema(closed(document), "document");

/**
 * Returns a copy of a part of the document in which no object has fields that it does not declare.
 */
function closed(part) {
  if (typeof part !== "object" || part === null) return part;
  if (Array.isArray(part)) return part.map(closed);
  const copy = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, closed(value)]));
  if (part.type === "object" && part.properties) copy.additionalProperties ??= false;
  return copy;
}

/** Returns what is wrong with a value by the schema at these keys of the document. */
function problems(keys, value) {
  const pointer = keys.map((key) => encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
  const validate = ajv.getSchema(`document#/${pointer}`);
  if (!validate) throw new Error(`the document has no ${pointer}`);
  if (validate(value)) return [];
  return validate.errors.map((err) => `${err.instancePath} ${err.message} ${JSON.stringify(err.params)}`);
}

/** Returns the keys of the part of the document that a reference or the keys themselves name. */
function resolve(keys) {
  const part = keys.reduce((node, key) => node[key], document);
  return part.$ref ? resolve(part.$ref.slice(2).split("/")) : keys;
}

/** Returns what is wrong with a response by the document. */
async function wrong({ path, method, operation }, response) {
  const status = String(response.status) in operation.responses ? String(response.status) : "default";
  const place = resolve(["paths", path, method.toLowerCase(), "responses", status]);
  const declared = place.reduce((node, key) => node[key], document);
  const found = headerProblems(declared, place, response.headers);
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  const text = await response.text();
  if (!(type in declared.content)) return [...found, `it is ${type}: ${text.slice(0, 200)}`];
  if ((status === "200") !== response.ok) found.push("its status is a success other than 200");
  const schema = [...place, "content", type, "schema"];
  if (type !== "application/x-ndjson") return [...found, ...problems(schema, JSON.parse(text))];
  for (const line of text.split("\n").slice(0, -1)) found.push(...problems(schema, JSON.parse(line)));
  if (text !== "" && !text.endsWith("\n")) found.push("its last line has no end");
  return found;
}

function headerProblems(declared, place, headers) {
  const names = new Map(Object.keys(declared.headers ?? {}).map((name) => [name.toLowerCase(), name]));
  return [...headers].flatMap(([name, value]) => {
    const known = names.get(name.replace(/^(drmhub-planned-request)-\d+$/, "$1-1"));
    if (!known) return ownHeaders.has(name) ? [] : [`it has the header ${name}`];
    const header = resolve([...place, "headers", known]);
    const integer = header.reduce((node, key) => node[key], document).schema.type === "integer";
    return problems([...header, "schema"], integer ? Number(value) : value).map((problem) => `${name}: ${problem}`);
  });
}

/**
 * Makes the call of an operation by its examples. `parameters` and `body` hold other values, and
 * `all` adds the examples that a person rarely needs.
 */
function call(url, { path, method, operation }, { all = false, parameters = {}, body = {} } = {}) {
  const query = new URLSearchParams();
  const values = { ...parameters };
  let target = path;
  for (const { name, in: place, example, schema } of operation.parameters ?? []) {
    const value = values[name] ?? example ?? (all ? schema.examples?.[0] : undefined);
    delete values[name];
    if (place === "path") target = target.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== undefined) query.append(name, value);
  }
  for (const [name, value] of Object.entries(values)) query.append(name, value);
  const init = { method, signal: AbortSignal.timeout(30_000) };
  const content = operation.requestBody?.content["application/json"].example;
  if (content) {
    init.headers = { "Content-Type": "application/json" };
    init.body = JSON.stringify({ ...content, ...body });
  }
  return fetch(`${url}${target}?${query}`, init);
}

/** Returns how an operation takes a field: as a parameter, in its body, or not at all. */
function field({ operation }, name, value) {
  if (operation.parameters?.some((parameter) => parameter.name === name)) return { parameters: { [name]: value } };
  const schema = operation.requestBody?.content["application/json"].schema.$ref.split("/").at(-1);
  return document.components.schemas[schema]?.properties?.[name] ? { body: { [name]: value } } : undefined;
}

/**
 * Yields the calls of an operation: the statuses that it may return, and what it changes in the
 * examples. The response to a replayed call must come from the record of the call before.
 */
function* calls(operation, mutation) {
  const own = operation.path.includes("{mutation}") ? { mutation } : {};
  const call = (statuses, { parameters, ...rest } = {}) => {
    return [statuses, { ...rest, parameters: { ...own, ...parameters } }];
  };

  const dry = field(operation, "validateOnly", true);
  if (dry) yield call([200], dry);
  const once = field(operation, "requestId", randomUUID());
  yield call([200], once);
  if (once) yield call([200], { ...once, replayed: true });
  if (operation.method === "GET") yield call([200], { all: true });

  yield call([400], { parameters: { nope: 1 } });
  for (const [, name] of operation.path.matchAll(/{(\w+)}/g)) {
    // Any text can be a viewer. An explanation of a code alone asks nobody whether the site exists.
    const anything = name === "viewer" || (name === "site" && operation.id === "LicenseService_ExplainLicense");
    yield call(anything ? [200] : [400, 404], { parameters: { [name]: "nope" } });
  }
}

test("each operation responds as declared", { timeout: 300_000 }, async (t) => {
  const running = await sandbox(t);
  const mutation = await failedMutation(running);
  for (const operation of operations()) {
    await t.test(operation.id, async () => {
      for (const [statuses, change] of calls(operation, mutation)) {
        const response = await call(running.url, operation, change);
        const text = await response.clone().text();
        const said = `${JSON.stringify(change)}: ${text.slice(0, 1000)}`;
        assert.ok(statuses.includes(response.status), `${response.status} ${said}`);
        assert.equal(response.headers.get("drmhub-replayed"), change.replayed ? "true" : null, said);
        assert.deepEqual(await wrong(operation, response), [], said);
      }
    });
  }
});

const operation = (id) => [...operations()].find((found) => found.id === id);

test("a vendor's failures are returned as declared", { timeout: 60_000 }, async (t) => {
  const { url, twins } = await sandbox(t);
  const ncp = { parameters: { vendor: "ncp", site: "drm-20240304012233-WmRpa" } };
  for (const [id, change, fault, status, headers] of [
    ["SiteService_DisableSite", ncp, { kind: "loseAnswer", method: "PUT", times: 1 }, 500, ["drmhub-mutation"]],
    ["VendorService_CheckVendor", { parameters: { vendor: "ncp" } }, { kind: "cut" }, 200, []],
    ["SiteService_ListSites", { parameters: { vendor: "-" } }, { kind: "cut" }, 200, []],
    ["ProductLicenseService_ListProducts", { parameters: { vendor: "ncp" } }, { kind: "cut" }, 501, []],
    ["SiteService_GetSite", ncp, { kind: "answer", status: 429, header: { "Retry-After": "7" } }, 429, ["retry-after"]],
  ]) {
    await order(twins.ncp, fault);
    const response = await call(url, operation(id), change);
    const text = await response.clone().text();
    assert.equal(response.status, status, text);
    for (const name of headers) assert.ok(response.headers.has(name), `${id} lacks the header ${name}: ${text}`);
    assert.deepEqual(await wrong(operation(id), response), [], text);
    await fetch(`${twins.ncp}faults`, { method: "DELETE" });
  }
});

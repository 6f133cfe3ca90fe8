// A gRPC client of drmhub for Node.js. It reads the .proto files when it starts, so it needs no
// generated code.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// Messages have camelCase names. Enums are strings, so that this client can read values that are
// new to it. 64-bit integers are strings too, since a JavaScript number cannot hold them.
const definition = loadSync(
  [
    ...["site", "license", "archive", "mutation"].map((service) => `drmhub/v1/${service}_service.proto`),
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
  ],
  { includeDirs: [here("../../proto"), here("../../tools/imports")], enums: String, longs: String, defaults: true },
);
const { drmhub } = grpc.loadPackageDefinition(definition);

/**
 * Connects to drmhub at "host:port", in plain text. One connection serves any number of calls at
 * once. Call close() of each client at the end.
 */
export function connect(address, credentials = grpc.credentials.createInsecure()) {
  return {
    sites: new drmhub.v1.SiteService(address, credentials),
    licenses: new drmhub.v1.LicenseService(address, credentials),
    archive: new drmhub.v1.ArchiveService(address, credentials),
    mutations: new drmhub.v1.MutationService(address, credentials),
  };
}

function ask(client, method, request, timeout = 10_000) {
  return new Promise((resolve, reject) => {
    let header;
    const options = { deadline: Date.now() + timeout };
    const call = client[method](request, options, (err, answer) => (err ? reject(err) : resolve({ answer, header })));
    call.on("metadata", (metadata) => (header = metadata));
  });
}

/** Makes one call and returns its response. It gives up after `timeout` milliseconds. */
export async function call(client, method, request, timeout) {
  return (await ask(client, method, request, timeout)).answer;
}

/**
 * Makes a change once, also if its response is lost. It repeats the call with the same requestId
 * while the outcome is unknown, or while the reason for the failure may pass. A program that may
 * end during this stores the requestId first, and sets it in the request. `mutation` names drmhub's
 * record of the change.
 */
export async function change(client, method, request, { attempts = 6, pause = 500 } = {}) {
  const once = { ...request, requestId: request.requestId || randomUUID() };
  for (let attempt = 1; ; attempt++) {
    try {
      const { answer, header } = await ask(client, method, once);
      return { answer, mutation: header.get("drmhub-mutation")[0] };
    } catch (err) {
      if (attempt === attempts || !mayPass(err)) throw err;
      await sleep(retryDelay(err) ?? pause * 2 ** (attempt - 1));
    }
  }
}

const { UNKNOWN, UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED } = grpc.status;

function mayPass(err) {
  const passing = [UNKNOWN, UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED];
  return passing.includes(err.code) || details(err).ErrorInfo?.reason === "MUTATION_IN_PROGRESS";
}

/** Returns how long drmhub asks to wait, in milliseconds, or undefined if drmhub does not say. */
function retryDelay(err) {
  const delay = details(err).RetryInfo?.retryDelay;
  return delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6;
}

/**
 * Makes a dry run. It returns the response that the change would have, and the requests that it
 * would send to the vendor, as curl commands without secrets. It changes nothing.
 */
export async function dryRun(client, method, request) {
  const { answer, header } = await ask(client, method, { ...request, validateOnly: true });
  return { answer, planned: header.get("drmhub-planned-request") };
}

/**
 * Yields the responses of a List method. A page can be short or empty without being the last: an
 * empty token ends the list.
 */
export async function* pages(client, method, request) {
  let page = { nextPageToken: "" };
  do {
    page = await call(client, method, { ...request, pageToken: page.nextPageToken });
    yield page;
  } while (page.nextPageToken);
}

/**
 * Returns the google.rpc details of an error by message name, such as
 * `details(err).ErrorInfo.reason`.
 */
export function details(err) {
  const known = {};
  const [status] = err.metadata?.get("grpc-status-details-bin") ?? [];
  for (const any of status ? definition["google.rpc.Status"].deserialize(status).details : []) {
    const name = any.type_url.slice(any.type_url.lastIndexOf("/") + 1); // "google.rpc.ErrorInfo"
    if (definition[name]) known[name.split(".").at(-1)] = definition[name].deserialize(any.value);
  }
  return known;
}

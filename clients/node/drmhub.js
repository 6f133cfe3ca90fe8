// A gRPC client of drmhub for Node.js: the .proto files are read when the program starts, so nothing is generated.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// Messages come with camelCase names. Enums are strings, so that a value that is new to this client still reads; so are 64-bit integers, which a
// JavaScript number cannot hold.
const definition = loadSync(
  [
    ...["site", "license", "mutation"].map((service) => `drmhub/v1/${service}_service.proto`),
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
  ],
  { includeDirs: [here("../../proto"), here("../../tools/imports")], enums: String, longs: String, defaults: true },
);
const { drmhub } = grpc.loadPackageDefinition(definition);

/** Connects to drmhub at "host:port", in plain text. One connection serves any number of calls at once; close() each client at the end. */
export function connect(address, credentials = grpc.credentials.createInsecure()) {
  return {
    sites: new drmhub.v1.SiteService(address, credentials),
    licenses: new drmhub.v1.LicenseService(address, credentials),
    mutations: new drmhub.v1.MutationService(address, credentials),
  };
}

function ask(client, method, request, timeout = 10_000) {
  return new Promise((resolve, reject) => {
    let header;
    client[method](request, { deadline: Date.now() + timeout }, (err, answer) => (err ? reject(err) : resolve({ answer, header }))).on(
      "metadata",
      (metadata) => (header = metadata),
    );
  });
}

/** Makes one call, and gives up after `timeout` milliseconds. */
export async function call(client, method, request, timeout) {
  return (await ask(client, method, request, timeout)).answer;
}

/**
 * Makes a change, and makes it once: under one requestId it is called again while nobody knows what became of it, or the reason why it failed may pass. A
 * program that may end amid this keeps the requestId somewhere safe, and gives it in the request. `mutation` names drmhub's record of the change.
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

/** How long drmhub asks to wait, in milliseconds; undefined where it does not say. */
function retryDelay(err) {
  const delay = details(err).RetryInfo?.retryDelay;
  return delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6;
}

/** What a change would answer, and the requests that it would send to the vendor, as curl commands without secrets. Nothing is changed. */
export async function dryRun(client, method, request) {
  const { answer, header } = await ask(client, method, { ...request, validateOnly: true });
  return { answer, planned: header.get("drmhub-planned-request") };
}

/** The answers of a List method, page by page. A page can be short, even empty, and not be the last: only an empty token ends the list. */
export async function* pages(client, method, request) {
  let page = { nextPageToken: "" };
  do {
    page = await call(client, method, { ...request, pageToken: page.nextPageToken });
    yield page;
  } while (page.nextPageToken);
}

/** What an error says to programs: its google.rpc details by message name, such as `details(err).ErrorInfo.reason`. */
export function details(err) {
  const known = {};
  const [status] = err.metadata?.get("grpc-status-details-bin") ?? [];
  for (const any of status ? definition["google.rpc.Status"].deserialize(status).details : []) {
    const name = any.type_url.slice(any.type_url.lastIndexOf("/") + 1); // "google.rpc.ErrorInfo"
    if (definition[name]) known[name.split(".").at(-1)] = definition[name].deserialize(any.value);
  }
  return known;
}

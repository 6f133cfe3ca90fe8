// A gRPC client of drmhub for Node.js: the .proto files are read when the program starts, so nothing is generated.
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// Messages come with camelCase names. Enums are strings, so that a value that is new to this client still reads; so are 64-bit integers, which a
// JavaScript number cannot hold.
const definition = loadSync(
  ["drmhub/v1/site_service.proto", "drmhub/v1/license_service.proto", "google/rpc/error_details.proto", "google/rpc/status.proto"],
  { includeDirs: [here("../../proto"), here("../../tools/imports")], enums: String, longs: String, defaults: true },
);
const { drmhub } = grpc.loadPackageDefinition(definition);

/** Connects to drmhub at "host:port", in plain text. One connection serves any number of calls at once; close() each client at the end. */
export function connect(address, credentials = grpc.credentials.createInsecure()) {
  return {
    sites: new drmhub.v1.SiteService(address, credentials),
    licenses: new drmhub.v1.LicenseService(address, credentials),
  };
}

/** Makes one call, and gives up after `timeout` milliseconds. */
export function call(client, method, request, timeout = 10_000) {
  return new Promise((resolve, reject) => {
    client[method](request, { deadline: Date.now() + timeout }, (err, answer) => (err ? reject(err) : resolve(answer)));
  });
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

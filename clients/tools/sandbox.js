// Starts sandboxes of drmhub for the tests. DRMHUB names the program.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** The OpenAPI document. */
export const document = JSON.parse(readFileSync(new URL("../../gen/openapi.json", import.meta.url), "utf8"));

/**
 * Starts a sandbox, and stops it when the test ends. Returns its URL, and the URL of each twin's
 * admin path by vendor.
 * @param {import("node:test").TestContext} t
 */
export async function sandbox(t) {
  const program = process.env.DRMHUB;
  if (!program) throw new Error("DRMHUB must name the program: run ./clients/tools/test");
  const server = spawn(program, ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => server.kill());
  const twins = {};
  let url = "";
  for await (const line of createInterface({ input: server.stdout })) {
    url ||= line.match(/REST on (http:[^, ]+)/)?.[1] ?? "";
    const twin = line.match(/^\s*(\w+)\s+(http:\S+\/_twin\/)/);
    if (twin) twins[twin[1]] = twin[2];
    if (Object.keys(twins).length === 4) return { url, twins };
  }
  throw new Error("the sandbox did not start");
}

/** Yields each operation of the document, with its method and path. */
export function* operations() {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      yield { id: operation.operationId, method: method.toUpperCase(), path, operation };
    }
  }
}

/** Orders a fault of a twin. */
export async function order(twin, fault) {
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fault) };
  const response = await fetch(`${twin}faults`, init);
  if (!response.ok) throw new Error(`the twin refuses the fault: ${await response.text()}`);
}

/**
 * Makes a change that its vendor refuses, and returns the id of its mutation, which can be sent
 * again.
 */
export async function failedMutation({ url, twins }) {
  await order(twins.ncp, { kind: "answer", method: "PUT", times: 1, status: 403 });
  const response = await fetch(`${url}/v1/vendors/ncp/sites/drm-20230912054417-kQzTe:disable`, { method: "POST" });
  const name = response.headers.get("drmhub-mutation");
  if (response.ok || !name) throw new Error(`the change returned ${response.status} and the mutation ${name}`);
  return name.replace("mutations/", "");
}

// Makes the calls of the REST API. openapi-fetch gives the types, which know each path, parameter
// and field. Its code has many forms of requests that no page uses, so that this file has what the
// console needs.
import type { Client } from "openapi-fetch";
import { escaped } from "./address.js";
import type { paths } from "./openapi.js";

type Init = {
  params?: { path?: Record<string, string>; query?: Record<string, unknown> };
  body?: unknown;
  headers?: Record<string, string>;
  parseAs?: "blob";
  signal?: AbortSignal;
};

const call = (method: string) => async (path: string, { params = {}, body, headers, parseAs, signal }: Init = {}) => {
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => escaped(params.path?.[name] ?? ""));
  // A list becomes one parameter for each of its values. What is not set is left out.
  const query = Object.entries(params.query ?? {}).flatMap(([name, value]) =>
    [value].flat().filter((one) => one != null).map((one) => `${name}=${escaped(String(one))}`));
  const response = await fetch(query.length ? `${filled}?${query.join("&")}` : filled, {
    method,
    headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  if (response.ok && parseAs === "blob") return { data: await response.blob(), response };
  const got = parsed(await response.text());
  return response.ok && typeof got === "object" ? { data: got, response } : { error: got, response };
};

/** Returns the body of a response. A proxy may send one that is not JSON, with any status. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text || "{}");
  } catch {
    return text;
  }
}

/** The methods that the console uses. The types say what each call takes and returns. */
export const api = {
  GET: call("GET"), POST: call("POST"), PATCH: call("PATCH"), DELETE: call("DELETE"),
} as unknown as Pick<Client<paths>, "GET" | "POST" | "PATCH" | "DELETE">;

// The public REST API, typed by its OpenAPI document: a path, a parameter or a field that it does
// not know is a compile error.
import { signal } from "@preact/signals";
import { decode } from "./address.js";
export { api } from "./client.js";
import type { components } from "./openapi.js";

/** The messages of the contract. */
export type Schemas = components["schemas"];

/** Whether drmhub refused the last call because nobody is logged in. */
export const loggedOut = signal(false);

/** Counts the logins on this page, so that pages ask again after one. */
export const logins = signal(0);

/** A call that drmhub answered with an error. Its message is written for people. */
export class ApiError extends Error {
  /** The canonical code, such as NOT_FOUND. */
  readonly status: string;
  /** The reason in the contract, such as SITE_NOT_FOUND. */
  readonly reason: string;
  /** The record of the change, "mutations/…", or "". */
  readonly mutation: string;
  /** What finds the call in the server's log. */
  readonly requestId: string;
  /** What is wrong with each field. */
  readonly violations: { field: string; description: string }[];
  /** How many seconds to wait before another try, or 0. */
  readonly retryAfter: number;
  /**
   * Whether it is drmhub's own. A proxy's error can have the same form, and proves nothing about a
   * change.
   */
  readonly fromServer: boolean;

  constructor(body: Schemas["Error"] | undefined, response: Response) {
    const error = body?.error;
    super(error?.message ?? `The response is not from drmhub: HTTP ${response.status}. A proxy may have sent it.`);
    const details = error?.details ?? [];
    const info = details.find((d) => d["@type"].endsWith("ErrorInfo"));
    this.status = error?.status ?? "UNKNOWN";
    this.reason = info?.reason ?? "";
    this.fromServer = info?.domain === "drmhub.v1";
    this.mutation = response.headers.get("Drmhub-Mutation") ?? info?.metadata?.mutation ?? "";
    this.requestId = response.headers.get("X-Request-Id") ?? "";
    this.retryAfter = Number(response.headers.get("Retry-After")) || 0;
    this.violations = details.flatMap((d) =>
      (d.fieldViolations ?? []).map((v) => ({ field: v.field ?? "", description: v.description ?? "" })),
    );
  }
}

/** What a call returns. `read` turns it into a result or an error. */
export type Returned<T> = { data?: T; error?: unknown; response: Response };

/** Returns the body of a response, or throws its error. */
export async function read<T>(call: Promise<Returned<T>>): Promise<T> {
  return (await receive(call)).body;
}

/** Returns the body of a response with its headers, or throws its error. */
export async function receive<T>(call: Promise<Returned<T>>): Promise<{ body: T; headers: Headers }> {
  const { data, error, response } = await call;
  if (response.status === 401) loggedOut.value = true;
  if (error !== undefined) throw new ApiError(isError(error) ? error : undefined, response);
  return { body: (data ?? {}) as T, headers: response.headers };
}

function isError(body: unknown): body is Schemas["Error"] {
  return typeof body === "object" && body !== null && "error" in body;
}

/** Yields the pages of a list. It ends after the last page. */
export async function* pages<T extends { nextPageToken?: string }>(
  ask: (pageToken: string) => Promise<Returned<T>>,
): AsyncGenerator<T> {
  for (let token = ""; ; ) {
    const page = await read(ask(token));
    yield page;
    token = page.nextPageToken ?? "";
    if (token === "") return;
  }
}

/**
 * Returns the names of both lists, each once. A page of a list names only the vendors that this
 * page could not reach.
 */
export const joined = (before: string[], more: string[]) => [...new Set([...before, ...more])];

/**
 * Returns the id behind a collection in a resource name: idIn("vendors/a/sites/b", "sites") is "b".
 */
export function idIn(name: string | undefined, collection: string): string {
  const parts = (name ?? "").split("/");
  const at = parts.indexOf(collection);
  return at < 0 ? "" : decode(parts[at + 1] ?? "");
}

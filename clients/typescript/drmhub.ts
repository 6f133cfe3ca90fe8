// A REST client of drmhub. The types come from its OpenAPI document, so an unknown path, parameter
// or field does not compile.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/drmhub.js";

type Schemas = components["schemas"];
export type License = Schemas["License"];
export type Client = ReturnType<typeof connect>;
type QueryOf<Path extends "licenses" | "licenses:stream" | "licenses:export"> = NonNullable<
  paths[`/v1/vendors/{vendor}/sites/{site}/${Path}`]["get"]["parameters"]["query"]
>;
export type LicenseQuery = QueryOf<"licenses">;
export type StreamQuery = QueryOf<"licenses:stream">;
export type ExportQuery = QueryOf<"licenses:export">;

/** Returns a client of drmhub at a base URL such as "http://127.0.0.1:8080". */
export function connect(baseUrl: string) {
  return createClient<paths>({ baseUrl });
}

/** An error that drmhub returned. */
export class ApiError extends Error {
  readonly httpStatus: number;
  readonly status: Schemas["Error"]["error"]["status"];
  private readonly details: Schemas["ErrorDetail"][];

  constructor({ error }: Schemas["Error"]) {
    super(error.message);
    this.httpStatus = error.code;
    this.status = error.status;
    this.details = error.details ?? [];
  }

  /**
   * Returns the detail of one kind. "ErrorInfo" is always there, "BadRequest" and "RetryInfo" where
   * they apply.
   */
  detail(kind: string) {
    return this.details.find((detail) => detail["@type"] === `type.googleapis.com/google.rpc.${kind}`);
  }
}

/** The result of a call by openapi-fetch. */
type Answered<T> = { data?: T; error?: unknown; response: Response };

/** Returns the response of a call. It throws a failure. */
export async function answer<T>(call: Promise<Answered<T>>): Promise<T> {
  return answered(await call);
}

function answered<T>({ data, error, response }: Answered<T>): T {
  if (response.ok) return data as T;
  if (isError(error)) throw new ApiError(error);
  throw new Error(`${response.url} returned ${response.status} without a drmhub error: check for a proxy in between`);
}

function isError(value: unknown): value is Schemas["Error"] {
  return typeof value === "object" && value !== null && "error" in value;
}

/**
 * Makes a change once, also if its response is lost. `send` calls a method with the given
 * requestId. It is repeated with the same requestId while the outcome is unknown, or while the
 * reason for the failure may pass. A program that may end during this stores the requestId first,
 * and passes it here. `mutation` names drmhub's record of the change.
 */
export async function change<T>(
  send: (requestId: string) => Promise<Answered<T>>,
  requestId: string = randomUUID(),
  attempts = 6,
  pause = 500,
) {
  for (let attempt = 1; ; attempt++) {
    try {
      const call = await send(requestId);
      return { answer: answered(call), mutation: call.response.headers.get("Drmhub-Mutation") ?? "" };
    } catch (err) {
      if (attempt === attempts || !mayPass(err)) throw err;
      await sleep(retryDelay(err) ?? pause * 2 ** (attempt - 1));
    }
  }
}

/**
 * Reports whether another call with the same requestId may succeed. Other errors come from the
 * network.
 */
function mayPass(err: unknown) {
  if (!(err instanceof ApiError)) return true;
  return (
    ["UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"].includes(err.status) ||
    err.detail("ErrorInfo")?.reason === "MUTATION_IN_PROGRESS"
  );
}

/** Returns how long drmhub asks to wait, in milliseconds, or undefined if drmhub does not say. */
function retryDelay(err: unknown) {
  const delay = err instanceof ApiError ? err.detail("RetryInfo")?.retryDelay : undefined; // "1.5s"
  return delay === undefined ? undefined : Number.parseFloat(delay) * 1000;
}

/**
 * Returns the result of a change with validateOnly: the response that the change would have, and
 * the requests that it would send to the vendor, as curl commands without secrets.
 */
export async function dryRun<T>(call: Promise<Answered<T>>) {
  const tried = await call;
  return { answer: answered(tried), planned: tried.response.headers.get("Drmhub-Planned-Request") ?? "" };
}

/**
 * Yields a site's licenses in pages. A page can be short or empty without being the last: an empty
 * token ends the list.
 */
export async function* licensePages(client: Client, vendor: string, site: string, query: LicenseQuery) {
  let pageToken = "";
  do {
    const page = await answer(
      client.GET("/v1/vendors/{vendor}/sites/{site}/licenses", {
        params: { path: { vendor, site }, query: { ...query, pageToken } },
        signal: AbortSignal.timeout(10_000),
      }),
    );
    yield page;
    pageToken = page.nextPageToken ?? "";
  } while (pageToken);
}

/**
 * Yields the licenses of a site as they arrive. It throws a failure after the rows that came before
 * it.
 */
export async function* streamLicenses(
  client: Client,
  vendor: string,
  site: string,
  query: StreamQuery,
): AsyncGenerator<License> {
  const call = client.GET("/v1/vendors/{vendor}/sites/{site}/licenses:stream", {
    params: { path: { vendor, site }, query },
    parseAs: "stream",
  });
  yield* rows(await answer(call));
}

/** Yields the licenses that the archive holds of a site, or of all with "-". */
export async function* exportLicenses(
  client: Client,
  vendor: string,
  site: string,
  query: ExportQuery,
): AsyncGenerator<License> {
  const call = client.GET("/v1/vendors/{vendor}/sites/{site}/licenses:export", {
    params: { path: { vendor, site }, query },
    parseAs: "stream",
  });
  yield* rows(await answer(call));
}

/** Returns the same as a table. Its last line begins with "error" if the export failed. */
export async function exportTable(client: Client, vendor: string, site: string, query: ExportQuery): Promise<string> {
  const call = client.GET("/v1/vendors/{vendor}/sites/{site}/licenses:export", {
    params: { path: { vendor, site }, query },
    headers: { Accept: "text/csv" },
    parseAs: "text",
  });
  return (await answer(call)) ?? "";
}

async function* rows(body: ReadableStream<Uint8Array<ArrayBuffer>> | null | undefined): AsyncGenerator<License> {
  for await (const line of lines(body)) {
    const row: License | Schemas["Error"] = JSON.parse(line);
    if (isError(row)) throw new ApiError(row);
    yield row;
  }
}

async function* lines(body: ReadableStream<Uint8Array<ArrayBuffer>> | null | undefined) {
  if (!body) return; // a stream without rows
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const whole = (rest + text).split("\n");
    rest = whole.pop() ?? "";
    yield* whole;
  }
}

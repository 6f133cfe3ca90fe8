// A REST client of drmhub: the types come from its OpenAPI document, so a path, a parameter or a field that it does not know is a compile error.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/drmhub.js";

type Schemas = components["schemas"];
export type License = Schemas["License"];
export type Client = ReturnType<typeof connect>;
export type LicenseQuery = NonNullable<paths["/v1/vendors/{vendor}/sites/{site}/licenses"]["get"]["parameters"]["query"]>;
export type StreamQuery = NonNullable<paths["/v1/vendors/{vendor}/sites/{site}/licenses:stream"]["get"]["parameters"]["query"]>;

/** Talks to drmhub at a base URL such as "http://127.0.0.1:8080". */
export function connect(baseUrl: string) {
  return createClient<paths>({ baseUrl });
}

/** A call that drmhub answered with an error. */
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

  /** The detail of one kind: "ErrorInfo" is always there, "BadRequest" and "RetryInfo" where they apply. */
  detail(kind: string) {
    return this.details.find((detail) => detail["@type"] === `type.googleapis.com/google.rpc.${kind}`);
  }
}

/** What openapi-fetch resolves a call to. */
type Answered<T> = { data?: T; error?: unknown; response: Response };

/** The answer of a call; a failure is thrown. */
export async function answer<T>(call: Promise<Answered<T>>): Promise<T> {
  return answered(await call);
}

function answered<T>({ data, error, response }: Answered<T>): T {
  if (response.ok) return data as T;
  if (isError(error)) throw new ApiError(error);
  throw new Error(`${response.url} answers ${response.status}, and not as drmhub does: is there a proxy in between?`);
}

function isError(value: unknown): value is Schemas["Error"] {
  return typeof value === "object" && value !== null && "error" in value;
}

/**
 * Makes a change, and makes it once: `send` calls a method with this requestId, and is called again while nobody knows what became of it, or the reason why it
 * failed may pass. A program that may end amid this keeps the requestId somewhere safe, and gives it. `mutation` names drmhub's record of the change.
 */
export async function change<T>(send: (requestId: string) => Promise<Answered<T>>, requestId: string = randomUUID(), attempts = 6, pause = 500) {
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

/** Whether calling again with the same requestId may lead further. What is no ApiError came from the way to drmhub. */
function mayPass(err: unknown) {
  if (!(err instanceof ApiError)) return true;
  return (
    ["UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"].includes(err.status) ||
    err.detail("ErrorInfo")?.reason === "MUTATION_IN_PROGRESS"
  );
}

/** How long drmhub asks to wait, in milliseconds; undefined where it does not say. */
function retryDelay(err: unknown) {
  const delay = err instanceof ApiError ? err.detail("RetryInfo")?.retryDelay : undefined; // "1.5s"
  return delay === undefined ? undefined : Number.parseFloat(delay) * 1000;
}

/** What a change with validateOnly would answer, and the requests that it would send to the vendor, as curl commands without secrets. */
export async function dryRun<T>(call: Promise<Answered<T>>) {
  const tried = await call;
  return { answer: answered(tried), planned: tried.response.headers.get("Drmhub-Planned-Request") ?? "" };
}

/** The licenses of a site, page by page. A page can be short, even empty, and not be the last: only an empty token ends the list. */
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

/** The licenses of a site, one by one as they arrive. A failure after the first row is thrown where it happens. */
export async function* streamLicenses(client: Client, vendor: string, site: string, query: StreamQuery): AsyncGenerator<License> {
  const body = await answer(
    client.GET("/v1/vendors/{vendor}/sites/{site}/licenses:stream", { params: { path: { vendor, site }, query }, parseAs: "stream" }),
  );
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

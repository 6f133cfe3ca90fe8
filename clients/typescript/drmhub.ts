// A REST client of drmhub: the types come from its OpenAPI document, so a path, a parameter or a field that it does not know is a compile error.
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

/** The answer of a call; a failure is thrown. */
export async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  if (isError(error)) throw new ApiError(error);
  throw new Error(`${response.url} answers ${response.status}, and not as drmhub does: is there a proxy in between?`);
}

function isError(value: unknown): value is Schemas["Error"] {
  return typeof value === "object" && value !== null && "error" in value;
}

/** The licences of a site, page by page. A page can be short, even empty, and not be the last: only an empty token ends the list. */
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

/** The licences of a site, one by one as they arrive. A failure after the first row is thrown where it happens. */
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

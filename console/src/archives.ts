// The archives of all sites.
import { api, joined, pages, type Schemas } from "./api.js";
import { may } from "./caller.js";

/**
 * The archives that could be read, and the resource names of the vendors that could not be asked.
 */
export type Archives = { archives: Schemas["Archive"][]; unreachable: string[] };

/** Returns the archives of all sites. Those who may not read them get none. */
export async function listArchives(signal: AbortSignal): Promise<Archives> {
  const found: Archives = { archives: [], unreachable: [] };
  if (!may("licenses:read")) return found;
  const path = { vendor: "-" };
  const ask = (pageToken: string) =>
    api.GET("/v1/vendors/{vendor}/archives", { signal, params: { path, query: { pageSize: 1000, pageToken } } });
  for await (const page of pages(ask)) {
    found.archives.push(...page.archives);
    found.unreachable = joined(found.unreachable, page.unreachable);
  }
  return found;
}

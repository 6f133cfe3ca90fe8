// The configured vendor accounts: their names, and what each can do.
import { api, idIn, pages, type Schemas } from "./api.js";
import { may } from "./caller.js";

/** Returns all vendors in the order of the configuration. Those who may not read them get none. */
export async function listVendors(signal: AbortSignal): Promise<Schemas["Vendor"][]> {
  const all: Schemas["Vendor"][] = [];
  if (!may("vendors:read")) return all;
  const ask = (pageToken: string) => api.GET("/v1/vendors", { signal, params: { query: { pageSize: 1000, pageToken } } });
  for await (const page of pages(ask)) all.push(...page.vendors);
  return all;
}

/** Reports whether a vendor has a method, such as "ListLicenses". An unknown vendor may have it. */
export const can = (vendor: Schemas["Vendor"] | undefined, method: string) =>
  !vendor || vendor.capabilities.some((c) => c.method.endsWith(`/${method}`));

/** Reports whether a vendor shows a license history, which the archive keeps. */
export const hasHistory = (vendor: Schemas["Vendor"]) => can(vendor, "ListLicenses");

/** Returns a vendor's name for people, by its resource name. */
export const nameOf = (vendors: Schemas["Vendor"][], name: string) =>
  vendors.find((v) => v.name === name)?.displayName || idIn(name, "vendors");

/**
 * Parts the vendors that a response leaves out: some have no license history, and the others were
 * not reached.
 */
export function absent(vendors: Schemas["Vendor"][], names: string[]) {
  const without = vendors.filter((v) => names.includes(v.name) && !hasHistory(v)).map((v) => v.name);
  return { without, unreachable: names.filter((name) => !without.includes(name)) };
}

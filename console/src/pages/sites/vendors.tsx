// What each vendor can do, so that no control is shown that cannot work.
import { api, idIn, read, type Schemas } from "../../api.js";
import { may } from "../../caller.js";
import { can } from "../../vendors.js";

export type Vendor = Schemas["Vendor"];

/** Returns one vendor, or undefined without the scope to see it. */
export async function vendorOf(vendor: string, signal: AbortSignal): Promise<Vendor | undefined> {
  if (!may("vendors:read")) return undefined;
  return read(api.GET("/v1/vendors/{vendor}", { params: { path: { vendor } }, signal }));
}

/** Names the vendors that a view leaves out because they lack a method. */
export function Without({ vendors, method, what }: { vendors: Vendor[] | undefined; method: string; what: string }) {
  const without = (vendors ?? []).filter((v) => !can(v, method));
  if (without.length === 0) return null;
  return <p class="note">{without.map((v) => idIn(v.name, "vendors")).join(", ")}: {what}</p>;
}

/** Returns resource names as people write them: "vendors/a/sites/b" is "a/b". */
export const short = (names: string[]) =>
  names.map((name) => [idIn(name, "vendors"), idIn(name, "sites")].filter(Boolean).join("/"));

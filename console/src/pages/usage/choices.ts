// What can be chosen on this page: vendors, sites and months.
import { idIn, type Schemas } from "../../api.js";
import { listArchives } from "../../archives.js";
import type { Option } from "../../fields.js";
import { hasHistory, nameOf } from "../../vendors.js";

export type Choices = {
  vendors: Schemas["Vendor"][];
  /** The vendors that show a license history, by id and name. */
  counted: Option[];
  /** The sites that have an archive, in the order of the vendors. */
  archives: Schemas["Archive"][];
  /** The months of the archive, the newest first. */
  months: Option[];
};

/** Returns the archive of each site. */
export async function listSites(signal: AbortSignal): Promise<Schemas["Archive"][]> {
  return (await listArchives(signal)).archives.filter((a) => a.state !== "UNSUPPORTED");
}

export function choicesOf(vendors: Schemas["Vendor"][], archives: Schemas["Archive"][]): Choices {
  // Those who may not list vendors choose among those that have an archive.
  const names = vendors.length > 0 ? vendors.filter(hasHistory).map((v) => v.name) : archives.map((a) => vendorOf(a.name));
  const counted = [...new Set(names)].map((name): Option => [idIn(name, "vendors"), nameOf(vendors, name)]);
  const first = archives.flatMap((a) => (a.startTime ? [a.startTime] : [])).sort()[0];
  return { vendors, counted, archives, months: monthsSince(first, new Date()).map((month) => [month, month]) };
}

/** Returns the vendor's part of a resource name. */
const vendorOf = (name: string) => name.split("/").slice(0, 2).join("/");

/** Returns the months from a time to now, the newest first, and at least the last thirteen. */
function monthsSince(first: string | undefined, now: Date): string[] {
  const months: string[] = [];
  for (let back = 0; back < 240; back++) {
    const month = monthBack(now, back);
    if (back > 12 && (!first || month < first.slice(0, 7))) break;
    months.push(month);
  }
  return months;
}

/** Returns the month that was so many months ago, such as "2026-10". */
export const monthBack = (now: Date, back: number) =>
  new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7);

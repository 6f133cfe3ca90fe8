// Turns the rows of a summary into series over time.
import type { Params } from "../../address.js";
import { idIn, type Schemas } from "../../api.js";
import { hasHistory, nameOf } from "../../vendors.js";

/** A period that can be chosen. */
export const spans = [
  { value: "day", label: "Last day", interval: "HOUR" as const, step: 3600, steps: 24, unit: "hour", period: "24h" },
  { value: "week", label: "Last week", interval: "DAY" as const, step: 86_400, steps: 7, unit: "day", period: "7d" },
];

/**
 * Returns the starts of the intervals of a period that ends now, in seconds since 1970. The last
 * one is not over.
 */
export function timesOf({ step, steps }: { step: number; steps: number }, now: number): number[] {
  const last = Math.floor(now / step) * step;
  return Array.from({ length: steps }, (_, i) => last - (steps - 1 - i) * step);
}

/** The counts of one vendor or of one DRM, one for each interval. */
export type Group = {
  key: string;
  label: string;
  /** Its place among the colors. */
  place: number;
  issued: number[];
  refused: number[];
  /** What leads to its failures. */
  filter: Params;
};

const drms = ["WIDEVINE", "PLAYREADY", "FAIRPLAY", "NCG"];
const drmNames = ["Widevine", "PlayReady", "FairPlay", "NCG"];

/**
 * Returns a group for each vendor that has a history and was reached, or for each DRM that was
 * asked for.
 */
export function groups(
  by: "VENDOR" | "DRM_TYPE",
  rows: Schemas["LicenseSummary"][],
  times: number[],
  vendors: Schemas["Vendor"][],
  unreachable: string[],
): Group[] {
  const byKey = new Map<string, Group>();
  const group = (key: string) => {
    let g = byKey.get(key);
    if (!g) byKey.set(key, (g = { key, ...named(by, key, vendors), issued: times.map(() => 0), refused: times.map(() => 0) }));
    return g;
  };
  if (by === "VENDOR") for (const v of vendors) if (hasHistory(v) && !unreachable.includes(v.name)) group(v.name);
  for (const row of rows) {
    const g = group(row.keys[0] ?? "");
    const at = times.indexOf(Date.parse(row.startTime ?? "") / 1000);
    if (at < 0) continue;
    g.issued[at]! += row.successCount;
    g.refused[at]! += row.failureCount;
  }
  return [...byKey.values()].sort((a, b) => a.place - b.place);
}

function named(by: "VENDOR" | "DRM_TYPE", key: string, vendors: Schemas["Vendor"][]) {
  if (by === "VENDOR") {
    const at = vendors.findIndex((v) => v.name === key);
    return { label: nameOf(vendors, key), place: at < 0 ? vendors.length : at, filter: { vendor: idIn(key, "vendors") } };
  }
  const at = drms.indexOf(key);
  return { label: drmNames[at] ?? "not reported", place: at < 0 ? drms.length : at, filter: at < 0 ? {} : { drm: key } };
}

/**
 * Reports whether the archive lacks more of the period than the last hour, which is always still
 * being read.
 */
export function isLate(c: Schemas["Coverage"], from: number, now: number): boolean {
  if (!c.startTime || !c.endTime) return true;
  return Date.parse(c.startTime) / 1000 > from || Date.parse(c.endTime) / 1000 < now - 3600;
}

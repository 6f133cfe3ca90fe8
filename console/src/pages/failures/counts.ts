// Counts of license requests: those of the server for a question, and those of rows that are on the
// page.
import { api, read, type Schemas } from "../../api.js";
import type { Filter, Question } from "./filter.js";
import { intervalOf, startOf, type Interval } from "./times.js";

/** A property by which license requests are counted. */
export type Dimension = "ERROR_CODE" | "DRM_TYPE" | "PLATFORM" | "DEVICE_MODEL" | "CONTENT" | "SITE";

/** The properties that come from one request. The codes come with the times. */
const together: Dimension[] = ["DRM_TYPE", "PLATFORM", "DEVICE_MODEL", "CONTENT", "SITE"];

/** How often each value of a property comes. */
export type Part = {
  /** The most frequent values, at most ten. */
  top: { value: string; count: number }[];
  /** How many values there are, and how often the others come in all. */
  values: number;
  rest: number;
};

/** One interval of one vendor and one code. */
export type Step = { start: number; vendor: string; code: string; count: number };

export type Counts = {
  /** The key of the question, or of the rows. */
  key: string;
  total: number;
  refused: number;
  viewers: number;
  devices: number;
  interval: Interval;
  steps: Step[];
  parts: Record<Dimension, Part>;
};

type Grouping = { groupBy?: Schemas["SummarizeLicensesRequestDimension"][]; interval?: Interval; orderBy?: string };

/** Counts by properties, the most frequent first, unless they are counted by time. */
export function summarize(q: Pick<Question, "path">, filter: Filter, by: Grouping, pageSize: number, signal: AbortSignal, pageToken = "") {
  const query = { ...filter, orderBy: by.interval ? "start_time" : "license_count desc", ...by, pageSize, pageToken };
  return read(api.GET("/v1/vendors/{vendor}/sites/{site}/licenses:summarize", { signal, params: { path: q.path, query } }));
}

/**
 * Asks for all counts of a question: three requests at once, and more only where one page cannot
 * hold them.
 */
export async function count(q: Question, signal: AbortSignal): Promise<Counts> {
  const interval = intervalOf(q.from, q.to);
  const [whole, steps, groups] = await Promise.all([
    summarize(q, q.filter, {}, 1, signal),
    overTime(q, interval, signal),
    summarize(q, q.filter, { groupBy: together }, 1000, signal),
  ]);
  const all = whole.summaries[0];
  const total = all?.licenseCount ?? 0;
  const parts = { ...noParts(), ERROR_CODE: topOf(steps, (s) => s.code, (s) => s.count) };
  if (!groups.nextPageToken) {
    together.forEach((dimension, at) => {
      parts[dimension] = topOf(groups.summaries, (s) => s.keys[at] ?? "", (s) => s.licenseCount);
    });
  } else {
    await Promise.all(together.map(async (dimension) => {
      const { summaries, totalSize } = await summarize(q, q.filter, { groupBy: [dimension] }, most, signal);
      const top = summaries.map((s) => ({ value: s.keys[0] ?? "", count: s.licenseCount }));
      parts[dimension] = { top, values: totalSize, rest: top.reduce((rest, t) => rest - t.count, total) };
    }));
  }
  return { key: q.key, interval, steps, parts, total, refused: all?.failureCount ?? 0, viewers: all?.userCount ?? 0, devices: all?.deviceCount ?? 0 };
}

async function overTime(q: Question, interval: Interval, signal: AbortSignal): Promise<Step[]> {
  const steps: Step[] = [];
  for (let token: string | undefined = ""; token !== undefined; ) {
    const page: Schemas["SummarizeLicensesResponse"] = await summarize(q, q.filter, { groupBy: ["VENDOR", "ERROR_CODE"], interval }, 1000, signal, token);
    for (const { keys: [vendor = "", code = ""], startTime, licenseCount } of page.summaries) {
      steps.push({ start: Date.parse(startTime ?? ""), vendor, code, count: licenseCount });
    }
    token = page.nextPageToken || undefined;
  }
  return steps;
}

/** Counts rows that are on the page, in the same intervals. */
export function tally(rows: Schemas["License"][], interval: Interval): Pick<Counts, "steps" | "parts"> {
  const steps = new Map<string, Step>();
  for (const r of rows) {
    const key = `${startAt(r, interval)} ${r.site} ${r.errorCode}`;
    const step = steps.get(key);
    if (step) step.count++;
    else steps.set(key, { start: startAt(r, interval), vendor: vendorOf(r.site), code: r.errorCode, count: 1 });
  }
  const parts: Counts["parts"] = {
    ERROR_CODE: topOf(rows, (r) => r.errorCode),
    DRM_TYPE: topOf(rows, (r) => r.drmType),
    PLATFORM: topOf(rows, (r) => r.platform),
    DEVICE_MODEL: topOf(rows, (r) => r.deviceModel),
    CONTENT: topOf(rows, (r) => r.contentId),
    SITE: topOf(rows, (r) => r.site),
  };
  return { steps: [...steps.values()], parts };
}

/** The starts of the intervals of rows, so that no keystroke reads a time again. */
const known = new WeakMap<Schemas["License"], { interval: Interval; start: number }>();

function startAt(row: Schemas["License"], interval: Interval): number {
  let at = known.get(row);
  if (at?.interval !== interval) known.set(row, (at = { interval, start: startOf(Date.parse(row.createTime ?? ""), interval) }));
  return at.start;
}

/** Returns the resource name of a site's vendor. */
export const vendorOf = (site: string) => site.split("/", 2).join("/");

/** How many values of a property are shown. */
const most = 10;

/** Counts by a value, and returns the most frequent ones. */
export function topOf<T>(all: T[], value: (of: T) => string, count: (of: T) => number = () => 1): Part {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(value(one), (counts.get(value(one)) ?? 0) + count(one));
  const sorted = [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
  return { top: sorted.slice(0, most), values: sorted.length, rest: sorted.slice(most).reduce((n, s) => n + s.count, 0) };
}

const none: Part = { top: [], values: 0, rest: 0 };
const noParts = (): Counts["parts"] =>
  ({ ERROR_CODE: none, DRM_TYPE: none, PLATFORM: none, DEVICE_MODEL: none, CONTENT: none, SITE: none });

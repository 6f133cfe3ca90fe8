// Since when a code comes in a period, and whether it comes more often.
import type { Schemas } from "../../api.js";
import { summarize, type Counts } from "./counts.js";
import { instant, type Filter, type Question } from "./filter.js";
import { search } from "./search.js";
import { next } from "./times.js";

/** How often the code came in one half of the period, of how many license requests. */
export type Half = { count: number; of: number };

export type Trend = {
  key: string;
  /** The first time in the period, or null where it is known to the interval alone. */
  first: string | null;
  halves: [Half, Half];
  /** The number of sites of which the archive does not hold the whole first half. */
  gaps: number;
};

/** Asks for the trend of the code that the question names. `rows` are those on the page. */
export async function trend(q: Question, counts: Counts, rows: Schemas["License"][], all: boolean, signal: AbortSignal): Promise<Trend> {
  const middle = instant(Math.floor((q.from + q.to) / 2000) * 1000);
  const [first, before, after] = await Promise.all([
    all ? (rows.at(-1)?.createTime ?? null) : firstOf(q, counts, signal),
    half(q, { "filter.startTime": instant(q.from), "filter.endTime": middle }, signal),
    half(q, { "filter.startTime": middle, "filter.endTime": instant(q.to) }, signal),
  ]);
  return { key: q.key, first, halves: [before, after], gaps: before.coverage.filter((c) => !c.complete).length };
}

/** Finds the oldest row: the last one in the first interval that has any. */
async function firstOf(q: Question, counts: Counts, signal: AbortSignal): Promise<string | null> {
  const start = counts.steps[0]?.start;
  if (start === undefined) return null;
  const end = Math.min(next(start, counts.interval), q.to);
  const times: Filter = { "filter.startTime": instant(Math.max(start, q.from)), "filter.endTime": instant(end) };
  const page = await search({ path: q.path, filter: { ...q.filter, ...times } }, 1000, "", signal);
  return page.nextPageToken ? null : (page.licenses.at(-1)?.createTime ?? null);
}

/** Counts all license requests of a half, and those with the code. */
async function half(q: Question, times: Filter, signal: AbortSignal) {
  const { "filter.errorCode": code, "filter.status": status, ...others } = q.filter;
  const by = { groupBy: ["ERROR_CODE" as const, "STATUS" as const] };
  const { summaries, coverage } = await summarize(q, { ...others, ...times }, by, 1000, signal);
  const half = { count: 0, of: 0, coverage };
  for (const { keys, licenseCount } of summaries) {
    half.of += licenseCount;
    if (keys[0] === code && (!status || keys[1] === status)) half.count += licenseCount;
  }
  return half;
}

/** Says how the second half differs from the first, unless chance explains the difference. */
export function verdict([a, b]: [Half, Half]): string {
  if (a.count + b.count < 10) return "Too few to compare";
  const share = (a.count + b.count) / (a.of + b.of);
  const error = Math.sqrt(share * (1 - share) * (1 / Math.max(1, a.of) + 1 / Math.max(1, b.of)));
  const difference = b.count / Math.max(1, b.of) - a.count / Math.max(1, a.of);
  // Two standard errors: chance alone does that once in twenty times.
  if (error === 0 || Math.abs(difference) < 2 * error) return "No clear change";
  return difference > 0 ? "More often in the second half" : "Less often in the second half";
}

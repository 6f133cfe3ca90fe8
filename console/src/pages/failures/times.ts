// The intervals of a plot: how long they are, and when each begins.
import type { Schemas } from "../../api.js";

export type Interval = Exclude<Schemas["SummarizeLicensesRequestInterval"], "INTERVAL_UNSPECIFIED">;

const day = 86_400_000;

/** Returns the interval that shows a period in some ten to a hundred steps. */
export function intervalOf(from: number, to: number): Interval {
  const days = (to - from) / day;
  if (days <= 3.1) return "HOUR";
  if (days <= 100) return "DAY";
  return days <= 800 ? "WEEK" : "MONTH";
}

/** Returns the start of the interval that holds a time, in UTC. */
export function startOf(at: number, interval: Interval): number {
  if (interval === "HOUR") return at - (at % (day / 24));
  const midnight = at - (at % day);
  if (interval === "DAY") return midnight;
  const date = new Date(midnight);
  // Weeks begin on Monday.
  if (interval === "WEEK") return midnight - ((date.getUTCDay() + 6) % 7) * day;
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

/** Returns the start of the next interval. */
export function next(start: number, interval: Interval): number {
  const days = { HOUR: 1 / 24, DAY: 1, WEEK: 7, MONTH: 32 }[interval];
  return startOf(start + days * day, interval);
}

/** Returns the starts of all intervals of a period. */
export function starts(from: number, to: number, interval: Interval): number[] {
  const all: number[] = [];
  for (let at = startOf(from, interval); at < to && all.length < 2000; at = next(at, interval)) all.push(at);
  return all;
}

// The rows of a question: page by page, and how many came since.
import { signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { api, read, type Schemas } from "../../api.js";
import { useAsk, type Answer } from "../../ask.js";
import type { Question } from "./filter.js";

/** The most rows that a page of the console holds. */
export const limit = 5000;

/** How many rows come first, and how many with each "More". */
const first = 200;
const more = 1000;

export type Found = {
  /** The key of the question. */
  key: string;
  rows: Schemas["License"][];
  /** Continues after the rows, or "". */
  token: string;
  total: number;
  coverage: Schemas["Coverage"][];
  unreachable: string[];
};

/** Asks for one page of rows. */
export function search(q: Pick<Question, "path" | "filter">, pageSize: number, pageToken: string, signal: AbortSignal) {
  const query = { ...q.filter, pageSize, pageToken };
  return read(api.GET("/v1/vendors/{vendor}/sites/{site}/licenses:search", { signal, params: { path: q.path, query } }));
}

/** The resource names of the sites that responses named. */
const sites = signal<string[]>([]);

/** Returns the resource names of the sites that are known so far. */
export const knownSites = () => sites.value;

function learn({ coverage }: Found) {
  const all = [...new Set([...sites.value, ...coverage.map((c) => c.site)])];
  if (all.length > sites.value.length) sites.value = all;
}

/** Asks for the rows of a question. `more` asks for older ones. */
export function useSearch(q: Question): Answer<Found> & { more: () => void } {
  const wanted = useSignal({ key: "", rows: first });
  const kept = useRef<Found | undefined>(undefined);
  const rows = wanted.value.key === q.key ? wanted.value.rows : first;
  const answer = useAsk(`${q.key} ${rows}`, async (stop, show): Promise<Found> => {
    let found: Found | undefined = kept.current?.key === q.key ? kept.current : undefined;
    while (!found || (found.token && found.rows.length < rows)) {
      const page = await search(q, Math.min(more, rows - (found?.rows.length ?? 0)), found?.token ?? "", stop);
      found = {
        key: q.key, token: page.nextPageToken, total: found?.total ?? page.totalSize,
        rows: [...(found?.rows ?? []), ...page.licenses],
        coverage: page.coverage, unreachable: page.unreachable,
      };
      kept.current = found;
      learn(found);
      show(found);
    }
    return found;
  }, 0, q.key);
  return { ...answer, more: () => (wanted.value = { key: q.key, rows: Math.min(limit, rows + more) }) };
}

/** Counts the rows that came since the first page, every 15 seconds while it is live. */
export function useArrivals(q: Question, live: boolean, found: Found | undefined): number {
  const asked = useRef("");
  const answer = useAsk(live ? `${q.key} live` : "", async (signal) => {
    // The first page was asked for just now.
    const again = asked.current === q.key;
    asked.current = q.key;
    return { key: q.key, total: live && again ? (await search(q, 1, "", signal)).totalSize : 0 };
  }, live ? 15_000 : 0);
  if (!live || found?.key !== q.key || answer.data?.key !== q.key) return 0;
  return Math.max(0, answer.data.total - found.total);
}

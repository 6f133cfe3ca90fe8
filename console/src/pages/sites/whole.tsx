// A list that comes page by page, which is never shown as whole before its end.
import { joined, pages, type Returned } from "../../api.js";
import { useAsk, type Answer } from "../../ask.js";
import { Progress } from "../../show.js";

/** What is there of a list. */
export type Part<T> = { rows: T[]; unreachable: string[]; whole: boolean };

type Page = { nextPageToken: string; unreachable: string[] };

/** Asks for all pages of a list, and passes on each one as it comes. */
export function useList<P extends Page, T>(
  key: string,
  ask: (pageToken: string, signal: AbortSignal) => Promise<Returned<P>>,
  rowsOf: (page: P) => T[],
): Answer<Part<T>> {
  return useAsk(key, async (signal, show) => {
    let part: Part<T> = { rows: [], unreachable: [], whole: false };
    for await (const page of pages((token) => ask(token, signal))) {
      part = {
        rows: [...part.rows, ...rowsOf(page)],
        unreachable: joined(part.unreachable, page.unreachable),
        whole: page.nextPageToken === "",
      };
      show(part);
    }
    return part;
  });
}

/** Shows how far a list is. */
export function ListProgress({ of: answer }: { of: Answer<Part<unknown>> }) {
  const { data, busy, failure, again, cancel } = answer;
  return (
    <>
      <Progress of={answer} />
      {data && !data.whole && busy && (
        <p role="status" class="note loading">More is being read … <button type="button" onClick={cancel}>Cancel</button></p>
      )}
      {data && !data.whole && !busy && (
        <p role="status" class="warning">
          This is a part of the list. {failure === undefined && <button type="button" onClick={again}>Read all of it</button>}
        </p>
      )}
    </>
  );
}

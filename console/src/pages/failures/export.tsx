// Downloads all rows of a question, also those that are not on the page.
import { useSignal } from "@preact/signals";
import { escaped } from "../../address.js";
import { api, ApiError, read } from "../../api.js";
import { download } from "../../download.js";
import { Failure } from "../../show.js";
import type { Question } from "./filter.js";

/** Returns the address of the export. */
function address(q: Question): string {
  const path = `/v1/vendors/${escaped(q.path.vendor)}/sites/${escaped(q.path.site)}/licenses:export`;
  return `${path}?${new URLSearchParams(Object.entries(q.filter))}`;
}

export function Export({ q }: { q: Question }) {
  const running = useSignal<AbortController | null>(null);
  const failure = useSignal<unknown>(undefined);
  const save = async () => {
    const stop = (running.value = new AbortController());
    failure.value = undefined;
    try {
      download(await readTable(q, stop.signal), "license-requests.csv");
    } catch (reason) {
      if (!stop.signal.aborted) failure.value = reason;
    }
    running.value = null;
  };
  return (
    <>
      <a class="button" href={address(q)} download="license-requests.ndjson">Export NDJSON</a>
      {running.value ? (
        <span role="status">Exporting … <button type="button" onClick={() => running.value?.abort()}>Cancel</button></span>
      ) : <button type="button" onClick={() => void save()}>Export CSV</button>}
      <Failure of={failure.value} />
    </>
  );
}

/** Reads the table. A link cannot ask for it: a header chooses the form of the response. */
async function readTable(q: Question, signal: AbortSignal): Promise<Blob> {
  const called = await api.GET("/v1/vendors/{vendor}/sites/{site}/licenses:export", {
    signal, headers: { Accept: "text/csv" }, parseAs: "blob", params: { path: q.path, query: q.filter },
  });
  const table = await read<Blob>(Promise.resolve(called));
  const end = /\r\nerror,(\w+),(.*)\r\n$/s.exec(await table.slice(-4000).text());
  if (!end) return table;
  // A table whose reading failed on the way is not saved: it would pass for the whole.
  const message = `The export failed on the way, and no file was saved. ${end[2]} (${end[1]})`;
  throw new ApiError({ error: { code: 13, status: "INTERNAL", message, details: [] } }, called.response);
}

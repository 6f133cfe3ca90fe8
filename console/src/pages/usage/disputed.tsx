// The license requests that the two counts treat differently, on the page and as a file for the
// vendor.
import { useSignal } from "@preact/signals";
import { link } from "../../address.js";
import { api, idIn, read, type Schemas } from "../../api.js";
import { download } from "../../download.js";
import { count, Failure, site, time, Viewer, words } from "../../show.js";
import { Table } from "../../table.js";
import { reasons } from "./explanations.js";
import { reconcile, type Asked } from "./reconciled.js";

type Row = Schemas["DisputedRow"];

export function Disputed({ rows, lines, asked }: { rows: Row[]; lines: Schemas["ReconciledLine"][]; asked: Asked }) {
  const all = lines.reduce((sum, l) => sum + l.disputedCount, 0);
  if (all === 0) return <p class="note">No single license request is in dispute.</p>;
  return (
    <>
      <Download all={all} asked={asked} />
      <Table
        caption={`Requests in dispute: ${rows.length < all ? `${count(rows.length)} of ` : ""}${count(all)}`}
        rows={rows}
        id={(_, at) => at}
        columns={[
          { title: "Line", number: true, by: (r) => r.line, cell: (r) => r.line + 1 },
          { title: "Why", by: (r) => r.reason, cell: (r) => reasons[r.reason] ?? words(r.reason) },
          { title: "Time", by: (r) => r.license?.createTime, as: time },
          { title: "Site", by: (r) => r.license?.site, as: site },
          { title: "Viewer", by: (r) => r.license?.userId ?? "", cell: (r) => r.license && <Viewer license={r.license} /> },
          { title: "Content", by: (r) => r.license?.contentId },
          { title: "DRM", by: (r) => r.license?.drmType ?? "", cell: (r) => words(r.license?.drmType) },
          { title: "Device", by: (r) => r.license?.deviceModel },
          { title: "Outcome", by: (r) => r.license?.status ?? "", cell: outcome },
        ]}
      />
    </>
  );
}

/** A refused request leads to the failures with its code. */
function outcome({ license }: Row) {
  if (license?.status !== "FAILURE") return "issued";
  const filter = { vendor: idIn(license.site, "vendors"), code: license.errorCode, period: "90d" };
  return <a href={link(["failures"], filter)}>refused {license.errorCode}</a>;
}

function Download({ all, asked }: { all: number; asked: Asked }) {
  const busy = useSignal<AbortController | null>(null);
  const failure = useSignal<unknown>(undefined);
  const save = async () => {
    if (busy.value) return busy.value.abort();
    const { signal } = (busy.value = new AbortController());
    failure.value = undefined;
    try {
      // A link cannot send the invoice and ask for a table, so the page reads it first.
      const table = api.POST("/v1/vendors/{vendor}/usageReports:reconcile", {
        signal, parseAs: "blob", headers: { Accept: "text/csv" }, ...reconcile(asked, 1000),
      });
      download(await read(table), `disputed-rows-${asked.vendor}-${asked.month}.csv`);
    } catch (reason) {
      if (!signal.aborted) failure.value = reason;
    }
    busy.value = null;
  };
  return (
    <>
      <p class="buttons">
        <button type="button" onClick={() => void save()}>{busy.value ? "Stop the download" : "Download the requests in dispute as CSV"}</button>
      </p>
      {all > 1000 && <p class="note">The file has at most 1,000 requests for each line, and 10,000 in all.</p>}
      <Failure of={failure.value} />
    </>
  );
}

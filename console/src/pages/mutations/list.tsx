// The records of changes, newest first.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { param, query, setParams } from "../../address.js";
import { api, pages, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { Choice, type Option } from "../../fields.js";
import { moving } from "../../pending.js";
import { ago, Mutation, Progress, time, words } from "../../show.js";
import { MutationState } from "../../steps.js";
import { Table, type Column } from "../../table.js";
import { changes, Condition, conditions, Methods, More, rows, shortMethod } from "./filter.js";

type Record = Schemas["Mutation"];
type State = Schemas["MutationState"];

const states: State[] = ["INTENDED", "SENT", "SUCCEEDED", "FAILED", "UNKNOWN"];

/** Returns the state in the address, if it is one. */
const chosen = () => states.find((s) => s === param("state"));

/** The newest records that the address asks for, and whether there are older ones. */
type Found = { records: Record[]; more: boolean };

async function find(signal: AbortSignal): Promise<Found> {
  const wanted = rows();
  const state = chosen();
  const filter = {
    ...(state && { "filter.state": state }),
    ...(param("method") && { "filter.method": param("method") }),
    ...(param("resource") && { "filter.resource": param("resource") }),
    ...(param("subject") && { "filter.subject": param("subject") }),
    ...(param("requestId") && { "filter.requestId": param("requestId") }),
  };
  const records: Record[] = [];
  const ask = (pageToken: string) =>
    api.GET("/v1/mutations", { params: { query: { ...filter, pageToken, pageSize: Math.min(wanted, 1000) } }, signal });
  for await (const page of pages(ask)) {
    records.push(...page.mutations);
    if (records.length >= wanted) return { records, more: page.nextPageToken !== "" };
  }
  return { records, more: false };
}

export function List() {
  const live = useSignal(false);
  const found = useAsk(query.value, find, live.value ? 2000 : 0, conditions());
  const records = found.data?.records ?? [];
  useEffect(() => void (live.value = records.some(moving)), [found.data]);
  return (
    <>
      <h1>Changes</h1>
      <p class="note">What callers of drmhub changed at vendors, newest first. Times are in UTC.{live.value && " This view is live."}</p>
      <form class="filter" role="search" onSubmit={(event) => event.preventDefault()}>
        <Choice label="State" value={chosen() ?? ""} choose={(state) => setParams({ state, rows: undefined })}
          options={[["", "all"], ...states.map((s): Option => [s, words(s)])]} />
        <Condition name="method" label="Method" list="methods" />
        <Condition name="resource" label="Resource" />
        <Condition name="subject" label="Caller" />
        <Condition name="requestId" label="Request id" />
        <button>Search</button>
        <Methods id="methods" only={changes} also={records.map((r) => r.method)} />
      </form>
      <Progress of={found} />
      {found.data && (
        <>
          <Table caption="Changes" rows={records} columns={columns} id={(r) => r.name} empty="No change meets these conditions." />
          {found.data.more && <More busy={found.busy} />}
        </>
      )}
    </>
  );
}

const columns: Column<Record>[] = [
  { title: "Came", by: (r) => r.createTime, as: time },
  { title: "State", by: (r) => r.state, as: (state) => <MutationState state={state} /> },
  { title: "Change", cell: (r) => <Mutation name={r.name} /> },
  { title: "Method", cell: (r) => <span title={r.method}>{shortMethod(r.method)}</span>, by: (r) => shortMethod(r.method) },
  { title: "Resource", cell: (r) => <bdi title={r.resource}>{r.resource}</bdi>, by: (r) => r.resource },
  { title: "Caller", by: (r) => r.subject },
  { title: "Looks again", cell: (r) => (r.nextSettleTime ? ago(r.nextSettleTime) : "–") },
  { title: "Message", cell: (r) => <bdi title={r.message}>{r.message}</bdi> },
];

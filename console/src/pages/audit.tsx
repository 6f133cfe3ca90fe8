// Who did what, and whether the trail is whole.
import { link, param, query } from "../address.js";
import { api, pages, type Schemas } from "../api.js";
import { useAsk } from "../ask.js";
import { Mutation, Progress, State, time, type Tone, utc, words } from "../show.js";
import { Table, type Column } from "../table.js";
import { Verify } from "./audit/verify.js";
import { changes, Condition, conditions, Methods, More, rows, shortMethod } from "./mutations/filter.js";

type Event = Schemas["AuditEvent"];

/** Returns the newest events that the address asks for, and whether there are older ones. */
async function find(signal: AbortSignal) {
  const wanted = rows();
  const filter = {
    ...(param("subject") && { "filter.subject": param("subject") }),
    ...(param("method") && { "filter.method": param("method") }),
    ...(param("resource") && { "filter.resource": param("resource") }),
    ...(param("from") && { "filter.startTime": utc(param("from")) }),
    ...(param("to") && { "filter.endTime": utc(param("to")) }),
  };
  const events: Event[] = [];
  const ask = (pageToken: string) =>
    api.GET("/v1/auditEvents", { params: { query: { ...filter, pageToken, pageSize: Math.min(wanted, 1000) } }, signal });
  for await (const page of pages(ask)) {
    events.push(...page.auditEvents);
    if (events.length >= wanted) return { events, more: page.nextPageToken !== "" };
  }
  return { events, more: false };
}

export function Audit() {
  const found = useAsk(query.value, find, 0, conditions());
  const events = found.data?.events ?? [];
  return (
    <>
      <h1>Audit</h1>
      <p class="note">Every change, every read of a secret, and calls that were refused because of their caller. Newest first, times in UTC.</p>
      <Verify />
      <h2>Events</h2>
      <form class="filter" role="search" onSubmit={(event) => event.preventDefault()}>
        <Condition name="subject" label="Caller" />
        <Condition name="method" label="Method" list="methods" />
        <Condition name="resource" label="Resource" />
        <Condition name="from" label="From (UTC)" type="datetime-local" />
        <Condition name="to" label="Before (UTC)" type="datetime-local" />
        <button>Search</button>
        <button type="button" onClick={found.again}>Ask anew</button>
        <Methods id="methods" only={() => true} also={events.map((e) => e.method)} />
      </form>
      <Progress of={found} />
      {found.data && (
        <>
          <Table caption="Audit events" rows={events} columns={columns} id={(e) => e.name} empty="No event meets these conditions." />
          {found.data.more && <More busy={found.busy} />}
        </>
      )}
    </>
  );
}

const columns: Column<Event>[] = [
  { title: "Time", by: (e) => e.time, as: time },
  { title: "Caller", cell: (e) => (e.subject ? <bdi>{e.subject}</bdi> : <span class="none">no identity</span>), by: (e) => e.subject },
  { title: "Method", cell: (e) => <span title={e.method}>{shortMethod(e.method)}</span>, by: (e) => shortMethod(e.method) },
  { title: "Resource", cell: (e) => <bdi title={e.resource}>{e.resource || "–"}</bdi>, by: (e) => e.resource },
  { title: "Outcome", cell: (e) => <Outcome of={e.outcome} />, by: (e) => e.outcome },
  { title: "Vendor’s code", by: (e) => e.vendorCode },
  { title: "Record", cell: (e) => <Recorded of={e} /> },
  { title: "Event", cell: (e) => <code title={`Hash ${e.hash}. Before: ${e.previousHash || "none"}`}>{e.name.slice(e.name.indexOf("/") + 1)}</code> },
];

/** What the outcomes mean, where their names do not say it. */
const outcomes: Record<string, string> = {
  OK: "done",
  UNKNOWN: "outcome unknown",
  PERMISSION_DENIED: "not permitted",
  UNAUTHENTICATED: "not identified",
  INVALID_ARGUMENT: "request wrong",
  FAILED_PRECONDITION: "not possible then",
  ABORTED: "in the way of another change",
  RESOURCE_EXHAUSTED: "too many calls",
  UNAVAILABLE: "not reached",
  DEADLINE_EXCEEDED: "out of time",
  UNIMPLEMENTED: "not offered",
  INTERNAL: "drmhub failed",
};

const tones: Record<string, Tone> = { OK: "good", UNKNOWN: "warn" };

const Outcome = ({ of: outcome }: { of: string }) => (
  <span title={outcome}><State tone={tones[outcome] ?? "bad"}>{outcomes[outcome] ?? words(outcome)}</State></span>
);

/**
 * Links to the record of a change. An event does not name its record, so that the link may lead to
 * several.
 */
function Recorded({ of: { method, resource, outcome } }: { of: Event }) {
  if (resource.startsWith("mutations/")) return <Mutation name={resource} />;
  const refused = outcome === "PERMISSION_DENIED" || outcome === "UNAUTHENTICATED";
  if (!resource || refused || !changes(method) || method.endsWith("/EraseViewer")) return <span class="none">–</span>;
  return <a href={link(["mutations"], { resource, method })}>changes of this kind</a>;
}

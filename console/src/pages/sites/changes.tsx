// The status changes that a vendor was asked for.
import { api, idIn, type Schemas } from "../../api.js";
import { ChangeButton } from "../../change.js";
import { time, words } from "../../show.js";
import { Table, type Column } from "../../table.js";
import { can } from "../../vendors.js";
import type { Place } from "./site.js";
import { service } from "./site.js";
import { Word } from "./states.js";
import { ListProgress, useList } from "./whole.js";

type Row = Schemas["StatusChange"];

export function StatusChanges({ place }: { place: Place }) {
  if (can(place.vendor, "ListStatusChanges")) return <Changes place={place} />;
  return <p class="note">{place.path.vendor} keeps no list of status changes.</p>;
}

function Changes({ place }: { place: Place }) {
  const { path, turn } = place;
  const answer = useList(
    `changes ${turn}`,
    (pageToken, signal) => api.GET("/v1/vendors/{vendor}/sites/{site}/statusChanges", {
      params: { path, query: { pageToken } }, signal,
    }),
    (page) => page.statusChanges,
  );
  return (
    <>
      <ListProgress of={answer} />
      {answer.data?.whole && answer.data.rows.length === 0 && <p class="note">The vendor shows no status change.</p>}
      {answer.data && answer.data.rows.length > 0 && (
        <Table
          caption="Status changes that the vendor was asked for"
          rows={answer.data.rows}
          id={(change) => change.name}
          columns={columns(place)}
        />
      )}
    </>
  );
}

const columns = (place: Place): Column<Row>[] => [
  { title: "Service", cell: service, by: service },
  { title: "Change", cell: type, by: type },
  { title: "State", cell: (c) => <Word state={c.state} vendors={c.vendorState} />, by: (c) => c.state },
  { title: "Requested", by: (c) => c.createTime, as: time },
  { title: "By", by: (c) => c.requester },
  { title: "Message", cell: (c) => <span title={c.message}>{c.message || "–"}</span> },
  { title: "State since", by: (c) => c.updateTime, as: time },
  { title: "Action", cell: (c) => c.state === "PENDING" && can(place.vendor, "CancelStatusChange") && <Cancel of={c} place={place} /> },
];

const type = (c: Row) => (c.type === "TYPE_UNSPECIFIED" ? `“${c.vendorType}”` : words(c.type));

function Cancel({ of: change, place: { path, again } }: { of: Row; place: Place }) {
  const id = idIn(change.name, "statusChanges");
  return (
    <ChangeButton
      scope="sites:write"
      change={() => ({
        title: `Cancel the request ${id} to ${type(change)}`,
        verb: "Cancel the request",
        means: <p>The vendor drops the request. The site stays as it is.</p>,
        call: (options) => api.POST("/v1/vendors/{vendor}/sites/{site}/statusChanges/{statusChange}:cancel", {
          params: { path: { ...path, statusChange: id } }, body: options,
        }),
        done: again,
      })}
    >Cancel …</ChangeButton>
  );
}

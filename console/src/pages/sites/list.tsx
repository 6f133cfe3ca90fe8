// All sites of all vendors.
import { param, setParams } from "../../address.js";
import { api, ApiError, idIn, type Schemas } from "../../api.js";
import { listArchives } from "../../archives.js";
import { useAsk } from "../../ask.js";
import { may } from "../../caller.js";
import { Choice, type Option, Text } from "../../fields.js";
import { site, time, Unreachable, words } from "../../show.js";
import { Table, type Column } from "../../table.js";
import { listVendors } from "../../vendors.js";
import { ArchiveState, Licenses, SiteState } from "./states.js";
import { short, Without } from "./vendors.js";
import { ListProgress, useList } from "./whole.js";

type Row = Schemas["Site"];

const states: Row["state"][] = ["CREATING", "READY", "RUNNING", "SUSPENDED", "DELETED", "STATE_UNSPECIFIED"];

export function List() {
  const known = useAsk("vendors", listVendors);
  const answer = useList(
    "sites",
    (pageToken, signal) => api.GET("/v1/vendors/{vendor}/sites", {
      params: { path: { vendor: "-" }, query: { pageSize: 1000, pageToken } }, signal,
    }),
    (page) => page.sites,
  );
  const archives = useAsk("archives", archivesBySite);
  const sites = answer.data?.rows ?? [];
  const shown = sites.filter(matches);
  return (
    <>
      <Filter vendors={[...new Set([...(known.data ?? []).map((v) => idIn(v.name, "vendors")), ...sites.map(vendorOf)])]} />
      <Unreachable vendors={short(answer.data?.unreachable ?? [])} />
      <ListProgress of={answer} />
      {answer.data && (
        <Table
          caption={`Sites: ${shown.length} of ${sites.length}`}
          rows={shown}
          id={(site) => site.name}
          sort="sort"
          columns={archives.data ? [...columns, archiveColumn(archives.data)] : columns}
          empty={sites.length === 0 ? "No vendor has a site." : "No site matches. Change the filter."}
        />
      )}
      {archives.failure instanceof ApiError && <p class="note">No archives in this view: {archives.failure.message}</p>}
      <Without vendors={known.data} method="ListSites" what="drmhub has no list of sites for this vendor." />
    </>
  );
}

const vendorOf = (site: Row) => idIn(site.name, "vendors");

const columns: Column<Row>[] = [
  { title: "Site", by: (s) => s.name, as: site },
  { title: "Name", cell: (s) => s.displayName, by: (s) => s.displayName.toLowerCase() },
  { title: "State", cell: (s) => <SiteState of={s} />, by: (s) => s.state },
  { title: "Licenses", cell: (s) => <Licenses of={s} />, by: (s) => (s.enabled ? 1 : 0) },
  { title: "Policy", by: (s) => s.policyId },
  { title: "Created", by: (s) => s.createTime, as: time },
  { title: "Changed", by: (s) => s.updateTime, as: time },
];

type Archives = Map<string, Schemas["Archive"]>;

const archiveColumn = (archives: Archives): Column<Row> => {
  const of = (s: Row) => archives.get(`${s.name}/archive`);
  return { title: "Archive", cell: (s) => <ArchiveState of={of(s)?.state} />, by: (s) => of(s)?.state ?? "" };
};

/** Returns the archives by name, or null without the scope to see them. */
async function archivesBySite(signal: AbortSignal): Promise<Archives | null> {
  if (!may("licenses:read")) return null;
  return new Map((await listArchives(signal)).archives.map((a) => [a.name, a]));
}

/** Reports whether a site is in the view that the address names. */
function matches(site: Row): boolean {
  const text = param("text").toLowerCase();
  const vendor = param("vendor");
  const state = param("state");
  return (
    (!text || site.siteId.toLowerCase().includes(text) || site.displayName.toLowerCase().includes(text)) &&
    (!vendor || vendorOf(site) === vendor) &&
    (!state || (state === "OFF" ? !site.enabled : site.state === state))
  );
}

function Filter({ vendors }: { vendors: string[] }) {
  return (
    <form class="filter" role="search" aria-label="Filter the sites" onSubmit={(event) => event.preventDefault()}>
      <Text label="Id or name" type="search" value={param("text")} set={(text) => setParams({ text })} />
      <Choice label="Vendor" value={param("vendor")} choose={(vendor) => setParams({ vendor })}
        options={[["", "all"], ...vendors.map((v): Option => [v, v])]} />
      <Choice label="State" value={param("state")} choose={(state) => setParams({ state })} options={[
        ["", "any"], ["OFF", "no licenses are issued"],
        ...states.map((s): Option => [s, s === "STATE_UNSPECIFIED" ? "unknown to drmhub" : words(s)]),
      ]} />
    </form>
  );
}

// The devices of the viewer, and the newest license requests at each site.
import { idIn, type Schemas } from "../../api.js";
import { ago, count, plural, Site, State, time, Time, words } from "../../show.js";
import { Table, type Column } from "../../table.js";
import type { Shown } from "./picture.js";

const devices: Column<Schemas["ViewerDevice"]>[] = [
  { title: "Device", cell: (d) => <bdi title={d.deviceId}>{d.deviceId || "–"}</bdi>, by: (d) => d.deviceId },
  { title: "Model", by: (d) => d.deviceModel },
  { title: "Platform", by: (d) => d.platform },
  { title: "Requests", number: true, by: (d) => d.licenseCount },
  { title: "Refused", number: true, by: (d) => d.failureCount },
  { title: "Last seen", cell: (d) => <><Time at={d.lastSeenTime} /> ({ago(d.lastSeenTime)})</>, by: (d) => d.lastSeenTime ?? "" },
];

export function Devices({ viewer }: Shown) {
  return (
    <section aria-label="Devices">
      <h2>Devices</h2>
      <Table caption="Devices that asked for licenses" rows={viewer.devices} columns={devices} id={(_, i) => i} empty="No device is known in this period." />
    </section>
  );
}

const requests: Column<Schemas["License"]>[] = [
  { title: "Time", by: (l) => l.createTime, as: time },
  { title: "Outcome", cell: (l) => <Outcome of={l} />, by: (l) => l.status },
  { title: "Code", by: (l) => l.errorCode },
  { title: "Content", by: (l) => l.contentId },
  { title: "DRM", by: (l) => l.vendorDrmType },
  { title: "Model", by: (l) => l.deviceModel },
  { title: "Platform", by: (l) => l.platform },
];

function Outcome({ of: { status, vendorStatus } }: { of: Schemas["License"] }) {
  if (status === "SUCCESS") return <State tone="good">issued</State>;
  if (status === "FAILURE") return <State tone="bad">refused</State>;
  return <State tone="warn">{words(vendorStatus) || "not known"}</State>;
}

export function History({ viewer }: Shown) {
  return (
    <section aria-label="History by site">
      <h2>History by site</h2>
      {viewer.sites.length === 0 && <p class="none">No license request is known in this period.</p>}
      {viewer.sites.map(({ site, summary, licenses }) => (
        <details key={site} open={viewer.sites.length < 4}>
          <summary>
            {idIn(site, "vendors")}/{idIn(site, "sites")}: {count(summary?.licenseCount)} license requests, {count(summary?.failureCount)} refused,
            on {plural(summary?.deviceCount, "device")}, last {ago(licenses[0]?.createTime)}
          </summary>
          <Table caption={<>The newest {licenses.length} at <Site name={site} /></>} rows={licenses} columns={requests} id={(_, i) => i} />
        </details>
      ))}
    </section>
  );
}

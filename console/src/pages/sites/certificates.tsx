// When the FairPlay certificates end that license servers serve now, the soonest first.
import { param, setParams } from "../../address.js";
import { api, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { Bars, type Bar } from "../../bars.js";
import { site, State, Time, Unreachable } from "../../show.js";
import { Table, type Column } from "../../table.js";
import { listVendors } from "../../vendors.js";
import { Nearness, nearness } from "./states.js";
import { short, Without } from "./vendors.js";
import { ListProgress, useList } from "./whole.js";

/** A site with its certificate, or without one. */
type Row = { site: string; certificate: Schemas["FairPlayCertificate"] | null };

export function Certificates() {
  const known = useAsk("vendors", listVendors);
  const answer = useList(
    "certificates",
    (pageToken, signal) => api.GET("/v1/vendors/{vendor}/sites/{site}/fairPlayCertificates", {
      params: { path: { vendor: "-", site: "-" }, query: { pageToken } }, signal,
    }),
    (page): Row[] => [
      ...page.fairPlayCertificates.map((certificate) => ({ site: certificate.site, certificate })),
      ...page.unservedSites.map((site) => ({ site, certificate: null })),
    ],
  );
  const rows = (answer.data?.rows ?? []).toSorted((a, b) => (ending(a) < ending(b) ? -1 : 1));
  const [soon, month] = [param("soon"), param("month")];
  const shown = rows.filter((row) => (!soon || nearnessOf(row) === soon) && (!month || period(row) === month));
  return (
    <>
      <Unreachable vendors={short(answer.data?.unreachable ?? [])} />
      <ListProgress of={answer} />
      {answer.data && (
        <>
          <div class="columns">
            <Bars caption="How soon they end" bars={bars(rows, nearnessOf)} chosen={soon} choose={(soon) => setParams({ soon })} />
            <Bars caption="By month, and later by year" bars={bars(rows, period)} chosen={month} choose={(month) => setParams({ month })} />
          </div>
          <Table
            caption={`Certificates, the soonest end first: ${shown.length} of ${rows.length}`}
            rows={shown}
            id={(row) => row.site}
            columns={columns}
            empty="No site is in this view."
          />
        </>
      )}
      <p class="note">
        Apple's devices ignore the end, so a certificate that has ended still works. After a registration, a license
        server may serve the certificate before it for a while.
      </p>
      <Without vendors={known.data} method="GetFairPlayCertificate" what="drmhub cannot see which certificate this vendor serves." />
    </>
  );
}

const none = "no certificate is served";

const nearnessOf = ({ certificate }: Row) => (certificate ? nearness(certificate.expireTime).text : none);

/** Returns the end of a certificate. A site without one comes last. */
const ending = ({ certificate }: Row) => (certificate ? certificate.expireTime ?? "~" : "~~");

/**
 * Returns the month of the end, or the year where it is far away. Both begin the time as the API
 * writes it.
 */
function period(row: Row): string {
  const end = row.certificate?.expireTime;
  if (!end) return nearnessOf(row);
  return Date.parse(end) - Date.now() > 2 * 365 * 86_400_000 ? end.slice(0, 4) : end.slice(0, 7);
}

/** Counts rows by a text, in the order of the rows. */
function bars(rows: Row[], of: (row: Row) => string): Bar[] {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(of(row), (counts.get(of(row)) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ value, count, label: label(value) }));
}

/** Writes a month for people: "2027-01" is January 2027. */
const label = (value: string) =>
  /^\d{4}-\d\d$/.test(value)
    ? new Date(`${value}-01T00:00:00Z`).toLocaleString("en-US", { month: "long", year: "numeric", timeZone: "UTC" })
    : value;

const columns: Column<Row>[] = [
  { title: "Ends", cell: (r) => <Time at={r.certificate?.expireTime} />, by: ending },
  { title: "How soon", cell: (r) => (r.certificate ? <Nearness end={r.certificate.expireTime} /> : <State tone="warn">{none}</State>), by: ending },
  { title: "Site", by: (r) => r.site, as: site },
  { title: "Subject", by: (r) => r.certificate?.subject },
  { title: "Key", number: true, cell: (r) => (r.certificate?.keySize ? `${r.certificate.keySize} bits` : "–"), by: (r) => r.certificate?.keySize ?? 0 },
  { title: "SHA-256", cell: (r) => <code title={r.certificate?.fingerprint}>{r.certificate?.fingerprint.slice(0, 16) || "–"}</code> },
];

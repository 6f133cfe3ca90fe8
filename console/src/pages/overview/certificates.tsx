// The FairPlay certificates that end soon, of those that license servers serve now.
import { link } from "../../address.js";
import { api, idIn, pages, type Schemas } from "../../api.js";
import { useAsk, type Answer } from "../../ask.js";
import { may, Needs } from "../../caller.js";
import { ago, count, Progress, site, Site, time, Unreachable } from "../../show.js";
import { Table } from "../../table.js";
import { can, nameOf } from "../../vendors.js";
import { Nearness, nearness } from "../sites/states.js";
import type { Finding } from "./finding.js";

type Certificate = Schemas["FairPlayCertificate"];
type Certificates = { all: Certificate[]; unreachable: string[]; unserved: string[] };

const scope = "sites:read";
const calendar = link(["sites"], { show: "certificates" });

/**
 * Each site costs two requests to its vendor, and a certificate lasts for years. So the page asks
 * seldom.
 */
const every = 600_000;

export const useCertificates = () =>
  useAsk("certificates", async (signal): Promise<Certificates> => {
    const found: Certificates = { all: [], unreachable: [], unserved: [] };
    if (!may(scope)) return found;
    const path = { vendor: "-", site: "-" };
    const ask = (pageToken: string) =>
      api.GET("/v1/vendors/{vendor}/sites/{site}/fairPlayCertificates", { signal, params: { path, query: { pageSize: 1000, pageToken } } });
    for await (const page of pages(ask)) {
      found.all.push(...page.fairPlayCertificates);
      found.unserved.push(...page.unservedSites);
      found.unreachable.push(...page.unreachable);
    }
    found.all.sort((a, b) => (a.expireTime ?? "").localeCompare(b.expireTime ?? ""));
    found.unreachable = [...new Set(found.unreachable)];
    return found;
  }, every);

/** Returns the certificates that have ended or end within 90 days. */
const ending = ({ all }: Certificates) => all.filter((c) => nearness(c.expireTime).tone !== "good");

/** Returns one finding for those that have ended, and one for those that end within 30 days. */
export function certificateFindings(found: Certificates): Finding[] {
  const urgent = ending(found).filter((c) => nearness(c.expireTime).tone === "bad");
  const over = urgent.filter((c) => nearness(c.expireTime).text === "ended");
  const soon = urgent.filter((c) => !over.includes(c));
  return [
    ...finding(over, "ended", (n) => (n === 1 ? "certificate has ended" : "certificates have ended")),
    ...finding(soon, "ends soon", (n) => (n === 1 ? "certificate ends" : "certificates end") + " within 30 days"),
  ];
}

function finding(certificates: Certificate[], word: string, what: (n: number) => string): Finding[] {
  const n = certificates.length;
  if (n === 0) return [];
  const text = (
    <>
      <a href={calendar}>{count(n)} FairPlay {what(n)}</a>:{" "}
      {certificates.slice(0, 3).map((c, at) => <>{at > 0 && ", "}<Site name={c.site} /> {ago(c.expireTime)}</>)}
      {n > 3 && ` and ${count(n - 3)} more, see below`}
    </>
  );
  return [{ id: word, tone: "bad", word, text }];
}

export function Certificates({ of: answer, vendors }: { of: Answer<Certificates>; vendors: Schemas["Vendor"][] }) {
  return (
    <section>
      <h2>FairPlay certificates</h2>
      <Needs scope={scope} to="see certificates">
        <Progress of={answer} />
        {answer.data && <Shown of={answer.data} vendors={vendors} />}
      </Needs>
    </section>
  );
}

function Shown({ of: found, vendors }: { of: Certificates; vendors: Schemas["Vendor"][] }) {
  const rows = ending(found);
  const blind = vendors.filter((v) => !can(v, "GetFairPlayCertificate"));
  const place = (name: string) => (idIn(name, "sites") ? `${idIn(name, "vendors")}/${idIn(name, "sites")}` : nameOf(vendors, name));
  return (
    <>
      <Unreachable vendors={found.unreachable.map(place)} />
      {rows.length > 0 && (
        <Table
          caption="Ended, or end within 90 days"
          rows={rows}
          id={(c) => c.site}
          columns={[
            { title: "End", by: (c) => c.expireTime ?? "", cell: (c) => <Nearness end={c.expireTime} /> },
            { title: "Time", by: (c) => c.expireTime, as: time },
            { title: "Site", by: (c) => c.site, as: site },
            { title: "Issued to", by: (c) => c.subject },
          ]}
        />
      )}
      <p class="note">
        {count(found.all.length - rows.length)} of {count(found.all.length)} served certificates end later than in 90 days.
        {found.unserved.length > 0 && ` ${count(found.unserved.length)} ${found.unserved.length === 1 ? "site serves" : "sites serve"} none.`}
        {blind.length > 0 && ` drmhub cannot see what these vendors serve: ${blind.map((v) => v.displayName).join(", ")}.`}
        {" "}<a href={calendar}>All certificates</a>
      </p>
    </>
  );
}

// One license request: why it was refused, what was read to check that, and who else has the same
// failure.
import { link, param } from "../../address.js";
import { api, idIn, read, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { may } from "../../caller.js";
import { Dialog } from "../../dialog.js";
import { Progress, Site, State, Time, Viewer, words } from "../../show.js";
import { Cohort } from "./cohort.js";
import { Evidence, Explained } from "./explanation.js";
import { drms } from "./filter.js";
import { asked, choose } from "./row.js";

export function RowDialog({ row }: { row: Schemas["License"] }) {
  const refused = row.status !== "SUCCESS";
  // A vendor may show the MD5 alone. With the viewer among the conditions, the row is that
  // viewer's.
  const viewer = row.userId || param("viewer");
  const who = viewer ? { viewer } : row.userIdMd5 ? { md5: row.userIdMd5 } : { device: row.deviceId };
  const title = !refused ? "License issued" : row.errorCode ? `Refused with code ${row.errorCode}` : "Refused without a code";
  return (
    <Dialog title={title} close={() => choose(null)}>
      <Facts of={row} />
      {refused ? <Why row={row} /> : <p>The vendor issued this license. There is no failure to explain.</p>}
      <p class="buttons">
        {viewer && may("viewers:read") && <a class="button" href={link(["viewers", viewer])}>Viewer {viewer}</a>}
        {may("sites:read") && <a class="button" href={link(["sites", idIn(row.site, "vendors"), idIn(row.site, "sites")])}>This site</a>}
        <a class="button" href={link(["failures"], { ...who, status: "ALL", period: "7d" })}>Their requests in 7 days</a>
      </p>
    </Dialog>
  );
}

function Facts({ of: row }: { of: Schemas["License"] }) {
  const facts: [string, string][] = [
    ["Content", row.contentId], ["DRM", drms[row.drmType] ?? row.vendorDrmType], ["Device", row.deviceId],
    ["Device model", row.deviceModel], ["Platform", row.platform], ["Authorized by", row.integrationType],
  ];
  return (
    <dl>
      <dt>When</dt><dd><Time at={row.createTime} /> UTC <State tone={row.status === "FAILURE" ? "bad" : "good"}>{words(row.status)}</State></dd>
      <dt>Viewer</dt><dd><Viewer license={row} /></dd>
      <dt>Site</dt><dd><Site name={row.site} /></dd>
      {facts.filter(([, value]) => value).map(([name, value]) => <><dt>{name}</dt><dd>{value}</dd></>)}
    </dl>
  );
}

function Why({ row }: { row: Schemas["License"] }) {
  const path = { vendor: idIn(row.site, "vendors"), site: idIn(row.site, "sites") };
  const answer = useAsk(JSON.stringify(row), (signal) =>
    read(api.GET("/v1/vendors/{vendor}/sites/{site}/licenses:explain", {
      signal, params: { path, query: { ...asked(row), collectEvidence: true } },
    })));
  return (
    <section aria-busy={answer.busy} aria-label="Why it was refused">
      <h3>Why</h3>
      <Progress of={answer} />
      {answer.data && (
        <>
          <Explained of={answer.data} />
          <Evidence of={answer.data.evidence} />
          <Cohort site={row.site} path={path} code={row.errorCode} impact={answer.data.impact} />
        </>
      )}
    </section>
  );
}

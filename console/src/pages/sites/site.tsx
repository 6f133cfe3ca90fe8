// One site: what it is, and what can be done about it.
import { link } from "../../address.js";
import { api, read, type Schemas } from "../../api.js";
import { useAsk, type Answer } from "../../ask.js";
import { may, Needs } from "../../caller.js";
import { Progress, Time, words } from "../../show.js";
import { can } from "../../vendors.js";
import { Archive } from "./archive.js";
import { StatusChanges } from "./changes.js";
import { Edit } from "./edit.js";
import { FairPlay } from "./fairplay.js";
import { Integration } from "./integration.js";
import { Licenses, SiteState, Word } from "./states.js";
import { Switches } from "./switch.js";
import { UsageNow } from "./usage.js";
import { vendorOf, type Vendor } from "./vendors.js";

/** What every part of the page knows. */
export type Place = {
  path: { vendor: string; site: string };
  vendor: Vendor | undefined;
  /** Reads the site and its status changes again after a change. */
  again: () => void;
  /** Counts what `again` was called for. */
  turn: number;
};

type Known = { vendor: Vendor | undefined; site: Schemas["Site"] | undefined };

export function One(path: { vendor: string; site: string }) {
  const answer = useAsk("site", async (signal): Promise<Known & { turn: number }> => {
    const vendor = await vendorOf(path.vendor, signal);
    const site = can(vendor, "GetSite")
      ? await read(api.GET("/v1/vendors/{vendor}/sites/{site}", { params: { path }, signal }))
      : undefined;
    return { vendor, site, turn: Date.now() };
  });
  return (
    <>
      <p class="note"><a href={link(["sites"])}>All sites</a></p>
      <h1>{path.vendor}/{path.site}</h1>
      <Progress of={answer} />
      {answer.data && <Whole path={path} answer={answer} known={answer.data} turn={answer.data.turn} />}
    </>
  );
}

function Whole({ path, answer, known, turn }: {
  path: Place["path"];
  answer: Answer<unknown>;
  known: Known;
  turn: number;
}) {
  const { vendor, site } = known;
  const place: Place = { path, vendor, turn, again: answer.again };
  return (
    <>
      <Links path={path} />
      <div class="columns three">
        <section aria-labelledby="now">
          <h2 id="now">Site</h2>
          {site ? <Fields of={site} /> : <p class="note">drmhub cannot read a site of {path.vendor}.</p>}
          {site && may("sites:write") && <Edit place={place} site={site} />}
        </section>
        <UsageNow place={place} />
        {may("licenses:read") && <Archive place={place} />}
      </div>
      <section aria-labelledby="status">
        <h2 id="status">Switch off and on</h2>
        <Needs scope="sites:write" to="change this site">{site && <Switches place={place} site={site} />}</Needs>
        <StatusChanges place={place} />
      </section>
      <div class="columns">
        <Integration place={place} />
        <FairPlay place={place} site={site} />
      </div>
    </>
  );
}

function Fields({ of: site }: { of: Schemas["Site"] }) {
  return (
    <dl>
      <dt>Id</dt><dd>{site.siteId}</dd>
      <dt>Name</dt><dd>{site.displayName || "–"}</dd>
      <dt>State</dt><dd><SiteState of={site} /></dd>
      <dt>Licenses</dt><dd><Licenses of={site} /></dd>
      {site.services.map((s) => (
        <><dt>{service(s)}</dt><dd><Word state={s.state} vendors={s.vendorState} /></dd></>
      ))}
      <dt>Policy</dt><dd>{site.policyId || "–"}</dd>
      <dt>Created</dt><dd><Time at={site.createTime} /></dd>
      <dt>Changed</dt><dd><Time at={site.updateTime} /></dd>
    </dl>
  );
}

/** Names a service for people. */
export function service({ service, vendorService }: { service: Schemas["SiteService"]; vendorService: string }): string {
  if (service === "DRM") return "DRM";
  return service === "SERVICE_UNSPECIFIED" ? `Service ${vendorService}` : words(service);
}

function Links({ path: { vendor, site } }: { path: Place["path"] }) {
  const name = `vendors/${escaped(vendor)}/sites/${escaped(site)}`;
  return (
    <p class="links">
      {may("licenses:read") && <a href={link(["failures"], { vendor, site })}>Failures</a>}
      {may("licenses:read") && <a href={link(["usage"], { vendor, site })}>Usage by month</a>}
      {may("mutations:read") && <a href={link(["mutations"], { resource: name })}>Changes by drmhub</a>}
    </p>
  );
}

/** Escapes what a part of a name cannot hold. */
const escaped = (id: string) => id.replaceAll("%", "%25").replaceAll("/", "%2F");

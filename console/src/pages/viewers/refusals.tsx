// Explains what was refused: who must act, and what to do.
import { link } from "../../address.js";
import type { Schemas } from "../../api.js";
import { may } from "../../caller.js";
import { ago, plural, Site, Time } from "../../show.js";
import type { Shown } from "./picture.js";
import { missingFor, reason } from "./verdict.js";

const owners: Record<Schemas["ExplanationOwner"], string> = {
  OWNER_UNSPECIFIED: "not known",
  VIEWER: "the viewer",
  INTEGRATOR: "the team of the app or its back end",
  OPERATOR: "the team of the DRM settings",
  VENDOR: "the vendor",
};

const retries: Record<Schemas["ExplanationRetryable"], string> = {
  RETRYABLE_UNSPECIFIED: "not known whether it helps",
  NO: "helps only after somebody has acted",
  NEW_REQUEST: "helps with a new request or a new token",
  YES: "may help later",
};

const founded: Record<Schemas["ExplanationConfidence"], string> = {
  CONFIDENCE_UNSPECIFIED: "nothing is known about the code",
  CONFIRMED: "the vendor’s own words",
  INFERRED_REMEDY: "the meaning is the vendor’s, the remedy is drmhub’s",
  INFERRED: "seen in use, the meaning is a guess",
};

export function Refusals(shown: Shown) {
  const { failures } = shown.viewer;
  const missing = missingFor(shown.viewer, "sites");
  return (
    <section aria-label="Refused license requests">
      <h2>Refused, and why</h2>
      {failures.length === 0 && (
        <p class="none">{missing.length ? "No refused request is known." : "No license request was refused in this period."}</p>
      )}
      <div class="cards">{failures.map((f, i) => <Refusal key={i} period={shown.since} of={f} />)}</div>
    </section>
  );
}

/** Names the viewer as the site does: by id, or by the MD5 of the id. */
const who = (license: Schemas["License"] | null) =>
  license?.userId ? { viewer: license.userId } : { md5: license?.userIdMd5 };

function Refusal({ period, of: { license, explanation, count: n } }: { period: string; of: Schemas["ViewerFailure"] }) {
  const code = license?.errorCode ?? "";
  return (
    <article class="card">
      <h3>{code ? `Code ${code}` : "No code"}: {reason(explanation)}</h3>
      <p>{explanation?.meaning}</p>
      <dl>
        <dt>How often</dt><dd>{plural(n, "time")} at <Site name={license?.site} /></dd>
        <dt>Last</dt><dd><Time at={license?.createTime} /> ({ago(license?.createTime)})</dd>
        <dt>Content</dt><dd><bdi>{license?.contentId || "–"}</bdi></dd>
        <dt>Device</dt><dd><bdi>{license?.deviceModel || "–"}</bdi>, {license?.platform || "platform not shown"}, {license?.vendorDrmType}</dd>
        <dt>Who must act</dt><dd><b>{owners[explanation?.owner ?? "OWNER_UNSPECIFIED"]}</b></dd>
        <dt>To try again</dt><dd>{retries[explanation?.retryable ?? "RETRYABLE_UNSPECIFIED"]}</dd>
        <dt>Founded on</dt><dd>{founded[explanation?.confidence ?? "CONFIDENCE_UNSPECIFIED"]}</dd>
      </dl>
      {explanation && explanation.fixes.length > 0 && (
        <><h4>What to do</h4><ol>{explanation.fixes.map((fix) => <li key={fix}>{fix}</li>)}</ol></>
      )}
      {may("licenses:read") && (
        <p><a href={link(["failures"], { ...who(license), code, site: license?.site, period })}>Failures of this viewer{code && ` with code ${code}`}</a></p>
      )}
    </article>
  );
}

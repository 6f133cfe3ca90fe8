// Explains what was refused: who must act, and what to do.
import { link } from "../../address.js";
import type { Schemas } from "../../api.js";
import { may } from "../../caller.js";
import { confidences, owners, retries } from "../../explanations.js";
import { ago, plural, Site, Time } from "../../show.js";
import type { Shown } from "./picture.js";
import { missingFor, reason } from "./verdict.js";

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
        <dt>Founded on</dt><dd>{confidences[explanation?.confidence ?? "CONFIDENCE_UNSPECIFIED"]}</dd>
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

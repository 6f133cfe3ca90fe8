// Says in words whether the viewer may play, and what was refused.
import type { ComponentChildren } from "preact";
import { idIn, type Schemas } from "../../api.js";
import { caller } from "../../caller.js";
import { ago, count, plural, Site, State, Time, words, type Tone } from "../../show.js";
import type { Shown } from "./picture.js";
import { anyCan } from "./vendors.js";

export function Verdict(shown: Shown) {
  return (
    <section aria-label="Verdict" class="card">
      <p><Rights {...shown} /></p>
      <p><Requests {...shown} /></p>
      <ul>{shown.viewer.failures.slice(0, 3).map((f, i) => <li key={i}><Refusal of={f} /></li>)}</ul>
      <Newest {...shown} />
    </section>
  );
}

function Line({ tone, word, children }: { tone: Tone; word: string; children: ComponentChildren }) {
  return <><State tone={tone}>{word}</State> {children}</>;
}

/** The vendors that could not be asked for a part. */
export const missingFor = (viewer: Schemas["Viewer"], part: string) =>
  viewer.unreachable.filter((u) => u.part === part).map((u) => idIn(u.vendor, "vendors"));

/** Says what product licenses allow now. */
function Rights({ viewer, offer }: Shown) {
  const licenses = viewer.productLicenses.length;
  const missing = missingFor(viewer, "product_licenses");
  const but = missing.length > 0 && ` ${missing.join(", ")} could not be asked.`;
  if (licenses > 0) return <Line tone="good" word="may play">{plural(licenses, "license")} now.{but}</Line>;
  if (but) return <Line tone="warn" word="not known">Whether a product license allows playback is not known.{but}</Line>;
  if (caller.value?.sitesConfined) return <Line tone="dim" word="not known">Product licenses may be outside what you may see.</Line>;
  if (!anyCan(offer.vendors, "ListProductLicenses")) {
    return <Line tone="dim" word="no statement">No vendor here keeps product licenses. The tokens of your service decide.</Line>;
  }
  return <Line tone="warn" word="no license">No product license allows playback now.</Line>;
}

/** Says how many license requests were refused. */
function Requests({ viewer }: Shown) {
  const sum = (of: "licenseCount" | "failureCount") => viewer.sites.reduce((n, s) => n + (s.summary?.[of] ?? 0), 0);
  const [all, refused] = [sum("licenseCount"), sum("failureCount")];
  const missing = missingFor(viewer, "sites");
  const but = missing.length > 0 && ` ${missing.join(", ")} could not be asked completely.`;
  const since = <>since <Time at={viewer.startTime} /></>;
  if (refused > 0) {
    return <Line tone="bad" word="refused">{plural(refused, "time")} of {count(all)} license requests {since}.{but}</Line>;
  }
  if (all > 0) return <Line tone="good" word="not refused">All {count(all)} license requests {since} succeeded.{but}</Line>;
  if (but) return <Line tone="warn" word="not known">No license request is known {since}.{but}</Line>;
  return <Line tone="dim" word="no requests">The archive holds no license request of this viewer {since}.</Line>;
}

function Refusal({ of: { license, explanation, count: n } }: { of: Schemas["ViewerFailure"] }) {
  return (
    <>
      {reason(explanation)}
      {license?.errorCode && <> (code {license.errorCode})</>}, {plural(n, "time")}, at <Site name={license?.site} />,
      last {ago(license?.createTime)}
    </>
  );
}

/** Returns why a request was refused, in a few words. */
export const reason = (explanation: Schemas["Explanation"] | null) =>
  !explanation || explanation.class === "UNKNOWN" ? "reason not known" : words(explanation.class);

/** Says how the newest license request ended, since an old refusal may be over. */
function Newest({ viewer }: Shown) {
  const newest = viewer.sites[0]?.licenses[0];
  if (!newest) return null;
  const word = newest.status === "FAILURE" ? "was refused" : newest.status === "SUCCESS" ? "succeeded" : `ended as ${newest.vendorStatus}`;
  return <p>The newest license request {word} {ago(newest.createTime)}, at <Site name={newest.site} />.</p>;
}

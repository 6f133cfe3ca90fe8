// Names what could not be asked, and how far the archive reaches.
import { idIn, type Schemas } from "../../api.js";
import { Coverage, Time } from "../../show.js";
import type { Shown } from "./picture.js";

const parts: Record<string, string> = {
  product_licenses: "product licenses",
  drm_accounts: "DRM accounts",
  sites: "license requests",
};

/**
 * How old the newest part of the archive may be before a site counts as incomplete, in
 * milliseconds.
 */
const fresh = 15 * 60_000;

export function Missing({ viewer }: Shown) {
  const start = Date.parse(viewer.startTime ?? "");
  const lacks = ({ complete, startTime, endTime }: Schemas["Coverage"]) =>
    !complete && (!startTime || !endTime || Date.parse(startTime) > start || Date.now() - Date.parse(endTime) > fresh);
  const ends = viewer.coverage.filter((c) => !lacks(c)).flatMap((c) => c.endTime ?? []).sort();
  return (
    <>
      {viewer.unreachable.length > 0 && (
        <section role="status" class="warning" aria-label="Not in this view">
          <p>Not in this view:</p>
          <ul>
            {viewer.unreachable.map((u) => (
              <li key={`${u.vendor} ${u.part}`}>
                {parts[u.part] ?? u.part} at {idIn(u.vendor, "vendors")}: {u.error?.message}
              </li>
            ))}
          </ul>
        </section>
      )}
      {ends[0] && <p class="note">License requests are read up to <Time at={ends[0]} />.</p>}
      <Coverage of={viewer.coverage.filter(lacks)} />
    </>
  );
}

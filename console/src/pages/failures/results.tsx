// What a question found: counts, plot, bars, rows, and what is missing from them.
import { param } from "../../address.js";
import { idIn, type Schemas } from "../../api.js";
import type { Answer } from "../../ask.js";
import { count, Coverage, plural, Progress } from "../../show.js";
import { absent, nameOf } from "../../vendors.js";
import { Unlisted } from "../../unlisted.js";
import { By, OverTime } from "./charts.js";
import { Code } from "./code.js";
import { tally, vendorOf, type Counts } from "./counts.js";
import { statuses, type Question } from "./filter.js";
import { Rows, useFind, useMatches } from "./rows.js";
import type { Found } from "./search.js";

export function Results({ q, found, busy, more, counts, vendors }: {
  q: Question;
  found: Found;
  busy: boolean;
  more: () => void;
  counts: Answer<Counts>;
  vendors: Schemas["Vendor"][];
}) {
  const { text, find } = useFind();
  const matches = useMatches(found.rows, text);
  const whole = counts.data && (counts.busy || counts.data.key === q.key) ? counts.data : undefined;
  // While a person finds words, plot and bars follow the rows.
  const view = whole && text ? tally(matches, whole.interval) : whole;
  const status = q.filter["filter.status"];
  const of = (status && statuses[status]) || "all";
  const names = vendors.length ? vendors.map((v) => v.name) : [...new Set(found.coverage.map((c) => vendorOf(c.site)))];
  return (
    <div aria-busy={busy || counts.busy}>
      <Progress of={counts} />
      {whole && view && (
        <>
          <p><Summary counts={whole} of={of} found={text ? matches.length : undefined} on={found.rows.length} /></p>
          <div class="columns">
            <OverTime q={q} counts={whole} steps={view.steps} vendors={names} of={`${of[0]!.toUpperCase()}${of.slice(1)} requests`} />
            <By dimension="ERROR_CODE" parts={view.parts} />
          </div>
          {param("code") && found.key === q.key && whole.key === q.key && <Code q={q} counts={whole} found={found} />}
        </>
      )}
      <Missing q={q} found={found} vendors={vendors} />
      <Rows found={found} matches={matches} text={text} find={find} more={more} busy={busy} />
      {view && (
        <section aria-labelledby="by">
          <h2 id="by">Who is affected</h2>
          <div class="columns">
            {(["DEVICE_MODEL", "PLATFORM", "DRM_TYPE", "CONTENT", "SITE"] as const).map((d) => <By key={d} dimension={d} parts={view.parts} />)}
          </div>
        </section>
      )}
    </div>
  );
}

/** Says in one sentence how much there is. */
function Summary({ counts, of, found, on }: { counts: Counts; of: string; found: number | undefined; on: number }) {
  return (
    <>
      <b>{plural(counts.total, of === "all" ? "license request" : `${of} request`)}</b>
      {of === "all" && `, ${count(counts.refused)} of them refused`}: {plural(counts.viewers, "viewer")}, {plural(counts.devices, "device")}.
      {found !== undefined && (
        <> The plot and the bars count the {plural(found, "found row")} of the {count(on)} on this page.</>
      )}
    </>
  );
}

/** Names what the counts and the rows do not hold. */
function Missing({ q, found, vendors }: { q: Question; found: Found; vendors: Schemas["Vendor"][] }) {
  const { without, unreachable } = absent(vendors, found.unreachable);
  return (
    <>
      {vendors.length > 0 ? <Unlisted of={unreachable} seen={found.coverage.map((c) => c.site)} vendors={vendors} /> : unreachable.length > 0 && (
        <p class="warning">Not in this view: {unreachable.map((v) => idIn(v, "vendors")).join(", ")}. Each shows no license history, or could not be asked.</p>
      )}
      {without.length > 0 && <p class="note">No license history: {without.map((v) => nameOf(vendors, v)).join(", ")}.</p>}
      <Coverage of={gaps(q, found.coverage)} />
    </>
  );
}

/**
 * How old the newest reading of a site may be, in milliseconds. An archive's lag is 15 minutes by
 * default.
 */
const recent = 30 * 60_000;

/**
 * Returns the sites of which the archive lacks a part of the period. A period without an end is
 * never complete.
 */
function gaps(q: Question, coverage: Schemas["Coverage"][]): Schemas["Coverage"][] {
  if (!q.open) return coverage;
  return coverage.filter(({ startTime, endTime }) =>
    !startTime || !endTime || Date.parse(startTime) > q.from + 1000 || Date.parse(endTime) < q.to - recent);
}

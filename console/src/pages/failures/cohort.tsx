// Who else has the same failure: how many, since when, and what they have in common.
import { link } from "../../address.js";
import type { Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { ago, count, plural, Progress, Time } from "../../show.js";
import { summarize, topOf, type Dimension, type Part } from "./counts.js";
import { drms, type Filter } from "./filter.js";

/** The properties that failures may have in common. */
export const compared = ["DEVICE_MODEL", "PLATFORM", "DRM_TYPE", "CONTENT"] as const;

/** Shows the failures with the same code at the same site. */
export function Cohort({ site, path, code, impact }: {
  site: string;
  path: { vendor: string; site: string };
  code: string;
  impact: Schemas["ExplanationImpact"] | null;
}) {
  if (!impact?.startTime || !impact.endTime) return <p class="note">Who else has it is not known: no archive was read.</p>;
  const filter: Filter = { "filter.status": "FAILURE", "filter.startTime": impact.startTime, "filter.endTime": impact.endTime };
  if (code) filter["filter.errorCode"] = code;
  const same = link(["failures"], { code, site, from: impact.startTime, to: impact.endTime });
  const name = code ? `code ${code}` : "no code";
  return (
    <section aria-label="Who else">
      <h3>Who else</h3>
      <p>
        From <Time at={impact.startTime} /> to <Time at={impact.endTime} />, {count(impact.failureCount)} of{" "}
        {count(impact.licenseCount)} license requests at this site were refused with {name}:{" "}
        {plural(impact.userCount, "viewer")}, {plural(impact.deviceCount, "device")} of {plural(impact.deviceModelCount, "model")},{" "}
        {plural(impact.contentCount, "content")}.
      </p>
      {impact.firstFailureTime && (
        <p>It has come in every hour since <Time at={impact.firstFailureTime} /> ({ago(impact.firstFailureTime)}).</p>
      )}
      {impact.failureCount > 1 && <InCommon path={path} code={code} filter={filter} />}
      <p><a href={same}>Show {code ? `all of them` : "all refused requests of this site"}</a></p>
    </section>
  );
}

function InCommon({ path, code, filter }: { path: { vendor: string; site: string }; code: string; filter: Filter }) {
  const answer = useAsk(JSON.stringify([path, filter, code]), async (signal) => {
    const groupBy = ["ERROR_CODE" as const, ...compared];
    const { summaries, nextPageToken } = await summarize({ path }, filter, { groupBy }, 1000, signal);
    // No condition finds the rows without a code.
    const mine = summaries.filter((s) => s.keys[0] === code);
    const parts = compared.map((d, at) => [d, topOf(mine, (s) => s.keys[at + 1] ?? "", (s) => s.licenseCount)] as const);
    return { parts, total: mine.reduce((n, s) => n + s.licenseCount, 0), whole: !nextPageToken };
  });
  return (
    <>
      <Progress of={answer} />
      {answer.data && (answer.data.whole
        ? <Common parts={answer.data.parts} total={answer.data.total} />
        : <p class="note">They are too many to compare here. Show all of them, and look at the bars.</p>)}
    </>
  );
}

const names: Partial<Record<Dimension, string>> = {
  DEVICE_MODEL: "device model", PLATFORM: "platform", DRM_TYPE: "DRM", CONTENT: "content", SITE: "site",
};

/** Names what at least four in five of some failures have in common. */
export function Common({ parts, total }: { parts: (readonly [Dimension, Part])[]; total: number }) {
  const shared = parts.flatMap(([dimension, { top }]) => {
    const most = top[0];
    if (!most?.value || most.count < 0.8 * total) return [];
    const value = Object.entries(drms).find(([drm]) => drm === most.value)?.[1] ?? most.value;
    return [{ name: names[dimension] ?? "", value, count: most.count }];
  });
  if (shared.length === 0) return <p>They have no device model, platform, DRM or content in common.</p>;
  return (
    <p>
      In common:{" "}
      {shared.map((s, at) => (
        <span key={s.name}>
          {at > 0 && ", "}{s.name} <b>{s.value}</b> ({s.count === total ? "all" : `${count(s.count)} of ${count(total)}`})
        </span>
      ))}.
    </p>
  );
}

// Why two counts differ, in words.
import type { Schemas } from "../../api.js";
import { Long } from "../../long.js";
import { beside } from "./signed.js";

/** What each reason is called. */
export const reasons: Record<string, string> = {
  VENDOR_FIGURE_EARLIER: "earlier figure",
  FAILURES_COUNTED: "refused requests",
  OTHER_TIME_ZONE: "other time zone",
  USERS_WITHOUT_ID: "users without an id",
  DRIFT: "drift",
  INCOMPLETE_COVERAGE: "archive not complete",
  UNEXPLAINED: "not explained",
};

export function Explanations({ of: explanations }: { of: Schemas["UsageReportExplanation"][] }) {
  if (explanations.length === 0) return <>–</>;
  return (
    <div class="wrap">
      {explanations.map((e) => (
        <div key={`${e.reason} ${e.message}`}>
          <b>{reasons[e.reason] ?? e.reason}</b>{e.figures && <Accounts of={e.figures} />}: <Long text={e.message} />
        </div>
      ))}
    </div>
  );
}

/**
 * For how much of the difference a reason accounts. The figures are positive where the archive
 * counts more.
 */
function Accounts({ of: { licenses, users, devices } }: { of: Schemas["UsageReportFigures"] }) {
  const all = [{ n: licenses, of: "licenses" }, { n: users, of: "users" }, { n: devices, of: "devices" }];
  const parts = all.filter((p) => p.n !== 0).map((p) => `${beside(-p.n)} ${p.of}`);
  return parts.length > 0 ? <> (the vendor has {parts.join(", ")})</> : null;
}

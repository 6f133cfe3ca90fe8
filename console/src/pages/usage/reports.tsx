// The reports as a table: each figure of the archive, and the vendor's where it differs.
import { idIn, type Schemas } from "../../api.js";
import { count, site, State, Time } from "../../show.js";
import { Table } from "../../table.js";
import { beside } from "./signed.js";
import { Explanations } from "./explanations.js";

type Report = Schemas["UsageReport"];
type Figure = "licenses" | "users" | "devices";

const differs = ({ difference: d }: Report) => !!d && (d.licenses !== 0 || d.users !== 0 || d.devices !== 0);

export function Reports({ reports }: { reports: Report[] }) {
  const differing = reports.filter(differs).length;
  const without = reports.filter((r) => !r.vendor).length;
  const equal = reports.length - differing - without;
  const figure = (title: string, name: Figure) => ({
    title,
    number: true,
    by: (r: Report) => r.archived?.[name] ?? -1,
    cell: (r: Report) => <Pair of={r} name={name} />,
  });
  return (
    <>
      {reports.length > 0 && (
        <p role="status">
          {differing > 0 && <State tone="warn">{differing} differ</State>}
          {differing === 0 && equal > 0 && <State tone="good">none differs</State>}
          {" "}{count(equal)} of {count(reports.length)} months agree with the vendor.
          {without > 0 && ` For ${count(without)}, the vendor shows no figure.`}
        </p>
      )}
      <Table
        sort="sort"
        caption="Archive and vendor, by site and month"
        rows={reports}
        id={(r) => `${r.site} ${r.month}`}
        empty="The archive holds no such month."
        columns={[
          { title: "Site", by: (r) => r.site, as: site },
          { title: "Month", by: (r) => r.month },
          figure("Licenses", "licenses"),
          figure("Users", "users"),
          figure("Devices", "devices"),
          { title: "Vendor", by: order, cell: why },
          { title: "The archive has", by: (r) => (r.coverage?.complete ? 1 : 0), cell: complete },
        ]}
      />
      <Rules reports={reports} />
    </>
  );
}

/** The archive's count, with the vendor's below it where that is another one. */
function Pair({ of: report, name }: { of: Report; name: Figure }) {
  const vendor = report.vendor?.[name];
  const difference = report.difference?.[name] ?? 0;
  return (
    <>
      {report.archived ? count(report.archived[name]) : "–"}
      {vendor !== undefined && difference !== 0 && (
        <div class="warn">vendor {count(vendor)}, {beside(-difference)}</div>
      )}
    </>
  );
}

/** Orders by what needs a look. */
const order = (r: Report) => (differs(r) ? `0 ${r.explanations[0]?.reason}` : r.vendor ? "2" : "1");

/** Says what the vendor counts, and why that differs. */
function why(r: Report) {
  if (!r.vendor) return <div class="wrap note">No vendor figure: {r.vendorError?.message || "the vendor gave no reason."}</div>;
  return differs(r) ? <Explanations of={r.explanations} /> : <span class="note">counts the same</span>;
}

function complete({ coverage }: Report) {
  if (coverage?.complete) return "the whole month";
  if (!coverage?.startTime) return <span class="warn">nothing of it</span>;
  return <div class="note">from <Time at={coverage.startTime} /><br />to <Time at={coverage.endTime} /></div>;
}

/** How each vendor counts. */
function Rules({ reports }: { reports: Report[] }) {
  const rules = new Map<string, Schemas["UsageReportCountingRule"]>();
  for (const { site, countingRule } of reports) if (countingRule) rules.set(idIn(site, "vendors"), countingRule);
  return <>{[...rules].map(([vendor, rule]) => <Rule key={vendor} vendor={vendor} of={rule} />)}</>;
}

export function Rule({ vendor, of: rule }: { vendor: string; of: Schemas["UsageReportCountingRule"] }) {
  return (
    <details>
      <summary>How {vendor} counts</summary>
      <p>{rule.description}</p>
      <p class="note">
        Refused requests {rule.countsFailures ? "count" : "do not count"}. Rows without a user {rule.countsMissingUser ? "are one user" : "are no user"}.
        Months are those of the time zone {rule.timeZone}. Source: {rule.source}
      </p>
    </details>
  );
}

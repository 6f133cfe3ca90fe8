// Issued and refused licenses of the last day or week, by vendor or by DRM.
import { link, param, setParams } from "../../address.js";
import { api, joined, pages, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { Needs } from "../../caller.js";
import { Choice } from "../../fields.js";
import { Plot } from "../../plot.js";
import { count, Coverage, Progress } from "../../show.js";
import { Table } from "../../table.js";
import { Unlisted } from "../../unlisted.js";
import { absent, nameOf } from "../../vendors.js";
import { groups, isLate, spans, timesOf, type Group } from "./groups.js";

/** What was counted, and how it was asked for. */
type Traffic = {
  by: "VENDOR" | "DRM_TYPE";
  span: (typeof spans)[number];
  times: number[];
  rows: Schemas["LicenseSummary"][];
  coverage: Schemas["Coverage"][];
  unreachable: string[];
};

type Props = { vendors: Schemas["Vendor"][]; every: number };

export function Licenses(props: Props) {
  return (
    <section>
      <h2>Licenses</h2>
      <Needs scope="licenses:read" to="see licenses and failures"><Inside {...props} /></Needs>
    </section>
  );
}

function Inside({ vendors, every }: Props) {
  const span = spans.find((s) => s.value === param("period")) ?? spans[0]!;
  const by = param("by") === "drm" ? "DRM_TYPE" : "VENDOR";
  const answer = useAsk(`${span.value} ${by}`, async (signal): Promise<Traffic> => {
    const times = timesOf(span, Date.now() / 1000);
    const startTime = new Date(times[0]! * 1000).toISOString();
    const path = { vendor: "-", site: "-" };
    const rows: Schemas["LicenseSummary"][] = [];
    let coverage: Schemas["Coverage"][] = [];
    let unreachable: string[] = [];
    const ask = (pageToken: string) =>
      api.GET("/v1/vendors/{vendor}/sites/{site}/licenses:summarize", {
        signal,
        params: { path, query: { "filter.startTime": startTime, interval: span.interval, groupBy: [by], pageSize: 1000, pageToken } },
      });
    for await (const page of pages(ask)) {
      rows.push(...page.summaries);
      coverage = page.coverage;
      unreachable = joined(unreachable, page.unreachable);
    }
    return { by, span, times, rows, coverage, unreachable };
  }, every);

  return (
    <>
      <form class="filter" onSubmit={(e) => e.preventDefault()}>
        <Choice label="Period" value={span.value} choose={(period) => setParams({ period })} options={spans.map((s) => [s.value, s.label])} />
        <Choice label="By" value={by === "VENDOR" ? "vendor" : "drm"} choose={(by) => setParams({ by })} options={[["vendor", "Vendor"], ["drm", "DRM"]]} />
      </form>
      <Progress of={answer} />
      {answer.data && <Shown of={answer.data} vendors={vendors} />}
    </>
  );
}

function Shown({ of: { by, span, times, rows, coverage, unreachable }, vendors }: { of: Traffic; vendors: Schemas["Vendor"][] }) {
  const all = groups(by, rows, times, vendors, unreachable);
  const missing = absent(vendors, unreachable);
  const filter = (g: Group) => ({ ...g.filter, period: span.period });
  const series = (pick: (g: Group) => number[]) => all.map((g) => ({ label: g.label, place: g.place, values: pick(g) }));
  return (
    <>
      <Unlisted of={missing.unreachable} seen={coverage.map((c) => c.site)} vendors={vendors} />
      <Coverage of={coverage.filter((c) => isLate(c, times[0]!, Date.now() / 1000))} />
      <div class="columns">
        <Plot caption={`Refused requests by ${span.unit}`} times={times} series={series((g) => g.refused)} />
        <Plot caption={`Issued licenses by ${span.unit}`} times={times} series={series((g) => g.issued)} />
      </div>
      <p class="note">Times are UTC. The last {span.unit} is not over.</p>
      <Table
        caption={`${span.label} in all`}
        rows={all}
        id={(g) => g.key}
        empty="No license was asked for in this time."
        columns={[
          { title: by === "VENDOR" ? "Vendor" : "DRM", cell: (g) => g.label },
          { title: "Refused", number: true, by: (g) => sum(g.refused), cell: (g) => <a href={link(["failures"], filter(g))}>{count(sum(g.refused))}</a> },
          { title: "Share", number: true, by: share, cell: (g) => `${share(g).toFixed(1)} %` },
          { title: "Issued", number: true, by: (g) => sum(g.issued), cell: (g) => <a href={link(["failures"], { ...filter(g), status: "SUCCESS" })}>{count(sum(g.issued))}</a> },
        ]}
      />
      {missing.without.length > 0 && <p class="note">No license history: {missing.without.map((name) => nameOf(vendors, name)).join(", ")}.</p>}
    </>
  );
}

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);

/** Returns how many of a hundred requests were refused. */
const share = (g: Group) => (100 * sum(g.refused)) / Math.max(1, sum(g.refused) + sum(g.issued));

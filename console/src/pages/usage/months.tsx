// The months by site: what the archive counts, beside the vendor's own figures.
import { param, setParams } from "../../address.js";
import { api, idIn, joined, pages, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { Choice, type Option } from "../../fields.js";
import { Plot } from "../../plot.js";
import { Progress } from "../../show.js";
import { Unlisted } from "../../unlisted.js";
import { absent, nameOf } from "../../vendors.js";
import type { Choices } from "./choices.js";
import { Reports } from "./reports.js";

type Report = Schemas["UsageReport"];
type Found = { reports: Report[]; unreachable: string[] };

/** The figures that vendors bill by. */
const figures = { licenses: "Licenses", users: "Users", devices: "Devices" };
type Figure = keyof typeof figures;
const isFigure = (name: string): name is Figure => name in figures;

export function Months({ choices }: { choices: Choices }) {
  const [vendor, site, month] = [param("vendor"), param("site"), param("month")];
  const shown = param("figure");
  const figure = isFigure(shown) ? shown : "licenses";
  const answer = useAsk(JSON.stringify([vendor, site, month]), async (signal, show): Promise<Found> => {
    const found: Found = { reports: [], unreachable: [] };
    const path = { vendor: vendor || "-", site: site || "-" };
    const ask = (pageToken: string) =>
      api.GET("/v1/vendors/{vendor}/sites/{site}/usageReports", { signal, params: { path, query: { month, pageToken } } });
    for await (const page of pages(ask)) {
      found.reports = [...found.reports, ...page.usageReports];
      found.unreachable = joined(found.unreachable, page.unreachable);
      if (page.nextPageToken) show({ ...found });
    }
    return found;
  });
  return (
    <section>
      <h2>Months</h2>
      <Filter choices={choices} figure={figure} />
      <Progress of={answer} />
      {answer.data && <Shown of={answer.data} choices={choices} figure={figure} more={answer.busy} />}
    </section>
  );
}

function Filter({ choices, figure }: { choices: Choices; figure: Figure }) {
  const vendor = param("vendor");
  const month = param("month");
  const site = param("site") && `vendors/${vendor}/sites/${param("site")}`;
  const names = choices.archives.map((a) => `vendors/${idIn(a.name, "vendors")}/sites/${idIn(a.name, "sites")}`);
  const sites = names.filter((name) => !vendor || idIn(name, "vendors") === vendor);
  const choose = (name: string) => setParams({ site: idIn(name, "sites"), ...(name && { vendor: idIn(name, "vendors") }) });
  return (
    <form class="filter" onSubmit={(e) => e.preventDefault()}>
      <Choice label="Vendor" value={vendor} choose={(vendor) => setParams({ vendor, site: "" })}
        options={[["", "All vendors"], ...choices.counted]} />
      <Choice label="Site" value={site} choose={choose}
        options={[["", "All sites"], ...[...new Set(site ? [...sites, site] : sites)].map((s): Option => [s, idIn(s, "sites")])]} />
      <Choice label="Month" value={month} choose={(month) => setParams({ month })} options={[["", "All months"], ...choices.months]} />
      <Choice label="Plot" value={figure} choose={(figure) => setParams({ figure })} options={Object.entries(figures)} />
    </form>
  );
}

function Shown({ of: { reports, unreachable }, choices, figure, more }: {
  of: Found;
  choices: Choices;
  figure: Figure;
  more: boolean;
}) {
  const missing = absent(choices.vendors, unreachable);
  const months = [...new Set(reports.map((r) => r.month))].sort();
  const sites = [...new Set(reports.map((r) => r.site))];
  // A site keeps its color whatever is in view.
  const order = choices.archives.map((a) => a.name);
  const series = sites.map((site, at) => {
    const place = order.indexOf(`${site}/archive`);
    const counts = months.map((m) => reports.find((r) => r.site === site && r.month === m)?.archived?.[figure] ?? null);
    return { label: `${idIn(site, "vendors")}/${idIn(site, "sites")}`, place: place < 0 ? at : place, values: counts };
  });
  return (
    <>
      <Unlisted of={missing.unreachable} seen={sites} vendors={choices.vendors} />
      {more && <p role="status" class="note">More months follow …</p>}
      {months.length > 1 && (
        <Plot lines caption={`${figures[figure]} by month, as the archive counts them`} times={months.map((m) => Date.parse(`${m}-01`) / 1000)} series={series} />
      )}
      <Reports reports={reports} />
      {missing.without.length > 0 && <p class="note">No usage to count: {missing.without.map((name) => nameOf(choices.vendors, name)).join(", ")}. These vendors show no license history.</p>}
    </>
  );
}

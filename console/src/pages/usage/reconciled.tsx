// An invoice beside what the archive counts, line by line.
import { api, idIn, read, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { Coverage, Progress, site, State } from "../../show.js";
import { Table } from "../../table.js";
import { Disputed } from "./disputed.js";
import { Explanations } from "./explanations.js";
import { sums } from "./money.js";
import { Rule } from "./reports.js";
import { Signed } from "./signed.js";

/** An invoice that was handed in. */
export type Asked = { vendor: string; month: string; csv: string; number: number };

type Result = Schemas["ReconcileInvoiceResponse"];
type Line = Schemas["ReconciledLine"];

/** Compares an invoice. The response has at most so many disputed rows for each line. */
export const reconcile = ({ vendor, month, csv }: Asked, sampleSize: number) =>
  ({ params: { path: { vendor } }, body: { month, csv, sampleSize } });

export function Reconciled({ of: asked }: { of: Asked }) {
  const answer = useAsk("", (signal) =>
    read(api.POST("/v1/vendors/{vendor}/usageReports:reconcile", { signal, ...reconcile(asked, 100) })));
  return (
    <>
      <Progress of={answer} />
      {typeof answer.data === "object" && <Shown of={answer.data} asked={asked} />}
    </>
  );
}

function Shown({ of: { lines, disputedRows, countingRule }, asked }: { of: Result; asked: Asked }) {
  const differing = lines.filter((l) => l.differenceQuantity !== 0).length;
  const coverage = new Map(lines.flatMap((l) => (l.coverage ? [[l.coverage.site, l.coverage] as const] : [])));
  return (
    <>
      <p role="status">
        {differing === 0 ? <State tone="good">agrees</State> : <State tone="bad">{differing} of {lines.length} lines differ</State>}
        {" "}Invoice of {asked.vendor} for {asked.month}. <Money of={lines} />
      </p>
      <Coverage of={[...coverage.values()]} />
      <Table
        caption="The invoice, line by line"
        rows={lines.map((line, at) => ({ ...line, at }))}
        id={(l) => l.at}
        columns={[
          { title: "Line", number: true, by: (l) => l.at, cell: (l) => l.at + 1 },
          { title: "Site", by: (l) => l.line?.site, as: site },
          { title: "Of", by: (l) => l.line?.metric ?? "", cell: (l) => (l.line?.metric ?? "").toLowerCase() },
          { title: "Invoiced", number: true, by: (l) => l.line?.quantity },
          { title: "Counted", number: true, by: (l) => l.archivedQuantity },
          { title: "Difference", number: true, by: (l) => l.differenceQuantity, cell: difference },
          { title: "In dispute", number: true, by: (l) => Number(l.differenceAmount), cell: amount },
          { title: "Rows", number: true, by: (l) => l.disputedCount },
          { title: "Why", by: (l) => l.explanations[0]?.reason ?? "", cell: (l) => <Explanations of={l.explanations} /> },
        ]}
      />
      <Disputed rows={disputedRows} lines={lines} asked={asked} />
      {countingRule && <Rule vendor={idIn(`vendors/${asked.vendor}`, "vendors")} of={countingRule} />}
    </>
  );
}

const difference = (l: Line) => <span class={l.differenceQuantity > 0 ? "bad" : ""}><Signed n={l.differenceQuantity} /></span>;

/** The money of a line's difference, exactly as the API computed it. */
function amount({ differenceAmount, line }: Line) {
  if (!differenceAmount) return "no price";
  return `${differenceAmount.replace("-", "−")} ${line?.currency ?? ""}`;
}

/** Says how much money is in dispute, by currency. */
function Money({ of: lines }: { of: Line[] }) {
  const said = sums(lines.map((l) => ({ amount: l.differenceAmount, currency: l.line?.currency ?? "" })));
  const more = said.filter((s) => s.over !== "0").map((s) => `${s.over} ${s.currency}`);
  const less = said.filter((s) => s.under !== "0").map((s) => `${s.under} ${s.currency}`);
  return (
    <>
      {more.length > 0 && <>Billed too much: <b>{more.join(", ")}</b>. </>}
      {less.length > 0 && <>Billed too little: <b>{less.join(", ")}</b>. </>}
    </>
  );
}

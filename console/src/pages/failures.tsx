// Failures: who was refused a license, and why.
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { param, setParams } from "../address.js";
import { idIn } from "../api.js";
import { useAsk, type Answer } from "../ask.js";
import { count as number, Progress } from "../show.js";
import { hasHistory, listVendors, nameOf } from "../vendors.js";
import { count } from "./failures/counts.js";
import { RowDialog } from "./failures/dialog.js";
import { Export } from "./failures/export.js";
import { conditions, question } from "./failures/filter.js";
import { Form } from "./failures/form.js";
import { Results } from "./failures/results.js";
import { chosen } from "./failures/row.js";
import { knownSites, useArrivals, useSearch } from "./failures/search.js";

export function Failures() {
  const asked = useSignal(0);
  // A question keeps its time while its conditions stay, so that rows, counts and export are about
  // the same.
  const q = useMemo(() => question(Math.floor(Date.now() / 1000) * 1000), [conditions(), asked.value]);
  const vendors = useAsk("vendors", listVendors).data ?? [];
  const search = useSearch(q);
  const counts = useAsk(`counts ${q.key}`, (signal) => count(q, signal));
  const live = q.open && param("live") !== "off";
  const arrived = useArrivals(q, live, search.data);
  const row = chosen();
  const current = search.data?.key === q.key;
  return (
    <>
      <h1>Failures</h1>
      <Form sites={knownSites()} vendors={vendors.filter(hasHistory).map((v) => ({ id: idIn(v.name, "vendors"), name: nameOf(vendors, v.name) }))} />
      <div class="buttons bar" aria-busy={search.busy}>
        {q.open && (
          <label class="check">
            <input type="checkbox" checked={live} onChange={(e) => setParams({ live: e.currentTarget.checked ? "" : "off" })} />
            Live
          </label>
        )}
        {current && <Export q={q} />}
        {arrived > 0 && (
          <span role="status">{number(arrived)} new. <button type="button" onClick={() => asked.value++}>Show</button></span>
        )}
        <Waiting for={search} current={current} />
      </div>
      {search.data && (current || search.busy) && (
        <Results q={q} found={search.data} busy={search.busy} more={search.more} counts={counts} vendors={vendors} />
      )}
      {row && <RowDialog key={JSON.stringify(row)} row={row} />}
    </>
  );
}

/** Shows how a question goes. The rows of the one before stay meanwhile. */
function Waiting({ for: answer, current }: { for: Answer<unknown>; current: boolean }) {
  const { data, ...rest } = answer;
  const stopped = !current && !answer.busy && answer.failure === undefined;
  if (stopped) return <span role="status">Stopped. <button type="button" onClick={answer.again}>Search again</button></span>;
  return <Progress of={current ? answer : rest} />;
}

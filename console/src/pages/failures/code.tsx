// The code that the filter names: since when it comes, whether it rises, and what it means at each
// vendor.
import { useSignal } from "@preact/signals";
import { link, param } from "../../address.js";
import { api, idIn, read, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { count, Progress, Time, words } from "../../show.js";
import { Common, compared } from "./cohort.js";
import { vendorOf, type Counts } from "./counts.js";
import { Evidence, Explained } from "./explanation.js";
import type { Question } from "./filter.js";
import type { Found } from "./search.js";
import { trend, verdict } from "./trend.js";

export function Code({ q, counts, found }: { q: Question; counts: Counts; found: Found }) {
  const code = param("code");
  // The table of codes is the same for all sites of a vendor, so that one site of each is asked:
  // that with the most.
  const sites = counts.total ? counts.parts.SITE.top.map((t) => t.value) : found.coverage.map((c) => c.site);
  const asked = sites.filter((site, at) => sites.findIndex((s) => vendorOf(s) === vendorOf(site)) === at);
  return (
    <section aria-labelledby="code">
      <h2 id="code">Code {code}</h2>
      {counts.total > 0 && <SinceWhen q={q} counts={counts} found={found} />}
      {counts.total > 1 && <Common parts={compared.map((d) => [d, counts.parts[d]])} total={counts.total} />}
      <div class="columns">{asked.map((site) => <Meaning key={`${code} ${site}`} code={code} site={site} />)}</div>
    </section>
  );
}

function SinceWhen({ q, counts, found }: { q: Question; counts: Counts; found: Found }) {
  const answer = useAsk(`trend ${q.key}`, (signal) => trend(q, counts, found.rows, !found.token, signal));
  const t = answer.data?.key === q.key ? answer.data : undefined;
  const begins = counts.steps[0]!.start;
  const atOnce = begins <= q.from;
  return (
    <>
      <Progress of={answer} />
      {t && (
        <>
          <p>
            First <Time at={t.first ?? new Date(begins).toISOString()} />{t.first ? "" : ` (in this ${words(counts.interval)})`}, last{" "}
            <Time at={found.rows[0]?.createTime} />.{" "}
            {atOnce && <>It may be older than this period. <a href={link(["failures"], { ...wide(), code: param("code") })}>Look at 90 days</a>.</>}
          </p>
          <p>
            <b>{verdict(t.halves)}</b>: {share(t.halves[0])} in the first half of the period, {share(t.halves[1])} in the second.
            {t.gaps > 0 && ` For ${t.gaps} ${t.gaps === 1 ? "site" : "sites"}, the archive does not hold the whole first half.`}
          </p>
        </>
      )}
    </>
  );
}

const share = ({ count: n, of }: { count: number; of: number }) => `${count(n)} of ${count(of)} license requests`;

/** The other conditions, over the longest period. */
const wide = () => ({ ...Object.fromEntries(new URLSearchParams(location.search)), row: "", from: "", to: "", period: "90d" });

/**
 * Shows what the code means at a vendor. Evidence is read when a person asks for it: it makes calls
 * to the vendor.
 */
function Meaning({ code, site }: { code: string; site: string }) {
  const deep = useSignal(false);
  const path = { vendor: idIn(site, "vendors"), site: idIn(site, "sites") };
  const answer = useAsk(`${code} ${site} ${deep.value}`, (signal): Promise<Schemas["Explanation"]> =>
    read(api.GET("/v1/vendors/{vendor}/sites/{site}/licenses:explain", {
      signal, params: { path, query: { errorCode: code, collectEvidence: deep.value } },
    })), 0, code);
  return (
    <article class="card" aria-busy={answer.busy}>
      <h3>At {path.vendor}</h3>
      <Progress of={answer} />
      {answer.data && <Explained of={answer.data} />}
      {answer.data && deep.value && !answer.busy && <Evidence of={answer.data.evidence} />}
      {!deep.value && <button type="button" onClick={() => (deep.value = true)}>Gather evidence at {path.vendor}/{path.site}</button>}
    </article>
  );
}

// How far the archive of each site is, the worst first.
import { api, idIn, read, type Schemas } from "../../api.js";
import { listArchives, type Archives as All } from "../../archives.js";
import { useAsk, type Answer } from "../../ask.js";
import { may, Needs } from "../../caller.js";
import { ago, count, lasting, Progress, seconds, site, Site, State, time, type Tone } from "../../show.js";
import { Table, type Column } from "../../table.js";
import { Unlisted } from "../../unlisted.js";
import { nameOf } from "../../vendors.js";
import { Act } from "./act.js";
import type { Finding } from "./finding.js";
import { Long } from "../../long.js";

type Archive = Schemas["Archive"];

const scope = "licenses:read";

export const useArchives = (every: number) =>
  useAsk("archives", async (signal): Promise<All> => {
    const found = await listArchives(signal);
    found.archives.sort((a, b) => rank(a) - rank(b));
    return found;
  }, every);

/** What each state is called, the worst first. */
const states: Record<string, [word: string, tone: Tone]> = {
  FAILING: ["failing", "bad"],
  STALE: ["stale", "bad"],
  STATE_UNSPECIFIED: ["not read yet", "warn"],
  BACKFILLING: ["reads older rows", "dim"],
  CURRENT: ["current", "good"],
  UNSUPPORTED: ["no history", "dim"],
};
const order = Object.keys(states);

/**
 * Orders by state, then by ten minutes of lag, so that rows seldom change their place while a
 * person reads.
 */
const rank = (a: Archive) => order.indexOf(a.state) * 1000 - (a.drift.length > 0 ? 500 : 0) - Math.min(400, Math.floor(seconds(a.lag) / 600));

/**
 * Returns one finding for the sites of a vendor that fail for the same reason, and one for each
 * site that drifted.
 */
export function archiveFindings({ archives, unreachable }: All, vendors: Schemas["Vendor"][]): Finding[] {
  const failing = new Map<string, Archive[]>();
  for (const a of archives) {
    const key = `${idIn(a.name, "vendors")} ${a.state} ${a.error?.message}`;
    if (states[a.state]?.[1] === "bad") failing.set(key, [...(failing.get(key) ?? []), a]);
  }
  return [
    ...[...failing].map(([id, same]): Finding => {
      const { state, error } = same[0]!;
      return { id, tone: "bad", word: states[state]![0], text: <>{sites(same)} {error?.message && <Long text={error.message} />}</> };
    }),
    ...unreachable.map((name): Finding => (
      { id: `${name} sites`, tone: "bad", word: "not reached", text: `The sites of ${nameOf(vendors, name)} could not be listed.` }
    )),
    ...archives.flatMap((a): Finding[] => {
      const text = <>The archive of <Site name={a.name} />: <Long text={a.drift[0]?.message ?? ""} /></>;
      return a.drift.length > 0 ? [{ id: `${a.name} drift`, tone: "warn", word: "drift", text }] : [];
    }),
  ];
}

/** Names the sites whose archive lags, at most three of them. */
function sites(archives: Archive[]) {
  const rest = archives.length - 3;
  return (
    <>
      {archives.length === 1 ? "The archive of " : `${archives.length} archives lag: `}
      {archives.slice(0, 3).map((a, at) => <>{at > 0 && ", "}<Site name={a.name} /></>)}
      {rest > 0 && ` and ${rest} more, see below`}
      {archives.length === 1 && ` was last read ${ago(archives[0]!.lastSyncTime)}`}.
    </>
  );
}

export function Archives({ of: answer, vendors }: { of: Answer<All>; vendors: Schemas["Vendor"][] }) {
  return (
    <section>
      <h2>Archive</h2>
      <Needs scope={scope} to="see the archive">
        <Progress of={answer} />
        {answer.data && (
          <>
            <Unlisted of={answer.data.unreachable} seen={answer.data.archives.map((a) => a.name)} vendors={vendors} />
            <Table sort="archives" caption="How far each site is read" rows={answer.data.archives} id={(a) => a.name} empty="No site has an archive." columns={columns(answer.data.archives, answer.again)} />
          </>
        )}
      </Needs>
    </section>
  );
}

function columns(archives: Archive[], again: () => void): Column<Archive>[] {
  const all: Column<Archive>[] = [
    { title: "State", by: rank, cell: (a) => <State tone={states[a.state]?.[1] ?? "warn"}>{states[a.state]?.[0] ?? a.state}</State> },
    { title: "Site", by: (a) => a.name, as: site },
    { title: "Lag", number: true, by: (a) => seconds(a.lag), cell: (a) => (a.lag ? lasting(seconds(a.lag)) : "–") },
    { title: "Complete from", by: (a) => a.startTime, as: time },
    { title: "to", by: (a) => a.endTime, as: time },
    { title: "Requests", number: true, by: (a) => a.rowCount, cell: (a) => (a.state === "UNSUPPORTED" ? "–" : count(a.rowCount)) },
  ];
  if (archives.some((a) => a.backfill)) all.push({ title: "Still to read", cell: backfill });
  if (archives.some((a) => a.error || a.drift.length > 0)) all.push({ title: "Trouble", cell: trouble });
  if (may("archive:write")) all.push({ title: "Read now", cell: (a) => <Sync of={a} again={again} /> });
  return all;
}

function backfill({ backfill }: Archive) {
  if (!backfill) return "–";
  return <>{lasting(seconds(backfill.remaining))}{backfill.finishTime && `, done ${ago(backfill.finishTime)}`}</>;
}

function trouble(a: Archive) {
  if (!a.error && a.drift.length === 0) return "–";
  return (
    <div class="wrap">
      {a.error && <div class="bad"><Long text={a.error.message ?? "The last pass failed."} /></div>}
      {a.drift.map((d) => (
        <div key={d.startTime} class="warn">
          <Long text={d.message} /> <span class="note">{count(d.archivedCount)} kept, {count(d.vendorCount)} shown. Noticed {ago(d.detectTime)}.</span>
        </div>
      ))}
    </div>
  );
}

function Sync({ of: archive, again }: { of: Archive; again: () => void }) {
  if (archive.state === "UNSUPPORTED") return null;
  const site = { vendor: idIn(archive.name, "vendors"), site: idIn(archive.name, "sites") };
  const run = async (signal: AbortSignal) => {
    const now = await read(api.POST("/v1/vendors/{vendor}/sites/{site}/archive:sync", { signal, params: { path: site }, body: {} }));
    return `Read. ${count(now.rowCount)} requests.`;
  };
  return <Act label="Read now" name={`${site.vendor}/${site.site}`} run={run} done={again} />;
}

// drmhub's copy of the site's license history: how complete and how recent it is.
import { useSignal } from "@preact/signals";
import { api, read, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { Needs } from "../../caller.js";
import { ChangeButton } from "../../change.js";
import { Text } from "../../fields.js";
import { ago, count, lasting, Progress, seconds, Time } from "../../show.js";
import type { Place } from "./site.js";
import { ArchiveState } from "./states.js";

export function Archive({ place: { path } }: { place: Place }) {
  const answer = useAsk(
    "archive",
    (signal) => read(api.GET("/v1/vendors/{vendor}/sites/{site}/archive", { params: { path }, signal })),
    30_000,
  );
  const archive = answer.data;
  return (
    <section aria-labelledby="archive">
      <h2 id="archive">Archive</h2>
      <Progress of={answer} />
      {archive && <State of={archive} />}
      {archive && archive.state !== "UNSUPPORTED" && (
        <Needs scope="archive:write" to="read from the vendor now"><Actions path={path} again={answer.again} /></Needs>
      )}
    </section>
  );
}

function State({ of: archive }: { of: Schemas["Archive"] }) {
  const { backfill, error, drift } = archive;
  if (archive.state === "UNSUPPORTED") return <p class="note">The vendor shows no license history.</p>;
  return (
    <>
      <dl>
        <dt>State</dt><dd><ArchiveState of={archive.state} /></dd>
        <dt>Complete</dt><dd>{archive.startTime ? <>from <Time at={archive.startTime} /> to <Time at={archive.endTime} /></> : "nothing yet"}</dd>
        <dt>Requests</dt><dd>{count(archive.rowCount)}</dd>
        <dt>Behind</dt><dd>{archive.lag ? lasting(seconds(archive.lag)) : "–"}</dd>
        <dt>Last read</dt><dd><Time at={archive.lastSyncTime} /> <span class="note">{ago(archive.lastSyncTime)}</span></dd>
        <dt>Next read</dt><dd><Time at={archive.nextSyncTime} /></dd>
        {backfill && <><dt>Still to read</dt><dd>{left(backfill)}</dd></>}
      </dl>
      {error && <p role="status" class="failure">The last read failed. {error.message}</p>}
      {drift.length > 0 && (
        <div class="warning">
          <p>The vendor now shows something else than it showed before:</p>
          <ul>
            {drift.map((d) => (
              <li key={`${d.startTime} ${d.detectTime}`}>
                <Time at={d.startTime} /> to <Time at={d.endTime} />: the archive has {count(d.archivedCount)}, the vendor{" "}
                {count(d.vendorCount)}. {d.message}
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

const left = ({ remaining, finishTime }: Schemas["ArchiveBackfill"]) =>
  <>{lasting(seconds(remaining))} of history{finishTime && <>, until about <Time at={finishTime} /></>}</>;

function Actions({ path, again }: { path: Place["path"]; again: () => void }) {
  const from = useSignal("");
  const common = { dryRun: false, mutation: null, done: again };
  return (
    <div class="fields">
      <ChangeButton
        scope="archive:write"
        change={() => ({
          ...common,
          title: `Read the newest requests of ${path.site}`,
          verb: "Read now",
          means: <p>drmhub reads the newest license requests from the vendor. It changes nothing at the vendor.</p>,
          call: () => api.POST("/v1/vendors/{vendor}/sites/{site}/archive:sync", { params: { path }, body: {} }),
        })}
      >Read now …</ChangeButton>
      <Text label="Read back to" type="date" value={from.value} set={(day) => (from.value = day)} />
      <ChangeButton
        scope="archive:write"
        disabled={!from.value}
        change={() => ({
          ...common,
          title: `Read requests of ${path.site} back to ${from.value}`,
          verb: "Read older requests",
          outcome: () => "drmhub reads the older requests in the background.",
          means: <p>drmhub reads older license requests from the vendor in the background. It changes nothing at the vendor.</p>,
          call: () => api.POST("/v1/vendors/{vendor}/sites/{site}/archive:backfill", {
            params: { path }, body: { startTime: `${from.value}T00:00:00Z` },
          }),
        })}
      >Read older …</ChangeButton>
    </div>
  );
}

// What is known of the calls to one vendor.
import type { Schemas } from "../../api.js";
import { ago, count, lasting, seconds, Time, words } from "../../show.js";
import { Long } from "../../long.js";
import { breakers, lanes } from "./verdict.js";

type Status = Schemas["VendorStatus"];

export function Facts({ of: status }: { of: Status }) {
  const { lastFailure, credentialRejectTime, pause } = status;
  return (
    <dl>
      {credentialRejectTime && <><dt>Rejected</dt><dd class="bad">credentials, since <Time at={credentialRejectTime} /></dd></>}
      {pause && <><dt>Pause</dt><dd class="warn">until <Time at={pause.endTime} /> ({words(pause.reason)})</dd></>}
      <dt>Success</dt>
      <dd>{ago(status.lastSuccessTime)}</dd>
      <dt>Failure</dt>
      <dd>
        {ago(lastFailure?.time)}
        {lastFailure?.error && <>: <Long text={lastFailure.error.message ?? ""} /></>}
      </dd>
      <dt>Check</dt>
      <dd><Canary of={status.canary} said={lastFailure?.error?.message ?? ""} /></dd>
      {breakers(status).map((b) => (
        <><dt>{b.title}</dt><dd class={b.state === "CLOSED" ? "" : "bad"}>{b.text}</dd></>
      ))}
      <dt>Lanes</dt>
      <dd>{lanes(status).map(({ title, lane }) => <Lane key={title} title={title} of={lane} />)}</dd>
      {status.drift.length > 0 && <><dt>Drift</dt><dd><Drift of={status.drift} /></dd></>}
    </dl>
  );
}

/** Returns when something comes, which may be late. */
const due = (at: string) => (Date.parse(at) > Date.now() ? ago(at) : "now");

/** The cheap read that drmhub makes by itself. `said` is the message that is shown already. */
function Canary({ of: canary, said }: { of: Status["canary"]; said: string }) {
  if (!canary) return <>off</>;
  const next = canary.nextTime && <span class="note"> Next {due(canary.nextTime)}.</span>;
  switch (canary.result) {
    case "OK":
      return <>{lasting(seconds(canary.latency))}, {ago(canary.lastTime)}.{next}</>;
    case "FAILED": {
      const message = canary.error?.message ?? "";
      return <><span class="bad">failed</span> {ago(canary.lastTime)}{message === said ? "." : <>: <Long text={message} /></>}{next}</>;
    }
    case "SKIPPED":
      return <>left out {ago(canary.lastTime)}, because of the pause.{next}</>;
    default:
      return <>none yet.{next}</>;
  }
}

function Lane({ title, of: lane }: { title: string; of: Schemas["VendorStatusLane"] }) {
  const refused = lane.refused.filter((r) => r.count > 0);
  return (
    <div>
      {title} {lane.used} of {lane.limit}
      {lane.waiting > 0 && <span class="warn">, {lane.waiting} waiting</span>}
      {refused.length > 0 && <span class="warn">, not sent: {refused.map((r) => `${count(r.count)} (${r.reason})`).join(", ")}</span>}
    </div>
  );
}

const kinds: Record<string, string> = {
  NEW_FIELD: "a field that the documents lack",
  MISSING_FIELD: "lacks a field that the documents promise",
  UNKNOWN_CODE: "a code that the documents lack",
  UNKNOWN_WORD: "a word that the documents lack",
};

/** How the responses differ from the vendor's documents. */
function Drift({ of: drift }: { of: Schemas["VendorStatusDrift"][] }) {
  return (
    <details>
      <summary class="warn">{drift.length} {drift.length === 1 ? "difference" : "differences"} from its documents</summary>
      <ul>
        {drift.map((d) => (
          <li key={`${d.kind} ${d.call} ${d.path} ${d.word}`}>
            <code>{d.call}</code>: {kinds[d.kind] ?? words(d.kind)} <code>{d.path}</code> {d.word && <q>{d.word}</q>}
            <span class="note"> {count(d.count)} times since <Time at={d.firstSeenTime} />, last {ago(d.lastSeenTime)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}

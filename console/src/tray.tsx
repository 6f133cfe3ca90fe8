// The changes whose outcome is not known yet, below the head of every page.
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { Schemas } from "./api.js";
import { forget, pending, recordOf, settled, type Pending } from "./pending.js";
import { Mutation } from "./show.js";
import { MutationState } from "./steps.js";

export function Tray() {
  if (pending.value.length === 0) return null;
  return (
    <aside class="tray" aria-label="Changes with an unknown outcome">
      <ul>{pending.value.map((p) => <Entry key={p.requestId} of={p} />)}</ul>
    </aside>
  );
}

function Entry({ of: change }: { of: Pending }) {
  const record = useSignal<Schemas["Mutation"] | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const look = async () => {
      record.value = (await recordOf(change.requestId, stop.signal).catch(() => null)) ?? record.value;
      if (record.value && settled(record.value)) clearInterval(timer);
    };
    const timer = setInterval(() => void look(), 3000);
    void look();
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [change.requestId]);
  return (
    <li role="status">
      <a href={change.from}>{change.title}</a>{" "}
      {record.value
        ? <><MutationState state={record.value.state} /> Change <Mutation name={record.value.name ?? ""} /></>
        : <span class="note">drmhub has no record of it yet.</span>}{" "}
      <button type="button" onClick={() => forget(change.requestId)}>Dismiss</button>
    </li>
  );
}

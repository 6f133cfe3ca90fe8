// The changes whose outcome is not known yet, below the head of every page.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, type Schemas } from "./api.js";
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

/** Shows a change, and looks at its record until the outcome is known. */
function Entry({ of: change }: { of: Pending }) {
  const record = useSignal<Schemas["Mutation"] | null>(null);
  const note = useSignal("Looking for its record …");
  useEffect(() => {
    const stop = new AbortController();
    const look = async () => {
      try {
        record.value = (await recordOf(change, stop.signal)) ?? record.value;
        note.value = change.mutation === null ? unrecorded : missing;
      } catch (failure) {
        note.value = failure instanceof ApiError ? failure.message : "drmhub cannot be reached.";
      }
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
    <li>
      <a href={change.from}>{change.title}</a>{" "}
      <span role="status">
        {change.failed && <>Failed: {change.failed} </>}
        {record.value
          ? <><MutationState state={record.value.state} /> Change <Mutation name={record.value.name} /></>
          : !change.failed && <span class="note">{note.value}</span>}
      </span>{" "}
      <button type="button" aria-label={`Dismiss: ${change.title}`} onClick={() => forget(change.requestId)}>Dismiss</button>
    </li>
  );
}

const missing = "drmhub has no record of it. If that stays so, nothing reached drmhub: order the change anew.";
const unrecorded = "drmhub keeps no record of it. Order it again: a repetition does no harm.";

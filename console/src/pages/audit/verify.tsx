// Checks whether the audit trail is whole.
import { useSignal } from "@preact/signals";
import { api, read, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { count, plural, Progress, State } from "../../show.js";

export function Verify() {
  const asked = useSignal(false);
  return (
    <section class="card" aria-label="Verify the trail">
      <p>Each event holds the hash of the event before it in its chain. This shows events that were changed, inserted or removed.</p>
      {asked.value
        ? <Result />
        : <button type="button" onClick={() => (asked.value = true)}>Verify the chains</button>}
    </section>
  );
}

function Result() {
  const answer = useAsk("verify", (signal) => read(api.GET("/v1/auditEvents:verify", { signal })));
  return (
    <>
      <Progress of={answer} />
      {answer.data && answer.failure === undefined && <Finding of={answer.data} />}
      {!answer.busy && answer.failure === undefined && <button type="button" onClick={answer.again}>Verify again</button>}
    </>
  );
}

const kinds: Record<Schemas["VerifyAuditEventsResponseBreakKind"], string> = {
  KIND_UNSPECIFIED: "broken",
  MISSING: "missing",
  CHANGED: "changed",
  INSERTED: "inserted",
};

function Finding({ of: found }: { of: Schemas["VerifyAuditEventsResponse"] }) {
  const checked = `${plural(found.eventCount, "event")} in ${plural(found.chainCount, "chain")}`;
  if (found.eventCount === 0) return <p role="status" class="note">The audit trail is empty, so nothing was checked.</p>;
  if (found.intact) {
    return (
      <>
        <p role="status" class="success"><State tone="good">intact</State> {checked} checked: no event was changed, inserted or removed.</p>
        <p class="note">A chain cannot show that its end was cut off. Compare it with the copy of the trail that is kept elsewhere.</p>
      </>
    );
  }
  return (
    <div role="alert" class="failure">
      <p><State tone="bad">broken</State> {count(found.breakCount)} of {plural(found.chainCount, "chain")} {found.breakCount === 1 ? "is" : "are"} broken. The trail has {plural(found.eventCount, "event")}.</p>
      <ul>
        {found.breaks.map((b) => (
          <li key={b.chain}><State tone="bad">{kinds[b.kind]}</State> <code>{b.auditEvent}</code> in the chain <code>{b.chain}</code>: {b.message}</li>
        ))}
      </ul>
      {found.breaks.length < found.breakCount && <p>The first {found.breaks.length} broken chains are shown.</p>}
      <p class="note">The later events of a broken chain are counted, but not checked.</p>
    </div>
  );
}

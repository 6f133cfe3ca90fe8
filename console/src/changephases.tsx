// What the dialog of a change shows: the plan, the confirmation, the wait, the outcome.
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { ApiError, type Schemas } from "./api.js";
import type { Change } from "./change.js";
import { moving } from "./pending.js";
import { Failure } from "./show.js";
import { Steps } from "./steps.js";

/** What the vendor would get, and the result to expect. */
type Plan = { requests: string[]; body: unknown };

/** How far a change is. */
export type Phase =
  | { at: "checking" }
  | { at: "refused"; failure: unknown }
  | { at: "ready"; plan: Plan | null }
  | { at: "sending" }
  | { at: "unknown"; record: Schemas["Mutation"] | null; failure: unknown; missing?: unknown; looked?: boolean }
  | { at: "failed"; failure: unknown; record?: Schemas["Mutation"] }
  | { at: "done"; body: unknown };

/** Gives a button the focus when it appears, since the one that had it is gone. */
const focus = (button: HTMLButtonElement | null) => button?.focus();

export function Phases<T>({ change, phase, check, send, stop, close }: {
  change: Change<T>;
  phase: Phase;
  check: () => void;
  send: () => void;
  stop: () => void;
  close: () => void;
}) {
  switch (phase.at) {
    case "checking":
      return <p role="status">Making a dry run … <button type="button" onClick={close}>Cancel</button></p>;
    case "refused":
      return (
        <>
          <Failure of={phase.failure} />
          <p>The dry run failed, so nothing was sent.</p>
          <p class="buttons"><button type="button" onClick={check}>Try again</button><button type="button" onClick={close}>Close</button></p>
        </>
      );
    case "ready":
      return <Confirm change={change} plan={phase.plan} send={send} close={close} />;
    case "sending":
      return <p role="status">Sent. Waiting for the vendor … <button type="button" onClick={stop}>Stop waiting</button></p>;
    case "unknown":
      return <InDoubt change={change} phase={phase} send={send} close={close} />;
    case "failed":
      return (
        <>
          {phase.record ? <Steps of={phase.record} /> : <Failure of={phase.failure} />}
          <p class="note">To try again repeats this same change. If it fails in the same way, mend the cause, and order the change anew.</p>
          <p class="buttons"><button type="button" onClick={send}>Try again</button><button type="button" ref={focus} onClick={close}>Close</button></p>
        </>
      );
    case "done":
      return (
        <>
          <p role="status" class="success">{change.outcome?.(phase.body as T | undefined) ?? "Done. It took effect."}</p>
          {phase.body !== undefined && change.result?.(phase.body as T)}
          <p class="buttons"><button type="button" ref={focus} onClick={close}>Close</button></p>
        </>
      );
  }
}

function Confirm<T>({ change, plan, send, close }: { change: Change<T>; plan: Plan | null; send: () => void; close: () => void }) {
  const typed = useSignal("");
  const label = useId();
  const sure = !change.confirm || typed.value === change.confirm;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (sure) send();
  };
  return (
    <form onSubmit={submit}>
      <div>{change.means}</div>
      {plan && (
        <>
          <h3>What the vendor would get</h3>
          {plan.requests.length === 0 && <p class="note">Nothing: it is so already.</p>}
          {plan.requests.map((request, i) => <pre key={i} tabIndex={0}>{request}</pre>)}
          <details><summary>The result to expect</summary><pre tabIndex={0}>{JSON.stringify(plan.body, null, 2)}</pre></details>
        </>
      )}
      {change.confirm && (
        <label for={label}>
          <span>Viewers are affected. Type <code>{change.confirm}</code> to confirm</span>
          <input id={label} value={typed.value} autocomplete="off" spellcheck={false} onInput={(e) => (typed.value = e.currentTarget.value)} />
        </label>
      )}
      <p class="buttons">
        <button class="send" disabled={!sure}>{change.verb}</button>
        <button type="button" onClick={close}>Cancel</button>
      </p>
    </form>
  );
}

function InDoubt<T>({ change, phase, send, close }: {
  change: Change<T>;
  phase: Extract<Phase, { at: "unknown" }>;
  send: () => void;
  close: () => void;
}) {
  const { record, failure, missing, looked } = phase;
  const kept = change.mutation !== null;
  return (
    <>
      <p role="alert" class="warning">The outcome is unknown. The change may have taken effect.</p>
      {failure instanceof ApiError && <p>{failure.message}</p>}
      {record && <Steps of={record} />}
      {!record && missing !== undefined && <><p>The record of this change cannot be read:</p><Failure of={missing} /></>}
      {!record && missing === undefined && kept && (
        <p role="status" class="note">
          {looked ? "drmhub has no record of this change yet. It may not have reached drmhub." : "Looking for the record of this change …"}
        </p>
      )}
      {record && !moving(record) && (
        <p class="note">drmhub cannot find it out by itself. Look at the vendor, then open the change and decide.</p>
      )}
      <p class="note">
        {kept ? "You can ask again. The request id stays the same, so the change is not made twice." : "You can ask again. A repetition does no harm."}
      </p>
      <p class="buttons">
        <button type="button" onClick={send}>Ask again</button>
        <button type="button" ref={focus} onClick={close}>Close</button>
      </p>
    </>
  );
}

// Every change goes the same way: a dry run that shows the vendor's request, a confirmation, and one request id from
// the first try until the outcome is known.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useMemo } from "preact/hooks";
import { here } from "./address.js";
import { ApiError, receive, type Returned, type Schemas } from "./api.js";
import { may } from "./caller.js";
import { Dialog } from "./dialog.js";
import { forget, moving, recordOf, remember, settled } from "./pending.js";
import { Failure } from "./show.js";
import { Steps } from "./steps.js";

/** What every change takes. */
export type Options = { requestId?: string; validateOnly?: boolean };

/** A change that a person can order. */
export type Change<T = unknown> = {
  /** What happens, as an order: "Switch off DEMO". */
  title: string;
  /** The word on the button that sends it: "Switch off". */
  verb: string;
  /** What it means for viewers and for the vendor. */
  means: ComponentChildren;
  /** The id to type, where viewers are affected. */
  confirm?: string;
  /** False where the call has no dry run. */
  dryRun?: boolean;
  /** Makes the call. */
  call: (options: Options) => Promise<Returned<T>>;
  /** Shows what came of it. */
  result?: (body: T) => ComponentChildren;
  /** Is called once it took effect. */
  done?: () => void;
};

/** A button that begins a change. It is absent without the scope. */
export function ChangeButton<T>({ scope, change, children, disabled }: {
  scope: string;
  change: () => Change<T>;
  children: ComponentChildren;
  disabled?: boolean;
}) {
  const open = useSignal<Change<T> | null>(null);
  if (!may(scope)) return null;
  return (
    <>
      <button type="button" disabled={disabled ?? false} onClick={() => (open.value = change())}>{children}</button>
      {open.value && <ChangeDialog change={open.value} close={() => (open.value = null)} />}
    </>
  );
}

type Plan = { requests: string[]; body: unknown };

type Phase =
  | { at: "checking" }
  | { at: "refused"; failure: unknown }
  | { at: "ready"; plan: Plan | null }
  | { at: "sending" }
  | { at: "unknown"; record: Schemas["Mutation"] | null; failure: unknown }
  | { at: "failed"; failure: unknown; record?: Schemas["Mutation"] }
  | { at: "done"; body: unknown };

/** Shows a change from the dry run to the outcome. */
export function ChangeDialog<T>({ change, close }: { change: Change<T>; close: () => void }) {
  // The id is made before the first try, so that no repetition makes the change twice.
  const requestId = useMemo(() => crypto.randomUUID(), []);
  const phase = useSignal<Phase>({ at: "checking" });
  const show = (next: Phase) => (phase.value = next);

  const check = async () => {
    if (change.dryRun === false) return show({ at: "ready", plan: null });
    show({ at: "checking" });
    try {
      const { body, headers } = await receive(change.call({ validateOnly: true }));
      show({ at: "ready", plan: { requests: planned(headers), body } });
    } catch (failure) {
      show({ at: "refused", failure });
    }
  };

  const succeed = (body: unknown) => {
    forget(requestId);
    show({ at: "done", body });
    change.done?.();
  };

  const send = async () => {
    remember({ requestId, title: change.title, from: here() });
    show({ at: "sending" });
    try {
      succeed((await receive(change.call({ requestId }))).body);
    } catch (failure) {
      if (inDoubt(failure)) return show({ at: "unknown", record: null, failure });
      forget(requestId);
      show({ at: "failed", failure });
    }
  };

  /** Looks at the record of a change in doubt. */
  const look = async () => {
    const doubt = phase.value;
    const record = await recordOf(requestId).catch(() => null);
    if (phase.value !== doubt || doubt.at !== "unknown" || !record) return;
    if (record.state === "SUCCEEDED") return succeed(undefined);
    if (record.state === "FAILED") forget(requestId);
    show(settled(record) ? { at: "failed", failure: undefined, record } : { ...doubt, record });
  };

  useEffect(() => void check(), []);
  const watching = phase.value.at === "unknown";
  useEffect(() => {
    if (!watching) return;
    void look();
    const timer = setInterval(() => void look(), 1500);
    return () => clearInterval(timer);
  }, [watching]);

  const stop = () => show({ at: "unknown", record: null, failure: undefined });
  return (
    <Dialog title={change.title} close={close}>
      <Body change={change} phase={phase.value} check={check} send={send} stop={stop} close={close} />
    </Dialog>
  );
}

/** Reports whether a failed call may have taken effect: its outcome is unknown, or its response got lost. */
function inDoubt(failure: unknown): boolean {
  if (!(failure instanceof ApiError) || !failure.fromServer) return true;
  return failure.reason === "OUTCOME_UNKNOWN" || ["DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL"].includes(failure.status);
}

/** Returns the requests that the vendor would get. */
function planned(headers: Headers): string[] {
  const requests: string[] = [];
  for (let n = 1; headers.has(`Drmhub-Planned-Request-${n}`); n++) requests.push(headers.get(`Drmhub-Planned-Request-${n}`)!);
  return requests;
}

function Body<T>({ change, phase, check, send, stop, close }: {
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
      return <InDoubt phase={phase} send={send} close={close} />;
    case "failed":
      return (
        <>
          {phase.record ? <Steps of={phase.record} /> : <Failure of={phase.failure} />}
          <p class="buttons"><button type="button" onClick={send}>Try again</button><button type="button" onClick={close}>Close</button></p>
        </>
      );
    case "done":
      return (
        <>
          <p role="status" class="success">Done. It took effect.</p>
          {phase.body !== undefined && change.result?.(phase.body as T)}
          <p class="buttons"><button type="button" autofocus onClick={close}>Close</button></p>
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
        <label for={label}>Viewers are affected. Type <code>{change.confirm}</code> to confirm
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

function InDoubt({ phase, send, close }: { phase: Extract<Phase, { at: "unknown" }>; send: () => void; close: () => void }) {
  const { record, failure } = phase;
  return (
    <>
      <p role="alert" class="warning">The outcome is unknown. The change may have taken effect.</p>
      {failure instanceof ApiError && <p>{failure.message}</p>}
      {record ? <Steps of={record} /> : <p class="note">Looking for the record of this change …</p>}
      {record && !moving(record) && (
        <p class="note">drmhub cannot find it out by itself. Look at the vendor, then open the change and decide.</p>
      )}
      <p class="note">You can ask again. The request id stays the same, so the change is not made twice.</p>
      <p class="buttons">
        <button type="button" onClick={send}>Ask again</button>
        <button type="button" onClick={close}>Close</button>
      </p>
    </>
  );
}

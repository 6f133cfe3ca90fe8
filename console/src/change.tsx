// Every change goes the same way: a dry run that shows the vendor's request, a confirmation, and
// one request id from the first try until the outcome is known.
import { signal, useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { here, place } from "./address.js";
import { ApiError, receive, type Returned, type Schemas } from "./api.js";
import { may } from "./caller.js";
import { Phases, type Phase } from "./changephases.js";
import { Dialog } from "./dialog.js";
import { forget, recordOf, remember, settled, type Pending } from "./pending.js";

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
  /**
   * The mutation that the call works on, where it gets no record of its own. Null where drmhub
   * keeps no record at all.
   */
  mutation?: Schemas["Mutation"] | null;
  /** Makes the call. */
  call: (options: Options) => Promise<Returned<T>>;
  /** Shows what came of it. */
  result?: (body: T) => ComponentChildren;
  /**
   * Says what came of it, where that is something else than "it took effect". The body of an old
   * outcome is not there.
   */
  outcome?: (body: T | undefined) => string | undefined;
  /** Is called once it took effect and the person has seen that. */
  done?: () => void;
};

/** The change in hand. Its dialog outlives the part of the page that ordered it. */
const ordered = signal<VNode | null>(null);

/** Shows the change in hand. A link to another page closes it. */
export function Ordered() {
  const at = place.value.join("/");
  useEffect(() => () => void (ordered.value = null), [at]);
  return <>{ordered.value}</>;
}

function order<T>(change: Change<T>) {
  ordered.value = <ChangeDialog key={crypto.randomUUID()} change={change} close={() => (ordered.value = null)} />;
}

/** A button that begins a change. It is absent without the scope. */
export function ChangeButton<T>({ scope, change, children, disabled }: {
  scope: string;
  change: () => Change<T>;
  children: ComponentChildren;
  disabled?: boolean;
}) {
  if (!may(scope)) return null;
  return <button type="button" disabled={disabled ?? false} onClick={() => order(change())}>{children}</button>;
}

/** A form whose fields say what to change. It is absent without the scope. */
export function ChangeForm<T>({ scope, change, children, submit }: {
  scope: string;
  change: () => Change<T>;
  children: ComponentChildren;
  /** The word on its button: "Issue …". */
  submit: string;
}) {
  if (!may(scope)) return null;
  const onSubmit = (event: SubmitEvent) => {
    event.preventDefault();
    order(change());
  };
  return <form class="filter" onSubmit={onSubmit}>{children}<button>{submit}</button></form>;
}

/** Shows a change from the dry run to the outcome. */
function ChangeDialog<T>({ change, close }: { change: Change<T>; close: () => void }) {
  // The id is made before the first try, so that no repetition makes the change twice.
  const mine = useMemo((): Pending => {
    const of = change.mutation;
    const mutation = of === undefined ? {} : { mutation: of && of.name.replace("mutations/", "") };
    return { requestId: crypto.randomUUID(), title: change.title, from: here(), ...mutation };
  }, []);
  const phase = useSignal<Phase>({ at: "checking" });
  const show = (next: Phase) => (phase.value = next);
  const closed = useRef(false);
  // Once a try is in doubt, a later try that is refused proves nothing about it. Only the record
  // does.
  const doubted = useRef(false);

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
    show({ at: "done", body });
    if (!closed.current || mine.mutation === null) forget(mine.requestId);
    if (closed.current) change.done?.();
  };
  const fail = (failed: Extract<Phase, { at: "failed" }>) => {
    show(failed);
    if (!closed.current) return forget(mine.requestId);
    if (failed.failure instanceof ApiError) remember({ ...mine, failed: failed.failure.message });
  };

  const send = async () => {
    remember(mine);
    show({ at: "sending" });
    try {
      const { body, headers } = await receive(change.call({ requestId: mine.requestId }));
      // A response without the id of the call is not from drmhub. A proxy may have sent it.
      if (headers.has("X-Request-Id")) succeed(body);
      else doubt(undefined);
    } catch (failure) {
      if (phase.value.at === "done") return;
      if (inDoubt(failure) || doubted.current) doubt(failure);
      else fail({ at: "failed", failure });
    }
  };
  const doubt = (failure: unknown) => {
    doubted.current = true;
    show({ at: "unknown", record: null, failure });
  };

  /** Looks at the record of a change in doubt. */
  const look = async (signal: AbortSignal) => {
    const looked = await recordOf(mine, signal).then((record) => ({ record }), (missing: unknown) => ({ record: null, missing }));
    const now = phase.value;
    if (signal.aborted || now.at !== "unknown") return;
    const { record } = looked;
    if (!record || !isOutcome(record, change.mutation)) return show({ ...now, ...looked, record: record ?? now.record, looked: true });
    doubted.current = false;
    if (record.state === "FAILED") return fail({ at: "failed", failure: undefined, record });
    succeed(change.mutation ? record : undefined);
  };

  useEffect(() => void check(), []);
  const watching = phase.value.at === "unknown";
  useEffect(() => {
    if (!watching) return;
    const stop = new AbortController();
    void look(stop.signal);
    const timer = setInterval(() => void look(stop.signal), 1500);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [watching]);
  useEffect(() => () => {
    closed.current = true;
    if (phase.value.at === "done") change.done?.();
  }, []);

  return (
    <Dialog title={change.title} close={close}>
      <Phases change={change} phase={phase.value} check={() => void check()} send={() => void send()} stop={() => doubt(undefined)} close={close} />
    </Dialog>
  );
}

/**
 * Reports whether a failed call may have taken effect: its outcome is unknown, or its response got
 * lost.
 */
function inDoubt(failure: unknown): boolean {
  if (!(failure instanceof ApiError) || !failure.fromServer) return true;
  return failure.reason === "OUTCOME_UNKNOWN" || ["DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL"].includes(failure.status);
}

/**
 * Reports whether a record has the outcome of a change. A mutation that failed before may be about
 * to be sent again.
 */
const isOutcome = (record: Schemas["Mutation"], before: Schemas["Mutation"] | null | undefined) =>
  settled(record) && (record.state === "SUCCEEDED" || record.settleTime !== before?.settleTime);

/** Returns the requests that the vendor would get. */
function planned(headers: Headers): string[] {
  const requests: string[] = [];
  for (let n = 1; headers.has(`Drmhub-Planned-Request-${n}`); n++) requests.push(headers.get(`Drmhub-Planned-Request-${n}`)!);
  return requests;
}

// A button that asks for something now. It keeps the focus while it waits, and a second press stops
// the waiting.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Failure } from "../../show.js";

export function Act({ label, name, run, done }: {
  label: string;
  /** What it is about, for those who do not see its place. */
  name: string;
  /** Makes the call, and returns what to say about it. */
  run: (signal: AbortSignal) => Promise<ComponentChildren>;
  /** Is called after each call. */
  done: () => void;
}) {
  const running = useRef<AbortController | null>(null);
  const busy = useSignal(false);
  const said = useSignal<ComponentChildren>(null);
  useEffect(() => () => running.current?.abort(), []);

  const press = async () => {
    if (running.current) return running.current.abort();
    const mine = (running.current = new AbortController());
    busy.value = true;
    said.value = null;
    try {
      said.value = await run(mine.signal);
    } catch (failure) {
      said.value = mine.signal.aborted ? "Stopped." : <Failure of={failure} />;
    }
    running.current = null;
    busy.value = false;
    done();
  };

  return (
    <>
      <button type="button" aria-label={`${busy.value ? "Stop waiting for" : label} ${name}`} onClick={() => void press()}>
        {busy.value ? "Stop waiting" : label}
      </button>
      <div role="status" class="wrap" aria-busy={busy.value}>{said.value}</div>
    </>
  );
}

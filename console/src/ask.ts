// Asks the API for what a part of a page shows, once or again and again.
import { useEffect, useReducer, useRef } from "preact/hooks";
import { logins } from "./api.js";

/** What is known of a question. */
export type Answer<T> = {
  /**
   * The last result. It stays while a newer one is awaited. Once that fails, it stays only if it is
   * about the same.
   */
  data?: T;
  /** Whether the result is that of an earlier question about something else. */
  stale: boolean;
  /** Why the last try failed. */
  failure?: unknown;
  /** Whether a result is awaited. */
  busy: boolean;
  /** Asks anew. */
  again: () => void;
  /** Stops waiting. */
  cancel: () => void;
};

/**
 * Asks when the key changes, after a login, and every so many milliseconds while the page is
 * visible. `show` passes on what is there already, for a list that comes page by page. `about` is
 * the part of the key that says what the result is about, where another part only asks for more of
 * it.
 */
export function useAsk<T>(
  key: string,
  ask: (signal: AbortSignal, show: (data: T) => void) => Promise<T>,
  every = 0,
  about = key,
): Answer<T> {
  const [, render] = useReducer((n: number) => n + 1, 0);
  const state = useRef<Answer<T>>({ busy: true, stale: false, again() {}, cancel() {} });
  const change = (changes: Partial<Answer<T>>) => {
    state.current = { ...state.current, ...changes };
    render(0);
  };
  const subject = useRef(about);
  const stop = (changes: Partial<Answer<T>>) => {
    // What was asked for before would pass for the result of this question.
    if (state.current.stale) delete state.current.data;
    change({ ...changes, stale: false, busy: false });
  };
  const latest = useRef(ask);
  latest.current = ask;
  const login = logins.value;

  useEffect(() => {
    let running = new AbortController();
    const again = async () => {
      running.abort();
      const mine = (running = new AbortController());
      change({ busy: true });
      try {
        const data = await latest.current(mine.signal, (data) => mine.signal.aborted || change({ data, stale: false }));
        if (mine === running) change({ data, stale: false, failure: undefined, busy: false });
      } catch (failure) {
        if (mine === running && !mine.signal.aborted) stop({ failure });
      }
    };
    const cancel = () => {
      running.abort();
      stop({});
    };
    const stale = state.current.data !== undefined && (state.current.stale || subject.current !== about);
    subject.current = about;
    change({ again: () => void again(), cancel, stale });
    void again();
    // A slow question is awaited to its end: to ask anew would stop it each time.
    const idle = () => document.visibilityState === "visible" && !state.current.busy;
    const timer = every && setInterval(() => idle() && void again(), every);
    return () => {
      running.abort();
      clearInterval(timer);
    };
  }, [key, every, login]);

  return state.current;
}

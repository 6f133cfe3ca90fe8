// The changes whose outcome this browser does not know yet. They outlive the page, so that a reload
// loses none.
import { signal } from "@preact/signals";
import { api, read, type Schemas } from "./api.js";

/** A change that was sent. */
export type Pending = {
  /** The id that makes a repetition safe. It was made before the first try. */
  requestId: string;
  /** What the person wanted. */
  title: string;
  /** The address of the page that it was ordered on. */
  from: string;
  /**
   * The id of the mutation that it works on, or null where drmhub keeps no record. Without it, the
   * request id counts.
   */
  mutation?: string | null;
  /** What the failed call said after the dialog was closed. */
  failed?: string;
};

const key = "drmhub-pending";

/** The changes, the oldest first. */
export const pending = signal<Pending[]>(kept());

function kept(): Pending[] {
  try {
    const list: unknown = JSON.parse(sessionStorage.getItem(key) ?? "[]");
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function keep(list: Pending[]) {
  pending.value = list;
  sessionStorage.setItem(key, JSON.stringify(list));
}

/** Remembers a change before it is sent, or what is newly known of it. */
export function remember(change: Pending) {
  forget(change.requestId);
  keep([...pending.value, change]);
}

/** Forgets a change whose outcome a person has seen. */
export function forget(requestId: string) {
  keep(pending.value.filter((p) => p.requestId !== requestId));
}

/** Returns the record of a change, or null where drmhub has none: then nothing reached it. */
export async function recordOf({ requestId, mutation }: Pending, signal: AbortSignal): Promise<Schemas["Mutation"] | null> {
  if (mutation === null) return null;
  if (mutation !== undefined) return read(api.GET("/v1/mutations/{mutation}", { params: { path: { mutation } }, signal }));
  const query = { "filter.requestId": requestId, pageSize: 1 };
  const { mutations } = await read(api.GET("/v1/mutations", { params: { query }, signal }));
  return mutations?.[0] ?? null;
}

/** Reports whether the outcome of a mutation is known. */
export const settled = (m: Schemas["Mutation"]) => m.state === "SUCCEEDED" || m.state === "FAILED";

/** Reports whether drmhub will find out more without a person. */
export const moving = (m: Schemas["Mutation"]) =>
  !settled(m) && (m.state !== "UNKNOWN" || Boolean(m.nextSettleTime));

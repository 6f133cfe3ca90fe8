// Who looks, and what they may do.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { api, loggedOut, read, type Schemas } from "./api.js";

/** The person who is logged in. Null until that is known. */
export const caller = signal<Schemas["Caller"] | null>(null);

/** Asks who is logged in. It reports a failure that is not a missing login. */
export async function identify(): Promise<unknown> {
  try {
    caller.value = await read(api.GET("/v1/caller"));
    loggedOut.value = false;
    return undefined;
  } catch (failure) {
    return loggedOut.value ? undefined : failure;
  }
}

/** Reports whether the person holds a scope. */
export const may = (scope: string) => caller.value?.scopes?.includes(scope) ?? false;

/** Shows its children to those who hold the scope. Others learn which scope is missing. */
export function Needs({ scope, to, children }: { scope: string; to: string; children: ComponentChildren }) {
  if (may(scope)) return <>{children}</>;
  return (
    <p class="note">
      To {to}, you need the scope <code>{scope}</code>. Ask the administrator of drmhub for it.
    </p>
  );
}

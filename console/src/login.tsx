// Asks who is there. It appears over the page, so that a session's end loses no view.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { here } from "./address.js";
import { loggedOut, logins } from "./api.js";
import { caller, identify } from "./caller.js";
import { Dialog } from "./dialog.js";
import { Text } from "./fields.js";

/** How a person can log in here. */
type Methods = { provider: boolean; token: boolean };

/** The form appears when a call finds that nobody is logged in. */
export function Login() {
  if (!loggedOut.value) return null;
  return (
    <Dialog title={caller.value ? "Your session has ended. Log in again" : "Log in"}>
      <Form />
    </Dialog>
  );
}

function Form() {
  const methods = useSignal<Methods>({ provider: false, token: true });
  const token = useSignal("");
  const failure = useSignal("");
  useEffect(() => {
    void fetch("/console/login/methods")
      .then(async (response) => response.ok && (methods.value = await response.json()))
      .catch(() => {});
  }, []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    failure.value = await logIn(token.value);
    token.value = "";
  };
  return (
    <>
      {methods.value.provider && (
        <p><a class="button" href={`/console/login?to=${encodeURIComponent(here())}`}>Log in with your identity provider</a></p>
      )}
      {methods.value.token && (
        <form onSubmit={(event) => void submit(event)}>
          <Text label="Token" type="password" required autocomplete="off" value={token.value} set={(text) => (token.value = text)} />
          <p class="note">The server checks the token and sets a sealed cookie. The page does not keep the token.</p>
          <button class="send">Log in</button>
        </form>
      )}
      {failure.value && <p role="alert" class="failure">{failure.value}</p>}
    </>
  );
}

/** Begins a session with a token. It returns why that failed, or "". */
async function logIn(token: string): Promise<string> {
  try {
    const response = await fetch("/console/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (!response.ok) {
      const body = await response.json().catch(() => undefined);
      return body?.error?.message ?? `The response is not from drmhub: HTTP ${response.status}.`;
    }
  } catch {
    return "drmhub cannot be reached. Check the network, then try again.";
  }
  await identify();
  logins.value++;
  return "";
}

/** Ends the session in this browser. It reports whether the server has done so. */
export async function logOut(): Promise<boolean> {
  const response = await fetch("/console/logout", { method: "POST" }).catch(() => null);
  if (!response?.ok) return false;
  caller.value = null;
  loggedOut.value = true;
  return true;
}

// What a person can do about a change, what it means, and what it risks.
import { api, idIn, type Schemas } from "../../api.js";
import { Needs } from "../../caller.js";
import { ChangeButton, type Change } from "../../change.js";
import { moving } from "../../pending.js";
import { words } from "../../show.js";
import { Steps } from "../../steps.js";

type Record = Schemas["Mutation"];
type Part = { of: Record; again: () => void };
const scope = "mutations:write";

export function Decide({ of: record, again }: Part) {
  const partly = record.state === "FAILED" && record.steps.some((s) => s.state === "SUCCEEDED");
  const open = record.state === "UNKNOWN";
  if (record.state === "SUCCEEDED") return <p class="note">Nothing is left to do.</p>;
  if (record.state !== "FAILED" && !open) return <p class="note">A call works on it. Wait for its end.</p>;
  if (partly) return <p class="note">A part of it took effect, so it cannot be sent again. Look at the vendor, then order a new change.</p>;
  return (
    <>
      <h2>What you can do</h2>
      {open && moving(record) && <p>In most cases nothing: drmhub finds out the outcome by itself. Other changes of the same resource wait until then.</p>}
      {open && !moving(record) && <p>Look at the vendor’s console. If the change is there, nothing is left to do. If it is missing, send it again.</p>}
      <Needs scope={scope} to="settle, resend or give up a change">
        {open && (
          <p>
            <ChangeButton scope={scope} change={() => settling(record, again)}>Settle now …</ChangeButton>{" "}
            Reads back from the vendor at once. It sends nothing, unless a part took effect and the rest is to be done.
          </p>
        )}
        <p>
          <ChangeButton scope={scope} change={() => resending(record, again)}>Send again …</ChangeButton>{" "}
          {open
            ? "Sends the change again if it is missing. Where drmhub cannot read that back, the change may be made twice."
            : "Sends the change again. It had no effect before."}
        </p>
        {open && moving(record) && (
          <p>
            <ChangeButton scope={scope} change={() => givingUp(record, again)}>Give up …</ChangeButton>{" "}
            Lets other changes of the same resource go on. The outcome stays unknown.
          </p>
        )}
        <p class="note">Besides <code>{scope}</code>, you need the scope of the change itself.</p>
      </Needs>
    </>
  );
}

/** What the three changes share: they work on the record, and show it afterwards. */
const common = (record: Record, done: () => void) => ({
  mutation: record,
  result: (after: Record) => <Steps of={after} />,
  done,
});

function settling(record: Record, done: () => void): Change<Record> {
  return {
    ...common(record, done),
    title: `Settle ${what(record)}`,
    verb: "Settle now",
    dryRun: false,
    means: (
      <>
        <p>drmhub reads back from the vendor now whether the change is there, and records the outcome.</p>
        <p>It sends nothing new, with one exception: if a part of the change took effect, drmhub carries out the rest.</p>
        {!moving(record) && <p class="warning">Nobody waits for this change any more. What is read back may be the effect of a later one.</p>}
      </>
    ),
    call: () => api.POST("/v1/mutations/{mutation}:settle", { params: path(record), body: {} }),
    outcome: (after) => `drmhub has read back. The change is ${words(after?.state)}.`,
  };
}

function givingUp(record: Record, done: () => void): Change<Record> {
  return {
    ...common(record, done),
    title: `Give up ${what(record)}`,
    verb: "Give up",
    dryRun: false,
    means: (
      <>
        <p>drmhub reads back once more. If the outcome is still unknown, drmhub stops looking for it, and other changes of the same resource no longer wait.</p>
        <p class="warning">Look at the vendor’s console first. Once another change of the resource runs, reading back can take its effect for the effect of this one.</p>
      </>
    ),
    call: () => api.POST("/v1/mutations/{mutation}:settle", { params: path(record), body: { giveUp: true } }),
    outcome: (after) => (after?.state === "UNKNOWN" ? "Given up. The outcome stays unknown." : `The outcome was found: ${words(after?.state)}.`),
  };
}

function resending(record: Record, done: () => void): Change<Record> {
  const id = idIn(record.name, "mutations");
  return {
    ...common(record, done),
    title: `Send again: ${what(record)}`,
    verb: "Send again",
    confirm: id,
    means: (
      <>
        <p>drmhub reads back first, where the vendor shows the change. It sends the change again only if it is missing.</p>
        {record.state === "UNKNOWN" && (
          <p class="warning">Where the vendor shows nothing to read back, the change can take effect twice. Look at the vendor’s console first.</p>
        )}
      </>
    ),
    call: (options) => api.POST("/v1/mutations/{mutation}:resend", { params: path(record), body: options }),
    outcome: (after) => `drmhub has worked on it. The change is ${words(after?.state)}.`,
  };
}

const path = (record: Record) => ({ path: { mutation: idIn(record.name, "mutations") } });

const what = (record: Record) => `${record.method.slice(record.method.indexOf("/") + 1)} of ${record.resource}`;

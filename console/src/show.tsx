// Small parts that all pages share: times, names, states, errors.
import type { ComponentChildren } from "preact";
import { link } from "./address.js";
import { ApiError, idIn, type Schemas } from "./api.js";
import type { Answer } from "./ask.js";

// One formatter for all times and one for all numbers: to make one takes as long as to lay out a
// row.
const times = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const numbers = new Intl.NumberFormat("en-US");

/** Returns a time as the browser's place has it. What is no time stays as it is. */
const here = (at: string) => (Number.isNaN(Date.parse(at)) ? at : times.format(Date.parse(at)));

/** Shows a time in UTC. The browser's own time is in the tooltip. */
export function Time({ at }: { at: string | null | undefined }) {
  if (!at) return <span class="none">–</span>;
  const text = at.replace("T", " ").replace(/(\.\d+)?Z$/, "");
  return <time dateTime={at} title={`${here(at)} here`}>{text}</time>;
}

/** A time and a site as a column of a table shows them. */
export const time = (at: string) => <Time at={at} />;
export const site = (name: string) => <Site name={name} />;

/** Returns the instant that a field of the type datetime-local holds, read as UTC. */
export const utc = (field: string) => `${field}${field.length === 16 ? ":00" : ""}Z`;

/** Returns how long ago or ahead a time is: "3 min ago", "in 12 days". */
export function ago(at: string | null | undefined, now = Date.now()): string {
  if (!at) return "never";
  const seconds = (Date.parse(at) - now) / 1000;
  if (Math.abs(seconds) < 1) return "just now";
  const text = lasting(Math.abs(seconds));
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

/** Returns a number of seconds for people: "3 min", "2 days". */
export function lasting(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** Returns the seconds of a duration of the API, such as "1.5s". */
export const seconds = (duration: string | null | undefined) => Number.parseFloat(duration ?? "") || 0;

/** Returns a number with separators of thousands. */
export const count = (n: number | undefined) => numbers.format(n ?? 0);

/** Returns a number with its noun: "1 license", "2 licenses". */
export const plural = (n: number | undefined, noun: string) => `${count(n)} ${noun}${n === 1 ? "" : "s"}`;

/** Links to a site by its resource name. */
export function Site({ name }: { name: string | undefined }) {
  const vendor = idIn(name, "vendors");
  const site = idIn(name, "sites");
  return site ? <a href={link(["sites", vendor, site])}>{vendor}/{site}</a> : <>{vendor}</>;
}

/** Links to a viewer, by id or, where a vendor shows only that, by MD5. */
export function Viewer({ license }: { license: Schemas["License"] }) {
  if (license.userId) return <a href={link(["viewers", license.userId])}>{license.userId}</a>;
  if (!license.userIdMd5) return <span class="none">–</span>;
  return <abbr title={`MD5 ${license.userIdMd5}. This vendor shows no id.`}>{license.userIdMd5.slice(0, 8)}…</abbr>;
}

/** Links to the record of a change. */
export function Mutation({ name }: { name: string }) {
  const id = idIn(name, "mutations");
  return <a href={link(["mutations", id])}>{id.slice(0, 13)}</a>;
}

/** How good or bad something is. */
export type Tone = "good" | "warn" | "bad" | "dim";

/** Shows a state as a word on a colored ground. The word alone says it all. */
export function State({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`state ${tone}`}>{children}</span>;
}

/** Returns an enum's name for people: "HALF_OPEN" becomes "half open". */
export const words = (name: string | undefined) => (name ?? "").toLowerCase().replaceAll("_", " ");

/** Shows why something failed, in the API's own words. */
export function Failure({ of: failure }: { of: unknown }) {
  if (failure === undefined) return null;
  if (!(failure instanceof ApiError)) {
    return <p role="alert" class="failure">drmhub cannot be reached. Check the network, then try again.</p>;
  }
  return (
    <div role="alert" class="failure">
      <p>{failure.message}</p>
      {failure.violations.length > 0 && (
        <ul>{failure.violations.map((v) => <li key={v.field}><code>{v.field}</code>: {v.description}</li>)}</ul>
      )}
      <p class="note">
        {failure.status}{failure.reason && `, ${failure.reason}`}
        {failure.mutation && <>. Change <Mutation name={failure.mutation} /></>}
        {failure.requestId && <>. Request <code>{failure.requestId}</code></>}
      </p>
    </div>
  );
}

/** Shows the progress and the failure of a question. A person can stop waiting. */
export function Progress({ of: answer }: { of: Answer<unknown> }) {
  return (
    <>
      {answer.busy && (!answer.data || answer.stale) && (
        <p role="status" class="note loading">Loading … <button type="button" onClick={answer.cancel}>Cancel</button></p>
      )}
      {answer.failure !== undefined && (
        <>
          <Failure of={answer.failure} />
          <button type="button" onClick={answer.again}>Try again</button>
        </>
      )}
    </>
  );
}

/** Names the vendors that could not be asked, so that nobody takes a part for the whole. */
export function Unreachable({ vendors }: { vendors: string[] | undefined }) {
  if (!vendors?.length) return null;
  return <p role="status" class="warning">Not in this view: {vendors.join(", ")}. It could not be asked.</p>;
}

/** Says where the archive is incomplete for a question. */
export function Coverage({ of: coverage }: { of: Schemas["Coverage"][] | undefined }) {
  const parts = (coverage ?? []).filter((c) => !c.complete);
  if (parts.length === 0) return null;
  return (
    <details class="note">
      <summary>{parts.length === 1 ? "One site is" : `${parts.length} sites are`} still being read for the newest or oldest part</summary>
      <ul>
        {parts.map((c) => (
          <li key={c.site}><Site name={c.site} />: complete from <Time at={c.startTime} /> to <Time at={c.endTime} /></li>
        ))}
      </ul>
    </details>
  );
}

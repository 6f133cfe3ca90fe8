// The states of sites, archives and certificates as words.
import type { Schemas } from "../../api.js";
import { ago, State, words, type Tone } from "../../show.js";

const tones: Record<string, Tone> = {
  RUNNING: "good", ACTIVE: "good", SUSPENDED: "bad", STATE_UNSPECIFIED: "warn",
  CURRENT: "good", BACKFILLING: "dim", STALE: "warn", FAILING: "bad",
  PENDING: "warn", APPROVED: "good", APPLIED: "good", REJECTED: "bad",
};

/** Shows a state. One that drmhub does not know is shown in the vendor's word. */
export function Word({ state, vendors }: { state: string; vendors?: string }) {
  const text = state === "STATE_UNSPECIFIED" ? (vendors ? `“${vendors}”` : "unknown") : words(state);
  return <State tone={tones[state] ?? "dim"}>{text}</State>;
}

/** Shows the state of a site. */
export const SiteState = ({ of: site }: { of: Schemas["Site"] }) => <Word state={site.state} vendors={site.vendorState} />;

/** Says whether viewers get licenses. */
export function Licenses({ of: site }: { of: Schemas["Site"] }) {
  if (site.enabled) return <State tone="good">issued</State>;
  return <State tone={["CREATING", "DELETED"].includes(site.state) ? "dim" : "bad"}>not issued</State>;
}

/** Shows the state of an archive. */
export function ArchiveState({ of: state }: { of: string | undefined }) {
  if (state === undefined) return <span class="none">–</span>;
  return <Word state={state} vendors={state === "STATE_UNSPECIFIED" ? "not read yet" : ""} />;
}

const day = 86_400_000;

/** How near the end of a certificate is. */
export function nearness(end: string | null, now = Date.now()): { tone: Tone; text: string } {
  if (!end) return { tone: "warn", text: "end not known" };
  const left = Date.parse(end) - now;
  if (left <= 0) return { tone: "bad", text: "ended" };
  if (left <= 30 * day) return { tone: "bad", text: "within 30 days" };
  if (left <= 90 * day) return { tone: "warn", text: "within 90 days" };
  return { tone: "good", text: "after 90 days" };
}

/** Shows how near the end of a certificate is. */
export function Nearness({ end }: { end: string | null }) {
  const { tone, text } = nearness(end);
  return <><State tone={tone}>{text}</State>{end && tone !== "good" && <span class="note"> {ago(end)}</span>}</>;
}

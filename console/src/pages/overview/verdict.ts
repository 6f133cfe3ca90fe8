// One word on a vendor, and why.
import type { Schemas } from "../../api.js";
import { ago, lasting, seconds, words, type Tone } from "../../show.js";

export type Verdict = { word: string; tone: Tone; why: string };

const never = "1970-01-01T00:00:00Z";

/** A canary read that takes longer is slow. */
const slow = 2;

/** Returns the worst that holds. */
export function verdict(status: Schemas["VendorStatus"]): Verdict {
  const { credentialRejectTime, pause, canary } = status;
  if (credentialRejectTime) {
    return bad("credentials rejected", `The vendor has rejected drmhub's credentials since ${clock(credentialRejectTime)}.`);
  }
  if (pause?.endTime && Date.parse(pause.endTime) > Date.now()) {
    return warn("paused", `The vendor wants no calls. The pause ends ${ago(pause.endTime)} (${words(pause.reason)}).`);
  }
  const stopped = breakers(status).filter((b) => b.state !== "CLOSED");
  if (stopped.length > 0) return bad("failing", stopped.map((b) => `${b.title}: ${b.text}.`).join(" "));
  const failures = [{ call: "check", time: canary?.result === "FAILED" ? canary.lastTime : null }, { call: "call", time: status.lastFailure?.time }];
  const last = failures.find(({ time }) => time && Date.parse(time) > Date.parse(status.lastSuccessTime ?? never));
  if (last) return bad("failing", `The last ${last.call} failed ${ago(last.time)}.`);
  return pace(status);
}

/** Returns the verdict on a vendor that does not fail. */
function pace(status: Schemas["VendorStatus"]): Verdict {
  const { canary, lastSuccessTime } = status;
  const waiting = lanes(status).reduce((sum, { lane }) => sum + lane.waiting, 0);
  if (waiting > 0) return warn("slow", `${waiting} ${waiting === 1 ? "call waits" : "calls wait"} for a place.`);
  if (seconds(canary?.latency) > slow) return warn("slow", `The last check took ${lasting(seconds(canary?.latency))}.`);
  if (!lastSuccessTime && canary?.result !== "OK") return { word: "not checked yet", tone: "dim", why: "drmhub has made no call to it since its start." };
  return { word: "works", tone: "good", why: `The last call succeeded ${ago(lastSuccessTime ?? canary?.lastTime)}.` };
}

/** Returns a time for a sentence. */
const clock = (at: string | null) => `${(at ?? "").replace("T", " ").slice(0, 16)} UTC`;

const bad = (word: string, why: string): Verdict => ({ word, tone: "bad", why });
const warn = (word: string, why: string): Verdict => ({ word, tone: "warn", why });

/** Returns what each breaker does, in words. */
export function breakers(status: Schemas["VendorStatus"]) {
  const both = [
    { title: "Reads", breaker: status.readBreaker },
    { title: "Changes", breaker: status.changeBreaker },
  ];
  return both.flatMap(({ title, breaker }) => {
    if (!breaker) return [];
    const { state, changeTime } = breaker;
    const texts: Record<string, string> = {
      CLOSED: "sent (breaker closed)",
      OPEN: `not sent since ${clock(changeTime)}, because too many failed (breaker open)`,
      HALF_OPEN: "a few are sent to see whether the vendor works again (breaker half open)",
    };
    return [{ title, state, text: texts[state] ?? words(state) }];
  });
}

/** Returns the lanes that are there, with their names for people. */
export function lanes(status: Schemas["VendorStatus"]) {
  const all = [
    { title: "Reads", lane: status.reads },
    { title: "Changes", lane: status.writes },
    { title: "Own calls", lane: status.background },
  ];
  return all.flatMap(({ title, lane }) => (lane ? [{ title, lane }] : []));
}

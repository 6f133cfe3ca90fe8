// What a code means, who must act and what to do, and what was read to check it.
import type { Schemas } from "../../api.js";
import { confidences, owners, retries } from "../../explanations.js";
import { State, Time, words, type Tone } from "../../show.js";

const findings: Record<Schemas["ExplanationEvidenceFinding"], [Tone, string]> = {
  CONFIRMS: ["good", "confirms it"],
  CONTRADICTS: ["bad", "contradicts it"],
  NEUTRAL: ["dim", "worth knowing"],
  UNAVAILABLE: ["warn", "could not be read"],
  FINDING_UNSPECIFIED: ["dim", "not known"],
};

/** Shows an explanation. */
export function Explained({ of: e }: { of: Schemas["Explanation"] }) {
  const unknown = e.confidence === "CONFIDENCE_UNSPECIFIED";
  return (
    <>
      <p><State tone={unknown ? "warn" : "bad"}>{unknown ? "unknown code" : words(e.class)}</State> {e.meaning}</p>
      <h3>What to do</h3>
      <ol>{e.fixes.map((fix) => <li key={fix}>{fix}</li>)}</ol>
      <dl>
        <dt>Who must act</dt><dd><b>{owners[e.owner]}</b></dd>
        <dt>To try again</dt><dd>{retries[e.retryable]}</dd>
        <dt>Founded on</dt><dd>{confidences[e.confidence]}</dd>
        {e.source && <><dt>Source</dt><dd><Source of={e.source} /></dd></>}
      </dl>
    </>
  );
}

/** Shows a source. An address is a link, which opens in a place of its own. */
function Source({ of: source }: { of: string }) {
  if (!/^https:\/\/\S+$/.test(source)) return <>{source}</>;
  return <a href={source} target="_blank" rel="noreferrer">{source}</a>;
}

/** Shows what was read to check an explanation, and what could not be read. */
export function Evidence({ of: all }: { of: Schemas["ExplanationEvidence"][] }) {
  const missing = all.filter((e) => e.finding === "UNAVAILABLE").length;
  return (
    <section aria-label="Evidence">
      <h3>Evidence</h3>
      {all.length === 0 && <p class="none">There was nothing to read that confirms or contradicts it.</p>}
      {missing > 0 && <p class="warning">{missing} of {all.length} readings could not be made.</p>}
      <ul class="evidence">
        {all.map((e, at) => (
          <li key={at}>
            <State tone={findings[e.finding][0]}>{findings[e.finding][1]}</State> <b>{words(e.kind)}</b>: {e.message}
            {e.error && !e.message.includes(e.error.message ?? "") && ` ${e.error.message}`}
            <small> Read {e.resource.endsWith("/archive") ? "from the archive" : ""} at <Time at={e.time?.replace(/\.\d+/, "")} />.</small>
          </li>
        ))}
      </ul>
    </section>
  );
}

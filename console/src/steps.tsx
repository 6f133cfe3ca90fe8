// The record of one change: its state, and its steps as a timeline.
import type { Schemas } from "./api.js";
import { Mutation, State, Time, words, type Tone } from "./show.js";

const tones: Record<string, Tone> = { SUCCEEDED: "good", FAILED: "bad", UNKNOWN: "warn", SENT: "warn", INTENDED: "dim" };

/** What each state means. */
const meanings: Record<string, string> = {
  INTENDED: "Nothing was sent to the vendor yet.",
  SENT: "A call works on it. It may have taken effect.",
  SUCCEEDED: "It took effect.",
  FAILED: "It had no effect, or did not end as asked.",
  UNKNOWN: "It may have taken effect. The outcome is not known.",
};

/** Shows the state of a mutation or of a step. */
export function MutationState({ state }: { state: string | undefined }) {
  return <State tone={tones[state ?? ""] ?? "dim"}>{words(state)}</State>;
}

/** Shows how far a change is, step by step. */
export function Steps({ of: mutation }: { of: Schemas["Mutation"] }) {
  const steps = mutation.steps ?? [];
  return (
    <section class="steps" aria-label="Steps of the change">
      <p role="status">
        <MutationState state={mutation.state} /> {meanings[mutation.state ?? ""]}{" "}
        Change <Mutation name={mutation.name ?? ""} />.
      </p>
      {mutation.message && <p>{mutation.message}</p>}
      <ol>
        <li><Time at={mutation.createTime} /> The call came.</li>
        {steps.map((step) => (
          <li key={step.id}>
            <Time at={step.sendTime} /> <b>{step.id}</b> <MutationState state={step.state} />
            {step.settleTime && <> known at <Time at={step.settleTime} /></>}
            {step.message && step.message !== mutation.message && <p>{step.message}</p>}
          </li>
        ))}
        {mutation.settleTime && <li><Time at={mutation.settleTime} /> The outcome is known.</li>}
        {mutation.nextSettleTime && <li><Time at={mutation.nextSettleTime} /> drmhub reads back from the vendor again.</li>}
      </ol>
    </section>
  );
}

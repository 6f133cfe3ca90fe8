// What is wrong, first on the page: one line for each thing that needs a look.
import type { ComponentChildren } from "preact";
import type { Answer } from "../../ask.js";
import { may } from "../../caller.js";
import { State, type Tone } from "../../show.js";

/** One thing that needs a look. */
export type Finding = { id: string; tone: Tone; word: string; text: ComponentChildren };

/** One part of the page, as far as this list needs it. */
export type Part = { title: string; scope: string; answer: Answer<unknown>; findings: Finding[] };

export function Findings({ parts }: { parts: Part[] }) {
  const found = parts.flatMap((p) => p.findings);
  const sorted = [...found.filter((f) => f.tone === "bad"), ...found.filter((f) => f.tone !== "bad")];
  const unseen = parts.filter((p) => !may(p.scope));
  const failed = parts.filter((p) => may(p.scope) && p.answer.failure !== undefined);
  const waiting = parts.some((p) => may(p.scope) && p.answer.busy && !p.answer.data);
  const unknown = [...unseen, ...failed].map((p) => p.title);
  return (
    <section aria-label="What needs a look">
      <p role="status" class={found.length === 0 && unknown.length === 0 && !waiting ? "success" : "note"}>
        {headline(found.length, waiting)}
        {unknown.length > 0 && ` Not known: ${unknown.join(", ")}.`}
      </p>
      {sorted.length > 0 && (
        <ul class="findings">
          {sorted.map((f) => <li key={f.id}><State tone={f.tone}>{f.word}</State> <span>{f.text}</span></li>)}
        </ul>
      )}
    </section>
  );
}

function headline(found: number, waiting: boolean): string {
  if (found > 0) return `${found} ${found === 1 ? "thing needs" : "things need"} a look.`;
  return waiting ? "Looking …" : "Nothing here needs a look.";
}

// Labeled fields of forms: a choice and a text.
import type { InputHTMLAttributes } from "preact";

/** A value with its name for people. */
export type Option = readonly [value: string, label: string];

/** A choice. A value that is not among the options, such as one of a link, is shown, too. */
export function Choice({ label, value, options, choose }: {
  label: string;
  value: string;
  options: readonly Option[];
  choose: (value: string) => void;
}) {
  const all = options.some(([v]) => v === value) ? options : [...options, [value, value] as const];
  return (
    <label>{label}
      <select value={value} onChange={(e) => choose(e.currentTarget.value)}>
        {all.map(([v, text]) => <option key={v} value={v}>{text}</option>)}
      </select>
    </label>
  );
}

/** A text that is taken with each keystroke. */
export function Text({ label, wide, set, ...more }: {
  label: string;
  value: string;
  set: (value: string) => void;
  /** Whether it takes the whole width of a form. */
  wide?: boolean;
} & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <label class={wide ? "wide" : undefined}>{label}
      <input {...more} onInput={(e) => set(e.currentTarget.value)} />
    </label>
  );
}

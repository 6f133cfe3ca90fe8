// Counts by value, as bars that can be chosen: how often which code, which DRM, which device.
import { count } from "./show.js";

/** One value with its count. */
export type Bar = { value: string; label?: string; count: number; note?: string };

export function Bars({ caption, bars, chosen, choose }: {
  caption: string;
  bars: Bar[];
  /** The chosen value, or "". */
  chosen?: string;
  /** Chooses a value, or "" for none. Without it, the bars cannot be chosen. */
  choose?: (value: string) => void;
}) {
  const most = Math.max(1, ...bars.map((b) => b.count));
  return (
    <figure class="bars">
      <figcaption>{caption}</figcaption>
      {bars.length === 0 && <p class="none">Nothing to count.</p>}
      <ul>
        {bars.map((b) => {
          const on = chosen !== undefined && chosen !== "" && chosen === b.value;
          const inside = (
            <>
              <span class="bar" style={{ width: `${(100 * b.count) / most}%` }} aria-hidden="true" />
              <span class="label">{b.label ?? (b.value || "(none)")}</span>
              <span class="number">{count(b.count)}{b.note && <small> {b.note}</small>}</span>
            </>
          );
          return (
            <li key={b.value}>
              {choose && b.value ? (
                <button type="button" aria-pressed={on} onClick={() => choose(on ? "" : b.value)}>{inside}</button>
              ) : <div>{inside}</div>}
            </li>
          );
        })}
      </ul>
    </figure>
  );
}

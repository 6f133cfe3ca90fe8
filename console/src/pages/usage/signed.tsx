// How far two counts are apart.
import { count } from "../../show.js";

/** Shows a number with its sign. */
export function Signed({ n }: { n: number }) {
  return <>{n > 0 ? "+" : n < 0 ? "−" : ""}{count(Math.abs(n))}</>;
}

/** Returns what one count has beside another: "5 more", "2 fewer". */
export const beside = (n: number) => `${count(Math.abs(n))} ${n < 0 ? "fewer" : "more"}`;

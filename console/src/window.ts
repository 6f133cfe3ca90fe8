// Keeps a long table cheap: only the rows near those in sight are in the document.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

/** In which steps the rows follow the scroll bar. An even step keeps the stripes. */
const step = 10;

/**
 * Returns how many rows are in the document: those in sight of the tallest table, and a step before
 * and after them.
 */
const rowsInDocument = (height: number) => 2 * Math.ceil((innerHeight * 0.65) / height / 2) + 2 * step;

/** Returns which rows to show, and the heights of those before and after them. */
export function useWindow(total: number, on: boolean) {
  const holder = useRef<HTMLDivElement>(null);
  const first = useSignal(0);
  const height = useRef(28);
  const size = rowsInDocument(height.current);
  const from = on ? Math.max(0, Math.min(first.value, total - (total % 2) - size)) : 0;
  const to = on ? Math.min(total, from + size) : total;
  useEffect(() => {
    const element = holder.current;
    if (!on || !element) return;
    height.current = element.querySelector<HTMLElement>("tbody tr[aria-rowindex]")?.offsetHeight || height.current;
    // Columns keep the width that they once had, so that they do not jump while other rows come.
    const heads = [...element.querySelectorAll<HTMLElement>("thead th")];
    heads.map((head) => head.offsetWidth).forEach((width, at) => (heads[at]!.style.minWidth = `${width}px`));
  }, [from, on, total === 0]);
  const onScroll = () => {
    const at = (holder.current?.scrollTop ?? 0) / height.current;
    first.value = Math.max(0, Math.floor(at / step - 1) * step);
  };
  return { holder, onScroll, from, to, before: from * height.current, after: (total - to) * height.current };
}

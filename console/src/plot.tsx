// The one plot of the console: stacked bars over time, or lines.
import { useEffect, useId, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { count } from "./show.js";

/** One series: a value for each time, or null where none is known. */
export type Series = {
  label: string;
  values: (number | null)[];
  /** Its place among the colors, where that is not its place in the list. */
  place?: number;
};

/**
 * Colors that people who see few colors can tell apart. A series keeps its place, and so its color.
 */
const colors = ["#3d6fd6", "#d97925", "#2f9e6e", "#a04fc4", "#c23b5a", "#7a7f2a", "#2596a8", "#8a5a3c"];

/** The color of the series at a place. */
export const color = (at: number) => colors[at % colors.length]!;

export function Plot({ caption, times, series, lines = false }: {
  caption: string;
  /** The start of each interval, in seconds since 1970. */
  times: number[];
  series: Series[];
  lines?: boolean;
}) {
  const holder = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(null);
  const label = useId();
  const layout = `${lines} ${series.map((s, at) => `${s.place ?? at} ${s.label}`).join("\n")}`;

  useEffect(() => {
    const element = holder.current!;
    const plot = new uPlot(options(element, times, series, lines), data(times, series, lines), element);
    chart.current = plot;
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [layout]);

  useEffect(() => chart.current?.setData(data(times, series, lines)), [times, series]);

  const figures = series.map((s) => `${s.label}: ${count(lines ? last(s.values) : sum(s.values))}`).join(", ");
  return (
    <figure aria-labelledby={label}>
      <figcaption id={label}>{caption}</figcaption>
      <div ref={holder} class="plot" role="img" aria-label={`${caption}. ${lines ? "Last" : "In all"}: ${figures || "nothing"}`} />
      <ul class="legend" aria-hidden="true">
        {series.map((s, at) => <li key={s.label}><i style={{ background: color(s.place ?? at) }} />{s.label || "(none)"}</li>)}
      </ul>
    </figure>
  );
}

const height = 180;

const sum = (values: Series["values"]) => values.reduce<number>((a, b) => a + (b ?? 0), 0);

/** Returns the last value that is known. */
const last = (values: Series["values"]) => values.findLast((v) => v !== null) ?? 0;

function options(element: HTMLElement, times: number[], series: Series[], lines: boolean): uPlot.Options {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const axis: uPlot.Axis = {
    stroke: dark ? "#ccc" : "#333",
    grid: { stroke: dark ? "#333" : "#ddd", width: 1 },
    ticks: { show: false },
  };
  const monthly = times.length > 1 && times[1]! - times[0]! >= 86_400 * 28;
  const drawn = series.map((s, at): uPlot.Series => ({
    label: s.label,
    stroke: color(s.place ?? at),
    points: { show: lines },
    ...(!lines && { fill: color(s.place ?? at), paths: uPlot.paths.bars!({ size: [0.7, 40] }) }),
  }));
  return {
    width: element.clientWidth,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    cursor: { drag: { setScale: false } },
    legend: { show: false },
    scales: {
      x: { time: true, range: (_, from, to) => [from - margin(from, to), to + margin(from, to)] },
      y: { range: (_, __, top) => [0, Math.max(top ?? 0, 1) * 1.1] },
    },
    axes: [{ ...axis, values: dates, ...(monthly && { incrs: months }) }, { ...axis, size: 55 }],
    // The highest sum is drawn first, and lower ones over it.
    series: [{}, ...(lines ? drawn : drawn.reverse())],
  };
}

/**
 * How a time is written, by the step between two of them, and what a new year, month or day adds.
 */
const dates: uPlot.Axis.Values = [
  [86_400 * 28, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [86_400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
];

/** The steps between two times where each value is for a month. */
const months = [1, 2, 3, 6, 12, 24].map((n) => n * 86_400 * 30);

/** Leaves room for half a bar at both ends. */
const margin = (from: number, to: number) => Math.max((to - from) / 40, 1800);

/** Returns the columns of the plot. Each bar begins where the one below it ends. */
function data(times: number[], series: Series[], lines: boolean): uPlot.AlignedData {
  if (lines) return [times, ...series.map((s) => s.values)];
  const sums: number[][] = [];
  for (const { values } of series) sums.push(times.map((_, i) => (values[i] ?? 0) + (sums.at(-1)?.[i] ?? 0)));
  return [times, ...sums.reverse()];
}

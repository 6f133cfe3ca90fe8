// The counts as a plot over time and as bars. A click on a bar narrows the question.
import { useMemo } from "preact/hooks";
import { param, setParams } from "../../address.js";
import { idIn } from "../../api.js";
import { Bars } from "../../bars.js";
import { Plot, type Series } from "../../plot.js";
import { count, words } from "../../show.js";
import type { Counts, Dimension, Step } from "./counts.js";
import { drms, narrow, parent, type Question } from "./filter.js";
import { starts } from "./times.js";

/** How many codes have a color of their own. */
const colored = 7;

/** Shows counts over time, by vendor or by code. */
export function OverTime({ q, counts, steps, vendors, of }: {
  q: Question;
  /** The counts of the question. They say which series there are. */
  counts: Counts;
  /** What is shown of them. */
  steps: Step[];
  /** The resource names of all vendors, in the order of the configuration. */
  vendors: string[];
  /** What is counted. */
  of: string;
}) {
  const byCode = param("stack") === "code";
  const times = useMemo(() => starts(q.from, q.to, counts.interval), [counts]);
  const seconds = useMemo(() => times.map((t) => t / 1000), [times]);
  const labels = byCode ? counts.parts.ERROR_CODE.top.slice(0, colored).map((t) => t.value) : vendors;
  const series = useMemo(() => seriesOf(counts.steps, steps, times, labels, byCode), [counts, steps, labels.join("\n")]);
  return (
    <div>
      <Plot caption={`${of} by ${words(counts.interval)} in UTC, by ${byCode ? "code" : "vendor"}`} times={seconds} series={series} />
      <label class="check">
        <input type="checkbox" checked={byCode} onChange={(e) => setParams({ stack: e.currentTarget.checked ? "code" : "" })} />
        Color by code
      </label>
    </div>
  );
}

/** Returns a series for each label that comes at all, and one for the others. */
function seriesOf(all: Step[], steps: Step[], times: number[], labels: string[], byCode: boolean): Series[] {
  const place = new Map(labels.map((label, at) => [label, at]));
  const placeOf = (s: Step) => place.get(byCode ? s.code : s.vendor) ?? labels.length;
  const values = new Map(all.map((s) => [placeOf(s), times.map(() => 0)]));
  const at = new Map(times.map((time, at) => [time, at]));
  for (const s of steps) {
    const [mine, step] = [values.get(placeOf(s)), at.get(s.start)];
    if (mine && step !== undefined) mine[step]! += s.count;
  }
  const name = (at: number) => (at === labels.length ? "others" : byCode ? labels[at] || "no code" : idIn(labels[at], "vendors"));
  return [...values].sort(([a], [b]) => a - b).map(([place, values]) => ({ label: name(place), values, place }));
}

/** What each property is called, which condition a click sets, and how its values are called. */
const dimensions: Record<Dimension, { title: string; name: string; label?: (value: string) => string; none: string }> = {
  ERROR_CODE: { title: "Code", name: "code", none: "no code" },
  DRM_TYPE: { title: "DRM", name: "drm", label: (v) => Object.entries(drms).find(([drm]) => drm === v)?.[1] ?? "", none: "not known" },
  PLATFORM: { title: "Platform", name: "platform", none: "not reported" },
  DEVICE_MODEL: { title: "Device model", name: "model", none: "not reported" },
  CONTENT: { title: "Content", name: "content", none: "not reported" },
  SITE: { title: "Site", name: "site", label: (v) => `${idIn(v, "vendors")}/${idIn(v, "sites")}`, none: "not known" },
};

/** Shows how often each value of a property comes. */
export function By({ dimension, parts }: { dimension: Dimension; parts: Counts["parts"] }) {
  const { title, name, label, none } = dimensions[dimension];
  const { top, values, rest } = parts[dimension];
  const caption = values > top.length ? `${title}: ${top.length} of ${count(values)}. The others have ${count(rest)}` : title;
  const bars = top.map((t) => {
    const text = label ? label(t.value) : t.value;
    // What has no name cannot be asked for.
    return { value: text && t.value, count: t.count, label: text || none };
  });
  const choose = (value: string) => narrow(dimension === "SITE" ? { site: value, ...(value && { vendor: "" }) } : { [name]: value });
  return <Bars caption={caption} bars={bars} chosen={dimension === "SITE" ? chosenSite(top) : param(name)} choose={choose} />;
}

/** Returns the resource name of the chosen site. */
function chosenSite(top: { value: string }[]): string {
  const { vendor, site } = parent();
  const names = top.map((t) => t.value).filter((v) => idIn(v, "sites") === site);
  return names.find((v) => vendor === "-" || idIn(v, "vendors") === vendor) ?? "";
}

// The fields of the filter. What is typed goes into the address once a person pauses.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { link, param } from "../../address.js";
import { idIn } from "../../api.js";
import { Choice, type Option } from "../../fields.js";
import { drms, instant, narrow, parent, period, periods, statuses, texts } from "./filter.js";

/** How long a person pauses before the field is asked for, in milliseconds. */
const pause = 300;

/** The fields that are always shown. The others are behind "More conditions". */
const main = 4;

export function Form({ vendors, sites }: {
  /** The vendors with a license history, by id and name. */
  vendors: { id: string; name: string }[];
  /** The resource names of the sites that are known. */
  sites: string[];
}) {
  const chosen = parent();
  const others = texts.slice(main);
  const inVendor = sites.filter((s) => chosen.vendor === "-" || idIn(s, "vendors") === chosen.vendor);
  const site = chosen.site === "-" ? "" : (inVendor.find((s) => idIn(s, "sites") === chosen.site) ?? chosen.site);
  return (
    <form class="filter" role="search" aria-label="Conditions" onSubmit={(event) => event.preventDefault()}>
      {texts.slice(0, main).map((t) => <Field key={t.name} name={t.name} label={t.label} />)}
      <Choice label="Vendor" value={chosen.vendor === "-" ? "" : chosen.vendor} choose={(vendor) => narrow({ vendor, site: "" })}
        options={[["", "all"], ...vendors.map((v): Option => [v.id, v.name])]} />
      <Choice label="Site" value={site} choose={(site) => narrow({ site })}
        options={[["", "all"], ...inVendor.map((s): Option => [s, `${idIn(s, "vendors")}/${idIn(s, "sites")}`])]} />
      <Choice label="DRM" value={param("drm")} choose={(drm) => narrow({ drm })} options={[["", "all"], ...Object.entries(drms)]} />
      <Choice label="Outcome" value={param("status", "FAILURE")} choose={(status) => narrow({ status })}
        options={[...Object.entries(statuses), ["ALL", "all"]]} />
      <Period />
      <details open={others.some((t) => param(t.name) !== "")}>
        <summary>More conditions</summary>
        <div class="fields">{others.map((t) => <Field key={t.name} name={t.name} label={t.label} />)}</div>
      </details>
      <a href={link(["failures"])}>Clear</a>
    </form>
  );
}

function Period() {
  const choose = (chosen: string) => {
    const since = instant(Math.floor(Date.now() / 1000) * 1000 - (periods[period()] ?? 24) * 3_600_000);
    narrow(chosen === "exact" ? { period: chosen, from: since } : { period: chosen, from: "", to: "" });
  };
  return (
    <>
      <Choice label="Period" value={period()} choose={choose}
        options={[...Object.keys(periods).map((p): Option => [p, `last ${p}`]), ["exact", "exact times"]]} />
      {period() === "exact" && <Field name="from" label="From (UTC)" utc />}
      {period() === "exact" && <Field name="to" label="Until (UTC)" utc />}
    </>
  );
}

/** A condition that is typed. */
function Field({ name, label, utc = false }: {
  name: string;
  label: string;
  /** Whether it is a time in UTC. */
  utc?: boolean;
}) {
  const read = (typed: string) => (utc && typed ? instant(`${typed}Z`) : typed);
  const show = (value: string) => (utc ? instant(value).slice(0, 19) : value);
  const typed = useSignal<string | null>(null);
  const timer = useRef(0);
  const done = () => {
    clearTimeout(timer.current);
    if (typed.value === null) return;
    if (read(typed.value) !== param(name)) narrow({ [name]: read(typed.value) });
    typed.value = null;
  };
  const typing = (value: string) => {
    typed.value = value;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(done, pause);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  const attributes = {
    value: typed.value ?? show(param(name)), autocomplete: "off", spellcheck: false, onChange: done, onBlur: done,
    onInput: (e: InputEvent & { currentTarget: HTMLInputElement }) => typing(e.currentTarget.value),
  } as const;
  return <label>{label}{utc ? <input type="datetime-local" step={1} {...attributes} /> : <input type="search" {...attributes} />}</label>;
}

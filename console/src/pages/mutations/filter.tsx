// Fields whose values are conditions in the address.
import { param, query, setParams } from "../../address.js";
import { useAsk } from "../../ask.js";
import { listVendors } from "../../vendors.js";

/** A condition: its name in the address, and its label. */
export function Condition({ name, label, type = "text", list }: { name: string; label: string; type?: "text" | "datetime-local"; list?: string }) {
  return (
    <label>{label}
      <input
        type={type}
        value={param(name)}
        autocomplete="off"
        spellcheck={false}
        {...(list && { list })}
        {...(type === "datetime-local" && { step: 1 })}
        onChange={(e) => setParams({ [name]: e.currentTarget.value.trim(), rows: undefined })}
      />
    </label>
  );
}

/** Offers the methods that the vendors have, for a condition with this list. */
export function Methods({ id, also, only }: { id: string; also: string[]; only: (method: string) => boolean }) {
  const known = useAsk("vendors", listVendors).data ?? [];
  const methods = known.flatMap((v) => v.capabilities.map((c) => c.method));
  const all = [...new Set([...methods.filter(only), ...also])].sort();
  return <datalist id={id}>{all.map((m) => <option key={m} value={m} />)}</datalist>;
}

/** Reports whether a method changes something. */
export const changes = (method: string) => !/\/(Get|List|Stream|Search|Summarize|Explain)/.test(method);

/** Returns a method for people: "drmhub.v1.SiteService/DisableSite" is "DisableSite". */
export const shortMethod = (method: string) => method.slice(method.indexOf("/") + 1);

/** How many rows a page of a list has. */
const step = 50;

/** How many rows the address asks for. */
export const rows = () => Math.max(step, Math.floor(Number(param("rows"))) || step);

/**
 * Returns the conditions in the address as one text, which changes with each of them and not with
 * the number of rows.
 */
export function conditions(): string {
  const params = new URLSearchParams(query.value);
  params.delete("rows");
  return params.toString();
}

/** A button that shows older rows. */
export const More = ({ busy }: { busy: boolean }) => (
  <button type="button" disabled={busy} onClick={() => setParams({ rows: String(rows() + step) })}>Show {step} more</button>
);

// The terms of a product license as a form, and as the API takes them.
import type { Schemas } from "../../api.js";
import { Choice, Text } from "../../fields.js";
import { utc, words } from "../../show.js";

type License = Schemas["ProductLicense"];
type Input = Schemas["ProductLicenseInput"];
type Status = Schemas["ProductLicenseStatus"];

/** What is in the fields. Times are in UTC. */
export type Draft = {
  product: string;
  status: Status;
  start: string;
  stop: string;
  order: string;
  recurring: string;
  renewal: string;
  amount: string;
  currency: string;
  bought: string;
  payment: string;
};

const statuses: Status[] = ["STATUS_UNSPECIFIED", "ACTIVE", "SUSPENDED", "SUSPENDED_ADMIN", "EXPIRED", "PROCESSING", "CHECK_INVALID", "ORDER_ERROR"];

/** Returns the terms of a license, or empty ones. */
export function draftOf(license?: License): Draft {
  const { renewal, purchase } = license ?? {};
  return {
    product: license?.product ?? "",
    status: license?.status ?? "STATUS_UNSPECIFIED",
    start: local(license?.startTime),
    stop: local(license?.stopTime),
    order: license?.orderId ?? "",
    recurring: renewal?.recurring == null ? "" : String(renewal.recurring),
    renewal: local(renewal?.expireTime),
    amount: purchase?.price ? String(purchase.price.amount) : "",
    currency: purchase?.price?.currency ?? "",
    bought: local(purchase?.time),
    payment: purchase?.paymentMethod ?? "",
  };
}

/** Returns a time for its field. */
const local = (time: string | null | undefined) => time?.slice(0, 19) ?? "";

/** Returns the time of a field. Where it is the one of before, its fraction of a second stays. */
const instant = (field: string, before?: string | null) =>
  !field ? null : before && local(before) === utc(field).slice(0, 19) ? before : utc(field);

/**
 * Returns the license that the fields describe. `before` is the license that they were filled from.
 */
export function licenseOf(user: string, draft: Draft, before?: License): Input {
  const { recurring, amount, currency } = draft;
  const expireTime = instant(draft.renewal, before?.renewal?.expireTime);
  const time = instant(draft.bought, before?.purchase?.time);
  const price = amount && currency ? { amount: Number(amount), currency } : null;
  return {
    user,
    product: draft.product,
    status: draft.status,
    startTime: instant(draft.start, before?.startTime),
    stopTime: instant(draft.stop, before?.stopTime),
    orderId: draft.order,
    ...((recurring || expireTime) && { renewal: { ...(recurring && { recurring: recurring === "true" }), expireTime } }),
    ...((price || time || draft.payment) && { purchase: { price, time, paymentMethod: draft.payment } }),
  };
}

export function Terms({ draft, set, products }: {
  draft: Draft;
  set: (part: Partial<Draft>) => void;
  /** The products by vendor, as names and titles. */
  products: [vendor: string, products: [name: string, title: string][]][];
}) {
  const field = (label: string, name: Exclude<keyof Draft, "status">, more: object = {}) =>
    <Text label={label} value={draft[name]} set={(value) => set({ [name]: value })} {...more} />;
  const time = { type: "datetime-local", step: 1 };
  return (
    <>
      <label>Product
        <select required value={draft.product} onChange={(e) => set({ product: e.currentTarget.value })}>
          <option value="">Choose …</option>
          {products.map(([vendor, of]) => (
            <optgroup key={vendor} label={vendor}>{of.map(([name, title]) => <option key={name} value={name}>{title}</option>)}</optgroup>
          ))}
        </select>
      </label>
      <Choice label="Status" value={draft.status} choose={(chosen) => set({ status: statuses.find((s) => s === chosen)! })}
        options={statuses.map((s) => [s, s === "STATUS_UNSPECIFIED" ? "the vendor’s default (active)" : words(s)])} />
      {field("Begins (UTC)", "start", time)}
      {field("Ends (UTC, empty: no end)", "stop", { ...time, min: draft.start || undefined })}
      {field("Order id (empty: drmhub sets one)", "order", { maxLength: 256 })}
      <Choice label="Renews" value={draft.recurring} choose={(recurring) => set({ recurring })}
        options={[["", "as the product says"], ["true", "by itself"], ["false", "not by itself"]]} />
      {field("Period ends (UTC)", "renewal", time)}
      {field("Price in the smallest unit (999 is 9.99)", "amount", { type: "number", min: 0, max: 2147483647, step: 1, required: draft.currency !== "" })}
      {field("Currency (EUR)", "currency", { pattern: "[A-Z]{3}", title: "Three capital letters", size: 5, required: draft.amount !== "" })}
      {field("Bought (UTC, empty: now)", "bought", time)}
      {field("Paid by", "payment", { maxLength: 128 })}
    </>
  );
}

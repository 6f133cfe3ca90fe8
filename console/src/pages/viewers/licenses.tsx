// The product licenses that allow playback now, and the changes of them: issue, replace, revoke.
import { param, setParams } from "../../address.js";
import { api, idIn, joined, pages, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { may, Needs } from "../../caller.js";
import { ChangeButton, type Change } from "../../change.js";
import { ago, Failure, State, time, Time, Unreachable, words } from "../../show.js";
import { Table, type Column } from "../../table.js";
import { Order, scope } from "./order.js";
import type { Shown } from "./picture.js";
import { anyCan, can, productName, without } from "./vendors.js";
import { missingFor } from "./verdict.js";

type License = Schemas["ProductLicense"];

export function Licenses(shown: Shown) {
  const { viewer, offer } = shown;
  const missing = missingFor(viewer, "product_licenses");
  const issuing = anyCan(offer.vendors, "CreateProductLicense");
  const others = useAsk(`${shown.id} ${viewer.startTime} ${issuing}`, (signal) => notPlayable(shown.id, issuing, signal), 0, shown.id);
  const replaced = [...viewer.productLicenses, ...(others.data?.licenses ?? [])].find((l) => l.name === param("replace"));
  const empty = missing.length ? `Not known: ${missing.join(", ")} could not be asked.` : "No product license allows playback now.";
  return (
    <section aria-label="What allows playback now">
      <h2>What allows playback now</h2>
      <Table caption="Product licenses" rows={viewer.productLicenses} columns={columns(shown)} id={(l) => l.name} empty={empty} />
      {others.data && others.data.licenses.length > 0 && (
        <Table caption="Product licenses that do not allow playback" rows={others.data.licenses} columns={columns(shown)} id={(l) => l.name} />
      )}
      {missing.length === 0 && <><Unreachable vendors={others.data?.unreachable} /><Failure of={others.failure} /></>}
      {issuing ? (
        <Needs scope={scope} to="issue, replace or revoke a product license">
          {replaced && <Order key={replaced.name} shown={shown} old={replaced} />}
          <details><summary>Issue a product license</summary><Order shown={shown} /></details>
        </Needs>
      ) : <p class="note">No vendor here issues product licenses.</p>}
      {issuing && offer.vendors && without(offer, "CreateProductLicense").length > 0 && (
        <p class="note">Without product licenses: {without(offer, "CreateProductLicense").join(", ")}. There, the tokens of your service decide.</p>
      )}
    </section>
  );
}

/** Reads the licenses of a viewer that do not allow playback, where there may be some. */
async function notPlayable(user: string, some: boolean, signal: AbortSignal) {
  const licenses: License[] = [];
  let unreachable: string[] = [];
  if (!some || !may("product-licenses:read")) return { licenses, unreachable };
  const ask = (pageToken: string) =>
    api.GET("/v1/vendors/{vendor}/productLicenses", {
      params: { path: { vendor: "-" }, query: { "filter.user": user, pageSize: 1000, pageToken } },
      signal,
    });
  for await (const page of pages(ask)) {
    licenses.push(...page.productLicenses.filter((l) => !l.playable));
    unreachable = joined(unreachable, page.unreachable.map((v) => idIn(v, "vendors")));
  }
  return { licenses, unreachable };
}

function columns({ offer, again }: Shown): Column<License>[] {
  return [
    { title: "Product", by: (l) => productName(offer, l.product) },
    { title: "License", cell: (l) => <code>{idIn(l.name, "productLicenses")}</code> },
    { title: "Vendor", cell: (l) => idIn(l.name, "vendors") },
    { title: "Status", cell: (l) => <State tone={l.playable ? "good" : "warn"}>{l.status === "STATUS_UNSPECIFIED" ? l.vendorStatus : words(l.status)}</State> },
    { title: "Begins", by: (l) => l.startTime, as: time },
    { title: "Ends", cell: (l) => (l.stopTime ? <><Time at={l.stopTime} /> ({ago(l.stopTime)})</> : "no end"), by: (l) => l.stopTime ?? "9" },
    { title: "Renews", cell: (l) => <Renewal of={l} /> },
    { title: "Order", cell: (l) => <bdi>{l.orderId}</bdi> },
    { title: "Paid", cell: (l) => <Paid of={l} /> },
    {
      title: "Change",
      cell: (l) => (
        <>
          {can(offer, l.name, "ReplaceProductLicense") && may(scope) && (
            <button type="button" onClick={() => setParams({ replace: l.name })}>Replace …</button>
          )}{" "}
          {can(offer, l.name, "DeleteProductLicense") && (
            <ChangeButton scope={scope} change={() => revocation(l, productName(offer, l.product), again)}>Revoke …</ChangeButton>
          )}
        </>
      ),
    },
  ];
}

function Renewal({ of: { renewal } }: { of: License }) {
  const by = renewal?.recurring == null ? "as the product says" : renewal.recurring ? "by itself" : "not by itself";
  return <>{by}{renewal?.expireTime && <>, period ends <Time at={renewal.expireTime} /></>}</>;
}

function Paid({ of: { purchase } }: { of: License }) {
  return <>{[purchase?.price && money(purchase.price), purchase?.paymentMethod].filter(Boolean).join(", ") || "–"}</>;
}

/**
 * Returns an amount of money for people. Currencies differ in how many digits their smallest unit
 * has.
 */
function money({ amount, currency }: Schemas["Price"]): string {
  const format = new Intl.NumberFormat("en-US", { style: "currency", currency, currencyDisplay: "code" });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

function revocation(license: License, product: string, done: () => void): Change {
  const path = { vendor: idIn(license.name, "vendors"), productLicense: idIn(license.name, "productLicenses") };
  return {
    title: `Revoke license ${path.productLicense} of ${license.user}`,
    verb: "Revoke",
    confirm: path.productLicense,
    means: <p>The viewer can no longer play what the product <bdi>{product}</bdi> gave access to. This cannot be undone: a new license must be issued.</p>,
    call: (query) => api.DELETE("/v1/vendors/{vendor}/productLicenses/{productLicense}", { params: { path, query } }),
    done,
  };
}

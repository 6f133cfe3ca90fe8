// The product licenses that allow playback now, and the changes of them: issue, replace, revoke.
import { useSignal } from "@preact/signals";
import { param, setParams } from "../../address.js";
import { api, idIn, type Schemas } from "../../api.js";
import { may, Needs } from "../../caller.js";
import { ChangeButton, ChangeForm, type Change } from "../../change.js";
import { ago, Failure, State, Time, Unreachable, words } from "../../show.js";
import { Table, type Column } from "../../table.js";
import type { Shown } from "./picture.js";
import { draftOf, licenseOf, Terms } from "./terms.js";
import { anyCan, can, productName, without } from "./vendors.js";
import { missingFor } from "./verdict.js";

type License = Schemas["ProductLicense"];
const scope = "product-licenses:write";

export function Licenses(shown: Shown) {
  const { viewer, offer } = shown;
  const missing = missingFor(viewer, "product_licenses");
  const replaced = viewer.productLicenses.find((l) => l.name === param("replace"));
  const empty = missing.length ? `Not known: ${missing.join(", ")} could not be asked.` : "No product license allows playback now.";
  const issuing = anyCan(offer.vendors, "CreateProductLicense");
  return (
    <section aria-label="What allows playback now">
      <h2>What allows playback now</h2>
      <Table caption="Product licenses" rows={viewer.productLicenses} columns={columns(shown)} id={(l) => l.name} empty={empty} />
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

function columns({ offer, again }: Shown): Column<License>[] {
  return [
    { title: "Product", cell: (l) => <bdi>{productName(offer, l.product)}</bdi>, by: (l) => productName(offer, l.product) },
    { title: "License", cell: (l) => <code>{idIn(l.name, "productLicenses")}</code> },
    { title: "Vendor", cell: (l) => idIn(l.name, "vendors") },
    { title: "Status", cell: (l) => <State tone="good">{words(l.status)}</State> },
    { title: "Begins", cell: (l) => <Time at={l.startTime} />, by: (l) => l.startTime ?? "" },
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

/** Returns an amount of money for people. Currencies differ in how many digits their smallest unit has. */
function money({ amount, currency }: Schemas["Price"]): string {
  const format = new Intl.NumberFormat("en-US", { style: "currency", currency, currencyDisplay: "code" });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** A form that issues a license, or replaces an old one. */
function Order({ shown, old }: { shown: Shown; old?: License }) {
  const draft = useSignal(draftOf(old));
  const { offer } = shown;
  const products = offer.products.filter((p) => can(offer, p.name, "CreateProductLicense"));
  const vendors = [...new Set(products.map((p) => idIn(p.name, "vendors")))].filter((v) => !old || v === idIn(old.name, "vendors"));
  const choices = vendors.map((v): [string, [string, string][]] =>
    [v, products.filter((p) => idIn(p.name, "vendors") === v).map((p) => [p.name, p.displayName || p.name])]);
  const done = () => {
    setParams({ replace: undefined });
    shown.again();
  };
  return (
    <>
      {old && <h3>Replace license {idIn(old.name, "productLicenses")}</h3>}
      <Unreachable vendors={offer.unreachable} />
      <Failure of={offer.failure} />
      <ChangeForm scope={scope} submit={old ? "Replace …" : "Issue …"} change={() => ordered(shown.id, licenseOf(shown.id, draft.value, old), productName(offer, draft.value.product), done, old)}>
        <Terms draft={draft.value} set={(part) => (draft.value = { ...draft.value, ...part })} products={choices} />
        {old && <button type="button" onClick={() => setParams({ replace: undefined })}>Keep it</button>}
      </ChangeForm>
    </>
  );
}

function ordered(user: string, license: Schemas["ProductLicenseInput"], product: string, done: () => void, old?: License): Change<License> {
  const result = (l: License) => <p>License <code>{idIn(l.name, "productLicenses")}</code>{l.playable ? " allows playback now." : ` does not allow playback now: ${words(l.status)}.`}</p>;
  if (!old) {
    const path = { vendor: idIn(license.product, "vendors") };
    return {
      title: `Issue ${product} to ${user}`,
      verb: "Issue",
      means: <p>The viewer gets the right to play what the product <bdi>{product}</bdi> holds, on these terms.</p>,
      call: (query) => api.POST("/v1/vendors/{vendor}/productLicenses", { params: { path, query }, body: license }),
      result,
      done,
    };
  }
  const path = { vendor: idIn(old.name, "vendors"), productLicense: idIn(old.name, "productLicenses") };
  return {
    title: `Replace license ${path.productLicense} of ${user}`,
    verb: "Replace",
    confirm: path.productLicense,
    means: <p>drmhub revokes the old license, then issues the new one. In between, the viewer cannot play. If the second step fails, drmhub issues the old terms again.</p>,
    call: (options) => api.POST("/v1/vendors/{vendor}/productLicenses/{productLicense}:replace", { params: { path }, body: { productLicense: license, ...options } }),
    result,
    done,
  };
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

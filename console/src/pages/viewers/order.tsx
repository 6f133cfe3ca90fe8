// Issues a product license, or replaces one.
import { useSignal } from "@preact/signals";
import { setParams } from "../../address.js";
import { api, idIn, type Schemas } from "../../api.js";
import { may, Needs } from "../../caller.js";
import { ChangeForm, type Change } from "../../change.js";
import { Failure, Unreachable, words } from "../../show.js";
import type { Shown } from "./picture.js";
import { draftOf, licenseOf, Terms } from "./terms.js";
import { can, productName } from "./vendors.js";

type License = Schemas["ProductLicense"];

/** The scope that all changes of product licenses need. */
export const scope = "product-licenses:write";

/** Brings the person to the form. */
const focus = (heading: HTMLElement | null) => heading?.focus();

/** A form that issues a license, or replaces an old one. */
export function Order({ shown, old }: { shown: Shown; old?: License }) {
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
      {old && <h3 tabIndex={-1} ref={focus}>Replace license {idIn(old.name, "productLicenses")}</h3>}
      <Unreachable vendors={offer.unreachable} />
      <Failure of={offer.failure} />
      {!may("product-licenses:read") && <Needs scope="product-licenses:read" to="choose a product">{null}</Needs>}
      <ChangeForm scope={scope} submit={old ? "Replace …" : "Issue …"} change={() => ordered(shown.id, licenseOf(shown.id, draft.value, old), productName(offer, draft.value.product), done, old)}>
        <Terms draft={draft.value} set={(part) => (draft.value = { ...draft.value, ...part })} products={choices} />
        {old && <button type="button" onClick={() => setParams({ replace: undefined })}>Leave it as it is</button>}
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

// The sites of all vendors, and one site with everything that can be done about it.
import { link, param, place } from "../address.js";
import { Certificates } from "./sites/certificates.js";
import { List } from "./sites/list.js";
import { Orders } from "./sites/orders.js";
import { One } from "./sites/site.js";

/** The views of all sites, by their parameter. */
const views = [
  { show: "", title: "All sites", view: List },
  { show: "certificates", title: "FairPlay certificates", view: Certificates },
  { show: "orders", title: "Orders", view: Orders },
];

export function Sites() {
  const [, vendor, site] = place.value;
  if (vendor && site) return <One key={`${vendor}\n${site}`} vendor={vendor} site={site} />;
  const chosen = views.find((v) => v.show === param("show")) ?? views[0]!;
  return (
    <>
      <h1>Sites</h1>
      <nav class="views" aria-label="Views of the sites">
        {views.map((v) => (
          <a key={v.show} href={link(["sites"], { show: v.show })} aria-current={v === chosen ? "true" : undefined}>{v.title}</a>
        ))}
      </nav>
      <chosen.view />
    </>
  );
}

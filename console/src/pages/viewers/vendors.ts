// What each vendor offers for product licenses and accounts, so that no control is shown that
// cannot work.
import { api, idIn, joined, pages, type Schemas } from "../../api.js";
import { may } from "../../caller.js";
import { can as has, listVendors } from "../../vendors.js";

type Vendor = Schemas["Vendor"];
type Product = Schemas["Product"];

/** What can be ordered, and what is not known of it. */
export type Offer = { vendors: Vendor[] | undefined; products: Product[]; unreachable: string[]; failure?: unknown };

/** What is known before anything was read. */
export const nothing: Offer = { vendors: undefined, products: [], unreachable: [] };

/** Reads the vendors and their products, as far as the person may see them. */
export async function readOffer(signal: AbortSignal): Promise<Offer> {
  const offer = { ...nothing };
  if (may("vendors:read")) offer.vendors = await listVendors(signal);
  if (!may("product-licenses:read") || !anyCan(offer.vendors, "ListProducts")) return offer;
  await readProducts(offer, signal).catch((failure: unknown) => (offer.failure = failure));
  return offer;
}

async function readProducts(offer: Offer, signal: AbortSignal) {
  offer.products = [];
  const path = { vendor: "-" };
  const ask = (pageToken: string) =>
    api.GET("/v1/vendors/{vendor}/products", { params: { path, query: { pageToken, pageSize: 1000 } }, signal });
  for await (const page of pages(ask)) {
    offer.products.push(...page.products);
    offer.unreachable = joined(offer.unreachable, page.unreachable.map((v) => idIn(v, "vendors")));
  }
}

/**
 * Reports whether the vendor of a resource has a method, such as "DeleteProductLicense". An unknown
 * vendor may have it.
 */
export function can({ vendors }: Offer, resource: string, method: string): boolean {
  return has(vendors?.find((v) => idIn(v.name, "vendors") === idIn(resource, "vendors")), method);
}

/** Reports whether some vendor has a method. */
export const anyCan = (vendors: Vendor[] | undefined, method: string) => !vendors || vendors.some((v) => has(v, method));

/** Returns the ids of the vendors that lack a method. */
export const without = ({ vendors }: Offer, method: string) =>
  (vendors ?? []).filter((v) => !has(v, method)).map((v) => idIn(v.name, "vendors"));

/** Returns the name of a product for people. */
export const productName = ({ products }: Offer, name: string) =>
  products.find((p) => p.name === name)?.displayName || idIn(name, "products") || "not shown by the vendor";

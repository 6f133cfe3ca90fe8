// What each site used in each month, and whether an invoice bills the same.
import { useAsk } from "../ask.js";
import { listVendors } from "../vendors.js";
import { Invoice } from "./usage/invoice.js";
import { Months } from "./usage/months.js";
import { choicesOf, listSites } from "./usage/choices.js";

export function Usage() {
  const vendors = useAsk("vendors", listVendors);
  const sites = useAsk("sites", listSites);
  const choices = choicesOf(vendors.data ?? [], sites.data ?? []);
  return (
    <>
      <h1>Usage</h1>
      <Invoice choices={choices} />
      <Months choices={choices} />
    </>
  );
}

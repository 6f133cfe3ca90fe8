// Orders of new sites, which a vendor approves or rejects.
import { useSignal } from "@preact/signals";
import { api, idIn, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { may, Needs } from "../../caller.js";
import { ChangeButton } from "../../change.js";
import { Choice, Text } from "../../fields.js";
import { site, time, Unreachable } from "../../show.js";
import { Table, type Column } from "../../table.js";
import { can, listVendors } from "../../vendors.js";
import { Word } from "./states.js";
import { short, Without, type Vendor } from "./vendors.js";
import { ListProgress, useList } from "./whole.js";

type Row = Schemas["SiteOrder"];

export function Orders() {
  const known = useAsk("vendors", listVendors);
  const answer = useList(
    "orders",
    (pageToken, signal) => api.GET("/v1/vendors/{vendor}/siteOrders", {
      params: { path: { vendor: "-" }, query: { pageSize: 1000, pageToken } }, signal,
    }),
    (page) => page.siteOrders,
  );
  return (
    <>
      <Unreachable vendors={short(answer.data?.unreachable ?? [])} />
      <ListProgress of={answer} />
      {answer.data && (
        <Table caption="Orders of sites" rows={answer.data.rows} id={(o) => o.name} columns={columns} empty="No vendor has an order." />
      )}
      <Without vendors={known.data} method="ListSiteOrders" what="drmhub has no list of orders for this vendor." />
      <h2>Order a site</h2>
      {!may("vendors:read") && <Needs scope="vendors:read" to="choose a vendor">{null}</Needs>}
      <Needs scope="sites:write" to="order a site">
        {known.data && may("vendors:read") && <Form vendors={known.data.filter((v) => can(v, "CreateSiteOrder"))} done={answer.again} />}
      </Needs>
    </>
  );
}

const columns: Column<Row>[] = [
  { title: "Vendor", by: (o) => idIn(o.name, "vendors") },
  { title: "Order", by: (o) => idIn(o.name, "siteOrders") },
  { title: "Name", cell: (o) => o.displayName, by: (o) => o.displayName.toLowerCase() },
  { title: "State", cell: (o) => <Word state={o.state} vendors={o.vendorStatus} />, by: (o) => o.state },
  { title: "Vendor's word", by: (o) => o.vendorStatus },
  { title: "Site", by: (o) => o.site, as: site },
  { title: "Ordered by", by: (o) => o.accountId },
  { title: "Ordered", by: (o) => o.createTime, as: time },
  { title: "State since", by: (o) => o.updateTime, as: time },
];

function Form({ vendors, done }: { vendors: Vendor[]; done: () => void }) {
  const draft = useSignal({ vendor: "", displayName: "", policyId: "" });
  const set = (part: Partial<typeof draft.value>) => (draft.value = { ...draft.value, ...part });
  const ids = vendors.map((v) => idIn(v.name, "vendors"));
  const { displayName, policyId } = draft.value;
  const vendor = draft.value.vendor || (ids[0] ?? "");
  if (ids.length === 0) return <p class="note">No vendor takes orders of sites by drmhub.</p>;
  return (
    <>
      <div class="fields">
        <Choice label="Vendor" value={vendor} choose={(vendor) => set({ vendor })} options={ids.map((id) => [id, id])} />
        <Text label="Name of the site" value={displayName} set={(displayName) => set({ displayName })} />
        <Text label="Policy (empty: the basic one)" value={policyId} set={(policyId) => set({ policyId })} />
        <ChangeButton
          scope="sites:write"
          disabled={!displayName}
          change={() => ({
            title: `Order the site ${displayName} at ${vendor}`,
            verb: "Order",
            means: <p>The vendor creates the site after its own approval, and may bill for it. Viewers notice nothing.</p>,
            outcome: () => "The vendor has the order. Follow its state.",
            call: (options) => api.POST("/v1/vendors/{vendor}/siteOrders", {
              params: { path: { vendor }, query: options }, body: { displayName, ...(policyId && { policyId }) },
            }),
            done,
          })}
        >Order …</ChangeButton>
      </div>
      <p class="note">To order a site with a FairPlay certificate, use the API or the command line.</p>
    </>
  );
}

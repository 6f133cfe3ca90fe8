// The viewer's DRM accounts, and their devices, which can be removed.
import { api, idIn, type Schemas } from "../../api.js";
import { useSignal } from "@preact/signals";
import { Needs } from "../../caller.js";
import { ChangeButton, type Change } from "../../change.js";
import { Time, words } from "../../show.js";
import { Table, type Column } from "../../table.js";
import type { Shown } from "./picture.js";
import { can } from "./vendors.js";
import { missingFor } from "./verdict.js";

type Account = Schemas["DrmAccount"];
type Device = Schemas["DrmAccountDevice"];

export function Accounts(shown: Shown) {
  const { drmAccounts } = shown.viewer;
  const missing = missingFor(shown.viewer, "drm_accounts");
  return (
    <section aria-label="DRM accounts">
      <h2>DRM accounts</h2>
      {drmAccounts.length === 0 && (
        <p class="none">{missing.length ? `Not known: ${missing.join(", ")} could not be asked.` : "The viewer has no DRM account."}</p>
      )}
      {drmAccounts.map((account) => <Devices key={account.name} account={account} shown={shown} />)}
    </section>
  );
}

function Devices({ account, shown }: { account: Account; shown: Shown }) {
  const force = useSignal(false);
  const vendor = idIn(account.name, "vendors");
  const removable = can(shown.offer, account.name, "DeleteDrmAccountDevice");
  const columns: Column<Device>[] = [
    { title: "Device", cell: (d) => <bdi>{d.displayName || "no name"}</bdi>, by: (d) => d.displayName },
    { title: "Id", cell: (d) => <code>{d.deviceId}</code>, by: (d) => d.deviceId },
    { title: "Kind", cell: (d) => (d.type === "TYPE_UNSPECIFIED" ? d.vendorType : words(d.type)), by: (d) => d.type },
    { title: "Model", by: (d) => d.model },
    ...(removable ? [{
      title: "Change",
      cell: (d: Device) => (
        <ChangeButton scope="drm-accounts:write" change={() => removal(d, force.value, shown.again)}>Remove …</ChangeButton>
      ),
    }] : []),
  ];
  return (
    <>
      <Table
        caption={<>Account <bdi>{account.username}</bdi> at {vendor}, created <Time at={account.createTime} /></>}
        rows={account.devices}
        columns={columns}
        id={(d) => d.name}
        empty="No device uses the account."
      />
      {!removable && <p class="note">{vendor} has no call that removes a device.</p>}
      {removable && account.devices.length > 0 && (
        <Needs scope="drm-accounts:write" to="remove a device">
          <label class="check">
            <input type="checkbox" checked={force.value} onChange={(e) => (force.value = e.currentTarget.checked)} />
            Remove also a device that is younger than 90 days, where the vendor lets you
          </label>
        </Needs>
      )}
    </>
  );
}

function removal(device: Device, force: boolean, done: () => void): Change<Device> {
  const [vendor, drmAccount, id] = [idIn(device.name, "vendors"), idIn(device.name, "drmAccounts"), idIn(device.name, "devices")];
  const path = { vendor, drmAccount, device: id };
  return {
    title: `Remove the device ${device.displayName || device.model || id}`,
    verb: "Remove",
    confirm: id,
    means: <p>The viewer can no longer play on this device with the account <bdi>{drmAccount}</bdi>. The place becomes free for another device, at once or later.</p>,
    call: (options) =>
      api.DELETE("/v1/vendors/{vendor}/drmAccounts/{drmAccount}/devices/{device}", { params: { path, query: { ...options, ...(force && { force }) } } }),
    result: ({ releaseTime }) => <p>{releaseTime ? <>The place becomes free at <Time at={releaseTime} />.</> : "The place is free."}</p>,
    done,
  };
}

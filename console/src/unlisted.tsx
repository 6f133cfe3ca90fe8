// Vendors whose sites could not be listed. The archive may hold some of their sites all the same.
import type { Schemas } from "./api.js";
import { Unreachable } from "./show.js";
import { nameOf } from "./vendors.js";

export function Unlisted({ of: unreachable, seen, vendors }: {
  /** The resource names of these vendors. */
  of: string[];
  /** The resource names of what is shown. */
  seen: string[];
  vendors: Schemas["Vendor"][];
}) {
  const partly = unreachable.filter((vendor) => seen.some((name) => name === vendor || name.startsWith(`${vendor}/`)));
  return (
    <>
      <Unreachable vendors={unreachable.filter((v) => !partly.includes(v)).map((v) => nameOf(vendors, v))} />
      {partly.map((vendor) => (
        <p key={vendor} role="status" class="warning">
          {nameOf(vendors, vendor)} could not be asked for its sites. Those that the archive knows are here. A site that is missing is not counted.
        </p>
      ))}
    </>
  );
}

// Changes a site's name and policy.
import { useSignal } from "@preact/signals";
import { api, type Schemas } from "../../api.js";
import { ChangeButton } from "../../change.js";
import { Text } from "../../fields.js";
import { can } from "../../vendors.js";
import { Differences, differences } from "./differences.js";
import type { Place } from "./site.js";

type Draft = { displayName: string; policyId: string };

const labels = { displayName: "Name", policyId: "Policy" };

export function Edit({ place, site }: { place: Place; site: Schemas["Site"] }) {
  if (!can(place.vendor, "UpdateSite")) {
    return <p class="note">{place.path.vendor} has no call that changes the name or the policy of a site.</p>;
  }
  return <Form key={`${site.displayName}\n${site.policyId}`} place={place} site={site} />;
}

function Form({ place: { path, again }, site }: { place: Place; site: Schemas["Site"] }) {
  const before: Draft = { displayName: site.displayName, policyId: site.policyId };
  const draft = useSignal(before);
  const changed = differences(before, draft.value);
  const set = (part: Partial<Draft>) => (draft.value = { ...draft.value, ...part });
  return (
    <>
      <h3>Edit</h3>
      <div class="fields">
        <Text label="Name" value={draft.value.displayName} set={(displayName) => set({ displayName })} />
        <Text label="Policy" value={draft.value.policyId} set={(policyId) => set({ policyId })} />
        <ChangeButton
          scope="sites:write"
          disabled={Object.keys(changed).length === 0}
          change={() => ({
            title: `Edit ${path.site}`,
            verb: "Save",
            // A policy decides what players may do with each license.
            ...(changed.policyId !== undefined && { confirm: path.site }),
            means: <Differences labels={labels} before={before} changed={changed} note="New licenses follow the policy of the site." />,
            call: (options) => api.PATCH("/v1/vendors/{vendor}/sites/{site}", { params: { path, query: options }, body: changed }),
            done: again,
          })}
        >Save …</ChangeButton>
      </div>
    </>
  );
}

// Switches a site off and on, and asks the vendor for a longer trial.
import { useSignal } from "@preact/signals";
import { api, type Schemas } from "../../api.js";
import { ChangeButton, type Change, type Options } from "../../change.js";
import { Choice, Text } from "../../fields.js";
import { words } from "../../show.js";
import { can } from "../../vendors.js";
import type { Place } from "./site.js";
import { service as nameOf } from "./site.js";

type Service = Schemas["SiteService"];
type Body = Schemas["DisableSiteRequest"];
type StatusChange = Schemas["StatusChange"];

export function Switches({ place, site }: { place: Place; site: Schemas["Site"] }) {
  const chosen = useSignal<Service>("DRM");
  const message = useSignal("");
  const { vendor } = place;
  const services = site.services.filter((s) => s.service !== "SERVICE_UNSPECIFIED");
  const state = stateOf(site, chosen.value);
  const orders = ordersFor(place, chosen.value, message.value);
  return (
    <>
      <div class="fields">
        {services.length > 1 && (
          <Choice label="Service" value={chosen.value} choose={(name) => (chosen.value = services.find((s) => s.service === name)!.service)}
            options={services.map((s) => [s.service, nameOf(s)])} />
        )}
        <Text wide label="Message to the vendor (optional)" value={message.value} set={(text) => (message.value = text)} />
      </div>
      <p class="buttons">
        {state !== "off" && can(vendor, "DisableSite") && (
          <ChangeButton scope="sites:write" change={() => orders.off}>Switch off …</ChangeButton>
        )}
        {state !== "on" && can(vendor, "EnableSite") && (
          <ChangeButton scope="sites:write" change={() => orders.on}>Switch on …</ChangeButton>
        )}
        {can(vendor, "ExtendTrial") && (
          <ChangeButton scope="sites:write" change={() => orders.trial}>Extend the trial …</ChangeButton>
        )}
      </p>
      {!can(vendor, "ExtendTrial") && <p class="note">{place.path.vendor} has no call that extends a trial.</p>}
    </>
  );
}

/**
 * Returns whether a service is on. Where the vendor's word is not known, both changes are possible.
 */
function stateOf(site: Schemas["Site"], service: Service): "on" | "off" | "unknown" {
  if (service === "DRM") return site.state === "STATE_UNSPECIFIED" ? "unknown" : site.enabled ? "on" : "off";
  const state = site.services.find((s) => s.service === service)?.state;
  return state === "ACTIVE" ? "on" : state === "SUSPENDED" ? "off" : "unknown";
}

/** Returns the three changes for a service. */
function ordersFor({ path, again }: Place, service: Service, message: string) {
  const drm = service === "DRM";
  const what = drm ? path.site : `${words(service)} of ${path.site}`;
  const body = (options: Options): Body => ({ ...(!drm && { service }), ...(message && { message }), ...options });
  const params = { path };
  const common = { outcome, done: again };
  const off: Change<StatusChange> = {
    ...common,
    title: `Switch off ${what}`,
    verb: "Switch off",
    confirm: path.site,
    means: drm
      ? <p>The vendor stops issuing licenses for this site. Viewers who need a new license can no longer play.</p>
      : <p>The vendor stops this service for the site. Licenses are issued as before.</p>,
    call: (options) => api.POST("/v1/vendors/{vendor}/sites/{site}:disable", { params, body: body(options) }),
  };
  const on: Change<StatusChange> = {
    ...common,
    title: `Switch on ${what}`,
    verb: "Switch on",
    means: drm
      ? <p>The vendor issues licenses for this site again. Viewers can play, and the vendor bills for it.</p>
      : <p>The vendor provides this service for the site again, and bills for it.</p>,
    call: (options) => api.POST("/v1/vendors/{vendor}/sites/{site}:enable", { params, body: body(options) }),
  };
  const trial: Change<StatusChange> = {
    ...common,
    title: `Extend the trial of ${what}`,
    verb: "Ask the vendor",
    means: <p>The vendor is asked for a longer trial, and decides on it. Viewers notice nothing.</p>,
    call: (options) => api.POST("/v1/vendors/{vendor}/sites/{site}:extendTrial", { params, body: body(options) }),
  };
  return { off, on, trial };
}

/** Says what came of a change. A vendor may take days to decide. */
export function outcome(change: StatusChange | undefined): string | undefined {
  switch (change?.state) {
    case undefined: return "Done. Read the state on the page: the vendor may have to approve the change first.";
    case "APPLIED": return undefined;
    case "PENDING": return "The vendor has the request, and must approve it. Nothing has changed yet.";
    default: return `The vendor has the request. It is ${words(change?.state)}.`;
  }
}

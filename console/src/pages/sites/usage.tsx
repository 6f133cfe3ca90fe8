// What a site used in this month.
import { api, read } from "../../api.js";
import { useAsk } from "../../ask.js";
import { may, Needs } from "../../caller.js";
import { count, Progress } from "../../show.js";
import { can } from "../../vendors.js";
import type { Place } from "./site.js";

export function UsageNow({ place }: { place: Place }) {
  return (
    <section aria-labelledby="usage">
      <h2 id="usage">Usage this month</h2>
      {!may("licenses:read") ? <Needs scope="licenses:read" to="see usage">{null}</Needs>
        : can(place.vendor, "GetUsage") ? <Figures place={place} />
        : <p class="note">{place.path.vendor} has no call that shows usage.</p>}
    </section>
  );
}

function Figures({ place: { path } }: { place: Place }) {
  const answer = useAsk("usage", (signal) => read(api.GET("/v1/vendors/{vendor}/sites/{site}/usage", { params: { path }, signal })));
  const usage = answer.data;
  return (
    <>
      <Progress of={answer} />
      {usage && (
        <dl>
          <dt>Licenses</dt><dd>{count(usage.monthlyActiveLicenses)}</dd>
          <dt>Users</dt><dd>{count(usage.monthlyActiveUsers)}</dd>
          <dt>Devices</dt><dd>{count(usage.monthlyActiveDevices)}</dd>
          <dt>As of</dt><dd>{usage.date || "–"}, as the vendor counts</dd>
        </dl>
      )}
    </>
  );
}

// Asks for the picture of one viewer, and lays out its parts.
import { param, setParams } from "../../address.js";
import { api, read, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { Choice } from "../../fields.js";
import { Progress, Time } from "../../show.js";
import { Accounts } from "./accounts.js";
import { Erase } from "./erase.js";
import { Refusals } from "./refusals.js";
import { Devices, History } from "./history.js";
import { Licenses } from "./licenses.js";
import { Missing } from "./missing.js";
import { nothing, readOffer, type Offer } from "./vendors.js";
import { Verdict } from "./verdict.js";

/** What the parts of the page share. */
export type Shown = {
  id: string;
  /** The chosen period, such as "7d". */
  since: string;
  viewer: Schemas["Viewer"];
  offer: Offer;
  /** Asks for the picture anew. */
  again: () => void;
};

/** The periods that a person can choose, in hours. */
const periods: Record<string, { hours: number; title: string }> = {
  "24h": { hours: 24, title: "24 hours" },
  "7d": { hours: 7 * 24, title: "7 days" },
  "30d": { hours: 30 * 24, title: "30 days" },
  "90d": { hours: 90 * 24, title: "90 days" },
};

export function Picture({ id }: { id: string }) {
  const since = periods[param("since")] ? param("since") : "7d";
  const picture = useAsk(`${id} ${since}`, (signal) => {
    const startTime = new Date(Date.now() - periods[since]!.hours * 3_600_000).toISOString().replace(/\.\d+/, "");
    return read(api.GET("/v1/viewers/{viewer}", { params: { path: { viewer: id }, query: { startTime } }, signal }));
  });
  const offer = useAsk("offer", readOffer);
  const viewer = picture.data;
  const shown = viewer && { id, since, viewer, offer: offer.data ?? nothing, again: picture.again };
  return (
    <div aria-busy={picture.busy}>
      <div class="fields">
        <Choice label="License requests of the last" value={since} choose={(since) => setParams({ since })}
          options={Object.entries(periods).map(([value, { title }]) => [value, title])} />
        <button type="button" onClick={picture.again}>Ask anew</button>
        {viewer && <span class="note">Since <Time at={viewer.startTime} />. Times are in UTC.</span>}
      </div>
      <Progress of={picture} />
      <Progress of={offer} />
      {shown && (
        <>
          <Verdict {...shown} />
          <Missing {...shown} />
          <Refusals {...shown} />
          <Licenses {...shown} />
          <Accounts {...shown} />
          <Devices {...shown} />
          <History {...shown} />
          <Erase {...shown} />
        </>
      )}
    </div>
  );
}

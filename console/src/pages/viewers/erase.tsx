// Takes a viewer out of the archive.
import { api, idIn, type Schemas } from "../../api.js";
import { Needs } from "../../caller.js";
import { ChangeButton, type Change } from "../../change.js";
import { plural, Unreachable } from "../../show.js";
import type { Shown } from "./picture.js";

export function Erase({ id, again }: Shown) {
  return (
    <section aria-label="Erase">
      <h2>Erase the viewer from the archive</h2>
      <p>On a person’s request, drmhub can take the id out of its archive. Nothing changes at a vendor.</p>
      <Needs scope="viewers:write" to="erase the viewer from the archive">
        <ChangeButton scope="viewers:write" change={() => erasure(id, again)}>Erase …</ChangeButton>
      </Needs>
    </section>
  );
}

function erasure(viewer: string, done: () => void): Change<Schemas["EraseViewerResponse"]> {
  return {
    title: `Erase ${viewer} from the archive`,
    verb: "Erase",
    confirm: viewer,
    dryRun: false,
    mutation: null,
    means: (
      <>
        <h3>What goes, and cannot come back</h3>
        <p>The viewer’s id and its MD5, in all license requests in the archive of the sites that you may see. Later readings do not bring them back.</p>
        <h3>What stays</h3>
        <ul>
          <li>The license requests themselves, with time, content and device, but without the viewer. So all counts stay exact.</li>
          <li>Everything that the vendors hold: product licenses, DRM accounts, and their own histories.</li>
          <li>The records of changes that name the viewer, until drmhub deletes them (after 30 days unless configured otherwise).</li>
          <li>The audit trail. It has the fact of this erasure, without the id.</li>
        </ul>
      </>
    ),
    call: () => api.POST("/v1/viewers/{viewer}:erase", { params: { path: { viewer } }, body: {} }),
    outcome: (body) => body && `Done. ${plural(body.licenseCount, "license request")} no longer ${body.licenseCount === 1 ? "names" : "name"} the viewer.`,
    result: ({ unreachable }) =>
      unreachable.length > 0 && (
        <>
          <Unreachable vendors={unreachable.map((v) => idIn(v, "vendors"))} />
          <p>A new site of such a vendor can still come to name the viewer. Erase again later.</p>
        </>
      ),
    done,
  };
}

// How players and packagers reach the vendor: keys, callback addresses, token lifetime.
import { useSignal } from "@preact/signals";
import { api, read, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { may, Needs } from "../../caller.js";
import { ChangeButton } from "../../change.js";
import { Text } from "../../fields.js";
import { Progress, seconds } from "../../show.js";
import { can } from "../../vendors.js";
import { Differences, differences } from "./differences.js";
import type { Place } from "./site.js";

export function Integration({ place }: { place: Place }) {
  return (
    <section aria-labelledby="integration">
      <h2 id="integration">Integration</h2>
      {can(place.vendor, "GetIntegration") ? <Setup place={place} /> : (
        <p class="note">{place.path.vendor} has no call that shows keys and callback addresses.</p>
      )}
    </section>
  );
}

function Setup({ place }: { place: Place }) {
  const { path } = place;
  // Keys are asked for only when a person wants to see them.
  const full = useSignal(false);
  const answer = useAsk(`integration ${full.value}`, async (signal) => {
    const view = full.value ? ("FULL" as const) : ("BASIC" as const);
    const params = { path, query: { view } };
    return { view, setup: await read(api.GET("/v1/vendors/{vendor}/sites/{site}/integration", { params, signal })) };
  }, 0, "integration");
  const setup = answer.data?.setup;
  // Keys that a person hides are gone at once, and not only when the vendor has responded.
  const hidden = answer.data?.view === "FULL" && !full.value;
  return (
    <>
      <Progress of={answer} />
      {setup && (
        <>
          <dl>
            {setup.credentials.map((c) => (
              <><dt>{c.id}</dt><dd>{c.redacted || hidden ? <span class="none">hidden</span> : <code>{c.value || "–"}</code>}</dd></>
            ))}
            <dt>iv</dt><dd><code>{setup.iv || "–"}</code></dd>
          </dl>
          {may("secrets:read") ? (
            <button type="button" onClick={() => (full.value = !full.value)}>
              {full.value ? "Hide the keys" : "Show the keys"}
            </button>
          ) : <Needs scope="secrets:read" to="see the keys">{null}</Needs>}
          {can(place.vendor, "UpdateIntegration") ? (
            <Needs scope="sites:write" to="change the integration">
              <Form key={JSON.stringify(draftOf(setup))} place={place} setup={setup} again={answer.again} />
            </Needs>
          ) : <p class="note">{path.vendor} has no call that changes the integration.</p>}
        </>
      )}
    </>
  );
}

type Draft = { licenseCallbackUrl: string; packageCallbackUrl: string; tokenDuration: string };

const labels = {
  licenseCallbackUrl: "Callback address for licenses",
  packageCallbackUrl: "Callback address for packaging",
  tokenDuration: "Lifetime of a license token (seconds)",
};

/** Returns what a person can change. */
const draftOf = (setup: Schemas["Integration"]): Draft => ({
  licenseCallbackUrl: setup.licenseCallbackUrl,
  packageCallbackUrl: setup.packageCallbackUrl,
  tokenDuration: setup.tokenDuration === null ? "" : String(seconds(setup.tokenDuration)),
});

function Form({ place: { path }, setup, again }: { place: Place; setup: Schemas["Integration"]; again: () => void }) {
  const before = draftOf(setup);
  const draft = useSignal(before);
  const changed = differences(before, draft.value);
  const { tokenDuration, ...addresses } = changed;
  const body = { ...addresses, ...(tokenDuration !== undefined && { tokenDuration: tokenDuration ? `${tokenDuration}s` : null }) };
  const set = (part: Partial<Draft>) => (draft.value = { ...draft.value, ...part });
  return (
    <div class="fields">
      {(["licenseCallbackUrl", "packageCallbackUrl", "tokenDuration"] as const).map((field) => (
        <Text key={field} wide label={labels[field]} value={draft.value[field]} set={(value) => set({ [field]: value })}
          {...(field === "tokenDuration" ? { inputMode: "numeric" } : { type: "url" })} />
      ))}
      <ChangeButton
        scope="sites:write"
        disabled={Object.keys(changed).length === 0}
        change={() => ({
          title: `Change the integration of ${path.site}`,
          verb: "Save",
          confirm: path.site,
          means: (
            <Differences labels={labels} before={before} changed={changed}
              note="The vendor asks the callback address before it issues a license. A wrong address keeps viewers from playing." />
          ),
          call: (options) => api.PATCH("/v1/vendors/{vendor}/sites/{site}/integration", { params: { path, query: options }, body }),
          done: again,
        })}
      >Save …</ChangeButton>
    </div>
  );
}

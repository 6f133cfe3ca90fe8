// The vendors as cards: first the verdict, then what it rests on.
import { link } from "../../address.js";
import { api, idIn, read, type Schemas } from "../../api.js";
import { useAsk, type Answer } from "../../ask.js";
import { may } from "../../caller.js";
import { Failure, lasting, Progress, seconds, State } from "../../show.js";
import { can, hasHistory, listVendors } from "../../vendors.js";
import { Act } from "./act.js";
import type { Finding } from "./finding.js";
import { Facts } from "./facts.js";
import { Long } from "../../long.js";
import { verdict, type Verdict } from "./verdict.js";

/** A vendor with its status, or with why that is not known. */
export type Seen = { vendor: Schemas["Vendor"]; status?: Schemas["VendorStatus"]; failure?: unknown };

export const useVendors = (every: number) =>
  useAsk("vendors", async (signal): Promise<Seen[]> => {
    const vendors = await listVendors(signal);
    return Promise.all(vendors.map(async (vendor) => {
      const params = { path: { vendor: idIn(vendor.name, "vendors") } };
      try {
        return { vendor, status: await read(api.GET("/v1/vendors/{vendor}/status", { signal, params })) };
      } catch (failure) {
        signal.throwIfAborted();
        return { vendor, failure };
      }
    }));
  }, every);

const unknown: Verdict = { word: "not known", tone: "warn", why: "drmhub could not say how its calls to this vendor went." };

const judge = ({ status }: Seen) => (status ? verdict(status) : unknown);

/** Returns the vendors that do not work as they should. */
export function vendorFindings(seen: Seen[]): Finding[] {
  return seen.flatMap((s): Finding[] => {
    const { word, tone, why } = judge(s);
    const drift = s.status?.drift.length ?? 0;
    const name = <Name of={s.vendor} />;
    const found: Finding[] = [];
    if (tone === "bad" || tone === "warn") found.push({ id: `${s.vendor.name} verdict`, tone, word, text: <>{name}: {why}</> });
    if (drift > 0) {
      const text = <>{name}: its responses differ from its documents in {drift} {drift === 1 ? "place" : "places"}.</>;
      found.push({ id: `${s.vendor.name} drift`, tone: "warn", word: "drift", text });
    }
    return found;
  });
}

/** A vendor's name, which leads to its failures where they can be seen. */
function Name({ of: vendor }: { of: Schemas["Vendor"] }) {
  if (!hasHistory(vendor) || !may("licenses:read")) return <b>{vendor.displayName}</b>;
  return <a href={link(["failures"], { vendor: idIn(vendor.name, "vendors") })}>{vendor.displayName}</a>;
}

export function Vendors({ of: answer }: { of: Answer<Seen[]> }) {
  return (
    <section>
      <h2>Vendors</h2>
      <Progress of={answer} />
      {answer.data?.length === 0 && <p class="none">No vendor that you may see is configured.</p>}
      <div class="cards">
        {answer.data?.map((s) => <Card key={s.vendor.name} of={s} again={answer.again} />)}
      </div>
      <p class="note">Calls, breakers and lanes are what one replica of drmhub saw since its start.</p>
    </section>
  );
}

function Card({ of: seen, again }: { of: Seen; again: () => void }) {
  const { vendor, status } = seen;
  const id = idIn(vendor.name, "vendors");
  const { word, tone, why } = judge(seen);
  const check = async (signal: AbortSignal) => {
    const result = await read(api.POST("/v1/vendors/{vendor}:check", { signal, params: { path: { vendor: id } }, body: {} }));
    const took = lasting(seconds(result.latency));
    if (!result.ok) return <p class="failure"><Long text={`The check failed: ${result.error?.message ?? "the vendor gave no reason"}`} /></p>;
    return <p class="success">The vendor responded in {took}.{result.accessLevel && ` Access: ${result.accessLevel}.`}</p>;
  };
  return (
    <section class="card" data-tone={tone} aria-label={vendor.displayName}>
      <h3><State tone={tone}>{word}</State> {vendor.displayName}</h3>
      <p class="note"><code>{id}</code>{id !== vendor.kind && ` (${vendor.kind})`}</p>
      {tone !== "good" && <p>{why}</p>}
      {status ? <Facts of={status} /> : <Failure of={seen.failure} />}
      <p class="links">
        {hasHistory(vendor) && may("licenses:read") && <a href={link(["failures"], { vendor: id })}>Failures</a>}
        {can(vendor, "GetUsage") && may("licenses:read") && <a href={link(["usage"], { vendor: id })}>Usage and invoices</a>}
        {can(vendor, "ListSites") && may("sites:read") && <a href={link(["sites"], { vendor: id })}>Sites</a>}
      </p>
      <Act label="Check now" name={vendor.displayName} run={check} done={again} />
    </section>
  );
}

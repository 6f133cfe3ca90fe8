// The FairPlay certificate that Apple's devices get, and the registration of another one.
import { api, read, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { Needs } from "../../caller.js";
import { Progress, Time } from "../../show.js";
import { can } from "../../vendors.js";
import { Register } from "./register.js";
import type { Place } from "./site.js";
import { Nearness } from "./states.js";

export function FairPlay({ place, site }: { place: Place; site: Schemas["Site"] | undefined }) {
  const { vendor, path } = place;
  const reported = site?.fairplayCertificate;
  return (
    <section aria-labelledby="fairplay">
      <h2 id="fairplay">FairPlay</h2>
      {reported && <><h3>The vendor reports</h3><Certificate of={reported} /></>}
      {can(vendor, "GetFairPlayCertificate") ? <Served place={place} /> : (
        <p class="note">{path.vendor} has no call that shows the certificate that it serves.</p>
      )}
      {can(vendor, "RegisterFairPlayCertificate") ? (
        <Needs scope="sites:write" to="register a certificate"><Register place={place} /></Needs>
      ) : <p class="note">{path.vendor} has no call that registers a certificate for a site.</p>}
    </section>
  );
}

function Served({ place: { path, turn } }: { place: Place }) {
  const answer = useAsk(`served ${turn}`, (signal) =>
    read(api.GET("/v1/vendors/{vendor}/sites/{site}/fairPlayCertificate", { params: { path }, signal })));
  return (
    <>
      <h3>Served to players now</h3>
      <Progress of={answer} />
      {answer.data && answer.failure === undefined && <Certificate of={answer.data} />}
    </>
  );
}

/** Shows a certificate. */
export function Certificate({ of: certificate }: { of: Schemas["FairPlayCertificate"] }) {
  const { subject, expireTime, serialNumber, fingerprint, keySize, certificateUri } = certificate;
  return (
    <dl>
      <dt>Ends</dt><dd><Time at={expireTime} /> <Nearness end={expireTime} /></dd>
      <dt>Subject</dt><dd>{subject || "–"}</dd>
      {serialNumber && <><dt>Serial number</dt><dd><code>{serialNumber}</code></dd></>}
      {keySize > 0 && <><dt>Key</dt><dd>{keySize} bits</dd></>}
      {fingerprint && <><dt>SHA-256</dt><dd><code>{fingerprint}</code></dd></>}
      {certificateUri && <><dt>Fetched from</dt><dd>{certificateUri}</dd></>}
    </dl>
  );
}

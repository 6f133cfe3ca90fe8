// What an operator looks at first: what is wrong, then how each part does.
import { Archives, archiveFindings, useArchives } from "./overview/archives.js";
import { Certificates, certificateFindings, useCertificates } from "./overview/certificates.js";
import { Changes, changeFindings, useChanges } from "./overview/changes.js";
import { Findings } from "./overview/finding.js";
import { Licenses } from "./overview/traffic.js";
import { useVendors, vendorFindings, Vendors } from "./overview/vendors.js";

/** How often the page asks again, in milliseconds. */
const every = 20_000;

export function Overview() {
  const seen = useVendors(every);
  const changes = useChanges(every);
  const archives = useArchives(every);
  const certificates = useCertificates();
  const vendors = (seen.data ?? []).map((s) => s.vendor);
  return (
    <>
      <h1>Overview</h1>
      <Findings
        parts={[
          { title: "vendors", scope: "vendors:read", answer: seen, findings: vendorFindings(seen.data ?? []) },
          { title: "changes", scope: "mutations:read", answer: changes, findings: changes.data ? changeFindings(changes.data) : [] },
          { title: "the archive", scope: "licenses:read", answer: archives, findings: archives.data ? archiveFindings(archives.data, vendors) : [] },
          { title: "certificates", scope: "sites:read", answer: certificates, findings: certificates.data ? certificateFindings(certificates.data) : [] },
        ]}
      />
      <Vendors of={seen} />
      <Licenses vendors={vendors} every={every} />
      <Changes of={changes} />
      <Certificates of={certificates} vendors={vendors} />
      <Archives of={archives} vendors={vendors} />
    </>
  );
}

// The license request that the address holds. Rows have no id, so that the address holds what tells
// it from others.
import { param, setParams } from "../../address.js";
import { idIn, type Schemas } from "../../api.js";
import type { operations } from "../../openapi.js";

type Query = NonNullable<operations["LicenseService_ExplainLicense"]["parameters"]["query"]>;

/** The fields of a row that are texts. */
const fields = ["site", "contentId", "errorCode", "userId", "userIdMd5", "deviceId", "deviceModel", "platform",
  "integrationType", "vendorDrmType", "vendorStatus"] as const;

const drmTypes = ["WIDEVINE", "PLAYREADY", "FAIRPLAY", "NCG"] as const;
const statuses = ["SUCCESS", "FAILURE"] as const;

/** Writes a row to the address. */
export function choose(row: Schemas["License"] | null) {
  setParams({ row: row ? JSON.stringify(row, (_, value) => value || undefined) : "" });
}

/** Returns the row in the address, or null. */
export function chosen(): Schemas["License"] | null {
  const from = fieldsOf(param("row"));
  const row: Schemas["License"] = {
    site: "", contentId: "", errorCode: "", userId: "", userIdMd5: "", deviceId: "", deviceModel: "", platform: "",
    integrationType: "", vendorDrmType: "", vendorStatus: "",
    createTime: from.createTime ?? null,
    drmType: drmTypes.find((d) => d === from.drmType) ?? "DRM_TYPE_UNSPECIFIED",
    status: statuses.find((s) => s === from.status) ?? "STATUS_UNSPECIFIED",
  };
  for (const name of fields) row[name] = from[name] ?? "";
  return idIn(row.site, "vendors") && idIn(row.site, "sites") ? row : null;
}

/** Returns the fields of an object in JSON that are texts. Anyone can write an address. */
function fieldsOf(text: string): Record<string, string> {
  try {
    const parsed: unknown = JSON.parse(text);
    return Object.fromEntries(Object.entries(parsed ?? {}).filter((f): f is [string, string] => typeof f[1] === "string"));
  } catch {
    return {};
  }
}

/** Returns a row as ExplainLicense takes it. */
export function asked(row: Schemas["License"]): Query {
  const query: Query = { "license.drmType": row.drmType, "license.status": row.status };
  for (const name of fields) if (row[name]) query[`license.${name}`] = row[name];
  if (row.createTime) query["license.createTime"] = row.createTime;
  return query;
}

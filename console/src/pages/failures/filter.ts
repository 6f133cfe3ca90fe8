// The question that the address holds: which license requests, of which time.
import { param, setParams } from "../../address.js";
import { idIn, type Schemas } from "../../api.js";
import type { operations } from "../../openapi.js";

type Query = NonNullable<operations["ArchiveService_SearchLicenses"]["parameters"]["query"]>;

/** The conditions of a search, as the API takes them. */
export type Filter = Omit<Query, "pageSize" | "pageToken">;

/** A question, with its start fixed in time, so that all of its requests count the same. */
export type Question = {
  path: { vendor: string; site: string };
  filter: Filter;
  /**
   * The start and the end in milliseconds. The end of a period without one is the time of asking.
   */
  from: number;
  to: number;
  /** Whether the period goes on. */
  open: boolean;
  /** Tells questions apart. */
  key: string;
};

/** The conditions that are texts: their name in the address, their field, and their label. */
export const texts = [
  { name: "viewer", field: "filter.userId", label: "Viewer" },
  { name: "code", field: "filter.errorCode", label: "Code" },
  { name: "content", field: "filter.contentId", label: "Content" },
  { name: "model", field: "filter.deviceModel", label: "Device model" },
  { name: "platform", field: "filter.platform", label: "Platform" },
  { name: "device", field: "filter.deviceId", label: "Device" },
  { name: "md5", field: "filter.userIdMd5", label: "MD5 of the viewer" },
  { name: "integration", field: "filter.integrationType", label: "Authorized by" },
] as const;

/** The DRM systems by their names for people. */
export const drms: Partial<Record<Schemas["LicenseDrmType"], string>> = {
  WIDEVINE: "Widevine", PLAYREADY: "PlayReady", FAIRPLAY: "FairPlay", NCG: "NCG",
};

/** The outcomes that a person can choose. */
export const statuses: Partial<Record<Schemas["LicenseStatus"], string>> = { FAILURE: "refused", SUCCESS: "issued" };

/** The periods that end now, in hours. */
export const periods: Record<string, number> = { "1h": 1, "24h": 24, "7d": 168, "30d": 720, "90d": 2160 };

const hour = 3_600_000;

/** Returns the chosen period, or "exact". */
export const period = () => {
  if (param("from") || param("to") || param("period") === "exact") return "exact";
  return param("period") in periods ? param("period") : "24h";
};

/**
 * Returns the ids of the vendor and the site, or "-" for all. The address may hold ids or resource
 * names.
 */
export function parent() {
  const [vendor, site] = [param("vendor"), param("site")];
  return {
    vendor: idIn(site, "vendors") || idIn(vendor, "vendors") || vendor || "-",
    site: idIn(site, "sites") || site || "-",
  };
}

/**
 * Returns a time as the API takes it. What is no time stays as it is: the API says what is wrong
 * with it.
 */
export const instant = (at: string | number) => {
  const time = new Date(at);
  return Number.isNaN(time.valueOf()) ? String(at) : time.toISOString().replace(".000Z", "Z");
};

const isDrm = (name: string): name is Schemas["LicenseDrmType"] => name in drms;
const isStatus = (name: string): name is Schemas["LicenseStatus"] => name in statuses;

/** Returns the question in the address. `now` is when it is asked. */
export function question(now: number): Question {
  const filter: Filter = {};
  for (const { name, field } of texts) if (param(name)) filter[field] = param(name);
  const [drm, status] = [param("drm"), param("status", "FAILURE")];
  if (isDrm(drm)) filter["filter.drmType"] = drm;
  if (isStatus(status)) filter["filter.status"] = status;
  const exact = period() === "exact";
  const start = exact ? param("from") : instant(now - (periods[period()] ?? 24) * hour);
  const end = exact ? param("to") : "";
  if (start) filter["filter.startTime"] = instant(start);
  if (end) filter["filter.endTime"] = instant(end);
  const to = Date.parse(end) || now;
  // Without a start, the question goes as far back as an archive usually does.
  const from = Date.parse(start) || to - 397 * 24 * hour;
  const path = parent();
  return { path, filter, from, to, open: !end, key: JSON.stringify([path, filter, end ? "" : now]) };
}

/** Returns the conditions in the address as one text, which changes with each of them. */
export const conditions = () =>
  JSON.stringify([...texts.map((t) => t.name), "vendor", "site", "drm", "status", "period", "from", "to"].map((n) => param(n)));

/** Changes conditions. The chosen row goes away, since it may not be among the new ones. */
export const narrow = (changes: Record<string, string>) => setParams({ row: "", ...changes });

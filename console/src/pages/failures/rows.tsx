// The license requests, and the field that finds words in those that are on the page.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { param, setParams } from "../../address.js";
import type { Schemas } from "../../api.js";
import { Text } from "../../fields.js";
import { count, plural, site, State, Time, Viewer, words } from "../../show.js";
import { Table, type Column } from "../../table.js";
import { drms } from "./filter.js";
import { choose } from "./row.js";
import { limit, type Found } from "./search.js";

type Row = Schemas["License"];

const columns: Column<Row>[] = [
  { title: "Time (UTC)", cell: (r) => <button type="button" class="link" onClick={() => choose(r)}><Time at={r.createTime} /></button>, by: (r) => r.createTime ?? "" },
  { title: "Outcome", cell: (r) => <State tone={r.status === "SUCCESS" ? "good" : "bad"}>{outcome(r)}</State>, by: outcome },
  { title: "Viewer", cell: (r) => <Viewer license={r} />, by: (r) => r.userId || r.userIdMd5 },
  { title: "Content", by: (r) => r.contentId },
  { title: "DRM", by: (r) => drmOf(r) },
  { title: "Device model", by: (r) => r.deviceModel },
  { title: "Platform", by: (r) => r.platform },
  { title: "Site", by: (r) => r.site, as: site },
  { title: "Device", by: (r) => r.deviceId },
  { title: "Authorized by", by: (r) => r.integrationType },
];

const drmOf = (r: Row) => drms[r.drmType] ?? r.vendorDrmType;

/** Returns the outcome of a request: the code of a refused one. */
function outcome(r: Row): string {
  if (r.status === "SUCCESS") return "issued";
  return r.errorCode || (r.status === "FAILURE" ? "no code" : words(r.vendorStatus) || "not known");
}

/** The text of each row, in which words are found. */
const haystacks = new WeakMap<Row, string>();

function textOf(row: Row): string {
  let text = haystacks.get(row);
  if (text === undefined) {
    text = [row.createTime, outcome(row), row.userId, row.userIdMd5, row.contentId, drmOf(row), row.deviceModel,
      row.platform, row.site, row.deviceId, row.integrationType].join("\n").toLowerCase();
    haystacks.set(row, text);
  }
  return text;
}

/** Keeps the words that a person looks for. They go into the address when the person pauses. */
export function useFind() {
  const typed = useSignal(param("find"));
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const find = (text: string) => {
    typed.value = text;
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setParams({ find: text }), 1000);
  };
  return { text: typed.value, find };
}

/** Returns the rows that hold all words. */
export function useMatches(rows: Row[], text: string): Row[] {
  // The first keystroke finds the texts ready.
  useEffect(() => rows.forEach(textOf), [rows]);
  return useMemo(() => {
    const all = text.toLowerCase().split(/\s+/).filter(Boolean);
    return all.length === 0 ? rows : rows.filter((row) => all.every((word) => textOf(row).includes(word)));
  }, [rows, text]);
}

export function Rows({ found, matches, text, find, more, busy }: {
  found: Found;
  matches: Row[];
  text: string;
  find: (text: string) => void;
  more: () => void;
  busy: boolean;
}) {
  const loaded = found.rows.length;
  return (
    <section class="rows" aria-labelledby="rows">
      <h2 id="rows">License requests</h2>
      <div class="fields">
        <Text label={`Find words in the ${plural(loaded, "row")} on this page`}
          type="search" value={text} size={30} autocomplete="off" spellcheck={false} set={find} />
      </div>
      <Table caption={`${count(matches.length)} of ${count(text ? loaded : found.total)}, newest first`}
        rows={matches} columns={columns} id={(_, at) => at} open={choose} sort="sort" long
        empty={text ? "No row on this page has these words." : "Nothing was refused. The conditions match no license request."} />
      <p class="buttons">
        {found.token && loaded < limit && <button type="button" disabled={busy} onClick={more}>More</button>}
        {found.token && loaded >= limit && <span class="note">A page holds {count(limit)} rows. Narrow the conditions, or export all.</span>}
      </p>
    </section>
  );
}

// Changes whose outcome is not known, and those under way.
import { link } from "../../address.js";
import { api, read, type Schemas } from "../../api.js";
import { useAsk, type Answer } from "../../ask.js";
import { may, Needs } from "../../caller.js";
import { moving } from "../../pending.js";
import { ago, Mutation, Progress, Time } from "../../show.js";
import { MutationState } from "../../steps.js";
import { Table } from "../../table.js";
import type { Finding } from "./finding.js";

type Open = { unknown: Schemas["Mutation"][]; sent: Schemas["Mutation"][]; more: boolean };

const most = 100;
const scope = "mutations:read";

export const useChanges = (every: number) =>
  useAsk("changes", async (signal): Promise<Open> => {
    if (!may(scope)) return { unknown: [], sent: [], more: false };
    const ask = (state: "UNKNOWN" | "SENT") =>
      read(api.GET("/v1/mutations", { signal, params: { query: { "filter.state": state, pageSize: most } } }));
    const [unknown, sent] = await Promise.all([ask("UNKNOWN"), ask("SENT")]);
    return { unknown: unknown.mutations, sent: sent.mutations, more: !!(unknown.nextPageToken || sent.nextPageToken) };
  }, every);

/** A call that works on a change for longer is worth a look, in milliseconds. */
const long = 120_000;

export function changeFindings({ unknown, sent, more }: Open): Finding[] {
  const found: Finding[] = [];
  const stuck = unknown.filter((m) => !moving(m)).length;
  const slow = sent.filter((m) => Date.now() - Date.parse(m.sendTime ?? m.createTime ?? "") > long).length;
  if (unknown.length > 0) {
    const text = (
      <>
        <a href={link(["mutations"], { state: "UNKNOWN" })}>{unknown.length}{more && " or more"} {unknown.length === 1 ? "change has" : "changes have"} an unknown outcome</a>
        {stuck > 0 ? `, and ${stuck} of them ${stuck === 1 ? "needs" : "need"} a person's decision.` : ". drmhub asks the vendor again by itself."}
      </>
    );
    found.push({ id: "unknown", tone: stuck > 0 ? "bad" : "warn", word: "unknown", text });
  }
  if (slow > 0) {
    const text = <a href={link(["mutations"], { state: "SENT" })}>{slow} {slow === 1 ? "change has" : "changes have"} been under way for more than 2 minutes</a>;
    found.push({ id: "sent", tone: "warn", word: "sent", text });
  }
  return found;
}

export function Changes({ of: answer }: { of: Answer<Open> }) {
  return (
    <section>
      <h2>Changes without an outcome</h2>
      <Needs scope={scope} to="see changes">
        <Progress of={answer} />
        {answer.data && <Shown of={answer.data} />}
      </Needs>
    </section>
  );
}

function Shown({ of: { unknown, sent, more } }: { of: Open }) {
  const rows = [...unknown, ...sent];
  if (rows.length === 0) return <p class="note">The outcome of each change is known. <a href={link(["mutations"])}>All changes</a></p>;
  return (
    <>
      <Table
        sort="changes"
        caption="Unknown and under way"
        rows={rows}
        id={(m) => m.name}
        columns={[
          { title: "Outcome", by: (m) => m.state, as: (state) => <MutationState state={state} /> },
          { title: "Change", cell: (m) => <Mutation name={m.name} /> },
          { title: "What", by: (m) => m.method, cell: (m) => method(m.method) },
          { title: "Of", by: (m) => m.resource },
          { title: "Sent", by: (m) => m.sendTime ?? "", cell: (m) => <Time at={m.sendTime ?? m.createTime} /> },
          { title: "Next", cell: next },
          { title: "By", by: (m) => m.subject },
        ]}
      />
      {more && <p class="note">These are the newest {most} of each. <a href={link(["mutations"])}>All changes</a></p>}
    </>
  );
}

/** Returns a method for people: "drmhub.v1.SiteService/DisableSite" becomes "Disable site". */
function method(name: string): string {
  const text = (name.split("/").at(-1) ?? "").replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Says who finds out the outcome. */
function next(m: Schemas["Mutation"]) {
  if (m.nextSettleTime) return `drmhub looks again ${Date.parse(m.nextSettleTime) > Date.now() ? ago(m.nextSettleTime) : "now"}`;
  return m.state === "UNKNOWN" ? "a person must decide" : "a call works on it";
}

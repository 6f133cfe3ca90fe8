// The record of one change, live until its outcome is known.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { link } from "../../address.js";
import { api, idIn, read, type Schemas } from "../../api.js";
import { useAsk } from "../../ask.js";
import { settled } from "../../pending.js";
import { Progress, Site, Time } from "../../show.js";
import { Steps } from "../../steps.js";
import { Decide } from "./decide.js";
import { shortMethod } from "./filter.js";

export function One({ id }: { id: string }) {
  const live = useSignal(false);
  const answer = useAsk(id, (signal) => read(api.GET("/v1/mutations/{mutation}", { params: { path: { mutation: id } }, signal })), live.value ? 1500 : 0);
  const record = answer.data;
  useEffect(() => void (live.value = record !== undefined && !settled(record)), [record]);
  return (
    <>
      <h1>{record ? <>{shortMethod(record.method)}: <bdi>{record.resource}</bdi></> : <>Change <bdi>{id}</bdi></>}</h1>
      <p><a href={link(["mutations"])}>All changes</a></p>
      <Progress of={answer} />
      {record && (
        <div class="columns">
          <section aria-label="What happened">
            <h2>What happened{live.value && <> <small>(live)</small></>}</h2>
            <Steps of={record} />
            <Decide of={record} again={answer.again} />
          </section>
          <section aria-label="All fields">
            <h2>The record</h2>
            <Fields of={record} />
          </section>
        </div>
      )}
    </>
  );
}

function Fields({ of: m }: { of: Schemas["Mutation"] }) {
  const site = idIn(m.resource, "sites");
  return (
    <dl>
      <dt>Change</dt><dd><code>{idIn(m.name, "mutations")}</code></dd>
      <dt>Method</dt><dd><code>{m.method}</code></dd>
      <dt>Resource</dt>
      <dd>{site ? <><Site name={m.resource} /> (<bdi>{m.resource}</bdi>)</> : <bdi>{m.resource || "–"}</bdi>}. <a href={link(["mutations"], { resource: m.resource })}>All changes of it</a></dd>
      <dt>Caller</dt><dd><bdi>{m.subject || "–"}</bdi></dd>
      <dt>Request id</dt><dd>{m.requestId ? <code>{m.requestId}</code> : "none: a repetition of the call is another change"}</dd>
      <dt>Came</dt><dd><Time at={m.createTime} /></dd>
      <dt>Sent</dt><dd>{m.sendTime ? <Time at={m.sendTime} /> : "nothing was sent"}</dd>
      <dt>Outcome known</dt><dd>{m.settleTime ? <Time at={m.settleTime} /> : "not yet"}</dd>
      <dt>drmhub looks again</dt><dd>{m.nextSettleTime ? <Time at={m.nextSettleTime} /> : "not by itself"}</dd>
      <dt>Vendor’s status</dt><dd>{m.vendorHttpStatus ? `HTTP ${m.vendorHttpStatus}` : "no response"}</dd>
      <dt>Vendor’s code</dt><dd><bdi>{m.vendorCode || "–"}</bdi></dd>
    </dl>
  );
}

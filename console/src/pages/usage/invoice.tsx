// An invoice as a file: dropped anywhere on the page, chosen, or pasted. It is compared with the
// archive at once.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { param, setParams } from "../../address.js";
import { Choice } from "../../fields.js";
import { count } from "../../show.js";
import { monthBack, type Choices } from "./choices.js";
import { Reconciled, type Asked } from "./reconciled.js";

/** The most characters that drmhub takes. */
const most = 1_000_000;

export function Invoice({ choices }: { choices: Choices }) {
  const text = useSignal("");
  const trouble = useSignal("");
  const over = useSignal(false);
  const asked = useSignal<Asked | null>(null);
  const vendor = param("vendor");
  const month = param("invoice") || monthBack(new Date(), 1);

  const compare = () => {
    asked.value = null;
    trouble.value = wrong(vendor, text.value);
    if (!trouble.value) asked.value = { vendor, month, csv: text.value, number: (last.current += 1) };
  };
  const last = useRef(0);
  const take = async (file: File | undefined) => {
    if (!file) return;
    // A character has at most 4 bytes. A larger file is not even read.
    if (file.size > 4 * most) {
      asked.value = null;
      trouble.value = tooLong(`${file.name} has ${count(file.size)} bytes`);
      return;
    }
    text.value = await file.text();
    compare();
  };
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => onDrop((file) => void latest.current(file), (is) => (over.value = is)), []);

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    compare();
  };
  return (
    <section>
      <h2>Check an invoice</h2>
      <form class={over.value ? "drop over" : "drop"} aria-label="Invoice" onSubmit={submit}>
        <div class="fields">
          <Choice label="Invoice of" value={vendor} choose={(vendor) => setParams({ vendor, site: "" })}
            options={[["", "Choose a vendor"], ...choices.counted]} />
          <Choice label="Billed month" value={month} choose={(invoice) => setParams({ invoice })} options={choices.months} />
          <label>File
            <input type="file" accept=".csv,text/csv,text/plain" onChange={(e) => void choose(e.currentTarget, take)} />
          </label>
          <label class="grow">Or paste the table
            <textarea rows={2} spellcheck={false} value={text.value} placeholder="site,metric,quantity,unit_price,currency" onInput={(e) => (text.value = e.currentTarget.value)} />
          </label>
          <button class="send">Compare</button>
        </div>
        <p class="note">
          Drop a CSV file anywhere on this page. Its first line names the columns: <code>site</code>, <code>metric</code> (licenses,
          users or devices), <code>quantity</code>, and, where there are any, <code>unit_price</code> and <code>currency</code>.
          The limit is 1 MB ({count(most)} characters). Nothing is changed.
        </p>
      </form>
      {trouble.value && <p role="alert" class="failure">{trouble.value}</p>}
      {asked.value && <Reconciled key={asked.value.number} of={asked.value} />}
    </section>
  );
}

/** Says what keeps an invoice from being sent, or "". */
function wrong(vendor: string, text: string): string {
  if (!vendor) return "Choose the vendor of the invoice, then compare. Nothing was sent.";
  if (text.trim() === "") return "There is no invoice yet. Choose a file, or paste the table.";
  return text.length > most ? tooLong(`The invoice has ${count(text.length)} characters`) : "";
}

const tooLong = (size: string) => `${size}. The limit is 1 MB (${count(most)} characters), so nothing was sent. Split the invoice.`;

/** Takes the chosen file. The same file can be chosen again after it was corrected. */
async function choose(input: HTMLInputElement, take: (file: File | undefined) => Promise<void>) {
  await take(input.files?.[0]);
  input.value = "";
}

/**
 * Takes files that are dropped on the page, which the browser would open otherwise. It returns what
 * stops it.
 */
function onDrop(take: (file: File | undefined) => void, over: (is: boolean) => void): () => void {
  const stop = new AbortController();
  const on = (type: "dragover" | "dragleave" | "drop", does: (event: DragEvent) => void) =>
    addEventListener(type, does, { signal: stop.signal });
  const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  on("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    over(true);
  });
  on("dragleave", () => over(false));
  on("drop", (event) => {
    over(false);
    if (!hasFile(event)) return;
    event.preventDefault();
    take(event.dataTransfer?.files[0]);
  });
  return () => stop.abort();
}

// A field that takes a file or its pasted text. What it holds stays in the page's memory.
import type { Signal } from "@preact/signals";
import { useId, useRef } from "preact/hooks";

/**
 * drmhub takes files of this size at most. One byte more is read, so that drmhub itself says what
 * is wrong.
 */
const most = 65_536;

export function Source({ label, accept, bytes, finding }: {
  label: string;
  /** The usual endings of such a file. */
  accept: string;
  /** The content, in base64. */
  bytes: Signal<string>;
  finding: string | undefined;
}) {
  const file = useRef<HTMLInputElement>(null);
  const text = useRef<HTMLTextAreaElement>(null);
  const described = useId();
  const asks = { "aria-invalid": finding !== undefined, "aria-describedby": described };
  const choose = async () => {
    const chosen = file.current!.files?.[0];
    text.current!.value = "";
    bytes.value = chosen ? base64(new Uint8Array(await chosen.slice(0, most + 1).arrayBuffer())) : "";
  };
  const paste = () => {
    file.current!.value = "";
    bytes.value = base64(new TextEncoder().encode(text.current!.value).slice(0, most + 1));
  };
  return (
    <fieldset>
      <legend>{label}</legend>
      <div class="fields">
        <label>File<input ref={file} type="file" accept={accept} {...asks} onChange={() => void choose()} /></label>
        <label class="wide">or its text
          <textarea ref={text} rows={1} autocomplete="off" spellcheck={false} {...asks} onInput={paste} />
        </label>
      </div>
      <Finding id={described} text={finding} />
    </fieldset>
  );
}

/** A field for a secret. Browsers do not offer to keep what they take for a one-time code. */
export function Secret({ label, value, finding }: {
  label: string;
  value: Signal<string>;
  finding: string | undefined;
}) {
  const described = useId();
  return (
    <div>
      <label>{label}
        <input
          type="password" autocomplete="one-time-code" value={value.value}
          aria-invalid={finding !== undefined} aria-describedby={described}
          onInput={(e) => (value.value = e.currentTarget.value)}
        />
      </label>
      <Finding id={described} text={finding} />
    </div>
  );
}

function Finding({ id, text }: { id: string; text: string | undefined }) {
  return <p id={id} class="bad">{text}</p>;
}

const base64 = (bytes: Uint8Array) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

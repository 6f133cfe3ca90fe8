// The one dialog of the console. The browser keeps the focus inside, and Escape closes it, unless
// it must be dealt with.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

export function Dialog({ title, close, children }: { title: string; close?: () => void; children: ComponentChildren }) {
  const element = useRef<HTMLDialogElement>(null);
  const label = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current!.showModal();
    return () => {
      // The control that opened the dialog has the focus again.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={label}
      onCancel={(event) => {
        event.preventDefault();
        close?.();
      }}
    >
      <header>
        <h2 id={label}>{title}</h2>
        {close && <button type="button" class="close" onClick={close} aria-label="Close">×</button>}
      </header>
      {children}
    </dialog>
  );
}

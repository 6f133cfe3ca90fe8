// A text that can be long: its beginning, and all of it on demand.

const most = 200;

export function Long({ text }: { text: string }) {
  if (text.length <= most) return <>{text}</>;
  return (
    <details>
      <summary>{text.slice(0, most)} …</summary>
      {text}
    </details>
  );
}

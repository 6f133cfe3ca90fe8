// What a form changes: only that is sent.

/** Returns the fields of a draft that differ. */
export function differences<T extends Record<string, string>>(before: T, after: T): Partial<T> {
  const changed: Partial<T> = {};
  for (const field in after) if (after[field] !== before[field]) changed[field] = after[field];
  return changed;
}

/** Shows each changed field with its old and its new value. */
export function Differences<T extends Record<string, string>>({ labels, before, changed, note }: {
  labels: Record<keyof T, string>;
  before: T;
  changed: Partial<T>;
  note: string;
}) {
  return (
    <>
      <dl>
        {Object.keys(changed).map((field) => (
          <><dt>{labels[field]}</dt><dd>{before[field] || "(empty)"} → <b>{changed[field] || "(empty)"}</b></dd></>
        ))}
      </dl>
      <p>{note}</p>
    </>
  );
}

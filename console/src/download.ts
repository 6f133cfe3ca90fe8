// Saves what was read as a file.

/** Has the browser save a file. */
export function download(content: Blob, name: string) {
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(content);
  anchor.download = name;
  anchor.click();
  // The browser reads the content after the click.
  setTimeout(() => URL.revokeObjectURL(anchor.href), 60_000);
}

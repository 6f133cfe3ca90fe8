// What is shown is in the address, so that a link shows the same to a colleague.
import { computed, signal } from "@preact/signals";

/** Where the console is served. */
export const base = "/console/";

const current = signal(new URL(location.href));
addEventListener("popstate", () => (current.value = new URL(location.href)));

/** The parts of the path behind /console/, without their escapes: ["viewers", "tester 01"]. */
export const place = computed(() =>
  current.value.pathname
    .slice(base.length)
    .split("/")
    .filter((part) => part !== "")
    .map(decode),
);

/** Returns a part of a path without its escapes. What no browser would escape so stays as it is. */
export function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Returns a parameter of the address. */
export const param = (name: string, otherwise = "") => current.value.searchParams.get(name) ?? otherwise;

/** The parameters of the address, as one text that changes with each of them. */
export const query = computed(() => current.value.search);

/** The whole address on this server, to return to after a login. */
export const here = () => current.value.pathname + current.value.search;

/** Parameters of an address. An empty one is left out. */
export type Params = Record<string, string | undefined>;

/** Escapes a part of a path. A half of a surrogate pair, which no address can hold, is replaced. */
export const escaped = (part: string) => encodeURIComponent(part.replace(/\p{Surrogate}/gu, "\ufffd"));

/** Returns the address of a page: link(["viewers", "tester 01"], { days: "7" }). */
export function link(path: string[], params: Params = {}): string {
  const search = Object.entries(params).filter((p): p is [string, string] => !!p[1]);
  return base + path.map(escaped).join("/") + (search.length ? `?${new URLSearchParams(search)}` : "");
}

/** Shows another page. */
export function go(to: string) {
  history.pushState(null, "", to);
  current.value = new URL(location.href);
  scrollTo(0, 0);
}

/**
 * Changes parameters of the address and leaves the others as they are. It adds no step to the
 * history.
 */
export function setParams(changes: Params) {
  const to = new URL(current.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value) to.searchParams.set(name, value);
    else to.searchParams.delete(name);
  }
  history.replaceState(null, "", to);
  current.value = to;
}

/** Shows links of the console without loading the page again. */
export function followLinks() {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const anchor = event.target instanceof Element ? event.target.closest("a") : null;
    if (!anchor || anchor.target || anchor.hasAttribute("download")) return;
    const login = anchor.pathname.startsWith(`${base}log`);
    if (anchor.origin !== location.origin || !anchor.pathname.startsWith(base) || login) return;
    event.preventDefault();
    go(anchor.href);
  });
}

// The frame of every page: head, navigation, login, and the page that the address names.
import { useSignal } from "@preact/signals";
import { render, type FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { followLinks, link, place } from "./address.js";
import { loggedOut, logins } from "./api.js";
import { caller, identify, may } from "./caller.js";
import { Ordered } from "./change.js";
import { Login, logOut } from "./login.js";
import { Audit } from "./pages/audit.js";
import { Failures } from "./pages/failures.js";
import { Mutations } from "./pages/mutations.js";
import { Overview } from "./pages/overview.js";
import { Sites } from "./pages/sites.js";
import { Usage } from "./pages/usage.js";
import { Viewers } from "./pages/viewers.js";
import { Failure } from "./show.js";
import "./style.css";
import { Tray } from "./tray.js";

/** A page: its place in the address, its title, the scope that it needs, and what it shows. */
type Page = { path: string; title: string; scope: string; show: FunctionComponent };

const pages: Page[] = [
  { path: "", title: "Overview", scope: "vendors:read", show: Overview },
  { path: "failures", title: "Failures", scope: "licenses:read", show: Failures },
  { path: "viewers", title: "Viewers", scope: "viewers:read", show: Viewers },
  { path: "sites", title: "Sites", scope: "sites:read", show: Sites },
  { path: "usage", title: "Usage", scope: "licenses:read", show: Usage },
  { path: "mutations", title: "Changes", scope: "mutations:read", show: Mutations },
  { path: "audit", title: "Audit", scope: "audit:read", show: Audit },
];

function App() {
  const failure = useSignal<unknown>(undefined);
  const page = pages.find((p) => p.path === (place.value[0] ?? ""));
  const whoIsThere = async () => (failure.value = await identify());
  useEffect(() => void whoIsThere(), []);
  useEffect(() => {
    document.title = `${page?.title ?? "Not found"} · drmhub`;
  }, [page]);
  return (
    <>
      <a class="skip" href="#main">To the content</a>
      <Head current={page} />
      <Tray />
      <main id="main" tabIndex={-1}>
        {failure.value !== undefined && (
          <>
            <Failure of={failure.value} />
            <button type="button" onClick={() => void whoIsThere()}>Try again</button>
          </>
        )}
        {caller.value && <Content key={`${page?.path} ${logins.value}`} page={page} />}
      </main>
      <Ordered />
      <Login />
    </>
  );
}

function Content({ page }: { page: Page | undefined }) {
  if (!page) return <><h1>Not found</h1><p>There is no such page. <a href={link([])}>Go to the overview</a>.</p></>;
  if (!may(page.scope)) {
    return (
      <>
        <h1>{page.title}</h1>
        <p class="warning">To see this page, you need the scope <code>{page.scope}</code>. Ask the administrator of drmhub for it.</p>
      </>
    );
  }
  return <page.show />;
}

function Head({ current }: { current: Page | undefined }) {
  const who = caller.value;
  const stays = useSignal(false);
  const leave = async () => (stays.value = !(await logOut()));
  return (
    <header class="head">
      <strong>drmhub</strong>
      <nav aria-label="Pages">
        {pages.filter((p) => may(p.scope)).map((p) => (
          <a key={p.path} href={link(p.path ? [p.path] : [])} aria-current={p === current ? "page" : undefined}>{p.title}</a>
        ))}
      </nav>
      {who && who.subject !== "anonymous" && (
        <span class="who">
          <span title={(who.scopes ?? []).join(", ")}>{who.subject}</span>
          {!loggedOut.value && <button type="button" onClick={() => void leave()}>Log out</button>}
          {stays.value && <span role="alert" class="bad">You are still logged in: the server did not respond as it should. Try again.</span>}
        </span>
      )}
    </header>
  );
}

followLinks();
render(<App />, document.getElementById("app")!);

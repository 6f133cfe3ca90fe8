// One person's whole picture: what allows playback now, what was refused and why, and the changes
// that help.
import { useSignal } from "@preact/signals";
import { go, link, param, place } from "../address.js";
import { Text } from "../fields.js";
import { Picture } from "./viewers/picture.js";

export function Viewers() {
  const id = place.value[1] ?? "";
  return (
    <>
      <h1>{id ? <>Viewer <bdi>{id}</bdi></> : "Viewers"}</h1>
      <Find key={id} id={id} />
      {id
        ? <Picture key={id} id={id} />
        : <p class="note">The viewer’s id is the one that your service gives the vendors, such as the account’s number or its e-mail address.</p>}
    </>
  );
}

/** Asks which viewer to show. */
function Find({ id }: { id: string }) {
  const typed = useSignal(id);
  const open = (event: SubmitEvent) => {
    event.preventDefault();
    go(link(["viewers", typed.value.trim()], { since: param("since") }));
  };
  return (
    <form class="filter" role="search" onSubmit={open}>
      <Text label="The viewer’s id" required pattern=".*\S.*" autofocus={!id} autocomplete="off" spellcheck={false}
        value={typed.value} set={(id) => (typed.value = id)} />
      <button>Open</button>
    </form>
  );
}

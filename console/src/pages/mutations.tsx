// What was changed at vendors, and what to do about an unknown outcome.
import { place } from "../address.js";
import { List } from "./mutations/list.js";
import { One } from "./mutations/one.js";

export function Mutations() {
  const id = place.value[1];
  return id ? <One key={id} id={id} /> : <List />;
}

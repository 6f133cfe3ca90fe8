export function Mutations() {
  return <h1>Mutations</h1>;
}

export function Viewers() {
  return <h1>Viewers</h1>;
}

// The one table of the console: sorted by its heads, and never more rows on the page than a person
// reads.
import { useSignal } from "@preact/signals";
import type { ComponentChildren, Key } from "preact";
import { useId, useMemo } from "preact/hooks";
import { param, setParams } from "./address.js";
import { count } from "./show.js";
import { useWindow } from "./window.js";

/**
 * A column. With `by`, its head sorts the rows. Without `cell`, its cells show what they are sorted
 * by.
 */
export type Column<Row> = {
  title: string;
  cell?: (row: Row) => ComponentChildren;
  by?: (row: Row) => string | number | null | undefined;
  /** Shows a text of `by` as what it is: a time, a site, a state. */
  as?: (text: string) => ComponentChildren;
  /** Whether its cells are numbers, which align at the right. */
  number?: boolean;
};

/** How many rows are on the page before a person asks for all. */
const first = 200;

export function Table<Row>({ caption, rows, columns, id, empty, sort, open, long = false }: {
  caption: ComponentChildren;
  rows: Row[];
  columns: Column<Row>[];
  /** What tells a row from the others. */
  id: (row: Row, index: number) => Key;
  /** What to say where there are no rows. */
  empty?: string;
  /** The parameter of the address that keeps the order. Without it, a link does not keep it. */
  sort?: string;
  /**
   * Opens a row that is clicked. For the keyboard, a cell needs a link or a button that does the
   * same.
   */
  open?: (row: Row) => void;
  /**
   * Whether it holds thousands of rows. Then only those near the ones in sight are in the document.
   */
  long?: boolean;
}) {
  const label = useId();
  const all = useSignal(false);
  // The title of the column, with a - before it for the last rows first.
  const own = useSignal("");
  const order = sort ? param(sort) : own.value;
  const down = order.startsWith("-");
  const column = columns.findIndex((c) => c.title === order.slice(down ? 1 : 0));
  const by = columns[column]?.by;
  const sorted = useMemo(() => (by ? inOrder(rows, by, down) : rows), [rows, column, down]);
  const { holder, onScroll, from, to, before, after } = useWindow(rows.length, long);
  const shown = long ? sorted.slice(from, to) : all.value ? sorted : sorted.slice(0, first);
  const turn = (at: number) => {
    const next = (column === at && !down ? "-" : "") + columns[at]!.title;
    if (sort) setParams({ [sort]: next });
    else own.value = next;
  };
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby={label} ref={holder} onScroll={onScroll}>
        <table {...(long && { "aria-rowcount": rows.length + 1 })}>
          <caption id={label}>{caption}</caption>
          <thead>
            <tr>
              {columns.map((c, at) => (
                <th key={c.title} scope="col" class={c.number ? "number" : ""} aria-sort={sorting(column === at, down)}>
                  {c.by ? (
                    <button type="button" class="head" onClick={() => turn(at)}>
                      {c.title}<span aria-hidden="true">{column === at ? (down ? " ▾" : " ▴") : ""}</span>
                    </button>
                  ) : c.title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {before > 0 && <Space height={before} columns={columns.length} />}
            {shown.map((row, at) => (
              <tr key={id(row, from + at)} {...(long && { "aria-rowindex": from + at + 2 })} class={open ? "open" : ""} onClick={(event) => open && onGround(event) && open(row)}>
                {columns.map((c) => <td key={c.title} class={c.number ? "number" : ""}>{content(c, row)}</td>)}
              </tr>
            ))}
            {after > 0 && <Space height={after} columns={columns.length} />}
          </tbody>
        </table>
        {rows.length === 0 && empty && <p class="none">{empty}</p>}
      </div>
      {!long && shown.length < sorted.length && (
        <button type="button" onClick={() => (all.value = true)}>Show all {sorted.length} rows</button>
      )}
    </>
  );
}

function content<Row>({ cell, by, as }: Column<Row>, row: Row): ComponentChildren {
  if (cell) return cell(row);
  const value = by?.(row);
  if (typeof value === "number") return count(value);
  if (!value) return <span class="none">–</span>;
  return as ? as(value) : <bdi>{value}</bdi>;
}

/**
 * Reports whether a click hit a row. A control in it, or the end of a selection, does not count.
 */
const onGround = ({ target }: MouseEvent) =>
  target instanceof Element && !target.closest("a, button, input") && getSelection()?.isCollapsed !== false;

/** The height of rows that are not in the document. */
const Space = ({ height, columns }: { height: number; columns: number }) => (
  <tr aria-hidden="true"><td colSpan={columns} style={{ height: `${height}px`, padding: 0 }} /></tr>
);

const sorting = (mine: boolean, down: boolean) => (mine ? (down ? "descending" : "ascending") : "none");

function inOrder<Row>(rows: Row[], by: NonNullable<Column<Row>["by"]>, down: boolean): Row[] {
  const turn = down ? -1 : 1;
  return rows
    .map((row) => ({ row, key: by(row) ?? "" }))
    .sort((a, b) => (a.key < b.key ? -turn : a.key > b.key ? turn : 0))
    .map(({ row }) => row);
}

/** Tables for people: they fit the width, or say less. */
import { cut, type Line, lineColumns, type Span } from "./line.js";

export interface Column<Row> {
  /** In capitals above the column. */
  readonly title: string;
  readonly cell: (row: Row) => Line | string;
  readonly align?: "left" | "right";
  /** The least that it is cut to where there is little room. Without it, the column is never cut. */
  readonly shrinksTo?: number;
  /** What it is cut to at last, when all columns are gone that go. */
  readonly atLeast?: number;
  /** Where there is still too little room, columns with a number go, the highest first. */
  readonly goes?: number;
  /** Left out when every cell of it is empty. */
  readonly isOptional?: boolean;
}

const GAP = "  ";

/** A line for the titles, and one for each row. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): Line[] {
  const all = columns
    .map((column) => {
      const cells = rows.map((row) => toLine(column.cell(row)));
      const widest = cells.reduce((most, cell) => Math.max(most, lineColumns(cell)), 0);
      return { column, cells, widest, columns: Math.max(widest, lineColumns([column.title])) };
    })
    .filter(({ column, widest }) => column.isOptional !== true || widest > 0);
  const shown = fitColumns(all, width);
  const titles = shown.flatMap(({ column, columns }, index): Span[] => [
    ...(index === 0 ? [] : [GAP]),
    ...pad([[column.title, "dim"]], columns, column.align),
  ]);
  const body = rows.map((_, at) =>
    shown.flatMap(({ column, cells, columns }, index): Span[] => [
      ...(index === 0 ? [] : [GAP]),
      ...pad(cells[at] ?? [], columns, column.align),
    ]),
  );
  return [titles, ...body];
}

interface Sized<Row> {
  readonly column: Column<Row>;
  readonly cells: readonly Line[];
  readonly columns: number;
}

/** First what may be cut is cut, the widest most; then columns go; then those that are left are cut to the least. */
function fitColumns<Row>(all: readonly Sized<Row>[], width: number): Sized<Row>[] {
  let sized = [...all];
  for (;;) {
    const over = total(sized) - width;
    if (over <= 0) return sized;
    const next = sized.reduce((most, { column }) => Math.max(most, column.goes ?? 0), 0);
    const least = sized.map(({ column: { shrinksTo, atLeast }, columns }) =>
      Math.min(columns, (next === 0 ? atLeast : undefined) ?? shrinksTo ?? columns),
    );
    const slack = sized.reduce((sum, { columns }, index) => sum + columns - (least[index] ?? 0), 0);
    if (slack >= over || next === 0) {
      const columns = shrunk(sized, least, Math.min(over, slack));
      return sized.map((s, index) => ({ ...s, columns: columns[index] ?? s.columns }));
    }
    sized = sized.filter(({ column }) => (column.goes ?? 0) !== next);
  }
}

/** The columns, one at a time taken from the widest that has some to give: tables are small. */
function shrunk<Row>(sized: readonly Sized<Row>[], least: readonly number[], by: number): number[] {
  const columns = sized.map((s) => s.columns);
  for (let over = by; over > 0; over -= 1) {
    let widest = -1;
    for (const [index, value] of columns.entries()) {
      if (value > (least[index] ?? 0) && value > (columns[widest] ?? 0)) widest = index;
    }
    columns[widest] = (columns[widest] ?? 0) - 1;
  }
  return columns;
}

function total(sized: readonly { readonly columns: number }[]): number {
  return sized.reduce((sum, { columns }) => sum + columns, 0) + GAP.length * Math.max(0, sized.length - 1);
}

function pad(cell: Line, columns: number, align: "left" | "right" = "left"): Span[] {
  const text = cut(cell, columns);
  const space = " ".repeat(Math.max(0, columns - lineColumns(text)));
  return align === "left" ? [...text, space] : [space, ...text];
}

function toLine(cell: Line | string): Line {
  return typeof cell === "string" ? [cell] : cell;
}

/** Rows under headings, in columns of even width, as far as the text goes. */
import { printable, widthOf } from "./text.ts";

/** A figure with its unit, as it is shown. */
export interface Figure {
  readonly figure: string;
}

/** A cell; numbers and figures stand on the right. */
export type Cell = number | string | Figure;

const textIn = (cell: Cell | undefined): string => (typeof cell === "object" ? cell.figure : printable(String(cell)));

/** The cells of the headings and of each row, filled up with spaces to the width of their column. What a terminal would take for a command is left out. */
export function layOut(headings: readonly string[], rows: readonly (readonly Cell[])[]): readonly (readonly string[])[] {
  const widths = headings.map((heading, column) => Math.max(widthOf(heading), ...rows.map((row) => widthOf(textIn(row[column])))));
  const numeric = headings.map((_, column) => rows.some((row) => typeof row[column] !== "string"));
  const filled = (cells: readonly Cell[], onRight: (column: number) => boolean): readonly string[] =>
    cells.map((cell, column) => {
      const text = textIn(cell);
      const space = " ".repeat((widths[column] ?? 0) - widthOf(text));
      return onRight(column) ? `${space}${text}` : `${text}${space}`;
    });
  return [
    filled(headings, (column) => numeric[column] === true),
    ...rows.map((row) => filled(row, (column) => typeof row[column] !== "string")),
  ];
}

/** Lays out rows as one text. */
export const table = (headings: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  layOut(headings, rows)
    .map((cells) => cells.join("  ").trimEnd())
    .join("\n");

/** The tables of docs/values.md, as the tests of values read them. */
import { readFileSync } from "node:fs";

/** Gives the cell of a column. Throws for a column that is not there. */
export type Row = (column: string) => string;

const page = readFileSync(new URL("../docs/values.md", import.meta.url), "utf8");

/** The rows of the table under a heading, by the names in its head. */
export function table(heading: string): readonly Row[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading));
  const lines = section?.split("\n").filter((line) => line.startsWith("|")) ?? [];
  const [head, , ...rows] = lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  if (head === undefined || rows.length === 0) throw new Error(`docs/values.md has no table under "${heading}"`);
  return rows.map((cells) => {
    if (cells.length !== head.length) throw new Error(`the row "${cells[0]}" has ${cells.length} cells instead of ${head.length}`);
    return (column) => {
      const cell = cells[head.indexOf(column)];
      if (cell === undefined) throw new Error(`the table under "${heading}" has no column "${column}"`);
      return cell;
    };
  });
}

/** What stands in backticks in a cell. */
export function code(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
}

export const fromJavaScript = table("From JavaScript");
export const fromPython = table("From Python");
export const arrays = table("Arrays");

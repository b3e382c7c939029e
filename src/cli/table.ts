/** Rows under headings, in columns of even width, as far as the text goes. */

/** Lays out rows; numbers stand on the right. */
export function table(headings: readonly string[], rows: readonly (readonly (number | string)[])[]): string {
  const widths = headings.map((heading, column) => Math.max(heading.length, ...rows.map((row) => String(row[column]).length)));
  const line = (cells: readonly (number | string)[], isNumber: (column: number) => boolean): string =>
    cells
      .map((cell, column) => (isNumber(column) ? String(cell).padStart(widths[column] ?? 0) : String(cell).padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  const numeric = (column: number): boolean => rows.some((row) => typeof row[column] === "number");
  return [line(headings, numeric), ...rows.map((row) => line(row, numeric))].join("\n");
}

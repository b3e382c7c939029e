/** A table that people can read and screen readers can walk. */
import type { ComponentChildren } from "preact";

/** One column. */
export interface Column<Row> {
  readonly title: string;
  /** True for figures, which stand at the right. */
  readonly figures?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
}

/** What to show. */
export interface TableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Said when there are no rows. */
  readonly none: string;
}

/** Rows under a caption; the first column names each of them. */
export function Table<Row>({ caption, columns, rows, keyOf, none }: TableProps<Row>) {
  if (rows.length === 0) return <p class="none">{none}</p>;
  return (
    <div class="scroll">
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, figures }) => (
              <th key={title} scope="col" class={figures === true ? "figures" : ""}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, figures, cell }, index) =>
                index === 0 ? (
                  <th key={title} scope="row">
                    {cell(row)}
                  </th>
                ) : (
                  <td key={title} class={figures === true ? "figures" : ""}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

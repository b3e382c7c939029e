/**
 * Arrow tables as arguments and results. Needs the package apache-arrow.
 *
 * @module
 */
import { Table, tableFromIPC, tableToIPC } from "apache-arrow";
import { useTables } from "./value/arrow.ts";

/**
 * Lets tables of apache-arrow travel, from now on and in the whole program. Python gets a `pyarrow.Table`, or the pandas or polars `DataFrame` that the
 * parameter is hinted as; what tools return of these kinds arrives as a `Table`. Call it once, before the first call with a table.
 *
 * @example
 * import { useArrow } from "snakepit/arrow";
 * useArrow();
 * const grouped = await pit.execute<Table>("group", { table, by: "city" });
 */
export function useArrow(): void {
  useTables({
    isTable: (value) => value instanceof Table,
    encode: (table) => tableToIPC(table as Table, "stream"),
    decode: (stream) => tableFromIPC(stream),
  });
}

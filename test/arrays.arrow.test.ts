/** Arrow tables, with pyarrow, pandas and polars on the other side. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Table, tableFromArrays } from "apache-arrow";
import { useArrow } from "../src/arrow.ts";
import { type Lease, Snakepit } from "../src/index.ts";
import { failure, toolFile, until } from "./pool.support.ts";

let pit: Snakepit;
const names = ["a", "b", "a"];
const table = tableFromArrays({ name: names, price: Float64Array.of(1, 5, 3) });
const rows = (found: Table): unknown[] => found.toArray().map((row) => row.toJSON());

beforeAll(async () => {
  pit = await Snakepit.open({ tools: toolFile("tables"), workers: 1, readyTimeoutMs: 60_000 });
});
afterAll(() => pit.close());

test("a table is refused with what to do about it, in both directions, before Arrow is used", async () => {
  expect(await failure(pit.execute("echo", { x: [table] }))).toMatchObject({ _tag: "UnsupportedValue", path: "$.x[0]" });
  const received = await failure(pit.execute("batch"));
  expect(received).toMatchObject({ _tag: "UnsupportedValue" });
  expect(received.message).toContain("useArrow");
});

describe("with useArrow", () => {
  beforeAll(() => useArrow());

  test("a table is one of pyarrow in Python, and comes back as it went", async () => {
    expect(await pit.execute("kind", { x: table })).toBe("pyarrow.Table");
    const back = await pit.execute<Table>("echo", { x: table });
    expect(rows(back)).toEqual(rows(table));
    expect(back.schema.fields.map(String)).toEqual(table.schema.fields.map(String));
  });

  test("hints make it a frame of pandas or polars, and frames come back as tables", async () => {
    const expected = [
      { name: "a", price: 2 },
      { name: "b", price: 5 },
    ];
    expect(rows(await pit.execute<Table>("pandas_mean", { table, column: "price" }))).toEqual(expected);
    expect(rows(await pit.execute<Table>("polars_mean", { table, column: "price" }))).toEqual(expected);
    expect(await pit.execute("rows_of", { table })).toBe(3);
  });

  test("a parameter that is hinted as a table takes nothing else", async () => {
    expect(await failure(pit.execute("pandas_mean", { table: [1], column: "price" }))).toMatchObject({ _tag: "InvalidArguments" });
    expect(await failure(pit.execute("rows_of", { table: "x" }))).toMatchObject({ _tag: "InvalidArguments" });
  });

  test("record batches, and tables inside other values, travel too", async () => {
    expect(rows(await pit.execute<Table>("batch"))).toEqual([{ a: 1n }, { a: 2n }]);
    const { tables, n } = await pit.execute<{ tables: Table[]; n: number }>("inside");
    expect([...tables.map(rows), n]).toEqual([[{ a: 1n }], [{ b: "x" }], 1]);
  });

  test("tables without rows, and with several batches and nulls, come back as they went", async () => {
    const several = table.concat(table);
    expect(several.batches).toHaveLength(2);
    expect(rows(await pit.execute<Table>("echo", { x: several }))).toEqual(rows(several));
    const nulls = tableFromArrays({ x: [1, null, 3] });
    expect(rows(await pit.execute<Table>("echo", { x: nulls }))).toEqual([{ x: 1 }, { x: null }, { x: 3 }]);
    expect((await pit.execute<Table>("numbers", { rows: 0 })).numRows).toBe(0);
  });

  test("a frame that Arrow cannot hold is refused, and says which column", async () => {
    const refused = await failure(pit.execute("mixed"));
    expect(refused).toMatchObject({ _tag: "UnsupportedValue" });
    expect(refused.message).toContain("column a");
  });

  test("large tables go through shared memory, and views of them show the same", async () => {
    const large = 100_000;
    const check = (found: Table): void => {
      expect(found.numRows).toBe(large);
      expect([found.getChild("n")?.get(large - 1), found.getChild("half")?.get(7)]).toEqual([BigInt(large - 1), 3.5]);
    };
    check(await pit.execute<Table>("numbers", { rows: large }));
    await until(async () => {
      using lease = await pit.execute<Lease<Table>>("numbers", { rows: large }, { view: true });
      check(lease.value);
      const column: Float64Array | undefined = lease.value.getChild("half")?.data[0]?.values;
      lease.release();
      // Detached: it lay in memory that is shared.
      return column?.length === 0;
    });
    const wide = tableFromArrays({ x: new Float64Array(large).fill(1.5) });
    for (let n = 0; n < 3; n++) expect((await pit.execute<Table>("echo", { x: wide })).getChild("x")?.get(large - 1)).toBe(1.5);
  });
});

import { expect, test } from "bun:test";
import { kinds } from "./values.kinds.ts";
import { arrays, code, fromJavaScript, fromPython } from "./values.table.ts";

/** No values of their own: the tests of the carrier, of the pool and of host tools send them. */
const BESIDE: ReadonlySet<string> = new Set([
  "async iterable, as an argument",
  "function, in an argument",
  "stored object, in an argument",
  "function or stored object elsewhere",
]);

test("every kind of JavaScript value in the table has a generator, and every generator a row", () => {
  expect(Object.keys(kinds).toSorted()).toEqual(
    fromJavaScript
      .map((row) => row("kind"))
      .filter((kind) => !BESIDE.has(kind))
      .toSorted(),
  );
});

test("no kind stands in a table twice", () => {
  for (const rows of [fromPython, fromJavaScript]) expect(new Set(rows.map((row) => row("kind"))).size).toBe(rows.length);
  expect(new Set(arrays.map((row) => row("dtype"))).size).toBe(arrays.length);
});

test("every cell is one that the tests understand", () => {
  for (const row of fromJavaScript) {
    expect(row("lossless")).toBeOneOf(["yes", "no"]);
    expect(code(row("JavaScript"))).toHaveLength(1);
    const tells = row("Python") === "refused" || row("lossless") === "yes" || BESIDE.has(row("kind"));
    expect(row("comes back as") === "").toBe(tells);
  }
  for (const row of fromPython) {
    expect(row("lossless")).toBeOneOf(["yes", "typed", "no"]);
    expect(code(row("Python"))).toHaveLength(1);
    if (row("lossless") === "typed") expect(code(row("hint"))).toHaveLength(1);
  }
});

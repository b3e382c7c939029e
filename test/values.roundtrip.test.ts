import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { UnsupportedValue } from "../src/errors/index.ts";
import { NdArray, type Snakepit } from "../src/index.ts";
import { kinds } from "./values.kinds.ts";
import { openPython } from "./values.python.ts";
import { arrays, code, fromJavaScript, fromPython } from "./values.table.ts";

let python: Snakepit;
beforeAll(async () => {
  python = await openPython();
});
afterAll(() => python.close());

/** Equal in type and value, -0 and NaN told apart; of arrays every bit. */
function expectSame(back: unknown, sent: unknown): void {
  if (ArrayBuffer.isView(sent)) {
    expect(typeName(back)).toBe(typeName(sent));
    // Matchers go through arrays element by element, which takes seconds for long ones.
    if (ArrayBuffer.isView(back)) expect(Buffer.compare(bytesOf(back), bytesOf(sent))).toBe(0);
  } else {
    expect(back).toStrictEqual(sent);
  }
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

describe("from JavaScript", () => {
  for (const row of fromJavaScript) {
    const kind = kinds[row("kind")];
    if (kind === undefined) continue;
    const back = (value: unknown): unknown => (kind.back === undefined ? value : kind.back(value as never));
    const check = (property: (value: unknown) => Promise<void>): Promise<void> =>
      fc.assert(fc.asyncProperty(kind.values, property), { numRuns: 25 });

    if (row("Python") === "refused") {
      test(`${row("kind")}: refused before anything is sent`, () =>
        check(async (value) => {
          await expect(python.execute("echo", { value })).rejects.toThrow(UnsupportedValue);
        }));
      continue;
    }

    test(`${row("kind")}: comes back as the table says`, () =>
      check(async (value) => {
        expectSame(await python.execute("echo", { value }), back(value));
        // Inside containers nothing is different.
        const [inner] = (await python.execute("echo", { value: [{ value }] })) as [{ value: unknown }];
        expectSame(inner.value, back(value));
      }));

    const [type] = code(row("Python"));
    if (type !== undefined)
      test(`${row("kind")}: is a Python ${type}`, () =>
        check(async (value) => expect(await python.execute("type_of", { value })).toBe(type)));

    for (const hint of code(row("hints"))) {
      test(`${row("kind")}: is taken where ${hint} is hinted`, () =>
        check(async (value) => {
          await python.execute(`echo as ${hint}`, { value });
        }));
    }
  }
});

test("500 levels travel in both directions", async () => {
  for (const wrap of [(inner: unknown) => [inner], (inner: unknown) => ({ inner }), (inner: unknown) => new Map([[1, inner]])]) {
    const value = Array.from({ length: 499 }).reduce<unknown>(wrap, 1);
    expect(await python.execute("echo", { value })).toStrictEqual(value);
  }
});

describe("async iterable, as an argument", () => {
  async function* numbers(): AsyncGenerator<number> {
    yield* [0.5, 1, 2];
  }

  test("is an iterator in Python", async () => {
    expect(await python.execute("total", { items: numbers() })).toBe(3.5);
    const stream = new ReadableStream<number>({
      start(controller) {
        controller.enqueue(1);
        controller.enqueue(2);
        controller.close();
      },
    });
    expect(await python.execute("total", { items: stream })).toBe(3);
  });

  test("is refused deeper in the arguments", async () => {
    await expect(python.execute("echo", { value: [numbers()] })).rejects.toThrow("The value at $.value[0] cannot travel");
  });
});

describe("from Python", () => {
  for (const row of fromPython) {
    const [expression = ""] = code(row("Python"));
    const [literal] = code(row("JavaScript"));
    test(`${row("kind")}: is ${row("JavaScript")}`, async () => {
      const value = await python.execute("evaluate", { expression });
      if (literal === undefined) expect(typeName(value)).toBeOneOf(typesOf(row("JavaScript")));
      else expect(value).toBe(new Function(`return ${literal}`)());
    });

    test(`${row("kind")}: comes back as the table says`, async () => {
      const value = await python.execute("evaluate", { expression });
      const [untyped] = code(row("untyped"));
      // A whole float is an int without a hint, and yet equal to it in Python.
      const expected = row("kind") === "whole float" ? "1" : (untyped ?? expression);
      expect(await python.execute("difference", { expression: expected, value })).toBe("");
      const [hint] = code(row("hint"));
      if (hint !== undefined) expect(await python.execute(`difference as ${hint}`, { expression, value })).toBe("");
    });
  }
});

describe("arrays from Python", () => {
  for (const row of arrays) {
    const [dtype = ""] = code(row("dtype"));
    const [, type, over] = /^(\w+)(?: over (\w+))?$/.exec(row("JavaScript, one dimension")) ?? [];
    const one = `np.arange(3).astype("${dtype}")`;
    const two = `np.arange(6).astype("${dtype}").reshape(2, 3)`;
    const none = `np.array(1).astype("${dtype}")`;

    test(`${dtype}: comes as the table says and goes back where an array is hinted`, async () => {
      const value = await python.execute("evaluate", { expression: one });
      expect(typeName(value)).toBe(type ?? "");
      if (value instanceof NdArray) expect([typeName(value.data), value.shape, value.dtype]).toEqual([over ?? "", [3], dtype]);
      expect(await python.execute("difference as np.ndarray", { expression: one, value })).toBe("");
    });

    test(`${dtype}: keeps its shape`, async () => {
      for (const [expression, shape] of [
        [two, [2, 3]],
        [none, []],
        [`${two}[:0]`, [0, 3]],
        [`${two}.T`, [3, 2]],
      ] as const) {
        const value = await python.execute("evaluate", { expression });
        expect(value).toBeInstanceOf(NdArray);
        expect((value as NdArray).shape).toEqual(shape);
        expect(await python.execute("difference", { expression, value })).toBe("");
      }
    });

    const [format] = code(row("`memoryview` format"));
    if (format !== undefined && format !== "e" && format !== "B") {
      test(`${dtype}: a memoryview keeps its format`, async () => {
        const expression = `memoryview(${one})`;
        const value = await python.execute("evaluate", { expression });
        expect(typeName(value)).toBe(type ?? "");
        if (dtype !== "b1")
          expect(await python.execute("difference", { expression: `memoryview(${one}).cast("B").cast("${format}")`, value })).toBe("");
      });
    }
  }
});

function typeName(value: unknown): string {
  if (value instanceof NdArray) return "NdArray";
  return typeof value === "object" ? Object.prototype.toString.call(value).slice(8, -1) : typeof value;
}

function typesOf(cell: string): readonly string[] {
  if (cell === "its value") return ["string", "number"];
  return cell.split(" or ").map((name) => (name === "object" ? "Object" : name));
}

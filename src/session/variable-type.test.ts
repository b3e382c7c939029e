import { describe, expect, test } from "bun:test";
import table from "../../test/variables.table.json" with { type: "json" };
import type { Constraints } from "../api/variables.ts";
import { InvalidOptions, VariableInvalid } from "../errors/index.ts";
import { canonical } from "../tool/json.ts";
import { describeType } from "./variable-type.ts";
import { encodeValue, fitValue, keptBytes, keptValue } from "./variable-value.ts";

/** The value as it is kept, after it was taken. */
function taken(type: string, constraints: Constraints, value: unknown): unknown {
  const bytes = encodeValue(value);
  return keptValue(fitValue("v", describeType(type, constraints, bytes), bytes));
}

function refusal(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

for (const { type, constraints, good, bad } of table.rows) {
  describe(`${type} ${JSON.stringify(constraints).slice(0, 60)}`, () => {
    for (const value of good) {
      test(`takes ${JSON.stringify(value)}`, () => {
        expect(taken(type, constraints as Constraints, value)).toEqual(value);
      });
    }
    for (const [value, constraint] of bad) {
      test(`refuses ${JSON.stringify(value)}`, () => {
        const error = refusal(() => taken(type, constraints as Constraints, value));
        expect(error).toBeInstanceOf(VariableInvalid);
        expect(error).toMatchObject({ constraint, variable: "v" });
      });
    }
  });
}

describe("numbers", () => {
  const integer = describeType("integer", {}, new Uint8Array());
  const float = describeType("float", {}, new Uint8Array());
  const double = (value: number): Uint8Array => {
    const bytes = new Uint8Array(9);
    bytes[0] = 0xcb;
    new DataView(bytes.buffer).setFloat64(1, value);
    return bytes;
  };

  test("a float from Python is no integer, even when it is whole", () => {
    expect(refusal(() => fitValue("v", integer, double(1)))).toBeInstanceOf(VariableInvalid);
    expect(refusal(() => fitValue("v", integer, Uint8Array.of(0xca, 0x3f, 0x80, 0, 0)))).toBeInstanceOf(VariableInvalid);
  });

  test("an integer becomes a float where a float is wanted, of any size", () => {
    expect(keptBytes("float", fitValue("v", float, Uint8Array.of(3)))).toEqual(double(3));
    expect(keptBytes("float", fitValue("v", float, encodeValue(2n ** 70n)))).toEqual(double(2 ** 70));
    expect(fitValue("v", describeType("embedding", {}, encodeValue([1])), encodeValue([1]))).toEqual(Uint8Array.of(0x91, ...double(1)));
  });

  test("integers keep every digit, and zero has no sign", () => {
    expect(taken("integer", {}, 2n ** 200n)).toBe(2n ** 200n);
    expect(taken("integer", { min: 0 }, -0)).toBe(0);
    expect(taken("float", {}, -0)).toBe(-0);
    expect(refusal(() => taken("integer", {}, 1e300))).toBeInstanceOf(VariableInvalid);
    expect(refusal(() => taken("integer", { max: 5 }, 2n ** 70n))).toMatchObject({ constraint: "max" });
  });

  test("what is no number breaks every bound", () => {
    expect(taken("float", {}, Number.NaN)).toBeNaN();
    expect(refusal(() => taken("float", { min: 0 }, Number.NaN))).toMatchObject({ constraint: "min" });
    expect(refusal(() => taken("embedding", {}, [Number.NaN]))).toMatchObject({ constraint: "type" });
  });
});

test("bytes are counted, and nothing else is bytes", () => {
  const constraints = { min_length: 1, max_length: 2 };
  expect(taken("bytes", constraints, new Uint8Array([1, 2]))).toEqual(new Uint8Array([1, 2]));
  expect(taken("bytes", constraints, new ArrayBuffer(2))).toEqual(new Uint8Array(2));
  expect(refusal(() => taken("bytes", constraints, new Uint8Array(3)))).toMatchObject({ constraint: "max_length" });
  expect(refusal(() => taken("bytes", constraints, "ab"))).toMatchObject({ constraint: "type" });
});

test("an embedding keeps the dimensions of its first value", () => {
  const type = describeType("embedding", {}, encodeValue(new Float32Array(1_536)));
  expect(type.constraints).toEqual({ dimensions: 1_536 });
  const values = Array.from({ length: 1_536 }, (_, i) => i / 8);
  expect(keptValue(fitValue("v", type, encodeValue(Float64Array.from(values))))).toEqual(values);
  expect(refusal(() => fitValue("v", type, encodeValue([1])))).toMatchObject({ constraint: "dimensions" });
});

test("JSON is what JSON holds", () => {
  for (const value of [new Date(0), new Uint8Array(1), Number.NaN, Number.POSITIVE_INFINITY, [new Map([[1, 2]])], { a: [new Date(0)] }]) {
    expect(refusal(() => taken("json", {}, value))).toMatchObject({ constraint: "type" });
  }
});

describe("a description that makes no sense is refused by the name of what is wrong", () => {
  const wrong: readonly (readonly [type: string, constraints: object, option: string])[] = [
    ["flaot", {}, "type"],
    ["toString", {}, "type"],
    ["float", { pattern: "a" }, "constraints.pattern"],
    ["float", { minimum: 1 }, "constraints.minimum"],
    ["float", { min: "1" }, "constraints.min"],
    ["float", { min: Number.NaN }, "constraints.min"],
    ["integer", { max: 2n ** 70n }, "constraints"],
    ["json", { schema: { const: 2n ** 70n } }, "constraints"],
    ["boolean", { choices: [true] }, "constraints.choices"],
    ["string", { pattern: "(" }, "constraints.pattern"],
    ["string", { min_length: -1 }, "constraints.min_length"],
    ["choice", {}, "constraints.choices"],
    ["choice", { choices: [] }, "constraints.choices"],
    ["choice", { choices: [null] }, "constraints.choices"],
    ["embedding", { dimensions: 1.5 }, "constraints.dimensions"],
    ["json", { schema: "object" }, "constraints.schema"],
    ["json", { schema: { type: "objekt" } }, "schema.type"],
    ["json", { schema: { properties: { a: { if: true } } } }, "schema.properties.a.if"],
    ["json", { schema: { $ref: "https://example.com/schema" } }, "schema.$ref"],
    ["json", { schema: { $ref: "#/$defs/Nope" } }, "schema.$ref"],
  ];
  for (const [type, constraints, option] of wrong) {
    test(`${type} ${canonical(constraints)}`, () => {
      const error = refusal(() => describeType(type, constraints, new Uint8Array()));
      expect(error).toBeInstanceOf(InvalidOptions);
      expect(error).toMatchObject({ option });
    });
  }
});

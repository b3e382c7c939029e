import { describe, expect, test } from "bun:test";
import { compileSchema } from "./json-schema.ts";

const rows: readonly (readonly [schema: unknown, good: readonly unknown[], bad: readonly (readonly [value: unknown, path: string])[]])[] = [
  [true, [1, null], []],
  [false, [], [[1, "$"]]],
  [{}, [1, "a"], []],
  [{ type: ["string", "null"] }, ["a", null], [[1, "$"]]],
  [
    { type: "integer" },
    [1, 1n, 2n ** 80n],
    [
      [1.5, "$"],
      [true, "$"],
      ["1", "$"],
    ],
  ],
  [{ const: { a: [1] } }, [{ a: [1] }], [[{ a: [2] }, "$"]]],
  [{ enum: [{ a: 1, b: 2 }, null] }, [{ b: 2, a: 1 }, null], [[{ a: 1 }, "$"]]],
  [
    { minimum: 1, exclusiveMaximum: 3 },
    [1, 2.9, "not a number"],
    [
      [0.9, "$"],
      [3, "$"],
    ],
  ],
  [
    { minLength: 2, maxLength: 2 },
    ["ab", "🐍🐍"],
    [
      ["🐍", "$"],
      ["abc", "$"],
    ],
  ],
  [
    { minProperties: 1, maxProperties: 1 },
    [{ a: 1 }],
    [
      [{}, "$"],
      [{ a: 1, b: 2 }, "$"],
    ],
  ],
  [{ required: ["toString"] }, [{ toString: 1 }], [[{}, "$.toString"]]],
  [
    { properties: { a: { properties: { "b c": { type: "null" } } } } },
    [{ a: { "b c": null } }, { a: 1 }],
    [[{ a: { "b c": 1 } }, '$.a["b c"]']],
  ],
  [
    { patternProperties: { "^x": { type: "string" } }, additionalProperties: false },
    [{ x1: "a" }],
    [
      [{ x1: 1 }, "$.x1"],
      [{ y: "a" }, "$.y"],
    ],
  ],
  [{ propertyNames: { maxLength: 1 } }, [{ a: 1 }], [[{ ab: 1 }, "$.ab"]]],
  [
    { prefixItems: [{ type: "null" }], items: { type: "string" } },
    [[null, "a"], []],
    [
      [[1], "$[0]"],
      [[null, 1], "$[1]"],
    ],
  ],
  [
    { uniqueItems: true },
    [[1, "1", [1]]],
    [
      [
        [
          { a: 1, b: 2 },
          { b: 2, a: 1 },
        ],
        "$",
      ],
    ],
  ],
  [{ allOf: [{ minimum: 1 }, { maximum: 2 }] }, [1], [[3, "$"]]],
  [{ oneOf: [{ minimum: 1 }, { maximum: 2 }] }, [0, 3], [[1, "$"]]],
  [{ not: { type: "string" } }, [1], [["a", "$"]]],
  [{ $defs: { "a/b": { type: "null" } }, $ref: "#/$defs/a~1b" }, [null], [[1, "$"]]],
  [
    { properties: { next: { $ref: "#" } }, additionalProperties: false },
    [{ next: { next: {} } }],
    [[{ next: { other: 1 } }, "$.next.other"]],
  ],
  [{ title: "T", description: "d", default: 1, examples: [1], format: "email" }, ["no address"], []],
];

for (const [schema, good, bad] of rows) {
  describe(JSON.stringify(schema), () => {
    const check = compileSchema(schema);
    for (const value of good) test(`takes ${String(JSON.stringify(value, big))}`, () => expect(check(value)).toBeUndefined());
    for (const [value, path] of bad) test(`refuses ${JSON.stringify(value)}`, () => expect(check(value)).toMatchObject({ path }));
  });
}

test("a schema that refers to nothing but itself ends", () => {
  expect(compileSchema({ $ref: "#" })(1)).toMatchObject({ path: "$" });
});

test("of several ways that do not fit, the one that went deepest is told", () => {
  const check = compileSchema({ anyOf: [{ type: "null" }, { properties: { a: { type: "string" } } }] });
  expect(check({ a: 1 })).toEqual({ path: "$.a", expected: "of type string" });
});

function big(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

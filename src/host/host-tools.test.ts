import { describe, expect, test } from "bun:test";
import { Schema, type StandardSchema } from "effect";
import { InvalidArguments, InvalidOptions } from "../errors/index.ts";
import type { NamedArguments } from "./arguments.ts";
import { type HostToolOptions, HostTools } from "./host-tools.ts";

const nothing = (): void => {};

/** The arguments that a function of this schema gets. */
async function given(schema: HostToolOptions["schema"], positional: readonly unknown[], named: NamedArguments = {}): Promise<unknown> {
  const tools = new HostTools();
  tools.provide("", "t", nothing, { schema });
  return tools.get("", "t").arguments(positional, named);
}

/** What it is refused with. */
async function refused(schema: HostToolOptions["schema"], positional: readonly unknown[], named: NamedArguments = {}): Promise<object> {
  const error: unknown = await given(schema, positional, named).catch((error: unknown) => error);
  if (!(error instanceof InvalidArguments)) throw new Error(`not refused: ${String(error)}`);
  const { tool, argument, path, expected } = error;
  return { tool, argument, path, expected };
}

describe("names", () => {
  test("belong to their scope, and a session's own tool goes before the pit's", () => {
    const tools = new HostTools();
    const [pits, own] = [() => 1, () => 2];
    tools.provide("", "t", pits);
    const unprovide = tools.provide("s", "t", own);
    expect(tools.get("s", "t").fn).toBe(own);
    expect(tools.get("other", "t").fn).toBe(pits);
    expect(tools.get("", "t").fn).toBe(pits);
    expect(tools.list("s").map(({ name }) => name)).toEqual(["t"]);
    unprovide();
    expect(tools.get("s", "t").fn).toBe(pits);
    // What it took back before stays as it is.
    tools.provide("s", "t", own);
    unprovide();
    expect(tools.get("s", "t").fn).toBe(own);
  });

  test("are given once in a scope, and are text of 1 to 200 characters", () => {
    const tools = new HostTools();
    tools.provide("s", "x".repeat(200), nothing);
    for (const name of ["x".repeat(200), "", "x".repeat(201)]) {
      expect(() => tools.provide("s", name, nothing)).toThrow(InvalidOptions);
    }
    expect(tools.list("s")).toHaveLength(1);
  });

  test("that nobody provided are answered with those that are near", () => {
    const tools = new HostTools();
    tools.provide("", "lookup", nothing);
    tools.provide("s", "lookupAll", nothing);
    expect(() => tools.get("s", "lookupall")).toThrow('did you mean "lookupAll"');
    expect(() => tools.get("", "lookups")).toThrow('did you mean "lookup"');
  });
});

describe("options", () => {
  test("that make no sense are refused", () => {
    const tools = new HostTools();
    // What TypeScript keeps out comes from JavaScript all the same.
    const wrong: readonly [object, string][] = [
      [{ description: 1 }, "description"],
      [{ streaming: "yes" }, "streaming"],
      [{ schema: 1 }, "schema"],
      [{ schema: null }, "schema"],
      [{ schema: { type: "text" } }, "schema.type"],
      [{ schema: { propertees: {} } }, "schema.propertees"],
      [{ schema: { "~standard": { version: 1 } } }, "schema"],
    ];
    for (const [options, option] of wrong) {
      expect(() => tools.provide("", "t", nothing, options)).toThrow(`Option "${option}"`);
    }
    // @ts-expect-error It is no function.
    expect(() => tools.provide("", "t", 1)).toThrow(InvalidOptions);
    expect(tools.list("")).toEqual([]);
  });

  test("stand in the list", () => {
    const tools = new HostTools();
    const schema = { type: "object", properties: { q: { type: "string" } } };
    tools.provide("", "plain", nothing, { description: "says", schema });
    tools.provide("", "async", async function* () {});
    tools.provide("", "sync", function* () {});
    tools.provide("", "told", nothing, { streaming: true });
    tools.provide("", "denied", async function* () {}, { streaming: false });
    const [plain, ...others] = tools.list("");
    expect(plain).toMatchObject({ name: "plain", description: "says", streaming: false });
    expect(JSON.parse(plain?.inputSchemaJson ?? "")).toEqual(schema);
    expect(others.map(({ name, streaming }) => [name, streaming])).toEqual([
      ["async", true],
      ["sync", true],
      ["told", true],
      ["denied", false],
    ]);
  });
});

describe("a JSON Schema", () => {
  const schema = {
    type: "object",
    properties: { question: { type: "string" }, "how many": { type: "integer", minimum: 1 }, rows: { items: { type: "number" } } },
    required: ["question"],
    additionalProperties: false,
  };

  test("gives the function all arguments by name", async () => {
    const all = { question: "why", "how many": 2n ** 70n, rows: [1, 0.5] };
    expect(await given(schema, [], all)).toEqual([all]);
    expect(await given(schema, ["why", 2n ** 70n], { rows: [1, 0.5] })).toEqual([all]);
    expect(await given(schema, ["why"])).toEqual([{ question: "why" }]);
  });

  test("refuses what does not fit, and says where", async () => {
    const cases: readonly [readonly unknown[], NamedArguments, object][] = [
      [[], {}, { argument: "question", path: "$.question", expected: "It must be there." }],
      [[1], {}, { argument: "question", path: "$.question", expected: "It must be of type string." }],
      [["a", 0], {}, { argument: "how many", path: '$["how many"]', expected: "It must be at least 1." }],
      [["a"], { rows: [1, "b"] }, { argument: "rows", path: "$.rows[1]" }],
      [["a"], { other: 1 }, { argument: "other", path: "$.other" }],
      [["a"], { question: "b" }, { argument: "question", expected: "It is given by position and by name." }],
      [["a", 1, [], 4], {}, { argument: "", path: "$", expected: "It takes 3 arguments by position, and got 4." }],
    ];
    for (const [positional, named, fault] of cases) expect(await refused(schema, positional, named)).toMatchObject({ tool: "t", ...fault });
    expect(await refused({ minProperties: 1 }, [])).toMatchObject({ argument: "", path: "$" });
  });
});

describe("a Standard Schema", () => {
  test("of Effect checks, converts, and names positional arguments", async () => {
    const schema = Schema.toStandardSchemaV1(
      Schema.toStandardJSONSchemaV1(Schema.Struct({ at: Schema.FiniteFromString, rows: Schema.Array(Schema.Finite) })),
    );
    expect(await given(schema, ["1.5"], { rows: [1] })).toEqual([{ at: 1.5, rows: [1] }]);
    expect(await refused(schema, ["1.5"], { rows: [1, "b"] })).toMatchObject({ tool: "t", argument: "rows", path: "$.rows[1]" });
    const tools = new HostTools();
    tools.provide("", "t", nothing, { schema });
    expect(JSON.parse(tools.list("")[0]?.inputSchemaJson ?? "")).toMatchObject({ properties: { at: { type: "string" } } });
  });

  test("may take its time, be a function, and not know JSON Schema", async () => {
    const props: StandardSchema.StandardSchemaV1.Props = {
      version: 1,
      vendor: "test",
      validate: async (value) =>
        typeof value === "object" && value !== null && "a" in value
          ? { value }
          : { issues: [{ message: "a, please", path: [{ key: "a" }, 0] }] },
    };
    const schema = Object.assign(() => {}, { "~standard": props });
    expect(await given(schema, [], { a: 1 })).toEqual([{ a: 1 }]);
    expect(await refused(schema, [])).toMatchObject({ argument: "a", path: "$.a[0]", expected: "a, please" });
    // Nobody knows the order of its properties.
    expect(await refused(schema, [1])).toMatchObject({ expected: "It takes 0 arguments by position, and got 1." });
    const failing = () => {
      throw new Error("no words for it");
    };
    const tools = new HostTools();
    // A library may look for itself.
    const counting = {
      "~standard": {
        ...props,
        seen: 0,
        validate(value: unknown) {
          this.seen++;
          return { value };
        },
      },
    };
    expect(await given(counting, [], { a: 1 })).toEqual([{ a: 1 }]);
    const silent = { "~standard": { ...props, jsonSchema: { input: failing, output: failing } } };
    tools.provide("", "t", nothing, { schema: silent });
    expect(tools.list("")[0]?.inputSchemaJson).toBe("");
  });
});

/** What a host tool gets of what Python sends: positional and named arguments, checked by its schema when it has one. */
import type { StandardSchema } from "effect";
import { InvalidArguments, InvalidOptions } from "../errors/index.ts";
import * as json from "../tool/json.ts";
import { compileSchema } from "../tool/json-schema.ts";
import { formatPath } from "../value/path.ts";

/** Arguments by name. */
export type NamedArguments = Readonly<Record<string, unknown>>;

/** Makes the arguments of a function, those that Python has a say in. Throws or rejects with InvalidArguments. */
export type Arguments = (positional: readonly unknown[], named: NamedArguments) => readonly unknown[] | Promise<readonly unknown[]>;

/** The arguments of a function that stands among those of a call: as they come, and one object with the named ones if there are any. */
export const passedArguments = (positional: readonly unknown[], named: NamedArguments): readonly unknown[] =>
  Object.keys(named).length === 0 ? positional : [...positional, named];

/** The arguments of a function without a schema: as they come, then one object with the named ones. */
export const plainArguments = (positional: readonly unknown[], named: NamedArguments): readonly unknown[] =>
  positional.length > 0 ? passedArguments(positional, named) : [named];

/** How the arguments of a tool are made by its schema, and that schema as Python lists it. Throws InvalidOptions when it is none. */
export function schemaArguments(tool: string, schema: object): { readonly arguments: Arguments; readonly schemaJson: string } {
  const standard = standardOf(schema);
  const described = standard === undefined ? schema : jsonSchemaOf(standard);
  if (standard === undefined && !json.isObject(schema)) {
    throw new InvalidOptions({ option: "schema", expected: "a JSON Schema or a Standard Schema" });
  }
  const { properties } = json.isObject(described) ? (described as { readonly properties?: unknown }) : {};
  const names = json.isObject(properties) ? Object.keys(properties) : [];
  const check = standard === undefined ? jsonCheck(tool, schema) : standardCheck(tool, standard);
  return {
    arguments: (positional, named) => check(byName(tool, names, positional, named)),
    schemaJson: described === undefined ? "" : JSON.stringify(described),
  };
}

type Check = (named: NamedArguments) => readonly unknown[] | Promise<readonly unknown[]>;

function jsonCheck(tool: string, schema: unknown): Check {
  const check = compileSchema(schema);
  return (named) => {
    const fault = check(named);
    if (fault === undefined) return [named];
    throw new InvalidArguments({ tool, argument: firstStep(fault.path), path: fault.path, expected: `It must be ${fault.expected}.` });
  };
}

function standardCheck(tool: string, standard: StandardSchema.StandardSchemaV1.Props): Check {
  const take = (result: StandardSchema.StandardSchemaV1.Result<unknown>): readonly unknown[] => {
    if (result.issues === undefined) return [result.value];
    const [{ message, path = [] } = { message: "It does not fit." }] = result.issues;
    const steps = path.map((step) => (typeof step === "object" ? step.key : step));
    throw new InvalidArguments({ tool, argument: String(steps[0] ?? ""), path: formatPath(steps), expected: message });
  };
  return (named) => {
    const result = standard.validate(named);
    return "then" in result ? result.then(take) : take(result);
  };
}

/** All arguments by name. The positional ones are named in the order of the schema. */
function byName(tool: string, names: readonly string[], positional: readonly unknown[], named: NamedArguments): NamedArguments {
  if (positional.length === 0) return named;
  if (positional.length > names.length) {
    const expected = `It takes ${names.length} arguments by position, and got ${positional.length}.`;
    throw new InvalidArguments({ tool, argument: "", path: "$", expected });
  }
  const taken = names.slice(0, positional.length);
  const twice = taken.find((name) => Object.hasOwn(named, name));
  if (twice !== undefined) {
    throw new InvalidArguments({ tool, argument: twice, path: formatPath([twice]), expected: "It is given by position and by name." });
  }
  return { ...Object.fromEntries(taken.map((name, i) => [name, positional[i]])), ...named };
}

function standardOf(schema: unknown): StandardSchema.StandardSchemaV1.Props | undefined {
  // Schemas of some libraries are functions.
  const isSchema = (typeof schema === "object" && schema !== null) || typeof schema === "function";
  if (!isSchema || !("~standard" in schema)) return undefined;
  const standard = schema["~standard"] as Partial<StandardSchema.StandardSchemaV1.Props> | undefined;
  if (typeof standard?.validate !== "function")
    throw new InvalidOptions({ option: "schema", expected: "a Standard Schema that can validate" });
  return standard as StandardSchema.StandardSchemaV1.Props;
}

/** The JSON Schema of a Standard Schema whose library can tell it. */
function jsonSchemaOf(standard: StandardSchema.StandardSchemaV1.Props): unknown {
  if (!("jsonSchema" in standard)) return undefined;
  const { jsonSchema } = standard as StandardSchema.StandardJSONSchemaV1.Props;
  try {
    return jsonSchema.input({ target: "draft-2020-12" });
  } catch {
    // Some schemas have no words in JSON Schema, a transformation for one. They check all the same.
    return undefined;
  }
}

/** The name that a path such as `$.rows[2]` begins with. */
function firstStep(path: string): string {
  const [, plain, quoted] = /^\$(?:\.([^.[<]+)|\[("(?:[^"\\]|\\.)*")\])/.exec(path) ?? [];
  return plain ?? (quoted === undefined ? "" : String(JSON.parse(quoted)));
}

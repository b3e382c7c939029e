/**
 * What a variable may hold: its type and its constraints, in one description that both languages check with.
 *
 * Values are checked as they travel, so that one from Python and one from TypeScript pass through the same code.
 */
import { type BuiltInType, type Constraints, types } from "../api/variables.ts";
import { InvalidOptions, VariableInvalid } from "../errors/index.ts";
import * as json from "../tool/json.ts";
import { compilePattern, compileSchema } from "../tool/json-schema.ts";
import { decode } from "../value/index.ts";
import { constants } from "./defaults.ts";

type ConstraintName = keyof Constraints;

/** What is wrong with a value. */
interface Fault {
  readonly constraint: string;
  readonly expected: string;
}

type Check = (value: unknown) => Fault | undefined;

/** A compiled description. */
export interface VariableType {
  /** Name of the type. */
  readonly name: string;
  /** The constraints as JSON, as they are kept and as they travel. */
  readonly constraintsJson: string;
  /** The constraints. */
  readonly constraints: Constraints;
  /** Throws VariableInvalid unless the value fits. */
  readonly check: (variable: string, value: unknown) => void;
}

interface Kind {
  /** Constraints that apply. */
  readonly allowed: readonly ConstraintName[];
  /** The type in words that follow "must be". */
  readonly expected: string;
  readonly is: (value: unknown) => boolean;
}

const kinds: Readonly<Record<BuiltInType, Kind>> = {
  float: { allowed: ["min", "max", "choices"], expected: "a number", is: json.isNumber },
  integer: {
    allowed: ["min", "max", "choices"],
    expected: "an integer",
    is: (value) => typeof value === "bigint" || Number.isSafeInteger(value),
  },
  string: { allowed: ["min_length", "max_length", "pattern", "choices"], expected: "a string", is: json.isText },
  boolean: { allowed: [], expected: "a boolean", is: (value) => typeof value === "boolean" },
  json: { allowed: ["schema"], expected: "JSON", is: (value) => json.notJson(value) === undefined },
  bytes: { allowed: ["min_length", "max_length"], expected: "bytes", is: (value) => value instanceof Uint8Array },
  embedding: {
    allowed: ["dimensions"],
    expected: "an array of finite numbers",
    is: (value) => json.isArray(value) && value.every((entry) => typeof entry === "bigint" || Number.isFinite(entry)),
  },
  choice: { allowed: ["choices"], expected: "a string, a number or a boolean", is: isChoice },
  list: { allowed: ["min_length", "max_length"], expected: "an array", is: json.isArray },
};

function isChoice(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
}

/** A type with a schema of its own. */
const custom: Kind = { allowed: ["schema"], expected: "JSON", is: kinds.json.is };

const isBuiltIn = (name: string): name is BuiltInType => Object.hasOwn(kinds, name);
const isLength = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

const shapes: Readonly<Record<ConstraintName, { readonly expected: string; readonly ok: (value: unknown) => boolean }>> = {
  min: { expected: "a number", ok: Number.isFinite },
  max: { expected: "a number", ok: Number.isFinite },
  choices: {
    expected: "an array of strings, numbers or booleans, at least one",
    ok: (value) => json.isArray(value) && value.length > 0 && value.every(isChoice),
  },
  pattern: { expected: "a regular expression", ok: json.isText },
  min_length: { expected: "a whole number from 0", ok: isLength },
  max_length: { expected: "a whole number from 0", ok: isLength },
  dimensions: { expected: "a whole number from 0", ok: isLength },
  schema: { expected: "a JSON Schema", ok: (value) => json.isObject(value) || typeof value === "boolean" },
};

/**
 * Describes a variable.
 *
 * @param first - The first value, as MessagePack: an embedding keeps the dimensions it has.
 * @throws InvalidOptions when there is no such type, or when a constraint makes no sense or does not apply to it.
 */
export function describeType(name: string, constraints: Constraints, first: Uint8Array): VariableType {
  const described = compiledType(name, constraintsToJson(name, constraints));
  if (name !== "embedding" || described.constraints.dimensions !== undefined) return described;
  const value = decode(first);
  // What is no array fails for its type, whatever the dimensions.
  return json.isArray(value) ? compiledType(name, constraintsToJson(name, { ...constraints, dimensions: value.length })) : described;
}

function constraintsToJson(name: string, constraints: Constraints): string {
  const isObject: boolean = json.isObject(constraints);
  if (!isObject) throw new InvalidOptions({ option: "constraints", expected: "an object" });
  const given = Object.entries(constraints).filter(([, value]) => value !== undefined);
  const fault = json.notJson(Object.fromEntries(given), "constraints");
  if (fault !== undefined) throw new InvalidOptions({ option: fault, expected: "JSON" });
  if (!isBuiltIn(name) && constraints.schema === undefined) {
    throw new InvalidOptions({ option: "type", expected: `one of ${types.join(", ")}, or a name with a schema among the constraints` });
  }
  if (name === "choice" && constraints.choices === undefined) {
    throw new InvalidOptions({ option: "constraints.choices", expected: shapes.choices.expected });
  }
  return given.length === 0 ? "{}" : JSON.stringify(Object.fromEntries(given), refuseBigint);
}

/** Constraints are numbers to both languages as they are to JavaScript, which would not keep the digits of such an integer. */
function refuseBigint(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") throw new InvalidOptions({ option: "constraints", expected: "JSON without bigints" });
  return value;
}

/** Compiled descriptions, the one used last at the end. Many variables share one. */
const compiled = new Map<string, VariableType>();

/** The description that was kept or that came over the wire. Throws InvalidOptions as {@link describeType} does. */
export function compiledType(name: string, constraintsJson: string): VariableType {
  const key = `${name}\n${constraintsJson}`;
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const type = compile(name, constraintsJson);
  compiled.set(key, type);
  if (compiled.size > constants.compiledDescriptions) {
    for (const oldest of compiled.keys()) {
      compiled.delete(oldest);
      break;
    }
  }
  return type;
}

function compile(name: string, constraintsJson: string): VariableType {
  const kind = isBuiltIn(name) ? kinds[name] : custom;
  const constraints = parseConstraints(name, kind, constraintsJson);
  const checks = constraintChecks(name, constraints);
  return {
    name,
    constraintsJson,
    constraints,
    check(variable, value) {
      if (!kind.is(value)) throw new VariableInvalid({ variable, constraint: "type", expected: kind.expected });
      for (const check of checks) {
        const fault = check(value);
        if (fault !== undefined) throw new VariableInvalid({ variable, ...fault });
      }
    },
  };
}

function parseConstraints(name: string, kind: Kind, text: string): Constraints {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new InvalidOptions({ option: "constraints", expected: "a JSON object" }, { cause });
  }
  if (!json.isObject(parsed)) throw new InvalidOptions({ option: "constraints", expected: "a JSON object" });
  const allowed: readonly string[] = kind.allowed;
  for (const [constraint, value] of Object.entries(parsed)) {
    const option = `constraints.${constraint}`;
    if (!allowed.includes(constraint)) {
      throw new InvalidOptions({
        option,
        expected: `left out: those of ${name} are ${allowed.length > 0 ? allowed.join(", ") : "none"}`,
      });
    }
    const shape = Object.hasOwn(shapes, constraint) ? shapes[constraint as ConstraintName] : undefined;
    if (shape !== undefined && !shape.ok(value)) throw new InvalidOptions({ option, expected: shape.expected });
  }
  // Every property was held against its shape.
  return parsed as Constraints;
}

function constraintChecks(name: string, of: Constraints): readonly Check[] {
  const checks: Check[] = [];
  const add = (constraint: ConstraintName, expected: string, ok: (value: unknown) => boolean): void => {
    checks.push((value) => (ok(value) ? undefined : { constraint, expected }));
  };
  const unit = name === "string" ? "characters" : name === "bytes" ? "bytes" : "elements";
  const { min, max, min_length: shortest, max_length: longest, dimensions, choices } = of;
  // NaN is neither above nor below a bound, and so breaks both.
  if (min !== undefined) add("min", `at least ${min}`, (value) => json.isNumber(value) && value >= min);
  if (max !== undefined) add("max", `at most ${max}`, (value) => json.isNumber(value) && value <= max);
  if (shortest !== undefined) add("min_length", `at least ${shortest} ${unit} long`, (value) => lengthOf(value) >= shortest);
  if (longest !== undefined) add("max_length", `at most ${longest} ${unit} long`, (value) => lengthOf(value) <= longest);
  if (dimensions !== undefined) add("dimensions", `of ${dimensions} dimensions`, (value) => lengthOf(value) === dimensions);
  if (choices !== undefined) {
    const members = new Set<unknown>(choices);
    add("choices", `one of ${choices.map((choice) => JSON.stringify(choice)).join(", ")}`, (value) => members.has(value));
  }
  if (of.pattern !== undefined) {
    const pattern = compilePattern(of.pattern, "constraints.pattern");
    add("pattern", `text that matches ${of.pattern}`, (value) => json.isText(value) && pattern.test(value));
  }
  if (of.schema !== undefined) {
    const fits = compileSchema(of.schema);
    checks.push((value) => {
      const fault = fits(value);
      return fault === undefined
        ? undefined
        : { constraint: "schema", expected: `valid by its schema: ${fault.path} must be ${fault.expected}` };
    });
  }
  return checks;
}

function lengthOf(value: unknown): number {
  if (typeof value === "string") return json.textLength(value);
  return json.isArray(value) || value instanceof Uint8Array ? value.length : Number.NaN;
}

/**
 * JSON Schema (2020-12) of variables and of the arguments of host tools: what msgspec and Pydantic write about a type, and no more. A keyword that is not
 * known here is refused when the schema is given, so no value is taken that the schema's author meant to keep out. Python checks with the same keywords.
 *
 * Written here and not taken from a package: ajv evaluates text as code, @cfworker/json-schema refuses bigints, and both overlook keywords they do not know.
 */
import { InvalidOptions } from "../errors/index.ts";
import * as json from "./json.ts";

/** Where a value breaks its schema, and what it must be there. */
export interface SchemaFault {
  /** Leads to it inside the value, such as `$.rows[2]`. */
  readonly path: string;
  /** What the schema wants there. */
  readonly expected: string;
}

/** Says what is wrong with a value. Undefined means that it fits. */
export type SchemaCheck = (value: unknown) => SchemaFault | undefined;

type Rule = (value: unknown, path: string, depth: number) => SchemaFault | undefined;

/** References that lead back to themselves without going into the value would never end. */
const MAX_DEPTH = 1_000;
/** Said about the schema, not about the value. */
const ANNOTATIONS = new Set(
  "$schema $id $comment $anchor $defs definitions title description default examples deprecated readOnly writeOnly format discriminator".split(
    " ",
  ),
);

/** Compiles a schema. Throws InvalidOptions, which names the place in the schema and what is wrong with it. */
export function compileSchema(schema: unknown): SchemaCheck {
  const references = new Map<string, Rule>();
  const compile = (part: unknown, at: string): Rule => compileRule(part, at, { schema, references, compile });
  const rule = compile(schema, "schema");
  return (value) => rule(value, "$", 0);
}

interface Compiler {
  readonly schema: unknown;
  readonly references: Map<string, Rule>;
  readonly compile: (part: unknown, at: string) => Rule;
}

/** Keywords that others look at. */
interface Siblings {
  readonly properties?: unknown;
  readonly patternProperties?: unknown;
  readonly prefixItems?: unknown;
}

type Keyword = (argument: unknown, at: string, compiler: Compiler, siblings: Siblings) => Rule;

function compileRule(part: unknown, at: string, compiler: Compiler): Rule {
  if (part === true) return () => undefined;
  if (part === false) return (_, path) => ({ path, expected: "left out" });
  if (!json.isObject(part)) throw refuse(at, "an object or a boolean");
  const rules: Rule[] = [];
  for (const [keyword, argument] of Object.entries(part)) {
    if (ANNOTATIONS.has(keyword)) continue;
    const make = keywords.get(keyword);
    if (make === undefined) throw refuse(`${at}.${keyword}`, "left out: this keyword is not known");
    rules.push(make(argument, `${at}.${keyword}`, compiler, part));
  }
  return all(rules);
}

/** The first fault of several rules. */
const all =
  (rules: readonly Rule[]): Rule =>
  (value, path, depth) => {
    for (const rule of rules) {
      const fault = rule(value, path, depth);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };

const typeChecks: Readonly<Record<string, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  integer: (value) => typeof value === "bigint" || Number.isInteger(value),
  number: (value) => typeof value === "number" || typeof value === "bigint",
  string: (value) => typeof value === "string",
  array: Array.isArray,
  object: json.isObject,
};

/** A rule for values of one kind; others are none of its business, as JSON Schema has it. */
const when =
  <Value>(is: (value: unknown) => value is Value, holds: (value: Value) => boolean, expected: string): Rule =>
  (value, path) =>
    !is(value) || holds(value) ? undefined : { path, expected };

const limit =
  <Value>(is: (value: unknown) => value is Value, holds: (value: Value, bound: number) => boolean, words: string): Keyword =>
  (argument, at) => {
    if (typeof argument !== "number") throw refuse(at, "a number");
    return when(is, (value) => holds(value, argument), words.replace("#", String(argument)));
  };

const keywords: ReadonlyMap<string, Keyword> = new Map<string, Keyword>([
  [
    "type",
    (argument, at) => {
      const names = Array.isArray(argument) ? argument : [argument];
      const checks = names.map((name) => {
        const check = typeof name === "string" && Object.hasOwn(typeChecks, name) ? typeChecks[name] : undefined;
        if (check === undefined) throw refuse(at, `one of ${Object.keys(typeChecks).join(", ")}`);
        return check;
      });
      const expected = `of type ${names.join(" or ")}`;
      return (value, path) => (checks.some((check) => check(value)) ? undefined : { path, expected });
    },
  ],
  [
    "enum",
    (argument, at) => {
      if (!Array.isArray(argument)) throw refuse(at, "an array");
      const members = new Set(argument.map(json.canonical));
      const expected = `one of ${argument.map((member) => JSON.stringify(member)).join(", ")}`;
      return (value, path) => (members.has(json.canonical(value)) ? undefined : { path, expected });
    },
  ],
  [
    "const",
    (argument) => {
      const only = json.canonical(argument);
      return (value, path) => (json.canonical(value) === only ? undefined : { path, expected: JSON.stringify(argument) });
    },
  ],
  ["minimum", limit(json.isNumber, (value, bound) => value >= bound, "at least #")],
  ["maximum", limit(json.isNumber, (value, bound) => value <= bound, "at most #")],
  ["exclusiveMinimum", limit(json.isNumber, (value, bound) => value > bound, "above #")],
  ["exclusiveMaximum", limit(json.isNumber, (value, bound) => value < bound, "below #")],
  ["multipleOf", limit(json.isNumber, (value, bound) => Number.isInteger(Number(value) / bound), "a multiple of #")],
  ["minLength", limit(json.isText, (value, bound) => json.textLength(value) >= bound, "at least # characters long")],
  ["maxLength", limit(json.isText, (value, bound) => json.textLength(value) <= bound, "at most # characters long")],
  ["minItems", limit(json.isArray, (value, bound) => value.length >= bound, "at least # items long")],
  ["maxItems", limit(json.isArray, (value, bound) => value.length <= bound, "at most # items long")],
  ["minProperties", limit(json.isObject, (value, bound) => Object.keys(value).length >= bound, "an object of at least # properties")],
  ["maxProperties", limit(json.isObject, (value, bound) => Object.keys(value).length <= bound, "an object of at most # properties")],
  [
    "pattern",
    (argument, at) => {
      const pattern = compilePattern(argument, at);
      return when(json.isText, (value) => pattern.test(value), `text that matches ${pattern.source}`);
    },
  ],
  [
    "uniqueItems",
    (argument) =>
      when(
        json.isArray,
        (value) => argument !== true || new Set(value.map(json.canonical)).size === value.length,
        "an array without repetitions",
      ),
  ],
  [
    "required",
    (argument, at) => {
      if (!json.isArray(argument) || !argument.every(json.isText)) throw refuse(at, "an array of strings");
      return (value, path) => {
        const missing = json.isObject(value) ? argument.find((name) => !Object.hasOwn(value, name)) : undefined;
        return missing === undefined ? undefined : { path: json.childPath(path, missing), expected: "there" };
      };
    },
  ],
  [
    "properties",
    (argument, at, { compile }) => {
      const rules = Object.entries(object(argument, at)).map(([name, part]) => [name, compile(part, `${at}.${name}`)] as const);
      return (value, path, depth) => {
        if (!json.isObject(value)) return undefined;
        for (const [name, rule] of rules) {
          const fault = Object.hasOwn(value, name) ? rule(value[name], json.childPath(path, name), depth + 1) : undefined;
          if (fault !== undefined) return fault;
        }
        return undefined;
      };
    },
  ],
  [
    "patternProperties",
    (argument, at, { compile }) => {
      const rules = Object.entries(object(argument, at)).map(([source, part]) => [compilePattern(source, at), compile(part, at)] as const);
      return eachProperty((name, value, path, depth) => {
        for (const [pattern, rule] of rules) {
          const fault = pattern.test(name) ? rule(value, path, depth) : undefined;
          if (fault !== undefined) return fault;
        }
        return undefined;
      });
    },
  ],
  [
    "additionalProperties",
    (argument, at, { compile }, siblings) => {
      const known = new Set(json.isObject(siblings.properties) ? Object.keys(siblings.properties) : []);
      const patterns = json.isObject(siblings.patternProperties)
        ? Object.keys(siblings.patternProperties).map((source) => compilePattern(source, at))
        : [];
      const rule = compile(argument, at);
      return eachProperty((name, value, path, depth) =>
        known.has(name) || patterns.some((pattern) => pattern.test(name)) ? undefined : rule(value, path, depth),
      );
    },
  ],
  [
    "propertyNames",
    (argument, at, { compile }) => {
      const rule = compile(argument, at);
      return eachProperty((name, _, path, depth) => rule(name, path, depth));
    },
  ],
  [
    "prefixItems",
    (argument, at, { compile }) => {
      if (!json.isArray(argument)) throw refuse(at, "an array");
      const rules = argument.map((part, i) => compile(part, `${at}[${i}]`));
      return (value, path, depth) => {
        if (!json.isArray(value)) return undefined;
        for (const [i, rule] of rules.slice(0, value.length).entries()) {
          const fault = rule(value[i], `${path}[${i}]`, depth + 1);
          if (fault !== undefined) return fault;
        }
        return undefined;
      };
    },
  ],
  [
    "items",
    (argument, at, { compile }, siblings) => {
      const first = json.isArray(siblings.prefixItems) ? siblings.prefixItems.length : 0;
      const rule = compile(argument, at);
      return (value, path, depth) => {
        if (!json.isArray(value)) return undefined;
        for (let i = first; i < value.length; i++) {
          const fault = rule(value[i], `${path}[${i}]`, depth + 1);
          if (fault !== undefined) return fault;
        }
        return undefined;
      };
    },
  ],
  ["allOf", (argument, at, compiler) => all(parts(argument, at, compiler))],
  ["anyOf", (argument, at, compiler) => some(parts(argument, at, compiler), (fitting) => fitting > 0, "what one of several schemas wants")],
  [
    "oneOf",
    (argument, at, compiler) =>
      some(parts(argument, at, compiler), (fitting) => fitting === 1, "what exactly one of several schemas wants"),
  ],
  ["not", (argument, at, { compile }) => some([compile(argument, at)], (fitting) => fitting === 0, "something else")],
  ["$ref", reference],
]);

function parts(argument: unknown, at: string, { compile }: Compiler): Rule[] {
  if (!json.isArray(argument)) throw refuse(at, "an array");
  return argument.map((part, i) => compile(part, `${at}[${i}]`));
}

const some =
  (rules: readonly Rule[], enough: (fitting: number) => boolean, expected: string): Rule =>
  (value, path, depth) => {
    const faults = rules.map((rule) => rule(value, path, depth)).filter((fault) => fault !== undefined);
    if (enough(rules.length - faults.length)) return undefined;
    // With one way that is left over, what is wrong with it is the better answer.
    const deepest = faults.find((fault) => fault.path !== path);
    return deepest ?? { path, expected: faults.length > 0 ? faults.map((fault) => fault.expected).join(", or ") : expected };
  };

function eachProperty(rule: (name: string, value: unknown, path: string, depth: number) => SchemaFault | undefined): Rule {
  return (value, path, depth) => {
    if (!json.isObject(value)) return undefined;
    for (const [name, entry] of Object.entries(value)) {
      const fault = rule(name, entry, json.childPath(path, name), depth + 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

function reference(argument: unknown, at: string, { schema, references, compile }: Compiler): Rule {
  if (typeof argument !== "string" || !argument.startsWith("#")) throw refuse(at, 'a reference within the schema, such as "#/$defs/Name"');
  const follow: Rule = (value, path, depth) =>
    depth > MAX_DEPTH ? { path, expected: "nested less deep" } : references.get(argument)?.(value, path, depth + 1);
  if (!references.has(argument)) {
    // Put there before it is compiled, for a schema may refer to itself.
    references.set(argument, follow);
    references.set(argument, compile(lookUp(schema, argument, at), argument));
  }
  return follow;
}

function lookUp(schema: unknown, pointer: string, at: string): unknown {
  let part = schema;
  for (const step of pointer.slice(1).split("/").slice(1)) {
    const name = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
    part = json.isObject(part) && Object.hasOwn(part, name) ? part[name] : undefined;
  }
  if (part === undefined) throw refuse(at, `a reference to a part of the schema, which "${pointer}" is not`);
  return part;
}

function object(argument: unknown, at: string): Readonly<Record<string, unknown>> {
  if (!json.isObject(argument)) throw refuse(at, "an object");
  return argument;
}

/** A regular expression, to be found anywhere in the text. Throws InvalidOptions when it is none. */
export function compilePattern(source: unknown, at: string): RegExp {
  if (typeof source !== "string") throw refuse(at, "a regular expression");
  try {
    return new RegExp(source, "u");
  } catch (cause) {
    throw new InvalidOptions({ option: at, expected: "a regular expression" }, { cause });
  }
}

const refuse = (option: string, expected: string): InvalidOptions => new InvalidOptions({ option, expected });
